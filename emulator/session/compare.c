/* Pictures and text as compare.h tells it.
 *
 * CircuitPython's built-in font is a fontio_builtinfont_t in flash: type, bitmap, width, height, then the text of the
 * characters that are beyond ASCII. The bitmap is a displayio_bitmap_t in RAM: type, width and height, data, words a
 * row, one bit a dot, the left one highest in its unit (a word in CircuitPython 8, a byte from 9 on); glyphs stand side
 * by side, from the space on. (Seen in CircuitPython 8.2.9, 9.2.1 and 10.2.1.) */
#include "emulator/session/compare.h"

#include "emulator/chips/chip.h"
#include "emulator/session/session.h"
#include "peripherals/parts/w25q.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CODE 0x20
#define ASCII_GLYPHS 95
#define SCALES 4

/* ---- Pictures ---- */

static unsigned distance_of(uint32_t a, uint32_t b) {
    unsigned most = 0;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        int off = (int)(a >> shift & 0xff) - (int)(b >> shift & 0xff);
        unsigned levels = (unsigned)(off < 0 ? -off : off);
        most = levels > most ? levels : most;
    }
    return most;
}

static void count_pixel(const struct picture *actual, const struct picture *wanted, size_t at, unsigned tolerance,
                        struct compare_result *result) {
    unsigned levels = distance_of(actual->pixels[at], wanted->pixels[at]);
    result->worst = levels > result->worst ? levels : result->worst;
    if (levels <= tolerance) {
        return;
    }
    if (!result->different++) {
        result->x = (unsigned)(at % wanted->width);
        result->y = (unsigned)(at / wanted->width);
        result->is = actual->pixels[at] & 0xffffff;
        result->wanted = wanted->pixels[at] & 0xffffff;
    }
}

static bool is_as_large(const struct picture *a, const struct picture *b) {
    return a->width == b->width && a->height == b->height;
}

void compare_pictures(const struct picture *actual, const struct picture *wanted, const struct picture *mask,
                      unsigned tolerance, struct compare_result *ret_result) {
    *ret_result =
        (struct compare_result){ .same_size = is_as_large(actual, wanted) && (!mask || is_as_large(mask, wanted)) };
    size_t count = ret_result->same_size ? (size_t)wanted->width * wanted->height : 0;
    for (size_t at = 0; at < count; at++) {
        if (!mask || (mask->pixels[at] & 0xffffff)) {
            count_pixel(actual, wanted, at, tolerance, ret_result);
        }
    }
}

/* ---- Characters ---- */

/* The next character of a UTF-8 text; 0 at its end. A broken one counts as the byte that it is. */
static uint32_t take_code(const char **text) {
    const unsigned char *at = (const unsigned char *)*text;
    unsigned length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : at[0] >= 0xc0 ? 2 : 1;
    uint32_t code = length == 1 ? at[0] : at[0] & (0x7fu >> length);
    for (unsigned i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            *text += 1;
            return at[0];
        }
        code = code << 6 | (at[i] & 0x3f);
    }
    *text += at[0] ? length : 0;
    return code;
}

static const struct compare_glyph *find_glyph(const struct compare_font *font, uint32_t code) {
    for (unsigned i = 0; i < font->count; i++) {
        if (font->glyphs[i].code == code) {
            return &font->glyphs[i];
        }
    }
    return NULL;
}

/* ---- The font of the firmware ---- */

struct board_font {
    uint32_t type, bitmap;
    uint8_t width, height;
    uint16_t padding;
    uint32_t characters; /* address of UTF-8 text */
    uint16_t characters_length, end;
};

struct board_bitmap {
    uint32_t type;
    uint16_t width, height;
    uint32_t data;
    uint16_t stride;
    uint8_t bits, shift;
    uint32_t mask;
};

static bool is_in_flash(const struct w25q *flash, uint32_t address, uint32_t size) {
    uint32_t offset = address - CHIP_FLASH_BASE;
    return offset < flash->desc.size && size <= flash->desc.size - offset;
}

/* A font by its own fields, and the bitmap that it points to. */
static bool is_board_font(struct session *session, const struct board_font *font, struct board_bitmap *ret_bitmap) {
    const struct w25q *flash = machine_flash(session_machine(session));
    bool cell = font->width >= 4 && font->width <= 32 && font->height >= 6 && font->height <= COMPARE_ROWS;
    if (!cell || font->padding || font->characters_length > 4 * COMPARE_GLYPHS || font->type % 4 || font->bitmap % 4 ||
        !is_in_flash(flash, font->type, 4) || !is_in_flash(flash, font->characters, font->characters_length) ||
        !machine_peek(session_machine(session), font->bitmap, ret_bitmap, sizeof(*ret_bitmap))) {
        return false;
    }
    const struct board_bitmap *bitmap = ret_bitmap;
    bool units = (bitmap->shift == 3 && bitmap->mask == 7) || (bitmap->shift == 5 && bitmap->mask == 31);
    bool dots = bitmap->bits == 1 && units && bitmap->data % 4 == 0;
    unsigned glyphs = bitmap->width / font->width;
    return dots && bitmap->height == font->height && bitmap->width % font->width == 0 && glyphs >= ASCII_GLYPHS &&
           bitmap->stride >= (bitmap->width + 31) / 32 && is_in_flash(flash, bitmap->type, 4) &&
           is_in_flash(flash, bitmap->data, 4u * bitmap->stride * bitmap->height);
}

static bool find_board_font(struct session *session, struct board_font *ret_font, struct board_bitmap *ret_bitmap) {
    const struct w25q *flash = machine_flash(session_machine(session));
    for (uint32_t at = 0; at + sizeof(*ret_font) <= flash->desc.size; at += 4) {
        memcpy(ret_font, flash->contents + at, sizeof(*ret_font));
        if (is_board_font(session, ret_font, ret_bitmap)) {
            return true;
        }
    }
    return false;
}

static bool dot_at(const struct board_bitmap *bitmap, const uint8_t *data, unsigned x, unsigned row) {
    const uint8_t *line = data + 4 * (size_t)row * bitmap->stride;
    uint32_t word = line[x / 8];
    if (bitmap->shift == 5) {
        memcpy(&word, line + x / 32 * 4, sizeof(word));
    }
    return word >> (bitmap->mask - (x & bitmap->mask)) & 1;
}

static void take_glyph(struct compare_font *font, const struct board_bitmap *bitmap, const uint8_t *data,
                       unsigned index, uint32_t code) {
    struct compare_glyph *glyph = &font->glyphs[font->count++];
    *glyph = (struct compare_glyph){ .code = code };
    for (unsigned row = 0; row < font->height; row++) {
        for (unsigned column = 0; column < font->width; column++) {
            glyph->rows[row] |= (uint32_t)dot_at(bitmap, data, index * font->width + column, row) << column;
        }
    }
}

bool compare_font_of_board(struct compare_font *font, struct session *session, struct error *error) {
    const struct w25q *flash = machine_flash(session_machine(session));
    struct board_font found;
    struct board_bitmap bitmap;
    *font = (struct compare_font){ 0 };
    if (!find_board_font(session, &found, &bitmap)) {
        error_set(error,
                  "this firmware has no built-in font that can be found (is it CircuitPython, and does it run?)");
        return false;
    }
    const uint8_t *data = flash->contents + (bitmap.data - CHIP_FLASH_BASE);
    const char *more = (const char *)flash->contents + (found.characters - CHIP_FLASH_BASE);
    const char *end = more + found.characters_length;
    font->width = found.width;
    font->height = found.height;
    unsigned glyphs = bitmap.width / found.width;
    for (unsigned i = 0; i < glyphs && i < COMPARE_GLYPHS; i++) {
        uint32_t code = i < ASCII_GLYPHS ? FIRST_CODE + i : more + 4 <= end ? take_code(&more) : 0;
        if (code) {
            take_glyph(font, &bitmap, data, i, code);
        }
    }
    return true;
}

bool compare_font_of_file(struct compare_font *font, const uint8_t *bytes, size_t size, struct error *error) {
    *font = (struct compare_font){ 0 };
    if (size < 2 || !bytes[0] || bytes[0] > 32 || bytes[1] != 8 || size < 2 + 256u * bytes[0]) {
        error_set(error, "is no font as font5x8.bin is one: width, height 8, and columns of 256 letters");
        return false;
    }
    font->width = bytes[0];
    font->height = 8;
    font->gap = 1;
    font->count = 256;
    for (unsigned code = 0; code < 256; code++) {
        font->glyphs[code].code = code;
        for (unsigned i = 0; i < font->width * 8; i++) {
            unsigned column = i % font->width, row = i / font->width;
            font->glyphs[code].rows[row] |= (uint32_t)(bytes[2 + code * font->width + column] >> row & 1) << column;
        }
    }
    return true;
}

/* ---- Text ---- */

/* What is looked for, dot by dot: rows of bytes, 1 for a dot that is set. */
struct shape {
    unsigned width, height;
    uint8_t *dots;
};

static bool draw_shape(const struct compare_font *font, const char *text, struct shape *shape, struct error *error) {
    unsigned x = 0;
    bool any = false;
    for (const char *at = text; *at; x += font->width + font->gap) {
        char letter[8] = "";
        const char *from = at;
        const struct compare_glyph *glyph = find_glyph(font, take_code(&at));
        if (!glyph) {
            memcpy(letter, from, (size_t)(at - from) < sizeof(letter) ? (size_t)(at - from) : 1);
            error_set(error, "the font has no letter \"%s\"", letter);
            return false;
        }
        for (unsigned i = 0; i < font->width * font->height; i++) {
            unsigned column = i % font->width, row = i / font->width;
            uint8_t dot = glyph->rows[row] >> column & 1;
            shape->dots[(size_t)row * shape->width + x + column] = dot;
            any |= dot;
        }
    }
    error_set(error, any ? "%s" : "%sblanks alone cannot be found", "");
    return any;
}

static bool make_shape(const struct compare_font *font, const char *text, struct shape *shape, struct error *error) {
    size_t letters = 0;
    for (const char *at = text; *at; letters++) {
        take_code(&at);
    }
    *shape = (struct shape){ .height = font->height };
    if (!letters || letters > 1000) {
        error_set(error, "a text of 1 to 1000 letters can be found");
        return false;
    }
    shape->width = (unsigned)letters * (font->width + font->gap) - font->gap;
    shape->dots = calloc(shape->width, shape->height);
    if (!shape->dots) {
        error_set(error, "out of memory");
        return false;
    }
    bool ok = draw_shape(font, text, shape, error);
    if (!ok) {
        free(shape->dots);
        shape->dots = NULL;
    }
    return ok;
}

/* Whether every pixel of the dots fits; the colour is that of the first dot that is set. */
static bool fits_at(const struct picture *picture, const struct shape *shape, unsigned x, unsigned y, unsigned scale,
                    uint32_t *ret_colour) {
    const uint8_t *first = memchr(shape->dots, 1, (size_t)shape->width * shape->height);
    unsigned at = (unsigned)(first - shape->dots);
    size_t place = (size_t)(y + at / shape->width * scale) * picture->width + x + at % shape->width * scale;
    uint32_t colour = picture->pixels[place];
    for (unsigned row = 0; row < shape->height * scale; row++) {
        const uint32_t *pixels = picture->pixels + (size_t)(y + row) * picture->width + x;
        const uint8_t *dots = shape->dots + (size_t)(row / scale) * shape->width;
        for (unsigned column = 0; column < shape->width * scale; column++) {
            if ((pixels[column] == colour) != dots[column / scale]) {
                return false;
            }
        }
    }
    *ret_colour = colour;
    return true;
}

static bool find_shape(const struct picture *picture, const struct shape *shape, struct compare_place *place) {
    for (unsigned scale = 1; scale <= SCALES; scale++) {
        unsigned width = shape->width * scale, height = shape->height * scale;
        for (unsigned y = 0; y + height <= picture->height; y++) {
            for (unsigned x = 0; x + width <= picture->width; x++) {
                if (fits_at(picture, shape, x, y, scale, &place->colour)) {
                    place->x = x;
                    place->y = y;
                    place->scale = scale;
                    return true;
                }
            }
        }
    }
    return false;
}

/* The picture turned clockwise by so many quarters. */
static bool turn_quarters(const struct picture *from, unsigned quarters, struct picture *ret_picture) {
    bool across = quarters % 2;
    if (!picture_init(ret_picture, across ? from->height : from->width, across ? from->width : from->height, 0)) {
        return false;
    }
    for (unsigned y = 0; y < from->height; y++) {
        for (unsigned x = 0; x < from->width; x++) {
            unsigned right = from->width - 1 - x, down = from->height - 1 - y;
            unsigned to_x = quarters == 0 ? x : quarters == 1 ? down : quarters == 2 ? right : y;
            unsigned to_y = quarters == 0 ? y : quarters == 1 ? x : quarters == 2 ? down : right;
            ret_picture->pixels[(size_t)to_y * ret_picture->width + to_x] = from->pixels[(size_t)y * from->width + x];
        }
    }
    return true;
}

bool compare_find_text(const struct picture *picture, const struct compare_font *font, const char *text,
                       struct compare_place *ret_place, struct error *error) {
    struct shape shape;
    bool found = false;
    if (!make_shape(font, text, &shape, error)) {
        return false;
    }
    for (unsigned quarters = 0; quarters < 4 && !found; quarters++) {
        struct picture turned;
        if (turn_quarters(picture, quarters, &turned)) {
            ret_place->turned = 90 * quarters;
            found = find_shape(&turned, &shape, ret_place);
            picture_finish(&turned);
        }
    }
    free(shape.dots);
    return found;
}
