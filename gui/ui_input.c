/* Mouse and keys. What the mouse has taken hold of stays in its hold until the button is up, wherever it goes. A knob
 * is turned by the angle about its middle; one that does not wrap has TURN degrees for its range. */
#include "gui/ui_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TURN 270.0
#define COARSE 10

/* ---- What is under the mouse ---- */
static int tool_at(const struct ui *ui, int x, int y) {
    for (int tool = 0; tool < TOOLS; tool++) {
        if (box_holds(ui->tools[tool], x, y)) {
            return tool;
        }
    }
    return -1;
}

/* The control of the part at a place on its face: one that is just there, or one that has no place of its own. */
static int control_at(const struct ui *ui, uint32_t part, int x, int y) {
    const struct project_part *owner = &ui->desc.project->parts[part];
    struct point at = drawing_face(&ui->drawing, owner, (struct point){ x, y });
    int found = -1;
    for (unsigned i = 0; i < part_control_count(owner->class); i++) {
        const struct part_control *control = &owner->class->controls[i];
        bool own = control->width > 0 && control->height > 0;
        if (own && at.x >= control->x && at.y >= control->y && at.x <= control->x + control->width &&
            at.y <= control->y + control->height) {
            return (int)i;
        }
        found = !own && found < 0 ? (int)i : found;
    }
    return found;
}

static int row_at(const struct ui *ui, int x, int y) {
    for (unsigned i = 0; ui_control(ui, ui->chosen_part, i); i++) {
        struct box box = ui_slider(ui, i);
        box.x0 -= 10;
        box.x1 += 10;
        if (box_holds(box, x, y)) {
            return (int)i;
        }
    }
    return -1;
}

static void touch_hover(struct ui *ui) {
    ui->panels_dirty[PANE_STATUS] = true;
    if (ui->hover_part != UI_NO_PART && ui->hover_pin >= 0) {
        ui_touch(ui, ui->panes[PANE_BOARD]);
    }
}

static void hover(struct ui *ui, int x, int y) {
    uint32_t part = UI_NO_PART;
    int pin = -1, tool = tool_at(ui, x, y);
    if (box_holds(ui->panes[PANE_BOARD], x, y)) {
        part = drawing_part_at(&ui->drawing, (struct point){ x, y });
        pin = part == UI_NO_PART ? -1 : drawing_pin_at(&ui->drawing, part, (struct point){ x, y });
    }
    if (part != ui->hover_part || pin != ui->hover_pin) {
        touch_hover(ui);
        ui->hover_part = part;
        ui->hover_pin = pin;
        touch_hover(ui);
    }
    if (tool != ui->hover_tool) {
        ui->hover_tool = tool;
        ui->panels_dirty[PANE_TOOLS] = true;
    }
}

/* ---- Controls ---- */
static double angle_of(const struct ui *ui, int x, int y) {
    const struct project_part *part = &ui->desc.project->parts[ui->grab_part];
    double at[4];
    ui_hold(project_part_face(part), ui_control(ui, ui->grab_part, ui->grab_control), at);
    struct point middle = drawing_pixel(&ui->drawing, part, at[0] + at[2] / 2, at[1] + at[3] / 2);
    return atan2(x - middle.x, middle.y - y) * 180 / M_PI;
}

static void turn(struct ui *ui, int x, int y) {
    const struct part_control *control = ui_control(ui, ui->grab_part, ui->grab_control);
    double angle = angle_of(ui, x, y), by = angle - ui->grab_last;
    by -= 360 * round(by / 360);
    ui->grab_last = angle;
    ui->grab_value += by * (control->max - control->min) / (control->wraps ? 360 : TURN);
    if (!control->wraps) {
        ui->grab_value = fmin(fmax(ui->grab_value, control->min), control->max);
    }
    ui_set(ui, ui->grab_part, ui->grab_control, ui->grab_value);
}

/* Along the longer side of its place; upright ones have their maximum at the top. */
static void slide(struct ui *ui, int x, int y) {
    const struct project_part *part = &ui->desc.project->parts[ui->grab_part];
    const struct part_control *control = ui_control(ui, ui->grab_part, ui->grab_control);
    struct point at = drawing_face(&ui->drawing, part, (struct point){ x, y });
    double hold[4];
    ui_hold(project_part_face(part), control, hold);
    double share = hold[2] >= hold[3] ? (at.x - hold[0]) / hold[2] : 1 - (at.y - hold[1]) / hold[3];
    share = fmin(fmax(share, 0), 1);
    ui_set(ui, ui->grab_part, ui->grab_control, control->min + share * (control->max - control->min));
}

static void slide_row(struct ui *ui, int x) {
    const struct part_control *control = ui_control(ui, ui->grab_part, ui->grab_control);
    struct box box = ui_slider(ui, ui->grab_control);
    double share = fmin(fmax((double)(x - box.x0) / (box.x1 - box.x0), 0), 1);
    double value = control->min + share * (control->max - control->min);
    if (control->step > 0) {
        value = control->min + round((value - control->min) / control->step) * control->step;
    }
    /* the end of a ring is its beginning */
    if (control->wraps && value >= control->max) {
        value = control->max - (control->step > 0 ? control->step : (control->max - control->min) / 1000);
    }
    ui_set(ui, ui->grab_part, ui->grab_control, value);
}

static void take_hold(struct ui *ui, enum ui_grab grab, uint32_t part, unsigned index, int x, int y) {
    const struct part_control *control = ui_control(ui, part, index);
    ui->grab = grab;
    ui->grab_part = part;
    ui->grab_control = index;
    ui->grab_value = ui_value(ui, part, index);
    ui_choose(ui, part, index);
    if (control->kind == PART_BUTTON) {
        ui_set(ui, part, index, 1);
    } else if (control->kind == PART_SWITCH) {
        ui_set(ui, part, index, !ui->grab_value);
    } else if (grab == GRAB_PANEL_CONTROL) {
        slide_row(ui, x);
    } else if (control->kind == PART_KNOB) {
        ui->grab_last = angle_of(ui, x, y);
    } else {
        slide(ui, x, y);
    }
}

static void step(struct ui *ui, uint32_t part, unsigned index, double steps) {
    const struct part_control *control = ui_control(ui, part, index);
    if (control->kind == PART_BUTTON) {
        return;
    }
    double one = control->kind == PART_SWITCH ? 1
                 : control->step > 0          ? control->step
                                              : (control->max - control->min) / 100;
    ui_set(ui, part, index, ui_value(ui, part, index) + steps * one);
}

static void let_go(struct ui *ui) {
    if (ui->grab == GRAB_CONTROL || ui->grab == GRAB_PANEL_CONTROL) {
        if (ui_control(ui, ui->grab_part, ui->grab_control)->kind == PART_BUTTON) {
            ui_set(ui, ui->grab_part, ui->grab_control, 0);
        }
    }
    ui->grab = GRAB_NOTHING;
}

/* ---- Tools ---- */
static void zoom(struct ui *ui, bool larger) {
    struct box pane = ui->panes[PANE_BOARD];
    ui_zoom(ui, ui_next_scale(ui, larger), (pane.x0 + pane.x1) / 2, (pane.y0 + pane.y1) / 2);
}

static void use_tool(struct ui *ui, enum ui_tool tool) {
    switch (tool) {
    case TOOL_PAUSE:
        ui_pause(ui, !ui->paused);
        break;
    case TOOL_RESET:
        feed_reset(ui->desc.feed);
        ui_say(ui, "reset");
        break;
    case TOOL_PICTURE:
        if (ui->desc.screenshot) {
            ui->desc.screenshot(ui->desc.context, ui);
        }
        break;
    case TOOL_SMALLER:
    case TOOL_LARGER:
        zoom(ui, tool == TOOL_LARGER);
        break;
    case TOOL_FIT:
        ui_fit(ui);
        break;
    default:
        ui->help = !ui->help;
        ui->all_dirty = true;
    }
}

/* ---- Mouse ---- */
static void give_keys(struct ui *ui, bool to_board) {
    if (ui->terminal && to_board != ui->keys_to_board) {
        ui->keys_to_board = to_board;
        ui->panels_dirty[PANE_STATUS] = ui->panels_dirty[PANE_PART] = true;
        ui_touch(ui, ui->panes[PANE_BOARD]);
    }
}

static void press_board(struct ui *ui, int x, int y) {
    give_keys(ui, true);
    int control = ui->hover_part == UI_NO_PART ? -1 : control_at(ui, ui->hover_part, x, y);
    if (control >= 0) {
        take_hold(ui, GRAB_CONTROL, ui->hover_part, (unsigned)control, x, y);
        return;
    }
    if (ui->hover_part != UI_NO_PART) {
        ui_choose(ui, ui->hover_part, 0);
    }
    ui->grab = GRAB_PLANE;
    ui->grab_x = x;
    ui->grab_y = y;
    ui->grab_plane_x = ui->drawing.x;
    ui->grab_plane_y = ui->drawing.y;
}

static void press_left(struct ui *ui, int x, int y) {
    int tool = tool_at(ui, x, y), row = row_at(ui, x, y);
    if (tool >= 0) {
        use_tool(ui, (enum ui_tool)tool);
    } else if (box_holds(ui->panes[PANE_BOARD], x, y)) {
        press_board(ui, x, y);
    } else if (box_holds(ui->panes[PANE_SPLIT], x, y)) {
        ui->grab = GRAB_SPLIT;
    } else if (box_holds(ui->panes[PANE_PART], x, y) && row >= 0) {
        give_keys(ui, true);
        take_hold(ui, GRAB_PANEL_CONTROL, ui->chosen_part, (unsigned)row, x, y);
    } else if (box_holds(ui->panes[PANE_TERMINAL], x, y) && ui->terminal) {
        give_keys(ui, false);
        ui->grab = GRAB_SELECTION;
        terminal_unselect(ui->terminal);
        terminal_select(ui->terminal, x, y, true);
    }
}

static void paste(struct ui *ui) {
    char *text = ui->desc.paste ? ui->desc.paste(ui->desc.context) : NULL;
    if (text && ui->terminal) {
        terminal_paste(ui->terminal, text);
    }
    free(text);
}

void ui_mouse_button(struct ui *ui, int x, int y, unsigned button, bool down, unsigned modifiers) {
    if (ui->help && down) {
        ui->help = false;
        ui->all_dirty = true;
        return;
    }
    ui_mouse_move(ui, x, y);
    if (button == 1 && down) {
        press_left(ui, x, y);
    } else if (button == 1) {
        let_go(ui);
    } else if (button == 2 && down && box_holds(ui->panes[PANE_TERMINAL], x, y)) {
        give_keys(ui, false);
        paste(ui);
    }
}

void ui_mouse_move(struct ui *ui, int x, int y) {
    ui->mouse_x = x;
    ui->mouse_y = y;
    if (ui->grab == GRAB_PANEL_CONTROL || ui->grab == GRAB_CONTROL) {
        enum part_control_kind kind = ui_control(ui, ui->grab_part, ui->grab_control)->kind;
        if (kind == PART_KNOB || kind == PART_SLIDER) {
            ui->grab == GRAB_PANEL_CONTROL ? slide_row(ui, x) : kind == PART_KNOB ? turn(ui, x, y) : slide(ui, x, y);
        }
    } else if (ui->grab == GRAB_PLANE) {
        ui->drawing.x = ui->grab_plane_x + x - ui->grab_x;
        ui->drawing.y = ui->grab_plane_y + y - ui->grab_y;
        ui->fitted &= x == ui->grab_x && y == ui->grab_y;
        ui->still_dirty = true;
    } else if (ui->grab == GRAB_SPLIT) {
        double share = 1 - (double)(y + ui_px(ui, 28)) / ui->canvas.height;
        ui->split_chosen = true;
        ui->split = fmin(fmax(share, 0.06), 0.85);
        ui_layout(ui);
    } else if (ui->grab == GRAB_SELECTION) {
        terminal_select(ui->terminal, x, y, false);
    } else {
        hover(ui, x, y);
    }
}

void ui_mouse_leave(struct ui *ui) {
    if (ui->grab == GRAB_NOTHING) {
        hover(ui, -1, -1);
    }
}

void ui_mouse_wheel(struct ui *ui, int x, int y, double notches, unsigned modifiers) {
    double steps = notches * (modifiers & UI_SHIFT ? COARSE : 1);
    int row = row_at(ui, x, y);
    if (box_holds(ui->panes[PANE_TERMINAL], x, y) && ui->terminal) {
        terminal_scroll(ui->terminal, (int)(notches * 3));
    } else if (box_holds(ui->panes[PANE_PART], x, y) && row >= 0) {
        step(ui, ui->chosen_part, (unsigned)row, steps);
    } else if (box_holds(ui->panes[PANE_BOARD], x, y)) {
        int control = ui->hover_part == UI_NO_PART ? -1 : control_at(ui, ui->hover_part, x, y);
        if (control >= 0 && !(modifiers & UI_CTRL)) {
            ui_choose(ui, ui->hover_part, (unsigned)control);
            step(ui, ui->hover_part, (unsigned)control, steps);
        } else if (notches != 0) {
            ui_zoom(ui, ui_next_scale(ui, notches > 0), x, y);
        }
    }
}

/* ---- Keys ---- */
static void next_control(struct ui *ui, bool back) {
    const struct project *project = ui->desc.project;
    uint32_t part = ui->chosen_part == UI_NO_PART ? 0 : ui->chosen_part;
    int control = (int)ui->chosen_control + (back ? -1 : 1);
    for (unsigned i = 0; i <= project->part_count && project->part_count; i++) {
        if (control >= 0 && ui_control(ui, part, (unsigned)control)) {
            ui_choose(ui, part, (unsigned)control);
            ui_touch(ui, ui->panes[PANE_BOARD]);
            return;
        }
        part = (part + (back ? project->part_count - 1 : 1)) % project->part_count;
        control = back ? (int)part_control_count(ui_class(ui, part)) - 1 : 0;
    }
}

/* A button's own key: the attribute `key` of its part, as other simulators have it. */
static bool has_key(const struct project_part *part, uint32_t code) {
    int attribute = part_attribute_find(part->class, "key");
    const char *text = attribute >= 0 ? part->part->values[attribute].text : NULL;
    return text && text[0] && !text[1] && (uint32_t)(text[0] | 32) == code;
}

static bool find_key(const struct ui *ui, uint32_t code, uint32_t *ret_part, unsigned *ret_control) {
    const struct part_control *chosen = ui_control(ui, ui->chosen_part, ui->chosen_control);
    if (code == ' ' && chosen) {
        *ret_part = ui->chosen_part;
        *ret_control = ui->chosen_control;
        return chosen->kind == PART_BUTTON || chosen->kind == PART_SWITCH;
    }
    for (uint32_t i = 0; i < ui->desc.project->part_count; i++) {
        for (unsigned k = 0; has_key(&ui->desc.project->parts[i], code) && ui_control(ui, i, k); k++) {
            if (ui_control(ui, i, k)->kind == PART_BUTTON) {
                *ret_part = i;
                *ret_control = k;
                return true;
            }
        }
    }
    return false;
}

static void release_key(struct ui *ui) {
    if (ui->key_part != UI_NO_PART && ui_control(ui, ui->key_part, ui->key_control)->kind == PART_BUTTON) {
        ui_set(ui, ui->key_part, ui->key_control, 0);
    }
    ui->key_part = UI_NO_PART;
}

static bool press_key(struct ui *ui, uint32_t code, bool repeated) {
    uint32_t part;
    unsigned control;
    if (!code || !find_key(ui, code, &part, &control)) {
        return false;
    }
    if (!repeated) {
        release_key(ui);
        ui->key_part = part;
        ui->key_control = control;
        ui->key_code = code;
        bool toggle = ui_control(ui, part, control)->kind == PART_SWITCH;
        ui_set(ui, part, control, toggle ? !ui_value(ui, part, control) : 1);
    }
    return true;
}

static void board_key(struct ui *ui, enum ui_key key, uint32_t code, unsigned modifiers, bool repeated) {
    static const int steps[] = {
        [UI_UP] = 1, [UI_RIGHT] = 1, [UI_DOWN] = -1, [UI_LEFT] = -1, [UI_PAGE_UP] = COARSE, [UI_PAGE_DOWN] = -COARSE
    };
    const struct part_control *control = ui_control(ui, ui->chosen_part, ui->chosen_control);
    if (press_key(ui, code, repeated)) {
        return;
    }
    if (code == '+' || code == '=' || code == '-') {
        zoom(ui, code != '-');
    } else if (code == '0') {
        ui_fit(ui);
    } else if (key == UI_TAB) {
        next_control(ui, modifiers & UI_SHIFT);
    } else if (control && (key == UI_HOME || key == UI_END)) {
        ui_set(ui, ui->chosen_part, ui->chosen_control, key == UI_HOME || control->wraps ? control->min : control->max);
    } else if (control && (unsigned)key < sizeof(steps) / sizeof(steps[0]) && steps[key]) {
        step(ui, ui->chosen_part, ui->chosen_control, steps[key] * (modifiers & UI_SHIFT ? COARSE : 1));
    }
}

static void terminal_input(struct ui *ui, enum ui_key key, uint32_t code, unsigned modifiers) {
    static const int keys[] = { [UI_ENTER] = TERMINAL_ENTER,
                                [UI_TAB] = TERMINAL_TAB,
                                [UI_BACKSPACE] = TERMINAL_BACKSPACE,
                                [UI_ESCAPE] = TERMINAL_ESCAPE,
                                [UI_UP] = TERMINAL_UP,
                                [UI_DOWN] = TERMINAL_DOWN,
                                [UI_LEFT] = TERMINAL_LEFT,
                                [UI_RIGHT] = TERMINAL_RIGHT,
                                [UI_INSERT] = TERMINAL_INSERT,
                                [UI_DELETE] = TERMINAL_DELETE,
                                [UI_HOME] = TERMINAL_HOME,
                                [UI_END] = TERMINAL_END,
                                [UI_PAGE_UP] = TERMINAL_PAGE_UP,
                                [UI_PAGE_DOWN] = TERMINAL_PAGE_DOWN };
    bool both = (modifiers & UI_CTRL) && (modifiers & UI_SHIFT);
    if (both && code == 'c') {
        char *text = terminal_selected(ui->terminal);
        if (text && ui->desc.copy) {
            ui->desc.copy(ui->desc.context, text);
        }
        free(text);
    } else if ((both && code == 'v') || (key == UI_INSERT && (modifiers & UI_SHIFT))) {
        paste(ui);
    } else if ((modifiers & UI_SHIFT) && (key == UI_PAGE_UP || key == UI_PAGE_DOWN)) {
        terminal_scroll(ui->terminal, key == UI_PAGE_UP ? 10 : -10);
    } else if (key >= UI_ENTER && key <= UI_PAGE_DOWN) {
        terminal_key(ui->terminal, (enum terminal_key)keys[key], modifiers);
    } else if (code && (modifiers & (UI_CTRL | UI_ALT))) {
        terminal_character(ui->terminal, code, modifiers);
    }
}

void ui_key(struct ui *ui, enum ui_key key, uint32_t code, unsigned modifiers, bool down, bool repeated) {
    if (!down) {
        if (ui->key_part != UI_NO_PART && code == ui->key_code) {
            release_key(ui);
        }
        return;
    }
    if (ui->help && (key == UI_ESCAPE || key == UI_F1)) {
        use_tool(ui, TOOL_HELP);
    } else if (key == UI_F1 || key == UI_F5 || key == UI_F6 || key == UI_F12) {
        if (!repeated) {
            use_tool(ui, key == UI_F1   ? TOOL_HELP
                         : key == UI_F5 ? TOOL_PAUSE
                         : key == UI_F6 ? TOOL_RESET
                                        : TOOL_PICTURE);
        }
    } else if (ui->keys_to_board) {
        board_key(ui, key, code, modifiers, repeated);
    } else {
        terminal_input(ui, key, code, modifiers);
    }
}

void ui_text(struct ui *ui, const char *text) {
    if (ui->keys_to_board || !ui->terminal) {
        return; /* board_key() has seen it */
    }
    for (uint32_t code = font_next(&text); code; code = font_next(&text)) {
        terminal_character(ui->terminal, code, 0);
    }
}

void ui_unfocus(struct ui *ui) {
    release_key(ui);
    let_go(ui);
}
