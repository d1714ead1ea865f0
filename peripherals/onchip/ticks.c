/* Tick generators: RP2350 datasheet 8.5. Six alike: clk_ref divided by CYCLES while enabled.
 * Decided: a tick stands still for CYCLES = 0; COUNT counts down from CYCLES. */
#include "peripherals/onchip/ticks.h"

#define REGISTERS_EACH (TICKS_PROC1_CTRL - TICKS_PROC0_CTRL)
#define CTRL(id) (TICKS_PROC0_CTRL + (id)*REGISTERS_EACH)

static uint64_t now_ps(const struct ticks *t) {
    return scheduler_now(t->block.env->scheduler);
}

static void ticks_update(struct ticks *t) {
    for (unsigned id = 0; id < TICK_IDS; id++) {
        bool enabled = t->block.values[CTRL(id)] & TICKS_PROC0_CTRL_ENABLE;
        uint32_t cycles = t->block.values[CTRL(id) + 1];
        clock_derive(&t->tick[id], t->clk_ref, 1, enabled ? cycles : 0, now_ps(t));
    }
}

static uint32_t count(const struct ticks *t, unsigned id) {
    const struct clock_domain *tick = &t->tick[id];
    uint32_t cycles = t->block.values[CTRL(id) + 1];
    if (!clock_is_running(tick)) {
        return 0;
    }
    uint64_t since = clock_time_of(tick, clock_cycles_at(tick, now_ps(t)));
    uint64_t passed = clock_cycles_at(t->clk_ref, now_ps(t)) - clock_cycles_at(t->clk_ref, since);
    return passed < cycles ? cycles - (uint32_t)passed : 0;
}

static uint32_t ticks_read(struct block *b, unsigned reg) {
    struct ticks *t = (struct ticks *)b;
    unsigned id = reg / REGISTERS_EACH;
    if (reg == CTRL(id)) {
        return b->values[reg] | (clock_is_running(&t->tick[id]) ? TICKS_PROC0_CTRL_RUNNING : 0);
    }
    return reg == CTRL(id) + 2 ? count(t, id) : b->values[reg];
}

static uint64_t ticks_holds_until(struct block *b, unsigned reg) {
    struct ticks *t = (struct ticks *)b;
    if (reg % REGISTERS_EACH != TICKS_PROC0_COUNT || !clock_is_running(&t->tick[reg / REGISTERS_EACH])) {
        return TIME_NEVER;
    }
    return clock_time_of(t->clk_ref, clock_cycles_at(t->clk_ref, now_ps(t)) + 1);
}

static void ticks_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    ticks_update((struct ticks *)b);
}

static void ref_changed(struct clock_listener *listener, struct clock_domain *clock) {
    ticks_update(listener->owner);
}

static void ticks_reset(struct block *b) {
    ticks_update((struct ticks *)b);
}

static void ticks_init(struct block *b) {
    static const char *const names[TICK_IDS] = {
        "tick_proc0", "tick_proc1", "tick_timer0", "tick_timer1", "tick_watchdog", "tick_riscv",
    };
    struct ticks *t = (struct ticks *)b;
    for (unsigned id = 0; id < TICK_IDS; id++) {
        t->tick[id].name = names[id];
    }
    t->ref_listener = (struct clock_listener){ .changed = ref_changed, .owner = t };
    clock_listen(t->clk_ref, &t->ref_listener);
}

static void ticks_walk(struct block *b, struct walk *walk) {
    for (unsigned id = 0; id < TICK_IDS; id++) {
        clock_walk(&((struct ticks *)b)->tick[id], walk);
    }
}

const struct block_class ticks_class = {
    .name = "ticks",
    .size = sizeof(struct ticks),
    .init = ticks_init,
    .reset = ticks_reset,
    .read = ticks_read,
    .write = ticks_write,
    .holds_until = ticks_holds_until,
    .walk = ticks_walk,
};
