/* A folder becomes a volume in memory. Of a folder that is too large the most useful files come first. */
#include "firmware-loader/drive_image.h"

#include "firmware-loader/drive_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void say(const struct drive_image_request *request, const char *path, const char *why) {
    drive_say(request->reporter, LOG_WARN, "%s/%s: not on the drive: %s", request->folder, path, why);
}

/* What the whole folder needs and has. */
struct filling {
    const struct drive_image_request *request;
    struct fat_volume *volume;
    uint64_t wanted_bytes, volume_bytes;
    size_t files, missing;
    const char *first_missing;
    uint64_t free_bytes; /* known from the first failure on */
};

/* A folder that did not fit takes its contents with it. */
static void miss(struct filling *filling, const struct drive_item *item) {
    const struct drive_image_request *request = filling->request;
    drive_say(request->reporter, LOG_TRACE, "%s/%s: not on the drive: the volume is full", request->folder, item->path);
    if (!item->folder) {
        filling->first_missing = filling->missing ? filling->first_missing : item->path;
        filling->missing++;
    }
}

static bool took(struct filling *filling, const struct drive_item *item, enum fat_result result) {
    if (result == FAT_FULL || result == FAT_NOT_FOUND) {
        miss(filling, item);
    } else if (result) {
        say(filling->request, item->path, fat_result_text(result));
    }
    return result == FAT_OK;
}

static bool add_folder(struct filling *filling, const struct drive_item *item) {
    uint32_t date = fat_time_from_unix(item->signature.seconds);
    return took(filling, item, fat_make_directory(filling->volume, item->path, date));
}

static bool add_file(struct filling *filling, struct drive_item *item) {
    const struct drive_image_request *request = filling->request;
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
    enum fat_result result =
        fat_write(filling->volume, item->path, data, (uint32_t)item->signature.size, date, FAT_ARCHIVE);
    free(data);
    return took(filling, item, result);
}

static bool lies_in(const char *path, const char *folder) {
    size_t length = strlen(folder);
    return length && !strncmp(path, folder, length) && path[length] == '/';
}

static uint64_t free_bytes(struct fat_volume *volume) {
    uint32_t clusters;
    bool known = fat_free_clusters(volume, &clusters) == FAT_OK;
    return known ? (uint64_t)clusters * volume->cluster_sectors * FAT_SECTOR_SIZE : 0;
}

static bool add(struct filling *filling, struct drive_item *item) {
    if (!item->folder && item->signature.size > filling->free_bytes) {
        return took(filling, item, FAT_FULL);
    }
    bool ok = item->folder ? add_folder(filling, item) : add_file(filling, item);
    if (!ok) {
        filling->free_bytes = free_bytes(filling->volume);
    }
    return ok;
}

static void add_all(struct filling *filling, const size_t *order) {
    const struct drive_image_request *request = filling->request;
    const char *missing = "";
    for (size_t i = 0; i < request->listing->count; i++) {
        struct drive_item item = request->listing->items[order ? order[i] : i];
        if (lies_in(item.path, missing)) {
            miss(filling, &item);
            continue;
        }
        bool ok = add(filling, &item);
        if (!ok && item.folder) {
            missing = item.path;
        }
        if (ok && request->stored) {
            request->stored(request->context, &item);
        }
    }
}

/* Clusters are not filled to the last byte: a folder of nearly the volume's size may be too large as well. */
static void measure(struct filling *filling) {
    const struct drive_listing *listing = filling->request->listing;
    uint64_t cluster = filling->volume->cluster_sectors * FAT_SECTOR_SIZE;
    filling->volume_bytes = free_bytes(filling->volume);
    for (size_t i = 0; i < listing->count; i++) {
        const struct drive_item *item = &listing->items[i];
        uint64_t bytes = item->folder ? cluster : item->signature.size;
        filling->wanted_bytes += (bytes + cluster - 1) / cluster * cluster;
        filling->files += !item->folder;
    }
}

static void fill(struct filling *filling) {
    const struct drive_image_request *request = filling->request;
    measure(filling);
    size_t *order =
        filling->wanted_bytes > filling->volume_bytes ? drive_order(request->folder, request->listing) : NULL;
    add_all(filling, order);
    free(order);
    if (filling->missing) {
        drive_say(request->reporter, LOG_WARN,
                  "%s: %zu files need %llu KB and the drive has %llu: %zu of them did not fit, the first is %s (--log "
                  "warn,trace names all)",
                  request->folder, filling->files, (unsigned long long)(filling->wanted_bytes + 1023) / 1024,
                  (unsigned long long)filling->volume_bytes / 1024, filling->missing, filling->first_missing);
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
    struct filling filling = { .request = request, .volume = &volume, .free_bytes = UINT64_MAX };
    fill(&filling);
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
