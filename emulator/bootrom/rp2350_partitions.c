/* The resident partition table of the RP2350's ROM in BOOTRAM, and the calls about it (datasheet 5.4.8.10, .13, .16,
 * 5.9.4). Not modelled: the hash that the ROM keeps to notice a table that has changed since. */
#include "emulator/bootrom/rp2350_private.h"

#define TABLE_PARTITION(index) (BOOTRAM_TABLE + 8 + 8 * (index))
#define PERMISSIONS 0xfc000000u
#define LAST_SECTOR 0x03ffe000u
#define ALL_PERMISSIONS_DEFAULT_FAMILIES 0xfc078000u /* absolute, data, RP2350 Arm and RISC-V */
#define SECTOR 0x1000u
#define WORKAREA_SIZE 3264u
#define LINK_TYPE 0x6u
#define LINKED_TO_A 0x2u
#define HAS_ID 0x1u
#define HAS_NAME 0x1000u

enum info_flag {
    INFO_TABLE = 0x0001,
    INFO_LOCATION_AND_FLAGS = 0x0010,
    INFO_ID = 0x0020,
    INFO_FAMILIES = 0x0040,
    INFO_NAME = 0x0080,
    INFO_SINGLE = 0x8000,
};
#define INFO_ALL (INFO_TABLE | INFO_LOCATION_AND_FLAGS | INFO_ID | INFO_FAMILIES | INFO_NAME | INFO_SINGLE)

void rp2350_load_table(struct bootrom *rom, const struct picobin *picobin, uint32_t slot) {
    const struct picobin_table *table = picobin && picobin->table.present ? &picobin->table : NULL;
    unsigned count = table ? table->count : 0;
    for (unsigned i = 0; i < count; i++) {
        rom_store(rom, TABLE_PARTITION(i), table->partition[i].location);
        rom_store(rom, TABLE_PARTITION(i) + 4, table->partition[i].flags);
    }
    rom_store(rom, BOOTRAM_TABLE + 4, table ? table->unpartitioned : ALL_PERMISSIONS_DEFAULT_FAMILIES);
    rom_store(rom, BOOTRAM_TABLE_ITEM, table ? ROM_XIP_BASE + slot + table->item : 0);
    rom_store(rom, BOOTRAM_TABLE, TABLE_LOADED | count << 8 | count);
}

static bool is_loaded(struct bootrom *rom) {
    return rom_load(rom, BOOTRAM_TABLE) & TABLE_LOADED;
}

static unsigned table_count(struct bootrom *rom) {
    unsigned count = rom_load(rom, BOOTRAM_TABLE) & 0xff;
    return count < PICOBIN_PARTITIONS ? count : PICOBIN_PARTITIONS;
}

int32_t rp2350_load_partition_table(struct bootrom *rom, const struct bootrom_call *call) {
    uint32_t size;
    const uint8_t *flash = rp2350_flash(rom, &size);
    struct picobin picobin;
    if (call->r[0] & 3) {
        return RP2350_BAD_ALIGNMENT;
    }
    if (call->r[1] < WORKAREA_SIZE) {
        return RP2350_BUFFER_TOO_SMALL;
    }
    if (is_loaded(rom) && !(call->r[2] & 0xff)) {
        return RP2350_OK;
    }
    bool found = flash && picobin_scan(flash, size, &picobin);
    rp2350_load_table(rom, found ? &picobin : NULL, 0);
    return RP2350_OK;
}

int32_t rp2350_b_partition(struct bootrom *rom, uint32_t partition) {
    if (!is_loaded(rom)) {
        return RP2350_PRECONDITION_NOT_MET;
    }
    for (unsigned i = 0; i < table_count(rom); i++) {
        uint32_t flags = rom_load(rom, TABLE_PARTITION(i) + 4);
        if ((flags & LINK_TYPE) == LINKED_TO_A && (flags >> 3 & 0xf) == partition) {
            return (int32_t)i;
        }
    }
    return RP2350_INVALID_ARG;
}

/* ---- Permissions ---- */

static uint32_t permissions_at(struct bootrom *rom, uint32_t offset) {
    uint32_t sector = offset / SECTOR, count = rom_load(rom, BOOTRAM_TABLE) >> 8 & 0xff;
    for (uint32_t i = 0; i < count && i < PICOBIN_PARTITIONS; i++) {
        uint32_t location = rom_load(rom, TABLE_PARTITION(i));
        if (sector >= (location & 0x1fff) && sector <= (location >> 13 & 0x1fff)) {
            return location & rom_load(rom, TABLE_PARTITION(i) + 4);
        }
    }
    return rom_load(rom, BOOTRAM_TABLE + 4);
}

bool rp2350_span_has_permission(struct bootrom *rom, uint32_t offset, uint32_t size, uint32_t permission) {
    uint32_t limit;
    rp2350_flash(rom, &limit);
    if (!is_loaded(rom) || offset > limit || size > limit - offset) {
        return false;
    }
    for (uint32_t at = offset & ~(SECTOR - 1); at < offset + size; at += SECTOR) {
        if ((permissions_at(rom, at) & permission) != permission) {
            return false;
        }
    }
    return true;
}

/* ---- get_partition_table_info() ---- */

struct output {
    struct bootrom *rom;
    uint32_t address;
    uint32_t room; /* words */
    uint32_t used;
};

static void put(struct output *output, uint32_t word) {
    if (output->used < output->room) {
        rom_store(output->rom, output->address + 4 * output->used, word);
    }
    output->used++;
}

/* The id, families and name that follow a partition's two words at `item`; gives where the next one begins. */
static uint32_t put_extra(struct output *output, uint32_t item, uint32_t flags, uint32_t wanted) {
    for (unsigned i = 0; flags & HAS_ID && i < 2; i++, item += 4) {
        if (wanted & INFO_ID) {
            put(output, rom_load(output->rom, item));
        }
    }
    for (unsigned i = 0; i < (flags >> 7 & 3); i++, item += 4) {
        if (wanted & INFO_FAMILIES) {
            put(output, rom_load(output->rom, item));
        }
    }
    uint32_t name_words = flags & HAS_NAME ? ((rom_load(output->rom, item) & 0x7f) + 4) / 4 : 0;
    for (uint32_t i = 0; i < name_words; i++, item += 4) {
        if (wanted & INFO_NAME) {
            put(output, rom_load(output->rom, item));
        }
    }
    return item;
}

static void put_partitions(struct output *output, uint32_t flags) {
    uint32_t item = rom_load(output->rom, BOOTRAM_TABLE_ITEM) + 8;
    for (unsigned i = 0; i < table_count(output->rom); i++) {
        uint32_t wanted = flags & INFO_SINGLE && flags >> 24 != i ? 0 : flags;
        uint32_t partition_flags = rom_load(output->rom, item + 4);
        if (wanted & INFO_LOCATION_AND_FLAGS) {
            put(output, rom_load(output->rom, item));
            put(output, partition_flags);
        }
        item = put_extra(output, item + 8, partition_flags, wanted);
    }
}

int32_t rp2350_table_info(struct bootrom *rom, const struct bootrom_call *call) {
    uint32_t flags = call->r[2], unpartitioned = rom_load(rom, BOOTRAM_TABLE + 4);
    struct output output = { rom, call->r[0], call->r[1], 0 };
    if (!is_loaded(rom)) {
        return RP2350_PRECONDITION_NOT_MET;
    }
    if (call->r[0] & 3) {
        return RP2350_BAD_ALIGNMENT;
    }
    put(&output, flags & INFO_ALL);
    if (flags & INFO_TABLE) {
        put(&output, table_count(rom) | (rom_load(rom, BOOTRAM_TABLE_ITEM) ? 0x100 : 0));
        put(&output, (unpartitioned & PERMISSIONS) | LAST_SECTOR);
        put(&output, unpartitioned);
    }
    if (table_count(rom)) {
        put_partitions(&output, flags);
    }
    return output.used > output.room ? RP2350_BUFFER_TOO_SMALL : (int32_t)output.used;
}
