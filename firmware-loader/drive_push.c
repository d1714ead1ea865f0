/* From the folder to the volume: one change at a time, deletions first (they make room), then folders and files by
 * name. A change counts when two polls in a row saw the same; a missing file is deleted only when both listings were
 * whole and nothing of that name was left out of them. */
#include "firmware-loader/drive_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Whether `path` or a folder above it is in the folder, but left out of the listing. */
static bool is_left_out(const struct drive_listing *listing, const char *path) {
    for (size_t i = 0; i < listing->left_out_count; i++) {
        const char *left = listing->left_out[i].path;
        size_t length = strlen(left);
        if (!strncmp(left, path, length) && (!path[length] || path[length] == '/')) {
            return true;
        }
    }
    return false;
}

static bool is_absent(const struct drive_listing *listing, const struct drive_record *record) {
    const struct drive_item *item = drive_listing_find(listing, record->path);
    return item ? item->folder != record->folder : !is_left_out(listing, record->path);
}

/* The last such record: what is in a folder before the folder. */
static const struct drive_record *next_gone(const struct drive *drive) {
    if (!drive->listing_whole || !drive->previous_whole) {
        return NULL;
    }
    for (size_t i = drive->records.count; i-- > 0;) {
        const struct drive_record *record = &drive->records.items[i];
        if (record->on_host && is_absent(&drive->listing, record) && is_absent(&drive->previous, record)) {
            return record;
        }
    }
    return NULL;
}

static bool stands_still(const struct drive *drive, const struct drive_item *item) {
    const struct drive_item *before = drive_listing_find(&drive->previous, item->path);
    return before && before->folder == item->folder &&
           (item->folder || drive_signature_equal(&before->signature, &item->signature));
}

static bool is_changed(struct drive *drive, const struct drive_item *item) {
    const struct drive_record *record = drive_records_find(&drive->records, item->path);
    if (!record) {
        return true;
    }
    if (item->folder || record->folder) {
        return false;
    }
    return !(record->on_host || record->refused) || !drive_signature_equal(&record->signature, &item->signature);
}

/* Goes on where it was: what has been found unchanged stays so until the listing or a record changes. */
static const struct drive_item *next_changed(struct drive *drive) {
    for (; drive->unchanged < drive->listing.count; drive->unchanged++) {
        const struct drive_item *item = &drive->listing.items[drive->unchanged];
        if (is_changed(drive, item) && stands_still(drive, item)) {
            return item;
        }
    }
    return NULL;
}

bool drive_push_wanted(struct drive *drive) {
    return next_gone(drive) || next_changed(drive);
}

void drive_push_drop(struct drive *drive) {
    free(drive->push.path);
    drive->push = (struct drive_push){ 0 };
}

void drive_push_retry(struct drive *drive) {
    drive->unchanged = 0;
    drive->full = false;
    for (size_t i = drive->records.count; i-- > 0;) {
        struct drive_record *record = &drive->records.items[i];
        if (record->refused) {
            record->refused = record->on_host = false;
            if (!record->on_volume) {
                drive_records_remove(&drive->records, record->path);
            }
        }
    }
}

static void mark(struct drive *drive, uint32_t cluster) {
    drive->candidates[(cluster - 2) / 8] |= (uint8_t)(1 << (cluster - 2) % 8);
}

/* Before a change: what would be without an owner if it was cut short. The table is there; the chains are sound. */
static void mark_candidates(struct drive *drive, struct fat_volume *volume, const char *path) {
    uint32_t value;
    for (uint32_t cluster = 2; cluster - 2 < volume->clusters; cluster++) {
        if (fat_table_entry(volume, cluster, &value) == FAT_OK && value == 0) {
            mark(drive, cluster);
        }
    }
    struct fat_entry entry;
    enum fat_result result = fat_lookup(volume, path, &entry);
    uint32_t cluster = result ? 0 : entry.cluster;
    for (uint32_t i = 0; i < volume->clusters && cluster >= 2 && cluster - 2 < volume->clusters; i++) {
        mark(drive, cluster);
        result = fat_table_entry(volume, cluster, &cluster);
        if (result) {
            break;
        }
    }
}

bool drive_push_clean(struct drive *drive, struct fat_volume *volume) {
    uint32_t count;
    if (drive->formatted) {
        drive->cut_short = false;
    }
    if (!drive->cut_short || !drive->online || drive->write_protected) {
        return true;
    }
    if (drive_needs(drive, 0, volume->data_start)) {
        return false;
    }
    fat_free_lost(volume, drive->candidates, &count);
    drive->cut_short = false;
    return true;
}

static void say(struct drive *drive, const char *path, const char *why) {
    drive_say(&drive->reporter, LOG_WARN, "%s/%s: not on the drive: %s", drive->folder, path, why);
}

/* Not this version of the file: wait for another one, or for more room. False when that cannot be kept in mind. */
static bool refuse(struct drive *drive, const struct drive_item *item, const struct drive_signature *signature) {
    struct drive_record *record = drive_need_record(drive, item->path);
    if (record) {
        record->folder = item->folder;
        record->refused = true;
        record->on_host = record->on_volume;
        record->signature = *signature;
    }
    return record != NULL;
}

/* Why something new cannot be on the volume. Without room everything that needs some is refused from now on. */
static bool refuse_for(struct drive *drive, struct fat_volume *volume, const struct drive_item *item,
                       const struct drive_signature *signature, enum fat_result result) {
    uint32_t clusters;
    if (result != FAT_FULL) {
        say(drive, item->path, fat_result_text(result));
    } else {
        drive_say_full(&drive->reporter, drive->folder, item->path);
        drive->full = !fat_free_clusters(volume, &clusters);
        drive->free_bytes = drive->full ? (uint64_t)clusters * volume->cluster_sectors * FAT_SECTOR_SIZE : 0;
    }
    return refuse(drive, item, signature);
}

/* Known beforehand, without another look at folder and volume: a folder may hold thousands of files too many. */
static bool cannot_fit(struct drive *drive, const struct drive_item *item) {
    const struct drive_record *record = drive_records_find(&drive->records, item->path);
    uint64_t size = item->folder ? 1 : item->signature.size;
    return drive->full && size > drive->free_bytes && !(record && record->on_volume);
}

/* The volume's entry as it is now, before the flash reports our own write. */
static void take_entry(struct drive *drive, struct fat_volume *volume, const char *path) {
    struct fat_entry entry;
    if (fat_lookup(volume, path, &entry) == FAT_OK) {
        drive->push.size = entry.size;
        drive->push.modified = entry.modified;
        drive->push.cluster = entry.cluster;
    }
}

static bool push_remove(struct drive *drive, struct fat_volume *volume, const struct drive_record *gone) {
    struct drive_record *record = drive_records_find(&drive->records, gone->path);
    enum fat_result result = record->on_volume ? fat_remove(volume, record->path) : FAT_OK;
    if (drive->is_missing) {
        return true;
    }
    if (result && result != FAT_NOT_FOUND) {
        drive_say(&drive->reporter, LOG_WARN, "%s/%s: deleted here, but not on the drive: %s", drive->folder,
                  record->path, fat_result_text(result));
        record->on_host = false;
        return true;
    }
    drive->push.kind = DRIVE_PUSH_REMOVE;
    return true;
}

static bool push_folder(struct drive *drive, struct fat_volume *volume, const struct drive_item *item) {
    enum fat_result result = fat_make_directory(volume, item->path, fat_time_from_unix(item->signature.seconds));
    if (drive->is_missing) {
        return true;
    }
    if (result && result != FAT_EXISTS) {
        return refuse_for(drive, volume, item, &item->signature, result);
    }
    drive->push.kind = DRIVE_PUSH_FOLDER;
    drive->push.signature = item->signature;
    take_entry(drive, volume, item->path);
    return true;
}

/* The folders above may not be on the volume (they were refused, or the board formatted it). */
static enum fat_result make_parents(struct fat_volume *volume, const char *path, uint32_t modified) {
    char *head = strdup(path);
    enum fat_result result = head ? FAT_OK : FAT_NO_MEMORY;
    for (char *slash = head ? strchr(head, '/') : NULL; slash && !result; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        result = fat_make_directory(volume, head, modified);
        result = result == FAT_EXISTS ? FAT_OK : result;
        *slash = '/';
    }
    free(head);
    return result;
}

static enum fat_result store(struct drive *drive, struct fat_volume *volume, const char *path, const uint8_t *data) {
    const struct drive_record *record = drive_records_find(&drive->records, path);
    uint32_t size = (uint32_t)drive->push.signature.size;
    uint32_t modified = fat_time_from_unix(drive->push.signature.seconds);
    if (record && record->on_volume && record->size == size && record->hash == drive->push.hash) {
        return fat_set_modified(volume, path, modified);
    }
    enum fat_result result = fat_write(volume, path, data, size, modified, FAT_ARCHIVE);
    if (result == FAT_NOT_FOUND) {
        result = make_parents(volume, path, modified);
        result = result ? result : fat_write(volume, path, data, size, modified, FAT_ARCHIVE);
    }
    return result;
}

/* With the contents in hand. */
static bool push_contents(struct drive *drive, struct fat_volume *volume, const struct drive_item *item,
                          const uint8_t *data) {
    enum fat_result result = store(drive, volume, item->path, data);
    if (drive->is_missing) {
        return true;
    }
    if (result) {
        return refuse_for(drive, volume, item, &drive->push.signature, result);
    }
    drive->push.kind = DRIVE_PUSH_WRITE;
    take_entry(drive, volume, item->path);
    return true;
}

/* True: go on with the next thing; false: this file must wait, and with it the rest, for the next poll. */
static bool push_file(struct drive *drive, struct fat_volume *volume, const struct drive_item *item) {
    uint8_t *data;
    uint64_t limit = (uint64_t)drive->sectors * FAT_SECTOR_SIZE;
    struct drive_signature signature;
    enum drive_host_result result = drive_host_read(drive->folder, item->path, limit, &data, &signature);
    if (result == DRIVE_HOST_FAILED) {
        say(drive, item->path, errno == EFBIG ? "larger than the whole volume" : strerror(errno));
        return refuse(drive, item, &item->signature);
    }
    if (result) {
        return false;
    }
    drive->push.signature = signature;
    drive->push.hash = drive_hash(data, (size_t)signature.size);
    bool ok = push_contents(drive, volume, item, data);
    free(data);
    return ok;
}

bool drive_push_step(struct drive *drive) {
    struct fat_volume volume;
    const struct drive_record *gone = next_gone(drive);
    const struct drive_item *item = gone ? NULL : next_changed(drive);
    if (!gone && !item) {
        return false;
    }
    const char *path = gone ? gone->path : item->path;
    if (item && cannot_fit(drive, item)) {
        drive_say_full(&drive->reporter, drive->folder, item->path);
        return refuse(drive, item, &item->signature);
    }
    if (drive_mount(drive, &volume) || drive_needs(drive, 0, volume.data_start)) {
        return drive->is_missing;
    }
    if (!drive->cut_short) {
        memset(drive->candidates, 0, drive->sectors / 8 + 1);
    }
    mark_candidates(drive, &volume, path);
    drive->is_missing = false;
    drive_push_drop(drive);
    drive->push.path = strdup(path); /* before anything has been changed */
    if (!drive->push.path) {
        say(drive, path, "out of memory: it is tried again");
        return false;
    }
    if (gone) {
        return push_remove(drive, &volume, gone);
    }
    return item->folder ? push_folder(drive, &volume, item) : push_file(drive, &volume, item);
}

static void complete_write(struct drive *drive) {
    const struct drive_push *push = &drive->push;
    struct drive_record *record = drive_need_record(drive, push->path);
    bool shrunk = record && record->on_volume && record->size > push->size;
    if (record) {
        record->folder = push->kind == DRIVE_PUSH_FOLDER;
        record->on_host = record->on_volume = true;
        record->refused = false;
        record->signature = push->signature;
        record->size = push->size;
        record->modified = push->modified;
        record->cluster = push->cluster;
        record->hash = push->hash;
    }
    if (shrunk) {
        drive_push_retry(drive);
    }
}

void drive_push_complete(struct drive *drive) {
    if (drive->push.kind == DRIVE_PUSH_REMOVE) {
        drive_records_remove(&drive->records, drive->push.path);
        drive_push_retry(drive);
    } else {
        complete_write(drive);
    }
    drive_push_drop(drive);
}
