/* SHA-256 accelerator: RP2350 datasheet 12.13; the algorithm: FIPS 180-4, 6.2.
 * Decided: the sums show their new value when the digest of a block is complete, 57 cycles of clk_sys after its last
 * word. Bytes and halfwords are put together in the order in which they come.
 *
 * DMA requests (12.13.4) are for entire blocks: 64, 32 or 16 transfers by CSR.DMA_SIZE, whenever a block can be taken
 * after a START, and when a channel begins to wait. How much of the block is there already does not count: a channel
 * that begins within a block writes more than fits, which sets ERR_WDATA_NOT_RDY, as pico-sdk's test of the block
 * demands. Decided: requests are sent REQUESTS_AHEAD at a time, the rest one for each store to WDATA. */
#include "peripherals/onchip/sha256.h"

#define DIGEST_CYCLES 57u
#define ROUNDS 64u
#define BLOCK_BYTES (4 * SHA256_BLOCK_WORDS)
#define REQUESTS_AHEAD 8u

/* ---- The algorithm ---- */

const uint32_t sha256_initial[SHA256_SUM_WORDS] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static const uint32_t constants[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t x, unsigned bits) {
    return x >> bits | x << (32 - bits);
}

static void round_once(uint32_t s[8], uint32_t word, uint32_t constant) {
    uint32_t big1 = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
    uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
    uint32_t t1 = s[7] + big1 + choice + constant + word;
    uint32_t big0 = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
    uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
    for (unsigned i = 7; i > 0; i--) {
        s[i] = s[i - 1];
    }
    s[4] += t1;
    s[0] = t1 + big0 + majority;
}

void sha256_digest(uint32_t sum[SHA256_SUM_WORDS], const uint32_t message[SHA256_BLOCK_WORDS]) {
    uint32_t w[ROUNDS], s[8];
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (i < 16) {
            w[i] = message[i];
            continue;
        }
        uint32_t small0 = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t small1 = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + small0 + w[i - 7] + small1;
    }
    for (unsigned i = 0; i < 8; i++) {
        s[i] = sum[i];
    }
    for (unsigned i = 0; i < ROUNDS; i++) {
        round_once(s, w[i], constants[i]);
    }
    for (unsigned i = 0; i < 8; i++) {
        sum[i] += s[i];
    }
}

/* ---- The block ---- */

static bool is_ready(const struct sha256 *h) {
    return !h->digested.pending;
}

static void send_requests(struct sha256 *h, unsigned count) {
    for (; count && h->requests; count--) {
        h->requests--;
        line_pulse(&h->dreq);
    }
}

static void request_block(struct sha256 *h) {
    bool taken = h->dma_waits && h->started && is_ready(h);
    h->requests = taken ? BLOCK_BYTES >> field_get(h->block.values[SHA256_CSR], SHA256_CSR_DMA_SIZE) : 0;
    send_requests(h, REQUESTS_AHEAD);
}

void sha256_want_requests(struct sha256 *h, bool wanted) {
    if (wanted == h->dma_waits) {
        return;
    }
    h->dma_waits = wanted;
    h->requests = 0;
    if (wanted) {
        scheduler_add(h->block.env->scheduler, &h->grant, scheduler_now(h->block.env->scheduler));
    }
}

static void start(struct sha256 *h) {
    scheduler_cancel(h->block.env->scheduler, &h->digested);
    for (unsigned i = 0; i < SHA256_SUM_WORDS; i++) {
        h->sum[i] = sha256_initial[i];
    }
    h->words = h->partial_bytes = 0;
    h->partial = 0;
    h->started = true;
}

static void take_word(struct sha256 *h, uint32_t word) {
    bool swap = h->block.values[SHA256_CSR] & SHA256_CSR_BSWAP;
    h->message[h->words++] = swap ? __builtin_bswap32(word) : word;
    if (h->words == SHA256_BLOCK_WORDS) {
        uint64_t now = clock_cycles_at(h->clock, scheduler_now(h->block.env->scheduler));
        scheduler_add(h->block.env->scheduler, &h->digested, clock_time_of(h->clock, now + DIGEST_CYCLES));
    }
}

/* A narrow store comes replicated over the word. */
static void take(struct sha256 *h, uint32_t value) {
    unsigned size = h->block.env->size ? h->block.env->size : 4;
    send_requests(h, 1);
    if (!is_ready(h)) {
        h->block.values[SHA256_CSR] |= SHA256_CSR_ERR_WDATA_NOT_RDY;
        return;
    }
    if (size == 4) {
        take_word(h, value);
        return;
    }
    h->partial |= (value & ((1u << 8 * size) - 1)) << 8 * h->partial_bytes;
    h->partial_bytes += size;
    if (h->partial_bytes >= 4) {
        take_word(h, h->partial);
        h->partial = h->partial_bytes = 0;
    }
}

static uint32_t sha256_read(struct block *b, unsigned reg) {
    struct sha256 *h = (struct sha256 *)b;
    if (reg >= SHA256_SUM0 && reg <= SHA256_SUM7) {
        return h->sum[reg - SHA256_SUM0];
    }
    if (reg != SHA256_CSR) {
        return b->values[reg];
    }
    uint32_t csr = b->values[reg] & ~(SHA256_CSR_SUM_VLD | SHA256_CSR_WDATA_RDY);
    bool sum_valid = is_ready(h) && !h->words && !h->partial_bytes;
    return csr | (is_ready(h) ? SHA256_CSR_WDATA_RDY : 0) | (sum_valid ? SHA256_CSR_SUM_VLD : 0);
}

static void sha256_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct sha256 *h = (struct sha256 *)b;
    if (reg == SHA256_CSR && value & SHA256_CSR_START) {
        start(h);
        request_block(h);
    } else if (reg == SHA256_WDATA) {
        take(h, value);
    }
}

static void digested(struct event *event, uint64_t late_ps) {
    struct sha256 *h = event->owner;
    sha256_digest(h->sum, h->message);
    h->words = 0;
    request_block(h);
}

static void channel_waits(struct event *event, uint64_t late_ps) {
    request_block(event->owner);
}

static void sha256_reset(struct block *b) {
    struct sha256 *h = (struct sha256 *)b;
    start(h);
    h->started = false;
    for (unsigned i = 0; i < SHA256_SUM_WORDS; i++) {
        h->sum[i] = 0;
    }
    h->requests = 0;
}

static void sha256_init(struct block *b) {
    struct sha256 *h = (struct sha256 *)b;
    h->digested = (struct event){ .name = "SHA-256", .callback = digested, .owner = h };
    h->grant = (struct event){ .name = "SHA-256 request", .callback = channel_waits, .owner = h };
}

static void sha256_walk(struct block *b, struct walk *walk) {
    struct sha256 *h = (struct sha256 *)b;
    walk_u32s(walk, h->sum, SHA256_SUM_WORDS);
    walk_u32s(walk, h->message, SHA256_BLOCK_WORDS);
    walk_below(walk, &h->words, SHA256_BLOCK_WORDS + 1);
    walk_u32(walk, &h->partial);
    walk_below(walk, &h->partial_bytes, 4);
    walk_bool(walk, &h->started);
    walk_bool(walk, &h->dma_waits);
    walk_below(walk, &h->requests, BLOCK_BYTES + 1);
    line_walk(&h->dreq, walk);
    walk_event(walk, &h->grant);
    walk_event(walk, &h->digested);
}

/* A full block is being worked on: it takes no word until that is done. */
static void sha256_restored(struct block *b) {
    struct sha256 *h = (struct sha256 *)b;
    if (h->words == SHA256_BLOCK_WORDS && is_ready(h)) {
        h->words = 0;
    }
}

const struct block_class sha256_class = {
    .name = "sha256",
    .size = sizeof(struct sha256),
    .init = sha256_init,
    .reset = sha256_reset,
    .read = sha256_read,
    .write = sha256_write,
    .holds_until = block_holds,
    .walk = sha256_walk,
    .restored = sha256_restored,
};
