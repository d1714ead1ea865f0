/* The instructions of a function, without running them: which lines have some, how many locals there are, which
 * functions are made in it. Formats of opcodes: py/bc0.h; encodings of offsets and numbers: py/vm.c (.mpy version 5
 * for functions without contexts, 6 for those with); compiled functions that have not been made yet: mp_raw_code_t in
 * py/emitglue.h, or from MicroPython 1.23 on the bytecode itself.
 *
 * Code has no length: it ends with a return, a raise or a jump back that no jump goes beyond. */
#include "emulator/debug/python_private.h"

#define CHILDREN_MOST 512
#define KIND_BYTECODE 2

/* Opcodes by their upper four bits. */
enum format { FORMAT_BYTE, FORMAT_STRING, FORMAT_NUMBER, FORMAT_OFFSET };

static enum format format_of(uint8_t opcode) {
    static const uint8_t formats[16] = {
        [1] = FORMAT_STRING, [2] = FORMAT_NUMBER, [3] = FORMAT_NUMBER, [4] = FORMAT_OFFSET
    };
    return formats[opcode >> 4];
}

/* UNWIND_JUMP and those that make closures have a byte more. */
static bool has_extra_byte(uint8_t opcode) {
    return opcode == 0x20 || opcode == 0x21 || opcode == 0x40;
}

/* JUMP to JUMP_IF_FALSE_OR_POP and UNWIND_JUMP go back as well. */
static bool is_signed(uint8_t opcode) {
    return opcode == 0x40 || (opcode >= 0x42 && opcode <= 0x46);
}

/* JUMP, POP_EXCEPT_JUMP, UNWIND_JUMP, RETURN_VALUE and the three that raise: what is behind them needs a jump. */
static bool goes_elsewhere(uint8_t opcode) {
    return opcode == 0x42 || opcode == 0x4a || opcode == 0x40 || (opcode >= 0x63 && opcode <= 0x66);
}

static bool take_offset(const struct python_memory *memory, bool contexts, uint8_t opcode, uint32_t *at,
                        int32_t *ret_offset) {
    uint8_t low, high = 0;
    if (!python_byte(memory, (*at)++, &low)) {
        return false;
    }
    bool wide = !contexts || low & 0x80;
    if (wide && !python_byte(memory, (*at)++, &high)) {
        return false;
    }
    if (!contexts) {
        *ret_offset = (low | high << 8) - (is_signed(opcode) ? 0x8000 : 0);
    } else if (wide) {
        *ret_offset = ((low & 0x7f) | high << 7) - (is_signed(opcode) ? 0x4000 : 0);
    } else {
        *ret_offset = low - (is_signed(opcode) ? 0x40 : 0);
    }
    return true;
}

struct instruction {
    uint8_t opcode;
    uint32_t number; /* its operand, where it has one */
    uint32_t target; /* of a jump; 0: none */
};

static bool take_instruction(const struct python_memory *memory, bool contexts, uint32_t *at,
                             struct instruction *ret_instruction) {
    struct instruction *instruction = ret_instruction;
    int32_t offset = 0;
    bool ok = python_byte(memory, *at, &instruction->opcode);
    instruction->target = 0;
    ++*at;
    switch (ok ? format_of(instruction->opcode) : FORMAT_BYTE) {
    case FORMAT_STRING:
        ok = contexts ? python_take_number(memory, at, &instruction->number) : python_at(memory, *at, 2) != NULL;
        *at += contexts ? 0 : 2;
        break;
    case FORMAT_NUMBER:
        ok = python_take_number(memory, at, &instruction->number);
        break;
    case FORMAT_OFFSET:
        ok = take_offset(memory, contexts, instruction->opcode, at, &offset);
        instruction->target = *at + (uint32_t)offset;
        break;
    case FORMAT_BYTE:
        break;
    }
    *at += has_extra_byte(instruction->opcode) ? 1 : 0;
    return ok;
}

/* A local that an instruction loads, stores or deletes. False: none. */
static bool local_of(const struct instruction *instruction, uint32_t *ret_local) {
    uint8_t opcode = instruction->opcode;
    bool is_multi = opcode >= 0xb0 && opcode <= 0xcf;
    *ret_local = is_multi ? opcode & 15u : instruction->number;
    return is_multi || (opcode >= 0x24 && opcode <= 0x29);
}

static bool makes_function(uint8_t opcode) {
    return opcode == OP_MAKE_CLOSURE || opcode == OP_MAKE_CLOSURE_DEFARGS || opcode == OP_MAKE_FUNCTION ||
           opcode == OP_MAKE_FUNCTION_DEFARGS;
}

void python_walk_code(const struct python_memory *memory, bool contexts, const struct python_function *function,
                      struct python_code_walk *ret_walk) {
    uint32_t at = function->prelude.start, furthest = at;
    struct instruction instruction;
    *ret_walk = (struct python_code_walk){ .locals = function->prelude.positional + function->prelude.keyword_only };
    while (at - function->prelude.start < PYTHON_CODE_MOST && take_instruction(memory, contexts, &at, &instruction)) {
        uint32_t local;
        if (local_of(&instruction, &local) && local >= ret_walk->locals && local < function->prelude.states) {
            ret_walk->locals = local + 1;
        }
        if (makes_function(instruction.opcode) && ret_walk->child_count < PYTHON_CHILDREN) {
            ret_walk->children[ret_walk->child_count++] = instruction.number;
        }
        if (instruction.target > furthest && instruction.target - function->prelude.start < PYTHON_CODE_MOST) {
            furthest = instruction.target;
        }
        ret_walk->end = at;
        if (goes_elsewhere(instruction.opcode) && at > furthest) {
            break;
        }
    }
}

/* ---- Functions that have not been made yet ---- */

static bool is_raw_code(const struct python_memory *memory, uint32_t address) {
    uint32_t head;
    bool known = python_read(memory, address, &head) &&
                 ((head & 0xffff) == 0 ? (head >> 16 & 0xff) == KIND_BYTECODE : (head & 7) == KIND_BYTECODE);
    return known && python_at(memory, python_word(memory, address + 4), 4);
}

bool python_read_child(const struct python_memory *memory, bool contexts, const struct python_function *parent,
                       uint32_t number, struct python_function *ret_child) {
    uint32_t child;
    if (number >= CHILDREN_MOST || !python_read(memory, parent->children + 4 * number, &child)) {
        return false;
    }
    *ret_child = (struct python_function){ .context = parent->context, .globals = parent->globals };
    if (is_raw_code(memory, child)) {
        ret_child->bytecode = python_word(memory, child + 4);
        ret_child->children = python_word(memory, child + 8);
    } else if (contexts) {
        ret_child->bytecode = child;
    } else {
        return false;
    }
    return python_complete_function(memory, contexts, ret_child) && ret_child->file == parent->file;
}
