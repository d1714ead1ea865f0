/* Skipping passes of polling loops must not be seen: each program runs on two cores, one with every instruction
 * executed (exact), and both must have the same registers, memory, cycle count and accesses at every stop. The code is
 * behind a cache that loses a line from time to time. */
#include "tests/unit/unit.h"

#include "emulator/cpu/internal.h"
#include "tests/unit/thumb.h"

#include <stdlib.h>
#include <string.h>

#define SRAM 0x20000000u
#define CODE SRAM
#define DATA (SRAM + 0x800)
#define STACK (SRAM + 0x1000)
#define CACHED 0x100u /* bytes of code behind the cache */
#define MISS 45
#define BLOCK 0x40000000u
#define CYCLE_PS 8000 /* 125 MHz */
#define TICK_PS PS_PER_US

/* A block with a counter of microseconds (0), its stored upper half (4), a flag that an event sets (8), a register
 * with a side effect (12: counts its loads), and storage (16). From 32 on a divider as SIO has it. */
enum { COUNT, UPPER, FLAG, LOADS, STORAGE, DIVIDER, REGISTERS = DIVIDER + 7 };
enum { UDIVIDEND = DIVIDER, UDIVISOR, SDIVIDEND, SDIVISOR, QUOTIENT, REMAINDER, CSR };
#define DIVIDER_AT 32
struct device {
    struct block block;
    uint32_t start;
    struct event event;
    unsigned stores;
};

static const struct register_desc descs[REGISTERS] = {
    { "COUNT", 0, .writable = 0 },
    { "UPPER", 4, .writable = 0 },
    { "FLAG", 8, .writable = 0xffffffffu },
    { "LOADS", 12, .writable = 0 },
    { "STORAGE", 16, .writable = 0xffffffffu },
    { "DIV_UDIVIDEND", 32, .writable = 0xffffffffu },
    { "DIV_UDIVISOR", 36, .writable = 0xffffffffu },
    { "DIV_SDIVIDEND", 40, .writable = 0xffffffffu },
    { "DIV_SDIVISOR", 44, .writable = 0xffffffffu },
    { "DIV_QUOTIENT", 48, .writable = 0xffffffffu },
    { "DIV_REMAINDER", 52, .writable = 0xffffffffu },
    { "DIV_CSR", 56, .writable = 0 },
};
static const uint16_t ids[] = { 1, 2, 3, 4, 5, 0, 0, 0, 6, 7, 8, 9, 10, 11, 12 };
static const struct register_table table = { descs, REGISTERS, ids, sizeof(ids) / sizeof(ids[0]) };

struct side {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
    struct clock_domain clock;
    struct bus bus;
    struct device *device;
    struct core *core;
    bool there[CACHED / 4]; /* words of code in the cache */
    uint8_t sram[0x1000];
};

struct bench {
    struct side side[2]; /* with skipping, exact */
};

/* ---- The device ---- */
static uint32_t count(struct device *device) {
    return device->start + (uint32_t)(scheduler_now(device->block.env->scheduler) / TICK_PS);
}

static uint32_t device_read(struct block *block, unsigned reg) {
    struct device *device = (struct device *)block;
    if (reg == LOADS) {
        return block->values[LOADS]++;
    }
    if (reg == QUOTIENT) {
        block->values[CSR] = 1;
    }
    return reg == COUNT ? count(device) : block->values[reg];
}

static void divide(uint32_t *values, bool is_signed) {
    uint32_t a = values[UDIVIDEND], b = values[UDIVISOR];
    if (is_signed && b) {
        values[QUOTIENT] = (uint32_t)((int64_t)(int32_t)a / (int32_t)b);
        values[REMAINDER] = (uint32_t)((int64_t)(int32_t)a % (int32_t)b);
    } else {
        values[QUOTIENT] = b ? a / b : is_signed && a >> 31 ? 1 : UINT32_MAX;
        values[REMAINDER] = b ? a % b : a;
    }
}

static void device_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    if (reg < DIVIDER) {
        ((struct device *)block)->stores++;
        return;
    }
    block->values[CSR] = 3;
    if (reg < QUOTIENT) {
        unsigned same = reg < SDIVIDEND ? reg + 2 : reg - 2;
        block->values[same] = value;
        divide(block->values, reg >= SDIVIDEND);
    }
}

static uint64_t device_counts_until(struct block *block, unsigned reg, uint64_t ticks) {
    return reg == COUNT ? (scheduler_now(block->env->scheduler) / TICK_PS + ticks) * TICK_PS : 0;
}

static uint64_t device_holds_until(struct block *block, unsigned reg) {
    switch (reg) {
    case COUNT:
        return device_counts_until(block, COUNT, 1);
    case LOADS:
        return 0;
    default:
        return reg >= DIVIDER && reg < CSR ? 0 : TIME_NEVER;
    }
}

static const struct block_class device_class = {
    .name = "device",
    .size = sizeof(struct device),
    .read = device_read,
    .write = device_write,
    .holds_until = device_holds_until,
    .counts_until = device_counts_until,
};

static void set_flag(struct event *event, uint64_t late_ps) {
    struct device *device = event->owner;
    device->block.values[FLAG] = 1;
}

/* ---- The cache ---- */
static unsigned fetch(void *context, uint32_t address, uint64_t cycle, bool *ret_stays) {
    bool *there = &((struct side *)context)->there[(address - CODE) / 4];
    unsigned waits = *there ? 0 : MISS;
    *there = *ret_stays = true;
    return waits;
}

static void lose_line(struct side *side, uint32_t line) {
    side->there[2 * line] = side->there[2 * line + 1] = false;
    core_line_lost(side->core, CODE + line * CORE_CACHE_LINE);
}

/* ---- The bench ---- */
static void sync_time(struct scheduler *scheduler) {
    struct side *side = scheduler->context;
    uint64_t now = clock_time_of(&side->clock, core_cycles(side->core));
    scheduler->now_ps = now > scheduler->now_ps ? now : scheduler->now_ps;
}

static void set_up_side(struct side *side, enum core_model model, bool exact) {
    scheduler_init(&side->scheduler);
    log_init(&side->log);
    side->env = (struct environment){ &side->scheduler, &side->log, &side->random, 0 };
    clock_init(&side->clock, "clk_sys");
    clock_set_frequency(&side->clock, PS_PER_S / CYCLE_PS, 1, 0);
    bus_init(&side->bus, &side->env);
    bus_add_memory(&side->bus, &(struct bus_memory){ "SRAM", SRAM, sizeof(side->sram), side->sram, true });
    side->device = (struct device *)block_create(&device_class, "device", &side->env, &table);
    side->device->event = (struct event){ .callback = set_flag, .owner = side->device };
    block_start(&side->device->block);
    bus_add_block(&side->bus, &side->device->block, BLOCK, true);
    const struct core_desc desc = {
        .env = &side->env,
        .bus = &side->bus,
        .clock = &side->clock,
        .model = model,
        .exact = exact,
        .divider = BLOCK + DIVIDER_AT,
        .apb_base = BLOCK,
        .apb_size = 0x1000,
        .cache = { .base = CODE, .size = CACHED, .fetch = fetch, .context = side },
    };
    side->core = core_create(&desc, NULL);
    assert_non_null(side->core);
    side->scheduler.context = side;
    side->scheduler.sync = sync_time;
}

static int set_up_cores(void **state, enum core_model model) {
    struct bench *bench = calloc(1, sizeof(*bench));
    set_up_side(&bench->side[0], model, false);
    set_up_side(&bench->side[1], model, true);
    *state = bench;
    return 0;
}

static int set_up(void **state) {
    return set_up_cores(state, CORE_M0PLUS);
}

static int set_up_mainline(void **state) {
    return set_up_cores(state, CORE_M33);
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 2; i++) {
        core_destroy(bench->side[i].core);
        block_destroy(&bench->side[i].device->block);
        bus_finish(&bench->side[i].bus);
    }
    free(bench);
    return 0;
}

static void load_program(struct bench *bench, const uint16_t *program, size_t size) {
    for (unsigned i = 0; i < 2; i++) {
        struct side *side = &bench->side[i];
        memcpy(side->sram, program, size);
        core_start(side->core, STACK, CODE, SRAM);
        core_set_register(side->core, 7, BLOCK);
        core_set_register(side->core, 6, DATA);
    }
}
#define PROGRAM(bench, ...)                                                                                            \
    load_program(bench, (const uint16_t[]){ __VA_ARGS__ }, sizeof((const uint16_t[]){ __VA_ARGS__ }))

static void set_register(struct bench *bench, unsigned number, uint32_t value) {
    core_set_register(bench->side[0].core, number, value);
    core_set_register(bench->side[1].core, number, value);
}

static void run_side(struct side *side, uint64_t until) {
    while (core_cycles(side->core) < until && core_state(side->core) == CORE_RUNNING) {
        uint64_t next = scheduler_next(&side->scheduler);
        uint64_t target = next == TIME_NEVER ? until : (next + CYCLE_PS - 1) / CYCLE_PS;
        core_run(side->core, target < until ? target : until);
        scheduler_advance(&side->scheduler, clock_time_of(&side->clock, core_cycles(side->core)));
    }
    lose_line(side, until % 5);
}

static void compare(struct bench *bench) {
    struct side *a = &bench->side[0], *b = &bench->side[1];
    for (unsigned i = 0; i < CORE_REGISTERS; i++) {
        assert_int_equal(core_register(a->core, i), core_register(b->core, i));
    }
    assert_int_equal(core_cycles(a->core), core_cycles(b->core));
    assert_memory_equal(a->sram, b->sram, sizeof(a->sram));
    assert_int_equal(a->device->block.values[LOADS], b->device->block.values[LOADS]);
    assert_int_equal(a->device->stores, b->device->stores);
    assert_memory_equal(&a->device->block.values[DIVIDER], &b->device->block.values[DIVIDER],
                        (REGISTERS - DIVIDER) * sizeof(uint32_t));
}

/* Run both in odd steps and compare after each. Gives the share of cycles that was skipped, in percent. */
static unsigned run(struct bench *bench, uint64_t cycles) {
    uint64_t step = 7;
    for (uint64_t at = 0; at < cycles; at += step, step = step * 5 / 3 + 1) {
        run_side(&bench->side[0], at + step);
        run_side(&bench->side[1], at + step);
        compare(bench);
    }
    return (unsigned)(bench->side[0].core->polling.skipped * 100 / core_cycles(bench->side[0].core));
}

static uint32_t reg(struct bench *bench, unsigned number) {
    return core_register(bench->side[0].core, number);
}

/* ---- Programs ---- */
#define CC 3
#define CS 2

static void test_wait_for_flag(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, LDR(0, 7, 8), CMP(0, 0), BCC(EQ, -8), LDR(4, 7, 0), WFI);
    for (unsigned i = 0; i < 2; i++) {
        scheduler_add(&bench->side[i].scheduler, &bench->side[i].device->event, 3 * PS_PER_MS + 1234);
    }
    assert_true(run(bench, 500000) > 95);
    assert_int_equal(reg(bench, 4), 3000);
    assert_int_equal(core_state(bench->side[0].core), CORE_WFI);
}

static void test_wait_until_time(void **state) {
    struct bench *bench = *state;
    /* while (COUNT < r3); the loop of the SDK's busy_wait_until() */
    PROGRAM(bench, LDR(0, 7, 4), CMP(0, 0), BCC(NE, 8), LDR(1, 7, 0), 0x4299 /* cmp r1, r3 */, BCC(CC, -14),
            LDR(4, 7, 0), WFI);
    set_register(bench, 3, 5000);
    assert_true(run(bench, 1000000) > 95);
    assert_int_equal(reg(bench, 4), 5000);
}

static void test_wait_for_difference(void **state) {
    struct bench *bench = *state;
    /* start = COUNT; while (COUNT - start <= r3); with a counter that wraps on the way, and a call */
    for (unsigned i = 0; i < 2; i++) {
        bench->side[i].device->start = 0xfffff000u;
    }
    PROGRAM(bench, LDR(2, 7, 0), BL_0(0), BL_1(10), 0x1a80 /* subs r0, r0, r2 */, 0x4298 /* cmp r0, r3 */, BCC(CC, -12),
            LDR(4, 7, 0), WFI, /* subroutine: */ PUSH(0x18, 1), LDR(0, 7, 0), POP(0x18, 1));
    set_register(bench, 3, 6000);
    assert_true(run(bench, 1000000) > 95);
    assert_int_equal(reg(bench, 4) - reg(bench, 2), 6000);
}

/* ... and a pass that is longer than a tick: r1 = COUNT / r2, r4 = COUNT % r2; while (r1 < r3) */
static void test_wait_for_quotient(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, LDR(0, 7, 0), LDR(5, 7, 56), STR(0, 7, 32), STR(2, 7, 36), LDR(4, 7, 52), LDR(1, 7, 48), MOVS(5, 50),
            SUBS(5, 1), BCC(NE, -6), 0x4299 /* cmp r1, r3 */, BCC(CC, -24), LDR(4, 7, 0), WFI);
    set_register(bench, 2, 977);
    set_register(bench, 3, 21);
    assert_true(run(bench, 5000000) > 95);
    assert_true(reg(bench, 4) >= 21 * 977 && reg(bench, 4) < 21 * 977 + 3);
    assert_int_equal(reg(bench, 1), 21);
}

/* The divisor has been stored before the loop. */
static void test_wait_for_remainder(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, LDR(0, 7, 0), STR(0, 7, 32), LDR(1, 7, 52), 0x4299 /* cmp r1, r3 */, BCC(CC, -12), LDR(4, 7, 0),
            WFI);
    for (unsigned i = 0; i < 2; i++) {
        block_write(&bench->side[i].device->block, 36, 100000, ALIAS_NORMAL);
    }
    set_register(bench, 3, 12345);
    assert_true(run(bench, 5000000) > 95);
    assert_int_equal(reg(bench, 4), 12345);
}

/* A loop that reads what the last pass has left in the divider depends on it. */
static void test_quotient_of_the_last_pass(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, LDR(1, 7, 48), LDR(0, 7, 0), STR(0, 7, 32), 0x4299 /* cmp r1, r3 */, BCC(CC, -12), LDR(4, 7, 0),
            WFI);
    for (unsigned i = 0; i < 2; i++) {
        block_write(&bench->side[i].device->block, 36, 100, ALIAS_NORMAL);
    }
    set_register(bench, 3, 30);
    run(bench, 1000000);
    assert_int_equal(reg(bench, 1), 30);
    assert_int_equal(reg(bench, 4), 3000);
}

/* Is the divider in use? The first pass finds it so, the next ones do not. */
static void test_dirty_divider(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, LDR(4, 7, 56), ADD_REG(5, 5, 4), LDR(0, 7, 48), LDR(0, 7, 8), CMP(0, 0), BCC(EQ, -14), WFI);
    for (unsigned i = 0; i < 2; i++) {
        block_write(&bench->side[i].device->block, 36, 100, ALIAS_NORMAL);
        scheduler_add(&bench->side[i].scheduler, &bench->side[i].device->event, 3 * PS_PER_MS);
    }
    run(bench, 500000);
    assert_int_equal(core_state(bench->side[0].core), CORE_WFI);
}

static void test_count_in_a_shift(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, LDR(0, 7, 0), 0x0a81 /* lsrs r1, r0, #10 */, 0x4299 /* cmp r1, r3 */, BCC(CC, -10), LDR(4, 7, 0),
            WFI);
    set_register(bench, 3, 3);
    assert_true(run(bench, 1000000) > 95);
    assert_int_equal(reg(bench, 4), 3072);
}

static void test_kept_count_is_right_at_the_end(void **state) {
    struct bench *bench = *state;
    /* The loop stores what it read last and moves it through two registers. */
    PROGRAM(bench, MOV(9, 8), MOV(8, 1), LDR(1, 7, 0), STR(1, 6, 0), 0x4299 /* cmp r1, r3 */, BCC(CC, -14), WFI);
    set_register(bench, 3, 4000);
    run(bench, 1000000);
    assert_int_equal(reg(bench, 1), 4000);
    assert_int_equal(core_state(bench->side[0].core), CORE_WFI);
}

static void test_wait_in_nested_loops(void **state) {
    struct bench *bench = *state;
    /* do { for (r1 = 5; r1; r1--); } while (!FLAG); */
    PROGRAM(bench, MOVS(1, 5), SUBS(1, 1), BCC(NE, -6), LDR(0, 7, 8), CMP(0, 0), BCC(EQ, -14), LDR(4, 7, 0), WFI);
    for (unsigned i = 0; i < 2; i++) {
        scheduler_add(&bench->side[i].scheduler, &bench->side[i].device->event, 9 * PS_PER_MS);
    }
    assert_true(run(bench, 2000000) > 90);
    assert_int_equal(reg(bench, 4), 9000);
}

static void test_wait_for_memory(void **state) {
    struct bench *bench = *state;
    /* An interrupt handler changes the word that the loop looks at. */
    PROGRAM(bench, LDR(0, 6, 0), CMP(0, 0), BCC(EQ, -8), WFI);
    for (unsigned i = 0; i < 2; i++) {
        static const uint16_t handler[] = { MOVS(0, 1), STR(0, 6, 0), BX(LR) };
        uint32_t vector = (SRAM + 0x200) | 1;
        memcpy(bench->side[i].sram + 0x200, handler, sizeof(handler));
        memcpy(bench->side[i].sram + 0x800 + 64, &vector, 4); /* of exception 16: the table is at DATA */
        core_start(bench->side[i].core, STACK, CODE, DATA);
        nvic_set_enabled(&bench->side[i].core->nvic, 1);
    }
    set_register(bench, 6, DATA + 0x80);
    run(bench, 50000);
    assert_true(bench->side[0].core->polling.skipped > 0);
    for (unsigned i = 0; i < 2; i++) {
        core_set_irq(bench->side[i].core, 0, true);
        core_set_irq(bench->side[i].core, 0, false);
        run_side(&bench->side[i], 100000);
    }
    compare(bench);
    assert_int_equal(core_state(bench->side[0].core), CORE_WFI);
}

static void test_side_effects_are_never_skipped(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, LDR(0, 7, 12), CMP(0, 0), LDR(0, 7, 8), CMP(0, 0), BCC(EQ, -12), WFI);
    assert_int_equal(run(bench, 60000), 0);
    assert_true(bench->side[0].device->block.values[LOADS] > 5000);
}

static void test_stores_to_registers_are_never_skipped(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, STR(0, 7, 16), LDR(0, 7, 8), CMP(0, 0), BCC(EQ, -10), WFI);
    assert_int_equal(run(bench, 60000), 0);
    assert_true(bench->side[0].device->stores > 5000);
}

static void test_counting_loops_are_never_skipped(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, ADDS(5, 1), LDR(0, 7, 8), CMP(0, 0), BCC(EQ, -10), WFI);
    assert_int_equal(run(bench, 60000), 0);
    PROGRAM(bench, LDR(5, 6, 0), ADDS(5, 1), STR(5, 6, 0), LDR(0, 7, 8), CMP(0, 0), BCC(EQ, -14), WFI);
    assert_int_equal(run(bench, 60000), 0);
}

static void test_systick_is_served_in_time(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, LDR(0, 7, 8), CMP(0, 0), BCC(EQ, -8), WFI);
    for (unsigned i = 0; i < 2; i++) {
        static const uint16_t handler[] = { ADDS(5, 1), LDR(4, 7, 0), BX(LR) };
        uint32_t vector = (SRAM + 0x200) | 1;
        memcpy(bench->side[i].sram + 0x200, handler, sizeof(handler));
        memcpy(bench->side[i].sram + 0x800 + 60, &vector, 4);
        core_start(bench->side[i].core, STACK, CODE, DATA);
        scs_write(bench->side[i].core, 0xe000e014, 4999, 4);
        scs_write(bench->side[i].core, 0xe000e018, 0, 4);
        scs_write(bench->side[i].core, 0xe000e010, 7, 4);
    }
    assert_true(run(bench, 1000000) > 80);
    assert_true(reg(bench, 5) > 190);
}

/* ---- Armv8-M Mainline ---- */
static void test_wait_until_64_bit_time(void **state) {
    struct bench *bench = *state;
    /* while ((UPPER:COUNT) < r5:r4), as two words are compared, with an IT block that counts nothing */
    PROGRAM(bench, LDR(0, 7, 0), LDR(1, 7, 4), 0x42a0 /* cmp r0, r4 */, 0xeb71, 0x0205 /* sbcs.w r2, r1, r5 */,
            0xbf34 /* ite cc */, MOVS(3, 1), MOVS(3, 0), 0xb90b /* cbnz r3, wait */, LDR(4, 7, 0), WFI,
            /* wait: */ 0xf240, 0x1123 /* movw r1, #0x123 */, 0xf7ff, 0xbff1 /* b.w */);
    set_register(bench, 4, 5000);
    set_register(bench, 5, 0);
    assert_true(run(bench, 1000000) > 95);
    assert_int_equal(reg(bench, 4), 5000);
    assert_int_equal(core_state(bench->side[0].core), CORE_WFI);
}

static void test_wait_for_difference_of_64_bits(void **state) {
    struct bench *bench = *state;
    /* SUBS, SBC, CMP, SBCS: while (now - start < r10) */
    PROGRAM(bench, LDR(0, 7, 0), LDR(1, 7, 4), 0x1b02 /* subs r2, r0, r4 */, 0xeb61, 0x0305 /* sbc.w r3, r1, r5 */,
            0x4552 /* cmp r2, r10 */, 0xf173, 0x0300 /* sbcs.w r3, r3, #0 */, 0xf4ff, 0xaff6 /* bcc.w */, LDR(4, 7, 0),
            WFI);
    set_register(bench, 4, 0);
    set_register(bench, 5, 0);
    set_register(bench, 10, 4000);
    assert_true(run(bench, 2000000) > 90);
    assert_int_equal(core_state(bench->side[0].core), CORE_WFI);
}

static void test_wait_with_wide_instructions(void **state) {
    struct bench *bench = *state;
    /* do { a call that saves many registers, a table branch, a bit field of FLAG } while (!FLAG); */
    PROGRAM(bench, 0xf000, 0xf805 /* bl */, 0xb908 /* cbnz r0, end */, 0xf7ff, 0xbffb /* b.w */, LDR(4, 7, 0), WFI,
            /* subroutine: */ 0xe92d, 0x4ff0 /* push.w */, 0xf8d7, 0x0008 /* ldr.w r0, [r7, #8] */, 0xb001,
            0xb081 /* add, sub sp */, 0xf3c0, 0x0003 /* ubfx r0, r0, #0, #4 */, 0xe9c6, 0x0100 /* strd r0, r1, [r6] */,
            0xe8bd, 0x8ff0 /* pop.w pc */);
    for (unsigned i = 0; i < 2; i++) {
        scheduler_add(&bench->side[i].scheduler, &bench->side[i].device->event, 3 * PS_PER_MS + 1234);
    }
    assert_true(run(bench, 500000) > 90);
    assert_int_equal(reg(bench, 4), 3000);
}

static void test_basepri_lets_more_urgent_interrupts_in(void **state) {
    struct bench *bench = *state;
    PROGRAM(bench, 0xf380, 0x8811 /* msr basepri, r0 */, LDR(1, 6, 0), CMP(1, 0), BCC(EQ, -8), WFI);
    for (unsigned i = 0; i < 2; i++) {
        static const uint16_t handler[] = { MOVS(1, 1), ADDS(5, 1), 0x6071 /* str r1, [r6, #4] */, BX(LR) };
        uint32_t vector = (SRAM + 0x200) | 1;
        memcpy(bench->side[i].sram + 0x200, handler, sizeof(handler));
        memcpy(bench->side[i].sram + 0x800 + 64, &vector, 4);
        memcpy(bench->side[i].sram + 0x800 + 68, &vector, 4);
        core_start(bench->side[i].core, STACK, CODE, DATA);
        scs_write(bench->side[i].core, 0xe000e400, 0x2060, 4); /* priorities 0x60 and 0x20 */
        nvic_set_enabled(&bench->side[i].core->nvic, 3);
    }
    set_register(bench, 0, 0x40);
    set_register(bench, 5, 0);
    set_register(bench, 6, DATA + 0x80);
    run(bench, 50000);
    for (unsigned irq = 0; irq < 2; irq++) {
        for (unsigned i = 0; i < 2; i++) {
            core_set_irq(bench->side[i].core, irq, true);
            core_set_irq(bench->side[i].core, irq, false);
            run_side(&bench->side[i], 100000 + 50000 * irq);
        }
        compare(bench);
        assert_int_equal(reg(bench, 5), irq); /* the first one is masked */
    }
    assert_true(bench->side[0].core->polling.skipped > 0);
}

/* ---- Loops of any kind ---- */
struct loop {
    uint16_t code[64];
    unsigned halves;
};

static void add(struct loop *loop, uint16_t half) {
    loop->code[loop->halves++] = half;
}

/* Something with r0 to r5: loads of the device and of memory, arithmetic with and without carry, stores. */
static void add_narrow(struct loop *loop, unsigned choice, unsigned d, unsigned n, unsigned m, unsigned imm) {
    const uint16_t codes[] = {
        LDR(d, 7, 0),
        LDR(d, 7, 4),
        LDR(d, 7, 8),
        LDR(d, 6, 4),
        STR(d, 6, 4),
        ADD_REG(d, n, m),
        0x1a00 | m << 6 | n << 3 | d,   /* subs */
        0x4140 | m << 3 | d,            /* adcs */
        0x4180 | m << 3 | d,            /* sbcs */
        0x4280 | m << 3 | d,            /* cmp */
        0x0800 | imm << 6 | m << 3 | d, /* lsrs */
        0x4000 | m << 3 | d,            /* ands */
        MOVS(d, imm),
        MOV(d, m),
        ADDS(d, imm),
        0x4240 | m << 3 | d, /* rsbs */
        0x4300 | m << 3 | d, /* orrs */
        0x4040 | m << 3 | d, /* eors */
        0x4380 | m << 3 | d, /* bics */
        0x43c0 | m << 3 | d, /* mvns */
        MULS(d, m),
        LSLS(d, m, imm),
        0x1000 | imm << 6 | m << 3 | d, /* asrs */
        0x40c0 | m << 3 | d,            /* lsrs, by a register */
        0xb280 | m << 3 | d,            /* uxth */
        0xb2c0 | m << 3 | d,            /* uxtb */
        LDRB(d, 6, 4),
        STRH(d, 6, 4),
        LDR(d, 7, 4 * (8 + imm % 7)), /* the divider */
        LDR(d, 7, 48),
        STR(d, 7, 4 * (8 + imm % 6)),
        STR(d, 7, 32),
        STR(d, 7, 36),
    };
    add(loop, codes[choice % (sizeof(codes) / sizeof(codes[0]))]);
}

static void add_wide(struct loop *loop, unsigned choice, unsigned d, unsigned n, unsigned m, unsigned imm) {
    const uint16_t codes[][2] = {
        { 0xeb70 | n, d << 8 | m },                                   /* sbcs.w */
        { 0xeb00 | n, d << 8 | (imm & 3) << 6 | m },                  /* add.w */
        { 0xf5b0 | n, 0x7f00 | (imm << 2 & 0xff) },                   /* cmp.w */
        { 0xfbb0 | n, 0xf0f0 | d << 8 | m },                          /* udiv */
        { 0xf3c0 | n, d << 8 | (imm & 7) << 6 | 12 },                 /* ubfx */
        { 0xe9c6, n << 12 | m << 8 | 2 },                             /* strd [r6, #8] */
        { 0xf8d7, d << 12 },                                          /* ldr.w [r7] */
        { 0xfba0 | n, d << 12 | 5 << 8 | m },                         /* umull, high word to r5 */
        { 0xfb00 | n, m << 12 | d << 8 | 0x10 | (imm % 5) },          /* mls */
        { 0xfa20 | n, 0xf000 | d << 8 | m },                          /* lsr.w by a register */
        { 0xea50 | n, (imm & 7) << 12 | d << 8 | 0x10 | m },          /* orrs.w, shifted */
        { 0xf7ff & (0xf1a0 | n), d << 8 | (imm & 15) },               /* sub.w */
        { 0xbf00 | (imm % 14) << 4 | 8, 0x4400 | (m << 3) | d },      /* it; add */
        { 0xbf00 | (imm % 14) << 4 | 8, (uint16_t)MOVS(d, imm & 7) }, /* it; mov */
    };
    const uint16_t *code = codes[choice % (sizeof(codes) / sizeof(codes[0]))];
    add(loop, code[0]);
    add(loop, code[1]);
}

static void make_loop(struct bench *bench, struct random *random, struct loop *loop) {
    bool mainline = bench->side[0].core->desc.model == CORE_M33;
    unsigned count = 2 + random_next(random) % 7;
    loop->halves = 0;
    add(loop, LDR(random_next(random) % 5, 7, 0));
    for (unsigned i = 0; i < count; i++) {
        uint64_t bits = random_next(random);
        unsigned d = bits % 5, n = (bits >> 8) % 6, m = (bits >> 16) % 6, imm = bits >> 24 & 31,
                 choice = bits >> 32 & 255;
        if (bits >> 40 & 7) {
            (mainline && bits >> 43 & 1 ? add_wide : add_narrow)(loop, choice, d, n, m, imm);
        } else { /* a branch forwards, over one instruction */
            add(loop, BCC((choice % 14), 0));
            add(loop, ADDS(d, imm & 1));
        }
    }
    uint64_t bits = random_next(random);
    add(loop, 0x4280 | 5 << 3 | (bits >> 8) % 5); /* cmp with r5, which stays */
    add(loop, BCC(((bits >> 16) % 14), -2 * (int)loop->halves - 4));
    add(loop, WFI);
}

static void test_random_loops(void **state) {
    struct bench *bench = *state;
    struct random random;
    unsigned skipping = 0;
    random_init(&random, 5);
    for (unsigned i = 0; i < 1500; i++) {
        struct loop loop;
        make_loop(bench, &random, &loop);
        for (unsigned side = 0; side < 2; side++) {
            core_reset(bench->side[side].core);
            core_code_changed(bench->side[side].core, SRAM, sizeof(loop.code));
        }
        load_program(bench, loop.code, 2 * loop.halves);
        for (unsigned reg = 0; reg < 6; reg++) {
            uint32_t now = count(bench->side[0].device);
            set_register(bench, reg, reg == 5 || random_next(&random) & 1 ? now + random_next(&random) % 300 : reg);
        }
        uint64_t before = bench->side[0].core->polling.skipped, start = core_cycles(bench->side[0].core);
        for (uint64_t step = 7, at = 0; at < 40000; at += step, step = step * 5 / 3 + 1) {
            run_side(&bench->side[0], start + at + step);
            run_side(&bench->side[1], start + at + step);
            compare(bench);
        }
        skipping += bench->side[0].core->polling.skipped > before;
        for (unsigned side = 0; side < 2; side++) { /* one that has ended: both go on at the same time */
            core_skip_to(bench->side[side].core, start + 60000);
        }
    }
    assert_true(skipping > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#define MAINLINE(name)                                                                                                 \
    { #name " (mainline)", name, set_up_mainline, tear_down, NULL }
#define BOTH(name) TEST(name), MAINLINE(name)

int main(void) {
    const struct CMUnitTest tests[] = {
        BOTH(test_wait_for_flag),
        BOTH(test_wait_until_time),
        BOTH(test_wait_for_difference),
        BOTH(test_wait_for_quotient),
        BOTH(test_wait_for_remainder),
        BOTH(test_quotient_of_the_last_pass),
        BOTH(test_dirty_divider),
        BOTH(test_count_in_a_shift),
        BOTH(test_kept_count_is_right_at_the_end),
        BOTH(test_wait_in_nested_loops),
        BOTH(test_wait_for_memory),
        BOTH(test_side_effects_are_never_skipped),
        BOTH(test_stores_to_registers_are_never_skipped),
        BOTH(test_counting_loops_are_never_skipped),
        BOTH(test_systick_is_served_in_time),
        BOTH(test_random_loops),
        MAINLINE(test_wait_until_64_bit_time),
        MAINLINE(test_wait_for_difference_of_64_bits),
        MAINLINE(test_wait_with_wide_instructions),
        MAINLINE(test_basepri_lets_more_urgent_interrupts_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
