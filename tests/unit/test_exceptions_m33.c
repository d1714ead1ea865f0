/* Exceptions of Armv8-M Mainline in Secure state, as the Architecture Reference Manual (DDI 0553) B3 defines them,
 * with small programs on a Cortex-M33. Faults: test_faults_m33.c. */
#include "tests/unit/m33_bench.h"

/* ---- Frames ---- */
static void test_basic_frame_and_return(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, ADDS(5, 1), B(-6));
    HANDLER(bench, 16 + 51, MOV(6, LR), MOV(7, SP), MRS(4, 5), BX(LR));
    memcpy(bench->sram + 4 * (16 + 51), &(uint32_t){ (HANDLERS + 64 * 67) | 1 }, 4);
    start(bench);
    set_ppb(bench, 0xe000e104, 1u << 19);
    for (unsigned i = 0; i < 13; i++) {
        core_set_register(bench->core, i, 0x1000 + i);
    }
    pulse(bench, 51);
    run(bench, 13);
    run(bench, 1);
    assert_int_equal(reg(bench, 6), 0xfffffff9);
    assert_int_equal(reg(bench, 7), STACK - 32);
    assert_int_equal(reg(bench, 4), 16 + 51);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(word(bench, STACK - 32 + 4 * i), 0x1000 + i);
    }
    assert_int_equal(word(bench, STACK - 32 + 24), CODE);
    assert_int_equal(word(bench, STACK - 32 + 28), 0x01000000);
    run(bench, 50);
    assert_int_equal(reg(bench, CORE_SP), STACK);
    assert_int_equal(reg(bench, CORE_XPSR) & 0x1ff, 0);
    assert_true(reg(bench, 5) > 0x1005);
}

/* The IT state is in the frame, is 0 in the handler and comes back. */
static void test_it_state_is_stacked(void **state) {
    struct bench *bench = *state;
    /* An SVC inside an IT block: ITTT EQ; MOVEQ r4,#1; SVCEQ; MOVEQ r5,#2 with Z = 1 */
    HANDLER(bench, 11, MOVS(0, 1), CMP(0, 2), MOV(0, SP), LDR(6, 0, 28), MOVS(3, 3), BX(LR));
    PROGRAM(bench, CODE, MOVS(5, 0), CMP(5, 0), IT(EQ, 2), MOVS(4, 1), SVC(0), MOVS(5, 2), IT(NE, 8), MOVS(7, 9),
            B(-4));
    start(bench);
    core_set_register(bench->core, 7, 1);
    run(bench, 100);
    assert_int_equal(reg(bench, 4), 1);
    assert_int_equal(reg(bench, 5), 2);
    assert_int_equal(reg(bench, 7), 1);
    assert_int_equal(reg(bench, 6) >> 24, 0x61); /* Z and C, T; IT bits 1 to 0 are 0 */
    assert_int_equal(reg(bench, 6) >> 10 & 0x3f, 0x08 >> 2);
}

static void test_extended_frame(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, MOV(6, LR), MOV(7, SP), MRS(8 & 7, SPECIAL_CONTROL), VMOV_S_R(5, 6), BX(LR));
    PROGRAM(bench, CODE, MOVS(0, 5), VMOV_S_R(5, 0), MOVS(0, 7), VMOV_S_R(15, 0), B(-4));
    start(bench);
    enable_irq(bench, 0, 1);
    core_set_register(bench->core, CORE_CONTROL, 0);
    run(bench, 50);
    assert_int_equal(reg(bench, CORE_CONTROL), 0xc); /* FPCA, SFPA */
    pulse(bench, 0);
    run(bench, 30);
    run(bench, 100);
    assert_int_equal(reg(bench, 6), 0xffffffe9);
    assert_int_equal(reg(bench, 7), STACK - 104);
    assert_int_equal(reg(bench, 0), 7);
    assert_int_equal(word(bench, STACK - 104 + 32 + 4 * 5), 5);
    assert_int_equal(word(bench, STACK - 104 + 32 + 4 * 15), 7);
    assert_int_equal(word(bench, STACK - 104 + 28) & 1u << 20, 1u << 20);
    assert_int_equal(reg(bench, CORE_S0 + 5), 5);
    assert_int_equal(reg(bench, CORE_CONTROL), 0xc);
    assert_int_equal(reg(bench, CORE_SP), STACK);
    assert_int_equal(get_ppb(bench, 0xe000ef38), STACK - 104 + 32); /* FPCAR */
}

static void test_fpscr_is_kept(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, MOVS(0, 0), VMSR(0), BX(LR));
    PROGRAM(bench, CODE, VMSR(1), B(-4));
    start(bench);
    enable_irq(bench, 0, 1);
    core_set_register(bench->core, 1, 0xa3c0001f);
    run(bench, 50);
    assert_int_equal(reg(bench, CORE_FPSCR), 0xa3c0001f);
    pulse(bench, 0);
    run(bench, 100);
    assert_int_equal(reg(bench, CORE_FPSCR), 0xa3c0001f);
}

/* The handler begins without a floating-point context, and one of its own goes on to a nested handler. */
static void test_nested_fp_contexts(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, MRS(4, SPECIAL_CONTROL), MOVS(0, 1), VMOV_S_R(0, 0), STR(3, 2, 0), ISB_0, ISB_1, VMOV_R_S(5, 0),
            BX(LR));
    HANDLER(bench, 17, MOV(6, LR), MOVS(0, 9), VMOV_S_R(0, 0), BX(LR));
    PROGRAM(bench, CODE, MOVS(0, 77), VMOV_S_R(0, 0), B(-4));
    start(bench);
    enable_irq(bench, 0, 2);
    enable_irq(bench, 1, 1);
    set_ppb(bench, 0xe000e400, 0x1020);
    set_ppb(bench, 0xe000e100, 3);
    core_set_register(bench->core, 2, 0xe000e200);
    core_set_register(bench->core, 3, 2);
    run(bench, 50);
    pulse(bench, 0);
    run(bench, 300);
    assert_int_equal(reg(bench, 4), 0);
    assert_int_equal(reg(bench, 5), 1);
    assert_int_equal(reg(bench, 6), 0xffffffe1);
    assert_int_equal(reg(bench, CORE_S0), 77);
    assert_int_equal(reg(bench, CORE_SP), STACK);
}

static void test_process_stack_and_unprivileged(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 11, MOV(6, LR), MRS(5, SPECIAL_CONTROL), MRS(7, SPECIAL_PSP), BX(LR));
    PROGRAM(bench, CODE, MSR(SPECIAL_PSP, 4), MOVS(0, 3), MSR(SPECIAL_CONTROL, 0), ISB_0, ISB_1, PUSH(1, 0), SVC(0),
            MOV(8, SP), B(-4));
    start(bench);
    core_set_register(bench->core, 4, SRAM + 0x6000);
    run(bench, 200);
    assert_int_equal(reg(bench, 6), 0xfffffffd);
    assert_int_equal(reg(bench, 5), 1); /* nPRIV stays, SPSEL is 0 */
    assert_int_equal(reg(bench, 7), SRAM + 0x6000 - 8 - 32);
    assert_int_equal(reg(bench, 8), SRAM + 0x6000 - 4);
    assert_int_equal(reg(bench, CORE_MSP), STACK);
    assert_int_equal(reg(bench, CORE_CONTROL), 3);
}

/* ---- Priorities ---- */
static void test_basepri(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, ADDS(4, 1), BX(LR));
    HANDLER(bench, 17, ADDS(5, 1), BX(LR));
    PROGRAM(bench, CODE, MSR(SPECIAL_BASEPRI, 0), MOVS(1, 100), SUBS(1, 1), BCC(NE, -6), MSR(SPECIAL_BASEPRI, 1),
            B(-4));
    start(bench);
    set_ppb(bench, 0xe000e400, 0x4080);
    set_ppb(bench, 0xe000e100, 3);
    core_set_register(bench->core, 0, 0x60);
    core_set_register(bench->core, 4, 0);
    core_set_register(bench->core, 5, 0);
    run(bench, 20);
    pulse(bench, 0);
    pulse(bench, 1);
    run(bench, 100);
    assert_int_equal(reg(bench, 5), 1); /* 0x40 is more urgent than BASEPRI */
    assert_int_equal(reg(bench, 4), 0);
    run(bench, 600);
    assert_int_equal(reg(bench, 4), 1);
}

static void test_faultmask_and_its_end(void **state) {
    struct bench *bench = *state;
    /* The handler of IRQ 0 sets FAULTMASK; its return clears it. */
    HANDLER(bench, 16, MOVS(0, 1), MSR(SPECIAL_FAULTMASK, 0), BX(LR));
    HANDLER(bench, 17, ADDS(5, 1), BX(LR));
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    set_ppb(bench, 0xe000e400, 0x0080);
    set_ppb(bench, 0xe000e100, 3);
    core_set_register(bench->core, 5, 0);
    pulse(bench, 0);
    pulse(bench, 1);
    run(bench, 200);
    assert_int_equal(reg(bench, CORE_FAULTMASK), 0);
    assert_int_equal(reg(bench, 5), 1);
}

static void test_priority_grouping(void **state) {
    struct bench *bench = *state;
    /* PRIGROUP 5: two bits preempt. IRQ 0 at 0x50 pends IRQ 1 at 0x40, of the same group: it waits. */
    HANDLER(bench, 16, STR(3, 2, 0), ISB_0, ISB_1, MOV(6, 5), MOVS(0, 0), BX(LR));
    HANDLER(bench, 17, MOVS(5, 1), BX(LR));
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    set_ppb(bench, 0xe000ed0c, 0x05fa0500);
    set_ppb(bench, 0xe000e400, 0x4050);
    set_ppb(bench, 0xe000e100, 3);
    core_set_register(bench->core, 2, 0xe000e200);
    core_set_register(bench->core, 3, 2);
    core_set_register(bench->core, 5, 0);
    core_set_register(bench->core, 6, 9);
    pulse(bench, 0);
    run(bench, 200);
    assert_int_equal(reg(bench, 6), 0);
    assert_int_equal(reg(bench, 5), 1);
    assert_int_equal(get_ppb(bench, 0xe000ed0c), 0xfa050500);
}

static void test_sixteen_levels(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    set_ppb(bench, 0xe000e400, 0xffffffff);
    assert_int_equal(get_ppb(bench, 0xe000e400), 0xf0f0f0f0);
    set_ppb(bench, SHPR1, 0xffffffff);
    assert_int_equal(get_ppb(bench, SHPR1), 0xf0f0f0f0);
    set_ppb(bench, 0xe000e104, 0xffffffff);
    assert_int_equal(get_ppb(bench, 0xe000e104), 0x000fffff);
    assert_int_equal(get_ppb(bench, 0xe000ed00), 0x411fd210);
    assert_int_equal(get_ppb(bench, 0xe000e004), 1);
    assert_int_equal(get_ppb(bench, 0xe000e01c), 0); /* SYST_CALIB */
}

static void test_stir(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16 + 9, MOVS(5, 1), BX(LR));
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    set_ppb(bench, 0xe000e100, 1u << 9);
    core_set_register(bench->core, 5, 0);
    set_ppb(bench, 0xe000ef00, 9);
    run(bench, 100);
    assert_int_equal(reg(bench, 5), 1);
}

static void test_wfi_and_basepri(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MSR(SPECIAL_BASEPRI, 0), WFI, MOVS(4, 1), B(-4));
    start(bench);
    set_ppb(bench, 0xe000e400, 0x4080);
    set_ppb(bench, 0xe000e100, 3);
    core_set_register(bench->core, 0, 0x60);
    run(bench, 50);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    core_set_irq(bench->core, 0, true); /* masked: no reason to wake */
    assert_false(core_wake(bench->core));
    core_set_irq(bench->core, 1, true);
    assert_true(core_wake(bench->core));
}

/* An interrupt that PRIMASK holds back ends WFI, but WFE only with SEVONPEND. */
static void test_wfe_and_primask(void **state) {
    struct bench *bench = *state;
    for (unsigned sevonpend = 0; sevonpend < 2; sevonpend++) {
        core_reset(bench->core);
        PROGRAM(bench, CODE, CPSID, WFE, WFI, B(-4));
        start(bench);
        set_ppb(bench, 0xe000e100, 1);
        set_ppb(bench, 0xe000ed10, sevonpend << 4);
        run(bench, 50);
        assert_int_equal(core_state(bench->core), CORE_WFE);
        core_set_irq(bench->core, 0, true);
        assert_int_equal(core_wake(bench->core), sevonpend);
        core_event(bench->core);
        core_wake(bench->core);
        run(bench, 50);
        assert_int_equal(core_state(bench->core), CORE_RUNNING); /* WFI goes on at once */
        core_set_irq(bench->core, 0, false);
    }
}

static void test_wide_hints(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, 0xf3af, 0x8001, MOVS(4, 1), 0xf3af, 0x8004, 0xf3af, 0x8002, MOVS(4, 2), 0xf3af, 0x8002,
            MOVS(4, 3), 0xf3af, 0x8003, MOVS(4, 4), B(-4));
    start(bench);
    run(bench, 50);
    assert_int_equal(core_state(bench->core), CORE_WFE);
    assert_int_equal(reg(bench, 4), 2);
    core_event(bench->core);
    assert_true(core_wake(bench->core));
    run(bench, 50);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    assert_int_equal(reg(bench, 4), 3);
}

/* BASEPRI 0x30 is of group 0 with PRIGROUP 5 (two bits preempt): it masks what has a priority. */
static void test_basepri_of_group_0(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, ADDS(4, 1), BX(LR));
    PROGRAM(bench, CODE, MSR(SPECIAL_BASEPRI, 0), B(-4));
    start(bench);
    set_ppb(bench, 0xe000ed0c, 0x05fa0500);
    set_ppb(bench, 0xe000e400, 0x80);
    set_ppb(bench, 0xe000e100, 1);
    core_set_register(bench->core, 0, 0x30);
    core_set_register(bench->core, 4, 0);
    run(bench, 20);
    pulse(bench, 0);
    run(bench, 100);
    assert_int_equal(reg(bench, 4), 0);
}

/* ---- Coprocessors ---- */
static void test_gpio(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MCRR(0, 4, 0, 1, 0), MCRR(0, 4, 0, 1, 4), MCR(0, 5, 2, 0, 0, 0), MCR(0, 2, 3, 0, 1, 0),
            MCRR(0, 10, 3, 1, 4), MRC(0, 0, 4, 0, 8, 0), MRRC(0, 0, 5, 6, 8), B(-4));
    start(bench);
    set_ppb(bench, CPACR, 3);
    static const uint32_t values[] = { 40, 1, 3, 0x10 };
    for (unsigned i = 0; i < 4; i++) {
        core_set_register(bench->core, i, values[i]);
    }
    bench->gpio[CORE_GPIO_IN] = 0x1234567800abcdef;
    run(bench, 100);
    assert_int_equal(bench->gpio[CORE_GPIO_OUT], 1ull << 40 | 1ull << 3 | 0x10ull << 32);
    assert_int_equal(bench->gpio[CORE_GPIO_OE], 1ull << 40 | 0x10ull << 32);
    assert_int_equal(reg(bench, 4), 0x00abcdef);
    assert_int_equal(reg(bench, 5), 0x00abcdef);
    assert_int_equal(reg(bench, 6), 0x12345678);
}

static void test_coprocessor_inside_it_block(void **state) {
    struct bench *bench = *state;
    /* ITTE EQ: MCREQ, MOVEQ r4, MOVNE r5; then NE: nothing */
    PROGRAM(bench, CODE, CMP(0, 0), IT(EQ, 6), MCR(0, 6, 1, 0, 0, 0), MOVS(4, 1), MOVS(5, 1), IT(NE, 12),
            MCR(0, 6, 2, 0, 0, 0), MOVS(6, 1), MOVS(7, 1), B(-4));
    start(bench);
    set_ppb(bench, CPACR, 3);
    static const uint32_t values[] = { 0, 7, 8, 0, 0, 0, 0, 0 };
    for (unsigned i = 0; i < 8; i++) {
        core_set_register(bench->core, i, values[i]);
    }
    run(bench, 100);
    assert_int_equal(bench->gpio[CORE_GPIO_OUT], 1u << 7);
    assert_int_equal(reg(bench, 4), 1);
    assert_int_equal(reg(bench, 5), 0);
    assert_int_equal(reg(bench, 6), 0);
    assert_int_equal(reg(bench, 7), 1);
}

static void test_coprocessor_not_enabled(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, MRC(0, 0, 4, 0, 8, 0));
    enable_faults(bench);
    check_fault(bench, 6, CODE + 2, 1u << 19);
}

static void test_coprocessor_not_there(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, MRC(3, 0, 4, 0, 8, 0));
    enable_faults(bench);
    set_ppb(bench, CPACR, 0xffff);
    check_fault(bench, 6, CODE + 2, 1u << 19);
}

static void test_redundancy(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MRC(7, 1, 15, 0, 0, 0), BCC(4, 6), 0xec41, 0x0780, NOP, MRC(7, 1, 4, 0, 0, 0),
            MRC(7, 0, 5, 4, 2, 1), MCR(7, 0, 5, 4, 2, 1), MCR(7, 4, 0, 0, 3, 0), MCR(7, 5, 0, 0, 3, 1),
            MCR(7, 5, 0, 0, 4, 1), MCRR(7, 7, 6, 6, 0), MOVS(7, 1), MCR(7, 2, 4, 0, 0, 0), MCRR(7, 7, 6, 7, 0), B(-4));
    HANDLER(bench, 2, MOVS(7, 2), B(-4));
    start(bench);
    set_ppb(bench, CPACR, 0xc000);
    core_set_register(bench->core, 0, 0x04030201);
    core_set_register(bench->core, 1, 0x00000605);
    core_set_register(bench->core, 6, 1234);
    run(bench, 1500);
    assert_int_equal(reg(bench, 4), 0xa500a500);
    /* Tag 0x42, salt 0x0000060504030201: by the three rules of 3.6.3.5 */
    assert_int_equal(reg(bench, 5),
                     (uint32_t)(0x03 ^ 0x42) << 24 | (0x02 ^ (0x05 & 0xbd)) << 16 | (0x01 ^ (0x04 & 0x42)) << 8);
    assert_int_equal(reg(bench, 7), 2); /* the last check fails: NMI */
}

static void test_redundancy_panic(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, CDP(7, 0, 0, 0, 0, 1), MOVS(4, 1), B(-4));
    start(bench);
    set_ppb(bench, CPACR, 0xc000);
    core_set_rcp_salt(bench->core, 1);
    core_set_register(bench->core, 4, 0);
    run(bench, 500);
    assert_int_equal(core_state(bench->core), CORE_LOCKUP);
    assert_int_equal(reg(bench, 4), 0);
}

/* ---- The rest ---- */
static void test_cycle_counter(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    set_ppb(bench, 0xe000edfc, 1u << 24);
    set_ppb(bench, 0xe0001004, 1000);
    set_ppb(bench, 0xe0001000, 1);
    uint32_t before = get_ppb(bench, 0xe0001004);
    uint64_t cycles = core_cycles(bench->core);
    run(bench, 5000);
    uint32_t after = get_ppb(bench, 0xe0001004);
    assert_true(before >= 1000 && before < 1100);
    assert_in_range(after - before, 5000, core_cycles(bench->core) - cycles + 4);
}

static void test_nmi_mask(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 2, MOVS(5, 1), BX(LR));
    PROGRAM(bench, CODE, CPSID, B(-4));
    start(bench);
    set_ppb(bench, 0xe0080000, 1u << 7);
    core_set_register(bench->core, 5, 0);
    run(bench, 20);
    pulse(bench, 6);
    run(bench, 50);
    assert_int_equal(reg(bench, 5), 0);
    pulse(bench, 7);
    run(bench, 50);
    assert_int_equal(reg(bench, 5), 1);
}

static void test_protection_is_storage(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    assert_int_equal(get_ppb(bench, 0xe000ed90), 0x800);
    set_ppb(bench, 0xe000ed98, 5);
    set_ppb(bench, 0xe000ed9c, 0x20000001);
    set_ppb(bench, 0xe000ed98, 4);
    set_ppb(bench, 0xe000ed9c, 0x30000001);
    assert_int_equal(get_ppb(bench, 0xe000ed9c), 0x30000001);
    assert_int_equal(get_ppb(bench, 0xe000eda4), 0x20000001); /* RBAR_A1: region 5 */
    assert_int_equal(get_ppb(bench, 0xe000edd4), 8);
}

/* Loads that fill the translation buffer inside an IT block, in a page that the engine has not seen. */
static void test_it_state_survives_new_pages(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, CMP(0, 0), IT(EQ, 4), LDR(1, 2, 0), STR(1, 3, 0), CMP(0, 1), BCC(NE, -2), MOVS(4, 1),
            MOVS(5, 1), B(-4));
    start(bench);
    core_set_register(bench->core, 0, 0);
    core_set_register(bench->core, 2, SRAM + 0x9000);
    core_set_register(bench->core, 3, SRAM + 0xa000);
    core_set_register(bench->core, 4, 0);
    run(bench, 100);
    assert_int_equal(reg(bench, 4), 1);
    assert_int_equal(reg(bench, 5), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_basic_frame_and_return),
        TEST(test_it_state_is_stacked),
        TEST(test_extended_frame),
        TEST(test_fpscr_is_kept),
        TEST(test_nested_fp_contexts),
        TEST(test_process_stack_and_unprivileged),
        TEST(test_basepri),
        TEST(test_faultmask_and_its_end),
        TEST(test_priority_grouping),
        TEST(test_sixteen_levels),
        TEST(test_stir),
        TEST(test_wfi_and_basepri),
        TEST(test_wfe_and_primask),
        TEST(test_wide_hints),
        TEST(test_basepri_of_group_0),
        TEST(test_gpio),
        TEST(test_coprocessor_inside_it_block),
        TEST(test_coprocessor_not_enabled),
        TEST(test_coprocessor_not_there),
        TEST(test_redundancy),
        TEST(test_redundancy_panic),
        TEST(test_cycle_counter),
        TEST(test_nmi_mask),
        TEST(test_protection_is_storage),
        TEST(test_it_state_survives_new_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
