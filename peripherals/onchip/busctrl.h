/* Bus fabric control: RP2040 datasheet 2.1.5, RP2350 datasheet 2.1.6. */
#ifndef ONCHIP_BUSCTRL_H
#define ONCHIP_BUSCTRL_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/busctrl.h"

extern const struct block_class busctrl_class;

#endif
