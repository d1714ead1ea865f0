/* What tools, the chosen part's pane, the status line and the help look like. */
#include "gui/ui_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define DARK 0x22272f
#define DARKER 0x1b1f27
#define PANEL 0x262c35
#define RIM 0x3a424e
#define TEXT 0xdfe5ec
#define FAINT 0x93a0af
#define ACCENT 0x3d9be9
#define HIGH 0x3fbf6a
#define LOW 0x5d6876
#define FLOATING 0xd0a030
#define FIGHT 0xe04545

static int text_at(struct ui *ui, const struct font *font, int x, int middle, uint32_t colour, const char *text) {
    return canvas_text(&ui->canvas, font, x, middle - (font->ascent - font->capital) - (font->capital + 1) / 2, colour,
                       text);
}

/* ---- Tools ---- */
static const char *tool_text(const struct ui *ui, enum ui_tool tool) {
    static const char *const texts[TOOLS] = { "Pause", "Reset", "Picture", "", "", "Fit", "Help" };
    return tool == TOOL_PAUSE && ui->paused ? "Run" : texts[tool];
}

void ui_lay_tools(struct ui *ui) {
    int x = ui_px(ui, 8), gap = ui_px(ui, 6), height = ui->panes[PANE_TOOLS].y1;
    for (enum ui_tool tool = 0; tool < TOOLS; tool++) {
        const char *text = tool == TOOL_PAUSE ? "Pause" : tool_text(ui, tool);
        int width = ui_px(ui, 30) + (*text ? font_width(ui->font, text) + ui_px(ui, 6) : 0);
        ui->tools[tool] = (struct box){ x, ui_px(ui, 5), x + width, height - ui_px(ui, 5) };
        x += width + gap + (tool == TOOL_PICTURE || tool == TOOL_FIT ? ui_px(ui, 12) : 0);
    }
}

static void icon(struct ui *ui, enum ui_tool tool, double x, double y, double r, uint32_t colour) {
    struct canvas *c = &ui->canvas;
    struct point middle = { x, y };
    if (tool == TOOL_PAUSE && !ui->paused) {
        canvas_rectangle(c, x - r * 0.7, y - r, r * 0.5, 2 * r, 1, colour, 255);
        canvas_rectangle(c, x + r * 0.2, y - r, r * 0.5, 2 * r, 1, colour, 255);
    } else if (tool == TOOL_PAUSE) {
        canvas_polygon(c, (struct point[]){ { x - r * 0.6, y - r }, { x + r, y }, { x - r * 0.6, y + r } }, 3, 0x6fdc8c,
                       255);
    } else if (tool == TOOL_RESET) {
        canvas_arc(c, middle, r * 0.85, 60, 290, r * 0.3, colour, 255);
        canvas_polygon(c,
                       (struct point[]){
                           { x - r * 0.3, y - r * 1.35 }, { x + r * 0.55, y - r * 0.8 }, { x - r * 0.3, y - r * 0.2 } },
                       3, colour, 255);
    } else if (tool == TOOL_PICTURE) {
        canvas_rectangle(c, x - r, y - r * 0.65, 2 * r, r * 1.5, r * 0.25, colour, 255);
        canvas_rectangle(c, x - r * 0.4, y - r, r * 0.8, r * 0.6, r * 0.1, colour, 255);
        canvas_disc(c, x - r * 0.5, y - r * 0.4, r, r, PANEL, 255);
        canvas_disc(c, x - r * 0.28, y - r * 0.18, r * 0.56, r * 0.56, colour, 255);
    } else if (tool == TOOL_SMALLER || tool == TOOL_LARGER) {
        canvas_line(c, (struct point){ x - r * 0.8, y }, (struct point){ x + r * 0.8, y }, r * 0.3, colour, 255);
        if (tool == TOOL_LARGER) {
            canvas_line(c, (struct point){ x, y - r * 0.8 }, (struct point){ x, y + r * 0.8 }, r * 0.3, colour, 255);
        }
    } else if (tool == TOOL_FIT) {
        for (unsigned corner = 0; corner < 4; corner++) {
            double sx = corner & 1 ? 1 : -1, sy = corner & 2 ? 1 : -1;
            struct point at = { x + sx * r * 0.85, y + sy * r * 0.85 };
            canvas_line(c, at, (struct point){ at.x - sx * r * 0.55, at.y }, r * 0.24, colour, 255);
            canvas_line(c, at, (struct point){ at.x, at.y - sy * r * 0.55 }, r * 0.24, colour, 255);
        }
    } else {
        text_at(ui, ui->large, (int)(x - font_width(ui->large, "?") / 2.0), (int)y, colour, "?");
    }
}

void ui_draw_tools(struct ui *ui) {
    canvas_fill(&ui->canvas, ui->panes[PANE_TOOLS], DARK);
    for (enum ui_tool tool = 0; tool < TOOLS; tool++) {
        struct box box = ui->tools[tool];
        int middle = (box.y0 + box.y1) / 2;
        bool on = (int)tool == ui->hover_tool;
        canvas_rectangle(&ui->canvas, box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0, ui_px(ui, 5), on ? RIM : PANEL,
                         255);
        icon(ui, tool, box.x0 + ui_px(ui, 15), middle, ui_px(ui, 6.5), TEXT);
        text_at(ui, ui->font, box.x0 + ui_px(ui, 28), middle, TEXT, tool_text(ui, tool));
    }
    const char *title = ui->desc.title ? ui->desc.title : "";
    int x = ui->panes[PANE_TOOLS].x1 - ui_px(ui, 12) - font_width(ui->font, title);
    if (x > ui->tools[TOOLS - 1].x1 + 8) {
        text_at(ui, ui->font, x, ui->panes[PANE_TOOLS].y1 / 2, FAINT, title);
    }
}

/* ---- Levels of pins ---- */
static uint32_t level_colour(uint8_t level) {
    return level == NET_LEVEL_HIGH ? HIGH : level == NET_LEVEL_LOW ? LOW : level == FEED_CONTENDED ? FIGHT : FLOATING;
}

/* A pin's name with its level in a little box; returns its width. */
static int chip(struct ui *ui, int x, int middle, const char *name, uint8_t level, bool draw) {
    const char *sign = level == NET_LEVEL_HIGH   ? "1"
                       : level == NET_LEVEL_LOW  ? "0"
                       : level == FEED_CONTENDED ? "!"
                                                 : "z";
    int gap = ui_px(ui, 5), width = font_width(ui->small, name) + 3 * gap + font_width(ui->small, sign);
    int half = ui->small->height / 2 + ui_px(ui, 1), value = width - 2 * gap - font_width(ui->small, sign) + gap / 2;
    if (draw) {
        canvas_rectangle(&ui->canvas, x, middle - half, width, 2 * half, ui_px(ui, 4), PANEL, 255);
        canvas_rectangle(&ui->canvas, x + value, middle - half, width - value, 2 * half, ui_px(ui, 4),
                         level_colour(level), 255);
        text_at(ui, ui->small, x + gap, middle, TEXT, name);
        text_at(ui, ui->small, x + width - gap - font_width(ui->small, sign), middle, 0xffffff, sign);
    }
    return width + gap;
}

/* The wired pins, as many as fit before `end`. */
static int chips(struct ui *ui, uint32_t part, int x, int middle, int end) {
    const struct part_class *class = ui_class(ui, part);
    const uint8_t *levels = ui->shown->parts[part].levels;
    for (unsigned i = 0; class->pins[i].name; i++) {
        if (levels[i] == FEED_UNWIRED || (ui->desc.project->parts[part].is_board && levels[i] == NET_LEVEL_FLOATING)) {
            continue;
        }
        int width = chip(ui, x, middle, class->pins[i].name, levels[i], false);
        if (x + width > end) {
            text_at(ui, ui->small, x, middle, FAINT, "…");
            break;
        }
        x += chip(ui, x, middle, class->pins[i].name, levels[i], true);
    }
    return x;
}

/* ---- Status ---- */
static void status_left(struct ui *ui, int *x, int middle) {
    char text[64];
    uint32_t colour = ui->shown->crashed ? FIGHT : ui->paused ? FLOATING : HIGH;
    double r = ui_px(ui, 5);
    canvas_disc(&ui->canvas, *x, middle - r, 2 * r, 2 * r, colour, 255);
    *x += ui_px(ui, 16);
    snprintf(text, sizeof(text), "%.3f s", (double)ui->shown->time_ps / 1e12);
    text_at(ui, ui->font, *x, middle, TEXT, text);
    *x += ui_px(ui, 92);
    if (ui->shown->crashed) {
        snprintf(text, sizeof(text), "crashed: F6 resets");
    } else if (ui->paused) {
        snprintf(text, sizeof(text), "paused");
    } else if (ui->ratio >= 0) {
        snprintf(text, sizeof(text), ui->ratio >= 9.95 ? "%.0f × real time" : "%.2f × real time", ui->ratio);
    } else {
        text[0] = 0;
    }
    text_at(ui, ui->font, *x, middle, FAINT, text);
    *x += ui_px(ui, 118);
}

static void status_pin(struct ui *ui, int x, int middle) {
    static const char *const names[] = { "low", "high", "floating" };
    const struct part_class *class = ui_class(ui, ui->hover_part);
    uint8_t level = ui->shown->parts[ui->hover_part].levels[ui->hover_pin];
    char text[128];
    snprintf(text, sizeof(text), "%s · %s: ", ui->desc.project->parts[ui->hover_part].from->id,
             class->pins[ui->hover_pin].name);
    x += text_at(ui, ui->font, x, middle, TEXT, text);
    text_at(ui, ui->font, x, middle, level_colour(level),
            level < 3                 ? names[level]
            : level == FEED_CONTENDED ? "two outputs against each other"
                                      : "not connected");
}

void ui_draw_status(struct ui *ui) {
    struct box box = ui->panes[PANE_STATUS];
    int x = ui_px(ui, 12), middle = (box.y0 + box.y1) / 2;
    canvas_fill(&ui->canvas, box, DARK);
    status_left(ui, &x, middle);
    if (ui->said[0]) {
        text_at(ui, ui->font, x, middle, 0xffd479, ui->said);
    } else if (ui->hover_part != UI_NO_PART && ui->hover_pin >= 0) {
        status_pin(ui, x, middle);
    } else if (ui->hover_part != UI_NO_PART) {
        const struct project_part *part = &ui->desc.project->parts[ui->hover_part];
        char text[160];
        snprintf(text, sizeof(text), "%s · %s", part->from->id, part->class->title);
        x += text_at(ui, ui->font, x, middle, TEXT, text) + ui_px(ui, 12);
        chips(ui, ui->hover_part, x, middle, box.x1 - ui_px(ui, 30));
    } else {
        text_at(ui, ui->font, x, middle, FAINT,
                ui->keys_to_board ? "keys: board (Tab, arrows, space)" : "keys: REPL (click the board for its keys)");
    }
}

/* ---- The chosen part ---- */
#define ROW 30

struct box ui_slider(const struct ui *ui, unsigned control) {
    struct box pane = ui->panes[PANE_PART];
    int top = pane.y0 + ui_px(ui, 46 + (int)control * ROW);
    return (struct box){ pane.x0 + ui_px(ui, 92), top, pane.x1 - ui_px(ui, 96), top + ui_px(ui, ROW - 6) };
}

static void draw_value(struct ui *ui, const struct part_control *control, double value, int x, int middle) {
    char text[64];
    double step = control->step > 0 ? control->step : (control->max - control->min) / 100;
    int digits = step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3;
    snprintf(text, sizeof(text), "%.*f%s%s", digits + (digits == 0 && control->kind == PART_KNOB), value,
             control->unit ? " " : "", control->unit ? strcmp(control->unit, "deg") == 0 ? "°" : control->unit : "");
    text_at(ui, ui->font, x, middle, TEXT, text);
}

static void draw_switch(struct ui *ui, const struct part_control *control, double value, struct box box) {
    int middle = (box.y0 + box.y1) / 2, width = ui_px(ui, 34), half = ui_px(ui, 9);
    if (control->kind == PART_BUTTON) {
        canvas_rectangle(&ui->canvas, box.x0, middle - half - 1, ui_px(ui, 96), 2 * half + 2, ui_px(ui, 5),
                         value ? ACCENT : RIM, 255);
        text_at(ui, ui->font, box.x0 + ui_px(ui, 48) - font_width(ui->font, "press") / 2, middle, TEXT, "press");
        return;
    }
    canvas_rectangle(&ui->canvas, box.x0, middle - half, width, 2 * half, half, value ? ACCENT : RIM, 255);
    canvas_disc(&ui->canvas, box.x0 + (value ? width - 2 * half : 0) + 2, middle - half + 2, 2 * half - 4, 2 * half - 4,
                0xffffff, 255);
}

static void draw_control(struct ui *ui, unsigned index) {
    const struct part_control *control = ui_control(ui, ui->chosen_part, index);
    double value = ui_value(ui, ui->chosen_part, index);
    struct box box = ui_slider(ui, index);
    int middle = (box.y0 + box.y1) / 2;
    bool chosen = ui->keys_to_board && index == ui->chosen_control;
    text_at(ui, ui->font, ui->panes[PANE_PART].x0 + ui_px(ui, 14), middle, chosen ? 0xffa64d : FAINT, control->name);
    if (control->kind == PART_BUTTON || control->kind == PART_SWITCH) {
        draw_switch(ui, control, value, box);
        return;
    }
    double share = (value - control->min) / (control->max - control->min), r = ui_px(ui, 7);
    double width = box.x1 - box.x0, x = box.x0 + share * width;
    canvas_rectangle(&ui->canvas, box.x0, middle - 2, width, 4, 2, RIM, 255);
    canvas_rectangle(&ui->canvas, box.x0, middle - 2, x - box.x0, 4, 2, ACCENT, 255);
    canvas_disc(&ui->canvas, x - r, middle - r, 2 * r, 2 * r, 0xf4f7fa, 255);
    draw_value(ui, control, value, box.x1 + ui_px(ui, 14), middle);
}

void ui_draw_part(struct ui *ui) {
    struct box pane = ui->panes[PANE_PART];
    canvas_fill(&ui->canvas, pane, DARK);
    canvas_fill(&ui->canvas, (struct box){ pane.x0, pane.y0, pane.x0 + 1, pane.y1 }, RIM);
    if (ui->chosen_part == UI_NO_PART) {
        return;
    }
    const struct project_part *part = &ui->desc.project->parts[ui->chosen_part];
    int x = pane.x0 + ui_px(ui, 14), y = pane.y0 + ui_px(ui, 18);
    x += text_at(ui, ui->large, x, y, TEXT, part->from->id) + ui_px(ui, 10);
    text_at(ui, ui->small, x, y + 1, FAINT, part->class->title);
    unsigned count = part_control_count(part->class);
    for (unsigned i = 0; i < count; i++) {
        draw_control(ui, i);
    }
    y = pane.y0 + ui_px(ui, 46 + 14 + (int)count * ROW);
    if (y + ui_px(ui, 10) < pane.y1) {
        chips(ui, ui->chosen_part, pane.x0 + ui_px(ui, 14), y, pane.x1 - ui_px(ui, 20));
    }
}

/* ---- Help ---- */
static const char *const help[][2] = {
    { "drag a knob round", "turn it" },
    { "drag a slider, click a switch", "move it" },
    { "hold the mouse on a button", "press it" },
    { "wheel over a control", "one step; with Shift ten" },
    { "wheel elsewhere, + and -, 0", "zoom, fit the window" },
    { "drag the background", "move the board" },
    { "click the board, the REPL", "its turn at the keyboard" },
    { "Tab, arrows, Page Up and Down", "board: choose a control, move it" },
    { "space, a button's own key", "board: press, switch" },
    { "Ctrl+Shift+C, V", "REPL: copy what is marked, paste" },
    { "F5", "pause, go on" },
    { "F6", "reset the board" },
    { "F12", "a picture of the window as PNG" },
    { "F1", "this page" },
};
#define HELP_LINES (sizeof(help) / sizeof(help[0]))

void ui_draw_help(struct ui *ui) {
    int line = ui->font->height + ui_px(ui, 6), width = ui_px(ui, 560), height = line * (int)HELP_LINES + ui_px(ui, 70);
    int x = (ui->canvas.width - width) / 2, y = (ui->canvas.height - height) / 2;
    canvas_rectangle(&ui->canvas, 0, 0, ui->canvas.width, ui->canvas.height, 0, 0x10141a, 150);
    canvas_rectangle(&ui->canvas, x, y, width, height, ui_px(ui, 10), DARK, 255);
    text_at(ui, ui->large, x + ui_px(ui, 24), y + ui_px(ui, 28), TEXT, "Ouroboard");
    for (unsigned i = 0; i < HELP_LINES; i++) {
        int middle = y + ui_px(ui, 62) + (int)i * line;
        text_at(ui, ui->font, x + ui_px(ui, 24), middle, 0xffd479, help[i][0]);
        text_at(ui, ui->font, x + ui_px(ui, 268), middle, TEXT, help[i][1]);
    }
}
