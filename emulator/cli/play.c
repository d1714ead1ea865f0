/* The loop of `ouroboard run`: lets the session run in slices, carries bytes between its console and the user, keeps
 * the pace, and judges what is printed and what becomes of the board. */
#include "emulator/cli/debugging.h"
#include "emulator/cli/display.h"
#include "emulator/cli/remote.h"
#include "emulator/cli/run.h"
#include "emulator/core/scheduler.h"
#include "emulator/debug/post_mortem.h"
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
#define SAFE_MODE_QUIET_PS (100 * PS_PER_MS) /* then the reason has been printed whole */
#define PAUSE_MS 10                          /* between two looks around while paused */

/* ---- Output ---- */

static void conclude(struct run *run, int code) {
    if (run->verdict == NO_VERDICT) {
        run->verdict = code;
        session_stop(run->session);
    }
}

/* What is printed first decides, however the bytes come in packets. Safe mode does as well, but the run goes on until
 * its reason has been printed. */
static void judge_text(struct run *run, const uint8_t *data, size_t size) {
    uint64_t now = session_now(run->session);
    if (run->safe_mode_ps != TIME_NEVER) {
        run->safe_mode_ps = now;
        return;
    }
    bool early = session_is_early(run->session);
    for (size_t i = 0; i < size && run->verdict == NO_VERDICT; i++) {
        if (!early && matcher_feed(&run->fail, data + i, 1)) {
            fprintf(stderr, "ouroboard: the fail text was printed: %s\n", run->options->fail_text);
            conclude(run, EXIT_ASSERTION);
        } else if (!early && matcher_feed(&run->expect, data + i, 1)) {
            conclude(run, EXIT_PASS);
        } else if (matcher_feed(&run->safe_mode, data + i, 1)) {
            run->safe_mode_ps = now;
            return;
        }
    }
}

static void hear_console(void *context, const uint8_t *data, size_t size) {
    struct run *run = context;
    console_write(run->console, data, size);
    if (run->feed) {
        feed_print(run->feed, data, size);
    }
    if (run->post_mortem) {
        post_mortem_hear(run->post_mortem, data, size);
    }
    if (run->serial_log) {
        fwrite(data, 1, size, run->serial_log);
    }
    judge_text(run, data, size);
}

static const char *line_end(const struct run *run) {
    return run->console && console_is_raw(run->console) ? "\r\n" : "\n";
}

static void hear_log(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line) {
    fprintf(stderr, "[%11.6f] %-5s %s: %s%s", (double)time_ps / 1e12, log_level_name(level), source, line,
            line_end(context));
}

static void hear_line(void *context, enum log_level level, const char *line) {
    fprintf(stderr, "ouroboard: %s%s%s",
            level == LOG_WARN   ? "warning: "
            : level == LOG_INFO ? "note: "
                                : "",
            line, line_end(context));
}

static void hear_drive(void *context, enum log_level level, const char *line) {
    const struct run *run = context;
    if (run->options->log[level]) {
        fprintf(stderr, "%s drive: %s%s", log_level_name(level), line, line_end(run));
    }
}

void play_listen(struct run *run) {
    run->listener = (struct session_listener){
        .context = run, .console = hear_console, .log = hear_log, .line = hear_line, .drive = hear_drive
    };
}

/* ---- Input ---- */

static void read_input(struct run *run) {
    uint8_t bytes[SESSION_TYPING];
    size_t room = session_typing_room(run->session);
    size_t size = room ? console_read(run->console, bytes, room) : 0;
    size += run->feed && size < room ? feed_typed(run->feed, bytes + size, room - size) : 0;
    if (size) {
        session_type(run->session, bytes, size, console_is_script(run->console));
    }
}

/* A USB port waits for a slow reader, as on the desk; a UART cannot. */
static void hold_output(struct run *run) {
    bool hold = !console_has_room(run->console);
    if (hold != run->output_held) {
        run->output_held = hold;
        session_apply(run->session, &(struct input){ .kind = INPUT_USB_PAUSE, .value = hold }, NULL);
    }
}

/* ---- Verdicts ---- */

static bool is_judged(const struct run_options *options) {
    return options->expect_text || options->fail_text || options->timeout_ms;
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
static int judge_waited_for(const struct run *run) {
    if (run->safe_mode_ps != TIME_NEVER) {
        return say_safe_mode();
    }
    return session_is_locked_up(run->session) ? say_locked_up() : NO_VERDICT;
}

static int judge_safe_mode(const struct run *run) {
    bool told = run->safe_mode_ps != TIME_NEVER && session_now(run->session) - run->safe_mode_ps >= SAFE_MODE_QUIET_PS;
    return told ? say_safe_mode() : NO_VERDICT;
}

static int judge_state(const struct run *run, enum session_state state) {
    switch (state) {
    case SESSION_LOCKED_UP:
        return say_locked_up();
    case SESSION_IN_BOOTLOADER:
        fprintf(stderr,
                "ouroboard: the firmware has entered the boot loader (the UF2 drive): run again with an image\n");
        return EXIT_GUEST;
    case SESSION_UNBOOTABLE:
        fprintf(stderr, "ouroboard: the boot ROM finds nothing to start in the flash: give a firmware image\n");
        return EXIT_USAGE;
    case SESSION_REPLAYED:
        return EXIT_PASS;
    case SESSION_DIFFERS:
        return EXIT_ASSERTION;
    case SESSION_BEGIN_AGAIN:
        return BEGIN_AGAIN;
    case SESSION_RUNS:
        break;
    }
    return judge_safe_mode(run);
}

static int judge_time(const struct run *run, uint64_t now) {
    uint64_t timeout = run->options->timeout_ms;
    if (!timeout || now < timeout * PS_PER_MS) {
        return NO_VERDICT;
    }
    int crash = judge_waited_for(run);
    if (crash != NO_VERDICT) {
        return crash;
    }
    if (session_is_in_vain(run->session)) {
        return BEGIN_AGAIN;
    }
    fprintf(stderr, "ouroboard: timeout after %" PRIu64 " ms of virtual time\n", timeout);
    return EXIT_TIMEOUT;
}

static void say_output_failed(struct run *run, int error) {
    if (error && error != EPIPE && !run->output_failed) {
        run->output_failed = true;
        fprintf(stderr, "ouroboard: standard output: %s\n", strerror(error));
    }
}

/* Nobody reads the output any more, or the disk is full: a run with a verdict goes on to it, any other one ends. */
static int judge_output(struct run *run) {
    int error = console_output_error(run->console);
    say_output_failed(run, error);
    return !error || is_judged(run->options) ? NO_VERDICT : error == EPIPE ? EXIT_PASS : EXIT_USAGE;
}

/* Left by the user: what was to be printed has not been. */
static int judge_leaving(const struct run *run) {
    int crash = run->crashed ? NO_VERDICT : judge_waited_for(run);
    if (crash != NO_VERDICT) {
        return crash;
    }
    if (!run->options->expect_text) {
        return run->crashed ? EXIT_GUEST : EXIT_PASS;
    }
    fprintf(stderr, "ouroboard: left before this was printed: %s\n", run->options->expect_text);
    return EXIT_ASSERTION;
}

/* What the command line wants done by now; a run that is there for its pictures ends with the last one. */
static int act(struct run *run, uint64_t now) {
    struct error error;
    const struct run_options *options = run->options;
    if (!actions_step(&run->actions, now, &error)) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
        return EXIT_USAGE;
    }
    bool open = !options->timeout_ms && !options->expect_text;
    if (!open || !actions_are_done(&run->actions)) {
        return NO_VERDICT;
    }
    int crash = judge_waited_for(run);
    return crash == NO_VERDICT ? EXIT_PASS : crash;
}

static void set_crashed(struct run *run, bool crashed) {
    run->crashed = crashed;
    feed_crashed(run->feed, crashed);
}

/* A crash ends the run, unless somebody is there to look at it: a window stays open until its user resets the board or
 * leaves. */
static void keep_crash(struct run *run) {
    const struct run_options *options = run->options;
    if (run->verdict == EXIT_GUEST && run->feed && !options->timeout_ms && !options->expect_text) {
        run->verdict = NO_VERDICT;
        set_crashed(run, true);
    }
}

/* A text may have decided while the session ran. */
static void judge(struct run *run, enum session_state state) {
    uint64_t now = session_now(run->session);
    if (run->verdict == NO_VERDICT) {
        run->verdict = judge_state(run, state);
        keep_crash(run);
    }
    if (run->verdict == NO_VERDICT) {
        run->verdict = act(run, now);
    }
    if (run->verdict == NO_VERDICT) {
        run->verdict = judge_time(run, now);
    }
    if (run->verdict == NO_VERDICT) {
        run->verdict = judge_output(run);
    }
}

/* ---- The loop ---- */

/* A window wants to be served all the time, and so does input that the firmware has not taken yet. */
static uint64_t slice_end(const struct run *run, uint64_t now) {
    bool typed = session_typing_room(run->session) < SESSION_TYPING;
    bool rests = !run->feed && !typed && now - run->active_ps >= REST_PS;
    uint64_t end = now + (rests ? LONG_SLICE_PS : SLICE_PS);
    uint64_t timeout = run->options->timeout_ms;
    end = timeout && end > timeout * PS_PER_MS ? timeout * PS_PER_MS : end;
    uint64_t action = actions_next(&run->actions);
    return action > now && action < end ? action : end;
}

static void note_traffic(struct run *run, uint64_t now) {
    uint64_t traffic = console_traffic(run->console) + data_port_traffic(&run->data);
    if (traffic != run->traffic) {
        run->traffic = traffic;
        run->active_ps = now;
    }
}

/* As fast as possible is for somebody: when who has started the run is gone and nobody is at the console, it goes on at
 * the speed of the clock on the wall. */
static void slow_down_alone(struct run *run, uint64_t now) {
    const struct run_options *options = run->options;
    if (options->speed != SPEED_MAX || is_judged(options)) {
        return;
    }
    bool alone = console_is_deserted(run->console) && !run->feed && getppid() != run->parent;
    double speed = alone ? 1 : SPEED_MAX;
    if (run->pace.speed != speed) {
        pace_start(&run->pace, speed, now);
    }
}

static void wait_for_time(struct run *run, uint64_t now) {
    struct pollfd fds[2 * CONSOLE_FDS + DEBUGGING_FDS];
    unsigned count = console_poll(run->console, session_typing_room(run->session) > 0, fds);
    count += data_port_poll(&run->data, fds + count);
    count += debugging_poll(run, fds + count);
    pace_wait(&run->pace, now, fds, count);
}

/* Do what the user of the window wants, and stay here during a pause and after a crash. True: to leave. */
static bool serve_window(struct run *run, uint64_t now) {
    struct feed_requests requests = { 0 };
    bool was_paused = false;
    while (run->feed) {
        requests = feed_step(run->feed, now, machine_cycles(session_machine(run->session)));
        if (requests.reset) {
            session_apply(run->session, &(struct input){ .kind = INPUT_RESET }, NULL);
            set_crashed(run, false);
        }
        if (!(requests.paused || run->crashed) || requests.leave || console_wants_out(run->console)) {
            break;
        }
        was_paused = true;
        console_flush(run->console);
        feed_wait(run->feed, PAUSE_MS);
    }
    if (was_paused) {
        pace_start(&run->pace, run->options->speed, now);
    }
    return requests.leave;
}

/* What is between the board and the user. */
static void carry(struct run *run, uint64_t now) {
    console_flush(run->console);
    hold_output(run);
    data_port_step(&run->data);
    note_traffic(run, now);
}

void play_serve_console(struct run *run) {
    read_input(run);
    carry(run, session_now(run->session));
}

static int loop(struct run *run) {
    bool leave = false;
    while (run->verdict == NO_VERDICT && !leave && !console_wants_out(run->console)) {
        if (debugging_serve(run)) {
            break;
        }
        read_input(run);
        enum session_state state = session_run(run->session, slice_end(run, session_now(run->session)));
        debugging_ran(run);
        judge(run, debugging_is_attached(run) ? SESSION_RUNS : state);
        uint64_t now = session_now(run->session);
        carry(run, now);
        leave = serve_window(run, now);
        slow_down_alone(run, now);
        wait_for_time(run, now);
    }
    return run->verdict == NO_VERDICT ? judge_leaving(run) : run->verdict;
}

/* Output that is not all on the disk is no pass. */
static int finish_output(struct run *run, int code) {
    console_flush(run->console);
    say_output_failed(run, console_output_error(run->console));
    return run->output_failed && code == EXIT_PASS ? EXIT_USAGE : code;
}

static void print_stats(const struct run *run) {
    double virtual_s = (double)session_now(run->session) / PS_PER_S;
    double wall_s = (double)(wall_now_ns() - run->wall_start_ns) / 1e9;
    fprintf(stderr, "ouroboard: %.6f s virtual, %.3f s wall, ratio %.2f, %" PRIu64 " cycles\n", virtual_s, wall_s,
            virtual_s / wall_s, machine_cycles(session_machine(run->session)));
}

static void begin(struct run *run) {
    const struct run_options *options = run->options;
    run->verdict = NO_VERDICT;
    matcher_init(&run->expect, options->expect_text);
    matcher_init(&run->fail, options->fail_text);
    bool judged = options->expect_text || options->timeout_ms;
    matcher_init(&run->safe_mode, judged ? "You are in safe mode because:" : NULL);
    run->safe_mode_ps = TIME_NEVER;
    run->wall_start_ns = wall_now_ns();
    run->parent = (int)getppid();
    pace_start(&run->pace, options->speed, session_now(run->session));
}

int play(struct run *run) {
    begin(run);
    int code = run->remote ? remote_loop(run) : loop(run);
    if (code == BEGIN_AGAIN) {
        return code;
    }
    struct error error;
    if (!actions_end(&run->actions, &error)) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
        code = code == EXIT_PASS ? EXIT_USAGE : code;
    }
    session_finish_flash(run->session);
    if (run->options->stats) {
        print_stats(run);
    }
    return finish_output(run, code);
}
