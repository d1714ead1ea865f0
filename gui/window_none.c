/* Instead of window.c where SDL is missing. */
#include "gui/window.h"

#include <stddef.h>

struct window *window_open(const struct window_desc *desc, struct error *error) {
    error_set(error, "this ouroboard was built without SDL2");
    return NULL;
}

void window_close(struct window *window) {
}

struct feed *window_feed(struct window *window) {
    return NULL;
}

int window_run(struct window *window, int (*work)(void *context), void *context) {
    return work(context);
}

struct window_cost window_cost(const struct window *window) {
    return (struct window_cost){ 0 };
}
