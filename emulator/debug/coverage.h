/* Which lines of a program have run, of those that could: an account by file that runs are added to, and that goes into
 * the formats that other tools read.
 *
 * A line could run when the interpreter's line tables have instructions for it. Functions that were never called count
 * as well, modules that were never imported do not. */
#ifndef DEBUG_COVERAGE_H
#define DEBUG_COVERAGE_H

#include "emulator/core/error.h"
#include "emulator/debug/python.h"

#include <stdio.h>

/* ---- A run that is being watched ---- */

struct coverage_run;
/* NULL with an error line when the image's interpreter is not known, or cannot be traced. Between runs. */
struct coverage_run *coverage_run_begin(struct python *python, struct error *error);
void coverage_run_end(struct coverage_run *run); /* NULL is fine */

/* ---- The account ---- */

struct coverage;
struct coverage *coverage_create(void); /* NULL: out of memory */
void coverage_destroy(struct coverage *coverage);
/* What a run has seen so far. `folder`: the drive's, whose files alone count, under their paths in it; NULL: all files
 * count that are not in the firmware. */
void coverage_add_run(struct coverage *coverage, struct coverage_run *run, const char *folder);
/* The path in the drive's folder of a file that the firmware has by this name. False: it is not there; with `folder`
 * NULL: it is no file. */
bool coverage_path(const char *file, const char *folder, char *ret_path, size_t size);
/* An lcov file, as coverage_write() makes it. False with an error line that names file and line. */
bool coverage_add_file(struct coverage *coverage, const char *path, struct error *error);
/* Cobertura XML when the name ends in ".xml", else lcov. Paths begin with `folder` and a "/" when that is not NULL. */
bool coverage_write(const struct coverage *coverage, const char *path, const char *folder, struct error *error);
/* The table that coverage.py prints. */
void coverage_print(const struct coverage *coverage, FILE *out);
/* Percent of the lines that could run; 100 when there are none. */
double coverage_percent(const struct coverage *coverage);

#endif
