/* On-chip regulator, brown-out detection, cause of the last chip reset: RP2040 datasheet 2.10 and 2.12.
 * Not modelled: brown-out but where the machine is told of one, what a core voltage too low does, the time regulation
 * takes (ROK at once). A reset of the chip by the debug port (rescue) sets PSM_RESTART_FLAG as well. */
#include "peripherals/onchip/vreg_and_chip_reset.h"

static bool is_regulating(const uint32_t *v) {
    uint32_t vreg = v[VREG_AND_CHIP_RESET_VREG];
    return (vreg & VREG_AND_CHIP_RESET_VREG_EN) && !(vreg & VREG_AND_CHIP_RESET_VREG_HIZ);
}

double vreg_voltage(const struct vreg_and_chip_reset *x) {
    uint32_t select = field_get(x->block.values[VREG_AND_CHIP_RESET_VREG], VREG_AND_CHIP_RESET_VREG_VSEL);
    if (!is_regulating(x->block.values)) {
        return 0;
    }
    return select < 5 ? 0.80 : 0.80 + 0.05 * (select - 5);
}

double vreg_brown_out_volts(const struct vreg_and_chip_reset *x) {
    uint32_t bod = x->block.values[VREG_AND_CHIP_RESET_BOD];
    bool on = bod & VREG_AND_CHIP_RESET_BOD_EN;
    return on ? 0.473 + 0.043 * field_get(bod, VREG_AND_CHIP_RESET_BOD_VSEL) : 0;
}

static uint32_t vreg_and_chip_reset_read(struct block *b, unsigned reg) {
    bool ok = reg == VREG_AND_CHIP_RESET_VREG && is_regulating(b->values);
    return b->values[reg] | (ok ? VREG_AND_CHIP_RESET_VREG_ROK : 0);
}

static void vreg_and_chip_reset_reset(struct block *b) {
    struct vreg_and_chip_reset *x = (struct vreg_and_chip_reset *)b;
    uint32_t cause = x->cause ? x->cause : VREG_AND_CHIP_RESET_CHIP_RESET_HAD_POR;
    if (cause & VREG_AND_CHIP_RESET_CHIP_RESET_HAD_PSM_RESTART) {
        cause |= VREG_AND_CHIP_RESET_CHIP_RESET_PSM_RESTART_FLAG;
    }
    b->values[VREG_AND_CHIP_RESET_CHIP_RESET] = cause;
}

static void vreg_and_chip_reset_walk(struct block *b, struct walk *walk) {
    walk_u32(walk, &((struct vreg_and_chip_reset *)b)->cause);
}

const struct block_class vreg_and_chip_reset_class = {
    .name = "vreg_and_chip_reset",
    .size = sizeof(struct vreg_and_chip_reset),
    .reset = vreg_and_chip_reset_reset,
    .read = vreg_and_chip_reset_read,
    .holds_until = block_holds,
    .walk = vreg_and_chip_reset_walk,
};
