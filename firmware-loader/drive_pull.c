/* From the volume to the folder: look at the whole volume, copy what changed, and only then remove what is gone.
 * A look that finds the volume damaged does nothing; one that finds another volume (its serial number changed) or an
 * empty one removes nothing. When the flash changes during a look, the look begins again. */
#include "firmware-loader/drive_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESTARTS_MAX 16
#define SNAPSHOT_MAX 65536

void drive_snapshot_finish(struct drive_snapshot *snapshot) {
    for (size_t i = 0; i < snapshot->count; i++) {
        free(snapshot->items[i].path);
    }
    free(snapshot->items);
    *snapshot = (struct drive_snapshot){ 0 };
}

static bool snapshot_add(struct drive_snapshot *snapshot, const char *folder, const struct fat_entry *entry) {
    if (snapshot->count == snapshot->room) {
        size_t room = snapshot->room ? snapshot->room * 2 : 64;
        struct drive_found *items = realloc(snapshot->items, room * sizeof(*items));
        if (!items) {
            return false;
        }
        snapshot->items = items;
        snapshot->room = room;
    }
    struct drive_found *found = &snapshot->items[snapshot->count];
    if (asprintf(&found->path, "%s%s%s", folder, *folder ? "/" : "", entry->name) < 0) {
        return false;
    }
    found->entry = *entry;
    snapshot->count++;
    return true;
}

/* The end of a folder is no error. */
static enum fat_result snapshot_folder(struct fat_volume *volume, struct drive_snapshot *snapshot, const char *path,
                                       const struct fat_entry *folder) {
    struct fat_cursor cursor;
    struct fat_entry entry;
    enum fat_result result = fat_open(volume, folder, &cursor);
    while (!result) {
        result = fat_next(volume, &cursor, &entry);
        if (!result && !snapshot_add(snapshot, path, &entry)) {
            result = FAT_NO_MEMORY;
        }
    }
    return result == FAT_NOT_FOUND ? FAT_OK : result;
}

/* Of a folder that lies in itself there is no end. */
static bool is_endless(const struct drive_snapshot *snapshot, const char *path) {
    unsigned depth = 1;
    for (; *path; path++) {
        depth += *path == '/';
    }
    return depth > FAT_DEPTH_MAX || snapshot->count > SNAPSHOT_MAX;
}

/* Items that are appended while the list is walked are walked as well. */
enum fat_result drive_snapshot_make(struct fat_volume *volume, struct drive_snapshot *snapshot) {
    enum fat_result first = snapshot_folder(volume, snapshot, "", NULL);
    for (size_t i = 0; first != FAT_IO && i < snapshot->count; i++) {
        struct drive_found found = snapshot->items[i];
        if (found.entry.attributes & FAT_DIRECTORY) {
            enum fat_result result = is_endless(snapshot, found.path)
                                         ? FAT_CORRUPT
                                         : snapshot_folder(volume, snapshot, found.path, &found.entry);
            first = first ? first : result;
        }
    }
    return first;
}

static bool volume_had_files(const struct drive *drive) {
    for (size_t i = 0; i < drive->records.count; i++) {
        if (drive->records.items[i].on_volume) {
            return true;
        }
    }
    return false;
}

/* Another volume, or nothing on it: what we knew of it does not count, and nothing was deleted. */
static void notice_format(struct drive *drive, const struct fat_volume *volume) {
    bool other = drive->serial_known && volume->serial != drive->serial;
    bool emptied = !other && drive->snapshot.count == 0 && volume_had_files(drive);
    drive->serial = volume->serial;
    drive->serial_known = true;
    drive->formatted = other || emptied;
    if (!drive->formatted) {
        return;
    }
    drive_say(&drive->reporter, LOG_WARN,
              "%s: the board has %s its drive: the folder keeps its files; from now on those that change go onto it",
              drive->folder, other ? "formatted" : "emptied");
    for (size_t i = 0; i < drive->records.count; i++) {
        drive->records.items[i].on_volume = false;
    }
}

/* The whole tree, checked. False when it must be fetched first, or cannot be used. */
static bool look(struct drive *drive, struct fat_volume *volume) {
    drive_snapshot_finish(&drive->snapshot);
    drive->restart = false;
    enum fat_result result = drive_mount(drive, volume);
    if (!result) {
        result = fat_check(volume);
    }
    if (!result) {
        result = drive_snapshot_make(volume, &drive->snapshot);
    }
    if (drive->is_missing) {
        return false;
    }
    drive->broken = result != FAT_OK;
    if (drive->broken) {
        drive->pulling = drive->check = false;
        if (drive->restless || drive->touched) {
            return false; /* another look follows */
        }
        drive_say(&drive->reporter, LOG_WARN, "%s: the board's drive: %s: nothing is copied until that is over",
                  drive->folder, fat_result_text(result));
        return false;
    }
    notice_format(drive, volume);
    for (size_t i = 0; i < drive->records.count; i++) {
        drive->records.items[i].seen = false;
    }
    drive->pull_index = 0;
    drive->again = false;
    return true;
}

struct sector_look {
    struct drive *drive;
    bool altered, missing;
};

static bool look_at_sector(void *context, uint32_t sector) {
    struct sector_look *sectors = context;
    sectors->missing = drive_needs(sectors->drive, sector, sector + 1);
    sectors->altered |= sectors->drive->altered[sector];
    return !sectors->missing;
}

/* Whether a file is not what it was; with a sector missing the answer comes later. */
static bool file_changed(struct drive *drive, struct fat_volume *volume, const struct drive_record *record,
                         const struct fat_entry *entry) {
    struct sector_look sectors = { .drive = drive };
    fat_file_sectors(volume, entry, look_at_sector, &sectors);
    return sectors.altered || record->size != entry->size || record->modified != entry->modified ||
           record->cluster != entry->cluster;
}

/* Both sides are now as given. */
static void note(struct drive *drive, const struct drive_found *found, uint64_t hash,
                 const struct drive_signature *signature) {
    struct drive_record *record = drive_need_record(drive, found->path);
    if (!record) {
        return;
    }
    record->folder = found->entry.attributes & FAT_DIRECTORY;
    record->on_volume = record->seen = record->on_host = true;
    record->refused = false;
    record->signature = *signature;
    record->size = found->entry.size;
    record->modified = found->entry.modified;
    record->cluster = found->entry.cluster;
    record->hash = hash;
}

/* It could not be copied: look at it again next time. */
static void note_failure(struct drive *drive, const char *path) {
    struct drive_record *record = drive_records_find(&drive->records, path);
    if (record) {
        record->seen = true;
        record->modified = UINT32_MAX;
    }
}

void drive_make_parents(const char *folder, const char *path) {
    char *head = strdup(path);
    for (char *slash = head ? strchr(head, '/') : NULL; slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        drive_host_make_folder(folder, head);
        *slash = '/';
    }
    free(head);
}

/* A folder that may not be written is the user's choice, and a line is enough; anything else is a loss. */
static bool is_loss(int error) {
    return error != EROFS && error != EACCES && error != EPERM;
}

static bool write_to_host(struct drive *drive, const struct drive_found *found, const char *path, const uint8_t *data,
                          struct drive_signature *ret_signature) {
    drive->host_written = true;
    drive_make_parents(drive->folder, path);
    int64_t seconds = fat_time_to_unix(found->entry.modified);
    if (drive_host_write(drive->folder, path, data, found->entry.size, seconds, ret_signature)) {
        drive->unwritten |= is_loss(errno);
        drive_say(&drive->reporter, LOG_WARN, "%s/%s: cannot be written: %s", drive->folder, path, strerror(errno));
        note_failure(drive, found->path);
        return false;
    }
    return true;
}

static void copy_to_host(struct drive *drive, const struct drive_found *found, const uint8_t *data, uint64_t hash) {
    struct drive_signature signature;
    if (write_to_host(drive, found, found->path, data, &signature)) {
        note(drive, found, hash, &signature);
    }
}

char *drive_conflict_name(const char *folder, const char *path) {
    for (unsigned number = 1; number < 1000; number++) {
        char *name;
        struct drive_item item;
        int made = number == 1 ? asprintf(&name, "%s.conflict", path) : asprintf(&name, "%s.conflict-%u", path, number);
        if (made < 0) {
            return NULL;
        }
        if (drive_host_stat(folder, name, &item) == DRIVE_HOST_GONE) {
            return name;
        }
        free(name);
    }
    errno = EEXIST;
    return NULL;
}

/* Both changed. The folder's file goes to the drive next, because its signature is not the one noted. */
static void keep_both(struct drive *drive, const struct drive_found *found, const uint8_t *data, uint64_t hash) {
    struct drive_signature signature;
    char *name = drive_conflict_name(drive->folder, found->path);
    if (!name) {
        drive_say(&drive->reporter, LOG_WARN, "%s/%s: changed here and on the drive: the drive's is not copied: %s",
                  drive->folder, found->path, strerror(errno));
        drive->unwritten = true;
        note_failure(drive, found->path);
    } else if (write_to_host(drive, found, name, data, &signature)) {
        drive_say(&drive->reporter, LOG_WARN,
                  "%s/%s: changed here and on the drive: this one stays, the drive's is kept as %s", drive->folder,
                  found->path, name);
        note(drive, found, hash, &(struct drive_signature){ 0 });
    }
    free(name);
}

/* The folder has a file of this name that is not the one we know. */
static void meet(struct drive *drive, const struct drive_found *found, const uint8_t *data, uint64_t hash) {
    uint8_t *host;
    struct drive_signature signature;
    enum drive_host_result result = drive_host_read(drive->folder, found->path, UINT32_MAX, &host, &signature);
    if (result == DRIVE_HOST_GONE) {
        copy_to_host(drive, found, data, hash);
        return;
    }
    if (result) {
        drive->again |= result == DRIVE_HOST_CHANGING;
        if (result == DRIVE_HOST_FAILED) {
            drive_say(&drive->reporter, LOG_WARN, "%s/%s: the drive's file of this name is not copied: %s",
                      drive->folder, found->path, strerror(errno));
        }
        note_failure(drive, found->path);
        return;
    }
    bool same = signature.size == found->entry.size && !memcmp(host, data, found->entry.size);
    free(host);
    if (same || drive->formatted) {
        note(drive, found, hash, &signature);
    } else {
        keep_both(drive, found, data, hash);
    }
}

static void file_to_host(struct drive *drive, const struct drive_found *found, const uint8_t *data, uint64_t hash) {
    struct drive_item item;
    struct drive_record *record = drive_records_find(&drive->records, found->path);
    bool known = record && record->on_host && !record->folder && !record->refused && !drive->formatted;
    enum drive_host_result there = drive_host_stat(drive->folder, found->path, &item);
    if (there == DRIVE_HOST_GONE) {
        if (known) {
            drive_say(&drive->reporter, LOG_WARN, "%s/%s: deleted here but changed on the drive: it is back",
                      drive->folder, found->path);
        }
        copy_to_host(drive, found, data, hash);
    } else if (there == DRIVE_HOST_OK && item.folder) {
        drive_say(&drive->reporter, LOG_WARN, "%s/%s: a folder here and a file on the drive: not copied", drive->folder,
                  found->path);
        note_failure(drive, found->path);
    } else if (there == DRIVE_HOST_OK && known && drive_signature_equal(&item.signature, &record->signature)) {
        copy_to_host(drive, found, data, hash);
    } else {
        meet(drive, found, data, hash);
    }
}

/* The drive has no such file any more. True when the record goes as well. */
static bool remove_file(struct drive *drive, struct drive_record *record) {
    struct drive_item item;
    enum drive_host_result result = drive_host_stat(drive->folder, record->path, &item);
    if (result == DRIVE_HOST_GONE) {
        return true;
    }
    if (result == DRIVE_HOST_OK && drive_signature_equal(&item.signature, &record->signature) && !record->refused) {
        result = drive_host_remove(drive->folder, record->path, false);
        if (result == DRIVE_HOST_OK) {
            return true;
        }
        drive_say(&drive->reporter, LOG_WARN, "%s/%s: deleted on the drive, but not here: %s", drive->folder,
                  record->path, strerror(errno));
    }
    record->on_volume = false;
    return false;
}

static bool remove_folder(struct drive *drive, struct drive_record *record) {
    record->on_volume = false;
    return drive_host_remove(drive->folder, record->path, true) != DRIVE_HOST_FAILED;
}

/* The volume does not have it any more. */
static void forget(struct drive *drive, struct drive_record *record) {
    bool drop = !record->on_host || (record->folder ? remove_folder(drive, record) : remove_file(drive, record));
    if (drop) {
        drive_records_remove(&drive->records, record->path);
    }
    drive->host_written = true;
}

/* From the end: what is in a folder goes before the folder. */
static void remove_gone(struct drive *drive) {
    bool freed = false;
    for (size_t i = drive->records.count; i-- > 0;) {
        struct drive_record *record = &drive->records.items[i];
        if (record->on_volume && !record->seen && !drive->formatted) {
            forget(drive, record);
            freed = true;
        }
    }
    if (freed) {
        drive_push_retry(drive);
    }
}

/* A file of which the volume has made a folder, or the other way round: the old one goes first. */
static void remove_other_kind(struct drive *drive, const struct drive_found *found) {
    struct drive_record *record = drive_records_find(&drive->records, found->path);
    size_t length = strlen(found->path);
    if (!record || !record->on_volume || record->folder == !!(found->entry.attributes & FAT_DIRECTORY)) {
        return;
    }
    for (size_t i = drive->records.count; i-- > 0;) {
        record = &drive->records.items[i];
        bool below =
            !strncmp(record->path, found->path, length) && (!record->path[length] || record->path[length] == '/');
        if (below && record->on_volume) {
            forget(drive, record);
        }
    }
}

static void pull_file(struct drive *drive, struct fat_volume *volume, const struct drive_found *found) {
    struct drive_record *record = drive_records_find(&drive->records, found->path);
    const struct fat_entry *entry = &found->entry;
    uint32_t length;
    bool known = record && record->on_volume && !record->folder;
    if (known) {
        record->seen = true;
        bool changed = file_changed(drive, volume, record, entry);
        if (drive->is_missing || !changed) {
            return;
        }
    }
    uint8_t *data = malloc((size_t)entry->size + 1);
    enum fat_result result = data ? fat_read(volume, entry, 0, data, entry->size, &length) : FAT_NO_MEMORY;
    if (!result) {
        uint64_t hash = drive_hash(data, entry->size);
        if (known && record->hash == hash && record->size == entry->size && record->modified != UINT32_MAX) {
            record->modified = entry->modified;
            record->cluster = entry->cluster;
        } else {
            file_to_host(drive, found, data, hash);
        }
    } else if (!drive->is_missing) {
        drive_say(&drive->reporter, LOG_WARN, "%s/%s: the drive's file of this name is not copied: %s", drive->folder,
                  found->path, fat_result_text(result));
        drive->unwritten = true;
        note_failure(drive, found->path);
    }
    free(data);
}

static void pull_folder(struct drive *drive, const struct drive_found *found) {
    struct drive_record *record = drive_records_find(&drive->records, found->path);
    struct drive_item item;
    if (record && record->on_volume && record->folder) {
        record->seen = true;
        return;
    }
    drive->host_written = true;
    drive_make_parents(drive->folder, found->path);
    if (drive_host_make_folder(drive->folder, found->path) == DRIVE_HOST_FAILED && errno != EEXIST) {
        drive->unwritten |= is_loss(errno);
    }
    if (drive_host_stat(drive->folder, found->path, &item) == DRIVE_HOST_OK && item.folder) {
        note(drive, found, 0, &item.signature);
        return;
    }
    drive_say(&drive->reporter, LOG_WARN, "%s/%s: a folder on the drive: cannot be made here", drive->folder,
              found->path);
    note_failure(drive, found->path);
}

static void finish_look(struct drive *drive) {
    remove_gone(drive);
    drive_snapshot_finish(&drive->snapshot);
    memset(drive->altered, 0, drive->sectors * sizeof(*drive->altered));
    drive->pulling = drive->looked = drive->full = false;
    drive->unchanged = 0;
    drive->check = drive->again;
}

static bool prepare(struct drive *drive, struct fat_volume *volume) {
    if (drive->restart) {
        drive->looked = false;
        if (drive->restarts++ > RESTARTS_MAX) {
            drive->pulling = false; /* the flash is not quiet: the next poll sees to that */
            return false;
        }
    }
    if (!drive->looked) {
        drive->looked = look(drive, volume);
        return drive->looked;
    }
    return drive_mount(drive, volume) == FAT_OK;
}

void drive_pull_step(struct drive *drive) {
    struct fat_volume volume;
    if (!prepare(drive, &volume)) {
        return;
    }
    for (; drive->pull_index < drive->snapshot.count; drive->pull_index++) {
        const struct drive_found *found = &drive->snapshot.items[drive->pull_index];
        if (drive_path_ignored(found->path)) {
            continue;
        }
        remove_other_kind(drive, found);
        if (found->entry.attributes & FAT_DIRECTORY) {
            pull_folder(drive, found);
        } else {
            pull_file(drive, &volume, found);
        }
        if (drive->is_missing) {
            return;
        }
    }
    if (drive_push_clean(drive, &volume)) {
        finish_look(drive);
    }
}
