/* Programmable I/O: registers, FIFOs and time. RP2040 datasheet 3, RP2350 datasheet 11. The instructions are in
 * pio_execute.c.
 *
 * Each machine has the cycle of its next instruction, in 1/256 of clk_sys (the divider is first-order); delays and
 * divided clocks are one step. A machine that stalls has none until what it waits for changes. Instructions that nobody
 * outside notices (loops that count, or poll a pin) are foreseen and carried out together, at the time of the next one
 * that somebody does notice or when somebody looks. Within a cycle machines
 * go in the order of their numbers, pins change at its end.
 *
 * Not modelled: the cycle in which a store to SMn_INSTR waits for a running machine (it executes at once), side effects
 * of OUT_STICKY.
 *
 * Decided: a machine that is enabled executes in the next cycle; one that is disabled keeps its divider's phase. A flag
 * that a machine sets lets one that waits for it go on in the next cycle. */
#include "peripherals/onchip/pio_private.h"

#define FORESIGHT 256 /* instructions */
#define INPUT_DELAY 2 /* cycles of the synchronisers */
#define FIFO_DEPTH 4
#define IRQ_REGISTERS (PIO_IRQ1_INTE - PIO_IRQ0_INTE)

const struct pio_variant rp2040_pio = {
    .status_sel = RP2040_PIO_SM0_EXECCTRL_STATUS_SEL,
    .status_n = RP2040_PIO_SM0_EXECCTRL_STATUS_N,
    .irq_lines = 0xfff,
};
const struct pio_variant rp2350_pio = {
    .version = 1,
    .status_sel = RP2350_PIO_SM0_EXECCTRL_STATUS_SEL,
    .status_n = RP2350_PIO_SM0_EXECCTRL_STATUS_N,
    .irq_lines = 0xffff,
};

static struct pio *pio_of(struct block *block) {
    return (struct pio *)block;
}

/* ---- FIFOs ---- */
bool pio_push(struct pio_fifo *fifo, uint32_t item) {
    if (fifo->count >= fifo->depth) {
        return false;
    }
    fifo->items[(fifo->first + fifo->count++) % PIO_FIFO_DEPTH] = item;
    return true;
}

uint32_t pio_pop(struct pio_fifo *fifo) {
    uint32_t item = fifo->items[fifo->first];
    fifo->first = (fifo->first + 1) % PIO_FIFO_DEPTH;
    fifo->count--;
    return item;
}

static void clear_fifos(struct pio *pio, struct pio_machine *m) {
    uint32_t joins = pio->block.values[SM(SHIFTCTRL, m)];
    bool registers = pio->variant->version && joins & (PIO_SM0_SHIFTCTRL_FJOIN_RX_PUT | PIO_SM0_SHIFTCTRL_FJOIN_RX_GET);
    bool tx_takes = joins & PIO_SM0_SHIFTCTRL_FJOIN_TX, rx_takes = joins & PIO_SM0_SHIFTCTRL_FJOIN_RX;
    m->tx = (struct pio_fifo){ .depth = tx_takes ? 2 * FIFO_DEPTH : rx_takes ? 0 : FIFO_DEPTH };
    m->rx = (struct pio_fifo){ .depth = registers || tx_takes ? 0 : rx_takes ? 2 * FIFO_DEPTH : FIFO_DEPTH };
}

/* ---- Outputs ---- */
static uint32_t raw_interrupts(const struct pio *pio) {
    uint32_t raw = (pio->block.values[PIO_IRQ] & 0xff) * PIO_INTR_SM0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        raw |= m->rx.count ? PIO_INTR_SM0_RXNEMPTY << n : 0;
        raw |= m->tx.count < m->tx.depth ? PIO_INTR_SM0_TXNFULL << n : 0;
    }
    return raw & pio->variant->irq_lines;
}

static uint32_t interrupts(const struct pio *pio, unsigned irq) {
    const uint32_t *set = &pio->block.values[PIO_IRQ0_INTE + irq * IRQ_REGISTERS];
    return (raw_interrupts(pio) & set[0]) | set[1];
}

static void pio_update(struct pio *pio) {
    line_set(&pio->block.irq[0], interrupts(pio, 0));
    line_set(&pio->block.irq[1], interrupts(pio, 1));
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        line_set(&pio->dreq_tx[n], m->tx.count < m->tx.depth);
        line_set(&pio->dreq_rx[n], m->rx.count > 0);
    }
}

static unsigned base(const struct pio *pio) {
    return pio->block.values[PIO_GPIOBASE];
}

static void publish(struct pio *pio) {
    if (pio->changed && pio->gpio) {
        uint64_t mask = (uint64_t)pio->changed << base(pio);
        gpio_function_outputs(pio->gpio, pio->function, mask, (uint64_t)pio->out << base(pio),
                              (uint64_t)pio->oe << base(pio));
    }
    pio->changed = 0;
}

/* ---- Inputs ---- */
uint32_t pio_inputs(struct pio *pio) {
    uint64_t heard = pio->pin_listener.pins; /* the others are read by instructions from outside alone */
    uint64_t now = pio->gpio ? (pio->inputs & heard) | (gpio_inputs(pio->gpio) & ~heard) : 0, seen = now;
    for (; pio->change_count && pio->changes[pio->first_change].cycle <= pio->cycle; pio->change_count--) {
        pio->first_change = (pio->first_change + 1) % PIO_INPUT_CHANGES;
    }
    if (pio->change_count) {
        seen = (pio->changes[pio->first_change].before & heard) | (now & ~heard);
    }
    uint32_t direct = pio->block.values[PIO_INPUT_SYNC_BYPASS];
    return ((uint32_t)(seen >> base(pio)) & ~direct) | ((uint32_t)(now >> base(pio)) & direct);
}

/* ---- Time ---- */
static uint64_t cycle_now(const struct pio *pio) {
    return clock_cycles_at(pio->clk_sys, scheduler_now(pio->block.env->scheduler));
}

static bool is_enabled(const struct pio *pio, const struct pio_machine *m) {
    return pio->block.values[PIO_CTRL] >> m->number & 1;
}

static bool is_active(const struct pio *pio, const struct pio_machine *m) {
    return m->wait == PIO_RUNS && (is_enabled(pio, m) || m->has_instruction);
}

static uint64_t tick_of(const struct pio_machine *m) {
    return (m->due + 255) >> 8;
}

static uint64_t next_tick(const struct pio *pio) {
    uint64_t first = TIME_NEVER;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        first = is_active(pio, m) && tick_of(m) < first ? tick_of(m) : first;
    }
    return first;
}

/* The machine's next tick from `cycle` on, in step with its divider. */
static void align(const struct pio *pio, struct pio_machine *m, uint64_t cycle) {
    uint32_t setting = pio->block.values[SM(CLKDIV, m)] >> 8;
    uint64_t divider = setting >> 8 ? setting : 65536u << 8;
    if (tick_of(m) < cycle) {
        uint64_t behind = ((cycle - 1) << 8) - m->due;
        m->due += (behind / divider + 1) * divider;
    }
}

static void wake(struct pio *pio, struct pio_machine *m, uint64_t cycle) {
    if (m->wait != PIO_RUNS) {
        m->wait = PIO_RUNS;
        align(pio, m, cycle);
    }
}

static void run(struct pio *pio, uint64_t until) {
    struct scheduler *scheduler = pio->block.env->scheduler;
    bool in_event = scheduler->in_event;
    uint64_t due_ps = scheduler->due_ps;
    pio->running = true;
    for (uint64_t tick; (tick = next_tick(pio)) <= until;) {
        pio->cycle = tick;
        scheduler->in_event = true; /* pins change at the time of the tick, however late it is carried out */
        scheduler->due_ps = clock_time_of(pio->clk_sys, tick);
        for (unsigned n = 0; n < PIO_MACHINES; n++) {
            struct pio_machine *m = &pio->machines[n];
            if (is_active(pio, m) && tick_of(m) <= tick) {
                pio_step(pio, m);
                pio->foreseen &= tick_of(m) > m->quiet ? ~(1u << n) : UINT32_MAX;
            }
        }
        publish(pio);
    }
    scheduler->in_event = in_event;
    scheduler->due_ps = due_ps;
    pio->cycle = pio->cycle < until ? until : pio->cycle;
    pio->running = false;
}

/* When somebody notices the machine next, as far as can be foreseen. */
static uint64_t foresee(struct pio *pio, struct pio_machine *m) {
    struct pio_machine copy = *m;
    bool settled = !pio->change_count ||
                   pio->changes[(pio->first_change + pio->change_count - 1) % PIO_INPUT_CHANGES].cycle <= tick_of(m);
    for (unsigned i = 0; settled && i < FORESIGHT && pio_is_silent(pio, &copy); i++) {
        pio_step(pio, &copy);
    }
    return tick_of(&copy);
}

static uint64_t next_noticed(struct pio *pio) {
    uint64_t first = TIME_NEVER;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        struct pio_machine *m = &pio->machines[n];
        if (!is_active(pio, m)) {
            continue;
        }
        if (!(pio->foreseen >> n & 1)) {
            m->quiet = foresee(pio, m);
            pio->foreseen |= 1u << n;
        }
        first = m->quiet < first ? m->quiet : first;
    }
    return first;
}

static void schedule(struct pio *pio) {
    struct scheduler *scheduler = pio->block.env->scheduler;
    uint64_t tick = next_noticed(pio);
    uint64_t when = tick == TIME_NEVER ? tick : clock_time_of(pio->clk_sys, tick);
    if (when == TIME_NEVER) {
        scheduler_cancel(scheduler, &pio->event);
    } else {
        scheduler_add(scheduler, &pio->event, when);
    }
}

static void catch_up(struct pio *pio) {
    if (!pio->running) {
        run(pio, cycle_now(pio));
    }
}

static void settle(struct pio *pio) {
    if (!pio->running) {
        publish(pio);
        pio_update(pio);
        schedule(pio);
    }
}

static void wake_all(struct pio *pio, enum pio_wait what, uint64_t cycle) {
    pio->foreseen = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        if (pio->machines[n].wait == what) {
            wake(pio, &pio->machines[n], cycle);
        }
    }
}

void pio_flags_changed(struct pio *pio) {
    catch_up(pio);
    struct pio *const blocks[] = { pio->previous, pio, pio->next };
    for (unsigned i = 0; i < 3; i++) {
        if (blocks[i]) {
            catch_up(blocks[i]);
            wake_all(blocks[i], PIO_WAITS_IRQ, pio->cycle + 1);
            settle(blocks[i]);
        }
    }
}

/* ---- What the machines look at ---- */
static uint32_t pins_of(const struct pio *pio, const struct pio_machine *m) {
    uint32_t pins = 0;
    for (unsigned i = 0; i < 32; i++) {
        pins |= pio_pins_of(pio, m, pio->memory[i]);
    }
    pins = is_enabled(pio, m) ? pins : 0;
    return pins | (m->has_instruction ? pio_pins_of(pio, m, m->instruction) : 0);
}

static void listen(struct pio *pio) {
    uint32_t pins = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pins |= pins_of(pio, &pio->machines[n]);
    }
    pio->pin_listener.pins = (uint64_t)pins << base(pio);
    pio->pin_listener.every_edge = pins;
    pio->inputs = pio->gpio ? gpio_inputs(pio->gpio) : 0;
}

static void pins_changed(struct gpio_listener *listener, uint64_t pins) {
    struct pio *pio = listener->owner;
    catch_up(pio);
    if (pio->change_count == PIO_INPUT_CHANGES) { /* long ago */
        pio->first_change = (pio->first_change + 1) % PIO_INPUT_CHANGES;
        pio->change_count--;
    }
    unsigned last = (pio->first_change + pio->change_count++) % PIO_INPUT_CHANGES;
    pio->changes[last] = (struct pio_input_change){ pio->cycle + INPUT_DELAY, pio->inputs };
    pio->inputs = gpio_inputs(pio->gpio);
    bool direct = pio->block.values[PIO_INPUT_SYNC_BYPASS];
    wake_all(pio, PIO_WAITS_PINS, pio->cycle + (direct ? 1 : INPUT_DELAY));
    settle(pio);
}

/* ---- Registers ---- */
static uint32_t fifo_status(const struct pio *pio) {
    uint32_t status = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        status |= (m->tx.count ? 0 : 1u << (PIO_FSTAT_TXEMPTY_LSB + n));
        status |= (m->tx.count < m->tx.depth ? 0 : 1u << (PIO_FSTAT_TXFULL_LSB + n));
        status |= (m->rx.count ? 0 : 1u << (PIO_FSTAT_RXEMPTY_LSB + n));
        status |= (m->rx.count < m->rx.depth ? 0 : 1u << (PIO_FSTAT_RXFULL_LSB + n));
    }
    return status;
}

static uint32_t fifo_levels(const struct pio *pio) {
    uint32_t levels = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        levels |= (pio->machines[n].tx.count | pio->machines[n].rx.count << 4) << 8 * n;
    }
    return levels;
}

static uint32_t read_rx(struct pio *pio, struct pio_machine *m) {
    if (!m->rx.count) {
        pio->block.values[PIO_FDEBUG] |= 1u << (PIO_FDEBUG_RXUNDER_LSB + m->number);
        return m->rx.items[m->rx.first];
    }
    uint32_t item = pio_pop(&m->rx);
    pio->foreseen = 0;
    if (m->wait == PIO_WAITS_RX) {
        wake(pio, m, pio->cycle + 1);
    }
    settle(pio);
    return item;
}

static uint32_t read_machine(const struct pio *pio, unsigned reg) {
    const struct pio_machine *m = &pio->machines[(reg - PIO_SM0_CLKDIV) / SM_REGISTERS];
    switch (PIO_SM0_CLKDIV + (reg - PIO_SM0_CLKDIV) % SM_REGISTERS) {
    case PIO_SM0_ADDR:
        return m->pc;
    case PIO_SM0_INSTR:
        return m->has_instruction ? m->instruction : pio->memory[m->pc];
    case PIO_SM0_EXECCTRL:
        return pio->block.values[reg] | (m->has_instruction && m->wait ? PIO_SM0_EXECCTRL_EXEC_STALLED : 0);
    default:
        return pio->block.values[reg];
    }
}

static uint32_t pio_read(struct block *block, unsigned reg) {
    struct pio *pio = pio_of(block);
    catch_up(pio);
    if (reg >= PIO_RXF0 && reg <= PIO_RXF3) {
        return read_rx(pio, &pio->machines[reg - PIO_RXF0]);
    }
    if (reg >= PIO_SM0_CLKDIV && reg <= PIO_SM3_PINCTRL) {
        return read_machine(pio, reg);
    }
    if (reg >= PIO_RXF0_PUTGET0 && reg <= PIO_RXF3_PUTGET3) {
        return pio->machines[(reg - PIO_RXF0_PUTGET0) / 4].rx.items[(reg - PIO_RXF0_PUTGET0) % 4];
    }
    switch (reg) {
    case PIO_FSTAT:
        return fifo_status(pio);
    case PIO_FLEVEL:
        return fifo_levels(pio);
    case PIO_DBG_PADOUT:
        return pio->out;
    case PIO_DBG_PADOE:
        return pio->oe;
    case PIO_DBG_CFGINFO:
        return pio->variant->version << PIO_DBG_CFGINFO_VERSION_LSB | 32u << PIO_DBG_CFGINFO_IMEM_SIZE_LSB |
               PIO_MACHINES << PIO_DBG_CFGINFO_SM_COUNT_LSB | FIFO_DEPTH;
    case PIO_INTR:
        return raw_interrupts(pio);
    case PIO_IRQ0_INTS:
        return interrupts(pio, 0);
    case PIO_IRQ1_INTS:
        return interrupts(pio, 1);
    default:
        return block->values[reg];
    }
}

static void restart(struct pio *pio, struct pio_machine *m) {
    m->isr = m->isr_count = 0;
    m->osr_count = 32;
    m->has_instruction = m->irq_raised = false;
    if (m->wait != PIO_RUNS) {
        wake(pio, m, pio->cycle + 1);
    }
}

/* Next cycle at the earliest; a divider that is restarted counts from there. */
static void control_machines(struct pio *pio, uint32_t enabled, uint32_t restarted, uint32_t dividers) {
    pio->foreseen = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        struct pio_machine *m = &pio->machines[n];
        if (restarted >> n & 1) {
            restart(pio, m);
        }
        if (dividers >> n & 1) {
            m->due = (pio->cycle + 1) << 8;
        } else if (enabled >> n & 1) {
            align(pio, m, pio->cycle + 1);
            wake(pio, m, pio->cycle + 1);
        }
    }
}

static void apply_control(struct pio *pio, uint32_t value, uint32_t old) {
    control_machines(pio, value & ~old & PIO_CTRL_SM_ENABLE, field_get(value, PIO_CTRL_SM_RESTART),
                     field_get(value, PIO_CTRL_CLKDIV_RESTART));
    listen(pio);
}

/* RP2350: machines of the neighbours in the same cycle. */
static void control_neighbour(struct pio *pio, uint32_t machines, uint32_t value) {
    if (!pio || !machines) {
        return;
    }
    catch_up(pio);
    uint32_t old = pio->block.values[PIO_CTRL], enabled = old;
    enabled |= value & PIO_CTRL_NEXTPREV_SM_ENABLE ? machines : 0;
    enabled &= value & PIO_CTRL_NEXTPREV_SM_DISABLE ? ~machines : UINT32_MAX;
    pio->block.values[PIO_CTRL] = enabled;
    control_machines(pio, enabled & ~old, 0, value & PIO_CTRL_NEXTPREV_CLKDIV_RESTART ? machines : 0);
    listen(pio);
    settle(pio);
}

static void write_control(struct pio *pio, uint32_t value, uint32_t old) {
    apply_control(pio, value, old);
    if (pio->variant->version) {
        control_neighbour(pio->previous, field_get(value, PIO_CTRL_PREV_PIO_MASK), value);
        control_neighbour(pio->next, field_get(value, PIO_CTRL_NEXT_PIO_MASK), value);
    }
}

static void write_tx(struct pio *pio, struct pio_machine *m, uint32_t value) {
    if (!pio_push(&m->tx, value)) {
        pio->block.values[PIO_FDEBUG] |= 1u << (PIO_FDEBUG_TXOVER_LSB + m->number);
        return;
    }
    if (m->wait == PIO_WAITS_TX) {
        wake(pio, m, pio->cycle + 1);
    } else if (is_enabled(pio, m) && tick_of(m) > pio->cycle + 1) { /* in the delay of an instruction */
        pio_refill(pio, m);
    }
}

static void execute_now(struct pio *pio, struct pio_machine *m, uint32_t instruction) {
    uint64_t due = m->due;
    m->instruction = (uint16_t)instruction;
    m->has_instruction = true;
    m->irq_raised = false;
    pio->running = true;
    pio_step(pio, m);
    pio->running = false;
    bool waits = m->wait != PIO_RUNS || m->has_instruction;
    m->due = waits ? (pio->cycle + 1) << 8 : due;
}

static void write_machine(struct pio *pio, unsigned reg, uint32_t value, uint32_t old) {
    struct pio_machine *m = &pio->machines[(reg - PIO_SM0_CLKDIV) / SM_REGISTERS];
    const uint32_t joins = PIO_SM0_SHIFTCTRL_FJOIN_RX | PIO_SM0_SHIFTCTRL_FJOIN_TX | PIO_SM0_SHIFTCTRL_FJOIN_RX_GET |
                           PIO_SM0_SHIFTCTRL_FJOIN_RX_PUT;
    switch (PIO_SM0_CLKDIV + (reg - PIO_SM0_CLKDIV) % SM_REGISTERS) {
    case PIO_SM0_INSTR:
        execute_now(pio, m, value);
        break;
    case PIO_SM0_SHIFTCTRL:
        if ((value ^ old) & joins) {
            clear_fifos(pio, m);
        }
        if (m->wait != PIO_RUNS) {
            wake(pio, m, pio->cycle + 1);
        }
        break;
    default:
        if (m->wait != PIO_RUNS) {
            wake(pio, m, pio->cycle + 1);
        }
    }
    listen(pio);
}

static void pio_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct pio *pio = pio_of(block);
    uint32_t written = block->values[reg];
    block->values[reg] = reg == PIO_FDEBUG || reg == PIO_IRQ ? written : old; /* up to now the old setting holds */
    catch_up(pio);
    block->values[reg] = reg == PIO_FDEBUG || reg == PIO_IRQ ? block->values[reg] & ~value : written;
    pio->foreseen = 0;
    if (reg >= PIO_TXF0 && reg <= PIO_TXF3) {
        write_tx(pio, &pio->machines[reg - PIO_TXF0], value);
    } else if (reg >= PIO_INSTR_MEM0 && reg <= PIO_INSTR_MEM31) {
        pio->memory[reg - PIO_INSTR_MEM0] = (uint16_t)value;
        listen(pio);
    } else if (reg >= PIO_SM0_CLKDIV && reg <= PIO_SM3_PINCTRL) {
        write_machine(pio, reg, value, old);
    } else if (reg >= PIO_RXF0_PUTGET0 && reg <= PIO_RXF3_PUTGET3) {
        pio->machines[(reg - PIO_RXF0_PUTGET0) / 4].rx.items[(reg - PIO_RXF0_PUTGET0) % 4] = value;
    } else if (reg == PIO_CTRL) {
        write_control(pio, value, old);
    } else if (reg == PIO_FDEBUG) { /* a machine that stalls says so in each of its cycles */
        wake_all(pio, PIO_WAITS_TX, pio->cycle + 1);
        wake_all(pio, PIO_WAITS_RX, pio->cycle + 1);
    } else if (reg == PIO_IRQ) {
        pio_flags_changed(pio);
    } else if (reg == PIO_IRQ_FORCE) {
        block->values[PIO_IRQ] |= value & 0xff;
        pio_flags_changed(pio);
    }
    settle(pio);
}

/* What others notice happens in events. */
static uint64_t pio_holds_until(struct block *block, unsigned reg) {
    unsigned which = PIO_SM0_CLKDIV + (reg - PIO_SM0_CLKDIV) % SM_REGISTERS;
    bool moves = reg >= PIO_SM0_CLKDIV && reg <= PIO_SM3_PINCTRL && (which == PIO_SM0_ADDR || which == PIO_SM0_INSTR);
    return moves ? 0 : TIME_NEVER;
}

/* ---- Events ---- */
static void pio_due(struct event *event, uint64_t late_ps) {
    struct pio *pio = event->owner;
    catch_up(pio);
    settle(pio);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    settle(listener->owner);
}

static void pio_reset(struct block *block) {
    struct pio *pio = pio_of(block);
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pio->machines[n] = (struct pio_machine){ .number = n, .osr_count = 32 };
        clear_fifos(pio, &pio->machines[n]);
    }
    for (unsigned i = 0; i < 32; i++) {
        pio->memory[i] = 0;
    }
    pio->changed = UINT32_MAX;
    pio->out = pio->oe = 0;
    pio->foreseen = 0;
    pio->change_count = 0;
    listen(pio);
    settle(pio);
}

static void pio_init(struct block *block) {
    struct pio *pio = pio_of(block);
    pio->event = (struct event){ .name = "pio", .callback = pio_due, .owner = pio };
    pio->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = pio };
    clock_listen(pio->clk_sys, &pio->clock_listener);
    if (pio->gpio) {
        pio->pin_listener = (struct gpio_listener){ .changed = pins_changed, .owner = pio };
        gpio_listen(pio->gpio, &pio->pin_listener);
    }
}

const struct block_class pio_class = {
    .name = "pio",
    .size = sizeof(struct pio),
    .init = pio_init,
    .reset = pio_reset,
    .read = pio_read,
    .write = pio_write,
    .holds_until = pio_holds_until,
};
