/* Files below one folder, for names that come from a stranger: no step of the way may be a symbolic link, nor "..", so
 * that nothing outside is read or written. */
#ifndef SCENARIO_INSIDE_H
#define SCENARIO_INSIDE_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A regular file, whole, up to `limit` bytes; for the caller to free, with a NUL behind it. NULL with an error line. */
uint8_t *inside_read(const char *folder, const char *path, size_t limit, size_t *ret_size, struct error *error);
/* Replace a file as a whole (a temporary file, renamed), and make the folders above it. `seconds` is its time, since
 * 1970; negative: now. False with an error line. */
bool inside_write(const char *folder, const char *path, const void *data, size_t size, int64_t seconds,
                  struct error *error);
/* Whether there is such a file or folder. */
bool inside_exists(const char *folder, const char *path);
/* Make the empty folder `to` hold what `from` holds: regular files and folders; everything else, and what stays off
 * drives, is left out. Times are kept. `link`: hard links instead of copies. False with an error line. */
bool inside_copy(const char *from, const char *to, bool link, uint64_t limit, struct error *error);
/* Remove a folder and all below it. */
void inside_remove(const char *folder);

#endif
