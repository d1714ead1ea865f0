/* A clock domain counts the cycles of one clock without drift: the frequency is a rational, and a change of
 * frequency starts a new epoch at the cycle count reached. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock_domain;
struct walk;

struct clock_listener {
    void (*changed)(struct clock_listener *listener, struct clock_domain *clock);
    void *owner;
    struct clock_listener *next;
};

struct clock_domain {
    const char *name; /* as in the datasheet: "clk_sys" */
    uint64_t epoch_ps;
    uint64_t epoch_cycles;
    uint64_t period_num; /* picoseconds a cycle, reduced fraction; 0: the clock stands still */
    uint64_t period_den;
    uint64_t plain_cycles; /* so many cycles from the epoch on are worked out in 64 bits */
    struct clock_listener *listeners;
};

/* Stopped, at cycle 0. */
void clock_init(struct clock_domain *clock, const char *name);
/* From `now_ps` on the clock runs with hz_num/hz_den Hz (0/x stops it). Listeners are told if that is a change. */
void clock_set_frequency(struct clock_domain *clock, uint64_t hz_num, uint64_t hz_den, uint64_t now_ps);
/* From `now_ps` on the clock runs `multiply`/`divide` times as fast as `parent` does now, exactly. It stops when
 * the parent stands or is NULL, or a factor is 0. It does not follow the parent: listen to that for changes. */
void clock_derive(struct clock_domain *clock, const struct clock_domain *parent, uint64_t multiply, uint64_t divide,
                  uint64_t now_ps);
static inline bool clock_is_running(const struct clock_domain *clock) {
    return clock->period_num != 0;
}
/* Whole cycles counted at `ps` (not before the present epoch). */
uint64_t clock_cycles_at(const struct clock_domain *clock, uint64_t ps);
/* The first picosecond at which clock_cycles_at() gives at least `cycles`; TIME_NEVER when the clock stands. */
static inline uint64_t clock_time_of(const struct clock_domain *clock, uint64_t cycles);
uint64_t clock_distant_time_of(const struct clock_domain *clock, uint64_t cycles); /* the same, of any cycle */
/* Picoseconds that so many cycles take at the present frequency, rounded down; 0 when the clock stands. */
uint64_t clock_duration(const struct clock_domain *clock, uint64_t cycles);
/* Nearest whole frequency in Hz, 0 when stopped. */
uint64_t clock_hz(const struct clock_domain *clock);
/* Listener is owned by the caller and must outlive the clock. */
void clock_listen(struct clock_domain *clock, struct clock_listener *listener);

/* Its state, for snapshots. */
void clock_walk(struct clock_domain *clock, struct walk *walk);

static inline uint64_t clock_time_of(const struct clock_domain *clock, uint64_t cycles) {
    uint64_t ahead = cycles - clock->epoch_cycles; /* beyond all bounds when `cycles` is before the epoch */
    if (ahead >= clock->plain_cycles) {
        return clock_distant_time_of(clock, cycles);
    }
    uint64_t ps = ahead * clock->period_num;
    return clock->epoch_ps + (clock->period_den == 1 ? ps : (ps + clock->period_den - 1) / clock->period_den);
}

#endif
