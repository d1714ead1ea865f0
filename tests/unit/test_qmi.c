/* QMI of the RP2350 with a flash chip behind it: direct mode as firmware uses it, address translation, XIP_AUX. */
#include "peripherals/onchip/io_bank.h"
#include "peripherals/onchip/pads.h"
#include "peripherals/onchip/qmi.h"
#include "peripherals/onchip/registers/io_bank0.h"
#include "peripherals/onchip/registers/io_qspi.h"
#include "peripherals/onchip/registers/pads_bank0.h"
#include "peripherals/onchip/registers/pads_qspi.h"
#include "peripherals/parts/aps6404l.h"
#include "peripherals/parts/w25q.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define MIB 0x100000u
#define CLKDIV(n) ((uint32_t)(n) << QMI_DIRECT_CSR_CLKDIV_LSB)

struct bench {
    struct stage stage;
    struct gpio_bank pins, bank0;
    struct block *io, *pads, *io_bank0, *pads_bank0;
    struct w25q chip;
    struct aps6404l psram; /* where a test attaches it */
    struct qmi *qmi;
    struct xip_ctrl *xip;
    struct xip_aux *aux;
    struct block *block;
    unsigned remapped;
};

static void remapped(void *context, unsigned number) {
    ((struct bench *)context)->remapped |= 1u << number;
}

/* A bank of pins with its two blocks of registers; isolation is off. */
static void make_bank(struct gpio_bank *bank, struct block *io, struct block *pads, unsigned first_pad) {
    ((struct io_bank *)io)->gpio = ((struct pads *)pads)->gpio = bank;
    block_start(io);
    block_start(pads);
    for (unsigned pad = first_pad; pad < pads->registers->count; pad++) {
        clear_bits(pads, pad, PADS_BANK0_GPIO0_ISO);
    }
}

static void make_pins(struct bench *bench) {
    struct environment *env = &bench->stage.env;
    gpio_bank_init(&bench->pins, env, &rp2350_gpio_qspi);
    gpio_bank_init(&bench->bank0, env, &rp2350_gpio_bank0);
    bench->io = block_create(&io_bank_class, "IO_QSPI", env, &rp2350_io_qspi_registers);
    bench->pads = block_create(&pads_class, "PADS_QSPI", env, &rp2350_pads_qspi_registers);
    bench->io_bank0 = block_create(&io_bank_class, "IO_BANK0", env, &rp2350_io_bank0_registers);
    bench->pads_bank0 = block_create(&pads_class, "PADS_BANK0", env, &rp2350_pads_bank0_registers);
    make_bank(&bench->pins, bench->io, bench->pads, PADS_QSPI_GPIO_QSPI_SCLK);
    make_bank(&bench->bank0, bench->io_bank0, bench->pads_bank0, PADS_BANK0_GPIO0);
    wr(bench->io, IO_QSPI_GPIO_QSPI_SCLK_CTRL, 0);
    wr(bench->io, IO_QSPI_GPIO_QSPI_SS_CTRL, 0);
    w25q_connect_select(&bench->chip, &bench->pins.pins[RP2350_QSPI_SS].net);
}

static struct bench *bench_create(bool quad_selectable) {
    struct bench *bench = calloc(1, sizeof(*bench));
    stage_init(&bench->stage);
    struct environment *env = &bench->stage.env;
    struct w25q_desc desc = { .env = env, .size = 4 * MIB, .quad_selectable = quad_selectable };
    assert_true(w25q_init(&bench->chip, &desc));
    make_pins(bench);
    bench->qmi = (struct qmi *)block_create(&qmi_class, "QMI", env, &rp2350_qmi_registers);
    bench->block = &bench->qmi->block;
    bench->qmi->clock = &bench->stage.clock;
    bench->qmi->gpio = &bench->pins;
    bench->qmi->bank0 = &bench->bank0;
    bench->qmi->remapped = remapped;
    bench->qmi->context = bench;
    bench->qmi->devices[0] = &bench->chip.target;
    block_start(bench->block);
    bench->xip = (struct xip_ctrl *)block_create(&xip_ctrl_class, "XIP_CTRL", env, &rp2350_xip_ctrl_registers);
    bench->xip->fetch = qmi_fetch;
    bench->xip->context = bench->qmi;
    block_start(&bench->xip->block);
    bench->aux = (struct xip_aux *)block_create(&xip_aux_class, "XIP_AUX", env, &rp2350_xip_aux_registers);
    bench->aux->xip = bench->xip;
    bench->aux->qmi = bench->qmi;
    block_start(&bench->aux->block);
    bench->remapped = 0;
    return bench;
}

static void bench_destroy(struct bench *bench) {
    block_destroy(&bench->aux->block);
    block_destroy(&bench->xip->block);
    block_destroy(bench->block);
    block_destroy(bench->io);
    block_destroy(bench->pads);
    block_destroy(bench->io_bank0);
    block_destroy(bench->pads_bank0);
    w25q_finish(&bench->chip);
    aps6404l_finish(&bench->psram);
    free(bench);
}

static int setup(void **state) {
    *state = bench_create(false);
    return 0;
}

static int teardown(void **state) {
    bench_destroy(*state);
    return 0;
}

static void wait_idle(struct bench *bench) {
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t csr = rd(bench->block, QMI_DIRECT_CSR);
        if (csr & QMI_DIRECT_CSR_TXEMPTY && !(csr & QMI_DIRECT_CSR_BUSY)) {
            return;
        }
        stage_run(&bench->stage, 80 * PS_PER_NS);
    }
    fail_msg("the QMI stays busy");
}

/* Push all, wait, pop all; the last byte received. */
static uint32_t send(struct bench *bench, const uint8_t *bytes, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        wr(bench->block, QMI_DIRECT_TX, bytes[i]);
    }
    wait_idle(bench);
    uint32_t last = 0;
    for (unsigned i = 0; i < count; i++) {
        last = rd(bench->block, QMI_DIRECT_RX);
    }
    return last;
}

#define SEND(bench, ...) send(bench, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* ---- Direct mode ---- */

static void jedec_id_with_select_by_hand(void **state) {
    struct bench *bench = *state;
    uint32_t csr = CLKDIV(10) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_ASSERT_CS0N;
    wr(bench->block, QMI_DIRECT_CSR, csr);
    static const uint8_t expected[] = { 0xef, 0x40, 0x16 };
    SEND(bench, 0x9f);
    for (unsigned i = 0; i < 3; i++) {
        stage_run(&bench->stage, PS_PER_US); /* the select stays */
        assert_int_equal(SEND(bench, 0x00), expected[i]);
    }
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(10));
    assert_false(bench->chip.selected);
}

/* The SDK's second stage: release from power-down, QE when it is missing, each a transaction of its own. */
static unsigned run_boot2(struct bench *bench) {
    unsigned polls = 0;
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(30) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_AUTO_CS0N);
    assert_int_equal(rd(bench->block, QMI_DIRECT_CSR) & QMI_DIRECT_CSR_BUSY, 0);
    SEND(bench, 0xab);
    if (SEND(bench, 0x35, 0x00) != 0x02) {
        SEND(bench, 0x06);
        SEND(bench, 0x01, 0x00, 0x02);
        do {
            polls++;
        } while (SEND(bench, 0x05, 0x00) & 1);
    }
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(30));
    return polls;
}

static void boot2_finds_quad_enabled(void **state) {
    struct bench *bench = *state;
    assert_int_equal(run_boot2(bench), 0);
    assert_int_equal(bench->stage.log.count[LOG_GUEST], 0);
}

static void boot2_enables_quad(void **state) {
    struct bench *bench = bench_create(true);
    assert_in_range(run_boot2(bench), 500, 5000); /* polls for 10 ms */
    assert_int_equal(bench->chip.status[1], 2);
    assert_int_equal(bench->stage.log.count[LOG_GUEST], 0);
    bench_destroy(bench);
}

static void records_take_their_time(void **state) {
    struct bench *bench = *state;
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(4) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_AUTO_CS0N);
    wr(bench->block, QMI_DIRECT_TX, 0x9f);
    uint32_t csr = rd(bench->block, QMI_DIRECT_CSR);
    assert_int_equal(csr & (QMI_DIRECT_CSR_BUSY | QMI_DIRECT_CSR_TXEMPTY | QMI_DIRECT_CSR_RXEMPTY),
                     QMI_DIRECT_CSR_BUSY | QMI_DIRECT_CSR_TXEMPTY | QMI_DIRECT_CSR_RXEMPTY);
    assert_true(bench->chip.selected);
    stage_run(&bench->stage, 8 * 4 * 8 * PS_PER_NS - 1);
    assert_int_equal(rd(bench->block, QMI_DIRECT_CSR) & QMI_DIRECT_CSR_BUSY, QMI_DIRECT_CSR_BUSY);
    stage_run(&bench->stage, 1);
    csr = rd(bench->block, QMI_DIRECT_CSR);
    assert_int_equal(csr & QMI_DIRECT_CSR_BUSY, 0);
    assert_int_equal(field_get(csr, QMI_DIRECT_CSR_RXLEVEL), 1);
    assert_false(bench->chip.selected);
}

static void a_full_receive_fifo_stalls(void **state) {
    struct bench *bench = *state;
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(2) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_AUTO_CS0N);
    wr(bench->block, QMI_DIRECT_TX, 0x9f);
    for (unsigned i = 0; i < 3; i++) {
        wr(bench->block, QMI_DIRECT_TX, 0);
    }
    stage_run(&bench->stage, 10 * PS_PER_US);
    wr(bench->block, QMI_DIRECT_CSR, rd(bench->block, QMI_DIRECT_CSR) | QMI_DIRECT_CSR_ASSERT_CS0N);
    wr(bench->block, QMI_DIRECT_TX, 0);
    stage_run(&bench->stage, 10 * PS_PER_US);
    uint32_t csr = rd(bench->block, QMI_DIRECT_CSR);
    assert_int_equal(csr & (QMI_DIRECT_CSR_BUSY | QMI_DIRECT_CSR_RXFULL), QMI_DIRECT_CSR_BUSY | QMI_DIRECT_CSR_RXFULL);
    assert_int_equal(field_get(csr, QMI_DIRECT_CSR_TXLEVEL), 1);
    rd(bench->block, QMI_DIRECT_RX);
    stage_run(&bench->stage, 10 * PS_PER_US);
    assert_int_equal(rd(bench->block, QMI_DIRECT_CSR) & QMI_DIRECT_CSR_BUSY, 0);
}

static void wide_records(void **state) {
    struct bench *bench = *state;
    struct block *block = bench->block;
    static const uint8_t data[] = { 0x12, 0x34, 0x56, 0x78 };
    memcpy(bench->chip.contents + 0x123456, data, 4);
    wr(block, QMI_DIRECT_CSR, CLKDIV(2) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_ASSERT_CS0N);
    uint32_t quad = 2u << QMI_DIRECT_TX_IWIDTH_LSB, out = quad | QMI_DIRECT_TX_OE | QMI_DIRECT_TX_NOPUSH;
    wr(block, QMI_DIRECT_TX, QMI_DIRECT_TX_NOPUSH | 0xeb);
    wr(block, QMI_DIRECT_TX, out | QMI_DIRECT_TX_DWIDTH | 0x3412); /* the low byte goes first */
    wr(block, QMI_DIRECT_TX, out | QMI_DIRECT_TX_DWIDTH | 0x0056);
    wait_idle(bench);
    wr(block, QMI_DIRECT_TX, quad | QMI_DIRECT_TX_DWIDTH | QMI_DIRECT_TX_NOPUSH); /* 4 dummy clocks */
    wr(block, QMI_DIRECT_TX, quad | QMI_DIRECT_TX_DWIDTH);
    wr(block, QMI_DIRECT_TX, quad);
    wait_idle(bench);
    assert_int_equal(rd(block, QMI_DIRECT_RX), 0x3412);
    assert_int_equal(rd(block, QMI_DIRECT_RX), 0x56);
    assert_int_equal(rd(block, QMI_DIRECT_CSR) & QMI_DIRECT_CSR_RXEMPTY, QMI_DIRECT_CSR_RXEMPTY);
}

static void nothing_on_the_second_select(void **state) {
    struct bench *bench = *state;
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(2) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_AUTO_CS1N);
    assert_int_equal(SEND(bench, 0x9f, 0x00), 0xff);
    assert_false(bench->chip.selected);
}

/* A flash and a PSRAM on the same lines: each answers while its own chip select is low. */
static void two_memories(void **state) {
    struct bench *bench = *state;
    struct aps6404l *psram = &bench->psram;
    struct aps6404l_desc desc = { .env = &bench->stage.env, .size = 8 * MIB };
    assert_true(aps6404l_init(psram, &desc));
    bench->qmi->devices[1] = &psram->target;
    aps6404l_connect_select(psram, &bench->bank0.pins[8].net);
    wr(bench->io_bank0, IO_BANK0_GPIO8_CTRL, 9);
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(2) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_ASSERT_CS1N);
    SEND(bench, 0x9f, 0, 0, 0);
    assert_int_equal(SEND(bench, 0xff), 0x0d);
    assert_int_equal(SEND(bench, 0xff), 0x5d);
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(2) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_ASSERT_CS0N);
    assert_int_equal(SEND(bench, 0x9f, 0), 0xef);
    psram->contents[4] = 0x77;
    uint32_t word;
    assert_true(qmi_fetch(bench->qmi, 0x11000004, &word));
    assert_int_equal(word, 0x77);
}

/* ---- The pins ---- */

#define SELECT_LEVELS                                                                                                  \
    (IO_QSPI_GPIO_QSPI_SS_STATUS_OUTTOPAD | IO_QSPI_GPIO_QSPI_SS_STATUS_OETOPAD | IO_QSPI_GPIO_QSPI_SS_STATUS_INFROMPAD)
#define OUTOVER(value) ((uint32_t)(value) << RP2350_IO_QSPI_GPIO_QSPI_SS_CTRL_OUTOVER_LSB)

static uint32_t select_levels(struct bench *bench) {
    return rd(bench->io, IO_QSPI_GPIO_QSPI_SS_STATUS) & SELECT_LEVELS;
}

/* MicroPython waits for OUTTOPAD before it looks at the pin: the flash is deselected. */
static void select_shows_in_its_status(void **state) {
    struct bench *bench = *state;
    assert_int_equal(select_levels(bench), SELECT_LEVELS);
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(4) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_AUTO_CS0N);
    assert_int_equal(select_levels(bench), SELECT_LEVELS);
    wr(bench->block, QMI_DIRECT_TX, 0x9f);
    assert_int_equal(select_levels(bench), IO_QSPI_GPIO_QSPI_SS_STATUS_OETOPAD);
    wait_idle(bench);
    assert_int_equal(select_levels(bench), SELECT_LEVELS);
    set_bits(bench->block, QMI_DIRECT_CSR, QMI_DIRECT_CSR_ASSERT_CS0N);
    assert_int_equal(select_levels(bench), IO_QSPI_GPIO_QSPI_SS_STATUS_OETOPAD);
    assert_false(gpio_input(&bench->pins, RP2350_QSPI_SCLK));
}

static void overrides_reach_flash_and_status(void **state) {
    struct bench *bench = *state;
    wr(bench->io, IO_QSPI_GPIO_QSPI_SS_CTRL, OUTOVER(2));
    assert_int_equal(select_levels(bench), IO_QSPI_GPIO_QSPI_SS_STATUS_OETOPAD);
    assert_true(bench->chip.selected);
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(10) | QMI_DIRECT_CSR_EN);
    static const uint8_t expected[] = { 0xef, 0x40, 0x16 };
    SEND(bench, 0x9f);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(SEND(bench, 0x00), expected[i]);
    }
    wr(bench->io, IO_QSPI_GPIO_QSPI_SS_CTRL, OUTOVER(3));
    assert_int_equal(select_levels(bench), SELECT_LEVELS);
    assert_false(bench->chip.selected);
    set_bits(bench->block, QMI_DIRECT_CSR, QMI_DIRECT_CSR_ASSERT_CS0N);
    assert_int_equal(SEND(bench, 0x9f, 0x00), 0xff); /* the flash does not hear of it */
}

static void an_isolated_pad_keeps_the_flash_deselected(void **state) {
    struct bench *bench = *state;
    set_bits(bench->pads, PADS_QSPI_GPIO_QSPI_SS, PADS_BANK0_GPIO0_ISO);
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(4) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_ASSERT_CS0N);
    assert_false(bench->chip.selected);
    /* What goes to the pad, and what comes from it. */
    assert_int_equal(select_levels(bench), IO_QSPI_GPIO_QSPI_SS_STATUS_OETOPAD | IO_QSPI_GPIO_QSPI_SS_STATUS_INFROMPAD);
    clear_bits(bench->pads, PADS_QSPI_GPIO_QSPI_SS, PADS_BANK0_GPIO0_ISO);
    assert_true(bench->chip.selected);
}

static void second_select_is_an_output_of_bank_0(void **state) {
    struct bench *bench = *state;
    static const unsigned pins[] = { 0, 8, 19, 47 };
    for (unsigned i = 0; i < 4; i++) {
        wr(bench->io_bank0, IO_BANK0_GPIO0_CTRL + 2 * pins[i], 9);
        assert_true(net_is_high(&bench->bank0.pins[pins[i]].net));
    }
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(4) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_ASSERT_CS1N);
    for (unsigned i = 0; i < 4; i++) {
        assert_false(net_is_high(&bench->bank0.pins[pins[i]].net));
    }
    assert_false(bench->chip.selected);
}

/* ---- Address translation ---- */

static void translation_is_identity_at_reset(void **state) {
    struct bench *bench = *state;
    unsigned window;
    uint32_t physical;
    for (uint32_t offset = 0; offset < 0x2000000; offset += 0x3ff123) {
        assert_true(qmi_translate(bench->qmi, offset, &window, &physical));
        assert_int_equal(window, offset >> 24);
        assert_int_equal(physical, offset & 0xffffff);
    }
}

static void translation_moves_and_ends(void **state) {
    struct bench *bench = *state;
    unsigned window;
    uint32_t physical;
    wr(bench->block, QMI_ATRANS0, 0x100u << QMI_ATRANS0_SIZE_LSB | 0xfff);
    assert_int_equal(bench->remapped, 1);
    assert_true(qmi_translate(bench->qmi, 0x0234, &window, &physical));
    assert_int_equal(physical, 0xfff234);
    assert_true(qmi_translate(bench->qmi, 0x1000, &window, &physical));
    assert_int_equal(physical, 0); /* wraps at 16 MiB */
    assert_true(qmi_translate(bench->qmi, 0xfffff, &window, &physical));
    assert_false(qmi_translate(bench->qmi, 0x100000, &window, &physical));
    wr(bench->block, QMI_ATRANS0, 0x100u << QMI_ATRANS0_SIZE_LSB | 0xfff);
    wr(bench->block, QMI_ATRANS7, 0);
    assert_int_equal(bench->remapped, 0x81);
    assert_false(qmi_translate(bench->qmi, 0x1c00000, &window, &physical));
}

/* ---- XIP_AUX ---- */

static void stream_goes_through_translation(void **state) {
    struct bench *bench = *state;
    uint32_t word = 0xcafef00d;
    memcpy(bench->chip.contents + 0x101000, &word, 4);
    wr(bench->block, QMI_ATRANS0, 0x400u << QMI_ATRANS0_SIZE_LSB | 0x100);
    wr(&bench->xip->block, XIP_CTRL_STREAM_ADDR, 0x10001000);
    wr(&bench->xip->block, XIP_CTRL_STREAM_CTR, 1);
    assert_int_equal(rd(&bench->xip->block, XIP_CTRL_STAT), 0);
    assert_int_equal(rd(&bench->aux->block, XIP_AUX_STREAM), 0xcafef00d);
    assert_int_equal(rd(&bench->xip->block, XIP_CTRL_STAT), XIP_CTRL_STAT_FIFO_EMPTY);
}

static void direct_mode_by_the_fast_ports(void **state) {
    struct bench *bench = *state;
    wr(bench->block, QMI_DIRECT_CSR, CLKDIV(2) | QMI_DIRECT_CSR_EN | QMI_DIRECT_CSR_AUTO_CS0N);
    wr(&bench->aux->block, XIP_AUX_QMI_DIRECT_TX, QMI_DIRECT_TX_NOPUSH | 0x9f);
    wr(&bench->aux->block, XIP_AUX_QMI_DIRECT_TX, QMI_DIRECT_TX_DWIDTH);
    wait_idle(bench);
    assert_int_equal(rd(&bench->aux->block, XIP_AUX_QMI_DIRECT_RX), 0x40ef);
}

/* XIP_CTRL.CTRL.WRITABLE_M0 and M1: stores to a chip select's windows are bus errors while its bit is 0, as at reset.
 */
static void stores_need_permission(void **state) {
    struct bench *bench = *state;
    static const uint32_t windows[] = { 0x10000000, 0x11000000, 0x14000000, 0x15000000, 0x1c000000, 0x1d000000 };
    for (unsigned permitted = 0; permitted < 4; permitted++) {
        wr(&bench->xip->block, XIP_CTRL_CTRL, permitted << 10);
        for (unsigned i = 0; i < 6; i++) {
            assert_int_equal(xip_ctrl_refuses(bench->xip, windows[i] + 0x1234), !(permitted >> i % 2 & 1));
        }
    }
    block_reset(&bench->xip->block);
    assert_true(xip_ctrl_refuses(bench->xip, 0x10000000));
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(jedec_id_with_select_by_hand),
        TEST(boot2_finds_quad_enabled),
        TEST(boot2_enables_quad),
        TEST(records_take_their_time),
        TEST(a_full_receive_fifo_stalls),
        TEST(wide_records),
        TEST(select_shows_in_its_status),
        TEST(overrides_reach_flash_and_status),
        TEST(an_isolated_pad_keeps_the_flash_deselected),
        TEST(second_select_is_an_output_of_bank_0),
        TEST(nothing_on_the_second_select),
        TEST(two_memories),
        TEST(translation_is_identity_at_reset),
        TEST(translation_moves_and_ends),
        TEST(stream_goes_through_translation),
        TEST(direct_mode_by_the_fast_ports),
        TEST(stores_need_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
