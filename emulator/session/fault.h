/* Faults: what goes wrong on a bench, as data and as text. Command line, scenario and control share the text, which
 * docs/faults.md lists. */
#ifndef SESSION_FAULT_H
#define SESSION_FAULT_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault_kind {
    FAULT_ALL,         /* every fault there is: it can only be ended */
    FAULT_I2C_NACK,    /* nobody acknowledges `address`, on any bus */
    FAULT_I2C_STUCK,   /* something holds the pin `name` ("GP4", "part:pin") low */
    FAULT_FLASH_FLIP,  /* the bit `bit` at `offset` of the flash; `next`: a bit of what each of the next `count`
                          operations writes */
    FAULT_FLASH_POWER, /* the supply goes in the middle of the next flash operation, for `duration_ps` */
    FAULT_POWER,       /* it goes now */
    FAULT_USB_UNPLUG,  /* the cable is out for `duration_ps` */
    FAULT_USB_STALL,   /* the endpoint `address` answers STALL `count` times */
    FAULT_USB_BABBLE,  /* the device sends when it must not: the PC switches the port off and begins again */
    FAULT_BROWN_OUT,   /* the core's supply falls to `volts` for a moment */
    FAULT_ADC_NOISE,   /* noise of `volts` (root mean square) at the pin `name` */
    FAULT_WIRE,        /* the wire between `part`:`name` and `part2`:`name2` is off */
    FAULT_STUCK,       /* the control `name` of `part` does not move; `has_value`: it has moved to `value` */
    FAULT_KINDS,
};

#define FAULT_NAME 64
#define FAULT_TEXT 320 /* of the longest one */

struct fault {
    enum fault_kind kind;
    bool off; /* it ends */
    bool next, has_value;
    unsigned address, bit, count;
    uint32_t offset;
    uint64_t duration_ps;
    double volts, value;
    char part[FAULT_NAME], name[FAULT_NAME];
    char part2[FAULT_NAME], name2[FAULT_NAME];
};

/* "i2c-nack:0x3c", "i2c-stuck:SDA:off". False with one line that says what is wrong and what to write instead. */
bool fault_parse(const char *text, struct fault *ret_fault, struct error *error);
/* The text that fault_parse() makes this fault of. */
void fault_format(const struct fault *fault, char text[FAULT_TEXT]);
/* `off` would end `fault`. */
bool fault_is_ended_by(const struct fault *fault, const struct fault *off);

#endif
