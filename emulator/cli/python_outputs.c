/* Profile, coverage, heap and post-mortems of a run, from its options to the files. An interpreter that is not
 * recognised is a warning: the run goes on, and writes what is known, which is nothing. */
#include "emulator/cli/python_outputs.h"

#include "emulator/cli/output.h"
#include "emulator/debug/coverage.h"
#include "emulator/debug/heap_log.h"
#include "emulator/debug/post_mortem.h"
#include "emulator/debug/profile.h"

#include <string.h>

static bool is_wanted(const struct run_options *options) {
    return options->profile || options->profile_source || options->coverage || options->heap || options->post_mortem;
}

static void tell_post_mortem(void *context, const char *text) {
    fprintf(stderr, "%s", text);
}

static bool open_profile(struct run *run, struct python *python, struct error *error) {
    bool wanted = run->options->profile || run->options->profile_source;
    run->profile = wanted ? profile_begin(python, error) : NULL;
    return run->profile || !wanted;
}

static bool open_coverage(struct run *run, struct python *python, struct error *error) {
    run->coverage = run->options->coverage ? coverage_run_begin(python, error) : NULL;
    return run->coverage || !run->options->coverage;
}

static bool open_heap(struct run *run, struct python *python, struct error *error) {
    const char *path = run->options->heap;
    run->heap_file = path ? output_open("--heap", path, error) : NULL;
    run->heap = run->heap_file ? heap_log_begin(python, run->heap_file, error) : NULL;
    return run->heap || !path;
}

static bool open_post_mortem(struct run *run, struct python *python, struct error *error) {
    run->post_mortem = run->options->post_mortem ? post_mortem_begin(python, tell_post_mortem, run, error) : NULL;
    return run->post_mortem || !run->options->post_mortem;
}

bool python_outputs_open(struct run *run, struct error *error) {
    struct python *python = is_wanted(run->options) ? session_python(run->session) : NULL;
    if (!is_wanted(run->options)) {
        return true;
    }
    if (python && !python_is_known(python)) {
        fprintf(stderr, "ouroboard: the firmware has no Python interpreter that is recognised: nothing is written of a "
                        "program\n");
        return true;
    }
    return open_profile(run, python, error) && open_coverage(run, python, error) && open_heap(run, python, error) &&
           open_post_mortem(run, python, error);
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
    heap_log_end(run->heap);
    post_mortem_end(run->post_mortem);
    ok &= output_close(run->heap_file, "--heap", run->options->heap);
    run->profile = NULL;
    run->coverage = NULL;
    run->heap = NULL;
    run->heap_file = NULL;
    run->post_mortem = NULL;
    return ok;
}
