/* Looks: a light plane with a raster of 0.1 inch, bodies with a shadow, wires with a dark rim over everything. Shapes
 * that are not turned lie on whole pixels. */
#include "gui/drawing.h"

#include <math.h>
#include <string.h>

#define RASTER_MM 2.54
#define RASTER_COLOUR 0xd3d9df
#define SHADOW_MM 0.9
#define WIRE_MM 0.62
#define PIN_MM 0.55 /* radius */
#define PIN_REACH_MM 1.2
#define CORNER_MM 0.8
#define GLOW 2.4 /* times a light's size */
#define SMALLEST_LETTERS 6
#define LABEL_MM 1.2

/* ---- Places ---- */
struct point drawing_pixel(const struct drawing *drawing, const struct project_part *part, double x, double y) {
    struct scene_point place = scene_place(part, x, y);
    return (struct point){ place.x * drawing->scale + drawing->x, place.y * drawing->scale + drawing->y };
}

struct point drawing_face(const struct drawing *drawing, const struct project_part *part, struct point pixel) {
    double half_width = project_part_face(part)->width / 2, half_height = project_part_face(part)->height / 2;
    double dx = (pixel.x - drawing->x) / drawing->scale - part->from->left - half_width;
    double dy = (pixel.y - drawing->y) / drawing->scale - part->from->top - half_height;
    double angle = part->from->rotate * M_PI / 180;
    return (struct point){ half_width + dx * cos(angle) + dy * sin(angle),
                           half_height - dx * sin(angle) + dy * cos(angle) };
}

static bool is_straight(const struct project_part *part) {
    return fmod(part->from->rotate, 90) == 0;
}

static void corners(const struct drawing *drawing, const struct project_part *part, double x, double y, double width,
                    double height, struct point ret[4]) {
    ret[0] = drawing_pixel(drawing, part, x, y);
    ret[1] = drawing_pixel(drawing, part, x + width, y);
    ret[2] = drawing_pixel(drawing, part, x + width, y + height);
    ret[3] = drawing_pixel(drawing, part, x, y + height);
    for (unsigned i = 0; i < 4 && is_straight(part); i++) {
        ret[i] = (struct point){ round(ret[i].x), round(ret[i].y) };
    }
}

static void include(struct box *box, struct point point, double margin) {
    struct box more = { (int)floor(point.x - margin), (int)floor(point.y - margin), (int)ceil(point.x + margin) + 1,
                        (int)ceil(point.y + margin) + 1 };
    *box = box_both(*box, more);
}

struct box drawing_box(const struct drawing *drawing, const struct project_part *part, double x, double y, double width,
                       double height) {
    struct point points[4];
    struct box box = { 0 };
    corners(drawing, part, x, y, width, height, points);
    for (unsigned i = 0; i < 4; i++) {
        include(&box, points[i], 1);
    }
    return box;
}

struct box drawing_view_box(const struct drawing *drawing, const struct project_part *part,
                            const struct part_view *view) {
    double more = view->kind == PART_LIGHT ? fmax(view->width, view->height) * (GLOW - 1) / 2 : 0;
    return drawing_box(drawing, part, view->x - more, view->y - more, view->width + 2 * more, view->height + 2 * more);
}

/* ---- Faces ---- */
static void fill(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                 const struct part_shape *shape) {
    struct point points[4];
    corners(drawing, part, shape->x, shape->y, shape->width, shape->height, points);
    canvas_polygon(canvas, points, 4, shape->colour, 255);
}

static void disc(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                 const struct part_shape *shape) {
    struct point middle = drawing_pixel(drawing, part, shape->x + shape->width / 2, shape->y + shape->height / 2);
    bool across = fmod(part->from->rotate + 45, 180) >= 90;
    double width = (across ? shape->height : shape->width) * drawing->scale;
    double height = (across ? shape->width : shape->height) * drawing->scale;
    canvas_disc(canvas, middle.x - width / 2, middle.y - height / 2, width, height, shape->colour, 255);
}

/* The largest font up to this one in which the text is no wider, or the smallest there is. */
static const struct font *narrower(const struct font *font, const char *text, double width) {
    while (font_width(font, text) > width) {
        const struct font *smaller = font_find(FONT_SANS, font->size - 1);
        if (smaller == font) {
            break;
        }
        font = smaller;
    }
    return font;
}

/* A box of lettering is an estimate: what it stands at stays clear, which is the left end in a face's left half, the
 * right end in the right half, and nothing in the middle. */
static double indent(const struct part_face *face, const struct part_shape *shape, double width) {
    double off = shape->x + shape->width / 2 - face->width / 2, spare = shape->width - width;
    return shape->width <= 0 || off < -1 ? 0 : off > 1 ? spare : spare / 2;
}

static void letter(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                   const struct part_shape *shape) {
    double height = shape->height * drawing->scale, mm = 1 / drawing->scale;
    const struct font *font = font_find(FONT_SANS, fmax(height * 1.25, SMALLEST_LETTERS));
    if (!shape->text || height < SMALLEST_LETTERS - 1.5) {
        return;
    }
    double down = (shape->height - font->capital * mm) / 2 - (font->ascent - font->capital) * mm;
    double right = indent(project_part_face(part), shape, font_width(font, shape->text) * mm);
    struct point at = drawing_pixel(drawing, part, shape->x + right, shape->y + down);
    canvas_text_turned(canvas, font, at, part->from->rotate, shape->colour, shape->text);
}

static void rounded(struct point *points, const struct drawing *drawing, const struct project_part *part, double grow,
                    double shift) {
    const struct part_face *face = project_part_face(part);
    double w = face->width + grow, h = face->height + grow, r = CORNER_MM;
    for (unsigned i = 0; i < 4; i++) {
        double x = i == 0 || i == 3 ? r - grow : w - r, y = i < 2 ? r - grow : h - r;
        for (unsigned k = 0; k < 6; k++) {
            double angle = (270 + 90.0 * i + 18.0 * k) * M_PI / 180;
            struct point *point = &points[i * 6 + k];
            *point = drawing_pixel(drawing, part, x + r * sin(angle), y - r * cos(angle));
            point->x += shift * drawing->scale * 0.6;
            point->y += shift * drawing->scale;
        }
    }
}

static void body(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part) {
    struct point points[24];
    uint32_t colour = part->class->colour;
    if (colour == PART_NO_BODY) {
        return;
    }
    for (unsigned i = 0; i < 4; i++) { /* a soft shadow in four layers */
        rounded(points, drawing, part, SHADOW_MM * (0.3 - 0.2 * i), SHADOW_MM * 0.6);
        canvas_polygon(canvas, points, 24, 0x203040, 22);
    }
    rounded(points, drawing, part, 0, 0);
    canvas_polygon(canvas, points, 24, colour_shade(colour, 176), 255);
    rounded(points, drawing, part, -1.2 / drawing->scale, 0);
    canvas_polygon(canvas, points, 24, colour_shade(colour, 300), 255);
    rounded(points, drawing, part, -2.6 / drawing->scale, 0);
    canvas_polygon(canvas, points, 24, colour, 255);
}

static bool is_lettered(const struct part_face *face, const char *text) {
    for (unsigned i = 0; i < face->shape_count; i++) {
        if (face->shapes[i].kind == PART_LETTERING && face->shapes[i].text && strcmp(face->shapes[i].text, text) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_covered(const struct part_face *face, const struct part_pin *pin) {
    return pin->x > 3 && pin->x < face->width - 3 && pin->y > 3 && pin->y < face->height - 3;
}

static bool has_neighbour(const struct part_class *class, const struct part_pin *pin) {
    for (unsigned i = 0; class->pins[i].name; i++) {
        const struct part_pin *other = &class->pins[i];
        if (other != pin && fabs(other->y - pin->y) < 0.5 && fabs(other->x - pin->x) < 3) {
            return true;
        }
    }
    return false;
}

/* A name that the class's lettering does not have, on the face beside its pin. Pins in a row along x get theirs
 * upright above or below. */
static void label(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                  const struct part_pin *pin) {
    const struct part_class *class = part->class;
    const struct part_face *face = project_part_face(part);
    bool row = has_neighbour(class, pin), low = pin->y > face->height / 2, right = pin->x > face->width / 2;
    const struct font *font = font_find(FONT_SANS, LABEL_MM * drawing->scale);
    if (row) {
        font = narrower(font, pin->name, RASTER_MM * drawing->scale - 1);
    }
    double width = font_width(font, pin->name) / drawing->scale, height = font->height / drawing->scale;
    if (is_lettered(face, pin->name) || LABEL_MM * drawing->scale < 6.5 || class->colour == PART_NO_BODY) {
        return;
    }
    double x = right ? pin->x - 1.1 - width : pin->x + 1.1, y = pin->y - height / 2;
    if (row) {
        x = pin->x - width / 2;
        y = low ? pin->y - PIN_MM - 0.25 - font->ascent / drawing->scale : pin->y + PIN_MM;
    }
    canvas_text_turned(canvas, font, drawing_pixel(drawing, part, x, y), part->from->rotate, 0xf4f6f8, pin->name);
}

static void pins(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part) {
    const struct part_class *class = part->class;
    for (unsigned i = 0; class->pins[i].name; i++) {
        const struct part_pin *pin = &class->pins[i];
        if (is_covered(project_part_face(part), pin)) {
            continue;
        }
        struct point at = drawing_pixel(drawing, part, pin->x, pin->y);
        double r = PIN_MM * drawing->scale;
        canvas_disc(canvas, at.x - r, at.y - r, 2 * r, 2 * r, 0xd9b24a, 255);
        canvas_disc(canvas, at.x - r * 0.5, at.y - r * 0.5, r, r, 0x4a3c14, 255);
        label(drawing, canvas, part, pin);
    }
}

static void whole(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part) {
    const struct part_face *face = project_part_face(part);
    body(drawing, canvas, part);
    for (unsigned i = 0; i < face->shape_count; i++) {
        const struct part_shape *shape = &face->shapes[i];
        (shape->kind == PART_RECTANGLE ? fill : shape->kind == PART_DISC ? disc : letter)(drawing, canvas, part, shape);
    }
    pins(drawing, canvas, part);
}

static void raster(const struct drawing *drawing, struct canvas *canvas) {
    double step = RASTER_MM * drawing->scale;
    while (step < 12) {
        step *= 2;
    }
    double left = fmod(drawing->x, step), top = fmod(drawing->y, step);
    for (double y = top < 0 ? top + step : top; y < canvas->height; y += step) {
        for (double x = left < 0 ? left + step : left; x < canvas->width; x += step) {
            canvas_fill(canvas, (struct box){ (int)x, (int)y, (int)x + 2, (int)y + 2 }, RASTER_COLOUR);
        }
    }
}

void drawing_still(const struct drawing *drawing, struct canvas *canvas) {
    canvas_fill(canvas, canvas->clip, DRAWING_BACKGROUND);
    raster(drawing, canvas);
    for (unsigned i = 0; i < drawing->project->part_count; i++) {
        if (!drawing->project->parts[i].from->hide) {
            whole(drawing, canvas, &drawing->project->parts[i]);
        }
    }
}

/* ---- Views ---- */
double drawing_zoom(const struct drawing *drawing, const struct part_view *view) {
    double zoom =
        fmin(view->width * drawing->scale / view->screen.width, view->height * drawing->scale / view->screen.height);
    return zoom < 0.995 ? zoom : floor(zoom + 0.005);
}

static void screen(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                   const struct part_view *view) {
    struct point glass[4];
    double margin = 0.3;
    corners(drawing, part, view->x - margin, view->y - margin, view->width + 2 * margin, view->height + 2 * margin,
            glass);
    canvas_polygon(canvas, glass, 4, 0x0a0b0d, 255);
    if (view->screen.on) {
        struct point middle = drawing_pixel(drawing, part, view->x + view->width / 2, view->y + view->height / 2);
        canvas_image(canvas, middle, drawing_zoom(drawing, view), part->from->rotate, view->screen.pixels,
                     view->screen.width, view->screen.height, scene_seen(view->screen.brightness));
    }
}

static void light(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                  const struct part_view *view) {
    double seen = scene_seen(view->light.brightness);
    struct point middle = drawing_pixel(drawing, part, view->x + view->width / 2, view->y + view->height / 2);
    double width = view->width * drawing->scale, height = view->height * drawing->scale;
    uint32_t colour = view->light.colour, dark = colour_shade(colour, 110);
    double x = middle.x - width / 2, y = middle.y - height / 2;
    if (seen > 0 && strcmp(view->name, "cap") != 0) { /* a button's cap does not shine */
        canvas_glow(canvas, middle, fmax(width, height) * GLOW / 2, colour, (unsigned)(seen * 200));
    }
    bool round = width < height * 1.2 && height < width * 1.2;
    double radius = round ? width / 2 : fmin(width, height) / 4;
    canvas_rectangle(canvas, x, y, width, height, radius,
                     colour_mix(dark, colour_shade(colour, 310), (unsigned)(seen * 255)), 255);
    canvas_disc(canvas, x + width * 0.22, y + height * 0.18, width * 0.3, height * 0.26, 0xffffff,
                (unsigned)(60 + seen * 150));
}

static void pointer(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                    const struct part_view *view) {
    struct point middle = drawing_pixel(drawing, part, view->x + view->width / 2, view->y + view->height / 2);
    double r = fmin(view->width, view->height) * drawing->scale / 2;
    double turn = view->pointer.degrees + part->from->rotate, angle = turn * M_PI / 180;
    struct point tip = { middle.x + sin(angle) * r * 0.8, middle.y - cos(angle) * r * 0.8 };
    struct point root = { middle.x + sin(angle) * r * 0.25, middle.y - cos(angle) * r * 0.25 };
    canvas_disc(canvas, middle.x - r, middle.y - r, 2 * r, 2 * r, 0x6b737c, 255);
    canvas_disc(canvas, middle.x - r * 0.94, middle.y - r * 0.94, 1.88 * r, 1.88 * r, 0xc4cad0, 255);
    for (unsigned i = 0; i < 24; i++) { /* a milled rim turns with it */
        double at = angle + i * M_PI / 12;
        struct point in = { middle.x + sin(at) * r * 0.86, middle.y - cos(at) * r * 0.86 };
        struct point out = { middle.x + sin(at) * r * 0.94, middle.y - cos(at) * r * 0.94 };
        canvas_line(canvas, in, out, fmax(1, r * 0.035), 0x868e96, 255);
    }
    canvas_disc(canvas, middle.x - r * 0.8, middle.y - r * 0.8, 1.6 * r, 1.6 * r, 0xe4e8ec, 255);
    canvas_line(canvas, root, tip, fmax(2, r * 0.13), 0xd03030, 255);
}

static void view_label(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                       const struct part_view *view) {
    struct part_shape shape = { PART_LETTERING, view->x,      view->y,
                                view->width,    view->height, part->class->colour == PART_NO_BODY ? 0x303840 : 0xf4f6f8,
                                view->text };
    letter(drawing, canvas, part, &shape);
}

void drawing_view(const struct drawing *drawing, struct canvas *canvas, const struct project_part *part,
                  const struct part_view *view) {
    static void (*const draw[])(const struct drawing *, struct canvas *, const struct project_part *,
                                const struct part_view *) = {
        [PART_SCREEN] = screen, [PART_LIGHT] = light, [PART_POINTER] = pointer, [PART_LABEL] = view_label
    };
    draw[view->kind](drawing, canvas, part, view);
}

/* ---- Wires ---- */
static struct net *net_of(const struct drawing *drawing, uint32_t part, unsigned pin) {
    struct part *owner = part < drawing->project->part_count ? drawing->project->parts[part].part : NULL;
    return owner ? owner->nets[pin] : NULL;
}

static void wire(const struct drawing *drawing, struct canvas *canvas, const struct project_wire *wire, bool marked) {
    struct scene_point way[SCENE_WAY];
    struct point points[SCENE_WAY];
    struct box box = { 0 };
    unsigned count = scene_way(drawing->project, wire, way);
    double width = fmax(WIRE_MM * drawing->scale, 2);
    uint32_t colour = scene_colour(wire->from->colour);
    for (unsigned i = 0; i < count; i++) {
        points[i].x = way[i].x * drawing->scale + drawing->x;
        points[i].y = way[i].y * drawing->scale + drawing->y;
        include(&box, points[i], width * 2);
    }
    if (!count || box_is_empty(box_common(box, canvas->clip))) {
        return;
    }
    for (unsigned layer = 0; layer < 3; layer++) {
        double w = layer == 0 ? width + (marked ? 5 : 1.6) : layer == 1 ? width : width * 0.3;
        uint32_t c = layer == 0   ? (marked ? 0xffffff : colour_shade(colour, 130))
                     : layer == 1 ? colour
                                  : colour_shade(colour, 330);
        for (unsigned i = 0; i + 1 < count; i++) {
            canvas_line(canvas, points[i], points[i + 1], w, c, 255);
        }
    }
    for (unsigned end = 0; end < 2; end++) {
        struct point at = points[end ? count - 1 : 0];
        double r = width * 0.85;
        canvas_disc(canvas, at.x - r, at.y - r, 2 * r, 2 * r, colour_shade(colour, 150), 255);
        canvas_disc(canvas, at.x - r * 0.6, at.y - r * 0.6, 1.2 * r, 1.2 * r, colour_shade(colour, 330), 255);
    }
}

void drawing_wires(const struct drawing *drawing, struct canvas *canvas) {
    for (unsigned i = 0; i < drawing->project->wire_count; i++) {
        wire(drawing, canvas, &drawing->project->wires[i], false);
    }
}

void drawing_net(const struct drawing *drawing, struct canvas *canvas, uint32_t part, unsigned pin) {
    const struct project *project = drawing->project;
    struct net *net = net_of(drawing, part, pin);
    for (unsigned i = 0; net && i < project->wire_count; i++) {
        struct net *other = net_of(drawing, project->wires[i].part[0], project->wires[i].pin[0]);
        if (other && net_is_joined(net, other)) {
            wire(drawing, canvas, &project->wires[i], true);
        }
    }
}

void drawing_pin_mark(const struct drawing *drawing, struct canvas *canvas, uint32_t part, unsigned pin) {
    const struct project_part *owner = &drawing->project->parts[part];
    struct point at = drawing_pixel(drawing, owner, owner->class->pins[pin].x, owner->class->pins[pin].y);
    canvas_arc(canvas, at, PIN_MM * drawing->scale + 3, 0, 360, 2, 0xff8c1a, 255);
}

/* ---- Finding ---- */
uint32_t drawing_part_at(const struct drawing *drawing, struct point pixel) {
    for (uint32_t i = drawing->project->part_count; i-- > 0;) {
        const struct project_part *part = &drawing->project->parts[i];
        struct point at = drawing_face(drawing, part, pixel);
        const struct part_face *face = project_part_face(part);
        if (!part->from->hide && at.x >= -0.5 && at.y >= -0.5 && at.x <= face->width + 0.5 &&
            at.y <= face->height + 0.5) {
            return i;
        }
    }
    return UINT32_MAX;
}

int drawing_pin_at(const struct drawing *drawing, uint32_t part, struct point pixel) {
    const struct project_part *owner = &drawing->project->parts[part];
    struct point at = drawing_face(drawing, owner, pixel);
    double best = PIN_REACH_MM;
    int found = -1;
    for (unsigned i = 0; owner->class->pins[i].name; i++) {
        double far = hypot(owner->class->pins[i].x - at.x, owner->class->pins[i].y - at.y);
        if (far < best && !is_covered(project_part_face(owner), &owner->class->pins[i])) {
            best = far;
            found = (int)i;
        }
    }
    return found;
}
