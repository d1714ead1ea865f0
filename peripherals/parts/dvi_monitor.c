/* A monitor with a DVI input: DVI 1.0, 2.2 and 3.2 (TMDS: control symbols, decoding), 3.1 (data enable, syncs).
 *
 * It is handed symbols by a serialiser that drives all of its pairs (core/dvi.h); edges on its wires it does not read.
 * A picture's lines are the stretches of data between control symbols; VSYNC ends it.
 *
 * Not modelled: the I2C of EDID and hot-plug detection, HDMI's data islands and guard bands (they are taken for
 * pixels), scaling, limits of the pixel clock, characters out of step (word alignment is given). Decided: the glass has
 * `size` pixels and shows a picture of another size as it is, in the middle, cut off where it is larger; the picture's
 * own size is known from its last complete frame. Without VSYNC for 100 ms there is no signal and the glass is dark. */
#include "emulator/core/dvi.h"
#include "peripherals/parts/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SYMBOLS 1024
#define CONTROL 0x100u /* marks what is no pixel; the two bits below are C1 and C0 */
#define HSYNC 1u       /* C0 of lane 0 */
#define VSYNC 2u
#define NO_SIGNAL_PS (100 * PS_PER_MS)
#define PITCH (1 / 12.0) /* mm a pixel */
#define BORDER 3.0
#define FOOT 3.0

enum pin { D0P, D0N, D1P, D1N, D2P, D2N, CKP, CKN, GND };
enum attribute { SIZE };

static const struct {
    const char *name;
    unsigned width, height;
} sizes[] = { { "640x480", 640, 480 }, { "720x400", 720, 400 }, { "800x600", 800, 600 }, { "1280x720", 1280, 720 } };

struct dvi_monitor {
    struct part part;
    struct dvi_target target;
    bool attached;
    uint16_t decoded[SYMBOLS]; /* a byte, or CONTROL with C1 and C0 */
    unsigned width, height;    /* of the glass */
    uint32_t *pixels;          /* of the glass; owned */
    uint64_t generation;

    uint16_t control;            /* the last control symbol of lane 0 */
    unsigned column, line;       /* of the frame that comes in */
    unsigned widest;             /* of its lines */
    unsigned columns, lines;     /* of the last complete frame */
    uint64_t frame_ps;           /* its last VSYNC */
    uint64_t period_ps;          /* between two of them */
    struct part_shape shapes[3]; /* case, glass, name */
    char text[48];
};

/* ---- Symbols ---- */

/* DVI 1.0, 3.2.3: bit 9 tells of inversion, bit 8 of XOR. */
static uint8_t decode_pixel(unsigned symbol) {
    unsigned word = symbol & 0x200 ? ~symbol & 0xff : symbol & 0xff;
    unsigned steps = (word ^ word << 1) & 0xfe;
    steps = symbol & 0x100 ? steps : ~steps & 0xfe;
    return (uint8_t)(steps | (word & 1));
}

static void make_decoder(uint16_t *decoded) {
    static const uint16_t control[4] = { 0x354, 0x0ab, 0x154, 0x2ab };
    for (unsigned symbol = 0; symbol < SYMBOLS; symbol++) {
        decoded[symbol] = decode_pixel(symbol);
    }
    for (unsigned bits = 0; bits < 4; bits++) {
        decoded[control[bits]] = (uint16_t)(CONTROL | bits);
    }
}

/* ---- The frame that comes in ---- */

/* Where a picture of this extent begins on a glass of that one: in the middle; negative when it is larger. */
static int first_on_glass(unsigned glass, unsigned picture) {
    return picture ? ((int)glass - (int)picture) / 2 : 0;
}

static void clear_glass(struct dvi_monitor *monitor) {
    memset(monitor->pixels, 0, (size_t)monitor->width * monitor->height * sizeof(*monitor->pixels));
}

static void end_frame(struct dvi_monitor *monitor, uint64_t time_ps) {
    if (monitor->columns != monitor->widest || monitor->lines != monitor->line) {
        clear_glass(monitor);
    }
    monitor->columns = monitor->widest;
    monitor->lines = monitor->line;
    monitor->period_ps = time_ps - monitor->frame_ps;
    monitor->frame_ps = time_ps;
    monitor->line = 0;
    monitor->widest = 0;
    monitor->generation++;
}

static void end_line(struct dvi_monitor *monitor) {
    if (monitor->column) {
        monitor->widest = monitor->column > monitor->widest ? monitor->column : monitor->widest;
        monitor->line++;
        monitor->column = 0;
    }
}

static void take_control(struct dvi_monitor *monitor, uint16_t control, uint64_t time_ps) {
    end_line(monitor);
    if ((control ^ monitor->control) & VSYNC && monitor->line) {
        end_frame(monitor, time_ps);
    }
    monitor->control = control;
}

static void take_pixels(struct dvi_monitor *monitor, uint32_t colour, uint32_t count) {
    int x = first_on_glass(monitor->width, monitor->columns) + (int)monitor->column;
    int y = first_on_glass(monitor->height, monitor->lines) + (int)monitor->line;
    uint32_t *row = &monitor->pixels[(size_t)(y < 0 ? 0 : y) * monitor->width];
    for (uint32_t i = 0; i < count && y >= 0 && y < (int)monitor->height && x < (int)monitor->width; i++, x++) {
        if (x >= 0) {
            row[x] = colour;
        }
    }
    monitor->column += count < INT16_MAX ? count : INT16_MAX;
}

static void take_symbols(struct dvi_target *target, const uint16_t *lanes, uint32_t count, uint64_t time_ps,
                         uint64_t symbol_ps) {
    struct dvi_monitor *monitor = target->owner;
    const uint16_t *decoded = monitor->decoded;
    uint16_t blue = decoded[lanes[0]], green = decoded[lanes[1]], red = decoded[lanes[2]];
    if (blue & CONTROL) {
        take_control(monitor, blue, time_ps);
    } else if (monitor->column < INT16_MAX && monitor->line < INT16_MAX) {
        take_pixels(monitor, (uint32_t)(red & 0xff) << 16 | (uint32_t)(green & 0xff) << 8 | blue, count);
    }
}

/* ---- Views ---- */

static bool has_signal(const struct dvi_monitor *monitor) {
    uint64_t now = scheduler_now(monitor->part.env->scheduler);
    return monitor->columns && now - monitor->frame_ps < NO_SIGNAL_PS;
}

static void dvi_monitor_show(struct part *part) {
    struct dvi_monitor *monitor = (struct dvi_monitor *)part;
    struct part_view *view = &part->views[0];
    bool on = has_signal(monitor);
    monitor->generation += on != view->screen.on;
    view->screen.on = on;
    view->screen.generation = monitor->generation;
    if (on && monitor->period_ps) {
        snprintf(monitor->text, sizeof(monitor->text), "%ux%u %.1f Hz", monitor->columns, monitor->lines,
                 (double)PS_PER_S / (double)monitor->period_ps);
    } else {
        strcpy(monitor->text, "no signal");
    }
}

static void set_up_face(struct dvi_monitor *monitor) {
    double width = monitor->width * PITCH, height = monitor->height * PITCH;
    struct part_face *face = &monitor->part.face;
    face->width = width + 2 * BORDER;
    face->height = height + 2 * BORDER + FOOT;
    monitor->shapes[0] = (struct part_shape){ PART_RECTANGLE, 0, 0, face->width, height + 2 * BORDER, 0x181a1c, NULL };
    monitor->shapes[1] = (struct part_shape){ PART_RECTANGLE, BORDER, BORDER, width, height, 0x000000, NULL };
    monitor->shapes[2] = (struct part_shape){ PART_LETTERING, BORDER, height + BORDER + 0.8, 10, 1.6, 0x808890, "DVI" };
    face->shapes = monitor->shapes;
    face->shape_count = sizeof(monitor->shapes) / sizeof(monitor->shapes[0]);
}

static void set_up_views(struct dvi_monitor *monitor) {
    struct part *part = &monitor->part;
    double width = monitor->width * PITCH, height = monitor->height * PITCH;
    part->views[0] = (struct part_view){
        .kind = PART_SCREEN, .name = "screen", .x = BORDER, .y = BORDER, .width = width, .height = height
    };
    part->views[0].screen.width = monitor->width;
    part->views[0].screen.height = monitor->height;
    part->views[0].screen.pixels = monitor->pixels;
    part->views[0].screen.brightness = 1;
    part->views[1] = (struct part_view){
        .kind = PART_LABEL, .name = "signal", .x = BORDER, .y = height + 2 * BORDER + 0.5, .width = width, .height = 2
    };
    part->views[1].text = monitor->text;
    part->view_count = 2;
}

/* ---- Life ---- */

static void dvi_monitor_reset(struct part *part) {
    struct dvi_monitor *monitor = (struct dvi_monitor *)part;
    clear_glass(monitor);
    monitor->control = CONTROL;
    monitor->column = monitor->line = monitor->widest = 0;
    monitor->columns = monitor->lines = 0;
    monitor->generation++;
}

static bool attach(struct dvi_monitor *monitor, struct error *error) {
    struct net **nets = monitor->part.nets;
    unsigned wired = !!nets[D0P] + !!nets[D1P] + !!nets[D2P] + !!nets[CKP];
    if (wired && wired < 4) {
        error_set(error, "it needs D0+, D1+, D2+ and CK+, or none of them");
        return false;
    }
    monitor->target = (struct dvi_target){
        .data = { { nets[D0P], nets[D0N] }, { nets[D1P], nets[D1N] }, { nets[D2P], nets[D2N] } },
        .clock = { nets[CKP], nets[CKN] },
        .symbols = take_symbols,
        .owner = monitor,
    };
    monitor->attached = wired;
    if (wired) {
        dvi_target_attach(&monitor->target);
    }
    return true;
}

static bool dvi_monitor_init(struct part *part, struct error *error) {
    struct dvi_monitor *monitor = (struct dvi_monitor *)part;
    unsigned size = (unsigned)part->values[SIZE].number;
    monitor->width = sizes[size].width;
    monitor->height = sizes[size].height;
    monitor->pixels = malloc((size_t)monitor->width * monitor->height * sizeof(*monitor->pixels));
    if (!monitor->pixels) {
        error_set(error, "out of memory");
        return false;
    }
    if (!attach(monitor, error)) {
        free(monitor->pixels);
        return false;
    }
    make_decoder(monitor->decoded);
    set_up_face(monitor);
    set_up_views(monitor);
    return true;
}

static void dvi_monitor_finish(struct part *part) {
    struct dvi_monitor *monitor = (struct dvi_monitor *)part;
    if (monitor->attached) {
        dvi_target_detach(&monitor->target);
    }
    free(monitor->pixels);
}

/* The frame that comes in, and what the glass shows of it so far. */
static void dvi_monitor_walk(struct part *part, struct walk *walk) {
    struct dvi_monitor *monitor = (struct dvi_monitor *)part;
    walk_u16(walk, &monitor->control);
    walk_below(walk, &monitor->column, UINT16_MAX);
    walk_below(walk, &monitor->line, UINT16_MAX);
    walk_below(walk, &monitor->widest, UINT16_MAX);
    walk_below(walk, &monitor->columns, UINT16_MAX);
    walk_below(walk, &monitor->lines, UINT16_MAX);
    walk_u64(walk, &monitor->frame_ps);
    walk_u64(walk, &monitor->period_ps);
    walk_u32s(walk, monitor->pixels, (size_t)monitor->width * monitor->height);
    walk_u64(walk, &monitor->generation);
}

static const struct part_pin pins[] = {
    { "D0+", "D0P BLUE+", 10, 1.5 },     { "D0-", "D0N BLUE-", 12.54, 1.5 },
    { "D1+", "D1P GREEN+", 15.08, 1.5 }, { "D1-", "D1N GREEN-", 17.62, 1.5 },
    { "D2+", "D2P RED+", 20.16, 1.5 },   { "D2-", "D2N RED-", 22.7, 1.5 },
    { "CK+", "CKP CLK+", 25.24, 1.5 },   { "CK-", "CKN CLK-", 27.78, 1.5 },
    { "GND", NULL, 30.32, 1.5 },         { 0 },
};

static const char *const size_names[] = { "640x480", "720x400", "800x600", "1280x720", NULL };

static const struct part_attribute attributes[] = {
    [SIZE] = { "size", PART_CHOICE, "640x480", .choices = size_names },
    { 0 },
};

const struct part_class dvi_monitor_class = {
    .type = "dvi-monitor",
    .title = "DVI monitor",
    .pins = pins,
    .attributes = attributes,
    .face = { 640 * PITCH + 2 * BORDER, 480 * PITCH + 2 * BORDER + FOOT, NULL, 0 },
    .colour = PART_NO_BODY,
    .size = sizeof(struct dvi_monitor),
    .init = dvi_monitor_init,
    .finish = dvi_monitor_finish,
    .reset = dvi_monitor_reset,
    .show = dvi_monitor_show,
    .walk = dvi_monitor_walk,
};
