/* SPI0 as a master wired to SPI1 as a slave: every format, every size (Arm DDI 0194 2.4, RP2040 datasheet 4.4.3). */
#include "peripherals/onchip/registers/spi.h"
#include "peripherals/onchip/spi.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define CYCLES_A_BIT 12

struct pair {
    struct stage stage;
    struct gpio_bank bank;
    struct block *blocks[2]; /* SPI0 on 16 to 19, SPI1 on 8 to 11: RX, CS, SCK, TX */
};

static struct block *make(struct pair *pair, const char *name, unsigned pin) {
    struct block *block = block_create(&spi_class, name, &pair->stage.env, &rp2040_spi_registers);
    struct spi *spi = (struct spi *)block;
    spi->clk_peri = &pair->stage.clock;
    spi->gpio = &pair->bank;
    spi->function = 1;
    spi->rx_pins = UINT64_C(1) << pin;
    spi->cs_pins = UINT64_C(2) << pin;
    spi->sck_pins = UINT64_C(4) << pin;
    spi->tx_pins = UINT64_C(8) << pin;
    block_start(block);
    for (unsigned i = 0; i < 4; i++) {
        gpio_set_pad(&pair->bank, pin + i, 0x56, false);
        gpio_set_control(&pair->bank, pin + i, 1);
    }
    return block;
}

static int set_up(void **state) {
    struct pair *pair = calloc(1, sizeof(*pair));
    stage_init(&pair->stage);
    gpio_bank_init(&pair->bank, &pair->stage.env, &rp2040_gpio_bank0);
    pair->blocks[0] = make(pair, "SPI0", 16);
    pair->blocks[1] = make(pair, "SPI1", 8);
    net_join(&pair->bank.pins[16].net, &pair->bank.pins[11].net);
    net_join(&pair->bank.pins[19].net, &pair->bank.pins[8].net);
    wr(pair->blocks[1], SPI_SSPCR1, SPI_SSPCR1_MS); /* before its outputs meet the master's */
    net_join(&pair->bank.pins[17].net, &pair->bank.pins[9].net);
    net_join(&pair->bank.pins[18].net, &pair->bank.pins[10].net);
    wr(pair->blocks[0], SPI_SSPCPSR, CYCLES_A_BIT);
    wr(pair->blocks[1], SPI_SSPCPSR, 2);
    *state = pair;
    return 0;
}

static int tear_down(void **state) {
    struct pair *pair = *state;
    block_destroy(pair->blocks[0]);
    block_destroy(pair->blocks[1]);
    free(pair);
    return 0;
}

static void set_format(struct pair *pair, uint32_t control) {
    for (unsigned i = 0; i < 2; i++) {
        wr(pair->blocks[i], SPI_SSPCR1, i ? SPI_SSPCR1_MS : 0);
        while (rd(pair->blocks[i], SPI_SSPSR) & SPI_SSPSR_RNE) {
            rd(pair->blocks[i], SPI_SSPDR);
        }
        wr(pair->blocks[i], SPI_SSPCR0, control);
    }
    wr(pair->blocks[1], SPI_SSPCR1, SPI_SSPCR1_MS | SPI_SSPCR1_SSE);
    wr(pair->blocks[0], SPI_SSPCR1, SPI_SSPCR1_SSE);
}

static void run_bits(struct pair *pair, unsigned bits) {
    for (unsigned i = 0; i < bits * CYCLES_A_BIT; i++) {
        stage_run(&pair->stage, 8000);
    }
}

static uint32_t pattern(unsigned i, unsigned bits) {
    return (0x9e37u * (i + 3) ^ 0x5a1u << i) & ((1u << bits) - 1);
}

static void exchange(struct pair *pair, unsigned bits) {
    for (unsigned i = 0; i < 3; i++) {
        wr(pair->blocks[1], SPI_SSPDR, pattern(i + 8, bits));
    }
    for (unsigned i = 0; i < 3; i++) {
        wr(pair->blocks[0], SPI_SSPDR, pattern(i, bits));
    }
    run_bits(pair, 3 * (bits + 2) + 2);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rd(pair->blocks[1], SPI_SSPDR), pattern(i, bits));
        assert_int_equal(rd(pair->blocks[0], SPI_SSPDR), pattern(i + 8, bits));
    }
    assert_false(rd(pair->blocks[0], SPI_SSPSR) & (SPI_SSPSR_BSY | SPI_SSPSR_RNE));
}

static void motorola_and_ti_in_all_sizes(void **state) {
    for (unsigned bits = 4; bits <= 16; bits++) {
        for (unsigned mode = 0; mode < 5; mode++) {
            uint32_t format = mode == 4 ? 1 << SPI_SSPCR0_FRF_LSB : mode * SPI_SSPCR0_SPO;
            set_format(*state, format | (bits - 1));
            exchange(*state, bits);
        }
    }
}

/* Eight bits of control out, a clock, the answer in. */
static void microwire_in_all_sizes(void **state) {
    struct pair *pair = *state;
    for (unsigned bits = 4; bits <= 16; bits++) {
        set_format(pair, 2 << SPI_SSPCR0_FRF_LSB | (bits - 1));
        wr(pair->blocks[1], SPI_SSPDR, pattern(1, bits));
        wr(pair->blocks[1], SPI_SSPDR, pattern(2, bits));
        wr(pair->blocks[0], SPI_SSPDR, 0xc5);
        wr(pair->blocks[0], SPI_SSPDR, 0x3a);
        run_bits(pair, 2 * (9 + bits) + 1);
        assert_int_equal(rd(pair->blocks[1], SPI_SSPDR), 0xc5);
        assert_int_equal(rd(pair->blocks[1], SPI_SSPDR), 0x3a);
        assert_int_equal(rd(pair->blocks[0], SPI_SSPDR), pattern(1, bits));
        assert_int_equal(rd(pair->blocks[0], SPI_SSPDR), pattern(2, bits));
    }
}

static uint64_t busy_cycles(struct pair *pair) {
    uint64_t start = pair->stage.scheduler.now_ps;
    while (rd(pair->blocks[0], SPI_SSPSR) & SPI_SSPSR_BSY) {
        stage_run(&pair->stage, 8000);
    }
    return (pair->stage.scheduler.now_ps - start) / 8000;
}

/* The figures of DDI 0194 2.4, watched and not. */
static void frames_last_as_their_format_says(void **state) {
    struct pair *pair = *state;
    for (unsigned watched = 0; watched < 2; watched++) {
        for (unsigned i = 16; i < 20 && !watched; i++) { /* away from the wires */
            gpio_set_control(&pair->bank, i, 31);
        }
        for (unsigned i = 16; i < 20 && watched; i++) {
            gpio_set_control(&pair->bank, i, 1);
        }
        const struct {
            uint32_t control;
            unsigned bits;
        } cases[] = {
            { 7, 2 * 9 },
            { 7 | SPI_SSPCR0_SPH, 2 * 8 },
            { 1 << SPI_SSPCR0_FRF_LSB | 7, 1 + 2 * 8 },
            { 2 << SPI_SSPCR0_FRF_LSB | 7, 2 * (8 + 1 + 8) },
        };
        for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
            set_format(pair, cases[i].control);
            wr(pair->blocks[0], SPI_SSPDR, 0);
            wr(pair->blocks[0], SPI_SSPDR, 0);
            assert_int_equal(busy_cycles(pair), cases[i].bits * CYCLES_A_BIT);
        }
    }
}

static void slave_output_can_be_disabled(void **state) {
    struct pair *pair = *state;
    set_format(pair, 7);
    wr(pair->blocks[1], SPI_SSPCR1, SPI_SSPCR1_MS | SPI_SSPCR1_SSE | SPI_SSPCR1_SOD);
    gpio_set_pad(&pair->bank, 16, 0x5a, false); /* pull-up */
    gpio_set_pad(&pair->bank, 11, 0x52, false);
    wr(pair->blocks[1], SPI_SSPDR, 0x00);
    wr(pair->blocks[0], SPI_SSPDR, 0x11);
    run_bits(pair, 10);
    assert_int_equal(rd(pair->blocks[0], SPI_SSPDR), 0xff);
    assert_int_equal(rd(pair->blocks[1], SPI_SSPDR), 0x11);
}

static void slave_overruns_and_asks_for_data(void **state) {
    struct pair *pair = *state;
    set_format(pair, 7);
    wr(pair->blocks[1], SPI_SSPDMACR, SPI_SSPDMACR_TXDMAE | SPI_SSPDMACR_RXDMAE);
    wr(pair->blocks[1], SPI_SSPIMSC, SPI_SSPIMSC_RORIM);
    assert_true(((struct spi *)pair->blocks[1])->dreq_tx.level);
    for (unsigned i = 0; i < 9; i++) {
        wr(pair->blocks[0], SPI_SSPDR, i);
        run_bits(pair, 9);
        assert_int_equal(pair->blocks[1]->irq[0].level, i == 8);
    }
    assert_true(((struct spi *)pair->blocks[1])->dreq_rx.level);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(rd(pair->blocks[1], SPI_SSPDR), i);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(motorola_and_ti_in_all_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(microwire_in_all_sizes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_last_as_their_format_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slave_output_can_be_disabled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(slave_overruns_and_asks_for_data, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
