/* Boot RAM: RP2350 datasheet 4.3: 1 KB of RAM on the peripheral bus, two write-once words, eight locks.
 * Decided: RAM takes byte and halfword stores (the boot ROM's stack is in it), registers replicate them as others do;
 * a store to BOOTLOCK_STAT sets it as written; a lock is freed by any store to it. */
#include "peripherals/onchip/bootram.h"

#define ALIAS_SHIFT 12

static uint32_t claim(struct bootram *b, unsigned lock) {
    uint32_t bit = 1u << lock, *unclaimed = &b->block.values[BOOTRAM_BOOTLOCK_STAT];
    if (!(*unclaimed & bit)) {
        return 0;
    }
    *unclaimed &= ~bit;
    return bit;
}

static uint32_t bootram_read(struct block *block, unsigned reg) {
    if (reg >= BOOTRAM_BOOTLOCK0 && reg <= BOOTRAM_BOOTLOCK7) {
        return claim((struct bootram *)block, reg - BOOTRAM_BOOTLOCK0);
    }
    return block->values[reg];
}

static void bootram_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    if (reg >= BOOTRAM_BOOTLOCK0 && reg <= BOOTRAM_BOOTLOCK7) {
        block->values[BOOTRAM_BOOTLOCK_STAT] |= 1u << (reg - BOOTRAM_BOOTLOCK0);
    } else if (reg == BOOTRAM_WRITE_ONCE0 || reg == BOOTRAM_WRITE_ONCE1) {
        block->values[reg] |= old;
    }
}

static uint32_t lanes(uint32_t offset, unsigned size) {
    return size == 4 ? UINT32_MAX : ((1u << 8 * size) - 1) << 8 * (offset & 3);
}

uint32_t bootram_window_read(void *context, uint32_t offset, unsigned size) {
    struct bootram *b = context;
    uint32_t at = offset & 0xfff;
    uint32_t word = at < 4 * BOOTRAM_WORDS ? b->words[at / 4] : block_read(&b->block, at & ~3u);
    return (word & lanes(offset, size)) >> 8 * (offset & 3);
}

void bootram_window_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
    struct bootram *b = context;
    uint32_t at = offset & 0xfff, mask = lanes(offset, size);
    enum bus_alias alias = (enum bus_alias)(offset >> ALIAS_SHIFT & 3);
    value = value << 8 * (offset & 3) & mask;
    if (at < 4 * BOOTRAM_WORDS) {
        uint32_t *word = &b->words[at / 4];
        *word = (*word & ~mask) | (alias_apply(*word, value, alias) & mask);
    } else {
        block_write(&b->block, at & ~3u, value, alias);
    }
}

static void bootram_walk(struct block *block, struct walk *walk) {
    walk_u32s(walk, ((struct bootram *)block)->words, BOOTRAM_WORDS);
}

const struct block_class bootram_class = {
    .name = "bootram",
    .size = sizeof(struct bootram),
    .read = bootram_read,
    .write = bootram_write,
    .walk = bootram_walk,
};
