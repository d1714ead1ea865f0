/* A snapshot that somebody has made up: one that a machine with busy devices has saved, with some of its bytes changed.
 * It is refused, or the machine goes on with it for a while. (As bytes alone it would be over a megabyte, and hardly
 * ever got past its first section.) The first byte chooses the chip; then eight bytes a change: section, how many bytes
 * (1 to 4), offset in it (2), value (4). */
#include "emulator/core/scheduler.h"
#include "emulator/machine_private.h"
#include "peripherals/parts/part.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#define RECORD 8
#define SRAM 0x20000000u
#define STORES 400
#define RUN_PS (20 * PS_PER_US)
#define SECTIONS 128
#define PARTS 7

struct bench {
    struct machine *machine;
    struct part *parts[PARTS];
    struct machine_companion companion;
};

struct section {
    size_t at, size; /* of its contents */
};

struct base {
    uint8_t *bytes;
    size_t size;
    struct section sections[SECTIONS];
    unsigned count;
};

/* ---- A machine with parts ---- */
static void walk_parts(void *context, struct walk *walk) {
    struct bench *bench = context;
    for (unsigned i = 0; i < PARTS; i++) {
        part_walk(bench->parts[i], walk);
    }
}

/* The n-th pin of a part is at the n-th GPIO from its first one. */
static void place(struct bench *bench, unsigned index, const char *type, unsigned gpio) {
    struct error error;
    const struct part_class *class = part_class_find(type);
    struct part *part = part_create(class, type, &bench->machine->env, &error);
    for (unsigned i = 0; part && i < part_pin_count(class); i++) {
        part_connect(part, class->pins[i].name, machine_gpio(bench->machine, gpio + i), &error);
    }
    if (!part || !part_start(part, &error)) {
        abort();
    }
    bench->parts[index] = part;
}

static bool build(struct bench *bench, const struct chip_desc *chip) {
    static const char *const types[PARTS] = { "st7789", "ssd1306",   "as5600",     "pushbutton",
                                              "led",    "touch-pad", "dvi-monitor" };
    static const unsigned gpios[PARTS] = { 16, 4, 0, 12, 10, 9, 12 };
    struct error error;
    struct machine_desc desc = { .chip = chip, .flash_size = 2u << 20 };
    desc.psram_size = chip->has_second_select ? 2u << 20 : 0;
    *bench = (struct bench){ .machine = machine_create(&desc, &error) };
    if (!bench->machine) {
        return false;
    }
    for (unsigned i = 0; i < PARTS; i++) {
        place(bench, i, types[i], gpios[i]);
    }
    bench->companion = (struct machine_companion){ .walk = walk_parts, .context = bench };
    machine_accompany(bench->machine, &bench->companion);
    return true;
}

static void finish(struct bench *bench) {
    for (unsigned i = 0; i < PARTS; i++) {
        part_destroy(bench->parts[i]);
    }
    machine_destroy(bench->machine);
}

/* ---- What is changed ---- */
static void start(struct machine *machine) {
    static const uint16_t count[] = { 0x3001, 0xe7fd }; /* adds r0, #1; b .-2 */
    struct error error;
    machine_load(machine, SRAM, (const uint8_t *)count, sizeof(count), &error);
    machine_power_on(machine, 0);
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_start(machine_core(machine, i), SRAM + 0x2000 + 0x1000 * i, SRAM, SRAM);
    }
    block_write(machine_block(machine, "RESETS"), 0, 0, ALIAS_NORMAL);
}

/* Stores all over the chip, the same in each run. */
static void make_busy(struct machine *machine) {
    struct random random;
    random_init(&random, 3);
    start(machine);
    for (unsigned i = 0; i < STORES; i++) {
        uint64_t bits = random_next(&random), value = random_next(&random);
        const struct block_at *at = &machine->chip->map[bits % machine->chip->blocks];
        bool halts = strstr("CLOCKS PSM RESETS WATCHDOG XOSC ROSC PLL_SYS", at->name) != NULL;
        if (at->registers && !halts) {
            uint32_t offset = 4 * (uint32_t)((bits >> 16) % at->registers->words);
            bus_write(&machine->bus, at->base + offset, (uint32_t)(value & value >> 32), 4);
        }
        if (bits >> 60 == 0) {
            machine_run(machine, machine_now(machine) + RUN_PS);
        }
    }
}

static void find_sections(struct base *base) {
    for (size_t at = 0; at < base->size && base->count < SECTIONS;) {
        const uint8_t *length = base->bytes + at + 1 + base->bytes[at] + 2;
        size_t size = length[0] | (size_t)length[1] << 8 | (size_t)length[2] << 16 | (size_t)length[3] << 24;
        size_t contents = at + 1 + base->bytes[at] + 6;
        base->sections[base->count++] = (struct section){ contents, size };
        at = contents + size;
    }
}

static const struct base *base_of(const struct chip_desc *chip) {
    static struct base bases[2];
    struct base *base = &bases[chip == &chip_rp2350];
    struct bench bench;
    struct error error;
    if (!base->bytes && build(&bench, chip)) {
        make_busy(bench.machine);
        if (!machine_save(bench.machine, &base->bytes, &base->size, &error)) {
            abort();
        }
        finish(&bench);
        find_sections(base);
    }
    return base;
}

static void change(const struct base *base, uint8_t *bytes, const uint8_t *record) {
    const struct section *section = &base->sections[record[0] % base->count];
    size_t at = (size_t)(record[2] | record[3] << 8), count = record[1] % 4 + 1u;
    if (section->size) {
        at %= section->size;
        count = count < section->size - at ? count : section->size - at;
        memcpy(bytes + section->at + at, record + 4, count);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    const struct chip_desc *chip = size && *input & 1 ? &chip_rp2350 : &chip_rp2040;
    const struct base *base = base_of(chip);
    struct bench bench;
    struct error error;
    uint8_t *bytes = malloc(base->size);
    if (!bytes || !build(&bench, chip)) {
        free(bytes);
        return 0;
    }
    memcpy(bytes, base->bytes, base->size);
    for (size_t i = 1; i + RECORD <= size; i += RECORD) {
        change(base, bytes, input + i);
    }
    if (machine_load_state(bench.machine, bytes, base->size, &error)) {
        machine_run(bench.machine, machine_now(bench.machine) + RUN_PS);
        for (unsigned i = 0; i < PARTS; i++) {
            part_view(bench.parts[i], 0);
        }
    }
    finish(&bench);
    free(bytes);
    return 0;
}
