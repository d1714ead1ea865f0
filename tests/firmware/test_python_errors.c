/* Where MemoryError was raised, how full the heap was, and the variables behind a traceback (python_view/errors.py).
 *
 * usage: test_python_errors IMAGE FOLDER */
#include "emulator/debug/heap_log.h"
#include "emulator/debug/post_mortem.h"
#include "tests/firmware/python_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char drive[] = "/tmp/test_python_errors.XXXXXX";
static char told[8192];

static void take_text(void *context, const char *text) {
    snprintf(told + strlen(told), sizeof(told) - strlen(told), "%s", text);
}

static void hear_console(void *context, const uint8_t *data, size_t size) {
    post_mortem_hear(context, data, size);
}

static void shows_the_variables(struct rig *rig) {
    struct error error;
    struct post_mortem *post_mortem = post_mortem_begin(session_python(rig->session), take_text, NULL, &error);
    RIG_CHECK(rig, post_mortem);
    struct session_listener listener = { .context = post_mortem, .console = hear_console };
    session_listen(rig->session, &listener);
    RIG_CHECK(rig, rig_expect(rig, "ZeroDivisionError", 20000));
    rig_run(rig, 100);
    const char *file = strstr(rig->output, "raw REPL") ? "<stdin>" : "code.py";
    bool source = session_folder(rig->session) != NULL;
    char expected[512];
    snprintf(expected, sizeof(expected),
             "ZeroDivisionError, with the variables of each frame:\n  %s:35 in <module>\n  %s:32 in main\n"
             "      %s = [1, 2]\n  %s:21 in divide\n      a = 7\n      b = 0\n      %s = 'xxx'\n",
             file, file, source ? "numbers" : "local 0", file, source ? "label" : "local 2");
    RIG_EQUAL(rig, told, expected);
    session_unlisten(rig->session, &listener);
    post_mortem_end(post_mortem);
}

/* Every sample is plausible, and the heap is fullest at the line that found no room. */
static void logs_the_heap(struct rig *rig) {
    struct error error;
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    struct heap_log *log = heap_log_begin(session_python(rig->session), out, &error);
    RIG_CHECK(rig, log);
    RIG_CHECK(rig, rig_expect(rig, "ZeroDivisionError", 20000));
    heap_log_end(log);
    fclose(out);
    unsigned samples = 0, total = 0, used = 0, largest = 0, most = 0, full = 0;
    double ms, last = 0;
    char line[64], *at = strchr(text, '\n') + 1;
    for (; sscanf(at, "%lf,%u,%u,%u,%63[^,\n]", &ms, &total, &used, &largest, line) == 5; at = strchr(at, '\n') + 1) {
        RIG_CHECK(rig, ms >= last && used <= total && largest <= total - used);
        last = ms;
        most = used > most ? used : most;
        if (strstr(line, ":8") && strncmp(strchr(at, '\n') - 11, "MemoryError", 11) == 0) {
            full = used;
            RIG_CHECK(rig, largest < 4000);
        }
        samples++;
    }
    fprintf(stderr, "    %u samples, at most %u bytes, %u when it was full\n", samples, most, full);
    RIG_CHECK(rig, *at == 0 && samples > 30 && full && full >= most - 4096);
    free(text);
}

int main(int argc, char **argv) {
    static struct rig rig;
    char path[512];
    if (argc != 3) {
        fprintf(stderr, "usage: test_python_errors IMAGE FOLDER\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/errors.py", argv[2]);
    char *program = python_rig_source(path, 1);
    python_rig_start(&rig, &(struct rig_desc){ .image = argv[1] }, drive, program, NULL);
    static const struct rig_case cases[] = {
        { "shows the variables", shows_the_variables },
        { "logs the heap", logs_the_heap },
    };
    int failures = rig_cases(&rig, cases, sizeof(cases) / sizeof(*cases));
    free(program);
    rig_stop(&rig);
    return failures;
}
