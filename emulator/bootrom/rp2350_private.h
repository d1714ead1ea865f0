/* Private to the RP2350's ROM: supervisor calls, BOOTRAM, and the functions that its files share. */
#ifndef BOOTROM_RP2350_PRIVATE_H
#define BOOTROM_RP2350_PRIVATE_H

#include "emulator/bootrom/picobin.h"
#include "emulator/bootrom/private.h"

/* The first five stand in rp2350_code.S as well. */
enum rp2350_service {
    RP2350_BEGIN,        /* gives r0 = entry from scratch registers or 0, r1 = its stack */
    RP2350_BOOT,         /* gives r0 = entry or 0, r1 = stack, r2 = vector table, r3 = stack limit */
    RP2350_REBOOT,       /* r0 = flags, r1 = delay in ms, r2 and r3 = parameters */
    RP2350_CHAIN_IMAGE,  /* gives what BOOT gives, or r0 = a negative result */
    RP2350_UNKNOWN_CODE, /* a look-up that finds nothing: r0 = code, r1 = flags; gives 0 */
    RP2350_STATE_RESET,
    RP2350_SYS_INFO,
    RP2350_LOAD_PARTITION_TABLE,
    RP2350_PARTITION_TABLE_INFO,
    RP2350_B_PARTITION,
    RP2350_RUNTIME_TO_STORAGE,
    RP2350_OTP_ACCESS,
    RP2350_CONNECT_FLASH,
    RP2350_RESET_TRANSLATION,
    RP2350_EXIT_XIP,
    RP2350_ERASE,
    RP2350_PROGRAM,
    RP2350_FLUSH,
    RP2350_ENTER_XIP,
    RP2350_XIP_MODE,
    RP2350_FLASH_OP,
    RP2350_SET_CALLBACK,
    RP2350_VALIDATE_NS,
    RP2350_NS_PERMISSION,
    RP2350_PICK_AB,
    RP2350_EXPLICIT_BUY,
    RP2350_UF2_TARGET,
    RP2350_SECURE_CALL,
    RP2350_UNMODELLED,
};

/* Results (datasheet 5.4.3). */
enum rp2350_error {
    RP2350_OK = 0,
    RP2350_NOT_PERMITTED = -4,
    RP2350_INVALID_ARG = -5,
    RP2350_INVALID_ADDRESS = -10,
    RP2350_BAD_ALIGNMENT = -11,
    RP2350_INVALID_STATE = -12,
    RP2350_BUFFER_TOO_SMALL = -13,
    RP2350_PRECONDITION_NOT_MET = -14,
    RP2350_MODIFIED_DATA = -15,
    RP2350_INVALID_DATA = -16,
    RP2350_NOT_FOUND = -17,
    RP2350_UNSUPPORTED_MODIFICATION = -18,
    RP2350_LOCK_REQUIRED = -19,
};

enum rp2350_boot_type { BOOT_NORMAL = 0, BOOT_BOOTSEL = 2, BOOT_RAM_IMAGE = 3, BOOT_FLASH_UPDATE = 4, BOOT_PC_SP = 13 };
#define BOOT_CHAINED 0x80u /* in the boot type of what a boot loader has started */

/* Where the ROM keeps its state in BOOTRAM. */
#define BOOTRAM 0x400e0000u
#define BOOTRAM_RANDOM (BOOTRAM + 0x328)        /* 4 words */
#define BOOTRAM_ERASE_ADDRESS (BOOTRAM + 0x338) /* the sector that a buy erases: the version that lost; 0: none */
#define BOOTRAM_FLASH_DEVINFO (BOOTRAM + 0x33c) /* halfword */
#define BOOTRAM_REBOOT_PARAMETERS (BOOTRAM + 0x340)
#define BOOTRAM_BUY_ADDRESS (BOOTRAM + 0x348) /* the IMAGE_TYPE item of the image on trial; 0: none */
#define BOOTRAM_SECURE (BOOTRAM + 0x350)
#define BOOTRAM_CALLBACK (BOOTRAM + 0x354)
#define BOOTRAM_BOOT_WORD (BOOTRAM + 0x358) /* bytes: diagnostic partition, boot type, partition, update flags */
#define BOOTRAM_DIAGNOSTIC (BOOTRAM + 0x35c)
#define BOOTRAM_TABLE (BOOTRAM + 0x360) /* counts, unpartitioned space, 16 pairs, address of the item, hash */
#define BOOTRAM_TABLE_ITEM (BOOTRAM_TABLE + 0x88)
#define BOOTRAM_TABLE_HASH (BOOTRAM_TABLE + 0x8c)
#define BOOTRAM_NS_PERMISSIONS (BOOTRAM + 0x3f0)
#define BOOTRAM_CHIP_ID (BOOTRAM + 0x3f8)
#define BOOTRAM_END (BOOTRAM + 0x400)
#define BOOTRAM_WRITE_ONCE0 (BOOTRAM + 0x800)
#define BOOTRAM_BOOTLOCK_STAT (BOOTRAM + 0x808)
#define BOOTRAM_BOOTLOCK0 (BOOTRAM + 0x80c)
#define TABLE_LOADED 0x10000u

#define PICOBIN_TRY 0x8000u /* of an IMAGE_TYPE's flags: to be tried before it is bought */
#define LOCK_SHA256 0
#define LOCK_FLASH 1
#define LOCK_OTP 2
#define LOCK_ENABLE 7

#define RP2350_QMI 0x400d0000u
#define RP2350_QMI_ATRANS0 (RP2350_QMI + 0x34)
#define RP2350_OTP_DATA 0x40130000u
#define RP2350_OTP_RAW 0x40134000u

/* A part of the flash or of RAM that images are looked for in. */
struct rp2350_window {
    const uint8_t *data;
    uint32_t size;
    uint32_t base; /* its storage address */
};

/* Addresses in the image. */
uint32_t rp2350_halt(void);
/* The 64 words that firmware copies from BOOTRAM, with the read mode filled in. */
void rp2350_write_xip_setup(struct bootrom *rom, uint32_t timing, uint32_t format, uint32_t command);

/* rp2350_boot.c */
uint32_t rp2350_begin(struct bootrom *rom, struct bootrom_call *call);
uint32_t rp2350_boot(struct bootrom *rom, struct bootrom_call *call);
uint32_t rp2350_reboot(struct bootrom *rom, struct bootrom_call *call);
/* The block loop of slot 0, or of slot 1 when that counts. */
bool rp2350_scan_slots(const struct rp2350_window *flash, struct picobin *ret_picobin, uint32_t *ret_slot);
/* chain_image(r2 = base, r3 = size of a window): as rp2350_boot(), or a negative result. */
uint32_t rp2350_chain_image(struct bootrom *rom, struct bootrom_call *call);
void rp2350_set_boot_byte(struct bootrom *rom, unsigned byte, uint32_t value);

/* rp2350_partitions.c */
struct rp2350_partition {
    uint32_t location, flags; /* permissions in both */
};

/* The flash, untranslated, as far as it is mapped; size 0 without one. */
struct rp2350_window rp2350_flash(struct bootrom *rom);
uint32_t rp2350_window_word(const struct rp2350_window *window, uint32_t offset);
void rp2350_load_table(struct bootrom *rom, const struct picobin *picobin, uint32_t slot);
bool rp2350_table_is_loaded(struct bootrom *rom);
unsigned rp2350_partition_count(struct bootrom *rom);
struct rp2350_partition rp2350_partition(struct bootrom *rom, unsigned index);
bool rp2350_is_b_partition(struct rp2350_partition partition);
bool rp2350_partition_window(struct bootrom *rom, unsigned index, struct rp2350_window *ret_window);
/* The flag of a partition that takes a UF2 family by itself; 0: families without one. */
uint32_t rp2350_family_flag(uint32_t family);
/* A partition takes images of this UF2 family. */
bool rp2350_partition_accepts(struct bootrom *rom, unsigned index, uint32_t family);
/* r0 = address, r1 = size of the memory that a call works in. */
int32_t rp2350_check_workarea(struct bootrom *rom, const struct bootrom_call *call);
int32_t rp2350_b_partition(struct bootrom *rom, uint32_t partition);
int32_t rp2350_table_info(struct bootrom *rom, const struct bootrom_call *call);
int32_t rp2350_load_partition_table(struct bootrom *rom, const struct bootrom_call *call);
/* All bytes of a span of flash have the permission bits. */
bool rp2350_span_has_permission(struct bootrom *rom, uint32_t offset, uint32_t size, uint32_t permission);

/* rp2350_load.c */
bool rp2350_is_flash(const struct rp2350_window *window);
/* What the load map names, and of the block what it says, have the hash that the block gives; or it gives none. */
bool rp2350_hash_matches(const struct rp2350_window *window, const struct picobin_image *image);
bool rp2350_table_hash_matches(const struct rp2350_window *window, const struct picobin_table *table);
/* Copy and clear what the load map says; false with a line when it cannot be. */
bool rp2350_load_segments(struct bootrom *rom, const struct rp2350_window *window, const struct picobin_image *image);

/* An entry of the load map copies something. */
bool rp2350_load_map_copies(const struct rp2350_window *window, const struct picobin_image *image);

/* rp2350_diagnostics.c; a place is one of these or the number of partition A. */
#define RP2350_SLOTS (-2)
#define RP2350_WINDOW (-4)
/* A window was looked through, and what it holds counted. */
void rp2350_diagnose_search(struct bootrom *rom, int place, unsigned half, const struct rp2350_window *window,
                            bool counts);
/* One of the two halves was taken, perhaps after the other one had been looked at more closely. */
void rp2350_diagnose_choice(struct bootrom *rom, int place, unsigned half, bool considered);
void rp2350_diagnose_launch(struct bootrom *rom, int place, unsigned half, bool launched);

/* rp2350_update.c */
/* Which image of partition `a` and its B counts, executable ones alone or any: 0 or 1. `update`: storage address of
 * the one that is to be tried. */
unsigned rp2350_pick(struct bootrom *rom, unsigned a, uint32_t update, bool executable);
int32_t rp2350_pick_ab(struct bootrom *rom, const struct bootrom_call *call);
int32_t rp2350_uf2_target(struct bootrom *rom, const struct bootrom_call *call);
uint32_t rp2350_explicit_buy(struct bootrom *rom, struct bootrom_call *call);
void rp2350_erase_other(struct bootrom *rom);

/* rp2350.c */
void rp2350_connect_flash(struct bootrom *rom);
void rp2350_exit_xip(struct bootrom *rom);
void rp2350_reset_translation(struct bootrom *rom);
/* Read mode 0 to 3 (03h, 0Bh, BBh, EBh) at a clock divider; also into BOOTRAM's function when `remember`. */
void rp2350_select_xip(struct bootrom *rom, unsigned mode, uint32_t divider, bool remember);
void rp2350_reset_state(struct bootrom *rom, uint32_t what);
/* 0 when the caller holds the lock or locks are not in use. */
int32_t rp2350_check_lock(struct bootrom *rom, unsigned lock);

#endif
