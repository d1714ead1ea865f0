/* Code behind a cache: a block waits for the words that are missing, once, and again when their line has been lost; and
 * a wait is not a jump in time. The cache here is a table of words. */
#include "tests/unit/core_bench.h"

#include "emulator/cpu/internal.h"

#define MISS 100
#define WORDS 0x800
#define PROGRAM_AT (FLASH + 0x100)
#define WFI_CYCLES(bench) ((bench)->core->desc.model == CORE_M33 ? 1 : 2)

static struct {
    bool there[WORDS];
    bool keeps;
    unsigned misses;
} cache;

static unsigned fetch(void *context, uint32_t address, uint64_t cycle, bool *ret_stays) {
    bool *there = &cache.there[(address - FLASH) / 4 % WORDS];
    unsigned waits = *there ? 0 : MISS;
    cache.misses += !*there;
    *there = *ret_stays = cache.keeps;
    return waits;
}

static int set_up_model(void **state, enum core_model model) {
    int failed = set_up_core(state, model);
    struct bench *bench = *state;
    memset(&cache, 0, sizeof(cache));
    cache.keeps = true;
    bench->core->desc.cache = (struct core_cache){ .base = FLASH, .size = 0x10000, .fetch = fetch };
    return failed;
}

static int set_up(void **state) {
    return set_up_model(state, CORE_M0PLUS);
}

static int set_up_m33(void **state) {
    return set_up_model(state, CORE_M33);
}

static void lose(struct bench *bench, uint32_t address) {
    memset(&cache.there[(address - FLASH) / CORE_CACHE_LINE * 2], 0, 2);
    core_line_lost(bench->core, address);
}

/* Cycles from the program's start to the end of its WFI. */
static uint64_t measure(struct bench *bench) {
    core_start(bench->core, STACK, PROGRAM_AT, VECTORS);
    uint64_t began = core_cycles(bench->core);
    cache.misses = 0;
    core_run(bench->core, began + 1000000);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    return core_cycles(bench->core) - began;
}

static void test_a_block_waits_once(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, PROGRAM_AT, NOP, NOP, NOP, NOP, NOP, WFI);
    uint64_t cold = measure(bench);
    unsigned words = bench->core->desc.model == CORE_M33 ? 3 : 4; /* a Cortex-M0+ has the next halfword as well */
    assert_int_equal(cache.misses, words);
    uint64_t warm = measure(bench);
    assert_int_equal(cache.misses, 0);
    assert_int_equal(cold - warm, words * MISS);
    assert_int_equal(warm, 5 + WFI_CYCLES(bench));
}

static void test_a_lost_line_is_fetched_again(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, PROGRAM_AT, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, WFI);
    measure(bench);
    uint64_t warm = measure(bench);
    lose(bench, PROGRAM_AT + 8);
    assert_int_equal(measure(bench) - warm, 2 * MISS);
    assert_int_equal(measure(bench), warm);
    lose(bench, PROGRAM_AT + 0x200); /* nobody's */
    assert_int_equal(measure(bench), warm);
    memset(cache.there, 0, sizeof(cache.there));
    core_lines_lost(bench->core);
    assert_true(measure(bench) - warm >= 7 * MISS);
}

static void test_literals_are_fetched(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, PROGRAM_AT, LDR_LIT(0, 0x40), NOP, NOP, WFI);
    uint64_t cold = measure(bench);
    uint64_t warm = measure(bench);
    assert_true(cache.there[(0x104 + 0x40) / 4]);
    lose(bench, PROGRAM_AT + 4 + 0x40);
    assert_int_equal(measure(bench) - warm, MISS);
    assert_true(cold > warm);
}

static void test_wide_literals_are_fetched(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, PROGRAM_AT, 0xf8df, 0x0104 /* ldr.w r0, [pc, #0x104] */, 0xe9df,
            0x2342 /* ldrd r2, r3, [pc, #0x108] */, 0xed9f, 0x0a43 /* vldr s0, [pc, #0x10c] */, 0xf85f,
            0x0050 /* ldr.w r0, [pc, #-0x50] */, WFI);
    set_ppb(bench, 0xe000ed88, 0xf << 20);
    measure(bench);
    static const uint32_t literals[] = { 0x104 + 0x104, 0x108 + 0x108, 0x10c + 0x10c, 0x110 - 0x50 };
    for (unsigned i = 0; i < 4; i++) {
        assert_true(cache.there[literals[i] / 4]);
    }
}

static void test_words_that_do_not_stay(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, PROGRAM_AT, NOP, NOP, NOP, WFI);
    cache.keeps = false;
    uint64_t first = measure(bench);
    assert_int_equal(measure(bench), first);
    cache.keeps = true;
    measure(bench);
    assert_true(measure(bench) < first - MISS);
}

static void test_a_loop_pays_its_first_pass(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, PROGRAM_AT, MOVS(0, 200), SUBS(0, 1), BCC(NE, -6), WFI);
    uint64_t cold = measure(bench), misses = cache.misses, warm = measure(bench);
    assert_int_equal(cold - warm, misses * MISS);
}

/* The wait is time like any other: an interrupt that comes in it is taken before the block. */
static void test_an_interrupt_ends_the_wait(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, PROGRAM_AT, CPSIE, NOP, NOP, MOV(6, 7), NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, NOP, WFI);
    HANDLER(bench, 15, MOVS(7, 9), BX(LR)); /* SysTick */
    core_start(bench->core, STACK, PROGRAM_AT, VECTORS);
    set_ppb(bench, 0xe000e014, 150);
    set_ppb(bench, 0xe000e018, 0);
    set_ppb(bench, 0xe000e010, 7);
    core_set_register(bench->core, 7, 0);
    uint64_t began = core_cycles(bench->core);
    core_run(bench->core, began + 60); /* in the middle of the wait for the first block */
    assert_int_equal(core_cycles(bench->core), began + 60);
    assert_int_equal(reg(bench, CORE_PC), PROGRAM_AT);
    core_run(bench->core, began + 2000);
    assert_int_equal(reg(bench, 6), 9);
}

/* A bus error of a fetch is one of the block, with what was there left as it was. */
static unsigned fail_at_second_line(void *context, uint32_t address, uint64_t cycle, bool *ret_stays) {
    return address >= PROGRAM_AT + CORE_CACHE_LINE ? CORE_CACHE_ERROR : fetch(context, address, cycle, ret_stays);
}

static void test_a_bus_error_is_a_fault(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, PROGRAM_AT, MOVS(1, 1), B(6), NOP, NOP, NOP, NOP, MOVS(1, 2), WFI);
    HANDLER(bench, 3, MOVS(7, 9), WFI); /* HardFault */
    bench->core->desc.cache.fetch = fail_at_second_line;
    core_set_register(bench->core, 7, 0);
    measure(bench);
    assert_int_equal(reg(bench, 7), 9);
    assert_int_equal(reg(bench, 1), 1);
    assert_int_equal(word(bench, reg(bench, CORE_SP) + 24), PROGRAM_AT + 12);
}

#define BOTH(name)                                                                                                     \
    TEST(name), {                                                                                                      \
#name " (mainline)", name, set_up_m33, tear_down, NULL                                                         \
    }
#define M33(name) cmocka_unit_test_setup_teardown(name, set_up_m33, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(test_a_block_waits_once),         BOTH(test_a_lost_line_is_fetched_again),
        BOTH(test_literals_are_fetched),       M33(test_wide_literals_are_fetched),
        BOTH(test_words_that_do_not_stay),     BOTH(test_a_loop_pays_its_first_pass),
        BOTH(test_an_interrupt_ends_the_wait), BOTH(test_a_bus_error_is_a_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
