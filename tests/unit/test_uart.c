/* The UART (PL011): RP2040 datasheet 4.2. */
#include "peripherals/onchip/registers/uart.h"
#include "peripherals/onchip/uart.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define BIT_PS (UINT64_C(1085) * 8000) /* see open_port() */

struct chip {
    struct stage stage;
    struct gpio_bank bank;
    struct block *block;
    struct uart *uart;
    uint8_t sent[64];
    unsigned count;
    uint64_t edges[32];
    unsigned edge_count;
};

static void transmit(void *context, uint8_t byte) {
    struct chip *chip = context;
    chip->sent[chip->count++] = byte;
}

static int set_up(void **state) {
    struct chip *chip = calloc(1, sizeof(*chip));
    stage_init(&chip->stage);
    gpio_bank_init(&chip->bank, &chip->stage.env, &rp2040_gpio_bank0);
    chip->block = block_create(&uart_class, "UART0", &chip->stage.env, &rp2040_uart_registers);
    chip->uart = (struct uart *)chip->block;
    chip->uart->clk_peri = &chip->stage.clock;
    chip->uart->gpio = &chip->bank;
    chip->uart->function = 2;
    chip->uart->tx_pins = 1;
    chip->uart->rx_pins = 2;
    chip->uart->cts_pins = 4;
    chip->uart->rts_pins = 8;
    chip->uart->transmit = transmit;
    chip->uart->transmit_context = chip;
    block_start(chip->block);
    *state = chip;
    return 0;
}

static int tear_down(void **state) {
    struct chip *chip = *state;
    block_destroy(chip->block);
    free(chip);
    return 0;
}

/* 115207 baud: 67 + 52/64 times 16 cycles are 1085 cycles a bit. 8N1. */
static void open_port(struct chip *chip, bool fifos) {
    wr(chip->block, UART_UARTIBRD, 67);
    wr(chip->block, UART_UARTFBRD, 52);
    wr(chip->block, UART_UARTLCR_H, 3 << 5 | (fifos ? UART_UARTLCR_H_FEN : 0));
    wr(chip->block, UART_UARTCR, UART_UARTCR_UARTEN | UART_UARTCR_TXE | UART_UARTCR_RXE);
}

static void frames_take_their_time(void **state) {
    struct chip *chip = *state;
    open_port(chip, true);
    assert_int_equal(uart_frame_ps(chip->uart), 10 * BIT_PS);
    wr(chip->block, UART_UARTDR, 'a');
    wr(chip->block, UART_UARTDR, 'b');
    assert_int_equal(rd(chip->block, UART_UARTFR) & UART_UARTFR_BUSY, UART_UARTFR_BUSY);
    stage_run(&chip->stage, 10 * BIT_PS - 1);
    assert_int_equal(chip->count, 0);
    stage_run(&chip->stage, 1);
    assert_int_equal(chip->sent[0], 'a');
    stage_run(&chip->stage, 20 * BIT_PS);
    assert_int_equal(chip->count, 2);
    assert_int_equal(rd(chip->block, UART_UARTFR), UART_UARTFR_TXFE | UART_UARTFR_RXFE | UART_UARTFR_CTS);
}

static void transmit_fifo_is_32_deep(void **state) {
    struct chip *chip = *state;
    open_port(chip, true);
    for (unsigned i = 0; i < 34; i++) { /* one is in the shifter, the last is lost */
        assert_int_equal(rd(chip->block, UART_UARTFR) & UART_UARTFR_TXFF, i < 33 ? 0 : UART_UARTFR_TXFF);
        wr(chip->block, UART_UARTDR, i);
    }
    stage_run(&chip->stage, 400 * BIT_PS);
    assert_int_equal(chip->count, 33);
    assert_int_equal(chip->sent[32], 32);
}

static void transmit_interrupt_is_a_transition(void **state) {
    struct chip *chip = *state;
    open_port(chip, true);
    wr(chip->block, UART_UARTIFLS, 0); /* 1/8: four characters */
    wr(chip->block, UART_UARTIMSC, UART_UARTIMSC_TXIM);
    assert_false(chip->block->irq[0].level);
    for (unsigned i = 0; i < 6; i++) {
        wr(chip->block, UART_UARTDR, i);
    }
    assert_false(chip->block->irq[0].level);
    stage_run(&chip->stage, 10 * BIT_PS);
    assert_true(chip->block->irq[0].level);
    wr(chip->block, UART_UARTICR, UART_UARTICR_TXIC);
    assert_false(chip->block->irq[0].level);
    stage_run(&chip->stage, 100 * BIT_PS);
    assert_false(chip->block->irq[0].level);
}

static void receive_interrupts_by_level_and_timeout(void **state) {
    struct chip *chip = *state;
    open_port(chip, true);
    wr(chip->block, UART_UARTIFLS, 0);
    wr(chip->block, UART_UARTIMSC, UART_UARTIMSC_RXIM | UART_UARTIMSC_RTIM);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rd(chip->block, UART_UARTMIS), 0);
        uart_receive(chip->uart, 'A' + i);
    }
    assert_int_equal(rd(chip->block, UART_UARTMIS), UART_UARTMIS_RXMIS);
    assert_int_equal(rd(chip->block, UART_UARTDR), 'A');
    assert_int_equal(rd(chip->block, UART_UARTMIS), 0);
    stage_run(&chip->stage, 32 * BIT_PS);
    assert_int_equal(rd(chip->block, UART_UARTMIS), UART_UARTMIS_RTMIS);
    for (unsigned i = 1; i < 4; i++) {
        assert_int_equal(rd(chip->block, UART_UARTDR), 'A' + i);
    }
    assert_int_equal(rd(chip->block, UART_UARTRIS), 0);
    assert_int_equal(rd(chip->block, UART_UARTFR) & UART_UARTFR_RXFE, UART_UARTFR_RXFE);
}

static void errors_travel_with_their_character(void **state) {
    struct chip *chip = *state;
    open_port(chip, false);
    uart_receive(chip->uart, 'x' | UART_PARITY_ERROR);
    uart_receive(chip->uart, 'y');
    assert_int_equal(rd(chip->block, UART_UARTRIS) & (UART_UARTRIS_PERIS | UART_UARTRIS_OERIS),
                     UART_UARTRIS_PERIS | UART_UARTRIS_OERIS);
    assert_int_equal(rd(chip->block, UART_UARTDR), 'x' | UART_UARTDR_PE | UART_UARTDR_OE);
    assert_int_equal(rd(chip->block, UART_UARTRSR), UART_UARTRSR_PE | UART_UARTRSR_OE);
    wr(chip->block, UART_UARTRSR, 0);
    assert_int_equal(rd(chip->block, UART_UARTRSR), 0);
    uart_receive(chip->uart, 0 | UART_BREAK | UART_FRAMING_ERROR);
    assert_int_equal(rd(chip->block, UART_UARTDR), UART_UARTDR_BE | UART_UARTDR_FE);
}

static void loopback_returns_bytes_and_modem_lines(void **state) {
    struct chip *chip = *state;
    open_port(chip, true);
    wr(chip->block, UART_UARTCR, 0x381 | UART_UARTCR_DTR);
    wr(chip->block, UART_UARTDR, 0x5a);
    uart_receive(chip->uart, 'n'); /* the line is cut off */
    stage_run(&chip->stage, 10 * BIT_PS);
    assert_int_equal(chip->count, 0);
    assert_int_equal(rd(chip->block, UART_UARTDR), 0x5a);
    assert_int_equal(rd(chip->block, UART_UARTFR) & 0x107, UART_UARTFR_DSR);
}

static void flow_control_and_pins(void **state) {
    struct chip *chip = *state;
    struct net_driver far_rts = { .drive = NET_HIGH };
    for (unsigned pin = 0; pin < 4; pin++) {
        gpio_set_control(&chip->bank, pin, 2);
        gpio_set_pad(&chip->bank, pin, 0x56, false);
    }
    assert_true(net_is_high(&chip->bank.pins[0].net)); /* TX rests high */
    net_attach(&chip->bank.pins[2].net, &far_rts);
    open_port(chip, false);
    wr(chip->block, UART_UARTCR, 0x301 | UART_UARTCR_CTSEN | UART_UARTCR_RTSEN);
    wr(chip->block, UART_UARTDR, 'f');
    stage_run(&chip->stage, 20 * BIT_PS);
    assert_int_equal(chip->count, 0);
    net_drive(&far_rts, NET_LOW);
    stage_run(&chip->stage, 10 * BIT_PS);
    assert_int_equal(chip->count, 1);
    assert_false(net_is_high(&chip->bank.pins[3].net));
    assert_true(uart_wants_data(chip->uart));
    uart_receive(chip->uart, 'g');
    assert_true(net_is_high(&chip->bank.pins[3].net));
    assert_false(uart_wants_data(chip->uart));
}

static void note_edge(struct net_listener *listener, struct net *net) {
    struct chip *chip = listener->owner;
    chip->edges[chip->edge_count++] = chip->stage.scheduler.now_ps;
}

/* Steps of one bit, so that events are served close to their time. */
static void run_bits(struct chip *chip, unsigned bits) {
    for (unsigned i = 0; i < 16 * bits; i++) {
        stage_run(&chip->stage, BIT_PS / 16);
    }
}

static void frames_play_out_when_watched(void **state) {
    struct chip *chip = *state;
    struct net_listener scope = { .changed = note_edge, .owner = chip };
    gpio_set_control(&chip->bank, 0, 2);
    net_listen(&chip->bank.pins[0].net, &scope);
    open_port(chip, true);
    run_bits(chip, 1);
    uint64_t start = chip->stage.scheduler.now_ps;
    wr(chip->block, UART_UARTDR, 0x0f);
    wr(chip->block, UART_UARTDR, 0x55);
    run_bits(chip, 21);
    const unsigned times[] = { 0, 1, 5, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19 }; /* in bits */
    assert_int_equal(chip->edge_count, 14);
    for (unsigned i = 0; i < 14; i++) {
        assert_int_equal(chip->edges[i], start + times[i] * BIT_PS);
    }
    assert_true(net_is_high(&chip->bank.pins[0].net));
}

static void a_wire_from_tx_to_rx_carries_frames(void **state) {
    struct chip *chip = *state;
    for (unsigned pin = 0; pin < 2; pin++) {
        gpio_set_control(&chip->bank, pin, 2);
        gpio_set_pad(&chip->bank, pin, 0x52, false);
    }
    net_join(&chip->bank.pins[0].net, &chip->bank.pins[1].net);
    open_port(chip, true);
    wr(chip->block, UART_UARTLCR_H, 2 << 5 | UART_UARTLCR_H_FEN | UART_UARTLCR_H_PEN | UART_UARTLCR_H_STP2); /* 7O2 */
    wr(chip->block, UART_UARTDR, 'W');
    wr(chip->block, UART_UARTDR, 0);
    run_bits(chip, 30);
    assert_int_equal(rd(chip->block, UART_UARTDR), 'W');
    assert_int_equal(rd(chip->block, UART_UARTDR), 0);
    wr(chip->block, UART_UARTLCR_H, 2 << 5 | UART_UARTLCR_H_FEN | UART_UARTLCR_H_BRK);
    run_bits(chip, 20);
    wr(chip->block, UART_UARTLCR_H, 2 << 5 | UART_UARTLCR_H_FEN);
    run_bits(chip, 20);
    assert_int_equal(rd(chip->block, UART_UARTDR), UART_UARTDR_BE);
    assert_int_equal(rd(chip->block, UART_UARTFR) & UART_UARTFR_RXFE, UART_UARTFR_RXFE);
}

static void dreqs_follow_the_fifos(void **state) {
    struct chip *chip = *state;
    open_port(chip, false);
    wr(chip->block, UART_UARTDMACR, UART_UARTDMACR_TXDMAE | UART_UARTDMACR_RXDMAE);
    assert_true(chip->uart->dreq_tx.level);
    assert_false(chip->uart->dreq_rx.level);
    wr(chip->block, UART_UARTDR, 1);
    wr(chip->block, UART_UARTDR, 2);
    assert_false(chip->uart->dreq_tx.level);
    stage_run(&chip->stage, 10 * BIT_PS);
    assert_true(chip->uart->dreq_tx.level);
    uart_receive(chip->uart, 3);
    assert_true(chip->uart->dreq_rx.level);
    rd(chip->block, UART_UARTDR);
    assert_false(chip->uart->dreq_rx.level);
}

/* DDI 0183, UARTCR.SIREN: UARTTXD stays high and UARTRXD has no effect; nSIROUT has no pin. */
static void infrared_has_no_pins(void **state) {
    struct chip *chip = *state;
    gpio_set_pad(&chip->bank, 0, 0x40, false);
    gpio_set_control(&chip->bank, 0, 2);
    open_port(chip, true);
    set_bits(chip->block, UART_UARTCR, UART_UARTCR_SIREN);
    wr(chip->block, UART_UARTILPR, 0x12);
    assert_int_equal(rd(chip->block, UART_UARTILPR), 0x12);
    wr(chip->block, UART_UARTDR, 0);
    for (unsigned bit = 0; bit < 10; bit++) {
        assert_int_equal(rd(chip->block, UART_UARTFR) & UART_UARTFR_BUSY, UART_UARTFR_BUSY);
        assert_true(net_is_high(gpio_net(&chip->bank, "GP0")));
        stage_run(&chip->stage, BIT_PS);
    }
    assert_int_equal(rd(chip->block, UART_UARTFR) & UART_UARTFR_BUSY, 0);
    assert_int_equal(chip->count, 0);
    uart_receive(chip->uart, 'a');
    assert_int_equal(rd(chip->block, UART_UARTFR) & UART_UARTFR_RXFE, UART_UARTFR_RXFE);
    assert_int_equal(chip->stage.log.count[LOG_GUEST], 1);
}

static void waits_while_the_clock_stands(void **state) {
    struct chip *chip = *state;
    clock_set_frequency(&chip->stage.clock, 0, 1, 0);
    open_port(chip, true);
    wr(chip->block, UART_UARTDR, 'c');
    clock_set_frequency(&chip->stage.clock, 125000000, 1, chip->stage.scheduler.now_ps);
    stage_run(&chip->stage, 10 * BIT_PS);
    assert_int_equal(chip->count, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(frames_take_their_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(transmit_fifo_is_32_deep, set_up, tear_down),
        cmocka_unit_test_setup_teardown(transmit_interrupt_is_a_transition, set_up, tear_down),
        cmocka_unit_test_setup_teardown(receive_interrupts_by_level_and_timeout, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_travel_with_their_character, set_up, tear_down),
        cmocka_unit_test_setup_teardown(loopback_returns_bytes_and_modem_lines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flow_control_and_pins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(frames_play_out_when_watched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_wire_from_tx_to_rx_carries_frames, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dreqs_follow_the_fifos, set_up, tear_down),
        cmocka_unit_test_setup_teardown(infrared_has_no_pins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_while_the_clock_stands, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
