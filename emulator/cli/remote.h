/* --control: a client drives the run (docs/control.md). */
#ifndef CLI_REMOTE_H
#define CLI_REMOTE_H

#include "emulator/cli/run.h"

/* Without the option nothing is opened. False with an error line. After the session and its console. */
bool remote_open(struct run *run, struct error *error);
/* Let the board run when the client wants it, until the client has left; the result is an exit code. */
int remote_loop(struct run *run);
/* Before the session is closed, and after it. */
void remote_finish(struct run *run);
void remote_close(struct run *run);

#endif
