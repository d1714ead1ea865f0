/* Between the two files that know what instructions of a Cortex-M33 cost. */
#ifndef CPU_CYCLES_M33_H
#define CPU_CYCLES_M33_H

#include "emulator/cpu/thumb.h"

/* General registers, a bit each, that an instruction needs when it begins (not what it stores, nor what a
 * multiplication adds to). `second` is 0 for an instruction of 16 bits. */
uint32_t m33_needs(uint16_t first, uint16_t second);
/* Those whose results the next instruction can need only a cycle later; and those of them that come from memory. */
uint32_t m33_comes_late(uint16_t first, uint16_t second);
uint32_t m33_loads(uint16_t first, uint16_t second);
/* Is it data processing with a constant that is rotated? */
bool m33_shifts_constant(uint16_t first, uint16_t second);

#endif
