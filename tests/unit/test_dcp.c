/* The RP2350's double-precision coprocessor against host arithmetic over a million operand pairs, corner cases among
 * them. The sequences are those of the datasheet's operations; what they compute on the core (product, quotient, root)
 * is done here with 128-bit integers. */
#include "tests/unit/unit.h"

#include "emulator/core/random.h"
#include "emulator/cpu/dcp.h"

#include <math.h>
#include <string.h>

#define PAIRS 1000000
#define SIGN (UINT64_C(1) << 63)
#define EXPONENT UINT64_C(0x7ff0000000000000)
#define QUIET UINT64_C(0x0008000000000000)

/* ---- The instructions by name, as encoded by pico-sdk ---- */

static void cdp(struct dcp *dcp, unsigned opc1, unsigned crm, unsigned opc2) {
    assert_true(dcp_cdp(dcp, opc1, crm, opc2));
    assert_true(dcp->engaged);
}

static void write_pair(struct dcp *dcp, unsigned opc1, unsigned crm, uint64_t data) {
    assert_true(dcp_mcrr(dcp, opc1, crm, (uint32_t)data, (uint32_t)(data >> 32)));
}

static uint64_t read_pair(struct dcp *dcp, unsigned opc1, unsigned crm, bool peek) {
    uint32_t low, high;
    assert_true(dcp_mrrc(dcp, opc1, crm, peek, &low, &high));
    return (uint64_t)high << 32 | low;
}

static uint32_t read_word(struct dcp *dcp, unsigned crm, unsigned opc2) {
    uint32_t value;
    assert_true(dcp_mrc(dcp, crm, opc2, false, &value));
    assert_false(dcp->engaged);
    return value;
}

#define ADD0(d) cdp(d, 0, 1, 0)
#define ADD1(d) cdp(d, 1, 1, 0)
#define SUB1(d) cdp(d, 1, 1, 1)
#define SQR0(d) cdp(d, 2, 1, 0)
#define NRDF(d) cdp(d, 8, 2, 1)
#define NRDD(d) cdp(d, 8, 0, 1)
#define NTDC(d) cdp(d, 8, 0, 2)
#define NRDC(d) cdp(d, 8, 0, 3)

/* ---- Host numbers ---- */

static uint64_t bits(double value) {
    uint64_t result;
    memcpy(&result, &value, sizeof(result));
    return result;
}

static double number(uint64_t value) {
    double result;
    memcpy(&result, &value, sizeof(result));
    return result;
}

static float float_of(uint32_t value) {
    float result;
    memcpy(&result, &value, sizeof(result));
    return result;
}

static uint32_t float_bits(float value) {
    uint32_t result;
    memcpy(&result, &value, sizeof(result));
    return result;
}

/* An operand as the coprocessor takes it. */
static uint64_t flushed(uint64_t x) {
    return x & EXPONENT ? x : x & SIGN;
}

static bool is_nan(uint64_t x) {
    return (x & ~SIGN) > EXPONENT;
}

static bool is_nan_float(uint32_t x) {
    return (x & 0x7fffffff) > 0x7f800000;
}

/* The NaN that an operation of x and y gives, by the rules of SSE2. (A host's own NaN depends on the order in which
 * the compiler puts the operands.) */
static uint64_t expected_nan(uint64_t x, uint64_t y) {
    return is_nan(x) ? x | QUIET : is_nan(y) ? y | QUIET : UINT64_C(0xfff8000000000000);
}

static uint32_t expected_nan_float(uint32_t x, uint32_t y) {
    return is_nan_float(x) ? x | 0x400000 : is_nan_float(y) ? y | 0x400000 : 0xffc00000;
}

/* A host result as the coprocessor gives it, of the operands x and y (of one operand: twice that). */
static uint64_t expected(double value, uint64_t x, uint64_t y) {
    return isnan(value) ? expected_nan(x, y) : flushed(bits(value));
}

static uint32_t expected_float(float value, uint32_t x, uint32_t y) {
    uint32_t result = float_bits(value);
    return isnan(value) ? expected_nan_float(x, y) : result & 0x7f800000 ? result : result & 0x80000000;
}

/* Results just below the smallest normal number are rounded before they are flushed: not compared. */
static bool is_borderline(double value) {
    return fabs(value) <= 0x1p-1022;
}

static const uint64_t corners[] = {
    0,
    SIGN,
    1,
    0x000fffffffffffff,
    0x0010000000000000,
    0x8010000000000001,
    0x7fefffffffffffff,
    EXPONENT,
    EXPONENT | SIGN,
    0x7ff8000000000001,
    0x7ff0000000000003,
    0xfff70000000000ec,
    0xfffc00000000beef,
    0x3ff0000000000000,
    0xbff0000000000000,
    0x3fefffffffffffff,
    0x3ff0000000000001,
    0x4000000000000000,
    0x3ff8000000000000,
    0x41dfffffffc00000,
    0xc1e0000000000000,
    0x41efffffffe00000,
    0x433fffffffffffff,
};
#define CORNERS (sizeof(corners) / sizeof(corners[0]))

static uint64_t any(struct random *random) {
    uint64_t value = random_next(random), kind = random_next(random);
    switch (kind & 7) {
    case 0:
        return corners[value % CORNERS];
    case 1:
        return value;
    case 2: /* few bits: ties */
        value &= (~UINT64_C(0) << (kind >> 8 & 63)) | SIGN;
        /* fall through */
    default:
        return (value & (SIGN | ((UINT64_C(1) << 52) - 1))) | (1023 - 35 + (kind >> 16 & 63)) << 52;
    }
}

static void pair(struct random *random, uint64_t *ret_x, uint64_t *ret_y) {
    uint64_t kind = random_next(random);
    *ret_x = any(random);
    *ret_y = kind & 3 ? any(random) : *ret_x ^ (kind & 4 ? SIGN : 0) ^ (kind >> 8 & 3); /* cancellation */
}

/* ---- Operations ---- */

static void load(struct dcp *dcp, uint64_t x, uint64_t y) {
    write_pair(dcp, 1, 0, x); /* WXUP */
    write_pair(dcp, 1, 1, y); /* WYUP */
    assert_true(dcp->engaged);
}

static uint64_t sum(struct dcp *dcp, uint64_t x, uint64_t y, bool subtract) {
    load(dcp, x, y);
    ADD0(dcp);
    if (subtract) {
        SUB1(dcp);
    } else {
        ADD1(dcp);
    }
    NRDD(dcp);
    return read_pair(dcp, subtract ? 3 : 1, 0, false); /* RDDS, RDDA */
}

static uint64_t product(struct dcp *dcp, uint64_t x, uint64_t y) {
    load(dcp, x, y);
    unsigned __int128 full = (unsigned __int128)read_pair(dcp, 0, 4, false) * read_pair(dcp, 0, 5, false);
    write_pair(dcp, 2, 0, (uint64_t)full); /* WXMS */
    write_pair(dcp, 3, 0, (uint64_t)(full >> 64));
    NRDD(dcp);
    return read_pair(dcp, 5, 0, false);
}

static uint64_t quotient(struct dcp *dcp, uint64_t x, uint64_t y) {
    load(dcp, x, y);
    uint64_t xm = read_pair(dcp, 0, 4, false), ym = read_pair(dcp, 0, 5, false);
    unsigned __int128 dividend = (unsigned __int128)xm << 57;
    uint64_t mantissa = ym ? (uint64_t)(dividend / ym) | (dividend % ym != 0) : 0;
    write_pair(dcp, 4, 0, mantissa); /* WXDD */
    NRDD(dcp);
    return read_pair(dcp, 7, 0, false);
}

static uint64_t root(struct dcp *dcp, uint64_t x) {
    write_pair(dcp, 1, 0, x);
    SQR0(dcp);
    unsigned __int128 square = (unsigned __int128)read_pair(dcp, 0, 4, false) << 58; /* 120 places */
    uint64_t mantissa = 0;
    for (int bit = 62; bit >= 0; bit--) {
        uint64_t next = mantissa | UINT64_C(1) << bit;
        if ((unsigned __int128)next * next <= square) {
            mantissa = next;
        }
    }
    mantissa |= (unsigned __int128)mantissa * mantissa != square;
    write_pair(dcp, 5, 0, mantissa); /* WXDQ */
    NRDD(dcp);
    return read_pair(dcp, 9, 0, false);
}

static uint32_t compared(struct dcp *dcp, uint64_t x, uint64_t y) {
    load(dcp, x, y);
    ADD0(dcp);
    return read_word(dcp, 0, 1); /* RCMP */
}

static uint32_t order_of(double x, double y) {
    return isnan(x) || isnan(y) ? 0x10000000 : x < y ? 0x80000000 : x > y ? 0x20000000 : 0x60000000;
}

static void check_pair(struct dcp *dcp, uint64_t x, uint64_t y) {
    double a = number(flushed(x)), b = number(flushed(y));
    assert_true(sum(dcp, x, y, false) == expected(a + b, x, y));
    assert_true(sum(dcp, x, y, true) == expected(a - b, x, y));
    if (!is_borderline(a * b)) {
        assert_true(product(dcp, x, y) == expected(a * b, x, y));
    }
    if (!is_borderline(a / b)) {
        assert_true(quotient(dcp, x, y) == expected(a / b, x, y));
    }
    assert_true(root(dcp, x) == expected(sqrt(a), x, x));
    assert_int_equal(compared(dcp, x, y), order_of(a, b));
    assert_false(dcp->engaged);
}

static void test_corners(void **state) {
    struct dcp dcp;
    dcp_reset(&dcp);
    for (unsigned i = 0; i < CORNERS; i++) {
        for (unsigned j = 0; j < CORNERS; j++) {
            check_pair(&dcp, corners[i], corners[j]);
        }
    }
}

/* What pico-sdk's m33 test expects of the chip: its tests D26, D81 and D87. */
static void test_nans_of_the_chip(void **state) {
    struct dcp dcp;
    dcp_reset(&dcp);
    assert_true(product(&dcp, 0x7b386a737bf6693d, 0xfff70000000000ec) == 0xffff0000000000ec);
    assert_true(root(&dcp, 0xfc6998b66a2a51de) == 0xfff8000000000000);
    assert_true(root(&dcp, 0x85d55765699fc337) == 0xfff8000000000000);
}

static void test_random_pairs(void **state) {
    struct dcp dcp;
    struct random random;
    dcp_reset(&dcp);
    random_init(&random, 7);
    for (unsigned i = 0; i < PAIRS; i++) {
        uint64_t x, y;
        pair(&random, &x, &y);
        check_pair(&dcp, x, y);
    }
}

/* ---- Single precision and conversions ---- */

static uint64_t widened_nan(uint32_t x) {
    return (uint64_t)(x >> 31) << 63 | EXPONENT | QUIET | (uint64_t)(x & 0x7fffff) << 29;
}

static uint32_t narrowed_nan(uint64_t x) {
    return (uint32_t)(x >> 63) << 31 | 0x7fc00000 | (uint32_t)(x >> 29 & 0x7fffff);
}

static void check_float(struct dcp *dcp, uint32_t x, uint32_t y) {
    float a = float_of(x & 0x7f800000 ? x : x & 0x80000000), b = float_of(y & 0x7f800000 ? y : y & 0x80000000);
    uint64_t both = (uint64_t)y << 32 | x;
    write_pair(dcp, 1, 2, both); /* WXYU */
    ADD0(dcp);
    ADD1(dcp);
    NRDF(dcp);
    assert_int_equal(read_word(dcp, 2, 0), expected_float(a + b, x, y));
    write_pair(dcp, 1, 2, both);
    ADD0(dcp);
    SUB1(dcp);
    NRDF(dcp);
    assert_int_equal(read_word(dcp, 2, 1), expected_float(a - b, x, y));
    write_pair(dcp, 1, 2, both);
    uint64_t high = read_pair(dcp, 1, 1, false); /* RXYH */
    write_pair(dcp, 10, 0, (high >> 32) * (high & 0xffffffff));
    NRDF(dcp);
    if (!(fabsf(a * b) <= 0x1p-126f)) {
        assert_int_equal(read_word(dcp, 2, 2), expected_float(a * b, x, y));
    }
    write_pair(dcp, 1, 2, both);
    NRDD(dcp);
    assert_true(read_pair(dcp, 11, 0, false) == (is_nan_float(x) ? widened_nan(x) : flushed(bits(a)))); /* RDDG */
}

static void test_float(void **state) {
    struct dcp dcp;
    struct random random;
    static const uint32_t special[] = { 0,          0x80000000, 1,          0x007fffff, 0x00800000,
                                        0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x3f800000,
                                        0xbf800001, 0x4b000001, 0x7f800123, 0xffa00001 };
    enum { SPECIAL = sizeof(special) / sizeof(special[0]) };
    dcp_reset(&dcp);
    random_init(&random, 8);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t kind = random_next(&random), value = random_next(&random);
        uint32_t x = (uint32_t)value, y = (uint32_t)(value >> 32);
        if (kind & 3) {
            x = (x & 0x807fffff) | (uint32_t)(110 + (kind >> 8 & 31)) << 23;
            y = (y & 0x807fffff) | (uint32_t)(110 + (kind >> 16 & 31)) << 23;
        }
        check_float(&dcp, kind >> 24 & 7 ? x : special[x % SPECIAL], kind >> 27 & 7 ? y : special[y % SPECIAL]);
    }
}

static uint32_t to_integer(struct dcp *dcp, uint64_t x, bool nearest, bool is_unsigned) {
    write_pair(dcp, 8, 0, x); /* WXDC */
    ADD0(dcp);
    ADD1(dcp);
    if (nearest) {
        NRDC(dcp);
    } else {
        NTDC(dcp);
    }
    return read_word(dcp, 3, is_unsigned); /* RDIC, RDUC */
}

static int64_t clamped(double value, int64_t lowest, int64_t highest) {
    return value <= (double)lowest ? lowest : value >= (double)highest ? highest : (int64_t)value;
}

static void check_integer(struct dcp *dcp, double x) {
    double a = number(flushed(bits(x)));
    assert_int_equal((int32_t)to_integer(dcp, bits(x), false, false), clamped(trunc(a), INT32_MIN, INT32_MAX));
    assert_int_equal(to_integer(dcp, bits(x), false, true), clamped(trunc(a), 0, UINT32_MAX));
    assert_int_equal((int32_t)to_integer(dcp, bits(x), true, false), clamped(nearbyint(a), INT32_MIN, INT32_MAX));
    assert_int_equal(to_integer(dcp, bits(x), true, true), clamped(nearbyint(a), 0, UINT32_MAX));
}

static void test_to_integers(void **state) {
    struct dcp dcp;
    struct random random;
    static const double values[] = { 0.0,      -0.0, 0.5,          -0.5,          1.5,          2.5,      -2.5,
                                     0.999999, 1e9,  2147483647.5, -2147483648.5, 4294967295.5, INFINITY, -INFINITY,
                                     1e300,    -1.0, 0x1p-1074,    -0x1p-60,      0x1p52,       -0x1p52 };
    dcp_reset(&dcp);
    random_init(&random, 9);
    for (unsigned i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        check_integer(&dcp, values[i]);
    }
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t kind = random_next(&random);
        double whole = (double)((int64_t)random_next(&random) >> (30 + (kind & 31)));
        check_integer(&dcp, kind & 64 ? whole / 4 : whole / 1048573);
    }
}

static void test_from_integers(void **state) {
    struct dcp dcp;
    struct random random;
    dcp_reset(&dcp);
    random_init(&random, 10);
    for (unsigned i = 0; i < 200000; i++) {
        uint32_t value =
            i < 4 ? (uint32_t[]){ 0, 1, 0x80000000, 0xffffffff }[i] : (uint32_t)random_next(&random) >> (i & 31);
        for (unsigned is_signed = 0; is_signed < 2; is_signed++) {
            double exact = is_signed ? (double)(int32_t)value : (double)value;
            write_pair(&dcp, 6 + is_signed, 0, (uint64_t)value << 32 | value); /* WXUC, WXIC */
            ADD0(&dcp);
            SUB1(&dcp);
            NRDD(&dcp);
            assert_true(read_pair(&dcp, 3, 0, true) == bits(exact)); /* PDDS: may be read again */
            NRDF(&dcp);
            assert_int_equal(read_word(&dcp, 2, 1), float_bits((float)exact));
        }
    }
}

static void test_double_to_float(void **state) {
    struct dcp dcp;
    struct random random;
    dcp_reset(&dcp);
    random_init(&random, 11);
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t x = any(&random);
        float value = (float)number(flushed(x));
        write_pair(&dcp, 1, 0, x);
        NRDF(&dcp);
        uint32_t result = read_word(&dcp, 2, 5); /* RDFG */
        if (!(fabsf(value) <= 0x1p-126f) || value == 0) {
            assert_int_equal(result, is_nan(x) ? narrowed_nan(x) : expected_float(value, 0, 0));
        }
    }
}

/* ---- State ---- */

/* An interrupt after any instruction that saves, computes something else, restores. */
static void interrupt(struct dcp *dcp) {
    uint32_t engaged;
    assert_true(dcp_mrc(dcp, 0, 1, true, &engaged)); /* PCMP: engaged is N */
    assert_int_equal(engaged >> 31, 1);
    uint64_t xm = read_pair(dcp, 0, 8, true), ym = read_pair(dcp, 0, 9, true);
    uint64_t rest = read_pair(dcp, 0, 10, false);
    sum(dcp, bits(3.25), bits(-1e10), false);
    write_pair(dcp, 0, 0, xm);
    write_pair(dcp, 0, 1, ym);
    write_pair(dcp, 0, 2, rest);
    assert_true(dcp->engaged);
}

static void test_save_and_restore(void **state) {
    struct dcp dcp;
    struct random random;
    dcp_reset(&dcp);
    random_init(&random, 12);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t x, y;
        pair(&random, &x, &y);
        load(&dcp, x, y);
        interrupt(&dcp);
        ADD0(&dcp);
        interrupt(&dcp);
        SUB1(&dcp);
        interrupt(&dcp);
        NRDD(&dcp);
        interrupt(&dcp);
        assert_true(read_pair(&dcp, 3, 0, false) == expected(number(flushed(x)) - number(flushed(y)), x, y));
    }
}

static void test_classification(void **state) {
    struct dcp dcp;
    static const struct {
        double value;
        uint32_t flags;
    } cases[] = { { 1.0, 0 },      { -1.0, 8 },       { 0.0, 4 },      { -0.0, 12 },
                  { INFINITY, 2 }, { -INFINITY, 10 }, { 0x1p-1074, 4 } };
    dcp_reset(&dcp);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_pair(&dcp, 1, 0, bits(cases[i].value));
        assert_int_equal(read_word(&dcp, 0, 0) >> 28, cases[i].flags); /* RXVD */
    }
    write_pair(&dcp, 1, 0, UINT64_C(0x7ff0000000000001));
    assert_int_equal(read_word(&dcp, 0, 0) >> 28, 1);
}

/* First approximations: close, and below 1.0 with 31 places. */
static void test_approximations(void **state) {
    struct dcp dcp;
    struct random random;
    dcp_reset(&dcp);
    random_init(&random, 13);
    for (unsigned i = 0; i < 100000; i++) {
        double y = 1.0 + (double)(random_next(&random) >> 12) * 0x1p-52, x = i & 1 ? y : 2 * y;
        y = i < 2 ? 1.0 : y;
        load(&dcp, bits(x), bits(y));
        uint64_t both = read_pair(&dcp, 2, 1, false); /* RYMR */
        assert_true(fabs((double)(uint32_t)both * 0x1p-31 * y - 1) < 0x1p-8);
        assert_true((uint32_t)both < 0x80000000 && both >> 32 == (uint64_t)(y * 0x1p31));
        SQR0(&dcp);
        both = read_pair(&dcp, 4, 1, false); /* RXMQ */
        assert_true(fabs((double)(uint32_t)both * 0x1p-31 * sqrt(x) - 1) < 0x1.1p-8);
        assert_true((uint32_t)both < 0x80000000 && both >> 32 == (uint64_t)(x * 0x1p30));
    }
}

/* Whatever is executed, nothing trips the host; what is no instruction is refused. */
static void test_any_instruction(void **state) {
    struct dcp dcp;
    struct random random;
    unsigned refused = 0;
    dcp_reset(&dcp);
    random_init(&random, 14);
    for (unsigned i = 0; i < 500000; i++) {
        uint64_t r = random_next(&random);
        uint32_t low = (uint32_t)random_next(&random), high = (uint32_t)random_next(&random);
        unsigned opc1 = r >> 8 & 15, crm = r >> 12 & 15, opc2 = r >> 16 & 7;
        switch (r & 3) {
        case 0:
            refused += !dcp_cdp(&dcp, opc1, crm, opc2);
            break;
        case 1:
            refused += !dcp_mcrr(&dcp, opc1, crm, low, high);
            break;
        case 2:
            refused += !dcp_mrrc(&dcp, opc1, crm, r & 4, &low, &high);
            break;
        default:
            refused += !dcp_mrc(&dcp, crm, opc2, r & 4, &low);
        }
    }
    assert_true(refused > 100000);
    assert_true(dcp_cdp(&dcp, 0, 0, 0)); /* INIT */
    assert_false(dcp_cdp(&dcp, 3, 1, 0));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corners),         cmocka_unit_test(test_nans_of_the_chip),
        cmocka_unit_test(test_random_pairs),    cmocka_unit_test(test_float),
        cmocka_unit_test(test_to_integers),     cmocka_unit_test(test_from_integers),
        cmocka_unit_test(test_double_to_float), cmocka_unit_test(test_save_and_restore),
        cmocka_unit_test(test_classification),  cmocka_unit_test(test_approximations),
        cmocka_unit_test(test_any_instruction),
    };
    return cmocka_run_group_tests_name("dcp", tests, NULL, NULL);
}
