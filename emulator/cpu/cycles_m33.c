/* What instructions cost on a Cortex-M33. Its Technical Reference Manual (100230) has no table; what Arm and others
 * tell: one cycle for data processing and multiplication, loads two that overlap with the next access, stores one
 * into the write buffer, 2 to 11 for a division, one for a coprocessor access (also RP2350 datasheet 3.6.2.2), an
 * FPU with the latencies of the Cortex-M4's (its manual, 100166, table 3-1 and 7-1), taken branches refill the
 * pipeline. The delay loop of Raspberry Pi's SDK (SUBS, BCS) needs three cycles a pass on this core as well.
 *
 * Not modelled: pairs of 16-bit instructions in one cycle, waiting for the result of a load or of the FPU, the store
 * buffer, contention, flash and XIP-cache misses. A division costs 6 whatever the operands are. IT costs nothing
 * (folded). */
#include "emulator/cpu/internal.h"

#include <string.h>

#define LOAD 2
#define STORE 1
#define BRANCH 2 /* taken */
#define REFILL 2 /* after a load to pc */
#define DIVIDE 6
#define BARRIER 3

/* ---- 16-bit instructions ---- */
static unsigned miscellaneous_cycles(uint16_t code, unsigned *ret_taken) {
    unsigned count = (unsigned)__builtin_popcount(code & 0x1ff);
    if ((code & 0xf500) == 0xb100) { /* CBZ, CBNZ */
        *ret_taken = BRANCH - 1;
        return 1;
    }
    if ((code & 0xfe00) == 0xb400) { /* PUSH */
        return 1 + count;
    }
    if ((code & 0xfe00) == 0xbc00) { /* POP */
        return code & 0x100 ? 1 + count + REFILL : 1 + count;
    }
    if ((code & 0xff00) == 0xbf00) { /* IT; hints */
        return code & 0xf ? 0 : 1;
    }
    return 1;
}

static unsigned special_cycles(uint16_t code) {
    unsigned operation = code >> 8 & 3;
    bool to_pc = (code & 0x87) == 0x87 && operation != 1;
    return operation == 3 || to_pc ? BRANCH : 1;
}

static unsigned narrow_cycles(uint16_t code, unsigned *ret_taken) {
    switch (code >> 12) {
    case 0x4:
        if (code & 0x800) {
            return LOAD; /* literal */
        }
        return code & 0x400 ? special_cycles(code) : 1;
    case 0x5: /* register offset: STR, STRH, STRB are 0 to 2 */
        return (code >> 9 & 7) < 3 ? STORE : LOAD;
    case 0x6:
    case 0x7:
    case 0x8:
    case 0x9:
        return code & 0x800 ? LOAD : STORE;
    case 0xb:
        return miscellaneous_cycles(code, ret_taken);
    case 0xc: /* LDM, STM */
        return 1 + (unsigned)__builtin_popcount(code & 0xff);
    case 0xd:
        *ret_taken = (code & 0xe00) == 0xe00 ? 0 : BRANCH - 1;
        return 1;
    case 0xe:
        return BRANCH;
    default:
        return 1;
    }
}

/* ---- 32-bit instructions ---- */
/* 0b1110100xxxxxxxxx: several registers, two registers, exclusive accesses, table branches */
static unsigned multiple_cycles(uint16_t first, uint16_t second) {
    if (!(first & 0x40)) {
        unsigned count = (unsigned)__builtin_popcount(second);
        bool to_pc = first & 0x10 && second & 0x8000;
        return to_pc ? 1 + count + REFILL : 1 + count;
    }
    if ((first & 0xfff0) == 0xe8d0 && (second & 0xffe0) == 0xf000) { /* TBB, TBH */
        return LOAD + REFILL;
    }
    bool dual = first & 0x120; /* LDRD, STRD; TT is STORE-like */
    return dual ? 3 : LOAD;
}

/* 0b11110xxxxxxxxxxx 1xxxxxxxxxxxxxxx */
static unsigned control_cycles(uint16_t first, uint16_t second, unsigned *ret_taken) {
    if (second & 0x1000) {
        return BRANCH; /* B, BL */
    }
    if ((first & 0x0380) != 0x0380) { /* Bcc */
        *ret_taken = BRANCH - 1;
        return 1;
    }
    switch (first >> 4 & 7) {
    case 2: /* hints */
        return 1;
    case 3:
        return BARRIER;
    default: /* MSR, MRS */
        return 2;
    }
}

/* 0b111x11xxxxxxxxxx with coprocessor 10 or 11 */
static unsigned float_cycles(uint16_t first, uint16_t second) {
    bool moves_two = (first & 0xffe0) == 0xec40;
    if ((first & 0xfe00) == 0xec00 && !moves_two) { /* VLDM, VSTM, VPUSH, VPOP */
        return 1 + (second & 0xff);
    }
    if ((first & 0xff00) == 0xed00) {
        bool single = (first & 0x0020) == 0; /* VLDR, VSTR; else VSTMDB */
        return single ? LOAD : 1 + (second & 0xff);
    }
    if ((first & 0xff00) != 0xee00 || second & 0x10) {
        return 1; /* moves to and from general registers, VSEL, VMAXNM, conversions with rounding */
    }
    switch (first & 0xb0) {
    case 0x00: /* VMLA, VMLS */
    case 0x10: /* VNMLA, VNMLS */
    case 0x90: /* VFNMA */
    case 0xa0: /* VFMA */
        return 3;
    case 0x80: /* VDIV */
        return 14;
    case 0xb0: /* VSQRT among others */
        return (first & 0xf) == 1 && (second & 0xc0) == 0xc0 ? 14 : 1;
    default:
        return 1;
    }
}

static unsigned wide_cycles(uint16_t first, uint16_t second, unsigned *ret_taken) {
    if ((first & 0xec00) == 0xec00) { /* coprocessors */
        return (second & 0x0e00) == 0x0a00 ? float_cycles(first, second) : 1;
    }
    switch (first >> 9) {
    case 0xe800 >> 9:
        return multiple_cycles(first, second);
    case 0xf800 >> 9: /* one register */
        if (!(first & 0x10)) {
            return STORE;
        }
        return (second & 0xf000) == 0xf000 && (first & 0x60) == 0x40 ? LOAD + REFILL : LOAD;
    case 0xfa00 >> 9: /* registers, multiplication, division */
        return (first & 0xffd0) == 0xfb90 ? DIVIDE : 1;
    default:
        return (first & 0xf800) == 0xf000 && second & 0x8000 ? control_cycles(first, second, ret_taken) : 1;
    }
}

unsigned m33_instruction_cycles(uint16_t first, uint16_t second, unsigned *ret_taken) {
    *ret_taken = 0;
    return thumb_is_wide(first) ? wide_cycles(first, second, ret_taken) : narrow_cycles(first, ret_taken);
}

/* ---- Blocks ---- */
/* A load or store of one register: its address phase overlaps with the data phase of the one before. */
static bool is_single_access(uint16_t first) {
    unsigned top = first >> 12;
    if (thumb_is_wide(first)) {
        return (first & 0xfe00) == 0xf800;
    }
    return (top >= 5 && top <= 9) || (first & 0xf800) == 0x4800;
}

static bool writes_limit(uint16_t first, uint16_t second) {
    return (first & 0xfff0) == 0xf380 && (second == 0x880a || second == 0x880b);
}

void m33_block_cost(const uint8_t *code, uint32_t size, struct block_cost *ret_cost) {
    unsigned cycles = 0, taken = 0;
    bool access_before = false;
    for (uint32_t at = 0; at + 2 <= size;) {
        uint16_t first, second = 0;
        memcpy(&first, code + at, 2);
        if (thumb_is_wide(first) && at + 4 <= size) {
            memcpy(&second, code + at + 2, 2);
        }
        bool access = is_single_access(first);
        unsigned cost = m33_instruction_cycles(first, second, &taken);
        cycles += access && access_before && cost == LOAD ? cost - 1 : cost;
        access_before = access;
        ret_cost->sev |= first == 0xbf40 || (first == 0xf3af && second == 0x8004);
        ret_cost->leaves |= (first & 0xff07) == 0x4704; /* BXNS, BLXNS */
        ret_cost->limits |= writes_limit(first, second);
        at += thumb_is_wide(first) ? 4 : 2;
    }
    ret_cost->cycles = (uint16_t)(cycles < UINT16_MAX ? cycles : UINT16_MAX);
    ret_cost->taken = (uint8_t)taken;
}

/* The access of an instruction is at its beginning; or in the data phase of the access just before it, which is when
 * the block's cost leaves the overlapping cycle out. */
unsigned m33_offset(const uint8_t *code, uint32_t size, uint32_t at) {
    struct block_cost before = { 0 };
    bool access_before = false;
    unsigned cost = 0, taken;
    for (uint32_t i = 0; i < at && i + 2 <= size;) {
        uint16_t first, second = 0;
        memcpy(&first, code + i, 2);
        if (thumb_is_wide(first) && i + 4 <= size) {
            memcpy(&second, code + i + 2, 2);
        }
        access_before = is_single_access(first);
        cost = m33_instruction_cycles(first, second, &taken);
        i += thumb_is_wide(first) ? 4 : 2;
    }
    uint16_t own;
    memcpy(&own, code + at, 2);
    m33_block_cost(code, at < size ? at : size, &before);
    bool overlaps = access_before && cost == LOAD && is_single_access(own);
    return before.cycles - (overlaps ? 1u : 0u);
}
