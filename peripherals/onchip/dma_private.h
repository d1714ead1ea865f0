/* Between dma.c (registers, the life of channels), dma_run.c (which channel transfers when), dma_transfer.c (what a
 * transfer does) and dma_feed.c (devices that take words themselves). */
#ifndef ONCHIP_DMA_PRIVATE_H
#define ONCHIP_DMA_PRIVATE_H

#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/registers/dma.h"

#define START_CYCLES 3
#define BATCH 1024
#define DMA_MAX_CREDITS 63
#define TREQ_TIMER0 0x3b
#define TREQ_PERMANENT 0x3f

#define EN DMA_CH0_CTRL_TRIG_EN
#define DATA_SIZE DMA_CH0_CTRL_TRIG_DATA_SIZE
#define INCR_READ DMA_CH0_CTRL_TRIG_INCR_READ
#define READ_ERROR DMA_CH0_CTRL_TRIG_READ_ERROR
#define WRITE_ERROR DMA_CH0_CTRL_TRIG_WRITE_ERROR

enum { MODE_NORMAL = 0, MODE_TRIGGER_SELF = 1, MODE_ENDLESS = 15 };

/* Requests of this number are counted: by pulse or timer. */
static inline bool dma_by_credit(const struct dma *dma, unsigned treq) {
    return treq >= TREQ_TIMER0 || dma->pulse_dreqs >> treq & 1;
}

static inline unsigned dma_mode_of(const struct dma *dma, const struct dma_channel *ch) {
    return dma->variant->has_modes ? field_get(ch->reload, DMA_CH0_TRANS_COUNT_MODE) : MODE_NORMAL;
}

static inline uint32_t dma_step(uint32_t size, bool increment, bool reverse) {
    if (increment) {
        return reverse ? -size : size;
    }
    return reverse ? 2 * size : 0;
}

static inline uint32_t dma_read_step(const struct dma *dma, const struct dma_channel *ch, uint32_t size) {
    return dma_step(size, ch->control & INCR_READ, ch->control & dma->variant->incr_read_rev);
}

static inline uint32_t dma_write_step(const struct dma *dma, const struct dma_channel *ch, uint32_t size) {
    return dma_step(size, ch->control & dma->variant->incr_write, ch->control & dma->variant->incr_write_rev);
}

/* A channel has made so many transfers. */
static inline void dma_advance(const struct dma *dma, struct dma_channel *ch, uint32_t size, uint32_t transfers) {
    uint32_t mask = ch->ring ? (1u << ch->ring) - 1 : UINT32_MAX;
    bool write_rings = ch->control & dma->variant->ring_sel;
    uint32_t read_mask = write_rings ? UINT32_MAX : mask;
    uint32_t write_mask = write_rings ? mask : UINT32_MAX;
    uint32_t read = ch->read_address + transfers * dma_read_step(dma, ch, size);
    uint32_t write = ch->write_address + transfers * dma_write_step(dma, ch, size);
    ch->read_address = (ch->read_address & ~read_mask) | (read & read_mask);
    ch->write_address = (ch->write_address & ~write_mask) | (write & write_mask);
    if (dma_mode_of(dma, ch) != MODE_ENDLESS) {
        ch->count -= transfers;
    }
}

/* Whoever takes words by dma_feed_take() takes those that are due. */
static inline void dma_tell_fed(struct dma *dma, bool changes) {
    if (dma->busy && dma->feeds_look) {
        dma->feeds_look(dma->feeds_context, changes);
    }
}

/* ---- dma.c ---- */
/* The registers of a channel follow its state. */
void dma_show_channel(struct dma *dma, unsigned number);
/* Its block is over: interrupt and chain. */
void dma_complete(struct dma *dma, unsigned number);
/* A bus error at `address`. */
void dma_fail(struct dma *dma, unsigned number, uint32_t error, uint32_t address);

/* ---- dma_run.c ---- */
/* Bring the DMA up to the present (in an event: to when that was due), before something changes its state from
 * outside; and afterwards: its event may lie elsewhere. */
void dma_work_off(struct dma *dma);
void dma_go_on(struct dma *dma);
/* Has nothing been transferred since, and will the event that is there come in time? Then time alone moves on. */
bool dma_stands_still(struct dma *dma);
/* The channels that could transfer in this cycle. */
uint32_t dma_ready_channels(const struct dma *dma, uint64_t cycle);
/* The follower that a channel carries words for, while it does nothing else; NULL: none. */
const struct dma_follower *dma_follower_of(const struct dma *dma, const struct dma_channel *ch);

/* ---- dma_transfer.c ---- */
/* One transfer; false when the channel has stopped with an error. `calm`: a follower that channels carry words for, in
 * a row; else NULL. */
bool dma_transfer_one(struct dma *dma, unsigned number, const struct dma_follower *calm);
/* Up to `limit` transfers between memories at once; 0 when it is not that simple. */
uint32_t dma_transfer_batch(struct dma *dma, struct dma_channel *ch, uint64_t limit);
/* The cores hear of the memory that has been written. */
void dma_tell_written(struct dma *dma);
/* Host address of all that `transfers` reach at one side, NULL when it is not plain memory. */
uint8_t *dma_span(const struct dma *dma, uint32_t address, uint32_t step, unsigned size, uint32_t transfers,
                  bool for_write);

#endif
