/* The PSRAM against the APS6404L-3SQR datasheet: commands as they go over the lines. */
#include "emulator/core/log.h"
#include "peripherals/parts/aps6404l.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define MIB 0x100000u

struct bench {
    struct stage stage;
    struct aps6404l chip;
    unsigned changes;
    uint32_t changed_offset;
};

static void changed(void *context, uint32_t offset, uint32_t size) {
    struct bench *bench = context;
    bench->changes += size;
    bench->changed_offset = offset;
}

static void bench_init(struct bench *bench, uint32_t size) {
    *bench = (struct bench){ 0 };
    stage_init(&bench->stage);
    struct aps6404l_desc desc = { .env = &bench->stage.env, .size = size, .changed = changed, .context = bench };
    assert_true(aps6404l_init(&bench->chip, &desc));
}

static int setup(void **state) {
    struct bench *bench = malloc(sizeof(*bench));
    bench_init(bench, 8 * MIB);
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    aps6404l_finish(&bench->chip);
    free(bench);
    return 0;
}

static uint32_t shift(struct bench *bench, uint32_t value, unsigned bits, unsigned width) {
    return qspi_shift(&bench->chip.target, value, bits, width, true);
}

static uint32_t sample(struct bench *bench, unsigned bits, unsigned width) {
    return qspi_shift(&bench->chip.target, 0, bits, width, false);
}

static void wait_clocks(struct bench *bench, unsigned clocks) {
    sample(bench, clocks, 1);
}

/* A command that is a code alone. */
static void command(struct bench *bench, uint8_t code, unsigned width) {
    aps6404l_select(&bench->chip, true);
    shift(bench, code, 8, width);
    aps6404l_select(&bench->chip, false);
}

static void begin(struct bench *bench, uint8_t code, unsigned code_width, uint32_t address, unsigned address_width) {
    aps6404l_select(&bench->chip, true);
    shift(bench, code, 8, code_width);
    shift(bench, address, 24, address_width);
}

static void end(struct bench *bench) {
    aps6404l_select(&bench->chip, false);
}

static uint32_t read_serial(struct bench *bench, uint32_t address) {
    begin(bench, 0x03, 1, address, 1);
    uint32_t word = sample(bench, 32, 1);
    end(bench);
    return word;
}

/* MF ID 0x0d, KGD 0x5d, EID whose bits 47 to 45 are the density. */
static void test_id_follows_the_size(void **state) {
    static const struct {
        uint32_t size;
        uint8_t density;
    } sizes[] = { { 2 * MIB, 0 }, { 4 * MIB, 1 }, { 8 * MIB, 2 } };
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct bench bench;
        bench_init(&bench, sizes[i].size);
        begin(&bench, 0x9f, 1, 0xffffff, 1);
        assert_int_equal(sample(&bench, 8, 1), 0x0d);
        assert_int_equal(sample(&bench, 8, 1), 0x5d);
        assert_int_equal(sample(&bench, 8, 1) >> 5, sizes[i].density);
        end(&bench);
        aps6404l_finish(&bench.chip);
    }
}

static void test_sizes_without_a_density_are_refused(void **state) {
    struct bench *bench = *state;
    struct aps6404l chip;
    for (uint32_t size = 1; size; size <<= 1) {
        struct aps6404l_desc desc = { .env = &bench->stage.env, .size = size };
        bool known = size >= 2 * MIB && size <= 8 * MIB;
        assert_int_equal(aps6404l_init(&chip, &desc), known);
        if (known) {
            aps6404l_finish(&chip);
        }
    }
}

static void test_serial_write_and_reads(void **state) {
    struct bench *bench = *state;
    begin(bench, 0x02, 1, 0x123456, 1);
    shift(bench, 0xcafebabe, 32, 1);
    end(bench);
    assert_int_equal(bench->changes, 4);
    assert_int_equal(bench->changed_offset, 0x123459);
    assert_int_equal(bench->chip.contents[0x123456], 0xca);
    assert_int_equal(read_serial(bench, 0x123456), 0xcafebabe);
    begin(bench, 0x0b, 1, 0x123456, 1);
    wait_clocks(bench, 8);
    assert_int_equal(sample(bench, 32, 1), 0xcafebabe);
    end(bench);
}

/* From SPI: the code on one line, all else on four. */
static void test_quad_write_and_read_from_spi(void **state) {
    struct bench *bench = *state;
    begin(bench, 0x38, 1, 0x000100, 4);
    shift(bench, 0x01234567, 32, 4);
    end(bench);
    begin(bench, 0xeb, 1, 0x000100, 4);
    wait_clocks(bench, 6);
    assert_int_equal(sample(bench, 32, 4), 0x01234567);
    end(bench);
}

static void test_qpi_takes_codes_on_four_lines(void **state) {
    struct bench *bench = *state;
    command(bench, 0x35, 1);
    begin(bench, 0x38, 4, 0x7ffffe, 4);
    shift(bench, 0xaabb, 16, 4);
    end(bench);
    begin(bench, 0x02, 4, 0x7ffffc, 4);
    shift(bench, 0x8899, 16, 4);
    end(bench);
    begin(bench, 0xeb, 4, 0x7ffffc, 4);
    wait_clocks(bench, 6);
    assert_int_equal(sample(bench, 32, 4), 0x8899aabb);
    end(bench);
    begin(bench, 0x0b, 4, 0x7ffffc, 4);
    wait_clocks(bench, 4);
    assert_int_equal(sample(bench, 32, 4), 0x8899aabb);
    end(bench);
}

/* The id and single-line reads are SPI's alone: nobody drives the lines. */
static void test_qpi_has_no_id(void **state) {
    struct bench *bench = *state;
    command(bench, 0x35, 1);
    begin(bench, 0x9f, 4, 0, 4);
    assert_int_equal(sample(bench, 16, 4), 0xffff);
    end(bench);
    command(bench, 0xf5, 4);
    begin(bench, 0x9f, 1, 0, 1);
    assert_int_equal(sample(bench, 16, 1), 0x0d5d);
    end(bench);
}

/* What firmware sends to a chip of which it does not know whether it is in QPI still. */
static void test_quad_exit_in_spi_is_no_command(void **state) {
    struct bench *bench = *state;
    command(bench, 0xf5, 4);
    begin(bench, 0x9f, 1, 0, 1);
    assert_int_equal(sample(bench, 16, 1), 0x0d5d);
    end(bench);
}

static void test_reset_leads_to_spi(void **state) {
    struct bench *bench = *state;
    command(bench, 0x35, 1);
    command(bench, 0x99, 4); /* without 0x66 before it: ignored */
    assert_true(bench->chip.quad);
    command(bench, 0x66, 4);
    command(bench, 0x99, 4);
    begin(bench, 0x9f, 1, 0, 1);
    assert_int_equal(sample(bench, 16, 1), 0x0d5d);
    end(bench);
}

static void test_another_command_takes_the_reset_enable_back(void **state) {
    struct bench *bench = *state;
    command(bench, 0x35, 1);
    command(bench, 0x66, 4);
    begin(bench, 0xeb, 4, 0, 4);
    end(bench);
    command(bench, 0x99, 4);
    assert_true(bench->chip.quad);
}

/* Linear bursts cross the page of 1 KB; wrapped ones stay within 32 bytes. */
static void test_bursts(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 2048; i++) {
        bench->chip.contents[i] = (uint8_t)(i / 32 + i);
    }
    begin(bench, 0x03, 1, 1023, 1);
    assert_int_equal(sample(bench, 8, 1), bench->chip.contents[1023]);
    assert_int_equal(sample(bench, 8, 1), bench->chip.contents[1024]);
    end(bench);
    command(bench, 0xc0, 1);
    begin(bench, 0x03, 1, 1023, 1);
    assert_int_equal(sample(bench, 8, 1), bench->chip.contents[1023]);
    assert_int_equal(sample(bench, 8, 1), bench->chip.contents[992]);
    end(bench);
    command(bench, 0xc0, 1);
    begin(bench, 0x03, 1, 8 * MIB - 1, 1);
    sample(bench, 8, 1);
    assert_int_equal(sample(bench, 8, 1), bench->chip.contents[0]);
    end(bench);
}

static void test_unselected_it_leaves_the_lines_alone(void **state) {
    struct bench *bench = *state;
    shift(bench, 0x9f000000, 32, 1);
    assert_int_equal(sample(bench, 8, 4), 0xff);
    assert_int_equal(shift(bench, 0x5a, 8, 4), 0x5a);
}

static void test_unknown_commands_are_told(void **state) {
    struct bench *bench = *state;
    command(bench, 0x77, 1);
    assert_int_equal(bench->stage.log.count[LOG_GUEST], 1);
    command(bench, 0xff, 1);
    assert_int_equal(bench->stage.log.count[LOG_GUEST], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_id_follows_the_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sizes_without_a_density_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_serial_write_and_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quad_write_and_read_from_spi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_qpi_takes_codes_on_four_lines, setup, teardown),
        cmocka_unit_test_setup_teardown(test_qpi_has_no_id, setup, teardown),
        cmocka_unit_test_setup_teardown(test_quad_exit_in_spi_is_no_command, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reset_leads_to_spi, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_command_takes_the_reset_enable_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bursts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unselected_it_leaves_the_lines_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_commands_are_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
