/* Testbench manager (TBMAN): PLATFORM. */
#ifndef ONCHIP_TBMAN_H
#define ONCHIP_TBMAN_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/tbman.h"

extern const struct block_class tbman_class;

#endif
