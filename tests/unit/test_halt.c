/* Watched data, BKPT and faults for a debugger, and cores that go on from the middle of a block: a run with stops takes
 * the same cycles as one without, and nothing of the instruction at which a core stops has happened
 * (emulator/cpu/core.h). */
#include "tests/unit/core_bench.h"

#include <stdio.h>

#define DATA (SRAM + 0x6000)

struct heard {
    struct core *core;
    unsigned accesses, breakpoints, faults;
    bool stops;
    uint32_t address;
    unsigned size;
    bool is_store;
    char words[160];
};

static bool on_access(void *context, struct core *core, uint32_t address, unsigned size, bool is_store) {
    struct heard *heard = context;
    heard->accesses++;
    heard->address = address;
    heard->size = size;
    heard->is_store = is_store;
    return heard->stops;
}

static bool on_breakpoint(void *context, struct core *core, uint32_t address) {
    struct heard *heard = context;
    heard->breakpoints++;
    return heard->stops;
}

static bool on_fault(void *context, struct core *core, const char *words) {
    struct heard *heard = context;
    heard->faults++;
    snprintf(heard->words, sizeof(heard->words), "%s", words);
    return heard->stops;
}

static void listen(struct bench *bench, struct heard *heard, bool stops) {
    *heard = (struct heard){ .core = bench->core, .stops = stops };
    const struct core_debugger debugger = {
        .context = heard, .on_access = on_access, .on_breakpoint = on_breakpoint, .on_fault = on_fault
    };
    core_set_debugger(bench->core, &debugger);
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
    core_set_register(bench->core, 0, DATA);
    return core_cycles(bench->core);
}

/* Up to WFI, with whatever stops there are. */
static uint64_t run_to_sleep(struct bench *bench, uint64_t from, unsigned *ret_stops) {
    *ret_stops = 0;
    while (core_state(bench->core) == CORE_RUNNING && *ret_stops < 1000) {
        run(bench, 2000);
        *ret_stops += core_halted_by(bench->core) != CORE_NOT_HALTED;
    }
    assert_int_equal(core_state(bench->core), CORE_WFI);
    return core_cycles(bench->core) - from;
}

/* Pairs of instructions, loads whose result is used at once, branches that are taken and not. */
static void put_program(struct bench *bench) {
    PROGRAM(bench, CODE, MOVS(1, 5), MOVS(2, 0), /* 0x04: */ STR(1, 0, 0), LDR(3, 0, 0), ADDS(2, 1), SUBS(3, 1),
            STR(3, 0, 4), SUBS(1, 1), BCC(NE, -16), CMP(2, 3), BCC(EQ, 4), MOVS(4, 1), MOVS(5, 2), MOVS(6, 3), WFI);
}

static uint64_t take_time(struct bench *bench) {
    unsigned stops;
    put_program(bench);
    return run_to_sleep(bench, begin(bench), &stops);
}

static void test_steps_take_no_time(void **state) {
    struct bench *bench = *state;
    uint64_t took = take_time(bench), from = begin(bench);
    for (unsigned i = 0; i < 100 && core_state(bench->core) == CORE_RUNNING; i++) {
        core_step(bench->core, true);
        run(bench, 2000);
    }
    assert_int_equal(core_state(bench->core), CORE_WFI);
    assert_int_equal(core_cycles(bench->core) - from, took);
    assert_int_equal(word(bench, DATA), 1);
    assert_int_equal(word(bench, DATA + 4), 0);
}

static bool stop(void *context, struct core *core) {
    return true;
}

/* Each instruction of the loop by itself, and all of them. */
static void test_stops_take_no_time(void **state) {
    struct bench *bench = *state;
    struct core_watch watches[14];
    unsigned stops;
    uint64_t took = take_time(bench);
    for (unsigned i = 0; i < 14; i++) {
        watches[i] = (struct core_watch){ .address = CODE + 2 * i, .reached = stop };
        uint64_t from = begin(bench);
        core_watch(bench->core, &watches[i]);
        assert_int_equal(run_to_sleep(bench, from, &stops), took);
        core_unwatch(bench->core, &watches[i]);
    }
    uint64_t from = begin(bench);
    for (unsigned i = 0; i < 14; i++) {
        core_watch(bench->core, &watches[i]);
    }
    assert_int_equal(run_to_sleep(bench, from, &stops), took);
    assert_true(stops > 30);
    for (unsigned i = 0; i < 14; i++) {
        core_unwatch(bench->core, &watches[i]);
    }
}

static void test_position_is_found_again(void **state) {
    struct bench *bench = *state;
    struct core_position seen[2];
    put_program(bench);
    for (unsigned pass = 0; pass < 2; pass++) { /* by steps, and by a watch */
        struct core_watch watch = { .address = CODE + 8, .reached = stop };
        uint64_t from = begin(bench);
        if (pass) {
            core_watch(bench->core, &watch);
            run(bench, 2000);
            core_unwatch(bench->core, &watch);
        }
        for (unsigned i = 0; !pass && i < 4; i++) {
            core_step(bench->core, true);
            run(bench, 2000);
        }
        assert_int_equal(reg(bench, CORE_PC), CODE + 8);
        seen[pass] = core_position(bench->core);
        seen[pass].cycles -= from;
    }
    assert_int_equal(seen[0].pc, seen[1].pc);
    assert_int_equal(seen[0].cycles, seen[1].cycles);
}

static void test_watched_stores(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    unsigned stops;
    uint64_t took = take_time(bench);
    listen(bench, &heard, true);
    assert_true(core_watch_data(bench->core, DATA, 4, false, true));
    memset(bus_memory_at(&bench->bus, DATA, 4, true), 0xee, 4);
    uint64_t from = begin(bench);
    run(bench, 2000);
    assert_int_equal(core_halted_by(bench->core), CORE_AT_ACCESS);
    assert_int_equal(heard.accesses, 1);
    assert_true(heard.is_store && heard.address == DATA && heard.size == 4);
    assert_int_equal(reg(bench, CORE_PC), CODE + 4);
    assert_int_equal(word(bench, DATA), 0xeeeeeeee);
    assert_int_equal(run_to_sleep(bench, from, &stops), took);
    assert_int_equal(stops, 4);
    assert_int_equal(heard.accesses, 5);
    core_unwatch_data(bench->core, DATA, 4, false, true);
    from = begin(bench);
    assert_int_equal(run_to_sleep(bench, from, &stops), took);
    assert_int_equal(heard.accesses, 5);
}

static void test_watched_loads_and_neighbours(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    unsigned stops;
    PROGRAM(bench, CODE, MOVS(1, 7), STRB(1, 0, 3), STRB(1, 0, 4), LDR(2, 0, 0), LDR(3, 0, 4), LDM(0, 0x30), WFI);
    memset(bus_memory_at(&bench->bus, DATA, 16, true), 0, 16);
    listen(bench, &heard, true);
    assert_true(core_watch_data(bench->core, DATA + 4, 1, true, true));
    uint64_t from = begin(bench);
    run_to_sleep(bench, from, &stops);
    assert_int_equal(stops, 3); /* STRB at + 4, LDR at + 4, LDM */
    assert_int_equal(reg(bench, 3), 7);
    assert_int_equal(reg(bench, 4), 0x07000000);
    assert_int_equal(reg(bench, 5), 7);
    core_unwatch_data(bench->core, DATA + 4, 1, true, true);
    assert_false(core_watch_data(bench->core, DATA, 0, true, true));
}

static void test_watched_register(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    PROGRAM(bench, CODE, LDR(1, 0, 8), LDR(2, 0, 12), WFI);
    listen(bench, &heard, true);
    assert_true(core_watch_data(bench->core, DEVICE + 12, 4, true, false));
    begin(bench);
    core_set_register(bench->core, 0, DEVICE);
    run(bench, 100);
    assert_int_equal(reg(bench, CORE_PC), CODE + 2);
    assert_int_equal(reg(bench, 1), 8);
    assert_int_equal(reg(bench, 2), 0);
    run(bench, 100);
    assert_int_equal(reg(bench, 2), 12);
    core_unwatch_data(bench->core, DEVICE + 12, 4, true, false);
}

/* Within an IT block, unaligned, and double words. */
static void test_watched_data_m33(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    unsigned stops;
    PROGRAM(bench, CODE, CMP(1, 0), 0xbf0c /* ITE EQ */, STR(1, 0, 4), STR(0, 0, 8), 0xe9c0,
            0x1202 /* STRD r1, r2, 8 */, 0xf8c0, 0x0005 /* STR.W r0, [r0, #5] */, 0xe9d0, 0x3400 /* LDRD r3, r4 */,
            0xed90, 0x0b00 /* VLDR d0 */, 0xed80, 0x0b04 /* VSTR d0, 16 */, WFI);
    memset(bus_memory_at(&bench->bus, DATA, 32, true), 0x55, 32);
    listen(bench, &heard, true);
    assert_true(core_watch_data(bench->core, DATA, 32, true, true));
    uint64_t from = begin(bench);
    run(bench, 2000);
    assert_in_range(reg(bench, CORE_PC), CODE + 4, CODE + 8); /* a stock engine does not stop within an IT block */
    run_to_sleep(bench, from, &stops);
    assert_in_range(stops, 4, 6); /* both double words at once, or each */
    core_unwatch_data(bench->core, DATA, 32, true, true);
    assert_int_equal(word(bench, DATA + 4), DATA << 8);
    assert_int_equal(word(bench, DATA + 8), DATA >> 24);
    assert_int_equal(word(bench, DATA + 12), 0);
    assert_int_equal(reg(bench, 3), 0x55555555);
    assert_int_equal(word(bench, DATA + 16), 0x55555555);
    assert_int_equal(word(bench, DATA + 20), word(bench, DATA + 4));
}

static void test_breakpoint_instruction(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    PROGRAM(bench, CODE, MOVS(1, 1), BKPT(3), MOVS(1, 2), WFI);
    HANDLER(bench, 3, MOVS(7, 9), B(-4));
    listen(bench, &heard, true);
    begin(bench);
    run(bench, 100);
    assert_int_equal(core_halted_by(bench->core), CORE_AT_BREAKPOINT);
    assert_int_equal(reg(bench, CORE_PC), CODE + 2);
    run(bench, 100); /* still there */
    assert_int_equal(heard.breakpoints, 2);
    core_set_register(bench->core, CORE_PC, CODE + 4);
    run(bench, 100);
    assert_int_equal(reg(bench, 1), 2);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    listen(bench, &heard, false); /* who does not want it leaves it to the program */
    begin(bench);
    run(bench, 100);
    assert_int_equal(heard.breakpoints, 1);
    assert_int_equal(reg(bench, 7), 9);
}

static void test_faults_in_words(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    PROGRAM(bench, CODE, MOVS(1, 1), LDR(2, 0, 0), MOVS(1, 2), WFI);
    HANDLER(bench, 3, MOVS(7, 9), B(-4));
    listen(bench, &heard, true);
    begin(bench);
    core_set_register(bench->core, 0, 0x90000000);
    run(bench, 100);
    assert_int_equal(core_halted_by(bench->core), CORE_AT_FAULT);
    assert_int_equal(reg(bench, CORE_PC), CODE + 2);
    assert_int_equal(reg(bench, CORE_XPSR) & 0x1ff, 0);
    assert_string_equal(heard.words, "load from 0x90000000, where nothing answers, at 0x20001002");
    run(bench, 100);
    assert_int_equal(heard.faults, 1);
    assert_int_equal(reg(bench, 7), 9);
    assert_int_equal(reg(bench, CORE_XPSR) & 0x1ff, 3);
}

/* A step that leads to where no code is has been one; the fault is the next one's. */
static void test_step_to_a_fault(void **state) {
    struct bench *bench = *state;
    struct heard heard;
    PROGRAM(bench, CODE, BX(0), WFI);
    listen(bench, &heard, true);
    begin(bench);
    core_set_register(bench->core, 0, 0x90000001);
    core_step(bench->core, true);
    run(bench, 100);
    assert_int_equal(core_halted_by(bench->core), CORE_STEPPED);
    assert_int_equal(reg(bench, CORE_PC), 0x90000000);
    assert_int_equal(heard.faults, 0);
    run(bench, 100);
    assert_int_equal(heard.faults, 1);
}

static void test_halt_behind_a_reset(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), MOVS(1, 2), WFI);
    begin(bench);
    core_halt_next(bench->core);
    core_reset(bench->core);
    start(bench);
    run(bench, 100);
    assert_int_equal(reg(bench, CORE_PC), CODE);
    assert_int_equal(reg(bench, 1), 0);
    run(bench, 100);
    assert_int_equal(core_state(bench->core), CORE_WFI);
}

#define TEST_M33(name) cmocka_unit_test_setup_teardown(name, set_up_m33, tear_down)
#define BOTH(name) TEST(name), TEST_M33(name)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(test_steps_take_no_time),   BOTH(test_stops_take_no_time),           BOTH(test_position_is_found_again),
        BOTH(test_watched_stores),       BOTH(test_watched_loads_and_neighbours), BOTH(test_watched_register),
        TEST_M33(test_watched_data_m33), BOTH(test_breakpoint_instruction),       BOTH(test_faults_in_words),
        BOTH(test_step_to_a_fault),      BOTH(test_halt_behind_a_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
