/* A passive infrared motion sensor, HC-SR501 and its like: OUT goes high when something moves, for `delayTime`, then it
 * is blind for `inhibitTime` (BISS0001 data sheet: output and inhibit time). With `retrigger` the delay begins anew as
 * long as something moves.
 *
 * Not modelled: the minute that the sensor takes after power-on. */
#include "peripherals/parts/parts.h"

enum pin { VCC, OUT, GND };
enum attribute { DELAY, INHIBIT, RETRIGGER };
enum control { MOTION };
enum state { WATCHES, TELLS, BLIND, STATES };

struct pir {
    struct part part;
    struct net_driver out;
    struct event event; /* the end of the state */
    enum state state;
};

static void enter_state(struct pir *pir, enum state state, double seconds) {
    struct scheduler *scheduler = pir->part.env->scheduler;
    pir->state = state;
    scheduler_cancel(scheduler, &pir->event);
    if (pir->part.nets[OUT]) {
        net_drive(&pir->out, state == TELLS ? NET_HIGH : NET_LOW);
    }
    pir->part.views[0].light.brightness = state == TELLS;
    if (state != WATCHES) {
        scheduler_add(scheduler, &pir->event, scheduler_now(scheduler) + (uint64_t)(seconds * PS_PER_S));
    }
}

static void look_around(struct pir *pir) {
    bool moves = pir->part.settings[MOTION] >= 0.5, again = pir->part.values[RETRIGGER].number;
    if (moves && (pir->state == WATCHES || (pir->state == TELLS && again))) {
        enter_state(pir, TELLS, pir->part.values[DELAY].number);
    }
}

static void state_ends(struct event *event, uint64_t late_ps) {
    struct pir *pir = event->owner;
    bool goes_on = pir->part.settings[MOTION] >= 0.5 && pir->part.values[RETRIGGER].number;
    if (pir->state == TELLS && !goes_on) {
        enter_state(pir, BLIND, pir->part.values[INHIBIT].number);
        return;
    }
    if (pir->state == BLIND) {
        enter_state(pir, WATCHES, 0);
    }
    look_around(pir);
}

static bool pir_init(struct part *part, struct error *error) {
    struct pir *pir = (struct pir *)part;
    pir->event = (struct event){ .name = "delay", .callback = state_ends, .owner = pir };
    pir->out = (struct net_driver){ .name = part->id };
    if (part->nets[OUT]) {
        net_attach(part->nets[OUT], &pir->out);
    }
    part->views[0] = (struct part_view){ .kind = PART_LIGHT, .name = "motion", 10, 8, 4, 4 };
    part->views[0].light.colour = 0xff4040;
    part->view_count = 1;
    return true;
}

static void pir_finish(struct part *part) {
    struct pir *pir = (struct pir *)part;
    scheduler_cancel(part->env->scheduler, &pir->event);
    if (part->nets[OUT]) {
        net_detach(&pir->out);
    }
}

static void pir_reset(struct part *part) {
    enter_state((struct pir *)part, WATCHES, 0);
    look_around((struct pir *)part);
}

static void pir_set(struct part *part, unsigned control, double value) {
    look_around((struct pir *)part);
}

static void pir_walk(struct part *part, struct walk *walk) {
    struct pir *pir = (struct pir *)part;
    if (part->nets[OUT]) {
        net_driver_walk(&pir->out, walk);
    }
    WALK_ENUM(walk, pir->state, STATES);
    walk_event(walk, &pir->event);
    if (walk->reads) {
        part->views[0].light.brightness = pir->state == TELLS;
    }
}

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 0, 0, 24, 24, 0x2d7a46 },
    { PART_DISC, 1, 1, 22, 22, 0xf0f0f0 },
};

const struct part_class pir_class = {
    .type = "pir-motion-sensor",
    .aliases = (const char *const[]){ "wokwi-pir-motion-sensor", NULL },
    .title = "motion sensor (PIR)",
    .pins =
        (const struct part_pin[]){ { "VCC", "+", 9.5, 24 }, { "OUT", "D", 12, 24 }, { "GND", "-", 14.5, 24 }, { 0 } },
    .attributes = (const struct part_attribute[]){ [DELAY] = { "delayTime", PART_NUMBER, "5", 0.001, 3600, "s" },
                                                   [INHIBIT] = { "inhibitTime", PART_NUMBER, "1.2", 0.001, 3600, "s" },
                                                   [RETRIGGER] = { "retrigger", PART_FLAG, "1" },
                                                   { 0 } },
    .controls =
        (const struct part_control[]){
            { "motion", .kind = PART_BUTTON, .max = 1, .step = 1, .x = 1, .y = 1, .width = 22, .height = 22 }, { 0 } },
    .face = { 24, 24, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct pir),
    .init = pir_init,
    .finish = pir_finish,
    .reset = pir_reset,
    .set = pir_set,
    .walk = pir_walk,
};
