/* RP2350 datasheet 12.13; the vectors are those of FIPS 180-4's examples. */
#include "peripherals/onchip/sha256.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

struct fixture {
    struct stage stage;
    unsigned requests;
    struct sha256 *sha;
    struct block *b;
};

static void count_request(void *context, unsigned index, bool level) {
    ((struct fixture *)context)->requests += level;
}

static int setup(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    stage_init(&f->stage);
    f->sha = (struct sha256 *)block_create(&sha256_class, "SHA256", &f->stage.env, &rp2350_sha256_registers);
    f->sha->clock = &f->stage.clock;
    f->sha->dreq = (struct line){ .set = count_request, .context = f };
    f->b = &f->sha->block;
    block_start(f->b);
    *state = f;
    return 0;
}

static int teardown(void **state) {
    struct fixture *f = *state;
    block_destroy(f->b);
    free(f);
    return 0;
}

/* One padded block of at most 55 bytes. */
static void pad(uint8_t block[64], const char *text) {
    size_t size = strlen(text);
    memset(block, 0, 64);
    memcpy(block, text, size);
    block[size] = 0x80;
    block[62] = (uint8_t)(size * 8 >> 8);
    block[63] = (uint8_t)(size * 8);
}

static void feed(struct fixture *f, const uint8_t *data, unsigned size) {
    for (unsigned i = 0; i < 64; i += size) {
        uint32_t value = 0;
        memcpy(&value, data + i, size);
        f->stage.env.size = size;
        wr(f->b, SHA256_WDATA, value);
    }
    f->stage.env.size = 4;
}

static void check_abc(struct fixture *f) {
    static const uint32_t expected[8] = {
        0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad,
    };
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(rd(f->b, SHA256_SUM0 + i), expected[i]);
    }
}

static void one_block(void **state) {
    struct fixture *f = *state;
    uint8_t block[64];
    pad(block, "abc");
    for (unsigned size = 1; size <= 4; size *= 2) {
        wr(f->b, SHA256_CSR, SHA256_CSR_BSWAP | SHA256_CSR_START);
        assert_int_equal(rd(f->b, SHA256_CSR) & 6, 6);
        feed(f, block, size);
        assert_int_equal(rd(f->b, SHA256_CSR) & 6, 0);
        stage_run(&f->stage, 57 * 8000);
        assert_int_equal(rd(f->b, SHA256_CSR) & 6, 6);
        check_abc(f);
    }
}

static void two_blocks(void **state) {
    struct fixture *f = *state;
    const char *text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"; /* 56 bytes */
    uint8_t blocks[128] = { 0 };
    memcpy(blocks, text, 56);
    blocks[56] = 0x80;
    blocks[126] = 56 * 8 >> 8;
    blocks[127] = (uint8_t)(56 * 8);
    wr(f->b, SHA256_CSR, SHA256_CSR_BSWAP | SHA256_CSR_START);
    feed(f, blocks, 4);
    stage_run(&f->stage, 57 * 8000);
    feed(f, blocks + 64, 4);
    stage_run(&f->stage, 57 * 8000);
    assert_int_equal(rd(f->b, SHA256_SUM0), 0x248d6a61);
    assert_int_equal(rd(f->b, SHA256_SUM7), 0x19db06c1);
}

static void too_early(void **state) {
    struct fixture *f = *state;
    uint8_t block[64];
    pad(block, "abc");
    wr(f->b, SHA256_CSR, SHA256_CSR_BSWAP | SHA256_CSR_START);
    feed(f, block, 4);
    wr(f->b, SHA256_WDATA, 1);
    assert_true(rd(f->b, SHA256_CSR) & SHA256_CSR_ERR_WDATA_NOT_RDY);
    stage_run(&f->stage, 57 * 8000);
    check_abc(f);
    wr(f->b, SHA256_CSR, SHA256_CSR_BSWAP | SHA256_CSR_ERR_WDATA_NOT_RDY);
    assert_false(rd(f->b, SHA256_CSR) & SHA256_CSR_ERR_WDATA_NOT_RDY);
}

/* 12.13.4: a block at a time, in transfers of the configured size, and none before the block is wanted. */
static void requests_come_by_the_block(void **state) {
    struct fixture *f = *state;
    uint8_t block[64];
    pad(block, "abc");
    for (unsigned size = 1; size <= 4; size *= 2) {
        wr(f->b, SHA256_CSR, SHA256_CSR_BSWAP | SHA256_CSR_START | (size / 2) << SHA256_CSR_DMA_SIZE_LSB);
        f->requests = 0;
        stage_run(&f->stage, 100 * 8000);
        assert_int_equal(f->requests, 0);
        sha256_want_requests(f->sha, true);
        stage_run(&f->stage, 8000);
        assert_in_range(f->requests, 1, 64 / size);
        feed(f, block, size);
        assert_int_equal(f->requests, 64 / size);
        stage_run(&f->stage, 57 * 8000);
        assert_in_range(f->requests, 64 / size + 1, 2 * 64 / size);
        check_abc(f);
        sha256_want_requests(f->sha, false);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = { TEST(one_block), TEST(two_blocks), TEST(too_early),
                                        TEST(requests_come_by_the_block) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
