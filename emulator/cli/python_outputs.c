/* Profile and coverage of a run, from its options to the files. An interpreter that is not recognised is a warning: the
 * run goes on, and writes what is known, which is nothing. */
#include "emulator/cli/python_outputs.h"

#include "emulator/debug/coverage.h"
#include "emulator/debug/profile.h"

#include <string.h>

static bool is_wanted(const struct run_options *options) {
    return options->profile || options->profile_source || options->coverage;
}

bool python_outputs_open(struct run *run, struct error *error) {
    const struct run_options *options = run->options;
    struct python *python = is_wanted(options) ? session_python(run->session) : NULL;
    if (python && !python_is_known(python)) {
        fprintf(stderr,
                "ouroboard: the firmware has no Python interpreter that is recognised: no profile, no coverage\n");
        return true;
    }
    if (python && (options->profile || options->profile_source)) {
        run->profile = profile_begin(python, error);
    }
    if (python && options->coverage) {
        run->coverage = coverage_run_begin(python, error);
    }
    bool profile = run->profile || !(options->profile || options->profile_source);
    return !is_wanted(options) || (python && profile && (run->coverage || !options->coverage));
}

static bool write_coverage(const struct run *run, struct error *error) {
    struct coverage *coverage = coverage_create();
    if (!coverage) {
        error_set(error, "out of memory");
        return false;
    }
    const char *folder = session_folder(run->session);
    coverage_add_run(coverage, run->coverage, folder);
    coverage_print(coverage, stderr);
    bool ok = coverage_write(coverage, run->options->coverage, folder, error);
    coverage_destroy(coverage);
    return ok;
}

static bool tell(bool ok, const struct error *error) {
    if (!ok) {
        fprintf(stderr, "ouroboard: %s\n", error->message);
    }
    return ok;
}

static bool write_all(struct run *run) {
    const struct run_options *options = run->options;
    struct error error;
    bool ok = !run->profile || !options->profile || tell(profile_write(run->profile, options->profile, &error), &error);
    ok &= !run->profile || !options->profile_source ||
          tell(profile_write_sources(run->profile, options->profile_source, session_folder(run->session), &error),
               &error);
    return (!run->coverage || tell(write_coverage(run, &error), &error)) && ok;
}

bool python_outputs_close(struct run *run, bool kept) {
    bool ok = !kept || write_all(run);
    profile_end(run->profile);
    coverage_run_end(run->coverage);
    run->profile = NULL;
    run->coverage = NULL;
    return ok;
}
