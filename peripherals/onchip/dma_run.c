/* The DMA's time: which channel transfers in which cycle, and when it has to be looked at.
 *
 * Time: one transfer takes one cycle of clk_sys, whatever it reaches; all channels share that one transfer a cycle.
 * A channel begins START_CYCLES after its trigger. Moves between memories are done BATCH cycles at a time, others
 * PACED_BATCH at a time: what a transfer changes is seen at the end of its batch, completion comes to the cycle.
 *
 * Channels that carry words between memory and the FIFO of a follower (struct dma_follower) have no batches: each
 * transfer happens at its own cycle, with the frames of the device before and after it, when the device or the channel
 * is looked at or one of them could have ended. Memory is read and written at most a FIFO of frames late by that. */
#include "peripherals/onchip/dma_private.h"

#define PACED_BATCH 4
#define HIGH_PRIORITY DMA_CH0_CTRL_TRIG_HIGH_PRIORITY

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
static bool is_requested(const struct dma *dma, const struct dma_channel *ch) {
    unsigned treq = ch->treq;
    if (treq == TREQ_PERMANENT) {
        return true;
    }
    return dma_by_credit(dma, treq) ? ch->credits > 0 : dma->dreqs >> treq & 1;
}

/* When a channel that is requested can go: started, and the request seen. */
static uint64_t start_of(const struct dma *dma, const struct dma_channel *ch) {
    uint64_t risen = dma->risen[ch->treq];
    return ch->earliest > risen ? ch->earliest : risen;
}

/* Channels that could transfer at `cycle`, a bit each. */
uint32_t dma_ready_channels(const struct dma *dma, uint64_t cycle) {
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
static unsigned choose_channel(struct dma *dma, uint32_t channels) {
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
            ch->credits = credits < DMA_MAX_CREDITS ? (unsigned)credits : DMA_MAX_CREDITS;
        }
    }
}

static void tick_timers(struct dma *dma, uint64_t cycle) {
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

const struct dma_follower *dma_follower_of(const struct dma *dma, const struct dma_channel *ch) {
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

/* ---- The engine ---- */
/* A transfer is over at the end of its cycle, which is when a follower hears of it. */
static bool transfer_dated(struct dma *dma, unsigned number) {
    struct scheduler *scheduler = dma->block.env->scheduler;
    struct scheduler_date before = scheduler_date(scheduler, clock_time_of(dma->clk_sys, dma->cycle + 1));
    bool runs = dma_transfer_one(dma, number, NULL);
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
    return ch->treq == TREQ_PERMANENT ? dma_transfer_batch(dma, ch, undisturbed_until(dma, until) - dma->cycle) : 0;
}

/* What channel `number` does from dma->cycle on. */
static void serve_channel(struct dma *dma, unsigned number, bool alone, uint64_t until) {
    struct dma_channel *ch = &dma->channels[number];
    uint32_t done = alone ? transfer_undisturbed(dma, ch, until) : 0;
    bool dated = dma->followed >> number & 1;
    bool runs = done || (dated ? transfer_dated(dma, number) : dma_transfer_one(dma, number, NULL));
    dma->cycle += done ? done : 1;
    if (runs && !ch->count && dma->busy >> number & 1) {
        dma_complete(dma, number);
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
        unsigned number = choose_channel(dma, channels);
        const struct dma_channel *ch = &dma->channels[number];
        --*(ch->treq == follower->tx ? &calm.puts : &calm.gets);
        bool runs = dma_transfer_one(dma, number, follower);
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
        dma_complete(dma, done);
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

static void run_until(struct dma *dma, uint64_t until) {
    dma->running = true;
    uint32_t touched = 0;
    tick_timers(dma, until);
    while (dma->cycle < until) {
        hear_requests(dma);
        uint32_t channels = dma_ready_channels(dma, dma->cycle);
        touched |= channels;
        if (channels && !serve_calm(dma, channels, until)) {
            bool alone = !(channels & (channels - 1));
            serve_channel(dma, choose_channel(dma, channels), alone, until);
        } else if (!channels) {
            dma->cycle = undisturbed_until(dma, until);
        }
    }
    for (; touched; touched &= touched - 1) {
        dma_show_channel(dma, (unsigned)__builtin_ctz(touched));
    }
    dma_tell_written(dma);
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
    const struct dma_follower *follower = dma_follower_of(dma, ch);
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

static void schedule_look(struct dma *dma) {
    struct scheduler *scheduler = dma->block.env->scheduler;
    uint32_t others = ~dma->followed;
    uint64_t first = next_start(dma, others);
    uint64_t cycle = first == TIME_NEVER ? first : first + patience(dma, dma_ready_channels(dma, first) & others);
    uint32_t channels = dma_ready_channels(dma, dma->cycle) & others;
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

void dma_work_off(struct dma *dma) {
    if (!dma->running) {
        run_until(dma, cycle_now(dma));
    }
}

void dma_go_on(struct dma *dma) {
    if (!dma->running) {
        schedule_look(dma);
    }
}

void dma_catch_up(void *context, uint64_t end_ps) {
    struct dma *dma = context;
    if (dma->running || !listens_to_followers(dma)) {
        return;
    }
    uint64_t end = cycle_from(dma, end_ps);
    if (end) {
        run_until(dma, end - 1);
    }
}

void dma_plan(void *context) {
    struct dma *dma = context;
    if (!dma->running && listens_to_followers(dma)) {
        schedule_look(dma);
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
    if (dma_by_credit(dma, index)) {
        add_credits(dma, index, 1, cycle);
    } else {
        dma->risen[index] = cycle;
    }
    dma_go_on(dma);
}

bool dma_stands_still(struct dma *dma) {
    uint64_t now = cycle_now(dma);
    bool timers = dma->listening >> TREQ_TIMER0 & ((1u << DMA_TIMERS) - 1);
    if (dma->running || timers || dma_ready_channels(dma, dma->cycle) || next_disturbance(dma) < now) {
        return false;
    }
    dma->ticked = now > dma->ticked ? now : dma->ticked;
    dma->cycle = now > dma->cycle ? now : dma->cycle;
    return true;
}
