/* ams AS5600, 12-bit magnetic angle sensor: datasheet v1-06 (2018). Bus face: I2C target 0x36 and the OUT pin;
 * physical face: the magnet's angle (seen from above, clockwise) and its field.
 *
 * Not modelled: noise, non-linearity, temperature, supply current, programming through the OUT pin (option B of the
 * angle programming), the PGO pin.
 *
 * Decided where the datasheet leaves it open:
 * - The slow filter is of first order over samples of 150 us with the weight 1/16, 1/8, 1/4 or 1/2; its time constants
 *   are then the step response times of the datasheet. The fast filter, where it is on, takes a sample as it is when
 *   that is further away than the threshold, and leaves the rest to the slow one.
 * - RAW ANGLE is filtered too; it is neither scaled nor held by a hysteresis.
 * - In low-power modes each poll is a measurement of its own, unfiltered.
 * - MANG, when it is not 0, goes before MPOS. A range of less than 18 degrees is taken as it is, with a guest line.
 * - AGC falls linearly with 1/field from its maximum at 30 mT to 0 at 90 mT; MAGNITUDE is 2048 within these limits and
 *   proportional to the field outside them. MD is field >= 8 mT.
 * - The pointer stays where it is on reads when it has been set to the high byte of ANGLE, RAW ANGLE or MAGNITUDE: the
 *   two bytes come in turn, beginning with the high one at each START. One that has come there by itself goes on.
 * - For 10 ms after power-on angles, STATUS, AGC and MAGNITUDE read 0; it answers from the start. */
#include "emulator/core/serial.h"
#include "peripherals/parts/parts.h"

#include <math.h>
#include <stdlib.h>

#define ADDRESS 0x36
#define STEPS 4096
#define SAMPLE_PS (150 * PS_PER_US)
#define POWER_UP_PS (10 * PS_PER_MS)
#define WATCHDOG_PS (60 * PS_PER_S)
#define WATCHDOG_STEPS 4
#define MARGIN_STEPS 10 /* hysteresis at the ends of a full turn */
#define RANGE_MIN_STEPS 205
#define DETECT_MT 8.0
#define WEAK_MT 30.0
#define STRONG_MT 90.0
#define MAGNITUDE_HELD 2048.0
#define OUT_OHMS 100.0
#define PWM_UNITS 4351 /* of a period: 128 high, 4095 of data, 128 low */
#define PWM_HEAD 128

enum {
    ZMCO = 0x00,
    ZPOS = 0x01,
    MPOS = 0x03,
    MANG = 0x05,
    CONF = 0x07,
    STATUS = 0x0b,
    RAW_ANGLE = 0x0c,
    ANGLE = 0x0e,
    AGC = 0x1a,
    MAGNITUDE = 0x1b,
    BURN = 0xff,
};
#define CONF_WD 0x2000u
#define CONF_FTH 0x1c00u
#define CONF_SF 0x0300u
#define CONF_PWMF 0x00c0u
#define CONF_OUTS 0x0030u
#define CONF_HYST 0x000cu
#define CONF_PM 0x0003u
#define STATUS_MH 0x08u
#define STATUS_ML 0x10u
#define STATUS_MD 0x20u

enum pin { VCC, GND, SDA, SCL, DIR, OUT };
enum attribute { SUPPLY };
enum control { MAGNET_ANGLE, MAGNET_FIELD };

/* What can be programmed for good. */
struct settings {
    uint16_t zpos, mpos, mang, conf;
};

struct as5600 {
    struct part part;
    struct i2c_target target;
    struct settings now, otp;
    uint8_t zmco;
    bool settings_burnt;
    uint8_t load_step; /* of the sequence 01, 11, 10 into BURN */
    uint8_t pointer;
    bool stays;    /* the pointer, on reads */
    bool low_next; /* of its two bytes */
    bool expects_pointer;
    uint64_t ready_ps;
    /* The measurement. */
    double magnet;   /* where the magnet is, in steps, DIR applied */
    double filtered; /* steps, 0 to 4096 */
    uint64_t sampled_ps;
    uint64_t still_ps; /* since when the angle has been within the watchdog's threshold of `still_at` */
    double still_at;
    int held; /* the output angle after its hysteresis, in steps of the turn; -1: none yet */
    /* The OUT pin. */
    struct net_listener dir_listener;
    struct net_driver out;
    struct event out_event;
    bool pulse;
};

/* ---- Measuring: derived when somebody looks ---- */

/* The shortest way round from b to a. */
static double turn_between(double a, double b) {
    return remainder(a - b, STEPS);
}

static bool is_watchdog_asleep(const struct as5600 *s, uint64_t now) {
    return s->now.conf & CONF_WD && now - s->still_ps >= WATCHDOG_PS;
}

static uint64_t poll_period(const struct as5600 *s, uint64_t now) {
    static const uint64_t periods[] = { SAMPLE_PS, 5 * PS_PER_MS, 20 * PS_PER_MS, 100 * PS_PER_MS };
    return periods[is_watchdog_asleep(s, now) ? 3 : s->now.conf & CONF_PM];
}

/* Steps above which the fast filter acts; INFINITY: never. */
static double fast_threshold(const struct as5600 *s) {
    static const double thresholds[] = { INFINITY, 6, 7, 9, 18, 21, 24, 10 };
    return thresholds[field_get(s->now.conf, CONF_FTH)];
}

/* `count` samples of a magnet that stands still. */
static void take_samples(struct as5600 *s, uint64_t count, bool low_power) {
    double distance = turn_between(s->filtered, s->magnet);
    double weight = 1.0 / (16 >> field_get(s->now.conf, CONF_SF));
    if (low_power || fabs(distance) > fast_threshold(s)) {
        distance = 0;
    }
    distance *= pow(1 - weight, (double)count);
    s->filtered = fmod(s->magnet + distance + STEPS, STEPS);
}

static void watch(struct as5600 *s, uint64_t at) {
    if (fabs(turn_between(s->filtered, s->still_at)) > WATCHDOG_STEPS) {
        s->still_at = s->filtered;
        s->still_ps = at;
    }
}

/* The output angle follows the filtered one at a distance: HYST, and at the ends of a full turn. */
static void hold(struct as5600 *s, int steps) {
    int slack = (int)field_get(s->now.conf, CONF_HYST);
    int moved = s->held < 0 ? STEPS : steps - s->held;
    bool over_the_end = abs(moved) > STEPS - 2 * MARGIN_STEPS && s->held >= 0;
    if (over_the_end && !s->now.mpos && !s->now.mang) {
        int beyond = moved < 0 ? steps : STEPS - 1 - steps;
        if (beyond < MARGIN_STEPS) {
            s->held = moved < 0 ? STEPS - 1 : 0;
            return;
        }
    }
    if (abs(moved) > slack) {
        s->held = steps;
    }
}

static int raw_steps(const struct as5600 *s) {
    return (int)floor(s->filtered + 0.5) % STEPS;
}

/* Bring the measurement up to the last sample before now. */
static void measure(struct as5600 *s) {
    uint64_t now = scheduler_now(s->part.env->scheduler);
    while (s->sampled_ps < now) {
        uint64_t period = poll_period(s, s->sampled_ps), end = now;
        if (s->now.conf & CONF_WD && !is_watchdog_asleep(s, s->sampled_ps) && s->still_ps + WATCHDOG_PS < now) {
            end = s->still_ps + WATCHDOG_PS; /* it may fall asleep on the way */
            end = end > s->sampled_ps + period ? end : s->sampled_ps + period;
        }
        uint64_t count = (end - s->sampled_ps) / period;
        if (count == 0) {
            break;
        }
        take_samples(s, count, period != SAMPLE_PS);
        s->sampled_ps += count * period;
        watch(s, s->sampled_ps);
        hold(s, raw_steps(s));
    }
}

/* ---- The output angle ---- */
static int range_steps(const struct as5600 *s) {
    if (s->now.mang) {
        return s->now.mang;
    }
    return s->now.mpos ? (s->now.mpos - s->now.zpos) & (STEPS - 1) : 0;
}

/* 0 to 4095 over the programmed range; outside of it the nearer end. */
static unsigned output_angle(const struct as5600 *s) {
    int from_start = (s->held - s->now.zpos) & (STEPS - 1), range = range_steps(s);
    if (range == 0) {
        return (unsigned)from_start;
    }
    if (from_start > range) {
        return from_start < range + (STEPS - range) / 2 ? STEPS - 1 : 0;
    }
    return (unsigned)(from_start * (STEPS - 1) / range);
}

/* ---- The field ---- */
static double field_mt(const struct as5600 *s) {
    return s->part.settings[MAGNET_FIELD];
}

static uint8_t status(const struct as5600 *s) {
    double field = field_mt(s);
    return (uint8_t)((field >= DETECT_MT ? STATUS_MD : 0) | (field < WEAK_MT ? STATUS_ML : 0) |
                     (field > STRONG_MT ? STATUS_MH : 0));
}

static uint8_t agc(const struct as5600 *s) {
    double most = s->part.values[SUPPLY].number > 4 ? 255 : 128;
    double field = fmin(fmax(field_mt(s), WEAK_MT), STRONG_MT);
    return (uint8_t)lround(most * (1 / field - 1 / STRONG_MT) / (1 / WEAK_MT - 1 / STRONG_MT));
}

static unsigned magnitude(const struct as5600 *s) {
    double field = field_mt(s);
    double magnitude = MAGNITUDE_HELD * field / fmin(fmax(field, WEAK_MT), STRONG_MT);
    return (unsigned)fmin(magnitude, STEPS - 1);
}

/* ---- The OUT pin: ratiometric to the supply, or pulses ---- */
static double out_ratio(const struct as5600 *s) {
    double ratio = output_angle(s) / (double)(STEPS - 1);
    return field_get(s->now.conf, CONF_OUTS) == 1 ? 0.1 + 0.8 * ratio : ratio;
}

static bool is_settled(const struct as5600 *s) {
    return fabs(turn_between(s->filtered, s->magnet)) < 0.01;
}

static uint64_t pwm_unit_ps(const struct as5600 *s) {
    return PS_PER_S / 115 / PWM_UNITS >> field_get(s->now.conf, CONF_PWMF);
}

static void schedule_out(struct as5600 *s, uint64_t delay_ps, uint64_t from_ps) {
    scheduler_add(s->part.env->scheduler, &s->out_event, from_ps + delay_ps);
}

static void update_analogue(struct as5600 *s, uint64_t now) {
    bool magnet = field_mt(s) >= DETECT_MT;
    net_drive_volts(&s->out, magnet ? out_ratio(s) * s->part.values[SUPPLY].number : 0, OUT_OHMS);
    if (!is_settled(s)) {
        schedule_out(s, poll_period(s, now), now);
    }
}

static void update_pulse(struct as5600 *s, uint64_t now) {
    uint64_t high = PWM_HEAD + output_angle(s);
    s->pulse = !s->pulse && field_mt(s) >= DETECT_MT;
    net_drive(&s->out, s->pulse ? NET_HIGH : NET_LOW);
    schedule_out(s, (s->pulse ? high : PWM_UNITS - high) * pwm_unit_ps(s), now);
}

static bool is_pwm(const struct as5600 *s) {
    return field_get(s->now.conf, CONF_OUTS) >= 2;
}

static void as5600_update(struct as5600 *s) {
    uint64_t now = scheduler_now(s->part.env->scheduler);
    if (!s->part.nets[OUT] || now < s->ready_ps) {
        return;
    }
    if (!is_pwm(s)) {
        update_analogue(s, now);
    } else if (!s->out_event.pending) {
        update_pulse(s, now);
    }
}

static void out_due(struct event *event, uint64_t late_ps) {
    struct as5600 *s = event->owner;
    measure(s);
    if (is_pwm(s)) {
        update_pulse(s, event->when_ps);
    } else {
        as5600_update(s);
    }
}

/* ---- Programming for good ---- */
static void guest(struct as5600 *s, const char *line) {
    log_write(s->part.env->log, LOG_GUEST, s->part.id, "%s", line);
}

static void burn_angle(struct as5600 *s) {
    if (!(status(s) & STATUS_MD) || s->zmco == 3) {
        guest(s, s->zmco == 3 ? "BURN_ANGLE: done three times already" : "BURN_ANGLE: no magnet");
        return;
    }
    s->otp.zpos = s->now.zpos;
    s->otp.mpos = s->now.mpos;
    s->zmco++;
}

static void burn_settings(struct as5600 *s) {
    if (s->zmco || s->settings_burnt) {
        guest(s, s->zmco ? "BURN_SETTING: angles are burnt already" : "BURN_SETTING: done already");
        return;
    }
    s->otp.mang = s->now.mang;
    s->otp.conf = s->now.conf;
    s->settings_burnt = true;
}

static void burn(struct as5600 *s, uint8_t command) {
    static const uint8_t load[] = { 0x01, 0x11, 0x10 };
    s->load_step = command == load[s->load_step] ? s->load_step + 1 : command == load[0];
    if (s->load_step == 3) {
        s->load_step = 0;
        s->now = s->otp;
    } else if (command == 0x80) {
        burn_angle(s);
    } else if (command == 0x40) {
        burn_settings(s);
    }
}

/* ---- Registers ---- */
static bool is_register(uint8_t address) {
    return address <= CONF + 1 || (address >= STATUS && address <= ANGLE + 1) ||
           (address >= AGC && address <= MAGNITUDE + 1) || address == BURN;
}

static uint16_t *setting(struct as5600 *s, uint8_t address) {
    switch ((address - ZPOS) & ~1) {
    case ZPOS - ZPOS:
        return &s->now.zpos;
    case MPOS - ZPOS:
        return &s->now.mpos;
    case MANG - ZPOS:
        return &s->now.mang;
    case CONF - ZPOS:
        return &s->now.conf;
    default:
        return NULL;
    }
}

/* The word of a pair of registers whose high byte is at `address`. */
static unsigned read_pair(struct as5600 *s, uint8_t address) {
    switch (address) {
    case RAW_ANGLE:
        return (unsigned)raw_steps(s);
    case ANGLE:
        return output_angle(s);
    case MAGNITUDE:
        return magnitude(s);
    default:
        return setting(s, address) ? *setting(s, address) : 0;
    }
}

static bool is_low_byte(uint8_t address) {
    return address >= RAW_ANGLE && address <= ANGLE + 1 ? address & 1 : !(address & 1);
}

static uint8_t read_register(struct as5600 *s, uint8_t address) {
    if (address >= STATUS && scheduler_now(s->part.env->scheduler) < s->ready_ps) {
        return 0;
    }
    switch (address) {
    case ZMCO:
        return s->zmco;
    case STATUS:
        return status(s);
    case AGC:
        return agc(s);
    default:
        break;
    }
    bool low = is_low_byte(address);
    unsigned pair = read_pair(s, low ? address - 1 : address);
    return (uint8_t)(low ? pair : pair >> 8);
}

static void check_range(struct as5600 *s) {
    int range = range_steps(s);
    if (range && range < RANGE_MIN_STEPS) {
        guest(s, "a range of less than 18 degrees");
    }
}

static bool write_register(struct as5600 *s, uint8_t address, uint8_t value) {
    uint16_t *word = address >= ZPOS && address <= CONF + 1 ? setting(s, address) : NULL;
    if (address == BURN) {
        burn(s, value);
    } else if (word && address & 1) {
        *word = (uint16_t)((*word & 0xff) | (value & (address == CONF ? 0x3f : 0x0f)) << 8);
    } else if (word) {
        *word = (uint16_t)((*word & 0xff00) | value);
        if (address == MPOS + 1 || address == MANG + 1) {
            check_range(s);
        }
    }
    return is_register(address);
}

/* ---- I2C ---- */
static bool as5600_start(struct i2c_target *target, uint8_t address, bool read) {
    struct as5600 *s = target->owner;
    s->expects_pointer = !read;
    s->low_next = false;
    if (address == ADDRESS) {
        measure(s);
    }
    return address == ADDRESS;
}

static bool as5600_write(struct i2c_target *target, uint8_t byte) {
    struct as5600 *s = target->owner;
    if (s->expects_pointer) {
        s->expects_pointer = false;
        s->pointer = byte;
        s->stays = byte == RAW_ANGLE || byte == ANGLE || byte == MAGNITUDE;
        return is_register(byte);
    }
    s->stays = false;
    measure(s);
    bool known = write_register(s, s->pointer++, byte);
    as5600_update(s);
    return known;
}

static uint8_t as5600_read(struct i2c_target *target) {
    struct as5600 *s = target->owner;
    uint8_t address = s->stays ? s->pointer + s->low_next : s->pointer++;
    s->low_next = !s->low_next;
    return is_register(address) ? read_register(s, address) : 0;
}

/* ---- The part ---- */
static void place_magnet(struct as5600 *s) {
    double steps = s->part.settings[MAGNET_ANGLE] / 360 * STEPS;
    bool counter = s->part.nets[DIR] && net_is_high(s->part.nets[DIR]);
    measure(s);
    s->magnet = fmod(counter ? STEPS - steps : steps, STEPS);
    as5600_update(s);
}

static void dir_changed(struct net_listener *listener, struct net *net) {
    place_magnet(listener->owner);
}

static void as5600_set(struct part *part, unsigned control, double value) {
    struct as5600 *s = (struct as5600 *)part;
    part->views[0].pointer.degrees = part->settings[MAGNET_ANGLE];
    place_magnet(s);
}

/* As it wakes up: registers as programmed, the first sample taken as it is. */
static void as5600_reset(struct part *part) {
    struct as5600 *s = (struct as5600 *)part;
    uint64_t now = scheduler_now(part->env->scheduler);
    scheduler_cancel(part->env->scheduler, &s->out_event);
    s->now = s->otp;
    s->load_step = 0;
    s->pointer = 0;
    s->stays = false;
    s->sampled_ps = s->ready_ps = now + POWER_UP_PS;
    place_magnet(s);
    s->filtered = s->still_at = s->magnet;
    s->still_ps = s->ready_ps;
    s->held = raw_steps(s);
    s->pulse = false;
    if (part->nets[OUT]) {
        schedule_out(s, POWER_UP_PS, now);
    }
}

static bool as5600_init(struct part *part, struct error *error) {
    struct as5600 *s = (struct as5600 *)part;
    s->target = (struct i2c_target){
        .scl = part->nets[SCL],
        .sda = part->nets[SDA],
        .start = as5600_start,
        .write = as5600_write,
        .read = as5600_read,
        .owner = s,
    };
    if (s->target.scl && s->target.sda) {
        i2c_target_attach(&s->target);
    }
    s->out = (struct net_driver){ .name = part->id };
    s->out_event = (struct event){ .name = "AS5600 OUT", .callback = out_due, .owner = s };
    if (part->nets[OUT]) {
        net_attach(part->nets[OUT], &s->out);
    }
    s->dir_listener = (struct net_listener){ .changed = dir_changed, .owner = s, .passive = true };
    if (part->nets[DIR]) {
        net_listen(part->nets[DIR], &s->dir_listener);
    }
    part->views[0] = (struct part_view){ .kind = PART_POINTER, .name = "magnet", 5.5, 5.5, 12, 12 };
    part->view_count = 1;
    return true;
}

static void as5600_finish(struct part *part) {
    struct as5600 *s = (struct as5600 *)part;
    scheduler_cancel(part->env->scheduler, &s->out_event);
    net_detach(&s->out);
    if (s->target.scl && s->target.sda) {
        i2c_target_detach(&s->target);
    }
    if (part->nets[DIR]) {
        net_unlisten(part->nets[DIR], &s->dir_listener);
    }
}

static const struct part_pin pins[] = {
    { "VCC", "VDD VIN", 4, 22 },
    { "GND", NULL, 6.54, 22 },
    { "SDA", NULL, 9.08, 22 },
    { "SCL", NULL, 11.62, 22 },
    { "DIR", NULL, 14.16, 22 },
    { "OUT", "A", 16.7, 22 },
    { 0 },
};

static const struct part_control controls[] = {
    [MAGNET_ANGLE] = { "angle", "deg", PART_KNOB, 0, 360, 1, 0, true, 5.5, 5.5, 12, 12 },
    [MAGNET_FIELD] = { "field", "mT", PART_SLIDER, 0, 150, 5, 50, false, 1, 1, 21, 3 },
    { 0 },
};

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 9, 9, 5, 5, 0x181818 },
    { PART_DISC, 5.5, 5.5, 12, 12, 0xc8ccd0 },
    { PART_LETTERING, 2, 18.5, 10, 1.8, 0xffffff, "AS5600" },
};

/* ---- Snapshots ---- */
static void settings_walk(struct settings *settings, struct walk *walk) {
    walk_u16(walk, &settings->zpos);
    walk_u16(walk, &settings->mpos);
    walk_u16(walk, &settings->mang);
    walk_u16(walk, &settings->conf);
}

static void measurement_walk(struct as5600 *s, struct walk *walk) {
    walk_double_within(walk, &s->magnet, -2 * STEPS, 2 * STEPS);
    walk_double_within(walk, &s->filtered, 0, STEPS);
    walk_u64(walk, &s->sampled_ps);
    walk_u64(walk, &s->still_ps);
    walk_double_within(walk, &s->still_at, -2 * STEPS, 2 * STEPS);
    unsigned held = (unsigned)(s->held + 1);
    walk_below(walk, &held, STEPS + 1);
    s->held = (int)held - 1;
}

static void as5600_walk(struct part *part, struct walk *walk) {
    struct as5600 *s = (struct as5600 *)part;
    i2c_target_walk(&s->target, walk);
    settings_walk(&s->now, walk);
    settings_walk(&s->otp, walk);
    walk_u8(walk, &s->zmco);
    walk_bool(walk, &s->settings_burnt);
    walk_u8_below(walk, &s->load_step, 3);
    walk_u8(walk, &s->pointer);
    walk_bool(walk, &s->stays);
    walk_bool(walk, &s->low_next);
    walk_bool(walk, &s->expects_pointer);
    walk_u64(walk, &s->ready_ps);
    measurement_walk(s, walk);
    net_driver_walk(&s->out, walk);
    walk_event(walk, &s->out_event);
    walk_bool(walk, &s->pulse);
}

const struct part_class as5600_class = {
    .type = "as5600",
    .aliases = (const char *const[]){ "wokwi-as5600", "board-as5600", "chip-as5600", NULL },
    .title = "magnetic angle sensor AS5600",
    .pins = pins,
    .attributes = (const struct part_attribute[]){ [SUPPLY] = { "supply", PART_NUMBER, "3.3", 3, 5.5, "V" }, { 0 } },
    .controls = controls,
    .face = { 23, 23, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = 0x1c4a8c,
    .size = sizeof(struct as5600),
    .init = as5600_init,
    .finish = as5600_finish,
    .reset = as5600_reset,
    .set = as5600_set,
    .walk = as5600_walk,
};
