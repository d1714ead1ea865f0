/* Sine, cosine, exponential, logarithm and arc tangent of the RP2040's boot ROM.
 *
 * The ROM computes them by CORDIC in fixed point (J. Volder 1959, J. Walther 1971; P. Meher et al., "50 Years of
 * CORDIC", IEEE Trans. Circuits and Systems I 56, 2009), and firmware sees the digits that this leaves: an angle counts
 * in steps of 2^-24 in single precision, the sine of a small angle has few good digits. So the method is repeated here
 * with the ROM's word lengths, number of steps, constants and roundings. These facts come from reading the ROM's
 * published source (M. Owen's float library); the code is our own. Results were compared with that library's, assembled
 * and run, bit by bit: 50,000 to 550,000 random arguments and corner cases for each function, without a difference.
 *
 * Oddities kept: single-precision tables have two entries (2^-10) that are off by one in the last place; subtractions
 * of a shifted number in double precision round the wrong way; atan2(y < 0, x) of a tiny quotient is -2^-29.
 * Arguments beyond the fixed-point range are clamped (single: 128 radians; double: 1024). */
#include "emulator/bootrom/softfloat.h"

#include <stdbool.h>

/* ---- Single precision ---- */

#define PI_Q29 0x6487ed51u
#define TWO_PI_Q24 0x06487ed5
#define LN2_Q29 0x162e42ff
#define LN4_Q24 0x0162e430
#define LOG2E_Q12 5909
#define CIRCULAR_GAIN_Q29 0x136e9db4   /* reciprocal of the gain of all rotations */
#define HYPERBOLIC_GAIN_Q29 0x2c9e15ca /* likewise, with the steps done twice */
#define LOGARITHM_SCALE 0x0593c2b9     /* balances the gain in vectoring mode */
#define INFINITE_EXPONENT 255
#define LAST_SHIFT 12
#define LAST_ANGLE 0x20000

/* A micro-rotation: by the angle whose (hyperbolic) tangent is 2^-shift. */
struct step {
    unsigned shift;
    int32_t angle; /* Q29 */
};

static const struct step circular[] = {
    { 0, 0x1921fb54 }, { 1, 0x0ed63383 }, { 2, 0x07d6dd7e }, { 3, 0x03fab753 }, { 4, 0x01ff55bb },  { 5, 0x00ffeaae },
    { 6, 0x007ffd55 }, { 7, 0x003fffab }, { 8, 0x001ffff5 }, { 9, 0x000fffff }, { 10, 0x0007ffff }, { 11, 0x00040000 },
};
/* Steps 1, 4 and 12 are done twice; of 12 the second time stands for "and so on". */
static const struct step hyperbolic[] = {
    { 1, 0x1193ea7b }, { 1, 0x1193ea7b },  { 2, 0x082c577d },  { 3, 0x04056247 },  { 4, 0x0200ab11 },
    { 4, 0x0200ab11 }, { 5, 0x01001559 },  { 6, 0x008002ab },  { 7, 0x00400055 },  { 8, 0x0020000b },
    { 9, 0x00100001 }, { 10, 0x00080001 }, { 11, 0x00040000 }, { 12, 0x00020000 },
};
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Everything wraps at 32 bits. */
struct vector {
    int32_t x, y, z;
};

static int32_t plus(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

static int32_t minus(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a - (uint32_t)b);
}

static int32_t times(int32_t a, int32_t b) {
    return (int32_t)((uint32_t)a * (uint32_t)b);
}

/* One rotation, left (y grows, z shrinks) or right; `m` 1 for circles, -1 for hyperbolas. */
static void turn(struct vector *v, const struct step *step, int m, bool left) {
    int32_t dx = m * (v->y >> step->shift), dy = v->x >> step->shift;
    v->x = left ? minus(v->x, dx) : plus(v->x, dx);
    v->y = left ? plus(v->y, dy) : minus(v->y, dy);
    v->z = left ? minus(v->z, step->angle) : plus(v->z, step->angle);
}

/* Turn by z. What remains of it after the steps is small enough to be a multiplication. */
static void rotate(struct vector *v, const struct step *steps, unsigned count, int m) {
    for (unsigned i = 0; i < count; i++) {
        turn(v, &steps[i], m, v->z >= 0);
    }
    int32_t z = v->z >> 3;
    int32_t dx = times(m, times(v->y >> 14, z)) >> 12, dy = times(v->x >> 14, z) >> 12;
    v->x = minus(v->x, dx);
    v->y = plus(v->y, dy);
}

/* Turn until y is nothing; z collects the angle. In the end x no longer changes. */
static void align(struct vector *v, const struct step *steps, unsigned count, int m) {
    for (unsigned i = 0; i < count; i++) {
        turn(v, &steps[i], m, v->y <= 0);
    }
    int32_t dy = v->x >> LAST_SHIFT;
    for (int32_t angle = LAST_ANGLE; angle; angle >>= 1) {
        bool left = v->y <= 0;
        v->y = left ? plus(v->y, dy) : minus(v->y, dy);
        v->z = left ? minus(v->z, angle) : plus(v->z, angle);
        dy >>= 1;
    }
}

static int32_t clamp_to_one(int32_t value) {
    const int32_t one = 1 << 29;
    return value > one ? one : value < -one ? -one : value;
}

void float_sine_cosine(uint32_t x, uint32_t *ret_sine, uint32_t *ret_cosine) {
    int32_t angle = float_to_fix(x, 24) % TWO_PI_Q24;
    angle += angle < 0 ? TWO_PI_Q24 : 0;
    struct vector v = { CIRCULAR_GAIN_Q29, 0, angle * 4 }; /* Q26, where TWO_PI_Q24 means half pi */
    while (v.z >= TWO_PI_Q24) {
        v.z -= 2 * TWO_PI_Q24;
        v.x = -v.x;
    }
    v.z *= 8;
    rotate(&v, circular, COUNT(circular), 1);
    *ret_cosine = float_from_fix64(clamp_to_one(v.x), 29);
    *ret_sine = float_from_fix64(clamp_to_one(v.y + 9), 29); /* makes sin(0) 0 */
}

uint32_t float_exponential(uint32_t x) {
    int32_t value = float_to_fix(x, 24);
    int32_t exponent = (((value >> 16) * LOG2E_Q12 >> 19) + 1) >> 1;
    struct vector v = { HYPERBOLIC_GAIN_Q29, 0, minus(times(value, 32), times(exponent, LN2_Q29)) };
    rotate(&v, hyperbolic, COUNT(hyperbolic), -1);
    return float_from_fix64(plus(v.x, v.y), 29 - exponent);
}

uint32_t float_logarithm(uint32_t x) {
    uint32_t exponent = x >> 23 & 0xff;
    if (x >> 31 || exponent == 0) {
        return 0xff800000;
    }
    if (exponent == 0xff) {
        return 0x7f800000;
    }
    int64_t mantissa = (x & 0x7fffff) | 0x800000;
    int32_t a = (int32_t)(mantissa * LOGARITHM_SCALE >> 21);
    int32_t power = (int32_t)exponent - 127, half = power >> 1;
    if (power & 1) {
        half++;
        a >>= 1;
    }
    struct vector v = { plus(a, 4 * LOGARITHM_SCALE), minus(a, 4 * LOGARITHM_SCALE), 0 };
    align(&v, hyperbolic, COUNT(hyperbolic), -1);
    return float_from_fix64(plus((v.z + 8) >> 4, times(LN4_Q24, half)), 24);
}

/* Sign and mantissa, and the exponent with values for zero and infinity that win every comparison. */
static int32_t unpack(uint32_t x, int32_t *ret_mantissa) {
    uint32_t exponent = x >> 23 & 0xff;
    bool special = exponent == 0 || exponent == 0xff;
    int32_t mantissa = special ? 0x800000 : (int32_t)((x & 0x7fffff) | 0x800000);
    *ret_mantissa = x >> 31 ? -mantissa : mantissa;
    return exponent == 0 ? -380 : exponent == 0xff ? 640 : (int32_t)exponent - 127;
}

/* The angle of a vector whose exponents are equal, Q29 in (-pi, pi]. */
static int32_t angle_of(int32_t x, int32_t y) {
    struct vector v = { x, y, 0 };
    if (x < 0) {
        v = (struct vector){ -x, -y, PI_Q29 };
    }
    align(&v, circular, COUNT(circular), 1);
    uint32_t angle = (uint32_t)v.z; /* from -pi/2 to 3/2 pi */
    bool negative = (uint32_t)(angle + PI_Q29) < PI_Q29;
    if (!negative && (int32_t)(angle - PI_Q29) >= 0) {
        angle -= 2 * PI_Q29;
    }
    return (int32_t)(angle - 1); /* makes atan2(0, 1) 0 */
}

uint32_t float_arc_tangent(uint32_t y, uint32_t x) {
    int32_t mx, my;
    int32_t ex = unpack(x, &mx), ey = unpack(y, &my);
    int32_t shift = ex - ey, angle;
    mx *= 32;
    my *= 32;
    if (shift >= 28 || ex + ey < -512) { /* the second: both are zero */
        angle = mx < 0 ? (int32_t)(my < 0 ? ~PI_Q29 : PI_Q29) : my < 0 ? -1 : 0;
    } else if (shift >= 0) {
        angle = angle_of(mx, my >> shift);
    } else {
        angle = angle_of(mx >> (-shift < 28 ? -shift : 31), my);
    }
    return float_from_fix64(angle, 29);
}

/* ---- Double precision ---- */

#define STEPS 32
#define ONE_Q62 (INT64_C(1) << 62)
#define LN2_Q62 INT64_C(0x2c5c85fdf473de6b)
#define HALF_PI_Q62 INT64_C(0x6487ed5110b4611a)
#define HALF_PI_Q61 INT64_C(0x3243f6a8885a308d)
#define GAIN_Q62 INT64_C(0x36f656c59df04dbb)
#define RECIPROCAL_LN2_Q15 0xb8aa
#define RECIPROCAL_HALF_PI_Q15 0x517d

/* atan(2^-i) and ln(1 + 2^-i) for i = 1 to 32, Q62. */
static const int64_t arc_tangents[STEPS] = {
    0x1dac670561bb4f69, 0x0fadbafc96406eb1, 0x07f56ea6ab0bdb72, 0x03feab76e59fbd39, 0x01ffd55bba97624b,
    0x00fffaaadddb94d6, 0x007fff5556eeea5d, 0x003fffeaaab7776e, 0x001ffffd5555bbbc, 0x000fffffaaaaadde,
    0x0007fffff555556f, 0x0003fffffeaaaaab, 0x0001ffffffd55555, 0x0000fffffffaaaab, 0x00007fffffff5555,
    0x00003fffffffeaab, 0x00001ffffffffd55, 0x00000fffffffffab, 0x000007fffffffff5, 0x000003ffffffffff,
    0x0000020000000000, 0x0000010000000000, 0x0000008000000000, 0x0000004000000000, 0x0000002000000000,
    0x0000001000000000, 0x0000000800000000, 0x0000000400000000, 0x0000000200000000, 0x0000000100000000,
    0x0000000080000000, 0x0000000040000000,
};
static const int64_t logarithms[STEPS] = {
    0x19f323ecbf984bf3, 0x0e47fbe3cd4d10d6, 0x0789c1db8abcb97a, 0x03e14618022c54cc, 0x01f829b0e7833005,
    0x00fe054587e01f1e, 0x007f80a9ac419e24, 0x003fe01545621781, 0x001ff802a9ab10e6, 0x000ffe0055455888,
    0x0007ff800aa9aac4, 0x0003ffe001554556, 0x0001fff8002aa9ab, 0x0000fffe00055545, 0x00007fff8000aaaa,
    0x00003fffe0001555, 0x00001ffff80002ab, 0x00000ffffe000055, 0x000007ffff80000b, 0x000003ffffe00001,
    0x000001fffff80000, 0x000000fffffe0000, 0x0000007fffff8000, 0x0000003fffffe000, 0x0000001ffffff800,
    0x0000000ffffffe00, 0x00000007ffffff80, 0x00000003ffffffe0, 0x00000001fffffff8, 0x00000000fffffffe,
    0x0000000080000000, 0x0000000040000000,
};

static int64_t add64(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t subtract64(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* The last bit that a shift to the right by 1 to 64 drops. */
static int64_t dropped(int64_t value, unsigned shift) {
    return value >> (shift - 1) & 1;
}

static int64_t shift_rounded(int64_t value, unsigned shift) {
    return (shift < 64 ? value >> shift : value >> 63) + dropped(value, shift);
}

/* Signed mantissa Q52 and exponent. */
static int32_t unpack_double(uint64_t x, int64_t *ret_mantissa) {
    uint32_t exponent = x >> 52 & 0x7ff;
    bool special = exponent == 0 || exponent == 0x7ff;
    int64_t one = INT64_C(1) << 52;
    int64_t mantissa = special ? one : (int64_t)(x & (uint64_t)(one - 1)) + one;
    *ret_mantissa = x >> 63 ? -mantissa : mantissa;
    return exponent == 0 ? -0x80000 : exponent == 0x7ff ? 0x77f000 : (int32_t)exponent - 1023;
}

/* x = quotient * divisor + rest (Q62); x beyond +-1024 counts as that. */
static int64_t reduce(uint64_t x, int32_t reciprocal, int64_t divisor, int32_t *ret_quotient) {
    int64_t mantissa;
    int32_t exponent = unpack_double(x, &mantissa);
    *ret_quotient = 0;
    if (exponent < -2) {
        int32_t shift = -2 - exponent;
        return shift > 64 ? 0 : shift_rounded(mantissa * 256, (unsigned)shift);
    }
    if (exponent >= 10) {
        exponent = 10;
        mantissa = mantissa < 0 ? -(INT64_C(1) << 52) : INT64_C(1) << 52;
    }
    int32_t coarse = (int32_t)(mantissa >> 32) >> (15 - exponent); /* Q5 */
    int32_t product = coarse * reciprocal;                         /* Q20 */
    *ret_quotient = (product >> 20) + (product >> 19 & 1);
    int64_t fixed = (int64_t)((uint64_t)mantissa << (exponent + 10));
    return (int64_t)((uint64_t)fixed - (uint64_t)divisor * (uint64_t)(int64_t)*ret_quotient);
}

struct long_vector {
    int64_t x, y, z;
};

static void turn_long(struct long_vector *v, unsigned shift, bool left) {
    int64_t x = v->x, y = v->y;
    int64_t x_part = x >> shift, y_part = y >> shift;
    int64_t x_bit = dropped(x, shift), y_bit = dropped(y, shift);
    if (left) {
        v->z = subtract64(v->z, arc_tangents[shift - 1]);
        v->y = add64(y, x_part + x_bit);
        v->x = subtract64(x, y_part + 1 - y_bit);
    } else {
        v->z = add64(v->z, arc_tangents[shift - 1]);
        v->x = add64(x, y_part + y_bit);
        v->y = subtract64(y, x_part + 1 - x_bit);
    }
}

void double_sine_cosine(uint64_t x, uint64_t *ret_sine, uint64_t *ret_cosine) {
    int32_t quadrant;
    int64_t angle = reduce(x, RECIPROCAL_HALF_PI_Q15, HALF_PI_Q62, &quadrant);
    int64_t start = quadrant & 2 ? -GAIN_Q62 : GAIN_Q62;
    struct long_vector v = { quadrant & 1 ? 0 : start, quadrant & 1 ? start : 0, angle };
    for (unsigned shift = 1; shift <= STEPS; shift++) {
        turn_long(&v, shift, v.z >= 0);
    }
    /* The rest of the angle fits 32 bits: sin(a + e) = sin a + e cos a. */
    int64_t rest = (int32_t)(uint32_t)v.z;
    int64_t dx = rest * (int32_t)(v.y >> 32), dy = rest * (int32_t)(v.x >> 32);
    v.x = subtract64(v.x, (dx >> 30) + 1 - dropped(dx, 30));
    v.y = add64(v.y, (dy >> 30) + dropped(dy, 30));
    *ret_cosine = double_from_fix64(v.x, 62);
    *ret_sine = double_from_fix64(v.y, 62);
}

uint64_t double_exponential(uint64_t x) {
    int32_t power;
    int64_t rest = reduce(x, RECIPROCAL_LN2_Q15, LN2_Q62, &power);
    if (rest < 0) {
        rest = add64(rest, LN2_Q62);
        power--;
    }
    int64_t result = ONE_Q62;
    for (unsigned shift = 1; shift <= STEPS; shift++) {
        int64_t less = subtract64(rest, logarithms[shift - 1]);
        if (less >= 0) {
            rest = less;
            result += (result >> shift) + dropped(result, shift);
        }
    }
    int64_t correction = (int64_t)(int32_t)(uint32_t)rest * (int64_t)(uint32_t)(result >> 32);
    return double_from_fix64(add64(result, correction >> 30), 62 - power);
}

uint64_t double_logarithm(uint64_t x) {
    uint32_t exponent = x >> 52 & 0x7ff;
    if (x >> 63 || exponent == 0) {
        return UINT64_C(0xfff0000000000000);
    }
    if (exponent == 0x7ff) {
        return UINT64_C(0x7ff0000000000000);
    }
    int64_t mantissa, sum = 0;
    unpack_double(x, &mantissa);
    int64_t product = mantissa * 512; /* half of it, Q62: brought up to 1 by factors 1 + 2^-i */
    for (unsigned shift = 1; shift <= STEPS; shift++) {
        int64_t more = product + (product >> shift) + dropped(product, shift);
        if (more < ONE_Q62) {
            product = more;
            sum -= logarithms[shift - 1];
        }
    }
    sum += product - ONE_Q62;
    int32_t power = (int32_t)exponent - 1022;
    __int128 result = (__int128)LN2_Q62 * power + sum; /* 96 bits on the chip */
    int32_t places = 62;
    while (result != (int64_t)result) {
        result >>= 4;
        places -= 4;
    }
    return double_from_fix64((int64_t)result, places);
}

/* atan(y / x) for |y| up to about x, Q61. */
static int64_t first_octants(uint64_t y, uint64_t x) {
    const uint64_t infinite = UINT64_C(0x7ff0000000000000), magnitude = ~(UINT64_C(1) << 63);
    bool endless = (x & magnitude) == infinite;
    if (!x || (endless && (y & magnitude) != infinite)) {
        return 0;
    }
    if (endless) { /* both: as if just finite */
        x -= UINT64_C(1) << 32;
        y -= UINT64_C(1) << 32;
    }
    struct long_vector v = { ONE_Q62, double_to_fix64(double_divide(y, x), 62), 0 };
    for (unsigned shift = 1; shift <= STEPS; shift++) {
        turn_long(&v, shift, v.y < 0);
    }
    /* The rest is a division bit by bit. */
    uint32_t divisor = (uint32_t)(v.x >> 32) - 12; /* makes atan(0) 0 */
    uint32_t rest = (uint32_t)v.y;
    for (uint32_t bit = 1u << 29; bit; bit >>= 1) {
        uint32_t carry = divisor & 1;
        divisor >>= 1;
        bool negative = rest >> 31;
        rest = negative ? rest + divisor + carry : rest - divisor - (1 - carry);
        v.z = negative ? subtract64(v.z, bit) : add64(v.z, bit);
    }
    return v.z >> 1;
}

static uint64_t flush(uint64_t x) {
    uint32_t exponent = x >> 52 & 0x7ff;
    return exponent == 0 || exponent == 0x7ff ? x >> 52 << 52 : x;
}

uint64_t double_arc_tangent(uint64_t y, uint64_t x) {
    const uint64_t sign = UINT64_C(1) << 63;
    int quarters = 0;
    x = flush(x);
    y = flush(y);
    if (x & sign) {
        quarters = y & sign ? -2 : 2;
        x ^= sign;
        y ^= sign;
    }
    /* Only the upper words are compared. */
    if (!(y & sign) && y >> 32 > x >> 32) {
        uint64_t old = x;
        quarters++;
        x = y ^ sign;
        y = old;
    } else if (y & sign && (y ^ sign) >> 32 > x >> 32) {
        uint64_t old = x;
        quarters--;
        x = y;
        y = old ^ sign;
    }
    int64_t angle = first_octants(y, x);
    int64_t quarter = quarters < 0 ? ~HALF_PI_Q61 : HALF_PI_Q61;
    for (int i = 0; i < (quarters < 0 ? -quarters : quarters); i++) {
        angle = add64(angle, quarter);
    }
    return double_from_fix64(angle, 61);
}
