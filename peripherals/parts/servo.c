/* A hobby servo such as the SG90 (its data sheet: pulses of 0.5 to 2.4 ms, 0.1 s for 60 degrees): the length of a pulse
 * at PWM says where the horn is to be, and it goes there at its speed. Without pulses it stays.
 *
 * Not modelled: load, supply, dead band. `horn` and `hornColor` of Wokwi's diagrams are taken and have no effect. */
#include "peripherals/parts/parts.h"

#include <math.h>

#define DEGREES 180.0
#define DEGREES_A_SECOND 600.0
#define SHORTEST_PS (300 * PS_PER_US) /* other pulses are none for it */
#define LONGEST_PS (3000 * PS_PER_US)

enum pin { GND, VCC, PWM };
enum attribute { HORN, HORN_COLOR, MIN_PULSE, MAX_PULSE };

struct servo {
    struct part part;
    struct net_listener listener;
    bool high;
    uint64_t rise_ps;
    double from, target; /* degrees: where it was at since_ps, where it goes */
    uint64_t since_ps;
};

static double angle_at(const struct servo *servo, uint64_t now_ps) {
    double way = servo->target - servo->from;
    double gone = DEGREES_A_SECOND * (double)(now_ps - servo->since_ps) / PS_PER_S;
    return gone >= fabs(way) ? servo->target : servo->from + copysign(gone, way);
}

static void take_pulse(struct servo *servo, uint64_t width_ps, uint64_t now_ps) {
    const struct part_value *values = servo->part.values;
    double us = (double)width_ps / PS_PER_US, first = values[MIN_PULSE].number, last = values[MAX_PULSE].number;
    if (width_ps < SHORTEST_PS || width_ps > LONGEST_PS || last <= first) {
        return;
    }
    double angle = DEGREES * (us - first) / (last - first);
    servo->from = angle_at(servo, now_ps);
    servo->since_ps = now_ps;
    servo->target = angle < 0 ? 0 : angle > DEGREES ? DEGREES : angle;
}

static void pwm_changed(struct net_listener *listener, struct net *net) {
    struct servo *servo = listener->owner;
    uint64_t now = scheduler_now(servo->part.env->scheduler);
    bool high = net_is_high(net);
    if (high && !servo->high) {
        servo->rise_ps = now;
    } else if (!high && servo->high) {
        take_pulse(servo, now - servo->rise_ps, now);
    }
    servo->high = high;
}

static void servo_show(struct part *part) {
    part->views[0].pointer.degrees = angle_at((struct servo *)part, scheduler_now(part->env->scheduler));
}

static bool servo_init(struct part *part, struct error *error) {
    struct servo *servo = (struct servo *)part;
    servo->listener = (struct net_listener){ .changed = pwm_changed, .owner = servo, .passive = true };
    if (part->nets[PWM]) {
        net_listen(part->nets[PWM], &servo->listener);
        servo->high = net_is_high(part->nets[PWM]);
    }
    part->views[0] = (struct part_view){ .kind = PART_POINTER, .name = "horn", 14, 1, 22, 22 };
    part->view_count = 1;
    return true;
}

static void servo_finish(struct part *part) {
    if (part->nets[PWM]) {
        net_unlisten(part->nets[PWM], &((struct servo *)part)->listener);
    }
}

static void servo_walk(struct part *part, struct walk *walk) {
    struct servo *servo = (struct servo *)part;
    walk_bool(walk, &servo->high);
    walk_u64(walk, &servo->rise_ps);
    walk_double_within(walk, &servo->from, 0, DEGREES);
    walk_double_within(walk, &servo->target, 0, DEGREES);
    walk_u64(walk, &servo->since_ps);
}

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 4, 5, 34, 14, 0x1f3f8f },
    { PART_RECTANGLE, 0, 7, 42, 10, 0x2a52b0 },
    { PART_DISC, 16, 3, 18, 18, 0x3a62c8 },
};

const struct part_class servo_class = {
    .type = "servo",
    .aliases = (const char *const[]){ "wokwi-servo", NULL },
    .title = "hobby servo",
    .pins =
        (const struct part_pin[]){ { "GND", NULL, 0, 9.5 }, { "V+", "VCC", 0, 12 }, { "PWM", "SIG", 0, 14.5 }, { 0 } },
    .attributes = (const struct part_attribute[]){ [HORN] = { "horn", PART_TEXT, "single" },
                                                   [HORN_COLOR] = { "hornColor", PART_TEXT, "" },
                                                   [MIN_PULSE] = { "minPulse", PART_NUMBER, "500", 300, 3000, "us" },
                                                   [MAX_PULSE] = { "maxPulse", PART_NUMBER, "2400", 300, 3000, "us" },
                                                   { 0 } },
    .face = { 42, 24, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct servo),
    .init = servo_init,
    .finish = servo_finish,
    .show = servo_show,
    .walk = servo_walk,
};
