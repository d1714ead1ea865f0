/* `ouroboard test`: what its files share. A scenario on one board with one firmware is a test run: one boot, in a
 * process of its own, from which a process for each case parts. */
#ifndef CLI_TEST_H
#define CLI_TEST_H

#include "emulator/scenario/runner.h"

#include <limits.h>
#include <stdio.h>

struct vcd;
struct coverage_run;

#define TEST_MATRIX 32

struct test_options {
    const char *paths[256];
    unsigned path_count;
    const char *boards[TEST_MATRIX], *firmware[TEST_MATRIX];
    unsigned board_count, firmware_count;
    unsigned jobs;
    const char *junit, *artifacts, *coverage;
    char coverage_folder[400]; /* of what cases leave for it */
    uint64_t limit_ms;         /* of virtual time for a case; 0: the runner's */
    bool github;
    bool list;
    bool update_goldens;
};

/* A line of text about a case as it comes through the pipe: small enough to be written in one piece. */
#define TEST_TAIL 1200
enum test_message_kind { TEST_STEP, TEST_RESULT, TEST_LINE };
struct test_message {
    enum test_message_kind kind;
    unsigned index;              /* of the case */
    struct runner_result result; /* TEST_STEP: `step` alone counts */
    enum log_level level;        /* TEST_LINE: `tail` is the line */
    char tail[TEST_TAIL];        /* what the console has said last */
};

_Static_assert(sizeof(struct test_message) <= PIPE_BUF, "a message goes into the pipe as a whole");

struct test_case {
    const char *name;
    unsigned line;
    bool done, running;
    struct runner_result result;
    char tail[TEST_TAIL];
};

struct test_run {
    struct scenario *scenario;
    const char *board, *firmware; /* NULL: the project's, the newest */
    bool firmware_is_ours;        /* named on the command line: a file of it may be anywhere */
    char label[200];              /* "raspberry_pi_pico, 10.2.1"; "" when there is no choice */
    struct test_case *cases;
    unsigned case_count;
    char *folder;  /* for copies, removed afterwards */
    int pid, pipe; /* pid 0: not begun, or over; pipe -1 */
};

struct test_plan {
    const struct test_options *options;
    struct scenario **scenarios;
    unsigned scenario_count;
    struct test_run *runs;
    unsigned run_count;
};

/* ---- test_find.c ---- */
/* Paths of scenarios below the path, in order, each to be freed; a file is taken whatever its name is. False after a
 * line. */
bool test_find(const char *path, char ***ret_paths, unsigned *ret_count);

/* ---- test_boot.c: in the process of a run ---- */
/* Boot and run all cases, `slots` at a time; messages go into the pipe. */
void test_boot(const struct test_run *run, const struct test_options *options, unsigned slots, int pipe);

/* ---- test_case.c: in the process of a case ---- */
struct test_place {
    const struct test_run *run;
    const struct test_options *options;
    int pipe;
    struct session *session;
    struct runner *runner;
    struct coverage_run *coverage; /* NULL: nobody has asked, or there is no Python */
};
/* Folder of what is kept of a case that failed; made. False when nothing is kept. */
bool test_artifact_folder(const struct test_place *place, unsigned index, char *ret_path, size_t size);
/* Log, pictures and result of a case that has not passed. */
void test_case_keep(const struct test_place *place, unsigned index, const struct runner_result *result);
/* Run the case, tell, keep what is of use, and end the process: with code 0 when it has passed, else 1. */
void test_case_run(const struct test_place *place, unsigned index);
/* What is watched of a case that has failed, in a second run of it from power-on: its wires and its inputs. */
struct test_watch {
    char folder[4096];
    FILE *file;
    struct vcd *vcd;
};
void test_watch_begin(const struct test_place *place, unsigned index, struct test_watch *watch);
void test_watch_end(const struct test_place *place, struct test_watch *watch);

/* ---- test_coverage.c ---- */
/* NULL when it is not asked for, or the firmware's interpreter is not recognised. */
struct coverage_run *test_coverage_begin(const struct test_options *options, struct session *session);
void test_coverage_keep(const struct test_place *place, unsigned index);
/* The folder for what cases leave; and what becomes of it. Both false after a line. */
bool test_coverage_open(struct test_options *options);
bool test_coverage_close(struct test_options *options);

/* ---- test_pool.c ---- */
void test_run_all(struct test_plan *plan);

/* ---- test_report.c ---- */
/* A run's results, in the order of the plan as far as all before are there. */
void test_report_done(struct test_plan *plan);
/* The lines of what runs now; `force`: also when it has just been drawn. */
void test_report_live(const struct test_plan *plan, bool force);
void test_report_line(enum log_level level, const char *line);
/* The last line. Returns the exit code. */
int test_report_end(const struct test_plan *plan);
bool test_report_is_live(void);

/* ---- test_junit.c ---- */
/* False after a line. */
bool test_junit_write(const struct test_plan *plan, const char *path);

#endif
