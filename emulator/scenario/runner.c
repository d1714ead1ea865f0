/* The runner's loop: tasks go as far as they can, then the session runs until something happens or the next of them
 * has to look again. All tasks that wait for texts look into the same streams; the match that ends first is served
 * first, so that what comes in one packet is shared out as if it had come byte by byte. */
#include "emulator/scenario/runner_private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTLE_PS (20 * PS_PER_MS)           /* after which a match at the end of a line will not become longer */
#define SAFE_MODE_QUIET_PS (100 * PS_PER_MS) /* after which the reason has been printed whole */
#define STEPS_MAX 10000000

/* ---- What is heard ---- */

void runner_hear(struct runner *runner, struct heard *heard, const void *data, size_t size) {
    runner->out_of_memory |= !stream_add(&heard->stream, data, size);
    runner->look_again = true;
    heard->last_ps = session_now(runner->session);
}

static void hear_console(void *context, const uint8_t *data, size_t size) {
    struct runner *runner = context;
    struct heard *console = &runner->ports[SCENARIO_CONSOLE];
    runner_hear(runner, console, data, size);
    if (session_is_early(runner->session)) {
        console->stream.cursor = console->stream.length; /* no program has said that */
    } else {
        runner->fail_seen |= matcher_feed(&runner->fail, data, size);
    }
    if (runner->safe_mode_ps != TIME_NEVER || matcher_feed(&runner->safe_mode, data, size)) {
        runner->safe_mode_ps = session_now(runner->session);
    }
    session_stop(runner->session);
}

static void hear_serial(void *context, enum console_port port, const uint8_t *data, size_t size) {
    struct runner *runner = context;
    if (port != CONSOLE_USB) {
        runner_hear(runner, &runner->ports[port == CONSOLE_UART0 ? SCENARIO_UART0 : SCENARIO_UART1], data, size);
        session_stop(runner->session);
    }
}

static void hear_data_port(void *context, unsigned instance, const uint8_t *data, size_t size) {
    struct runner *runner = context;
    if (instance == 1) {
        runner_hear(runner, &runner->ports[SCENARIO_DATA], data, size);
        session_stop(runner->session);
    }
}

static void hear_usb_line(struct runner *runner, const char *line) {
    runner_hear(runner, &runner->usb_events, line, strlen(line));
    session_stop(runner->session);
}

/* "LEFT_SHIFT down", "X 5". Keys and buttons are on the usage pages 7 and 9. */
static void hear_hid(void *context, const struct usbhost_hid_event *event) {
    char name[40], line[80];
    unsigned page = event->usage >> 16;
    usbhost_hid_usage_name(event->usage, name, sizeof(name));
    bool is_key = page == 7 || page == 9 || page == 12;
    if (is_key) {
        snprintf(line, sizeof(line), "%s %s\n", name, event->value ? "down" : "up");
    } else {
        snprintf(line, sizeof(line), "%s %" PRId32 "\n", name, event->value);
    }
    hear_usb_line(context, line);
}

/* "midi 90 3c 7f" */
static void hear_midi(void *context, unsigned cable, const uint8_t *bytes, size_t size) {
    char line[80] = "midi";
    for (size_t i = 0; i < size && i < 16; i++) {
        snprintf(line + strlen(line), sizeof(line) - strlen(line), " %02x", bytes[i]);
    }
    strcat(line, "\n");
    hear_usb_line(context, line);
}

/* ---- Life ---- */

struct runner *runner_create(const struct runner_desc *desc) {
    struct runner *runner = calloc(1, sizeof(*runner));
    if (!runner) {
        return NULL;
    }
    runner->desc = *desc;
    runner->desc.limit_ps = desc->limit_ps ? desc->limit_ps : RUNNER_LIMIT_PS;
    runner->safe_mode_ps = TIME_NEVER;
    matcher_init(&runner->fail, desc->scenario->fail_text);
    matcher_init(&runner->safe_mode, "You are in safe mode because:");
    runner->listener = (struct session_listener){
        .context = runner, .console = hear_console, .serial = hear_serial, .hid = hear_hid, .midi = hear_midi
    };
    return runner;
}

struct session_listener *runner_listener(struct runner *runner) {
    return &runner->listener;
}

void runner_attach(struct runner *runner, struct session *session) {
    runner->session = session;
    runner->usb = (struct usbhost_listener){ .context = runner, .cdc_received = hear_data_port };
    usbhost_listen(machine_usbhost(session_machine(session)), &runner->usb);
}

void runner_set_drive(struct runner *runner, const char *folder) {
    runner->desc.drive = folder;
}

void runner_set_artifacts(struct runner *runner, const char *folder) {
    runner->desc.artifacts = folder;
}

static void end_task_step(struct task *task) {
    probe_close(&task->probe);
    python_place_forget(&task->place);
    stream_pattern_finish(&task->pattern);
    task->stream = NULL;
    task->began = task->found = task->started = false;
    task->phase = 0;
    task->sent = 0;
}

static void drop_tasks(struct runner *runner) {
    while (runner->tasks) {
        struct task *gone = runner->tasks;
        runner->tasks = gone->next;
        end_task_step(gone);
        free(gone);
    }
}

void runner_detach(struct runner *runner) {
    drop_tasks(runner);
    runner_drop_taps(runner);
}

void runner_destroy(struct runner *runner) {
    if (!runner) {
        return;
    }
    runner_detach(runner);
    for (unsigned i = 0; i < SCENARIO_PORTS; i++) {
        stream_finish(&runner->ports[i].stream);
    }
    stream_finish(&runner->usb_events.stream);
    free(runner->font);
    free(runner->font_file);
    free(runner);
}

const struct stream *runner_console(const struct runner *runner) {
    return &runner->ports[SCENARIO_CONSOLE].stream;
}

const struct stream *runner_usb_events(const struct runner *runner) {
    return &runner->usb_events.stream;
}

const char *runner_outcome_name(enum runner_outcome outcome) {
    static const char *const names[] = { "passed", "failed", "timed out", "crashed", "wrong", "skipped", "runs" };
    return names[outcome];
}

/* ---- The verdict ---- */

static void decide_case(struct runner *runner, const struct scenario_step *step, enum runner_outcome outcome,
                        const char *message) {
    struct runner_result *result = runner->result;
    if (result->outcome != RUNNER_RUNS) {
        return;
    }
    result->outcome = outcome;
    snprintf(result->message, sizeof(result->message), "%s", message);
    if (step) {
        result->mark = step->mark;
        scenario_step_title(step, result->step, sizeof(result->step));
    }
}

enum step_state task_fail(struct runner *runner, const struct task *task, enum runner_outcome outcome,
                          const char *format, ...) {
    char message[600];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    decide_case(runner, task_step(task), outcome, message);
    return STEP_FAILED;
}

/* The step that a verdict from outside the steps falls into: the first one that waits. */
static const struct scenario_step *present_step(const struct runner *runner) {
    for (const struct task *task = runner->tasks; task; task = task->next) {
        if (task->began && !task->children) {
            return task_step(task);
        }
    }
    return NULL;
}

void runner_quote(const char *bytes, size_t length, char *ret_text, size_t size) {
    size_t used = 0;
    ret_text[0] = 0;
    for (size_t i = 0; i < length && used + 5 < size; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        const char *escape = byte == '\r' ? "\\r" : byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : NULL;
        bool plain = byte >= 0x20 && byte != 0x7f;
        used += (size_t)(escape  ? snprintf(ret_text + used, size - used, "%s", escape)
                         : plain ? snprintf(ret_text + used, size - used, "%c", byte)
                                 : snprintf(ret_text + used, size - used, "\\x%02x", byte));
    }
}

void runner_quote_rest(const struct stream *stream, char *ret_text, size_t size) {
    size_t rest = stream->length - stream->cursor, shown = rest < 160 ? rest : 160;
    if (!rest) {
        snprintf(ret_text, size, "nothing came since the last match");
        return;
    }
    char quoted[700];
    runner_quote(stream->bytes + stream->length - shown, shown, quoted, sizeof(quoted));
    snprintf(ret_text, size, "since the last match came %s\"%s\"", shown < rest ? "..." : "", quoted);
}

/* ---- Kinds of steps ---- */

static enum step_state begin_delay(struct runner *runner, struct task *task) {
    task->wake_ps = task->began_ps + task_step(task)->time_ps;
    return task_step(task)->time_ps ? STEP_WAITS : STEP_DONE;
}

static enum step_state look_at_delay(struct runner *runner, struct task *task) {
    return session_now(runner->session) >= task->wake_ps ? STEP_DONE : STEP_WAITS;
}

static bool check_touch(struct runner *runner, const struct scenario_step *step, struct error *error) {
    error_set(error, "part \"%s\" has no touch screen: no part of Ouroboard has one yet", step->part);
    return false;
}

static bool check_chip(struct runner *runner, const struct scenario_step *step, struct error *error) {
    error_set(error, "custom chips are not emulated");
    return false;
}

static enum step_state begin_nothing(struct runner *runner, struct task *task) {
    return STEP_DONE;
}

static struct task *add_task(struct runner *runner, const struct scenario_list *list, struct task *parent,
                             unsigned rounds) {
    struct task *task = calloc(1, sizeof(*task)), **at = &runner->tasks;
    if (!task) {
        runner->out_of_memory = true;
        return NULL;
    }
    *task = (struct task){ .list = list, .parent = parent, .rounds = rounds };
    while (*at) {
        at = &(*at)->next;
    }
    *at = task;
    return task;
}

static enum step_state begin_branches(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    unsigned rounds = step->kind == SCENARIO_REPEAT ? step->count : 1;
    for (unsigned i = 0; i < step->branch_count; i++) {
        if (step->branches[i].count && add_task(runner, &step->branches[i], task, rounds)) {
            task->children++;
        }
    }
    return task->children ? STEP_WAITS : STEP_DONE;
}

static enum step_state look_at_branches(struct runner *runner, struct task *task) {
    return task->children ? STEP_WAITS : STEP_DONE;
}

static const struct step_actions delay_actions = { begin_delay, look_at_delay },
                                 branch_actions = { begin_branches, look_at_branches },
                                 touch_actions = { begin_nothing, .check = check_touch },
                                 chip_actions = { begin_nothing, .check = check_chip };

static const struct step_actions *const actions_of_kinds[SCENARIO_KINDS] = {
    [SCENARIO_DELAY] = &delay_actions,
    [SCENARIO_WAIT_SERIAL] = &serial_wait_actions,
    [SCENARIO_WRITE_SERIAL] = &serial_write_actions,
    [SCENARIO_SET_CONTROL] = &control_actions,
    [SCENARIO_PRESS] = &press_actions,
    [SCENARIO_EXPECT_PIN] = &pin_actions,
    [SCENARIO_SET_PIN] = &pin_set_actions,
    [SCENARIO_WIRE] = &wire_actions,
    [SCENARIO_RESET] = &reset_actions,
    [SCENARIO_USB] = &usb_actions,
    [SCENARIO_POWER] = &power_actions,
    [SCENARIO_WRITE_FILE] = &file_write_actions,
    [SCENARIO_EXPECT_FILE] = &file_actions,
    [SCENARIO_EXPECT_VIEW] = &view_actions,
    [SCENARIO_TAKE_SCREENSHOT] = &screenshot_actions,
    [SCENARIO_EXPECT_USB] = &usb_wait_actions,
    [SCENARIO_EXPECT_BUS] = &bus_actions,
    [SCENARIO_EXPECT_LINE] = &line_actions,
    [SCENARIO_EXPECT_STACK] = &stack_actions,
    [SCENARIO_FAULT] = &fault_actions,
    [SCENARIO_REPEAT] = &branch_actions,
    [SCENARIO_PARALLEL] = &branch_actions,
    [SCENARIO_TOUCH] = &touch_actions,
    [SCENARIO_CUSTOM_CHIP] = &chip_actions,
};

static bool has_limit(enum scenario_kind kind) {
    return kind != SCENARIO_DELAY && kind != SCENARIO_REPEAT && kind != SCENARIO_PARALLEL && kind != SCENARIO_PRESS &&
           kind != SCENARIO_POWER;
}

static bool check_step(struct runner *runner, const struct scenario_step *step, struct findings *findings) {
    struct error error;
    const struct step_actions *of = actions_of_kinds[step->kind];
    bool ok = !of || !of->check || of->check(runner, step, &error);
    if (!ok) {
        struct scenario_mark mark = step->place.line ? step->place : step->mark;
        char place[400];
        snprintf(place, sizeof(place), "%.250s:%u:%u", runner->desc.scenario->path, mark.line, mark.column);
        findings->file = place;
        findings_add(findings, LOG_ERROR, "%s", error.message);
    }
    for (unsigned i = 0; i < step->branch_count; i++) {
        ok &= runner_check(runner, &step->branches[i], findings);
    }
    return ok;
}

bool runner_check(struct runner *runner, const struct scenario_list *list, struct findings *findings) {
    bool ok = true;
    for (unsigned i = 0; i < list->count; i++) {
        ok &= check_step(runner, &list->steps[i], findings);
    }
    return ok;
}

/* ---- Tasks ---- */

const struct scenario_step *task_step(const struct task *task) {
    return &task->list->steps[task->index];
}

uint64_t task_deadline(const struct task *task) {
    const struct scenario_step *step = task_step(task);
    return has_limit(step->kind) ? task->began_ps + step->timeout_ps : TIME_NEVER;
}

enum step_state task_apply(struct runner *runner, const struct task *task, const struct input *input) {
    struct error error;
    return session_apply(runner->session, input, &error) ? STEP_DONE
                                                         : task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
}

enum step_state task_wait_for(struct runner *runner, struct task *task, struct stream *stream,
                              const struct scenario_text *text, const char *regex) {
    struct error error;
    bool ok = regex ? stream_pattern_regex(&task->pattern, regex, &error)
                    : stream_pattern_text(&task->pattern, text->bytes, text->length, &error);
    if (!ok) {
        return task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
    }
    task->stream = stream;
    task->found = false;
    task->wake_ps = TIME_NEVER;
    runner->look_again = true;
    return STEP_WAITS;
}

static bool is_settled(const struct runner *runner, const struct stream *stream) {
    for (unsigned i = 0; i < SCENARIO_PORTS; i++) {
        if (&runner->ports[i].stream == stream) {
            return session_now(runner->session) >= runner->ports[i].last_ps + SETTLE_PS;
        }
    }
    return true;
}

/* Of the tasks that wait for this stream, the one whose match ends first; NULL: none has one. */
static struct task *first_match(struct runner *runner, const struct stream *stream, struct stream_match *ret_match) {
    struct task *first = NULL;
    struct stream_match match;
    for (struct task *task = runner->tasks; task; task = task->next) {
        bool waits = task->stream == stream && !task->found;
        if (waits && stream_look(stream, &task->pattern, &match) && (!first || match.end < ret_match->end)) {
            if (match.open && !is_settled(runner, stream)) {
                task->wake_ps = session_now(runner->session) + SETTLE_PS;
                continue;
            }
            first = task;
            *ret_match = match;
        }
    }
    return first;
}

static void share_out_stream(struct runner *runner, struct stream *stream) {
    struct stream_match match;
    for (struct task *task; (task = first_match(runner, stream, &match));) {
        stream_take(stream, &match);
        task->found = true;
    }
}

static void share_out_all(struct runner *runner) {
    for (unsigned i = 0; i < SCENARIO_PORTS; i++) {
        share_out_stream(runner, &runner->ports[i].stream);
    }
    share_out_stream(runner, &runner->usb_events.stream);
    for (struct tapped *each = runner->taps; each; each = each->next) {
        share_out_stream(runner, &each->heard.stream);
    }
}

static enum step_state begin_step(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    task->began = true;
    task->began_ps = session_now(runner->session);
    task->wake_ps = TIME_NEVER;
    if (++runner->steps_done > STEPS_MAX) {
        return task_fail(runner, task, RUNNER_WRONG, "more than %d steps have been taken", STEPS_MAX);
    }
    if (runner->desc.began) {
        runner->desc.began(runner->desc.context, step);
    }
    return actions_of_kinds[step->kind]->begin(runner, task);
}

static enum step_state fail_late_step(struct runner *runner, struct task *task) {
    char what[500] = "";
    const struct scenario_step *step = task_step(task);
    if (actions_of_kinds[step->kind]->explain) {
        actions_of_kinds[step->kind]->explain(runner, task, what, sizeof(what));
    }
    return task_fail(runner, task, RUNNER_TIMED_OUT, "not within %g ms of virtual time: %s",
                     (double)step->timeout_ps / PS_PER_MS, what);
}

static enum step_state look_at_step(struct runner *runner, struct task *task) {
    const struct step_actions *of = actions_of_kinds[task_step(task)->kind];
    enum step_state state = !task->began ? begin_step(runner, task) : of->look ? of->look(runner, task) : STEP_DONE;
    bool late = state == STEP_WAITS && session_now(runner->session) >= task_deadline(task);
    return late ? fail_late_step(runner, task) : state;
}

/* Go to the next step; false when there is none. */
static bool go_to_next_step(struct task *task) {
    end_task_step(task);
    task->index++;
    if (task->index == task->list->count && --task->rounds) {
        task->index = 0;
    }
    return task->index < task->list->count;
}

static void remove_task(struct runner *runner, struct task *gone) {
    struct task **at = &runner->tasks;
    while (*at != gone) {
        at = &(*at)->next;
    }
    *at = gone->next;
    if (gone->parent) {
        gone->parent->children--;
    }
    free(gone);
}

/* True when it has gone on by a step. */
static bool advance_task(struct runner *runner, struct task *task) {
    enum step_state state = look_at_step(runner, task);
    if (state == STEP_DONE && !go_to_next_step(task)) {
        remove_task(runner, task);
    }
    return state == STEP_DONE;
}

static void advance_tasks(struct runner *runner) {
    bool moved = true;
    while (moved && runner->result->outcome == RUNNER_RUNS) {
        runner->look_again = false;
        share_out_all(runner);
        moved = false;
        for (struct task *task = runner->tasks, *next; task && runner->result->outcome == RUNNER_RUNS; task = next) {
            next = task->next;
            moved |= advance_task(runner, task);
        }
        moved |= runner->look_again;
    }
}

/* ---- The run ---- */

static uint64_t next_wake(const struct runner *runner, uint64_t limit_ps) {
    for (const struct task *task = runner->tasks; task; task = task->next) {
        uint64_t deadline = task_deadline(task);
        limit_ps = task->wake_ps < limit_ps ? task->wake_ps : limit_ps;
        limit_ps = deadline < limit_ps ? deadline : limit_ps;
    }
    if (runner->safe_mode_ps != TIME_NEVER && runner->safe_mode_ps + SAFE_MODE_QUIET_PS < limit_ps) {
        limit_ps = runner->safe_mode_ps + SAFE_MODE_QUIET_PS;
    }
    return limit_ps;
}

/* Of the words about safe mode, those behind "because:". */
static void say_safe_mode(struct runner *runner) {
    const struct stream *console = runner_console(runner);
    const char *words = memmem(console->bytes, console->length, "because:", 8);
    char reason[200] = "", message[300];
    if (words) {
        size_t rest = console->length - (size_t)(words + 8 - console->bytes);
        words += 8;
        while (rest && (*words == '\r' || *words == '\n' || *words == ' ')) {
            words++;
            rest--;
        }
        const char *end = memchr(words, '\r', rest);
        runner_quote(words, end ? (size_t)(end - words) : rest, reason, sizeof(reason));
    }
    snprintf(message, sizeof(message), "the firmware went to safe mode: %s", reason);
    decide_case(runner, present_step(runner), RUNNER_CRASHED, message);
}

static void judge_state(struct runner *runner, enum session_state state) {
    static const char *const crashes[] = {
        [SESSION_LOCKED_UP] = "the guest crashed: the core is locked up",
        [SESSION_IN_BOOTLOADER] = "the firmware has entered the boot loader (the UF2 drive)",
        [SESSION_UNBOOTABLE] = "the boot ROM finds nothing to start in the flash",
    };
    uint64_t now = session_now(runner->session);
    if (state == SESSION_LOCKED_UP || state == SESSION_IN_BOOTLOADER || state == SESSION_UNBOOTABLE) {
        decide_case(runner, present_step(runner), RUNNER_CRASHED, crashes[state]);
    } else if (runner->safe_mode_ps != TIME_NEVER && now - runner->safe_mode_ps >= SAFE_MODE_QUIET_PS) {
        say_safe_mode(runner);
    } else if (runner->fail_seen) {
        char message[300];
        snprintf(message, sizeof(message), "the fail-text was printed: %.200s", runner->desc.scenario->fail_text);
        decide_case(runner, present_step(runner), RUNNER_FAILED, message);
    } else if (now >= runner->result->begin_ps + runner->desc.limit_ps) {
        char message[100];
        snprintf(message, sizeof(message), "the case takes more than %g s of virtual time",
                 (double)runner->desc.limit_ps / PS_PER_S);
        decide_case(runner, present_step(runner), RUNNER_TIMED_OUT, message);
    } else if (runner->out_of_memory) {
        decide_case(runner, present_step(runner), RUNNER_WRONG, "out of memory");
    }
}

/* What has come is looked at before it is judged how the board is. */
static enum session_state run_tasks(struct runner *runner) {
    enum session_state state = SESSION_RUNS;
    uint64_t limit_ps = runner->result->begin_ps + runner->desc.limit_ps;
    while (runner->result->outcome == RUNNER_RUNS) {
        advance_tasks(runner);
        judge_state(runner, state);
        if (!runner->tasks) {
            decide_case(runner, NULL, RUNNER_PASSED, "");
        }
        if (runner->result->outcome == RUNNER_RUNS) {
            state = session_run(runner->session, next_wake(runner, limit_ps));
        }
        if (state == SESSION_BEGIN_AGAIN) {
            break;
        }
    }
    return state;
}

enum runner_outcome runner_run(struct runner *runner, const struct scenario_list *list,
                               struct runner_result *ret_result) {
    uint64_t now = session_now(runner->session);
    *ret_result = (struct runner_result){ .outcome = RUNNER_RUNS, .begin_ps = now };
    runner->result = ret_result;
    runner->steps_done = 0;
    if (list->count) {
        add_task(runner, list, NULL, 1);
    }
    run_tasks(runner);
    drop_tasks(runner);
    ret_result->end_ps = session_now(runner->session);
    return ret_result->outcome;
}
