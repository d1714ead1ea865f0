/* True random number generator: RP2350 datasheet 12.12. Its bits are those of the machine's seeded generator; all 192
 * arrive together when the time to sample them has passed.
 *
 * Not modelled: the ring oscillator (RND_SRC_SEL is storage), failures of the three tests on the bits (they always
 * pass), the test counters and statistics (they stay at 0).
 * Decided: a bit takes SAMPLE_CNT1 cycles of clk_sys, at least one, and four times as long through the von Neumann
 * balancer, which uses a quarter of its samples on average; collecting goes on by itself when EHR_DATA5 has been read
 * while the source is enabled, and begins anew when it is switched on; EHR_DATA reads 0 while nothing is valid. */
#include "peripherals/onchip/trng.h"

#define BITS 192u
#define BALANCER_SAMPLES 4u

static struct scheduler *scheduler_of(const struct trng *t) {
    return t->block.env->scheduler;
}

static void trng_update(struct trng *t) {
    line_set(&t->block.irq[0], t->status & ~t->block.values[TRNG_RNG_IMR]);
}

static bool is_enabled(const struct trng *t) {
    return t->block.values[TRNG_RND_SOURCE_ENABLE] & TRNG_RND_SOURCE_ENABLE_RND_SRC_EN;
}

static uint64_t collecting_cycles(const struct trng *t) {
    uint64_t sample = t->block.values[TRNG_SAMPLE_CNT1];
    bool direct = t->block.values[TRNG_TRNG_DEBUG_CONTROL] & TRNG_TRNG_DEBUG_CONTROL_VNC_BYPASS;
    return BITS * (sample ? sample : 1) * (direct ? 1 : BALANCER_SAMPLES);
}

static void schedule(struct trng *t) {
    uint64_t due = clock_time_of(t->clock, t->full_cycle);
    if (due == TIME_NEVER) {
        scheduler_cancel(scheduler_of(t), &t->collected);
    } else {
        scheduler_add(scheduler_of(t), &t->collected, due);
    }
}

/* Begin anew, or stop. */
static void collect(struct trng *t) {
    if (!is_enabled(t)) {
        scheduler_cancel(scheduler_of(t), &t->collected);
        return;
    }
    t->full_cycle = clock_cycles_at(t->clock, scheduler_now(scheduler_of(t))) + collecting_cycles(t);
    schedule(t);
}

static uint32_t read_data(struct trng *t, unsigned word) {
    uint32_t data = t->valid ? t->holding[word] : 0;
    if (word == TRNG_WORDS - 1 && t->valid) {
        t->valid = false;
        collect(t);
    }
    return data;
}

static uint32_t trng_read(struct block *b, unsigned reg) {
    struct trng *t = (struct trng *)b;
    switch (reg) {
    case TRNG_RNG_ISR:
        return t->status;
    case TRNG_TRNG_VALID:
        return t->valid;
    case TRNG_TRNG_BUSY:
        return is_enabled(t) && !t->valid;
    case TRNG_EHR_DATA0:
    case TRNG_EHR_DATA1:
    case TRNG_EHR_DATA2:
    case TRNG_EHR_DATA3:
    case TRNG_EHR_DATA4:
    case TRNG_EHR_DATA5:
        return read_data(t, reg - TRNG_EHR_DATA0);
    case TRNG_RNG_ICR:
    case TRNG_TRNG_SW_RESET:
    case TRNG_RST_BITS_COUNTER:
        return 0;
    default:
        return b->values[reg];
    }
}

static uint64_t trng_holds_until(struct block *b, unsigned reg) {
    return reg == TRNG_EHR_DATA5 ? 0 : TIME_NEVER;
}

static void forget(struct trng *t) {
    t->valid = false;
    collect(t);
}

static void trng_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct trng *t = (struct trng *)b;
    switch (reg) {
    case TRNG_RNG_ICR:
        t->status &= ~value | TRNG_RNG_ISR_AUTOCORR_ERR;
        break;
    case TRNG_RND_SOURCE_ENABLE:
        if ((value ^ old) & TRNG_RND_SOURCE_ENABLE_RND_SRC_EN && !t->valid) {
            collect(t);
        }
        break;
    case TRNG_SAMPLE_CNT1:
    case TRNG_TRNG_DEBUG_CONTROL:
        if (value != old && t->collected.pending) {
            collect(t);
        }
        break;
    case TRNG_RST_BITS_COUNTER:
        if (!is_enabled(t)) {
            forget(t);
        }
        break;
    case TRNG_TRNG_SW_RESET:
        if (value & TRNG_TRNG_SW_RESET_BITS) {
            block_reset(b);
        }
        break;
    default:
        break;
    }
    trng_update(t);
}

static void collected(struct event *event, uint64_t late_ps) {
    struct trng *t = event->owner;
    for (unsigned i = 0; i < TRNG_WORDS; i += 2) {
        uint64_t bits = random_next(&t->block.random);
        t->holding[i] = (uint32_t)bits;
        t->holding[i + 1] = (uint32_t)(bits >> 32);
    }
    t->valid = true;
    t->status |= TRNG_RNG_ISR_EHR_VALID;
    trng_update(t);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct trng *t = listener->owner;
    if (is_enabled(t) && !t->valid) {
        schedule(t);
    }
}

static void trng_reset(struct block *b) {
    struct trng *t = (struct trng *)b;
    t->status = 0;
    forget(t);
    trng_update(t);
}

static void trng_init(struct block *b) {
    struct trng *t = (struct trng *)b;
    t->collected = (struct event){ .name = "TRNG", .callback = collected, .owner = t };
    t->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = t };
    clock_listen(t->clock, &t->clock_listener);
}

static void trng_walk(struct block *b, struct walk *walk) {
    struct trng *t = (struct trng *)b;
    walk_u32s(walk, t->holding, TRNG_WORDS);
    walk_bool(walk, &t->valid);
    walk_u32(walk, &t->status);
    walk_u64(walk, &t->full_cycle);
    walk_event(walk, &t->collected);
}

const struct block_class trng_class = {
    .name = "trng",
    .size = sizeof(struct trng),
    .init = trng_init,
    .reset = trng_reset,
    .read = trng_read,
    .write = trng_write,
    .holds_until = trng_holds_until,
    .walk = trng_walk,
};
