/* What the client sees of a stopped program: frames, scopes, variables, expressions. */
#include "emulator/dap/dap_private.h"

#include <stdlib.h>
#include <string.h>

#define MOST_CHILDREN 1000
#define FRAME_STRIDE 1000 /* a frame's number is (core + 1) * FRAME_STRIDE + its place, innermost 0 */

/* ---- Handles ---- */

void dap_forget_handles(struct dap *dap) {
    dap->handle_count = 0;
}

/* 0: there are too many. */
static int handle_for(struct dap *dap, const struct dap_handle *handle) {
    if (dap->handle_count == DAP_HANDLES) {
        return 0;
    }
    dap->handles[dap->handle_count] = *handle;
    return (int)++dap->handle_count;
}

/* ---- Frames ---- */

static bool frame_of(struct dap *dap, json_int_t id, struct python_frame *ret_frame) {
    json_int_t core = id / FRAME_STRIDE - 1, place = id % FRAME_STRIDE;
    if (core < 0 || core >= PYTHON_CORES) {
        return false;
    }
    unsigned count = python_stack(dap->python, (unsigned)core, dap->stack, PYTHON_DEPTH);
    if (place < count) {
        *ret_frame = dap->stack[place];
    }
    return place < count;
}

static json_t *describe_source(struct dap *dap, const char *file) {
    char path[DAP_PATH];
    const char *slash = strrchr(file, '/');
    json_t *source = json_pack("{s:s}", "name", slash ? slash + 1 : file);
    if (dap_source_path(dap, file, path)) {
        json_object_set_new(source, "path", json_string(path));
    } else {
        json_object_set_new(source, "presentationHint", json_string("deemphasize"));
        json_object_set_new(source, "origin", json_string("in the firmware"));
    }
    return source;
}

static json_t *describe_frame(struct dap *dap, const struct python_frame *frame, int id) {
    return json_pack("{s:i, s:s, s:i, s:i, s:o}", "id", id, "name", frame->code->function, "line",
                     (int)frame->line - dap->lines_from_0, "column", 1 - dap->columns_from_0, "source",
                     describe_source(dap, frame->code->file));
}

bool dap_stack_trace(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    json_int_t thread = dap_number(arguments, "threadId"), from = dap_number(arguments, "startFrame");
    json_int_t levels = dap_number(arguments, "levels");
    unsigned core = thread == 2;
    unsigned count = dap->session ? python_stack(dap->python, core, dap->stack, PYTHON_DEPTH) : 0;
    json_t *frames = json_array();
    for (json_int_t i = from < 0 ? 0 : from; i < count && (levels <= 0 || i - from < levels); i++) {
        json_t *frame = describe_frame(dap, &dap->stack[i], (int)((core + 1) * FRAME_STRIDE + i));
        if (frame) {
            json_array_append_new(frames, frame);
        }
    }
    json_object_set_new(body, "stackFrames", frames);
    json_object_set_new(body, "totalFrames", json_integer(count));
    return true;
}

static void add_scope(struct dap *dap, json_t *scopes, const struct python_frame *frame, enum dap_handle_kind kind) {
    int handle = handle_for(dap, &(struct dap_handle){ .kind = kind, .frame = *frame });
    bool locals = kind == DAP_LOCALS;
    json_t *scope = json_pack("{s:s, s:i, s:b}", "name", locals ? "Locals" : "Globals", "variablesReference", handle,
                              "expensive", 0);
    if (locals) {
        json_object_set_new(scope, "presentationHint", json_string("locals"));
    }
    json_array_append_new(scopes, scope);
}

bool dap_scopes(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    struct python_frame frame;
    if (!dap->session || !frame_of(dap, dap_number(arguments, "frameId"), &frame)) {
        error_set(error, "there is no such frame any more");
        return false;
    }
    json_t *scopes = json_array();
    if (strcmp(frame.code->function, "<module>") != 0) { /* a module's locals are its globals */
        add_scope(dap, scopes, &frame, DAP_LOCALS);
    }
    add_scope(dap, scopes, &frame, DAP_GLOBALS);
    json_object_set_new(body, "scopes", scopes);
    return true;
}

/* ---- Variables ---- */

/* Text of the guest's may be any bytes. */
static json_t *text_of(const char *text) {
    json_t *string = json_string(text);
    char *copy = string ? NULL : strdup(text);
    for (char *letter = copy; copy && *letter; letter++) {
        *letter = (signed char)*letter < 0 ? '?' : *letter;
    }
    string = copy ? json_string(copy) : string;
    free(copy);
    return string;
}

static int children_of(struct dap *dap, const struct python_frame *frame, uint32_t object) {
    struct python_variable first;
    bool has = object && python_children(dap->python, object, &first, 1) > 0;
    return has ? handle_for(dap, &(struct dap_handle){ .kind = DAP_CHILDREN, .frame = *frame, .object = object }) : 0;
}

static json_t *describe_variable(struct dap *dap, const struct python_frame *frame,
                                 const struct python_variable *variable) {
    char text[DAP_TEXT], type[PYTHON_NAME];
    python_text(dap->python, variable->object, text, sizeof(text));
    python_type(dap->python, variable->object, type, sizeof(type));
    return json_pack("{s:o, s:o, s:o, s:i}", "name", text_of(variable->name), "value", text_of(text), "type",
                     text_of(type), "variablesReference", children_of(dap, frame, variable->object));
}

static unsigned collect_variables(struct dap *dap, const struct dap_handle *handle, struct python_variable *variables) {
    switch (handle->kind) {
    case DAP_LOCALS:
        return python_locals(dap->python, &handle->frame, variables, MOST_CHILDREN);
    case DAP_GLOBALS:
        return python_globals(dap->python, &handle->frame, variables, MOST_CHILDREN);
    default:
        return python_children(dap->python, handle->object, variables, MOST_CHILDREN);
    }
}

bool dap_variables(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    json_int_t reference = dap_number(arguments, "variablesReference");
    json_int_t from = dap_number(arguments, "start"), most = dap_number(arguments, "count");
    if (reference < 1 || reference > dap->handle_count) {
        error_set(error, "there is no variablesReference %lld any more", (long long)reference);
        return false;
    }
    struct dap_handle handle = dap->handles[reference - 1];
    struct python_variable *variables = calloc(MOST_CHILDREN, sizeof(*variables));
    unsigned count = variables ? collect_variables(dap, &handle, variables) : 0;
    json_t *told = json_array();
    for (json_int_t i = from < 0 ? 0 : from; i < count && (most <= 0 || i - from < most); i++) {
        json_t *variable = describe_variable(dap, &handle.frame, &variables[i]);
        if (variable) {
            json_array_append_new(told, variable);
        }
    }
    free(variables);
    json_object_set_new(body, "variables", told);
    return true;
}

/* ---- Expressions ---- */

/* The debug console of a running program is the board's. */
static bool type_into_board(struct dap *dap, const char *text, json_t *body, struct error *error) {
    size_t length = strlen(text);
    if (length + 1 > session_typing_room(dap->session)) {
        error_set(error, "the board has not taken what was typed before");
        return false;
    }
    session_type(dap->session, text, length, false);
    session_type(dap->session, "\r", 1, false);
    json_object_set_new(body, "result", json_string(""));
    json_object_set_new(body, "variablesReference", json_integer(0));
    return true;
}

bool dap_evaluate_request(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    const char *expression = dap_text(arguments, "expression"), *context = dap_text(arguments, "context");
    struct python_frame frame;
    struct dap_value value;
    char text[DAP_TEXT], type[PYTHON_NAME];
    if (!dap->session || !expression) {
        error_set(error, "there is nothing to evaluate");
        return false;
    }
    if (!dap->stop.reason && context && strcmp(context, "repl") == 0) {
        return type_into_board(dap, expression, body, error);
    }
    json_int_t id = dap_number(arguments, "frameId");
    if (!frame_of(dap, id ? id : FRAME_STRIDE * (json_int_t)(dap->stop.core + 1), &frame)) {
        error_set(error, "no Python runs here now");
        return false;
    }
    if (!dap_evaluate(dap->python, &frame, expression, &value, error)) {
        return false;
    }
    dap_value_text(dap->python, &value, text, sizeof(text));
    dap_value_type(dap->python, &value, type, sizeof(type));
    json_object_set_new(body, "result", text_of(text));
    json_object_set_new(body, "type", text_of(type));
    json_object_set_new(body, "variablesReference", json_integer(children_of(dap, &frame, value.object)));
    return true;
}
