/* What the files of the Unicorn adapter share: engine.c (memory, hooks, runs), engine_access.c, engine_time.c and
 * engine_registers.c. */
#ifndef CPU_ENGINE_PRIVATE_H
#define CPU_ENGINE_PRIVATE_H

#include "emulator/cpu/internal.h"

#include <unicorn/unicorn.h>

#define PAGE_SHIFT 10
#define PAGE_SIZE (1u << PAGE_SHIFT)
#define MAX_REGIONS (BUS_MEMORIES + 2)
#define PPB_BASE 0xe0000000u
#define PPB_END 0xe0100000u
#define FIRST_BLOCK 0x40000000u /* below are memory and the registers beside it */
#define SINK 0xffff0000u        /* the engine's address for stores that are to be lost; no guest address leads there */
#define STUB 0xfffe0000u        /* the engine's address for code of ours, in its page */

/* Pages that are served access by access stand here for the engine: no guest address leads there. */
#define MIXED 0xf0000000u
#define MIXED_PAGES 64u

/* Code of the view in banks stands here for the engine: no guest address leads there. */
#define BANKS_CODE 0xf1000000u

struct mmio_region {
    struct core *core;
    uint32_t base;
};

/* Where translated code loads or stores: what of its block is left there, and what it accessed last. */
#define ACCESS_POINTS 4096
struct access_point {
    uintptr_t host; /* 0: nothing is known */
    unsigned flushes;
    unsigned rest;  /* cycles of the block from there on */
    uint32_t block; /* 0: none */
    uint32_t address;
    bool ioport;                     /* the address is in the I/O port */
    uint8_t load_waits, store_waits; /* see access_waits() */
    struct bus_port port;            /* at the address */
};

struct engine {
    uc_engine *uc;
    struct mmio_region mmio[MAX_REGIONS];
    unsigned mmio_count;
    enum stop stop;    /* why the run ends; set by the hooks */
    bool hook_stopped; /* a hook ended the run */
    uc_context *fresh; /* as the engine was when it was made */
    bool renew;        /* begin anew from there: the core was reset */
    bool traps;        /* every instruction is looked at */
    uc_hook trap_hook;
    bool remapped;               /* addresses lead elsewhere than before */
    bool goes_on;                /* the engine cannot be stopped at the access that is served */
    bool in_stub;                /* the engine runs code of ours */
    bool in_service;             /* a boot ROM service runs: the engine's registers are exact and may be set */
    uint32_t pc;                 /* where the run goes on */
    uint8_t *stub;               /* the page that it runs */
    uint8_t *executable;         /* a bit per page: code has been fetched from it */
    uint32_t mixed[MIXED_PAGES]; /* pages that are served access by access, by where they are served */
    unsigned mixed_count;
    struct core_watch step_watch; /* behind the instruction that runs alone */
    unsigned changes;             /* times that translated code was dropped from outside */

    /* engine_time.c */
    uint64_t base;                      /* core cycles when the count is 0 */
    const struct block_cost *finishing; /* a block that does something at its end runs */
    unsigned sample;                    /* blocks that are still to ask */
    unsigned sample_passes;             /* times that the first of them has come round */
    uint32_t sample_head;
    uint64_t next_sample, sample_interval;
#ifdef UC_OWNER
    uc_owned owned;
    struct access_point points[ACCESS_POINTS];
#else
    int32_t count;
    const struct block_cost *running;
    struct access_point point; /* of the access that is served */
    uint32_t access_pc;
#endif
};

/* ---- engine.c ---- */
bool engine_add_hook(struct core *core, int type, void *callback, uint64_t begin, uint64_t end);
/* The engine comes back as soon as it can. */
void engine_end_run(struct engine *engine, enum stop stop);
/* Behind callbacks that Unicorn 2.1.4 leaves with a wrong IT state. */
void engine_mend_it_state(struct core *core);
/* As in XPSR, of the instruction at `pc` in the block that begins at `start`. */
uint32_t engine_it_state(struct core *core, uint32_t start, uint32_t pc);
static inline bool engine_is_ppb(uint32_t address) {
    return address >= PPB_BASE && address < PPB_END;
}

/* ---- engine_access.c ---- */
/* The instruction whose access is served; 0: not known. */
uint32_t engine_access_pc(struct core *core);
/* Whether the code that runs is privileged. */
bool engine_is_privileged(struct core *core);
/* A register, at its own time. True: stop at this very instruction. */
bool engine_direct_load(void *user, uint32_t address, unsigned size, uint64_t *ret_value);
bool engine_direct_store(void *user, uint32_t address, unsigned size, uint32_t value);
/* The same for uc_mmio_map(); `user` is a struct mmio_region. */
uint64_t engine_on_load(uc_engine *uc, uint64_t offset, unsigned size, void *user);
void engine_on_store(uc_engine *uc, uint64_t offset, unsigned size, uint64_t value, void *user);

/* ---- engine_time.c ---- */
/* What is left to pay with until somebody has to look. */
static inline int32_t *engine_count(struct engine *engine) {
#ifdef UC_OWNER
    return engine->owned.count;
#else
    return &engine->count;
#endif
}
/* Cycles until `base`, at the end of the block that runs. */
static inline unsigned engine_cycles_left(struct engine *engine) {
    return *(uint32_t *)engine_count(engine) & 0xffff;
}
bool time_set_up(struct core *core);
bool time_watch_registers(struct core *core, uint32_t first, uint32_t last);
/* The engine begins to run, or goes on, at core->cycles. */
void time_begin(struct core *core);
/* Set core->cycles: the end of the block that runs. */
void time_now(struct core *core);
/* The next block is to ask. From within a block. */
void time_ask_next(struct core *core);
/* That block has ended: what it does at its end. */
void time_end(struct core *core);
/* The same for a block that the engine left before the instruction at `pc`; with time_now() before. */
void time_stopped_at(struct core *core, uint32_t pc);
/* The same when it is known which block that is. */
void time_stopped_in(struct core *core, const struct block_cost *block, uint32_t pc);
/* The same for a block that it left for code at `pc` that it did not reach. */
void time_went_to(struct core *core, uint32_t pc);
/* Cycles that the block takes from the instruction at `pc` on. */
unsigned time_rest(struct core *core, uint32_t pc);
unsigned time_rest_from(struct core *core, const struct block_cost *block, uint32_t pc);
/* Where the block that runs begins; 0: none does. */
uint32_t time_block_start(struct core *core);
/* A hint has ended its block and the run: `pc` is behind it. (Else it is at an undefined instruction.) */
bool time_is_behind_block(struct core *core, uint32_t pc);

#endif
