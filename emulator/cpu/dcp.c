/* The RP2350's double-precision coprocessor (datasheet 3.6.2.3 to 3.6.2.6; encodings as in pico-sdk's macros).
 *
 * The datasheet tells what each instruction is for; formats between the instructions follow from the arithmetic that
 * the documented sequences do on the core: mantissas with 62 bits after the point (1.0 to 2.0, after SQR0 to 4.0), a
 * product with 60, a double's quotient with 57 and root with 60, a float's with 61. Decided where it is silent:
 *  - Denormal operands count as zero, denormal results become zero; sums round to nearest, ties to even.
 *  - A NaN operand is the result, X's before Y's: its sign and payload, made quiet. inf - inf, 0 * inf, 0 / 0,
 *    inf / inf and roots of negative numbers give 0xfff8000000000000 or 0xffc00000. pico-sdk's m33 test states this
 *    of a product, with Y's NaN, and of roots; that X comes first and that a difference keeps the sign of Y's NaN is
 *    what x86 hosts do. So nothing is written over the mantissa of a NaN in X, nor is it rounded.
 *  - Conversions to integers clamp; NaN counts as the infinity of its sign.
 *  - The approximations of RYMR and RXMQ are good to 16 bits, the chip's to about 8: results of the sequences that
 *    round correctly are the same, the last bit of the "fast" ones may differ.
 *  - The layout of the exponent word pair (REFD, WEFD): flags in bits 31 to 28, exponent in bits 13 to 0; the status
 *    in bits 22 to 14 of the first word. RXVD gives version 0.
 *  - PCMP shows the engaged flag as N, which is what the library's prologues test; REFD and RYMD clear it. */
#include "emulator/cpu/dcp.h"

#include <string.h>

#define ONE (UINT64_C(1) << 62)
#define BIAS 1023
#define EXPONENT_MASK 0x3fff
#define INFINITE_EXPONENT 2047
/* 2^52 + 2^32: adding it brings an integer's lowest bit to bit 10. */
#define INTEGER_EXPONENT (BIAS + 52)
#define INTEGER_MANTISSA (ONE | UINT64_C(1) << 42)
#define INTEGER_LSB 10
#define DOUBLE_LSB 10
#define FLOAT_LSB 39
#define VERSION 0
#define LARGEST_ROOT_ESTIMATE 0x7f800000u

void dcp_reset(struct dcp *dcp) {
    *dcp = (struct dcp){ 0 };
}

static int32_t sign_extend(uint32_t exponent) {
    return (int32_t)(exponent << 18) >> 18;
}

/* ---- Unpack ---- */

static struct dcp_number unpack(bool negative, int32_t exponent, uint64_t fraction, int32_t highest) {
    struct dcp_number number = { ONE | fraction, exponent, negative ? DCP_NEGATIVE : 0 };
    if (exponent == 0) {
        number.flags |= DCP_ZERO;
        number.mantissa = 0;
    } else if (exponent == highest) {
        number.flags |= fraction ? DCP_NAN : DCP_INFINITE;
        number.exponent = INFINITE_EXPONENT;
    }
    return number;
}

static struct dcp_number unpack_double(uint32_t low, uint32_t high) {
    uint64_t fraction = ((uint64_t)(high & 0xfffff) << 32 | low) << 10;
    return unpack(high >> 31, high >> 20 & 0x7ff, fraction, INFINITE_EXPONENT);
}

static struct dcp_number unpack_float(uint32_t bits) {
    struct dcp_number number = unpack(bits >> 31, bits >> 23 & 0xff, (uint64_t)(bits & 0x7fffff) << FLOAT_LSB, 255);
    if (!(number.flags & (DCP_ZERO | DCP_INFINITE | DCP_NAN))) {
        number.exponent += BIAS - 127;
    }
    return number;
}

/* 2^52 + 2^32 + value. */
static struct dcp_number offset_integer(int64_t value) {
    return (struct dcp_number){ INTEGER_MANTISSA + ((uint64_t)value << INTEGER_LSB), INTEGER_EXPONENT, 0 };
}

/* ---- CDP ---- */

/* Magnitudes; a zero is below everything, infinity has the highest exponent. */
static int compare_magnitudes(const struct dcp_number *x, const struct dcp_number *y) {
    if (x->exponent != y->exponent) {
        return x->exponent < y->exponent ? -1 : 1;
    }
    return (x->mantissa > y->mantissa) - (x->mantissa < y->mantissa);
}

static void compare(struct dcp *dcp) {
    int32_t distance = dcp->x.exponent - dcp->y.exponent;
    dcp->order = (int8_t)compare_magnitudes(&dcp->x, &dcp->y);
    distance = distance < 0 ? -distance : distance;
    dcp->shift = (uint8_t)(distance < 63 ? distance : 63);
}

/* To the right; what falls off leaves a trace in the lowest bit. */
static uint64_t shift_sticky(uint64_t value, unsigned shift) {
    if (!shift) {
        return value;
    }
    return value >> shift | ((value << (64 - shift)) != 0);
}

/* X := X + Y or X - Y, with the larger one's exponent; a difference of equals is +0. */
static void add(struct dcp *dcp, bool subtract) {
    if (dcp->x.flags & DCP_NAN) {
        return;
    }
    bool x_negative = dcp->x.flags & DCP_NEGATIVE;
    bool y_negative = !(dcp->y.flags & DCP_NEGATIVE) == subtract;
    bool x_larger = dcp->order >= 0;
    const struct dcp_number *large = x_larger ? &dcp->x : &dcp->y, *small = x_larger ? &dcp->y : &dcp->x;
    uint64_t aligned = shift_sticky(small->mantissa, dcp->shift);
    bool negative = x_larger ? x_negative : y_negative;
    bool differ = x_negative != y_negative;
    uint64_t sum = differ ? large->mantissa - aligned : large->mantissa + aligned;
    dcp->x.exponent = large->exponent;
    dcp->x.mantissa = sum;
    if (!sum && differ) {
        negative = false;
    }
    dcp->x.flags = (uint8_t)((dcp->x.flags & ~DCP_NEGATIVE) | (negative ? DCP_NEGATIVE : 0));
}

/* An even exponent, halved; the mantissa is below 4 then. */
static void prepare_root(struct dcp *dcp) {
    int32_t exponent = dcp->x.exponent - BIAS;
    if (exponent & 1) {
        dcp->x.mantissa <<= 1;
    }
    dcp->x.exponent = (exponent >> 1) + BIAS;
}

static void normalise(struct dcp_number *x) {
    if (!x->mantissa) {
        return;
    }
    int up = __builtin_clzll(x->mantissa) - 1;
    x->mantissa = up < 0 ? shift_sticky(x->mantissa, 1) : x->mantissa << up;
    x->exponent -= up;
}

/* To nearest at bit `lsb`, ties to even; a carry goes into the exponent. */
static void round_at(struct dcp_number *x, unsigned lsb) {
    uint64_t unit = UINT64_C(1) << lsb, half = unit >> 1, rest = x->mantissa & (unit - 1);
    x->mantissa &= ~(unit - 1);
    if (rest > half || (rest == half && x->mantissa & unit)) {
        x->mantissa += unit;
    }
    if (x->mantissa >> 63) {
        x->mantissa >>= 1;
        x->exponent++;
    }
}

static void normalise_and_round(struct dcp *dcp, unsigned lsb) {
    normalise(&dcp->x);
    if (!(dcp->x.flags & DCP_NAN)) {
        round_at(&dcp->x, lsb);
    }
}

/* X is 2^52 + 2^32 + the number: make that number whole, towards zero or to nearest. */
static void make_integer(struct dcp *dcp, bool nearest) {
    struct dcp_number *x = &dcp->x;
    normalise(x);
    if (x->exponent != INTEGER_EXPONENT || x->flags & DCP_NEGATIVE) {
        return; /* too large in any case */
    }
    int64_t value = (int64_t)(x->mantissa - INTEGER_MANTISSA);
    uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t unit = UINT64_C(1) << INTEGER_LSB, rest = magnitude & (unit - 1);
    magnitude -= rest;
    if (nearest && (rest > unit / 2 || (rest == unit / 2 && magnitude & unit))) {
        magnitude += unit;
    }
    x->mantissa = INTEGER_MANTISSA + (value < 0 ? 0 - magnitude : magnitude);
}

bool dcp_cdp(struct dcp *dcp, unsigned opc1, unsigned crm, unsigned opc2) {
    enum { INIT = 0x000, ADD0 = 0x010, ADD1 = 0x110, SUB1 = 0x111, SQR0 = 0x210 };
    enum { NORM = 0x820, NRDF = 0x821, NRDD = 0x801, NTDC = 0x802, NRDC = 0x803 };
    switch (opc1 << 8 | crm << 4 | opc2) {
    case INIT:
        dcp_reset(dcp);
        return true;
    case ADD0:
        compare(dcp);
        break;
    case ADD1:
        add(dcp, false);
        break;
    case SUB1:
        add(dcp, true);
        break;
    case SQR0:
        prepare_root(dcp);
        break;
    case NORM:
        normalise(&dcp->x);
        break;
    case NRDF:
        normalise_and_round(dcp, FLOAT_LSB);
        break;
    case NRDD:
        normalise_and_round(dcp, DOUBLE_LSB);
        break;
    case NTDC:
    case NRDC:
        make_integer(dcp, opc2 == 3);
        break;
    default:
        return false;
    }
    dcp->engaged = true;
    return true;
}

/* ---- MCRR ---- */

/* A mantissa computed by the core with `places` after the point, of the product or quotient of X and Y. */
static void write_combined(struct dcp *dcp, uint64_t mantissa, int places, bool quotient) {
    int32_t y = dcp->y.exponent - BIAS;
    dcp->x.mantissa = mantissa;
    dcp->x.exponent = dcp->x.exponent + (quotient ? -y : y) + 62 - places;
    dcp->x.flags ^= dcp->y.flags & DCP_NEGATIVE;
}

static void write_root(struct dcp *dcp, uint64_t mantissa, int places) {
    dcp->x.mantissa = mantissa;
    dcp->x.exponent += 62 - places;
}

static void write_exponents(struct dcp *dcp, uint32_t low, uint32_t high) {
    dcp->x.exponent = sign_extend(low & EXPONENT_MASK);
    dcp->x.flags = (uint8_t)(low >> 28);
    dcp->y.exponent = sign_extend(high & EXPONENT_MASK);
    dcp->y.flags = (uint8_t)(high >> 28);
    dcp->shift = low >> 14 & 0x3f;
    dcp->order = (int8_t)((low >> 20 & 3) - 1);
}

static bool write_converted(struct dcp *dcp, unsigned operation, uint32_t low, uint32_t high) {
    dcp->y = offset_integer(0);
    switch (operation) {
    case 0x60: /* WXUC */
        dcp->x = offset_integer(low);
        return true;
    case 0x70: /* WXIC */
        dcp->x = offset_integer((int32_t)low);
        return true;
    case 0x80: /* WXDC */
        dcp->x = unpack_double(low, high);
        return true;
    default: /* WXFC */
        dcp->x = unpack_float(low);
        return true;
    }
}

/* The direct and unpacking writes. */
static bool write_operand(struct dcp *dcp, unsigned operation, uint32_t low, uint32_t high) {
    uint64_t data = (uint64_t)high << 32 | low;
    switch (operation) {
    case 0x00: /* WXMD */
        dcp->x.mantissa = data;
        return true;
    case 0x01: /* WYMD */
        dcp->y.mantissa = data;
        return true;
    case 0x10: /* WXUP */
        dcp->x = unpack_double(low, high);
        return true;
    case 0x11: /* WYUP */
        dcp->y = unpack_double(low, high);
        return true;
    case 0x12: /* WXYU */
        dcp->x = unpack_float(low);
        dcp->y = unpack_float(high);
        return true;
    case 0x60:
    case 0x70:
    case 0x80:
    case 0x92:
        return write_converted(dcp, operation, low, high);
    default:
        return false;
    }
}

static bool is_result_write(unsigned operation) {
    static const uint8_t operations[] = { 0x20, 0x30, 0xa0, 0x40, 0xb0, 0x50, 0xc0 };
    return memchr(operations, (int)operation, sizeof(operations)) != NULL;
}

static bool write_result(struct dcp *dcp, unsigned operation, uint64_t data) {
    if (dcp->x.flags & DCP_NAN) {
        return is_result_write(operation);
    }
    switch (operation) {
    case 0x20: /* WXMS */
        dcp->x.mantissa = data != 0;
        return true;
    case 0x30: /* WXMO */
        write_combined(dcp, data | (dcp->x.mantissa & 1), 60, false);
        return true;
    case 0xa0: /* WXFM */
        write_combined(dcp, data, 60, false);
        return true;
    case 0x40: /* WXDD */
        write_combined(dcp, data, 57, true);
        return true;
    case 0xb0: /* WXFD */
        write_combined(dcp, data, 61, true);
        return true;
    case 0x50: /* WXDQ */
        write_root(dcp, data, 60);
        return true;
    case 0xc0: /* WXFQ */
        write_root(dcp, data, 61);
        return true;
    default:
        return false;
    }
}

bool dcp_mcrr(struct dcp *dcp, unsigned opc1, unsigned crm, uint32_t low, uint32_t high) {
    unsigned operation = opc1 << 4 | crm;
    if (operation == 0x02) { /* WEFD, with the engaged flag */
        write_exponents(dcp, low, high);
        dcp->engaged = low >> 22 & 1;
        return true;
    }
    if (!write_operand(dcp, operation, low, high) && !write_result(dcp, operation, (uint64_t)high << 32 | low)) {
        return false;
    }
    dcp->engaged = true;
    return true;
}

/* ---- Results ---- */

enum result { OF_SUM, OF_PRODUCT, OF_QUOTIENT, OF_ROOT, OF_NUMBER };

static bool is_nan(const struct dcp *dcp, enum result result) {
    unsigned x = dcp->x.flags, y = dcp->y.flags;
    switch (result) {
    case OF_SUM:
        return (x | y) & DCP_NAN || (x & y & DCP_INFINITE && !dcp->x.mantissa);
    case OF_PRODUCT:
        return (x | y) & DCP_NAN || (x & DCP_INFINITE && y & DCP_ZERO) || (x & DCP_ZERO && y & DCP_INFINITE);
    case OF_QUOTIENT:
        return (x | y) & DCP_NAN || x & y & (DCP_INFINITE | DCP_ZERO);
    case OF_ROOT:
        return x & DCP_NAN || (x & DCP_NEGATIVE && !(x & DCP_ZERO));
    default:
        return x & DCP_NAN;
    }
}

static bool is_infinite(const struct dcp *dcp, enum result result) {
    unsigned x = dcp->x.flags, y = dcp->y.flags;
    switch (result) {
    case OF_SUM:
    case OF_PRODUCT:
        return (x | y) & DCP_INFINITE;
    case OF_QUOTIENT:
        return x & DCP_INFINITE || y & DCP_ZERO;
    default:
        return x & DCP_INFINITE;
    }
}

static bool is_zero(const struct dcp *dcp, enum result result) {
    unsigned x = dcp->x.flags, y = dcp->y.flags;
    switch (result) {
    case OF_SUM:
        return !dcp->x.mantissa;
    case OF_PRODUCT:
        return (x | y) & DCP_ZERO;
    case OF_QUOTIENT:
        return x & DCP_ZERO || y & DCP_INFINITE;
    default:
        return x & DCP_ZERO || !dcp->x.mantissa;
    }
}

/* The operand that is handed on as the NaN result, NULL when there is none. */
static const struct dcp_number *nan_operand(const struct dcp *dcp, enum result result) {
    if (dcp->x.flags & DCP_NAN) {
        return &dcp->x;
    }
    bool has_two_operands = result != OF_ROOT && result != OF_NUMBER;
    return has_two_operands && dcp->y.flags & DCP_NAN ? &dcp->y : NULL;
}

static uint64_t pack_nan_double(const struct dcp_number *nan) {
    uint64_t sign = !nan || nan->flags & DCP_NEGATIVE ? UINT64_C(1) << 63 : 0;
    return sign | UINT64_C(0x7ff8000000000000) | (nan ? (nan->mantissa & (ONE - 1)) >> DOUBLE_LSB : 0);
}

static uint32_t pack_nan_float(const struct dcp_number *nan) {
    uint32_t sign = !nan || nan->flags & DCP_NEGATIVE ? 0x80000000u : 0;
    return sign | 0x7fc00000 | (nan ? (uint32_t)((nan->mantissa & (ONE - 1)) >> FLOAT_LSB) : 0);
}

static uint64_t pack_double(const struct dcp *dcp, enum result result) {
    uint64_t sign = dcp->x.flags & DCP_NEGATIVE ? UINT64_C(1) << 63 : 0;
    if (is_nan(dcp, result)) {
        return pack_nan_double(nan_operand(dcp, result));
    }
    if (is_infinite(dcp, result)) {
        return sign | (uint64_t)INFINITE_EXPONENT << 52;
    }
    if (is_zero(dcp, result) || dcp->x.exponent < 1) {
        return sign;
    }
    if (dcp->x.exponent >= INFINITE_EXPONENT) {
        return sign | (uint64_t)INFINITE_EXPONENT << 52;
    }
    return sign | (uint64_t)dcp->x.exponent << 52 | (dcp->x.mantissa & (ONE - 1)) >> DOUBLE_LSB;
}

static uint32_t pack_float(const struct dcp *dcp, enum result result) {
    uint32_t sign = dcp->x.flags & DCP_NEGATIVE ? 0x80000000u : 0;
    int32_t exponent = dcp->x.exponent - BIAS + 127;
    if (is_nan(dcp, result)) {
        return pack_nan_float(nan_operand(dcp, result));
    }
    if (is_infinite(dcp, result)) {
        return sign | 0x7f800000;
    }
    if (is_zero(dcp, result) || exponent < 1) {
        return sign;
    }
    if (exponent >= 255) {
        return sign | 0x7f800000;
    }
    return sign | (uint32_t)exponent << 23 | (uint32_t)((dcp->x.mantissa & (ONE - 1)) >> FLOAT_LSB);
}

static int64_t read_integer(const struct dcp *dcp, int64_t lowest, int64_t highest) {
    const struct dcp_number *x = &dcp->x;
    if (x->flags & DCP_NEGATIVE || x->exponent < INTEGER_EXPONENT) {
        return lowest;
    }
    if (x->exponent > INTEGER_EXPONENT) {
        return highest;
    }
    int64_t value = (int64_t)(x->mantissa - INTEGER_MANTISSA) >> INTEGER_LSB;
    return value < lowest ? lowest : value > highest ? highest : value;
}

/* ---- MRRC ---- */

/* 1/y of 1 <= y < 2, below 1, 31 places. */
static uint32_t reciprocal(const struct dcp *dcp) {
    uint32_t y = (uint32_t)(dcp->y.mantissa >> 46) | 1; /* 16 places */
    return (uint32_t)((UINT64_C(1) << 47) / y);
}

/* 1/sqrt(x) of 1 <= x < 4, 31 places: the root bit by bit, then a division. At most 255/256: two steps of Newton's
 * method from there stay below 1.0, which the sequences' signed multiplications cannot hold. */
static uint32_t reciprocal_root(const struct dcp *dcp) {
    uint64_t x = dcp->x.mantissa >> 30; /* 32 places, the root has 16 */
    uint64_t root = 0;
    for (uint64_t bit = UINT64_C(1) << 17; bit; bit >>= 1) {
        if ((root | bit) * (root | bit) <= x) {
            root |= bit;
        }
    }
    uint64_t estimate = (UINT64_C(1) << 47) / (root ? root : 1);
    return estimate < LARGEST_ROOT_ESTIMATE ? (uint32_t)estimate : LARGEST_ROOT_ESTIMATE;
}

static uint64_t exponent_words(const struct dcp *dcp) {
    uint32_t low = ((uint32_t)dcp->x.exponent & EXPONENT_MASK) | (uint32_t)dcp->shift << 14 |
                   (uint32_t)(dcp->order + 1) << 20 | (uint32_t)dcp->engaged << 22 | (uint32_t)dcp->x.flags << 28;
    uint32_t high = ((uint32_t)dcp->y.exponent & EXPONENT_MASK) | (uint32_t)dcp->y.flags << 28;
    return (uint64_t)high << 32 | low;
}

/* Reads in the middle of a sequence. */
static bool read_intermediate(const struct dcp *dcp, unsigned opc1, unsigned crm, uint64_t *ret_data) {
    switch (opc1 << 4 | crm) {
    case 0x08: /* RXMD */
        *ret_data = dcp->x.mantissa;
        return true;
    case 0x09: /* RYMD */
        *ret_data = dcp->y.mantissa;
        return true;
    case 0x0a: /* REFD */
        *ret_data = exponent_words(dcp);
        return true;
    case 0x11: /* RXYH */
        *ret_data = dcp->x.mantissa >> 32 | dcp->y.mantissa >> 32 << 32;
        return true;
    case 0x21: /* RYMR: the mantissa with 31 places */
        *ret_data = dcp->y.mantissa >> 31 << 32 | reciprocal(dcp);
        return true;
    case 0x41: /* RXMQ */
        *ret_data = dcp->x.mantissa >> 32 << 32 | reciprocal_root(dcp);
        return true;
    default:
        break;
    }
    if (crm == 4 || crm == 5) { /* RXMS, RYMS: shifted by opc1 */
        *ret_data = (crm == 4 ? dcp->x.mantissa : dcp->y.mantissa) >> opc1;
        return true;
    }
    return false;
}

static bool read_double(const struct dcp *dcp, unsigned opc1, uint64_t *ret_data) {
    static const enum result results[] = { OF_SUM, OF_SUM, OF_PRODUCT, OF_QUOTIENT, OF_ROOT, OF_NUMBER };
    if (!(opc1 & 1) || opc1 > 11) {
        return false;
    }
    *ret_data = pack_double(dcp, results[opc1 / 2]);
    return true;
}

bool dcp_mrrc(struct dcp *dcp, unsigned opc1, unsigned crm, bool peek, uint32_t *ret_low, uint32_t *ret_high) {
    uint64_t data;
    bool last = false;
    if (crm == 0) {
        last = read_double(dcp, opc1, &data);
        if (!last) {
            return false;
        }
    } else if (!read_intermediate(dcp, opc1, crm, &data)) {
        return false;
    }
    last |= opc1 == 0 && (crm == 9 || crm == 10);
    if (!peek) {
        dcp->engaged = last ? false : dcp->engaged;
    }
    *ret_low = (uint32_t)data;
    *ret_high = (uint32_t)(data >> 32);
    return true;
}

/* ---- MRC ---- */

/* Flags of a comparison as the core's: N less, Z and C equal, C greater, V unordered. */
static uint32_t compared(const struct dcp *dcp) {
    unsigned x = dcp->x.flags, y = dcp->y.flags;
    if ((x | y) & DCP_NAN) {
        return 0x10000000;
    }
    bool x_negative = x & DCP_NEGATIVE, y_negative = y & DCP_NEGATIVE;
    int order = x_negative ? -dcp->order : dcp->order;
    if (x & y & DCP_ZERO) {
        order = 0;
    } else if (x_negative != y_negative) {
        order = x_negative ? -1 : 1;
    }
    return order < 0 ? 0x80000000 : order > 0 ? 0x20000000 : 0x60000000;
}

bool dcp_mrc(struct dcp *dcp, unsigned crm, unsigned opc2, bool peek, uint32_t *ret_value) {
    static const enum result results[] = { OF_SUM, OF_SUM, OF_PRODUCT, OF_QUOTIENT, OF_ROOT, OF_NUMBER };
    if (crm == 0 && opc2 == 0) { /* RXVD */
        *ret_value = (uint32_t)dcp->x.flags << 28 | VERSION;
    } else if (crm == 0 && opc2 == 1) { /* RCMP */
        *ret_value = peek ? (compared(dcp) & 0x7fffffff) | (uint32_t)dcp->engaged << 31 : compared(dcp);
    } else if (crm == 2 && opc2 < 6) {
        *ret_value = pack_float(dcp, results[opc2]);
    } else if (crm == 3 && opc2 == 0) { /* RDIC */
        *ret_value = (uint32_t)read_integer(dcp, INT32_MIN, INT32_MAX);
    } else if (crm == 3 && opc2 == 1) { /* RDUC */
        *ret_value = (uint32_t)read_integer(dcp, 0, UINT32_MAX);
    } else {
        return false;
    }
    if (!peek) {
        dcp->engaged = false;
    }
    return true;
}
