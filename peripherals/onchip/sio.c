/* SIO. RP2040 datasheet 2.3.1, RP2350 datasheet 3.1.
 *
 * Not modelled: RISC-V soft interrupts, Non-secure view (RP2350): stubs.
 *
 * Decided: the quotient and remainder of a division that is still running read as its result. ACCUMn_ADD adds all 32
 * bits written. A push into a full mailbox and a pop from an empty one change nothing but WOF and ROE; such a pop
 * gives the word popped last. Of erratum RP2350-E2 the stores to registers are seen, those to holes between them are
 * not. The mailbox does not send an event by itself; `arrived` tells the machine. */
#include "peripherals/onchip/sio.h"
#include "peripherals/onchip/registers/sio.h"

#define DIVIDER_CYCLES 8

const struct sio_variant rp2040_sio = { .fifo_depth = 8 };
const struct sio_variant rp2350_sio = {
    .fifo_depth = 4,
    .qspi_shift = 24,
    .bank0_high = SIO_GPIO_HI_OUT_GPIO,
    .interpolators_rotate = true,
    .mirrors_spinlocks = true,
};

static struct sio *sio_of(struct block *block) {
    return (struct sio *)block;
}

static bool is_mtime(const struct sio *sio, unsigned reg) {
    return sio->mtime.tick && reg >= SIO_MTIME_CTRL && reg < SIO_MTIME_CTRL + MTIME_REGISTERS;
}

static bool is_tmds(unsigned reg) {
    return reg >= SIO_TMDS_CTRL && reg < SIO_TMDS_CTRL + TMDS_REGISTERS;
}

/* ---- GPIO ---- */
static void update_gpio(struct sio *sio, bool high) {
    if (!high || sio->variant->bank0_high) {
        uint64_t mask = high ? (uint64_t)sio->variant->bank0_high << 32 : UINT32_MAX;
        unsigned shift = high ? 32 : 0;
        gpio_function_outputs(sio->gpio, GPIO_FUNCTION_SIO, mask, sio->out[high] << shift, sio->oe[high] << shift);
    }
    if (high) {
        unsigned shift = sio->variant->qspi_shift;
        gpio_function_outputs(sio->qspi, GPIO_FUNCTION_SIO, UINT32_MAX >> shift, sio->out[1] >> shift,
                              sio->oe[1] >> shift);
    }
}

static uint32_t gpio_in(const struct sio *sio) {
    gpio_settle(sio->gpio);
    return (uint32_t)gpio_inputs(sio->gpio);
}

static uint32_t gpio_high_in(const struct sio *sio) {
    gpio_settle(sio->gpio);
    uint64_t bank0 = gpio_inputs(sio->gpio) >> 32 & sio->variant->bank0_high;
    return (uint32_t)(bank0 | gpio_inputs(sio->qspi) << sio->variant->qspi_shift);
}

uint64_t sio_gpio_out(const struct sio *sio) {
    return sio->out[0] | (sio->out[1] & sio->variant->bank0_high) << 32;
}

uint64_t sio_gpio_oe(const struct sio *sio) {
    return sio->oe[0] | (sio->oe[1] & sio->variant->bank0_high) << 32;
}

void sio_set_gpio(struct sio *sio, uint64_t out, uint64_t oe) {
    uint64_t keep = ~(uint64_t)sio->variant->bank0_high;
    sio->out[0] = (uint32_t)out;
    sio->oe[0] = (uint32_t)oe;
    sio->out[1] = (sio->out[1] & keep) | (out >> 32 & ~keep);
    sio->oe[1] = (sio->oe[1] & keep) | (oe >> 32 & ~keep);
    update_gpio(sio, false);
    update_gpio(sio, true);
}

/* ---- Mailboxes and doorbells ---- */
static void sio_update(struct sio *sio, unsigned core) {
    const struct sio_core *c = &sio->cores[core];
    line_set(&sio->block.irq[core], c->fifo.count || c->read_empty || c->wrote_full);
    line_set(&sio->block.irq[SIO_CORES + core], c->doorbells);
}

static uint32_t fifo_status(const struct sio *sio, unsigned core) {
    const struct sio_core *c = &sio->cores[core];
    bool ready = sio->cores[!core].fifo.count < sio->variant->fifo_depth;
    return (c->fifo.count ? SIO_FIFO_ST_VLD : 0) | (ready ? SIO_FIFO_ST_RDY : 0) |
           (c->wrote_full ? SIO_FIFO_ST_WOF : 0) | (c->read_empty ? SIO_FIFO_ST_ROE : 0);
}

static void fifo_push(struct sio *sio, unsigned core, uint32_t word) {
    struct sio_fifo *fifo = &sio->cores[!core].fifo;
    if (fifo->count == sio->variant->fifo_depth) {
        sio->cores[core].wrote_full = true;
        sio_update(sio, core);
        return;
    }
    fifo->words[(fifo->first + fifo->count++) % SIO_FIFO_DEPTH] = word;
    sio_update(sio, !core);
    if (sio->arrived) {
        sio->arrived(sio->arrived_context, !core);
    }
}

static uint32_t fifo_pop(struct sio *sio, unsigned core) {
    struct sio_core *c = &sio->cores[core];
    struct sio_fifo *fifo = &c->fifo;
    if (!fifo->count) {
        c->read_empty = true;
        sio_update(sio, core);
        return fifo->words[(fifo->first + SIO_FIFO_DEPTH - 1) % SIO_FIFO_DEPTH];
    }
    uint32_t word = fifo->words[fifo->first];
    fifo->first = (fifo->first + 1) % SIO_FIFO_DEPTH;
    fifo->count--;
    sio_update(sio, core);
    return word;
}

static void ring(struct sio *sio, unsigned core, uint32_t set, uint32_t clear) {
    sio->cores[core].doorbells = (sio->cores[core].doorbells | set) & ~clear & SIO_DOORBELL_OUT_SET_BITS;
    sio_update(sio, core);
}

/* ---- Spin locks ---- */
static uint32_t claim(struct sio *sio, unsigned lock) {
    uint32_t bit = 1u << lock;
    uint32_t free = ~sio->spinlocks & bit;
    sio->spinlocks |= bit;
    return free;
}

/* ---- Divider ---- */
static void divide_signed(struct sio_divider *d) {
    int64_t dividend = (int32_t)d->dividend;
    int64_t divisor = (int32_t)d->divisor;
    d->quotient = divisor ? (uint32_t)(dividend / divisor) : dividend < 0 ? 1 : UINT32_MAX;
    d->remainder = divisor ? (uint32_t)(dividend % divisor) : d->dividend;
}

static void divide_unsigned(struct sio_divider *d) {
    d->quotient = d->divisor ? d->dividend / d->divisor : UINT32_MAX;
    d->remainder = d->divisor ? d->dividend % d->divisor : d->dividend;
}

/* The running core knows it without a conversion. */
static uint64_t cycle_now(const struct sio *sio) {
    const struct environment *env = sio->block.env;
    return env->cycles ? *env->cycles : clock_cycles_at(sio->clk_sys, scheduler_now(env->scheduler));
}

/* Each of the two operands begins a division; most are overtaken by the next one before anybody looks. */
static void begin_division(struct sio *sio, struct sio_divider *d, bool is_signed) {
    d->is_signed = is_signed;
    d->dirty = d->is_to_do = true;
    d->runs = sio->clk_sys != NULL;
    d->start = d->runs ? cycle_now(sio) : 0;
}

static void work_out(struct sio_divider *d) {
    if (d->is_to_do) {
        d->is_to_do = false;
        (d->is_signed ? divide_signed : divide_unsigned)(d);
    }
}

static bool is_divided(const struct sio *sio, const struct sio_divider *d) {
    return !d->runs || cycle_now(sio) - d->start >= DIVIDER_CYCLES;
}

static uint32_t divider_status(const struct sio *sio, const struct sio_divider *d) {
    return (d->dirty ? SIO_DIV_CSR_DIRTY : 0) | (is_divided(sio, d) ? SIO_DIV_CSR_READY : 0);
}

/* Until when DIV_CSR is what it is now. */
static uint64_t status_holds_until(const struct sio *sio, const struct sio_divider *d) {
    return is_divided(sio, d) ? TIME_NEVER : clock_time_of(sio->clk_sys, d->start + DIVIDER_CYCLES);
}

/* A result register written: ends a division. */
static void set_result(struct sio_divider *d, uint32_t *result, uint32_t value) {
    work_out(d);
    *result = value;
    d->dirty = true;
    d->runs = false;
}

/* ---- Interpolators ---- */
#define INTERPOLATOR_REGISTERS (SIO_INTERP1_ACCUM0 - SIO_INTERP0_ACCUM0)

static uint32_t interpolator_read(struct interpolator *i, unsigned reg) {
    switch (reg + SIO_INTERP0_ACCUM0) {
    case SIO_INTERP0_ACCUM0:
    case SIO_INTERP0_ACCUM1:
        return i->accumulator[reg];
    case SIO_INTERP0_BASE0:
    case SIO_INTERP0_BASE1:
    case SIO_INTERP0_BASE2:
        return i->base[reg + SIO_INTERP0_ACCUM0 - SIO_INTERP0_BASE0];
    case SIO_INTERP0_POP_LANE0:
    case SIO_INTERP0_POP_LANE1:
    case SIO_INTERP0_POP_FULL:
        return interpolator_pop(i, reg + SIO_INTERP0_ACCUM0 - SIO_INTERP0_POP_LANE0);
    case SIO_INTERP0_PEEK_LANE0:
    case SIO_INTERP0_PEEK_LANE1:
    case SIO_INTERP0_PEEK_FULL:
        return interpolator_peek(i, reg + SIO_INTERP0_ACCUM0 - SIO_INTERP0_PEEK_LANE0);
    case SIO_INTERP0_CTRL_LANE0:
    case SIO_INTERP0_CTRL_LANE1:
        return interpolator_control(i, reg + SIO_INTERP0_ACCUM0 - SIO_INTERP0_CTRL_LANE0);
    case SIO_INTERP0_ACCUM0_ADD:
    case SIO_INTERP0_ACCUM1_ADD:
        return interpolator_raw(i, reg + SIO_INTERP0_ACCUM0 - SIO_INTERP0_ACCUM0_ADD);
    default:
        return 0;
    }
}

/* `stored`: the value with the bits that the register has. */
static void interpolator_write(struct interpolator *i, unsigned reg, uint32_t value, uint32_t stored) {
    switch (reg + SIO_INTERP0_ACCUM0) {
    case SIO_INTERP0_ACCUM0:
    case SIO_INTERP0_ACCUM1:
        i->accumulator[reg] = value;
        break;
    case SIO_INTERP0_BASE0:
    case SIO_INTERP0_BASE1:
    case SIO_INTERP0_BASE2:
        i->base[reg + SIO_INTERP0_ACCUM0 - SIO_INTERP0_BASE0] = value;
        break;
    case SIO_INTERP0_CTRL_LANE0:
    case SIO_INTERP0_CTRL_LANE1:
        i->control[reg + SIO_INTERP0_ACCUM0 - SIO_INTERP0_CTRL_LANE0] = stored;
        break;
    case SIO_INTERP0_ACCUM0_ADD:
    case SIO_INTERP0_ACCUM1_ADD:
        i->accumulator[reg + SIO_INTERP0_ACCUM0 - SIO_INTERP0_ACCUM0_ADD] += value;
        break;
    case SIO_INTERP0_BASE_1AND0:
        interpolator_set_bases(i, value);
        break;
    }
}

/* ---- Registers ---- */
static uint32_t sio_read(struct block *block, unsigned reg) {
    struct sio *sio = sio_of(block);
    unsigned core = block->env->core;
    struct sio_core *c = &sio->cores[core];
    if (reg - SIO_INTERP0_ACCUM0 < 2 * INTERPOLATOR_REGISTERS) {
        unsigned index = reg - SIO_INTERP0_ACCUM0;
        return interpolator_read(&c->interpolator[index / INTERPOLATOR_REGISTERS], index % INTERPOLATOR_REGISTERS);
    }
    if (reg - SIO_SPINLOCK0 < 32) {
        return claim(sio, reg - SIO_SPINLOCK0);
    }
    switch (reg) {
    case SIO_CPUID:
        return core;
    case SIO_GPIO_IN:
        return gpio_in(sio);
    case SIO_GPIO_HI_IN:
        return gpio_high_in(sio);
    case SIO_GPIO_OUT:
    case SIO_GPIO_HI_OUT:
        return (uint32_t)sio->out[reg == SIO_GPIO_HI_OUT];
    case SIO_GPIO_OE:
    case SIO_GPIO_HI_OE:
        return (uint32_t)sio->oe[reg == SIO_GPIO_HI_OE];
    case SIO_FIFO_ST:
        return fifo_status(sio, core);
    case SIO_FIFO_RD:
        return fifo_pop(sio, core);
    case SIO_SPINLOCK_ST:
        return sio->spinlocks;
    case SIO_DIV_UDIVIDEND:
    case SIO_DIV_SDIVIDEND:
        return c->divider.dividend;
    case SIO_DIV_UDIVISOR:
    case SIO_DIV_SDIVISOR:
        return c->divider.divisor;
    case SIO_DIV_QUOTIENT:
        work_out(&c->divider);
        c->divider.dirty = false;
        return c->divider.quotient;
    case SIO_DIV_REMAINDER:
        work_out(&c->divider);
        return c->divider.remainder;
    case SIO_DIV_CSR:
        return divider_status(sio, &c->divider);
    case SIO_DOORBELL_OUT_SET:
    case SIO_DOORBELL_OUT_CLR:
        return sio->cores[!core].doorbells;
    case SIO_DOORBELL_IN_SET:
    case SIO_DOORBELL_IN_CLR:
        return c->doorbells;
    default:
        if (is_mtime(sio, reg)) {
            return mtime_read(&sio->mtime, reg - SIO_MTIME_CTRL, core);
        }
        if (is_tmds(reg)) {
            return tmds_read(&c->tmds, reg - SIO_TMDS_CTRL);
        }
        if (reg > SIO_DOORBELL_IN_CLR) {
            block_report_stub(block, block->registers->descs[reg].offset, false);
        }
        return block->values[reg];
    }
}

static void write_operand(struct sio *sio, struct sio_divider *d, unsigned reg, uint32_t value) {
    if (reg == SIO_DIV_UDIVIDEND || reg == SIO_DIV_SDIVIDEND) {
        d->dividend = value;
    } else {
        d->divisor = value;
    }
    begin_division(sio, d, reg == SIO_DIV_SDIVIDEND || reg == SIO_DIV_SDIVISOR);
}

/* The eight registers of GPIO_OUT or of GPIO_OE. `value` holds only bits that there are. */
static bool write_gpio(struct sio *sio, unsigned reg, uint32_t value) {
    if (reg < SIO_GPIO_OUT || reg > SIO_GPIO_HI_OE_XOR) {
        return false;
    }
    unsigned index = reg - SIO_GPIO_OUT;
    uint64_t *target = index < 8 ? &sio->out[index % 2] : &sio->oe[index % 2];
    switch (index % 8 / 2) {
    case 0:
        *target = value;
        break;
    case 1:
        *target |= value;
        break;
    case 2:
        *target &= ~(uint64_t)value;
        break;
    default:
        *target ^= value;
    }
    update_gpio(sio, index % 2);
    return true;
}

#define FIRST_BEHIND_SPINLOCKS 0x180u

static void release_mirrored_spinlock(struct sio *sio, uint32_t offset) {
    uint32_t lock = (offset - FIRST_BEHIND_SPINLOCKS) / 4;
    if (sio->variant->mirrors_spinlocks && lock < 32) {
        sio->spinlocks &= ~(1u << lock);
    }
}

static void sio_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct sio *sio = sio_of(block);
    unsigned core = block->env->core;
    struct sio_core *c = &sio->cores[core];
    if (reg - SIO_DIV_UDIVIDEND < 4) { /* often */
        write_operand(sio, &c->divider, reg, value);
        return;
    }
    const struct register_desc *desc = &block->registers->descs[reg];
    release_mirrored_spinlock(sio, desc->offset);
    if (write_gpio(sio, reg, value & (desc->writable | desc->trigger))) {
        return;
    }
    if (reg - SIO_INTERP0_ACCUM0 < 2 * INTERPOLATOR_REGISTERS) {
        unsigned index = reg - SIO_INTERP0_ACCUM0;
        interpolator_write(&c->interpolator[index / INTERPOLATOR_REGISTERS], index % INTERPOLATOR_REGISTERS, value,
                           value & desc->writable);
        return;
    }
    if (reg - SIO_SPINLOCK0 < 32) {
        sio->spinlocks &= ~(1u << (reg - SIO_SPINLOCK0));
        return;
    }
    switch (reg) {
    case SIO_FIFO_ST:
        c->wrote_full &= !(value & SIO_FIFO_ST_WOF);
        c->read_empty &= !(value & SIO_FIFO_ST_ROE);
        sio_update(sio, core);
        break;
    case SIO_FIFO_WR:
        fifo_push(sio, core, value);
        break;
    case SIO_DIV_QUOTIENT:
        set_result(&c->divider, &c->divider.quotient, value);
        break;
    case SIO_DIV_REMAINDER:
        set_result(&c->divider, &c->divider.remainder, value);
        break;
    case SIO_DOORBELL_OUT_SET:
        ring(sio, !core, value, 0);
        break;
    case SIO_DOORBELL_OUT_CLR:
        ring(sio, !core, 0, value);
        break;
    case SIO_DOORBELL_IN_SET:
        ring(sio, core, value, 0);
        break;
    case SIO_DOORBELL_IN_CLR:
        ring(sio, core, 0, value);
        break;
    default:
        if (is_mtime(sio, reg)) {
            mtime_write(&sio->mtime, reg - SIO_MTIME_CTRL, core, value);
            return;
        }
        if (is_tmds(reg)) {
            tmds_write(&c->tmds, reg - SIO_TMDS_CTRL, value);
            return;
        }
        if (reg > SIO_DOORBELL_IN_CLR) {
            block_report_stub(block, desc->offset, true);
        }
    }
}

static uint64_t sio_holds_until(struct block *block, unsigned reg) {
    if (is_mtime(sio_of(block), reg)) {
        return mtime_holds_until(&sio_of(block)->mtime, reg - SIO_MTIME_CTRL);
    }
    switch (reg) {
    case SIO_GPIO_IN:
    case SIO_GPIO_HI_IN:
        return gpio_is_lagging(sio_of(block)->gpio) ? 0 : TIME_NEVER;
    case SIO_CPUID:
    case SIO_FIFO_ST:
    case SIO_SPINLOCK_ST:
        return TIME_NEVER;
    case SIO_DIV_CSR:
        return status_holds_until(sio_of(block), &sio_of(block)->cores[block->env->core].divider);
    default:
        return 0;
    }
}

static void sio_reset(struct block *block) {
    struct sio *sio = sio_of(block);
    sio->out[0] = sio->out[1] = sio->oe[0] = sio->oe[1] = 0;
    sio->spinlocks = 0;
    for (unsigned core = 0; core < SIO_CORES; core++) {
        sio->cores[core] = (struct sio_core){ 0 };
        for (unsigned i = 0; i < 2; i++) {
            sio->cores[core].interpolator[i].rotates = sio->variant->interpolators_rotate;
            sio->cores[core].interpolator[i].can_clamp = i == 1;
        }
        sio_update(sio, core);
    }
    update_gpio(sio, false);
    update_gpio(sio, true);
    if (sio->mtime.tick) {
        mtime_reset(&sio->mtime);
    }
}

static void sio_init(struct block *block) {
    struct sio *sio = sio_of(block);
    sio->mtime.env = block->env;
    sio->mtime.irq = &block->irq[2 * SIO_CORES];
    if (sio->mtime.tick) {
        mtime_init(&sio->mtime);
    }
}

/* ---- Snapshots ---- */
static void sio_divider_walk(struct sio_divider *divider, struct walk *walk) {
    walk_u32(walk, &divider->dividend);
    walk_u32(walk, &divider->divisor);
    walk_u32(walk, &divider->quotient);
    walk_u32(walk, &divider->remainder);
    walk_bool(walk, &divider->is_signed);
    walk_bool(walk, &divider->dirty);
    walk_bool(walk, &divider->is_to_do);
    walk_bool(walk, &divider->runs);
    walk_u64(walk, &divider->start);
}

static void sio_core_walk(const struct sio *sio, struct sio_core *core, struct walk *walk) {
    walk_u32s(walk, core->fifo.words, SIO_FIFO_DEPTH);
    walk_below(walk, &core->fifo.first, SIO_FIFO_DEPTH);
    walk_below(walk, &core->fifo.count, sio->variant->fifo_depth + 1);
    walk_bool(walk, &core->read_empty);
    walk_bool(walk, &core->wrote_full);
    walk_u32(walk, &core->doorbells);
    sio_divider_walk(&core->divider, walk);
    for (unsigned i = 0; i < 2; i++) {
        interpolator_walk(&core->interpolator[i], walk);
    }
    tmds_walk(&core->tmds, walk);
}

static void sio_walk(struct block *block, struct walk *walk) {
    struct sio *sio = sio_of(block);
    walk_u64s(walk, sio->out, 2);
    walk_u64s(walk, sio->oe, 2);
    walk_u32(walk, &sio->spinlocks);
    for (unsigned core = 0; core < SIO_CORES; core++) {
        sio_core_walk(sio, &sio->cores[core], walk);
    }
    mtime_walk(&sio->mtime, walk);
}

const struct block_class sio_class = {
    .name = "sio",
    .size = sizeof(struct sio),
    .init = sio_init,
    .reset = sio_reset,
    .read = sio_read,
    .write = sio_write,
    .holds_until = sio_holds_until,
    .walk = sio_walk,
};
