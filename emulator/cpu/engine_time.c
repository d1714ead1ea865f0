/* Time while the engine runs: every block is paid when it begins, every access happens at its own cycle.
 *
 * A count goes down by each block's price. When it would fall below 0 somebody has to look: the slice is over, an
 * exception may be taken, the block is a special one. Time is `base` - count at the end of the block that runs, so
 * that an access in it happens at `base` - count - what of the block comes from there on (`rest`).
 *
 * There are two ways to count:
 * - An engine with our patch (subprojects/packagefiles/unicorn; UC_OWNER) counts by itself and calls us when it has to.
 *   It tells where in its translated code an access came from (engine_access.c).
 * - A stock engine calls for each block, which does the same sums. Which instruction an access belongs to it tells
 *   hooks on memory alone, and with these all loads and stores are slow.
 * Both give the same times; a test compares the recordings of both.
 *
 * Not exact: SEV and a changed stack limit act at the end of their block. */
#include "emulator/cpu/engine_private.h"

#define BUDGET 30000      /* the engine keeps a flag in the upper half of its count */
#define SAMPLE_BLOCKS 300 /* so many blocks in a row are looked at for loops without registers */
#define SAMPLE_PASSES 4
#define SAMPLE_FIRST 100000
#define SAMPLE_LAST 1000000 /* cycles between the samples */

/* ---- The count ---- */
void time_begin(struct core *core) {
    struct engine *engine = core->engine;
    uint32_t *count = (uint32_t *)engine_count(engine);
    engine->base = core->cycles;
    *count &= 0xffff0000u; /* a stop that was requested stays so */
    engine->finishing = NULL;
#ifndef UC_OWNER
    engine->running = NULL;
#endif
}

void time_now(struct core *core) {
    core->cycles = core->engine->base - engine_cycles_left(core->engine);
}

void time_ask_next(struct core *core) {
    uint32_t *count = (uint32_t *)engine_count(core->engine);
    time_now(core);
    core->engine->base = core->cycles;
    *count &= 0xffff0000u;
}

/* ---- The block that runs ---- */
/* Where the engine is; NULL: not within a block. */
static const struct block_cost *running_block(struct core *core) {
#ifdef UC_OWNER
    uint32_t block, pc;
    uintptr_t host = *core->engine->owned.host;
    return host && uc_owner_find(core->engine->uc, host, &block, &pc) ? blocks_known(core, block) : NULL;
#else
    return core->engine->running;
#endif
}

uint32_t time_block_start(struct core *core) {
    const struct block_cost *block = running_block(core);
    return block ? block->address : 0;
}

bool time_is_behind_block(struct core *core, uint32_t pc) {
#ifdef UC_OWNER
    return !*core->engine->owned.host;
#else
    return core->engine->running && core->engine->running->end == pc;
#endif
}

unsigned time_rest_from(struct core *core, const struct block_cost *block, uint32_t pc) {
    return block->cycles + block->taken - blocks_offset(core, block, pc);
}

unsigned time_rest(struct core *core, uint32_t pc) {
    const struct block_cost *block = running_block(core);
    bool inside = block && pc - block->address < block->end - block->address;
    return inside ? time_rest_from(core, block, pc) : 0;
}

/* What the instructions before `pc` have done of what a block does at its end. */
static void finish_partly(struct core *core, const struct block_cost *block, uint32_t pc) {
    struct block_cost part = { .address = block->address, .end = pc };
    const uint8_t *code = bus_code_at(core->desc.bus, block->address, pc - block->address);
    if (code) {
        core->arch->block_cost(code, pc - block->address, &part);
        blocks_finish(core, &part);
    }
}

static void stopped_before(struct core *core, uint32_t pc, unsigned rest) {
    const struct block_cost *block = core->engine->finishing;
    core->cycles -= rest;
    core->engine->finishing = NULL;
    if (block && pc - block->address < block->end - block->address) {
        finish_partly(core, block, pc);
    } else if (block) {
        blocks_finish(core, block);
    }
}

void time_stopped_at(struct core *core, uint32_t pc) {
    stopped_before(core, pc, time_rest(core, pc));
}

void time_stopped_in(struct core *core, const struct block_cost *block, uint32_t pc) {
    stopped_before(core, pc, time_rest_from(core, block, pc));
}

void time_went_to(struct core *core, uint32_t pc) {
#ifndef UC_OWNER
    const struct block_cost *block = core->engine->running;
    core->cycles -= block && block->end == pc ? block->taken : 0;
#endif
    time_end(core);
}

void time_end(struct core *core) {
    if (core->engine->finishing) {
        blocks_finish(core, core->engine->finishing);
        core->engine->finishing = NULL;
    }
}

/* ---- A block asks ---- */
static void stop_before(struct core *core, uint32_t address, enum stop stop) {
    core->engine->pc = address;
#ifndef UC_OWNER
    core->engine->running = NULL;
#endif
    engine_end_run(core->engine, stop);
}

static void end_before(struct core *core, uint32_t address) {
    stop_before(core, address, STOP_NONE);
}

/* May the pending exception be taken now? (The engine does not report changes of PRIMASK and its like.) */
static bool is_interrupted(struct core *core) {
    return core->attention && core->nvic.pending_priority < exceptions_current_priority(core);
}

/* From time to time some blocks in a row ask: is the first of them the head of a loop that waits for memory to change?
 */
static bool take_sample(struct core *core, uint32_t pc) {
    struct engine *engine = core->engine;
    if (!engine->sample) {
        if (core->cycles < engine->next_sample) {
            return false;
        }
        engine->sample = SAMPLE_BLOCKS;
        engine->sample_head = pc;
        engine->sample_passes = 0;
    }
    bool found = pc == engine->sample_head && engine->sample_passes++ == SAMPLE_PASSES;
    if (found || !--engine->sample) {
        uint64_t longer = engine->sample_interval + engine->sample_interval / 4;
        engine->sample_interval = found ? SAMPLE_FIRST : longer < SAMPLE_LAST ? longer : SAMPLE_LAST;
        engine->next_sample = core->cycles + engine->sample_interval;
        engine->sample = 0;
    }
    return found;
}

static bool wants_to_poll(struct core *core, struct block_cost *block) {
    bool found = take_sample(core, block->address);
    if ((!found && !block->loops) || block->cold || block->watched || core->watches.steps) {
        return false;
    }
    bool wants = polling_wants(core, block->address);
    if (!wants) {
        blocks_set_loops(block, false); /* until it is noticed again */
    }
    return wants;
}

/* Code that is not in the cache. False: the core has waited for it. True: it waits beyond the slice, and the block is
 * not to begin before that; or there is a bus error. */
static bool waits_for_code(struct core *core, struct block_cost *block) {
    unsigned waits = 0;
    if (block->cold && !code_lines_fetch(core, block, &waits)) {
        stop_before(core, block->address, STOP_BAD_FETCH);
        return true;
    }
    if (core->cycles + waits < core->slice) {
        core->cycles += waits;
        core->engine->base += waits;
        return false;
    }
    core->stall_until = core->cycles + waits;
    end_before(core, block->address);
    return true;
}

/* A debugger hears of it, and may stop the core before it. */
static bool begins_watched(struct core *core, const struct block_cost *block) {
    struct watches *watches = &core->watches;
    if (!block->watched && !watches->steps) {
        return false;
    }
    watches->block = block;
    halt_before_block(core, block->address);
    return watch_stops_before(core, block->address);
}

/* How far may the engine go without asking? */
static void pay_block(struct core *core, const struct block_cost *block) {
    struct engine *engine = core->engine;
    unsigned price = block->cycles + block->taken;
    uint64_t budget = core->slice - core->cycles;
    bool special = block->sev || block->limits || core->watches.steps;
    engine->finishing = special ? block : NULL;
    budget = budget < BUDGET ? budget : BUDGET;
    if (budget < price || special || core->attention || engine->sample) {
        budget = price;
    }
    engine->base = core->cycles + budget;
    *engine_count(engine) = (int32_t)(budget - price);
}

/* The rest of a block in which a debugger has stopped the core: it ends when the whole block would have. */
static void pay_rest(struct core *core, const struct block_cost *block) {
    struct engine *engine = core->engine;
    if (block->watched || core->watches.steps) {
        core->watches.block = block;
        core->watches.passes = false;
        core->watches.has_begun = core->watches.steps;
    }
    engine->finishing = halt_take_rest(core, block);
    engine->base = core->cycles + block->cycles + block->taken;
    *engine_count(engine) = 0;
}

/* The count does not suffice for a block that is about to begin; nothing of it is paid. */
static void block_asks(struct core *core, struct block_cost *block) {
    struct engine *engine = core->engine;
    time_now(core);
    time_end(core);
    if (engine->hook_stopped) {
        return;
    }
    if (core->halt.corrects) {
        int correction = halt_correction(core, block->address);
        core->cycles -= (uint64_t)(int64_t)correction;
        engine->base -= (uint64_t)(int64_t)correction;
    }
    if (halt_is_within(core, block->address)) {
        pay_rest(core, block);
    } else if (core->cycles >= core->slice && !core_goes_on(core)) {
        end_before(core, block->address);
    } else if (is_interrupted(core)) {
        end_before(core, block->address);
    } else if (waits_for_code(core, block)) {
        return;
    } else if (begins_watched(core, block)) {
        end_before(core, block->address);
    } else if (wants_to_poll(core, block)) {
        core->polling.resume = true;
        core->polling.resume_pc = block->address;
        end_before(core, block->address);
    } else {
        pay_block(core, block);
    }
}

static struct block_cost *block_at(struct core *core, uint32_t pc, uint32_t size) {
    struct block_cost *block = blocks_known(core, pc);
    return block ? block : blocks_learn(core, pc, size);
}

#ifdef UC_OWNER
static void on_block(uc_engine *uc, uint64_t address, uint32_t size, void *user) {
    struct core *core = user;
    struct block_cost *before = blocks_known(core, (uint32_t)address);
    if (core->engine->in_stub) {
        return;
    }
    *engine_count(core->engine) += before ? before->price : BLOCK_ASKS;
    block_asks(core, block_at(core, (uint32_t)address, size));
}

static const int32_t *on_translation(void *user, uint32_t pc, uint32_t size, uint32_t *ret_refund) {
    static const int32_t nothing;
    struct core *core = user;
    if (core->engine->in_stub) {
        *ret_refund = 0;
        return &nothing;
    }
    struct block_cost *block = blocks_learn(core, pc, size);
    *ret_refund = block->taken;
    return &block->price;
}
#else
static void on_block(uc_engine *uc, uint64_t address, uint32_t size, void *user) {
    struct core *core = user;
    struct engine *engine = core->engine;
    uint32_t pc = (uint32_t)address;
    if (engine->in_stub || engine->hook_stopped) {
        return;
    }
    if (engine->running && engine->running->end == pc) {
        engine->count += engine->running->taken;
    }
    struct block_cost *block = block_at(core, pc, size);
    engine->running = block;
    if (engine->count >= block->price) {
        engine->count -= block->price;
    } else {
        block_asks(core, block);
    }
}

static void on_translation(uc_engine *uc, uc_tb *block, uc_tb *previous, void *user) {
    blocks_forget(user, (uint32_t)block->pc, 0);
}

/* A register is about to be loaded or stored. The engine has put its state in order, for which see mend_it_state(). */
static void on_memory(uc_engine *uc, uc_mem_type type, uint64_t address, int size, int64_t value, void *user) {
    struct core *core = user;
    uc_reg_read(uc, UC_ARM_REG_PC, &core->engine->access_pc);
    engine_mend_it_state(core);
}
#endif

/* ---- Set-up ---- */
bool time_set_up(struct core *core) {
    struct engine *engine = core->engine;
    engine->sample_interval = SAMPLE_FIRST;
#ifdef UC_OWNER
    const uc_owner owner = {
        .user = core, .price = on_translation, .load = engine_direct_load, .store = engine_direct_store
    };
    return uc_own(engine->uc, &owner, &engine->owned) == UC_ERR_OK &&
           engine_add_hook(core, UC_HOOK_BLOCK, (void *)on_block, 1, 0);
#else
    return engine_add_hook(core, UC_HOOK_BLOCK, (void *)on_block, 1, 0) &&
           engine_add_hook(core, UC_HOOK_EDGE_GENERATED, (void *)on_translation, 1, 0);
#endif
}

bool time_watch_registers(struct core *core, uint32_t first, uint32_t last) {
#ifdef UC_OWNER
    return true;
#else
    return engine_add_hook(core, UC_HOOK_MEM_READ | UC_HOOK_MEM_WRITE, (void *)on_memory, first, last);
#endif
}
