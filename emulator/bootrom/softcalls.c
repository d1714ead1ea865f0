/* The tables of float and double routines: registers to arguments, results to registers (datasheet 2.8.3.2), and what
 * a call costs. The cycles are averages over random arguments of ordinary size, counted in the ROM's instructions. */
#include "emulator/bootrom/softfloat.h"

/* In the order of the tables. */
enum routine {
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    COMPARE_FAST,
    COMPARE_FAST_FLAGS,
    SQUARE_ROOT,
    TO_INT,
    TO_FIX,
    TO_UINT,
    TO_UFIX,
    FROM_INT,
    FROM_FIX,
    FROM_UINT,
    FROM_UFIX,
    COSINE,
    SINE,
    TANGENT,
    SINE_COSINE,
    EXPONENTIAL,
    LOGARITHM,
    COMPARE,
    ARC_TANGENT,
    FROM_INT64,
    FROM_FIX64,
    FROM_UINT64,
    FROM_UFIX64,
    TO_INT64,
    TO_FIX64,
    TO_UINT64,
    TO_UFIX64,
    TO_OTHER, /* float2double, double2float */
    ROUTINES
};

static const uint16_t float_cycles[ROUTINES] = { [ADD] = 73,          [SUBTRACT] = 76,     [MULTIPLY] = 58,
                                                 [DIVIDE] = 74,       [COMPARE_FAST] = 14, [COMPARE_FAST_FLAGS] = 13,
                                                 [SQUARE_ROOT] = 63,  [TO_INT] = 40,       [TO_FIX] = 39,
                                                 [TO_UINT] = 39,      [TO_UFIX] = 38,      [FROM_INT] = 109,
                                                 [FROM_FIX] = 105,    [FROM_UINT] = 111,   [FROM_UFIX] = 111,
                                                 [COSINE] = 586,      [SINE] = 576,        [TANGENT] = 656,
                                                 [SINE_COSINE] = 577, [EXPONENTIAL] = 525, [LOGARITHM] = 800,
                                                 [COMPARE] = 26,      [ARC_TANGENT] = 667, [FROM_INT64] = 110,
                                                 [FROM_FIX64] = 106,  [FROM_UINT64] = 110, [FROM_UFIX64] = 112,
                                                 [TO_INT64] = 54,     [TO_FIX64] = 53,     [TO_UINT64] = 42,
                                                 [TO_UFIX64] = 41,    [TO_OTHER] = 15 };
static const uint16_t double_cycles[ROUTINES] = { [ADD] = 92,           [SUBTRACT] = 95,      [MULTIPLY] = 155,
                                                  [DIVIDE] = 186,       [COMPARE_FAST] = 27,  [COMPARE_FAST_FLAGS] = 27,
                                                  [SQUARE_ROOT] = 169,  [TO_INT] = 74,        [TO_FIX] = 74,
                                                  [TO_UINT] = 63,       [TO_UFIX] = 62,       [FROM_INT] = 80,
                                                  [FROM_FIX] = 76,      [FROM_UINT] = 77,     [FROM_UFIX] = 77,
                                                  [COSINE] = 1619,      [SINE] = 1619,        [TANGENT] = 1892,
                                                  [SINE_COSINE] = 1721, [EXPONENTIAL] = 805,  [LOGARITHM] = 895,
                                                  [COMPARE] = 39,       [ARC_TANGENT] = 2172, [FROM_INT64] = 86,
                                                  [FROM_FIX64] = 85,    [FROM_UINT64] = 81,   [FROM_UFIX64] = 85,
                                                  [TO_INT64] = 64,      [TO_FIX64] = 64,      [TO_UINT64] = 53,
                                                  [TO_UFIX64] = 52,     [TO_OTHER] = 23 };

#define FLOAT_SIGN 0x80000000u
#define DOUBLE_SIGN UINT64_C(0x8000000000000000)

static uint64_t pair(const uint32_t *r) {
    return r[0] | (uint64_t)r[1] << 32;
}

static void set_pair(uint32_t *r, uint64_t value) {
    r[0] = (uint32_t)value;
    r[1] = (uint32_t)(value >> 32);
}

/* ---- Float: x in r0, y or places in r1; 64-bit integers in r0 and r1, places in r2 ---- */

static uint32_t float_value(unsigned index, const uint32_t r[4]) {
    int32_t places = (int32_t)r[1];
    switch (index) {
    case ADD:
        return float_add(r[0], r[1]);
    case SUBTRACT:
        return float_add(r[0], r[1] ^ FLOAT_SIGN);
    case MULTIPLY:
        return float_multiply(r[0], r[1]);
    case DIVIDE:
        return float_divide(r[0], r[1]);
    case COMPARE_FAST:
    case COMPARE_FAST_FLAGS:
        return (uint32_t)float_compare_fast(r[0], r[1]);
    case COMPARE:
        return (uint32_t)float_compare(r[0], r[1]);
    case SQUARE_ROOT:
        return float_square_root(r[0]);
    case TO_INT:
        return (uint32_t)float_to_fix(r[0], 0);
    case TO_FIX:
        return (uint32_t)float_to_fix(r[0], places);
    case TO_UINT:
        return float_to_ufix(r[0], 0);
    case TO_UFIX:
        return float_to_ufix(r[0], places);
    case FROM_INT:
        return float_from_fix64((int32_t)r[0], 0);
    case FROM_FIX:
        return float_from_fix64((int32_t)r[0], places);
    case FROM_UINT:
        return float_from_ufix64(r[0], 0);
    case FROM_UFIX:
        return float_from_ufix64(r[0], places);
    case FROM_INT64:
        return float_from_fix64((int64_t)pair(r), 0);
    case FROM_FIX64:
        return float_from_fix64((int64_t)pair(r), (int32_t)r[2]);
    case FROM_UINT64:
        return float_from_ufix64(pair(r), 0);
    case FROM_UFIX64:
        return float_from_ufix64(pair(r), (int32_t)r[2]);
    case EXPONENTIAL:
        return float_exponential(r[0]);
    case LOGARITHM:
        return float_logarithm(r[0]);
    default: /* ARC_TANGENT */
        return float_arc_tangent(r[0], r[1]);
    }
}

static void float_angle(unsigned index, uint32_t r[4]) {
    uint32_t sine, cosine;
    float_sine_cosine(r[0], &sine, &cosine);
    r[1] = cosine;
    r[0] = index == COSINE ? cosine : index == TANGENT ? float_divide(sine, cosine) : sine;
}

uint32_t softfloat_call(unsigned index, uint32_t r[4]) {
    int32_t places = (int32_t)r[1];
    switch (index) {
    case COSINE:
    case SINE:
    case TANGENT:
    case SINE_COSINE:
        float_angle(index, r);
        break;
    case TO_INT64:
        set_pair(r, (uint64_t)float_to_fix64(r[0], 0));
        break;
    case TO_FIX64:
        set_pair(r, (uint64_t)float_to_fix64(r[0], places));
        break;
    case TO_UINT64:
        set_pair(r, float_to_ufix64(r[0], 0));
        break;
    case TO_UFIX64:
        set_pair(r, float_to_ufix64(r[0], places));
        break;
    case TO_OTHER:
        set_pair(r, float_to_double(r[0]));
        break;
    case SOFTFLOAT_V1_FLOAT2INT:
    case SOFTFLOAT_V1_FLOAT2FIX:
        index = index == SOFTFLOAT_V1_FLOAT2INT ? TO_INT : TO_FIX;
        r[0] = r[0] & FLOAT_SIGN && !(r[0] >> 23 & 0xff) ? 0xffffffffu : float_value(index, r);
        break;
    default:
        if (index >= ROUTINES) {
            return 0;
        }
        r[0] = float_value(index, r);
        break;
    }
    return float_cycles[index];
}

/* ---- Double: x in r0 and r1, y in r2 and r3, places in r2; 32-bit integers in r0, places in r1 ---- */

static uint64_t double_value(unsigned index, const uint32_t r[4]) {
    uint64_t x = pair(r), y = pair(r + 2);
    int32_t places = (int32_t)r[2];
    switch (index) {
    case ADD:
        return double_add(x, y);
    case SUBTRACT:
        return double_add(x, y ^ DOUBLE_SIGN);
    case MULTIPLY:
        return double_multiply(x, y);
    case DIVIDE:
        return double_divide(x, y);
    case SQUARE_ROOT:
        return double_square_root(x);
    case FROM_INT:
        return double_from_fix64((int32_t)r[0], 0);
    case FROM_FIX:
        return double_from_fix64((int32_t)r[0], (int32_t)r[1]);
    case FROM_UINT:
        return double_from_ufix64(r[0], 0);
    case FROM_UFIX:
        return double_from_ufix64(r[0], (int32_t)r[1]);
    case FROM_INT64:
        return double_from_fix64((int64_t)x, 0);
    case FROM_FIX64:
        return double_from_fix64((int64_t)x, places);
    case FROM_UINT64:
        return double_from_ufix64(x, 0);
    case FROM_UFIX64:
        return double_from_ufix64(x, places);
    case TO_INT64:
        return (uint64_t)double_to_fix64(x, 0);
    case TO_FIX64:
        return (uint64_t)double_to_fix64(x, places);
    case TO_UINT64:
        return double_to_ufix64(x, 0);
    case TO_UFIX64:
        return double_to_ufix64(x, places);
    case EXPONENTIAL:
        return double_exponential(x);
    case LOGARITHM:
        return double_logarithm(x);
    default: /* ARC_TANGENT */
        return double_arc_tangent(x, y);
    }
}

static void double_angle(unsigned index, uint32_t r[4]) {
    uint64_t sine, cosine;
    double_sine_cosine(pair(r), &sine, &cosine);
    if (index == SINE_COSINE) {
        set_pair(r + 2, cosine);
    }
    set_pair(r, index == COSINE ? cosine : index == TANGENT ? double_divide(sine, cosine) : sine);
}

/* The upper half of a conversion with 32 places more clamps and rounds as one to 32 bits. */
static uint32_t double_to_word(unsigned index, const uint32_t r[4]) {
    int32_t places = (int32_t)((index == TO_FIX || index == TO_UFIX ? r[2] : 0) + 32u);
    if (index == TO_INT || index == TO_FIX) {
        return (uint32_t)(double_to_fix64(pair(r), places) >> 32);
    }
    return (uint32_t)(double_to_ufix64(pair(r), places) >> 32);
}

uint32_t softdouble_call(unsigned index, uint32_t r[4]) {
    switch (index) {
    case COSINE:
    case SINE:
    case TANGENT:
    case SINE_COSINE:
        double_angle(index, r);
        break;
    case COMPARE_FAST:
    case COMPARE_FAST_FLAGS:
        r[0] = (uint32_t)double_compare_fast(pair(r), pair(r + 2));
        break;
    case COMPARE:
        r[0] = (uint32_t)double_compare(pair(r), pair(r + 2));
        break;
    case TO_INT:
    case TO_FIX:
    case TO_UINT:
    case TO_UFIX:
        r[0] = double_to_word(index, r);
        break;
    case TO_OTHER:
        r[0] = double_to_float(pair(r));
        break;
    default:
        if (index >= ROUTINES) {
            return 0;
        }
        set_pair(r, double_value(index, r));
        break;
    }
    return double_cycles[index];
}
