/* A flash that comes from an earlier session may hold files that the board has written and that never reached the
 * folder: the emulator was killed, or ran without the folder. They are copied into it before the volume is made anew.
 *
 * Which files those are: FatFs sets the date of last access to 0 in every file that it writes, and we never do. What we
 * wrote came from a folder. Left alone are empty files and what CircuitPython itself puts on a drive: `boot_out.txt`,
 * the first `code.py`, `sd/placeholder.txt`. The volume need not be sound: a kill between the two writes of FatFs's
 * rename leaves a file with both names, and that must not cost the others. A file of the board's that was deleted in
 * the folder between two sessions comes back. */
#include "firmware-loader/drive_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct rescue {
    const char *folder;
    size_t size; /* of the area */
    struct fat_volume volume;
    struct drive_reporter *reporter;
    bool failed; /* a file could not be written */
};

static bool is_firmwares_own(const struct drive_found *found, const uint8_t *data) {
    static const char hello[] = "print(\"Hello World!\")\n";
    bool first = found->entry.size == sizeof(hello) - 1 && !memcmp(data, hello, sizeof(hello) - 1);
    return !strcmp(found->path, "boot_out.txt") || !strcmp(found->path, "sd/placeholder.txt") ||
           (first && !strcmp(found->path, "code.py"));
}

/* Whether the folder has a file of this name; *ret_same: with these contents. */
static bool folder_has(const struct rescue *rescue, const struct drive_found *found, const uint8_t *data,
                       bool *ret_same) {
    struct drive_signature signature;
    uint8_t *host;
    enum drive_host_result result = drive_host_read(rescue->folder, found->path, UINT32_MAX, &host, &signature);
    *ret_same = !result && signature.size == found->entry.size && !memcmp(host, data, found->entry.size);
    free(host);
    return result != DRIVE_HOST_GONE;
}

static void rescue_failed(struct rescue *rescue, const char *path, const char *why) {
    drive_say(rescue->reporter, LOG_WARN, "%s/%s: what the board has written cannot be copied: %s", rescue->folder,
              path, why);
    rescue->failed = true;
}

static void copy(struct rescue *rescue, const struct drive_found *found, const char *name, const uint8_t *data) {
    struct drive_signature signature;
    drive_make_parents(rescue->folder, name);
    if (drive_host_write(rescue->folder, name, data, found->entry.size, fat_time_to_unix(found->entry.modified),
                         &signature)) {
        drive_say(rescue->reporter, LOG_WARN, "%s/%s: cannot be written: %s", rescue->folder, name, strerror(errno));
        rescue->failed = true;
    } else {
        drive_say(rescue->reporter, LOG_WARN, "%s/%s: written by the board and not in the folder: kept as %s",
                  rescue->folder, found->path, name);
    }
}

static void rescue_contents(struct rescue *rescue, const struct drive_found *found, const uint8_t *data) {
    bool same;
    if (is_firmwares_own(found, data)) {
        return;
    }
    if (!folder_has(rescue, found, data, &same)) {
        copy(rescue, found, found->path, data);
        return;
    }
    char *name = same ? NULL : drive_conflict_name(rescue->folder, found->path);
    if (name) {
        copy(rescue, found, name, data);
    } else if (!same) {
        rescue_failed(rescue, found->path, strerror(errno));
    }
    free(name);
}

static void rescue_file(struct rescue *rescue, const struct drive_found *found) {
    const struct fat_entry *entry = &found->entry;
    uint32_t length;
    if (entry->attributes & FAT_DIRECTORY || entry->bad_name || !entry->size || entry->size > rescue->size ||
        entry->accessed || drive_path_ignored(found->path)) {
        return;
    }
    uint8_t *data = malloc(entry->size);
    enum fat_result result = data ? fat_read(&rescue->volume, entry, 0, data, entry->size, &length) : FAT_NO_MEMORY;
    if (result == FAT_OK) {
        rescue_contents(rescue, found, data);
    } else if (result == FAT_NO_MEMORY) { /* another failure is a damaged chain */
        rescue_failed(rescue, found->path, fat_result_text(result));
    }
    free(data);
}

bool drive_rescue(const char *folder, uint8_t *area, size_t size, struct drive_reporter *reporter) {
    struct rescue rescue = { .folder = folder, .size = size, .reporter = reporter };
    struct fat_device device = fat_memory_device(area, size);
    struct drive_snapshot snapshot = { 0 };
    if (fat_mount(&rescue.volume, &device) == FAT_OK) {
        if (drive_snapshot_make(&rescue.volume, &snapshot) == FAT_NO_MEMORY) {
            rescue_failed(&rescue, "", fat_result_text(FAT_NO_MEMORY));
        }
        for (size_t i = 0; i < snapshot.count; i++) {
            rescue_file(&rescue, &snapshot.items[i]);
        }
    }
    drive_snapshot_finish(&snapshot);
    return !rescue.failed;
}
