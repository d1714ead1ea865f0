/* A workbench for one block: a stepped clock, a silent log, seeded random bits. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include "emulator/core/block.h"
#include "tests/unit/unit.h"

struct bench {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
};

static inline void bench_init(struct bench *bench) {
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    random_init(&bench->random, 1);
    bench->env = (struct environment){ .scheduler = &bench->scheduler, .log = &bench->log, .random = &bench->random };
}

static inline void bench_step(struct bench *bench, uint64_t ps) {
    scheduler_advance(&bench->scheduler, bench->scheduler.now_ps + ps);
}

/* Accesses by register number. */
static inline uint32_t get(struct block *block, unsigned reg) {
    return block_read(block, block->registers->descs[reg].offset);
}

static inline void put(struct block *block, unsigned reg, uint32_t value) {
    block_write(block, block->registers->descs[reg].offset, value, ALIAS_NORMAL);
}

static inline void set_bits(struct block *block, unsigned reg, uint32_t bits) {
    block_write(block, block->registers->descs[reg].offset, bits, ALIAS_SET);
}

static inline void clear_bits(struct block *block, unsigned reg, uint32_t bits) {
    block_write(block, block->registers->descs[reg].offset, bits, ALIAS_CLR);
}

#endif
