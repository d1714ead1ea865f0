/* Exceptions of Armv8-M Mainline in Secure state, as the Architecture Reference Manual (DDI 0553) B3 defines them,
 * with small programs on a Cortex-M33. */
#include "tests/unit/core_bench.h"

static int set_up(void **state) {
    return set_up_core(state, CORE_M33);
}

/* Thumb-2 instructions, two halfwords each. */
#define MSR(special, n) MSR_0(n), MSR_1(special)
#define MRS(d, special) MRS_0, MRS_1(d, special)
#define SPECIAL_XPSR 3
#define SPECIAL_MSPLIM 10
#define SPECIAL_PSPLIM 11
#define SPECIAL_BASEPRI 17
#define SPECIAL_FAULTMASK 19
#define IT(cond, mask) (0xbf00 | (cond) << 4 | (mask))
#define VMOV_S_R(s, r) (0xee00 | (s) / 2), ((r) << 12 | 0x0a10 | ((s)&1) << 7)
#define VMOV_R_S(r, s) (0xee10 | (s) / 2), ((r) << 12 | 0x0a10 | ((s)&1) << 7)
#define VMSR(r) 0xeee1, ((r) << 12 | 0x0a10)
#define CFSR 0xe000ed28u
#define HFSR 0xe000ed2cu
#define BFAR 0xe000ed38u
#define SHCSR 0xe000ed24u
#define CPACR 0xe000ed88u
#define SHPR1 0xe000ed18u
#define SHPR3 0xe000ed20u

static void pulse(struct bench *bench, unsigned irq) {
    core_set_irq(bench->core, irq, true);
    core_set_irq(bench->core, irq, false);
}

/* A register of the system control space, as the core loads it. */
static uint32_t get_ppb(struct bench *bench, uint32_t address) {
    uint32_t kept[3] = { reg(bench, 0), reg(bench, 1), reg(bench, CORE_PC) };
    PROGRAM(bench, CODE + 0x900, LDR(1, 0, 0), B(-4));
    core_code_changed(bench->core, CODE + 0x900, 4);
    core_set_register(bench->core, 0, address);
    core_set_register(bench->core, CORE_PC, CODE + 0x900);
    run(bench, 1);
    uint32_t value = reg(bench, 1);
    core_set_register(bench->core, 0, kept[0]);
    core_set_register(bench->core, 1, kept[1]);
    core_set_register(bench->core, CORE_PC, kept[2]);
    return value;
}

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

/* ---- Faults ---- */
#define FAULT_HANDLER MOV(0, SP), LDR(5, 0, 24), MRS(6, 5), B(-4)

static void install_fault_handlers(struct bench *bench) {
    for (unsigned exception = 3; exception < 7; exception++) {
        HANDLER(bench, exception, FAULT_HANDLER);
    }
}

static void check_fault(struct bench *bench, unsigned exception, uint32_t pc, uint32_t cfsr) {
    install_fault_handlers(bench);
    run(bench, 200);
    assert_int_equal(core_state(bench->core), CORE_RUNNING);
    assert_int_equal(reg(bench, 6), exception);
    assert_int_equal(reg(bench, 5), pc);
    assert_int_equal(get_ppb(bench, CFSR), cfsr);
    assert_int_equal(get_ppb(bench, HFSR), exception == 3 ? 1u << 30 : 0);
}

static void enable_faults(struct bench *bench) {
    start(bench);
    set_ppb(bench, SHCSR, 7 << 16);
}

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

static void test_semihosting_breakpoint(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, BKPT(0xab));
    start(bench);
    install_fault_handlers(bench);
    run(bench, 100);
    assert_int_equal(reg(bench, 6), 3);
    assert_int_equal(reg(bench, 5), CODE + 2);
    assert_int_equal(get_ppb(bench, HFSR), 1u << 31);
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

static void test_breakpoint(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, BKPT(1));
    start(bench);
    install_fault_handlers(bench);
    run(bench, 100);
    assert_int_equal(reg(bench, 6), 3);
    assert_int_equal(reg(bench, 5), CODE + 2);
    assert_int_equal(get_ppb(bench, HFSR), 1u << 31);
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
        TEST(test_basepri_of_group_0),
        TEST(test_fault_at_fault_priority_escalates),
        TEST(test_lock_up),
        TEST(test_breakpoint),
        TEST(test_stack_limit_of_push),
        TEST(test_stack_limit_on_entry),
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
