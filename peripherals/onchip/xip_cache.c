/* XIP cache: RP2040 datasheet 2.6.3.1, RP2350 datasheet 4.4.1. 16 KB, two ways, lines of 8 bytes. On the RP2040 a line
 * has a valid bit for each half, and a miss brings 4 bytes.
 *
 * Which way makes room is random, and there is one attempt (RP2350 datasheet 4.4.1.3). Assumed: that the same holds for
 * the RP2040, of which nothing is published, and that a free line is taken first. Not modelled: the data, and so lines
 * that are out of date or dirty; SPLIT_WAYS; stores, which on the RP2040 invalidate and on the RP2350 allocate. */
#include "peripherals/onchip/xip_cache.h"

#include <stddef.h>

static uint32_t number_of(uint32_t offset) {
    return offset % XIP_CACHE_SPACE / XIP_CACHE_LINE;
}

static uint8_t wanted(const struct xip_cache *cache, uint32_t offset) {
    return cache->halves ? (uint8_t)(1u << offset / 4 % 2) : 3;
}

static struct xip_line *find(const struct xip_cache *cache, uint32_t number) {
    const struct xip_line *ways = cache->lines[number % XIP_CACHE_SETS];
    for (unsigned way = 0; way < XIP_CACHE_WAYS; way++) {
        if (ways[way].valid && ways[way].number == number) {
            return (struct xip_line *)&ways[way];
        }
    }
    return NULL;
}

bool xip_cache_holds(const struct xip_cache *cache, uint32_t offset) {
    const struct xip_line *line = find(cache, number_of(offset));
    return line && line->valid & wanted(cache, offset);
}

static void free_line(struct xip_cache *cache, struct xip_line *line) {
    bool was_valid = line->valid;
    line->valid = 0;
    line->pinned = false;
    if (was_valid && cache->lost) {
        cache->lost(cache->context, line->number * XIP_CACHE_LINE);
    }
}

static struct xip_line *make_room(struct xip_cache *cache, uint32_t number) {
    struct xip_line *ways = cache->lines[number % XIP_CACHE_SETS];
    for (unsigned way = 0; way < XIP_CACHE_WAYS; way++) {
        if (!ways[way].valid) {
            return &ways[way];
        }
    }
    struct xip_line *line = &ways[random_next(&cache->random) % XIP_CACHE_WAYS];
    if (line->pinned) {
        return NULL;
    }
    free_line(cache, line);
    return line;
}

bool xip_cache_fill(struct xip_cache *cache, uint32_t offset) {
    uint32_t number = number_of(offset);
    struct xip_line *line = find(cache, number);
    line = line ? line : make_room(cache, number);
    if (!line) {
        return false;
    }
    line->number = number;
    line->valid |= wanted(cache, offset);
    return true;
}

void xip_cache_flush(struct xip_cache *cache) {
    for (unsigned set = 0; set < XIP_CACHE_SETS; set++) {
        for (unsigned way = 0; way < XIP_CACHE_WAYS; way++) {
            free_line(cache, &cache->lines[set][way]);
        }
    }
}

void xip_cache_invalidate(struct xip_cache *cache, uint32_t offset) {
    struct xip_line *line = find(cache, number_of(offset));
    if (line) {
        free_line(cache, line);
    }
}

static struct xip_line *line_named(struct xip_cache *cache, uint32_t offset) {
    uint32_t number = number_of(offset);
    return &cache->lines[number % XIP_CACHE_SETS][number / XIP_CACHE_SETS % XIP_CACHE_WAYS];
}

void xip_cache_invalidate_way(struct xip_cache *cache, uint32_t offset) {
    free_line(cache, line_named(cache, offset));
}

void xip_cache_pin(struct xip_cache *cache, uint32_t offset) {
    xip_cache_invalidate(cache, offset);
    struct xip_line *line = line_named(cache, offset);
    free_line(cache, line);
    *line = (struct xip_line){ .number = number_of(offset), .valid = 3, .pinned = true };
}

void xip_cache_walk(struct xip_cache *cache, struct walk *walk) {
    walk_u64(walk, &cache->random.state);
    for (unsigned set = 0; set < XIP_CACHE_SETS; set++) {
        for (unsigned way = 0; way < XIP_CACHE_WAYS; way++) {
            struct xip_line *line = &cache->lines[set][way];
            walk_u32(walk, &line->number);
            walk_u8_below(walk, &line->valid, 4);
            walk_bool(walk, &line->pinned);
        }
    }
}
