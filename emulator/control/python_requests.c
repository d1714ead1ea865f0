/* python.*: the Python program that runs, seen from outside (emulator/debug/python.h). */
#include "emulator/control/arguments.h"
#include "emulator/control/control_private.h"
#include "emulator/debug/coverage.h"
#include "emulator/debug/profile.h"

#include <string.h>

#define VARIABLES_MOST 256
#define TEXT_BYTES 1024

static struct python *view_of(struct control *control, struct error *error) {
    struct python *python = session_python(control->session);
    if (!python || !python_is_known(python)) {
        error_set(error, "the firmware's Python interpreter is not one that is recognised");
        return NULL;
    }
    return python;
}

/* Text of the guest need not be UTF-8. */
static json_t *text_or_nothing(const char *text) {
    json_t *string = json_string(text);
    return string ? string : json_string("?");
}

/* ---- python.stack ---- */

static json_t *describe_frame(const struct python_frame *frame) {
    json_t *object = json_object();
    json_object_set_new(object, "file", text_or_nothing(frame->code->file));
    json_object_set_new(object, "line", json_integer(frame->line));
    json_object_set_new(object, "function", text_or_nothing(frame->code->function));
    return object;
}

static bool take_stack(struct control *control, json_t *request, struct python_frame *ret_frames, unsigned *ret_depth,
                       struct python **ret_python, struct error *error) {
    uint64_t core = 0;
    *ret_python = view_of(control, error);
    if (!*ret_python || !argument_whole(request, "core", PYTHON_CORES - 1, &core, error)) {
        return false;
    }
    *ret_depth = python_stack(*ret_python, (unsigned)core, ret_frames, PYTHON_DEPTH);
    return true;
}

static enum control_outcome handle_stack(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct python_frame frames[PYTHON_DEPTH];
    struct python *python;
    unsigned depth;
    if (!take_stack(control, request, frames, &depth, &python, error)) {
        return CONTROL_FAILED;
    }
    json_t *list = json_array();
    for (unsigned i = 0; i < depth; i++) {
        json_array_append_new(list, describe_frame(&frames[i]));
    }
    json_object_set_new(reply, "frames", list);
    return CONTROL_DONE;
}

/* ---- python.locals, python.globals, python.children ---- */

static void put_variables(struct python *python, const struct python_variable *variables, unsigned count,
                          json_t *reply) {
    json_t *list = json_array();
    for (unsigned i = 0; i < count; i++) {
        char text[TEXT_BYTES], type[PYTHON_NAME];
        json_t *object = json_object();
        python_text(python, variables[i].object, text, sizeof(text));
        python_type(python, variables[i].object, type, sizeof(type));
        json_object_set_new(object, "name", text_or_nothing(variables[i].name));
        json_object_set_new(object, "type", text_or_nothing(type));
        json_object_set_new(object, "value", text_or_nothing(text));
        json_object_set_new(object, "object", json_integer(variables[i].object));
        json_array_append_new(list, object);
    }
    json_object_set_new(reply, "variables", list);
}

typedef unsigned frame_variables(struct python *python, const struct python_frame *frame, struct python_variable *ret,
                                 unsigned most);

static enum control_outcome put_frame(struct control *control, json_t *request, frame_variables *variables_of,
                                      json_t *reply, struct error *error) {
    struct python_frame frames[PYTHON_DEPTH];
    struct python_variable variables[VARIABLES_MOST];
    struct python *python;
    unsigned depth;
    uint64_t frame = 0;
    if (!take_stack(control, request, frames, &depth, &python, error) ||
        !argument_whole(request, "frame", PYTHON_DEPTH - 1, &frame, error)) {
        return CONTROL_FAILED;
    }
    if (frame >= depth) {
        error_set(error, "there is no frame %u: the stack has %u", (unsigned)frame, depth);
        return CONTROL_FAILED;
    }
    put_variables(python, variables, variables_of(python, &frames[frame], variables, VARIABLES_MOST), reply);
    return CONTROL_DONE;
}

static enum control_outcome handle_locals(struct control *control, json_t *request, json_t *reply,
                                          struct error *error) {
    return put_frame(control, request, python_locals, reply, error);
}

static enum control_outcome handle_globals(struct control *control, json_t *request, json_t *reply,
                                           struct error *error) {
    return put_frame(control, request, python_globals, reply, error);
}

static enum control_outcome handle_children(struct control *control, json_t *request, json_t *reply,
                                            struct error *error) {
    struct python_variable variables[VARIABLES_MOST];
    struct python *python = view_of(control, error);
    uint64_t object = 0;
    if (!python || !argument_is_there(request, "object", error) ||
        !argument_whole(request, "object", UINT32_MAX, &object, error)) {
        return CONTROL_FAILED;
    }
    put_variables(python, variables, python_children(python, (uint32_t)object, variables, VARIABLES_MOST), reply);
    return CONTROL_DONE;
}

/* ---- python.coverage, python.profile ---- */

/* What --coverage has begun counts as well. */
static enum control_outcome handle_coverage(struct control *control, json_t *request, json_t *reply,
                                            struct error *error) {
    const char *file = NULL;
    if (!argument_text(request, "file", &file, error) || !view_of(control, error)) {
        return CONTROL_FAILED;
    }
    if (!control->coverage) {
        control->coverage = coverage_run_begin(session_python(control->session), error);
    }
    struct coverage *coverage = control->coverage && file ? coverage_create() : NULL;
    bool ok = control->coverage && (!file || coverage);
    if (coverage) {
        coverage_add_run(coverage, control->coverage, session_folder(control->session));
        ok = coverage_write(coverage, file, session_folder(control->session), error);
        json_object_set_new(reply, "percent", json_real(coverage_percent(coverage)));
        coverage_destroy(coverage);
    }
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_profile(struct control *control, json_t *request, json_t *reply,
                                           struct error *error) {
    const char *file = NULL;
    if (!argument_text(request, "file", &file, error) || !view_of(control, error)) {
        return CONTROL_FAILED;
    }
    if (!control->profile) {
        control->profile = profile_begin(session_python(control->session), error);
    }
    bool ok = control->profile && (!file || profile_write(control->profile, file, error));
    if (ok) {
        json_object_set_new(reply, "cycles", json_integer((json_int_t)profile_total(control->profile)));
    }
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

void python_requests_finish(struct control *control) {
    coverage_run_end(control->coverage);
    profile_end(control->profile);
    control->coverage = NULL;
    control->profile = NULL;
}

const struct control_request control_python_requests[] = {
    { "python.stack", handle_stack, { "core", NULL }, "the Python program's frames, innermost first" },
    { "python.locals", handle_locals, { "core", "frame", NULL }, "local variables of a frame" },
    { "python.globals", handle_globals, { "core", "frame", NULL }, "variables of a frame's module" },
    { "python.children", handle_children, { "object", NULL }, "elements or attributes of a variable's object" },
    { "python.coverage", handle_coverage, { "file", NULL }, "note lines that run, from the first time on; write them" },
    { "python.profile", handle_profile, { "file", NULL }, "note where time goes, from the first time on; write it" },
    { NULL },
};
