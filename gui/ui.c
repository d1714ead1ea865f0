/* A frame draws only what has changed: views by their generation or value, panes when something in them has. */
#include "gui/ui_private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCALE_MIN 1.0
#define SCALE_MAX 80.0
#define SCALE_STEP 1.25
#define SCALE_GOOD 8.0 /* letters on boards can be read */
#define TOOLS_HEIGHT 36
#define STATUS_HEIGHT 28
#define SPLIT_HEIGHT 6
#define SPLIT_BEST 0.32
#define SPLIT_LEAST 0.2
#define PRINT_BYTES 8192 /* of the console, a frame */

/* ---- Parts and controls ---- */
const struct part_class *ui_class(const struct ui *ui, uint32_t part) {
    return ui->desc.project->parts[part].class;
}

const struct part_control *ui_control(const struct ui *ui, uint32_t part, unsigned control) {
    if (part >= ui->desc.project->part_count) {
        return NULL;
    }
    const struct part_class *class = ui_class(ui, part);
    return control < part_control_count(class) ? &class->controls[control] : NULL;
}

void ui_hold(const struct part_face *face, const struct part_control *control, double box[4]) {
    bool own = control->width > 0 && control->height > 0;
    box[0] = own ? control->x : 0;
    box[1] = own ? control->y : 0;
    box[2] = own ? control->width : face->width;
    box[3] = own ? control->height : face->height;
}

struct box ui_control_box(const struct ui *ui, unsigned part, unsigned control) {
    double at[4];
    const struct project_part *owner = &ui->desc.project->parts[part];
    ui_hold(project_part_face(owner), ui_control(ui, part, control), at);
    return drawing_box(&ui->drawing, owner, at[0], at[1], at[2], at[3]);
}

void ui_choose(struct ui *ui, uint32_t part, unsigned control) {
    if (part != ui->chosen_part || control != ui->chosen_control) {
        if (ui->chosen_part != UI_NO_PART) {
            const struct project_part *owner = &ui->desc.project->parts[ui->chosen_part];
            const struct part_face *face = project_part_face(owner);
            ui_touch(ui, drawing_box(&ui->drawing, owner, -2, -2, face->width + 4, face->height + 4));
        }
        ui->chosen_part = part;
        ui->chosen_control = control;
        ui->panels_dirty[PANE_PART] = true;
    }
}

static double into_range(const struct part_control *control, double value) {
    double span = control->max - control->min;
    if (control->wraps && span > 0) {
        value = fmod(value - control->min, span);
        return (value < 0 ? value + span : value) + control->min;
    }
    return fmin(fmax(value, control->min), control->max);
}

void ui_set(struct ui *ui, uint32_t part, unsigned control, double value) {
    ui->sent_value = into_range(ui_control(ui, part, control), value);
    ui->sent_part = part;
    ui->sent_control = control;
    ui->sent_frames = 0;
    feed_set(ui->desc.feed, part, control, ui->sent_value);
    ui->panels_dirty[PANE_PART] = true;
}

double ui_value(const struct ui *ui, uint32_t part, unsigned control) {
    bool sent = part == ui->sent_part && control == ui->sent_control;
    return sent ? ui->sent_value : ui->shown->parts[part].controls[control];
}

/* A moment that was asked for after the value had been sent shows it. */
static void look_for_sent(struct ui *ui, bool fresh) {
    if (fresh && ++ui->sent_frames > 1) {
        ui->sent_part = UI_NO_PART;
    }
}

void ui_pause(struct ui *ui, bool paused) {
    ui->paused = paused;
    ui->panels_dirty[PANE_TOOLS] = ui->panels_dirty[PANE_STATUS] = true;
    feed_pause(ui->desc.feed, paused);
}

void ui_say(struct ui *ui, const char *text) {
    snprintf(ui->said, sizeof(ui->said), "%s", text);
    ui->said_until_ns = ui->now_ns + UI_SAY_NS;
    ui->panels_dirty[PANE_STATUS] = true;
}

/* ---- Scale and place ---- */
/* Pixels a millimetre at which a dot of the screen is one pixel. */
static double pitch(const struct part_view *view) {
    return fmax(view->screen.width / view->width, view->screen.height / view->height);
}

static const struct part_view *screen_at(const struct ui *ui, unsigned *part, unsigned *index) {
    for (; *part < ui->desc.project->part_count; (*part)++, *index = 0) {
        const struct shown_part *shown = &ui->shown->parts[*part];
        while (*index < shown->view_count) {
            const struct part_view *view = &shown->views[(*index)++].view;
            if (view->kind == PART_SCREEN) {
                return view;
            }
        }
    }
    return NULL;
}

double ui_next_scale(const struct ui *ui, bool larger) {
    double now = ui->drawing.scale, best = larger ? now * SCALE_STEP * SCALE_STEP : now / SCALE_STEP / SCALE_STEP;
    unsigned part = 0, index = 0;
    const struct part_view *view;
    bool found = false;
    while ((view = screen_at(ui, &part, &index))) {
        double one = pitch(view), zoom = larger ? floor(now / one + 1.001) : ceil(now / one - 1.001);
        double scale = zoom * one;
        if (zoom >= 1 && (larger ? scale < best : scale > best)) {
            best = scale;
            found = true;
        }
    }
    return found ? best : larger ? now * SCALE_STEP : now / SCALE_STEP;
}

/* The largest scale up to `most` at which the most dense screen that has a whole zoom at all has one. */
static double whole_scale(const struct ui *ui, double most) {
    double best = 0;
    unsigned part = 0, index = 0;
    const struct part_view *view;
    while ((view = screen_at(ui, &part, &index))) {
        double one = pitch(view);
        best = floor(most / one + 0.001) >= 1 ? fmax(best, one * floor(most / one + 0.001)) : best;
    }
    return best > most * 0.6 ? best : most;
}

static void place(struct ui *ui, double scale, double x, double y) {
    ui->drawing.scale = fmin(fmax(scale, SCALE_MIN), SCALE_MAX);
    ui->drawing.x = round(x);
    ui->drawing.y = round(y);
    ui->still_dirty = true;
}

void ui_zoom(struct ui *ui, double scale, int x, int y) {
    scale = fmin(fmax(scale, SCALE_MIN), SCALE_MAX);
    double by = scale / ui->drawing.scale;
    ui->fitted = false;
    place(ui, scale, x - (x - ui->drawing.x) * by, y - (y - ui->drawing.y) * by);
}

void ui_fit(struct ui *ui) {
    struct scene scene;
    struct box pane = ui->panes[PANE_BOARD];
    scene_init(&scene, ui->desc.project, SCENE_SCALE);
    double width = pane.x1 - pane.x0, height = pane.y1 - pane.y0;
    double scale = whole_scale(ui, fmax(fmin(width / scene.width, height / scene.height), SCALE_MIN));
    place(ui, scale, pane.x0 + (width - scene.width * scale) / 2 - scene.x * scale,
          pane.y0 + (height - scene.height * scale) / 2 - scene.y * scale);
    ui->fitted = true;
}

/* A scale at which every screen has a zoom of at least 1 and one of them a whole one, and lettering can be read. */
static double good_scale(const struct ui *ui) {
    double scale = SCALE_GOOD * ui->desc.scale;
    unsigned part = 0, index = 0;
    const struct part_view *view;
    while ((view = screen_at(ui, &part, &index))) {
        double zoom = ceil(ui->desc.scale * SCALE_GOOD * 0.9 / pitch(view));
        scale = fmax(scale, zoom * pitch(view));
    }
    return scale;
}

static int edges(const struct ui *ui) {
    return ui_px(ui, TOOLS_HEIGHT) + ui_px(ui, STATUS_HEIGHT) + ui_px(ui, SPLIT_HEIGHT) + 3;
}

/* What a window of this size can have at most, with a REPL that is not too low. */
static double scale_for(const struct ui *ui, const struct scene *scene, int width, int height) {
    double room = height * (1 - SPLIT_LEAST) - edges(ui), good = good_scale(ui);
    double most = fmax(fmin((width - 2) / scene->width, room / scene->height), SCALE_MIN);
    return good <= most ? good : whole_scale(ui, most);
}

void ui_best_size(const struct ui *ui, int *width, int *height) {
    struct scene scene;
    scene_init(&scene, ui->desc.project, SCENE_SCALE);
    double scale = scale_for(ui, &scene, *width, *height);
    double best = (ceil(scene.height * scale) + edges(ui)) / (1 - SPLIT_BEST);
    *width = (int)fmin(*width, fmax(ceil(scene.width * scale) + 2, ui_px(ui, 900)));
    *height = (int)fmin(*height, fmax(ceil(best), ui_px(ui, 600)));
}

/* The REPL gets what the board leaves, within reason. */
static void choose_split(struct ui *ui) {
    struct scene scene;
    scene_init(&scene, ui->desc.project, SCENE_SCALE);
    double scale = scale_for(ui, &scene, ui->canvas.width, ui->canvas.height);
    double board = ceil(scene.height * scale) + edges(ui);
    ui->split = fmin(fmax(1 - board / ui->canvas.height, SPLIT_LEAST), SPLIT_BEST);
}

/* ---- Panes ---- */
void ui_layout(struct ui *ui) {
    if (!ui->split_chosen) {
        choose_split(ui);
    }
    int width = ui->canvas.width, height = ui->canvas.height;
    int tools = ui_px(ui, TOOLS_HEIGHT), status = ui_px(ui, STATUS_HEIGHT), gap = ui_px(ui, SPLIT_HEIGHT);
    int bottom = height - status, split = bottom - (int)(ui->split * height);
    int side = ui_px(ui, 320) < width / 2 ? width - ui_px(ui, 320) : width / 2;
    split = split < tools + 40 ? tools + 40 : split;
    side = ui->terminal ? side : 0;
    ui->panes[PANE_TOOLS] = (struct box){ 0, 0, width, tools };
    ui->panes[PANE_BOARD] = (struct box){ 0, tools, width, split };
    ui->panes[PANE_SPLIT] = (struct box){ 0, split, width, split + gap };
    ui->panes[PANE_TERMINAL] = (struct box){ 0, split + gap, side, bottom };
    ui->panes[PANE_PART] = (struct box){ side, split + gap, width, bottom };
    ui->panes[PANE_STATUS] = (struct box){ 0, bottom, width, height };
    ui_lay_tools(ui);
    if (ui->terminal) {
        struct box box = ui->panes[PANE_TERMINAL];
        int margin = ui_px(ui, 8);
        terminal_place(ui->terminal, (struct box){ box.x0 + margin, box.y0 + margin / 2, box.x1 - margin, box.y1 },
                       ui->mono);
    }
    if (ui->fitted) {
        ui_fit(ui);
    }
    ui->all_dirty = ui->still_dirty = true;
}

bool ui_resize(struct ui *ui, int width, int height) {
    if (width == ui->canvas.width && height == ui->canvas.height) {
        return true;
    }
    canvas_finish(&ui->canvas);
    canvas_finish(&ui->still);
    if (!canvas_init(&ui->canvas, width, height) || !canvas_init(&ui->still, width, height)) {
        return false;
    }
    ui_layout(ui);
    return true;
}

const struct canvas *ui_canvas(const struct ui *ui) {
    return &ui->canvas;
}

/* ---- Life ---- */
static void typed(void *context, const void *data, size_t size) {
    const struct ui *ui = context;
    feed_type(ui->desc.feed, data, size);
}

static uint32_t first_with_controls(const struct project *project) {
    for (uint32_t i = 0; i < project->part_count; i++) {
        if (part_control_count(project->parts[i].class)) {
            return i;
        }
    }
    return project->part_count ? 0 : UI_NO_PART;
}

struct ui *ui_create(const struct ui_desc *desc, struct error *error) {
    struct ui *ui = calloc(1, sizeof(*ui));
    if (ui) {
        bool fresh;
        ui->desc = *desc;
        ui->seen = calloc(desc->project->part_count + 1, sizeof(*ui->seen));
        ui->terminal = terminal_create(typed, ui);
        ui->shown = feed_latest(desc->feed, &fresh);
    }
    if (!ui || !ui->seen) {
        error_set(error, "out of memory for the window");
        ui_destroy(ui);
        return NULL;
    }
    ui->font = font_find(FONT_SANS, 13 * desc->scale);
    ui->small = font_find(FONT_SANS, 11 * desc->scale);
    ui->large = font_find(FONT_SANS, 15 * desc->scale);
    ui->mono = font_find(FONT_MONO, 14 * desc->scale);
    ui->drawing = (struct drawing){ .project = desc->project, .scale = SCALE_GOOD };
    ui->fitted = true;
    ui->hover_part = ui->key_part = ui->sent_part = UI_NO_PART;
    ui->chosen_part = first_with_controls(desc->project);
    ui->hover_pin = ui->hover_tool = -1;
    ui->keys_to_board = !ui->terminal;
    ui->ratio = -1;
    return ui;
}

void ui_destroy(struct ui *ui) {
    if (ui) {
        terminal_destroy(ui->terminal);
        canvas_finish(&ui->canvas);
        canvas_finish(&ui->still);
        free(ui->seen);
        free(ui);
    }
}

/* ---- The board's pane ---- */
void ui_touch(struct ui *ui, struct box box) {
    ui->dirty = box_both(ui->dirty, box);
}

/* True when the view is not what the last frame has drawn. */
static bool has_changed(struct ui_seen *seen, const struct part_view *view) {
    struct ui_seen now = { 0 };
    switch (view->kind) {
    case PART_SCREEN:
        now.generation = view->screen.generation;
        now.value = view->screen.brightness;
        now.other = view->screen.on;
        break;
    case PART_LIGHT:
        now.value = round(view->light.brightness * 500);
        now.generation = view->light.colour;
        break;
    case PART_POINTER:
        now.value = view->pointer.degrees;
        break;
    case PART_LABEL:
        snprintf(now.text, sizeof(now.text), "%s", view->text ? view->text : "");
        break;
    }
    bool changed = now.generation != seen->generation || now.value != seen->value || now.other != seen->other ||
                   strcmp(now.text, seen->text) != 0;
    *seen = now;
    return changed;
}

static void draw_choice(struct ui *ui) {
    const struct part_control *control = ui_control(ui, ui->chosen_part, ui->chosen_control);
    if (!control || !ui->keys_to_board) {
        return;
    }
    const struct project_part *part = &ui->desc.project->parts[ui->chosen_part];
    double at[4];
    ui_hold(project_part_face(part), control, at);
    for (unsigned i = 0; i < 4; i++) {
        unsigned k = (i + 1) % 4;
        struct point a =
            drawing_pixel(&ui->drawing, part, at[0] + (i == 1 || i == 2 ? at[2] : 0), at[1] + (i >= 2 ? at[3] : 0));
        struct point b =
            drawing_pixel(&ui->drawing, part, at[0] + (k == 1 || k == 2 ? at[2] : 0), at[1] + (k >= 2 ? at[3] : 0));
        canvas_line(&ui->canvas, a, b, 2, 0xff8c1a, 150);
    }
}

/* Draw a piece of the pane: what stays, what lives and reaches into it, marks. */
static void draw_piece(struct ui *ui, struct box piece) {
    struct box clip = canvas_clip(&ui->canvas, box_common(piece, ui->panes[PANE_BOARD]));
    canvas_copy(&ui->canvas, &ui->still, ui->canvas.clip);
    bool pin = ui->hover_part != UI_NO_PART && ui->hover_pin >= 0;
    if (pin) {
        drawing_net(&ui->drawing, &ui->canvas, ui->hover_part, (unsigned)ui->hover_pin);
    }
    for (unsigned i = 0; i < ui->desc.project->part_count; i++) {
        const struct project_part *part = &ui->desc.project->parts[i];
        const struct shown_part *shown = &ui->shown->parts[i];
        for (unsigned k = 0; k < shown->view_count && !part->from->hide; k++) {
            const struct part_view *view = &shown->views[k].view;
            if (!box_is_empty(box_common(drawing_view_box(&ui->drawing, part, view), ui->canvas.clip))) {
                drawing_view(&ui->drawing, &ui->canvas, part, view);
            }
        }
    }
    if (pin) {
        drawing_pin_mark(&ui->drawing, &ui->canvas, ui->hover_part, (unsigned)ui->hover_pin);
    }
    draw_choice(ui);
    ui->canvas.clip = clip;
}

static void add_damage(struct ui_damage *damage, struct box box) {
    if (box_is_empty(box)) {
        return;
    }
    if (damage->count < UI_BOXES) {
        damage->boxes[damage->count++] = box;
    } else {
        damage->boxes[0] = box_both(damage->boxes[0], box);
    }
}

static void draw_and_tell(struct ui *ui, struct box piece, struct ui_damage *damage) {
    if (!box_is_empty(piece)) {
        draw_piece(ui, piece);
        add_damage(damage, piece);
    }
}

static void draw_board(struct ui *ui, bool all, struct ui_damage *damage) {
    struct box pane = ui->panes[PANE_BOARD];
    if (ui->still_dirty) {
        canvas_clip(&ui->still, pane);
        drawing_still(&ui->drawing, &ui->still);
        drawing_wires(&ui->drawing, &ui->still);
        ui->still_dirty = false;
        all = true;
    }
    draw_and_tell(ui, all ? pane : box_common(ui->dirty, pane), damage);
    for (unsigned i = 0; i < ui->desc.project->part_count; i++) {
        const struct shown_part *shown = &ui->shown->parts[i];
        for (unsigned k = 0; k < shown->view_count; k++) {
            const struct part_view *view = &shown->views[k].view;
            if (has_changed(&ui->seen[i][k], view) && !all && !ui->desc.project->parts[i].from->hide) {
                struct box box = drawing_view_box(&ui->drawing, &ui->desc.project->parts[i], view);
                draw_and_tell(ui, box_common(box, pane), damage);
            }
        }
    }
    ui->dirty = (struct box){ 0 };
}

/* ---- Frames ---- */
static void update_ratio(struct ui *ui) {
    if (!ui->ratio_wall_ns || ui->paused || ui->shown->time_ps < ui->ratio_time_ps) {
        ui->ratio_wall_ns = ui->now_ns;
        ui->ratio_time_ps = ui->shown->time_ps;
    } else if (ui->now_ns - ui->ratio_wall_ns >= UI_RATIO_NS) {
        ui->ratio = (double)(ui->shown->time_ps - ui->ratio_time_ps) / 1000 / (double)(ui->now_ns - ui->ratio_wall_ns);
        ui->ratio_wall_ns = ui->now_ns;
        ui->ratio_time_ps = ui->shown->time_ps;
    }
}

static void take_console(struct ui *ui) {
    uint8_t bytes[PRINT_BYTES];
    size_t size = feed_printed(ui->desc.feed, bytes, sizeof(bytes));
    if (size && ui->terminal) {
        terminal_print(ui->terminal, bytes, size);
    }
}

static void draw_panel(struct ui *ui, enum ui_pane pane, void (*draw)(struct ui *), bool all,
                       struct ui_damage *damage) {
    if (all || ui->panels_dirty[pane]) {
        struct box clip = canvas_clip(&ui->canvas, ui->panes[pane]);
        draw(ui);
        ui->canvas.clip = clip;
        ui->panels_dirty[pane] = false;
        add_damage(damage, ui->panes[pane]);
    }
}

static void draw_split(struct ui *ui) {
    struct box box = ui->panes[PANE_SPLIT];
    double middle = (box.x0 + box.x1) / 2.0;
    canvas_fill(&ui->canvas, box, 0x2b313b);
    canvas_rectangle(&ui->canvas, middle - 24, box.y0 + 2, 48, box.y1 - box.y0 - 4, 2, 0x596270, 255);
}

static void draw_terminal(struct ui *ui, bool all, struct ui_damage *damage) {
    if (ui->terminal) {
        if (all) {
            canvas_fill(&ui->canvas, ui->panes[PANE_TERMINAL], 0x1b1f27);
            add_damage(damage, ui->panes[PANE_TERMINAL]);
        }
        add_damage(damage, terminal_draw(ui->terminal, &ui->canvas, !ui->keys_to_board, all));
    }
}

void ui_frame(struct ui *ui, uint64_t now_ns, struct ui_damage *ret_damage) {
    bool fresh, all = ui->all_dirty;
    *ret_damage = (struct ui_damage){ 0 };
    ui->now_ns = now_ns;
    ui->shown = feed_latest(ui->desc.feed, &fresh);
    look_for_sent(ui, fresh);
    take_console(ui);
    update_ratio(ui);
    if (now_ns - ui->status_ns >= UI_STATUS_NS) {
        ui->panels_dirty[PANE_STATUS] = ui->panels_dirty[PANE_PART] = fresh || ui->said[0];
        ui->status_ns = now_ns;
    }
    if (ui->said[0] && now_ns > ui->said_until_ns) {
        ui->said[0] = 0;
        ui->panels_dirty[PANE_STATUS] = true;
    }
    if (ui->help && !all) {
        return; /* nothing moves behind it */
    }
    draw_board(ui, all, ret_damage);
    draw_panel(ui, PANE_TOOLS, ui_draw_tools, all, ret_damage);
    draw_panel(ui, PANE_SPLIT, draw_split, all, ret_damage);
    draw_panel(ui, PANE_PART, ui_draw_part, all, ret_damage);
    draw_panel(ui, PANE_STATUS, ui_draw_status, all, ret_damage);
    draw_terminal(ui, all, ret_damage);
    if (ui->help) {
        ui_draw_help(ui);
    }
    ui->all_dirty = false;
}
