/* The window: SDL's part of the user interface (ui.h). It lives in the thread that opens it, which should be the first
 * one of the process; the machine runs in a thread of its own as long as the window is open. */
#ifndef GUI_WINDOW_H
#define GUI_WINDOW_H

#include "gui/feed.h"

struct window;

struct window_desc {
    const struct project *project; /* built; outlives the window */
    feed_setter *set;              /* how what the user does to a part reaches the board */
    void *set_context;
    const char *title;
    uint64_t frames; /* leave after so many; 0: never. For tests. */
};

/* NULL and an error line when there is no display or memory, or when the program was built without SDL. */
struct window *window_open(const struct window_desc *desc, struct error *error);
void window_close(struct window *window); /* NULL is fine */
/* For the machine's side. */
struct feed *window_feed(struct window *window);
/* Calls work(context) in a thread of its own and returns its result when it has come back; meanwhile shows the window.
 * Closing the window is a request to leave (feed_step()), which work() has to follow. */
int window_run(struct window *window, int (*work)(void *context), void *context);

/* What a finished window_run() has taken. */
struct window_cost {
    uint64_t frames;
    double wall_s, cpu_s; /* of the window's thread */
};
struct window_cost window_cost(const struct window *window);

#endif
