/* Memory protection as DDI 0553 B8 (Cortex-M33: PMSAv8, SAU) and DDI 0419 B3.5 (Cortex-M0+: PMSAv6) have it, with small
 * programs: each tries one access, the handlers tell which exception came of it. */
#include "tests/unit/m33_bench.h"

#define MPU_CTRL 0xe000ed94u
#define MPU_RNR 0xe000ed98u
#define MPU_RBAR 0xe000ed9cu
#define MPU_RLAR 0xe000eda0u /* RASR on the Cortex-M0+ */
#define SAU_CTRL 0xe000edd0u
#define SAU_RNR 0xe000edd8u
#define SAU_RBAR 0xe000eddcu
#define SAU_RLAR 0xe000ede0u
#define SFSR 0xe000ede4u
#define MMFAR 0xe000ed34u
#define SPECIAL_CONTROL 20
#define ENABLE 1u
#define HFNMIENA 2u
#define PRIVDEFENA 4u
#define TRY (CODE + 0x100)
#define AREA (SRAM + 0x6000)
#define RW_PRIVILEGED (0u << 1)
#define RW_ALL (1u << 1)
#define RO_PRIVILEGED (2u << 1)
#define RO_ALL (3u << 1)
#define XN 1u

static __attribute__((unused)) int set_up_m0plus(void **state) {
    return set_up_core(state, CORE_M0PLUS);
}

/* r6 becomes the number of the exception that a program ends in; 0: none. */
static void install(struct bench *bench) {
    for (unsigned exception = 3; exception < 8; exception++) {
        HANDLER(bench, exception, MRS(6, 5), B(-4));
    }
    PROGRAM(bench, TRY + 0, LDR(1, 0, 0), B(-4));
    PROGRAM(bench, TRY + 0x20, STR(1, 0, 0), B(-4));
    PROGRAM(bench, TRY + 0x40, BX(0));
    PROGRAM(bench, TRY + 0x60, STRB(1, 0, 0), B(-4));
    PROGRAM(bench, TRY + 0x80, LDM(0, 0x0c), B(-4));
    PROGRAM(bench, AREA + 0x80, B(-4));
    PROGRAM(bench, AREA + 0xc80, B(-4));
}

enum attempt { LOAD = 0, STORE = 0x20, EXECUTE = 0x40, STORE_BYTE = 0x60, LOAD_TWO = 0x80 };

static unsigned try_access(struct bench *bench, enum attempt what, uint32_t address) {
    core_set_register(bench->core, 0, what == EXECUTE ? address | 1 : address);
    core_set_register(bench->core, 1, 0x5a);
    core_set_register(bench->core, 6, 0);
    core_set_register(bench->core, CORE_PC, TRY + what);
    run(bench, 100);
    return reg(bench, 6);
}

/* Each attempt begins with a core that is in no exception; the MPU's registers are set again by `set`. */
static unsigned attempt(struct bench *bench, void (*set)(struct bench *), enum attempt what, uint32_t address) {
    core_reset(bench->core);
    start(bench);
    if (bench->priority_bits == 4) {
        set_ppb(bench, SHCSR, 15u << 16);
    }
    set(bench);
    return try_access(bench, what, address);
}

static void set_region(struct bench *bench, unsigned number, uint32_t rbar, uint32_t rlar) {
    set_ppb(bench, MPU_RNR, number);
    set_ppb(bench, MPU_RBAR, rbar);
    set_ppb(bench, MPU_RLAR, rlar);
}

/* ---- Cortex-M33 ---- */

#define MEMMANAGE 4
#define DACCVIOL 0x82u /* with MMARVALID */
#define IACCVIOL 1u

/* 4 KB that may be read alone. */
static void read_only_area(struct bench *bench) {
    set_region(bench, 3, AREA | RO_ALL, (AREA + 0xfe0) | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
}

static void test_read_only_region(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, read_only_area, LOAD, AREA + 0x124), 0);
    assert_int_equal(attempt(bench, read_only_area, EXECUTE, AREA + 0x80), 0);
    assert_int_equal(attempt(bench, read_only_area, STORE, AREA - 4), 0);
    assert_int_equal(attempt(bench, read_only_area, STORE, AREA + 0x1000), 0);
    uint32_t before = word(bench, AREA + 0x124);
    assert_int_equal(attempt(bench, read_only_area, STORE, AREA + 0x124), MEMMANAGE);
    assert_int_equal(word(bench, AREA + 0x124), before);
    assert_int_equal(get_ppb(bench, CFSR), DACCVIOL);
    assert_int_equal(get_ppb(bench, MMFAR), AREA + 0x124);
    assert_int_equal(word(bench, reg(bench, SP) + 24), TRY + STORE); /* the return address */
}

/* The same without an enabled MemManage. */
static void test_escalates(void **state) {
    struct bench *bench = *state;
    install(bench);
    start(bench);
    read_only_area(bench);
    assert_int_equal(try_access(bench, STORE, AREA), 3);
    assert_int_equal(get_ppb(bench, HFSR), 1u << 30);
    assert_int_equal(get_ppb(bench, CFSR), DACCVIOL);
}

/* 32 bytes in the middle of a page. */
static void guard(struct bench *bench) {
    set_region(bench, 0, (AREA + 0x240) | RO_PRIVILEGED | XN, (AREA + 0x240) | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
}

static void test_boundaries_within_a_page(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, guard, STORE, AREA + 0x23c), 0);
    assert_int_equal(word(bench, AREA + 0x23c), 0x5a);
    assert_int_equal(attempt(bench, guard, STORE, AREA + 0x260), 0);
    assert_int_equal(word(bench, AREA + 0x260), 0x5a);
    assert_int_equal(attempt(bench, guard, STORE_BYTE, AREA + 0x25f), MEMMANAGE);
    assert_int_equal(get_ppb(bench, MMFAR), AREA + 0x25f);
    assert_int_equal(attempt(bench, guard, STORE, AREA + 0x240), MEMMANAGE);
    assert_int_equal(attempt(bench, guard, LOAD, AREA + 0x240), 0);
    put(bench, AREA + 0x230, (const uint32_t[]){ 0x11223344 }, 4);
    assert_int_equal(attempt(bench, guard, LOAD, AREA + 0x230), 0);
    assert_int_equal(reg(bench, 1), 0x11223344);
}

static void no_execution(struct bench *bench) {
    set_region(bench, 7, AREA | RW_ALL | XN, (AREA + 0xfe0) | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
}

static void test_execute_never(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, no_execution, STORE, AREA + 0x10), 0);
    assert_int_equal(attempt(bench, no_execution, EXECUTE, AREA + 0x80), MEMMANAGE);
    assert_int_equal(get_ppb(bench, CFSR), IACCVIOL);
    assert_int_equal(word(bench, reg(bench, SP) + 24), AREA + 0x80);
}

/* Two regions at one address: neither holds. */
static void overlap(struct bench *bench) {
    set_region(bench, 0, AREA | RW_ALL, (AREA + 0x3e0) | ENABLE);
    set_region(bench, 1, (AREA + 0x200) | RW_ALL, (AREA + 0x7e0) | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
}

static void test_overlapping_regions(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, overlap, LOAD, AREA + 0x100), 0);
    assert_int_equal(attempt(bench, overlap, LOAD, AREA + 0x600), 0);
    assert_int_equal(attempt(bench, overlap, LOAD, AREA + 0x300), MEMMANAGE);
}

/* Without PRIVDEFENA there is what the regions hold and nothing else. */
static void all_but_the_area(struct bench *bench) {
    set_region(bench, 0, SRAM | RW_ALL, (AREA - 0x20) | ENABLE);
    set_region(bench, 1, (AREA + 0x1000) | RW_ALL, (SRAM + 0xffe0) | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE);
}

static void test_no_background_map(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, all_but_the_area, LOAD, AREA + 0x1000), 0);
    assert_int_equal(attempt(bench, all_but_the_area, LOAD, AREA), MEMMANAGE);
    assert_int_equal(attempt(bench, all_but_the_area, LOAD, FLASH), MEMMANAGE);
    assert_int_equal(attempt(bench, all_but_the_area, LOAD, DEVICE), MEMMANAGE);
    assert_int_equal(attempt(bench, all_but_the_area, LOAD, 0xe000ed00u), 0); /* the private bus is always there */
    assert_int_equal(attempt(bench, all_but_the_area, LOAD_TWO, AREA - 4), MEMMANAGE);
    assert_int_equal(get_ppb(bench, MMFAR), AREA);
}

/* Registers are protected as well, to 32 bytes. */
static void device_words(struct bench *bench) {
    set_region(bench, 2, (DEVICE + 0x20) | RO_ALL | XN, (DEVICE + 0x20) | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
}

static void test_registers(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, device_words, LOAD, DEVICE + 0x24), 0);
    assert_int_equal(reg(bench, 1), 0x24);
    assert_int_equal(attempt(bench, device_words, STORE, DEVICE + 0x1c), 0);
    assert_int_equal(attempt(bench, device_words, STORE, DEVICE + 0x24), MEMMANAGE);
    assert_int_equal(get_ppb(bench, MMFAR), DEVICE + 0x24);
}

/* Thread mode without privilege: the background map is not for it. */
static void unprivileged(struct bench *bench) {
    set_region(bench, 0, SRAM | RW_ALL, (AREA - 0x20) | ENABLE);
    set_region(bench, 1, AREA | RW_PRIVILEGED, (AREA + 0xfe0) | ENABLE);
    set_region(bench, 2, (AREA + 0x1000) | RW_ALL, (SRAM + 0xffe0) | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
    PROGRAM(bench, CODE + 0x700, MSR(SPECIAL_CONTROL, 0), ISB_0, ISB_1, B(-4));
    core_set_register(bench->core, 0, 1);
    core_set_register(bench->core, CORE_PC, CODE + 0x700);
    run(bench, 20);
}

static void test_unprivileged(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, unprivileged, STORE, AREA + 0x1000), 0);
    assert_int_equal(attempt(bench, unprivileged, LOAD, AREA), MEMMANAGE);
    assert_int_equal(attempt(bench, unprivileged, LOAD, FLASH), MEMMANAGE);
    assert_int_equal(attempt(bench, unprivileged, EXECUTE, AREA + 0x80), MEMMANAGE);
}

/* HardFault's handler stores to the protected area, as HFNMIENA says. */
static void check_hardfault(struct bench *bench, uint32_t control, bool stores) {
    HANDLER(bench, 3, STR(1, 2, 0), MOVS(7, 1), B(-4));
    start(bench);
    set_region(bench, 3, AREA | RO_ALL, (AREA + 0xfe0) | ENABLE);
    set_ppb(bench, MPU_CTRL, control);
    core_set_register(bench->core, 2, AREA + 0x40);
    core_set_register(bench->core, 7, 0);
    PROGRAM(bench, TRY, UDF);
    core_set_register(bench->core, 1, 0x77);
    core_set_register(bench->core, CORE_PC, TRY);
    run(bench, 100);
    assert_int_equal(core_state(bench->core), stores ? CORE_RUNNING : CORE_LOCKUP);
    assert_int_equal(word(bench, AREA + 0x40) == 0x77, stores);
    assert_int_equal(reg(bench, 7), stores);
}

static void test_off_in_hardfault(void **state) {
    check_hardfault(*state, ENABLE | PRIVDEFENA, true);
}

static void test_on_in_hardfault(void **state) {
    check_hardfault(*state, ENABLE | PRIVDEFENA | HFNMIENA, false);
}

/* The frame of an SVC does not fit: MSTKERR, and the exception that wins. */
static void test_stacking(void **state) {
    struct bench *bench = *state;
    install(bench);
    start(bench);
    set_ppb(bench, SHCSR, 15u << 16);
    read_only_area(bench);
    HANDLER(bench, 4, MRS(6, 5), B(-4));
    PROGRAM(bench, TRY, MOV(SP, 0), SVC(0), B(-4));
    core_set_register(bench->core, 0, AREA + 0x100);
    core_set_register(bench->core, CORE_PC, TRY);
    run(bench, 100);
    assert_int_equal(reg(bench, 6), MEMMANAGE);
    assert_int_equal(get_ppb(bench, CFSR), 1u << 4);
}

/* Nor does it forbid frames once it is off again. */
static void test_stacking_when_off(void **state) {
    struct bench *bench = *state;
    install(bench);
    start(bench);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
    assert_int_equal(try_access(bench, LOAD, AREA), 0);
    set_ppb(bench, MPU_CTRL, 0);
    HANDLER(bench, 11, MRS(6, 5), B(-4));
    PROGRAM(bench, TRY, MOV(SP, 0), SVC(0), B(-4));
    core_set_register(bench->core, 0, AREA + 0x100);
    core_set_register(bench->core, CORE_PC, TRY);
    run(bench, 100);
    assert_int_equal(reg(bench, 6), 11);
    assert_int_equal(reg(bench, SP), AREA + 0x100 - 32);
}

/* What is switched off, or moved, holds no longer. */
static void test_changes_take_effect(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, read_only_area, LOAD, AREA), 0);
    set_region(bench, 3, (AREA + 0x1000) | RO_ALL, (AREA + 0x1fe0) | ENABLE);
    assert_int_equal(try_access(bench, STORE, AREA), 0);
    set_ppb(bench, MPU_CTRL, 0);
    assert_int_equal(try_access(bench, STORE, AREA + 0x1000), 0);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
    assert_int_equal(try_access(bench, STORE, AREA + 0x1000), MEMMANAGE);
    assert_int_equal(bench->log.count[LOG_STUB], 0);
}

/* Secure code must not run on into Non-secure memory, whose data it may use. */
static void non_secure_area(struct bench *bench) {
    set_ppb(bench, SAU_RNR, 0);
    set_ppb(bench, SAU_RBAR, AREA);
    set_ppb(bench, SAU_RLAR, (AREA + 0xbe0) | ENABLE);
    set_ppb(bench, SAU_RNR, 1);
    set_ppb(bench, SAU_RBAR, AREA + 0xc00);
    set_ppb(bench, SAU_RLAR, (AREA + 0xfe0) | 2 | ENABLE); /* NSC */
    set_ppb(bench, SAU_CTRL, ENABLE);
}

static void test_sau(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, non_secure_area, STORE, AREA + 0x80), 0);
    install(bench);
    assert_int_equal(attempt(bench, non_secure_area, EXECUTE, AREA + 0xc80), 0);
    assert_int_equal(attempt(bench, non_secure_area, EXECUTE, AREA + 0x80), 7);
    assert_int_equal(get_ppb(bench, SFSR), 1u << 4); /* INVTRAN */
    set_ppb(bench, SFSR, 1u << 4);
    assert_int_equal(get_ppb(bench, SFSR), 0);
}

/* ---- Cortex-M0+ ---- */

#define SIZE(bits) (((uint32_t)(bits)-1) << 1)
#define AP(n) ((uint32_t)(n) << 24)
#define SRD(parts) ((uint32_t)(parts) << 8)
#define NEVER_EXECUTED (1u << 28)

/* The guard of pico-sdk's stacks: 32 of 256 bytes, nothing allowed. */
static void stack_guard(struct bench *bench) {
    set_ppb(bench, MPU_CTRL, 0);
    set_ppb(bench, MPU_RBAR, AREA | 0x10); /* VALID, region 0 */
    set_ppb(bench, MPU_RLAR, SRD(0xff ^ 1 << 2) | SIZE(8) | NEVER_EXECUTED | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
}

static void test_m0plus_stack_guard(void **state) {
    struct bench *bench = *state;
    install(bench);
    for (unsigned part = 0; part < 8; part++) {
        assert_int_equal(attempt(bench, stack_guard, STORE, AREA + 32 * part), part == 2 ? 3 : 0);
        assert_int_equal(attempt(bench, stack_guard, LOAD, AREA + 32 * part + 28), part == 2 ? 3 : 0);
    }
    assert_int_equal(attempt(bench, stack_guard, STORE, AREA + 0x140), 0);
    assert_int_equal(word(bench, AREA + 0x140), 0x5a);
}

/* The highest region number decides; AP of the manual's table. */
static void nested(struct bench *bench) {
    set_ppb(bench, MPU_RBAR, AREA | 0x10 | 2);
    set_ppb(bench, MPU_RLAR, AP(0) | SIZE(12) | ENABLE);
    set_ppb(bench, MPU_RBAR, (AREA + 0x400) | 0x10 | 5);
    set_ppb(bench, MPU_RLAR, AP(5) | SIZE(10) | ENABLE); /* read-only */
    set_ppb(bench, MPU_RBAR, (AREA + 0x800) | 0x10 | 6);
    set_ppb(bench, MPU_RLAR, AP(3) | SIZE(11) | NEVER_EXECUTED | ENABLE);
    set_ppb(bench, MPU_CTRL, ENABLE | PRIVDEFENA);
}

static void test_m0plus_nested_regions(void **state) {
    struct bench *bench = *state;
    install(bench);
    assert_int_equal(attempt(bench, nested, LOAD, AREA), 3);
    assert_int_equal(attempt(bench, nested, LOAD, AREA + 0x400), 0);
    assert_int_equal(attempt(bench, nested, STORE, AREA + 0x400), 3);
    assert_int_equal(attempt(bench, nested, STORE, AREA + 0x804), 0);
    assert_int_equal(attempt(bench, nested, EXECUTE, AREA + 0xc80), 3);
    assert_int_equal(attempt(bench, nested, STORE, AREA + 0x1000), 0);
}

/* RBAR reads with the number of its region, VALID as 0. */
static void test_m0plus_registers(void **state) {
    struct bench *bench = *state;
    start(bench);
    nested(bench);
    PROGRAM(bench, TRY, LDR(1, 0, 0), B(-4));
    set_ppb(bench, MPU_RNR, 5);
    try_access(bench, LOAD, MPU_RBAR);
    assert_int_equal(reg(bench, 1), (AREA + 0x400) | 5);
    try_access(bench, LOAD, 0xe000ed90u);
    assert_int_equal(reg(bench, 1), 0x800);
}

#define TEST_M0PLUS(name) cmocka_unit_test_setup_teardown(name, set_up_m0plus, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_read_only_region),
        TEST(test_escalates),
        TEST(test_boundaries_within_a_page),
        TEST(test_execute_never),
        TEST(test_overlapping_regions),
        TEST(test_no_background_map),
        TEST(test_registers),
        TEST(test_unprivileged),
        TEST(test_off_in_hardfault),
        TEST(test_on_in_hardfault),
        TEST(test_stacking),
        TEST(test_stacking_when_off),
        TEST(test_changes_take_effect),
        TEST(test_sau),
        TEST_M0PLUS(test_stacking_when_off),
        TEST_M0PLUS(test_m0plus_stack_guard),
        TEST_M0PLUS(test_m0plus_nested_regions),
        TEST_M0PLUS(test_m0plus_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
