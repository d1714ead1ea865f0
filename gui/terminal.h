/* The REPL pane: a terminal (libvterm) on a canvas, with a memory of lines that have scrolled out. */
#ifndef GUI_TERMINAL_H
#define GUI_TERMINAL_H

#include "gui/canvas.h"

#include <stddef.h>

struct terminal;

enum terminal_key {
    TERMINAL_ENTER,
    TERMINAL_TAB,
    TERMINAL_BACKSPACE,
    TERMINAL_ESCAPE,
    TERMINAL_UP,
    TERMINAL_DOWN,
    TERMINAL_LEFT,
    TERMINAL_RIGHT,
    TERMINAL_INSERT,
    TERMINAL_DELETE,
    TERMINAL_HOME,
    TERMINAL_END,
    TERMINAL_PAGE_UP,
    TERMINAL_PAGE_DOWN,
};
#define TERMINAL_SHIFT 1u
#define TERMINAL_ALT 2u
#define TERMINAL_CTRL 4u

/* `type` gets the bytes that keys make. NULL when memory runs out, or when the program was built without libvterm. */
struct terminal *terminal_create(void (*type)(void *context, const void *data, size_t size), void *context);
void terminal_destroy(struct terminal *terminal); /* NULL is fine */
/* Where it is drawn, with letters of this size. As many rows and columns as fit, at least one of each. */
void terminal_place(struct terminal *terminal, struct box box, const struct font *font);
/* What the machine has printed. */
void terminal_print(struct terminal *terminal, const uint8_t *data, size_t size);

/* A character with modifiers, a key that is none, or a text that is typed as it is. Back to the newest line. */
void terminal_character(struct terminal *terminal, uint32_t code, unsigned modifiers);
void terminal_key(struct terminal *terminal, enum terminal_key key, unsigned modifiers);
void terminal_paste(struct terminal *terminal, const char *text);
/* Back in the lines that have scrolled out (more than 0) or forth. */
void terminal_scroll(struct terminal *terminal, int lines);
/* A selection from a pixel to another; terminal_selected() makes its text, to be freed; NULL when there is none. */
void terminal_select(struct terminal *terminal, int x, int y, bool begin);
void terminal_unselect(struct terminal *terminal);
char *terminal_selected(struct terminal *terminal);

/* Draw what has changed, everything when `all`; returns the box of what was drawn. */
struct box terminal_draw(struct terminal *terminal, struct canvas *canvas, bool focused, bool all);
/* As the program in the machine has set it; "" when it has not. */
const char *terminal_title(const struct terminal *terminal);

#endif
