/* RP2350 datasheet 6.4 and 12.10: password, AON timer with its sources and its alarm, states, reset causes. */
#include "peripherals/onchip/powman.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define PASS 0x5afe0000u

struct fixture {
    struct stage stage;
    struct clock_domain xosc;
    struct powman *powman;
    struct block *b;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    clock_init(&f->xosc, "xosc");
    clock_set_frequency(&f->xosc, 12000000, 1, 0);
    f->powman = (struct powman *)block_create(&powman_class, "POWMAN", &f->stage.env, &rp2350_powman_registers);
    f->powman->xosc = &f->xosc;
    f->b = &f->powman->block;
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

static void set_time(struct fixture *f, unsigned first, uint64_t ms) {
    for (unsigned i = 0; i < 4; i++) {
        wr(f->b, first + i, PASS | (uint32_t)(ms >> (48 - 16 * i) & 0xffff));
    }
}

static void stores_need_the_password(void **state) {
    struct fixture *f = *state;
    wr(f->b, POWMAN_XOSC_FREQ_KHZ_INT, 13000);
    assert_int_equal(rd(f->b, POWMAN_XOSC_FREQ_KHZ_INT), 12000);
    assert_int_equal(rd(f->b, POWMAN_BADPASSWD), 1);
    wr(f->b, POWMAN_BADPASSWD, 1);
    assert_int_equal(rd(f->b, POWMAN_BADPASSWD), 1);
    wr(f->b, POWMAN_BADPASSWD, PASS | 1);
    assert_int_equal(rd(f->b, POWMAN_BADPASSWD), 0);
    wr(f->b, POWMAN_XOSC_FREQ_KHZ_INT, PASS | 13000);
    assert_int_equal(rd(f->b, POWMAN_XOSC_FREQ_KHZ_INT), 13000); /* 16 bits alone */
}

static void aliases_carry_the_password(void **state) {
    struct fixture *f = *state;
    set_bits(f->b, POWMAN_CHIP_RESET, PASS | POWMAN_CHIP_RESET_DOUBLE_TAP);
    assert_int_equal(rd(f->b, POWMAN_CHIP_RESET) & 1, 1);
    clear_bits(f->b, POWMAN_CHIP_RESET, POWMAN_CHIP_RESET_DOUBLE_TAP);
    assert_int_equal(rd(f->b, POWMAN_CHIP_RESET) & 1, 1);
    clear_bits(f->b, POWMAN_CHIP_RESET, PASS | POWMAN_CHIP_RESET_DOUBLE_TAP);
    assert_int_equal(rd(f->b, POWMAN_CHIP_RESET) & 1, 0);
}

static void scratch_needs_none(void **state) {
    struct fixture *f = *state;
    wr(f->b, POWMAN_SCRATCH7, 0x12345678);
    wr(f->b, POWMAN_BOOT3, 0x9abcdef0);
    assert_int_equal(rd(f->b, POWMAN_SCRATCH7), 0x12345678);
    assert_int_equal(rd(f->b, POWMAN_BOOT3), 0x9abcdef0);
    assert_int_equal(rd(f->b, POWMAN_BADPASSWD), 0);
}

static void timer_counts_milliseconds(void **state) {
    struct fixture *f = *state;
    set_time(f, POWMAN_SET_TIME_63TO48, 0x1ffffffffu);
    set_bits(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_RUN);
    assert_true(rd(f->b, POWMAN_TIMER) & POWMAN_TIMER_USING_LPOSC);
    stage_run(&f->stage, 1001 * PS_PER_MS + PS_PER_US * 500); /* 32.768 kHz, nearly 32.768 cycles a tick */
    assert_int_equal(rd(f->b, POWMAN_READ_TIME_UPPER), 2);
    assert_int_equal(rd(f->b, POWMAN_READ_TIME_LOWER), 1000);
    set_bits(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_USE_XOSC);
    assert_true(rd(f->b, POWMAN_TIMER) & POWMAN_TIMER_USING_XOSC);
    stage_run(&f->stage, 500 * PS_PER_MS);
    assert_int_equal(powman_time(f->powman), 0x2000003e8u + 500);
    clear_bits(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_RUN);
    stage_run(&f->stage, 500 * PS_PER_MS);
    assert_int_equal(powman_time(f->powman), 0x2000003e8u + 500);
    set_bits(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_CLEAR);
    assert_int_equal(powman_time(f->powman), 0);
}

/* The registers say how many kHz a tick is, whatever the source really does. */
static void tick_is_as_the_registers_say(void **state) {
    struct fixture *f = *state;
    wr(f->b, POWMAN_XOSC_FREQ_KHZ_INT, PASS | 6000);
    wr(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_RUN | POWMAN_TIMER_USE_XOSC);
    stage_run(&f->stage, 100 * PS_PER_MS);
    assert_int_equal(powman_time(f->powman), 200);
    clock_set_frequency(&f->xosc, 0, 1, f->stage.scheduler.now_ps);
    stage_run(&f->stage, 100 * PS_PER_MS);
    assert_int_equal(powman_time(f->powman), 200);
}

static void time_cannot_be_set_while_it_runs(void **state) {
    struct fixture *f = *state;
    wr(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_RUN);
    set_time(f, POWMAN_SET_TIME_63TO48, 1000000);
    assert_int_equal(powman_time(f->powman), 0);
}

static void alarm_rings_once(void **state) {
    struct fixture *f = *state;
    set_time(f, POWMAN_ALARM_TIME_63TO48, 250);
    wr(f->b, POWMAN_INTE, PASS | POWMAN_INTE_TIMER);
    wr(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_RUN | POWMAN_TIMER_ALARM_ENAB | POWMAN_TIMER_USE_XOSC);
    stage_run(&f->stage, 249 * PS_PER_MS);
    assert_false(f->b->irq[1].level);
    stage_run(&f->stage, PS_PER_MS);
    assert_true(f->b->irq[1].level);
    assert_true(f->b->irq[2].level);
    assert_false(f->b->irq[0].level);
    assert_int_equal(rd(f->b, POWMAN_INTS), POWMAN_INTS_TIMER);
    set_bits(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_ALARM);
    assert_false(f->b->irq[1].level);
    stage_run(&f->stage, 10 * PS_PER_MS);
    assert_false(f->b->irq[1].level);
    clear_bits(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_ALARM_ENAB);
    set_bits(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_ALARM_ENAB); /* past: at once */
    stage_run(&f->stage, 0);
    assert_true(f->b->irq[1].level);
}

static void power_states(void **state) {
    struct fixture *f = *state;
    assert_int_equal(rd(f->b, POWMAN_STATE), 0);                /* all powered */
    wr(f->b, POWMAN_STATE, PASS | 0x3 << POWMAN_STATE_REQ_LSB); /* both SRAM domains off */
    assert_int_equal(rd(f->b, POWMAN_STATE) & POWMAN_STATE_CURRENT, 3);
    wr(f->b, POWMAN_STATE, PASS | 0x4 << POWMAN_STATE_REQ_LSB); /* XIP off, SRAM on; the core stays on: invalid */
    assert_true(rd(f->b, POWMAN_STATE) & POWMAN_STATE_BAD_SW_REQ);
    assert_int_equal(rd(f->b, POWMAN_STATE) & POWMAN_STATE_CURRENT, 0);
    wr(f->b, POWMAN_STATE, PASS | 0xf << POWMAN_STATE_REQ_LSB);
    assert_true(rd(f->b, POWMAN_STATE) & POWMAN_STATE_WAITING); /* for the processors to halt */
}

static void regulator_has_to_be_unlocked(void **state) {
    struct fixture *f = *state;
    wr(f->b, POWMAN_VREG, PASS | 0xd0);
    assert_int_equal(rd(f->b, POWMAN_VREG), 0xb0);
    set_bits(f->b, POWMAN_VREG_CTRL, PASS | POWMAN_VREG_CTRL_UNLOCK);
    clear_bits(f->b, POWMAN_VREG_CTRL, PASS | POWMAN_VREG_CTRL_UNLOCK); /* cannot be locked again */
    wr(f->b, POWMAN_VREG, PASS | 0xd0);
    assert_int_equal(rd(f->b, POWMAN_VREG), 0xd0);
    assert_true(rd(f->b, POWMAN_VREG_STS) & POWMAN_VREG_STS_VOUT_OK);
}

static void last_reset_is_told(void **state) {
    struct fixture *f = *state;
    powman_had_reset(f->powman, POWMAN_CHIP_RESET_HAD_POR);
    set_bits(f->b, POWMAN_CHIP_RESET, PASS | POWMAN_CHIP_RESET_DOUBLE_TAP);
    set_bits(f->b, POWMAN_BOOTDIS, PASS | POWMAN_BOOTDIS_NEXT);
    powman_had_reset(f->powman, POWMAN_CHIP_RESET_HAD_GLITCH_DETECT);
    assert_int_equal(rd(f->b, POWMAN_CHIP_RESET), POWMAN_CHIP_RESET_HAD_GLITCH_DETECT | POWMAN_CHIP_RESET_DOUBLE_TAP);
    assert_int_equal(rd(f->b, POWMAN_BOOTDIS), POWMAN_BOOTDIS_NOW);
    wr(f->b, POWMAN_BOOTDIS, PASS | POWMAN_BOOTDIS_NOW);
    assert_int_equal(rd(f->b, POWMAN_BOOTDIS), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* ---- The core domain goes off and comes back ---- */

struct domains {
    unsigned went_off, came_back;
};

static void note_power_down(void *context, unsigned domains) {
    ((struct domains *)context)->went_off |= domains;
}

static void note_power_up(void *context) {
    ((struct domains *)context)->came_back++;
}

#define REQUEST(domains) (PASS | (uint32_t)(domains) << POWMAN_STATE_REQ_LSB)
#define CURRENT(f) (rd((f)->b, POWMAN_STATE) & POWMAN_STATE_CURRENT)
#define ALL_WAKES (POWMAN_TIMER_RUN | POWMAN_TIMER_ALARM_ENAB | POWMAN_TIMER_PWRUP_ON_ALARM)
#define WAKE(pin, edge, high)                                                                                          \
    (PASS | POWMAN_PWRUP0_ENABLE | (pin) | ((edge) ? POWMAN_PWRUP0_MODE : 0) | ((high) ? POWMAN_PWRUP0_DIRECTION : 0))

static void watch_domains(struct fixture *f, struct domains *domains) {
    *domains = (struct domains){ 0 };
    f->powman->power_down = note_power_down;
    f->powman->power_up = note_power_up;
    f->powman->context = domains;
}

static void the_alarm_powers_up(void **state) {
    struct fixture *f = *state;
    struct domains domains;
    watch_domains(f, &domains);
    set_time(f, POWMAN_ALARM_TIME_63TO48, 500);
    wr(f->b, POWMAN_TIMER, PASS | POWMAN_TIMER_USE_XOSC | ALL_WAKES);
    wr(f->b, POWMAN_SEQ_CFG, PASS | (0x11f0 | POWMAN_SEQ_CFG_HW_PWRUP_SRAM1)); /* SRAM1 stays as it is */
    wr(f->b, POWMAN_STATE, REQUEST(15));
    assert_true(powman_is_waiting(f->powman));
    assert_int_equal(CURRENT(f), 0);
    powman_cores_halted(f->powman);
    assert_int_equal(domains.went_off, 15);
    assert_int_equal(CURRENT(f), 15);
    clock_set_frequency(&f->xosc, 0, 1, f->stage.scheduler.now_ps); /* it is in the core domain */
    stage_run(&f->stage, 498 * PS_PER_MS);
    assert_int_equal(domains.came_back, 0);
    stage_run(&f->stage, 4 * PS_PER_MS); /* LPOSC's milliseconds */
    assert_int_equal(domains.came_back, 1);
    assert_int_equal(CURRENT(f), POWMAN_SRAM1);
    assert_int_equal(rd(f->b, POWMAN_LAST_SWCORE_PWRUP), 1u << 6);
}

static void the_timer_stands_without_lposc(void **state) {
    struct fixture *f = *state;
    struct domains domains;
    watch_domains(f, &domains);
    set_time(f, POWMAN_ALARM_TIME_63TO48, 500);
    wr(f->b, POWMAN_TIMER, PASS | ALL_WAKES);
    wr(f->b, POWMAN_SEQ_CFG, PASS | (0x11f0 & ~POWMAN_SEQ_CFG_RUN_LPOSC_IN_LP));
    wr(f->b, POWMAN_STATE, REQUEST(15));
    powman_cores_halted(f->powman);
    stage_run(&f->stage, 10 * PS_PER_S);
    assert_int_equal(domains.came_back, 0);
}

static void give_pins(struct fixture *f, struct gpio_bank *bank, struct net_driver *driver) {
    gpio_bank_init(bank, &f->stage.env, &rp2350_gpio_bank0);
    f->powman->bank0 = bank;
    *driver = (struct net_driver){ .name = "test", .drive = NET_LOW };
    net_attach(&bank->pins[7].net, driver);
}

static void a_level_powers_up(void **state) {
    struct fixture *f = *state;
    struct domains domains;
    static struct gpio_bank bank;
    struct net_driver driver;
    watch_domains(f, &domains);
    give_pins(f, &bank, &driver);
    wr(f->b, POWMAN_PWRUP2, WAKE(7, false, true));
    wr(f->b, POWMAN_STATE, REQUEST(13)); /* SRAM0 is kept */
    powman_cores_halted(f->powman);
    assert_int_equal(domains.went_off, 13);
    net_drive(&driver, NET_HIGH);
    assert_int_equal(domains.came_back, 1);
    assert_int_equal(rd(f->b, POWMAN_LAST_SWCORE_PWRUP), 1u << 3);
    wr(f->b, POWMAN_STATE, REQUEST(13)); /* the level is there: refused */
    assert_false(powman_is_waiting(f->powman));
    net_detach(&driver);
}

/* An edge is one also when the level is there already, and counts until it is cleared. */
static void an_edge_powers_up(void **state) {
    struct fixture *f = *state;
    struct domains domains;
    static struct gpio_bank bank;
    struct net_driver driver;
    watch_domains(f, &domains);
    give_pins(f, &bank, &driver);
    wr(f->b, POWMAN_PWRUP0, WAKE(7, true, false)); /* falling; it is low */
    wr(f->b, POWMAN_STATE, REQUEST(15));
    powman_cores_halted(f->powman);
    net_drive(&driver, NET_HIGH);
    assert_int_equal(domains.came_back, 0);
    net_drive(&driver, NET_LOW);
    assert_int_equal(domains.came_back, 1);
    assert_true(rd(f->b, POWMAN_PWRUP0) & POWMAN_PWRUP0_STATUS);
    assert_int_equal(rd(f->b, POWMAN_CURRENT_PWRUP_REQ), 2);
    wr(f->b, POWMAN_PWRUP0, WAKE(7, true, false) | POWMAN_PWRUP0_STATUS);
    assert_int_equal(rd(f->b, POWMAN_CURRENT_PWRUP_REQ), 0);
    net_detach(&driver);
}

static void a_wake_up_takes_a_request_back(void **state) {
    struct fixture *f = *state;
    struct domains domains;
    static struct gpio_bank bank;
    struct net_driver driver;
    watch_domains(f, &domains);
    give_pins(f, &bank, &driver);
    wr(f->b, POWMAN_INTE, PASS | POWMAN_INTE_PWRUP_WHILE_WAITING);
    wr(f->b, POWMAN_PWRUP0, WAKE(7, true, true));
    wr(f->b, POWMAN_STATE, REQUEST(15));
    net_drive(&driver, NET_HIGH);
    assert_false(powman_is_waiting(f->powman));
    assert_true(rd(f->b, POWMAN_STATE) & POWMAN_STATE_PWRUP_WHILE_WAITING);
    assert_true(rd(f->b, POWMAN_INTS) & POWMAN_INTS_PWRUP_WHILE_WAITING);
    assert_int_equal(domains.went_off, 0);
    net_detach(&driver);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(stores_need_the_password),
        TEST(aliases_carry_the_password),
        TEST(scratch_needs_none),
        TEST(timer_counts_milliseconds),
        TEST(tick_is_as_the_registers_say),
        TEST(time_cannot_be_set_while_it_runs),
        TEST(alarm_rings_once),
        TEST(power_states),
        TEST(regulator_has_to_be_unlocked),
        TEST(last_reset_is_told),
        cmocka_unit_test_setup_teardown(the_alarm_powers_up, setup, teardown),
        cmocka_unit_test_setup_teardown(the_timer_stands_without_lposc, setup, teardown),
        cmocka_unit_test_setup_teardown(a_level_powers_up, setup, teardown),
        cmocka_unit_test_setup_teardown(an_edge_powers_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_wake_up_takes_a_request_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
