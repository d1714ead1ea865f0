/* The image of the RP2040's boot ROM (datasheet 2.8.2.1 layout, 2.8.3 tables).
 *
 * What differs from the chip: addresses inside the ROM, except the fixed ones at 0x00 to 0x18; the copyright string
 * and the git revision are our own; the start and end of the float libraries (FS, FE, DS, DE) enclose our trapping
 * stubs, which do not work when copied into RAM. Version 1: pico-sdk's double routines and shims enter the B0 ROM's
 * float library at undocumented addresses; these are not there (default: version 3).
 * The rest of the image is filled with functions that log and return. */
#include "emulator/bootrom/bootrom.h"
#include "emulator/bootrom/builder.h"
#include "emulator/bootrom/rp2040_code.h"
#include "emulator/bootrom/rp2040_services.h"
#include "emulator/bootrom/softfloat.h"

#include <string.h>

#define CODE_START 0x1cu
#define STACK_TOP 0x20041f00u /* below the second stage */
#define CMP_R0_0 0x2800u

static void add_pair(struct image *image, uint16_t code, uint32_t value) {
    add16(image, code);
    add16(image, value);
}

static uint32_t align(struct image *image) {
    image->next = (image->next + 3) & ~3u;
    return image->next;
}

/* A function that is one supervisor call; its address for a table. */
static uint32_t add_stub(struct image *image, unsigned service) {
    uint32_t at = image->next;
    add16(image, SVC(service));
    add16(image, BX_LR);
    return at | THUMB;
}

/* A comparison: the flags tell the result as well. */
static uint32_t add_compare(struct image *image, unsigned service) {
    uint32_t at = image->next;
    add16(image, SVC(service));
    add16(image, CMP_R0_0);
    add16(image, BX_LR);
    return at | THUMB;
}

static uint32_t add_text(struct image *image, const char *text) {
    uint32_t at = image->next;
    size_t size = strlen(text) + 1;
    memcpy(image->rom + at, text, size);
    image->next += (uint32_t)size;
    return at;
}

static uint32_t add_functions(struct image *image, unsigned version) {
    static const struct {
        uint16_t code;
        uint16_t address;
    } functions[] = {
        { CODE('P', '3'), ROM_CODE_POPCOUNT },
        { CODE('R', '3'), ROM_CODE_REVERSE },
        { CODE('L', '3'), ROM_CODE_CLZ },
        { CODE('T', '3'), ROM_CODE_CTZ },
        { CODE('M', 'S'), ROM_CODE_MEMSET },
        { CODE('S', '4'), ROM_CODE_MEMSET4 },
        { CODE('M', 'C'), ROM_CODE_MEMCPY },
        { CODE('C', '4'), ROM_CODE_MEMCPY44 },
        { CODE('U', 'B'), ROM_CODE_USB_BOOT },
        { CODE('D', 'T'), ROM_CODE_DEBUG_TRAMPOLINE },
        { CODE('D', 'E'), ROM_CODE_DEBUG_TRAMPOLINE_END },
        { CODE('W', 'V'), ROM_CODE_WAIT_FOR_VECTOR },
    };
    static const struct {
        uint16_t code;
        uint16_t service;
    } traps[] = {
        { CODE('I', 'F'), SERVICE_CONNECT_FLASH }, { CODE('E', 'X'), SERVICE_EXIT_XIP },
        { CODE('R', 'E'), SERVICE_ERASE },         { CODE('R', 'P'), SERVICE_PROGRAM },
        { CODE('F', 'C'), SERVICE_FLUSH },         { CODE('C', 'X'), SERVICE_ENTER_XIP },
        { CODE('E', 'C'), SERVICE_ENABLE_CLOCKS },
    };
    unsigned trap_count = sizeof(traps) / sizeof(traps[0]) - (version > 1); /* EC is version 1's alone */
    uint32_t stubs = image->next;
    for (unsigned i = 0; i < trap_count; i++) {
        add_stub(image, traps[i].service);
    }
    uint32_t at = image->next;
    for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        add_pair(image, functions[i].code, functions[i].address | THUMB);
    }
    for (unsigned i = 0; i < trap_count; i++) {
        add_pair(image, traps[i].code, (stubs + 4 * i) | THUMB);
    }
    add16(image, 0);
    return at;
}

/* The routine that stands at `index` of a table: version 1 has a short table with fatan2 at 18. */
static unsigned routine_of(unsigned index, unsigned count) {
    if (count == RP2040_FLOAT_ENTRIES) {
        return index;
    }
    return index == 7 ? SOFTFLOAT_V1_FLOAT2INT : index == 8 ? SOFTFLOAT_V1_FLOAT2FIX : index == 18 ? 22 : index;
}

/* The table of float or double routines: words with the Thumb bit. */
static uint32_t add_soft_table(struct image *image, unsigned service, unsigned count, uint32_t *ret_start,
                               uint32_t *ret_end) {
    uint32_t entries[RP2040_FLOAT_ENTRIES];
    *ret_start = image->next;
    for (unsigned i = 0; i < count; i++) {
        bool compares = i == 4 || i == 5 || i == 21;
        entries[i] = compares ? add_compare(image, service + i) : add_stub(image, service + routine_of(i, count));
    }
    *ret_end = image->next;
    align(image);
    image->next += 2;
    uint32_t size_at = image->next;
    add16(image, count); /* a byte, found through FZ or 2 bytes before the table */
    uint32_t at = align(image);
    for (unsigned i = 0; i < count; i++) {
        put32(image->rom, at + 4 * i, entries[i]);
    }
    image->next = at + 4 * count;
    return size_at;
}

static unsigned bits_set(unsigned value) {
    unsigned count = 0;
    for (; value; value &= value - 1) {
        count++;
    }
    return count;
}

/* Version 1 shows its byte tables: population count, reversal, leading and trailing zeros. */
static void add_byte_tables(struct image *image, uint32_t ret_tables[4]) {
    for (unsigned t = 0; t < 4; t++) {
        ret_tables[t] = image->next + 256 * t;
    }
    for (unsigned value = 0; value < 256; value++) {
        uint8_t *at = image->rom + image->next + value;
        unsigned leading = 8, trailing = value ? 0 : 8, reversed = 0;
        for (unsigned bit = 0; bit < 8; bit++) {
            reversed |= (value >> bit & 1) << (7 - bit);
        }
        while (value >> (8 - leading)) {
            leading--;
        }
        while (value && !(value >> trailing & 1)) {
            trailing++;
        }
        at[0] = (uint8_t)bits_set(value);
        at[256] = (uint8_t)reversed;
        at[512] = (uint8_t)leading;
        at[768] = (uint8_t)trailing;
    }
    image->next += 4 * 256;
}

static uint32_t add_data(struct image *image, unsigned version) {
    uint32_t revision = align(image);
    put32(image->rom, revision, 0x6f75726f);
    image->next += 4;
    uint32_t copyright = add_text(image, "Ouroboard boot ROM services, MIT licence");
    align(image);
    uint32_t fs, fe, ds = 0, de = 0, tables[4] = { 0 };
    unsigned count = version == 1 ? 21 : RP2040_FLOAT_ENTRIES;
    uint32_t float_size = add_soft_table(image, SERVICE_FLOAT, count, &fs, &fe);
    uint32_t double_size = 0;
    if (version == 1) {
        add_byte_tables(image, tables);
    } else {
        double_size = add_soft_table(image, SERVICE_DOUBLE, count, &ds, &de);
    }
    if (version == 2) { /* no sincos yet */
        put32(image->rom, float_size + 2 + 4 * 18, ROM_CODE_HALT | THUMB);
        put32(image->rom, double_size + 2 + 4 * 18, ROM_CODE_HALT | THUMB);
    }
    uint32_t at = align(image);
    add_pair(image, CODE('G', 'R'), revision);
    add_pair(image, CODE('C', 'R'), copyright);
    for (unsigned t = 0; version == 1 && t < 4; t++) {
        add_pair(image, CODE("PRLT"[t], '8'), tables[t]);
    }
    add_pair(image, CODE('S', 'F'), float_size + 2);
    if (version > 1) {
        add_pair(image, CODE('S', 'D'), double_size + 2);
        add_pair(image, CODE('F', 'Z'), float_size);
    }
    add_pair(image, CODE('F', 'S'), fs);
    add_pair(image, CODE('F', 'E'), fe);
    if (version > 1) {
        add_pair(image, CODE('D', 'S'), ds);
        add_pair(image, CODE('D', 'E'), de);
    }
    add16(image, 0);
    return at;
}

void bootrom_rp2040_build(uint8_t *rom, unsigned version) {
    struct image image = { .rom = rom, .next = CODE_START };
    for (uint32_t at = 0; at < BOOTROM_RP2040_SIZE; at += 4) {
        put16(rom, at, SVC(SERVICE_UNMODELLED));
        put16(rom, at + 2, BX_LR);
    }
    for (unsigned i = 0; i < sizeof(rom_code) / sizeof(rom_code[0]); i++) {
        add16(&image, rom_code[i]);
    }
    align(&image);
    uint32_t functions = add_functions(&image, version);
    uint32_t data = add_data(&image, version);
    put32(rom, 0x00, STACK_TOP);
    put32(rom, 0x04, ROM_CODE_RESET | THUMB);
    put32(rom, 0x08, ROM_CODE_NMI | THUMB);
    put32(rom, 0x0c, ROM_CODE_HALT | THUMB);
    memcpy(rom + 0x10, (const uint8_t[]){ 'M', 'u', 1, (uint8_t)version }, 4);
    put16(rom, 0x14, functions);
    put16(rom, 0x16, data);
    put16(rom, 0x18, ROM_CODE_LOOKUP | THUMB);
    put16(rom, 0x1a, 0);
}

uint32_t bootrom_rp2040_halt(void) {
    return ROM_CODE_HALT;
}

uint32_t bootrom_rp2040_usb_entry(void) {
    return ROM_CODE_USB_ENTRY;
}
