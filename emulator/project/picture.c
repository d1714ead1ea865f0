/* Pictures in memory, and as PNG files (libpng). */
#include "emulator/project/picture.h"

#include "emulator/project/font.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool picture_init(struct picture *picture, unsigned width, unsigned height, uint32_t colour) {
    *picture = (struct picture){ .width = width, .height = height };
    if (!width || !height || width > PICTURE_SIDE_MAX || height > PICTURE_SIDE_MAX) {
        return false;
    }
    picture->pixels = malloc((size_t)width * height * sizeof(*picture->pixels));
    for (size_t i = 0; picture->pixels && i < (size_t)width * height; i++) {
        picture->pixels[i] = colour;
    }
    return picture->pixels != NULL;
}

void picture_finish(struct picture *picture) {
    free(picture->pixels);
    *picture = (struct picture){ 0 };
}

/* ---- Shapes ---- */

/* The pixels whose middles lie in [from, from + length), cut to the picture. */
struct span {
    int first, last; /* last is not in it */
};

static struct span span_of(double from, double length, unsigned size) {
    double first = ceil(from - 0.5), last = ceil(from + length - 0.5);
    first = first > 0 ? first : 0;
    last = last < size ? last : size;
    return (struct span){ (int)fmin(first, size), (int)fmax(last, 0) };
}

void picture_rectangle(struct picture *picture, double x, double y, double width, double height, uint32_t colour) {
    struct span columns = span_of(x, width, picture->width), rows = span_of(y, height, picture->height);
    for (int row = rows.first; row < rows.last; row++) {
        uint32_t *pixels = picture->pixels + (size_t)row * picture->width;
        for (int column = columns.first; column < columns.last; column++) {
            pixels[column] = colour;
        }
    }
}

void picture_disc(struct picture *picture, double x, double y, double width, double height, uint32_t colour) {
    struct span columns = span_of(x, width, picture->width), rows = span_of(y, height, picture->height);
    for (int row = rows.first; row < rows.last; row++) {
        double dy = (row + 0.5 - y) / height * 2 - 1;
        uint32_t *pixels = picture->pixels + (size_t)row * picture->width;
        for (int column = columns.first; column < columns.last; column++) {
            double dx = (column + 0.5 - x) / width * 2 - 1;
            if (dx * dx + dy * dy <= 1) {
                pixels[column] = colour;
            }
        }
    }
}

void picture_line(struct picture *picture, double x0, double y0, double x1, double y1, double width, uint32_t colour) {
    double half = width / 2, dx = x1 - x0, dy = y1 - y0, square = dx * dx + dy * dy;
    struct span columns = span_of(fmin(x0, x1) - half, fabs(dx) + width, picture->width);
    struct span rows = span_of(fmin(y0, y1) - half, fabs(dy) + width, picture->height);
    for (int row = rows.first; row < rows.last; row++) {
        for (int column = columns.first; column < columns.last; column++) {
            double px = column + 0.5 - x0, py = row + 0.5 - y0;
            double along = square > 0 ? (px * dx + py * dy) / square : 0;
            along = along < 0 ? 0 : along > 1 ? 1 : along;
            double ox = px - along * dx, oy = py - along * dy;
            if (ox * ox + oy * oy <= half * half) {
                picture->pixels[(size_t)row * picture->width + (size_t)column] = colour;
            }
        }
    }
}

void picture_text(struct picture *picture, double x, double y, unsigned zoom, uint32_t colour, const char *text) {
    x = floor(x + 0.5);
    y = floor(y + 0.5);
    for (; *text; x += (FONT_WIDTH + 1) * zoom) {
        uint8_t glyph[FONT_WIDTH];
        font_take_letter(&text, glyph);
        for (unsigned i = 0; i < FONT_WIDTH * FONT_HEIGHT; i++) {
            unsigned column = i % FONT_WIDTH, row = i / FONT_WIDTH;
            if (glyph[column] >> row & 1) {
                picture_rectangle(picture, x + column * zoom, y + row * zoom, zoom, zoom, colour);
            }
        }
    }
}

/* ---- Pictures in pictures ---- */
void picture_copy(struct picture *picture, int x, int y, const struct picture *from, unsigned zoom) {
    struct span columns = span_of(x, from->width * zoom, picture->width);
    struct span rows = span_of(y, from->height * zoom, picture->height);
    for (int row = rows.first; row < rows.last; row++) {
        const uint32_t *source = from->pixels + (size_t)((unsigned)(row - y) / zoom) * from->width;
        uint32_t *pixels = picture->pixels + (size_t)row * picture->width;
        for (int column = columns.first; column < columns.last; column++) {
            pixels[column] = source[(unsigned)(column - x) / zoom];
        }
    }
}

/* Quarter turns are exact. */
static void sine_and_cosine(double degrees, double *ret_sine, double *ret_cosine) {
    double quarters = degrees / 90;
    if (quarters == floor(quarters)) {
        static const int sines[] = { 0, 1, 0, -1 };
        int quarter = (int)fmod(quarters, 4);
        *ret_sine = sines[(quarter + 4) % 4];
        *ret_cosine = sines[(quarter + 5) % 4];
        return;
    }
    *ret_sine = sin(degrees * M_PI / 180);
    *ret_cosine = cos(degrees * M_PI / 180);
}

void picture_turn(struct picture *picture, double x, double y, const struct picture *from, double degrees) {
    double sine, cosine, width = from->width, height = from->height;
    sine_and_cosine(degrees, &sine, &cosine);
    double cx = x + width / 2, cy = y + height / 2;
    double w = fabs(width * cosine) + fabs(height * sine), h = fabs(width * sine) + fabs(height * cosine);
    struct span columns = span_of(cx - w / 2, w, picture->width), rows = span_of(cy - h / 2, h, picture->height);
    for (int row = rows.first; row < rows.last; row++) {
        for (int column = columns.first; column < columns.last; column++) {
            double dx = column + 0.5 - cx, dy = row + 0.5 - cy;
            double u = floor(dx * cosine + dy * sine + width / 2), v = floor(dy * cosine - dx * sine + height / 2);
            if (!(u >= 0 && v >= 0 && u < width && v < height)) {
                continue;
            }
            uint32_t pixel = from->pixels[(size_t)v * from->width + (size_t)u];
            if (!(pixel & PICTURE_CLEAR)) {
                picture->pixels[(size_t)row * picture->width + (size_t)column] = pixel;
            }
        }
    }
}

/* ---- Files ---- */
#ifdef HAVE_PNG
#include <png.h>

static uint8_t *to_bytes(const struct picture *picture) {
    size_t count = (size_t)picture->width * picture->height;
    uint8_t *bytes = malloc(count * 3);
    for (size_t i = 0; bytes && i < count; i++) {
        bytes[3 * i] = (uint8_t)(picture->pixels[i] >> 16);
        bytes[3 * i + 1] = (uint8_t)(picture->pixels[i] >> 8);
        bytes[3 * i + 2] = (uint8_t)picture->pixels[i];
    }
    return bytes;
}

/* Closes the file. `error` is set in either case. */
static bool write_png(const struct picture *picture, FILE *file, struct error *error) {
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = picture->width, .height = picture->height, .format = PNG_FORMAT_RGB
    };
    uint8_t *bytes = to_bytes(picture);
    bool ok = bytes && png_image_write_to_stdio(&image, file, 0, bytes, 0, NULL);
    ok &= fclose(file) == 0;
    error_set(error, "%s", !bytes ? "out of memory" : image.message[0] ? image.message : strerror(errno));
    free(bytes);
    return ok;
}

bool picture_encode(const struct picture *picture, uint8_t **ret_bytes, size_t *ret_size, struct error *error) {
    char *bytes = NULL;
    FILE *file = open_memstream(&bytes, ret_size);
    if (!file) {
        error_set(error, "out of memory");
        return false;
    }
    bool ok = write_png(picture, file, error);
    *ret_bytes = ok ? (uint8_t *)bytes : NULL;
    if (!ok) {
        free(bytes);
    }
    return ok;
}

/* A part of a picture is worse than none. */
static bool write_picture(const char *path, const uint8_t *bytes, size_t size) {
    struct stat status;
    FILE *file = fopen(path, "wb");
    if (!file) {
        return false;
    }
    errno = 0;
    bool ok = fwrite(bytes, 1, size, file) == size;
    int why = errno;
    ok = fclose(file) == 0 && ok;
    why = why ? why : errno;
    if (!ok && lstat(path, &status) == 0 && S_ISREG(status.st_mode)) {
        unlink(path);
    }
    errno = why;
    return ok;
}

bool picture_save(const struct picture *picture, const char *path, struct error *error) {
    struct error why;
    uint8_t *bytes;
    size_t size;
    if (!picture_encode(picture, &bytes, &size, &why)) {
        error_set(error, "%s: %s", path, why.message);
        return false;
    }
    bool ok = write_picture(path, bytes, size);
    if (!ok) {
        error_set(error, "%s: %s", path, strerror(errno));
    }
    free(bytes);
    return ok;
}

static bool read_png(struct picture *picture, png_image *image, uint8_t *bytes, struct error *error) {
    if (!bytes || !png_image_finish_read(image, &(png_color){ 0, 0, 0 }, bytes, 0, NULL)) {
        error_set(error, "%s", image->message[0] ? image->message : "out of memory");
        png_image_free(image);
        return false;
    }
    if (!picture_init(picture, image->width, image->height, 0)) {
        error_set(error, "out of memory");
        return false;
    }
    for (size_t i = 0; i < (size_t)image->width * image->height; i++) {
        picture->pixels[i] = (uint32_t)bytes[3 * i] << 16 | (uint32_t)bytes[3 * i + 1] << 8 | bytes[3 * i + 2];
    }
    return true;
}

bool picture_decode(struct picture *picture, const uint8_t *bytes, size_t size, struct error *error) {
    png_image image = { .version = PNG_IMAGE_VERSION };
    *picture = (struct picture){ 0 };
    if (!png_image_begin_read_from_memory(&image, bytes, size)) {
        error_set(error, "%s", image.message);
        return false;
    }
    if (image.width > PICTURE_SIDE_MAX || image.height > PICTURE_SIDE_MAX) {
        error_set(error, "a side has more than %d pixels", PICTURE_SIDE_MAX);
        png_image_free(&image);
        return false;
    }
    image.format = PNG_FORMAT_RGB;
    uint8_t *pixels = malloc((size_t)image.width * image.height * 3);
    bool ok = read_png(picture, &image, pixels, error);
    free(pixels);
    return ok;
}

#else

bool picture_save(const struct picture *picture, const char *path, struct error *error) {
    error_set(error, "%s: this ouroboard was built without libpng and cannot write pictures", path);
    return false;
}

bool picture_encode(const struct picture *picture, uint8_t **ret_bytes, size_t *ret_size, struct error *error) {
    error_set(error, "this ouroboard was built without libpng and cannot write pictures");
    return false;
}

bool picture_decode(struct picture *picture, const uint8_t *bytes, size_t size, struct error *error) {
    error_set(error, "this ouroboard was built without libpng and cannot read pictures");
    return false;
}

#endif
