/* A light-emitting diode: lit while its anode is high and its cathode is driven low.
 *
 * Brightness is the time-weighted average that an eye sees of a pulsed light: whole periods of at least AVERAGE_PS
 * together; an edge that comes more than REST_PS after the one before begins anew, so that a light that is switched
 * is at once at its new brightness. It is a function of the edges alone, never of who looks when.
 *
 * Not modelled: current (a LED without resistor lives on), forward voltage, the eye's gamma. */
#include "peripherals/parts/parts.h"

#define AVERAGE_PS (10 * PS_PER_MS)
#define REST_PS (25 * PS_PER_MS)

enum pin { ANODE, CATHODE };
enum attribute { COLOR, LIGHT_COLOR, LABEL, GAMMA, FLIP };

struct led {
    struct part part;
    struct net_listener listeners[2];
    bool lit;
    bool opened_by;   /* the window began with the light going on */
    bool has_average; /* of a complete window */
    double average;
    uint64_t last_ps;   /* of the last edge */
    uint64_t window_ps; /* the present window began */
    uint64_t on_ps;     /* lit within the window, up to the last edge */
};

static bool should_be_lit(const struct part *part) {
    const struct net *a = part->nets[ANODE], *c = part->nets[CATHODE];
    return a && c && a->level == NET_LEVEL_HIGH && c->level == NET_LEVEL_LOW;
}

static void open_window(struct led *led, uint64_t now) {
    led->window_ps = now;
    led->on_ps = 0;
    led->opened_by = led->lit;
}

static void pins_changed(struct net_listener *listener, struct net *net) {
    struct led *led = listener->owner;
    bool lit = should_be_lit(&led->part);
    if (lit == led->lit) {
        return;
    }
    uint64_t now = scheduler_now(led->part.env->scheduler);
    led->on_ps += led->lit ? now - led->last_ps : 0;
    led->lit = lit;
    if (now - led->last_ps > REST_PS) {
        led->has_average = false;
        open_window(led, now);
    } else if (lit == led->opened_by && now - led->window_ps >= AVERAGE_PS) {
        led->average = (double)led->on_ps / (double)(now - led->window_ps);
        led->has_average = true;
        open_window(led, now);
    }
    led->last_ps = now;
}

static double brightness(const struct led *led) {
    uint64_t now = scheduler_now(led->part.env->scheduler);
    uint64_t on = led->on_ps + (led->lit ? now - led->last_ps : 0);
    if (now - led->last_ps > REST_PS || now == led->window_ps) {
        return led->lit;
    }
    return led->has_average ? led->average : (double)on / (double)(now - led->window_ps);
}

static void led_show(struct part *part) {
    part->views[0].light.brightness = brightness((struct led *)part);
}

static bool led_init(struct part *part, struct error *error) {
    struct led *led = (struct led *)part;
    uint64_t now = scheduler_now(part->env->scheduler);
    for (unsigned pin = ANODE; pin <= CATHODE; pin++) {
        led->listeners[pin] = (struct net_listener){ .changed = pins_changed, .owner = led, .passive = true };
        if (part->nets[pin]) {
            net_listen(part->nets[pin], &led->listeners[pin]);
        }
    }
    led->lit = should_be_lit(part);
    led->last_ps = now;
    open_window(led, now);
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
    .shapes = shapes,
    .shape_count = sizeof(shapes) / sizeof(shapes[0]),
    .width = 8,
    .height = 10,
    .colour = PART_NO_BODY,
    .size = sizeof(struct led),
    .init = led_init,
    .finish = led_finish,
    .show = led_show,
};
