/* HSTX: RP2350 datasheet 12.11. The command expander is hstx_expander.c.
 *
 * Nothing is stepped: words leave the FIFO when somebody looks, and when the FIFO is about to ask for more. A monitor
 * at the pins (core/dvi.h) is handed whole symbols. Edges are played where somebody listens at a pin, every half cycle
 * of clk_hstx: a run that watches them is slow.
 *
 * Not modelled: coupled mode (the PIO's outputs as bits 24 to 31: they read as the shift register's bits); what pads
 * and OUTOVER do to the symbols that a monitor is handed; delays between the FIFO and the pins. Decided: the request
 * for DMA falls when the FIFO is full and comes back when REFILL_LEVEL words are left, so that words come in bursts and
 * are read from memory up to five words later than on the chip. EN = 0 keeps the FIFO and the bits of the shift
 * register, and throws away what the expander was at. A word that comes in while all stands goes out in the next cycle.
 * While it stands the pins stay as the last half cycle left them. */
#include "peripherals/onchip/hstx.h"

#include <stdlib.h>

#define REFILL_LEVEL 2u
#define MOST_CYCLES (UINT64_C(1) << 60) /* that a run comes to */
#define MOST_WORDS 65536u               /* between two looks at an endless command */
#define FUNCTION_PINS(hstx) (UINT64_C(0xff) << (hstx)->first_pin)

/* ---- State ---- */

static uint32_t csr_field(const struct hstx *hstx, uint32_t mask) {
    return field_get(hstx->block.values[HSTX_CTRL_CSR], mask);
}

static bool is_enabled(const struct hstx *hstx) {
    return hstx->block.values[HSTX_CTRL_CSR] & HSTX_CTRL_CSR_EN;
}

static unsigned word_shifts(const struct hstx *hstx) {
    unsigned shifts = csr_field(hstx, HSTX_CTRL_CSR_N_SHIFTS);
    return shifts ? shifts : 32;
}

static unsigned clock_period(const struct hstx *hstx) {
    unsigned cycles = csr_field(hstx, HSTX_CTRL_CSR_CLKDIV);
    return cycles ? cycles : 16;
}

/* In an event the time that it was due, however late it is served; but not before the clock runs as it does. */
static uint64_t now_ps(const struct hstx *hstx) {
    uint64_t due = scheduler_due(hstx->block.env->scheduler);
    return due > hstx->clk_hstx->epoch_ps ? due : hstx->clk_hstx->epoch_ps;
}

static uint64_t time_of(const struct hstx *hstx, uint64_t cycle) {
    const struct clock_domain *clock = hstx->clk_hstx;
    return cycle > clock->epoch_cycles ? clock_time_of(clock, cycle) : clock->epoch_ps;
}

bool hstx_pop(struct hstx *hstx, uint32_t *ret_word) {
    if (!hstx->level) {
        return false;
    }
    *ret_word = hstx->fifo[hstx->first];
    hstx->first = (hstx->first + 1) % HSTX_FIFO;
    hstx->level--;
    return true;
}

static void hstx_update(struct hstx *hstx) {
    if (hstx->level == HSTX_FIFO) {
        hstx->asks = false;
    } else if (hstx->level <= REFILL_LEVEL) {
        hstx->asks = true;
    }
    line_set(&hstx->dreq, hstx->asks);
}

/* ---- Monitors ---- */

/* The number of the output bit whose pin is at this wire; -1: none. */
static int bit_at(const struct hstx *hstx, const struct net *wire) {
    for (unsigned bit = 0; wire && bit < HSTX_PINS; bit++) {
        unsigned pin = hstx->first_pin + bit;
        if (gpio_is_selected(hstx->gpio, pin, hstx->function) && net_is_joined(&hstx->gpio->pins[pin].net, wire)) {
            return (int)bit;
        }
    }
    return -1;
}

/* A word is one symbol on a pin when its ten half cycles take ten bits in a row. */
static bool find_lane(const struct hstx *hstx, const struct net *wire, struct hstx_lane *ret_lane) {
    int bit = bit_at(hstx, wire);
    if (bit < 0 || word_shifts(hstx) != DVI_SYMBOL_BITS / 2 || csr_field(hstx, HSTX_CTRL_CSR_SHIFT) != 2) {
        return false;
    }
    uint32_t control = hstx->block.values[HSTX_CTRL_BIT0 + bit];
    unsigned p = field_get(control, HSTX_CTRL_BIT0_SEL_P), n = field_get(control, HSTX_CTRL_BIT0_SEL_N);
    *ret_lane = (struct hstx_lane){ .start = (uint8_t)p, .inverted = control & HSTX_CTRL_BIT0_INV };
    return !(control & HSTX_CTRL_BIT0_CLK) && n == (p + 1) % 32;
}

/* The negative wire, where there is one, carries the opposite. */
static bool is_opposite(const struct hstx *hstx, const struct net *positive, const struct net *negative) {
    int p = bit_at(hstx, positive), n = bit_at(hstx, negative);
    const uint32_t *bits = &hstx->block.values[HSTX_CTRL_BIT0];
    return !negative || (p >= 0 && n >= 0 && (bits[p] ^ bits[n]) == HSTX_CTRL_BIT0_INV);
}

static bool clocks_symbols(const struct hstx *hstx, struct net *const *wires) {
    int bit = bit_at(hstx, wires[0]);
    return bit >= 0 && hstx->block.values[HSTX_CTRL_BIT0 + bit] & HSTX_CTRL_BIT0_CLK &&
           clock_period(hstx) == DVI_SYMBOL_BITS / 2 && is_opposite(hstx, wires[0], wires[1]);
}

static bool drives_monitor(const struct hstx *hstx, struct hstx_monitor *monitor) {
    const struct dvi_target *target = monitor->target;
    for (unsigned lane = 0; lane < DVI_LANES; lane++) {
        if (!find_lane(hstx, target->data[lane][0], &monitor->lanes[lane]) ||
            !is_opposite(hstx, target->data[lane][0], target->data[lane][1])) {
            return false;
        }
    }
    return clocks_symbols(hstx, target->clock);
}

static void find_monitors(struct hstx *hstx) {
    hstx->monitor_count = 0;
    for (unsigned bit = 0; bit < HSTX_PINS; bit++) {
        unsigned pin = hstx->first_pin + bit;
        struct hstx_monitor monitor = { 0 };
        while ((monitor.target = dvi_next_target(&hstx->gpio->pins[pin].net, monitor.target))) {
            if (hstx->monitor_count < HSTX_MONITORS && drives_monitor(hstx, &monitor)) {
                hstx->monitors[hstx->monitor_count++] = monitor;
            }
        }
    }
}

static void look_at_wiring(struct hstx *hstx) {
    if (hstx->wiring_changed && hstx->gpio) {
        find_monitors(hstx);
        hstx->watched = gpio_any_heard(hstx->gpio, FUNCTION_PINS(hstx) & hstx->gpio->selected[hstx->function]);
    }
    hstx->wiring_changed = false;
}

static uint16_t symbol_of(uint32_t word, const struct hstx_lane *lane) {
    uint64_t twice = (uint64_t)word << 32 | word;
    return (uint16_t)((twice >> lane->start ^ (lane->inverted ? 0x3ff : 0)) & 0x3ff);
}

static void hand_over(struct hstx *hstx, uint32_t word, uint32_t count, uint64_t time_ps, uint64_t symbol_ps) {
    for (unsigned i = 0; i < hstx->monitor_count; i++) {
        const struct hstx_monitor *monitor = &hstx->monitors[i];
        uint16_t lanes[DVI_LANES];
        for (unsigned lane = 0; lane < DVI_LANES; lane++) {
            lanes[lane] = symbol_of(word, &monitor->lanes[lane]);
        }
        monitor->target->symbols(monitor->target, lanes, count, time_ps, symbol_ps);
    }
}

/* ---- The shift register ---- */

/* All words that begin up to this cycle of clk_hstx. */
static void shift_until(struct hstx *hstx, uint64_t cycle) {
    unsigned shifts = word_shifts(hstx);
    uint64_t symbol_ps = clock_duration(hstx->clk_hstx, shifts);
    uint64_t time_ps = time_of(hstx, hstx->next_cycle);
    while (!hstx->starved && hstx->next_cycle <= cycle) {
        uint64_t most = (cycle - hstx->next_cycle) / shifts + 1;
        uint32_t count = hstx_next_word(hstx, most < UINT32_MAX ? (uint32_t)most : UINT32_MAX, &hstx->word);
        hstx->starved = !count;
        if (count) {
            hand_over(hstx, hstx->word, count, time_ps, symbol_ps);
            hstx->clock_shifts += hstx->next_cycle - hstx->word_cycle + (uint64_t)(count - 1) * shifts;
            hstx->word_cycle = hstx->next_cycle + (uint64_t)(count - 1) * shifts;
            hstx->next_cycle += (uint64_t)count * shifts;
            time_ps += count * symbol_ps;
        }
    }
}

static bool is_shifting(const struct hstx *hstx) {
    return is_enabled(hstx) && clock_is_running(hstx->clk_hstx);
}

/* The first cycle that begins at the present time or later. */
static uint64_t next_begin(const struct hstx *hstx) {
    uint64_t now = now_ps(hstx), cycle = clock_cycles_at(hstx->clk_hstx, now);
    return time_of(hstx, cycle) < now ? cycle + 1 : cycle;
}

/* A word that comes in while all stands goes out when the next cycle begins. */
static void resume(struct hstx *hstx, uint64_t cycle) {
    if (!hstx->resume_cycle) {
        uint64_t begin = next_begin(hstx);
        hstx->resume_cycle = begin > hstx->next_cycle ? begin : hstx->next_cycle;
    }
    if (hstx->resume_cycle <= cycle) {
        hstx->word_cycle += hstx->resume_cycle - hstx->next_cycle; /* the generated clock stood as well */
        hstx->next_cycle = hstx->resume_cycle;
        hstx->resume_cycle = 0;
        hstx->starved = false;
    }
}

/* Words that begin by the present time. */
static void catch_up(struct hstx *hstx) {
    if (!is_enabled(hstx)) {
        return;
    }
    uint64_t cycle = clock_cycles_at(hstx->clk_hstx, now_ps(hstx));
    look_at_wiring(hstx);
    if (hstx->starved && hstx->level) {
        resume(hstx, cycle);
    }
    shift_until(hstx, cycle);
    hstx_update(hstx);
}

/* ---- Pins ---- */

/* How many half cycles the present word has been out for, this one included. */
static uint64_t halves_out(const struct hstx *hstx) {
    uint64_t now = now_ps(hstx), cycle = clock_cycles_at(hstx->clk_hstx, now);
    uint64_t begin = clock_time_of(hstx->clk_hstx, cycle), end = clock_time_of(hstx->clk_hstx, cycle + 1);
    uint64_t halves =
        cycle < hstx->word_cycle ? 0 : 2 * (cycle - hstx->word_cycle) + (now - begin >= (end - begin) / 2);
    uint64_t last = 2 * word_shifts(hstx) - 1;
    return halves < last ? halves : last;
}

static bool generated_clock(const struct hstx *hstx, uint64_t half) {
    unsigned period = clock_period(hstx);
    uint64_t phase = csr_field(hstx, HSTX_CTRL_CSR_CLKPHASE) + 2 * hstx->clock_shifts + half;
    return phase % (2 * period) >= period;
}

static bool bit_level(const struct hstx *hstx, unsigned bit, uint64_t half) {
    uint32_t control = hstx->block.values[HSTX_CTRL_BIT0 + bit];
    unsigned selected = field_get(control, half & 1 ? HSTX_CTRL_BIT0_SEL_N : HSTX_CTRL_BIT0_SEL_P);
    unsigned rotated = (unsigned)(half / 2) * csr_field(hstx, HSTX_CTRL_CSR_SHIFT);
    bool level =
        control & HSTX_CTRL_BIT0_CLK ? generated_clock(hstx, half) : hstx->word >> (selected + rotated) % 32 & 1;
    return level != !!(control & HSTX_CTRL_BIT0_INV);
}

static void publish(struct hstx *hstx) {
    if (!hstx->gpio) {
        return;
    }
    uint64_t half = is_enabled(hstx) ? halves_out(hstx) : 0, levels = 0;
    for (unsigned bit = 0; bit < HSTX_PINS; bit++) {
        levels |= (uint64_t)bit_level(hstx, bit, half) << bit;
    }
    gpio_function_outputs(hstx->gpio, hstx->function, FUNCTION_PINS(hstx), levels << hstx->first_pin,
                          FUNCTION_PINS(hstx));
}

/* ---- When to look next ---- */

static uint64_t next_half_ps(const struct hstx *hstx) {
    uint64_t now = now_ps(hstx), cycle = clock_cycles_at(hstx->clk_hstx, now);
    uint64_t begin = clock_time_of(hstx->clk_hstx, cycle), end = clock_time_of(hstx->clk_hstx, cycle + 1);
    uint64_t middle = begin + (end - begin) / 2;
    return now < middle ? middle : end;
}

/* When the FIFO asks for more; where it does that already, when it runs dry. */
static uint64_t next_look_ps(const struct hstx *hstx) {
    unsigned pops = hstx->level > REFILL_LEVEL ? hstx->level - REFILL_LEVEL : hstx->level + 1;
    uint64_t words = hstx_words_until(hstx, pops);
    words = words < MOST_WORDS ? words : MOST_WORDS;
    return time_of(hstx, hstx->next_cycle + words * word_shifts(hstx));
}

static void plan(struct hstx *hstx) {
    struct scheduler *scheduler = hstx->block.env->scheduler;
    bool runs = is_shifting(hstx) && !hstx->starved;
    hstx->laggard.lags = runs && !hstx->watched;
    if (is_shifting(hstx) && hstx->starved && hstx->level) {
        scheduler_add(scheduler, &hstx->event, time_of(hstx, hstx->resume_cycle));
    } else if (!runs) {
        scheduler_cancel(scheduler, &hstx->event);
    } else {
        scheduler_add(scheduler, &hstx->event, hstx->watched ? next_half_ps(hstx) : next_look_ps(hstx));
    }
}

static void look(struct hstx *hstx) {
    catch_up(hstx);
    if (hstx->watched || !is_shifting(hstx) || hstx->starved) {
        publish(hstx);
    }
    plan(hstx);
}

static void look_due(struct event *event, uint64_t late_ps) {
    look(event->owner);
}

/* ---- HSTX_CTRL ---- */

static void stop(struct hstx *hstx) {
    hstx->starved = true;
    hstx->resume_cycle = 0;
    hstx->clock_shifts = 0;
    hstx->word_cycle = hstx->next_cycle = clock_cycles_at(hstx->clk_hstx, now_ps(hstx));
    hstx_expander_reset(&hstx->expander);
}

static void write_csr(struct hstx *hstx, uint32_t old) {
    uint32_t csr = hstx->block.values[HSTX_CTRL_CSR];
    if (csr & ~old & HSTX_CTRL_CSR_COUPLED_MODE) {
        block_report_stub(&hstx->block, hstx->block.registers->descs[HSTX_CTRL_CSR].offset, true);
    }
    if ((csr ^ old) & HSTX_CTRL_CSR_EN) {
        stop(hstx);
    }
}

static void hstx_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct hstx *hstx = (struct hstx *)block;
    uint32_t stored = block->values[reg];
    block->values[reg] = old; /* what has gone out did so under the old setting */
    catch_up(hstx);
    block->values[reg] = stored;
    hstx->wiring_changed = true;
    if (reg == HSTX_CTRL_CSR) {
        write_csr(hstx, old);
    }
    look(hstx);
    publish(hstx);
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    look(listener->owner);
}

static void pins_changed(struct gpio_listener *listener, uint64_t pins) {
}

static void rewire(struct hstx *hstx) {
    catch_up(hstx);
    hstx->wiring_changed = true;
    if (is_shifting(hstx) && !hstx->starved) {
        scheduler_add(hstx->block.env->scheduler, &hstx->event, now_ps(hstx)); /* the wires are others by then */
    }
}

static void pin_selected(struct gpio_listener *listener, unsigned pin) {
    struct hstx *hstx = listener->owner;
    if (FUNCTION_PINS(hstx) >> pin & 1) {
        rewire(hstx);
    }
}

static void show_pins(struct gpio_laggard *laggard) {
    struct hstx *hstx = laggard->owner;
    if (laggard->lags) {
        catch_up(hstx);
        publish(hstx);
    }
}

static void watch_changes(struct gpio_laggard *laggard) {
    rewire(laggard->owner);
}

static void hstx_reset(struct block *block) {
    struct hstx *hstx = (struct hstx *)block;
    scheduler_cancel(block->env->scheduler, &hstx->event);
    stop(hstx);
    hstx->word = 0;
    hstx->wiring_changed = true;
    hstx->laggard.lags = false;
    publish(hstx);
}

static void hstx_init(struct block *block) {
    struct hstx *hstx = (struct hstx *)block;
    hstx->event = (struct event){ .name = "HSTX", .callback = look_due, .owner = hstx };
    hstx->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = hstx };
    clock_listen(hstx->clk_hstx, &hstx->clock_listener);
    if (hstx->gpio) {
        hstx->pin_listener = (struct gpio_listener){ .changed = pins_changed, .selected = pin_selected, .owner = hstx };
        hstx->laggard = (struct gpio_laggard){ .catch_up = show_pins, .watch_changes = watch_changes, .owner = hstx };
        gpio_listen(hstx->gpio, &hstx->pin_listener);
        gpio_add_laggard(hstx->gpio, &hstx->laggard);
    }
}

/* ---- Snapshots ---- */

static void expander_walk(struct hstx_expander *expander, struct walk *walk) {
    walk_below(walk, &expander->command, HSTX_COMMANDS);
    walk_below(walk, &expander->left, HSTX_MOST_WORDS + 1);
    walk_bool(walk, &expander->endless);
    walk_bool(walk, &expander->has_data);
    walk_u32(walk, &expander->data);
    walk_below(walk, &expander->shifts_left, 33);
    for (unsigned lane = 0; lane < DVI_LANES; lane++) {
        walk_i8(walk, &expander->balance[lane]);
    }
    expander->has_data &= expander->shifts_left != 0;
}

static void shift_register_walk(struct hstx *hstx, struct walk *walk) {
    walk_u32(walk, &hstx->word);
    walk_u64(walk, &hstx->word_cycle);
    walk_u64(walk, &hstx->next_cycle);
    walk_u64(walk, &hstx->clock_shifts);
    walk_bool(walk, &hstx->starved);
    walk_u64(walk, &hstx->resume_cycle);
    if (hstx->word_cycle > hstx->next_cycle || hstx->next_cycle > MOST_CYCLES || hstx->resume_cycle > MOST_CYCLES ||
        (hstx->resume_cycle && hstx->resume_cycle < hstx->next_cycle)) {
        walk_fail(walk, "a word that goes out at a time that there is not");
        hstx->word_cycle = hstx->next_cycle = hstx->resume_cycle = 0;
    }
}

static void hstx_walk(struct block *block, struct walk *walk) {
    struct hstx *hstx = (struct hstx *)block;
    walk_u32s(walk, hstx->fifo, HSTX_FIFO);
    walk_below(walk, &hstx->first, HSTX_FIFO);
    walk_below(walk, &hstx->level, HSTX_FIFO + 1);
    walk_bool(walk, &hstx->overflow);
    walk_bool(walk, &hstx->asks);
    line_walk(&hstx->dreq, walk);
    expander_walk(&hstx->expander, walk);
    shift_register_walk(hstx, walk);
    walk_bool(walk, &hstx->wiring_changed);
    walk_bool(walk, &hstx->watched);
    walk_bool(walk, &hstx->laggard.lags);
    walk_event(walk, &hstx->event);
}

/* Monitors are found again. Whether somebody watches the pins is another question in this run: where the answer is
 * another one, the next look is at once. */
static void hstx_restored(struct block *block) {
    struct hstx *hstx = (struct hstx *)block;
    bool changed = hstx->wiring_changed, watched = hstx->watched;
    hstx->wiring_changed = true;
    look_at_wiring(hstx);
    hstx->wiring_changed = changed;
    if (changed) {
        hstx->watched = watched;
    } else if (watched != hstx->watched) {
        rewire(hstx);
    }
}

static void hstx_finish(struct block *block) {
    free(((struct hstx *)block)->codes);
}

const struct block_class hstx_class = {
    .name = "hstx",
    .size = sizeof(struct hstx),
    .init = hstx_init,
    .finish = hstx_finish,
    .reset = hstx_reset,
    .write = hstx_write,
    .holds_until = block_holds,
    .walk = hstx_walk,
    .walk_version = 1,
    .restored = hstx_restored,
};

/* ---- HSTX_FIFO ---- */

static uint32_t read_status(struct hstx *hstx) {
    look(hstx);
    return hstx->level | (hstx->level == HSTX_FIFO ? HSTX_FIFO_STAT_FULL : 0) |
           (hstx->level ? 0 : HSTX_FIFO_STAT_EMPTY) | (hstx->overflow ? HSTX_FIFO_STAT_WOF : 0);
}

static uint32_t fifo_read(struct block *block, unsigned reg) {
    return reg == HSTX_FIFO_STAT ? read_status(((struct hstx_fifo *)block)->hstx) : 0;
}

/* While words go out, one more is looked at when it fills the FIFO. */
static void push(struct hstx *hstx, uint32_t word) {
    if (hstx->level == HSTX_FIFO) {
        catch_up(hstx);
    }
    if (hstx->level == HSTX_FIFO) {
        hstx->overflow = true;
        return;
    }
    hstx->fifo[(hstx->first + hstx->level++) % HSTX_FIFO] = word;
    if (hstx->starved || hstx->level == HSTX_FIFO) {
        look(hstx);
    }
    hstx_update(hstx);
}

static void fifo_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct hstx *hstx = ((struct hstx_fifo *)block)->hstx;
    if (reg == HSTX_FIFO_FIFO) {
        push(hstx, value);
    } else {
        hstx->overflow &= !(value & HSTX_FIFO_STAT_WOF);
    }
}

static void fifo_reset(struct block *block) {
    struct hstx *hstx = ((struct hstx_fifo *)block)->hstx;
    hstx->level = 0;
    hstx->resume_cycle = 0;
    hstx->overflow = false;
    hstx_update(hstx);
}

const struct block_class hstx_fifo_class = {
    .name = "hstx_fifo",
    .size = sizeof(struct hstx_fifo),
    .reset = fifo_reset,
    .read = fifo_read,
    .write = fifo_write,
};
