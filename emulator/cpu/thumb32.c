/* The interpreter's 32-bit instructions: Armv8-M Architecture Reference Manual C2.3 (encodings) and C2.4
 * (instructions). Of these Armv6-M has BL, the barriers and MRS and MSR alone.
 *
 * Not known here: floating point, coprocessors, DSP (parallel and saturating arithmetic, 16-bit multiplication),
 * exclusive accesses, unprivileged accesses, PLD, TT; MRS and MSR other than PRIMASK, BASEPRI and IPSR; whatever is
 * unpredictable. */
#include "emulator/cpu/thumb_internal.h"

#define IS_MAINLINE_SPECIAL(number) ((number) == 17 || (number) == 18)

static uint32_t bits(uint32_t value, unsigned from_bit, unsigned count) {
    return value >> from_bit & ((1u << count) - 1);
}

/* SP and PC are no operands of most instructions. */
static bool is_plain(unsigned reg) {
    return reg != SP && reg != PC;
}

/* ---- Data processing ---- */
enum operation { AND, BIC, ORR, ORN, EOR, ADD = 8, ADC = 10, SBC, SUB = 13, RSB };

/* The second operand, and the carry that making it has left. */
struct shifter {
    struct operand operand;
    bool carries, carry;
    uint8_t carry_origin;
};

static struct shifter shifted_register(struct thumb *t, uint16_t second) {
    unsigned kind = bits(second, 4, 2), amount = bits(second, 12, 3) << 2 | bits(second, 6, 2);
    struct shifter shifter = { .operand = from(t, second & 15) };
    struct flags flags = keep_flags(t);
    uint32_t value = shifter.operand.value;
    if (kind == 0 && amount == 0) {
        return shifter;
    }
    shifter.carries = true;
    if (kind == 3 && amount == 0) { /* RRX */
        uint8_t origin = mixed(shifter.operand.origin, t->cv);
        shifter.operand = (struct operand){ value >> 1 | (uint32_t)t->c << 31, origin, 0, RANGE_ALL };
        shifter.carry = value & 1;
        shifter.carry_origin = origin;
    } else {
        t->cv = ORIGIN_CLEAN;
        shifter.operand = thumb_shift(t, kind, shifter.operand, immediate(amount ? amount : 32));
        shifter.carry = t->c;
        shifter.carry_origin = t->cv;
    }
    put_back_flags(t, flags);
    return shifter;
}

static struct shifter modified_immediate(uint16_t first, uint16_t second) {
    static const uint32_t spread[] = { 1, 0x00010001, 0x01000100, 0x01010101 };
    uint32_t code = bits(first, 10, 1) << 11 | bits(second, 12, 3) << 8 | (second & 0xffu);
    if (code < 0x400) {
        return (struct shifter){ .operand = immediate((code & 0xff) * spread[code >> 8]) };
    }
    uint32_t byte = 0x80 | (code & 0x7f), turn = code >> 7;
    uint32_t value = byte >> turn | byte << (32 - turn);
    return (struct shifter){ .operand = immediate(value), .carries = true, .carry = value >> 31 };
}

static struct operand logical_result(struct thumb *t, enum operation operation, struct operand a, struct operand b) {
    struct range x = thumb_range(&a), y = thumb_range(&b);
    switch (operation) {
    case AND:
        return thumb_made_of(t, a.value & b.value, &a, &b, range_and(x, y));
    case BIC:
        return thumb_made_of(t, a.value & ~b.value, &a, &b, range_and(x, range_not(y)));
    case ORR:
        return thumb_made_of(t, a.value | b.value, &a, &b, range_or(x, y));
    case ORN:
        return thumb_made_of(t, a.value | ~b.value, &a, &b, range_or(x, range_not(y)));
    default:
        return thumb_made_of(t, a.value ^ b.value, &a, &b, range_xor(x, y));
    }
}

static struct operand logical(struct thumb *t, enum operation operation, unsigned n, struct shifter shifter,
                              bool flags) {
    bool moves = n == PC; /* MOV, MVN */
    struct operand result = logical_result(t, operation, moves ? immediate(0) : from(t, n), shifter.operand);
    if (moves && operation == ORR && !flags) {
        result = shifter.operand;
    }
    if (flags) {
        set_nz(t, result);
        if (shifter.carries) {
            t->c = shifter.carry;
            t->cv = mixed(t->cv, shifter.carry_origin);
        }
    }
    return result;
}

static struct operand arithmetic(struct thumb *t, enum operation operation, unsigned n, struct operand b, bool flags) {
    struct flags before = keep_flags(t);
    struct operand a = from(t, n), result;
    switch (operation) {
    case ADD:
    case SUB:
        result = thumb_add(t, a, b, operation == SUB);
        break;
    case RSB:
        result = thumb_add(t, b, a, true);
        break;
    default:
        result = thumb_add_carry(t, a, b, operation == SBC);
        break;
    }
    if (!flags) {
        put_back_flags(t, before);
    }
    return result;
}

static void put_result(struct thumb *t, unsigned d, struct operand result) {
    if (d == SP) {
        need(t, result.origin);
        result.value &= ~3u;
    }
    put(t, d, result);
}

static void data_processing(struct thumb *t, uint16_t first, uint16_t second, struct shifter shifter) {
    enum operation operation = bits(first, 5, 4);
    unsigned n = first & 15, d = bits(second, 8, 4);
    bool flags = first & 0x10;
    struct operand result = operation < ADD ? logical(t, operation, n, shifter, flags)
                                            : arithmetic(t, operation, n, shifter.operand, flags);
    if (d != PC) { /* else TST, TEQ, CMN, CMP */
        put_result(t, d, result);
    }
}

static bool knows_data_processing(uint16_t first, uint16_t second, bool has_register) {
    enum operation operation = bits(first, 5, 4);
    unsigned n = first & 15, d = bits(second, 8, 4), m = second & 15;
    bool known = operation <= EOR || operation == ADD || operation == ADC || operation == SBC || operation == SUB ||
                 operation == RSB;
    bool compares = d == PC && first & 0x10;
    bool may_compare = operation == AND || operation == EOR || operation == ADD || operation == SUB;
    bool adds = operation == ADD || operation == SUB;
    bool right_n = n == PC ? operation == ORR || operation == ORN : n != SP || (adds && !has_register);
    bool moves_sp = n == SP && adds && !has_register && !(first & 0x10) && !(second & 3);
    bool right_d = d == PC ? compares && may_compare : d != SP || moves_sp;
    return known && right_n && right_d && (!has_register || (is_plain(m) && !(second & 0x8000)));
}

/* ---- 11110x1: plain binary immediates ---- */
enum binary { ADDW = 0x00, MOVW = 0x04, SUBW = 0x0a, MOVT = 0x0c, SBFX = 0x14, BFI = 0x16, UBFX = 0x1c };

static void add_wide(struct thumb *t, unsigned n, unsigned d, uint32_t value, bool subtract) {
    struct flags flags = keep_flags(t);
    struct operand a = n == PC ? immediate((t->r[PC] + 4) & ~3u) : from(t, n);
    put_result(t, d, thumb_add(t, a, immediate(value), subtract));
    put_back_flags(t, flags);
}

static void bit_field(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, d = bits(second, 8, 4);
    unsigned lowest = bits(second, 12, 3) << 2 | bits(second, 6, 2), last = second & 31;
    struct operand field = n == PC ? immediate(0) : from(t, n), old = from(t, d);
    if (bits(first, 4, 5) == BFI) {
        unsigned width = last - lowest + 1;
        uint32_t mask = (width < 32 ? (1u << width) - 1 : UINT32_MAX) << lowest;
        uint32_t value = (old.value & ~mask) | (field.value << lowest & mask);
        put(t, d, thumb_made_of(t, value, &old, &field, RANGE_ALL));
        return;
    }
    unsigned above = 31 - last; /* `last` is the width - 1 */
    uint32_t value = field.value >> lowest << above;
    bool is_signed = bits(first, 4, 5) == SBFX;
    struct range range = thumb_range(&field);
    range = (struct range){ range.low >> lowest, range.high >> lowest };
    range = is_signed ? RANGE_ALL : range_and(range, range_one(UINT32_MAX >> above));
    value = is_signed ? (uint32_t)((int32_t)value >> above) : value >> above;
    put(t, d, thumb_made_of(t, value, &field, &field, range));
}

static void binary_immediate(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, d = bits(second, 8, 4);
    uint32_t value = bits(first, 10, 1) << 11 | bits(second, 12, 3) << 8 | (second & 0xffu);
    switch (bits(first, 4, 5)) {
    case ADDW:
        add_wide(t, n, d, value, false);
        break;
    case SUBW:
        add_wide(t, n, d, value, true);
        break;
    case MOVW:
        set(t, d, n << 12 | value);
        break;
    case MOVT:
        set_from(t, d, (t->r[d] & 0xffff) | n << 28 | value << 16, mixed(t->origin[d], ORIGIN_CLEAN));
        break;
    default:
        bit_field(t, first, second);
        break;
    }
}

static bool knows_binary_immediate(uint16_t first, uint16_t second) {
    unsigned n = first & 15, d = bits(second, 8, 4);
    unsigned lowest = bits(second, 12, 3) << 2 | bits(second, 6, 2), last = second & 31;
    bool field = !(first & 0x400) && !(second & 0x20);
    switch (bits(first, 4, 5)) {
    case ADDW:
    case SUBW:
        return d != PC && (d != SP || (n == SP && !(second & 3)));
    case MOVW:
    case MOVT:
        return is_plain(d);
    case BFI:
        return field && is_plain(d) && n != SP && last >= lowest;
    case SBFX:
    case UBFX:
        return field && is_plain(d) && is_plain(n) && lowest + last < 32;
    default:
        return false;
    }
}

/* ---- Branches and miscellaneous control ---- */
#define IS_BL(first, second) (((first)&0xf800) == 0xf000 && ((second)&0xd000) == 0xd000)
#define IS_B(first, second) (((first)&0xf800) == 0xf000 && ((second)&0xd000) == 0x9000)
#define IS_BCC(first, second) (((first)&0xf800) == 0xf000 && ((second)&0xd000) == 0x8000 && ((first)&0x380) != 0x380)
#define IS_BARRIER(first, second) ((first) == 0xf3bf && ((second)&0xff00) == 0x8f00)
#define IS_NOP(first, second) ((first) == 0xf3af && (second) == 0x8000)
#define IS_MRS(first, second) ((first) == 0xf3ef && ((second)&0xf000) == 0x8000)
#define IS_MSR(first, second) (((first)&0xfff0) == 0xf380 && ((second)&0xff00) == 0x8800)

static uint32_t long_offset(uint16_t first, uint16_t second) {
    uint32_t s = bits(first, 10, 1), i1 = !(bits(second, 13, 1) ^ s), i2 = !(bits(second, 11, 1) ^ s);
    return (s ? 0xff000000u : 0) | i1 << 23 | i2 << 22 | (first & 0x3ffu) << 12 | (second & 0x7ffu) << 1;
}

static uint32_t conditional_offset(uint16_t first, uint16_t second) {
    return (first & 0x400 ? 0xfff00000u : 0) | bits(second, 11, 1) << 19 | bits(second, 13, 1) << 18 |
           (first & 0x3fu) << 12 | (second & 0x7ffu) << 1;
}

static void read_special(struct thumb *t, unsigned d, unsigned number) {
    set(t, d, number == 16 ? t->primask : number == 5 ? t->ipsr : t->basepri);
}

static void write_special(struct thumb *t, unsigned n, unsigned number) {
    uint32_t value = t->r[n] & 0xff;
    need(t, t->origin[n]);
    if (number == 16) {
        t->primask = value & 1;
    } else if (number == 17 || (value && (value < t->basepri || !t->basepri))) {
        t->basepri = value;
    }
}

static enum thumb_result control(struct thumb *t, uint16_t first, uint16_t second) {
    if (IS_BCC(first, second)) {
        return thumb_branch_if(t, bits(first, 6, 4), conditional_offset(first, second));
    }
    if (IS_BL(first, second) || IS_B(first, second)) {
        uint32_t pc = t->r[PC] + 4;
        if (IS_BL(first, second)) {
            set(t, LR, pc | 1);
        }
        t->r[PC] = pc + long_offset(first, second);
        return THUMB_BRANCH;
    }
    if (IS_MRS(first, second)) {
        read_special(t, bits(second, 8, 4), second & 0xff);
    } else if (IS_MSR(first, second)) {
        write_special(t, first & 15, second & 0xff);
    }
    return THUMB_NEXT;
}

static bool knows_control(uint16_t first, uint16_t second, bool mainline) {
    unsigned number = second & 0xff;
    if (IS_BL(first, second) || IS_BARRIER(first, second)) {
        return true;
    }
    if (IS_MRS(first, second)) {
        return is_plain(bits(second, 8, 4)) &&
               (number == 16 || number == 5 || (mainline && IS_MAINLINE_SPECIAL(number)));
    }
    if (IS_MSR(first, second)) {
        return is_plain(first & 15) && (number == 16 || (mainline && IS_MAINLINE_SPECIAL(number)));
    }
    return mainline && (IS_B(first, second) || IS_BCC(first, second) || IS_NOP(first, second));
}

/* ---- Loads and stores ---- */
static enum thumb_result load_pc(struct thumb *t, uint32_t address, unsigned base, uint32_t written_back) {
    struct operand target;
    if (address & 3 || !t->load(t, address, 4, &target) || !(target.value & 1) || target.value >= 0xf0000000u) {
        return THUMB_LEAVE;
    }
    if (base != PC) {
        set(t, base, written_back);
    }
    return thumb_branch_exchange(t, target.value, target.origin);
}

/* The address of a load or store of one register, and what the base becomes. */
static uint32_t single_address(struct thumb *t, uint16_t first, uint16_t second, uint32_t *ret_base) {
    unsigned n = first & 15;
    uint32_t base = n == PC ? (t->r[PC] + 4) & ~3u : t->r[n], offset;
    *ret_base = base;
    need(t, n == PC ? ORIGIN_CLEAN : t->origin[n]);
    if (n == PC) {
        offset = second & 0xfffu;
        return first & 0x80 ? base + offset : base - offset;
    }
    if (first & 0x80) {
        return base + (second & 0xfffu);
    }
    if (!(second & 0x800)) {
        need(t, t->origin[second & 15]);
        return base + (t->r[second & 15] << bits(second, 4, 2));
    }
    offset = second & 0x200 ? second & 0xffu : -(second & 0xffu);
    *ret_base = second & 0x100 ? base + offset : base;
    return second & 0x400 ? base + offset : base;
}

static enum thumb_result single(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, d = bits(second, 12, 4), size = 1u << bits(first, 5, 2);
    uint32_t base, address = single_address(t, first, second, &base);
    if (d == PC) {
        return load_pc(t, address, n, base);
    }
    if (!(first & 0x10 ? thumb_load(t, d, address, size, first & 0x100) : thumb_store(t, d, address, size))) {
        return THUMB_LEAVE;
    }
    if (n != PC && !(first & 0x80) && (second & 0x900) == 0x900) { /* write back */
        set(t, n, base);
    }
    return THUMB_NEXT;
}

static bool knows_single(uint16_t first, uint16_t second) {
    unsigned n = first & 15, d = bits(second, 12, 4), size = bits(first, 5, 2);
    bool is_load = first & 0x10, is_signed = first & 0x100, writes_back = false;
    if (n != PC && !(first & 0x80)) {
        unsigned index = bits(second, 8, 3);
        writes_back = second & 0x800 && index & 1;
        bool good =
            second & 0x800 ? index != 0 && index != 2 && index != 6 : !(second & 0x7c0) && is_plain(second & 15);
        if (!good) {
            return false;
        }
    }
    bool right_d = d == PC ? is_load && size == 2 : d != SP;
    return size < 3 && right_d && (is_load || (n != PC && !is_signed)) && !(is_signed && size == 2) &&
           !(writes_back && (n == d || (n == SP && second & 3))); /* sp stays a multiple of 4 */
}

static enum thumb_result table_branch(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, m = second & 15;
    uint32_t base = n == PC ? t->r[PC] + 4 : t->r[n], half = bits(second, 4, 1);
    struct operand length;
    need(t, mixed(n == PC ? ORIGIN_CLEAN : t->origin[n], t->origin[m]));
    uint32_t address = base + (t->r[m] << half);
    if (address & half || !t->load(t, address, 1u << half, &length)) {
        return THUMB_LEAVE;
    }
    need(t, length.origin);
    t->r[PC] += 4 + 2 * length.value;
    return THUMB_BRANCH;
}

static enum thumb_result two_registers(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, a = bits(second, 12, 4), b = bits(second, 8, 4);
    uint32_t base = n == PC ? (t->r[PC] + 4) & ~3u : t->r[n], offset = (second & 0xffu) * 4;
    uint32_t end = first & 0x80 ? base + offset : base - offset, address = first & 0x100 ? end : base;
    need(t, n == PC ? ORIGIN_CLEAN : t->origin[n]);
    struct operand before = from(t, a);
    if (address & 3) {
        return THUMB_LEAVE;
    }
    if (first & 0x10) {
        struct operand old_base = from(t, n);
        if (!thumb_load(t, a, address, 4, false) || !thumb_load(t, b, address + 4, 4, false)) {
            put(t, a, before);
            put(t, n, old_base);
            return THUMB_LEAVE;
        }
    } else if (!thumb_store(t, a, address, 4) || !thumb_store(t, b, address + 4, 4)) {
        return THUMB_LEAVE;
    }
    if (first & 0x20) {
        set(t, n, end);
    }
    return THUMB_NEXT;
}

static enum thumb_result several_registers(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, list = second & 0x7fffu;
    bool is_load = first & 0x10, to_pc = second & 0x8000, writes_back = first & 0x20;
    uint32_t size = 4 * (uint32_t)__builtin_popcount(second), base = t->r[n];
    uint32_t lowest = first & 0x100 ? base - size : base, end = first & 0x100 ? lowest : base + size;
    struct operand target = immediate(1);
    need(t, t->origin[n]);
    if (lowest & 3 ||
        (to_pc && (!t->load(t, lowest + size - 4, 4, &target) || !(target.value & 1) || target.value >= 0xf0000000u)) ||
        !thumb_transfer(t, list, lowest, is_load)) {
        t->r[n] = base;
        return THUMB_LEAVE;
    }
    if (writes_back) {
        set(t, n, end);
    }
    return to_pc ? thumb_branch_exchange(t, target.value, target.origin) : THUMB_NEXT;
}

static bool knows_two_registers(uint16_t first, uint16_t second) {
    unsigned n = first & 15, a = bits(second, 12, 4), b = bits(second, 8, 4);
    bool is_load = first & 0x10, writes_back = first & 0x20;
    bool right_n = n == PC ? is_load && !writes_back : !writes_back || (n != a && n != b);
    return (first & 0x120) && is_plain(a) && is_plain(b) && right_n && !(is_load && a == b);
}

static bool knows_several_registers(uint16_t first, uint16_t second) {
    unsigned n = first & 15, direction = bits(first, 7, 2);
    bool is_load = first & 0x10;
    bool right_list = !(second & 0x2000) && __builtin_popcount(second) > 1 && !(second >> n & 1);
    return (direction == 1 || direction == 2) && n != PC && right_list &&
           (is_load ? (second & 0xc000) != 0xc000 : !(second & 0x8000));
}

#define IS_TABLE_BRANCH(first, second) (((first)&0xfff0) == 0xe8d0 && ((second)&0xffe0) == 0xf000)

static enum thumb_result multiple(struct thumb *t, uint16_t first, uint16_t second) {
    if (IS_TABLE_BRANCH(first, second)) {
        return table_branch(t, first, second);
    }
    return first & 0x40 ? two_registers(t, first, second) : several_registers(t, first, second);
}

static bool knows_multiple(uint16_t first, uint16_t second) {
    if (IS_TABLE_BRANCH(first, second)) {
        return (first & 15) != SP && is_plain(second & 15);
    }
    return first & 0x40 ? knows_two_registers(first, second) : knows_several_registers(first, second);
}

/* ---- 11111010: shifts by a register, extensions, bit order ---- */
static void shift_by_register(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, m = second & 15;
    struct flags flags = keep_flags(t);
    struct operand amount = { t->r[m] & 0xff, t->origin[m], 0, RANGE_ALL };
    struct operand result = thumb_shift(t, bits(first, 5, 2), from(t, n), amount);
    put(t, bits(second, 8, 4), result);
    if (first & 0x10) {
        set_nz(t, result);
    } else {
        put_back_flags(t, flags);
    }
}

static uint32_t extended(unsigned kind, uint32_t value) {
    switch (kind) {
    case 0:
        return (uint32_t)(int32_t)(int16_t)value;
    case 1:
        return value & 0xffff;
    case 4:
        return (uint32_t)(int32_t)(int8_t)value;
    default:
        return value & 0xff;
    }
}

static void extend(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, m = second & 15, turn = bits(second, 4, 2) * 8;
    uint32_t value = turn ? t->r[m] >> turn | t->r[m] << (32 - turn) : t->r[m];
    uint8_t origin = n == PC ? ORIGIN_CLEAN : t->origin[n];
    value = extended(bits(first, 4, 4), value) + (n == PC ? 0 : t->r[n]);
    set_from(t, bits(second, 8, 4), value, mixed(origin, t->origin[m]));
}

static uint32_t reversed(unsigned kind, uint32_t value) {
    uint32_t result = 0;
    switch (kind) {
    case 0x98: /* REV */
        return __builtin_bswap32(value);
    case 0x99: /* REV16 */
        return (value >> 8 & 0x00ff00ffu) | (value << 8 & 0xff00ff00u);
    case 0x9a: /* RBIT */
        for (unsigned i = 0; i < 32; i++) {
            result |= (value >> i & 1) << (31 - i);
        }
        return result;
    case 0x9b: /* REVSH */
        return (uint32_t)(int32_t)(int16_t)__builtin_bswap16((uint16_t)value);
    default: /* CLZ */
        return value ? (uint32_t)__builtin_clz(value) : 32;
    }
}

#define REVERSE_KIND(first, second) (bits(first, 4, 4) << 4 | bits(second, 4, 4))

static void on_registers(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned m = second & 15;
    if (!(first & 0x80) && !(second & 0xf0)) {
        shift_by_register(t, first, second);
    } else if (!(first & 0x80)) {
        extend(t, first, second);
    } else {
        uint32_t result = reversed(REVERSE_KIND(first, second), t->r[m]);
        set_from(t, bits(second, 8, 4), result, mixed(t->origin[m], ORIGIN_CLEAN));
    }
}

static bool knows_on_registers(uint16_t first, uint16_t second) {
    unsigned n = first & 15, m = second & 15, kind = bits(first, 4, 4);
    if ((second & 0xf000) != 0xf000 || !is_plain(bits(second, 8, 4)) || !is_plain(m) || n == SP) {
        return false;
    }
    if (!(first & 0x80)) {
        bool extends = (second & 0xc0) == 0x80 && (kind < 2 || kind == 4 || kind == 5);
        return (second & 0xf0) ? extends : n != PC;
    }
    unsigned reverse = REVERSE_KIND(first, second);
    return n == m && ((reverse >= 0x98 && reverse <= 0x9b) || reverse == 0xb8);
}

/* ---- 11111011: multiplication and division ---- */
enum long_operation { SMULL = 0x80, SDIV = 0x9f, UMULL = 0xa0, UDIV = 0xbf, SMLAL = 0xc0, UMLAL = 0xe0 };

static void multiply(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, m = second & 15, a = bits(second, 12, 4), d = bits(second, 8, 4);
    struct operand x = from(t, n), y = from(t, m), addend = a == PC ? immediate(0) : from(t, a);
    struct range high, product_range = range_multiply(thumb_range(&x), thumb_range(&y), &high);
    struct operand product = thumb_made_of(t, x.value * y.value, &x, &y, product_range);
    struct flags flags = keep_flags(t);
    put(t, d, a == PC ? product : thumb_add(t, addend, product, second & 0x10));
    put_back_flags(t, flags);
}

static uint32_t quotient(uint32_t a, uint32_t b, bool is_signed) {
    if (!b) {
        return 0;
    }
    if (!is_signed) {
        return a / b;
    }
    return b == UINT32_MAX ? 0 - a : (uint32_t)((int32_t)a / (int32_t)b);
}

static void multiply_long(struct thumb *t, unsigned operation, uint16_t first, uint16_t second) {
    unsigned n = first & 15, m = second & 15, low = bits(second, 12, 4), high = bits(second, 8, 4);
    bool is_signed = operation == SMULL || operation == SMLAL, adds = operation >= SMLAL;
    struct operand a = from(t, n), b = from(t, m);
    uint64_t result =
        is_signed ? (uint64_t)((int64_t)(int32_t)a.value * (int32_t)b.value) : (uint64_t)a.value * b.value;
    if (adds) {
        uint8_t origin = mixed(mixed(a.origin, b.origin), mixed(t->origin[low], t->origin[high]));
        result += (uint64_t)t->r[high] << 32 | t->r[low];
        set_from(t, low, (uint32_t)result, origin);
        set_from(t, high, (uint32_t)(result >> 32), origin);
        return;
    }
    struct range upper = RANGE_ALL, lower = RANGE_ALL;
    if (!is_signed) {
        lower = range_multiply(thumb_range(&a), thumb_range(&b), &upper);
    }
    put(t, low, thumb_made_of(t, (uint32_t)result, &a, &b, lower));
    put(t, high, thumb_made_of(t, (uint32_t)(result >> 32), &a, &b, upper));
}

#define LONG_OPERATION(first, second) (bits(first, 4, 4) << 4 | bits(second, 4, 4))

static void multiply_or_divide(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned n = first & 15, m = second & 15, operation = LONG_OPERATION(first, second);
    if (!(first & 0x80)) {
        multiply(t, first, second);
    } else if (operation == SDIV || operation == UDIV) {
        struct operand a = from(t, n), b = from(t, m);
        uint32_t result = quotient(a.value, b.value, operation == SDIV);
        struct range range = range_quotient(thumb_range(&a), thumb_range(&b));
        put(t, bits(second, 8, 4), thumb_made_of(t, result, &a, &b, operation == UDIV ? range : RANGE_ALL));
    } else {
        multiply_long(t, operation, first, second);
    }
}

static bool knows_multiply_or_divide(uint16_t first, uint16_t second) {
    unsigned a = bits(second, 12, 4), d = bits(second, 8, 4);
    if (!is_plain(first & 15) || !is_plain(second & 15) || !is_plain(d)) {
        return false;
    }
    switch (LONG_OPERATION(first, second)) {
    case 0x00: /* MLA, MUL */
        return a != SP;
    case 0x01: /* MLS */
        return is_plain(a);
    case SDIV:
    case UDIV:
        return a == PC;
    case SMULL:
    case UMULL:
    case SMLAL:
    case UMLAL:
        return is_plain(a) && a != d;
    default:
        return false;
    }
}

/* ---- One instruction ---- */
enum thumb_result thumb32_execute(struct thumb *t, uint16_t first, uint16_t second) {
    switch (first >> 9) {
    case 0xe800 >> 9:
        return multiple(t, first, second);
    case 0xea00 >> 9:
        data_processing(t, first, second, shifted_register(t, second));
        return THUMB_NEXT;
    case 0xf800 >> 9:
        return single(t, first, second);
    case 0xfa00 >> 9:
        (first & 0x100 ? multiply_or_divide : on_registers)(t, first, second);
        return THUMB_NEXT;
    default:
        if (second & 0x8000) {
            return control(t, first, second);
        }
        if (first & 0x200) {
            binary_immediate(t, first, second);
        } else {
            data_processing(t, first, second, modified_immediate(first, second));
        }
        return THUMB_NEXT;
    }
}

bool thumb32_knows(uint16_t first, uint16_t second, bool mainline) {
    if ((first & 0xf800) == 0xf000 && second & 0x8000) {
        return knows_control(first, second, mainline);
    }
    if (!mainline) {
        return false;
    }
    switch (first >> 9) {
    case 0xe800 >> 9:
        return knows_multiple(first, second);
    case 0xea00 >> 9:
        return knows_data_processing(first, second, true);
    case 0xf800 >> 9:
        return knows_single(first, second);
    case 0xfa00 >> 9:
        return first & 0x100 ? knows_multiply_or_divide(first, second) : knows_on_registers(first, second);
    case 0xf000 >> 9:
    case 0xf200 >> 9:
    case 0xf400 >> 9:
    case 0xf600 >> 9:
        return first & 0x200 ? knows_binary_immediate(first, second) : knows_data_processing(first, second, false);
    default:
        return false;
    }
}
