/* Glitch detector: RP2350 datasheet 10.9.
 * Not modelled: glitches (TRIG_FORCE alone triggers), arming by OTP, sensitivities beyond reading back.
 * Decided: any value but the one for "no" in ARM arms, as the datasheet says of its other multi-bit switches. */
#include "peripherals/onchip/glitch_detector.h"

#define ARM_NO 0x5badu

static bool is_armed(const struct block *b) {
    return b->values[GLITCH_DETECTOR_ARM] != ARM_NO;
}

static void force(struct glitch_detector *g, uint32_t detectors) {
    g->block.values[GLITCH_DETECTOR_TRIG_STATUS] |= detectors & GLITCH_DETECTOR_TRIG_FORCE_BITS;
    if (detectors & GLITCH_DETECTOR_TRIG_FORCE_BITS && is_armed(&g->block) && g->fire) {
        g->fire(g->context);
    }
}

static void glitch_detector_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    bool was_locked = reg == GLITCH_DETECTOR_LOCK ? old : b->values[GLITCH_DETECTOR_LOCK];
    if (reg <= GLITCH_DETECTOR_LOCK && was_locked) {
        b->values[reg] = old;
    } else if (reg == GLITCH_DETECTOR_TRIG_FORCE) {
        force((struct glitch_detector *)b, value);
    }
}

const struct block_class glitch_detector_class = {
    .name = "glitch_detector",
    .size = sizeof(struct glitch_detector),
    .write = glitch_detector_write,
    .holds_until = block_holds,
};
