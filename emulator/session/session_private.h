/* What the files of this folder share of a session. */
#ifndef SESSION_SESSION_PRIVATE_H
#define SESSION_SESSION_PRIVATE_H

#include "emulator/core/scheduler.h"
#include "emulator/cpu/core.h"
#include "emulator/drive_link.h"
#include "emulator/session/console_first.h"
#include "emulator/session/fault.h"
#include "emulator/session/otp_file.h"
#include "emulator/session/session.h"
#include "firmware-loader/describe.h"
#include "firmware-loader/flash_file.h"
#include "firmware-loader/image.h"

#include <dirent.h>

/* Bytes on their way to the console, and why they wait. */
struct typing {
    uint8_t bytes[SESSION_TYPING];
    size_t length;
    bool script;             /* what is in there does not wait for the prompt by itself */
    uint64_t interrupted_ps; /* when a script has sent a Ctrl-C; TIME_NEVER: what follows need not wait any more */
    uint64_t printed_ps;     /* when the board has printed something last */
    uint64_t next_ps;        /* when it is tried again */
};

/* Inputs that are to take effect later, in order. */
struct plan {
    struct planned_input *list;
    unsigned count, room, next;
};

/* Something outside that drives a pin, from the first time it does so on. */
struct pin_driver {
    struct net_driver driver;
    char name[2 * DIAGRAM_PATH]; /* of the pin, as it was given */
    struct pin_driver *next;
};

/* What is wrong at present. */
struct faults {
    struct active_fault *list;
    struct random flips, moments;
    struct event power; /* FAULT_FLASH_POWER: the supply goes */
};

/* A place in the run at which a core is to be halted. */
struct halt_place {
    struct session *session;
    bool is_armed;
    struct core *core;
    struct core_position at;
    struct core_watch watch;
    bool is_reached;
};
struct halts {
    struct core_debugger client; /* who is asked as well */
    struct halt_place wanted;    /* session_halt_at() */
    struct halt_place input;     /* of the next input of a replay */
};

struct session {
    struct session_desc desc;
    struct session_listener *listeners;
    struct machine *machine;
    struct python *python; /* NULL: nobody has asked for it */
    struct project project;
    bool has_project; /* its board is known */
    const struct board *board;
    const char *folder; /* of the drive; NULL: none */
    DIR *folder_lock;
    char firmware[1024];
    struct image image;
    bool has_image;
    enum firmware_kind kind; /* of the image, or of what the flash file holds */
    uint8_t *bootrom;
    struct otp_file otp;
    struct flash_file *flash_file;
    bool flash_failed;      /* that it cannot be written has been said */
    uint32_t flash_open;    /* the end of what has been erased and not filled again; 0: nothing */
    uint64_t flash_next_ps; /* when what has waited is written */
    bool finishing;
    struct drive_link drive;
    struct console_first console_first;
    struct usbhost_listener usb;
    bool usb_seen; /* the USB console has said something: UART0 is no longer the console */
    struct typing typing;
    struct plan plan;
    struct pin_driver *pins;
    struct drive_link_tap drive_tap;
    uint64_t answers;      /* what the board has done so far that something outside may answer within the run */
    bool answering;        /* such an answer is being given now */
    struct record *record; /* NULL: none */
    struct replay *replay; /* NULL: none */
    struct faults faults;
    struct machine_companion companion;
    struct halts halts;
    bool stop;
    enum session_state ended; /* SESSION_RUNS: it goes on */
    uint64_t locked_up_ps;    /* since when core 0 is in lock-up; TIME_NEVER: it is not */
};

/* ---- Telling listeners (session.c) ---- */
void session_say(struct session *session, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The port that is the console now. */
enum console_port session_console_port(const struct session *session);

/* ---- Opening (firmware.c, drive.c, open.c) ---- */
/* What is to run: project, board and image. */
bool session_resolve(struct session *session, struct error *error);
/* Make the parts, before power-on. A session without a project has a board alone. */
bool session_build_project(struct session *session, struct error *error);
/* Put the drive into the flash and be its PC, before power-on. */
bool session_open_drive(struct session *session, struct error *error);
/* Everything up to the moment at which the board is switched on. */
bool session_make(struct session *session, struct error *error);
/* Instead of switching it on: what desc.load_state says, and then the drive, whose folder is compared with what the
 * firmware has mounted. */
bool session_load(struct session *session, struct error *error);

/* ---- Listening to the machine (session.c) ---- */
void session_attach(struct session *session);

/* ---- The gate (gate.c, plan.c) ---- */
/* Bytes to a port; returns how many it took. */
size_t gate_serial(struct session *session, enum console_port port, const uint8_t *data, size_t size);
/* "GP2=GP3". */
bool gate_join(struct session *session, const char *text, struct error *error);
/* The PC's requests to the drive go through the gate from now on; after the drive has been opened. */
void gate_tap_drive(struct session *session);
/* The board has done something that something outside may answer at once; until gate_answered(). */
void gate_answers(struct session *session);
void gate_answered(struct session *session);
/* The drive's area as it is, for gate_tell_area(), which tells what has been changed there from outside since; NULL
 * when nobody wants to know. */
uint8_t *gate_keep_area(const struct session *session);
void gate_tell_area(struct session *session, uint8_t *before);
/* The board's supply or its USB cable has come or gone. */
void gate_supply_changed(struct session *session, bool on);
void gate_pins_walk(struct session *session, struct walk *walk);
void gate_finish(struct session *session);
/* The planned inputs that are due. */
void plan_step(struct session *session, uint64_t now_ps);
void plan_finish(struct session *session);

/* ---- Debuggers (halts.c) ---- */
/* The cores ask the session from now on. */
void halts_begin(struct session *session);
void halts_tell_moment(const struct session *session, struct input_moment *moment);
/* A core is to be halted there; and no longer. */
void halts_arm(struct session *session, struct halt_place *place, unsigned core, const struct core_position *at);
void halts_disarm(struct halt_place *place);

/* ---- Recordings (record.c, replay.c) ---- */
/* When a recording wants to look at the machine next; TIME_NEVER: there is none. */
uint64_t record_next(const struct session *session);
void record_step(struct session *session, uint64_t now_ps);
/* Read the head of the recording, and make the description what it says. */
bool replay_open(struct session *session, struct error *error);
/* The text of the project's diagram in it; NULL: there was none. */
const char *replay_diagram(const struct session *session);
/* An input of kind INPUT_DRIVE. */
bool replay_request(struct session *session, const struct input *input, struct error *error);
/* Make the machine, which has just been switched on, what it was. Nothing happens without a recording, here and below.
 */
bool replay_begin(struct session *session, struct error *error);
uint64_t replay_next(const struct session *session);
/* A core has been halted: inputs that took effect there do now. False: there are none. */
bool replay_at_halt(struct session *session);
void replay_step(struct session *session, uint64_t now_ps);
/* The board has done something that was answered. */
void replay_answer(struct session *session);
void replay_close(struct session *session);

/* ---- Faults (faults.c) ---- */
void faults_init(struct session *session);
void faults_finish(struct session *session);
/* A fault by its text, such as can be here. */
bool faults_check(struct session *session, const char *text, struct fault *ret_fault, struct error *error);
/* It begins or ends. */
bool faults_apply(struct session *session, const char *text, struct error *error);
/* Somebody switches by hand what faults of this kind have switched: they do not switch it back. */
void faults_supersede(struct session *session, enum fault_kind kind);
void faults_step(struct session *session, uint64_t now_ps);
/* When the first fault ends by itself. */
uint64_t faults_next(const struct session *session);
/* Flash contents have been erased or programmed just now. */
void faults_flash_changed(struct session *session, uint32_t offset, uint32_t size);
void faults_power_changed(struct session *session, bool on);
/* Their section of a snapshot. */
void faults_walk(struct session *session, struct walk *walk);

/* ---- What is typed (typing.c) ---- */
void typing_init(struct session *session);
void typing_step(struct session *session, uint64_t now_ps);
/* When it is to be called next; TIME_NEVER: nothing waits. */
uint64_t typing_next(const struct session *session);
/* The board has printed something. */
void typing_heard(struct session *session, uint64_t now_ps);

#endif
