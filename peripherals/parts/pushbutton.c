/* A push button of four pins, wired as Wokwi's: the two pins 1 are one, the two pins 2 are one, and pressing connects
 * them.
 *
 * The contact bounces when pressed and when released: 2 to 5 times within some 2 ms, by the part's seeded random
 * numbers, so that a run can be repeated; `bounce` 0 switches that off. */
#include "peripherals/parts/parts.h"

#include <math.h>

#define CLOSED_OHMS 0.05

enum pin { PIN_1L, PIN_2L, PIN_1R, PIN_2R };
enum attribute { COLOR, LABEL, KEY, BOUNCE, XRAY };
enum control { PRESSED };

struct pushbutton {
    struct part part;
    struct net_coupler contact;
    struct event event; /* the next bounce */
    bool closed;
    bool target;
    unsigned changes; /* still to come, the last one to the target */
};

static void move(struct pushbutton *button, bool closed) {
    button->closed = closed;
    if (button->contact.nets[0]) {
        net_set_ohms(&button->contact, closed ? CLOSED_OHMS : INFINITY);
    }
}

static void schedule_bounce(struct pushbutton *button, uint64_t from_ps) {
    if (button->changes) {
        uint64_t us = 20 + random_next(&button->part.random) % 280;
        scheduler_add(button->part.env->scheduler, &button->event, from_ps + us * PS_PER_US);
    }
}

static void bounce_due(struct event *event, uint64_t late_ps) {
    struct pushbutton *button = event->owner;
    button->changes--;
    move(button, !button->closed);
    schedule_bounce(button, event->when_ps);
}

static struct net *one_of(struct part *part, enum pin left, enum pin right) {
    return part->nets[left] ? part->nets[left] : part->nets[right];
}

static bool pushbutton_init(struct part *part, struct error *error) {
    struct pushbutton *button = (struct pushbutton *)part;
    struct net *one = one_of(part, PIN_1L, PIN_1R), *two = one_of(part, PIN_2L, PIN_2R);
    button->event = (struct event){ .name = "bounce", .callback = bounce_due, .owner = button };
    if (one && two) {
        net_couple(&button->contact, one, two, INFINITY);
    }
    part->views[0] = (struct part_view){ .kind = PART_LABEL, .name = "label", 0, 12.2, 12, 2.5 };
    part->views[0].text = part->values[LABEL].text;
    part->views[1] = (struct part_view){ .kind = PART_LIGHT, .name = "cap", 3, 3, 6, 6 };
    part->views[1].light.colour = (uint32_t)part->values[COLOR].number;
    part->view_count = 2;
    return true;
}

static void pushbutton_finish(struct part *part) {
    struct pushbutton *button = (struct pushbutton *)part;
    scheduler_cancel(part->env->scheduler, &button->event);
    net_uncouple(&button->contact);
}

static void pushbutton_set(struct part *part, unsigned control, double value) {
    struct pushbutton *button = (struct pushbutton *)part;
    bool pressed = value >= 0.5;
    part->views[1].light.brightness = pressed ? 0.5 : 1;
    if (pressed == button->target) {
        return;
    }
    button->target = pressed;
    scheduler_cancel(part->env->scheduler, &button->event);
    move(button, pressed);
    button->changes = part->values[BOUNCE].number ? 2 * (2 + (unsigned)(random_next(&button->part.random) % 4)) : 0;
    schedule_bounce(button, scheduler_now(part->env->scheduler));
}

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 0, 0, 12, 12, 0x404040 },
    { PART_RECTANGLE, 0.5, 0.5, 11, 11, 0xb8b8b8 },
    { PART_DISC, 2, 2, 8, 8, 0x202020 },
};

#define MOST_BOUNCES 10

static void pushbutton_walk(struct part *part, struct walk *walk) {
    struct pushbutton *button = (struct pushbutton *)part;
    net_coupler_walk(&button->contact, walk);
    walk_bool(walk, &button->closed);
    walk_bool(walk, &button->target);
    walk_below(walk, &button->changes, MOST_BOUNCES + 1);
    walk_event(walk, &button->event);
}

const struct part_class pushbutton_class = {
    .type = "pushbutton",
    .aliases = (const char *const[]){ "wokwi-pushbutton", "wokwi-pushbutton-6mm", NULL },
    .title = "push button",
    .pins =
        (const struct part_pin[]){
            { "1.l", "1", 0, 3.5 }, { "2.l", "2", 0, 8.5 }, { "1.r", NULL, 12, 3.5 }, { "2.r", NULL, 12, 8.5 }, { 0 } },
    .twins = (const struct part_twins[]){ { PIN_1L, PIN_1R }, { PIN_2L, PIN_2R }, { 0 } },
    .attributes = (const struct part_attribute[]){ [COLOR] = { "color", PART_COLOUR, "red" },
                                                   [LABEL] = { "label", PART_TEXT, "" },
                                                   [KEY] = { "key", PART_TEXT, "" },
                                                   [BOUNCE] = { "bounce", PART_FLAG, "1" },
                                                   [XRAY] = { "xray", PART_FLAG, "0" },
                                                   { 0 } },
    .controls =
        (const struct part_control[]){
            { "pressed", .kind = PART_BUTTON, .max = 1, .step = 1, .x = 2, .y = 2, .width = 8, .height = 8 }, { 0 } },
    .face = { 12, 12, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct pushbutton),
    .init = pushbutton_init,
    .finish = pushbutton_finish,
    .set = pushbutton_set,
    .walk = pushbutton_walk,
};
