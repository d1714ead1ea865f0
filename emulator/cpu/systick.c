/* Armv6-M Architecture Reference Manual B3.3; Armv8-M the same.
 *
 * The counter goes from 1 to 0 (that sets COUNTFLAG and pends the exception), and from 0 to RELOAD with the next
 * tick, so that the period is RELOAD + 1. A write of any value to the current value register clears it and
 * COUNTFLAG; the next tick then loads RELOAD without an exception. RELOAD = 0 stops it at 0.
 * CALIB reads 0, as both chips' datasheets print it: there is a reference, TENMS is not given. */
#include "emulator/cpu/systick.h"

#define CSR_ENABLE 1u
#define CSR_TICKINT 2u
#define CSR_CLKSOURCE 4u
#define CSR_COUNTFLAG (1u << 16)
#define VALUE_MASK 0xffffffu

static uint32_t cycles_per_tick(const struct systick *systick) {
    if (!(systick->control & CSR_ENABLE)) {
        return 0;
    }
    return systick->control & CSR_CLKSOURCE ? 1 : systick->reference;
}

/* When does the counter, as it stands at `epoch`, reach 0 from 1? */
static void plan(struct systick *systick) {
    uint32_t tick = cycles_per_tick(systick);
    uint64_t ticks = systick->value ? systick->value : systick->reload ? (uint64_t)systick->reload + 1 : 0;
    systick->expiry = tick && ticks ? systick->epoch + ticks * tick : UINT64_MAX;
}

void systick_reset(struct systick *systick, uint64_t cycles) {
    uint32_t reference = systick->reference;
    *systick = (struct systick){ .reference = reference, .epoch = cycles, .expiry = UINT64_MAX };
}

void systick_update(struct systick *systick, uint64_t cycles) {
    uint32_t tick = cycles_per_tick(systick);
    if (!tick) {
        systick->epoch = cycles;
        return;
    }
    uint64_t ticks = (cycles - systick->epoch) / tick;
    if (!ticks) {
        return;
    }
    systick->epoch += ticks * tick;
    if (!systick->value && !systick->reload) {
        return;
    }
    /* Distance to the next 1 -> 0 from here, in ticks. */
    uint64_t first = systick->value ? systick->value : (uint64_t)systick->reload + 1;
    if (ticks < first) {
        systick->value = (uint32_t)(first - ticks);
    } else {
        uint64_t period = (uint64_t)systick->reload + 1;
        uint64_t past = systick->reload ? (ticks - first) % period : 0;
        systick->value = past ? (uint32_t)(period - past) : 0;
        systick->count_flag = true;
        systick->expired = true;
    }
    plan(systick);
}

uint32_t systick_read(struct systick *systick, uint32_t offset) {
    switch (offset) {
    case 0x0: {
        uint32_t value = systick->control | (systick->count_flag ? CSR_COUNTFLAG : 0);
        systick->count_flag = false;
        return value;
    }
    case 0x4:
        return systick->reload;
    case 0x8:
        return systick->value;
    default:
        return 0;
    }
}

void systick_write(struct systick *systick, uint32_t offset, uint32_t value) {
    switch (offset) {
    case 0x0:
        systick->control = value & 7;
        break;
    case 0x4:
        systick->reload = value & VALUE_MASK;
        break;
    case 0x8:
        systick->value = 0;
        systick->count_flag = false;
        break;
    default:
        break;
    }
    plan(systick);
}

void systick_set_reference(struct systick *systick, uint32_t cycles, uint64_t now) {
    systick_update(systick, now);
    systick->reference = cycles;
    systick->epoch = now;
    plan(systick);
}

void systick_walk(struct systick *systick, struct walk *walk) {
    walk_u32(walk, &systick->control);
    walk_u32(walk, &systick->reload);
    walk_u32(walk, &systick->value);
    walk_u64(walk, &systick->epoch);
    walk_u32(walk, &systick->reference);
    walk_bool(walk, &systick->count_flag);
    walk_bool(walk, &systick->expired);
    walk_u64(walk, &systick->expiry);
    systick->reload &= VALUE_MASK;
    systick->value &= VALUE_MASK;
}
