/* Raw images: what `dd` copies from a board's drive, or mformat and mkfs.fat make.
 * A volume smaller than the board's area stays so until the firmware formats it; the file that is written back always
 * holds the whole area. Not modelled: images of more than one partition keep the first only. */
#include "firmware-loader/drive_file.h"

#include "firmware-loader/fat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARTITION 446
#define TABLE_ROOM (1024 * 1024) /* partitions begin no later */

static uint32_t get32(const uint8_t *data) {
    return data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

static bool is_volume(uint8_t *bytes, size_t size) {
    struct fat_device device = fat_memory_device(bytes, size);
    struct fat_volume volume;
    return fat_mount(&volume, &device) == FAT_OK;
}

/* Where the volume begins in the file; SIZE_MAX: nowhere. */
static size_t find_volume(uint8_t *bytes, size_t size) {
    if (is_volume(bytes, size)) {
        return 0;
    }
    if (size < 1024 || bytes[510] != 0x55 || bytes[511] != 0xaa) {
        return SIZE_MAX;
    }
    uint64_t start = (uint64_t)get32(bytes + PARTITION + 8) * FAT_SECTOR_SIZE;
    bool there = start && start < size && is_volume(bytes + start, size - (size_t)start);
    return there ? (size_t)start : SIZE_MAX;
}

static bool take(struct drive_file *file, uint8_t *bytes, size_t size, uint8_t *area, struct error *error) {
    size_t start = find_volume(bytes, size);
    if (size > file->size + TABLE_ROOM) { /* cut off: its volume may not be whole here */
        error_set(error, "%s: more than %zu bytes, but the drive of this board has %zu", file->path, size - 1,
                  file->size);
        return false;
    }
    if (start == SIZE_MAX) {
        error_set(error, "%s: not an image of a FAT volume", file->path);
        return false;
    }
    if (size - start > file->size) {
        error_set(error, "%s: %zu bytes, but the drive of this board has %zu", file->path, size - start, file->size);
        return false;
    }
    file->has_table = start > 0;
    memcpy(file->table, bytes, sizeof(file->table));
    memcpy(area, bytes + start, size - start);
    return true;
}

/* The whole file; of one that is too large, enough to tell. */
static bool load(struct drive_file *file, FILE *stream, uint8_t *area, struct error *error) {
    size_t room = file->size + TABLE_ROOM + 1;
    uint8_t *bytes = malloc(room);
    if (!bytes) {
        error_set(error, "%s: out of memory", file->path);
        return false;
    }
    size_t size = fread(bytes, 1, room, stream);
    bool ok = !ferror(stream);
    if (!ok) {
        error_set(error, "%s: %s", file->path, strerror(errno));
    }
    ok = ok && take(file, bytes, size, area, error);
    free(bytes);
    return ok;
}

/* The file can be made later; an error now is better than changes that cannot be saved then. */
static bool can_be_made(const char *path) {
    char *folder = strdup(path);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    if (slash) {
        slash[slash == folder] = 0;
    }
    bool ok = folder && access(slash ? folder : ".", W_OK) == 0;
    int number = errno;
    free(folder);
    errno = number;
    return ok;
}

bool drive_file_open(struct drive_file *file, const char *path, uint8_t *area, size_t size, struct error *error) {
    *file = (struct drive_file){ .path = strdup(path), .area = area, .size = size };
    memset(area, 0xff, size);
    FILE *stream = file->path ? fopen(path, "rb") : NULL;
    bool ok = !stream && file->path && errno == ENOENT && can_be_made(path);
    if (stream) {
        ok = load(file, stream, area, error);
        fclose(stream);
    } else if (!ok) {
        error_set(error, "%s: %s", path, strerror(errno));
    }
    if (!ok) {
        free(file->path);
        file->path = NULL;
    }
    return ok;
}

void drive_file_changed(struct drive_file *file) {
    file->changed = file->touched = true;
}

static bool write_whole(const struct drive_file *file, const char *temporary) {
    FILE *stream = fopen(temporary, "wb");
    if (!stream) {
        return false;
    }
    bool ok = !file->has_table || fwrite(file->table, sizeof(file->table), 1, stream) == 1;
    ok = ok && fwrite(file->area, 1, file->size, stream) == file->size;
    return fclose(stream) == 0 && ok;
}

static bool save(struct drive_file *file, struct error *error) {
    char *temporary;
    if (asprintf(&temporary, "%s.new", file->path) < 0) {
        error_set(error, "%s: out of memory", file->path);
        return false;
    }
    bool ok = write_whole(file, temporary) && rename(temporary, file->path) == 0;
    if (ok) {
        file->changed = false;
    } else {
        error_set(error, "%s: cannot be written: %s", file->path, strerror(errno));
        unlink(temporary);
    }
    free(temporary);
    return ok;
}

bool drive_file_poll(struct drive_file *file, struct error *error) {
    bool quiet = !file->touched;
    file->touched = false;
    return !file->path || !file->changed || !quiet || save(file, error);
}

bool drive_file_close(struct drive_file *file, struct error *error) {
    bool ok = !file->path || !file->changed || save(file, error);
    free(file->path);
    file->path = NULL;
    return ok;
}
