/* Messages to requests to responses, and the life of a connection: see dap.h. */
#include "emulator/dap/dap_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Out ---- */

/* Takes the reference. */
static void send_message(struct dap *dap, json_t *message) {
    size_t size = 0;
    json_object_set_new(message, "seq", json_integer(++dap->sequence));
    char *bytes = dap->connected ? dap_wire_pack(message, &size) : NULL;
    if (bytes) {
        dap->desc.send(dap->desc.context, bytes, size);
    }
    free(bytes);
    json_decref(message);
}

void dap_event(struct dap *dap, const char *name, json_t *body) {
    json_t *event = json_pack("{s:s, s:s}", "type", "event", "event", name);
    if (body) {
        json_object_set_new(event, "body", body);
    }
    send_message(dap, event);
}

static json_t *new_response(json_t *request, bool success) {
    return json_pack("{s:s, s:I, s:b, s:s}", "type", "response", "request_seq", dap_number(request, "seq"), "success",
                     success, "command", dap_text(request, "command") ? dap_text(request, "command") : "");
}

static void respond(struct dap *dap, json_t *request, json_t *body) {
    json_t *response = new_response(request, true);
    json_object_set_new(response, "body", body);
    send_message(dap, response);
}

static void refuse(struct dap *dap, json_t *request, const char *why) {
    json_t *response = new_response(request, false);
    json_object_set_new(response, "message", json_string(why));
    json_object_set_new(response, "body",
                        json_pack("{s:{s:i, s:s, s:b}}", "error", "id", 1, "format", why, "showUser", 1));
    send_message(dap, response);
}

/* ---- The console's text ---- */

/* Bytes that a letter of UTF-8 has by its first one; 1 of what is none. */
static unsigned letter_length(unsigned char first) {
    return first >= 0xf0 && first < 0xf8   ? 4
           : first >= 0xe0 && first < 0xf0 ? 3
           : first >= 0xc2 && first < 0xe0 ? 2
                                           : 1;
}

/* How many bytes at the end are the beginning of a letter. */
static size_t open_letter(const char *text, size_t size) {
    for (size_t back = 1; back <= 3 && back <= size; back++) {
        unsigned char byte = (unsigned char)text[size - back];
        if ((byte & 0xc0) != 0x80) {
            return letter_length(byte) > back ? back : 0;
        }
    }
    return 0;
}

void dap_output(struct dap *dap, const char *category, const char *text, size_t size) {
    json_t *string = json_stringn(text, size);
    char *copy = string ? NULL : malloc(size + 1);
    for (size_t i = 0; copy && i < size; i++) {
        copy[i] = (signed char)text[i] < 0 ? '?' : text[i];
    }
    string = copy ? json_stringn(copy, size) : string;
    free(copy);
    if (string) {
        dap_event(dap, "output", json_pack("{s:s, s:o}", "category", category, "output", string));
    }
}

/* The board prints in packets, which may end within a letter. */
static void hear_console(void *context, const uint8_t *data, size_t size) {
    struct dap *dap = context;
    char *text = dap->connected ? malloc(dap->text_length + size) : NULL;
    if (!text) {
        return;
    }
    memcpy(text, dap->text, dap->text_length);
    memcpy(text + dap->text_length, data, size);
    size_t all = dap->text_length + size, open = open_letter(text, all);
    memcpy(dap->text, text + all - open, open);
    dap->text_length = (unsigned)open;
    if (all > open) {
        dap_output(dap, "stdout", text, all - open);
    }
    free(text);
}

static void hear_reset(void *context, const char *cause) {
    struct dap *dap = context;
    char line[128];
    int length = snprintf(line, sizeof(line), "\n(the board was reset: %s)\n", cause);
    dap_output(dap, "console", line, (size_t)length);
}

/* ---- Arguments ---- */

const char *dap_text(json_t *arguments, const char *name) {
    return json_string_value(json_object_get(arguments, name));
}

json_int_t dap_number(json_t *arguments, const char *name) {
    return json_integer_value(json_object_get(arguments, name));
}

bool dap_flag(json_t *arguments, const char *name) {
    return json_is_true(json_object_get(arguments, name));
}

/* ---- The life of a connection ---- */

static json_t *describe_filters(void) {
    return json_pack("[{s:s, s:s, s:b}, {s:s, s:s, s:b}]", "filter", "raised", "label", "Raised exceptions", "default",
                     0, "filter", "uncaught", "label", "Uncaught exceptions", "default", 1);
}

static bool initialize(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    static const char *const abilities[] = {
        "supportsConfigurationDoneRequest",  "supportsConditionalBreakpoints",
        "supportsHitConditionalBreakpoints", "supportsLogPoints",
        "supportsEvaluateForHovers",         "supportsExceptionInfoRequest",
        "supportsTerminateRequest",          "supportsRestartRequest",
        "supportTerminateDebuggee",          "supportsDelayedStackTraceLoading",
    };
    json_t *lines = json_object_get(arguments, "linesStartAt1"),
           *columns = json_object_get(arguments, "columnsStartAt1");
    dap->lines_from_0 = json_is_false(lines);
    dap->columns_from_0 = json_is_false(columns);
    dap->initialized = true;
    for (size_t i = 0; i < sizeof(abilities) / sizeof(abilities[0]); i++) {
        json_object_set_new(body, abilities[i], json_true());
    }
    json_object_set_new(body, "exceptionBreakpointFilters", describe_filters());
    return true;
}

static void begin_configuration(struct dap *dap, json_t *request) {
    json_t *arguments = json_object_get(request, "arguments");
    dap->stop_on_entry = dap_flag(arguments, "stopOnEntry");
    dap->entered = false;
    dap->configured = false;
    respond(dap, request, json_object());
    dap_event(dap, "initialized", NULL);
}

/* Launch waits for its session; a session that is there is what is debugged, whatever the client calls it. */
static void take_launch(struct dap *dap, json_t *request) {
    const char *command = dap_text(request, "command");
    if (!dap->initialized) {
        refuse(dap, request, "\"initialize\" has to come first");
    } else if (dap->session) {
        begin_configuration(dap, request);
    } else if (dap->launch || strcmp(command, "attach") == 0) {
        refuse(dap, request,
               dap->launch ? "a launch is under way"
                           : "there is no board to attach to: use \"launch\", or run --dap PORT");
    } else {
        dap->launch = json_incref(request);
    }
}

static bool configuration_done(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    dap->configured = true;
    dap_choose_tracing(dap);
    return true;
}

static bool restart(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    dap->entered = false;
    dap_go_on(dap);
    return session_apply(dap->session, &(struct input){ .kind = INPUT_RESET }, error);
}

static bool terminate(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    dap->wants_out = true;
    return true;
}

static bool disconnect(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    dap->wants_out |= dap_flag(arguments, "terminateDebuggee");
    return true;
}

/* ---- Requests ---- */

struct request {
    const char *name;
    dap_handler *handle;
    bool needs_session;
};

static const struct request requests[] = {
    { "initialize", initialize, false },
    { "setBreakpoints", dap_set_breakpoints, true },
    { "setExceptionBreakpoints", dap_set_exceptions, true },
    { "configurationDone", configuration_done, true },
    { "threads", dap_threads, false },
    { "pause", dap_pause, true },
    { "continue", dap_continue, true },
    { "next", dap_next, true },
    { "stepIn", dap_step_in, true },
    { "stepOut", dap_step_out, true },
    { "stackTrace", dap_stack_trace, true },
    { "scopes", dap_scopes, true },
    { "variables", dap_variables, true },
    { "evaluate", dap_evaluate_request, true },
    { "exceptionInfo", dap_exception_info, true },
    { "restart", restart, true },
    { "terminate", terminate, false },
    { "disconnect", disconnect, false },
};

static const struct request *find_request(const char *name) {
    for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        if (strcmp(requests[i].name, name) == 0) {
            return &requests[i];
        }
    }
    return NULL;
}

static void serve_request(struct dap *dap, json_t *message) {
    const char *command = dap_text(message, "command");
    const struct request *request = find_request(command);
    struct error error = { "" };
    if (!request) {
        error_set(&error, "\"%.64s\" is not supported", command);
    } else if (request->needs_session && !dap->session) {
        error_set(&error, "there is no board yet: \"launch\" makes one");
    } else {
        json_t *body = json_object();
        if (request->handle(dap, json_object_get(message, "arguments"), body, &error)) {
            respond(dap, message, body);
            return;
        }
        json_decref(body);
    }
    refuse(dap, message, error.message);
}

static void serve_message(struct dap *dap, json_t *message) {
    const char *type = dap_text(message, "type"), *command = dap_text(message, "command");
    if (!type || strcmp(type, "request") != 0 || !command) {
        return; /* responses to requests that we never make */
    }
    if (strcmp(command, "launch") == 0 || strcmp(command, "attach") == 0) {
        take_launch(dap, message);
    } else {
        serve_request(dap, message);
        dap_ran(dap); /* a pause stops at once */
    }
}

bool dap_receive(struct dap *dap, const char *bytes, size_t size, struct error *error) {
    json_t *message;
    if (!dap_wire_add(&dap->wire, bytes, size, error)) {
        return false;
    }
    error->message[0] = 0;
    while (!dap->launch && (message = dap_wire_next(&dap->wire, error)) != NULL) { /* what follows a launch waits */
        serve_message(dap, message);
        json_decref(message);
    }
    return !error->message[0];
}

/* ---- Life ---- */

struct dap *dap_create(const struct dap_desc *desc) {
    struct dap *dap = calloc(1, sizeof(*dap));
    struct dap_handle *handles = calloc(DAP_HANDLES, sizeof(*handles));
    if (!dap || !handles) {
        free(dap);
        free(handles);
        return NULL;
    }
    dap->desc = *desc;
    dap->handles = handles;
    dap->listener = (struct session_listener){ .context = dap, .console = hear_console, .reset = hear_reset };
    return dap;
}

void dap_leave(struct dap *dap) {
    if (dap->tracer.moments) {
        python_untrace(dap->python, &dap->tracer);
        dap->tracer.moments = 0;
    }
    if (dap->session) {
        session_unlisten(dap->session, &dap->listener);
    }
    dap->session = NULL;
    dap->python = NULL;
    dap->stop = (struct dap_stop){ 0 };
    dap_forget_codes(dap);
}

void dap_destroy(struct dap *dap) {
    if (!dap) {
        return;
    }
    dap_leave(dap);
    dap_forget_points(dap);
    dap_wire_finish(&dap->wire);
    json_decref(dap->launch);
    free(dap->handles);
    free(dap);
}

void dap_connect(struct dap *dap) {
    dap->connected = true;
}

void dap_disconnect(struct dap *dap) {
    dap->connected = dap->initialized = dap->configured = false;
    dap->on_raised = dap->on_uncaught = dap->stop_on_entry = false;
    dap->step = DAP_NO_STEP;
    dap->text_length = 0;
    dap_wire_finish(&dap->wire);
    dap_forget_points(dap);
    json_decref(dap->launch);
    dap->launch = NULL;
    if (dap->session) {
        dap_go_on(dap);
    }
}

json_t *dap_launch_arguments(const struct dap *dap) {
    return dap->launch ? json_object_get(dap->launch, "arguments") : NULL;
}

void dap_refuse_launch(struct dap *dap, const char *why) {
    refuse(dap, dap->launch, why);
    json_decref(dap->launch);
    dap->launch = NULL;
}

void dap_use(struct dap *dap, struct session *session, struct python *python) {
    dap->session = session;
    dap->python = python;
    session_listen(session, &dap->listener);
    if (dap->launch) {
        begin_configuration(dap, dap->launch);
        json_decref(dap->launch);
        dap->launch = NULL;
    }
    dap_choose_tracing(dap);
}

bool dap_holds(const struct dap *dap) {
    return dap->connected && (!dap->configured || dap->stop.reason);
}

void dap_ended(struct dap *dap, int code) {
    dap_event(dap, "exited", json_pack("{s:i}", "exitCode", code));
    dap_event(dap, "terminated", NULL);
}

bool dap_wants_out(const struct dap *dap) {
    return dap->wants_out;
}
