/* Float routines of the RP2040's ROM. */
#include "emulator/bootrom/softfloat.h"

uint32_t softfloat_call(unsigned index, uint32_t r[4]) {
    return 0;
}

uint32_t softdouble_call(unsigned index, uint32_t r[4]) {
    return 0;
}
