/* Ring oscillator: RP2040 datasheet 2.17, RP2350 datasheet 8.3. */
#ifndef ONCHIP_ROSC_H
#define ONCHIP_ROSC_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/rosc.h"

/* What differs between chips. */
struct rosc_desc {
    uint64_t ring_hz;     /* of the ring before the divider, in its reset configuration */
    uint32_t div_pass;    /* what DIV's upper bits must be */
    uint32_t div_zero;    /* what 0 divides by; larger fields are invalid */
    uint32_t div_invalid; /* what an invalid value divides by */
    uint32_t div_reset;
};
extern const struct rosc_desc rp2040_rosc, rp2350_rosc;

struct rosc {
    struct block block;
    /* Wired by the machine. */
    const struct rosc_desc *desc;
    /* The oscillator has been put to sleep (true) or runs again (false). May be NULL. */
    void (*dormant)(void *context, bool dormant);
    void *context;

    struct clock_domain clock;  /* rosc_clksrc */
    struct clock_domain phased; /* rosc_clksrc_ph */
    bool is_dormant;
    uint64_t count_until;
};

extern const struct block_class rosc_class;

/* An interrupt that is enabled for waking from dormant has come: run again. No effect when not dormant. */
void rosc_wake(struct rosc *rosc);

#endif
