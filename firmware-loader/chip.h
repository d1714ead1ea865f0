/* The chips that images and boards are for. */
#ifndef LOADER_CHIP_H
#define LOADER_CHIP_H

#include <stdint.h>

enum chip { CHIP_UNKNOWN, CHIP_RP2040, CHIP_RP2350 };

/* Memory that an image may be loaded into: RP2040 datasheet 2.2, RP2350 datasheet 2.2. */
#define CHIP_FLASH_BASE 0x10000000u
#define CHIP_SRAM_BASE 0x20000000u

/* "RP2040", "RP2350" or "unknown chip". */
const char *chip_name(enum chip chip);
/* Bytes of main SRAM; 0 for CHIP_UNKNOWN. */
uint32_t chip_sram_bytes(enum chip chip);
/* The XIP cache used as SRAM: where and how large. 0 bytes for CHIP_UNKNOWN. */
uint32_t chip_xip_sram_base(enum chip chip);
uint32_t chip_xip_sram_bytes(enum chip chip);

#endif
