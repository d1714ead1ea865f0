/* A point where wires meet: Wokwi's editor puts one where a wire branches off. */
#include "peripherals/parts/parts.h"

static bool junction_init(struct part *part, struct error *error) {
    return true;
}

const struct part_class junction_class = {
    .type = "junction",
    .aliases = (const char *const[]){ "wokwi-junction", NULL },
    .title = "point where wires meet",
    .pins = (const struct part_pin[]){ { "J", .x = 0.5, .y = 0.5 }, { 0 } },
    .face = { 1, 1, (const struct part_shape[]){ { PART_DISC, 0, 0, 1, 1, 0x303030 } }, 1 },
    .colour = PART_NO_BODY,
    .size = sizeof(struct part),
    .init = junction_init,
};
