/* Sitronix ST7789V, driver of a colour TFT, and the panels it comes with: datasheet v1.4; 4-wire serial interface (8
 * bits with D/C), read-back on a pin of its own.
 *
 * Not modelled: the RGB and parallel interfaces, gamma and voltage settings (accepted, no effect), content-adaptive
 * brightness, the order of refresh (MADCTL ML and MH), tearing itself, the horizontal part of the tearing signal
 * (TEON with 1), little-endian 16-bit data through the parallel bus. Modules work without their supply pins wired.
 *
 * Decided where the datasheet or the panels leave it open:
 * - A module is mounted so that MADCTL C0h is upright on the square and the portrait ones, and a landscape one so that
 *   displayio's rotation=270 is; `turned` turns it by 180 degrees.
 * - The 240x135 panel lies in the RAM at columns 52 to 186 and rows 40 to 279.
 * - IPS panels (`ips`, the default) show the colours as they are with INVON, others with INVOFF.
 * - Pixels outside the RAM are lost. Display RAM holds seeded noise after power-on; a reset leaves it alone.
 * - The 5 ms after a reset: commands are lost, with a guest line unless it is another reset (displayio sends one). 120
 * ms between SLPIN and SLPOUT: a guest line alone.
 * - A reset pulse of less than 5 us is none. While RESX is low nothing is heard.
 * - Frames begin with SLPOUT; line 0 is the first one of the blanking (STE, GSCAN).
 * - 16-bit colours become 18 bits with the most significant bit repeated (EPF 3, the default).
 * - Outside a partial area the panel is black. */
#include "peripherals/parts/st7789_commands.h"
#include "peripherals/parts/st7789_private.h"

#include <math.h>
#include <string.h>

#define RESET_PS (5 * PS_PER_MS)
#define SLEEP_PS (120 * PS_PER_MS)
#define PULSE_MIN_PS (5 * PS_PER_US)
#define FRAME_PS (PS_PER_S / 60)
#define LINES (RAM_ROWS + 24) /* front and back porch of 12 lines */
#define LINE_PS (FRAME_PS / LINES)
#define BLANK_PS (24 * LINE_PS)
#define MADCTL_MY 0x80u
#define MADCTL_MX 0x40u
#define MADCTL_MV 0x20u

static const struct st7789_panel panels[] = {
    { "240x135", 135, 240, 52, 40, true, 0.1038 }, { "135x240", 135, 240, 52, 40, false, 0.1038 },
    { "240x240", 240, 240, 0, 0, false, 0.0975 },  { "320x240", 240, 320, 0, 0, true, 0.1275 },
    { "240x320", 240, 320, 0, 0, false, 0.1275 },
};

/* In mm. */
#define PINS_WIDTH 26.0
#define GLASS_TOP 3.5
#define GLASS_BORDER 1.8 /* around the pixels */

static const struct st7789_registers reset_state = {
    .gamma = 0x01,
    .partial_rows = { 0, RAM_ROWS - 1 },
    .scroll_area = { 0, RAM_ROWS, 0 },
};

static uint64_t now_of(const struct st7789 *s) {
    return scheduler_due(s->part.env->scheduler);
}

static void guest(struct st7789 *s, const char *line) {
    log_write(s->part.env->log, LOG_GUEST, s->part.id, "%s", line);
}

/* ---- Display RAM ---- */

/* The cell that the pointer is at, as MADCTL turns it; NULL outside the RAM. */
static uint8_t *cell(struct st7789 *s) {
    bool swap = s->r.madctl & MADCTL_MV;
    unsigned column = swap ? s->y : s->x, row = swap ? s->x : s->y;
    if (column >= RAM_COLUMNS || row >= RAM_ROWS) {
        return NULL;
    }
    column = s->r.madctl & MADCTL_MX ? RAM_COLUMNS - 1 - column : column;
    row = s->r.madctl & MADCTL_MY ? RAM_ROWS - 1 - row : row;
    return s->ram[row][column];
}

static void next_pixel(struct st7789 *s) {
    if (s->x != s->r.columns[1]) {
        s->x++;
        return;
    }
    s->x = s->r.columns[0];
    s->y = s->y == s->r.rows[1] ? s->r.rows[0] : s->y + 1;
}

static void put_pixel(struct st7789 *s, unsigned red, unsigned green, unsigned blue) {
    uint8_t *rgb = cell(s);
    if (rgb) {
        rgb[0] = (uint8_t)red;
        rgb[1] = (uint8_t)green;
        rgb[2] = (uint8_t)blue;
        s->dirty = true;
    }
    next_pixel(s);
}

/* 4 or 5 bits made 6, with the upper ones repeated. */
static unsigned six_bits(unsigned value, unsigned bits) {
    return value << (6 - bits) | value >> (2 * bits - 6);
}

static void take_pixel_data(struct st7789 *s, uint8_t byte) {
    uint8_t *in = s->arguments;
    in[s->have++] = byte;
    switch (s->r.colmod & 7) {
    case 3: /* two pixels in three bytes */
        if (s->have == 2) {
            put_pixel(s, six_bits(in[0] >> 4, 4), six_bits(in[0] & 15, 4), six_bits(in[1] >> 4, 4));
        } else if (s->have == 3) {
            put_pixel(s, six_bits(in[1] & 15, 4), six_bits(in[2] >> 4, 4), six_bits(in[2] & 15, 4));
            s->have = 0;
        }
        break;
    case 5:
        if (s->have == 2) {
            unsigned word = s->r.little_endian ? in[0] | in[1] << 8 : in[0] << 8 | in[1];
            put_pixel(s, six_bits(word >> 11, 5), word >> 5 & 63, six_bits(word & 31, 5));
            s->have = 0;
        }
        break;
    default:
        if (s->have == 3) {
            put_pixel(s, in[0] >> 2, in[1] >> 2, in[2] >> 2);
            s->have = 0;
        }
        break;
    }
}

/* ---- Tearing signal ---- */
static uint64_t frame_position_ps(const struct st7789 *s) {
    return (now_of(s) - s->slept_ps) % FRAME_PS;
}

static unsigned scan_line(const struct st7789 *s) {
    unsigned line = (unsigned)(frame_position_ps(s) / LINE_PS);
    return !s->r.awake ? 0 : line < LINES ? line : LINES - 1;
}

static void te_due(struct event *event, uint64_t late_ps) {
    struct st7789 *s = event->owner;
    s->te_high = !s->te_high;
    net_drive(&s->te, s->te_high ? NET_HIGH : NET_LOW);
    scheduler_add(s->part.env->scheduler, event, event->when_ps + (s->te_high ? BLANK_PS : FRAME_PS - BLANK_PS));
}

/* It rises next at the line that STE has named, in this frame or in the next one. */
static void update_te(struct st7789 *s) {
    uint64_t rises = s->r.tearing_line % LINES * LINE_PS, at = frame_position_ps(s);
    scheduler_cancel(s->part.env->scheduler, &s->te_event);
    s->te_high = false;
    net_drive(&s->te, NET_LOW);
    if (s->r.tearing && s->r.awake && s->part.nets[TE]) {
        uint64_t wait = rises > at ? rises - at : FRAME_PS + rises - at;
        scheduler_add(s->part.env->scheduler, &s->te_event, now_of(s) + wait);
    }
}

/* ---- Reset and sleep ---- */
static void reset_chip(struct st7789 *s, uint8_t madctl, uint8_t colmod) {
    bool was_awake = s->r.awake;
    s->r = reset_state;
    s->r.madctl = madctl;
    s->r.colmod = colmod;
    s->r.columns[1] = madctl & MADCTL_MV ? RAM_ROWS - 1 : RAM_COLUMNS - 1;
    s->r.rows[1] = madctl & MADCTL_MV ? RAM_COLUMNS - 1 : RAM_ROWS - 1;
    s->command = NOP;
    s->have = 0;
    s->ready_ps = now_of(s) + RESET_PS;
    if (was_awake) {
        s->slept_ps = now_of(s);
        s->has_slept = true;
    }
    s->dirty = true;
    update_te(s);
}

static void hard_reset(struct st7789 *s) {
    reset_chip(s, 0, 0x66);
}

static void set_awake(struct st7789 *s, bool awake) {
    if (s->r.awake == awake) {
        return;
    }
    if (s->has_slept && now_of(s) - s->slept_ps < SLEEP_PS) {
        guest(s, awake ? "SLPOUT less than 120 ms after SLPIN or a reset" : "SLPIN less than 120 ms after SLPOUT");
    }
    s->r.awake = awake;
    s->slept_ps = now_of(s);
    s->has_slept = true;
    update_te(s);
}

static void rst_changed(struct net_listener *listener, struct net *net) {
    struct st7789 *s = listener->owner;
    if (net->level == NET_LEVEL_LOW) {
        s->rst_low_ps = now_of(s);
    } else if (s->rst_low_ps != TIME_NEVER) {
        if (now_of(s) - s->rst_low_ps >= PULSE_MIN_PS) {
            hard_reset(s);
        }
        s->rst_low_ps = TIME_NEVER;
    }
}

bool st7789_is_held_in_reset(const struct st7789 *s) {
    return s->part.nets[RST] && s->part.nets[RST]->level == NET_LEVEL_LOW;
}

/* ---- Reading back ---- */

/* The curve that one of the four bits of GAMSET has chosen. */
static uint8_t gamma_curve(const struct st7789_registers *r) {
    return r->gamma & 15 ? (uint8_t)__builtin_ctz(r->gamma & 15) : 0;
}

static uint8_t power_mode(const struct st7789_registers *r) {
    bool normal = !r->partial && !r->scrolls;
    return (uint8_t)(r->awake << 7 | r->idle << 6 | r->partial << 5 | r->awake << 4 | normal << 3 | r->on << 2);
}

static uint32_t display_status(const struct st7789_registers *r) {
    bool normal = !r->partial && !r->scrolls;
    uint32_t low =
        (uint32_t)(r->scrolls << 15 | r->inverse << 13 | r->on << 10 | r->tearing << 9 | r->tearing_mode << 5) |
        (uint32_t)gamma_curve(r) << 6;
    uint32_t mode =
        (uint32_t)((r->colmod & 7) << 20 | r->idle << 19 | r->partial << 18 | r->awake << 17 | normal << 16);
    return (uint32_t)r->awake << 31 | (uint32_t)(r->madctl & 0xfc) << 23 | mode | low;
}

/* More than one byte comes after one clock of nothing: everything is a bit late. */
static void prepare_late(struct st7789 *s, uint32_t value) {
    for (unsigned i = 0; i < 5; i++) {
        s->reading[i] = (uint8_t)(((uint64_t)value << 7) >> (32 - 8 * i));
    }
}

static bool prepare_byte(struct st7789 *s, uint8_t command) {
    const struct st7789_registers *r = &s->r;
    const uint8_t answers[] = {
        [RDDPM - RDDPM] = power_mode(r),
        [RDDMADCTL - RDDPM] = r->madctl,
        [RDDCOLMOD - RDDPM] = r->colmod,
        [RDDIM - RDDPM] = (uint8_t)(r->scrolls << 7 | r->inverse << 5 | gamma_curve(r)),
        [RDDSM - RDDPM] = (uint8_t)(r->tearing << 7 | r->tearing_mode << 6),
        [RDDSDR - RDDPM] = 0,
    };
    if (command >= RDDPM && command <= RDDSDR) {
        s->reading[0] = answers[command - RDDPM];
    } else if (command >= RDID1 && command <= RDID3) {
        s->reading[0] = command == RDID3 ? 0x52 : 0x85;
    } else {
        return false;
    }
    return true;
}

static void prepare_reading(struct st7789 *s, uint8_t command) {
    memset(s->reading, 0, sizeof(s->reading));
    s->reading_at = 0;
    if (command == RDDID) {
        prepare_late(s, 0x85855200);
    } else if (command == RDDST) {
        prepare_late(s, display_status(&s->r));
    } else if (command == GSCAN) {
        prepare_late(s, scan_line(s) << 16);
    } else {
        prepare_byte(s, command);
    }
}

static bool reads_ram(const struct st7789 *s) {
    return s->command == RAMRD || s->command == RDMEMC;
}

/* A byte of nothing, then three bytes a pixel. */
static uint8_t ram_byte(struct st7789 *s) {
    const uint8_t *rgb = s->reading_at ? cell(s) : NULL;
    return rgb ? (uint8_t)(rgb[(s->reading_at - 1) % 3] << 2) : 0;
}

/* On the wires this is asked before DC rises for the first byte, and once too often after the last one. */
static uint8_t st7789_reply(struct spi_target *target) {
    struct st7789 *s = target->owner;
    if (reads_ram(s)) {
        return ram_byte(s);
    }
    return s->reading_at < sizeof(s->reading) ? s->reading[s->reading_at] : 0;
}

/* A byte has gone out whole. */
static void go_on_reading(struct st7789 *s) {
    bool whole_pixel = s->reading_at && s->reading_at % 3 == 0;
    if (reads_ram(s) && whole_pixel) {
        next_pixel(s);
    }
    s->reading_at++;
}

/* ---- Commands ---- */
static unsigned argument_count(uint8_t command) {
    switch (command) {
    case MADCTL:
    case COLMOD:
    case TEON:
    case GAMSET:
        return 1;
    case VSCRSADD:
    case STE:
    case RAMCTRL:
        return 2;
    case CASET:
    case RASET:
    case PTLAR:
        return 4;
    case VSCRDEF:
        return 6;
    default:
        return 0;
    }
}

static uint16_t word_at(const struct st7789 *s, unsigned index) {
    return (uint16_t)(s->arguments[2 * index] << 8 | s->arguments[2 * index + 1]);
}

static void set_range(struct st7789 *s, uint16_t *range, const char *what) {
    uint16_t first = word_at(s, 0), last = word_at(s, 1);
    if (first > last) {
        log_write(s->part.env->log, LOG_GUEST, s->part.id, "%s: from %u to %u", what, first, last);
        return;
    }
    range[0] = first;
    range[1] = last;
}

static void set_scroll_area(struct st7789 *s) {
    if (word_at(s, 0) + word_at(s, 1) + word_at(s, 2) != RAM_ROWS) {
        guest(s, "VSCRDEF: the three areas are not 320 rows together");
        return;
    }
    for (unsigned i = 0; i < 3; i++) {
        s->r.scroll_area[i] = word_at(s, i);
    }
}

/* All arguments of the command are there. */
static void do_with_arguments(struct st7789 *s) {
    switch (s->command) {
    case CASET:
        set_range(s, s->r.columns, "CASET");
        break;
    case RASET:
        set_range(s, s->r.rows, "RASET");
        break;
    case PTLAR:
        s->r.partial_rows[0] = word_at(s, 0);
        s->r.partial_rows[1] = word_at(s, 1);
        break;
    case VSCRDEF:
        set_scroll_area(s);
        break;
    case VSCRSADD:
        s->r.scroll_start = word_at(s, 0);
        s->r.scrolls = true;
        break;
    case MADCTL:
        s->r.madctl = s->arguments[0];
        break;
    case COLMOD:
        s->r.colmod = s->arguments[0];
        break;
    case TEON:
        s->r.tearing_mode = s->arguments[0] & 1;
        break;
    case STE:
        s->r.tearing_line = word_at(s, 0);
        s->r.tearing = true;
        update_te(s);
        break;
    case GAMSET:
        s->r.gamma = s->arguments[0];
        break;
    case RAMCTRL:
        s->r.little_endian = s->arguments[1] & 8;
        break;
    default:
        break;
    }
    s->dirty = true;
}

static void set_pointer(struct st7789 *s) {
    s->x = s->r.columns[0];
    s->y = s->r.rows[0];
}

/* Commands that take effect with their code. */
static void do_command(struct st7789 *s, uint8_t command) {
    switch (command) {
    case SWRESET:
        reset_chip(s, s->r.madctl, s->r.colmod);
        break;
    case SLPIN:
    case SLPOUT:
        set_awake(s, command == SLPOUT);
        break;
    case PTLON:
    case NORON:
        s->r.partial = command == PTLON;
        s->r.scrolls = false;
        break;
    case INVOFF:
    case INVON:
        s->r.inverse = command == INVON;
        break;
    case DISPOFF:
    case DISPON:
        s->r.on = command == DISPON;
        break;
    case IDMOFF:
    case IDMON:
        s->r.idle = command == IDMON;
        break;
    case TEOFF:
    case TEON:
        s->r.tearing = command == TEON;
        s->r.tearing_line = 0;
        update_te(s);
        break;
    case RAMWR:
    case RAMRD:
        set_pointer(s);
        break;
    default:
        break;
    }
    s->dirty = true;
}

static bool is_known(uint8_t command) {
    return command <= NORON || (command >= INVOFF && command <= INVON) || command == GAMSET ||
           (command >= DISPOFF && command <= PTLAR) || (command >= VSCRDEF && command <= COLMOD) || command == WRMEMC ||
           command == RDMEMC || command == STE || command == GSCAN || (command >= WRDISBV && command <= RDABCSDR) ||
           command >= RAMCTRL;
}

static void take_command(struct st7789 *s, uint8_t command) {
    if (now_of(s) < s->ready_ps) {
        if (!s->reported_early && command != SWRESET) {
            guest(s, "a command within 5 ms of a reset is lost");
        }
        s->reported_early |= command != SWRESET;
        s->command = NOP;
        return;
    }
    s->command = command;
    s->have = 0;
    if (!is_known(command)) {
        log_write(s->part.env->log, LOG_GUEST, s->part.id, "command 0x%02x is none of the ST7789", command);
    }
    prepare_reading(s, command);
    do_command(s, command);
}

static void take_argument(struct st7789 *s, uint8_t byte) {
    if (s->command == RAMWR || s->command == WRMEMC) {
        take_pixel_data(s, byte);
    } else if (s->have < argument_count(s->command)) {
        s->arguments[s->have++] = byte;
        if (s->have == argument_count(s->command)) {
            do_with_arguments(s);
        }
    }
}

static void st7789_receive(struct spi_target *target, uint8_t byte) {
    struct st7789 *s = target->owner;
    if (st7789_is_held_in_reset(s)) {
        return;
    }
    if (net_is_high(s->part.nets[DC])) {
        go_on_reading(s);
        take_argument(s, byte);
    } else {
        take_command(s, byte);
    }
}

/* ---- The part ---- */

/* A backlight whose pin is open shines: the module pulls it up. */
static bool backlight_level(const struct part *part) {
    return part->nets[BL] && part->nets[BL]->level != NET_LEVEL_LOW;
}

static void backlight_changed(struct net_listener *listener, struct net *net) {
    struct st7789 *s = listener->owner;
    brightness_set(&s->backlight, backlight_level(&s->part));
}

static void listen(struct part *part, enum st7789_pin pin, struct net_listener *listener,
                   void (*changed)(struct net_listener *listener, struct net *net)) {
    *listener = (struct net_listener){ .changed = changed, .owner = part, .passive = true };
    if (part->nets[pin]) {
        net_listen(part->nets[pin], listener);
    }
}

static bool attach_bus(struct st7789 *s, struct error *error) {
    struct net **nets = s->part.nets;
    s->attached = nets[SCL] && nets[SDA];
    if (s->attached && !nets[DC]) {
        error_set(error, "it needs its pin DC");
        return false;
    }
    s->spi = (struct spi_target){ .sck = nets[SCL], .mosi = nets[SDA], .miso = nets[MISO], .cs = nets[CS], .owner = s };
    s->spi.reply = nets[MISO] ? st7789_reply : NULL;
    s->spi.receive = st7789_receive;
    if (s->attached) {
        spi_target_attach(&s->spi);
    }
    return true;
}

/* A module is as large as its glass, or its row of pins, asks for. */
static void set_up_face(struct st7789 *s, double glass_width, double glass_height) {
    struct part_face *face = &s->part.face;
    face->width = fmax(glass_width + 2, PINS_WIDTH);
    face->height = GLASS_TOP + glass_height + 1;
    double left = (face->width - glass_width) / 2;
    s->shapes[0] = (struct part_shape){ PART_RECTANGLE, left, GLASS_TOP, glass_width, glass_height, 0x101014, NULL };
    s->shapes[1] = (struct part_shape){ PART_LETTERING, left + 1, face->height - 2.4, 10, 1, 0x808890, "ST7789" };
    face->shapes = s->shapes;
    face->shape_count = sizeof(s->shapes) / sizeof(s->shapes[0]);
}

static void set_up_view(struct st7789 *s) {
    const struct st7789_panel *p = s->panel;
    unsigned width = p->landscape ? p->rows : p->columns, height = p->landscape ? p->columns : p->rows;
    struct part_view *view = &s->part.views[0];
    *view = (struct part_view){ .kind = PART_SCREEN, .name = "screen" };
    view->width = width * p->pitch;
    view->height = height * p->pitch;
    set_up_face(s, view->width + 2 * GLASS_BORDER, view->height + 2 * GLASS_BORDER);
    view->x = (s->part.face.width - view->width) / 2;
    view->y = GLASS_TOP + GLASS_BORDER;
    view->screen.width = width;
    view->screen.height = height;
    view->screen.pixels = s->pixels;
    s->part.view_count = 1;
}

static bool st7789_init(struct part *part, struct error *error) {
    struct st7789 *s = (struct st7789 *)part;
    if (!attach_bus(s, error)) {
        return false;
    }
    s->panel = &panels[(unsigned)part->values[SIZE].number];
    s->rst_low_ps = TIME_NEVER;
    listen(part, RST, &s->rst_listener, rst_changed);
    listen(part, BL, &s->backlight_listener, backlight_changed);
    brightness_init(&s->backlight, part->env->scheduler, backlight_level(part));
    s->te = (struct net_driver){ .name = part->id };
    s->te_event = (struct event){ .name = "ST7789 TE", .callback = te_due, .owner = s };
    if (part->nets[TE]) {
        net_attach(part->nets[TE], &s->te);
    }
    set_up_view(s);
    return true;
}

static void st7789_finish(struct part *part) {
    struct st7789 *s = (struct st7789 *)part;
    scheduler_cancel(part->env->scheduler, &s->te_event);
    net_detach(&s->te);
    if (s->attached) {
        spi_target_detach(&s->spi);
    }
    if (part->nets[RST]) {
        net_unlisten(part->nets[RST], &s->rst_listener);
    }
    if (part->nets[BL]) {
        net_unlisten(part->nets[BL], &s->backlight_listener);
    }
}

static void st7789_reset(struct part *part) {
    struct st7789 *s = (struct st7789 *)part;
    for (unsigned i = 0; i < RAM_ROWS * RAM_COLUMNS * 3; i++) {
        ((uint8_t *)s->ram)[i] = random_next(&part->random) & 63;
    }
    s->r.awake = false;
    s->has_slept = false;
    hard_reset(s);
}

static const struct part_pin pins[] = {
    { "GND", NULL, 1.57, 1.5 },
    { "VCC", "VIN VDD", 4.11, 1.5 },
    { "SCL", "SCK CLK", 6.65, 1.5 },
    { "SDA", "MOSI DIN", 9.19, 1.5 },
    { "RST", "RES RESET", 11.73, 1.5 },
    { "DC", "RS D/C", 14.27, 1.5 },
    { "CS", "TCS", 16.81, 1.5 },
    { "BL", "BLK LED LITE", 19.35, 1.5 },
    { "MISO", "SDO", 21.89, 1.5 },
    { "TE", NULL, 24.43, 1.5 },
    { 0 },
};

static const char *const sizes[] = { "240x135", "135x240", "240x240", "320x240", "240x320", NULL };

static const struct part_attribute attributes[] = {
    [SIZE] = { "size", PART_CHOICE, "240x240", .choices = sizes },
    [IPS] = { "ips", PART_FLAG, "1" },
    [TURNED] = { "turned", PART_FLAG, "0" },
    { 0 },
};

/* ---- Snapshots ---- */
static void registers_walk(struct st7789_registers *r, struct walk *walk) {
    bool *flags[] = {
        &r->awake, &r->on, &r->inverse, &r->idle, &r->partial, &r->scrolls, &r->tearing, &r->little_endian
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        walk_bool(walk, flags[i]);
    }
    walk_u8(walk, &r->madctl);
    walk_u8(walk, &r->colmod);
    walk_u8_below(walk, &r->tearing_mode, 2);
    walk_u8(walk, &r->gamma);
    walk_u16s(walk, r->columns, 2);
    walk_u16s(walk, r->rows, 2);
    walk_u16s(walk, r->partial_rows, 2);
    walk_u16s(walk, r->scroll_area, 3);
    walk_u16(walk, &r->scroll_start);
    walk_u16(walk, &r->tearing_line);
    if (r->scroll_area[0] + r->scroll_area[1] + r->scroll_area[2] != RAM_ROWS) {
        walk_fail(walk, "rows that are more or less than it has");
        memcpy(r->scroll_area, reset_state.scroll_area, sizeof(r->scroll_area));
    }
}

/* So many bytes of a pixel may have come. */
static unsigned most_arguments(const struct st7789 *s) {
    bool is_pixel = s->command == RAMWR || s->command == WRMEMC;
    return !is_pixel ? sizeof(s->arguments) : (s->r.colmod & 7) == 5 ? 1 : 2;
}

static void st7789_walk(struct part *part, struct walk *walk) {
    struct st7789 *s = (struct st7789 *)part;
    spi_target_walk(&s->spi, walk);
    brightness_walk(&s->backlight, walk);
    net_driver_walk(&s->te, walk);
    walk_event(walk, &s->te_event);
    walk_bool(walk, &s->te_high);
    registers_walk(&s->r, walk);
    walk_u8(walk, &s->command);
    walk_bytes(walk, s->arguments, sizeof(s->arguments));
    walk_below(walk, &s->have, most_arguments(s) + 1);
    walk_unsigned(walk, &s->x);
    walk_unsigned(walk, &s->y);
    walk_bytes(walk, s->reading, sizeof(s->reading));
    walk_unsigned(walk, &s->reading_at);
    walk_u64(walk, &s->ready_ps);
    walk_u64(walk, &s->slept_ps);
    walk_u64(walk, &s->rst_low_ps);
    walk_bool(walk, &s->has_slept);
    walk_bool(walk, &s->reported_early);
    walk_bytes(walk, s->ram, sizeof(s->ram));
    s->dirty = s->dirty || walk->reads;
}

const struct part_class st7789_class = {
    .type = "st7789",
    .aliases = (const char *const[]){ "board-st7789", "wokwi-st7789", NULL },
    .title = "colour TFT display ST7789",
    .pins = pins,
    .attributes = attributes,
    .face = { PINS_WIDTH, PINS_WIDTH, NULL, 0 },
    .colour = 0x202830,
    .size = sizeof(struct st7789),
    .init = st7789_init,
    .finish = st7789_finish,
    .reset = st7789_reset,
    .show = st7789_show,
    .walk = st7789_walk,
};
