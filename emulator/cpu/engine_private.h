/* What the two files of the Unicorn adapter share: engine.c (memory, hooks, runs) and engine_registers.c. */
#ifndef CPU_ENGINE_PRIVATE_H
#define CPU_ENGINE_PRIVATE_H

#include "emulator/cpu/internal.h"

#include <unicorn/unicorn.h>

#define PAGE_SHIFT 10
#define PAGE_SIZE (1u << PAGE_SHIFT)
#define MAX_REGIONS (BUS_MEMORIES + 2)
#define STUB 0xfffe0000u /* the engine's address for code of ours, in its page */

struct mmio_region {
    struct core *core;
    uint32_t base;
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
    bool remapped;       /* addresses lead elsewhere than before */
    bool in_stub;        /* the engine runs code of ours */
    bool in_service;     /* a boot ROM service runs: the engine's registers are exact and may be set */
    uint32_t pc;         /* where the run goes on */
    uint8_t *stub;       /* the page that it runs */
    uint8_t *executable; /* a bit per page: code has been fetched from it */
};

#endif
