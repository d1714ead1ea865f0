/* How the RP2350's boot ROM starts an image (datasheet 5.2, 5.10), and reboot() (5.4.8.24).
 *
 * Scratch registers of the power manager and the watchdog first (a vector, or a reboot's type with two parameters),
 * then BOOTSEL, then the flash: block loop in the first or second slot, its image definition, or the first bootable
 * partition with the newer of A and B; load map; rolling window through the address translation of QMI.
 *
 * Not modelled: secure boot, signatures and rollback (a hash is all that is verified), flags in OTP beside the one of
 * FLASH_DEVINFO, boot from OTP, RISC-V images, MPU and SAU settings while the ROM runs, UART boot, the USB boot mode
 * itself (the machine is told, core 0 waits). The slots are 4 KB apart. Boot random bits come from the machine's
 * generator instead of TRNG and SHA-256. The flash answers to the first mode tried, quad I/O. */
#include "emulator/bootrom/rp2350_private.h"

#include <string.h>

#define RESETS 0x40020000u
#define RESET_IO_BANK0 (1u << 6)
#define RESET_IO_QSPI (1u << 7)
#define RESET_PADS_BANK0 (1u << 9)
#define RESET_PADS_QSPI (1u << 10)
#define RESET_TIMER0 (1u << 23)
#define RESET_USBCTRL (1u << 28)
#define CLOCKS_WAKE_EN0 0x400100acu
#define PADS_QSPI_SCLK 0x40040004u
#define PAD_ISOLATION 0x100u
#define QSPI_PINS 6u
#define PSM_WDSEL 0x40018008u
#define PSM_ALL_BUT_PROC_COLD 0x01fffffeu
#define SYSCFG_AUXCTRL 0x40008014u
#define WATCHDOG 0x400d8000u
#define WATCHDOG_CTRL WATCHDOG
#define WATCHDOG_LOAD (WATCHDOG + 0x04)
#define WATCHDOG_REASON (WATCHDOG + 0x08)
#define WATCHDOG_SCRATCH(n) (WATCHDOG + 0x0c + 4 * (n))
#define WATCHDOG_ENABLE (1u << 30)
#define TICKS_WATCHDOG_CTRL 0x40108030u
#define TICKS_WATCHDOG_CYCLES 0x40108034u
#define POWMAN 0x40100000u
#define POWMAN_PASSWORD 0x5afe0000u
#define POWMAN_CHIP_RESET (POWMAN + 0x2c)
#define POWMAN_RESCUE_FLAG 0x10u
#define POWMAN_BOOTDIS (POWMAN + 0xa8)
#define POWMAN_BOOT0 (POWMAN + 0xd0)
#define OTP_BOOTDIS 0x40120160u
#define BOOTDIS_NOW 1u
#define SIO_GPIO_HI_IN 0xd0000008u
#define GPIO_HI_CSN (1u << 27)

#define REBOOT_TYPE 0x0fu
#define REBOOT_TO_RISCV 0x20u
#define OTP_BOOT_FLAGS0 (RP2350_OTP_RAW + 4 * 0x048)
#define FLAG_FLASH_DEVINFO 0x20u
#define ROW_FLASH_DEVINFO 0x054u
#define DEFAULT_DEVINFO 0x0c00u /* 16 MB on the first chip select */
#define SLOT_SIZE 0x1000u
#define SRAM 0x20000000u
#define SRAM_SIZE 0x82000u
#define XIP_RAM 0x13ffc000u
#define XIP_RAM_SIZE 0x4000u
#define ATRANS_WINDOW 0x400u     /* sectors */
#define ROLL_BACK_UNIT 0x400000u /* of negative deltas */
#define TRIAL_MS 0xffffffu       /* as the ROM asks for: 16.8 s after the watchdog has cut it */
#define BUY_PENDING 1u
#define PARTITION_NOT_FOR_ARM 0x200u
#define MODE_QUAD 3
#define DIVIDER_FAST 3

#define CYCLES_BEGIN 15000 /* random bits */
#define CYCLES_BOOT 60000  /* resets, straps, leaving XIP, scanning 4 KB */
#define PARTITION_NONE 0xffu
#define PARTITION_SLOT0 0xfeu
#define PARTITION_SLOT1 0xfdu
#define PARTITION_WINDOW 0xfcu

static void set_bits(struct bootrom *rom, uint32_t address, uint32_t bits) {
    rom_store(rom, address + ROM_ALIAS_SET, bits);
}

static void clear_bits(struct bootrom *rom, uint32_t address, uint32_t bits) {
    rom_store(rom, address + ROM_ALIAS_CLR, bits);
}

void rp2350_set_boot_byte(struct bootrom *rom, unsigned byte, uint32_t value) {
    uint32_t word = rom_load(rom, BOOTRAM_BOOT_WORD) & ~(0xffu << 8 * byte);
    rom_store(rom, BOOTRAM_BOOT_WORD, word | value << 8 * byte);
}

/* ---- The beginning ---- */

/* What outlives a watchdog reset, and what does not. */
static void init_bootram(struct bootrom *rom) {
    if (!rom_load(rom, WATCHDOG_REASON)) {
        for (uint32_t at = BOOTRAM_RANDOM; at < BOOTRAM_END; at += 4) {
            rom_store(rom, at, 0);
        }
        rom_store(rom, BOOTRAM_BOOT_WORD, 0xfffffffe); /* diagnostics of slot 0 */
    }
    for (uint32_t i = 0; i < 4; i++) {
        rom_store(rom, BOOTRAM_RANDOM + 4 * i, (uint32_t)random_next(&rom->random));
    }
    for (uint32_t at = BOOTRAM_RANDOM + 16; at < BOOTRAM_SECURE; at += 4) {
        rom_store(rom, at, 0);
    }
    rom_store(rom, BOOTRAM_CHIP_ID, rom_load(rom, RP2350_OTP_DATA));
    rom_store(rom, BOOTRAM_CHIP_ID + 4, rom_load(rom, RP2350_OTP_DATA + 4));
}

/* Four scratch registers: magic, check, stack, entry. True when they make a valid vector, which is then used up. */
static bool take_vector(struct bootrom *rom, uint32_t at, uint32_t *ret_stack, uint32_t *ret_entry) {
    *ret_stack = rom_load(rom, at + 8);
    *ret_entry = rom_load(rom, at + 12);
    if (rom_load(rom, at) != ROM_VECTOR_MAGIC || (rom_load(rom, at + 4) ^ (0u - ROM_VECTOR_MAGIC)) != *ret_entry) {
        return false;
    }
    rom_store(rom, at, at >= WATCHDOG ? 0 : POWMAN_PASSWORD);
    return true;
}

static void enter_vector(struct bootrom *rom, struct bootrom_call *call, uint32_t stack, uint32_t entry) {
    rp2350_set_boot_byte(rom, 1, BOOT_PC_SP);
    rom_store(rom, BOOTRAM_WRITE_ONCE0, 1); /* a written 1 sets */
    call->r[0] = entry;
    call->r[1] = stack;
}

/* Which boot the scratch registers ask for. */
static void try_vectors(struct bootrom *rom, struct bootrom_call *call) {
    uint32_t stack, entry, type = BOOT_NORMAL;
    bool disabled = (rom_load(rom, OTP_BOOTDIS) | rom_load(rom, POWMAN_BOOTDIS)) & BOOTDIS_NOW;
    if (take_vector(rom, POWMAN_BOOT0, &stack, &entry) && !disabled) {
        enter_vector(rom, call, stack, entry);
        return;
    }
    if (take_vector(rom, WATCHDOG_SCRATCH(4), &stack, &entry)) {
        if (entry != ROM_VECTOR_MAGIC && !disabled) {
            enter_vector(rom, call, stack, entry);
            return;
        }
        type = entry == ROM_VECTOR_MAGIC ? stack : BOOT_NORMAL;
        rom_store(rom, BOOTRAM_REBOOT_PARAMETERS, rom_load(rom, WATCHDOG_SCRATCH(2)));
        rom_store(rom, BOOTRAM_REBOOT_PARAMETERS + 4, rom_load(rom, WATCHDOG_SCRATCH(3)));
    }
    rp2350_set_boot_byte(rom, 1, type & 0xff);
    rom_store(rom, OTP_BOOTDIS, BOOTDIS_NOW);
    rom_store(rom, POWMAN_BOOTDIS, POWMAN_PASSWORD | BOOTDIS_NOW);
}

uint32_t rp2350_begin(struct bootrom *rom, struct bootrom_call *call) {
    call->r[0] = 0;
    if (rom_load(rom, POWMAN_CHIP_RESET) & POWMAN_RESCUE_FLAG) {
        rom_store(rom, POWMAN_CHIP_RESET, POWMAN_PASSWORD | POWMAN_RESCUE_FLAG);
        log_write(rom->env->log, LOG_INFO, "bootrom", "rescue flag set by a debugger: the boot stops here");
        call->r[0] = rp2350_halt() | 1;
        call->r[1] = SRAM + SRAM_SIZE;
        return ROM_CYCLES_TRAP;
    }
    rom_store(rom, CLOCKS_WAKE_EN0, 0xffffffff);
    rom_store(rom, CLOCKS_WAKE_EN0 + 4, 0xffffffff);
    init_bootram(rom);
    rp2350_reset_state(rom, 4);
    try_vectors(rom, call);
    return CYCLES_BEGIN;
}

/* ---- An image ---- */

/* Make a flash image that is stored elsewhere appear at the start of the flash. */
static bool roll(struct bootrom *rom, const struct rp2350_window *window, const struct picobin_image *image) {
    int32_t delta = (int32_t)(window->base - ROM_XIP_BASE) + image->window_delta;
    if (delta % (int32_t)SLOT_SIZE || (image->window_delta < 0 && image->window_delta % (int32_t)ROLL_BACK_UNIT)) {
        return false;
    }
    int32_t sector = delta / (int32_t)SLOT_SIZE, left = (int32_t)(window->size / SLOT_SIZE);
    for (unsigned i = 0; delta && i < 4; i++) {
        if (sector < 0) {
            sector += ATRANS_WINDOW;
            rom_store(rom, RP2350_QMI_ATRANS0 + 4 * i, 0);
            continue;
        }
        int32_t size = left < (int32_t)ATRANS_WINDOW ? left : (int32_t)ATRANS_WINDOW;
        rom_store(rom, RP2350_QMI_ATRANS0 + 4 * i, (uint32_t)size << 16 | (uint32_t)sector);
        left -= size;
        sector += size;
    }
    return true;
}

static const char *misfit(enum picobin_fit fit) {
    static const char *const texts[] = {
        [PICOBIN_NOT_EXECUTABLE] = "is not executable",
        [PICOBIN_OTHER_CHIP] = "is for another chip",
        [PICOBIN_RISCV] = "is for the RISC-V cores, which are not emulated",
        [PICOBIN_NONSECURE] = "is for the Non-secure state",
    };
    return texts[fit];
}

/* A word at a runtime address of the image. */
static bool runtime_word(struct bootrom *rom, const struct rp2350_window *window, uint32_t image_base, uint32_t address,
                         uint32_t *ret_word) {
    uint32_t offset = address - image_base;
    if (offset < window->size && window->size - offset >= 4) {
        *ret_word = rp2350_window_word(window, offset);
        return true;
    }
    uint8_t bytes[4];
    bool good = bus_memory_at(rom->bus, address, 4, false) && rom_read_memory(rom, address, bytes, 4);
    *ret_word = good ? bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24 : 0;
    return good;
}

/* Where and with what stack the image begins. */
static bool find_entry(struct bootrom *rom, const struct rp2350_window *window, const struct picobin_image *image,
                       struct bootrom_call *call) {
    uint32_t base = rp2350_is_flash(window) ? ROM_XIP_BASE - (uint32_t)image->window_delta : window->base;
    uint32_t table = image->has_vector_table ? image->vector_table : base;
    call->r[0] = image->entry;
    call->r[1] = image->stack;
    call->r[2] = table;
    call->r[3] = image->has_entry ? image->stack_limit : 0;
    if (image->has_entry) {
        return true;
    }
    return runtime_word(rom, window, base, table, &call->r[1]) &&
           runtime_word(rom, window, base, table + 4, &call->r[0]);
}

/* Storage address of what a FLASH_UPDATE reboot asks to be tried; 0: nothing. */
static uint32_t flash_update(struct bootrom *rom) {
    uint32_t type = rom_load(rom, BOOTRAM_BOOT_WORD) >> 8 & 0xff;
    return type == BOOT_FLASH_UPDATE ? rom_load(rom, BOOTRAM_REBOOT_PARAMETERS) : 0;
}

/* An image marked "try before you buy" starts only when it is the update, and is bought by explicit_buy(). */
static bool may_try(struct bootrom *rom, const struct rp2350_window *window, const struct picobin_image *image,
                    uint32_t update) {
    bool trial = image->type & PICOBIN_TRY;
    if (update == window->base) {
        rom_store(rom, BOOTRAM_BUY_ADDRESS, trial ? window->base + image->block + 4 : 0);
        return true;
    }
    rom_store(rom, BOOTRAM_ERASE_ADDRESS, 0);
    if (trial) {
        log_write(rom->env->log, LOG_WARN, "bootrom",
                  "the image at 0x%08x is to be tried before it is bought: it starts by a FLASH_UPDATE reboot alone",
                  window->base);
    }
    return !trial;
}

/* The version that has lost goes at once, or when the new one is bought; the watchdog ends a trial. */
static void settle(struct bootrom *rom, const struct picobin_image *image) {
    struct bootrom_call reboot = { { BOOT_NORMAL, TRIAL_MS } };
    bool trial = image->type & PICOBIN_TRY;
    rp2350_set_boot_byte(rom, 3, trial ? BUY_PENDING : 0);
    if (trial) {
        rp2350_reboot(rom, &reboot);
    } else {
        rp2350_erase_other(rom);
    }
}

static bool prepare_flash(struct bootrom *rom, const struct rp2350_window *window, const struct picobin_image *image,
                          uint32_t update) {
    if (!may_try(rom, window, image, update)) {
        return false;
    }
    if (!roll(rom, window, image)) {
        log_write(rom->env->log, LOG_WARN, "bootrom", "the image at 0x%08x is not rolled by whole sectors",
                  window->base);
        return false;
    }
    return true;
}

static bool load(struct bootrom *rom, const struct rp2350_window *window, const struct picobin_image *image,
                 struct bootrom_call *call) {
    if (!rp2350_hash_matches(window, image)) {
        log_write(rom->env->log, LOG_WARN, "bootrom", "the image at 0x%08x is not what its hash says", window->base);
        return false;
    }
    if (!rp2350_load_segments(rom, window, image)) {
        return false;
    }
    if (!find_entry(rom, window, image, call) || !call->r[0] || call->r[0] >> 31) {
        log_write(rom->env->log, LOG_WARN, "bootrom", "the image at 0x%08x has no vector table where it says",
                  window->base);
        return false;
    }
    return true;
}

static bool launch(struct bootrom *rom, const struct rp2350_window *window, const struct picobin_image *image,
                   uint32_t update, struct bootrom_call *call) {
    if (image->fit != PICOBIN_FITS) {
        log_write(rom->env->log, LOG_WARN, "bootrom", "the image at 0x%08x %s", window->base, misfit(image->fit));
        return false;
    }
    if ((rp2350_is_flash(window) && !prepare_flash(rom, window, image, update)) || !load(rom, window, image, call)) {
        rom_store(rom, BOOTRAM_BUY_ADDRESS, 0);
        if (rp2350_is_flash(window)) {
            rp2350_reset_translation(rom);
        }
        return false;
    }
    rom_store(rom, BOOTRAM_WRITE_ONCE0, 1); /* a written 1 sets */
    if (rp2350_is_flash(window)) {
        settle(rom, image);
    }
    return true;
}

/* ---- The flash ---- */

static void diagnose_pair(struct bootrom *rom, unsigned a, unsigned chosen) {
    struct rp2350_window window;
    int32_t partitions[2] = { (int32_t)a, rp2350_b_partition(rom, a) };
    for (unsigned half = 0; half < 2; half++) {
        if (partitions[half] >= 0 && rp2350_partition_window(rom, (unsigned)partitions[half], &window)) {
            rp2350_diagnose_search(rom, (int)a, half, &window, half == chosen);
        }
    }
    rp2350_diagnose_choice(rom, (int)a, chosen, partitions[1] >= 0);
}

static bool boot_partitions(struct bootrom *rom, struct bootrom_call *call) {
    for (unsigned a = 0; a < rp2350_partition_count(rom); a++) {
        struct rp2350_partition partition = rp2350_partition(rom, a);
        struct rp2350_window window;
        struct picobin picobin;
        if (partition.flags & PARTITION_NOT_FOR_ARM || rp2350_is_b_partition(partition)) {
            continue;
        }
        unsigned chosen = rp2350_pick(rom, a, flash_update(rom), true) ? (unsigned)rp2350_b_partition(rom, a) : a;
        if (!rp2350_partition_window(rom, chosen, &window) ||
            !picobin_scan(window.data, window.size, PICOBIN_FLASH_SEARCH, &picobin) || !picobin.image.present ||
            picobin.image.fit != PICOBIN_FITS) {
            continue;
        }
        rp2350_set_boot_byte(rom, 2, chosen);
        diagnose_pair(rom, a, chosen != a);
        bool launched = launch(rom, &window, &picobin.image, flash_update(rom), call);
        rp2350_diagnose_launch(rom, (int)a, chosen != a, launched);
        if (launched) {
            return true;
        }
    }
    rp2350_set_boot_byte(rom, 2, PARTITION_NONE);
    return false;
}

/* Nothing says that what a slot begins with is not as it was made. */
static bool is_intact(const struct rp2350_window *slot, const struct picobin *picobin) {
    return picobin->table.present ? rp2350_table_hash_matches(slot, &picobin->table)
                                  : rp2350_hash_matches(slot, &picobin->image);
}

/* Slot 1 need not be looked at. */
static bool stands_alone(const struct rp2350_window *slot, const struct picobin *picobin) {
    bool stands = picobin->table.present ? picobin->table.singleton : picobin->image.present;
    return picobin->closed && stands && is_intact(slot, picobin);
}

static void diagnose_slots(struct bootrom *rom, const struct rp2350_window *flash, unsigned chosen) {
    struct rp2350_window slot = { flash->data + SLOT_SIZE, flash->size - SLOT_SIZE, flash->base + SLOT_SIZE };
    struct picobin first, second;
    picobin_scan(flash->data, flash->size, PICOBIN_FLASH_SEARCH, &first);
    rp2350_diagnose_search(rom, RP2350_SLOTS, 0, flash, !chosen);
    if (!stands_alone(flash, &first) && flash->size > SLOT_SIZE) {
        picobin_scan(slot.data, slot.size, PICOBIN_FLASH_SEARCH, &second);
        rp2350_diagnose_search(rom, RP2350_SLOTS, 1, &slot, chosen);
        rp2350_diagnose_choice(rom, RP2350_SLOTS, chosen, second.table.present);
    }
}

/* Slot 1 counts when it has a partition table and slot 0 has none that is intact, or an older one. */
bool rp2350_scan_slots(const struct rp2350_window *flash, struct picobin *ret_picobin, uint32_t *ret_slot) {
    struct rp2350_window slot = { flash->data + SLOT_SIZE, flash->size - SLOT_SIZE, flash->base + SLOT_SIZE };
    struct picobin second;
    bool found = picobin_scan(flash->data, flash->size, PICOBIN_FLASH_SEARCH, ret_picobin);
    bool intact = found && is_intact(flash, ret_picobin);
    *ret_slot = 0;
    if (stands_alone(flash, ret_picobin)) {
        return true;
    }
    if (flash->size <= SLOT_SIZE || !picobin_scan(slot.data, slot.size, PICOBIN_FLASH_SEARCH, &second) ||
        !second.table.present || !is_intact(&slot, &second)) {
        return found;
    }
    bool newer = !ret_picobin->table.present || second.table.version > ret_picobin->table.version;
    if (!intact || newer) {
        *ret_picobin = second;
        *ret_slot = SLOT_SIZE;
    }
    return true;
}

static bool boot_flash(struct bootrom *rom, struct bootrom_call *call) {
    struct rp2350_window flash = rp2350_flash(rom);
    struct picobin picobin;
    uint32_t slot;
    rp2350_reset_translation(rom);
    rp2350_connect_flash(rom);
    rp2350_exit_xip(rom);
    rp2350_select_xip(rom, MODE_QUAD, DIVIDER_FAST, true);
    bool found = flash.data && rp2350_scan_slots(&flash, &picobin, &slot);
    if (flash.data) {
        diagnose_slots(rom, &flash, found && slot);
    }
    if (!found) {
        log_write(rom->env->log, LOG_WARN, "bootrom", "no image definition in the first 8 KB of the flash%s",
                  flash.data && picobin.found ? ": its block loop is broken" : "");
        rp2350_load_table(rom, NULL, 0);
        return false;
    }
    struct rp2350_window window = { flash.data + slot, flash.size - slot, flash.base + slot };
    if (picobin.table.present && !rp2350_table_hash_matches(&window, &picobin.table)) {
        log_write(rom->env->log, LOG_WARN, "bootrom", "the partition table is not what its hash says");
        rp2350_load_table(rom, NULL, 0);
        return false;
    }
    rp2350_load_table(rom, &picobin, slot);
    if (picobin.image.present) {
        rp2350_set_boot_byte(rom, 2, slot ? PARTITION_SLOT1 : PARTITION_SLOT0);
        bool launched = launch(rom, &window, &picobin.image, flash_update(rom), call);
        rp2350_diagnose_launch(rom, RP2350_SLOTS, 0, launched);
        return launched;
    }
    if (boot_partitions(rom, call)) {
        return true;
    }
    log_write(rom->env->log, LOG_WARN, "bootrom", "no partition of the flash holds an image that can be booted");
    return false;
}

/* ---- An image in a window: of RAM after a reboot, of either by chain_image() ---- */

static bool is_ram(uint32_t address) {
    return address - SRAM < SRAM_SIZE || address - XIP_RAM < XIP_RAM_SIZE;
}

static bool find_window(struct bootrom *rom, uint32_t base, uint32_t size, struct rp2350_window *ret_window) {
    uint32_t last = size ? base + size - 1 : base, offset = base - ROM_XIP_BASE;
    *ret_window = (struct rp2350_window){ NULL, size, base };
    if (last < base || base >> 25 != last >> 25) {
        return false;
    }
    if (is_ram(base) && is_ram(last)) {
        ret_window->data = bus_memory_at(rom->bus, base, size, false);
    } else if (rp2350_is_flash(ret_window)) {
        struct rp2350_window flash = rp2350_flash(rom);
        ret_window->data = offset < flash.size ? flash.data + offset : NULL;
        ret_window->size = size < flash.size - offset ? size : flash.size - offset;
    }
    return ret_window->data;
}

static int32_t start_window(struct bootrom *rom, uint32_t base, uint32_t size, uint32_t update,
                            struct bootrom_call *call) {
    struct rp2350_window window;
    struct picobin picobin;
    rp2350_set_boot_byte(rom, 0, PARTITION_WINDOW);
    rom_store(rom, BOOTRAM_DIAGNOSTIC, 0);
    if (!find_window(rom, base, size, &window)) {
        log_write(rom->env->log, LOG_WARN, "bootrom", "no image is started from 0x%08x to 0x%08x: %s", base,
                  base + size, "neither RAM nor flash");
        return RP2350_INVALID_ADDRESS;
    }
    rp2350_diagnose_search(rom, RP2350_WINDOW, 0, &window, true);
    if (!picobin_scan(window.data, window.size, window.size, &picobin) || !picobin.image.present) {
        log_write(rom->env->log, LOG_WARN, "bootrom", "no image definition from 0x%08x to 0x%08x", base, base + size);
        return RP2350_NOT_FOUND;
    }
    bool launched = launch(rom, &window, &picobin.image, update, call);
    rp2350_diagnose_launch(rom, RP2350_WINDOW, 0, launched);
    return launched ? RP2350_OK : RP2350_INVALID_DATA;
}

static bool boot_ram(struct bootrom *rom, struct bootrom_call *call) {
    uint32_t base = rom_load(rom, BOOTRAM_REBOOT_PARAMETERS), size = rom_load(rom, BOOTRAM_REBOOT_PARAMETERS + 4);
    return start_window(rom, base, size, 0, call) == RP2350_OK;
}

/* A negative base is that of the image to be tried, negated. */
uint32_t rp2350_chain_image(struct bootrom *rom, struct bootrom_call *call) {
    uint32_t base = call->r[2] >> 31 ? 0 - call->r[2] : call->r[2], update = call->r[2] >> 31 ? base : 0;
    uint32_t type = rom_load(rom, BOOTRAM_BOOT_WORD) >> 8 & 0xff;
    int32_t result = rp2350_check_workarea(rom, call);
    for (unsigned i = 0; result == RP2350_OK && i < rp2350_partition_count(rom); i++) {
        if (ROM_XIP_BASE + (rp2350_partition(rom, i).location & 0x1fff) * SLOT_SIZE == base) {
            rp2350_set_boot_byte(rom, 2, i);
        }
    }
    rp2350_set_boot_byte(rom, 1, type | BOOT_CHAINED);
    result = result ? result : start_window(rom, base, call->r[3], update, call);
    if (result) {
        rp2350_set_boot_byte(rom, 1, type);
        call->r[0] = (uint32_t)result;
    }
    return CYCLES_BOOT;
}

/* ---- Boot ---- */

/* The three copies of a row of flags: two agree. */
static uint32_t boot_flags(struct bootrom *rom) {
    uint32_t a = rom_load(rom, OTP_BOOT_FLAGS0), b = rom_load(rom, OTP_BOOT_FLAGS0 + 4);
    uint32_t c = rom_load(rom, OTP_BOOT_FLAGS0 + 8);
    return (a & b) | (b & c) | (c & a);
}

static uint32_t flash_devinfo(struct bootrom *rom) {
    bool given = boot_flags(rom) & FLAG_FLASH_DEVINFO;
    return given ? rom_load(rom, RP2350_OTP_DATA + 2 * ROW_FLASH_DEVINFO) & 0xffff : DEFAULT_DEVINFO;
}

static void prepare(struct bootrom *rom) {
    const uint32_t blocks = RESET_TIMER0 | RESET_PADS_QSPI | RESET_IO_QSPI | RESET_IO_BANK0 | RESET_PADS_BANK0;
    set_bits(rom, RESETS, blocks); /* out of reset the pads of bank 0 are isolated */
    clear_bits(rom, RESETS, blocks | RESET_USBCTRL);
    for (uint32_t pin = 0; pin < QSPI_PINS; pin++) {
        clear_bits(rom, PADS_QSPI_SCLK + 4 * pin, PAD_ISOLATION);
    }
    rom_store(rom, BOOTRAM_TABLE, 0);
    rom_store(rom, BOOTRAM_FLASH_DEVINFO, flash_devinfo(rom));
}

uint32_t rp2350_boot(struct bootrom *rom, struct bootrom_call *call) {
    uint32_t type = rom_load(rom, BOOTRAM_BOOT_WORD) >> 8 & 0xff;
    enum bootrom_usb_reason reason = BOOTROM_USB_NO_IMAGE;
    prepare(rom);
    if (type != BOOT_BOOTSEL) {
        rp2350_set_boot_byte(rom, 2, PARTITION_NONE);
        rp2350_set_boot_byte(rom, 3, 0);
        rom_store(rom, BOOTRAM_DIAGNOSTIC, 0);
    }
    if (type == BOOT_BOOTSEL) {
        reason = BOOTROM_USB_REQUESTED;
    } else if (type == BOOT_RAM_IMAGE) {
        if (boot_ram(rom, call)) {
            return CYCLES_BOOT;
        }
    } else if (!(rom_load(rom, SIO_GPIO_HI_IN) & GPIO_HI_CSN)) {
        reason = BOOTROM_USB_BUTTON;
        rp2350_set_boot_byte(rom, 1, BOOT_BOOTSEL);
    } else if (boot_flash(rom, call)) {
        return CYCLES_BOOT;
    }
    call->r[0] = 0;
    uint32_t flags = type == BOOT_BOOTSEL ? rom_load(rom, BOOTRAM_REBOOT_PARAMETERS) : 0;
    uint32_t pin = type == BOOT_BOOTSEL ? rom_load(rom, BOOTRAM_REBOOT_PARAMETERS + 4) : 0;
    rom_enter_usb_boot(rom, reason, flags & 0x20 && pin < 32 ? 1u << pin : 0, flags & 3);
    return CYCLES_BOOT;
}

/* ---- reboot() ---- */

static void write_vector(struct bootrom *rom, uint32_t stack, uint32_t entry) {
    rom_store(rom, WATCHDOG_SCRATCH(4), ROM_VECTOR_MAGIC);
    rom_store(rom, WATCHDOG_SCRATCH(5), entry ^ (0u - ROM_VECTOR_MAGIC));
    rom_store(rom, WATCHDOG_SCRATCH(6), stack);
    rom_store(rom, WATCHDOG_SCRATCH(7), entry);
}

void bootrom_rp2350_enter_ram(struct bootrom *rom, uint32_t base, uint32_t size) {
    const uint8_t *data = bus_memory_at(rom->bus, base, size, false);
    struct picobin picobin;
    if (data && picobin_scan(data, size, size, &picobin) && picobin.image.present) {
        rom_store(rom, WATCHDOG_SCRATCH(2), base);
        rom_store(rom, WATCHDOG_SCRATCH(3), size);
        write_vector(rom, BOOT_RAM_IMAGE, ROM_VECTOR_MAGIC);
    } else {
        write_vector(rom, SRAM + SRAM_SIZE, base | 1);
    }
}

uint32_t rp2350_reboot(struct bootrom *rom, struct bootrom_call *call) {
    uint32_t flags = call->r[0], type = flags & REBOOT_TYPE;
    if (flags & REBOOT_TO_RISCV) {
        log_write(rom->env->log, LOG_STUB, "bootrom", "reboot(): the RISC-V cores are not emulated");
        call->r[0] = (uint32_t)RP2350_NOT_PERMITTED;
        return ROM_CYCLES_TRAP;
    }
    rom_store(rom, WATCHDOG_CTRL, 0);
    rom_store(rom, PSM_WDSEL, PSM_ALL_BUT_PROC_COLD);
    if (type == BOOT_PC_SP) {
        write_vector(rom, call->r[3], call->r[2]);
    } else {
        rom_store(rom, WATCHDOG_SCRATCH(2), call->r[2]);
        rom_store(rom, WATCHDOG_SCRATCH(3), call->r[3]);
        write_vector(rom, type, ROM_VECTOR_MAGIC);
    }
    if (type == BOOT_NORMAL) {
        rp2350_set_boot_byte(rom, 0, call->r[2] & 0xff);
        rom_store(rom, WATCHDOG_SCRATCH(4), 0);
    }
    rom_store(rom, WATCHDOG_LOAD, call->r[1] * 1000);
    if (!(rom_load(rom, TICKS_WATCHDOG_CTRL) & 1)) {
        rom_store(rom, TICKS_WATCHDOG_CYCLES, 12);
        rom_store(rom, TICKS_WATCHDOG_CTRL, 1);
    }
    set_bits(rom, SYSCFG_AUXCTRL, 1);
    rom_store(rom, WATCHDOG_CTRL, WATCHDOG_ENABLE);
    call->r[0] = RP2350_OK;
    return 100;
}
