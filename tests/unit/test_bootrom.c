/* The RP2040's boot ROM: tables as pico-sdk walks them, its Thumb code run on a bare engine, its calls on a bus with
 * plain registers. */
#include "tests/unit/plain_registers.h"
#include "tests/unit/unit.h"

#include "emulator/bootrom/bootrom.h"
#include "emulator/bootrom/rp2040_services.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unicorn/unicorn.h>

#define SRAM 0x20000000u
#define SRAM_SIZE 0x42000u
#define FLASH_SIZE 0x200000u
#define RETURN_TO 0x20040000u

struct bench {
    struct log log;
    struct scheduler scheduler;
    struct environment env;
    struct bus bus;
    struct clock_domain clock;
    struct bootrom rom;
    struct registers registers[16];
    unsigned register_count;
    uint8_t image[BOOTROM_RP2040_SIZE];
    uint8_t *sram;
    uint8_t *flash;
    uc_engine *uc;
    bool usb_boot;
    uint32_t usb_pins, usb_disabled;
    uint32_t fifo_out[16], fifo_in[16]; /* core 1's side */
    unsigned out_count, in_count, in_next;
    unsigned programmed, erased;
};

static void add_registers(struct bench *b, uint32_t base) {
    registers_add(&b->registers[b->register_count++], &b->bus, base, 0x4000);
}

static uint32_t *word_at(struct bench *b, uint32_t address) {
    return registers_word(b->registers, b->register_count, address);
}

static uint64_t erase(void *context, uint32_t offset, uint32_t size) {
    struct bench *b = context;
    memset(b->flash + offset % FLASH_SIZE, 0xff, size);
    b->erased++;
    return 50 * PS_PER_MS;
}

static uint64_t program(void *context, uint32_t offset, const uint8_t *data, uint32_t size) {
    struct bench *b = context;
    for (uint32_t i = 0; i < size; i++) {
        b->flash[(offset + i) % FLASH_SIZE] &= data[i];
    }
    b->programmed++;
    return 400 * PS_PER_US;
}

static void usb_boot(void *context, enum bootrom_usb_reason reason, uint32_t pins, uint32_t disabled) {
    struct bench *b = context;
    b->usb_boot = true;
    b->usb_pins = pins;
    b->usb_disabled = disabled;
}

static int setup(void **state) {
    struct bench *b = calloc(1, sizeof(*b));
    static const uint32_t bases[] = { 0x18000000, 0x14000000, 0x40018000, 0x40020000, 0x4001c000, 0x40008000,
                                      0x4000c000, 0x40010000, 0x40058000, 0x40064000, 0xd0000000 };
    *state = b;
    b->sram = calloc(1, SRAM_SIZE);
    b->flash = malloc(FLASH_SIZE);
    memset(b->flash, 0xff, FLASH_SIZE);
    log_init(&b->log);
    scheduler_init(&b->scheduler);
    b->env = (struct environment){ .scheduler = &b->scheduler, .log = &b->log };
    assert_true(bus_init(&b->bus, &b->env));
    for (unsigned i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
        add_registers(b, bases[i]);
    }
    bus_add_memory(&b->bus, &(struct bus_memory){ "rom", 0, BOOTROM_RP2040_SIZE, b->image, false });
    bus_add_memory(&b->bus, &(struct bus_memory){ "sram", SRAM, SRAM_SIZE, b->sram, true });
    bus_add_memory(&b->bus, &(struct bus_memory){ "flash", 0x10000000, FLASH_SIZE, b->flash, false });
    clock_init(&b->clock, "clk_sys");
    clock_set_frequency(&b->clock, 125000000, 1, 0);
    *word_at(b, 0xd0000008) = 2; /* BOOTSEL is not held */
    b->rom = (struct bootrom){ .env = &b->env,
                               .bus = &b->bus,
                               .clk_sys = &b->clock,
                               .flash = { .context = b, .erase = erase, .program = program },
                               .usb_boot = usb_boot,
                               .context = b };
    bootrom_rp2040_build(b->image, 3);
    return 0;
}

static int teardown(void **state) {
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

/* ---- An engine that runs the image ---- */

static void on_interrupt(uc_engine *uc, uint32_t number, void *context) {
    struct bench *b = context;
    uint32_t pc;
    assert_int_equal(number, 2);
    uc_reg_read(uc, UC_ARM_REG_PC, &pc);
    assert_in_range(pc, 2, BOOTROM_RP2040_SIZE);
    struct bootrom_call call;
    for (int i = 0; i < 4; i++) {
        uc_reg_read(uc, UC_ARM_REG_R0 + i, &call.r[i]);
    }
    bootrom_rp2040_serve(&b->rom, b->image[pc - 2], &call);
    for (int i = 0; i < 4; i++) {
        uc_reg_write(uc, UC_ARM_REG_R0 + i, &call.r[i]);
    }
}

/* SIO of core 1: CPUID 1 and a FIFO that always takes a word. */
static uint64_t sio_read(uc_engine *uc, uint64_t offset, unsigned size, void *context) {
    struct bench *b = context;
    switch (offset) {
    case 0:
        return 1;
    case 0x50:
        return 2u | (b->in_next < b->in_count && b->in_next < b->out_count);
    case 0x58:
        return b->in_next < b->in_count && b->in_next < b->out_count ? b->fifo_in[b->in_next++] : 0;
    default:
        return 0;
    }
}

static void sio_write(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *context) {
    struct bench *b = context;
    if (offset == 0x54 && b->out_count < 16) {
        b->fifo_out[b->out_count++] = (uint32_t)value;
    }
}

static void open_engine(struct bench *b) {
    uc_hook hook;
    assert_int_equal(uc_open(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS, &b->uc), UC_ERR_OK);
    uc_ctl_set_cpu_model(b->uc, UC_CPU_ARM_CORTEX_M0);
    uc_mem_map_ptr(b->uc, 0, BOOTROM_RP2040_SIZE, UC_PROT_ALL, b->image);
    uc_mem_map_ptr(b->uc, SRAM, SRAM_SIZE, UC_PROT_ALL, b->sram);
    uc_mmio_map(b->uc, 0xd0000000, 0x1000, sio_read, b, sio_write, b);
    uc_mem_map(b->uc, 0xe000e000, 0x1000, UC_PROT_ALL);
    uc_hook_add(b->uc, &hook, UC_HOOK_INTR, (void *)on_interrupt, b, 1, 0);
}

static uint32_t get(struct bench *b, int reg) {
    uint32_t value;
    uc_reg_read(b->uc, reg, &value);
    return value;
}

static void set(struct bench *b, int reg, uint32_t value) {
    uc_reg_write(b->uc, reg, &value);
}

static uint32_t call_at(struct bench *b, uint32_t function, uint32_t r0, uint32_t r1, uint32_t r2) {
    if (!b->uc) {
        open_engine(b);
    }
    static const int kept[] = { UC_ARM_REG_R4, UC_ARM_REG_R5, UC_ARM_REG_R6, UC_ARM_REG_R7 };
    for (unsigned i = 0; i < 4; i++) {
        set(b, kept[i], 0x1111 * (i + 1));
    }
    set(b, UC_ARM_REG_R0, r0);
    set(b, UC_ARM_REG_R1, r1);
    set(b, UC_ARM_REG_R2, r2);
    set(b, UC_ARM_REG_SP, SRAM + 0x3f000);
    set(b, UC_ARM_REG_LR, RETURN_TO | 1);
    assert_int_equal(uc_emu_start(b->uc, function | 1, RETURN_TO, 0, 0), UC_ERR_OK);
    assert_int_equal(get(b, UC_ARM_REG_PC), RETURN_TO);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(get(b, kept[i]), 0x1111 * (i + 1));
    }
    assert_int_equal(get(b, UC_ARM_REG_SP), SRAM + 0x3f000);
    return get(b, UC_ARM_REG_R0);
}

static uint32_t half(const struct bench *b, uint32_t at) {
    return b->image[at] | b->image[at + 1] << 8;
}

static uint32_t word(const struct bench *b, uint32_t at) {
    return half(b, at) | half(b, at + 2) << 16;
}

/* pico-sdk's rom_func_lookup() and rom_data_lookup(): the ROM's own function walks the table. */
static uint32_t look_up(struct bench *b, uint32_t table_at, const char *code) {
    return call_at(b, half(b, 0x18), half(b, table_at), (uint32_t)(code[0] | code[1] << 8), 0);
}

static uint32_t function(struct bench *b, const char *code) {
    uint32_t address = look_up(b, 0x14, code);
    assert_true(address & 1); /* Thumb */
    return address;
}

/* ---- Tests ---- */

static void test_header(void **state) {
    struct bench *b = *state;
    assert_int_equal(word(b, 0), 0x20041f00);
    assert_memory_equal(b->image + 0x10, "Mu\1\3", 4);
    for (unsigned version = 1; version <= 3; version++) {
        bootrom_rp2040_build(b->image, version);
        assert_int_equal(b->image[0x13], version);
    }
}

static void test_lookup(void **state) {
    struct bench *b = *state;
    static const char functions[] = "P3R3L3T3MSS4MCC4UBDTDEWVIFEXRERPFCCX";
    for (unsigned version = 1; version <= 3; version++) {
        bootrom_rp2040_build(b->image, version);
        for (const char *code = functions; *code; code += 2) {
            assert_in_range(function(b, code), 0x1c, BOOTROM_RP2040_SIZE);
        }
        assert_int_equal(look_up(b, 0x14, "EC") != 0, version == 1);
        assert_int_equal(look_up(b, 0x14, "zz"), 0);
        assert_int_equal(look_up(b, 0x16, "SD") != 0, version > 1);
        assert_int_equal(look_up(b, 0x16, "FZ") != 0, version > 1);
        assert_int_equal(look_up(b, 0x16, "P8") != 0, version == 1);
        assert_in_range(look_up(b, 0x16, "GR"), 0x1c, BOOTROM_RP2040_SIZE);
        uint32_t copyright = look_up(b, 0x16, "CR");
        assert_non_null(memchr(b->image + copyright, 0, 100));
    }
}

static void test_soft_tables(void **state) {
    struct bench *b = *state;
    uint32_t table = look_up(b, 0x16, "SF"), doubles = look_up(b, 0x16, "SD");
    assert_int_equal(b->image[look_up(b, 0x16, "FZ")], 32);
    assert_int_equal(b->image[table - 2], 32); /* pico-sdk looks here */
    for (unsigned i = 0; i < 32; i++) {
        assert_true(word(b, table + 4 * i) & word(b, doubles + 4 * i) & 1);
        assert_in_range(word(b, table + 4 * i), look_up(b, 0x16, "FS"), look_up(b, 0x16, "FE"));
        assert_in_range(word(b, doubles + 4 * i), look_up(b, 0x16, "DS"), look_up(b, 0x16, "DE"));
    }
}

static void test_byte_tables_of_version_1(void **state) {
    struct bench *b = *state;
    bootrom_rp2040_build(b->image, 1);
    assert_int_equal(b->image[look_up(b, 0x16, "P8") + 0xf1], 5);
    assert_int_equal(b->image[look_up(b, 0x16, "R8") + 0xe1], 0x87);
    assert_int_equal(b->image[look_up(b, 0x16, "L8") + 0x1f], 3);
    assert_int_equal(b->image[look_up(b, 0x16, "L8")], 8);
    assert_int_equal(b->image[look_up(b, 0x16, "T8") + 0x50], 4);
    assert_int_equal(b->image[look_up(b, 0x16, "T8")], 8);
}

static uint32_t reversed(uint32_t value) {
    uint32_t result = 0;
    for (unsigned bit = 0; bit < 32; bit++) {
        result |= (value >> bit & 1) << (31 - bit);
    }
    return result;
}

static void check_bits(struct bench *b, uint32_t value) {
    assert_int_equal(call_at(b, function(b, "P3"), value, 0, 0), __builtin_popcount(value));
    assert_int_equal(call_at(b, function(b, "R3"), value, 0, 0), reversed(value));
    assert_int_equal(call_at(b, function(b, "L3"), value, 0, 0), value ? __builtin_clz(value) : 32);
    assert_int_equal(call_at(b, function(b, "T3"), value, 0, 0), value ? __builtin_ctz(value) : 32);
}

static void test_bits(void **state) {
    struct bench *b = *state;
    struct random random;
    random_init(&random, 1);
    check_bits(b, 0);
    check_bits(b, 0xffffffff);
    for (unsigned bit = 0; bit < 32; bit++) {
        check_bits(b, 1u << bit);
        check_bits(b, (uint32_t)random_next(&random) >> bit);
        check_bits(b, (uint32_t)random_next(&random) << bit);
    }
}

static void check_copy(struct bench *b, const char *code, uint32_t to, uint32_t from, uint32_t size) {
    uint8_t expected[256];
    for (unsigned i = 0; i < 256; i++) {
        b->sram[i] = (uint8_t)(i * 7 + size);
    }
    memcpy(expected, b->sram, 256);
    memcpy(expected + to, expected + from, size);
    assert_int_equal(call_at(b, function(b, code), SRAM + to, SRAM + from, size), SRAM + to);
    assert_memory_equal(b->sram, expected, 256);
}

static void test_memcpy(void **state) {
    struct bench *b = *state;
    for (uint32_t size = 0; size < 70; size++) {
        check_copy(b, "C4", 128, 4, size);
        for (uint32_t shift = 0; shift < 16; shift++) {
            check_copy(b, "MC", 128 + shift % 4, 4 + shift / 4, size);
        }
    }
}

static void check_set(struct bench *b, const char *code, uint32_t to, uint32_t size) {
    uint8_t expected[128];
    memset(b->sram, 0x11, 128);
    memset(expected, 0x11, 128);
    memset(expected + to, 0xa5, size);
    assert_int_equal(call_at(b, function(b, code), SRAM + to, 0x5a5, size), SRAM + to);
    assert_memory_equal(b->sram, expected, 128);
}

static void test_memset(void **state) {
    struct bench *b = *state;
    for (uint32_t size = 0; size < 70; size++) {
        check_set(b, "S4", 8, size);
        for (uint32_t shift = 0; shift < 4; shift++) {
            check_set(b, "MS", 8 + shift, size);
        }
    }
}

/* Core 1 from reset: sends 0, then echoes 0 0 1 VTOR SP PC and goes there. */
static void test_launch(void **state) {
    struct bench *b = *state;
    static const uint32_t words[] = { 0, 0, 1, SRAM + 0x100, SRAM + 0x2000, (SRAM + 0x400) | 1 };
    /* An incomplete attempt first: the 0 in it starts over. */
    static const uint32_t attempt[] = { 0, 1, SRAM + 0x900 };
    open_engine(b);
    memcpy(b->fifo_in, attempt, sizeof(attempt));
    memcpy(b->fifo_in + 3, words, sizeof(words)); /* the word after the attempt is 0 */
    b->in_count = 9;
    assert_int_equal(uc_emu_start(b->uc, word(b, 4), SRAM + 0x400, 0, 1000), UC_ERR_OK);
    assert_int_equal(get(b, UC_ARM_REG_PC), SRAM + 0x400);
    assert_int_equal(get(b, UC_ARM_REG_SP), SRAM + 0x2000);
    static const uint32_t out[] = { 0, 0, 1, SRAM + 0x900, 0, 0, 1, SRAM + 0x100, SRAM + 0x2000, (SRAM + 0x400) | 1 };
    assert_int_equal(b->out_count, 10);
    assert_memory_equal(b->fifo_out, out, sizeof(out));
    uint32_t vtor;
    uc_mem_read(b->uc, 0xe000ed08, &vtor, 4);
    assert_int_equal(vtor, SRAM + 0x100);
}

static uint32_t serve(struct bench *b, unsigned number, struct bootrom_call *call) {
    return bootrom_rp2040_serve(&b->rom, number, call);
}

static void test_crc(void **state) {
    /* The catalogue's check value of CRC-32/MPEG-2 for "123456789". */
    assert_int_equal(bootrom_crc32((const uint8_t *)"123456789", 9, 0xffffffff), 0x0376e6e7);
}

/* The second stage of a real image, from its UF2 file. */
static bool read_stage2(uint8_t *flash) {
    const char *directory = getenv("OUROBOARD_FIRMWARE_PATH");
    char path[512];
    uint8_t block[512];
    snprintf(path, sizeof(path), "%s/pico-examples/rp2040/blink.uf2",
             directory ? directory : TEST_SOURCE_ROOT "/../shared/firmware");
    FILE *file = fopen(path, "rb");
    if (!file) {
        return false;
    }
    bool found = false;
    while (!found && fread(block, sizeof(block), 1, file) == 1) {
        static const uint8_t start[] = { 0, 0, 0, 0x10 };
        found = memcmp(block + 12, start, 4) == 0;
    }
    memcpy(flash, block + 32, 256);
    fclose(file);
    return found;
}

static void test_boot_from_flash(void **state) {
    struct bench *b = *state;
    struct bootrom_call call = { { 0 } };
    if (!read_stage2(b->flash)) {
        skip();
    }
    assert_in_range(serve(b, SERVICE_BEGIN, &call), 1, 100000);
    assert_int_equal(call.r[0], 0);
    assert_in_range(serve(b, SERVICE_BOOT, &call), 1, 100000);
    assert_int_equal(call.r[0], 0x20041f01);
    assert_memory_equal(b->sram + 0x41f00, b->flash, 256);
    assert_false(b->usb_boot);
    b->flash[100] ^= 1;
    serve(b, SERVICE_BOOT, &call);
    assert_int_equal(call.r[0], 0);
    assert_true(b->usb_boot);
}

static void test_bootsel(void **state) {
    struct bench *b = *state;
    struct bootrom_call call = { { 0 } };
    read_stage2(b->flash);
    *word_at(b, 0xd0000008) = 0;
    serve(b, SERVICE_BOOT, &call);
    assert_int_equal(call.r[0], 0);
    assert_true(b->usb_boot);
}

static void test_vector_boot(void **state) {
    struct bench *b = *state;
    struct bootrom_call call = { { 0 } };
    bootrom_rp2040_enter_ram(&b->rom, SRAM);
    assert_int_equal(*word_at(b, 0x4005801c), 0xb007c0d3);
    serve(b, SERVICE_BEGIN, &call);
    assert_int_equal(call.r[0], SRAM | 1);
    assert_int_equal(call.r[1], 0x20042000);
    serve(b, SERVICE_BEGIN, &call); /* once only */
    assert_int_equal(call.r[0], 0);
    bootrom_rp2040_enter_ram(&b->rom, SRAM);
    *word_at(b, 0x40058020) ^= 4; /* scratch 5 does not fit */
    serve(b, SERVICE_BEGIN, &call);
    assert_int_equal(call.r[0], 0);
}

static void test_reset_to_usb_boot(void **state) {
    struct bench *b = *state;
    struct bootrom_call call = { { 1u << 25, 1 } };
    serve(b, SERVICE_USB_BOOT, &call);
    assert_false(b->usb_boot);
    assert_true(*word_at(b, 0x40058000) & 1u << 30); /* the watchdog runs */
    assert_int_equal(*word_at(b, 0x40010008), 0x1fffc);
    serve(b, SERVICE_BEGIN, &call); /* the boot after it */
    assert_in_range(call.r[0], 0x1c, BOOTROM_RP2040_SIZE);
    serve(b, b->image[call.r[0] & ~1u], &call);
    assert_true(b->usb_boot);
    assert_int_equal(b->usb_pins, 1u << 25);
    assert_int_equal(b->usb_disabled, 1);
}

static void test_flash_erase(void **state) {
    struct bench *b = *state;
    memset(b->flash, 0, FLASH_SIZE);
    struct bootrom_call call = { { 0xf000, 0x13000, 0x10000, 0xd8 } };
    uint32_t cycles = serve(b, SERVICE_ERASE, &call);
    assert_int_equal(b->erased, 4); /* a sector, a block, two sectors */
    assert_in_range(cycles, 4 * 50 * 125000, 4 * 50 * 125000 + 10000);
    assert_int_equal(b->flash[0xefff], 0);
    assert_int_equal(b->flash[0xf000], 0xff);
    assert_int_equal(b->flash[0x21fff], 0xff);
    assert_int_equal(b->flash[0x22000], 0);
    assert_int_equal(b->log.count[LOG_GUEST], 0);
}

static void test_flash_program(void **state) {
    struct bench *b = *state;
    for (unsigned i = 0; i < 512; i++) {
        b->sram[0x1001 + i] = (uint8_t)i;
    }
    struct bootrom_call call = { { 0x1000, SRAM + 0x1001, 512 } };
    uint32_t cycles = serve(b, SERVICE_PROGRAM, &call);
    assert_int_equal(b->programmed, 2);
    assert_in_range(cycles, 2 * 50000, 2 * 70000);
    assert_memory_equal(b->flash + 0x1000, b->sram + 0x1001, 512);
    assert_int_equal(b->log.count[LOG_GUEST], 0);
}

/* Nothing that a guest passes may hang or crash. */
static void test_flash_bad_arguments(void **state) {
    struct bench *b = *state;
    static const struct bootrom_call bad[] = {
        { { 0, 0xffffffff, 0, 0xd8 } },    { { 0xfffff000, 0xfff, 4096, 0x20 } },    { { 1, 1, 3, 0 } },
        { { 0, 0x10000, 0x10000, 0x55 } }, { { 0x100, SRAM + SRAM_SIZE - 4, 256 } },
    };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct bootrom_call call = bad[i];
        serve(b, SERVICE_ERASE, &call);
        call = bad[i];
        serve(b, SERVICE_PROGRAM, &call);
    }
    assert_true(b->log.count[LOG_GUEST] > 0);
    for (unsigned number = 0; number < 256; number++) {
        struct bootrom_call call = { { 0 } };
        serve(b, number, &call);
    }
}

/* What firmware finds after connect, exit and flush: a plain SPI master on the pads. */
static void test_flash_registers(void **state) {
    struct bench *b = *state;
    struct bootrom_call call = { { 0 } };
    *word_at(b, 0x4001800c) = 0x1f;
    serve(b, SERVICE_CONNECT_FLASH, &call);
    assert_int_equal(*word_at(b, 0x4001800c), 0);
    serve(b, SERVICE_EXIT_XIP, &call);
    assert_int_equal(*word_at(b, 0x18000000), 7u << 16);
    assert_int_equal(*word_at(b, 0x18000008), 1);
    serve(b, SERVICE_ENTER_XIP, &call);
    assert_int_equal(*word_at(b, 0x180000f4), 0x03000218);
    serve(b, SERVICE_FLUSH, &call);
    assert_int_equal(*word_at(b, 0x14000000) & 1, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_header),
        TEST(test_lookup),
        TEST(test_soft_tables),
        TEST(test_byte_tables_of_version_1),
        TEST(test_bits),
        TEST(test_memcpy),
        TEST(test_memset),
        TEST(test_launch),
        TEST(test_crc),
        TEST(test_boot_from_flash),
        TEST(test_bootsel),
        TEST(test_vector_boot),
        TEST(test_reset_to_usb_boot),
        TEST(test_flash_erase),
        TEST(test_flash_program),
        TEST(test_flash_bad_arguments),
        TEST(test_flash_registers),
    };
    return cmocka_run_group_tests_name("bootrom", tests, NULL, NULL);
}
