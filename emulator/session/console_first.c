/* The steps of --console-first, as the header tells them, and how long each may take in virtual time. */
#include "emulator/session/console_first.h"

#include "emulator/core/scheduler.h"
#include "emulator/session/session_private.h"

#define LONGEST_BOOT_PS (10 * PS_PER_S) /* beginning again costs nothing but time: the limit is a short one */
#define DRIVE_GRACE_PS (2 * PS_PER_S)   /* for the drive to be there after the console */
#define WRITE_PS (20 * PS_PER_S)        /* a drive that is written for so long will not be */
#define RELOAD_PS (3 * PS_PER_S)        /* auto-reload begins within less than 1 s */
#define START_PS (500 * PS_PER_MS)      /* from "soft reboot" to code.py */

static void enter(struct console_first *first, enum console_first_step step, uint64_t now) {
    first->step = step;
    first->since_ps = now;
}

void console_first_begin(struct session *session) {
    struct console_first *first = &session->console_first;
    *first = (struct console_first){ .ready_ps = TIME_NEVER, .heard_ps = TIME_NEVER };
    if (session->drive.drive && drive_code_is_held(session->drive.drive)) {
        first->active = true;
        enter(first, CONSOLE_FIRST_HELD, 0);
    }
}

/* After the first boot nothing has been kept yet, later it has. */
static void give_up(struct session *session, uint64_t now) {
    struct console_first *first = &session->console_first;
    first->active = false;
    if (first->step == CONSOLE_FIRST_HELD) {
        first->in_vain = true;
        return;
    }
    session_say(session, LOG_WARN,
                "the console cannot be first after this reset: code.py is put back and the chip reset");
    uint8_t *before = gate_keep_area(session);
    drive_link_put_code_back(&session->drive);
    gate_tell_area(session, before);
    if (session->flash_file) {
        flash_file_compare(session->flash_file);
    }
    enter(first, CONSOLE_FIRST_OFF, now);
    session_apply(session, &(struct input){ .kind = INPUT_RESET }, NULL);
}

/* The board has to show both its console and a drive that can be written. */
static void wait_for_board(struct session *session, uint64_t now) {
    struct console_first *first = &session->console_first;
    bool ready = machine_console_ready(session->machine, CONSOLE_USB);
    first->ready_ps = !ready ? TIME_NEVER : first->ready_ps < now ? first->ready_ps : now;
    if (ready && first->keep_held && drive_link_is_writable(&session->drive)) {
        first->held_ready = true;
        session_stop(session);
    } else if (ready && drive_link_is_writable(&session->drive)) {
        drive_link_release_code(&session->drive);
        if (session->flash_file) {
            flash_file_compare(session->flash_file); /* from now on it is kept */
        }
        enter(first, CONSOLE_FIRST_WRITTEN, now);
    } else if (now - first->since_ps > LONGEST_BOOT_PS || (ready && now - first->ready_ps > DRIVE_GRACE_PS)) {
        give_up(session, now);
    }
}

void console_first_reset(struct session *session, uint64_t now) {
    struct console_first *first = &session->console_first;
    if (!first->active || first->step == CONSOLE_FIRST_HELD || first->step == CONSOLE_FIRST_HELD_AGAIN) {
        return;
    }
    uint8_t *before = gate_keep_area(session);
    bool held = drive_link_hold_code(&session->drive);
    gate_tell_area(session, before);
    if (!held) {
        return;
    }
    if (session->flash_file) {
        flash_file_compare(session->flash_file);
    }
    first->ready_ps = first->heard_ps = TIME_NEVER;
    enter(first, CONSOLE_FIRST_HELD_AGAIN, now);
}

void console_first_power(struct session *session, uint64_t now) {
    struct console_first *first = &session->console_first;
    first->since_ps = now;
    first->ready_ps = TIME_NEVER;
}

static void wait_for_drive(struct session *session, uint64_t now) {
    struct console_first *first = &session->console_first;
    if (drive_code_is_written(session->drive.drive) || now - first->since_ps > WRITE_PS) {
        enter(first, CONSOLE_FIRST_STARTING, now);
    }
}

/* The firmware says something as soon as it reloads. When it stays silent, auto-reload is off. */
static void wait_for_start(struct session *session, uint64_t now) {
    struct console_first *first = &session->console_first;
    if (first->heard_ps != TIME_NEVER) {
        if (now - first->heard_ps > START_PS) {
            enter(first, CONSOLE_FIRST_OFF, now);
        }
    } else if (now - first->since_ps > RELOAD_PS) {
        gate_serial(session, CONSOLE_USB, (const uint8_t *)"\x04", 1);
        enter(first, CONSOLE_FIRST_OFF, now);
    }
}

void console_first_step(struct session *session, uint64_t now) {
    switch (session->console_first.step) {
    case CONSOLE_FIRST_HELD:
    case CONSOLE_FIRST_HELD_AGAIN:
        wait_for_board(session, now);
        break;
    case CONSOLE_FIRST_WRITTEN:
        wait_for_drive(session, now);
        break;
    case CONSOLE_FIRST_STARTING:
        wait_for_start(session, now);
        break;
    case CONSOLE_FIRST_OFF:
        break;
    }
}

void console_first_heard(struct session *session, uint64_t now) {
    struct console_first *first = &session->console_first;
    if (first->step == CONSOLE_FIRST_STARTING && first->heard_ps == TIME_NEVER) {
        first->heard_ps = now;
    }
}

bool console_first_is_early(const struct session *session) {
    enum console_first_step step = session->console_first.step;
    return step == CONSOLE_FIRST_HELD || step == CONSOLE_FIRST_HELD_AGAIN || step == CONSOLE_FIRST_WRITTEN;
}

bool console_first_keeps_input(const struct session *session) {
    return session->console_first.step != CONSOLE_FIRST_OFF;
}

bool console_first_gives_up(struct session *session) {
    struct console_first *first = &session->console_first;
    first->in_vain |= first->step == CONSOLE_FIRST_HELD;
    return first->in_vain;
}
