/* Letters of the window from tables of dots or, smooth, from a font file (FreeType). */
#include "gui/font.h"

#include <stddef.h>

#include "font_data.h"

static const struct {
    const struct font *fonts;
    unsigned count;
} faces[FONT_FACES] = {
    [FONT_SANS] = { font_sans, sizeof(font_sans) / sizeof(font_sans[0]) },
    [FONT_MONO] = { font_mono, sizeof(font_mono) / sizeof(font_mono[0]) },
};

const struct font *font_find(enum font_face face, double size) {
    const struct font *best = &faces[face].fonts[0];
    for (unsigned i = 0; i < faces[face].count; i++) {
        if (faces[face].fonts[i].size <= size) {
            best = &faces[face].fonts[i];
        }
    }
    return best;
}

/* Below all others: what a font has instead of a letter that it does not have. */
static const struct font_letter nothing = { 0 };

static const struct font_letter *look_up(const struct font *font, uint32_t code) {
    unsigned low = 0, high = font->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (font->letters[middle].code < code) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < font->count && font->letters[low].code == code ? &font->letters[low] : NULL;
}

const struct font_letter *font_letter(const struct font *font, uint32_t code) {
    static const uint32_t instead[] = { 0xfffd, 0x25a1, '?' };
    const struct font_letter *letter = look_up(font, code);
    for (unsigned i = 0; !letter && i < 3; i++) {
        letter = look_up(font, instead[i]);
    }
    return letter ? letter : &nothing;
}

/* Length of the sequence that a byte begins; 0: none. */
static unsigned sequence(uint8_t first) {
    return first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
}

uint32_t font_next(const char **text) {
    const uint8_t *bytes = (const uint8_t *)*text;
    unsigned length = sequence(bytes[0]);
    if (length <= 1) {
        *text += bytes[0] != 0;
        return length ? bytes[0] : 0xfffd;
    }
    uint32_t code = bytes[0] & (0xffu >> (length + 1));
    for (unsigned i = 1; i < length; i++) {
        if (bytes[i] >> 6 != 2) {
            *text += i;
            return 0xfffd;
        }
        code = code << 6 | (bytes[i] & 0x3f);
    }
    *text += length;
    return code;
}

int font_width(const struct font *font, const char *text) {
    int width = 0;
    for (uint32_t code = font_next(&text); code; code = font_next(&text)) {
        width += font_letter(font, code)->advance;
    }
    return width;
}
