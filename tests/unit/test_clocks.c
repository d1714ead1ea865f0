/* The clock tree as firmware sets it up after reset: oscillators, PLLs, generators. */
#include "peripherals/onchip/clocks.h"
#include "peripherals/onchip/pll.h"
#include "peripherals/onchip/rosc.h"
#include "peripherals/onchip/ticks.h"
#include "peripherals/onchip/xosc.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

struct tree {
    struct stage stage;
    struct xosc *xosc;
    struct rosc *rosc;
    struct pll *pll_sys, *pll_usb;
    struct clocks *clocks;
};

static void *make(struct tree *t, const struct block_class *class, const char *name,
                  const struct register_table *regs) {
    return block_create(class, name, &t->stage.env, regs);
}

static void build(struct tree *t, bool rp2350) {
    stage_init(&t->stage);
    t->xosc = make(t, &xosc_class, "XOSC", rp2350 ? &rp2350_xosc_registers : &rp2040_xosc_registers);
    t->rosc = make(t, &rosc_class, "ROSC", rp2350 ? &rp2350_rosc_registers : &rp2040_rosc_registers);
    t->pll_sys = make(t, &pll_class, "PLL_SYS", rp2350 ? &rp2350_pll_registers : &rp2040_pll_registers);
    t->pll_usb = make(t, &pll_class, "PLL_USB", rp2350 ? &rp2350_pll_registers : &rp2040_pll_registers);
    t->clocks = make(t, &clocks_class, "CLOCKS", rp2350 ? &rp2350_clocks_registers : &rp2040_clocks_registers);
    t->xosc->crystal_hz = 12000000;
    t->rosc->desc = rp2350 ? &rp2350_rosc : &rp2040_rosc;
    t->pll_sys->reference = t->pll_usb->reference = &t->xosc->clock;
    t->clocks->desc = rp2350 ? &rp2350_clocks : &rp2040_clocks;
    t->clocks->at[CLOCK_ROSC] = &t->rosc->clock;
    t->clocks->at[CLOCK_ROSC_PH] = &t->rosc->phased;
    t->clocks->at[CLOCK_XOSC] = &t->xosc->clock;
    t->clocks->at[CLOCK_PLL_SYS] = &t->pll_sys->clock;
    t->clocks->at[CLOCK_PLL_USB] = &t->pll_usb->clock;
    block_start(&t->clocks->block); /* the order must not matter */
    block_start(&t->pll_sys->block);
    block_start(&t->pll_usb->block);
    block_start(&t->xosc->block);
    block_start(&t->rosc->block);
}

static int setup(void **state) {
    struct tree *t = calloc(1, sizeof *t);
    build(t, false);
    *state = t;
    return 0;
}

static int setup_rp2350(void **state) {
    struct tree *t = calloc(1, sizeof *t);
    build(t, true);
    *state = t;
    return 0;
}

static int teardown(void **state) {
    struct tree *t = *state;
    block_destroy(&t->clocks->block);
    block_destroy(&t->pll_sys->block);
    block_destroy(&t->pll_usb->block);
    block_destroy(&t->xosc->block);
    block_destroy(&t->rosc->block);
    free(t);
    return 0;
}

static uint64_t hz(struct tree *t, enum clock_id id) {
    return clock_hz(clocks_domain(t->clocks, id));
}

static void start_xosc(struct tree *t) {
    struct block *b = &t->xosc->block;
    wr(b, XOSC_CTRL, 0xaa0);
    wr(b, XOSC_STARTUP, 47);
    set_bits(b, XOSC_CTRL, 0xfabu << 12);
    assert_int_equal(rd(b, XOSC_STATUS) & XOSC_STATUS_STABLE, 0);
    stage_run(&t->stage, 47 * 256 * PS_PER_US / 12 - 1);
    assert_int_equal(rd(b, XOSC_STATUS) & XOSC_STATUS_STABLE, 0);
    stage_run(&t->stage, 1);
    assert_int_equal(rd(b, XOSC_STATUS), XOSC_STATUS_STABLE | XOSC_STATUS_ENABLED);
    assert_int_equal(clock_hz(&t->xosc->clock), 12000000);
}

static void start_pll(struct tree *t, struct pll *pll, uint32_t fbdiv, uint32_t div1, uint32_t div2) {
    struct block *b = &pll->block;
    wr(b, PLL_CS, 1);
    wr(b, PLL_FBDIV_INT, fbdiv);
    clear_bits(b, PLL_PWR, PLL_PWR_PD | PLL_PWR_VCOPD);
    assert_int_equal(rd(b, PLL_CS) & PLL_CS_LOCK, 0);
    stage_run(&t->stage, PS_PER_MS);
    assert_int_equal(rd(b, PLL_CS) & PLL_CS_LOCK, PLL_CS_LOCK);
    assert_int_equal(clock_hz(&pll->clock), 0);
    wr(b, PLL_PRIM, div1 << PLL_PRIM_POSTDIV1_LSB | div2 << PLL_PRIM_POSTDIV2_LSB);
    clear_bits(b, PLL_PWR, PLL_PWR_POSTDIVPD);
}

static void start_all(struct tree *t) {
    struct block *b = &t->clocks->block;
    start_xosc(t);
    start_pll(t, t->pll_sys, 125, 6, 2);
    start_pll(t, t->pll_usb, 100, 5, 5);
    wr(b, CLOCKS_CLK_REF_CTRL, 2);
    wr(b, CLOCKS_CLK_SYS_CTRL, 0);
    set_bits(b, CLOCKS_CLK_SYS_CTRL, 1);
    wr(b, CLOCKS_CLK_USB_CTRL, CLOCKS_CLK_USB_CTRL_ENABLE);
    wr(b, CLOCKS_CLK_ADC_CTRL, CLOCKS_CLK_ADC_CTRL_ENABLE);
    wr(b, CLOCKS_CLK_PERI_CTRL, CLOCKS_CLK_PERI_CTRL_ENABLE);
}

static void runs_from_the_ring_oscillator_after_reset(void **state) {
    struct tree *t = *state;
    assert_int_equal(hz(t, CLOCK_REF), 6500000);
    assert_int_equal(hz(t, CLOCK_SYS), 6500000);
    assert_int_equal(hz(t, CLOCK_PERI), 0);
    assert_int_equal(rd(&t->clocks->block, CLOCKS_CLK_SYS_SELECTED), 1);
    assert_int_equal(rd(&t->rosc->block, ROSC_STATUS) & ROSC_STATUS_STABLE, ROSC_STATUS_STABLE);
}

static void sdk_start_up_gives_the_usual_frequencies(void **state) {
    struct tree *t = *state;
    struct block *b = &t->clocks->block;
    start_all(t);
    wr(b, CLOCKS_CLK_RTC_DIV, 1024 << 8);
    wr(b, CLOCKS_CLK_RTC_CTRL, CLOCKS_CLK_RTC_CTRL_ENABLE);
    assert_int_equal(hz(t, CLOCK_REF), 12000000);
    assert_int_equal(hz(t, CLOCK_SYS), 125000000);
    assert_int_equal(hz(t, CLOCK_PERI), 125000000);
    assert_int_equal(hz(t, CLOCK_USB), 48000000);
    assert_int_equal(hz(t, CLOCK_ADC), 48000000);
    assert_int_equal(hz(t, CLOCK_RTC), 46875);
    assert_int_equal(rd(b, CLOCKS_CLK_REF_SELECTED), 4);
    assert_int_equal(rd(b, CLOCKS_CLK_SYS_SELECTED), 2);
    assert_int_equal(rd(b, CLOCKS_CLK_USB_SELECTED), 1);
    assert_int_equal(t->stage.log.count[LOG_GUEST], 0);
}

static void dividers_have_a_fraction(void **state) {
    struct tree *t = *state;
    struct block *b = &t->clocks->block;
    start_all(t);
    wr(b, CLOCKS_CLK_GPOUT0_DIV, 2 << 8 | 0x80);
    wr(b, CLOCKS_CLK_GPOUT0_CTRL, CLOCKS_CLK_GPOUT0_CTRL_ENABLE | 6 << CLOCKS_CLK_GPOUT0_CTRL_AUXSRC_LSB);
    assert_int_equal(hz(t, CLOCK_GPOUT0), 50000000);
    wr(b, CLOCKS_CLK_GPOUT0_DIV, 0);
    assert_int_equal(hz(t, CLOCK_GPOUT0), 1907); /* 125 MHz / 2^16 */
    set_bits(b, CLOCKS_CLK_GPOUT0_CTRL, CLOCKS_CLK_GPOUT0_CTRL_KILL);
    assert_int_equal(hz(t, CLOCK_GPOUT0), 0);
}

/* RP2040 datasheet 2.15.3: by 1, or by 2.0 and more. */
static void rp2040_has_no_divisor_between_one_and_two(void **state) {
    struct tree *t = *state;
    struct block *b = &t->clocks->block;
    start_all(t);
    wr(b, CLOCKS_CLK_SYS_DIV, 1 << 8 | 0x80);
    assert_int_equal(hz(t, CLOCK_SYS), 125000000);
    wr(b, CLOCKS_CLK_SYS_DIV, 2 << 8);
    assert_int_equal(hz(t, CLOCK_SYS), 62500000);
    wr(b, CLOCKS_CLK_SYS_DIV, 2 << 8 | 0x80);
    assert_int_equal(hz(t, CLOCK_SYS), 50000000);
}

/* The word at 0x4000804c, which the SVD calls CLK_PERI_DIV. */
static void rp2040_clk_peri_has_no_divider(void **state) {
    struct tree *t = *state;
    start_all(t);
    wr(&t->clocks->block, CLOCKS_CLK_PERI_DIV, 2 << 8);
    assert_int_equal(hz(t, CLOCK_PERI), 125000000);
    wr(&t->clocks->block, CLOCKS_CLK_PERI_DIV, 0);
    assert_int_equal(hz(t, CLOCK_PERI), 125000000);
}

static void counter_measures(void **state) {
    struct tree *t = *state;
    struct block *b = &t->clocks->block;
    start_all(t);
    wr(b, CLOCKS_FC0_REF_KHZ, 12000);
    wr(b, CLOCKS_FC0_INTERVAL, 10);
    wr(b, CLOCKS_FC0_SRC, 9);
    assert_int_equal(rd(b, CLOCKS_FC0_STATUS), CLOCKS_FC0_STATUS_RUNNING);
    stage_run(&t->stage, 2 * PS_PER_MS);
    assert_int_equal(rd(b, CLOCKS_FC0_STATUS), CLOCKS_FC0_STATUS_DONE | CLOCKS_FC0_STATUS_PASS);
    assert_int_equal(rd(b, CLOCKS_FC0_RESULT) >> CLOCKS_FC0_RESULT_KHZ_LSB, 125000);
    wr(b, CLOCKS_FC0_MAX_KHZ, 1000);
    wr(b, CLOCKS_FC0_SRC, 3);
    stage_run(&t->stage, 2 * PS_PER_MS);
    assert_int_equal(rd(b, CLOCKS_FC0_RESULT) >> CLOCKS_FC0_RESULT_KHZ_LSB, 6500);
    assert_int_equal(rd(b, CLOCKS_FC0_STATUS) & (CLOCKS_FC0_STATUS_FAST | CLOCKS_FC0_STATUS_FAIL),
                     CLOCKS_FC0_STATUS_FAST | CLOCKS_FC0_STATUS_FAIL);
}

static void stopped_clk_sys_is_resuscitated(void **state) {
    struct tree *t = *state;
    struct block *b = &t->clocks->block;
    start_all(t);
    wr(b, CLOCKS_INTE, 1);
    wr(b, CLOCKS_CLK_SYS_RESUS_CTRL, CLOCKS_CLK_SYS_RESUS_CTRL_ENABLE | 0xff);
    set_bits(&t->pll_sys->block, PLL_PWR, PLL_PWR_PD | PLL_PWR_VCOPD);
    assert_int_equal(hz(t, CLOCK_SYS), 0);
    stage_run(&t->stage, 30 * PS_PER_US);
    assert_int_equal(hz(t, CLOCK_SYS), 12000000);
    assert_int_equal(rd(b, CLOCKS_CLK_SYS_RESUS_STATUS), 1);
    assert_true(b->irq[0].level);
    clear_bits(b, CLOCKS_CLK_SYS_CTRL, 1);
    set_bits(b, CLOCKS_CLK_SYS_RESUS_CTRL, CLOCKS_CLK_SYS_RESUS_CTRL_CLEAR);
    clear_bits(b, CLOCKS_CLK_SYS_RESUS_CTRL, CLOCKS_CLK_SYS_RESUS_CTRL_CLEAR);
    assert_int_equal(rd(b, CLOCKS_CLK_SYS_RESUS_STATUS), 0);
    assert_false(b->irq[0].level);
    assert_int_equal(hz(t, CLOCK_SYS), 12000000);
}

static void ring_oscillator_speeds_up(void **state) {
    struct tree *t = *state;
    struct block *b = &t->rosc->block;
    assert_int_equal(rd(b, ROSC_CTRL), 0xfabaa0); /* ENABLE on power-up */
    wr(b, ROSC_DIV, 0xaa0 + 8);
    assert_int_equal(hz(t, CLOCK_SYS), 13000000);
    wr(b, ROSC_FREQA, 0x96961111);
    wr(b, ROSC_FREQB, 0x96961111);
    assert_int_equal(hz(t, CLOCK_SYS), 26000000);
    wr(b, ROSC_DIV, 5);
    assert_int_equal(rd(b, ROSC_STATUS) & ROSC_STATUS_BADWRITE, ROSC_STATUS_BADWRITE);
    wr(b, ROSC_STATUS, ROSC_STATUS_BADWRITE);
    assert_int_equal(rd(b, ROSC_STATUS) & ROSC_STATUS_BADWRITE, 0);
}

static void random_bits_differ(void **state) {
    struct tree *t = *state;
    unsigned ones = 0;
    for (unsigned i = 0; i < 1000; i++) {
        ones += rd(&t->rosc->block, ROSC_RANDOMBIT);
    }
    assert_in_range(ones, 400, 600);
}

static void dormant_stops_everything_until_woken(void **state) {
    struct tree *t = *state;
    wr(&t->clocks->block, CLOCKS_CLK_REF_CTRL, 0);
    wr(&t->rosc->block, ROSC_DORMANT, 0x636f6d61);
    assert_int_equal(hz(t, CLOCK_SYS), 0);
    stage_run(&t->stage, PS_PER_S);
    rosc_wake(t->rosc);
    assert_int_equal(hz(t, CLOCK_SYS), 6500000);
    assert_int_equal(rd(&t->rosc->block, ROSC_DORMANT), 0x77616b65);
}

static void crystal_counter_counts_down(void **state) {
    struct tree *t = *state;
    start_xosc(t);
    wr(&t->xosc->block, XOSC_COUNT, 24);
    stage_run(&t->stage, PS_PER_US);
    assert_int_equal(rd(&t->xosc->block, XOSC_COUNT), 12);
    stage_run(&t->stage, 2 * PS_PER_US);
    assert_int_equal(rd(&t->xosc->block, XOSC_COUNT), 0);
}

static void pll_reset_stops_its_clock(void **state) {
    struct tree *t = *state;
    start_all(t);
    block_hold_in_reset(&t->pll_usb->block, true);
    assert_int_equal(hz(t, CLOCK_USB), 0);
    assert_int_equal(hz(t, CLOCK_SYS), 125000000);
}

static void rp2350_has_its_own_wiring(void **state) {
    struct tree *t = *state;
    struct block *b = &t->clocks->block;
    start_all(t);
    assert_int_equal(hz(t, CLOCK_SYS), 125000000);
    wr(b, CLOCKS_CLK_HSTX_CTRL, CLOCKS_CLK_HSTX_CTRL_ENABLE);
    assert_int_equal(hz(t, CLOCK_HSTX), 125000000);
    wr(b, CLOCKS_CLK_SYS_DIV, 1 << 16 | 0x4000); /* 8.1.3.3: 1.0 to 2^16 */
    assert_int_equal(hz(t, CLOCK_SYS), 100000000);
    wr(b, CLOCKS_CLK_SYS_DIV, 2 << 16 | 0x8000);
    assert_int_equal(hz(t, CLOCK_SYS), 50000000);
    wr(b, CLOCKS_CLK_PERI_DIV, 0); /* field of two bits: divides by 4 */
    assert_int_equal(hz(t, CLOCK_PERI), 12500000);
}

static void rp2350_oscillators_differ(void **state) {
    struct tree *t = *state;
    struct block *b = &t->xosc->block;
    assert_int_equal(hz(t, CLOCK_SYS), 11000000);
    start_xosc(t);
    wr(b, XOSC_CTRL, 0x123u << 12 | 0xaa1);
    assert_int_equal(rd(b, XOSC_STATUS), XOSC_STATUS_STABLE | XOSC_STATUS_ENABLED | XOSC_STATUS_BADWRITE | 1);
    wr(b, XOSC_COUNT, 2);
    stage_run(&t->stage, 3 * PS_PER_US / 12);
    assert_int_equal(rd(b, XOSC_COUNT), 1);
    stage_run(&t->stage, PS_PER_US / 12 + 1);
    assert_int_equal(rd(b, XOSC_COUNT), 0);
}

static void ticks_divide_clk_ref(void **state) {
    struct tree *t = *state;
    struct ticks *ticks = make(t, &ticks_class, "TICKS", &rp2350_ticks_registers);
    ticks->clk_ref = clocks_domain(t->clocks, CLOCK_REF);
    block_start(&ticks->block);
    start_all(t);
    wr(&ticks->block, TICKS_TIMER1_CYCLES, 12);
    wr(&ticks->block, TICKS_TIMER1_CTRL, 1);
    assert_int_equal(rd(&ticks->block, TICKS_TIMER1_CTRL), 3);
    assert_int_equal(clock_hz(&ticks->tick[TICK_TIMER1]), 1000000);
    assert_int_equal(clock_hz(&ticks->tick[TICK_TIMER0]), 0);
    stage_run(&t->stage, PS_PER_US / 2);
    assert_int_equal(rd(&ticks->block, TICKS_TIMER1_COUNT), 6);
    block_destroy(&ticks->block);
}

static void clocks_by_pins_are_stubs(void **state) {
    struct tree *t = *state;
    struct block *b = &t->clocks->block;
    wr(b, CLOCKS_CLK_PERI_CTRL, CLOCKS_CLK_PERI_CTRL_ENABLE);
    wr(b, CLOCKS_CLK_GPOUT0_CTRL, 6u << CLOCKS_CLK_GPOUT0_CTRL_AUXSRC_LSB); /* not enabled */
    assert_int_equal(t->stage.log.count[LOG_STUB], 0);
    set_bits(b, CLOCKS_CLK_GPOUT0_CTRL, CLOCKS_CLK_GPOUT0_CTRL_ENABLE);
    assert_int_equal(t->stage.log.count[LOG_STUB], 1);
    wr(b, CLOCKS_CLK_PERI_CTRL, CLOCKS_CLK_PERI_CTRL_ENABLE | 5u << CLOCKS_CLK_PERI_CTRL_AUXSRC_LSB); /* GPIN0 */
    assert_int_equal(t->stage.log.count[LOG_STUB], 2);
    assert_false(clock_is_running(clocks_domain(t->clocks, CLOCK_PERI)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_RP2350(name) cmocka_unit_test_setup_teardown(name, setup_rp2350, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(clocks_by_pins_are_stubs),
        TEST(runs_from_the_ring_oscillator_after_reset),
        TEST(sdk_start_up_gives_the_usual_frequencies),
        TEST(dividers_have_a_fraction),
        TEST(rp2040_has_no_divisor_between_one_and_two),
        TEST(rp2040_clk_peri_has_no_divider),
        TEST(counter_measures),
        TEST(stopped_clk_sys_is_resuscitated),
        TEST(ring_oscillator_speeds_up),
        TEST(random_bits_differ),
        TEST(dormant_stops_everything_until_woken),
        TEST(crystal_counter_counts_down),
        TEST(pll_reset_stops_its_clock),
        TEST_RP2350(rp2350_has_its_own_wiring),
        TEST_RP2350(rp2350_oscillators_differ),
        TEST_RP2350(ticks_divide_clk_ref),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
