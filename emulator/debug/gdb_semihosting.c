/* Semihosting: BKPT 0xab with an operation in r0 and a parameter or the address of parameters in r1 ("Semihosting for
 * AArch32 and AArch64", Arm). What the program prints goes to the client's console.
 *
 * Served: SYS_OPEN, CLOSE, ISTTY and WRITE of ":tt", WRITEC, WRITE0, READC and READ (nothing is there to read), CLOCK
 * and TIME (virtual), ERRNO, FLEN, EXIT and EXIT_EXTENDED. Files of the host are not opened: -1. */
#include "emulator/debug/gdb_private.h"

#include "emulator/core/scheduler.h"

#include <stdio.h>
#include <string.h>

enum operation {
    SYS_OPEN = 0x01,
    SYS_CLOSE = 0x02,
    SYS_WRITEC = 0x03,
    SYS_WRITE0 = 0x04,
    SYS_WRITE = 0x05,
    SYS_READ = 0x06,
    SYS_READC = 0x07,
    SYS_ISTTY = 0x09,
    SYS_FLEN = 0x0c,
    SYS_CLOCK = 0x10,
    SYS_TIME = 0x11,
    SYS_ERRNO = 0x13,
    SYS_EXIT = 0x18,
    SYS_EXIT_EXTENDED = 0x20,
};

#define INSTRUCTION 0xbeabu
#define FAILED UINT32_MAX
#define HANDLE 1u
#define TEXT_MOST 4096u

static uint32_t parameter(struct gdb *gdb, unsigned core, unsigned index) {
    uint32_t value = 0, block = core_register(gdb_core(gdb, core), 1);
    machine_peek(gdb->machine, block + 4 * index, &value, sizeof(value));
    return value;
}

static void print(struct gdb *gdb, uint32_t address, uint32_t size) {
    char text[TEXT_MOST + 1];
    uint32_t length = 0;
    while (length < size && length < TEXT_MOST && machine_peek(gdb->machine, address + length, &text[length], 1) &&
           text[length]) {
        length++;
    }
    text[length] = '\0';
    gdb_reply_console(gdb->driver, text);
}

static uint32_t open_file(struct gdb *gdb, unsigned core) {
    char name[4] = "";
    bool known = machine_peek(gdb->machine, parameter(gdb, core, 0), name, sizeof(name));
    return known && strcmp(name, ":tt") == 0 ? HANDLE : FAILED;
}

static uint32_t serve(struct gdb *gdb, unsigned core, uint32_t operation) {
    uint32_t argument = core_register(gdb_core(gdb, core), 1);
    switch (operation) {
    case SYS_OPEN:
        return open_file(gdb, core);
    case SYS_CLOSE:
        return 0;
    case SYS_WRITEC:
        print(gdb, argument, 1);
        return 0;
    case SYS_WRITE0:
        print(gdb, argument, TEXT_MOST);
        return 0;
    case SYS_WRITE:
        print(gdb, parameter(gdb, core, 1), parameter(gdb, core, 2));
        return 0;
    case SYS_READ:
        return parameter(gdb, core, 2); /* so many bytes were not read */
    case SYS_ISTTY:
        return parameter(gdb, core, 0) == HANDLE;
    case SYS_CLOCK:
        return (uint32_t)(session_now(gdb->session) / (PS_PER_S / 100));
    case SYS_TIME:
        return (uint32_t)(session_now(gdb->session) / PS_PER_S);
    case SYS_FLEN:
    case SYS_ERRNO:
        return 0;
    default:
        return FAILED;
    }
}

bool gdb_semihosting_serve(struct gdb *gdb, unsigned core) {
    struct core *from = gdb_core(gdb, core);
    uint32_t pc = core_register(from, CORE_PC), operation = core_register(from, 0);
    uint16_t code = 0;
    bool called = machine_peek(gdb->machine, pc, &code, sizeof(code)) && code == INSTRUCTION;
    if (!called || !gdb->has_semihosting || !gdb->driver) {
        return false;
    }
    if (operation == SYS_EXIT || operation == SYS_EXIT_EXTENDED) {
        snprintf(gdb->words, sizeof(gdb->words), "the program has ended by semihosting (exit)");
        return false;
    }
    gdb_set_register(gdb, core, 0, serve(gdb, core, operation));
    gdb_set_register(gdb, core, CORE_PC, pc + 2);
    if (gdb->stepped_core == core) { /* the step has ended behind it */
        return false;
    }
    return true;
}
