/* XIP_CTRL: RP2040 datasheet 2.6.3, RP2350 datasheet 4.4.
 *
 * The cache itself is not modelled: XIP windows are memory that the cores reach directly, always coherent with the
 * flash. So a flush is done at once, CTR_ACC and CTR_HIT count only what the machine reports, POWER_DOWN, EN and the
 * RP2350's controls of Non-secure access are kept and do nothing, and the cache's RAM (0x15000000) is there whether
 * the cache is enabled or lines are pinned or not. The streaming FIFO is filled without delay, so that a stream
 * goes as fast as it is read. */
#include "peripherals/onchip/xip_ctrl.h"

#include <stdlib.h>

#define REFUSALS (XIP_CTRL_CTRL_ERR_BADWRITE | XIP_CTRL_CTRL_WRITABLE_M0 | XIP_CTRL_CTRL_WRITABLE_M1)

static void xip_ctrl_update(struct xip_ctrl *xip) {
    line_set(&xip->dreq_stream, xip->level > 0);
}

/* Fetch ahead while there is room. */
static void stream(struct xip_ctrl *xip) {
    uint32_t *values = xip->block.values;
    while (values[XIP_CTRL_STREAM_CTR] && xip->level < XIP_STREAM_FIFO) {
        uint32_t word = 0;
        if (!xip->fetch || !xip->fetch(xip->context, values[XIP_CTRL_STREAM_ADDR], &word)) {
            log_write(xip->block.env->log, LOG_GUEST, xip->block.name, "stream from 0x%08x, where there is no flash",
                      values[XIP_CTRL_STREAM_ADDR]);
        }
        xip->fifo[xip->level++] = word;
        values[XIP_CTRL_STREAM_ADDR] += 4;
        values[XIP_CTRL_STREAM_CTR]--;
    }
    xip_ctrl_update(xip);
}

uint32_t xip_ctrl_stream_pop(struct xip_ctrl *xip) {
    if (!xip->level) {
        return 0;
    }
    uint32_t word = xip->fifo[0];
    xip->fifo[0] = xip->fifo[1];
    xip->level--;
    stream(xip);
    return word;
}

uint32_t xip_aux_window_read(void *context, uint32_t offset, unsigned size) {
    return offset < 4 ? xip_ctrl_stream_pop(context) : 0;
}

void xip_aux_window_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
}

uint32_t xip_maintenance_window_read(void *context, uint32_t offset, unsigned size) {
    return 0;
}

void xip_maintenance_window_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
}

/* The RP2350 asks for each chip select; on the RP2040 the cached, allocating window takes (and loses) stores always. */
bool xip_ctrl_refuses(const struct xip_ctrl *xip, uint32_t address) {
    bool by_select = xip->block.registers->descs[XIP_CTRL_CTRL].writable & XIP_CTRL_CTRL_WRITABLE_M0;
    uint32_t control = xip->block.values[XIP_CTRL_CTRL], window = address >> 24 & 3;
    if (by_select) {
        return !(control & (window & 1 ? XIP_CTRL_CTRL_WRITABLE_M1 : XIP_CTRL_CTRL_WRITABLE_M0));
    }
    return window && control & XIP_CTRL_CTRL_ERR_BADWRITE;
}

static uint32_t saturating_add(uint32_t a, uint32_t b) {
    return a > UINT32_MAX - b ? UINT32_MAX : a + b;
}

void xip_ctrl_count(struct xip_ctrl *xip, uint32_t accesses, uint32_t hits) {
    uint32_t *values = xip->block.values;
    values[XIP_CTRL_CTR_ACC] = saturating_add(values[XIP_CTRL_CTR_ACC], accesses);
    values[XIP_CTRL_CTR_HIT] = saturating_add(values[XIP_CTRL_CTR_HIT], hits);
}

static uint32_t read_status(const struct xip_ctrl *xip) {
    /* The RP2350 has no FLUSH register, and maintenance is done when its store ends. */
    bool has_flush = xip->block.registers->descs[XIP_CTRL_FLUSH].name;
    return (has_flush ? XIP_CTRL_STAT_FLUSH_READY : 0) | (xip->level ? 0 : XIP_CTRL_STAT_FIFO_EMPTY) |
           (xip->level == XIP_STREAM_FIFO ? XIP_CTRL_STAT_FIFO_FULL : 0);
}

static uint32_t xip_ctrl_read(struct block *block, unsigned reg) {
    struct xip_ctrl *xip = (struct xip_ctrl *)block;
    switch (reg) {
    case XIP_CTRL_STAT:
        return read_status(xip);
    case XIP_CTRL_STREAM_FIFO:
        return xip_ctrl_stream_pop(xip);
    case XIP_CTRL_CTR_HIT:
    case XIP_CTRL_CTR_ACC:
        if (!block->values[reg]) {
            block_report_stub(block, block->registers->descs[reg].offset, false);
        }
        return block->values[reg];
    default:
        return block->values[reg];
    }
}

static void control_changed(struct xip_ctrl *xip) {
    if (xip->control_changed) {
        xip->control_changed(xip->control_context);
    }
}

static void xip_ctrl_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct xip_ctrl *xip = (struct xip_ctrl *)block;
    switch (reg) {
    case XIP_CTRL_CTRL:
        if ((block->values[reg] ^ old) & REFUSALS) {
            control_changed(xip);
        }
        break;
    case XIP_CTRL_CTR_HIT:
    case XIP_CTRL_CTR_ACC:
        block->values[reg] = 0; /* whatever is written */
        break;
    case XIP_CTRL_STREAM_CTR:
        stream(xip);
        break;
    default:
        break;
    }
}

static void xip_ctrl_reset(struct block *block) {
    struct xip_ctrl *xip = (struct xip_ctrl *)block;
    xip->level = 0;
    xip_ctrl_update(xip);
    control_changed(xip);
}

static void xip_ctrl_init(struct block *block) {
    struct xip_ctrl *xip = (struct xip_ctrl *)block;
    xip->sram = aligned_alloc(4096, XIP_SRAM_SIZE);
    for (unsigned i = 0; xip->sram && i < XIP_SRAM_SIZE; i++) {
        xip->sram[i] = 0;
    }
}

static void xip_ctrl_finish(struct block *block) {
    free(((struct xip_ctrl *)block)->sram);
}

const struct block_class xip_ctrl_class = {
    .name = "xip_ctrl",
    .size = sizeof(struct xip_ctrl),
    .init = xip_ctrl_init,
    .finish = xip_ctrl_finish,
    .reset = xip_ctrl_reset,
    .read = xip_ctrl_read,
    .write = xip_ctrl_write,
};
