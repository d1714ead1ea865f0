/* The ui's state, shared by ui.c (frames), ui_panes.c (what the panes look like) and ui_input.c (mouse and keys). */
#ifndef GUI_UI_PRIVATE_H
#define GUI_UI_PRIVATE_H

#include "gui/drawing.h"
#include "gui/terminal.h"
#include "gui/ui.h"

#define UI_NO_PART UINT32_MAX
#define UI_RATIO_NS 500000000u
#define UI_STATUS_NS 100000000u
#define UI_SAY_NS 4000000000u

enum ui_pane { PANE_TOOLS, PANE_BOARD, PANE_TERMINAL, PANE_PART, PANE_STATUS, PANE_SPLIT, PANES };
enum ui_tool { TOOL_PAUSE, TOOL_RESET, TOOL_PICTURE, TOOL_SMALLER, TOOL_LARGER, TOOL_FIT, TOOL_HELP, TOOLS };

/* What the mouse holds. */
enum ui_grab { GRAB_NOTHING, GRAB_CONTROL, GRAB_PANEL_CONTROL, GRAB_PLANE, GRAB_SPLIT, GRAB_SELECTION };

/* What a frame has drawn last of a view, to see whether it has changed. */
struct ui_seen {
    uint64_t generation;
    double value, other;
    char text[FEED_TEXT];
};

struct ui {
    struct ui_desc desc;
    struct canvas canvas, still; /* still: the board's pane without what lives */
    struct terminal *terminal;
    const struct font *font, *small, *mono, *large;
    struct box panes[PANES];
    struct box tools[TOOLS];
    double split;      /* share of the height for the REPL and the controls */
    bool split_chosen; /* by the user */
    struct drawing drawing;
    bool fitted; /* the board follows the pane's size */
    const struct shown *shown;
    struct ui_seen (*seen)[PART_VIEWS]; /* by part */

    struct box dirty; /* of the board, to be drawn anew */
    bool all_dirty, still_dirty, panels_dirty[PANES];
    bool help;

    int mouse_x, mouse_y;
    uint32_t hover_part, chosen_part;
    int hover_pin;
    int hover_tool;
    unsigned chosen_control;
    bool keys_to_board;
    bool space_held;
    uint32_t key_part; /* whose button a key holds; UI_NO_PART */
    unsigned key_control;
    uint32_t key_code;

    enum ui_grab grab;
    uint32_t grab_part;
    unsigned grab_control;
    double grab_value, grab_last; /* value so far; angle or pixel of the last move */
    int grab_x, grab_y;
    double grab_plane_x, grab_plane_y;

    uint32_t sent_part; /* a value on its way to the machine, until it is seen there; UI_NO_PART: none */
    unsigned sent_control, sent_frames;
    double sent_value;

    bool paused;
    uint64_t ratio_wall_ns, ratio_time_ps, status_ns;
    double ratio;
    char said[256];
    uint64_t now_ns, said_until_ns;
};

/* ---- ui.c ---- */
void ui_layout(struct ui *ui);
void ui_fit(struct ui *ui);
/* About a pixel of the board's pane. */
void ui_zoom(struct ui *ui, double scale, int x, int y);
/* The next scale at which a screen has a whole zoom, or a step. */
double ui_next_scale(const struct ui *ui, bool larger);
void ui_touch(struct ui *ui, struct box box);
const struct part_control *ui_control(const struct ui *ui, uint32_t part, unsigned control);
const struct part_class *ui_class(const struct ui *ui, uint32_t part);
/* Its place on the face: of the control itself or, when it has none, of the face. */
void ui_hold(const struct part_face *face, const struct part_control *control, double box[4]);
void ui_choose(struct ui *ui, uint32_t part, unsigned control);
/* Bring into the range and hand to the machine. */
void ui_set(struct ui *ui, uint32_t part, unsigned control, double value);
double ui_value(const struct ui *ui, uint32_t part, unsigned control);
void ui_pause(struct ui *ui, bool paused);

/* ---- ui_panes.c ---- */
void ui_lay_tools(struct ui *ui);
void ui_draw_tools(struct ui *ui);
void ui_draw_part(struct ui *ui);
void ui_draw_status(struct ui *ui);
void ui_draw_help(struct ui *ui);
/* The rows of controls in the part's pane: a row's slider. */
struct box ui_slider(const struct ui *ui, unsigned control);

static inline int ui_px(const struct ui *ui, double pixels) {
    return (int)(pixels * ui->desc.scale + 0.5);
}

#endif
