/* At build time: rasterise TrueType files into C tables for font.c. Usage: font_make SANS.ttf MONO.ttf OUT.c
 *
 * Which letters: those of the languages of western Europe, and the signs that a terminal or a physical unit uses. */
#include <ft2build.h>
#include FT_FREETYPE_H

#include <stdint.h>
#include <stdio.h>

static const unsigned sizes[] = { 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32 };
static const struct {
    uint32_t first, last;
} ranges[] = {
    { 0x20, 0x7e },     { 0xa0, 0xff },     { 0x152, 0x153 },   { 0x3a9, 0x3a9 },   { 0x3bc, 0x3bc },
    { 0x2013, 0x2014 }, { 0x2018, 0x201d }, { 0x2022, 0x2022 }, { 0x2026, 0x2026 }, { 0x20ac, 0x20ac },
    { 0x2190, 0x2193 }, { 0x21bb, 0x21bb }, { 0x2500, 0x259f }, { 0x25a0, 0x25a1 }, { 0x25b2, 0x25b6 },
    { 0x25bc, 0x25bd }, { 0x25c0, 0x25c0 }, { 0x25cb, 0x25cb }, { 0x25cf, 0x25cf }, { 0x2713, 0x2713 },
    { 0xfffd, 0xfffd },
};

struct letter {
    uint32_t code;
    int left, top;
    unsigned width, height, advance;
    unsigned long offset;
};

#define LETTERS_MAX 600

static unsigned put_coverage(FILE *out, const FT_Bitmap *bitmap, unsigned long *offset) {
    for (unsigned y = 0; y < bitmap->rows; y++) {
        for (unsigned x = 0; x < bitmap->width; x++) {
            fprintf(out, "%u,%s", bitmap->buffer[(int)y * bitmap->pitch + (int)x], ++*offset % 32 ? "" : "\n");
        }
    }
    return bitmap->rows;
}

/* Returns how many letters there are. */
static unsigned put_size(FILE *out, FT_Face face, int ascent, struct letter *letters, unsigned long *offset) {
    unsigned count = 0;
    for (unsigned r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
        for (uint32_t code = ranges[r].first; code <= ranges[r].last && count < LETTERS_MAX; code++) {
            if (!FT_Get_Char_Index(face, code) || FT_Load_Char(face, code, FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT)) {
                continue;
            }
            FT_GlyphSlot glyph = face->glyph;
            letters[count++] = (struct letter){
                .code = code,
                .left = glyph->bitmap_left,
                .top = ascent - glyph->bitmap_top,
                .width = glyph->bitmap.width,
                .height = glyph->bitmap.rows,
                .advance = (unsigned)(glyph->advance.x + 32) >> 6,
                .offset = *offset,
            };
            put_coverage(out, &glyph->bitmap, offset);
        }
    }
    return count;
}

static int put_face(FILE *out, FT_Library library, const char *name, const char *path) {
    FT_Face face;
    if (FT_New_Face(library, path, 0, &face)) {
        fprintf(stderr, "font_make: %s cannot be read\n", path);
        return 1;
    }
    static struct letter letters[sizeof(sizes) / sizeof(sizes[0])][LETTERS_MAX];
    unsigned counts[sizeof(sizes) / sizeof(sizes[0])];
    struct {
        int ascent, height, capital;
    } lines[sizeof(sizes) / sizeof(sizes[0])];
    unsigned long offset = 0;
    fprintf(out, "static const uint8_t %s_coverage[] = {\n", name);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        FT_Set_Pixel_Sizes(face, 0, sizes[i]);
        lines[i].ascent = (int)(face->size->metrics.ascender + 32) >> 6;
        lines[i].height = lines[i].ascent - (int)((face->size->metrics.descender - 32) / 64);
        FT_Load_Char(face, 'H', FT_LOAD_RENDER | FT_LOAD_TARGET_LIGHT);
        lines[i].capital = face->glyph->bitmap_top;
        counts[i] = put_size(out, face, lines[i].ascent, letters[i], &offset);
    }
    fprintf(out, "0};\n");
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        fprintf(out, "static const struct font_letter %s_%u[] = {\n", name, sizes[i]);
        for (unsigned k = 0; k < counts[i]; k++) {
            const struct letter *l = &letters[i][k];
            fprintf(out, "{%u,%d,%d,%u,%u,%u,%lu},\n", l->code, l->left, l->top, l->width, l->height, l->advance,
                    l->offset);
        }
        fprintf(out, "};\n");
    }
    fprintf(out, "static const struct font %s[] = {\n", name);
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        fprintf(out, "{%u,%d,%d,%d,%s_%u,%u,%s_coverage},\n", sizes[i], lines[i].ascent, lines[i].height,
                lines[i].capital, name, sizes[i], counts[i], name);
    }
    fprintf(out, "};\n");
    FT_Done_Face(face);
    return 0;
}

int main(int argc, char **argv) {
    FT_Library library;
    FILE *out = argc == 4 ? fopen(argv[3], "w") : NULL;
    if (!out || FT_Init_FreeType(&library)) {
        fprintf(stderr, "usage: font_make SANS.ttf MONO.ttf OUT\n");
        return 1;
    }
    fprintf(out, "/* Rasterised DejaVu fonts, based on Bitstream Vera, Copyright (c) 2003 by Bitstream, Inc.;\n"
                 " * DejaVu changes are in public domain. */\n");
    int code = put_face(out, library, "font_sans", argv[1]) | put_face(out, library, "font_mono", argv[2]);
    FT_Done_FreeType(library);
    return fclose(out) || code;
}
