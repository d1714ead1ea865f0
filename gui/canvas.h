/* Drawing into memory, with smooth edges: filled polygons, discs, lines and letters on pixels 0x00RRGGBB. All lengths
 * are pixels, x to the right, y down; angles are degrees clockwise. Everything may lie outside in part or as a whole.
 * What is drawn depends on the arguments alone, never on the machine. */
#ifndef GUI_CANVAS_H
#define GUI_CANVAS_H

#include "gui/font.h"

#include <stdbool.h>
#include <stdint.h>

struct box {
    int x0, y0, x1, y1; /* from the first to behind the last pixel; empty when x1 <= x0 or y1 <= y0 */
};

struct point {
    double x, y;
};

struct canvas {
    int width, height;
    uint32_t *pixels;
    struct box clip; /* nothing is changed outside */
};

#define CANVAS_POINTS 96 /* corners of a polygon at most */

/* False when memory runs out; the canvas is then empty and fine to draw on. Black. */
bool canvas_init(struct canvas *canvas, int width, int height);
void canvas_finish(struct canvas *canvas);

/* ---- Boxes ---- */
bool box_is_empty(struct box box);
struct box box_common(struct box a, struct box b);
/* The smallest that holds both. */
struct box box_both(struct box a, struct box b);
bool box_holds(struct box box, int x, int y);
/* Clips to `box` within the canvas; returns the clip before. */
struct box canvas_clip(struct canvas *canvas, struct box box);

/* ---- Drawing. `alpha`: 0 to 255 is the share of the new colour. ---- */
void canvas_fill(struct canvas *canvas, struct box box, uint32_t colour);
void canvas_polygon(struct canvas *canvas, const struct point *points, unsigned count, uint32_t colour, unsigned alpha);
/* An ellipse that fills the rectangle. */
void canvas_disc(struct canvas *canvas, double x, double y, double width, double height, uint32_t colour,
                 unsigned alpha);
/* With round corners of this radius. */
void canvas_rectangle(struct canvas *canvas, double x, double y, double width, double height, double radius,
                      uint32_t colour, unsigned alpha);
/* With round ends. */
void canvas_line(struct canvas *canvas, struct point from, struct point to, double width, uint32_t colour,
                 unsigned alpha);
/* A circle's line, from an angle over another; 0 is at the top. */
void canvas_arc(struct canvas *canvas, struct point middle, double radius, double from, double over, double width,
                uint32_t colour, unsigned alpha);
/* A light in the dark: strongest in the middle, nothing at the radius. */
void canvas_glow(struct canvas *canvas, struct point middle, double radius, uint32_t colour, unsigned alpha);
/* UTF-8 from its upper left corner; returns how far it went. */
int canvas_text(struct canvas *canvas, const struct font *font, int x, int y, uint32_t colour, const char *text);
void canvas_letter(struct canvas *canvas, const struct font *font, int x, int y, uint32_t colour, uint32_t letter);
/* The same turned about its upper left corner. Quarter turns are exact. */
void canvas_text_turned(struct canvas *canvas, const struct font *font, struct point at, double degrees,
                        uint32_t colour, const char *text);
/* Pixels of `from` in `box` to the same place here. */
void canvas_copy(struct canvas *canvas, const struct canvas *from, struct box box);
/* Pixels turned about the middle of where they go, each `zoom` pixels large; a zoom below 1 takes averages. All are
 * multiplied with brightness, 0 to 1. Quarter turns with a whole zoom are exact. */
void canvas_image(struct canvas *canvas, struct point middle, double zoom, double degrees, const uint32_t *pixels,
                  unsigned width, unsigned height, double brightness);

uint32_t colour_mix(uint32_t from, uint32_t to, unsigned alpha);
/* 0 black, 256 as it is, 512 white. */
uint32_t colour_shade(uint32_t colour, unsigned shade);

#endif
