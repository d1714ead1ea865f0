/* What instructions cost on a Cortex-M33. Its Technical Reference Manual (100230) has no table. What this file follows
 * was measured on an RP2350: github.com/jnk0le/random, "pipeline cycle test", cortex_m33.md. In short: an instruction a
 * cycle, N for N words loaded or stored, two for LDRD and STRD; what is loaded, shifted on the way or multiplied comes
 * a cycle later than other results; a 16-bit branch, NOP or IT goes together with the 16-bit instruction before it.
 * What is not in there: BL (as other branches), loads to pc (three cycles to refill, as the gain that it tells of
 * loading lr and returning by BX says), barriers, MSR and MRS, and the FPU's divisions (as the Cortex-M4's: its manual,
 * 100166, table 7-1). One cycle for a coprocessor access: RP2350 datasheet 3.6.2.2.
 *
 * Not modelled: conflicts in SRAM (RP2350 datasheet 3.7.2.1: instructions and data have ports of their own, so that
 * code in SRAM pays when fetch and access meet in a bank, which hangs on addresses), fetches of 32-bit instructions
 * that are not aligned, the store buffer, instructions in IT blocks whose condition does not hold, flags that come
 * late, what the block before has left in the pipeline. A division costs 6 whatever the operands are. XIP-cache misses
 * are elsewhere (code_lines.c). */
#include "emulator/cpu/cycles_m33.h"

#include "emulator/cpu/internal.h"

#include <string.h>

#define LOAD 1
#define STORE 1
#define DUAL 2
#define BRANCH 2 /* taken */
/* Offsets of Bcc. One that leads to the next instruction costs as if it were not taken: the next pc does not tell. */
#define TO_NEXT 0xff /* 16 bits: -2 from pc + 4; 32 bits: none of these bits is set */
#define WIDE_OFFSET_0 0x043f
#define WIDE_OFFSET_1 0x2fff
#define REFILL 3 /* after a load to pc */
#define DIVIDE 6
#define BARRIER 3

static unsigned at_least_one(unsigned count) {
    return count ? count : 1;
}

/* ---- 16-bit instructions ---- */
static unsigned miscellaneous_cycles(uint16_t code, unsigned *ret_taken) {
    unsigned count = (unsigned)__builtin_popcount(code & 0x1ff);
    if ((code & 0xf500) == 0xb100) { /* CBZ, CBNZ */
        *ret_taken = BRANCH - 1;
        return 1;
    }
    if ((code & 0xfe00) == 0xb400) { /* PUSH */
        return at_least_one(count);
    }
    if ((code & 0xfe00) == 0xbc00) { /* POP */
        return code & 0x100 ? count + REFILL : at_least_one(count);
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
        if ((code & 0xffc0) == 0x4340) {
            return 2; /* MULS */
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
        return at_least_one((unsigned)__builtin_popcount(code & 0xff));
    case 0xd:
        *ret_taken = (code & 0xe00) == 0xe00 || (code & 0xff) == TO_NEXT ? 0 : BRANCH - 1;
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
        return to_pc ? count + REFILL : at_least_one(count);
    }
    if ((first & 0xfff0) == 0xe8d0 && (second & 0xffe0) == 0xf000) { /* TBB, TBH */
        return LOAD + REFILL;
    }
    bool dual = first & 0x120; /* LDRD, STRD; TT is STORE-like */
    return dual ? DUAL : LOAD;
}

/* 0b11110xxxxxxxxxxx 1xxxxxxxxxxxxxxx */
static unsigned control_cycles(uint16_t first, uint16_t second, unsigned *ret_taken) {
    if (second & 0x1000) {
        return BRANCH; /* B, BL */
    }
    if ((first & 0x0380) != 0x0380) { /* Bcc */
        *ret_taken = first & WIDE_OFFSET_0 || second & WIDE_OFFSET_1 ? BRANCH - 1 : 0;
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
    if ((first & 0xffe0) == 0xec40) {
        return first & 0x10 ? 2 : 1; /* VMOV of two registers: from the FPU, to it */
    }
    bool several = (first & 0xfe00) == 0xec00 || (first & 0xff20) == 0xed20;
    if (several) { /* VLDM, VSTM, VPUSH, VPOP */
        return at_least_one(second & 0xff);
    }
    bool divides = (first & 0xffb0) == 0xee80 && !(second & 0x10);
    bool takes_root = (first & 0xffbf) == 0xeeb1 && (second & 0xd0) == 0xc0;
    return divides || takes_root ? 14 : 1;
}

static bool loads_pc(uint16_t first, uint16_t second) {
    return (second & 0xf000) == 0xf000 && (first & 0x60) == 0x40;
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
        return loads_pc(first, second) ? LOAD + REFILL : LOAD;
    case 0xfa00 >> 9: /* registers, multiplication, division */
        return (first & 0xffd0) == 0xfb90 ? DIVIDE : 1;
    default:
        break;
    }
    if ((first & 0xf800) == 0xf000 && second & 0x8000) {
        return control_cycles(first, second, ret_taken);
    }
    return m33_shifts_constant(first, second) && first & 0x10 ? 2 : 1; /* two when it sets flags */
}

unsigned m33_instruction_cycles(uint16_t first, uint16_t second, unsigned *ret_taken) {
    *ret_taken = 0;
    return thumb_is_wide(first) ? wide_cycles(first, second, ret_taken) : narrow_cycles(first, ret_taken);
}

/* ---- The FPU ---- */
/* S registers, a bit each, that data processing of single precision reads and writes. */
static uint32_t s_register(unsigned upper, unsigned lower) {
    return 1u << ((upper & 15) << 1 | (lower & 1));
}

static bool is_float(uint16_t first, uint16_t second) {
    return (first & 0xec00) == 0xec00 && (second & 0x0e00) == 0x0a00;
}

static bool computes_float(uint16_t first, uint16_t second) {
    return is_float(first, second) && (first & 0x0f00) == 0x0e00 && !(second & 0x10);
}

static uint32_t float_result(uint16_t first, uint16_t second) {
    return computes_float(first, second) ? s_register(second >> 12, first >> 6) : 0;
}

static uint32_t float_needs(uint16_t first, uint16_t second) {
    if (computes_float(first, second)) {
        return s_register(first, second >> 7) | s_register(second, second >> 5);
    }
    bool stores = (first & 0xff30) == 0xed00, to_core = (first & 0xfff0) == 0xee10;
    return stores ? s_register(second >> 12, first >> 6) : to_core ? s_register(first, second >> 7) : 0;
}

/* VMLA, VMLS, VNMLA, VNMLS, VFMA and its like */
static bool multiplies_and_adds(uint16_t first, uint16_t second) {
    unsigned operation = first & 0xb0;
    return computes_float(first, second) &&
           (operation == 0x00 || operation == 0x10 || operation == 0x90 || operation == 0xa0);
}

/* ---- Blocks ---- */
/* What the instructions before have left in the pipeline. */
struct pipeline {
    unsigned cycles;    /* when the next one can begin */
    unsigned taken;     /* more when the last one branches */
    uint32_t late;      /* registers that the next one has to wait for */
    uint32_t loaded[3]; /* by the last one, the one before it and so on: branches need them earlier */
    bool narrow;        /* the last one has 16 bits, */
    bool nop;           /* does nothing, */
    bool paired;        /* went together with the one before it, */
    bool sets_flags;
    unsigned conditional; /* so many are still in an IT block */
    unsigned float_waits; /* cycles in which the FPU takes nothing */
    uint32_t late_float;
};

static bool is_it(uint16_t first) {
    return (first & 0xff00) == 0xbf00 && first & 0xf;
}

static bool branches_to_register(uint16_t first) {
    return (first & 0xff00) == 0x4700;
}

#define NOP 0xbf00

/* May it go together with a 16-bit instruction before it? (A NOP behind a NOP was not measured.) */
static bool can_be_second(uint16_t first, bool behind_nop) {
    bool conditional = (first & 0xf000) == 0xd000 && (first & 0x0e00) != 0x0e00;
    bool branches = conditional || (first & 0xf800) == 0xe000 || branches_to_register(first);
    return branches || is_it(first) || (first == NOP && !behind_nop);
}

/* In an IT block only the comparisons of 16 bits set flags. */
static bool sets_flags(uint16_t first, bool conditional) {
    bool compares = (first & 0xf800) == 0x2800 || (first & 0xffc0) == 0x4200 || (first & 0xff80) == 0x4280 ||
                    (first & 0xff00) == 0x4500;
    return compares || (!conditional && first < 0x4400);
}

/* Cycles until the instruction can begin because of what it needs. */
static unsigned waits_for(const struct pipeline *pipeline, uint16_t first, uint16_t second) {
    uint32_t needs = m33_needs(first, second);
    if (!thumb_is_wide(first) && branches_to_register(first)) {
        return needs & pipeline->loaded[0] ? 2 : needs & (pipeline->late | pipeline->loaded[1]) ? 1 : 0;
    }
    return needs & pipeline->late ? 1 : 0;
}

/* Does it go together with the one before it? That is a cycle earlier than alone: too early for what was loaded. */
static bool is_paired(const struct pipeline *pipeline, uint16_t first) {
    bool too_early = branches_to_register(first) && m33_needs(first, 0) & pipeline->loaded[2];
    return !thumb_is_wide(first) && pipeline->narrow && !pipeline->paired && !too_early &&
           can_be_second(first, pipeline->nop);
}

/* The FPU takes an operation a cycle before its operand is there, but then nothing in the next cycle; what leaves it
 * waits. */
static unsigned waits_for_float(const struct pipeline *pipeline, uint16_t first, uint16_t second) {
    bool leaves = !computes_float(first, second) && float_needs(first, second) & pipeline->late_float;
    return leaves && !pipeline->float_waits ? 1 : pipeline->float_waits;
}

static void pass_float(struct pipeline *pipeline, unsigned cycles) {
    pipeline->float_waits -= cycles < pipeline->float_waits ? cycles : pipeline->float_waits;
    pipeline->late_float = cycles ? 0 : pipeline->late_float;
}

/* An instruction has begun and takes so many cycles. */
static void note_float(struct pipeline *pipeline, uint16_t first, uint16_t second, unsigned cycles) {
    bool is_early = computes_float(first, second) && float_needs(first, second) & pipeline->late_float;
    pass_float(pipeline, cycles);
    if (is_float(first, second)) {
        pipeline->float_waits = multiplies_and_adds(first, second) ? 2 : is_early ? 1 : 0;
        pipeline->late_float = float_result(first, second);
    }
}

/* What a second instruction costs: nothing, and a taken branch as much as it has to wait for its flags. */
static unsigned paired_cycles(const struct pipeline *pipeline, uint16_t first, unsigned *ret_taken) {
    unsigned taken = pipeline->sets_flags ? BRANCH : BRANCH - 1;
    *ret_taken = 0;
    if (first >> 12 == 0xd) {
        *ret_taken = (first & 0xff) == TO_NEXT ? 0 : taken;
        return 0;
    }
    return first >> 12 == 0xb ? 0 : taken;
}

static void wait_for(struct pipeline *pipeline, unsigned cycles) {
    if (cycles) {
        pass_float(pipeline, cycles);
        pipeline->cycles += cycles;
        pipeline->late = 0;
        memset(pipeline->loaded, 0, sizeof(pipeline->loaded));
        pipeline->narrow = false; /* nothing is left to go together with */
    }
}

/* Until the instruction begins. */
static void reach_instruction(struct pipeline *pipeline, uint16_t first, uint16_t second) {
    unsigned waits = waits_for(pipeline, first, second);
    unsigned for_float = is_float(first, second) ? waits_for_float(pipeline, first, second) : 0;
    wait_for(pipeline, waits > for_float ? waits : for_float);
}

static void note_results(struct pipeline *pipeline, uint16_t first, uint16_t second, unsigned cycles) {
    if (cycles) {
        pipeline->loaded[2] = cycles == 1 ? pipeline->loaded[1] : 0;
        pipeline->loaded[1] = cycles == 1 ? pipeline->loaded[0] : 0;
        pipeline->loaded[0] = m33_loads(first, second);
        pipeline->late = m33_comes_late(first, second);
    }
}

static void pass_instruction(struct pipeline *pipeline, uint16_t first, uint16_t second) {
    reach_instruction(pipeline, first, second);
    bool narrow = !thumb_is_wide(first), paired = is_paired(pipeline, first);
    unsigned cycles = paired ? paired_cycles(pipeline, first, &pipeline->taken)
                             : m33_instruction_cycles(first, second, &pipeline->taken);
    note_float(pipeline, first, second, cycles);
    note_results(pipeline, first, second, cycles);
    pipeline->cycles += cycles;
    pipeline->narrow = narrow;
    pipeline->nop = first == NOP;
    pipeline->paired = paired;
    pipeline->sets_flags = narrow && sets_flags(first, pipeline->conditional);
    pipeline->conditional -= pipeline->conditional ? 1 : 0;
    if (is_it(first)) {
        pipeline->conditional = 4 - (unsigned)__builtin_ctz(first & 0xf);
    }
}

static bool writes_limit(uint16_t first, uint16_t second) {
    return (first & 0xfff0) == 0xf380 && (second == 0x880a || second == 0x880b);
}

static uint32_t read_instruction(const uint8_t *code, uint32_t size, uint32_t at, uint16_t *ret_first,
                                 uint16_t *ret_second) {
    *ret_second = 0;
    memcpy(ret_first, code + at, 2);
    bool wide = thumb_is_wide(*ret_first);
    if (wide && at + 4 <= size) {
        memcpy(ret_second, code + at + 2, 2);
    }
    return wide ? 4 : 2;
}

void m33_block_cost(const uint8_t *code, uint32_t size, struct block_cost *ret_cost) {
    struct pipeline pipeline = { 0 };
    for (uint32_t at = 0; at + 2 <= size;) {
        uint16_t first, second;
        at += read_instruction(code, size, at, &first, &second);
        pass_instruction(&pipeline, first, second);
        ret_cost->sev |= first == 0xbf40 || (first == 0xf3af && second == 0x8004);
        ret_cost->leaves |= (first & 0xff07) == 0x4704; /* BXNS, BLXNS */
        ret_cost->limits |= writes_limit(first, second);
    }
    ret_cost->cycles = (uint16_t)(pipeline.cycles < UINT16_MAX ? pipeline.cycles : UINT16_MAX);
    ret_cost->taken = (uint8_t)pipeline.taken;
}

/* The access of an instruction is at its beginning. */
unsigned m33_offset(const uint8_t *code, uint32_t size, uint32_t at) {
    struct pipeline pipeline = { 0 };
    uint16_t first, second;
    for (uint32_t i = 0; i < at && i + 2 <= size;) {
        i += read_instruction(code, size, i, &first, &second);
        pass_instruction(&pipeline, first, second);
    }
    read_instruction(code, size, at, &first, &second);
    reach_instruction(&pipeline, first, second);
    return pipeline.cycles;
}
