/* What another program of the host would do in the drive's folder. A path is walked part by part without following
 * links (firmware-loader/drive_folder.c), so that a stranger's path stays inside. */
#include "emulator/session/drive_files.h"

#include "emulator/core/scheduler.h"
#include "firmware-loader/drive_folder.h"
#include "firmware-loader/fat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PATH_BYTES 1024
#define FIRST_SECOND INT64_C(1704067200) /* 2024-01-01, for files of virtual time 0: FAT knows no date before 1980 */

/* ---- Paths ---- */

static const char *drive_folder_of(const struct session *session, struct error *error) {
    const char *folder = session_folder(session);
    if (!folder) {
        error_set(error, "the board's drive is no folder here: start with --drive DIR");
    }
    return folder;
}

static bool is_valid_part(const char *part, size_t length) {
    char name[PATH_BYTES];
    memcpy(name, part, length);
    name[length] = 0;
    return fat_name_valid(name) && !drive_ignores(name);
}

/* ".." and "" are no names of FAT. */
static bool check_path(const char *path, struct error *error) {
    unsigned depth = 0;
    if (strlen(path) >= PATH_BYTES) {
        error_set(error, "the path of %zu bytes is longer than %d", strlen(path), PATH_BYTES - 1);
        return false;
    }
    for (const char *part = path, *end;; part = end + 1) {
        end = strchrnul(part, '/');
        if (!is_valid_part(part, (size_t)(end - part)) || ++depth > FAT_DEPTH_MAX) {
            error_set(error, "\"%s\" is no path on the drive: say it relative to the drive, such as lib/module.py",
                      path);
            return false;
        }
        if (!*end) {
            return true;
        }
    }
}

static bool report_host_result(enum drive_host_result result, const char *path, struct error *error) {
    switch (result) {
    case DRIVE_HOST_OK:
        return true;
    case DRIVE_HOST_GONE:
        error_set(error, "%s: there is no such file on the drive", path);
        return false;
    case DRIVE_HOST_CHANGING:
        error_set(error, "%s: is being written by another program; try again", path);
        return false;
    case DRIVE_HOST_FAILED:
        break;
    }
    error_set(error, "%s: %s", path, strerror(errno));
    return false;
}

/* ---- Requests ---- */

bool session_drive_list(struct session *session, bool (*each)(void *context, const struct drive_entry *entry),
                        void *context, struct error *error) {
    struct drive_listing listing;
    struct drive_reporter nobody = { 0 };
    const char *folder = drive_folder_of(session, error);
    if (!folder) {
        return false;
    }
    bool ok = drive_list(folder, &listing, &nobody), more = true;
    for (size_t i = 0; ok && more && i < listing.count; i++) {
        const struct drive_item *item = &listing.items[i];
        more = each(context, &(struct drive_entry){ item->path, item->folder, item->signature.size });
    }
    drive_listing_finish(&listing);
    error_set(error, "--drive %s: cannot be read whole", folder);
    return ok;
}

bool session_drive_read(struct session *session, const char *path, uint8_t **ret_data, size_t *ret_size,
                        struct error *error) {
    struct drive_signature signature = { 0 };
    const char *folder = drive_folder_of(session, error);
    if (!folder || !check_path(path, error)) {
        return false;
    }
    enum drive_host_result result = drive_host_read(folder, path, DRIVE_FILE_MAX, ret_data, &signature);
    *ret_size = signature.size;
    return report_host_result(result, path, error);
}

/* The folders that hold `path`. One that is there already is fine. */
static bool make_folders(const char *folder, const char *path, struct error *error) {
    char part[PATH_BYTES];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        memcpy(part, path, (size_t)(slash - path));
        part[slash - path] = 0;
        enum drive_host_result result = drive_host_make_folder(folder, part);
        if (result != DRIVE_HOST_OK && errno != EEXIST) {
            return report_host_result(result, part, error);
        }
    }
    return true;
}

bool session_drive_write(struct session *session, const char *path, const void *data, size_t size,
                         struct error *error) {
    struct drive_signature signature;
    const char *folder = drive_folder_of(session, error);
    if (!folder || !check_path(path, error) || !make_folders(folder, path, error)) {
        return false;
    }
    int64_t second = FIRST_SECOND + (int64_t)(session_now(session) / PS_PER_S);
    return report_host_result(drive_host_write(folder, path, data, size, second, &signature), path, error);
}

bool session_drive_delete(struct session *session, const char *path, struct error *error) {
    struct drive_item item;
    const char *folder = drive_folder_of(session, error);
    if (!folder || !check_path(path, error)) {
        return false;
    }
    enum drive_host_result result = drive_host_stat(folder, path, &item);
    if (result == DRIVE_HOST_OK) {
        result = drive_host_remove(folder, path, item.folder);
    }
    return report_host_result(result, path, error);
}
