/* Exceptions as Armv6-M (DDI 0419, B1.5) and Armv8-M Mainline (DDI 0553, B3) have them in common: priorities, entry,
 * tail-chaining, return, sleep on exit. What is different is in armv6m.c and armv8m.c.
 *
 * Not modelled: late arrival (an exception that becomes pending while another one is stacked): the more urgent one
 * preempts the handler's first instruction.
 * Ambiguity: an SVC that cannot be taken at the present priority escalates to HardFault with the SVC's own address
 * in the frame. */
#include "emulator/cpu/internal.h"

#define SCR_SLEEPONEXIT 2u

const char *exceptions_fault_name(enum fault fault) {
    static const char *const names[] = {
        [FAULT_NONE] = "nothing",
        [FAULT_UNDEFINED] = "undefined instruction",
        [FAULT_NO_COPROCESSOR] = "no such coprocessor",
        [FAULT_STATE] = "Arm state",
        [FAULT_RETURN] = "bad EXC_RETURN",
        [FAULT_UNALIGNED] = "unaligned access",
        [FAULT_DIVIDE] = "division by zero",
        [FAULT_STACK_LIMIT] = "stack limit",
        [FAULT_LOAD] = "load from an address where nothing is",
        [FAULT_STORE] = "store to an address that takes none",
        [FAULT_FETCH] = "no code here",
        [FAULT_STACKING] = "no memory for the exception frame",
        [FAULT_UNSTACKING] = "no memory where the exception frame should be",
        [FAULT_VECTOR] = "no vector table",
        [FAULT_BREAKPOINT] = "BKPT without a debugger",
        [FAULT_SVC] = "SVC at a priority that masks it",
        [FAULT_PROTECTED_LOAD] = "load that the MPU forbids",
        [FAULT_PROTECTED_STORE] = "store that the MPU forbids",
        [FAULT_PROTECTED_FETCH] = "code that the MPU forbids",
        [FAULT_PROTECTED_STACKING] = "the MPU forbids the exception frame",
        [FAULT_PROTECTED_UNSTACKING] = "the MPU forbids the frame to return by",
        [FAULT_NON_SECURE] = "Secure code in Non-secure memory",
    };
    return names[fault];
}

void exceptions_lock_up(struct core *core, enum fault fault) {
    core_log(core, LOG_GUEST, "lock-up: %s at 0x%08x", exceptions_fault_name(fault), core->registers.r[15]);
    core->state = CORE_LOCKUP;
}

/* ---- Priorities ---- */
int exceptions_priority(const struct core *core, uint32_t primask, uint32_t basepri, uint32_t faultmask) {
    const struct nvic *nvic = &core->nvic;
    int priority = nvic->active_priority;
    int base = (int)(basepri & nvic->priority_mask), group = nvic_group(nvic, base);
    if (base && group < priority) { /* a BASEPRI other than 0 counts, also when its group is 0 */
        priority = group;
    }
    if (primask & 1 && priority > 0) {
        priority = 0;
    }
    if (faultmask & 1 && priority > PRIORITY_HARDFAULT) {
        priority = PRIORITY_HARDFAULT;
    }
    return priority;
}

int exceptions_current_priority(struct core *core) {
    struct masks masks = engine_masks(core);
    return exceptions_priority(core, masks.primask, masks.basepri, masks.faultmask);
}

bool exceptions_wake(struct core *core) {
    struct masks masks = engine_masks(core);
    return core->nvic.pending_priority < exceptions_priority(core, 0, masks.basepri, masks.faultmask);
}

/* ---- Entry ---- */
void exceptions_begin(struct core *core, unsigned exception) {
    struct registers *registers = &core->registers;
    uint32_t vector;
    registers->xpsr = (registers->xpsr & (XPSR_APSR | XPSR_GE)) | XPSR_T | exception;
    registers->control &= CONTROL_NPRIV;
    core->event = true;
    nvic_activate(&core->nvic, exception);
    core_update_attention(core);
    if (!core_load(core, core->vtor + 4 * exception, 4, &vector)) {
        core->arch->fault(core, FAULT_VECTOR, registers->r[15]);
        return;
    }
    registers->r[15] = vector & ~1u;
    if (!(vector & 1)) { /* Arm state does not exist: the first instruction faults */
        registers->xpsr &= ~XPSR_T;
        core->arch->fault(core, FAULT_STATE, registers->r[15]);
    }
}

void exceptions_enter(struct core *core, unsigned exception, uint32_t return_address) {
    if (core->trace) {
        core_log(core, LOG_TRACE, "exception %u, returns to 0x%08x", exception, return_address);
    }
    core->cycles += core->arch->entry_cycles;
    exception = core->arch->push(core, exception, return_address);
    if (exception) {
        exceptions_begin(core, exception);
    }
}

bool exceptions_take_pending(struct core *core) {
    if (core->nvic.pending_priority >= exceptions_current_priority(core)) {
        return false;
    }
    exceptions_enter(core, core->nvic.pending_exception, core->registers.r[15]);
    return true;
}

static void supervisor_call(struct core *core) {
    int priority = nvic_group(&core->nvic, nvic_priority(&core->nvic, EXCEPTION_SVCALL));
    if (priority < exceptions_current_priority(core)) {
        exceptions_enter(core, EXCEPTION_SVCALL, core->registers.r[15]);
    } else {
        core->arch->fault(core, FAULT_SVC, core->registers.r[15] - 2);
    }
}

/* ---- Return ---- */
static void exception_return(struct core *core) {
    struct registers *registers = &core->registers;
    uint32_t exc_return = registers->r[15] | 1;
    bool to_thread;
    uint32_t *sp = core->arch->returning(core, exc_return, &to_thread);
    if (!sp) {
        return;
    }
    nvic_deactivate(&core->nvic, registers->xpsr & XPSR_IPSR);
    core_update_attention(core);
    registers->control = (registers->control & ~CONTROL_SPSEL) | (exc_return & 4 ? CONTROL_SPSEL : 0);
    if (core->nvic.pending_priority < exceptions_current_priority(core)) { /* tail-chain */
        registers->r[14] = exc_return;
        core->cycles += core->arch->chain_cycles;
        exceptions_begin(core, core->nvic.pending_exception);
        return;
    }
    core->cycles += core->arch->return_cycles;
    core->event = true;
    enum fault fault = core->arch->pop(core, sp, exc_return, to_thread);
    if (fault != FAULT_NONE) {
        core->arch->return_fault(core, fault, exc_return);
    } else if (!(registers->xpsr & XPSR_T)) {
        core->arch->fault(core, FAULT_STATE, registers->r[15]);
    } else if (to_thread && core->scr & SCR_SLEEPONEXIT) {
        core->state = CORE_WFI;
        core_wake(core);
    }
}

/* ---- What stopped the engine ---- */
/* The same access refused by the MPU; code refused by the SAU alone. */
static enum fault protection_fault(const struct core *core, enum stop stop) {
    if (stop == STOP_BAD_FETCH) {
        return mpu_is_non_secure(core, core->fault_address) ? FAULT_NON_SECURE : FAULT_PROTECTED_FETCH;
    }
    return stop == STOP_BAD_LOAD ? FAULT_PROTECTED_LOAD : FAULT_PROTECTED_STORE;
}

static enum fault fault_of(enum stop stop) {
    switch (stop) {
    case STOP_BKPT:
        return FAULT_BREAKPOINT;
    case STOP_UNALIGNED:
        return FAULT_UNALIGNED;
    case STOP_BAD_LOAD:
        return FAULT_LOAD;
    case STOP_BAD_STORE:
        return FAULT_STORE;
    case STOP_BAD_FETCH:
        return FAULT_FETCH;
    case STOP_STATE:
        return FAULT_STATE;
    case STOP_STACK_LIMIT:
        return FAULT_STACK_LIMIT;
    case STOP_DIVIDE:
        return FAULT_DIVIDE;
    case STOP_NO_COPROCESSOR:
        return FAULT_NO_COPROCESSOR;
    default:
        return FAULT_UNDEFINED;
    }
}

void exceptions_stopped(struct core *core, enum stop stop) {
    uint32_t ignored;
    if (stop == STOP_SVC) {
        supervisor_call(core);
        return;
    }
    if (stop == STOP_RETURN) {
        exception_return(core);
        return;
    }
    if (core->fault_protected) {
        core->fault_protected = false;
        core->arch->fault(core, protection_fault(core, stop), core->registers.r[15]);
        return;
    }
    if (stop == STOP_BAD_STORE && bus_memory_at(core->desc.bus, core->fault_address & ~3u, 4, false)) {
        core_log(core, LOG_GUEST, "store to the read-only memory at 0x%08x", core->fault_address);
    } else if (stop == STOP_BAD_LOAD || stop == STOP_BAD_STORE) {
        bus_read(core->desc.bus, core->fault_address & ~3u, 4, &ignored); /* says which address, once a page */
    }
    core->arch->fault(core, fault_of(stop), core->registers.r[15]);
}
