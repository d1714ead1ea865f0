/* RP2040 datasheet 4.5: counting, edges, double buffering, phase-correct mode, inputs, wrap. */
#include "peripherals/onchip/pwm.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define CYCLE 8000 /* ps of 125 MHz */
#define EDGES 64

struct fixture {
    struct stage stage;
    struct pwm *pwm;
    struct block *b;
    struct {
        uint64_t cycle;
        unsigned slice;
        enum pwm_channel channel;
        bool level;
    } edge[EDGES];
    unsigned edges;
    unsigned requests;
};

static void output(void *context, unsigned slice, enum pwm_channel channel, bool level) {
    struct fixture *f = context;
    if (f->edges < EDGES) {
        f->edge[f->edges].cycle = f->stage.scheduler.now_ps / CYCLE;
        f->edge[f->edges].slice = slice;
        f->edge[f->edges].channel = channel;
        f->edge[f->edges].level = level;
    }
    f->edges++;
}

static void request(void *context, unsigned index, bool level) {
    ((struct fixture *)context)->requests += level;
}

static void build(struct fixture *f, const struct register_table *registers) {
    stage_init(&f->stage);
    f->pwm = (struct pwm *)block_create(&pwm_class, "PWM", &f->stage.env, registers);
    f->pwm->clk_sys = &f->stage.clock;
    f->pwm->output = output;
    f->pwm->context = f;
    f->pwm->watch = true;
    f->pwm->dreq[2] = (struct line){ .set = request, .context = f };
    f->b = &f->pwm->block;
    block_start(f->b);
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    build(f, &rp2040_pwm_registers);
    *state = f;
    return 0;
}

static int setup_rp2350(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    build(f, &rp2350_pwm_registers);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(f->b);
    free(f);
    return 0;
}

static void run(struct fixture *f, uint64_t cycles) {
    /* Cycle by cycle, so that edges are noted when they happen. */
    for (; cycles; cycles--) {
        stage_run(&f->stage, CYCLE);
    }
}

static void start(struct fixture *f, uint32_t top, uint32_t a, uint32_t b, uint32_t csr) {
    wr(f->b, PWM_CH0_TOP, top);
    wr(f->b, PWM_CH0_CC, b << 16 | a);
    f->edges = 0;
    wr(f->b, PWM_CH0_CSR, csr | PWM_CH0_CSR_EN);
}

static void expect(const struct fixture *f, unsigned i, uint64_t cycle, enum pwm_channel channel, bool level) {
    assert_in_range(f->edges, i + 1, EDGES);
    assert_int_equal(f->edge[i].cycle, cycle);
    assert_int_equal(f->edge[i].channel, channel);
    assert_int_equal(f->edge[i].level, level);
}

static void trailing_edge_at_compare(void **state) {
    struct fixture *f = *state;
    start(f, 9, 3, 0, 0);
    run(f, 25);
    assert_int_equal(f->edges, 5);
    expect(f, 0, 3, PWM_A, false);
    expect(f, 1, 10, PWM_A, true);
    expect(f, 2, 13, PWM_A, false);
    expect(f, 3, 20 + 0, PWM_A, true);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 5);
    assert_true(pwm_duty(f->pwm, 0, PWM_A) == 0.3);
    assert_true(pwm_frequency(f->pwm, 0) == 12500000);
}

static void never_and_always(void **state) {
    struct fixture *f = *state;
    start(f, 9, 0, 10, 0);
    assert_false(f->pwm->level[0][PWM_A]);
    assert_true(f->pwm->level[0][PWM_B]);
    run(f, 50);
    assert_int_equal(f->edges, 0);
    assert_int_equal(scheduler_next(&f->stage.scheduler), TIME_NEVER);
}

static void divider_has_a_fraction(void **state) {
    struct fixture *f = *state;
    wr(f->b, PWM_CH0_DIV, 2 << 4 | 8); /* 2.5 */
    start(f, 3, 1, 0, 0);
    run(f, 40);
    expect(f, 0, 3, PWM_A, false);  /* count 1 after 2.5 cycles */
    expect(f, 1, 10, PWM_A, true);  /* count 4 */
    expect(f, 2, 13, PWM_A, false); /* count 5 after 12.5 */
    expect(f, 3, 20, PWM_A, true);
}

static void phase_correct_is_symmetrical(void **state) {
    struct fixture *f = *state;
    start(f, 4, 2, 0, PWM_CH0_CSR_PH_CORRECT);
    run(f, 25); /* 0 1 2 3 4 4 3 2 1 0 */
    expect(f, 0, 2, PWM_A, false);
    expect(f, 1, 8, PWM_A, true);
    expect(f, 2, 12, PWM_A, false);
    expect(f, 3, 18, PWM_A, true);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 4);
    run(f, 1);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 3);
}

static void settings_wait_for_the_wrap(void **state) {
    struct fixture *f = *state;
    start(f, 9, 3, 0, 0);
    run(f, 1);
    wr(f->b, PWM_CH0_CC, 6);
    wr(f->b, PWM_CH0_TOP, 7);
    run(f, 20);
    expect(f, 0, 3, PWM_A, false);
    expect(f, 1, 10, PWM_A, true);
    expect(f, 2, 16, PWM_A, false);
    expect(f, 3, 18, PWM_A, true);
}

static void level_zero_takes_hold_at_the_wrap(void **state) {
    struct fixture *f = *state;
    start(f, 9, 10, 0, 0);
    run(f, 5);
    wr(f->b, PWM_CH0_CC, 0);
    assert_int_equal(f->edges, 0);
    run(f, 30);
    assert_int_equal(f->edges, 1);
    expect(f, 0, 10, PWM_A, false);
}

static void disabled_slice_takes_settings_at_once_and_holds(void **state) {
    struct fixture *f = *state;
    wr(f->b, PWM_CH0_CC, 5);
    assert_true(f->pwm->level[0][PWM_A]);
    start(f, 9, 5, 0, 0);
    run(f, 7);
    clear_bits(f->b, PWM_CH0_CSR, PWM_CH0_CSR_EN);
    run(f, 50);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 7);
    assert_false(f->pwm->level[0][PWM_A]);
}

static void outputs_can_be_inverted(void **state) {
    struct fixture *f = *state;
    start(f, 9, 3, 4, PWM_CH0_CSR_B_INV);
    assert_false(f->pwm->level[0][PWM_B]);
    run(f, 11);
    expect(f, 0, 0, PWM_B, false);
    expect(f, 1, 3, PWM_A, false);
    expect(f, 2, 4, PWM_B, true);
    expect(f, 3, 10, PWM_A, true);
    expect(f, 4, 10, PWM_B, false);
}

static void wrap_interrupts(void **state) {
    struct fixture *f = *state;
    f->pwm->watch = false;
    start(f, 99, 3, 0, 0);
    stage_run(&f->stage, 150 * CYCLE);
    assert_int_equal(rd(f->b, PWM_INTR), 1);
    assert_false(f->b->irq[0].level);
    wr(f->b, PWM_INTR, 1);
    wr(f->b, PWM_INTE, 1);
    stage_run(&f->stage, 50 * CYCLE - 1);
    assert_int_equal(rd(f->b, PWM_INTS), 0);
    stage_run(&f->stage, 1);
    assert_true(f->b->irq[0].level);
    wr(f->b, PWM_INTR, 1);
    assert_false(f->b->irq[0].level);
    set_bits(f->b, PWM_INTF, 0x80);
    assert_true(f->b->irq[0].level);
    assert_int_equal(rd(f->b, PWM_INTS), 0x80);
}

static void each_wrap_is_a_request(void **state) {
    struct fixture *f = *state;
    wr(f->b, PWM_CH2_TOP, 9);
    pwm_want_dreqs(f->pwm, 1 << 2);
    wr(f->b, PWM_CH2_CSR, PWM_CH0_CSR_EN);
    stage_run(&f->stage, 100 * CYCLE);
    assert_int_equal(f->requests, 10);
    pwm_want_dreqs(f->pwm, 0);
    stage_run(&f->stage, 100 * CYCLE);
    assert_int_equal(f->requests, 10);
}

static void says_how_long_values_hold(void **state) {
    struct fixture *f = *state;
    wr(f->b, PWM_CH0_DIV, 4 << 4);
    start(f, 9, 0, 0, 0);
    run(f, 6);
    assert_int_equal(block_holds_until(f->b, stage_offset(f->b, PWM_CH0_CTR)), 8 * CYCLE);
    assert_int_equal(block_holds_until(f->b, stage_offset(f->b, PWM_INTR)), 40 * CYCLE);
    assert_int_equal(block_holds_until(f->b, stage_offset(f->b, PWM_CH1_CTR)), TIME_NEVER);
}

static void slices_start_together(void **state) {
    struct fixture *f = *state;
    wr(f->b, PWM_CH1_TOP, 9);
    wr(f->b, PWM_CH3_TOP, 9);
    wr(f->b, PWM_EN, 0xa);
    assert_int_equal(rd(f->b, PWM_CH1_CSR), PWM_CH0_CSR_EN);
    run(f, 17);
    assert_int_equal(rd(f->b, PWM_CH1_CTR), 7);
    assert_int_equal(rd(f->b, PWM_CH3_CTR), 7);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 0);
    clear_bits(f->b, PWM_CH3_CSR, PWM_CH0_CSR_EN);
    assert_int_equal(rd(f->b, PWM_EN), 2);
}

static void phase_can_be_shifted(void **state) {
    struct fixture *f = *state;
    start(f, 99, 0, 0, 0);
    run(f, 10);
    set_bits(f->b, PWM_CH0_CSR, PWM_CH0_CSR_PH_ADV);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 11);
    set_bits(f->b, PWM_CH0_CSR, PWM_CH0_CSR_PH_RET);
    set_bits(f->b, PWM_CH0_CSR, PWM_CH0_CSR_PH_RET);
    run(f, 10);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 19);
    assert_int_equal(rd(f->b, PWM_CH0_CSR), PWM_CH0_CSR_EN);
}

static void counter_beyond_top_runs_on(void **state) {
    struct fixture *f = *state;
    start(f, 9, 3, 0, 0);
    wr(f->b, PWM_CH0_CTR, 0xfff0);
    run(f, 15);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 0xffff);
    run(f, 4);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 3);
    run(f, 8);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 1);
}

/* What pico-sdk's hardware_pwm_test does with each slice, and how such a counter then runs. */
static void phase_correct_counter_beyond_top_reads_as_written(void **state) {
    struct fixture *f = *state;
    wr(f->b, PWM_CH0_CSR, PWM_CH0_CSR_PH_CORRECT);
    wr(f->b, PWM_CH0_TOP, 100);
    wr(f->b, PWM_CH0_CC, 1300 << 16 | 3);
    wr(f->b, PWM_CH0_CTR, 1234);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 1234);
    assert_false(f->pwm->level[0][PWM_A]);
    assert_true(f->pwm->level[0][PWM_B]);
    f->edges = 0;
    wr(f->b, PWM_CH0_CSR, PWM_CH0_CSR_PH_CORRECT | PWM_CH0_CSR_EN);
    run(f, 1);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 1235);
    run(f, 65);
    expect(f, 0, 1300 - 1234, PWM_B, false);
    wr(f->b, PWM_CH0_CTR, 0xfffe);
    f->edges = 0;
    run(f, 2);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 0);
    assert_true(f->pwm->level[0][PWM_A]);
    assert_true(f->pwm->level[0][PWM_B]);
    run(f, 103); /* 0 to 100, 100, 99, 98 */
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 98);
}

static void stores_keep_the_direction_of_a_phase_correct_counter(void **state) {
    struct fixture *f = *state;
    start(f, 9, 3, 0, PWM_CH0_CSR_PH_CORRECT);
    run(f, 14);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 5);
    wr(f->b, PWM_CH0_CSR, PWM_CH0_CSR_PH_CORRECT);
    wr(f->b, PWM_CH0_TOP, 20);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 5);
    wr(f->b, PWM_CH0_CSR, PWM_CH0_CSR_PH_CORRECT | PWM_CH0_CSR_EN);
    run(f, 2);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 3);
}

static void input_gates_or_counts(void **state) {
    struct fixture *f = *state;
    start(f, 0xffff, 0, 0, 1 << PWM_CH0_CSR_DIVMODE_LSB);
    run(f, 10);
    pwm_set_input(f->pwm, 0, true);
    run(f, 5);
    pwm_set_input(f->pwm, 0, false);
    run(f, 10);
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 5);
    wr(f->b, PWM_CH0_CTR, 0);
    wr(f->b, PWM_CH0_DIV, 2 << 4);
    wr(f->b, PWM_CH0_CSR, PWM_CH0_CSR_EN | 2 << PWM_CH0_CSR_DIVMODE_LSB);
    for (unsigned i = 0; i < 7; i++) {
        pwm_set_input(f->pwm, 0, true);
        pwm_set_input(f->pwm, 0, false);
    }
    assert_int_equal(rd(f->b, PWM_CH0_CTR), 3); /* every second rising edge */
}

static void change_of_clock_moves_the_next_edge(void **state) {
    struct fixture *f = *state;
    start(f, 99, 50, 0, 0);
    run(f, 10);
    clock_set_frequency(&f->stage.clock, 62500000, 1, f->stage.scheduler.now_ps);
    run(f, 79); /* 39.5 slow cycles */
    assert_int_equal(f->edges, 0);
    run(f, 1);
    expect(f, 0, 90, PWM_A, false);
}

static void fast_edges_can_be_left_out(void **state) {
    struct fixture *f = *state;
    f->pwm->edge_limit_hz = 100000;
    start(f, 99, 50, 0, 0);
    assert_int_equal(scheduler_next(&f->stage.scheduler), TIME_NEVER);
    assert_true(pwm_duty(f->pwm, 0, PWM_A) == 0.5);
    wr(f->b, PWM_CH0_DIV, 100 << 4);
    assert_int_not_equal(scheduler_next(&f->stage.scheduler), TIME_NEVER);
}

static void pins_follow_when_selected(void **state) {
    static struct gpio_bank bank;
    struct fixture *f = *state;
    block_destroy(f->b);
    gpio_bank_init(&bank, &f->stage.env, &rp2040_gpio_bank0);
    f->pwm = (struct pwm *)block_create(&pwm_class, "PWM", &f->stage.env, &rp2040_pwm_registers);
    f->pwm->clk_sys = &f->stage.clock;
    f->pwm->gpio = &bank;
    f->pwm->function = 4;
    f->b = &f->pwm->block;
    block_start(f->b);
    start(f, 9, 3, 5, 0);
    gpio_set_pad(&bank, 17, 0x40, false);
    run(f, 4);
    gpio_set_control(&bank, 17, 4); /* GP17 is channel B of slice 0 */
    struct net *net = gpio_net(&bank, "GP17");
    assert_true(net_is_high(net));
    run(f, 1);
    assert_false(net_is_high(net));
    run(f, 5);
    assert_true(net_is_high(net));
}

static void rp2350_has_twelve_slices_and_two_interrupts(void **state) {
    struct fixture *f = *state;
    wr(f->b, PWM_CH11_TOP, 9);
    wr(f->b, PWM_CH11_CSR, PWM_CH0_CSR_EN);
    wr(f->b, PWM_IRQ1_INTE, 1 << 11);
    run(f, 10);
    assert_true(f->b->irq[1].level);
    assert_false(f->b->irq[0].level);
    assert_int_equal(rd(f->b, PWM_IRQ1_INTS), 1 << 11);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(trailing_edge_at_compare),
        TEST(never_and_always),
        TEST(divider_has_a_fraction),
        TEST(phase_correct_is_symmetrical),
        TEST(settings_wait_for_the_wrap),
        TEST(level_zero_takes_hold_at_the_wrap),
        TEST(disabled_slice_takes_settings_at_once_and_holds),
        TEST(outputs_can_be_inverted),
        TEST(wrap_interrupts),
        TEST(each_wrap_is_a_request),
        TEST(says_how_long_values_hold),
        TEST(slices_start_together),
        TEST(phase_can_be_shifted),
        TEST(counter_beyond_top_runs_on),
        TEST(phase_correct_counter_beyond_top_reads_as_written),
        TEST(stores_keep_the_direction_of_a_phase_correct_counter),
        TEST(input_gates_or_counts),
        TEST(change_of_clock_moves_the_next_edge),
        TEST(fast_edges_can_be_left_out),
        TEST(pins_follow_when_selected),
        cmocka_unit_test_setup_teardown(rp2350_has_twelve_slices_and_two_interrupts, setup_rp2350, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
