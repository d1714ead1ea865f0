/* System timer: RP2040 datasheet 4.6, RP2350 datasheet 12.8.
 * Not modelled: DBGPAUSE beyond reading back.
 * Decided: an alarm that is set to the present count fires at once (the comparison is with the count, not with its
 * change); one that lies behind fires when the low word comes round. Writing the time moves armed alarms along: they
 * fire at the new count. */
#include "peripherals/onchip/timer.h"

static uint64_t now_ps(const struct timer *t) {
    return scheduler_now(t->block.env->scheduler);
}

static void forget(struct timer *t) {
    t->held_until_ps = 0;
}

/* The slow way round: works the count out and how long it stays. */
static uint64_t refresh(struct timer *t, uint64_t ps) {
    uint64_t cycles = clock_cycles_at(t->counted, ps);
    t->held = t->paused ? t->offset : cycles + t->offset;
    t->held_from_ps = ps;
    t->held_until_ps = t->paused ? TIME_NEVER : clock_time_of(t->counted, cycles + 1);
    return t->held;
}

uint64_t timer_time(struct timer *t) {
    uint64_t ps = now_ps(t);
    return ps < t->held_until_ps && ps >= t->held_from_ps ? t->held : refresh(t, ps);
}

/* When the count will be `ticks` more than now. */
static uint64_t time_after(const struct timer *t, uint64_t ticks) {
    return clock_time_of(t->counted, clock_cycles_at(t->counted, now_ps(t)) + ticks);
}

static uint32_t interrupt_status(const struct timer *t) {
    const uint32_t *v = t->block.values;
    return (v[TIMER_INTR] & v[TIMER_INTE]) | v[TIMER_INTF];
}

static void timer_update(struct timer *t) {
    uint32_t status = interrupt_status(t);
    for (unsigned i = 0; i < TIMER_ALARMS; i++) {
        line_set(&t->block.irq[i], status >> i & 1);
    }
}

static bool has_passed(const struct timer *t, unsigned alarm, uint64_t time) {
    return (int64_t)(t->due[alarm] - time) <= 0;
}

/* The event stands for the earliest armed alarm. */
static void schedule(struct timer *t) {
    uint64_t now = timer_time(t), next = UINT64_MAX, due = TIME_NEVER;
    uint32_t armed = t->block.values[TIMER_ARMED];
    for (unsigned i = 0; i < TIMER_ALARMS; i++) {
        uint64_t ahead = has_passed(t, i, now) ? 0 : t->due[i] - now;
        if ((armed >> i & 1) && ahead < next) {
            next = ahead;
        }
    }
    if (armed && !t->paused) {
        due = clock_time_of(t->counted, clock_cycles_at(t->counted, now_ps(t)) + next);
    }
    if (due == TIME_NEVER) {
        scheduler_cancel(t->block.env->scheduler, &t->alarm);
    } else {
        scheduler_add(t->block.env->scheduler, &t->alarm, due);
    }
}

/* The next time at which the low word is what the alarm says. */
static uint64_t due_after(uint64_t now, uint32_t alarm) {
    return now + (uint32_t)(alarm - (uint32_t)now);
}

static void arm(struct timer *t, unsigned alarm) {
    t->due[alarm] = due_after(timer_time(t), t->block.values[TIMER_ALARM0 + alarm]);
    t->block.values[TIMER_ARMED] |= 1u << alarm;
    schedule(t);
}

static void set_time(struct timer *t, uint64_t time) {
    t->offset = t->paused ? time : time - clock_cycles_at(t->counted, now_ps(t));
    forget(t);
    for (unsigned i = 0; i < TIMER_ALARMS; i++) {
        t->due[i] = due_after(time, t->block.values[TIMER_ALARM0 + i]);
    }
    schedule(t);
}

/* Pausing and the choice of what is counted must not move the count. */
static void reconfigure(struct timer *t, bool paused, struct clock_domain *counted) {
    uint64_t time = timer_time(t);
    t->paused = paused;
    t->counted = counted;
    t->offset = paused ? time : time - clock_cycles_at(counted, now_ps(t));
    forget(t);
    schedule(t);
}

static struct clock_domain *source(const struct timer *t) {
    bool sys = t->block.values[TIMER_SOURCE] & TIMER_SOURCE_CLK_SYS;
    return sys && t->clk_sys ? t->clk_sys : t->tick;
}

static uint64_t timer_holds_until(struct block *b, unsigned reg) {
    struct timer *t = (struct timer *)b;
    switch (reg) {
    case TIMER_TIMELR: /* latches */
        return 0;
    case TIMER_TIMERAWL:
        timer_time(t);
        return t->held_until_ps;
    case TIMER_TIMERAWH: /* until the low word comes round */
        return t->paused ? TIME_NEVER : time_after(t, (UINT64_C(1) << 32) - (uint32_t)timer_time(t));
    default:
        return TIME_NEVER;
    }
}

static uint64_t timer_counts_until(struct block *b, unsigned reg, uint64_t ticks) {
    struct timer *t = (struct timer *)b;
    return reg == TIMER_TIMERAWL && !t->paused ? time_after(t, ticks) : 0;
}

static uint32_t timer_read(struct block *b, unsigned reg) {
    struct timer *t = (struct timer *)b;
    uint64_t time;
    switch (reg) {
    case TIMER_TIMERAWL:
        return (uint32_t)timer_time(t);
    case TIMER_TIMERAWH:
        return (uint32_t)(timer_time(t) >> 32);
    case TIMER_TIMELR:
        time = timer_time(t);
        t->latched_high = (uint32_t)(time >> 32);
        return (uint32_t)time;
    case TIMER_TIMEHR:
        return t->latched_high;
    case TIMER_INTS:
        return interrupt_status(t);
    default:
        return b->values[reg];
    }
}

static void timer_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct timer *t = (struct timer *)b;
    if (reg != TIMER_LOCKED && (b->values[TIMER_LOCKED] & TIMER_LOCKED_BITS)) {
        b->values[reg] = old;
        return;
    }
    switch (reg) {
    case TIMER_TIMELW:
        b->values[reg] = value;
        break;
    case TIMER_TIMEHW:
        set_time(t, (uint64_t)value << 32 | b->values[TIMER_TIMELW]);
        break;
    case TIMER_ALARM0:
    case TIMER_ALARM1:
    case TIMER_ALARM2:
    case TIMER_ALARM3:
        arm(t, reg - TIMER_ALARM0);
        break;
    case TIMER_ARMED:
        schedule(t);
        break;
    case TIMER_PAUSE:
    case TIMER_SOURCE:
        reconfigure(t, b->values[TIMER_PAUSE] & TIMER_PAUSE_BITS, source(t));
        break;
    case TIMER_LOCKED:
        b->values[reg] |= old; /* cannot be cleared */
        break;
    default:
        timer_update(t);
        break;
    }
}

static void alarm_due(struct event *event, uint64_t late_ps) {
    struct timer *t = event->owner;
    uint64_t time = timer_time(t);
    uint32_t armed = t->block.values[TIMER_ARMED];
    for (unsigned i = 0; i < TIMER_ALARMS; i++) {
        if ((armed >> i & 1) && has_passed(t, i, time)) {
            t->block.values[TIMER_ARMED] &= ~(1u << i);
            t->block.values[TIMER_INTR] |= 1u << i;
        }
    }
    timer_update(t);
    schedule(t);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct timer *t = listener->owner;
    forget(t);
    schedule(t);
}

static void timer_reset(struct block *b) {
    struct timer *t = (struct timer *)b;
    t->paused = false;
    t->counted = source(t);
    t->latched_high = 0;
    set_time(t, 0);
    timer_update(t);
}

static void timer_init(struct block *b) {
    struct timer *t = (struct timer *)b;
    t->counted = t->tick; /* clocks may change before the first reset */
    t->alarm = (struct event){ .name = b->name, .callback = alarm_due, .owner = t };
    t->tick_listener = (struct clock_listener){ .changed = clock_changed, .owner = t };
    clock_listen(t->tick, &t->tick_listener);
    if (t->clk_sys) {
        t->sys_listener = (struct clock_listener){ .changed = clock_changed, .owner = t };
        clock_listen(t->clk_sys, &t->sys_listener);
    }
}

static void timer_walk(struct block *b, struct walk *walk) {
    struct timer *t = (struct timer *)b;
    bool counts_sys = t->counted == t->clk_sys;
    walk_bool(walk, &counts_sys);
    t->counted = counts_sys && t->clk_sys ? t->clk_sys : t->tick;
    walk_u64(walk, &t->offset);
    walk_bool(walk, &t->paused);
    walk_u32(walk, &t->latched_high);
    walk_u64s(walk, t->due, TIMER_ALARMS);
    walk_event(walk, &t->alarm);
    t->held_until_ps = 0; /* to be worked out anew */
}

const struct block_class timer_class = {
    .name = "timer",
    .size = sizeof(struct timer),
    .init = timer_init,
    .reset = timer_reset,
    .read = timer_read,
    .write = timer_write,
    .holds_until = timer_holds_until,
    .counts_until = timer_counts_until,
    .walk = timer_walk,
};
