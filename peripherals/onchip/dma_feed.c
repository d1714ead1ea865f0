/* Devices that take the words for their FIFOs from the DMA themselves, all but the last of a block; no cycles of the
 * DMA are counted for those. */
#include "peripherals/onchip/dma_private.h"

#include <string.h>

static bool feeds_fifo(const struct dma *dma, const struct dma_channel *ch, uint32_t address) {
    unsigned size = 1u << (field_get(ch->control, DATA_SIZE) % 3);
    bool plain = !(ch->control & (dma->variant->bswap | dma->variant->sniff_en)) && !dma_write_step(dma, ch, size);
    return plain && ch->control & EN && ch->write_address == address && size == 4 && ch->earliest <= dma->cycle &&
           dma_mode_of(dma, ch) == MODE_NORMAL;
}

/* The channel that brings words to this FIFO and does nothing else, while all others wait for requests too. */
static struct dma_channel *feeder_of(struct dma *dma, unsigned dreq, uint32_t address) {
    struct dma_channel *feeder = NULL;
    for (uint32_t rest = dma->busy; rest; rest &= rest - 1) {
        struct dma_channel *ch = &dma->channels[__builtin_ctz(rest)];
        unsigned treq = ch->treq;
        if (dma_by_credit(dma, treq) || (treq == dreq && feeder)) {
            return NULL;
        }
        feeder = treq == dreq ? ch : feeder;
    }
    return feeder && feeds_fifo(dma, feeder, address) ? feeder : NULL;
}

unsigned dma_feed_available(void *context, unsigned dreq, uint32_t address) {
    const struct dma_channel *ch = feeder_of(context, dreq, address);
    return ch && ch->count ? ch->count - 1 : 0;
}

bool dma_feed_take(void *context, unsigned dreq, uint32_t address, uint32_t *ret_word) {
    struct dma *dma = context;
    struct dma_channel *ch = feeder_of(dma, dreq, address);
    const uint8_t *from =
        ch && ch->count > 1 && !(ch->read_address & 3) ? bus_memory_at(dma->bus, ch->read_address, 4, false) : NULL;
    if (!from) {
        return false;
    }
    memcpy(ret_word, from, 4);
    dma_advance(dma, ch, 4, 1);
    return true;
}

bool dma_feed_skip(void *context, unsigned dreq, uint32_t address, unsigned words) {
    struct dma *dma = context;
    struct dma_channel *ch = feeder_of(dma, dreq, address);
    if (!ch || ch->count <= words || ch->control & dma->variant->ring_size ||
        !dma_span(dma, ch->read_address, dma_read_step(dma, ch, 4), 4, ch->count, false)) {
        return false;
    }
    dma_advance(dma, ch, 4, words);
    return true;
}
