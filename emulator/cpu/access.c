/* Which memory an instruction loads or stores: encodings of the Armv8-M Architecture Reference Manual (DDI 0553) C2.
 * For BFAR, where the engine tells the page alone, and for the traps of CCR, of which the engine knows nothing. */
#include "emulator/cpu/internal.h"

#include <string.h>

static uint32_t base_of(struct core *core, unsigned reg, uint32_t pc) {
    return reg == 15 ? (pc + 4) & ~3u : engine_register(core, reg);
}

static uint32_t offset_by(uint32_t base, uint32_t offset, bool up) {
    return up ? base + offset : base - offset;
}

static bool narrow_access(struct core *core, uint16_t code, uint32_t pc, struct access *ret) {
    static const uint8_t sizes[8] = { 4, 2, 1, 1, 4, 2, 1, 2 }; /* of those with a register as offset */
    unsigned imm5 = code >> 6 & 31, n = code >> 3 & 7, count = (unsigned)__builtin_popcount(code & 0xff);
    switch (code >> 12) {
    case 0x4:
        *ret = (struct access){ base_of(core, 15, pc) + (code & 0xff) * 4, 4, 1 };
        return code & 0x800;
    case 0x5:
        *ret = (struct access){ base_of(core, n, pc) + base_of(core, code >> 6 & 7, pc), sizes[code >> 9 & 7], 1 };
        return true;
    case 0x6:
        *ret = (struct access){ base_of(core, n, pc) + imm5 * 4, 4, 1 };
        return true;
    case 0x7:
        *ret = (struct access){ base_of(core, n, pc) + imm5, 1, 1 };
        return true;
    case 0x8:
        *ret = (struct access){ base_of(core, n, pc) + imm5 * 2, 2, 1 };
        return true;
    case 0x9:
        *ret = (struct access){ base_of(core, CORE_SP, pc) + (code & 0xff) * 4, 4, 1 };
        return true;
    case 0xb: { /* PUSH, POP */
        bool push = (code & 0xfe00) == 0xb400;
        count += code >> 8 & 1;
        *ret = (struct access){ base_of(core, CORE_SP, pc) - (push ? 4 * count : 0), 4, count };
        return push || (code & 0xfe00) == 0xbc00;
    }
    case 0xc:
        *ret = (struct access){ base_of(core, code >> 8 & 7, pc), 4, count };
        return true;
    default:
        return false;
    }
}

/* 0b1111100xxxxxxxxx: one register */
static bool single_access(struct core *core, uint16_t first, uint16_t second, uint32_t pc, struct access *ret) {
    unsigned n = first & 15, size = 1u << (first >> 5 & 3);
    uint32_t base = base_of(core, n, pc);
    bool preload = first & 0x10 && size < 4 && second >> 12 == 15;
    if (n == 15) {
        base = offset_by(base, second & 0xfff, first & 0x80);
    } else if (first & 0x80) {
        base += second & 0xfff;
    } else if (second & 0x800) {
        base = second & 0x400 ? offset_by(base, second & 0xff, second & 0x200) : base;
    } else {
        base += engine_register(core, second & 15) << (second >> 4 & 3);
    }
    *ret = (struct access){ base, size, 1 };
    return !preload && size <= 4;
}

/* 0b1110100xxxxxxxxx: several registers, two, exclusive accesses, table branches */
static bool multiple_access(struct core *core, uint16_t first, uint16_t second, uint32_t pc, struct access *ret) {
    uint32_t base = base_of(core, first & 15, pc);
    if (!(first & 0x40)) {
        unsigned count = (unsigned)__builtin_popcount(second);
        bool before = (first >> 7 & 3) == 2;
        *ret = (struct access){ before ? base - 4 * count : base, 4, count };
        return true;
    }
    if (first & 0x120) { /* LDRD, STRD */
        *ret = (struct access){ first & 0x100 ? offset_by(base, (second & 0xff) * 4, first & 0x80) : base, 4, 2 };
        return true;
    }
    if (!(first & 0x80)) { /* LDREX, STREX; TT */
        *ret = (struct access){ base + (second & 0xff) * 4, 4, 1 };
        return first & 0x10 || second >> 12 != 15;
    }
    bool table = (second & 0xffe0) == 0xf000;
    unsigned half = second >> 4 & 1;
    uint32_t entry = table ? engine_register(core, second & 15) << half : 0;
    *ret = table ? (struct access){ (first & 15) == 15 ? pc + 4 + entry : base + entry, 1u << half, 1 }
                 : (struct access){ base, 1u << (second >> 4 & 3), 1 };
    return true;
}

/* 0b1110110xxxxxxxxx with coprocessor 10 or 11 */
static bool float_access(struct core *core, uint16_t first, uint16_t second, uint32_t pc, struct access *ret) {
    uint32_t base = base_of(core, first & 15, pc), offset = (second & 0xff) * 4;
    bool before = first & 0x100, single = before && !(first & 0x20);
    if (single) {
        *ret = (struct access){ offset_by(base, offset, first & 0x80), 4, second & 0x100 ? 2 : 1 };
    } else {
        *ret = (struct access){ before ? base - offset : base, 4, second & 0xff };
    }
    return (first & 0xffe0) != 0xec40; /* moves of two registers */
}

bool access_at(struct core *core, uint32_t pc, struct access *ret_access) {
    const uint8_t *code = bus_code_at(core->desc.bus, pc, 2);
    uint16_t first, second;
    if (!code) {
        return false;
    }
    memcpy(&first, code, 2);
    if (!thumb_is_wide(first)) {
        return narrow_access(core, first, pc, ret_access);
    }
    code = bus_code_at(core->desc.bus, pc + 2, 2);
    if (!code) {
        return false;
    }
    memcpy(&second, code, 2);
    switch (first >> 9) {
    case 0xf800 >> 9:
        return single_access(core, first, second, pc, ret_access);
    case 0xe800 >> 9:
        return multiple_access(core, first, second, pc, ret_access);
    case 0xec00 >> 9:
        return (second & 0xe00) == 0xa00 && float_access(core, first, second, pc, ret_access);
    default:
        return false;
    }
}

bool access_divides_by_zero(struct core *core, uint32_t pc) {
    const uint8_t *code = bus_code_at(core->desc.bus, pc, 4);
    uint16_t halves[2];
    if (!code) {
        return false;
    }
    memcpy(halves, code, 4);
    bool divides = (halves[0] & 0xffd0) == 0xfb90 && (halves[1] & 0xf0f0) == 0xf0f0;
    return divides && engine_register(core, halves[1] & 15) == 0;
}
