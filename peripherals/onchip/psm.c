/* Power-on state machine: RP2040 datasheet 2.13, RP2350 datasheet 7.4.
 * Not modelled: the time each stage takes.
 * Decided: a stage that is held in reset holds all later ones, unless FRCE_ON keeps them; the two processors are
 * side by side at the end and do not hold each other. FRCE_ON wins over FRCE_OFF. */
#include "peripherals/onchip/psm.h"

static uint32_t all_stages(const struct psm *p) {
    return p->block.registers->descs[PSM_FRCE_ON].writable;
}

/* The stages that are in reset when `forced` are. */
static uint32_t held_by(const struct psm *p, uint32_t forced) {
    uint32_t all = all_stages(p), processors = all & ~(all >> 2);
    uint32_t first = forced & ~processors;
    uint32_t behind = first ? ~((first & -first) - 1) : 0;
    return (forced | behind) & all & ~p->block.values[PSM_FRCE_ON];
}

static void take_down(struct psm *p, uint32_t stages) {
    for (unsigned bit = 32; bit-- > 0 && p->hold;) {
        if (stages >> bit & 1) {
            p->hold(p->context, bit, true);
        }
    }
}

static void bring_up(struct psm *p, uint32_t stages) {
    for (unsigned bit = 0; bit < 32 && p->hold; bit++) {
        if (stages >> bit & 1) {
            p->hold(p->context, bit, false);
        }
    }
}

static void psm_update(struct psm *p) {
    uint32_t off = held_by(p, p->block.values[PSM_FRCE_OFF]);
    uint32_t down = off & ~p->off, up = p->off & ~off;
    p->off = off;
    take_down(p, down);
    bring_up(p, up);
}

static uint32_t psm_read(struct block *b, unsigned reg) {
    struct psm *p = (struct psm *)b;
    return reg == PSM_DONE ? all_stages(p) & ~p->off : b->values[reg];
}

static void psm_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    psm_update((struct psm *)b);
}

void psm_watchdog(struct psm *p) {
    uint32_t stages = held_by(p, p->block.values[PSM_WDSEL]);
    take_down(p, stages);
    bring_up(p, stages & ~p->off);
}

static void psm_reset(struct block *b) {
    psm_update((struct psm *)b);
}

static void psm_walk(struct block *b, struct walk *walk) {
    walk_u32(walk, &((struct psm *)b)->off);
}

const struct block_class psm_class = {
    .name = "psm",
    .size = sizeof(struct psm),
    .reset = psm_reset,
    .read = psm_read,
    .write = psm_write,
    .holds_until = block_holds,
    .walk = psm_walk,
};
