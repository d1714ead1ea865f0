/* A potentiometer: a resistance between GND and VCC with a wiper at SIG. Linear; the wiper's contact has
 * CONTACT_OHMS at both ends of its way. `travelLength` of Wokwi's slide potentiometers is taken and has no effect. */
#include "peripherals/parts/parts.h"

#define CONTACT_OHMS 1.0
#define TURN_DEGREES 270.0

enum pin { GND, SIG, VCC };
enum attribute { VALUE, RESISTANCE, TRAVEL_LENGTH };
enum control { POSITION };

struct potentiometer {
    struct part part;
    struct net_coupler lower, upper;
};

static bool potentiometer_init(struct part *part, struct error *error) {
    struct potentiometer *pot = (struct potentiometer *)part;
    struct net **nets = part->nets;
    if (nets[SIG] && nets[GND]) {
        net_couple(&pot->lower, nets[SIG], nets[GND], part->values[RESISTANCE].number);
    }
    if (nets[SIG] && nets[VCC]) {
        net_couple(&pot->upper, nets[SIG], nets[VCC], part->values[RESISTANCE].number);
    }
    if (part->settings[POSITION] == 0) {
        part->settings[POSITION] = part->values[VALUE].number / 1023;
    }
    part->views[0] = (struct part_view){ .kind = PART_POINTER, .name = "knob", 4.5, 3.5, 12, 12 };
    part->view_count = 1;
    return true;
}

static void potentiometer_finish(struct part *part) {
    struct potentiometer *pot = (struct potentiometer *)part;
    net_uncouple(&pot->lower);
    net_uncouple(&pot->upper);
}

static void potentiometer_set(struct part *part, unsigned control, double position) {
    struct potentiometer *pot = (struct potentiometer *)part;
    double whole = part->values[RESISTANCE].number;
    if (pot->lower.nets[0]) {
        net_set_ohms(&pot->lower, whole * position + CONTACT_OHMS);
    }
    if (pot->upper.nets[0]) {
        net_set_ohms(&pot->upper, whole * (1 - position) + CONTACT_OHMS);
    }
    part->views[0].pointer.degrees = (position - 0.5) * TURN_DEGREES;
}

static const struct part_shape shapes[] = {
    { PART_DISC, 3, 2, 15, 15, 0x303030 },
    { PART_DISC, 4.5, 3.5, 12, 12, 0xe0e0e0 },
};

static void potentiometer_walk(struct part *part, struct walk *walk) {
    struct potentiometer *pot = (struct potentiometer *)part;
    net_coupler_walk(&pot->lower, walk);
    net_coupler_walk(&pot->upper, walk);
}

const struct part_class potentiometer_class = {
    .type = "potentiometer",
    .aliases = (const char *const[]){ "wokwi-potentiometer", "wokwi-slide-potentiometer", NULL },
    .title = "potentiometer",
    .pins =
        (const struct part_pin[]){
            { "GND", .x = 7.96, .y = 20 }, { "SIG", .x = 10.5, .y = 20 }, { "VCC", .x = 13.04, .y = 20 }, { 0 } },
    .attributes = (const struct part_attribute[]){ [VALUE] = { "value", PART_NUMBER, "0", 0, 1023 },
                                                   [RESISTANCE] = { "resistance", PART_NUMBER, "10k", 10, 1e8, "ohm" },
                                                   [TRAVEL_LENGTH] = { "travelLength", PART_NUMBER, "30", 1, 1e3 },
                                                   { 0 } },
    .controls = (const struct part_control[]){ { "position", .kind = PART_KNOB, .max = 1, .step = 0.01, .x = 3, .y = 2,
                                                 .width = 15, .height = 15 },
                                               { 0 } },
    .face = { 21, 20, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = 0x2d5fa4,
    .size = sizeof(struct potentiometer),
    .init = potentiometer_init,
    .finish = potentiometer_finish,
    .set = potentiometer_set,
    .walk = potentiometer_walk,
};
