/* A resistor between two nets: a pull-up when the other end is a rail, in row with a LED a wire. Currents are not
 * limited by what a real one's power allows. */
#include "peripherals/parts/parts.h"

#include <math.h>
#include <string.h>

#define BANDS 2 /* shapes[BANDS] is the first one */

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 0, 1.1, 12.7, 0.5, 0xb0b0b0 },  { PART_RECTANGLE, 3, 0.2, 6.7, 2.3, 0xd8b888 },
    { PART_RECTANGLE, 4.2, 0.2, 0.7, 2.3, 0x202020 }, { PART_RECTANGLE, 5.4, 0.2, 0.7, 2.3, 0x202020 },
    { PART_RECTANGLE, 6.6, 0.2, 0.7, 2.3, 0x202020 }, { PART_RECTANGLE, 8.2, 0.2, 0.7, 2.3, 0xc8a030 },
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

struct resistor {
    struct part part;
    struct net_coupler coupler;
    struct part_shape shapes[SHAPES];
};

/* IEC 60062: two digits and a power of ten; silver and gold are -2 and -1. */
static uint32_t band_colour(int digit) {
    static const uint32_t colours[] = { 0xc0c0c8, 0xc8a030, 0x202020, 0x8b4513, 0xc02020, 0xe88010,
                                        0xe8d020, 0x20a040, 0x2050c0, 0x8040a0, 0x808080, 0xf8f8f8 };
    return colours[(digit < -2 ? -2 : digit > 9 ? 9 : digit) + 2];
}

static void paint_bands(struct resistor *resistor, double ohms) {
    int power = (int)floor(log10(ohms)) - 1, digits = (int)lround(ohms / pow(10, power));
    if (digits == 100) {
        digits = 10;
        power++;
    }
    memcpy(resistor->shapes, shapes, sizeof(shapes));
    resistor->shapes[BANDS].colour = band_colour(digits / 10);
    resistor->shapes[BANDS + 1].colour = band_colour(digits % 10);
    resistor->shapes[BANDS + 2].colour = band_colour(power);
    resistor->part.face.shapes = resistor->shapes;
}

static bool resistor_init(struct part *part, struct error *error) {
    struct resistor *resistor = (struct resistor *)part;
    if (part->nets[0] && part->nets[1]) {
        net_couple(&resistor->coupler, part->nets[0], part->nets[1], part->values[0].number);
    }
    paint_bands(resistor, part->values[0].number);
    return true;
}

static void resistor_finish(struct part *part) {
    net_uncouple(&((struct resistor *)part)->coupler);
}

const struct part_class resistor_class = {
    .type = "resistor",
    .aliases = (const char *const[]){ "wokwi-resistor", NULL },
    .title = "resistor",
    .pins = (const struct part_pin[]){ { "1", .x = 0, .y = 1.35 }, { "2", .x = 12.7, .y = 1.35 }, { 0 } },
    .attributes = (const struct part_attribute[]){ { "value", PART_NUMBER, "1000", 1e-3, 1e9, "ohm" }, { 0 } },
    .face = { 12.7, 2.7, shapes, SHAPES },
    .colour = PART_NO_BODY,
    .size = sizeof(struct resistor),
    .init = resistor_init,
    .finish = resistor_finish,
};
