/* Instruction timing of the Cortex-M33 as cycles_m33.c states it: every class of instruction, and what blocks add up
 * to. Encodings were made with an assembler. */
#include "tests/unit/unit.h"

#include "emulator/cpu/internal.h"
#include "tests/unit/thumb.h"

#define WIDE(a, b) a, b
#define NARROW(a) a, 0

struct expectation {
    uint16_t first, second;
    unsigned cycles, taken;
};

static void check(const struct expectation *expectations, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct expectation *e = &expectations[i];
        unsigned taken, cycles = m33_instruction_cycles(e->first, e->second, &taken);
        if (cycles != e->cycles || taken != e->taken) {
            fail_msg("%04x %04x: %u + %u cycles, expected %u + %u", e->first, e->second, cycles, taken, e->cycles,
                     e->taken);
        }
    }
}
#define CHECK(...)                                                                                                     \
    do {                                                                                                               \
        const struct expectation list_[] = { __VA_ARGS__ };                                                            \
        check(list_, sizeof(list_) / sizeof(list_[0]));                                                                \
    } while (0)

static void test_data_processing(void **state) {
    CHECK({ NARROW(MOVS(0, 1)), 1, 0 }, { NARROW(ADD_REG(0, 1, 2)), 1, 0 }, { NARROW(MULS(0, 1)), 1, 0 },
          { NARROW(0xb2c8), 1, 0 },        /* uxtb */
          { NARROW(0xbf00), 1, 0 },        /* nop */
          { NARROW(0xbf08), 0, 0 },        /* it eq */
          { WIDE(0xf04f, 0x0001), 1, 0 },  /* mov.w r0, #1 */
          { WIDE(0xf240, 0x1234), 1, 0 },  /* movw */
          { WIDE(0xeb01, 0x0082), 1, 0 },  /* add.w r0, r1, r2, lsl #2 */
          { WIDE(0xf3c1, 0x0007), 1, 0 },  /* ubfx */
          { WIDE(0xfa01, 0xf002), 1, 0 },  /* lsl.w */
          { WIDE(0xfab1, 0xf081), 1, 0 },  /* clz */
          { WIDE(0xfb01, 0x3002), 1, 0 },  /* mla */
          { WIDE(0xfba2, 0x0103), 1, 0 },  /* umull */
          { WIDE(0xfb91, 0xf0f2), 6, 0 },  /* sdiv */
          { WIDE(0xfbb1, 0xf0f2), 6, 0 }); /* udiv */
}

static void test_loads_and_stores(void **state) {
    CHECK({ NARROW(LDR(0, 1, 4)), 2, 0 }, { NARROW(STR(0, 1, 4)), 1, 0 }, { NARROW(LDR_LIT(0, 4)), 2, 0 },
          { NARROW(0x5488), 1, 0 }, /* strb r0, [r1, r2] */
          { NARROW(0x5688), 2, 0 }, /* ldrsb r0, [r1, r2] */
          { NARROW(0x9801), 2, 0 }, /* ldr r0, [sp, #4] */
          { NARROW(PUSH(0x0f, 1)), 6, 0 }, { NARROW(POP(0x0f, 0)), 5, 0 }, { NARROW(POP(0x0f, 1)), 8, 0 },
          { WIDE(0xf8d1, 0x0100), 2, 0 },  /* ldr.w r0, [r1, #256] */
          { WIDE(0xf8c1, 0x0100), 1, 0 },  /* str.w */
          { WIDE(0xf991, 0x0100), 2, 0 },  /* ldrsb.w */
          { WIDE(0xf8df, 0xf004), 4, 0 },  /* ldr.w pc, [pc, #4] */
          { WIDE(0xe9d1, 0x0202), 3, 0 },  /* ldrd */
          { WIDE(0xe9c1, 0x0202), 3, 0 },  /* strd */
          { WIDE(0xe8bd, 0x87f0), 11, 0 }, /* pop.w {r4-r10, pc} */
          { WIDE(0xe92d, 0x47f0), 9, 0 },  /* push.w {r4-r10, lr} */
          { WIDE(0xe8d1, 0x0fef), 2, 0 },  /* ldaex */
          { WIDE(0xe8df, 0xf000), 4, 0 }); /* tbb [pc, r0] */
}

static void test_branches(void **state) {
    CHECK({ NARROW(BCC(EQ, 8)), 1, 1 }, { NARROW(B(-4)), 2, 0 }, { NARROW(BX(LR)), 2, 0 }, { NARROW(BLX(3)), 2, 0 },
          { NARROW(MOV(PC, 0)), 2, 0 }, { NARROW(0xb108), 1, 1 }, /* cbz */
          { NARROW(0xb908), 1, 1 },                               /* cbnz */
          { WIDE(0xf000, 0xf808), 2, 0 },                         /* bl */
          { WIDE(0xf000, 0xb808), 2, 0 },                         /* b.w */
          { WIDE(0xf000, 0x8008), 1, 1 });                        /* beq.w */
}

static void test_floating_point(void **state) {
    CHECK({ WIDE(0xee30, 0x0a20), 1, 0 },   /* vadd.f32 s0, s0, s1 */
          { WIDE(0xee20, 0x0a20), 1, 0 },   /* vmul.f32 */
          { WIDE(0xee00, 0x0a20), 3, 0 },   /* vmla.f32 */
          { WIDE(0xeea0, 0x0a20), 3, 0 },   /* vfma.f32 */
          { WIDE(0xee80, 0x0a20), 14, 0 },  /* vdiv.f32 */
          { WIDE(0xeeb1, 0x0ae0), 14, 0 },  /* vsqrt.f32 s0, s1 */
          { WIDE(0xeeb1, 0x0a60), 1, 0 },   /* vneg.f32 */
          { WIDE(0xeeb4, 0x0a60), 1, 0 },   /* vcmp.f32 */
          { WIDE(0xeebd, 0x0ae0), 1, 0 },   /* vcvt.s32.f32 */
          { WIDE(0xee00, 0x0a10), 1, 0 },   /* vmov s0, r0 */
          { WIDE(0xec51, 0x0a10), 1, 0 },   /* vmov r0, r1, s0, s1 */
          { WIDE(0xed91, 0x0a01), 2, 0 },   /* vldr */
          { WIDE(0xed2d, 0x8a10), 17, 0 },  /* vpush {s16-s31} */
          { WIDE(0xecbd, 0x8a10), 17, 0 }); /* vpop */
}

static void test_coprocessors_and_system(void **state) {
    CHECK({ WIDE(0xec45, 0x3044), 1, 0 }, /* mcrr p0, #4, r3, r5, c4 */
          { WIDE(0xee10, 0x0430), 1, 0 }, /* mrc p4, #0, r0, c0, c0, #1 */
          { WIDE(0xee00, 0x0401), 1, 0 }, /* cdp p4, #0, c0, c0, c1, #0 */
          { WIDE(MRS_0, MRS_1(0, 16)), 2, 0 }, { WIDE(MSR_0(0), MSR_1(16)), 2, 0 }, { WIDE(DSB_0, DSB_1), 3, 0 },
          { WIDE(0xf3af, 0x8000), 1, 0 }); /* nop.w */
}

static unsigned block(const uint16_t *code, size_t size) {
    struct block_cost cost = { 0 };
    m33_block_cost((const uint8_t *)code, (uint32_t)size, &cost);
    return cost.cycles;
}
#define BLOCK(...) block((const uint16_t[]){ __VA_ARGS__ }, sizeof((const uint16_t[]){ __VA_ARGS__ }))

static void test_accesses_overlap(void **state) {
    assert_int_equal(BLOCK(LDR(0, 1, 0), LDR(2, 1, 4), LDR(3, 1, 8)), 4);
    assert_int_equal(BLOCK(LDR(0, 1, 0), NOP, LDR(2, 1, 4)), 5);
    assert_int_equal(BLOCK(STR(0, 1, 0), LDR(2, 1, 4)), 2);
    assert_int_equal(BLOCK(0xf8d1, 0x0100, LDR(2, 1, 4)), 3);
}

static void test_delay_loop(void **state) {
    struct block_cost cost = { 0 };
    const uint16_t code[] = { SUBS(0, 3), BCC(2, -6) };
    m33_block_cost((const uint8_t *)code, sizeof(code), &cost);
    assert_int_equal(cost.cycles + cost.taken, 3);
}

static void test_marks(void **state) {
    struct block_cost cost = { 0 };
    const uint16_t code[] = { 0xf3af, 0x8004, MSR_0(2), MSR_1(11) }; /* sev.w; msr psplim, r2 */
    m33_block_cost((const uint8_t *)code, sizeof(code), &cost);
    assert_true(cost.sev && cost.limits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_processing),
        cmocka_unit_test(test_loads_and_stores),
        cmocka_unit_test(test_branches),
        cmocka_unit_test(test_floating_point),
        cmocka_unit_test(test_coprocessors_and_system),
        cmocka_unit_test(test_accesses_overlap),
        cmocka_unit_test(test_delay_loop),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
