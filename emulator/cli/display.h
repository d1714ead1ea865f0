/* The window of a run, when it has one. */
#ifndef CLI_DISPLAY_H
#define CLI_DISPLAY_H

#include "emulator/cli/run.h"

/* Open the window that the options ask for: a project with a diagram has one unless its outcome is what counts
 * (--timeout, --expect-text, --screenshot). Where there is no display such a run goes on without, after one line; with
 * --window that is an error. */
bool display_open(struct run *run, struct error *error);
/* play(), with the window if there is one. */
int display_run(struct run *run);
void display_close(struct run *run);

#endif
