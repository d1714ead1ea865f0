/* PIO instructions: RP2040 datasheet 3.4 and 3.5, RP2350 datasheet 11.4 and 11.5.
 *
 * Not modelled: OUT_STICKY (an output keeps its level all the same; only the priority against other machines in later
 * cycles differs).
 *
 * Decided: the delay of an instruction that goes through EXEC is the executed one's. An OUT that finds its shift
 * register empty takes the next word in that cycle and executes in the machine's next one (datasheet 3.5.4). A
 * SIDESET_COUNT of 6 or 7 is as 5, which is all that an instruction has. */
#include "peripherals/onchip/pio_private.h"

enum { JMP, WAIT, IN, OUT, PUSH_PULL, MOV, IRQ, SET };
enum { SOURCE_PINS, SOURCE_X, SOURCE_Y, SOURCE_NULL, SOURCE_STATUS = 5, SOURCE_ISR, SOURCE_OSR };
enum { TO_PINS, TO_X, TO_Y, TO_NULL, TO_PINDIRS, TO_PC, TO_ISR, TO_EXEC };
enum { MOV_PINS, MOV_X, MOV_Y, MOV_PINDIRS, MOV_EXEC, MOV_PC, MOV_ISR, MOV_OSR };

enum outcome { DONE, JUMPED, STALLED, AGAIN };

static uint32_t ones(unsigned count) {
    return count >= 32 ? UINT32_MAX : (1u << count) - 1;
}

static uint32_t rotate_left(uint32_t value, unsigned by) {
    return by % 32 ? value << by % 32 | value >> (32 - by % 32) : value;
}

static uint32_t rotate_right(uint32_t value, unsigned by) {
    return rotate_left(value, 32 - by % 32);
}

static uint32_t reversed(uint32_t value) {
    uint32_t result = 0;
    for (unsigned i = 0; i < 32; i++) {
        result = result << 1 | (value >> i & 1);
    }
    return result;
}

static uint32_t execctrl(const struct pio *pio, const struct pio_machine *m, uint32_t field) {
    return pio_setting(pio, SM(EXECCTRL, m), field);
}

static uint32_t shiftctrl(const struct pio *pio, const struct pio_machine *m, uint32_t field) {
    return pio_setting(pio, SM(SHIFTCTRL, m), field);
}

static uint32_t pinctrl(const struct pio *pio, const struct pio_machine *m, uint32_t field) {
    return pio_setting(pio, SM(PINCTRL, m), field);
}

/* Bits of the delay field that are side-set, the enable bit among them. */
static unsigned side_count(const struct pio *pio, const struct pio_machine *m) {
    unsigned count = pinctrl(pio, m, PIO_SM0_PINCTRL_SIDESET_COUNT);
    return count < 5 ? count : 5;
}

static unsigned threshold(uint32_t field) {
    return field ? field : 32;
}

static unsigned pull_threshold(const struct pio *pio, const struct pio_machine *m) {
    return threshold(shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_PULL_THRESH));
}

static unsigned push_threshold(const struct pio *pio, const struct pio_machine *m) {
    return threshold(shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_PUSH_THRESH));
}

static enum outcome wait_for(struct pio_machine *m, enum pio_wait what) {
    m->wait = what;
    return STALLED;
}

/* ---- Pins ---- */
static void drive(struct pio *pio, uint32_t *which, uint32_t value, unsigned base, unsigned count) {
    uint32_t mask = rotate_left(ones(count), base);
    uint32_t after = (*which & ~mask) | (rotate_left(value, base) & mask);
    pio->changed |= *which ^ after;
    *which = after;
}

static void side_set(struct pio *pio, const struct pio_machine *m, unsigned field) {
    unsigned count = side_count(pio, m);
    bool optional = execctrl(pio, m, PIO_SM0_EXECCTRL_SIDE_EN);
    if (!count || (optional && !(field & 0x10))) {
        return;
    }
    uint32_t value = field >> (5 - count) & ones(count - optional);
    uint32_t *which = execctrl(pio, m, PIO_SM0_EXECCTRL_SIDE_PINDIR) ? &pio->oe : &pio->out;
    drive(pio, which, value, pinctrl(pio, m, PIO_SM0_PINCTRL_SIDESET_BASE), count - optional);
}

static void out_pins(struct pio *pio, const struct pio_machine *m, uint32_t *which, uint32_t value) {
    unsigned enable = execctrl(pio, m, PIO_SM0_EXECCTRL_OUT_EN_SEL);
    if (execctrl(pio, m, PIO_SM0_EXECCTRL_INLINE_OUT_EN) && !(value >> enable & 1)) {
        return;
    }
    drive(pio, which, value, pinctrl(pio, m, PIO_SM0_PINCTRL_OUT_BASE), pinctrl(pio, m, PIO_SM0_PINCTRL_OUT_COUNT));
}

static uint32_t in_pins(struct pio *pio, const struct pio_machine *m) {
    unsigned count = pio->variant->version ? shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_IN_COUNT) : 0;
    return rotate_right(pio_inputs(pio), pinctrl(pio, m, PIO_SM0_PINCTRL_IN_BASE)) & ones(threshold(count));
}

static bool jump_pin(struct pio *pio, const struct pio_machine *m, unsigned offset) {
    return pio_inputs(pio) >> ((execctrl(pio, m, PIO_SM0_EXECCTRL_JMP_PIN) + offset) % 32) & 1;
}

/* ---- Shift registers and FIFOs ---- */
static bool is_empty(const struct pio *pio, const struct pio_machine *m) {
    return m->osr_count >= pull_threshold(pio, m);
}

static void take(struct pio_machine *m) {
    m->osr = pio_pop(&m->tx);
    m->osr_count = 0;
}

void pio_refill(struct pio *pio, struct pio_machine *m) {
    if (shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_AUTOPULL) && is_empty(pio, m) && m->tx.count) {
        take(m);
    }
}

static void give(struct pio_machine *m) {
    pio_push(&m->rx, m->isr);
    m->isr = 0;
    m->isr_count = 0;
}

static void debug_flag(struct pio *pio, const struct pio_machine *m, uint32_t field) {
    pio->block.values[PIO_FDEBUG] |= (field & -field) << m->number;
}

static enum outcome stall_tx(struct pio *pio, struct pio_machine *m) {
    debug_flag(pio, m, PIO_FDEBUG_TXSTALL);
    return wait_for(m, PIO_WAITS_TX);
}

static enum outcome stall_rx(struct pio *pio, struct pio_machine *m) {
    debug_flag(pio, m, PIO_FDEBUG_RXSTALL);
    return wait_for(m, PIO_WAITS_RX);
}

/* ---- Flags ---- */

/* The block that owns the flag that an instruction names, and its number. */
static struct pio *flag_of(struct pio *pio, const struct pio_machine *m, unsigned index, unsigned *ret_flag) {
    unsigned mode = pio->variant->version ? index >> 3 & 3 : index >> 4 & 1 ? 2 : 0;
    *ret_flag = mode == 2 ? (index & 4) | ((index + m->number) & 3) : index & 7;
    return mode == 1 ? pio->previous : mode == 3 ? pio->next : pio;
}

static void set_flag(struct pio *pio, unsigned flag, bool on) {
    uint32_t before = pio->block.values[PIO_IRQ];
    uint32_t after = on ? before | 1u << flag : before & ~(1u << flag);
    pio->block.values[PIO_IRQ] = after;
    if (before != after) {
        pio_flags_changed(pio);
    }
}

static bool get_flag(const struct pio *pio, unsigned flag) {
    return pio->block.values[PIO_IRQ] >> flag & 1;
}

/* ---- The instructions ---- */
static bool condition(struct pio *pio, struct pio_machine *m, unsigned which) {
    switch (which) {
    case 1:
        return !m->x;
    case 2:
        return m->x-- != 0;
    case 3:
        return !m->y;
    case 4:
        return m->y-- != 0;
    case 5:
        return m->x != m->y;
    case 6:
        return jump_pin(pio, m, 0);
    case 7:
        return !is_empty(pio, m);
    default:
        return true;
    }
}

static enum outcome jmp(struct pio *pio, struct pio_machine *m, unsigned argument) {
    if (!condition(pio, m, argument >> 5)) {
        return DONE;
    }
    m->pc = argument & 31;
    return JUMPED;
}

static enum outcome wait_flag(struct pio *pio, struct pio_machine *m, unsigned index, bool level) {
    unsigned flag;
    struct pio *owner = flag_of(pio, m, index, &flag);
    if (!owner || get_flag(owner, flag) != level) {
        return wait_for(m, PIO_WAITS_IRQ);
    }
    if (level) {
        set_flag(owner, flag, false);
    }
    return DONE;
}

static enum outcome wait(struct pio *pio, struct pio_machine *m, unsigned argument) {
    bool level = argument & 0x80, seen;
    unsigned index = argument & 31;
    switch (argument >> 5 & 3) {
    case 0:
        seen = pio_inputs(pio) >> index & 1;
        break;
    case 1:
        seen = in_pins(pio, m) >> index & 1;
        break;
    case 2:
        return wait_flag(pio, m, index, level);
    default:
        seen = pio->variant->version && jump_pin(pio, m, index & 3);
    }
    return seen == level ? DONE : wait_for(m, PIO_WAITS_PINS);
}

static uint32_t status(const struct pio *pio, const struct pio_machine *m) {
    unsigned level = execctrl(pio, m, pio->variant->status_n), select = execctrl(pio, m, pio->variant->status_sel);
    if (select >= 2) {
        unsigned flag;
        unsigned index = (level & 0x0f) | (level & 0x10 ? 0x18 : 0); /* 0x08 is the neighbour before, 0x10 the next */
        struct pio *owner = flag_of((struct pio *)pio, m, index, &flag);
        return owner && get_flag(owner, flag) ? UINT32_MAX : 0;
    }
    return (select ? m->rx.count : m->tx.count) < level ? UINT32_MAX : 0;
}

static uint32_t source(struct pio *pio, const struct pio_machine *m, unsigned which) {
    switch (which) {
    case SOURCE_PINS:
        return in_pins(pio, m);
    case SOURCE_X:
        return m->x;
    case SOURCE_Y:
        return m->y;
    case SOURCE_STATUS:
        return status(pio, m);
    case SOURCE_ISR:
        return m->isr;
    case SOURCE_OSR:
        return m->osr;
    default:
        return 0;
    }
}

static enum outcome in(struct pio *pio, struct pio_machine *m, unsigned argument) {
    unsigned bits = threshold(argument & 31), after = m->isr_count + bits;
    bool pushes = shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_AUTOPUSH) && after >= push_threshold(pio, m);
    if (pushes && m->rx.count >= m->rx.depth) {
        return stall_rx(pio, m);
    }
    uint32_t value = source(pio, m, argument >> 5) & ones(bits);
    if (bits == 32) {
        m->isr = value;
    } else if (shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_IN_SHIFTDIR)) {
        m->isr = m->isr >> bits | value << (32 - bits);
    } else {
        m->isr = m->isr << bits | value;
    }
    m->isr_count = after < 32 ? after : 32;
    if (pushes) {
        give(m);
    }
    return DONE;
}

static uint32_t shift_out(struct pio *pio, struct pio_machine *m, unsigned bits) {
    uint32_t value = m->osr;
    bool right = shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_OUT_SHIFTDIR);
    if (bits < 32) {
        value = right ? m->osr & ones(bits) : m->osr >> (32 - bits);
        m->osr = right ? m->osr >> bits : m->osr << bits;
    } else {
        m->osr = 0;
    }
    m->osr_count = m->osr_count + bits < 32 ? m->osr_count + bits : 32;
    return value;
}

static void execute_next(struct pio_machine *m, uint32_t instruction) {
    m->instruction = (uint16_t)instruction;
    m->has_instruction = true;
}

static enum outcome go_to(struct pio_machine *m, uint32_t address) {
    m->pc = address & 31;
    return JUMPED;
}

static enum outcome out(struct pio *pio, struct pio_machine *m, unsigned argument) {
    unsigned bits = threshold(argument & 31);
    if (shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_AUTOPULL) && is_empty(pio, m)) {
        if (!m->tx.count) {
            return stall_tx(pio, m);
        }
        take(m);
        return AGAIN;
    }
    uint32_t value = shift_out(pio, m, bits);
    switch (argument >> 5) {
    case TO_PINS:
        out_pins(pio, m, &pio->out, value);
        break;
    case TO_X:
        m->x = value;
        break;
    case TO_Y:
        m->y = value;
        break;
    case TO_PINDIRS:
        out_pins(pio, m, &pio->oe, value);
        break;
    case TO_PC:
        return go_to(m, value);
    case TO_ISR:
        m->isr = value;
        m->isr_count = bits;
        break;
    case TO_EXEC:
        execute_next(m, value);
        break;
    }
    return DONE;
}

static enum outcome push(struct pio *pio, struct pio_machine *m, unsigned argument) {
    bool if_full = argument & 0x40, blocks = argument & 0x20;
    if (if_full && m->isr_count < push_threshold(pio, m)) {
        return DONE;
    }
    if (m->rx.count >= m->rx.depth) {
        enum outcome outcome = stall_rx(pio, m);
        if (blocks) {
            return outcome;
        }
        m->wait = PIO_RUNS;
        m->isr = 0;
        m->isr_count = 0;
        return DONE;
    }
    give(m);
    return DONE;
}

static enum outcome pull(struct pio *pio, struct pio_machine *m, unsigned argument) {
    bool if_empty = argument & 0x40, blocks = argument & 0x20;
    bool automatic = shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_AUTOPULL);
    if ((if_empty && !is_empty(pio, m)) || (automatic && m->osr_count == 0)) {
        return DONE;
    }
    if (m->tx.count) {
        take(m);
    } else if (blocks) {
        return stall_tx(pio, m);
    } else {
        m->osr = m->x;
        m->osr_count = 0;
    }
    return DONE;
}

/* RP2350: the receive FIFO as four registers, by index or by Y. */
static enum outcome move_fifo(struct pio *pio, struct pio_machine *m, unsigned argument) {
    unsigned index = (argument & 8 ? argument : m->y) & 3;
    if (argument & 0x80) {
        m->osr = m->rx.items[index];
        m->osr_count = 0;
    } else {
        m->rx.items[index] = m->isr;
    }
    return DONE;
}

static enum outcome push_or_pull(struct pio *pio, struct pio_machine *m, unsigned argument) {
    if (pio->variant->version && argument & 0x10) {
        return move_fifo(pio, m, argument);
    }
    return argument & 0x80 ? pull(pio, m, argument) : push(pio, m, argument);
}

static uint32_t moved(uint32_t value, unsigned operation) {
    return operation == 1 ? ~value : operation == 2 ? reversed(value) : value;
}

static enum outcome mov(struct pio *pio, struct pio_machine *m, unsigned argument) {
    uint32_t value = moved(source(pio, m, argument & 7), argument >> 3 & 3);
    switch (argument >> 5) {
    case MOV_PINS:
        out_pins(pio, m, &pio->out, value);
        break;
    case MOV_X:
        m->x = value;
        break;
    case MOV_Y:
        m->y = value;
        break;
    case MOV_PINDIRS:
        if (pio->variant->version) {
            out_pins(pio, m, &pio->oe, value);
        }
        break;
    case MOV_EXEC:
        execute_next(m, value);
        break;
    case MOV_PC:
        return go_to(m, value);
    case MOV_ISR:
        m->isr = value;
        m->isr_count = 0;
        break;
    default:
        m->osr = value;
        m->osr_count = 0;
    }
    return DONE;
}

static enum outcome irq(struct pio *pio, struct pio_machine *m, unsigned argument) {
    bool clears = argument & 0x40, waits = argument & 0x20;
    unsigned flag;
    struct pio *owner = flag_of(pio, m, argument & 31, &flag);
    if (!owner || argument & 0x80) {
        return DONE;
    }
    if (clears || !m->irq_raised) {
        set_flag(owner, flag, !clears);
    }
    if (clears || !waits) {
        return DONE;
    }
    m->irq_raised = !m->irq_raised || get_flag(owner, flag);
    return m->irq_raised ? wait_for(m, PIO_WAITS_IRQ) : DONE;
}

static enum outcome set(struct pio *pio, struct pio_machine *m, unsigned argument) {
    unsigned value = argument & 31;
    unsigned base = pinctrl(pio, m, PIO_SM0_PINCTRL_SET_BASE), count = pinctrl(pio, m, PIO_SM0_PINCTRL_SET_COUNT);
    switch (argument >> 5) {
    case TO_PINS:
        drive(pio, &pio->out, value, base, count);
        break;
    case TO_X:
        m->x = value;
        break;
    case TO_Y:
        m->y = value;
        break;
    case TO_PINDIRS:
        drive(pio, &pio->oe, value, base, count);
        break;
    }
    return DONE;
}

typedef enum outcome operation(struct pio *pio, struct pio_machine *m, unsigned argument);
static operation *const operations[8] = { jmp, wait, in, out, push_or_pull, mov, irq, set };

/* ---- One step ---- */
static uint64_t divider(const struct pio *pio, const struct pio_machine *m) {
    uint32_t whole = pio_setting(pio, SM(CLKDIV, m), PIO_SM0_CLKDIV_INT);
    return whole ? (uint64_t)whole << 8 | pio_setting(pio, SM(CLKDIV, m), PIO_SM0_CLKDIV_FRAC) : 65536u << 8;
}

static void next_address(const struct pio *pio, struct pio_machine *m) {
    bool wraps = m->pc == execctrl(pio, m, PIO_SM0_EXECCTRL_WRAP_TOP);
    m->pc = wraps ? (uint8_t)execctrl(pio, m, PIO_SM0_EXECCTRL_WRAP_BOTTOM) : (m->pc + 1) & 31;
}

static unsigned delay_of(const struct pio *pio, const struct pio_machine *m, unsigned field) {
    return field & ones(5 - side_count(pio, m));
}

void pio_step(struct pio *pio, struct pio_machine *m) {
    bool inserted = m->has_instruction;
    uint16_t instruction = inserted ? m->instruction : pio->memory[m->pc];
    unsigned field = instruction >> 8 & 31;
    m->wait = PIO_RUNS;
    m->has_instruction = false;
    enum outcome outcome = operations[instruction >> 13](pio, m, instruction & 0xff);
    side_set(pio, m, field); /* wins over what the instruction itself drives */
    if (outcome == STALLED || outcome == AGAIN) {
        m->has_instruction = inserted;
        m->due += divider(pio, m);
        return;
    }
    if (outcome == DONE && !inserted) {
        next_address(pio, m);
    }
    bool passes_on = m->has_instruction; /* the delay is that of the instruction which comes now */
    pio_refill(pio, m);
    m->due += divider(pio, m) * (passes_on ? 1 : 1 + delay_of(pio, m, field));
}

/* ---- Instructions that nobody outside the machine notices ---- */
static bool side_set_is_silent(const struct pio *pio, const struct pio_machine *m, unsigned field) {
    unsigned count = side_count(pio, m);
    bool optional = execctrl(pio, m, PIO_SM0_EXECCTRL_SIDE_EN);
    if (!count || (optional && !(field & 0x10))) {
        return true;
    }
    uint32_t levels = execctrl(pio, m, PIO_SM0_EXECCTRL_SIDE_PINDIR) ? pio->oe : pio->out;
    uint32_t mask = ones(count - optional), value = field >> (5 - count) & mask;
    return (rotate_right(levels, pinctrl(pio, m, PIO_SM0_PINCTRL_SIDESET_BASE)) & mask) == value;
}

static bool wait_is_silent(struct pio *pio, const struct pio_machine *m, unsigned argument) {
    struct pio_machine copy = *m;
    return (argument >> 5 & 3) != 2 && wait(pio, &copy, argument) == DONE;
}

static bool out_is_silent(const struct pio *pio, const struct pio_machine *m, unsigned argument) {
    unsigned to = argument >> 5, after = m->osr_count + threshold(argument & 31);
    bool pulls = shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_AUTOPULL) && after >= pull_threshold(pio, m);
    return to != TO_PINS && to != TO_PINDIRS && !pulls;
}

static bool in_is_silent(const struct pio *pio, const struct pio_machine *m, unsigned argument) {
    unsigned after = m->isr_count + threshold(argument & 31);
    return !shiftctrl(pio, m, PIO_SM0_SHIFTCTRL_AUTOPUSH) || after < push_threshold(pio, m);
}

bool pio_is_silent(struct pio *pio, const struct pio_machine *m) {
    uint16_t instruction = m->has_instruction ? m->instruction : pio->memory[m->pc];
    unsigned argument = instruction & 0xff, to = argument >> 5;
    if (!side_set_is_silent(pio, m, instruction >> 8 & 31)) {
        return false;
    }
    switch (instruction >> 13) {
    case JMP:
        return true;
    case WAIT:
        return wait_is_silent(pio, m, argument);
    case IN:
        return in_is_silent(pio, m, argument);
    case OUT:
        return out_is_silent(pio, m, argument);
    case MOV:
        return to != MOV_PINS && to != MOV_PINDIRS;
    case SET:
        return to != TO_PINS && to != TO_PINDIRS;
    default:
        return false;
    }
}

uint32_t pio_pins_of(const struct pio *pio, const struct pio_machine *m, uint16_t instruction) {
    unsigned argument = instruction & 0xff, base = pinctrl(pio, m, PIO_SM0_PINCTRL_IN_BASE);
    uint32_t jump = 1u << execctrl(pio, m, PIO_SM0_EXECCTRL_JMP_PIN);
    switch (instruction >> 13) {
    case JMP:
        return argument >> 5 == 6 ? jump : 0;
    case WAIT:
        argument &= 0x7f;
        return argument < 32    ? 1u << argument
               : argument < 64  ? rotate_left(1u << argument % 32, base)
               : argument >= 96 ? rotate_left(jump, argument & 3)
                                : 0;
    case IN:
        return argument >> 5 == SOURCE_PINS ? rotate_left(ones(threshold(argument & 31)), base) : 0;
    case MOV:
        return (argument & 7) == SOURCE_PINS ? UINT32_MAX : 0;
    default:
        return 0;
    }
}
