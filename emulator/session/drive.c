/* The CIRCUITPY drive of a session: which folder or image it is, and whether the firmware has one at all. */
#include "emulator/session/session_private.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

static void report_drive(void *context, enum log_level level, const char *line) {
    const struct session *session = context;
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->drive) {
            each->drive(each->context, level, line);
        }
    }
}

static bool is_named(const struct session *session) {
    return session->desc.image || session->desc.drive;
}

/* Whether the firmware has a CIRCUITPY drive. A folder that was named as one is taken where nothing tells. */
static bool has_drive(const struct session *session) {
    return session->kind == FIRMWARE_CIRCUITPYTHON || (session->kind == FIRMWARE_UNKNOWN && is_named(session));
}

static bool has_programs(const char *path) {
    DIR *folder = opendir(path);
    bool found = false;
    for (struct dirent *entry; folder && !found && (entry = readdir(folder));) {
        const char *end = strrchr(entry->d_name, '.');
        found = end && strcmp(end, ".py") == 0;
    }
    if (folder) {
        closedir(folder);
    }
    return found;
}

/* The folder of a project in another language is none of its business. */
static void say_no_drive(struct session *session) {
    const struct session_desc *desc = &session->desc;
    const char *folder = session->folder;
    if (session->kind == FIRMWARE_MICROPYTHON && folder && has_programs(folder)) {
        session_say(session, LOG_WARN,
                    "%s: MicroPython has no CIRCUITPY drive, so that none of these files is on the board; "
                    "copy them: --serial pty:LINK, then `mpremote connect LINK cp -r %s/* :` (--flash FILE keeps them)",
                    folder, folder);
    } else if (is_named(session)) {
        session_say(session, LOG_WARN, "%s %s: %s has no CIRCUITPY drive; it is not used",
                    desc->drive ? "--drive" : "--image", desc->drive ? desc->drive : desc->image,
                    session->kind == FIRMWARE_MICROPYTHON ? "MicroPython" : "a program of the pico-sdk");
    }
}

static bool open_folder(struct session *session, struct error *error) {
    session->folder_lock = opendir(session->folder);
    if (!session->folder_lock) {
        error_set(error, "--drive %s: %s; name a folder that can be read", session->folder, strerror(errno));
    }
    return session->folder_lock != NULL;
}

/* Two runs with one folder are no crime, but what either board writes reaches the other. */
static void claim_folder(struct session *session) {
    if (session->folder_lock && flock(dirfd(session->folder_lock), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        session_say(session, LOG_WARN,
                    "--drive %s: is another run's drive as well, and what either board writes reaches the other; give "
                    "each a folder of its own",
                    session->folder);
    }
}

static bool can_be_console_first(const struct session *session, struct error *error) {
    bool on_usb = session->desc.console == SESSION_CONSOLE_AUTO || session->desc.console == SESSION_CONSOLE_USB;
    if (session->folder && session->kind == FIRMWARE_CIRCUITPYTHON && on_usb && !session->desc.load_state) {
        return true;
    }
    error_set(error, "--console-first: is for CircuitPython with a folder as its drive and its console on USB: %s",
              !session->folder ? "give --drive DIR"
              : on_usb         ? "this firmware is none"
                               : "leave --console out");
    return false;
}

static bool open_link(struct session *session, bool hold_code, struct error *error) {
    uint32_t offset = board_drive_offset(session->board), size = board_drive_bytes(session->board);
    const char *image = session->desc.image;
    if (session->folder && session->desc.load_state) {
        return drive_link_open_mounted(&session->drive, session->folder, session->machine, offset, size,
                                       session->desc.drive_host_ms, report_drive, session, error);
    }
    if (session->folder) {
        return drive_link_open(&session->drive, session->folder, session->machine, offset, size,
                               session->desc.drive_host_ms, hold_code, report_drive, session, error);
    }
    return !image ||
           drive_link_open_image(&session->drive, image, session->machine, offset, size, report_drive, session, error);
}

bool session_open_drive(struct session *session, struct error *error) {
    const struct session_desc *desc = &session->desc;
    session->folder = desc->drive || desc->image || desc->no_drive || !session->project.folder[0]
                          ? desc->drive
                          : session->project.folder;
    bool hold_code = desc->console_first != SESSION_AT_ONCE && can_be_console_first(session, error);
    if ((desc->console_first == SESSION_CONSOLE_FIRST && !hold_code) ||
        (session->folder && !open_folder(session, error))) {
        return false;
    }
    if (!has_drive(session)) {
        say_no_drive(session);
        return true;
    }
    claim_folder(session);
    bool opened = open_link(session, hold_code, error);
    gate_tap_drive(session);
    return opened;
}

bool session_drive_is_busy(const struct session *session) {
    return session->drive.drive && drive_busy(session->drive.drive);
}

const char *session_folder(const struct session *session) {
    return session->folder;
}
