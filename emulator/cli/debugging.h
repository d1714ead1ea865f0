/* --gdb, --dap: a debugger drives the run (docs/gdb.md, docs/debugging.md). */
#ifndef CLI_DEBUGGING_H
#define CLI_DEBUGGING_H

#include "emulator/cli/run.h"

#define DEBUGGING_FDS 7

/* Without the option nothing is opened. False with an error line. After the session and its console. */
bool debugging_open(struct run *run, struct error *error);
/* Before the session is closed. `code`: the exit code of the run. */
void debugging_close(struct run *run, int code);
/* Serve the debugger's packets. While it has the board this stays here; true: the user wants to leave. */
bool debugging_serve(struct run *run);
/* The session has run: what has halted it is told. */
void debugging_ran(struct run *run);
/* A debugger is there: what becomes of the board is its user's to see, and no verdict. */
bool debugging_is_attached(const struct run *run);
/* What to wait for; returns the number of entries filled. */
unsigned debugging_poll(const struct run *run, struct pollfd fds[DEBUGGING_FDS]);

#endif
