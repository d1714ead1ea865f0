/* Phase-locked loop: RP2040 datasheet 2.18, RP2350 datasheet 8.6. */
#ifndef ONCHIP_PLL_H
#define ONCHIP_PLL_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/pll.h"

struct pll {
    struct block block; /* irq[0]: loss of lock (RP2350) */
    /* Wired by the machine. */
    struct clock_domain *reference; /* the crystal oscillator's output */

    struct clock_domain clock; /* the primary output */
    struct clock_listener reference_listener;
    struct event lock;
    uint64_t vco_settings; /* what the loop has been locking to; 0: it is off */
};

extern const struct block_class pll_class;

#endif
