/* Coprocessors 0 and 7 of the RP2350: every instruction of datasheet 3.6.1 (GPIO), and the rules of 3.6.3
 * (redundancy). */
#include "tests/unit/core_bench.h"

#include "emulator/cpu/rcp.h"

static int set_up(void **state) {
    return set_up_core(state, CORE_M33);
}

/* ---- GPIO ---- */
#define OLD UINT64_C(0x0000f0f00ff000ff)
#define RT 0x00ff00f5u /* as a pin number: 0xf5 & 63 = 53, so pins are given another value */
#define RT2 0x0000a5a5u
#define BOTH ((uint64_t)RT2 << 32 | RT)
#define HIGH(x) ((uint64_t)(x) << 32)
#define LOW_OF(x) ((x)&0xffffffffu)
#define HIGH_OF(x) ((x) & ~UINT64_C(0xffffffff))

struct gpio_case {
    const char *name;
    uint16_t code[2];
    uint32_t rt, rt2;
    uint64_t expected; /* of the register that it writes; OLD before */
};

/* The instructions for OUT: those for OE have CRm + 4. */
static const struct gpio_case writes[] = {
    { "lo_put", { MCR(0, 0, 0, 0, 0, 0) }, RT, RT2, HIGH_OF(OLD) | RT },
    { "lo_xor", { MCR(0, 1, 0, 0, 0, 0) }, RT, RT2, OLD ^ RT },
    { "lo_set", { MCR(0, 2, 0, 0, 0, 0) }, RT, RT2, OLD | RT },
    { "lo_clr", { MCR(0, 3, 0, 0, 0, 0) }, RT, RT2, OLD & ~(uint64_t)RT },
    { "hi_put", { MCR(0, 0, 0, 0, 1, 0) }, RT2, RT, LOW_OF(OLD) | HIGH(RT2) },
    { "hi_xor", { MCR(0, 1, 0, 0, 1, 0) }, RT2, RT, OLD ^ HIGH(RT2) },
    { "hi_set", { MCR(0, 2, 0, 0, 1, 0) }, RT2, RT, OLD | HIGH(RT2) },
    { "hi_clr", { MCR(0, 3, 0, 0, 1, 0) }, RT2, RT, OLD & ~HIGH(RT2) },
    { "hilo_put", { MCRR(0, 0, 0, 1, 0) }, RT, RT2, BOTH },
    { "hilo_xor", { MCRR(0, 1, 0, 1, 0) }, RT, RT2, OLD ^ BOTH },
    { "hilo_set", { MCRR(0, 2, 0, 1, 0) }, RT, RT2, OLD | BOTH },
    { "hilo_clr", { MCRR(0, 3, 0, 1, 0) }, RT, RT2, OLD & ~BOTH },
    { "bit_put 1", { MCRR(0, 4, 0, 1, 0) }, 40, 1, OLD | HIGH(1u << 8) },
    { "bit_put 0", { MCRR(0, 4, 0, 1, 0) }, 4, 2, OLD & ~UINT64_C(0x10) },
    { "bit_xor", { MCR(0, 5, 0, 0, 0, 0) }, 47, 0, OLD ^ HIGH(1u << 15) },
    { "bit_set", { MCR(0, 6, 0, 0, 0, 0) }, 31, 0, OLD | 0x80000000u },
    { "bit_clr", { MCR(0, 7, 0, 0, 0, 0) }, 0, 0, OLD & ~UINT64_C(1) },
    { "bit_xor2 0", { MCRR(0, 5, 0, 1, 0) }, 7, 0, OLD },
    { "bit_xor2 1", { MCRR(0, 5, 0, 1, 0) }, 7, 3, OLD ^ 0x80 },
    { "bit_set2 0", { MCRR(0, 6, 0, 1, 0) }, 8, 0, OLD },
    { "bit_set2 1", { MCRR(0, 6, 0, 1, 0) }, 8, 1, OLD | 0x100 },
    { "bit_clr2 0", { MCRR(0, 7, 0, 1, 0) }, 7, 2, OLD },
    { "bit_clr2 1", { MCRR(0, 7, 0, 1, 0) }, 7, 1, OLD & ~UINT64_C(0x80) },
    { "index_put 0", { MCRR(0, 8, 0, 1, 0) }, RT, 0, HIGH_OF(OLD) | RT },
    { "index_put 1", { MCRR(0, 8, 0, 1, 0) }, RT2, 1, LOW_OF(OLD) | HIGH(RT2) },
    { "index_xor 1", { MCRR(0, 9, 0, 1, 0) }, RT2, 1, OLD ^ HIGH(RT2) },
    { "index_set 0", { MCRR(0, 10, 0, 1, 0) }, RT, 0, OLD | RT },
    { "index_clr 1", { MCRR(0, 11, 0, 1, 0) }, RT2, 1, OLD & ~HIGH(RT2) },
};

static void execute(struct bench *bench, uint16_t first, uint16_t second, uint32_t rt, uint32_t rt2) {
    core_reset(bench->core);
    PROGRAM(bench, CODE + 0x100, first, second, B(-4));
    core_code_changed(bench->core, CODE + 0x100, 6);
    PROGRAM(bench, CODE, B(-4));
    start(bench);
    set_ppb(bench, 0xe000ed88, 3);
    core_set_register(bench->core, 0, rt);
    core_set_register(bench->core, 1, rt2);
    core_set_register(bench->core, CORE_PC, CODE + 0x100);
    run(bench, 20);
    assert_int_equal(core_state(bench->core), CORE_RUNNING);
    assert_int_equal(reg(bench, CORE_XPSR) & 0x1ff, 0);
}

static void test_gpio_writes(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 2 * sizeof(writes) / sizeof(writes[0]); i++) {
        const struct gpio_case *c = &writes[i / 2];
        enum core_gpio_register target = i % 2 ? CORE_GPIO_OE : CORE_GPIO_OUT;
        bench->gpio[CORE_GPIO_OUT] = bench->gpio[CORE_GPIO_OE] = OLD;
        execute(bench, c->code[0], c->code[1] | (target == CORE_GPIO_OE ? 4 : 0), c->rt, c->rt2);
        if (bench->gpio[target] != c->expected || bench->gpio[!target] != OLD) {
            fail_msg("%s: 0x%016llx", c->name, (unsigned long long)bench->gpio[target]);
        }
    }
}

static void test_gpio_reads(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 3; i++) {
        bench->gpio[i] = UINT64_C(0x1111222233334444) * (i + 1);
    }
    for (uint16_t i = 0; i < 3; i++) {
        uint64_t value = bench->gpio[i];
        uint16_t crm = (uint16_t)(4 * i);
        execute(bench, MRC(0, 0, 0, 0, crm, 0), 0, 0);
        assert_int_equal(reg(bench, 0), (uint32_t)value);
        execute(bench, MRC(0, 0, 0, 0, crm + 1, 0), 0, 0);
        assert_int_equal(reg(bench, 0), (uint32_t)(value >> 32));
        execute(bench, MRRC(0, 0, 0, 1, crm), 0, 0);
        assert_int_equal(reg(bench, 0), (uint32_t)value);
        assert_int_equal(reg(bench, 1), (uint32_t)(value >> 32));
    }
    bench->gpio[CORE_GPIO_IN] = 0xa0000000; /* MRC to r15: the flags */
    execute(bench, MRC(0, 0, 15, 0, 8, 0), 0, 0);
    assert_int_equal(reg(bench, CORE_XPSR) >> 28, 0xa);
}

static void test_gpio_undefined(void **state) {
    static const uint16_t codes[][2] = {
        { MCR(0, 4, 0, 0, 0, 0) },  { MCR(0, 0, 0, 0, 8, 0) }, { MCR(0, 5, 0, 0, 1, 0) },
        { MCRR(0, 12, 0, 1, 0) },   { MCRR(0, 0, 0, 1, 1) },   { MRC(0, 1, 0, 0, 0, 0) },
        { MRC(0, 0, 0, 0, 12, 0) }, { MRRC(0, 0, 0, 1, 9) },   { 0xee00, 0x0000 /* cdp */ },
    };
    struct bench *bench = *state;
    HANDLER(bench, 3, MOVS(6, 3), B(-4));
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        core_reset(bench->core);
        PROGRAM(bench, CODE, codes[i][0], codes[i][1], B(-4));
        core_code_changed(bench->core, CODE, 6);
        start(bench);
        set_ppb(bench, 0xe000ed88, 3);
        core_set_register(bench->core, 6, 0);
        run(bench, 50);
        assert_int_equal(reg(bench, 6), 3);
    }
}

/* ---- Redundancy ---- */
#define TRUE_VALUE 0xa500a500u
#define FALSE_VALUE 0x00c300c3u

static struct rcp salted(uint64_t salt) {
    struct rcp rcp;
    rcp_reset(&rcp);
    rcp_set_salt(&rcp, salt);
    return rcp;
}

static void test_rcp_without_salt(void **state) {
    struct rcp rcp, peer;
    uint32_t value;
    rcp_reset(&rcp);
    rcp_reset(&peer);
    assert_int_equal(rcp_read(&rcp, 1, 0, 0, 0, &value), RCP_DONE);
    assert_int_equal(value, FALSE_VALUE);
    assert_int_equal(rcp_write_pair(&rcp, &peer, 0, 8, 1, 5, 6), RCP_DONE); /* the salt of core 1, from core 0 */
    assert_true(peer.valid && !rcp.valid && peer.salt == UINT64_C(0x600000005));
    assert_int_equal(rcp_write_pair(&rcp, &peer, 0, 8, 0, 5, 6), RCP_DONE);
    assert_int_equal(rcp_read(&rcp, 1, 0, 0, 0, &value), RCP_DONE);
    assert_int_equal(value, TRUE_VALUE);
    assert_int_equal(rcp_write_pair(&rcp, &peer, 0, 8, 0, 5, 6), RCP_FAULT); /* a second time */
    assert_int_equal(rcp_write(&rcp, 1, 0, 0, 0, TRUE_VALUE), RCP_STALL);
    rcp_reset(&rcp);
    assert_int_equal(rcp_write(&rcp, 1, 0, 0, 0, TRUE_VALUE), RCP_FAULT);
}

static void test_rcp_assertions(void **state) {
    static const struct {
        unsigned opc1, crm; /* of MCRR */
        uint32_t good[2], bad[2];
    } pairs[] = {
        { 0, 8, { TRUE_VALUE, FALSE_VALUE }, { TRUE_VALUE, 1 } },
        { 1, 0, { TRUE_VALUE, TRUE_VALUE }, { TRUE_VALUE, FALSE_VALUE } },
        { 2, 0, { FALSE_VALUE, TRUE_VALUE }, { FALSE_VALUE, FALSE_VALUE } },
        { 3, 8, { TRUE_VALUE ^ 77, 77 }, { TRUE_VALUE, 77 } },
        { 4, 0, { TRUE_VALUE ^ 77, 77 }, { FALSE_VALUE ^ 77, 77 } },
        { 5, 8, { FALSE_VALUE ^ 77, 77 }, { TRUE_VALUE ^ 77, 77 } },
        { 6, 8, { 1234, 1234 ^ 0x96009600u }, { 1234, 1234 } },
        { 7, 0, { 1234, 1234 }, { 1234, 1235 } },
    };
    for (unsigned i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        struct rcp rcp = salted(99);
        unsigned crm = pairs[i].crm;
        assert_int_equal(rcp_write_pair(&rcp, NULL, 0, pairs[i].opc1, crm, pairs[i].good[0], pairs[i].good[1]),
                         RCP_DONE);
        assert_int_equal(rcp_write_pair(&rcp, NULL, 0, pairs[i].opc1, crm, pairs[i].bad[0], pairs[i].bad[1]),
                         RCP_FAULT);
        rcp = salted(99); /* the parity bit of the encoding */
        assert_int_equal(rcp_write_pair(&rcp, NULL, 0, pairs[i].opc1, crm ^ 8, pairs[i].good[0], pairs[i].good[1]),
                         RCP_FAULT);
    }
}

static void test_rcp_counter_wraps(void **state) {
    struct rcp rcp = salted(1);
    assert_int_equal(rcp_write(&rcp, 4, 15, 15, 0, 0), RCP_DONE);
    assert_int_equal(rcp_write(&rcp, 5, 15, 15, 1, 0), RCP_DONE);
    assert_int_equal(rcp_write(&rcp, 5, 0, 0, 1, 0), RCP_DONE);
    assert_int_equal(rcp_write(&rcp, 5, 0, 0, 1, 0), RCP_FAULT);
}

static void test_rcp_canaries_differ(void **state) {
    struct rcp rcp = salted(UINT64_C(0x123456789abcdef0));
    uint32_t values[256];
    for (unsigned tag = 0; tag < 256; tag++) {
        assert_int_equal(rcp_read(&rcp, 0, tag >> 4, tag & 15, 1, &values[tag]), RCP_DONE);
        assert_int_equal(values[tag] & 0xff, 0);
        assert_int_equal(rcp_write(&rcp, 0, tag >> 4, tag & 15, 1, values[tag]), RCP_DONE);
        for (unsigned other = 0; other < tag; other++) {
            assert_true(values[other] != values[tag]);
        }
    }
    assert_int_equal(rcp_write(&rcp, 0, 1, 1, 1, values[0x12]), RCP_FAULT);
}

/* Shift registers of 4, 5, 7 and 8 bits with taps that reach every state but 0. */
static void test_rcp_random_periods(void **state) {
    static const struct { unsigned shift, bits; } fields[] = { { 60, 4 }, { 55, 5 }, { 48, 7 }, { 40, 8 } };
    struct rcp rcp =
        salted(UINT64_C(0x1000000000000000) | UINT64_C(1) << 55 | UINT64_C(1) << 48 | UINT64_C(1) << 40 | 0x1234567890);
    uint64_t begin = rcp.salt;
    for (unsigned i = 1; i <= 255; i++) {
        rcp_random(&rcp);
        assert_int_equal(rcp.salt & UINT64_C(0xffffffffff), begin & UINT64_C(0xffffffffff));
        for (unsigned k = 0; k < 4; k++) {
            uint64_t mask = (UINT64_C(1) << fields[k].bits) - 1;
            bool same = (rcp.salt >> fields[k].shift & mask) == (begin >> fields[k].shift & mask);
            assert_int_equal(same, i % mask == 0);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_gpio_writes),
        TEST(test_gpio_reads),
        TEST(test_gpio_undefined),
        cmocka_unit_test(test_rcp_without_salt),
        cmocka_unit_test(test_rcp_assertions),
        cmocka_unit_test(test_rcp_counter_wraps),
        cmocka_unit_test(test_rcp_canaries_differ),
        cmocka_unit_test(test_rcp_random_periods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
