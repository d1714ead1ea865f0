/* The window's contents and manners, without a window system: it draws on a canvas, is told of mouse and keys, and
 * tells what has changed. window.c gives it SDL's; tests give it their own.
 *
 * Panes: tools above, the board with its parts, the REPL below it, the chosen part's controls beside the REPL, a
 * status line. Board and REPL take turns at the keyboard: whichever was clicked last. */
#ifndef GUI_UI_H
#define GUI_UI_H

#include "gui/canvas.h"
#include "gui/feed.h"

struct ui;

enum ui_key {
    UI_OTHER_KEY,
    UI_ENTER,
    UI_TAB,
    UI_BACKSPACE,
    UI_ESCAPE,
    UI_UP,
    UI_DOWN,
    UI_LEFT,
    UI_RIGHT,
    UI_INSERT,
    UI_DELETE,
    UI_HOME,
    UI_END,
    UI_PAGE_UP,
    UI_PAGE_DOWN,
    UI_F1,
    UI_F5,
    UI_F6,
    UI_F12,
};
#define UI_SHIFT 1u
#define UI_ALT 2u
#define UI_CTRL 4u

#define UI_BOXES 32

/* What ui_frame() has drawn anew. */
struct ui_damage {
    struct box boxes[UI_BOXES];
    unsigned count;
};

struct ui_desc {
    const struct project *project; /* built; outlives the ui */
    struct feed *feed;             /* its window's side is the ui's */
    const char *title;
    double scale; /* of letters and panes: 1 on a screen of 96 dots an inch */
    /* All may be NULL. */
    void *context;
    void (*copy)(void *context, const char *text);    /* to the clipboard */
    char *(*paste)(void *context);                    /* from it; to be freed */
    void (*screenshot)(void *context, struct ui *ui); /* the user wants a picture of the window */
};

/* NULL and an error line when memory runs out. */
struct ui *ui_create(const struct ui_desc *desc, struct error *error);
void ui_destroy(struct ui *ui); /* NULL is fine */
/* In: how large a window can be. Out: how large it should be, to show everything at a whole zoom if that is possible.
 */
void ui_best_size(const struct ui *ui, int *width, int *height);
/* A new size; all is drawn anew. False when memory runs out. */
bool ui_resize(struct ui *ui, int width, int height);
const struct canvas *ui_canvas(const struct ui *ui);

/* Draw what has changed since the last frame. `now_ns` is the wall clock. */
void ui_frame(struct ui *ui, uint64_t now_ns, struct ui_damage *ret_damage);

/* Pixels. Buttons: 1 left, 2 middle, 3 right. */
void ui_mouse_move(struct ui *ui, int x, int y);
void ui_mouse_button(struct ui *ui, int x, int y, unsigned button, bool down, unsigned modifiers);
void ui_mouse_wheel(struct ui *ui, int x, int y, double notches, unsigned modifiers);
void ui_mouse_leave(struct ui *ui);
/* A key that makes no text, or a letter with Ctrl or Alt (`code` then is the letter, small). */
void ui_key(struct ui *ui, enum ui_key key, uint32_t code, unsigned modifiers, bool down, bool repeated);
/* UTF-8 */
void ui_text(struct ui *ui, const char *text);
/* Nobody holds a key or button any more. */
void ui_unfocus(struct ui *ui);
/* Show a line in the status bar for a while. */
void ui_say(struct ui *ui, const char *text);

/* For tests: where a control of a part is on the canvas. */
struct box ui_control_box(const struct ui *ui, unsigned part, unsigned control);

#endif
