/* The float and double routines of the RP2040's boot ROM, by index into the ROM's tables (datasheet 2.8.3.2).
 * r[0..3] hold arguments and results. Both return the cycles to charge; 0 means that there is no such routine. */
#ifndef BOOTROM_SOFTFLOAT_H
#define BOOTROM_SOFTFLOAT_H

#include <stdint.h>

uint32_t softfloat_call(unsigned index, uint32_t r[4]);
uint32_t softdouble_call(unsigned index, uint32_t r[4]);

#endif
