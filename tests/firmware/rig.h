/* A board under test: a session with a real image, its console at hand. All times are virtual.
 *
 * A test binary boots an image once and forks for every case (RIG_CASE), so that a case costs milliseconds and cannot
 * disturb the next one. */
#ifndef TESTS_RIG_H
#define TESTS_RIG_H

#include "emulator/session/session.h"
#include "firmware-loader/boards.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIG_SKIP 77 /* meson's exit code for a test that cannot run here */

struct rig_desc {
    const char *image; /* file name in the firmware directory */
    const char *board; /* CircuitPython's id; NULL: the one that the image is for, or the Pico of its chip */
    uint64_t seed;
    bool exact;
    uint64_t slice_ps;    /* how the rig cuts its runs, which must make no difference; 0: 1 ms, or not at all */
    bool blank;           /* do not load the image into flash: the caller brings a whole flash */
    const uint8_t *flash; /* flash contents to start from (the whole chip), loaded before the image; may be NULL */
    const char *project;  /* a folder with a diagram.json, which is the drive as well; may be NULL */
    const char *drive;    /* a folder that is the CIRCUITPY drive; may be NULL */
};

struct rig {
    struct session *session;
    struct session_listener listener;
    struct machine *machine; /* below: the session's */
    const struct board *board;
    char *output; /* everything that the console has said, NUL-terminated; NUL bytes are kept as they are */
    size_t length, capacity;
    uint64_t slice_ps;
    size_t cursor;                    /* rig_expect() looks from here on */
    uint64_t guest_lines, stub_lines; /* log lines so far */
    unsigned resets;
    char drive_lines[4096]; /* what the drive has reported, a line each */
};

/* Fails the test (exit 1) when the image is missing and CI is set, skips it (exit 77) elsewhere. */
void rig_start(struct rig *rig, const struct rig_desc *desc);
void rig_stop(struct rig *rig);
/* Run for so long. */
void rig_run(struct rig *rig, uint64_t ms);
/* Run until `text` appears after the last match, at most `ms`. False when it does not. */
bool rig_expect(struct rig *rig, const char *text, uint64_t ms);
/* Type at the console; runs until all of it is taken. */
void rig_type(struct rig *rig, const char *text);
/* What has been said since the last match. */
const char *rig_rest(const struct rig *rig);
/* Type a line at the REPL's prompt and give what it printed, up to the next prompt. NULL after `ms`. The text is
 * valid until the next call. */
const char *rig_repl(struct rig *rig, const char *line, uint64_t ms);

/* Stop the case as failed, with a line. */
#define RIG_CHECK(rig, condition) rig_check(rig, condition, #condition, __FILE__, __LINE__)
void rig_check(struct rig *rig, bool condition, const char *text, const char *file, int line);
#define RIG_EQUAL(rig, actual, expected) rig_equal(rig, actual, expected, __FILE__, __LINE__)
void rig_equal(struct rig *rig, const char *actual, const char *expected, const char *file, int line);

struct rig_case {
    const char *name;
    void (*run)(struct rig *rig);
};
/* Fork for each case. Returns the number of failures and prints a line for each case. */
int rig_cases(struct rig *rig, const struct rig_case *cases, size_t count);

/* Path of an image in the firmware directory, in a static buffer; skips or fails as rig_start() does. */
const char *rig_image_path(const char *name);

#endif
