/* What folder and volume had in common when they last met: a sorted table by path. */
#include "firmware-loader/drive_private.h"

#include <stdlib.h>
#include <string.h>

/* The index of `path`, or where it would be. */
static size_t place_of(const struct drive_records *records, const char *path, bool *ret_there) {
    size_t low = 0, high = records->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(records->items[middle].path, path);
        if (order == 0) {
            *ret_there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_there = false;
    return low;
}

struct drive_record *drive_records_find(struct drive_records *records, const char *path) {
    bool there;
    size_t place = place_of(records, path, &there);
    return there ? &records->items[place] : NULL;
}

struct drive_record *drive_records_need(struct drive_records *records, const char *path) {
    bool there;
    size_t place = place_of(records, path, &there);
    if (there) {
        return &records->items[place];
    }
    if (records->count == records->room) {
        size_t room = records->room ? records->room * 2 : 64;
        struct drive_record *items = realloc(records->items, room * sizeof(*items));
        if (!items) {
            return NULL;
        }
        records->items = items;
        records->room = room;
    }
    char *copy = strdup(path);
    if (!copy) {
        return NULL;
    }
    struct drive_record *record = &records->items[place];
    memmove(record + 1, record, (records->count - place) * sizeof(*record));
    *record = (struct drive_record){ .path = copy };
    records->count++;
    return record;
}

void drive_records_remove(struct drive_records *records, const char *path) {
    bool there;
    size_t place = place_of(records, path, &there);
    if (!there) {
        return;
    }
    struct drive_record *record = &records->items[place];
    free(record->path);
    records->count--;
    memmove(record, record + 1, (records->count - place) * sizeof(*record));
}

void drive_records_finish(struct drive_records *records) {
    for (size_t i = 0; i < records->count; i++) {
        free(records->items[i].path);
    }
    free(records->items);
    *records = (struct drive_records){ 0 };
}

/* FNV-1a, 64 bits. */
uint64_t drive_hash(const uint8_t *data, size_t size) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ data[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

bool drive_path_ignored(const char *path) {
    while (*path) {
        size_t length = strcspn(path, "/");
        char part[FAT_NAME_SIZE];
        if (length < sizeof(part)) {
            memcpy(part, path, length);
            part[length] = 0;
            if (drive_ignores(part)) {
                return true;
            }
        }
        path += length + (path[length] == '/');
    }
    return false;
}
