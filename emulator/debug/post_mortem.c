/* When an exception is raised, the frames that it will leave are still there: their variables are written down then,
 * for each of the last few exceptions. When one has left the outermost frame and the console has printed a traceback,
 * it is what was written down for that one. */
#include "emulator/debug/post_mortem.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTES 8
#define NOTE_BYTES 16384
#define VALUE_BYTES 200
#define VARIABLES_MOST 64
#define LINE_BYTES 128

struct note {
    uint32_t exception; /* 0: empty */
    size_t length;
    char text[NOTE_BYTES];
};

struct post_mortem {
    struct python *python;
    struct python_tracer tracer;
    void (*tell)(void *context, const char *text);
    void *context;
    struct note notes[NOTES];
    unsigned next;
    uint32_t escaping;     /* the exception that came up in the outermost frame last */
    char line[LINE_BYTES]; /* that the console is printing */
    size_t length;
    bool in_traceback;
};

/* ---- When it is raised ---- */

static void add(struct note *note, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct note *note, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(note->text + note->length, NOTE_BYTES - note->length, format, arguments);
    va_end(arguments);
    note->length += length > 0 ? (size_t)length : 0;
    note->length = note->length < NOTE_BYTES ? note->length : NOTE_BYTES - 1;
}

static void add_frame(struct post_mortem *post_mortem, struct note *note, const struct python_frame *frame) {
    struct python_variable variables[VARIABLES_MOST];
    unsigned count = python_locals(post_mortem->python, frame, variables, VARIABLES_MOST);
    add(note, "  %s:%u in %s\n", frame->code->file, frame->line, frame->code->function);
    for (unsigned i = 0; i < count; i++) {
        char text[VALUE_BYTES];
        python_text(post_mortem->python, variables[i].object, text, sizeof(text));
        add(note, "      %s = %s\n", variables[i].name, text);
    }
}

static bool post_mortem_event(void *context, struct python *python, const struct python_event *event) {
    struct post_mortem *post_mortem = context;
    post_mortem->escaping = event->depth == 1 ? event->exception : post_mortem->escaping;
    if (event->passed_on) {
        return false;
    }
    struct note *note = &post_mortem->notes[post_mortem->next++ % NOTES];
    char type[PYTHON_NAME];
    note->length = 0;
    note->exception = event->exception;
    python_type(python, event->exception, type, sizeof(type));
    add(note, "%s, with the variables of each frame:\n", *type ? type : "Exception");
    for (unsigned i = 0; i < event->depth; i++) {
        add_frame(post_mortem, note, &event->frames[i]);
    }
    return false;
}

/* ---- When it is printed ---- */

static void tell_note(struct post_mortem *post_mortem) {
    for (unsigned i = 0; i < NOTES; i++) {
        struct note *note = &post_mortem->notes[(post_mortem->next - 1 - i) % NOTES];
        if (note->exception && note->exception == post_mortem->escaping) {
            post_mortem->tell(post_mortem->context, note->text);
            note->exception = 0;
            return;
        }
    }
}

/* Behind its head a traceback has lines that are indented, and one that is not: the exception. */
static void end_line(struct post_mortem *post_mortem) {
    static const char head[] = "Traceback (most recent call last):";
    post_mortem->line[post_mortem->length] = 0;
    post_mortem->length = 0;
    if (strstr(post_mortem->line, head)) {
        post_mortem->in_traceback = true;
    } else if (post_mortem->in_traceback && post_mortem->line[0] != ' ') {
        post_mortem->in_traceback = false;
        tell_note(post_mortem);
    }
}

void post_mortem_hear(struct post_mortem *post_mortem, const uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n') {
            end_line(post_mortem);
        } else if (data[i] != '\r' && post_mortem->length < LINE_BYTES - 1) {
            post_mortem->line[post_mortem->length++] = (char)data[i];
        }
    }
}

/* ---- Life ---- */

struct post_mortem *post_mortem_begin(struct python *python, void (*tell)(void *context, const char *text),
                                      void *context, struct error *error) {
    struct post_mortem *post_mortem = python ? calloc(1, sizeof(*post_mortem)) : NULL;
    if (!post_mortem) {
        error_set(error, "out of memory");
        return NULL;
    }
    post_mortem->python = python;
    post_mortem->tell = tell;
    post_mortem->context = context;
    post_mortem->tracer =
        (struct python_tracer){ .context = post_mortem, .moments = 1u << PYTHON_RAISED, .event = post_mortem_event };
    if (!python_trace(python, &post_mortem->tracer)) {
        error_set(error, "the firmware's Python interpreter is not one that can be traced");
        free(post_mortem);
        return NULL;
    }
    return post_mortem;
}

void post_mortem_end(struct post_mortem *post_mortem) {
    if (post_mortem) {
        python_untrace(post_mortem->python, &post_mortem->tracer);
        free(post_mortem);
    }
}
