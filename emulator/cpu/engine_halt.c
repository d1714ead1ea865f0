/* What a debugger wants beyond watched addresses (engine_watch.c): watched data, BKPT and faults before they are taken,
 * and that a core which was stopped in the middle of a block goes on as if nothing had been.
 *
 * A page with watched data is served access by access (engine.c), all others as ever. The core halts before the access;
 * behind it where the engine cannot be stopped at it: ours at double words (VLDR, VSTR), a stock one in an IT block.
 * While data is watched polling loops are run pass by pass, which gives the same results. What DMA and PIO load and
 * store is not watched.
 *
 * The rest of a block in which the core was stopped ends when the whole one would have; no interrupt is taken, no code
 * fetched and nothing due served in between. */
#include "emulator/cpu/engine_private.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- The rest of a block ---- */

void halt_within_block(struct core *core, const struct block_cost *block) {
    struct halt *halt = &core->halt;
    const struct block_cost *finishing = core->engine->finishing;
    halt->within = true;
    halt->block_end = core->cycles;
    halt->taken = (block ? block->taken : 0) + (halt->corrects ? halt->correction : 0);
    halt->corrects = false;
    halt->has_end = finishing != NULL;
    if (finishing && finishing != &halt->end) {
        halt->end = *finishing;
    }
    core->engine->finishing = NULL;
}

bool halt_is_within(const struct core *core, uint32_t pc) {
    return core->halt.within && core->halt.position.pc == pc;
}

const struct block_cost *halt_take_rest(struct core *core, const struct block_cost *rest) {
    struct halt *halt = &core->halt;
    halt->within = false;
    halt->correction = halt->taken - rest->taken;
    halt->corrects = halt->correction != 0;
    halt->correct_at = rest->end;
    core->cycles = halt->block_end - rest->cycles - rest->taken;
    return halt->has_end ? &halt->end : NULL;
}

int halt_correction(struct core *core, uint32_t pc) {
    struct halt *halt = &core->halt;
    int correction = halt->corrects && halt->correct_at == pc ? halt->correction : 0;
    halt->corrects = false;
    return correction;
}

void halt_forget(struct core *core) {
    core->halt.within = core->halt.has_end = core->halt.passes_access = core->halt.corrects = false;
    core->halt.why = CORE_NOT_HALTED;
    core->halt.fault_pc = 0;
}

void halt_before_block(struct core *core, uint32_t pc) {
    core->halt.position = (struct core_position){ .cycles = core->cycles, .pc = pc };
}

void halt_begin_run(struct core *core) {
    struct halt *halt = &core->halt;
    halt->passes_access = halt->why == CORE_AT_ACCESS;
    halt->fault_pc = halt->why == CORE_AT_FAULT ? halt->position.pc : 0;
    halt->why = CORE_NOT_HALTED;
    halt->is_late = false;
}

enum core_halt core_halted_by(const struct core *core) {
    return core->halt.why;
}

struct core_position core_position(const struct core *core) {
    return core->halt.position;
}

bool core_is_within_block(const struct core *core) {
    return core->halt.within;
}

uint64_t core_until(const struct core *core) {
    return core->limit;
}

void core_set_debugger(struct core *core, const struct core_debugger *debugger) {
    core->debugger = *debugger;
}

static void tell_halted(struct core *core, enum core_halt why) {
    core->halt.why = why;
    core->watches.steps = false;
    core_yield(core);
    if (core->desc.halted) {
        core->desc.halted(core->desc.machine_context, core);
    }
}

/* ---- Watched data ---- */

bool halt_has_page(const struct core *core, uint32_t page, uint32_t size) {
    for (unsigned i = 0; i < core->halt.data_count; i++) {
        const struct watched_data *data = &core->halt.data[i];
        if (data->address - page < size || page - data->address < data->size) {
            return true;
        }
    }
    return false;
}

static bool is_watched(const struct core *core, uint32_t address, unsigned size, bool is_store) {
    for (unsigned i = 0; i < core->halt.data_count; i++) {
        const struct watched_data *data = &core->halt.data[i];
        bool touches = address - data->address < data->size || data->address - address < size;
        if (touches && (is_store ? data->stores : data->loads)) {
            return true;
        }
    }
    return false;
}

/* As on_watched() in engine_watch.c sees the instruction. */
static struct core_position position_of_access(struct core *core, uint32_t pc, uint64_t end) {
    const struct block_cost *block = blocks_known(core, time_block_start(core));
    bool begins = block && block->address == pc;
    return (struct core_position){ .cycles = begins ? end - block->cycles - block->taken : end, .pc = pc };
}

/* The engine stops at the very instruction; account_for_stop() does the rest. */
bool halt_at_access(struct core *core, uint32_t address, unsigned size, bool is_store) {
    struct halt *halt = &core->halt;
    const struct core_debugger *debugger = &core->debugger;
    if (!debugger->on_access || !is_watched(core, address, size, is_store)) {
        return false;
    }
    uint32_t pc = engine_access_pc(core);
    uint64_t end = core->engine->base - engine_cycles_left(core->engine);
    bool goes_on = pc == halt->position.pc && end == halt->block_end; /* with the instruction at which it was halted */
    if (goes_on && halt->passes_access) {
        return false;
    }
    if (!goes_on) {
        halt->position = position_of_access(core, pc, end);
    }
    if (!debugger->on_access(debugger->context, core, address, size, is_store)) {
        return false;
    }
    if (core->engine->goes_on) {
        halt->is_late = true;
        core_halt_next(core);
        time_ask_next(core);
        return false;
    }
    halt->is_late = false;
    tell_halted(core, CORE_AT_ACCESS);
    engine_end_run(core->engine, STOP_WATCH);
    return true;
}

/* The engine looks anew how pages are served. */
static void change_pages(struct core *core) {
    core->engine->mixed_count = 0;
    uc_ctl_flush_tlb(core->engine->uc);
}

bool core_watch_data(struct core *core, uint32_t address, uint32_t size, bool loads, bool stores) {
    struct halt *halt = &core->halt;
    struct watched_data *data = size ? realloc(halt->data, (halt->data_count + 1) * sizeof(*data)) : NULL;
    if (!data) {
        return false;
    }
    halt->data = data;
    data[halt->data_count++] =
        (struct watched_data){ .address = address, .size = size, .loads = loads, .stores = stores };
    change_pages(core);
    return true;
}

void core_unwatch_data(struct core *core, uint32_t address, uint32_t size, bool loads, bool stores) {
    struct halt *halt = &core->halt;
    for (unsigned i = 0; i < halt->data_count; i++) {
        const struct watched_data *data = &halt->data[i];
        if (data->address == address && data->size == size && data->loads == loads && data->stores == stores) {
            halt->data[i] = halt->data[--halt->data_count];
            change_pages(core);
            return;
        }
    }
}

/* ---- BKPT and faults ---- */

static const char *name_fault(enum stop stop) {
    switch (stop) {
    case STOP_UNDEFINED:
        return "undefined instruction";
    case STOP_UNALIGNED:
        return "unaligned access";
    case STOP_BAD_FETCH:
        return "execution of what is no code";
    case STOP_STATE:
        return "change to Arm state, which the core does not have (an address without bit 0)";
    case STOP_STACK_LIMIT:
        return "stack overflow: sp below the stack limit";
    case STOP_NO_COPROCESSOR:
        return "instruction of a coprocessor that is not there or not enabled";
    case STOP_DIVIDE:
        return "division by zero";
    default:
        return NULL;
    }
}

static const char *name_refusal(struct core *core) {
    return core->fault_protected                                                ? "which the MPU forbids"
           : bus_memory_at(core->desc.bus, core->fault_address & ~3u, 4, false) ? "which is read-only"
                                                                                : "where nothing answers";
}

static bool describe_fault(struct core *core, enum stop stop, char *words, size_t room) {
    uint32_t pc = core->registers.r[15];
    const char *name = name_fault(stop);
    if (stop == STOP_BAD_LOAD || stop == STOP_BAD_STORE) {
        snprintf(words, room, "%s 0x%08x, %s, at 0x%08x", stop == STOP_BAD_LOAD ? "load from" : "store to",
                 core->fault_address, name_refusal(core), pc);
        return true;
    }
    if (name) {
        snprintf(words, room, "%s at 0x%08x", name, pc);
    }
    return name != NULL;
}

/* Not within a block: the instruction begins anew when the core goes on. */
bool halt_at_stop(struct core *core, enum stop stop) {
    const struct core_debugger *debugger = &core->debugger;
    struct halt *halt = &core->halt;
    uint32_t pc = core->registers.r[15];
    char words[160];
    bool halts = false;
    if (stop == STOP_BAD_FETCH && halt->why == CORE_STEPPED) {
        return true; /* the instruction has been stepped over; the fault is the next one's */
    }
    if (stop == STOP_BKPT && debugger->on_breakpoint) {
        halt_before_block(core, pc);
        halts = debugger->on_breakpoint(debugger->context, core, pc);
    } else if (debugger->on_fault && pc != halt->fault_pc && describe_fault(core, stop, words, sizeof(words))) {
        halt_before_block(core, pc);
        halts = debugger->on_fault(debugger->context, core, words);
    }
    if (halts) {
        tell_halted(core, stop == STOP_BKPT ? CORE_AT_BREAKPOINT : CORE_AT_FAULT);
    }
    return halts;
}

void halt_finish(struct core *core) {
    free(core->halt.data);
    core->halt = (struct halt){ 0 };
}
