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
