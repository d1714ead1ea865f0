/* The RP2350's boot ROM on a bus with plain registers, RAM and a flash, and what to put into that flash. */
#ifndef TESTS_BOOTROM_BENCH_H
#define TESTS_BOOTROM_BENCH_H

#include "tests/unit/plain_registers.h"
#include "tests/unit/unit.h"

#include "emulator/bootrom/bootrom.h"
#include "emulator/bootrom/picobin.h"
#include "emulator/bootrom/rp2350_private.h"

#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#define SRAM 0x20000000u
#define SRAM_SIZE 0x82000u
#define FLASH_SIZE 0x400000u

struct bench {
    struct log log;
    struct scheduler scheduler;
    struct random random;
    struct environment env;
    struct bus bus;
    struct bootrom rom;
    struct registers registers[24];
    unsigned register_count;
    uint8_t image[BOOTROM_RP2350_SIZE];
    uint8_t *sram;
    uint8_t *flash;
    uc_engine *uc;
    bool usb_boot;
    enum bootrom_usb_reason reason;
    uint32_t usb_disabled;
    unsigned erased, programmed;
};

static __attribute__((unused)) void add_registers(struct bench *b, uint32_t base, uint32_t size) {
    registers_add(&b->registers[b->register_count++], &b->bus, base, size);
}

static __attribute__((unused)) uint32_t *word_at(struct bench *b, uint32_t address) {
    return registers_word(b->registers, b->register_count, address);
}

/* As the chip does: addresses beyond its size wrap, an erase begins at its sector. */
static __attribute__((unused)) uint64_t erase(void *context, uint32_t offset, uint32_t size) {
    struct bench *b = context;
    memset(b->flash + offset % FLASH_SIZE / size * size, 0xff, size);
    b->erased++;
    return 0;
}

static __attribute__((unused)) uint64_t program(void *context, uint32_t offset, const uint8_t *data, uint32_t size) {
    struct bench *b = context;
    for (uint32_t i = 0; i < size; i++) {
        b->flash[(offset + i) % FLASH_SIZE] = data[i];
    }
    b->programmed++;
    return 0;
}

static __attribute__((unused)) void usb_boot(void *context, enum bootrom_usb_reason reason, uint32_t pins,
                                             uint32_t disabled) {
    struct bench *b = context;
    b->usb_boot = true;
    b->reason = reason;
    b->usb_disabled = disabled;
}

static __attribute__((unused)) bool otp_program(void *context, uint32_t row, uint32_t value) {
    struct bench *b = context;
    if (row < 0x400) {
        *word_at(b, 0x40134000 + 4 * row) |= value;
    }
    return row < 0x400;
}

static __attribute__((unused)) int setup(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    static const uint32_t bases[] = { 0x40000000, 0x40008000, 0x40010000, 0x40018000, 0x40020000, 0x40030000,
                                      0x40038000, 0x40040000, 0x400d0000, 0x400d8000, 0x40100000, 0x40108000,
                                      0x40120000, 0x40130000, 0x40134000, 0xd0000000 };
    *state = b;
    b->sram = calloc(1, SRAM_SIZE);
    b->flash = malloc(FLASH_SIZE);
    memset(b->flash, 0xff, FLASH_SIZE);
    log_init(&b->log);
    scheduler_init(&b->scheduler);
    random_init(&b->random, 1);
    b->env = (struct environment){ .scheduler = &b->scheduler, .log = &b->log, .seed = &b->random };
    assert_true(bus_init(&b->bus, &b->env));
    for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        add_registers(b, bases[i], 0x4000);
    }
    add_registers(b, 0x400e0000, 0x1000);
    bus_add_memory(&b->bus, &(struct bus_memory){ "sram", SRAM, SRAM_SIZE, b->sram, true });
    bus_add_memory(&b->bus, &(struct bus_memory){ "flash", 0x10000000, FLASH_SIZE, b->flash, false });
    *word_at(b, 0xd0000008) = 1u << 27; /* BOOTSEL is not held */
    *word_at(b, 0x400e0808) = 0xff;     /* no boot lock is claimed */
    b->rom = (struct bootrom){ .env = &b->env,
                               .bus = &b->bus,
                               .flash = { .context = b, .erase = erase, .program = program },
                               .usb_boot = usb_boot,
                               .otp_program = otp_program,
                               .context = b };
    bootrom_rp2350_build(b->image);
    return 0;
}

static __attribute__((unused)) int teardown(void **state) {
    struct bench *b = *state;
    if (b->uc) {
        uc_close(b->uc);
    }
    bus_finish(&b->bus);
    free(b->sram);
    free(b->flash);
    free(b);
    return 0;
}

static __attribute__((unused)) int32_t serve(struct bench *b, unsigned number, uint32_t r0, uint32_t r1, uint32_t r2,
                                             uint32_t r3) {
    struct bootrom_call call = { { r0, r1, r2, r3 } };
    bootrom_rp2350_serve(&b->rom, number, &call);
    return (int32_t)call.r[0];
}

static __attribute__((unused)) void put(uint8_t *at, uint32_t offset, const uint32_t *words, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        for (unsigned byte = 0; byte < 4; byte++) {
            at[offset + 4 * i + byte] = (uint8_t)(words[i] >> 8 * byte);
        }
    }
}

#define IMAGE_ARM 0x10210142u /* secure Arm executable for the RP2350 */
#define BLOCK_START 0xffffded3u
#define BLOCK_END 0xab123579u

/* A vector table and a block with an image definition and a version that links to itself. */
static __attribute__((unused)) void put_image(uint8_t *at, uint32_t type, uint32_t version, uint32_t entry) {
    const uint32_t vectors[] = { 0x20082000, entry };
    const uint32_t block[] = { BLOCK_START, type, 0x00000248, version, 0x000003ff, 0, BLOCK_END };
    put(at, 0, vectors, 2);
    put(at, 0x100, block, 7);
}

static __attribute__((unused)) struct bootrom_call boot(struct bench *b) {
    struct bootrom_call call = { { 0 } };
    bootrom_rp2350_serve(&b->rom, RP2350_BEGIN, &call);
    if (!call.r[0]) {
        bootrom_rp2350_serve(&b->rom, RP2350_BOOT, &call);
    }
    *word_at(b, 0x40120160) = *word_at(b, 0x401000a8) = 0; /* BOOTDIS.NOW: write 1 to clear */
    return call;
}

#define PARTITION(first, last) (0xfc000000u | (last) << 13 | (first))

#define WORKAREA SRAM + 0x10000, 3264
#define TRY 0x80000000u /* in an IMAGE_TYPE item */

/* Three partitions, in slot 1: A and its B, and one for data with an id, a family of its own and a name. */
static __attribute__((unused)) void put_pair(struct bench *b) {
    const uint32_t table[] = { BLOCK_START, 0x03000c0a,         0xfc078000, PARTITION(2, 65),
                               0xfc020000,  PARTITION(66, 129), 0xfc020002, PARTITION(130, 193),
                               0xfc011681,  0x11111111,         0x22222222, 0x0badcafe,
                               0x74616403,  0x00000cff,         0,          BLOCK_END };
    put(b->flash, 0x1000, table, 16);
    put_image(b->flash + 0x2000, IMAGE_ARM, 1, 0x10000201);
    put_image(b->flash + 0x42000, IMAGE_ARM, 2, 0x10000301);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
