/* Where a Python program's time goes: each cycle of a core between two events (a line begins, a call returns, a frame
 * is left) belongs to the stack that was there, and to the innermost frame's line. Nothing is sampled.
 *
 * What C functions do belongs to the line that called them, and sleep to the line that sleeps. Cycles while no Python
 * runs (start, end, the prompt) are left out. */
#ifndef DEBUG_PROFILE_H
#define DEBUG_PROFILE_H

#include "emulator/core/error.h"
#include "emulator/debug/python.h"

struct profile;
/* NULL with an error line when the image's interpreter is not known, or cannot be traced. Between runs. */
struct profile *profile_begin(struct python *python, struct error *error);
void profile_end(struct profile *profile); /* NULL is fine */

/* Cycles of functions of this name and file, with and without those that they call. */
struct profile_share {
    uint64_t own, all;
};
struct profile_share profile_function(struct profile *profile, const char *file, const char *function);
uint64_t profile_total(struct profile *profile);

/* speedscope's JSON when the name ends in ".json", else collapsed stacks: "code.py:main;code.py:spin 1234". Numbers are
 * cycles of the core. */
bool profile_write(struct profile *profile, const char *path, struct error *error);
/* The program's files once more in `folder` (made when missing), with times and share before each line. Sources are
 * looked for in `drive`; files that are not there are left out. */
bool profile_write_sources(struct profile *profile, const char *folder, const char *drive, struct error *error);

#endif
