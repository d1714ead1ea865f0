/* NeoPixels: WS2812B, and SK6812 with a white light, one or many in a chain (datasheets of Worldsemi and Opsco).
 *
 * A bit is a pulse at DIN: the chip looks some 0.6 us after its rise whether it is still high (both datasheets: a 0 is
 * high for 0.4 us, a 1 for 0.8 us, give or take 0.15 us). The first 24 bits (32 with white), green first, are the first
 * pixel's; when it has its own it passes on the others at DOUT, with pulses of the length that the datasheet says. DIN
 * low for 50 us ends a frame: each pixel that has all its bits shows them.
 *
 * Not modelled: the supply (a pixel without one works), its current, the delay of some 0.2 us through a pixel. */
#include "peripherals/parts/parts.h"

#include <string.h>

#define LOOK_PS (600 * PS_PER_NS)
#define SHORTEST_PS (150 * PS_PER_NS) /* less is no pulse that a pixel sees for certain */
#define LONGEST_PS (5 * PS_PER_US)
#define ZERO_PS (400 * PS_PER_NS)
#define ONE_PS (800 * PS_PER_NS)
#define RESET_PS (50 * PS_PER_US)
#define MOST_PIXELS 1024u

enum pin { VDD, DOUT, VSS, DIN };

struct neopixel {
    struct part part;
    struct net_listener listener;
    struct net_driver out;
    struct event fall; /* of the pulse at DOUT */
    unsigned count;    /* of pixels */
    unsigned bytes;    /* of a pixel */
    bool high, reported;
    uint64_t rise_ps, fall_ps; /* of the last pulse at DIN */
    unsigned bits;             /* that have come since the last reset, up to all that there is room for */
    uint8_t received[4 * MOST_PIXELS];
    uint32_t shown[MOST_PIXELS]; /* 0x00RRGGBB */
};

static uint32_t colour_of(const struct neopixel *pixels, unsigned index) {
    const uint8_t *own = &pixels->received[index * pixels->bytes];
    unsigned white = pixels->bytes == 4 ? own[3] : 0, mixed[3] = { own[1] + white, own[0] + white, own[2] + white };
    uint32_t colour = 0;
    for (unsigned i = 0; i < 3; i++) {
        colour = colour << 8 | (mixed[i] < 255 ? mixed[i] : 255);
    }
    return colour;
}

/* A frame that has ended is shown. Nobody can tell when that was done, so it is done when somebody looks. */
static void end_frame(struct neopixel *pixels, uint64_t now_ps) {
    struct part_view *view = &pixels->part.views[0];
    if (pixels->high || now_ps - pixels->fall_ps < RESET_PS || !pixels->bits) {
        return;
    }
    for (unsigned i = 0; i < pixels->bits / (8 * pixels->bytes); i++) {
        pixels->shown[i] = colour_of(pixels, i);
    }
    pixels->bits = 0;
    view->screen.generation += view->kind == PART_SCREEN;
}

/* ---- The chain ---- */
/* All bits that it has room for have come: what follows is for the others. */
static bool is_full(const struct neopixel *pixels) {
    return pixels->bits == 8 * pixels->bytes * pixels->count;
}

static void pulse_ends(struct event *event, uint64_t late_ps) {
    net_drive(&((struct neopixel *)event->owner)->out, NET_LOW);
}

/* A pulse at DOUT begins with the one at DIN and has the length that it ought to have. */
static void begin_pulse(struct neopixel *pixels) {
    scheduler_cancel(pixels->part.env->scheduler, &pixels->fall);
    net_drive(&pixels->out, NET_LOW); /* the one before, if it is not over yet */
    net_drive(&pixels->out, NET_HIGH);
}

static void end_pulse(struct neopixel *pixels, bool bit, uint64_t now_ps) {
    uint64_t end_ps = pixels->rise_ps + (bit ? ONE_PS : ZERO_PS);
    if (end_ps > now_ps) {
        scheduler_add(pixels->part.env->scheduler, &pixels->fall, end_ps);
    } else {
        net_drive(&pixels->out, NET_LOW);
    }
}

static void take_bit(struct neopixel *pixels, bool bit) {
    uint8_t *byte = &pixels->received[pixels->bits / 8], mask = (uint8_t)(0x80 >> pixels->bits % 8);
    *byte = (uint8_t)(bit ? *byte | mask : *byte & ~mask);
    pixels->bits++;
}

static void judge_pulse(struct neopixel *pixels, uint64_t width_ps) {
    bool good = width_ps >= SHORTEST_PS && width_ps <= LONGEST_PS;
    if (!good && !pixels->reported) {
        pixels->reported = true;
        log_write(pixels->part.env->log, LOG_GUEST, pixels->part.id,
                  "DIN was high for %.3f us: a 0 is 0.4 us, a 1 is 0.8 us (said once)", (double)width_ps / PS_PER_US);
    }
}

static void din_rises(struct neopixel *pixels, uint64_t now_ps) {
    end_frame(pixels, now_ps);
    pixels->rise_ps = now_ps;
    if (is_full(pixels) && pixels->part.nets[DOUT]) {
        begin_pulse(pixels);
    }
}

static void din_falls(struct neopixel *pixels, uint64_t now_ps) {
    bool bit = now_ps - pixels->rise_ps >= LOOK_PS;
    judge_pulse(pixels, now_ps - pixels->rise_ps);
    if (!is_full(pixels)) {
        take_bit(pixels, bit);
    } else if (pixels->part.nets[DOUT]) {
        end_pulse(pixels, bit, now_ps);
    }
    pixels->fall_ps = now_ps;
}

static void din_changed(struct net_listener *listener, struct net *net) {
    struct neopixel *pixels = listener->owner;
    bool high = net_is_high(net);
    if (high == pixels->high) {
        return;
    }
    if (high) {
        din_rises(pixels, scheduler_now(pixels->part.env->scheduler));
    } else {
        din_falls(pixels, scheduler_now(pixels->part.env->scheduler));
    }
    pixels->high = high;
}

/* ---- The part ---- */
static void show_light(struct neopixel *pixels) {
    uint32_t colour = pixels->shown[0], scaled = 0, most = 0;
    for (unsigned shift = 0; shift < 24; shift += 8) {
        most = (colour >> shift & 255) > most ? colour >> shift & 255 : most;
    }
    for (unsigned shift = 0; most && shift < 24; shift += 8) {
        scaled |= (colour >> shift & 255) * 255 / most << shift;
    }
    pixels->part.views[0].light.colour = scaled;
    pixels->part.views[0].light.brightness = most / 255.0;
}

static void neopixel_show(struct part *part) {
    struct neopixel *pixels = (struct neopixel *)part;
    end_frame(pixels, scheduler_now(part->env->scheduler));
    if (part->views[0].kind == PART_LIGHT) {
        show_light(pixels);
    }
}

/* The supply has gone: all are dark. */
static void neopixel_reset(struct part *part) {
    struct neopixel *pixels = (struct neopixel *)part;
    scheduler_cancel(part->env->scheduler, &pixels->fall);
    if (part->nets[DOUT]) {
        net_drive(&pixels->out, NET_LOW);
    }
    pixels->bits = 0;
    pixels->reported = false;
    memset(pixels->shown, 0, sizeof(pixels->shown));
    part->views[0].screen.generation += part->views[0].kind == PART_SCREEN;
}

static void take_hold(struct part *part, unsigned count, bool white) {
    struct neopixel *pixels = (struct neopixel *)part;
    pixels->count = count;
    pixels->bytes = white ? 4 : 3;
    pixels->listener = (struct net_listener){ .changed = din_changed, .owner = pixels };
    pixels->out = (struct net_driver){ .name = part->id };
    pixels->fall = (struct event){ .name = "DOUT", .callback = pulse_ends, .owner = pixels };
    if (part->nets[DIN]) {
        net_listen(part->nets[DIN], &pixels->listener);
        pixels->high = net_is_high(part->nets[DIN]);
    }
    if (part->nets[DOUT]) {
        net_attach(part->nets[DOUT], &pixels->out);
    }
    part->view_count = 1;
}

static void neopixel_finish(struct part *part) {
    struct neopixel *pixels = (struct neopixel *)part;
    scheduler_cancel(part->env->scheduler, &pixels->fall);
    if (part->nets[DIN]) {
        net_unlisten(part->nets[DIN], &pixels->listener);
    }
    if (part->nets[DOUT]) {
        net_detach(&pixels->out);
    }
}

static void neopixel_walk(struct part *part, struct walk *walk) {
    struct neopixel *pixels = (struct neopixel *)part;
    if (part->nets[DOUT]) {
        net_driver_walk(&pixels->out, walk);
    }
    walk_event(walk, &pixels->fall);
    walk_bool(walk, &pixels->high);
    walk_bool(walk, &pixels->reported);
    walk_u64(walk, &pixels->rise_ps);
    walk_u64(walk, &pixels->fall_ps);
    walk_below(walk, &pixels->bits, 8 * pixels->bytes * pixels->count + 1);
    walk_bytes(walk, pixels->received, pixels->bytes * pixels->count);
    walk_u32s(walk, pixels->shown, pixels->count);
    if (part->views[0].kind == PART_SCREEN) {
        walk_u64(walk, &part->views[0].screen.generation);
    }
}

/* ---- One pixel ---- */
enum { WHITE };

static bool neopixel_init(struct part *part, struct error *error) {
    take_hold(part, 1, part->values[WHITE].number);
    part->views[0] = (struct part_view){ .kind = PART_LIGHT, .name = "light", 0.6, 0.6, 4.6, 4.6 };
    return true;
}

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 0, 0, 5.8, 5.8, 0xe8e8e8 },
    { PART_DISC, 0.4, 0.4, 5, 5, 0x9a9a9a },
};

const struct part_class neopixel_class = {
    .type = "neopixel",
    .aliases = (const char *const[]){ "wokwi-neopixel", NULL },
    .title = "NeoPixel (WS2812B)",
    .pins = (const struct part_pin[]){ { "VDD", "VCC 5V", 0, 1 },
                                       { "DOUT", NULL, 0, 4.8 },
                                       { "VSS", "GND", 5.8, 4.8 },
                                       { "DIN", NULL, 5.8, 1 },
                                       { 0 } },
    .attributes = (const struct part_attribute[]){ [WHITE] = { "white", PART_FLAG, "0" }, { 0 } },
    .face = { 5.8, 5.8, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = PART_NO_BODY,
    .size = sizeof(struct neopixel),
    .init = neopixel_init,
    .finish = neopixel_finish,
    .reset = neopixel_reset,
    .show = neopixel_show,
    .walk = neopixel_walk,
};

/* ---- Many in a strip, a ring or a matrix ---- */
enum { STRIP_WHITE, PIXELS, ROWS, COLS };
#define PITCH_MM 5.0

static bool strip_init(struct part *part, struct error *error) {
    struct neopixel *pixels = (struct neopixel *)part;
    unsigned rows = (unsigned)part->values[ROWS].number, columns = (unsigned)part->values[COLS].number;
    unsigned count = columns ? rows * columns : (unsigned)part->values[PIXELS].number;
    if (count > MOST_PIXELS) {
        error_set(error, "has %u pixels; %u are the most", count, MOST_PIXELS);
        return false;
    }
    columns = columns ? columns : count;
    take_hold(part, count, part->values[STRIP_WHITE].number);
    part->face.width = columns * PITCH_MM + 4;
    part->face.height = count / columns * PITCH_MM + 4;
    part->views[0] = (struct part_view){
        .kind = PART_SCREEN, .name = "pixels", 2, 2, columns * PITCH_MM, count / columns * PITCH_MM
    };
    part->views[0].screen.width = columns;
    part->views[0].screen.height = count / columns;
    part->views[0].screen.pixels = pixels->shown;
    part->views[0].screen.on = true;
    part->views[0].screen.brightness = 1;
    return true;
}

const struct part_class neopixel_strip_class = {
    .type = "neopixel-strip",
    .aliases = (const char *const[]){ "wokwi-led-ring", "wokwi-neopixel-matrix", "wokwi-led-matrix", NULL },
    .title = "strip, ring or matrix of NeoPixels",
    .pins = (const struct part_pin[]){ { "VCC", "VDD 5V V+", 0, 1 },
                                       { "DOUT", NULL, 0, 3 },
                                       { "GND", "VSS", 0, 5 },
                                       { "DIN", NULL, 0, 7 },
                                       { 0 } },
    .attributes = (const struct part_attribute[]){ [STRIP_WHITE] = { "white", PART_FLAG, "0" },
                                                   [PIXELS] = { "pixels", PART_NUMBER, "16", 1, MOST_PIXELS },
                                                   [ROWS] = { "rows", PART_NUMBER, "1", 1, 64 },
                                                   [COLS] = { "cols", PART_NUMBER, "0", 0, MOST_PIXELS },
                                                   { "background", PART_TEXT, "" },
                                                   { "animation", PART_TEXT, "" },
                                                   { "pixelSpacing", PART_TEXT, "" },
                                                   { "blurLight", PART_TEXT, "" },
                                                   { 0 } },
    .face = { 84, 9, NULL, 0 },
    .colour = 0x202020,
    .size = sizeof(struct neopixel),
    .init = strip_init,
    .finish = neopixel_finish,
    .reset = neopixel_reset,
    .show = neopixel_show,
    .walk = neopixel_walk,
};
