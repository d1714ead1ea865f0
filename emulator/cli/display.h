/* The window of a run, when it has one. */
#ifndef CLI_DISPLAY_H
#define CLI_DISPLAY_H

#include "emulator/cli/session.h"

/* Open the window that the options ask for: a project with a diagram has one unless its outcome is what counts
 * (--timeout, --expect-text, --screenshot). Where there is no display such a run goes on without, after one line; with
 * --window that is an error. */
bool display_open(struct session *session, struct error *error);
/* session_run(), with the window if there is one. */
int display_run(struct session *session);
void display_close(struct session *session);

#endif
