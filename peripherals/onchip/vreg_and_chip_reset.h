/* On-chip regulator, brown-out detection, cause of the last chip reset: RP2040 datasheet 2.10 and 2.12. */
#ifndef ONCHIP_VREG_AND_CHIP_RESET_H
#define ONCHIP_VREG_AND_CHIP_RESET_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/vreg_and_chip_reset.h"

struct vreg_and_chip_reset {
    struct block block;
    /* Set by the machine before block_start() or block_reset(): the HAD_ bit of the reset that comes; 0 is HAD_POR. */
    uint32_t cause;
};

extern const struct block_class vreg_and_chip_reset_class;

/* The core voltage that is set, in volts; 0 when the regulator is off or high-impedance. */
double vreg_voltage(const struct vreg_and_chip_reset *vreg);
/* Below this core voltage the brown-out detector resets the chip; 0: it is off. */
double vreg_brown_out_volts(const struct vreg_and_chip_reset *vreg);

#endif
