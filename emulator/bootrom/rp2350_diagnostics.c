/* The word that tells how the RP2350's boot went (get_sys_info() gives it; datasheet 5.4.8.17, bits as BOOT_DIAGNOSTIC_
 * in pico-sdk): a half for slot 0, partition A or a window, one for slot 1 or partition B. It is kept of the place that
 * the boot word names: the slots after power-on, else a partition that a reboot asked for, or a window.
 * Not modelled: what a partition that lost was verified to be. */
#include "emulator/bootrom/rp2350_private.h"

#define WINDOW_SEARCHED 0x0001u
#define INVALID_LOOP 0x0002u
#define VALID_LOOP 0x0004u
#define VALID_IMAGE 0x0008u
#define HAS_TABLE 0x0010u
#define CONSIDERED 0x0020u
#define CHOSEN 0x0040u
#define TABLE_HASHED 0x0100u
#define TABLE_VERIFIED 0x0200u
#define IMAGE_HASHED 0x0800u
#define IMAGE_VERIFIED 0x1000u
#define LOADED 0x2000u
#define LAUNCHED 0x4000u
#define NOT_LAUNCHED 0x8000u

static void record(struct bootrom *rom, int place, unsigned half, uint32_t bits) {
    int wanted = (int8_t)(rom_load(rom, BOOTRAM_BOOT_WORD) & 0xff);
    if (wanted == place || (place == RP2350_SLOTS && wanted <= RP2350_SLOTS && wanted != RP2350_WINDOW)) {
        rom_store(rom, BOOTRAM_DIAGNOSTIC, rom_load(rom, BOOTRAM_DIAGNOSTIC) | bits << 16 * half);
    }
}

static uint32_t searched(const struct picobin *picobin) {
    uint32_t loop = picobin->closed ? VALID_LOOP : picobin->found ? INVALID_LOOP : 0;
    return WINDOW_SEARCHED | loop | (picobin->image.present ? VALID_IMAGE : 0) |
           (picobin->table.present ? HAS_TABLE : 0);
}

static uint32_t verified(const struct rp2350_window *window, const struct picobin *picobin) {
    uint32_t bits = 0;
    if (picobin->table.present) {
        bits |= picobin->table.hash.value ? TABLE_HASHED : 0;
        bits |= rp2350_table_hash_matches(window, &picobin->table) ? TABLE_VERIFIED : 0;
    }
    if (picobin->image.present) {
        bits |= picobin->image.hash.value ? IMAGE_HASHED : 0;
        bits |= rp2350_hash_matches(window, &picobin->image) ? IMAGE_VERIFIED : 0;
        bits |= rp2350_load_map_copies(window, &picobin->image) ? LOADED : 0;
    }
    return bits;
}

void rp2350_diagnose_search(struct bootrom *rom, int place, unsigned half, const struct rp2350_window *window,
                            bool counts) {
    struct picobin picobin;
    uint32_t search = place == RP2350_WINDOW ? window->size : PICOBIN_FLASH_SEARCH;
    picobin_scan(window->data, window->size, search, &picobin);
    record(rom, place, half, searched(&picobin) | (counts ? verified(window, &picobin) : 0));
}

void rp2350_diagnose_choice(struct bootrom *rom, int place, unsigned half, bool considered) {
    record(rom, place, half, CHOSEN | (considered ? CONSIDERED : 0));
}

void rp2350_diagnose_launch(struct bootrom *rom, int place, unsigned half, bool launched) {
    record(rom, place, half, launched ? LAUNCHED : NOT_LAUNCHED);
}
