/* Line events against a program whose comments say how often each of its lines begins (python_view/counted.py); the
 * guest's memory and cycles with and without somebody who listens.
 *
 * usage: test_python_lines IMAGE FOLDER [exact] */
#include "emulator/core/bus.h"
#include "emulator/core/scheduler.h"
#include "emulator/cpu/internal.h"
#include "emulator/debug/python_place.h"
#include "tests/firmware/python_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINES 128
#define RUN_MS 6000

static char drive[] = "/tmp/test_python_lines.XXXXXX";
static char *program, *helper;

/* ---- Counting ---- */

struct counts {
    unsigned program[LINES], helper[LINES];
    uint64_t events;
};

static bool count_line(void *context, struct python *python, const struct python_event *event) {
    struct counts *counts = context;
    const struct python_frame *frame = &event->frames[event->depth - 1];
    bool is_helper = strstr(frame->code->file, "helper") != NULL;
    bool is_program = !strcmp(frame->code->file, "code.py") || !strcmp(frame->code->file, "<stdin>");
    counts->events++;
    if (frame->line < LINES && (is_helper || is_program)) {
        (is_helper ? counts->helper : counts->program)[frame->line]++;
    }
    return false;
}

/* What the comments say. */
static void expected_counts(const char *source, unsigned *counts) {
    memset(counts, 0, LINES * sizeof(*counts));
    for (unsigned line = 1; source; line++) {
        const char *end = strchr(source, '\n'), *comment = strstr(source, "  # ");
        if (comment && end && comment < end && line < LINES) {
            counts[line] = (unsigned)atoi(comment + 4);
        }
        source = end ? end + 1 : NULL;
    }
}

static unsigned compare(const char *name, const char *source, const unsigned *counts) {
    unsigned expected[LINES], wrong = 0;
    expected_counts(source, expected);
    for (unsigned line = 1; line < LINES; line++) {
        if (counts[line] != expected[line]) {
            fprintf(stderr, "    %s:%u began %u times, not %u\n", name, line, counts[line], expected[line]);
            wrong++;
        }
    }
    return wrong;
}

static void counts_every_line(struct rig *rig) {
    struct counts counts = { .events = 0 };
    struct python_tracer tracer = { .context = &counts, .moments = 1u << PYTHON_LINE, .event = count_line };
    struct python *python = python_open(rig->machine);
    RIG_CHECK(rig, python_trace(python, &tracer));
    RIG_CHECK(rig, rig_expect(rig, "DONE", 30000));
    python_untrace(python, &tracer);
    unsigned wrong = compare("counted.py", program, counts.program) + compare("helper.py", helper, counts.helper);
    RIG_CHECK(rig, !wrong);
    python_close(python);
}

/* A reload loads the program anew, at other places of the heap: its functions are the same ones. */
static void counts_on_after_a_reload(struct rig *rig) {
    struct counts counts = { .events = 0 };
    struct python_tracer tracer = { .context = &counts, .moments = 1u << PYTHON_LINE, .event = count_line };
    struct python *python = session_python(rig->session);
    if (strstr(rig->output, "raw REPL")) {
        return; /* MicroPython, which would forget the program */
    }
    RIG_CHECK(rig, python_trace(python, &tracer));
    RIG_CHECK(rig, rig_expect(rig, "DONE", 30000));
    unsigned codes = 0, more = 0;
    while (python_code_at(python, codes)) {
        codes++;
    }
    rig_run(rig, 500);
    rig_type(rig, "\x04");
    RIG_CHECK(rig, rig_expect(rig, "DONE", 30000));
    while (python_code_at(python, more)) {
        more++;
    }
    RIG_CHECK(rig, codes == more);
    unsigned expected[LINES], wrong = 0;
    expected_counts(program, expected);
    for (unsigned line = 1; line < LINES; line++) {
        wrong += counts.program[line] != 2 * expected[line];
    }
    RIG_CHECK(rig, !wrong);
}

/* ---- Stopping ---- */

static bool stop_there(void *context, const struct python_event *event) {
    unsigned *stops = context;
    ++*stops;
    return true;
}

/* Each time before the line's first instruction, with the whole stack at hand; going on does not stop there again. */
static void stops_before_a_line(struct rig *rig) {
    enum { LINE = 38, TIMES = 88 }; /* "return fib(n - 1) + fib(n - 2)" */
    unsigned stops = 0, halts = 0;
    struct error error;
    const char *file = strstr(rig->output, "raw REPL") ? "<stdin>" : "code.py";
    struct python_place place = { .file = file, .line = LINE, .reached = stop_there, .context = &stops };
    struct python *python = session_python(rig->session);
    RIG_CHECK(rig, python_place_wait(&place, python, &error));
    while (!strstr(rig->output, "DONE")) {
        struct python_frame frames[PYTHON_DEPTH];
        session_run(rig->session, session_now(rig->session) + PS_PER_MS);
        if (!machine_is_halted(rig->machine)) {
            continue;
        }
        halts++;
        unsigned depth = python_stack(python, 0, frames, PYTHON_DEPTH);
        RIG_CHECK(rig, halts == stops && depth >= 2 && frames[0].line == LINE);
        RIG_EQUAL(rig, frames[0].code->function, "fib");
        RIG_EQUAL(rig, frames[depth - 1].code->function, "<module>");
    }
    python_place_forget(&place);
    RIG_CHECK(rig, stops == TIMES);
}

/* ---- The guest cannot tell ---- */

struct outcome {
    uint64_t cycles, hash;
};

static uint64_t hash_ram(struct rig *rig) {
    const struct bus *bus = machine_core(rig->machine, 0)->desc.bus;
    uint64_t hash = 14695981039346656037u;
    for (unsigned i = 0; i < bus->memory_count; i++) {
        for (uint32_t at = 0; bus->memory[i].writable && at < bus->memory[i].size; at++) {
            hash = (hash ^ bus->memory[i].host[at]) * 1099511628211u;
        }
    }
    return hash;
}

static struct outcome *outcomes; /* shared by the cases' processes */

static void note_outcome(struct rig *rig, struct outcome *outcome) {
    rig_run(rig, RUN_MS);
    *outcome = (struct outcome){ machine_cycles(rig->machine), hash_ram(rig) };
}

static void runs_without(struct rig *rig) {
    note_outcome(rig, &outcomes[0]);
}

static void runs_the_same_with(struct rig *rig) {
    struct counts counts = { .events = 0 };
    struct python_tracer tracer = { .context = &counts, .moments = (1u << PYTHON_MOMENTS) - 1, .event = count_line };
    struct python *python = python_open(rig->machine);
    RIG_CHECK(rig, python_trace(python, &tracer));
    note_outcome(rig, &outcomes[1]);
    RIG_CHECK(rig, counts.events > 20000);
    RIG_CHECK(rig, outcomes[0].cycles == outcomes[1].cycles && outcomes[0].hash == outcomes[1].hash);
    python_close(python);
}

int main(int argc, char **argv) {
    static struct rig rig;
    char path[512];
    if (argc < 3) {
        fprintf(stderr, "usage: test_python_lines IMAGE FOLDER [exact]\n");
        return 2;
    }
    outcomes = mmap(NULL, 2 * sizeof(*outcomes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    snprintf(path, sizeof(path), "%s/counted.py", argv[2]);
    program = python_rig_source(path, 1);
    snprintf(path, sizeof(path), "%s/counted_helper.py", argv[2]);
    helper = python_rig_source(path, 1);
    const char *modules[] = { "helper.py", helper, NULL };
    bool exact = argc > 3 && !strcmp(argv[3], "exact");
    python_rig_start(&rig, &(struct rig_desc){ .image = argv[1], .exact = exact }, drive, program, modules);
    static const struct rig_case cases[] = {
        { "counts every line", counts_every_line },     { "counts on after a reload", counts_on_after_a_reload },
        { "stops before a line", stops_before_a_line }, { "runs without", runs_without },
        { "runs the same with", runs_the_same_with },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(*cases));
    free(program);
    free(helper);
    rig_stop(&rig);
    return failures;
}
