/* See python_memory.h. */
#include "tests/unit/python_memory.h"

#include <stdio.h>

static uint8_t *hand_at(struct hand *hand, uint32_t address) {
    return address >= HAND_RAM ? hand->ram + (address - HAND_RAM) : hand->flash + (address - HAND_FLASH);
}

void hand_put(struct hand *hand, uint32_t address, uint32_t word) {
    memcpy(hand_at(hand, address), &word, 4);
}

void hand_put_half(struct hand *hand, uint32_t address, uint32_t half) {
    uint16_t value = (uint16_t)half;
    memcpy(hand_at(hand, address), &value, 2);
}

void hand_put_byte(struct hand *hand, uint32_t address, uint32_t byte) {
    *hand_at(hand, address) = (uint8_t)byte;
}

/* Opcodes that share an implementation: small integers, loads and stores of the first locals. */
static unsigned implementation(unsigned opcode) {
    return opcode < 0x70 ? opcode : opcode < 0xb0 ? 0x70 : opcode < 0xd0 ? opcode & 0xf0 : opcode;
}

static void make_table(struct hand *hand) {
    for (unsigned i = 0; i < PYTHON_OPCODES; i++) {
        hand_put(hand, HAND_TABLE + 4 * i, (HAND_VM + 4 * implementation(i)) | 1);
    }
}

static void make_pool(struct hand *hand, bool old) {
    static const char *const names[] = {
        [HAND_MODULE] = "<module>", [HAND_FILE] = "code.py", [HAND_FUNCTION] = "blink", [HAND_PARAMETER] = "pin"
    };
    uint32_t hashes = HAND_POOL + 0x100, lengths = HAND_POOL + 0x180, text = HAND_POOL + 0x200;
    hand_put(hand, HAND_POOL + 8, 10);
    hand_put(hand, HAND_POOL + 12, HAND_STRINGS);
    hand_put(hand, HAND_POOL + 16, hashes);
    hand_put(hand, HAND_POOL + 20, lengths);
    for (unsigned i = 0; i < HAND_STRINGS; i++) {
        char name[16];
        snprintf(name, sizeof(name), "name%u", i);
        if (i < sizeof(names) / sizeof(*names) && names[i]) {
            strcpy(name, names[i]);
        }
        memcpy(hand_at(hand, text), name, strlen(name) + 1);
        hand_put(hand, HAND_POOL + (old ? 20 : 24) + 4 * i, text);
        hand_put_byte(hand, old ? hashes + 2 * i + 1 : lengths + i, (uint32_t)strlen(name));
        text += (uint32_t)strlen(name) + 1;
    }
    hand_put(hand, HAND_NEWEST, HAND_POOL);
}

struct made {
    uint32_t handler, bytecode, name, offset; /* `offset`: of the present instruction */
    unsigned parameters;                      /* 0 or 1 */
};

/* Bytes before the first instruction. */
static uint32_t lead_of(const struct made *made, bool old) {
    return old ? 10 : 6 + made->parameters;
}

static void put_bytes(struct hand *hand, uint32_t *at, const uint8_t *bytes, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        hand_put_byte(hand, (*at)++, bytes[i]);
    }
}

/* 3 words of state. Line table: 4 bytes of code on line 1, 6 on line 3, the rest on line 20. */
static void make_bytecode(struct hand *hand, const struct made *made, bool old) {
    const uint8_t sizes[] = { (uint8_t)(2 << 3 | made->parameters), (uint8_t)((lead_of(made, old) - 2) << 1) };
    const uint8_t old_names[] = { (uint8_t)made->name, 0, HAND_FILE, 0 };
    const uint8_t names[] = { (uint8_t)made->name, 2 };
    const uint8_t lines[] = { 2 << 5 | 4, 0x80 | 6, 17, 0 };
    uint32_t at = made->bytecode;
    put_bytes(hand, &at, sizes, 2);
    put_bytes(hand, &at, old ? old_names : names, old ? 4 : 1 + made->parameters);
    put_bytes(hand, &at, lines, old ? 4 : 3);
    for (unsigned i = 0; i < 32; i++) {
        hand_put_byte(hand, at + i, 0x80);
    }
}

static void make_function(struct hand *hand, uint32_t object, const struct made *made, bool old) {
    uint32_t context = HAND_RAM + 0x400, strings = HAND_RAM + 0x420;
    hand_put(hand, object, HAND_FUNCTION_TYPE);
    hand_put(hand, object + 4, old ? HAND_GLOBALS : context);
    hand_put(hand, object + (old ? 8 : 12), made->bytecode);
    hand_put(hand, context, HAND_TYPE);
    hand_put(hand, context + 4, HAND_GLOBALS);
    hand_put(hand, context + 8, strings);
    static const uint8_t table[] = { HAND_FILE, HAND_FUNCTION, HAND_PARAMETER, HAND_MODULE };
    for (unsigned i = 0; i < sizeof(table); i++) {
        hand_put_half(hand, strings + 2 * i, table[i]);
    }
}

static void make_frame(struct hand *hand, const struct made *made, uint32_t outer, bool old) {
    uint32_t state = made->handler + HAND_STATE, object = made->bytecode + 0x80;
    uint32_t slots = state + 4 * PYTHON_STATE_WORDS;
    hand_put(hand, made->handler, outer);
    hand_put(hand, made->handler + 8, (HAND_VM + 0x40) | 1);
    hand_put(hand, made->handler + 24, state); /* r7 */
    hand_put(hand, made->handler + 44, made->handler - 0x20);
    hand_put(hand, state, object);
    hand_put(hand, state + 4, made->bytecode + lead_of(made, old) + made->offset);
    hand_put(hand, state + 8, slots - 4);
    hand_put(hand, state + 12, 3);
    hand_put(hand, slots + 8, 2 * 42 + 1); /* the first local: 42 */
}

void hand_make(struct hand *hand, bool old) {
    *hand = (struct hand){ .memory = { .count = 2,
                                       .region = { { HAND_RAM, HAND_SIZE, NULL, true },
                                                   { HAND_FLASH, HAND_SIZE, NULL, false } } } };
    hand->memory.region[0].bytes = hand->ram;
    hand->memory.region[1].bytes = hand->flash;
    make_table(hand);
    make_pool(hand, old);
    hand_put(hand, HAND_TYPE, HAND_TYPE);
    hand_put(hand, HAND_FUNCTION_TYPE, HAND_TYPE);
    const struct made frames[] = {
        { HAND_INNER, HAND_RAM + 0xa00, old ? HAND_FUNCTION : 1, .offset = 10, .parameters = 1 },
        { HAND_OUTER, HAND_RAM + 0x800, old ? HAND_MODULE : 3, .offset = 5 },
    };
    for (unsigned i = 0; i < 2; i++) {
        make_bytecode(hand, &frames[i], old);
        make_function(hand, frames[i].bytecode + 0x80, &frames[i], old);
        make_frame(hand, &frames[i], i ? 0 : HAND_OUTER, old);
    }
    hand_put(hand, HAND_TOP, HAND_INNER);
}
