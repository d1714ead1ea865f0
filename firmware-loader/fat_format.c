/* An empty volume as CircuitPython leaves it on a new board.
 * supervisor/shared/filesystem.c calls FatFs' f_mkfs with "FAT, cluster size automatic" and f_setlabel("CIRCUITPY");
 * the medium shows a made-up partition table in block 0 and the volume from block 1 (supervisor/shared/flash.c), but in
 * flash lies the volume alone. So: one copy of the table, one reserved sector, 512 root entries (64 up to 128 KB), the
 * cluster size by the volume's, and "hidden sectors" 1.
 *
 * Not as the firmware does it: the serial number is the caller's (there it is random), and the label stands in the boot
 * sector as well as in the root folder (the firmware leaves "NO NAME" there, which fsck.fat complains about). FAT32 is
 * never made: the firmware does not, below 2 GB. */
#include "firmware-loader/fat_private.h"

#include <string.h>

#define CLUSTERS_FAT12 4085
#define CLUSTERS_FAT16 65525

struct layout {
    uint32_t sectors, cluster_sectors, fat_sectors, root_entries, root_sectors;
    unsigned bits;
};

static uint32_t first_cluster_size(uint32_t sectors) {
    static const uint32_t steps[] = { 1, 4, 16, 64, 256, 512 }; /* in units of 4096 sectors */
    uint32_t size = 1;
    for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]) && sectors / 4096 >= steps[i]; i++) {
        size *= 2;
    }
    return size;
}

/* The table is sized for all sectors of the volume, those of the table itself included. */
static void size_for(struct layout *layout, uint32_t cluster_sectors) {
    uint32_t clusters = layout->sectors / cluster_sectors;
    layout->cluster_sectors = cluster_sectors;
    layout->bits = clusters > CLUSTERS_FAT12 ? 16 : 12;
    uint32_t bytes = layout->bits == 16 ? clusters * 2 + 4 : (clusters * 3 + 1) / 2 + 3;
    layout->fat_sectors = (bytes + FAT_SECTOR_SIZE - 1) / FAT_SECTOR_SIZE;
}

static bool choose(struct layout *layout, uint32_t sectors) {
    layout->sectors = sectors;
    layout->root_entries = sectors <= 256 ? 64 : 512;
    layout->root_sectors = layout->root_entries / FAT_SLOTS_PER_SECTOR;
    for (uint32_t size = first_cluster_size(sectors); size <= 128; size *= 2) {
        size_for(layout, size);
        uint32_t system = 1 + layout->fat_sectors + layout->root_sectors;
        if (sectors < system + size * 16) {
            return false;
        }
        uint32_t clusters = (sectors - system) / size;
        if (layout->bits == 12 || (clusters > CLUSTERS_FAT12 && clusters <= CLUSTERS_FAT16)) {
            return true;
        }
    }
    return false;
}

static bool has_label(const struct fat_format_options *options) {
    return options->label && *options->label;
}

static void put_label(uint8_t *field, const char *label) {
    memset(field, ' ', 11);
    memcpy(field, label, strnlen(label, 11));
}

static void fill_boot(uint8_t *boot, const struct layout *layout, const struct fat_format_options *options) {
    memcpy(boot, "\xeb\xfe\x90MSDOS5.0", 11);
    fat_put16(boot + 11, FAT_SECTOR_SIZE);
    boot[13] = (uint8_t)layout->cluster_sectors;
    fat_put16(boot + 14, 1);
    boot[16] = 1;
    fat_put16(boot + 17, layout->root_entries);
    if (layout->sectors < 0x10000) {
        fat_put16(boot + 19, layout->sectors);
    } else {
        fat_put32(boot + 32, layout->sectors);
    }
    boot[21] = 0xf8;
    fat_put16(boot + 22, layout->fat_sectors);
    fat_put16(boot + 24, 63);
    fat_put16(boot + 26, 255);
    fat_put32(boot + 28, options->hidden_sectors);
    boot[36] = 0x80;
    boot[38] = 0x29;
    fat_put32(boot + 39, options->serial);
    put_label(boot + 43, has_label(options) ? options->label : "NO NAME");
    memcpy(boot + 54, "FAT     ", 8);
    fat_put16(boot + 510, 0xaa55);
}

/* What sector `number` holds on an empty volume. */
static void fill_sector(uint8_t *data, uint32_t number, const struct layout *layout,
                        const struct fat_format_options *options) {
    memset(data, 0, FAT_SECTOR_SIZE);
    if (number == 0) {
        fill_boot(data, layout, options);
    } else if (number == 1) {
        memcpy(data, "\xf8\xff\xff\xff", layout->bits == 12 ? 3 : 4);
    } else if (number == 1 + layout->fat_sectors && has_label(options)) {
        put_label(data, options->label);
        data[11] = FAT_LABEL;
    }
}

enum fat_result fat_format(const struct fat_device *device, const struct fat_format_options *options) {
    struct layout layout;
    if (!device->write) {
        return FAT_PROTECTED;
    }
    if (!choose(&layout, device->sectors)) {
        return FAT_UNSUPPORTED;
    }
    uint32_t system = 1 + layout.fat_sectors + layout.root_sectors;
    for (uint32_t number = 0; number < system; number++) {
        uint8_t data[FAT_SECTOR_SIZE];
        fill_sector(data, number, &layout, options);
        if (!device->write(device->context, number, data)) {
            return FAT_IO;
        }
    }
    return FAT_OK;
}
