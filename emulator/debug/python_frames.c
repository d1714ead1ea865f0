/* From the chain of exception handlers to the frames of a core.
 *
 * The interpreter's main function enters an exception handler (nlr_push, py/nlr.h) before it runs the first instruction
 * of a Python function, so each frame has a buffer in the chain that nlr_top heads. A buffer's return address tells
 * that it is the interpreter's. Where the address of the frame's state is in relation to the buffer (in a saved
 * register, in a word of the stack) is the compiler's choice: it is learnt from what can be seen. All words are
 * candidates that name a valid state; those that outer buffers hold as well are registers which nobody has changed
 * since.
 *
 * While an exception unwinds, the buffer of the innermost frame is already taken off the chain and not yet put back; it
 * is found on the stack then. The outermost buffer's predecessor may be stale: a chain ends where it does not go up. */
#include "emulator/debug/python_private.h"

#define STACK_NEAR 4096     /* bytes from the stack pointer of a handler to its buffer, at most */
#define CHAIN_SPREAD 0x8000 /* from a buffer to the one further out */
#define CHAIN_MOST 512
#define VM_BEFORE 0x200 /* code of the interpreter outside of its opcodes */
#define VM_BEHIND 0x400
#define SITE_SETTLED 50 /* observations */

/* Offsets in a buffer. */
#define NLR_LR 8
#define NLR_SP 44

/* ---- Buffers ---- */

static bool is_handler(const struct python_memory *memory, uint32_t handler) {
    uint32_t lr, sp;
    if (!python_is_ram(memory, handler) || !python_read(memory, handler + NLR_LR, &lr) ||
        !python_read(memory, handler + NLR_SP, &sp)) {
        return false;
    }
    return lr & 1 && python_at(memory, lr & ~1u, 2) && !(sp & 3) && sp <= handler && handler - sp <= STACK_NEAR;
}

/* The buffer further out; 0: none. */
static uint32_t outer_handler(const struct python_memory *memory, uint32_t handler) {
    uint32_t outer = python_word(memory, handler);
    return outer > handler && outer - handler < CHAIN_SPREAD && is_handler(memory, outer) ? outer : 0;
}

static uint32_t return_address(const struct python *python, uint32_t handler) {
    return python_word(&python->memory, handler + NLR_LR);
}

static bool is_interpreter(const struct python *python, uint32_t lr) {
    uint32_t address = lr & ~1u;
    return address + VM_BEFORE > python->image.lowest && address < python->image.highest + VM_BEHIND;
}

/* ---- Where a buffer's frame is ---- */

static bool outer_holds(const struct python *python, uint32_t handler, uint32_t word) {
    const struct python_memory *memory = &python->memory;
    uint32_t outer = outer_handler(memory, handler);
    for (unsigned n = 0; outer && n < 64; n++) {
        for (unsigned i = 0; i < 8; i++) {
            if (python_word(memory, outer + PYTHON_SLOT_FIRST + 4 * i) == word) {
                return true;
            }
        }
        outer = outer_handler(memory, outer);
    }
    return false;
}

bool python_is_at_entry(const struct python *python, const struct python_state *state, uint32_t entry) {
    uint8_t opcode;
    return !entry || (python_byte(&python->memory, state->ip, &opcode) && python->image.entry[opcode] == entry);
}

static uint64_t candidate_slots(struct python *python, uint32_t handler, uint32_t entry) {
    uint64_t slots = 0;
    for (unsigned i = 0; i < PYTHON_SLOTS; i++) {
        uint32_t word = python_word(&python->memory, handler + PYTHON_SLOT_FIRST + 4 * i);
        struct python_state state;
        if (python_read_state(&python->memory, python_has_contexts(&python->image), word, &state) &&
            python_is_at_entry(python, &state, entry) && (entry || !outer_holds(python, handler, word))) {
            slots |= UINT64_C(1) << i;
        }
    }
    return slots;
}

static uint32_t slot_word(const struct python *python, uint32_t handler, uint64_t slots) {
    unsigned slot = (unsigned)__builtin_ctzll(slots);
    return python_word(&python->memory, handler + PYTHON_SLOT_FIRST + 4 * slot);
}

/* All candidates that are left hold the same. */
static bool slots_agree(const struct python *python, uint32_t handler, uint64_t slots) {
    uint32_t word = slot_word(python, handler, slots);
    for (uint64_t rest = slots & (slots - 1); rest; rest &= rest - 1) {
        if (slot_word(python, handler, rest) != word) {
            return false;
        }
    }
    return true;
}

static struct python_site *find_site(const struct python *python, uint32_t lr) {
    for (unsigned i = 0; i < python->site_count; i++) {
        if (python->sites[i].lr == lr) {
            return (struct python_site *)&python->sites[i];
        }
    }
    return NULL;
}

/* One observation more. Sites are only believed in when some word named a state. */
static struct python_site *learn_site(struct python *python, uint32_t handler, uint32_t entry) {
    uint32_t lr = return_address(python, handler);
    struct python_site *site = find_site(python, lr);
    uint64_t slots = candidate_slots(python, handler, entry);
    if (!site && slots && python->site_count < PYTHON_SITES) {
        site = &python->sites[python->site_count++];
        *site = (struct python_site){ .lr = lr, .slots = slots };
    }
    if (site && site->slots & slots) {
        site->slots &= slots;
        site->seen++;
    } else if (site && slots && entry) {
        *site = (struct python_site){ .lr = lr, .slots = slots }; /* what was learnt before was wrong */
    }
    return site;
}

bool python_is_settled(const struct python *python, uint32_t handler) {
    const struct python_site *site = find_site(python, return_address(python, handler));
    return site && site->seen >= SITE_SETTLED && slots_agree(python, handler, site->slots);
}

uint32_t python_slot_of(const struct python *python, uint32_t handler) {
    const struct python_site *site = find_site(python, return_address(python, handler));
    return site ? handler + PYTHON_SLOT_FIRST + 4 * (uint32_t)__builtin_ctzll(site->slots) : 0;
}

uint32_t python_state_of(struct python *python, uint32_t handler) {
    uint32_t lr = return_address(python, handler);
    struct python_site *site = find_site(python, lr);
    if (!site && !is_interpreter(python, lr)) {
        return 0;
    }
    if (!site || site->seen < SITE_SETTLED || !slots_agree(python, handler, site->slots)) {
        site = learn_site(python, handler, 0);
    }
    return site ? slot_word(python, handler, site->slots) : 0;
}

/* ---- Where the innermost buffer is named ---- */

static unsigned interpreter_handlers(const struct python *python, uint32_t handler, unsigned *ret_length) {
    unsigned count = 0, length = 0;
    while (handler && length < CHAIN_MOST) {
        count += is_interpreter(python, return_address(python, handler));
        length++;
        handler = outer_handler(&python->memory, handler);
    }
    *ret_length = length;
    return count;
}

/* May a core with this stack pointer be in a function that has entered this handler? */
static bool is_above(uint32_t handler, uint32_t sp) {
    return !sp || (handler >= sp && handler - sp < CHAIN_SPREAD);
}

/* The word that heads the longest chain with frames in it, and is no buffer itself. */
static uint32_t find_top(const struct python *python, uint32_t sp) {
    const struct python_memory *memory = &python->memory;
    uint32_t best = 0;
    unsigned longest = 0;
    for (unsigned i = 0; i < memory->count; i++) {
        const struct python_region *region = &memory->region[i];
        for (uint32_t offset = 0; region->writable && offset + 4 <= region->size; offset += 4) {
            uint32_t handler;
            unsigned length;
            memcpy(&handler, region->bytes + offset, 4);
            if (handler & 3 || !is_above(handler, sp) || !is_handler(memory, handler) ||
                is_handler(memory, region->base + offset)) {
                continue;
            }
            if (interpreter_handlers(python, handler, &length) && length > longest) {
                longest = length;
                best = region->base + offset;
            }
        }
    }
    return best;
}

static uint32_t innermost_handler(struct python *python, unsigned index, uint32_t sp) {
    struct python_core *core = &python->core[index];
    if (!core->top_at) {
        core->top_at = find_top(python, sp);
    }
    uint32_t handler = core->top_at ? python_word(&python->memory, core->top_at) : 0;
    return handler && is_handler(&python->memory, handler) ? handler : 0;
}

/* ---- Frames ---- */

static bool is_state(const struct python *python, uint32_t address) {
    struct python_state state;
    return address && python_read_state(&python->memory, python_has_contexts(&python->image), address, &state);
}

/* The buffer that a raise has just taken off the chain; 0: none. */
static uint32_t popped_handler(struct python *python, uint32_t top, uint32_t sp) {
    const struct python_memory *memory = &python->memory;
    if (!sp || sp >= top || top - sp >= STACK_NEAR || !python->site_count) {
        return 0;
    }
    for (uint32_t at = (sp + 3) & ~3u; at < top; at += 4) {
        if (python_word(memory, at) == top && is_handler(memory, at) && python_word(memory, at + NLR_SP) >= sp &&
            is_interpreter(python, return_address(python, at))) {
            return at;
        }
    }
    return 0;
}

/* All frames of a stack are seen before any of them is believed. */
static void learn_stack(struct python *python, uint32_t handler) {
    for (unsigned n = 0; handler && n < CHAIN_MOST; n++) {
        if (is_interpreter(python, return_address(python, handler)) && !python_is_settled(python, handler)) {
            learn_site(python, handler, 0);
        }
        handler = outer_handler(&python->memory, handler);
    }
}

unsigned python_states(struct python *python, unsigned core, uint32_t sp, uint32_t *ret_states, unsigned most) {
    unsigned count = 0;
    uint32_t top = innermost_handler(python, core, sp);
    uint32_t popped = top ? popped_handler(python, top, sp) : 0;
    uint32_t handler = popped ? popped : top;
    learn_stack(python, handler);
    for (unsigned n = 0; handler && n < CHAIN_MOST && count < most; n++) {
        uint32_t state = python_state_of(python, handler);
        if (is_state(python, state)) {
            ret_states[count++] = state;
        }
        handler = outer_handler(&python->memory, handler);
    }
    return count;
}

uint32_t python_outer(struct python *python, uint32_t handler) {
    for (unsigned n = 0; handler && n < CHAIN_MOST; n++) {
        handler = outer_handler(&python->memory, handler);
        if (handler && is_state(python, python_state_of(python, handler))) {
            return handler;
        }
    }
    return 0;
}

/* ---- At an instruction of the interpreter ---- */

/* It is in the interpreter's own stack frame. */
uint32_t python_own_handler(const struct python *python, uint32_t sp) {
    const struct python_memory *memory = &python->memory;
    for (uint32_t at = sp; !(sp & 3) && at - sp <= STACK_NEAR; at += 4) {
        if (python_word(memory, at + NLR_SP) == sp && is_handler(memory, at) &&
            is_interpreter(python, return_address(python, at))) {
            return at;
        }
    }
    return 0;
}

/* The word that names the buffer: the first one that is not on its stack. A second core's is on its stack, further out
 * than all copies of the address that functions have made. */
static uint32_t find_name_of(const struct python *python, uint32_t handler) {
    const struct python_memory *memory = &python->memory;
    uint32_t on_stack = 0;
    for (unsigned i = 0; i < memory->count; i++) {
        const struct python_region *region = &memory->region[i];
        for (uint32_t offset = 0; region->writable && offset + 4 <= region->size; offset += 4) {
            uint32_t word, address = region->base + offset;
            memcpy(&word, region->bytes + offset, 4);
            if (word != handler || is_handler(memory, address)) {
                continue;
            }
            if (address + CHAIN_SPREAD - handler >= CHAIN_SPREAD + STACK_NEAR) {
                return address;
            }
            on_stack = address > handler ? address : on_stack;
        }
    }
    return on_stack;
}

uint32_t python_learn(struct python *python, unsigned core, uint32_t sp, uint32_t entry) {
    uint32_t handler = python_own_handler(python, sp);
    if (!handler) {
        return 0;
    }
    uint32_t top_at = python->core[core].top_at;
    if (!top_at || python_word(&python->memory, top_at) != handler) {
        python->core[core].top_at = find_name_of(python, handler);
    }
    struct python_site *site = learn_site(python, handler, entry);
    return site ? handler : 0;
}
