/* The classes of all parts, for the registry and for unit tests. Everybody else finds them by type. */
#ifndef PARTS_PARTS_H
#define PARTS_PARTS_H

#include "peripherals/parts/part.h"

extern const struct part_class as5600_class;
extern const struct part_class breadboard_class;
extern const struct part_class breadboard_half_class;
extern const struct part_class breadboard_mini_class;
extern const struct part_class buzzer_class;
extern const struct part_class dvi_monitor_class;
extern const struct part_class gnd_class;
extern const struct part_class junction_class;
extern const struct part_class led_class;
extern const struct part_class neopixel_class;
extern const struct part_class neopixel_strip_class;
extern const struct part_class pir_class;
extern const struct part_class potentiometer_class;
extern const struct part_class pushbutton_class;
extern const struct part_class resistor_class;
extern const struct part_class rgb_led_class;
extern const struct part_class servo_class;
extern const struct part_class slide_switch_class;
extern const struct part_class ssd1306_class;
extern const struct part_class st7789_class;
extern const struct part_class text_class;
extern const struct part_class touch_pad_class;
extern const struct part_class vcc_class;

#endif
