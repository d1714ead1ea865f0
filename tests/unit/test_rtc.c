/* RP2040 datasheet 4.8: calendar, leap years, alarm matching. */
#include "peripherals/onchip/rtc.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

struct fixture {
    struct stage stage;
    struct clock_domain clk_rtc;
    struct rtc *rtc;
    struct block *b;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    clock_init(&f->clk_rtc, "clk_rtc");
    clock_set_frequency(&f->clk_rtc, 46875, 1, 0);
    f->rtc = (struct rtc *)block_create(&rtc_class, "RTC", &f->stage.env, &rp2040_rtc_registers);
    f->rtc->clk_rtc = &f->clk_rtc;
    f->b = &f->rtc->block;
    block_start(f->b);
    wr(f->b, RTC_CLKDIV_M1, 46874);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(f->b);
    free(f);
    return 0;
}

static uint32_t date(unsigned year, unsigned month, unsigned day) {
    return year << 12 | month << 8 | day;
}

static uint32_t time_of_day(unsigned weekday, unsigned hour, unsigned minute, unsigned second) {
    return weekday << 24 | hour << 16 | minute << 8 | second;
}

/* As the SDK's rtc_set_datetime() does it. */
static void set(struct fixture *f, uint32_t day, uint32_t time) {
    wr(f->b, RTC_CTRL, 0);
    assert_int_equal(rd(f->b, RTC_CTRL) & RTC_CTRL_RTC_ACTIVE, 0);
    wr(f->b, RTC_SETUP_0, day);
    wr(f->b, RTC_SETUP_1, time);
    wr(f->b, RTC_CTRL, RTC_CTRL_LOAD);
    wr(f->b, RTC_CTRL, RTC_CTRL_RTC_ENABLE);
    assert_int_equal(rd(f->b, RTC_CTRL) & RTC_CTRL_RTC_ACTIVE, RTC_CTRL_RTC_ACTIVE);
}

static void expect(struct fixture *f, uint32_t day, uint32_t time) {
    assert_int_equal(rd(f->b, RTC_RTC_0), time);
    assert_int_equal(rd(f->b, RTC_RTC_1), day);
}

static void counts_seconds(void **state) {
    struct fixture *f = *state;
    set(f, date(2024, 6, 15), time_of_day(6, 12, 0, 0));
    stage_run(&f->stage, PS_PER_S - 1);
    expect(f, date(2024, 6, 15), time_of_day(6, 12, 0, 0));
    stage_run(&f->stage, 1);
    expect(f, date(2024, 6, 15), time_of_day(6, 12, 0, 1));
    stage_run(&f->stage, 3659 * PS_PER_S);
    expect(f, date(2024, 6, 15), time_of_day(6, 13, 1, 0));
}

static void rolls_over_at_the_ends(void **state) {
    static const struct {
        uint32_t day, next;
    } ends[] = {
        { 2023 << 12 | 2 << 8 | 28, 2023 << 12 | 3 << 8 | 1 },   { 2024 << 12 | 2 << 8 | 28, 2024 << 12 | 2 << 8 | 29 },
        { 2024 << 12 | 2 << 8 | 29, 2024 << 12 | 3 << 8 | 1 },   { 2024 << 12 | 4 << 8 | 30, 2024 << 12 | 5 << 8 | 1 },
        { 2024 << 12 | 12 << 8 | 31, 2025 << 12 | 1 << 8 | 1 },  { 2024 << 12 | 7 << 8 | 31, 2024 << 12 | 8 << 8 | 1 },
        { 2024 << 12 | 11 << 8 | 30, 2024 << 12 | 12 << 8 | 1 },
    };
    struct fixture *f = *state;
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++) {
        set(f, ends[i].day, time_of_day(6, 23, 59, 59));
        stage_run(&f->stage, PS_PER_S);
        expect(f, ends[i].next, time_of_day(0, 0, 0, 0));
    }
}

static void leap_year_can_be_forced_off(void **state) {
    struct fixture *f = *state;
    set(f, date(2100, 2, 28), time_of_day(0, 23, 59, 59));
    set_bits(f->b, RTC_CTRL, RTC_CTRL_FORCE_NOTLEAPYEAR);
    stage_run(&f->stage, PS_PER_S);
    expect(f, date(2100, 3, 1), time_of_day(1, 0, 0, 0));
}

static void date_is_latched_with_the_time(void **state) {
    struct fixture *f = *state;
    set(f, date(2024, 12, 31), time_of_day(2, 23, 59, 59));
    assert_int_equal(rd(f->b, RTC_RTC_0), time_of_day(2, 23, 59, 59));
    stage_run(&f->stage, PS_PER_S);
    assert_int_equal(rd(f->b, RTC_RTC_1), date(2024, 12, 31));
    expect(f, date(2025, 1, 1), time_of_day(3, 0, 0, 0));
}

static void alarm_matches_enabled_fields_only(void **state) {
    struct fixture *f = *state;
    set(f, date(2024, 6, 15), time_of_day(6, 12, 0, 50));
    wr(f->b, RTC_INTE, 1);
    wr(f->b, RTC_IRQ_SETUP_0, 0);
    wr(f->b, RTC_IRQ_SETUP_1, RTC_IRQ_SETUP_1_SEC_ENA | RTC_IRQ_SETUP_1_MIN_ENA | time_of_day(1, 1, 1, 5));
    set_bits(f->b, RTC_IRQ_SETUP_0, RTC_IRQ_SETUP_0_MATCH_ENA);
    assert_int_equal(rd(f->b, RTC_IRQ_SETUP_0) & RTC_IRQ_SETUP_0_MATCH_ACTIVE, RTC_IRQ_SETUP_0_MATCH_ACTIVE);
    stage_run(&f->stage, 14 * PS_PER_S);
    assert_false(f->b->irq[0].level);
    stage_run(&f->stage, PS_PER_S);
    assert_true(f->b->irq[0].level);
    assert_int_equal(rd(f->b, RTC_INTS), 1);
    clear_bits(f->b, RTC_IRQ_SETUP_0, RTC_IRQ_SETUP_0_MATCH_ENA);
    assert_false(f->b->irq[0].level);
}

static void stands_without_its_clock(void **state) {
    struct fixture *f = *state;
    set(f, date(2024, 6, 15), time_of_day(6, 12, 0, 0));
    clock_set_frequency(&f->clk_rtc, 0, 1, f->stage.scheduler.now_ps);
    stage_run(&f->stage, 10 * PS_PER_S);
    expect(f, date(2024, 6, 15), time_of_day(6, 12, 0, 0));
    assert_int_equal(rd(f->b, RTC_CTRL) & RTC_CTRL_RTC_ACTIVE, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(counts_seconds),
        TEST(rolls_over_at_the_ends),
        TEST(leap_year_can_be_forced_off),
        TEST(date_is_latched_with_the_time),
        TEST(alarm_matches_enabled_fields_only),
        TEST(stands_without_its_clock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
