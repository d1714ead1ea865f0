/* I2C and SPI with DMA, random programs with fixed seeds, the SPI with requests of its own or looked after by the DMA:
 *  - how long transfers last, against the formulas of the datasheets (RP2040 4.3.14.2, 4.4.3);
 *  - everything that firmware sees (loads, interrupts and their times) is the same whether the wires are watched and
 *    the transfers play out there or not. */
#include "emulator/core/serial.h"
#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/registers/dma.h"
#include "peripherals/onchip/registers/i2c.h"
#include "peripherals/onchip/registers/spi.h"
#include "peripherals/onchip/spi.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define CYCLE 8000
#define RAM 0x20000000u
#define SPI_BASE 0x4003c000u
#define I2C_BASE 0x40044000u
#define NOTES 20000
#define SDA 4
#define SCL 5
#define FIRST_SPI 16
#define CH(n, name) (DMA_CH0_##name + 16 * (n))
#define I2C_CONTROL                                                                                                    \
    (I2C_IC_CON_MASTER_MODE | 2 << I2C_IC_CON_SPEED_LSB | I2C_IC_CON_IC_RESTART_EN | I2C_IC_CON_IC_SLAVE_DISABLE)

struct note {
    uint64_t time_ps;
    uint32_t what, value;
    unsigned number;
};

struct rig {
    struct stage stage;
    struct gpio_bank bank;
    struct bus bus;
    struct block *i2c, *spi, *dma;
    struct i2c_target i2c_target;
    struct spi_target spi_target;
    struct net_driver pulls[2];
    struct net_listener scopes[6];
    uint64_t edges;
    uint8_t ram[0x1000];
    uint8_t heard;
    uint64_t heard_ps; /* date of the last byte that the SPI target heard */
    struct note notes[NOTES];
    unsigned count;
    struct random *peeks; /* registers are also looked at without a note, at any time; NULL: not */
};

static void note(struct rig *rig, uint32_t what, uint32_t value) {
    if (rig->count < NOTES) {
        rig->notes[rig->count] = (struct note){ rig->stage.scheduler.now_ps, what, value, rig->count };
        rig->count++;
    }
}

static void interrupt(void *context, unsigned index, bool level) {
    note(context, 1000 + index, level);
}

static void edge(struct net_listener *listener, struct net *net) {
    ((struct rig *)listener->owner)->edges++;
}

/* A target with a clock: what it says depends on when it is asked. */
static bool on_start(struct i2c_target *target, uint8_t address, bool read) {
    note(target->owner, 2000, (uint32_t)address << 1 | read);
    return address == 0x36;
}

static bool on_write(struct i2c_target *target, uint8_t byte) {
    note(target->owner, 2001, byte);
    return byte < 0xf0;
}

static uint8_t on_read(struct i2c_target *target) {
    return (uint8_t)(((struct rig *)target->owner)->stage.scheduler.now_ps / CYCLE);
}

static void on_stop(struct i2c_target *target) {
    note(target->owner, 2002, 0);
}

static uint8_t on_reply(struct spi_target *target) {
    return ((struct rig *)target->owner)->heard;
}

static void on_receive(struct spi_target *target, uint8_t byte) {
    struct rig *rig = target->owner;
    rig->heard_ps = scheduler_due(&rig->stage.scheduler);
    rig->heard = (uint8_t)(byte ^ rig->heard_ps / CYCLE);
}

static struct block *add(struct rig *rig, const struct block_class *class, const char *name,
                         const struct register_table *table, uint32_t base) {
    struct block *block = block_create(class, name, &rig->stage.env, table);
    bus_add_block(&rig->bus, block, base, true);
    return block;
}

static void add_dma(struct rig *rig) {
    rig->dma = add(rig, &dma_class, "DMA", &rp2040_dma_registers, 0x50000000);
    struct dma *dma = (struct dma *)rig->dma;
    dma->variant = &rp2040_dma;
    dma->bus = &rig->bus;
    dma->clk_sys = &rig->stage.clock;
    ((struct spi *)rig->spi)->dreq_tx = (struct line){ .set = dma_set_dreq, .context = dma, .index = 16 };
    ((struct spi *)rig->spi)->dreq_rx = (struct line){ .set = dma_set_dreq, .context = dma, .index = 17 };
    ((struct i2c *)rig->i2c)->dreq_tx = (struct line){ .set = dma_set_dreq, .context = dma, .index = 32 };
    ((struct i2c *)rig->i2c)->dreq_rx = (struct line){ .set = dma_set_dreq, .context = dma, .index = 33 };
}

/* As on the chips: the DMA looks after the SPI's requests by itself. */
static void let_dma_follow(struct rig *rig) {
    struct spi *spi = (struct spi *)rig->spi;
    struct dma *dma = (struct dma *)rig->dma;
    spi->dma_catch_up = dma_catch_up;
    spi->dma_plan = dma_plan;
    spi->dma_context = dma;
    dma->follower_count = 1;
    dma->followers[0] = (struct dma_follower){ .context = spi,
                                               .fifo = SPI_BASE + SPI_FIFO_OFFSET,
                                               .tx = 16,
                                               .rx = 17,
                                               .next_request = spi_next_request,
                                               .run = spi_run_until,
                                               .earliest = spi_earliest_request,
                                               .is_calm = spi_is_calm,
                                               .put = spi_put,
                                               .get = spi_get,
                                               .settle = spi_settle_calm };
}

static void add_targets(struct rig *rig) {
    struct gpio_pin *pins = rig->bank.pins;
    rig->i2c_target = (struct i2c_target){ .scl = &pins[SCL].net,
                                           .sda = &pins[SDA].net,
                                           .start = on_start,
                                           .write = on_write,
                                           .read = on_read,
                                           .stop = on_stop,
                                           .owner = rig };
    i2c_target_attach(&rig->i2c_target);
    rig->spi_target = (struct spi_target){ .sck = &pins[FIRST_SPI + 2].net,
                                           .mosi = &pins[FIRST_SPI + 3].net,
                                           .miso = &pins[FIRST_SPI].net,
                                           .reply = on_reply,
                                           .receive = on_receive,
                                           .owner = rig };
    spi_target_attach(&rig->spi_target);
}

static void add_pin(struct rig *rig, unsigned number, unsigned function, bool watched, unsigned scope) {
    gpio_set_pad(&rig->bank, number, 0x56, false);
    gpio_set_control(&rig->bank, number, function);
    rig->scopes[scope] = (struct net_listener){ .changed = edge, .owner = rig };
    if (watched) {
        net_listen(&rig->bank.pins[number].net, &rig->scopes[scope]);
    }
}

static void add_pins(struct rig *rig, bool watched) {
    for (unsigned i = 0; i < 2; i++) {
        rig->pulls[i].drive = NET_PULL_UP;
        net_attach(&rig->bank.pins[SDA + i].net, &rig->pulls[i]);
        add_pin(rig, SDA + i, 3, watched, i);
    }
    for (unsigned i = 0; i < 4; i++) {
        add_pin(rig, FIRST_SPI + i, 1, watched, 2 + i);
    }
}

static void start_blocks(struct rig *rig) {
    struct block *const blocks[] = { rig->i2c, rig->spi, rig->dma };
    for (unsigned i = 0; i < 3; i++) {
        blocks[i]->irq[0] = (struct line){ .set = interrupt, .context = rig, .index = i };
        block_start(blocks[i]);
    }
}

static struct rig *make(bool watched, bool follows) {
    struct rig *rig = calloc(1, sizeof(*rig));
    stage_init(&rig->stage);
    bus_init(&rig->bus, &rig->stage.env);
    bus_add_memory(&rig->bus, &(struct bus_memory){ "SRAM", RAM, sizeof(rig->ram), rig->ram, true });
    gpio_bank_init(&rig->bank, &rig->stage.env, &rp2040_gpio_bank0);
    rig->i2c = add(rig, &i2c_class, "I2C0", &rp2040_i2c_registers, I2C_BASE);
    rig->spi = add(rig, &spi_class, "SPI0", &rp2040_spi_registers, SPI_BASE);
    struct i2c *i2c = (struct i2c *)rig->i2c;
    struct spi *spi = (struct spi *)rig->spi;
    i2c->clk_sys = spi->clk_peri = &rig->stage.clock;
    i2c->gpio = spi->gpio = &rig->bank;
    i2c->function = 3;
    i2c->sda_pins = 1 << SDA;
    i2c->scl_pins = 1 << SCL;
    spi->function = 1;
    spi->rx_pins = 1 << FIRST_SPI;
    spi->cs_pins = 2 << FIRST_SPI;
    spi->sck_pins = 4 << FIRST_SPI;
    spi->tx_pins = 8 << FIRST_SPI;
    add_dma(rig);
    if (follows) {
        let_dma_follow(rig);
    }
    start_blocks(rig);
    add_targets(rig);
    add_pins(rig, watched);
    return rig;
}

static void destroy(struct rig *rig) {
    block_destroy(rig->i2c);
    block_destroy(rig->spi);
    block_destroy(rig->dma);
    bus_finish(&rig->bus);
    free(rig);
}

static void run_events(struct rig *rig, uint64_t ps) {
    while (scheduler_next(&rig->stage.scheduler) <= ps) {
        scheduler_advance(&rig->stage.scheduler, scheduler_next(&rig->stage.scheduler));
    }
    scheduler_advance(&rig->stage.scheduler, ps);
}

static uint32_t below(struct random *random, uint32_t limit) {
    return (uint32_t)(random_next(random) % limit);
}

static void peek(struct rig *rig) {
    static const uint16_t looks[] = { CH(0, TRANS_COUNT), CH(1, TRANS_COUNT), CH(0, CTRL_TRIG), DMA_INTR };
    if (below(rig->peeks, 2)) {
        rd(rig->dma, looks[below(rig->peeks, 4)]);
    } else {
        rd(rig->spi, below(rig->peeks, 2) ? SPI_SSPSR : SPI_SSPRIS);
    }
}

/* Each event at its own time. */
static void run_until(struct rig *rig, uint64_t ps) {
    uint64_t now = rig->stage.scheduler.now_ps;
    while (rig->peeks && (now += CYCLE * (uint64_t)(1 + below(rig->peeks, 200))) < ps) {
        run_events(rig, now);
        peek(rig);
    }
    run_events(rig, ps);
}

/* ---- Durations ---- */

static void set_i2c(struct rig *rig, uint32_t high, uint32_t low, uint32_t spike, uint32_t hold) {
    wr(rig->i2c, I2C_IC_ENABLE, 0);
    wr(rig->i2c, I2C_IC_CON, I2C_CONTROL);
    wr(rig->i2c, I2C_IC_TAR, 0x36);
    wr(rig->i2c, I2C_IC_FS_SCL_HCNT, high);
    wr(rig->i2c, I2C_IC_FS_SCL_LCNT, low);
    wr(rig->i2c, I2C_IC_FS_SPKLEN, spike);
    wr(rig->i2c, I2C_IC_SDA_HOLD, hold);
    wr(rig->i2c, I2C_IC_ENABLE, 1);
}

/* Until the condition of `reg` is there, in cycles. */
static uint64_t cycles_until(struct rig *rig, struct block *block, unsigned reg, uint32_t bit, bool set) {
    uint64_t start = rig->stage.scheduler.now_ps;
    while (!!(rd(block, reg) & bit) != set) {
        run_until(rig, rig->stage.scheduler.now_ps + CYCLE);
    }
    return (rig->stage.scheduler.now_ps - start) / CYCLE;
}

/* START, nine periods for the address and each byte, STOP; a period is HCNT + SPKLEN + 7 and LCNT + 1. */
static void i2c_transfers_last_as_the_counts_say(void **state) {
    struct random random;
    random_init(&random, 4);
    for (unsigned i = 0; i < 60; i++) {
        struct rig *rig = make(i % 2, i / 2 % 2);
        uint32_t high = 6 + below(&random, 200), low = 8 + below(&random, 300), spike = 1 + below(&random, 8);
        unsigned bytes = 1 + below(&random, 6);
        set_i2c(rig, high, low, spike, 1 + below(&random, 40));
        for (unsigned k = 0; k < bytes; k++) {
            wr(rig->i2c, I2C_IC_DATA_CMD,
               (i % 3 ? I2C_IC_DATA_CMD_CMD : k) | (k + 1 == bytes ? I2C_IC_DATA_CMD_STOP : 0));
        }
        uint64_t expected = (uint64_t)(2 + 9 * (1 + bytes)) * (high + spike + 7 + low + 1);
        assert_int_equal(cycles_until(rig, rig->i2c, I2C_IC_RAW_INTR_STAT, I2C_IC_RAW_INTR_STAT_STOP_DET, true),
                         expected);
        assert_int_equal(rig->edges != 0, i % 2);
        destroy(rig);
    }
}

/* CPSDVSR * (1 + SCR) cycles a bit; Motorola frames with SPH = 0 take one bit more. */
static void spi_frames_last_as_the_registers_say(void **state) {
    struct random random;
    random_init(&random, 5);
    for (unsigned i = 0; i < 200; i++) {
        struct rig *rig = make(i % 2, i / 2 % 2);
        uint32_t bits = 4 + below(&random, 13), scr = below(&random, 6), prescale = 2 + 2 * below(&random, 5);
        unsigned frames = 1 + below(&random, 8), late = below(&random, 2);
        wr(rig->spi, SPI_SSPCPSR, prescale);
        wr(rig->spi, SPI_SSPCR0, (bits - 1) | scr << SPI_SSPCR0_SCR_LSB | late * SPI_SSPCR0_SPH);
        for (unsigned k = 0; k < frames; k++) {
            wr(rig->spi, SPI_SSPDR, k);
        }
        wr(rig->spi, SPI_SSPCR1, SPI_SSPCR1_SSE);
        uint64_t expected = (uint64_t)frames * (bits + !late) * prescale * (1 + scr);
        assert_int_equal(cycles_until(rig, rig->spi, SPI_SSPSR, SPI_SSPSR_BSY, false), expected);
        destroy(rig);
    }
}

/* ---- Watched or not ---- */
static void read_and_note(struct rig *rig, struct block *block, unsigned reg) {
    note(rig, reg, rd(block, reg));
}

/* Items of 1 << `size` bytes. */
static void start_dma_of(struct rig *rig, unsigned channel, uint32_t from, uint32_t to, bool reads, unsigned treq,
                         uint32_t count, unsigned size) {
    wr(rig->dma, CH(channel, READ_ADDR), from);
    wr(rig->dma, CH(channel, WRITE_ADDR), to);
    wr(rig->dma, CH(channel, TRANS_COUNT), count);
    uint32_t control = DMA_CH0_CTRL_TRIG_EN | field_set(0, RP2040_DMA_CH0_CTRL_TRIG_TREQ_SEL, treq) |
                       field_set(0, RP2040_DMA_CH0_CTRL_TRIG_CHAIN_TO, channel) |
                       field_set(0, DMA_CH0_CTRL_TRIG_DATA_SIZE, size) |
                       (reads ? RP2040_DMA_CH0_CTRL_TRIG_INCR_WRITE : DMA_CH0_CTRL_TRIG_INCR_READ);
    wr(rig->dma, CH(channel, CTRL_TRIG), control);
}

static void start_dma(struct rig *rig, unsigned channel, uint32_t from, uint32_t to, bool reads, unsigned treq,
                      uint32_t count) {
    start_dma_of(rig, channel, from, to, reads, treq, count, 0);
}

/* An abort, or off and on. */
static void switch_i2c(struct rig *rig, bool aborts) {
    if (aborts) {
        wr(rig->i2c, I2C_IC_ENABLE, I2C_IC_ENABLE_ENABLE | I2C_IC_ENABLE_ABORT);
        return;
    }
    wr(rig->i2c, I2C_IC_ENABLE, 0);
    read_and_note(rig, rig->i2c, I2C_IC_RAW_INTR_STAT);
    wr(rig->i2c, I2C_IC_ENABLE, I2C_IC_ENABLE_ENABLE);
}

static void i2c_operation(struct rig *rig, struct random *random) {
    static const uint16_t looks[] = { I2C_IC_RAW_INTR_STAT, I2C_IC_STATUS,   I2C_IC_RXFLR,         I2C_IC_TXFLR,
                                      I2C_IC_DATA_CMD,      I2C_IC_CLR_INTR, I2C_IC_TX_ABRT_SOURCE };
    uint32_t word = below(random, 256);
    switch (below(random, 4)) {
    case 0:
    case 1:
        word |= below(random, 2) ? I2C_IC_DATA_CMD_CMD : 0;
        word |= below(random, 3) ? 0 : I2C_IC_DATA_CMD_STOP;
        word |= below(random, 5) ? 0 : I2C_IC_DATA_CMD_RESTART;
        wr(rig->i2c, I2C_IC_DATA_CMD, word);
        break;
    case 2:
        read_and_note(rig, rig->i2c, looks[below(random, sizeof(looks) / sizeof(looks[0]))]);
        break;
    default:
        if (below(random, 4)) {
            wr(rig->i2c, I2C_IC_INTR_MASK, below(random, 0x2000));
        } else {
            switch_i2c(rig, below(random, 2));
        }
    }
}

static void spi_operation(struct rig *rig, struct random *random) {
    static const uint16_t looks[] = { SPI_SSPSR, SPI_SSPDR, SPI_SSPRIS, SPI_SSPMIS };
    uint32_t count = 1 + below(random, 40);
    switch (below(random, 5)) {
    case 0:
        wr(rig->spi, SPI_SSPDR, below(random, 0x10000));
        break;
    case 1:
    case 2:
        read_and_note(rig, rig->spi, looks[below(random, sizeof(looks) / sizeof(looks[0]))]);
        break;
    case 3:
        if (below(random, 3)) {
            wr(rig->spi, SPI_SSPIMSC, below(random, 3) ? 0 : below(random, 16));
        } else {
            wr(rig->spi, SPI_SSPICR, below(random, 4));
        }
        break;
    default:
        if (!(rd(rig->dma, CH(0, CTRL_TRIG)) & RP2040_DMA_CH0_CTRL_TRIG_BUSY)) {
            start_dma(rig, 0, RAM, SPI_BASE + 8, false, 16, count);
        }
        if (!(rd(rig->dma, CH(1, CTRL_TRIG)) & RP2040_DMA_CH0_CTRL_TRIG_BUSY)) {
            start_dma(rig, 1, SPI_BASE + 8, RAM + 0x800, true, 17, count);
        }
    }
}

static void dma_operation(struct rig *rig, struct random *random) {
    read_and_note(rig, rig->dma, below(random, 2) ? DMA_INTR : CH(below(random, 2), CTRL_TRIG));
    wr(rig->dma, DMA_INTS0, below(random, 4));
}

static struct rig *run_program(uint64_t seed, bool watched, bool follows, struct random *peeks) {
    struct rig *rig = make(watched, follows);
    struct random random;
    random_init(&random, seed);
    for (unsigned i = 0; i < 0x800; i++) {
        rig->ram[i] = (uint8_t)random_next(&random);
    }
    rig->peeks = peeks;
    wr(rig->dma, DMA_INTE0, 3);
    set_i2c(rig, 6 + below(&random, 60), 8 + below(&random, 90), 1 + below(&random, 4), 1 + below(&random, 20));
    wr(rig->spi, SPI_SSPCPSR, 2 + 2 * below(&random, 3));
    wr(rig->spi, SPI_SSPCR0, 7 | below(&random, 3) << SPI_SSPCR0_SCR_LSB); /* mode 0, as the target */
    wr(rig->spi, SPI_SSPDMACR, 3);
    wr(rig->spi, SPI_SSPCR1, SPI_SSPCR1_SSE);
    uint64_t now = 0;
    for (unsigned i = 0; i < 600; i++) {
        now += (uint64_t)CYCLE * (1 + below(&random, below(&random, 3) ? 60 : 3000));
        run_until(rig, now);
        switch (below(&random, 5)) {
        case 0:
        case 1:
            i2c_operation(rig, &random);
            break;
        case 2:
        case 3:
            spi_operation(rig, &random);
            break;
        default:
            dma_operation(rig, &random);
        }
    }
    run_until(rig, now + CYCLE * UINT64_C(200000));
    return rig;
}

/* Two blocks that do something in the same picosecond may do so in any order. */
static int earlier(const void *a, const void *b) {
    const struct note *x = a, *y = b;
    if (x->time_ps != y->time_ps) {
        return x->time_ps < y->time_ps ? -1 : 1;
    }
    int order = (x->what > y->what) - (x->what < y->what);
    return order ? order : (x->number > y->number) - (x->number < y->number);
}

static void compare(struct rig *plain, struct rig *watched, uint64_t seed) {
    qsort(plain->notes, plain->count, sizeof(struct note), earlier);
    qsort(watched->notes, watched->count, sizeof(struct note), earlier);
    for (unsigned i = 0; i < plain->count && i < watched->count; i++) {
        const struct note *a = &plain->notes[i], *b = &watched->notes[i];
        if (a->time_ps != b->time_ps || a->what != b->what || a->value != b->value) {
            fail_msg("seed %u, note %u: %u = 0x%x at cycle %.2f; watched %u = 0x%x at cycle %.2f", (unsigned)seed, i,
                     a->what, a->value, (double)a->time_ps / CYCLE, b->what, b->value, (double)b->time_ps / CYCLE);
        }
    }
    assert_int_equal(plain->count, watched->count);
    assert_memory_equal(plain->ram, watched->ram, sizeof(plain->ram));
}

static void check_program(uint64_t seed, bool follows) {
    struct rig *plain = run_program(seed, false, follows, NULL);
    struct rig *watched = run_program(seed, true, follows, NULL);
    assert_true(plain->count > 100);
    assert_true(watched->edges > 1000);
    compare(plain, watched, seed);
    destroy(plain);
    destroy(watched);
}

static void firmware_sees_no_difference(void **state) {
    for (uint64_t seed = 1; seed <= 200; seed++) {
        check_program(seed, false);
    }
}

static void firmware_sees_no_difference_when_dma_follows(void **state) {
    for (uint64_t seed = 1; seed <= 200; seed++) {
        check_program(seed, true);
    }
}

/* Both ways by DMA, with events served up to `late` cycles after they are due. When was the last byte heard? */
static uint64_t last_byte(struct random *random, bool watched, uint32_t count, uint32_t bit, uint32_t late) {
    struct rig *rig = make(watched, true);
    wr(rig->spi, SPI_SSPCPSR, bit);
    wr(rig->spi, SPI_SSPCR0, 7);
    wr(rig->spi, SPI_SSPDMACR, 3);
    wr(rig->spi, SPI_SSPCR1, SPI_SSPCR1_SSE);
    start_dma(rig, 1, SPI_BASE + 8, RAM + 0x800, true, 17, count);
    start_dma(rig, 0, RAM, SPI_BASE + 8, false, 16, count);
    for (uint64_t now = 0; now < (uint64_t)CYCLE * (count * 9 * bit + 1000);) {
        now += CYCLE * (uint64_t)(1 + below(random, late));
        scheduler_advance(&rig->stage.scheduler, now);
    }
    assert_int_equal(rd(rig->dma, CH(0, CTRL_TRIG)) & RP2040_DMA_CH0_CTRL_TRIG_BUSY, 0);
    assert_int_equal(rd(rig->dma, CH(1, CTRL_TRIG)) & RP2040_DMA_CH0_CTRL_TRIG_BUSY, 0);
    assert_int_equal(rd(rig->dma, CH(1, WRITE_ADDR)), RAM + 0x800 + count);
    uint64_t heard_ps = rig->heard_ps;
    destroy(rig);
    return heard_ps;
}

/* The first transfer is over 4 cycles after the trigger, a frame takes nine bits, the last bit of it is read in the
 * middle of the eighth. */
static void dma_keeps_frames_without_gaps(void **state) {
    struct random random;
    random_init(&random, 6);
    for (unsigned i = 0; i < 200; i++) {
        uint32_t bit = 2 + 2 * below(&random, 4), count = 1 + below(&random, 100);
        uint32_t late = 1 + below(&random, below(&random, 2) ? 30 : 300);
        uint64_t cycles = 4 + (uint64_t)(count - 1) * 9 * bit + 15 * bit / 2;
        assert_int_equal(last_byte(&random, i % 2, count, bit, late), cycles * CYCLE);
    }
}

/* A byte that is stored to a register comes over and over in its word (RP2040 datasheet 2.1.4); frames take of it what
 * they have room for, here 16 bits. In loopback they come back. */
static void dma_items_fill_frames(void **state) {
    const unsigned items = 100;
    for (unsigned size = 0; size < 3; size++) {
        struct rig *rig = make(false, true);
        uint8_t *received = rig->ram + 0x800;
        for (unsigned i = 0; i < items << size; i++) {
            rig->ram[i] = (uint8_t)(i * 7 + 1);
        }
        wr(rig->spi, SPI_SSPCPSR, 2);
        wr(rig->spi, SPI_SSPCR0, 15);
        wr(rig->spi, SPI_SSPDMACR, 3);
        wr(rig->spi, SPI_SSPCR1, SPI_SSPCR1_SSE | SPI_SSPCR1_LBM);
        start_dma_of(rig, 1, SPI_BASE + 8, RAM + 0x800, true, 17, items, 1);
        start_dma_of(rig, 0, RAM, SPI_BASE + 8, false, 16, items, size);
        run_until(rig, UINT64_C(10000) * CYCLE);
        for (unsigned i = 0; i < items; i++) {
            const uint8_t *sent = rig->ram + (i << size);
            assert_int_equal(received[2 * i], sent[0]);
            assert_int_equal(received[2 * i + 1], sent[size ? 1 : 0]);
        }
        destroy(rig);
    }
}

/* Whoever looks makes the DMA catch up, which may change nothing. */
static void looks_make_no_difference(void **state) {
    struct random random;
    random_init(&random, 9);
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct rig *plain = run_program(seed, false, true, NULL);
        struct rig *looked_at = run_program(seed, false, true, &random);
        compare(plain, looked_at, seed);
        destroy(plain);
        destroy(looked_at);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i2c_transfers_last_as_the_counts_say),
        cmocka_unit_test(spi_frames_last_as_the_registers_say),
        cmocka_unit_test(dma_keeps_frames_without_gaps),
        cmocka_unit_test(dma_items_fill_frames),
        cmocka_unit_test(firmware_sees_no_difference),
        cmocka_unit_test(firmware_sees_no_difference_when_dma_follows),
        cmocka_unit_test(looks_make_no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
