/* Bus access control: RP2350 datasheet 10.6. */
#ifndef ONCHIP_ACCESSCTRL_H
#define ONCHIP_ACCESSCTRL_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/accessctrl.h"

extern const struct block_class accessctrl_class;

#endif
