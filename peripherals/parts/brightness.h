/* The brightness that an eye sees of a light that is switched or pulsed (PWM): the time-weighted average over whole
 * periods of at least 10 ms together. An edge that comes more than 25 ms after the one before begins anew, so that a
 * light that is switched is at once at its new brightness. A function of the edges alone, never of who looks when. */
#ifndef PARTS_BRIGHTNESS_H
#define PARTS_BRIGHTNESS_H

#include "emulator/core/scheduler.h"
#include "emulator/core/walk.h"

struct brightness {
    struct scheduler *scheduler;
    bool lit;
    bool opened_by;   /* the window began with the light going on */
    bool has_average; /* of a complete window */
    double average;
    uint64_t last_ps;   /* of the last edge */
    uint64_t window_ps; /* when the present window began */
    uint64_t on_ps;     /* lit within the window, up to the last edge */
};

void brightness_init(struct brightness *brightness, struct scheduler *scheduler, bool lit);
void brightness_set(struct brightness *brightness, bool lit);
/* Its state, for snapshots. */
void brightness_walk(struct brightness *brightness, struct walk *walk);
/* 0 to 1, now. */
double brightness_get(const struct brightness *brightness);

#endif
