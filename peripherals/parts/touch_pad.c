/* A pad that a finger can touch: a capacitance to ground, which a finger makes larger. Chips without a touch controller
 * charge it by an output, let go, and measure how long a resistor to ground (1 Mohm is usual) takes to discharge it;
 * the resistor is no part of this one.
 *
 * Not modelled: how hard or with what area it is touched, noise, capacitance between pads. */
#include "peripherals/parts/parts.h"

enum pin { PAD };
enum attribute { CAPACITANCE, FINGER, LABEL };

struct touch_pad {
    struct part part;
    struct net_capacitor capacitor;
};

static double farads_of(const struct part *part, bool touched) {
    return part->values[CAPACITANCE].number + (touched ? part->values[FINGER].number : 0);
}

static void touch_pad_set(struct part *part, unsigned control, double value) {
    struct touch_pad *pad = (struct touch_pad *)part;
    bool touched = value >= 0.5;
    part->views[0].light.brightness = touched ? 1 : 0.4;
    if (pad->capacitor.net) {
        net_set_farads(&pad->capacitor, farads_of(part, touched));
    }
}

static bool touch_pad_init(struct part *part, struct error *error) {
    struct touch_pad *pad = (struct touch_pad *)part;
    part->views[0] = (struct part_view){ .kind = PART_LIGHT, .name = "pad", 1, 1, 10, 10 };
    part->views[0].light.colour = 0xd0a840;
    part->views[0].light.brightness = 0.4;
    part->views[1] = (struct part_view){ .kind = PART_LABEL, .name = "label", 0, 12.2, 12, 2.5 };
    part->views[1].text = part->values[LABEL].text;
    part->view_count = 2;
    if (part->nets[PAD]) {
        net_add_capacitor(part->nets[PAD], &pad->capacitor, farads_of(part, false));
    }
    return true;
}

static void touch_pad_finish(struct part *part) {
    net_remove_capacitor(&((struct touch_pad *)part)->capacitor);
}

static void touch_pad_walk(struct part *part, struct walk *walk) {
    struct touch_pad *pad = (struct touch_pad *)part;
    if (pad->capacitor.net) {
        net_capacitor_walk(&pad->capacitor, walk);
    }
}

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 0, 0, 12, 12, 0x204020 },
    { PART_DISC, 0.6, 0.6, 10.8, 10.8, 0x806828 },
};

const struct part_class touch_pad_class = {
    .type = "touch-pad",
    .title = "touch pad",
    .pins = (const struct part_pin[]){ { "PAD", "SIG P 1", 6, 12 }, { 0 } },
    .attributes =
        (const struct part_attribute[]){ [CAPACITANCE] = { "capacitance", PART_NUMBER, "15p", 1e-13, 1e-6, "F" },
                                         [FINGER] = { "finger", PART_NUMBER, "40p", 0, 1e-6, "F" },
                                         [LABEL] = { "label", PART_TEXT, "" },
                                         { 0 } },
    .controls =
        (const struct part_control[]){
            { "touched", .kind = PART_BUTTON, .max = 1, .step = 1, .x = 1, .y = 1, .width = 10, .height = 10 }, { 0 } },
    .face = { 12, 12, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct touch_pad),
    .init = touch_pad_init,
    .finish = touch_pad_finish,
    .set = touch_pad_set,
    .walk = touch_pad_walk,
};
