/* Pictures against pictures, and text on a picture through its pixels.
 *
 * Text is found by the shapes of a font: the one that the firmware on the board has built in (CircuitPython's
 * terminalio.FONT), or a font5x8.bin as Adafruit's framebuf library reads it. Every dot of every letter has to fit: the
 * dots that are set have one colour, the same for all letters, and the others have another one. It is looked for in
 * four directions and one to four times as large. What is cut off, covered, blended, or drawn with gaps of its own
 * between the letters is not found. */
#ifndef SESSION_COMPARE_H
#define SESSION_COMPARE_H

#include "emulator/project/picture.h"

#include <stddef.h>

struct session;

struct compare_result {
    bool same_size;
    uint64_t different; /* pixels; where the mask is black they do not count */
    unsigned x, y;      /* the first of them, row by row */
    uint32_t is, wanted;
    unsigned worst; /* levels of a colour that any pixel is off at most */
};

/* A pixel is different when red, green or blue are off by more than `tolerance` levels. `mask` may be NULL; a pixel
 * that is black in it does not count; it must have the size of `wanted`, or nothing is of the same size. */
void compare_pictures(const struct picture *actual, const struct picture *wanted, const struct picture *mask,
                      unsigned tolerance, struct compare_result *ret_result);

#define COMPARE_GLYPHS 512
#define COMPARE_ROWS 32

struct compare_glyph {
    uint32_t code;               /* Unicode */
    uint32_t rows[COMPARE_ROWS]; /* bit 0 is the left column */
};

struct compare_font {
    unsigned width, height; /* of a glyph's cell, dots */
    unsigned gap;           /* columns between two cells, in which nothing is expected */
    struct compare_glyph glyphs[COMPARE_GLYPHS];
    unsigned count;
};

/* The terminalio.FONT of the firmware that runs: looked for in its flash by the layout of the structures. False with an
 * error line when there is none, or not yet because the firmware has not started. */
bool compare_font_of_board(struct compare_font *font, struct session *session, struct error *error);
/* font5x8.bin: width, height, then a byte for each column of 256 glyphs. False with an error line. */
bool compare_font_of_file(struct compare_font *font, const uint8_t *bytes, size_t size, struct error *error);

struct compare_place {
    unsigned x, y;   /* of the text's beginning, on the turned picture */
    unsigned scale;  /* pixels a dot */
    unsigned turned; /* degrees clockwise by which the picture was turned for it */
    uint32_t colour;
};

/* UTF-8. False when it is not there, with an error line when it cannot be: a letter that the font does not have, or
 * nothing but blanks; else the line is empty. */
bool compare_find_text(const struct picture *picture, const struct compare_font *font, const char *text,
                       struct compare_place *ret_place, struct error *error);

#endif
