/* The image of the RP2350's boot ROM for its Arm cores (datasheet 5.4.1: one table of code, flags and a halfword for
 * each flag).
 *
 * What differs from the chip: addresses inside the ROM, except the fixed ones at 0x00 to 0x18; entries for RISC-V are
 * missing; Non-secure entries are those of the Secure functions. The rest of the image is filled with functions that
 * log and return. */
#include "emulator/bootrom/builder.h"
#include "emulator/bootrom/rp2350_code.h"
#include "emulator/bootrom/rp2350_private.h"

#include <string.h>

#define CODE_START 0x1cu
#define INVALID_STACK 0xf0000000u
#define SECURE 0x04u
#define NONSECURE 0x10u
#define DATA 0x40u
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t add32(struct image *image, uint32_t value) {
    uint32_t at = image->next;
    put32(image->rom, at, value);
    image->next += 4;
    return at;
}

static void add_entry(struct image *image, uint16_t code, uint32_t flags, uint32_t value) {
    add16(image, code);
    add16(image, flags);
    for (uint32_t rest = flags; rest; rest &= rest - 1) {
        add16(image, value);
    }
}

struct function {
    uint16_t code, flags, service;
};

static const struct function functions[] = {
    { CODE('S', 'R'), SECURE, RP2350_STATE_RESET },
    { CODE('G', 'S'), SECURE | NONSECURE, RP2350_SYS_INFO },
    { CODE('S', 'C'), NONSECURE, RP2350_SECURE_CALL },
    { CODE('L', 'P'), SECURE, RP2350_LOAD_PARTITION_TABLE },
    { CODE('G', 'P'), SECURE | NONSECURE, RP2350_PARTITION_TABLE_INFO },
    { CODE('G', 'B'), SECURE | NONSECURE, RP2350_B_PARTITION },
    { CODE('F', 'A'), SECURE | NONSECURE, RP2350_RUNTIME_TO_STORAGE },
    { CODE('O', 'A'), SECURE | NONSECURE, RP2350_OTP_ACCESS },
    { CODE('I', 'F'), SECURE, RP2350_CONNECT_FLASH },
    { CODE('R', 'A'), SECURE, RP2350_RESET_TRANSLATION },
    { CODE('E', 'X'), SECURE, RP2350_EXIT_XIP },
    { CODE('R', 'E'), SECURE, RP2350_ERASE },
    { CODE('R', 'P'), SECURE, RP2350_PROGRAM },
    { CODE('F', 'C'), SECURE, RP2350_FLUSH },
    { CODE('C', 'X'), SECURE, RP2350_ENTER_XIP },
    { CODE('X', 'M'), SECURE, RP2350_XIP_MODE },
    { CODE('F', 'O'), SECURE | NONSECURE, RP2350_FLASH_OP },
    { CODE('R', 'C'), SECURE, RP2350_SET_CALLBACK },
    { CODE('V', 'B'), SECURE, RP2350_VALIDATE_NS },
    { CODE('S', 'P'), SECURE, RP2350_NS_PERMISSION },
    { CODE('A', 'B'), SECURE, RP2350_PICK_AB },
    { CODE('E', 'B'), SECURE, RP2350_EXPLICIT_BUY },
    { CODE('G', 'U'), SECURE, RP2350_UF2_TARGET },
};

static uint32_t add_table(struct image *image) {
    uint32_t stubs = image->next;
    for (unsigned i = 0; i < COUNT(functions); i++) {
        add16(image, SVC(functions[i].service));
        add16(image, BX_LR);
    }
    uint32_t revision = add32(image, 0x6f75726f);
    uint32_t table = add32(image, BOOTRAM_TABLE);
    uint32_t setup = add32(image, BOOTRAM | THUMB);
    uint32_t devinfo = add32(image, BOOTRAM_FLASH_DEVINFO);
    uint32_t at = image->next;
    for (unsigned i = 0; i < COUNT(functions); i++) {
        add_entry(image, functions[i].code, functions[i].flags, (stubs + 4 * i) | THUMB);
    }
    add_entry(image, CODE('R', 'B'), SECURE | NONSECURE, ROM_CODE_REBOOT | THUMB);
    add_entry(image, CODE('C', 'I'), SECURE, ROM_CODE_CHAIN_IMAGE | THUMB);
    add_entry(image, CODE('G', 'R'), DATA, revision);
    add_entry(image, CODE('P', 'T'), DATA, table);
    add_entry(image, CODE('X', 'F'), DATA, setup);
    add_entry(image, CODE('F', 'D'), DATA, devinfo);
    add16(image, 0);
    return at;
}

void bootrom_rp2350_build(uint8_t *rom) {
    struct image image = { rom, CODE_START };
    for (uint32_t at = 0; at < BOOTROM_RP2350_SIZE; at += 4) {
        put16(rom, at, SVC(RP2350_UNMODELLED));
        put16(rom, at + 2, BX_LR);
    }
    for (unsigned i = 0; i < COUNT(rom_code); i++) {
        add16(&image, rom_code[i]);
    }
    image.next = (image.next + 3) & ~3u;
    uint32_t table = add_table(&image);
    put32(rom, 0x00, INVALID_STACK); /* its lower half is what a failed look-up reads */
    put32(rom, 0x04, ROM_CODE_RESET | THUMB);
    put32(rom, 0x08, ROM_CODE_HALT | THUMB);
    put32(rom, 0x0c, ROM_CODE_HALT | THUMB);
    memcpy(rom + 0x10, (const uint8_t[]){ 'M', 'u', 2, 2 }, 4);
    put16(rom, 0x14, table);
    put16(rom, 0x16, ROM_CODE_LOOKUP | THUMB);
    put16(rom, 0x18, ROM_CODE_LOOKUP_ENTRY | THUMB);
    put16(rom, 0x1a, 0);
}

uint32_t rp2350_halt(void) {
    return ROM_CODE_HALT;
}

void rp2350_write_xip_setup(struct bootrom *rom, uint32_t timing, uint32_t format, uint32_t command) {
    const uint32_t data[] = { timing, format, command };
    uint32_t code_words = (ROM_CODE_XIP_SETUP_DATA - ROM_CODE_XIP_SETUP) / 4;
    for (uint32_t i = 0; i < 64; i++) {
        uint32_t at = ROM_CODE_XIP_SETUP + 4 * i - CODE_START, word = 0;
        if (i >= code_words && i < code_words + 3) {
            word = data[i - code_words];
        } else if (i < code_words + 4) {
            word = rom_code[at / 2] | (uint32_t)rom_code[at / 2 + 1] << 16;
        }
        rom_store(rom, BOOTRAM + 4 * i, word);
    }
}
