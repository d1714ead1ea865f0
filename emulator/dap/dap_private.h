/* What the files of this folder share. */
#ifndef DAP_DAP_PRIVATE_H
#define DAP_DAP_PRIVATE_H

#include "emulator/dap/dap.h"
#include "emulator/dap/dap_expression.h"
#include "emulator/dap/dap_wire.h"

#include <limits.h>

/* ---- Breakpoints (dap_points.c) ---- */

#define DAP_PATH 1024

struct dap_point {
    unsigned id, line;
    char *condition; /* NULL: none, as the next two */
    char *log;
    unsigned hits;
    char hit_operator[3]; /* "", "==", ">=", ">", "<", "<=", "%" */
    unsigned hit_count;
};

struct dap_file {
    char path[DAP_PATH];   /* as the client calls it */
    char inside[DAP_PATH]; /* from the drive's top on: "lib/helper.py" */
    struct dap_point *points;
    unsigned count;
    struct dap_file *next;
};

/* ---- Stops (dap_run.c) ---- */

enum dap_step { DAP_NO_STEP, DAP_STEP_IN, DAP_STEP_OVER, DAP_STEP_OUT };

struct dap_stop {
    const char *reason; /* NULL: the program is not stopped */
    unsigned core;
    unsigned point;     /* the breakpoint's id; 0: none */
    uint32_t exception; /* 0: none */
    bool told;          /* the client knows */
};

/* ---- Views (dap_views.c) ---- */

#define DAP_HANDLES 20000

enum dap_handle_kind { DAP_LOCALS, DAP_GLOBALS, DAP_CHILDREN };

/* What a variablesReference stands for, as long as the program is stopped; numbers begin with 1. */
struct dap_handle {
    enum dap_handle_kind kind;
    struct python_frame frame;
    uint32_t object;
};

struct dap {
    struct dap_desc desc;
    struct dap_wire wire;
    unsigned sequence;
    bool connected, initialized, configured, wants_out;
    bool lines_from_0, columns_from_0;
    json_t *launch; /* the whole request, while it waits; NULL: none does */
    bool stop_on_entry, entered;

    struct session *session; /* NULL: there is none yet */
    struct session_listener listener;
    struct python *python;
    struct python_tracer tracer; /* without moments: it does not listen */

    struct dap_file *files;
    unsigned last_point;
    struct dap_file **file_of; /* by python_code.id, as they were looked up since the last change */
    unsigned known_files;
    bool on_raised, on_uncaught;

    enum dap_step step;
    unsigned step_core, step_depth;
    struct dap_stop stop;
    unsigned seen_cores; /* a bit each: has run Python */

    struct python_frame stack[PYTHON_DEPTH]; /* of the core that was asked for last */
    struct dap_handle *handles;
    unsigned handle_count;

    char text[4]; /* the beginning of a letter that the console has not said whole */
    unsigned text_length;
};

/* ---- Shared (dap.c) ---- */

/* Takes the reference to `body`, which may be NULL. */
void dap_event(struct dap *dap, const char *name, json_t *body);
void dap_output(struct dap *dap, const char *category, const char *text, size_t size);

/* Requests: `arguments` may be NULL, `body` gets the members of the response. False with an error line. */
typedef bool dap_handler(struct dap *dap, json_t *arguments, json_t *body, struct error *error);

/* Members of arguments; what is missing or of another kind is as if it were NULL, 0 or false. */
const char *dap_text(json_t *arguments, const char *name);
json_int_t dap_number(json_t *arguments, const char *name);
bool dap_flag(json_t *arguments, const char *name);

/* ---- Breakpoints ---- */

dap_handler dap_set_breakpoints, dap_set_exceptions;
void dap_forget_points(struct dap *dap);
/* Which code belongs to which file is to be looked up anew. */
void dap_forget_codes(struct dap *dap);
/* The breakpoints of a file of the drive; NULL: there are none. */
struct dap_file *dap_file_of(struct dap *dap, const struct python_code *code);
/* The breakpoint of this line at which the program is to stop now, by its counts and conditions; a log point says its
 * message. */
struct dap_point *dap_point_at(struct dap *dap, struct dap_file *file, const struct python_frame *frame);
/* Where the client finds a file of the firmware; false when it is none of the drive's. */
bool dap_source_path(struct dap *dap, const char *file, char ret_path[DAP_PATH]);

/* ---- Stops ---- */

dap_handler dap_threads, dap_pause, dap_continue, dap_next, dap_step_in, dap_step_out, dap_exception_info;
/* Trace when somebody wants to know of lines. */
void dap_choose_tracing(struct dap *dap);
/* The program stands still right now. */
void dap_stop_now(struct dap *dap, const char *reason);
void dap_go_on(struct dap *dap);

/* ---- Views ---- */

dap_handler dap_stack_trace, dap_scopes, dap_variables, dap_evaluate_request;
void dap_forget_handles(struct dap *dap);

#endif
