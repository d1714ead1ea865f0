/* The lines of a Python source that belong together: a statement may go over several. */
#ifndef DEBUG_STATEMENTS_H
#define DEBUG_STATEMENTS_H

#include <stddef.h>

/* For each line of `text`, from 1 on: the line on which its statement begins. Of the caller; entry 0 is the number of
 * lines. NULL: out of memory. */
unsigned *statements_read(const char *text, size_t size);

#endif
