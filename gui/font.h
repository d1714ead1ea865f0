/* Letters for the window: two typefaces in the sizes that a screen needs, made from free fonts when the program is
 * built (font_make.c), or, where there are none, the dots of pictures (font_make_dots.c). */
#ifndef GUI_FONT_H
#define GUI_FONT_H

#include <stdbool.h>
#include <stdint.h>

enum font_face { FONT_SANS, FONT_MONO, FONT_FACES };

struct font_letter {
    uint32_t code;
    int8_t left, top; /* of the coverage, from the pen and from the upper edge of the line */
    uint8_t width, height, advance;
    uint32_t offset; /* in the coverage */
};

struct font {
    unsigned size; /* pixels: what the letters are called; a capital is about 0.73 of it high */
    int ascent, height;
    int capital;                       /* height of a capital */
    const struct font_letter *letters; /* by code */
    unsigned count;
    const uint8_t *coverage; /* 0 to 255, row by row */
};

/* The largest that is not above `size`, or the smallest there is. */
const struct font *font_find(enum font_face face, double size);
/* A letter that the font does not have is a box. */
const struct font_letter *font_letter(const struct font *font, uint32_t code);
int font_width(const struct font *font, const char *text);
/* The next character of UTF-8; broken bytes are U+FFFD. 0 at the end. */
uint32_t font_next(const char **text);

#endif
