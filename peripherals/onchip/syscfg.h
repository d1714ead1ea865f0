/* System configuration: RP2040 datasheet 2.21, RP2350 datasheet 12.15.2. */
#ifndef ONCHIP_SYSCFG_H
#define ONCHIP_SYSCFG_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/syscfg.h"

struct syscfg {
    struct block block;
    /* Wired by the machine; may be NULL (RP2350: these masks are elsewhere). Interrupts of `mask` are NMI of `core`. */
    void (*nmi_mask)(void *context, unsigned core, uint32_t mask);
    void *context;
};

extern const struct block_class syscfg_class;

#endif
