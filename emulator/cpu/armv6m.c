/* The exception model of Armv6-M: Architecture Reference Manual (DDI 0419) B1.5; the Cortex-M0+ in particular.
 *
 * Not modelled: unprivileged thread mode (CONTROL.nPRIV; the RP2040's cores have it, CircuitPython does not use it),
 * faults by the MPU, debug state.
 * Ambiguities: an SVC that cannot be taken at the present priority escalates to HardFault with the SVC's own address
 * in the frame. BKPT without a debugger is a HardFault with its address. A fault while stacking ends in HardFault
 * without a usable frame. EXC_RETURN that does not fit the state is a HardFault (unpredictable by the manual).
 * Cycles: entry 15 (Technical Reference Manual 3.1: latency 15 cycles); for return and tail-chaining, where the
 * manual gives no number, 12 and 8 (loads of the frame and of the vector at 1 cycle each plus the refill). */
#include "emulator/cpu/internal.h"

#define ENTRY_CYCLES 15
#define RETURN_CYCLES 12
#define CHAIN_CYCLES 8

#define EXC_RETURN_HANDLER 0xfffffff1u
#define EXC_RETURN_THREAD_MSP 0xfffffff9u
#define EXC_RETURN_THREAD_PSP 0xfffffffdu
#define FRAME_SIZE 32
#define FRAME_ALIGNED (1u << 9) /* in the stacked xPSR: the frame was moved down by 4 */

#define SCR_SLEEPONEXIT 2u

static void fault(struct core *core, uint32_t return_address, const char *why);

/* ---- Reset ---- */
void armv6m_reset(struct core *core) {
    core->scr = 0;
    core->actlr = 0;
    for (unsigned i = 0; i < 5; i++) {
        core->mpu[i] = 0;
    }
    core->mpu[0] = 0x800;
}

/* ---- Priorities ---- */
static int execution_priority(const struct core *core) {
    int priority = core->nvic.active_priority;
    return core->registers.primask & 1 && priority > 0 ? 0 : priority;
}

bool armv6m_wakes(const struct core *core) {
    return core->nvic.pending_priority < core->nvic.active_priority;
}

/* A fault at HardFault's priority or above: the core stops for good. */
static void lock_up(struct core *core, const char *why) {
    core_log(core, LOG_GUEST, "lock-up: %s at 0x%08x", why, core->registers.r[15]);
    core->state = CORE_LOCKUP;
}

/* ---- Entry ---- */
/* Push the frame; false when the stack has no memory (sp has moved all the same). */
static bool push_frame(struct core *core, uint32_t return_address) {
    struct registers *registers = &core->registers;
    uint32_t *sp = registers_sp(registers);
    uint32_t aligned = *sp & 4 ? FRAME_ALIGNED : 0;
    uint32_t frame[8] = { registers->r[0],  registers->r[1],  registers->r[2], registers->r[3],
                          registers->r[12], registers->r[14], return_address,  registers->xpsr | aligned };
    *sp = ((*sp & ~3u) - FRAME_SIZE) & ~4u;
    bool ok = true;
    for (unsigned i = 0; i < 8; i++) {
        ok = core_store(core, *sp + 4 * i, frame[i], 4) && ok;
    }
    return ok;
}

/* Begin the handler: the state that follows stacking or tail-chaining. */
static void begin_handler(struct core *core, unsigned exception) {
    struct registers *registers = &core->registers;
    uint32_t vector;
    registers->xpsr = (registers->xpsr & XPSR_APSR) | XPSR_T | exception;
    registers->control &= ~CONTROL_SPSEL;
    core->event = true;
    nvic_activate(&core->nvic, exception);
    core_update_attention(core);
    if (!core_load(core, core->vtor + 4 * exception, 4, &vector)) {
        lock_up(core, "no vector table");
        return;
    }
    registers->r[15] = vector & ~1u;
    if (!(vector & 1)) { /* Arm state does not exist: the first instruction faults */
        registers->xpsr &= ~XPSR_T;
        fault(core, registers->r[15], "vector without Thumb bit");
    }
}

static void enter(struct core *core, unsigned exception, uint32_t return_address) {
    struct registers *registers = &core->registers;
    uint32_t link = EXC_RETURN_HANDLER;
    if (core->trace) {
        core_log(core, LOG_TRACE, "exception %u, returns to 0x%08x", exception, return_address);
    }
    if (!(registers->xpsr & XPSR_IPSR)) {
        link = registers->control & CONTROL_SPSEL ? EXC_RETURN_THREAD_PSP : EXC_RETURN_THREAD_MSP;
    }
    bool stacked = push_frame(core, return_address);
    core->cycles += ENTRY_CYCLES;
    registers->r[14] = link;
    if (!stacked && exception != EXCEPTION_HARDFAULT) {
        if (core->nvic.active_priority <= PRIORITY_HARDFAULT) {
            lock_up(core, "stacking");
            return;
        }
        core_log(core, LOG_GUEST, "HardFault: no memory for the frame of exception %u", exception);
        exception = EXCEPTION_HARDFAULT;
    }
    begin_handler(core, exception);
}

bool armv6m_take_pending(struct core *core) {
    if (core->nvic.pending_priority >= execution_priority(core)) {
        return false;
    }
    enter(core, core->nvic.pending_exception, core->registers.r[15]);
    return true;
}

/* A synchronous fault: HardFault now, or the end. */
static void fault(struct core *core, uint32_t return_address, const char *why) {
    if (core->nvic.active_priority <= PRIORITY_HARDFAULT) {
        lock_up(core, why);
        return;
    }
    core_log(core, LOG_GUEST, "HardFault: %s at 0x%08x", why, return_address);
    enter(core, EXCEPTION_HARDFAULT, return_address);
}

static void supervisor_call(struct core *core) {
    int priority = nvic_priority(&core->nvic, EXCEPTION_SVCALL);
    if (priority < execution_priority(core)) {
        enter(core, EXCEPTION_SVCALL, core->registers.r[15]);
    } else {
        fault(core, core->registers.r[15] - 2, "SVC at a priority that masks it");
    }
}

/* ---- Return ---- */
/* Stack pointer that an EXC_RETURN names; NULL when it does not fit the state. */
static uint32_t *returning_stack(struct core *core, uint32_t exc_return, bool *ret_to_thread) {
    unsigned active = nvic_active_count(&core->nvic);
    *ret_to_thread = exc_return != EXC_RETURN_HANDLER;
    switch (exc_return) {
    case EXC_RETURN_HANDLER:
        return active > 1 ? &core->registers.msp : NULL;
    case EXC_RETURN_THREAD_MSP:
        return active == 1 ? &core->registers.msp : NULL;
    case EXC_RETURN_THREAD_PSP:
        return active == 1 ? &core->registers.psp : NULL;
    default:
        return NULL;
    }
}

/* Unstack; false when the frame is not in memory or does not fit the mode. */
static bool pop_frame(struct core *core, uint32_t *sp, bool to_thread) {
    struct registers *registers = &core->registers;
    uint32_t frame[8];
    for (unsigned i = 0; i < 8; i++) {
        if (!core_load(core, *sp + 4 * i, 4, &frame[i])) {
            return false;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        registers->r[i] = frame[i];
    }
    registers->r[12] = frame[4];
    registers->r[14] = frame[5];
    registers->r[15] = frame[6] & ~1u;
    *sp = (*sp + FRAME_SIZE) | (frame[7] & FRAME_ALIGNED ? 4 : 0);
    registers->xpsr = frame[7] & (XPSR_APSR | XPSR_T | 0x3f);
    return !(registers->xpsr & XPSR_IPSR) == to_thread;
}

static void exception_return(struct core *core) {
    struct registers *registers = &core->registers;
    uint32_t exc_return = registers->r[15] | 1;
    unsigned exception = registers->xpsr & XPSR_IPSR;
    bool to_thread;
    uint32_t *sp = returning_stack(core, exc_return, &to_thread);
    if (!sp) {
        fault(core, registers->r[15], "bad EXC_RETURN");
        return;
    }
    nvic_deactivate(&core->nvic, exception);
    core_update_attention(core);
    registers->control =
        to_thread && sp == &registers->psp ? registers->control | CONTROL_SPSEL : registers->control & ~CONTROL_SPSEL;
    if (core->nvic.pending_priority < execution_priority(core)) { /* tail-chain */
        registers->r[14] = exc_return;
        core->cycles += CHAIN_CYCLES;
        begin_handler(core, core->nvic.pending_exception);
        return;
    }
    core->cycles += RETURN_CYCLES;
    core->event = true;
    if (!pop_frame(core, sp, to_thread)) {
        fault(core, registers->r[15], "bad frame on exception return");
    } else if (!(registers->xpsr & XPSR_T)) {
        fault(core, registers->r[15], "return to Arm state");
    } else if (to_thread && core->scr & SCR_SLEEPONEXIT) {
        core->state = CORE_WFI;
        core_wake(core);
    }
}

/* ---- What stopped the engine ---- */
void armv6m_stopped(struct core *core, enum stop stop) {
    uint32_t pc = core->registers.r[15];
    uint32_t ignored;
    switch (stop) {
    case STOP_SVC:
        supervisor_call(core);
        break;
    case STOP_RETURN:
        exception_return(core);
        break;
    case STOP_BKPT:
        fault(core, pc, "BKPT without a debugger");
        break;
    case STOP_UNDEFINED:
        fault(core, pc, "undefined instruction");
        break;
    case STOP_UNALIGNED:
        fault(core, pc, "unaligned access");
        break;
    case STOP_BAD_LOAD:
    case STOP_BAD_STORE:
        bus_read(core->desc.bus, core->fault_address & ~3u, 4, &ignored); /* says which address, once a page */
        fault(core, pc, "access to an address where nothing is");
        break;
    case STOP_BAD_FETCH:
        fault(core, pc, "no code here");
        break;
    default:
        break;
    }
}
