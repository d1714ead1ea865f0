/* A Cortex-M33 on the bench, with what its programs and fault handlers are made of. */
#ifndef TESTS_M33_BENCH_H
#define TESTS_M33_BENCH_H

#include "tests/unit/core_bench.h"

static __attribute__((unused)) int set_up(void **state) {
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

static __attribute__((unused)) void pulse(struct bench *bench, unsigned irq) {
    core_set_irq(bench->core, irq, true);
    core_set_irq(bench->core, irq, false);
}

/* A register of the system control space, as the core loads it. */
static __attribute__((unused)) uint32_t get_ppb(struct bench *bench, uint32_t address) {
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

#define FAULT_HANDLER MOV(0, SP), LDR(5, 0, 24), MRS(6, 5), B(-4)

static __attribute__((unused)) void install_fault_handlers(struct bench *bench) {
    for (unsigned exception = 3; exception < 7; exception++) {
        HANDLER(bench, exception, FAULT_HANDLER);
    }
}

static __attribute__((unused)) void check_fault(struct bench *bench, unsigned exception, uint32_t pc, uint32_t cfsr) {
    install_fault_handlers(bench);
    run(bench, 200);
    assert_int_equal(core_state(bench->core), CORE_RUNNING);
    assert_int_equal(reg(bench, 6), exception);
    assert_int_equal(reg(bench, 5), pc);
    assert_int_equal(get_ppb(bench, CFSR), cfsr);
    assert_int_equal(get_ppb(bench, HFSR), exception == 3 ? 1u << 30 : 0);
}

static __attribute__((unused)) void enable_faults(struct bench *bench) {
    start(bench);
    set_ppb(bench, SHCSR, 7 << 16);
}

#endif
