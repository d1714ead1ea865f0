/* Tick generators: RP2350 datasheet 8.5. */
#ifndef ONCHIP_TICKS_H
#define ONCHIP_TICKS_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/ticks.h"

enum tick_id { TICK_PROC0, TICK_PROC1, TICK_TIMER0, TICK_TIMER1, TICK_WATCHDOG, TICK_RISCV, TICK_IDS };

struct ticks {
    struct block block;
    struct clock_domain *clk_ref; /* wired by the machine */

    struct clock_domain tick[TICK_IDS]; /* valid from block_create() on */
    struct clock_listener ref_listener;
};

extern const struct block_class ticks_class;

#endif
