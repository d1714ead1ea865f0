/* `ouroboard run`: a session with a console, perhaps a window, and files that it writes. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include "emulator/cli/actions.h"
#include "emulator/cli/console.h"
#include "emulator/cli/data_port.h"
#include "emulator/cli/options.h"
#include "emulator/cli/pace.h"
#include "emulator/debug/vcd.h"
#include "emulator/session/matcher.h"
#include "emulator/session/session.h"

#include <stdio.h>

struct window;
struct feed;
struct remote;
struct debugging;
struct debugger;
struct profile;
struct coverage_run;
struct heap_log;
struct post_mortem;

struct run {
    const struct run_options *options;
    struct session *session;
    struct session_listener listener;
    struct console *console;
    struct data_port data;
    struct actions actions; /* what is to be done when */
    struct window *window;  /* NULL: none */
    struct feed *feed;      /* the window's, or NULL */
    char title[256];        /* of the window */
    struct vcd *vcd;
    struct profile *profile;       /* NULL: nobody has asked for it */
    struct coverage_run *coverage; /* the same */
    struct heap_log *heap;
    FILE *heap_file;
    struct post_mortem *post_mortem;
    struct remote *remote;       /* a client drives the run; NULL: none does */
    struct debugging *debugging; /* a debugger may connect; NULL: none may */
    struct debugger *editor;     /* what has launched the run, and debugs it; NULL: nothing has; borrowed */
    FILE *vcd_file;
    FILE *serial_log;
    FILE *usb_capture;
    int verdict; /* exit code, or NO_VERDICT */
    struct matcher expect, fail, safe_mode;
    struct pace pace;
    uint64_t traffic;   /* of console and data port, when looked at last */
    uint64_t active_ps; /* when there was some last */
    int parent;         /* process that has started this one */
    bool output_held;   /* the USB console waits until the user has read */
    uint64_t wall_start_ns;
    bool output_failed;    /* the user has been told that standard output cannot be written */
    bool crashed;          /* and stands still in its window */
    uint64_t safe_mode_ps; /* when the last words about safe mode were printed; TIME_NEVER: none were */
};

#define NO_VERDICT (-1)
#define BEGIN_AGAIN (-2) /* without --console-first: nothing of this run is kept */

/* Hear the session's lines, log and console. Before it is opened. */
void play_listen(struct run *run);
/* Carry bytes between the board's console and the user, once. */
void play_serve_console(struct run *run);
/* Run to the end; the result is an exit code, or BEGIN_AGAIN. */
int play(struct run *run);

/* A run to its end, which an editor may have launched (NULL: none has); the result is an exit code. */
int run_whole(const struct run_options *options, struct debugger *editor);

#endif
