/* One run of a machine with its console: feeds input, forwards and judges output, keeps the pace. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "emulator/cli/console.h"
#include "emulator/cli/console_first.h"
#include "emulator/cli/data_port.h"
#include "emulator/cli/matcher.h"
#include "emulator/cli/options.h"
#include "emulator/cli/pace.h"
#include "emulator/cli/wiring.h"
#include "emulator/drive_link.h"
#include "emulator/machine.h"
#include "firmware-loader/flash_file.h"

#include <stdio.h>

struct window;
struct feed;

struct session {
    const struct run_options *options;
    struct machine *machine;
    struct console *console;
    struct data_port data;
    struct flash_file *flash_file; /* NULL: the flash is forgotten at the end */
    struct wiring wiring;          /* parts, wires, what is to be done when */
    struct drive_link drive;       /* --drive */
    struct window *window;         /* NULL: none */
    struct feed *feed;             /* the window's, or NULL */
    char title[256];               /* of the window */
    struct console_first console_first;
    FILE *serial_log;
    FILE *usb_capture;
    int verdict; /* exit code, or NO_VERDICT */
    struct matcher expect, fail, safe_mode;
    struct pace pace;
    uint8_t input[256]; /* typed, not yet taken by the machine */
    size_t input_length;
    uint64_t interrupted_ps; /* when a script has sent a Ctrl-C; TIME_NEVER: what follows need not wait any more */
    uint64_t printed_ps;     /* when the board has printed something last */
    uint64_t traffic;        /* of console and data port, when looked at last */
    uint64_t active_ps;      /* when there was some last */
    int parent;              /* process that has started this one */
    bool output_held;        /* the USB console waits until the user has read */
    bool usb_seen;           /* the USB console has said something: UART0 is no longer the console */
    uint64_t wall_start_ns;
    uint32_t flash_open; /* the end of what has been erased and not filled again; 0: nothing */
    bool leaving;
    bool output_failed;    /* the user has been told that standard output cannot be written */
    bool flash_failed;     /* the user has been told that the flash file cannot be written */
    bool crashed;          /* and stands still in its window */
    uint64_t locked_up_ps; /* since when core 0 is in lock-up; TIME_NEVER: it is not */
    uint64_t safe_mode_ps; /* when the last words about safe mode were printed; TIME_NEVER: none were */
};

#define NO_VERDICT (-1)
#define BEGIN_AGAIN (-2) /* without --console-first: nothing of this run is kept */

/* Listen to the machine: console, flash. Before anything is loaded. */
void session_attach(struct session *session);
/* Run to the end; the result is an exit code, or BEGIN_AGAIN. */
int session_run(struct session *session);

#endif
