/* A core on a bus with ROM, flash and SRAM, for programs of a few instructions. */
#ifndef TESTS_CORE_BENCH_H
#define TESTS_CORE_BENCH_H

#include "tests/unit/unit.h"

#include "emulator/cpu/core.h"
#include "tests/unit/thumb.h"

#include <stdlib.h>
#include <string.h>

#define FLASH 0x10000000u
#define SRAM 0x20000000u
#define DEVICE 0x40000000u /* registers that read as their offset */
#define STACK (SRAM + 0x8000)
#define VECTORS SRAM /* the vector table is at the start of SRAM */
#define CODE (SRAM + 0x1000)
#define HANDLERS (SRAM + 0x2000) /* handler of exception n at HANDLERS + n * 64 */
#define LOG (SRAM + 0x4000)      /* programs note what they do here */

struct bench {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
    struct bus bus;
    struct core *core;
    uint8_t rom[0x4000], flash[0x10000], sram[0x10000];
    unsigned resets, events, services, priority_bits;
    uint64_t gpio[3];
};

static __attribute__((unused)) uint32_t service(void *context, struct core *core, unsigned number) {
    struct bench *bench = context;
    bench->services++;
    core_set_register(core, 0, core_register(core, 0) + core_register(core, 1));
    return number == 1 ? 10 : 1000000;
}

static __attribute__((unused)) void system_reset(void *context, struct core *core) {
    ((struct bench *)context)->resets++;
}

static __attribute__((unused)) uint32_t device_read(void *context, uint32_t offset, unsigned size) {
    return offset;
}

static __attribute__((unused)) void device_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
}

static __attribute__((unused)) uint64_t gpio_read(void *context, enum core_gpio_register reg) {
    return ((struct bench *)context)->gpio[reg];
}

static __attribute__((unused)) void gpio_write(void *context, enum core_gpio_register reg, uint64_t value) {
    ((struct bench *)context)->gpio[reg] = value;
}

static __attribute__((unused)) int set_up_core(void **state, enum core_model model) {
    struct bench *bench = calloc(1, sizeof(*bench));
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    random_init(&bench->random, 1);
    bench->env = (struct environment){ &bench->scheduler, &bench->log, &bench->random, 0 };
    assert_true(bus_init(&bench->bus, &bench->env));
    bus_add_memory(&bench->bus, &(struct bus_memory){ "ROM", 0, sizeof(bench->rom), bench->rom, false });
    bus_add_memory(&bench->bus, &(struct bus_memory){ "flash", FLASH, sizeof(bench->flash), bench->flash, false });
    bus_add_memory(&bench->bus, &(struct bus_memory){ "SRAM", SRAM, sizeof(bench->sram), bench->sram, true });
    bench->priority_bits = model == CORE_M0PLUS ? 2 : 4;
    bus_add_window(&bench->bus, &(struct bus_window){ "device", DEVICE, 4096, device_read, device_write, bench });
    struct error error = { "" };
    bench->core = core_create(
        &(struct core_desc){
            .model = model,
            .env = &bench->env,
            .bus = &bench->bus,
            .rom_call = service,
            .rom_context = bench,
            .system_reset = system_reset,
            .reset_context = bench,
            .gpio = { gpio_read, gpio_write, bench },
        },
        &error);
    assert_non_null(bench->core);
    for (unsigned i = 0; i < 68; i++) {
        uint32_t handler = (HANDLERS + 64 * i) | 1;
        memcpy(bench->sram + 4 * i, &handler, 4);
        memcpy(bench->sram + (HANDLERS - SRAM) + 64 * i, &(uint16_t){ BX(LR) }, 2);
    }
    *state = bench;
    return 0;
}

static __attribute__((unused)) int tear_down(void **state) {
    struct bench *bench = *state;
    core_destroy(bench->core);
    bus_finish(&bench->bus);
    free(bench);
    return 0;
}

/* ---- Helpers ---- */
static __attribute__((unused)) void put(struct bench *bench, uint32_t address, const void *bytes, size_t size) {
    memcpy(bus_memory_at(&bench->bus, address, (uint32_t)size, false), bytes, size);
}
#define PROGRAM(bench, address, ...)                                                                                   \
    do {                                                                                                               \
        const uint16_t program_[] = { __VA_ARGS__ };                                                                   \
        put(bench, address, program_, sizeof(program_));                                                               \
    } while (0)
#define HANDLER(bench, number, ...) PROGRAM(bench, HANDLERS + 64 * (number), __VA_ARGS__)

static __attribute__((unused)) uint32_t word(struct bench *bench, uint32_t address) {
    uint32_t value;
    memcpy(&value, bus_memory_at(&bench->bus, address, 4, false), 4);
    return value;
}

static __attribute__((unused)) void start(struct bench *bench) {
    core_start(bench->core, STACK, CODE, VECTORS);
}

static __attribute__((unused)) void run(struct bench *bench, uint64_t cycles) {
    core_run(bench->core, core_cycles(bench->core) + cycles);
}

static __attribute__((unused)) uint32_t reg(struct bench *bench, unsigned number) {
    return core_register(bench->core, number);
}

/* A store to the system control space, by the core. */
static __attribute__((unused)) void set_ppb(struct bench *bench, uint32_t address, uint32_t value) {
    uint32_t pc = reg(bench, CORE_PC);
    PROGRAM(bench, CODE + 0x800, STR(1, 0, 0), B(-4));
    core_code_changed(bench->core, CODE + 0x800, 4);
    core_set_register(bench->core, 0, address);
    core_set_register(bench->core, 1, value);
    core_set_register(bench->core, CORE_PC, CODE + 0x800);
    run(bench, 1);
    core_set_register(bench->core, CORE_PC, pc);
}

static __attribute__((unused)) void enable_irq(struct bench *bench, unsigned irq, unsigned priority) {
    uint32_t at = 0xe000e400u + (irq & ~3u), shift = 8 * (irq & 3);
    core_set_register(bench->core, 2, 0);
    set_ppb(bench, at, priority << (8 - bench->priority_bits) << shift);
    set_ppb(bench, 0xe000e100u, 1u << irq);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
