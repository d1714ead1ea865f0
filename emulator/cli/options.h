/* The command line of `ouroboard run`. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "emulator/core/log.h"

#include <stdbool.h>
#include <stdint.h>

/* Exit codes, as documented in docs/command-line.md. */
enum exit_code { EXIT_PASS = 0, EXIT_ASSERTION = 1, EXIT_USAGE = 2, EXIT_GUEST = 3, EXIT_TIMEOUT = 42 };

#define SPEED_MAX 0.0
#define SPEED_DEFAULT -1.0

/* What may be asked for several times; `text` as given. */
enum run_request_kind {
    REQUEST_WIRE,
    REQUEST_SET,
    REQUEST_PRESS,
    REQUEST_FAULT,
    REQUEST_SCREENSHOT,
    REQUEST_SAVE_STATE,
};
struct run_request {
    enum run_request_kind kind;
    const char *text;
};
#define RUN_REQUESTS 256

/* WINDOW_AUTO: when there are parts to be seen and a display to see them on. */
enum window_option { WINDOW_AUTO, WINDOW_YES, WINDOW_NO };

/* CONSOLE_FIRST_AUTO: when text is waited for. */
enum console_first_option { CONSOLE_FIRST_AUTO, CONSOLE_FIRST_YES, CONSOLE_FIRST_NO };

struct run_options {
    const char *project; /* a folder or a diagram.json; NULL: none */
    const char *vcd;
    const char *load_state; /* a snapshot; NULL: power-on */
    struct run_request requests[RUN_REQUESTS];
    unsigned request_count;
    const char *board;
    const char *firmware;
    const char *flash;
    const char *drive;
    const char *image;
    const char *bootrom;
    const char *otp;
    const char *errata; /* names, separated by commas; NULL: none */
    const char *serial;
    const char *data;    /* where usb_cdc.data goes; NULL: nowhere */
    const char *console; /* "auto", "usb", "uart0", "uart1" */
    const char *expect_text;
    const char *fail_text;
    const char *serial_log_file;
    const char *record, *replay;
    const char *usb_capture;
    const char *profile, *profile_source, *coverage, *heap; /* of the Python program; files, a folder */
    const char *control;                                    /* where a client drives the run from; NULL: nowhere */
    const char *dap;                                        /* where an editor may debug from; NULL: nowhere */
    bool has_gdb, wait_gdb;
    uint64_t gdb_port;
    const char *symbols; /* an ELF file for the debugger */
    double speed;        /* times real time; SPEED_MAX: as fast as it goes; SPEED_DEFAULT: not said */
    uint64_t timeout_ms; /* virtual; 0: none */
    uint64_t seed;
    bool log[LOG_LEVELS];
    bool trace_bus;
    bool trace_exceptions;
    bool trace_usb;
    enum window_option window;
    enum console_first_option console_first;
    uint64_t frames; /* of the window, after which the run ends; 0: any number */
    bool exact;
    bool stats;
    bool post_mortem;
};

/* False after a line on stderr (or the help text on stdout): leave with *ret_exit. */
bool run_options_parse(struct run_options *options, int argc, char **argv, int *ret_exit);

#endif
