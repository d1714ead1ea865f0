/* Subsystem resets: RP2040 datasheet 2.14, RP2350 datasheet 7.5. */
#ifndef ONCHIP_RESETS_H
#define ONCHIP_RESETS_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/resets.h"

struct resets {
    struct block block;
    /* Wired by the machine. Bit numbers are those of the RESET register. */
    void (*hold)(void *context, unsigned bit, bool hold);
    void *context;
    /* By bit: a clock that the block needs besides clk_sys to report RESET_DONE; NULL: none. */
    const struct clock_domain *needs[32];
};

extern const struct block_class resets_class;

/* The watchdog has fired: put what WDSEL names back into reset. */
void resets_watchdog(struct resets *resets);

#endif
