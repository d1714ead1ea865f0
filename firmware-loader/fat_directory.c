/* Folders: slots, long names, finding, and making room.
 * fatgen103, "FAT Directory Structure" and "FAT Long Directory Entries".
 *
 * A long name counts only when its slots are complete, in order and carry the short name's checksum; otherwise the
 * short name stands. Names are looked up as they are shown: the 8.3 alias of a long name is not found, so that a file
 * may really be called LONGFI~1.TXT next to the one that has this alias. */
#include "firmware-loader/fat_private.h"

#include <string.h>

static uint32_t first_cluster(const struct fat_volume *volume, uint32_t directory) {
    return directory == 0 && volume->bits == 32 ? volume->root_cluster : directory;
}

static void cursor_init(const struct fat_volume *volume, uint32_t directory, struct fat_cursor *cursor) {
    *cursor = (struct fat_cursor){ .cluster = first_cluster(volume, directory) };
}

/* Where the cursor's slot is; FAT_NOT_FOUND behind the folder's last. Steps to the next cluster where needed. The limit
 * of slots ends a ring of clusters. */
static enum fat_result cursor_place(struct fat_volume *volume, struct fat_cursor *cursor, struct fat_place *ret_place) {
    uint32_t sectors = cursor->cluster ? volume->cluster_sectors : volume->root_sectors;
    if (cursor->slots >= FAT_SLOT_LIMIT) {
        return FAT_CORRUPT;
    }
    if (cursor->sector >= sectors) {
        if (!cursor->cluster) {
            return FAT_NOT_FOUND;
        }
        uint32_t next;
        enum fat_result result = fat_chain_next(volume, cursor->cluster, &next);
        if (result || next == FAT_CHAIN_END) {
            return result ? result : FAT_NOT_FOUND;
        }
        cursor->cluster = next;
        cursor->sector = 0;
    }
    if (cursor->cluster && !fat_cluster_valid(volume, cursor->cluster)) {
        return FAT_CORRUPT;
    }
    uint32_t start = cursor->cluster ? fat_cluster_sector(volume, cursor->cluster) : volume->root_start;
    *ret_place = (struct fat_place){ start + cursor->sector, cursor->offset };
    return FAT_OK;
}

static void cursor_step(struct fat_cursor *cursor) {
    cursor->slots++;
    cursor->offset += FAT_SLOT_SIZE;
    if (cursor->offset == FAT_SECTOR_SIZE) {
        cursor->offset = 0;
        cursor->sector++;
    }
}

/* The cursor's slot, and a step on. `sector` is a cache of the last sector read. */
struct slot_reader {
    struct fat_volume *volume;
    struct fat_cursor *cursor;
    uint32_t loaded;
    uint8_t sector[FAT_SECTOR_SIZE];
    struct fat_place place;
};

static enum fat_result next_slot(struct slot_reader *reader, const uint8_t **ret_slot) {
    enum fat_result result = cursor_place(reader->volume, reader->cursor, &reader->place);
    if (result) {
        return result;
    }
    if (reader->place.sector != reader->loaded) {
        result = fat_sector_read(reader->volume, reader->place.sector, reader->sector);
        if (result) {
            return result;
        }
        reader->loaded = reader->place.sector;
    }
    *ret_slot = reader->sector + reader->place.offset;
    cursor_step(reader->cursor);
    return FAT_OK;
}

enum fat_result fat_open(struct fat_volume *volume, const struct fat_entry *directory, struct fat_cursor *ret_cursor) {
    if (directory && !(directory->attributes & FAT_DIRECTORY)) {
        return FAT_WRONG_KIND;
    }
    if (directory && !fat_cluster_valid(volume, directory->cluster)) {
        return FAT_CORRUPT;
    }
    cursor_init(volume, directory ? directory->cluster : 0, ret_cursor);
    return FAT_OK;
}

/* The long name as its slots come in: number n first, then n-1 ... 1, then the short entry. */
struct long_name {
    uint16_t units[20 * 13];
    unsigned expect; /* the number of the next slot; 0 when complete */
    unsigned slots;  /* of the whole name; 0: none under way */
    uint8_t checksum;
};

static void long_units(const uint8_t *slot, uint16_t units[13]) {
    static const uint8_t offsets[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
    for (unsigned i = 0; i < 13; i++) {
        units[i] = (uint16_t)fat_get16(slot + offsets[i]);
    }
}

static void long_name_add(struct long_name *name, const uint8_t *slot) {
    unsigned number = slot[0] & 0x3f;
    if (slot[0] & 0x40) {
        bool fits = number >= 1 && number <= 20;
        name->slots = fits ? number : 0;
        name->expect = name->slots;
        name->checksum = slot[13];
    }
    if (!name->slots || number != name->expect || slot[13] != name->checksum) {
        name->slots = 0;
        return;
    }
    long_units(slot, name->units + (number - 1) * 13);
    name->expect--;
}

static bool long_name_text(const struct long_name *name, const uint8_t *short_slot, char ret_name[FAT_NAME_SIZE]) {
    if (!name->slots || name->expect || name->checksum != fat_short_checksum(short_slot)) {
        return false;
    }
    unsigned count = 0;
    while (count < name->slots * 13 && name->units[count]) {
        count++;
    }
    return count <= 255 && fat_name_from_utf16(name->units, count, ret_name) && fat_name_valid(ret_name);
}

static void fill_entry(struct fat_volume *volume, const uint8_t *slot, const struct long_name *name,
                       struct fat_entry *entry) {
    if (!long_name_text(name, slot, entry->name)) {
        fat_short_to_name(slot, entry->name);
        if (!name->slots || name->expect) {
            entry->place[0] = entry->place[entry->slots - 1];
            entry->slots = 1;
        }
    }
    entry->bad_name = !fat_name_valid(entry->name);
    entry->attributes = slot[11] & 0x3f;
    entry->cluster = fat_get16(slot + 26) | (volume->bits == 32 ? (fat_get16(slot + 20) & 0x0fff) << 16 : 0);
    entry->size = entry->attributes & FAT_DIRECTORY ? 0 : fat_get32(slot + 28);
    entry->modified = fat_get32(slot + 22);
    entry->accessed = (uint16_t)fat_get16(slot + 18);
}

static void keep_place(struct fat_entry *entry, const struct long_name *name, struct fat_place place) {
    if (!name->slots) {
        entry->slots = 0;
    }
    if (entry->slots < FAT_SLOTS_MAX) {
        entry->place[entry->slots++] = place;
    }
}

enum fat_result fat_next(struct fat_volume *volume, struct fat_cursor *cursor, struct fat_entry *ret_entry) {
    struct slot_reader reader = { .volume = volume, .cursor = cursor, .loaded = UINT32_MAX };
    struct long_name name = { .slots = 0 };
    ret_entry->slots = 0;
    while (!cursor->end) {
        const uint8_t *slot;
        enum fat_result result = next_slot(&reader, &slot);
        if (result) {
            return result;
        }
        if (slot[0] == 0) {
            cursor->end = true;
        } else if (slot[0] != FAT_SLOT_FREE && (slot[11] & 0x3f) == FAT_LONG_NAME) {
            if (slot[0] & 0x40) {
                ret_entry->slots = 0;
            }
            long_name_add(&name, slot);
            keep_place(ret_entry, &name, reader.place);
        } else if (slot[0] == FAT_SLOT_FREE || slot[0] == '.' || slot[11] & FAT_LABEL) {
            name.slots = 0;
            ret_entry->slots = 0;
        } else {
            keep_place(ret_entry, &name, reader.place);
            fill_entry(volume, slot, &name, ret_entry);
            return FAT_OK;
        }
    }
    return FAT_NOT_FOUND;
}

enum fat_result fat_label(struct fat_volume *volume, char ret_label[12]) {
    struct fat_cursor cursor;
    cursor_init(volume, 0, &cursor);
    struct slot_reader reader = { .volume = volume, .cursor = &cursor, .loaded = UINT32_MAX };
    for (;;) {
        const uint8_t *slot;
        enum fat_result result = next_slot(&reader, &slot);
        if (result || slot[0] == 0) {
            return result ? result : FAT_NOT_FOUND;
        }
        if (slot[0] != FAT_SLOT_FREE && (slot[11] & 0x3f) != FAT_LONG_NAME && slot[11] & FAT_LABEL) {
            memcpy(ret_label, slot, 11);
            unsigned size = 11;
            while (size && ret_label[size - 1] == ' ') {
                size--;
            }
            ret_label[size] = 0;
            return FAT_OK;
        }
    }
}

enum fat_result fat_find(struct fat_volume *volume, uint32_t directory, const char *name, struct fat_entry *ret_entry) {
    struct fat_cursor cursor;
    cursor_init(volume, directory, &cursor);
    enum fat_result result;
    do {
        result = fat_next(volume, &cursor, ret_entry);
    } while (!result && fat_name_compare(ret_entry->name, name));
    return result;
}

/* The length of the path's first part; SIZE_MAX when it is longer than any name. */
static size_t part_length(const char *path) {
    size_t length = strcspn(path, "/");
    return length < FAT_NAME_SIZE ? length : SIZE_MAX;
}

enum fat_result fat_parent(struct fat_volume *volume, const char *path, uint32_t *ret_directory, char *ret_name) {
    uint32_t directory = 0;
    for (;;) {
        size_t length = part_length(path);
        if (length == SIZE_MAX) {
            return FAT_BAD_NAME;
        }
        memcpy(ret_name, path, length);
        ret_name[length] = 0;
        path += length;
        if (!*path) {
            break;
        }
        path++;
        struct fat_entry entry;
        enum fat_result result = fat_find(volume, directory, ret_name, &entry);
        if (result) {
            return result;
        }
        if (!(entry.attributes & FAT_DIRECTORY)) {
            return FAT_WRONG_KIND;
        }
        if (!fat_cluster_valid(volume, entry.cluster)) {
            return FAT_CORRUPT;
        }
        directory = entry.cluster;
    }
    *ret_directory = directory;
    return *ret_name ? FAT_OK : FAT_WRONG_KIND;
}

enum fat_result fat_lookup(struct fat_volume *volume, const char *path, struct fat_entry *ret_entry) {
    uint32_t directory;
    char name[FAT_NAME_SIZE];
    enum fat_result result = fat_parent(volume, path, &directory, name);
    return result ? result : fat_find(volume, directory, name, ret_entry);
}

#define TAILS 65536

/* The short names of a folder that are in the way of a wish: the wish itself, and its numeric tails. */
struct taken {
    bool plain;
    uint8_t tails[TAILS / 8];
};

/* The number behind '~' in a short name; 0: none. */
static unsigned tail_number(const uint8_t *slot) {
    const uint8_t *tilde = memchr(slot, '~', 8);
    unsigned number = 0;
    for (const uint8_t *p = tilde ? tilde + 1 : slot + 8; p < slot + 8 && *p >= '0' && *p <= '9'; p++) {
        number = number * 10 + (unsigned)(*p - '0');
    }
    return number < TAILS ? number : 0;
}

static void note_taken(struct taken *taken, const struct fat_short_name *wish, const uint8_t *slot) {
    uint8_t name[11];
    unsigned number = tail_number(slot);
    taken->plain |= !memcmp(slot, wish->name, 11);
    fat_short_tail(wish, number, name);
    if (number && !memcmp(slot, name, 11)) {
        taken->tails[number / 8] |= (uint8_t)(1 << number % 8);
    }
}

static enum fat_result find_taken(struct fat_volume *volume, uint32_t directory, const struct fat_short_name *wish,
                                  struct taken *ret_taken) {
    struct fat_cursor cursor;
    cursor_init(volume, directory, &cursor);
    struct slot_reader reader = { .volume = volume, .cursor = &cursor, .loaded = UINT32_MAX };
    memset(ret_taken, 0, sizeof(*ret_taken));
    for (;;) {
        const uint8_t *slot;
        enum fat_result result = next_slot(&reader, &slot);
        if (result || slot[0] == 0) {
            return result == FAT_NOT_FOUND ? FAT_OK : result;
        }
        if (slot[0] != FAT_SLOT_FREE && (slot[11] & 0x3f) != FAT_LONG_NAME && !(slot[11] & FAT_LABEL)) {
            note_taken(ret_taken, wish, slot);
        }
    }
}

static enum fat_result choose_short(struct fat_volume *volume, uint32_t directory, const char *name,
                                    struct fat_room *room, bool *ret_long) {
    struct fat_short_name wish;
    struct taken taken;
    fat_short_from_name(name, &wish);
    enum fat_result result = find_taken(volume, directory, &wish, &taken);
    if (result) {
        return result;
    }
    bool tail = wish.lossy || taken.plain;
    memcpy(room->short_name, wish.name, 11);
    if (tail) {
        unsigned number = 1;
        while (number < TAILS && taken.tails[number / 8] & 1 << number % 8) {
            number++;
        }
        fat_short_tail(&wish, number, room->short_name);
    }
    *ret_long = wish.needs_long || tail;
    room->case_flags = *ret_long ? 0 : wish.case_flags;
    return FAT_OK;
}

/* A cleared cluster at the folder's end. */
static enum fat_result grow(struct fat_volume *volume, uint32_t last, uint32_t spare) {
    static const uint8_t zero[FAT_SECTOR_SIZE];
    uint32_t free, cluster;
    enum fat_result result = fat_free_clusters(volume, &free);
    if (!result) {
        result = free > spare ? fat_find_free(volume, 1, &cluster) : FAT_FULL;
    }
    for (uint32_t i = 0; !result && i < volume->cluster_sectors; i++) {
        result = fat_sector_write(volume, fat_cluster_sector(volume, cluster) + i, zero);
    }
    if (!result) {
        fat_barrier(volume);
        result = fat_chain_link(volume, &cluster, 1);
    }
    if (!result) {
        fat_barrier(volume);
        result = fat_set(volume, last, cluster);
    }
    fat_barrier(volume);
    return result;
}

/* The first run of free slots long enough. A folder's end (a zero byte) makes all that follows free. */
static enum fat_result find_run(struct fat_volume *volume, uint32_t directory, uint32_t spare, struct fat_room *room) {
    struct fat_cursor cursor;
    cursor_init(volume, directory, &cursor);
    struct slot_reader reader = { .volume = volume, .cursor = &cursor, .loaded = UINT32_MAX };
    unsigned run = 0;
    bool end = false;
    while (run < room->slots) {
        const uint8_t *slot;
        enum fat_result result = next_slot(&reader, &slot);
        if (result == FAT_NOT_FOUND) {
            if (!cursor.cluster || cursor.slots >= FAT_SLOT_LIMIT - FAT_SLOTS_PER_SECTOR * volume->cluster_sectors) {
                return FAT_DIRECTORY_FULL;
            }
            result = grow(volume, cursor.cluster, spare);
            end = true;
            if (!result) {
                continue;
            }
        }
        if (result) {
            return result;
        }
        end |= slot[0] == 0;
        if (end || slot[0] == FAT_SLOT_FREE) {
            room->place[run++] = reader.place;
        } else {
            run = 0;
        }
    }
    return FAT_OK;
}

enum fat_result fat_make_room(struct fat_volume *volume, uint32_t directory, const char *name, uint32_t spare,
                              struct fat_room *ret_room) {
    bool needs_long;
    uint16_t units[255];
    enum fat_result result = choose_short(volume, directory, name, ret_room, &needs_long);
    if (result) {
        return result;
    }
    ret_room->slots = 1 + (needs_long ? (fat_name_to_utf16(name, units) + 12) / 13 : 0);
    return find_run(volume, directory, spare, ret_room);
}

static enum fat_result write_slot(struct fat_volume *volume, struct fat_place place, const uint8_t *slot) {
    uint8_t sector[FAT_SECTOR_SIZE];
    enum fat_result result = fat_sector_read(volume, place.sector, sector);
    if (result) {
        return result;
    }
    memcpy(sector + place.offset, slot, FAT_SLOT_SIZE);
    return fat_sector_write(volume, place.sector, sector);
}

void fat_fill_short(uint8_t slot[FAT_SLOT_SIZE], const uint8_t name[11], uint8_t case_flags,
                    const struct fat_entry *entry) {
    memset(slot, 0, FAT_SLOT_SIZE);
    memcpy(slot, name, 11);
    slot[11] = entry->attributes;
    slot[12] = case_flags;
    fat_put32(slot + 14, entry->modified);
    fat_put16(slot + 18, entry->modified >> 16);
    fat_put32(slot + 22, entry->modified);
    fat_put16(slot + 26, entry->cluster & 0xffff);
    fat_put32(slot + 28, entry->size);
}

static void fill_long(uint8_t slot[FAT_SLOT_SIZE], const uint16_t *units, unsigned count, unsigned number, bool last,
                      uint8_t checksum) {
    static const uint8_t offsets[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
    memset(slot, 0, FAT_SLOT_SIZE);
    slot[0] = (uint8_t)(number | (last ? 0x40 : 0));
    slot[11] = FAT_LONG_NAME;
    slot[13] = checksum;
    for (unsigned i = 0; i < 13; i++) {
        unsigned at = (number - 1) * 13 + i;
        fat_put16(slot + offsets[i], at < count ? units[at] : at == count ? 0 : 0xffff);
    }
}

enum fat_result fat_insert(struct fat_volume *volume, const char *name, const struct fat_room *room,
                           const struct fat_entry *entry) {
    uint8_t slot[FAT_SLOT_SIZE];
    uint16_t units[255];
    unsigned count = fat_name_to_utf16(name, units);
    unsigned long_slots = room->slots - 1;
    enum fat_result result = FAT_OK;
    for (unsigned i = 0; !result && i < long_slots; i++) {
        fill_long(slot, units, count, long_slots - i, i == 0, fat_short_checksum(room->short_name));
        result = write_slot(volume, room->place[i], slot);
    }
    if (!result) {
        fat_fill_short(slot, room->short_name, room->case_flags, entry);
        result = write_slot(volume, room->place[long_slots], slot);
    }
    return result;
}

enum fat_result fat_update(struct fat_volume *volume, const struct fat_entry *entry) {
    uint8_t sector[FAT_SECTOR_SIZE];
    struct fat_place place = entry->place[entry->slots - 1];
    enum fat_result result = fat_sector_read(volume, place.sector, sector);
    if (result) {
        return result;
    }
    uint8_t *slot = sector + place.offset;
    slot[11] = entry->attributes;
    fat_put16(slot + 18, entry->modified >> 16);
    fat_put32(slot + 22, entry->modified);
    fat_put16(slot + 26, entry->cluster & 0xffff);
    fat_put32(slot + 28, entry->size);
    return fat_sector_write(volume, place.sector, sector);
}

enum fat_result fat_erase_slots(struct fat_volume *volume, const struct fat_entry *entry) {
    enum fat_result result = FAT_OK;
    for (unsigned i = 0; !result && i < entry->slots; i++) {
        uint8_t sector[FAT_SECTOR_SIZE];
        result = fat_sector_read(volume, entry->place[i].sector, sector);
        if (!result) {
            sector[entry->place[i].offset] = FAT_SLOT_FREE;
            result = fat_sector_write(volume, entry->place[i].sector, sector);
        }
    }
    return result;
}
