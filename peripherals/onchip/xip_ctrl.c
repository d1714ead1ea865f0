/* XIP_CTRL: RP2040 datasheet 2.6.3, RP2350 datasheet 4.4.
 *
 * The cache decides how long code waits for the flash (xip_cache.c). Loads and DMA reads of the flash do not come by
 * here: they take no time and leave the cache as it is. XIP windows are always coherent with the flash.
 *
 * While the controller or the flash chip cannot serve reads, code that is not in the cache gets a bus error (RP2350,
 * direct mode), or a `guest` line, and what it would have read otherwise.
 *
 * Not modelled: how long a flush takes; hits, so that CTR_HIT stays 0 and CTR_ACC counts the misses of code alone;
 * SPLIT_WAYS and the RP2350's controls of Non-secure access, which are kept and do nothing. The RP2350's cache is there
 * as memory (0x13ffc000) whether lines are pinned for that or not. The streaming FIFO is filled without delay, so that
 * a stream goes as fast as it is read. */
#include "peripherals/onchip/xip_ctrl.h"

#include <stdlib.h>

#define REFUSALS (XIP_CTRL_CTRL_ERR_BADWRITE | XIP_CTRL_CTRL_WRITABLE_M0 | XIP_CTRL_CTRL_WRITABLE_M1)
#define QMI_SPACE 0x02000000u     /* of the RP2350's XIP space; what is above has no flash behind it */
#define XIP_SPACE_END 0x14000000u /* of the RP2040's windows */

static bool is_rp2350(const struct xip_ctrl *xip) {
    return xip->block.registers->descs[XIP_CTRL_CTRL].writable & XIP_CTRL_CTRL_WRITABLE_M0;
}

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

/* ---- The cache ---- */

static bool is_enabled(const struct xip_ctrl *xip) {
    return xip->block.values[XIP_CTRL_CTRL] & XIP_CTRL_CTRL_EN; /* the RP2350's EN_SECURE is the same bit */
}

/* How an address asks the cache, and whether what it misses is kept. */
static void find_policy(const struct xip_ctrl *xip, uint32_t address, bool *ret_looks, bool *ret_keeps) {
    if (is_rp2350(xip)) {
        *ret_looks = *ret_keeps = !(address & XIP_CACHE_SPACE) && is_enabled(xip);
    } else {
        *ret_looks = !(address & 0x02000000) && is_enabled(xip);
        *ret_keeps = !(address & 0x01000000) && is_enabled(xip);
    }
}

static bool is_flash(const struct xip_ctrl *xip, uint32_t address) {
    return is_rp2350(xip) ? address % XIP_CACHE_SPACE < QMI_SPACE : address < XIP_SPACE_END;
}

/* The RP2040 tells its windows apart by bits 25 and 24: they are none of the flash's address. */
static uint32_t offset_of(const struct xip_ctrl *xip, uint32_t address) {
    return is_rp2350(xip) ? address % XIP_CACHE_SPACE : address & 0xffffff;
}

/* The flash is about to be read. False: a bus error. One `guest` line while the same thing is in the way. */
static bool may_read(struct xip_ctrl *xip, uint32_t address) {
    bool is_error = false;
    const char *obstacle = xip->obstacle ? xip->obstacle(xip->obstacle_context, &is_error) : NULL;
    if (obstacle && !xip->reported) {
        log_write(xip->block.env->log, LOG_GUEST, xip->block.name, "code is fetched from 0x%08x while %s", address,
                  obstacle);
    }
    xip->reported = obstacle;
    return !is_error;
}

unsigned xip_ctrl_fetch(struct xip_ctrl *xip, uint32_t address, uint64_t now, bool *ret_stays) {
    bool looks, keeps;
    uint32_t offset = offset_of(xip, address);
    *ret_stays = !is_flash(xip, address);
    if (*ret_stays) {
        return 0;
    }
    find_policy(xip, address, &looks, &keeps);
    if (looks && xip_cache_holds(&xip->cache, offset)) {
        *ret_stays = keeps;
        return 0;
    }
    if (!may_read(xip, address)) {
        *ret_stays = false;
        return XIP_BUS_ERROR;
    }
    bool is_kept = keeps && xip_cache_fill(&xip->cache, offset);
    *ret_stays = looks && is_kept;
    xip_ctrl_count(xip, 1, 0);
    unsigned size = is_kept && !xip->cache.halves ? XIP_CACHE_LINE : 4;
    return xip->read_cycles ? xip->read_cycles(xip->read_context, address & ~(size - 1), size, now) : 0;
}

bool xip_ctrl_shows_sram(const struct xip_ctrl *xip) {
    return is_rp2350(xip) || !is_enabled(xip);
}

bool xip_ctrl_writes_second(const struct xip_ctrl *xip) {
    return is_rp2350(xip) && xip->block.values[XIP_CTRL_CTRL] & XIP_CTRL_CTRL_WRITABLE_M1;
}

uint32_t xip_maintenance_window_read(void *context, uint32_t offset, unsigned size) {
    return 0;
}

/* Nothing is ever dirty: to clean is to do nothing. */
void xip_maintenance_window_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
    struct xip_ctrl *xip = context;
    enum { INVALIDATE_WAY = 0, INVALIDATE = 2, PIN = 7 };
    switch (offset % XIP_CACHE_LINE) {
    case INVALIDATE_WAY:
        xip_cache_invalidate_way(&xip->cache, offset);
        break;
    case INVALIDATE:
        xip_cache_invalidate(&xip->cache, offset);
        break;
    case PIN:
        xip_cache_pin(&xip->cache, offset);
        break;
    default:
        break;
    }
}

/* The RP2350 asks for each chip select; on the RP2040 the cached, allocating window takes (and loses) stores always. */
bool xip_ctrl_refuses(const struct xip_ctrl *xip, uint32_t address) {
    uint32_t control = xip->block.values[XIP_CTRL_CTRL], window = address >> 24 & 3;
    if (is_rp2350(xip)) {
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
        block_report_stub(block, block->registers->descs[reg].offset, false);
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

static void write_control(struct xip_ctrl *xip, uint32_t old) {
    uint32_t *control = &xip->block.values[XIP_CTRL_CTRL];
    uint32_t enables = XIP_CTRL_CTRL_EN | (is_rp2350(xip) ? XIP_CTRL_CTRL_EN_NONSECURE : 0);
    if (*control & XIP_CTRL_CTRL_POWER_DOWN) {
        *control &= ~enables;
    }
    if ((*control ^ old) & XIP_CTRL_CTRL_EN && xip->all_lost) {
        xip->all_lost(xip->lost_context);
    }
    if ((*control ^ old) & (REFUSALS | XIP_CTRL_CTRL_EN)) {
        control_changed(xip);
    }
}

static void xip_ctrl_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct xip_ctrl *xip = (struct xip_ctrl *)block;
    switch (reg) {
    case XIP_CTRL_CTRL:
        write_control(xip, old);
        break;
    case XIP_CTRL_FLUSH:
        if (value & XIP_CTRL_FLUSH_BITS) {
            xip_cache_flush(&xip->cache);
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
    xip_cache_flush(&xip->cache);
    if (xip->all_lost) {
        xip->all_lost(xip->lost_context);
    }
    xip_ctrl_update(xip);
    control_changed(xip);
}

static void xip_ctrl_init(struct block *block) {
    struct xip_ctrl *xip = (struct xip_ctrl *)block;
    xip->cache.halves = !is_rp2350(xip);
    xip->cache.random = block->random;
    xip->sram = aligned_alloc(4096, XIP_SRAM_SIZE);
    for (unsigned i = 0; xip->sram && i < XIP_SRAM_SIZE; i++) {
        xip->sram[i] = 0;
    }
}

static void xip_ctrl_finish(struct block *block) {
    free(((struct xip_ctrl *)block)->sram);
}

static void xip_ctrl_walk(struct block *block, struct walk *walk) {
    struct xip_ctrl *xip = (struct xip_ctrl *)block;
    walk_bytes(walk, xip->sram, xip->sram ? XIP_SRAM_SIZE : 0);
    xip_cache_walk(&xip->cache, walk);
    line_walk(&xip->dreq_stream, walk);
    walk_u32s(walk, xip->fifo, XIP_STREAM_FIFO);
    walk_below(walk, &xip->level, XIP_STREAM_FIFO + 1);
    walk_bool(walk, &xip->reported);
}

/* Whether the cache is there as memory, and where stores are faults, is by the registers. */
static void xip_ctrl_restored(struct block *block) {
    control_changed((struct xip_ctrl *)block);
}

const struct block_class xip_ctrl_class = {
    .name = "xip_ctrl",
    .size = sizeof(struct xip_ctrl),
    .init = xip_ctrl_init,
    .finish = xip_ctrl_finish,
    .reset = xip_ctrl_reset,
    .read = xip_ctrl_read,
    .write = xip_ctrl_write,
    .walk = xip_ctrl_walk,
    .restored = xip_ctrl_restored,
};
