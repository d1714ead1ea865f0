/* Loads and stores of registers while the engine runs: each at its own cycle, see engine_time.c.
 *
 * They are frequent (firmware for the RP2040 divides by the SIO's registers), so that what an instruction has accessed
 * is kept by its place in translated code: what of its block is left there, and the register. Translated code stays
 * where it is until the engine flushes all of it, so that nothing else empties this table. A stock engine tells no such
 * place; there it is worked out each time. */
#include "emulator/cpu/engine_private.h"

/* ---- Access points ---- */
/* Which of the elements of an LDM, STM and their like it is: each takes a cycle. */
static unsigned element_of(struct core *core, uint32_t pc, uint32_t address) {
    struct access access;
    bool several = access_at(core, pc, &access) && access.count > 1;
    return several && address - access.address < 4 * access.count ? (address - access.address) / 4 : 0;
}

static void set_time(struct core *core, struct access_point *point, const struct block_cost *block, uint32_t pc,
                     uint32_t address) {
    point->block = block->address;
    point->rest = time_rest_from(core, block, pc) - element_of(core, pc, address);
}

static __attribute__((noinline)) void set_address(struct core *core, struct access_point *point, uint32_t address) {
    point->address = address;
    point->port = bus_port_at(core->desc.bus, address);
    point->ioport = is_ioport(core, address);
    point->load_waits = (uint8_t)access_waits(core, address, false);
    point->store_waits = (uint8_t)access_waits(core, address, true);
}

#ifdef UC_OWNER
static __attribute__((noinline)) void find_point(struct core *core, struct access_point *point, uint32_t address) {
    struct engine *engine = core->engine;
    uintptr_t host = *engine->owned.host;
    uint32_t block, pc;
    const struct block_cost *cost = NULL;
    if (uc_owner_find(engine->uc, host, &block, &pc)) {
        cost = blocks_known(core, block);
    }
    *point = (struct access_point){ .host = host, .flushes = *engine->owned.flushes };
    if (cost) {
        set_time(core, point, cost, pc, address);
    }
    set_address(core, point, address);
}

static struct access_point *point_of(struct core *core, uint32_t address) {
    struct engine *engine = core->engine;
    uintptr_t host = *engine->owned.host;
    struct access_point *point = &engine->points[host >> 2 & (ACCESS_POINTS - 1)];
    if (point->host != host || point->flushes != *engine->owned.flushes) {
        find_point(core, point, address);
    } else if (point->address != address) {
        set_address(core, point, address);
    }
    return point;
}
#else
static struct access_point *point_of(struct core *core, uint32_t address) {
    struct engine *engine = core->engine;
    struct access_point *point = &engine->point;
    *point = (struct access_point){ 0 };
    if (engine->running) {
        set_time(core, point, engine->running, engine->access_pc, address);
    }
    set_address(core, point, address);
    return point;
}
#endif

uint32_t engine_access_pc(struct core *core) {
#ifdef UC_OWNER
    uint32_t block, pc;
    return uc_owner_find(core->engine->uc, *core->engine->owned.host, &block, &pc) ? pc : 0;
#else
    return core->engine->access_pc;
#endif
}

/* ---- Time ---- */
static inline __attribute__((always_inline)) struct access_point *begin_access(struct core *core, uint32_t address) {
    struct access_point *point = point_of(core, address);
    core->cycles = core->engine->base - engine_cycles_left(core->engine) - point->rest;
    if (core->cycles >= core->slice) {
        core_reached(core);
    }
    return point;
}

/* Wait states: time moves on by what the count has left, so that the next block need not ask. */
static void pass_waits(struct engine *engine, unsigned waits) {
    unsigned left = engine_cycles_left(engine);
    unsigned paid = waits < left ? waits : left;
    *engine_count(engine) -= (int32_t)paid;
    engine->base += waits - paid;
}

/* The next block is to ask. */
static void ask_soon(struct engine *engine) {
    uint32_t *count = (uint32_t *)engine_count(engine);
    engine->base -= *count & 0xffff;
    *count &= 0xffff0000u;
}

static void end_access(struct core *core, const struct access_point *point, unsigned waits) {
    struct engine *engine = core->engine;
    engine->base -= point->ioport;
    if (waits) {
        pass_waits(engine, waits);
    }
    if (core->slice < engine->base || core->attention) {
        ask_soon(engine);
    }
}

/* A loop that loads registers may be one that waits for them. */
static void suspect(struct core *core, uint32_t block) {
    if (polling_notices(&core->polling, block, core->cycles)) {
        struct block_cost *head = blocks_known(core, block);
        if (head) {
            blocks_set_loops(head, true);
        }
    }
}

/* ---- Registers ---- */
/* Are there pages of memory that are served access by access? */
static inline bool serves_memory(const struct core *core) {
    return core->mpu.enabled || core->engine->mixed_count || core->halt.data_count;
}

/* False: nothing answers. */
static bool serve_load(struct core *core, const struct bus_port *port, uint32_t address, unsigned size,
                       uint32_t *ret_value) {
    if (size == 4 && bus_port_read(core->desc.bus, port, ret_value)) {
        return true;
    }
    if (engine_is_ppb(address)) {
        *ret_value = scs_read(core, address, size);
        return true;
    }
    if (serves_memory(core)) { /* memory in a page that is served access by access */
        return core_load(core, address, size, ret_value);
    }
    return bus_read(core->desc.bus, address, size, ret_value);
}

static bool serve_store(struct core *core, const struct bus_port *port, uint32_t address, unsigned size,
                        uint32_t value) {
    if (size == 4 && bus_port_write(core->desc.bus, port, value)) {
        return true;
    }
    if (engine_is_ppb(address)) {
        scs_write(core, address, value, size);
        return true;
    }
    if (serves_memory(core)) {
        return core_store(core, address, value, size);
    }
    return bus_write(core->desc.bus, address, value, size);
}

/* Is this an access to a page of memory that is served access by access? The engine may tell its place in MIXED. */
static bool is_mixed(const struct engine *engine, uint32_t *address) {
    uint32_t number = (*address - MIXED) >> PAGE_SHIFT;
    if (number < engine->mixed_count) {
        *address = engine->mixed[number] | (*address & (PAGE_SIZE - 1));
        return true;
    }
    for (unsigned i = 0; i < engine->mixed_count; i++) {
        if (engine->mixed[i] == (*address & ~(PAGE_SIZE - 1))) {
            return true;
        }
    }
    return false;
}

bool engine_is_privileged(struct core *core) {
    return engine_register(core, CORE_XPSR) & XPSR_IPSR || !(engine_register(core, CORE_CONTROL) & CONTROL_NPRIV);
}

/* With the MPU on, or watched data: the guest's address of the access. What the MPU forbids ends the run, and so does
 * what halts the core; false then. */
static __attribute__((noinline)) bool may_access(struct core *core, uint32_t *address, unsigned size, unsigned right) {
    bool mixed = is_mixed(core->engine, address), is_store = right == MPU_WRITE;
    if (!mixed || !core->mpu.enabled || mpu_allows(core, *address, size, right, engine_is_privileged(core))) {
        return !core->halt.data_count || !halt_at_access(core, *address, size, is_store);
    }
    core->fault_address = *address;
    core->fault_protected = true;
    engine_end_run(core->engine, right == MPU_READ ? STOP_BAD_LOAD : STOP_BAD_STORE);
    return false;
}

static uint32_t load_register(struct core *core, uint32_t address, unsigned size) {
    uint32_t value = 0;
    if (serves_memory(core)) {
        if (!may_access(core, &address, size, MPU_READ)) {
            return 0;
        }
        if (!core->mpu.enabled && bus_memory_at(core->desc.bus, address, size, false)) {
            core_load(core, address, size, &value);
            return value;
        }
    }
    struct access_point *point = begin_access(core, address);
    if (!serve_load(core, &point->port, address, size, &value)) {
        core->fault_address = address;
        engine_end_run(core->engine, STOP_BAD_LOAD);
    }
    end_access(core, point, point->load_waits);
    suspect(core, point->block);
    return value;
}

/* Is this a store to read-only memory, which is to be lost? */
static bool is_lost(struct core *core, uint32_t address) {
    return address >= SINK || (address < FIRST_BLOCK && bus_memory_at(core->desc.bus, address, 1, false) &&
                               !(serves_memory(core) && bus_memory_at(core->desc.bus, address, 1, true)));
}

static void store_register(struct core *core, uint32_t address, uint32_t value, unsigned size) {
    if (serves_memory(core) && !may_access(core, &address, size, MPU_WRITE)) {
        return;
    }
    if (is_lost(core, address)) {
        return;
    }
    if (!core->mpu.enabled && core->halt.data_count && bus_memory_at(core->desc.bus, address, size, true)) {
        core_store(core, address, value, size);
        return;
    }
    struct access_point *point = begin_access(core, address);
    if (!serve_store(core, &point->port, address, size, value)) {
        core->fault_address = address;
        engine_end_run(core->engine, STOP_BAD_STORE);
    }
    end_access(core, point, point->store_waits);
}

/* ---- From the engine ---- */
bool engine_direct_load(void *user, uint32_t address, unsigned size, uint64_t *ret_value) {
    struct core *core = user;
    *ret_value = load_register(core, address, size);
    return core->engine->hook_stopped;
}

bool engine_direct_store(void *user, uint32_t address, unsigned size, uint32_t value) {
    struct core *core = user;
    store_register(core, address, value, size);
    return core->engine->hook_stopped;
}

/* Our engine comes here with double words alone, and goes on behind them; a stock engine goes on to the end of an IT
 * block. */
static bool goes_on_behind(struct core *core) {
#ifdef UC_OWNER
    return true;
#else
    return core->desc.model == CORE_M33 && engine_it_state(core, time_block_start(core), core->engine->access_pc);
#endif
}

uint64_t engine_on_load(uc_engine *uc, uint64_t offset, unsigned size, void *user) {
    struct mmio_region *region = user;
    region->core->engine->goes_on = goes_on_behind(region->core);
    uint32_t value = load_register(region->core, region->base + (uint32_t)offset, size);
    region->core->engine->goes_on = false;
    return value;
}

void engine_on_store(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user) {
    struct mmio_region *region = user;
    region->core->engine->goes_on = goes_on_behind(region->core);
    store_register(region->core, region->base + (uint32_t)offset, (uint32_t)value, size);
    region->core->engine->goes_on = false;
}
