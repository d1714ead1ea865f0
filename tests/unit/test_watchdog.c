/* RP2040 datasheet 4.7: countdown with erratum E1, reasons, scratch registers, tick generator. */
#include "peripherals/onchip/watchdog.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

struct fixture {
    struct stage stage;
    struct clock_domain clk_ref, tick;
    struct watchdog *watchdog;
    struct block *b;
    unsigned fired;
};

static void fire(void *context) {
    ((struct fixture *)context)->fired++;
}

static void build(struct fixture *f, const struct register_table *registers) {
    stage_init(&f->stage);
    clock_init(&f->clk_ref, "clk_ref");
    clock_init(&f->tick, "tick");
    clock_set_frequency(&f->clk_ref, 12000000, 1, 0);
    f->watchdog = (struct watchdog *)block_create(&watchdog_class, "WATCHDOG", &f->stage.env, registers);
    f->watchdog->clk_ref = &f->clk_ref;
    f->watchdog->fire = fire;
    f->watchdog->context = f;
    f->b = &f->watchdog->block;
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    build(f, &rp2040_watchdog_registers);
    block_start(f->b);
    wr(f->b, WATCHDOG_TICK, WATCHDOG_TICK_ENABLE | 12);
    *state = f;
    return 0;
}

static int setup_rp2350(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    build(f, &rp2350_watchdog_registers);
    clock_set_frequency(&f->tick, 1000000, 1, 0);
    f->watchdog->tick = &f->tick;
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

static void tick_divides_clk_ref(void **state) {
    struct fixture *f = *state;
    assert_int_equal(clock_hz(&f->watchdog->generated), 1000000);
    stage_run(&f->stage, PS_PER_US * 3 / 4);
    uint32_t tick = rd(f->b, WATCHDOG_TICK);
    assert_int_equal(tick & WATCHDOG_TICK_RUNNING, WATCHDOG_TICK_RUNNING);
    assert_int_equal(field_get(tick, WATCHDOG_TICK_COUNT), 3);
    wr(f->b, WATCHDOG_TICK, 12);
    assert_int_equal(clock_hz(&f->watchdog->generated), 0);
    assert_int_equal(rd(f->b, WATCHDOG_TICK) & WATCHDOG_TICK_RUNNING, 0);
}

static void counts_twice_a_tick_and_fires(void **state) {
    struct fixture *f = *state;
    wr(f->b, WATCHDOG_LOAD, 2000);
    stage_run(&f->stage, PS_PER_S);
    assert_int_equal(rd(f->b, WATCHDOG_CTRL) & WATCHDOG_CTRL_TIME, 2000);
    set_bits(f->b, WATCHDOG_CTRL, WATCHDOG_CTRL_ENABLE);
    stage_run(&f->stage, 400 * PS_PER_US);
    assert_int_equal(rd(f->b, WATCHDOG_CTRL) & WATCHDOG_CTRL_TIME, 1200);
    stage_run(&f->stage, 600 * PS_PER_US - 1);
    assert_int_equal(f->fired, 0);
    stage_run(&f->stage, 1);
    assert_int_equal(f->fired, 1);
    assert_int_equal(rd(f->b, WATCHDOG_REASON), WATCHDOG_REASON_TIMER);
}

static void feeding_keeps_it_quiet(void **state) {
    struct fixture *f = *state;
    wr(f->b, WATCHDOG_LOAD, 2000);
    set_bits(f->b, WATCHDOG_CTRL, WATCHDOG_CTRL_ENABLE);
    for (unsigned i = 0; i < 10; i++) {
        stage_run(&f->stage, 900 * PS_PER_US);
        wr(f->b, WATCHDOG_LOAD, 2000);
    }
    assert_int_equal(f->fired, 0);
    clear_bits(f->b, WATCHDOG_CTRL, WATCHDOG_CTRL_ENABLE);
    stage_run(&f->stage, PS_PER_S);
    assert_int_equal(f->fired, 0);
}

static void trigger_fires_and_scratch_survives(void **state) {
    struct fixture *f = *state;
    wr(f->b, WATCHDOG_SCRATCH4, 0xb007c0d3);
    set_bits(f->b, WATCHDOG_CTRL, WATCHDOG_CTRL_TRIGGER);
    assert_int_equal(f->fired, 1);
    watchdog_restart(f->watchdog);
    assert_int_equal(rd(f->b, WATCHDOG_REASON), WATCHDOG_REASON_FORCE);
    assert_int_equal(rd(f->b, WATCHDOG_SCRATCH4), 0xb007c0d3);
    assert_int_equal(rd(f->b, WATCHDOG_CTRL), 0x07000000);
    assert_int_equal(rd(f->b, WATCHDOG_TICK), WATCHDOG_TICK_ENABLE);
    block_reset(f->b);
    assert_int_equal(rd(f->b, WATCHDOG_REASON), 0);
    assert_int_equal(rd(f->b, WATCHDOG_SCRATCH4), 0);
}

static void rp2350_counts_once_a_tick(void **state) {
    struct fixture *f = *state;
    wr(f->b, WATCHDOG_LOAD, 1000);
    set_bits(f->b, WATCHDOG_CTRL, WATCHDOG_CTRL_ENABLE);
    stage_run(&f->stage, 999 * PS_PER_US);
    assert_int_equal(rd(f->b, WATCHDOG_CTRL) & WATCHDOG_CTRL_TIME, 1);
    stage_run(&f->stage, PS_PER_US);
    assert_int_equal(f->fired, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(tick_divides_clk_ref),
        TEST(counts_twice_a_tick_and_fires),
        TEST(feeding_keeps_it_quiet),
        TEST(trigger_fires_and_scratch_survives),
        cmocka_unit_test_setup_teardown(rp2350_counts_once_a_tick, setup_rp2350, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
