/* RP2350 datasheet 12.12: collecting, timing, status, the same bits for the same seed. */
#include "peripherals/onchip/trng.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define CYCLE 8000u /* picoseconds */

struct fixture {
    struct stage stage;
    struct trng *trng;
    struct block *b;
};

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    f->trng = (struct trng *)block_create(&trng_class, "TRNG", &f->stage.env, &rp2350_trng_registers);
    f->trng->clock = &f->stage.clock;
    f->b = &f->trng->block;
    block_start(f->b);
    wr(f->b, TRNG_TRNG_DEBUG_CONTROL, 0xe); /* no tests, no balancer */
    wr(f->b, TRNG_SAMPLE_CNT1, 25);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(f->b);
    free(f);
    return 0;
}

static void read_all(struct fixture *f, uint32_t words[6]) {
    for (unsigned i = 0; i < 6; i++) {
        words[i] = rd(f->b, TRNG_EHR_DATA0 + i);
    }
}

static void collects_192_bits(void **state) {
    struct fixture *f = *state;
    assert_int_equal(rd(f->b, TRNG_TRNG_BUSY), 0);
    wr(f->b, TRNG_RND_SOURCE_ENABLE, 1);
    stage_run(&f->stage, (192 * 25 - 1) * CYCLE);
    assert_int_equal(rd(f->b, TRNG_TRNG_BUSY), 1);
    assert_int_equal(rd(f->b, TRNG_TRNG_VALID), 0);
    stage_run(&f->stage, CYCLE);
    assert_int_equal(rd(f->b, TRNG_TRNG_BUSY), 0);
    assert_int_equal(rd(f->b, TRNG_TRNG_VALID), 1);
    assert_int_equal(rd(f->b, TRNG_RNG_ISR), TRNG_RNG_ISR_EHR_VALID);
}

static void balancer_takes_longer(void **state) {
    struct fixture *f = *state;
    wr(f->b, TRNG_TRNG_DEBUG_CONTROL, 0);
    wr(f->b, TRNG_RND_SOURCE_ENABLE, 1);
    stage_run(&f->stage, 192 * 25 * 3 * CYCLE);
    assert_int_equal(rd(f->b, TRNG_TRNG_VALID), 0);
    stage_run(&f->stage, 192 * 25 * CYCLE);
    assert_int_equal(rd(f->b, TRNG_TRNG_VALID), 1);
}

/* Reading the last word begins the next collection. */
static void next_bits_are_others(void **state) {
    struct fixture *f = *state;
    uint32_t first[6], second[6];
    wr(f->b, TRNG_RND_SOURCE_ENABLE, 1);
    stage_run(&f->stage, PS_PER_MS);
    read_all(f, first);
    assert_int_equal(rd(f->b, TRNG_TRNG_VALID), 0);
    assert_int_equal(rd(f->b, TRNG_TRNG_BUSY), 1);
    stage_run(&f->stage, PS_PER_MS);
    read_all(f, second);
    assert_memory_not_equal(first, second, sizeof first);
}

static void same_seed_same_bits(void **state) {
    struct fixture *f = *state, *other;
    void *twin;
    uint32_t first[6], second[6];
    setup(&twin);
    other = twin;
    wr(f->b, TRNG_RND_SOURCE_ENABLE, 1);
    wr(other->b, TRNG_RND_SOURCE_ENABLE, 1);
    stage_run(&f->stage, PS_PER_MS);
    stage_run(&other->stage, PS_PER_MS);
    read_all(f, first);
    read_all(other, second);
    assert_memory_equal(first, second, sizeof first);
    teardown(&twin);
}

static void interrupt(void **state) {
    struct fixture *f = *state;
    wr(f->b, TRNG_RNG_IMR, 0xe);
    wr(f->b, TRNG_RND_SOURCE_ENABLE, 1);
    stage_run(&f->stage, PS_PER_MS);
    assert_true(f->b->irq[0].level);
    wr(f->b, TRNG_RNG_ICR, TRNG_RNG_ICR_EHR_VALID);
    assert_false(f->b->irq[0].level);
    assert_int_equal(rd(f->b, TRNG_RNG_ISR), 0);
}

static void reset_by_software(void **state) {
    struct fixture *f = *state;
    wr(f->b, TRNG_RND_SOURCE_ENABLE, 1);
    stage_run(&f->stage, PS_PER_MS);
    wr(f->b, TRNG_TRNG_SW_RESET, 1);
    assert_int_equal(rd(f->b, TRNG_TRNG_VALID), 0);
    assert_int_equal(rd(f->b, TRNG_RND_SOURCE_ENABLE), 0);
    assert_int_equal(rd(f->b, TRNG_SAMPLE_CNT1), 0xffff);
    assert_int_equal(rd(f->b, TRNG_EHR_DATA0), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(collects_192_bits), TEST(balancer_takes_longer), TEST(next_bits_are_others), TEST(same_seed_same_bits),
        TEST(interrupt),         TEST(reset_by_software),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
