/* A folder becomes a volume in memory. */
#include "firmware-loader/drive_image.h"

#include "firmware-loader/fat.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void say(const struct drive_image_request *request, const char *path, const char *why) {
    drive_say(request->reporter, LOG_WARN, "%s/%s: not on the drive: %s", request->folder, path, why);
}

static bool took(const struct drive_image_request *request, const char *path, enum fat_result result) {
    if (result == FAT_FULL) {
        drive_say_full(request->reporter, request->folder, path);
    } else if (result) {
        say(request, path, fat_result_text(result));
    }
    return result == FAT_OK;
}

static bool add_folder(const struct drive_image_request *request, struct fat_volume *volume,
                       const struct drive_item *item) {
    enum fat_result result = fat_make_directory(volume, item->path, fat_time_from_unix(item->signature.seconds));
    return took(request, item->path, result);
}

static bool add_file(const struct drive_image_request *request, struct fat_volume *volume, struct drive_item *item) {
    uint8_t *data;
    enum drive_host_result read = drive_host_read(request->folder, item->path, request->size, &data, &item->signature);
    if (read) {
        const char *why = read == DRIVE_HOST_CHANGING ? "it is being written just now"
                          : errno == EFBIG            ? "larger than the whole volume"
                                                      : strerror(errno);
        say(request, item->path, why);
        return false;
    }
    uint32_t date = fat_time_from_unix(item->signature.seconds);
    enum fat_result result = fat_write(volume, item->path, data, (uint32_t)item->signature.size, date, FAT_ARCHIVE);
    free(data);
    return took(request, item->path, result);
}

/* A folder that could not be made takes its contents with it: they need no line each. */
static bool lies_in(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && path[length] == '/';
}

static bool add(const struct drive_image_request *request, struct fat_volume *volume, struct drive_item *item,
                uint64_t *free_bytes) {
    uint32_t clusters;
    if (!item->folder && item->signature.size > *free_bytes) {
        return took(request, item->path, FAT_FULL);
    }
    bool ok = item->folder ? add_folder(request, volume, item) : add_file(request, volume, item);
    if (!ok && fat_free_clusters(volume, &clusters) == FAT_OK) {
        *free_bytes = (uint64_t)clusters * volume->cluster_sectors * FAT_SECTOR_SIZE;
    }
    return ok;
}

static void add_all(const struct drive_image_request *request, struct fat_volume *volume) {
    const char *missing = "";
    uint64_t free_bytes = UINT64_MAX; /* known from the first failure on */
    for (size_t i = 0; i < request->listing->count; i++) {
        struct drive_item item = request->listing->items[i];
        if (lies_in(item.path, missing)) {
            continue;
        }
        bool ok = add(request, volume, &item, &free_bytes);
        if (!ok && item.folder) {
            missing = item.path;
        }
        if (ok && request->stored) {
            request->stored(request->context, &item);
        }
    }
}

bool drive_fill_image(const struct drive_image_request *request, struct error *error) {
    struct fat_device device = fat_memory_device(request->area, request->size);
    struct fat_format_options options = { .serial = request->serial, .hidden_sectors = 1, .label = "CIRCUITPY" };
    struct fat_volume volume;
    memset(request->area, 0xff, request->size);
    enum fat_result result = fat_format(&device, &options);
    if (!result) {
        result = fat_mount(&volume, &device);
    }
    if (result) {
        error_set(error, "%s: no drive of %zu bytes can be made: %s", request->folder, request->size,
                  fat_result_text(result));
        return false;
    }
    add_all(request, &volume);
    return true;
}

bool drive_build_image(const char *folder, uint8_t *area, size_t size, drive_report *report, void *context,
                       struct error *error) {
    struct drive_reporter reporter = { .report = report, .context = context };
    struct drive_listing listing;
    bool ok = drive_list(folder, &listing, &reporter);
    if (!ok && !listing.count) {
        error_set(error, "%s: cannot be read", folder);
    } else {
        struct drive_image_request request = {
            .folder = folder,
            .listing = &listing,
            .reporter = &reporter,
            .area = area,
            .size = size,
            .serial = DRIVE_SERIAL,
        };
        ok = drive_fill_image(&request, error);
    }
    drive_listing_finish(&listing);
    drive_reporter_finish(&reporter);
    return ok;
}
