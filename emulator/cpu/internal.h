/* What the files of emulator/cpu share. Who does what:
 *   core.c      the public face, the run loop, sleep, stalls
 *   blocks.c    what a block of instructions costs
 *   polling.c   polling loops, with the interpreter of thumb.c and thumb32.c
 *   engine.c    Unicorn: memory map, translation buffer, hooks; engine_access.c loads and stores of registers;
 *               engine_time.c the time while it runs; engine_registers.c registers in and out
 *   exceptions.c   exceptions as both architectures take them, with
 *   armv6m.c, armv8m.c   what is different: frames, faults, EXC_RETURN
 *   nvic.c      pending, enabled, active, priorities
 *   systick.c   the SysTick timer
 *   scs.c       the registers of the system control space, scs_main.c those that only the Cortex-M33 has
 *   mpu.c       what the MPU and the SAU allow
 *   access.c    what an instruction loads or stores
 *   coprocessor.c  the coprocessor instructions of the RP2350, with gpioc.c, dcp.c, rcp.c
 *   engine_watch.c, engine_halt.c   what a debugger wants
 *   core_walk.c, engine_walk.c   snapshots
 *   cycles_m0plus.c, cycles_m33.c   what an instruction costs */
#ifndef CPU_INTERNAL_H
#define CPU_INTERNAL_H

#include "emulator/cpu/core.h"
#include "emulator/cpu/dcp.h"
#include "emulator/cpu/nvic.h"
#include "emulator/cpu/polling.h"
#include "emulator/cpu/rcp.h"
#include "emulator/cpu/systick.h"
#include "emulator/cpu/thumb.h"

#define XPSR_T (1u << 24)
#define XPSR_IPSR 0x1ffu
#define XPSR_APSR 0xf8000000u
#define XPSR_GE 0x000f0000u
#define XPSR_IT 0x0600fc00u
#define CONTROL_NPRIV 1u
#define CONTROL_SPSEL 2u
#define CONTROL_FPCA 4u
#define CONTROL_SFPA 8u

/* Why the engine gave control back. */
enum stop {
    STOP_NONE,      /* deadline, or something wants attention: pc is the next instruction */
    STOP_SVC,       /* pc behind the instruction */
    STOP_RETURN,    /* pc holds EXC_RETURN */
    STOP_WFI,       /* pc behind the instruction */
    STOP_WFE,       /* the same */
    STOP_BKPT,      /* pc at the instruction */
    STOP_WATCH,     /* a debugger stops the core before the instruction at pc */
    STOP_UNDEFINED, /* pc at the instruction */
    STOP_UNALIGNED, /* pc at the instruction */
    STOP_BAD_LOAD,  /* pc at the instruction, fault_address set */
    STOP_BAD_STORE,
    STOP_BAD_FETCH,      /* pc at the address that has no code */
    STOP_STATE,          /* pc at an instruction that would be executed in Arm state */
    STOP_STACK_LIMIT,    /* pc at the instruction */
    STOP_NO_COPROCESSOR, /* the same */
    STOP_DIVIDE,         /* by zero, and it traps: the same */
};

/* What goes wrong with an instruction or around an exception. */
enum fault {
    FAULT_NONE,
    FAULT_UNDEFINED,
    FAULT_NO_COPROCESSOR,
    FAULT_STATE,  /* Arm state */
    FAULT_RETURN, /* EXC_RETURN that does not fit */
    FAULT_UNALIGNED,
    FAULT_DIVIDE, /* by zero */
    FAULT_STACK_LIMIT,
    FAULT_LOAD,
    FAULT_STORE,
    FAULT_FETCH,
    FAULT_STACKING,
    FAULT_UNSTACKING,
    FAULT_VECTOR, /* no vector table */
    FAULT_BREAKPOINT,
    FAULT_SVC,            /* SVC at a priority that masks it */
    FAULT_PROTECTED_LOAD, /* refused by the MPU, as the following */
    FAULT_PROTECTED_STORE,
    FAULT_PROTECTED_FETCH,
    FAULT_PROTECTED_STACKING,
    FAULT_PROTECTED_UNSTACKING,
    FAULT_NON_SECURE, /* Secure code has gone to Non-secure memory */
};

/* Architectural registers while the engine does not hold them. */
struct registers {
    uint32_t r[16]; /* r[13] is not kept: see registers_sp() */
    uint32_t xpsr;
    uint32_t msp, psp;
    uint32_t primask, control;
    uint32_t basepri, faultmask; /* 0 on a Cortex-M0+ */
};

/* The mask registers alone. */
struct masks {
    uint32_t primask, basepri, faultmask;
};

static inline uint32_t *registers_sp(struct registers *registers) {
    bool process = (registers->control & CONTROL_SPSEL) && !(registers->xpsr & XPSR_IPSR);
    return process ? &registers->psp : &registers->msp;
}

/* A block of instructions, as the engine forms them, and what it costs. Stays where it is as long as the core runs: the
 * engine reads the price from here each time that the block begins. */
#define BLOCK_ASKS 0x3fffffff /* a price that nobody can pay: engine_time.c is asked each time */
struct block_cost {
    int32_t price; /* what is paid when it begins: cycles + taken, or BLOCK_ASKS */
    uint32_t address;
    uint32_t end;            /* behind its last instruction; 0: not known (any more) */
    uint16_t cycles;         /* when the branch at its end is not taken */
    uint8_t taken;           /* more when it is */
    uint8_t refund;          /* what the block before it gives back at most when its branch is not taken */
    uint8_t polls;           /* may be part of a polling loop: 0 not yet known, 1 yes, 2 no */
    bool sev;                /* has an SEV */
    bool limits;             /* has an MSR to a stack limit */
    bool leaves;             /* has a BXNS or BLXNS */
    bool loops;              /* has been noticed as the head of a loop: asks each time when it begins */
    bool watched;            /* a debugger wants to know when an instruction of it begins: asks */
    bool cold;               /* some of its code may have to be fetched from behind the cache first */
    bool linked;             /* code_lines.c knows what lines it is in */
    struct block_cost *next; /* of those with the same hash */
};

/* The two architectures. All functions with core->outside, but block_cost() and offset(). */
struct architecture {
    unsigned irqs, priority_bits;
    uint32_t vtor_mask;
    unsigned entry_cycles, return_cycles, chain_cycles;
    unsigned fetches_ahead; /* bytes behind a block that are fetched before its branch is taken */
    void (*reset)(struct core *core);
    /* Push the frame of `exception`, set LR. Returns the exception to begin: another one when that failed; 0 when the
     * core has locked up. */
    unsigned (*push)(struct core *core, unsigned exception, uint32_t return_address);
    /* Where the frame that an EXC_RETURN means is; NULL when it does not fit the state: it has faulted. */
    uint32_t *(*returning)(struct core *core, uint32_t exc_return, bool *ret_to_thread);
    enum fault (*pop)(struct core *core, uint32_t *sp, uint32_t exc_return, bool to_thread);
    /* Enter the exception of a fault, or lock up. */
    void (*fault)(struct core *core, enum fault fault, uint32_t return_address);
    /* The same for a fault of the return itself, whose exception is no longer active. */
    void (*return_fault)(struct core *core, enum fault fault, uint32_t exc_return);
    /* The cost of a block of `size` bytes at `code`. */
    void (*block_cost)(const uint8_t *code, uint32_t size, struct block_cost *ret_cost);
    /* Cycles from the beginning of that block to the access of the instruction `at` bytes in it. */
    unsigned (*offset)(const uint8_t *code, uint32_t size, uint32_t at);
};
extern const struct architecture armv6m, armv8m;

/* What Armv8-M Mainline has beyond Armv6-M: registers of the system control space and the debug blocks. */
#define MPU_REGIONS 8
#define SAU_REGIONS 8
struct mainline {
    uint32_t aircr; /* PRIGROUP, PRIS, BFHFNMINS */
    uint32_t ccr, shcsr, cfsr, hfsr, dfsr, mmfar, bfar;
    uint32_t cpacr, nsacr, fpccr, fpcar, fpdscr;
    /* The MPU's of both architectures; mpu_rlar is RASR on the Cortex-M0+. */
    uint32_t mpu_ctrl, mpu_rnr, mpu_rbar[MPU_REGIONS], mpu_rlar[MPU_REGIONS], mpu_mair[2];
    uint32_t sfsr, sfar;
    uint32_t sau_ctrl, sau_rnr, sau_rbar[SAU_REGIONS], sau_rlar[SAU_REGIONS];
    uint32_t demcr, dwt_ctrl, cyccnt;
    uint64_t cyccnt_epoch; /* core cycles when the counter was `cyccnt` */
    uint32_t nmi_mask[2], sleepctrl;
    bool limits_used;  /* MSPLIM or PSPLIM may be other than 0 */
    uint32_t reported; /* guest and stub lines that are given once */
};

/* What follows from the registers of MPU and SAU; all false while they are off. */
struct mpu {
    bool enabled;  /* one of them is */
    bool regions;  /* at the present priority, the MPU decides */
    bool security; /* the SAU does, of code */
};

/* What a debugger wants (engine_watch.c). */
#define WATCH_CHAINS 256u
struct watches {
    struct core_watch *chains[WATCH_CHAINS]; /* by address, each in the order of their coming */
    unsigned count;
    bool changed;   /* translated code does not know of it yet */
    bool passes;    /* the core has stopped before `passes_pc`, and is to go on from there */
    bool steps;     /* one instruction is to run */
    bool has_begun; /* and has begun to */
    uint32_t passes_pc;
    const struct block_cost *block; /* the last one that asked and has such an instruction */
};

/* Where a debugger has halted the core, and what else it watches (engine_halt.c). */
struct watched_data {
    uint32_t address, size;
    bool loads, stores;
};
struct halt {
    enum core_halt why;
    struct core_position position;
    bool within;           /* in a block that has been paid: its rest comes first */
    uint64_t block_end;    /* when that ends */
    int taken;             /* what of it is given back when the branch at its end is not taken, as of the whole block */
    bool corrects;         /* a rest runs, of which another number is given back: */
    int correction;        /* so many cycles more are to be, */
    uint32_t correct_at;   /* when the next block begins here */
    bool has_end;          /* the block does something at its end: */
    struct block_cost end; /* this */
    bool is_late;          /* an access has halted the core that cannot be stopped: behind it */
    bool passes_access;    /* the access that has halted the core is to be done now */
    uint32_t fault_pc;     /* an instruction whose fault has been told, and is to be taken now */
    struct watched_data *data;
    unsigned data_count;
};

struct engine;
struct code_lines;

struct core {
    struct core_desc desc;
    const struct architecture *arch;
    enum core_state state;
    struct engine *engine;
    struct registers registers; /* valid while `outside` */
    bool outside;               /* the architectural state is in `registers`, not in the engine */

    uint64_t cycles;      /* now, whenever other code than the guest's runs */
    uint64_t limit;       /* of the running core_run() */
    uint64_t slice;       /* of the running engine slice: the limit or SysTick's next expiry */
    uint64_t stall_until; /* a boot ROM service takes until then */
    bool yield;
    bool runs;  /* within core_run() */
    bool trace; /* a line for every exception taken */

    struct nvic nvic;
    struct systick systick;
    bool attention; /* a pending exception has the priority to be taken, were it not for PRIMASK */
    bool event;     /* the event register of WFE */
    bool reset_requested;
    bool nmi_input;
    uint32_t vtor, scr, actlr;
    struct mainline mainline;
    struct mpu mpu;
    struct dcp dcp[2]; /* Secure, Non-secure */
    struct rcp rcp;
    struct core *peer; /* the other core; NULL: none */
    uint32_t fault_address;
    bool fault_protected; /* a stop for a bad access is the MPU's or the SAU's doing */
    uint32_t rom_size;

    struct blocks *blocks; /* what they cost */
    struct code_lines *code_lines;
    struct polling polling;
    struct watches watches;
    struct halt halt;
    struct core_debugger debugger;
    unsigned generation; /* goes up when something else than running sets registers */
};

/* ---- core.c ---- */
/* Consecutive words. */
bool core_load_words(struct core *core, uint32_t address, uint32_t *ret_words, unsigned count);
bool core_store_words(struct core *core, uint32_t address, const uint32_t *words, unsigned count);
/* Derive `attention` anew: after every change of the NVIC's state. */
void core_update_attention(struct core *core);
void core_log(struct core *core, enum log_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Derive all that follows from the time that has been reached within a slice: SysTick, and the machine's events. */
void core_reached(struct core *core);
/* The slice is over, between two blocks: true when it goes on all the same, with nothing changed but time. */
bool core_goes_on(struct core *core);

/* ---- blocks.c ---- */
struct blocks *blocks_create(void); /* NULL: out of memory */
void blocks_destroy(struct blocks *blocks);
/* The block that the engine forms at an address, NULL when it has not lately. */
struct block_cost *blocks_known(struct core *core, uint32_t address);
/* The same, worked out anew. */
struct block_cost *blocks_learn(struct core *core, uint32_t address, uint32_t size);
/* Such a block asks each time before it runs. */
void blocks_set_loops(struct block_cost *block, bool loops);
/* Somebody watches the address now, or does not any more: the block that begins there is to know. */
void blocks_note_watches(struct core *core, uint32_t address);
/* The block may have to wait for its code: it asks, and code_lines_fetch() is to be called before it runs. */
void blocks_set_cold(struct block_cost *block, bool cold);
/* All blocks with code behind the cache may have to. */
void blocks_all_cold(struct core *core);
/* The block stays where it is, for its address. (When there are too many, the last one learnt does not.) */
bool blocks_is_kept(const struct core *core, const struct block_cost *block);
/* Code has changed; or, with size 0, the engine has translated the block at `address` anew. */
void blocks_forget(struct core *core, uint32_t address, uint32_t size);
void blocks_forget_all(struct core *core);
/* May translated code be from these bytes? */
bool blocks_had_code(const struct core *core, uint32_t address, uint32_t size);
/* There are too many; and to begin anew, when the engine has forgotten its translations. */
bool blocks_are_full(const struct core *core);
void blocks_clear(struct core *core);
/* Cycles of a block before the access of the instruction at `pc`. */
unsigned blocks_offset(struct core *core, const struct block_cost *block, uint32_t pc);
/* The same for an instruction with which the engine begins, as a block of its own: cycles after which that one is to
 * begin so that it ends with the block, when it is its last instruction. */
unsigned blocks_split(struct core *core, const struct block_cost *block, uint32_t pc);
/* What a block costs that ran and went on at `next`. */
static inline unsigned blocks_paid(const struct block_cost *block, uint32_t next) {
    return block->cycles + (next != block->end ? block->taken : 0u);
}
/* What else a block has done that ran: SEV, MSR to a stack limit. */
void blocks_finish(struct core *core, const struct block_cost *block);
/* Loads and stores at the I/O port take one cycle less than others. */
static inline bool is_ioport(const struct core *core, uint32_t address) {
    return address - core->desc.ioport_base < core->desc.ioport_size;
}
/* Cycles that a load or store takes beyond one of memory. It happens before them. */
static inline unsigned access_waits(const struct core *core, uint32_t address, bool is_store) {
    return address - core->desc.apb_base < core->desc.apb_size ? 1u + is_store : 0;
}

/* ---- code_lines.c ---- */
struct code_lines *code_lines_create(void); /* NULL: out of memory */
void code_lines_destroy(struct code_lines *lines);
/* Forget all blocks. */
void code_lines_clear(struct code_lines *lines);
/* Is there code behind a cache at this address? */
static inline bool code_lines_apply(const struct core *core, uint32_t address) {
    return address - core->desc.cache.base < core->desc.cache.size;
}
/* A block is about to begin: fetch its code and its literals. Gives the cycles that it waits for them; false: a bus
 * error, at the first word that has one. */
bool code_lines_fetch(struct core *core, struct block_cost *block, unsigned *ret_waits);

/* ---- polling.c ---- */
/* Noticed a loop (polling_notices()): is it worth a try? */
bool polling_wants(struct core *core, uint32_t head);
/* Run the loop at registers.r[15], with core->outside, until it ends, the slice does or it is none. */
void polling_run(struct core *core);

/* ---- engine.c ---- */
struct engine *engine_create(struct core *core, struct error *error);
void engine_destroy(struct engine *engine);
/* Bring the state into core->registers, or give it back to the engine. */
void engine_fetch(struct core *core);
void engine_give(struct core *core);
/* What the engine keeps beside core->registers is to be as after power-on: floating point, stack limits, Secure state.
 * Takes effect when it is given the state. */
void engine_reset(struct core *core);
/* Run until core->slice or a stop; afterwards core->outside. */
enum stop engine_run(struct core *core);
/* Where the core goes on. */
uint32_t engine_pc(const struct core *core);
uint32_t engine_register(struct core *core, unsigned number);
struct masks engine_masks(struct core *core);
/* Floating point, whether the rest of the state is outside or not: the first `count` (even) of S0 to S31. */
void engine_fetch_fp(struct core *core, uint32_t *ret_s, unsigned count, uint32_t *ret_fpscr);
void engine_give_fp(struct core *core, const uint32_t *s, unsigned count, uint32_t fpscr);
/* The stack limits, with core->outside: MSPLIM, PSPLIM. */
void engine_fetch_limits(struct core *core, uint32_t ret_limits[2]);
void engine_set_register(struct core *core, unsigned number, uint32_t value);
void engine_code_changed(struct core *core, uint32_t address, uint32_t size);
void engine_map_changed(struct core *core);
/* What it holds beside core->registers, in a snapshot; with core->outside. */
void engine_walk(struct core *core, struct walk *walk);
/* Goes up when translated code is dropped, or leads elsewhere. */
unsigned engine_changes(const struct core *core);

/* ---- engine_watch.c ---- */
/* A block has been formed: is there an instruction that is watched? */
void watch_note_block(struct core *core, struct block_cost *block);
/* The instruction at `pc`, where such a block begins, or any block in a step, is about to run. True: it is not to. */
bool watch_stops_before(struct core *core, uint32_t pc);
/* Addresses that are new, or no longer watched, are known to translated code and to loops that are skipped. */
void watch_settle(struct core *core);
/* Around a run of the engine. */
void watch_before_run(struct core *core);
void watch_after_run(struct core *core);
/* An exception has been entered, which ends a step as well. */
void watch_end_step(struct core *core);

/* ---- engine_halt.c ---- */
/* The engine has stopped in the middle of a block, with core->cycles at its end: keep what the rest needs. */
void halt_within_block(struct core *core, const struct block_cost *block);
/* A block that follows a rest is about to begin, at core->cycles: gives the cycles that are too many. */
int halt_correction(struct core *core, uint32_t pc);
/* The core is halted within a block, at `pc`. */
bool halt_is_within(const struct core *core, uint32_t pc);
/* The rest is about to run as a block of its own: sets core->cycles to its time. Gives what is to be done at its end.
 */
const struct block_cost *halt_take_rest(struct core *core, const struct block_cost *rest);
/* A debugger is about to be asked at the beginning of a block. */
void halt_before_block(struct core *core, uint32_t pc);
/* What was halted is no longer where it was (a reset, another pc). */
void halt_forget(struct core *core);
void halt_begin_run(struct core *core);
/* Is data watched in the page at an address? */
bool halt_has_page(const struct core *core, uint32_t page, uint32_t size);
/* An access of watched data ends the run: true. */
bool halt_at_access(struct core *core, uint32_t address, unsigned size, bool is_store);
/* A BKPT, or a fault: true when the debugger halts the core before it. */
bool halt_at_stop(struct core *core, enum stop stop);
void halt_finish(struct core *core);

/* ---- exceptions.c ---- (all with core->outside, but the priorities) */
/* The priority at which the core runs, with what the mask registers say. */
int exceptions_priority(const struct core *core, uint32_t primask, uint32_t basepri, uint32_t faultmask);
int exceptions_current_priority(struct core *core);
/* WFI would go on: a pending exception would be taken if PRIMASK were 0. */
bool exceptions_wake(struct core *core);
/* Take the most urgent pending exception if its priority allows. True when it did, or the core locked up. */
bool exceptions_take_pending(struct core *core);
/* What follows a stop of the engine other than STOP_NONE, STOP_WFI and STOP_WFE. */
void exceptions_stopped(struct core *core, enum stop stop);
/* Push a frame and begin the handler; begin it alone (tail-chaining). */
void exceptions_enter(struct core *core, unsigned exception, uint32_t return_address);
void exceptions_begin(struct core *core, unsigned exception);
/* A fault at HardFault's priority or above: the core stops for good. */
void exceptions_lock_up(struct core *core, enum fault fault);
const char *exceptions_fault_name(enum fault fault);

/* ---- coprocessor.c ---- */
/* The coprocessor instruction `code` (first halfword above). STOP_NONE: it is done. */
enum stop coprocessor_execute(struct core *core, uint32_t code);

/* ---- scs.c ---- */
uint32_t scs_read(struct core *core, uint32_t address, unsigned size);
void scs_write(struct core *core, uint32_t address, uint32_t value, unsigned size);

/* ---- access.c ---- */
/* A load or store: `count` elements of `size` bytes from `address` on. */
struct access {
    uint32_t address;
    unsigned size, count;
};
/* What the instruction at `pc` loads or stores with the registers as they are; false when it does neither. */
bool access_at(struct core *core, uint32_t pc, struct access *ret_access);
bool access_divides_by_zero(struct core *core, uint32_t pc);

/* ---- mpu.c ---- */
enum mpu_right { MPU_READ = 1, MPU_WRITE = 2, MPU_EXECUTE = 4 };
/* Registers have changed. */
void mpu_changed(struct core *core);
/* Before the engine runs, while mpu.enabled: priorities may be others. */
void mpu_settle(struct core *core);
/* What code may do at an address; while mpu.enabled. */
unsigned mpu_rights(const struct core *core, uint32_t address, bool privileged);
/* The SAU refuses code there. */
bool mpu_is_non_secure(const struct core *core, uint32_t address);
/* One answer for all of a page. */
bool mpu_is_uniform(const struct core *core, uint32_t page, uint32_t size, bool privileged);
/* `right` at all of `size` bytes (1 or more). */
bool mpu_allows(const struct core *core, uint32_t address, uint32_t size, unsigned right, bool privileged);
/* The same for the frame of an exception, with core->outside: with the rights of what it interrupts or returns to. */
bool mpu_allows_frame(const struct core *core, uint32_t address, uint32_t size, unsigned right);
/* TYPE, CTRL, RNR, RBAR, RASR by number. */
uint32_t mpu_read_m0plus(const struct core *core, unsigned index);
void mpu_write_m0plus(struct core *core, unsigned index, uint32_t value);

/* ---- scs_main.c ---- */
#define CCR_UNALIGN_TRP (1u << 3)
#define CCR_DIV_0_TRP (1u << 4)
void scs_main_reset(struct core *core);
/* False: this is none of its registers. `address` is a word's. */
bool scs_main_read(struct core *core, uint32_t address, uint32_t *ret_value);
bool scs_main_write(struct core *core, uint32_t address, uint32_t value);
/* Interrupts that are routed to the NMI as well. */
void scs_main_update_nmi(struct core *core);
/* Say something once: `bit` of mainline.reported. */
enum { REPORTED_FPDSCR, REPORTED_ASPEN, REPORTED_NON_SECURE };
void scs_main_report(struct core *core, unsigned bit, enum log_level level, const char *text);

/* ---- cycles_m33.c ---- */
/* As the functions for the Cortex-M0+. */
unsigned m33_instruction_cycles(uint16_t first, uint16_t second, unsigned *ret_taken);
void m33_block_cost(const uint8_t *code, uint32_t size, struct block_cost *ret_cost);
unsigned m33_offset(const uint8_t *code, uint32_t size, uint32_t at);

/* ---- cycles_m0plus.c ---- */
/* Cycles of one instruction (its first halfword, and the second if it has one), its branch not taken; `ret_taken`:
 * how many more if it is. Loads and stores as to memory. */
unsigned m0plus_instruction_cycles(uint16_t first, uint16_t second, unsigned *ret_taken);
/* The cost of a block of `size` bytes at `code`. */
void m0plus_block_cost(const uint8_t *code, uint32_t size, struct block_cost *ret_cost);
unsigned m0plus_offset(const uint8_t *code, uint32_t size, uint32_t at);

#endif
