/* The heap over time, a client of line events. A sample is taken at the first line that begins in its 10 ms. */
#include "emulator/debug/heap_log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLE_PS (10 * UINT64_C(1000000000))

struct heap_log {
    struct python *python;
    struct python_tracer tracer;
    FILE *out;
    uint64_t next_ps;
};

static void write_sample(struct heap_log *log, const struct python_event *event, uint64_t now_ps, const char *what) {
    const struct python_frame *frame = &event->frames[event->depth - 1];
    struct python_heap heap;
    if (python_heap_read(log->python, &heap)) {
        fprintf(log->out, "%" PRIu64 ".%03" PRIu64 ",%" PRIu32 ",%" PRIu32 ",%" PRIu32 ",%s:%u,%s\n",
                now_ps / 1000000000, now_ps / 1000000 % 1000, heap.total, heap.used, heap.largest_free,
                frame->code->file, frame->line, what);
    }
}

static bool heap_event(void *context, struct python *python, const struct python_event *event) {
    struct heap_log *log = context;
    uint64_t now_ps = python_time_ps(python, event->core);
    char type[PYTHON_NAME] = "";
    if (event->moment == PYTHON_RAISED && !event->passed_on) {
        python_type(python, event->exception, type, sizeof(type));
    }
    if (!strcmp(type, "MemoryError")) {
        write_sample(log, event, now_ps, type);
    } else if (event->moment == PYTHON_LINE && now_ps >= log->next_ps) {
        log->next_ps = now_ps - now_ps % SAMPLE_PS + SAMPLE_PS;
        write_sample(log, event, now_ps, "");
    }
    return false;
}

struct heap_log *heap_log_begin(struct python *python, FILE *out, struct error *error) {
    struct heap_log *log = python ? calloc(1, sizeof(*log)) : NULL;
    if (!log) {
        error_set(error, "out of memory");
        return NULL;
    }
    *log = (struct heap_log){ .python = python, .out = out };
    log->tracer = (struct python_tracer){ .context = log,
                                          .moments = 1u << PYTHON_LINE | 1u << PYTHON_RAISED,
                                          .event = heap_event };
    if (!python_trace(python, &log->tracer)) {
        error_set(error, "the firmware's Python interpreter is not one that can be traced");
        free(log);
        return NULL;
    }
    fprintf(out, "ms,total,used,largest_free,line,event\n");
    return log;
}

void heap_log_end(struct heap_log *log) {
    if (log) {
        python_untrace(log->python, &log->tracer);
        free(log);
    }
}
