/* RP2350 datasheet 4.3: RAM with narrow and aliased stores, write-once words, locks. */
#include "peripherals/onchip/bootram.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

struct fixture {
    struct stage stage;
    struct bootram *bootram;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    f->bootram = (struct bootram *)block_create(&bootram_class, "BOOTRAM", &f->stage.env, &rp2350_bootram_registers);
    block_start(&f->bootram->block);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(&f->bootram->block);
    free(f);
    return 0;
}

static uint32_t load(struct fixture *f, uint32_t offset) {
    return bootram_window_read(f->bootram, offset, 4);
}

static void store(struct fixture *f, uint32_t offset, uint32_t value) {
    bootram_window_write(f->bootram, offset, value, 4);
}

static void ram(void **state) {
    struct fixture *f = *state;
    store(f, 0x3fc, 0x11223344);
    bootram_window_write(f->bootram, 0x3fd, 0xee, 1);
    assert_int_equal(load(f, 0x3fc), 0x1122ee44);
    bootram_window_write(f->bootram, 0x3fe, 0xaabb, 2);
    assert_int_equal(load(f, 0x3fc), 0xaabbee44);
    assert_int_equal(bootram_window_read(f->bootram, 0x3fe, 2), 0xaabb);
    assert_int_equal(bootram_window_read(f->bootram, 0x3ff, 1), 0xaa);
    store(f, 0x23fc, 0x11); /* set */
    store(f, 0x33fc, 0x44); /* clear */
    assert_int_equal(load(f, 0x3fc), 0xaabbee11);
    block_reset(&f->bootram->block);
    assert_int_equal(load(f, 0x3fc), 0xaabbee11);
}

static void write_once(void **state) {
    struct fixture *f = *state;
    store(f, 0x800, 5);
    store(f, 0x800, 2);
    store(f, 0x3800, 7);
    assert_int_equal(load(f, 0x800), 7);
    assert_int_equal(load(f, 0x804), 0);
    block_reset(&f->bootram->block);
    assert_int_equal(load(f, 0x800), 0);
}

static void locks(void **state) {
    struct fixture *f = *state;
    assert_int_equal(load(f, 0x808), 0xff);
    assert_int_equal(load(f, 0x80c + 4 * 7), 1 << 7); /* claimed */
    assert_int_equal(load(f, 0x80c + 4 * 7), 0);
    assert_int_equal(load(f, 0x808), 0x7f);
    store(f, 0x80c + 4 * 7, 0);
    assert_int_equal(load(f, 0x808), 0xff);
    assert_int_equal(load(f, 0x80c + 4 * 7), 1 << 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = { TEST(ram), TEST(write_once), TEST(locks) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
