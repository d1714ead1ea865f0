/* What is known of a word that cannot be foretold: it lies between two bounds (unsigned, both included). An operation
 * on all words of its operands' ranges gives words of the range that is worked out here, which may be wider than it
 * need be, never narrower. */
#ifndef CPU_RANGE_H
#define CPU_RANGE_H

#include <stdbool.h>
#include <stdint.h>

struct range {
    uint32_t low, high;
};

#define RANGE_ALL ((struct range){ 0, UINT32_MAX })

static inline struct range range_one(uint32_t value) {
    return (struct range){ value, value };
}
static inline bool range_is_one(struct range range) {
    return range.low == range.high;
}
/* A bit has the same value in all of them, and so has every bit above it. */
static inline bool range_agrees(struct range range, unsigned bit) {
    return range.low >> bit == range.high >> bit;
}

/* a + b + carry, which is one of `carry`; which flags come out the same for all? */
struct range range_add(struct range a, struct range b, struct range carry, bool *ret_carry_known,
                       bool *ret_overflow_known);
struct range range_not(struct range a);
struct range range_and(struct range a, struct range b);
struct range range_or(struct range a, struct range b);
struct range range_xor(struct range a, struct range b);
/* 0 LSL, 1 LSR, 2 ASR, 3 ROR by `amount` (1 to 32; more gives all words); is the bit shifted out last the same? */
struct range range_shift(unsigned kind, struct range a, unsigned amount, bool *ret_carry_known);
/* The two words of the unsigned product. */
struct range range_multiply(struct range a, struct range b, struct range *ret_high);
/* Unsigned division; by 0 (alone or among others) anything may come out. */
struct range range_quotient(struct range a, struct range b);
struct range range_remainder(struct range a, struct range b);

#endif
