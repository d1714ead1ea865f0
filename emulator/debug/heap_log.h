/* How full the program's heap is, over virtual time: a line each 10 ms in which Python runs, and where MemoryError was
 * raised. */
#ifndef DEBUG_HEAP_LOG_H
#define DEBUG_HEAP_LOG_H

#include "emulator/core/error.h"
#include "emulator/debug/python.h"

#include <stdio.h>

struct heap_log;
/* Into `out`, which is borrowed: comma-separated values under a line of names. NULL with an error line when the image's
 * interpreter is not known, or cannot be traced. Between runs. */
struct heap_log *heap_log_begin(struct python *python, FILE *out, struct error *error);
void heap_log_end(struct heap_log *log); /* NULL is fine */

#endif
