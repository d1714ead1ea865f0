/* The host's side of a drive: a folder, listed, read and written with care. Private to drive*.c and its tests. */
#ifndef FIRMWARE_LOADER_DRIVE_FOLDER_H
#define FIRMWARE_LOADER_DRIVE_FOLDER_H

#include "emulator/core/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One clear line for the user, without newline. */
typedef void drive_report(void *context, enum log_level level, const char *line);

/* Says each line once, however often the folder is looked at. */
struct drive_reporter {
    drive_report *report; /* may be NULL */
    void *context;
    uint64_t *said; /* hashes of the lines */
    size_t count, room;
    unsigned full; /* lines of drive_say_full() */
};

/* A line, unless it has been said before: then, or when nobody listens, false. */
bool drive_say(struct drive_reporter *reporter, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* This path does not fit. Of a folder that is far too large only the first few get a line of their own. */
void drive_say_full(struct drive_reporter *reporter, const char *folder, const char *path);
void drive_reporter_finish(struct drive_reporter *reporter);

/* By this a changed file is known. */
struct drive_signature {
    uint64_t size, inode;
    int64_t seconds;
    uint32_t nanoseconds;
    bool readable; /* by somebody at all */
};

bool drive_signature_equal(const struct drive_signature *a, const struct drive_signature *b);

struct drive_item {
    char *path; /* relative, parts separated by '/', every part a valid FAT name */
    bool folder;
    struct drive_signature signature;
};

/* What the folder holds that can be on the drive, sorted: a folder comes before its contents. `shown` are the paths of
 * things that are there but were left out, so that nobody takes them for deleted. */
struct drive_listing {
    struct drive_item *items;
    size_t count, room;
    struct drive_item *left_out;
    size_t left_out_count, left_out_room;
};

/* List `root` and all below it; says what is left out and why. False when the folder itself, or one below it, cannot be
 * read whole: then the listing says nothing about what is missing. */
bool drive_list(const char *root, struct drive_listing *ret_listing, struct drive_reporter *reporter);
void drive_listing_finish(struct drive_listing *listing);
const struct drive_item *drive_listing_find(const struct drive_listing *listing, const char *path);
/* Whether the name is one that stays off the drive: version control, caches, editors' and our temporary files. */
bool drive_ignores(const char *name);

enum drive_host_result {
    DRIVE_HOST_OK,
    DRIVE_HOST_GONE,     /* not there (any more) */
    DRIVE_HOST_CHANGING, /* somebody writes it just now: try again later */
    DRIVE_HOST_FAILED,   /* errno says why */
};

/* Read a whole file: *ret_data is malloc'ed, *ret_signature what it was before and after reading. Not through symbolic
 * links. */
enum drive_host_result drive_host_read(const char *root, const char *path, uint64_t limit, uint8_t **ret_data,
                                       struct drive_signature *ret_signature);
/* Replace a file as a whole (a temporary file, renamed), with this modification time. */
enum drive_host_result drive_host_write(const char *root, const char *path, const uint8_t *data, size_t size,
                                        int64_t seconds, struct drive_signature *ret_signature);
enum drive_host_result drive_host_make_folder(const char *root, const char *path);
enum drive_host_result drive_host_remove(const char *root, const char *path, bool folder);
enum drive_host_result drive_host_stat(const char *root, const char *path, struct drive_item *ret_item);

#endif
