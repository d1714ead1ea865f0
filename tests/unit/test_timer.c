/* RP2040 datasheet 4.6: counting, latch, alarms, pause, interrupts. */
#include "peripherals/onchip/timer.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

struct fixture {
    struct stage stage;
    struct clock_domain tick, clk_sys;
    struct timer *timer;
    struct block *b;
};

static void build(struct fixture *f, const struct register_table *registers) {
    stage_init(&f->stage);
    clock_init(&f->tick, "tick");
    clock_init(&f->clk_sys, "clk_sys");
    clock_set_frequency(&f->tick, 1000000, 1, 0);
    clock_set_frequency(&f->clk_sys, 150000000, 1, 0);
    f->timer = (struct timer *)block_create(&timer_class, "TIMER", &f->stage.env, registers);
    f->timer->tick = &f->tick;
    f->b = &f->timer->block;
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    build(f, &rp2040_timer_registers);
    block_start(f->b);
    *state = f;
    return 0;
}

static int setup_rp2350(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    build(f, &rp2350_timer_registers);
    f->timer->clk_sys = &f->clk_sys;
    block_start(f->b);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(f->b);
    free(f);
    return 0;
}

static uint64_t holds_until(struct fixture *f, unsigned reg) {
    return block_holds_until(f->b, stage_offset(f->b, reg));
}

static void counts_microseconds(void **state) {
    struct fixture *f = *state;
    stage_run(&f->stage, 1500 * PS_PER_NS);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 1);
    stage_run(&f->stage, 499 * PS_PER_NS);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 1);
    stage_run(&f->stage, PS_PER_NS);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 2);
    stage_run(&f->stage, 5000 * PS_PER_S);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), (5000000002 & 0xffffffff));
    assert_int_equal(rd(f->b, TIMER_TIMERAWH), 1);
}

static void reading_the_low_word_latches_the_high_one(void **state) {
    struct fixture *f = *state;
    wr(f->b, TIMER_TIMELW, 0xfffffff0);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 0);
    wr(f->b, TIMER_TIMEHW, 7);
    assert_int_equal(rd(f->b, TIMER_TIMELR), 0xfffffff0);
    stage_run(&f->stage, 20 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_TIMEHR), 7);
    assert_int_equal(rd(f->b, TIMER_TIMERAWH), 8);
    assert_int_equal(rd(f->b, TIMER_TIMELR), 4);
    assert_int_equal(rd(f->b, TIMER_TIMEHR), 8);
}

static void alarm_fires_and_disarms(void **state) {
    struct fixture *f = *state;
    wr(f->b, TIMER_INTE, 2);
    wr(f->b, TIMER_ALARM0 + 1, 100);
    assert_int_equal(rd(f->b, TIMER_ARMED), 2);
    stage_run(&f->stage, 100 * PS_PER_US - 1);
    assert_int_equal(rd(f->b, TIMER_INTR), 0);
    stage_run(&f->stage, 1);
    assert_int_equal(rd(f->b, TIMER_INTS), 2);
    assert_int_equal(rd(f->b, TIMER_ARMED), 0);
    assert_true(f->b->irq[1].level);
    assert_false(f->b->irq[0].level);
    wr(f->b, TIMER_INTR, 2);
    assert_false(f->b->irq[1].level);
    assert_int_equal(scheduler_next(&f->stage.scheduler), TIME_NEVER);
}

static void alarms_are_independent(void **state) {
    struct fixture *f = *state;
    for (unsigned i = 0; i < 4; i++) {
        wr(f->b, TIMER_ALARM0 + i, 40 - 10 * i);
    }
    assert_int_equal(scheduler_next(&f->stage.scheduler), 10 * PS_PER_US);
    wr(f->b, TIMER_ARMED, 4); /* disarm number 2 */
    stage_run(&f->stage, 10 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_INTR), 8);
    stage_run(&f->stage, 20 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_INTR), 8 | 2);
    stage_run(&f->stage, 10 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_INTR), 8 | 2 | 1);
}

static void alarm_in_the_past_waits_for_the_wrap(void **state) {
    struct fixture *f = *state;
    stage_run(&f->stage, 100 * PS_PER_US);
    wr(f->b, TIMER_ALARM0, 99);
    stage_run(&f->stage, PS_PER_S);
    assert_int_equal(rd(f->b, TIMER_ARMED), 1);
    assert_int_equal(scheduler_next(&f->stage.scheduler), (UINT64_C(0x100000000) + 99) * PS_PER_US);
}

static void alarm_at_the_present_fires_at_once(void **state) {
    struct fixture *f = *state;
    stage_run(&f->stage, 100 * PS_PER_US + 5);
    wr(f->b, TIMER_ALARM0, 100);
    stage_run(&f->stage, 0);
    assert_int_equal(rd(f->b, TIMER_INTR), 1);
}

static void overdue_alarm_is_not_lost_when_another_is_armed(void **state) {
    struct fixture *f = *state;
    wr(f->b, TIMER_ALARM0, 10);
    f->stage.scheduler.now_ps = 15 * PS_PER_US; /* a core has run past it before events are served */
    wr(f->b, TIMER_ALARM0 + 1, 20);
    stage_run(&f->stage, 0);
    assert_int_equal(rd(f->b, TIMER_INTR), 1);
    stage_run(&f->stage, 5 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_INTR), 3);
}

static void forced_interrupt(void **state) {
    struct fixture *f = *state;
    set_bits(f->b, TIMER_INTF, 8);
    assert_true(f->b->irq[3].level);
    assert_int_equal(rd(f->b, TIMER_INTS), 8);
    clear_bits(f->b, TIMER_INTF, 8);
    assert_false(f->b->irq[3].level);
}

static void pause_stops_time_and_alarms(void **state) {
    struct fixture *f = *state;
    wr(f->b, TIMER_ALARM0, 20);
    stage_run(&f->stage, 10 * PS_PER_US);
    wr(f->b, TIMER_PAUSE, 1);
    stage_run(&f->stage, PS_PER_S);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 10);
    assert_int_equal(holds_until(f, TIMER_TIMERAWL), TIME_NEVER);
    wr(f->b, TIMER_PAUSE, 0);
    stage_run(&f->stage, 9 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_INTR), 0);
    stage_run(&f->stage, PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_INTR), 1);
}

static void follows_its_tick(void **state) {
    struct fixture *f = *state;
    stage_run(&f->stage, 10 * PS_PER_US);
    wr(f->b, TIMER_ALARM0, 20);
    clock_set_frequency(&f->tick, 500000, 1, f->stage.scheduler.now_ps);
    stage_run(&f->stage, 10 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 15);
    clock_set_frequency(&f->tick, 0, 1, f->stage.scheduler.now_ps);
    stage_run(&f->stage, PS_PER_S);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 15);
    assert_int_equal(rd(f->b, TIMER_ARMED), 1);
    clock_set_frequency(&f->tick, 1000000, 1, f->stage.scheduler.now_ps);
    stage_run(&f->stage, 5 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_INTR), 1);
}

static void says_how_long_a_value_holds(void **state) {
    struct fixture *f = *state;
    stage_run(&f->stage, 2500 * PS_PER_NS);
    assert_int_equal(holds_until(f, TIMER_TIMERAWL), 3 * PS_PER_US);
    assert_int_equal(holds_until(f, TIMER_TIMELR), 0);
    assert_int_equal(holds_until(f, TIMER_INTR), TIME_NEVER);
}

static void reset_starts_at_zero(void **state) {
    struct fixture *f = *state;
    stage_run(&f->stage, PS_PER_S);
    wr(f->b, TIMER_ALARM0, 5);
    block_hold_in_reset(f->b, true);
    block_hold_in_reset(f->b, false);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 0);
    assert_int_equal(rd(f->b, TIMER_ARMED), 0);
    assert_int_equal(scheduler_next(&f->stage.scheduler), TIME_NEVER);
}

static void rp2350_counts_clk_sys_and_locks(void **state) {
    struct fixture *f = *state;
    stage_run(&f->stage, 10 * PS_PER_US);
    wr(f->b, TIMER_SOURCE, 1);
    stage_run(&f->stage, 10 * PS_PER_US);
    assert_int_equal(rd(f->b, TIMER_TIMERAWL), 1510);
    wr(f->b, TIMER_LOCKED, 1);
    wr(f->b, TIMER_LOCKED, 0);
    wr(f->b, TIMER_SOURCE, 0);
    wr(f->b, TIMER_ALARM0, 2000);
    assert_int_equal(rd(f->b, TIMER_SOURCE), 1);
    assert_int_equal(rd(f->b, TIMER_LOCKED), 1);
    assert_int_equal(rd(f->b, TIMER_ARMED), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(counts_microseconds),
        TEST(reading_the_low_word_latches_the_high_one),
        TEST(alarm_fires_and_disarms),
        TEST(alarms_are_independent),
        TEST(alarm_in_the_past_waits_for_the_wrap),
        TEST(alarm_at_the_present_fires_at_once),
        TEST(overdue_alarm_is_not_lost_when_another_is_armed),
        TEST(forced_interrupt),
        TEST(pause_stops_time_and_alarms),
        TEST(follows_its_tick),
        TEST(says_how_long_a_value_holds),
        TEST(reset_starts_at_zero),
        cmocka_unit_test_setup_teardown(rp2350_counts_clk_sys_and_locks, setup_rp2350, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
