/* Ring oscillator: RP2040 datasheet 2.17, RP2350 datasheet 8.3.
 * Not modelled: the spread of frequency over chips, temperature and voltage (the nominal figure is taken), phase shift
 * (rosc_clksrc_ph has the same edges), start-up time (stable at once), the RP2350's random drive strengths (RANDOM and
 * the RANDOM bits are storage). Decided: a stage's delay is inversely proportional to its drive strength, so the ring
 * runs at its reset frequency times 8 over the sum of the delays in use. RANDOMBIT is a bit of the machine's seeded
 * generator. */
#include "peripherals/onchip/rosc.h"

#define ENABLE_ENABLE 0xfabu
#define ENABLE_DISABLE 0xd1eu
#define RANGE_RESET 0xaa0u
#define RANGE_LOW 0xfa4u
#define RANGE_MEDIUM 0xfa5u
#define RANGE_TOOHIGH 0xfa6u
#define RANGE_HIGH 0xfa7u
#define FREQ_PASS 0x9696u
#define PHASE_PASS 0xaau
#define DORMANT_DORMANT 0x636f6d61u
#define DORMANT_WAKE 0x77616b65u
#define STAGES 8

/* 6.5 MHz after dividing by 16, 11 MHz after dividing by 32. */
const struct rosc_desc rp2040_rosc = {
    .ring_hz = 104000000, .div_pass = 0xaa0, .div_zero = 32, .div_invalid = 31, .div_reset = 16
};
const struct rosc_desc rp2350_rosc = {
    .ring_hz = 352000000, .div_pass = 0xaa00, .div_zero = 128, .div_invalid = 128, .div_reset = 32
};

static bool is_enabled(const struct rosc *r) {
    return field_get(r->block.values[ROSC_CTRL], ROSC_CTRL_ENABLE) != ENABLE_DISABLE;
}

static unsigned first_stage(const struct rosc *r) {
    switch (field_get(r->block.values[ROSC_CTRL], ROSC_CTRL_FREQ_RANGE)) {
    case RANGE_MEDIUM:
        return 2;
    case RANGE_HIGH:
        return 4;
    case RANGE_TOOHIGH:
        return 6;
    default:
        return 0;
    }
}

/* In twelfths of a stage of least drive strength. */
static unsigned stage_delay(const struct rosc *r, unsigned stage) {
    uint32_t freq = r->block.values[stage < 4 ? ROSC_FREQA : ROSC_FREQB];
    if (freq >> 16 != FREQ_PASS) {
        return 12;
    }
    return 12u / (1 + (unsigned)__builtin_popcount(freq >> (stage % 4 * 4) & 7));
}

static bool div_is_valid(const struct rosc *r, uint32_t div) {
    return div >= r->desc->div_pass && div < r->desc->div_pass + r->desc->div_zero;
}

static unsigned divider(const struct rosc *r) {
    uint32_t div = r->block.values[ROSC_DIV];
    if (!div_is_valid(r, div)) {
        return r->desc->div_invalid;
    }
    return div == r->desc->div_pass ? r->desc->div_zero : div - r->desc->div_pass;
}

static bool phase_is_enabled(const struct rosc *r) {
    uint32_t phase = r->block.values[ROSC_PHASE];
    return field_get(phase, ROSC_PHASE_PASSWD) != PHASE_PASS || (phase & ROSC_PHASE_ENABLE);
}

static void rosc_update(struct rosc *r) {
    uint64_t now = scheduler_now(r->block.env->scheduler);
    bool running = is_enabled(r) && !r->is_dormant;
    uint64_t delay = 0;
    for (unsigned stage = first_stage(r); stage < STAGES; stage++) {
        delay += stage_delay(r, stage);
    }
    uint64_t hz_num = running ? r->desc->ring_hz * 12 * STAGES : 0, hz_den = delay * divider(r);
    clock_set_frequency(&r->clock, hz_num, hz_den, now);
    clock_set_frequency(&r->phased, phase_is_enabled(r) ? hz_num : 0, hz_den, now);
}

static void bad_write(struct rosc *r, const char *what, uint32_t value) {
    r->block.values[ROSC_STATUS] |= ROSC_STATUS_BADWRITE;
    log_write(r->block.env->log, LOG_GUEST, r->block.name, "invalid value 0x%x for %s", value, what);
}

static void check_ctrl(struct rosc *r, uint32_t value) {
    uint32_t enable = field_get(value, ROSC_CTRL_ENABLE), range = field_get(value, ROSC_CTRL_FREQ_RANGE);
    if (enable && enable != ENABLE_ENABLE && enable != ENABLE_DISABLE) {
        bad_write(r, "CTRL.ENABLE", enable);
    }
    if (range != RANGE_RESET && (range < RANGE_LOW || range > RANGE_HIGH)) {
        bad_write(r, "CTRL.FREQ_RANGE", range);
    }
}

static void write_dormant(struct rosc *r, uint32_t value) {
    if (value != DORMANT_DORMANT && value != DORMANT_WAKE) {
        bad_write(r, "DORMANT", value);
    }
    if (value != DORMANT_DORMANT) {
        rosc_wake(r);
    } else if (!r->is_dormant) {
        r->is_dormant = true;
        rosc_update(r);
        if (r->dormant) {
            r->dormant(r->context, true);
        }
    }
}

static uint64_t cycles_now(const struct rosc *r) {
    return clock_cycles_at(&r->clock, scheduler_now(r->block.env->scheduler));
}

static uint32_t rosc_read(struct block *b, unsigned reg) {
    struct rosc *r = (struct rosc *)b;
    uint64_t now;
    switch (reg) {
    case ROSC_STATUS:
        return b->values[reg] | (is_enabled(r) ? ROSC_STATUS_ENABLED | ROSC_STATUS_STABLE : 0) |
               (clock_is_running(&r->clock) ? ROSC_STATUS_DIV_RUNNING : 0);
    case ROSC_RANDOMBIT:
        return clock_is_running(&r->clock) ? (uint32_t)(random_next(&b->random) >> 63) : 1;
    case ROSC_COUNT:
        now = cycles_now(r);
        return now < r->count_until ? (uint32_t)(r->count_until - now) : 0;
    default:
        return b->values[reg];
    }
}

static uint64_t rosc_holds_until(struct block *b, unsigned reg) {
    struct rosc *r = (struct rosc *)b;
    uint64_t now = cycles_now(r);
    if (reg == ROSC_RANDOMBIT) {
        return 0;
    }
    return reg == ROSC_COUNT && now < r->count_until ? clock_time_of(&r->clock, now + 1) : TIME_NEVER;
}

static void rosc_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct rosc *r = (struct rosc *)b;
    switch (reg) {
    case ROSC_CTRL:
        check_ctrl(r, value);
        rosc_update(r);
        break;
    case ROSC_FREQA:
    case ROSC_FREQB:
        if (value >> 16 != FREQ_PASS) {
            bad_write(r, "FREQA or FREQB", value);
        }
        rosc_update(r);
        break;
    case ROSC_DIV:
        if (!div_is_valid(r, b->values[ROSC_DIV])) {
            bad_write(r, "DIV", value);
        }
        rosc_update(r);
        break;
    case ROSC_PHASE:
        if (field_get(value, ROSC_PHASE_PASSWD) != PHASE_PASS) {
            bad_write(r, "PHASE", value);
        }
        rosc_update(r);
        break;
    case ROSC_DORMANT:
        write_dormant(r, value);
        break;
    case ROSC_COUNT:
        r->count_until = cycles_now(r) + b->values[ROSC_COUNT];
        break;
    default:
        break;
    }
}

void rosc_wake(struct rosc *r) {
    if (!r->is_dormant) {
        return;
    }
    r->is_dormant = false;
    r->block.values[ROSC_DORMANT] = DORMANT_WAKE;
    rosc_update(r);
    if (r->dormant) {
        r->dormant(r->context, false);
    }
}

static void rosc_reset(struct block *b) {
    struct rosc *r = (struct rosc *)b;
    b->values[ROSC_CTRL] |= ENABLE_ENABLE << ROSC_CTRL_ENABLE_LSB; /* the SVD leaves the field out */
    b->values[ROSC_DIV] = r->desc->div_pass + r->desc->div_reset;
    b->values[ROSC_DORMANT] = DORMANT_WAKE;
    r->is_dormant = false;
    r->count_until = 0;
    rosc_update(r);
}

static void rosc_init(struct block *b) {
    struct rosc *r = (struct rosc *)b;
    r->clock.name = "rosc";
    r->phased.name = "rosc_ph";
}

static void rosc_walk(struct block *b, struct walk *walk) {
    struct rosc *r = (struct rosc *)b;
    clock_walk(&r->clock, walk);
    clock_walk(&r->phased, walk);
    walk_bool(walk, &r->is_dormant);
    walk_u64(walk, &r->count_until);
}

const struct block_class rosc_class = {
    .name = "rosc",
    .size = sizeof(struct rosc),
    .init = rosc_init,
    .reset = rosc_reset,
    .read = rosc_read,
    .write = rosc_write,
    .holds_until = rosc_holds_until,
    .walk = rosc_walk,
};
