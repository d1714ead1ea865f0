/* Double precision of the RP2040's boot ROM: as softfloat.c. Conversions from fixed point decide on underflow before
 * they round. */
#include "emulator/bootrom/softfloat.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define SIGN UINT64_C(0x8000000000000000)
#define INFINITE UINT64_C(0x7ff0000000000000)
#define MANTISSA UINT64_C(0x000fffffffffffff)
#define IMPLIED UINT64_C(0x0010000000000000)
#define SMALLEST UINT64_C(0x0010000000000000)
#define BIAS 1023
#define EXPONENT_INFINITE 0x77f000

static double number(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint64_t bits(double value) {
    uint64_t result;
    memcpy(&result, &value, sizeof(result));
    return result;
}

static uint32_t exponent_of(uint64_t x) {
    return x >> 52 & 0x7ff;
}

static bool is_zero(uint64_t x) {
    return exponent_of(x) == 0;
}

static bool is_infinite(uint64_t x) {
    return exponent_of(x) == 0x7ff;
}

static uint64_t flush(uint64_t x) {
    return is_zero(x) || is_infinite(x) ? x & (SIGN | INFINITE) : x;
}

uint64_t double_add(uint64_t x, uint64_t y) {
    x = flush(x);
    y = flush(y);
    if (is_infinite(x) && is_infinite(y) && x != y) {
        return INFINITE;
    }
    return flush(bits(number(x) + number(y)));
}

uint64_t double_multiply(uint64_t x, uint64_t y) {
    x = flush(x);
    y = flush(y);
    if (is_infinite(x) || is_infinite(y)) {
        return INFINITE | ((x ^ y) & SIGN);
    }
    return flush(bits(number(x) * number(y)));
}

uint64_t double_divide(uint64_t x, uint64_t y) {
    x = flush(x);
    y = flush(y);
    uint64_t sign = (x ^ y) & SIGN;
    if (is_zero(y) || is_infinite(x)) {
        return INFINITE | sign;
    }
    uint64_t result = flush(bits(number(x) / number(y)));
    bool tie = (x & MANTISSA) == MANTISSA && !(y & MANTISSA);
    return (result & ~SIGN) == SMALLEST && tie ? sign : result;
}

uint64_t double_square_root(uint64_t x) {
    x = flush(x);
    if (is_zero(x)) {
        return x;
    }
    return x & SIGN ? INFINITE | SIGN : bits(sqrt(number(x)));
}

int double_compare_fast(uint64_t x, uint64_t y) {
    if (!((x | y) & ~SIGN)) {
        return 0;
    }
    if ((x ^ y) & SIGN) {
        return x & SIGN ? -1 : 1;
    }
    int order = (x > y) - (x < y);
    return x & SIGN ? -order : order;
}

int double_compare(uint64_t x, uint64_t y) {
    return double_compare_fast(flush(x), flush(y));
}

/* ---- To fixed point ---- */

/* The mantissa's shift to the left for `places`; wraps as on the chip. */
static int32_t shift_for(uint64_t x, int32_t places) {
    int32_t exponent = is_infinite(x) ? EXPONENT_INFINITE : (int32_t)exponent_of(x) - BIAS;
    return (int32_t)((uint32_t)exponent + (uint32_t)places - 52);
}

int64_t double_to_fix64(uint64_t x, int32_t places) {
    if (is_zero(x)) {
        return 0;
    }
    int32_t shift = shift_for(x, places);
    uint64_t mantissa = (x & MANTISSA) | IMPLIED;
    if (shift > 10) {
        return x & SIGN ? INT64_MIN : INT64_MAX;
    }
    int64_t value = x & SIGN ? -(int64_t)mantissa : (int64_t)mantissa;
    if (shift >= 0) {
        return value * (INT64_C(1) << shift);
    }
    return value >> (shift > -63 ? -shift : 63);
}

uint64_t double_to_ufix64(uint64_t x, int32_t places) {
    if (x & SIGN || is_zero(x)) {
        return 0;
    }
    int32_t shift = shift_for(x, places);
    uint64_t mantissa = (x & MANTISSA) | IMPLIED;
    if (shift > 11) {
        return UINT64_MAX;
    }
    return shift >= 0 ? mantissa << shift : mantissa >> (shift > -63 ? -shift : 63);
}

/* ---- From fixed point ---- */

static uint64_t pack(uint64_t sign, uint64_t value, int32_t places) {
    if (!value) {
        return 0;
    }
    int up = __builtin_clzll(value);
    value <<= up;
    int64_t exponent = 63 - up - (int64_t)places + BIAS;
    if (exponent > 2046) {
        return sign | INFINITE;
    }
    if (exponent < 1) {
        return sign;
    }
    uint64_t rest = value << 53, half = UINT64_C(1) << 63;
    uint64_t mantissa = value >> 11;
    mantissa += rest > half || (rest == half && mantissa & 1);
    return sign | (((uint64_t)exponent << 52) + (mantissa - IMPLIED));
}

uint64_t double_from_fix64(int64_t value, int32_t places) {
    return value < 0 ? pack(SIGN, 0 - (uint64_t)value, places) : pack(0, (uint64_t)value, places);
}

uint64_t double_from_ufix64(uint64_t value, int32_t places) {
    return pack(0, value, places);
}

uint32_t double_to_float(uint64_t x) {
    float value = (float)number(flush(x));
    uint32_t result;
    memcpy(&result, &value, sizeof(result));
    bool denormal = !(result & 0x7f800000u);
    return denormal ? result & 0x80000000u : result;
}
