/* The names of a function's locals, which the firmware's bytecode does not have, from the function's source. */
#ifndef DEBUG_LOCAL_NAMES_H
#define DEBUG_LOCAL_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#define LOCAL_NAME 64
#define LOCAL_NAMES 128

struct local_names {
    unsigned count;
    char name[LOCAL_NAMES][LOCAL_NAME]; /* in the order of their slots */
};

/* Names of `*` and `**` parameters, then of the other locals of the function `function` whose code has an instruction
 * on `line`; parameters that have a slot by their name in the bytecode are left out. False: the source does not tell
 * (there is no such function, it has a lambda, a walrus, too many names). */
bool local_names_read(const char *source, size_t size, const char *function, unsigned line,
                      struct local_names *ret_names);

#endif
