/* What a transfer of the DMA does: an item moves from one address to another. RP2040 datasheet 2.5, RP2350 datasheet
 * 12.6. */
#include "peripherals/onchip/dma_private.h"
#include "peripherals/onchip/dma_sniffer.h"

#include <string.h>

#define OUT_OF_REACH 0xd0000000u

static bool load_item(struct dma *dma, uint32_t address, unsigned size, uint32_t *ret_data) {
    *ret_data = 0;
    if (address & (size - 1) || address >= OUT_OF_REACH) {
        return false;
    }
    const uint8_t *memory = bus_memory_at(dma->bus, address, size, false);
    if (!memory) {
        return bus_read(dma->bus, address, size, ret_data);
    }
    memcpy(ret_data, memory, size);
    return true;
}

void dma_tell_written(struct dma *dma) {
    if (dma->written_size && dma->memory_written) {
        dma->memory_written(dma->memory_context, dma->written, dma->written_size);
    }
    dma->written_size = 0;
}

/* The cores are told of it before they run on: in one piece where that is possible. */
static void note_written(struct dma *dma, uint32_t address, uint32_t size) {
    uint32_t offset = address - dma->written;
    bool inside = offset < dma->written_size && size <= dma->written_size - offset;
    if (inside) {
        return;
    }
    if (!dma->written_size || offset != dma->written_size) {
        dma_tell_written(dma);
        dma->written = address;
    }
    dma->written_size += size;
}

static bool store_item(struct dma *dma, uint32_t address, unsigned size, uint32_t data) {
    if (address & (size - 1) || address >= OUT_OF_REACH) {
        return false;
    }
    uint8_t *memory = bus_memory_at(dma->bus, address, size, true);
    if (!memory) {
        return bus_memory_at(dma->bus, address, size, false) ? !bus_refuses(dma->bus, address)
                                                             : bus_write(dma->bus, address, data, size);
    }
    memcpy(memory, &data, size);
    note_written(dma, address, size);
    return true;
}

static void sniff_item(struct dma *dma, unsigned number, uint32_t data, unsigned size) {
    uint32_t control = dma->block.values[DMA_SNIFF_CTRL];
    uint32_t *sum = &dma->block.values[DMA_SNIFF_DATA];
    if (control & DMA_SNIFF_CTRL_EN && field_get(control, DMA_SNIFF_CTRL_DMACH) == number) {
        *sum = dma_sniff(control, *sum, data, size);
    }
}

bool dma_transfer_one(struct dma *dma, unsigned number, const struct dma_follower *calm) {
    struct dma_channel *ch = &dma->channels[number];
    unsigned size = 1u << (field_get(ch->control, DATA_SIZE) % 3);
    uint32_t from = ch->read_address, to = ch->write_address, data;
    if (calm && ch->treq == calm->rx) {
        data = calm->get(calm->context) & (UINT32_MAX >> (32 - 8 * size));
    } else if (!load_item(dma, from, size, &data)) {
        dma_fail(dma, number, READ_ERROR, from);
        return false;
    }
    if (ch->control & dma->variant->bswap) {
        data = dma_swap_bytes(data, size);
    }
    if (ch->control & dma->variant->sniff_en) {
        sniff_item(dma, number, data, size);
    }
    if (dma_by_credit(dma, ch->treq) && ch->credits) {
        ch->credits--;
    }
    dma_advance(dma, ch, size, 1); /* before the store, which may set this channel up anew */
    if (calm && ch->treq == calm->tx) {
        calm->put(calm->context, bus_replicate(data, size));
    } else if (!store_item(dma, to, size, data)) {
        dma_fail(dma, number, WRITE_ERROR, to);
        return false;
    }
    return true;
}

uint8_t *dma_span(const struct dma *dma, uint32_t address, uint32_t step, unsigned size, uint32_t transfers,
                  bool for_write) {
    if (address & (size - 1) || (step && step != size)) {
        return NULL;
    }
    return bus_memory_at(dma->bus, address, step ? transfers * size : size, for_write);
}

static void copy_items(uint8_t *to, uint32_t to_step, const uint8_t *from, uint32_t from_step, unsigned size,
                       uint32_t transfers) {
    uint32_t bytes = transfers * size;
    if (to_step && from_step && (to + bytes <= from || from + bytes <= to)) {
        memcpy(to, from, bytes);
        return;
    }
    for (uint32_t i = 0; i < transfers; i++) { /* item by item, also where the two overlap */
        memcpy(to + i * to_step, from + i * from_step, size);
    }
}

uint32_t dma_transfer_batch(struct dma *dma, struct dma_channel *ch, uint64_t limit) {
    const uint32_t special = dma->variant->ring_size | dma->variant->bswap | dma->variant->sniff_en;
    unsigned size = 1u << (field_get(ch->control, DATA_SIZE) % 3);
    uint32_t from_step = dma_read_step(dma, ch, size), to_step = dma_write_step(dma, ch, size);
    uint32_t transfers = ch->count < limit ? ch->count : (uint32_t)limit;
    transfers = transfers < BATCH ? transfers : BATCH;
    if (transfers < 2 || ch->control & special) {
        return 0;
    }
    uint8_t *to = dma_span(dma, ch->write_address, to_step, size, transfers, true);
    const uint8_t *from = dma_span(dma, ch->read_address, from_step, size, transfers, false);
    if (!to || !from) {
        return 0;
    }
    copy_items(to, to_step, from, from_step, size, transfers);
    note_written(dma, ch->write_address, to_step ? transfers * size : size);
    dma_advance(dma, ch, size, transfers);
    return transfers;
}
