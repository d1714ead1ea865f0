/* A light-emitting diode: lit while its anode is high and its cathode is driven low; brightness.h says how bright.
 *
 * Not modelled: current (a LED without resistor lives on), forward voltage, the eye's gamma (`gamma` and `flip` of
 * Wokwi's diagrams are taken and have no effect). */
#include "peripherals/parts/brightness.h"
#include "peripherals/parts/parts.h"

enum pin { ANODE, CATHODE };
enum attribute { COLOR, LIGHT_COLOR, LABEL, GAMMA, FLIP };

struct led {
    struct part part;
    struct net_listener listeners[2];
    struct brightness brightness;
};

static bool should_be_lit(const struct part *part) {
    const struct net *a = part->nets[ANODE], *c = part->nets[CATHODE];
    return a && c && a->level == NET_LEVEL_HIGH && c->level == NET_LEVEL_LOW;
}

static void pins_changed(struct net_listener *listener, struct net *net) {
    struct led *led = listener->owner;
    brightness_set(&led->brightness, should_be_lit(&led->part));
}

static void led_show(struct part *part) {
    part->views[0].light.brightness = brightness_get(&((struct led *)part)->brightness);
}

static bool led_init(struct part *part, struct error *error) {
    struct led *led = (struct led *)part;
    for (unsigned pin = ANODE; pin <= CATHODE; pin++) {
        led->listeners[pin] = (struct net_listener){ .changed = pins_changed, .owner = led, .passive = true };
        if (part->nets[pin]) {
            net_listen(part->nets[pin], &led->listeners[pin]);
        }
    }
    brightness_init(&led->brightness, part->env->scheduler, should_be_lit(part));
    bool own = *part->values[LIGHT_COLOR].text; /* a clear case: the light has a colour of its own */
    part->views[0] = (struct part_view){ .kind = PART_LIGHT, .name = "light", 1.6, 0.4, 5, 5 };
    part->views[0].light.colour = (uint32_t)part->values[own ? LIGHT_COLOR : COLOR].number;
    part->views[1] = (struct part_view){ .kind = PART_LABEL, .name = "label", 0, 10, 8, 2.5 };
    part->views[1].text = part->values[LABEL].text;
    part->view_count = 2;
    return true;
}

static void led_finish(struct part *part) {
    for (unsigned pin = ANODE; pin <= CATHODE; pin++) {
        if (part->nets[pin]) {
            net_unlisten(part->nets[pin], &((struct led *)part)->listeners[pin]);
        }
    }
}

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 2.4, 6, 0.6, 4, 0xa0a0a0 },
    { PART_RECTANGLE, 4.9, 6, 0.6, 4, 0xa0a0a0 },
    { PART_DISC, 1.3, 0.1, 5.6, 5.6, 0x505050 },
    { PART_RECTANGLE, 1.1, 5.2, 6, 1.2, 0x505050 },
};

static void led_walk(struct part *part, struct walk *walk) {
    brightness_walk(&((struct led *)part)->brightness, walk);
}

const struct part_class led_class = {
    .type = "led",
    .aliases = (const char *const[]){ "wokwi-led", NULL },
    .title = "LED",
    .pins = (const struct part_pin[]){ { "A", NULL, 5.2, 10 }, { "C", "K", 2.7, 10 }, { 0 } },
    .attributes = (const struct part_attribute[]){ [COLOR] = { "color", PART_COLOUR, "red" },
                                                   [LIGHT_COLOR] = { "lightColor", PART_COLOUR, "" },
                                                   [LABEL] = { "label", PART_TEXT, "" },
                                                   [GAMMA] = { "gamma", PART_NUMBER, "2.8", 0, 10 },
                                                   [FLIP] = { "flip", PART_FLAG, "0" },
                                                   { 0 } },
    .face = { 8, 10, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct led),
    .init = led_init,
    .finish = led_finish,
    .show = led_show,
    .walk = led_walk,
};
