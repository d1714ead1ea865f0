/* A line of a program at which a run is to stop. */
#ifndef DEBUG_PYTHON_PLACE_H
#define DEBUG_PYTHON_PLACE_H

#include "emulator/core/error.h"
#include "emulator/debug/python.h"

struct python_place {
    const char *file; /* borrowed; "code.py", "lib/helper.py", "helper.py" */
    unsigned line;
    /* Called before the line's first instruction; true: the run ends there. NULL: it ends. */
    bool (*reached)(void *context, const struct python_event *event);
    void *context;
    struct python *python; /* below: its own; NULL: nobody waits */
    struct python_tracer tracer;
};

/* The firmware's name of a file means the one that was asked for: the same path, or the end of it. */
bool python_is_file(const char *name, const char *asked);
/* Wait for the line from now on. `place` stays where it is until python_place_forget(). False with an error line. */
bool python_place_wait(struct python_place *place, struct python *python, struct error *error);
void python_place_forget(struct python_place *place); /* no effect when nobody waits */

#endif
