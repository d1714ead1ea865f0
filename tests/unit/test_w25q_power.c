/* What is left of a flash chip's operations when its supply goes, and its state in snapshots. */
#include "tests/unit/w25q_bench.h"

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
