/* The bus face of a memory on four data lines: what a controller (SSI, QMI) knows of the chip behind it.
 *
 * A memory sees the lines clock by clock; its chip select is a net that it follows by itself. `contents` is what XIP
 * reads without playing the clocks. A part implements clock() once. */
#ifndef CORE_QSPI_H
#define CORE_QSPI_H

#include <stdbool.h>
#include <stdint.h>

struct qspi_target {
    /* One clock. `lines`: levels of IO3..IO0 in bits 3..0, 1 where nobody drives. Gives the levels that the controller
     * samples on this clock: those that the memory drives, the others as they came (all of them while it is not
     * selected). */
    unsigned (*clock)(struct qspi_target *target, unsigned lines);
    const uint8_t *contents;
    uint32_t size; /* bytes, a power of two */
    void *owner;
};

/* `bits` bits of `value`, most significant first, over 1, 2 or 4 lines; gives what was sampled. `drive` false: the
 * controller leaves the lines alone (reads, dummy clocks). A single line is two: out on IO0, in on IO1. */
uint32_t qspi_shift(struct qspi_target *target, uint32_t value, unsigned bits, unsigned width, bool drive);

#endif
