/* Watchdog and tick generator: RP2040 datasheet 4.7, RP2350 datasheet 12.9.
 * Not modelled: the PAUSE bits beyond reading back (no debugger halts the cores in virtual time).
 * Decided: enabled with a counter of 0 it fires at the next tick. TICK.COUNT counts down from CYCLES. The tick stands
 * still for CYCLES = 0. */
#include "peripherals/onchip/watchdog.h"

static bool has_tick_generator(const struct watchdog *w) {
    return w->block.registers->descs[WATCHDOG_TICK].name != NULL;
}

static uint64_t now_ps(const struct watchdog *w) {
    return scheduler_now(w->block.env->scheduler);
}

static bool is_counting(const struct watchdog *w) {
    return w->block.values[WATCHDOG_CTRL] & WATCHDOG_CTRL_ENABLE;
}

static uint32_t time_left(const struct watchdog *w, bool counting) {
    if (!counting) {
        return w->value;
    }
    uint64_t down = (clock_cycles_at(w->tick, now_ps(w)) - w->begin_tick) * w->step;
    return down < w->value ? w->value - (uint32_t)down : 0;
}

/* From now on TIME counts from `value`. */
static void set_time(struct watchdog *w, uint32_t value) {
    w->value = value;
    w->begin_tick = clock_cycles_at(w->tick, now_ps(w));
}

static void schedule(struct watchdog *w) {
    struct scheduler *scheduler = w->block.env->scheduler;
    uint64_t ticks = w->value ? (w->value + w->step - 1) / w->step : 1;
    uint64_t due = is_counting(w) ? clock_time_of(w->tick, w->begin_tick + ticks) : TIME_NEVER;
    if (due == TIME_NEVER) {
        scheduler_cancel(scheduler, &w->expiry);
    } else {
        scheduler_add(scheduler, &w->expiry, due);
    }
}

static void update_tick(struct watchdog *w) {
    uint32_t tick = w->block.values[WATCHDOG_TICK];
    if (has_tick_generator(w)) {
        uint32_t cycles = tick & WATCHDOG_TICK_ENABLE ? field_get(tick, WATCHDOG_TICK_CYCLES) : 0;
        clock_derive(&w->generated, w->clk_ref, 1, cycles, now_ps(w));
    }
}

static uint32_t read_tick(const struct watchdog *w) {
    uint32_t tick = w->block.values[WATCHDOG_TICK], cycles = field_get(tick, WATCHDOG_TICK_CYCLES);
    if (!clock_is_running(&w->generated)) {
        return tick;
    }
    uint64_t since = clock_time_of(&w->generated, clock_cycles_at(&w->generated, now_ps(w)));
    uint64_t passed = clock_cycles_at(w->clk_ref, now_ps(w)) - clock_cycles_at(w->clk_ref, since);
    tick = field_set(tick, WATCHDOG_TICK_COUNT, passed < cycles ? cycles - (uint32_t)passed : 0);
    return tick | WATCHDOG_TICK_RUNNING;
}

static void fire(struct watchdog *w, uint32_t reason) {
    w->block.values[WATCHDOG_REASON] = reason;
    if (w->fire) {
        w->fire(w->context);
    }
}

static uint32_t watchdog_read(struct block *b, unsigned reg) {
    struct watchdog *w = (struct watchdog *)b;
    switch (reg) {
    case WATCHDOG_CTRL:
        return b->values[reg] | time_left(w, is_counting(w));
    case WATCHDOG_TICK:
        return read_tick(w);
    default:
        return b->values[reg];
    }
}

static uint64_t watchdog_holds_until(struct block *b, unsigned reg) {
    struct watchdog *w = (struct watchdog *)b;
    const struct clock_domain *clock = reg == WATCHDOG_TICK ? w->clk_ref : w->tick;
    if (reg == WATCHDOG_TICK ? !clock_is_running(&w->generated) : reg != WATCHDOG_CTRL || !is_counting(w)) {
        return TIME_NEVER;
    }
    return clock_time_of(clock, clock_cycles_at(clock, now_ps(w)) + 1);
}

static void write_ctrl(struct watchdog *w, uint32_t value, uint32_t old) {
    if ((value ^ old) & WATCHDOG_CTRL_ENABLE) {
        set_time(w, time_left(w, old & WATCHDOG_CTRL_ENABLE));
        schedule(w);
    }
    if (value & WATCHDOG_CTRL_TRIGGER) {
        fire(w, WATCHDOG_REASON_FORCE);
    }
}

static void watchdog_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct watchdog *w = (struct watchdog *)b;
    switch (reg) {
    case WATCHDOG_CTRL:
        write_ctrl(w, value, old);
        break;
    case WATCHDOG_LOAD:
        set_time(w, field_get(value, WATCHDOG_LOAD_BITS));
        schedule(w);
        break;
    case WATCHDOG_TICK:
        update_tick(w);
        break;
    default:
        break;
    }
}

static void expired(struct event *event, uint64_t late_ps) {
    struct watchdog *w = event->owner;
    w->value = 0;
    fire(w, WATCHDOG_REASON_TIMER);
}

static void ref_changed(struct clock_listener *listener, struct clock_domain *clock) {
    update_tick(listener->owner);
}

static void tick_changed(struct clock_listener *listener, struct clock_domain *clock) {
    schedule(listener->owner);
}

void watchdog_restart(struct watchdog *w) {
    uint32_t *v = w->block.values;
    v[WATCHDOG_CTRL] = w->block.registers->descs[WATCHDOG_CTRL].reset;
    v[WATCHDOG_TICK] = w->block.registers->descs[WATCHDOG_TICK].reset;
    update_tick(w);
    set_time(w, 0);
    schedule(w);
}

static void watchdog_reset(struct block *b) {
    watchdog_restart((struct watchdog *)b);
}

static void watchdog_init(struct block *b) {
    struct watchdog *w = (struct watchdog *)b;
    w->expiry = (struct event){ .name = "watchdog", .callback = expired, .owner = w };
    w->generated.name = "tick";
    if (has_tick_generator(w)) {
        w->tick = &w->generated;
        w->ref_listener = (struct clock_listener){ .changed = ref_changed, .owner = w };
        clock_listen(w->clk_ref, &w->ref_listener);
    }
    if (!w->step) {
        w->step = has_tick_generator(w) ? 2 : 1;
    }
    w->tick_listener = (struct clock_listener){ .changed = tick_changed, .owner = w };
    clock_listen(w->tick, &w->tick_listener);
}

static void watchdog_walk(struct block *b, struct walk *walk) {
    struct watchdog *w = (struct watchdog *)b;
    clock_walk(&w->generated, walk);
    walk_u64(walk, &w->begin_tick);
    walk_u32(walk, &w->value);
    walk_event(walk, &w->expiry);
}

const struct block_class watchdog_class = {
    .name = "watchdog",
    .size = sizeof(struct watchdog),
    .init = watchdog_init,
    .reset = watchdog_reset,
    .read = watchdog_read,
    .write = watchdog_write,
    .holds_until = watchdog_holds_until,
    .walk = watchdog_walk,
};
