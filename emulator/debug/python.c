/* The view of a machine: its memory as the interpreter sees it, its cores, and what is forgotten when.
 *
 * Not followed: address translation of the RP2350's XIP windows. A firmware that runs from a partition is found only
 * when that begins at the beginning of the flash. */
#include "emulator/cpu/internal.h"
#include "emulator/debug/python_private.h"
#include "emulator/machine.h"

#include <stdlib.h>

#define FLASH_BASE 0x10000000u
#define FLASH_END 0x11000000u /* of its first window */

/* ---- Memory ---- */

static void add_region(struct python_memory *memory, const struct bus_memory *from) {
    uint32_t size = from->window && from->window < from->size ? from->window : from->size;
    for (unsigned i = 0; i < memory->count; i++) {
        if (memory->region[i].bytes == from->host) {
            return; /* a second view of the same */
        }
    }
    if (memory->count < PYTHON_REGIONS) {
        memory->region[memory->count++] =
            (struct python_region){ .base = from->base, .size = size, .bytes = from->host, .writable = from->writable };
    }
}

/* RAM first: most reads are of it. ROM is of no interest. */
static void take_memory(struct python_memory *memory, const struct bus *bus) {
    for (unsigned i = 0; i < bus->memory_count; i++) {
        if (bus->memory[i].writable && bus->memory[i].base >= FLASH_BASE) {
            add_region(memory, &bus->memory[i]);
        }
    }
    for (unsigned i = 0; i < bus->memory_count; i++) {
        const struct bus_memory *each = &bus->memory[i];
        if (!each->writable && each->base >= FLASH_BASE && each->base < FLASH_END) {
            add_region(memory, each);
        }
    }
}

/* ---- Life ---- */

struct python *python_open_memory(const struct python_memory *memory) {
    struct python *python = calloc(1, sizeof(*python));
    if (!python) {
        return NULL;
    }
    python->memory = *memory;
    python->codes = python_codes_create();
    if (!python->codes) {
        python_close(python);
        return NULL;
    }
    return python;
}

struct python *python_open(struct machine *machine) {
    struct python_memory memory = { .count = 0 };
    take_memory(&memory, machine_core(machine, 0)->desc.bus);
    struct python *python = python_open_memory(&memory);
    if (python) {
        python->machine = machine;
    }
    return python;
}

void python_close(struct python *python) {
    if (python) {
        python_trace_close(python);
        python_codes_destroy(python->codes);
        free(python->names);
        free(python);
    }
}

/* As long as no time passes nothing new is to be found. */
static bool has_looked(struct python *python) {
    uint64_t now_ps = python->machine ? machine_now(python->machine) : 0;
    bool has = python->machine && python->has_looked && python->looked_ps == now_ps;
    python->has_looked = true;
    python->looked_ps = now_ps;
    return has;
}

bool python_is_known(struct python *python) {
    if (!python->known && !has_looked(python)) {
        python->known = python_find_image(&python->memory, &python->image);
    }
    return python->known;
}

void python_forget(struct python *python) {
    python->has_looked = false;
    python->known = python->known && python_image_stands(&python->memory, &python->image);
    python->newest_pool_at = 0;
    python->heap_at = 0;
    python->site_count = python->known ? python->site_count : 0;
    memset(python->core, 0, sizeof(python->core));
    python_trace_forget(python);
}

/* ---- Where it is ---- */

bool python_frame_of(struct python *python, const struct python_state *state, struct python_frame *ret_frame) {
    const struct python_code *code = python_code_of(python, &state->function);
    struct python_range range;
    if (!code) {
        return false;
    }
    python_line_of(python, code, &state->function, state->ip, &range);
    *ret_frame = (struct python_frame){
        .code = code, .line = range.line, .state = state->address, .ip = state->ip, .globals = state->function.globals
    };
    return true;
}

bool python_make_frame(struct python *python, uint32_t address, struct python_frame *ret_frame) {
    struct python_state state;
    return python_read_state(&python->memory, python_has_contexts(&python->image), address, &state) &&
           python_frame_of(python, &state, ret_frame);
}

static uint32_t stack_pointer(const struct python *python, unsigned core) {
    struct core *cpu = python->machine ? machine_core(python->machine, core) : NULL;
    return cpu && core_state(cpu) != CORE_HELD ? core_register(cpu, CORE_SP) : 0;
}

unsigned python_stack(struct python *python, unsigned core, struct python_frame *ret_frames, unsigned most) {
    uint32_t states[PYTHON_DEPTH], sp = stack_pointer(python, core);
    if (core >= PYTHON_CORES || !python_is_known(python) || (python->machine && !sp)) {
        return 0;
    }
    unsigned count = python_states(python, core, sp, states, most < PYTHON_DEPTH ? most : PYTHON_DEPTH), made = 0;
    for (unsigned i = 0; i < count; i++) {
        made += python_make_frame(python, states[i], &ret_frames[made]);
    }
    return made;
}
