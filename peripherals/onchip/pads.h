/* PADS_BANK0 and PADS_QSPI: the electrical side of the pins of a bank. */
#ifndef ONCHIP_PADS_H
#define ONCHIP_PADS_H

#include "peripherals/onchip/gpio.h"

struct pads {
    struct block block;
    struct gpio_bank *gpio; /* wiring: the pins; its desc says where the registers are */
};

extern const struct block_class pads_class;

#endif
