/* SIO interpolator. RP2040 datasheet 2.3.1.6, RP2350 datasheet 3.1.10.
 *
 * Decided: with MASK_MSB below MASK_LSB nothing passes the mask. ADD_RAW takes the lane's input after CROSS_INPUT.
 * In blend mode the difference of the bases times alpha is rounded down (arithmetic shift), over 33 bits when
 * unsigned. FORCE_MSB shows in loads alone, never in what a pop writes back. */
#include "peripherals/onchip/interpolator.h"
#include "peripherals/onchip/registers/sio.h"

#define SHIFT SIO_INTERP0_CTRL_LANE0_SHIFT
#define MASK_LSB SIO_INTERP0_CTRL_LANE0_MASK_LSB
#define MASK_MSB SIO_INTERP0_CTRL_LANE0_MASK_MSB
#define SIGNED SIO_INTERP0_CTRL_LANE0_SIGNED
#define CROSS_INPUT SIO_INTERP0_CTRL_LANE0_CROSS_INPUT
#define CROSS_RESULT SIO_INTERP0_CTRL_LANE0_CROSS_RESULT
#define ADD_RAW SIO_INTERP0_CTRL_LANE0_ADD_RAW
#define FORCE_MSB SIO_INTERP0_CTRL_LANE0_FORCE_MSB
#define BLEND SIO_INTERP0_CTRL_LANE0_BLEND
#define CLAMP SIO_INTERP1_CTRL_LANE0_CLAMP
#define OVERF SIO_INTERP0_CTRL_LANE0_OVERF
#define OVERF0 SIO_INTERP0_CTRL_LANE0_OVERF0
#define OVERF1 SIO_INTERP0_CTRL_LANE0_OVERF1

static uint32_t input(const struct interpolator *i, unsigned lane) {
    return i->accumulator[i->control[lane] & CROSS_INPUT ? !lane : lane];
}

static uint32_t shifted(const struct interpolator *i, unsigned lane) {
    uint32_t value = input(i, lane);
    unsigned shift = field_get(i->control[lane], SHIFT);
    return i->rotates && shift ? value >> shift | value << (32 - shift) : value >> shift;
}

/* Bits 0 to MASK_MSB. */
static uint32_t below_msb(const struct interpolator *i, unsigned lane) {
    return UINT32_MAX >> (31 - field_get(i->control[lane], MASK_MSB));
}

uint32_t interpolator_raw(const struct interpolator *i, unsigned lane) {
    uint32_t low = below_msb(i, lane);
    uint32_t value = shifted(i, lane) & low & (UINT32_MAX << field_get(i->control[lane], MASK_LSB));
    bool negative = i->control[lane] & SIGNED && value & (low ^ low >> 1);
    return negative ? value | ~low : value;
}

static uint32_t clamp(const struct interpolator *i, uint32_t value) {
    if (i->control[0] & SIGNED) {
        if ((int32_t)value < (int32_t)i->base[0]) {
            return i->base[0];
        }
        return (int32_t)value > (int32_t)i->base[1] ? i->base[1] : value;
    }
    if (value < i->base[0]) {
        return i->base[0];
    }
    return value > i->base[1] ? i->base[1] : value;
}

static uint32_t blend(const struct interpolator *i) {
    int64_t alpha = interpolator_raw(i, 1) & 0xff;
    bool is_signed = i->control[1] & SIGNED;
    int64_t from = is_signed ? (int64_t)(int32_t)i->base[0] : (int64_t)i->base[0];
    int64_t to = is_signed ? (int64_t)(int32_t)i->base[1] : (int64_t)i->base[1];
    int64_t product = alpha * (to - from);
    return (uint32_t)(from + (product >= 0 ? product / 256 : -((255 - product) / 256)));
}

static bool is_blending(const struct interpolator *i) {
    return !i->can_clamp && i->control[0] & BLEND;
}

static uint32_t lane_result(const struct interpolator *i, unsigned lane) {
    if (is_blending(i)) {
        return lane ? blend(i) : interpolator_raw(i, 1) & 0xff;
    }
    if (lane == 0 && i->can_clamp && i->control[0] & CLAMP) {
        return clamp(i, interpolator_raw(i, 0));
    }
    uint32_t value = i->control[lane] & ADD_RAW ? input(i, lane) : interpolator_raw(i, lane);
    return i->base[lane] + value;
}

uint32_t interpolator_peek(const struct interpolator *i, unsigned result) {
    if (result == INTERPOLATOR_FULL) {
        return i->base[2] + interpolator_raw(i, 0) + (is_blending(i) ? 0 : interpolator_raw(i, 1));
    }
    return lane_result(i, result) | field_get(i->control[result], FORCE_MSB) << 28;
}

uint32_t interpolator_pop(struct interpolator *i, unsigned result) {
    uint32_t value = interpolator_peek(i, result);
    uint32_t results[2] = { lane_result(i, 0), lane_result(i, 1) };
    for (unsigned lane = 0; lane < 2; lane++) {
        i->accumulator[lane] = results[i->control[lane] & CROSS_RESULT ? !lane : lane];
    }
    return value;
}

uint32_t interpolator_control(const struct interpolator *i, unsigned lane) {
    if (lane) {
        return i->control[1];
    }
    bool overflow0 = shifted(i, 0) & ~below_msb(i, 0);
    bool overflow1 = shifted(i, 1) & ~below_msb(i, 1);
    return i->control[0] | (overflow0 ? OVERF0 | OVERF : 0) | (overflow1 ? OVERF1 | OVERF : 0);
}

void interpolator_set_bases(struct interpolator *i, uint32_t value) {
    uint32_t low = value & 0xffff;
    uint32_t high = value >> 16;
    i->base[0] = i->control[0] & SIGNED && low & 0x8000 ? low | 0xffff0000u : low;
    i->base[1] = i->control[1] & SIGNED && high & 0x8000 ? high | 0xffff0000u : high;
}

void interpolator_walk(struct interpolator *p, struct walk *walk) {
    walk_u32s(walk, p->accumulator, 2);
    walk_u32s(walk, p->base, 3);
    walk_u32s(walk, p->control, 2);
}
