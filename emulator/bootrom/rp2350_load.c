/* The load map of an image and the hashes of images and partition tables, as the RP2350's ROM takes them (datasheet
 * 5.1.12, 5.9.3.2, 5.9.3.3).
 *
 * An absolute map gives addresses as the image was linked, and where each part ends at run time; in the flash they are
 * moved by where the image is stored. A relative one counts from its own item, and gives sizes.
 * Not modelled: signatures. Decided: the hash is taken of what is stored, which is what is loaded. */
#include "emulator/bootrom/rp2350_private.h"
#include "peripherals/onchip/sha256.h"

#include <string.h>

#define FLASH_END 0x11000000u /* run-time addresses from here on are as they are */
#define RAM_FIRST 0x13000000u
#define TRY_IN_WORD ((uint32_t)PICOBIN_TRY << 16) /* a mark that may go without spoiling the hash */

bool rp2350_is_flash(const struct rp2350_window *window) {
    return window->base >> 24 == ROM_XIP_BASE >> 24;
}

/* ---- One entry of a load map ---- */

struct segment {
    bool clears; /* there is nothing to copy */
    uint32_t storage, runtime, size;
};

static struct segment segment_at(const struct rp2350_window *window, const struct picobin_image *image, unsigned i) {
    uint32_t at = image->load_map + 4 + 12 * i;
    uint32_t moved = window->base - ROM_XIP_BASE + (uint32_t)image->window_delta;
    bool absolute = rp2350_window_word(window, image->load_map) >> 31;
    struct segment s = { false, rp2350_window_word(window, at), rp2350_window_word(window, at + 4),
                         rp2350_window_word(window, at + 8) };
    s.clears = !s.storage;
    s.size -= absolute ? s.runtime : 0;
    if (s.clears) {
        s.size = (s.size + 3) & ~3u;
    } else if (!absolute) {
        s.storage += window->base + image->load_map;
    } else if (s.storage < RAM_FIRST) {
        s.storage += moved;
    }
    s.runtime += s.runtime < FLASH_END ? moved : 0;
    return s;
}

static bool is_inside(const struct rp2350_window *window, const struct segment *s) {
    uint32_t offset = s->storage - window->base;
    return offset <= window->size && window->size - offset >= s->size;
}

/* ---- Loading ---- */

static bool load_segment(struct bootrom *rom, const struct rp2350_window *window, const struct segment *s) {
    if ((!s->clears && s->storage == s->runtime) || !s->size) {
        return true;
    }
    uint8_t *to = bus_memory_at(rom->bus, s->runtime, s->size, true);
    if (!to || (!s->clears && !is_inside(window, s))) {
        return false;
    }
    if (s->clears) {
        memset(to, 0, s->size);
    } else {
        memmove(to, window->data + (s->storage - window->base), s->size);
    }
    if (rom->memory_written) {
        rom->memory_written(rom->context, s->runtime, s->size);
    }
    return true;
}

bool rp2350_load_segments(struct bootrom *rom, const struct rp2350_window *window, const struct picobin_image *image) {
    for (unsigned i = 0; image->load_map && i < image->load_entries; i++) {
        struct segment s = segment_at(window, image, i);
        if (!load_segment(rom, window, &s)) {
            log_write(rom->env->log, LOG_WARN, "bootrom",
                      "load map entry %u (0x%08x to 0x%08x, 0x%x bytes) fits nowhere", i, s.storage, s.runtime, s.size);
            return false;
        }
    }
    return true;
}

bool rp2350_load_map_copies(const struct rp2350_window *window, const struct picobin_image *image) {
    for (unsigned i = 0; image->load_map && i < image->load_entries; i++) {
        struct segment s = segment_at(window, image, i);
        if (!s.clears && s.storage != s.runtime) {
            return true;
        }
    }
    return false;
}

/* ---- Hash ---- */

struct hasher {
    uint32_t sum[SHA256_SUM_WORDS], message[SHA256_BLOCK_WORDS];
    uint64_t words;
};

/* A word as it is in memory. */
static void put_word(struct hasher *h, uint32_t word) {
    h->message[h->words++ % SHA256_BLOCK_WORDS] = __builtin_bswap32(word);
    if (h->words % SHA256_BLOCK_WORDS == 0) {
        sha256_digest(h->sum, h->message);
    }
}

static void finish(struct hasher *h) {
    uint64_t bits = 32 * h->words;
    put_word(h, 0x80);
    while (h->words % SHA256_BLOCK_WORDS != SHA256_BLOCK_WORDS - 2) {
        put_word(h, 0);
    }
    put_word(h, __builtin_bswap32((uint32_t)(bits >> 32)));
    put_word(h, __builtin_bswap32((uint32_t)bits));
}

static bool put_segment(struct hasher *h, const struct rp2350_window *window, const struct segment *s) {
    uint32_t offset = s->storage - window->base;
    if (s->clears) {
        put_word(h, s->size);
        return true;
    }
    if (!is_inside(window, s)) {
        return false;
    }
    for (uint32_t at = 0; at < s->size; at += 4) {
        uint32_t left = s->size - at, mask = left < 4 ? (1u << 8 * left) - 1 : UINT32_MAX;
        put_word(h, rp2350_window_word(window, offset + at) & mask);
    }
    return true;
}

/* The words of the block itself, then the comparison. */
static bool finish_block(struct hasher *h, const struct rp2350_window *window, uint32_t block, uint32_t cleared,
                         const struct picobin_hash *hash) {
    for (unsigned i = 0; i < hash->words; i++) {
        put_word(h, rp2350_window_word(window, block + 4 * i) & (i == 1 ? ~cleared : UINT32_MAX));
    }
    finish(h);
    for (unsigned i = 0; i < hash->value_words && i < SHA256_SUM_WORDS; i++) {
        if (rp2350_window_word(window, hash->value + 4 * i) != __builtin_bswap32(h->sum[i])) {
            return false;
        }
    }
    return hash->value_words && hash->value_words <= SHA256_SUM_WORDS;
}

static void begin(struct hasher *h) {
    *h = (struct hasher){ 0 };
    memcpy(h->sum, sha256_initial, sizeof(h->sum));
}

bool rp2350_hash_matches(const struct rp2350_window *window, const struct picobin_image *image) {
    struct hasher h;
    if (!image->hash.value) {
        return true;
    }
    begin(&h);
    for (unsigned i = 0; image->load_map && i < image->load_entries; i++) {
        struct segment s = segment_at(window, image, i);
        if (!put_segment(&h, window, &s)) {
            return false;
        }
    }
    return image->hash.sha256 && finish_block(&h, window, image->block, TRY_IN_WORD, &image->hash);
}

bool rp2350_table_hash_matches(const struct rp2350_window *window, const struct picobin_table *table) {
    struct hasher h;
    begin(&h);
    return !table->hash.value || (table->hash.sha256 && finish_block(&h, window, table->block, 0, &table->hash));
}
