/* What the builders of both ROM images share: instructions, and bytes one after the other. */
#ifndef BOOTROM_BUILDER_H
#define BOOTROM_BUILDER_H

#include <stdint.h>

#define THUMB 1u
#define BX_LR 0x4770u
#define SVC(number) (0xdf00u | (number))
#define CODE(a, b) ((uint16_t)((a) | (b) << 8)) /* of a table's entry */

/* Where something new goes. */
struct image {
    uint8_t *rom;
    uint32_t next;
};

static inline void put16(uint8_t *rom, uint32_t at, uint32_t value) {
    rom[at] = (uint8_t)value;
    rom[at + 1] = (uint8_t)(value >> 8);
}

static inline void put32(uint8_t *rom, uint32_t at, uint32_t value) {
    put16(rom, at, value);
    put16(rom, at + 2, value >> 16);
}

static inline void add16(struct image *image, uint32_t value) {
    put16(image->rom, image->next, value);
    image->next += 2;
}

#endif
