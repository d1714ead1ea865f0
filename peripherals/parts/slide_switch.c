/* A slide switch: pin 2 is connected with pin 1 (position 0) or with pin 3 (position 1). It does not bounce. */
#include "peripherals/parts/parts.h"

#include <math.h>

#define CLOSED_OHMS 0.05

enum attribute { VALUE };
enum control { POSITION };

struct slide_switch {
    struct part part;
    struct net_coupler contacts[2]; /* of pin 2 with pin 1, with pin 3 */
};

static bool slide_switch_init(struct part *part, struct error *error) {
    struct slide_switch *slider = (struct slide_switch *)part;
    for (unsigned i = 0; i < 2; i++) {
        if (part->nets[1] && part->nets[2 * i]) {
            net_couple(&slider->contacts[i], part->nets[1], part->nets[2 * i], INFINITY);
        }
    }
    if (part->values[VALUE].number) {
        part->settings[POSITION] = 1;
    }
    part->views[0] = (struct part_view){ .kind = PART_POINTER, .name = "handle", 2, 1, 4, 4 };
    part->view_count = 1;
    return true;
}

static void slide_switch_finish(struct part *part) {
    for (unsigned i = 0; i < 2; i++) {
        net_uncouple(&((struct slide_switch *)part)->contacts[i]);
    }
}

static void slide_switch_set(struct part *part, unsigned control, double value) {
    struct slide_switch *slider = (struct slide_switch *)part;
    unsigned closed = value >= 0.5;
    for (unsigned i = 0; i < 2; i++) {
        if (slider->contacts[i].nets[0]) {
            net_set_ohms(&slider->contacts[i], i == closed ? CLOSED_OHMS : INFINITY);
        }
    }
    part->views[0].pointer.degrees = closed ? 90 : -90;
}

static void slide_switch_walk(struct part *part, struct walk *walk) {
    for (unsigned i = 0; i < 2; i++) {
        net_coupler_walk(&((struct slide_switch *)part)->contacts[i], walk);
    }
}

static const struct part_shape shapes[] = { { PART_RECTANGLE, 0, 0, 8.5, 6, 0x9a9a9a },
                                            { PART_RECTANGLE, 1.5, 1, 5.5, 4, 0x303030 } };

const struct part_class slide_switch_class = {
    .type = "slide-switch",
    .aliases = (const char *const[]){ "wokwi-slide-switch", NULL },
    .title = "slide switch",
    .pins = (const struct part_pin[]){ { "1", NULL, 1.7, 6 }, { "2", NULL, 4.25, 6 }, { "3", NULL, 6.8, 6 }, { 0 } },
    .attributes = (const struct part_attribute[]){ [VALUE] = { "value", PART_FLAG, "0" }, { 0 } },
    .controls = (const struct part_control[]){ { "position", .kind = PART_SWITCH, .max = 1, .step = 1, .x = 1.5, .y = 1,
                                                 .width = 5.5, .height = 4 },
                                               { 0 } },
    .face = { 8.5, 6, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct slide_switch),
    .init = slide_switch_init,
    .finish = slide_switch_finish,
    .set = slide_switch_set,
    .walk = slide_switch_walk,
};
