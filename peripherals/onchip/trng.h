/* True random number generator (Arm CryptoCell): RP2350 datasheet 12.12. */
#ifndef ONCHIP_TRNG_H
#define ONCHIP_TRNG_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/trng.h"

#define TRNG_WORDS 6u

struct trng {
    struct block block; /* irq[0]: TRNG_IRQ */
    /* Wired by the machine. */
    struct clock_domain *clock; /* clk_sys */

    uint32_t holding[TRNG_WORDS]; /* EHR, bits 31 to 0 first */
    bool valid;
    uint32_t status; /* RNG_ISR */
    struct event collected;
    struct clock_listener clock_listener;
    uint64_t full_cycle; /* of clk_sys: when 192 bits will be there */
};

extern const struct block_class trng_class;

#endif
