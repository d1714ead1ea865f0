/* Watchdog and tick generator: RP2040 datasheet 4.7, RP2350 datasheet 12.9. */
#ifndef ONCHIP_WATCHDOG_H
#define ONCHIP_WATCHDOG_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/watchdog.h"

struct watchdog {
    struct block block;
    /* Wired by the machine. */
    struct clock_domain *clk_ref; /* RP2040: what the tick generator divides */
    struct clock_domain *tick;    /* RP2350: from TICKS. RP2040: leave NULL, becomes &generated */
    unsigned step;                /* counts down by this much a tick: 2 on the RP2040 (erratum E1), else 1 */
    void (*fire)(void *context);  /* from within a store or an event: note it down, reset later */
    void *context;

    struct clock_domain generated; /* RP2040: the tick that also drives TIMER; valid from block_create() on */
    struct clock_listener ref_listener, tick_listener;
    struct event expiry;
    uint64_t begin_tick; /* `value` is TIME at this tick */
    uint32_t value;
};

extern const struct block_class watchdog_class;

/* After the machine has reset what the watchdog resets: counter and control are as after power-on, the scratch
 * registers and REASON stay. block_reset() instead is a power-on or RUN reset: all is cleared. */
void watchdog_restart(struct watchdog *watchdog);

#endif
