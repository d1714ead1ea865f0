/* Programmable I/O: machines that DMA feeds, without an event a word.
 *
 * A machine is harmless when nothing that it can come to execute looks at inputs or is noticed by others, but that it
 * takes words from its transmit FIFO (which DMA then fills again). As long as a channel has words for it, such a
 * machine and its channel are carried out together, word by word, when somebody looks at one of the two, and at the
 * latest LAG cycles late. All that follows from a word in the end (the last word of a block, a FIFO that runs empty)
 * comes at its own cycle.
 *
 * What is not to the cycle: memory is read up to LAG cycles late, and a transfer steals no cycle from other
 * channels. */
#include "peripherals/onchip/pio_private.h"

#define LAG 1026       /* cycles: not just at a word where words take a power of two */
#define FEED_CYCLES 1  /* from the request to the word in the FIFO */
#define FASTEST_WORD 4 /* cycles between words with which DMA keeps up at all times */
#define WORDS_LEFT 1   /* of those that could be left out */

/* ---- Which machines ---- */
static bool writes_quietly(const struct pio *pio, const struct pio_machine *m, uint16_t instruction) {
    const struct pio_settings *settings = &m->settings;
    unsigned kind = instruction >> 13, to = instruction >> 5 & 7;
    uint32_t pins = pio_has_side_set(settings, instruction) ? settings->side_mask : 0;
    if (kind == OUT && (to == TO_PINS || to == TO_PINDIRS)) {
        pins |= settings->out_mask;
    } else if (kind == MOV && (to == MOV_PINS || to == MOV_PINDIRS)) {
        pins |= settings->out_mask;
    } else if (kind == SET && (to == TO_PINS || to == TO_PINDIRS)) {
        pins |= settings->set_mask;
    }
    return !(pins & ~(m->own & pio->hidden));
}

static bool is_harmless_at(const struct pio *pio, const struct pio_machine *m, unsigned address) {
    uint16_t instruction = pio->memory[address];
    unsigned to = instruction >> 5 & 7;
    if (m->special >> address & 1 || !writes_quietly(pio, m, instruction)) {
        return false;
    }
    switch (instruction >> 13) {
    case IN:
        return !m->settings.autopush;
    case OUT:
        return to != TO_EXEC && (to != TO_PC || (m->out_pc_bits && address < 1u << m->out_pc_bits));
    case PUSH_PULL:
        return instruction & 0x80;
    case MOV:
        return to != MOV_EXEC && to != MOV_PC;
    default:
        return true;
    }
}

/* The addresses that may come next, a bit each. */
static uint32_t next_addresses(const struct pio *pio, const struct pio_machine *m, unsigned address) {
    uint16_t instruction = pio->memory[address];
    unsigned next = address == m->settings.wrap_top ? m->settings.wrap_bottom : (address + 1) % 32;
    if (instruction >> 13 == OUT && (instruction >> 5 & 7) == TO_PC) {
        return pio_ones(1u << m->out_pc_bits);
    }
    bool jumps = instruction >> 13 == JMP, always = jumps && !(instruction & 0xe0);
    return (jumps ? 1u << (instruction & 31) : 0) | (always ? 0 : 1u << next);
}

static bool is_harmless(const struct pio *pio, const struct pio_machine *m) {
    uint32_t seen = 0, rest = 1u << m->now.pc;
    if (m->now.has_instruction || m->inputs || m->reads_levels || m->settings.sticky || !m->tx.depth) {
        return false;
    }
    while (rest) {
        unsigned address = (unsigned)__builtin_ctz(rest);
        if (!is_harmless_at(pio, m, address)) {
            return false;
        }
        seen |= 1u << address;
        rest = (rest | next_addresses(pio, m, address)) & ~seen;
    }
    return true;
}

/* 1/256 cycles that a word takes where OUT follows OUT, so many bits each, from the state's address on. */
static uint64_t time_of_outs(const struct pio *pio, const struct pio_machine *m, const struct pio_state *s,
                             unsigned bits) {
    uint16_t delay = pio->memory[s->pc] >> 8 & pio_ones(5 - m->settings.side_bits);
    return (m->settings.pull_threshold + bits - 1) / bits * (1u + delay) * m->settings.divider;
}

/* 1/256 cycles that at least lie between two words. */
static uint64_t time_of_word(const struct pio *pio, const struct pio_machine *m) {
    unsigned bits = m->settings.autopull ? pio_bits_of_outs(pio, m, &m->now) : 0;
    return bits ? time_of_outs(pio, m, &m->now, bits) : m->settings.divider;
}

void pio_study_feeding(struct pio *pio, struct pio_machine *m) {
    m->word_due = time_of_word(pio, m);
    m->is_harmless =
        pio->feed.available && pio_runs_program(pio, m) && m->word_due >= FASTEST_WORD << 8 && is_harmless(pio, m);
    pio->has_harmless |= m->is_harmless;
}

void pio_forget_feeding(struct pio *pio) {
    pio->has_harmless = false;
    for (unsigned n = 0; n < PIO_MACHINES; n++) {
        pio->machines[n].is_harmless = false;
    }
}

/* ---- Words ---- */
static unsigned feed_dreq_of(const struct pio *pio, const struct pio_machine *m) {
    return pio->dreq_tx[m->number].index;
}

/* Address of the machine's TXF. */
static uint32_t feed_address_of(const struct pio *pio, const struct pio_machine *m) {
    return pio->address + pio->block.registers->descs[PIO_TXF0 + m->number].offset;
}

static unsigned words_for(const struct pio *pio, const struct pio_machine *m) {
    uint32_t enabled = pio->block.values[PIO_IRQ0_INTE] | pio->block.values[PIO_IRQ1_INTE];
    if (!m->is_harmless || m->now.tx_count != m->tx.depth || enabled & PIO_INTR_SM0_TXNFULL << m->number) {
        return 0;
    }
    return pio->feed.available(pio->feed.context, feed_dreq_of(pio, m), feed_address_of(pio, m));
}

uint64_t pio_fed_until(const struct pio *pio, const struct pio_machine *m) {
    uint64_t words = words_for(pio, m), reach = words * m->word_due >> 8;
    return m->quiet + (reach < LAG ? reach : LAG);
}

static bool take_fed_word(struct pio *pio, const struct pio_machine *m, uint32_t *ret_word) {
    return pio->feed.take(pio->feed.context, feed_dreq_of(pio, m), feed_address_of(pio, m), ret_word);
}

static bool feed_word(struct pio *pio, struct pio_machine *m) {
    if (!take_fed_word(pio, m, &m->tx.items[(m->now.tx_first + m->now.tx_count) % PIO_FIFO_DEPTH])) {
        return false;
    }
    m->now.tx_count++;
    return true;
}

/* OUT after OUT, and just before the one that takes a word: where all words take equally long, those that are neither
 * in the FIFO nor in the shift register in the end need not be looked at. Some words are left for the ordinary way,
 * which sets pins and program counter right. */
static unsigned skip_words(struct pio *pio, struct pio_machine *m, uint64_t until, unsigned words) {
    unsigned bits = m->settings.autopull ? pio_bits_of_outs(pio, m, &m->ahead) : 0;
    unsigned shifted = bits ? (m->settings.pull_threshold - 1u) / bits * bits : 0;
    if (!bits || m->ahead.osr_count != shifted) {
        return 0;
    }
    uint64_t left = (until << 8) - m->ahead.due, period = time_of_outs(pio, m, &m->ahead, bits);
    if (left / period < m->tx.depth + WORDS_LEFT) {
        return 0;
    }
    uint64_t coming = left / period - WORDS_LEFT;
    unsigned skipped = coming < words ? (unsigned)coming : words;
    uint32_t last;
    if (skipped <= m->tx.depth ||
        !pio->feed.skip(pio->feed.context, feed_dreq_of(pio, m), feed_address_of(pio, m), skipped - m->tx.depth - 1)) {
        return 0;
    }
    take_fed_word(pio, m, &last);
    for (unsigned i = 0; i < m->tx.depth; i++) {
        take_fed_word(pio, m, &m->tx.items[(m->ahead.tx_first + i) % PIO_FIFO_DEPTH]);
    }
    m->ahead.osr = m->settings.out_right ? last >> shifted : last << shifted;
    m->ahead.due += skipped * period;
    m->quiet = pio_cycle_of(m->ahead.due);
    return skipped;
}

void pio_feed_machine(struct pio *pio, struct pio_machine *m, uint64_t until) {
    if (!m->is_harmless || m->now.wait) {
        return;
    }
    if (!m->is_foreseen) {
        m->now.pins = pio->pins;
        pio_foresee(pio, m);
    }
    unsigned words = m->quiet <= until ? words_for(pio, m) : 0;
    words -= words ? skip_words(pio, m, until, words) : 0;
    for (bool fed = true; words && fed && m->quiet <= until; words--) {
        uint64_t cycle = m->quiet;
        m->now = m->ahead;
        pio_step(pio, m, &m->now);
        pio_foresee(pio, m);
        if (m->now.tx_count < m->tx.depth) {
            fed = cycle + FEED_CYCLES <= until && feed_word(pio, m);
            m->ahead.tx_count = m->now.tx_count;
        }
    }
    pio_store_own_pins(pio, m);
}

void pio_feed_machines(struct pio *pio, uint64_t until) {
    for (unsigned n = 0; n < PIO_MACHINES && pio->has_harmless; n++) {
        pio_feed_machine(pio, &pio->machines[n], until);
    }
}

void pio_look_at_feed(struct pio *pio, bool changes) {
    struct scheduler *scheduler = pio->block.env->scheduler;
    if (pio->running || !pio->has_harmless) {
        return;
    }
    pio_catch_up(pio);
    pio_sync_machines(pio);
    pio_update(pio);
    if (changes) { /* look again at what comes next, when it has changed */
        scheduler_add(scheduler, &pio->event, scheduler_due(scheduler));
        pio->next_cycle = pio->cycle;
    }
}
