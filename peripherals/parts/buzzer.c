/* A buzzer without electronics of its own (a piezo disc): the voltage between its pins moves it, so that it sounds with
 * the frequency at which pin 2 goes above pin 1. It shows that frequency and a light while it sounds.
 *
 * Not modelled: loudness, and the sound itself (nothing is heard). `mode` and `volume` of Wokwi's diagrams are taken
 * and have no effect. */
#include "peripherals/parts/parts.h"

#include <stdio.h>

#define LOWEST_HZ 20.0
#define HIGHEST_HZ 20e3

enum pin { MINUS, PLUS };
enum attribute { MODE, VOLUME };

struct buzzer {
    struct part part;
    struct net_listener listeners[2];
    bool up;            /* pin 2 is above pin 1 */
    uint64_t rise_ps;   /* when that began last */
    uint64_t period_ps; /* before that; 0: there was none */
    char text[16];
};

static bool is_up(const struct part *part) {
    const struct net *minus = part->nets[MINUS], *plus = part->nets[PLUS];
    return minus && plus && minus->level == NET_LEVEL_LOW && plus->level == NET_LEVEL_HIGH;
}

static void pins_changed(struct net_listener *listener, struct net *net) {
    struct buzzer *buzzer = listener->owner;
    uint64_t now = scheduler_now(buzzer->part.env->scheduler);
    bool up = is_up(&buzzer->part);
    if (up && !buzzer->up) {
        buzzer->period_ps = buzzer->rise_ps ? now - buzzer->rise_ps : 0;
        buzzer->rise_ps = now;
    }
    buzzer->up = up;
}

/* 0: it is silent. The last period counts for as long as another one could have come. */
static double sounding_hz(const struct buzzer *buzzer) {
    uint64_t now = scheduler_now(buzzer->part.env->scheduler);
    double hz = buzzer->period_ps ? (double)PS_PER_S / (double)buzzer->period_ps : 0;
    bool goes_on = now - buzzer->rise_ps <= 2 * buzzer->period_ps;
    return goes_on && hz >= LOWEST_HZ && hz <= HIGHEST_HZ ? hz : 0;
}

static void buzzer_show(struct part *part) {
    struct buzzer *buzzer = (struct buzzer *)part;
    double hz = sounding_hz(buzzer);
    buzzer->text[0] = 0;
    if (hz > 0) {
        snprintf(buzzer->text, sizeof(buzzer->text), "%.0f Hz", hz);
    }
    part->views[0].light.brightness = hz > 0;
}

static bool buzzer_init(struct part *part, struct error *error) {
    struct buzzer *buzzer = (struct buzzer *)part;
    for (unsigned pin = 0; pin < 2; pin++) {
        buzzer->listeners[pin] = (struct net_listener){ .changed = pins_changed, .owner = buzzer, .passive = true };
        if (part->nets[pin]) {
            net_listen(part->nets[pin], &buzzer->listeners[pin]);
        }
    }
    part->views[0] = (struct part_view){ .kind = PART_LIGHT, .name = "sound", 6.5, 6.5, 4, 4 };
    part->views[0].light.colour = 0xffd040;
    part->views[1] = (struct part_view){ .kind = PART_LABEL, .name = "frequency", 0, 17.5, 17, 2.5 };
    part->views[1].text = buzzer->text;
    part->view_count = 2;
    return true;
}

static void buzzer_finish(struct part *part) {
    for (unsigned pin = 0; pin < 2; pin++) {
        if (part->nets[pin]) {
            net_unlisten(part->nets[pin], &((struct buzzer *)part)->listeners[pin]);
        }
    }
}

static void buzzer_walk(struct part *part, struct walk *walk) {
    struct buzzer *buzzer = (struct buzzer *)part;
    walk_bool(walk, &buzzer->up);
    walk_u64(walk, &buzzer->rise_ps);
    walk_u64(walk, &buzzer->period_ps);
}

static const struct part_shape shapes[] = {
    { PART_DISC, 0, 0, 17, 17, 0x1c1c1c },
    { PART_DISC, 5.5, 5.5, 6, 6, 0x3c3c3c },
    { PART_LETTERING, 12.5, 2.5, 3, 3, 0xe0e0e0, "+" },
};

const struct part_class buzzer_class = {
    .type = "buzzer",
    .aliases = (const char *const[]){ "wokwi-buzzer", NULL },
    .title = "buzzer (piezo)",
    .pins = (const struct part_pin[]){ { "1", "GND -", 7, 17 }, { "2", "VCC +", 10, 17 }, { 0 } },
    .attributes =
        (const struct part_attribute[]){
            [MODE] = { "mode", PART_TEXT, "smooth" }, [VOLUME] = { "volume", PART_NUMBER, "1", 0, 1 }, { 0 } },
    .face = { 17, 20, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct buzzer),
    .init = buzzer_init,
    .finish = buzzer_finish,
    .show = buzzer_show,
    .walk = buzzer_walk,
};
