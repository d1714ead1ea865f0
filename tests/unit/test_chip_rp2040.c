/* The RP2040 as a whole: its memory map and its resets, with a few instructions of our own. */
#include "tests/unit/unit.h"

#include "emulator/cpu/internal.h"
#include "emulator/machine_private.h"
#include "peripherals/onchip/resets.h"
#include "peripherals/onchip/xip_ctrl.h"

#define FLASH_SIZE (2u << 20)
#define SRAM 0x20000000u
#define RESETS_CLEAR 0x4000f000u
#define RESETS_RESET 0x4000c000u
#define RESULT (SRAM + 0x1000)

static int setup(void **state) {
    struct error error;
    struct machine_desc desc = { .chip = &chip_rp2040, .flash_size = FLASH_SIZE };
    *state = machine_create(&desc, &error);
    return *state ? 0 : -1;
}

static int teardown(void **state) {
    machine_destroy(*state);
    return 0;
}

static uint32_t load(struct machine *machine, uint32_t address, unsigned size) {
    uint32_t value = 0;
    assert_true(core_load(machine_core(machine, 0), address, size, &value));
    return value;
}

/* Run instructions from SRAM, `registers` in r0 and up; the last instruction is a branch to itself. */
static void run(struct machine *machine, const uint16_t *code, size_t size, const uint32_t *registers, unsigned count) {
    struct error error;
    assert_true(machine_load(machine, SRAM, (const uint8_t *)code, size, &error));
    machine_power_on(machine, 0);
    core_start(machine_core(machine, 0), SRAM + 0x40000, SRAM, SRAM);
    for (unsigned i = 0; i < count; i++) {
        core_set_register(machine_core(machine, 0), i, registers[i]);
    }
    machine_run(machine, machine_now(machine) + PS_PER_MS);
}

/* Above the size of the chip its contents come again, in each of the four windows. */
static void flash_repeats_in_its_windows(void **state) {
    struct machine *machine = *state;
    uint32_t word = 0x12345678;
    struct error error;
    assert_true(machine_load(machine, 0x10000000 + FLASH_SIZE - 4, (const uint8_t *)&word, 4, &error));
    static const uint32_t windows[] = { 0x10000000, 0x11000000, 0x12000000, 0x13000000 };
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(load(machine, windows[i] + FLASH_SIZE - 4, 4), word);
        assert_int_equal(load(machine, windows[i] + 2 * FLASH_SIZE - 4, 4), word);
        assert_int_equal(load(machine, windows[i] + 0xfffffc, 4), word);
    }
    assert_false(machine_load(machine, 0x10000000 + FLASH_SIZE, (const uint8_t *)&word, 4, &error));
}

static void code_runs_from_repeated_flash(void **state) {
    struct machine *machine = *state;
    static const uint16_t call[] = { 0x4780, 0x6008, 0xe7fe };                         /* blx r0; str r0, [r1]; b . */
    static const uint16_t in_flash[2][2] = { { 0x2007, 0x4770 }, { 0x2009, 0x4770 } }; /* movs r0, #n; bx lr */
    uint32_t registers[] = { 0x10000000 + 3 * FLASH_SIZE + 1, RESULT };
    struct error error;
    for (unsigned i = 0; i < 2; i++) { /* once more with other contents */
        assert_true(machine_load(machine, 0x10000000, (const uint8_t *)in_flash[i], 4, &error));
        run(machine, call, sizeof(call), registers, 2);
        assert_int_equal(load(machine, RESULT, 4), 7 + 2 * i);
    }
}

/* Datasheet 2.6.2: words of the striped view go to the four banks in turn. */
static void sram_banks_are_a_second_view(void **state) {
    struct machine *machine = *state;
    /* str r2, [r0]; strb r2, [r0, #7]; ldr r3, [r1]; str r3, [r0, #12]; b . */
    static const uint16_t code[] = { 0x6002, 0x71c2, 0x680b, 0x60c3, 0xe7fe };
    uint32_t registers[] = { 0x21020000 + 0x800, SRAM + 4, 0xa1b2c3d4 };
    run(machine, code, sizeof(code), registers, 3);
    assert_int_equal(load(machine, SRAM + 4 * 0x800 + 8, 4), 0xa1b2c3d4); /* bank 2, word 0x200 */
    assert_int_equal(load(machine, SRAM + 4 * 0x804 + 8 + 3, 1), 0xd4);   /* the top byte of the next word */
    assert_int_equal(load(machine, SRAM + 4 * 0x80c + 8, 4), load(machine, SRAM + 4, 4));
    assert_int_equal(load(machine, 0x21010000, 4), load(machine, SRAM + 4, 4)); /* bank 1, word 0 */
    assert_int_equal(load(machine, 0x2103fffc, 4), load(machine, SRAM + 0x3fffc, 4));
    uint32_t value;
    assert_false(core_load(machine_core(machine, 0), 0x21040000, 4, &value));
}

/* Both views are of one memory: code in a bank is what was stored last, through whichever of them. */
static void code_runs_from_sram_banks(void **state) {
    struct machine *machine = *state;
    /* Three times: store, blx r5, str r0, [r1, #n]. Through the banks (r4) twice, then through the stripes (r6). */
    static const uint16_t code[] = { 0x6022, 0x47a8, 0x6008, 0x6023, 0x47a8, 0x6048,
                                     0x6032, 0x47a8, 0x6088, 0x47b8, 0x60c8, /* blx r7; str r0, [r1, #12] */
                                     0xe7fe };
    const uint32_t in_bank = 0x21012000, loads = 0x21012010;
    uint32_t registers[] = {
        0, RESULT, 0x47702007, 0x47702009, in_bank, in_bank + 1, SRAM + 0x8004, loads + 1
    }; /* movs r0, #7 and #9; bx lr */
    struct core *core = machine_core(machine, 0);
    assert_true(core_store(core, loads, 0x47704800, 4)); /* ldr r0, [pc, #0]; bx lr */
    assert_true(core_store(core, loads + 4, 0xcafe1234, 4));
    run(machine, code, sizeof(code), registers, 8);
    assert_int_equal(load(machine, RESULT, 4), 7);
    assert_int_equal(load(machine, RESULT + 4, 4), 9);
    assert_int_equal(load(machine, RESULT + 8, 4), 7);
    assert_int_equal(load(machine, RESULT + 12, 4), 0xcafe1234);
}

/* Datasheet 2.4.2.9: the core that asks, nothing else. */
static void sysresetreq_resets_one_core(void **state) {
    struct machine *machine = *state;
    /* str r1, [r0]; str r3, [r2]; b . */
    static const uint16_t code[] = { 0x6001, 0x6013, 0xe7fe };
    uint32_t registers[] = { RESETS_CLEAR, RESETS_RESET_TIMER, 0xe000ed0c, 0x05fa0004 };
    struct error error;
    assert_true(machine_load(machine, SRAM, (const uint8_t *)code, sizeof(code), &error));
    machine_power_on(machine, 0);
    core_start(machine_core(machine, 1), SRAM + 0x40000, SRAM + 4, SRAM); /* a loop */
    core_start(machine_core(machine, 0), SRAM + 0x41000, SRAM, SRAM);
    for (unsigned i = 0; i < 4; i++) {
        core_set_register(machine_core(machine, 0), i, registers[i]);
    }
    /* the boot ROM finds an empty flash */
    assert_int_equal(machine_run(machine, machine_now(machine) + 1000 * PS_PER_MS), MACHINE_UNBOOTABLE);
    assert_false(load(machine, RESETS_RESET, 4) & RESETS_RESET_TIMER);
    assert_int_equal(core_state(machine_core(machine, 1)), CORE_RUNNING);
    assert_int_equal(core_register(machine_core(machine, 1), 15), SRAM + 4);
}

/* XIP_CTRL.CTRL.ERR_BADWRITE: stores to the windows 0x11 to 0x13 are faults while it is set, those to 0x10 are lost. */
static void stores_to_flash(void **state) {
    struct machine *machine = *state;
    /* str r1, [r0]; str r1, [r2]; b . and the HardFault handler, at 0x20: b . */
    static const uint16_t code[17] = { 0x6001, 0x6011, 0xe7fe, [16] = 0xe7fe };
    uint32_t registers[] = { 0x10000000, 0, 0x13000000 }, vector = SRAM + 0x21;
    struct error error;
    assert_true(machine_load(machine, SRAM + 0x10c, (const uint8_t *)&vector, 4, &error));
    for (unsigned refuse = 0; refuse < 2; refuse++) {
        assert_true(machine_load(machine, SRAM, (const uint8_t *)code, sizeof(code), &error));
        machine_power_on(machine, 0);
        core_start(machine_core(machine, 0), SRAM + 0x40000, SRAM, SRAM + 0x100);
        assert_true(core_store(machine_core(machine, 0), 0x14000000, refuse ? 3 : 1, 4));
        for (unsigned i = 0; i < 3; i++) {
            core_set_register(machine_core(machine, 0), i, registers[i]);
        }
        machine_run(machine, machine_now(machine) + PS_PER_MS);
        assert_int_equal(core_register(machine_core(machine, 0), 15), SRAM + (refuse ? 0x20 : 4));
        assert_int_equal(load(machine, 0x10000000, 4), 0xffffffff);
        assert_int_equal(core_store(machine_core(machine, 0), 0x11000000, 0, 4), !refuse);
        assert_true(core_store(machine_core(machine, 0), 0x10000000, 0, 4));
    }
}

/* clk_sys so slow that its next cycle lies beyond 64 bits of picoseconds: time goes on all the same. */
static void a_very_slow_clock_does_not_stop_time(void **state) {
    struct machine *machine = *state;
    static const uint16_t code[] = { 0xe7fe };
    struct clock_domain *clock = machine->clk_sys;
    run(machine, code, sizeof(code), NULL, 0);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t now = machine_now(machine);
        clock_set_frequency(clock, 1, i ? PS_PER_S : 1000000, now);
        machine_run(machine, now + PS_PER_MS);
        assert_true(machine_now(machine) >= now + PS_PER_MS);
    }
}

/* Datasheet 2.6.3.1: the cache's RAM is memory while the cache is off; else accesses to it are bus errors. */
static void cache_as_memory(void **state) {
    struct machine *machine = *state;
    const uint16_t store_and_load[] = { 0x6001, 0x6802, 0xe7fe };     /* str r1, [r0]; ldr r2, [r0]; b . */
    const uint16_t off_before[] = { 0x601c, 0x6001, 0x6802, 0xe7fe }; /* str r4, [r3] first */
    const uint32_t registers[] = { 0x15000010, 0x12345678, 0, 0x14003000 /* CTRL, clear */, 1 };
    run(machine, store_and_load, sizeof(store_and_load), registers, 5);
    assert_int_equal(core_register(machine_core(machine, 0), 2), 0);
    assert_int_not_equal(core_state(machine_core(machine, 0)), CORE_RUNNING); /* HardFault, without a vector */
    run(machine, off_before, sizeof(off_before), registers, 5);
    assert_int_equal(core_register(machine_core(machine, 0), 2), 0x12345678);
    assert_int_equal(core_state(machine_core(machine, 0)), CORE_RUNNING);
}

/* Code in flash waits once, by the SSI's registers (RP2040 datasheet 4.10; at reset nothing is set up: 4 bytes). */
static void code_in_flash_waits(void **state) {
    struct machine *machine = *state;
    const uint16_t code[] = { 0x3901, 0xd1fd, 0xe7fe }; /* subs r1, #1; bne; b . */
    struct error error;
    struct xip_ctrl *xip = (struct xip_ctrl *)machine_block(machine, "XIP_CTRL");
    assert_true(machine_load(machine, 0x10000100, (const uint8_t *)code, sizeof(code), &error));
    machine_power_on(machine, 0);
    core_start(machine_core(machine, 0), SRAM + 0x40000, 0x10000100, SRAM);
    core_set_register(machine_core(machine, 0), 1, 10);
    machine_run(machine, machine_now(machine) + PS_PER_MS);
    assert_int_equal(core_register(machine_core(machine, 0), 1), 0);
    assert_int_equal(xip->block.values[XIP_CTRL_CTR_ACC], 2);
    assert_true(xip_cache_holds(&xip->cache, 0x100) && xip_cache_holds(&xip->cache, 0x104));
    block_write(&xip->block, 0x04, 1, ALIAS_NORMAL); /* FLUSH: the loop waits again */
    machine_run(machine, machine_now(machine) + PS_PER_MS);
    assert_int_equal(xip->block.values[XIP_CTRL_CTR_ACC], 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(flash_repeats_in_its_windows),
        TEST(code_runs_from_repeated_flash),
        TEST(sram_banks_are_a_second_view),
        TEST(code_runs_from_sram_banks),
        TEST(sysresetreq_resets_one_core),
        TEST(stores_to_flash),
        TEST(cache_as_memory),
        TEST(code_in_flash_waits),
        TEST(a_very_slow_clock_does_not_stop_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
