/* Crystal oscillator: RP2040 datasheet 2.16, RP2350 datasheet 8.2.
 * Not modelled: amplitude and frequency error of the crystal, what a FREQ_RANGE that does not fit it would do, leaving
 * dormant through an interrupt (the machine calls xosc_wake()).
 * Decided: the output is gated until STABLE; the start-up delay counts cycles of the crystal's nominal frequency from
 * the enabling on; leaving dormant takes the same delay. An ENABLE of 0, which an alias store to FREQ_RANGE after
 * reset brings along, changes nothing. */
#include "peripherals/onchip/xosc.h"

#define ENABLE_ENABLE 0xfabu
#define ENABLE_DISABLE 0xd1eu
#define RANGE_FIRST 0xaa0u /* 0xaa0 to 0xaa3 are codes */
#define DORMANT_DORMANT 0x636f6d61u
#define DORMANT_WAKE 0x77616b65u
#define STARTUP_RESET 0xc4u
#define COUNT_MIN 4u /* of the RP2350 */

static void xosc_update(struct xosc *x) {
    uint64_t now = scheduler_now(x->block.env->scheduler);
    bool running = x->enabled && !x->is_dormant && (x->block.values[XOSC_STATUS] & XOSC_STATUS_STABLE);
    clock_set_frequency(&x->clock, running ? x->crystal_hz : 0, 1, now);
}

static void xosc_start(struct xosc *x) {
    uint32_t startup = x->block.values[XOSC_STARTUP];
    uint64_t cycles = field_get(startup, XOSC_STARTUP_DELAY) * UINT64_C(256) * (startup & XOSC_STARTUP_X4 ? 4 : 1);
    if (x->crystal_hz) {
        uint64_t delay = cycles * PS_PER_S / x->crystal_hz; /* at most 2^24 cycles: fits */
        scheduler_add(x->block.env->scheduler, &x->stable, scheduler_now(x->block.env->scheduler) + delay);
    }
}

static void xosc_stop(struct xosc *x) {
    scheduler_cancel(x->block.env->scheduler, &x->stable);
    x->block.values[XOSC_STATUS] &= ~XOSC_STATUS_STABLE;
    xosc_update(x);
}

static void xosc_enable(struct xosc *x, bool enable) {
    if (enable == x->enabled) {
        return;
    }
    x->enabled = enable;
    if (enable) {
        xosc_start(x);
    } else {
        xosc_stop(x);
    }
}

static void bad_write(struct xosc *x, const char *what, uint32_t value) {
    x->block.values[XOSC_STATUS] |= XOSC_STATUS_BADWRITE;
    log_write(x->block.env->log, LOG_GUEST, x->block.name, "invalid value 0x%x for %s", value, what);
}

/* The RP2350's: a wider counter that shows only whether it runs, ranges, and invalid codes that change nothing. */
static bool is_later_version(const struct xosc *x) {
    return x->block.registers->descs[XOSC_COUNT].writable > 0xff;
}

static void write_range(struct xosc *x, uint32_t range) {
    if (range && (range & ~3u) != RANGE_FIRST) {
        bad_write(x, "CTRL.FREQ_RANGE", range);
    } else if (is_later_version(x)) {
        uint32_t *status = &x->block.values[XOSC_STATUS];
        *status = field_set(*status, XOSC_STATUS_FREQ_RANGE, range & 3u);
    }
}

static void write_enable(struct xosc *x, uint32_t enable) {
    if (enable == ENABLE_ENABLE || enable == ENABLE_DISABLE) {
        xosc_enable(x, enable == ENABLE_ENABLE);
    } else if (enable) {
        bad_write(x, "CTRL.ENABLE", enable);
        xosc_enable(x, x->enabled || !is_later_version(x));
    }
}

static void write_dormant(struct xosc *x, uint32_t value) {
    if (value != DORMANT_DORMANT && value != DORMANT_WAKE) {
        bad_write(x, "DORMANT", value);
    }
    if (value != DORMANT_DORMANT) {
        xosc_wake(x);
    } else if (!x->is_dormant) {
        x->is_dormant = true;
        xosc_stop(x);
        if (x->dormant) {
            x->dormant(x->context, true);
        }
    }
}

static uint64_t cycles_now(const struct xosc *x) {
    return clock_cycles_at(&x->clock, scheduler_now(x->block.env->scheduler));
}

static void start_count(struct xosc *x, uint32_t count) {
    if (is_later_version(x) && count && count < COUNT_MIN) {
        count = COUNT_MIN;
    }
    x->count_until = cycles_now(x) + count;
}

static uint32_t read_count(const struct xosc *x) {
    uint64_t now = cycles_now(x);
    uint32_t left = now < x->count_until ? (uint32_t)(x->count_until - now) : 0;
    return is_later_version(x) ? left != 0 : left;
}

static uint32_t xosc_read(struct block *b, unsigned reg) {
    struct xosc *x = (struct xosc *)b;
    switch (reg) {
    case XOSC_STATUS:
        return b->values[reg] | (x->enabled ? XOSC_STATUS_ENABLED : 0);
    case XOSC_COUNT:
        return read_count(x);
    default:
        return b->values[reg];
    }
}

static uint64_t xosc_holds_until(struct block *b, unsigned reg) {
    struct xosc *x = (struct xosc *)b;
    uint64_t now = cycles_now(x);
    return reg == XOSC_COUNT && now < x->count_until ? clock_time_of(&x->clock, now + 1) : TIME_NEVER;
}

static void xosc_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct xosc *x = (struct xosc *)b;
    switch (reg) {
    case XOSC_CTRL:
        write_range(x, field_get(value, XOSC_CTRL_FREQ_RANGE));
        write_enable(x, field_get(value, XOSC_CTRL_ENABLE));
        break;
    case XOSC_DORMANT:
        write_dormant(x, value);
        break;
    case XOSC_COUNT:
        start_count(x, b->values[XOSC_COUNT]);
        break;
    default:
        break;
    }
}

static void xosc_became_stable(struct event *event, uint64_t late_ps) {
    struct xosc *x = event->owner;
    x->block.values[XOSC_STATUS] |= XOSC_STATUS_STABLE;
    xosc_update(x);
}

void xosc_wake(struct xosc *x) {
    if (!x->is_dormant) {
        return;
    }
    x->is_dormant = false;
    x->block.values[XOSC_DORMANT] = DORMANT_WAKE;
    if (x->enabled) {
        xosc_start(x);
    }
    if (x->dormant) {
        x->dormant(x->context, false);
    }
}

static void xosc_reset(struct block *b) {
    struct xosc *x = (struct xosc *)b;
    b->values[XOSC_STARTUP] = STARTUP_RESET;
    b->values[XOSC_DORMANT] = DORMANT_WAKE;
    x->enabled = false;
    x->is_dormant = false;
    x->count_until = 0;
    xosc_stop(x);
}

static void xosc_init(struct block *b) {
    struct xosc *x = (struct xosc *)b;
    x->clock.name = "xosc";
    x->stable = (struct event){ .name = "xosc stable", .callback = xosc_became_stable, .owner = x };
}

static void xosc_walk(struct block *b, struct walk *walk) {
    struct xosc *x = (struct xosc *)b;
    clock_walk(&x->clock, walk);
    walk_bool(walk, &x->enabled);
    walk_bool(walk, &x->is_dormant);
    walk_u64(walk, &x->count_until);
    walk_event(walk, &x->stable);
}

const struct block_class xosc_class = {
    .name = "xosc",
    .size = sizeof(struct xosc),
    .init = xosc_init,
    .reset = xosc_reset,
    .read = xosc_read,
    .write = xosc_write,
    .holds_until = xosc_holds_until,
    .walk = xosc_walk,
};
