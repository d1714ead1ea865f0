/* Notices loops that may be polling: a block that comes back again and again with few others in between. */
#ifndef CPU_POLLING_H
#define CPU_POLLING_H

#include "emulator/cpu/thumb.h"

#include <stdbool.h>
#include <stdint.h>

#define POLLING_BLOCKS 256 /* a pass has at most so many blocks */
#define POLLING_PASSES 24  /* so many passes before a loop is tried */
#define POLLING_FAILURES 256

#define POLLING_WORDS 32 /* words of memory that a loop may store to */
#define POLLING_DIVIDER_VALUES 4

struct core;
struct block_cost;

/* A word of memory that the loop stores to. */
struct polling_word {
    uint32_t address;
    uint32_t before; /* when the pass began */
    uint8_t origin;
    struct range range; /* of what is not clean */
};

/* What is known of the SIO divider: dividend, divisor, quotient, remainder. */
struct polling_divider {
    struct operand values[POLLING_DIVIDER_VALUES];
    uint8_t known; /* a bit per value: it has been seen */
    bool is_signed, dirty;
};

/* A loop that is being run. It outlives the slice: what is known of the loop still holds in the next one. */
struct polling_session {
    struct core *core;
    struct thumb thumb;
    uint32_t head_pc;       /* the block with which passes begin */
    unsigned rounds, limit; /* of a pass: how often the head has come round, and may at most */
    bool left_with_slice;   /* at left_cycles */
    uint64_t left_cycles;
    bool interrupted;  /* events have been served since this pass began */
    struct thumb head; /* when the pass began */
    uint64_t head_cycles;
    /* Of the block that runs: */
    const struct block_cost *block;
    uint64_t began;    /* core cycles; an access that takes more or less than others moves it */
    uint32_t at;       /* the instruction that runs */
    unsigned elements; /* that it has loaded or stored */
    struct polling_divider divider, head_divider;
    struct polling_word words[POLLING_WORDS];
    unsigned word_count;
    uint64_t span;      /* ticks for which ranges are to hold */
    bool follow_counts; /* else a counter is a value that holds until its next tick */
    bool move_head;     /* the next block that is another one is to be the head */
    unsigned head_moves;
    /* Of this pass: */
    bool impure;       /* it did what cannot be skipped */
    uint64_t holds_ps; /* what it loaded holds until then */
    uint32_t counter;  /* address of the counter that it loaded, 0 when none */
    uint32_t counted;  /* its value at the first load */
    unsigned blocks;
    /* Of the session: */
    bool loads;           /* a register of a block was loaded */
    bool skipped;         /* some pass has been skipped */
    unsigned vain_blocks; /* since passes were skipped last */
    unsigned all_blocks;  /* in this slice */
};

struct polling {
    uint32_t head;
    unsigned blocks; /* since the head */
    unsigned passes;
    uint64_t rest_until; /* core cycles: after a loop that could not be skipped */
    int balance;         /* of the sessions that followed each other: positive when they were worth it */
    bool resume;         /* a loop was noticed at resume_pc, or the slice ended inside one */
    uint32_t resume_pc;
    /* Heads of loops that turned out not to be skipped: tried again less and less often. By address. */
    struct {
        uint32_t head, failures, wait;
    } failed[POLLING_FAILURES];
    uint64_t skipped; /* cycles, for statistics */
    struct polling_session session;
};

/* A block begins, or loads a register. True when its loop has come round often enough. */
static inline bool polling_notices(struct polling *polling, uint32_t address, uint64_t cycles) {
    if (cycles < polling->rest_until) {
        return false;
    }
    if (address == polling->head) {
        polling->blocks = 0;
        if (++polling->passes < POLLING_PASSES) {
            return false;
        }
        polling->passes = 0;
        return true;
    }
    if (++polling->blocks > POLLING_BLOCKS) {
        polling->head = address;
        polling->blocks = 0;
        polling->passes = 0;
    }
    return false;
}

#endif
