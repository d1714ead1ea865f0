/* A plain model of PIO, written from the datasheets (RP2040 3, RP2350 11): every machine takes a step in every cycle of
 * clk_sys. It shares nothing with peripherals/onchip/pio.c. Where the datasheets leave something open it follows what
 * the heads of the block's files have decided. */
#ifndef TESTS_PIO_MODEL_H
#define TESTS_PIO_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---- The model: one machine ---- */
struct fifo {
    uint32_t words[8];
    unsigned count, depth;
};

struct write {
    bool valid, by_set;
    uint32_t value;
};

struct machine {
    unsigned number;
    bool enabled;
    uint32_t clkdiv, execctrl, shiftctrl, pinctrl;
    int64_t to_tick; /* 1/256 cycles until the divider lets the machine go; not above 0: now */
    uint32_t x, y, osr, isr;
    unsigned osr_count, isr_count, pc, delay;
    bool has_latch, forced, tried;
    uint16_t latch;
    bool irq_waits, sampled;
    struct write sticky[2];
    struct fifo tx, rx;
};

struct model {
    unsigned version;
    uint16_t memory[32];
    struct machine machines[4];
    uint32_t out, oe, irq, fdebug, bypass, base;
    uint32_t sets, clears, just_set;
    uint64_t sync[4]; /* the pins at the end of the last cycle, and of those before */
    struct model *previous, *next;
};

/* What one instruction does beside changing the machine itself. */
struct effect {
    bool stalls, jumps, latches;
    bool writes[2]; /* levels, directions */
    uint32_t value[2];
    bool by_set, disabled;
};

static unsigned bits(uint32_t word, unsigned low, unsigned count) {
    return word >> low & ((1u << count) - 1);
}

static unsigned or32(unsigned n) {
    return n == 0 ? 32 : n;
}

static uint32_t low_mask(unsigned count) {
    return count == 32 ? 0xffffffff : (1u << count) - 1;
}

static void fifo_put(struct fifo *fifo, uint32_t word) {
    fifo->words[fifo->count] = word;
    fifo->count++;
}

static uint32_t fifo_take(struct fifo *fifo) {
    uint32_t word = fifo->words[0];
    memmove(fifo->words, fifo->words + 1, 7 * sizeof(uint32_t));
    fifo->count--;
    return word;
}

static bool autopull(const struct machine *m) {
    return bits(m->shiftctrl, 17, 1);
}

static bool osr_used_up(const struct machine *m) {
    return m->osr_count >= or32(bits(m->shiftctrl, 25, 5));
}

static void load_osr(struct machine *m, uint32_t word) {
    m->osr = word;
    m->osr_count = 0;
}

static unsigned side_bits(const struct machine *m) {
    unsigned count = bits(m->pinctrl, 29, 3);
    return count > 5 ? 5 : count;
}

static uint32_t inputs(const struct model *p) {
    uint32_t synchronised = (uint32_t)(p->sync[3] >> p->base), direct = (uint32_t)(p->sync[1] >> p->base);
    return (synchronised & ~p->bypass) | (direct & p->bypass);
}

static bool input(const struct model *p, unsigned pin) {
    return inputs(p) >> pin % 32 & 1;
}

static uint32_t in_pins(const struct model *p, const struct machine *m) {
    uint32_t result = 0;
    unsigned count = p->version ? or32(bits(m->shiftctrl, 0, 5)) : 32;
    for (unsigned i = 0; i < count; i++) {
        result |= (uint32_t)input(p, bits(m->pinctrl, 15, 5) + i) << i;
    }
    return result;
}

static struct model *flag_at(struct model *p, const struct machine *m, unsigned index, uint32_t *ret_bit) {
    static const unsigned old_modes[4] = { 0, 0, 2, 2 };
    unsigned mode = p->version ? bits(index, 3, 2) : old_modes[bits(index, 3, 2)];
    unsigned flag = bits(index, 0, 3);
    if (mode == 2) {
        flag = (flag & 4) + (flag % 4 + m->number) % 4;
    }
    *ret_bit = 1u << flag;
    return mode == 0 || mode == 2 ? p : mode == 1 ? p->previous : p->next;
}

static uint32_t status(struct model *p, struct machine *m) {
    unsigned select = p->version ? bits(m->execctrl, 5, 2) : bits(m->execctrl, 4, 1);
    unsigned n = p->version ? bits(m->execctrl, 0, 5) : bits(m->execctrl, 0, 4);
    if (select == 0) {
        return m->tx.count < n ? 0xffffffff : 0;
    }
    if (select == 1) {
        return m->rx.count < n ? 0xffffffff : 0;
    }
    struct model *owner = n >= 16 ? p->next : n >= 8 ? p->previous : p;
    return owner->irq >> n % 8 & 1 ? 0xffffffff : 0;
}

static uint32_t operand(struct model *p, struct machine *m, unsigned which) {
    const uint32_t values[8] = { in_pins(p, m), m->x, m->y, 0, 0, status(p, m), m->isr, m->osr };
    return values[which];
}

static void do_jmp(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    bool taken = true;
    switch (arg >> 5) {
    case 1:
        taken = m->x == 0;
        break;
    case 2:
        taken = m->x != 0;
        m->x--;
        break;
    case 3:
        taken = m->y == 0;
        break;
    case 4:
        taken = m->y != 0;
        m->y--;
        break;
    case 5:
        taken = m->x != m->y;
        break;
    case 6:
        taken = input(p, bits(m->execctrl, 24, 5));
        break;
    case 7:
        taken = !osr_used_up(m);
        break;
    }
    if (taken) {
        m->pc = arg & 31;
        e->jumps = true;
    }
}

static void do_wait(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    bool polarity = arg & 0x80, found = false;
    unsigned index = arg & 31;
    uint32_t flag;
    struct model *owner;
    switch (bits(arg, 5, 2)) {
    case 0:
        found = input(p, index);
        break;
    case 1:
        found = in_pins(p, m) >> index & 1;
        break;
    case 2:
        owner = flag_at(p, m, index, &flag);
        found = owner->irq & flag;
        owner->clears |= found && polarity ? flag : 0;
        break;
    case 3:
        found = p->version && input(p, bits(m->execctrl, 24, 5) + index % 4);
        break;
    }
    e->stalls = found != polarity;
}

static void do_in(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    unsigned count = or32(arg & 31), threshold = or32(bits(m->shiftctrl, 20, 5));
    if (!m->sampled) {
        uint64_t data = operand(p, m, arg >> 5) & low_mask(count);
        uint64_t right = (uint64_t)m->isr >> count | data << (32 - count), left = (uint64_t)m->isr << count | data;
        m->isr = (uint32_t)(bits(m->shiftctrl, 18, 1) ? right : left);
        m->isr_count = m->isr_count + count > 32 ? 32 : m->isr_count + count;
    }
    m->sampled = false;
    if (!bits(m->shiftctrl, 16, 1) || m->isr_count < threshold) {
        return;
    }
    if (m->rx.count >= m->rx.depth) {
        m->sampled = e->stalls = true;
        p->fdebug |= 1u << m->number;
        return;
    }
    fifo_put(&m->rx, m->isr);
    m->isr = m->isr_count = 0;
}

static void to_pins(struct machine *m, struct effect *e, unsigned which, uint32_t value, bool by_set) {
    bool inline_enable = bits(m->execctrl, 18, 1);
    e->writes[which] = true;
    e->value[which] = value;
    e->by_set = by_set;
    e->disabled = !by_set && inline_enable && !(value >> bits(m->execctrl, 19, 5) & 1);
}

static void to_latch(struct machine *m, struct effect *e, uint32_t value) {
    m->latch = (uint16_t)value;
    e->latches = true;
}

static void to_pc(struct machine *m, struct effect *e, uint32_t value) {
    m->pc = value & 31;
    e->jumps = true;
}

static void do_out(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    unsigned count = or32(arg & 31);
    if (autopull(m) && osr_used_up(m)) {
        e->stalls = true;
        if (m->tx.count) {
            load_osr(m, fifo_take(&m->tx));
        } else {
            p->fdebug |= 1u << (24 + m->number);
        }
        return;
    }
    bool right = bits(m->shiftctrl, 19, 1);
    uint32_t data = right ? m->osr & low_mask(count) : (uint32_t)((uint64_t)m->osr >> (32 - count));
    m->osr = (uint32_t)(right ? (uint64_t)m->osr >> count : (uint64_t)m->osr << count);
    m->osr_count = m->osr_count + count > 32 ? 32 : m->osr_count + count;
    switch (arg >> 5) {
    case 0:
        to_pins(m, e, 0, data, false);
        break;
    case 1:
        m->x = data;
        break;
    case 2:
        m->y = data;
        break;
    case 4:
        to_pins(m, e, 1, data, false);
        break;
    case 5:
        to_pc(m, e, data);
        break;
    case 6:
        m->isr = data;
        m->isr_count = count;
        break;
    case 7:
        to_latch(m, e, data);
        break;
    }
}

static void do_push(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    if (arg & 0x40 && m->isr_count < or32(bits(m->shiftctrl, 20, 5))) {
        return;
    }
    bool full = m->rx.count >= m->rx.depth;
    if (full) {
        p->fdebug |= 1u << m->number;
        e->stalls = arg & 0x20;
    } else {
        fifo_put(&m->rx, m->isr);
    }
    if (!e->stalls) {
        m->isr = m->isr_count = 0;
    }
}

static void do_pull(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    if ((arg & 0x40 && !osr_used_up(m)) || (autopull(m) && m->osr_count == 0)) {
        return;
    }
    if (m->tx.count) {
        load_osr(m, fifo_take(&m->tx));
    } else if (arg & 0x20) {
        e->stalls = true;
        p->fdebug |= 1u << (24 + m->number);
    } else {
        load_osr(m, m->x);
    }
}

static void do_push_pull(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    if (p->version && arg & 0x10) {
        unsigned index = (arg & 8 ? arg : m->y) % 4;
        bool put = bits(m->shiftctrl, 15, 1), get = bits(m->shiftctrl, 14, 1);
        if (arg & 0x80 && get) {
            load_osr(m, m->rx.words[index]);
        } else if (!(arg & 0x80) && put) {
            m->rx.words[index] = m->isr;
        }
    } else if (arg & 0x80) {
        do_pull(p, m, arg, e);
    } else {
        do_push(p, m, arg, e);
    }
}

static void do_mov(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    uint32_t value = operand(p, m, arg & 7), mirror = 0;
    for (unsigned i = 0; i < 32; i++) {
        mirror |= (value >> i & 1) << (31 - i);
    }
    const uint32_t results[4] = { value, ~value, mirror, value };
    value = results[bits(arg, 3, 2)];
    switch (arg >> 5) {
    case 0:
        to_pins(m, e, 0, value, false);
        break;
    case 1:
        m->x = value;
        break;
    case 2:
        m->y = value;
        break;
    case 3:
        if (p->version) {
            to_pins(m, e, 1, value, false);
        }
        break;
    case 4:
        to_latch(m, e, value);
        break;
    case 5:
        to_pc(m, e, value);
        break;
    case 6:
        m->isr = value;
        m->isr_count = 0;
        break;
    case 7:
        load_osr(m, value);
        break;
    }
}

static void do_irq(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    uint32_t flag;
    struct model *owner = flag_at(p, m, arg & 31, &flag);
    if (arg & 0x80) {
        return;
    }
    if (arg & 0x40) {
        owner->clears |= flag;
    } else if (m->irq_waits) {
        m->irq_waits = e->stalls = owner->irq & flag;
    } else {
        owner->sets |= flag;
        m->irq_waits = e->stalls = arg & 0x20;
    }
}

static void do_set(struct model *p, struct machine *m, unsigned arg, struct effect *e) {
    switch (arg >> 5) {
    case 0:
        to_pins(m, e, 0, arg & 31, true);
        break;
    case 1:
        m->x = arg & 31;
        break;
    case 2:
        m->y = arg & 31;
        break;
    case 4:
        to_pins(m, e, 1, arg & 31, true);
        break;
    }
}

static void drive(struct model *p, bool directions, unsigned first, unsigned count, uint32_t value) {
    uint32_t *word = directions ? &p->oe : &p->out;
    for (unsigned i = 0; i < count; i++) {
        uint32_t pin = 1u << (first + i) % 32;
        *word = value >> i % 32 & 1 ? *word | pin : *word & ~pin;
    }
}

static void drive_write(struct model *p, struct machine *m, bool directions, struct write w) {
    if (w.valid && w.by_set) {
        drive(p, directions, bits(m->pinctrl, 5, 5), bits(m->pinctrl, 26, 3), w.value);
    } else if (w.valid) {
        drive(p, directions, bits(m->pinctrl, 0, 5), bits(m->pinctrl, 20, 6), w.value);
    }
}

/* OUT, SET and MOV, or what OUT_STICKY holds; this cycle's write takes the place of the latter. */
static void drive_pins(struct model *p, struct machine *m, const struct effect *e) {
    bool sticky = bits(m->execctrl, 17, 1);
    for (unsigned which = 0; which < 2; which++) {
        struct write now = { .valid = e && e->writes[which] && !e->disabled };
        if (now.valid) {
            now = (struct write){ .valid = true, .by_set = e->by_set, .value = e->value[which] };
        }
        if (e && e->writes[which] && sticky) {
            m->sticky[which] = now;
        }
        drive_write(p, m, which, sticky ? m->sticky[which] : now);
    }
}

static void drive_side_set(struct model *p, struct machine *m, uint16_t instruction) {
    unsigned count = side_bits(m), field = bits(instruction, 8, 5) >> (5 - count);
    bool optional = bits(m->execctrl, 30, 1);
    if (count && optional) {
        count--;
        if (!(field >> count & 1)) {
            return;
        }
    }
    drive(p, bits(m->execctrl, 29, 1), bits(m->pinctrl, 10, 5), count, field);
}

static void refill(struct machine *m) {
    if (autopull(m) && osr_used_up(m) && m->tx.count) {
        load_osr(m, fifo_take(&m->tx));
    }
}

typedef void instruction(struct model *p, struct machine *m, unsigned arg, struct effect *e);
static instruction *const instructions[8] = { do_jmp, do_wait, do_in, do_out, do_push_pull, do_mov, do_irq, do_set };

/* One instruction in one cycle. */
static void execute(struct model *p, struct machine *m) {
    bool from_latch = m->has_latch, forced = m->forced;
    uint16_t word = from_latch ? m->latch : p->memory[m->pc];
    struct effect e = { 0 };
    instructions[word >> 13](p, m, word & 0xff, &e);
    drive_pins(p, m, &e);
    drive_side_set(p, m, word);
    refill(m);
    m->tried = true;
    if (e.stalls) {
        return;
    }
    m->has_latch = e.latches;
    m->forced = forced && e.latches;
    m->tried = false;
    if (!from_latch && !e.jumps) {
        m->pc = m->pc == bits(m->execctrl, 12, 5) ? bits(m->execctrl, 7, 5) : (m->pc + 1) % 32;
    }
    if (!forced && !e.latches) {
        m->delay = bits(word, 8, 5 - side_bits(m));
    }
}

/* ---- The model: a block ---- */
static int64_t divisor(const struct machine *m) {
    unsigned whole = m->clkdiv >> 16;
    return whole ? (int64_t)(m->clkdiv >> 8) : 65536 * 256;
}

static void machine_cycle(struct model *p, struct machine *m) {
    m->to_tick -= 256;
    bool ticks = m->to_tick <= 0;
    m->to_tick += ticks ? divisor(m) : 0;
    if (m->forced) {
        execute(p, m);
    } else if (!m->enabled || !ticks) {
        drive_pins(p, m, NULL);
    } else if (m->delay) {
        m->delay--;
        refill(m);
        drive_pins(p, m, NULL);
    } else {
        execute(p, m);
    }
}

static void block_cycle(struct model *p) {
    for (unsigned n = 0; n < 4; n++) {
        machine_cycle(p, &p->machines[n]);
    }
}

static void block_end_of_cycle(struct model *p) {
    p->irq = (p->irq & ~p->clears) | p->sets;
    p->just_set = p->sets;
    p->sets = p->clears = 0;
}

static void set_depths(struct model *p, struct machine *m) {
    bool rx = bits(m->shiftctrl, 31, 1), tx = bits(m->shiftctrl, 30, 1);
    bool registers = p->version && bits(m->shiftctrl, 14, 2);
    m->tx = (struct fifo){ .depth = rx && !tx ? 0 : tx ? 8 : 4 };
    m->rx = (struct fifo){ .depth = registers || tx ? 0 : rx ? 8 : 4 };
}

static void restart(struct machine *m) {
    m->isr = m->isr_count = m->delay = 0;
    m->osr_count = 32;
    m->irq_waits = m->sampled = m->has_latch = m->forced = m->tried = false;
    m->sticky[0] = m->sticky[1] = (struct write){ 0 };
}

static void control(struct model *p, unsigned enabled, unsigned restarted, unsigned dividers) {
    for (unsigned n = 0; n < 4; n++) {
        struct machine *m = &p->machines[n];
        m->enabled = enabled >> n & 1;
        if (restarted >> n & 1) {
            restart(m);
        }
        m->to_tick = dividers >> n & 1 ? 256 : m->to_tick;
    }
}

static unsigned enabled_of(const struct model *p) {
    unsigned enabled = 0;
    for (unsigned n = 0; n < 4; n++) {
        enabled |= (unsigned)p->machines[n].enabled << n;
    }
    return enabled;
}

static void control_other(struct model *p, unsigned mask, uint32_t value) {
    unsigned enabled = enabled_of(p);
    enabled |= bits(value, 24, 1) ? mask : 0;
    enabled &= bits(value, 25, 1) ? ~mask : ~0u;
    control(p, enabled, 0, bits(value, 26, 1) ? mask : 0);
}

#endif
