/* System timer: RP2040 datasheet 4.6, RP2350 datasheet 12.8. */
#ifndef ONCHIP_TIMER_H
#define ONCHIP_TIMER_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/timer.h"

#define TIMER_ALARMS 4

struct timer {
    struct block block; /* irq[0] to irq[3]: the alarms */
    /* Wired by the machine. */
    struct clock_domain *tick;    /* 1 MHz: the watchdog's on the RP2040, from TICKS on the RP2350 */
    struct clock_domain *clk_sys; /* RP2350: what SOURCE may select; NULL elsewhere */

    struct clock_domain *counted; /* tick or clk_sys */
    struct clock_listener tick_listener, sys_listener;
    uint64_t offset; /* time = cycles counted + offset, modulo 2^64; while paused: the time itself */
    bool paused;
    uint32_t latched_high;
    uint64_t due[TIMER_ALARMS]; /* of armed alarms: the full time at which each fires */
    struct event alarm;         /* the earliest of them */
    /* The time as last worked out, good for held_from_ps <= now < held_until_ps. */
    uint64_t held, held_from_ps, held_until_ps;
};

extern const struct block_class timer_class;

/* The 64-bit count, as TIMERAWH and TIMERAWL show it. */
uint64_t timer_time(struct timer *timer);

#endif
