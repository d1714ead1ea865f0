/* The view of a Python program on a memory with rubbish in it: one made by hand (tests/unit/python_memory.h), of which
 * words are replaced by those of the input. The first byte says which layout. */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/python_memory.h"

static void patch(struct hand *hand, const uint8_t *bytes, size_t size) {
    for (size_t at = 0; at + 6 <= size; at += 6) {
        uint32_t word;
        uint16_t place;
        memcpy(&place, bytes + at, 2);
        memcpy(&word, bytes + at + 2, 4);
        uint32_t offset = place % (HAND_SIZE - 4);
        hand_put(hand, (place & 0x8000 ? HAND_FLASH : HAND_RAM) + offset, word);
    }
}

static void look_at(struct python *python, const struct python_variable *variables, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        struct python_variable children[8];
        char text[200];
        python_text(python, variables[i].object, text, sizeof(text));
        python_type(python, variables[i].object, text, sizeof(text));
        python_children(python, variables[i].object, children, 8);
    }
}

static void look(struct python *python) {
    struct python_frame frames[PYTHON_DEPTH];
    unsigned count = python_stack(python, 0, frames, PYTHON_DEPTH);
    char text[32];
    python_string(python, count, text, sizeof(text));
    for (unsigned i = 0; i < count && i < 4; i++) {
        struct python_variable variables[16];
        look_at(python, variables, python_globals(python, &frames[i], variables, 16));
        look_at(python, variables, python_locals(python, &frames[i], variables, 16));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct hand hand;
    bool old = size && bytes[0] & 1;
    hand_make(&hand, old);
    struct python *python = python_open_memory(&hand.memory);
    if (!python || !size) {
        python_close(python);
        return 0;
    }
    if (bytes[0] & 2) {
        look(python); /* what it has learnt is wrong then */
    }
    patch(&hand, bytes + 1, size - 1);
    look(python);
    python_forget(python);
    look(python);
    python_close(python);
    return 0;
}
