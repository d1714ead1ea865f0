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
};

static bool load(struct thumb *thumb, uint32_t address, unsigned size, uint32_t *ret_value, uint8_t *ret_origin) {
    struct bench *bench = thumb->context;
    *ret_value = 0;
    *ret_origin = ORIGIN_CLEAN;
    if (address < SRAM || address > SRAM + SIZE - size) {
        return false;
    }
    memcpy(ret_value, bench->shadow + (address - SRAM), size);
    return true;
}

static bool store(struct thumb *thumb, uint32_t address, unsigned size, uint32_t value, uint8_t origin) {
    struct bench *bench = thumb->context;
    if (address < SRAM || address > SRAM + SIZE - size) {
        return false;
    }
    memcpy(bench->shadow + (address - SRAM), &value, size);
    return true;
}

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof(*bench));
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    random_init(&bench->random, 7);
    bench->env = (struct environment){ &bench->scheduler, &bench->log, &bench->random, 0 };
    bus_init(&bench->bus, &bench->env);
    bus_add_memory(&bench->bus, &(struct bus_memory){ "SRAM", SRAM, SIZE, bench->sram, true });
    bench->core = core_create(&(struct core_desc){ .env = &bench->env, .bus = &bench->bus }, NULL);
    assert_non_null(bench->core);
    *state = bench;
    return 0;
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

static void prepare(struct bench *bench, struct thumb *thumb, uint16_t first, uint16_t second) {
    const uint16_t program[] = { first, second, B(-4) };
    core_start(bench->core, DATA + 0x400, CODE, SRAM);
    memcpy(bench->sram + (CODE - SRAM), program, sizeof(program));
    core_code_changed(bench->core, CODE, sizeof(program));
    *thumb = (struct thumb){ .load = load, .store = store, .context = bench };
    for (unsigned i = 0; i < 15; i++) {
        thumb->r[i] = i == CORE_SP ? DATA + 0x400 : any_value(bench);
        core_set_register(bench->core, i, thumb->r[i]);
    }
    uint32_t flags = (uint32_t)random_next(&bench->random) & 0xf0000000u;
    core_set_register(bench->core, CORE_XPSR, flags | XPSR_T);
    thumb->n = flags >> 31 & 1;
    thumb->z = flags >> 30 & 1;
    thumb->c = flags >> 29 & 1;
    thumb->v = flags >> 28 & 1;
    thumb->r[15] = CODE;
    memcpy(bench->shadow, bench->sram, SIZE);
}

/* Run one instruction both ways. False when the interpreter left it to the engine. */
static bool same(struct bench *bench, uint16_t first, uint16_t second) {
    struct thumb thumb;
    prepare(bench, &thumb, first, thumb_is_wide(first) ? second : B(-4));
    if (thumb_step(&thumb, first, second) == THUMB_LEAVE) {
        return false;
    }
    core_run(bench->core, core_cycles(bench->core) + 1);
    struct core *core = bench->core;
    bool equal = memcmp(bench->sram, bench->shadow, SIZE) == 0;
    uint32_t flags =
        (uint32_t)thumb.n << 31 | (uint32_t)thumb.z << 30 | (uint32_t)thumb.c << 29 | (uint32_t)thumb.v << 28;
    equal = equal && (core_register(core, CORE_XPSR) & 0xf0000000u) == flags;
    for (unsigned i = 0; i < 15; i++) {
        equal = equal && core_register(core, i) == thumb.r[i];
    }
    /* The block of an instruction that is no branch ends with the branch to itself behind it. */
    uint32_t pc = core_register(core, CORE_PC), next = thumb.r[15];
    equal = equal && pc == next;
    if (!equal) {
        print_error("0x%04x 0x%04x: pc 0x%08x, 0x%08x; flags 0x%08x, 0x%08x\n", first, second, pc, next,
                    core_register(core, CORE_XPSR), flags);
        for (unsigned i = 0; i < 15; i++) {
            print_error("r%u 0x%08x 0x%08x\n", i, core_register(core, i), thumb.r[i]);
        }
    }
    assert_true(equal);
    return true;
}

static void test_every_encoding(void **state) {
    struct bench *bench = *state;
    unsigned done = 0;
    for (unsigned code = 0; code < 0xe800; code += 1 + (unsigned)(random_next(&bench->random) % 8)) {
        bool to_pc = (code & 0xfc87) == 0x4487 || (code & 0xff00) == 0x4700; /* a register as the target: below */
        bool list = code >> 12 == 0xc && !(code & 0xff);
        bool sp = (code & 0xfc87) == 0x4485; /* not aligned: unpredictable */
        bool pc_compare = (code & 0xff00) == 0x4500 && ((code & 0x78) == 0x78 || !(code & 0xc0));
        bool pops_pc = (code & 0xff00) == 0xbd00;
        if (thumb_knows((uint16_t)code, 0) && !to_pc && !list && !sp && !pc_compare && !pops_pc) {
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = { TEST(test_every_encoding), TEST(test_wide) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
