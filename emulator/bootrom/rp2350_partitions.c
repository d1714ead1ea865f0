/* The resident partition table of the RP2350's ROM in BOOTRAM, and the calls about it (datasheet 5.4.8.10, .13, .16,
 * 5.9.4). What is not resident (id, families, name) is read from the table in the flash, past the address translation.
 * The hash that notices a table that has changed since is another one than the ROM's. */
#include "emulator/bootrom/rp2350_private.h"

#define TABLE_PARTITION(index) (BOOTRAM_TABLE + 8 + 8 * (index))
#define PERMISSIONS 0xfc000000u
#define LAST_SECTOR 0x03ffe000u
#define ALL_PERMISSIONS_DEFAULT_FAMILIES 0xfc078000u /* absolute, data, RP2350 Arm and RISC-V */
#define FAMILY_RP2040 0xe48bff56u                    /* the first of six with a flag of their own */
#define FAMILIES 6u
#define FIRST_FAMILY_FLAG 0x4000u
#define SECTOR 0x1000u
#define FLASH_UNTRANSLATED 0x1c000000u
#define FLASH_MAX 0x1000000u
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

/* ---- The flash ---- */

struct rp2350_window rp2350_flash(struct bootrom *rom) {
    for (uint32_t size = FLASH_MAX; size >= SECTOR; size /= 2) {
        const uint8_t *data = bus_memory_at(rom->bus, FLASH_UNTRANSLATED, size, false);
        if (!data) {
            data = bus_memory_at(rom->bus, ROM_XIP_BASE, size, false);
        }
        if (data) {
            return (struct rp2350_window){ data, size, ROM_XIP_BASE };
        }
    }
    return (struct rp2350_window){ .base = ROM_XIP_BASE };
}

uint32_t rp2350_window_word(const struct rp2350_window *window, uint32_t offset) {
    if (offset > window->size || window->size - offset < 4) {
        return 0;
    }
    const uint8_t *at = window->data + offset;
    return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

/* ---- The table ---- */

bool rp2350_table_is_loaded(struct bootrom *rom) {
    return rom_load(rom, BOOTRAM_TABLE) & TABLE_LOADED;
}

unsigned rp2350_partition_count(struct bootrom *rom) {
    unsigned count = rom_load(rom, BOOTRAM_TABLE) & 0xff;
    return count < PICOBIN_PARTITIONS ? count : PICOBIN_PARTITIONS;
}

struct rp2350_partition rp2350_partition(struct bootrom *rom, unsigned index) {
    return (struct rp2350_partition){ rom_load(rom, TABLE_PARTITION(index)),
                                      rom_load(rom, TABLE_PARTITION(index) + 4) };
}

bool rp2350_is_b_partition(struct rp2350_partition partition) {
    return (partition.flags & LINK_TYPE) == LINKED_TO_A;
}

bool rp2350_partition_window(struct bootrom *rom, unsigned index, struct rp2350_window *ret_window) {
    struct rp2350_window flash = rp2350_flash(rom);
    uint32_t location = rp2350_partition(rom, index).location;
    uint32_t start = (location & 0x1fff) * SECTOR, end = ((location >> 13 & 0x1fff) + 1) * SECTOR;
    if (end <= start || start >= flash.size) {
        return false;
    }
    end = end > flash.size ? flash.size : end;
    *ret_window = (struct rp2350_window){ flash.data + start, end - start, flash.base + start };
    return true;
}

/* Offset in the flash of the table's item; 0 without one. */
static uint32_t item_offset(struct bootrom *rom) {
    uint32_t item = rom_load(rom, BOOTRAM_TABLE_ITEM);
    return item ? item - ROM_XIP_BASE : 0;
}

/* Words of the partitions in the flash, in their order: the first of one, then that of the next. */
static uint32_t skip_partition(const struct rp2350_window *flash, uint32_t at) {
    uint32_t flags = rp2350_window_word(flash, at + 4);
    at += 8 + (flags & HAS_ID ? 8 : 0) + 4 * (flags >> 7 & 3);
    return at + (flags & HAS_NAME ? ((rp2350_window_word(flash, at) & 0x7f) + 4) & ~3u : 0);
}

static uint32_t hash_of_item(struct bootrom *rom) {
    struct rp2350_window flash = rp2350_flash(rom);
    uint32_t at = item_offset(rom) + 8, end = at, hash = 0x811c9dc5u;
    for (unsigned i = 0; i < rp2350_partition_count(rom); i++) {
        end = skip_partition(&flash, end);
    }
    for (; at < end; at += 4) {
        hash = (hash ^ rp2350_window_word(&flash, at)) * 0x01000193u;
    }
    return hash;
}

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
    rom_store(rom, BOOTRAM_TABLE_HASH, table ? hash_of_item(rom) : 0);
}

int32_t rp2350_check_workarea(struct bootrom *rom, const struct bootrom_call *call) {
    if (call->r[0] & 3) {
        return RP2350_BAD_ALIGNMENT;
    }
    return call->r[1] < WORKAREA_SIZE ? RP2350_BUFFER_TOO_SMALL : rp2350_check_lock(rom, LOCK_SHA256);
}

int32_t rp2350_load_partition_table(struct bootrom *rom, const struct bootrom_call *call) {
    struct rp2350_window flash = rp2350_flash(rom);
    struct picobin picobin;
    uint32_t slot = 0;
    int32_t result = rp2350_check_workarea(rom, call);
    if (result || (rp2350_table_is_loaded(rom) && !(call->r[2] & 0xff))) {
        return result;
    }
    bool found = flash.data && rp2350_scan_slots(&flash, &picobin, &slot);
    struct rp2350_window window = { flash.data + slot, flash.size - slot, flash.base + slot };
    found = found && picobin.table.present && rp2350_table_hash_matches(&window, &picobin.table);
    rp2350_load_table(rom, found ? &picobin : NULL, found ? slot : 0);
    return RP2350_OK;
}

int32_t rp2350_b_partition(struct bootrom *rom, uint32_t partition) {
    for (unsigned i = 0; rp2350_table_is_loaded(rom) && i < rp2350_partition_count(rom); i++) {
        struct rp2350_partition b = rp2350_partition(rom, i);
        if (rp2350_is_b_partition(b) && (b.flags >> 3 & 0xf) == partition) {
            return (int32_t)i;
        }
    }
    return RP2350_NOT_FOUND;
}

uint32_t rp2350_family_flag(uint32_t family) {
    uint32_t number = family - FAMILY_RP2040;
    return number < FAMILIES ? FIRST_FAMILY_FLAG << number : 0;
}

bool rp2350_partition_accepts(struct bootrom *rom, unsigned index, uint32_t family) {
    struct rp2350_window flash = rp2350_flash(rom);
    uint32_t at = item_offset(rom) + 8;
    for (unsigned i = 0; i < index; i++) {
        at = skip_partition(&flash, at);
    }
    uint32_t flags = rp2350_partition(rom, index).flags;
    if (flags & rp2350_family_flag(family)) {
        return true;
    }
    at += 8 + (flags & HAS_ID ? 8 : 0);
    for (unsigned i = 0; i < (flags >> 7 & 3); i++) {
        if (rp2350_window_word(&flash, at + 4 * i) == family) {
            return true;
        }
    }
    return false;
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
    uint32_t limit = rp2350_flash(rom).size;
    if (!rp2350_table_is_loaded(rom) || offset > limit || size > limit - offset) {
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
    struct rp2350_window flash;
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
            put(output, rp2350_window_word(&output->flash, item));
        }
    }
    for (unsigned i = 0; i < (flags >> 7 & 3); i++, item += 4) {
        if (wanted & INFO_FAMILIES) {
            put(output, rp2350_window_word(&output->flash, item));
        }
    }
    uint32_t name_words = flags & HAS_NAME ? ((rp2350_window_word(&output->flash, item) & 0x7f) + 4) / 4 : 0;
    for (uint32_t i = 0; i < name_words; i++, item += 4) {
        if (wanted & INFO_NAME) {
            put(output, rp2350_window_word(&output->flash, item));
        }
    }
    return item;
}

static void put_partitions(struct output *output, uint32_t flags) {
    uint32_t item = item_offset(output->rom) + 8;
    for (unsigned i = 0; i < rp2350_partition_count(output->rom); i++) {
        uint32_t wanted = flags & INFO_SINGLE && flags >> 24 != i ? 0 : flags;
        uint32_t partition_flags = rp2350_window_word(&output->flash, item + 4);
        if (wanted & INFO_LOCATION_AND_FLAGS) {
            put(output, rp2350_window_word(&output->flash, item));
            put(output, partition_flags);
        }
        item = put_extra(output, item + 8, partition_flags, wanted);
    }
}

int32_t rp2350_table_info(struct bootrom *rom, const struct bootrom_call *call) {
    uint32_t flags = call->r[2], unpartitioned = rom_load(rom, BOOTRAM_TABLE + 4);
    struct output output = { rom, rp2350_flash(rom), call->r[0], call->r[1], 0 };
    if (!rp2350_table_is_loaded(rom)) {
        return RP2350_PRECONDITION_NOT_MET;
    }
    if (call->r[0] & 3) {
        return RP2350_BAD_ALIGNMENT;
    }
    int32_t locked = rp2350_check_lock(rom, LOCK_SHA256);
    if (locked) {
        return locked;
    }
    put(&output, flags & INFO_ALL);
    if (flags & INFO_TABLE) {
        put(&output, rp2350_partition_count(rom) | (item_offset(rom) ? 0x100 : 0));
        put(&output, (unpartitioned & PERMISSIONS) | LAST_SECTOR);
        put(&output, unpartitioned);
    }
    if (rp2350_partition_count(rom)) {
        put_partitions(&output, flags);
    }
    if (output.used > output.room) {
        return RP2350_BUFFER_TOO_SMALL;
    }
    bool modified = rp2350_partition_count(rom) && rom_load(rom, BOOTRAM_TABLE_HASH) != hash_of_item(rom);
    return modified ? RP2350_MODIFIED_DATA : (int32_t)output.used;
}
