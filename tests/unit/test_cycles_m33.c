/* Instruction timing of the Cortex-M33: every class of instruction, and the sequences of the measurements on an RP2350
 * that cycles_m33.c follows (github.com/jnk0le/random, "pipeline cycle test"). Encodings were made with an assembler.
 */
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
    CHECK({ NARROW(MOVS(0, 1)), 1, 0 }, { NARROW(ADD_REG(0, 1, 2)), 1, 0 }, { NARROW(MULS(0, 1)), 2, 0 },
          { NARROW(0xb2c8), 1, 0 },        /* uxtb */
          { NARROW(0xbf00), 1, 0 },        /* nop */
          { NARROW(0xbf08), 1, 0 },        /* it eq, with nothing before it */
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
    CHECK({ NARROW(LDR(0, 1, 4)), 1, 0 }, { NARROW(STR(0, 1, 4)), 1, 0 }, { NARROW(LDR_LIT(0, 4)), 1, 0 },
          { NARROW(0x5488), 1, 0 }, /* strb r0, [r1, r2] */
          { NARROW(0x5688), 1, 0 }, /* ldrsb r0, [r1, r2] */
          { NARROW(0x9801), 1, 0 }, /* ldr r0, [sp, #4] */
          { NARROW(PUSH(0x0f, 1)), 5, 0 }, { NARROW(POP(0x0f, 0)), 4, 0 }, { NARROW(POP(0x0f, 1)), 8, 0 },
          { WIDE(0xf8d1, 0x0100), 1, 0 },  /* ldr.w r0, [r1, #256] */
          { WIDE(0xf8c1, 0x0100), 1, 0 },  /* str.w */
          { WIDE(0xf991, 0x0100), 1, 0 },  /* ldrsb.w */
          { WIDE(0xf8df, 0xf004), 4, 0 },  /* ldr.w pc, [pc, #4] */
          { WIDE(0xe9d1, 0x0202), 2, 0 },  /* ldrd */
          { WIDE(0xe9c1, 0x0202), 2, 0 },  /* strd */
          { WIDE(0xe8bd, 0x87f0), 11, 0 }, /* pop.w {r4-r10, pc} */
          { WIDE(0xe92d, 0x47f0), 8, 0 },  /* push.w {r4-r10, lr} */
          { WIDE(0xe8d1, 0x0fef), 1, 0 },  /* ldaex */
          { WIDE(0xe8df, 0xf000), 4, 0 }); /* tbb [pc, r0] */
}

static void test_branches(void **state) {
    CHECK({ NARROW(BCC(EQ, 8)), 1, 1 }, { NARROW(B(-4)), 2, 0 }, { NARROW(BX(LR)), 2, 0 }, { NARROW(BLX(3)), 2, 0 },
          { NARROW(MOV(PC, 0)), 2, 0 }, { NARROW(0xb108), 1, 1 },         /* cbz */
          { NARROW(0xb908), 1, 1 },                                       /* cbnz */
          { WIDE(0xf000, 0xf808), 2, 0 },                                 /* bl */
          { WIDE(0xf000, 0xb808), 2, 0 },                                 /* b.w */
          { WIDE(0xf000, 0x8008), 1, 1 },                                 /* beq.w */
          { NARROW(BCC(EQ, -2)), 1, 0 }, { WIDE(0xf000, 0x8000), 1, 0 }); /* to the next instruction */
}

static void test_floating_point(void **state) {
    CHECK({ WIDE(0xee30, 0x0a20), 1, 0 },   /* vadd.f32 s0, s0, s1 */
          { WIDE(0xee20, 0x0a20), 1, 0 },   /* vmul.f32 */
          { WIDE(0xee00, 0x0a20), 1, 0 },   /* vmla.f32 */
          { WIDE(0xeea0, 0x0a20), 1, 0 },   /* vfma.f32 */
          { WIDE(0xee80, 0x0a20), 14, 0 },  /* vdiv.f32 */
          { WIDE(0xeeb1, 0x0ae0), 14, 0 },  /* vsqrt.f32 s0, s1 */
          { WIDE(0xeeb1, 0x0a60), 1, 0 },   /* vneg.f32 */
          { WIDE(0xeeb4, 0x0a60), 1, 0 },   /* vcmp.f32 */
          { WIDE(0xeebd, 0x0ae0), 1, 0 },   /* vcvt.s32.f32 */
          { WIDE(0xee00, 0x0a10), 1, 0 },   /* vmov s0, r0 */
          { WIDE(0xec51, 0x0a10), 2, 0 },   /* vmov r0, r1, s0, s1 */
          { WIDE(0xec41, 0x0a10), 1, 0 },   /* vmov s0, s1, r0, r1 */
          { WIDE(0xed91, 0x0a01), 1, 0 },   /* vldr */
          { WIDE(0xed2d, 0x8a10), 16, 0 },  /* vpush {s16-s31} */
          { WIDE(0xecbd, 0x8a10), 16, 0 }); /* vpop */
}

static void test_coprocessors_and_system(void **state) {
    CHECK({ WIDE(0xec45, 0x3044), 1, 0 }, /* mcrr p0, #4, r3, r5, c4 */
          { WIDE(0xee10, 0x0430), 1, 0 }, /* mrc p4, #0, r0, c0, c0, #1 */
          { WIDE(0xee00, 0x0401), 1, 0 }, /* cdp p4, #0, c0, c0, c1, #0 */
          { WIDE(MRS_0, MRS_1(0, 16)), 2, 0 }, { WIDE(MSR_0(0), MSR_1(16)), 2, 0 }, { WIDE(DSB_0, DSB_1), 3, 0 },
          { WIDE(0xf3af, 0x8000), 1, 0 }); /* nop.w */
}

/* ---- Sequences ---- */
#define ADD_R0_R1 0x4408           /* sets no flags */
#define ADD_SHIFTED 0xeb01, 0x0082 /* add.w r0, r1, r2, lsl #2 */
#define MLA 0xfb01, 0x0002         /* mla r0, r1, r2, r0 */
#define VMUL 0xee20, 0x0a81        /* vmul.f32 s0, s1, s2 */
#define VFMA 0xeea0, 0x0a81        /* vfma.f32 s0, s1, s2 */
#define VADD_OTHERS 0xee3f, 0xfa8f /* vadd.f32 s30, s31, s30 */
#define MOV_R10 0x46d2             /* mov r10, r10 */
#define POP_LR 0xe8bd, 0x4ff0      /* pop.w {r4-r11, lr} */
#define POP_PC 0xe8bd, 0x8ff0      /* pop.w {r4-r11, pc} */

static struct block_cost block(const uint16_t *code, size_t size) {
    struct block_cost cost = { 0 };
    m33_block_cost((const uint8_t *)code, (uint32_t)size, &cost);
    return cost;
}
#define BLOCK(...) block((const uint16_t[]){ __VA_ARGS__ }, sizeof((const uint16_t[]){ __VA_ARGS__ }))
#define CYCLES(...) (BLOCK(__VA_ARGS__).cycles)
#define CHECK_BRANCH(not_taken, more, ...)                                                                             \
    do {                                                                                                               \
        assert_int_equal(BLOCK(__VA_ARGS__).cycles, not_taken);                                                        \
        assert_int_equal(BLOCK(__VA_ARGS__).taken, more);                                                              \
    } while (0)

static void test_load_to_use(void **state) {
    assert_int_equal(CYCLES(LDR(0, 1, 0), LDR(2, 1, 4), LDR(3, 1, 8)), 3);
    assert_int_equal(CYCLES(LDR(0, 1, 0), ADDS(0, 1)), 1 + 1 + 1);
    assert_int_equal(CYCLES(LDR(0, 1, 0), ADDS(2, 1), ADDS(0, 1)), 3);
    assert_int_equal(CYCLES(LDR(0, 1, 0), LDR(2, 0, 0)), 1 + 1 + 1);
    assert_int_equal(CYCLES(LDR(0, 1, 0), STR(0, 1, 4)), 2);         /* as data to store it is there in time */
    assert_int_equal(CYCLES(LDR(0, 1, 0), STR(1, 0, 4)), 1 + 1 + 1); /* as an address not */
    assert_int_equal(CYCLES(LDR(0, 1, 0), MLA), 2);                  /* added to a product: in time as well */
    assert_int_equal(CYCLES(LDR(1, 3, 0), MLA), 1 + 1 + 1);
    assert_int_equal(CYCLES(LDM(1, 0x0c), ADDS(3, 1)), 2 + 1 + 1);
}

static void test_late_results(void **state) {
    assert_int_equal(CYCLES(ADD_SHIFTED, ADDS(3, 1)), 2);
    assert_int_equal(CYCLES(ADD_SHIFTED, ADDS(0, 1)), 1 + 1 + 1);
    assert_int_equal(CYCLES(MLA, MLA), 2);
    assert_int_equal(CYCLES(MLA, ADDS(0, 1)), 1 + 1 + 1);
    assert_int_equal(CYCLES(MULS(0, 1), ADDS(0, 1)), 2 + 1);
    assert_int_equal(CYCLES(0xf020, 0x51fe /* bic r1, r0, #0x1fc0 */, NOP), 1 + 1);
    assert_int_equal(CYCLES(0xf510, 0x50fe /* adds.w r0, r0, #0x1fc0 */, NOP), 2 + 1);
    assert_int_equal(CYCLES(0xea4f, 0x0041 /* lsl.w r0, r1, #1 */, ADDS(0, 1)), 2);
}

static void test_branches_go_together(void **state) {
    CHECK_BRANCH(1, 2, SUBS(7, 1), BCC(NE, -6));
    CHECK_BRANCH(2, 1, SUBS(7, 1), ADD_R0_R1, BCC(NE, -8));
    CHECK_BRANCH(1 + 4, 1, SUBS(7, 1), LDM(6, 0x0f), BCC(NE, -8));
    CHECK_BRANCH(1 + 1, 1, 0xf1b7, 0x0701 /* subs.w r7, #1 */, BCC(NE, -8)); /* not with 32 bits */
    CHECK_BRANCH(1 + 1, 0, ADD_R0_R1, B(-8));
    CHECK_BRANCH(1 + 1, 1, NOP, NOP, BCC(NE, -8));
}

static void test_it_and_nop_go_together(void **state) {
    assert_int_equal(CYCLES(MOV_R10, 0xbf08 /* it eq */, ADD_R0_R1), 2);
    assert_int_equal(CYCLES(0xf1b7, 0x0701, 0xbf08, ADD_R0_R1), 3);
    assert_int_equal(CYCLES(LDR(0, 1, 0), NOP, ADDS(2, 1)), 2);
    assert_int_equal(CYCLES(ADDS(0, 1), ADDS(1, 1)), 2); /* arithmetic does not */
}

/* Restoring lr and BX gain one or two cycles over POP to pc when there are instructions to put between. */
static void test_returns(void **state) {
    unsigned pop_pc = CYCLES(POP_PC);
    assert_int_equal(CYCLES(MOV_R10, MOV_R10, MOV_R10, POP_PC), 3 + pop_pc);
    assert_int_equal(CYCLES(POP_LR, MOV_R10, MOV_R10, MOV_R10, BX(LR)), 3 + pop_pc - 2);
    assert_int_equal(CYCLES(POP_LR, MOV_R10, MOV_R10, BX(LR)), 2 + pop_pc - 1);
    assert_int_equal(CYCLES(POP_LR, MOV_R10, BX(LR)), 1 + pop_pc);
}

static void test_floats_in_a_row(void **state) {
    assert_int_equal(CYCLES(VMUL, VADD_OTHERS, VMUL), 3);
    assert_int_equal(CYCLES(VFMA, VADD_OTHERS), 1 + 2 + 1);
    assert_int_equal(CYCLES(VFMA, MOV_R10, VADD_OTHERS), 1 + 1 + 1 + 1);
    assert_int_equal(CYCLES(VFMA, MOV_R10, MOV_R10, VFMA), 4);
    /* An operation whose operand is late begins all the same, and the FPU takes nothing in the cycle after it. */
    assert_int_equal(CYCLES(VMUL, 0xee70, 0x1a02 /* vadd.f32 s3, s0, s4 */, VADD_OTHERS), 1 + 1 + 1 + 1);
    assert_int_equal(CYCLES(VMUL, 0xee70, 0x1a02, MOV_R10, VADD_OTHERS), 4);
    assert_int_equal(CYCLES(VMUL, 0xed81, 0x0a01 /* vstr s0, [r1, #4] */), 1 + 1 + 1);
    assert_int_equal(CYCLES(0xed91, 0x0a01 /* vldr s0 */, VMUL), 2);
}

/* Where the access of an instruction is: at its beginning, after what it waits for. */
static void test_offsets(void **state) {
    const uint16_t code[] = { LDR(0, 1, 0), LDR(2, 1, 0), LDR(3, 2, 0), NOP, STR(3, 1, 0) };
    static const struct {
        uint32_t at;
        unsigned offset;
    } accesses[] = { { 0, 0 }, { 2, 1 }, { 4, 3 }, { 8, 4 } };
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(m33_offset((const uint8_t *)code, sizeof(code), accesses[i].at), accesses[i].offset);
    }
}

static void test_delay_loop(void **state) {
    struct block_cost cost = BLOCK(SUBS(0, 3), BCC(2, -6));
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
        cmocka_unit_test(test_load_to_use),
        cmocka_unit_test(test_late_results),
        cmocka_unit_test(test_branches_go_together),
        cmocka_unit_test(test_it_and_nop_go_together),
        cmocka_unit_test(test_returns),
        cmocka_unit_test(test_floats_in_a_row),
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_delay_loop),
        cmocka_unit_test(test_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
