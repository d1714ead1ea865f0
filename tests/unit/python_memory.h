/* A guest's memory made by hand, with what an interpreter has in it: a dispatch table, interned strings, a module's
 * frame that has called a function's. Layout: py/bc.h, py/qstr.h, py/nlr.h of MicroPython 1.24, or ("old") those of
 * MicroPython 1.18 as CircuitPython 8 has them. */
#ifndef TESTS_PYTHON_MEMORY_H
#define TESTS_PYTHON_MEMORY_H

#include "emulator/debug/python_private.h"

#define HAND_RAM 0x20000000u
#define HAND_FLASH 0x10000000u
#define HAND_SIZE 0x4000u

struct hand {
    uint8_t ram[HAND_SIZE], flash[HAND_SIZE];
    struct python_memory memory;
};

/* Places that tests change or look at. */
enum {
    HAND_TABLE = HAND_FLASH + 0x1000,
    HAND_POOL = HAND_FLASH + 0x2000,
    HAND_VM = HAND_FLASH + 0x100,          /* an opcode's code every 4 bytes */
    HAND_TOP = HAND_RAM + 0x100,           /* names the innermost handler */
    HAND_NEWEST = HAND_RAM + 0x104,        /* names the newest pool */
    HAND_TYPE = HAND_RAM + 0x200,          /* `type` */
    HAND_FUNCTION_TYPE = HAND_RAM + 0x210, /* the type of functions */
    HAND_GLOBALS = HAND_RAM + 0x300,
    HAND_INNER = HAND_RAM + 0x2000, /* handler of the function's frame, then its state */
    HAND_OUTER = HAND_RAM + 0x2800, /* the same of the module's */
    HAND_STATE = 0x100,             /* from a handler to its state */
};

/* Interned strings of the first pool. */
enum { HAND_MODULE = 1, HAND_FILE, HAND_FUNCTION, HAND_PARAMETER, HAND_STRINGS = 24 };

void hand_make(struct hand *hand, bool old);
void hand_put(struct hand *hand, uint32_t address, uint32_t word);
void hand_put_half(struct hand *hand, uint32_t address, uint32_t half);
void hand_put_byte(struct hand *hand, uint32_t address, uint32_t byte);

#endif
