/* Solomon Systech SSD1306, driver of a 128x64 or 128x32 OLED: datasheet rev 1.1 and its charge pump appendix; I2C
 * (8.1.5) and 4-wire SPI (8.1.3).
 *
 * Not modelled: the parallel buses, 3-wire SPI, fade and blink (23h), zoom (D6h), pre-charge and VCOMH beyond what they
 * do to the frame time, burn-in. Modules work without their supply pins wired.
 *
 * Decided where the datasheet leaves it open:
 * - Modules are mounted so that A1h with C8h gives an upright picture; a 128x64 panel is wired for the alternative COM
 *   pin configuration (DAh 12h), a 128x32 one for the sequential (02h). Other settings mix the rows up as there.
 * - 00h to 1Fh and B0h to B7h, which are for page addressing, move the pointer in the other modes too. A page or column
 *   outside the range that 21h and 22h have set runs on to the last one of the RAM and then to the first.
 * - Scrolling moves the display RAM, by 1 column each time, right (26h, 29h) being right on an upright module; vertical
 * scrolling moves what is shown of it, until 2Eh.
 * - The oscillator is 370 kHz at D5h 8xh and 25 kHz more or less per step of it.
 * - Display RAM holds noise after power-on, out of the machine's seeded random numbers. RES# leaves it alone.
 * - Status read: bit 6 is "display off", all others are 0.
 * - Without the charge pump (8Dh) and without `externalVcc` the panel is dark. */
#include "emulator/core/serial.h"
#include "peripherals/parts/parts.h"

#include <string.h>

#define COLUMNS 128
#define PAGES 8
#define ROWS 64

enum pin { GND, VCC, SCL, SDA, RST, DC, CS, OUT_3V3 };
enum attribute { ADDRESS, SIZE, BUS, COLOR, EXTERNAL_VCC };
enum bus { BUS_AUTO, BUS_I2C, BUS_SPI };
enum mode { HORIZONTAL, VERTICAL, PAGE };

struct scroll {
    bool active;
    bool left;
    bool vertical;
    uint8_t first_page, last_page;
    unsigned frames;
    uint8_t rows;      /* vertical step */
    uint8_t top, area; /* A3h */
    unsigned position; /* rows scrolled so far */
    uint64_t since_ps; /* of the last step */
};

/* What a reset sets. */
struct registers {
    bool on, all_on, inverse, pump;
    uint8_t contrast;
    bool segment_remap, com_remap;
    uint8_t multiplex; /* rows - 1 */
    uint8_t offset, start_line;
    uint8_t com_pins, clock, precharge;
    enum mode mode;
    uint8_t column, page;
    uint8_t first_column, last_column, first_page, last_page;
    struct scroll scroll;
};

struct ssd1306 {
    struct part part;
    struct i2c_target i2c;
    struct spi_target spi;
    bool has_i2c, has_spi;
    struct net_listener rst_listener;
    struct registers r;
    uint8_t ram[PAGES][COLUMNS];
    bool expects_control; /* I2C: the next byte is a control byte */
    uint8_t control;
    uint8_t command[8]; /* the one that is coming in */
    unsigned have;
    bool dirty;
    uint32_t pixels[ROWS * COLUMNS];
};

static const struct registers reset_state = {
    .contrast = 0x7f,
    .multiplex = 63,
    .com_pins = 0x12,
    .clock = 0x80,
    .precharge = 0x22,
    .mode = PAGE,
    .last_column = COLUMNS - 1,
    .last_page = PAGES - 1,
    .scroll = { .area = ROWS },
};

static unsigned height(const struct ssd1306 *s) {
    return s->part.values[SIZE].number == 0 ? 64 : 32;
}

/* ---- Scrolling ---- */
static uint64_t frame_ps(const struct ssd1306 *s) {
    unsigned phase1 = s->r.precharge & 15, phase2 = s->r.precharge >> 4;
    unsigned clocks = ((s->r.clock & 15) + 1u) * (phase1 + phase2 + 50) * (s->r.multiplex + 1u);
    unsigned hz = 370000 + 25000 * (s->r.clock >> 4) - 8 * 25000;
    return PS_PER_S / hz * clocks;
}

static void rotate_page(uint8_t *page, unsigned columns) {
    uint8_t copy[COLUMNS];
    for (unsigned i = 0; i < COLUMNS; i++) {
        copy[i] = page[(i + columns) % COLUMNS];
    }
    memcpy(page, copy, COLUMNS);
}

static void scroll_steps(struct ssd1306 *s, uint64_t steps) {
    struct scroll *scroll = &s->r.scroll;
    unsigned columns = (unsigned)(steps % COLUMNS);
    for (unsigned page = scroll->first_page; page <= scroll->last_page; page++) {
        rotate_page(s->ram[page], scroll->left ? COLUMNS - columns : columns);
    }
    if (scroll->vertical && scroll->area) {
        scroll->position = (unsigned)((scroll->position + steps * scroll->rows) % scroll->area);
    }
    s->dirty = true;
}

/* Do what has been due since last time. */
static void catch_up(struct ssd1306 *s) {
    struct scroll *scroll = &s->r.scroll;
    uint64_t now = scheduler_due(s->part.env->scheduler), step = frame_ps(s) * scroll->frames;
    if (scroll->active && step && now - scroll->since_ps >= step) {
        uint64_t steps = (now - scroll->since_ps) / step;
        scroll->since_ps += steps * step;
        scroll_steps(s, steps);
    }
}

static unsigned scroll_frames(uint8_t interval) {
    static const uint16_t frames[] = { 5, 64, 128, 256, 3, 4, 25, 2 };
    return frames[interval & 7];
}

static void set_up_scroll(struct ssd1306 *s, const uint8_t *c) {
    struct scroll *scroll = &s->r.scroll;
    scroll->left = c[0] == 0x27 || c[0] == 0x2a;
    scroll->vertical = c[0] >= 0x29;
    scroll->first_page = c[2] & 7;
    scroll->frames = scroll_frames(c[3]);
    scroll->last_page = c[4] & 7;
    scroll->rows = scroll->vertical ? c[5] & 63 : 0;
}

static void set_scrolling(struct ssd1306 *s, bool on) {
    s->r.scroll.active = on;
    s->r.scroll.since_ps = scheduler_due(s->part.env->scheduler);
    if (!on) {
        s->r.scroll.position = 0;
    }
}

/* ---- Display RAM ---- */
static void next_column_then_page(struct registers *r) {
    if (r->column != r->last_column) {
        r->column = (r->column + 1) % COLUMNS;
        return;
    }
    r->column = r->first_column;
    r->page = r->page == r->last_page ? r->first_page : (r->page + 1) % PAGES;
}

static void next_page_then_column(struct registers *r) {
    if (r->page != r->last_page) {
        r->page = (r->page + 1) % PAGES;
        return;
    }
    r->page = r->first_page;
    r->column = r->column == r->last_column ? r->first_column : (r->column + 1) % COLUMNS;
}

static void take_data(struct ssd1306 *s, uint8_t byte) {
    struct registers *r = &s->r;
    s->ram[r->page][r->segment_remap ? COLUMNS - 1 - r->column : r->column] = byte;
    s->dirty = true;
    switch (r->mode) {
    case HORIZONTAL:
        next_column_then_page(r);
        break;
    case VERTICAL:
        next_page_then_column(r);
        break;
    case PAGE:
        r->column = (r->column + 1) % COLUMNS;
        break;
    }
}

/* ---- Commands ---- */

/* Bytes of a command after its first. */
static unsigned arguments(uint8_t code) {
    switch (code) {
    case 0x20:
    case 0x23:
    case 0x81:
    case 0x8d:
    case 0xa8:
    case 0xad:
    case 0xd3:
    case 0xd5:
    case 0xd6:
    case 0xd9:
    case 0xda:
    case 0xdb:
        return 1;
    case 0x21:
    case 0x22:
    case 0xa3:
        return 2;
    case 0x29:
    case 0x2a:
        return 5;
    case 0x26:
    case 0x27:
        return 6;
    default:
        return 0;
    }
}

/* Codes that hold their argument in themselves. */
static bool do_short_command(struct registers *r, uint8_t code) {
    if (code < 0x20) {
        r->column = code < 0x10 ? (r->column & 0x70) | code : (r->column & 0x0f) | (code & 7) << 4;
    } else if (code >= 0x40 && code < 0x80) {
        r->start_line = code & 63;
    } else if ((code & 0xf8) == 0xb0) {
        r->page = code & 7;
    } else if ((code & 0xf0) == 0xc0) {
        r->com_remap = code & 8;
    } else {
        return false;
    }
    return true;
}

static bool do_switch(struct ssd1306 *s, uint8_t code) {
    struct registers *r = &s->r;
    switch (code) {
    case 0x2e:
    case 0x2f:
        set_scrolling(s, code & 1);
        return true;
    case 0xa0:
    case 0xa1:
        r->segment_remap = code & 1;
        return true;
    case 0xa4:
    case 0xa5:
        r->all_on = code & 1;
        return true;
    case 0xa6:
    case 0xa7:
        r->inverse = code & 1;
        return true;
    case 0xae:
    case 0xaf:
        r->on = code & 1;
        return true;
    case 0xe3:
        return true;
    default:
        return false;
    }
}

static bool do_setting(struct registers *r, const uint8_t *c) {
    switch (c[0]) {
    case 0x20:
        r->mode = (c[1] & 3) < 3 ? (enum mode)(c[1] & 3) : PAGE;
        return true;
    case 0x81:
        r->contrast = c[1];
        return true;
    case 0x8d:
        r->pump = c[1] & 4;
        return true;
    case 0xa8:
        r->multiplex = (c[1] & 63) < 15 ? r->multiplex : c[1] & 63;
        return true;
    case 0xd3:
        r->offset = c[1] & 63;
        return true;
    case 0xd5:
        r->clock = c[1];
        return true;
    case 0xd9:
        r->precharge = c[1];
        return true;
    case 0xda:
        r->com_pins = c[1];
        return true;
    case 0xad: /* reference current, of later versions of the chip */
    case 0xdb:
        return true;
    default:
        return false;
    }
}

static bool do_area(struct ssd1306 *s, const uint8_t *c) {
    struct registers *r = &s->r;
    switch (c[0]) {
    case 0x21:
        r->column = r->first_column = c[1] & 127;
        r->last_column = c[2] & 127;
        return true;
    case 0x22:
        r->page = r->first_page = c[1] & 7;
        r->last_page = c[2] & 7;
        return true;
    case 0xa3:
        r->scroll.top = c[1] & 63;
        r->scroll.area = c[2] & 127;
        return true;
    case 0x26:
    case 0x27:
    case 0x29:
    case 0x2a:
        set_up_scroll(s, c);
        return true;
    default:
        return false;
    }
}

static void do_command(struct ssd1306 *s, const uint8_t *c) {
    if (!do_short_command(&s->r, c[0]) && !do_switch(s, c[0]) && !do_setting(&s->r, c) && !do_area(s, c)) {
        bool known = c[0] == 0x23 || c[0] == 0xd6;
        log_write(s->part.env->log, known ? LOG_STUB : LOG_GUEST, s->part.id,
                  known ? "command 0x%02x is not modelled" : "command 0x%02x is none of the SSD1306", c[0]);
    }
    s->dirty = true;
}

static void take_command(struct ssd1306 *s, uint8_t byte) {
    s->command[s->have++] = byte;
    if (s->have > arguments(s->command[0])) {
        s->have = 0;
        do_command(s, s->command);
    }
}

/* ---- Buses ---- */
static bool is_held_in_reset(const struct ssd1306 *s) {
    const struct net *rst = s->part.nets[RST];
    return rst && rst->level == NET_LEVEL_LOW;
}

static void take_byte(struct ssd1306 *s, bool data, uint8_t byte) {
    catch_up(s);
    if (data) {
        take_data(s, byte);
    } else {
        take_command(s, byte);
    }
}

static bool ssd1306_start(struct i2c_target *target, uint8_t address, bool read) {
    struct ssd1306 *s = target->owner;
    s->expects_control = true;
    return address == (uint8_t)s->part.values[ADDRESS].number && !is_held_in_reset(s);
}

/* Control byte: bit 7 (Co) says that one byte follows and then another control byte, else all that follow are of this
 * kind; bit 6 (D/C#) says data. */
static bool ssd1306_write(struct i2c_target *target, uint8_t byte) {
    struct ssd1306 *s = target->owner;
    if (s->expects_control) {
        s->control = byte;
        s->expects_control = false;
    } else {
        take_byte(s, s->control & 0x40, byte);
        s->expects_control = s->control & 0x80;
    }
    return true;
}

static uint8_t ssd1306_read(struct i2c_target *target) {
    return ((struct ssd1306 *)target->owner)->r.on ? 0 : 0x40;
}

static void ssd1306_receive(struct spi_target *target, uint8_t byte) {
    struct ssd1306 *s = target->owner;
    if (!is_held_in_reset(s)) {
        take_byte(s, s->part.nets[DC] && net_is_high(s->part.nets[DC]), byte);
    }
}

/* ---- What is seen ---- */

/* The chip's row signal (COM) on the wire of a panel's row: how panels are wired, and what DAh makes of it. */
static unsigned signal_of_row(const struct ssd1306 *s, unsigned row) {
    unsigned pin = height(s) == 32 ? row : row % 2 * 32 + row / 2;
    pin ^= s->r.com_pins & 0x20;
    return s->r.com_pins & 0x10 ? pin % 32 * 2 + pin / 32 : pin;
}

static unsigned scrolled(const struct scroll *scroll, unsigned row) {
    if (scroll->position && row >= scroll->top && row < scroll->top + scroll->area) {
        return scroll->top + (row - scroll->top + scroll->position) % scroll->area;
    }
    return row;
}

/* The RAM row that a panel row shows; -1: none. Panel rows count from the row wired as COM0. */
static int ram_row(const struct ssd1306 *s, unsigned row) {
    const struct registers *r = &s->r;
    unsigned scan = (signal_of_row(s, row) + r->offset) % ROWS;
    if (scan > r->multiplex) {
        return -1;
    }
    unsigned line = r->com_remap ? r->multiplex - scan : scan;
    return (int)((scrolled(&r->scroll, line) + r->start_line) % ROWS);
}

static void draw_row(struct ssd1306 *s, unsigned y, uint32_t colour) {
    int row = ram_row(s, height(s) - 1 - y);
    uint32_t *out = &s->pixels[y * COLUMNS];
    for (unsigned x = 0; x < COLUMNS; x++) {
        bool lit = row >= 0 && s->ram[row / 8][COLUMNS - 1 - x] >> (row % 8) & 1;
        lit = row >= 0 && (s->r.all_on || lit != s->r.inverse);
        out[x] = lit ? colour : 0;
    }
}

static void ssd1306_show(struct part *part) {
    struct ssd1306 *s = (struct ssd1306 *)part;
    struct part_view *view = &part->views[0];
    catch_up(s);
    if (!s->dirty) {
        return;
    }
    for (unsigned y = 0; y < height(s); y++) {
        draw_row(s, y, (uint32_t)part->values[COLOR].number);
    }
    view->screen.on = s->r.on && (s->r.pump || part->values[EXTERNAL_VCC].number);
    view->screen.brightness = s->r.contrast / 255.0;
    view->screen.generation++;
    s->dirty = false;
}

/* ---- The part ---- */
static void reset_chip(struct ssd1306 *s) {
    s->r = reset_state;
    s->have = 0;
    s->expects_control = true;
    s->dirty = true;
}

static void rst_changed(struct net_listener *listener, struct net *net) {
    if (net->level == NET_LEVEL_LOW) {
        reset_chip(listener->owner);
    }
}

static void ssd1306_reset(struct part *part) {
    struct ssd1306 *s = (struct ssd1306 *)part;
    for (unsigned i = 0; i < PAGES * COLUMNS; i++) {
        s->ram[i / COLUMNS][i % COLUMNS] = (uint8_t)random_next(&part->random);
    }
    reset_chip(s);
}

static bool attach_i2c(struct ssd1306 *s) {
    s->i2c = (struct i2c_target){ .scl = s->part.nets[SCL], .sda = s->part.nets[SDA], .owner = s };
    s->i2c.start = ssd1306_start;
    s->i2c.write = ssd1306_write;
    s->i2c.read = ssd1306_read;
    s->has_i2c = s->i2c.scl && s->i2c.sda;
    if (s->has_i2c) {
        i2c_target_attach(&s->i2c);
    }
    return true;
}

static bool attach_spi(struct ssd1306 *s, struct error *error) {
    struct net **nets = s->part.nets;
    if (!nets[DC] && (nets[SCL] || nets[SDA])) {
        error_set(error, "on SPI it needs its pin DC");
        return false;
    }
    s->spi = (struct spi_target){ .sck = nets[SCL], .mosi = nets[SDA], .cs = nets[CS], .owner = s };
    s->spi.receive = ssd1306_receive;
    s->has_spi = nets[SCL] && nets[SDA];
    if (s->has_spi) {
        spi_target_attach(&s->spi);
    }
    return true;
}

static bool is_on_spi(const struct part *part) {
    enum bus bus = (enum bus)part->values[BUS].number;
    return bus == BUS_SPI || (bus == BUS_AUTO && part->nets[DC]);
}

static bool ssd1306_init(struct part *part, struct error *error) {
    struct ssd1306 *s = (struct ssd1306 *)part;
    if (!(is_on_spi(part) ? attach_spi(s, error) : attach_i2c(s))) {
        return false;
    }
    s->rst_listener = (struct net_listener){ .changed = rst_changed, .owner = s, .passive = true };
    if (part->nets[RST]) {
        net_listen(part->nets[RST], &s->rst_listener);
    }
    part->views[0] = (struct part_view){ .kind = PART_SCREEN, .name = "screen", 2.6, 6, 21.74, height(s) * 0.17 };
    part->views[0].screen.width = COLUMNS;
    part->views[0].screen.height = height(s);
    part->views[0].screen.pixels = s->pixels;
    part->view_count = 1;
    return true;
}

static void ssd1306_finish(struct part *part) {
    struct ssd1306 *s = (struct ssd1306 *)part;
    if (s->has_i2c) {
        i2c_target_detach(&s->i2c);
    }
    if (s->has_spi) {
        spi_target_detach(&s->spi);
    }
    if (part->nets[RST]) {
        net_unlisten(part->nets[RST], &s->rst_listener);
    }
}

static const struct part_pin pins[] = {
    { "GND", NULL, 4.5, 1.5 },
    { "VCC", "VIN VDD", 7.04, 1.5 },
    { "SCL", "CLK SCK D0", 9.58, 1.5 },
    { "SDA", "DATA MOSI D1", 12.12, 1.5 },
    { "RST", "RES RESET", 14.66, 1.5 },
    { "DC", "D/C", 17.2, 1.5 },
    { "CS", NULL, 19.74, 1.5 },
    { "3V3", NULL, 22.28, 1.5 },
    { 0 },
};

static const struct part_attribute attributes[] = {
    [ADDRESS] = { "i2cAddress", PART_NUMBER, "0x3c", 0x3c, 0x3d },
    [SIZE] = { "size", PART_CHOICE, "128x64", .choices = (const char *const[]){ "128x64", "128x32", NULL } },
    [BUS] = { "bus", PART_CHOICE, "auto", .choices = (const char *const[]){ "auto", "i2c", "spi", NULL } },
    [COLOR] = { "color", PART_COLOUR, "white" },
    [EXTERNAL_VCC] = { "externalVcc", PART_FLAG, "0" },
    { 0 },
};

static const struct part_shape shapes[] = {
    { PART_RECTANGLE, 0.5, 4, 26, 17, 0x181820 },
    { PART_LETTERING, 1.5, 23, 10, 1.6, 0xc0c8d0, "SSD1306" },
};

/* ---- Snapshots ---- */
static void scroll_walk(struct scroll *scroll, struct walk *walk) {
    walk_bool(walk, &scroll->active);
    walk_bool(walk, &scroll->left);
    walk_bool(walk, &scroll->vertical);
    walk_u8_below(walk, &scroll->first_page, PAGES);
    walk_u8_below(walk, &scroll->last_page, PAGES);
    walk_below(walk, &scroll->frames, 257);
    walk_u8(walk, &scroll->rows);
    walk_u8_below(walk, &scroll->top, ROWS);
    walk_u8_below(walk, &scroll->area, 128);
    walk_below(walk, &scroll->position, 128);
    walk_u64(walk, &scroll->since_ps);
}

static void registers_walk(struct registers *r, struct walk *walk) {
    walk_bool(walk, &r->on);
    walk_bool(walk, &r->all_on);
    walk_bool(walk, &r->inverse);
    walk_bool(walk, &r->pump);
    walk_u8(walk, &r->contrast);
    walk_bool(walk, &r->segment_remap);
    walk_bool(walk, &r->com_remap);
    walk_u8_below(walk, &r->multiplex, ROWS);
    walk_u8_below(walk, &r->offset, ROWS);
    walk_u8_below(walk, &r->start_line, ROWS);
    walk_u8(walk, &r->com_pins);
    walk_u8(walk, &r->clock);
    walk_u8(walk, &r->precharge);
    WALK_ENUM(walk, r->mode, PAGE + 1);
    walk_u8_below(walk, &r->column, COLUMNS);
    walk_u8_below(walk, &r->page, PAGES);
    walk_u8_below(walk, &r->first_column, COLUMNS);
    walk_u8_below(walk, &r->last_column, COLUMNS);
    walk_u8_below(walk, &r->first_page, PAGES);
    walk_u8_below(walk, &r->last_page, PAGES);
    scroll_walk(&r->scroll, walk);
}

static void ssd1306_walk(struct part *part, struct walk *walk) {
    struct ssd1306 *s = (struct ssd1306 *)part;
    i2c_target_walk(&s->i2c, walk);
    spi_target_walk(&s->spi, walk);
    registers_walk(&s->r, walk);
    walk_bytes(walk, s->ram, sizeof(s->ram));
    walk_bool(walk, &s->expects_control);
    walk_u8(walk, &s->control);
    walk_bytes(walk, s->command, sizeof(s->command));
    walk_below(walk, &s->have, sizeof(s->command));
    if (s->have && s->have > arguments(s->command[0])) {
        walk_fail(walk, "a command that is longer than it is");
        s->have = 0;
    }
    s->dirty = s->dirty || walk->reads;
}

const struct part_class ssd1306_class = {
    .type = "ssd1306",
    .aliases = (const char *const[]){ "wokwi-ssd1306", "board-ssd1306", NULL },
    .title = "OLED display SSD1306",
    .pins = pins,
    .attributes = attributes,
    .face = { 27, 26, shapes, sizeof(shapes) / sizeof(shapes[0]) },
    .colour = 0x143a6e,
    .size = sizeof(struct ssd1306),
    .init = ssd1306_init,
    .finish = ssd1306_finish,
    .reset = ssd1306_reset,
    .show = ssd1306_show,
    .walk = ssd1306_walk,
};
