/* A profile of a program whose functions sleep for known times (python_view/shares.py): each share within a percent.
 *
 * usage: test_python_profile IMAGE FOLDER */
#include "emulator/core/scheduler.h"
#include "emulator/debug/profile.h"
#include "tests/firmware/python_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char drive[] = "/tmp/test_python_profile.XXXXXX";

/* Milliseconds, in all and in the function alone. */
static const struct {
    const char *function;
    double all, own;
} expected[] = {
    { "main", 3400, 1000 }, { "one", 200, 200 }, { "two", 400, 400 }, { "work", 600, 600 },
    { "steps", 800, 800 },  { "four", 800, 0 },  { "key", 400, 400 }, { "five", 400, 0 },
};

static bool is_about(double milliseconds, double wanted) {
    return milliseconds > wanted - 34 && milliseconds < wanted + 34; /* a percent of all 3400 ms */
}

static void knows_the_shares(struct rig *rig) {
    struct error error;
    struct profile *profile = profile_begin(session_python(rig->session), &error);
    RIG_CHECK(rig, profile);
    RIG_CHECK(rig, rig_expect(rig, "DONE", 30000));
    const char *file = strstr(rig->output, "raw REPL") ? "<stdin>" : "code.py";
    double ms = (double)machine_hz(rig->machine) / 1000;
    unsigned wrong = 0;
    for (unsigned i = 0; i < sizeof(expected) / sizeof(*expected); i++) {
        struct profile_share share = profile_function(profile, file, expected[i].function);
        double all = (double)share.all / ms, own = (double)share.own / ms;
        bool right = is_about(all, expected[i].all) && is_about(own, expected[i].own);
        fprintf(stderr, "    %-6s %8.2f ms in all, %8.2f alone%s\n", expected[i].function, all, own,
                right ? "" : ": wrong");
        wrong += !right;
    }
    RIG_CHECK(rig, !wrong);
    profile_end(profile);
}

int main(int argc, char **argv) {
    static struct rig rig;
    char path[512];
    if (argc != 3) {
        fprintf(stderr, "usage: test_python_profile IMAGE FOLDER\n");
        return 2;
    }
    snprintf(path, sizeof(path), "%s/shares.py", argv[2]);
    char *program = python_rig_source(path, 1);
    python_rig_start(&rig, &(struct rig_desc){ .image = argv[1] }, drive, program, NULL);
    static const struct rig_case test = { "knows the shares", knows_the_shares };
    int failures = rig_cases(&rig, &test, 1);
    free(program);
    rig_stop(&rig);
    return failures;
}
