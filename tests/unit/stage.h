/* What a block needs around it in a unit test: time, a log that counts, a clock. */
#ifndef TESTS_STAGE_H
#define TESTS_STAGE_H

#include "emulator/core/block.h"

struct stage {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
    struct clock_domain clock; /* 125 MHz: 8000 ps a cycle */
};

static inline void stage_init(struct stage *stage) {
    *stage = (struct stage){ 0 };
    scheduler_init(&stage->scheduler);
    log_init(&stage->log);
    random_init(&stage->random, 1);
    stage->env = (struct environment){ .scheduler = &stage->scheduler, .log = &stage->log, .seed = &stage->random };
    clock_init(&stage->clock, "clk");
    clock_set_frequency(&stage->clock, 125000000, 1, 0);
}

static inline void stage_run(struct stage *stage, uint64_t ps) {
    scheduler_advance(&stage->scheduler, stage->scheduler.now_ps + ps);
}

/* Offset of a register by its number. */
static inline uint32_t stage_offset(const struct block *block, unsigned reg) {
    return block->registers->descs[reg].offset;
}
static inline uint32_t rd(struct block *block, unsigned reg) {
    return block_read(block, stage_offset(block, reg));
}
static inline void wr(struct block *block, unsigned reg, uint32_t value) {
    block_write(block, stage_offset(block, reg), value, ALIAS_NORMAL);
}
static inline void set_bits(struct block *block, unsigned reg, uint32_t bits) {
    block_write(block, stage_offset(block, reg), bits, ALIAS_SET);
}
static inline void clear_bits(struct block *block, unsigned reg, uint32_t bits) {
    block_write(block, stage_offset(block, reg), bits, ALIAS_CLR);
}

#endif
