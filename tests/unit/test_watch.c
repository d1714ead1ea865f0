/* Watched addresses and single steps, on both cores: a debugger hears of an instruction before it has done anything, at
 * its own time; the core stops there and goes on as if nothing had been (emulator/cpu/core.h). */
#include "tests/unit/core_bench.h"

struct heard {
    struct core_watch watch;
    unsigned times;
    bool stops;
    uint32_t r1;
    uint64_t cycles;
};

static bool reached(void *context, struct core *core) {
    struct heard *heard = context;
    heard->times++;
    heard->r1 = core_register(core, 1);
    heard->cycles = core_cycles(core);
    return heard->stops;
}

static void watch(struct bench *bench, struct heard *heard, uint32_t address, bool stops) {
    *heard = (struct heard){ .stops = stops };
    heard->watch = (struct core_watch){ .address = address, .reached = reached, .context = heard };
    core_watch(bench->core, &heard->watch);
}

static int set_up(void **state) {
    return set_up_core(state, CORE_M0PLUS);
}

static int set_up_m33(void **state) {
    return set_up_core(state, CORE_M33);
}

static uint64_t begin(struct bench *bench) {
    core_code_changed(bench->core, CODE, 0x1000);
    start(bench);
    return core_cycles(bench->core);
}

/* The third of five instructions in a row: it has not run, the two before it have; its time is theirs. */
static void test_stop_within_a_block(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    PROGRAM(bench, CODE, MOVS(1, 1), ADDS(1, 1), ADDS(1, 10), ADDS(1, 100), WFI);
    uint64_t from = begin(bench);
    run(bench, 100);
    uint64_t took = core_cycles(bench->core) - from;
    from = begin(bench);
    watch(bench, &heard, CODE + 4, true);
    run(bench, 100);
    assert_int_equal(heard.times, 1);
    assert_int_equal(heard.r1, 2);
    assert_int_equal(reg(bench, 1), 2);
    assert_int_equal(reg(bench, CORE_PC), CODE + 4);
    assert_int_equal(heard.cycles, core_cycles(bench->core));
    assert_in_range(core_cycles(bench->core) - from, 1, 2);
    run(bench, 100 - (core_cycles(bench->core) - from));
    assert_int_equal(heard.times, 1);
    assert_int_equal(reg(bench, 1), 112);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    assert_in_range(core_cycles(bench->core) - from, took, took + 1); /* pairs of instructions may be parted */
    core_unwatch(bench->core, &heard.watch);
}

static void test_hear_without_a_stop(void **state) {
    struct bench *bench = *state;
    struct heard first, second;
    PROGRAM(bench, CODE, MOVS(1, 5), SUBS(1, 1), NOP, BCC(NE, -8), WFI);
    watch(bench, &first, CODE + 2, false); /* where the loop's block begins, and within the first one */
    watch(bench, &second, CODE + 4, false);
    uint64_t from = begin(bench);
    run(bench, 100);
    uint64_t took = core_cycles(bench->core) - from;
    assert_int_equal(first.times, 5);
    assert_int_equal(second.times, 5);
    assert_int_equal(first.r1, 1);
    assert_int_equal(second.r1, 0);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    core_unwatch(bench->core, &first.watch);
    core_unwatch(bench->core, &second.watch);
    from = begin(bench);
    run(bench, 100);
    assert_int_equal(core_cycles(bench->core) - from, took);
    assert_int_equal(first.times, 5);
}

static void test_watch_for_branches_alone(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    PROGRAM(bench, CODE, MOVS(1, 3), SUBS(1, 1), NOP, BCC(NE, -8), WFI);
    watch(bench, &heard, CODE + 2, false);
    core_unwatch(bench->core, &heard.watch);
    heard.watch.at_branches = true;
    core_watch(bench->core, &heard.watch);
    begin(bench);
    run(bench, 100);
    assert_int_equal(heard.times, 2); /* not when the code runs into it at first */
    core_unwatch(bench->core, &heard.watch);
}

static void test_two_at_one_address(void **state) {
    struct bench *bench = *state;
    struct heard first, second;
    PROGRAM(bench, CODE, MOVS(1, 3), NOP, WFI);
    begin(bench);
    watch(bench, &first, CODE + 2, false);
    watch(bench, &second, CODE + 2, true);
    run(bench, 100);
    assert_int_equal(first.times, 1);
    assert_int_equal(second.times, 1);
    assert_int_equal(reg(bench, CORE_PC), CODE + 2);
    run(bench, 100);
    assert_int_equal(first.times, 1); /* it is the same time that the core gets there */
    assert_int_equal(core_state(bench->core), CORE_WFI);
    core_unwatch(bench->core, &first.watch);
    core_unwatch(bench->core, &second.watch);
}

/* ---- Steps ---- */
static void step(struct bench *bench) {
    core_step(bench->core, true);
    run(bench, 100);
    assert_false(core_steps(bench->core));
}

static void test_steps(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), ADDS(1, 1), B(2), NOP, NOP, BKPT(0));
    PROGRAM(bench, CODE + 10, ADDS(1, 5), STR(1, 0, 0), LDR(2, 0, 0), WFI);
    static const uint32_t where[] = { 2, 4, 10, 12, 14, 16 }, r1[] = { 1, 2, 2, 7, 7, 7 };
    for (unsigned pass = 0; pass < 2; pass++) { /* the second time the code is translated */
        begin(bench);
        core_set_register(bench->core, 0, LOG);
        for (unsigned i = 0; i < 6; i++) {
            step(bench);
            assert_int_equal(reg(bench, CORE_PC), CODE + where[i]);
            assert_int_equal(reg(bench, 1), r1[i]);
        }
        assert_int_equal(reg(bench, 2), 7);
        begin(bench);
        core_set_register(bench->core, 0, LOG);
        run(bench, 100);
        assert_int_equal(core_state(bench->core), CORE_WFI);
    }
}

static void test_step_into_an_exception(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, SVC(1), MOVS(3, 3), WFI);
    HANDLER(bench, 11, MOVS(1, 9), BX(LR));
    begin(bench);
    step(bench);
    step(bench);
    assert_int_equal(reg(bench, CORE_PC), HANDLERS + 64 * 11);
    step(bench);
    assert_int_equal(reg(bench, 1), 9);
    step(bench);
    assert_int_equal(reg(bench, CORE_PC), CODE + 4);
    enable_irq(bench, 3, 1);
    core_set_irq(bench->core, 3, true);
    step(bench); /* is entered instead of the next instruction */
    assert_int_equal(reg(bench, CORE_PC), HANDLERS + 64 * (16 + 3));
    assert_int_not_equal(reg(bench, 3), 3);
}

static void test_step_into_sleep(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, WFI, MOVS(3, 3), B(-4));
    begin(bench);
    step(bench);
    step(bench);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    assert_int_equal(reg(bench, CORE_PC), CODE + 4);
}

/* A watch at the address where a step begins is not asked once more; one where it ends is not asked before the core
 * goes on. */
static void test_steps_over_watches(void **state) {
    struct bench *bench = *state;
    struct heard first, second;
    PROGRAM(bench, CODE, NOP, NOP, NOP, WFI);
    watch(bench, &first, CODE + 2, true);
    watch(bench, &second, CODE + 4, true);
    begin(bench);
    run(bench, 100);
    assert_int_equal(first.times, 1);
    step(bench);
    assert_int_equal(first.times, 1);
    assert_int_equal(reg(bench, CORE_PC), CODE + 4);
    run(bench, 100);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    core_unwatch(bench->core, &first.watch);
    core_unwatch(bench->core, &second.watch);
}

/* The engine cannot stop there: it does when its block ends. A step takes it as one instruction. */
static void test_it_blocks(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    PROGRAM(bench, CODE, CMP(1, 0), 0xbf04 /* ITT EQ */, 0x2205 /* MOVEQ r2, 5 */, 0x2306 /* MOVEQ r3, 6 */, MOVS(4, 4),
            B(-2), WFI);
    watch(bench, &heard, CODE + 6, true);
    begin(bench);
    run(bench, 100);
    assert_int_equal(heard.times, 1);
    assert_int_equal(reg(bench, CORE_PC), CODE + 12);
    assert_int_equal(reg(bench, 3), 6);
    core_unwatch(bench->core, &heard.watch);
    begin(bench);
    step(bench);
    assert_int_equal(reg(bench, CORE_PC), CODE + 2);
    step(bench);
    assert_int_equal(reg(bench, CORE_PC), CODE + 8);
    assert_int_equal(reg(bench, 2), 5);
    assert_int_equal(reg(bench, 3), 6);
}

#define TEST_M33(name) cmocka_unit_test_setup_teardown(name, set_up_m33, tear_down)
#define BOTH(name) TEST(name), TEST_M33(name)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(test_stop_within_a_block),
        BOTH(test_hear_without_a_stop),
        BOTH(test_watch_for_branches_alone),
        BOTH(test_two_at_one_address),
        BOTH(test_steps),
        BOTH(test_step_into_an_exception),
        BOTH(test_step_into_sleep),
        BOTH(test_steps_over_watches),
        TEST_M33(test_it_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
