/* Chip identification: RP2040 datasheet 2.20, RP2350 datasheet 12.15.1. */
#ifndef ONCHIP_SYSINFO_H
#define ONCHIP_SYSINFO_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/sysinfo.h"

struct sysinfo {
    struct block block;
    /* Set by the chip table. */
    uint32_t chip_id;     /* revision, part, manufacturer 0x927 (RP2040 B2: 0x20002927) */
    uint32_t package_sel; /* RP2350: 0 is QFN80, 1 is QFN60 */
    uint32_t gitref;
};

extern const struct block_class sysinfo_class;

#endif
