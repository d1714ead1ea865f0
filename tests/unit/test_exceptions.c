/* Exceptions of Armv6-M, as the Architecture Reference Manual (DDI 0419) B1.5 defines them, with small programs. */
#include "tests/unit/core_bench.h"

static int set_up(void **state) {
    return set_up_core(state, CORE_M0PLUS);
}

/* ---- Tests ---- */
static void test_program_runs(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(0, 7), ADDS(0, 5), MOV(4, 0), B(-4));
    start(bench);
    run(bench, 100);
    assert_int_equal(reg(bench, 4), 12);
    assert_int_equal(reg(bench, CORE_PC), CODE + 6);
    assert_true(core_cycles(bench->core) >= 100 && core_cycles(bench->core) < 103);
}

static void test_interrupt_frame_and_return(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, ADDS(5, 1), B(-6));
    HANDLER(bench, 16 + 3, MOV(6, LR), MOV(7, SP), MRS_0, MRS_1(4, 5), BX(LR));
    start(bench);
    enable_irq(bench, 3, 1);
    for (unsigned i = 0; i < 13; i++) {
        core_set_register(bench->core, i, 0x1000 + i);
    }
    core_set_irq(bench->core, 3, true);
    core_set_irq(bench->core, 3, false);
    run(bench, 16); /* entry is 15: the handler's first block */
    run(bench, 1);
    assert_int_equal(reg(bench, 6), 0xfffffff9);
    assert_int_equal(reg(bench, 7), STACK - 32);
    assert_int_equal(reg(bench, 4), 16 + 3); /* IPSR */
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(word(bench, STACK - 32 + 4 * i), 0x1000 + i);
    }
    assert_int_equal(word(bench, STACK - 32 + 16), 0x100c);
    assert_int_equal(word(bench, STACK - 32 + 24), CODE);
    assert_int_equal(word(bench, STACK - 32 + 28), 0x01000000);
    run(bench, 50);
    assert_int_equal(reg(bench, CORE_SP), STACK);
    assert_int_equal(reg(bench, CORE_XPSR) & 0x3f, 0);
    assert_int_equal(reg(bench, 0), 0x1000);
    assert_true(reg(bench, 5) > 0x1005);
}

/* A handler returns into "handler mode" by a frame that says an exception which this core does not have, and from there
 * once more: what becomes of the program is its own business. */
static void test_frames_may_say_any_exception(void **state) {
    struct bench *bench = *state;
    static const uint32_t frame[8] = { 0, 0, 0, 0, 0, 0xfffffff9, CODE + 0x100, 0x010000ff };
    PROGRAM(bench, CODE, B(-4));
    PROGRAM(bench, CODE + 0x100, BX(LR));
    HANDLER(bench, 16, MOVS(0, 0), SUBS(0, 15), BX(0)); /* to 0xfffffff1 */
    start(bench);
    enable_irq(bench, 0, 0);
    core_set_irq(bench->core, 0, true);
    core_set_irq(bench->core, 0, false);
    run(bench, 16); /* entry is 15 */
    memcpy(bench->sram + (STACK - 32 - SRAM), frame, sizeof(frame));
    uint64_t before = core_cycles(bench->core);
    run(bench, 200);
    assert_true(core_cycles(bench->core) >= before + 200);
}

static void test_unaligned_stack_is_aligned(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, B(-4));
    HANDLER(bench, 16, MOV(7, SP), BX(LR));
    core_start(bench->core, STACK - 4, CODE, VECTORS);
    enable_irq(bench, 0, 0);
    core_set_irq(bench->core, 0, true);
    core_set_irq(bench->core, 0, false);
    run(bench, 60);
    assert_int_equal(reg(bench, 7), STACK - 8 - 32);
    assert_int_equal(word(bench, STACK - 8 - 4) & 0x200, 0x200);
    assert_int_equal(reg(bench, CORE_SP), STACK - 4);
}

static void test_nesting_and_priority_order(void **state) {
    struct bench *bench = *state;
    /* Each handler appends its exception number to a list at r8. IRQ 1 (priority 2) pends IRQ 2 (priority 1),
     * which preempts, and IRQ 3 (priority 3), which waits. */
    const uint16_t note[] = { MRS_0, MRS_1(0, 5), MOV(1, 8), STRB(0, 1, 0), ADDS(1, 1), MOV(8, 1) };
    HANDLER(bench, 17, MRS_0, MRS_1(0, 5), MOV(1, 8), STRB(0, 1, 0), ADDS(1, 1), MOV(8, 1), MOVS(2, 12), STR(2, 4, 0),
            ISB_0, ISB_1, MOV(1, 8), MOVS(0, 99), STRB(0, 1, 0), ADDS(1, 1), MOV(8, 1), BX(LR));
    for (unsigned exception = 18; exception < 20; exception++) {
        put(bench, HANDLERS + 64 * exception, note, sizeof(note));
        PROGRAM(bench, HANDLERS + 64 * exception + sizeof(note), BX(LR));
    }
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    enable_irq(bench, 1, 2);
    set_ppb(bench, 0xe000e400, 3u << 30 | 1u << 22 | 2u << 14);
    set_ppb(bench, 0xe000e100, 0xe);
    core_set_register(bench->core, 4, 0xe000e200); /* ISPR */
    core_set_register(bench->core, 8, LOG);
    core_set_irq(bench->core, 1, true);
    core_set_irq(bench->core, 1, false);
    run(bench, 300);
    static const uint8_t expected[] = { 17, 18, 99, 19 };
    assert_memory_equal(bench->sram + (LOG - SRAM), expected, sizeof(expected));
    assert_int_equal(reg(bench, 8), LOG + 4);
    assert_int_equal(reg(bench, CORE_SP), STACK);
}

static void test_equal_priority_lower_number_first_and_tail_chain(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16 + 4, ADDS(4, 1), MOV(6, SP), MOV(5, 4), BX(LR));
    HANDLER(bench, 16 + 5, ADDS(4, 1), MOV(7, SP), BX(LR));
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    enable_irq(bench, 4, 0);
    enable_irq(bench, 5, 0);
    core_set_register(bench->core, 4, 0);
    core_set_irq(bench->core, 5, true);
    core_set_irq(bench->core, 4, true);
    core_set_irq(bench->core, 5, false);
    core_set_irq(bench->core, 4, false);
    run(bench, 150);
    assert_int_equal(reg(bench, 5), 1); /* IRQ 4 was the first */
    assert_int_equal(reg(bench, 4), 2);
    assert_int_equal(reg(bench, 6), STACK - 32);
    assert_int_equal(reg(bench, 7), STACK - 32);
}

static void test_level_stays_pending(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, ADDS(4, 1), BX(LR));
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    enable_irq(bench, 0, 0);
    core_set_register(bench->core, 4, 0);
    core_set_irq(bench->core, 0, true);
    run(bench, 200);
    uint32_t count = reg(bench, 4);
    assert_true(count > 5);
    core_set_irq(bench->core, 0, false);
    run(bench, 100);
    assert_in_range(reg(bench, 4), count, count + 1);
}

static void test_primask_masks(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, MOVS(4, 1), MOV(6, 5), BX(LR));
    PROGRAM(bench, CODE, CPSID, MOVS(5, 100), SUBS(5, 1), BCC(NE, -6), CPSIE, MOVS(5, 77), B(-4));
    start(bench);
    enable_irq(bench, 0, 0);
    core_set_register(bench->core, 4, 0);
    run(bench, 50);
    core_set_irq(bench->core, 0, true);
    core_set_irq(bench->core, 0, false);
    run(bench, 100);
    assert_int_equal(reg(bench, 4), 0);
    run(bench, 500);
    assert_int_equal(reg(bench, 4), 1);
    assert_int_equal(reg(bench, 6), 0); /* right behind CPSIE */
}

static void test_wfi_wakes_with_primask(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, MOVS(4, 1), BX(LR));
    PROGRAM(bench, CODE, CPSID, WFI, MOV(6, 4), CPSIE, NOP, B(-4));
    start(bench);
    enable_irq(bench, 0, 0);
    core_set_register(bench->core, 4, 0);
    run(bench, 50);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    assert_false(core_wake(bench->core));
    core_set_irq(bench->core, 0, true);
    assert_true(core_wake(bench->core));
    core_set_irq(bench->core, 0, false);
    run(bench, 100);
    assert_int_equal(reg(bench, 6), 0);
    assert_int_equal(reg(bench, 4), 1);
}

static void test_wfe_and_events(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, SEV, WFE, MOVS(4, 1), WFE, MOVS(4, 2), WFE, MOVS(4, 3), B(-4));
    start(bench);
    core_set_register(bench->core, 4, 0);
    run(bench, 50);
    assert_int_equal(core_state(bench->core), CORE_WFE);
    assert_int_equal(reg(bench, 4), 1); /* the own SEV let the first one pass */
    core_event(bench->core);
    assert_true(core_wake(bench->core));
    run(bench, 50);
    assert_int_equal(reg(bench, 4), 2);
    assert_int_equal(core_state(bench->core), CORE_WFE);
    /* SEVONPEND: a pending interrupt that is not even enabled wakes. */
    core_set_irq(bench->core, 7, true);
    assert_false(core_wake(bench->core));
}

static void test_sevonpend(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, WFE, MOVS(4, 3), B(-4));
    start(bench);
    set_ppb(bench, 0xe000ed10, 0x10);
    core_set_register(bench->core, 4, 0);
    run(bench, 50);
    assert_int_equal(core_state(bench->core), CORE_WFE);
    core_set_irq(bench->core, 7, true);
    assert_true(core_wake(bench->core));
    run(bench, 50);
    assert_int_equal(reg(bench, 4), 3);
}

static void test_svc(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, HANDLERS + 64 * 11, MOV(0, SP), LDR(5, 0, 24), BX(LR));
    PROGRAM(bench, CODE, MOVS(0, 9), SVC(42), MOV(6, 0), B(-4));
    start(bench);
    run(bench, 100);
    assert_int_equal(reg(bench, 5), CODE + 4);
    assert_int_equal(reg(bench, 6), 9);
}

static void test_svc_escalates(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 3, MOV(0, SP), LDR(5, 0, 24), B(-4));
    PROGRAM(bench, CODE, CPSID, SVC(1), B(-4));
    start(bench);
    run(bench, 100);
    assert_int_equal(reg(bench, 5), CODE + 2);
    assert_int_equal(reg(bench, CORE_XPSR) & 0x3f, 3);
}

static void test_process_stack(void **state) {
    struct bench *bench = *state;
    /* PSP in r4; CONTROL.SPSEL = 1; SVC; handler on MSP. */
    HANDLER(bench, 11, MOV(6, SP), MOV(7, LR), MRS_0, MRS_1(5, SPECIAL_CONTROL), BX(LR));
    PROGRAM(bench, CODE, MSR_0(4), MSR_1(SPECIAL_PSP), MOVS(0, 2), MSR_0(0), MSR_1(SPECIAL_CONTROL), ISB_0, ISB_1,
            PUSH(1, 0), SVC(0), MOV(8, SP), B(-4));
    start(bench);
    core_set_register(bench->core, 4, SRAM + 0x6000);
    run(bench, 150);
    assert_int_equal(reg(bench, 6), STACK);
    assert_int_equal(reg(bench, 7), 0xfffffffd);
    assert_int_equal(reg(bench, 5), 0);
    assert_int_equal(reg(bench, 8), SRAM + 0x6000 - 4);
    assert_int_equal(reg(bench, CORE_CONTROL), 2);
    assert_int_equal(reg(bench, CORE_MSP), STACK);
    assert_int_equal(word(bench, SRAM + 0x6000 - 8 - 32 + 24), CODE + 18); /* frame on the process stack */
}

static void test_pendsv_runs_after_interrupt(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, MOVS(0, 1), LSLS(0, 0, 28), STR(0, 4, 4), ISB_0, ISB_1, MOVS(6, 1), MOV(7, 5), BX(LR));
    HANDLER(bench, 14, MOV(5, 6), BX(LR));
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    enable_irq(bench, 0, 0);
    core_set_register(bench->core, 4, 0xe000ed00);
    core_set_register(bench->core, 5, 0);
    core_set_register(bench->core, 6, 0);
    set_ppb(bench, 0xe000ed20, 0xc0u << 16);
    core_set_irq(bench->core, 0, true);
    core_set_irq(bench->core, 0, false);
    run(bench, 200);
    assert_int_equal(reg(bench, 7), 0); /* PendSV not yet while the interrupt ran */
    assert_int_equal(reg(bench, 5), 1);
}

/* A HardFault handler that keeps the stacked pc in r5 and stays. */
#define FAULT_HANDLER MOV(0, SP), LDR(5, 0, 24), MOVS(6, 1), B(-4)

static void check_fault_at(struct bench *bench, uint32_t pc) {
    HANDLER(bench, 3, FAULT_HANDLER);
    run(bench, 200);
    assert_int_equal(reg(bench, 5), pc);
    assert_int_equal(reg(bench, CORE_XPSR) & 0x3f, 3);
}

static void test_fault_undefined(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), UDF, MOVS(1, 2));
    start(bench);
    check_fault_at(bench, CODE + 2);
    assert_int_equal(word(bench, STACK - 32 + 4), 1);
}

static void test_fault_undefined_behind_wfe(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, SEV, WFE, UDF);
    start(bench);
    check_fault_at(bench, CODE + 4);
}

static void test_fault_bad_load(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), MOVS(0, 0x70), LSLS(0, 0, 24), LDR(1, 0, 0), MOVS(1, 2));
    start(bench);
    check_fault_at(bench, CODE + 6);
    assert_int_equal(word(bench, STACK - 32 + 4), 1);
}

static void test_fault_bad_store(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), MOVS(0, 0x70), LSLS(0, 0, 24), STR(1, 0, 0), MOVS(1, 2));
    start(bench);
    check_fault_at(bench, CODE + 6);
    assert_int_equal(word(bench, STACK - 32 + 4), 1);
}

static void test_fault_unaligned(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), MOV(0, SP), SUBS(0, 6), LDR(1, 0, 0), MOVS(1, 2));
    start(bench);
    check_fault_at(bench, CODE + 6);
}

static void test_fault_unaligned_ldm(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(1, 1), MOV(0, SP), SUBS(0, 6), LDM(0, 6), MOVS(1, 2));
    start(bench);
    check_fault_at(bench, CODE + 6);
}

static void test_fault_bad_fetch(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(0, 0x70), LSLS(0, 0, 24), ADDS(0, 1), BX(0));
    start(bench);
    check_fault_at(bench, 0x70000000);
}

static void test_fault_bkpt(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, NOP, BKPT(3));
    start(bench);
    check_fault_at(bench, CODE + 2);
}

static void test_fault_exc_return_in_thread_mode(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, MOVS(0, 0), SUBS(0, 7), BX(0));
    start(bench);
    check_fault_at(bench, 0xfffffff8);
}

static void test_fault_in_fault_locks_up(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 3, UDF);
    PROGRAM(bench, CODE, UDF);
    start(bench);
    run(bench, 100);
    assert_int_equal(core_state(bench->core), CORE_LOCKUP);
    core_reset(bench->core);
    assert_int_equal(core_state(bench->core), CORE_HELD);
}

static void test_store_to_rom_is_lost(void **state) {
    struct bench *bench = *state;
    bench->rom[0] = 0x5a;
    bench->flash[4] = 0xa5;
    PROGRAM(bench, CODE, MOVS(0, 0), STR(0, 0, 0), MOVS(1, 16), LSLS(1, 1, 24), STR(0, 1, 4), MOVS(4, 1), B(-4));
    start(bench);
    run(bench, 100);
    assert_int_equal(reg(bench, 4), 1);
    assert_int_equal(bench->rom[0], 0x5a);
    assert_int_equal(bench->flash[4], 0xa5);
}

static void test_nmi_preempts_masked_code(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 2, ADDS(4, 1), BX(LR));
    PROGRAM(bench, CODE, CPSID, B(-4));
    start(bench);
    core_set_register(bench->core, 4, 0);
    run(bench, 20);
    core_set_nmi(bench->core, true);
    core_set_nmi(bench->core, false);
    run(bench, 100);
    assert_int_equal(reg(bench, 4), 1);
}

static void test_systick_period(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 15, ADDS(4, 1), BX(LR));
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    set_ppb(bench, 0xe000e014, 999);
    set_ppb(bench, 0xe000e018, 0);
    core_set_register(bench->core, 4, 0);
    set_ppb(bench, 0xe000e010, 7);
    run(bench, 100500);
    assert_int_equal(reg(bench, 4), 100);
    PROGRAM(bench, CODE + 0x40, WFI, B(-6));
    core_set_register(bench->core, CORE_PC, CODE + 0x40);
    run(bench, 400);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    core_skip_to(bench->core, core_alarm(bench->core));
    assert_true(core_wake(bench->core));
    run(bench, 100);
    assert_int_equal(reg(bench, 4), 101);
}

static void test_sleep_on_exit(void **state) {
    struct bench *bench = *state;
    HANDLER(bench, 16, ADDS(4, 1), BX(LR));
    PROGRAM(bench, CODE, ADDS(5, 1), B(-6));
    start(bench);
    enable_irq(bench, 0, 0);
    set_ppb(bench, 0xe000ed10, 2);
    core_set_register(bench->core, 4, 0);
    core_set_irq(bench->core, 0, true);
    core_set_irq(bench->core, 0, false);
    run(bench, 100);
    assert_int_equal(core_state(bench->core), CORE_WFI);
    assert_int_equal(reg(bench, 4), 1);
}

static void test_system_reset_request(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    set_ppb(bench, 0xe000ed0c, 0x00000004); /* no key */
    assert_int_equal(bench->resets, 0);
    set_ppb(bench, 0xe000ed0c, 0x05fa0004);
    assert_int_equal(bench->resets, 1);
}

static void test_rom_service_and_stall(void **state) {
    struct bench *bench = *state;
    put(bench, 0x100, (uint16_t[]){ SVC(1), BX(LR), SVC(2), BX(LR) }, 8);
    HANDLER(bench, 16, MOVS(6, 1), BX(LR));
    PROGRAM(bench, CODE, MOVS(0, 3), MOVS(1, 4), MOVS(2, 0xff), ADDS(2, 2), BLX(2), MOV(4, 0), ADDS(2, 4), BLX(2),
            MOV(5, 0), B(-4));
    start(bench);
    enable_irq(bench, 0, 0);
    core_set_register(bench->core, 6, 0);
    uint64_t began = core_cycles(bench->core);
    run(bench, 1000);
    assert_int_equal(bench->services, 2);
    assert_int_equal(reg(bench, 4), 7);
    assert_int_equal(core_cycles(bench->core), began + 1000); /* the second one takes a million cycles */
    core_set_irq(bench->core, 0, true);
    core_set_irq(bench->core, 0, false);
    run(bench, 1000);
    assert_int_equal(reg(bench, 6), 0);
    run(bench, 1000000);
    assert_int_equal(reg(bench, 5), 11);
    assert_int_equal(reg(bench, 6), 1);
}

static void test_self_modifying_code(void **state) {
    struct bench *bench = *state;
    /* Runs a subroutine, changes its first instruction from MOVS r4,#1 to MOVS r4,#2, runs it again. */
    PROGRAM(bench, CODE + 0x100, MOVS(4, 1), BX(LR));
    PROGRAM(bench, CODE, BLX(6), MOV(5, 4), STRB(7, 3, 0), BLX(6), B(-4));
    start(bench);
    core_set_register(bench->core, 6, CODE + 0x101);
    core_set_register(bench->core, 3, CODE + 0x100);
    core_set_register(bench->core, 7, 2);
    run(bench, 100);
    assert_int_equal(reg(bench, 5), 1);
    assert_int_equal(reg(bench, 4), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_program_runs),
        TEST(test_interrupt_frame_and_return),
        TEST(test_frames_may_say_any_exception),
        TEST(test_unaligned_stack_is_aligned),
        TEST(test_nesting_and_priority_order),
        TEST(test_equal_priority_lower_number_first_and_tail_chain),
        TEST(test_level_stays_pending),
        TEST(test_primask_masks),
        TEST(test_wfi_wakes_with_primask),
        TEST(test_wfe_and_events),
        TEST(test_sevonpend),
        TEST(test_svc),
        TEST(test_svc_escalates),
        TEST(test_process_stack),
        TEST(test_pendsv_runs_after_interrupt),
        TEST(test_fault_undefined),
        TEST(test_fault_undefined_behind_wfe),
        TEST(test_fault_bad_load),
        TEST(test_fault_bad_store),
        TEST(test_fault_unaligned),
        TEST(test_fault_unaligned_ldm),
        TEST(test_fault_bad_fetch),
        TEST(test_fault_bkpt),
        TEST(test_fault_exc_return_in_thread_mode),
        TEST(test_fault_in_fault_locks_up),
        TEST(test_store_to_rom_is_lost),
        TEST(test_nmi_preempts_masked_code),
        TEST(test_systick_period),
        TEST(test_sleep_on_exit),
        TEST(test_system_reset_request),
        TEST(test_rom_service_and_stall),
        TEST(test_self_modifying_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
