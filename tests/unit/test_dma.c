/* The DMA by its registers: RP2040 datasheet 2.5, RP2350 datasheet 12.6. */
#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/pwm.h"
#include "peripherals/onchip/registers/dma.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define RAM 0x20000000u
#define DEVICE 0x40034000u
#define CYCLE 8000
#define START (3 * CYCLE) /* from a trigger to the first transfer */
#define DREQ 20
#define PULSE 24

#define CH(n, name) (DMA_CH0_##name + 16 * (n))
#define CTRL(size, incr_read, incr_write, treq, chain)                                                                 \
    (1u | (size) << 2 | (incr_read) << 4 | (incr_write) << 5 | (uint32_t)(chain) << 11 | (uint32_t)(treq) << 15)
enum { FREE = 0x3f, TIMER0 = 0x3b, IRQ_QUIET = 1 << 21, BSWAP = 1 << 22, SNIFF = 1 << 23, BUSY = 1 << 24 };

struct chip {
    struct stage stage;
    struct bus bus;
    struct block *block;
    struct dma *dma;
    uint8_t ram[0x2000];
    struct line dreq;
    unsigned room; /* of the device's FIFO */
    uint32_t taken[64];
    unsigned count;
    uint64_t last_ps;
    uint32_t written_at, written;
};

static uint32_t device_read(void *context, uint32_t offset, unsigned size) {
    return 0xab;
}

static void device_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
    struct chip *chip = context;
    chip->taken[chip->count++] = value;
    chip->last_ps = chip->stage.scheduler.now_ps;
    chip->room -= chip->room > 0;
    line_set(&chip->dreq, chip->room);
}

static void memory_written(void *context, uint32_t address, uint32_t size) {
    struct chip *chip = context;
    chip->written_at = address;
    chip->written += size;
}

static struct chip *make(const struct register_table *registers, const struct dma_variant *variant) {
    struct chip *chip = calloc(1, sizeof(*chip));
    stage_init(&chip->stage);
    bus_init(&chip->bus, &chip->stage.env);
    bus_add_memory(&chip->bus, &(struct bus_memory){ "SRAM", RAM, sizeof(chip->ram), chip->ram, true });
    bus_add_window(&chip->bus, &(struct bus_window){ .name = "DEVICE",
                                                     .base = DEVICE,
                                                     .size = 0x1000,
                                                     .read = device_read,
                                                     .write = device_write,
                                                     .context = chip });
    chip->block = block_create(&dma_class, "DMA", &chip->stage.env, registers);
    bus_add_block(&chip->bus, chip->block, 0x50000000, true);
    chip->dma = (struct dma *)chip->block;
    chip->dma->variant = variant;
    chip->dma->bus = &chip->bus;
    chip->dma->clk_sys = &chip->stage.clock;
    chip->dma->pulse_dreqs = UINT64_C(1) << PULSE;
    chip->dma->memory_written = memory_written;
    chip->dma->memory_context = chip;
    chip->dreq = (struct line){ .set = dma_set_dreq, .context = chip->dma, .index = DREQ };
    block_start(chip->block);
    return chip;
}

static int set_up(void **state) {
    *state = make(&rp2040_dma_registers, &rp2040_dma);
    return 0;
}

static int set_up_rp2350(void **state) {
    *state = make(&rp2350_dma_registers, &rp2350_dma);
    return 0;
}

static int tear_down(void **state) {
    struct chip *chip = *state;
    block_destroy(chip->block);
    bus_finish(&chip->bus);
    free(chip);
    return 0;
}

static void configure(struct chip *chip, unsigned n, uint32_t from, uint32_t to, uint32_t count, uint32_t control) {
    wr(chip->block, CH(n, READ_ADDR), from);
    wr(chip->block, CH(n, WRITE_ADDR), to);
    wr(chip->block, CH(n, TRANS_COUNT), count);
    wr(chip->block, CH(n, AL1_CTRL), control);
}

static void trigger(struct chip *chip, unsigned n) {
    wr(chip->block, DMA_MULTI_CHAN_TRIGGER, 1u << n);
}

static bool is_busy(struct chip *chip, unsigned n) {
    return rd(chip->block, CH(n, CTRL_TRIG)) & BUSY;
}

static void copies_memory_in_a_cycle_a_word(void **state) {
    struct chip *chip = *state;
    for (unsigned i = 0; i < 3000; i++) {
        chip->ram[i] = (uint8_t)(i * 7);
    }
    wr(chip->block, DMA_INTE1, 1u << 3);
    configure(chip, 3, RAM, RAM + 0x1000, 750, CTRL(2, 1, 1, FREE, 3));
    assert_int_equal(rd(chip->block, CH(3, CTRL_TRIG)) & BUSY, 0);
    trigger(chip, 3);
    stage_run(&chip->stage, START + 749 * CYCLE);
    assert_true(is_busy(chip, 3));
    assert_int_equal(rd(chip->block, CH(3, TRANS_COUNT)), 1);
    assert_int_equal(rd(chip->block, CH(3, READ_ADDR)), RAM + 4 * 749);
    assert_false(chip->block->irq[1].level);
    stage_run(&chip->stage, CYCLE);
    assert_true(chip->block->irq[1].level);
    assert_false(chip->block->irq[0].level);
    assert_false(is_busy(chip, 3));
    assert_memory_equal(chip->ram, chip->ram + 0x1000, 3000);
    assert_int_equal(chip->written, 3000);
    assert_int_equal(rd(chip->block, CH(3, DBG_CTDREQ) - 16 * 3 + 2 * 3 + 1), 750); /* DBG_TCR */
    wr(chip->block, DMA_INTS1, 1u << 3);
    assert_false(chip->block->irq[1].level);
    assert_int_equal(rd(chip->block, DMA_INTR), 0);
}

static void overlapping_copy_repeats_the_first_item(void **state) {
    struct chip *chip = *state;
    chip->ram[0] = 0x5a;
    configure(chip, 0, RAM, RAM + 1, 99, CTRL(0, 1, 1, FREE, 0));
    trigger(chip, 0);
    stage_run(&chip->stage, START + 99 * CYCLE);
    assert_int_equal(chip->ram[99], 0x5a);
    assert_int_equal(chip->ram[100], 0);
}

static void data_size_swap_and_ring(void **state) {
    struct chip *chip = *state;
    memcpy(chip->ram, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    configure(chip, 1, RAM + 2, RAM + 0x100, 4, CTRL(1, 1, 1, FREE, 1) | BSWAP | 2 << 6); /* reads in a ring of 4 */
    trigger(chip, 1);
    stage_run(&chip->stage, START + 4 * CYCLE);
    assert_memory_equal(chip->ram + 0x100, "\x44\x33\x22\x11\x44\x33\x22\x11", 8);
    configure(chip, 1, RAM, RAM + 0x204, 3, CTRL(2, 0, 1, FREE, 1) | 3 << 6 | 1 << 10); /* writes in a ring of 8 */
    trigger(chip, 1);
    stage_run(&chip->stage, START + 3 * CYCLE);
    assert_int_equal(rd(chip->block, CH(1, WRITE_ADDR)), RAM + 0x200);
    assert_memory_equal(chip->ram + 0x200, "\x11\x22\x33\x44\x11\x22\x33\x44", 8);
}

static void level_requests_pace_a_channel(void **state) {
    struct chip *chip = *state;
    memcpy(chip->ram, "abcdefgh", 8);
    configure(chip, 2, RAM, DEVICE, 8, CTRL(0, 1, 0, DREQ, 2));
    trigger(chip, 2);
    stage_run(&chip->stage, 100 * CYCLE);
    assert_int_equal(chip->count, 0);
    chip->room = 3;
    line_set(&chip->dreq, true);
    stage_run(&chip->stage, 10 * CYCLE);
    assert_int_equal(chip->count, 3);
    assert_int_equal(rd(chip->block, CH(2, TRANS_COUNT)), 5);
    chip->room = 9;
    line_set(&chip->dreq, true);
    stage_run(&chip->stage, 10 * CYCLE);
    assert_int_equal(chip->count, 8);
    assert_int_equal(chip->taken[7], 'h');
    assert_false(is_busy(chip, 2));
}

static void pulses_are_counted(void **state) {
    struct chip *chip = *state;
    struct line pulse = { .set = dma_set_dreq, .context = chip->dma, .index = PULSE };
    configure(chip, 2, RAM, DEVICE, 8, CTRL(0, 1, 0, PULSE, 2));
    line_pulse(&pulse); /* nobody listens yet */
    trigger(chip, 2);
    line_pulse(&pulse);
    line_pulse(&pulse);
    stage_run(&chip->stage, 10 * CYCLE);
    assert_int_equal(chip->count, 2);
}

static void timers_pace_a_channel(void **state) {
    struct chip *chip = *state;
    wr(chip->block, DMA_TIMER0 + 1, 2 << 16 | 250); /* two in 250 cycles: 1 MHz */
    configure(chip, 0, RAM, DEVICE, 10, CTRL(0, 1, 0, TIMER0 + 1, 0));
    trigger(chip, 0);
    for (uint64_t end = 0; end <= 10 * 125 * CYCLE; end += 25 * CYCLE) {
        stage_run(&chip->stage, 25 * CYCLE);
    }
    assert_int_equal(chip->count, 10);
    assert_in_range(chip->last_ps, 10 * 125 * CYCLE, (10 * 125 + 30) * CYCLE);
}

static void channels_chain(void **state) {
    struct chip *chip = *state;
    memcpy(chip->ram, "chain", 5);
    wr(chip->block, DMA_INTE0, 0xfff);
    configure(chip, 0, RAM, RAM + 0x100, 5, CTRL(0, 1, 1, FREE, 7) | IRQ_QUIET);
    configure(chip, 7, RAM + 0x100, RAM + 0x200, 5, CTRL(0, 1, 1, FREE, 7));
    trigger(chip, 0);
    stage_run(&chip->stage, START + 5 * CYCLE);
    assert_false(chip->block->irq[0].level);
    stage_run(&chip->stage, START + 5 * CYCLE);
    assert_int_equal(rd(chip->block, DMA_INTS0), 1u << 7);
    assert_memory_equal(chip->ram + 0x200, "chain", 5);
}

/* Scatter-gather as in the datasheet: channel 0 writes (count, read address) pairs into channel 1. */
static void control_blocks_run_until_null(void **state) {
    struct chip *chip = *state;
    const uint32_t list[] = { 3, RAM + 0x400, 2, RAM + 0x410, 0, 0 };
    memcpy(chip->ram, list, sizeof(list));
    memcpy(chip->ram + 0x400, "one", 3);
    memcpy(chip->ram + 0x410, "up", 2);
    configure(chip, 0, RAM, 0x50000000 + 0x40 + 0x38, 2, CTRL(2, 1, 1, FREE, 0) | 3 << 6 | 1 << 10);
    configure(chip, 1, 0, DEVICE, 0, CTRL(0, 1, 0, FREE, 0) | IRQ_QUIET);
    trigger(chip, 0);
    stage_run(&chip->stage, 100 * CYCLE);
    assert_int_equal(chip->count, 5);
    assert_int_equal(chip->taken[4], 'p');
    assert_int_equal(rd(chip->block, DMA_INTR) & 2, 2);
    assert_false(is_busy(chip, 0));
}

static uint32_t checksum(struct chip *chip, unsigned calc, uint32_t seed, uint32_t flags, unsigned size) {
    wr(chip->block, DMA_SNIFF_CTRL, 1 | 4 << 1 | calc << 5 | flags);
    wr(chip->block, DMA_SNIFF_DATA, seed);
    configure(chip, 4, RAM, RAM + 0x100, 8 >> size, CTRL(size, 1, 0, FREE, 4) | SNIFF);
    trigger(chip, 4);
    stage_run(&chip->stage, START + 8 * CYCLE);
    return rd(chip->block, DMA_SNIFF_DATA);
}

/* Check values of the catalogue of CRCs, over "12345678" (29 bits set). */
static void sniffer_computes_checksums(void **state) {
    struct chip *chip = *state;
    memcpy(chip->ram, "12345678", 8);
    const uint32_t out = DMA_SNIFF_CTRL_OUT_REV | DMA_SNIFF_CTRL_OUT_INV;
    assert_int_equal(checksum(chip, 1, UINT32_MAX, out, 0), 0x9ae0daaf);
    assert_int_equal(checksum(chip, 1, UINT32_MAX, out, 2), 0x9ae0daaf);
    assert_int_equal(checksum(chip, 0, UINT32_MAX, DMA_SNIFF_CTRL_OUT_INV, 0), 0xb61c3d04);
    assert_int_equal(checksum(chip, 0, UINT32_MAX, DMA_SNIFF_CTRL_OUT_INV | DMA_SNIFF_CTRL_BSWAP, 2), 0xb61c3d04);
    assert_int_equal(checksum(chip, 2, 0xffff, 0, 0), 0xa12b);
    assert_int_equal(checksum(chip, 15, 0, 0, 0), 0x31 + 0x32 + 0x33 + 0x34 + 0x35 + 0x36 + 0x37 + 0x38);
    assert_int_equal(checksum(chip, 14, 0, 0, 0), 1);
}

static void errors_stop_a_channel(void **state) {
    struct chip *chip = *state;
    configure(chip, 0, 0x30000000, RAM, 4, CTRL(2, 1, 1, FREE, 0) | IRQ_QUIET);
    trigger(chip, 0);
    stage_run(&chip->stage, 20 * CYCLE);
    assert_int_equal(rd(chip->block, CH(0, CTRL_TRIG)) >> 24, 0xc0);
    assert_int_equal(rd(chip->block, DMA_INTR), 1);
    wr(chip->block, CH(0, CTRL_TRIG), DMA_CH0_CTRL_TRIG_READ_ERROR);
    assert_int_equal(rd(chip->block, CH(0, CTRL_TRIG)) >> 24, 0);
    configure(chip, 0, RAM, RAM + 2, 4, CTRL(2, 1, 1, FREE, 0));
    trigger(chip, 0);
    stage_run(&chip->stage, 20 * CYCLE);
    assert_int_equal(rd(chip->block, CH(0, CTRL_TRIG)) >> 24, 0xa0);
}

static void channels_pause_and_abort(void **state) {
    struct chip *chip = *state;
    uint32_t control = CTRL(0, 1, 1, FREE, 0);
    configure(chip, 0, RAM, RAM + 0x100, 200, control);
    trigger(chip, 0);
    stage_run(&chip->stage, START + 50 * CYCLE);
    block_write(chip->block, stage_offset(chip->block, CH(0, AL1_CTRL)), 1, ALIAS_CLR);
    stage_run(&chip->stage, 50 * CYCLE);
    assert_int_equal(rd(chip->block, CH(0, TRANS_COUNT)), 150);
    assert_true(is_busy(chip, 0));
    block_write(chip->block, stage_offset(chip->block, CH(0, AL1_CTRL)), 1, ALIAS_SET);
    stage_run(&chip->stage, 50 * CYCLE);
    assert_int_equal(rd(chip->block, CH(0, TRANS_COUNT)), 100);
    wr(chip->block, DMA_CHAN_ABORT, 1);
    assert_false(is_busy(chip, 0));
    assert_int_equal(rd(chip->block, DMA_CHAN_ABORT), 0);
    stage_run(&chip->stage, 200 * CYCLE);
    assert_int_equal(rd(chip->block, DMA_INTR), 0);
}

/* The erratum RP2040-E13: transfers under way arrive and interrupt; a channel that waits has none, a quiet one never
 * interrupts at its end. */
static void aborted_channels_interrupt_with_the_erratum(void **state) {
    struct chip *chip = *state;
    dma_set_abort_interrupts(chip->dma, true);
    configure(chip, 0, RAM, RAM + 0x100, 200, CTRL(0, 1, 1, FREE, 0));
    configure(chip, 1, RAM, RAM + 0x200, 200, CTRL(0, 1, 1, DREQ, 1));
    configure(chip, 2, RAM, RAM + 0x300, 200, CTRL(0, 1, 1, FREE, 2) | IRQ_QUIET);
    wr(chip->block, DMA_MULTI_CHAN_TRIGGER, 7);
    stage_run(&chip->stage, START + 50 * CYCLE);
    wr(chip->block, DMA_CHAN_ABORT, 7);
    assert_int_equal(rd(chip->block, DMA_INTR), 1);
    assert_false(is_busy(chip, 0));
}

static void channels_share_the_bus(void **state) {
    struct chip *chip = *state;
    configure(chip, 0, RAM, RAM + 0x100, 100, CTRL(0, 1, 1, FREE, 0));
    configure(chip, 1, RAM, RAM + 0x200, 100, CTRL(0, 1, 1, FREE, 1));
    wr(chip->block, DMA_MULTI_CHAN_TRIGGER, 3);
    stage_run(&chip->stage, START + 100 * CYCLE);
    assert_int_equal(rd(chip->block, CH(0, TRANS_COUNT)), 50);
    assert_int_equal(rd(chip->block, CH(1, TRANS_COUNT)), 50);
    stage_run(&chip->stage, 100 * CYCLE);
    assert_int_equal(rd(chip->block, DMA_INTR), 3);
}

static void rp2350_modes(void **state) {
    struct chip *chip = *state;
    assert_int_equal(rd(chip->block, DMA_N_CHANNELS), 16);
    wr(chip->block, DMA_INTE3, 1u << 15);
    uint32_t control = 1u | 1 << 4 | 1 << 5 | 15u << 13 | 0x3fu << 17; /* bytes, read downwards */
    memcpy(chip->ram, "abc", 3);
    configure(chip, 15, RAM + 2, DEVICE, 0x10000003, control);
    trigger(chip, 15);
    stage_run(&chip->stage, START + 3 * CYCLE);
    assert_true(chip->block->irq[3].level);
    assert_int_equal(chip->taken[0], 'c');
    assert_int_equal(chip->taken[2], 'a');
    assert_true(rd(chip->block, CH(15, CTRL_TRIG)) & 1 << 26); /* triggered itself */
    wr(chip->block, DMA_CHAN_ABORT, 1u << 15);
    configure(chip, 3, RAM, RAM + 0x80, 1, 1u | 3u << 13 | 0x3fu << 17);
    configure(chip, 15, RAM, RAM + 0x100, 0x10000001, 1u | 3u << 13 | 0x3fu << 17); /* itself, and channel 3 */
    trigger(chip, 15);
    stage_run(&chip->stage, 10 * CYCLE);
    assert_int_equal(chip->ram[0x80], 'a');
    assert_true(rd(chip->block, CH(15, CTRL_TRIG)) & 1 << 26);
    wr(chip->block, DMA_CHAN_ABORT, 1u << 15);
    configure(chip, 15, RAM, RAM + 0x100, 0xf0000001, control);
    trigger(chip, 15);
    stage_run(&chip->stage, 1000 * CYCLE);
    assert_int_equal(rd(chip->block, CH(15, TRANS_COUNT)), 0xf0000001);
}

/* A channel's security attributes stand still once it is being set up. */
static void rp2350_attributes_lock(void **state) {
    struct chip *chip = *state;
    wr(chip->block, DMA_SECCFG_CH0 + 4, 1);
    wr(chip->block, DMA_SECCFG_CH0 + 5, 2 | DMA_SECCFG_CH0_LOCK);
    wr(chip->block, CH(4, READ_ADDR), RAM);
    wr(chip->block, DMA_SECCFG_CH0 + 4, 3);
    wr(chip->block, DMA_SECCFG_CH0 + 5, 3);
    assert_int_equal(rd(chip->block, DMA_SECCFG_CH0 + 4), 1 | DMA_SECCFG_CH0_LOCK);
    assert_int_equal(rd(chip->block, DMA_SECCFG_CH0 + 5), 2 | DMA_SECCFG_CH0_LOCK);
    assert_int_equal(rd(chip->block, DMA_SECCFG_CH0 + 6), 3);
}

static void pwm_wraps_wanted(void *context, uint64_t dreqs) {
    pwm_want_dreqs(context, (uint32_t)(dreqs >> PULSE));
}

/* A sample for each period of the PWM, as sound on a pin is made; no events before and after. */
static void pwm_paces_a_channel(void **state) {
    struct chip *chip = *state;
    struct pwm *pwm = (struct pwm *)block_create(&pwm_class, "PWM", &chip->stage.env, &rp2040_pwm_registers);
    pwm->clk_sys = &chip->stage.clock;
    pwm->dreq[0] = (struct line){ .set = dma_set_dreq, .context = chip->dma, .index = PULSE };
    chip->dma->wants_pulses = pwm_wraps_wanted;
    chip->dma->pulse_context = pwm;
    block_start(&pwm->block);
    wr(&pwm->block, PWM_CH0_TOP, 999);
    wr(&pwm->block, PWM_CH0_CSR, PWM_CH0_CSR_EN);
    assert_int_equal(scheduler_next(&chip->stage.scheduler), TIME_NEVER);
    configure(chip, 0, RAM, DEVICE, 5, CTRL(2, 1, 0, PULSE, 0));
    trigger(chip, 0);
    for (unsigned cycle = 0; cycle < 2500; cycle++) {
        stage_run(&chip->stage, CYCLE);
    }
    assert_int_equal(chip->count, 2);
    for (unsigned cycle = 0; cycle < 10000; cycle++) {
        stage_run(&chip->stage, CYCLE);
    }
    assert_int_equal(chip->count, 5);
    assert_in_range(chip->last_ps, 5000 * CYCLE, 5010 * CYCLE);
    assert_false(is_busy(chip, 0));
    assert_int_equal(scheduler_next(&chip->stage.scheduler), TIME_NEVER);
    block_destroy(&pwm->block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(copies_memory_in_a_cycle_a_word, set_up, tear_down),
        cmocka_unit_test_setup_teardown(overlapping_copy_repeats_the_first_item, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_size_swap_and_ring, set_up, tear_down),
        cmocka_unit_test_setup_teardown(level_requests_pace_a_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pulses_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pwm_paces_a_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(timers_pace_a_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(channels_chain, set_up, tear_down),
        cmocka_unit_test_setup_teardown(control_blocks_run_until_null, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sniffer_computes_checksums, set_up, tear_down),
        cmocka_unit_test_setup_teardown(errors_stop_a_channel, set_up, tear_down),
        cmocka_unit_test_setup_teardown(channels_pause_and_abort, set_up, tear_down),
        cmocka_unit_test_setup_teardown(aborted_channels_interrupt_with_the_erratum, set_up, tear_down),
        cmocka_unit_test_setup_teardown(channels_share_the_bus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rp2350_modes, set_up_rp2350, tear_down),
        cmocka_unit_test_setup_teardown(rp2350_attributes_lock, set_up_rp2350, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
