/* A board as a part: its pins and its LED, made from the boards table, so that projects, pictures and windows need to
 * know one kind of thing only. Boards with the Pico's outline have their pins where the real ones are; any other is
 * drawn as a plain module with its pins along two sides. */
#ifndef PROJECT_BOARD_PART_H
#define PROJECT_BOARD_PART_H

#include "firmware-loader/boards.h"
#include "peripherals/parts/part.h"

#define BOARD_CLASS_PINS 112
#define BOARD_CLASS_SHAPES 160
#define BOARD_RADIO_GPIOS 3 /* of a CYW43439 */

/* What a pin that is no GPIO is connected to on the board. BOARD_5V is VBUS of the USB connector; BOARD_VSYS is what
 * the board's regulator lives from: VBUS behind a diode, or a battery. */
enum board_rail { BOARD_GND, BOARD_3V3, BOARD_5V, BOARD_VSYS, BOARD_RUN, BOARD_OTHER, BOARD_RAILS };

/* Where a board's power comes from. */
struct board_supply {
    bool on;  /* something feeds it at all */
    bool usb; /* the USB cable does; otherwise a battery at VSYS */
};
double board_supply_vbus(const struct board_supply *supply); /* volts */
double board_supply_vsys(const struct board_supply *supply);

struct board_class {
    struct part_class class;
    const struct board *board;
    struct part_pin pins[BOARD_CLASS_PINS];
    char names[BOARD_CLASS_PINS][16];
    int gpio[BOARD_CLASS_PINS]; /* GPIO number, BOARD_PIN_CYW43 + n, or -1 - enum board_rail */
    unsigned pin_count;
    struct part_shape shapes[BOARD_CLASS_SHAPES];
    double led_x, led_y;
};

/* CircuitPython's board id of a part type ("wokwi-pi-pico", "board-<id>"); NULL when the type is no board. */
const char *board_type_id(const char *type);
/* The board type that `type` may have been meant to be; NULL when nothing is like it. */
const char *board_nearest_type(const char *type);
/* Must not move afterwards. */
void board_class_init(struct board_class *class, const struct board *board);
/* The part of a board has another supply from now on: what it measures of it follows. */
void board_part_supply(struct part *part, const struct board_supply *supply);
/* The pin with this name, of the boards table or a supply's ("GND.3", "3V3", "VBUS"); -1 when there is none. */
int board_class_pin(const struct board_class *class, const char *name);
/* A test point that leads to the radio chip of the board. */
bool board_class_is_radio_pin(const struct board_class *class, const char *name);
const char *board_class_nearest_pin(const struct board_class *class, const char *name);

#endif
