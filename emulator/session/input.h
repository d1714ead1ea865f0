/* Inputs: all that comes to a board from outside, as data. */
#ifndef SESSION_INPUT_H
#define SESSION_INPUT_H

#include "emulator/machine.h"

enum input_kind {
    INPUT_SERIAL,    /* `data` to the port `index` (enum console_port); all of it or nothing */
    INPUT_USB_CDC,   /* `data` to the USB serial port `index`, the console being 0; all of it or nothing */
    INPUT_CONTROL,   /* the control `name` of `part` to `value` */
    INPUT_PIN,       /* something outside drives the pin `name`: enum input_drive in `index`, `value` volts */
    INPUT_WIRE,      /* the pins `part` and `name` of the board are joined */
    INPUT_RESET,     /* the RUN pin */
    INPUT_USB_OPEN,  /* a program on the PC opens (value 1) or closes (0) the USB serial port `index` */
    INPUT_USB_PAUSE, /* the program does not read for a while (1), or goes on (0) */
    INPUT_DRIVE,     /* the PC reads (no `data`) or writes `index` sectors of the drive from sector `value` on */
    INPUT_FLASH,     /* `data` is in the flash from offset `index` on, as if it had been there always */
    INPUT_USB,       /* the USB cable is put in (1) or pulled out (0): the board lives from its battery meanwhile */
    INPUT_POWER,     /* every supply of the board goes (0) or comes back (1) */
    INPUT_FAULT,     /* a fault begins or ends: its text (fault.h) is `name` */
    INPUT_MEMORY,    /* a debugger puts `data` at the address `index`, as core `value` would store it */
    INPUT_REGISTER,  /* a debugger sets the register `index` (INPUT_REGISTER_OF) of a core to `value` */
};

/* `number`: enum core_register_number. */
#define INPUT_REGISTER_OF(core, number) ((core) << 8 | (number))

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

/* When an input took effect: between two pieces of the run, at a time of the machine's, or within one, in answer to
 * what the board did. */
struct input_moment {
    uint64_t time_ps;
    uint64_t answers; /* the number of that answer among those of the run, from 1 on; 0: none */
    /* Or before an instruction at which a debugger has halted a core: core_position(). */
    bool is_halted;
    unsigned core;
    uint64_t cycles;
    uint32_t pc;
};

/* "serial", "control", ... */
const char *input_kind_name(enum input_kind kind);
/* False when there is none of that name. */
bool input_kind_find(const char *name, enum input_kind *ret_kind);

#endif
