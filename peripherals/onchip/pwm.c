/* Pulse width modulation: RP2040 datasheet 4.5, RP2350 datasheet 12.5.
 *
 * A slice is not stepped: where it stands follows from the cycles since it was last looked at, and only the next
 * edge, wrap or request that somebody waits for is scheduled. Counts fall on the clk_sys cycles that the 8.4 divider
 * (first-order) gives.
 *
 * Not modelled: the two cycles of input synchronisation.
 * Decided: TOP and CC take effect at the wrap (phase-correct: at 0), at once while the slice is disabled; a counter
 * beyond TOP reads as it is and runs on to 65535, then to 0, in phase-correct mode as well; stores to CSR keep the
 * direction of a phase-correct counter, stores to CTR let it count up; a disabled slice holds its outputs; the
 * divider's integer part 0 divides by 256; PH_ADV and PH_RET are done at once. */
#include "peripherals/onchip/pwm.h"

#define REGISTERS_EACH (PWM_CH1_CSR - PWM_CH0_CSR)
#define CSR(slice) (PWM_CH0_CSR + (slice)*REGISTERS_EACH)
#define DIV(slice) (CSR(slice) + 1)
#define CTR(slice) (CSR(slice) + 2)
#define CC(slice) (CSR(slice) + 3)
#define TOP(slice) (CSR(slice) + 4)

enum divmode { MODE_FREE, MODE_GATED, MODE_RISING, MODE_FALLING };

static unsigned number(const struct pwm_slice *s) {
    return (unsigned)(s - s->pwm->slice);
}

static enum divmode mode(const struct pwm_slice *s) {
    return (enum divmode)field_get(s->csr, PWM_CH0_CSR_DIVMODE);
}

static uint64_t cycle_now(const struct pwm *p) {
    return clock_cycles_at(p->clk_sys, scheduler_now(p->block.env->scheduler));
}

/* Counts with every cycle of clk_sys, through the divider. */
static bool is_counting(const struct pwm_slice *s) {
    return (s->csr & PWM_CH0_CSR_EN) && (mode(s) == MODE_FREE || (mode(s) == MODE_GATED && s->input_b));
}

static bool is_phase_correct(const struct pwm_slice *s) {
    return s->csr & PWM_CH0_CSR_PH_CORRECT;
}

/* Counts in the present period: up to TOP, and back when phase-correct. */
static uint32_t period(const struct pwm_slice *s) {
    if (s->is_beyond_top) {
        return 0x10000;
    }
    return is_phase_correct(s) ? 2 * (s->top + 1) : s->top + 1;
}

static bool is_counting_down(const struct pwm_slice *s) {
    return is_phase_correct(s) && !s->is_beyond_top && s->position > s->top;
}

static uint32_t counter(const struct pwm_slice *s) {
    return is_counting_down(s) ? 2 * s->top + 1 - s->position : s->position;
}

static void place_counter(struct pwm_slice *s, uint32_t value, bool down) {
    s->is_beyond_top = value > s->top;
    s->position = down && !s->is_beyond_top ? 2 * s->top + 1 - value : value;
}

static bool output(const struct pwm_slice *s, enum pwm_channel channel) {
    bool inverted = s->csr & (channel == PWM_A ? PWM_CH0_CSR_A_INV : PWM_CH0_CSR_B_INV);
    return (counter(s) < s->compare[channel]) != inverted;
}

/* ---- Interrupts and outputs ---- */

static uint32_t interrupt_status(const struct pwm *p, unsigned irq) {
    const uint32_t *v = p->block.values;
    if (irq == 1) {
        return (v[PWM_INTR] & v[PWM_IRQ1_INTE]) | v[PWM_IRQ1_INTF];
    }
    /* One of the two register sets exists on a chip; the other is 0. */
    return (v[PWM_INTR] & (v[PWM_INTE] | v[PWM_IRQ0_INTE])) | v[PWM_INTF] | v[PWM_IRQ0_INTF];
}

static bool is_watched(const struct pwm_slice *s, enum pwm_channel channel) {
    const struct pwm *p = s->pwm;
    return p->watch || (p->gpio && (p->gpio->selected[p->function] & s->pins[channel]));
}

static void publish(struct pwm_slice *s, enum pwm_channel channel) {
    struct pwm *p = s->pwm;
    bool level = output(s, channel), drives = channel == PWM_A || mode(s) == MODE_FREE;
    if (p->gpio) {
        uint64_t pins = s->pins[channel];
        gpio_function_outputs(p->gpio, p->function, pins, level ? pins : 0, drives ? pins : 0);
    }
    if (level != p->level[number(s)][channel]) {
        p->level[number(s)][channel] = level;
        if (p->output) {
            p->output(p->context, number(s), channel, level);
        }
    }
}

static void pwm_update(struct pwm_slice *s) {
    struct pwm *p = s->pwm;
    publish(s, PWM_A);
    publish(s, PWM_B);
    line_set(&p->block.irq[0], interrupt_status(p, 0) != 0);
    line_set(&p->block.irq[1], interrupt_status(p, 1) != 0);
}

/* ---- Counting ---- */

static void latch(struct pwm_slice *s) {
    const uint32_t *v = s->pwm->block.values;
    s->top = v[TOP(number(s))] & PWM_CH0_TOP_BITS;
    s->compare[PWM_A] = field_get(v[CC(number(s))], PWM_CH0_CC_A);
    s->compare[PWM_B] = field_get(v[CC(number(s))], PWM_CH0_CC_B);
}

/* Not at a wrap: the counter stays, and may be beyond the new TOP. */
static void latch_at_once(struct pwm_slice *s) {
    uint32_t value = counter(s);
    bool down = is_counting_down(s);
    latch(s);
    place_counter(s, value, down);
}

static void wrapped(struct pwm_slice *s, uint64_t times) {
    struct pwm *p = s->pwm;
    p->block.values[PWM_INTR] |= 1u << number(s);
    for (; s->dreq_wanted && times; times--) {
        line_pulse(&p->dreq[number(s)]);
    }
}

static void count(struct pwm_slice *s, uint64_t counts) {
    uint32_t left = period(s) - s->position;
    if (counts < left) {
        s->position += (uint32_t)counts;
        return;
    }
    counts -= left;
    s->position = 0;
    s->is_beyond_top = false;
    latch(s);
    uint32_t full = period(s);
    s->position = (uint32_t)(counts % full);
    wrapped(s, 1 + counts / full);
}

static void pass_through_divider(struct pwm_slice *s, uint64_t sixteenths) {
    s->phase += (int64_t)sixteenths;
    if (s->phase >= (int64_t)s->divider) {
        count(s, (uint64_t)s->phase / s->divider);
        s->phase %= (int64_t)s->divider;
    }
}

/* Bring a slice up to the present. */
static void catch_up(struct pwm_slice *s) {
    uint64_t now = cycle_now(s->pwm);
    if (is_counting(s) && now > s->synced) {
        pass_through_divider(s, (now - s->synced) * 16);
    }
    s->synced = now;
}

/* ---- What comes next ---- */

/* Positions at which the output can change within the period: the falling and (phase-correct) the rising edge. */
static uint32_t next_edge(const struct pwm_slice *s, enum pwm_channel channel) {
    uint32_t falls = s->compare[channel], rises = 2 * s->top + 2 - falls;
    if (s->is_beyond_top) {
        return s->position < falls ? falls : UINT32_MAX;
    }
    if (falls == 0 || falls > s->top) {
        return UINT32_MAX;
    }
    if (s->position < falls) {
        return falls;
    }
    return is_phase_correct(s) && s->position < rises ? rises : UINT32_MAX;
}

static bool toggles(const struct pwm_slice *s, enum pwm_channel channel) {
    return s->compare[channel] > 0 && (s->compare[channel] <= s->top || s->is_beyond_top);
}

static bool has_new_settings(const struct pwm_slice *s) {
    const uint32_t *v = s->pwm->block.values;
    uint32_t cc = v[CC(number(s))];
    return s->top != v[TOP(number(s))] || s->compare[PWM_A] != field_get(cc, PWM_CH0_CC_A) ||
           s->compare[PWM_B] != field_get(cc, PWM_CH0_CC_B);
}

static bool edges_are_played(const struct pwm_slice *s) {
    uint64_t limit = s->pwm->edge_limit_hz;
    return !limit || clock_hz(s->pwm->clk_sys) * 16 <= limit * period(s) * s->divider;
}

static bool wants_wrap(const struct pwm_slice *s) {
    const uint32_t *v = s->pwm->block.values;
    uint32_t enabled = v[PWM_INTE] | v[PWM_IRQ0_INTE] | v[PWM_IRQ1_INTE];
    return s->dreq_wanted || (enabled & ~v[PWM_INTR]) >> number(s) & 1;
}

/* The position to stop at, UINT32_MAX for none. */
static uint32_t next_stop(const struct pwm_slice *s) {
    uint32_t stop = wants_wrap(s) ? period(s) : UINT32_MAX;
    for (enum pwm_channel channel = PWM_A; channel <= PWM_B; channel++) {
        if (!is_watched(s, channel)) {
            continue;
        }
        bool at_wrap = has_new_settings(s) || (toggles(s, channel) && edges_are_played(s));
        uint32_t edge = edges_are_played(s) ? next_edge(s, channel) : UINT32_MAX;
        edge = edge == UINT32_MAX && at_wrap ? period(s) : edge;
        stop = edge < stop ? edge : stop;
    }
    return stop;
}

static uint64_t time_of_position(const struct pwm_slice *s, uint32_t position) {
    int64_t sixteenths = (int64_t)(position - s->position) * s->divider - s->phase;
    return clock_time_of(s->pwm->clk_sys, s->synced + (uint64_t)(sixteenths + 15) / 16);
}

static void schedule(struct pwm_slice *s) {
    struct scheduler *scheduler = s->pwm->block.env->scheduler;
    uint32_t stop = is_counting(s) ? next_stop(s) : UINT32_MAX;
    uint64_t when = stop != UINT32_MAX ? time_of_position(s, stop) : TIME_NEVER;
    if (when == TIME_NEVER) {
        scheduler_cancel(scheduler, &s->event);
    } else {
        scheduler_add(scheduler, &s->event, when);
    }
}

static void settle(struct pwm_slice *s) {
    pwm_update(s);
    schedule(s);
}

double pwm_duty(struct pwm *p, unsigned slice, enum pwm_channel channel) {
    struct pwm_slice *s = &p->slice[slice];
    catch_up(s);
    if (!is_counting(s)) {
        return output(s, channel);
    }
    bool inverted = s->csr & (channel == PWM_A ? PWM_CH0_CSR_A_INV : PWM_CH0_CSR_B_INV);
    double high = s->compare[channel] > s->top ? 1 : (double)s->compare[channel] / (s->top + 1);
    return inverted ? 1 - high : high;
}

double pwm_frequency(struct pwm *p, unsigned slice) {
    struct pwm_slice *s = &p->slice[slice];
    catch_up(s);
    if (!is_counting(s)) {
        return 0;
    }
    return (double)clock_hz(p->clk_sys) * 16 / ((double)period(s) * s->divider);
}

void pwm_want_dreqs(struct pwm *p, uint32_t slices) {
    for (unsigned i = 0; i < p->slices; i++) {
        struct pwm_slice *s = &p->slice[i];
        bool wanted = slices >> i & 1;
        if (wanted != s->dreq_wanted) {
            s->dreq_wanted = false; /* wraps of the past are no requests */
            catch_up(s);
            s->dreq_wanted = wanted;
            settle(s);
        }
    }
}

/* ---- Input on channel B ---- */

void pwm_set_input(struct pwm *p, unsigned slice, bool level) {
    struct pwm_slice *s = &p->slice[slice];
    if (level == s->input_b) {
        return;
    }
    catch_up(s);
    s->input_b = level;
    bool counted = mode(s) == (level ? MODE_RISING : MODE_FALLING);
    if (counted && (s->csr & PWM_CH0_CSR_EN)) {
        pass_through_divider(s, 16);
    }
    settle(s);
}

static void read_pins(struct pwm_slice *s) {
    const struct pwm *p = s->pwm;
    if (p->gpio && mode(s) != MODE_FREE) {
        uint64_t pins = s->pins[PWM_B] & p->gpio->selected[p->function];
        pwm_set_input(s->pwm, number(s), (gpio_inputs(p->gpio) & pins) != 0);
    }
}

static void pins_changed(struct gpio_listener *listener, uint64_t pins) {
    struct pwm *p = listener->owner;
    for (unsigned i = 0; i < p->slices; i++) {
        if (p->slice[i].pins[PWM_B] & pins) {
            read_pins(&p->slice[i]);
        }
    }
}

static void pin_selected(struct gpio_listener *listener, unsigned pin) {
    struct pwm *p = listener->owner;
    for (unsigned i = 0; i < p->slices; i++) {
        if ((p->slice[i].pins[PWM_A] | p->slice[i].pins[PWM_B]) >> pin & 1) {
            catch_up(&p->slice[i]);
            settle(&p->slice[i]);
            read_pins(&p->slice[i]);
        }
    }
}

/* Only slices with an input hear of their pins. */
static void choose_pins(struct pwm *p) {
    p->pin_listener.pins = 0;
    for (unsigned i = 0; i < p->slices; i++) {
        if (mode(&p->slice[i]) != MODE_FREE) {
            p->pin_listener.pins |= p->slice[i].pins[PWM_B];
        }
    }
}

/* ---- The block ---- */

static uint32_t pwm_read(struct block *b, unsigned reg) {
    struct pwm *p = (struct pwm *)b;
    for (unsigned i = 0; i < p->slices; i++) {
        if (reg == CTR(i) || reg >= PWM_INTR) {
            catch_up(&p->slice[i]);
        }
        if (reg == CTR(i)) {
            return counter(&p->slice[i]);
        }
    }
    switch (reg) {
    case PWM_INTS:
    case PWM_IRQ0_INTS:
        return interrupt_status(p, 0);
    case PWM_IRQ1_INTS:
        return interrupt_status(p, 1);
    default:
        return b->values[reg];
    }
}

/* A counter until its next count, interrupts until the next wrap. */
static uint64_t pwm_holds_until(struct block *b, unsigned reg) {
    struct pwm *p = (struct pwm *)b;
    uint64_t until = TIME_NEVER;
    for (unsigned i = 0; i < p->slices; i++) {
        struct pwm_slice *s = &p->slice[i];
        if ((reg != CTR(i) && reg < PWM_INTR) || !is_counting(s)) {
            continue;
        }
        catch_up(s);
        uint64_t when = time_of_position(s, reg == CTR(i) ? s->position + 1 : period(s));
        until = when < until ? when : until;
    }
    return until;
}

static void set_csr(struct pwm_slice *s, uint32_t csr) {
    struct pwm *p = s->pwm;
    uint32_t bit = 1u << number(s), now = counter(s);
    bool was_enabled = s->csr & PWM_CH0_CSR_EN, down = is_counting_down(s);
    s->csr = csr;
    place_counter(s, now, down && is_phase_correct(s));
    p->block.values[CSR(number(s))] = csr;
    p->block.values[PWM_EN] = (p->block.values[PWM_EN] & ~bit) | (csr & PWM_CH0_CSR_EN ? bit : 0);
    if (!was_enabled || !(csr & PWM_CH0_CSR_EN)) {
        latch_at_once(s);
    }
    choose_pins(p);
    read_pins(s);
}

static void write_csr(struct pwm_slice *s, uint32_t value) {
    set_csr(s, s->pwm->block.values[CSR(number(s))]);
    if (!(value & PWM_CH0_CSR_EN)) {
        return;
    }
    if (value & PWM_CH0_CSR_PH_ADV) {
        count(s, 1);
    }
    if (value & PWM_CH0_CSR_PH_RET) {
        s->phase -= (int64_t)s->divider;
    }
}

static void set_divider(struct pwm_slice *s) {
    uint32_t div = s->pwm->block.values[DIV(number(s))];
    s->divider = div & PWM_CH0_DIV_INT ? div : div | 256u << PWM_CH0_DIV_INT_LSB;
    s->phase = s->phase < (int64_t)s->divider ? s->phase : 0;
}

static void write_slice(struct pwm_slice *s, unsigned reg, uint32_t value) {
    switch (reg % REGISTERS_EACH) {
    case CSR(0):
        write_csr(s, value);
        break;
    case DIV(0):
        set_divider(s);
        break;
    case CTR(0):
        place_counter(s, s->pwm->block.values[reg], false);
        break;
    default: /* CC and TOP */
        if (!(s->csr & PWM_CH0_CSR_EN)) {
            latch_at_once(s);
        }
        break;
    }
}

static void write_enables(struct pwm *p, uint32_t enables) {
    for (unsigned i = 0; i < p->slices; i++) {
        uint32_t csr = p->slice[i].csr & ~PWM_CH0_CSR_EN;
        set_csr(&p->slice[i], csr | (enables >> i & 1 ? PWM_CH0_CSR_EN : 0));
    }
}

static void pwm_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct pwm *p = (struct pwm *)b;
    uint32_t acknowledged = reg == PWM_INTR ? value : 0;
    for (unsigned i = 0; i < p->slices; i++) {
        catch_up(&p->slice[i]);
    }
    b->values[PWM_INTR] &= ~acknowledged; /* also what has come up just now */
    if (reg < PWM_EN) {
        write_slice(&p->slice[reg / REGISTERS_EACH], reg, value);
        settle(&p->slice[reg / REGISTERS_EACH]);
        return;
    }
    if (reg == PWM_EN) {
        write_enables(p, value);
    }
    for (unsigned i = 0; i < p->slices; i++) {
        settle(&p->slice[i]);
    }
}

static void slice_due(struct event *event, uint64_t late_ps) {
    struct pwm_slice *s = event->owner;
    catch_up(s);
    settle(s);
}

static void clk_sys_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct pwm *p = listener->owner;
    for (unsigned i = 0; i < p->slices; i++) {
        schedule(&p->slice[i]);
    }
}

static void pwm_reset(struct block *b) {
    struct pwm *p = (struct pwm *)b;
    for (unsigned i = 0; i < p->slices; i++) {
        struct pwm_slice *s = &p->slice[i];
        s->csr = 0;
        s->phase = 0;
        s->position = 0;
        s->is_beyond_top = false;
        s->synced = cycle_now(p);
        set_divider(s);
        latch(s);
        settle(s);
    }
    choose_pins(p);
}

static void pwm_init_slice(struct pwm *p, unsigned i) {
    struct pwm_slice *s = &p->slice[i];
    s->pwm = p;
    s->event = (struct event){ .name = "pwm", .callback = slice_due, .owner = s };
    for (unsigned pin = 0; pin < GPIO_PINS; pin++) {
        unsigned slice = pin < 32 ? pin / 2 % 8 : 8 + pin / 2 % 4;
        if (slice == i) {
            s->pins[pin % 2] |= UINT64_C(1) << pin;
        }
    }
}

static void pwm_init(struct block *b) {
    struct pwm *p = (struct pwm *)b;
    p->slices = b->registers->descs[PWM_CH8_CSR].name ? PWM_SLICES : 8;
    for (unsigned i = 0; i < p->slices; i++) {
        pwm_init_slice(p, i);
    }
    p->clock_listener = (struct clock_listener){ .changed = clk_sys_changed, .owner = p };
    clock_listen(p->clk_sys, &p->clock_listener);
    if (p->gpio) {
        p->pin_listener = (struct gpio_listener){ .changed = pins_changed, .selected = pin_selected, .owner = p };
        gpio_listen(p->gpio, &p->pin_listener);
    }
}

static void pwm_slice_walk(struct pwm_slice *s, struct walk *walk) {
    walk_u32(walk, &s->csr);
    walk_u32(walk, &s->divider);
    walk_u32(walk, &s->top);
    walk_u32s(walk, s->compare, PWM_CHANNELS);
    walk_u64(walk, &s->synced);
    walk_i64(walk, &s->phase);
    walk_u32(walk, &s->position);
    walk_bool(walk, &s->is_beyond_top);
    walk_bool(walk, &s->input_b);
    walk_bool(walk, &s->dreq_wanted);
    walk_bools(walk, s->pwm->level[number(s)], PWM_CHANNELS);
    line_walk(&s->pwm->dreq[number(s)], walk);
    walk_event(walk, &s->event);
    bool sane = s->divider && s->top <= PWM_CH0_TOP_BITS && s->position < 2 * (PWM_CH0_TOP_BITS + 1) &&
                s->phase > -(INT64_C(1) << 40) && s->phase < (INT64_C(1) << 40);
    if (!sane) {
        walk_fail(walk, "a counter that cannot stand where it does");
        s->divider = 16;
        s->top = s->position = 0;
        s->phase = 0;
    }
}

static void pwm_walk(struct block *b, struct walk *walk) {
    struct pwm *p = (struct pwm *)b;
    for (unsigned i = 0; i < p->slices; i++) {
        pwm_slice_walk(&p->slice[i], walk);
    }
    gpio_listener_walk(&p->pin_listener, walk);
}

const struct block_class pwm_class = {
    .name = "pwm",
    .size = sizeof(struct pwm),
    .init = pwm_init,
    .reset = pwm_reset,
    .read = pwm_read,
    .write = pwm_write,
    .holds_until = pwm_holds_until,
    .walk = pwm_walk,
};
