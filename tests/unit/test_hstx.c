/* HSTX against RP2350 datasheet 12.11: shift register, clock generator and bit selection as edges on the pins, FIFO,
 * command expander, TMDS by decoding it again, and what a monitor at the pins is handed. */
#include "emulator/core/serial.h"
#include "peripherals/onchip/hstx.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define CYCLE_PS UINT64_C(8000) /* of the stage's clock */
#define FIRST_PIN 12
#define HISTORY 512

#define CSR(en, n_shifts, shift, clkdiv, clkphase)                                                                     \
    ((uint32_t)(en) | (uint32_t)(n_shifts) << 16 | (uint32_t)(shift) << 8 | (uint32_t)(clkdiv) << 28 |                 \
     (uint32_t)(clkphase) << 24)
#define EXPAND 2u
#define SELECT(p, n) ((uint32_t)(p) | (uint32_t)(n) << 8)
#define INVERT (1u << 16)
#define CLOCK (1u << 17)
#define RAW(n) (0x0000u | (n))
#define RAW_REPEAT(n) (0x1000u | (n))
#define TMDS(n) (0x2000u | (n))
#define TMDS_REPEAT(n) (0x3000u | (n))
#define NOP 0xf000u

struct bench {
    struct stage stage;
    struct gpio_bank bank;
    struct hstx *hstx;
    struct hstx_fifo *fifo;
    struct net_listener listener;
    bool dreq;
    /* Levels of the watched pin by half cycle since start_ps. */
    uint64_t start_ps;
    unsigned edges;
    uint64_t edge_ps[HISTORY];
    bool edge_level[HISTORY];
    /* What the monitor has been handed. */
    struct dvi_target monitor;
    unsigned symbol_count;
    uint16_t symbols[HISTORY][3];
    uint64_t symbol_ps;
};

static void set_dreq(void *context, unsigned index, bool level) {
    ((struct bench *)context)->dreq = level;
}

static void note_edge(struct net_listener *listener, struct net *net) {
    struct bench *bench = listener->owner;
    if (bench->edges < HISTORY) {
        bench->edge_ps[bench->edges] = scheduler_due(&bench->stage.scheduler);
        bench->edge_level[bench->edges++] = net_is_high(net);
    }
}

static void note_symbols(struct dvi_target *target, const uint16_t *lanes, uint32_t count, uint64_t time_ps,
                         uint64_t symbol_ps) {
    struct bench *bench = target->owner;
    bench->symbol_ps = symbol_ps;
    for (uint32_t i = 0; i < count && bench->symbol_count < HISTORY; i++) {
        memcpy(bench->symbols[bench->symbol_count++], lanes, sizeof(bench->symbols[0]));
    }
}

static int setup(void **state) {
    struct bench *bench = calloc(1, sizeof(*bench));
    stage_init(&bench->stage);
    gpio_bank_init(&bench->bank, &bench->stage.env, &rp2350_gpio_bank0);
    for (unsigned pin = FIRST_PIN; pin < FIRST_PIN + 8; pin++) {
        gpio_set_pad(&bench->bank, pin, 0, false);
        gpio_set_control(&bench->bank, pin, 0);
    }
    struct environment *env = &bench->stage.env;
    bench->hstx = (struct hstx *)block_create(&hstx_class, "HSTX_CTRL", env, &rp2350_hstx_ctrl_registers);
    bench->hstx->clk_hstx = &bench->stage.clock;
    bench->hstx->gpio = &bench->bank;
    bench->hstx->first_pin = FIRST_PIN;
    bench->hstx->dreq = (struct line){ .set = set_dreq, .context = bench };
    bench->fifo = (struct hstx_fifo *)block_create(&hstx_fifo_class, "HSTX_FIFO", env, &rp2350_hstx_fifo_registers);
    bench->fifo->hstx = bench->hstx;
    block_start(&bench->hstx->block);
    block_start(&bench->fifo->block);
    *state = bench;
    return 0;
}

static int teardown(void **state) {
    struct bench *bench = *state;
    block_destroy(&bench->hstx->block);
    block_destroy(&bench->fifo->block);
    free(bench);
    return 0;
}

static void control(struct bench *bench, unsigned reg, uint32_t value) {
    wr(&bench->hstx->block, reg, value);
}

static void push(struct bench *bench, uint32_t word) {
    wr(&bench->fifo->block, HSTX_FIFO_FIFO, word);
}

static uint32_t status(struct bench *bench) {
    return rd(&bench->fifo->block, HSTX_FIFO_STAT);
}

static void run_cycles(struct bench *bench, uint64_t cycles) {
    stage_run(&bench->stage, cycles * CYCLE_PS);
}

static void watch(struct bench *bench, unsigned bit) {
    bench->listener = (struct net_listener){ .changed = note_edge, .owner = bench };
    net_listen(&bench->bank.pins[FIRST_PIN + bit].net, &bench->listener);
    bench->start_ps = bench->stage.scheduler.now_ps;
}

/* The level in the middle of a half cycle, by the edges that have been seen. */
static bool level_in_half(const struct bench *bench, unsigned half) {
    uint64_t at = bench->start_ps + half * CYCLE_PS / 2 + CYCLE_PS / 4;
    bool level = false;
    for (unsigned i = 0; i < bench->edges && bench->edge_ps[i] <= at; i++) {
        level = bench->edge_level[i];
    }
    return level;
}

/* ---- The shift register ---- */

/* One bit a cycle, the most significant first: a left shift is a rotation to the right by 31. */
static void test_single_rate_left_shift(void **state) {
    struct bench *bench = *state;
    const uint32_t words[] = { 0xc0ffee11, 0x12345678 };
    control(bench, HSTX_CTRL_BIT0 + 3, SELECT(31, 31));
    watch(bench, 3);
    control(bench, HSTX_CTRL_CSR, CSR(1, 0, 31, 2, 0));
    push(bench, words[0]);
    push(bench, words[1]);
    run_cycles(bench, 64);
    for (unsigned cycle = 0; cycle < 64; cycle++) {
        bool bit = words[cycle / 32] >> (31 - cycle % 32) & 1;
        assert_int_equal(level_in_half(bench, 2 * cycle), bit);
        assert_int_equal(level_in_half(bench, 2 * cycle + 1), bit);
    }
}

/* Two bits a cycle, the least significant first, also on a pin that inverts. */
static void check_double_rate(struct bench *bench, unsigned bit, bool inverted) {
    const uint32_t word = 0x2d5;
    control(bench, HSTX_CTRL_BIT0 + bit, SELECT(0, 1) | (inverted ? INVERT : 0));
    watch(bench, bit);
    control(bench, HSTX_CTRL_CSR, CSR(1, 5, 2, 5, 0));
    push(bench, word);
    push(bench, ~word & 0x3ff);
    run_cycles(bench, 10);
    for (unsigned half = 0; half < 20; half++) {
        bool expected = (word >> half % 10 & 1) != (half >= 10);
        assert_int_equal(level_in_half(bench, half), expected != inverted);
    }
}

static void test_double_rate(void **state) {
    check_double_rate(*state, 0, false);
}

static void test_double_rate_inverted(void **state) {
    check_double_rate(*state, 7, true);
}

/* SHIFT * N_SHIFTS beyond 32 repeats the data. */
static void test_rotation_repeats(void **state) {
    struct bench *bench = *state;
    control(bench, HSTX_CTRL_BIT0, SELECT(0, 0));
    watch(bench, 0);
    control(bench, HSTX_CTRL_CSR, CSR(1, 16, 8, 2, 0));
    push(bench, 0x00010001);
    run_cycles(bench, 16);
    for (unsigned cycle = 0; cycle < 16; cycle++) {
        assert_int_equal(level_in_half(bench, 2 * cycle), cycle % 2 == 0);
    }
}

/* ---- The generated clock ---- */

static void check_clock(struct bench *bench, unsigned divider, unsigned phase, unsigned first_rise,
                        unsigned first_fall) {
    control(bench, HSTX_CTRL_BIT0 + 2, CLOCK);
    watch(bench, 2);
    control(bench, HSTX_CTRL_CSR, CSR(1, 0, 1, divider, phase));
    push(bench, 0);
    run_cycles(bench, 32);
    assert_true(bench->edges >= 2);
    assert_true(bench->edge_level[0]);
    assert_int_equal(bench->edge_ps[0] - bench->start_ps, first_rise * CYCLE_PS / 2);
    assert_int_equal(bench->edge_ps[1] - bench->start_ps, first_fall * CYCLE_PS / 2);
}

/* The datasheet's example: CLKDIV 2, CLKPHASE 1 rises after half a cycle and falls after one and a half... */
static void test_clock_phase(void **state) {
    check_clock(*state, 2, 1, 1, 3);
}

/* ...and without a phase half a period after the first data. */
static void test_clock_without_phase(void **state) {
    check_clock(*state, 5, 0, 5, 10);
}

static void test_clock_divider_0_is_16(void **state) {
    check_clock(*state, 0, 0, 16, 32);
}

/* ---- FIFO ---- */

static void test_fifo_status(void **state) {
    struct bench *bench = *state;
    assert_int_equal(status(bench), HSTX_FIFO_STAT_EMPTY);
    for (unsigned i = 0; i < 8; i++) {
        push(bench, i);
        assert_int_equal(status(bench) & HSTX_FIFO_STAT_LEVEL, i + 1); /* EN = 0: nothing is popped */
    }
    assert_int_equal(status(bench), HSTX_FIFO_STAT_FULL | 8);
    push(bench, 8);
    assert_int_equal(status(bench), HSTX_FIFO_STAT_WOF | HSTX_FIFO_STAT_FULL | 8);
    wr(&bench->fifo->block, HSTX_FIFO_STAT, HSTX_FIFO_STAT_WOF);
    assert_int_equal(status(bench), HSTX_FIFO_STAT_FULL | 8);
}

/* A word every N_SHIFTS cycles; the first one leaves at once. */
static void test_fifo_drains_in_time(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 8; i++) {
        push(bench, i);
    }
    control(bench, HSTX_CTRL_CSR, CSR(1, 10, 1, 2, 0));
    for (unsigned word = 1; word <= 8; word++) {
        assert_int_equal(status(bench) & HSTX_FIFO_STAT_LEVEL, 8 - word);
        stage_run(&bench->stage, 10 * CYCLE_PS - 1);
        assert_int_equal(status(bench) & HSTX_FIFO_STAT_LEVEL, 8 - word);
        stage_run(&bench->stage, 1);
    }
    assert_int_equal(status(bench), HSTX_FIFO_STAT_EMPTY);
}

static void test_dma_request(void **state) {
    struct bench *bench = *state;
    assert_true(bench->dreq);
    for (unsigned i = 0; i < 8; i++) {
        assert_true(bench->dreq);
        push(bench, i);
    }
    assert_false(bench->dreq);
    control(bench, HSTX_CTRL_CSR, CSR(1, 10, 1, 2, 0));
    for (unsigned i = 0; i < 8 && !bench->dreq; i++) {
        run_cycles(bench, 10);
    }
    assert_true(bench->dreq);
    assert_in_range(status(bench) & HSTX_FIFO_STAT_LEVEL, 1, 7); /* before it runs dry */
}

/* While the FIFO is empty all stands, the generated clock too; then it goes on where it was. */
static void test_it_stands_without_data(void **state) {
    struct bench *bench = *state;
    control(bench, HSTX_CTRL_BIT0 + 2, CLOCK);
    watch(bench, 2);
    control(bench, HSTX_CTRL_CSR, CSR(1, 3, 1, 4, 0));
    push(bench, 0);
    run_cycles(bench, 100);
    assert_int_equal(bench->edges, 1); /* 3 of 4 cycles: the rise after 2 */
    push(bench, 0);
    push(bench, 0);
    run_cycles(bench, 100);
    assert_int_equal(bench->edges, 4);
    for (unsigned edge = 1; edge < 4; edge++) {
        assert_int_equal(bench->edge_ps[edge] - bench->start_ps, (99 + 2 * edge) * CYCLE_PS);
    }
}

/* A clock that changes, or stands for a while: words that are under way go on with it. */
static void test_clock_changes(void **state) {
    struct bench *bench = *state;
    for (unsigned i = 0; i < 8; i++) {
        push(bench, i);
    }
    control(bench, HSTX_CTRL_CSR, CSR(1, 10, 1, 2, 0));
    run_cycles(bench, 25); /* three have left, the third is half out */
    clock_set_frequency(&bench->stage.clock, 0, 1, bench->stage.scheduler.now_ps);
    run_cycles(bench, 1000);
    assert_int_equal(status(bench) & HSTX_FIFO_STAT_LEVEL, 5);
    clock_set_frequency(&bench->stage.clock, 62500000, 1, bench->stage.scheduler.now_ps);
    run_cycles(bench, 9);
    assert_int_equal(status(bench) & HSTX_FIFO_STAT_LEVEL, 5);
    run_cycles(bench, 1); /* the other half, twice as long */
    assert_int_equal(status(bench) & HSTX_FIFO_STAT_LEVEL, 4);
    run_cycles(bench, 20);
    assert_int_equal(status(bench) & HSTX_FIFO_STAT_LEVEL, 3);
}

/* ---- The monitor's symbols ---- */

/* The Feather's wiring: D2 12 13, CK 14 15, D1 16 17, D0 18 19. */
static void attach_monitor(struct bench *bench) {
    static const unsigned lane_bits[3] = { 6, 4, 0 };
    struct gpio_pin *pins = &bench->bank.pins[FIRST_PIN];
    for (unsigned lane = 0; lane < 3; lane++) {
        unsigned bit = lane_bits[lane];
        control(bench, HSTX_CTRL_BIT0 + bit, SELECT(10 * lane, 10 * lane + 1));
        control(bench, HSTX_CTRL_BIT0 + bit + 1, SELECT(10 * lane, 10 * lane + 1) | INVERT);
        bench->monitor.data[lane][0] = &pins[bit].net;
        bench->monitor.data[lane][1] = &pins[bit + 1].net;
    }
    control(bench, HSTX_CTRL_BIT0 + 2, CLOCK);
    control(bench, HSTX_CTRL_BIT0 + 3, CLOCK | INVERT);
    bench->monitor.clock[0] = &pins[2].net;
    bench->monitor.clock[1] = &pins[3].net;
    bench->monitor.symbols = note_symbols;
    bench->monitor.owner = bench;
    dvi_target_attach(&bench->monitor);
}

static void start_dvi(struct bench *bench) {
    control(bench, HSTX_CTRL_CSR, CSR(1, 5, 2, 5, 0) | EXPAND);
}

static void expect_symbols(const struct bench *bench, unsigned first, unsigned count, uint16_t lane0, uint16_t lane1,
                           uint16_t lane2) {
    for (unsigned i = first; i < first + count; i++) {
        assert_int_equal(bench->symbols[i][0], lane0);
        assert_int_equal(bench->symbols[i][1], lane1);
        assert_int_equal(bench->symbols[i][2], lane2);
    }
}

#define WORD(lane0, lane1, lane2) ((uint32_t)(lane0) | (uint32_t)(lane1) << 10 | (uint32_t)(lane2) << 20)

static void test_raw_commands(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    control(bench, HSTX_CTRL_EXPAND_SHIFT, 1u << 8 | 0 << 0); /* RAW: a word each */
    start_dvi(bench);
    push(bench, RAW(2));
    push(bench, WORD(0x354, 0x0ab, 0x154));
    push(bench, WORD(1, 2, 3));
    push(bench, NOP);
    push(bench, RAW_REPEAT(100));
    push(bench, WORD(0x2ab, 0x3ff, 0));
    run_cycles(bench, 5 * 102);
    assert_int_equal(bench->symbol_count, 102);
    expect_symbols(bench, 0, 1, 0x354, 0x0ab, 0x154);
    expect_symbols(bench, 1, 1, 1, 2, 3);
    expect_symbols(bench, 2, 100, 0x2ab, 0x3ff, 0);
    assert_int_equal(bench->symbol_ps, 5 * CYCLE_PS);
    assert_int_equal(status(bench), HSTX_FIFO_STAT_EMPTY);
}

/* RAW_N_SHIFTS words out of each entry, rotated by RAW_SHIFT in between; what is left is thrown away. */
static void test_raw_shifts(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    control(bench, HSTX_CTRL_EXPAND_SHIFT, 2u << 8 | 10);
    start_dvi(bench);
    push(bench, RAW(3));
    push(bench, WORD(1, 2, 3));
    push(bench, WORD(4, 5, 6));
    push(bench, RAW(1));
    push(bench, WORD(7, 8, 9));
    run_cycles(bench, 5 * 4);
    assert_int_equal(bench->symbol_count, 4);
    expect_symbols(bench, 0, 1, 1, 2, 3);
    assert_int_equal(bench->symbols[1][0], 2);
    assert_int_equal(bench->symbols[1][1], 3);
    expect_symbols(bench, 2, 1, 4, 5, 6);
    expect_symbols(bench, 3, 1, 7, 8, 9);
}

/* A length of 0 never ends. */
static void test_endless_repeat(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    start_dvi(bench);
    push(bench, RAW_REPEAT(0));
    push(bench, WORD(1, 2, 3));
    push(bench, RAW_REPEAT(1));
    run_cycles(bench, 5 * 100000);
    assert_int_equal(status(bench) & HSTX_FIFO_STAT_LEVEL, 1);
    assert_int_equal(bench->symbol_count, HISTORY);
}

/* DVI 1.0, 3.2.3, straight from its figure. */
static unsigned decode(unsigned symbol) {
    unsigned pixel = 0, word = symbol & 0x200 ? ~symbol & 0xff : symbol & 0xff;
    for (unsigned bit = 0; bit < 8; bit++) {
        unsigned this_bit = word >> bit & 1, before = bit ? word >> (bit - 1) & 1 : 0;
        unsigned value = bit ? this_bit ^ before ^ (symbol & 0x100 ? 0 : 1) : this_bit;
        pixel |= value << bit;
    }
    return pixel;
}

/* All bits that have gone out on a lane since the balance began: ones and zeros stay close. */
static void check_balance(const struct bench *bench, unsigned lane) {
    int balance = 0;
    for (unsigned i = 0; i < bench->symbol_count; i++) {
        balance += 2 * __builtin_popcount(bench->symbols[i][lane]) - 10;
        assert_in_range(balance + 12, 2, 22);
    }
}

/* RGB888: red in bits 23 to 16 goes to lane 2. */
static void test_tmds_of_whole_bytes(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    control(bench, HSTX_CTRL_EXPAND_SHIFT, 1u << 24);
    control(bench, HSTX_CTRL_EXPAND_TMDS, 7u << 21 | 16u << 16 | 7u << 13 | 8u << 8 | 7u << 5);
    start_dvi(bench);
    push(bench, TMDS(256));
    for (unsigned i = 0; i < 256; i++) {
        push(bench, i << 16 | (255 - i) << 8 | (i * 7 & 0xff));
        run_cycles(bench, 5);
    }
    assert_int_equal(bench->symbol_count, 256);
    for (unsigned i = 0; i < 256; i++) {
        assert_int_equal(decode(bench->symbols[i][2]), i);
        assert_int_equal(decode(bench->symbols[i][1]), 255 - i);
        assert_int_equal(decode(bench->symbols[i][0]), i * 7 & 0xff);
    }
    for (unsigned lane = 0; lane < 3; lane++) {
        check_balance(bench, lane);
    }
}

/* RGB565 by rotation: the field's most significant bit comes to bit 7, what is below it is cleared. */
static void test_tmds_of_fields(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    control(bench, HSTX_CTRL_EXPAND_SHIFT, 2u << 24 | 16u << 16);
    control(bench, HSTX_CTRL_EXPAND_TMDS, 4u << 21 | 8u << 16 | 5u << 13 | 3u << 8 | 4u << 5 | 29u);
    start_dvi(bench);
    push(bench, TMDS(2));
    push(bench, 0x07e0u << 16 | 0xf81f); /* magenta first, then green */
    run_cycles(bench, 10);
    assert_int_equal(bench->symbol_count, 2);
    assert_int_equal(decode(bench->symbols[0][2]), 0xf8);
    assert_int_equal(decode(bench->symbols[0][1]), 0x00);
    assert_int_equal(decode(bench->symbols[0][0]), 0xf8);
    assert_int_equal(decode(bench->symbols[1][2]), 0x00);
    assert_int_equal(decode(bench->symbols[1][1]), 0xfc);
    assert_int_equal(decode(bench->symbols[1][0]), 0x00);
}

static void test_tmds_repeat_stays_balanced(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    control(bench, HSTX_CTRL_EXPAND_TMDS, 7u << 21 | 16u << 16 | 7u << 13 | 8u << 8 | 7u << 5);
    start_dvi(bench);
    push(bench, TMDS_REPEAT(200));
    push(bench, 0x10ffee);
    run_cycles(bench, 1000);
    assert_int_equal(bench->symbol_count, 200);
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(decode(bench->symbols[i][2]), 0x10);
        assert_int_equal(decode(bench->symbols[i][0]), 0xee);
    }
    check_balance(bench, 1);
}

static void push_some(struct bench *bench) {
    start_dvi(bench);
    push(bench, RAW_REPEAT(10));
    push(bench, WORD(1, 2, 3));
    run_cycles(bench, 50);
}

static void test_swapped_pair_is_no_signal(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    bench->monitor.data[1][1] = bench->monitor.data[2][1];
    push_some(bench);
    assert_int_equal(bench->symbol_count, 0);
}

static void test_other_function_is_no_signal(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    gpio_set_control(&bench->bank, FIRST_PIN + 4, GPIO_FUNCTION_SIO);
    push_some(bench);
    assert_int_equal(bench->symbol_count, 0);
    gpio_set_control(&bench->bank, FIRST_PIN + 4, 0);
    push_some(bench);
    assert_int_equal(bench->symbol_count, 10);
}

static void test_clock_of_another_rate_is_no_signal(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    control(bench, HSTX_CTRL_CSR, CSR(1, 5, 2, 4, 0) | EXPAND);
    push(bench, RAW_REPEAT(10));
    push(bench, WORD(1, 2, 3));
    run_cycles(bench, 50);
    assert_int_equal(bench->symbol_count, 0);
}

/* The same, whether somebody watches the wires or not. */
static void test_watched_and_handed_over_agree(void **state) {
    struct bench *bench = *state;
    attach_monitor(bench);
    watch(bench, 4);
    control(bench, HSTX_CTRL_EXPAND_SHIFT, 1u << 8);
    start_dvi(bench);
    push(bench, RAW(3));
    push(bench, WORD(0, 0x2f1, 0));
    push(bench, WORD(0, 0x0ab, 0));
    push(bench, WORD(0, 0x19c, 0));
    run_cycles(bench, 15);
    assert_int_equal(bench->symbol_count, 3);
    for (unsigned half = 0; half < 30; half++) {
        assert_int_equal(level_in_half(bench, half), bench->symbols[half / 10][1] >> half % 10 & 1);
    }
}

static void keep_byte(struct spi_target *target, uint8_t byte) {
    uint32_t *bytes = target->owner;
    *bytes = *bytes << 8 | byte;
}

/* A display on three pins: data at the clock's rising edge, as 12.11.4 (the shift register and a generated clock) makes
 * of one word. Parts on serial buses ask SPI controllers for no edges, but need those of HSTX. */
static void test_spi_part_hears_the_edges(void **state) {
    struct bench *bench = *state;
    uint32_t heard = 0;
    struct spi_target part = {
        .sck = &bench->bank.pins[FIRST_PIN].net,
        .mosi = &bench->bank.pins[FIRST_PIN + 1].net,
        .cs = &bench->bank.pins[FIRST_PIN + 2].net,
        .receive = keep_byte,
        .owner = &heard,
    };
    spi_target_attach(&part);
    control(bench, HSTX_CTRL_BIT0, CLOCK);
    control(bench, HSTX_CTRL_BIT1, SELECT(7, 7));
    control(bench, HSTX_CTRL_BIT2, SELECT(27, 27));
    control(bench, HSTX_CTRL_CSR, CSR(1, 8, 31, 1, 0));
    push(bench, 0x0ff00000);
    push(bench, 0x12);
    push(bench, 0xa5);
    run_cycles(bench, 30);
    assert_int_equal(heard, 0x12a5);
    for (uint64_t ps = 1000; ps < CYCLE_PS; ps += 2000) { /* the word comes in within a cycle: it waits for the next */
        heard = 0;
        stage_run(&bench->stage, ps);
        push(bench, 0x3c);
        run_cycles(bench, 10);
        assert_int_equal(heard, 0x3c);
    }
    spi_target_detach(&part);
}

/* Who looks at a pin finds what it has just now. */
static void test_unwatched_pins_are_right_when_looked_at(void **state) {
    struct bench *bench = *state;
    control(bench, HSTX_CTRL_BIT0, SELECT(0, 1));
    gpio_set_pad(&bench->bank, FIRST_PIN, 1u << 6, false);
    control(bench, HSTX_CTRL_CSR, CSR(1, 16, 2, 2, 0));
    push(bench, 0x9a3c5517);
    for (unsigned half = 0; half < 32; half++) {
        gpio_settle(&bench->bank);
        assert_int_equal(gpio_input(&bench->bank, FIRST_PIN), 0x9a3c5517u >> half & 1);
        stage_run(&bench->stage, CYCLE_PS / 2);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_single_rate_left_shift),
        TEST(test_double_rate),
        TEST(test_double_rate_inverted),
        TEST(test_rotation_repeats),
        TEST(test_clock_phase),
        TEST(test_clock_without_phase),
        TEST(test_clock_divider_0_is_16),
        TEST(test_fifo_status),
        TEST(test_fifo_drains_in_time),
        TEST(test_dma_request),
        TEST(test_it_stands_without_data),
        TEST(test_clock_changes),
        TEST(test_raw_commands),
        TEST(test_raw_shifts),
        TEST(test_endless_repeat),
        TEST(test_tmds_of_whole_bytes),
        TEST(test_tmds_of_fields),
        TEST(test_tmds_repeat_stays_balanced),
        TEST(test_swapped_pair_is_no_signal),
        TEST(test_other_function_is_no_signal),
        TEST(test_clock_of_another_rate_is_no_signal),
        TEST(test_watched_and_handed_over_agree),
        TEST(test_spi_part_hears_the_edges),
        TEST(test_unwatched_pins_are_right_when_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
