/* Registers that keep what is written, with the atomic aliases: what a boot ROM finds on a bench. */
#ifndef TESTS_PLAIN_REGISTERS_H
#define TESTS_PLAIN_REGISTERS_H

#include "emulator/core/bus.h"
#include "tests/unit/unit.h"

#define REGISTERS_WORDS 0x400

struct registers {
    uint32_t base;
    uint32_t word[REGISTERS_WORDS];
};

static inline uint32_t registers_read(void *context, uint32_t offset, unsigned size) {
    struct registers *registers = context;
    return registers->word[(offset & 0xfff) / 4];
}

static inline void registers_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
    struct registers *registers = context;
    uint32_t *word = &registers->word[(offset & 0xfff) / 4];
    switch (offset >> 12 & 3) {
    case 0:
        *word = value;
        break;
    case 1:
        *word ^= value;
        break;
    case 2:
        *word |= value;
        break;
    default:
        *word &= ~value;
    }
}

/* `size` bytes at `base`, a multiple of 16 KB or one page. */
static inline void registers_add(struct registers *registers, struct bus *bus, uint32_t base, uint32_t size) {
    registers->base = base;
    assert_true(bus_add_window(
        bus, &(struct bus_window){ "registers", base, size, registers_read, registers_write, registers }));
}

/* The register at an address, in one of `count`. */
static inline uint32_t *registers_word(struct registers *registers, unsigned count, uint32_t address) {
    for (unsigned i = 0; i < count; i++) {
        if (address - registers[i].base < sizeof(registers[i].word)) {
            return &registers[i].word[(address - registers[i].base) / 4];
        }
    }
    fail();
    return NULL;
}

#endif
