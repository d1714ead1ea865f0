/* Chip identification: RP2040 datasheet 2.20, RP2350 datasheet 12.15.1. PLATFORM says that this is an ASIC. */
#include "peripherals/onchip/sysinfo.h"

static void sysinfo_reset(struct block *b) {
    struct sysinfo *s = (struct sysinfo *)b;
    b->values[SYSINFO_CHIP_ID] = s->chip_id;
    b->values[SYSINFO_PACKAGE_SEL] = s->package_sel;
    b->values[SYSINFO_PLATFORM] = SYSINFO_PLATFORM_ASIC;
    b->values[SYSINFO_GITREF_RP2040] = s->gitref;
    b->values[SYSINFO_GITREF_RP2350] = s->gitref;
}

const struct block_class sysinfo_class = {
    .name = "sysinfo",
    .size = sizeof(struct sysinfo),
    .reset = sysinfo_reset,
    .holds_until = block_holds,
};
