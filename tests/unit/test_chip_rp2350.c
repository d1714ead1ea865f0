/* The RP2350 as a whole: what its datasheet prints as address map, resets and pin functions. */
#include "tests/unit/unit.h"

#include "emulator/core/block.h"
#include "emulator/machine_private.h"
#include "peripherals/onchip/resets.h"

#include <string.h>

#define RESETS 0x40020000u
#define RESET_DONE (RESETS + 8)
#define ALIAS_CLEAR 0x3000u
#define SHA256_BASE 0x400f8000u
#define SHA256_WDATA_ADDRESS (SHA256_BASE + 4)
#define DMA 0x50000000u
#define CLOCKS_REF_CTRL 0x40010030u
#define TICKS 0x40108000u
#define TICK_TIMER0 (TICKS + 0x18)
#define TIMER0 0x400b0000u

static int setup(void **state) {
    struct error error;
    struct machine_desc desc = { .chip = &chip_rp2350, .flash_size = 4u << 20 };
    struct machine *machine = machine_create(&desc, &error);
    assert_non_null(machine);
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        block_reset(machine->blocks[i]);
    }
    *state = machine;
    return 0;
}

static int teardown(void **state) {
    machine_destroy(*state);
    return 0;
}

static uint32_t load(struct machine *machine, uint32_t address) {
    uint32_t value = 0;
    assert_true(bus_read(&machine->bus, address, 4, &value));
    return value;
}

static void store(struct machine *machine, uint32_t address, uint32_t value) {
    assert_true(bus_write(&machine->bus, address, value, 4));
}

static void test_identification(void **state) {
    struct machine *machine = *state;
    store(machine, RESETS + ALIAS_CLEAR, 1u << 21); /* SYSINFO */
    assert_int_equal(load(machine, 0x40000000), 0x20004927);
    assert_int_equal(load(machine, 0x40000004) & 1, 1); /* PACKAGE_SEL: QFN60 */
    assert_int_equal(load(machine, 0xd0000000), 0);     /* SIO CPUID of core 0 */
    assert_int_equal(load(machine, 0xd0020000), 0);
}

/* Every peripheral of datasheet 2.2 answers, at its first register. */
static void test_all_blocks_answer(void **state) {
    static const struct {
        uint32_t base;
        const char *name;
    } expected[] = {
        { 0x40000000, "SYSINFO" },
        { 0x40008000, "SYSCFG" },
        { 0x40010000, "CLOCKS" },
        { 0x40018000, "PSM" },
        { 0x40020000, "RESETS" },
        { 0x40028000, "IO_BANK0" },
        { 0x40030000, "IO_QSPI" },
        { 0x40038000, "PADS_BANK0" },
        { 0x40040000, "PADS_QSPI" },
        { 0x40048000, "XOSC" },
        { 0x40050000, "PLL_SYS" },
        { 0x40058000, "PLL_USB" },
        { 0x40060000, "ACCESSCTRL" },
        { 0x40068000, "BUSCTRL" },
        { 0x40070000, "UART0" },
        { 0x40078000, "UART1" },
        { 0x40080000, "SPI0" },
        { 0x40088000, "SPI1" },
        { 0x40090000, "I2C0" },
        { 0x40098000, "I2C1" },
        { 0x400a0000, "ADC" },
        { 0x400a8000, "PWM" },
        { 0x400b0000, "TIMER0" },
        { 0x400b8000, "TIMER1" },
        { 0x400c0000, "HSTX_CTRL" },
        { 0x400c8000, "XIP_CTRL" },
        { 0x400d0000, "QMI" },
        { 0x400d8000, "WATCHDOG" },
        { 0x400e0000, "BOOTRAM" },
        { 0x400e8000, "ROSC" },
        { 0x400f0000, "TRNG" },
        { 0x400f8000, "SHA256" },
        { 0x40100000, "POWMAN" },
        { 0x40108000, "TICKS" },
        { 0x40120000, "OTP" },
        { 0x40158000, "GLITCH_DETECTOR" },
        { 0x40160000, "TBMAN" },
        { 0x50000000, "DMA" },
        { 0x50100000, "USB_DPRAM" },
        { 0x50110000, "USBCTRL" },
        { 0x50200000, "PIO0" },
        { 0x50300000, "PIO1" },
        { 0x50400000, "PIO2" },
        { 0x50500000, "XIP_AUX" },
        { 0x50600000, "HSTX_FIFO" },
        { 0xd0000000, "SIO" },
        { 0x50700000, "CORESIGHT_TRACE" },
        { 0x18000000, "XIP_MAINTENANCE" },
        { 0x1bfff000, "XIP_MAINTENANCE" },
    };
    struct machine *machine = *state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const char *name = bus_name_at(&machine->bus, expected[i].base);
        assert_non_null(name);
        assert_string_equal(name, expected[i].name);
    }
}

static void test_memories(void **state) {
    struct machine *machine = *state;
    uint8_t pattern[4] = { 1, 2, 3, 4 };
    struct error error;
    assert_true(machine_load(machine, 0x10001000, pattern, 4, &error));
    assert_memory_equal(bus_memory_at(&machine->bus, 0x14001000, 4, false), pattern, 4); /* not cached */
    assert_memory_equal(bus_memory_at(&machine->bus, 0x1c001000, 4, false), pattern, 4); /* not translated */
    assert_non_null(bus_memory_at(&machine->bus, 0x20081ffc, 4, true));
    assert_null(bus_memory_at(&machine->bus, 0x20082000, 4, true));
    assert_non_null(bus_memory_at(&machine->bus, 0x7ffc, 4, false)); /* ROM */
    assert_null(bus_memory_at(&machine->bus, 0x8000, 4, false));
}

#define ATRANS0 0x400d0034u

/* Code in the first two sectors of the flash; what it leaves in r0. It may have to wait for the flash. */
static uint32_t run_from(struct machine *machine, uint32_t address) {
    struct core *core = machine_core(machine, 0);
    core_reset(core);
    core_start(core, 0x20001000, address, 0);
    core_run(core, core_cycles(core) + 2000);
    return core_register(core, 0);
}

/* Above the size of the chip its contents come again, up to the end of the 16 MB of its select. */
static void test_flash_repeats(void **state) {
    struct machine *machine = *state;
    static const uint32_t windows[] = { 0x10000000, 0x14000000, 0x1c000000 };
    uint8_t pattern[4] = { 9, 8, 7, 6 };
    struct error error;
    assert_true(machine_load(machine, 0x10003000, pattern, 4, &error));
    for (unsigned i = 0; i < 3; i++) {
        assert_memory_equal(bus_memory_at(&machine->bus, windows[i] + 0x403000, 4, false), pattern, 4);
        assert_memory_equal(bus_memory_at(&machine->bus, windows[i] + 0xc03000, 4, false), pattern, 4);
        assert_null(bus_memory_at(&machine->bus, windows[i] + 0x1003000, 4, false)); /* the other select */
    }
}

static void test_address_translation(void **state) {
    static const uint8_t one[] = { 1, 0x20, 0xfe, 0xe7 }, two[] = { 2, 0x20, 0xfe, 0xe7 }; /* movs r0, #n; b . */
    struct machine *machine = *state;
    struct error error;
    assert_true(machine_load(machine, 0x10000000, one, 4, &error));
    assert_true(machine_load(machine, 0x10001000, two, 4, &error));
    assert_int_equal(run_from(machine, 0x10000000), 1);
    store(machine, ATRANS0, 0x3ff0001); /* rolled by a sector, 0x3ff of them */
    assert_int_equal(run_from(machine, 0x10000000), 2);
    assert_memory_equal(bus_memory_at(&machine->bus, 0x14000000, 4, false), two, 4);
    assert_memory_equal(bus_memory_at(&machine->bus, 0x1c000000, 4, false), one, 4);
    assert_null(bus_memory_at(&machine->bus, 0x103ff000, 4, false)); /* beyond the aperture */
    assert_true(machine_load(machine, 0x1c001000, one, 4, &error));  /* the flash changes behind it */
    assert_int_equal(run_from(machine, 0x10000000), 1);
    store(machine, ATRANS0, 0x4000000);
    assert_true(machine_load(machine, 0x10000000, two, 4, &error));
    assert_int_equal(run_from(machine, 0x10000000), 2);
}

/* RESETS holds each block by the bit of its RESET register. */
static void test_reset_bits(void **state) {
    static const char *const by_bit[29] = {
        "ADC",    "BUSCTRL",    "DMA",       "HSTX_CTRL", "I2C0",    "I2C1",    "IO_BANK0", "IO_QSPI",
        NULL,     "PADS_BANK0", "PADS_QSPI", "PIO0",      "PIO1",    "PIO2",    "PLL_SYS",  "PLL_USB",
        "PWM",    "SHA256",     "SPI0",      "SPI1",      "SYSCFG",  "SYSINFO", "TBMAN",    "TIMER0",
        "TIMER1", "TRNG",       "UART0",     "UART1",     "USBCTRL",
    };
    struct machine *machine = *state;
    const struct resets *resets = (struct resets *)machine_block(machine, "RESETS");
    for (unsigned bit = 0; bit < 29; bit++) {
        struct block *block = by_bit[bit] ? machine_block(machine, by_bit[bit]) : NULL;
        store(machine, RESETS + ALIAS_CLEAR, 1u << bit);
        assert_int_equal(load(machine, RESET_DONE) >> bit & 1, !resets->needs[bit]); /* none of those clocks runs yet */
        assert_true(!block || !block->in_reset);
        store(machine, RESETS + 0x2000, 1u << bit);
        assert_true(!block || block->in_reset);
    }
}

/* TICKS drives TIMER0: 12 cycles of the crystal a microsecond. */
static void test_ticks_drive_timer(void **state) {
    struct machine *machine = *state;
    store(machine, RESETS + ALIAS_CLEAR, 1u << 23);
    store(machine, 0x4004800c, 1);                   /* XOSC STARTUP: 256 cycles */
    store(machine, 0x40048000, 0xfab << 12 | 0xaa0); /* enable, 1 to 15 MHz */
    scheduler_advance(&machine->scheduler, PS_PER_MS);
    store(machine, CLOCKS_REF_CTRL, 2); /* crystal */
    store(machine, TICK_TIMER0 + 4, 12);
    store(machine, TICK_TIMER0, 1);
    uint32_t before = load(machine, TIMER0 + 0x28);
    scheduler_advance(&machine->scheduler, 3 * PS_PER_MS);
    assert_int_equal(load(machine, TIMER0 + 0x28) - before, 2000);
}

/* SysTick's reference is the tick of the core: 12 cycles of the crystal, which clk_sys runs from. */
static void test_systick_reference(void **state) {
    static const uint16_t code[] = {
        0x4803, 0x2163, 0x6041, 0x6081, /* ldr r0, =0xe000e010; movs r1, #99; str r1, [r0, #4]; str r1, [r0, #8] */
        0x2103, 0x6001, 0xe7fe, 0x0000, /* movs r1, #3; str r1, [r0]; b . */
        0xe010, 0xe000,
    };
    struct machine *machine = *state;
    struct core *core = machine_core(machine, 0);
    struct error error;
    assert_true(machine_load(machine, 0x20000000, (const uint8_t *)code, sizeof(code), &error));
    store(machine, 0x4004800c, 1);
    store(machine, 0x40048000, 0xfab << 12 | 0xaa0);
    scheduler_advance(&machine->scheduler, PS_PER_MS);
    store(machine, CLOCKS_REF_CTRL, 2);
    store(machine, TICKS + 4, 12);
    store(machine, TICKS, 1);
    core_reset(core);
    core_start(core, 0x20001000, 0x20000000, 0);
    uint64_t begin = core_cycles(core);
    core_run(core, begin + 50);
    assert_in_range(core_alarm(core) - begin, 100 * 12, 101 * 12 + 50);
    store(machine, TICKS, 0); /* it stands still */
    assert_true(core_alarm(core) == UINT64_MAX);
}

#define POWMAN 0x40100000u
#define PASSWORD 0x5afe0000u
#define CHIP_RESET (POWMAN + 0x2c)
#define SCRATCH0 (POWMAN + 0xb0)
#define WATCHDOG 0x400d8000u

static void reset_by_watchdog(struct machine *machine, uint32_t powman_wdsel) {
    store(machine, SCRATCH0, 1234);
    store(machine, WATCHDOG + 0x0c, 5678);
    store(machine, POWMAN + 0x30, PASSWORD | powman_wdsel);
    store(machine, 0x40018008, 0x01ffffff); /* PSM WDSEL: all */
    store(machine, WATCHDOG, 1u << 31);
    machine_run(machine, machine_now(machine) + PS_PER_US);
}

/* What each kind of reset keeps, and what CHIP_RESET says of it (datasheet 7.2, 7.3). */
static void test_resets(void **state) {
    struct machine *machine = *state;
    machine_power_on(machine, 0);
    assert_int_equal(load(machine, CHIP_RESET), 1u << 16);
    reset_by_watchdog(machine, 0); /* POWMAN takes no notice */
    assert_int_equal(load(machine, CHIP_RESET), 1u << 16);
    assert_int_equal(load(machine, SCRATCH0), 1234);
    assert_int_equal(load(machine, WATCHDOG + 0x0c), 5678);
    assert_int_equal(load(machine, WATCHDOG + 8), 2); /* REASON: forced */
    reset_by_watchdog(machine, 1u << 12);
    assert_int_equal(load(machine, CHIP_RESET), 1u << 28);
    assert_int_equal(load(machine, SCRATCH0), 1234);
    reset_by_watchdog(machine, 1u << 8);
    assert_int_equal(load(machine, CHIP_RESET), 1u << 24);
    reset_by_watchdog(machine, 1u << 4);
    assert_int_equal(load(machine, CHIP_RESET), 1u << 23);
    assert_int_equal(load(machine, SCRATCH0), 0);
    store(machine, CHIP_RESET, PASSWORD | 1); /* DOUBLE_TAP outlives the RUN pin alone */
    machine_reset(machine);
    machine_run(machine, machine_now(machine) + PS_PER_US);
    assert_int_equal(load(machine, CHIP_RESET), 1u << 18 | 1);
    machine_power_on(machine, 0);
    assert_int_equal(load(machine, CHIP_RESET), 1u << 16);
}

/* SYSRESETREQ resets the core that writes it, not the other one, nor blocks; the watchdog's reason goes. */
static void test_sysresetreq(void **state) {
    static const uint16_t code[] = { /* ldr r0, =0xe000ed0c; ldr r1, =0x05fa0004; str r1, [r0]; b . */
                                     0x4801, 0x4902, 0x6001, 0xe7fe, 0xed0c, 0xe000, 0x0004, 0x05fa
    };
    static const uint16_t count[] = { 0x3001, 0xe7fd }; /* adds r0, #1; b .-2 */
    struct machine *machine = *state;
    struct error error;
    for (unsigned index = 0; index < 2; index++) {
        struct core *core = machine_core(machine, index), *other = machine_core(machine, !index);
        machine_power_on(machine, 0);
        assert_true(machine_load(machine, 0x20000000, (const uint8_t *)code, sizeof(code), &error));
        assert_true(machine_load(machine, 0x20001000, (const uint8_t *)count, sizeof(count), &error));
        store(machine, WATCHDOG + 0x0c, 5678);
        machine_block(machine, "WATCHDOG")->values[2] = 1; /* REASON */
        core_reset(core);
        core_start(core, 0x20001000, 0x20000000, 0);
        core_reset(other);
        core_start(other, 0x20002000, 0x20001000, 0);
        machine_run(machine, machine_now(machine) + PS_PER_US);
        assert_in_range(core_register(core, CORE_PC), 0, 0x7fff); /* in the boot ROM */
        assert_in_range(core_register(other, CORE_PC), 0x20001000, 0x20001002);
        assert_true(core_register(other, 0) > 1);
        assert_int_equal(load(machine, WATCHDOG + 0x0c), 5678);
        assert_int_equal(load(machine, WATCHDOG + 8), 0);
    }
}

/* Image A in a partition asks for the table, which the address translation hides from it, and chains to image B. */
static void test_chain_to_partition(void **state) {
    static const uint32_t table[] = { 0xffffded3, 0x0200060a, 0xfc078000, 0xfc082002, 0xfc020000,
                                      0xfc102042, 0xfc020002, 0x000006ff, 0,          0xab123579 };
    static const uint32_t image[] = { 0x20082000, 0x10000201, 0xffffded3, 0x10210142, 0x000001ff, 0, 0xab123579 };
    /* r0 = lookup("GP", 4)(0x20000100, 8, 0x11) to 0x20000000; lookup("CI", 4)(0x20010000, 3264, 0x10042000, 0x40000),
     * whose result would go to 0x20000008 */
    static const uint32_t first[] = {
        0x0047f245, 0xf818f000, 0x480e4604, 0x22112108, 0xf04f47a0, 0x60085100, 0x1043f644,
        0xf80cf000, 0x48094604, 0x41c0f640, 0xf44f4a08, 0x47a02380, 0x5100f04f, 0xe7fe6088,
        0x2104b500, 0x88242416, 0xbd0047a0, 0x20000100, 0x20010000, 0x10042000,
    };
    /* 42 to 0x20000004 */
    static const uint32_t second[] = {
        0x5100f04f,
        0x6048202a,
        0xbf00e7fe,
    };
    struct machine *machine = *state;
    struct error error;
    const struct {
        uint32_t address;
        const uint32_t *words;
        size_t size;
    } parts[] = {
        { 0x10000000, table, sizeof(table) },   { 0x10002000, image, sizeof(image) },
        { 0x10002200, first, sizeof(first) },   { 0x10042000, image, sizeof(image) },
        { 0x10042200, second, sizeof(second) },
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        assert_true(machine_load(machine, parts[i].address, (const uint8_t *)parts[i].words, parts[i].size, &error));
    }
    machine_power_on(machine, 0);
    machine_run(machine, machine_now(machine) + 100 * PS_PER_MS);
    uint32_t words[0x50];
    memcpy(words, bus_memory_at(&machine->bus, 0x20000000, sizeof(words), false), sizeof(words));
    assert_int_equal(words[0], 8);
    assert_int_equal(words[0x41], 0x102);
    assert_int_equal(words[0x46], 0xfc102042);
    assert_int_equal(words[2], 0);
    assert_int_equal(words[1], 42);
}

/* `bytes` zeros by DMA, a byte at a time, paced by the block; CSR afterwards. */
static uint32_t hash_by_dma(struct machine *machine, uint32_t bytes) {
    uint32_t control = 1 | 1 << 4 | 54 << 17; /* EN, INCR_READ, TREQ_SEL */
    store(machine, DMA, 0x20000000);
    store(machine, DMA + 4, SHA256_WDATA_ADDRESS);
    store(machine, DMA + 8, bytes);
    store(machine, DMA + 12, control);
    for (unsigned i = 0; i < 10000; i++) {
        scheduler_advance(&machine->scheduler, scheduler_now(&machine->scheduler) + PS_PER_US / 10);
    }
    assert_int_equal(load(machine, DMA + 12) >> 26 & 1, 0); /* BUSY */
    return load(machine, SHA256_BASE);
}

/* As pico-sdk's pico_sha256_test: a channel that begins within a block is given the requests of a whole one. */
static void test_sha256_by_dma(void **state) {
    struct machine *machine = *state;
    store(machine, RESETS + ALIAS_CLEAR, 1u << 2 | 1u << 17);
    store(machine, SHA256_BASE, 0x1001); /* BSWAP, START, DMA_SIZE 8 bits */
    assert_int_equal(hash_by_dma(machine, 128) & 0x16, 6);
    assert_int_equal(hash_by_dma(machine, 1000) & 0x16, 2); /* WDATA_RDY */
    assert_int_equal(hash_by_dma(machine, 24) & 0x16, 6);   /* fills the block to the end */
    assert_int_equal(hash_by_dma(machine, 1000) & 0x16, 2);
    assert_int_equal(hash_by_dma(machine, 1000) & 0x10, 0x10); /* ERR_WDATA_NOT_RDY */
}

/* A PSRAM that the chip cannot have is refused in a line. */
static void test_psram_is_checked(void **state) {
    static const struct {
        const struct chip_desc *chip;
        uint32_t size;
        unsigned pin;
        const char *says;
    } cases[] = {
        { &chip_rp2350, 3u << 20, 8, "PSRAM of 3145728 bytes: 2, 4 or 8 MB are possible" },
        { &chip_rp2350, 8u << 20, 48, "the chip rp2350 has no PSRAM at GPIO48" },
        { &chip_rp2040, 8u << 20, 8, "the chip rp2040 has no PSRAM at GPIO8" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct error error;
        struct machine_desc desc = { .chip = cases[i].chip, .psram_size = cases[i].size, .psram_cs_pin = cases[i].pin };
        assert_null(machine_create(&desc, &error));
        assert_string_equal(error.message, cases[i].says);
    }
}

/* Address translation leads to the second chip select as well: 4 MB pages of either memory. */
static void test_psram_through_translation(void **state) {
    struct error error;
    struct machine_desc desc = { .chip = &chip_rp2350b, .psram_size = 8u << 20, .psram_cs_pin = 47 };
    struct machine *machine = machine_create(&desc, &error);
    assert_non_null(machine);
    machine_power_on(machine, 0);
    store(machine, 0x400c8000 + 0x2000, 1u << 11); /* XIP_CTRL.CTRL: WRITABLE_M1 */
    uint32_t word = 0x12345678;
    memcpy(bus_memory_at(&machine->bus, 0x11400010, 4, true), &word, 4);
    store(machine, 0x400d0000 + 0x44, 0x04000400); /* QMI.ATRANS4: 4 MB from 4 MB on */
    memcpy(&word, bus_memory_at(&machine->bus, 0x15000010, 4, false), 4);
    assert_int_equal(word, 0x12345678);
    store(machine, 0x400d0000 + 0x44, 0x00010400); /* 4 KB of it */
    assert_null(bus_memory_at(&machine->bus, 0x11001000, 4, false));
    machine_destroy(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_identification, setup, teardown),
        cmocka_unit_test_setup_teardown(test_all_blocks_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_memories, setup, teardown),
        cmocka_unit_test_setup_teardown(test_flash_repeats, setup, teardown),
        cmocka_unit_test_setup_teardown(test_address_translation, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_systick_reference, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resets, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sysresetreq, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chain_to_partition, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ticks_drive_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sha256_by_dma, setup, teardown),
        cmocka_unit_test(test_psram_is_checked),
        cmocka_unit_test(test_psram_through_translation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
