/* PIO instructions: RP2040 datasheet 3.4 and 3.5, RP2350 datasheet 11.4 and 11.5.
 *
 * Autopull refills an empty shift register in every cycle of the machine, in delays and while it stalls too; only an
 * OUT that finds it empty takes the next word and shifts in the machine's next cycle (3.5.4.2).
 *
 * Decided: the delay of an instruction that goes through EXEC is the executed one's. A SIDESET_COUNT of 6 or 7 is as 5,
 * which is all that an instruction has. IN with autopush shifts once, in its first cycle, and then waits for room.
 * OUT_STICKY asserts the machine's last OUT, SET or MOV to levels and to directions in every cycle of clk_sys, through
 * the mapping as it is then, with the machine's place in the order of priorities; taking the bit away forgets them.
 * Reserved encodings do nothing, read 0, or wait for ever. mov rxfifo[] and mov osr, rxfifo[] do nothing without
 * FJOIN_RX_PUT and FJOIN_RX_GET. */
#include "peripherals/onchip/pio_private.h"

enum outcome { DONE, JUMPED, STALLED, AGAIN };

/* ---- Settings ---- */
static void decode_execctrl(const struct pio *pio, struct pio_settings *settings, uint32_t value) {
    settings->wrap_top = (uint8_t)field_get(value, PIO_SM0_EXECCTRL_WRAP_TOP);
    settings->wrap_bottom = (uint8_t)field_get(value, PIO_SM0_EXECCTRL_WRAP_BOTTOM);
    settings->jmp_pin = (uint8_t)field_get(value, PIO_SM0_EXECCTRL_JMP_PIN);
    settings->out_enable_bit = (uint8_t)field_get(value, PIO_SM0_EXECCTRL_OUT_EN_SEL);
    settings->status_select = (uint8_t)field_get(value, pio->variant->status_sel);
    settings->status_n = (uint8_t)field_get(value, pio->variant->status_n);
    settings->side_optional = value & PIO_SM0_EXECCTRL_SIDE_EN;
    settings->side_directions = value & PIO_SM0_EXECCTRL_SIDE_PINDIR;
    settings->inline_enable = value & PIO_SM0_EXECCTRL_INLINE_OUT_EN;
    settings->sticky = value & PIO_SM0_EXECCTRL_OUT_STICKY;
}

static void decode_shiftctrl(const struct pio *pio, struct pio_settings *settings, uint32_t value) {
    settings->pull_threshold = (uint8_t)pio_bits(field_get(value, PIO_SM0_SHIFTCTRL_PULL_THRESH));
    settings->push_threshold = (uint8_t)pio_bits(field_get(value, PIO_SM0_SHIFTCTRL_PUSH_THRESH));
    settings->autopull = value & PIO_SM0_SHIFTCTRL_AUTOPULL;
    settings->autopush = value & PIO_SM0_SHIFTCTRL_AUTOPUSH;
    settings->out_right = value & PIO_SM0_SHIFTCTRL_OUT_SHIFTDIR;
    settings->in_right = value & PIO_SM0_SHIFTCTRL_IN_SHIFTDIR;
    bool is_new = pio->variant->version > 0;
    settings->put = is_new && value & PIO_SM0_SHIFTCTRL_FJOIN_RX_PUT;
    settings->get = is_new && value & PIO_SM0_SHIFTCTRL_FJOIN_RX_GET;
    settings->in_mask = pio_ones(pio_bits(is_new ? field_get(value, PIO_SM0_SHIFTCTRL_IN_COUNT) : 0));
}

static void decode_pinctrl(struct pio_settings *settings, uint32_t value) {
    unsigned side_bits = field_get(value, PIO_SM0_PINCTRL_SIDESET_COUNT);
    settings->side_bits = (uint8_t)(side_bits < 5 ? side_bits : 5);
    settings->side_pins = (uint8_t)(settings->side_bits - (settings->side_bits && settings->side_optional));
    settings->out_base = (uint8_t)field_get(value, PIO_SM0_PINCTRL_OUT_BASE);
    settings->set_base = (uint8_t)field_get(value, PIO_SM0_PINCTRL_SET_BASE);
    settings->side_base = (uint8_t)field_get(value, PIO_SM0_PINCTRL_SIDESET_BASE);
    settings->in_base = (uint8_t)field_get(value, PIO_SM0_PINCTRL_IN_BASE);
    unsigned out_count = field_get(value, PIO_SM0_PINCTRL_OUT_COUNT);
    unsigned set_count = field_get(value, PIO_SM0_PINCTRL_SET_COUNT);
    settings->out_mask = pio_rotate_left(pio_ones(out_count), settings->out_base);
    settings->set_mask = pio_rotate_left(pio_ones(set_count), settings->set_base);
    settings->side_mask = pio_rotate_left(pio_ones(settings->side_pins), settings->side_base);
}

void pio_decode_settings(const struct pio *pio, struct pio_machine *m) {
    const uint32_t *values = pio->block.values;
    uint32_t whole = field_get(values[SM(CLKDIV, m)], PIO_SM0_CLKDIV_INT);
    uint32_t fraction = field_get(values[SM(CLKDIV, m)], PIO_SM0_CLKDIV_FRAC);
    m->settings.divider = whole ? (uint64_t)whole << 8 | fraction : 65536u << 8;
    decode_execctrl(pio, &m->settings, values[SM(EXECCTRL, m)]);
    decode_shiftctrl(pio, &m->settings, values[SM(SHIFTCTRL, m)]);
    decode_pinctrl(&m->settings, values[SM(PINCTRL, m)]);
}

/* ---- Pins ---- */
static void drive_pins(struct pio_state *s, bool directions, uint32_t value, unsigned base, uint32_t mask) {
    uint32_t *which = directions ? &s->pins.oe : &s->pins.out;
    *which = (*which & ~mask) | (pio_rotate_left(value, base) & mask);
    s->driven |= mask;
}

static void drive_mapped(const struct pio_machine *m, struct pio_state *s, bool directions, struct pio_latch write) {
    if (write.mapping == PIO_MAPPING_OUT) {
        drive_pins(s, directions, write.value, m->settings.out_base, m->settings.out_mask);
    } else if (write.mapping == PIO_MAPPING_SET) {
        drive_pins(s, directions, write.value, m->settings.set_base, m->settings.set_mask);
    }
}

static void write_pins(const struct pio_machine *m, struct pio_state *s, bool directions, enum pio_mapping mapping,
                       uint32_t value) {
    struct pio_latch write = { .value = value, .mapping = (uint8_t)mapping };
    bool disabled =
        mapping == PIO_MAPPING_OUT && m->settings.inline_enable && !(value >> m->settings.out_enable_bit & 1);
    if (disabled) {
        write = (struct pio_latch){ .mapping = PIO_MAPPING_NONE };
    }
    if (m->settings.sticky) {
        s->latch[directions] = write;
    }
    drive_mapped(m, s, directions, write);
}

void pio_assert_latches(const struct pio_machine *m, struct pio_state *s) {
    for (unsigned directions = 0; m->settings.sticky && directions < 2; directions++) {
        drive_mapped(m, s, directions, s->latch[directions]);
    }
}

bool pio_has_side_set(const struct pio_settings *settings, uint16_t instruction) {
    return settings->side_pins && !(settings->side_optional && !(instruction & 0x1000));
}

static void side_set(const struct pio_machine *m, struct pio_state *s, uint16_t instruction) {
    const struct pio_settings *settings = &m->settings;
    if (pio_has_side_set(settings, instruction)) {
        uint32_t value = (instruction >> 8 & 31) >> (5 - settings->side_bits);
        drive_pins(s, settings->side_directions, value, settings->side_base, settings->side_mask);
    }
}

/* ---- Shift registers and FIFOs ---- */
static bool osr_is_empty(const struct pio_machine *m, const struct pio_state *s) {
    return s->osr_count >= m->settings.pull_threshold;
}

static void take_from_tx(const struct pio_machine *m, struct pio_state *s) {
    s->osr = m->tx.items[s->tx_first];
    s->osr_count = 0;
    s->tx_first = (s->tx_first + 1) % PIO_FIFO_DEPTH;
    s->tx_count--;
}

static void refill_osr(const struct pio_machine *m, struct pio_state *s) {
    if (m->settings.autopull && s->tx_count && osr_is_empty(m, s)) {
        take_from_tx(m, s);
    }
}

static bool rx_is_full(const struct pio_machine *m, const struct pio_state *s) {
    return s->rx_count >= m->rx.depth;
}

static void clear_isr(struct pio_state *s) {
    s->isr = 0;
    s->isr_count = 0;
}

static void give_to_rx(struct pio_machine *m, struct pio_state *s) {
    m->rx.items[(s->rx_first + s->rx_count++) % PIO_FIFO_DEPTH] = s->isr;
    clear_isr(s);
}

static enum outcome wait_for(struct pio_state *s, enum pio_wait what) {
    s->wait = (uint8_t)what;
    s->debug |= what == PIO_WAITS_TX ? 1 : what == PIO_WAITS_RX ? 2 : 0;
    return STALLED;
}

/* ---- Flags ---- */

/* The block that owns the flag that an instruction names, and its number. */
static struct pio *flag_of(struct pio *pio, const struct pio_machine *m, unsigned index, unsigned *ret_flag) {
    unsigned mode = pio->variant->version ? index >> 3 & 3 : index >> 4 & 1 ? 2 : 0;
    *ret_flag = mode == 2 ? (index & 4) | ((index + m->number) & 3) : index & 7;
    return mode == 1 ? pio->previous : mode == 3 ? pio->next : pio;
}

/* Flags change at the end of the cycle. */
static bool get_flag(const struct pio *pio, unsigned flag) {
    return pio->block.values[PIO_IRQ] >> flag & 1;
}

/* ---- The instructions ---- */
struct context {
    struct pio *pio;
    struct pio_machine *machine;
    struct pio_state *state;
    uint64_t cycle;
};

static uint32_t mapped_inputs(const struct context *c) {
    const struct pio_settings *settings = &c->machine->settings;
    return pio_rotate_right(pio_inputs(c->pio, c->cycle), settings->in_base) & settings->in_mask;
}

static bool jump_pin(const struct context *c, unsigned offset) {
    return pio_inputs(c->pio, c->cycle) >> ((c->machine->settings.jmp_pin + offset) % 32) & 1;
}

static bool condition(const struct context *c, unsigned which) {
    struct pio_state *s = c->state;
    switch (which) {
    case 1:
        return !s->x;
    case 2:
        return s->x-- != 0;
    case 3:
        return !s->y;
    case 4:
        return s->y-- != 0;
    case 5:
        return s->x != s->y;
    case 6:
        return jump_pin(c, 0);
    case 7:
        return !osr_is_empty(c->machine, s);
    default:
        return true;
    }
}

static enum outcome jmp(const struct context *c, unsigned argument) {
    if (!condition(c, argument >> 5)) {
        return DONE;
    }
    c->state->pc = argument & 31;
    return JUMPED;
}

static enum outcome wait_flag(const struct context *c, unsigned index, bool level) {
    unsigned flag;
    struct pio *owner = flag_of(c->pio, c->machine, index, &flag);
    if (!owner || get_flag(owner, flag) != level) {
        return wait_for(c->state, PIO_WAITS_IRQ);
    }
    if (level) {
        owner->flags_cleared |= 1u << flag;
    }
    return DONE;
}

static enum outcome wait(const struct context *c, unsigned argument) {
    bool level = argument & 0x80, seen;
    unsigned index = argument & 31;
    switch (argument >> 5 & 3) {
    case 0:
        seen = pio_inputs(c->pio, c->cycle) >> index & 1;
        break;
    case 1:
        seen = mapped_inputs(c) >> index & 1;
        break;
    case 2:
        return wait_flag(c, index, level);
    default:
        seen = c->pio->variant->version && jump_pin(c, index & 3);
    }
    return seen == level ? DONE : wait_for(c->state, PIO_WAITS_PINS);
}

static uint32_t status(const struct context *c) {
    const struct pio_settings *settings = &c->machine->settings;
    if (settings->status_select >= STATUS_IRQ) {
        unsigned flag, n = settings->status_n;
        unsigned index = (n & 0x0f) | (n & 0x10 ? 0x18 : 0); /* 0x08 is the neighbour before, 0x10 the next */
        struct pio *owner = flag_of(c->pio, c->machine, index, &flag);
        return owner && get_flag(owner, flag) ? UINT32_MAX : 0;
    }
    unsigned level = settings->status_select == STATUS_RX ? c->state->rx_count : c->state->tx_count;
    return level < settings->status_n ? UINT32_MAX : 0;
}

static uint32_t source(const struct context *c, unsigned which) {
    const struct pio_state *s = c->state;
    switch (which) {
    case SOURCE_PINS:
        return mapped_inputs(c);
    case SOURCE_X:
        return s->x;
    case SOURCE_Y:
        return s->y;
    case SOURCE_STATUS:
        return status(c);
    case SOURCE_ISR:
        return s->isr;
    case SOURCE_OSR:
        return s->osr;
    default:
        return 0;
    }
}

static void shift_in(const struct pio_machine *m, struct pio_state *s, uint32_t value, unsigned bits) {
    value &= pio_ones(bits);
    if (bits == 32) {
        s->isr = value;
    } else if (m->settings.in_right) {
        s->isr = s->isr >> bits | value << (32 - bits);
    } else {
        s->isr = s->isr << bits | value;
    }
    unsigned count = s->isr_count + bits;
    s->isr_count = (uint8_t)(count < 32 ? count : 32);
}

static enum outcome in(const struct context *c, unsigned argument) {
    struct pio_machine *m = c->machine;
    struct pio_state *s = c->state;
    if (!s->has_sample) {
        shift_in(m, s, source(c, argument >> 5), pio_bits(argument & 31));
    }
    s->has_sample = false;
    if (!m->settings.autopush || s->isr_count < m->settings.push_threshold) {
        return DONE;
    }
    if (rx_is_full(m, s)) {
        s->has_sample = true;
        return wait_for(s, PIO_WAITS_RX);
    }
    give_to_rx(m, s);
    return DONE;
}

static uint32_t shift_out(const struct pio_machine *m, struct pio_state *s, unsigned bits) {
    uint32_t value = s->osr;
    if (bits == 32) {
        s->osr = 0;
    } else if (m->settings.out_right) {
        value = s->osr & pio_ones(bits);
        s->osr >>= bits;
    } else {
        value = s->osr >> (32 - bits);
        s->osr <<= bits;
    }
    unsigned count = s->osr_count + bits;
    s->osr_count = (uint8_t)(count < 32 ? count : 32);
    return value;
}

static void execute_next(struct pio_state *s, uint32_t instruction) {
    s->instruction = (uint16_t)instruction;
    s->has_instruction = true;
}

static enum outcome go_to(struct pio_state *s, uint32_t address) {
    s->pc = address & 31;
    return JUMPED;
}

static enum outcome out_to(const struct context *c, unsigned destination, uint32_t value, unsigned bits) {
    struct pio_state *s = c->state;
    switch (destination) {
    case TO_PINS:
    case TO_PINDIRS:
        write_pins(c->machine, s, destination == TO_PINDIRS, PIO_MAPPING_OUT, value);
        break;
    case TO_X:
        s->x = value;
        break;
    case TO_Y:
        s->y = value;
        break;
    case TO_PC:
        return go_to(s, value);
    case TO_ISR:
        s->isr = value;
        s->isr_count = (uint8_t)bits;
        break;
    case TO_EXEC:
        execute_next(s, value);
        break;
    }
    return DONE;
}

static enum outcome out(const struct context *c, unsigned argument) {
    struct pio_machine *m = c->machine;
    struct pio_state *s = c->state;
    unsigned bits = pio_bits(argument & 31);
    if (m->settings.autopull && osr_is_empty(m, s)) {
        if (!s->tx_count) {
            return wait_for(s, PIO_WAITS_TX);
        }
        take_from_tx(m, s);
        return AGAIN;
    }
    return out_to(c, argument >> 5, shift_out(m, s, bits), bits);
}

static enum outcome push(const struct context *c, unsigned argument) {
    struct pio_machine *m = c->machine;
    struct pio_state *s = c->state;
    bool if_full = argument & 0x40, blocks = argument & 0x20;
    if (if_full && s->isr_count < m->settings.push_threshold) {
        return DONE;
    }
    if (!rx_is_full(m, s)) {
        give_to_rx(m, s);
        return DONE;
    }
    if (blocks) {
        return wait_for(s, PIO_WAITS_RX);
    }
    s->debug |= 2;
    clear_isr(s);
    return DONE;
}

static enum outcome pull(const struct context *c, unsigned argument) {
    struct pio_machine *m = c->machine;
    struct pio_state *s = c->state;
    bool if_empty = argument & 0x40, blocks = argument & 0x20;
    if ((if_empty && !osr_is_empty(m, s)) || (m->settings.autopull && s->osr_count == 0)) {
        return DONE;
    }
    if (s->tx_count) {
        take_from_tx(m, s);
    } else if (blocks) {
        return wait_for(s, PIO_WAITS_TX);
    } else {
        s->osr = s->x;
        s->osr_count = 0;
    }
    return DONE;
}

/* RP2350: the receive FIFO as four registers, by index or by Y. */
static enum outcome move_fifo(const struct context *c, unsigned argument) {
    struct pio_machine *m = c->machine;
    struct pio_state *s = c->state;
    unsigned index = (argument & 8 ? argument : s->y) & 3;
    if (!(argument & 0x80)) {
        m->rx.items[index] = m->settings.put ? s->isr : m->rx.items[index];
    } else if (m->settings.get) {
        s->osr = m->rx.items[index];
        s->osr_count = 0;
    }
    return DONE;
}

static enum outcome push_or_pull(const struct context *c, unsigned argument) {
    if (c->pio->variant->version && argument & 0x10) {
        return move_fifo(c, argument);
    }
    return argument & 0x80 ? pull(c, argument) : push(c, argument);
}

static uint32_t reversed(uint32_t value) {
    uint32_t result = 0;
    for (unsigned i = 0; i < 32; i++) {
        result = result << 1 | (value >> i & 1);
    }
    return result;
}

static uint32_t moved(uint32_t value, unsigned operation) {
    return operation == 1 ? ~value : operation == 2 ? reversed(value) : value;
}

static enum outcome mov(const struct context *c, unsigned argument) {
    struct pio_state *s = c->state;
    uint32_t value = moved(source(c, argument & 7), argument >> 3 & 3);
    switch (argument >> 5) {
    case MOV_PINS:
        write_pins(c->machine, s, false, PIO_MAPPING_OUT, value);
        break;
    case MOV_X:
        s->x = value;
        break;
    case MOV_Y:
        s->y = value;
        break;
    case MOV_PINDIRS:
        if (c->pio->variant->version) {
            write_pins(c->machine, s, true, PIO_MAPPING_OUT, value);
        }
        break;
    case MOV_EXEC:
        execute_next(s, value);
        break;
    case MOV_PC:
        return go_to(s, value);
    case MOV_ISR:
        s->isr = value;
        s->isr_count = 0;
        break;
    default:
        s->osr = value;
        s->osr_count = 0;
    }
    return DONE;
}

static enum outcome irq(const struct context *c, unsigned argument) {
    struct pio_state *s = c->state;
    bool clears = argument & 0x40, waits = argument & 0x20;
    unsigned flag;
    struct pio *owner = flag_of(c->pio, c->machine, argument & 31, &flag);
    if (!owner || argument & 0x80) {
        return DONE;
    }
    if (clears) {
        owner->flags_cleared |= 1u << flag;
        return DONE;
    }
    if (s->irq_raised && !get_flag(owner, flag)) {
        s->irq_raised = false;
        return DONE;
    }
    owner->flags_set |= s->irq_raised ? 0 : 1u << flag;
    s->irq_raised = waits;
    return waits ? wait_for(s, PIO_WAITS_IRQ) : DONE;
}

static enum outcome set(const struct context *c, unsigned argument) {
    unsigned value = argument & 31, destination = argument >> 5;
    switch (destination) {
    case TO_PINS:
    case TO_PINDIRS:
        write_pins(c->machine, c->state, destination == TO_PINDIRS, PIO_MAPPING_SET, value);
        break;
    case TO_X:
        c->state->x = value;
        break;
    case TO_Y:
        c->state->y = value;
        break;
    }
    return DONE;
}

typedef enum outcome operation(const struct context *c, unsigned argument);
static operation *const operations[8] = { jmp, wait, in, out, push_or_pull, mov, irq, set };

/* ---- One step ---- */
static void next_address(const struct pio_machine *m, struct pio_state *s) {
    bool wraps = s->pc == m->settings.wrap_top;
    s->pc = wraps ? m->settings.wrap_bottom : (s->pc + 1) & 31;
}

bool pio_execute(struct pio *pio, struct pio_machine *m, struct pio_state *s, uint64_t cycle, unsigned *ret_delay) {
    struct context context = { pio, m, s, cycle };
    bool inserted = s->has_instruction;
    uint16_t instruction = inserted ? s->instruction : pio->memory[s->pc];
    s->wait = PIO_RUNS;
    s->debug = 0;
    s->driven = 0;
    s->has_instruction = false;
    enum outcome outcome = operations[instruction >> 13](&context, instruction & 0xff);
    pio_assert_latches(m, s);
    side_set(m, s, instruction); /* wins over what the instruction itself drives */
    refill_osr(m, s);
    *ret_delay = 0;
    if (outcome == STALLED || outcome == AGAIN) {
        s->has_instruction = inserted;
        return false;
    }
    if (outcome == DONE && !inserted) {
        next_address(m, s);
    }
    if (!s->has_instruction) { /* else the delay is that of the instruction which comes now */
        *ret_delay = instruction >> 8 & pio_ones(5 - m->settings.side_bits);
    }
    return true;
}

void pio_step(struct pio *pio, struct pio_machine *m, struct pio_state *s) {
    unsigned delay = s->delay;
    if (delay) { /* a cycle of a delay that was interrupted */
        s->delay = s->debug = 0;
        s->driven = 0;
        pio_assert_latches(m, s);
        refill_osr(m, s);
        s->due += m->settings.divider * delay;
        return;
    }
    pio_execute(pio, m, s, pio_cycle_of(s->due), &delay);
    s->due += m->settings.divider * (1 + delay);
}

uint32_t pio_inputs_of(const struct pio *pio, const struct pio_machine *m, uint16_t instruction) {
    unsigned argument = instruction & 0xff, base = m->settings.in_base;
    uint32_t jump = 1u << m->settings.jmp_pin;
    switch (instruction >> 13) {
    case JMP:
        return argument >> 5 == 6 ? jump : 0;
    case WAIT:
        argument &= 0x7f;
        return argument < 32    ? 1u << argument
               : argument < 64  ? pio_rotate_left(1u << argument % 32, base)
               : argument >= 96 ? pio_rotate_left(jump, argument & 3)
                                : 0;
    case IN:
        return argument >> 5 == SOURCE_PINS ? pio_rotate_left(pio_ones(pio_bits(argument & 31)), base) : 0;
    case OUT:
        return argument >> 5 == TO_EXEC ? UINT32_MAX : 0;
    case MOV:
        return (argument & 7) == SOURCE_PINS || argument >> 5 == MOV_EXEC ? UINT32_MAX : 0;
    default:
        return 0;
    }
}
