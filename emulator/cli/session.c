#include "emulator/cli/session.h"

#include "emulator/core/scheduler.h"
#include "gui/feed.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* Virtual time between two looks at the console: the longer one when nothing has gone in or out for a while. What
 * arrives ends the wait for the clock on the wall, so that nobody has to wait for the end of a long slice. */
#define SLICE_PS (1 * PS_PER_MS)
#define LONG_SLICE_PS (50 * PS_PER_MS)
#define REST_PS (100 * PS_PER_MS)
#define LOCKUP_GRACE_PS (1000 * PS_PER_MS)
#define FLASH_GRACE_PS (100 * PS_PER_MS)
#define SAFE_MODE_QUIET_PS (100 * PS_PER_MS) /* then the reason has been printed whole */
#define PROMPT_QUIET_PS (300 * PS_PER_MS)
#define PROMPT_LONGEST_PS (3 * PS_PER_S) /* for a program that goes on printing */
#define CTRL_C 3
#define PAUSE_MS 10 /* between two looks around while paused */

/* ---- Output ---- */

static bool is_console(struct session *session, enum console_port port) {
    const char *wanted = session->options->console;
    if (strcmp(wanted, "auto") != 0) {
        return strcmp(wanted, port == CONSOLE_USB ? "usb" : port == CONSOLE_UART0 ? "uart0" : "uart1") == 0;
    }
    session->usb_seen |= port == CONSOLE_USB;
    return port == CONSOLE_USB || (port == CONSOLE_UART0 && !session->usb_seen);
}

static enum console_port input_port(struct session *session) {
    const char *wanted = session->options->console;
    if (strcmp(wanted, "auto") == 0) {
        return session->usb_seen || machine_console_ready(session->machine, CONSOLE_USB) ? CONSOLE_USB : CONSOLE_UART0;
    }
    return strcmp(wanted, "usb") == 0 ? CONSOLE_USB : strcmp(wanted, "uart0") == 0 ? CONSOLE_UART0 : CONSOLE_UART1;
}

static void conclude(struct session *session, int code) {
    if (session->verdict == NO_VERDICT) {
        session->verdict = code;
        machine_stop(session->machine);
    }
}

/* What is printed first decides, however the bytes come in packets. Safe mode does as well, but the run goes on until
 * its reason has been printed. */
static void judge_text(struct session *session, const uint8_t *data, size_t size) {
    if (session->safe_mode_ps != TIME_NEVER) {
        session->safe_mode_ps = machine_now(session->machine);
        return;
    }
    bool early = console_first_is_early(session);
    for (size_t i = 0; i < size && session->verdict == NO_VERDICT; i++) {
        if (!early && matcher_feed(&session->fail, data + i, 1)) {
            fprintf(stderr, "ouroboard: the fail text was printed: %s\n", session->options->fail_text);
            conclude(session, EXIT_ASSERTION);
        } else if (!early && matcher_feed(&session->expect, data + i, 1)) {
            conclude(session, EXIT_PASS);
        } else if (matcher_feed(&session->safe_mode, data + i, 1)) {
            session->safe_mode_ps = machine_now(session->machine);
            return;
        }
    }
}

static void on_console(void *context, enum console_port port, const uint8_t *data, size_t size) {
    struct session *session = context;
    if (!is_console(session, port)) {
        return;
    }
    console_write(session->console, data, size);
    session->printed_ps = machine_now(session->machine);
    console_first_heard(session, session->printed_ps);
    if (session->feed) {
        feed_print(session->feed, data, size);
    }
    if (session->serial_log) {
        fwrite(data, 1, size, session->serial_log);
    }
    judge_text(session, data, size);
}

/* ---- Input ---- */

static void read_input(struct session *session) {
    size_t room = sizeof(session->input) - session->input_length;
    session->input_length += console_read(session->console, session->input + session->input_length, room);
    room = sizeof(session->input) - session->input_length;
    if (session->feed && room) {
        session->input_length += feed_typed(session->feed, session->input + session->input_length, room);
    }
}

/* CircuitPython throws away what it has received when it sees a Ctrl-C. A person waits for the prompt; a script cannot,
 * so what follows in it waits until the board has been silent for a moment. */
static bool is_interrupting(struct session *session) {
    uint64_t now = machine_now(session->machine), since = session->interrupted_ps;
    if (since == TIME_NEVER) {
        return false;
    }
    uint64_t last = session->printed_ps > since ? session->printed_ps : since;
    bool over = now - last >= PROMPT_QUIET_PS || now - since >= PROMPT_LONGEST_PS;
    session->interrupted_ps = over ? TIME_NEVER : since;
    return !over;
}

/* What may be sent in one go: of a script's bytes, up to a Ctrl-C. */
static size_t input_piece(const struct session *session) {
    const uint8_t *interrupt = memchr(session->input, CTRL_C, session->input_length);
    if (!interrupt || !console_is_script(session->console)) {
        return session->input_length;
    }
    size_t length = (size_t)(interrupt - session->input);
    while (length < session->input_length && session->input[length] == CTRL_C) {
        length++;
    }
    return length;
}

static void feed_input(struct session *session) {
    if (session->input_length < sizeof(session->input)) {
        read_input(session);
    }
    enum console_port port = input_port(session);
    if (!session->input_length || console_first_keeps_input(session) || is_interrupting(session) ||
        !machine_console_ready(session->machine, port)) {
        return;
    }
    size_t taken = machine_console_write(session->machine, port, session->input, input_piece(session));
    if (taken && session->input[taken - 1] == CTRL_C && console_is_script(session->console)) {
        session->interrupted_ps = machine_now(session->machine);
    }
    session->input_length -= taken;
    memmove(session->input, session->input + taken, session->input_length);
}

/* A USB port waits for a slow reader, as on the desk; a UART cannot. */
static void hold_output(struct session *session) {
    bool hold = !console_has_room(session->console);
    struct usbhost *host = machine_usbhost(session->machine);
    if (host && hold != session->output_held) {
        session->output_held = hold;
        usbhost_cdc_pause(host, 0, hold);
    }
}

/* ---- The loop ---- */

static bool is_judged(const struct run_options *options) {
    return options->expect_text || options->fail_text || options->timeout_ms;
}

/* Lock-up is final only after what is on its way out (UART, USB) has left and no watchdog has helped. */
static bool is_final_lockup(struct session *session, enum machine_state state) {
    uint64_t now = machine_now(session->machine);
    if (state != MACHINE_LOCKED_UP) {
        session->locked_up_ps = TIME_NEVER;
        return false;
    }
    session->locked_up_ps = session->locked_up_ps < now ? session->locked_up_ps : now;
    return now - session->locked_up_ps > LOCKUP_GRACE_PS;
}

static int say_locked_up(void) {
    fprintf(stderr, "ouroboard: the guest crashed: the core is locked up (--trace exceptions shows how)\n");
    return EXIT_GUEST;
}

static int say_safe_mode(void) {
    fprintf(stderr, "ouroboard: the firmware went to safe mode\n");
    return EXIT_GUEST;
}

/* What ends the run comes while the output of a crash is still waited for: the crash is the verdict. */
static int judge_waited_for(const struct session *session) {
    if (session->safe_mode_ps != TIME_NEVER) {
        return say_safe_mode();
    }
    return session->locked_up_ps != TIME_NEVER ? say_locked_up() : NO_VERDICT;
}

static int judge_safe_mode(const struct session *session) {
    bool told = session->safe_mode_ps != TIME_NEVER &&
                machine_now(session->machine) - session->safe_mode_ps >= SAFE_MODE_QUIET_PS;
    return told ? say_safe_mode() : NO_VERDICT;
}

static int judge_state(struct session *session, enum machine_state state) {
    bool locked_up = is_final_lockup(session, state);
    switch (state) {
    case MACHINE_LOCKED_UP:
        return locked_up ? say_locked_up() : NO_VERDICT;
    case MACHINE_IN_BOOTLOADER:
        fprintf(stderr,
                "ouroboard: the firmware has entered the boot loader (the UF2 drive): run again with an image\n");
        return EXIT_GUEST;
    case MACHINE_UNBOOTABLE:
        fprintf(stderr, "ouroboard: the boot ROM finds nothing to start in the flash: give a firmware image\n");
        return EXIT_USAGE;
    default:
        return judge_safe_mode(session);
    }
}

static int judge_time(struct session *session, uint64_t now) {
    uint64_t timeout = session->options->timeout_ms;
    if (!timeout || now < timeout * PS_PER_MS) {
        return NO_VERDICT;
    }
    int crash = judge_waited_for(session);
    if (crash != NO_VERDICT || console_first_gives_up(session)) {
        return crash;
    }
    fprintf(stderr, "ouroboard: timeout after %" PRIu64 " ms of virtual time\n", timeout);
    return EXIT_TIMEOUT;
}

/* A window wants to be served all the time, and so does input that the firmware has not taken yet. */
static uint64_t slice_end(const struct session *session, uint64_t now) {
    bool rests = !session->feed && !session->input_length && now - session->active_ps >= REST_PS;
    uint64_t end = now + (rests ? LONG_SLICE_PS : SLICE_PS);
    uint64_t timeout = session->options->timeout_ms;
    end = timeout && end > timeout * PS_PER_MS ? timeout * PS_PER_MS : end;
    uint64_t action = actions_next(&session->wiring.actions);
    return action > now && action < end ? action : end;
}

/* A failure is told once; it is tried again all the time. */
static void keep_flash(struct session *session) {
    struct error error;
    if (session->console_first.step == CONSOLE_FIRST_HELD) {
        return; /* it may begin again */
    }
    bool ok = flash_file_commit(session->flash_file, machine_now(session->machine), &error);
    if (!ok && !session->flash_failed) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
    }
    session->flash_failed = !ok;
}

static void note_traffic(struct session *session, uint64_t now) {
    uint64_t traffic = console_traffic(session->console) + data_port_traffic(&session->data);
    if (traffic != session->traffic) {
        session->traffic = traffic;
        session->active_ps = now;
    }
}

/* As fast as possible is for somebody: when who has started the run is gone and nobody is at the console, it goes on at
 * the speed of the clock on the wall. */
static void slow_down_alone(struct session *session, uint64_t now) {
    const struct run_options *options = session->options;
    if (options->speed != SPEED_MAX || is_judged(options)) {
        return;
    }
    bool alone = console_is_deserted(session->console) && !session->feed && getppid() != session->parent;
    double speed = alone ? 1 : SPEED_MAX;
    if (session->pace.speed != speed) {
        pace_start(&session->pace, speed, now);
    }
}

static void wait_for_time(struct session *session, uint64_t now) {
    struct pollfd fds[2 * CONSOLE_FDS];
    unsigned count = console_poll(session->console, session->input_length < sizeof(session->input), fds);
    count += data_port_poll(&session->data, fds + count);
    pace_wait(&session->pace, now, fds, count);
}

/* What the command line wants done by now; a run that is there for its pictures ends with the last one. */
static int act(struct session *session, uint64_t now) {
    struct error error;
    const struct run_options *options = session->options;
    if (!actions_step(&session->wiring.actions, now, &error)) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
        return EXIT_USAGE;
    }
    bool open = !options->timeout_ms && !options->expect_text;
    if (!open || !actions_are_done(&session->wiring.actions)) {
        return NO_VERDICT;
    }
    int crash = judge_waited_for(session);
    return crash == NO_VERDICT ? EXIT_PASS : crash;
}

static void set_crashed(struct session *session, bool crashed) {
    session->crashed = crashed;
    feed_crashed(session->feed, crashed);
}

/* A crash ends the run, unless somebody is there to look at it: a window stays open until its user resets the board or
 * leaves. */
static void keep_crash(struct session *session) {
    const struct run_options *options = session->options;
    if (session->verdict == EXIT_GUEST && session->feed && !options->timeout_ms && !options->expect_text) {
        session->verdict = NO_VERDICT;
        set_crashed(session, true);
    }
}

/* Do what the user of the window wants, and stay here during a pause and after a crash. True: to leave. */
static bool serve_window(struct session *session, uint64_t now) {
    struct feed_requests requests = { 0 };
    bool was_paused = false;
    while (session->feed) {
        requests = feed_step(session->feed, now, machine_cycles(session->machine));
        if (requests.reset) {
            machine_reset(session->machine);
            set_crashed(session, false);
        }
        if (!(requests.paused || session->crashed) || requests.leave || console_wants_out(session->console)) {
            break;
        }
        was_paused = true;
        console_flush(session->console);
        feed_wait(session->feed, PAUSE_MS);
    }
    if (was_paused) {
        pace_start(&session->pace, session->options->speed, now);
    }
    return requests.leave;
}

static void say_output_failed(struct session *session, int error) {
    if (error && error != EPIPE && !session->output_failed) {
        session->output_failed = true;
        fprintf(stderr, "ouroboard: standard output: %s\n", strerror(error));
    }
}

/* Nobody reads the output any more, or the disk is full: a run with a verdict goes on to it, any other one ends. */
static int judge_output(struct session *session) {
    int error = console_output_error(session->console);
    say_output_failed(session, error);
    return !error || is_judged(session->options) ? NO_VERDICT : error == EPIPE ? EXIT_PASS : EXIT_USAGE;
}

/* Left by the user: what was to be printed has not been. */
static int judge_leaving(const struct session *session) {
    int crash = session->crashed ? NO_VERDICT : judge_waited_for(session);
    if (crash != NO_VERDICT) {
        return crash;
    }
    if (!session->options->expect_text) {
        return session->crashed ? EXIT_GUEST : EXIT_PASS;
    }
    fprintf(stderr, "ouroboard: left before this was printed: %s\n", session->options->expect_text);
    return EXIT_ASSERTION;
}

static int loop(struct session *session) {
    bool leave = false;
    while (session->verdict == NO_VERDICT && !leave && !console_wants_out(session->console)) {
        feed_input(session);
        enum machine_state state = machine_run(session->machine, slice_end(session, machine_now(session->machine)));
        uint64_t now = machine_now(session->machine);
        if (session->verdict == NO_VERDICT) {
            session->verdict = judge_state(session, state);
            keep_crash(session);
        }
        if (session->verdict == NO_VERDICT) {
            session->verdict = act(session, now);
        }
        if (session->verdict == NO_VERDICT) {
            session->verdict = judge_time(session, now);
        }
        if (session->verdict == NO_VERDICT) {
            session->verdict = judge_output(session);
        }
        console_first_step(session, now);
        if (session->console_first.in_vain) {
            return session->verdict == NO_VERDICT ? BEGIN_AGAIN : session->verdict;
        }
        drive_link_step(&session->drive, now);
        keep_flash(session);
        console_flush(session->console);
        hold_output(session);
        data_port_step(&session->data);
        note_traffic(session, now);
        leave = serve_window(session, now);
        slow_down_alone(session, now);
        wait_for_time(session, now);
    }
    return session->verdict == NO_VERDICT ? judge_leaving(session) : session->verdict;
}

/* Firmware that rewrites a flash sector has it erased for 45 ms: the run ends when the sector is written, so that what
 * is kept of the flash is not a drive without its root folder. */
static void finish_flash_write(struct session *session) {
    session->leaving = true;
    if (session->flash_open) {
        machine_run(session->machine, machine_now(session->machine) + FLASH_GRACE_PS);
        keep_flash(session);
    }
}

/* Output that is not all on the disk is no pass. */
static int finish_output(struct session *session, int code) {
    console_flush(session->console);
    say_output_failed(session, console_output_error(session->console));
    return session->output_failed && code == EXIT_PASS ? EXIT_USAGE : code;
}

static void print_stats(const struct session *session) {
    double virtual_s = (double)machine_now(session->machine) / PS_PER_S;
    double wall_s = (double)(wall_now_ns() - session->wall_start_ns) / 1e9;
    fprintf(stderr, "ouroboard: %.6f s virtual, %.3f s wall, ratio %.2f, %" PRIu64 " cycles\n", virtual_s, wall_s,
            virtual_s / wall_s, machine_cycles(session->machine));
}

static void on_flash(void *context, uint32_t offset, uint32_t size, bool erased) {
    struct session *session = context;
    if (session->flash_file && session->console_first.step != CONSOLE_FIRST_HELD) {
        flash_file_changed(session->flash_file, offset, size, erased);
    }
    drive_link_flash_changed(&session->drive, offset, size);
    uint32_t end = offset + size;
    if (erased) {
        session->flash_open = end;
    } else if (end >= session->flash_open) {
        session->flash_open = 0;
        if (session->leaving) {
            machine_stop(session->machine);
        }
    }
}

static void on_reset(void *context, const char *cause) {
    struct session *session = context;
    console_first_reset(session, machine_now(session->machine));
}

void session_attach(struct session *session) {
    const struct machine_events events = {
        .context = session, .console = on_console, .flash_changed = on_flash, .reset = on_reset
    };
    machine_set_events(session->machine, &events);
}

int session_run(struct session *session) {
    session->verdict = NO_VERDICT;
    matcher_init(&session->expect, session->options->expect_text);
    matcher_init(&session->fail, session->options->fail_text);
    bool judged = session->options->expect_text || session->options->timeout_ms;
    matcher_init(&session->safe_mode, judged ? "You are in safe mode because:" : NULL);
    session->locked_up_ps = session->safe_mode_ps = session->interrupted_ps = TIME_NEVER;
    session->wall_start_ns = wall_now_ns();
    session->parent = (int)getppid();
    pace_start(&session->pace, session->options->speed, machine_now(session->machine));
    int code = loop(session);
    if (code == BEGIN_AGAIN) {
        return code;
    }
    struct error error;
    if (!wiring_end(&session->wiring, &error)) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
        code = code == EXIT_PASS ? EXIT_USAGE : code;
    }
    finish_flash_write(session);
    if (session->options->stats) {
        print_stats(session);
    }
    return finish_output(session, code);
}
