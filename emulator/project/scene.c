/* Layout: left and top of a diagram are where the upper left corner of an unturned part is, and a part is turned about
 * its middle, as in Wokwi. A wire without moves goes straight. A screen is drawn at the largest whole zoom that fits
 * its glass, in the glass's middle. */
#include "emulator/project/scene.h"

#include "emulator/project/font.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BACKGROUND 0xf2f4f6
#define WIRE_MM 0.5
#define FACE_MARGIN 3.0  /* mm around a face for what juts out, such as a label */
#define LETTER_DOTS 8.0  /* height of a line of text, in dots of the font */
#define LETTER_PITCH 6.0 /* from a letter to the next */

/* ---- Geometry ---- */
struct scene_point scene_place(const struct project_part *part, double x, double y) {
    const struct part_face *face = project_part_face(part);
    double cx = face->width / 2, cy = face->height / 2;
    double angle = part->from->rotate * M_PI / 180, dx = x - cx, dy = y - cy;
    return (struct scene_point){ part->from->left + cx + dx * cos(angle) - dy * sin(angle),
                                 part->from->top + cy + dx * sin(angle) + dy * cos(angle) };
}

static void include(double box[4], struct scene_point point) {
    box[0] = fmin(box[0], point.x);
    box[1] = fmin(box[1], point.y);
    box[2] = fmax(box[2], point.x);
    box[3] = fmax(box[3], point.y);
}

static void include_part(double box[4], const struct project_part *part) {
    double width = project_part_face(part)->width, height = project_part_face(part)->height;
    for (unsigned corner = 0; corner < 4; corner++) {
        include(box, scene_place(part, corner & 1 ? width : 0, corner & 2 ? height : 0));
    }
}

void scene_init(struct scene *scene, const struct project *project, double scale) {
    double box[4] = { INFINITY, INFINITY, -INFINITY, -INFINITY };
    struct scene_point points[SCENE_WAY];
    for (unsigned i = 0; i < project->part_count; i++) {
        if (!project->parts[i].from->hide) {
            include_part(box, &project->parts[i]);
        }
    }
    for (unsigned i = 0; i < project->wire_count; i++) {
        unsigned count = scene_way(project, &project->wires[i], points);
        for (unsigned k = 0; k < count; k++) {
            include(box, points[k]);
        }
    }
    if (!(box[0] <= box[2])) {
        box[0] = box[1] = 0;
        box[2] = box[3] = 20;
    }
    *scene = (struct scene){ .x = box[0] - SCENE_MARGIN,
                             .y = box[1] - SCENE_MARGIN,
                             .width = box[2] - box[0] + 2 * SCENE_MARGIN,
                             .height = box[3] - box[1] + 2 * SCENE_MARGIN,
                             .scale = scale };
    double most = PICTURE_SIDE_MAX / 2 / fmax(scene->width, scene->height);
    scene->scale = fmin(scale, most);
}

static struct scene_point pin_place(const struct project *project, const struct project_wire *wire, unsigned end) {
    const struct project_part *part = &project->parts[wire->part[end]];
    const struct part_pin *pin = &part->class->pins[wire->pin[end]];
    return scene_place(part, pin->x, pin->y);
}

static void move(struct scene_point *point, const struct diagram_move *by) {
    *(by->axis == 'h' ? &point->x : &point->y) += by->length;
}

unsigned scene_way(const struct project *project, const struct project_wire *wire,
                   struct scene_point points[SCENE_WAY]) {
    if (wire->from->hidden || wire->part[0] == PROJECT_CONSOLE || wire->part[1] == PROJECT_CONSOLE ||
        project->parts[wire->part[0]].from->hide || project->parts[wire->part[1]].from->hide) {
        return 0;
    }
    const struct diagram_wire *from = wire->from;
    struct scene_point at = pin_place(project, wire, 0), to = pin_place(project, wire, 1);
    struct scene_point far[DIAGRAM_MOVES + 1] = { to };
    unsigned count = 0, back = 1;
    points[count++] = at;
    for (unsigned i = 0; i < from->from_start; i++) {
        move(&at, &from->moves[i]);
        points[count++] = at;
    }
    for (unsigned i = from->move_count; i > from->from_start; i--, back++) {
        far[back] = far[back - 1];
        move(&far[back], &from->moves[i - 1]);
    }
    if (from->move_count) { /* the corner between the two halves */
        points[count++] = (struct scene_point){ far[back - 1].x, at.y };
    }
    while (back) {
        points[count++] = far[--back];
    }
    return count;
}

uint32_t scene_colour(const char *name) {
    static const struct {
        const char *name;
        uint32_t rgb;
    } colours[] = {
        { "black", 0x202020 },  { "red", 0xd02020 },    { "green", 0x109010 },   { "blue", 0x2040d0 },
        { "gold", 0xd8a800 },   { "yellow", 0xd8c800 }, { "orange", 0xe88010 },  { "purple", 0x8020a0 },
        { "violet", 0x9040d0 }, { "cyan", 0x10a0b0 },   { "magenta", 0xd020a0 }, { "white", 0xffffff },
        { "gray", 0x808080 },   { "grey", 0x808080 },   { "brown", 0x8b4513 },   { "limegreen", 0x32cd32 },
    };
    if (name[0] == '#' && strlen(name) == 7) {
        return (uint32_t)strtoul(name + 1, NULL, 16) & 0xffffff;
    }
    for (unsigned i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
        if (strcasecmp(colours[i].name, name) == 0) {
            return colours[i].rgb;
        }
    }
    return 0x607060;
}

double scene_seen(double power) {
    return sqrt(fmin(fmax(power, 0), 1));
}

/* ---- A part's face ---- */
static uint32_t mix(uint32_t from, uint32_t to, double share) {
    uint32_t mixed = 0;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        double a = from >> shift & 0xff, b = to >> shift & 0xff;
        mixed |= (uint32_t)(a + (b - a) * share + 0.5) << shift;
    }
    return mixed;
}

static void draw_letters(struct picture *picture, const struct part_shape *shape, double scale) {
    if (shape->text && *shape->text) {
        double high = shape->height * scale / LETTER_DOTS + 0.5;
        double wide = shape->width * scale / (LETTER_PITCH * (double)font_count_letters(shape->text));
        unsigned zoom = (unsigned)(shape->width > 0 ? fmin(high, wide + 1e-6) : high);
        picture_text(picture, (shape->x + FACE_MARGIN) * scale, (shape->y + FACE_MARGIN) * scale, zoom ? zoom : 1,
                     shape->colour, shape->text);
    }
}

static void draw_shape(struct picture *picture, const struct part_shape *shape, double scale) {
    double x = (shape->x + FACE_MARGIN) * scale, y = (shape->y + FACE_MARGIN) * scale, width = shape->width * scale,
           height = shape->height * scale;
    switch (shape->kind) {
    case PART_RECTANGLE:
        picture_rectangle(picture, x, y, width, height, shape->colour);
        break;
    case PART_DISC:
        picture_disc(picture, x, y, width, height, shape->colour);
        break;
    case PART_LETTERING:
        draw_letters(picture, shape, scale);
        break;
    }
}

/* What the eye sees of a screen. */
static bool picture_of_screen(const struct part_view *view, struct picture *picture) {
    if (!picture_init(picture, view->screen.width, view->screen.height, 0)) {
        return false;
    }
    double brightness = scene_seen(view->screen.brightness);
    size_t count = (size_t)picture->width * picture->height;
    for (size_t i = 0; view->screen.on && i < count; i++) {
        uint32_t pixel = view->screen.pixels[i] & 0xffffff;
        picture->pixels[i] = brightness < 1 ? mix(0, pixel, brightness) : pixel;
    }
    return true;
}

static void draw_screen(struct picture *picture, const struct part_view *view, double scale) {
    struct picture screen;
    if (!picture_of_screen(view, &screen)) {
        return;
    }
    double width = view->width * scale, height = view->height * scale;
    double fits = fmin(width / screen.width, height / screen.height);
    unsigned zoom = fits >= 1 ? (unsigned)fits : 1;
    picture_rectangle(picture, view->x * scale, view->y * scale, width, height, 0);
    picture_copy(picture, (int)floor(view->x * scale + (width - screen.width * zoom) / 2 + 0.5),
                 (int)floor(view->y * scale + (height - screen.height * zoom) / 2 + 0.5), &screen, zoom);
    picture_finish(&screen);
}

static void draw_pointer(struct picture *picture, const struct part_view *view, double scale) {
    double cx = (view->x + view->width / 2) * scale, cy = (view->y + view->height / 2) * scale;
    double radius = fmin(view->width, view->height) * scale / 2, angle = view->pointer.degrees * M_PI / 180;
    picture_disc(picture, cx - radius, cy - radius, 2 * radius, 2 * radius, 0xc0c4c8);
    picture_line(picture, cx, cy, cx + radius * sin(angle), cy - radius * cos(angle), radius / 5, 0xc02020);
}

static void draw_light(struct picture *picture, const struct part_view *view, double scale) {
    uint32_t dark = mix(0x303030, view->light.colour, 0.25);
    double seen = scene_seen(view->light.brightness);
    picture_disc(picture, view->x * scale, view->y * scale, view->width * scale, view->height * scale,
                 mix(dark, view->light.colour, seen));
}

static void draw_view(struct picture *picture, const struct part_view *on_face, double scale) {
    struct part_view placed = *on_face, *view = &placed;
    view->x += FACE_MARGIN;
    view->y += FACE_MARGIN;
    switch (view->kind) {
    case PART_SCREEN:
        draw_screen(picture, view, scale);
        break;
    case PART_LIGHT:
        draw_light(picture, view, scale);
        break;
    case PART_POINTER:
        draw_pointer(picture, view, scale);
        break;
    case PART_LABEL:
        picture_text(picture, view->x * scale, view->y * scale,
                     (unsigned)fmax(view->height * scale / LETTER_DOTS + 0.5, 1), 0x101010,
                     view->text ? view->text : "");
        break;
    }
}

static bool draw_face(const struct project_part *part, double scale, struct picture *ret_picture) {
    const struct part_face *face = &part->part->face;
    double width = round((face->width + 2 * FACE_MARGIN) * scale);
    double height = round((face->height + 2 * FACE_MARGIN) * scale);
    if (!(width <= PICTURE_SIDE_MAX && height <= PICTURE_SIDE_MAX) ||
        !picture_init(ret_picture, (unsigned)width, (unsigned)height, PICTURE_CLEAR)) {
        return false;
    }
    picture_rectangle(ret_picture, FACE_MARGIN * scale, FACE_MARGIN * scale, face->width * scale, face->height * scale,
                      part->class->colour);
    for (unsigned i = 0; i < face->shape_count; i++) {
        draw_shape(ret_picture, &face->shapes[i], scale);
    }
    const struct part_view *view;
    for (unsigned i = 0; (view = part_view(part->part, i)); i++) {
        draw_view(ret_picture, view, scale);
    }
    return true;
}

/* ---- The whole ---- */
static bool draw_part(const struct scene *scene, const struct project_part *part, struct picture *picture) {
    struct picture face;
    if (part->from->hide) {
        return true;
    }
    if (!draw_face(part, scene->scale, &face)) {
        return false;
    }
    double x = round((part->from->left - FACE_MARGIN - scene->x) * scene->scale);
    double y = round((part->from->top - FACE_MARGIN - scene->y) * scene->scale);
    picture_turn(picture, x, y, &face, part->from->rotate);
    picture_finish(&face);
    return true;
}

static void draw_wire(const struct scene *scene, const struct project *project, const struct project_wire *wire,
                      struct picture *picture) {
    struct scene_point points[SCENE_WAY];
    unsigned count = scene_way(project, wire, points);
    for (unsigned i = 1; i < count; i++) {
        picture_line(picture, (points[i - 1].x - scene->x) * scene->scale, (points[i - 1].y - scene->y) * scene->scale,
                     (points[i].x - scene->x) * scene->scale, (points[i].y - scene->y) * scene->scale,
                     fmax(WIRE_MM * scene->scale, 1), scene_colour(wire->from->colour));
    }
}

bool scene_draw(const struct project *project, double scale, struct picture *ret_picture, struct error *error) {
    struct scene scene;
    scene_init(&scene, project, scale);
    error_set(error, "no memory for the picture");
    if (!picture_init(ret_picture, (unsigned)ceil(scene.width * scene.scale),
                      (unsigned)ceil(scene.height * scene.scale), BACKGROUND)) {
        return false;
    }
    for (unsigned i = 0; i < project->part_count; i++) {
        if (!draw_part(&scene, &project->parts[i], ret_picture)) {
            picture_finish(ret_picture);
            return false;
        }
    }
    for (unsigned i = 0; i < project->wire_count; i++) {
        draw_wire(&scene, project, &project->wires[i], ret_picture);
    }
    return true;
}

bool scene_draw_part(const struct project_part *part, double scale, struct picture *ret_picture, struct error *error) {
    const struct part_view *view;
    error_set(error, "no memory for the picture");
    for (unsigned i = 0; (view = part_view(part->part, i)); i++) {
        if (view->kind == PART_SCREEN) {
            return picture_of_screen(view, ret_picture);
        }
    }
    struct picture face;
    if (!draw_face(part, scale, &face)) {
        return false;
    }
    bool made = picture_init(ret_picture, face.width, face.height, BACKGROUND);
    if (made) {
        picture_turn(ret_picture, 0, 0, &face, 0);
    }
    picture_finish(&face);
    return made;
}
