/* The volume: boot sector, allocation table, chains.
 * Microsoft's "FAT: General Overview of On-Disk Format" 1.03 (fatgen103); where it and CircuitPython's FatFs differ,
 * the firmware's reading counts, because it owns the volume: up to 4085 clusters are FAT12 (fatgen103: 4084), up to
 * 65525 FAT16; the boot sector needs its signature, a jump and the letters "FAT".
 *
 * Not modelled: the FAT32 information sector and mirroring flags (FAT32 is read only), exFAT, sectors other than 512
 * bytes, the "dirty" bits of entry 1. */
#include "firmware-loader/fat_private.h"

#include <string.h>

#define CLUSTERS_FAT12 4085
#define CLUSTERS_FAT16 65525
#define CLUSTERS_FAT32 0x0ffffff5

const char *fat_result_text(enum fat_result result) {
    static const char *const text[] = {
        [FAT_OK] = "done",
        [FAT_IO] = "the drive could not be read or written",
        [FAT_CORRUPT] = "the volume is damaged",
        [FAT_NO_VOLUME] = "there is no FAT volume",
        [FAT_NOT_FOUND] = "there is no such file or folder",
        [FAT_EXISTS] = "the name is taken",
        [FAT_BAD_NAME] = "a FAT volume cannot hold this name",
        [FAT_FULL] = "the volume is full",
        [FAT_DIRECTORY_FULL] = "the folder holds as many names as it can",
        [FAT_NOT_EMPTY] = "the folder is not empty",
        [FAT_WRONG_KIND] = "a folder and a file have the same name",
        [FAT_PROTECTED] = "the volume is write-protected",
        [FAT_UNSUPPORTED] = "this kind of volume is not supported",
        [FAT_NO_MEMORY] = "out of memory",
    };
    return text[result];
}

enum fat_result fat_sector_read(struct fat_volume *volume, uint32_t sector, uint8_t *data) {
    const struct fat_device *device = &volume->device;
    if (sector >= device->sectors) {
        return FAT_CORRUPT;
    }
    return device->read(device->context, sector, data) ? FAT_OK : FAT_IO;
}

enum fat_result fat_sector_write(struct fat_volume *volume, uint32_t sector, const uint8_t *data) {
    const struct fat_device *device = &volume->device;
    if (sector >= device->sectors) {
        return FAT_CORRUPT;
    }
    return device->write(device->context, sector, data) ? FAT_OK : FAT_IO;
}

void fat_barrier(struct fat_volume *volume) {
    if (volume->device.barrier) {
        volume->device.barrier(volume->device.context);
    }
}

static bool memory_read(void *context, uint32_t sector, uint8_t *data) {
    memcpy(data, (uint8_t *)context + (size_t)sector * FAT_SECTOR_SIZE, FAT_SECTOR_SIZE);
    return true;
}

static bool memory_write(void *context, uint32_t sector, const uint8_t *data) {
    memcpy((uint8_t *)context + (size_t)sector * FAT_SECTOR_SIZE, data, FAT_SECTOR_SIZE);
    return true;
}

struct fat_device fat_memory_device(uint8_t *image, size_t size) {
    return (struct fat_device){
        .context = image,
        .sectors = (uint32_t)(size / FAT_SECTOR_SIZE),
        .read = memory_read,
        .write = memory_write,
    };
}

static bool is_boot_sector(const uint8_t *boot) {
    bool jump = boot[0] == 0xeb || boot[0] == 0xe9 || boot[0] == 0xe8;
    bool named = !memcmp(boot + 54, "FAT", 3) || !memcmp(boot + 82, "FAT32", 5);
    return fat_get16(boot + 510) == 0xaa55 && jump && named;
}

static bool set_type(struct fat_volume *volume, const uint8_t *boot, uint32_t root_entries) {
    volume->bits = volume->clusters <= CLUSTERS_FAT12 ? 12 : volume->clusters <= CLUSTERS_FAT16 ? 16 : 32;
    if (volume->bits != 32) {
        volume->serial = fat_get32(boot + 39);
        return root_entries > 0;
    }
    volume->serial = fat_get32(boot + 67);
    volume->root_cluster = fat_get32(boot + 44);
    bool version = fat_get16(boot + 42) == 0;
    return version && root_entries == 0 && volume->clusters <= CLUSTERS_FAT32 &&
           fat_cluster_valid(volume, volume->root_cluster);
}

static bool table_is_large_enough(const struct fat_volume *volume) {
    uint64_t bytes = ((uint64_t)volume->clusters + 2) * volume->bits;
    return (uint64_t)volume->fat_sectors * FAT_SECTOR_SIZE >= (bytes + 7) / 8;
}

/* All sums in 64 bits: the fields may hold anything. */
static bool set_layout(struct fat_volume *volume, const uint8_t *boot) {
    uint64_t total = fat_get16(boot + 19) ? fat_get16(boot + 19) : fat_get32(boot + 32);
    uint32_t root_entries = fat_get16(boot + 17);
    volume->cluster_sectors = boot[13];
    volume->fat_start = fat_get16(boot + 14);
    volume->fat_copies = boot[16];
    volume->fat_sectors = fat_get16(boot + 22) ? fat_get16(boot + 22) : fat_get32(boot + 36);
    if (!volume->cluster_sectors || (volume->cluster_sectors & (volume->cluster_sectors - 1)) || !volume->fat_start ||
        volume->fat_copies < 1 || volume->fat_copies > 2 || root_entries % FAT_SLOTS_PER_SECTOR) {
        return false;
    }
    uint64_t root_start = volume->fat_start + (uint64_t)volume->fat_sectors * volume->fat_copies;
    volume->root_sectors = root_entries / FAT_SLOTS_PER_SECTOR;
    uint64_t data_start = root_start + volume->root_sectors;
    if (total > volume->device.sectors || data_start >= total) {
        return false;
    }
    volume->root_start = (uint32_t)root_start;
    volume->data_start = (uint32_t)data_start;
    volume->clusters = (uint32_t)((total - data_start) / volume->cluster_sectors);
    return volume->clusters > 0 && set_type(volume, boot, root_entries) && table_is_large_enough(volume);
}

enum fat_result fat_mount(struct fat_volume *volume, const struct fat_device *device) {
    uint8_t boot[FAT_SECTOR_SIZE];
    *volume = (struct fat_volume){ .device = *device, .search = 2 };
    if (!device->sectors) {
        return FAT_NO_VOLUME;
    }
    enum fat_result result = fat_sector_read(volume, 0, boot);
    if (result) {
        return result;
    }
    if (!is_boot_sector(boot)) {
        return FAT_NO_VOLUME;
    }
    if (fat_get16(boot + 11) != FAT_SECTOR_SIZE) {
        return FAT_UNSUPPORTED;
    }
    if (!set_layout(volume, boot)) {
        return FAT_CORRUPT;
    }
    if (volume->bits == 32) {
        volume->device.write = NULL;
    }
    return FAT_OK;
}

bool fat_cluster_valid(const struct fat_volume *volume, uint32_t cluster) {
    return cluster >= 2 && cluster - 2 < volume->clusters;
}

uint32_t fat_cluster_sector(const struct fat_volume *volume, uint32_t cluster) {
    return volume->data_start + (cluster - 2) * volume->cluster_sectors;
}

/* The byte of the first table at an offset. */
static enum fat_result table_byte(struct fat_volume *volume, uint32_t offset, uint8_t *ret_byte) {
    uint32_t number = volume->fat_start + offset / FAT_SECTOR_SIZE;
    if (number != volume->table_sector) {
        volume->table_sector = 0;
        enum fat_result result = fat_sector_read(volume, number, volume->table_data);
        if (result) {
            return result;
        }
        volume->table_sector = number;
    }
    *ret_byte = volume->table_data[offset % FAT_SECTOR_SIZE];
    return FAT_OK;
}

/* The bytes that hold an entry; one of FAT12 may lie in two sectors. */
static enum fat_result table_bytes(struct fat_volume *volume, uint32_t offset, unsigned count, uint8_t *bytes) {
    enum fat_result result = FAT_OK;
    for (unsigned i = 0; i < count && !result; i++) {
        result = table_byte(volume, offset + i, &bytes[i]);
    }
    return result;
}

static enum fat_result table_store(struct fat_volume *volume, uint32_t base, uint32_t offset, unsigned count,
                                   const uint8_t *bytes) {
    volume->table_sector = 0;
    for (unsigned i = 0; i < count;) {
        uint8_t sector[FAT_SECTOR_SIZE];
        uint32_t number = base + (offset + i) / FAT_SECTOR_SIZE;
        enum fat_result result = fat_sector_read(volume, number, sector);
        if (result) {
            return result;
        }
        do {
            sector[(offset + i) % FAT_SECTOR_SIZE] = bytes[i];
            i++;
        } while (i < count && (offset + i) % FAT_SECTOR_SIZE);
        result = fat_sector_write(volume, number, sector);
        if (result) {
            return result;
        }
    }
    return FAT_OK;
}

static uint32_t entry_offset(const struct fat_volume *volume, uint32_t cluster) {
    return volume->bits == 12 ? cluster + cluster / 2 : cluster * (volume->bits / 8);
}

enum fat_result fat_get(struct fat_volume *volume, uint32_t cluster, uint32_t *ret_value) {
    uint8_t bytes[4] = { 0 };
    unsigned count = volume->bits == 32 ? 4 : 2;
    enum fat_result result = table_bytes(volume, entry_offset(volume, cluster), count, bytes);
    if (result) {
        return result;
    }
    uint32_t value = fat_get32(bytes);
    if (volume->bits == 12) {
        value = cluster & 1 ? value >> 4 : value & 0xfff;
    }
    value &= 0x0fffffff;
    uint32_t end = volume->bits == 12 ? 0xff8 : volume->bits == 16 ? 0xfff8 : 0x0ffffff8;
    *ret_value = value >= end ? FAT_CHAIN_END : value;
    return FAT_OK;
}

enum fat_result fat_table_entry(struct fat_volume *volume, uint32_t cluster, uint32_t *ret_value) {
    return fat_cluster_valid(volume, cluster) ? fat_get(volume, cluster, ret_value) : FAT_CORRUPT;
}

/* FAT12 and FAT16 only: FAT32 is never written. */
enum fat_result fat_set(struct fat_volume *volume, uint32_t cluster, uint32_t value) {
    uint8_t bytes[2];
    uint32_t offset = entry_offset(volume, cluster);
    if (volume->bits == 12) {
        enum fat_result result = table_bytes(volume, offset, 2, bytes);
        if (result) {
            return result;
        }
        uint32_t old = fat_get16(bytes);
        value &= 0xfff;
        value = cluster & 1 ? (old & 0x000f) | value << 4 : (old & 0xf000) | value;
    }
    fat_put16(bytes, value & 0xffff);
    for (uint32_t copy = 0; copy < volume->fat_copies; copy++) {
        uint32_t base = volume->fat_start + copy * volume->fat_sectors;
        enum fat_result result = table_store(volume, base, offset, 2, bytes);
        if (result) {
            return result;
        }
    }
    return FAT_OK;
}

enum fat_result fat_chain_next(struct fat_volume *volume, uint32_t cluster, uint32_t *ret_next) {
    if (!fat_cluster_valid(volume, cluster)) {
        return FAT_CORRUPT;
    }
    enum fat_result result = fat_get(volume, cluster, ret_next);
    if (result) {
        return result;
    }
    return *ret_next == FAT_CHAIN_END || fat_cluster_valid(volume, *ret_next) ? FAT_OK : FAT_CORRUPT;
}

/* A chain with more links than the volume has clusters is a ring. */
enum fat_result fat_chain_length(struct fat_volume *volume, uint32_t cluster, uint32_t *ret_count) {
    uint32_t count = 0;
    while (cluster != FAT_CHAIN_END) {
        if (++count > volume->clusters) {
            return FAT_CORRUPT;
        }
        enum fat_result result = fat_chain_next(volume, cluster, &cluster);
        if (result) {
            return result;
        }
    }
    *ret_count = count;
    return FAT_OK;
}

enum fat_result fat_free_clusters(struct fat_volume *volume, uint32_t *ret_count) {
    uint32_t count = 0;
    for (uint32_t cluster = 2; cluster - 2 < volume->clusters; cluster++) {
        uint32_t value;
        enum fat_result result = fat_get(volume, cluster, &value);
        if (result) {
            return result;
        }
        count += value == 0;
    }
    *ret_count = count;
    return FAT_OK;
}

enum fat_result fat_find_free(struct fat_volume *volume, uint32_t count, uint32_t *ret_clusters) {
    uint32_t found = 0;
    uint32_t cluster = fat_cluster_valid(volume, volume->search) ? volume->search : 2;
    for (uint32_t seen = 0; seen < volume->clusters && found < count; seen++) {
        uint32_t value;
        enum fat_result result = fat_get(volume, cluster, &value);
        if (result) {
            return result;
        }
        if (value == 0) {
            ret_clusters[found++] = cluster;
        }
        cluster = fat_cluster_valid(volume, cluster + 1) ? cluster + 1 : 2;
    }
    if (found < count) {
        return FAT_FULL;
    }
    volume->search = cluster;
    return FAT_OK;
}

enum fat_result fat_chain_link(struct fat_volume *volume, const uint32_t *clusters, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t next = i + 1 < count ? clusters[i + 1] : FAT_CHAIN_END;
        enum fat_result result = fat_set(volume, clusters[i], next);
        if (result) {
            return result;
        }
    }
    return FAT_OK;
}

enum fat_result fat_chain_free(struct fat_volume *volume, uint32_t cluster) {
    while (cluster != FAT_CHAIN_END) {
        uint32_t next;
        enum fat_result result = fat_chain_next(volume, cluster, &next);
        if (!result) {
            result = fat_set(volume, cluster, 0);
        }
        if (result) {
            return result;
        }
        cluster = next;
    }
    return FAT_OK;
}

static int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    int64_t era = year / 400;
    unsigned year_of_era = (unsigned)(year - era * 400);
    unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

static void civil_from_days(int64_t days, unsigned *year, unsigned *month, unsigned *day) {
    days += 719468;
    int64_t era = days / 146097;
    unsigned of_era = (unsigned)(days - era * 146097);
    unsigned year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    unsigned day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    unsigned shifted = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * shifted + 2) / 5 + 1;
    *month = shifted < 10 ? shifted + 3 : shifted - 9;
    *year = year_of_era + (unsigned)era * 400 + (*month <= 2);
}

uint32_t fat_time_from_unix(int64_t seconds) {
    static const int64_t first = 315532800, last = 4354819198; /* 1980-01-01 00:00:00, 2107-12-31 23:59:58 */
    seconds = seconds < first ? first : seconds > last ? last : seconds;
    unsigned year, month, day;
    civil_from_days(seconds / 86400, &year, &month, &day);
    unsigned second = (unsigned)(seconds % 86400);
    uint32_t date = (year - 1980) << 9 | month << 5 | day;
    return date << 16 | (second / 3600) << 11 | (second / 60 % 60) << 5 | second % 60 / 2;
}

int64_t fat_time_to_unix(uint32_t modified) {
    uint32_t date = modified >> 16, time = modified & 0xffff;
    unsigned month = date >> 5 & 15, day = date & 31;
    month = month < 1 ? 1 : month > 12 ? 12 : month;
    day = day < 1 ? 1 : day;
    return days_from_civil(1980 + (date >> 9), month, day) * 86400 + (time >> 11) * 3600 + (time >> 5 & 63) * 60 +
           (time & 31) * 2;
}
