/* What `ouroboard run` writes about the Python program: --profile, --profile-source, --coverage, --heap,
 * --post-mortem. */
#ifndef CLI_PYTHON_OUTPUTS_H
#define CLI_PYTHON_OUTPUTS_H

#include "emulator/cli/run.h"

/* Begin to watch what the options ask for. False with an error line. */
bool python_outputs_open(struct run *run, struct error *error);
/* Write the files, unless nothing of the run is kept; before the session is closed. False after a line on stderr. */
bool python_outputs_close(struct run *run, bool kept);

#endif
