/* The input is the beginning of a volume of up to 100 MB; what follows reads as zeros and forgets what is written. */
#include "firmware-loader/fat.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define SECTORS 200000

struct medium {
    uint8_t *bytes;
    size_t size;
};

static bool medium_read(void *context, uint32_t sector, uint8_t *data) {
    const struct medium *medium = context;
    size_t offset = (size_t)sector * FAT_SECTOR_SIZE;
    memset(data, 0, FAT_SECTOR_SIZE);
    if (offset < medium->size) {
        size_t there = medium->size - offset;
        memcpy(data, medium->bytes + offset, there < FAT_SECTOR_SIZE ? there : FAT_SECTOR_SIZE);
    }
    return true;
}

static bool medium_write(void *context, uint32_t sector, const uint8_t *data) {
    struct medium *medium = context;
    size_t offset = (size_t)sector * FAT_SECTOR_SIZE;
    if (offset < medium->size) {
        size_t there = medium->size - offset;
        memcpy(medium->bytes + offset, data, there < FAT_SECTOR_SIZE ? there : FAT_SECTOR_SIZE);
    }
    return true;
}

static void walk(struct fat_volume *volume, const struct fat_entry *folder, unsigned depth, unsigned *budget) {
    struct fat_cursor cursor;
    struct fat_entry entry;
    if (depth > 3 || fat_open(volume, folder, &cursor)) {
        return;
    }
    while (*budget && !fat_next(volume, &cursor, &entry)) {
        static uint8_t out[4096];
        uint32_t length;
        (*budget)--;
        if (!entry.bad_name && !fat_name_valid(entry.name)) {
            abort();
        }
        fat_read(volume, &entry, 0, out, sizeof(out), &length);
        if (entry.attributes & FAT_DIRECTORY) {
            walk(volume, &entry, depth + 1, budget);
        }
    }
}

static void change(struct fat_volume *volume) {
    static const uint8_t contents[3000];
    fat_make_directory(volume, "lib", 0);
    fat_write(volume, "lib/a long name.py", contents, sizeof(contents), 0, 0);
    fat_write(volume, "code.py", contents, 700, 0, 0);
    fat_rename(volume, "code.py", "lib/Main.py");
    fat_set_modified(volume, "lib/Main.py", 1);
    fat_remove(volume, "boot_out.txt");
    fat_remove(volume, "lib");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    struct medium medium = { malloc(size + 1), size };
    struct fat_device device = { &medium, SECTORS, medium_read, medium_write, NULL };
    struct fat_volume volume;
    char label[12];
    unsigned budget = 100;
    memcpy(medium.bytes, bytes, size);
    if (!fat_mount(&volume, &device)) {
        fat_check(&volume);
        fat_label(&volume, label);
        walk(&volume, NULL, 0, &budget);
        change(&volume);
    }
    free(medium.bytes);
    return 0;
}
