/* How bright a light looks that is switched: the share of time over what an eye averages over. */
#include "peripherals/parts/brightness.h"

#define AVERAGE_PS (10 * PS_PER_MS)
#define REST_PS (25 * PS_PER_MS)

static void open_window(struct brightness *b, uint64_t now) {
    b->window_ps = now;
    b->on_ps = 0;
    b->opened_by = b->lit;
}

void brightness_init(struct brightness *b, struct scheduler *scheduler, bool lit) {
    uint64_t now = scheduler_now(scheduler);
    *b = (struct brightness){ .scheduler = scheduler, .lit = lit, .last_ps = now };
    open_window(b, now);
}

void brightness_set(struct brightness *b, bool lit) {
    if (lit == b->lit) {
        return;
    }
    uint64_t now = scheduler_now(b->scheduler);
    b->on_ps += b->lit ? now - b->last_ps : 0;
    b->lit = lit;
    if (now - b->last_ps > REST_PS) {
        b->has_average = false;
        open_window(b, now);
    } else if (lit == b->opened_by && now - b->window_ps >= AVERAGE_PS) {
        b->average = (double)b->on_ps / (double)(now - b->window_ps);
        b->has_average = true;
        open_window(b, now);
    }
    b->last_ps = now;
}

double brightness_get(const struct brightness *b) {
    uint64_t now = scheduler_now(b->scheduler);
    uint64_t on = b->on_ps + (b->lit ? now - b->last_ps : 0);
    if (now - b->last_ps > REST_PS || now == b->window_ps) {
        return b->lit;
    }
    return b->has_average ? b->average : (double)on / (double)(now - b->window_ps);
}

void brightness_walk(struct brightness *b, struct walk *walk) {
    walk_bool(walk, &b->lit);
    walk_bool(walk, &b->opened_by);
    walk_bool(walk, &b->has_average);
    walk_double_within(walk, &b->average, 0, 1);
    walk_u64(walk, &b->last_ps);
    walk_u64(walk, &b->window_ps);
    walk_u64(walk, &b->on_ps);
}
