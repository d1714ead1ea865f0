/* The interpreter's 16-bit instructions: Armv6-M Architecture Reference Manual A5 (encodings) and A6.7 (instructions);
 * of Armv8-M Mainline also IT, CBZ, CBNZ and accesses that are not aligned. The 32-bit ones are in thumb32.c.
 *
 * Origins: an operation on clean values gives a clean one. Adding or subtracting something clean to or from a count
 * gives a count, and the flags are as good as clean for as many ticks as they come out the same: the smallest such
 * number over all operations is kept in `ticks`. Anything else made of a count is unknown, but lies in a range while
 * the counters go on by no more than `span` ticks: flags that come out the same for all of the range are as good as
 * clean for so long; others must not be used, nor may an address be made of an unknown value.
 *
 * Not executed here (THUMB_LEAVE or not known): SVC, BKPT, UDF, WFI, WFE, SEV, accesses that fault, branches to Arm
 * state or with an EXC_RETURN, CPS other than of PRIMASK. CCR.UNALIGN_TRP has no effect, as in the engine. */
#include "emulator/cpu/thumb_internal.h"

#define FOREVER (UINT64_C(1) << 32)

/* ---- Origins ---- */
/* Ticks until a value that moves by `slope` a tick reaches `target`, at least 1. */
static uint64_t distance(uint32_t value, uint32_t target, int8_t slope) {
    uint32_t ticks = slope > 0 ? target - value : value - target;
    return ticks ? ticks : FOREVER;
}

/* A value that moves crosses a place where flags of a sum or difference change: 0 and 2^31, seen from its side. */
static void watch(struct thumb *t, uint32_t value, int8_t slope, bool is_result) {
    static const uint32_t up[] = { 0, 0x80000000u, 1 }, down[] = { 0xffffffffu, 0x7fffffffu, 0 };
    for (unsigned i = 0; i < (is_result ? 3 : 2); i++) {
        uint64_t ticks = distance(value, slope > 0 ? up[i] : down[i], slope);
        t->ticks = ticks < t->ticks ? ticks : t->ticks;
    }
}

/* ---- Flags ---- */
static void set_origins(struct thumb *t, uint8_t origin) {
    t->nz = t->cv = origin;
}

static uint32_t add_with_carry(struct thumb *t, uint32_t a, uint32_t b, bool carry) {
    uint64_t sum = (uint64_t)a + b + carry;
    uint32_t result = (uint32_t)sum;
    t->n = result >> 31;
    t->z = result == 0;
    t->c = sum >> 32;
    t->v = (~(a ^ b) & (a ^ result)) >> 31;
    return result;
}

struct operand thumb_made_of(struct thumb *t, uint32_t value, const struct operand *a, const struct operand *b,
                             struct range range) {
    struct operand result = { value, mixed(a->origin, b->origin), 0, range };
    if (result.origin == ORIGIN_UNKNOWN && range_is_one(range)) {
        limit_to_span(t);
        result.origin = ORIGIN_CLEAN;
    }
    return result;
}

/* A sum or difference of which the ranges alone tell something: its flags have been set from the values. */
static struct operand sum_of_ranges(struct thumb *t, uint32_t value, struct operand a, struct operand b, bool subtract,
                                    struct range carry) {
    bool carry_known, overflow_known;
    struct range addend = subtract ? range_not(thumb_range(&b)) : thumb_range(&b);
    struct range range = range_add(thumb_range(&a), addend, carry, &carry_known, &overflow_known);
    struct operand result = thumb_made_of(t, value, &a, &b, range);
    uint8_t origin = mixed(a.origin, b.origin);
    set_nz(t, (struct operand){ value, origin, 0, range });
    t->cv = flag_origin(t, origin, carry_known && overflow_known);
    return result;
}

struct operand thumb_add(struct thumb *t, struct operand a, struct operand b, bool subtract) {
    uint32_t value = add_with_carry(t, a.value, subtract ? ~b.value : b.value, subtract);
    set_origins(t, ORIGIN_CLEAN);
    if (a.origin == ORIGIN_CLEAN && b.origin == ORIGIN_CLEAN) {
        return immediate(value);
    }
    bool followed = a.origin + b.origin == ORIGIN_COUNT; /* one count and something clean */
    if (!followed) {
        return sum_of_ranges(t, value, a, b, subtract, range_one(subtract));
    }
    bool unused;
    struct range addend = subtract ? range_not(thumb_range(&b)) : thumb_range(&b);
    struct operand result = { value, ORIGIN_COUNT, a.slope,
                              range_add(thumb_range(&a), addend, range_one(subtract), &unused, &unused) };
    if (a.origin == ORIGIN_COUNT) {
        watch(t, a.value, a.slope, false);
    } else {
        result.slope = subtract ? (int8_t)-b.slope : b.slope;
        watch(t, b.value, b.slope, false);
    }
    watch(t, result.value, result.slope, true);
    return result;
}

struct operand thumb_add_carry(struct thumb *t, struct operand a, struct operand b, bool subtract) {
    uint8_t carry_origin = t->cv;
    struct range carry = carry_origin == ORIGIN_CLEAN ? range_one(t->c) : (struct range){ 0, 1 };
    uint32_t value = add_with_carry(t, a.value, subtract ? ~b.value : b.value, t->c);
    uint8_t origin = mixed(mixed(a.origin, b.origin), carry_origin);
    a.range = thumb_range(&a);
    a.origin = origin; /* what the carry is made from counts as well */
    if (origin == ORIGIN_CLEAN) {
        set_origins(t, ORIGIN_CLEAN);
        return immediate(value);
    }
    return sum_of_ranges(t, value, a, b, subtract, carry);
}

/* ---- Shifts and data processing ---- */
static uint32_t shift_value(struct thumb *t, unsigned kind, uint32_t value, unsigned amount) {
    switch (kind) {
    case 0: /* LSL */
        t->c = amount <= 32 && (value >> (32 - amount) & 1);
        return amount < 32 ? value << amount : 0;
    case 1: /* LSR */
        t->c = amount <= 32 && (value >> (amount - 1) & 1);
        return amount < 32 ? value >> amount : 0;
    case 2: /* ASR */
        amount = amount < 32 ? amount : 32;
        t->c = (uint32_t)((int32_t)value >> (amount - 1)) & 1;
        return (uint32_t)((int32_t)value >> (amount < 32 ? amount : 31));
    default: /* ROR */
        amount &= 31;
        value = amount ? value >> amount | value << (32 - amount) : value;
        t->c = value >> 31;
        return value;
    }
}

struct operand thumb_shift(struct thumb *t, unsigned kind, struct operand operand, struct operand amount) {
    uint8_t origin = mixed(operand.origin, amount.origin);
    bool carry_known = false;
    struct range range = RANGE_ALL;
    if (amount.value == 0 && amount.origin == ORIGIN_CLEAN) {
        operand.origin = origin;
        return operand;
    }
    if (amount.origin == ORIGIN_CLEAN) {
        range = range_shift(kind, thumb_range(&operand), amount.value, &carry_known);
    }
    uint32_t value = amount.value ? shift_value(t, kind, operand.value, amount.value) : operand.value;
    t->cv = mixed(t->cv, flag_origin(t, origin, carry_known)); /* V stays what it was */
    return thumb_made_of(t, value, &operand, &amount, range);
}

static void shift_immediate(struct thumb *t, uint16_t code) {
    unsigned kind = code >> 11 & 3, amount = code >> 6 & 31, m = code >> 3 & 7, d = code & 7;
    struct operand operand = from(t, m);
    if (kind == 0 && amount == 0) { /* MOVS */
        if (operand.origin == ORIGIN_COUNT) {
            watch(t, operand.value, operand.slope, true);
        }
        put(t, d, operand);
        set_nz(t, operand);
        t->nz = operand.origin == ORIGIN_COUNT ? ORIGIN_CLEAN : t->nz;
        return;
    }
    struct operand result = thumb_shift(t, kind, operand, immediate(kind && !amount ? 32 : amount));
    put(t, d, result);
    set_nz(t, result);
}

/* C and V stay what they were. */
static void logical(struct thumb *t, unsigned d, struct operand result, bool keep) {
    if (keep) {
        put(t, d, result);
    }
    set_nz(t, result);
}

/* 010000: on the low registers */
static void data_processing(struct thumb *t, uint16_t code) {
    static const uint8_t kinds[] = { 0, 0, 0, 1, 2, 0, 0, 3 };
    unsigned m = code >> 3 & 7, d = code & 7, operation = code >> 6 & 15;
    struct operand a = from(t, d), b = from(t, m), low_byte;
    struct range x = thumb_range(&a), y = thumb_range(&b), high;
    switch (operation) {
    case 0x2:
    case 0x3:
    case 0x4:
    case 0x7:
        low_byte = (struct operand){ b.value & 0xff, b.origin, 0, RANGE_ALL };
        logical(t, d, thumb_shift(t, kinds[operation], a, low_byte), true);
        break;
    case 0x5:
        put(t, d, thumb_add_carry(t, a, b, false));
        break;
    case 0x6:
        put(t, d, thumb_add_carry(t, a, b, true));
        break;
    case 0x9: /* RSBS #0 */
        put(t, d, thumb_add(t, immediate(0), b, true));
        break;
    case 0xa: /* CMP */
        thumb_add(t, a, b, true);
        break;
    case 0xb: /* CMN */
        thumb_add(t, a, b, false);
        break;
    case 0x0:
    case 0x8: /* TST */
        logical(t, d, thumb_made_of(t, a.value & b.value, &a, &b, range_and(x, y)), operation == 0);
        break;
    case 0x1:
        logical(t, d, thumb_made_of(t, a.value ^ b.value, &a, &b, range_xor(x, y)), true);
        break;
    case 0xc:
        logical(t, d, thumb_made_of(t, a.value | b.value, &a, &b, range_or(x, y)), true);
        break;
    case 0xd: /* MULS */
        logical(t, d, thumb_made_of(t, a.value * b.value, &a, &b, range_multiply(x, y, &high)), true);
        break;
    case 0xe: /* BICS */
        logical(t, d, thumb_made_of(t, a.value & ~b.value, &a, &b, range_and(x, range_not(y))), true);
        break;
    default: /* MVNS */
        logical(t, d, thumb_made_of(t, ~b.value, &b, &b, range_not(y)), true);
        break;
    }
}

/* 000110, 000111: three registers or a 3-bit immediate */
static void add_subtract(struct thumb *t, uint16_t code) {
    unsigned field = code >> 6 & 7;
    struct operand b = code & 0x400 ? immediate(field) : from(t, field);
    put(t, code & 7, thumb_add(t, from(t, code >> 3 & 7), b, code & 0x200));
}

/* 001: an 8-bit immediate */
static void immediate_operation(struct thumb *t, uint16_t code) {
    unsigned d = code >> 8 & 7;
    uint32_t value = code & 0xff;
    switch (code >> 11 & 3) {
    case 0:
        set(t, d, value);
        set_nz(t, immediate(value));
        break;
    case 1:
        thumb_add(t, from(t, d), immediate(value), true);
        break;
    case 2:
        put(t, d, thumb_add(t, from(t, d), immediate(value), false));
        break;
    default:
        put(t, d, thumb_add(t, from(t, d), immediate(value), true));
        break;
    }
}

/* ---- Branches ---- */
enum thumb_result thumb_branch_exchange(struct thumb *t, uint32_t target, uint8_t origin) {
    if (!(target & 1) || target >= 0xf0000000u) {
        return THUMB_LEAVE;
    }
    need(t, origin);
    t->r[PC] = target & ~1u;
    return THUMB_BRANCH;
}

/* 010001: high registers, BX, BLX */
static enum thumb_result special(struct thumb *t, uint16_t code) {
    unsigned m = code >> 3 & 15, d = (code & 7) | (code >> 4 & 8);
    uint32_t pc = t->r[PC];
    struct operand b = m == PC ? immediate(pc + 4) : from(t, m);
    struct operand a = d == PC ? immediate(pc + 4) : from(t, d);
    struct operand result = b;
    struct flags flags = keep_flags(t);
    switch (code >> 8 & 3) {
    case 0: /* ADD, without flags */
        result = thumb_add(t, a, b, false);
        put_back_flags(t, flags);
        break;
    case 1: /* CMP */
        thumb_add(t, a, b, true);
        return THUMB_NEXT;
    case 2: /* MOV */
        break;
    default: {
        enum thumb_result went = thumb_branch_exchange(t, b.value, b.origin);
        if (went == THUMB_BRANCH && code & 0x80) { /* BLX */
            set(t, LR, (pc + 2) | 1);
        }
        return went;
    }
    }
    if (d == PC) {
        need(t, result.origin);
        t->r[PC] = result.value & ~1u;
        return THUMB_BRANCH;
    }
    if (d == SP) {
        need(t, result.origin);
        result.value &= ~3u;
    }
    put(t, d, result);
    return THUMB_NEXT;
}

/* EQ, NE, MI, PL look at N or Z alone, CS, CC, VS, VC at C or V alone. */
static void need_flags(struct thumb *t, unsigned code) {
    unsigned pair = code >> 1;
    if (pair != 1 && pair != 3) {
        need(t, t->nz);
    }
    if (pair != 0 && pair != 2) {
        need(t, t->cv);
    }
}

static bool condition(const struct thumb *t, unsigned code) {
    bool result;
    switch (code >> 1) {
    case 0:
        result = t->z;
        break;
    case 1:
        result = t->c;
        break;
    case 2:
        result = t->n;
        break;
    case 3:
        result = t->v;
        break;
    case 4:
        result = t->c && !t->z;
        break;
    case 5:
        result = t->n == t->v;
        break;
    default:
        result = !t->z && t->n == t->v;
        break;
    }
    return result != (code & 1);
}

enum thumb_result thumb_branch_if(struct thumb *t, unsigned code, uint32_t offset) {
    need_flags(t, code);
    if (!condition(t, code)) {
        return THUMB_NEXT;
    }
    t->r[PC] += 4 + offset;
    return THUMB_BRANCH;
}

static enum thumb_result branch(struct thumb *t, uint16_t code) {
    t->r[PC] += 4 + (uint32_t)((int32_t)((uint32_t)code << 21) >> 20);
    return THUMB_BRANCH;
}

/* ---- Loads and stores ---- */
/* Armv6-M faults on every access that is not aligned, Armv8-M on those to registers, which the owner refuses. */
static bool is_refused(const struct thumb *t, uint32_t address, unsigned size) {
    return address & (size - 1) && !t->mainline;
}

/* Of a byte or halfword of something that is not clean no more is known than its size. */
static void narrow(struct operand *value, unsigned size, bool is_signed) {
    unsigned unused = 32 - 8 * size;
    if (is_signed) {
        value->value = (uint32_t)((int32_t)(value->value << unused) >> unused);
    }
    if (size != 4) {
        value->origin = mixed(value->origin, ORIGIN_CLEAN);
        value->range = is_signed ? RANGE_ALL : (struct range){ 0, UINT32_MAX >> unused };
    }
}

bool thumb_load(struct thumb *t, unsigned d, uint32_t address, unsigned size, bool is_signed) {
    struct operand value;
    if (is_refused(t, address, size) || !t->load(t, address, size, &value)) {
        return false;
    }
    narrow(&value, size, is_signed);
    put(t, d, value);
    return true;
}

bool thumb_store(struct thumb *t, unsigned s, uint32_t address, unsigned size) {
    struct operand value = from(t, s);
    return !is_refused(t, address, size) && t->store(t, address, size, &value);
}

static enum thumb_result done(bool ok) {
    return ok ? THUMB_NEXT : THUMB_LEAVE;
}

/* 0101: register offset */
static enum thumb_result register_offset(struct thumb *t, uint16_t code) {
    unsigned d = code & 7, n = code >> 3 & 7, m = code >> 6 & 7;
    uint32_t address = t->r[n] + t->r[m];
    need(t, mixed(t->origin[n], t->origin[m]));
    switch (code >> 9 & 7) {
    case 0:
        return done(thumb_store(t, d, address, 4));
    case 1:
        return done(thumb_store(t, d, address, 2));
    case 2:
        return done(thumb_store(t, d, address, 1));
    case 3:
        return done(thumb_load(t, d, address, 1, true));
    case 4:
        return done(thumb_load(t, d, address, 4, false));
    case 5:
        return done(thumb_load(t, d, address, 2, false));
    case 6:
        return done(thumb_load(t, d, address, 1, false));
    default:
        return done(thumb_load(t, d, address, 2, true));
    }
}

/* 011, 1000, 1001: immediate offset */
static enum thumb_result immediate_offset(struct thumb *t, uint16_t code) {
    unsigned d = code & 7, n = code >> 3 & 7, offset = code >> 6 & 31, size;
    if (code >> 12 == 9) { /* sp relative */
        d = code >> 8 & 7;
        n = SP;
        offset = code & 0xff;
        size = 4;
    } else {
        size = code >> 12 == 8 ? 2 : code & 0x1000 ? 1 : 4;
    }
    need(t, t->origin[n]);
    uint32_t address = t->r[n] + offset * size;
    return done(code & 0x800 ? thumb_load(t, d, address, size, false) : thumb_store(t, d, address, size));
}

bool thumb_transfer(struct thumb *t, unsigned list, uint32_t address, bool is_load) {
    if (address & 3) {
        return false;
    }
    for (unsigned reg = 0; list >> reg; reg++) {
        if (list >> reg & 1) {
            if (!(is_load ? thumb_load(t, reg, address, 4, false) : thumb_store(t, reg, address, 4))) {
                return false;
            }
            address += 4;
        }
    }
    return true;
}

/* 1100: LDM, STM */
static enum thumb_result multiple(struct thumb *t, uint16_t code) {
    unsigned n = code >> 8 & 7, list = code & 0xff;
    uint32_t address = t->r[n], end = address + 4 * (uint32_t)__builtin_popcount(list);
    bool is_load = code & 0x800;
    need(t, t->origin[n]);
    if (!list || !thumb_transfer(t, list, address, is_load)) {
        t->r[n] = address;
        return THUMB_LEAVE;
    }
    if (!is_load || !(list >> n & 1)) {
        set(t, n, end);
    }
    return THUMB_NEXT;
}

static enum thumb_result push(struct thumb *t, uint16_t code) {
    unsigned list = (code & 0xff) | (code & 0x100) << 6;
    uint32_t address = t->r[SP] - 4 * (uint32_t)__builtin_popcount(list);
    need(t, t->origin[SP]);
    if (!list || !thumb_transfer(t, list, address, false)) {
        return THUMB_LEAVE;
    }
    set(t, SP, address);
    return THUMB_NEXT;
}

static enum thumb_result pop(struct thumb *t, uint16_t code) {
    unsigned list = code & 0xff;
    uint32_t address = t->r[SP], top = address + 4 * (uint32_t)__builtin_popcount(list);
    struct operand target;
    need(t, t->origin[SP]);
    if (!(code & 0x1ff)) {
        return THUMB_LEAVE;
    }
    if (!(code & 0x100)) {
        if (!thumb_transfer(t, list, address, true)) {
            return THUMB_LEAVE;
        }
        set(t, SP, top);
        return THUMB_NEXT;
    }
    if (top & 3 || !t->load(t, top, 4, &target) || !(target.value & 1) || target.value >= 0xf0000000u ||
        !thumb_transfer(t, list, address, true)) {
        return THUMB_LEAVE;
    }
    set(t, SP, top + 4);
    return thumb_branch_exchange(t, target.value, target.origin);
}

/* ---- 1011 ---- */
static void extend_or_reverse(struct thumb *t, uint16_t code) {
    unsigned m = code >> 3 & 7, d = code & 7;
    struct operand a = from(t, m);
    struct range range = RANGE_ALL;
    uint32_t value = a.value, result;
    switch (code & 0x0fc0) {
    case 0x200:
        result = (uint32_t)(int32_t)(int16_t)value;
        break;
    case 0x240:
        result = (uint32_t)(int32_t)(int8_t)value;
        break;
    case 0x280:
        result = value & 0xffff;
        range = range_and(thumb_range(&a), range_one(0xffff));
        break;
    case 0x2c0:
        result = value & 0xff;
        range = range_and(thumb_range(&a), range_one(0xff));
        break;
    case 0xa00:
        result = __builtin_bswap32(value);
        break;
    case 0xa40:
        result = (value >> 8 & 0x00ff00ffu) | (value << 8 & 0xff00ff00u);
        break;
    default: /* REVSH */
        result = (uint32_t)(int32_t)(int16_t)__builtin_bswap16((uint16_t)value);
        break;
    }
    put(t, d, thumb_made_of(t, result, &a, &a, range));
}

static enum thumb_result compare_branch(struct thumb *t, uint16_t code) {
    uint32_t offset = (code & 0x200u) >> 3 | (code & 0xf8u) >> 2;
    struct operand a = from(t, code & 7);
    if (a.origin == ORIGIN_COUNT) {
        watch(t, a.value, a.slope, true);
    } else {
        need(t, flag_origin(t, a.origin, a.range.low || !a.range.high));
    }
    if ((t->r[code & 7] == 0) == !!(code & 0x800)) {
        return THUMB_NEXT;
    }
    t->r[PC] += 4 + offset;
    return THUMB_BRANCH;
}

static enum thumb_result miscellaneous(struct thumb *t, uint16_t code) {
    if ((code & 0x500) == 0x100) {
        return compare_branch(t, code);
    }
    switch (code >> 8 & 15) {
    case 0x0: {
        uint32_t offset = (code & 0x7f) * 4;
        t->r[SP] += code & 0x80 ? -offset : offset;
        return THUMB_NEXT;
    }
    case 0x4:
    case 0x5:
        return push(t, code);
    case 0xc:
    case 0xd:
        return pop(t, code);
    case 0x6: /* CPS */
        t->primask = code >> 4 & 1;
        return THUMB_NEXT;
    case 0x2:
    case 0xa:
        extend_or_reverse(t, code);
        return THUMB_NEXT;
    default: /* IT, NOP, YIELD */
        t->it = code & 15 ? code & 0xff : t->it;
        return THUMB_NEXT;
    }
}

/* ---- One instruction ---- */
static enum thumb_result execute(struct thumb *t, uint16_t code) {
    switch (code >> 11) {
    case 0x00:
    case 0x01:
    case 0x02:
        shift_immediate(t, code);
        return THUMB_NEXT;
    case 0x03:
        add_subtract(t, code);
        return THUMB_NEXT;
    case 0x04:
    case 0x05:
    case 0x06:
    case 0x07:
        immediate_operation(t, code);
        return THUMB_NEXT;
    case 0x08:
        if (code & 0x400) {
            return special(t, code);
        }
        data_processing(t, code);
        return THUMB_NEXT;
    case 0x09: /* LDR literal */
        return done(thumb_load(t, code >> 8 & 7, ((t->r[PC] + 4) & ~3u) + (code & 0xff) * 4, 4, false));
    case 0x0a:
    case 0x0b:
        return register_offset(t, code);
    case 0x14: /* ADR */
        set(t, code >> 8 & 7, ((t->r[PC] + 4) & ~3u) + (code & 0xff) * 4);
        return THUMB_NEXT;
    case 0x15: /* ADD sp */
        set_from(t, code >> 8 & 7, t->r[SP] + (code & 0xff) * 4, mixed(t->origin[SP], ORIGIN_CLEAN));
        return THUMB_NEXT;
    case 0x16:
    case 0x17:
        return miscellaneous(t, code);
    case 0x18:
    case 0x19:
        return multiple(t, code);
    case 0x1a:
    case 0x1b:
        return thumb_branch_if(t, code >> 8 & 15, (uint32_t)((int32_t)(int8_t)code * 2));
    case 0x1c:
        return branch(t, code);
    default:
        return immediate_offset(t, code);
    }
}

static bool is_compare(uint16_t code) {
    unsigned operation = code >> 6 & 15;
    bool low = (code & 0xfc00) == 0x4000 && (operation == 8 || operation == 10 || operation == 11);
    return low || (code & 0xf800) == 0x2800 || (code & 0xff00) == 0x4500;
}

/* Inside an IT block 16-bit instructions set flags only when they compare. */
static enum thumb_result execute_in_it(struct thumb *t, uint16_t first, uint16_t second) {
    unsigned code = t->it >> 4;
    struct flags flags = keep_flags(t);
    uint8_t it = t->it;
    if (code < 14) {
        need_flags(t, code);
    }
    t->it = it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
    if (code < 14 && !condition(t, code)) {
        return THUMB_NEXT;
    }
    enum thumb_result result = thumb_is_wide(first) ? thumb32_execute(t, first, second) : execute(t, first);
    if (!thumb_is_wide(first) && !is_compare(first)) {
        put_back_flags(t, flags);
    }
    if (result == THUMB_LEAVE) {
        t->it = it;
    }
    return result;
}

enum thumb_result thumb_step(struct thumb *t, uint16_t first, uint16_t second) {
    enum thumb_result result;
    if (t->it) {
        result = execute_in_it(t, first, second);
    } else {
        result = thumb_is_wide(first) ? thumb32_execute(t, first, second) : execute(t, first);
    }
    if (result == THUMB_NEXT) {
        t->r[PC] += thumb_is_wide(first) ? 4 : 2;
    }
    return result;
}

bool thumb_knows(uint16_t first, uint16_t second, bool mainline) {
    if (thumb_is_wide(first)) {
        return thumb32_knows(first, second, mainline);
    }
    switch (first >> 12) {
    case 0xb: {
        unsigned group = first >> 8 & 15;
        bool hint = first == 0xbf00 || first == 0xbf10 || (mainline && group == 15 && first & 15);
        bool reverse = group == 0xa && (first & 0xc0) != 0x80;
        bool cps = (first & 0xffef) == 0xb662;
        bool compares = mainline && (first & 0x500) == 0x100; /* CBZ, CBNZ */
        return group == 0 || group == 2 || group == 4 || group == 5 || group == 0xc || group == 0xd || hint ||
               reverse || cps || compares;
    }
    case 0xd:
        return (first & 0xe00) != 0xe00;
    default:
        return true;
    }
}
