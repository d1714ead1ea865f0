/* Coverage of polygons: SUB lines a row of pixels, exact along each line. A curve is a polygon whose sides are shorter
 * than anybody sees. */
#include "gui/canvas.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUB 8
#define LINE_FULL 256

bool canvas_init(struct canvas *canvas, int width, int height) {
    *canvas = (struct canvas){ 0 };
    canvas->pixels = width > 0 && height > 0 ? calloc((size_t)width * (size_t)height, sizeof(uint32_t)) : NULL;
    if (!canvas->pixels) {
        return false;
    }
    canvas->width = width;
    canvas->height = height;
    canvas->clip = (struct box){ 0, 0, width, height };
    return true;
}

void canvas_finish(struct canvas *canvas) {
    free(canvas->pixels);
    *canvas = (struct canvas){ 0 };
}

/* ---- Boxes ---- */
bool box_is_empty(struct box box) {
    return box.x1 <= box.x0 || box.y1 <= box.y0;
}

static int smaller(int a, int b) {
    return a < b ? a : b;
}

static int larger(int a, int b) {
    return a > b ? a : b;
}

struct box box_common(struct box a, struct box b) {
    return (struct box){ larger(a.x0, b.x0), larger(a.y0, b.y0), smaller(a.x1, b.x1), smaller(a.y1, b.y1) };
}

struct box box_both(struct box a, struct box b) {
    if (box_is_empty(a) || box_is_empty(b)) {
        return box_is_empty(a) ? b : a;
    }
    return (struct box){ smaller(a.x0, b.x0), smaller(a.y0, b.y0), larger(a.x1, b.x1), larger(a.y1, b.y1) };
}

bool box_holds(struct box box, int x, int y) {
    return x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1;
}

struct box canvas_clip(struct canvas *canvas, struct box box) {
    struct box before = canvas->clip;
    canvas->clip = box_common(box, (struct box){ 0, 0, canvas->width, canvas->height });
    return before;
}

/* ---- Colours ---- */
uint32_t colour_mix(uint32_t from, uint32_t to, unsigned alpha) {
    uint32_t a = alpha + (alpha >> 7);
    uint32_t rb = (from & 0xff00ff) * (256 - a) + (to & 0xff00ff) * a;
    uint32_t g = (from & 0x00ff00) * (256 - a) + (to & 0x00ff00) * a;
    return (rb >> 8 & 0xff00ff) | (g >> 8 & 0x00ff00);
}

uint32_t colour_shade(uint32_t colour, unsigned shade) {
    return shade < 256 ? colour_mix(0, colour, shade) : colour_mix(colour, 0xffffff, shade > 511 ? 255 : shade - 256);
}

/* ---- Polygons ---- */
void canvas_fill(struct canvas *canvas, struct box box, uint32_t colour) {
    box = box_common(box, canvas->clip);
    for (int y = box.y0; y < box.y1; y++) {
        uint32_t *row = canvas->pixels + (size_t)y * (size_t)canvas->width;
        for (int x = box.x0; x < box.x1; x++) {
            row[x] = colour;
        }
    }
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static unsigned crossings(const struct point *points, unsigned count, double y, double *ret_x) {
    unsigned found = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct point *a = &points[i], *b = &points[(i + 1) % count];
        if ((a->y <= y) != (b->y <= y)) {
            ret_x[found++] = a->x + (y - a->y) / (b->y - a->y) * (b->x - a->x);
        }
    }
    qsort(ret_x, found, sizeof(*ret_x), by_value);
    return found;
}

/* Add the part of each pixel that lies between two places on a line. `row` begins at pixel `first`. */
static void cover(uint16_t *row, int first, int end, double from, double to) {
    from = fmax(from, first) - first;
    to = fmin(to, end) - first;
    if (to <= from) {
        return;
    }
    int a = (int)from, b = (int)to;
    if (a == b) {
        row[a] += (uint16_t)lround((to - from) * LINE_FULL);
        return;
    }
    row[a] += (uint16_t)lround((a + 1 - from) * LINE_FULL);
    for (int x = a + 1; x < b; x++) {
        row[x] += LINE_FULL;
    }
    if (to > b) {
        row[b] += (uint16_t)lround((to - b) * LINE_FULL);
    }
}

static struct box bounds(const struct point *points, unsigned count) {
    double x0 = points[0].x, x1 = x0, y0 = points[0].y, y1 = y0;
    for (unsigned i = 1; i < count; i++) {
        x0 = fmin(x0, points[i].x);
        x1 = fmax(x1, points[i].x);
        y0 = fmin(y0, points[i].y);
        y1 = fmax(y1, points[i].y);
    }
    double far = 1 << 20;
    x0 = fmax(fmin(x0, far), -far);
    x1 = fmax(fmin(x1, far), -far);
    y0 = fmax(fmin(y0, far), -far);
    y1 = fmax(fmin(y1, far), -far);
    return (struct box){ (int)floor(x0), (int)floor(y0), (int)ceil(x1), (int)ceil(y1) };
}

void canvas_polygon(struct canvas *canvas, const struct point *points, unsigned count, uint32_t colour,
                    unsigned alpha) {
    if (count < 3 || count > CANVAS_POINTS) {
        return;
    }
    struct box box = box_common(bounds(points, count), canvas->clip);
    uint16_t *row = box_is_empty(box) ? NULL : malloc((size_t)(box.x1 - box.x0 + 1) * sizeof(*row));
    for (int y = box.y0; row && y < box.y1; y++) {
        memset(row, 0, (size_t)(box.x1 - box.x0 + 1) * sizeof(*row));
        for (unsigned sub = 0; sub < SUB; sub++) {
            double x[CANVAS_POINTS];
            unsigned found = crossings(points, count, y + (sub + 0.5) / SUB, x);
            for (unsigned i = 0; i + 1 < found; i += 2) {
                cover(row, box.x0, box.x1, x[i], x[i + 1]);
            }
        }
        uint32_t *pixels = canvas->pixels + (size_t)y * (size_t)canvas->width;
        for (int x = box.x0; x < box.x1; x++) {
            unsigned share = row[x - box.x0] * alpha / (SUB * LINE_FULL);
            if (share) {
                pixels[x] = colour_mix(pixels[x], colour, share > 255 ? 255 : share);
            }
        }
    }
    free(row);
}

/* `count` corners on an ellipse's line, from an angle over another; 0 degrees is at the top. */
static void ring(struct point *points, unsigned count, struct point middle, double rx, double ry, double from,
                 double over) {
    for (unsigned i = 0; i < count; i++) {
        double angle = (from + over * i / (count - 1)) * M_PI / 180;
        points[i] = (struct point){ middle.x + rx * sin(angle), middle.y - ry * cos(angle) };
    }
}

static unsigned corners(double radius, double degrees, unsigned most) {
    double count = 3 + sqrt(fabs(radius)) * 6 * fabs(degrees) / 360;
    return count > most ? most : (unsigned)count;
}

void canvas_disc(struct canvas *canvas, double x, double y, double width, double height, uint32_t colour,
                 unsigned alpha) {
    struct point points[CANVAS_POINTS];
    unsigned count = corners(fmax(width, height), 360, CANVAS_POINTS);
    ring(points, count, (struct point){ x + width / 2, y + height / 2 }, width / 2, height / 2, 0, 360);
    canvas_polygon(canvas, points, count, colour, alpha);
}

void canvas_rectangle(struct canvas *canvas, double x, double y, double width, double height, double radius,
                      uint32_t colour, unsigned alpha) {
    struct point points[CANVAS_POINTS];
    radius = fmin(radius, fmin(width, height) / 2);
    unsigned n = radius > 0 ? corners(radius, 180, CANVAS_POINTS / 4) : 1;
    for (unsigned i = 0; i < 4; i++) {
        struct point middle = { i == 0 || i == 3 ? x + radius : x + width - radius,
                                i < 2 ? y + radius : y + height - radius };
        if (n > 1) {
            ring(points + i * n, n, middle, radius, radius, 270 + 90.0 * i, 90);
        } else {
            points[i] = middle;
        }
    }
    canvas_polygon(canvas, points, 4 * n, colour, alpha);
}

void canvas_line(struct canvas *canvas, struct point from, struct point to, double width, uint32_t colour,
                 unsigned alpha) {
    struct point points[CANVAS_POINTS];
    unsigned n = corners(width, 360, CANVAS_POINTS / 2);
    double angle = atan2(to.y - from.y, to.x - from.x) * 180 / M_PI;
    ring(points, n, to, width / 2, width / 2, angle, 180);
    ring(points + n, n, from, width / 2, width / 2, angle + 180, 180);
    canvas_polygon(canvas, points, 2 * n, colour, alpha);
}

void canvas_arc(struct canvas *canvas, struct point middle, double radius, double from, double over, double width,
                uint32_t colour, unsigned alpha) {
    struct point points[CANVAS_POINTS];
    unsigned n = corners(radius, 2 * over, CANVAS_POINTS / 2);
    ring(points, n, middle, radius + width / 2, radius + width / 2, from, over);
    ring(points + n, n, middle, radius - width / 2, radius - width / 2, from + over, -over);
    canvas_polygon(canvas, points, 2 * n, colour, alpha);
}

void canvas_glow(struct canvas *canvas, struct point middle, double radius, uint32_t colour, unsigned alpha) {
    struct box box = { (int)floor(middle.x - radius), (int)floor(middle.y - radius), (int)ceil(middle.x + radius),
                       (int)ceil(middle.y + radius) };
    box = box_common(box, canvas->clip);
    for (int y = box.y0; y < box.y1; y++) {
        uint32_t *row = canvas->pixels + (size_t)y * (size_t)canvas->width;
        for (int x = box.x0; x < box.x1; x++) {
            double dx = x + 0.5 - middle.x, dy = y + 0.5 - middle.y;
            double near = 1 - (dx * dx + dy * dy) / (radius * radius);
            if (near > 0) {
                row[x] = colour_mix(row[x], colour, (unsigned)(near * near * alpha));
            }
        }
    }
}

/* ---- Letters ---- */
void canvas_letter(struct canvas *canvas, const struct font *font, int x, int y, uint32_t colour, uint32_t code) {
    const struct font_letter *letter = font_letter(font, code);
    x += letter->left;
    y += letter->top;
    struct box box = box_common((struct box){ x, y, x + letter->width, y + letter->height }, canvas->clip);
    for (int row = box.y0; row < box.y1; row++) {
        const uint8_t *coverage = font->coverage + letter->offset + (row - y) * letter->width;
        uint32_t *pixels = canvas->pixels + (size_t)row * (size_t)canvas->width;
        for (int i = box.x0; i < box.x1; i++) {
            if (coverage[i - x]) {
                pixels[i] = colour_mix(pixels[i], colour, coverage[i - x]);
            }
        }
    }
}

int canvas_text(struct canvas *canvas, const struct font *font, int x, int y, uint32_t colour, const char *text) {
    int start = x;
    for (uint32_t code = font_next(&text); code; code = font_next(&text)) {
        canvas_letter(canvas, font, x, y, colour, code);
        x += font_letter(font, code)->advance;
    }
    return x - start;
}

void canvas_text_turned(struct canvas *canvas, const struct font *font, struct point at, double degrees,
                        uint32_t colour, const char *text) {
    if (degrees == 0) {
        canvas_text(canvas, font, (int)lround(at.x), (int)lround(at.y), colour, text);
        return;
    }
    struct canvas line;
    int width = font_width(font, text), height = font->height;
    if (!canvas_init(&line, width, height)) {
        return;
    }
    canvas_text(&line, font, 0, 0, 0xff, text);
    double c = cos(degrees * M_PI / 180), s = sin(degrees * M_PI / 180);
    struct point far[4] = { at,
                            { at.x + c * width, at.y + s * width },
                            { at.x - s * height, at.y + c * height },
                            { at.x + c * width - s * height, at.y + s * width + c * height } };
    struct box box = box_common(bounds(far, 4), canvas->clip);
    for (int y = box.y0; y < box.y1; y++) {
        for (int x = box.x0; x < box.x1; x++) {
            double dx = x + 0.5 - round(at.x), dy = y + 0.5 - round(at.y);
            int u = (int)floor(c * dx + s * dy), v = (int)floor(-s * dx + c * dy);
            if (u >= 0 && v >= 0 && u < width && v < height) {
                uint32_t *pixel = &canvas->pixels[(size_t)y * (size_t)canvas->width + (size_t)x];
                *pixel = colour_mix(*pixel, colour, line.pixels[v * width + u] & 0xff);
            }
        }
    }
    canvas_finish(&line);
}

/* ---- Pictures ---- */
void canvas_copy(struct canvas *canvas, const struct canvas *from, struct box box) {
    box = box_common(box_common(box, canvas->clip), (struct box){ 0, 0, from->width, from->height });
    for (int y = box.y0; y < box.y1 && box.x0 < box.x1; y++) {
        memcpy(canvas->pixels + (size_t)y * (size_t)canvas->width + box.x0,
               from->pixels + (size_t)y * (size_t)from->width + box.x0, (size_t)(box.x1 - box.x0) * sizeof(uint32_t));
    }
}

/* The average of a square of pixels about u, v. */
static uint32_t average(const uint32_t *pixels, int width, int height, double u, double v, double side) {
    int u0 = larger(0, (int)(u - side / 2)), u1 = smaller(width, larger(u0 + 1, (int)(u + side / 2)));
    int v0 = larger(0, (int)(v - side / 2)), v1 = smaller(height, larger(v0 + 1, (int)(v + side / 2)));
    uint32_t r = 0, g = 0, b = 0, n = 0;
    for (int y = v0; y < v1; y++) {
        for (int x = u0; x < u1; x++, n++) {
            uint32_t pixel = pixels[y * width + x];
            r += pixel >> 16 & 0xff;
            g += pixel >> 8 & 0xff;
            b += pixel & 0xff;
        }
    }
    return n ? r / n << 16 | g / n << 8 | b / n : 0;
}

static void image_row(struct canvas *canvas, int y, struct box box, struct point middle, const double turn[2],
                      double zoom, const uint32_t *pixels, int width, int height, unsigned shade) {
    uint32_t *row = canvas->pixels + (size_t)y * (size_t)canvas->width;
    for (int x = box.x0; x < box.x1; x++) {
        double dx = (x + 0.5 - middle.x) / zoom, dy = (y + 0.5 - middle.y) / zoom;
        double u = turn[0] * dx + turn[1] * dy + width / 2.0, v = turn[0] * dy - turn[1] * dx + height / 2.0;
        if (u >= 0 && v >= 0 && u < width && v < height) {
            uint32_t pixel =
                zoom >= 1 ? pixels[(int)v * width + (int)u] : average(pixels, width, height, u, v, 1 / zoom);
            row[x] = shade < 256 ? colour_shade(pixel, shade) : pixel;
        }
    }
}

void canvas_image(struct canvas *canvas, struct point middle, double zoom, double degrees, const uint32_t *pixels,
                  unsigned width, unsigned height, double brightness) {
    double quarter = degrees / 90;
    double turn[2] = { cos(degrees * M_PI / 180), sin(degrees * M_PI / 180) };
    if (quarter == floor(quarter)) {
        turn[0] = round(turn[0]);
        turn[1] = round(turn[1]);
    }
    double half_x = (fabs(turn[0]) * width + fabs(turn[1]) * height) * zoom / 2;
    double half_y = (fabs(turn[1]) * width + fabs(turn[0]) * height) * zoom / 2;
    if (quarter == floor(quarter) && zoom == floor(zoom)) { /* whole pixels */
        middle.x = round(middle.x - half_x) + half_x;
        middle.y = round(middle.y - half_y) + half_y;
    }
    struct box box = { (int)floor(middle.x - half_x), (int)floor(middle.y - half_y), (int)ceil(middle.x + half_x),
                       (int)ceil(middle.y + half_y) };
    box = box_common(box, canvas->clip);
    for (int y = box.y0; y < box.y1; y++) {
        image_row(canvas, y, box, middle, turn, zoom, pixels, (int)width, (int)height, (unsigned)(brightness * 256));
    }
}
