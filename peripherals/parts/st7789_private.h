/* What the files of the ST7789 share: st7789.c (interface, commands, the part), st7789_view.c (what is seen). */
#ifndef PARTS_ST7789_PRIVATE_H
#define PARTS_ST7789_PRIVATE_H

#include "emulator/core/serial.h"
#include "peripherals/parts/brightness.h"
#include "peripherals/parts/parts.h"

#define RAM_COLUMNS 240
#define RAM_ROWS 320

#define MADCTL_BGR 0x08u

enum st7789_pin { GND, VCC, SCL, SDA, RST, DC, CS, BL, MISO, TE };
enum st7789_attribute { SIZE, IPS, TURNED };

struct st7789_panel {
    const char *size;
    unsigned columns, rows; /* of the glass, as the RAM counts */
    unsigned column, row;   /* where it begins in the RAM */
    bool landscape;
    double pitch; /* mm a pixel */
};

/* What a reset sets. */
struct st7789_registers {
    bool awake, on, inverse, idle, partial, scrolls, tearing;
    uint8_t madctl, colmod, tearing_mode, gamma;
    bool little_endian;
    uint16_t columns[2], rows[2]; /* CASET, RASET: first and last */
    uint16_t partial_rows[2];
    uint16_t scroll_area[3]; /* rows: fixed above, scrolling, fixed below */
    uint16_t scroll_start;
    uint16_t tearing_line; /* STE */
};

struct st7789 {
    struct part part;
    const struct st7789_panel *panel;
    struct spi_target spi;
    bool attached;
    struct net_listener rst_listener, backlight_listener;
    struct brightness backlight;
    struct net_driver te;
    struct event te_event;
    bool te_high;
    struct st7789_registers r;
    uint8_t command;
    uint8_t arguments[16];
    unsigned have;
    unsigned x, y;      /* where the next pixel goes, by CASET and RASET */
    uint8_t reading[8]; /* what comes out after a read command */
    unsigned reading_at;
    uint64_t ready_ps, slept_ps, rst_low_ps;
    bool has_slept;
    bool reported_early;
    bool dirty;
    uint8_t ram[RAM_ROWS][RAM_COLUMNS][3]; /* red, green, blue; 6 bits each */
    uint32_t pixels[RAM_ROWS * RAM_COLUMNS];
    struct part_shape shapes[2];
};

/* ---- st7789.c ---- */
bool st7789_is_held_in_reset(const struct st7789 *s);

/* ---- st7789_view.c ---- */
/* Bring the screen up to date. */
void st7789_show(struct part *part);

#endif
