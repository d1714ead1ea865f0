/* run, pause, step: virtual time passes, up to a limit or to what the client waits for. */
#include "emulator/control/arguments.h"
#include "emulator/control/bytes.h"
#include "emulator/control/control_private.h"
#include "emulator/cpu/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUN_PS (10 * PS_PER_S)
#define STEP_CYCLES_MAX 1000000

/* ---- What a condition tells when it is met ---- */

static void meet(struct control *control, const char *stopped, const struct control_condition *condition,
                 json_t *found) {
    struct control_run *run = &control->run;
    json_object_set_new(found, "condition", json_integer(condition - run->conditions));
    run->stopped = stopped;
    run->found = found;
    session_stop(control->session);
}

static void take_match(struct control *control, struct control_condition *condition, const struct stream_match *match) {
    const struct stream *stream = &control->streams[condition->port].stream;
    json_t *found = json_object(), *text = json_object();
    bytes_to_json(text, stream->bytes + match->begin, match->end - match->begin);
    json_object_set_new(found, "match", text);
    meet(control, "text", condition, found);
    serial_take(control, condition->port, match->end, found);
}

static struct control_condition *look_for_texts(struct control *control, enum control_port port,
                                                struct stream_match *ret_match) {
    struct control_run *run = &control->run;
    struct control_condition *first = NULL;
    for (unsigned i = 0; i < run->count; i++) {
        struct control_condition *each = &run->conditions[i];
        struct stream_match match;
        if (each->kind != CONDITION_TEXT || each->port != port ||
            !stream_look(&control->streams[port].stream, &each->pattern, &match)) {
            continue;
        }
        if (match.open && match.end != each->open_end) { /* it may become longer: not yet */
            each->open_end = match.end;
            continue;
        }
        if (!first || match.end < ret_match->end) {
            first = each;
            *ret_match = match;
        }
    }
    return first;
}

void run_note_bytes(struct control *control, enum control_port port) {
    struct stream_match match = { 0 };
    struct control_condition *first =
        control->run.active && !control->run.stopped ? look_for_texts(control, port, &match) : NULL;
    if (first) {
        take_match(control, first, &match);
    }
}

/* A match that reaches to the end of what has been printed counts when a slice has brought nothing more. */
void run_look_at_open_matches(struct control *control) {
    for (enum control_port port = 0; port < CONTROL_PORTS; port++) {
        run_note_bytes(control, port);
    }
}

static void note_level(void *context, const struct probe_edge *edge) {
    struct control_condition *condition = context;
    struct control_run *run = &condition->control->run;
    if (!run->active || run->stopped || !condition->wanted[edge->level]) {
        return;
    }
    json_t *found = json_object();
    json_object_set_new(found, "level", json_string(pin_level_name(edge->level)));
    json_object_set_new(found, "edge_ps", json_integer((json_int_t)edge->time_ps));
    meet(condition->control, "pin", condition, found);
}

static bool note_line(void *context, const struct python_event *event) {
    struct control_condition *condition = context;
    const struct python_frame *frame = &event->frames[event->depth - 1];
    struct control_run *run = &condition->control->run;
    if (!run->active || run->stopped) {
        return false;
    }
    json_t *found = json_object();
    json_object_set_new(found, "line", json_integer(frame->line));
    json_object_set_new(found, "core", json_integer(event->core));
    meet(condition->control, "line", condition, found);
    return true;
}

/* Every member that the condition names is as it says. */
static bool fits(json_t *fields, json_t *event) {
    const char *name;
    json_t *value;
    json_object_foreach(fields, name, value) {
        if (strcmp(name, "event") != 0 && !json_equal(value, json_object_get(event, name))) {
            return false;
        }
    }
    return true;
}

void run_note_event(struct control *control, enum control_event kind, json_t *event) {
    struct control_run *run = &control->run;
    for (unsigned i = 0; run->active && !run->stopped && i < run->count; i++) {
        struct control_condition *each = &run->conditions[i];
        if (each->kind == CONDITION_EVENT && each->event == kind && fits(each->fields, event)) {
            json_t *found = json_object();
            json_object_set(found, "seen", event);
            meet(control, "event", each, found);
        }
    }
}

void run_shift_stream(struct control *control, enum control_port port, size_t bytes) {
    struct control_run *run = &control->run;
    for (unsigned i = 0; i < run->count; i++) {
        struct control_condition *each = &run->conditions[i];
        if (each->kind == CONDITION_TEXT && each->port == port) {
            each->pattern.from -= each->pattern.from < bytes ? each->pattern.from : bytes;
            each->open_end = 0;
        }
    }
}

/* ---- From the request ---- */

static bool parse_text(struct control_condition *condition, json_t *object, struct error *error) {
    const char *text = NULL, *expression = NULL;
    unsigned port = PORT_CONSOLE;
    if (!argument_text(object, "text", &text, error) || !argument_text(object, "regex", &expression, error) ||
        !argument_choice(object, "port", control_port_names, &port, error)) {
        return false;
    }
    condition->kind = CONDITION_TEXT;
    condition->port = (enum control_port)port;
    return text ? stream_pattern_text(&condition->pattern, text, strlen(text), error)
                : stream_pattern_regex(&condition->pattern, expression, error);
}

static bool parse_levels(struct control_condition *condition, json_t *object, struct error *error) {
    static const char *const levels[] = { "low", "high", "floating", NULL };
    static const char *const edges[] = { "fall", "rise", "change", NULL };
    unsigned level = 3, edge = 3;
    if (!argument_choice(object, "level", levels, &level, error) ||
        !argument_choice(object, "edge", edges, &edge, error)) {
        return false;
    }
    if ((level == 3) == (edge == 3)) {
        error_set(error, "say \"level\" (low, high, floating) or \"edge\" (rise, fall, change) of the pin");
        return false;
    }
    condition->is_edge = level == 3;
    unsigned which = condition->is_edge ? edge : level;
    condition->wanted[NET_LEVEL_LOW] = which == 0 || (condition->is_edge && which == 2);
    condition->wanted[NET_LEVEL_HIGH] = which == 1 || (condition->is_edge && which == 2);
    condition->wanted[NET_LEVEL_FLOATING] = which == 2;
    return true;
}

static bool parse_pin(struct control_condition *condition, json_t *object, struct error *error) {
    const char *pin = NULL;
    condition->kind = CONDITION_PIN;
    condition->probe.changed = note_level;
    condition->probe.context = condition;
    return argument_text(object, "pin", &pin, error) && parse_levels(condition, object, error) &&
           probe_open(&condition->probe, condition->control->session, pin, error);
}

static bool parse_event(struct control_condition *condition, json_t *object, struct error *error) {
    unsigned event = 0;
    condition->kind = CONDITION_EVENT;
    if (!argument_choice(object, "event", control_event_names, &event, error)) {
        return false;
    }
    condition->event = (enum control_event)event;
    condition->fields = json_incref(object);
    return true;
}

static bool parse_line(struct control_condition *condition, json_t *object, struct error *error) {
    const char *file = NULL;
    uint64_t line = 0;
    if (!argument_is_there(object, "file", error) || !argument_text(object, "file", &file, error) ||
        !argument_whole(object, "line", UINT32_MAX, &line, error)) {
        return false;
    }
    condition->kind = CONDITION_LINE;
    condition->file = strdup(file);
    condition->place = (struct python_place){
        .file = condition->file, .line = (unsigned)line, .reached = note_line, .context = condition
    };
    if (!condition->file) {
        error_set(error, "out of memory");
        return false;
    }
    return python_place_wait(&condition->place, session_python(condition->control->session), error);
}

static bool parse_condition(struct control *control, json_t *object, struct error *error) {
    struct control_run *run = &control->run;
    if (run->count == CONTROL_CONDITIONS) {
        error_set(error, "at most %d conditions", CONTROL_CONDITIONS);
        return false;
    }
    if (!json_is_object(object)) {
        error_set(error,
                  "a condition is an object such as {\"text\":\"done\"} or {\"pin\":\"GP4\",\"level\":\"high\"}");
        return false;
    }
    struct control_condition *condition = &run->conditions[run->count++];
    *condition = (struct control_condition){ .control = control };
    if (json_object_get(object, "event")) {
        return parse_event(condition, object, error);
    }
    static const char *const names[] = {
        "text", "regex", "port", "pin", "level", "edge", "event", "file", "line", NULL
    };
    if (!argument_names_are_known(object, names, error)) {
        return false;
    }
    bool text = json_object_get(object, "text"), regex = json_object_get(object, "regex");
    bool pin = json_object_get(object, "pin"), line = json_object_get(object, "line");
    if (text + regex + pin + line != 1) {
        error_set(error, "say one of \"text\", \"regex\", \"pin\", \"line\" and \"event\" in a condition");
        return false;
    }
    if (line) {
        return parse_line(condition, object, error);
    }
    return pin ? parse_pin(condition, object, error) : parse_text(condition, object, error);
}

static bool parse_conditions(struct control *control, json_t *until, struct error *error) {
    if (!json_is_array(until)) {
        return !until || parse_condition(control, until, error);
    }
    for (size_t i = 0; i < json_array_size(until); i++) {
        if (!parse_condition(control, json_array_get(until, i), error)) {
            return false;
        }
    }
    return true;
}

static void forget_conditions(struct control_run *run) {
    for (unsigned i = 0; i < run->count; i++) {
        struct control_condition *each = &run->conditions[i];
        probe_close(&each->probe);
        stream_pattern_finish(&each->pattern);
        json_decref(each->fields);
        python_place_forget(&each->place);
        free(each->file);
    }
    run->count = 0;
}

/* What is so already ends the run before it has begun. */
static void look_at_once(struct control *control) {
    struct control_run *run = &control->run;
    for (unsigned i = 0; i < run->count; i++) {
        struct control_condition *each = &run->conditions[i];
        if (each->kind == CONDITION_PIN && !each->is_edge) {
            note_level(each, &each->probe.last);
        }
    }
    for (enum control_port port = 0; port < CONTROL_PORTS; port++) {
        run_note_bytes(control, port);
    }
}

/* ---- Beginning and end ---- */

void run_begin(struct control *control, json_t *arguments, uint64_t until_ps) {
    struct control_run *run = &control->run;
    json_t *id = json_object_get(arguments, "id");
    run->active = true;
    run->id = id ? json_incref(id) : json_null();
    run->until_ps = until_ps;
}

static void forget_run(struct control *control) {
    struct control_run *run = &control->run;
    forget_conditions(run);
    json_decref(run->found);
    json_decref(run->id);
    if (run->measured) {
        probe_close(run->measured);
        free(run->measured);
    }
    *run = (struct control_run){ 0 };
}

void run_end(struct control *control, const char *stopped) {
    struct control_run *run = &control->run;
    json_t *id = json_incref(run->id), *reply = json_object();
    json_object_set_new(reply, "stopped", json_string(stopped));
    if (run->found) {
        json_object_update(reply, run->found);
    }
    if (run->measured) {
        pin_put_result(reply, run->measured);
    }
    forget_run(control);
    control_reply(control, id, reply);
    json_decref(id);
}

void run_abandon(struct control *control) {
    forget_run(control);
}

/* ---- Requests ---- */

static bool parse_end(struct control *control, json_t *arguments, uint64_t *ret_ps, struct error *error) {
    uint64_t now_ps = session_now(control->session), length_ps = RUN_PS;
    bool is_length = json_object_get(arguments, "for"), is_end = json_object_get(arguments, "to");
    if (is_length && is_end) {
        error_set(error, "say one of \"for\" and \"to\"");
        return false;
    }
    *ret_ps = 0;
    if (!argument_time(arguments, "for", &length_ps, error) || !argument_time(arguments, "to", ret_ps, error)) {
        return false;
    }
    if (is_end && *ret_ps < now_ps) {
        error_set(error, "\"to\" is past: it is %llu ps already", (unsigned long long)now_ps);
        return false;
    }
    *ret_ps = is_end ? *ret_ps : now_ps + length_ps;
    return true;
}

static enum control_outcome handle_run(struct control *control, json_t *arguments, json_t *reply, struct error *error) {
    uint64_t until_ps;
    if (!parse_end(control, arguments, &until_ps, error)) {
        return CONTROL_FAILED;
    }
    if (!parse_conditions(control, json_object_get(arguments, "until"), error)) {
        forget_run(control);
        return CONTROL_FAILED;
    }
    run_begin(control, arguments, until_ps);
    look_at_once(control);
    return CONTROL_LATER;
}

static enum control_outcome handle_pause(struct control *control, json_t *arguments, json_t *reply,
                                         struct error *error) {
    json_object_set_new(reply, "was_running", json_boolean(control->run.active));
    if (control->run.active) {
        run_end(control, control->run.stopped ? control->run.stopped : "pause");
    }
    return CONTROL_DONE;
}

static void put_core(json_t *reply, const struct core *core) {
    char text[16];
    snprintf(text, sizeof(text), "0x%08x", core_register(core, CORE_PC));
    json_object_set_new(reply, "pc", json_string(text));
}

/* To the end of the block of instructions in which the last of the cycles falls. */
static enum control_outcome handle_step(struct control *control, json_t *arguments, json_t *reply,
                                        struct error *error) {
    struct machine *machine = session_machine(control->session);
    uint64_t cycles = 1, begin = machine_cycles(machine);
    if (!argument_whole(arguments, "cycles", STEP_CYCLES_MAX, &cycles, error)) {
        return CONTROL_FAILED;
    }
    uint64_t hz = machine_hz(machine);
    uint64_t length_ps = cycles && hz ? (cycles * PS_PER_S + hz - 1) / hz : 1;
    session_run(control->session, session_now(control->session) + length_ps);
    serial_feed(control);
    events_end_slice(control);
    json_object_set_new(reply, "cycles", json_integer((json_int_t)(machine_cycles(machine) - begin)));
    put_core(reply, machine_core(machine, 0));
    return CONTROL_DONE;
}

const struct control_request control_run_requests[] = {
    { "run", handle_run, { "for", "to", "until" }, "let time pass, up to a limit or to what is waited for" },
    { "pause", handle_pause, { NULL }, "end the run that is under way" },
    { "step", handle_step, { "cycles" }, "run to the end of the block in which so many cycles are over" },
    { NULL },
};
