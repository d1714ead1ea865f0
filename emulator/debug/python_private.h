/* What the files of the Python view share. Who does what:
 *   python.c         the view of a machine: its memory, the cores, what is forgotten when
 *   python_find.c    the interpreter's tables in the image, by their shape; interned strings
 *   python_frames.c  from the chain of exception handlers to the frames of a core
 *   python_code.c    functions as their bytecode describes them, line tables
 *   python_handlers.c  whether a frame would catch an exception
 *   python_bytecode.c   what their instructions are about
 *   python_values.c  objects and variables
 *   python_heap.c    how full the heap is
 *   python_trace.c   what happens as it runs
 *
 * Facts are from MicroPython's sources: py/bc.h and py/bc.c (code states, preludes, line tables), py/bc0.h (opcodes),
 * py/qstr.h (pools), py/nlr.h and py/nlrthumb.c (exception handlers), py/obj.h (objects).
 *
 * Nothing that is read from the guest is believed: every address is checked, every loop has an end. */
#ifndef DEBUG_PYTHON_PRIVATE_H
#define DEBUG_PYTHON_PRIVATE_H

#include "emulator/debug/python.h"

#include <string.h>

/* ---- The guest's memory ---- */

struct python_region {
    uint32_t base, size;
    const uint8_t *bytes; /* borrowed */
    bool writable;        /* RAM; else flash */
};
#define PYTHON_REGIONS 8
/* RAM comes first: most reads are of it. */
struct python_memory {
    struct python_region region[PYTHON_REGIONS];
    unsigned count;
};

/* `size` bytes of the guest; NULL when they are not all in one region. */
static inline const uint8_t *python_at(const struct python_memory *memory, uint32_t address, uint32_t size) {
    for (unsigned i = 0; i < memory->count; i++) {
        const struct python_region *region = &memory->region[i];
        uint32_t offset = address - region->base;
        if (offset < region->size && size <= region->size - offset) {
            return region->bytes + offset;
        }
    }
    return NULL;
}

/* An aligned word. False when there is none. */
static inline bool python_read(const struct python_memory *memory, uint32_t address, uint32_t *ret_word) {
    const uint8_t *bytes = address & 3 ? NULL : python_at(memory, address, 4);
    if (bytes) {
        memcpy(ret_word, bytes, 4);
    }
    return bytes;
}

/* The same; 0 when there is none. */
static inline uint32_t python_word(const struct python_memory *memory, uint32_t address) {
    uint32_t word = 0;
    python_read(memory, address, &word);
    return word;
}

static inline bool python_byte(const struct python_memory *memory, uint32_t address, uint8_t *ret_byte) {
    const uint8_t *bytes = python_at(memory, address, 1);
    if (bytes) {
        *ret_byte = *bytes;
    }
    return bytes;
}

bool python_is_ram(const struct python_memory *memory, uint32_t address);

/* ---- What the image has (python_find.c) ---- */

/* How a pool keeps its strings. The last one also tells that functions have a context, and preludes indices. */
enum python_pools {
    PYTHON_POOLS_UNKNOWN,
    PYTHON_POOLS_ATTRIBUTES, /* a table of hash and length (CircuitPython 8) */
    PYTHON_POOLS_LENGTHS,    /* a table of hashes, a table of lengths */
    PYTHON_POOLS_END
};

#define PYTHON_OPCODES 256
/* Opcodes of .mpy versions 5 and 6 that matter here (py/bc0.h). */
enum {
    OP_MAKE_CLOSURE = 0x20,
    OP_MAKE_CLOSURE_DEFARGS = 0x21,
    OP_MAKE_FUNCTION = 0x32,
    OP_MAKE_FUNCTION_DEFARGS = 0x33,
    OP_RETURN_VALUE = 0x63,
    OP_RAISE_LAST = 0x64,
    OP_RAISE_OBJ = 0x65,
    OP_RAISE_FROM = 0x66,
    OP_YIELD_VALUE = 0x67,
};

struct python_image {
    uint32_t table;                 /* of the first instructions of all opcodes; 0: none has been found */
    uint32_t entry[PYTHON_OPCODES]; /* what it holds, without the Thumb bit */
    uint32_t lowest, highest;       /* of these */
    enum python_pools pools;
    uint32_t first_pool, last_pool; /* those in flash */
};

/* False: something is not there. */
bool python_find_image(const struct python_memory *memory, struct python_image *ret_image);
/* The table is still where it was found. */
bool python_image_stands(const struct python_memory *memory, const struct python_image *image);

/* Functions know their module by a context, and strings by indices into its table. */
static inline bool python_has_contexts(const struct python_image *image) {
    return image->pools == PYTHON_POOLS_LENGTHS;
}

/* ---- Code (python_code.c) ---- */

struct python_prelude {
    unsigned states, handlers; /* words of state, nested exception handlers */
    unsigned positional, keyword_only, defaults, flags, cells;
    uint32_t info;  /* address of names and line table */
    uint32_t lines; /* of the line table */
    uint32_t info_end;
    uint32_t start;      /* of the first instruction */
    uint32_t name, file; /* interned strings, or indices into the context's table */
};
bool python_decode_prelude(const struct python_memory *memory, bool contexts, uint32_t bytecode,
                           struct python_prelude *ret_prelude);

/* The line of the instruction at `ip`, and the range of addresses around it that are on the same line. */
struct python_range {
    unsigned line;
    uint32_t begin, end;
};
void python_find_line(const struct python_memory *memory, bool contexts, const struct python_prelude *prelude,
                      uint32_t ip, struct python_range *ret_range);

/* A function object's parts that matter. */
struct python_function {
    uint32_t object, context, globals, bytecode, children;
    struct python_prelude prelude;
    uint32_t name, file; /* interned strings */
};
bool python_read_function(const struct python_memory *memory, bool contexts, uint32_t object,
                          struct python_function *ret_function);

/* A type's own type is `type`, whose type is itself. */
bool python_is_type(const struct python_memory *memory, uint32_t object);
/* A number of 7-bit groups, the highest first; `*at` moves on. */
bool python_take_number(const struct python_memory *memory, uint32_t *at, uint32_t *ret_number);

/* The rest of a function whose bytecode, context and globals are known. */
bool python_complete_function(const struct python_memory *memory, bool contexts, struct python_function *function);

/* What a function's instructions are about (python_bytecode.c). */
#define PYTHON_CHILDREN 256
struct python_code_walk {
    uint32_t end;    /* address behind the last one */
    unsigned locals; /* parameters and other locals */
    unsigned child_count;
    uint32_t children[PYTHON_CHILDREN]; /* numbers of the functions that it makes */
};
void python_walk_code(const struct python_memory *memory, bool contexts, const struct python_function *function,
                      struct python_code_walk *ret_walk);
bool python_read_child(const struct python_memory *memory, bool contexts, const struct python_function *parent,
                       uint32_t number, struct python_function *ret_child);

/* A frame as memory has it. */
struct python_state {
    uint32_t address, ip, sp;
    struct python_function function;
};
#define PYTHON_CODE_MOST 0x8000 /* bytes of a function's instructions */
#define PYTHON_STATE_WORDS 5    /* before its slots */
bool python_read_state(const struct python_memory *memory, bool contexts, uint32_t address,
                       struct python_state *ret_state);

/* ---- Exception handlers (python_frames.c) ---- */

/* The interpreter enters a handler in two places. Where the frame's address is in relation to the handler is learnt: it
 * is one of the words from `PYTHON_SLOT_FIRST` on. */
#define PYTHON_SITES 8
#define PYTHON_SLOTS 40
#define PYTHON_SLOT_FIRST 12 /* bytes: r4 is saved there */
struct python_site {
    uint32_t lr;
    uint64_t slots; /* a bit each: may still be the one */
    unsigned seen;  /* observations that it follows from */
};

struct python_core {
    uint32_t top_at; /* where the innermost handler is named (nlr_top); 0: not known */
};

/* How objects are encoded in a word (python_values.c). */
enum python_encoding { ENCODING_A, ENCODING_C };

struct python {
    struct python_memory memory;
    enum python_encoding encoding;
    struct python_image image;
    bool known;
    bool has_looked; /* for what the image has, at looked_ps */
    uint64_t looked_ps;
    uint32_t heap_at;        /* description of the heap's first area; 0: not known */
    uint32_t newest_pool_at; /* where the newest pool of strings is named; 0: not known */
    struct python_site sites[PYTHON_SITES];
    unsigned site_count;
    struct python_core core[PYTHON_CORES];

    struct python_codes *codes;
    struct python_trace *trace;
    python_source *source; /* NULL: there are no sources */
    void *source_context;
    struct local_names *names; /* of `names_of`'s locals; NULL: nothing is known */
    const struct python_code *names_of;
    struct machine *machine; /* NULL: memory alone, for tests */
};

/* A frame from its state, or from the state's address. False when there is none. */
bool python_frame_of(struct python *python, const struct python_state *state, struct python_frame *ret_frame);
bool python_make_frame(struct python *python, uint32_t address, struct python_frame *ret_frame);
/* For tests: a view of memory without a machine. */
struct python *python_open_memory(const struct python_memory *memory);

/* An interned string; cut at `size`. False when there is none of this number: "?" then. */
bool python_string(struct python *python, uint32_t number, char *ret_text, size_t size);

/* The address of a buffer's frame; 0: it is not the interpreter's, or not known. */
uint32_t python_state_of(struct python *python, uint32_t handler);
/* The frames of a core whose stack pointer is `sp` (0: not known), as addresses of their states, innermost first. */
unsigned python_states(struct python *python, unsigned core, uint32_t sp, uint32_t *ret_states, unsigned most);
/* The next buffer further out that belongs to a frame; 0: none. */
uint32_t python_outer(struct python *python, uint32_t handler);
/* The buffer of the interpreter whose stack pointer is `sp` right now; 0: it is not the interpreter that runs. */
uint32_t python_own_handler(const struct python *python, uint32_t sp);
/* It is known for certain where the frame of such a buffer is, and in which word. */
bool python_is_settled(const struct python *python, uint32_t handler);
uint32_t python_slot_of(const struct python *python, uint32_t handler);
/* The instruction that a state is at is implemented at `entry`; 0: any. */
bool python_is_at_entry(const struct python *python, const struct python_state *state, uint32_t entry);
/* An instruction of the interpreter is about to run on a core: learn what can be learnt. The handler's address, 0 when
 * it cannot be told. */
uint32_t python_learn(struct python *python, unsigned core, uint32_t sp, uint32_t entry);

/* ---- As it runs (python_trace.c) ---- */
/* What was known of the cores' stacks; and the end of it all. */
void python_trace_forget(struct python *python);
void python_trace_close(struct python *python);

/* ---- Functions that have been met (python_code.c) ---- */
struct python_codes *python_codes_create(void);
void python_codes_destroy(struct python_codes *codes);
/* NULL: out of memory, or there are too many. */
const struct python_code *python_code_of(struct python *python, const struct python_function *function);
/* The line of an instruction, where tables leave out the first instructions of a class too. */
void python_line_of(const struct python *python, const struct python_code *code, const struct python_function *function,
                    uint32_t ip, struct python_range *ret_range);

#endif
