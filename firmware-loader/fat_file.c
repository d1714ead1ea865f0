/* Whole files and folders: read, write, make, remove, rename.
 * The order of writes keeps the volume sound at every moment: data, then the table, then the folder's entry, and only
 * then the old chain is given back; barriers stand between the four. */
#include "firmware-loader/fat_private.h"

#include <stdlib.h>
#include <string.h>

static uint32_t cluster_bytes(const struct fat_volume *volume) {
    return volume->cluster_sectors * FAT_SECTOR_SIZE;
}

static uint32_t clusters_for(const struct fat_volume *volume, uint32_t size) {
    return (uint32_t)(((uint64_t)size + cluster_bytes(volume) - 1) / cluster_bytes(volume));
}

enum fat_result fat_file_sectors(struct fat_volume *volume, const struct fat_entry *file,
                                 bool (*callback)(void *context, uint32_t sector), void *context) {
    uint32_t left = (uint32_t)(((uint64_t)file->size + FAT_SECTOR_SIZE - 1) / FAT_SECTOR_SIZE);
    uint32_t cluster = file->cluster;
    if (left > (uint64_t)volume->clusters * volume->cluster_sectors) {
        return FAT_CORRUPT;
    }
    while (left) {
        if (!fat_cluster_valid(volume, cluster)) {
            return FAT_CORRUPT;
        }
        for (uint32_t i = 0; i < volume->cluster_sectors && left; i++, left--) {
            if (!callback(context, fat_cluster_sector(volume, cluster) + i)) {
                return FAT_OK;
            }
        }
        enum fat_result result = left ? fat_chain_next(volume, cluster, &cluster) : FAT_OK;
        if (result) {
            return result;
        }
    }
    return FAT_OK;
}

struct reading {
    struct fat_volume *volume;
    uint8_t *data;
    uint32_t skip, left; /* bytes */
    enum fat_result result;
};

static bool read_sector(void *context, uint32_t number) {
    struct reading *reading = context;
    uint8_t sector[FAT_SECTOR_SIZE];
    if (reading->skip >= FAT_SECTOR_SIZE) {
        reading->skip -= FAT_SECTOR_SIZE;
        return true;
    }
    reading->result = fat_sector_read(reading->volume, number, sector);
    if (reading->result || !reading->left) {
        return false;
    }
    uint32_t count = FAT_SECTOR_SIZE - reading->skip;
    count = count < reading->left ? count : reading->left;
    memcpy(reading->data, sector + reading->skip, count);
    reading->data += count;
    reading->left -= count;
    reading->skip = 0;
    return reading->left > 0;
}

enum fat_result fat_read(struct fat_volume *volume, const struct fat_entry *file, uint32_t offset, void *data,
                         uint32_t length, uint32_t *ret_length) {
    if (file->attributes & FAT_DIRECTORY) {
        return FAT_WRONG_KIND;
    }
    *ret_length = 0;
    uint32_t there = offset < file->size ? file->size - offset : 0;
    length = length < there ? length : there;
    if (!length) {
        return FAT_OK;
    }
    struct reading reading = { .volume = volume, .data = data, .skip = offset, .left = length };
    enum fat_result result = fat_file_sectors(volume, file, read_sector, &reading);
    result = result ? result : reading.result;
    *ret_length = length - reading.left;
    return result;
}

static enum fat_result write_data(struct fat_volume *volume, const uint32_t *clusters, const uint8_t *data,
                                  uint32_t size) {
    uint32_t sectors = (uint32_t)(((uint64_t)size + FAT_SECTOR_SIZE - 1) / FAT_SECTOR_SIZE);
    for (uint32_t i = 0; i < sectors; i++) {
        uint8_t sector[FAT_SECTOR_SIZE] = { 0 };
        uint32_t offset = i * FAT_SECTOR_SIZE;
        memcpy(sector, data + offset, size - offset < FAT_SECTOR_SIZE ? size - offset : FAT_SECTOR_SIZE);
        uint32_t number = fat_cluster_sector(volume, clusters[i / volume->cluster_sectors]);
        enum fat_result result = fat_sector_write(volume, number + i % volume->cluster_sectors, sector);
        if (result) {
            return result;
        }
    }
    return FAT_OK;
}

/* Find clusters, fill them, link them; *ret_cluster is 0 for no data. */
static enum fat_result store(struct fat_volume *volume, const uint8_t *data, uint32_t size, uint32_t *ret_cluster) {
    uint32_t count = clusters_for(volume, size);
    *ret_cluster = 0;
    if (!count) {
        return FAT_OK;
    }
    uint32_t *clusters = count <= volume->clusters ? malloc(count * sizeof(*clusters)) : NULL;
    if (!clusters) {
        return count <= volume->clusters ? FAT_NO_MEMORY : FAT_FULL;
    }
    enum fat_result result = fat_find_free(volume, count, clusters);
    if (!result) {
        result = write_data(volume, clusters, data, size);
        fat_barrier(volume);
    }
    if (!result) {
        result = fat_chain_link(volume, clusters, count);
        fat_barrier(volume);
    }
    *ret_cluster = clusters[0];
    free(clusters);
    return result;
}

/* Point the entry at another chain, then give the old one back. */
static enum fat_result swap_chain(struct fat_volume *volume, struct fat_entry *entry, uint32_t cluster, uint32_t size) {
    uint32_t old = entry->cluster;
    entry->cluster = cluster;
    entry->size = size;
    enum fat_result result = fat_update(volume, entry);
    fat_barrier(volume);
    if (!result && old) {
        result = fat_chain_free(volume, old);
        fat_barrier(volume);
    }
    return result;
}

static enum fat_result replace(struct fat_volume *volume, struct fat_entry *entry, const uint8_t *data, uint32_t size) {
    uint32_t available, old = 0, cluster, need = clusters_for(volume, size);
    enum fat_result result = fat_free_clusters(volume, &available);
    if (!result && entry->cluster) {
        result = fat_chain_length(volume, entry->cluster, &old);
    }
    if (result || need > (uint64_t)available + old) {
        return result ? result : FAT_FULL;
    }
    if (need > available) {
        result = swap_chain(volume, entry, 0, 0);
    }
    if (!result) {
        result = store(volume, data, size, &cluster);
    }
    return result ? result : swap_chain(volume, entry, cluster, size);
}

static enum fat_result create(struct fat_volume *volume, uint32_t directory, const char *name, const uint8_t *data,
                              struct fat_entry *entry) {
    struct fat_room room;
    uint32_t available, need = clusters_for(volume, entry->size);
    enum fat_result result = fat_free_clusters(volume, &available);
    if (!result) {
        result = need <= available ? fat_make_room(volume, directory, name, need, &room) : FAT_FULL;
    }
    if (!result) {
        result = store(volume, data, entry->size, &entry->cluster);
    }
    if (!result) {
        result = fat_insert(volume, name, &room, entry);
        fat_barrier(volume);
    }
    return result;
}

/* What every change begins with. */
static enum fat_result begin(struct fat_volume *volume, const char *path, uint32_t *ret_directory, char *ret_name) {
    if (!volume->device.write) {
        return FAT_PROTECTED;
    }
    enum fat_result result = fat_parent(volume, path, ret_directory, ret_name);
    return result ? result : fat_name_valid(ret_name) ? FAT_OK : FAT_BAD_NAME;
}

enum fat_result fat_write(struct fat_volume *volume, const char *path, const void *data, uint32_t size,
                          uint32_t modified, uint8_t attributes) {
    uint32_t directory;
    char name[FAT_NAME_SIZE];
    struct fat_entry entry;
    enum fat_result result = begin(volume, path, &directory, name);
    if (result) {
        return result;
    }
    result = fat_find(volume, directory, name, &entry);
    if (result == FAT_NOT_FOUND) {
        entry = (struct fat_entry){ .attributes = attributes, .size = size, .modified = modified };
        return create(volume, directory, name, data, &entry);
    }
    if (result || entry.attributes & FAT_DIRECTORY) {
        return result ? result : FAT_WRONG_KIND;
    }
    entry.modified = modified;
    entry.attributes |= attributes;
    return replace(volume, &entry, data, size);
}

/* A new folder's first cluster: "." and "..". */
static enum fat_result store_empty_folder(struct fat_volume *volume, uint32_t parent, struct fat_entry *entry) {
    uint8_t *data = calloc(1, cluster_bytes(volume));
    if (!data) {
        return FAT_NO_MEMORY;
    }
    uint32_t cluster;
    enum fat_result result = fat_find_free(volume, 1, &cluster);
    if (!result) {
        entry->cluster = cluster;
        fat_fill_short(data, (const uint8_t *)".          ", 0, entry);
        struct fat_entry above = *entry;
        above.cluster = parent;
        fat_fill_short(data + FAT_SLOT_SIZE, (const uint8_t *)"..         ", 0, &above);
        result = write_data(volume, &cluster, data, cluster_bytes(volume));
        fat_barrier(volume);
    }
    if (!result) {
        result = fat_chain_link(volume, &cluster, 1);
        fat_barrier(volume);
    }
    free(data);
    return result;
}

enum fat_result fat_make_directory(struct fat_volume *volume, const char *path, uint32_t modified) {
    uint32_t directory, available;
    char name[FAT_NAME_SIZE];
    struct fat_entry entry;
    struct fat_room room;
    enum fat_result result = begin(volume, path, &directory, name);
    if (result) {
        return result;
    }
    result = fat_find(volume, directory, name, &entry);
    if (result != FAT_NOT_FOUND) {
        return result ? result : FAT_EXISTS;
    }
    entry = (struct fat_entry){ .attributes = FAT_DIRECTORY, .modified = modified };
    result = fat_free_clusters(volume, &available);
    if (!result) {
        result = available ? fat_make_room(volume, directory, name, 1, &room) : FAT_FULL;
    }
    if (!result) {
        result = store_empty_folder(volume, directory, &entry);
    }
    if (!result) {
        result = fat_insert(volume, name, &room, &entry);
        fat_barrier(volume);
    }
    return result;
}

static enum fat_result must_be_empty(struct fat_volume *volume, const struct fat_entry *directory) {
    struct fat_cursor cursor;
    struct fat_entry entry;
    enum fat_result result = fat_open(volume, directory, &cursor);
    if (!result) {
        result = fat_next(volume, &cursor, &entry);
    }
    return result == FAT_NOT_FOUND ? FAT_OK : result ? result : FAT_NOT_EMPTY;
}

enum fat_result fat_remove(struct fat_volume *volume, const char *path) {
    struct fat_entry entry;
    if (!volume->device.write) {
        return FAT_PROTECTED;
    }
    enum fat_result result = fat_lookup(volume, path, &entry);
    if (!result && entry.attributes & FAT_DIRECTORY) {
        result = must_be_empty(volume, &entry);
    }
    uint32_t length = 0;
    if (!result && entry.cluster) {
        result = fat_chain_length(volume, entry.cluster, &length);
    }
    if (!result) {
        result = fat_erase_slots(volume, &entry);
        fat_barrier(volume);
    }
    if (!result && entry.cluster) {
        result = fat_chain_free(volume, entry.cluster);
        fat_barrier(volume);
    }
    return result;
}

/* A folder that moved has another ".." (its second slot). */
static enum fat_result set_parent(struct fat_volume *volume, uint32_t directory, uint32_t parent) {
    uint8_t sector[FAT_SECTOR_SIZE];
    uint32_t number = fat_cluster_sector(volume, directory);
    enum fat_result result = fat_sector_read(volume, number, sector);
    if (result || memcmp(sector + FAT_SLOT_SIZE, "..         ", 11)) {
        return result;
    }
    fat_put16(sector + FAT_SLOT_SIZE + 26, parent);
    return fat_sector_write(volume, number, sector);
}

static enum fat_result move(struct fat_volume *volume, const struct fat_entry *entry, uint32_t directory,
                            const char *name) {
    struct fat_room room;
    enum fat_result result = fat_make_room(volume, directory, name, 0, &room);
    if (!result) {
        result = fat_insert(volume, name, &room, entry);
    }
    if (!result) {
        result = fat_erase_slots(volume, entry);
    }
    if (!result && entry->attributes & FAT_DIRECTORY) {
        result = set_parent(volume, entry->cluster, directory);
    }
    fat_barrier(volume);
    return result;
}

/* Whether `path` leads through the folder `above`. */
static enum fat_result refuse_below(const char *path, const char *above) {
    char *head = strdup(path);
    if (!head) {
        return FAT_NO_MEMORY;
    }
    enum fat_result result = FAT_OK;
    for (char *slash = strchr(head, '/'); slash && !result; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        result = fat_name_compare(head, above) ? FAT_OK : FAT_WRONG_KIND;
        *slash = '/';
    }
    free(head);
    return result;
}

enum fat_result fat_rename(struct fat_volume *volume, const char *from, const char *to) {
    uint32_t directory;
    char name[FAT_NAME_SIZE];
    struct fat_entry entry, target;
    enum fat_result result = begin(volume, to, &directory, name);
    if (!result) {
        result = fat_lookup(volume, from, &entry);
    }
    if (!result) {
        result = refuse_below(to, from);
    }
    if (result) {
        return result;
    }
    result = fat_find(volume, directory, name, &target);
    bool same = !result && target.place[target.slots - 1].sector == entry.place[entry.slots - 1].sector &&
                target.place[target.slots - 1].offset == entry.place[entry.slots - 1].offset;
    if (result != FAT_NOT_FOUND && !same) {
        return result ? result : FAT_EXISTS;
    }
    return move(volume, &entry, directory, name);
}

enum fat_result fat_set_modified(struct fat_volume *volume, const char *path, uint32_t modified) {
    struct fat_entry entry;
    if (!volume->device.write) {
        return FAT_PROTECTED;
    }
    enum fat_result result = fat_lookup(volume, path, &entry);
    if (result || entry.modified == modified) {
        return result;
    }
    entry.modified = modified;
    result = fat_update(volume, &entry);
    fat_barrier(volume);
    return result;
}
