/* Inputs: all that comes to a board from outside, as data. */
#ifndef SESSION_INPUT_H
#define SESSION_INPUT_H

#include "emulator/machine.h"

enum input_kind {
    INPUT_SERIAL,    /* `data` to the port `index` (enum console_port); all of it or nothing */
    INPUT_USB_CDC,   /* `data` to the USB serial port `index`, the console being 0; all of it or nothing */
    INPUT_CONTROL,   /* the control `name` of `part` to `value` */
    INPUT_PIN,       /* something outside drives the board's pin `name`: enum input_drive in `index`, `value` volts */
    INPUT_WIRE,      /* the pins `part` and `name` of the board are joined */
    INPUT_RESET,     /* the RUN pin */
    INPUT_USB_OPEN,  /* a program on the PC opens (value 1) or closes (0) the USB serial port `index` */
    INPUT_USB_PAUSE, /* the program does not read for a while (1), or goes on (0) */
};

enum input_drive { INPUT_RELEASE, INPUT_LOW, INPUT_HIGH, INPUT_PULL_DOWN, INPUT_PULL_UP, INPUT_VOLTS };

/* Text and data are borrowed. */
struct input {
    enum input_kind kind;
    unsigned index;
    const char *part, *name;
    double value;
    const void *data;
    size_t size;
};

/* "serial", "control", ... */
const char *input_kind_name(enum input_kind kind);

#endif
