/* An RGB LED: three light-emitting diodes in one case, whose anodes or cathodes (`common`) are one pin. Each is lit as
 * led.c says; what an eye sees is their mixture. */
#include "peripherals/parts/brightness.h"
#include "peripherals/parts/parts.h"

enum pin { RED, COMMON_PIN, GREEN, BLUE, PINS };
enum attribute { COMMON };
enum { ANODE, CATHODE };
static const char *const commons[] = { "anode", "cathode", NULL };
static const enum pin colours[] = { RED, GREEN, BLUE };

struct rgb_led {
    struct part part;
    struct net_listener listeners[PINS];
    struct brightness brightness[3];
};

static bool should_be_lit(const struct part *part, enum pin pin) {
    bool anode = part->values[COMMON].number == ANODE;
    const struct net *own = part->nets[pin], *common = part->nets[COMMON_PIN];
    const struct net *a = anode ? common : own, *c = anode ? own : common;
    return a && c && a->level == NET_LEVEL_HIGH && c->level == NET_LEVEL_LOW;
}

static void pins_changed(struct net_listener *listener, struct net *net) {
    struct rgb_led *led = listener->owner;
    for (unsigned i = 0; i < 3; i++) {
        brightness_set(&led->brightness[i], should_be_lit(&led->part, colours[i]));
    }
}

static void rgb_led_show(struct part *part) {
    struct rgb_led *led = (struct rgb_led *)part;
    double share[3], most = 0;
    uint32_t colour = 0;
    for (unsigned i = 0; i < 3; i++) {
        share[i] = brightness_get(&led->brightness[i]);
        most = share[i] > most ? share[i] : most;
    }
    for (unsigned i = 0; i < 3; i++) {
        colour = colour << 8 | (most > 0 ? (uint32_t)(255 * share[i] / most + 0.5) : 0);
    }
    part->views[0].light.colour = colour;
    part->views[0].light.brightness = most;
}

static bool rgb_led_init(struct part *part, struct error *error) {
    struct rgb_led *led = (struct rgb_led *)part;
    for (unsigned pin = 0; pin < PINS; pin++) {
        led->listeners[pin] = (struct net_listener){ .changed = pins_changed, .owner = led, .passive = true };
        if (part->nets[pin]) {
            net_listen(part->nets[pin], &led->listeners[pin]);
        }
    }
    for (unsigned i = 0; i < 3; i++) {
        brightness_init(&led->brightness[i], part->env->scheduler, should_be_lit(part, colours[i]));
    }
    part->views[0] = (struct part_view){ .kind = PART_LIGHT, .name = "light", 1.6, 0.4, 5, 5 };
    part->view_count = 1;
    return true;
}

static void rgb_led_finish(struct part *part) {
    for (unsigned pin = 0; pin < PINS; pin++) {
        if (part->nets[pin]) {
            net_unlisten(part->nets[pin], &((struct rgb_led *)part)->listeners[pin]);
        }
    }
}

static void rgb_led_walk(struct part *part, struct walk *walk) {
    for (unsigned i = 0; i < 3; i++) {
        brightness_walk(&((struct rgb_led *)part)->brightness[i], walk);
    }
}

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 1.2, 6, 0.5, 5, 0xa0a0a0 }, { PART_RECTANGLE, 2.9, 6, 0.5, 6, 0xa0a0a0 },
    { PART_RECTANGLE, 4.6, 6, 0.5, 5, 0xa0a0a0 }, { PART_RECTANGLE, 6.3, 6, 0.5, 5, 0xa0a0a0 },
    { PART_DISC, 1.3, 0.1, 5.6, 5.6, 0x909090 },  { PART_RECTANGLE, 1.1, 5.2, 6, 1.2, 0x909090 },
};

const struct part_class rgb_led_class = {
    .type = "rgb-led",
    .aliases = (const char *const[]){ "wokwi-rgb-led", NULL },
    .title = "RGB LED",
    .pins =
        (const struct part_pin[]){
            { "R", NULL, 1.4, 11 }, { "COM", NULL, 3.1, 12 }, { "G", NULL, 4.8, 11 }, { "B", NULL, 6.5, 11 }, { 0 } },
    .attributes =
        (const struct part_attribute[]){ [COMMON] = { "common", PART_CHOICE, "anode", .choices = commons }, { 0 } },
    .face = { 8, 12, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct rgb_led),
    .init = rgb_led_init,
    .finish = rgb_led_finish,
    .show = rgb_led_show,
    .walk = rgb_led_walk,
};
