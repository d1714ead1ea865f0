/* Updates and A/B partitions by the RP2350's ROM (datasheet 5.1.7, 5.1.16, 5.1.17, 5.4.8): which of two versions
 * counts, where a UF2 file goes, buying an image that was on trial.
 *
 * Not modelled: rollback versions in OTP. Verified is what is for this chip and as its hash says. */
#include "emulator/bootrom/rp2350_private.h"

#define WATCHDOG_CTRL 0x400d8000u
#define WATCHDOG_ENABLE (1u << 30)
#define SECTOR 4096u
#define NO_PARTITION 0xffu
#define OTHER_ERASED 4u
#define BOOT_WRITABLE (1u << 31)
#define LINK_TYPE 0x6u
#define OWNED 0x4u
#define NOT_FOR_RISCV 0x400u
#define NOT_FOR_ARM 0x200u
#define NON_BOOTABLE_AFFINITY 0x800u
#define FAMILY_ABSOLUTE 0xe48bff57u

/* ---- A or B ---- */

struct candidate {
    bool present, verified, trial;
    uint32_t version, base;
};

static struct candidate look_at(struct bootrom *rom, int32_t partition, bool executable) {
    struct candidate candidate = { .base = 1 }; /* no address of an update */
    struct rp2350_window window;
    struct picobin picobin;
    if (partition < 0 || !rp2350_partition_window(rom, (unsigned)partition, &window)) {
        return candidate;
    }
    candidate.base = window.base;
    if (picobin_scan(window.data, window.size, PICOBIN_FLASH_SEARCH, &picobin) && picobin.image.present) {
        candidate.verified = picobin.image.fit != PICOBIN_OTHER_CHIP && rp2350_hash_matches(&window, &picobin.image);
        candidate.present = !executable || picobin.image.fit == PICOBIN_FITS;
        candidate.trial = picobin.image.fit != PICOBIN_NOT_EXECUTABLE && picobin.image.type & PICOBIN_TRY;
        candidate.version = picobin.image.version;
    }
    return candidate;
}

/* B is looked at: it is the update, A must not run, or B is newer. */
static bool prefers_b(const struct candidate *a, const struct candidate *b, bool newer_b, uint32_t update) {
    if (a->present && a->base == update) {
        return !a->verified;
    }
    return b->base == update || (a->present && a->trial) || (newer_b && !b->trial) || (a->present && !a->verified);
}

unsigned rp2350_pick(struct bootrom *rom, unsigned a, uint32_t update, bool executable) {
    struct candidate first = look_at(rom, (int32_t)a, executable);
    struct candidate second = look_at(rom, rp2350_b_partition(rom, a), executable);
    bool newer_b = second.present && (!first.present || second.version > first.version);
    bool takes_b = second.present && prefers_b(&first, &second, newer_b, update) && second.verified;
    uint32_t loser = 0;
    if (takes_b && second.base == update && !newer_b) {
        loser = first.base;
    } else if (!takes_b && first.present && first.verified && first.base == update && newer_b) {
        loser = second.base;
    }
    rom_store(rom, BOOTRAM_ERASE_ADDRESS, loser);
    return takes_b;
}

int32_t rp2350_pick_ab(struct bootrom *rom, const struct bootrom_call *call) {
    int32_t result = rp2350_check_workarea(rom, call);
    if (result) {
        return result;
    }
    if (!rp2350_table_is_loaded(rom)) {
        return RP2350_PRECONDITION_NOT_MET;
    }
    if (call->r[2] >= rp2350_partition_count(rom)) {
        return RP2350_INVALID_ARG;
    }
    return rp2350_pick(rom, call->r[2], call->r[3], false) ? rp2350_b_partition(rom, call->r[2]) : (int32_t)call->r[2];
}

/* ---- Where a UF2 file goes ---- */

struct search {
    uint32_t family;
    bool bootable, unowned; /* only such */
    uint32_t not_bootable;  /* flag of a partition */
};

static bool is_writable(struct rp2350_partition partition) {
    return partition.location & partition.flags & BOOT_WRITABLE;
}

static bool is_owned(struct rp2350_partition partition) {
    return (partition.flags & LINK_TYPE) == OWNED;
}

static bool is_wanted(struct bootrom *rom, unsigned index, const struct search *search) {
    struct rp2350_partition partition = rp2350_partition(rom, index);
    return !rp2350_is_b_partition(partition) && is_writable(partition) &&
           rp2350_partition_accepts(rom, index, search->family) &&
           !(search->bootable && partition.flags & search->not_bootable) && !(search->unowned && is_owned(partition));
}

/* A or B: what does not run of a pair of programs; of a pair that such a pair owns, what belongs to the one that runs.
 * -1: B may not be written. */
static int32_t half_of_pair(struct bootrom *rom, unsigned a, bool executable) {
    struct rp2350_partition partition = rp2350_partition(rom, a);
    int32_t b = rp2350_b_partition(rom, a);
    unsigned owner = partition.flags >> 3 & 0xf;
    bool owned = is_owned(partition) && owner < rp2350_partition_count(rom);
    if (b < 0) {
        return (int32_t)a;
    }
    if (!is_writable(rp2350_partition(rom, (unsigned)b))) {
        return -1;
    }
    bool takes_b = rp2350_pick(rom, owned ? owner : a, 0, executable);
    bool turned = !owned || partition.flags & NON_BOOTABLE_AFFINITY;
    return takes_b != turned ? b : (int32_t)a;
}

static int32_t find_target(struct bootrom *rom, const struct search *search) {
    for (unsigned i = 0; i < rp2350_partition_count(rom); i++) {
        int32_t target = is_wanted(rom, i, search) ? half_of_pair(rom, i, search->bootable) : -1;
        if (target >= 0) {
            return target;
        }
    }
    return RP2350_NOT_FOUND;
}

/* Bootable ones first, of Arm, then of RISC-V; then others; then owned ones too. */
static int32_t target_of(struct bootrom *rom, uint32_t family) {
    const struct search searches[] = {
        { family, true, true, NOT_FOR_ARM },
        { family, true, true, NOT_FOR_RISCV },
        { family, false, true, 0 },
        { family, false, false, 0 },
    };
    int32_t target = RP2350_NOT_FOUND;
    for (unsigned i = 0; target < 0 && i < sizeof(searches) / sizeof(searches[0]); i++) {
        target = find_target(rom, &searches[i]);
    }
    return target;
}

int32_t rp2350_uf2_target(struct bootrom *rom, const struct bootrom_call *call) {
    uint32_t family = call->r[2], everything = rom_load(rom, BOOTRAM_TABLE + 4);
    struct rp2350_partition out = { (everything & 0xfc000000u) | 0x03ffe000u, everything };
    int32_t target = rp2350_check_workarea(rom, call);
    if (target) {
        return target;
    }
    if (!rp2350_table_is_loaded(rom)) {
        return RP2350_PRECONDITION_NOT_MET;
    }
    if (!rp2350_partition_count(rom) || family == FAMILY_ABSOLUTE) {
        target = everything & rp2350_family_flag(family) ? (int32_t)NO_PARTITION : RP2350_NOT_FOUND;
    } else {
        target = target_of(rom, family);
        out = target < 0 ? out : rp2350_partition(rom, (unsigned)target);
    }
    if (target >= 0) {
        rom_store(rom, call->r[3], out.location);
        rom_store(rom, call->r[3] + 4, out.flags);
    }
    return target;
}

/* ---- Buying ---- */

void rp2350_erase_other(struct bootrom *rom) {
    uint32_t address = rom_load(rom, BOOTRAM_ERASE_ADDRESS);
    if (address) {
        rom_range_erase(rom, address - ROM_XIP_BASE, SECTOR, UINT32_MAX, 0);
        rom_store(rom, BOOTRAM_ERASE_ADDRESS, 0);
        rp2350_set_boot_byte(rom, 3, (rom_load(rom, BOOTRAM_BOOT_WORD) >> 24) | OTHER_ERASED);
    }
}

/* Clear the mark in the flash, by way of the caller's buffer. The guest may have written any `item`. */
static uint32_t clear_trial(struct bootrom *rom, uint32_t item, uint32_t buffer) {
    struct rp2350_window flash = rp2350_flash(rom);
    uint32_t sector = (item - ROM_XIP_BASE) & ~(SECTOR - 1), at = item - ROM_XIP_BASE - sector;
    if (sector >= flash.size || at & 3 || !bus_memory_at(rom->bus, buffer, SECTOR, true)) {
        log_write(rom->env->log, LOG_GUEST, "bootrom", "explicit_buy: no image at 0x%08x, or no buffer at 0x%08x", item,
                  buffer);
        return ROM_CYCLES_TRAP;
    }
    uint8_t type = flash.data[sector + at + 3] & (uint8_t) ~(PICOBIN_TRY >> 8);
    rom_write_memory(rom, buffer, flash.data + sector, SECTOR);
    rom_write_memory(rom, buffer + at + 3, &type, 1);
    uint64_t cycles = rom_range_erase(rom, sector, SECTOR, UINT32_MAX, 0);
    return rom_charge(cycles + rom_range_program(rom, sector, buffer, SECTOR));
}

uint32_t rp2350_explicit_buy(struct bootrom *rom, struct bootrom_call *call) {
    uint32_t item = rom_load(rom, BOOTRAM_BUY_ADDRESS), cycles = ROM_CYCLES_TRAP;
    rom_store(rom, WATCHDOG_CTRL + ROM_ALIAS_CLR, WATCHDOG_ENABLE);
    rp2350_set_boot_byte(rom, 3, 0);
    if (item && call->r[1] < SECTOR) {
        call->r[0] = (uint32_t)RP2350_BUFFER_TOO_SMALL;
        return cycles;
    }
    if (item) {
        cycles = clear_trial(rom, item, call->r[0]);
        rom_store(rom, BOOTRAM_BUY_ADDRESS, 0);
    }
    rp2350_erase_other(rom);
    call->r[0] = RP2350_OK;
    return cycles;
}
