/* When accesses happen within a straight run of instructions, on both cores: each at the cycle at which its
 * instruction begins, by the published counts of the instructions before it (Cortex-M0+ Technical Reference Manual
 * table 3-1; for the Cortex-M33 see the head of cycles_m33.c: a NOP goes together with the load or store before it, and
 * another one does not). And what stores
 * make pending is taken where the architecture says (Armv6-M Architecture Reference Manual B1.5, A3.8: behind ISB,
 * CPSIE, MSR and WFI). */
#include "tests/unit/core_bench.h"

#include "emulator/cpu/internal.h"

#define SYST 0xe000e010u
#define ICSR 0xe000ed04u
#define PENDSVSET (1u << 28)
#define DWT 0xe0001000u
#define CLOCK (DEVICE + 0x100) /* reads as the core's cycles */

static struct bench *current;

static uint32_t clock_read(void *context, uint32_t offset, unsigned size) {
    return (uint32_t)core_cycles(current->core);
}

static int set_up_model(void **state, enum core_model model) {
    int failed = set_up_core(state, model);
    current = *state;
    bus_add_window(&current->bus,
                   &(struct bus_window){ "clock", CLOCK & ~0xfffu, 4096, clock_read, device_write, NULL });
    return failed;
}

static int set_up(void **state) {
    return set_up_model(state, CORE_M0PLUS);
}

static int set_up_m33(void **state) {
    return set_up_model(state, CORE_M33);
}

/* Cycles that SysTick counts between the store that clears it and a load, with `nops` between them. */
static unsigned systick_counts(struct bench *bench, unsigned nops) {
    uint16_t program[40] = { STR(1, 0, 8) };
    for (unsigned i = 0; i < nops; i++) {
        program[1 + i] = NOP;
    }
    program[1 + nops] = LDR(2, 0, 8);
    program[2 + nops] = WFI;
    put(bench, CODE, program, sizeof(program));
    core_code_changed(bench->core, CODE, sizeof(program));
    start(bench);
    set_ppb(bench, SYST + 4, 0xffffff);
    set_ppb(bench, SYST, 5);
    core_set_register(bench->core, 0, SYST);
    run(bench, 100);
    return (0x1000000u - reg(bench, 2)) & 0xffffff;
}

static void test_systick_on_m0plus(void **state) {
    static const unsigned nops[] = { 0, 1, 2, 3, 5, 8, 20 };
    for (unsigned i = 0; i < sizeof(nops) / sizeof(nops[0]); i++) {
        assert_int_equal(systick_counts(*state, nops[i]), 2 + nops[i]);
    }
}

static void test_systick_on_m33(void **state) {
    static const unsigned nops[] = { 1, 2, 3, 5, 8, 20 };
    assert_int_equal(systick_counts(*state, 0), 1);
    for (unsigned i = 0; i < sizeof(nops) / sizeof(nops[0]); i++) {
        assert_int_equal(systick_counts(*state, nops[i]), 1 + nops[i] - 1);
    }
}

/* The times at which a program loads the clock into r1, r2, r3, from the first on. */
static void check_loads(struct bench *bench, unsigned second, unsigned third) {
    start(bench);
    core_set_register(bench->core, 0, CLOCK);
    run(bench, 100);
    assert_int_equal(reg(bench, 2) - reg(bench, 1), second);
    assert_int_equal(reg(bench, 3) - reg(bench, 2), third);
}

static void test_loads_in_a_row(void **state) {
    struct bench *bench = *state;
    bool m33 = bench->core->desc.model == CORE_M33;
    PROGRAM(bench, CODE, LDR(1, 0, 0), LDR(2, 0, 0), NOP, LDR(3, 0, 0), WFI);
    check_loads(bench, m33 ? 1 : 2, m33 ? 1 : 3);
}

/* The access itself is before the wait states of the bridge, what follows behind them. */
static void test_loads_behind_the_bridge(void **state) {
    struct bench *bench = *state;
    bool m33 = bench->core->desc.model == CORE_M33;
    bench->core->desc.apb_base = CLOCK & ~0xfffu;
    bench->core->desc.apb_size = 4096;
    PROGRAM(bench, CODE, LDR(1, 0, 0), LDR(2, 0, 0), NOP, LDR(3, 0, 0), WFI);
    check_loads(bench, m33 ? 2 : 3, m33 ? 2 : 4);
    PROGRAM(bench, CODE, LDR(1, 0, 0), STR(2, 0, 0), LDR(2, 0, 0), NOP, LDR(3, 0, 0), WFI);
    core_code_changed(bench->core, CODE, 16);
    check_loads(bench, m33 ? 2 + 3 : 3 + 4, m33 ? 2 : 4);
}

static void test_elements_of_a_multiple_load(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, LDM(0, 0x0e), WFI);
    check_loads(bench, 1, 1);
}

static void test_times_of_a_second_pass(void **state) {
    struct bench *bench = *state;
    /* The same instructions again, with the branch taken between them: r3 is the load of the second pass. */
    PROGRAM(bench, CODE, MOVS(4, 2), MOV(1, 2), LDR(2, 0, 0), NOP, SUBS(4, 1), BCC(NE, -12), MOV(3, 2), MOV(2, 1), WFI);
    start(bench);
    core_set_register(bench->core, 0, CLOCK);
    run(bench, 100);
    bool m33 = bench->core->desc.model == CORE_M33;
    assert_int_equal(reg(bench, 3) - reg(bench, 2), m33 ? 1 + 0 + 1 + 2 + 1 : 2 + 1 + 1 + 2 + 1);
}

static void test_conditional_load(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, LDR(1, 0, 0), CMP(5, 0), 0xbf06 /* ITTE EQ */, NOP, LDR(2, 0, 0), LDR(2, 0, 0), LDR(3, 0, 0),
            WFI);
    check_loads(bench, 1 + 1 + 0 + 1, 1 + 1);
}

static void test_cycle_counter(void **state) {
    struct bench *bench = *state;
    start(bench);
    set_ppb(bench, 0xe000edfc, 1u << 24);
    set_ppb(bench, DWT, 1);
    PROGRAM(bench, CODE, LDR(1, 0, 4), NOP, NOP, NOP, LDR(2, 0, 4), WFI);
    core_code_changed(bench->core, CODE, 16);
    core_set_register(bench->core, 0, DWT);
    run(bench, 100);
    assert_int_equal(reg(bench, 2) - reg(bench, 1), 1 + 0 + 2);
}

/* ---- What a store makes pending ---- */
static void check_pending(struct bench *bench, uint32_t primask) {
    HANDLER(bench, 14, MOVS(7, 9), BX(LR)); /* PendSV */
    start(bench);
    core_set_register(bench->core, CORE_PRIMASK, primask);
    core_set_register(bench->core, 0, ICSR);
    core_set_register(bench->core, 1, PENDSVSET);
    core_set_register(bench->core, 7, 0);
    run(bench, 200);
    assert_int_equal(reg(bench, 6), 9); /* what the program saw of r7 */
}

static void test_taken_behind_isb(void **state) {
    PROGRAM(*state, CODE, STR(1, 0, 0), DSB_0, DSB_1, ISB_0, ISB_1, MOV(6, 7), B(-4));
    check_pending(*state, 0);
}

static void test_taken_behind_cpsie(void **state) {
    PROGRAM(*state, CODE, STR(1, 0, 0), NOP, CPSIE, NOP, MOV(6, 7), B(-4));
    check_pending(*state, 1);
}

static void test_taken_behind_msr(void **state) {
    PROGRAM(*state, CODE, MOVS(2, 0), STR(1, 0, 0), MSR_0(2), MSR_1(16) /* PRIMASK */, ISB_0, ISB_1, MOV(6, 7), B(-4));
    check_pending(*state, 1);
}

static void test_taken_at_wfi(void **state) {
    PROGRAM(*state, CODE, STR(1, 0, 0), WFI, MOV(6, 7), B(-4));
    check_pending(*state, 0);
}

#define M33(name) cmocka_unit_test_setup_teardown(name, set_up_m33, tear_down)
#define BOTH(name)                                                                                                     \
    TEST(name), {                                                                                                      \
#name " (mainline)", name, set_up_m33, tear_down, NULL                                                         \
    }

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_systick_on_m0plus),      M33(test_systick_on_m33),
        BOTH(test_loads_in_a_row),         BOTH(test_elements_of_a_multiple_load),
        BOTH(test_times_of_a_second_pass), BOTH(test_loads_behind_the_bridge),
        M33(test_conditional_load),        M33(test_cycle_counter),
        BOTH(test_taken_behind_isb),       BOTH(test_taken_behind_cpsie),
        BOTH(test_taken_behind_msr),       BOTH(test_taken_at_wfi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
