/* What the files of emulator/cpu share. Who does what:
 *   core.c      the public face, the run loop, sleep, stalls
 *   engine.c    Unicorn: memory map, translation buffer, hooks, registers in and out
 *   armv6m.c    exceptions of the architecture
 *   nvic.c      pending, enabled, active, priorities
 *   systick.c   the SysTick timer
 *   scs.c       the registers of the system control space
 *   cycles_m0plus.c   what an instruction costs */
#ifndef CPU_INTERNAL_H
#define CPU_INTERNAL_H

#include "emulator/cpu/core.h"
#include "emulator/cpu/nvic.h"
#include "emulator/cpu/systick.h"

#define XPSR_T (1u << 24)
#define XPSR_IPSR 0x1ffu
#define XPSR_APSR 0xf8000000u
#define CONTROL_SPSEL 2u

/* Why the engine gave control back. */
enum stop {
    STOP_NONE,      /* deadline, or something wants attention: pc is the next instruction */
    STOP_SVC,       /* pc behind the instruction */
    STOP_RETURN,    /* pc holds EXC_RETURN */
    STOP_WFI,       /* pc behind the instruction */
    STOP_WFE,       /* the same */
    STOP_BKPT,      /* pc at the instruction */
    STOP_UNDEFINED, /* pc at the instruction */
    STOP_UNALIGNED, /* pc at the instruction */
    STOP_BAD_LOAD,  /* pc at the instruction, fault_address set */
    STOP_BAD_STORE,
    STOP_BAD_FETCH, /* pc at the address that has no code */
};

/* Architectural registers while the engine does not hold them. */
struct registers {
    uint32_t r[16]; /* r[13] is not kept: see registers_sp() */
    uint32_t xpsr;
    uint32_t msp, psp;
    uint32_t primask, control;
};

static inline uint32_t *registers_sp(struct registers *registers) {
    bool process = (registers->control & CONTROL_SPSEL) && !(registers->xpsr & XPSR_IPSR);
    return process ? &registers->psp : &registers->msp;
}

/* Cost of a block of instructions, by address. */
struct block_cost {
    uint32_t address;
    uint32_t check;  /* first and last bytes of the code: SRAM changes */
    uint16_t size;   /* 0: empty entry */
    uint16_t cycles; /* when the final branch is not taken */
    uint8_t taken;   /* more when it is */
    bool sev;        /* has an SEV */
};

#define COST_ENTRIES 65536u

struct engine;

struct core {
    struct core_desc desc;
    enum core_state state;
    struct engine *engine;
    struct registers registers; /* valid while `outside` */
    bool outside;               /* the architectural state is in `registers`, not in the engine */

    uint64_t cycles;
    uint64_t limit;       /* of the running core_run() */
    uint64_t slice;       /* of the running engine slice: the limit or SysTick's next expiry */
    uint64_t stall_until; /* a boot ROM service takes until then */
    bool yield;
    bool trace; /* a line for every exception taken */

    struct nvic nvic;
    struct systick systick;
    bool attention; /* a pending exception has the priority to be taken, were it not for PRIMASK */
    bool event;     /* the event register of WFE */
    bool reset_requested;
    uint32_t vtor, scr, actlr;
    uint32_t mpu[5]; /* TYPE, CTRL, RNR, RBAR, RASR: storage */
    uint32_t fault_address;
    uint32_t rom_size;

    /* Cycle costs (engine.c, cycles_m0plus.c). */
    struct block_cost *costs;
    uint32_t block_address; /* of the block that runs */
    uint32_t block_size;
    int32_t block_cycles; /* charged when it has run */
    uint32_t block_next;  /* where it goes on when its final branch is not taken */
    uint8_t block_taken;
    bool block_sev;
};

/* ---- core.c ---- */
/* Guest memory or a register, as the core's own load and store; false: nothing answers. */
bool core_load(struct core *core, uint32_t address, unsigned size, uint32_t *ret_value);
bool core_store(struct core *core, uint32_t address, uint32_t value, unsigned size);
/* Derive `attention` anew: after every change of the NVIC's state. */
void core_update_attention(struct core *core);
void core_log(struct core *core, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- engine.c ---- */
struct engine *engine_create(struct core *core, struct error *error);
void engine_destroy(struct engine *engine);
/* Bring the state into core->registers, or give it back to the engine. */
void engine_fetch(struct core *core);
void engine_give(struct core *core);
/* Run until core->slice or a stop; afterwards core->outside. */
enum stop engine_run(struct core *core);
uint32_t engine_register(struct core *core, unsigned number);
void engine_set_register(struct core *core, unsigned number, uint32_t value);
void engine_code_changed(struct core *core, uint32_t address, uint32_t size);

/* ---- armv6m.c ---- (all with core->outside) */
void armv6m_reset(struct core *core);
/* Take the most urgent pending exception if its priority allows. True when it did, or the core locked up. */
bool armv6m_take_pending(struct core *core);
/* What follows a stop of the engine other than STOP_NONE, STOP_WFI and STOP_WFE. */
void armv6m_stopped(struct core *core, enum stop stop);
/* WFI would go on: a pending exception would be taken if PRIMASK were 0. */
bool armv6m_wakes(const struct core *core);

/* ---- scs.c ---- */
uint32_t scs_read(struct core *core, uint32_t address, unsigned size);
void scs_write(struct core *core, uint32_t address, uint32_t value, unsigned size);

/* ---- cycles_m0plus.c ---- */
/* Cycles of one instruction (its first halfword, and the second if it has one), its branch not taken; `ret_taken`:
 * how many more if it is. Loads and stores as to memory. */
unsigned m0plus_instruction_cycles(uint16_t first, uint16_t second, unsigned *ret_taken);
/* The cost of a block of `size` bytes at `code`. */
void m0plus_block_cost(const uint8_t *code, uint32_t size, struct block_cost *ret_cost);

static inline bool thumb_is_wide(uint16_t first) {
    return first >= 0xe800;
}

#endif
