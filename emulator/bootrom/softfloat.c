/* Single precision of the RP2040's boot ROM. Sums, products, quotients and roots are the host's IEEE 754 operations on
 * flushed operands, which the ROM's agree with bit for bit, but for the cases written out here:
 * inf - inf = +inf, 0 * inf = inf, 0 / 0 = inf / inf = inf (sign of the quotient), sqrt(x < 0) = -inf; a quotient that
 * lies exactly half an ulp below the smallest normal number is 0. */
#include "emulator/bootrom/softfloat.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define SIGN 0x80000000u
#define INFINITE 0x7f800000u
#define MANTISSA 0x007fffffu
#define IMPLIED 0x00800000u
#define SMALLEST 0x00800000u
#define BIAS 127
/* Exponents that stand for zero and infinity where the ROM computes on with them. */
#define EXPONENT_ZERO (-380)
#define EXPONENT_INFINITE 640

static float number(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint32_t bits(float value) {
    uint32_t result;
    memcpy(&result, &value, sizeof(result));
    return result;
}

static uint32_t exponent_of(uint32_t x) {
    return x >> 23 & 0xff;
}

static bool is_zero(uint32_t x) {
    return exponent_of(x) == 0;
}

static bool is_infinite(uint32_t x) {
    return exponent_of(x) == 0xff;
}

/* Denormals to zero, NaN to infinity. */
static uint32_t flush(uint32_t x) {
    return is_zero(x) || is_infinite(x) ? x & (SIGN | INFINITE) : x;
}

uint32_t float_add(uint32_t x, uint32_t y) {
    x = flush(x);
    y = flush(y);
    if (is_infinite(x) && is_infinite(y) && x != y) {
        return INFINITE;
    }
    return flush(bits(number(x) + number(y)));
}

uint32_t float_multiply(uint32_t x, uint32_t y) {
    x = flush(x);
    y = flush(y);
    if (is_infinite(x) || is_infinite(y)) {
        return INFINITE | ((x ^ y) & SIGN);
    }
    return flush(bits(number(x) * number(y)));
}

uint32_t float_divide(uint32_t x, uint32_t y) {
    x = flush(x);
    y = flush(y);
    uint32_t sign = (x ^ y) & SIGN;
    if (is_zero(y) || is_infinite(x)) {
        return INFINITE | sign;
    }
    uint32_t result = flush(bits(number(x) / number(y)));
    bool tie = (x & MANTISSA) == MANTISSA && !(y & MANTISSA);
    return (result & ~SIGN) == SMALLEST && tie ? sign : result;
}

uint32_t float_square_root(uint32_t x) {
    x = flush(x);
    if (is_zero(x)) {
        return x;
    }
    return x & SIGN ? INFINITE | SIGN : bits(sqrtf(number(x)));
}

int float_compare_fast(uint32_t x, uint32_t y) {
    if (!((x | y) & ~SIGN)) {
        return 0;
    }
    /* Sign and magnitude to two's complement. */
    int64_t a = x & SIGN ? -(int64_t)(x & ~SIGN) - 1 : (int64_t)x;
    int64_t b = y & SIGN ? -(int64_t)(y & ~SIGN) - 1 : (int64_t)y;
    return (a > b) - (a < b);
}

int float_compare(uint32_t x, uint32_t y) {
    return float_compare_fast(flush(x), flush(y));
}

/* ---- To fixed point ---- */

/* A positive mantissa of 24 bits, and the exponent of its leading bit. */
static int32_t unpack(uint32_t x, uint32_t *ret_mantissa) {
    *ret_mantissa = IMPLIED;
    if (is_zero(x)) {
        return EXPONENT_ZERO;
    }
    if (is_infinite(x)) {
        return EXPONENT_INFINITE;
    }
    *ret_mantissa = (x & MANTISSA) | IMPLIED;
    return (int32_t)exponent_of(x) - BIAS;
}

/* Mantissa times 2 to `shift`, towards minus infinity; too much to the right leaves the sign. */
static int64_t scale(int64_t mantissa, int32_t shift) {
    if (shift >= 0) {
        return mantissa * (INT64_C(1) << shift);
    }
    return mantissa >> (shift > -63 ? -shift : 63);
}

/* `places` wraps with the exponent, as on the chip. */
static int32_t shift_for(int32_t exponent, int32_t places, int32_t mantissa_bits) {
    return (int32_t)((uint32_t)exponent + (uint32_t)places - (uint32_t)mantissa_bits);
}

int32_t float_to_fix(uint32_t x, int32_t places) {
    uint32_t mantissa;
    int32_t shift = shift_for(unpack(x, &mantissa), places, 23);
    if (is_zero(x)) {
        return 0;
    }
    if (shift > 7) {
        return x & SIGN ? INT32_MIN : INT32_MAX;
    }
    return (int32_t)scale(x & SIGN ? -(int64_t)mantissa : (int64_t)mantissa, shift);
}

uint32_t float_to_ufix(uint32_t x, int32_t places) {
    uint32_t mantissa;
    int32_t shift = shift_for(unpack(x, &mantissa), places, 23);
    if (x & SIGN) {
        return 0;
    }
    return shift > 8 ? UINT32_MAX : (uint32_t)scale(mantissa, shift);
}

int64_t float_to_fix64(uint32_t x, int32_t places) {
    return double_to_fix64(float_to_double(x), places);
}

uint64_t float_to_ufix64(uint32_t x, int32_t places) {
    return double_to_ufix64(float_to_double(x), places);
}

/* ---- From fixed point ---- */

/* value * 2^-places, rounded; what would be a denormal is +0. */
static uint32_t pack(uint32_t sign, uint64_t value, int32_t places) {
    if (!value) {
        return 0;
    }
    int up = __builtin_clzll(value);
    value <<= up;
    int64_t exponent = 63 - up - (int64_t)places + BIAS;
    if (exponent > 254) {
        return sign | INFINITE;
    }
    if (exponent < 0) {
        return 0;
    }
    /* Below the smallest normal number there is one bit less to round to. */
    unsigned drop = exponent ? 40 : 41;
    uint64_t rest = value << (64 - drop), half = UINT64_C(1) << 63;
    uint32_t mantissa = (uint32_t)(value >> drop);
    mantissa += rest > half || (rest == half && mantissa & 1);
    if (!exponent) {
        return mantissa == SMALLEST ? sign | SMALLEST : 0;
    }
    return sign | (((uint32_t)exponent << 23) + (mantissa - IMPLIED));
}

uint32_t float_from_fix64(int64_t value, int32_t places) {
    return value < 0 ? pack(SIGN, 0 - (uint64_t)value, places) : pack(0, (uint64_t)value, places);
}

uint32_t float_from_ufix64(uint64_t value, int32_t places) {
    return pack(0, value, places);
}

uint64_t float_to_double(uint32_t x) {
    x = flush(x);
    double value = number(x);
    uint64_t result;
    memcpy(&result, &value, sizeof(result));
    return result;
}
