/* Programmable I/O: registers, FIFOs and time. RP2040 datasheet 3, RP2350 datasheet 11. The instructions are in
 * pio_execute.c, their time in pio_time.c, what can be foreseen of them in pio_ahead.c.
 *
 * Within a cycle machines go in the order of their numbers and pins change at its end, so that the highest number wins.
 * Flags change at the end of a cycle too, and whatever sets one wins over whatever clears it. Blocks that are
 * neighbours (RP2350) go through the cycles together.
 *
 * An instruction stored to SMn_INSTR executes in the cycle behind the store, whatever the divider, and in each cycle
 * after that until it does not stall; meanwhile the program stands still, a delay that it is in included. One that is
 * overwritten before it has had a cycle (cores store in successive cycles at the earliest) gets it at once.
 *
 * Between a machine and a pin there is a register on either side (pico-feedback 280): a machine sees its own output in
 * the second cycle behind, with the synchronisers in the fourth.
 *
 * Not modelled: the history of inputs that no instruction looked at so far (they count as settled); what INSTR_MEM and
 * SMn_INSTR do to each other in one cycle.
 *
 * Decided: a machine that is enabled executes in the next cycle, or in the next that its divider, which never stops,
 * lets through; a disabled one keeps what is left of a delay. An edge from outside counts as one by an output
 * of that cycle. SMn_INSTR reads the instruction that the program counter points to. A
 * load from an empty FIFO gives 0. An instruction stored to SMn_INSTR ends a wait for a flag or for room in a FIFO;
 * when the program comes back to the instruction that waited, it begins anew. */
#include "peripherals/onchip/pio_private.h"

#define FIFO_DEPTH 4
#define IRQ_REGISTERS (PIO_IRQ1_INTE - PIO_IRQ0_INTE)
#define JOINS                                                                                                          \
    (PIO_SM0_SHIFTCTRL_FJOIN_RX | PIO_SM0_SHIFTCTRL_FJOIN_TX | PIO_SM0_SHIFTCTRL_FJOIN_RX_GET |                        \
     PIO_SM0_SHIFTCTRL_FJOIN_RX_PUT)

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

static uint32_t *machine_register(struct pio *pio, unsigned reg, struct pio_machine **ret_machine) {
    *ret_machine = &pio->machines[(reg - PIO_SM0_CLKDIV) / SM_REGISTERS];
    return &pio->block.values[reg];
}

/* ---- FIFOs ---- */
static void clear_fifos(struct pio *pio, struct pio_machine *m) {
    uint32_t joins = pio->block.values[SM(SHIFTCTRL, m)];
    bool registers = m->settings.put || m->settings.get;
    bool tx_takes = joins & PIO_SM0_SHIFTCTRL_FJOIN_TX, rx_takes = joins & PIO_SM0_SHIFTCTRL_FJOIN_RX;
    m->tx = (struct pio_fifo){ .depth = tx_takes ? 2 * FIFO_DEPTH : rx_takes ? 0 : FIFO_DEPTH };
    m->rx = (struct pio_fifo){ .depth = registers || tx_takes ? 0 : rx_takes ? 2 * FIFO_DEPTH : FIFO_DEPTH };
    m->now.tx_first = m->now.tx_count = m->now.rx_first = m->now.rx_count = 0;
}

/* ---- Outputs ---- */
static uint32_t raw_interrupts(const struct pio *pio) {
    uint32_t raw = (pio->block.values[PIO_IRQ] & 0xff) * PIO_INTR_SM0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        raw |= m->now.rx_count ? PIO_INTR_SM0_RXNEMPTY << n : 0;
        raw |= m->now.tx_count < m->tx.depth ? PIO_INTR_SM0_TXNFULL << n : 0;
    }
    return raw & pio->variant->irq_lines;
}

static uint32_t interrupts(const struct pio *pio, unsigned irq, uint32_t raw) {
    const uint32_t *set = &pio->block.values[PIO_IRQ0_INTE + irq * IRQ_REGISTERS];
    return (raw & set[0]) | set[1];
}

static void update_lines(struct pio *pio, uint32_t raw) {
    pio->told = raw;
    line_set(&pio->block.irq[0], interrupts(pio, 0, raw));
    line_set(&pio->block.irq[1], interrupts(pio, 1, raw));
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        line_set(&pio->dreq_tx[n], raw & PIO_INTR_SM0_TXNFULL << n);
        line_set(&pio->dreq_rx[n], raw & PIO_INTR_SM0_RXNEMPTY << n);
    }
}

void pio_update(struct pio *pio) {
    uint32_t raw = raw_interrupts(pio);
    if (raw != pio->told) {
        update_lines(pio, raw);
    }
}

/* ---- Registers ---- */
static uint32_t fifo_status(const struct pio *pio) {
    uint32_t status = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        const struct pio_machine *m = &pio->machines[n];
        status |= (m->now.tx_count ? 0 : 1u << (PIO_FSTAT_TXEMPTY_LSB + n));
        status |= (m->now.tx_count < m->tx.depth ? 0 : 1u << (PIO_FSTAT_TXFULL_LSB + n));
        status |= (m->now.rx_count ? 0 : 1u << (PIO_FSTAT_RXEMPTY_LSB + n));
        status |= (m->now.rx_count < m->rx.depth ? 0 : 1u << (PIO_FSTAT_RXFULL_LSB + n));
    }
    return status;
}

static uint32_t fifo_levels(const struct pio *pio) {
    uint32_t levels = 0;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        levels |= (uint32_t)(pio->machines[n].now.tx_count | pio->machines[n].now.rx_count << 4) << 8 * n;
    }
    return levels;
}

static uint32_t read_rx(struct pio *pio, struct pio_machine *m) {
    if (!m->now.rx_count) {
        pio->block.values[PIO_FDEBUG] |= 1u << (PIO_FDEBUG_RXUNDER_LSB + m->number);
        return 0;
    }
    pio_sync_machine(pio, m);
    uint32_t item = m->rx.items[m->now.rx_first];
    m->now.rx_first = (m->now.rx_first + 1) % PIO_FIFO_DEPTH;
    m->now.rx_count--;
    m->is_foreseen = false;
    if (m->now.wait == PIO_WAITS_RX) {
        pio_wake_machine(m, pio->cycle + 1);
    }
    pio_settle(pio);
    return item;
}

static uint32_t read_machine(struct pio *pio, unsigned reg) {
    struct pio_machine *m;
    uint32_t value = *machine_register(pio, reg, &m);
    pio_sync_machine(pio, m);
    switch (PIO_SM0_CLKDIV + (reg - PIO_SM0_CLKDIV) % SM_REGISTERS) {
    case PIO_SM0_ADDR:
        return m->now.pc;
    case PIO_SM0_INSTR:
        return pio->memory[m->now.pc];
    case PIO_SM0_EXECCTRL:
        return value | (m->forced && m->forced_tried ? PIO_SM0_EXECCTRL_EXEC_STALLED : 0);
    default:
        return value;
    }
}

/* Cores read the registers of the receive FIFO where machines put, and write them where machines get. */
static uint32_t *fifo_register(struct pio *pio, unsigned reg, bool for_write) {
    struct pio_machine *m = &pio->machines[(reg - PIO_RXF0_PUTGET0) / 4];
    bool allowed = for_write ? m->settings.get && !m->settings.put : m->settings.put && !m->settings.get;
    return allowed ? &m->rx.items[(reg - PIO_RXF0_PUTGET0) % 4] : NULL;
}

static bool is_fifo_register(unsigned reg) {
    return reg >= PIO_RXF0_PUTGET0 && reg <= PIO_RXF3_PUTGET3;
}

/* An instruction stored in this very cycle: whoever comes behind the store finds it tried. */
static void try_forced(struct pio *pio) {
    bool tried = false;
    for (unsigned n = 0; n < PIO_MACHINES && !pio->running; n++) {
        struct pio_machine *m = &pio->machines[n];
        if (m->forced && m->forced_is_new) {
            m->forced_at = pio->cycle;
            tried = true;
        }
    }
    if (tried) {
        pio_catch_up_to(pio, pio->cycle);
    }
}

/* Somebody looks at the block. */
static void bring_up_to_date(struct pio *pio) {
    pio_catch_up(pio);
    try_forced(pio);
    if (pio->has_harmless && !pio->running) {
        pio_sync_machines(pio);
        pio_update(pio);
    }
}

static uint32_t pio_read(struct block *block, unsigned reg) {
    struct pio *pio = pio_of(block);
    bring_up_to_date(pio);
    if (reg >= PIO_RXF0 && reg <= PIO_RXF3) {
        return read_rx(pio, &pio->machines[reg - PIO_RXF0]);
    }
    if (reg >= PIO_SM0_CLKDIV && reg <= PIO_SM3_PINCTRL) {
        return read_machine(pio, reg);
    }
    if (is_fifo_register(reg)) {
        const uint32_t *item = fifo_register(pio, reg, false);
        return item ? *item : 0;
    }
    switch (reg) {
    case PIO_FSTAT:
        return fifo_status(pio);
    case PIO_FLEVEL:
        return fifo_levels(pio);
    case PIO_DBG_PADOUT:
        pio_sync_machines(pio);
        return pio->pins.out;
    case PIO_DBG_PADOE:
        pio_sync_machines(pio);
        return pio->pins.oe;
    case PIO_DBG_CFGINFO:
        return pio->variant->version << PIO_DBG_CFGINFO_VERSION_LSB | 32u << PIO_DBG_CFGINFO_IMEM_SIZE_LSB |
               PIO_MACHINES << PIO_DBG_CFGINFO_SM_COUNT_LSB | FIFO_DEPTH;
    case PIO_INTR:
        return raw_interrupts(pio);
    case PIO_IRQ0_INTS:
        return interrupts(pio, 0, raw_interrupts(pio));
    case PIO_IRQ1_INTS:
        return interrupts(pio, 1, raw_interrupts(pio));
    default:
        return block->values[reg];
    }
}

static void restart_machine(struct pio *pio, struct pio_machine *m) {
    pio_stop_program(pio, m);
    m->now.isr = m->now.isr_count = m->now.delay = 0;
    m->now.osr_count = 32;
    m->now.has_instruction = m->now.irq_raised = m->now.has_sample = m->forced = false;
    m->now.latch[0] = m->now.latch[1] = (struct pio_latch){ 0 };
    pio_align_divider(m, pio->cycle + 1);
}

/* Next cycle at the earliest; a divider that is restarted counts from there. */
static void control_machines(struct pio *pio, uint32_t enabled, uint32_t restarted, uint32_t dividers) {
    uint32_t old = pio->block.values[PIO_CTRL] & PIO_CTRL_SM_ENABLE;
    pio_drop_plan(pio);
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        struct pio_machine *m = &pio->machines[n];
        if (!m->forced && ((old & ~enabled) | dividers) >> n & 1) {
            pio_stop_program(pio, m);
        }
        if (restarted >> n & 1) {
            restart_machine(pio, m);
        }
        if (dividers >> n & 1) {
            m->now.due = m->first_tick = (pio->cycle + 1) << 8;
        }
        if (!m->forced && (enabled & ~old) >> n & 1) {
            pio_resume_program(pio, m);
        }
    }
    pio->block.values[PIO_CTRL] = enabled;
}

/* RP2350: machines of the neighbours in the same cycle. */
static void control_neighbour(struct pio *pio, uint32_t machines, uint32_t value) {
    if (!pio || !machines) {
        return;
    }
    uint32_t enabled = pio->block.values[PIO_CTRL];
    enabled |= value & PIO_CTRL_NEXTPREV_SM_ENABLE ? machines : 0;
    enabled &= value & PIO_CTRL_NEXTPREV_SM_DISABLE ? ~machines : UINT32_MAX;
    control_machines(pio, enabled, 0, value & PIO_CTRL_NEXTPREV_CLKDIV_RESTART ? machines : 0);
    pio_settle(pio);
}

static void write_control(struct pio *pio, uint32_t value) {
    control_machines(pio, value & PIO_CTRL_SM_ENABLE, field_get(value, PIO_CTRL_SM_RESTART),
                     field_get(value, PIO_CTRL_CLKDIV_RESTART));
    if (pio->variant->version) {
        control_neighbour(pio->previous, field_get(value, PIO_CTRL_PREV_PIO_MASK), value);
        control_neighbour(pio->next, field_get(value, PIO_CTRL_NEXT_PIO_MASK), value);
    }
}

static void push_tx(struct pio_machine *m, struct pio_state *s, uint32_t value) {
    m->tx.items[(s->tx_first + s->tx_count++) % PIO_FIFO_DEPTH] = value;
}

/* Where the FIFO held something before, the machine does until `quiet` what it would have done anyway. */
static void write_tx(struct pio *pio, struct pio_machine *m, uint32_t value) {
    if (m->now.tx_count >= m->tx.depth) {
        pio->block.values[PIO_FDEBUG] |= 1u << (PIO_FDEBUG_TXOVER_LSB + m->number);
        return;
    }
    if (m->now.tx_count && m->is_foreseen && !m->reads_levels) {
        push_tx(m, &m->now, value);
        m->ahead.tx_count++;
        if (m->is_harmless) { /* fed from now on, perhaps */
            pio_settle(pio);
        } else {
            pio_update(pio);
        }
        return;
    }
    pio_sync_machine(pio, m);
    m->is_foreseen = false;
    push_tx(m, &m->now, value);
    bool refills = m->settings.autopull && m->now.osr_count >= m->settings.pull_threshold;
    if (m->now.wait == PIO_WAITS_TX || (m->now.wait && refills)) {
        pio_wake_machine(m, pio->cycle + 1);
    } else if (refills && pio_runs_program(pio, m)) { /* in the delay of an instruction */
        pio_split_delay(m, pio->cycle);
    }
    pio_settle(pio);
}

static void force_instruction(struct pio *pio, struct pio_machine *m, uint32_t instruction) {
    if (!m->forced) {
        pio_stop_program(pio, m);
    }
    m->now.instruction = (uint16_t)instruction;
    m->now.has_instruction = true;
    m->now.irq_raised = m->now.has_sample = false;
    m->now.wait = PIO_RUNS;
    m->forced = m->forced_is_new = true;
    m->forced_tried = false;
    m->forced_at = pio->cycle + 1;
}

/* A machine that stalls looks again: what it waits for may be another thing now. */
static void change_settings(struct pio *pio, struct pio_machine *m, bool joins_anew) {
    bool waited = m->now.wait;
    if (pio_runs_program(pio, m)) {
        pio_split_delay(m, pio->cycle);
    } else {
        pio_align_divider(m, pio->cycle + 1);
    }
    m->first_tick = m->now.due;
    pio_decode_settings(pio, m);
    if (joins_anew) {
        clear_fifos(pio, m);
    }
    if (!m->settings.sticky) {
        m->now.latch[0] = m->now.latch[1] = (struct pio_latch){ 0 };
    }
    pio->assert_at = m->settings.sticky ? pio->cycle + 1 : pio->assert_at;
    if (waited) {
        pio_wake_machine(m, pio->cycle + 1);
    }
}

/* FJOIN_RX_PUT and FJOIN_RX_GET leave no other join. */
static uint32_t without_joins(const struct pio *pio, uint32_t value) {
    bool registers = value & (PIO_SM0_SHIFTCTRL_FJOIN_RX_PUT | PIO_SM0_SHIFTCTRL_FJOIN_RX_GET);
    return pio->variant->version && registers ? value & ~(PIO_SM0_SHIFTCTRL_FJOIN_RX | PIO_SM0_SHIFTCTRL_FJOIN_TX)
                                              : value;
}

static void write_machine(struct pio *pio, unsigned reg, uint32_t value, uint32_t old) {
    struct pio_machine *m;
    uint32_t *stored = machine_register(pio, reg, &m);
    pio_drop_plan(pio);
    switch (PIO_SM0_CLKDIV + (reg - PIO_SM0_CLKDIV) % SM_REGISTERS) {
    case PIO_SM0_INSTR:
        force_instruction(pio, m, value);
        break;
    case PIO_SM0_SHIFTCTRL:
        *stored = without_joins(pio, *stored);
        change_settings(pio, m, (*stored ^ old) & JOINS);
        break;
    default:
        change_settings(pio, m, false);
    }
}

static void write_gpio_base(struct pio *pio, uint32_t value, uint32_t old) {
    struct pio_pins pins = pio->pins;
    pio_drop_plan(pio);
    pio->block.values[PIO_GPIOBASE] = old;
    pio->pins = (struct pio_pins){ 0 };
    pio_publish_pins(pio, UINT32_MAX);
    pio->block.values[PIO_GPIOBASE] = value;
    pio->pins = pins;
}

/* Whatever sets a flag in a cycle wins. */
static void clear_flags(struct pio *pio, uint32_t flags) {
    uint32_t just_set = pio->last_set_at == pio->cycle ? pio->last_set : 0;
    pio->block.values[PIO_IRQ] &= ~(flags & ~just_set);
    pio_flags_changed(pio);
}

/* A machine that stalls says so in each of its cycles. */
static void clear_debug_flags(struct pio *pio, uint32_t flags) {
    pio->block.values[PIO_FDEBUG] &= ~flags;
    pio_wake_machines(pio, PIO_WAITS_TX, pio->cycle + 1);
    pio_wake_machines(pio, PIO_WAITS_RX, pio->cycle + 1);
}

static void write_register(struct pio *pio, unsigned reg, uint32_t value, uint32_t old) {
    if (reg >= PIO_INSTR_MEM0 && reg <= PIO_INSTR_MEM31) {
        pio_drop_plan(pio);
        pio->memory[reg - PIO_INSTR_MEM0] = (uint16_t)value;
    } else if (reg >= PIO_SM0_CLKDIV && reg <= PIO_SM3_PINCTRL) {
        write_machine(pio, reg, value, old);
    } else if (is_fifo_register(reg)) {
        uint32_t *item = fifo_register(pio, reg, true);
        *(item ? item : &value) = value;
    } else if (reg == PIO_CTRL) {
        pio->block.values[PIO_CTRL] = old;
        write_control(pio, value);
    } else if (reg == PIO_FDEBUG) {
        clear_debug_flags(pio, value);
    } else if (reg == PIO_IRQ) {
        clear_flags(pio, value);
    } else if (reg == PIO_IRQ_FORCE) {
        pio->block.values[PIO_IRQ] |= value & 0xff;
        pio_flags_changed(pio);
    } else if (reg == PIO_GPIOBASE) {
        write_gpio_base(pio, pio->block.values[reg], old);
    } else if (reg == PIO_INPUT_SYNC_BYPASS) {
        pio_forget_foresight(pio);
        pio_wake_machines(pio, PIO_WAITS_PINS, pio->cycle + 1);
    }
}

static void pio_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct pio *pio = pio_of(block);
    bool clears = reg == PIO_FDEBUG || reg == PIO_IRQ;
    uint32_t written = block->values[reg];
    block->values[reg] = old; /* up to now the old setting holds */
    bring_up_to_date(pio);
    block->values[reg] = clears ? block->values[reg] : written;
    if (reg >= PIO_TXF0 && reg <= PIO_TXF3) {
        write_tx(pio, &pio->machines[reg - PIO_TXF0], value);
        return;
    }
    pio_sync_machines(pio);
    write_register(pio, reg, value, old);
    pio->told = ~raw_interrupts(pio); /* enable bits may have changed */
    pio_settle(pio);
}

/* What others notice happens in events; all else may change at any time. */
static uint64_t pio_holds_until(struct block *block, unsigned reg) {
    unsigned which = PIO_SM0_CLKDIV + (reg - PIO_SM0_CLKDIV) % SM_REGISTERS;
    bool moves = reg >= PIO_SM0_CLKDIV && reg <= PIO_SM3_PINCTRL && (which == PIO_SM0_ADDR || which == PIO_SM0_INSTR);
    bool fed = pio_of(block)->has_harmless && (reg == PIO_FSTAT || reg == PIO_FLEVEL || reg == PIO_INTR);
    return moves || fed || reg == PIO_DBG_PADOUT || reg == PIO_DBG_PADOE ? 0 : TIME_NEVER;
}

/* ---- Events ---- */
static void pio_due(struct event *event, uint64_t late_ps) {
    struct pio *pio = event->owner;
    pio_bring_up_to_date(pio);
    pio_settle(pio);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    pio_settle(listener->owner);
}

static void pio_reset(struct block *block) {
    struct pio *pio = pio_of(block);
    pio->is_planned = false;
    pio->assert_at = TIME_NEVER;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        struct pio_machine *m = &pio->machines[n];
        *m = (struct pio_machine){ .number = n, .now = { .osr_count = 32, .due = (pio->cycle + 1) << 8 } };
        pio_decode_settings(pio, m);
        clear_fifos(pio, m);
    }
    for (unsigned i = 0; i < 32; i++) {
        pio->memory[i] = 0;
    }
    pio->pins = (struct pio_pins){ 0 };
    pio_publish_pins(pio, UINT32_MAX);
    pio->flags_set = pio->flags_cleared = pio->last_set = 0;
    pio->change_count = 0;
    pio->told = ~raw_interrupts(pio);
    pio_settle(pio);
}

static void pio_init(struct block *block) {
    struct pio *pio = pio_of(block);
    pio->event = (struct event){ .name = "pio", .callback = pio_due, .owner = pio };
    pio->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = pio };
    clock_listen(pio->clk_sys, &pio->clock_listener);
    if (pio->gpio) {
        pio->pin_listener = (struct gpio_listener){
            .changed = pio_pins_changed, .selected = pio_pin_selected, .owner = pio, .all_functions = true
        };
        gpio_listen(pio->gpio, &pio->pin_listener);
        pio->laggard =
            (struct gpio_laggard){ .catch_up = pio_show_pins, .watch_changes = pio_watch_changes, .owner = pio };
        gpio_add_laggard(pio->gpio, &pio->laggard);
    }
}

/* ---- Snapshots ---- */
static void pio_pins_walk(struct pio_pins *pins, struct walk *walk) {
    walk_u32(walk, &pins->out);
    walk_u32(walk, &pins->oe);
}

static void pio_fifo_walk(struct pio_fifo *fifo, struct walk *walk) {
    walk_u32s(walk, fifo->items, PIO_FIFO_DEPTH);
    walk_below(walk, &fifo->depth, PIO_FIFO_DEPTH + 1);
}

static void pio_state_walk(struct pio_state *s, struct walk *walk) {
    walk_u64(walk, &s->due);
    walk_u32(walk, &s->x);
    walk_u32(walk, &s->y);
    walk_u32(walk, &s->osr);
    walk_u32(walk, &s->isr);
    pio_pins_walk(&s->pins, walk);
    walk_u32(walk, &s->driven);
    for (unsigned i = 0; i < 2; i++) {
        walk_u32(walk, &s->latch[i].value);
        walk_u8_below(walk, &s->latch[i].mapping, PIO_MAPPING_SET + 1);
    }
    walk_u16(walk, &s->instruction);
    walk_u8_below(walk, &s->pc, 32);
    walk_u8_below(walk, &s->delay, 32);
    walk_u8_below(walk, &s->osr_count, 33);
    walk_u8_below(walk, &s->isr_count, 33);
    walk_u8_below(walk, &s->tx_first, PIO_FIFO_DEPTH);
    walk_u8_below(walk, &s->tx_count, PIO_FIFO_DEPTH + 1);
    walk_u8_below(walk, &s->rx_first, PIO_FIFO_DEPTH);
    walk_u8_below(walk, &s->rx_count, PIO_FIFO_DEPTH + 1);
    walk_u8_below(walk, &s->wait, PIO_WAITS_IRQ + 1);
    walk_u8_below(walk, &s->debug, 4);
    walk_bool(walk, &s->has_instruction);
    walk_bool(walk, &s->irq_raised);
    walk_bool(walk, &s->has_sample);
}

static void pio_machine_walk(struct pio *pio, struct pio_machine *m, struct walk *walk) {
    pio_fifo_walk(&m->tx, walk);
    pio_fifo_walk(&m->rx, walk);
    pio_state_walk(&m->now, walk);
    pio_state_walk(&m->ahead, walk);
    walk_u64(walk, &m->quiet);
    walk_bool(walk, &m->is_foreseen);
    walk_u64(walk, &m->first_tick);
    walk_bool(walk, &m->forced);
    walk_bool(walk, &m->forced_is_new);
    walk_bool(walk, &m->forced_tried);
    walk_u64(walk, &m->forced_at);
    walk_u8_below(walk, &m->retries, PIO_WAITS_IRQ + 1);
    walk_u32(walk, &m->own);
    walk_u32(walk, &m->inputs);
    walk_u32(walk, &m->special);
    walk_bool(walk, &m->is_harmless);
    walk_u64(walk, &m->word_due);
    walk_bool(walk, &m->reads_levels);
    walk_u8_below(walk, &m->out_pc_bits, 4);
    pio_decode_settings(pio, m);
}

static void pio_inputs_walk(struct pio *pio, struct walk *walk) {
    for (unsigned i = 0; i < PIO_INPUT_CHANGES; i++) {
        walk_u64(walk, &pio->changes[i].cycle);
        walk_u64(walk, &pio->changes[i].before);
    }
    walk_below(walk, &pio->first_change, PIO_INPUT_CHANGES);
    walk_below(walk, &pio->change_count, PIO_INPUT_CHANGES + 1);
    walk_u64(walk, &pio->inputs);
    gpio_listener_walk(&pio->pin_listener, walk);
}

static void pio_block_walk(struct pio *pio, struct walk *walk) {
    pio_pins_walk(&pio->pins, walk);
    pio_pins_walk(&pio->shown, walk);
    walk_u32(walk, &pio->hidden);
    walk_bool(walk, &pio->is_planned);
    walk_bool(walk, &pio->has_harmless);
    walk_bool(walk, &pio->has_sticky);
    walk_below(walk, &pio->futile, 1u << PIO_MACHINES);
    walk_bool(walk, &pio->rests);
    walk_u64(walk, &pio->assert_at);
    walk_u32(walk, &pio->flags_set);
    walk_u32(walk, &pio->flags_cleared);
    walk_u32(walk, &pio->last_set);
    walk_u64(walk, &pio->cycle);
    walk_u64(walk, &pio->last_set_at);
    walk_u64(walk, &pio->next_cycle);
    walk_u32(walk, &pio->told);
    walk_bool(walk, &pio->moved);
    walk_bool(walk, &pio->laggard.lags);
    walk_event(walk, &pio->event);
}

static void pio_walk(struct block *block, struct walk *walk) {
    struct pio *pio = pio_of(block);
    walk_u16s(walk, pio->memory, 32);
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pio_machine_walk(pio, &pio->machines[n], walk);
        line_walk(&pio->dreq_tx[n], walk);
        line_walk(&pio->dreq_rx[n], walk);
    }
    pio_block_walk(pio, walk);
    pio_inputs_walk(pio, walk);
    uint64_t now = clock_cycles_at(pio->clk_sys, block->env->scheduler->now_ps);
    if (pio->cycle > now + 1) {
        walk_fail(walk, "state machines that have been in the future");
        pio->cycle = now;
    }
}

/* Other pins may be watched here than where the snapshot was saved. */
static void pio_restored(struct block *block) {
    struct pio *pio = pio_of(block);
    if (pio->is_planned && pio_hidden_pins(pio) != pio->hidden) {
        pio_watch_changes(&pio->laggard);
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
    .walk = pio_walk,
    .restored = pio_restored,
};
