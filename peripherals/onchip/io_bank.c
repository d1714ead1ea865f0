/* IO_BANK0 and IO_QSPI. RP2040 datasheet 2.19.3 and 2.19.6.1, 2.19.6.2; RP2350 datasheet 9.5, 9.11.1, 9.11.2.
 *
 * Not modelled: the Non-secure interrupts of the RP2350 (ACCESSCTRL gives all pins to the Secure side here; their
 * summaries read 0).
 *
 * Decided: the interrupt logic sees the pad's input after IRQOVER; levels and edges are of that signal, so a change
 * of IE or IRQOVER may make an edge. Edges are latched whether they are enabled or not. STATUS.IRQFROMPAD is the
 * pad's input, IRQTOPROC whether an enabled interrupt of the pin is on at either processor. */
#include "peripherals/onchip/io_bank.h"
#include "peripherals/onchip/registers/io_bank0.h"

enum { LEVEL_LOW = 1, LEVEL_HIGH = 2, EDGE_LOW = 4, EDGE_HIGH = 8 }; /* per pin, four bits of INTR */

static struct io_bank *io_of(struct block *block) {
    return (struct io_bank *)block;
}

/* Latched edges (stored) and present levels of eight pins. */
static uint32_t raw(const struct io_bank *io, unsigned word) {
    uint32_t value = io->block.values[io->gpio->desc->intr + word];
    uint64_t inputs = io->gpio->irq_input >> 8 * word;
    for (unsigned i = 0; i < 8 && 8 * word + i < io->gpio->desc->pins; i++) {
        value |= (uint32_t)(inputs >> i & 1 ? LEVEL_HIGH : LEVEL_LOW) << 4 * i;
    }
    return value;
}

static uint32_t status(const struct io_bank *io, unsigned target, unsigned word) {
    const struct gpio_bank_desc *desc = io->gpio->desc;
    const uint32_t *values = io->block.values;
    uint32_t enabled = values[desc->inte[target] + word];
    uint32_t forced = values[desc->intf[target] + word];
    return enabled ? (raw(io, word) & enabled) | forced : forced;
}

static void io_update(struct io_bank *io, unsigned word) {
    for (unsigned target = 0; target < GPIO_IRQ_TARGETS; target++) {
        uint8_t bit = (uint8_t)(1u << word);
        io->active[target] = (uint8_t)((io->active[target] & ~bit) | (status(io, target, word) ? bit : 0));
        line_set(&io->block.irq[target], io->active[target]);
    }
}

/* Which of the eight pins of a word have an interrupt enabled. */
static void note_enabled(struct io_bank *io, unsigned word) {
    const struct gpio_bank_desc *desc = io->gpio->desc;
    uint64_t pins = 0;
    for (unsigned target = 0; target < GPIO_IRQ_TARGETS; target++) {
        uint32_t enabled = io->block.values[desc->inte[target] + word];
        for (unsigned i = 0; i < 8; i++) {
            pins |= (uint64_t)((enabled >> 4 * i & 0xf) != 0) << i;
        }
    }
    uint64_t all = (io->gpio->irq_pins & ~(UINT64_C(0xff) << 8 * word)) | pins << 8 * word;
    if (all != io->gpio->irq_pins) {
        gpio_watch_changes(io->gpio);
        io->gpio->irq_pins = all;
    }
}

static uint32_t summary(const struct io_bank *io, unsigned target, unsigned half) {
    uint32_t pins = 0;
    for (unsigned pin = 32 * half; pin < 32 * half + 32 && pin < io->gpio->desc->pins; pin++) {
        if (status(io, target, pin / 8) >> 4 * (pin % 8) & 0xf) {
            pins |= 1u << pin % 32;
        }
    }
    return pins;
}

static uint32_t pin_status(const struct io_bank *io, unsigned pin) {
    uint32_t value = gpio_status(io->gpio, pin);
    uint32_t interrupts = status(io, 0, pin / 8) | status(io, 1, pin / 8);
    value = field_set(value, IO_BANK0_GPIO0_STATUS_IRQFROMPAD, io->gpio->from_pad >> pin & 1);
    value = field_set(value, IO_BANK0_GPIO0_STATUS_IRQTOPROC, (interrupts >> 4 * (pin % 8) & 0xf) != 0);
    return value & io->gpio->desc->status_mask;
}

static uint32_t io_read(struct block *block, unsigned reg) {
    struct io_bank *io = io_of(block);
    const struct gpio_bank_desc *desc = io->gpio->desc;
    gpio_settle(io->gpio);
    if (reg - desc->status < 2 * desc->pins) {
        unsigned pin = (reg - desc->status) / 2;
        return (reg - desc->status) % 2 ? block->values[reg] : pin_status(io, pin);
    }
    if (reg - desc->intr < desc->irq_words) {
        return raw(io, reg - desc->intr);
    }
    for (unsigned target = 0; target < GPIO_IRQ_TARGETS; target++) {
        if (reg - desc->ints[target] < desc->irq_words) {
            return status(io, target, reg - desc->ints[target]);
        }
        if (desc->has_summary && reg - desc->summary[target] < (desc->pins + 31) / 32) {
            return summary(io, target, reg - desc->summary[target]);
        }
    }
    return block->values[reg];
}

static uint64_t io_holds_until(struct block *block, unsigned reg) {
    return gpio_is_lagging(io_of(block)->gpio) ? 0 : block_holds(block, reg);
}

static void io_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct io_bank *io = io_of(block);
    const struct gpio_bank_desc *desc = io->gpio->desc;
    if (reg - desc->status < 2 * desc->pins) {
        if ((reg - desc->status) % 2) {
            gpio_set_control(io->gpio, (reg - desc->status) / 2, block->values[reg]);
        }
        return;
    }
    if (reg - desc->intr < desc->irq_words) {
        io_update(io, reg - desc->intr);
    }
    for (unsigned target = 0; target < GPIO_IRQ_TARGETS; target++) {
        if (reg - desc->inte[target] < desc->irq_words) {
            note_enabled(io, reg - desc->inte[target]);
            io_update(io, reg - desc->inte[target]);
        } else if (reg - desc->intf[target] < desc->irq_words) {
            io_update(io, reg - desc->intf[target]);
        }
    }
}

static void io_irq_changed(void *context, unsigned pin, bool level) {
    struct io_bank *io = context;
    io->block.values[io->gpio->desc->intr + pin / 8] |= (uint32_t)(level ? EDGE_HIGH : EDGE_LOW) << 4 * (pin % 8);
    io_update(io, pin / 8);
}

static void io_reset(struct block *block) {
    struct io_bank *io = io_of(block);
    const struct gpio_bank_desc *desc = io->gpio->desc;
    for (unsigned pin = 0; pin < desc->pins; pin++) {
        gpio_set_control(io->gpio, pin, block->values[desc->status + 2 * pin + 1]);
    }
    for (unsigned word = 0; word < desc->irq_words; word++) {
        block->values[desc->intr + word] = 0; /* no edges from the reset itself */
        note_enabled(io, word);
        io_update(io, word);
    }
}

static void io_init(struct block *block) {
    struct io_bank *io = io_of(block);
    io->gpio->irq_changed = io_irq_changed;
    io->gpio->irq_context = io;
}

static void io_walk(struct block *block, struct walk *walk) {
    walk_bytes(walk, io_of(block)->active, GPIO_IRQ_TARGETS);
}

const struct block_class io_bank_class = {
    .name = "io_bank",
    .size = sizeof(struct io_bank),
    .init = io_init,
    .reset = io_reset,
    .read = io_read,
    .write = io_write,
    .holds_until = io_holds_until,
    .walk = io_walk,
};
