/* A line at which a run is to stop: a client of line events. */
#include "emulator/debug/python_place.h"

#include <string.h>

/* `name` is `path`, or its end behind a "/". */
static bool is_end_of(const char *path, const char *name) {
    size_t path_size = strlen(path), size = strlen(name);
    if (size > path_size || strcmp(path + path_size - size, name) != 0) {
        return false;
    }
    return size == path_size || path[path_size - size - 1] == '/';
}

bool python_is_file(const char *name, const char *asked) {
    name += *name == '/';
    asked += *asked == '/';
    return *name && *asked && (is_end_of(name, asked) || is_end_of(asked, name));
}

static bool place_line(void *context, struct python *python, const struct python_event *event) {
    struct python_place *place = context;
    const struct python_frame *frame = &event->frames[event->depth - 1];
    if (frame->line != place->line || !python_is_file(frame->code->file, place->file)) {
        return false;
    }
    return !place->reached || place->reached(place->context, event);
}

bool python_place_wait(struct python_place *place, struct python *python, struct error *error) {
    place->tracer = (struct python_tracer){ .context = place, .moments = 1u << PYTHON_LINE, .event = place_line };
    place->python = python && python_trace(python, &place->tracer) ? python : NULL;
    if (!place->python) {
        error_set(error, "the firmware's Python interpreter is not one that is recognised: there are no lines");
    }
    return place->python;
}

void python_place_forget(struct python_place *place) {
    if (place->python) {
        python_untrace(place->python, &place->tracer);
        place->python = NULL;
    }
}
