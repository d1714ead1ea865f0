/* Files that a run writes as it goes: logs, captures, levels. */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stdio.h>

/* Begin the file that `option` names. NULL with an error line. */
FILE *output_open(const char *option, const char *path, struct error *error);
/* False, after a line on stderr, when not all that was written is in the file. NULL is fine. */
bool output_close(FILE *file, const char *option, const char *path);

#endif
