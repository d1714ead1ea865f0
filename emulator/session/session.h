/* A session: a board with its firmware, its project, its drive and its files, and the one gate through which everything
 * from outside comes in. Command line, window, scenarios, control socket and tests are its clients: they open a
 * session, listen to it, put inputs in and let it run. Nothing in this folder prints, ends the process or reads the
 * wall clock.
 *
 * One thread at a time: every function is called between two session_run(), and what a listener may call from within a
 * run is said there. The same description and the same inputs at the same virtual times give the same run, bit for bit,
 * however a client cuts it into pieces: what the session does by itself it does at times of its own. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "emulator/core/log.h"
#include "emulator/machine.h"
#include "emulator/project/project.h"
#include "emulator/session/input.h"

#include <sys/types.h>

struct session;
struct python;
struct usbhost_hid_event;

/* The port that the user's console is. SESSION_CONSOLE_AUTO: USB, and UART0 until USB has said something. */
enum session_console { SESSION_CONSOLE_AUTO, SESSION_CONSOLE_USB, SESSION_CONSOLE_UART0, SESSION_CONSOLE_UART1 };

/* Whether code.py waits for the console (console_first.h). AUTO: where a CircuitPython drive lets it. */
enum session_console_first { SESSION_AT_ONCE, SESSION_CONSOLE_FIRST_AUTO, SESSION_CONSOLE_FIRST };

/* All text is borrowed until session_close(); NULL where nothing is wanted. */
struct session_desc {
    const char *project;  /* a folder, or a diagram.json */
    const char *board;    /* CircuitPython's id; NULL: the project's, else the one that the image is for */
    const char *firmware; /* an image; NULL: the project's, else the newest of the board that firmware_find() knows */
    const uint8_t *contents; /* of the whole flash chip, before an image is loaded; with it none is looked for */
    const char *flash;       /* the whole flash chip in a file, made when missing */
    const char *drive;       /* a folder that is the CIRCUITPY drive; NULL: the project's folder */
    const char *image;       /* instead: a raw FAT image */
    const char
        *load_state; /* a snapshot, instead of power-on: firmware and flash are its; the project has to be the same */
    const char *replay;  /* a recording: board, project and all inputs are its, and most of the above does not count */
    bool is_unfinished;  /* the recording is still being written: where it ends so far is no difference */
    const char *bootrom; /* the boot ROM of the user's own board */
    const char *otp;     /* the fuses of an RP2350 in a file, made when missing */
    const char *errata;  /* of the chip, which it does not have otherwise: errata_choose() */
    const char *const *wires; /* "GP2=GP3": pins of the board that are joined */
    unsigned wire_count;
    enum session_console console;
    enum session_console_first console_first;
    unsigned drive_host_ms; /* the least time of the host's clock between two looks at the folder: for people who edit
                               while the board runs faster than the clock. 0 in a run that has to repeat */
    bool no_drive;          /* the project's folder is not the drive (session_attach_drive() may follow) */
    uint64_t seed;
    bool exact;
    bool log[LOG_LEVELS]; /* the lines that listeners hear */
    bool trace_bus, trace_exceptions, trace_usb;
};

/* What clients hear, in the order in which they began to listen; any function may be NULL. Called from within
 * session_open() (line, log) and session_run(). From there session_stop() and everything that only reads may be called,
 * nothing else. */
struct session_listener {
    void *context;
    /* The console has said something. */
    void (*console)(void *context, const uint8_t *data, size_t size);
    /* Any port has, the console's too. */
    void (*serial)(void *context, enum console_port port, const uint8_t *data, size_t size);
    /* A line of the machine's log. */
    void (*log)(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line);
    /* A line about the project or the files of the session, and one about its drive. */
    void (*line)(void *context, enum log_level level, const char *line);
    void (*drive)(void *context, enum log_level level, const char *line);
    /* The chip was reset: "watchdog", "SYSRESETREQ", ... */
    void (*reset)(void *context, const char *cause);
    /* The board's supply has gone, or comes back. */
    void (*power)(void *context, bool on);
    /* A key, a mouse's movement, ... of a HID device that the board is. */
    void (*hid)(void *context, const struct usbhost_hid_event *event);
    void (*midi)(void *context, unsigned cable, const uint8_t *bytes, size_t size);
    /* An input takes effect now: what a recording keeps. */
    void (*input)(void *context, const struct input_moment *moment, const struct input *input);
    struct session_listener *next; /* the session's */
};

enum session_state {
    SESSION_RUNS,          /* the time has been reached, or a listener has called session_stop() */
    SESSION_LOCKED_UP,     /* for a second: nothing is on its way out any more, and no watchdog has helped */
    SESSION_IN_BOOTLOADER, /* the firmware has left for the boot ROM's USB mode */
    SESSION_UNBOOTABLE,    /* the boot ROM finds nothing to start */
    SESSION_REPLAYED,      /* the recording is at its end, and the run was the same */
    SESSION_DIFFERS,       /* it was not: a line of level error says when and where */
    SESSION_BEGIN_AGAIN,   /* the console could not be first: abandon the session, and open it with SESSION_AT_ONCE */
};

/* "locked_up", "bootloader", ...; NULL of SESSION_RUNS. */
const char *session_state_name(enum session_state state);

/* ---- Life ---- */

/* `listener` is borrowed; it hears what is said while the session is opened. NULL with `error`, whose message is empty
 * when lines have said it all. The board is switched on, at time 0. */
struct session *session_open(const struct session_desc *desc, struct session_listener *listener, struct error *error);
/* What the board has changed is copied into the drive's folder and the files. False when not all of it could be: lines
 * have said so. NULL is fine. */
bool session_close(struct session *session);
/* The same, and the drive's folder stays as it is. */
bool session_abandon(struct session *session);
/* `listener` stays where it is until the session is closed or session_unlisten(). */
void session_listen(struct session *session, struct session_listener *listener);
/* No effect when it does not listen. */
void session_unlisten(struct session *session, struct session_listener *listener);

/* ---- Time ---- */

/* Run until virtual time `until_ps`, or until one of the states that end a run (which later calls return again). Ends
 * late by an instruction block, or by what both cores run between two looks at each other. */
enum session_state session_run(struct session *session, uint64_t until_ps);
/* What the last session_run() has returned. */
enum session_state session_state(const struct session *session);
/* session_run() returns as soon as it can. From listeners. */
void session_stop(struct session *session);
/* When the session looks after something by itself, at most `limit_ps`: a client that waits for the clock on the wall
 * need not look in between. */
uint64_t session_next(const struct session *session, uint64_t limit_ps);
uint64_t session_now(const struct session *session); /* ps */
/* Before session_close(): firmware that has erased a sector of the flash gets the time to write it (100 ms at most). */
void session_finish_flash(struct session *session);

/* ---- The gate ---- */

/* Let the input take effect now. False with an error line when there is no such thing, or when it cannot be; then
 * nothing has happened. */
bool session_apply(struct session *session, const struct input *input, struct error *error);
/* The same at `when_ps`, in the order of times, then of calls. What the input points to is borrowed until then. False
 * when the input cannot be, as far as that can be told now. A failure later is a line of level error. */
bool session_plan(struct session *session, uint64_t when_ps, const struct input *input, struct error *error);
/* When the next planned input is due; TIME_NEVER: none is left. */
uint64_t session_planned(const struct session *session);
/* Bytes for the console, which go to the board as soon as it takes them; returns how many there was room for. With
 * `script` bytes behind a Ctrl-C wait until the board has been silent for a moment, as a person would: CircuitPython
 * throws away what it has received when it sees one. */
size_t session_type(struct session *session, const void *data, size_t size, bool script);
/* Bytes for the USB serial port `instance` (1: usb_cdc.data); returns how many it took now. */
size_t session_write_cdc(struct session *session, unsigned instance, const void *data, size_t size);
/* Bytes that session_type() would take now; SESSION_TYPING when nothing waits. */
size_t session_typing_room(const struct session *session);
#define SESSION_TYPING 256
/* code.py has not begun yet because it waits for the console: what is printed is no program's. */
bool session_is_early(const struct session *session);
/* The time has run out. True when code.py still waits for the console: to begin again (SESSION_BEGIN_AGAIN). */
bool session_is_in_vain(struct session *session);
/* The core is in lock-up; session_run() tells so when that is final. */
bool session_is_locked_up(const struct session *session);

/* ---- Debuggers (halts.c) ---- */

struct core_debugger;
struct core_position;
/* Who is asked by the cores; NULL: nobody. Watches and steps are the caller's, at the cores themselves (core.h). */
void session_set_debugger(struct session *session, const struct core_debugger *debugger);
/* session_run() has returned because a core was halted. Nothing else has happened since: the next one goes on there. */
bool session_is_halted(const struct session *session);
/* The run is to halt there, should it come by; once. */
void session_halt_at(struct session *session, unsigned core, const struct core_position *position);
/* It is there. When not, it is still waited for, until session_halt_nowhere(). */
bool session_has_come(const struct session *session);
void session_halt_nowhere(struct session *session);

/* ---- Recordings ---- */

/* Keep from now on what the run depends on in the file `path`: all state, and then every input, so that a session with
 * this `replay` runs the same, bit for bit. False with an error line. */
bool session_record(struct session *session, const char *path, struct error *error);
/* The recording is complete. False with an error line when not all of it could be written; it is closed all the same.
 * Nothing happens when there is none. session_close() does it too. */
bool session_end_record(struct session *session, struct error *error);

/* What has been recorded is in the file by now. */
void session_flush_record(struct session *session);
/* A session of its own that runs again what `recording`, a recording of `session` that may not be complete, has so far.
 * NULL with an error line. */
struct session *session_open_past(struct session *session, const char *recording, struct error *error);

/* ---- Cases of one boot (fork.c) ---- */

/* code.py stays off the drive also when the console is open: session_run() returns then, and session_code_is_held() is
 * true. To run many programs, or one many times, from that moment on. False lets it go. */
void session_hold_code(struct session *session, bool hold);
bool session_code_is_held(const struct session *session);
/* As fork(). In the child `folder`, borrowed, takes the place of the drive's folder: the same files under the same
 * names (hard links will do). NULL: the folder stays, and parent and child must not both run on. The child never
 * writes the files of flash and fuses; listeners are copies of the parent's, with the parent's descriptors. The child
 * ends with SESSION_FORK_FAILED when it has no memory. -1 with an error line. */
pid_t session_fork(struct session *session, const char *folder, struct error *error);
#define SESSION_FORK_FAILED 125

/* ---- Snapshots ---- */
/* Keep all state in a file that desc.load_state goes on from (snapshot_file.h). False with an error line. */
bool session_save_state(struct session *session, const char *path, struct error *error);

/* ---- What there is ---- */
struct machine *session_machine(struct session *session);
const struct project *session_project(const struct session *session);
const struct board *session_board(const struct session *session);
/* Something of the drive is on its way between the folder and the board, or waits for the next look. */
bool session_drive_is_busy(const struct session *session);
/* The image's path; "": what the flash file holds. */
const char *session_firmware(const struct session *session);
/* The Python program that runs, seen from outside (emulator/debug/python.h): one view for all clients, made when it is
 * first asked for. NULL when out of memory. */
struct python *session_python(struct session *session);
/* The drive's folder; NULL when there is none. */
const char *session_folder(const struct session *session);

#endif
