/* What the files of emulator/cpu share. Who does what:
 *   core.c      the public face, the run loop, sleep, stalls
 *   blocks.c    what a block of instructions costs
 *   polling.c   polling loops, with the interpreter of thumb.c
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
#include "emulator/cpu/polling.h"
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

/* A block of instructions and what it costs. */
struct block_cost {
    uint32_t address;
    uint32_t end;    /* behind its last instruction; 0: there is no block */
    uint16_t cycles; /* when the final branch is not taken */
    uint8_t taken;   /* more when it is */
    bool sev;        /* has an SEV */
    uint8_t polls;   /* may be part of a polling loop: 0 not yet known, 1 yes, 2 no */
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
    struct block_cost *costs; /* by address */
    struct block_cost block;  /* the one that runs */
    uint32_t block_credit;    /* cycles that accesses to the I/O port did not take in it */

    struct polling polling;
    unsigned generation; /* goes up when something else than running sets registers */
};

/* ---- core.c ---- */
/* Guest memory or a register, as the core's own load and store; false: nothing answers. */
bool core_load(struct core *core, uint32_t address, unsigned size, uint32_t *ret_value);
bool core_store(struct core *core, uint32_t address, uint32_t value, unsigned size);
/* Derive `attention` anew: after every change of the NVIC's state. */
void core_update_attention(struct core *core);
void core_log(struct core *core, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- blocks.c ---- */
static inline struct block_cost *blocks_entry(struct core *core, uint32_t address) {
    return &core->costs[address >> 1 & (COST_ENTRIES - 1)];
}
/* Work out the cost of a block, into its entry. */
void blocks_learn(struct core *core, uint32_t address, uint32_t size);
/* What is rare about a block: accesses to the I/O port, SEV. */
void blocks_pay_rest(struct core *core);
/* Cycles of the block that ran, without what is rare; it went on at `next`. */
static inline uint32_t blocks_price(const struct core *core, uint32_t next) {
    return core->block.cycles + (next != core->block.end ? core->block.taken : 0u);
}
/* The block that ran is paid; `next` is where it went. To be followed by blocks_begin() or blocks_none(). */
static inline void blocks_pay(struct core *core, uint32_t next) {
    core->cycles += blocks_price(core, next);
    if (core->block_credit || core->block.sev) {
        blocks_pay_rest(core);
    }
}
/* A block of `size` bytes will run. */
static inline void blocks_begin(struct core *core, uint32_t address, uint32_t size) {
    const struct block_cost *cost = blocks_entry(core, address);
    if (cost->address != address || !cost->end) {
        blocks_learn(core, address, size);
    }
    core->block = *cost;
}
/* None does. */
static inline void blocks_none(struct core *core) {
    core->block = (struct block_cost){ 0 };
}
/* The running block ended early, before the instruction at `pc`. */
void blocks_pay_partly(struct core *core, uint32_t pc);
/* The block that the engine forms at an address, NULL when it has not lately. */
struct block_cost *blocks_known(struct core *core, uint32_t address);
/* Code has changed; or, with size 0, the engine has translated the block at `address` anew. */
void blocks_forget(struct core *core, uint32_t address, uint32_t size);
/* A load or store happened: those to the I/O port were counted as two cycles. */
static inline void blocks_count_access(struct core *core, uint32_t address) {
    if (address - core->desc.ioport_base < core->desc.ioport_size) {
        core->block_credit++;
    }
}

/* ---- polling.c ---- */
/* Noticed a loop (polling_notices()): is it worth a try? */
bool polling_wants(struct core *core);
/* Run the loop at registers.r[15], with core->outside, until it ends, the slice does or it is none. */
void polling_run(struct core *core);

/* ---- engine.c ---- */
struct engine *engine_create(struct core *core, struct error *error);
void engine_destroy(struct engine *engine);
/* Bring the state into core->registers, or give it back to the engine. */
void engine_fetch(struct core *core);
void engine_give(struct core *core);
/* Run until core->slice or a stop; afterwards core->outside. */
enum stop engine_run(struct core *core);
/* Where the core goes on. */
uint32_t engine_pc(const struct core *core);
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
