/* Errata of the chips that a project or the command line chooses; docs/errata.md has them all. */
#ifndef EMULATOR_ERRATA_H
#define EMULATOR_ERRATA_H

#include "emulator/core/error.h"
#include "firmware-loader/chip.h"

#include <stdbool.h>

struct machine;

/* `names`: one, or several separated by commas ("rp2350-e9"), of those that the chip can be given. False with an error
 * line that names them otherwise. `machine` NULL: only check. */
bool errata_choose(struct machine *machine, enum chip chip, const char *names, struct error *error);

#endif
