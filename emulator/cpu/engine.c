/* The Unicorn adapter: one engine per core over the machine's host memory.
 *
 * Facts about Unicorn 2.1.4 that shape this file:
 * - With UC_TLB_VIRTUAL a page that the fill hook refuses ends the run at the very instruction, for loads, stores
 *   and fetches. So bad accesses are found by page, and no memory-invalid hook covers RAM (that would put every
 *   store on the slow path).
 * - SRAM pages are writable and not executable until code is fetched from them; from then on the engine watches
 *   stores to them for self-modification. Pages that hold data alone stay fast. Pages of 1 KB keep most data apart
 *   from code (measured with CircuitPython, whose hot functions are in SRAM: 4.7 times real time, with pages of 4 KB
 *   4.1, of 8 KB 2.0, although the engine chains blocks within a page only).
 * - Stores to read-only memory are to be lost: the fill hook sends them to a register page that takes everything.
 * - uc_emu_stop() in a block hook stops before that block; in a register callback it stops at the instruction
 *   itself, which would run again: only faults do that. Everything else waits for the next block hook.
 * - UC_MODE_MCLASS would make every core a Cortex-M33, whatever the model says: the mode is not given.
 * - Behind the fill hook for a load or store inside an IT block (Cortex-M33) the IT state is wrong unless EPSR is
 *   written in it.
 * - SEV is a no-op in the engine: the cost of a block knows that it has one.
 * - SVC, BKPT, exception return and unaligned access arrive in the interrupt hook. WFI ends the run without error,
 *   WFE and YIELD as an invalid instruction with the pc behind them, an undefined one with the pc at it. */
#include "emulator/cpu/engine_private.h"

#include <stdlib.h>
#include <string.h>

#define LONG_SERVICE 500 /* cycles: a service that takes longer is a stall, which events may interrupt */

/* Interrupt numbers of the engine. */
enum {
    INTNO_SVC = 2,
    INTNO_PREFETCH_ABORT = 3,
    INTNO_DATA_ABORT = 4,
    INTNO_BKPT = 7,
    INTNO_RETURN = 8,
    INTNO_NO_COPROCESSOR = 17,
    INTNO_STACK_LIMIT = 19,
    INTNO_UNALIGNED = 22,
};

/* ---- Hooks ---- */
void engine_end_run(struct engine *engine, enum stop stop) {
    engine->stop = stop;
    engine->hook_stopped = true;
    uc_emu_stop(engine->uc);
}

/* A supervisor call from the boot ROM: a service. The run goes on behind it unless the service takes long or has
 * changed more than registers. */
static void call_rom(struct core *core, unsigned number) {
    struct engine *engine = core->engine;
    engine->in_service = true;
    uint32_t cycles = core->desc.rom_call(core->desc.rom_context, core, number);
    engine->in_service = false;
    if (core->outside || core->yield || cycles >= LONG_SERVICE) {
        core->stall_until = core->state == CORE_RUNNING ? core->cycles + cycles : 0;
        engine_end_run(engine, STOP_NONE);
    } else {
        core->cycles += cycles;
    }
}

/* ITSTATE behind an instruction. */
static uint32_t advance_it(uint32_t it) {
    return it & 7 ? (it & 0xe0) | (it << 1 & 0x1f) : 0;
}

/* Behind an instruction that the host has done. The IT state goes on as well. */
static void pass_instruction(struct engine *engine, unsigned size) {
    uint32_t xpsr, next = (engine->pc + size) | 1;
    uc_reg_read(engine->uc, UC_ARM_REG_XPSR, &xpsr);
    uint32_t it = (xpsr >> 8 & 0xfc) | (xpsr >> 25 & 3);
    if (it) {
        it = advance_it(it);
        xpsr = XPSR_T | (it & 0xfc) << 8 | (it & 3) << 25;
        uc_reg_write(engine->uc, UC_ARM_REG_EPSR, &xpsr);
    }
    uc_reg_write(engine->uc, UC_ARM_REG_PC, &next);
#ifndef UC_OWNER /* Unicorn 2.1.4: from here on it does not tell hooks on memory the pc, until it is started again */
    engine->pc = next & ~1u;
    engine_end_run(engine, STOP_NONE);
#endif
}

static enum stop run_coprocessor(struct core *core) {
    struct engine *engine = core->engine;
    const uint8_t *at = bus_code_at(core->desc.bus, engine->pc, 4);
    uint16_t halves[2] = { 0, 0 };
    if (!at) {
        return STOP_UNDEFINED;
    }
    memcpy(halves, at, 4);
    unsigned rest = time_rest(core, engine->pc);
    core->cycles -= rest;
    if (core->cycles >= core->slice) {
        core_reached(core);
    }
    engine->in_service = true;
    enum stop stop = coprocessor_execute(core, (uint32_t)halves[0] << 16 | halves[1]);
    engine->in_service = false;
    core->cycles += rest;
    if (stop == STOP_NONE) {
        pass_instruction(engine, 4);
    }
    return stop;
}

static void serve_interrupt(struct core *core, uint32_t number) {
    struct engine *engine = core->engine;
    uint16_t code = 0;
    switch (number) {
    case INTNO_SVC: {
        const uint8_t *at = bus_code_at(core->desc.bus, engine->pc - 2, 2);
        if (at && core->desc.rom_call && engine->pc - 2 < core->rom_size) {
            memcpy(&code, at, 2);
            call_rom(core, code & 0xff);
        } else {
            engine_end_run(engine, STOP_SVC);
        }
        break;
    }
    case INTNO_RETURN:
        engine_end_run(engine, STOP_RETURN);
        break;
    case INTNO_BKPT:
        engine_end_run(engine, STOP_BKPT);
        break;
    case INTNO_DATA_ABORT:
        engine_end_run(engine, STOP_UNALIGNED);
        break;
    case INTNO_PREFETCH_ABORT:
        engine_end_run(engine, STOP_BAD_FETCH);
        break;
    case INTNO_NO_COPROCESSOR: {
        enum stop stop = run_coprocessor(core);
        if (stop != STOP_NONE || core->state != CORE_RUNNING) {
            engine_end_run(engine, stop);
        }
        break;
    }
    case INTNO_STACK_LIMIT:
        engine_end_run(engine, STOP_STACK_LIMIT);
        break;
    case INTNO_UNALIGNED:
        engine_end_run(engine, STOP_UNALIGNED);
        break;
    default:
        engine_end_run(engine, STOP_UNDEFINED);
        break;
    }
}

static void on_interrupt(uc_engine *uc, uint32_t number, void *user) {
    struct core *core = user;
    uc_reg_read(uc, UC_ARM_REG_PC, &core->engine->pc);
    time_now(core);
    serve_interrupt(core, number);
    if (core->engine->stop == STOP_NONE) { /* it goes on */
        time_end(core);
        time_begin(core);
    }
}

/* ---- Translation buffer ---- */
/* Unicorn 2.1.4: filling the translation buffer for a load or store inside an IT block leaves the state of that
 * instruction behind, and the next block would be conditional by it. Within a block the engine's copy is always 0. */
void engine_mend_it_state(struct core *core) {
    uint32_t epsr = XPSR_T;
    if (core->desc.model == CORE_M33) {
        uc_reg_write(core->engine->uc, UC_ARM_REG_EPSR, &epsr);
    }
}

static void set_executable(struct engine *engine, uint32_t address) {
    engine->executable[address >> PAGE_SHIFT >> 3] |= (uint8_t)(1u << (address >> PAGE_SHIFT) % 8);
}

/* A fetch from the view in banks: the copy of its code. */
static bool fill_from_banks(struct core *core, uint32_t address, uc_tlb_entry *entry) {
    struct banks *banks = core->desc.bus->banks;
    if (!banks || !banks_hold(banks, address)) {
        return false;
    }
    banks_fetch(banks, address);
    set_executable(core->engine, address);
    entry->paddr = BANKS_CODE + (address - banks->base);
    entry->perms = UC_PROT_EXEC;
    return true;
}

/* Where the engine finds a page that is served access by access. */
static uint32_t mix_page(struct engine *engine, uint32_t page) {
    for (unsigned i = 0; i < engine->mixed_count; i++) {
        if (engine->mixed[i] == page) {
            return MIXED + i * PAGE_SIZE;
        }
    }
    if (engine->mixed_count == MIXED_PAGES) { /* nobody may rely on the old ones */
        engine->mixed_count = 0;
        uc_ctl_flush_tlb(engine->uc);
    }
    engine->mixed[engine->mixed_count++] = page;
    return MIXED + (engine->mixed_count - 1) * PAGE_SIZE;
}

/* Does a page of memory hold words from which code is fetched through the view in banks? */
static bool shares_code(struct core *core, uint32_t page) {
    const struct banks *banks = core->desc.bus->banks;
    return banks && banks_had_code(banks, bus_memory_at(core->desc.bus, page, PAGE_SIZE, false), PAGE_SIZE);
}

static bool fill_tlb(struct core *core, uint32_t address, uc_mem_type type, uc_tlb_entry *entry) {
    struct engine *engine = core->engine;
    uint32_t page = address >> PAGE_SHIFT;
    uint8_t bit = (uint8_t)(1u << page % 8);
    entry->paddr = address;
    if (engine->in_stub) {
        entry->paddr = STUB;
        entry->perms = UC_PROT_READ | UC_PROT_EXEC;
        return true;
    }
    if (bus_memory_at(core->desc.bus, address, 1, false)) {
        uint32_t real;
        bus_translate(core->desc.bus, address, &real);
        entry->paddr = real;
        if (type == UC_MEM_FETCH) {
            set_executable(engine, address);
            set_executable(engine, real);
        } else if (shares_code(core, address & ~(PAGE_SIZE - 1))) {
            entry->paddr = mix_page(engine, address & ~(PAGE_SIZE - 1));
            entry->perms = UC_PROT_READ | UC_PROT_WRITE;
            return true;
        }
        if (!bus_memory_at(core->desc.bus, address, 1, true)) {
            entry->perms = UC_PROT_READ | UC_PROT_EXEC;
            if (type == UC_MEM_WRITE && bus_refuses(core->desc.bus, address)) {
                core->fault_address = address;
                engine->stop = STOP_BAD_STORE;
                return false;
            }
            if (type == UC_MEM_WRITE) {
                entry->paddr = SINK;
                entry->perms = UC_PROT_WRITE;
            }
            return true;
        }
        entry->perms = UC_PROT_READ | UC_PROT_WRITE;
        if (engine->executable[page / 8] & bit) {
            entry->perms |= UC_PROT_EXEC;
        }
        return true;
    }
    if (type == UC_MEM_FETCH && fill_from_banks(core, address, entry)) {
        return true;
    }
    entry->perms = UC_PROT_READ | UC_PROT_WRITE;
    if (type != UC_MEM_FETCH && (engine_is_ppb(address) || bus_name_at(core->desc.bus, address))) {
        return true;
    }
    core->fault_address = address;
    engine->stop = type == UC_MEM_FETCH ? STOP_BAD_FETCH : type == UC_MEM_READ ? STOP_BAD_LOAD : STOP_BAD_STORE;
    return false;
}

/* ---- Memory protection ---- */

static unsigned right_of(uc_mem_type type) {
    return type == UC_MEM_FETCH ? MPU_EXECUTE : type == UC_MEM_READ ? MPU_READ : MPU_WRITE;
}

static bool refuse_fill(struct core *core, uint32_t address, uc_mem_type type) {
    core->fault_address = address;
    core->fault_protected = true;
    core->engine->stop = type == UC_MEM_FETCH ? STOP_BAD_FETCH : type == UC_MEM_READ ? STOP_BAD_LOAD : STOP_BAD_STORE;
    return false;
}

static unsigned perms_of(unsigned rights) {
    return (rights & MPU_READ ? UC_PROT_READ : 0) | (rights & MPU_WRITE ? UC_PROT_WRITE : 0) |
           (rights & MPU_EXECUTE ? UC_PROT_EXEC : 0);
}

/* As fill_tlb(), of what the MPU and the SAU leave of it. */
static bool fill_protected(struct core *core, uint32_t address, uc_mem_type type, uc_tlb_entry *entry) {
    uint32_t page = address & ~(PAGE_SIZE - 1);
    if (core->engine->in_stub || engine_is_ppb(address)) {
        return fill_tlb(core, address, type, entry);
    }
    bool privileged = engine_is_privileged(core), uniform = mpu_is_uniform(core, page, PAGE_SIZE, privileged);
    unsigned rights = mpu_rights(core, address, privileged);
    if ((uniform || type == UC_MEM_FETCH) && !(rights & right_of(type))) {
        return refuse_fill(core, address, type);
    }
    if (!fill_tlb(core, address, type, entry)) {
        return false;
    }
    if (uniform) {
        entry->perms &= perms_of(rights);
    } else if (type == UC_MEM_FETCH) {
        entry->perms = UC_PROT_EXEC;
    } else {
        entry->paddr = mix_page(core->engine, page);
        entry->perms = UC_PROT_READ | UC_PROT_WRITE;
    }
    return true;
}

/* Loads and stores of a page with watched data are served one by one. */
static void fill_watched(struct core *core, uint32_t address, uc_mem_type type, uc_tlb_entry *entry) {
    uint32_t page = address & ~(PAGE_SIZE - 1);
    if (core->engine->in_stub || !bus_memory_at(core->desc.bus, address, 1, false) ||
        !halt_has_page(core, page, PAGE_SIZE)) {
        return;
    }
    if (type == UC_MEM_FETCH) {
        entry->perms = UC_PROT_EXEC;
    } else {
        entry->paddr = mix_page(core->engine, page);
        entry->perms = UC_PROT_READ | UC_PROT_WRITE;
    }
}

static bool on_tlb_fill(uc_engine *uc, uint64_t vaddr, uc_mem_type type, uc_tlb_entry *entry, void *user) {
    struct core *core = user;
    bool filled = core->mpu.enabled ? fill_protected(core, (uint32_t)vaddr, type, entry)
                                    : fill_tlb(core, (uint32_t)vaddr, type, entry);
    if (filled && core->halt.data_count) {
        fill_watched(core, (uint32_t)vaddr, type, entry);
    }
    if (filled && type != UC_MEM_FETCH) {
        engine_mend_it_state(core);
    }
    return filled;
}

/* ---- Traps of CCR ---- */
/* With CCR.DIV_0_TRP or UNALIGN_TRP: before every instruction whose condition holds. */
static void on_instruction(uc_engine *uc, uint64_t address, uint32_t size, void *user) {
    struct core *core = user;
    struct access access;
    uint32_t pc = (uint32_t)address, ccr = core->mainline.ccr;
    enum stop stop = STOP_NONE;
    if (core->engine->in_stub || core->engine->hook_stopped) {
        return;
    }
    if (ccr & CCR_DIV_0_TRP && access_divides_by_zero(core, pc)) {
        stop = STOP_DIVIDE;
    } else if (ccr & CCR_UNALIGN_TRP && access_at(core, pc, &access) && access.address % access.size) {
        stop = STOP_UNALIGNED;
    }
    if (stop != STOP_NONE) {
        core->engine->pc = pc;
        engine_end_run(core->engine, stop);
    }
}

static void choose_traps(struct core *core) {
    struct engine *engine = core->engine;
    bool wanted = core->mainline.ccr & (CCR_DIV_0_TRP | CCR_UNALIGN_TRP);
    if (wanted == engine->traps) {
        return;
    }
    if (wanted) {
        uc_hook_add(engine->uc, &engine->trap_hook, UC_HOOK_CODE, (void *)on_instruction, core, 1, 0);
    } else {
        uc_hook_del(engine->uc, engine->trap_hook);
    }
    uc_ctl_flush_tb(engine->uc);
    engine->traps = wanted;
}

/* ---- Memory map ---- */
bool engine_add_hook(struct core *core, int type, void *callback, uint64_t begin, uint64_t end) {
    uc_hook hook;
    return uc_hook_add(core->engine->uc, &hook, type, callback, core, begin, end) == UC_ERR_OK;
}

static bool map_memory(struct core *core, const struct bus_memory *memory) {
    uint32_t perms = memory->writable ? UC_PROT_ALL : UC_PROT_READ | UC_PROT_EXEC;
    if (uc_mem_map_ptr(core->engine->uc, memory->base, memory->size, perms, memory->host) != UC_ERR_OK) {
        return false;
    }
    if (!memory->writable && memory->base == 0) {
        core->rom_size = memory->size;
    }
    return true;
}

static bool map_registers(struct core *core, uint64_t base, uint64_t end) {
    struct engine *engine = core->engine;
    if (base >= end) {
        return true;
    }
    if (engine->mmio_count == MAX_REGIONS) {
        return false;
    }
    struct mmio_region *region = &engine->mmio[engine->mmio_count++];
    *region = (struct mmio_region){ .core = core, .base = (uint32_t)base };
    return uc_mmio_map(engine->uc, base, end - base, engine_on_load, region, engine_on_store, region) == UC_ERR_OK &&
           time_watch_registers(core, (uint32_t)base, (uint32_t)(end - 1));
}

/* Code that no guest address leads to, and registers in the gaps from `at` on. */
static bool map_unreachable(struct core *core, uint64_t at) {
    struct engine *engine = core->engine;
    struct banks *banks = core->desc.bus->banks;
    if (banks) {
        if (!map_registers(core, at, BANKS_CODE) ||
            uc_mem_map_ptr(engine->uc, BANKS_CODE, banks->size, UC_PROT_READ | UC_PROT_EXEC, banks->code)) {
            return false;
        }
        at = BANKS_CODE + banks->size;
    }
    return map_registers(core, at, STUB) &&
           !uc_mem_map_ptr(engine->uc, STUB, PAGE_SIZE, UC_PROT_READ | UC_PROT_EXEC, engine->stub) &&
           map_registers(core, STUB + PAGE_SIZE, UINT64_C(0x100000000));
}

/* Memory regions as they are, registers in all the gaps. */
static bool map_everything(struct core *core) {
    const struct bus *bus = core->desc.bus;
    uint64_t at = 0;
    for (;;) {
        const struct bus_memory *next = NULL;
        for (unsigned i = 0; i < bus->memory_count; i++) {
            const struct bus_memory *memory = &bus->memory[i];
            if (memory->base >= at && (!next || memory->base < next->base)) {
                next = memory;
            }
        }
        if (!next) {
            return map_unreachable(core, at);
        }
        if (!map_registers(core, at, next->base) || !map_memory(core, next)) {
            return false;
        }
        at = (uint64_t)next->base + next->size;
    }
}

/* ---- Life ---- */
static bool set_up(struct core *core) {
    uc_engine *uc = core->engine->uc;
    int model = core->desc.model == CORE_M0PLUS ? UC_CPU_ARM_CORTEX_M0 : UC_CPU_ARM_CORTEX_M33;
    return uc_ctl_set_page_size(uc, PAGE_SIZE) == UC_ERR_OK && uc_ctl_set_cpu_model(uc, model) == UC_ERR_OK &&
           uc_ctl_tlb_mode(uc, UC_TLB_VIRTUAL) == UC_ERR_OK && uc_ctl_exits_enable(uc) == UC_ERR_OK &&
           map_everything(core) && time_set_up(core) &&
           engine_add_hook(core, UC_HOOK_INTR, (void *)on_interrupt, 1, 0) &&
           engine_add_hook(core, UC_HOOK_TLB_FILL, (void *)on_tlb_fill, 1, 0) &&
           uc_context_alloc(uc, &core->engine->fresh) == UC_ERR_OK &&
           uc_context_save(uc, core->engine->fresh) == UC_ERR_OK;
}

struct engine *engine_create(struct core *core, struct error *error) {
    struct engine *engine = calloc(1, sizeof(*engine));
    if (!engine) {
        error_set(error, "out of memory");
        return NULL;
    }
    engine->executable = calloc(1, (UINT64_C(1) << 32 >> PAGE_SHIFT) / 8);
    engine->stub = aligned_alloc(PAGE_SIZE, PAGE_SIZE);
    core->engine = engine;
    core->outside = true;
    uc_err failure = uc_open(UC_ARCH_ARM, UC_MODE_THUMB, &engine->uc);
    if (!engine->executable || !engine->stub || failure != UC_ERR_OK || !set_up(core)) {
        error_set(error, "cannot set up the Unicorn engine (version 2.1.4 or newer is needed)");
        engine_destroy(engine);
        core->engine = NULL;
        return NULL;
    }
    return engine;
}

void engine_destroy(struct engine *engine) {
    if (engine) {
        if (engine->fresh) {
            uc_context_free(engine->fresh);
        }
        if (engine->uc) {
            uc_close(engine->uc);
        }
        free(engine->executable);
        free(engine->stub);
        free(engine);
    }
}

/* ---- Run ---- */
/* The engine has met something that it calls invalid: a hint, an undefined instruction or Arm state. */
static enum stop invalid_instruction(struct core *core) {
    uint32_t pc = core->engine->pc, xpsr = XPSR_T;
    const uint8_t *narrow = bus_code_at(core->desc.bus, pc - 2, 2);
    const uint8_t *wide = bus_code_at(core->desc.bus, pc - 4, 4); /* NULL: there is no room for one */
    uint16_t before[2] = { 0, 0 };
    if (core->desc.model == CORE_M33) {
        uc_reg_read(core->engine->uc, UC_ARM_REG_XPSR, &xpsr);
    }
    if (!(xpsr & XPSR_T)) {
        return STOP_STATE;
    }
    if (narrow && time_is_behind_block(core, pc)) {
        memcpy(&before[1], narrow, 2);
        if (wide) {
            memcpy(&before[0], wide, 2);
        }
    }
    if (before[1] == 0xbf20 || (before[0] == 0xf3af && before[1] == 0x8002)) {
        return STOP_WFE;
    }
    bool yield = before[1] == 0xbf10 || (before[0] == 0xf3af && before[1] == 0x8001);
    return yield ? STOP_NONE : STOP_UNDEFINED; /* YIELD goes on */
}

static enum stop classify(struct core *core, uc_err result) {
    struct engine *engine = core->engine;
    if (engine->hook_stopped) {
        return engine->stop;
    }
    uc_reg_read(engine->uc, UC_ARM_REG_PC, &engine->pc);
    switch (result) {
    case UC_ERR_OK:
        return STOP_WFI;
    case UC_ERR_INSN_INVALID:
        return invalid_instruction(core);
    default: /* refused by on_tlb_fill() */
        return engine->stop == STOP_NONE ? STOP_UNDEFINED : engine->stop;
    }
}

uint32_t engine_pc(const struct core *core) {
    return core->outside ? core->registers.r[15] : core->engine->pc;
}

/* The IT state of the instruction at `pc` in a block, by the IT instruction before it: when a load or store or a hook
 * ends the run, the engine has lost it. */
uint32_t engine_it_state(struct core *core, uint32_t start, uint32_t pc) {
    uint32_t it = 0;
    for (uint32_t at = start; at && at < pc;) {
        const uint8_t *host = bus_code_at(core->desc.bus, at, 2);
        uint16_t code = 0;
        if (!host) {
            return 0;
        }
        memcpy(&code, host, 2);
        bool is_it = (code & 0xff00) == 0xbf00 && code & 0xf;
        it = is_it ? code & 0xffu : advance_it(it);
        at += thumb_is_wide(code) ? 4 : 2;
    }
    return (it & 0xfc) << 8 | (it & 3) << 25;
}

/* Not as soon as it changes: the engine may be in the middle of a block. */
void engine_map_changed(struct core *core) {
    core->engine->remapped = true;
    core->engine->changes++;
}

unsigned engine_changes(const struct core *core) {
    return core->engine->changes;
}

/* Translated code may lead from one page straight into another: it goes as well. */
static void apply_map(struct core *core) {
    struct engine *engine = core->engine;
    if (engine->remapped || blocks_are_full(core)) {
        engine->remapped = false;
        engine->mixed_count = 0;
        uc_ctl_flush_tlb(engine->uc);
        uc_ctl_flush_tb(engine->uc);
        blocks_clear(core);
    }
}

/* The state that a load, a store or a hook has left, with the IT state that it has lost. */
static void mend_lost_it_state(struct core *core, uint32_t block) {
    if (core->desc.model == CORE_M33) {
        engine_fetch(core);
        core->registers.xpsr = (core->registers.xpsr & ~XPSR_IT) | engine_it_state(core, block, core->engine->pc);
    }
}

/* Before an access of watched data. */
static void stopped_at_access(struct core *core) {
    uc_reg_read(core->engine->uc, UC_ARM_REG_PC, &core->engine->pc);
    unsigned rest = time_rest(core, core->engine->pc);
    mend_lost_it_state(core, time_block_start(core));
    halt_within_block(core, blocks_known(core, time_block_start(core)));
    core->cycles -= rest;
}

/* Where in its block the engine has stopped, and when that was. */
static void account_for_stop(struct core *core, enum stop stop) {
    struct engine *engine = core->engine;
    switch (stop) {
    case STOP_BAD_LOAD:
    case STOP_BAD_STORE:
        uc_reg_read(engine->uc, UC_ARM_REG_PC, &engine->pc);
        mend_lost_it_state(core, time_block_start(core));
        time_stopped_at(core, engine->pc);
        break;
    case STOP_WATCH:
        if (core->halt.why == CORE_AT_ACCESS && !core->halt.is_late) {
            stopped_at_access(core);
            break;
        }
        mend_lost_it_state(core, core->watches.block->address);
        halt_within_block(core, core->watches.block);
        core->cycles -= time_rest_from(core, core->watches.block, engine->pc);
        break;
    case STOP_UNALIGNED:
    case STOP_UNDEFINED:
    case STOP_STACK_LIMIT:
    case STOP_NO_COPROCESSOR:
    case STOP_DIVIDE:
    case STOP_BKPT:
        time_stopped_at(core, engine->pc);
        break;
    default:
        time_went_to(core, engine->pc);
        break;
    }
}

enum stop engine_run(struct core *core) {
    struct engine *engine = core->engine;
    engine_give(core);
    choose_traps(core);
    watch_before_run(core);
    if (core->mpu.enabled) {
        mpu_settle(core);
    }
    engine->stop = STOP_NONE;
    engine->hook_stopped = false;
    apply_map(core);
    time_begin(core);
    uc_err result = uc_emu_start(engine->uc, engine->pc | 1, 0, 0, 0);
    if (core->outside) { /* a callback has replaced the state */
        watch_after_run(core);
        return STOP_NONE;
    }
    time_now(core);
    enum stop stop = classify(core, result);
    account_for_stop(core, stop);
    watch_after_run(core);
    return stop == STOP_WATCH ? STOP_NONE : stop;
}

/* `size` bytes at an address of the guest's, within one page. */
static void drop_code(struct core *core, uint32_t address, uint32_t size) {
    struct engine *engine = core->engine;
    uint32_t page = address >> PAGE_SHIFT;
    bool executable = engine->executable[page / 8] & (1u << page % 8);
    if (executable && blocks_had_code(core, address, size)) {
        uc_ctl_remove_cache(engine->uc, (uint64_t)address, (uint64_t)address + size);
        blocks_forget(core, address, size);
        engine->changes++;
    }
}

static void drop_code_by_page(struct core *core, uint64_t at, uint64_t end) {
    while (at < end) {
        uint64_t page_end = (at | (PAGE_SIZE - 1)) + 1;
        uint64_t part_end = page_end < end ? page_end : end;
        drop_code(core, (uint32_t)at, (uint32_t)(part_end - at));
        at = page_end;
    }
}

static void drop_code_of_banks(struct core *core, const uint8_t *host, uint32_t size) {
    for (unsigned bank = 0; bank < BANKS; bank++) {
        uint32_t address, length;
        if (banks_follow(core->desc.bus->banks, bank, host, size, &address, &length)) {
            drop_code_by_page(core, address, (uint64_t)address + length);
        }
    }
}

void engine_code_changed(struct core *core, uint32_t address, uint32_t size) {
    struct engine *engine = core->engine;
    if (engine->remapped) { /* what follows goes by addresses as they are now */
        uc_ctl_flush_tlb(engine->uc);
    }
    const struct bus *bus = core->desc.bus;
    const uint8_t *host = bus_memory_at(bus, address, size, false);
    for (unsigned i = 0; host && i < bus->memory_count; i++) {
        const struct bus_memory *memory = &bus->memory[i];
        if (host >= memory->host && host < memory->host + memory->size) {
            uint64_t at = memory->base + (uint64_t)(host - memory->host);
            drop_code_by_page(core, at, at + size);
        }
    }
    if (host && bus->banks) {
        drop_code_of_banks(core, host, size);
    }
}
