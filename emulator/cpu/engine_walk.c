/* What the engine alone holds of a core, in a snapshot: floating point, stack limits, the exclusive monitor.
 *
 * Facts about Unicorn 2.1.4: the stack limits are reached by instructions alone; the monitor by nothing, but it is in
 * what uc_context_save() copies. Where, two loads of known words tell: the address of an exclusive load, and behind it
 * the word that was loaded, each of 64 bits. Where they are not found once, the monitor counts as open: a STREX behind
 * a snapshot fails then, and its loop tries again. */
#include "emulator/cpu/engine_private.h"

#include <stdlib.h>
#include <string.h>

#define FP_REGISTERS 32
#define MONITOR_OPEN UINT64_MAX
#define SET_LIMITS 0x100u /* in the page of our own code */
#define LOAD_EXCLUSIVE 0x140u
#define FIRST_WORD 0x180u
#define SECOND_WORD 0x184u

/* ---- Code of ours ---- */
/* Runs the code at an offset in our page, in handler mode with r0 and r1 as given; it ends with WFI. */
static void run_stub(struct engine *engine, uint32_t offset, uint32_t r0, uint32_t r1) {
    uint32_t xpsr = XPSR_T | EXCEPTION_HARDFAULT, apsr = 0;
    uc_reg_write(engine->uc, UC_ARM_REG_XPSR_NZCVQG, &xpsr);
    uc_reg_write(engine->uc, UC_ARM_REG_APSR_NZCV, &apsr);
    uc_reg_write(engine->uc, UC_ARM_REG_R0, &r0);
    uc_reg_write(engine->uc, UC_ARM_REG_R1, &r1);
    engine->in_stub = true;
    uc_emu_start(engine->uc, (STUB + offset) | 1, 0, 0, 0);
    engine->in_stub = false;
}

static void give_limits(struct core *core, const uint32_t limits[2]) {
    /* MSR MSPLIM, r0; MSR PSPLIM, r1; WFI */
    static const uint16_t code[] = { 0xf380, 0x880a, 0xf381, 0x880b, 0xbf30 };
    if (limits[0] || limits[1]) {
        memcpy(core->engine->stub + SET_LIMITS, code, sizeof(code));
        run_stub(core->engine, SET_LIMITS, limits[0], limits[1]);
    }
}

/* ---- The exclusive monitor ---- */
struct monitor {
    uint64_t address, value;
};

/* A copy of what the engine holds; NULL: out of memory. The caller frees it. */
static uc_context *save_context(struct engine *engine) {
    uc_context *context = NULL;
    if (uc_context_alloc(engine->uc, &context) != UC_ERR_OK) {
        return NULL;
    }
    if (uc_context_save(engine->uc, context) != UC_ERR_OK) {
        uc_context_free(context);
        return NULL;
    }
    return context;
}

/* Where in a context a monitor with these contents is; 0: nowhere, or more than once. */
static size_t find_in_context(const struct engine *engine, const uc_context *context, const struct monitor *monitor) {
    size_t size = uc_context_size(engine->uc), found = 0;
    for (size_t at = 8; at + sizeof(*monitor) <= size; at += 8) {
        if (!memcmp((const uint8_t *)context + at, monitor, sizeof(*monitor))) {
            if (found) {
                return 0;
            }
            found = at;
        }
    }
    return found;
}

/* The same of an exclusive load of a word in our page. */
static size_t find_load(struct engine *engine, uint32_t offset, uint32_t word) {
    const struct monitor loaded = { .address = STUB + offset, .value = word };
    memcpy(engine->stub + offset, &word, sizeof(word));
    run_stub(engine, LOAD_EXCLUSIVE, 0, STUB + offset);
    uc_context *context = save_context(engine);
    size_t found = context ? find_in_context(engine, context, &loaded) : 0;
    uc_context_free(context);
    return found;
}

/* Where the monitor is in a context; 0: not known. Changes what the engine holds. */
static size_t find_monitor(struct engine *engine) {
    static const uint16_t code[] = { 0xe851, 0x0f00, 0xbf30 }; /* LDREX r0, [r1]; WFI */
    memcpy(engine->stub + LOAD_EXCLUSIVE, code, sizeof(code));
    size_t first = find_load(engine, FIRST_WORD, 0x3c96a55a);
    return first && find_load(engine, SECOND_WORD, 0x69c35ba7) == first ? first : 0;
}

static struct monitor fetch_monitor(struct engine *engine) {
    struct monitor monitor = { .address = MONITOR_OPEN };
    uc_context *before = save_context(engine);
    size_t at = before ? find_monitor(engine) : 0;
    if (at) {
        memcpy(&monitor, (const uint8_t *)before + at, sizeof(monitor));
    }
    if (before) {
        uc_context_restore(engine->uc, before);
        uc_context_free(before);
    }
    return monitor;
}

static void give_monitor(struct engine *engine, const struct monitor *monitor) {
    uc_context *context = save_context(engine);
    size_t at = context ? find_monitor(engine) : 0;
    if (at) {
        memcpy((uint8_t *)context + at, monitor, sizeof(*monitor));
    }
    if (context) {
        uc_context_restore(engine->uc, context);
        uc_context_free(context);
    }
}

/* ---- All of it ---- */
struct held {
    uint32_t s[FP_REGISTERS], fpscr, limits[2];
    struct monitor monitor;
};

static void fetch_held(struct core *core, struct held *ret_held) {
    ret_held->monitor = fetch_monitor(core->engine);
    engine_fetch_fp(core, ret_held->s, FP_REGISTERS, &ret_held->fpscr);
    engine_fetch_limits(core, ret_held->limits);
}

static void give_held(struct core *core, const struct held *held) {
    give_limits(core, held->limits);
    give_monitor(core->engine, &held->monitor);
    engine_give_fp(core, held->s, FP_REGISTERS, held->fpscr);
}

static void held_walk(struct core *core, struct walk *walk) {
    struct held held = { .monitor.address = MONITOR_OPEN };
    if (!walk->reads) {
        fetch_held(core, &held);
    }
    walk_u32s(walk, held.s, FP_REGISTERS);
    walk_u32(walk, &held.fpscr);
    walk_u32s(walk, held.limits, 2);
    walk_u64(walk, &held.monitor.address);
    walk_u64(walk, &held.monitor.value);
    if (walk->reads) {
        give_held(core, &held);
    }
}

/* Begin anew: at once, or when the engine is given the state of a core that has been reset. */
static void renew_walk(struct engine *engine, struct walk *walk) {
    walk_bool(walk, &engine->renew);
    if (walk->reads && !engine->renew) {
        uc_context_restore(engine->uc, engine->fresh);
    }
    if (walk->reads) {
        engine->sample = 0;
        engine->next_sample = 0;
    }
}

void engine_walk(struct core *core, struct walk *walk) {
    renew_walk(core->engine, walk);
    if (!core->engine->renew && core->desc.model == CORE_M33) {
        held_walk(core, walk);
    }
}
