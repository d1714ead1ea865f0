/* The XIP cache's tags (RP2040 datasheet 2.6.3.1, RP2350 datasheet 4.4.1), the windows that go through it, and what a
 * miss takes by the registers of SSI and QMI. */
#include "peripherals/onchip/qmi.h"
#include "peripherals/onchip/ssi.h"
#include "peripherals/onchip/xip_ctrl.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define WAY 0x2000u /* bytes of a way: offsets so far apart share a set */
#define MISS 50

struct bench {
    struct scheduler scheduler;
    struct log log;
    struct random random;
    struct environment env;
    struct xip_ctrl *xip;
    unsigned lost, all_lost, size;
    uint32_t lost_offset, read_address;
};

static void note_lost(void *context, uint32_t offset) {
    struct bench *bench = context;
    bench->lost++;
    bench->lost_offset = offset;
}

static void note_all_lost(void *context) {
    ((struct bench *)context)->all_lost++;
}

static unsigned read_cycles(void *context, uint32_t address, unsigned size, uint64_t now) {
    struct bench *bench = context;
    bench->size = size;
    bench->read_address = address;
    return MISS;
}

static int set_up_chip(void **state, const struct register_table *registers) {
    struct bench *bench = calloc(1, sizeof(*bench));
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    bench->env = (struct environment){ &bench->scheduler, &bench->log, &bench->random, 0, 0 };
    bench->xip = (struct xip_ctrl *)block_create(&xip_ctrl_class, "XIP_CTRL", &bench->env, registers);
    bench->xip->cache.lost = note_lost;
    bench->xip->cache.context = bench;
    bench->xip->all_lost = note_all_lost;
    bench->xip->lost_context = bench;
    bench->xip->read_cycles = read_cycles;
    bench->xip->read_context = bench;
    block_start(&bench->xip->block);
    *state = bench;
    return 0;
}

static int set_up_rp2040(void **state) {
    return set_up_chip(state, &rp2040_xip_ctrl_registers);
}

static int set_up_rp2350(void **state) {
    return set_up_chip(state, &rp2350_xip_ctrl_registers);
}

static int tear_down(void **state) {
    struct bench *bench = *state;
    block_destroy(&bench->xip->block);
    free(bench);
    return 0;
}

static struct xip_cache *cache_of(void **state) {
    return &((struct bench *)*state)->xip->cache;
}

/* ---- Tags ---- */
static void test_two_ways(void **state) {
    struct bench *bench = *state;
    struct xip_cache *cache = cache_of(state);
    assert_true(xip_cache_fill(cache, 0x100));
    assert_true(xip_cache_fill(cache, 0x100 + WAY));
    assert_true(xip_cache_holds(cache, 0x100) && xip_cache_holds(cache, 0x100 + WAY));
    assert_int_equal(bench->lost, 0);
    assert_true(xip_cache_fill(cache, 0x100 + 2 * WAY));
    assert_int_equal(bench->lost, 1);
    assert_true(xip_cache_holds(cache, 0x100 + 2 * WAY));
    assert_int_equal(xip_cache_holds(cache, 0x100) + xip_cache_holds(cache, 0x100 + WAY), 1);
    assert_false(xip_cache_holds(cache, bench->lost_offset));
}

static void test_either_way_makes_room(void **state) {
    struct bench *bench = *state;
    struct xip_cache *cache = cache_of(state);
    unsigned newest = 0;
    for (uint32_t i = 0; i < 400; i++) {
        xip_cache_fill(cache, 0x100 + i * WAY);
        newest += i > 1 && bench->lost_offset == 0x100 + (i - 1) * WAY;
    }
    assert_in_range(newest, 150, 250); /* of 398 at random */
}

static void test_halves_of_a_line(void **state) {
    struct xip_cache *cache = cache_of(state);
    xip_cache_fill(cache, 0x108);
    assert_true(xip_cache_holds(cache, 0x10b));
    assert_int_equal(xip_cache_holds(cache, 0x10c), !cache->halves);
    xip_cache_fill(cache, 0x10c);
    assert_true(xip_cache_holds(cache, 0x108) && xip_cache_holds(cache, 0x10c));
    assert_false(xip_cache_holds(cache, 0x110));
}

static void test_flush(void **state) {
    struct bench *bench = *state;
    struct xip_cache *cache = cache_of(state);
    xip_cache_fill(cache, 0x100);
    xip_cache_fill(cache, 0x200);
    block_write(&bench->xip->block, 0x04, 1, ALIAS_NORMAL);
    assert_false(xip_cache_holds(cache, 0x100) || xip_cache_holds(cache, 0x200));
    assert_int_equal(bench->lost, 2);
}

/* ---- Maintenance (RP2350 datasheet 4.4.1.1) ---- */
static void maintain(struct bench *bench, uint32_t offset) {
    xip_maintenance_window_write(bench->xip, offset, 0, 1);
}

static void test_invalidate(void **state) {
    struct bench *bench = *state;
    struct xip_cache *cache = cache_of(state);
    xip_cache_fill(cache, 0x100);
    maintain(bench, 0x100 + WAY + 2); /* by address: another one of the set */
    maintain(bench, 0x100 + 1);       /* clean, both kinds */
    maintain(bench, 0x100 + 3);
    assert_true(xip_cache_holds(cache, 0x100));
    maintain(bench, 0x100 + 2);
    assert_false(xip_cache_holds(cache, 0x100));
    assert_int_equal(bench->lost, 1);
    for (unsigned i = 0; i < 2; i++) {
        xip_cache_fill(cache, 0x100 + i * WAY);
    }
    maintain(bench, 0x100 + 4 * WAY);
    maintain(bench, 0x100 + 5 * WAY); /* by set and way: whatever is there */
    assert_false(xip_cache_holds(cache, 0x100) || xip_cache_holds(cache, 0x100 + WAY));
}

static void test_pin(void **state) {
    struct bench *bench = *state;
    struct xip_cache *cache = cache_of(state);
    maintain(bench, 0x3ffc100 + 7);
    maintain(bench, 0x3ffc100 + WAY + 7);
    assert_true(xip_cache_holds(cache, 0x3ffc100) && xip_cache_holds(cache, 0x3ffc100 + WAY));
    assert_false(xip_cache_fill(cache, 0x100)); /* no way is left */
    assert_false(xip_cache_holds(cache, 0x100));
    maintain(bench, 0x3ffc100 + 2);
    assert_true(xip_cache_fill(cache, 0x100));
    assert_true(xip_cache_holds(cache, 0x3ffc100 + WAY));
}

/* ---- Windows ---- */
struct expectation {
    uint32_t address;
    unsigned first, second; /* cycles of two fetches */
    bool stays;
};

static void check_fetches(struct bench *bench, const struct expectation *e, size_t count) {
    for (size_t i = 0; i < count; i++, e++) {
        bool stays;
        assert_int_equal(xip_ctrl_fetch(bench->xip, e->address, 0, &stays), e->first);
        assert_int_equal(xip_ctrl_fetch(bench->xip, e->address, 0, &stays), e->second);
        assert_int_equal(stays, e->stays);
    }
}
#define CHECK_FETCHES(bench, ...)                                                                                      \
    do {                                                                                                               \
        const struct expectation list_[] = { __VA_ARGS__ };                                                            \
        check_fetches(bench, list_, sizeof(list_) / sizeof(list_[0]));                                                 \
    } while (0)

static void test_windows_of_rp2040(void **state) {
    struct bench *bench = *state;
    CHECK_FETCHES(bench, { 0x11000100, MISS, MISS, false }, /* looks, does not allocate */
                  { 0x10000100, MISS, 0, true },            /* both */
                  { 0x11000100, 0, 0, false },              /* which the other one finds */
                  { 0x12000100, MISS, MISS, false },        /* does not look, allocates */
                  { 0x13000100, MISS, MISS, false },        /* neither */
                  { 0x15000100, 0, 0, true });              /* memory */
    assert_int_equal(bench->size, 4);
    assert_int_equal(block_read(&bench->xip->block, 0x10), 2 + 1 + 2 + 2); /* CTR_ACC */
}

static void test_windows_of_rp2350(void **state) {
    struct bench *bench = *state;
    CHECK_FETCHES(bench, { 0x14000104, MISS, MISS, false }, /* not cached */
                  { 0x1c000104, MISS, MISS, false });       /* nor translated */
    assert_int_equal(bench->size, 4);
    CHECK_FETCHES(bench, { 0x11000104, MISS, 0, true }, { 0x11000100, 0, 0, true }, { 0x13ffc000, 0, 0, true });
    assert_int_equal(bench->size, 8);
    assert_int_equal(bench->read_address, 0x11000100);
    maintain(bench, 0x200 + 7);
    maintain(bench, 0x200 + WAY + 7);
    CHECK_FETCHES(bench, { 0x10000200 + 2 * WAY, MISS, MISS, false }); /* no way is left */
}

static const char *obstacle(void *context, bool *ret_is_error) {
    *ret_is_error = true;
    return "it is in the way";
}

static void test_bus_error(void **state) {
    struct bench *bench = *state;
    bool stays;
    xip_ctrl_fetch(bench->xip, 0x10000100, 0, &stays);
    bench->xip->obstacle = obstacle;
    assert_int_equal(xip_ctrl_fetch(bench->xip, 0x10000100, 0, &stays), 0); /* the cache has it */
    assert_int_equal(xip_ctrl_fetch(bench->xip, 0x10000200, 0, &stays), XIP_BUS_ERROR);
    assert_false(stays || xip_cache_holds(&bench->xip->cache, 0x200));
    bench->xip->obstacle = NULL;
    assert_int_equal(xip_ctrl_fetch(bench->xip, 0x10000200, 0, &stays), MISS);
}

static void test_cache_off(void **state) {
    struct bench *bench = *state;
    struct block *block = &bench->xip->block;
    bool rp2350 = !bench->xip->cache.halves;
    unsigned before = bench->all_lost;
    CHECK_FETCHES(bench, { 0x10000100, MISS, 0, true });
    assert_int_equal(xip_ctrl_shows_sram(bench->xip), rp2350);
    block_write(block, 0x00, 1, ALIAS_CLR);
    assert_int_equal(bench->all_lost, before + 1);
    assert_true(xip_ctrl_shows_sram(bench->xip));
    CHECK_FETCHES(bench, { 0x10000100, MISS, MISS, false });
    block_write(block, 0x00, 1, ALIAS_SET);
    CHECK_FETCHES(bench, { 0x10000100, 0, 0, true }); /* its tags are as they were */
    block_write(block, 0x00, 8, ALIAS_SET);           /* POWER_DOWN */
    assert_int_equal(block_read(block, 0) & 1, 0);
}

/* ---- What a miss takes ---- */
#define OVERHEAD_SSI 4
#define OVERHEAD_QMI 3

static unsigned ssi_cycles(void **state, uint32_t control, uint32_t spi, uint32_t divider) {
    struct bench *bench = *state;
    struct ssi *ssi = (struct ssi *)block_create(&ssi_class, "SSI", &bench->env, &rp2040_ssi_registers);
    ssi->block.values[SSI_CTRLR0] = control;
    ssi->block.values[SSI_SPI_CTRLR0] = spi;
    ssi->block.values[SSI_BAUDR] = divider;
    unsigned cycles = ssi_xip_cycles(ssi);
    block_destroy(&ssi->block);
    return cycles;
}

static void test_ssi(void **state) {
    uint32_t quad = 2u << SSI_CTRLR0_SPI_FRF_LSB | 31u << SSI_CTRLR0_DFS_32_LSB | 3u << SSI_CTRLR0_TMOD_LSB;
    uint32_t serial = 31u << SSI_CTRLR0_DFS_32_LSB | 3u << SSI_CTRLR0_TMOD_LSB;
    /* Continuous quad read: 32 bits of address and mode, 4 wait cycles, 32 bits of data, all on four lines. */
    assert_int_equal(ssi_cycles(state, quad, 0xa0u << 24 | 4 << 11 | 8 << 2 | 2, 2), 2 * (8 + 4 + 8) + OVERHEAD_SSI);
    assert_int_equal(ssi_cycles(state, quad, 0xa0u << 24 | 4 << 11 | 8 << 2 | 2, 4), 4 * (8 + 4 + 8) + OVERHEAD_SSI);
    /* 03h on one line: 8 bits of instruction, 24 of address, 32 of data. */
    assert_int_equal(ssi_cycles(state, serial, 3 << 24 | 2 << 8 | 6 << 2, 6), 6 * 64 + OVERHEAD_SSI);
}

static unsigned qmi_cycles(struct qmi *qmi, uint32_t address, unsigned size, uint64_t now) {
    return qmi_xip_cycles(qmi, address, size, now);
}

static void test_qmi(void **state) {
    struct bench *bench = *state;
    struct qmi *qmi = (struct qmi *)block_create(&qmi_class, "QMI", &bench->env, &rp2350_qmi_registers);
    uint32_t *values = qmi->block.values;
    values[QMI_M0_TIMING] = 1u << QMI_M0_TIMING_COOLDOWN_LSB | 2; /* SCK is clk_sys / 2 */
    values[QMI_M0_RFMT] = 2 << QMI_M0_RFMT_ADDR_WIDTH_LSB | 2 << QMI_M0_RFMT_SUFFIX_WIDTH_LSB |
                          2 << QMI_M0_RFMT_DUMMY_WIDTH_LSB | 2 << QMI_M0_RFMT_DATA_WIDTH_LSB |
                          2 << QMI_M0_RFMT_SUFFIX_LEN_LSB | 4 << QMI_M0_RFMT_DUMMY_LEN_LSB;
    /* A half SCK without the chip select, a half SCK before the first edge; 24 + 8 + 16 + 64 bits on four lines. */
    unsigned first = 1 + 1 + 2 * (6 + 2 + 4 + 16) + OVERHEAD_QMI, next = 2 * 16 + OVERHEAD_QMI;
    assert_int_equal(qmi_cycles(qmi, 0x10000100, 8, 1000), first);
    assert_int_equal(qmi_cycles(qmi, 0x10000108, 8, 1000 + first + 10), next);
    assert_int_equal(qmi_cycles(qmi, 0x10000118, 8, 1000 + first + next + 20), first);     /* not the next one */
    assert_int_equal(qmi_cycles(qmi, 0x10000120, 8, 1000 + 2 * first + next + 84), first); /* too late: 64 cycles */
    assert_int_equal(qmi_cycles(qmi, 0x14000120, 4, 10000), first - 16);                   /* half the data */
    values[QMI_M0_TIMING] |= 1u << QMI_M0_TIMING_PAGEBREAK_LSB;
    assert_int_equal(qmi_cycles(qmi, 0x100001f8, 8, 20000), first);
    assert_int_equal(qmi_cycles(qmi, 0x10000200, 8, 20000 + first), first); /* a page of 256 bytes ends there */
    values[QMI_M0_RFMT] |= QMI_M0_RFMT_PREFIX_LEN;                          /* 8 bits of command, on one line */
    assert_int_equal(qmi_cycles(qmi, 0x10000400, 8, 30000), first + 2 * 8);
    block_destroy(&qmi->block);
}

#define RP2040(name) cmocka_unit_test_setup_teardown(name, set_up_rp2040, tear_down)
#define RP2350(name)                                                                                                   \
    { #name " (RP2350)", name, set_up_rp2350, tear_down, NULL }

int main(void) {
    const struct CMUnitTest tests[] = {
        RP2040(test_two_ways),
        RP2350(test_two_ways),
        RP2040(test_either_way_makes_room),
        RP2040(test_halves_of_a_line),
        RP2350(test_halves_of_a_line),
        RP2040(test_flush),
        RP2350(test_invalidate),
        RP2350(test_pin),
        RP2040(test_windows_of_rp2040),
        RP2350(test_windows_of_rp2350),
        RP2350(test_bus_error),
        RP2040(test_cache_off),
        RP2350(test_cache_off),
        RP2040(test_ssi),
        RP2350(test_qmi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
