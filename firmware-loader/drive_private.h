/* Shared by the files of the drive engine; not for others. */
#ifndef FIRMWARE_LOADER_DRIVE_PRIVATE_H
#define FIRMWARE_LOADER_DRIVE_PRIVATE_H

#include "firmware-loader/drive.h"
#include "firmware-loader/fat.h"

#define DRIVE_RUN_MAX 64       /* sectors in one request */
#define DRIVE_RESTLESS_POLLS 8 /* so long we wait for a flash that is never quiet */
#define DRIVE_OFFLINE_POLLS 20 /* without a medium for so long: look at the flash directly */

/* What both sides were when they were last the same. */
struct drive_record {
    char *path;
    bool folder;
    bool on_host, on_volume;
    bool refused; /* the host's file under `signature` cannot go onto the drive */
    bool seen;    /* by the look at the volume that is under way */
    struct drive_signature signature;
    uint32_t size, modified, cluster; /* on the volume */
    uint64_t hash;
};

struct drive_records {
    struct drive_record *items; /* sorted by path */
    size_t count, room;
};

/* A sector on its way to the medium. Sectors of one phase may go in any order. */
struct drive_queued {
    uint32_t sector;
    uint32_t phase;
    uint8_t data[FAT_SECTOR_SIZE];
};

struct drive_queue {
    struct drive_queued *items;
    size_t count, room, next;
    size_t phase_start;
    uint32_t phase;
};

/* An entry of the volume with its path. */
struct drive_found {
    char *path;
    struct fat_entry entry;
};

struct drive_snapshot {
    struct drive_found *items;
    size_t count, room;
};

enum drive_push_kind { DRIVE_PUSH_NONE, DRIVE_PUSH_WRITE, DRIVE_PUSH_FOLDER, DRIVE_PUSH_REMOVE };

/* A change of the folder that is under way to the medium, and what the volume is when it is there. */
struct drive_push {
    enum drive_push_kind kind;
    char *path;
    struct drive_signature signature;
    uint64_t hash;
    uint32_t size, modified, cluster;
};

struct drive {
    char *folder;
    uint8_t *area; /* may be NULL */
    size_t area_size;
    drive_submit *submit;
    void *submit_context;
    struct drive_reporter reporter;

    /* the medium */
    bool online, write_protected;
    bool failed;            /* a request failed: rest */
    bool failed_write;      /* the last one that failed was a write */
    unsigned rest, backoff; /* polls to rest; the next rest */
    unsigned offline_polls;
    bool running; /* inside the loop that starts requests */
    bool busy;    /* a request is under way */
    bool busy_ok;
    uint32_t overtaken, overtaken_end; /* sectors that changed since the request was sent; none when equal */
    struct drive_request request;      /* count 0: none, and none to settle */
    uint8_t buffer[DRIVE_RUN_MAX * FAT_SECTOR_SIZE];
    bool probe; /* the partition table must be read */
    uint32_t start;

    /* our copy of the volume */
    uint32_t sectors;
    uint8_t *cache;
    bool *valid;         /* the copy is what the medium has, as far as we know */
    bool *altered;       /* it was read again and is different */
    uint32_t *queued_at; /* 1 + the index in the queue, if that is in the present phase */
    bool is_missing;     /* a sector must be fetched first */
    uint32_t missing;
    struct drive_queue queue;
    /* A bit for each cluster that a push may have left without an owner if it was cut short: the free ones, and those
     * of the file it replaced. */
    uint8_t *candidates;
    bool cut_short;

    /* the volume */
    bool touched;  /* the flash has changed since the last poll */
    bool unquiet;  /* it had, at the last poll */
    bool restless; /* it was never quiet: what we see may be half done */
    unsigned restless_polls;
    bool check; /* the volume must be looked at */
    bool pulling, looked, restart, again;
    unsigned restarts;
    bool formatted; /* this look finds another volume than the last one */
    bool broken;
    bool serial_known;
    uint32_t serial;
    struct drive_snapshot snapshot;
    size_t pull_index;

    /* the folder */
    struct drive_listing listing, previous;
    bool listing_whole, previous_whole;
    size_t unchanged;    /* items at the beginning of the listing that need no push */
    bool full;           /* something did not fit, and nothing was given back since */
    uint64_t free_bytes; /* then */
    unsigned host_ms;
    uint64_t list_ms;  /* not before, on the host's clock */
    bool host_written; /* by us, since the listing was made */
    bool unwritten;    /* the folder did not take something of the drive's */
    bool pushing;      /* the folder's changes are being written */
    bool hold;         /* programs stay off the drive */
    size_t held;       /* how many are there */
    bool releasing;    /* they are on their way */
    struct drive_push push;
    struct drive_records records;
};

/* drive.c */
struct fat_device drive_device(struct drive *drive);
/* The volume over the cache. FAT_IO: fetch what is missing first. */
enum fat_result drive_mount(struct drive *drive, struct fat_volume *ret_volume);
/* Whether sectors of [first, end) must be fetched; sets `missing`. */
bool drive_needs(struct drive *drive, uint32_t first, uint32_t end);
void drive_invalidate(struct drive *drive, uint32_t first, uint32_t end);

/* drive_records.c */
struct drive_record *drive_records_find(struct drive_records *records, const char *path);
/* Find or add; NULL without memory. Invalidates other pointers to records. */
struct drive_record *drive_records_need(struct drive_records *records, const char *path);
/* The same, with a line when there is no memory for it. */
struct drive_record *drive_need_record(struct drive *drive, const char *path);
void drive_records_remove(struct drive_records *records, const char *path);
void drive_records_finish(struct drive_records *records);
uint64_t drive_hash(const uint8_t *data, size_t size);
/* Whether a part of the path is one that stays off the drive. */
bool drive_path_ignored(const char *path);

/* drive_pull.c: volume to folder. A step ends with what it can do without the medium; when it set `is_missing`, it goes
 * on after the fetch. */
void drive_pull_step(struct drive *drive);
void drive_snapshot_finish(struct drive_snapshot *snapshot);
/* All entries of a volume; on an error the first one, and of a volume that is not sound what could be read. */
enum fat_result drive_snapshot_make(struct fat_volume *volume, struct drive_snapshot *snapshot);
/* A name beside the file that is free, for the caller to free; NULL without memory. */
char *drive_conflict_name(const char *folder, const char *path);
/* Make the folders above a path of the folder. */
void drive_make_parents(const char *folder, const char *path);

/* drive_rescue.c: what the board wrote in an area and the folder does not have is copied into the folder, also from a
 * volume that is not sound. Before the area is made anew, or when the folder cannot be kept in step any more. False
 * when the folder did not take all of it; that has been reported. */
bool drive_rescue(const char *folder, uint8_t *area, size_t size, struct drive_reporter *reporter);

/* drive_order.c: the indices of the listing's items in the order in which they are worth to be on the drive, a folder
 * before what is in it; for the caller to free. NULL without memory. */
size_t *drive_order(const char *root, const struct drive_listing *listing);

/* drive_hold.c: a file that CircuitPython runs when it starts. */
bool drive_starts_by_itself(const struct drive_item *item);
/* Take what CircuitPython starts by itself out of a listing; returns how many there were. */
size_t drive_hold_back(struct drive_listing *listing);

/* drive_push.c: folder to volume. */
bool drive_push_wanted(struct drive *drive);
/* Put the next change into the cache and the queue; false when there is none. It may need a fetch first. */
bool drive_push_step(struct drive *drive);
/* Free what pushes that were cut short have left. False: something must be fetched first. */
bool drive_push_clean(struct drive *drive, struct fat_volume *volume);
/* There is more room than before: what was refused may be tried again. */
void drive_push_retry(struct drive *drive);
/* What was queued has reached the medium. */
void drive_push_complete(struct drive *drive);
void drive_push_drop(struct drive *drive);

#endif
