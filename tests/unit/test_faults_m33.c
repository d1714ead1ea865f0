/* Faults of Armv8-M Mainline and stack limits (DDI 0553, B3), with small programs on a Cortex-M33. */
#include "tests/unit/m33_bench.h"

static void test_fault_undefined_escalates(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), UDF);
    start(bench);
    check_fault(bench, 3, CODE + 2, 1u << 16);
}

static void test_fault_undefined(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), UDF);
    enable_faults(bench);
    check_fault(bench, 6, CODE + 2, 1u << 16);
    set_ppb(bench, CFSR, 1u << 16);
    assert_int_equal(get_ppb(bench, CFSR), 0);
    assert_int_equal(get_ppb(bench, SHCSR), 7u << 16 | 1u << 3);
}

static void test_fault_load(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(0, 0x70), LSLS(0, 0, 24), LDR(1, 0, 8), MOVS(1, 2));
    enable_faults(bench);
    check_fault(bench, 5, CODE + 4, 1u << 9 | 1u << 15);
    assert_int_equal(get_ppb(bench, BFAR), 0x70000008);
}

static void test_fault_inside_it_block(void **state) {
    struct bench *bench = *state;
    /* ITT EQ; LDREQ (faults); the handler skips it; MOVEQ r4 runs. */
    HANDLER(bench, 5, MOV(2, SP), LDR(5, 2, 24), ADDS(5, 2), STR(5, 2, 24), LDR(7, 2, 28), BX(LR));
    PROGRAM(bench, CODE, MOVS(0, 0x70), LSLS(0, 0, 24), CMP(4, 0), IT(EQ, 4), LDR(1, 0, 8), MOVS(4, 2), B(-4));
    enable_faults(bench);
    core_set_register(bench->core, 4, 0);
    run(bench, 200);
    assert_int_equal(reg(bench, 7) & 0x0600fc00, 0x00000400); /* at the first instruction of two: 0x04 */
    assert_int_equal(reg(bench, 5), CODE + 10);
}

/* Every kind of load and store tells its address. */
static void test_fault_addresses(void **state) {
    static const struct {
        uint16_t first, second;
        uint32_t address; /* r0 = 0x70001000, r1 = 0x44 */
    } cases[] = {
        { LDR(2, 0, 0x7c), NOP, 0x7000107c }, { STRB(2, 0, 31), NOP, 0x7000101f },
        { STRH(2, 0, 62), NOP, 0x7000103e },  { 0x5842, NOP, 0x70001044 }, /* ldr r2, [r0, r1] */
        { 0x5242, NOP, 0x70001044 },                                       /* strh r2, [r0, r1] */
        { LDM(0, 4), NOP, 0x70001000 },                                    /* ldm r0!, {r2} */
        { 0xf8d0, 0x2ff0, 0x70001ff0 },                                    /* ldr.w r2, [r0, #4080] */
        { 0xf850, 0x2c10, 0x70000ff0 },                                    /* ldr r2, [r0, #-16] */
        { 0xf840, 0x2b10, 0x70001000 },                                    /* str r2, [r0], #16 */
        { 0xf840, 0x2d10, 0x70000ff0 },                                    /* str r2, [r0, #-16]! */
        { 0xf810, 0x2021, 0x70001110 },                                    /* ldrb.w r2, [r0, r1, lsl #2] */
        { 0xe9d0, 0x2304, 0x70001010 },                                    /* ldrd r2, r3, [r0, #16] */
        { 0xe920, 0x000c, 0x70000ff8 },                                    /* stmdb r0!, {r2, r3} */
        { 0xe850, 0x2f03, 0x7000100c },                                    /* ldrex r2, [r0, #12] */
        { 0xe8d0, 0x2fcf, 0x70001000 },                                    /* ldaexb r2, [r0] */
        { 0xe8d0, 0xf001, 0x70001044 },                                    /* tbb [r0, r1] */
        { 0xed90, 0x0a05, 0x70001014 },                                    /* vldr s0, [r0, #20] */
        { 0xec90, 0x0a03, 0x70001000 },                                    /* vldmia r0, {s0-s2} */
    };
    struct bench *bench = *state;
    HANDLER(bench, 5, MRS(6, 5), B(-4));
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        core_reset(bench->core);
        PROGRAM(bench, CODE + 0x100, cases[i].first, cases[i].second, B(-4));
        core_code_changed(bench->core, CODE + 0x100, 8);
        enable_faults(bench);
        core_set_register(bench->core, 0, 0x70001000);
        core_set_register(bench->core, 1, 0x44);
        core_set_register(bench->core, 6, 0);
        core_set_register(bench->core, CORE_PC, CODE + 0x100);
        run(bench, 100);
        assert_int_equal(reg(bench, 6), 5);
        if (get_ppb(bench, BFAR) != cases[i].address) {
            fail_msg("%04x %04x: 0x%08x", cases[i].first, cases[i].second, get_ppb(bench, BFAR));
        }
    }
}

/* Leaving Secure state is not modelled, which a stub line says; a reset brings the core back. */
static void test_non_secure_state(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, VMOV_S_R(7, 1), 0x4704, B(-4)); /* bxns r0 */
    enable_faults(bench);
    core_set_register(bench->core, 0, CODE + 0x100);
    core_set_register(bench->core, 1, 7);
    run(bench, 100);
    assert_int_equal(bench->log.count[LOG_STUB], 1);
    core_reset(bench->core);
    PROGRAM(bench, CODE, MOVS(4, 1), VMOV_R_S(5, 7), SVC(0), B(-4));
    HANDLER(bench, 11, MOVS(6, 9), BX(LR));
    core_code_changed(bench->core, CODE, 16);
    start(bench);
    run(bench, 100);
    assert_int_equal(core_state(bench->core), CORE_RUNNING);
    assert_int_equal(reg(bench, 6), 9);
    assert_int_equal(reg(bench, 5), 0);
    assert_int_equal(reg(bench, CORE_SP), STACK);
}

static void test_division_traps(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, 0xfbb0, 0xf3f1, 0xfb90, 0xf3f2, MOVS(7, 1), B(-4)); /* udiv r3, r0, r1; sdiv r3, r0, r2 */
    enable_faults(bench);
    core_set_register(bench->core, 0, 100);
    core_set_register(bench->core, 1, 7);
    core_set_register(bench->core, 2, 0);
    run(bench, 50);
    assert_int_equal(reg(bench, 3), 0); /* no trap: 0 */
    assert_int_equal(reg(bench, 7), 1);
    set_ppb(bench, 0xe000ed14, 0x211);
    core_set_register(bench->core, 0, 100);
    core_set_register(bench->core, 1, 7);
    core_set_register(bench->core, CORE_PC, CODE);
    check_fault(bench, 6, CODE + 4, 1u << 25);
    assert_int_equal(reg(bench, 3), 14);
}

static void test_unaligned_traps(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, LDR(3, 2, 4), MOVS(7, 1), B(-4));
    enable_faults(bench);
    core_set_register(bench->core, 2, LOG + 2);
    run(bench, 50);
    assert_int_equal(reg(bench, 7), 1);
    set_ppb(bench, 0xe000ed14, 0x209);
    core_set_register(bench->core, CORE_PC, CODE);
    check_fault(bench, 6, CODE + 2, 1u << 24);
}

static void test_fault_fetch(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(0, 0x70), LSLS(0, 0, 24), ADDS(0, 1), BX(0));
    enable_faults(bench);
    check_fault(bench, 5, 0x70000000, 1u << 8);
}

static void test_fault_never_executable(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(0, 0x50), LSLS(0, 0, 24), ADDS(0, 1), BX(0));
    enable_faults(bench);
    check_fault(bench, 4, 0x50000000, 1u << 0);
}

static void test_fault_arm_state(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, BX(0));
    enable_faults(bench);
    core_set_register(bench->core, 0, CODE + 0x100);
    check_fault(bench, 6, CODE + 0x100, 1u << 17);
}

static void test_fault_exc_return(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, SVC(0), B(-4));
    HANDLER(bench, 11, MOVS(0, 0), SUBS(0, 71), BX(0)); /* 0xffffffb9: not Secure */
    enable_faults(bench);
    set_ppb(bench, 0xe000ed1c, 0x80000000);    /* SVCall less urgent than UsageFault */
    check_fault(bench, 6, CODE + 2, 1u << 18); /* in the frame that is there already */
    assert_int_equal(reg(bench, CORE_SP), STACK - 32);
    assert_int_equal(get_ppb(bench, SHCSR), 7u << 16 | 1u << 3); /* SVCall is over */
}

/* A frame whose IPSR is not that of the mode to return to, an exception that is not active, a stack that is not
 * there: the fault is tail-chained. */
static void test_fault_frame_of_another_mode(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, SVC(0), B(-4));
    HANDLER(bench, 11, MOV(0, SP), LDR(1, 0, 28), ADDS(1, 5), STR(1, 0, 28), BX(LR));
    enable_faults(bench);
    HANDLER(bench, 6, MOV(3, LR), MRS(6, 5), B(-4));
    run(bench, 200);
    assert_int_equal(reg(bench, 6), 6);
    assert_int_equal(reg(bench, 3), 0xfffffff9);
    assert_int_equal(reg(bench, CORE_SP), STACK - 32);
    assert_int_equal(get_ppb(bench, CFSR), 1u << 18);
}

static void test_fault_return_of_inactive(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, SVC(0), B(-4));
    HANDLER(bench, 11, STR(3, 2, 0), BX(LR)); /* SHCSR: nothing is active */
    enable_faults(bench);
    core_set_register(bench->core, 2, SHCSR);
    core_set_register(bench->core, 3, 7 << 16);
    check_fault(bench, 6, CODE + 2, 1u << 18);
    assert_int_equal(reg(bench, CORE_SP), STACK - 32);
}

static void test_fault_unstacking(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, SVC(0), B(-4));
    HANDLER(bench, 11, MSR(SPECIAL_PSP, 4), ADDS(5, 4), BX(5)); /* 0xfffffffd: by a stack that is nowhere */
    enable_faults(bench);
    HANDLER(bench, 5, MOV(3, LR), MRS(6, 5), B(-4));
    core_set_register(bench->core, 4, 0x70000000);
    core_set_register(bench->core, 5, 0xfffffff9);
    run(bench, 200);
    assert_int_equal(reg(bench, 6), 5);
    assert_int_equal(reg(bench, 3), 0xfffffffd);
    assert_int_equal(reg(bench, CORE_SP), STACK - 32);
    assert_int_equal(get_ppb(bench, CFSR), 1u << 11);
}

static void test_fault_at_fault_priority_escalates(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, UDF);
    enable_faults(bench);
    install_fault_handlers(bench);
    HANDLER(bench, 6, UDF);
    run(bench, 100);
    assert_int_equal(reg(bench, 6), 3);
    assert_int_equal(reg(bench, 5), HANDLERS + 64 * 6);
}

static void test_lock_up(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, UDF);
    start(bench);
    HANDLER(bench, 3, UDF);
    run(bench, 100);
    assert_int_equal(core_state(bench->core), CORE_LOCKUP);
}

static void break_at(struct bench *bench, unsigned number) {
    PROGRAM(bench, CODE, NOP, BKPT(number));
    start(bench);
    install_fault_handlers(bench);
    run(bench, 100);
    assert_int_equal(reg(bench, 6), 3);
    assert_int_equal(reg(bench, 5), CODE + 2);
    assert_int_equal(get_ppb(bench, HFSR), 1u << 31);
}

static void test_breakpoint(void **state) {
    break_at(*state, 1);
}

static void test_semihosting_breakpoint(void **state) {
    break_at(*state, 0xab);
}

/* ---- Stack limits ---- */
static void test_stack_limit_of_push(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 6, MSR(SPECIAL_MSPLIM, 4), MRS(6, 5), MRS(7, SPECIAL_MSP), B(-4));
    PROGRAM(bench, CODE, MSR(SPECIAL_PSP, 1), MSR(SPECIAL_PSPLIM, 2), MOVS(0, 2), MSR(SPECIAL_CONTROL, 0), ISB_0, ISB_1,
            PUSH(1, 0), PUSH(3, 0), B(-4));
    enable_faults(bench);
    core_set_register(bench->core, 1, SRAM + 0x6008);
    core_set_register(bench->core, 2, SRAM + 0x6000);
    core_set_register(bench->core, 4, 0);
    run(bench, 200);
    assert_int_equal(reg(bench, 6), 6);
    assert_int_equal(reg(bench, 7), STACK); /* no frame on the main stack, none fitted on the other */
    assert_int_equal(reg(bench, CORE_PSP), SRAM + 0x6000);
    assert_int_equal(get_ppb(bench, CFSR), 1u << 20);
}

static void test_stack_limit_on_entry(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 6, MRS(6, 5), MRS(7, SPECIAL_PSP), BX(LR));
    HANDLER(bench, 16, MOVS(4, 1), BX(LR));
    PROGRAM(bench, CODE, MSR(SPECIAL_PSP, 1), MSR(SPECIAL_PSPLIM, 2), MOVS(0, 2), MSR(SPECIAL_CONTROL, 0), ISB_0, ISB_1,
            B(-4));
    enable_faults(bench);
    enable_irq(bench, 0, 4);
    core_set_register(bench->core, 1, SRAM + 0x6010);
    core_set_register(bench->core, 2, SRAM + 0x6000);
    core_set_register(bench->core, 4, 0);
    run(bench, 100);
    pulse(bench, 0);
    run(bench, 20); /* the fault, then (tail-chained) the interrupt; the frame is lost */
    run(bench, 3);
    assert_int_equal(reg(bench, 6), 6);
    assert_int_equal(reg(bench, 7), SRAM + 0x6000);
    assert_int_equal(get_ppb(bench, CFSR) & 1u << 20, 1u << 20);
    core_reset(bench->core);
    PROGRAM(bench, CODE, MRS(4, SPECIAL_PSPLIM), B(-4));
    core_code_changed(bench->core, CODE, 8);
    start(bench);
    core_set_register(bench->core, 4, 1);
    run(bench, 20);
    assert_int_equal(reg(bench, 4), 0); /* reset clears it */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_fault_undefined_escalates),
        TEST(test_fault_undefined),
        TEST(test_fault_load),
        TEST(test_fault_inside_it_block),
        TEST(test_fault_addresses),
        TEST(test_non_secure_state),
        TEST(test_semihosting_breakpoint),
        TEST(test_division_traps),
        TEST(test_unaligned_traps),
        TEST(test_fault_fetch),
        TEST(test_fault_never_executable),
        TEST(test_fault_arm_state),
        TEST(test_fault_exc_return),
        TEST(test_fault_frame_of_another_mode),
        TEST(test_fault_return_of_inactive),
        TEST(test_fault_unstacking),
        TEST(test_fault_at_fault_priority_escalates),
        TEST(test_lock_up),
        TEST(test_breakpoint),
        TEST(test_stack_limit_of_push),
        TEST(test_stack_limit_on_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
