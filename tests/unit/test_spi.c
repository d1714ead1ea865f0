/* The SPI controller (PL022): RP2040 datasheet 4.4. */
#include "emulator/core/serial.h"
#include "peripherals/onchip/registers/spi.h"
#include "peripherals/onchip/spi.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define FRAME_PS (UINT64_C(9) * 2 * 8000) /* eight bits and the pulse of frame select, prescaler 2 */

struct chip {
    struct stage stage;
    struct gpio_bank bank;
    struct block *block;
    struct spi *spi;
    struct spi_target target;
    uint8_t heard[64];
    unsigned count;
    uint64_t edges[64];
    unsigned edge_count;
};

static uint8_t answer(struct spi_target *target) {
    return (uint8_t)(0x80 + ((struct chip *)target->owner)->count);
}

static void hear(struct spi_target *target, uint8_t byte) {
    struct chip *chip = target->owner;
    chip->heard[chip->count++] = byte;
}

static int set_up(void **state) {
    struct chip *chip = calloc(1, sizeof(*chip));
    stage_init(&chip->stage);
    gpio_bank_init(&chip->bank, &chip->stage.env, &rp2040_gpio_bank0);
    chip->block = block_create(&spi_class, "SPI0", &chip->stage.env, &rp2040_spi_registers);
    chip->spi = (struct spi *)chip->block;
    chip->spi->clk_peri = &chip->stage.clock;
    chip->spi->gpio = &chip->bank;
    chip->spi->function = 1;
    chip->spi->rx_pins = 1 << 16;
    chip->spi->cs_pins = 1 << 17;
    chip->spi->sck_pins = 1 << 18;
    chip->spi->tx_pins = 1 << 19;
    block_start(chip->block);
    chip->target = (struct spi_target){ .sck = &chip->bank.pins[18].net,
                                        .mosi = &chip->bank.pins[19].net,
                                        .miso = &chip->bank.pins[16].net,
                                        .reply = answer,
                                        .receive = hear,
                                        .owner = chip };
    spi_target_attach(&chip->target);
    for (unsigned pin = 16; pin < 20; pin++) {
        gpio_set_pad(&chip->bank, pin, 0x56, false);
        gpio_set_control(&chip->bank, pin, 1);
    }
    wr(chip->block, SPI_SSPCPSR, 2);
    wr(chip->block, SPI_SSPCR0, 7);
    wr(chip->block, SPI_SSPCR1, SPI_SSPCR1_SSE);
    *state = chip;
    return 0;
}

static int tear_down(void **state) {
    struct chip *chip = *state;
    block_destroy(chip->block);
    free(chip);
    return 0;
}

static void frames_take_their_time(void **state) {
    struct chip *chip = *state;
    assert_int_equal(spi_frame_ps(chip->spi), FRAME_PS);
    assert_int_equal(rd(chip->block, SPI_SSPSR), SPI_SSPSR_TNF | SPI_SSPSR_TFE);
    wr(chip->block, SPI_SSPDR, 0xa1);
    wr(chip->block, SPI_SSPDR, 0xb2);
    stage_run(&chip->stage, 2 * FRAME_PS - 1);
    assert_int_equal(rd(chip->block, SPI_SSPSR), SPI_SSPSR_TNF | SPI_SSPSR_TFE | SPI_SSPSR_RNE | SPI_SSPSR_BSY);
    stage_run(&chip->stage, 1);
    assert_int_equal(rd(chip->block, SPI_SSPSR), SPI_SSPSR_TNF | SPI_SSPSR_TFE | SPI_SSPSR_RNE);
    assert_int_equal(rd(chip->block, SPI_SSPDR), 0x80);
    assert_int_equal(rd(chip->block, SPI_SSPDR), 0x81);
    assert_int_equal(chip->heard[1], 0xb2);
}

/* Frames go out though nobody looks at a register. */
static void frames_go_out_by_themselves(void **state) {
    struct chip *chip = *state;
    for (unsigned i = 0; i < 8; i++) {
        wr(chip->block, SPI_SSPDR, i);
    }
    stage_run(&chip->stage, 8 * FRAME_PS);
    assert_int_equal(chip->count, 8);
}

static void fifos_are_eight_deep(void **state) {
    struct chip *chip = *state;
    for (unsigned i = 0; i < 10; i++) { /* one is in the shifter, the tenth is lost */
        wr(chip->block, SPI_SSPDR, i);
    }
    assert_int_equal(rd(chip->block, SPI_SSPSR) & SPI_SSPSR_TNF, 0);
    stage_run(&chip->stage, 10 * FRAME_PS);
    assert_int_equal(chip->count, 9);
    assert_int_equal(rd(chip->block, SPI_SSPRIS), SPI_SSPRIS_TXRIS | SPI_SSPRIS_RXRIS | SPI_SSPRIS_RORRIS);
    wr(chip->block, SPI_SSPICR, SPI_SSPICR_RORIC);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(rd(chip->block, SPI_SSPDR), 0x80 + i);
    }
    assert_int_equal(rd(chip->block, SPI_SSPRIS), SPI_SSPRIS_TXRIS);
}

static void interrupts_come_in_time(void **state) {
    struct chip *chip = *state;
    wr(chip->block, SPI_SSPIMSC, SPI_SSPIMSC_RXIM | SPI_SSPIMSC_RTIM);
    for (unsigned i = 0; i < 4; i++) {
        wr(chip->block, SPI_SSPDR, i);
    }
    stage_run(&chip->stage, 4 * FRAME_PS - 1);
    assert_false(chip->block->irq[0].level);
    stage_run(&chip->stage, 1);
    assert_true(chip->block->irq[0].level);
    rd(chip->block, SPI_SSPDR);
    assert_false(chip->block->irq[0].level);
    stage_run(&chip->stage, 32 * 2 * 8000);
    assert_int_equal(rd(chip->block, SPI_SSPMIS), SPI_SSPMIS_RTMIS);
    assert_true(chip->block->irq[0].level);
    wr(chip->block, SPI_SSPICR, SPI_SSPICR_RTIC);
    assert_false(chip->block->irq[0].level);
    stage_run(&chip->stage, 32 * 2 * 8000 - 1);
    assert_false(chip->block->irq[0].level);
    stage_run(&chip->stage, 1);
    assert_true(chip->block->irq[0].level); /* data are still there */
    wr(chip->block, SPI_SSPIMSC, SPI_SSPIMSC_RTIM);
    wr(chip->block, SPI_SSPDR, 7);
    stage_run(&chip->stage, FRAME_PS);
    assert_int_equal(rd(chip->block, SPI_SSPRIS) & SPI_SSPRIS_RTRIS, 0); /* more has come */
    wr(chip->block, SPI_SSPICR, SPI_SSPICR_RTIC);
}

static void dreqs_ask_for_half_a_fifo(void **state) {
    struct chip *chip = *state;
    wr(chip->block, SPI_SSPDMACR, SPI_SSPDMACR_TXDMAE | SPI_SSPDMACR_RXDMAE);
    assert_true(chip->spi->dreq_tx.level);
    unsigned written = 0;
    while (chip->spi->dreq_tx.level) {
        wr(chip->block, SPI_SSPDR, written++);
    }
    assert_int_equal(written, 9);
    stage_run(&chip->stage, 4 * FRAME_PS - 1);
    assert_false(chip->spi->dreq_tx.level);
    assert_false(chip->spi->dreq_rx.level);
    stage_run(&chip->stage, 1);
    assert_true(chip->spi->dreq_tx.level);
    assert_true(chip->spi->dreq_rx.level);
    for (unsigned i = 0; i < 4; i++) {
        rd(chip->block, SPI_SSPDR);
    }
    assert_false(chip->spi->dreq_rx.level);
    stage_run(&chip->stage, 5 * FRAME_PS);
    assert_true(chip->spi->dreq_rx.level); /* and the rest, when nothing more comes */
}

static void wide_frames_and_loopback(void **state) {
    struct chip *chip = *state;
    chip->target.mode = 1;
    wr(chip->block, SPI_SSPCR0, 15 | SPI_SSPCR0_SPH);
    wr(chip->block, SPI_SSPDR, 0x1234);
    stage_run(&chip->stage, UINT64_C(16) * 2 * 8000);
    assert_int_equal(rd(chip->block, SPI_SSPDR), 0x8081);
    assert_int_equal(chip->heard[0], 0x12);
    wr(chip->block, SPI_SSPCR1, SPI_SSPCR1_SSE | SPI_SSPCR1_LBM);
    wr(chip->block, SPI_SSPCR0, 3);
    wr(chip->block, SPI_SSPDR, 0xfff6);
    stage_run(&chip->stage, FRAME_PS);
    assert_int_equal(rd(chip->block, SPI_SSPDR), 6);
    assert_int_equal(chip->count, 2);
}

static void clock_rests_at_its_polarity(void **state) {
    struct chip *chip = *state;
    assert_false(net_is_high(&chip->bank.pins[18].net));
    wr(chip->block, SPI_SSPCR0, 7 | SPI_SSPCR0_SPO);
    assert_true(net_is_high(&chip->bank.pins[18].net));
    assert_true(net_is_high(&chip->bank.pins[17].net));
}

static void note_edge(struct net_listener *listener, struct net *net) {
    struct chip *chip = listener->owner;
    chip->edges[chip->edge_count++] = chip->stage.scheduler.now_ps;
}

static void run_cycles(struct chip *chip, unsigned cycles) {
    for (unsigned i = 0; i < cycles; i++) {
        stage_run(&chip->stage, 8000);
    }
}

/* The same target hears the same through the edges as through whole frames, in all modes. */
static void frames_play_out_when_watched(void **state) {
    for (unsigned mode = 0; mode < 4; mode++) {
        struct chip *chip = *state;
        struct net_listener scope = { .changed = note_edge, .owner = chip };
        wr(chip->block, SPI_SSPCR0, 7 | (mode & 1 ? SPI_SSPCR0_SPH : 0) | (mode & 2 ? SPI_SSPCR0_SPO : 0));
        chip->target.mode = mode;
        chip->target.bits = 0;
        net_listen(&chip->bank.pins[18].net, &scope);
        wr(chip->block, SPI_SSPDR, 0xa5);
        wr(chip->block, SPI_SSPDR, 0x3c);
        assert_false(net_is_high(&chip->bank.pins[17].net));
        run_cycles(chip, 40);
        assert_int_equal(chip->edge_count, 32);
        assert_int_equal(chip->edges[0], 8000); /* half a bit: one cycle */
        assert_int_equal(chip->edges[15], 16 * 8000);
        assert_int_equal(chip->edges[16], (mode & 1 ? 17 : 19) * 8000);
        assert_int_equal(rd(chip->block, SPI_SSPSR), SPI_SSPSR_TNF | SPI_SSPSR_TFE | SPI_SSPSR_RNE);
        assert_memory_equal(chip->heard, "\xa5\x3c", 2);
        assert_int_equal(rd(chip->block, SPI_SSPDR), 0x80);
        assert_int_equal(rd(chip->block, SPI_SSPDR), 0x81);
        assert_true(net_is_high(&chip->bank.pins[17].net));
        tear_down(state);
        set_up(state);
    }
}

/* Data that are put out at the edge that a target reads at come a bit late for it, watched or not. */
static void wrong_mode_is_misread(void **state) {
    struct chip *chip = *state;
    wr(chip->block, SPI_SSPCR0, 7 | SPI_SSPCR0_SPH);
    wr(chip->block, SPI_SSPDR, 0xa5);
    run_cycles(chip, 40);
    assert_int_equal(chip->count, 1);
    assert_int_equal(chip->heard[0], 0xa5 >> 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_take_their_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_go_out_by_themselves, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fifos_are_eight_deep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interrupts_come_in_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dreqs_ask_for_half_a_fifo, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wide_frames_and_loopback, set_up, tear_down),
        cmocka_unit_test_setup_teardown(clock_rests_at_its_polarity, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_play_out_when_watched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_mode_is_misread, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
