/* What a PIO program does while nothing changes from outside, without a step per cycle.
 *
 * An instruction is noticed when somebody else could tell that it has been executed: it moves a pin that is watched or
 * that another machine may write to, takes from or gives to a FIFO, touches a flag, stalls, or looks at an input that
 * is just coming through the synchronisers. All others may be carried out at any time, also together. Three things make
 * that cheap: a loop that comes back to the same state is skipped by whole passes, so is one that counts X or Y down
 * and does nothing else with it, and OUTs that follow each other move the shift register at once. */
#include "peripherals/onchip/pio_private.h"

#define FORESIGHT 1024              /* instructions */
#define HORIZON (UINT64_C(1) << 40) /* cycles */
#define LONGEST_LOOP 64             /* instructions of a pass, where loops within loops are not skipped */
#define FIRST_MARK 2                /* instructions before the first state to come back to is noted */
#define SIDE_SET_AND_DELAY (31u << 8)

/* ---- Looking at the program ---- */
static bool reads_flags(const struct pio_machine *m, uint16_t instruction) {
    unsigned argument = instruction & 0xff;
    bool by_flag = m->settings.status_select >= STATUS_IRQ;
    switch (instruction >> 13) {
    case IN:
        return by_flag && argument >> 5 == SOURCE_STATUS;
    case MOV:
        return by_flag && (argument & 7) == SOURCE_STATUS;
    case WAIT:
        return (argument >> 5 & 3) == 2;
    default:
        return false;
    }
}

/* How full the FIFO is matters to it, or to what it passes on to EXEC. */
static bool reads_levels(const struct pio_machine *m, uint16_t instruction) {
    unsigned argument = instruction & 0xff;
    switch (instruction >> 13) {
    case IN:
        return argument >> 5 == SOURCE_STATUS && m->settings.status_select == STATUS_TX;
    case OUT:
        return argument >> 5 == TO_EXEC;
    case MOV:
        return argument >> 5 == MOV_EXEC || ((argument & 7) == SOURCE_STATUS && m->settings.status_select == STATUS_TX);
    default:
        return false;
    }
}

static bool is_special(const struct pio *pio, const struct pio_machine *m, uint16_t instruction) {
    bool moves_fifo = instruction >> 13 == PUSH_PULL && instruction & 0x10 && pio->variant->version;
    return instruction >> 13 == IRQ || moves_fifo || reads_flags(m, instruction);
}

/* All of the first 2^n instructions are `out pc, n` with one and the same delay. */
static bool is_out_pc(const struct pio *pio, const struct pio_machine *m, unsigned bits) {
    uint16_t side_set = (uint16_t)(SIDE_SET_AND_DELAY & ~(pio_ones(5 - m->settings.side_bits) << 8));
    uint16_t first = pio->memory[0] & (uint16_t)~side_set;
    for (unsigned i = 0; i < 1u << bits; i++) {
        if ((pio->memory[i] & (uint16_t)~side_set) != first) {
            return false;
        }
    }
    return (first & ~SIDE_SET_AND_DELAY) == (OUT << 13 | TO_PC << 5 | bits);
}

void pio_study(const struct pio *pio, struct pio_machine *m) {
    bool enabled = pio->block.values[PIO_CTRL] >> m->number & 1;
    m->inputs = m->now.has_instruction ? pio_inputs_of(pio, m, m->now.instruction) : 0;
    m->special = 0;
    m->reads_levels = m->now.has_instruction;
    for (unsigned i = 0; i < 32; i++) {
        m->inputs |= enabled ? pio_inputs_of(pio, m, pio->memory[i]) : 0;
        m->reads_levels |= reads_levels(m, pio->memory[i]);
        m->special |= (uint32_t)is_special(pio, m, pio->memory[i]) << i;
    }
    m->out_pc_bits = is_out_pc(pio, m, 1) ? 1 : is_out_pc(pio, m, 2) ? 2 : is_out_pc(pio, m, 3) ? 3 : 0;
}

/* ---- One instruction ---- */
static uint16_t instruction_of(const struct pio *pio, const struct pio_state *s) {
    return s->has_instruction ? s->instruction : pio->memory[s->pc];
}

static bool inputs_are_settled(const struct pio *pio, uint64_t cycle) {
    unsigned last = (pio->first_change + pio->change_count - 1) % PIO_INPUT_CHANGES;
    return !pio->change_count || pio->changes[last].cycle <= cycle;
}

static bool concerns_others(const struct pio *pio, const struct pio_machine *m, const struct pio_state *s) {
    bool special = s->has_instruction ? is_special(pio, m, s->instruction) : m->special >> s->pc & 1;
    return special || m->settings.sticky ||
           (!inputs_are_settled(pio, pio_cycle_of(s->due)) && pio_inputs_of(pio, m, instruction_of(pio, s)));
}

static bool is_noticed(const struct pio *pio, const struct pio_machine *m, const struct pio_state *before,
                       const struct pio_state *after) {
    uint32_t moved = (before->pins.out ^ after->pins.out) | (before->pins.oe ^ after->pins.oe);
    return after->wait || after->debug || after->driven & ~m->own || moved & ~pio->hidden ||
           after->tx_count != before->tx_count || after->rx_count != before->rx_count;
}

static bool step_unnoticed(struct pio *pio, struct pio_machine *m, struct pio_state *s) {
    if (concerns_others(pio, m, s)) {
        return false;
    }
    struct pio_state before = *s;
    pio_step(pio, m, s);
    if (is_noticed(pio, m, &before, s)) {
        *s = before;
        return false;
    }
    return true;
}

/* ---- OUT after OUT ---- */

unsigned pio_bits_of_outs(const struct pio *pio, const struct pio_machine *m, const struct pio_state *s) {
    const struct pio_settings *settings = &m->settings;
    unsigned argument = pio->memory[s->pc] & 0xff, destination = argument >> 5;
    uint32_t pins = settings->side_mask | (destination == TO_PINS ? settings->out_mask : 0);
    if (pio->memory[s->pc] >> 13 != OUT || s->has_instruction || s->delay || pins & ~(m->own & pio->hidden)) {
        return 0;
    }
    if (destination == TO_PC) {
        return s->pc < 1u << m->out_pc_bits ? m->out_pc_bits : 0;
    }
    bool alone = s->pc == settings->wrap_top && s->pc == settings->wrap_bottom;
    return alone && (destination == TO_PINS || destination == TO_NULL) ? pio_bits(argument & 31) : 0;
}

/* The bits that an OUT would take from here on, `skipped` bits further. */
static uint32_t peek_osr(const struct pio_machine *m, const struct pio_state *s, unsigned skipped, unsigned bits) {
    return m->settings.out_right ? s->osr >> skipped & pio_ones(bits) : s->osr << skipped >> (32 - bits);
}

/* Leave out all OUTs but the last of those that do not empty the shift register: what they did to pins that nobody
 * watches, or to the program counter, is past when the last one has done the same. */
static void skip_outs(const struct pio *pio, const struct pio_machine *m, struct pio_state *s, uint64_t until) {
    unsigned bits = m->settings.autopull ? pio_bits_of_outs(pio, m, s) : 0;
    if (!bits || s->osr_count + 2 * bits >= m->settings.pull_threshold) {
        return;
    }
    unsigned outs = (m->settings.pull_threshold - s->osr_count - 1u) / bits;
    uint16_t delay = pio->memory[s->pc] >> 8 & pio_ones(5 - m->settings.side_bits);
    uint64_t period = m->settings.divider * (1 + delay);
    uint64_t left = (until << 8) - s->due;
    unsigned skipped = (outs - 1) * period <= left ? outs - 1 : (unsigned)(left / period);
    if (!skipped) {
        return;
    }
    if ((pio->memory[s->pc] >> 5 & 7) == TO_PC) {
        s->pc = peek_osr(m, s, (skipped - 1) * bits, bits) & 31;
    }
    s->osr = m->settings.out_right ? s->osr >> skipped * bits : s->osr << skipped * bits;
    s->osr_count = (uint8_t)(s->osr_count + skipped * bits);
    s->due += skipped * period;
}

/* ---- Loops ---- */
static bool is_same_place(const struct pio_state *a, const struct pio_state *b) {
    return a->pc == b->pc && a->osr == b->osr && a->isr == b->isr && a->osr_count == b->osr_count &&
           a->isr_count == b->isr_count && a->pins.out == b->pins.out && a->pins.oe == b->pins.oe &&
           a->delay == b->delay && a->has_instruction == b->has_instruction && a->has_sample == b->has_sample &&
           (!a->has_instruction || a->instruction == b->instruction);
}

/* The instruction does something with a scratch register (SOURCE_X, SOURCE_Y) beside counting it down. */
static bool uses_scratch(uint16_t instruction, unsigned scratch) {
    unsigned argument = instruction & 0xff, to = argument >> 5, from = argument & 7;
    switch (instruction >> 13) {
    case JMP:
        return to == 5 || to == (scratch == SOURCE_X ? 1 : 3);
    case IN:
    case OUT:
    case SET:
        return to == scratch;
    case PUSH_PULL:
        return scratch == SOURCE_X;
    case MOV:
        return (to == scratch || from == scratch) && !(to == from && !(argument & 0x18));
    default:
        return false;
    }
}

/* The instructions from one state to another, not more than a loop has, only count the register down. */
static bool only_counts(struct pio *pio, struct pio_machine *m, struct pio_state from, uint64_t until_due,
                        unsigned scratch) {
    unsigned steps = 0;
    for (; from.due < until_due && steps < LONGEST_LOOP; steps++) {
        if (uses_scratch(instruction_of(pio, &from), scratch)) {
            return false;
        }
        pio_step(pio, m, &from);
    }
    return from.due == until_due;
}

/* How many more passes like the one from `mark` to `s` are certain to come. */
static uint64_t coming_passes(struct pio *pio, struct pio_machine *m, const struct pio_state *mark,
                              const struct pio_state *s) {
    uint32_t x = mark->x - s->x, y = mark->y - s->y;
    if (!x && !y) {
        return UINT64_MAX;
    }
    if (x == 1 && !y && mark->x && only_counts(pio, m, *mark, s->due, SOURCE_X)) {
        return s->x;
    }
    if (y == 1 && !x && mark->y && only_counts(pio, m, *mark, s->due, SOURCE_Y)) {
        return s->y;
    }
    return 0;
}

static void skip_passes(struct pio *pio, struct pio_machine *m, const struct pio_state *mark, struct pio_state *s,
                        uint64_t until) {
    if (!is_same_place(mark, s) || s->due >= until << 8) {
        return;
    }
    uint64_t period = s->due - mark->due, in_time = ((until << 8) - s->due) / period;
    uint64_t passes = in_time ? coming_passes(pio, m, mark, s) : 0;
    passes = passes < in_time ? passes : in_time;
    s->due += passes * period;
    s->x -= mark->x == s->x ? 0 : (uint32_t)passes;
    s->y -= mark->y == s->y ? 0 : (uint32_t)passes;
}

/* ---- Many instructions ---- */
static bool advance_unnoticed(struct pio *pio, struct pio_machine *m, struct pio_state *s, uint64_t until,
                              unsigned limit) {
    struct pio_state mark;
    bool is_marked = false;
    for (unsigned steps = 1, next_mark = FIRST_MARK; pio_cycle_of(s->due) <= until; steps++) {
        skip_outs(pio, m, s, until);
        if (steps == limit || !step_unnoticed(pio, m, s)) {
            return false;
        }
        if (is_marked && s->pc == mark.pc) {
            skip_passes(pio, m, &mark, s, until);
        }
        if (steps == next_mark) {
            mark = *s;
            is_marked = true;
            next_mark *= 2;
        }
    }
    return true;
}

bool pio_advance(struct pio *pio, struct pio_machine *m, struct pio_state *s, uint64_t until) {
    return advance_unnoticed(pio, m, s, until, UINT32_MAX);
}

void pio_foresee(struct pio *pio, struct pio_machine *m) {
    m->ahead = m->now;
    advance_unnoticed(pio, m, &m->ahead, pio_cycle_of(m->now.due) + HORIZON, FORESIGHT);
    m->quiet = pio_cycle_of(m->ahead.due);
    m->is_foreseen = true;
}
