/* The SysTick timer: Armv6-M Architecture Reference Manual B3.3. Counts are derived from the core's cycles. */
#ifndef CPU_SYSTICK_H
#define CPU_SYSTICK_H

#include "emulator/core/walk.h"

#include <stdbool.h>
#include <stdint.h>

struct systick {
    uint32_t control;   /* ENABLE, TICKINT, CLKSOURCE */
    uint32_t reload;    /* 24 bits */
    uint32_t value;     /* at `epoch` */
    uint64_t epoch;     /* cycle count */
    uint32_t reference; /* cycles of a tick of the reference clock; 0: stands */
    bool count_flag;    /* COUNTFLAG */
    bool expired;       /* reached 0 since the owner looked: pend the exception if TICKINT */
    uint64_t expiry;    /* cycle count at which it reaches 0 next; UINT64_MAX: never */
};

void systick_reset(struct systick *systick, uint64_t cycles);
/* Bring the state up to `cycles`. Afterwards `expired` tells whether the exception is to be pended. */
void systick_update(struct systick *systick, uint64_t cycles);
/* Registers by offset from 0xe000e010; systick_update() first. */
uint32_t systick_read(struct systick *systick, uint32_t offset);
void systick_write(struct systick *systick, uint32_t offset, uint32_t value);
/* Its state, for snapshots. */
void systick_walk(struct systick *systick, struct walk *walk);
void systick_set_reference(struct systick *systick, uint32_t cycles_per_tick, uint64_t cycles);

#endif
