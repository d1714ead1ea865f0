/* Registers that decide when an instruction of a Cortex-M33 can begin: what it needs at its beginning, and what it
 * gives a cycle later than others (github.com/jnk0le/random, "pipeline cycle test", measured on an RP2350). */
#include "emulator/cpu/cycles_m33.h"

#define BIT(n) (1u << (n))
#define NARROW(shift) BIT(first >> (shift)&7)
#define RN BIT(first & 15)
#define RM BIT(second & 15)
#define RD BIT(second >> 8 & 15)
#define RT BIT(second >> 12)

static bool is_between(uint16_t code, uint16_t first, uint16_t last) {
    return code >= first && code <= last;
}

/* ---- What it needs ---- */
static uint32_t narrow_processing_needs(uint16_t first) {
    if (first >= 0x4800) {
        return 0; /* LDR literal */
    }
    if (first < 0x4400) { /* RSB and MVN have one operand */
        unsigned operation = first >> 6 & 15;
        return operation == 9 || operation == 15 ? NARROW(3) : NARROW(0) | NARROW(3);
    }
    uint32_t high = BIT(first >> 3 & 15), low = BIT((first & 7) | (first >> 4 & 8));
    return first < 0x4600 ? high | low : high; /* ADD, CMP; MOV, BX, BLX */
}

static uint32_t narrow_needs(uint16_t first) {
    switch (first >> 12) {
    case 0x0:
        return NARROW(3);
    case 0x1:
        return is_between(first, 0x1800, 0x1bff) ? NARROW(3) | NARROW(6) : NARROW(3);
    case 0x2:
        return first & 0x800 ? NARROW(8) : 0; /* CMP, MOVS */
    case 0x3:
    case 0xc: /* LDM, STM */
        return NARROW(8);
    case 0x4:
        return narrow_processing_needs(first);
    case 0x5:
        return NARROW(3) | NARROW(6);
    case 0x6:
    case 0x7:
    case 0x8:
        return NARROW(3);
    case 0xb:
        if ((first & 0xf500) == 0xb100) { /* CBZ, CBNZ */
            return NARROW(0);
        }
        return (first & 0xf700) == 0xb200 ? NARROW(3) : 0; /* extensions, REV */
    default:
        return 0;
    }
}

static bool has_register_offset(uint16_t first, uint16_t second) {
    return !(first & 0x80) && !(second & 0xfc0) && (first & 15) != 15;
}

static uint32_t wide_needs(uint16_t first, uint16_t second) {
    switch (first >> 9) {
    case 0xe800 >> 9: /* several registers; TBB and TBH have an index */
        return (first & 0xfff0) == 0xe8d0 && (second & 0xffe0) == 0xf000 ? RN | RM : RN;
    case 0xec00 >> 9: /* VLDM and VLDR */
        return RN;
    case 0xea00 >> 9:
    case 0xfa00 >> 9:
        return RN | RM; /* what a multiplication adds to comes in later */
    case 0xf800 >> 9:
        return has_register_offset(first, second) ? RN | RM : RN;
    default:
        return (first & 0xf800) == 0xf000 && !(second & 0x8000) ? RN : 0;
    }
}

uint32_t m33_needs(uint16_t first, uint16_t second) {
    uint32_t needs = thumb_is_wide(first) ? wide_needs(first, second) : narrow_needs(first);
    return needs & ~BIT(15);
}

/* ---- What comes late ---- */
static uint32_t highest(uint32_t registers) {
    return registers ? BIT(31 - __builtin_clz(registers)) : 0;
}

uint32_t m33_loads(uint16_t first, uint16_t second) {
    if (thumb_is_wide(first)) {
        if ((first & 0xfe00) == 0xf800) {
            return first & 0x10 ? RT : 0;
        }
        if ((first & 0xfe50) == 0xe810) { /* LDM */
            return highest(second);
        }
        bool dual = (first & 0xfe50) == 0xe850 && first & 0x120;
        return dual ? RD : 0;
    }
    switch (first >> 12) {
    case 0x4:
        return first & 0x800 ? NARROW(8) : 0;
    case 0x5:
        return (first >> 9 & 7) >= 3 ? NARROW(0) : 0;
    case 0x6:
    case 0x7:
    case 0x8:
        return first & 0x800 ? NARROW(0) : 0;
    case 0x9:
        return first & 0x800 ? NARROW(8) : 0;
    case 0xb: /* POP */
        return (first & 0xfe00) == 0xbc00 ? highest(first & 0xff) : 0;
    case 0xc:
        return first & 0x800 ? highest(first & 0xff) : 0;
    default:
        return 0;
    }
}

bool m33_shifts_constant(uint16_t first, uint16_t second) {
    unsigned rotation = (first >> 10 & 1) << 3 | (second >> 12 & 7); /* 0 to 3 are patterns of bytes */
    return (first & 0xfa00) == 0xf000 && !(second & 0x8000) && rotation >= 4 && (first & 15) != 15;
}

static bool shifts_register(uint16_t first, uint16_t second) {
    return (first & 0xfe00) == 0xea00 && second & 0x70f0 && (first & 15) != 15;
}

/* Extensions that add, and what the DSP extension brings. */
static bool is_signal_processing(uint16_t first, uint16_t second) {
    bool extends = (first & 0xff80) == 0xfa00 && (second & 0xf080) == 0xf080 && (first & 15) != 15;
    bool parallel = (first & 0xff80) == 0xfa80 && !(second & 0x80);
    bool saturates = (first & 0xfff0) == 0xfa80 && (second & 0xf0c0) == 0xf080;
    return extends || parallel || saturates;
}

uint32_t m33_comes_late(uint16_t first, uint16_t second) {
    uint32_t late = m33_loads(first, second);
    if (thumb_is_wide(first)) {
        bool multiplies = (first & 0xff80) == 0xfb00;
        bool multiplies_long = (first & 0xff80) == 0xfb80 && (first & 0xffd0) != 0xfb90;
        bool to_core = (first & 0xfff0) == 0xee10 && (second & 0x0f10) == 0x0a10; /* VMOV from one S register */
        bool slow = m33_shifts_constant(first, second) || shifts_register(first, second) || multiplies ||
                    multiplies_long || is_signal_processing(first, second);
        late |= slow ? RD : 0;
        late |= multiplies_long || to_core ? RT : 0;
    }
    return late & ~BIT(15);
}
