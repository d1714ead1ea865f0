/* The flash chip against the W25Q16JV datasheet: commands as they go over the lines. */
#include "tests/unit/w25q_bench.h"

/* ---- Identification ---- */

static void jedec_id_follows_the_size(void **state) {
    static const uint8_t capacities[] = { 0x14, 0x15, 0x16, 0x17, 0x18 };
    for (unsigned i = 0; i < 5; i++) {
        struct bench bench;
        bench_init(&bench, MIB << i, false);
        uint8_t out[4] = { 0x9f }, in[4];
        transact(&bench.chip, out, in, 4);
        assert_int_equal(in[1], 0xef);
        assert_int_equal(in[2], 0x40);
        assert_int_equal(in[3], capacities[i]);
        assert_int_equal((uintptr_t)bench.chip.contents % 4096, 0);
        w25q_finish(&bench.chip);
    }
}

static void odd_sizes_are_refused(void **state) {
    struct bench *bench = *state;
    struct w25q chip;
    struct w25q_desc desc = { .env = &bench->env, .size = 3 * MIB };
    assert_false(w25q_init(&chip, &desc));
    desc.size = 32 * MIB;
    assert_false(w25q_init(&chip, &desc));
}

static void unique_and_device_ids(void **state) {
    struct bench *bench = *state;
    uint8_t out[13] = { 0x4b }, in[13];
    transact(&bench->chip, out, in, 13);
    static const uint8_t expected[] = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef };
    assert_memory_equal(in + 5, expected, 8);
    uint8_t ids[6] = { 0x90 };
    transact(&bench->chip, ids, in, 6);
    assert_int_equal(in[4], 0xef);
    assert_int_equal(in[5], 0x14);
    uint8_t device[5] = { 0xab };
    transact(&bench->chip, device, in, 5);
    assert_int_equal(in[4], 0x14);
}

static uint32_t sfdp_word(struct w25q *chip, uint32_t at) {
    uint8_t out[9] = { 0x5a, 0, (uint8_t)(at >> 8), (uint8_t)at }, in[9];
    transact(chip, out, in, 9);
    return in[5] | in[6] << 8 | in[7] << 16 | (uint32_t)in[8] << 24;
}

static void sfdp_is_a_jesd216_table(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    assert_int_equal(sfdp_word(chip, 0), 0x50444653);
    uint32_t header = sfdp_word(chip, 8);
    assert_int_equal(header & 0xff, 0x00);
    assert_int_equal(header >> 24, 16);
    uint32_t table = sfdp_word(chip, 12) & 0xffffff;
    assert_int_equal(sfdp_word(chip, table) & 0xff03, 0x2001);     /* 4 KiB erase by 0x20 */
    assert_int_equal(sfdp_word(chip, table + 4), 16 * MIB - 1);    /* density in bits - 1 */
    assert_int_equal(sfdp_word(chip, table + 8) & 0xffff, 0xeb44); /* 1-4-4: 0xeb, 2 + 4 clocks */
    assert_int_equal(sfdp_word(chip, table + 28), 0x520f200c);
    assert_int_equal(sfdp_word(chip, table + 40) >> 4 & 0xf, 8); /* pages of 2^8 */
    uint32_t times = sfdp_word(chip, table + 36);
    assert_int_equal((times >> 4 & 0x1f) + 1, 3); /* 3 * 16 ms */
    assert_int_equal(times >> 9 & 3, 1);
    assert_int_equal(sfdp_word(chip, 0x40), 0xffffffff);
}

/* ---- Reading ---- */

static void fill(struct w25q *chip) {
    for (uint32_t i = 0; i < chip->desc.size; i++) {
        chip->contents[i] = (uint8_t)(i * 7 ^ i >> 8);
    }
}

static void single_reads_run_on_and_wrap(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    fill(chip);
    uint8_t out[8] = { 0x03, 0x1f, 0xff, 0xfe }, in[8];
    transact(chip, out, in, 8);
    assert_int_equal(in[4], chip->contents[0x1ffffe]);
    assert_int_equal(in[5], chip->contents[0x1fffff]);
    assert_int_equal(in[6], chip->contents[0]);
    uint8_t fast[7] = { 0x0b, 0x00, 0x12, 0x34 };
    transact(chip, fast, in, 7);
    assert_int_equal(in[5], chip->contents[0x1234]);
    assert_int_equal(in[6], chip->contents[0x1235]);
}

static void output_reads_use_more_lines(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    fill(chip);
    for (unsigned quad = 0; quad < 2; quad++) {
        w25q_select(chip, true);
        w25q_transfer(chip, quad ? 0x6b : 0x3b);
        w25q_shift(chip, 0x001234, 24, 1, true);
        w25q_shift(chip, 0, 8, 1, false);
        assert_int_equal(w25q_shift(chip, 0, 8, quad ? 4 : 2, false), chip->contents[0x1234]);
        assert_int_equal(w25q_shift(chip, 0, 8, quad ? 4 : 2, false), chip->contents[0x1235]);
        w25q_select(chip, false);
    }
}

/* Address and mode on four lines, four dummy clocks; the code only when `code`. */
static uint8_t quad_read(struct w25q *chip, bool code, uint32_t address, uint8_t mode) {
    w25q_select(chip, true);
    if (code) {
        w25q_transfer(chip, 0xeb);
    }
    w25q_shift(chip, address << 8 | mode, 32, 4, true);
    w25q_shift(chip, 0, 4, 1, false);
    uint8_t byte = (uint8_t)w25q_shift(chip, 0, 8, 4, false);
    w25q_select(chip, false);
    return byte;
}

static void continuous_read_goes_on_without_a_code(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    fill(chip);
    assert_int_equal(quad_read(chip, true, 0x1000, 0xa0), chip->contents[0x1000]);
    assert_int_equal(quad_read(chip, false, 0x2002, 0xa0), chip->contents[0x2002]);
    assert_int_equal(quad_read(chip, false, 0x3003, 0x00), chip->contents[0x3003]);
    assert_int_equal(status(chip, 0x35), 0x02);
}

static void exit_sequence_ends_continuous_read(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    quad_read(chip, true, 0, 0xa0);
    assert_int_not_equal(status(chip, 0x35), 0x02);
    quad_read(chip, true, 0, 0xa0);
    w25q_exit_continuous(chip);
    assert_int_equal(status(chip, 0x35), 0x02);
}

static void dual_io_read(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    fill(chip);
    w25q_select(chip, true);
    w25q_transfer(chip, 0xbb);
    w25q_shift(chip, 0x123400, 32, 2, true);
    assert_int_equal(w25q_shift(chip, 0, 8, 2, false), chip->contents[0x1234]);
    w25q_select(chip, false);
}

static void quad_reads_wrap_when_set(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    fill(chip);
    w25q_select(chip, true);
    w25q_transfer(chip, 0x77);
    w25q_shift(chip, 0x20, 32, 4, true); /* W6..W5 = 1: 16 bytes */
    w25q_select(chip, false);
    w25q_select(chip, true);
    w25q_transfer(chip, 0xeb);
    w25q_shift(chip, 0x100f00, 32, 4, true);
    w25q_shift(chip, 0, 4, 1, false);
    w25q_shift(chip, 0, 8, 4, false);
    assert_int_equal(w25q_shift(chip, 0, 8, 4, false), chip->contents[0x1000]);
    w25q_select(chip, false);
}

static void quad_read_needs_qe(void **state) {
    struct bench bench;
    bench_init(&bench, 2 * MIB, true);
    fill(&bench.chip);
    assert_int_equal(quad_read(&bench.chip, true, 0x1000, 0), 0xff);
    uint8_t write[] = { 0x01, 0x00, 0x02 };
    command(&bench.chip, 0x06);
    transact(&bench.chip, write, NULL, 3);
    assert_int_equal(status(&bench.chip, 0x05) & 1, 1);
    pass(&bench, 11 * PS_PER_MS);
    assert_int_equal(status(&bench.chip, 0x05), 0);
    assert_int_equal(quad_read(&bench.chip, true, 0x1000, 0), bench.chip.contents[0x1000]);
    w25q_finish(&bench.chip);
}

/* ---- Status ---- */

static void volatile_status_is_lost_by_reset(void **state) {
    struct bench bench;
    bench_init(&bench, 2 * MIB, true);
    uint8_t write[] = { 0x31, 0x02 };
    command(&bench.chip, 0x50);
    transact(&bench.chip, write, NULL, 2);
    assert_int_equal(status(&bench.chip, 0x05), 0); /* not busy */
    assert_int_equal(status(&bench.chip, 0x35), 0x02);
    command(&bench.chip, 0x99); /* alone it does nothing */
    assert_int_equal(status(&bench.chip, 0x35), 0x02);
    command(&bench.chip, 0x66);
    command(&bench.chip, 0x99);
    assert_int_equal(status(&bench.chip, 0x35), 0x00);
    w25q_finish(&bench.chip);
}

static void status_write_needs_enable(void **state) {
    struct bench *bench = *state;
    uint8_t write[] = { 0x01, 0x1c };
    transact(&bench->chip, write, NULL, 2);
    assert_int_equal(status(&bench->chip, 0x05), 0);
    assert_int_equal(bench->log.count[LOG_GUEST], 1);
}

static void write_enable_is_exact(void **state) {
    struct bench *bench = *state;
    uint8_t long_one[] = { 0x06, 0x00 };
    transact(&bench->chip, long_one, NULL, 2);
    assert_int_equal(status(&bench->chip, 0x05), 0);
    command(&bench->chip, 0x06);
    assert_int_equal(status(&bench->chip, 0x05), 2);
    command(&bench->chip, 0x04);
    assert_int_equal(status(&bench->chip, 0x05), 0);
}

/* ---- Programming and erasing ---- */

static void program_ands_and_wraps_in_its_page(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    uint8_t data[300];
    for (unsigned i = 0; i < 300; i++) {
        data[i] = (uint8_t)(i < 256 ? i : 0xf0);
    }
    program(chip, 0x1080, data, 300);
    /* 300 bytes from 0x80 on: the last 256 count, wrapped inside the page. */
    assert_int_equal(chip->contents[0x1080], 0xf0);
    assert_int_equal(chip->contents[0x10ab], 0xf0);
    assert_int_equal(chip->contents[0x10ac], 44);
    assert_int_equal(chip->contents[0x1000], 128);
    assert_int_equal(chip->contents[0x0fff], 0xff);
    assert_int_equal(chip->contents[0x1100], 0xff);
    pass(bench, PS_PER_MS);
    uint8_t low = 0x3c;
    program(chip, 0x1080, &low, 1);
    assert_int_equal(chip->contents[0x1080], 0x30);
    assert_int_equal(bench->changed_offset, 0x1000);
    assert_int_equal(bench->changed_size, 256);
    assert_int_equal(bench->changed_what, W25Q_PROGRAMMED);
}

static void program_takes_its_time(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    uint8_t byte = 0;
    program(chip, 0, &byte, 1);
    pass(bench, 399 * PS_PER_US);
    assert_int_equal(status(chip, 0x05), 1); /* BUSY; WEL has been cleared */
    uint8_t out[5] = { 0x03 }, in[5];
    transact(chip, out, in, 5);
    assert_int_equal(in[4], 0xff); /* ignored */
    pass(bench, PS_PER_US);
    assert_int_equal(status(chip, 0x05), 0);
    transact(chip, out, in, 5);
    assert_int_equal(in[4], 0);
}

static void program_needs_write_enable_and_whole_bytes(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    uint8_t out[] = { 0x02, 0, 0, 0, 0x00 };
    transact(chip, out, NULL, 5);
    assert_int_equal(chip->contents[0], 0xff);
    command(chip, 0x06);
    w25q_select(chip, true);
    w25q_shift(chip, 0x02000000, 32, 1, true);
    w25q_shift(chip, 0, 12, 1, true);
    w25q_select(chip, false);
    assert_int_equal(chip->contents[0], 0xff);
    assert_int_equal(bench->changes, 0);
}

static void quad_program(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    command(chip, 0x06);
    w25q_select(chip, true);
    w25q_transfer(chip, 0x32);
    w25q_shift(chip, 0x002000, 24, 1, true);
    w25q_shift(chip, 0x1234, 16, 4, true);
    w25q_select(chip, false);
    assert_int_equal(chip->contents[0x2000], 0x12);
    assert_int_equal(chip->contents[0x2001], 0x34);
}

static void erases_take_their_sizes_and_times(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    static const struct {
        uint8_t code;
        uint32_t size;
        uint64_t ms;
    } erases[] = { { 0x20, 0x1000, 45 }, { 0x52, 0x8000, 120 }, { 0xd8, 0x10000, 150 } };
    for (unsigned i = 0; i < 3; i++) {
        memset(chip->contents, 0, chip->desc.size);
        command(chip, 0x06);
        command_at(chip, erases[i].code, 0x23456);
        uint32_t start = 0x23456 & ~(erases[i].size - 1);
        assert_int_equal(chip->contents[start - 1], 0);
        assert_int_equal(chip->contents[start], 0xff);
        assert_int_equal(chip->contents[start + erases[i].size - 1], 0xff);
        assert_int_equal(chip->contents[start + erases[i].size], 0);
        assert_int_equal(bench->changed_offset, start);
        assert_int_equal(bench->changed_size, erases[i].size);
        assert_int_equal(bench->changed_what, W25Q_ERASED);
        pass(bench, erases[i].ms * PS_PER_MS - 1);
        assert_int_equal(status(chip, 0x05), 1);
        pass(bench, 1);
        assert_int_equal(status(chip, 0x05), 0);
    }
    command(chip, 0x06);
    command(chip, 0xc7);
    assert_int_equal(chip->contents[0], 0xff);
    pass(bench, 5 * PS_PER_S);
    assert_int_equal(status(chip, 0x05), 0);
}

static void erasing_the_erased_is_no_change(void **state) {
    struct bench *bench = *state;
    command(&bench->chip, 0x06);
    command_at(&bench->chip, 0x20, 0);
    assert_int_equal(bench->changes, 0);
    assert_int_equal(status(&bench->chip, 0x05), 1);
}

static void block_protection_holds(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    uint8_t write[] = { 0x01, 0x04 }; /* BP0: the upper 64 KiB */
    command(chip, 0x50);
    transact(chip, write, NULL, 2);
    uint8_t zero = 0;
    program(chip, 0x1f0000, &zero, 1);
    assert_int_equal(chip->contents[0x1f0000], 0xff);
    program(chip, 0x1effff, &zero, 1);
    assert_int_equal(chip->contents[0x1effff], 0);
    uint8_t all[] = { 0x01, 0x00, 0x42 }; /* CMP with no block: everything */
    pass(bench, PS_PER_MS);
    command(chip, 0x50);
    transact(chip, all, NULL, 3);
    program(chip, 0, &zero, 1);
    assert_int_equal(chip->contents[0], 0xff);
}

static void suspend_lets_others_read(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    command(chip, 0x06);
    command_at(chip, 0x20, 0);
    pass(bench, 5 * PS_PER_MS);
    command(chip, 0x75);
    pass(bench, 20 * PS_PER_US);
    assert_int_equal(status(chip, 0x05), 0);
    assert_int_equal(status(chip, 0x35), 0x82);
    pass(bench, PS_PER_S);
    command(chip, 0x7a);
    assert_int_equal(status(chip, 0x35), 0x02);
    pass(bench, 40 * PS_PER_MS - 1);
    assert_int_equal(status(chip, 0x05), 1);
    pass(bench, 1);
    assert_int_equal(status(chip, 0x05), 0);
}

static void power_down_answers_its_release_alone(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    command(chip, 0xb9);
    uint8_t out[4] = { 0x9f }, in[4];
    transact(chip, out, in, 4);
    assert_int_equal(in[1], 0xff);
    command(chip, 0xab);
    transact(chip, out, in, 4);
    assert_int_equal(in[1], 0xef);
}

/* ---- Direct calls ---- */

static void direct_calls_give_the_time(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    memset(chip->contents, 0, chip->desc.size);
    /* A sector, a block, a sector. */
    assert_int_equal(w25q_erase(chip, 0xf000, 0x12000), 240 * PS_PER_MS);
    assert_int_equal(chip->contents[0xefff], 0);
    assert_int_equal(chip->contents[0xf000], 0xff);
    assert_int_equal(chip->contents[0x20fff], 0xff);
    assert_int_equal(chip->contents[0x21000], 0);
    uint8_t data[4096];
    memset(data, 0x5a, sizeof(data));
    bench->changes = 0;
    assert_int_equal(w25q_program(chip, 0x10000, data, 4096), 16 * 400 * PS_PER_US);
    assert_memory_equal(chip->contents + 0x10000, data, 4096);
    assert_int_equal(bench->changes, 1);
    assert_int_equal(bench->changed_offset, 0x10000);
    assert_int_equal(bench->changed_size, 4096);
    w25q_program(chip, 0x1fff00, data, 512);
    assert_int_equal(chip->contents[0x1fff00], 0);
    assert_int_equal(bench->changed_offset, 0);
    assert_int_equal(bench->changed_size, 256);
    assert_int_equal(w25q_erase(chip, 0x8000, 0x8000), 120 * PS_PER_MS);
    assert_int_equal(w25q_erase(chip, 0xfffff000, 0x2000), 90 * PS_PER_MS);
    assert_int_equal(w25q_erase(chip, 0, UINT32_MAX), 5 * PS_PER_S);
    assert_int_equal(w25q_program(chip, 0, data, 0), 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(jedec_id_follows_the_size),
        TEST(odd_sizes_are_refused),
        TEST(unique_and_device_ids),
        TEST(sfdp_is_a_jesd216_table),
        TEST(single_reads_run_on_and_wrap),
        TEST(output_reads_use_more_lines),
        TEST(continuous_read_goes_on_without_a_code),
        TEST(exit_sequence_ends_continuous_read),
        TEST(dual_io_read),
        TEST(quad_reads_wrap_when_set),
        TEST(quad_read_needs_qe),
        TEST(volatile_status_is_lost_by_reset),
        TEST(status_write_needs_enable),
        TEST(write_enable_is_exact),
        TEST(program_ands_and_wraps_in_its_page),
        TEST(program_takes_its_time),
        TEST(program_needs_write_enable_and_whole_bytes),
        TEST(quad_program),
        TEST(erases_take_their_sizes_and_times),
        TEST(erasing_the_erased_is_no_change),
        TEST(block_protection_holds),
        TEST(suspend_lets_others_read),
        TEST(power_down_answers_its_release_alone),
        TEST(direct_calls_give_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
