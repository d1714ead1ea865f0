/* The exception model of Armv6-M: Architecture Reference Manual (DDI 0419) B1.5; the Cortex-M0+ in particular.
 *
 * Not modelled: unprivileged thread mode (CONTROL.nPRIV; the RP2040's cores have it, CircuitPython does not use it),
 * debug state.
 * Ambiguities: BKPT without a debugger is a HardFault with its address. A fault while stacking ends in HardFault
 * without a usable frame. EXC_RETURN that does not fit the state is a HardFault (unpredictable by the manual).
 * Cycles: entry 15 (Technical Reference Manual 3.1: latency 15 cycles); for return and tail-chaining, where the
 * manual gives no number, 12 and 8 (loads of the frame and of the vector at 1 cycle each plus the refill). */
#include "emulator/cpu/internal.h"

#define EXC_RETURN_HANDLER 0xfffffff1u
#define EXC_RETURN_THREAD_MSP 0xfffffff9u
#define EXC_RETURN_THREAD_PSP 0xfffffffdu
#define FRAME_WORDS 8
#define FRAME_SIZE (4 * FRAME_WORDS)
#define FRAME_ALIGNED (1u << 9) /* in the stacked xPSR: the frame was moved down by 4 */

static void reset(struct core *core) {
    core->scr = 0;
    core->actlr = 0;
    core->mainline = (struct mainline){ 0 };
    mpu_changed(core);
}

/* A synchronous fault: HardFault now, or the end. */
static void fault(struct core *core, enum fault fault, uint32_t return_address) {
    if (core->nvic.active_priority <= PRIORITY_HARDFAULT || fault == FAULT_VECTOR) {
        exceptions_lock_up(core, fault);
        return;
    }
    core_log(core, LOG_GUEST, "HardFault: %s at 0x%08x", exceptions_fault_name(fault), return_address);
    exceptions_enter(core, EXCEPTION_HARDFAULT, return_address);
}

static uint32_t link_value(const struct registers *registers) {
    if (registers->xpsr & XPSR_IPSR) {
        return EXC_RETURN_HANDLER;
    }
    return registers->control & CONTROL_SPSEL ? EXC_RETURN_THREAD_PSP : EXC_RETURN_THREAD_MSP;
}

static unsigned push(struct core *core, unsigned exception, uint32_t return_address) {
    struct registers *registers = &core->registers;
    uint32_t *sp = registers_sp(registers);
    uint32_t aligned = *sp & 4 ? FRAME_ALIGNED : 0;
    uint32_t frame[FRAME_WORDS] = { registers->r[0],  registers->r[1],  registers->r[2], registers->r[3],
                                    registers->r[12], registers->r[14], return_address,  registers->xpsr | aligned };
    *sp = ((*sp & ~3u) - FRAME_SIZE) & ~4u;
    registers->r[14] = link_value(registers);
    bool allowed = mpu_allows_frame(core, *sp, FRAME_SIZE, MPU_WRITE);
    if ((allowed && core_store_words(core, *sp, frame, FRAME_WORDS)) || exception == EXCEPTION_HARDFAULT) {
        return exception;
    }
    if (core->nvic.active_priority <= PRIORITY_HARDFAULT) {
        exceptions_lock_up(core, FAULT_STACKING);
        return EXCEPTION_NONE;
    }
    core_log(core, LOG_GUEST, "HardFault: no memory for the frame of exception %u", exception);
    return EXCEPTION_HARDFAULT;
}

static uint32_t *returning(struct core *core, uint32_t exc_return, bool *ret_to_thread) {
    unsigned active = nvic_active_count(&core->nvic);
    *ret_to_thread = exc_return != EXC_RETURN_HANDLER;
    if (exc_return == EXC_RETURN_HANDLER && active > 1) {
        return &core->registers.msp;
    }
    if (exc_return == EXC_RETURN_THREAD_MSP && active == 1) {
        return &core->registers.msp;
    }
    if (exc_return == EXC_RETURN_THREAD_PSP && active == 1) {
        return &core->registers.psp;
    }
    fault(core, FAULT_RETURN, core->registers.r[15]);
    return NULL;
}

static enum fault pop(struct core *core, uint32_t *sp, uint32_t exc_return, bool to_thread) {
    struct registers *registers = &core->registers;
    uint32_t frame[FRAME_WORDS];
    if (!mpu_allows_frame(core, *sp, FRAME_SIZE, MPU_READ) || !core_load_words(core, *sp, frame, FRAME_WORDS)) {
        return FAULT_UNSTACKING;
    }
    for (unsigned i = 0; i < 4; i++) {
        registers->r[i] = frame[i];
    }
    registers->r[12] = frame[4];
    registers->r[14] = frame[5];
    registers->r[15] = frame[6] & ~1u;
    *sp = (*sp + FRAME_SIZE) | (frame[7] & FRAME_ALIGNED ? 4 : 0);
    registers->xpsr = frame[7] & (XPSR_APSR | XPSR_T | 0x3f);
    return !(registers->xpsr & XPSR_IPSR) == to_thread ? FAULT_NONE : FAULT_RETURN;
}

static void return_fault(struct core *core, enum fault kind, uint32_t exc_return) {
    fault(core, kind, core->registers.r[15]);
}

const struct architecture armv6m = {
    .irqs = 32,
    .priority_bits = 2,
    .vtor_mask = 0xffffff00u,
    .entry_cycles = 15,
    .return_cycles = 12,
    .chain_cycles = 8,
    .fetches_ahead = 2,
    .reset = reset,
    .push = push,
    .returning = returning,
    .pop = pop,
    .fault = fault,
    .return_fault = return_fault,
    .block_cost = m0plus_block_cost,
    .offset = m0plus_offset,
};
