/* Names and texts of parts: the nearest name, and an attribute's value from its text. For part.c. */
#ifndef PARTS_PART_NAMES_H
#define PARTS_PART_NAMES_H

#include "emulator/core/nearest.h"
#include "peripherals/parts/part.h"

/* The type of a part or board: what is alike in "wokwi-" and "board-" does not count. */
void nearest_offer_type(struct nearest *nearest, const char *type);

/* The number that stands for an attribute's text (part.h, struct part_value). False with an error line. */
bool part_parse(const struct part_attribute *attribute, const char *text, double *ret_number, struct error *error);
/* A control's value from its text, in range. */
bool part_parse_control(const struct part_control *control, const char *text, double *ret_value, struct error *error);
/* Range and wrapping of a control. */
bool part_check_control(const struct part_control *control, double *value, struct error *error);

#endif
