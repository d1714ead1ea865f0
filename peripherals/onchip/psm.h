/* Power-on state machine: RP2040 datasheet 2.13, RP2350 datasheet 7.4. */
#ifndef ONCHIP_PSM_H
#define ONCHIP_PSM_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/psm.h"

struct psm {
    struct block block;
    /* Wired by the machine. Bit numbers are those of the registers; processors are the last two stages. */
    void (*hold)(void *context, unsigned bit, bool hold);
    void *context;

    uint32_t off; /* stages held in reset */
};

extern const struct block_class psm_class;

/* The watchdog has fired: what WDSEL names, and all stages behind the first of them, go through reset. hold() is
 * called for each of them, first with true in falling order, then with false in rising order. */
void psm_watchdog(struct psm *psm);

#endif
