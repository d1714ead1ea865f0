/* The run loop of a core: slices of the engine between deadlines, exceptions, sleep, stalls. */
#include "emulator/cpu/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void core_log(struct core *core, enum log_level level, const char *format, ...) {
    char line[256];
    char source[16];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    snprintf(source, sizeof(source), "core%u", core->desc.index);
    log_write(core->desc.env->log, level, source, "%s", line);
}

struct core *core_create(const struct core_desc *desc, struct error *error) {
    struct core *core = calloc(1, sizeof(*core));
    if (!core) {
        error_set(error, "out of memory");
        return NULL;
    }
    core->desc = *desc;
    core->arch = desc->model == CORE_M0PLUS ? &armv6m : &armv8m;
    if (!core->desc.irqs) {
        core->desc.irqs = core->arch->irqs;
    }
    if (desc->model == CORE_M33) {
        core->desc.ioport_size = 0; /* every load is as long as one from the I/O port */
    }
    core->blocks = blocks_create();
    core->code_lines = code_lines_create();
    core->engine = core->blocks && core->code_lines ? engine_create(core, error) : NULL;
    if (!core->engine) {
        core_destroy(core);
        return NULL;
    }
    core_reset(core);
    return core;
}

void core_destroy(struct core *core) {
    if (core) {
        if (core->peer) {
            core->peer->peer = NULL;
        }
        halt_finish(core);
        engine_destroy(core->engine);
        blocks_destroy(core->blocks);
        code_lines_destroy(core->code_lines);
        free(core);
    }
}

void core_link(struct core *a, struct core *b) {
    a->peer = b;
    b->peer = a;
}

/* ---- Reset and start ---- */
void core_reset(struct core *core) {
    engine_fetch(core);
    core->generation++;
    core->state = CORE_HELD;
    core->registers = (struct registers){ .xpsr = XPSR_T };
    core->stall_until = 0;
    core->event = false;
    core->reset_requested = false;
    core->watches.passes = false;
    core->watches.steps = core->watches.steps && core->watches.has_begun; /* core_halt_next() */
    halt_forget(core);
    core->yield = true;
    core->vtor = 0;
    nvic_reset(&core->nvic, core->desc.irqs, core->arch->priority_bits);
    systick_reset(&core->systick, core->cycles);
    core->arch->reset(core);
    core_update_attention(core);
}

void core_start(struct core *core, uint32_t sp, uint32_t pc, uint32_t vtor) {
    engine_fetch(core);
    core->generation++;
    core->registers.msp = sp & ~3u;
    core->registers.r[15] = pc & ~1u;
    core->registers.r[14] = 0xffffffff;
    core->vtor = vtor & core->arch->vtor_mask;
    core->state = CORE_RUNNING;
}

enum core_state core_state(const struct core *core) {
    return core->state;
}

enum core_model core_model(const struct core *core) {
    return core->desc.model;
}

uint64_t core_cycles(const struct core *core) {
    return core->cycles;
}

const uint64_t *core_count(const struct core *core) {
    return &core->cycles;
}

/* ---- Run ---- */
void core_update_attention(struct core *core) {
    core->attention = core->nvic.pending_priority < core->nvic.active_priority;
}

/* Pend the SysTick exception if it has expired by now. */
static void update_systick(struct core *core) {
    if (core->cycles < core->systick.expiry) {
        return;
    }
    systick_update(&core->systick, core->cycles);
    if (core->systick.expired) {
        core->systick.expired = false;
        if (core->systick.control & 2) {
            nvic_set_pending(&core->nvic, EXCEPTION_SYSTICK, true);
            core_update_attention(core);
        }
    }
}

void core_reached(struct core *core) {
    update_systick(core);
    if (core->desc.reached) {
        core->desc.reached(core->desc.machine_context, core);
    }
}

bool core_goes_on(struct core *core) {
    unsigned generation = core->generation, changes = engine_changes(core);
    bool plain = !core->yield && !core->attention && core->slice == core->limit;
    if (!plain || !core->desc.more || !core->desc.more(core->desc.machine_context, core)) {
        return false;
    }
    return core->generation == generation && engine_changes(core) == changes && !core->yield && !core->outside &&
           core->cycles < core->slice;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

/* What the instruction that stopped the engine asks for. */
static void handle_stop(struct core *core, enum stop stop) {
    switch (stop) {
    case STOP_NONE:
        break;
    case STOP_WFI:
        core->state = CORE_WFI;
        core_wake(core);
        break;
    case STOP_WFE:
        core->state = CORE_WFE;
        core_wake(core);
        break;
    default:
        engine_fetch(core);
        if (!halt_at_stop(core, stop)) {
            exceptions_stopped(core, stop);
        }
        break;
    }
}

/* A loop was noticed here, or was being run when the last slice ended. */
static bool is_polling(struct core *core) {
    bool polls = core->polling.resume && engine_pc(core) == core->polling.resume_pc;
    core->polling.resume = false;
    return polls && !core->watches.steps;
}

void core_run(struct core *core, uint64_t until) {
    core->limit = until;
    core->yield = false;
    core->desc.env->core = core->desc.index;
    core->runs = true;
    watch_settle(core);
    halt_begin_run(core);
    if (core->state == CORE_RUNNING && halt_is_within(core, engine_pc(core))) {
        core->slice = earlier(core->limit, core->systick.expiry);
        handle_stop(core, engine_run(core));
    }
    while (core->state == CORE_RUNNING && core->cycles < core->limit && !core->yield) {
        update_systick(core);
        if (core->stall_until > core->cycles) {
            core->cycles = earlier(earlier(core->stall_until, core->limit), core->systick.expiry);
            continue;
        }
        if (core->attention) {
            engine_fetch(core);
            if (exceptions_take_pending(core)) {
                watch_end_step(core);
                continue;
            }
        }
        core->slice = earlier(core->limit, core->systick.expiry);
        if (is_polling(core)) {
            engine_fetch(core);
            polling_run(core);
            continue;
        }
        handle_stop(core, engine_run(core));
    }
    update_systick(core);
    core->runs = false;
}

void core_yield(struct core *core) {
    core->yield = true;
    core->slice = 0;
}

void core_limit(struct core *core, uint64_t until) {
    core->limit = earlier(core->limit, until);
    core->slice = earlier(core->slice, until);
}

void core_extend(struct core *core, uint64_t until) {
    core->limit = until;
    core->slice = earlier(until, core->systick.expiry);
}

void core_skip_to(struct core *core, uint64_t until) {
    if (until > core->cycles) {
        core->cycles = until;
        update_systick(core);
    }
}

uint64_t core_alarm(const struct core *core) {
    return core->systick.control & 2 ? core->systick.expiry : UINT64_MAX;
}

void core_set_reference(struct core *core, uint32_t cycles_per_tick) {
    systick_set_reference(&core->systick, cycles_per_tick, core->cycles);
    core->slice = earlier(core->slice, core->systick.expiry);
}

/* ---- Interrupts and sleep ---- */
/* Something became pending: an event for WFE if SEVONPEND, a reason for the engine to stop. */
static void pended(struct core *core, uint64_t irqs_before) {
    if (core->scr & (1u << 4) && core->nvic.irq_pending & ~irqs_before) {
        core->event = true;
    }
    core_update_attention(core);
}

void core_set_irq(struct core *core, unsigned irq, bool level) {
    uint64_t before = core->nvic.irq_pending;
    nvic_set_level(&core->nvic, irq, level);
    if (core->mainline.nmi_mask[irq / 32 % 2] >> irq % 32 & 1) {
        scs_main_update_nmi(core);
    }
    pended(core, before);
}

void core_set_nmi(struct core *core, bool level) {
    core->nmi_input = level;
    scs_main_update_nmi(core);
}

void core_set_rcp_salt(struct core *core, uint64_t salt) {
    rcp_set_salt(&core->rcp, salt);
    core->mainline.cpacr |= 3u << 2 * 7;
}

void core_event(struct core *core) {
    core->event = true;
}

bool core_wake(struct core *core) {
    bool wakes = false;
    if (core->state == CORE_WFI) {
        wakes = exceptions_wake(core);
    } else if (core->state == CORE_WFE) {
        wakes = core->event || core->nvic.pending_priority < exceptions_current_priority(core);
        core->event = false;
    }
    if (wakes) {
        core->state = CORE_RUNNING;
    }
    return wakes;
}

/* ---- Memory and registers for everybody else ---- */
bool core_load(struct core *core, uint32_t address, unsigned size, uint32_t *ret_value) {
    *ret_value = 0;
    const uint8_t *host = bus_memory_at(core->desc.bus, address, size, false);
    if (host) {
        memcpy(ret_value, host, size);
        return true;
    }
    if (address >> 20 == 0xe00) {
        *ret_value = scs_read(core, address, size);
        return true;
    }
    return bus_read(core->desc.bus, address, size, ret_value);
}

bool core_store(struct core *core, uint32_t address, uint32_t value, unsigned size) {
    uint8_t *host = bus_memory_at(core->desc.bus, address, size, true);
    if (host) {
        memcpy(host, &value, size);
        engine_code_changed(core, address, size);
        return true;
    }
    if (bus_memory_at(core->desc.bus, address, size, false)) {
        return !bus_refuses(core->desc.bus, address); /* read-only memory: lost, or a fault */
    }
    if (address >> 20 == 0xe00) {
        scs_write(core, address, value, size);
        return true;
    }
    return bus_write(core->desc.bus, address, value, size);
}

bool core_load_words(struct core *core, uint32_t address, uint32_t *ret_words, unsigned count) {
    const uint8_t *host = bus_memory_at(core->desc.bus, address, 4 * count, false);
    bool ok = true;
    if (host) {
        memcpy(ret_words, host, 4 * count);
        return true;
    }
    for (unsigned i = 0; i < count; i++) {
        ok = core_load(core, address + 4 * i, 4, &ret_words[i]) && ok;
    }
    return ok;
}

bool core_store_words(struct core *core, uint32_t address, const uint32_t *words, unsigned count) {
    uint8_t *host = bus_memory_at(core->desc.bus, address, 4 * count, true);
    bool ok = true;
    if (host) {
        memcpy(host, words, 4 * count);
        engine_code_changed(core, address, 4 * count);
        return true;
    }
    for (unsigned i = 0; i < count; i++) {
        ok = core_store(core, address + 4 * i, words[i], 4) && ok;
    }
    return ok;
}

uint32_t core_register(const struct core *core, unsigned number) {
    if (number == CORE_PC && !core->runs) {
        return engine_pc(core); /* the engine's own may be that of the block before */
    }
    return engine_register((struct core *)core, number);
}

void core_set_register(struct core *core, unsigned number, uint32_t value) {
    engine_set_register(core, number, value);
    if (number == CORE_PC) {
        halt_forget(core);
    }
}

void core_trace_exceptions(struct core *core, bool on) {
    core->trace = on;
}

void core_code_changed(struct core *core, uint32_t address, uint32_t size) {
    engine_code_changed(core, address, size);
}

void core_map_changed(struct core *core) {
    engine_map_changed(core);
    core_yield(core);
}
