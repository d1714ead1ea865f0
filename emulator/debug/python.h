/* The Python program that a board's firmware runs, seen from outside: which line of which file, in which function,
 * called from where, with which values. The firmware is the unmodified image; it is only read, never changed, and
 * cannot tell that somebody looks: the same cycles pass with and without.
 *
 * Everything is found by its shape (python_find.c, python_frames.c): CircuitPython 8 to 10 and MicroPython 1.23
 * to 1.28. Where the shapes are not there, python_is_known() is false and nothing is shown.
 *
 * Two ways to use it:
 * - python_stack() and the functions below it, whenever the machine does not run or from a callback of it;
 * - a struct python_tracer, which is told each line before its first instruction, and may stop the run there.
 *
 * Known limits: native and viper functions have no frame; temporaries of an expression cannot be told from rubbish;
 * code without line numbers (stripped .mpy, some frozen modules) is on line 1. An interpreter that was built without
 * computed goto (MicroPython 1.16) is not recognised. A firmware that is replaced while tracers listen is seen again
 * when the last of them has gone. */
#ifndef DEBUG_PYTHON_H
#define DEBUG_PYTHON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct machine;
struct python;

/* ---- Life ---- */

/* The machine is borrowed. NULL when out of memory. Clients of a session take session_python() instead. */
struct python *python_open(struct machine *machine);
void python_close(struct python *python); /* NULL is fine */
/* The image's structures are recognised. Looks again when they have not been, which takes a few milliseconds. */
bool python_is_known(struct python *python);
/* The chip was reset, or its state has been loaded: what is in RAM is no longer believed. */
void python_forget(struct python *python);

/* ---- Where it is ---- */

/* A function, a module, a comprehension as its bytecode describes it. Two with equal file, name and lines are the same
 * one, also after a reload. Stays where it is until python_close(). */
struct python_code {
    const char *file;     /* as the firmware has it: "code.py", "helper.py", "<stdin>"; "" in a stripped module */
    const char *function; /* "<module>", "<lambda>", ... */
    unsigned id;          /* 0, 1, ... in the order in which they were met */
    unsigned parameters;
    const unsigned *lines; /* that have instructions, ascending; those of functions in it are theirs */
    unsigned line_count;
    bool frozen; /* it is in the firmware */
};

#define PYTHON_CORES 2

struct python_frame {
    const struct python_code *code;
    unsigned line;    /* from 1 */
    uint32_t state;   /* guest addresses: of the frame's code_state, */
    uint32_t ip;      /* of the present bytecode instruction, */
    uint32_t globals; /* and of the dictionary of its module */
};

/* The frames of a core, innermost first, at most `most` of them. 0: it runs no Python, or none is recognised. */
#define PYTHON_DEPTH 256
unsigned python_stack(struct python *python, unsigned core, struct python_frame *ret_frames, unsigned most);

/* The frame has an `except` around where it is, of whatever class. */
bool python_catches(struct python *python, const struct python_frame *frame);

/* ---- Values ---- */

/* Where the sources of files are, by the firmware's names: a text of `*ret_size` bytes, to be freed; NULL: there is
 * none. */
typedef char *python_source(void *context, const char *file, size_t *ret_size);
void python_set_source(struct python *python, python_source *source, void *context);

#define PYTHON_NAME 64
/* A name and an object of the guest. */
struct python_variable {
    char name[PYTHON_NAME]; /* cut when it is longer */
    uint32_t object;        /* as the guest holds it; only valid until the guest goes on */
};
/* Each returns how many were stored, at most `most`. Locals that are not bound yet are left out. Names of parameters
 * are in the bytecode; those of other locals come from the source (python_set_source()), or are "local 3". A module has
 * globals only. */
unsigned python_locals(struct python *python, const struct python_frame *frame, struct python_variable *ret,
                       unsigned most);
unsigned python_globals(struct python *python, const struct python_frame *frame, struct python_variable *ret,
                        unsigned most);
/* Elements of lists, tuples and dictionaries ("[0]", "['key']"), attributes of instances and modules. */
unsigned python_children(struct python *python, uint32_t object, struct python_variable *ret, unsigned most);
/* As repr() has it, as far as that can be told from outside ("<Pin object>"), cut at `size`. */
void python_text(struct python *python, uint32_t object, char *ret_text, size_t size);
/* The type's name: "int", "str", "Box"; "" when the object is none. */
void python_type(struct python *python, uint32_t object, char *ret_name, size_t size);

/* ---- The heap ---- */

/* Bytes of the heap's areas together. CircuitPython 9 and later add areas as a program needs them. */
struct python_heap {
    uint32_t total, used;
    uint32_t largest_free; /* the largest object that there is room for */
};
/* False when the heap is not found. */
bool python_heap_read(struct python *python, struct python_heap *ret_heap);

/* ---- As it runs ---- */

enum python_moment {
    PYTHON_LINE,   /* the innermost frame is about to begin a line, before its first instruction */
    PYTHON_BACK,   /* it goes on in the middle of a line: a call has returned, a generator was resumed */
    PYTHON_LEFT,   /* it is about to return or yield */
    PYTHON_RAISED, /* an exception has come up in it, or has been passed on to it by the function it called */
    PYTHON_MOMENTS
};

struct python_event {
    enum python_moment moment;
    unsigned core;
    uint64_t cycles; /* of this core, before the instruction */
    bool called;     /* PYTHON_LINE: the frame has just begun */
    /* Outermost first: frames[depth - 1] is the one that the event is about. */
    const struct python_frame *frames;
    unsigned depth;
    uint32_t exception; /* PYTHON_RAISED: the object */
    bool passed_on;     /* PYTHON_RAISED: it is the same one that was told of an inner frame before */
};

struct python_tracer {
    void *context;
    unsigned moments; /* 1u << PYTHON_LINE | ... that it wants */
    bool closely;     /* PYTHON_BACK at the very instruction, not some further on: costs more */
    /* True: the run is to end right here, before the instruction (machine_is_halted()). Going on, the same event does
     * not come again. From
     * here everything above may be called, but python_trace() and python_untrace() not. */
    bool (*event)(void *context, struct python *python, const struct python_event *event);
    struct python_tracer *next; /* the view's */
};

/* Between runs. Tracers are told in the order in which they came; `tracer` stays where it is until python_untrace().
 * False when the interpreter cannot be traced. */
bool python_trace(struct python *python, struct python_tracer *tracer);
/* Cycles of a core, as events have them. */
uint64_t python_cycles(const struct python *python, unsigned core);
/* Virtual time of a core, in picoseconds; within an event before the instruction. */
uint64_t python_time_ps(const struct python *python, unsigned core);
void python_untrace(struct python *python, struct python_tracer *tracer);

/* All functions that have been met, by their ids, which begin with 0; NULL behind the last one. With a module all
 * functions in it are met, whether they ever run or not. */
const struct python_code *python_code_at(const struct python *python, unsigned id);

#endif
