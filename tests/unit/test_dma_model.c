/* DMA transfers against a model that does one item after the other: sizes, increments, rings, byte swap, chains and
 * the sniffer (RP2040 datasheet 2.5). Random, with fixed seeds. */
#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/registers/dma.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define RAM 0x20000000u
#define RAM_SIZE 0x4000u
#define CYCLE 8000
#define START 3 /* cycles from a trigger to the first transfer */
#define CHANNELS 3
#define CH(n, name) (DMA_CH0_##name + 16 * (n))

struct job {
    uint32_t from, to, count;
    unsigned size, ring;
    bool incr_read, incr_write, ring_write, bswap, sniff;
};

struct model {
    uint8_t ram[RAM_SIZE];
    uint32_t sum;
    uint64_t cycles;
};

struct rig {
    struct stage stage;
    struct bus bus;
    struct block *block;
    uint8_t ram[RAM_SIZE];
};

/* ---- The model ---- */
static uint32_t next_address(uint32_t address, unsigned size, bool increments, unsigned ring) {
    uint32_t next = increments ? address + size : address;
    return ring ? (address >> ring << ring) | (next & ((1u << ring) - 1)) : next;
}

static uint32_t swapped(uint32_t data, unsigned size) {
    uint8_t bytes[4] = { 0 };
    uint32_t result = 0;
    memcpy(bytes, &data, 4);
    for (unsigned i = 0; i < size; i++) {
        result = result << 8 | bytes[i];
    }
    return result;
}

/* Bits in the order in which they go into the shift register. */
static uint32_t sniffed(uint32_t sum, unsigned mode, uint32_t data, unsigned size) {
    unsigned bits = 8 * size, width = mode < 2 ? 32 : 16;
    uint32_t polynomial = mode < 2 ? 0x04c11db7 : 0x1021;
    if (mode == 15) {
        return sum + data;
    }
    for (unsigned i = 0; i < bits; i++) {
        bool bit = data >> (mode % 2 ? i : bits - 1 - i) & 1;
        if (mode == 14) {
            sum ^= bit;
            continue;
        }
        bool top = sum >> (width - 1) & 1;
        sum = (sum << 1) & (UINT32_MAX >> (32 - width));
        sum ^= bit != top ? polynomial : 0;
    }
    return sum;
}

static void model_run(struct model *model, struct job *job, unsigned sniff_mode) {
    model->cycles += START + job->count;
    for (uint32_t i = 0; i < job->count; i++) {
        uint32_t data = 0;
        memcpy(&data, model->ram + (job->from - RAM), job->size);
        data = job->bswap ? swapped(data, job->size) : data;
        memcpy(model->ram + (job->to - RAM), &data, job->size);
        model->sum = job->sniff ? sniffed(model->sum, sniff_mode, data, job->size) : model->sum;
        job->from = next_address(job->from, job->size, job->incr_read, job->ring_write ? 0 : job->ring);
        job->to = next_address(job->to, job->size, job->incr_write, job->ring_write ? job->ring : 0);
    }
}

/* ---- Cases ---- */
static uint32_t below(struct random *random, uint32_t limit) {
    return random_next(random) % limit;
}

static struct job make_job(struct random *random) {
    struct job job = {
        .size = 1u << below(random, 3),
        .count = 1 + below(random, below(random, 4) ? 60 : 1200),
        .incr_read = below(random, 4),
        .incr_write = below(random, 4),
        .ring = below(random, 2) ? 0 : 2 + below(random, 8),
        .ring_write = below(random, 2),
        .bswap = below(random, 3) == 0,
        .sniff = below(random, 2),
    };
    job.from = RAM + below(random, (RAM_SIZE - 4800) / 4) * 4;
    job.to = RAM + below(random, (RAM_SIZE - 4800) / 4) * 4;
    return job;
}

static uint32_t control_of(const struct job *job, unsigned chain) {
    uint32_t control = RP2040_DMA_CH0_CTRL_TRIG_TREQ_SEL | DMA_CH0_CTRL_TRIG_EN;
    control |= field_set(0, DMA_CH0_CTRL_TRIG_DATA_SIZE, (uint32_t)__builtin_ctz(job->size));
    control |= job->incr_read ? DMA_CH0_CTRL_TRIG_INCR_READ : 0;
    control |= job->incr_write ? RP2040_DMA_CH0_CTRL_TRIG_INCR_WRITE : 0;
    control |= field_set(0, RP2040_DMA_CH0_CTRL_TRIG_RING_SIZE, job->ring);
    control |= job->ring_write ? RP2040_DMA_CH0_CTRL_TRIG_RING_SEL : 0;
    control |= job->bswap ? RP2040_DMA_CH0_CTRL_TRIG_BSWAP : 0;
    control |= job->sniff ? RP2040_DMA_CH0_CTRL_TRIG_SNIFF_EN : 0;
    return control | field_set(0, RP2040_DMA_CH0_CTRL_TRIG_CHAIN_TO, chain);
}

static struct rig *make(void) {
    struct rig *rig = calloc(1, sizeof(*rig));
    stage_init(&rig->stage);
    bus_init(&rig->bus, &rig->stage.env);
    bus_add_memory(&rig->bus, &(struct bus_memory){ "SRAM", RAM, RAM_SIZE, rig->ram, true });
    rig->block = block_create(&dma_class, "DMA", &rig->stage.env, &rp2040_dma_registers);
    struct dma *dma = (struct dma *)rig->block;
    dma->variant = &rp2040_dma;
    dma->bus = &rig->bus;
    dma->clk_sys = &rig->stage.clock;
    block_start(rig->block);
    return rig;
}

static void destroy(struct rig *rig) {
    block_destroy(rig->block);
    bus_finish(&rig->bus);
    free(rig);
}

static void set_job(struct rig *rig, unsigned n, const struct job *job, unsigned chain) {
    wr(rig->block, CH(n, READ_ADDR), job->from);
    wr(rig->block, CH(n, WRITE_ADDR), job->to);
    wr(rig->block, CH(n, TRANS_COUNT), job->count);
    wr(rig->block, CH(n, AL1_CTRL), control_of(job, chain));
}

static const uint8_t modes[] = { 0, 1, 2, 3, 14, 15 };

static void set_up_case(struct rig *rig, struct model *model, struct job *jobs, struct random *random, unsigned mode) {
    for (unsigned i = 0; i < RAM_SIZE; i++) {
        rig->ram[i] = model->ram[i] = (uint8_t)random_next(random);
    }
    model->sum = mode < 2 ? random_next(random) : random_next(random) & 0xffff;
    for (unsigned n = 0; n < CHANNELS; n++) {
        jobs[n] = make_job(random);
        jobs[n].sniff &= n == 1; /* the channel that the sniffer follows */
        set_job(rig, n, &jobs[n], n + 1 < CHANNELS ? n + 1 : n);
    }
    wr(rig->block, DMA_SNIFF_CTRL,
       DMA_SNIFF_CTRL_EN | field_set(0, DMA_SNIFF_CTRL_DMACH, 1) | field_set(0, DMA_SNIFF_CTRL_CALC, mode));
    wr(rig->block, DMA_SNIFF_DATA, model->sum);
}

static void run_case(uint64_t seed) {
    struct rig *rig = make();
    struct model *model = calloc(1, sizeof(*model));
    struct random random;
    struct job jobs[CHANNELS];
    random_init(&random, seed);
    unsigned mode = modes[seed % sizeof(modes)];
    set_up_case(rig, model, jobs, &random, mode);
    for (unsigned n = 0; n < CHANNELS; n++) {
        model_run(model, &jobs[n], mode);
    }
    wr(rig->block, DMA_INTE0, 1u << (CHANNELS - 1));
    wr(rig->block, DMA_MULTI_CHAN_TRIGGER, 1);
    if (seed % 2) { /* who looks in between sees no other end */
        for (uint64_t t = 0; t < model->cycles - 1; t++) {
            stage_run(&rig->stage, CYCLE);
            rd(rig->block, CH(t % CHANNELS, TRANS_COUNT));
        }
    } else {
        stage_run(&rig->stage, (model->cycles - 1) * CYCLE);
    }
    assert_false(rig->block->irq[0].level);
    stage_run(&rig->stage, CYCLE);
    assert_true(rig->block->irq[0].level);
    assert_memory_equal(rig->ram, model->ram, RAM_SIZE);
    assert_int_equal(rd(rig->block, DMA_SNIFF_DATA), model->sum);
    for (unsigned n = 0; n < CHANNELS; n++) {
        assert_int_equal(rd(rig->block, CH(n, READ_ADDR)), jobs[n].from);
        assert_int_equal(rd(rig->block, CH(n, WRITE_ADDR)), jobs[n].to);
        assert_int_equal(rd(rig->block, CH(n, TRANS_COUNT)), 0);
    }
    assert_int_equal(rd(rig->block, DMA_INTR), (1u << CHANNELS) - 1);
    free(model);
    destroy(rig);
}

static void chains_of_random_transfers(void **state) {
    for (uint64_t seed = 1; seed <= 600; seed++) {
        run_case(seed);
    }
}

/* The check values of the CRC catalogue. */
static uint32_t sniff_digits(unsigned mode, uint32_t seed, uint32_t output) {
    struct rig *rig = make();
    struct job job = { .from = RAM, .to = RAM + 64, .count = 9, .size = 1, .incr_read = true, .sniff = true };
    memcpy(rig->ram, "123456789", 9);
    set_job(rig, 0, &job, 0);
    wr(rig->block, DMA_SNIFF_CTRL, DMA_SNIFF_CTRL_EN | output | field_set(0, DMA_SNIFF_CTRL_CALC, mode));
    wr(rig->block, DMA_SNIFF_DATA, seed);
    wr(rig->block, DMA_MULTI_CHAN_TRIGGER, 1);
    stage_run(&rig->stage, 20 * CYCLE);
    uint32_t sum = rd(rig->block, DMA_SNIFF_DATA);
    destroy(rig);
    return sum;
}

static void known_checksums(void **state) {
    uint32_t both = DMA_SNIFF_CTRL_OUT_INV | DMA_SNIFF_CTRL_OUT_REV;
    assert_int_equal(sniff_digits(1, UINT32_MAX, both), 0xcbf43926);                   /* CRC-32 */
    assert_int_equal(sniff_digits(0, UINT32_MAX, DMA_SNIFF_CTRL_OUT_INV), 0xfc891918); /* CRC-32/BZIP2 */
    assert_int_equal(sniff_digits(0, UINT32_MAX, 0), 0x0376e6e7);                      /* CRC-32/MPEG-2 */
    assert_int_equal(sniff_digits(2, 0xffff, 0), 0x29b1);                              /* CRC-16/CCITT-FALSE */
    assert_int_equal(sniff_digits(2, 0, 0), 0x31c3);                                   /* CRC-16/XMODEM */
    assert_int_equal(sniff_digits(15, 0, 0), 477);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_of_random_transfers),
        cmocka_unit_test(known_checksums),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
