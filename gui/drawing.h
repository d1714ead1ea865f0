/* The board, its parts and wires on a canvas: what stays as it is (bodies, lettering, pins) is drawn once for a scale,
 * what parts show is drawn over it whenever it changes. Lengths of the diagram's plane are mm. */
#ifndef GUI_DRAWING_H
#define GUI_DRAWING_H

#include "emulator/project/scene.h"
#include "gui/canvas.h"
#include "gui/feed.h"

#define DRAWING_BACKGROUND 0xe6eaee

/* Where the diagram's plane is on the canvas. */
struct drawing {
    const struct project *project;
    double scale; /* pixels a millimetre */
    double x, y;  /* pixels: where the plane's origin is */
};

struct point drawing_pixel(const struct drawing *drawing, const struct project_part *part, double x, double y);
/* Where a pixel is on the face of a part. */
struct point drawing_face(const struct drawing *drawing, const struct project_part *part, struct point pixel);
/* What a rectangle of a part's face covers, with what shines out of it. */
struct box drawing_box(const struct drawing *drawing, const struct project_part *part, double x, double y, double width,
                       double height);
struct box drawing_view_box(const struct drawing *drawing, const struct project_part *part,
                            const struct part_view *view);

/* Bodies, shapes, pins; within the canvas's clip, as all of the following. */
void drawing_still(const struct drawing *drawing, struct canvas *canvas);
void drawing_view(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                  const struct part_view *view);
void drawing_wires(const struct drawing *drawing, struct canvas *canvas);
/* The wires of the pin's net, so that they stand out. */
void drawing_net(const struct drawing *drawing, struct canvas *canvas, uint32_t part, unsigned pin);
/* A ring about a pin. */
void drawing_pin_mark(const struct drawing *drawing, struct canvas *canvas, uint32_t part, unsigned pin);

/* The part that is seen at a pixel, UINT32_MAX when there is none. */
uint32_t drawing_part_at(const struct drawing *drawing, struct point pixel);
/* The pin of the part within reach of a pixel, or -1. */
int drawing_pin_at(const struct drawing *drawing, uint32_t part, struct point pixel);
/* The whole number of pixels that a dot of a screen is wide, or the fraction when it is below 1. */
double drawing_zoom(const struct drawing *drawing, const struct part_view *view);

#endif
