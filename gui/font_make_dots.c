/* At build time, where FreeType or the fonts are missing: the tables of font_make.c from the letters of pictures, each
 * dot a square of pixels. Usage: font_make_dots OUT */
#include "emulator/project/font.h"

#include <stdio.h>

#define LINE 10 /* dots from line to line */
#define TOP 1   /* dots above a letter */
#define ZOOMS 4

static void put_coverage(FILE *out) {
    fprintf(out, "static const uint8_t dots_coverage[] = {\n");
    for (unsigned zoom = 1; zoom <= ZOOMS; zoom++) {
        for (int letter = FONT_FIRST; letter <= FONT_LAST; letter++) {
            const uint8_t *columns = font_glyph((char)letter);
            for (unsigned i = 0; i < FONT_HEIGHT * zoom * FONT_WIDTH * zoom; i++) {
                unsigned x = i % (FONT_WIDTH * zoom) / zoom, y = i / (FONT_WIDTH * zoom) / zoom;
                fprintf(out, "%u,", columns[x] >> y & 1 ? 255 : 0);
            }
            fprintf(out, "\n");
        }
    }
    fprintf(out, "0};\n");
}

static void put_letters(FILE *out) {
    unsigned offset = 0;
    for (unsigned zoom = 1; zoom <= ZOOMS; zoom++) {
        fprintf(out, "static const struct font_letter dots_%u[] = {\n", zoom);
        for (int letter = FONT_FIRST; letter <= FONT_LAST; letter++) {
            fprintf(out, "{%d,0,%u,%u,%u,%u,%u},\n", letter, TOP * zoom, FONT_WIDTH * zoom, FONT_HEIGHT * zoom,
                    (FONT_WIDTH + 1) * zoom, offset);
            offset += FONT_HEIGHT * zoom * FONT_WIDTH * zoom;
        }
        fprintf(out, "};\n");
    }
}

static void put_fonts(FILE *out, const char *name) {
    fprintf(out, "static const struct font %s[] = {\n", name);
    for (unsigned zoom = 1; zoom <= ZOOMS; zoom++) {
        fprintf(out, "{%u,%u,%u,%u,dots_%u,%u,dots_coverage},\n", zoom * LINE, (TOP + FONT_HEIGHT) * zoom, LINE * zoom,
                FONT_HEIGHT * zoom, zoom, FONT_LAST - FONT_FIRST + 1u);
    }
    fprintf(out, "};\n");
}

int main(int argc, char **argv) {
    FILE *out = argc == 2 ? fopen(argv[1], "w") : NULL;
    if (!out) {
        fprintf(stderr, "usage: font_make_dots OUT\n");
        return 1;
    }
    put_coverage(out);
    put_letters(out);
    put_fonts(out, "font_sans");
    put_fonts(out, "font_mono");
    return fclose(out) != 0;
}
