/* Crystal oscillator: RP2040 datasheet 2.16, RP2350 datasheet 8.2. */
#ifndef ONCHIP_XOSC_H
#define ONCHIP_XOSC_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/xosc.h"

struct xosc {
    struct block block;
    /* Wired by the machine. */
    uint64_t crystal_hz; /* of the board's crystal; 0: none is fitted, the oscillator never starts */
    /* The oscillator has been put to sleep (true) or runs again (false). May be NULL. */
    void (*dormant)(void *context, bool dormant);
    void *context;

    struct clock_domain clock; /* runs while stable and not dormant */
    struct event stable;
    bool enabled, is_dormant;
    uint64_t count_until; /* cycle of `clock` at which COUNT reaches 0 */
};

extern const struct block_class xosc_class;

/* An interrupt that is enabled for waking from dormant has come: start again. No effect when not dormant. */
void xosc_wake(struct xosc *xosc);

#endif
