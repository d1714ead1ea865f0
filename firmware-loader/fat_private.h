/* Shared by the files of the FAT library; not for others. */
#ifndef FIRMWARE_LOADER_FAT_PRIVATE_H
#define FIRMWARE_LOADER_FAT_PRIVATE_H

#include "firmware-loader/fat.h"

#define FAT_SLOT_SIZE 32
#define FAT_SLOTS_PER_SECTOR (FAT_SECTOR_SIZE / FAT_SLOT_SIZE)
#define FAT_SLOT_LIMIT 65536
#define FAT_CHAIN_END UINT32_MAX

#define FAT_SLOT_FREE 0xe5
#define FAT_LONG_NAME 0x0f

static inline uint32_t fat_get16(const uint8_t *data) {
    return data[0] | (uint32_t)data[1] << 8;
}

static inline uint32_t fat_get32(const uint8_t *data) {
    return fat_get16(data) | fat_get16(data + 2) << 16;
}

static inline void fat_put16(uint8_t *data, uint32_t value) {
    data[0] = (uint8_t)value;
    data[1] = (uint8_t)(value >> 8);
}

static inline void fat_put32(uint8_t *data, uint32_t value) {
    fat_put16(data, value & 0xffff);
    fat_put16(data + 2, value >> 16);
}

/* fat.c */
enum fat_result fat_sector_read(struct fat_volume *volume, uint32_t sector, uint8_t *data);
enum fat_result fat_sector_write(struct fat_volume *volume, uint32_t sector, const uint8_t *data);
void fat_barrier(struct fat_volume *volume);
bool fat_cluster_valid(const struct fat_volume *volume, uint32_t cluster);
uint32_t fat_cluster_sector(const struct fat_volume *volume, uint32_t cluster);
/* The raw table entry: 0 free, FAT_CHAIN_END, or a number. */
enum fat_result fat_get(struct fat_volume *volume, uint32_t cluster, uint32_t *ret_value);
enum fat_result fat_set(struct fat_volume *volume, uint32_t cluster, uint32_t value);
/* The cluster after `cluster` in a chain, or FAT_CHAIN_END. */
enum fat_result fat_chain_next(struct fat_volume *volume, uint32_t cluster, uint32_t *ret_next);
/* Find `count` free clusters without taking them. */
enum fat_result fat_find_free(struct fat_volume *volume, uint32_t count, uint32_t *ret_clusters);
enum fat_result fat_chain_link(struct fat_volume *volume, const uint32_t *clusters, uint32_t count);
enum fat_result fat_chain_free(struct fat_volume *volume, uint32_t cluster);
enum fat_result fat_chain_length(struct fat_volume *volume, uint32_t cluster, uint32_t *ret_count);

/* fat_name.c: UTF-16 units of a name; 0 when it is not valid UTF-8 or longer than 255 units. */
unsigned fat_name_to_utf16(const char *name, uint16_t units[255]);
/* False for a lone surrogate. */
bool fat_name_from_utf16(const uint16_t *units, unsigned count, char ret_name[FAT_NAME_SIZE]);
/* The name a short entry shows, its case flags applied. */
void fat_short_to_name(const uint8_t *slot, char ret_name[FAT_NAME_SIZE]);
struct fat_short_name {
    uint8_t name[11];
    uint8_t case_flags; /* lower-case base 0x08, extension 0x10 */
    bool needs_long;    /* the short name alone does not say it */
    bool lossy;         /* a numeric tail is needed */
};
void fat_short_from_name(const char *name, struct fat_short_name *ret_name);
/* Put "~number" at the end of the base. */
void fat_short_tail(const struct fat_short_name *name, unsigned number, uint8_t ret_name[11]);
uint8_t fat_short_checksum(const uint8_t name[11]);

/* fat_directory.c: `directory` is a first cluster, 0 for the root. */
enum fat_result fat_find(struct fat_volume *volume, uint32_t directory, const char *name, struct fat_entry *ret_entry);
/* Split a path: the folder that holds it and the last part. */
enum fat_result fat_parent(struct fat_volume *volume, const char *path, uint32_t *ret_directory, char *ret_name);
/* Room for an entry of this name, the folder grown by a cluster where needed: `spare` clusters must stay free. */
struct fat_room {
    uint8_t short_name[11];
    uint8_t case_flags;
    unsigned slots;
    struct fat_place place[FAT_SLOTS_MAX];
};
enum fat_result fat_make_room(struct fat_volume *volume, uint32_t directory, const char *name, uint32_t spare,
                              struct fat_room *ret_room);
/* Write the slots: the short entry's fields come from `entry`. */
enum fat_result fat_insert(struct fat_volume *volume, const char *name, const struct fat_room *room,
                           const struct fat_entry *entry);
/* Rewrite cluster, size, date and attributes of an entry that exists. */
enum fat_result fat_update(struct fat_volume *volume, const struct fat_entry *entry);
enum fat_result fat_erase_slots(struct fat_volume *volume, const struct fat_entry *entry);
void fat_fill_short(uint8_t slot[FAT_SLOT_SIZE], const uint8_t name[11], uint8_t case_flags,
                    const struct fat_entry *entry);

#endif
