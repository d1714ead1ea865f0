/* FAT12, FAT16 and (to read) FAT32 volumes over single sectors of 512 bytes.
 *
 * Everything here works on a `struct fat_device`: a volume without partition table, as it lies in the flash of a board.
 * Any content of the device is acceptable: a malformed volume gives FAT_CORRUPT, never a crash or an endless loop.
 * Paths are UTF-8, parts separated by '/', relative to the root; "" is the root. Names compare without case. */
#ifndef FIRMWARE_LOADER_FAT_H
#define FIRMWARE_LOADER_FAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAT_SECTOR_SIZE 512
/* The longest name: 255 UTF-16 units, in UTF-8, with the final zero. */
#define FAT_NAME_SIZE (255 * 3 + 1)
/* Directory slots of the longest name, the short entry included. */
#define FAT_SLOTS_MAX 21
/* Directories deeper than this are not entered. */
#define FAT_DEPTH_MAX 32

#define FAT_READ_ONLY 0x01
#define FAT_HIDDEN 0x02
#define FAT_SYSTEM 0x04
#define FAT_LABEL 0x08
#define FAT_DIRECTORY 0x10
#define FAT_ARCHIVE 0x20

enum fat_result {
    FAT_OK,
    FAT_IO,             /* the device's read or write said no */
    FAT_CORRUPT,        /* the volume contradicts itself */
    FAT_NO_VOLUME,      /* no FAT volume there */
    FAT_NOT_FOUND,      /* no such file or folder; the end of a listing */
    FAT_EXISTS,         /* the name is taken */
    FAT_BAD_NAME,       /* a name that FAT cannot hold */
    FAT_FULL,           /* not enough free clusters */
    FAT_DIRECTORY_FULL, /* the root folder (or 65536 slots) is full */
    FAT_NOT_EMPTY,      /* the folder to remove has entries */
    FAT_WRONG_KIND,     /* a folder where a file is needed, or the other way round */
    FAT_PROTECTED,      /* the device cannot be written, or FAT32 */
    FAT_UNSUPPORTED,    /* a size that cannot be formatted, sectors other than 512 bytes */
    FAT_NO_MEMORY,
};

/* What is wrong, for a sentence: "the volume is full". */
const char *fat_result_text(enum fat_result result);

/* Where the volume lies. `barrier` (may be NULL) is called where the order of writes matters: what was written before
 * it must be on the medium before anything that is written after it, so that a stop between two of them leaves a volume
 * with at most some lost clusters. Within two barriers the order does not matter. */
struct fat_device {
    void *context;
    uint32_t sectors;
    bool (*read)(void *context, uint32_t sector, uint8_t *data);
    bool (*write)(void *context, uint32_t sector, const uint8_t *data); /* NULL: read only */
    void (*barrier)(void *context);
};

struct fat_volume {
    struct fat_device device;
    unsigned bits; /* 12, 16 or 32 */
    uint32_t serial;
    uint32_t cluster_sectors;
    uint32_t fat_start, fat_sectors, fat_copies;
    uint32_t root_start, root_sectors; /* FAT12/16 */
    uint32_t root_cluster;             /* FAT32 */
    uint32_t data_start;
    uint32_t clusters;     /* numbered from 2 */
    uint32_t search;       /* where the search for a free cluster goes on */
    uint32_t table_sector; /* of which `table_data` is a copy; 0: of none */
    uint8_t table_data[FAT_SECTOR_SIZE];
};

struct fat_place {
    uint32_t sector, offset;
};

struct fat_entry {
    char name[FAT_NAME_SIZE]; /* the long name where there is one */
    bool bad_name;            /* neither name can be used: `name` is only for messages */
    uint8_t attributes;
    uint32_t cluster;  /* 0: no data */
    uint32_t size;     /* bytes; 0 for a folder */
    uint32_t modified; /* FAT date << 16 | FAT time */
    uint16_t accessed; /* FAT date; 0 after FatFs has written the file: so firmware's work is told from ours */
    unsigned slots;
    struct fat_place place[FAT_SLOTS_MAX]; /* its slots in order, the short entry last */
};

/* A listing in progress; plain data. */
struct fat_cursor {
    uint32_t cluster; /* 0: the fixed root */
    uint32_t sector;  /* within the cluster or the root */
    uint32_t offset;
    uint32_t slots; /* seen so far */
    bool end;
};

struct fat_format_options {
    uint32_t serial;
    uint32_t hidden_sectors; /* where firmware sees the volume start: 1 in CircuitPython */
    const char *label;       /* up to 11 characters, written as they are; NULL or "": none */
};

/* Make an empty volume over the whole device, laid out as CircuitPython's f_mkfs does it. */
enum fat_result fat_format(const struct fat_device *device, const struct fat_format_options *options);

/* Read the boot sector. The device is copied. While the volume is in use nobody else changes what the device holds. */
enum fat_result fat_mount(struct fat_volume *volume, const struct fat_device *device);
/* The allocation table's value for a cluster: 0 is free, UINT32_MAX the end of a chain. */
enum fat_result fat_table_entry(struct fat_volume *volume, uint32_t cluster, uint32_t *ret_value);
/* Free clusters. */
enum fat_result fat_free_clusters(struct fat_volume *volume, uint32_t *ret_count);
/* The volume's label without trailing blanks; FAT_NOT_FOUND when the root has none. */
enum fat_result fat_label(struct fat_volume *volume, char ret_label[12]);

/* List a folder: `directory` from fat_lookup(), or NULL for the root. "." and ".." and the label are left out;
 * FAT_NOT_FOUND at the end. */
enum fat_result fat_open(struct fat_volume *volume, const struct fat_entry *directory, struct fat_cursor *ret_cursor);
enum fat_result fat_next(struct fat_volume *volume, struct fat_cursor *cursor, struct fat_entry *ret_entry);
/* Find a file or folder; the root itself is FAT_WRONG_KIND. */
enum fat_result fat_lookup(struct fat_volume *volume, const char *path, struct fat_entry *ret_entry);
/* Read up to `length` bytes from `offset`; *ret_length is less only at the end of the file. */
enum fat_result fat_read(struct fat_volume *volume, const struct fat_entry *file, uint32_t offset, void *data,
                         uint32_t length, uint32_t *ret_length);
/* Add the sectors that hold the file's data, in order, to a callback; it returns false to stop. */
enum fat_result fat_file_sectors(struct fat_volume *volume, const struct fat_entry *file,
                                 bool (*callback)(void *context, uint32_t sector), void *context);

/* Create or replace a file as a whole (attributes it has it keeps). The folder above must exist. The new contents are
 * complete on the volume before the old ones are given up, where there is room for both. On an error other than FAT_IO
 * nothing has changed. */
enum fat_result fat_write(struct fat_volume *volume, const char *path, const void *data, uint32_t size,
                          uint32_t modified, uint8_t attributes);
enum fat_result fat_make_directory(struct fat_volume *volume, const char *path, uint32_t modified);
/* Remove a file or an empty folder. */
enum fat_result fat_remove(struct fat_volume *volume, const char *path);
/* Move or rename; the new name must be free (a change of case alone is fine). */
enum fat_result fat_rename(struct fat_volume *volume, const char *from, const char *to);
enum fat_result fat_set_modified(struct fat_volume *volume, const char *path, uint32_t modified);

/* Walk the whole tree and follow every chain: FAT_CORRUPT when a chain ends early, leaves the volume or is shared, when
 * a folder contains itself, or a name cannot be used. Clusters that belong to nobody are no error (an open file). */
enum fat_result fat_check(struct fat_volume *volume);

/* Of the clusters whose bit is set in `candidates` (bit 0 of byte 0 is cluster 2), free those that are taken but belong
 * to no file: what a write that was cut short has left. The volume must be sound, as fat_check() says. */
enum fat_result fat_free_lost(struct fat_volume *volume, const uint8_t *candidates, uint32_t *ret_count);

/* Whether FAT can hold `name` (one part of a path, UTF-8). */
bool fat_name_valid(const char *name);
/* < 0, 0, > 0 without case, as the volume compares names. */
int fat_name_compare(const char *a, const char *b);

/* Seconds since 1970 (UTC) to a FAT date and time (also taken as UTC) and back; limited to 1980..2107, even seconds. */
uint32_t fat_time_from_unix(int64_t seconds);
int64_t fat_time_to_unix(uint32_t modified);

/* A volume in memory: the device for `size` bytes at `image`, which must outlive it. */
struct fat_device fat_memory_device(uint8_t *image, size_t size);

#endif
