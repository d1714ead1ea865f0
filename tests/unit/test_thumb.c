/* The interpreter of polling loops against the engine: single instructions, with chosen and with random encodings and
 * registers, must leave the same registers, flags and memory. */
#include "tests/unit/unit.h"

#include "emulator/cpu/internal.h"
#include "emulator/cpu/thumb.h"
#include "tests/unit/thumb.h"

#include <stdlib.h>
#include <string.h>

#define SRAM 0x20000000u
#define CODE (SRAM + 0x1000)
#define DATA (SRAM + 0x2000)
#define SIZE 0x4000

struct bench {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
    struct bus bus;
    struct core *core;
    uint8_t sram[SIZE];
    uint8_t shadow[SIZE]; /* the interpreter's */
    bool hides_code;      /* from the interpreter: it is still being made */
};

static bool is_hidden(const struct bench *bench, uint32_t address) {
    return bench->hides_code && address >= CODE - 4 && address < CODE + 256;
}

static bool load(struct thumb *thumb, uint32_t address, unsigned size, struct operand *ret) {
    struct bench *bench = thumb->context;
    *ret = (struct operand){ .origin = ORIGIN_CLEAN };
    if (address < SRAM || address > SRAM + SIZE - size || is_hidden(bench, address)) {
        return false;
    }
    memcpy(&ret->value, bench->shadow + (address - SRAM), size);
    return true;
}

static bool store(struct thumb *thumb, uint32_t address, unsigned size, const struct operand *value) {
    struct bench *bench = thumb->context;
    if (address < SRAM || address > SRAM + SIZE - size || is_hidden(bench, address)) {
        return false;
    }
    memcpy(bench->shadow + (address - SRAM), &value->value, size);
    return true;
}

static int set_up_core(void **state, enum core_model model) {
    struct bench *bench = calloc(1, sizeof(*bench));
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    random_init(&bench->random, 7);
    bench->env = (struct environment){ &bench->scheduler, &bench->log, &bench->random, 0 };
    bus_init(&bench->bus, &bench->env);
    bus_add_memory(&bench->bus, &(struct bus_memory){ "SRAM", SRAM, SIZE, bench->sram, true });
    bench->core = core_create(&(struct core_desc){ .env = &bench->env, .bus = &bench->bus, .model = model }, NULL);
    assert_non_null(bench->core);
    *state = bench;
    return 0;
}

static int set_up(void **state) {
    return set_up_core(state, CORE_M0PLUS);
}

static int set_up_mainline(void **state) {
    return set_up_core(state, CORE_M33);
}

static bool is_mainline(const struct bench *bench) {
    return bench->core->desc.model == CORE_M33;
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    core_destroy(bench->core);
    bus_finish(&bench->bus);
    free(bench);
    return 0;
}

/* Values that find the corners of an adder, addresses, shift amounts and anything. */
static uint32_t any_value(struct bench *bench) {
    static const uint32_t corners[] = { 0, 1, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe, 31, 32, 33, 255, 256 };
    uint64_t bits = random_next(&bench->random);
    switch (bits & 3) {
    case 0:
        return corners[(bits >> 8) % (sizeof(corners) / sizeof(corners[0]))];
    case 1:
        return DATA + ((uint32_t)(bits >> 8) & 0x7fc);
    case 2:
        return (uint32_t)(bits >> 8) & 0xff;
    default:
        return (uint32_t)(bits >> 8);
    }
}

static void prepare(struct bench *bench, struct thumb *thumb) {
    core_start(bench->core, DATA + 0x400, CODE, SRAM);
    *thumb = (struct thumb){ .load = load, .store = store, .context = bench, .mainline = is_mainline(bench) };
    for (unsigned i = 0; i < 15; i++) {
        thumb->r[i] = i == CORE_SP ? DATA + 0x400 : any_value(bench);
        core_set_register(bench->core, i, thumb->r[i]);
    }
    uint32_t flags = (uint32_t)random_next(&bench->random) & 0xf0000000u;
    core_set_register(bench->core, CORE_XPSR, flags | XPSR_T);
    core_set_register(bench->core, CORE_PRIMASK, 0);
    core_set_register(bench->core, CORE_BASEPRI, 0);
    thumb->n = flags >> 31 & 1;
    thumb->z = flags >> 30 & 1;
    thumb->c = flags >> 29 & 1;
    thumb->v = flags >> 28 & 1;
    thumb->r[15] = CODE;
    memcpy(bench->shadow, bench->sram, SIZE);
}

static void put_program(struct bench *bench, const uint16_t *program, unsigned halves) {
    memcpy(bench->sram + (CODE - SRAM), program, 2 * halves);
    memcpy(bench->shadow + (CODE - SRAM), program, 2 * halves);
    core_code_changed(bench->core, CODE, 2 * halves);
}

static void compare(struct bench *bench, const struct thumb *thumb, const uint16_t *program, unsigned halves) {
    struct core *core = bench->core;
    bool equal = memcmp(bench->sram, bench->shadow, SIZE) == 0;
    uint32_t flags =
        (uint32_t)thumb->n << 31 | (uint32_t)thumb->z << 30 | (uint32_t)thumb->c << 29 | (uint32_t)thumb->v << 28;
    equal = equal && (core_register(core, CORE_XPSR) & 0xf0000000u) == flags;
    equal = equal && core_register(core, CORE_PRIMASK) == thumb->primask;
    equal = equal && core_register(core, CORE_BASEPRI) == thumb->basepri;
    for (unsigned i = 0; i < 16; i++) {
        equal = equal && core_register(core, i) == thumb->r[i];
    }
    if (!equal) {
        for (unsigned i = 0; i < halves; i++) {
            print_error("0x%04x ", program[i]);
        }
        print_error("\nflags 0x%08x, 0x%08x\n", core_register(core, CORE_XPSR), flags);
        for (unsigned i = 0; i < 16; i++) {
            print_error("r%u 0x%08x 0x%08x\n", i, core_register(core, i), thumb->r[i]);
        }
    }
    assert_true(equal);
}

/* Run one instruction both ways. False when the interpreter left it to the engine. */
static bool same(struct bench *bench, uint16_t first, uint16_t second) {
    /* The block of an instruction that is no branch ends with the branch to itself behind it. */
    const uint16_t program[] = { first, thumb_is_wide(first) ? second : B(-4), B(-4) };
    struct thumb thumb;
    prepare(bench, &thumb);
    put_program(bench, program, 3);
    if (thumb_step(&thumb, first, second) == THUMB_LEAVE || thumb.r[15] < SRAM || thumb.r[15] >= SRAM + SIZE) {
        return false;
    }
    core_run(bench->core, core_cycles(bench->core) + 1);
    compare(bench, &thumb, program, 3);
    return true;
}

/* Unpredictable ones, and targets and stack pointers that a random value does not suit. */
static bool is_testable(uint16_t code) {
    bool to_pc = (code & 0xfc87) == 0x4487 || (code & 0xff00) == 0x4700;
    bool list = code >> 12 == 0xc && !(code & 0xff);
    bool sp = (code & 0xfc87) == 0x4485;
    bool pc_compare = (code & 0xff00) == 0x4500 && ((code & 0x78) == 0x78 || !(code & 0xc0));
    bool pops_pc = (code & 0xff00) == 0xbd00;
    bool special = (code & 0xff03) == 0x4700 || ((code & 0xff00) == 0x4700 && code & 7);
    return !to_pc && !list && !sp && !pc_compare && !pops_pc && !special;
}

static bool is_it(uint16_t first) {
    return (first & 0xff00) == 0xbf00 && first & 15;
}

static void test_every_encoding(void **state) {
    struct bench *bench = *state;
    unsigned done = 0;
    for (unsigned code = 0; code < 0xe800; code += 1 + (unsigned)(random_next(&bench->random) % 8)) {
        if (thumb_knows((uint16_t)code, 0, is_mainline(bench)) && is_testable((uint16_t)code) &&
            !is_it((uint16_t)code)) {
            done += same(bench, (uint16_t)code, 0);
        }
    }
    assert_true(done > 5000);
}

static void test_wide(void **state) {
    struct bench *bench = *state;
    assert_true(same(bench, BL_0(0), BL_1(0x200)));
    assert_true(same(bench, 0xf7ff, 0xff80)); /* backwards */
    assert_true(same(bench, MRS_0, MRS_1(3, SPECIAL_PRIMASK)));
    assert_true(same(bench, MRS_0, MRS_1(3, 5)));
    assert_true(same(bench, MSR_0(0), MSR_1(SPECIAL_PRIMASK)));
    assert_true(same(bench, DSB_0, DSB_1));
    assert_true(same(bench, ISB_0, ISB_1));
}

/* ---- Armv8-M Mainline ---- */
static uint16_t any_half(struct bench *bench) {
    return (uint16_t)random_next(&bench->random);
}

/* A wide encoding; random ones are mostly branches and coprocessors. */
static uint16_t any_wide(struct bench *bench) {
    static const uint16_t groups[] = { 0xe800, 0xea00, 0xf000, 0xf200, 0xf400, 0xf600, 0xf800, 0xf800, 0xfa00, 0xfb00 };
    uint16_t code = any_half(bench);
    return groups[(code >> 9) % 10] | (code & 0x1ff);
}

static uint16_t any_second(struct bench *bench, uint16_t first) {
    uint16_t second = any_half(bench);
    switch (first >> 9) {
    case 0xea00 >> 9:
        return second & 0x7fff;
    case 0xf800 >> 9: /* plain offsets and write back more often */
        return second & 0x1000 ? second : (second & 0xf0ff) | 0x900;
    case 0xfa00 >> 9:
        return first & 0x100 ? second & 0x1000 ? second | 0xf0f0 : second & 0xff1f : (second & 0xffbf) | 0xf000;
    default:
        return second;
    }
}

static void test_random_wide_encodings(void **state) {
    struct bench *bench = *state;
    unsigned done = 0;
    for (unsigned i = 0; i < 300000; i++) {
        uint16_t first = any_wide(bench), second = any_second(bench, first);
        bool msr_in_pc = (first & 0xfff0) == 0xf380 && second & 0x8000;
        if (thumb_knows(first, second, true) && !msr_in_pc) {
            done += same(bench, first, second);
        }
    }
    assert_true(done > 20000);
}

static void test_chosen_wide_encodings(void **state) {
    static const uint16_t codes[][2] = {
        { 0xfb90, 0xf1f2 }, /* sdiv r1, r0, r2 */
        { 0xfbb0, 0xf1f2 }, /* udiv */
        { 0xfba0, 0x1204 }, /* umull r1, r2, r0, r4 */
        { 0xfbe0, 0x1204 }, /* umlal */
        { 0xfb80, 0x1204 }, /* smull */
        { 0xfbc0, 0x1204 }, /* smlal */
        { 0xfb00, 0x1203 }, /* mla r2, r0, r3, r1 */
        { 0xfb00, 0x1213 }, /* mls */
        { 0xfab3, 0xf183 }, /* clz r1, r3 */
        { 0xfa93, 0xf1a3 }, /* rbit r1, r3 */
        { 0xf3c1, 0x2047 }, /* ubfx r0, r1, #9, #8 */
        { 0xf341, 0x2047 }, /* sbfx */
        { 0xf361, 0x2052 }, /* bfi r0, r1, #9, #10 */
        { 0xf36f, 0x2052 }, /* bfc */
        { 0xf24a, 0x1234 }, /* movw r2, #0xa134 */
        { 0xf2ca, 0x1234 }, /* movt */
        { 0xeb71, 0x0203 }, /* sbcs r2, r1, r3 */
        { 0xeb51, 0x0203 }, /* adcs */
        { 0xebb1, 0x0fc3 }, /* cmp r1, r3, lsl #3 */
        { 0xea5f, 0x0133 }, /* rrxs r1, r3 */
        { 0xe9dd, 0x1204 }, /* ldrd r1, r2, [sp, #16] */
        { 0xe8bd, 0x1ff0 }, /* pop {r4-r12} */
        { 0xe92d, 0x5ff0 }, /* push {r4-r12, lr} */
        { 0xf85d, 0x3b04 }, /* ldr r3, [sp], #4 */
        { 0xf000, 0xb900 }, /* b.w */
        { 0xf000, 0x8100 }, /* beq.w */
        { 0xf3ef, 0x8111 }, /* mrs r1, basepri */
        { 0xf381, 0x8811 }, /* msr basepri, r1 */
        { 0xf381, 0x8812 }, /* msr basepri_max, r1 */
    };
    struct bench *bench = *state;
    for (unsigned i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        for (unsigned times = 0; times < 200; times++) {
            assert_true(thumb_knows(codes[i][0], codes[i][1], true));
            assert_true(same(bench, codes[i][0], codes[i][1]));
        }
    }
}

/* Programs that the interpreter makes up as it goes: an instruction that it does not execute is left out. */
struct program {
    uint16_t code[64];
    unsigned halves;
};

static bool ends_it(uint16_t first, uint16_t second) {
    bool compares = (first & 0xf500) == 0xb100, mask = (first & 0xffe0) == 0xb660;
    bool branch = first >> 12 == 0xd || first >> 11 == 0x1c || ((first & 0xf800) == 0xf000 && second & 0x8000);
    return compares || mask || branch || is_it(first);
}

static void add_instruction(struct bench *bench, struct thumb *thumb, struct program *program) {
    bool is_wide = any_half(bench) & 1;
    uint16_t first = is_wide ? any_wide(bench) : any_half(bench) % 0xe800, second = any_second(bench, first);
    if (!is_wide && !(any_half(bench) & 7)) {
        first = 0xbf01 | (any_half(bench) % 14) << 4 | (any_half(bench) & 15); /* IT */
    }
    bool special = (first & 0xfff0) == 0xf380 && second & 0x8000; /* registers are random: unprivileged, stack limits */
    if (!thumb_knows(first, second, true) || (!is_wide && !is_testable(first)) || special ||
        (thumb->it && ends_it(first, second))) {
        return;
    }
    struct thumb before = *thumb;
    static uint8_t memory[SIZE];
    memcpy(memory, bench->shadow, SIZE);
    if (thumb_step(thumb, first, second) != THUMB_NEXT) {
        *thumb = before;
        memcpy(bench->shadow, memory, SIZE);
        return;
    }
    program->code[program->halves++] = first;
    if (is_wide) {
        program->code[program->halves++] = second;
    }
}

static void test_random_programs(void **state) {
    struct bench *bench = *state;
    bench->hides_code = true;
    for (unsigned i = 0; i < 4000; i++) {
        struct program program = { .halves = 0 };
        struct thumb thumb;
        prepare(bench, &thumb);
        while (program.halves < 32) {
            add_instruction(bench, &thumb, &program);
        }
        while (thumb.it) {
            program.code[program.halves++] = NOP;
            thumb_step(&thumb, NOP, 0);
        }
        program.code[program.halves++] = B(-4);
        put_program(bench, program.code, program.halves);
        for (unsigned blocks = 0; blocks < 32; blocks++) {
            core_run(bench->core, core_cycles(bench->core) + 1);
        }
        compare(bench, &thumb, program.code, program.halves);
    }
}

static void test_armv6m_knows_no_other_wide_encodings(void **state) {
    assert_true(thumb_knows(BL_0(0), BL_1(0), false));
    assert_false(thumb_knows(0xf000, 0xb900, false)); /* b.w */
    assert_false(thumb_knows(0xf8d1, 0x0000, false)); /* ldr.w */
    assert_false(thumb_knows(0xb108, 0, false));      /* cbz */
    assert_false(thumb_knows(0xbf08, 0, false));      /* it eq */
    assert_false(thumb_knows(0xf381, 0x8811, false)); /* msr basepri, r1 */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
#define MAINLINE(name)                                                                                                 \
    { #name " (mainline)", name, set_up_mainline, tear_down, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_every_encoding),
        TEST(test_wide),
        TEST(test_armv6m_knows_no_other_wide_encodings),
        MAINLINE(test_every_encoding),
        MAINLINE(test_wide),
        MAINLINE(test_chosen_wide_encodings),
        MAINLINE(test_random_wide_encodings),
        MAINLINE(test_random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
