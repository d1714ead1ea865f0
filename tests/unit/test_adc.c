/* RP2040 datasheet 4.9: single and paced conversions, round robin, FIFO, temperature sensor. */
#include "peripherals/onchip/adc.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <stdlib.h>

#define CONVERSION_PS (2 * PS_PER_US) /* 96 cycles of 48 MHz */

struct fixture {
    struct stage stage;
    struct clock_domain clk_adc;
    struct adc *adc;
    struct block *b;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    clock_init(&f->clk_adc, "clk_adc");
    clock_set_frequency(&f->clk_adc, 48000000, 1, 0);
    f->adc = (struct adc *)block_create(&adc_class, "ADC", &f->stage.env, &rp2040_adc_registers);
    f->adc->clk_adc = &f->clk_adc;
    f->adc->inputs = 5;
    f->adc->fifo_depth = 8;
    f->b = &f->adc->block;
    block_start(f->b);
    wr(f->b, ADC_CS, ADC_CS_EN);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(f->b);
    free(f);
    return 0;
}

static uint32_t convert(struct fixture *f, unsigned input) {
    wr(f->b, ADC_CS, ADC_CS_EN | ADC_CS_TS_EN | input << 12);
    set_bits(f->b, ADC_CS, ADC_CS_START_ONCE);
    stage_run(&f->stage, CONVERSION_PS);
    return rd(f->b, ADC_RESULT);
}

static void single_conversion_takes_96_cycles(void **state) {
    struct fixture *f = *state;
    adc_set_input(f->adc, 1, 1.65);
    assert_int_equal(rd(f->b, ADC_CS) & ADC_CS_READY, ADC_CS_READY);
    wr(f->b, ADC_CS, ADC_CS_EN | 1 << 12);
    set_bits(f->b, ADC_CS, ADC_CS_START_ONCE);
    stage_run(&f->stage, CONVERSION_PS - 1);
    assert_int_equal(rd(f->b, ADC_CS) & ADC_CS_READY, 0);
    stage_run(&f->stage, 1);
    assert_int_equal(rd(f->b, ADC_CS) & ADC_CS_READY, ADC_CS_READY);
    assert_int_equal(rd(f->b, ADC_RESULT), 2048);
    assert_int_equal(scheduler_next(&f->stage.scheduler), TIME_NEVER);
}

static double halfway(void *context, unsigned input) {
    return 0.825 * input;
}

static void unset_input_is_asked_for(void **state) {
    struct fixture *f = *state;
    assert_int_equal(convert(f, 1), 0);
    f->adc->voltage = halfway;
    assert_int_equal(convert(f, 2), 2048);
    adc_set_input(f->adc, 2, 3.0);
    assert_int_equal(convert(f, 2), 3723);
    adc_set_input(f->adc, 2, NAN);
    assert_int_equal(convert(f, 2), 2048);
}

static void range_saturates(void **state) {
    struct fixture *f = *state;
    adc_set_input(f->adc, 0, -0.3);
    assert_int_equal(convert(f, 0), 0);
    adc_set_input(f->adc, 0, 3.3);
    assert_int_equal(convert(f, 0), 4095);
    adc_set_input(f->adc, 0, 5);
    assert_int_equal(convert(f, 0), 4095);
}

static void temperature_sensor_follows_the_formula(void **state) {
    struct fixture *f = *state;
    assert_int_equal(convert(f, 4), 876); /* 0.706 V */
    adc_set_temperature(f->adc, 37);
    assert_int_equal(convert(f, 4), 854); /* 17.21 mV less */
    wr(f->b, ADC_CS, ADC_CS_EN | 4 << 12 | ADC_CS_START_ONCE);
    stage_run(&f->stage, CONVERSION_PS);
    assert_int_equal(rd(f->b, ADC_RESULT), 0);
}

static void round_robin_fills_the_fifo(void **state) {
    struct fixture *f = *state;
    for (unsigned input = 0; input < 4; input++) {
        adc_set_input(f->adc, input, 0.5 * (input + 1));
    }
    wr(f->b, ADC_FCS, ADC_FCS_EN | 2 << ADC_FCS_THRESH_LSB);
    wr(f->b, ADC_INTE, 1);
    wr(f->b, ADC_CS, ADC_CS_EN | ADC_CS_START_MANY | 1 << 12 | 0xb << 16);
    stage_run(&f->stage, CONVERSION_PS);
    assert_false(f->b->irq[0].level);
    stage_run(&f->stage, CONVERSION_PS);
    assert_true(f->b->irq[0].level);
    stage_run(&f->stage, 5 * CONVERSION_PS);
    assert_int_equal(rd(f->b, ADC_FCS) & (ADC_FCS_FULL | ADC_FCS_LEVEL), 7 << ADC_FCS_LEVEL_LSB);
    stage_run(&f->stage, CONVERSION_PS);
    assert_int_equal(rd(f->b, ADC_FCS) & (ADC_FCS_FULL | ADC_FCS_LEVEL), ADC_FCS_FULL | 8 << ADC_FCS_LEVEL_LSB);
    stage_run(&f->stage, CONVERSION_PS);
    wr(f->b, ADC_CS, ADC_CS_EN);
    assert_int_equal(rd(f->b, ADC_FCS) & ADC_FCS_OVER, ADC_FCS_OVER);
    static const uint32_t round_robin[] = { 1241, 2482, 620 }; /* inputs 1, 3, 0: 1.0 V, 2.0 V, 0.5 V */
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(rd(f->b, ADC_FIFO), round_robin[i % 3]);
    }
    assert_int_equal(rd(f->b, ADC_FCS) & (ADC_FCS_EMPTY | ADC_FCS_UNDER), ADC_FCS_EMPTY);
    assert_false(f->b->irq[0].level);
    rd(f->b, ADC_FIFO);
    assert_int_equal(rd(f->b, ADC_FCS) & ADC_FCS_UNDER, ADC_FCS_UNDER);
    set_bits(f->b, ADC_FCS, ADC_FCS_UNDER | ADC_FCS_OVER);
    assert_int_equal(rd(f->b, ADC_FCS) & (ADC_FCS_UNDER | ADC_FCS_OVER), 0);
}

static void divider_paces_conversions(void **state) {
    struct fixture *f = *state;
    wr(f->b, ADC_DIV, 4799 << 8); /* 10 kHz */
    wr(f->b, ADC_FCS, ADC_FCS_EN | ADC_FCS_SHIFT | ADC_FCS_DREQ_EN | 1 << ADC_FCS_THRESH_LSB);
    adc_set_input(f->adc, 0, 1.65);
    set_bits(f->b, ADC_CS, ADC_CS_START_MANY);
    stage_run(&f->stage, CONVERSION_PS);
    assert_true(f->adc->dreq.level);
    assert_int_equal(rd(f->b, ADC_FIFO), 0x80);
    assert_false(f->adc->dreq.level);
    stage_run(&f->stage, 98 * PS_PER_US);
    assert_int_equal(rd(f->b, ADC_CS) & ADC_CS_READY, 0);
    assert_int_equal(f->adc->fifo_count, 0);
    stage_run(&f->stage, CONVERSION_PS);
    assert_int_equal(f->adc->fifo_count, 1);
    stage_run(&f->stage, 200 * PS_PER_US);
    assert_int_equal(f->adc->fifo_count, 3);
}

static void stands_without_its_clock(void **state) {
    struct fixture *f = *state;
    set_bits(f->b, ADC_CS, ADC_CS_START_ONCE);
    clock_set_frequency(&f->clk_adc, 0, 1, 0);
    stage_run(&f->stage, PS_PER_S);
    assert_int_equal(rd(f->b, ADC_CS) & ADC_CS_READY, 0);
    clock_set_frequency(&f->clk_adc, 48000000, 1, f->stage.scheduler.now_ps);
    stage_run(&f->stage, CONVERSION_PS);
    assert_int_equal(rd(f->b, ADC_CS) & ADC_CS_READY, ADC_CS_READY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* 10 mV of 3.3 V are 12.4 steps of 4096. */
static void noise_has_the_deviation_that_is_asked_for(void **state) {
    struct fixture *f = *state;
    double sum = 0, squares = 0;
    adc_set_input(f->adc, 0, 1.65);
    adc_set_noise(f->adc, 0, 0.01);
    for (unsigned i = 0; i < 2000; i++) {
        double value = convert(f, 0);
        sum += value / 2000;
        squares += value * value / 2000;
    }
    assert_true(fabs(sum - 2048) < 2);
    assert_true(fabs(sqrt(squares - sum * sum) - 12.4) < 1);
    adc_set_input(f->adc, 1, 1.65);
    assert_int_equal(convert(f, 1), 2048); /* the other inputs have none */
    adc_set_noise(f->adc, 0, 0);
    assert_int_equal(convert(f, 0), 2048);
}

static void noise_repeats(void **state) {
    struct fixture *f = *state;
    uint32_t first[20];
    adc_set_input(f->adc, 0, 1.65);
    for (unsigned run = 0; run < 2; run++) {
        adc_set_noise(f->adc, 0, 0.1);
        for (unsigned i = 0; i < 20; i++) {
            uint32_t value = convert(f, 0);
            first[i] = run ? first[i] : value;
            assert_int_equal(value, first[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(single_conversion_takes_96_cycles),
        TEST(unset_input_is_asked_for),
        TEST(range_saturates),
        TEST(temperature_sensor_follows_the_formula),
        TEST(round_robin_fills_the_fifo),
        TEST(divider_paces_conversions),
        TEST(stands_without_its_clock),
        TEST(noise_has_the_deviation_that_is_asked_for),
        TEST(noise_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
