/* Between the machine's thread and the window's: what parts show goes one way as copies, what the user does goes the
 * other way as requests. Neither thread ever waits for the other one's work.
 *
 * The machine's thread calls feed_step() between slices; it costs next to nothing unless the window wants a new copy.
 * Pixels are copied only when they have changed. */
#ifndef GUI_FEED_H
#define GUI_FEED_H

#include "emulator/core/error.h"
#include "emulator/project/project.h"

#define FEED_TEXT 64

struct shown_view {
    struct part_view view; /* screen.pixels and text point into the copy */
    uint32_t *pixels;
    char text[FEED_TEXT];
};

struct shown_part {
    struct shown_view views[PART_VIEWS];
    unsigned view_count;
    double *controls; /* by control */
    uint8_t *levels;  /* enum net_level by pin, or one of these: */
};
#define FEED_UNWIRED 0xfe
#define FEED_CONTENDED 0xff

/* A moment of the machine, the window's until the next feed_latest(). */
struct shown {
    uint64_t time_ps, cycles;
    bool paused, crashed;
    struct shown_part *parts; /* as in the project */
};

/* What the user has asked for since the last feed_step(). */
struct feed_requests {
    bool reset, leave, paused;
};

struct feed;

/* What the user does to a part: how it reaches the board. In the machine's thread. */
typedef void feed_setter(void *context, const char *part, const char *control, double value);

/* `project` has been built, and outlives the feed. NULL and an error line when memory runs out. */
struct feed *feed_create(const struct project *project, feed_setter *set, void *context, struct error *error);
void feed_destroy(struct feed *feed); /* NULL is fine */

/* ---- The machine's thread ---- */
struct feed_requests feed_step(struct feed *feed, uint64_t time_ps, uint64_t cycles);
/* Sleep until there is a request, a wish for a copy, or so much time has gone. */
void feed_wait(struct feed *feed, unsigned milliseconds);
/* What the next copies say of the guest. */
void feed_crashed(struct feed *feed, bool crashed);
/* Console output; the oldest is dropped when the window does not take it. */
void feed_print(struct feed *feed, const uint8_t *data, size_t size);
/* What was typed; returns how many bytes. */
size_t feed_typed(struct feed *feed, uint8_t *data, size_t size);

/* ---- The window's thread ---- */
/* The newest moment there is; `*ret_new` tells whether it is another than last time. Asks for the next one. */
const struct shown *feed_latest(struct feed *feed, bool *ret_new);
void feed_set(struct feed *feed, unsigned part, unsigned control, double value);
void feed_pause(struct feed *feed, bool paused);
void feed_reset(struct feed *feed);
void feed_leave(struct feed *feed);
void feed_type(struct feed *feed, const void *data, size_t size);
size_t feed_printed(struct feed *feed, uint8_t *data, size_t size);

#endif
