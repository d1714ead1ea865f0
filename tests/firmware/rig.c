/* See rig.h. Images are found by OUROBOARD_FIRMWARE_PATH or in ../shared/firmware. */
#include "tests/firmware/rig.h"

#include "emulator/core/scheduler.h"
#include "firmware-loader/describe.h"
#include "firmware-loader/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROMPT ">>> "

static void take_serial(void *context, enum console_port port, const uint8_t *data, size_t size) {
    struct rig *rig = context;
    if (rig->length + size + 1 > rig->capacity) {
        rig->capacity = (rig->length + size + 1) * 2;
        rig->output = realloc(rig->output, rig->capacity);
    }
    memcpy(rig->output + rig->length, data, size);
    rig->length += size;
    rig->output[rig->length] = 0;
}

static void take_reset(void *context, const char *cause) {
    ((struct rig *)context)->resets++;
}

static void take_log(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line) {
    struct rig *rig = context;
    rig->guest_lines += level == LOG_GUEST;
    rig->stub_lines += level == LOG_STUB;
    if (level <= LOG_STUB) {
        fprintf(stderr, "    [%11.6f] %-5s %s: %s\n", (double)time_ps / 1e12, log_level_name(level), source, line);
    }
}

static void take_line(void *context, enum log_level level, const char *line) {
    struct rig *rig = context;
    size_t used = strlen(rig->drive_lines);
    if (level != LOG_TRACE) {
        snprintf(rig->drive_lines + used, sizeof(rig->drive_lines) - used, "%s\n", line);
    }
}

static void cannot_run(const char *what) {
    bool ci = getenv("CI") != NULL;
    fprintf(stderr, "%s: %s; set OUROBOARD_FIRMWARE_PATH\n", ci ? "FAILED" : "skipped", what);
    exit(ci ? 1 : RIG_SKIP);
}

const char *rig_image_path(const char *name) {
    static char path[1024];
    char list[1024];
    const char *variable = getenv("OUROBOARD_FIRMWARE_PATH");
    snprintf(list, sizeof(list), "%s:%s", variable ? variable : "", OUROBOARD_FIRMWARE_DEFAULT);
    char *rest = list;
    for (char *directory = strsep(&rest, ":"); directory; directory = strsep(&rest, ":")) {
        snprintf(path, sizeof(path), "%s/%s", directory, name);
        if (*directory && access(path, R_OK) == 0) {
            return path;
        }
    }
    cannot_run(name);
    return NULL;
}

static void failed(const struct error *error) {
    fprintf(stderr, "FAILED: %s\n", error->message);
    exit(1);
}

/* The board's id, when the caller leaves it to an image that is not to be loaded. */
static const char *board_of(const struct rig_desc *desc) {
    struct description description;
    struct image image;
    struct error error;
    if (desc->board || !desc->image) {
        return desc->board;
    }
    if (!image_load(&image, rig_image_path(desc->image), CHIP_UNKNOWN, &error)) {
        failed(&error);
    }
    describe_image(&image, &description);
    image_finish(&image);
    return (description.board ? description.board : board_default(description.chip))->id;
}

void rig_start(struct rig *rig, const struct rig_desc *desc) {
    struct error error;
    *rig = (struct rig){ .output = calloc(1, 1), .capacity = 1, .slice_ps = desc->slice_ps };
    rig->listener = (struct session_listener){ .context = rig,
                                               .serial = take_serial,
                                               .reset = take_reset,
                                               .log = take_log,
                                               .line = take_line,
                                               .drive = take_line };
    struct session_desc session = {
        .board = board_of(desc),
        .firmware = desc->image && !desc->blank ? rig_image_path(desc->image) : NULL,
        .contents = desc->flash,
        .project = desc->project,
        .drive = desc->drive,
        .seed = desc->seed,
        .exact = desc->exact,
    };
    for (int level = 0; level < LOG_TRACE; level++) {
        session.log[level] = true;
    }
    rig->session = session_open(&session, &rig->listener, &error);
    if (!rig->session) {
        failed(&error);
    }
    rig->machine = session_machine(rig->session);
    rig->board = session_board(rig->session);
}

void rig_stop(struct rig *rig) {
    session_close(rig->session);
    free(rig->output);
}

/* Whoever stops cores in between does not end what a test waits for. */
static enum session_state run_until(struct rig *rig, uint64_t until) {
    enum session_state state;
    do {
        state = session_run(rig->session, until);
    } while (state == SESSION_RUNS && machine_is_halted(rig->machine));
    return state;
}

static enum session_state run_slice(struct rig *rig) {
    return run_until(rig, session_now(rig->session) + PS_PER_MS);
}

void rig_run(struct rig *rig, uint64_t ms) {
    uint64_t now = session_now(rig->session), end = now + ms * PS_PER_MS;
    while (rig->slice_ps && now + rig->slice_ps < end && run_until(rig, now + rig->slice_ps) == SESSION_RUNS) {
        now = session_now(rig->session);
    }
    run_until(rig, end);
}

/* A text in the output from the cursor on; the output may hold NUL bytes. */
static char *look(struct rig *rig, const char *text) {
    return memmem(rig->output + rig->cursor, rig->length - rig->cursor, text, strlen(text));
}

bool rig_expect(struct rig *rig, const char *text, uint64_t ms) {
    uint64_t end = machine_now(rig->machine) + ms * PS_PER_MS;
    char *found = look(rig, text);
    while (!found && machine_now(rig->machine) < end) {
        enum session_state state = run_slice(rig);
        if (state == SESSION_IN_BOOTLOADER || state == SESSION_UNBOOTABLE) {
            break;
        }
        found = look(rig, text);
    }
    if (!found) {
        return false;
    }
    rig->cursor = (size_t)(found - rig->output) + strlen(text);
    return true;
}

void rig_type(struct rig *rig, const char *text) {
    size_t size = strlen(text);
    for (unsigned ms = 0; size && ms < 2000; ms++) {
        size_t taken = machine_console_write(rig->machine, CONSOLE_USB, (const uint8_t *)text, size);
        text += taken;
        size -= taken;
        rig_run(rig, 1);
    }
    RIG_CHECK(rig, size == 0);
}

const char *rig_rest(const struct rig *rig) {
    return rig->output + rig->cursor;
}

const char *rig_repl(struct rig *rig, const char *line, uint64_t ms) {
    static char printed[65536];
    rig_type(rig, line);
    rig_type(rig, "\r");
    if (!rig_expect(rig, "\r\n", 1000)) {
        return NULL;
    }
    size_t begin = rig->cursor;
    if (!rig_expect(rig, PROMPT, ms)) {
        return NULL;
    }
    size_t size = rig->cursor - strlen(PROMPT) - begin;
    size = size < sizeof(printed) ? size : sizeof(printed) - 1;
    memcpy(printed, rig->output + begin, size);
    printed[size] = 0;
    return printed;
}

static void fail(struct rig *rig, const char *file, int line) {
    size_t shown = rig->length > 2000 ? rig->length - 2000 : 0;
    fprintf(stderr, "    at %s:%d, %.6f s; the console's end:\n%s\n", file, line,
            (double)machine_now(rig->machine) / 1e12, rig->output + shown);
    _exit(1);
}

void rig_check(struct rig *rig, bool condition, const char *text, const char *file, int line) {
    if (!condition) {
        fprintf(stderr, "    false: %s\n", text);
        fail(rig, file, line);
    }
}

void rig_equal(struct rig *rig, const char *actual, const char *expected, const char *file, int line) {
    if (!actual || strcmp(actual, expected) != 0) {
        fprintf(stderr, "    printed:  %s\n    expected: %s\n", actual ? actual : "(nothing)", expected);
        fail(rig, file, line);
    }
}

static bool run_case(struct rig *rig, const struct rig_case *test) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        test->run(rig);
        fflush(NULL);
        _exit(0);
    }
    int status;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int rig_cases(struct rig *rig, const struct rig_case *cases, size_t count) {
    int failures = 0;
    for (size_t i = 0; i < count; i++) {
        bool passed = run_case(rig, &cases[i]);
        printf("%s %s\n", passed ? "ok  " : "FAIL", cases[i].name);
        failures += !passed;
    }
    return failures;
}
