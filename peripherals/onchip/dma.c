/* DMA controller: its registers and the life of its channels. RP2040 datasheet 2.5, RP2350 datasheet 12.6.
 *
 * What a transfer does is in dma_transfer.c, when it happens in dma_run.c.
 *
 * Not modelled: wait states and contention with the cores, the FIFOs inside (FIFO_LEVELS reads 0), what Secure and
 * privilege attributes and the memory protection of the RP2350 forbid (SECCFG_*, MPU_* read back, LOCK locks), errata.
 *
 * Decided: a store to read-only memory is lost without error. A trigger with TRANS_COUNT 0 completes at once
 * and chains to nobody. An abort ends a channel at once, without interrupt, and CHAN_ABORT reads 0. The DREQ counter
 * that the debug register shows holds requests by pulse or timer alone. SIO and the cores' private bus are out of the
 * DMA's reach. */
#include "peripherals/onchip/dma_private.h"
#include "peripherals/onchip/dma_sniffer.h"

#define CHANNEL_REGISTERS (DMA_CH1_READ_ADDR - DMA_CH0_READ_ADDR)
#define DEBUG_REGISTERS (DMA_CH1_DBG_CTDREQ - DMA_CH0_DBG_CTDREQ)
#define IRQ_REGISTERS (DMA_INTR1 - DMA_INTR)

#define AHB_ERROR DMA_CH0_CTRL_TRIG_AHB_ERROR

#define VARIANT(chip)                                                                                                  \
    .incr_write = chip##_DMA_CH0_CTRL_TRIG_INCR_WRITE, .ring_size = chip##_DMA_CH0_CTRL_TRIG_RING_SIZE,                \
    .ring_sel = chip##_DMA_CH0_CTRL_TRIG_RING_SEL, .chain_to = chip##_DMA_CH0_CTRL_TRIG_CHAIN_TO,                      \
    .treq_sel = chip##_DMA_CH0_CTRL_TRIG_TREQ_SEL, .irq_quiet = chip##_DMA_CH0_CTRL_TRIG_IRQ_QUIET,                    \
    .bswap = chip##_DMA_CH0_CTRL_TRIG_BSWAP, .sniff_en = chip##_DMA_CH0_CTRL_TRIG_SNIFF_EN,                            \
    .busy = chip##_DMA_CH0_CTRL_TRIG_BUSY

const struct dma_variant rp2040_dma = { .channels = 12, .irqs = 2, VARIANT(RP2040) };
const struct dma_variant rp2350_dma = {
    .channels = 16,
    .irqs = 4,
    .has_modes = true,
    .incr_read_rev = DMA_CH0_CTRL_TRIG_INCR_READ_REV,
    .incr_write_rev = DMA_CH0_CTRL_TRIG_INCR_WRITE_REV,
    VARIANT(RP2350),
};

static struct dma *dma_of(struct block *block) {
    return (struct dma *)block;
}

/* ---- Outputs ---- */
static void dma_update(struct dma *dma) {
    const uint32_t *values = dma->block.values;
    for (unsigned irq = 0; irq < dma->variant->irqs; irq++) {
        uint32_t enabled = values[DMA_INTE0 + irq * IRQ_REGISTERS];
        uint32_t forced = values[DMA_INTF0 + irq * IRQ_REGISTERS];
        line_set(&dma->block.irq[irq], (values[DMA_INTR] & enabled) | forced);
    }
}

/* Which data of a channel each of its sixteen registers shows; every fourth register triggers. */
enum field { READ, WRITE, COUNT, CONTROL };
static const uint8_t field_of[16] = { READ,    WRITE, COUNT, CONTROL, CONTROL, READ,  WRITE, COUNT,
                                      CONTROL, COUNT, READ,  WRITE,   CONTROL, WRITE, COUNT, READ };

/* The stored values of all aliases, on which the atomic accesses of the bus work. */
void dma_show_channel(struct dma *dma, unsigned number) {
    const struct dma_channel *ch = &dma->channels[number];
    const uint32_t data[] = { ch->read_address, ch->write_address, ch->reload, ch->control };
    uint32_t *values = &dma->block.values[DMA_CH0_READ_ADDR + number * CHANNEL_REGISTERS];
    for (unsigned i = 0; i < CHANNEL_REGISTERS; i++) {
        values[i] = data[field_of[i]];
    }
}

/* ---- The life of a channel ---- */
static void listen_for_requests(struct dma *dma) {
    uint64_t before = dma->listening;
    dma->listening = 0;
    dma->followed = 0;
    for (uint32_t rest = dma->busy; rest; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctz(rest);
        struct dma_channel *ch = &dma->channels[number];
        dma->listening |= UINT64_C(1) << ch->treq;
        ch->follower = dma_follower_of(dma, ch);
        dma->followed |= ch->follower ? 1u << number : 0;
    }
    if (((before ^ dma->listening) & dma->pulse_dreqs) && dma->wants_pulses) {
        dma->wants_pulses(dma->pulse_context, dma->listening & dma->pulse_dreqs);
    }
}

static uint32_t transfers_of(const struct dma *dma, const struct dma_channel *ch) {
    return dma->variant->has_modes ? field_get(ch->reload, DMA_CH0_TRANS_COUNT_COUNT) : ch->reload;
}

static void start_channel(struct dma *dma, unsigned number) {
    struct dma_channel *ch = &dma->channels[number];
    dma_tell_fed(dma, true);
    if (!(ch->control & EN) || dma->busy >> number & 1) {
        return;
    }
    ch->count = transfers_of(dma, ch);
    ch->credits = 0;
    ch->earliest = dma->cycle + START_CYCLES;
    dma->busy |= 1u << number;
    ch->control |= dma->variant->busy;
    if (!ch->count) {
        dma_complete(dma, number);
    }
    listen_for_requests(dma);
    dma_show_channel(dma, number);
}

static void stop_channel(struct dma *dma, unsigned number) {
    dma_tell_fed(dma, true);
    dma->busy &= ~(1u << number);
    dma->channels[number].control &= ~dma->variant->busy;
    listen_for_requests(dma);
    dma_show_channel(dma, number);
}

static void raise_irq(struct dma *dma, unsigned number) {
    dma->block.values[DMA_INTR] |= 1u << number;
    dma_update(dma);
}

void dma_complete(struct dma *dma, unsigned number) {
    struct dma_channel *ch = &dma->channels[number];
    unsigned next = field_get(ch->control, dma->variant->chain_to);
    stop_channel(dma, number);
    if (!(ch->control & dma->variant->irq_quiet)) {
        raise_irq(dma, number);
    }
    if (!transfers_of(dma, ch)) { /* a ring of empty channels would never end */
        return;
    }
    if (dma_mode_of(dma, ch) == MODE_TRIGGER_SELF) {
        start_channel(dma, number);
    }
    if (next != number && next < dma->variant->channels) {
        start_channel(dma, next);
    }
}

void dma_fail(struct dma *dma, unsigned number, uint32_t error, uint32_t address) {
    log_write(dma->block.env->log, LOG_GUEST, dma->block.name, "channel %u: nothing to %s at 0x%08x", number,
              error == READ_ERROR ? "read" : "write", address);
    dma->channels[number].control |= error | AHB_ERROR;
    stop_channel(dma, number);
    raise_irq(dma, number);
}

/* ---- Registers ---- */
static uint32_t channel_read(const struct dma *dma, unsigned number, unsigned index) {
    const struct dma_channel *ch = &dma->channels[number];
    switch (field_of[index]) {
    case READ:
        return ch->read_address;
    case WRITE:
        return ch->write_address;
    case COUNT:
        return dma->variant->has_modes ? ch->count | (ch->reload & DMA_CH0_TRANS_COUNT_MODE) : ch->count;
    default:
        return ch->control;
    }
}

static uint32_t irq_status(const struct dma *dma, unsigned irq) {
    const uint32_t *values = dma->block.values;
    return (values[DMA_INTR] & values[DMA_INTE0 + irq * IRQ_REGISTERS]) | values[DMA_INTF0 + irq * IRQ_REGISTERS];
}

/* CTRL changes with the ends of channels, which have an event. */
static bool waits_for_event(const struct dma *dma, unsigned reg) {
    bool is_control = reg < DMA_CHANNELS * CHANNEL_REGISTERS && field_of[reg % CHANNEL_REGISTERS] == CONTROL;
    return is_control && (!dma->event.pending || dma->event.when_ps > scheduler_now(dma->block.env->scheduler));
}

static uint32_t dma_read(struct block *block, unsigned reg) {
    struct dma *dma = dma_of(block);
    if (dma->busy && !waits_for_event(dma, reg)) {
        dma_tell_fed(dma, false);
        if (!dma_stands_still(dma)) {
            dma_work_off(dma);
            dma_go_on(dma);
        }
    }
    if (reg < DMA_CHANNELS * CHANNEL_REGISTERS) {
        return channel_read(dma, reg / CHANNEL_REGISTERS, reg % CHANNEL_REGISTERS);
    }
    if (reg - DMA_INTR < 4 * IRQ_REGISTERS) {
        unsigned irq = (reg - DMA_INTR) / IRQ_REGISTERS;
        unsigned which = (reg - DMA_INTR) % IRQ_REGISTERS;
        return which == 0 ? block->values[DMA_INTR] : which == 3 ? irq_status(dma, irq) : block->values[reg];
    }
    if (reg - DMA_CH0_DBG_CTDREQ < DMA_CHANNELS * DEBUG_REGISTERS) {
        const struct dma_channel *ch = &dma->channels[(reg - DMA_CH0_DBG_CTDREQ) / DEBUG_REGISTERS];
        return (reg - DMA_CH0_DBG_CTDREQ) % DEBUG_REGISTERS ? ch->reload : ch->credits;
    }
    switch (reg) {
    case DMA_N_CHANNELS:
        return dma->variant->channels;
    case DMA_SNIFF_DATA:
        return dma_sniff_result(block->values[DMA_SNIFF_CTRL], block->values[reg]);
    case DMA_CHAN_ABORT:
    case DMA_FIFO_LEVELS:
        return 0;
    default:
        return block->values[reg];
    }
}

/* Addresses and counts move between the events; the rest changes with them. */
static uint64_t dma_holds_until(struct block *block, unsigned reg) {
    struct dma *dma = dma_of(block);
    bool moves = reg < DMA_CHANNELS * CHANNEL_REGISTERS && field_of[reg % CHANNEL_REGISTERS] != CONTROL;
    return dma->busy && (moves || reg == DMA_SNIFF_DATA) ? 0 : TIME_NEVER;
}

static void decode_control(const struct dma *dma, struct dma_channel *ch) {
    ch->treq = (uint8_t)field_get(ch->control, dma->variant->treq_sel);
    ch->ring = (uint8_t)field_get(ch->control, dma->variant->ring_size);
}

/* CTRL: `value` with the bits that are written; errors are cleared by a 1. */
static void write_channel_control(struct dma *dma, unsigned number, uint32_t value) {
    struct dma_channel *ch = &dma->channels[number];
    const struct register_desc *desc = &dma->block.registers->descs[DMA_CH0_CTRL_TRIG + number * CHANNEL_REGISTERS];
    uint32_t writable = desc->writable & ~dma->variant->busy;
    uint32_t errors = ch->control & (READ_ERROR | WRITE_ERROR) & ~value;
    ch->control = (ch->control & dma->variant->busy) | (value & writable) | errors | (errors ? AHB_ERROR : 0);
    decode_control(dma, ch);
}

static void channel_write(struct dma *dma, unsigned number, unsigned index, uint32_t value) {
    struct dma_channel *ch = &dma->channels[number];
    dma->block.values[DMA_SECCFG_CH0 + number] |= dma->variant->has_modes ? DMA_SECCFG_CH0_LOCK : 0;
    switch (field_of[index]) {
    case READ:
        ch->read_address = value;
        break;
    case WRITE:
        ch->write_address = value;
        break;
    case COUNT:
        ch->reload = value;
        break;
    default:
        write_channel_control(dma, number, value);
    }
    listen_for_requests(dma);
    dma_show_channel(dma, number);
    if (index % 4 != 3) {
        return;
    }
    if (value) {
        start_channel(dma, number);
    } else if (ch->control & dma->variant->irq_quiet) { /* null trigger: the end of a list of control blocks */
        raise_irq(dma, number);
    }
}

static void trigger_all(struct dma *dma, uint32_t channels) {
    for (unsigned number = 0; number < dma->variant->channels; number++) {
        if (channels >> number & 1) {
            start_channel(dma, number);
        }
    }
}

void dma_set_abort_interrupts(struct dma *dma, bool on) {
    dma->interrupts_after_abort = on;
}

/* Without the erratum without interrupt. With it those channels interrupt that have transfers under way. */
static void abort_all(struct dma *dma, uint32_t channels) {
    uint32_t under_way = dma->interrupts_after_abort ? dma_ready_channels(dma, dma->cycle) : 0;
    for (uint32_t rest = channels & dma->busy; rest; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctz(rest);
        stop_channel(dma, number);
        if (under_way >> number & 1 && !(dma->channels[number].control & dma->variant->irq_quiet)) {
            raise_irq(dma, number);
        }
    }
}

static void irq_write(struct dma *dma, unsigned which, uint32_t value) {
    if (which == 0 || which == 3) {
        dma->block.values[DMA_INTR] &= ~value;
    }
    dma_update(dma);
}

static void dma_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct dma *dma = dma_of(block);
    dma_tell_fed(dma, true);
    dma_work_off(dma);
    if (reg < DMA_CHANNELS * CHANNEL_REGISTERS) {
        channel_write(dma, reg / CHANNEL_REGISTERS, reg % CHANNEL_REGISTERS, value);
    } else if (reg - DMA_INTR < 4 * IRQ_REGISTERS) {
        irq_write(dma, (reg - DMA_INTR) % IRQ_REGISTERS, value);
    } else if (reg == DMA_MULTI_CHAN_TRIGGER) {
        trigger_all(dma, value);
    } else if (reg == DMA_CHAN_ABORT) {
        abort_all(dma, value);
    } else if (reg - DMA_CH0_DBG_CTDREQ < DMA_CHANNELS * DEBUG_REGISTERS) {
        dma->channels[(reg - DMA_CH0_DBG_CTDREQ) / DEBUG_REGISTERS].credits = 0;
    } else if (reg - DMA_SECCFG_CH0 < DMA_CHANNELS && old & DMA_SECCFG_CH0_LOCK) {
        dma->block.values[reg] = old;
    }
    dma_go_on(dma);
}

/* ---- Events ---- */
static void dma_due(struct event *event, uint64_t late_ps) {
    struct dma *dma = event->owner;
    dma_work_off(dma);
    dma_go_on(dma);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    dma_go_on(listener->owner);
}

static void dma_reset(struct block *block) {
    struct dma *dma = dma_of(block);
    dma_tell_fed(dma, true);
    for (unsigned number = 0; number < dma->variant->channels; number++) {
        uint32_t control = block->values[DMA_CH0_CTRL_TRIG + number * CHANNEL_REGISTERS];
        dma->channels[number] = (struct dma_channel){ .control = control };
        decode_control(dma, &dma->channels[number]);
        dma_show_channel(dma, number);
    }
    dma->busy = 0;
    listen_for_requests(dma);
    dma->served = 0;
    dma->last_low = 0;
    scheduler_cancel(block->env->scheduler, &dma->event);
    dma_update(dma);
}

static void dma_init(struct block *block) {
    struct dma *dma = dma_of(block);
    dma->event = (struct event){ .name = "dma", .callback = dma_due, .owner = dma, .priority = 1 };
    dma->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = dma };
    clock_listen(dma->clk_sys, &dma->clock_listener);
}

/* ---- Snapshots ---- */
static void dma_channel_walk(const struct dma *dma, struct dma_channel *ch, struct walk *walk) {
    walk_u32(walk, &ch->read_address);
    walk_u32(walk, &ch->write_address);
    walk_u32(walk, &ch->count);
    walk_u32(walk, &ch->reload);
    walk_u32(walk, &ch->control);
    walk_below(walk, &ch->credits, DMA_MAX_CREDITS + 1);
    walk_u64(walk, &ch->earliest);
    decode_control(dma, ch);
}

static void dma_walk(struct block *block, struct walk *walk) {
    struct dma *dma = dma_of(block);
    uint32_t all = (UINT32_C(2) << (dma->variant->channels - 1)) - 1;
    walk_expect(walk, "erratum RP2040-E13", dma->interrupts_after_abort);
    for (unsigned number = 0; number < dma->variant->channels; number++) {
        dma_channel_walk(dma, &dma->channels[number], walk);
    }
    walk_u32(walk, &dma->busy);
    walk_u64(walk, &dma->dreqs);
    walk_u64(walk, &dma->listening);
    walk_u32(walk, &dma->followed);
    walk_u64s(walk, dma->risen, 64);
    walk_u64(walk, &dma->cycle);
    walk_u64(walk, &dma->ticked);
    walk_u32(walk, &dma->written);
    walk_u32(walk, &dma->written_size);
    walk_u32(walk, &dma->served);
    walk_below(walk, &dma->last_low, dma->variant->channels);
    walk_event(walk, &dma->event);
    if ((dma->busy | dma->followed | dma->served) & ~all) {
        walk_fail(walk, "a channel that is not there");
        dma->busy = dma->followed = dma->served = 0;
    }
    for (unsigned number = 0; walk->reads && number < dma->variant->channels; number++) {
        bool follows = dma->followed >> number & 1;
        dma->channels[number].follower = follows ? dma_follower_of(dma, &dma->channels[number]) : NULL;
    }
}

const struct block_class dma_class = {
    .name = "dma",
    .size = sizeof(struct dma),
    .init = dma_init,
    .reset = dma_reset,
    .read = dma_read,
    .write = dma_write,
    .walk = dma_walk,
    .walk_version = 1,
    .holds_until = dma_holds_until,
};
