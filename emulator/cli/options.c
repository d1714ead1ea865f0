/* The options of `ouroboard run`: help, values, what does not go together. docs/command-line.md */
#include "emulator/cli/options.h"

#include "emulator/cli/actions.h"
#include "emulator/core/scheduler.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
    "usage: ouroboard run [OPTIONS] [PROJECT] [FIRMWARE]\n"
    "\n"
    "Run the firmware image of a board (UF2, ELF, Intel HEX or raw) with its REPL on this terminal.\n"
    "Ctrl-] leaves; Ctrl-C goes to the firmware.\n"
    "\n"
    "What runs:\n"
    "  --board ID            CircuitPython's name of the board (default: read from the image; see `ouroboard boards`)\n"
    "  --firmware FILE       the image; default: the newest one of the board in OUROBOARD_FIRMWARE_PATH or the cache\n"
    "  PROJECT               a folder with a diagram.json, or the diagram: board, parts and wires; the folder is the\n"
    "                        CIRCUITPY drive\n"
    "  --drive DIR           this folder is the CIRCUITPY drive, kept in step both ways\n"
    "  --image FILE          a raw FAT image is the CIRCUITPY drive\n"
    "  --flash FILE          keep the whole flash chip in this file (made when missing)\n"
    "  --bootrom FILE        run the boot ROM read out of your own board instead of our services\n"
    "  --otp FILE            keep the fuses of an RP2350 in this file (made when missing)\n"
    "  --errata NAMES        give the chip these errata, comma-separated: rp2040-e13, rp2350-e9\n"
    "\n"
    "Console:\n"
    "  --serial WHERE        stdio (default), pty, pty:LINK, tcp:PORT (RFC 2217) or none\n"
    "  --console PORT        auto (default: USB, and UART0 until USB is there), usb, uart0 or uart1\n"
    "  --console-first       start code.py when the console is open, so that its first line is heard; the default "
    "with\n"
    "                        --expect-text or --fail-text for a CircuitPython drive\n"
    "  --no-console-first    start it at once, as a board does; what it prints before a PC listens is lost\n"
    "  --data WHERE          the second USB serial port (usb_cdc.data): pty, pty:LINK or tcp:PORT\n"
    "  --serial-log-file F   also write every console byte to F\n"
    "\n"
    "Time and verdict:\n"
    "  --speed S             real, max, or a factor such as 0.5; default: max with --timeout or --screenshot, else "
    "real\n"
    "  --timeout MS          leave with code 42 after MS milliseconds of virtual time (0: never)\n"
    "  --expect-text TEXT    leave with code 0 when TEXT has been printed\n"
    "  --fail-text TEXT      leave with code 1 when TEXT has been printed\n"
    "  --seed N              seed of every random bit (default 0)\n"
    "  --exact               no shortcuts in time: every polling loop is executed (slower, same result)\n"
    "\n"
    "Parts and pins (TIME is virtual, such as 1.5s, 200ms, 10us; it comes after an @, else the start is meant):\n"
    "  --wire A=B            join two pins of the board: GP2=GP3; may be repeated, as the following may\n"
    "  --set P.C=VALUE[@T]   set control C of part P\n"
    "  --press P[.C][@T][,D] press a button for D (default 100ms)\n"
    "  --fault TEXT[@T]      something goes wrong: i2c-nack:0x3c, usb-unplug:2s, ... (docs/faults.md); :off ends it\n"
    "  --screenshot F[@T]    write a picture of the project, at the end of the run unless T says when; PART:F is of\n"
    "                        one part. When all have a T and nothing else ends the run, it ends after the last one\n"
    "  --vcd FILE            write the levels of all pins and wires (PulseView, sigrok-cli, GTKWave)\n"
    "\n"
    "Again:\n"
    "  --record FILE         keep all that the run depends on in this file: the state at its start and every input\n"
    "  --replay FILE         the recorded run once more, bit for bit; code 1 when it differs. Board, project, drive "
    "and\n"
    "                        inputs are the recording's; --timeout ends it early\n"
    "\n"
    "Driven by a program:\n"
    "  --control WHERE       unix:PATH, stdio: lines of JSON let the board run and ask for all there is\n"
    "                        (docs/control.md); --serial is none then unless it is given\n"
    "\n"
    "Debugger (docs/debugging.md, docs/gdb.md):\n"
    "  --dap WHERE           an editor may debug the Python program: a port of this computer, or stdio\n"
    "  --gdb PORT            gdb-multiarch may connect to this port of this computer: target extended-remote :3333\n"
    "  --wait-gdb            the board does not run before a debugger lets it\n"
    "  --symbols ELF         the program that the image was made from: the debugger is told of it\n"
    "\n"
    "Snapshots:\n"
    "  --save-state F[@T]    keep the whole machine in a file, at the end of the run unless T says when\n"
    "  --load-state FILE     go on from there: firmware and board are the snapshot's, the project has to be the same\n"
    "\n"
    "Window:\n"
    "  --window              show board and parts in a window; the default for a project with a diagram when there is\n"
    "                        a display and no --timeout, --expect-text or --screenshot\n"
    "  --no-window           none\n"
    "  --frames N            leave after so many frames of the window\n"
    "\n"
    "Looking inside:\n"
    "  --log LEVELS          comma-separated: error,warn,guest,stub,info,trace, all or none (default "
    "error,warn,guest)\n"
    "  --trace WHAT          comma-separated: exceptions, bus, usb (implies the log level trace)\n"
    "  --profile FILE        where the Python program's time goes: collapsed stacks, speedscope's format for *.json\n"
    "  --profile-source DIR  its files once more in DIR, with times and share before each line\n"
    "  --coverage FILE       which of its lines have run: lcov, Cobertura for *.xml; prints the table as well\n"
    "  --heap FILE           how full its heap is, every 10 ms, and where MemoryError was raised (CSV)\n"
    "  --post-mortem         behind a traceback that the board prints: the variables of each frame, on standard error\n"
    "  --usb-capture FILE    write what goes over USB as a pcap file (Wireshark reads it)\n"
    "  --stats               on leaving, print virtual time, wall time and their ratio\n"
    "  --help                this text\n"
    "\n"
    "Exit codes: 0 pass, 1 assertion failed, 2 usage or configuration, 3 guest crashed or in safe mode, 42 timeout.\n";

enum option_id {
    OPTION_BOARD = 256,
    OPTION_FIRMWARE,
    OPTION_DRIVE,
    OPTION_IMAGE,
    OPTION_FLASH,
    OPTION_BOOTROM,
    OPTION_OTP,
    OPTION_ERRATA,
    OPTION_SERIAL,
    OPTION_CONSOLE,
    OPTION_DATA,
    OPTION_SERIAL_LOG,
    OPTION_SPEED,
    OPTION_TIMEOUT,
    OPTION_EXPECT,
    OPTION_FAIL,
    OPTION_SEED,
    OPTION_EXACT,
    OPTION_WINDOW,
    OPTION_NO_WINDOW,
    OPTION_FRAMES,
    OPTION_CONSOLE_FIRST,
    OPTION_NO_CONSOLE_FIRST,
    OPTION_LOG,
    OPTION_TRACE,
    OPTION_USB_CAPTURE,
    OPTION_STATS,
    OPTION_RECORD,
    OPTION_REPLAY,
    OPTION_PROFILE,
    OPTION_PROFILE_SOURCE,
    OPTION_COVERAGE,
    OPTION_HEAP,
    OPTION_POST_MORTEM,
    OPTION_WIRE,
    OPTION_SET,
    OPTION_PRESS,
    OPTION_FAULT,
    OPTION_SCREENSHOT,
    OPTION_VCD,
    OPTION_CONTROL,
    OPTION_DAP,
    OPTION_GDB,
    OPTION_WAIT_GDB,
    OPTION_SYMBOLS,
    OPTION_SAVE_STATE,
    OPTION_LOAD_STATE,
    OPTION_HELP,
};

static const struct option long_options[] = {
    { "board", required_argument, NULL, OPTION_BOARD },
    { "firmware", required_argument, NULL, OPTION_FIRMWARE },
    { "drive", required_argument, NULL, OPTION_DRIVE },
    { "image", required_argument, NULL, OPTION_IMAGE },
    { "flash", required_argument, NULL, OPTION_FLASH },
    { "bootrom", required_argument, NULL, OPTION_BOOTROM },
    { "otp", required_argument, NULL, OPTION_OTP },
    { "errata", required_argument, NULL, OPTION_ERRATA },
    { "serial", required_argument, NULL, OPTION_SERIAL },
    { "console", required_argument, NULL, OPTION_CONSOLE },
    { "console-first", no_argument, NULL, OPTION_CONSOLE_FIRST },
    { "no-console-first", no_argument, NULL, OPTION_NO_CONSOLE_FIRST },
    { "data", required_argument, NULL, OPTION_DATA },
    { "serial-log-file", required_argument, NULL, OPTION_SERIAL_LOG },
    { "speed", required_argument, NULL, OPTION_SPEED },
    { "timeout", required_argument, NULL, OPTION_TIMEOUT },
    { "expect-text", required_argument, NULL, OPTION_EXPECT },
    { "fail-text", required_argument, NULL, OPTION_FAIL },
    { "seed", required_argument, NULL, OPTION_SEED },
    { "exact", no_argument, NULL, OPTION_EXACT },
    { "window", no_argument, NULL, OPTION_WINDOW },
    { "no-window", no_argument, NULL, OPTION_NO_WINDOW },
    { "frames", required_argument, NULL, OPTION_FRAMES },
    { "log", required_argument, NULL, OPTION_LOG },
    { "trace", required_argument, NULL, OPTION_TRACE },
    { "usb-capture", required_argument, NULL, OPTION_USB_CAPTURE },
    { "wire", required_argument, NULL, OPTION_WIRE },
    { "set", required_argument, NULL, OPTION_SET },
    { "press", required_argument, NULL, OPTION_PRESS },
    { "fault", required_argument, NULL, OPTION_FAULT },
    { "screenshot", required_argument, NULL, OPTION_SCREENSHOT },
    { "record", required_argument, NULL, OPTION_RECORD },
    { "replay", required_argument, NULL, OPTION_REPLAY },
    { "profile", required_argument, NULL, OPTION_PROFILE },
    { "profile-source", required_argument, NULL, OPTION_PROFILE_SOURCE },
    { "coverage", required_argument, NULL, OPTION_COVERAGE },
    { "heap", required_argument, NULL, OPTION_HEAP },
    { "post-mortem", no_argument, NULL, OPTION_POST_MORTEM },
    { "vcd", required_argument, NULL, OPTION_VCD },
    { "control", required_argument, NULL, OPTION_CONTROL },
    { "dap", required_argument, NULL, OPTION_DAP },
    { "gdb", required_argument, NULL, OPTION_GDB },
    { "wait-gdb", no_argument, NULL, OPTION_WAIT_GDB },
    { "symbols", required_argument, NULL, OPTION_SYMBOLS },
    { "save-state", required_argument, NULL, OPTION_SAVE_STATE },
    { "load-state", required_argument, NULL, OPTION_LOAD_STATE },
    { "stats", no_argument, NULL, OPTION_STATS },
    { "help", no_argument, NULL, OPTION_HELP },
    { 0 },
};

static bool complain(const char *option, const char *value, const char *remedy) {
    fprintf(stderr, "ouroboard: %s %s: %s\n", option, value, remedy);
    return false;
}

static bool parse_number(const char *option, const char *text, uint64_t *ret_number) {
    char *end;
    errno = 0;
    *ret_number = strtoull(text, &end, 0);
    if (errno || end == text || *end || *text == '-') {
        return complain(option, text, "not a whole number");
    }
    return true;
}

static bool parse_port(const char *option, const char *text, uint64_t *ret_port) {
    return parse_number(option, text, ret_port) &&
           (*ret_port <= UINT16_MAX || complain(option, text, "a port is 1 to 65535, or 0 for any free one"));
}

/* Virtual time is 64 bits of picoseconds. */
static bool parse_timeout(const char *text, uint64_t *ret_ms) {
    uint64_t ps;
    if (time_parse(text, &ps)) {
        char remedy[80];
        snprintf(remedy, sizeof(remedy), "is in milliseconds and has no unit: say %" PRIu64, ps / PS_PER_MS);
        return complain("--timeout", text, remedy);
    }
    if (!parse_number("--timeout", text, ret_ms)) {
        return false;
    }
    return *ret_ms <= UINT64_MAX / PS_PER_MS ||
           complain("--timeout", text, "at most 18446744073 ms, which is 213 days");
}

static bool parse_speed(const char *text, double *ret_speed) {
    if (strcmp(text, "real") == 0) {
        *ret_speed = 1.0;
        return true;
    }
    if (strcmp(text, "max") == 0) {
        *ret_speed = SPEED_MAX;
        return true;
    }
    char *end;
    *ret_speed = strtod(text, &end);
    if (end == text || *end || !(*ret_speed >= 0.001 && *ret_speed <= 1000)) {
        return complain("--speed", text, "say real, max or a factor from 0.001 to 1000");
    }
    return true;
}

/* Call `each` for the comma-separated words of `list`. */
static bool parse_list(struct run_options *options, const char *list,
                       bool (*each)(struct run_options *options, const char *word)) {
    char copy[256];
    if (snprintf(copy, sizeof(copy), "%s", list) >= (int)sizeof(copy)) {
        return complain("option", list, "too long a list");
    }
    char *rest = copy;
    for (char *word = strsep(&rest, ","); word; word = strsep(&rest, ",")) {
        if (!each(options, word)) {
            return false;
        }
    }
    return true;
}

static bool parse_level(struct run_options *options, const char *word) {
    enum log_level level;
    if (strcmp(word, "all") == 0 || strcmp(word, "none") == 0) {
        for (int i = 0; i < LOG_TRACE; i++) {
            options->log[i] = word[0] == 'a';
        }
        return true;
    }
    if (!log_level_parse(word, &level)) {
        return complain("--log", word, "levels are error, warn, guest, stub, info, trace, all and none");
    }
    options->log[level] = true;
    return true;
}

static bool parse_trace(struct run_options *options, const char *word) {
    if (strcmp(word, "exceptions") == 0) {
        options->trace_exceptions = true;
    } else if (strcmp(word, "bus") == 0) {
        options->trace_bus = true;
    } else if (strcmp(word, "usb") == 0) {
        options->trace_usb = true;
    } else {
        return complain("--trace", word, "say exceptions, bus or usb");
    }
    return true;
}

static bool parse_console(const char *text) {
    static const char *const names[] = { "auto", "usb", "uart0", "uart1" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0) {
            return true;
        }
    }
    return complain("--console", text, "say auto, usb, uart0 or uart1");
}

/* The options that just keep their argument. */
static const char **text_option(struct run_options *options, int id) {
    switch (id) {
    case OPTION_BOARD:
        return &options->board;
    case OPTION_FIRMWARE:
        return &options->firmware;
    case OPTION_DRIVE:
        return &options->drive;
    case OPTION_IMAGE:
        return &options->image;
    case OPTION_FLASH:
        return &options->flash;
    case OPTION_BOOTROM:
        return &options->bootrom;
    case OPTION_OTP:
        return &options->otp;
    case OPTION_ERRATA:
        return &options->errata;
    case OPTION_SERIAL:
        return &options->serial;
    case OPTION_CONSOLE:
        return &options->console;
    case OPTION_DATA:
        return &options->data;
    case OPTION_SERIAL_LOG:
        return &options->serial_log_file;
    case OPTION_USB_CAPTURE:
        return &options->usb_capture;
    case OPTION_RECORD:
        return &options->record;
    case OPTION_REPLAY:
        return &options->replay;
    case OPTION_PROFILE:
        return &options->profile;
    case OPTION_PROFILE_SOURCE:
        return &options->profile_source;
    case OPTION_COVERAGE:
        return &options->coverage;
    case OPTION_HEAP:
        return &options->heap;
    case OPTION_VCD:
        return &options->vcd;
    case OPTION_CONTROL:
        return &options->control;
    case OPTION_DAP:
        return &options->dap;
    case OPTION_SYMBOLS:
        return &options->symbols;
    case OPTION_LOAD_STATE:
        return &options->load_state;
    case OPTION_EXPECT:
        return &options->expect_text;
    case OPTION_FAIL:
        return &options->fail_text;
    default:
        return NULL;
    }
}

static bool parse_log(struct run_options *options, const char *list) {
    memset(options->log, 0, sizeof(options->log));
    return parse_list(options, list, parse_level);
}

static bool add_request(struct run_options *options, enum run_request_kind kind, const char *text) {
    if (options->request_count == RUN_REQUESTS) {
        return complain("option", text, "too many of these");
    }
    options->requests[options->request_count++] = (struct run_request){ kind, text };
    return true;
}

static bool apply(struct run_options *options, int id, const char *argument) {
    const char **text = text_option(options, id);
    if (text) {
        *text = argument;
        if ((id == OPTION_EXPECT || id == OPTION_FAIL) && !argument[0]) {
            return complain(id == OPTION_EXPECT ? "--expect-text" : "--fail-text", "\"\"", "name a text to look for");
        }
        return id != OPTION_CONSOLE || parse_console(argument);
    }
    switch (id) {
    case OPTION_SPEED:
        return parse_speed(argument, &options->speed);
    case OPTION_TIMEOUT:
        return parse_timeout(argument, &options->timeout_ms);
    case OPTION_SEED:
        return parse_number("--seed", argument, &options->seed);
    case OPTION_EXACT:
        options->exact = true;
        return true;
    case OPTION_WINDOW:
    case OPTION_NO_WINDOW:
        options->window = id == OPTION_WINDOW ? WINDOW_YES : WINDOW_NO;
        return true;
    case OPTION_CONSOLE_FIRST:
    case OPTION_NO_CONSOLE_FIRST:
        options->console_first = id == OPTION_CONSOLE_FIRST ? CONSOLE_FIRST_YES : CONSOLE_FIRST_NO;
        return true;
    case OPTION_FRAMES:
        return parse_number("--frames", argument, &options->frames);
    case OPTION_LOG:
        return parse_log(options, argument);
    case OPTION_TRACE:
        return parse_list(options, argument, parse_trace);
    case OPTION_WIRE:
        return add_request(options, REQUEST_WIRE, argument);
    case OPTION_SET:
        return add_request(options, REQUEST_SET, argument);
    case OPTION_PRESS:
        return add_request(options, REQUEST_PRESS, argument);
    case OPTION_FAULT:
        return add_request(options, REQUEST_FAULT, argument);
    case OPTION_SCREENSHOT:
        return add_request(options, REQUEST_SCREENSHOT, argument);
    case OPTION_SAVE_STATE:
        return add_request(options, REQUEST_SAVE_STATE, argument);
    case OPTION_GDB:
        options->has_gdb = true;
        return parse_port("--gdb", argument, &options->gdb_port);
    case OPTION_WAIT_GDB:
        options->wait_gdb = true;
        return true;
    case OPTION_STATS:
        options->stats = true;
        return true;
    case OPTION_POST_MORTEM:
        options->post_mortem = true;
        return true;
    default:
        return false;
    }
}

/* A snapshot brings these with it. */
static bool check_load_state(const struct run_options *options) {
    const char *with = options->firmware                             ? "a firmware image"
                       : options->otp                                ? "--otp"
                       : options->image                              ? "--image"
                       : options->console_first == CONSOLE_FIRST_YES ? "--console-first"
                                                                     : NULL;
    if (options->load_state && with) {
        fprintf(stderr, "ouroboard: --load-state %s: the board goes on from where it was: leave %s out\n",
                options->load_state, with);
    }
    return !options->load_state || !with;
}

static bool check_gdb(const struct run_options *options) {
    if (!options->has_gdb && (options->wait_gdb || options->symbols)) {
        fprintf(stderr, "ouroboard: %s is for --gdb: say --gdb 3333 too\n",
                options->wait_gdb ? "--wait-gdb" : "--symbols");
        return false;
    }
    return true;
}

static bool is_stdio(const char *where) {
    return where && strcmp(where, "stdio") == 0;
}

/* Each of these lets the board run and stops it. */
static bool check_drivers(const struct run_options *options) {
    const char *first = options->control ? "--control" : "--dap", *second = options->has_gdb ? "--gdb" : "--dap";
    if (!!options->control + !!options->dap + options->has_gdb > 1) {
        fprintf(stderr, "ouroboard: %s and %s would both drive the run: give one of them\n", first, second);
        return false;
    }
    if (is_stdio(options->dap) && strcmp(options->serial, "stdio") == 0) {
        fprintf(stderr,
                "ouroboard: --dap stdio and --serial stdio: the editor shows the console; leave --serial out\n");
        return false;
    }
    return true;
}

static bool check_together(const struct run_options *options) {
    if (!check_load_state(options) || !check_gdb(options)) {
        return false;
    }
    if (options->drive && options->image) {
        fprintf(stderr, "ouroboard: --drive and --image are both the CIRCUITPY drive: give one of them\n");
        return false;
    }
    return true;
}

/* What decides when a run ends, or what it shows, is the client's with --control. */
static const char *option_against_control(const struct run_options *options) {
    for (unsigned i = 0; i < options->request_count; i++) {
        if (options->requests[i].kind == REQUEST_SCREENSHOT) {
            return "--screenshot";
        }
    }
    return options->expect_text                                                              ? "--expect-text"
           : options->fail_text                                                              ? "--fail-text"
           : options->timeout_ms                                                             ? "--timeout"
           : options->window == WINDOW_YES                                                   ? "--window"
           : options->frames                                                                 ? "--frames"
           : strcmp(options->control, "stdio") == 0 && strcmp(options->serial, "stdio") == 0 ? "--serial stdio"
                                                                                             : NULL;
}

static bool check_control(const struct run_options *options) {
    const char *against = options->control ? option_against_control(options) : NULL;
    if (against) {
        fprintf(stderr, "ouroboard: %s does not go with --control %s: leave it out, the client asks for it\n", against,
                options->control);
    }
    return !against;
}

static bool is_project(const char *path) {
    struct stat status;
    const char *end = strrchr(path, '.');
    return (end && strcmp(end, ".json") == 0) || (stat(path, &status) == 0 && S_ISDIR(status.st_mode));
}

/* A run for pictures or wires needs nobody who watches the clock. */
static bool is_timed(const struct run_options *options) {
    for (unsigned i = 0; i < options->request_count; i++) {
        if (options->requests[i].kind == REQUEST_SCREENSHOT || options->requests[i].kind == REQUEST_SAVE_STATE) {
            return true;
        }
    }
    return options->timeout_ms;
}

bool run_options_parse(struct run_options *options, int argc, char **argv, int *ret_exit) {
    *options = (struct run_options){ .console = "auto", .speed = SPEED_DEFAULT };
    options->log[LOG_ERROR] = options->log[LOG_WARN] = options->log[LOG_GUEST] = true;
    *ret_exit = EXIT_USAGE;
    optind = 1;
    int id;
    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (id == OPTION_HELP) {
            fputs(usage, stdout);
            *ret_exit = EXIT_PASS;
            return false;
        }
        if (id == '?') {
            fprintf(stderr, "ouroboard: `ouroboard run --help` lists the options\n");
            return false;
        }
        if (!apply(options, id, optarg)) {
            return false;
        }
    }
    while (optind < argc) {
        const char **place = is_project(argv[optind]) ? &options->project : &options->firmware;
        if (*place) {
            return complain("run", argv[optind], "one firmware image and one project are enough");
        }
        *place = argv[optind++];
    }
    options->log[LOG_TRACE] |= options->trace_exceptions || options->trace_bus || options->trace_usb;
    if (options->speed == SPEED_DEFAULT) {
        options->speed = is_timed(options) || options->control ? SPEED_MAX : 1.0;
    }
    if (!options->serial) {
        options->serial = options->control || is_stdio(options->dap) ? "none" : "stdio";
    }
    return check_together(options) && check_drivers(options) && check_control(options);
}
