/* Runs the steps of a scenario on a session, in virtual time: takes what is said, puts in what is to be done, looks at
 * pins, views and files, and says what became of it. Prints nothing.
 *
 * A runner listens to a session from before it is opened, so that nothing that is said is lost. It may run several
 * lists of steps one after the other, and part in between with session_fork(): what has been found then stays found on
 * either side. */
#ifndef SCENARIO_RUNNER_H
#define SCENARIO_RUNNER_H

#include "emulator/scenario/scenario.h"
#include "emulator/session/session.h"

#define RUNNER_LIMIT_PS (600 * UINT64_C(1000000000000)) /* of a case, unless it is told otherwise */

enum runner_outcome {
    RUNNER_PASSED,
    RUNNER_FAILED,    /* something is not as it was expected */
    RUNNER_TIMED_OUT, /* something did not come in time */
    RUNNER_CRASHED,   /* lock-up, safe mode, the boot loader */
    RUNNER_WRONG,     /* the scenario asks for what cannot be */
    RUNNER_SKIPPED,   /* it cannot run here, and nobody is to blame */
    RUNNER_RUNS,
};

struct runner_result {
    enum runner_outcome outcome;
    struct scenario_mark mark; /* of the step; line 0: of none */
    char step[80];             /* that step, for people */
    char message[600];         /* one line; "" when it has passed */
    uint64_t begin_ps, end_ps;
};

struct runner_desc {
    const struct scenario *scenario;
    const char *drive;     /* the folder that is the drive; NULL: there is none that files can be put into */
    const char *artifacts; /* a folder for pictures that are not as expected; NULL: they are not kept */
    bool new_goldens;      /* pictures that others are compared with are written anew, and are as wanted */
    uint64_t limit_ps;     /* of virtual time for one list of steps; 0: RUNNER_LIMIT_PS */
    void (*began)(void *context, const struct scenario_step *step); /* a step begins; may be NULL */
    void *context;
};

struct runner;

/* NULL when memory runs out. `desc` is copied, what it points to borrowed. */
struct runner *runner_create(const struct runner_desc *desc);
/* After the session, whose listener it is. NULL is fine. */
void runner_destroy(struct runner *runner);
/* For session_open(). */
struct session_listener *runner_listener(struct runner *runner);
/* After session_open(). */
void runner_attach(struct runner *runner, struct session *session);
/* Before the session is closed: lets go of its pins. */
void runner_detach(struct runner *runner);
/* After session_fork(), or between two lists. */
void runner_set_drive(struct runner *runner, const char *folder);
void runner_set_artifacts(struct runner *runner, const char *folder);
/* Whether the session's project has what the steps speak of: parts, controls, pins. A line for each mistake; false when
 * there was one. */
bool runner_check(struct runner *runner, const struct scenario_list *list, struct findings *findings);
/* Run until the steps have passed, or one has not. SESSION_BEGIN_AGAIN is returned as RUNNER_RUNS: nothing has been
 * done then. */
enum runner_outcome runner_run(struct runner *runner, const struct scenario_list *list,
                               struct runner_result *ret_result);
/* What the console has said, from power-on on. */
const struct stream *runner_console(const struct runner *runner);
/* Keys, mouse and MIDI, a line each. */
const struct stream *runner_usb_events(const struct runner *runner);

const char *runner_outcome_name(enum runner_outcome outcome);

#endif
