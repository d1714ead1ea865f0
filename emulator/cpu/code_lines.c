/* Code behind a cache: which blocks are in which of its lines, and how long a block waits for the lines that are not
 * there. A block whose lines are all there has its usual price and is not looked at; when a line is lost, the blocks
 * in it ask before they run again, and asking fetches.
 *
 * A block waits when it begins, for all of its code and for the literals that its instructions load (LDR from the pc
 * on); a bus error of any of them is one at its beginning. Not modelled: other loads, which take no time wherever they
 * go; prefetching beyond the block, but for the halfword that a Cortex-M0+ has in its pipeline behind a branch. */
#include "emulator/cpu/internal.h"

#include <stdlib.h>
#include <string.h>

#define CHAINS (1u << 13) /* of the table by line */
#define CHUNK 65536       /* entries that are allocated together: the first ones are enough for most programs */

/* A block is in a line. */
struct line_user {
    uint32_t line;
    struct block_cost *block;
    struct line_user *next; /* of those with the same hash */
};

struct user_chunk {
    struct user_chunk *next;
    struct line_user users[CHUNK];
};

struct code_lines {
    struct line_user *chains[CHAINS];
    struct user_chunk *chunks;
    unsigned count;
};

static bool add_chunk(struct code_lines *lines) {
    struct user_chunk *chunk = malloc(sizeof(*chunk)); /* the host gives what is used of it */
    if (chunk) {
        chunk->next = lines->chunks;
        lines->chunks = chunk;
    }
    return chunk != NULL;
}

struct code_lines *code_lines_create(void) {
    struct code_lines *lines = calloc(1, sizeof(*lines));
    if (lines && !add_chunk(lines)) {
        free(lines);
        lines = NULL;
    }
    return lines;
}

/* The first chunk stays. */
void code_lines_clear(struct code_lines *lines) {
    while (lines->chunks->next) {
        struct user_chunk *chunk = lines->chunks;
        lines->chunks = chunk->next;
        free(chunk);
    }
    *lines = (struct code_lines){ .chunks = lines->chunks };
}

void code_lines_destroy(struct code_lines *lines) {
    if (lines) {
        code_lines_clear(lines);
        free(lines->chunks);
        free(lines);
    }
}

/* ---- Who is in a line ---- */
static struct line_user **users_of(struct code_lines *lines, uint32_t line) {
    return &lines->chains[line % CHAINS];
}

static struct line_user *new_user(struct code_lines *lines) {
    if (lines->count && lines->count % CHUNK == 0 && !add_chunk(lines)) {
        return NULL;
    }
    return &lines->chunks->users[lines->count++ % CHUNK];
}

/* False: out of memory. */
static bool add_user(struct code_lines *lines, uint32_t line, struct block_cost *block) {
    struct line_user **users = users_of(lines, line);
    for (struct line_user *user = *users; user; user = user->next) {
        if (user->line == line && user->block == block) {
            return true;
        }
    }
    struct line_user *user = new_user(lines);
    if (user) {
        *user = (struct line_user){ .line = line, .block = block, .next = *users };
        *users = user;
    }
    return user != NULL;
}

void core_line_lost(struct core *core, uint32_t address) {
    uint32_t line = address / CORE_CACHE_LINE;
    for (struct line_user *user = *users_of(core->code_lines, line); user; user = user->next) {
        if (user->line == line && user->block->end) {
            blocks_set_cold(user->block, true);
        }
    }
}

void core_lines_lost(struct core *core) {
    blocks_all_cold(core);
}

/* ---- Fetching ---- */
/* A block on its way through its code. */
struct fetching {
    struct core *core;
    struct block_cost *block;
    uint32_t word; /* fetched last */
    unsigned waits;
    bool stays;
    bool failed; /* a bus error: nothing more is fetched */
};

/* The block hears of it when this line is lost. */
static bool is_in_line(struct fetching *fetching, uint32_t line) {
    return fetching->block->linked || (blocks_is_kept(fetching->core, fetching->block) &&
                                       add_user(fetching->core->code_lines, line, fetching->block));
}

static void fetch_word(struct fetching *fetching, uint32_t address) {
    const struct core_cache *cache = &fetching->core->desc.cache;
    if (fetching->failed || !code_lines_apply(fetching->core, address)) {
        return;
    }
    bool stays = false, linked = is_in_line(fetching, address / CORE_CACHE_LINE);
    unsigned waits = cache->fetch(cache->context, address & ~3u, fetching->core->cycles + fetching->waits, &stays);
    fetching->failed = waits == CORE_CACHE_ERROR;
    fetching->waits += fetching->failed ? 0 : waits;
    fetching->stays = fetching->stays && stays && linked;
}

static void fetch_code(struct fetching *fetching, uint32_t from, uint32_t end) {
    for (uint32_t word = from & ~3u; word < end; word += 4) {
        if (word != fetching->word) {
            fetch_word(fetching, word);
            fetching->word = word;
        }
    }
}

/* Does the instruction at `pc` load from an address that its code states? */
static bool loads_literal(uint32_t pc, uint16_t first, uint16_t second, uint32_t *ret_address) {
    uint32_t base = (pc + 4) & ~3u, distance;
    bool up = first & 0x80;
    if ((first & 0xf800) == 0x4800) { /* LDR */
        distance = 4u * (first & 0xff);
        up = true;
    } else if ((first & 0xfe1f) == 0xf81f) { /* LDR and its like, 32 bits */
        distance = second & 0xfff;
    } else if ((first & 0xff7f) == 0xe95f) { /* LDRD */
        distance = 4u * (second & 0xff);
    } else if ((first & 0xff3f) == 0xed1f && (second & 0x0e00) == 0x0a00) { /* VLDR */
        distance = 4u * (second & 0xff);
    } else {
        return false;
    }
    *ret_address = up ? base + distance : base - distance;
    return true;
}

static void fetch_all(struct fetching *fetching, const uint8_t *code, uint32_t size) {
    uint32_t start = fetching->block->address;
    for (uint32_t at = 0; at + 2 <= size;) {
        uint16_t first, second = 0;
        uint32_t literal;
        memcpy(&first, code + at, 2);
        uint32_t length = thumb_is_wide(first) && at + 4 <= size ? 4 : 2;
        if (length == 4) {
            memcpy(&second, code + at + 2, 2);
        }
        fetch_code(fetching, start + at, start + at + length);
        if (loads_literal(start + at, first, second, &literal)) {
            fetch_word(fetching, literal);
        }
        at += length;
    }
    fetch_code(fetching, start + size, start + size + fetching->core->arch->fetches_ahead);
}

bool code_lines_fetch(struct core *core, struct block_cost *block, unsigned *ret_waits) {
    uint32_t size = block->end - block->address;
    const uint8_t *code = bus_code_at(core->desc.bus, block->address, size);
    struct fetching fetching = { .core = core, .block = block, .word = UINT32_MAX, .stays = code != NULL };
    block->cold = false; /* what it fetches itself may put out a line of its own: core_line_lost() */
    if (code) {
        fetch_all(&fetching, code, size);
    }
    block->linked = block->linked || fetching.stays;
    blocks_set_cold(block, block->cold || !fetching.stays);
    *ret_waits = fetching.waits;
    return !fetching.failed;
}
