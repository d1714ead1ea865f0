/* PIO against a second, plain model: random programs on all machines of a block (RP2040) or of three neighbours
 * (RP2350), with everything at once. The block is looked at either in each cycle or after leaps of random length.
 * What is compared: registers, FIFOs, flags, lines, pins and their edges, X, Y, OSR, ISR and PC. */
#include "peripherals/onchip/pio.h"
#include "tests/unit/pio_model.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define CYCLE 8000
#define PROGRAMS 10000
#define LOOKS 16
#define PINS 30
#define WATCHED 6 /* pins 0 to 5 have a listener, of which 4 and 5 have a key as well */
#define KEYS 4    /* at pins 4, 5, 20 and 21 */
#define REG(n, name) (PIO_SM0_##name + 6 * (n))

static const unsigned key_pins[KEYS] = { 4, 5, 20, 21 };

/* ---- Both of them ---- */
struct rig {
    struct stage stage;
    struct gpio_bank bank;
    unsigned count; /* blocks */
    struct block *blocks[3];
    struct model models[3];
    struct net_driver keys[KEYS];
    enum net_drive pressed[KEYS];
    struct net_listener scope;
    uint64_t seen, expected; /* what the listener heard of edges, as a sum that order and time go into */
    bool high[WATCHED], model_high[WATCHED];
    uint64_t cycle;
    struct random random;
};

static uint64_t pick(struct rig *rig, uint64_t below) {
    return random_next(&rig->random) % below;
}

static uint32_t word(struct rig *rig) {
    return (uint32_t)random_next(&rig->random);
}

static uint64_t mixed(uint64_t sum, uint64_t cycle, unsigned pin, bool level) {
    return (sum ^ (cycle << 8 | pin << 1 | level)) * 0x9e3779b97f4a7c15u;
}

static void edge(struct net_listener *listener, struct net *net) {
    struct rig *rig = listener->owner;
    uint64_t cycle = clock_cycles_at(&rig->stage.clock, scheduler_due(&rig->stage.scheduler));
    for (unsigned pin = 0; pin < WATCHED; pin++) {
        if (&rig->bank.pins[pin].net == net && net_is_high(net) != rig->high[pin]) {
            rig->high[pin] = net_is_high(net);
            rig->seen += mixed(1, cycle, pin, rig->high[pin]);
        }
    }
}

/* Pins 0 to 11 and all from 22 on are the first block's, the others' as far as there are blocks. */
static unsigned owner_of(const struct rig *rig, unsigned pin) {
    return pin < 12 || pin >= 22 ? 0 : (pin < 17 ? 1 : 2) % rig->count;
}

static uint64_t model_pins(struct rig *rig) {
    uint64_t levels = 0;
    for (unsigned pin = 0; pin < PINS; pin++) {
        const struct model *p = &rig->models[owner_of(rig, pin)];
        bool drives = pin >= p->base && pin < p->base + 32 && p->oe >> (pin - p->base) & 1;
        bool low = drives && !(p->out >> (pin - p->base) & 1), high = drives && !low;
        for (unsigned i = 0; i < KEYS; i++) {
            low |= key_pins[i] == pin && rig->pressed[i] == NET_LOW;
            high |= key_pins[i] == pin && rig->pressed[i] == NET_HIGH;
        }
        levels |= (uint64_t)(high && !low) << pin;
    }
    return levels;
}

static void note_model_edges(struct rig *rig) {
    uint64_t pins = model_pins(rig);
    for (unsigned pin = 0; pin < WATCHED; pin++) {
        bool high = pins >> pin & 1;
        if (high != rig->model_high[pin]) {
            rig->model_high[pin] = high;
            rig->expected += mixed(1, rig->cycle, pin, high);
        }
    }
}

static void step_models(struct rig *rig) {
    uint64_t pins = model_pins(rig);
    rig->cycle++;
    for (unsigned i = 0; i < rig->count; i++) {
        memmove(rig->models[i].sync + 1, rig->models[i].sync, 3 * sizeof(uint64_t));
        rig->models[i].sync[0] = pins;
        block_cycle(&rig->models[i]);
    }
    for (unsigned i = 0; i < rig->count; i++) {
        block_end_of_cycle(&rig->models[i]);
    }
    note_model_edges(rig);
}

static void advance(struct rig *rig, uint64_t cycles) {
    for (uint64_t i = 0; i < cycles; i++) {
        step_models(rig);
    }
    struct scheduler *scheduler = &rig->stage.scheduler;
    uint64_t end = rig->cycle * CYCLE;
    while (pick(rig, 2) && scheduler_next(scheduler) <= end) { /* some events come in time, others late */
        scheduler_advance(scheduler, scheduler_next(scheduler));
    }
    scheduler_advance(scheduler, end);
}

/* ---- Comparison ---- */
static void compare_machine(struct rig *rig, unsigned i, unsigned n) {
    const struct machine *m = &rig->models[i].machines[n];
    const struct pio_machine *real = &((struct pio *)rig->blocks[i])->machines[n];
    assert_int_equal(rd(rig->blocks[i], REG(n, ADDR)), m->pc);
    assert_int_equal(rd(rig->blocks[i], REG(n, EXECCTRL)) >> 31, m->forced && m->tried);
    assert_int_equal(real->now.x, m->x);
    assert_int_equal(real->now.y, m->y);
    assert_int_equal(real->now.osr, m->osr);
    assert_int_equal(real->now.isr, m->isr);
    assert_int_equal(real->now.osr_count, m->osr_count);
    assert_int_equal(real->now.isr_count, m->isr_count);
}

static uint32_t model_fstat(const struct model *p) {
    uint32_t fstat = 0;
    for (unsigned n = 0; n < 4; n++) {
        const struct machine *m = &p->machines[n];
        fstat |= (uint32_t)(m->tx.count == 0) << (24 + n) | (uint32_t)(m->tx.count >= m->tx.depth) << (16 + n) |
                 (uint32_t)(m->rx.count == 0) << (8 + n) | (uint32_t)(m->rx.count >= m->rx.depth) << n;
    }
    return fstat;
}

static uint32_t model_flevel(const struct model *p) {
    uint32_t levels = 0;
    for (unsigned n = 0; n < 4; n++) {
        levels |= (p->machines[n].tx.count | p->machines[n].rx.count << 4) << 8 * n;
    }
    return levels;
}

static void compare_lines(struct rig *rig, unsigned i) {
    const struct model *p = &rig->models[i];
    const struct pio *pio = (struct pio *)rig->blocks[i];
    uint32_t fstat = model_fstat(p);
    uint32_t intr = (p->irq << 8 | (~fstat >> 16 & 0xf) << 4 | (~fstat >> 8 & 0xf)) & (p->version ? 0xffff : 0xfff);
    assert_int_equal(rd(rig->blocks[i], PIO_INTR), intr);
    assert_int_equal(rig->blocks[i]->irq[0].level, (intr & pio->block.values[PIO_IRQ0_INTE]) != 0);
    for (unsigned n = 0; n < 4; n++) {
        assert_int_equal(pio->dreq_tx[n].level, p->machines[n].tx.count < p->machines[n].tx.depth);
        assert_int_equal(pio->dreq_rx[n].level, p->machines[n].rx.count > 0);
    }
}

static void compare(struct rig *rig) {
    for (unsigned i = 0; i < rig->count; i++) {
        const struct model *p = &rig->models[i];
        struct block *block = rig->blocks[i];
        assert_int_equal(rd(block, PIO_DBG_PADOUT), p->out);
        assert_int_equal(rd(block, PIO_DBG_PADOE), p->oe);
        assert_int_equal(rd(block, PIO_IRQ), p->irq);
        assert_int_equal(rd(block, PIO_FDEBUG), p->fdebug);
        assert_int_equal(rd(block, PIO_FSTAT), model_fstat(p));
        assert_int_equal(rd(block, PIO_FLEVEL), model_flevel(p));
        for (unsigned n = 0; n < 4; n++) {
            compare_machine(rig, i, n);
        }
        compare_lines(rig, i);
    }
    gpio_settle(&rig->bank);
    assert_int_equal(gpio_inputs(&rig->bank), model_pins(rig));
    assert_true(rig->seen == rig->expected);
}

/* ---- Random set-ups ---- */

/* Any instruction; the ones that often stop a machine for good are rarer. */
static uint16_t random_instruction(struct rig *rig) {
    static const unsigned kinds[16] = { 0, 0, 0, 1, 2, 2, 3, 3, 3, 4, 5, 5, 6, 7, 7, 7 };
    unsigned kind = kinds[pick(rig, 16)];
    uint16_t low = (uint16_t)(word(rig) & 0x1fff);
    if (kind == 6 && pick(rig, 2)) {
        low &= 0x1f7f;
    }
    if (kind == 1 && pick(rig, 2)) { /* wait for a flag */
        low = (uint16_t)((low & ~0x60) | 0x40);
    }
    return (uint16_t)(kind << 13 | (pick(rig, 3) ? low & 0x10ff : low));
}

static uint32_t random_clkdiv(struct rig *rig) {
    uint32_t whole = pick(rig, 2) ? 1 : 1 + (uint32_t)pick(rig, 5);
    return whole << 16 | (pick(rig, 3) ? 0 : word(rig) & 0xff00);
}

static void set_machine(struct rig *rig, unsigned i, unsigned n, const uint32_t values[4]) {
    struct machine *m = &rig->models[i].machines[n];
    static const unsigned regs[4] = { PIO_SM0_CLKDIV, PIO_SM0_EXECCTRL, PIO_SM0_SHIFTCTRL, PIO_SM0_PINCTRL };
    m->clkdiv = values[0];
    m->execctrl = values[1];
    m->shiftctrl = values[2];
    m->pinctrl = values[3];
    for (unsigned k = 0; k < 4; k++) {
        wr(rig->blocks[i], regs[k] + 6 * n, values[k]);
    }
    set_depths(&rig->models[i], m);
}

static void random_settings(struct rig *rig, unsigned i, unsigned n) {
    uint32_t execctrl = word(rig) & (rig->count > 1 ? 0x7fffff7f : 0x7fffff9f);
    uint32_t shiftctrl = word(rig) & (rig->count > 1 ? 0xffffc01f : 0xffff0000);
    uint32_t pinctrl = word(rig);
    if (pick(rig, 8)) {
        execctrl &= ~PIO_SM0_EXECCTRL_OUT_STICKY;
    }
    if (pick(rig, 4)) {
        shiftctrl &= ~0xc000u; /* else half of all machines have no receive FIFO */
    }
    if (shiftctrl & 0xc000 || pick(rig, 2)) {
        shiftctrl &= ~0xc0000000u;
    }
    if (pick(rig, 2)) { /* few pins each, so that not all machines share them */
        pinctrl = (pinctrl & 0x3c0fffff) | (uint32_t)pick(rig, 3) << 29 | (uint32_t)pick(rig, 4) << 20;
    }
    set_machine(rig, i, n, (const uint32_t[]){ random_clkdiv(rig), execctrl, shiftctrl, pinctrl });
}

static void load_program(struct rig *rig, unsigned i, const uint16_t program[32]) {
    for (unsigned k = 0; k < 32; k++) {
        rig->models[i].memory[k] = program[k];
        wr(rig->blocks[i], PIO_INSTR_MEM0 + k, program[k]);
    }
}

static void random_program(struct rig *rig, unsigned i) {
    uint16_t program[32];
    for (unsigned k = 0; k < 32; k++) {
        program[k] = random_instruction(rig);
    }
    load_program(rig, i, program);
}

/* Programs that are carried out in bulk: counting loops, toggles, OUT after OUT. All machines begin at address 0. */
static void regular_program(struct rig *rig, unsigned i) {
    uint16_t delay = (uint16_t)(pick(rig, 2) ? 0 : pick(rig, 3) << 8), side = (uint16_t)(word(rig) & 0x1000);
    uint16_t bits = (uint16_t)(1 + pick(rig, 3)), program[32] = { 0 };
    switch (pick(rig, 4)) {
    case 0: /* out pc, n */
        for (unsigned k = 0; k < 8; k++) {
            program[k] = (uint16_t)(0x60a0 | bits | delay | (word(rig) & 0x1000));
        }
        break;
    case 1: /* out pins, n */
        program[0] = (uint16_t)(0x6000 | bits | delay | side);
        break;
    case 2: /* out x, 8; set pins, 1; jmp x--; set pins, 0; mov y, ~null; jmp y-- */
        memcpy(program, (const uint16_t[]){ 0x6028, 0xe001 | delay, 0x0042 | side, 0xe000, 0xa04b, 0x0085 }, 12);
        break;
    default: /* mov x, ~null; nop; set pins, 1; set pins, 0; jmp x-- */
        memcpy(program, (const uint16_t[]){ 0xa02b, 0xa042 | delay, 0xe001 | side, 0xe000, 0x0041 }, 10);
    }
    load_program(rig, i, program);
}

static void regular_settings(struct rig *rig, unsigned i, unsigned n) {
    bool loops = !(rig->models[i].memory[0] & 0x00e0); /* out pins */
    uint32_t top = loops ? 0 : 5, shiftctrl = (word(rig) & 0xbe000000) | 0x000c0000 | (word(rig) & 0x80000);
    uint32_t pinctrl = 1u << 29 | 1u << 26 | 2u << 20 | (n * 4) | (n * 4 + 1) << 5 | (n * 4 + 3) << 10;
    shiftctrl = (shiftctrl & 0x7fffffff) | (pick(rig, 2) ? 0x40000000 : 0) | 0x20000;
    set_machine(rig, i, n, (const uint32_t[]){ random_clkdiv(rig), top << 12, shiftctrl, pinctrl });
}

static void random_set_up(struct rig *rig, unsigned i) {
    bool regular = !pick(rig, 4);
    struct model *p = &rig->models[i];
    if (regular) {
        regular_program(rig, i);
    } else {
        random_program(rig, i);
    }
    for (unsigned n = 0; n < 4; n++) {
        if (regular) {
            regular_settings(rig, i, n);
        } else {
            random_settings(rig, i, n);
        }
    }
    p->bypass = pick(rig, 3) ? 0 : word(rig);
    wr(rig->blocks[i], PIO_INPUT_SYNC_BYPASS, p->bypass);
    wr(rig->blocks[i], PIO_IRQ0_INTE, word(rig) & word(rig) & 0xffff & (p->version ? 0xffff : 0xfff));
}

/* ---- Random events ---- */
static void write_control(struct rig *rig, unsigned i, uint32_t value) {
    struct model *p = &rig->models[i];
    wr(rig->blocks[i], PIO_CTRL, value);
    control(p, bits(value, 0, 4), bits(value, 4, 4), bits(value, 8, 4));
    if (p->version) {
        control_other(p->previous, bits(value, 16, 4), value);
        control_other(p->next, bits(value, 20, 4), value);
    }
}

static void random_control(struct rig *rig, unsigned i) {
    uint32_t value = word(rig) & word(rig) & 0x07000ff0;
    value |= word(rig) & word(rig) & word(rig) & 0x00ff0000;
    write_control(rig, i, value | enabled_of(&rig->models[i]) | (word(rig) & 0xf));
}

static void push_word(struct rig *rig, unsigned i, unsigned n) {
    struct machine *m = &rig->models[i].machines[n];
    uint32_t value = pick(rig, 2) ? word(rig) : random_instruction(rig);
    wr(rig->blocks[i], PIO_TXF0 + n, value);
    if (m->tx.count < m->tx.depth) {
        fifo_put(&m->tx, value);
    } else {
        rig->models[i].fdebug |= 1u << (16 + n);
    }
}

static void pull_word(struct rig *rig, unsigned i, unsigned n) {
    struct machine *m = &rig->models[i].machines[n];
    uint32_t value = rd(rig->blocks[i], PIO_RXF0 + n);
    if (m->rx.count) {
        assert_int_equal(value, fifo_take(&m->rx));
    } else {
        rig->models[i].fdebug |= 1u << (8 + n);
    }
}

/* What looks at pins is left out: inputs that no program looks at are not remembered. */
static bool looks_at_pins(uint16_t word) {
    unsigned kind = word >> 13, arg = word & 0xff;
    return (kind == 0 && arg >> 5 == 6) || (kind == 1 && bits(arg, 5, 2) != 2) || (kind == 2 && arg >> 5 == 0) ||
           (kind == 5 && (arg & 7) == 0);
}

static void force(struct rig *rig, unsigned i, unsigned n) {
    struct machine *m = &rig->models[i].machines[n];
    uint16_t word = random_instruction(rig);
    if (looks_at_pins(word)) {
        return;
    }
    wr(rig->blocks[i], REG(n, INSTR), word);
    m->latch = word;
    m->has_latch = m->forced = true;
    m->tried = m->irq_waits = m->sampled = false;
}

static void access_fifo_register(struct rig *rig, unsigned i, unsigned n) {
    struct machine *m = &rig->models[i].machines[n];
    unsigned index = (unsigned)pick(rig, 4), reg = PIO_RXF0_PUTGET0 + 4 * n + index;
    bool put = bits(m->shiftctrl, 15, 1), get = bits(m->shiftctrl, 14, 1);
    if (pick(rig, 2)) {
        assert_int_equal(rd(rig->blocks[i], reg), put && !get ? m->rx.words[index] : 0);
        return;
    }
    uint32_t value = word(rig);
    wr(rig->blocks[i], reg, value);
    if (get && !put) {
        m->rx.words[index] = value;
    }
}

static void change_divider(struct rig *rig, unsigned i, unsigned n) {
    uint32_t value = random_clkdiv(rig);
    rig->models[i].machines[n].clkdiv = value;
    wr(rig->blocks[i], REG(n, CLKDIV), value);
}

static void write_flags(struct rig *rig, unsigned i, bool sets) {
    struct model *p = &rig->models[i];
    uint32_t flags = word(rig) & word(rig) & 0xff;
    wr(rig->blocks[i], sets ? PIO_IRQ_FORCE : PIO_IRQ, flags);
    p->irq = sets ? p->irq | flags : p->irq & ~(flags & ~p->just_set);
}

static void clear_debug(struct rig *rig, unsigned i) {
    uint32_t flags = word(rig) & 0x0f0f0f0f;
    wr(rig->blocks[i], PIO_FDEBUG, flags);
    rig->models[i].fdebug &= ~flags;
}

static void press_key(struct rig *rig) {
    unsigned key = (unsigned)pick(rig, KEYS);
    const enum net_drive drives[3] = { NET_LOW, NET_HIGH, NET_Z };
    rig->pressed[key] = drives[pick(rig, 3)];
    net_drive(&rig->keys[key], rig->pressed[key]);
    note_model_edges(rig);
}

static void random_event(struct rig *rig) {
    unsigned i = (unsigned)pick(rig, rig->count), n = (unsigned)pick(rig, 4);
    switch (pick(rig, 16)) {
    case 0:
        random_control(rig, i);
        break;
    case 1:
        write_flags(rig, i, false);
        break;
    case 2:
        write_flags(rig, i, true);
        break;
    case 3:
        clear_debug(rig, i);
        break;
    case 4:
        change_divider(rig, i, n);
        break;
    case 5:
        force(rig, i, n);
        break;
    case 6:
        if (rig->models[i].version) {
            access_fifo_register(rig, i, n);
        }
        break;
    case 7:
    case 8:
        pull_word(rig, i, n);
        break;
    case 9:
    case 10:
    case 11:
        press_key(rig);
        break;
    default:
        push_word(rig, i, n);
        break;
    }
}

/* ---- A case ---- */
static void make_rig(struct rig *rig, unsigned blocks, const struct register_table *registers,
                     const struct pio_variant *variant) {
    static const char *const names[3] = { "PIO0", "PIO1", "PIO2" };
    memset(rig, 0, sizeof(*rig));
    stage_init(&rig->stage);
    gpio_bank_init(&rig->bank, &rig->stage.env, &rp2040_gpio_bank0);
    rig->count = blocks;
    struct pio *pios[3];
    for (unsigned i = 0; i < blocks; i++) {
        rig->blocks[i] = block_create(&pio_class, names[i], &rig->stage.env, registers);
        pios[i] = (struct pio *)rig->blocks[i];
        pios[i]->variant = variant;
        pios[i]->clk_sys = &rig->stage.clock;
        pios[i]->gpio = &rig->bank;
        pios[i]->function = 6 + i;
    }
    for (unsigned i = 0; i < blocks && blocks > 1; i++) {
        pios[i]->next = pios[(i + 1) % blocks];
        pios[i]->previous = pios[(i + blocks - 1) % blocks];
    }
    for (unsigned i = 0; i < blocks; i++) {
        block_start(rig->blocks[i]);
    }
    for (unsigned pin = 0; pin < PINS; pin++) {
        gpio_set_pad(&rig->bank, pin, 0x52, false);
        gpio_set_control(&rig->bank, pin, 6 + owner_of(rig, pin));
    }
    rig->scope = (struct net_listener){ .changed = edge, .owner = rig };
    for (unsigned i = 0; i < KEYS; i++) {
        net_attach(&rig->bank.pins[key_pins[i]].net, &rig->keys[i]);
    }
}

/* One listener a net. */
static void listen(struct rig *rig, struct net_listener scopes[WATCHED]) {
    for (unsigned pin = 0; pin < WATCHED; pin++) {
        scopes[pin] = rig->scope;
        net_listen(&rig->bank.pins[pin].net, &scopes[pin]);
    }
}

static void reset_models(struct rig *rig) {
    for (unsigned i = 0; i < rig->count; i++) {
        struct model *p = &rig->models[i];
        *p = (struct model){ .version = rig->count > 1 };
        p->next = &rig->models[(i + 1) % rig->count];
        p->previous = &rig->models[(i + rig->count - 1) % rig->count];
        for (unsigned n = 0; n < 4; n++) {
            p->machines[n].number = n;
            p->machines[n].osr_count = 32;
        }
    }
}

static void begin_case(struct rig *rig, uint64_t seed) {
    random_init(&rig->random, seed);
    for (unsigned i = 0; i < rig->count; i++) {
        block_reset(rig->blocks[i]);
    }
    for (unsigned i = 0; i < KEYS; i++) {
        rig->pressed[i] = NET_Z;
        net_drive(&rig->keys[i], NET_Z);
    }
    scheduler_advance(&rig->stage.scheduler, rig->stage.scheduler.now_ps + 4 * CYCLE);
    rig->cycle = rig->stage.scheduler.now_ps / CYCLE;
    reset_models(rig);
    for (unsigned pin = 0; pin < WATCHED; pin++) {
        rig->high[pin] = rig->model_high[pin] = false;
    }
    for (unsigned i = 0; i < rig->count; i++) {
        random_set_up(rig, i);
        write_control(rig, i, 0xf00 | (pick(rig, 4) ? 0xf : word(rig) & 0xf));
    }
    rig->seen = rig->expected = 0;
}

static void run_case(struct rig *rig, uint64_t seed) {
    begin_case(rig, seed);
    bool leaps = pick(rig, 4);
    for (unsigned look = 0; look < LOOKS; look++) {
        uint64_t cycles = 1 + pick(rig, pick(rig, 4) ? 6 : 60);
        for (uint64_t k = 0; k < (leaps ? 1 : cycles % 12); k++) {
            advance(rig, leaps ? cycles : 1);
            compare(rig);
        }
        for (uint64_t k = leaps ? 0 : cycles % 12; !leaps && !k; k++) {
            advance(rig, 1);
        }
        random_event(rig);
    }
}

static void run_cases(unsigned blocks, const struct register_table *registers, const struct pio_variant *variant) {
    struct rig *rig = malloc(sizeof(*rig));
    struct net_listener scopes[WATCHED];
    assert_non_null(rig);
    make_rig(rig, blocks, registers, variant);
    listen(rig, scopes);
    const char *only = getenv("PIO_MODEL_SEED"); /* to look into one case */
    for (uint64_t seed = only ? strtoull(only, NULL, 10) : 1; seed <= PROGRAMS; seed++) {
        print_message("%s", seed % 2000 ? "" : ".");
        run_case(rig, seed);
        if (only) {
            break;
        }
    }
    for (unsigned i = 0; i < blocks; i++) {
        block_destroy(rig->blocks[i]);
    }
    free(rig);
}

static void rp2040_programs(void **state) {
    run_cases(1, &rp2040_pio_registers, &rp2040_pio);
}

static void rp2350_programs(void **state) {
    run_cases(3, &rp2350_pio_registers, &rp2350_pio);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rp2040_programs),
        cmocka_unit_test(rp2350_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
