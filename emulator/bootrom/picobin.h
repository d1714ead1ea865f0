/* Blocks in a program image that tell the RP2350's boot ROM what it is: a loop of blocks, the first of them in the
 * first 4 KB of the flash or anywhere in a region of RAM, with an image definition, a partition table, or both (RP2350
 * datasheet 5.1.5 and 5.9). */
#ifndef BOOTROM_PICOBIN_H
#define BOOTROM_PICOBIN_H

#include <stdbool.h>
#include <stdint.h>

#define PICOBIN_PARTITIONS 16

/* What is wrong with an image definition for this chip's Arm cores. */
enum picobin_fit { PICOBIN_FITS, PICOBIN_NOT_EXECUTABLE, PICOBIN_OTHER_CHIP, PICOBIN_RISCV, PICOBIN_NONSECURE };

/* What a block says of its own hash. */
struct picobin_hash {
    bool sha256;    /* the kind is given, and is this one */
    unsigned words; /* of the block that are hashed */
    uint32_t value; /* offset of the hash in the window; 0: none */
    unsigned value_words;
};

struct picobin_image {
    bool present;
    enum picobin_fit fit;
    uint16_t type;    /* flags of the IMAGE_TYPE item */
    uint32_t version; /* major in the upper half */
    bool has_vector_table, has_entry;
    uint32_t vector_table;              /* runtime address */
    uint32_t entry, stack, stack_limit; /* limit 0: none */
    int32_t window_delta;               /* rolling window */
    uint32_t block;                     /* offset of the definition's block in the window */
    uint32_t load_map;                  /* offset of that item in the window; 0: none */
    unsigned load_entries;
    struct picobin_hash hash;
};

struct picobin_table {
    bool present;
    bool singleton;
    uint32_t version;
    unsigned count;
    uint32_t block; /* offset of the block in the window */
    uint32_t item;  /* of the item */
    struct picobin_hash hash;
    uint32_t unpartitioned; /* permissions and flags */
    struct {
        uint32_t location, flags;
        uint32_t extra; /* offset of what follows the two words: id, families, name */
    } partition[PICOBIN_PARTITIONS];
};

struct picobin {
    bool found;  /* a first block */
    bool closed; /* and its links lead back to it; nothing below counts otherwise */
    struct picobin_image image;
    struct picobin_table table;
};

#define PICOBIN_FLASH_SEARCH 0x1000u

/* Look through `size` bytes of a window (flash slot, partition, RAM region), where the first block begins before
 * `search`. Of several definitions the last that fits the chip counts. True when there is a closed loop. */
bool picobin_scan(const uint8_t *window, uint32_t size, uint32_t search, struct picobin *ret_picobin);

#endif
