/* DMA controller: channels, pacing timers, sniffer.
 * Lines: irq[0] to irq[variant->irqs - 1].
 *
 * A data request (DREQ) is a struct line of the device with set = dma_set_dreq, context = the DMA, index = the DREQ
 * number. A device with a FIFO keeps it high as long as it can give or take one more transfer, and lets it fall
 * inside the very access that changes that. A device without one (PWM wrap) uses line_pulse() for each request; the
 * wiring names those numbers in `pulse_dreqs`. */
#ifndef ONCHIP_DMA_H
#define ONCHIP_DMA_H

#include "emulator/core/bus.h"

#define DMA_CHANNELS 16
#define DMA_TIMERS 4
#define DMA_FOLLOWERS 2

/* What differs between the chips: sizes and where the fields of CTRL are. */
struct dma_variant {
    unsigned channels;
    unsigned irqs;
    bool has_modes; /* TRANS_COUNT.MODE */
    uint32_t incr_write;
    uint32_t incr_read_rev; /* 0: does not exist */
    uint32_t incr_write_rev;
    uint32_t ring_size;
    uint32_t ring_sel;
    uint32_t chain_to;
    uint32_t treq_sel;
    uint32_t irq_quiet;
    uint32_t bswap;
    uint32_t sniff_en;
    uint32_t busy;
};

extern const struct dma_variant rp2040_dma;
extern const struct dma_variant rp2350_dma;

struct dma_channel {
    uint32_t read_address;
    uint32_t write_address;
    uint32_t count;  /* transfers left */
    uint32_t reload; /* TRANS_COUNT as written */
    uint32_t control;
    uint8_t treq, ring;                  /* TREQ_SEL and RING_SIZE of it */
    unsigned credits;                    /* requests by pulse or timer not yet served */
    uint64_t earliest;                   /* cycle of its first transfer */
    const struct dma_follower *follower; /* where the bit in dma.followed is set */
};

/* Until that time a follower does nothing by itself, and goes on asking for so many words. */
struct dma_calm {
    uint64_t until_ps;
    unsigned puts, gets;
};

/* A device that works off what has happened when it is looked at, and leaves it to the DMA to look when its requests
 * rise. Channels that do nothing but carry words between its FIFO and memory are looked at when one could have ended.
 */
struct dma_follower {
    void *context;
    uint32_t fifo;   /* address of its FIFO, both ways */
    unsigned tx, rx; /* numbers of its requests */
    /* When a request of it rises next if nobody accesses it before; TIME_NEVER: none does. */
    uint64_t (*next_request)(void *context);
    /* All that has happened until `until_ps`, requests included. */
    void (*run)(void *context, uint64_t until_ps);
    /* A time before which it cannot have asked for so many transfers. 0: it stands until the next transfer; TIME_NEVER:
     * until somebody else accesses it. */
    uint64_t (*earliest)(void *context, bool is_tx, uint32_t transfers);
    /* Several transfers in a row, while it is calm: is it? Then put() and get() alone, as accesses to the FIFO, and
     * after the last one, which was at `now_ps`, settle() for all that follows from them. */
    bool (*is_calm)(void *context, struct dma_calm *ret_calm);
    void (*put)(void *context, uint32_t word);
    uint32_t (*get)(void *context);
    void (*settle)(void *context, uint64_t now_ps);
};

struct dma {
    struct block block;
    /* Wiring */
    const struct dma_variant *variant;
    struct bus *bus;
    struct clock_domain *clk_sys;
    uint64_t pulse_dreqs; /* a bit per DREQ number that comes as pulses */
    /* Channels wait for these of the pulse_dreqs from now on; others need not be sent. May be NULL. */
    void (*wants_pulses)(void *context, uint64_t dreqs);
    void *pulse_context;
    bool interrupts_after_abort; /* erratum RP2040-E13: use dma_set_abort_interrupts() */
    /* Memory has been written. May be NULL. */
    void (*memory_written)(void *context, uint32_t address, uint32_t size);
    void *memory_context;
    /* Before somebody looks at a channel, and before dma_feed_available() or dma_feed_take() give something else than
     * so far (`changes`): whoever takes words by them takes those that are due. May be NULL. */
    void (*feeds_look)(void *context, bool changes);
    void *feeds_context;
    struct dma_follower followers[DMA_FOLLOWERS];
    unsigned follower_count;

    struct dma_channel channels[DMA_CHANNELS];
    uint32_t busy;                  /* a bit per channel */
    uint64_t dreqs;                 /* levels by DREQ number */
    uint64_t listening;             /* DREQ and timer numbers that busy channels wait for */
    uint32_t followed;              /* busy channels of followers, a bit each */
    uint64_t risen[64];             /* by DREQ number: the first cycle that sees its level high */
    uint64_t cycle;                 /* of clk_sys: all before is done */
    uint64_t ticked;                /* timers have been looked at up to this cycle */
    bool running;                   /* inside a transfer */
    uint32_t written, written_size; /* memory that has been written since memory_written() was last called */
    uint32_t served;                /* high-priority channels that had their turn in this round */
    unsigned last_low;              /* the low-priority channel that went last */
    struct event event;
    struct clock_listener clock_listener;
};

extern const struct block_class dma_class;

/* The erratum RP2040-E13: a channel that is aborted between two transfers in a row interrupts when those under way have
 * arrived. */
void dma_set_abort_interrupts(struct dma *dma, bool on);
/* For struct line: request `index` (TREQ_SEL number) has changed, at the time of scheduler_due(). */
void dma_set_dreq(void *dma, unsigned index, bool level);
/* A follower is about to be accessed: all transfers that end before `end_ps`. Without effect from within one. */
void dma_catch_up(void *dma, uint64_t end_ps);
/* A follower has been accessed: its next requests may come at other times than before. */
void dma_plan(void *dma);

/* For a device whose FIFO is at `address` (32 bits) and which takes the words that a channel paced by request `dreq`
 * would bring it, without an event for each. How many there are, the last one of a block left out: that one comes in
 * the ordinary way. 0 where the channel does more than that, or where others compete with it. */
unsigned dma_feed_available(void *dma, unsigned dreq, uint32_t address);
/* The next one; false when there is none. */
bool dma_feed_take(void *dma, unsigned dreq, uint32_t address, uint32_t *ret_word);
/* Leave out so many of those that are available; false, and nothing is done, unless all of the rest is memory. */
bool dma_feed_skip(void *dma, unsigned dreq, uint32_t address, unsigned words);

#endif
