/* A scenario file as data: what is to run, and steps that a board has to pass, case by case.
 *
 * The format is Wokwi's scenario YAML, version 1, with more kinds of steps; docs/scenarios.md is its description. Every
 * name of a file in it is one below the scenario's own folder. Nothing here touches a board: runner.h does. */
#ifndef SCENARIO_SCENARIO_H
#define SCENARIO_SCENARIO_H

#include "emulator/project/findings.h"
#include "emulator/session/stream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCENARIO_STEPS 10000 /* in a file, those in others among them */
#define SCENARIO_CASES 10000
#define SCENARIO_DEPTH 8 /* steps in steps */
#define SCENARIO_BRANCHES 16
#define SCENARIO_MATRIX 32 /* boards, or versions of firmware */
#define SCENARIO_BYTES (1024 * 1024)
#define SCENARIO_TIMEOUT_PS (10000 * UINT64_C(1000000000)) /* of a step that waits, unless it says otherwise */

enum scenario_kind {
    SCENARIO_DELAY,
    SCENARIO_WAIT_SERIAL,
    SCENARIO_WRITE_SERIAL,
    SCENARIO_SET_CONTROL,
    SCENARIO_SET,
    SCENARIO_PRESS,
    SCENARIO_EXPECT_PIN,
    SCENARIO_SET_PIN,
    SCENARIO_WIRE,
    SCENARIO_RESET,
    SCENARIO_USB,
    SCENARIO_POWER,
    SCENARIO_WRITE_FILE,
    SCENARIO_EXPECT_FILE,
    SCENARIO_EXPECT_VIEW,
    SCENARIO_TAKE_SCREENSHOT,
    SCENARIO_EXPECT_USB,
    SCENARIO_EXPECT_BUS,
    SCENARIO_EXPECT_LINE,
    SCENARIO_EXPECT_STACK,
    SCENARIO_FAULT,
    SCENARIO_REPEAT,
    SCENARIO_PARALLEL,
    SCENARIO_TOUCH, /* Wokwi's touch screens and custom chips: there are none here, and the runner says so */
    SCENARIO_CUSTOM_CHIP,
    SCENARIO_KINDS,
};

/* From 1 on, as editors count. */
struct scenario_mark {
    unsigned line, column;
};

/* May hold NUL bytes; a NUL follows the last one. `bytes` NULL: not given. */
struct scenario_text {
    char *bytes;
    size_t length;
};

/* A number and how far off it may be, both in the same unit (Hz, seconds, a share). */
struct scenario_range {
    bool given;
    double value, tolerance;
};

enum scenario_port { SCENARIO_CONSOLE, SCENARIO_UART0, SCENARIO_UART1, SCENARIO_DATA, SCENARIO_PORTS };
enum scenario_bus { SCENARIO_I2C, SCENARIO_SPI, SCENARIO_UART };
enum scenario_direction { SCENARIO_ANY_DIRECTION, SCENARIO_READ, SCENARIO_WRITE };

struct scenario_step;

struct scenario_list {
    struct scenario_step *steps;
    unsigned count;
};

/* One step; which fields count is told by its kind (see step_table.c). Texts are owned; NULL: not given. */
struct scenario_step {
    enum scenario_kind kind;
    struct scenario_mark mark;
    struct scenario_mark place; /* of what the step is about: a part's id, a file's name */
    char *title;                /* the step's `name` */
    uint64_t timeout_ps;        /* how long it may wait */
    bool waits;                 /* a timeout is given with the step */

    uint64_t time_ps; /* delay, duration, or the time for which a pin is measured */
    char *part, *pin, *other_pin, *control, *view;
    char *file, *mask, *save_to, *compare_with, *source, *font;
    struct scenario_text text, start; /* a whole text, and the beginning of one */
    char *regex;
    double value;
    bool has_value, has_colour, missing, flag, not_on, changes;
    uint32_t colour;
    unsigned count;                    /* repetitions; pixels that may differ; a line */
    unsigned port;                     /* enum scenario_port, or of the USB port */
    unsigned choice;                   /* of a list of words */
    unsigned address, direction, mode; /* of traffic on a bus; enum scenario_direction */
    bool has_address;
    struct scenario_range frequency, duty, high, low, volts, brightness;
    double tolerance;                                 /* share, or colour levels */
    struct scenario_list branches[SCENARIO_BRANCHES]; /* repeat: the first one */
    unsigned branch_count;
};

struct scenario_case {
    char *name;
    struct scenario_mark mark;
    struct scenario_list list;
};

struct scenario {
    char *path;   /* of the file, as given */
    char *folder; /* that it is in */
    char *name, *author;
    char *diagram; /* in the folder; NULL: diagram.json, where there is one */
    char *drive;   /* a folder in the folder; NULL: the folder itself */
    char *fail_text;
    char *boards[SCENARIO_MATRIX], *firmware[SCENARIO_MATRIX];
    unsigned board_count, firmware_count;
    uint64_t seed;
    uint64_t timeout_ps;
    bool at_once;                /* code.py does not wait for the console */
    struct scenario_list before; /* run once, before the cases part */
    struct scenario_case *cases;
    unsigned case_count;
    unsigned step_count;
};

/* Read a file. False when anything is wrong, after a line for each mistake ("FILE:LINE:COLUMN: ..."); finish it all the
 * same. Without libyaml: always false. */
bool scenario_read(struct scenario *scenario, const char *path, struct findings *findings);
/* The same from a text; `path` names it in lines. */
bool scenario_read_text(struct scenario *scenario, const char *path, const char *text, size_t size,
                        struct findings *findings);
void scenario_finish(struct scenario *scenario);

/* "wait-serial", ... */
const char *scenario_kind_name(enum scenario_kind kind);
/* What the step is, in a few words for people: its name, or its kind and what it is about. */
void scenario_step_title(const struct scenario_step *step, char *ret_text, size_t size);
/* Whether a name of a file stays below the folder that it is counted from. */
bool scenario_path_is_inside(const char *path);

#endif
