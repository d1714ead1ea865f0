/* A font of 5 x 7 dots for the printable characters of ASCII. */
#ifndef PROJECT_FONT_H
#define PROJECT_FONT_H

#include <stdint.h>

#define FONT_WIDTH 5
#define FONT_HEIGHT 7
#define FONT_FIRST ' '
#define FONT_LAST '~'

/* Columns from the left, bit 0 is the top row. Any other character is a box. */
const uint8_t *font_glyph(char letter);

#endif
