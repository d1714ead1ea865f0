/* Lines to requests to replies: the life of a connection, and the queue of what waits behind a run. */
#include "emulator/control/arguments.h"
#include "emulator/control/control_private.h"
#include "emulator/core/nearest.h"
#include "emulator/project/json_memory.h"
#include "firmware-loader/boards.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JSON_FORM (JSON_COMPACT | JSON_REAL_PRECISION(12))

const struct control_request *const control_tables[] = { control_run_requests,    control_serial_requests,
                                                         control_pin_requests,    control_part_requests,
                                                         control_python_requests, control_drive_requests,
                                                         control_bus_requests,    control_board_requests,
                                                         control_event_requests,  NULL };

/* ---- Out ---- */

void control_send(struct control *control, json_t *object) {
    size_t length = control->connected && object ? json_dumpb(object, NULL, 0, JSON_FORM) : 0;
    char *line = length ? malloc(length + 1) : NULL;
    if (line) {
        json_dumpb(object, line, length, JSON_FORM);
        line[length] = '\n';
        control->desc.send(control->desc.context, line, length + 1);
    }
    control->ran_out |= control->connected && !line;
    free(line);
    json_decref(object);
}

/* "id", "ok" and "time_ps" come first, for people who read along. */
static void send_outcome(struct control *control, json_t *id, bool ok, json_t *members) {
    json_t *line = json_object();
    json_object_set(line, "id", id ? id : json_null());
    json_object_set_new(line, "ok", json_boolean(ok));
    json_object_set_new(line, "time_ps", json_integer((json_int_t)session_now(control->session)));
    json_object_update(line, members);
    json_decref(members);
    control_send(control, line);
}

void control_reply(struct control *control, json_t *id, json_t *reply) {
    send_outcome(control, id, true, reply);
}

/* A name may have been cut within a letter: then only ASCII is left of the line. */
static json_t *error_to_json(char *text) {
    json_t *string = json_string(text);
    for (char *letter = text; !string && *letter; letter++) {
        *letter = (signed char)*letter < 0 ? '?' : *letter;
    }
    return string ? string : json_string(text);
}

static void send_error(struct control *control, json_t *id, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void send_error(struct control *control, json_t *id, const char *format, ...) {
    char text[700];
    json_t *members = json_object();
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    json_object_set_new(members, "error", error_to_json(text));
    send_outcome(control, id, false, members);
}

static const char *file_name_of(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

void control_describe(struct control *control, json_t *object) {
    const struct board *board = session_board(control->session);
    json_object_set_new(object, "board", json_string(board->id));
    json_object_set_new(object, "chip", json_string(chip_name(board->chip)));
    json_object_set_new(object, "firmware", json_string(file_name_of(session_firmware(control->session))));
    json_object_set_new(object, "time_ps", json_integer((json_int_t)session_now(control->session)));
}

/* ---- Inputs ---- */

/* A copy that stays until the session has ended. */
static const void *keep_bytes(struct control *control, const void *bytes, size_t size) {
    struct control_kept *kept = bytes ? malloc(sizeof(*kept) + size + 1) : NULL;
    if (!kept) {
        return NULL;
    }
    memcpy(kept->bytes, bytes, size);
    kept->bytes[size] = 0;
    kept->next = control->kept;
    control->kept = kept;
    return kept->bytes;
}

static const char *keep_text(struct control *control, const char *text) {
    return text ? keep_bytes(control, text, strlen(text)) : NULL;
}

static bool plan_input(struct control *control, uint64_t when_ps, const struct input *input, struct error *error) {
    struct input planned = *input;
    planned.part = keep_text(control, input->part);
    planned.name = keep_text(control, input->name);
    planned.data = keep_bytes(control, input->data, input->size);
    if (!planned.part != !input->part || !planned.name != !input->name || !planned.data != !input->data) {
        error_set(error, "out of memory");
        return false;
    }
    return session_plan(control->session, when_ps, &planned, error);
}

static bool apply_at(struct control *control, uint64_t when_ps, const struct input *input, struct error *error) {
    uint64_t now_ps = session_now(control->session);
    if (when_ps < now_ps) {
        error_set(error, "\"at\" is past: it is %llu ps already", (unsigned long long)now_ps);
        return false;
    }
    return when_ps == now_ps ? session_apply(control->session, input, error)
                             : plan_input(control, when_ps, input, error);
}

bool control_apply_later(struct control *control, const struct input *input, json_t *arguments, uint64_t later_ps,
                         struct error *error) {
    uint64_t when_ps = session_now(control->session);
    return argument_time(arguments, "at", &when_ps, error) && apply_at(control, when_ps + later_ps, input, error);
}

bool control_apply(struct control *control, const struct input *input, json_t *arguments, struct error *error) {
    return control_apply_later(control, input, arguments, 0, error);
}

/* ---- In ---- */

static const struct control_request *find_request(const char *name, struct nearest *nearest) {
    for (unsigned table = 0; control_tables[table]; table++) {
        for (const struct control_request *each = control_tables[table]; each->name; each++) {
            if (strcmp(each->name, name) == 0) {
                return each;
            }
            nearest_offer(nearest, each->name);
        }
    }
    return NULL;
}

/* A text instead of an object is what is wrong with its line. */
static void serve_request(struct control *control, json_t *object) {
    if (json_is_string(object)) {
        send_error(control, NULL, "%s", json_string_value(object));
        return;
    }
    json_t *id = json_object_get(object, "id");
    const char *name = json_string_value(json_object_get(object, "do"));
    struct error error = { "" };
    struct nearest nearest;
    if (!name) {
        send_error(control, id, "\"do\" is missing: say what is to be done; {\"do\":\"help\"} lists it");
        return;
    }
    nearest_init(&nearest, name);
    const struct control_request *request = find_request(name, &nearest);
    if (!request) {
        send_error(control, id, "there is no request \"%.64s\"%s%s%s", name,
                   nearest.name ? "; did you mean \"" : "; {\"do\":\"help\"} lists them",
                   nearest.name ? nearest.name : "", nearest.name ? "\"?" : "");
        return;
    }
    json_t *reply = json_object();
    enum control_outcome outcome = argument_names_are_known(object, request->arguments, &error)
                                       ? request->handle(control, object, reply, &error)
                                       : CONTROL_FAILED;
    if (outcome == CONTROL_DONE) {
        control_reply(control, id, reply);
        return;
    }
    json_decref(reply);
    if (outcome == CONTROL_FAILED) {
        send_error(control, id, "%s: %s", name, error.message);
    }
}

static bool is_busy(const struct control *control) {
    return control->run.active || control->fork_request;
}

/* Requests that have waited, up to the next run. */
static void serve_waiting(struct control *control) {
    while (!is_busy(control) && json_array_size(control->waiting)) {
        json_t *object = json_incref(json_array_get(control->waiting, 0));
        json_array_remove(control->waiting, 0);
        serve_request(control, object);
        json_decref(object);
    }
}

static bool is_pause(json_t *object) {
    const char *name = json_string_value(json_object_get(object, "do"));
    return name && strcmp(name, "pause") == 0;
}

/* What is wrong with a line is told in its turn. */
static json_t *parse_line(const char *line, size_t size) {
    json_error_t error;
    json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
    if (object && json_is_object(object)) {
        return object;
    }
    json_t *complaint =
        json_sprintf("this line is no JSON object: %s", object ? "say {\"id\":1,\"do\":\"help\"}" : error.text);
    json_decref(object);
    return complaint ? complaint : json_string("this line is no JSON object, and not even UTF-8");
}

static void serve_or_wait(struct control *control, json_t *object) {
    if (is_busy(control) && !is_pause(object)) {
        json_array_append(control->waiting, object);
    } else {
        serve_request(control, object);
        serve_waiting(control); /* a pause has ended the run */
    }
    json_decref(object);
}

static bool is_blank(const char *line, size_t size) {
    while (size && strchr(" \t\r", line[size - 1]) && line[size - 1]) {
        size--;
    }
    return !size;
}

void control_line(struct control *control, const char *line, size_t size) {
    if (control->connected && !is_blank(line, size)) {
        serve_or_wait(control, parse_line(line, size));
    }
}

void control_refuse_line(struct control *control, size_t limit) {
    serve_or_wait(control, json_sprintf("this line is longer than %zu bytes and has been left out", limit));
}

bool control_takes_lines(const struct control *control) {
    return json_array_size(control->waiting) < CONTROL_WAITING;
}

/* ---- The run ---- */

bool control_is_running(const struct control *control) {
    return control->run.active;
}

static uint64_t end_of_slice(const struct control *control) {
    bool typed = control->typing.length;
    uint64_t slice_ps = typed ? PS_PER_MS : CONTROL_SLICE_PS;
    uint64_t end_ps = (session_now(control->session) / slice_ps + 1) * slice_ps;
    return end_ps < control->run.until_ps ? end_ps : control->run.until_ps;
}

void control_run_slice(struct control *control) {
    struct control_run *run = &control->run;
    if (!run->active) {
        return;
    }
    enum session_state state = SESSION_RUNS;
    if (!run->stopped) {
        state = session_run(control->session, end_of_slice(control));
        serial_feed(control);
    }
    events_end_slice(control);
    run_look_at_open_matches(control);
    const char *stopped = run->stopped ? run->stopped : session_state_name(state);
    if (!stopped && session_now(control->session) >= run->until_ps) {
        stopped = "time";
    }
    if (stopped) {
        run_end(control, stopped);
        serve_waiting(control);
    }
}

/* ---- Two processes ---- */

const struct control_fork *control_wanted_fork(const struct control *control) {
    return control->fork_request ? &control->fork : NULL;
}

static void forget_fork(struct control *control) {
    json_decref(control->fork_request);
    control->fork_request = NULL;
}

void control_forked(struct control *control, const struct error *failure) {
    json_t *id = json_object_get(control->fork_request, "id");
    if (failure) {
        send_error(control, id, "fork: %s", failure->message);
    } else {
        control_reply(control, id, json_object());
    }
    forget_fork(control);
    serve_waiting(control);
}

void control_become(struct control *control, void *context) {
    control_disconnect(control);
    control->desc.context = context;
}

bool control_ran_out(const struct control *control) {
    return control->ran_out || control->failures != json_memory_failures();
}

bool control_wants_out(const struct control *control) {
    return control->wants_out;
}

/* ---- Life ---- */

struct control *control_create(const struct control_desc *desc, struct error *error) {
    struct control *control = calloc(1, sizeof(*control));
    if (control) {
        control->desc = *desc;
        control->session = desc->session;
        control->failures = json_memory_failures();
        control->waiting = json_array();
    }
    if (!control || !control->waiting) {
        free(control);
        error_set(error, "out of memory");
        return NULL;
    }
    events_listen(control);
    return control;
}

void control_finish(struct control *control) {
    if (control) {
        control_disconnect(control);
    }
}

void control_destroy(struct control *control) {
    if (!control) {
        return;
    }
    serial_finish(control);
    while (control->kept) {
        struct control_kept *gone = control->kept;
        control->kept = gone->next;
        free(gone);
    }
    json_decref(control->waiting);
    free(control);
}

void control_connect(struct control *control) {
    json_t *greeting = json_object();
    control->connected = true;
    json_object_set_new(greeting, "ouroboard", json_string(control->desc.version));
    json_object_set_new(greeting, "protocol", json_integer(CONTROL_PROTOCOL));
    control_describe(control, greeting);
    control_send(control, greeting);
}

void control_disconnect(struct control *control) {
    control->connected = false;
    run_abandon(control);
    forget_fork(control);
    pin_forget_watches(control);
    bus_forget_all(control);
    python_requests_finish(control);
    memset(control->subscribed, 0, sizeof(control->subscribed));
    json_array_clear(control->waiting);
    control->typing.length = 0;
    control->events_sent = 0;
    control->events_lost = 0;
}
