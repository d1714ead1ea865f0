/* The process of a test run: a copy of the drive, a session, the steps before the cases, and a process for each case.
 *
 * A scenario may be a stranger's: its project is read from its own folder alone, the drive is a copy, and an image that
 * a wokwi.toml names outside of the folder is not taken. */
#include "emulator/cli/test.h"
#include "emulator/debug/coverage.h"
#include "emulator/project/project_firmware.h"
#include "emulator/scenario/inside.h"
#include "firmware-loader/firmware.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DRIVE_BYTES (64u * 1024 * 1024)
#define HELD_PS (20 * UINT64_C(1000000000000)) /* by then the console is open, or never */
#define SLOTS_MAX 64

struct boot {
    const struct test_run *run;
    const struct test_options *options;
    unsigned slots;
    int pipe;
    unsigned index; /* of the case that this process is, or 0 */
    struct session *session;
    struct runner *runner;
    struct coverage_run *coverage;
    struct session_listener lines;
    bool again;   /* a run for the artifacts: all has been told */
    bool at_once; /* code.py does not wait for the console, or could not */
    char drive[PATH_MAX], project[PATH_MAX], firmware[PATH_MAX];
    char why[600]; /* the last error line */
};

/* ---- Telling ---- */

static void tell_parent(const struct boot *boot, const struct test_message *message) {
    if (write(boot->pipe, message, sizeof(*message)) < 0) {
        _exit(1);
    }
}

static void tell_line(struct boot *boot, enum log_level level, const char *line) {
    struct test_message message = { .kind = TEST_LINE, .level = level };
    snprintf(message.tail, sizeof(message.tail), "%s", line);
    tell_parent(boot, &message);
}

/* The copy that is the drive is called by the name of what it is a copy of. */
static void name_folder(const struct boot *boot, const char *line, char *ret_text, size_t size) {
    const char *copy = *boot->drive ? strstr(line, boot->drive) : NULL;
    snprintf(ret_text, size, "%.*s%s%s", (int)(copy ? copy - line : 0), line, copy ? boot->run->scenario->folder : "",
             copy ? copy + strlen(boot->drive) : line);
}

static void hear_line(void *context, enum log_level level, const char *line) {
    struct boot *boot = context;
    if (level == LOG_ERROR) {
        snprintf(boot->why, sizeof(boot->why), "%s", line);
    }
    if (level <= LOG_WARN && !boot->again) {
        char text[600];
        name_folder(boot, line, text, sizeof(text));
        tell_line(boot, level, text);
    }
}

static void tell_step(void *context, const struct scenario_step *step) {
    const struct boot *boot = context;
    if (boot->again) {
        return;
    }
    struct test_message message = { .kind = TEST_STEP, .index = boot->index };
    scenario_step_title(step, message.result.step, sizeof(message.result.step));
    tell_parent(boot, &message);
}

/* All cases end like this. */
static void tell_all_cases(const struct boot *boot, const struct runner_result *result) {
    for (unsigned i = 0; i < boot->run->case_count; i++) {
        tell_parent(boot, &(struct test_message){ .kind = TEST_RESULT, .index = i, .result = *result });
    }
}

static void tell_wrong(struct boot *boot, const char *message) {
    struct runner_result result = { .outcome = RUNNER_WRONG };
    snprintf(result.message, sizeof(result.message), "%s", message);
    tell_all_cases(boot, &result);
}

/* ---- What is to run ---- */

/* The files of the drive as they are now, for the board to change. */
static bool copy_drive(struct boot *boot, const char *folder, struct error *error) {
    const struct scenario *scenario = boot->run->scenario;
    char from[PATH_MAX];
    int length = snprintf(from, sizeof(from), "%s%s%s", scenario->folder, scenario->drive ? "/" : "",
                          scenario->drive ? scenario->drive : "");
    struct stat status;
    bool ok = length < (int)sizeof(from) &&
              snprintf(boot->drive, sizeof(boot->drive), "%s/drive", folder) < (int)sizeof(boot->drive);
    error_set(error, "drive: %s: is no folder", from);
    if (!ok || lstat(from, &status) != 0 || (!S_ISDIR(status.st_mode) && scenario->drive)) {
        return false;
    }
    bool made = mkdir(boot->drive, 0777) == 0;
    error_set(error, "%s: %s", boot->drive, strerror(errno));
    return made && inside_copy(from, boot->drive, false, DRIVE_BYTES, error);
}

static bool is_file_name(const char *firmware) {
    const char *end = strrchr(firmware, '.');
    static const char *const ends[] = { ".uf2", ".elf", ".bin", ".hex" };
    for (unsigned i = 0; end && i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (strcasecmp(end, ends[i]) == 0) {
            return true;
        }
    }
    return strchr(firmware, '/') != NULL;
}

/* Where links lead counts, not where they lie. */
static bool is_below(const char *folder, const char *path) {
    char *real_folder = realpath(folder, NULL), *real_path = realpath(path, NULL);
    size_t length = real_folder ? strlen(real_folder) : 0;
    bool below = real_folder && real_path && strncmp(real_path, real_folder, length) == 0 &&
                 (real_path[length] == '/' || strcmp(real_folder, "/") == 0);
    free(real_folder);
    free(real_path);
    return below;
}

static bool find_project(struct boot *boot, struct error *error) {
    const struct scenario *scenario = boot->run->scenario;
    const char *name = scenario->diagram ? scenario->diagram : "diagram.json";
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/%s", scenario->folder, name) >= (int)sizeof(path)) {
        error_set(error, "too long a path");
        return false;
    }
    bool exists = access(path, F_OK) == 0;
    if ((scenario->diagram && !exists) || (exists && !is_below(scenario->folder, path))) {
        error_set(error, "%s: %s", path, exists ? "leads out of the scenario's folder" : strerror(ENOENT));
        return false;
    }
    snprintf(boot->project, sizeof(boot->project), "%s", scenario->diagram ? path : scenario->folder);
    return true;
}

/* The board that a version is for. */
static const char *board_of(const struct boot *boot, struct project *project) {
    struct findings findings = { 0 };
    if (boot->run->board) {
        return boot->run->board;
    }
    bool ok = project_read(project, boot->project, NULL, &findings);
    return ok && project->board ? project->board->id : board_default(CHIP_RP2040)->id;
}

static bool find_version(struct boot *boot, const char *version, struct error *error) {
    struct project project = { 0 };
    bool ok = firmware_find(board_of(boot, &project), version, boot->firmware, sizeof(boot->firmware), error);
    project_finish(&project);
    return ok;
}

/* What lies beside the diagram is the project's; what it only names is not. */
static bool find_beside(struct boot *boot, struct error *error) {
    const char *folder = boot->run->scenario->folder;
    if (!project_firmware_find(folder, boot->firmware, sizeof(boot->firmware), error)) {
        return false;
    }
    if (boot->firmware[0] && !is_below(folder, boot->firmware)) {
        error_set(error, "%s/wokwi.toml: the firmware %s is not in the scenario's folder: name it with --firmware",
                  folder, boot->firmware);
        return false;
    }
    return true;
}

static bool find_firmware(struct boot *boot, struct error *error) {
    const struct test_run *run = boot->run;
    const char *named = run->firmware;
    if (run->board && !board_find(run->board, error)) {
        return false;
    }
    if (!named) {
        return find_beside(boot, error);
    }
    if (!is_file_name(named)) {
        return find_version(boot, named, error);
    }
    snprintf(boot->firmware, sizeof(boot->firmware), "%s%s%s", run->firmware_is_ours ? "" : run->scenario->folder,
             run->firmware_is_ours ? "" : "/", named);
    if (!run->firmware_is_ours && !is_below(run->scenario->folder, boot->firmware)) {
        error_set(error, "firmware: %s: is not a file of the scenario's folder", named);
        return false;
    }
    return true;
}

/* ---- The session ---- */

static bool open_session(struct boot *boot, struct error *error) {
    const struct scenario *scenario = boot->run->scenario;
    struct session_desc desc = {
        .project = boot->project,
        .board = boot->run->board,
        .firmware = boot->firmware[0] ? boot->firmware : NULL,
        .drive = boot->drive,
        .console_first = boot->at_once ? SESSION_AT_ONCE : SESSION_CONSOLE_FIRST_AUTO,
        .seed = scenario->seed,
        .log = { [LOG_ERROR] = true },
    };
    struct runner_desc runner = { .scenario = scenario,
                                  .drive = boot->drive,
                                  .new_goldens = boot->options->update_goldens,
                                  .limit_ps = boot->options->limit_ms * UINT64_C(1000000000),
                                  .began = test_report_is_live() ? tell_step : NULL,
                                  .context = boot };
    boot->runner = runner_create(&runner);
    if (!boot->runner) {
        error_set(error, "out of memory");
        return false;
    }
    boot->lines = (struct session_listener){ .context = boot, .line = hear_line };
    boot->session = session_open(&desc, &boot->lines, error);
    if (boot->session) {
        session_listen(boot->session, runner_listener(boot->runner));
        runner_attach(boot->runner, boot->session);
        boot->coverage = boot->again ? NULL : test_coverage_begin(boot->options, boot->session);
    }
    return boot->session != NULL;
}

static void close_session(struct boot *boot) {
    coverage_run_end(boot->coverage);
    boot->coverage = NULL;
    runner_detach(boot->runner);
    session_abandon(boot->session);
    runner_destroy(boot->runner);
    boot->session = NULL;
    boot->runner = NULL;
}

static bool check_steps(struct boot *boot) {
    const struct scenario *scenario = boot->run->scenario;
    struct findings findings = { .report = hear_line, .context = boot };
    bool ok = runner_check(boot->runner, &scenario->before, &findings);
    for (unsigned i = 0; i < scenario->case_count; i++) {
        ok &= runner_check(boot->runner, &scenario->cases[i].list, &findings);
    }
    return ok;
}

/* Run to where the cases part. False: begin again, with code.py started at once. */
static bool run_to_parting(struct boot *boot, struct runner_result *ret_result) {
    const struct scenario_list *before = &boot->run->scenario->before;
    *ret_result = (struct runner_result){ .outcome = RUNNER_PASSED };
    if (before->count) {
        return runner_run(boot->runner, before, ret_result) != RUNNER_RUNS;
    }
    enum session_state state = SESSION_RUNS;
    session_hold_code(boot->session, true);
    while (session_is_early(boot->session) && !session_code_is_held(boot->session) && state == SESSION_RUNS &&
           session_now(boot->session) < HELD_PS) {
        state = session_run(boot->session, session_now(boot->session) + UINT64_C(100000000000));
    }
    return state != SESSION_BEGIN_AGAIN;
}

/* ---- Cases ---- */

struct slot {
    pid_t pid;
    unsigned index;
    bool again;
    char folder[PATH_MAX];
};

static bool make_case_folder(const struct boot *boot, struct slot *slot, struct error *error) {
    int length = snprintf(slot->folder, sizeof(slot->folder), "%s/case-%u%s", boot->run->folder, slot->index,
                          slot->again ? "-again" : "");
    error_set(error, "%s: %s", slot->folder, strerror(errno));
    return length < (int)sizeof(slot->folder) && mkdir(slot->folder, 0777) == 0 &&
           (slot->again || inside_copy(boot->drive, slot->folder, true, DRIVE_BYTES, error));
}

/* The whole run once more, with all that can be watched. */
static void run_again(struct boot *boot, const struct slot *slot) {
    struct error error;
    struct runner_result result;
    boot->again = true;
    close_session(boot);
    if (!copy_drive(boot, slot->folder, &error) || !open_session(boot, &error)) {
        return;
    }
    struct test_place place = { boot->run, boot->options, boot->pipe, boot->session, boot->runner, boot->coverage };
    struct test_watch watch;
    test_watch_begin(&place, slot->index, &watch);
    if (run_to_parting(boot, &result)) {
        session_hold_code(boot->session, false);
        runner_run(boot->runner, &boot->run->scenario->cases[slot->index].list, &result);
    }
    test_watch_end(&place, &watch);
}

static void become_case(struct boot *boot, const struct slot *slot) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    boot->index = slot->index;
    if (slot->again) {
        run_again(boot, slot);
        _exit(0);
    }
    struct test_place place = { boot->run, boot->options, boot->pipe, boot->session, boot->runner, boot->coverage };
    runner_set_drive(boot->runner, slot->folder);
    test_case_run(&place, slot->index);
}

static void tell_broken(struct boot *boot, unsigned index, const char *message) {
    struct test_message broken = { .kind = TEST_RESULT, .index = index, .result = { .outcome = RUNNER_WRONG } };
    snprintf(broken.result.message, sizeof(broken.result.message), "%s", message);
    tell_parent(boot, &broken);
}

static void start_case(struct boot *boot, struct slot *slot, unsigned index, bool again) {
    struct error error;
    slot->index = index;
    slot->again = again;
    bool ok = make_case_folder(boot, slot, &error);
    slot->pid = ok ? session_fork(boot->session, again ? NULL : slot->folder, &error) : -1;
    if (slot->pid == 0) {
        become_case(boot, slot);
    }
    if (slot->pid < 0) {
        tell_broken(boot, index, error.message);
        inside_remove(slot->folder);
        slot->pid = 0;
    }
}

/* The exit code says whether the case has passed. */
static void end_case(struct boot *boot, struct slot *slot, int status) {
    char message[100];
    bool failed = WIFEXITED(status) && WEXITSTATUS(status) == 1, again = slot->again;
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        snprintf(message, sizeof(message), "the emulator's process ended by %s %d",
                 WIFEXITED(status) ? "code" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        if (!again) {
            tell_broken(boot, slot->index, message);
        }
    }
    inside_remove(slot->folder);
    slot->pid = 0;
    if (failed && !again && boot->options->artifacts) {
        start_case(boot, slot, slot->index, true);
    }
}

static bool wait_for_case(struct boot *boot, struct slot *slots) {
    int status;
    pid_t pid = waitpid(-1, &status, 0);
    for (unsigned i = 0; pid > 0 && i < boot->slots; i++) {
        if (slots[i].pid == pid) {
            end_case(boot, &slots[i], status);
        }
    }
    return pid > 0;
}

static struct slot *free_slot(struct boot *boot, struct slot *slots) {
    for (unsigned i = 0; i < boot->slots; i++) {
        if (!slots[i].pid) {
            return &slots[i];
        }
    }
    return NULL;
}

static void run_cases(struct boot *boot) {
    static struct slot slots[SLOTS_MAX];
    boot->slots = boot->slots < SLOTS_MAX ? boot->slots : SLOTS_MAX;
    for (unsigned i = 0; i < boot->run->case_count; i++) {
        struct slot *slot;
        while (!(slot = free_slot(boot, slots)) && wait_for_case(boot, slots)) {
        }
        if (slot) {
            start_case(boot, slot, i, false);
        }
    }
    while (wait_for_case(boot, slots)) {
    }
}

/* ---- Together ---- */

/* An example whose libraries have not been fetched: scripts/get-libraries makes a copy that has them. */
static bool lacks_libraries(const struct boot *boot) {
    const char *folder = boot->run->scenario->folder;
    return inside_exists(folder, "libraries.txt") && !inside_exists(folder, "lib");
}

static void tell_skipped(struct boot *boot) {
    struct runner_result result = { .outcome = getenv("CI") ? RUNNER_WRONG : RUNNER_SKIPPED };
    snprintf(result.message, sizeof(result.message),
             "needs the libraries of its libraries.txt: `scripts/get-libraries %.200s DIR` makes a copy with them",
             boot->run->scenario->folder);
    tell_all_cases(boot, &result);
}

static bool prepare_session(struct boot *boot, struct error *error) {
    boot->at_once = boot->run->scenario->at_once;
    return copy_drive(boot, boot->run->folder, error) && find_project(boot, error) && find_firmware(boot, error) &&
           open_session(boot, error);
}

/* What is of use of a boot that has not come to its cases lies with the first one. */
static void keep_first(const struct boot *boot, const struct runner_result *result) {
    const struct test_place place = {
        boot->run, boot->options, boot->pipe, boot->session, boot->runner, boot->coverage
    };
    test_case_keep(&place, 0, result);
}

static void boot_and_run(struct boot *boot) {
    struct error error = { "" };
    struct runner_result result;
    if (lacks_libraries(boot)) {
        tell_skipped(boot);
        return;
    }
    bool ready = prepare_session(boot, &error) && check_steps(boot);
    if (ready && !run_to_parting(boot, &result)) {
        close_session(boot);
        boot->at_once = true;
        ready = open_session(boot, &error) && run_to_parting(boot, &result);
    }
    if (!ready) {
        tell_wrong(boot, error.message[0] ? error.message : boot->why);
    } else if (result.outcome != RUNNER_PASSED) {
        keep_first(boot, &result);
        tell_all_cases(boot, &result);
    } else {
        run_cases(boot);
    }
}

void test_boot(const struct test_run *run, const struct test_options *options, unsigned slots, int pipe) {
    static struct boot boot;
    boot = (struct boot){ .run = run, .options = options, .slots = slots, .pipe = pipe };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    boot_and_run(&boot);
}
