/* Pictures in memory: 0x00RRGGBB, row by row, and the few ways of drawing that a board with parts needs. Everything is
 * exact to the pixel on every machine. */
#ifndef PROJECT_PICTURE_H
#define PROJECT_PICTURE_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_SIDE_MAX 8192
#define PICTURE_CLEAR 0xff000000u /* a pixel that lets through what is below, for picture_turn() */

struct picture {
    unsigned width, height;
    uint32_t *pixels;
};

/* All in one colour. False when memory runs out or a side is 0 or over PICTURE_SIDE_MAX. */
bool picture_init(struct picture *picture, unsigned width, unsigned height, uint32_t colour);
void picture_finish(struct picture *picture);

/* Everything may lie outside in part or as a whole. */
void picture_rectangle(struct picture *picture, double x, double y, double width, double height, uint32_t colour);
/* An ellipse that fills its box. */
void picture_disc(struct picture *picture, double x, double y, double width, double height, uint32_t colour);
void picture_line(struct picture *picture, double x0, double y0, double x1, double y1, double width, uint32_t colour);
/* ASCII letters of the built-in font, `zoom` pixels a dot, 6 x 8 dots a letter. */
void picture_text(struct picture *picture, double x, double y, unsigned zoom, uint32_t colour, const char *text);
/* Pixels of another picture, `zoom` times as large. */
void picture_copy(struct picture *picture, int x, int y, const struct picture *from, unsigned zoom);
/* The other picture turned clockwise about its middle by so many degrees; its upper left corner would be at x, y
 * without. */
void picture_turn(struct picture *picture, double x, double y, const struct picture *from, double degrees);

/* The file of a picture without anything that changes from run to run. False with an error line. */
bool picture_save(const struct picture *picture, const char *path, struct error *error);
/* The same in memory, to be freed. False with an error line. */
bool picture_encode(const struct picture *picture, uint8_t **ret_bytes, size_t *ret_size, struct error *error);
/* The picture of a PNG file's bytes; where it is transparent it is black. False with an error line. */
bool picture_decode(struct picture *picture, const uint8_t *bytes, size_t size, struct error *error);

#endif
