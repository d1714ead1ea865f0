/* Cycle accounting by block of instructions, as the engine forms them. What a block costs is worked out once and kept
 * by its address; a block is paid when it begins, and an access in it happens at its own cycle: the beginning plus the
 * cost of what stands before it.
 *
 * The engine notices when code changes and says so by translating it anew; who changes it from outside calls
 * engine_code_changed(). */
#include "emulator/cpu/internal.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BLOCK 2048        /* bytes: the engine ends a block after 512 instructions */
#define MAX_BLOCKS (1u << 20) /* a guest that runs code at more addresses starts anew */
#define CHUNK 4096            /* blocks that are allocated together */
#define CHAINS (1u << 16)     /* of the table by address */
#define CODE_GRAIN 32u
#define OFFSETS (1u << 10) /* of the table by instruction */

struct chunk {
    struct chunk *next;
    struct block_cost blocks[CHUNK];
};

/* Where an instruction is in a block, in cycles. */
struct offset {
    uint32_t block, pc;
    unsigned version, cycles;
};

struct blocks {
    uint8_t *code; /* a bit per CODE_GRAIN bytes: a block was there */
    struct block_cost *chains[CHAINS];
    struct chunk *chunks;
    unsigned count;
    struct block_cost spare; /* when there are too many: the block learnt last, which is never found */
    unsigned version;        /* goes up when code changes */
    struct offset offsets[OFFSETS];
};

static bool add_chunk(struct blocks *blocks) {
    struct chunk *chunk = calloc(1, sizeof(*chunk));
    if (chunk) {
        chunk->next = blocks->chunks;
        blocks->chunks = chunk;
    }
    return chunk != NULL;
}

/* The first chunk stays, for when there is no memory for others. */
static void free_chunks_but_first(struct blocks *blocks) {
    while (blocks->chunks && blocks->chunks->next) {
        struct chunk *chunk = blocks->chunks;
        blocks->chunks = chunk->next;
        free(chunk);
    }
}

struct blocks *blocks_create(void) {
    struct blocks *blocks = calloc(1, sizeof(*blocks));
    if (!blocks) {
        return NULL;
    }
    blocks->version = 1; /* nothing is known of offsets */
    blocks->code = calloc((UINT64_C(1) << 32) / CODE_GRAIN / 8, 1);
    if (!blocks->code || !add_chunk(blocks)) {
        blocks_destroy(blocks);
        return NULL;
    }
    return blocks;
}

void blocks_destroy(struct blocks *blocks) {
    if (blocks) {
        free_chunks_but_first(blocks);
        free(blocks->chunks);
        free(blocks->code);
        free(blocks);
    }
}

static void mark_code(struct blocks *blocks, uint32_t address, uint32_t size) {
    for (uint32_t grain = address / CODE_GRAIN; size && grain <= (address + size - 1) / CODE_GRAIN; grain++) {
        blocks->code[grain / 8] |= (uint8_t)(1u << grain % 8);
    }
}

bool blocks_had_code(const struct core *core, uint32_t address, uint32_t size) {
    const uint8_t *code = core->blocks->code;
    for (uint32_t grain = address / CODE_GRAIN; size && grain <= (address + size - 1) / CODE_GRAIN; grain++) {
        if (code[grain / 8] & 1u << grain % 8) {
            return true;
        }
    }
    return false;
}

static const uint8_t *code_at(struct core *core, uint32_t address, uint32_t size) {
    return size >= 2 ? bus_code_at(core->desc.bus, address, size) : NULL;
}

/* ---- The table ---- */
static struct block_cost **chain_of(struct blocks *blocks, uint32_t address) {
    return &blocks->chains[(address >> 1 ^ address >> 17) & (CHAINS - 1)];
}

static struct block_cost *find_entry(struct blocks *blocks, uint32_t address) {
    struct block_cost *entry = *chain_of(blocks, address);
    while (entry && entry->address != address) {
        entry = entry->next;
    }
    return entry;
}

static struct block_cost *add_entry(struct blocks *blocks, uint32_t address) {
    unsigned index = blocks->count % CHUNK;
    if (!index && blocks->count && blocks->count < MAX_BLOCKS && !add_chunk(blocks)) {
        blocks->count = MAX_BLOCKS; /* it starts anew with the first chunk */
    }
    if (blocks->count >= MAX_BLOCKS) {
        return &blocks->spare;
    }
    blocks->count++;
    struct block_cost *entry = &blocks->chunks->blocks[index];
    entry->next = *chain_of(blocks, address);
    *chain_of(blocks, address) = entry;
    return entry;
}

struct block_cost *blocks_known(struct core *core, uint32_t address) {
    struct block_cost *entry = find_entry(core->blocks, address);
    return entry && entry->end ? entry : NULL;
}

bool blocks_are_full(const struct core *core) {
    return core->blocks->count >= MAX_BLOCKS;
}

void blocks_clear(struct core *core) {
    struct blocks *blocks = core->blocks;
    free_chunks_but_first(blocks);
    memset(blocks->chunks, 0, sizeof(*blocks->chunks));
    memset(blocks->chains, 0, sizeof(blocks->chains));
    blocks->count = 0;
    blocks->version++;
    code_lines_clear(core->code_lines);
}

/* ---- Costs ---- */
/* A block that may be paid with what a branch before it gave back asks, lest it runs when the slice is over. */
static void set_price(struct block_cost *block) {
    int32_t price = block->cycles + block->taken;
    bool asks = block->sev || block->limits || block->loops || block->watched || block->cold || price <= block->refund;
    block->price = asks ? BLOCK_ASKS : price;
}

/* The block at `address` may be paid with so much that the one before it has given back. */
static void expect_refund(struct core *core, uint32_t address, unsigned refund) {
    struct block_cost *next = find_entry(core->blocks, address);
    if (!next && refund) {
        next = add_entry(core->blocks, address);
        if (next == &core->blocks->spare) {
            return; /* which is the block before: it is learnt each time that it runs */
        }
        *next = (struct block_cost){ .address = address, .price = BLOCK_ASKS, .next = next->next };
    }
    if (next && next->refund < refund) {
        next->refund = (uint8_t)refund;
        if (next->end) {
            set_price(next);
        }
    }
}

struct block_cost *blocks_learn(struct core *core, uint32_t address, uint32_t size) {
    struct block_cost *block = find_entry(core->blocks, address);
    const uint8_t *code = code_at(core, address, size);
    block = block ? block : add_entry(core->blocks, address);
    *block =
        (struct block_cost){ .address = address, .end = address + size, .refund = block->refund, .next = block->next };
    block->cold = code_lines_apply(core, address);
    if (code) {
        uint32_t real = address;
        bus_translate(core->desc.bus, address, &real);
        mark_code(core->blocks, address, size);
        mark_code(core->blocks, real, size);
        core->arch->block_cost(code, size, block);
        if (block->leaves) {
            scs_main_report(core, REPORTED_NON_SECURE, LOG_STUB, "BXNS or BLXNS: Non-secure state is not modelled");
        }
    }
    watch_note_block(core, block);
    set_price(block);
    if (block == &core->blocks->spare) {
        block->price = BLOCK_ASKS; /* it is the price of many */
    }
    expect_refund(core, block->end, block->taken);
    core->blocks->version++;
    return block;
}

void blocks_set_loops(struct block_cost *block, bool loops) {
    block->loops = loops;
    set_price(block);
}

void blocks_note_watches(struct core *core, uint32_t address) {
    struct block_cost *block = blocks_known(core, address);
    if (block) {
        watch_note_block(core, block);
        set_price(block);
    }
}

void blocks_set_cold(struct block_cost *block, bool cold) {
    block->cold = cold;
    set_price(block);
}

bool blocks_is_kept(const struct core *core, const struct block_cost *block) {
    return block != &core->blocks->spare;
}

void blocks_all_cold(struct core *core) {
    for (struct chunk *chunk = core->blocks->chunks; chunk; chunk = chunk->next) {
        for (unsigned i = 0; i < CHUNK; i++) {
            struct block_cost *block = &chunk->blocks[i];
            if (block->end && code_lines_apply(core, block->address)) {
                blocks_set_cold(block, true);
            }
        }
    }
}

/* Translated code may still be there: it asks, and the block is learnt anew. */
static void forget_block(struct block_cost *block) {
    block->end = 0;
    block->price = BLOCK_ASKS;
}

void blocks_forget_all(struct core *core) {
    for (struct chunk *chunk = core->blocks->chunks; chunk; chunk = chunk->next) {
        for (unsigned i = 0; i < CHUNK; i++) {
            forget_block(&chunk->blocks[i]);
        }
    }
    core->blocks->version++;
}

void blocks_forget(struct core *core, uint32_t address, uint32_t size) {
    uint64_t first = size && address > MAX_BLOCK ? address - MAX_BLOCK : address; /* blocks that reach in */
    for (uint64_t at = first; at < (uint64_t)address + size || at == address; at += 2) {
        struct block_cost *entry = find_entry(core->blocks, (uint32_t)at);
        if (entry) {
            forget_block(entry);
        }
    }
    core->blocks->version++;
}

/* ---- Within a block ---- */
unsigned blocks_offset(struct core *core, const struct block_cost *block, uint32_t pc) {
    struct offset *known = &core->blocks->offsets[pc >> 1 & (OFFSETS - 1)];
    unsigned version = core->blocks->version;
    if (known->version != version || known->pc != pc || known->block != block->address) {
        const uint8_t *code = code_at(core, block->address, block->end - block->address);
        bool inside = code && pc - block->address < block->end - block->address;
        *known = (struct offset){ .block = block->address, .pc = pc, .version = version };
        known->cycles = inside ? core->arch->offset(code, block->end - block->address, pc - block->address) : 0;
    }
    return known->cycles;
}

unsigned blocks_split(struct core *core, const struct block_cost *block, uint32_t pc) {
    struct block_cost rest = { .address = pc, .end = block->end };
    uint32_t size = block->end - pc;
    const uint8_t *code = code_at(core, pc, size);
    uint16_t first;
    unsigned offset = blocks_offset(core, block, pc);
    if (!code) {
        return offset;
    }
    memcpy(&first, code, 2);
    core->arch->block_cost(code, size, &rest);
    bool is_last = size == (thumb_is_wide(first) ? 4 : 2);
    return is_last && rest.cycles <= block->cycles ? (unsigned)(block->cycles - rest.cycles) : offset;
}

void blocks_finish(struct core *core, const struct block_cost *block) {
    core->mainline.limits_used |= block->limits;
    if (block->sev) {
        core->event = true;
        if (core->desc.send_event) {
            core->desc.send_event(core->desc.event_context, core);
        }
    }
}
