/* Analogue-to-digital converter: RP2040 datasheet 4.9, RP2350 datasheet 12.4.
 * Not modelled: noise of its own, offset and the differential non-linearity of erratum RP2040-E11 (results are ideal,
 * and the same in every run), power-up time, conversion errors (ERR stays 0), the load on the pin. Decided: the input
 * is sampled when the conversion begins; a temperature sensor that is switched off reads 0; START_ONCE during a
 * conversion is lost; clearing START_MANY lets the conversion under way finish, clearing EN drops it; a FIFO that is
 * full keeps its contents and drops the new result. */
#include "peripherals/onchip/adc.h"

#include <math.h>
#include <stdio.h>

#define CONVERSION_CYCLES 96
#define STEPS 4096
#define DEFAULT_REFERENCE 3.3
#define SENSOR_VOLTS_AT_27C 0.706
#define SENSOR_VOLTS_PER_DEGREE (-0.001721)
#define SHIFT_BITS 4

/* The wider fields of the RP2350; the RP2040's registers cannot hold the bits that it lacks. */
#define CS_AINSEL RP2350_ADC_CS_AINSEL
#define CS_RROBIN RP2350_ADC_CS_RROBIN

static uint32_t level_field(const struct adc *a, uint32_t mask) {
    return field_get(a->block.values[ADC_FCS], mask);
}

static bool fifo_reached(const struct adc *a) {
    return a->fifo_count >= level_field(a, ADC_FCS_THRESH);
}

static uint32_t interrupt_status(const struct adc *a) {
    const uint32_t *v = a->block.values;
    return ((fifo_reached(a) ? ADC_INTR_FIFO : 0) & v[ADC_INTE]) | v[ADC_INTF];
}

static void adc_update(struct adc *a) {
    line_set(&a->block.irq[0], interrupt_status(a) != 0);
    line_set(&a->dreq, (a->block.values[ADC_FCS] & ADC_FCS_DREQ_EN) && fifo_reached(a) && a->fifo_count);
}

/* ---- What is measured ---- */

static double input_voltage(struct adc *a, unsigned input) {
    if (input + 1 == a->inputs) {
        bool on = a->block.values[ADC_CS] & ADC_CS_TS_EN;
        return on ? SENSOR_VOLTS_AT_27C + (a->temperature - 27) * SENSOR_VOLTS_PER_DEGREE : 0;
    }
    if (input >= a->inputs) {
        return 0;
    }
    if (!isnan(a->input_volts[input])) {
        return a->input_volts[input];
    }
    return a->voltage ? a->voltage(a->context, input) : 0;
}

/* Near enough to a normal distribution of deviation 1, and the same on every host: the sum of twelve even ones. */
static double normal_number(struct random *random) {
    double sum = -6;
    for (unsigned i = 0; i < 12; i++) {
        sum += (double)(random_next(random) >> 11) / (double)(UINT64_C(1) << 53);
    }
    return sum;
}

static double noise(struct adc *a, unsigned input) {
    bool noisy = input < ADC_INPUTS && a->noise_volts[input] > 0;
    return noisy ? a->noise_volts[input] * normal_number(&a->noise[input]) : 0;
}

static uint16_t sample(struct adc *a) {
    double reference = a->reference > 0 ? a->reference : DEFAULT_REFERENCE;
    unsigned input = field_get(a->block.values[ADC_CS], CS_AINSEL);
    double steps = (input_voltage(a, input) + noise(a, input)) / reference * STEPS;
    if (!(steps > 0)) {
        return 0;
    }
    return steps < STEPS - 1 ? (uint16_t)steps : STEPS - 1;
}

void adc_set_input(struct adc *a, unsigned input, double volts) {
    if (input < ADC_INPUTS) {
        a->input_volts[input] = volts;
    }
}

void adc_set_noise(struct adc *a, unsigned input, double volts) {
    char name[8];
    if (input < ADC_INPUTS) {
        snprintf(name, sizeof(name), "%u", input);
        random_derive(&a->noise[input], a->block.env->seed, "adc noise", name);
        a->noise_volts[input] = volts;
    }
}

void adc_set_temperature(struct adc *a, double celsius) {
    a->temperature = celsius;
}

/* ---- FIFO ---- */

static void fifo_push(struct adc *a, uint16_t value) {
    uint32_t fcs = a->block.values[ADC_FCS];
    if (!(fcs & ADC_FCS_EN)) {
        return;
    }
    if (a->fifo_count >= a->fifo_depth) {
        a->block.values[ADC_FCS] |= ADC_FCS_OVER;
        return;
    }
    a->fifo[(a->fifo_first + a->fifo_count++) % ADC_FIFO_MAX] = fcs & ADC_FCS_SHIFT ? value >> SHIFT_BITS : value;
}

static uint32_t fifo_pop(struct adc *a) {
    if (!a->fifo_count) {
        a->block.values[ADC_FCS] |= ADC_FCS_UNDER;
        return 0;
    }
    uint32_t value = a->fifo[a->fifo_first];
    a->fifo_first = (a->fifo_first + 1) % ADC_FIFO_MAX;
    a->fifo_count--;
    adc_update(a);
    return value;
}

static uint32_t fifo_status(const struct adc *a) {
    uint32_t value = field_set(a->block.values[ADC_FCS], ADC_FCS_LEVEL, a->fifo_count);
    value |= a->fifo_count ? 0 : ADC_FCS_EMPTY;
    return value | (a->fifo_count >= a->fifo_depth ? ADC_FCS_FULL : 0);
}

/* ---- Conversions ---- */

static void schedule_at_cycle(struct adc *a, struct event *event, uint64_t cycle) {
    uint64_t when = clock_time_of(a->clk_adc, cycle);
    if (when == TIME_NEVER) {
        scheduler_cancel(a->block.env->scheduler, event);
    } else {
        scheduler_add(a->block.env->scheduler, event, when);
    }
}

static void begin(struct adc *a, uint64_t cycle) {
    a->converting = true;
    a->begin_cycle = cycle;
    a->sample = sample(a);
    schedule_at_cycle(a, &a->done, cycle + CONVERSION_CYCLES);
}

/* 1 + INT + FRAC / 256 cycles of clk_adc, in 1/256; shorter periods than a conversion are back to back. */
static uint64_t period(const struct adc *a) {
    uint32_t div = a->block.values[ADC_DIV];
    uint64_t paced = div + UINT64_C(256), least = CONVERSION_CYCLES * UINT64_C(256);
    return div && paced > least ? paced : least;
}

static void stop(struct adc *a) {
    a->converting = false;
    scheduler_cancel(a->block.env->scheduler, &a->done);
    scheduler_cancel(a->block.env->scheduler, &a->pace);
}

static uint64_t cycle_now(const struct adc *a) {
    return clock_cycles_at(a->clk_adc, scheduler_now(a->block.env->scheduler));
}

static bool is_running(const struct adc *a) {
    uint32_t cs = a->block.values[ADC_CS];
    return (cs & ADC_CS_EN) && (cs & ADC_CS_START_MANY);
}

/* START_MANY: the next conversion, now or when the divider says. */
static void begin_when_due(struct adc *a) {
    if (!is_running(a) || a->converting) {
        return;
    }
    uint64_t due = (a->next_cycle + 255) / 256;
    if (due > cycle_now(a)) {
        schedule_at_cycle(a, &a->pace, due);
        return;
    }
    a->next_cycle += period(a);
    begin(a, due);
}

static void select_next_input(struct adc *a) {
    uint32_t cs = a->block.values[ADC_CS], robin = field_get(cs, CS_RROBIN), input = field_get(cs, CS_AINSEL);
    if (!robin) {
        return;
    }
    uint32_t later = robin & ~((2u << input) - 1);
    uint32_t next = (uint32_t)__builtin_ctz(later ? later : robin);
    a->block.values[ADC_CS] = field_set(cs, CS_AINSEL, next);
}

/* ---- The block ---- */

static uint32_t adc_read(struct block *b, unsigned reg) {
    struct adc *a = (struct adc *)b;
    bool ready;
    switch (reg) {
    case ADC_CS:
        ready = (b->values[reg] & ADC_CS_EN) && !a->converting;
        return b->values[reg] | (ready ? ADC_CS_READY : 0);
    case ADC_FCS:
        return fifo_status(a);
    case ADC_FIFO:
        return fifo_pop(a);
    case ADC_INTR:
        return fifo_reached(a) ? ADC_INTR_FIFO : 0;
    case ADC_INTS:
        return interrupt_status(a);
    default:
        return b->values[reg];
    }
}

static void write_cs(struct adc *a, uint32_t value, uint32_t old) {
    uint32_t both = ADC_CS_EN | ADC_CS_START_MANY;
    if (!(value & ADC_CS_EN)) {
        stop(a);
    } else if (is_running(a)) {
        if ((old & both) != both) {
            a->next_cycle = cycle_now(a) * 256;
        }
        begin_when_due(a);
    } else {
        scheduler_cancel(a->block.env->scheduler, &a->pace);
        if ((value & ADC_CS_START_ONCE) && !a->converting) {
            begin(a, cycle_now(a));
        }
    }
}

static void adc_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    struct adc *a = (struct adc *)b;
    switch (reg) {
    case ADC_CS:
        write_cs(a, value, old);
        break;
    case ADC_DIV:
        a->next_cycle = cycle_now(a) * 256 + period(a);
        begin_when_due(a);
        break;
    default:
        adc_update(a);
        break;
    }
}

static void conversion_done(struct event *event, uint64_t late_ps) {
    struct adc *a = event->owner;
    a->converting = false;
    a->block.values[ADC_RESULT] = a->sample;
    fifo_push(a, a->sample);
    select_next_input(a);
    adc_update(a);
    begin_when_due(a);
}

static void pace_due(struct event *event, uint64_t late_ps) {
    begin_when_due(event->owner);
}

static void clk_adc_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct adc *a = listener->owner;
    if (a->converting) {
        schedule_at_cycle(a, &a->done, a->begin_cycle + CONVERSION_CYCLES);
    } else {
        begin_when_due(a);
    }
}

static void adc_reset(struct block *b) {
    struct adc *a = (struct adc *)b;
    stop(a);
    a->next_cycle = 0;
    a->fifo_first = a->fifo_count = 0;
    adc_update(a);
}

static void adc_init(struct block *b) {
    struct adc *a = (struct adc *)b;
    a->temperature = 27;
    for (unsigned input = 0; input < ADC_INPUTS; input++) {
        a->input_volts[input] = NAN;
    }
    a->done = (struct event){ .name = "adc conversion", .callback = conversion_done, .owner = a };
    a->pace = (struct event){ .name = "adc pace", .callback = pace_due, .owner = a };
    a->clock_listener = (struct clock_listener){ .changed = clk_adc_changed, .owner = a };
    clock_listen(a->clk_adc, &a->clock_listener);
}

static void adc_walk(struct block *b, struct walk *walk) {
    struct adc *a = (struct adc *)b;
    walk_double(walk, &a->temperature);
    for (unsigned input = 0; input < ADC_INPUTS; input++) {
        walk_double(walk, &a->input_volts[input]);
        walk_double(walk, &a->noise_volts[input]);
        random_walk(&a->noise[input], walk);
    }
    line_walk(&a->dreq, walk);
    walk_bool(walk, &a->converting);
    walk_u16(walk, &a->sample);
    walk_u64(walk, &a->begin_cycle);
    walk_u64(walk, &a->next_cycle);
    walk_u16s(walk, a->fifo, ADC_FIFO_MAX);
    walk_below(walk, &a->fifo_first, ADC_FIFO_MAX);
    walk_below(walk, &a->fifo_count, a->fifo_depth + 1);
    walk_event(walk, &a->done);
    walk_event(walk, &a->pace);
}

const struct block_class adc_class = {
    .name = "adc",
    .size = sizeof(struct adc),
    .init = adc_init,
    .reset = adc_reset,
    .read = adc_read,
    .write = adc_write,
    .holds_until = block_holds,
    .walk = adc_walk,
    .walk_version = 1,
};
