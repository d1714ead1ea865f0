/* Python on both cores of MicroPython (python_view/threads.py): line events and stacks of each.
 *
 * usage: test_python_threads IMAGE FOLDER */
#include "emulator/debug/python.h"
#include "tests/firmware/python_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES 64

static char drive[] = "/tmp/unused"; /* MicroPython has none */
static char *program;

static bool count_line(void *context, struct python *python, const struct python_event *event) {
    unsigned(*counts)[LINES] = context;
    const struct python_frame *frame = &event->frames[event->depth - 1];
    if (frame->line < LINES && !strcmp(frame->code->file, "<stdin>")) {
        counts[event->core][frame->line]++;
    }
    return false;
}

static void counts_on_both_cores(struct rig *rig) {
    unsigned counts[PYTHON_CORES][LINES] = { { 0 } }, wrong = 0;
    struct python_tracer tracer = { .context = counts, .moments = 1u << PYTHON_LINE, .event = count_line };
    struct python *python = session_python(rig->session);
    RIG_CHECK(rig, python_trace(python, &tracer));
    RIG_CHECK(rig, rig_expect(rig, "DONE", 30000));
    const char *at = program;
    for (unsigned line = 1; at; line++) {
        unsigned first = 0, second = 0;
        const char *end = strchr(at, '\n'), *comment = strstr(at, "  # ");
        if (comment && end && comment < end) {
            sscanf(comment, "  # %u %u", &first, &second);
        }
        if (counts[0][line] != first || counts[1][line] != second) {
            fprintf(stderr, "    line %u began %u and %u times\n", line, counts[0][line], counts[1][line]);
            wrong++;
        }
        at = end ? end + 1 : NULL;
    }
    RIG_CHECK(rig, !wrong);
}

/* Samples of core 1 while its function runs: nothing else is ever seen there. */
static void knows_the_stack_of_core_1(struct rig *rig) {
    struct python *python = session_python(rig->session);
    unsigned seen = 0, wrong = 0;
    while (!strstr(rig->output, "DONE")) {
        struct python_frame frames[PYTHON_DEPTH];
        rig_run(rig, 1);
        unsigned depth = python_stack(python, 1, frames, PYTHON_DEPTH);
        bool is_worker = depth && !strcmp(frames[depth - 1].code->function, "worker");
        bool is_inner = depth < 2 || !strcmp(frames[0].code->function, "inner");
        seen += depth == 2;
        wrong += depth && !(is_worker && is_inner && depth <= 2);
    }
    fprintf(stderr, "    %u samples, %u wrong\n", seen, wrong);
    RIG_CHECK(rig, seen > 100 && !wrong);
}

int main(int argc, char **argv) {
    static struct rig rig;
    char path[512];
    if (argc != 3) {
        fprintf(stderr, "usage: test_python_threads IMAGE FOLDER\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/threads.py", argv[2]);
    program = python_rig_source(path, 1);
    python_rig_start(&rig, &(struct rig_desc){ .image = argv[1] }, drive, program, NULL);
    static const struct rig_case cases[] = {
        { "counts on both cores", counts_on_both_cores },
        { "knows the stack of core 1", knows_the_stack_of_core_1 },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(*cases));
    free(program);
    rig_stop(&rig);
    return failures;
}
