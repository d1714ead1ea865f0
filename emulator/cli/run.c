/* `ouroboard run`: from options to a session and back. */
#include "emulator/cli/run.h"

#include "emulator/cli/commands.h"
#include "emulator/cli/debugger.h"
#include "emulator/cli/debugging.h"
#include "emulator/cli/display.h"
#include "emulator/cli/output.h"
#include "emulator/cli/python_outputs.h"
#include "emulator/cli/remote.h"
#include "emulator/drive_link.h"
#include "emulator/usbhost/usbhost.h"

#include <string.h>

/* ---- The session ---- */

static enum session_console console_of(const char *name) {
    return strcmp(name, "usb") == 0     ? SESSION_CONSOLE_USB
           : strcmp(name, "uart0") == 0 ? SESSION_CONSOLE_UART0
           : strcmp(name, "uart1") == 0 ? SESSION_CONSOLE_UART1
                                        : SESSION_CONSOLE_AUTO;
}

/* Who waits for text, or looks at the program, wants it from its first line on. */
static enum session_console_first console_first_of(const struct run *run, bool at_once) {
    const struct run_options *options = run->options;
    bool judged = options->expect_text || options->fail_text || run->editor;
    if (at_once || options->console_first == CONSOLE_FIRST_NO) {
        return SESSION_AT_ONCE;
    }
    return options->console_first == CONSOLE_FIRST_YES ? SESSION_CONSOLE_FIRST
           : judged                                    ? SESSION_CONSOLE_FIRST_AUTO
                                                       : SESSION_AT_ONCE;
}

static unsigned collect_wires(const struct run_options *options, const char *wires[RUN_REQUESTS]) {
    unsigned count = 0;
    for (unsigned i = 0; i < options->request_count; i++) {
        if (options->requests[i].kind == REQUEST_WIRE) {
            wires[count++] = options->requests[i].text;
        }
    }
    return count;
}

static bool open_session(struct run *run, bool at_once, struct error *error) {
    const struct run_options *options = run->options;
    const char *wires[RUN_REQUESTS];
    struct session_desc desc = {
        .project = options->project,
        .board = options->board,
        .firmware = options->firmware,
        .flash = options->flash,
        .drive = options->drive,
        .image = options->image,
        .replay = options->replay,
        .load_state = options->load_state,
        .bootrom = options->bootrom,
        .otp = options->otp,
        .errata = options->errata,
        .wires = wires,
        .wire_count = collect_wires(options, wires),
        .console = console_of(options->console),
        .console_first = console_first_of(run, at_once),
        /* runs whose outcome is kept must not depend on the host's clock */
        .drive_host_ms =
            options->request_count || options->vcd || options->control || options->coverage || options->profile
                ? 0
                : DRIVE_LINK_HOST_MS,
        .seed = options->seed,
        .exact = options->exact,
        .trace_bus = options->trace_bus,
        .trace_exceptions = options->trace_exceptions,
        .trace_usb = options->trace_usb,
    };
    memcpy(desc.log, options->log, sizeof(desc.log));
    run->session = session_open(&desc, &run->listener, error);
    return run->session != NULL;
}

/* ---- What the run writes ---- */

static void write_text(void *context, const char *text, size_t size) {
    fwrite(text, 1, size, context);
}

static void write_capture(void *context, const void *bytes, size_t length) {
    fwrite(bytes, 1, length, context);
}

static bool open_capture(struct run *run, struct error *error) {
    const char *path = run->options->usb_capture;
    run->usb_capture = path ? output_open("--usb-capture", path, error) : NULL;
    if (run->usb_capture) {
        usbhost_capture(machine_usbhost(session_machine(run->session)), write_capture, run->usb_capture);
    }
    return !path || run->usb_capture;
}

static bool add_wires(struct vcd *vcd, const struct project *project) {
    bool ok = true;
    struct net *net;
    for (unsigned i = 0; i < project->board->gpio_count && (net = machine_gpio(project->machine, i)); i++) {
        ok &= vcd_add(vcd, "gpio", net->name, net);
    }
    for (struct project_net *each = project->nets; each; each = each->next) {
        ok &= !each->is_wire || vcd_add(vcd, "diagram", each->name, &each->net);
    }
    return ok;
}

static bool open_vcd(struct run *run, struct error *error) {
    const char *path = run->options->vcd;
    run->vcd_file = path ? output_open("--vcd", path, error) : NULL;
    if (!run->vcd_file) {
        return !path;
    }
    error_set(error, "out of memory");
    run->vcd = vcd_create(write_text, run->vcd_file);
    if (!run->vcd || !add_wires(run->vcd, session_project(run->session))) {
        return false;
    }
    vcd_start(run->vcd);
    return true;
}

static bool open_log(struct run *run, struct error *error) {
    const char *path = run->options->serial_log_file;
    run->serial_log = path ? output_open("--serial-log-file", path, error) : NULL;
    if (run->serial_log) {
        setvbuf(run->serial_log, NULL, _IOLBF, BUFSIZ); /* who follows it sees whole lines */
    }
    return !path || run->serial_log;
}

/* False when one of the files that the run has written is not complete. */
static bool close_outputs(struct run *run) {
    const struct run_options *options = run->options;
    bool log = output_close(run->serial_log, "--serial-log-file", options->serial_log_file);
    bool capture = output_close(run->usb_capture, "--usb-capture", options->usb_capture);
    return output_close(run->vcd_file, "--vcd", options->vcd) && log && capture;
}

/* ---- The console ---- */

static bool open_data_port(struct run *run, struct error *error) {
    if (!data_port_open(&run->data, run->options->data, run->session, error)) {
        return false;
    }
    fprintf(stderr, "data port on %s\n", console_address(run->data.console));
    return true;
}

static bool open_console(struct run *run, struct error *error) {
    bool again = run->console != NULL;
    run->console = again ? run->console : console_open(run->options->serial, error);
    if (!run->console) {
        return false;
    }
    const char *address = again ? NULL : console_address(run->console);
    if (address) { /* the first line of both streams: programs look for it on either */
        if (!run->options->control || strcmp(run->options->control, "stdio") != 0) {
            printf("serial console on %s\n", address);
            fflush(stdout);
        }
        fprintf(stderr, "serial console on %s\n", address);
    }
    return !run->options->data || open_data_port(run, error);
}

/* ---- Together ---- */

static bool open_all(struct run *run, bool at_once, struct error *error) {
    const char *record = run->options->record;
    return open_session(run, at_once, error) && (!record || session_record(run->session, record, error)) &&
           actions_init(&run->actions, run->session, run->options, error) && open_capture(run, error) &&
           open_vcd(run, error) && python_outputs_open(run, error) && open_console(run, error) &&
           open_log(run, error) && remote_open(run, error) && debugging_open(run, error) && display_open(run, error);
}

/* Before anything that looks at the run is taken away from it: what no longer looks leaves another state behind. */
static bool end_recording(struct run *run) {
    struct error error;
    bool ok = !run->session || session_end_record(run->session, &error);
    if (!ok) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
    }
    return ok;
}

/* The console stays for the next try. */
static int close_all(struct run *run, int code) {
    bool recorded = end_recording(run);
    display_close(run);
    debugging_close(run, code);
    remote_finish(run);
    data_port_close(&run->data);
    vcd_destroy(run->vcd);
    bool told = python_outputs_close(run, code != BEGIN_AGAIN);
    bool kept = code == BEGIN_AGAIN ? session_abandon(run->session) : session_close(run->session);
    remote_close(run);
    actions_finish(&run->actions);
    if (code != BEGIN_AGAIN) {
        console_close(run->console);
    }
    bool complete = close_outputs(run) && recorded;
    return code == EXIT_PASS && !(kept && complete && told) ? EXIT_USAGE : code;
}

/* `ret_console` is there already when it is another try. */
static int run_once(const struct run_options *options, bool at_once, struct console **ret_console,
                    struct debugger *editor) {
    struct run run = { .options = options, .console = *ret_console, .editor = editor };
    struct error error = { { 0 } };
    int code = EXIT_USAGE;
    play_listen(&run);
    if (open_all(&run, at_once, &error)) {
        code = display_run(&run);
    } else {
        debugger_refuse_launch(editor, error.message[0] ? error.message : "the board could not be started");
        if (error.message[0]) {
            fprintf(stderr, "ouroboard: %s\n", error.message);
        }
    }
    *ret_console = run.console;
    return close_all(&run, code);
}

int run_whole(const struct run_options *options, struct debugger *editor) {
    struct console *console = NULL;
    int code = run_once(options, false, &console, editor);
    if (code == BEGIN_AGAIN) {
        fprintf(stderr,
                "ouroboard: the console cannot be first: the board's console and a drive that a PC can write do "
                "not both come up (boot.py?); beginning again, with code.py started at once\n");
        code = run_once(options, true, &console, editor);
    }
    return code;
}

int command_run(int argc, char **argv) {
    struct run_options options;
    int code;
    return run_options_parse(&options, argc, argv, &code) ? run_whole(&options, NULL) : code;
}
