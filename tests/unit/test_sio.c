/* SIO: RP2040 datasheet 2.3.1, RP2350 datasheet 3.1. */
#include "peripherals/onchip/registers/sio.h"
#include "peripherals/onchip/sio.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

struct chip {
    struct stage stage;
    struct gpio_bank bank;
    struct gpio_bank qspi;
    struct block *sio;
    unsigned events[2];
};

static void arrived(void *context, unsigned core) {
    ((struct chip *)context)->events[core]++;
}

static struct chip *make(const struct register_table *registers, const struct sio_variant *variant,
                         const struct gpio_bank_desc *bank, const struct gpio_bank_desc *qspi) {
    struct chip *chip = calloc(1, sizeof(*chip));
    stage_init(&chip->stage);
    gpio_bank_init(&chip->bank, &chip->stage.env, bank);
    gpio_bank_init(&chip->qspi, &chip->stage.env, qspi);
    chip->sio = block_create(&sio_class, "SIO", &chip->stage.env, registers);
    struct sio *sio = (struct sio *)chip->sio;
    sio->variant = variant;
    sio->gpio = &chip->bank;
    sio->qspi = &chip->qspi;
    sio->clk_sys = &chip->stage.clock;
    sio->arrived = arrived;
    sio->arrived_context = chip;
    block_start(chip->sio);
    return chip;
}

static int set_up(void **state) {
    *state = make(&rp2040_sio_registers, &rp2040_sio, &rp2040_gpio_bank0, &rp2040_gpio_qspi);
    return 0;
}

static int set_up_rp2350(void **state) {
    *state = make(&rp2350_sio_registers, &rp2350_sio, &rp2350_gpio_bank0, &rp2350_gpio_qspi);
    return 0;
}

static int tear_down(void **state) {
    struct chip *chip = *state;
    block_destroy(chip->sio);
    free(chip);
    return 0;
}

static void core(struct chip *chip, unsigned core) {
    chip->stage.env.core = core;
}

static void gpio_registers_drive_pins(void **state) {
    struct chip *chip = *state;
    gpio_set_control(&chip->bank, 25, GPIO_FUNCTION_SIO);
    gpio_set_pad(&chip->bank, 25, 0x56, false);
    wr(chip->sio, SIO_GPIO_OE_SET, 1u << 25 | 1u << 31);
    wr(chip->sio, SIO_GPIO_OUT_SET, 1u << 25);
    assert_int_equal(rd(chip->sio, SIO_GPIO_OE), 1u << 25);
    assert_int_equal(rd(chip->sio, SIO_GPIO_IN), 1u << 25);
    wr(chip->sio, SIO_GPIO_OUT_XOR, 3u << 24);
    assert_int_equal(rd(chip->sio, SIO_GPIO_OUT), 1u << 24);
    assert_int_equal(rd(chip->sio, SIO_GPIO_IN), 0);
    wr(chip->sio, SIO_GPIO_OUT, 1u << 25);
    wr(chip->sio, SIO_GPIO_OE_CLR, 1u << 25);
    assert_int_equal(chip->bank.pins[25].driver.drive, NET_PULL_DOWN);
}

static void high_registers_are_the_qspi_pins(void **state) {
    struct chip *chip = *state;
    gpio_set_control(&chip->qspi, 1, GPIO_FUNCTION_SIO);
    gpio_set_pad(&chip->qspi, 1, 0x5a, false);
    assert_int_equal(rd(chip->sio, SIO_GPIO_HI_IN), 2);
    wr(chip->sio, SIO_GPIO_HI_OE_SET, 2);
    assert_int_equal(rd(chip->sio, SIO_GPIO_HI_IN), 0);
    assert_false(net_is_high(gpio_net(&chip->qspi, "QSPI_SS")));
}

static void mailbox_carries_eight_words(void **state) {
    struct chip *chip = *state;
    assert_int_equal(rd(chip->sio, SIO_CPUID), 0);
    assert_int_equal(rd(chip->sio, SIO_FIFO_ST), SIO_FIFO_ST_RDY);
    for (uint32_t i = 0; i < 9; i++) {
        wr(chip->sio, SIO_FIFO_WR, 100 + i);
    }
    assert_int_equal(rd(chip->sio, SIO_FIFO_ST), SIO_FIFO_ST_WOF);
    assert_int_equal(chip->events[1], 8);
    assert_true(chip->sio->irq[0].level); /* overflow */
    assert_true(chip->sio->irq[1].level);
    wr(chip->sio, SIO_FIFO_ST, SIO_FIFO_ST_WOF);
    assert_false(chip->sio->irq[0].level);
    core(chip, 1);
    assert_int_equal(rd(chip->sio, SIO_CPUID), 1);
    for (uint32_t i = 0; i < 8; i++) {
        assert_int_equal(rd(chip->sio, SIO_FIFO_ST) & SIO_FIFO_ST_VLD, SIO_FIFO_ST_VLD);
        assert_int_equal(rd(chip->sio, SIO_FIFO_RD), 100 + i);
    }
    assert_false(chip->sio->irq[1].level);
    rd(chip->sio, SIO_FIFO_RD);
    assert_int_equal(rd(chip->sio, SIO_FIFO_ST), SIO_FIFO_ST_RDY | SIO_FIFO_ST_ROE);
    assert_true(chip->sio->irq[1].level);
}

static void spin_locks_are_claimed_once(void **state) {
    struct chip *chip = *state;
    assert_int_equal(rd(chip->sio, SIO_SPINLOCK0 + 31), 1u << 31);
    core(chip, 1);
    assert_int_equal(rd(chip->sio, SIO_SPINLOCK0 + 31), 0);
    assert_int_equal(rd(chip->sio, SIO_SPINLOCK_ST), 1u << 31);
    wr(chip->sio, SIO_SPINLOCK0 + 31, 0);
    assert_int_equal(rd(chip->sio, SIO_SPINLOCK_ST), 0);
}

static void rp2350_releases_locks_by_stores_behind_them(void **state) {
    struct chip *chip = *state;
    rd(chip->sio, SIO_SPINLOCK0);
    rd(chip->sio, SIO_SPINLOCK0 + 3);
    rd(chip->sio, SIO_SPINLOCK0 + 31);
    wr(chip->sio, SIO_DOORBELL_OUT_SET, 0); /* 0x180 */
    assert_int_equal(rd(chip->sio, SIO_SPINLOCK_ST), 1u << 31 | 1u << 3);
    rd(chip->sio, SIO_DOORBELL_IN_CLR); /* a load of 0x18c does not */
    assert_int_equal(rd(chip->sio, SIO_SPINLOCK_ST), 1u << 31 | 1u << 3);
    wr(chip->sio, SIO_DOORBELL_IN_CLR, 0);
    assert_int_equal(rd(chip->sio, SIO_SPINLOCK_ST), 1u << 31);
    wr(chip->sio, SIO_GPIO_OUT, 0);
    assert_int_equal(rd(chip->sio, SIO_SPINLOCK_ST), 1u << 31);
}

static void check_division(struct chip *chip, bool is_signed, uint32_t a, uint32_t b, uint32_t q, uint32_t r) {
    wr(chip->sio, is_signed ? SIO_DIV_SDIVIDEND : SIO_DIV_UDIVIDEND, a);
    wr(chip->sio, is_signed ? SIO_DIV_SDIVISOR : SIO_DIV_UDIVISOR, b);
    assert_int_equal(rd(chip->sio, SIO_DIV_CSR), SIO_DIV_CSR_DIRTY);
    stage_run(&chip->stage, 8 * 8000);
    assert_int_equal(rd(chip->sio, SIO_DIV_CSR), SIO_DIV_CSR_DIRTY | SIO_DIV_CSR_READY);
    assert_int_equal(rd(chip->sio, SIO_DIV_REMAINDER), r);
    assert_int_equal(rd(chip->sio, SIO_DIV_QUOTIENT), q);
    assert_int_equal(rd(chip->sio, SIO_DIV_CSR), SIO_DIV_CSR_READY);
}

static void divider_divides(void **state) {
    struct chip *chip = *state;
    check_division(chip, false, 100, 7, 14, 2);
    check_division(chip, true, (uint32_t)-100, 7, (uint32_t)-14, (uint32_t)-2);
    check_division(chip, true, 100, (uint32_t)-7, (uint32_t)-14, 2);
    check_division(chip, true, 0x80000000u, UINT32_MAX, 0x80000000u, 0);
    check_division(chip, false, 123, 0, UINT32_MAX, 123);
    check_division(chip, true, 123, 0, UINT32_MAX, 123);
    check_division(chip, true, (uint32_t)-5, 0, 1, (uint32_t)-5);
}

static void divider_state_can_be_restored(void **state) {
    struct chip *chip = *state;
    wr(chip->sio, SIO_DIV_UDIVIDEND, 9);
    wr(chip->sio, SIO_DIV_UDIVISOR, 2);
    core(chip, 1);
    assert_int_equal(rd(chip->sio, SIO_DIV_CSR), SIO_DIV_CSR_READY); /* each core has its own */
    core(chip, 0);
    wr(chip->sio, SIO_DIV_REMAINDER, 55);
    wr(chip->sio, SIO_DIV_QUOTIENT, 66);
    assert_int_equal(rd(chip->sio, SIO_DIV_CSR), SIO_DIV_CSR_DIRTY | SIO_DIV_CSR_READY);
    assert_int_equal(rd(chip->sio, SIO_DIV_SDIVIDEND), 9);
    assert_int_equal(rd(chip->sio, SIO_DIV_QUOTIENT), 66);
    assert_int_equal(rd(chip->sio, SIO_DIV_REMAINDER), 55);
}

#define LANE(shift, lsb, msb) ((shift) | (lsb) << 5 | (msb) << 10)
enum { SIGNED = 1 << 15, CROSS_INPUT = 1 << 16, CROSS_RESULT = 1 << 17, ADD_RAW = 1 << 18, SPECIAL = 1 << 21 };

/* The nine times table of the datasheet. */
static void interpolator_makes_tables(void **state) {
    struct chip *chip = *state;
    wr(chip->sio, SIO_INTERP0_CTRL_LANE0, LANE(0, 0, 31));
    wr(chip->sio, SIO_INTERP0_ACCUM0, 0);
    wr(chip->sio, SIO_INTERP0_BASE0, 9);
    for (uint32_t i = 1; i <= 10; i++) {
        assert_int_equal(rd(chip->sio, SIO_INTERP0_PEEK_LANE0), 9 * i);
        assert_int_equal(rd(chip->sio, SIO_INTERP0_POP_LANE0), 9 * i);
    }
    core(chip, 1);
    assert_int_equal(rd(chip->sio, SIO_INTERP0_ACCUM0), 0);
}

static void interpolator_masks_and_crosses(void **state) {
    struct chip *chip = *state;
    wr(chip->sio, SIO_INTERP1_ACCUM0, 0x1234abcd);
    wr(chip->sio, SIO_INTERP1_ACCUM1, 1);
    wr(chip->sio, SIO_INTERP1_CTRL_LANE0, LANE(8, 4, 7) | SIGNED);
    wr(chip->sio, SIO_INTERP1_CTRL_LANE1, LANE(0, 0, 15) | CROSS_INPUT | CROSS_RESULT);
    wr(chip->sio, SIO_INTERP1_BASE2, 0x1000);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_ACCUM0_ADD), 0xffffffa0); /* 0xab masked, sign of bit 7 */
    assert_int_equal(rd(chip->sio, SIO_INTERP1_PEEK_LANE1), 0xabcd);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_PEEK_FULL), 0x1000 + 0xabcd - 0x60);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_CTRL_LANE0) >> 23, 7); /* both lanes lose high bits */
    wr(chip->sio, SIO_INTERP1_CTRL_LANE0, LANE(8, 4, 7) | ADD_RAW | 2 << 19);
    wr(chip->sio, SIO_INTERP1_BASE0, 1);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_POP_LANE0), 0x3234abce); /* FORCE_MSB on the bus alone */
    assert_int_equal(rd(chip->sio, SIO_INTERP1_ACCUM0), 0x1234abce);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_ACCUM1), 0x1234abce); /* CROSS_RESULT of lane 1 */
    wr(chip->sio, SIO_INTERP1_ACCUM1_ADD, 0x10);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_ACCUM1), 0x1234abde);
}

static void interpolator_blends(void **state) {
    struct chip *chip = *state;
    wr(chip->sio, SIO_INTERP0_CTRL_LANE0, LANE(0, 0, 31) | SPECIAL);
    wr(chip->sio, SIO_INTERP0_CTRL_LANE1, LANE(0, 0, 31) | SIGNED);
    wr(chip->sio, SIO_INTERP0_BASE0, (uint32_t)-1000);
    wr(chip->sio, SIO_INTERP0_BASE1, 1000);
    wr(chip->sio, SIO_INTERP0_ACCUM1, 64);
    assert_int_equal((int32_t)rd(chip->sio, SIO_INTERP0_PEEK_LANE1), -500);
    assert_int_equal(rd(chip->sio, SIO_INTERP0_PEEK_LANE0), 64);
    wr(chip->sio, SIO_INTERP0_CTRL_LANE1, LANE(0, 0, 31));
    wr(chip->sio, SIO_INTERP0_BASE_1AND0, 500 << 16 | 1000);
    wr(chip->sio, SIO_INTERP0_ACCUM1, 255);
    assert_int_equal(rd(chip->sio, SIO_INTERP0_PEEK_LANE1), 501); /* 1000 - 498.05 rounded down */
}

static void interpolator_clamps(void **state) {
    struct chip *chip = *state;
    wr(chip->sio, SIO_INTERP1_CTRL_LANE0, LANE(2, 0, 29) | SIGNED | 1 << 22);
    wr(chip->sio, SIO_INTERP1_BASE0, 0);
    wr(chip->sio, SIO_INTERP1_BASE1, 255);
    wr(chip->sio, SIO_INTERP1_ACCUM0, (uint32_t)-1024);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_PEEK_LANE0), 0);
    wr(chip->sio, SIO_INTERP1_ACCUM0, 1024);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_PEEK_LANE0), 255);
    wr(chip->sio, SIO_INTERP1_ACCUM0, 512);
    assert_int_equal(rd(chip->sio, SIO_INTERP1_PEEK_LANE0), 128);
}

static void rp2350_has_more_pins_and_doorbells(void **state) {
    struct chip *chip = *state;
    gpio_set_control(&chip->bank, 47, GPIO_FUNCTION_SIO);
    gpio_set_pad(&chip->bank, 47, 0x56, false);
    wr(chip->sio, SIO_GPIO_HI_OE, 0x8000);
    wr(chip->sio, SIO_GPIO_HI_OUT, 0x8000);
    assert_int_equal(rd(chip->sio, SIO_GPIO_HI_IN), 0x8000);
    sio_set_gpio((struct sio *)chip->sio, 0, UINT64_C(1) << 47);
    assert_int_equal(rd(chip->sio, SIO_GPIO_HI_IN), 0);
    wr(chip->sio, SIO_DOORBELL_OUT_SET, 0x81);
    assert_true(chip->sio->irq[3].level);
    assert_int_equal(rd(chip->sio, SIO_DOORBELL_OUT_SET), 0x81);
    core(chip, 1);
    assert_int_equal(rd(chip->sio, SIO_DOORBELL_IN_CLR), 0x81);
    wr(chip->sio, SIO_DOORBELL_IN_CLR, 0x81);
    assert_false(chip->sio->irq[3].level);
    wr(chip->sio, SIO_INTERP0_CTRL_LANE0, LANE(4, 0, 31));
    wr(chip->sio, SIO_INTERP0_ACCUM0, 0xf);
    assert_int_equal(rd(chip->sio, SIO_INTERP0_PEEK_LANE0), 0xf0000000); /* rotates */
}

/* RP2350 datasheet 3.1.8. */
static void machine_timer(void **state) {
    struct stage stage;
    struct clock_domain tick;
    stage_init(&stage);
    clock_init(&tick, "tick");
    clock_set_frequency(&tick, 1000000, 1, 0);
    struct gpio_bank *banks = calloc(2, sizeof(*banks));
    gpio_bank_init(&banks[0], &stage.env, &rp2350_gpio_bank0);
    gpio_bank_init(&banks[1], &stage.env, &rp2350_gpio_qspi);
    struct sio *sio = (struct sio *)block_create(&sio_class, "SIO", &stage.env, &rp2350_sio_registers);
    struct block *b = &sio->block;
    sio->variant = &rp2350_sio;
    sio->gpio = &banks[0];
    sio->qspi = &banks[1];
    sio->mtime.tick = &tick;
    sio->mtime.clk_sys = &stage.clock;
    block_start(b);
    stage_run(&stage, 5 * PS_PER_US);
    assert_int_equal(rd(b, SIO_MTIME), 5);
    stage.env.core = 1;
    wr(b, SIO_MTIMECMP, 8);
    wr(b, SIO_MTIMECMPH, 0);
    stage_run(&stage, 3 * PS_PER_US);
    assert_true(b->irq[5].level);
    assert_false(b->irq[4].level); /* core 0 has a comparator of its own */
    wr(b, SIO_MTIMECMPH, 1);
    assert_false(b->irq[5].level);
    wr(b, SIO_MTIMEH, 1);
    assert_true(b->irq[5].level);
    wr(b, SIO_MTIME_CTRL, SIO_MTIME_CTRL_EN | SIO_MTIME_CTRL_FULLSPEED);
    uint32_t before = rd(b, SIO_MTIME);
    stage_run(&stage, 8 * PS_PER_US);
    assert_int_equal(rd(b, SIO_MTIME) - before, 1000);
    wr(b, SIO_MTIME_CTRL, 0);
    stage_run(&stage, 8 * PS_PER_US);
    assert_int_equal(rd(b, SIO_MTIME) - before, 1000);
    block_destroy(b);
    free(banks);
}

/* The DVI code backwards. */
static unsigned decode(unsigned symbol) {
    unsigned word = symbol & 0x200 ? symbol ^ 0xff : symbol, colour = word & 1;
    for (unsigned i = 1; i < 8; i++) {
        colour |= ((word >> i ^ word >> (i - 1) ^ !(word & 0x100)) & 1) << i;
    }
    return colour;
}

static void tmds_symbols_are_balanced(void **state) {
    struct chip *chip = *state;
    int balance = 0;
    wr(chip->sio, SIO_TMDS_CTRL, 1u << 28 | 7u << 12); /* lane 0: 8 bits, no rotation */
    wr(chip->sio, SIO_TMDS_WDATA, 0);
    assert_int_equal(rd(chip->sio, SIO_TMDS_PEEK_DOUBLE_L0), 0x3ff << 10 | 0x100); /* black, after DVI's figure 3-5 */
    wr(chip->sio, SIO_TMDS_CTRL, 1u << 28 | 7u << 12);
    for (unsigned i = 0; i < 4096; i++) {
        unsigned colour = (i * 73 ^ i >> 4) & 0xff;
        wr(chip->sio, SIO_TMDS_WDATA, colour);
        unsigned symbol = rd(chip->sio, SIO_TMDS_PEEK_SINGLE) & 0x3ff;
        assert_int_equal(decode(symbol), colour);
        balance += 2 * __builtin_popcount(symbol) - 10;
        assert_in_range(balance + 10, 0, 20);
    }
}

static void tmds_takes_colours_apart(void **state) {
    struct chip *chip = *state;
    /* RGB565: rotations 13, 3, 8; 5, 6, 5 bits; two pixels of 16 bits in a word. */
    const uint32_t rgb565 = 5u << 24 | 4u << 18 | 5u << 15 | 4u << 12 | 8u << 8 | 3u << 4 | 13;
    wr(chip->sio, SIO_TMDS_CTRL, rgb565);
    assert_int_equal(rd(chip->sio, SIO_TMDS_CTRL), rgb565);
    wr(chip->sio, SIO_TMDS_WDATA, 0xffff8a35); /* 10001 010001 10101, then white */
    uint32_t pixel = rd(chip->sio, SIO_TMDS_POP_SINGLE);
    assert_int_equal(decode(pixel & 0x3ff), 0xa8);
    assert_int_equal(decode(pixel >> 10 & 0x3ff), 0x44);
    assert_int_equal(decode(pixel >> 20 & 0x3ff), 0x88);
    assert_int_equal(decode(rd(chip->sio, SIO_TMDS_PEEK_SINGLE) & 0x3ff), 0xf8);
    wr(chip->sio, SIO_TMDS_WDATA, 0xffff8a35);
    uint32_t pair = rd(chip->sio, SIO_TMDS_PEEK_DOUBLE_L1);
    assert_int_equal(decode(pair & 0x3ff), 0x44);
    assert_int_equal(decode(pair >> 10), 0xfc);
    wr(chip->sio, SIO_TMDS_CTRL, rgb565 | 1u << 27); /* the same pixel twice */
    pair = rd(chip->sio, SIO_TMDS_POP_DOUBLE_L1);
    assert_int_equal(decode(pair >> 10), 0x44);
    assert_int_equal(decode(rd(chip->sio, SIO_TMDS_PEEK_DOUBLE_L1) & 0x3ff), 0xfc);
}

/* Two bits of each lane in turn; each core has an encoder of its own. */
static void tmds_interleaves(void **state) {
    struct chip *chip = *state;
    const uint32_t control = 1u << 28 | 0x1ffu << 12 | 8u << 8 | 4u << 4;
    uint32_t plain[2], mixed, back[3] = { 0 };
    for (unsigned i = 0; i < 2; i++) {
        core(chip, i);
        wr(chip->sio, SIO_TMDS_CTRL, control);
        wr(chip->sio, SIO_TMDS_WDATA, i ? 0x1234 : 0x9b52);
    }
    plain[1] = rd(chip->sio, SIO_TMDS_PEEK_SINGLE);
    core(chip, 0);
    plain[0] = rd(chip->sio, SIO_TMDS_PEEK_SINGLE);
    assert_int_not_equal(plain[0], plain[1]);
    wr(chip->sio, SIO_TMDS_CTRL, control | 1u << 23);
    mixed = rd(chip->sio, SIO_TMDS_PEEK_SINGLE);
    for (unsigned bit = 0; bit < 30; bit++) {
        back[bit % 6 / 2] |= (mixed >> bit & 1) << (bit / 6 * 2 + bit % 2);
    }
    assert_int_equal(back[0] | back[1] << 10 | back[2] << 20, plain[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gpio_registers_drive_pins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(high_registers_are_the_qspi_pins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(mailbox_carries_eight_words, set_up, tear_down),
        cmocka_unit_test_setup_teardown(spin_locks_are_claimed_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rp2350_releases_locks_by_stores_behind_them, set_up_rp2350, tear_down),
        cmocka_unit_test_setup_teardown(divider_divides, set_up, tear_down),
        cmocka_unit_test_setup_teardown(divider_state_can_be_restored, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interpolator_makes_tables, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interpolator_masks_and_crosses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interpolator_blends, set_up, tear_down),
        cmocka_unit_test_setup_teardown(interpolator_clamps, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rp2350_has_more_pins_and_doorbells, set_up_rp2350, tear_down),
        cmocka_unit_test_setup_teardown(tmds_symbols_are_balanced, set_up_rp2350, tear_down),
        cmocka_unit_test_setup_teardown(tmds_takes_colours_apart, set_up_rp2350, tear_down),
        cmocka_unit_test_setup_teardown(tmds_interleaves, set_up_rp2350, tear_down),
        cmocka_unit_test(machine_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
