/* The view of a running program against a program that says itself where it is (python_view/marked.py): every sample
 * that it can judge has to have the right stack and line; and no stack where no Python runs.
 *
 * With "unknown" the image's interpreter is one that is not recognised: then it shows nothing.
 *
 * usage: test_python_view IMAGE FOLDER [unknown] */
#include "emulator/core/bus.h"
#include "emulator/core/scheduler.h"
#include "emulator/cpu/internal.h"
#include "emulator/debug/python.h"
#include "tests/firmware/python_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 6
#define LEAST_JUDGED 1500 /* samples */

static char drive[] = "/tmp/test_python_view.XXXXXX";

/* By M[8]. "fib" may be there several times, a list comprehension is a function to MicroPython. */
static const char *const stacks[] = {
    [1] = "main;spin",           [2] = "main;work",    [3] = "main;consume;numbers",
    [4] = "main;consume",        [5] = "main;nap",     [6] = "main;arrange;<lambda>;slow_key",
    [7] = "main;builtin",        [8] = "main;fib",     [9] = "main;raiser",
    [10] = "main;outer;inner",   [11] = "main;listed", [12] = "main;crunch",
    [13] = "main;crunch;deeper",
};
#define STACKS (sizeof(stacks) / sizeof(*stacks))
#define FIB 8
#define LISTED 11
#define DONE 255

static const uint8_t *find_marks(struct rig *rig) {
    const struct bus *bus = machine_core(rig->machine, 0)->desc.bus;
    for (unsigned i = 0; i < bus->memory_count; i++) {
        const struct bus_memory *memory = &bus->memory[i];
        for (uint32_t at = 0; memory->writable && at + 16 <= memory->size; at++) {
            unsigned same = 0;
            while (same < 8 && memory->host[at + same] == (0xA5 ^ (same * 37 & 255))) {
                same++;
            }
            if (same == 8) {
                return memory->host + at;
            }
        }
    }
    return NULL;
}

/* "main;spin" of the frames inside the module's; runs of "fib" are one. */
static void tell_stack(const struct python_frame *frames, unsigned count, char *ret_text, size_t size) {
    const char *before = "";
    *ret_text = 0;
    for (unsigned i = count; i-- > 0;) {
        const char *name = frames[i].code->function;
        if (i + 1 < count && !(strcmp(name, "fib") == 0 && strcmp(before, "fib") == 0)) {
            snprintf(ret_text + strlen(ret_text), size - strlen(ret_text), "%s%s", *ret_text ? ";" : "", name);
        }
        before = name;
    }
}

static bool is_right(const struct python_frame *frames, unsigned count, const uint8_t *marks) {
    char text[512];
    tell_stack(frames, count, text, sizeof(text));
    bool listed = marks[8] == LISTED && !strcmp(text, "main;listed;<listcomp>");
    if (!count || strcmp(frames[count - 1].code->function, "<module>") != 0 ||
        (strcmp(text, stacks[marks[8]]) != 0 && !listed)) {
        fprintf(stderr, "    mark %u: stack %s\n", marks[8], text);
        return false;
    }
    /* The mark of the line is set, and taken away, on the lines beside it. */
    unsigned line = frames[0].line;
    bool right = !marks[9] || (line + 1 >= marks[9] && line <= marks[9] + 1u);
    if (!right) {
        fprintf(stderr, "    mark %u: line %u, not %u\n", marks[8], line, marks[9]);
    }
    return right;
}

static void is_right_in_every_sample(struct rig *rig) {
    struct python *python = python_open(rig->machine);
    const uint8_t *marks = NULL;
    unsigned judged = 0, wrong = 0, samples = 0;
    bool done = false;
    for (unsigned ms = 0; ms < 30000 && !done; ms++) {
        struct python_frame frames[PYTHON_DEPTH];
        session_run(rig->session, session_now(rig->session) + PS_PER_MS);
        unsigned count = python_stack(python, 0, frames, PYTHON_DEPTH);
        marks = marks && marks[0] == 0xA5 ? marks : ms % 20 ? NULL : find_marks(rig);
        done = marks && marks[8] == DONE;
        samples++;
        if (marks && marks[8] && marks[8] < STACKS) {
            judged++;
            wrong += !is_right(frames, count, marks);
        }
    }
    fprintf(stderr, "    %u samples, %u judged, %u wrong\n", samples, judged, wrong);
    RIG_CHECK(rig, done);
    RIG_CHECK(rig, judged >= LEAST_JUDGED);
    RIG_CHECK(rig, !wrong);
    python_close(python);
}

static void sees_nothing_where_no_python_runs(struct rig *rig) {
    struct python *python = python_open(rig->machine);
    unsigned false_frames = 0;
    RIG_CHECK(rig, rig_expect(rig, "DONE", 30000));
    rig_run(rig, 500);
    RIG_CHECK(rig, python_is_known(python));
    for (unsigned sample = 0; sample < 10000; sample++) {
        struct python_frame frames[PYTHON_DEPTH];
        session_run(rig->session, session_now(rig->session) + PS_PER_MS);
        false_frames += python_stack(python, 0, frames, PYTHON_DEPTH) > 0;
    }
    fprintf(stderr, "    %u false frames\n", false_frames);
    RIG_CHECK(rig, !false_frames);
    python_close(python);
}

static void shows_nothing_of_what_it_does_not_know(struct rig *rig) {
    struct python *python = python_open(rig->machine);
    struct python_frame frames[PYTHON_DEPTH];
    for (unsigned sample = 0; sample < 20; sample++) {
        rig_run(rig, 50);
        RIG_CHECK(rig, !python_is_known(python));
        RIG_CHECK(rig, !python_stack(python, 0, frames, PYTHON_DEPTH));
    }
    python_close(python);
}

int main(int argc, char **argv) {
    static struct rig rig;
    char path[512];
    bool unknown = argc == 4 && !strcmp(argv[3], "unknown");
    if (argc != 3 && !unknown) {
        fprintf(stderr, "usage: test_python_view IMAGE FOLDER [unknown]\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/marked.py", argv[2]);
    char *program = python_rig_source(path, ROUNDS);
    snprintf(path, sizeof(path), "%s/helper.py", argv[2]);
    char *helper = python_rig_source(path, ROUNDS);
    const char *modules[] = { "helper.py", helper, NULL };
    python_rig_start(&rig, &(struct rig_desc){ .image = argv[1] }, drive, program, modules);
    static const struct rig_case cases[] = {
        { "is right in every sample", is_right_in_every_sample },
        { "sees nothing where no Python runs", sees_nothing_where_no_python_runs },
    };
    static const struct rig_case none = { "shows nothing of what it does not know",
                                          shows_nothing_of_what_it_does_not_know };
    int failures = unknown ? rig_cases(&rig, &none, 1) : rig_cases(&rig, cases, sizeof(cases) / sizeof(*cases));
    free(program);
    free(helper);
    rig_stop(&rig);
    return failures;
}
