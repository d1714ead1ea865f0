/* The XIP cache of both chips, as far as it decides how long a fetch takes: which lines of the flash it holds. What is
 * in them is the flash's own memory, always up to date. */
#ifndef ONCHIP_XIP_CACHE_H
#define ONCHIP_XIP_CACHE_H

#include "emulator/core/random.h"
#include "emulator/core/walk.h"

#include <stdbool.h>
#include <stdint.h>

#define XIP_CACHE_LINE 8u /* bytes */
#define XIP_CACHE_SETS 1024u
#define XIP_CACHE_WAYS 2u
#define XIP_CACHE_SPACE 0x04000000u /* bytes of address that a tag tells apart */

struct xip_line {
    uint32_t number; /* address in the XIP space / XIP_CACHE_LINE */
    uint8_t valid;   /* a bit for each half that is there; 0: the line is free */
    bool pinned;
};

struct xip_cache {
    bool halves; /* a miss fetches 4 bytes of the line, not all 8 */
    /* What was at these XIP_CACHE_LINE bytes of the XIP space is no longer in the cache. May be NULL. */
    void (*lost)(void *context, uint32_t offset);
    void *context;
    struct random random;
    struct xip_line lines[XIP_CACHE_SETS][XIP_CACHE_WAYS];
};

/* Is the word at an offset in the XIP space there? */
bool xip_cache_holds(const struct xip_cache *cache, uint32_t offset);
/* It was missing and has been fetched: keep it, in place of another line if need be. False when that line is pinned:
 * the word stays outside. */
bool xip_cache_fill(struct xip_cache *cache, uint32_t offset);

/* Pinned lines as well. */
void xip_cache_flush(struct xip_cache *cache);
void xip_cache_invalidate(struct xip_cache *cache, uint32_t offset);
/* The line that bits 12:3 (set) and 13 (way) of an offset name. */
void xip_cache_invalidate_way(struct xip_cache *cache, uint32_t offset);
/* Its state, for snapshots. Who has been told of lines has to forget that. */
void xip_cache_walk(struct xip_cache *cache, struct walk *walk);
/* That line is to hold this offset until it is invalidated. */
void xip_cache_pin(struct xip_cache *cache, uint32_t offset);

#endif
