/* When the program stops and how it goes on: breakpoints, steps, pauses, exceptions. A stop is before a line's first
 * instruction; nothing of the line has happened. */
#include "emulator/dap/dap_private.h"

#include <string.h>

/* ---- Stops ---- */

static bool stop_at(struct dap *dap, const char *reason, unsigned core) {
    dap->stop = (struct dap_stop){ .reason = reason, .core = core };
    dap->step = DAP_NO_STEP;
    return true;
}

void dap_stop_now(struct dap *dap, const char *reason) {
    unsigned core =
        dap->python && !python_stack(dap->python, 0, dap->stack, 1) && python_stack(dap->python, 1, dap->stack, 1) ? 1
                                                                                                                   : 0;
    stop_at(dap, reason, core);
}

void dap_go_on(struct dap *dap) {
    dap->stop = (struct dap_stop){ 0 };
    dap_forget_handles(dap);
    dap_choose_tracing(dap);
}

static json_t *describe_stop(struct dap *dap) {
    const struct dap_stop *stop = &dap->stop;
    json_t *body =
        json_pack("{s:s, s:i, s:b}", "reason", stop->reason, "threadId", (int)stop->core + 1, "allThreadsStopped", 1);
    if (stop->point) {
        json_object_set_new(body, "hitBreakpointIds", json_pack("[i]", (int)stop->point));
    }
    if (stop->exception) {
        char text[DAP_TEXT];
        python_type(dap->python, stop->exception, text, sizeof(text));
        json_object_set_new(body, "text", json_string(text));
    }
    return body;
}

void dap_ran(struct dap *dap) {
    if (dap->stop.reason && !dap->stop.told) {
        dap->stop.told = true;
        dap_event(dap, "stopped", describe_stop(dap));
    }
}

/* ---- What the tracer hears ---- */

static bool is_step_done(const struct dap *dap, const struct python_event *event) {
    bool line = event->moment == PYTHON_LINE, back = event->moment == PYTHON_BACK;
    if (dap->step == DAP_NO_STEP || event->core != dap->step_core) {
        return false;
    }
    switch (dap->step) {
    case DAP_STEP_IN:
        return line;
    case DAP_STEP_OVER:
        return line && event->depth <= dap->step_depth;
    case DAP_STEP_OUT:
        return (line || back) && event->depth < dap->step_depth;
    default:
        return false;
    }
}

static bool stops_at_line(struct dap *dap, const struct python_event *event) {
    const struct python_frame *frame = &event->frames[event->depth - 1];
    struct dap_file *file = dap->files ? dap_file_of(dap, frame->code) : NULL;
    struct dap_point *point = file ? dap_point_at(dap, file, frame) : NULL;
    if (point) {
        stop_at(dap, "breakpoint", event->core);
        dap->stop.point = point->id;
        return true;
    }
    return false;
}

static bool stops_on_entry(struct dap *dap, const struct python_frame *frame) {
    char path[DAP_PATH];
    bool enters = dap->stop_on_entry && !dap->entered && dap_source_path(dap, frame->code->file, path);
    dap->entered |= enters;
    return enters;
}

/* An exception that no frame catches ends the program with a traceback. */
static bool is_caught(struct dap *dap, const struct python_event *event) {
    bool caught = false;
    for (unsigned i = 0; i < event->depth && !caught; i++) {
        caught = python_catches(dap->python, &event->frames[i]);
    }
    return caught;
}

/* A program that is to end, or to begin anew, ends by one of these. */
static bool is_end(struct dap *dap, uint32_t exception) {
    static const char *const names[] = { "SystemExit", "ReloadException", "DeepSleepRequest" };
    char type[PYTHON_NAME];
    bool ends = false;
    python_type(dap->python, exception, type, sizeof(type));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ends |= strcmp(type, names[i]) == 0;
    }
    return ends;
}

/* What was typed at the prompt has its traceback at once. */
static bool is_typed(const struct python_event *event) {
    return strcmp(event->frames[0].code->file, "<stdin>") == 0;
}

static bool stops_at_exception(struct dap *dap, const struct python_event *event) {
    bool uncaught = dap->on_uncaught && !event->passed_on && !is_typed(event) && !is_end(dap, event->exception) &&
                    !is_caught(dap, event);
    if (event->passed_on || !(dap->on_raised || uncaught)) {
        return false;
    }
    stop_at(dap, "exception", event->core);
    dap->stop.exception = event->exception;
    return true;
}

static bool hear_python(void *context, struct python *python, const struct python_event *event) {
    struct dap *dap = context;
    if (!event->depth) {
        return false;
    }
    dap->seen_cores |= 1u << event->core;
    bool stops = false;
    if (event->moment == PYTHON_RAISED) {
        stops = stops_at_exception(dap, event);
    } else if (event->moment == PYTHON_LINE) {
        stops = stops_at_line(dap, event) ||
                (stops_on_entry(dap, &event->frames[event->depth - 1]) && stop_at(dap, "entry", event->core));
    }
    if (!stops && is_step_done(dap, event)) {
        stops = stop_at(dap, "step", event->core);
    }
    return stops;
}

void dap_choose_tracing(struct dap *dap) {
    bool points = false;
    for (struct dap_file *file = dap->files; file; file = file->next) {
        points |= file->count > 0;
    }
    bool entry = dap->stop_on_entry && !dap->entered;
    bool raised = dap->on_raised || dap->on_uncaught;
    bool lines = points || entry || dap->step;
    unsigned moments = (lines ? 1u << PYTHON_LINE | 1u << PYTHON_BACK : 0) | (raised ? 1u << PYTHON_RAISED : 0);
    bool closely = dap->step == DAP_STEP_OUT;
    if (!dap->session || (moments == dap->tracer.moments && closely == dap->tracer.closely)) {
        return;
    }
    if (dap->tracer.moments) {
        python_untrace(dap->python, &dap->tracer);
    }
    dap->tracer =
        (struct python_tracer){ .context = dap, .event = hear_python, .moments = moments, .closely = closely };
    if (moments && !python_trace(dap->python, &dap->tracer)) {
        dap->tracer.moments = 0;
    }
}

/* ---- Requests ---- */

bool dap_threads(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    json_t *threads = json_array();
    for (unsigned core = 0; core < PYTHON_CORES; core++) {
        bool runs = dap->session &&
                    (core == 0 || dap->seen_cores >> core & 1 || python_stack(dap->python, core, dap->stack, 1) > 0);
        if (runs) {
            json_array_append_new(threads,
                                  json_pack("{s:i, s:s}", "id", (int)core + 1, "name", core ? "core 1" : "core 0"));
        }
    }
    json_object_set_new(body, "threads", threads);
    return true;
}

bool dap_pause(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    if (dap->stop.reason) {
        return true;
    }
    dap_stop_now(dap, "pause");
    return true;
}

static bool must_be_stopped(const struct dap *dap, struct error *error) {
    error_set(error, "the program runs");
    return dap->stop.reason != NULL;
}

bool dap_continue(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    if (!must_be_stopped(dap, error)) {
        return false;
    }
    json_object_set_new(body, "allThreadsContinued", json_true());
    dap_go_on(dap);
    return true;
}

/* A core that runs no Python now steps to the next line that it comes to. */
static bool begin_step(struct dap *dap, json_t *arguments, enum dap_step step, struct error *error) {
    json_int_t thread = dap_number(arguments, "threadId");
    if (!must_be_stopped(dap, error)) {
        return false;
    }
    dap->step_core = thread == 2;
    dap->step_depth = python_stack(dap->python, dap->step_core, dap->stack, PYTHON_DEPTH);
    dap->step = dap->step_depth ? step : DAP_STEP_IN;
    dap_go_on(dap);
    return true;
}

bool dap_next(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    return begin_step(dap, arguments, DAP_STEP_OVER, error);
}

bool dap_step_in(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    return begin_step(dap, arguments, DAP_STEP_IN, error);
}

bool dap_step_out(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    return begin_step(dap, arguments, DAP_STEP_OUT, error);
}

bool dap_exception_info(struct dap *dap, json_t *arguments, json_t *body, struct error *error) {
    char type[PYTHON_NAME], text[DAP_TEXT];
    if (!dap->stop.exception) {
        error_set(error, "the program has not stopped at an exception");
        return false;
    }
    python_type(dap->python, dap->stop.exception, type, sizeof(type));
    python_text(dap->python, dap->stop.exception, text, sizeof(text));
    json_object_set_new(body, "exceptionId", json_string(type));
    json_object_set_new(body, "description", json_string(text));
    json_object_set_new(body, "breakMode", json_string(dap->on_raised ? "always" : "unhandled"));
    return true;
}
