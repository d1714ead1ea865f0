/* Names of the chips. */
#include "firmware-loader/chip.h"

struct chip_facts {
    const char *name;
    uint32_t sram_bytes;
    uint32_t xip_sram_base;
};

#define XIP_SRAM_BYTES 0x4000u

static const struct chip_facts facts[] = {
    [CHIP_UNKNOWN] = { "unknown chip", 0, 0 },
    [CHIP_RP2040] = { "RP2040", 264 * 1024, 0x15000000 },
    [CHIP_RP2350] = { "RP2350", 520 * 1024, 0x13ffc000 },
};

const char *chip_name(enum chip chip) {
    return facts[chip].name;
}

uint32_t chip_sram_bytes(enum chip chip) {
    return facts[chip].sram_bytes;
}

uint32_t chip_xip_sram_base(enum chip chip) {
    return facts[chip].xip_sram_base;
}

uint32_t chip_xip_sram_bytes(enum chip chip) {
    return facts[chip].xip_sram_base ? XIP_SRAM_BYTES : 0;
}
