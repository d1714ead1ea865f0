/* Registers as tables say: reset values, masks, atomic aliases of the chips' peripherals (RP2040 datasheet 2.1.2). */
#include "emulator/core/block.h"

#include <stdlib.h>

#define REPORTED_BYTES (0x4000u / 4 / 8)

struct block *block_create(const struct block_class *class, const char *name, struct environment *env,
                           const struct register_table *registers) {
    struct block *block = calloc(1, class->size);
    if (!block) {
        return NULL;
    }
    block->class = class;
    block->name = name;
    block->env = env;
    block->registers = registers;
    random_derive(&block->random, env->seed, "block", name);
    if (registers) {
        block->values = calloc(registers->count, sizeof(uint32_t));
    }
    block->reported = calloc(REPORTED_BYTES, 1);
    if ((registers && !block->values) || !block->reported) {
        block_destroy(block);
        return NULL;
    }
    return block;
}

void block_init(struct block *block) {
    if (block->class->init) {
        block->class->init(block);
    }
}

void block_start(struct block *block) {
    block_init(block);
    block_reset(block);
}

void block_destroy(struct block *block) {
    if (!block) {
        return;
    }
    if (block->class->finish) {
        block->class->finish(block);
    }
    free(block->values);
    free(block->reported);
    free(block);
}

void block_reset(struct block *block) {
    for (unsigned reg = 0; block->registers && reg < block->registers->count; reg++) {
        block->values[reg] = block->registers->descs[reg].reset;
    }
    if (block->class->reset) {
        block->class->reset(block);
    }
}

void block_hold_in_reset(struct block *block, bool hold) {
    if (hold && !block->in_reset) {
        block_reset(block);
    }
    block->in_reset = hold;
}

static void report_held(struct block *block, uint32_t offset) {
    if (!block->reported_reset) {
        block->reported_reset = true;
        log_write(block->env->log, LOG_GUEST, block->name, "access at offset 0x%03x while held in reset", offset);
    }
}

/* Register number + 1 at an offset, 0 where there is none. */
static unsigned lookup(const struct block *block, uint32_t offset) {
    const struct register_table *table = block->registers;
    return table && offset / 4 < table->words ? table->ids[offset / 4] : 0;
}

uint32_t block_read(struct block *block, uint32_t offset) {
    if (block->in_reset) {
        report_held(block, offset);
        return 0;
    }
    unsigned found = lookup(block, offset);
    if (!found) {
        block_report_stub(block, offset, false);
        return 0;
    }
    if (block->class == &stub_class) {
        block_report_stub(block, offset, false);
    }
    return block_read_register(block, found - 1);
}

bool block_find_register(const struct block *block, uint32_t offset, unsigned *ret_reg) {
    unsigned found = lookup(block, offset);
    *ret_reg = found - 1;
    return found && block->class != &stub_class;
}

uint64_t block_holds_until(struct block *block, uint32_t offset) {
    unsigned found = lookup(block, offset);
    if (!found || block->in_reset || !block->class->holds_until || block->registers->descs[found - 1].read_effect) {
        return 0;
    }
    return block->class->holds_until(block, found - 1);
}

uint64_t block_counts_until(struct block *block, uint32_t offset, uint64_t ticks) {
    unsigned found = lookup(block, offset);
    if (!found || block->in_reset || !block->class->counts_until) {
        return 0;
    }
    return block->class->counts_until(block, found - 1, ticks);
}

uint64_t block_holds(struct block *block, unsigned reg) {
    return TIME_NEVER;
}

void block_write(struct block *block, uint32_t offset, uint32_t value, enum bus_alias alias) {
    if (block->in_reset) {
        report_held(block, offset);
        return;
    }
    unsigned found = lookup(block, offset);
    if (!found) {
        block_report_stub(block, offset, true);
        return;
    }
    if (block->class == &stub_class) {
        block_report_stub(block, offset, true);
    }
    block_write_register(block, found - 1, value, alias);
}

void block_report_stub(struct block *block, uint32_t offset, bool is_write) {
    uint32_t word = offset / 4 % (8 * REPORTED_BYTES);
    if (block->reported[word / 8] & (1u << word % 8)) {
        return;
    }
    block->reported[word / 8] |= (uint8_t)(1u << word % 8);
    unsigned found = lookup(block, offset);
    log_write(block->env->log, LOG_STUB, block->name, "%s of %s (offset 0x%03x), which is not modelled",
              is_write ? "store" : "load", found ? block->registers->descs[found - 1].name : "no register", offset);
}

/* ---- Snapshots ---- */
void line_walk(struct line *line, struct walk *walk) {
    walk_bool(walk, &line->level);
}

void random_walk(struct random *random, struct walk *walk) {
    walk_u64(walk, &random->state);
}

void block_walk(struct block *block, struct walk *walk) {
    unsigned registers = block->registers ? block->registers->count : 0;
    walk_section(walk, block->name, block->class->walk_version);
    walk_expect(walk, "the number of registers", registers);
    walk_u32s(walk, block->values, registers);
    for (unsigned i = 0; i < BLOCK_IRQS; i++) {
        line_walk(&block->irq[i], walk);
    }
    random_walk(&block->random, walk);
    walk_bool(walk, &block->in_reset);
    walk_bool(walk, &block->reported_reset);
    walk_bytes(walk, block->reported, REPORTED_BYTES);
    if (block->class->walk) {
        block->class->walk(block, walk);
    }
    walk_section_end(walk);
}

const struct block_class stub_class = { .name = "stub", .size = sizeof(struct block) };
const struct block_class storage_class = { .name = "storage", .size = sizeof(struct block) };
