/* Notices loops that may be polling: a block that comes back again and again with few others in between. */
#ifndef CPU_POLLING_H
#define CPU_POLLING_H

#include <stdbool.h>
#include <stdint.h>

#define POLLING_BLOCKS 256 /* a pass has at most so many blocks */
#define POLLING_PASSES 24  /* so many passes before a loop is tried */
#define POLLING_FAILURES 256

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
