/* Boot RAM: RP2350 datasheet 4.3. */
#ifndef ONCHIP_BOOTRAM_H
#define ONCHIP_BOOTRAM_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/bootram.h"

#define BOOTRAM_WORDS 256u
#define BOOTRAM_WINDOW_SIZE 0x4000u

struct bootram {
    struct block block;
    uint32_t words[BOOTRAM_WORDS]; /* kept over resets */
};

extern const struct block_class bootram_class;

/* RAM and registers as functions of a bus window, atomic aliases included. `context`: the struct bootram. */
uint32_t bootram_window_read(void *context, uint32_t offset, unsigned size);
void bootram_window_write(void *context, uint32_t offset, uint32_t value, unsigned size);

#endif
