/* Programs that CircuitPython starts by itself, kept off the drive until the console is open (--console-first).
 * The names are those that CircuitPython looks for in the root folder (main.c: code, main, each with .txt and .py, and
 * with two of them); FAT does not tell upper from lower case. While they are held back the listing has them among what
 * was left out, so that nobody takes them for deleted. */
#include "firmware-loader/drive_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_suffix(const char *text) {
    static const char *const suffixes[] = { ".txt", ".py", ".txt.py", ".py.txt", ".txt.txt", ".py.py" };
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        if (strcasecmp(text, suffixes[i]) == 0) {
            return true;
        }
    }
    return false;
}

bool drive_starts_by_itself(const struct drive_item *item) {
    bool stem = strncasecmp(item->path, "code", 4) == 0 || strncasecmp(item->path, "main", 4) == 0;
    return !item->folder && stem && is_suffix(item->path + 4);
}

static bool leave_out(struct drive_listing *listing, const struct drive_item *item) {
    if (listing->left_out_count == listing->left_out_room) {
        size_t room = listing->left_out_room ? listing->left_out_room * 2 : 8;
        struct drive_item *items = realloc(listing->left_out, room * sizeof(*items));
        if (!items) {
            return false;
        }
        listing->left_out = items;
        listing->left_out_room = room;
    }
    listing->left_out[listing->left_out_count++] = *item;
    return true;
}

size_t drive_hold_back(struct drive_listing *listing) {
    size_t kept = 0, count = listing->count;
    for (size_t i = 0; i < count; i++) {
        struct drive_item item = listing->items[i];
        if (!drive_starts_by_itself(&item) || !leave_out(listing, &item)) {
            listing->items[kept++] = item;
        }
    }
    listing->count = kept;
    return count - kept;
}

bool drive_code_is_held(const struct drive *drive) {
    return drive->held > 0;
}

void drive_release_code(struct drive *drive) {
    drive->hold = false;
    drive->held = 0;
    drive->releasing = true;
}

static bool is_settled(struct drive *drive, const struct drive_item *item) {
    const struct drive_record *record = drive_records_find(&drive->records, item->path);
    return record && (record->on_volume || record->refused);
}

bool drive_code_is_written(struct drive *drive) {
    if (!drive->releasing) {
        return !drive->hold;
    }
    bool programs = false;
    for (size_t i = 0; i < drive->listing.count; i++) {
        const struct drive_item *item = &drive->listing.items[i];
        if (drive_starts_by_itself(item)) {
            programs = true;
            if (!is_settled(drive, item)) {
                return false;
            }
        }
    }
    drive->releasing = !programs || drive->push.kind || drive->queue.count;
    return !drive->releasing;
}

/* ---- After a reset of the chip ---- */

/* The volume has just what the folder has. */
static bool is_in_step(struct drive *drive, struct fat_volume *volume, const struct drive_item *item) {
    const struct drive_record *record = drive_records_find(&drive->records, item->path);
    struct fat_entry entry;
    uint32_t length;
    if (!record || !record->on_host || !record->on_volume || fat_lookup(volume, item->path, &entry) ||
        entry.size != record->size) {
        return false;
    }
    uint8_t *data = malloc((size_t)entry.size + 1);
    bool same = data && fat_read(volume, &entry, 0, data, entry.size, &length) == FAT_OK &&
                drive_hash(data, entry.size) == record->hash;
    free(data);
    return same;
}

static bool can_hold(struct drive *drive, struct fat_volume *volume) {
    bool programs = false;
    for (size_t i = 0; i < drive->listing.count; i++) {
        const struct drive_item *item = &drive->listing.items[i];
        if (drive_starts_by_itself(item)) {
            programs = true;
            if (!is_in_step(drive, volume, item)) {
                return false;
            }
        }
    }
    return programs;
}

bool drive_hold_code(struct drive *drive) {
    struct fat_device device = fat_memory_device(drive->area, drive->area_size);
    struct fat_volume volume;
    if (!drive->area || drive->releasing || fat_mount(&volume, &device) || fat_check(&volume) ||
        !can_hold(drive, &volume)) {
        return false;
    }
    for (size_t i = 0; i < drive->listing.count; i++) {
        const char *path = drive->listing.items[i].path;
        if (drive_starts_by_itself(&drive->listing.items[i])) {
            fat_remove(&volume, path);
            drive_records_remove(&drive->records, path);
        }
    }
    drive->hold = true;
    drive->held = drive_hold_back(&drive->listing);
    drive_hold_back(&drive->previous);
    drive->unchanged = 0;
    drive_invalidate(drive, 0, drive->sectors);
    return true;
}

void drive_put_code_back(struct drive *drive) {
    struct fat_device device = fat_memory_device(drive->area, drive->area_size);
    struct fat_volume volume;
    drive->hold = false;
    drive->held = 0;
    if (fat_mount(&volume, &device)) {
        return;
    }
    for (size_t i = 0; i < drive->listing.left_out_count; i++) {
        const struct drive_item *item = &drive->listing.left_out[i];
        struct drive_signature signature;
        uint8_t *data;
        if (drive_starts_by_itself(item) &&
            !drive_host_read(drive->folder, item->path, drive->area_size, &data, &signature)) {
            uint32_t date = fat_time_from_unix(signature.seconds);
            fat_write(&volume, item->path, data, (uint32_t)signature.size, date, FAT_ARCHIVE);
            free(data);
        }
    }
    drive_invalidate(drive, 0, drive->sectors);
}
