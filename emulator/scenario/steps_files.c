/* Steps about files of the drive. They go through the drive's folder, as a person's would: what is written is saved
 * there and reaches the board over USB; what the board writes is found there a moment later. */
#include "emulator/scenario/inside.h"
#include "emulator/scenario/runner_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_PS (100 * PS_PER_MS)
#define FILE_BYTES (16 * 1024 * 1024)
#define WRITTEN_S 1577836800 /* 2020-01-01: the time of a file that a step writes, plus the run's seconds */

static bool check_drive(struct runner *runner, const struct scenario_step *step, struct error *error) {
    const char *source = step->source ? step->source : step->compare_with;
    if (!session_folder(runner->session)) {
        error_set(error, "there is no drive with this firmware");
        return false;
    }
    if (source && !inside_exists(runner->desc.scenario->folder, source)) {
        error_set(error, "%s: there is no such file in the scenario's folder", source);
        return false;
    }
    return true;
}

/* ---- write-file ---- */

static enum step_state begin_write(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    struct error error;
    size_t size = step->text.length;
    uint8_t *source =
        step->source ? inside_read(runner->desc.scenario->folder, step->source, FILE_BYTES, &size, &error) : NULL;
    if (step->source && !source) {
        return task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
    }
    const void *data = source ? (const void *)source : step->text.bytes;
    int64_t seconds = WRITTEN_S + (int64_t)(task->began_ps / PS_PER_S);
    bool ok = inside_write(runner->desc.drive, step->file, data, size, seconds, &error);
    free(source);
    return ok ? STEP_DONE : task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
}

const struct step_actions file_write_actions = { begin_write, .check = check_drive };

/* ---- expect-file ---- */

static bool find_text(const struct scenario_step *step, const uint8_t *data, size_t size, char *ret_text,
                      size_t text_size) {
    struct stream stream = { 0 };
    struct stream_pattern pattern;
    struct stream_match match;
    bool ok = step->regex ? stream_pattern_regex(&pattern, step->regex, NULL)
                          : stream_pattern_text(&pattern, step->text.bytes, step->text.length, NULL);
    /* the last line of a file ends with it */
    ok = ok && stream_add(&stream, data, size) && stream_add(&stream, "\n", step->regex ? 1 : 0) &&
         stream_look(&stream, &pattern, &match);
    stream_pattern_finish(&pattern);
    if (!ok) {
        char rest[300];
        stream.cursor = 0;
        runner_quote((const char *)data, size < 120 ? size : 120, rest, sizeof(rest));
        snprintf(ret_text, text_size, "%s: \"%s\" is not in it; it begins with \"%s\"", step->file,
                 step->regex ? step->regex : step->text.bytes, rest);
    }
    stream_finish(&stream);
    return ok;
}

static bool compare_files(struct runner *runner, const struct scenario_step *step, const uint8_t *data, size_t size,
                          char *ret_text, size_t text_size) {
    struct error error;
    size_t wanted_size;
    uint8_t *wanted = inside_read(runner->desc.scenario->folder, step->compare_with, FILE_BYTES, &wanted_size, &error);
    size_t at = 0;
    while (wanted && at < size && at < wanted_size && data[at] == wanted[at]) {
        at++;
    }
    bool ok = wanted && size == wanted_size && at == size;
    if (!wanted) {
        snprintf(ret_text, text_size, "%s", error.message);
    } else if (!ok) {
        snprintf(ret_text, text_size, "%s has %zu bytes, %s has %zu; they differ from byte %zu on", step->file, size,
                 step->compare_with, wanted_size, at);
    }
    free(wanted);
    return ok;
}

static bool check_file(struct runner *runner, const struct scenario_step *step, char *ret_text, size_t size) {
    struct error error;
    size_t length = 0;
    uint8_t *data = inside_read(runner->desc.drive, step->file, FILE_BYTES, &length, &error);
    bool exists = data || inside_exists(runner->desc.drive, step->file);
    bool ok = exists != step->missing;
    if (!ok) {
        snprintf(ret_text, size, "%s is %s", step->file, step->missing ? "there" : "not there");
    }
    bool contents = step->text.bytes || step->regex || step->compare_with;
    if (ok && !step->missing && contents && !data) {
        snprintf(ret_text, size, "%s", error.message);
        ok = false;
    }
    ok = ok && (!data || !(step->text.bytes || step->regex) || find_text(step, data, length, ret_text, size));
    ok = ok && (!data || !step->compare_with || compare_files(runner, step, data, length, ret_text, size));
    free(data);
    return ok;
}

static enum step_state look_at_file(struct runner *runner, struct task *task) {
    char text[500];
    task->wake_ps = session_now(runner->session) + LOOK_PS;
    return check_file(runner, task_step(task), text, sizeof(text)) ? STEP_DONE : STEP_WAITS;
}

static void explain_file(struct runner *runner, struct task *task, char *ret_text, size_t size) {
    check_file(runner, task_step(task), ret_text, size);
}

const struct step_actions file_actions = { look_at_file, look_at_file, explain_file, check_drive };
