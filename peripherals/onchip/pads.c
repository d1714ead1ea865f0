/* PADS_BANK0 and PADS_QSPI. RP2040 datasheet 2.19.4 and 2.19.6.3, 2.19.6.4; RP2350 datasheet 9.6, 9.11.3, 9.11.4.
 * Not modelled: VOLTAGE_SELECT and the pads of the debug port beyond reading back; see gpio.c for the rest. */
#include "peripherals/onchip/pads.h"

static struct pads *pads_of(struct block *block) {
    return (struct pads *)block;
}

static unsigned register_of(const struct gpio_bank_desc *desc, unsigned pin) {
    return desc->pad_registers ? desc->pad_registers[pin] : desc->pad_first + pin;
}

static void pads_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct pads *pads = pads_of(block);
    for (unsigned pin = 0; pin < pads->gpio->desc->pins; pin++) {
        if (register_of(pads->gpio->desc, pin) == reg) {
            gpio_set_pad(pads->gpio, pin, block->values[reg], true);
            return;
        }
    }
}

static void pads_reset(struct block *block) {
    struct pads *pads = pads_of(block);
    for (unsigned pin = 0; pin < pads->gpio->desc->pins; pin++) {
        unsigned reg = register_of(pads->gpio->desc, pin);
        if (reg < block->registers->count) {
            gpio_set_pad(pads->gpio, pin, block->values[reg], false);
        }
    }
}

const struct block_class pads_class = {
    .name = "pads",
    .size = sizeof(struct pads),
    .reset = pads_reset,
    .write = pads_write,
    .holds_until = block_holds,
};
