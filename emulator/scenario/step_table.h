/* Which keys each kind of step has, and which field of struct scenario_step each of them is. For parse.c. */
#ifndef SCENARIO_STEP_TABLE_H
#define SCENARIO_STEP_TABLE_H

#include "emulator/scenario/scenario.h"

enum value_kind {
    VALUE_TEXT,      /* struct scenario_text; a scalar, or a list of bytes */
    VALUE_NAME,      /* char *; not empty */
    VALUE_PATH,      /* char *; a file below the scenario's folder */
    VALUE_REGEX,     /* char *; an expression that stream_pattern_regex() takes */
    VALUE_TIME,      /* uint64_t, ps */
    VALUE_NUMBER,    /* step.value: a number, true, false, high, low, on, off */
    VALUE_COUNT,     /* unsigned, from 1 on */
    VALUE_PIXELS,    /* unsigned, from 0 on */
    VALUE_BOOL,      /* bool */
    VALUE_NOT,       /* bool, the other way round */
    VALUE_CHOICE,    /* unsigned; one of the words */
    VALUE_PORT,      /* unsigned, enum scenario_port */
    VALUE_COLOUR,    /* step.colour */
    VALUE_DRIVE,     /* step.choice (enum input_drive) and step.value (volts) */
    VALUE_ADDRESS,   /* step.address: of an I2C device, 0 to 0x3ff */
    VALUE_FAULT,     /* char *; a text that fault_parse() takes */
    VALUE_TOLERANCE, /* step.tolerance */
    VALUE_LEVELS,    /* step.tolerance: levels of a colour, 0 to 255 */
    VALUE_HERTZ,     /* struct scenario_range */
    VALUE_SHARE,
    VALUE_SECONDS,
    VALUE_VOLTS,
    VALUE_STEPS,    /* step.branches[0] */
    VALUE_BRANCHES, /* step.branches */
};

struct step_key {
    const char *name;  /* as documented */
    const char *alias; /* another spelling; may be NULL */
    enum value_kind kind;
    size_t offset; /* in struct scenario_step */
    bool required;
    const char *const *choices; /* VALUE_CHOICE: ends with NULL */
};

struct step_class {
    const char *name;
    const char *aliases[4]; /* ends with NULL: other names */
    enum scenario_kind kind;
    const struct step_key *keys;  /* ends with an entry without name */
    const struct step_key *alone; /* the key that a value which is no map is for; NULL: a map is needed */
    bool empty;                   /* needs no value at all */
    const char *one_of;           /* "text, regex": at least one of these keys; NULL */
};

extern const struct step_class step_classes[];
extern const unsigned step_class_count;
/* NULL when there is none. */
const struct step_class *step_class_find(const char *name);

#endif
