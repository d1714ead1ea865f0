/* Finding the CircuitPython image of a board among the files of this machine. */
#ifndef LOADER_FIRMWARE_H
#define LOADER_FIRMWARE_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The path of the image of `board` (CircuitPython's id) at `version` ("10.2.1"; NULL: the newest there is), in any
 * language, English first. Searched, in this order: the directories of OUROBOARD_FIRMWARE_PATH (separated by
 * colons), then $XDG_CACHE_HOME/ouroboard/firmware (~/.cache/ouroboard/firmware), where scripts/fetch-firmware puts
 * what it downloads; the first directory that has one wins. False and a line that says what to do when none has. */
bool firmware_find(const char *board, const char *version, char *ret_path, size_t size, struct error *error);

/* Order of versions: below, equal to, above zero as `a` is older than, the same as, newer than `b`. A pre-release
 * ("10.0.0-beta.2") is older than its release. */
int firmware_compare_versions(const char *a, const char *b);

#endif
