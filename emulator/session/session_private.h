/* What the files of this folder share of a session. */
#ifndef SESSION_SESSION_PRIVATE_H
#define SESSION_SESSION_PRIVATE_H

#include "emulator/core/scheduler.h"
#include "emulator/drive_link.h"
#include "emulator/session/console_first.h"
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
    struct pin_driver *next;
};

struct session {
    struct session_desc desc;
    struct session_listener *listeners;
    struct machine *machine;
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

/* ---- Listening to the machine (session.c) ---- */
void session_attach(struct session *session);

/* ---- The gate (gate.c, plan.c) ---- */
/* Bytes to a port; returns how many it took. */
size_t gate_serial(struct session *session, enum console_port port, const uint8_t *data, size_t size);
/* "GP2=GP3". */
bool gate_join(struct session *session, const char *text, struct error *error);
void gate_finish(struct session *session);
/* The planned inputs that are due. */
void plan_step(struct session *session, uint64_t now_ps);
void plan_finish(struct session *session);

/* ---- What is typed (typing.c) ---- */
void typing_init(struct session *session);
void typing_step(struct session *session, uint64_t now_ps);
/* When it is to be called next; TIME_NEVER: nothing waits. */
uint64_t typing_next(const struct session *session);
/* The board has printed something. */
void typing_heard(struct session *session, uint64_t now_ps);

#endif
