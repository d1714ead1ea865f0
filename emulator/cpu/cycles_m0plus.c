/* Cortex-M0+ Technical Reference Manual, table 3-1 (instruction set summary), with the fast multiplier that the
 * RP2040 has (RP2040 datasheet 2.4.1) and no wait states.
 *
 * Loads and stores are counted as to memory (2 cycles); engine_access.c gives one back for the single-cycle I/O port
 * and adds the wait states of the APB bridge. Not modelled: bus contention, XIP cache misses, flash prefetch. Decided:
 * a Bcc to the instruction behind it costs what one that is not taken costs; the next pc does not tell them apart.
 * Ambiguity: SVC, BKPT and UDF have no count in the table; the exception entry is counted, the instruction as 1. */
#include "emulator/cpu/internal.h"

#include <string.h>

#define TO_NEXT 0xff /* a Bcc's offset, -2 from pc + 4 */

static unsigned wide_cycles(uint16_t first, uint16_t second) {
    bool branch_link = (first & 0xf800) == 0xf000 && (second & 0xd000) == 0xd000;
    if (branch_link) {
        return 3; /* BL */
    }
    return 3; /* MSR, MRS, DMB, DSB, ISB */
}

/* 0b1011xxxxxxxxxxxx */
static unsigned miscellaneous_cycles(uint16_t code) {
    if ((code & 0xfe00) == 0xb400) { /* PUSH */
        return 1 + (unsigned)__builtin_popcount(code & 0x1ff);
    }
    if ((code & 0xfe00) == 0xbc00) { /* POP: 1 + N, with pc 3 + N where N counts pc too */
        unsigned count = (unsigned)__builtin_popcount(code & 0x1ff);
        return code & 0x100 ? 3 + count : 1 + count;
    }
    if (code == 0xbf20 || code == 0xbf30) { /* WFE, WFI */
        return 2;
    }
    return 1; /* ADD/SUB sp, extends, REV, CPS, hints, BKPT */
}

/* 0b010001xxxxxxxxxx: ADD, CMP, MOV with high registers, BX, BLX */
static unsigned special_cycles(uint16_t code) {
    unsigned operation = code >> 8 & 3;
    if (operation == 3) {
        return 2;
    }
    bool to_pc = (code & 0x87) == 0x87 && operation != 1;
    return to_pc ? 2 : 1;
}

unsigned m0plus_instruction_cycles(uint16_t first, uint16_t second, unsigned *ret_taken) {
    *ret_taken = 0;
    if (thumb_is_wide(first)) {
        return wide_cycles(first, second);
    }
    switch (first >> 12) {
    case 0x4:
        if (first & 0x800) {
            return 2; /* LDR literal */
        }
        return first & 0x400 ? special_cycles(first) : 1;
    case 0x5:
    case 0x6:
    case 0x7:
    case 0x8:
    case 0x9:
        return 2; /* loads and stores */
    case 0xb:
        return miscellaneous_cycles(first);
    case 0xc: /* LDM, STM */
        return 1 + (unsigned)__builtin_popcount(first & 0xff);
    case 0xd:
        *ret_taken = (first & 0xe00) == 0xe00 || (first & 0xff) == TO_NEXT ? 0 : 1; /* Bcc: 1, taken 2 */
        return 1;
    case 0xe:
        return 2; /* B */
    default:
        return 1;
    }
}

void m0plus_block_cost(const uint8_t *code, uint32_t size, struct block_cost *ret_cost) {
    unsigned cycles = 0, taken = 0;
    for (uint32_t at = 0; at + 2 <= size;) {
        uint16_t first, second = 0;
        memcpy(&first, code + at, 2);
        if (thumb_is_wide(first) && at + 4 <= size) {
            memcpy(&second, code + at + 2, 2);
        }
        if (first == 0xbf40) {
            ret_cost->sev = true;
        }
        cycles += m0plus_instruction_cycles(first, second, &taken);
        at += thumb_is_wide(first) ? 4 : 2;
    }
    ret_cost->cycles = (uint16_t)(cycles < UINT16_MAX ? cycles : UINT16_MAX);
    ret_cost->taken = (uint8_t)taken;
}

/* An instruction begins with its access, when those before it are done. */
unsigned m0plus_offset(const uint8_t *code, uint32_t size, uint32_t at) {
    struct block_cost before = { 0 };
    m0plus_block_cost(code, at < size ? at : size, &before);
    return before.cycles;
}
