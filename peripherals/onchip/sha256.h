/* SHA-256 accelerator: RP2350 datasheet 12.13. */
#ifndef ONCHIP_SHA256_H
#define ONCHIP_SHA256_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/sha256.h"

#define SHA256_BLOCK_WORDS 16u
#define SHA256_SUM_WORDS 8u

struct sha256 {
    struct block block;
    /* Wired by the machine. */
    struct clock_domain *clock; /* clk_sys */
    struct line dreq;           /* pulses, a request each, while sha256_want_requests() says so */

    uint32_t sum[SHA256_SUM_WORDS];
    uint32_t message[SHA256_BLOCK_WORDS];
    unsigned words;   /* of the block under way */
    uint32_t partial; /* a word that comes in bytes or halfwords */
    unsigned partial_bytes;
    bool started;
    bool dma_waits;     /* a channel is paced by dreq */
    unsigned requests;  /* of the block's, not sent yet */
    struct event grant; /* a channel has begun to wait */
    struct event digested;
};

extern const struct block_class sha256_class;

/* DMA channels are paced by dreq from now on, or no longer. When one begins, a whole block is requested. */
void sha256_want_requests(struct sha256 *sha256, bool wanted);

/* The algorithm: where the sums begin, and what 16 words do to them. */
extern const uint32_t sha256_initial[SHA256_SUM_WORDS];
void sha256_digest(uint32_t sum[SHA256_SUM_WORDS], const uint32_t message[SHA256_BLOCK_WORDS]);

#endif
