/* One Arm core: a Unicorn engine, and around it what the engine does not have: exceptions, NVIC, SysTick, cycle
 * costs, sleep. The machine runs cores in slices; between slices it delivers events.
 *
 * The interface is the same for Cortex-M0+ and Cortex-M33. */
#ifndef CPU_CORE_H
#define CPU_CORE_H

#include "emulator/core/bus.h"
#include "emulator/core/error.h"

enum core_model { CORE_M0PLUS, CORE_M33 };

enum core_state {
    CORE_HELD, /* in reset: runs nothing */
    CORE_RUNNING,
    CORE_WFI,    /* waits for an interrupt */
    CORE_WFE,    /* waits for an event */
    CORE_LOCKUP, /* a fault inside a fault: only a reset helps */
};

struct core;

/* The GPIO registers of the SIO as coprocessor 0 of the RP2350 reaches them: bits 31 to 0 are GPIO_OUT, GPIO_OE,
 * GPIO_IN; bits 63 to 32 the registers GPIO_HI_. */
enum core_gpio_register { CORE_GPIO_OUT, CORE_GPIO_OE, CORE_GPIO_IN };
struct core_gpio {
    uint64_t (*read)(void *context, enum core_gpio_register reg);
    void (*write)(void *context, enum core_gpio_register reg, uint64_t value); /* OUT and OE */
    void *context;
};

/* Code in a range of addresses comes through a cache, which may have to wait for it. */
#define CORE_CACHE_LINE 8           /* bytes */
#define CORE_CACHE_ERROR UINT32_MAX /* instead of cycles: a bus error */
struct core_cache {
    uint32_t base, size;
    /* The word at `address` is fetched in core cycle `cycle`: cycles that this takes beyond a hit. `*ret_stays`: from
     * now on it takes none, until core_line_lost() or core_lines_lost(). */
    unsigned (*fetch)(void *context, uint32_t address, uint64_t cycle, bool *ret_stays);
    void *context;
};

struct core_desc {
    enum core_model model;
    unsigned index; /* 0 or 1: what SIO's CPUID says */
    struct environment *env;
    struct bus *bus; /* memory and registers; complete before the core is made */
    unsigned irqs;   /* interrupt inputs of the NVIC; 0: 32 (Cortex-M0+) or 52 (RP2350's Cortex-M33) */
    /* Loads and stores here take one cycle (the Cortex-M0+'s I/O port, where SIO is). `ioport_size` 0: none. */
    uint32_t ioport_base, ioport_size;
    uint32_t divider; /* address of the SIO divider's registers, which loops are followed through; 0: none */
    /* Behind the APB bridge a load takes one cycle more than from memory, a store two: three and four in all (RP2040
     * datasheet 2.1.3, RP2350 datasheet 2.2.4). `apb_size` 0: nothing is. */
    uint32_t apb_base, apb_size;
    /* A supervisor call from inside the boot ROM (the read-only memory at address 0): service `number`, arguments in
     * r0-r3 by the procedure call standard. Returns the cycles to charge: the core stalls so long, with interrupts
     * pending, over several core_run() if need be. The service sets r0-r1 itself. NULL: such calls are exceptions. */
    uint32_t (*rom_call)(void *context, struct core *core, unsigned number);
    void *rom_context;
    /* SYSRESETREQ written by this core. May be NULL. */
    void (*system_reset)(void *context, struct core *core);
    void *reset_context;
    /* SEV executed, or an event from this core for the other one. May be NULL. */
    void (*send_event)(void *context, struct core *core);
    void *event_context;
    /* The clock whose cycles the core counts; it lets the core skip passes of polling loops. NULL: none is skipped. */
    const struct clock_domain *clock;
    struct core_cache cache; /* all 0: code takes as long everywhere */
    /* Coprocessor 0. NULL functions: there is none. */
    struct core_gpio gpio;
    /* Within a block, before an access: time has reached the end of the slice, and what is due by then is to happen
     * first. May be NULL. */
    void (*reached)(void *context, struct core *core);
    /* Between two blocks, at the end of the slice: do what is due, and core_extend(); false: core_run() is to return.
     * May be NULL. */
    bool (*more)(void *context, struct core *core);
    /* A debugger has stopped the core (core_watch(), core_step()): core_run() is about to return. May be NULL. */
    void (*halted)(void *context, struct core *core);
    void *machine_context;
    bool exact; /* run every instruction: no shortcut in time (the results are the same) */
};

/* NULL and an error line when the engine cannot be made. */
struct core *core_create(const struct core_desc *desc, struct error *error);
void core_destroy(struct core *core); /* NULL is fine */
/* Two cores of one chip: their redundancy coprocessors see each other. */
void core_link(struct core *a, struct core *b);

/* Architectural reset: registers, NVIC, SysTick, PRIMASK; the core is held until core_start(). */
void core_reset(struct core *core);
/* Begin at `pc` with main stack `sp` (bit 0 of pc is ignored), VTOR as given. */
void core_start(struct core *core, uint32_t sp, uint32_t pc, uint32_t vtor);
enum core_state core_state(const struct core *core);
enum core_model core_model(const struct core *core);

/* Cycles of clk_sys that this core has been given, run or slept, since it was made. */
uint64_t core_cycles(const struct core *core);
/* Where they are counted; up to date whenever the core accesses something. */
const uint64_t *core_count(const struct core *core);
/* Run until at least `until` cycles (overshoot: less than one block), or until it sleeps, locks up or is asked to
 * yield. The caller has set env->core. */
void core_run(struct core *core, uint64_t until);
/* From inside a callback during core_run(): return to the machine at the end of this block. */
void core_yield(struct core *core);
/* A lower bound for `until` of the running slice (a new event lies earlier). */
void core_limit(struct core *core, uint64_t until);
/* The running slice goes on until then. For core_desc.more. */
void core_extend(struct core *core, uint64_t until);
/* A core that sleeps or is held: its count moves on to `until` without running. */
void core_skip_to(struct core *core, uint64_t until);

/* The count at which a core that runs nothing has to be looked at because of its own timer (SysTick); UINT64_MAX:
 * never. The machine skips no further than this without calling core_wake(). */
uint64_t core_alarm(const struct core *core);
/* SysTick's reference clock: cycles of clk_sys for one tick (CLKSOURCE = 0); 0: it stands still. */
void core_set_reference(struct core *core, uint32_t cycles_per_tick);

/* Interrupt line into the NVIC: level. */
void core_set_irq(struct core *core, unsigned irq, bool level);
/* The salt of the redundancy coprocessor (RP2350), as the boot ROM sets it; it enables the coprocessor as well.
 * Without, its instructions are faults. */
void core_set_rcp_salt(struct core *core, uint64_t salt);
/* The level of NMI. */
void core_set_nmi(struct core *core, bool level);
/* Set the event register (SEV of the other core). */
void core_event(struct core *core);
/* Re-check whether a sleeping core wakes. The machine calls it after events; true when it is now running. */
bool core_wake(struct core *core);

/* Numbers of core_register(): 0-12 are r0-r12. */
enum core_register_number {
    CORE_SP = 13,
    CORE_LR,
    CORE_PC,
    CORE_XPSR,
    CORE_MSP,
    CORE_PSP,
    CORE_PRIMASK,
    CORE_CONTROL,
    CORE_BASEPRI, /* from here on: Cortex-M33, else 0 */
    CORE_FAULTMASK,
    CORE_FPSCR,
    CORE_S0, /* to S31 */
    CORE_REGISTERS = CORE_S0 + 32
};
/* While the core runs (from a callback) the general registers are those before the instruction that called, and pc
 * is the start of its block; a boot ROM service sees and sets the exact ones. */
uint32_t core_register(const struct core *core, unsigned number);
void core_set_register(struct core *core, unsigned number, uint32_t value);
/* Guest memory or a register, as the core's own load and store; false: nothing answers. */
bool core_load(struct core *core, uint32_t address, unsigned size, uint32_t *ret_value);
bool core_store(struct core *core, uint32_t address, uint32_t value, unsigned size);
/* A trace line for every exception that is taken. */
void core_trace_exceptions(struct core *core, bool on);

/* ---- For a debugger ---- */

/* Why the last core_run() has ended for a debugger. */
enum core_halt { CORE_NOT_HALTED, CORE_AT_WATCH, CORE_STEPPED, CORE_AT_ACCESS, CORE_AT_BREAKPOINT, CORE_AT_FAULT };
enum core_halt core_halted_by(const struct core *core);
/* Where a core has been halted, or is in a callback of its debugger: no other moment of the run has the same. */
struct core_position {
    uint64_t cycles; /* at the beginning of a block: now; within one: when it will have ended */
    uint32_t pc;
};
struct core_position core_position(const struct core *core);
/* It has been halted in the middle of a block, the rest of which comes first in the next core_run(). */
bool core_is_within_block(const struct core *core);
/* Up to where the core was to run when it was halted: for the core_run() that goes on. */
uint64_t core_until(const struct core *core);

/* What else a debugger is asked, from within core_run(). True: core_run() returns before the instruction, of which
 * nothing has happened, and the next one goes on with it without a further call. Any function may be NULL. */
struct core_debugger {
    void *context;
    /* A load or store of watched data. */
    bool (*on_access)(void *context, struct core *core, uint32_t address, unsigned size, bool is_store);
    /* A BKPT is about to be a fault. (The core asks again when it goes on at it.) */
    bool (*on_breakpoint)(void *context, struct core *core, uint32_t address);
    /* An instruction is about to be a fault; `words` say what is wrong. */
    bool (*on_fault)(void *context, struct core *core, const char *words);
};
void core_set_debugger(struct core *core, const struct core_debugger *debugger);
/* The core's accesses to `size` bytes of memory, or of registers. Between runs. False: out of memory, or no bytes. */
bool core_watch_data(struct core *core, uint32_t address, uint32_t size, bool loads, bool stores);
void core_unwatch_data(struct core *core, uint32_t address, uint32_t size, bool loads, bool stores);
/* core_run() is to end before the next instruction; a reset in between does not change that. */
void core_halt_next(struct core *core);

/* Somebody wants to know when the instruction at an address is about to run. Owned by whoever asks; it stays where it
 * is until core_unwatch(). Addresses are as the code runs there (an alias of the flash is another one). */
struct core_watch {
    uint32_t address; /* bit 0 is 0 */
    /* Code gets there by branches only: it costs less then, however many there are. What runs into it from the
     * instruction above is not noticed. */
    bool at_branches;
    /* Called before the instruction, at its own time; core_register() tells what it would find, but for CORE_PC, which
     * is `address`. True: the core stops before it, core_run() returns, and the next one goes on with it without a
     * further call. */
    bool (*reached)(void *context, struct core *core);
    void *context;
    struct core_watch *next; /* the core's, as what follows */
    size_t hook;
};
/* Both between runs, or from within reached(): an address that is new then counts from the next core_run() on, one that
 * is at branches at once. Several may be at one address; they are called in the order of their coming. */
void core_watch(struct core *core, struct core_watch *watch);
void core_unwatch(struct core *core, struct core_watch *watch);
/* The next core_run() ends after one instruction, or when an exception is entered instead; core_steps() tells whether
 * that is still to come. A core that sleeps steps when it wakes. */
void core_step(struct core *core, bool steps);
bool core_steps(const struct core *core);

/* Memory that may hold translated code has changed behind the core's back (flash, debugger, DMA, other core). */
void core_code_changed(struct core *core, uint32_t address, uint32_t size);
/* The line of the cache at an address is no longer there, or any line may be so. */
void core_line_lost(struct core *core, uint32_t address);
void core_lines_lost(struct core *core);
/* bus.translate gives other addresses than before: from the end of the present block on the core goes by it. */
void core_map_changed(struct core *core);
/* Its section of a snapshot; between runs. Reading: guest memory may have changed all over. */
void core_walk(struct core *core, struct walk *walk);

#endif
