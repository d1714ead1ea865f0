/* Is the volume sound? The question is asked before anybody believes that a file is gone because its name is. */
#include "firmware-loader/fat_private.h"

#include <stdlib.h>

struct checker {
    struct fat_volume *volume;
    uint8_t *seen; /* a bit a cluster */
};

/* Claim the chain from `cluster` on; a cluster that is claimed already is shared, or the chain is a ring. */
static enum fat_result claim(struct checker *checker, uint32_t cluster, uint32_t *ret_count) {
    *ret_count = 0;
    while (cluster != FAT_CHAIN_END) {
        uint32_t next;
        enum fat_result result = fat_chain_next(checker->volume, cluster, &next);
        if (result) {
            return result;
        }
        uint8_t *byte = &checker->seen[(cluster - 2) / 8], bit = (uint8_t)(1 << (cluster - 2) % 8);
        if (*byte & bit) {
            return FAT_CORRUPT;
        }
        *byte |= bit;
        (*ret_count)++;
        cluster = next;
    }
    return FAT_OK;
}

static enum fat_result check_file(struct checker *checker, const struct fat_entry *entry) {
    uint32_t count = 0, bytes = checker->volume->cluster_sectors * FAT_SECTOR_SIZE;
    enum fat_result result = entry->cluster ? claim(checker, entry->cluster, &count) : FAT_OK;
    return result ? result : entry->size <= (uint64_t)count * bytes ? FAT_OK : FAT_CORRUPT;
}

static enum fat_result check_folder(struct checker *checker, const struct fat_entry *folder, unsigned depth) {
    struct fat_cursor cursor;
    struct fat_entry entry;
    uint32_t count;
    enum fat_result result = fat_open(checker->volume, folder, &cursor);
    if (!result && cursor.cluster) {
        result = depth <= FAT_DEPTH_MAX ? claim(checker, cursor.cluster, &count) : FAT_CORRUPT;
    }
    while (!result) {
        result = fat_next(checker->volume, &cursor, &entry);
        if (result) {
            break;
        }
        if (entry.bad_name) {
            result = FAT_CORRUPT;
        } else if (entry.attributes & FAT_DIRECTORY) {
            result = check_folder(checker, &entry, depth + 1);
        } else {
            result = check_file(checker, &entry);
        }
    }
    return result == FAT_NOT_FOUND ? FAT_OK : result;
}

/* On success *ret_seen, a bit for each cluster that belongs to something, is the caller's to free. */
static enum fat_result check(struct fat_volume *volume, uint8_t **ret_seen) {
    struct checker checker = { .volume = volume, .seen = calloc(1, volume->clusters / 8 + 1) };
    enum fat_result result = checker.seen ? check_folder(&checker, NULL, 0) : FAT_NO_MEMORY;
    if (result) {
        free(checker.seen);
        checker.seen = NULL;
    }
    *ret_seen = checker.seen;
    return result;
}

enum fat_result fat_check(struct fat_volume *volume) {
    uint8_t *seen;
    enum fat_result result = check(volume, &seen);
    free(seen);
    return result;
}

enum fat_result fat_free_lost(struct fat_volume *volume, const uint8_t *candidates, uint32_t *ret_count) {
    uint8_t *seen;
    *ret_count = 0;
    if (!volume->device.write) {
        return FAT_PROTECTED;
    }
    enum fat_result result = check(volume, &seen);
    for (uint32_t i = 0; !result && i < volume->clusters; i++) {
        uint32_t value = 0;
        if (candidates[i / 8] & ~seen[i / 8] & 1 << i % 8) {
            result = fat_get(volume, i + 2, &value);
        }
        if (!result && value) {
            result = fat_set(volume, i + 2, 0);
            ++*ret_count;
        }
    }
    fat_barrier(volume);
    free(seen);
    return result;
}
