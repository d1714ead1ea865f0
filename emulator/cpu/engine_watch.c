/* Watched addresses: a debugger hears before the instruction at an address runs and may stop the core there; and a
 * single instruction may be run.
 *
 * An instruction at which a block begins asks, as a block does whose code may not be there (engine_time.c). One that
 * may be anywhere has a hook in the translated code as well. Code that nobody watches is translated as ever.
 *
 * Unicorn 2.1.4 cannot be stopped within an IT block. So a step goes over all of it, a stop that is wanted there comes
 * at the end of the engine's block, and an instruction of it whose condition does not hold is not heard of. */
#include "emulator/cpu/engine_private.h"

#include <string.h>

static struct core_watch **watch_chain(struct core *core, uint32_t address) {
    return &core->watches.chains[address >> 1 & (WATCH_CHAINS - 1)];
}

static struct core_watch *find_watch(struct core *core, uint32_t address) {
    struct core_watch *watch = core->watches.count ? *watch_chain(core, address) : NULL;
    while (watch && watch->address != address) {
        watch = watch->next;
    }
    return watch;
}

static void remove_hook(struct core *core, struct core_watch *watch) {
    if (watch->hook) {
        uc_hook_del(core->engine->uc, watch->hook);
        watch->hook = 0;
    }
}

/* Translated code has to be made anew for a hook, but not for a block that asks. */
static void note_change(struct core *core, const struct core_watch *watch) {
    if (watch->at_branches) {
        blocks_note_watches(core, watch->address);
    } else {
        core->watches.changed = true;
    }
}

void core_watch(struct core *core, struct core_watch *watch) {
    struct core_watch **at = watch_chain(core, watch->address);
    while (*at) {
        at = &(*at)->next;
    }
    *at = watch;
    watch->next = NULL;
    watch->hook = 0;
    core->watches.count++;
    note_change(core, watch);
}

void core_unwatch(struct core *core, struct core_watch *watch) {
    struct core_watch **at = watch_chain(core, watch->address);
    while (*at && *at != watch) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = watch->next;
        core->watches.count--;
        note_change(core, watch);
        remove_hook(core, watch);
    }
}

void core_step(struct core *core, bool steps) {
    core->watches.steps = steps;
    core->watches.has_begun = false;
}

void core_halt_next(struct core *core) {
    core->watches.steps = core->watches.has_begun = true;
}

bool core_steps(const struct core *core) {
    return core->watches.steps;
}

void watch_note_block(struct core *core, struct block_cost *block) {
    block->watched = false;
    for (uint32_t at = block->address; core->watches.count && at < block->end && !block->watched; at += 2) {
        block->watched = find_watch(core, at) != NULL;
    }
}

/* ---- An instruction is about to run ---- */
static bool ask_watches(struct core *core, uint32_t pc) {
    bool stops = false;
    struct core_watch *next;
    for (struct core_watch *watch = find_watch(core, pc); watch; watch = next) {
        next = watch->next; /* it may go */
        stops |= watch->address == pc && watch->reached(watch->context, core);
    }
    return stops;
}

static void halt_core(struct core *core, enum core_halt why) {
    core->halt.why = core->halt.is_late ? CORE_AT_ACCESS : why;
    core_yield(core);
    if (core->desc.halted) {
        core->desc.halted(core->desc.machine_context, core);
    }
}

/* Behind one instruction the core stops at the next one. */
static bool ends_step(struct core *core) {
    bool ends = core->watches.steps && core->watches.has_begun;
    core->watches.steps = core->watches.steps && !ends;
    return ends;
}

bool watch_stops_before(struct core *core, uint32_t pc) {
    struct watches *watches = &core->watches;
    bool passes = watches->passes && watches->passes_pc == pc;
    watches->passes = false;
    bool stepped = ends_step(core), stops = stepped || (!passes && ask_watches(core, pc));
    watches->has_begun = watches->steps;
    if (stops) {
        watches->passes = true;
        watches->passes_pc = pc;
        halt_core(core, stepped ? CORE_STEPPED : CORE_AT_WATCH);
    }
    return stops;
}

/* The same for an instruction that may be within a block, at its own time. */
static void on_watched(uc_engine *uc, uint64_t address, uint32_t size, void *user) {
    struct core *core = user;
    struct engine *engine = core->engine;
    uint32_t pc = (uint32_t)address;
    const struct block_cost *block = core->watches.block;
    bool inside = block && pc - block->address < block->end - block->address;
    if (engine->in_stub || engine->hook_stopped || !inside || block->address == pc) { /* its beginning has asked */
        return;
    }
    time_now(core);
    unsigned rest = time_rest_from(core, block, pc);
    core->halt.position = (struct core_position){ .cycles = core->cycles, .pc = pc };
    core->cycles -= rest;
    bool stops = watch_stops_before(core, pc);
    core->cycles += rest;
    if (stops && engine_it_state(core, block->address, pc)) {
        time_ask_next(core);
    } else if (stops) {
        engine->pc = pc;
        engine_end_run(engine, STOP_WATCH);
    }
}

/* ---- Translated code ---- */
static void add_hook(struct core *core, struct core_watch *watch) {
    uc_hook hook = 0;
    if (!watch->at_branches && !watch->hook &&
        uc_hook_add(core->engine->uc, &hook, UC_HOOK_CODE, (void *)on_watched, core, watch->address, watch->address) ==
            UC_ERR_OK) {
        watch->hook = hook;
    }
}

static void apply_changes(struct core *core) {
    core->watches.changed = false;
    for (unsigned i = 0; i < WATCH_CHAINS; i++) {
        for (struct core_watch *watch = core->watches.chains[i]; watch; watch = watch->next) {
            add_hook(core, watch);
        }
    }
    uc_ctl_flush_tb(core->engine->uc);
    blocks_forget_all(core);
}

static uint16_t code_at(struct core *core, uint32_t pc) {
    const uint8_t *at = bus_code_at(core->desc.bus, pc, 2);
    uint16_t code = 0;
    if (at) {
        memcpy(&code, at, 2);
    }
    return code;
}

/* The address behind an instruction; behind an IT, that of its block. */
static uint32_t behind(struct core *core, uint32_t pc) {
    uint16_t code = code_at(core, pc);
    unsigned mask = (code & 0xff00) == 0xbf00 ? code & 15u : 0;
    uint32_t at = pc + (thumb_is_wide(code) ? 4 : 2);
    for (; mask; mask = mask << 1 & 15) {
        at += thumb_is_wide(code_at(core, at)) ? 4 : 2;
    }
    return at;
}

/* One instruction: the one behind it gets a hook, in case that it is in the same block. */
static void prepare_step(struct core *core) {
    struct engine *engine = core->engine;
    uint32_t pc = engine->pc;
    engine->step_watch = (struct core_watch){ .address = behind(core, pc) };
    add_hook(core, &engine->step_watch);
    uc_ctl_remove_cache(engine->uc, pc, engine->step_watch.address + 4);
    blocks_forget(core, pc, engine->step_watch.address + 4 - pc);
}

void watch_settle(struct core *core) {
    if (core->watches.changed) {
        apply_changes(core);
    }
}

void watch_before_run(struct core *core) {
    watch_settle(core);
    if (core->watches.steps) {
        prepare_step(core);
    }
}

void watch_after_run(struct core *core) {
    if (core->engine->step_watch.hook) {
        remove_hook(core, &core->engine->step_watch);
        uc_ctl_remove_cache(core->engine->uc, core->engine->step_watch.address, core->engine->step_watch.address + 4);
    }
    if (ends_step(core)) { /* by sleep, a fault, a service */
        halt_before_block(core, engine_pc(core));
        halt_core(core, CORE_STEPPED);
    }
}

void watch_end_step(struct core *core) {
    if (core->watches.steps) {
        core->watches.steps = false;
        halt_before_block(core, core->registers.r[15]);
        halt_core(core, CORE_STEPPED);
    }
}
