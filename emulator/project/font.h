/* A font of 5 x 7 dots for the printable characters of ASCII, with the letters of Latin-1 and a few signs. */
#ifndef PROJECT_FONT_H
#define PROJECT_FONT_H

#include <stddef.h>
#include <stdint.h>

#define FONT_WIDTH 5
#define FONT_HEIGHT 7
#define FONT_FIRST ' '
#define FONT_LAST '~'

/* Columns from the left, bit 0 is the top row. Any other character is a box. */
const uint8_t *font_glyph(char letter);
/* The same for the character at *text (UTF-8), which is moved to the next one. Capitals have no accents. */
void font_take_letter(const char **text, uint8_t ret_columns[FONT_WIDTH]);
/* How many letters a text has. */
size_t font_count_letters(const char *text);

#endif
