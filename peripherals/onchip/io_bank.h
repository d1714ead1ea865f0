/* IO_BANK0 and IO_QSPI: function select, overrides and interrupts of the pins of a bank.
 * Lines: irq[0] processor 0, irq[1] processor 1, irq[2] dormant wake (to XOSC and ROSC). On the RP2350 these are the
 * Secure ones. */
#ifndef ONCHIP_IO_BANK_H
#define ONCHIP_IO_BANK_H

#include "peripherals/onchip/gpio.h"

struct io_bank {
    struct block block;
    struct gpio_bank *gpio; /* wiring: the pins; its desc says where the registers are */

    uint8_t active[GPIO_IRQ_TARGETS]; /* a bit per word of 8 pins: some interrupt of it is on */
};

extern const struct block_class io_bank_class;

#endif
