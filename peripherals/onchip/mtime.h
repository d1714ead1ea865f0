/* The 64-bit machine timer in the RP2350's SIO: RP2350 datasheet 3.1.8. */
#ifndef ONCHIP_MTIME_H
#define ONCHIP_MTIME_H

#include "emulator/core/block.h"

#define MTIME_CORES 2

/* Its registers, in the order in which SIO has them. */
enum mtime_register { MTIME_CTRL, MTIME_LOW, MTIME_HIGH, MTIME_COMPARE_LOW, MTIME_COMPARE_HIGH, MTIME_REGISTERS };

struct mtime {
    struct environment *env;
    struct clock_domain *tick, *clk_sys; /* what FULLSPEED chooses from */
    struct line *irq;                    /* MTIME_CORES of them: MTIMECMP of core 0, 1 */

    uint32_t control;
    uint64_t offset; /* time = cycles counted + offset; while off: the time itself */
    uint64_t compare[MTIME_CORES];
    struct event due;
    struct clock_listener listeners[2];
};

/* Once, when the fields above are set. */
void mtime_init(struct mtime *mtime);
void mtime_reset(struct mtime *mtime);
uint32_t mtime_read(struct mtime *mtime, enum mtime_register reg, unsigned core);
void mtime_write(struct mtime *mtime, enum mtime_register reg, unsigned core, uint32_t value);
/* Its state, for snapshots. */
void mtime_walk(struct mtime *mtime, struct walk *walk);
/* Until when a register reads as it does now. */
uint64_t mtime_holds_until(struct mtime *mtime, enum mtime_register reg);

#endif
