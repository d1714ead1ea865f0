/* SSI and XIP_CTRL with a flash chip behind them: what boot2, the SDK's flash_do_cmd and the databook define. */
#include "peripherals/onchip/io_bank.h"
#include "peripherals/onchip/pads.h"
#include "peripherals/onchip/registers/io_qspi.h"
#include "peripherals/onchip/registers/pads_qspi.h"
#include "peripherals/onchip/ssi.h"
#include "peripherals/onchip/xip_ctrl.h"
#include "peripherals/parts/w25q.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define MIB 0x100000u
/* Register offsets. */
enum {
    CTRLR0 = 0x00,
    CTRLR1 = 0x04,
    SSIENR = 0x08,
    SER = 0x10,
    BAUDR = 0x14,
    TXFTLR = 0x18,
    TXFLR = 0x20,
    RXFLR = 0x24,
    SR = 0x28,
    IMR = 0x2c,
    ISR = 0x30,
    RISR = 0x34,
    ICR = 0x48,
    DMACR = 0x4c,
    DMARDLR = 0x54,
    IDR = 0x58,
    DR0 = 0x60,
    SPI_CTRLR0 = 0xf4,
};

struct bench {
    struct scheduler scheduler;
    struct log log;
    struct environment env;
    struct clock_domain clock;
    struct gpio_bank pins;
    struct block *io;
    struct block *pads;
    struct w25q chip;
    struct ssi *ssi;
    struct xip_ctrl *xip;
    bool irq;
    bool dreq;
};

static void set_level(void *context, unsigned index, bool level) {
    *(bool *)context = level;
}

static bool fetch(void *context, uint32_t address, uint32_t *ret_word) {
    struct bench *bench = context;
    memcpy(ret_word, bench->chip.contents + (address & 0x1ffffc), 4);
    return true;
}

/* The QSPI pins as the boot ROM leaves them: all belong to the SSI. */
static void make_pins(struct bench *bench) {
    gpio_bank_init(&bench->pins, &bench->env, &rp2040_gpio_qspi);
    bench->io = block_create(&io_bank_class, "IO_QSPI", &bench->env, &rp2040_io_qspi_registers);
    bench->pads = block_create(&pads_class, "PADS_QSPI", &bench->env, &rp2040_pads_qspi_registers);
    ((struct io_bank *)bench->io)->gpio = ((struct pads *)bench->pads)->gpio = &bench->pins;
    block_start(bench->io);
    block_start(bench->pads);
    for (uint32_t pin = 0; pin < 6; pin++) {
        block_write(bench->io, 8 * pin + 4, 0, ALIAS_NORMAL);
    }
    w25q_connect_select(&bench->chip, &bench->pins.pins[RP2040_QSPI_SS].net);
}

static struct bench *bench_create(bool quad_selectable) {
    struct bench *bench = calloc(1, sizeof(*bench));
    scheduler_init(&bench->scheduler);
    log_init(&bench->log);
    bench->env = (struct environment){ .scheduler = &bench->scheduler, .log = &bench->log };
    clock_init(&bench->clock, "clk_sys");
    clock_set_frequency(&bench->clock, 125000000, 1, 0);
    struct w25q_desc desc = { .env = &bench->env, .size = 2 * MIB, .quad_selectable = quad_selectable };
    assert_true(w25q_init(&bench->chip, &desc));
    make_pins(bench);
    bench->ssi = (struct ssi *)block_create(&ssi_class, "XIP_SSI", &bench->env, &rp2040_ssi_registers);
    bench->ssi->flash = &bench->chip.target;
    bench->ssi->gpio = &bench->pins;
    bench->ssi->clock = &bench->clock;
    bench->ssi->block.irq[0] = (struct line){ .set = set_level, .context = &bench->irq };
    bench->ssi->dreq_rx = (struct line){ .set = set_level, .context = &bench->dreq };
    block_start(&bench->ssi->block);
    bench->xip = (struct xip_ctrl *)block_create(&xip_ctrl_class, "XIP_CTRL", &bench->env, &rp2040_xip_ctrl_registers);
    bench->xip->fetch = fetch;
    bench->xip->context = bench;
    block_start(&bench->xip->block);
    return bench;
}

static void bench_destroy(struct bench *bench) {
    block_destroy(&bench->ssi->block);
    block_destroy(&bench->xip->block);
    block_destroy(bench->io);
    block_destroy(bench->pads);
    w25q_finish(&bench->chip);
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

static uint32_t get(struct bench *bench, uint32_t offset) {
    return block_read(&bench->ssi->block, offset);
}

static void put(struct bench *bench, uint32_t offset, uint32_t value) {
    block_write(&bench->ssi->block, offset, value, ALIAS_NORMAL);
}

static void pass(struct bench *bench, uint64_t ps) {
    scheduler_advance(&bench->scheduler, bench->scheduler.now_ps + ps);
}

/* As boot2 waits: the TX FIFO is empty and the SSI is not busy; 10 cycles a pass. */
static void wait_ready(struct bench *bench) {
    for (unsigned i = 0; i < 1000000; i++) {
        uint32_t status = get(bench, SR);
        if (status & SSI_SR_TFE && !(status & SSI_SR_BUSY)) {
            return;
        }
        pass(bench, 80 * PS_PER_NS);
    }
    fail_msg("the SSI stays busy");
}

static uint8_t send(struct bench *bench, const uint8_t *bytes, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        put(bench, DR0, bytes[i]);
    }
    wait_ready(bench);
    uint32_t last = 0;
    for (unsigned i = 0; i < count; i++) {
        last = get(bench, DR0);
    }
    return (uint8_t)last;
}

#define SEND(bench, ...) send(bench, (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

/* The steps of boot2 for this flash: status, QE if it is missing, then continuous quad reads. */
static unsigned run_boot2(struct bench *bench) {
    unsigned polls = 0;
    put(bench, SSIENR, 0);
    put(bench, SER, 1); /* the boot ROM's doing */
    put(bench, BAUDR, 4);
    put(bench, CTRLR0, 7 << 16);
    put(bench, SSIENR, 1);
    if (SEND(bench, 0x35, 0x35) != 0x02) {
        SEND(bench, 0x06);
        SEND(bench, 0x01, 0x00, 0x02);
        do {
            polls++;
        } while (SEND(bench, 0x05, 0x05) & 1);
    }
    put(bench, SSIENR, 0);
    put(bench, CTRLR0, 0x005f0300);
    put(bench, CTRLR1, 0);
    put(bench, SPI_CTRLR0, 0x00002221);
    put(bench, SSIENR, 1);
    put(bench, DR0, 0xeb);
    put(bench, DR0, 0xa0);
    wait_ready(bench);
    put(bench, SSIENR, 0);
    put(bench, SPI_CTRLR0, 0xa0002022);
    put(bench, SSIENR, 1);
    return polls;
}

static void boot2_finds_quad_enabled(void **state) {
    struct bench *bench = *state;
    assert_int_equal(run_boot2(bench), 0);
    assert_non_null(bench->chip.continuous);
    assert_int_equal(bench->log.count[LOG_GUEST], 0);
}

static void boot2_enables_quad(void **state) {
    struct bench *bench = bench_create(true);
    assert_in_range(run_boot2(bench), 1000, 20000); /* polls for 10 ms */
    assert_int_equal(bench->chip.status[1], 2);
    assert_non_null(bench->chip.continuous);
    assert_int_equal(bench->log.count[LOG_GUEST], 0);
    bench_destroy(bench);
}

/* The format that boot2 leaves reads words in one go: the address, then data on four lines. */
static void quad_read_without_instruction(void **state) {
    struct bench *bench = *state;
    run_boot2(bench);
    for (unsigned i = 0; i < 4; i++) {
        bench->chip.contents[0x1234 + i] = (uint8_t)(0x11 * (i + 1));
    }
    put(bench, DR0, 0x001234a0);
    wait_ready(bench);
    assert_int_equal(get(bench, RXFLR), 1);
    assert_int_equal(get(bench, DR0), 0x11223344);
}

/* ---- The pins ---- */

#define SCLK_STATUS 0x00u
#define SS_STATUS 0x08u
#define SS_CTRL 0x0cu
#define FUNCTION_SIO 5u
#define OE_DISABLED (2u << 12) /* OEOVER */

/* OUTOVER: 0 as it is, 1 inverted, 2 low, 3 high. */
static void override_select(struct bench *bench, uint32_t override) {
    block_write(bench->io, SS_CTRL, override << 8, ALIAS_NORMAL);
}

static uint32_t status_of(struct bench *bench, uint32_t reg, uint32_t mask) {
    return block_read(bench->io, reg) & mask;
}

#define OUTPUTS                                                                                                        \
    (IO_QSPI_GPIO_QSPI_SS_STATUS_OUTFROMPERI | IO_QSPI_GPIO_QSPI_SS_STATUS_OUTTOPAD |                                  \
     IO_QSPI_GPIO_QSPI_SS_STATUS_OEFROMPERI | IO_QSPI_GPIO_QSPI_SS_STATUS_OETOPAD)
#define OUTPUT_ENABLED (IO_QSPI_GPIO_QSPI_SS_STATUS_OEFROMPERI | IO_QSPI_GPIO_QSPI_SS_STATUS_OETOPAD)
#define INPUTS (IO_QSPI_GPIO_QSPI_SS_STATUS_INFROMPAD | IO_QSPI_GPIO_QSPI_SS_STATUS_INTOPERI)

static void select_shows_in_its_status(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    assert_int_equal(status_of(bench, SS_STATUS, OUTPUTS | INPUTS), OUTPUTS | INPUTS);
    put(bench, DR0, 0x9f);
    assert_int_equal(status_of(bench, SS_STATUS, OUTPUTS | INPUTS), OUTPUT_ENABLED);
    wait_ready(bench);
    assert_int_equal(status_of(bench, SS_STATUS, OUTPUTS | INPUTS), OUTPUTS | INPUTS);
    /* Both edges have been latched. */
    assert_int_equal(rd(bench->io, IO_QSPI_INTR) >> 4 & 0xc, 0xc);
}

static void overrides_reach_flash_and_status(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    const uint32_t from = IO_QSPI_GPIO_QSPI_SS_STATUS_OUTFROMPERI, to = IO_QSPI_GPIO_QSPI_SS_STATUS_OUTTOPAD;
    override_select(bench, 2);
    assert_int_equal(status_of(bench, SS_STATUS, from | to | INPUTS), from);
    assert_true(bench->chip.selected);
    override_select(bench, 3);
    assert_int_equal(status_of(bench, SS_STATUS, from | to | INPUTS), from | to | INPUTS);
    assert_false(bench->chip.selected);
    override_select(bench, 1);
    assert_true(bench->chip.selected);
    put(bench, DR0, 0x9f);
    assert_int_equal(status_of(bench, SS_STATUS, from | to | INPUTS), to | INPUTS);
    assert_false(bench->chip.selected);
}

/* The SDK's way to ask for the BOOTSEL button: the pin is let go and read. */
static void a_select_that_nobody_drives_is_pulled_up(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    put(bench, DR0, 0x9f);
    assert_true(bench->chip.selected);
    block_write(bench->io, SS_CTRL, OE_DISABLED, ALIAS_NORMAL);
    assert_true(gpio_input(&bench->pins, RP2040_QSPI_SS));
    assert_false(bench->chip.selected);
    wr(bench->pads, PADS_QSPI_GPIO_QSPI_SS, 0x52); /* no pulls: floating */
    assert_false(bench->chip.selected);
    struct net_driver button = { .name = "BOOTSEL" };
    net_attach(&bench->pins.pins[RP2040_QSPI_SS].net, &button);
    net_drive(&button, NET_LOW);
    assert_false(gpio_input(&bench->pins, RP2040_QSPI_SS));
    assert_true(bench->chip.selected);
    net_detach(&button);
}

/* Firmware that owns the pin by SIO selects the flash as well as the SSI does. */
static void select_by_sio(void **state) {
    struct bench *bench = *state;
    static const uint8_t expected[] = { 0xef, 0x40, 0x15 };
    ssi_init_serial(bench->ssi);
    gpio_function_output(&bench->pins, RP2040_QSPI_SS, FUNCTION_SIO, false, true);
    assert_false(bench->chip.selected);
    block_write(bench->io, SS_CTRL, FUNCTION_SIO, ALIAS_NORMAL);
    assert_true(bench->chip.selected);
    SEND(bench, 0x9f);
    for (unsigned i = 0; i < 3; i++) {
        pass(bench, PS_PER_US);
        assert_int_equal(SEND(bench, 0x00), expected[i]);
    }
}

static void clock_rests_where_SCPOL_says(void **state) {
    struct bench *bench = *state;
    const uint32_t level = IO_QSPI_GPIO_QSPI_SCLK_STATUS_INFROMPAD;
    put(bench, SSIENR, 0);
    assert_int_equal(status_of(bench, SCLK_STATUS, level), 0);
    put(bench, CTRLR0, SSI_CTRLR0_SCPOL);
    assert_int_equal(status_of(bench, SCLK_STATUS, level), level);
}

static void command_after_exit_from_xip(void **state) {
    struct bench *bench = *state;
    run_boot2(bench);
    w25q_exit_continuous(&bench->chip);
    ssi_init_serial(bench->ssi);
    /* As flash_do_cmd does it: chip select by hand, bytes one after another. */
    static const uint8_t expected[] = { 0xef, 0x40, 0x15 };
    override_select(bench, 2);
    SEND(bench, 0x9f);
    for (unsigned i = 0; i < 3; i++) {
        pass(bench, PS_PER_US);
        assert_int_equal(SEND(bench, 0x00), expected[i]);
    }
    override_select(bench, 3);
    override_select(bench, 0);
}

static void without_override_each_burst_is_a_transaction(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    SEND(bench, 0x9f);
    pass(bench, PS_PER_US);
    assert_int_not_equal(SEND(bench, 0x00), 0xef);
    assert_int_equal(SEND(bench, 0x9f, 0x00), 0xef);
}

static void frames_take_their_time(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi); /* 8 bits at clk_sys / 6: 48 cycles of 8 ns */
    put(bench, DR0, 0x05);
    put(bench, DR0, 0x00);
    assert_int_equal(get(bench, SR), SSI_SR_BUSY | SSI_SR_TFNF);
    pass(bench, 383 * PS_PER_NS);
    assert_int_equal(get(bench, RXFLR), 0);
    pass(bench, PS_PER_NS);
    assert_int_equal(get(bench, RXFLR), 1);
    assert_int_equal(get(bench, SR), SSI_SR_BUSY | SSI_SR_TFNF | SSI_SR_TFE | SSI_SR_RFNE);
    pass(bench, 384 * PS_PER_NS);
    assert_int_equal(get(bench, SR), SSI_SR_TFNF | SSI_SR_TFE | SSI_SR_RFNE);
    assert_int_equal(get(bench, RXFLR), 2);
}

/* A core that looks late must see what it would have seen in time. */
static void late_looks_are_caught_up(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    put(bench, DR0, 0x9f);
    bench->scheduler.now_ps += 500 * PS_PER_NS; /* no event called: a core is running */
    put(bench, DR0, 0x00);
    wait_ready(bench);
    get(bench, DR0);
    assert_int_not_equal(get(bench, DR0), 0xef); /* the first transaction had ended */
}

static void eeprom_read_counts_its_frames(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    for (unsigned i = 0; i < 8; i++) {
        bench->chip.contents[0x100 + i] = (uint8_t)(0xa0 + i);
    }
    put(bench, SSIENR, 0);
    put(bench, CTRLR0, 7 << 16 | 3 << 8);
    put(bench, CTRLR1, 7);
    put(bench, SSIENR, 1);
    put(bench, DR0, 0x03);
    put(bench, DR0, 0x00);
    put(bench, DR0, 0x01);
    put(bench, DR0, 0x00);
    wait_ready(bench);
    assert_int_equal(get(bench, RXFLR), 8);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(get(bench, DR0), 0xa0 + i);
    }
}

static void transmit_only_receives_nothing(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    put(bench, SSIENR, 0);
    put(bench, CTRLR0, 7 << 16 | 1 << 8);
    put(bench, SSIENR, 1);
    put(bench, DR0, 0x06);
    wait_ready(bench);
    assert_int_equal(get(bench, RXFLR), 0);
    assert_true(bench->chip.write_enabled);
}

static void interrupts_and_overflows(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    put(bench, SER, 0); /* nothing moves */
    put(bench, IMR, SSI_IMR_TXOIM | SSI_IMR_RXUIM);
    assert_int_equal(get(bench, RISR), SSI_RISR_TXEIR);
    for (unsigned i = 0; i < 17; i++) {
        put(bench, DR0, 0xff);
    }
    assert_int_equal(get(bench, TXFLR), 16);
    assert_int_equal(get(bench, SR), 0);
    assert_int_equal(get(bench, ISR), SSI_ISR_TXOIS);
    assert_true(bench->irq);
    assert_int_equal(get(bench, ICR), 1);
    assert_int_equal(get(bench, ISR), 0);
    assert_false(bench->irq);
    get(bench, DR0);
    assert_int_equal(get(bench, ISR), SSI_ISR_RXUIS);
    get(bench, ICR);
    put(bench, DMACR, 1);
    put(bench, DMARDLR, 3);
    put(bench, SER, 1);
    pass(bench, 3 * 384 * PS_PER_NS);
    assert_false(bench->dreq);
    pass(bench, 384 * PS_PER_NS);
    assert_true(bench->dreq);
}

static void configuration_is_fixed_while_enabled(void **state) {
    struct bench *bench = *state;
    ssi_init_serial(bench->ssi);
    put(bench, BAUDR, 2);
    assert_int_equal(get(bench, BAUDR), 6);
    assert_int_equal(bench->log.count[LOG_GUEST], 1);
    assert_int_equal(get(bench, IDR), 0x51535049);
}

static void no_flash_floats_high(void **state) {
    struct bench *bench = *state;
    bench->ssi->flash = NULL;
    ssi_init_serial(bench->ssi);
    assert_int_equal(SEND(bench, 0x9f, 0x00), 0xff);
}

/* ---- XIP_CTRL ---- */

static void streaming_walks_through_flash(void **state) {
    struct bench *bench = *state;
    struct block *xip = &bench->xip->block;
    for (unsigned i = 0; i < 5; i++) {
        uint32_t word = 0xcafe0000 + i;
        memcpy(bench->chip.contents + 0x2000 + 4 * i, &word, 4);
    }
    assert_int_equal(block_read(xip, 0x08), 3); /* flushed, empty */
    block_write(xip, 0x14, 0x10002000, ALIAS_NORMAL);
    block_write(xip, 0x18, 5, ALIAS_NORMAL);
    assert_int_equal(block_read(xip, 0x08), 5); /* full */
    assert_int_equal(block_read(xip, 0x18), 3);
    assert_int_equal(block_read(xip, 0x1c), 0xcafe0000);
    for (unsigned i = 1; i < 5; i++) {
        assert_int_equal(xip_aux_window_read(bench->xip, 0, 4), 0xcafe0000 + i);
    }
    assert_int_equal(block_read(xip, 0x18), 0);
    assert_int_equal(block_read(xip, 0x14), 0x10002014);
    assert_int_equal(block_read(xip, 0x08), 3);
}

static void counters_and_flush(void **state) {
    struct bench *bench = *state;
    struct block *xip = &bench->xip->block;
    assert_int_equal(block_read(xip, 0x00), 3);
    block_write(xip, 0x04, 1, ALIAS_NORMAL);
    assert_int_equal(block_read(xip, 0x04), 0);
    xip_ctrl_count(bench->xip, 0xfffffff0, 7);
    xip_ctrl_count(bench->xip, 0x20, 1);
    assert_int_equal(block_read(xip, 0x10), 0xffffffff);
    assert_int_equal(block_read(xip, 0x0c), 8);
    block_write(xip, 0x0c, 0, ALIAS_NORMAL);
    assert_int_equal(block_read(xip, 0x0c), 0);
    assert_int_equal((uintptr_t)bench->xip->sram % 4096, 0);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(boot2_finds_quad_enabled),
        TEST(boot2_enables_quad),
        TEST(quad_read_without_instruction),
        TEST(command_after_exit_from_xip),
        TEST(without_override_each_burst_is_a_transaction),
        TEST(select_shows_in_its_status),
        TEST(overrides_reach_flash_and_status),
        TEST(a_select_that_nobody_drives_is_pulled_up),
        TEST(select_by_sio),
        TEST(clock_rests_where_SCPOL_says),
        TEST(frames_take_their_time),
        TEST(late_looks_are_caught_up),
        TEST(eeprom_read_counts_its_frames),
        TEST(transmit_only_receives_nothing),
        TEST(interrupts_and_overflows),
        TEST(configuration_is_fixed_while_enabled),
        TEST(no_flash_floats_high),
        TEST(streaming_walks_through_flash),
        TEST(counters_and_flush),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
