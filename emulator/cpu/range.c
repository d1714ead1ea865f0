/* Interval arithmetic on 32-bit words, for the interpreter of polling loops (thumb.c). */
#include "emulator/cpu/range.h"

/* ---- Sums ---- */
static int overflow(int64_t sum) {
    return sum > INT32_MAX ? 1 : sum < INT32_MIN ? -1 : 0;
}

static bool has_one_sign(struct range a) {
    return range_agrees(a, 31);
}

struct range range_add(struct range a, struct range b, struct range carry, bool *ret_carry_known,
                       bool *ret_overflow_known) {
    uint64_t low = (uint64_t)a.low + b.low + carry.low, high = (uint64_t)a.high + b.high + carry.high;
    int64_t least = (int64_t)(int32_t)a.low + (int32_t)b.low + carry.low;
    int64_t most = (int64_t)(int32_t)a.high + (int32_t)b.high + carry.high;
    *ret_carry_known = low >> 32 == high >> 32;
    *ret_overflow_known = has_one_sign(a) && has_one_sign(b) && overflow(least) == overflow(most);
    return *ret_carry_known ? (struct range){ (uint32_t)low, (uint32_t)high } : RANGE_ALL;
}

/* ---- Bits ---- */
/* The bits that may differ: all from the highest one on in which the bounds differ. */
static uint32_t open_bits(struct range a) {
    uint32_t differ = a.low ^ a.high;
    return differ ? UINT32_MAX >> __builtin_clz(differ) : 0;
}

struct range range_not(struct range a) {
    return (struct range){ ~a.high, ~a.low };
}

/* Is it bits n to 31? Then clearing the others keeps the order. */
static bool is_upper_mask(uint32_t mask) {
    return (~mask & (~mask + 1)) == 0;
}

static struct range and_with(struct range a, uint32_t mask) {
    bool only_lower_vary = (a.low & ~mask) == (a.high & ~mask) && !(open_bits(a) & ~mask);
    if (is_upper_mask(mask) || only_lower_vary) {
        return (struct range){ a.low & mask, a.high & mask };
    }
    uint32_t open = open_bits(a);
    return (struct range){ a.low & ~open & mask, (a.high | open) & mask };
}

struct range range_and(struct range a, struct range b) {
    if (range_is_one(b)) {
        return and_with(a, b.low);
    }
    if (range_is_one(a)) {
        return and_with(b, a.low);
    }
    uint32_t open_a = open_bits(a), open_b = open_bits(b);
    return (struct range){ (a.low & ~open_a) & (b.low & ~open_b), (a.high | open_a) & (b.high | open_b) };
}

struct range range_or(struct range a, struct range b) {
    uint32_t open_a = open_bits(a), open_b = open_bits(b);
    if (((a.high | open_a) & (b.high | open_b)) == 0) { /* no bit in common: a sum */
        return (struct range){ a.low + b.low, a.high + b.high };
    }
    return (struct range){ (a.low & ~open_a) | (b.low & ~open_b), a.high | open_a | b.high | open_b };
}

struct range range_xor(struct range a, struct range b) {
    uint32_t open = open_bits(a) | open_bits(b);
    return (struct range){ (a.low ^ b.low) & ~open, (a.low ^ b.low) | open };
}

/* ---- Shifts ---- */
static struct range shift_left(struct range a, unsigned amount, bool *ret_carry_known) {
    *ret_carry_known = range_agrees(a, 32 - amount);
    if (amount == 32) {
        return range_one(0);
    }
    return *ret_carry_known ? (struct range){ a.low << amount, a.high << amount }
                            : (struct range){ 0, UINT32_MAX << amount };
}

static struct range shift_right(struct range a, unsigned amount, bool *ret_carry_known) {
    *ret_carry_known = range_agrees(a, amount - 1);
    return amount == 32 ? range_one(0) : (struct range){ a.low >> amount, a.high >> amount };
}

static struct range shift_signed(struct range a, unsigned amount, bool *ret_carry_known) {
    unsigned places = amount == 32 ? 31 : amount;
    *ret_carry_known = range_agrees(a, amount - 1);
    if (!has_one_sign(a)) {
        return RANGE_ALL;
    }
    return (struct range){ (uint32_t)((int32_t)a.low >> places), (uint32_t)((int32_t)a.high >> places) };
}

struct range range_shift(unsigned kind, struct range a, unsigned amount, bool *ret_carry_known) {
    *ret_carry_known = false;
    if (!amount || amount > 32 || kind > 2) {
        return RANGE_ALL;
    }
    return (kind == 0 ? shift_left : kind == 1 ? shift_right : shift_signed)(a, amount, ret_carry_known);
}

/* ---- Products and quotients ---- */
struct range range_multiply(struct range a, struct range b, struct range *ret_high) {
    uint64_t low = (uint64_t)a.low * b.low, high = (uint64_t)a.high * b.high;
    *ret_high = (struct range){ (uint32_t)(low >> 32), (uint32_t)(high >> 32) };
    return range_is_one(*ret_high) ? (struct range){ (uint32_t)low, (uint32_t)high } : RANGE_ALL;
}

struct range range_quotient(struct range a, struct range b) {
    return b.low ? (struct range){ a.low / b.high, a.high / b.low } : RANGE_ALL;
}

struct range range_remainder(struct range a, struct range b) {
    if (!b.low) {
        return RANGE_ALL;
    }
    if (range_is_one(b) && a.low / b.low == a.high / b.low) {
        return (struct range){ a.low % b.low, a.high % b.low };
    }
    uint32_t most = b.high - 1;
    return (struct range){ 0, a.high < most ? a.high : most };
}
