/* Every register of every modelled block of both chips, by the tables made from the CMSIS-SVD files: reset values,
 * read-only bits, read-write bits, write-1-to-clear bits, the atomic aliases (RP2040 datasheet 2.1.2), narrow writes
 * (2.1.4). What does more than that is in the list of exceptions, with the reason. */
#include "tests/unit/unit.h"

#include "emulator/core/block.h"
#include "emulator/machine_private.h"

#include <stdio.h>
#include <string.h>

enum check {
    RESET_VALUE = 1,
    READ_ONLY = 2, /* these bits do not follow a write */
    READ_WRITE = 4,
    W1C = 8,
    ALIASES = 16,
    NARROW = 32,
    WRITES = READ_ONLY | READ_WRITE | ALIASES | NARROW,
    ALL = 63,
};

/* `reg` may end in a star. */
struct exception {
    const char *block, *reg;
    unsigned checks;
    const char *why;
};

static const struct exception exceptions[] = {
#include "tests/unit/register_exceptions.h"
};

static bool matches(const char *pattern, const char *name) {
    size_t length = strlen(pattern);
    if (length && pattern[length - 1] == '*') {
        return !strncmp(pattern, name, length - 1);
    }
    return !strcmp(pattern, name);
}

static bool is_excepted(const struct block *block, const char *reg, enum check check) {
    for (size_t i = 0; i < sizeof(exceptions) / sizeof(exceptions[0]); i++) {
        const struct exception *exception = &exceptions[i];
        if (exception->checks & check && matches(exception->block, block->name) && matches(exception->reg, reg)) {
            return true;
        }
    }
    return false;
}

/* One register under test; a fresh block each time. */
struct place {
    struct machine *machine;
    struct block *block;
    const struct register_desc *desc;
    uint32_t address;
    uint32_t password; /* in the upper half of each store */
    bool failed;       /* one line a register */
    unsigned failures;
};

static uint32_t password_of(const char *name) {
    return !strcmp(name, "POWMAN") ? 0x5afe0000 : !strcmp(name, "ACCESSCTRL") ? 0xacce0000 : 0;
}

static uint32_t load(struct place *place) {
    uint32_t value = 0;
    bus_read(&place->machine->bus, place->address, 4, &value);
    return value;
}

static void store(struct place *place, uint32_t value) {
    bool needs = !(place->desc->writable >> 16); /* scratch registers need no password */
    bus_write(&place->machine->bus, place->address, value | (needs ? place->password : 0), 4);
}

static void expect(struct place *place, const char *what, uint32_t mask, uint32_t wanted) {
    uint32_t value = load(place);
    if ((value ^ wanted) & mask && !place->failed) {
        place->failed = true;
        place->failures++;
        print_message("%s.%s: %s: 0x%08x instead of 0x%08x in bits 0x%08x\n", place->block->name, place->desc->name,
                      what, value, wanted, mask);
    }
}

static void check_reset_value(struct place *place) {
    expect(place, "reset value", UINT32_MAX, place->desc->reset);
}

static void check_read_only(struct place *place) {
    uint32_t free = place->desc->writable | place->desc->w1c | place->desc->trigger;
    uint32_t value = load(place);
    store(place, (value & place->desc->writable) | (~value & ~free));
    expect(place, "read-only bits", ~free, value);
}

static void check_read_write(struct place *place) {
    static const uint32_t patterns[] = { 0xffffffff, 0x00000000, 0xaaaaaaaa, 0x55555555, 0x12345678 };
    uint32_t writable = place->desc->writable;
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        store(place, patterns[i] & writable);
        expect(place, "read-write bits", writable, patterns[i]);
    }
}

static void check_w1c(struct place *place) {
    uint32_t *stored = &place->block->values[place->desc - place->block->registers->descs];
    uint32_t bits = place->desc->w1c;
    for (; bits; bits &= bits - 1) {
        uint32_t bit = bits & -bits;
        *stored |= place->desc->w1c;
        store(place, *stored & ~place->desc->w1c & ~place->desc->trigger);
        expect(place, "write-1-to-clear bits after a 0", place->desc->w1c, UINT32_MAX);
        store(place, (*stored & ~place->desc->w1c & ~place->desc->trigger) | bit);
        expect(place, "write-1-to-clear bits after a 1", place->desc->w1c, ~bit);
    }
}

static void check_aliases(struct place *place) {
    uint32_t writable = place->desc->writable, base = place->address;
    store(place, 0x0ff0a55a & writable);
    place->address = base + 0x1000;
    store(place, 0x33cc33cc & writable);
    expect(place, "after XOR, read through its alias", writable, 0x0ff0a55a ^ 0x33cc33cc);
    place->address = base + 0x2000;
    store(place, 0x11112222 & writable);
    place->address = base + 0x3000;
    store(place, 0x44448888 & writable);
    place->address = base;
    expect(place, "after SET and CLR", writable, ((0x0ff0a55a ^ 0x33cc33cc) | 0x11112222) & ~0x44448888u);
}

/* A byte or halfword reaches all lanes of the word. */
static void check_narrow(struct place *place) {
    uint32_t writable = place->desc->writable;
    for (unsigned lane = 0; lane < 4; lane++) {
        bus_write(&place->machine->bus, place->address + lane, 0xa1 + lane, 1);
        expect(place, "after a byte", writable, (0xa1 + lane) * 0x01010101u);
    }
    bus_write(&place->machine->bus, place->address + 2, 0x3c5a, 2);
    expect(place, "after a halfword", writable, 0x3c5a3c5a);
}

static struct machine *make(const struct chip_desc *chip) {
    struct error error;
    struct machine_desc desc = { .chip = chip, .flash_size = 2u << 20 };
    struct machine *machine = machine_create(&desc, &error);
    assert_non_null(machine);
    for (unsigned i = 0; i < chip->blocks; i++) {
        block_reset(machine->blocks[i]);
    }
    return machine;
}

static void check_register(struct place *place, unsigned reg, enum check check, void (*run)(struct place *place)) {
    place->desc = &place->block->registers->descs[reg];
    bool applies = check == RESET_VALUE || check == READ_ONLY || place->desc->writable;
    applies = check == W1C ? place->desc->w1c != 0 : applies;
    if (!place->desc->name || !applies || is_excepted(place->block, place->desc->name, check)) {
        return;
    }
    block_hold_in_reset(place->block, false);
    block_reset(place->block);
    place->failed = false;
    run(place);
}

static void check_block(struct place *place, const struct block_at *at, enum check check,
                        void (*run)(struct place *place)) {
    bool skipped = at->class == &stub_class || (at->no_aliases && check == ALIASES);
    for (unsigned reg = 0; !skipped && reg < at->registers->count; reg++) {
        place->address = at->base + at->registers->descs[reg].offset;
        check_register(place, reg, check, run);
    }
}

/* Each block in a machine of its own: clocks and resets are among them. */
static void check_chip(const struct chip_desc *chip, enum check check, void (*run)(struct place *place)) {
    unsigned failures = 0;
    for (unsigned i = 0; i < chip->blocks; i++) {
        if (!chip->map[i].registers) {
            continue;
        }
        struct place place = { .machine = make(chip) };
        place.block = place.machine->blocks[i];
        place.password = password_of(place.block->name);
        check_block(&place, &chip->map[i], check, run);
        failures += place.failures;
        machine_destroy(place.machine);
    }
    assert_int_equal(failures, 0);
}

#define FOR_BOTH_CHIPS(name, check, run)                                                                               \
    static void rp2040_##name(void **state) {                                                                          \
        check_chip(&chip_rp2040, check, run);                                                                          \
    }                                                                                                                  \
    static void rp2350_##name(void **state) {                                                                          \
        check_chip(&chip_rp2350, check, run);                                                                          \
    }

FOR_BOTH_CHIPS(reset_values, RESET_VALUE, check_reset_value)
FOR_BOTH_CHIPS(read_only_bits, READ_ONLY, check_read_only)
FOR_BOTH_CHIPS(read_write_bits, READ_WRITE, check_read_write)
FOR_BOTH_CHIPS(write_1_to_clear, W1C, check_w1c)
FOR_BOTH_CHIPS(atomic_aliases, ALIASES, check_aliases)
FOR_BOTH_CHIPS(narrow_writes, NARROW, check_narrow)

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rp2040_reset_values),     cmocka_unit_test(rp2350_reset_values),
        cmocka_unit_test(rp2040_read_only_bits),   cmocka_unit_test(rp2350_read_only_bits),
        cmocka_unit_test(rp2040_read_write_bits),  cmocka_unit_test(rp2350_read_write_bits),
        cmocka_unit_test(rp2040_write_1_to_clear), cmocka_unit_test(rp2350_write_1_to_clear),
        cmocka_unit_test(rp2040_atomic_aliases),   cmocka_unit_test(rp2350_atomic_aliases),
        cmocka_unit_test(rp2040_narrow_writes),    cmocka_unit_test(rp2350_narrow_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
