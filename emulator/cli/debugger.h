/* An editor that debugs the Python program of a run, over the Debug Adapter Protocol (docs/debugging.md). */
#ifndef CLI_DEBUGGER_H
#define CLI_DEBUGGER_H

#include "emulator/core/error.h"
#include "emulator/session/session.h"

#include <poll.h>

#ifdef HAVE_JANSSON
#include <jansson.h>
#endif

struct debugger;

/* `spec`: "stdio" or a port (client_port.h); `what` is the option that it was given with. NULL and an error line. */
struct debugger *debugger_open(const char *what, const char *spec, struct error *error);
/* Before session_close(). `code`: the run's exit code. */
void debugger_end(struct debugger *debugger, int code);
/* The same, and there will be another session. */
void debugger_leave(struct debugger *debugger);
void debugger_close(struct debugger *debugger); /* NULL is fine */

#ifdef HAVE_JANSSON
/* For `ouroboard dap`: wait until a client has said what to launch. NULL: it has gone. Borrowed. */
json_t *debugger_wait_for_launch(struct debugger *debugger);
#endif
/* The launch, if one waits, has failed. */
void debugger_refuse_launch(struct debugger *debugger, const char *why);

/* False with an error line. */
bool debugger_use(struct debugger *debugger, struct session *session, struct error *error);
/* Take what the client has sent. True: the board is to stand still. NULL: there is no debugger, also below. */
bool debugger_serve(struct debugger *debugger);
/* After session_run(). */
void debugger_ran(struct debugger *debugger);
bool debugger_wants_out(const struct debugger *debugger);
#define DEBUGGER_FDS 2
unsigned debugger_poll(const struct debugger *debugger, struct pollfd fds[DEBUGGER_FDS]);

#endif
