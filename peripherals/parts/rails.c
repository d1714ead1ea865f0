/* Supply rails: a pin that is at 0 V or at the supply's voltage, whatever is wired to it. */
#include "peripherals/parts/parts.h"

#define RAIL_OHMS 0.01

struct rail {
    struct part part;
    struct net_driver driver;
};

static bool attach(struct part *part, double volts) {
    struct rail *rail = (struct rail *)part;
    rail->driver = (struct net_driver){ .name = part->id };
    net_drive_volts(&rail->driver, volts, RAIL_OHMS);
    if (part->nets[0]) {
        net_attach(part->nets[0], &rail->driver);
    }
    return true;
}

static bool gnd_init(struct part *part, struct error *error) {
    return attach(part, 0);
}

static bool vcc_init(struct part *part, struct error *error) {
    return attach(part, part->values[0].number);
}

static void rail_finish(struct part *part) {
    net_detach(&((struct rail *)part)->driver);
}

const struct part_class gnd_class = {
    .type = "gnd",
    .aliases = (const char *const[]){ "wokwi-gnd", NULL },
    .title = "ground",
    .pins = (const struct part_pin[]){ { "GND", .x = 2.54, .y = 0 }, { 0 } },
    .face = { 5.08, 5.08, NULL, 0 },
    .colour = 0x202020,
    .size = sizeof(struct rail),
    .init = gnd_init,
    .finish = rail_finish,
};

const struct part_class vcc_class = {
    .type = "vcc",
    .aliases = (const char *const[]){ "wokwi-vcc", NULL },
    .title = "supply",
    .pins = (const struct part_pin[]){ { "VCC", .x = 2.54, .y = 5.08 }, { 0 } },
    .attributes = (const struct part_attribute[]){ { "volts", PART_NUMBER, "3.3", 0, 24, "V" }, { 0 } },
    .face = { 5.08, 5.08, NULL, 0 },
    .colour = 0xc02020,
    .size = sizeof(struct rail),
    .init = vcc_init,
    .finish = rail_finish,
};
