/* How full the garbage collector's heap is (py/gc.c, mp_state_mem_area_t in py/mpstate.h): two bits for each block of
 * 16 bytes, 0 when it is free. The description of an area is found by its shape: begin and length of that table, and a
 * pool of just as many blocks as it has entries, a few words behind. In builds that add areas as they need them the
 * word before is the address of the next one. */
#include "emulator/debug/python_private.h"

#define BLOCK_BYTES 16
#define BLOCKS_A_BYTE 4
#define TABLE_MOST 0x20000
#define AREAS_MOST 16
#define POOL_FIRST 2 /* words from the table's begin to the pool's */
#define POOL_LAST 6

struct area {
    uint32_t table, size, pool; /* `size`: bytes of the table */
};

static bool read_area(const struct python_memory *memory, uint32_t at, struct area *ret_area) {
    uint32_t table, size;
    if (!python_read(memory, at, &table) || !python_read(memory, at + 4, &size) || !size || size > TABLE_MOST ||
        !python_is_ram(memory, table) || !python_at(memory, table, size)) {
        return false;
    }
    for (unsigned word = POOL_FIRST; word < POOL_LAST; word++) {
        uint32_t pool = python_word(memory, at + 4 * word), end = python_word(memory, at + 4 * word + 4);
        uint32_t bytes = size * BLOCKS_A_BYTE * BLOCK_BYTES;
        if (pool > table && end - pool == bytes && python_is_ram(memory, pool) && python_at(memory, pool, bytes)) {
            *ret_area = (struct area){ table, size, pool };
            return true;
        }
    }
    return false;
}

static uint32_t find_heap(const struct python *python) {
    const struct python_memory *memory = &python->memory;
    struct area area;
    for (unsigned i = 0; i < memory->count; i++) {
        const struct python_region *region = &memory->region[i];
        for (uint32_t offset = 0; region->writable && offset + 4 <= region->size; offset += 4) {
            if (read_area(memory, region->base + offset, &area)) {
                return region->base + offset;
            }
        }
    }
    return 0;
}

static void add_area(const struct python_memory *memory, const struct area *area, struct python_heap *heap) {
    const uint8_t *table = python_at(memory, area->table, area->size);
    uint32_t run = 0;
    for (uint32_t block = 0; block < area->size * BLOCKS_A_BYTE; block++) {
        bool used = table[block / BLOCKS_A_BYTE] >> 2 * (block % BLOCKS_A_BYTE) & 3;
        run = used ? 0 : run + BLOCK_BYTES;
        heap->used += used ? BLOCK_BYTES : 0;
        heap->largest_free = run > heap->largest_free ? run : heap->largest_free;
    }
    heap->total += area->size * BLOCKS_A_BYTE * BLOCK_BYTES;
}

bool python_heap_read(struct python *python, struct python_heap *ret_heap) {
    struct area area;
    *ret_heap = (struct python_heap){ 0 };
    if (!python_is_known(python)) {
        return false;
    }
    if (!python->heap_at || !read_area(&python->memory, python->heap_at, &area)) {
        python->heap_at = find_heap(python);
    }
    uint32_t at = python->heap_at;
    for (unsigned i = 0; i < AREAS_MOST && at && read_area(&python->memory, at, &area); i++) {
        add_area(&python->memory, &area, ret_heap);
        uint32_t next = python_word(&python->memory, at - 4);
        at = next ? next + 4 : 0;
    }
    return ret_heap->total;
}
