/* What happens as the program runs: each instruction of the interpreter's table is watched (core_watch()), and what the
 * frame at hand says is compared with what it said before. The stack of frames is kept from one instruction to the
 * next, by the exception handlers that the frames have (python_frames.c): deeper calls have lower addresses.
 *
 * A line begins at its first instruction, when that is reached from another line, from further on (a loop), or by a
 * call. Jumps into the middle of a line (the end of a loop, of a "try") and generators that go on there do not begin
 * it.
 *
 * Exceptions that come out of functions are seen where the interpreter's handler returns for the second time: its
 * return address is watched too, as soon as it is known. Those that a `raise` makes are seen at its instruction. The
 * exception is on the interpreter's stack then, whose pointer is in a register: which one is learnt where functions
 * begin.
 *
 * Not told: the end of a frame by an exception. What is told of such a frame's callers comes with their next
 * instruction. */
#include "emulator/core/clock.h"
#include "emulator/cpu/internal.h"
#include "emulator/debug/python_private.h"
#include "emulator/machine.h"

#include <stdlib.h>

#define NLR_VALUE 4 /* offset of the exception in a handler */
#define GENERAL_REGISTERS 13
#define STACK_SEEN 100 /* observations are enough */

/* A frame of the stack beside its struct python_frame. */
struct level {
    uint32_t handler;
    uint32_t slot; /* address of the word that names its state */
    struct python_function function;
    bool left; /* it was about to return or yield */
};

struct trace_core {
    /* The innermost frame as of the last instruction. While nothing but `ip` changes, and that within the line, nothing
     * has to be told. */
    const uint8_t *top, *slot, *ip; /* in the host: nlr_top, the word that names the state, the state's ip */
    uint32_t handler, state, last_ip, end;

    struct python_frame frames[PYTHON_DEPTH]; /* outermost first */
    struct level levels[PYTHON_DEPTH];
    unsigned depth;
    unsigned told_depth; /* of the last line */

    uint32_t exception;       /* the last one, until a line begins; 0: it is not known */
    unsigned exception_depth; /* 0: there is none */
    bool exception_made;      /* the object is made of it only when the frame is left */
};

/* An address that is watched on a core. */
struct watched {
    struct core_watch watch;
    struct python *python; /* NULL: it is not */
    unsigned core;
};

struct python_trace {
    struct python_tracer *tracers;
    unsigned moments;       /* that any of them wants */
    bool watching, closely; /* all instructions are watched */
    unsigned watched_sites;
    unsigned stack_registers; /* a bit each of r0 to r12: may be the interpreter's stack pointer; 0: nothing is known */
    unsigned stack_seen;      /* observations that it follows from */
    struct watched entries[PYTHON_CORES][PYTHON_OPCODES], sites[PYTHON_CORES][PYTHON_SITES];
    struct trace_core core[PYTHON_CORES];
};

/* ---- Telling ---- */

static bool tell(struct python *python, unsigned index, struct python_event *event) {
    struct trace_core *core = &python->trace->core[index];
    bool stop = false;
    event->core = index;
    event->cycles = core_cycles(machine_core(python->machine, index));
    event->frames = core->frames;
    event->depth = core->depth;
    for (struct python_tracer *each = python->trace->tracers; each; each = each->next) {
        if (each->moments & 1u << event->moment) {
            stop |= each->event(each->context, python, event);
        }
    }
    return stop;
}

static bool tell_moment(struct python *python, unsigned index, enum python_moment moment, bool called) {
    struct python_event event = { .moment = moment, .called = called };
    return python->trace->moments & 1u << moment && tell(python, index, &event);
}

/* ---- The stack ---- */

static bool fill_level(struct python *python, struct trace_core *core, unsigned level, uint32_t handler) {
    struct python_state state;
    uint32_t address = python_state_of(python, handler);
    if (!address || !python_read_state(&python->memory, python_has_contexts(&python->image), address, &state) ||
        !python_frame_of(python, &state, &core->frames[level])) {
        return false;
    }
    core->levels[level] =
        (struct level){ .handler = handler, .slot = python_slot_of(python, handler), .function = state.function };
    return true;
}

/* All frames from the chain of handlers, of which `handler` is the innermost. */
static void rebuild_stack(struct python *python, struct trace_core *core, uint32_t handler) {
    uint32_t handlers[PYTHON_DEPTH];
    unsigned count = 0;
    core->depth = 0;
    for (; handler && count < PYTHON_DEPTH; handler = python_outer(python, handler)) {
        handlers[count++] = handler;
    }
    while (count) {
        core->depth += fill_level(python, core, core->depth, handlers[--count]);
    }
}

/* Frames of deeper calls have returned. */
static void drop_deeper(struct trace_core *core, uint32_t handler) {
    while (core->depth && core->levels[core->depth - 1].handler < handler) {
        core->depth--;
    }
}

/* Is the innermost frame still the one that runs? A function that has returned and was called again at the same place
 * begins anew. */
static bool is_same_frame(const struct python *python, const struct trace_core *core, uint32_t handler,
                          const struct python_state *state) {
    if (!core->depth || core->levels[core->depth - 1].handler != handler) {
        return false;
    }
    const struct level *level = &core->levels[core->depth - 1];
    bool again = level->left && state->ip == state->function.prelude.start;
    return core->frames[core->depth - 1].state == state->address && level->function.object == state->function.object &&
           !again;
}

/* The stack with this frame as its innermost one. False when there is no room for it. */
static bool enter_frame(struct python *python, struct trace_core *core, uint32_t handler) {
    if (core->depth && core->levels[core->depth - 1].handler == handler) {
        core->depth--;
    }
    uint32_t outer = python_outer(python, handler);
    uint32_t caller = core->depth ? core->levels[core->depth - 1].handler : 0;
    if (outer != caller) {
        rebuild_stack(python, core, handler);
        return core->depth && core->levels[core->depth - 1].handler == handler;
    }
    if (core->depth == PYTHON_DEPTH || !fill_level(python, core, core->depth, handler)) {
        return false;
    }
    core->depth++;
    return true;
}

/* ---- An instruction ---- */

static uint32_t host_word(const uint8_t *bytes) {
    uint32_t word;
    memcpy(&word, bytes, 4);
    return word;
}

/* The same frame is further on in the same line. */
static inline bool is_further_on(struct trace_core *core) {
    if (!core->top || host_word(core->top) != core->handler || host_word(core->slot) != core->state) {
        return false;
    }
    uint32_t ip = host_word(core->ip);
    if (ip <= core->last_ip || ip >= core->end) {
        return false;
    }
    core->last_ip = ip;
    return true;
}

static void remember(struct python *python, unsigned index, uint32_t handler, const struct python_state *state,
                     uint32_t end) {
    struct trace_core *core = &python->trace->core[index];
    core->handler = handler;
    core->state = state->address;
    core->last_ip = state->ip;
    core->end = end;
    core->top = python_at(&python->memory, python->core[index].top_at, 4);
    core->slot = python_at(&python->memory, python_slot_of(python, handler), 4);
    core->ip = python_at(&python->memory, state->address + 4, 4);
    if (!core->slot || !core->ip) {
        core->top = NULL;
    }
}

static bool is_leaving(const struct python *python, uint32_t entry) {
    return entry == python->image.entry[OP_RETURN_VALUE] || entry == python->image.entry[OP_YIELD_VALUE];
}

/* The frame that is at the instruction `entry`; what was learnt before counts as long as it fits. */
static uint32_t find_frame(struct python *python, unsigned index, uint32_t entry, struct python_state *ret_state) {
    bool contexts = python_has_contexts(&python->image);
    uint32_t top_at = python->core[index].top_at, handler = top_at ? python_word(&python->memory, top_at) : 0;
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        bool settled = handler && python_is_settled(python, handler);
        uint32_t state = settled || attempt ? python_state_of(python, handler) : 0;
        if (state && python_read_state(&python->memory, contexts, state, ret_state) &&
            python_is_at_entry(python, ret_state, entry)) {
            return handler;
        }
        uint32_t sp = core_register(machine_core(python->machine, index), CORE_SP);
        handler = attempt ? 0 : python_learn(python, index, sp, entry);
    }
    return 0;
}

/* The innermost frame, or one that it has returned to, goes on: all but its instruction is known. */
static uint32_t find_known_frame(struct python *python, unsigned index, struct python_state *ret_state) {
    struct trace_core *core = &python->trace->core[index];
    const struct python_memory *memory = &python->memory;
    uint32_t handler = python_word(memory, python->core[index].top_at);
    drop_deeper(core, handler);
    const struct level *level = core->depth ? &core->levels[core->depth - 1] : NULL;
    if (!level || level->handler != handler || level->left) {
        return 0;
    }
    uint32_t state = core->frames[core->depth - 1].state;
    if (python_word(memory, level->slot) != state || python_word(memory, state) != level->function.object) {
        return 0;
    }
    *ret_state = (struct python_state){ .address = state, .ip = python_word(memory, state + 4) };
    ret_state->function = level->function;
    return ret_state->ip - level->function.prelude.start < PYTHON_CODE_MOST ? handler : 0;
}

/* At the first instruction of a function the state still says what the register holds. */
static void learn_stack_register(struct python *python, unsigned index, const struct python_state *state) {
    struct python_trace *trace = python->trace;
    unsigned same = 0;
    if (state->ip != state->function.prelude.start) {
        return;
    }
    for (unsigned i = 0; i < GENERAL_REGISTERS; i++) {
        same |= (unsigned)(core_register(machine_core(python->machine, index), i) == state->sp) << i;
    }
    trace->stack_registers = trace->stack_seen ? trace->stack_registers & same : same;
    trace->stack_seen++;
}

/* What the innermost frame's new instruction means. */
static bool tell_instruction(struct python *python, unsigned index, const struct python_state *state, bool entered,
                             const struct python_range *range) {
    struct trace_core *core = &python->trace->core[index];
    struct python_frame *frame = &core->frames[core->depth - 1];
    bool another = entered || range->line != frame->line;
    bool begins = state->ip == range->begin && (another || state->ip <= frame->ip);
    bool back = another || core->told_depth != core->depth || core->levels[core->depth - 1].left;
    bool called = entered && state->ip == state->function.prelude.start;
    frame->line = range->line;
    frame->ip = state->ip;
    core->told_depth = core->depth;
    core->levels[core->depth - 1].left = false;
    if (!begins) {
        return back && tell_moment(python, index, PYTHON_BACK, false);
    }
    core->exception = core->exception_depth = 0;
    return tell_moment(python, index, PYTHON_LINE, called);
}

/* How far the innermost frame has come while nothing had to be told. */
static void keep_progress(struct trace_core *core) {
    struct python_frame *frame = core->depth ? &core->frames[core->depth - 1] : NULL;
    if (frame && core->levels[core->depth - 1].handler == core->handler && frame->state == core->state) {
        frame->ip = core->last_ip;
    }
}

static bool step_instruction(struct python *python, unsigned index, uint32_t entry) {
    struct trace_core *core = &python->trace->core[index];
    struct python_state state;
    struct python_range range;
    keep_progress(core);
    core->top = NULL;
    uint32_t handler = find_known_frame(python, index, &state);
    bool entered = !handler;
    if (!handler) {
        handler = find_frame(python, index, entry, &state);
        drop_deeper(core, handler);
        entered = handler && !is_same_frame(python, core, handler, &state);
    }
    if (!handler || (entered && !enter_frame(python, core, handler))) {
        return false;
    }
    if (!python_is_settled(python, handler)) { /* the frame may have come to another of its handlers */
        python_learn(python, index, core_register(machine_core(python->machine, index), CORE_SP), entry);
    }
    if (entered && python->trace->stack_seen < STACK_SEEN) {
        learn_stack_register(python, index, &state);
    }
    python_line_of(python, core->frames[core->depth - 1].code, &state.function, state.ip, &range);
    bool stop = tell_instruction(python, index, &state, entered, &range);
    remember(python, index, handler, &state, range.end);
    if (is_leaving(python, entry)) {
        core->levels[core->depth - 1].left = true;
        core->top = NULL;
        stop |= tell_moment(python, index, PYTHON_LEFT, false);
    }
    return stop;
}

/* ---- An exception ---- */

/* What a `raise` names may be a class: the exception is only made of it then. */
static bool tell_exception(struct python *python, unsigned index, uint32_t exception) {
    struct trace_core *core = &python->trace->core[index];
    struct python_event event = { .moment = PYTHON_RAISED, .exception = exception };
    bool same = exception == core->exception || core->exception_made;
    event.passed_on = core->exception_depth && same && core->depth < core->exception_depth;
    core->exception = exception;
    core->exception_depth = core->depth;
    core->exception_made = !exception || python_is_type(&python->memory, exception);
    return python->trace->moments & 1u << PYTHON_RAISED && tell(python, index, &event);
}

/* The interpreter's handler has returned; with another value than 0 that is an exception. */
static bool step_handler(struct python *python, unsigned index) {
    struct trace_core *core = &python->trace->core[index];
    struct core *cpu = machine_core(python->machine, index);
    uint32_t handler = core_register(cpu, 0) ? python_own_handler(python, core_register(cpu, CORE_SP)) : 0;
    if (!handler) {
        return false;
    }
    drop_deeper(core, handler);
    if (!core->depth || core->levels[core->depth - 1].handler != handler) {
        rebuild_stack(python, core, handler);
    }
    if (!core->depth ||
        !python_make_frame(python, core->frames[core->depth - 1].state, &core->frames[core->depth - 1])) {
        return false;
    }
    bool stop = tell_exception(python, index, python_word(&python->memory, handler + NLR_VALUE));
    core->top = NULL;
    core->handler = 0;
    return stop;
}

/* What `raise` has on top of the interpreter's stack, or one below; 0: that cannot be told. */
static uint32_t raised_object(struct python *python, unsigned index, unsigned below) {
    const struct trace_core *core = &python->trace->core[index];
    unsigned registers = python->trace->stack_registers;
    if (!registers || !core->depth) {
        return 0;
    }
    const struct python_frame *frame = &core->frames[core->depth - 1];
    uint32_t first = frame->state + 4 * PYTHON_STATE_WORDS;
    uint32_t at = core_register(machine_core(python->machine, index), (unsigned)__builtin_ctz(registers)) - 4 * below;
    bool inside = at >= first && at - first < 4 * core->levels[core->depth - 1].function.prelude.states;
    return inside ? python_word(&python->memory, at) : 0;
}

/* A `raise` is about to run. The exception that is raised once more has been told before. */
static bool step_raise(struct python *python, unsigned index, uint32_t entry) {
    struct trace_core *core = &python->trace->core[index];
    const uint32_t *entries = python->image.entry;
    if (!core->depth || entry == entries[OP_RAISE_LAST]) {
        return false;
    }
    keep_progress(core);
    return tell_exception(python, index, raised_object(python, index, entry == entries[OP_RAISE_FROM]));
}

/* ---- What is watched ---- */

static void watch_sites(struct python *python);

static bool reached_entry(void *context, struct core *cpu) {
    const struct watched *watched = context;
    struct python *python = watched->python;
    bool stop = !is_further_on(&python->trace->core[watched->core]) &&
                step_instruction(python, watched->core, watched->watch.address);
    watch_sites(python);
    return stop;
}

static bool reached_raise(void *context, struct core *cpu) {
    const struct watched *watched = context;
    bool stop = reached_entry(context, cpu);
    return step_raise(watched->python, watched->core, watched->watch.address) || stop;
}

/* A return or yield has always to be told. */
static bool reached_leaving(void *context, struct core *cpu) {
    const struct watched *watched = context;
    bool stop = step_instruction(watched->python, watched->core, watched->watch.address);
    watch_sites(watched->python);
    return stop;
}

static bool reached_site(void *context, struct core *cpu) {
    const struct watched *watched = context;
    return step_handler(watched->python, watched->core);
}

static void watch_address(struct python *python, struct watched *watched, unsigned core, uint32_t address,
                          bool (*reached)(void *context, struct core *core)) {
    *watched = (struct watched){
        .python = python,
        .core = core,
        .watch = { .address = address, .at_branches = true, .reached = reached, .context = watched }
    };
    core_watch(machine_core(python->machine, core), &watched->watch);
}

/* Those that have been learnt since the last call. */
static void watch_sites(struct python *python) {
    struct python_trace *trace = python->trace;
    while (trace->watched_sites < python->site_count) {
        unsigned site = trace->watched_sites++;
        for (unsigned core = 0; core < PYTHON_CORES; core++) {
            watch_address(python, &trace->sites[core][site], core, python->sites[site].lr & ~1u, reached_site);
        }
    }
}

/* Operations on what has been loaded, stores, BUILD_ and ROT_: the compiler sets a line before it loads the operands,
 * so that none of these begins one, and what follows soon is watched. */
static bool begins_no_line(unsigned opcode) {
    return opcode >= 0xc0 || opcode == 0x26 || opcode == 0x27 || (opcode >= 0x2a && opcode <= 0x2e) ||
           (opcode >= 0x16 && opcode <= 0x18) || opcode == 0x56 || opcode == 0x5a || opcode == 0x5b;
}

static bool is_worth_watching(const struct python_image *image, uint32_t entry) {
    for (unsigned i = 0; i < PYTHON_OPCODES; i++) {
        if (image->entry[i] == entry && !begins_no_line(i)) {
            return true;
        }
    }
    return false;
}

/* Opcodes share implementations: each is watched once. */
static bool is_first_of_entry(const struct python_image *image, unsigned opcode) {
    for (unsigned i = 0; i < opcode; i++) {
        if (image->entry[i] == image->entry[opcode]) {
            return false;
        }
    }
    return true;
}

typedef bool (*reached_function)(void *context, struct core *cpu);
static reached_function what_watches(const struct python *python, unsigned opcode) {
    bool raises = opcode >= OP_RAISE_LAST && opcode <= OP_RAISE_FROM;
    return is_leaving(python, python->image.entry[opcode]) ? reached_leaving : raises ? reached_raise : reached_entry;
}

static void begin_watching(struct python *python) {
    struct python_trace *trace = python->trace;
    for (unsigned core = 0; core < PYTHON_CORES; core++) {
        for (unsigned i = 0; i < PYTHON_OPCODES; i++) {
            if (is_first_of_entry(&python->image, i) &&
                (trace->closely || is_worth_watching(&python->image, python->image.entry[i]))) {
                watch_address(python, &trace->entries[core][i], core, python->image.entry[i], what_watches(python, i));
            }
        }
    }
    watch_sites(python);
    trace->watching = true;
}

static void end_watching(struct python *python) {
    struct python_trace *trace = python->trace;
    for (unsigned core = 0; core < PYTHON_CORES; core++) {
        struct core *cpu = machine_core(python->machine, core);
        for (unsigned i = 0; i < PYTHON_OPCODES; i++) {
            if (trace->entries[core][i].python) {
                core_unwatch(cpu, &trace->entries[core][i].watch);
                trace->entries[core][i].python = NULL;
            }
        }
        for (unsigned i = 0; i < trace->watched_sites; i++) {
            core_unwatch(cpu, &trace->sites[core][i].watch);
        }
    }
    trace->watched_sites = 0;
    trace->watching = false;
}

/* ---- Tracers ---- */

/* What the tracers want has changed. */
static void choose_watches(struct python *python) {
    struct python_trace *trace = python->trace;
    bool closely = false;
    trace->moments = 0;
    for (struct python_tracer *each = trace->tracers; each; each = each->next) {
        trace->moments |= each->moments;
        closely |= each->closely;
    }
    if (trace->watching && (!trace->tracers || closely != trace->closely)) {
        end_watching(python);
    }
    trace->closely = closely;
    if (trace->tracers && !trace->watching) {
        begin_watching(python);
    }
}

uint64_t python_cycles(const struct python *python, unsigned core) {
    return python->machine ? core_cycles(machine_core(python->machine, core)) : 0;
}

uint64_t python_time_ps(const struct python *python, unsigned core) {
    const struct core *cpu = python->machine ? machine_core(python->machine, core) : NULL;
    return cpu ? clock_time_of(cpu->desc.clock, core_cycles(cpu)) : 0;
}

bool python_trace(struct python *python, struct python_tracer *tracer) {
    if (!python_is_known(python) || !python->machine) {
        return false;
    }
    if (!python->trace) {
        python->trace = calloc(1, sizeof(*python->trace));
    }
    if (!python->trace) {
        return false;
    }
    struct python_tracer **at = &python->trace->tracers;
    while (*at) {
        at = &(*at)->next;
    }
    tracer->next = NULL;
    *at = tracer;
    choose_watches(python);
    return true;
}

void python_untrace(struct python *python, struct python_tracer *tracer) {
    struct python_tracer **at = python->trace ? &python->trace->tracers : &tracer->next;
    while (*at && *at != tracer) {
        at = &(*at)->next;
    }
    if (*at != tracer) {
        return;
    }
    *at = tracer->next;
    choose_watches(python);
}

void python_trace_forget(struct python *python) {
    if (python->trace) {
        memset(python->trace->core, 0, sizeof(python->trace->core));
    }
}

void python_trace_close(struct python *python) {
    if (python->trace && python->trace->watching) {
        end_watching(python);
    }
    free(python->trace);
}
