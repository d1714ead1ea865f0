/* Whether a frame has an `except` around where it is. A frame keeps its handlers behind its slots (py/bc.h, struct
 * _mp_exc_stack_t); how many of them are in force is in a register of the interpreter's. So a handler counts when it
 * lies ahead and the instruction that sets it up (py/bc0.h, SETUP_EXCEPT) behind. Whether its class matches is not
 * looked at. */
#include "emulator/debug/python_private.h"

#define OP_SETUP_EXCEPT 0x48
#define HANDLER_BYTES 12
#define HANDLERS_MOST 32
#define IS_FINALLY 2u /* in the pointer to the stack: a `with` or `finally`, which passes the exception on */

/* A jump's distance has one byte, or two when bit 7 says so; in older versions always two. It counts from behind it. */
static bool leads_to(const uint8_t *label, uint32_t at, uint32_t handler) {
    uint32_t wide = label[0] | (uint32_t)label[1] << 8;
    uint32_t narrow = label[0] & 0x80 ? (label[0] & 0x7fu) | (uint32_t)label[1] << 7 : label[0];
    uint32_t bytes = label[0] & 0x80 ? 2 : 1;
    return at + bytes + narrow == handler || at + 2 + wide == handler;
}

static bool is_set_up(const struct python *python, const struct python_state *state, uint32_t handler) {
    uint32_t start = state->function.prelude.start;
    for (uint32_t at = start; at < state->ip && at - start < PYTHON_CODE_MOST; at++) {
        const uint8_t *code = python_at(&python->memory, at, 3);
        if (code && code[0] == OP_SETUP_EXCEPT && leads_to(code + 1, at + 1, handler)) {
            return true;
        }
    }
    return false;
}

bool python_catches(struct python *python, const struct python_frame *frame) {
    struct python_state state;
    if (!python_read_state(&python->memory, python_has_contexts(&python->image), frame->state, &state)) {
        return false;
    }
    const struct python_prelude *prelude = &state.function.prelude;
    uint32_t at = frame->state + 4 * (PYTHON_STATE_WORDS + prelude->states);
    for (unsigned i = 0; i < prelude->handlers && i < HANDLERS_MOST; i++, at += HANDLER_BYTES) {
        uint32_t handler = python_word(&python->memory, at), stack = python_word(&python->memory, at + 4);
        bool is_ahead = handler > state.ip && handler - state.ip < PYTHON_CODE_MOST;
        if (is_ahead && !(stack & IS_FINALLY) && is_set_up(python, &state, handler)) {
            return true;
        }
    }
    return false;
}
