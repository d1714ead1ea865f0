/* Raspberry Pi Pico datasheet 2.1 and 2.2 for outline and pins; Wokwi's names of pins. The LED's brightness is the
 * share of time that its pin is high, over spans of 20 ms. A radio's own pins are nets that nobody drives as long as
 * the radio is not modelled; what the board connects to them is there. */
#include "emulator/project/board_part.h"

#include "emulator/core/scheduler.h"
#include "peripherals/parts/part_names.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PITCH 2.54
#define SPAN_PS (20 * PS_PER_MS)

/* ---- Types ---- */
static const struct {
    const char *type, *id;
} board_types[] = {
    { "wokwi-pi-pico", "raspberry_pi_pico" },
    { "wokwi-pi-pico-w", "raspberry_pi_pico_w" },
    { "board-pi-pico-2", "raspberry_pi_pico2" },
    { "board-pi-pico-2-w", "raspberry_pi_pico2_w" },
    { "board-pi-pico", "raspberry_pi_pico" },
    { "board-pi-pico-w", "raspberry_pi_pico_w" },
    { "wokwi-nano-rp2040-connect", "arduino_nano_rp2040_connect" },
    { "board-xiao-rp2040", "seeeduino_xiao_rp2040" },
    { "board-xiao-rp2350", "seeeduino_xiao_rp2350" },
};
#define BOARD_TYPES (sizeof(board_types) / sizeof(board_types[0]))

const char *board_type_id(const char *type) {
    for (unsigned i = 0; i < BOARD_TYPES; i++) {
        if (strcmp(board_types[i].type, type) == 0) {
            return board_types[i].id;
        }
    }
    const struct board *board = strncmp(type, "board-", 6) == 0 ? board_find(type + 6, NULL) : NULL;
    return board ? board->id : NULL;
}

const char *board_nearest_type(const char *type) {
    struct nearest nearest;
    nearest_init(&nearest, type);
    for (unsigned i = 0; i < BOARD_TYPES; i++) {
        nearest_offer_type(&nearest, board_types[i].type);
    }
    return nearest.name;
}

/* ---- Pins ---- */
static const struct {
    const char *name;
    enum board_rail rail;
} rails[] = {
    { "GND", BOARD_GND },     { "AGND", BOARD_GND },    { "3V3", BOARD_3V3 },      { "3V", BOARD_3V3 },
    { "3.3V", BOARD_3V3 },    { "3V3_OUT", BOARD_3V3 }, { "ADC_VREF", BOARD_3V3 }, { "AREF", BOARD_3V3 },
    { "VBUS", BOARD_5V },     { "VSYS", BOARD_VSYS },   { "5V", BOARD_5V },        { "VIN", BOARD_VSYS },
    { "USB", BOARD_5V },      { "BAT", BOARD_VSYS },    { "VBAT", BOARD_VSYS },    { "RUN", BOARD_RUN },
    { "RESET", BOARD_RUN },   { "RST", BOARD_RUN },     { "3V3_EN", BOARD_OTHER }, { "EN", BOARD_OTHER },
    { "SWCLK", BOARD_OTHER }, { "SWDIO", BOARD_OTHER }, { "NC", BOARD_OTHER },
};

/* "GND.3" is GND. */
static int rail_of(const char *name) {
    size_t length = strcspn(name, ".");
    if (name[length] && strspn(name + length + 1, "0123456789") != strlen(name + length + 1)) {
        length = strlen(name);
    }
    for (unsigned i = 0; i < sizeof(rails) / sizeof(rails[0]); i++) {
        if (strlen(rails[i].name) == length && strncasecmp(rails[i].name, name, length) == 0) {
            return (int)rails[i].rail;
        }
    }
    return -1;
}

static bool is_pico(const struct board *board) {
    return strncmp(board->id, "raspberry_pi_pico", 17) == 0;
}

/* Test points on the underside that are GPIOs. With a radio they are at GPIOs of the radio chip, which nothing drives
 * here. */
static const struct {
    const char *name;
    int gpio, radio_gpio;
} test_points[] = { { "TP4", 23, 1 }, { "TP5", 25, 0 } };
#define TEST_POINTS (sizeof(test_points) / sizeof(test_points[0]))

static int test_point_gpio(const struct board *board, unsigned i) {
    return board->wireless ? BOARD_PIN_CYW43 + test_points[i].radio_gpio : test_points[i].gpio;
}

#define NO_ROLE -100

/* What a test point on the underside of a Raspberry Pi Pico leads to (datasheets of the boards, 2.2): ground, USB, two
 * GPIOs, BOOTSEL. A GPIO, or -1 - enum board_rail; NO_ROLE: there is none. */
static int test_point(const struct board *board, const char *name) {
    if (!is_pico(board) || strncasecmp(name, "TP", 2) != 0 || strlen(name) != 3) {
        return NO_ROLE;
    }
    for (unsigned i = 0; i < TEST_POINTS; i++) {
        if (strcasecmp(name, test_points[i].name) == 0) {
            return test_point_gpio(board, i);
        }
    }
    return name[2] == '1' ? -1 - BOARD_GND : strchr("236", name[2]) ? -1 - BOARD_OTHER : NO_ROLE;
}

bool board_class_is_radio_pin(const struct board_class *class, const char *name) {
    return test_point(class->board, name) >= BOARD_PIN_CYW43;
}

int board_class_pin(const struct board_class *class, const char *name) {
    for (unsigned i = 0; i < class->pin_count; i++) {
        if (strcasecmp(class->names[i], name) == 0) {
            return (int)i;
        }
    }
    int gpio = board_pin(class->board, name), rail = rail_of(name), point = test_point(class->board, name);
    unsigned number;
    int length = 0;
    if (point != NO_ROLE) {
        gpio = point >= 0 ? point : -1;
        rail = point >= 0 ? -1 : -1 - point;
    }
    if (gpio < 0 && rail < 0 && sscanf(name, "GP%2u%n", &number, &length) == 1 && !name[length] &&
        number < class->board->gpio_count) {
        gpio = (int)number;
    }
    for (unsigned i = 0; i < class->pin_count && (gpio >= 0 || rail >= 0); i++) {
        if (class->gpio[i] == (gpio >= 0 ? gpio : -1 - rail)) {
            return (int)i;
        }
    }
    return -1;
}

const char *board_class_nearest_pin(const struct board_class *class, const char *name) {
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; i < class->board->pin_count; i++) {
        nearest_offer(&nearest, class->board->pins[i].name);
    }
    for (unsigned i = 0; i < class->pin_count; i++) {
        nearest_offer(&nearest, class->names[i]);
    }
    return nearest.name;
}

static void add_pin(struct board_class *class, const char *name, int gpio, double x, double y) {
    unsigned i = class->pin_count;
    if (i + 1 < BOARD_CLASS_PINS) {
        snprintf(class->names[i], sizeof(class->names[i]), "%s", name);
        class->pins[i] = (struct part_pin){ .name = class->names[i], .x = x, .y = y };
        class->gpio[i] = gpio;
        class->pin_count++;
    }
}

static bool has_gpio(const struct board_class *class, int gpio) {
    for (unsigned i = 0; i < class->pin_count; i++) {
        if (class->gpio[i] == gpio) {
            return true;
        }
    }
    return false;
}

/* GPIOs and test points that have no pin yet: in the middle of the board, for wires to test points and the like. */
static void add_inner_pins(struct board_class *class) {
    char name[16];
    for (int gpio = 0; gpio < class->board->gpio_count; gpio++) {
        snprintf(name, sizeof(name), "GP%d", gpio);
        if (!has_gpio(class, gpio)) {
            add_pin(class, name, gpio, class->class.face.width / 2, class->class.face.height / 2);
        }
    }
    for (unsigned i = 0; i < TEST_POINTS && is_pico(class->board) && class->board->wireless; i++) {
        add_pin(class, test_points[i].name, test_point_gpio(class->board, i), class->class.face.width / 2,
                class->class.face.height / 2);
    }
    for (int i = 0; i < BOARD_RADIO_GPIOS && class->board->wireless; i++) {
        snprintf(name, sizeof(name), "WL_GPIO%d", i);
        if (!has_gpio(class, BOARD_PIN_CYW43 + i)) {
            add_pin(class, name, BOARD_PIN_CYW43 + i, class->class.face.width / 2, class->class.face.height / 2);
        }
    }
    add_pin(class, "NC", -1 - BOARD_OTHER, class->class.face.width / 2, class->class.face.height / 2);
}

/* ---- Outlines ---- */
static const char *const pico_pins[40] = {
    "GP0",  "GP1",  "GND.1", "GP2",  "GP3",      "GP4",  "GP5",    "GND.2", "GP6",  "GP7",
    "GP8",  "GP9",  "GND.3", "GP10", "GP11",     "GP12", "GP13",   "GND.4", "GP14", "GP15",
    "GP16", "GP17", "GND.5", "GP18", "GP19",     "GP20", "GP21",   "GND.6", "GP22", "RUN",
    "GP26", "GP27", "GND.7", "GP28", "ADC_VREF", "3V3",  "3V3_EN", "GND.8", "VSYS", "VBUS",
};

static int role_of(const struct board *board, const char *name) {
    int rail = rail_of(name);
    return rail >= 0 ? -1 - rail : board_pin(board, name);
}

static void lay_out_pico(struct board_class *class) {
    class->class.face.width = 21;
    class->class.face.height = 51;
    class->class.colour = class->board->chip == CHIP_RP2040 ? 0x1b7a3d : 0x176b36;
    class->led_x = 5.7;
    class->led_y = 4;
    for (unsigned i = 0; i < 40; i++) {
        double x = i < 20 ? 1.61 : 19.39, y = 1.37 + PITCH * (i < 20 ? i : 39 - i);
        add_pin(class, pico_pins[i], role_of(class->board, pico_pins[i]), x, y);
    }
}

static void lay_out_module(struct board_class *class) {
    unsigned count = 0;
    const char *names[BOARD_CLASS_PINS];
    int gpios[BOARD_CLASS_PINS];
    for (size_t i = 0; i < class->board->pin_count && count < 96; i++) {
        const struct board_pin *pin = &class->board->pins[i];
        bool seen = false;
        for (unsigned k = 0; k < count; k++) {
            seen |= gpios[k] == pin->gpio;
        }
        if (!seen && strlen(pin->name) < sizeof(class->names[0])) {
            names[count] = pin->name;
            gpios[count++] = pin->gpio;
        }
    }
    static const char *const supplies[] = { "3V3", "GND", "VBUS", "RUN" };
    for (unsigned i = 0; i < 4; i++) {
        names[count] = supplies[i];
        gpios[count++] = -1 - rail_of(supplies[i]);
    }
    unsigned rows = (count + 1) / 2;
    class->class.face.width = 25.4;
    class->class.face.height = 10 + PITCH * rows;
    class->class.colour = 0x202a38;
    class->led_x = 12.7;
    class->led_y = 4;
    for (unsigned i = 0; i < count; i++) {
        bool left = i < rows;
        add_pin(class, names[i], gpios[i], left ? 1.27 : 24.13, 7 + PITCH * (left ? i : i - rows));
    }
}

/* ---- Looks ---- */
static void add_shape(struct part_class *class, enum part_shape_kind kind, double x, double y, double width,
                      double height, uint32_t colour, const char *text) {
    if (class->face.shape_count < BOARD_CLASS_SHAPES) {
        struct part_shape *shapes = (struct part_shape *)class->face.shapes;
        shapes[class->face.shape_count++] = (struct part_shape){
            .kind = kind, .x = x, .y = y, .width = width, .height = height, .colour = colour, .text = text
        };
    }
}

static void draw(struct board_class *board) {
    struct part_class *class = &board->class;
    double middle = class->face.width / 2;
    add_shape(class, PART_RECTANGLE, middle - 4, 0, 8, 5.6, 0xb8bcc0, NULL);                         /* USB */
    add_shape(class, PART_RECTANGLE, middle - 3.5, class->face.height * 0.42, 7, 7, 0x1c1c1e, NULL); /* chip */
    add_shape(class, PART_RECTANGLE, middle - 2, class->face.height * 0.3, 4, 3, 0x26262a, NULL);    /* flash */
    add_shape(class, PART_RECTANGLE, board->led_x - 0.6, board->led_y - 0.4, 1.2, 0.8, 0x405040, NULL);
    for (unsigned i = 0; i < board->pin_count; i++) {
        const struct part_pin *pin = &board->pins[i];
        bool inner = pin->x > 3 && pin->x < class->face.width - 3;
        if (!inner) {
            bool left = pin->x < middle;
            double width = 0.5 * (double)strlen(pin->name);
            add_shape(class, PART_DISC, pin->x - 0.75, pin->y - 0.75, 1.5, 1.5, 0xd0a840, NULL);
            add_shape(class, PART_LETTERING, left ? pin->x + 1.1 : pin->x - 1.1 - width, pin->y - 0.3, width, 1,
                      0xe8f0e8, pin->name);
        }
    }
    add_shape(class, PART_LETTERING, middle - 3.5, class->face.height - 12, 7, 1.6, 0xe8f0e8, board->board->product);
}

/* ---- Supply ---- */
/* VSYS is VBUS behind a Schottky diode. The battery is a lithium cell at its nominal voltage. */
#define VBUS_VOLTS 5.0
#define SCHOTTKY_VOLTS 0.2
#define BATTERY_VOLTS 3.7

double board_supply_vbus(const struct board_supply *supply) {
    return supply->on && supply->usb ? VBUS_VOLTS : 0;
}

double board_supply_vsys(const struct board_supply *supply) {
    double volts = supply->usb ? VBUS_VOLTS - SCHOTTKY_VOLTS : BATTERY_VOLTS;
    return supply->on ? volts : 0;
}

static double no_volts(const struct board_supply *supply) {
    return 0;
}

/* What Raspberry Pi's boards have at the pins that no header shows (datasheets 2.1 and schematics). VBUS is sensed by
 * 5.6 and 10 kohms, VSYS by 200 and 100 kohms. The boards with a radio sense VBUS by its GPIO2, and GPIO29, its clock,
 * shows VSYS while GPIO25, its chip select, is high. The mode pin of the regulator is pulled to "saves power". */
#define DIVIDER(upper, lower) (lower) / ((upper) + (lower)), (upper) * (lower) / ((upper) + (lower))
#define ALWAYS -1

static const struct board_source {
    const char *name;
    bool wireless;
    int gpio;
    double (*volts)(const struct board_supply *supply);
    double share, ohms; /* of these volts */
    int while_high;     /* GPIO; ALWAYS: it does not depend on one */
} pico_sources[] = {
    { "VBUS_SENSE", false, 24, board_supply_vbus, DIVIDER(5600.0, 10000.0), ALWAYS },
    { "VSYS", false, 29, board_supply_vsys, DIVIDER(200e3, 100e3), ALWAYS },
    { "SMPS_MODE", false, 23, no_volts, 1, 100e3, ALWAYS },
    { "VBUS_SENSE", true, BOARD_PIN_CYW43 + 2, board_supply_vbus, DIVIDER(5600.0, 10000.0), ALWAYS },
    { "SMPS_MODE", true, BOARD_PIN_CYW43 + 1, no_volts, 1, 100e3, ALWAYS },
    { "VSYS", true, 29, board_supply_vsys, DIVIDER(200e3, 100e3), 25 },
};
#define SOURCES (sizeof(pico_sources) / sizeof(pico_sources[0]))

static void drive_source(struct net_driver *driver, const struct board_source *what,
                         const struct board_supply *supply) {
    net_drive_volts(driver, what->volts(supply) * what->share, what->ohms);
}

/* ---- The part ---- */
/* One of pico_sources on a board. */
struct source_at {
    struct net_driver driver;
    struct net_listener listener; /* of the pin that switches it */
    struct net *net, *gate;       /* NULL: this board does not have it; no pin switches it */
};

struct board_part {
    struct part part;
    struct source_at sources[SOURCES];
    struct net_listener listener;
    struct net *led;
    uint64_t span;    /* number of the present one */
    uint64_t from_ps; /* counted up to here */
    uint64_t high_ps; /* in this span */
    bool high;
};

static void count_up(struct board_part *board) {
    uint64_t now = scheduler_now(board->part.env->scheduler), span = now / SPAN_PS;
    struct part_view *view = &board->part.views[0];
    if (span != board->span) {
        uint64_t end = (board->span + 1) * SPAN_PS;
        board->high_ps += board->high ? end - board->from_ps : 0;
        bool gap = span != board->span + 1;
        view->light.brightness = gap ? board->high : (double)board->high_ps / (double)SPAN_PS;
        board->span = span;
        board->from_ps = span * SPAN_PS;
        board->high_ps = 0;
    }
    board->high_ps += board->high ? now - board->from_ps : 0;
    board->from_ps = now;
}

static void led_changed(struct net_listener *listener, struct net *net) {
    struct board_part *board = listener->owner;
    count_up(board);
    board->high = net_is_high(net);
}

static struct net *net_of_gpio(const struct part *part, int gpio) {
    const struct board_class *class = (const struct board_class *)part->class;
    for (unsigned i = 0; i < class->pin_count; i++) {
        if (class->gpio[i] == gpio) {
            return part->nets[i];
        }
    }
    return NULL;
}

/* A source that is switched off is taken off: nobody has to look at its pin then. */
static void gate_changed(struct net_listener *listener, struct net *gate) {
    struct source_at *source = listener->owner;
    bool on = !source->gate || net_is_high(source->gate);
    if (on && !source->driver.net) {
        net_attach(source->net, &source->driver);
    } else if (!on) {
        net_detach(&source->driver);
    }
}

static void attach_source(struct board_part *board, struct source_at *source, const struct board_source *what) {
    source->net = net_of_gpio(&board->part, what->gpio);
    source->gate = what->while_high == ALWAYS ? NULL : net_of_gpio(&board->part, what->while_high);
    if (!source->net) {
        return;
    }
    source->driver.name = what->name;
    drive_source(&source->driver, what, &(struct board_supply){ .on = true, .usb = true });
    source->listener = (struct net_listener){ .changed = gate_changed, .owner = source, .passive = true };
    if (source->gate) {
        net_listen(source->gate, &source->listener);
    }
    gate_changed(&source->listener, source->gate);
}

static void detach_source(struct source_at *source) {
    net_detach(&source->driver);
    if (source->net && source->gate) {
        net_unlisten(source->gate, &source->listener);
    }
}

static void attach_sources(struct board_part *board, const struct board_class *class) {
    for (unsigned i = 0; i < SOURCES && is_pico(class->board); i++) {
        if (pico_sources[i].wireless == class->board->wireless) {
            attach_source(board, &board->sources[i], &pico_sources[i]);
        }
    }
}

void board_part_supply(struct part *part, const struct board_supply *supply) {
    struct board_part *board = (struct board_part *)part;
    for (unsigned i = 0; i < SOURCES; i++) {
        if (board->sources[i].net) {
            drive_source(&board->sources[i].driver, &pico_sources[i], supply);
        }
    }
}

static bool board_init(struct part *part, struct error *error) {
    struct board_part *board = (struct board_part *)part;
    const struct board_class *class = (const struct board_class *)part->class;
    attach_sources(board, class);
    if (class->board->wireless) {
        log_write(
            part->env->log, LOG_WARN, part->id,
            "the radio is not modelled: no Wi-Fi, no Bluetooth, and nobody drives its pins (the LED of a Pico W)");
    }
    if (class->board->led_pin >= 0) {
        board->led = net_of_gpio(part, class->board->led_pin);
    }
    if (!board->led) {
        return true;
    }
    board->listener = (struct net_listener){ .changed = led_changed, .owner = board, .passive = true };
    net_listen(board->led, &board->listener);
    board->high = net_is_high(board->led);
    part->views[0] = (struct part_view){
        .kind = PART_LIGHT, .name = "led", .x = class->led_x - 0.6, .y = class->led_y - 0.4, .width = 1.2, .height = 0.8
    };
    part->views[0].light.colour = 0x40ff60;
    part->view_count = 1;
    return true;
}

static void board_finish(struct part *part) {
    struct board_part *board = (struct board_part *)part;
    for (unsigned i = 0; i < SOURCES; i++) {
        detach_source(&board->sources[i]);
    }
    if (board->led) {
        net_unlisten(board->led, &board->listener);
    }
}

static void board_show(struct part *part) {
    struct board_part *board = (struct board_part *)part;
    if (board->led) {
        count_up(board);
    }
}

static void source_walk(struct source_at *source, struct walk *walk) {
    bool on = source->driver.net;
    walk_bool(walk, &on);
    if (source->net && on && !source->driver.net) {
        net_attach(source->net, &source->driver);
    } else if (!on) {
        net_detach(&source->driver);
    }
    net_driver_walk(&source->driver, walk);
}

static void board_walk(struct part *part, struct walk *walk) {
    struct board_part *board = (struct board_part *)part;
    for (unsigned i = 0; i < SOURCES; i++) {
        source_walk(&board->sources[i], walk);
    }
    walk_u64(walk, &board->span);
    walk_u64(walk, &board->from_ps);
    walk_u64(walk, &board->high_ps);
    walk_bool(walk, &board->high);
    if (board->high_ps > SPAN_PS) {
        walk_fail(walk, "a light that is lit longer than time goes by");
        board->high_ps = 0;
    }
}

/* `env` and `firmware` may name a version of CircuitPython, `errata` what the chip is to have; the others are for other
 * simulators. */
static const struct part_attribute board_attributes[] = {
    { "env", PART_TEXT, "" },
    { "firmware", PART_TEXT, "" },
    { "errata", PART_TEXT, "" },
    { "builder", PART_TEXT, "" },
    { "flashSize", PART_TEXT, "" },
    { "fullBoot", PART_TEXT, "" },
    { "serialInterface", PART_TEXT, "" },
    { 0 },
};

void board_class_init(struct board_class *class, const struct board *board) {
    *class = (struct board_class){ .board = board };
    class->class = (struct part_class){
        .type = board->id,
        .title = board->name,
        .pins = class->pins,
        .attributes = board_attributes,
        .face.shapes = class->shapes,
        .size = sizeof(struct board_part),
        .init = board_init,
        .finish = board_finish,
        .show = board_show,
        .walk = board_walk,
    };
    if (is_pico(board)) {
        lay_out_pico(class);
    } else {
        lay_out_module(class);
    }
    add_inner_pins(class);
    draw(class);
}
