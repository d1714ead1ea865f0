/* What the files of the runner share. */
#ifndef SCENARIO_RUNNER_PRIVATE_H
#define SCENARIO_RUNNER_PRIVATE_H

#include "emulator/core/scheduler.h"
#include "emulator/debug/python_place.h"
#include "emulator/scenario/runner.h"
#include "emulator/session/bus_tap.h"
#include "emulator/session/matcher.h"
#include "emulator/session/probe.h"
#include "emulator/usbhost/usbhost.h"

enum step_state { STEP_DONE, STEP_WAITS, STEP_FAILED };

/* A list of steps that is under way. Steps in steps are tasks of their own, which their parent waits for. */
struct task {
    const struct scenario_list *list;
    unsigned index;
    unsigned rounds; /* of the list, still to come with the present one */
    struct task *parent;
    unsigned children;
    struct task *next; /* in the order in which they began */
    /* Of the present step: */
    bool began, started;
    uint64_t began_ps;
    uint64_t wake_ps; /* when it is to be looked at again, whatever happens */
    unsigned phase;
    size_t sent;
    struct stream *stream; /* in which `pattern` is looked for; NULL: in none */
    struct stream_pattern pattern;
    bool found;
    uint64_t generation; /* of the screen that was looked at last; `started`: one was */
    struct probe probe;
    struct python_place place; /* of the program, that is waited for */
};

/* A stream that is looked through, and when something was added last. */
struct heard {
    struct stream stream;
    uint64_t last_ps;
};

/* A bus that a step has named: its traffic from then on, a line for each transaction. */
struct tapped {
    char key[200]; /* the kind and the pins */
    struct bus_tap *tap;
    struct runner *runner;
    enum bus_kind kind;
    struct heard heard;
    struct tapped *next;
};

struct runner {
    struct runner_desc desc;
    struct session *session;
    struct session_listener listener;
    struct usbhost_listener usb;
    struct heard ports[SCENARIO_PORTS];
    struct heard usb_events;
    struct tapped *taps;
    struct matcher fail, safe_mode;
    bool fail_seen;
    uint64_t safe_mode_ps; /* when the last words about it came; TIME_NEVER: none */
    bool out_of_memory;
    bool look_again; /* somebody waits for what may have come already */
    struct task *tasks;
    struct compare_font *font; /* that text was looked for with last, and its file; NULL: the firmware's */
    char *font_file;
    uint64_t steps_done; /* steps that have begun, so that lists without time come to an end */
    struct runner_result *result;
};

/* What a kind of step does. */
struct step_actions {
    /* It begins now; may say that it is done already. */
    enum step_state (*begin)(struct runner *runner, struct task *task);
    /* Something has happened, or it is time. NULL: begin() does all. */
    enum step_state (*look)(struct runner *runner, struct task *task);
    /* Its time is up: one line for people. */
    void (*explain)(struct runner *runner, struct task *task, char *ret_text, size_t size);
    /* Whether the project has what it needs. NULL: always. */
    bool (*check)(struct runner *runner, const struct scenario_step *step, struct error *error);
};

extern const struct step_actions serial_wait_actions, serial_write_actions; /* steps_serial.c */
extern const struct step_actions control_actions, press_actions, pin_actions, pin_set_actions, wire_actions,
    reset_actions;                                                                            /* steps_pins.c */
extern const struct step_actions view_actions, screenshot_actions;                            /* steps_views.c */
extern const struct step_actions file_write_actions, file_actions;                            /* steps_files.c */
extern const struct step_actions fault_actions, power_actions, usb_actions, usb_wait_actions; /* steps_usb.c */

extern const struct step_actions bus_actions;                 /* steps_bus.c */
extern const struct step_actions line_actions, stack_actions; /* steps_python.c */

/* ---- steps_bus.c ---- */
void runner_drop_taps(struct runner *runner);

/* ---- runner.c ---- */
void runner_hear(struct runner *runner, struct heard *heard, const void *data, size_t size);
const struct scenario_step *task_step(const struct task *task);
uint64_t task_deadline(const struct task *task);
/* The step is why the case ends. Returns STEP_FAILED. */
enum step_state task_fail(struct runner *runner, const struct task *task, enum runner_outcome outcome,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Wait for a pattern in a stream: the runner looks for it, and sets task->found. */
enum step_state task_wait_for(struct runner *runner, struct task *task, struct stream *stream,
                              const struct scenario_text *text, const char *regex);
/* Apply an input; a refusal is the scenario's mistake. */
enum step_state task_apply(struct runner *runner, const struct task *task, const struct input *input);
/* Bytes as text for people: "\r\n", "\x00". */
void runner_quote(const char *bytes, size_t length, char *ret_text, size_t size);
/* What a stream holds behind its cursor, its last bytes. */
void runner_quote_rest(const struct stream *stream, char *ret_text, size_t size);

#endif
