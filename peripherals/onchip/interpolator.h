/* One interpolator of SIO: RP2040 datasheet 2.3.1.6, RP2350 datasheet 3.1.10. Each core has two. */
#ifndef ONCHIP_INTERPOLATOR_H
#define ONCHIP_INTERPOLATOR_H

#include "emulator/core/walk.h"

#include <stdbool.h>
#include <stdint.h>

struct interpolator {
    uint32_t accumulator[2];
    uint32_t base[3];
    uint32_t control[2]; /* CTRL_LANE0 and 1 as written */
    bool rotates;        /* the shifter rotates (RP2350) or shifts (RP2040) */
    bool can_clamp;      /* INTERP1 clamps, INTERP0 blends */
};

enum { INTERPOLATOR_LANE0, INTERPOLATOR_LANE1, INTERPOLATOR_FULL };

/* The result of a lane or the full one as a load sees it (FORCE_MSB applied). */
uint32_t interpolator_peek(const struct interpolator *interpolator, unsigned result);
/* The same, and both lanes' results go into the accumulators. */
uint32_t interpolator_pop(struct interpolator *interpolator, unsigned result);
/* What a lane's shift and mask give: what ACCUMn_ADD reads. */
uint32_t interpolator_raw(const struct interpolator *interpolator, unsigned lane);
/* CTRL_LANEn with its overflow bits. */
uint32_t interpolator_control(const struct interpolator *interpolator, unsigned lane);
/* Its state, for snapshots. */
void interpolator_walk(struct interpolator *interpolator, struct walk *walk);
/* BASE_1AND0: a half to each base, sign-extended where that lane is SIGNED. */
void interpolator_set_bases(struct interpolator *interpolator, uint32_t value);

#endif
