/* Whatever words of the ranges an operation is given, its result lies in the range that was worked out, and a flag that
 * is said to be known is the same for all of them. */
#include "emulator/core/random.h"
#include "emulator/cpu/range.h"
#include "tests/unit/unit.h"

#define CASES 20000
#define SAMPLES 24

static struct random bits;

/* Narrow and wide ones, around powers of two and anywhere. */
static struct range any_range(void) {
    uint64_t r = random_next(&bits);
    uint32_t middle = r & 1 ? (uint32_t)(r >> 32) : (uint32_t)(UINT64_C(1) << (r >> 8 & 31)) + (uint32_t)(r >> 16 & 7);
    uint32_t width = (uint32_t)(random_next(&bits) >> (32 + (r >> 1 & 31)));
    struct range range = { middle - width / 2, middle + width - width / 2 };
    return range.low <= range.high ? range : range_one(middle);
}

/* Its bounds, and words between them. */
static uint32_t sample(struct range range, unsigned i) {
    uint64_t size = (uint64_t)range.high - range.low + 1;
    return i == 0 ? range.low : i == 1 ? range.high : range.low + (uint32_t)(random_next(&bits) % size);
}

static void check_in(struct range range, uint32_t value) {
    assert_true(range.low <= value && value <= range.high);
}

static void sums(void **state) {
    unsigned known = 0, narrow = 0;
    for (unsigned i = 0; i < CASES; i++) {
        struct range a = any_range(), b = any_range(), carry = { i & 1, (i & 1) | (i >> 1 & 1) };
        bool carry_known, overflow_known;
        struct range sum = range_add(a, b, carry, &carry_known, &overflow_known);
        int c_seen = -1, v_seen = -1;
        for (unsigned j = 0; j < SAMPLES; j++) {
            uint32_t x = sample(a, j % 5), y = sample(b, j % 7), in = sample(carry, j % 3);
            uint64_t wide = (uint64_t)x + y + in;
            uint32_t result = (uint32_t)wide;
            int c = wide >> 32 != 0, v = (~(x ^ y) & (x ^ result)) >> 31;
            check_in(sum, result);
            assert_true(!carry_known || c_seen < 0 || c == c_seen);
            assert_true(!overflow_known || v_seen < 0 || v == v_seen);
            c_seen = c;
            v_seen = v;
        }
        known += carry_known + overflow_known;
        narrow += sum.high - sum.low < UINT32_MAX;
    }
    assert_true(known > CASES / 2 && narrow > CASES / 4);
}

static uint32_t shifted(unsigned kind, uint32_t x, unsigned n, bool *ret_carry) {
    uint64_t wide = kind == 2 ? (uint64_t)(int64_t)(int32_t)x : x;
    *ret_carry = kind == 0 ? wide << n >> 32 & 1 : wide >> (n - 1) & 1;
    return kind == 0 ? (uint32_t)(wide << n) : (uint32_t)(kind == 2 ? (uint64_t)((int64_t)wide >> n) : wide >> n);
}

static void shifts(void **state) {
    unsigned known = 0;
    for (unsigned i = 0; i < CASES; i++) {
        struct range a = any_range();
        unsigned kind = i % 3, amount = 1 + random_next(&bits) % 32;
        bool carry_known;
        struct range result = range_shift(kind, a, amount, &carry_known);
        int seen = -1;
        for (unsigned j = 0; j < SAMPLES; j++) {
            bool carry;
            check_in(result, shifted(kind, sample(a, j), amount, &carry));
            assert_true(!carry_known || seen < 0 || carry == seen);
            seen = carry;
        }
        known += carry_known;
    }
    assert_true(known > CASES / 8);
}

static void words(void **state) {
    for (unsigned i = 0; i < CASES; i++) {
        struct range a = any_range(), b = i & 1 ? any_range() : range_one(any_range().low), high;
        struct range low = range_multiply(a, b, &high);
        struct range conjunction = range_and(a, b), swapped = range_and(b, a), disjunction = range_or(a, b);
        struct range difference = range_xor(a, b), complement = range_not(a);
        struct range quotient = range_quotient(a, b), remainder = range_remainder(a, b);
        for (unsigned j = 0; j < SAMPLES; j++) {
            uint32_t x = sample(a, j % 5), y = sample(b, j % 7);
            uint64_t product = (uint64_t)x * y;
            check_in(conjunction, x & y);
            check_in(swapped, x & y);
            check_in(disjunction, x | y);
            check_in(difference, x ^ y);
            check_in(complement, ~x);
            check_in(low, (uint32_t)product);
            check_in(high, (uint32_t)(product >> 32));
            check_in(quotient, y ? x / y : UINT32_MAX);
            check_in(remainder, y ? x % y : x);
        }
    }
}

/* What firmware makes of the time is followed as far as it can be: microseconds of the present millisecond. */
static void nothing_is_given_away(void **state) {
    struct range us = { 7654321, 7654399 }, high;
    bool known;
    struct range second = range_quotient(us, range_one(1000000)), rest = range_remainder(us, range_one(1000000));
    assert_true(second.low == 7 && second.high == 7);
    assert_true(rest.low == 654321 && rest.high == 654399);
    struct range ms = range_quotient(rest, range_one(1000));
    assert_true(range_is_one(ms) && ms.low == 654);
    struct range left = range_shift(0, us, 9, &known), right = range_shift(1, us, 23, &known);
    assert_true(left.low == 7654321u << 9 && left.high == 7654399u << 9);
    assert_true(range_is_one(right));
    struct range low = range_multiply(us, range_one(3), &high);
    assert_true(low.high - low.low == 3 * (us.high - us.low) && high.high == 0);
    struct range byte = range_and((struct range){ 0x1210, 0x1234 }, range_one(0xff));
    assert_true(byte.low == 0x10 && byte.high == 0x34);
    struct range joined = range_or(range_one(0x500), byte);
    assert_true(joined.low == 0x510 && joined.high == 0x534);
}

int main(void) {
    random_init(&bits, 5);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums),
        cmocka_unit_test(shifts),
        cmocka_unit_test(words),
        cmocka_unit_test(nothing_is_given_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
