/* DMA controller. RP2040 datasheet 2.5, RP2350 datasheet 12.6.
 *
 * Time: one transfer takes one cycle of clk_sys, whatever it reaches; all channels share that one transfer a cycle.
 * A channel begins START_CYCLES after its trigger. Moves between memories are done BATCH cycles at a time, others
 * PACED_BATCH at a time: what a transfer changes is seen at the end of its batch, completion comes to the cycle.
 *
 * Channels that carry words between memory and the FIFO of a follower (struct dma_follower) have no batches: each
 * transfer happens at its own cycle, with the frames of the device before and after it, when the device or the channel
 * is looked at or one of them could have ended. Memory is read and written at most a FIFO of frames late by that.
 *
 * A device may take the words for its FIFO itself (dma_feed_take()), all but the last of a block; no cycles of the
 * engine are counted for those.
 *
 * Not modelled: wait states and contention with the cores, the FIFOs inside (FIFO_LEVELS reads 0), what Secure and
 * privilege attributes and the memory protection of the RP2350 forbid (SECCFG_*, MPU_* read back, LOCK locks), errata.
 *
 * Decided: a store to read-only memory is lost without error. A trigger with TRANS_COUNT 0 completes at once
 * and chains to nobody. An abort ends a channel at once, without interrupt, and CHAN_ABORT reads 0. The DREQ counter
 * that the debug register shows holds requests by pulse or timer alone. SIO and the cores' private bus are out of the
 * DMA's reach. */
#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/dma_sniffer.h"
#include "peripherals/onchip/registers/dma.h"

#include <string.h>

#define START_CYCLES 3
#define BATCH 1024
#define PACED_BATCH 4
#define MAX_CREDITS 63
#define TREQ_TIMER0 0x3b
#define TREQ_PERMANENT 0x3f
#define OUT_OF_REACH 0xd0000000u
#define CHANNEL_REGISTERS (DMA_CH1_READ_ADDR - DMA_CH0_READ_ADDR)
#define DEBUG_REGISTERS (DMA_CH1_DBG_CTDREQ - DMA_CH0_DBG_CTDREQ)
#define IRQ_REGISTERS (DMA_INTR1 - DMA_INTR)

#define EN DMA_CH0_CTRL_TRIG_EN
#define HIGH_PRIORITY DMA_CH0_CTRL_TRIG_HIGH_PRIORITY
#define DATA_SIZE DMA_CH0_CTRL_TRIG_DATA_SIZE
#define INCR_READ DMA_CH0_CTRL_TRIG_INCR_READ
#define AHB_ERROR DMA_CH0_CTRL_TRIG_AHB_ERROR
#define READ_ERROR DMA_CH0_CTRL_TRIG_READ_ERROR
#define WRITE_ERROR DMA_CH0_CTRL_TRIG_WRITE_ERROR

enum { MODE_NORMAL = 0, MODE_TRIGGER_SELF = 1, MODE_ENDLESS = 15 };

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
static void show_channel(struct dma *dma, unsigned number) {
    const struct dma_channel *ch = &dma->channels[number];
    const uint32_t data[] = { ch->read_address, ch->write_address, ch->reload, ch->control };
    uint32_t *values = &dma->block.values[DMA_CH0_READ_ADDR + number * CHANNEL_REGISTERS];
    for (unsigned i = 0; i < CHANNEL_REGISTERS; i++) {
        values[i] = data[field_of[i]];
    }
}

/* ---- Time ---- */
static uint64_t cycle_now(const struct dma *dma) {
    return clock_cycles_at(dma->clk_sys, scheduler_due(dma->block.env->scheduler));
}

/* The first cycle that begins at `ps` or later. */
static uint64_t cycle_from(const struct dma *dma, uint64_t ps) {
    uint64_t cycle = clock_cycles_at(dma->clk_sys, ps);
    return clock_time_of(dma->clk_sys, cycle) < ps ? cycle + 1 : cycle;
}

/* ---- Which channel goes next ---- */
static bool by_credit(const struct dma *dma, unsigned treq) {
    return treq >= TREQ_TIMER0 || dma->pulse_dreqs >> treq & 1;
}

static bool is_requested(const struct dma *dma, const struct dma_channel *ch) {
    unsigned treq = ch->treq;
    if (treq == TREQ_PERMANENT) {
        return true;
    }
    return by_credit(dma, treq) ? ch->credits > 0 : dma->dreqs >> treq & 1;
}

/* When a channel that is requested can go: started, and the request seen. */
static uint64_t start_of(const struct dma *dma, const struct dma_channel *ch) {
    uint64_t risen = dma->risen[ch->treq];
    return ch->earliest > risen ? ch->earliest : risen;
}

/* Channels that could transfer at `cycle`, a bit each. */
static uint32_t ready(const struct dma *dma, uint64_t cycle) {
    uint32_t channels = 0;
    for (uint32_t rest = dma->busy; rest; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctz(rest);
        const struct dma_channel *ch = &dma->channels[number];
        if (ch->control & EN && is_requested(dma, ch) && start_of(dma, ch) <= cycle) {
            channels |= 1u << number;
        }
    }
    return channels;
}

static uint32_t with_priority(const struct dma *dma, uint32_t channels) {
    for (uint32_t rest = channels; rest; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctz(rest);
        if (!(dma->channels[number].control & HIGH_PRIORITY)) {
            channels &= ~(1u << number);
        }
    }
    return channels;
}

/* A round is: every high-priority channel once, then one of the others. */
static unsigned choose(struct dma *dma, uint32_t channels) {
    uint32_t high = with_priority(dma, channels);
    uint32_t low = channels & ~high;
    if (!(high & ~dma->served) && low) {
        uint32_t after = low & (UINT32_MAX << dma->last_low << 1);
        dma->served = 0;
        dma->last_low = (unsigned)__builtin_ctz(after ? after : low);
        return dma->last_low;
    }
    if (!(high & ~dma->served)) {
        dma->served = 0;
    }
    unsigned number = (unsigned)__builtin_ctz(high & ~dma->served);
    dma->served |= 1u << number;
    return number;
}

/* ---- Pacing timers: X requests in Y cycles ---- */
static uint64_t timer_ticks(const struct dma *dma, unsigned timer, uint64_t cycle) {
    uint32_t value = dma->block.values[DMA_TIMER0 + timer];
    uint64_t x = field_get(value, DMA_TIMER0_X), y = field_get(value, DMA_TIMER0_Y);
    if (!x || !y) {
        return 0;
    }
    return x >= y ? cycle : cycle / y * x + cycle % y * x / y;
}

/* The cycle of the next request after `cycle`; TIME_NEVER for a timer that stands. */
static uint64_t timer_next(const struct dma *dma, unsigned timer, uint64_t cycle) {
    uint32_t value = dma->block.values[DMA_TIMER0 + timer];
    uint64_t x = field_get(value, DMA_TIMER0_X), y = field_get(value, DMA_TIMER0_Y);
    uint64_t next = timer_ticks(dma, timer, cycle) + 1;
    if (!x || !y) {
        return TIME_NEVER;
    }
    return x >= y ? next : next / x * y + (next % x * y + x - 1) / x;
}

/* The first of them comes at cycle `first`. */
static void add_credits(struct dma *dma, unsigned treq, uint64_t credits, uint64_t first) {
    for (uint32_t rest = credits ? dma->busy : 0; rest; rest &= rest - 1) {
        struct dma_channel *ch = &dma->channels[__builtin_ctz(rest)];
        if (ch->treq == treq) {
            ch->earliest = !ch->credits && first > ch->earliest ? first : ch->earliest;
            credits += ch->credits;
            ch->credits = credits < MAX_CREDITS ? (unsigned)credits : MAX_CREDITS;
        }
    }
}

static void tick(struct dma *dma, uint64_t cycle) {
    for (unsigned timer = 0; timer < DMA_TIMERS && cycle > dma->ticked; timer++) {
        if (dma->listening >> (TREQ_TIMER0 + timer) & 1) {
            uint64_t ticks = timer_ticks(dma, timer, cycle) - timer_ticks(dma, timer, dma->ticked);
            add_credits(dma, TREQ_TIMER0 + timer, ticks, timer_next(dma, timer, dma->ticked));
        }
    }
    dma->ticked = cycle > dma->ticked ? cycle : dma->ticked;
}

/* ---- Followers ---- */
static bool is_memory(const struct dma *dma, uint32_t address) {
    return bus_memory_at(dma->bus, address & ~3u, 4, false);
}

/* The follower that a channel carries words for, while it does nothing else; NULL: none. */
static const struct dma_follower *follower_of(const struct dma *dma, const struct dma_channel *ch) {
    unsigned treq = ch->treq;
    for (unsigned i = 0; i < dma->follower_count; i++) {
        const struct dma_follower *follower = &dma->followers[i];
        bool sends = treq == follower->tx && ch->write_address == follower->fifo && is_memory(dma, ch->read_address);
        bool receives = treq == follower->rx && ch->read_address == follower->fifo && is_memory(dma, ch->write_address);
        if (ch->control & EN && (sends || receives)) {
            return follower;
        }
    }
    return NULL;
}

static uint64_t requests_of(const struct dma_follower *follower) {
    return UINT64_C(1) << follower->tx | UINT64_C(1) << follower->rx;
}

static bool listens_to_followers(const struct dma *dma) {
    uint64_t requests = 0;
    for (unsigned i = 0; i < dma->follower_count; i++) {
        requests |= requests_of(&dma->followers[i]);
    }
    return dma->listening & requests;
}

/* When a request of a follower rises next by itself. */
static uint64_t next_request(const struct dma *dma) {
    uint64_t next = TIME_NEVER;
    for (unsigned i = 0; i < dma->follower_count; i++) {
        const struct dma_follower *follower = &dma->followers[i];
        if (dma->listening & requests_of(follower)) {
            uint64_t when = follower->next_request(follower->context);
            next = when < next ? when : next;
        }
    }
    return next;
}

static void run_followers(struct dma *dma, uint64_t until_ps) {
    for (unsigned i = 0; i < dma->follower_count; i++) {
        const struct dma_follower *follower = &dma->followers[i];
        if (dma->listening & requests_of(follower)) {
            follower->run(follower->context, until_ps);
        }
    }
}

/* ---- The life of a channel ---- */
static void listen(struct dma *dma) {
    uint64_t before = dma->listening;
    dma->listening = 0;
    dma->followed = 0;
    for (uint32_t rest = dma->busy; rest; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctz(rest);
        struct dma_channel *ch = &dma->channels[number];
        dma->listening |= UINT64_C(1) << ch->treq;
        ch->follower = follower_of(dma, ch);
        dma->followed |= ch->follower ? 1u << number : 0;
    }
    if (((before ^ dma->listening) & dma->pulse_dreqs) && dma->wants_pulses) {
        dma->wants_pulses(dma->pulse_context, dma->listening & dma->pulse_dreqs);
    }
}

static uint32_t transfers_of(const struct dma *dma, const struct dma_channel *ch) {
    return dma->variant->has_modes ? field_get(ch->reload, DMA_CH0_TRANS_COUNT_COUNT) : ch->reload;
}

static void complete(struct dma *dma, unsigned number);

static void tell_fed(struct dma *dma, bool changes) {
    if (dma->busy && dma->feeds_look) {
        dma->feeds_look(dma->feeds_context, changes);
    }
}

static void start(struct dma *dma, unsigned number) {
    struct dma_channel *ch = &dma->channels[number];
    tell_fed(dma, true);
    if (!(ch->control & EN) || dma->busy >> number & 1) {
        return;
    }
    ch->count = transfers_of(dma, ch);
    ch->credits = 0;
    ch->earliest = dma->cycle + START_CYCLES;
    dma->busy |= 1u << number;
    ch->control |= dma->variant->busy;
    if (!ch->count) {
        complete(dma, number);
    }
    listen(dma);
    show_channel(dma, number);
}

static void stop(struct dma *dma, unsigned number) {
    tell_fed(dma, true);
    dma->busy &= ~(1u << number);
    dma->channels[number].control &= ~dma->variant->busy;
    listen(dma);
    show_channel(dma, number);
}

static void raise_irq(struct dma *dma, unsigned number) {
    dma->block.values[DMA_INTR] |= 1u << number;
    dma_update(dma);
}

static unsigned mode_of(const struct dma *dma, const struct dma_channel *ch) {
    return dma->variant->has_modes ? field_get(ch->reload, DMA_CH0_TRANS_COUNT_MODE) : MODE_NORMAL;
}

static void complete(struct dma *dma, unsigned number) {
    struct dma_channel *ch = &dma->channels[number];
    unsigned next = field_get(ch->control, dma->variant->chain_to);
    stop(dma, number);
    if (!(ch->control & dma->variant->irq_quiet)) {
        raise_irq(dma, number);
    }
    if (!transfers_of(dma, ch)) { /* a ring of empty channels would never end */
        return;
    }
    if (mode_of(dma, ch) == MODE_TRIGGER_SELF) {
        start(dma, number);
    }
    if (next != number && next < dma->variant->channels) {
        start(dma, next);
    }
}

static void fail(struct dma *dma, unsigned number, uint32_t error, uint32_t address) {
    log_write(dma->block.env->log, LOG_GUEST, dma->block.name, "channel %u: nothing to %s at 0x%08x", number,
              error == READ_ERROR ? "read" : "write", address);
    dma->channels[number].control |= error | AHB_ERROR;
    stop(dma, number);
    raise_irq(dma, number);
}

/* ---- Transfers ---- */
static uint32_t step(uint32_t size, bool increment, bool reverse) {
    if (increment) {
        return reverse ? -size : size;
    }
    return reverse ? 2 * size : 0;
}

static uint32_t read_step(const struct dma *dma, const struct dma_channel *ch, uint32_t size) {
    return step(size, ch->control & INCR_READ, ch->control & dma->variant->incr_read_rev);
}

static uint32_t write_step(const struct dma *dma, const struct dma_channel *ch, uint32_t size) {
    return step(size, ch->control & dma->variant->incr_write, ch->control & dma->variant->incr_write_rev);
}

static void advance(const struct dma *dma, struct dma_channel *ch, uint32_t size, uint32_t transfers) {
    uint32_t mask = ch->ring ? (1u << ch->ring) - 1 : UINT32_MAX;
    bool write_rings = ch->control & dma->variant->ring_sel;
    uint32_t read_mask = write_rings ? UINT32_MAX : mask;
    uint32_t write_mask = write_rings ? mask : UINT32_MAX;
    uint32_t read = ch->read_address + transfers * read_step(dma, ch, size);
    uint32_t write = ch->write_address + transfers * write_step(dma, ch, size);
    ch->read_address = (ch->read_address & ~read_mask) | (read & read_mask);
    ch->write_address = (ch->write_address & ~write_mask) | (write & write_mask);
    if (mode_of(dma, ch) != MODE_ENDLESS) {
        ch->count -= transfers;
    }
}

static bool load(struct dma *dma, uint32_t address, unsigned size, uint32_t *ret_data) {
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

static void tell_written(struct dma *dma) {
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
        tell_written(dma);
        dma->written = address;
    }
    dma->written_size += size;
}

static bool store(struct dma *dma, uint32_t address, unsigned size, uint32_t data) {
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

static void sniff(struct dma *dma, unsigned number, uint32_t data, unsigned size) {
    uint32_t control = dma->block.values[DMA_SNIFF_CTRL];
    uint32_t *sum = &dma->block.values[DMA_SNIFF_DATA];
    if (control & DMA_SNIFF_CTRL_EN && field_get(control, DMA_SNIFF_CTRL_DMACH) == number) {
        *sum = dma_sniff(control, *sum, data, size);
    }
}

/* One transfer; false when the channel has stopped with an error. `calm`: a follower that channels carry words for, in
 * a row; else NULL. */
static bool transfer_one(struct dma *dma, unsigned number, const struct dma_follower *calm) {
    struct dma_channel *ch = &dma->channels[number];
    unsigned size = 1u << (field_get(ch->control, DATA_SIZE) % 3);
    uint32_t from = ch->read_address, to = ch->write_address, data;
    if (calm && ch->treq == calm->rx) {
        data = calm->get(calm->context) & (UINT32_MAX >> (32 - 8 * size));
    } else if (!load(dma, from, size, &data)) {
        fail(dma, number, READ_ERROR, from);
        return false;
    }
    if (ch->control & dma->variant->bswap) {
        data = dma_swap_bytes(data, size);
    }
    if (ch->control & dma->variant->sniff_en) {
        sniff(dma, number, data, size);
    }
    if (by_credit(dma, ch->treq) && ch->credits) {
        ch->credits--;
    }
    advance(dma, ch, size, 1); /* before the store, which may set this channel up anew */
    if (calm && ch->treq == calm->tx) {
        calm->put(calm->context, bus_replicate(data, size));
    } else if (!store(dma, to, size, data)) {
        fail(dma, number, WRITE_ERROR, to);
        return false;
    }
    return true;
}

/* Host address of all that `transfers` reach at one side, NULL when it is not plain memory. */
static uint8_t *span(const struct dma *dma, uint32_t address, uint32_t step, unsigned size, uint32_t transfers,
                     bool for_write) {
    if (address & (size - 1) || (step && step != size)) {
        return NULL;
    }
    return bus_memory_at(dma->bus, address, step ? transfers * size : size, for_write);
}

static void copy(uint8_t *to, uint32_t to_step, const uint8_t *from, uint32_t from_step, unsigned size,
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

/* Many transfers between memories at once; 0 when it is not that simple. */
static uint32_t transfer_batch(struct dma *dma, struct dma_channel *ch, uint64_t limit) {
    const uint32_t special = dma->variant->ring_size | dma->variant->bswap | dma->variant->sniff_en;
    unsigned size = 1u << (field_get(ch->control, DATA_SIZE) % 3);
    uint32_t from_step = read_step(dma, ch, size), to_step = write_step(dma, ch, size);
    uint32_t transfers = ch->count < limit ? ch->count : (uint32_t)limit;
    transfers = transfers < BATCH ? transfers : BATCH;
    if (transfers < 2 || ch->control & special) {
        return 0;
    }
    uint8_t *to = span(dma, ch->write_address, to_step, size, transfers, true);
    const uint8_t *from = span(dma, ch->read_address, from_step, size, transfers, false);
    if (!to || !from) {
        return 0;
    }
    copy(to, to_step, from, from_step, size, transfers);
    note_written(dma, ch->write_address, to_step ? transfers * size : size);
    advance(dma, ch, size, transfers);
    return transfers;
}

/* ---- The engine ---- */
/* A transfer is over at the end of its cycle, which is when a follower hears of it. */
static bool transfer_dated(struct dma *dma, unsigned number) {
    struct scheduler *scheduler = dma->block.env->scheduler;
    struct scheduler_date before = scheduler_date(scheduler, clock_time_of(dma->clk_sys, dma->cycle + 1));
    bool runs = transfer_one(dma, number, NULL);
    scheduler_undate(scheduler, before);
    return runs;
}

/* The first cycle from dma->cycle on at which one of `channels` could become ready by itself; TIME_NEVER if none. */
static uint64_t next_start(const struct dma *dma, uint32_t channels) {
    uint64_t first = TIME_NEVER;
    for (uint32_t rest = dma->busy & channels; rest; rest &= rest - 1) {
        const struct dma_channel *ch = &dma->channels[__builtin_ctz(rest)];
        uint64_t start = is_requested(dma, ch) ? start_of(dma, ch) : ch->earliest;
        if (start > dma->cycle && start < first) {
            first = start;
        }
    }
    return first;
}

/* The same with what followers ask for. */
static uint64_t next_disturbance(const struct dma *dma) {
    uint64_t start = next_start(dma, UINT32_MAX), request = next_request(dma);
    uint64_t asked = request == TIME_NEVER ? TIME_NEVER : cycle_from(dma, request);
    return asked < start ? asked : start;
}

/* The channels that are ready have the DMA to themselves until then. */
static uint64_t undisturbed_until(const struct dma *dma, uint64_t until) {
    uint64_t other = next_disturbance(dma);
    return other < until ? other : until;
}

static uint32_t transfer_undisturbed(struct dma *dma, struct dma_channel *ch, uint64_t until) {
    return ch->treq == TREQ_PERMANENT ? transfer_batch(dma, ch, undisturbed_until(dma, until) - dma->cycle) : 0;
}

/* What channel `number` does from dma->cycle on. */
static void serve(struct dma *dma, unsigned number, bool alone, uint64_t until) {
    struct dma_channel *ch = &dma->channels[number];
    uint32_t done = alone ? transfer_undisturbed(dma, ch, until) : 0;
    bool dated = dma->followed >> number & 1;
    bool runs = done || (dated ? transfer_dated(dma, number) : transfer_one(dma, number, NULL));
    dma->cycle += done ? done : 1;
    if (runs && !ch->count && dma->busy >> number & 1) {
        complete(dma, number);
    }
}

/* The follower that all of these channels carry words for; NULL: there is none. */
static const struct dma_follower *common_follower(const struct dma *dma, uint32_t channels) {
    const struct dma_follower *common = NULL;
    for (uint32_t rest = channels & ~dma->followed ? 0 : channels; rest; rest &= rest - 1) {
        const struct dma_follower *follower = dma->channels[__builtin_ctz(rest)].follower;
        if (common && follower != common) {
            return NULL;
        }
        common = follower;
    }
    return common;
}

/* Those of the channels that a calm follower asks for words. */
static uint32_t asked_for(const struct dma *dma, uint32_t channels, unsigned tx, const struct dma_calm *calm) {
    uint32_t asked = 0;
    for (uint32_t rest = channels; rest; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctz(rest);
        asked |= (dma->channels[number].treq == tx ? calm->puts : calm->gets) ? 1u << number : 0;
    }
    return asked;
}

/* Transfers of these channels, one a cycle, until `end` or a channel is done: gives its number, else DMA_CHANNELS. */
static unsigned transfer_row(struct dma *dma, const struct dma_follower *follower, uint32_t channels,
                             struct dma_calm calm, uint64_t end) {
    while (dma->cycle < end && (channels = asked_for(dma, channels, follower->tx, &calm))) {
        unsigned number = choose(dma, channels);
        const struct dma_channel *ch = &dma->channels[number];
        --*(ch->treq == follower->tx ? &calm.puts : &calm.gets);
        bool runs = transfer_one(dma, number, follower);
        dma->cycle++;
        if (!runs || !ch->count) {
            return number;
        }
    }
    return DMA_CHANNELS;
}

/* While a follower is calm it is told of the transfers to and from it together. False: none is done. */
static bool serve_calm(struct dma *dma, uint32_t channels, uint64_t until) {
    const struct dma_follower *follower = common_follower(dma, channels);
    uint64_t begin = dma->cycle;
    struct dma_calm calm;
    if (!follower || dma->bus->trace || !follower->is_calm(follower->context, &calm)) {
        return false;
    }
    uint64_t end = cycle_from(dma, calm.until_ps) - 1, disturbed = undisturbed_until(dma, until);
    unsigned done = transfer_row(dma, follower, channels, calm, end < disturbed ? end : disturbed);
    if (dma->cycle > begin) {
        follower->settle(follower->context, clock_time_of(dma->clk_sys, dma->cycle));
    }
    if (done < DMA_CHANNELS && dma->busy >> done & 1) {
        complete(dma, done);
    }
    return dma->cycle > begin;
}

/* What followers ask for in the cycles up to dma->cycle is to be known. */
static void hear_requests(struct dma *dma) {
    uint64_t request = next_request(dma);
    if (request != TIME_NEVER) {
        uint64_t begin = clock_time_of(dma->clk_sys, dma->cycle);
        if (request <= begin) {
            run_followers(dma, begin);
        }
    }
}

static void run(struct dma *dma, uint64_t until) {
    dma->running = true;
    uint32_t touched = 0;
    tick(dma, until);
    while (dma->cycle < until) {
        hear_requests(dma);
        uint32_t channels = ready(dma, dma->cycle);
        touched |= channels;
        if (channels && !serve_calm(dma, channels, until)) {
            bool alone = !(channels & (channels - 1));
            serve(dma, choose(dma, channels), alone, until);
        } else if (!channels) {
            dma->cycle = undisturbed_until(dma, until);
        }
    }
    for (; touched; touched &= touched - 1) {
        show_channel(dma, (unsigned)__builtin_ctz(touched));
    }
    tell_written(dma);
    dma->running = false;
}

/* How many cycles may pass before the ready channels are looked at. */
static uint64_t patience(const struct dma *dma, uint32_t channels) {
    uint64_t cycles = BATCH;
    for (; channels; channels &= channels - 1) {
        const struct dma_channel *ch = &dma->channels[__builtin_ctz(channels)];
        bool plain =
            ch->treq == TREQ_PERMANENT && is_memory(dma, ch->read_address) && is_memory(dma, ch->write_address);
        uint64_t batch = plain ? BATCH : PACED_BATCH;
        batch = ch->count < batch ? ch->count : batch;
        cycles = batch < cycles ? batch : cycles;
    }
    return cycles ? cycles : 1;
}

/* The cycle before which a channel of a follower cannot have ended. Until then nobody sees a difference: the follower
 * has an event of its own for what it sends. */
static uint64_t earliest_end(const struct dma *dma, const struct dma_channel *ch) {
    const struct dma_follower *follower = follower_of(dma, ch);
    uint64_t when = follower ? follower->earliest(follower->context, ch->treq == follower->tx, ch->count) : 0;
    if (when == TIME_NEVER || (!when && !is_requested(dma, ch))) {
        return TIME_NEVER;
    }
    uint64_t start = start_of(dma, ch) > dma->cycle ? start_of(dma, ch) : dma->cycle;
    uint64_t end = start + (when && ch->count ? ch->count : 1);
    uint64_t asked = cycle_from(dma, when) + 1;
    return asked > end ? asked : end;
}

/* When followers and their channels are to be looked at. */
static uint64_t next_look(const struct dma *dma) {
    uint64_t first = TIME_NEVER;
    for (uint32_t rest = dma->followed; rest; rest &= rest - 1) {
        uint64_t end = earliest_end(dma, &dma->channels[__builtin_ctz(rest)]);
        first = end < first ? end : first;
    }
    if (dma->busy & ~dma->followed) {
        uint64_t request = next_request(dma);
        uint64_t asked = request == TIME_NEVER ? TIME_NEVER : cycle_from(dma, request) + 1;
        first = asked < first ? asked : first;
    }
    return first;
}

static void schedule(struct dma *dma) {
    struct scheduler *scheduler = dma->block.env->scheduler;
    uint32_t others = ~dma->followed;
    uint64_t first = next_start(dma, others);
    uint64_t cycle = first == TIME_NEVER ? first : first + patience(dma, ready(dma, first) & others);
    uint32_t channels = ready(dma, dma->cycle) & others;
    if (channels) {
        cycle = dma->cycle + patience(dma, channels);
    }
    for (unsigned timer = 0; timer < DMA_TIMERS; timer++) {
        if (dma->listening >> (TREQ_TIMER0 + timer) & 1) {
            uint64_t next = timer_next(dma, timer, dma->ticked);
            cycle = next != TIME_NEVER && next + 1 < cycle ? next + 1 : cycle;
        }
    }
    uint64_t look = listens_to_followers(dma) ? next_look(dma) : TIME_NEVER;
    cycle = look < cycle ? look : cycle;
    if (cycle == TIME_NEVER) {
        scheduler_cancel(scheduler, &dma->event);
    } else {
        scheduler_add(scheduler, &dma->event, clock_time_of(dma->clk_sys, cycle));
    }
}

/* Bring the engine up to the present (in an event: to when that was due), before something changes its state from
 * outside. */
static void catch_up(struct dma *dma) {
    if (!dma->running) {
        run(dma, cycle_now(dma));
    }
}

static void go_on(struct dma *dma) {
    if (!dma->running) {
        schedule(dma);
    }
}

void dma_catch_up(void *context, uint64_t end_ps) {
    struct dma *dma = context;
    if (dma->running || !listens_to_followers(dma)) {
        return;
    }
    uint64_t end = cycle_from(dma, end_ps);
    if (end) {
        run(dma, end - 1);
    }
}

void dma_plan(void *context) {
    struct dma *dma = context;
    if (!dma->running && listens_to_followers(dma)) {
        schedule(dma);
    }
}

/* Nothing is transferred here, which may be within a device's access: the request has its date. */
void dma_set_dreq(void *context, unsigned index, bool level) {
    struct dma *dma = context;
    uint64_t bit = UINT64_C(1) << index;
    bool rises = level && !(dma->dreqs & bit);
    dma->dreqs = level ? dma->dreqs | bit : dma->dreqs & ~bit;
    if (!rises || !(dma->listening & bit)) {
        return;
    }
    uint64_t cycle = cycle_from(dma, scheduler_due(dma->block.env->scheduler));
    if (by_credit(dma, index)) {
        add_credits(dma, index, 1, cycle);
    } else {
        dma->risen[index] = cycle;
    }
    go_on(dma);
}

/* ---- FIFOs that take their words themselves ---- */
static bool feeds(const struct dma *dma, const struct dma_channel *ch, uint32_t address) {
    unsigned size = 1u << (field_get(ch->control, DATA_SIZE) % 3);
    bool plain = !(ch->control & (dma->variant->bswap | dma->variant->sniff_en)) && !write_step(dma, ch, size);
    return plain && ch->control & EN && ch->write_address == address && size == 4 && ch->earliest <= dma->cycle &&
           mode_of(dma, ch) == MODE_NORMAL;
}

/* The channel that brings words to this FIFO and does nothing else, while all others wait for requests too. */
static struct dma_channel *feeder_of(struct dma *dma, unsigned dreq, uint32_t address) {
    struct dma_channel *feeder = NULL;
    for (uint32_t rest = dma->busy; rest; rest &= rest - 1) {
        struct dma_channel *ch = &dma->channels[__builtin_ctz(rest)];
        unsigned treq = ch->treq;
        if (by_credit(dma, treq) || (treq == dreq && feeder)) {
            return NULL;
        }
        feeder = treq == dreq ? ch : feeder;
    }
    return feeder && feeds(dma, feeder, address) ? feeder : NULL;
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
    advance(dma, ch, 4, 1);
    return true;
}

bool dma_feed_skip(void *context, unsigned dreq, uint32_t address, unsigned words) {
    struct dma *dma = context;
    struct dma_channel *ch = feeder_of(dma, dreq, address);
    if (!ch || ch->count <= words || ch->control & dma->variant->ring_size ||
        !span(dma, ch->read_address, read_step(dma, ch, 4), 4, ch->count, false)) {
        return false;
    }
    advance(dma, ch, 4, words);
    return true;
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

/* Has nothing been transferred since, and will the event that is there come in time? Then time alone moves on. */
static bool stands_still(struct dma *dma) {
    uint64_t now = cycle_now(dma);
    bool timers = dma->listening >> TREQ_TIMER0 & ((1u << DMA_TIMERS) - 1);
    if (dma->running || timers || ready(dma, dma->cycle) || next_disturbance(dma) < now) {
        return false;
    }
    dma->ticked = now > dma->ticked ? now : dma->ticked;
    dma->cycle = now > dma->cycle ? now : dma->cycle;
    return true;
}

/* CTRL changes with the ends of channels, which have an event. */
static bool waits_for_event(const struct dma *dma, unsigned reg) {
    bool is_control = reg < DMA_CHANNELS * CHANNEL_REGISTERS && field_of[reg % CHANNEL_REGISTERS] == CONTROL;
    return is_control && (!dma->event.pending || dma->event.when_ps > scheduler_now(dma->block.env->scheduler));
}

static uint32_t dma_read(struct block *block, unsigned reg) {
    struct dma *dma = dma_of(block);
    if (dma->busy && !waits_for_event(dma, reg)) {
        tell_fed(dma, false);
        if (!stands_still(dma)) {
            catch_up(dma);
            go_on(dma);
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
    listen(dma);
    show_channel(dma, number);
    if (index % 4 != 3) {
        return;
    }
    if (value) {
        start(dma, number);
    } else if (ch->control & dma->variant->irq_quiet) { /* null trigger: the end of a list of control blocks */
        raise_irq(dma, number);
    }
}

static void trigger_all(struct dma *dma, uint32_t channels) {
    for (unsigned number = 0; number < dma->variant->channels; number++) {
        if (channels >> number & 1) {
            start(dma, number);
        }
    }
}

void dma_set_abort_interrupts(struct dma *dma, bool on) {
    dma->interrupts_after_abort = on;
}

/* Without the erratum without interrupt. With it those channels interrupt that have transfers under way. */
static void abort_all(struct dma *dma, uint32_t channels) {
    uint32_t under_way = dma->interrupts_after_abort ? ready(dma, dma->cycle) : 0;
    for (uint32_t rest = channels & dma->busy; rest; rest &= rest - 1) {
        unsigned number = (unsigned)__builtin_ctz(rest);
        stop(dma, number);
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
    tell_fed(dma, true);
    catch_up(dma);
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
    go_on(dma);
}

/* ---- Events ---- */
static void dma_due(struct event *event, uint64_t late_ps) {
    struct dma *dma = event->owner;
    catch_up(dma);
    go_on(dma);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    go_on(listener->owner);
}

static void dma_reset(struct block *block) {
    struct dma *dma = dma_of(block);
    tell_fed(dma, true);
    for (unsigned number = 0; number < dma->variant->channels; number++) {
        uint32_t control = block->values[DMA_CH0_CTRL_TRIG + number * CHANNEL_REGISTERS];
        dma->channels[number] = (struct dma_channel){ .control = control };
        decode_control(dma, &dma->channels[number]);
        show_channel(dma, number);
    }
    dma->busy = 0;
    listen(dma);
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
    walk_below(walk, &ch->credits, MAX_CREDITS + 1);
    walk_u64(walk, &ch->earliest);
    decode_control(dma, ch);
}

static void dma_walk(struct block *block, struct walk *walk) {
    struct dma *dma = dma_of(block);
    uint32_t all = (UINT32_C(2) << (dma->variant->channels - 1)) - 1;
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
}

const struct block_class dma_class = {
    .name = "dma",
    .size = sizeof(struct dma),
    .init = dma_init,
    .reset = dma_reset,
    .read = dma_read,
    .write = dma_write,
    .holds_until = dma_holds_until,
    .walk = dma_walk,
};
