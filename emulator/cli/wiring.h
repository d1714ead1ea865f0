/* What is around the board in a run: the project's parts, wires of the command line, and who watches them. */
#ifndef CLI_WIRING_H
#define CLI_WIRING_H

#include "emulator/cli/actions.h"
#include "emulator/debug/vcd.h"
#include "emulator/machine.h"

#include <stdio.h>

struct wiring {
    struct project project;
    bool read; /* the project has a board */
    struct actions actions;
    struct vcd *vcd;
    FILE *vcd_file;
};

/* Where lines about a project go: stderr. */
void wiring_report(void *context, enum log_level level, const char *line);
/* Read the project that the options name; without one this does nothing. What it says of board and drive goes into
 * the options. False after at least one line, with an empty error, or with an error line. */
bool wiring_read(struct wiring *wiring, struct run_options *options, struct error *error);
/* Make the parts, before power-on. A run without a project has a board alone. */
bool wiring_build(struct wiring *wiring, const struct run_options *options, const struct board *board,
                  struct machine *machine, struct error *error);
/* Begin to watch; after power-on. */
void wiring_start(struct wiring *wiring);
/* Pictures of the end. False with an error line. */
bool wiring_end(struct wiring *wiring, struct error *error);
/* Before the machine goes. The VCD file is complete then, and left open. */
void wiring_close(struct wiring *wiring);

#endif
