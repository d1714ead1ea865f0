/* A board with a Python program: on its drive where it has one (CircuitPython), else put in through the raw REPL, with
 * modules as files of its own (MicroPython). */
#ifndef TESTS_PYTHON_RIG_H
#define TESTS_PYTHON_RIG_H

#include "tests/firmware/rig.h"

/* `source` with the word NEXT replaced by the number of the line below it, and ROUNDS by `rounds`. Of the caller. */
char *python_rig_source(const char *path, unsigned rounds);
/* `modules` (name, text, name, text, ..., NULL) can be imported; `program` runs as soon as the board is let run, up to
 * which nothing of it has run. `drive` is a template for mkdtemp(). */
void python_rig_start(struct rig *rig, const struct rig_desc *desc, char *drive, const char *program,
                      const char *const *modules);
/* Is the image MicroPython's? By its name. */
bool python_rig_is_micropython(const char *image);

#endif
