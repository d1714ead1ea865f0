/* PIO fed by DMA (RP2040 datasheet 2.5.3, 3.5): with an event for each word and without. Random programs that shift
 * words out, random buffers; whoever looks sees the same words taken, the same state and the same end of the block. */
#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/pio.h"
#include "peripherals/onchip/registers/dma.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define CYCLE 8000
#define RAM 0x20000000u
#define RAM_SIZE 0x2000u
#define PIO_BASE 0x50200000u
#define DMA_BASE 0x50000000u
#define CASES 300
#define CH(n, name) (DMA_CH0_##name + 16 * (n))
#define REG(n, name) (PIO_SM0_##name + 6 * (n))

struct rig {
    struct stage stage;
    struct bus bus;
    struct gpio_bank bank;
    struct block *dma, *pio;
    uint8_t ram[RAM_SIZE];
};

static void look_at_feed(void *context, bool changes) {
    pio_look_at_feed(context, changes);
}

static void wire(struct rig *rig, bool fed) {
    struct dma *dma = (struct dma *)rig->dma;
    struct pio *pio = (struct pio *)rig->pio;
    dma->variant = &rp2040_dma;
    dma->bus = &rig->bus;
    dma->clk_sys = pio->clk_sys = &rig->stage.clock;
    pio->variant = &rp2040_pio;
    pio->gpio = &rig->bank;
    pio->function = 6;
    pio->address = PIO_BASE;
    for (unsigned n = 0; n < 4; n++) {
        pio->dreq_tx[n] = (struct line){ .set = dma_set_dreq, .context = dma, .index = n };
        pio->dreq_rx[n] = (struct line){ .set = dma_set_dreq, .context = dma, .index = 4 + n };
    }
    if (fed) {
        pio->feed = (struct pio_feed){
            .available = dma_feed_available, .take = dma_feed_take, .skip = dma_feed_skip, .context = dma
        };
        dma->feeds_look = look_at_feed;
        dma->feeds_context = pio;
    }
}

static struct rig *make(bool fed) {
    struct rig *rig = calloc(1, sizeof(*rig));
    stage_init(&rig->stage);
    gpio_bank_init(&rig->bank, &rig->stage.env, &rp2040_gpio_bank0);
    bus_init(&rig->bus, &rig->stage.env);
    bus_add_memory(&rig->bus, &(struct bus_memory){ "SRAM", RAM, RAM_SIZE, rig->ram, true });
    rig->dma = block_create(&dma_class, "DMA", &rig->stage.env, &rp2040_dma_registers);
    rig->pio = block_create(&pio_class, "PIO0", &rig->stage.env, &rp2040_pio_registers);
    wire(rig, fed);
    block_start(rig->dma);
    block_start(rig->pio);
    bus_add_block(&rig->bus, rig->dma, DMA_BASE, true);
    bus_add_block(&rig->bus, rig->pio, PIO_BASE, true);
    for (unsigned pin = 0; pin < 30; pin++) {
        gpio_set_pad(&rig->bank, pin, 0x52, false);
        gpio_set_control(&rig->bank, pin, 6);
    }
    return rig;
}

static void destroy(struct rig *rig) {
    block_destroy(rig->dma);
    block_destroy(rig->pio);
    bus_finish(&rig->bus);
    free(rig);
}

static uint32_t below(struct random *random, uint32_t limit) {
    return (uint32_t)(random_next(random) % limit);
}

/* The same in both; what is drawn depends on `random` alone. */
static void load_program(struct rig *rig, struct random *random) {
    uint16_t delay = (uint16_t)(below(random, 3) << 8), bits = (uint16_t)(1 + below(random, 3));
    uint16_t program[32] = { 0 };
    switch (below(random, 4)) {
    case 0: /* out pins, n */
        program[0] = (uint16_t)(0x6000 | (1 + below(random, 12)) | delay);
        break;
    case 1: /* out pc, n */
        for (unsigned i = 0; i < 8; i++) {
            program[i] = (uint16_t)(0x60a0 | bits | delay | (random_next(random) & 0x1000));
        }
        break;
    case 2: /* set x, 14; out pins, 1; jmp x--; out pins, 1; set x, 14; out pins, 1; jmp x--; out pins, 1 */
        memcpy(program, (const uint16_t[]){ 0xe02e, 0x6001 | delay, 0x1041, 0x7001, 0xe02e, 0x7001, 0x0045, 0x6001 },
               16);
        break;
    default: /* pull; out x, 5; jmp x--; mov pins, osr */
        memcpy(program, (const uint16_t[]){ 0x80a0, 0x6025, 0x0042 | delay, 0xa007 }, 8);
    }
    for (unsigned i = 0; i < 32; i++) {
        wr(rig->pio, PIO_INSTR_MEM0 + i, program[i]);
    }
    uint32_t top = program[1] >> 5 == 0x6025 >> 5 ? 3 : program[3] ? 7 : 0;
    bool pulls = program[0] == 0x80a0;
    for (unsigned n = 0; n < 3; n++) {
        uint32_t shift = (below(random, 2) ? 0x40000000 : 0) | (below(random, 2) ? 8u + below(random, 25) : 0) % 32
                                                                   << 25;
        wr(rig->pio, REG(n, EXECCTRL), top << 12);
        wr(rig->pio, REG(n, SHIFTCTRL), shift | (below(random, 2) ? 0x80000 : 0) | (pulls ? 0 : 0x20000));
        wr(rig->pio, REG(n, PINCTRL), 1u << 29 | 2u << 20 | n * 4 | (n * 4 + 3) << 10);
        wr(rig->pio, REG(n, CLKDIV), (1 + below(random, 9)) << 16 | (below(random, 2) ? below(random, 256) << 8 : 0));
    }
}

static void start_channel(struct rig *rig, unsigned n, uint32_t from, uint32_t words, uint32_t control) {
    wr(rig->dma, CH(n, READ_ADDR), RAM + from);
    wr(rig->dma, CH(n, WRITE_ADDR), PIO_BASE + 0x10 + 4 * n);
    wr(rig->dma, CH(n, TRANS_COUNT), words);
    wr(rig->dma, CH(n, CTRL_TRIG),
       DMA_CH0_CTRL_TRIG_EN | 2u << 2 | field_set(0, RP2040_DMA_CH0_CTRL_TRIG_TREQ_SEL, n) |
           field_set(0, RP2040_DMA_CH0_CTRL_TRIG_CHAIN_TO, n) | control);
}

static void begin(struct rig *rig, uint64_t seed, unsigned machines) {
    struct random random;
    random_init(&random, seed);
    for (unsigned i = 0; i < RAM_SIZE; i++) {
        rig->ram[i] = (uint8_t)random_next(&random);
    }
    load_program(rig, &random);
    for (unsigned n = 0; n < machines; n++) {
        uint32_t ring = below(&random, 4) ? 0 : field_set(0, RP2040_DMA_CH0_CTRL_TRIG_RING_SIZE, 6);
        uint32_t increment = below(&random, 8) ? DMA_CH0_CTRL_TRIG_INCR_READ : 0;
        start_channel(rig, n, below(&random, 64) * 4, 1 + below(&random, 1500), ring | increment);
    }
    wr(rig->pio, PIO_CTRL, 0xf00 | ((1u << machines) - 1));
}

/* Words that the program has not taken yet. DMA first: a word that is due comes when it is looked at. */
static uint32_t untaken(struct rig *rig, unsigned n) {
    uint32_t words = rd(rig->dma, CH(n, TRANS_COUNT));
    return words + (rd(rig->pio, PIO_FLEVEL) >> 8 * n & 0xf);
}

static void compare_machine(struct rig *fed, struct rig *plain, unsigned n) {
    const struct pio_state *a = &((struct pio *)fed->pio)->machines[n].now;
    const struct pio_state *b = &((struct pio *)plain->pio)->machines[n].now;
    assert_int_equal(untaken(fed, n), untaken(plain, n));
    assert_int_equal(rd(fed->pio, REG(n, ADDR)), rd(plain->pio, REG(n, ADDR)));
    assert_int_equal(a->x, b->x);
    assert_int_equal(a->osr, b->osr);
    assert_int_equal(a->osr_count, b->osr_count);
}

static void compare(struct rig *fed, struct rig *plain, unsigned machines) {
    for (unsigned n = 0; n < machines; n++) {
        compare_machine(fed, plain, n);
    }
    assert_int_equal(rd(fed->pio, PIO_DBG_PADOUT), rd(plain->pio, PIO_DBG_PADOUT));
    assert_int_equal(rd(fed->pio, PIO_FDEBUG), rd(plain->pio, PIO_FDEBUG));
    if (machines == 1) { /* else channels wait for each other */
        assert_int_equal(rd(fed->dma, DMA_INTR), rd(plain->dma, DMA_INTR));
        assert_int_equal(rd(fed->dma, CH(0, CTRL_TRIG)), rd(plain->dma, CH(0, CTRL_TRIG)));
    }
}

/* What a core may do meanwhile. */
static void disturb(struct rig *rig, unsigned what, unsigned n) {
    switch (what) {
    case 0:
        wr(rig->dma, DMA_CHAN_ABORT, 1u << n);
        break;
    case 1:
        start_channel(rig, n, 64 * n, 900, DMA_CH0_CTRL_TRIG_INCR_READ);
        break;
    case 2:
        wr(rig->pio, REG(n, CLKDIV), 0x00070000);
        break;
    case 3:
        wr(rig->pio, REG(n, INSTR), 0xa042);
        break;
    }
}

/* Each event at its own time. */
static void advance(struct rig *rig, uint64_t cycles) {
    struct scheduler *scheduler = &rig->stage.scheduler;
    uint64_t end = scheduler->now_ps + cycles * CYCLE;
    while (scheduler_next(scheduler) <= end) {
        scheduler_advance(scheduler, scheduler_next(scheduler));
    }
    scheduler_advance(scheduler, end);
}

static void run(struct rig *fed, struct rig *plain, uint64_t seed, unsigned machines) {
    struct random random;
    random_init(&random, ~seed);
    for (unsigned look = 0; look < 12; look++) {
        uint64_t cycles = 1 + below(&random, look % 2 ? 12000 : 100);
        advance(fed, cycles);
        advance(plain, cycles);
        compare(fed, plain, machines);
        unsigned what = below(&random, 8), n = below(&random, machines);
        disturb(fed, what, n);
        disturb(plain, what, n);
    }
}

static void fed_or_by_events(void **state) {
    for (uint64_t seed = 1; seed <= CASES; seed++) {
        unsigned machines = seed % 3 ? 1 : 1 + seed % 2 * 2;
        struct rig *fed = make(true), *plain = make(false);
        begin(fed, seed, machines);
        begin(plain, seed, machines);
        run(fed, plain, seed, machines);
        destroy(fed);
        destroy(plain);
    }
}

/* Events while a thousand words go out, 32 bits of one a cycle. */
static void few_events_for_many_words(void **state) {
    unsigned events[2] = { 0 };
    for (unsigned fed = 0; fed < 2; fed++) {
        struct rig *rig = make(fed);
        wr(rig->pio, PIO_INSTR_MEM0, 0x6001);
        wr(rig->pio, PIO_SM0_EXECCTRL, 0);
        wr(rig->pio, PIO_SM0_SHIFTCTRL, PIO_SM0_SHIFTCTRL_AUTOPULL);
        start_channel(rig, 0, 0, 1000, DMA_CH0_CTRL_TRIG_INCR_READ);
        wr(rig->pio, PIO_CTRL, 1);
        while (scheduler_next(&rig->stage.scheduler) < 30000 * CYCLE) {
            scheduler_advance(&rig->stage.scheduler, scheduler_next(&rig->stage.scheduler));
            events[fed]++;
        }
        destroy(rig);
    }
    assert_true(events[1] * 20 < events[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fed_or_by_events),
        cmocka_unit_test(few_events_for_many_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
