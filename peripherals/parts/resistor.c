/* A resistor between two nets: a pull-up when the other end is a rail, in row with a LED a wire. Currents are not
 * limited by what a real one's power allows. */
#include "peripherals/parts/parts.h"

struct resistor {
    struct part part;
    struct net_coupler coupler;
};

static bool resistor_init(struct part *part, struct error *error) {
    if (part->nets[0] && part->nets[1]) {
        net_couple(&((struct resistor *)part)->coupler, part->nets[0], part->nets[1], part->values[0].number);
    }
    return true;
}

static void resistor_finish(struct part *part) {
    net_uncouple(&((struct resistor *)part)->coupler);
}

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 0, 1.1, 12.7, 0.5, 0xb0b0b0 },  { PART_RECTANGLE, 3, 0.2, 6.7, 2.3, 0xd8b888 },
    { PART_RECTANGLE, 4.2, 0.2, 0.7, 2.3, 0x8b4513 }, { PART_RECTANGLE, 5.6, 0.2, 0.7, 2.3, 0x202020 },
    { PART_RECTANGLE, 7.0, 0.2, 0.7, 2.3, 0xc02020 },
};

const struct part_class resistor_class = {
    .type = "resistor",
    .aliases = (const char *const[]){ "wokwi-resistor", NULL },
    .title = "resistor",
    .pins = (const struct part_pin[]){ { "1", .x = 0, .y = 1.35 }, { "2", .x = 12.7, .y = 1.35 }, { 0 } },
    .attributes = (const struct part_attribute[]){ { "value", PART_NUMBER, "1000", 1e-3, 1e9, "ohm" }, { 0 } },
    .face = { 12.7, 2.7, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct resistor),
    .init = resistor_init,
    .finish = resistor_finish,
};
