/* The exception model of Armv8-M Mainline in Secure state: Architecture Reference Manual (DDI 0553) B3, the Cortex-M33
 * of the RP2350 in particular (r1p0: security extension, FPU, DSP).
 *
 * Modelled: basic and extended frames, all EXC_RETURN values that stay in Secure state (F1, F9, FD, E1, E9, ED, and
 * F5 and E5 when a handler has set SPSEL), the whole xPSR with IT and GE and SFPA in the frame, stack limits on entry
 * (the engine watches them for instructions), derived exceptions, MemManage, BusFault and UsageFault with their
 * enables and status registers, escalation, lock-up, DebugMonitor for BKPT.
 *
 * Not modelled: Non-secure state (a stub line when code with BXNS or BLXNS is met); the fault of LDM, STM, LDRD and
 * STRD at unaligned addresses and of any unaligned access to registers, unless CCR.UNALIGN_TRP is set; the FPU's
 * enables in CPACR: its instructions always work; FPCCR.ASPEN = 0; FPDSCR other than 0 (a stub line says so); a fault
 * by CCR.BFHFNMIGN is taken all the same; the exclusive monitor is not cleared by exceptions (a STREX fails when the
 * word has changed); DebugMonitor other than for BKPT. The traps of CCR (DIV_0_TRP, UNALIGN_TRP) look at every
 * instruction and are slow; inside an IT block the rest of the block has run when the fault is taken.
 *
 * Decided: floating-point state is stacked at once, also with FPCCR.LSPEN = 1: the frame that lazy stacking would
 * fill later is there already, FPCAR points to it, LSPACT stays 0. Bus faults of stores are precise (the Cortex-M33
 * has a write buffer that makes some of them imprecise). An EXC_RETURN in thread mode is a branch to an address that
 * is never executable. Bit 0 of an EXC_RETURN (ES) is taken as 1.
 * Cycles: entry 12 with no wait states (the latency that Arm gives), return 10, tail-chaining 6. */
#include "emulator/cpu/internal.h"

#define BASIC_WORDS 8
#define EXTENDED_WORDS 26  /* and S0-S15, FPSCR, one that is reserved */
#define SECURE_FP_WORDS 42 /* and S16-S31, with FPCCR.TS */
#define FRAME_ALIGNED (1u << 9)
#define FRAME_SFPA (1u << 20)

#define EXC_RETURN_SECURE (1u << 6)
#define EXC_RETURN_DCRS (1u << 5)
#define EXC_RETURN_BASIC (1u << 4)
#define EXC_RETURN_THREAD (1u << 3)
#define EXC_RETURN_SPSEL (1u << 2)
#define EXC_RETURN_ES 1u
#define EXC_RETURN_ONES 0xffffff80u

#define CFSR_IACCVIOL (1u << 0)
#define CFSR_DACCVIOL (1u << 1)
#define CFSR_MUNSTKERR (1u << 3)
#define CFSR_MSTKERR (1u << 4)
#define CFSR_MMARVALID (1u << 7)
#define CFSR_IBUSERR (1u << 8)
#define CFSR_PRECISERR (1u << 9)
#define CFSR_UNSTKERR (1u << 11)
#define CFSR_STKERR (1u << 12)
#define CFSR_BFARVALID (1u << 15)
#define CFSR_UNDEFINSTR (1u << 16)
#define CFSR_INVSTATE (1u << 17)
#define CFSR_INVPC (1u << 18)
#define CFSR_NOCP (1u << 19)
#define CFSR_STKOF (1u << 20)
#define CFSR_UNALIGNED (1u << 24)
#define CFSR_DIVBYZERO (1u << 25)
#define SFSR_INVTRAN (1u << 4)
#define HFSR_VECTTBL (1u << 1)
#define HFSR_FORCED (1u << 30)
#define HFSR_DEBUGEVT (1u << 31)
#define DFSR_BKPT (1u << 1)
#define DEMCR_MON_EN (1u << 16)
#define SHCSR_ENABLES 16 /* MEMFAULTENA, BUSFAULTENA, USGFAULTENA, SECUREFAULTENA for exceptions 4 to 7 */
#define FPCCR_TS (1u << 26)
#define PAGE 4096 /* at most, of the engine */

/* ---- Reset ---- */
static void reset(struct core *core) {
    core->scr = 0;
    core->actlr = 0;
    scs_main_reset(core);
    engine_reset(core);
    dcp_reset(&core->dcp[0]);
    dcp_reset(&core->dcp[1]);
    rcp_reset(&core->rcp);
}

/* ---- Faults ---- */
/* Where in the page that the engine tells of the access at `pc` went. */
static uint32_t exact_address(struct core *core, uint32_t pc) {
    struct access access;
    uint32_t told = core->fault_address;
    if (access_at(core, pc, &access) && access.address > told && access.address - told < PAGE) {
        return access.address;
    }
    return told;
}

/* Note a fault in the status registers. Returns its exception. */
static unsigned note(struct core *core, enum fault fault, uint32_t address) {
    struct mainline *main = &core->mainline;
    bool never_executable = address >= 0xa0000000u || address >> 29 == 2;
    switch (fault) {
    case FAULT_LOAD:
    case FAULT_STORE:
        main->cfsr |= CFSR_PRECISERR | CFSR_BFARVALID;
        main->bfar = exact_address(core, address);
        return EXCEPTION_BUSFAULT;
    case FAULT_FETCH:
        main->cfsr |= never_executable ? CFSR_IACCVIOL : CFSR_IBUSERR;
        return never_executable ? EXCEPTION_MEMMANAGE : EXCEPTION_BUSFAULT;
    case FAULT_PROTECTED_LOAD:
    case FAULT_PROTECTED_STORE:
        main->cfsr |= CFSR_DACCVIOL | CFSR_MMARVALID;
        main->mmfar = exact_address(core, address);
        return EXCEPTION_MEMMANAGE;
    case FAULT_PROTECTED_FETCH:
        main->cfsr |= CFSR_IACCVIOL;
        return EXCEPTION_MEMMANAGE;
    case FAULT_PROTECTED_STACKING:
        main->cfsr |= CFSR_MSTKERR;
        return EXCEPTION_MEMMANAGE;
    case FAULT_PROTECTED_UNSTACKING:
        main->cfsr |= CFSR_MUNSTKERR;
        return EXCEPTION_MEMMANAGE;
    case FAULT_NON_SECURE:
        main->sfsr |= SFSR_INVTRAN;
        return EXCEPTION_SECUREFAULT;
    case FAULT_STACKING:
        main->cfsr |= CFSR_STKERR;
        return EXCEPTION_BUSFAULT;
    case FAULT_UNSTACKING:
        main->cfsr |= CFSR_UNSTKERR;
        return EXCEPTION_BUSFAULT;
    case FAULT_STATE:
        main->cfsr |= CFSR_INVSTATE;
        return EXCEPTION_USAGEFAULT;
    case FAULT_RETURN:
        main->cfsr |= CFSR_INVPC;
        return EXCEPTION_USAGEFAULT;
    case FAULT_NO_COPROCESSOR:
        main->cfsr |= CFSR_NOCP;
        return EXCEPTION_USAGEFAULT;
    case FAULT_STACK_LIMIT:
        main->cfsr |= CFSR_STKOF;
        return EXCEPTION_USAGEFAULT;
    case FAULT_UNALIGNED:
        main->cfsr |= CFSR_UNALIGNED;
        return EXCEPTION_USAGEFAULT;
    case FAULT_DIVIDE:
        main->cfsr |= CFSR_DIVBYZERO;
        return EXCEPTION_USAGEFAULT;
    case FAULT_UNDEFINED:
        main->cfsr |= CFSR_UNDEFINSTR;
        return EXCEPTION_USAGEFAULT;
    case FAULT_BREAKPOINT:
        main->dfsr |= DFSR_BKPT;
        return EXCEPTION_DEBUGMONITOR;
    case FAULT_VECTOR:
        main->hfsr |= HFSR_VECTTBL;
        return EXCEPTION_HARDFAULT;
    default:
        main->hfsr |= HFSR_FORCED;
        return EXCEPTION_HARDFAULT;
    }
}

static bool is_enabled(const struct core *core, unsigned exception) {
    if (exception == EXCEPTION_DEBUGMONITOR) {
        return core->mainline.demcr & DEMCR_MON_EN;
    }
    return core->mainline.shcsr >> (SHCSR_ENABLES + exception - EXCEPTION_MEMMANAGE) & 1;
}

/* The exception that a fault becomes at the present priority; 0: none can be taken. */
static unsigned escalate(struct core *core, unsigned exception) {
    int current = exceptions_current_priority(core);
    if (current <= PRIORITY_HARDFAULT) {
        return EXCEPTION_NONE;
    }
    if (exception == EXCEPTION_HARDFAULT) {
        return exception;
    }
    int priority = nvic_group(&core->nvic, nvic_priority(&core->nvic, exception));
    if (is_enabled(core, exception) && priority < current) {
        return exception;
    }
    core->mainline.hfsr |= exception == EXCEPTION_DEBUGMONITOR ? HFSR_DEBUGEVT : HFSR_FORCED;
    return EXCEPTION_HARDFAULT;
}

static const char *exception_name(unsigned exception) {
    static const char *const names[] = { "HardFault", "MemManage fault", "BusFault", "UsageFault", "SecureFault" };
    return exception == EXCEPTION_DEBUGMONITOR ? "DebugMonitor" : names[exception - EXCEPTION_HARDFAULT];
}

static void fault(struct core *core, enum fault fault, uint32_t return_address) {
    unsigned exception = escalate(core, note(core, fault, return_address));
    if (!exception) {
        exceptions_lock_up(core, fault);
        return;
    }
    core_log(core, LOG_GUEST, "%s: %s at 0x%08x", exception_name(exception), exceptions_fault_name(fault),
             return_address);
    exceptions_enter(core, exception, return_address);
}

/* A fault while `exception` is being entered: the more urgent of the two begins, the other one waits. */
static unsigned derive(struct core *core, enum fault fault, unsigned exception) {
    unsigned derived = escalate(core, note(core, fault, 0));
    if (!derived) {
        exceptions_lock_up(core, fault);
        return EXCEPTION_NONE;
    }
    core_log(core, LOG_GUEST, "%s: %s on entry of exception %u", exception_name(derived), exceptions_fault_name(fault),
             exception);
    nvic_set_pending(&core->nvic, exception, true);
    nvic_set_pending(&core->nvic, derived, true);
    return core->nvic.pending_exception;
}

/* ---- Entry ---- */
static unsigned frame_words(const struct core *core, bool extended) {
    if (!extended) {
        return BASIC_WORDS;
    }
    return core->mainline.fpccr & FPCCR_TS ? SECURE_FP_WORDS : EXTENDED_WORDS;
}

/* S0-S15, FPSCR, reserved, S16-S31 as they are in a frame. */
static void fill_extended(struct core *core, uint32_t *words, unsigned count) {
    uint32_t s[32], fpscr;
    engine_fetch_fp(core, s, count == SECURE_FP_WORDS ? 32 : 16, &fpscr);
    for (unsigned i = 0; i < 16; i++) {
        words[BASIC_WORDS + i] = s[i];
    }
    words[BASIC_WORDS + 16] = fpscr;
    words[BASIC_WORDS + 17] = 0;
    for (unsigned i = EXTENDED_WORDS; i < count; i++) {
        words[i] = s[16 + i - EXTENDED_WORDS];
    }
    if (count == SECURE_FP_WORDS) { /* what the handler must not see */
        engine_give_fp(core, (uint32_t[32]){ 0 }, 32, 0);
    }
}

static uint32_t link_value(const struct registers *registers) {
    uint32_t link = EXC_RETURN_ONES | EXC_RETURN_SECURE | EXC_RETURN_DCRS | EXC_RETURN_ES;
    return link | (registers->control & CONTROL_FPCA ? 0 : EXC_RETURN_BASIC) |
           (registers->xpsr & XPSR_IPSR ? 0 : EXC_RETURN_THREAD) |
           (registers->control & CONTROL_SPSEL ? EXC_RETURN_SPSEL : 0);
}

static uint32_t stack_limit(struct core *core, const uint32_t *sp) {
    uint32_t limits[2];
    engine_fetch_limits(core, limits);
    return limits[sp == &core->registers.psp];
}

static unsigned push(struct core *core, unsigned exception, uint32_t return_address) {
    struct registers *r = &core->registers;
    uint32_t *sp = registers_sp(r);
    bool extended = r->control & CONTROL_FPCA;
    unsigned count = frame_words(core, extended);
    uint32_t xpsr = r->xpsr & ~(FRAME_ALIGNED | FRAME_SFPA);
    xpsr |= (*sp & 4 ? FRAME_ALIGNED : 0) | (r->control & CONTROL_SFPA ? FRAME_SFPA : 0);
    uint32_t frame[SECURE_FP_WORDS] = { r->r[0], r->r[1], r->r[2], r->r[3], r->r[12], r->r[14], return_address, xpsr };
    uint32_t bottom = ((*sp & ~3u) - 4 * count) & ~4u, limit = stack_limit(core, sp);
    r->r[14] = link_value(r);
    if (bottom < limit) {
        *sp = limit;
        return derive(core, FAULT_STACK_LIMIT, exception);
    }
    *sp = bottom;
    if (extended) {
        fill_extended(core, frame, count);
        core->mainline.fpcar = bottom + 4 * BASIC_WORDS;
    }
    if (!mpu_allows_frame(core, bottom, 4 * count, MPU_WRITE)) {
        return derive(core, FAULT_PROTECTED_STACKING, exception);
    }
    if (!core_store_words(core, bottom, frame, count)) {
        return derive(core, FAULT_STACKING, exception);
    }
    return exception;
}

/* ---- Return ---- */
/* A fault of the return is tail-chained: the frame that is there stays, LR is the EXC_RETURN. */
static void return_fault(struct core *core, enum fault fault, uint32_t exc_return) {
    unsigned exception = escalate(core, note(core, fault, 0));
    if (!exception) {
        exceptions_lock_up(core, fault);
        return;
    }
    core_log(core, LOG_GUEST, "%s: %s 0x%08x", exception_name(exception), exceptions_fault_name(fault), exc_return);
    core->registers.r[14] = exc_return;
    core->cycles += core->arch->chain_cycles;
    nvic_set_pending(&core->nvic, exception, true);
    exceptions_begin(core, core->nvic.pending_exception);
}

static uint32_t *returning(struct core *core, uint32_t exc_return, bool *ret_to_thread) {
    struct registers *r = &core->registers;
    uint32_t ones = EXC_RETURN_ONES | EXC_RETURN_SECURE | EXC_RETURN_DCRS, exception = r->xpsr & XPSR_IPSR;
    *ret_to_thread = exc_return & EXC_RETURN_THREAD;
    if (!exception) {
        fault(core, FAULT_FETCH, r->r[15]);
        return NULL;
    }
    if (core->nvic.active_priority >= 0) {
        r->faultmask = 0;
    }
    if ((exc_return & ones) != ones || exc_return & 2 || !nvic_is_active(&core->nvic, exception)) {
        nvic_deactivate(&core->nvic, exception);
        return_fault(core, FAULT_RETURN, exc_return);
        return NULL;
    }
    r->control &= ~(CONTROL_FPCA | CONTROL_SFPA);
    return *ret_to_thread && exc_return & EXC_RETURN_SPSEL ? &r->psp : &r->msp;
}

static void restore_extended(struct core *core, const uint32_t *words, unsigned count) {
    uint32_t s[32];
    for (unsigned i = 0; i < 16; i++) {
        s[i] = words[BASIC_WORDS + i];
    }
    for (unsigned i = EXTENDED_WORDS; i < count; i++) {
        s[16 + i - EXTENDED_WORDS] = words[i];
    }
    engine_give_fp(core, s, count == SECURE_FP_WORDS ? 32 : 16, words[BASIC_WORDS + 16]);
}

static enum fault pop(struct core *core, uint32_t *sp, uint32_t exc_return, bool to_thread) {
    struct registers *r = &core->registers;
    bool extended = !(exc_return & EXC_RETURN_BASIC);
    unsigned count = frame_words(core, extended);
    uint32_t frame[SECURE_FP_WORDS];
    if (!mpu_allows_frame(core, *sp, 4 * count, MPU_READ)) {
        return FAULT_PROTECTED_UNSTACKING;
    }
    if (!core_load_words(core, *sp, frame, count)) {
        return FAULT_UNSTACKING;
    }
    if (!(frame[7] & XPSR_IPSR) != to_thread) {
        return FAULT_RETURN;
    }
    for (unsigned i = 0; i < 4; i++) {
        r->r[i] = frame[i];
    }
    r->r[12] = frame[4];
    r->r[14] = frame[5];
    r->r[15] = frame[6] & ~1u;
    if (extended) {
        restore_extended(core, frame, count);
        r->control |= CONTROL_FPCA;
    }
    r->control |= frame[7] & FRAME_SFPA ? CONTROL_SFPA : 0;
    *sp = (*sp + 4 * count) | (frame[7] & FRAME_ALIGNED ? 4 : 0);
    r->xpsr = frame[7] & (XPSR_APSR | XPSR_GE | XPSR_IT | XPSR_T | XPSR_IPSR);
    return FAULT_NONE;
}

const struct architecture armv8m = {
    .irqs = 52,
    .priority_bits = 4,
    .vtor_mask = 0xffffff80u,
    .entry_cycles = 12,
    .return_cycles = 10,
    .chain_cycles = 6,
    .reset = reset,
    .push = push,
    .returning = returning,
    .pop = pop,
    .fault = fault,
    .return_fault = return_fault,
    .block_cost = m33_block_cost,
    .offset = m33_offset,
};
