/* `ouroboard test --coverage`: each case leaves an account of the lines that it has run in a folder, which in the end
 * become one. */
#include "emulator/cli/test.h"
#include "emulator/debug/coverage.h"
#include "emulator/scenario/inside.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- In the process of a case ---- */

struct coverage_run *test_coverage_begin(const struct test_options *options, struct session *session) {
    struct python *python = options->coverage ? session_python(session) : NULL;
    return python && python_is_known(python) ? coverage_run_begin(python, NULL) : NULL;
}

/* Files are called by their paths beside the scenario, whose drive the board has a copy of. */
void test_coverage_keep(const struct test_place *place, unsigned index) {
    const struct scenario *scenario = place->run->scenario;
    struct coverage *coverage = place->coverage ? coverage_create() : NULL;
    char path[PATH_MAX], folder[PATH_MAX];
    struct error error;
    if (!coverage) {
        return;
    }
    snprintf(path, sizeof(path), "%s/%ld-%u", place->options->coverage_folder, (long)getpid(), index);
    snprintf(folder, sizeof(folder), "%s%s%s", scenario->folder, scenario->drive ? "/" : "",
             scenario->drive ? scenario->drive : "");
    coverage_add_run(coverage, place->coverage, session_folder(place->session));
    if (!coverage_write(coverage, path, folder, &error)) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
    }
    coverage_destroy(coverage);
}

/* ---- In the end ---- */

bool test_coverage_open(struct test_options *options) {
    const char *parent = getenv("TMPDIR");
    if (!options->coverage) {
        return true;
    }
    snprintf(options->coverage_folder, sizeof(options->coverage_folder), "%s/ouroboard-coverage.XXXXXX",
             parent && *parent ? parent : "/tmp");
    if (!mkdtemp(options->coverage_folder)) {
        fprintf(stderr, "ouroboard: --coverage: %s: %s\n", options->coverage_folder, strerror(errno));
        options->coverage_folder[0] = 0;
        return false;
    }
    return true;
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool add_parts(struct coverage *coverage, const char *folder, struct error *error) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, by_name);
    bool ok = count >= 0;
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
            ok = ok && coverage_add_file(coverage, path, error);
        }
        free(entries[i]);
    }
    if (count >= 0) {
        free(entries);
    }
    return ok;
}

bool test_coverage_close(struct test_options *options) {
    struct error error = { "out of memory" };
    if (!options->coverage || !options->coverage_folder[0]) {
        return true;
    }
    struct coverage *coverage = coverage_create();
    bool ok = coverage && add_parts(coverage, options->coverage_folder, &error) &&
              coverage_write(coverage, options->coverage, NULL, &error);
    if (ok) {
        coverage_print(coverage, stdout);
    } else {
        fprintf(stderr, "ouroboard: %s\n", error.message);
    }
    coverage_destroy(coverage);
    inside_remove(options->coverage_folder);
    return ok;
}
