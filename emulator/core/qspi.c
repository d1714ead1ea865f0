/* Bits on the four data lines of a memory, as a controller shifts them. */
#include "emulator/core/qspi.h"

uint32_t qspi_shift(struct qspi_target *target, uint32_t value, unsigned bits, unsigned width, bool drive) {
    unsigned mask = (1u << width) - 1;
    uint32_t in = 0;
    for (unsigned left = bits; left;) {
        left = left > width ? left - width : 0;
        unsigned lines = drive ? (value >> left & mask) | (0xf & ~mask) : 0xf;
        unsigned seen = target->clock(target, lines);
        in = in << width | (width == 1 ? seen >> 1 & 1 : seen & mask);
    }
    return in;
}
