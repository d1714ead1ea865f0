/* The exception stress test (src/m33_stress.c) on bare Cortex-M33s: two cores, SRAM, coprocessor 0, interrupts at
 * random moments. More than 100,000 exceptions in all; the program compares every register. */
#include "tests/unit/unit.h"

#include "emulator/cpu/core.h"
#include "firmware-loader/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SRAM 0x20000000u
#define SRAM_SIZE 0x80000u
#define EXCEPTIONS 60000 /* each core */
#define VECTORS 68

struct state { /* as in m33_stress.c */
    uint32_t exceptions[VECTORS];
    uint32_t depth, deepest, passes, failures, failed_at, expected, got, wanted, done, random;
};

struct rig {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
    struct bus bus;
    struct core *cores[2];
    uint8_t sram[SRAM_SIZE];
    uint64_t pins[3];
};

static const char *program;

static uint32_t read_cpuid(void *context, uint32_t offset, unsigned size) {
    return ((struct rig *)context)->env.core;
}

static void write_nothing(void *context, uint32_t offset, uint32_t value, unsigned size) {
}

static uint64_t read_pins(void *context, enum core_gpio_register reg) {
    return ((struct rig *)context)->pins[reg];
}

static void write_pins(void *context, enum core_gpio_register reg, uint64_t value) {
    ((struct rig *)context)->pins[reg] = value;
}

static void print_log(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line) {
    fprintf(stderr, "    %s: %s\n", source, line);
}

static uint32_t word(const struct rig *rig, uint32_t address) {
    uint32_t value;
    memcpy(&value, rig->sram + (address - SRAM), 4);
    return value;
}

static struct state *state_of(struct rig *rig, unsigned core) {
    return (struct state *)(rig->sram + (word(rig, SRAM + 4) - SRAM)) + core;
}

static struct rig *create(unsigned cores) {
    struct rig *rig = calloc(1, sizeof(*rig));
    struct error error = { "" };
    struct image image;
    scheduler_init(&rig->scheduler);
    log_init(&rig->log);
    rig->log.sink = print_log;
    random_init(&rig->random, 1);
    rig->env = (struct environment){ &rig->scheduler, &rig->log, &rig->random, 0 };
    assert_true(bus_init(&rig->bus, &rig->env));
    bus_add_memory(&rig->bus, &(struct bus_memory){ "SRAM", SRAM, SRAM_SIZE, rig->sram, true });
    bus_add_window(&rig->bus,
                   &(struct bus_window){ "SIO", 0xd0000000, 4096, read_cpuid, write_nothing, .context = rig });
    assert_true(image_load(&image, program, CHIP_UNKNOWN, &error));
    image_copy(&image, SRAM, rig->sram, SRAM_SIZE);
    image_finish(&image);
    for (unsigned i = 0; i < cores; i++) {
        struct core_desc desc = {
            .model = CORE_M33,
            .index = i,
            .env = &rig->env,
            .bus = &rig->bus,
            .gpio = { read_pins, write_pins, rig },
        };
        rig->cores[i] = core_create(&desc, &error);
        assert_non_null(rig->cores[i]);
        state_of(rig, i)->wanted = EXCEPTIONS;
        core_start(rig->cores[i], SRAM + SRAM_SIZE, word(rig, SRAM), SRAM);
    }
    return rig;
}

static void destroy(struct rig *rig) {
    core_destroy(rig->cores[0]);
    core_destroy(rig->cores[1]);
    bus_finish(&rig->bus);
    free(rig);
}

/* Some cycles for one core, and perhaps an interrupt. */
static void step(struct rig *rig, unsigned core) {
    struct core *c = rig->cores[core];
    uint64_t random = random_next(&rig->random);
    core_run(c, core_cycles(c) + 20 + random % 4000);
    unsigned irq = random >> 32 & 7;
    if (irq < 4) {
        core_set_irq(c, irq, true);
        core_set_irq(c, irq, false);
    }
    core_wake(c);
}

static void check(struct rig *rig, unsigned core) {
    struct state *s = state_of(rig, core);
    uint32_t total = 0;
    for (unsigned i = 0; i < VECTORS; i++) {
        total += s->exceptions[i];
    }
    print_message("core %u: %u exceptions (%u SVC, %u PendSV, %u SysTick, %u %u %u %u), %u deep, %u passes\n", core,
                  total, s->exceptions[11], s->exceptions[14], s->exceptions[15], s->exceptions[16], s->exceptions[17],
                  s->exceptions[18], s->exceptions[19], s->deepest, s->passes);
    if (s->failures) {
        fail_msg("core %u: failure at %u: 0x%08x, expected 0x%08x", core, s->failed_at, s->got, s->expected);
    }
    assert_true(s->done);
    assert_true(total >= EXCEPTIONS);
    assert_true(s->deepest >= 3);
    for (unsigned number = 14; number < 20; number++) {
        assert_true(s->exceptions[number] > 100);
    }
}

static void run(unsigned cores) {
    struct rig *rig = create(cores);
    for (unsigned steps = 0; steps < 4000000; steps++) {
        bool done = true;
        for (unsigned i = 0; i < cores; i++) {
            if (!state_of(rig, i)->done) {
                step(rig, i);
                done = false;
            }
        }
        if (done) {
            break;
        }
    }
    for (unsigned i = 0; i < cores; i++) {
        check(rig, i);
    }
    destroy(rig);
}

static void test_two_cores(void **state) {
    run(2);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        return 77;
    }
    program = argv[1];
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_two_cores) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
