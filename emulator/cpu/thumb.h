/* An interpreter for the Thumb instructions of Armv6-M and Armv8-M Mainline that knows where values come from. It runs
 * polling loops (polling.c), so it leaves to the engine whatever a polling loop does not do: exceptions, hints, faults.
 */
#ifndef CPU_THUMB_H
#define CPU_THUMB_H

#include "emulator/cpu/range.h"

#include <stdbool.h>
#include <stdint.h>

/* Where a value comes from. Flags have an origin as well. */
enum origin {
    ORIGIN_CLEAN = 0, /* the same in each pass of the loop, as long as what is read stays the same */
    ORIGIN_COUNT,     /* a counter of time that was read in this pass, plus or minus something clean */
    ORIGIN_UNKNOWN,   /* made from a counter in another way; of the value a range is known */
    ORIGIN_OLD = 8,   /* + n: a count or unknown that is left from n passes ago; n from 1 on */
};
#define ORIGIN_OLDEST (ORIGIN_OLD + 3)

/* A value with its origin. */
struct operand {
    uint32_t value;
    uint8_t origin; /* enum origin */
    int8_t slope;   /* ORIGIN_COUNT: +1 or -1 for each tick */
    /* ORIGIN_COUNT, ORIGIN_UNKNOWN: where it lies while the counters go on by no more than thumb.span ticks. */
    struct range range;
};

struct thumb {
    uint32_t r[16];
    bool n, z, c, v;
    uint32_t primask, ipsr, basepri;
    bool mainline;      /* Armv8-M Mainline */
    uint8_t it;         /* ITSTATE */
    uint8_t origin[16]; /* enum origin */
    int8_t slope[16];
    struct range range[16];
    uint8_t nz, cv; /* enum origin of the flags N and Z, and of C and V */
    /* Ticks that the counters may go on before any flag that was set comes out differently. */
    uint64_t ticks;
    uint64_t span; /* ticks for which ranges hold: the owner's choice. The longer, the less is known */
    /* A decision or an address hung on a value that cannot be foretold: an unknown one, or one of an earlier pass. */
    bool spoilt, spoilt_by_old;
    /* The owner's memory: accesses of 1, 2 or 4 bytes, aligned but for Armv8-M's; false: leave. */
    bool (*load)(struct thumb *thumb, uint32_t address, unsigned size, struct operand *ret);
    bool (*store)(struct thumb *thumb, uint32_t address, unsigned size, const struct operand *value);
    void *context;
};

enum thumb_result {
    THUMB_NEXT,   /* pc is at the next instruction in line */
    THUMB_BRANCH, /* pc is where the branch went */
    THUMB_LEAVE,  /* not executed: the engine's business */
};

/* Execute the instruction at r[15] (`first`, and `second` if it is wide). */
enum thumb_result thumb_step(struct thumb *thumb, uint16_t first, uint16_t second);
/* `value`, which `a` and `b` alone have been made into, with its origin; if they have ranges, it lies in `range`. */
struct operand thumb_made_of(struct thumb *thumb, uint32_t value, const struct operand *a, const struct operand *b,
                             struct range range);
/* Is this an instruction that thumb_step() can execute, whatever the registers hold? */
bool thumb_knows(uint16_t first, uint16_t second, bool mainline);

/* Of a value that is not of an earlier pass. */
static inline struct range thumb_range(const struct operand *operand) {
    return operand->origin == ORIGIN_CLEAN ? range_one(operand->value) : operand->range;
}

static inline bool thumb_is_wide(uint16_t first) {
    return first >= 0xe800;
}

#endif
