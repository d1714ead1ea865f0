/* PIO against the programs and rules of RP2040 datasheet 3 (pico-examples' ws2812 among them), cycle by cycle. */
#include "peripherals/onchip/pio.h"
#include "peripherals/onchip/registers/spi.h"
#include "peripherals/onchip/spi.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define CYCLE 8000
#define EDGES 256
#define SET_PINS(n) (0xe000 | (n))
#define SET_PINDIRS(n) (0xe080 | (n))
#define SET_X(n) (0xe020 | (n))
#define DELAY(n) ((n) << 8)
#define JMP(condition, to) ((condition) << 5 | (to))
#define PULL 0x80a0
#define PUSH 0x8020
#define IN_PINS(n) (0x4000 | (n))
#define MOV_ISR_X 0xa0c1
#define MOV_X_OSR 0xa027
#define IRQ_SET(n) (0xc000 | (n))
#define IRQ_WAIT(n) (0xc020 | (n))
#define WAIT_PIN(level, n) (0x2020 | (level) << 7 | (n))
#define WAIT_IRQ(n) (0x20c0 | (n))
#define IRQ_CLEAR(n) (0xc040 | (n))
#define NOP 0xa042
#define WAIT_GPIO(level, n) (0x2000 | (level) << 7 | (n))
#define OUT_X(n) (0x6020 | (n) % 32)
#define OUT_Y(n) (0x6040 | (n) % 32)
#define REG(n, name) (PIO_SM0_##name + 6 * (n))

struct chip {
    struct stage stage;
    struct gpio_bank bank;
    struct block *block;
    struct pio *pio;
    struct net_listener scope;
    uint64_t edges[EDGES]; /* cycles */
    unsigned count;
    bool was_high;
    struct net_driver key;
    uint32_t seen;
};

static void edge(struct net_listener *listener, struct net *net) {
    struct chip *chip = listener->owner;
    bool rises = net_is_high(net), changes = rises != chip->was_high; /* a floating pin that becomes low does not */
    chip->was_high = rises;
    if (changes && chip->count < EDGES) {
        chip->edges[chip->count++] = chip->stage.scheduler.now_ps / CYCLE;
    }
}

static int make(void **state, const struct register_table *registers, const struct pio_variant *variant) {
    struct chip *chip = calloc(1, sizeof(*chip));
    stage_init(&chip->stage);
    gpio_bank_init(&chip->bank, &chip->stage.env, &rp2040_gpio_bank0);
    chip->block = block_create(&pio_class, "PIO0", &chip->stage.env, registers);
    chip->pio = (struct pio *)chip->block;
    chip->pio->variant = variant;
    chip->pio->clk_sys = &chip->stage.clock;
    chip->pio->gpio = &chip->bank;
    chip->pio->function = 6;
    block_start(chip->block);
    for (unsigned pin = 0; pin < 8; pin++) {
        gpio_set_pad(&chip->bank, pin, 0x52, false);
        gpio_set_control(&chip->bank, pin, 6);
    }
    chip->scope = (struct net_listener){ .changed = edge, .owner = chip };
    net_listen(&chip->bank.pins[0].net, &chip->scope);
    net_attach(&chip->bank.pins[4].net, &chip->key);
    *state = chip;
    return 0;
}

static int set_up(void **state) {
    return make(state, &rp2040_pio_registers, &rp2040_pio);
}

static int set_up_rp2350(void **state) {
    return make(state, &rp2350_pio_registers, &rp2350_pio);
}

static int tear_down(void **state) {
    struct chip *chip = *state;
    block_destroy(chip->block);
    free(chip);
    return 0;
}

static void load(struct chip *chip, const uint16_t *program, unsigned length) {
    for (unsigned i = 0; i < length; i++) {
        wr(chip->block, PIO_INSTR_MEM0 + i, program[i]);
    }
    wr(chip->block, PIO_SM0_EXECCTRL, (length - 1) << PIO_SM0_EXECCTRL_WRAP_TOP_LSB);
    wr(chip->block, PIO_SM0_PINCTRL, 1u << PIO_SM0_PINCTRL_SET_COUNT_LSB | 1u << PIO_SM0_PINCTRL_OUT_COUNT_LSB);
    wr(chip->block, PIO_SM0_INSTR, SET_PINDIRS(1));
}

#define LOAD(chip, ...)                                                                                                \
    load(chip, (const uint16_t[]){ __VA_ARGS__ }, sizeof((const uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t))

static void go(struct chip *chip) {
    wr(chip->block, PIO_CTRL, 1 | 1 << PIO_CTRL_SM_RESTART_LSB | 1 << PIO_CTRL_CLKDIV_RESTART_LSB);
}

/* Each event at its own time. */
static void run_cycles(struct chip *chip, uint64_t cycles) {
    uint64_t end = chip->stage.scheduler.now_ps + cycles * CYCLE;
    while (scheduler_next(&chip->stage.scheduler) <= end) {
        scheduler_advance(&chip->stage.scheduler, scheduler_next(&chip->stage.scheduler));
    }
    scheduler_advance(&chip->stage.scheduler, end);
}

static void square_wave(void **state) {
    struct chip *chip = *state;
    LOAD(chip, SET_PINS(1) | DELAY(3), SET_PINS(0) | DELAY(1));
    go(chip);
    run_cycles(chip, 30);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(chip->edges[i], 1 + i / 2 * 6 + i % 2 * 4);
    }
}

/* A divider of 2.5 gives ticks 2 and 3 cycles apart in turns, 2.5 on average. */
static void fractional_divider(void **state) {
    struct chip *chip = *state;
    LOAD(chip, SET_PINS(1), SET_PINS(0));
    wr(chip->block, PIO_SM0_CLKDIV, 2 << 16 | 128 << 8);
    go(chip);
    run_cycles(chip, 300);
    assert_int_equal(chip->edges[100] - chip->edges[0], 250);
    for (unsigned i = 0; i < 100; i++) {
        assert_in_range(chip->edges[i + 1] - chip->edges[i], 2, 3);
    }
}

/* An instruction has five bits for side-set and delay: a count of 7 takes all of them, and none is left for a delay. */
static void side_set_takes_five_bits_at_most(void **state) {
    struct chip *chip = *state;
    LOAD(chip, JMP(0, 1) | DELAY(1), JMP(0, 0) | DELAY(0));
    wr(chip->block, PIO_SM0_PINCTRL, 7u << PIO_SM0_PINCTRL_SIDESET_COUNT_LSB);
    go(chip);
    run_cycles(chip, 50);
    assert_in_range(chip->count, 48, 51);
    assert_int_equal(chip->edges[40] - chip->edges[0], 40);
}

/* ws2812: side-set 1; out x, 1 side 0 [2]; jmp !x 3 side 1 [1]; jmp 0 side 1 [4]; nop side 0 [4]; autopull of 24. */
static void load_ws2812(struct chip *chip, uint32_t divider) {
    static const uint16_t program[] = { 0x6221, 0x1123, 0x1400, 0xa442 };
    load(chip, program, 4);
    wr(chip->block, PIO_SM0_PINCTRL, 1u << PIO_SM0_PINCTRL_SIDESET_COUNT_LSB);
    wr(chip->block, PIO_SM0_SHIFTCTRL,
       PIO_SM0_SHIFTCTRL_AUTOPULL | 24u << PIO_SM0_SHIFTCTRL_PULL_THRESH_LSB | PIO_SM0_SHIFTCTRL_FJOIN_TX);
    wr(chip->block, PIO_SM0_CLKDIV, divider);
}

static void ws2812_pulse_widths(void **state) {
    struct chip *chip = *state;
    const uint32_t colours[] = { 0xa5c30f, 0x000001 };
    load_ws2812(chip, 15 << 16 | 160 << 8); /* 125 MHz / 800 kHz / 10 */
    go(chip);
    wr(chip->block, PIO_TXF0, colours[0] << 8);
    wr(chip->block, PIO_TXF0, colours[1] << 8);
    run_cycles(chip, 48 * 157 + 200);
    assert_int_equal(chip->count, 96);
    for (unsigned i = 0; i < 48; i++) {
        bool one = colours[i / 24] >> (23 - i % 24) & 1;
        uint64_t high = chip->edges[2 * i + 1] - chip->edges[2 * i];
        assert_in_range(high, one ? 109 : 31, one ? 110 : 32);
        if (i % 24) {
            assert_in_range(chip->edges[2 * i] - chip->edges[2 * i - 2], 156, 157);
        }
    }
    assert_true(rd(chip->block, PIO_FDEBUG) & 1u << PIO_FDEBUG_TXSTALL_LSB);
    wr(chip->block, PIO_FDEBUG, UINT32_MAX);
    run_cycles(chip, 20);
    assert_true(rd(chip->block, PIO_FDEBUG) & 1u << PIO_FDEBUG_TXSTALL_LSB); /* it still stalls */
    assert_int_equal(scheduler_next(&chip->stage.scheduler), TIME_NEVER);    /* and costs nothing */
}

static void fifos_and_dreqs(void **state) {
    struct chip *chip = *state;
    LOAD(chip, PULL, MOV_X_OSR, MOV_ISR_X, PUSH);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(chip->pio->dreq_tx[0].level, i < 4);
        wr(chip->block, PIO_TXF0, 100 + i);
    }
    assert_true(rd(chip->block, PIO_FDEBUG) & 1u << PIO_FDEBUG_TXOVER_LSB);
    wr(chip->block, PIO_IRQ0_INTE, PIO_INTR_SM0_RXNEMPTY);
    go(chip);
    run_cycles(chip, 4);
    assert_true(chip->block->irq[0].level);
    assert_true(chip->pio->dreq_rx[0].level);
    run_cycles(chip, 40);
    wr(chip->block, PIO_TXF0, 200); /* five are through, the receive FIFO is full */
    run_cycles(chip, 40);
    assert_int_equal(rd(chip->block, PIO_FLEVEL) & 0xff, 0x40);
    assert_true(rd(chip->block, PIO_FDEBUG) & 1u << PIO_FDEBUG_RXSTALL_LSB);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rd(chip->block, PIO_RXF0), 100 + i);
        run_cycles(chip, 4);
    }
    assert_int_equal(rd(chip->block, PIO_RXF0), 200);
    assert_false(chip->block->irq[0].level);
    assert_int_equal(rd(chip->block, PIO_FSTAT) & 0x01000100, 0x01000100);
}

/* Two cycles for the registers between pin and machine, two for the synchronisers. */
static void waits_for_a_pin(void **state) {
    struct chip *chip = *state;
    LOAD(chip, WAIT_PIN(1, 4), SET_PINS(1), WAIT_PIN(0, 4), SET_PINS(0));
    go(chip);
    run_cycles(chip, 20);
    net_drive(&chip->key, NET_HIGH);
    run_cycles(chip, 10);
    assert_int_equal(chip->edges[0], 20 + 4 + 1);
    net_drive(&chip->key, NET_LOW);
    run_cycles(chip, 10);
    assert_int_equal(chip->edges[1], 30 + 4 + 1);
}

/* Wherever in the synchroniser's cycles behind an edge the machine first looks. */
static void waits_for_an_edge_that_is_on_its_way(void **state) {
    for (unsigned delay = 0; delay < 8; delay++) {
        struct chip *chip = *state;
        LOAD(chip, SET_X(0) | DELAY(delay), WAIT_GPIO(1, 4), SET_PINS(1), JMP(0, 3));
        go(chip);
        run_cycles(chip, 3);
        net_drive(&chip->key, NET_HIGH);
        run_cycles(chip, 12);
        uint64_t looks = 2 + delay > 3 + 4 ? 2 + delay : 3 + 4;
        assert_int_equal(chip->count, 1);
        assert_int_equal(chip->edges[0], looks + 1);
        tear_down(state);
        set_up(state);
    }
}

/* pico-examples' clocked_input: wait 0 pin 1; wait 1 pin 1; in pins, 1. SPI's clock and data are wired to it, and its
 * events are served late. */
static void reads_what_spi_sends(void **state) {
    struct chip *chip = *state;
    struct block *block = block_create(&spi_class, "SPI0", &chip->stage.env, &rp2040_spi_registers);
    struct spi *spi = (struct spi *)block;
    spi->clk_peri = &chip->stage.clock;
    spi->gpio = &chip->bank;
    spi->function = 1;
    spi->sck_pins = 1 << 10;
    spi->tx_pins = 1 << 11;
    block_start(block);
    for (unsigned pin = 10; pin < 12; pin++) {
        gpio_set_pad(&chip->bank, pin, 0x56, false);
        gpio_set_control(&chip->bank, pin, 1);
    }
    net_join(&chip->bank.pins[11].net, &chip->bank.pins[6].net);
    net_join(&chip->bank.pins[10].net, &chip->bank.pins[7].net);
    LOAD(chip, WAIT_PIN(0, 1), WAIT_PIN(1, 1), IN_PINS(1));
    wr(chip->block, PIO_SM0_PINCTRL, 6u << PIO_SM0_PINCTRL_IN_BASE_LSB);
    wr(chip->block, PIO_SM0_SHIFTCTRL, PIO_SM0_SHIFTCTRL_AUTOPUSH | 8u << PIO_SM0_SHIFTCTRL_PUSH_THRESH_LSB);
    go(chip);
    wr(block, SPI_SSPCPSR, 6);
    wr(block, SPI_SSPCR0, 7);
    wr(block, SPI_SSPCR1, SPI_SSPCR1_SSE);
    const uint8_t bytes[] = { 0x51, 0xa7, 0x00, 0xfe };
    for (unsigned i = 0; i < 4; i++) {
        wr(block, SPI_SSPDR, bytes[i]);
    }
    for (unsigned i = 0; i < 4; i++) {
        stage_run(&chip->stage, (i == 3 ? 100 : 37 + 8 * 6 - i) * CYCLE);
    }
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rd(chip->block, PIO_RXF0), bytes[i]);
    }
    net_leave(&chip->bank.pins[11].net);
    net_leave(&chip->bank.pins[10].net);
    block_destroy(block);
}

/* pico-examples' manchester_encoding: machine 0 sends (side-set 1 opt; 0: nop side 0 [5]; jmp 4 side 1 [3];
 * nop side 1 [5]; nop side 0 [3]; 4: out x, 1; jmp !x 2), machine 1 receives (6: wait 0 pin 0; in y, 1 [8]; jmp pin 6;
 * 9: wait 1 pin 0; in x, 1 [8]; jmp pin 6) at a pin that is wired to the first one's. */
static void manchester_code_from_pin_to_pin(void **state) {
    struct chip *chip = *state;
    const uint32_t words[] = { 0, 0x0ff0a55a, 0x12345678 };
    LOAD(chip, 0xb542, 0x1b04, 0xbd42, 0xb342, 0x6021, 0x0022, 0x2020, 0x4841, 0x00c6, 0x20a0, 0x4821, 0x00c6);
    net_join(&chip->bank.pins[2].net, &chip->bank.pins[3].net);
    wr(chip->block, REG(0, EXECCTRL), PIO_SM0_EXECCTRL_SIDE_EN | 5u << PIO_SM0_EXECCTRL_WRAP_TOP_LSB);
    wr(chip->block, REG(0, PINCTRL), 1u << PIO_SM0_PINCTRL_SET_COUNT_LSB | 2u << PIO_SM0_PINCTRL_SET_BASE_LSB);
    wr(chip->block, REG(0, INSTR), SET_PINDIRS(1));
    run_cycles(chip, 2);
    wr(chip->block, REG(0, PINCTRL), 2u << PIO_SM0_PINCTRL_SIDESET_COUNT_LSB | 2u << PIO_SM0_PINCTRL_SIDESET_BASE_LSB);
    wr(chip->block, REG(0, SHIFTCTRL), PIO_SM0_SHIFTCTRL_AUTOPULL | PIO_SM0_SHIFTCTRL_OUT_SHIFTDIR);
    wr(chip->block, REG(0, INSTR), JMP(0, 4));
    wr(chip->block, REG(1, EXECCTRL),
       3u << PIO_SM0_EXECCTRL_JMP_PIN_LSB | 11u << PIO_SM0_EXECCTRL_WRAP_TOP_LSB |
           9u << PIO_SM0_EXECCTRL_WRAP_BOTTOM_LSB);
    wr(chip->block, REG(1, PINCTRL), 3u << PIO_SM0_PINCTRL_IN_BASE_LSB);
    wr(chip->block, REG(1, SHIFTCTRL), PIO_SM0_SHIFTCTRL_AUTOPUSH | PIO_SM0_SHIFTCTRL_IN_SHIFTDIR);
    const uint16_t first[] = { SET_X(1), 0xe040, JMP(0, 6) };
    for (unsigned i = 0; i < 3; i++) {
        wr(chip->block, REG(1, INSTR), first[i]);
        wr(chip->block, PIO_TXF0, words[i]);
        run_cycles(chip, 2);
    }
    wr(chip->block, REG(1, INSTR), WAIT_GPIO(1, 3)); /* until the line is idle no more */
    run_cycles(chip, 2);
    wr(chip->block, PIO_CTRL, 3);
    run_cycles(chip, 3 * 32 * 12 + 50);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(rd(chip->block, PIO_RXF1), words[i]);
    }
}

/* The measurement of pico-feedback 280: 32 times `in pins, 1`, the first sixteen with a side-set of 1, at one and the
 * same pin. Bit n of the word is what cycle n has seen. */
static void a_machine_sees_its_own_output(void **state) {
    for (unsigned bypass = 0; bypass < 2; bypass++) {
        struct chip *chip = *state;
        wr(chip->block, PIO_SM0_INSTR, SET_PINDIRS(1));
        wr(chip->block, PIO_SM0_PINCTRL, 1u << PIO_SM0_PINCTRL_SET_COUNT_LSB);
        wr(chip->block, PIO_SM0_INSTR, SET_PINDIRS(1));
        run_cycles(chip, 8);
        for (unsigned i = 0; i < 32; i++) {
            wr(chip->block, PIO_INSTR_MEM0 + i, i < 16 ? 0x5001 : 0x4001);
        }
        wr(chip->block, PIO_SM0_PINCTRL, 1u << PIO_SM0_PINCTRL_SIDESET_COUNT_LSB);
        wr(chip->block, PIO_SM0_SHIFTCTRL, PIO_SM0_SHIFTCTRL_AUTOPUSH | PIO_SM0_SHIFTCTRL_IN_SHIFTDIR);
        wr(chip->block, PIO_INPUT_SYNC_BYPASS, bypass);
        wr(chip->block, PIO_CTRL, 1);
        run_cycles(chip, 33);
        assert_int_equal(rd(chip->block, PIO_RXF0), 0x0000ffff << (bypass ? 2 : 4));
        tear_down(state);
        set_up(state);
    }
}

static void samples_pins_with_autopush(void **state) {
    struct chip *chip = *state;
    LOAD(chip, IN_PINS(1));
    wr(chip->block, PIO_SM0_PINCTRL, 4u << PIO_SM0_PINCTRL_IN_BASE_LSB);
    wr(chip->block, PIO_SM0_SHIFTCTRL, PIO_SM0_SHIFTCTRL_AUTOPUSH | 8u << PIO_SM0_SHIFTCTRL_PUSH_THRESH_LSB);
    go(chip);
    run_cycles(chip, 3);
    net_drive(&chip->key, NET_HIGH);
    run_cycles(chip, 5);
    assert_int_equal(rd(chip->block, PIO_RXF0), 0x03); /* cycles 1 to 8; 3 + 4 is the first to see it */
}

static void flags_join_two_machines(void **state) {
    struct chip *chip = *state;
    const uint16_t program[] = { WAIT_IRQ(1), SET_PINS(1), JMP(0, 2),  SET_X(5),
                                 JMP(2, 4),   IRQ_WAIT(1), IRQ_SET(0), JMP(0, 7) };
    load(chip, program, 8);
    wr(chip->block, REG(1, INSTR), JMP(0, 3));
    wr(chip->block, PIO_IRQ1_INTE, PIO_INTR_SM0);
    wr(chip->block, PIO_CTRL, 3 | 3 << PIO_CTRL_CLKDIV_RESTART_LSB);
    run_cycles(chip, 40);
    assert_int_equal(chip->count, 1); /* 1: set x; six times jmp; 8: irq; 9: wait; 10: set pins */
    assert_int_equal(chip->edges[0], 10);
    assert_int_equal(rd(chip->block, PIO_IRQ), 1);
    assert_true(chip->block->irq[1].level);
    wr(chip->block, PIO_IRQ, 1);
    assert_false(chip->block->irq[1].level);
    assert_int_equal(rd(chip->block, REG(1, ADDR)), 7);
}

/* Both see the flag before either has cleared it. */
static void one_flag_lets_two_machines_go(void **state) {
    struct chip *chip = *state;
    LOAD(chip, WAIT_IRQ(0), SET_X(7), JMP(0, 2));
    wr(chip->block, PIO_CTRL, 3);
    run_cycles(chip, 5);
    wr(chip->block, PIO_IRQ_FORCE, 1);
    run_cycles(chip, 3);
    assert_int_equal(rd(chip->block, REG(0, ADDR)), 2);
    assert_int_equal(rd(chip->block, REG(1, ADDR)), 2);
    assert_int_equal(rd(chip->block, PIO_IRQ), 0);
}

/* Machine 0 sets the flag in the cycle in which machine 1 clears it, and machine 2 looks at it: it sees it later. */
static void whatever_sets_a_flag_wins(void **state) {
    struct chip *chip = *state;
    LOAD(chip, IRQ_SET(3), JMP(0, 1), IRQ_CLEAR(3), JMP(0, 3), WAIT_IRQ(3), SET_X(1), JMP(0, 6));
    wr(chip->block, REG(1, INSTR), JMP(0, 2));
    wr(chip->block, REG(2, INSTR), JMP(0, 4));
    run_cycles(chip, 2);
    wr(chip->block, PIO_CTRL, 3);
    run_cycles(chip, 1);
    assert_int_equal(rd(chip->block, PIO_IRQ), 8);
    wr(chip->block, PIO_IRQ, 8); /* in the cycle in which it is set */
    assert_int_equal(rd(chip->block, PIO_IRQ), 8);
    run_cycles(chip, 1);
    wr(chip->block, PIO_CTRL, 4);
    run_cycles(chip, 1);
    assert_int_equal(rd(chip->block, REG(2, ADDR)), 5);
    assert_int_equal(rd(chip->block, PIO_IRQ), 0);
}

/* The shift register takes a word while the machine waits for something else: five are in. */
static void autopull_goes_on_while_the_machine_waits(void **state) {
    struct chip *chip = *state;
    LOAD(chip, WAIT_IRQ(0));
    wr(chip->block, PIO_SM0_SHIFTCTRL, PIO_SM0_SHIFTCTRL_AUTOPULL);
    go(chip);
    run_cycles(chip, 5);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rd(chip->block, PIO_FSTAT) & 1u << PIO_FSTAT_TXFULL_LSB, 0);
        wr(chip->block, PIO_TXF0, i);
        run_cycles(chip, 2);
    }
    assert_int_equal(rd(chip->block, PIO_FLEVEL) & 0xff, 4);
    assert_int_equal(rd(chip->block, PIO_FDEBUG), 0);
}

/* What an IN has sampled before it finds the FIFO full is what is pushed when there is room. */
static void autopush_keeps_the_first_sample(void **state) {
    struct chip *chip = *state;
    LOAD(chip, IN_PINS(1) | DELAY(9));
    wr(chip->block, PIO_SM0_PINCTRL, 4u << PIO_SM0_PINCTRL_IN_BASE_LSB);
    wr(chip->block, PIO_SM0_SHIFTCTRL, PIO_SM0_SHIFTCTRL_AUTOPUSH | 1u << PIO_SM0_SHIFTCTRL_PUSH_THRESH_LSB);
    net_drive(&chip->key, NET_LOW);
    run_cycles(chip, 5);
    go(chip);
    run_cycles(chip, 35); /* four words are in */
    net_drive(&chip->key, NET_HIGH);
    run_cycles(chip, 8); /* the fifth sample, at cycle 41 */
    net_drive(&chip->key, NET_LOW);
    run_cycles(chip, 20);
    assert_true(rd(chip->block, PIO_FDEBUG) & 1u << PIO_FDEBUG_RXSTALL_LSB);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(rd(chip->block, PIO_RXF0), i == 4);
        run_cycles(chip, 3);
    }
}

/* An OUT from outside that finds the shift register empty takes a word in one cycle and shifts in the next. */
static void stores_to_instr_a_few_cycles_apart(void **state) {
    for (unsigned apart = 2; apart < 6; apart++) {
        struct chip *chip = *state;
        wr(chip->block, PIO_SM0_SHIFTCTRL, PIO_SM0_SHIFTCTRL_AUTOPULL);
        wr(chip->block, PIO_TXF0, 5);
        run_cycles(chip, apart);
        wr(chip->block, PIO_SM0_INSTR, OUT_X(32));
        run_cycles(chip, apart);
        wr(chip->block, PIO_TXF0, 7);
        run_cycles(chip, apart);
        wr(chip->block, PIO_SM0_INSTR, OUT_Y(32));
        run_cycles(chip, apart);
        wr(chip->block, PIO_SM0_INSTR, JMP(0, 9));
        run_cycles(chip, apart);
        assert_int_equal(rd(chip->block, PIO_SM0_ADDR), 9);
        assert_int_equal(chip->pio->machines[0].now.x, 5);
        assert_int_equal(chip->pio->machines[0].now.y, 7);
        tear_down(state);
        set_up(state);
    }
}

/* A forced instruction that stalls stands in the program's way until another one takes its place. */
static void a_stalled_instruction_is_overwritten(void **state) {
    struct chip *chip = *state;
    LOAD(chip, SET_PINS(1), SET_PINS(0));
    go(chip);
    run_cycles(chip, 10);
    wr(chip->block, PIO_SM0_INSTR, PULL);
    run_cycles(chip, 10);
    unsigned edges = chip->count;
    assert_true(rd(chip->block, PIO_SM0_EXECCTRL) & PIO_SM0_EXECCTRL_EXEC_STALLED);
    run_cycles(chip, 10);
    assert_int_equal(chip->count, edges);
    wr(chip->block, PIO_SM0_INSTR, NOP);
    run_cycles(chip, 1);
    assert_false(rd(chip->block, PIO_SM0_EXECCTRL) & PIO_SM0_EXECCTRL_EXEC_STALLED);
    run_cycles(chip, 10);
    assert_int_equal(chip->count, edges + 10);
}

/* Machine 0 holds its pin by OUT_STICKY against a lower priority, and lets go by an OUT whose enable bit is 0. */
static void out_sticky_and_inline_enable(void **state) {
    struct chip *chip = *state;
    LOAD(chip, JMP(0, 0));
    wr(chip->block, REG(1, EXECCTRL),
       PIO_SM0_EXECCTRL_OUT_STICKY | PIO_SM0_EXECCTRL_INLINE_OUT_EN | 1u << PIO_SM0_EXECCTRL_OUT_EN_SEL_LSB);
    wr(chip->block, REG(1, PINCTRL), 1u << PIO_SM0_PINCTRL_OUT_COUNT_LSB);
    wr(chip->block, PIO_SM1_INSTR, 0xe023); /* set x, 3 */
    wr(chip->block, PIO_SM1_INSTR, 0xa001); /* mov pins, x: high, enabled */
    run_cycles(chip, 2);
    wr(chip->block, PIO_SM0_INSTR, SET_PINS(0));
    run_cycles(chip, 2);
    assert_int_equal(rd(chip->block, PIO_DBG_PADOUT), 1);
    wr(chip->block, PIO_SM1_INSTR, 0xa003); /* mov pins, null: not enabled */
    run_cycles(chip, 2);
    wr(chip->block, PIO_SM0_INSTR, SET_PINS(0));
    run_cycles(chip, 2);
    assert_int_equal(rd(chip->block, PIO_DBG_PADOUT), 0);
}

/* Pins that nobody watches are up to date for whoever looks, and have their edges from when somebody listens. */
static void unwatched_pins(void **state) {
    struct chip *chip = *state;
    struct net_listener late = chip->scope;
    LOAD(chip, SET_PINS(2), SET_PINS(0) | DELAY(1));
    wr(chip->block, PIO_SM0_PINCTRL, 2u << PIO_SM0_PINCTRL_SET_COUNT_LSB);
    wr(chip->block, PIO_SM0_INSTR, SET_PINDIRS(3));
    go(chip);
    for (unsigned i = 0; i < 50; i++) {
        run_cycles(chip, 3 * i + 1);
        gpio_settle(&chip->bank);
        uint64_t cycle = chip->stage.scheduler.now_ps / CYCLE;
        assert_int_equal(gpio_inputs(&chip->bank) >> 1 & 1, cycle % 3 == 1);
    }
    assert_int_equal(chip->count, 0);
    assert_true(gpio_is_lagging(&chip->bank));
    net_listen(&chip->bank.pins[1].net, &late);
    run_cycles(chip, 300);
    assert_int_equal(chip->count, 200);
    assert_false(gpio_is_lagging(&chip->bank));
    net_unlisten(&chip->bank.pins[1].net, &late);
    run_cycles(chip, 300);
    assert_int_equal(chip->count, 200);
}

/* mov x, ~null; jmp x-- to itself; jmp y-- 0: loops within loops, for minutes, are no work. */
static void long_loops_cost_nothing(void **state) {
    struct chip *chip = *state;
    const uint64_t pass = (UINT64_C(1) << 32) + 2;
    LOAD(chip, 0xa02b, JMP(2, 1), JMP(4, 0));
    go(chip);
    run_cycles(chip, 3 * pass + 100);
    assert_int_equal(rd(chip->block, PIO_SM0_ADDR), 1);
    assert_int_equal(chip->pio->machines[0].now.x, 0xffffffff - 99);
    run_cycles(chip, 2 * pass);
    rd(chip->block, PIO_SM0_ADDR);
    assert_int_equal(chip->pio->machines[0].now.x, 0xffffffff - 99);
}

static void instructions_from_outside(void **state) {
    struct chip *chip = *state;
    LOAD(chip, JMP(0, 0));
    wr(chip->block, PIO_TXF0, 0xe001); /* set pins, 1 */
    wr(chip->block, PIO_SM0_INSTR, PULL);
    wr(chip->block, PIO_SM0_INSTR, 0x60f0); /* out exec, 16 */
    wr(chip->block, PIO_SM0_SHIFTCTRL, rd(chip->block, PIO_SM0_SHIFTCTRL));
    run_cycles(chip, 3);
    assert_true(net_is_high(&chip->bank.pins[0].net));
    wr(chip->block, PIO_SM0_INSTR, PULL); /* stalls */
    assert_true(rd(chip->block, PIO_SM0_EXECCTRL) & PIO_SM0_EXECCTRL_EXEC_STALLED);
    wr(chip->block, PIO_TXF0, 7);
    run_cycles(chip, 3);
    assert_false(rd(chip->block, PIO_SM0_EXECCTRL) & PIO_SM0_EXECCTRL_EXEC_STALLED);
    assert_int_equal(chip->pio->machines[0].now.osr, 7);
    assert_int_equal(rd(chip->block, PIO_DBG_PADOUT), 1);
}

static void rp2350_receive_registers(void **state) {
    struct chip *chip = *state;
    LOAD(chip, SET_X(21), MOV_ISR_X, 0x801a, JMP(0, 3)); /* mov rxfifo[2], isr */
    wr(chip->block, PIO_SM0_SHIFTCTRL, PIO_SM0_SHIFTCTRL_FJOIN_RX_PUT);
    go(chip);
    run_cycles(chip, 10);
    assert_int_equal(rd(chip->block, PIO_RXF0_PUTGET2), 21);
    assert_int_equal(rd(chip->block, PIO_DBG_CFGINFO), 0x10200404);
}

/* Random programs: the same edges, FIFOs and flags whether somebody looks in each cycle or not. */
static void random_case(struct chip *chip, uint64_t seed, bool looks) {
    struct random random;
    random_init(&random, seed);
    for (unsigned i = 0; i < 32; i++) {
        wr(chip->block, PIO_INSTR_MEM0 + i, (uint16_t)random_next(&random));
    }
    for (unsigned n = 0; n < 4; n++) {
        wr(chip->block, REG(n, CLKDIV),
           (uint32_t)(1 + random_next(&random) % 3) << 16 | (random_next(&random) & 0xc000));
        wr(chip->block, REG(n, EXECCTRL), (uint32_t)random_next(&random) & 0x5f01ff80);
        wr(chip->block, REG(n, SHIFTCTRL), (uint32_t)random_next(&random) & 0x3fff0000);
        wr(chip->block, REG(n, PINCTRL),
           ((uint32_t)random_next(&random) & 0x20003800) | 1u << PIO_SM0_PINCTRL_SET_COUNT_LSB |
               1u << PIO_SM0_PINCTRL_OUT_COUNT_LSB);
        wr(chip->block, REG(n, INSTR), SET_PINDIRS(1));
    }
    wr(chip->block, PIO_CTRL, 0xfff);
    for (unsigned i = 0; i < 400; i++) {
        uint64_t cycles = 1 + random_next(&random) % 20;
        for (uint64_t k = 0; k < (looks ? cycles : 1); k++) {
            run_cycles(chip, looks ? 1 : cycles);
            rd(chip->block, PIO_SM0_ADDR);
        }
        switch (random_next(&random) % 6) {
        case 0:
            net_drive(&chip->key, random_next(&random) & 1 ? NET_HIGH : NET_LOW);
            break;
        case 1:
        case 2:
            wr(chip->block, PIO_TXF0 + random_next(&random) % 4, (uint32_t)random_next(&random));
            break;
        case 3:
            chip->seen = chip->seen * 31 + rd(chip->block, PIO_RXF0 + random_next(&random) % 4);
            break;
        case 4:
            chip->seen = chip->seen * 31 + (rd(chip->block, PIO_FSTAT) ^ rd(chip->block, PIO_IRQ));
            break;
        default:
            wr(chip->block, PIO_IRQ, 1u << random_next(&random) % 8);
        }
    }
}

static void whoever_looks_sees_the_same(void **state) {
    unsigned edges = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        void *looks = NULL, *waits = NULL;
        set_up(&looks);
        set_up(&waits);
        struct chip *a = looks, *b = waits;
        random_case(a, seed, true);
        random_case(b, seed, false);
        assert_int_equal(a->count, b->count);
        assert_memory_equal(a->edges, b->edges, sizeof(a->edges));
        assert_int_equal(a->seen, b->seen);
        for (unsigned n = 0; n < 4; n++) {
            assert_int_equal(a->pio->machines[n].now.x, b->pio->machines[n].now.x);
            assert_int_equal(a->pio->machines[n].now.isr, b->pio->machines[n].now.isr);
            assert_int_equal(a->pio->machines[n].now.pc, b->pio->machines[n].now.pc);
        }
        edges += a->count;
        tear_down(&looks);
        tear_down(&waits);
    }
    assert_true(edges > 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(square_wave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fractional_divider, set_up, tear_down),
        cmocka_unit_test_setup_teardown(side_set_takes_five_bits_at_most, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ws2812_pulse_widths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fifos_and_dreqs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_a_pin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_an_edge_that_is_on_its_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_what_spi_sends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(manchester_code_from_pin_to_pin, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_machine_sees_its_own_output, set_up, tear_down),
        cmocka_unit_test_setup_teardown(samples_pins_with_autopush, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_flag_lets_two_machines_go, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whatever_sets_a_flag_wins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(autopull_goes_on_while_the_machine_waits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(autopush_keeps_the_first_sample, set_up, tear_down),
        cmocka_unit_test_setup_teardown(stores_to_instr_a_few_cycles_apart, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_stalled_instruction_is_overwritten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(out_sticky_and_inline_enable, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unwatched_pins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(long_loops_cost_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(flags_join_two_machines, set_up, tear_down),
        cmocka_unit_test_setup_teardown(instructions_from_outside, set_up, tear_down),
        cmocka_unit_test(whoever_looks_sees_the_same),
        cmocka_unit_test_setup_teardown(rp2350_receive_registers, set_up_rp2350, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
