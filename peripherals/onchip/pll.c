/* Phase-locked loop: RP2040 datasheet 2.18, RP2350 datasheet 8.6.
 * Not modelled: the VCO's way to its frequency, jitter, DSMPD (documented as without effect).
 * Decided: lock takes 500 cycles of the divided reference (no figure is documented; 42 us at 12 MHz); the output has
 * its final frequency as soon as the loop is on; settings outside the documented constraints are reported and still
 * lock; LOCK_N of the RP2350 (not locked) and its sticky interrupt follow LOCK. */
#include "peripherals/onchip/pll.h"

#define LOCK_CYCLES 500
#define FBDIV_MIN 16
#define FBDIV_MAX 320
#define VCO_MIN_HZ                                                                                                     \
    UINT64_C(400000000) /* of the first datasheets, which firmware still goes by; later ones say 750 MHz */
#define VCO_MAX_HZ UINT64_C(1600000000)

static bool has_lock_interrupt(const struct pll *p) {
    return p->block.registers->descs[PLL_INTR].name != NULL;
}

static uint32_t refdiv(const struct pll *p) {
    uint32_t div = field_get(p->block.values[PLL_CS], PLL_CS_REFDIV);
    return div ? div : 1;
}

static void update_output(struct pll *p) {
    const uint32_t *v = p->block.values;
    uint64_t now = scheduler_now(p->block.env->scheduler);
    uint32_t div = field_get(v[PLL_PRIM], PLL_PRIM_POSTDIV1) * field_get(v[PLL_PRIM], PLL_PRIM_POSTDIV2);
    if (v[PLL_CS] & PLL_CS_BYPASS) {
        clock_derive(&p->clock, p->reference, 1, 1, now);
    } else if (!p->vco_settings || (v[PLL_PWR] & PLL_PWR_POSTDIVPD)) {
        clock_derive(&p->clock, NULL, 0, 0, now);
    } else {
        clock_derive(&p->clock, p->reference, v[PLL_FBDIV_INT], (uint64_t)refdiv(p) * div, now);
    }
}

static uint32_t interrupt_status(const struct pll *p) {
    const uint32_t *v = p->block.values;
    return (v[PLL_INTR] & v[PLL_INTE]) | v[PLL_INTF];
}

static void set_lock(struct pll *p, bool lock) {
    bool was = p->block.values[PLL_CS] & PLL_CS_LOCK;
    p->block.values[PLL_CS] = field_set(p->block.values[PLL_CS], PLL_CS_LOCK, lock);
    if (has_lock_interrupt(p)) {
        if (was && !lock) {
            p->block.values[PLL_CS] |= PLL_CS_LOCK_N;
            p->block.values[PLL_INTR] |= PLL_INTR_LOCK_N_STICKY;
        }
        line_set(&p->block.irq[0], interrupt_status(p) != 0);
    }
}

static void check_constraints(const struct pll *p) {
    uint64_t vco = clock_hz(p->reference) * p->block.values[PLL_FBDIV_INT] / refdiv(p);
    uint32_t fbdiv = p->block.values[PLL_FBDIV_INT];
    if (fbdiv < FBDIV_MIN || fbdiv > FBDIV_MAX || vco < VCO_MIN_HZ || vco > VCO_MAX_HZ) {
        log_write(p->block.env->log, LOG_GUEST, p->block.name, "out of range: FBDIV %u, VCO %llu Hz", fbdiv,
                  (unsigned long long)vco);
    }
}

/* Something that the loop depends on may have changed: then it locks anew. */
static void update_loop(struct pll *p) {
    const uint32_t *v = p->block.values;
    struct scheduler *scheduler = p->block.env->scheduler;
    bool on = !(v[PLL_PWR] & (PLL_PWR_PD | PLL_PWR_VCOPD)) && v[PLL_FBDIV_INT] && clock_is_running(p->reference);
    uint64_t settings = on ? (clock_hz(p->reference) << 20 | v[PLL_FBDIV_INT] << 6 | refdiv(p)) : 0;
    if (settings == p->vco_settings) {
        return;
    }
    p->vco_settings = settings;
    scheduler_cancel(scheduler, &p->lock);
    set_lock(p, false);
    if (on) {
        uint64_t cycles = clock_cycles_at(p->reference, scheduler_now(scheduler)) + LOCK_CYCLES * refdiv(p);
        scheduler_add(scheduler, &p->lock, clock_time_of(p->reference, cycles));
        check_constraints(p);
    }
}

static void pll_update(struct pll *p) {
    update_loop(p);
    update_output(p);
}

static uint32_t pll_read(struct block *b, unsigned reg) {
    return reg == PLL_INTS ? interrupt_status((struct pll *)b) : b->values[reg];
}

static void pll_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct pll *p = (struct pll *)b;
    if (reg >= PLL_INTR) {
        line_set(&b->irq[0], interrupt_status(p) != 0);
    } else {
        pll_update(p);
    }
}

static void pll_locked(struct event *event, uint64_t late_ps) {
    set_lock(event->owner, true);
}

static void reference_changed(struct clock_listener *listener, struct clock_domain *clock) {
    pll_update(listener->owner);
}

static void pll_reset(struct block *b) {
    struct pll *p = (struct pll *)b;
    pll_update(p);
    line_set(&b->irq[0], false);
}

static void pll_init(struct block *b) {
    struct pll *p = (struct pll *)b;
    p->clock.name = b->name;
    p->lock = (struct event){ .name = "pll lock", .callback = pll_locked, .owner = p };
    p->reference_listener = (struct clock_listener){ .changed = reference_changed, .owner = p };
    clock_listen(p->reference, &p->reference_listener);
}

static void pll_walk(struct block *b, struct walk *walk) {
    struct pll *p = (struct pll *)b;
    clock_walk(&p->clock, walk);
    walk_u64(walk, &p->vco_settings);
    walk_event(walk, &p->lock);
}

const struct block_class pll_class = {
    .name = "pll",
    .size = sizeof(struct pll),
    .init = pll_init,
    .reset = pll_reset,
    .read = pll_read,
    .write = pll_write,
    .holds_until = block_holds,
    .walk = pll_walk,
};
