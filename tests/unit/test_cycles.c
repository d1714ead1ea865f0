/* Instruction timing of the Cortex-M0+: Technical Reference Manual table 3-1, every class of instruction, and what
 * a running core adds up to. */
#include "tests/unit/unit.h"

#include "emulator/cpu/internal.h"
#include "tests/unit/thumb.h"

#include <stdlib.h>
#include <string.h>

/* ---- The table ---- */
static void check(uint16_t first, uint16_t second, unsigned cycles, unsigned taken) {
    unsigned ret_taken;
    assert_int_equal(m0plus_instruction_cycles(first, second, &ret_taken), cycles);
    assert_int_equal(ret_taken, taken);
}

static void test_one_cycle(void **state) {
    static const uint16_t codes[] = {
        0x0008, /* movs r0, r1 */
        0x0188, /* lsls r0, r1, #6 */
        0x0988, /* lsrs r0, r1, #6 */
        0x1188, /* asrs r0, r1, #6 */
        0x1888, /* adds r0, r1, r2 */
        0x1a88, /* subs r0, r1, r2 */
        0x1dc8, /* adds r0, r1, #7 */
        0x1fc8, /* subs r0, r1, #7 */
        0x20ff, /* movs r0, #255 */
        0x28ff, /* cmp r0, #255 */
        0x30ff, /* adds r0, #255 */
        0x38ff, /* subs r0, #255 */
        0x4008, /* ands */
        0x4048, /* eors */
        0x4088, /* lsls by register */
        0x40c8, /* lsrs by register */
        0x4108, /* asrs by register */
        0x4148, /* adcs */
        0x4188, /* sbcs */
        0x41c8, /* rors */
        0x4208, /* tst */
        0x4248, /* negs */
        0x4288, /* cmp */
        0x42c8, /* cmn */
        0x4308, /* orrs */
        0x4348, /* muls: fast multiplier */
        0x4388, /* bics */
        0x43c8, /* mvns */
        0x4488, /* add r8, r1 */
        0x4548, /* cmp r0, r9 */
        0x4688, /* mov r8, r1 */
        0xa001, /* adr */
        0xa801, /* add r0, sp, #4 */
        0xb001, /* add sp, #4 */
        0xb081, /* sub sp, #4 */
        0xb208, /* sxth */
        0xb248, /* sxtb */
        0xb288, /* uxth */
        0xb2c8, /* uxtb */
        0xba08, /* rev */
        0xba48, /* rev16 */
        0xbac8, /* revsh */
        0xb662, /* cpsie i */
        0xb672, /* cpsid i */
        0xbf00, /* nop */
        0xbf10, /* yield */
        0xbf40, /* sev */
    };
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        check(codes[i], 0, 1, 0);
    }
}

static void test_loads_and_stores(void **state) {
    static const uint16_t codes[] = {
        0x4801,                                                         /* ldr literal */
        0x5088, 0x5288, 0x5488, 0x5688, 0x5888, 0x5a88, 0x5c88, 0x5e88, /* register offset, all eight */
        0x6048, 0x6848, 0x7048, 0x7848, 0x8048, 0x8848,                 /* immediate offset */
        0x9001, 0x9801,                                                 /* sp relative */
    };
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        check(codes[i], 0, 2, 0);
    }
    check(LDM(0, 0x0e), 0, 1 + 3, 0);
    check(STM(0, 0xff), 0, 1 + 8, 0);
    check(PUSH(0x0f, 0), 0, 1 + 4, 0);
    check(PUSH(0x0f, 1), 0, 1 + 5, 0);
    check(POP(0x0f, 0), 0, 1 + 4, 0);
    check(POP(0x0f, 1), 0, 3 + 5, 0);
}

static void test_branches(void **state) {
    check(BCC(EQ, 8), 0, 1, 1);  /* 1, taken 2 */
    check(BCC(EQ, -2), 0, 1, 0); /* to the next instruction */
    check(B(-4), 0, 2, 0);
    check(BL_0(0), BL_1(8), 3, 0);
    check(0xf7ff, 0xfffe, 3, 0); /* bl backwards */
    check(BX(LR), 0, 2, 0);
    check(BLX(3), 0, 2, 0);
    check(MOV(PC, 0), 0, 2, 0);
    check(0x4487, 0, 2, 0); /* add pc, r0 */
}

static void test_system(void **state) {
    check(MRS_0, MRS_1(0, 16), 3, 0);
    check(MSR_0(0), MSR_1(16), 3, 0);
    check(DSB_0, DSB_1, 3, 0);
    check(0xf3bf, 0x8f5f, 3, 0); /* dmb */
    check(ISB_0, ISB_1, 3, 0);
    check(WFI, 0, 2, 0);
    check(WFE, 0, 2, 0);
}

/* ---- A core ---- */
#define CODE 0x20000000u
#define DATA 0x20000800u

struct bench {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
    struct bus bus;
    struct core *core;
    uint8_t sram[0x1000];
};

static uint32_t port_read(void *context, uint32_t offset, unsigned size) {
    return 0;
}

static void port_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
}

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof(*bench));
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    bench->env = (struct environment){ &bench->scheduler, &bench->log, &bench->random, 0 };
    bus_init(&bench->bus, &bench->env);
    bus_add_memory(&bench->bus, &(struct bus_memory){ "SRAM", CODE, sizeof(bench->sram), bench->sram, true });
    bus_add_window(&bench->bus, &(struct bus_window){ "SIO", 0xd0000000, 0x1000, port_read, port_write, NULL });
    bus_add_window(&bench->bus, &(struct bus_window){ "APB", 0x40000000, 0x1000, port_read, port_write, NULL });
    bus_add_window(&bench->bus, &(struct bus_window){ "AHB", 0x50000000, 0x1000, port_read, port_write, NULL });
    const struct core_desc desc = {
        .model = CORE_M0PLUS,
        .env = &bench->env,
        .bus = &bench->bus,
        .ioport_base = 0xd0000000,
        .ioport_size = 0x1000,
        .apb_base = 0x40000000,
        .apb_size = 0x10000000,
    };
    bench->core = core_create(&desc, NULL);
    assert_non_null(bench->core);
    *state = bench;
    return 0;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    core_destroy(bench->core);
    bus_finish(&bench->bus);
    free(bench);
    return 0;
}

/* Cycles of a program from its start to the WFI that ends it, that one included. */
static uint64_t measure(struct bench *bench, const uint16_t *program, size_t size) {
    memcpy(bench->sram, program, size);
    core_code_changed(bench->core, CODE, (uint32_t)size);
    core_start(bench->core, CODE + 0x1000, CODE, CODE);
    core_set_register(bench->core, 6, 0xd0000000);
    core_set_register(bench->core, 7, 0x40000000);
    core_set_register(bench->core, 4, 0x50000000);
    core_set_register(bench->core, 5, DATA);
    uint64_t began = core_cycles(bench->core);
    core_run(bench->core, began + 100000);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    return core_cycles(bench->core) - began;
}
#define MEASURE(bench, ...) measure(bench, (const uint16_t[]){ __VA_ARGS__ }, sizeof((const uint16_t[]){ __VA_ARGS__ }))
#define WFI_CYCLES 2

static void test_counted_loop(void **state) {
    /* movs; 10 x (subs, bne taken) with the last one not taken */
    assert_int_equal(MEASURE(*state, MOVS(0, 10), SUBS(0, 1), BCC(NE, -6), WFI), 1 + 10 * 3 - 1 + WFI_CYCLES);
}

static void test_single_cycle_port(void **state) {
    assert_int_equal(MEASURE(*state, LDR(0, 6, 0), STR(0, 6, 4), WFI), 1 + 1 + WFI_CYCLES);
    assert_int_equal(MEASURE(*state, LDR(0, 4, 0), STR(0, 4, 4), WFI), 2 + 2 + WFI_CYCLES);
    assert_int_equal(MEASURE(*state, LDR(0, 5, 0), STR(0, 5, 4), WFI), 2 + 2 + WFI_CYCLES);
}

/* RP2040 datasheet 2.1.3: a load through the APB bridge takes three cycles in all, a store four. */
static void test_apb_bridge(void **state) {
    assert_int_equal(MEASURE(*state, LDR(0, 7, 0), WFI), 3 + WFI_CYCLES);
    assert_int_equal(MEASURE(*state, STR(0, 7, 0), WFI), 4 + WFI_CYCLES);
    assert_int_equal(MEASURE(*state, LDM(7, 0x07), WFI), 1 + 3 * 2 + WFI_CYCLES);
    assert_int_equal(MEASURE(*state, MOVS(3, 250), LDR(0, 7, 0), SUBS(3, 1), BCC(NE, -8), WFI),
                     1 + 250 * 6 - 1 + WFI_CYCLES);
    assert_int_equal(MEASURE(*state, MOVS(3, 250), STR(0, 7, 0), SUBS(3, 1), BCC(NE, -8), WFI),
                     1 + 250 * 7 - 1 + WFI_CYCLES);
}

static void test_call_and_return(void **state) {
    /* bl over the wfi to a subroutine that returns */
    assert_int_equal(MEASURE(*state, BL_0(0), BL_1(2), WFI, PUSH(1, 1), MULS(0, 0), POP(1, 1)),
                     3 + 3 + 1 + 5 + WFI_CYCLES);
}

static void test_changed_code_is_counted_anew(void **state) {
    assert_int_equal(MEASURE(*state, NOP, NOP, WFI), 2 + WFI_CYCLES);
    assert_int_equal(MEASURE(*state, LDR(0, 5, 0), NOP, WFI), 3 + WFI_CYCLES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_cycle),
        cmocka_unit_test(test_loads_and_stores),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_system),
        TEST(test_counted_loop),
        TEST(test_single_cycle_port),
        TEST(test_apb_bridge),
        TEST(test_call_and_return),
        TEST(test_changed_code_is_counted_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
