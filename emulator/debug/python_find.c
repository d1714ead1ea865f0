/* The interpreter's tables in an image that has no symbols, found by their shape.
 *
 * Dispatch table (py/vmentrytable.h): 256 addresses of code close to each other, in which the ranges of opcodes that
 * share an implementation (py/bc0.h: small integers, loads and stores of the first locals) are equal. The version of
 * .mpy files fixes the opcodes, so this holds from MicroPython 1.12 on.
 *
 * Pools of interned strings (py/qstr.h): the first one has no predecessor and counts none before it; each further one
 * names its predecessor. Those in flash are found once; the newest, in RAM, is found by who names it, a word whose
 * place does not change.
 *
 * Not found: interpreters without computed goto (MicroPython 1.16), or with a table of 16-bit offsets. */
#include "emulator/debug/python_private.h"

#include <stdio.h>

#define VM_SPREAD 0x4000 /* bytes from the first to the last opcode's code, at most */
#define POOL_FIRST_ALLOC 64
#define POOL_FIRST_LEAST 20
#define POOL_MOST 20000
#define POOL_CHECKED 24 /* strings of a pool that are looked at */
#define POOL_CHAIN 64
#define STATE_NEAR 128 /* bytes from one word of the interpreter's state to the other, at most */

bool python_is_ram(const struct python_memory *memory, uint32_t address) {
    for (unsigned i = 0; i < memory->count; i++) {
        const struct python_region *region = &memory->region[i];
        if (address - region->base < region->size) {
            return region->writable;
        }
    }
    return false;
}

/* ---- The dispatch table ---- */

struct opcode_range {
    unsigned first, last;
};
static const struct opcode_range shared_opcodes[] = { { 0x70, 0xaf }, { 0xb0, 0xbf }, { 0xc0, 0xcf } };
#define SHARED (sizeof(shared_opcodes) / sizeof(*shared_opcodes))

static uint32_t word_of(const uint8_t *bytes, unsigned index) {
    uint32_t word;
    memcpy(&word, bytes + 4 * (size_t)index, 4);
    return word;
}

static bool is_shared(const uint8_t *table, const struct opcode_range *range) {
    for (unsigned i = range->first; i < range->last; i++) {
        if (word_of(table, i) != word_of(table, i + 1)) {
            return false;
        }
    }
    return true;
}

/* Beside what is_shared() says: the ranges differ from each other. The first comparison throws out nearly all. */
static bool has_shared_opcodes(const uint8_t *table) {
    uint32_t numbers = word_of(table, 0x70), loads = word_of(table, 0xb0), stores = word_of(table, 0xc0);
    if (numbers != word_of(table, 0xaf) || loads != word_of(table, 0xbf) || stores != word_of(table, 0xcf)) {
        return false;
    }
    for (unsigned i = 0; i < SHARED; i++) {
        if (!is_shared(table, &shared_opcodes[i])) {
            return false;
        }
    }
    return numbers != loads && loads != stores && numbers != stores;
}

/* All entries are code, close to each other. */
static bool read_entries(const struct python_memory *memory, const uint8_t *table, struct python_image *image) {
    image->lowest = UINT32_MAX;
    image->highest = 0;
    for (unsigned i = 0; i < PYTHON_OPCODES; i++) {
        uint32_t entry = word_of(table, i) & ~1u;
        if (!python_at(memory, entry, 2)) {
            return false;
        }
        image->entry[i] = entry;
        image->lowest = entry < image->lowest ? entry : image->lowest;
        image->highest = entry > image->highest ? entry : image->highest;
    }
    return image->highest - image->lowest <= VM_SPREAD;
}

static unsigned find_tables(const struct python_memory *memory, const struct python_region *region,
                            struct python_image *image) {
    unsigned found = 0;
    for (uint32_t offset = 0; region->size >= 1024 && offset <= region->size - 1024; offset += 4) {
        struct python_image here;
        const uint8_t *table = region->bytes + offset;
        if (!has_shared_opcodes(table) || !read_entries(memory, table, &here)) {
            continue;
        }
        if (!found++) {
            here.table = region->base + offset;
            image->table = here.table;
            image->lowest = here.lowest;
            image->highest = here.highest;
            memcpy(image->entry, here.entry, sizeof(here.entry));
        }
    }
    return found;
}

/* Flash first: the table lies there, and RAM may hold a copy of it. */
static bool find_table(const struct python_memory *memory, struct python_image *image) {
    unsigned in_flash = 0, in_ram = 0;
    for (unsigned i = 0; i < memory->count; i++) {
        in_flash += memory->region[i].writable ? 0 : find_tables(memory, &memory->region[i], image);
    }
    for (unsigned i = 0; !in_flash && i < memory->count; i++) {
        in_ram += memory->region[i].writable ? find_tables(memory, &memory->region[i], image) : 0;
    }
    return in_flash + in_ram == 1;
}

bool python_image_stands(const struct python_memory *memory, const struct python_image *image) {
    struct python_image now;
    const uint8_t *table = python_at(memory, image->table, 4 * PYTHON_OPCODES);
    return table && read_entries(memory, table, &now) && !memcmp(now.entry, image->entry, sizeof(now.entry));
}

/* ---- Pools of interned strings ---- */

/* Offsets in a pool. */
#define POOL_TOTAL 4 /* bit 31: its strings are sorted */
#define POOL_ALLOC 8
#define POOL_COUNT 12
#define POOL_TABLE 16

static uint32_t strings_at(enum python_pools shape, uint32_t pool) {
    return pool + (shape == PYTHON_POOLS_LENGTHS ? 24 : 20);
}

static uint32_t total_before(const struct python_memory *memory, uint32_t pool) {
    return python_word(memory, pool + POOL_TOTAL) & 0x7fffffff;
}

/* The string `index` of a pool. NULL when it is none: strings end with a 0 that their length does not count
 * (and may have others in them). */
static const char *string_in(const struct python_memory *memory, enum python_pools shape, uint32_t pool, uint32_t index,
                             unsigned *ret_length) {
    uint32_t text = python_word(memory, strings_at(shape, pool) + 4 * index);
    uint32_t lengths = python_word(memory, pool + POOL_TABLE + (shape == PYTHON_POOLS_LENGTHS ? 4 : 0));
    uint32_t at = shape == PYTHON_POOLS_LENGTHS ? lengths + index : lengths + 2 * index + 1;
    uint8_t length;
    if (!python_byte(memory, at, &length)) {
        return NULL;
    }
    const uint8_t *bytes = python_at(memory, text, length + 1u);
    *ret_length = length;
    return bytes && !bytes[length] ? (const char *)bytes : NULL;
}

static bool has_strings(const struct python_memory *memory, enum python_pools shape, uint32_t pool, uint32_t from) {
    uint32_t count = python_word(memory, pool + POOL_COUNT);
    uint32_t end = count < from + POOL_CHECKED ? count : from + POOL_CHECKED;
    for (uint32_t i = from; i < end; i++) {
        unsigned length;
        if (!string_in(memory, shape, pool, i, &length)) {
            return false;
        }
    }
    return true;
}

/* A pool that continues `previous`; 0: the first one, whose first entry is no string. */
static bool is_pool(const struct python_memory *memory, enum python_pools shape, uint32_t pool, uint32_t previous) {
    uint32_t count = python_word(memory, pool + POOL_COUNT), alloc = python_word(memory, pool + POOL_ALLOC);
    if (pool & 3 || !python_at(memory, pool, 24) || python_word(memory, pool) != previous) {
        return false;
    }
    if (!count || count > POOL_MOST || !alloc || alloc > POOL_MOST) {
        return false;
    }
    uint32_t before = previous ? total_before(memory, previous) + python_word(memory, previous + POOL_COUNT) : 0;
    return total_before(memory, pool) == before && has_strings(memory, shape, pool, previous ? 0 : 1);
}

/* May the words be those of the first pool? */
static bool may_be_first(const uint8_t *words) {
    uint32_t alloc = word_of(words, 2), count = word_of(words, 3);
    return !word_of(words, 0) && !(word_of(words, 1) & 0x7fffffff) && alloc - 1 < POOL_FIRST_ALLOC &&
           count >= POOL_FIRST_LEAST && count <= POOL_MOST;
}

static enum python_pools shape_of_first(const struct python_memory *memory, uint32_t pool) {
    for (unsigned shape = PYTHON_POOLS_ATTRIBUTES; shape < PYTHON_POOLS_END; shape++) {
        if (is_pool(memory, shape, pool, 0)) {
            return shape;
        }
    }
    return PYTHON_POOLS_UNKNOWN;
}

static bool find_first_pool(const struct python_memory *memory, const struct python_region *region,
                            struct python_image *image) {
    for (uint32_t offset = 0; region->size >= 64 && offset <= region->size - 64; offset += 4) {
        if (may_be_first(region->bytes + offset)) {
            image->first_pool = region->base + offset;
            image->pools = shape_of_first(memory, image->first_pool);
            if (image->pools) {
                return true;
            }
        }
    }
    return false;
}

/* The pool in flash that continues `previous`; 0: none. */
static uint32_t find_next_pool(const struct python_memory *memory, const struct python_region *region,
                               enum python_pools shape, uint32_t previous) {
    for (uint32_t offset = 0; region->size >= 64 && offset <= region->size - 64; offset += 4) {
        if (word_of(region->bytes + offset, 0) == previous && is_pool(memory, shape, region->base + offset, previous)) {
            return region->base + offset;
        }
    }
    return 0;
}

static bool find_pools(const struct python_memory *memory, struct python_image *image) {
    for (unsigned i = 0; i < memory->count; i++) {
        const struct python_region *region = &memory->region[i];
        if (region->writable || !find_first_pool(memory, region, image)) {
            continue;
        }
        uint32_t pool = image->first_pool;
        for (unsigned n = 0; pool && n < POOL_CHAIN; n++) {
            image->last_pool = pool;
            pool = find_next_pool(memory, region, image->pools, pool);
        }
        return true;
    }
    return false;
}

bool python_find_image(const struct python_memory *memory, struct python_image *ret_image) {
    *ret_image = (struct python_image){ 0 };
    return find_table(memory, ret_image) && find_pools(memory, ret_image);
}

/* ---- Interned strings ---- */

/* The pools from `pool` on lead to those in flash. */
static bool leads_to_flash(const struct python *python, uint32_t pool) {
    const struct python_memory *memory = &python->memory;
    for (unsigned i = 0; i < POOL_CHAIN; i++) {
        if (pool == python->image.last_pool) {
            return true;
        }
        if (pool & 3 || !python_is_ram(memory, pool) ||
            !is_pool(memory, python->image.pools, pool, python_word(memory, pool))) {
            return false;
        }
        pool = python_word(memory, pool);
    }
    return false;
}

static uint32_t strings_up_to(const struct python_memory *memory, uint32_t pool) {
    return total_before(memory, pool) + python_word(memory, pool + POOL_COUNT);
}

/* A word that names a pool, and is not the beginning of a pool that continues it. */
static bool names_pool(const struct python *python, uint32_t address, uint32_t pool) {
    bool may = pool == python->image.last_pool || (!(pool & 3) && python_is_ram(&python->memory, pool));
    return may && leads_to_flash(python, pool) && !is_pool(&python->memory, python->image.pools, address, pool);
}

/* The interpreter's state has both: the name of the newest pool and that of the innermost exception handler. */
static bool is_near_top(const struct python *python, uint32_t address) {
    uint32_t top_at = python->core[0].top_at;
    return top_at && address + STATE_NEAR - top_at <= 2 * STATE_NEAR;
}

/* The word that names a pool: the one near nlr_top; else, as heaps keep old ones, the one that names the pool with the
 * most strings before and in it. */
static uint32_t find_newest_pool(const struct python *python) {
    const struct python_memory *memory = &python->memory;
    uint32_t best = 0, most = 0;
    for (unsigned i = 0; i < memory->count; i++) {
        const struct python_region *region = &memory->region[i];
        for (uint32_t offset = 0; region->writable && offset + 4 <= region->size; offset += 4) {
            uint32_t pool = word_of(region->bytes + offset, 0), address = region->base + offset;
            if (!names_pool(python, address, pool)) {
                continue;
            }
            if (is_near_top(python, address)) {
                return address;
            }
            if (strings_up_to(memory, pool) > most) {
                most = strings_up_to(memory, pool);
                best = address;
            }
        }
    }
    return best;
}

static const char *look_up(const struct python *python, uint32_t number, unsigned *ret_length) {
    const struct python_memory *memory = &python->memory;
    uint32_t pool = python->newest_pool_at ? python_word(memory, python->newest_pool_at) : python->image.last_pool;
    if (!leads_to_flash(python, pool)) {
        return NULL;
    }
    for (unsigned i = 0; i < 2 * POOL_CHAIN && pool; i++) {
        uint32_t before = total_before(memory, pool);
        if (number >= before) {
            bool inside = number - before < python_word(memory, pool + POOL_COUNT);
            return inside ? string_in(memory, python->image.pools, pool, number - before, ret_length) : NULL;
        }
        pool = python_word(memory, pool);
    }
    return NULL;
}

/* There is no use in looking for it again. */
static bool is_newest_certain(const struct python *python) {
    uint32_t at = python->newest_pool_at;
    return at && is_near_top(python, at) && leads_to_flash(python, python_word(&python->memory, at));
}

bool python_string(struct python *python, uint32_t number, char *ret_text, size_t size) {
    unsigned length = 0;
    const char *text = look_up(python, number, &length);
    if (!text && number && !is_newest_certain(python)) {
        python->newest_pool_at = find_newest_pool(python);
        text = look_up(python, number, &length);
    }
    snprintf(ret_text, size, "%.*s", text ? (int)length : 1, text ? text : "?");
    return text;
}
