/* The flash chip against the W25Q16JV datasheet: commands as they go over the lines. */
#include "emulator/core/log.h"
#include "emulator/core/random.h"
#include "emulator/core/walk.h"
#include "peripherals/parts/w25q.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define MIB 0x100000u

struct bench {
    struct scheduler scheduler;
    struct log log;
    struct environment env;
    struct w25q chip;
    unsigned changes;
    uint32_t changed_offset;
    uint32_t changed_size;
    enum w25q_change changed_what;
};

static void changed(void *context, uint32_t offset, uint32_t size, enum w25q_change what) {
    struct bench *bench = context;
    bench->changes++;
    bench->changed_offset = offset;
    bench->changed_size = size;
    bench->changed_what = what;
}

static void bench_init(struct bench *bench, uint32_t size, bool quad_selectable) {
    memset(bench, 0, sizeof(*bench));
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    bench->env = (struct environment){ .scheduler = &bench->scheduler, .log = &bench->log };
    struct w25q_desc desc = {
        .env = &bench->env,
        .size = size,
        .quad_selectable = quad_selectable,
        .unique_id = UINT64_C(0x0123456789abcdef),
        .changed = changed,
        .context = bench,
    };
    assert_true(w25q_init(&bench->chip, &desc));
}

static int setup(void **state) {
    struct bench *bench = malloc(sizeof(*bench));
    bench_init(bench, 2 * MIB, false);
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    w25q_finish(&bench->chip);
    free(bench);
    return 0;
}

/* One transaction of single-bit SPI. */
static void transact(struct w25q *chip, const uint8_t *out, uint8_t *in, unsigned count) {
    w25q_select(chip, true);
    for (unsigned i = 0; i < count; i++) {
        uint8_t byte = w25q_transfer(chip, out[i]);
        if (in) {
            in[i] = byte;
        }
    }
    w25q_select(chip, false);
}

static void command(struct w25q *chip, uint8_t code) {
    transact(chip, &code, NULL, 1);
}

static void command_at(struct w25q *chip, uint8_t code, uint32_t address) {
    uint8_t out[] = { code, (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address };
    transact(chip, out, NULL, 4);
}

static uint8_t status(struct w25q *chip, uint8_t code) {
    uint8_t out[2] = { code, 0 }, in[2];
    transact(chip, out, in, 2);
    return in[1];
}

static void pass(struct bench *bench, uint64_t ps) {
    scheduler_advance(&bench->scheduler, bench->scheduler.now_ps + ps);
}

static void program(struct w25q *chip, uint32_t address, const uint8_t *data, unsigned count) {
    uint8_t out[4 + 600] = { 0x02, (uint8_t)(address >> 16), (uint8_t)(address >> 8), (uint8_t)address };
    memcpy(out + 4, data, count);
    command(chip, 0x06);
    transact(chip, out, NULL, 4 + count);
}

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

/* ---- The supply goes (times of 9.6: 45 ms a sector, 0.4 ms a page) ---- */

static unsigned ones(const uint8_t *bytes, unsigned size) {
    unsigned count = 0;
    for (unsigned i = 0; i < size; i++) {
        count += (unsigned)__builtin_popcount(bytes[i]);
    }
    return count;
}

/* Half of the time of an erase: about half of the bits are set; what stands beside it is untouched. */
static void an_erase_is_left_half_done(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    memset(chip->contents, 0, 3 * W25Q_SECTOR);
    command(chip, 0x06);
    command_at(chip, 0x20, W25Q_SECTOR);
    pass(bench, 22500 * PS_PER_US);
    w25q_power_off(chip);
    w25q_power_on(chip);
    assert_int_equal(ones(chip->contents, W25Q_SECTOR), 0);
    assert_int_equal(ones(chip->contents + 2 * W25Q_SECTOR, W25Q_SECTOR), 0);
    assert_in_range(ones(chip->contents + W25Q_SECTOR, W25Q_SECTOR), 4 * W25Q_SECTOR - 400, 4 * W25Q_SECTOR + 400);
    assert_int_equal(bench->changed_offset, W25Q_SECTOR);
    assert_int_equal(status(chip, 0x05), 0);
}

static void an_erase_that_is_over_stays(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    memset(chip->contents, 0, W25Q_SECTOR);
    command(chip, 0x06);
    command_at(chip, 0x20, 0);
    pass(bench, 45 * PS_PER_MS);
    unsigned changes = bench->changes;
    w25q_power_off(chip);
    assert_int_equal(ones(chip->contents, W25Q_SECTOR), 8 * W25Q_SECTOR);
    assert_int_equal(bench->changes, changes);
}

/* A quarter of the time of a page. */
static void a_page_is_left_half_programmed(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    static const uint8_t page[W25Q_PAGE];
    program(chip, 0x1000, page, W25Q_PAGE);
    pass(bench, 100 * PS_PER_US);
    w25q_power_off(chip);
    assert_in_range(ones(chip->contents + 0x1000, W25Q_PAGE), 6 * W25Q_PAGE - 100, 6 * W25Q_PAGE + 100);
    assert_int_equal(ones(chip->contents + 0x1100, W25Q_PAGE), 8 * W25Q_PAGE);
    assert_int_equal(ones(chip->contents + 0xf00, W25Q_PAGE), 8 * W25Q_PAGE);
}

/* What the boot ROM begins in one go is done one after the other: erase, then pages of the same sector. */
static void steps_that_had_not_begun_are_not_done(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    static const uint8_t data[3 * W25Q_PAGE];
    memset(chip->contents, 0x55, W25Q_SECTOR);
    w25q_erase(chip, 0, W25Q_SECTOR);
    w25q_program(chip, 0, data, sizeof(data));
    pass(bench, 45 * PS_PER_MS + 600 * PS_PER_US); /* in the middle of the second page */
    w25q_power_off(chip);
    unsigned rest = W25Q_SECTOR - 2 * W25Q_PAGE;
    assert_int_equal(ones(chip->contents, W25Q_PAGE), 0);
    assert_in_range(ones(chip->contents + W25Q_PAGE, W25Q_PAGE), 4 * W25Q_PAGE - 100, 4 * W25Q_PAGE + 100);
    assert_int_equal(ones(chip->contents + 2 * W25Q_PAGE, rest), 8 * rest);
}

static void nothing_of_what_had_not_begun_is_left(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    static const uint8_t data[W25Q_PAGE];
    memset(chip->contents, 0x55, 2 * W25Q_SECTOR);
    w25q_erase(chip, 0, 2 * W25Q_SECTOR);
    w25q_program(chip, 0, data, sizeof(data));
    w25q_power_off(chip);
    for (unsigned i = 0; i < 2 * W25Q_SECTOR; i++) {
        assert_int_equal(chip->contents[i], 0x55);
    }
}

/* 8.2: suspended, the sector may be corrupted as well; as far as it had got, here a third. */
static void a_suspended_erase_is_left_as_far_as_it_got(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    memset(chip->contents, 0, W25Q_SECTOR);
    command(chip, 0x06);
    command_at(chip, 0x20, 0);
    pass(bench, 15 * PS_PER_MS);
    command(chip, 0x75);
    pass(bench, 500 * PS_PER_MS);
    w25q_power_off(chip);
    unsigned third = 8 * W25Q_SECTOR / 3;
    assert_in_range(ones(chip->contents, W25Q_SECTOR), third - 400, third + 400);
}

static void a_resumed_erase_is_left_as_far_as_it_got(void **state) {
    struct bench *bench = *state;
    struct w25q *chip = &bench->chip;
    memset(chip->contents, 0, W25Q_SECTOR);
    command(chip, 0x06);
    command_at(chip, 0x20, 0);
    pass(bench, 15 * PS_PER_MS);
    command(chip, 0x75);
    pass(bench, 500 * PS_PER_MS);
    command(chip, 0x7a);
    pass(bench, 15 * PS_PER_MS);
    w25q_power_off(chip);
    unsigned third = 8 * W25Q_SECTOR / 3;
    assert_in_range(ones(chip->contents, W25Q_SECTOR), 2 * third - 400, 2 * third + 400);
}

static void the_same_seed_leaves_the_same(void **state) {
    uint8_t left[2][W25Q_SECTOR];
    for (unsigned i = 0; i < 2; i++) {
        struct bench bench;
        bench_init(&bench, MIB, false);
        memset(bench.chip.contents, 0, W25Q_SECTOR);
        w25q_erase(&bench.chip, 0, W25Q_SECTOR);
        pass(&bench, 30 * PS_PER_MS);
        w25q_power_off(&bench.chip);
        memcpy(left[i], bench.chip.contents, W25Q_SECTOR);
        w25q_finish(&bench.chip);
    }
    assert_memory_equal(left[0], left[1], W25Q_SECTOR);
}

/* ---- Snapshots ---- */

static const uint8_t codes[] = { 0x01, 0x02, 0x03, 0x05, 0x0b, 0x11, 0x15, 0x20, 0x31, 0x32, 0x35, 0x3b,
                                 0x42, 0x44, 0x48, 0x4b, 0x50, 0x52, 0x5a, 0x66, 0x6b, 0x75, 0x77, 0x7a,
                                 0x90, 0x92, 0x94, 0x99, 0x9f, 0xab, 0xb9, 0xbb, 0xd8, 0xeb };

/* A random step, the same for chips that are alike; what the chip answers goes into *hash. Most steps send a command
 * that there is, and then whole bytes or part of one. */
static void step(struct bench *bench, struct random *random, uint64_t *hash) {
    struct w25q *chip = &bench->chip;
    uint64_t what = random_next(random) % 16;
    if (what == 0) {
        pass(bench, random_next(random) % (2 * PS_PER_MS));
    } else if (what == 1) {
        pass(bench, random_next(random) % 8 * 100 * PS_PER_MS);
    } else if (what < 12) {
        w25q_select(chip, false);
        if (what < 6) {
            command(chip, what == 2 ? 0x50 : 0x06);
        }
        w25q_select(chip, true);
        if (!chip->continuous) {
            w25q_transfer(chip, codes[random_next(random) % sizeof(codes)]);
        }
        if (random_next(random) % 4 != 0) {
            /* Few addresses, so that writers and readers meet. */
            w25q_transfer(chip, 0);
            w25q_transfer(chip, random_next(random) % 4 << 4);
            w25q_transfer(chip, random_next(random) % 32);
        }
    }
    uint64_t clocks = random_next(random) % 2 ? 8 * (random_next(random) % 9) : 0;
    if (random_next(random) % 4 == 0) {
        clocks += random_next(random) % 8;
    }
    for (; clocks > 0; clocks--) {
        *hash = *hash * 31 + w25q_clock(chip, random_next(random) % 16);
    }
}

/* What a chip remembers of the past shows. */
static void go_on(struct bench *bench, unsigned round, uint64_t *hash) {
    static const uint8_t next[] = { 0x7a, 0x75, 0x99, 0x01 };
    struct w25q *chip = &bench->chip;
    if (round % 2 == 0) {
        for (unsigned i = 0; i < 64; i++) {
            *hash = *hash * 31 + w25q_clock(chip, round % 16);
        }
        return;
    }
    w25q_select(chip, false);
    if (round / 2 % 5 == 4) {
        w25q_power_on(chip);
    } else {
        uint8_t out[] = { next[round / 2 % 5], 0x04 };
        transact(chip, out, NULL, out[0] == 0x01 ? 2 : 1);
    }
    static const uint8_t codes_of_status[] = { 0x05, 0x35, 0x15 };
    for (unsigned i = 0; i < 3; i++) {
        *hash = *hash * 31 + status(chip, codes_of_status[i]);
    }
    for (uint8_t i = 1; i < 4; i++) {
        uint8_t out[32] = { 0x48, 0, (uint8_t)(i << 4), 0 }, in[32];
        transact(chip, out, in, sizeof(out));
        for (unsigned k = 0; k < sizeof(in); k++) {
            *hash = *hash * 31 + in[k];
        }
    }
    w25q_select(chip, true);
    w25q_transfer(chip, 0xeb);
    w25q_shift(chip, 0x10001c, 24, 4, true);
    for (unsigned i = 0; i < 160; i++) {
        *hash = *hash * 31 + w25q_clock(chip, 15);
    }
    w25q_select(chip, false);
}

static void save(struct bench *bench, struct walk *ret_walk) {
    struct error error = { "" };
    walk_write_begin(ret_walk, &bench->scheduler);
    w25q_walk(&bench->chip, ret_walk);
    assert_true(walk_complete(ret_walk, &error));
}

static void loaded_chips_go_on_alike(void **state) {
    static const uint8_t settings[] = { 0x06, 0x50, 0x66, 0xb9 };
    struct bench *bench = *state;
    struct random random;
    random_init(&random, 21);
    for (uint32_t i = 0; i < bench->chip.desc.size; i++) {
        bench->chip.contents[i] = i / W25Q_SECTOR % 8 ? 0xff : (uint8_t)(i * 7 ^ i >> 8);
    }
    unsigned continuous = 0, suspended = 0, volatile_enabled = 0, reset_enabled = 0, down = 0, wrapped = 0, busy = 0;
    uint64_t hash = 0;
    for (unsigned round = 0; round < 400; round++) {
        for (unsigned i = 0; i < 20; i++) {
            step(bench, &random, &hash);
        }
        struct w25q *chip = &bench->chip;
        if (round % 3 == 0) {
            w25q_select(chip, false);
            command(chip, settings[random_next(&random) % sizeof(settings)]);
        } else if (round % 3 == 1) {
            w25q_select(chip, false);
            command(chip, 0x06);
            command_at(chip, 0x20, 0x9000);
            command(chip, 0x75);
        }
        continuous += chip->continuous != NULL;
        suspended += chip->suspended;
        volatile_enabled += chip->volatile_enabled;
        reset_enabled += chip->reset_enabled;
        down += chip->powered_down;
        wrapped += chip->wrap != 0;
        busy += w25q_busy(chip);
        struct bench other;
        bench_init(&other, 2 * MIB, false);
        struct walk saved, reader, ends[2];
        save(bench, &saved);
        scheduler_advance(&other.scheduler, bench->scheduler.now_ps);
        walk_read_begin(&reader, saved.bytes, saved.at, &other.scheduler);
        w25q_walk(&other.chip, &reader);
        struct error error = { "" };
        assert_true(walk_complete(&reader, &error));
        walk_finish(&reader);
        assert_int_equal(other.changes, 0);
        uint64_t other_hash = hash;
        go_on(bench, round, &hash);
        go_on(&other, round, &other_hash);
        struct random same = random;
        for (unsigned i = 0; i < 20; i++) {
            step(bench, &random, &hash);
            step(&other, &same, &other_hash);
        }
        assert_int_equal(other_hash, hash);
        save(bench, &ends[0]);
        save(&other, &ends[1]);
        assert_int_equal(ends[0].at, ends[1].at);
        assert_memory_equal(ends[0].bytes, ends[1].bytes, ends[0].at);
        walk_finish(&ends[0]);
        walk_finish(&ends[1]);
        walk_finish(&saved);
        w25q_finish(&other.chip);
        if (chip->powered_down || round % 32 == 31) {
            w25q_power_on(chip);
        }
    }
    /* The moments were worth it. */
    assert_true(continuous && suspended && volatile_enabled && reset_enabled && down && wrapped && busy);
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
        TEST(an_erase_is_left_half_done),
        TEST(an_erase_that_is_over_stays),
        TEST(a_page_is_left_half_programmed),
        TEST(steps_that_had_not_begun_are_not_done),
        TEST(nothing_of_what_had_not_begun_is_left),
        TEST(a_suspended_erase_is_left_as_far_as_it_got),
        TEST(a_resumed_erase_is_left_as_far_as_it_got),
        TEST(the_same_seed_leaves_the_same),
        TEST(loaded_chips_go_on_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
