/* The server side of the Debug Adapter Protocol (its specification 1.6x): an editor debugs the Python program that a
 * board runs. It sees lines, frames and values through emulator/debug/python.h; the firmware is not changed and cannot
 * tell. Nothing in here knows where bytes come from, prints, or looks at a clock.
 *
 * The board stands still until the client has said "configurationDone", and whenever the program is stopped: virtual
 * time does too. Requests are served in their order, between slices of the run.
 *
 * Left out: setting variables, calls and arithmetic in expressions (nothing of the guest may run), disassembly. */
#ifndef DAP_DAP_H
#define DAP_DAP_H

#include "emulator/core/error.h"
#include "emulator/debug/python.h"
#include "emulator/session/session.h"

#include <jansson.h>

struct dap;

struct dap_desc {
    /* Bytes for the client. May be called from within every function below. */
    void (*send)(void *context, const char *bytes, size_t size);
    void *context;
    const char *folder; /* whose paths files of the drive are told with; NULL: the session's drive folder. Borrowed */
};

/* NULL: out of memory. */
struct dap *dap_create(const struct dap_desc *desc);
void dap_destroy(struct dap *dap); /* before session_close(); NULL is fine */

/* What the client has sent. False with an error line when it is no message of the protocol: the connection is over. */
bool dap_receive(struct dap *dap, const char *bytes, size_t size, struct error *error);
/* A client has come; or has gone: breakpoints are forgotten, and the board goes on. */
void dap_connect(struct dap *dap);
void dap_disconnect(struct dap *dap);

/* The arguments of a "launch" that waits for its session; NULL: none does. Borrowed. */
json_t *dap_launch_arguments(const struct dap *dap);
/* It has failed. */
void dap_refuse_launch(struct dap *dap, const char *why);
/* The session to debug, from now on; `python` belongs to it. Right after session_open(). */
void dap_use(struct dap *dap, struct session *session, struct python *python);

/* The session is about to be closed, and dap_use() will name the one that takes its place. */
void dap_leave(struct dap *dap);

/* The board is to stand still. */
bool dap_holds(const struct dap *dap);
/* session_run() has returned: tell the client when the program has stopped. */
void dap_ran(struct dap *dap);
/* The run is over, with that exit code. */
void dap_ended(struct dap *dap, int code);
/* The client wants the board to end. */
bool dap_wants_out(const struct dap *dap);

#endif
