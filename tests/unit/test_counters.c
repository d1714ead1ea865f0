/* Counters of both chips as straight code reads them, twice with so many NOPs in between: the difference is what the
 * published counts of the instructions say: one cycle for a NOP; on the Cortex-M0+ two for a load from the core's own
 * registers (Technical Reference Manual table 3-1). The Cortex-M33's manual has no table, and the head of cycles_m33.c
 * tells what the first NOP behind a load may gain.
 *
 * Every counter is made to count cycles of clk_sys. */
#include "tests/unit/unit.h"

#include "emulator/machine_private.h"
#include "tests/unit/thumb.h"

#include <string.h>

#define SRAM 0x20000000u
#define RESULT (SRAM + 0x800)
#define SYST 0xe000e010u
#define DEMCR 0xe000edfcu
#define DWT 0xe0001000u
#define MOST_NOPS 300

/* Where the registers of the chip are. */
struct counters {
    const struct chip_desc *chip;
    bool m33;
    uint32_t resets, pwm, timer;
    struct {
        uint32_t address, value;
    } timer_stores[6]; /* that make it count cycles of clk_sys */
};

static const struct counters counters_rp2040 = {
    .chip = &chip_rp2040,
    .resets = 0x4000c000,
    .pwm = 0x40050000,
    .timer = 0x40054028,
    /* The tick is a third of the crystal's 12 MHz, and so is clk_sys: 250 ns. */
    .timer_stores = { { 0x4002400c, 1 },            /* XOSC_STARTUP: 256 cycles */
                      { 0x40024000, 0xfabaa0 },     /* XOSC_CTRL */
                      { 0x40008030, 2 },            /* CLK_REF_CTRL: crystal */
                      { 0x40008040, 3 << 8 },       /* CLK_SYS_DIV */
                      { 0x4005802c, 1 << 9 | 3 } }, /* WATCHDOG_TICK */
};
static const struct counters counters_rp2350 = {
    .chip = &chip_rp2350,
    .m33 = true,
    .resets = 0x40020000,
    .pwm = 0x400a8000,
    .timer = 0x400b0028,
    .timer_stores = { { 0x400b0038, 1 } }, /* SOURCE: clk_sys */
};

struct bench {
    const struct counters *at;
    struct machine *machine;
};

static int set_up(void **state, const struct counters *at) {
    static struct bench bench;
    struct error error;
    struct machine_desc desc = { .chip = at->chip, .flash_size = 2u << 20 };
    bench = (struct bench){ at, machine_create(&desc, &error) };
    assert_non_null(bench.machine);
    machine_power_on(bench.machine, 0);
    *state = &bench;
    return 0;
}

static int set_up_rp2040(void **state) {
    return set_up(state, &counters_rp2040);
}

static int set_up_rp2350(void **state) {
    return set_up(state, &counters_rp2350);
}

static int tear_down(void **state) {
    machine_destroy(((struct bench *)*state)->machine);
    return 0;
}

/* Run a program of halfwords that ends in a branch to itself. */
static void run(struct bench *bench, const uint16_t *code, size_t halfwords, const uint32_t *registers) {
    struct error error;
    struct core *core = bench->machine->cores[0];
    assert_true(machine_load(bench->machine, SRAM, (const uint8_t *)code, 2 * halfwords, &error));
    core_start(core, SRAM + 0x1000, SRAM | 1, 0);
    for (unsigned i = 0; i < 4; i++) {
        core_set_register(core, i, registers[i]);
    }
    machine_run(bench->machine, machine_now(bench->machine) + 100 * PS_PER_US);
}

static void store(struct bench *bench, uint32_t address, uint32_t value) {
    static const uint16_t code[] = { STR(1, 0, 0), B(-4) };
    run(bench, code, 2, (const uint32_t[4]){ address, value });
}

/* What the counter at `address` has gone on by between two loads. */
static uint32_t counted(struct bench *bench, uint32_t address, unsigned nops, bool down) {
    uint16_t code[MOST_NOPS + 8];
    unsigned at = 0;
    uint32_t results[2];
    code[at++] = LDR(2, 0, 0);
    for (unsigned i = 0; i < nops; i++) {
        code[at++] = NOP;
    }
    code[at++] = LDR(3, 0, 0);
    code[at++] = STR(2, 1, 0);
    code[at++] = STR(3, 1, 4);
    code[at++] = B(-4);
    run(bench, code, at, (const uint32_t[4]){ address, RESULT });
    memcpy(results, bench->machine->sram + (RESULT - SRAM), sizeof(results));
    return down ? results[0] - results[1] : results[1] - results[0];
}

/* Between loads with one NOP in between, cycles of the load included; each further NOP adds one. */
static uint32_t check_counter(struct bench *bench, uint32_t address, bool down) {
    static const unsigned nops[] = { 2, 3, 4, 5, 7, 8, 20, 97, MOST_NOPS };
    uint32_t one = counted(bench, address, 1, down);
    for (unsigned i = 0; i < sizeof(nops) / sizeof(nops[0]); i++) {
        assert_int_equal(counted(bench, address, nops[i], down), one + nops[i] - 1);
    }
    return one;
}

/* A register of the core itself. */
static void check_core_counter(struct bench *bench, uint32_t address, bool down) {
    uint32_t one = check_counter(bench, address, down);
    if (!bench->at->m33) {
        assert_int_equal(one, 2 + 1);
        assert_int_equal(counted(bench, address, 0, down), 2);
    } else {
        assert_in_range(one, 1, 3);
        assert_int_equal(counted(bench, address, 0, down), 1);
    }
}

/* A register behind the bus. */
static void check_bus_counter(struct bench *bench, uint32_t address) {
    assert_in_range(check_counter(bench, address, false), 1, 10);
}

static void systick(void **state) {
    struct bench *bench = *state;
    store(bench, SYST + 4, 0xffffff);
    store(bench, SYST + 8, 0);
    store(bench, SYST, 5);
    check_core_counter(bench, SYST + 8, true);
}

static void cycle_counter(void **state) {
    struct bench *bench = *state;
    store(bench, DEMCR, 1u << 24);
    store(bench, DWT, 1);
    check_core_counter(bench, DWT + 4, false);
}

static void release_all_resets(struct bench *bench) {
    store(bench, bench->at->resets, 0);
}

static void pwm_counter(void **state) {
    struct bench *bench = *state;
    release_all_resets(bench);
    store(bench, bench->at->pwm + 0x10, 0xffff); /* CH0_TOP */
    store(bench, bench->at->pwm + 0x04, 1 << 4); /* CH0_DIV */
    store(bench, bench->at->pwm, 1);             /* CH0_CSR */
    check_bus_counter(bench, bench->at->pwm + 0x08);
}

static void timer(void **state) {
    struct bench *bench = *state;
    release_all_resets(bench);
    for (unsigned i = 0; bench->at->timer_stores[i].address; i++) {
        store(bench, bench->at->timer_stores[i].address, bench->at->timer_stores[i].value);
    }
    check_bus_counter(bench, bench->at->timer);
}

int main(void) {
#define RP2040(test) cmocka_unit_test_setup_teardown(test, set_up_rp2040, tear_down)
#define RP2350(test) cmocka_unit_test_setup_teardown(test, set_up_rp2350, tear_down)
    const struct CMUnitTest tests[] = {
        RP2040(systick),     RP2040(pwm_counter), RP2040(timer),         RP2350(systick),
        RP2350(pwm_counter), RP2350(timer),       RP2350(cycle_counter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
