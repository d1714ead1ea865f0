/* Instead of terminal.c where libvterm is missing: there is no REPL pane; terminal_create() says so. */
#include "gui/terminal.h"

struct terminal *terminal_create(void (*type)(void *context, const void *data, size_t size), void *context) {
    return NULL;
}

void terminal_destroy(struct terminal *terminal) {
}

void terminal_place(struct terminal *terminal, struct box box, const struct font *font) {
}

void terminal_print(struct terminal *terminal, const uint8_t *data, size_t size) {
}

void terminal_character(struct terminal *terminal, uint32_t code, unsigned modifiers) {
}

void terminal_key(struct terminal *terminal, enum terminal_key key, unsigned modifiers) {
}

void terminal_paste(struct terminal *terminal, const char *text) {
}

void terminal_scroll(struct terminal *terminal, int lines) {
}

void terminal_select(struct terminal *terminal, int x, int y, bool begin) {
}

void terminal_unselect(struct terminal *terminal) {
}

char *terminal_selected(struct terminal *terminal) {
    return NULL;
}

struct box terminal_draw(struct terminal *terminal, struct canvas *canvas, bool focused, bool all) {
    return (struct box){ 0 };
}

const char *terminal_title(const struct terminal *terminal) {
    return "";
}
