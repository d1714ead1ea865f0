/* Subsystem resets: RP2040 datasheet 2.14, RP2350 datasheet 7.5.
 * Not modelled: the few cycles between leaving reset and RESET_DONE. A block that needs a clock of its own (USB, ADC,
 * RTC, UART, SPI) is not done before that clock runs. */
#include "peripherals/onchip/resets.h"

static void resets_update(struct resets *r, uint32_t old) {
    uint32_t held = r->block.values[RESETS_RESET];
    for (uint32_t changed = held ^ old; changed && r->hold; changed &= changed - 1) {
        unsigned bit = (unsigned)__builtin_ctz(changed);
        r->hold(r->context, bit, held >> bit & 1);
    }
}

static uint32_t reset_done(const struct resets *r) {
    uint32_t done = ~r->block.values[RESETS_RESET] & r->block.registers->descs[RESETS_RESET].writable;
    for (unsigned bit = 0; bit < 32; bit++) {
        if (r->needs[bit] && !clock_is_running(r->needs[bit])) {
            done &= ~(1u << bit);
        }
    }
    return done;
}

static uint32_t resets_read(struct block *b, unsigned reg) {
    return reg == RESETS_RESET_DONE ? reset_done((struct resets *)b) : b->values[reg];
}

static void resets_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    if (reg == RESETS_RESET) {
        resets_update((struct resets *)b, old);
    }
}

void resets_watchdog(struct resets *r) {
    uint32_t old = r->block.values[RESETS_RESET];
    r->block.values[RESETS_RESET] |= r->block.values[RESETS_WDSEL];
    resets_update(r, old);
}

/* Everything is held, whatever it was before: blocks are told again, so that all begin anew. */
static void resets_reset(struct block *b) {
    resets_update((struct resets *)b, 0);
}

const struct block_class resets_class = {
    .name = "resets",
    .size = sizeof(struct resets),
    .reset = resets_reset,
    .read = resets_read,
    .write = resets_write,
    .holds_until = block_holds,
};
