/* A core in a snapshot: its registers, exceptions, timers, coprocessors.
 *
 * What is worked out from code and memory is not listed and begins anew: translated code, what blocks cost and in which
 * lines of the cache they are, loops that are being skipped. Times and results do not depend on it. */
#include "emulator/cpu/internal.h"

#include <string.h>

static void registers_walk(struct core *core, struct walk *walk) {
    struct registers *registers = &core->registers;
    walk_u32s(walk, registers->r, 13);
    walk_u32s(walk, &registers->r[CORE_LR], 2);
    walk_u32(walk, &registers->xpsr);
    walk_u32(walk, &registers->msp);
    walk_u32(walk, &registers->psp);
    walk_u32(walk, &registers->primask);
    walk_u32(walk, &registers->control);
    walk_u32(walk, &registers->basepri);
    walk_u32(walk, &registers->faultmask);
    if ((registers->xpsr & XPSR_IPSR) >= EXCEPTION_IRQ0 + core->desc.irqs) {
        walk_fail(walk, "an exception that there is not");
        registers->xpsr &= ~XPSR_IPSR;
    }
    registers->primask &= 1;
    registers->control &= CONTROL_NPRIV | CONTROL_SPSEL | CONTROL_FPCA | CONTROL_SFPA;
    registers->basepri &= 0xff;
    registers->faultmask &= 1;
}

static void mpu_walk(struct mainline *main, struct walk *walk) {
    walk_u32(walk, &main->mpu_ctrl);
    walk_u32(walk, &main->mpu_rnr);
    walk_u32s(walk, main->mpu_rbar, MPU_REGIONS);
    walk_u32s(walk, main->mpu_rlar, MPU_REGIONS);
    walk_u32s(walk, main->mpu_mair, 2);
    main->mpu_rnr %= MPU_REGIONS;
}

static void mainline_walk(struct mainline *main, struct walk *walk) {
    uint32_t *words[] = { &main->aircr,     &main->ccr,      &main->shcsr,  &main->cfsr,  &main->hfsr,
                          &main->dfsr,      &main->mmfar,    &main->bfar,   &main->cpacr, &main->nsacr,
                          &main->fpccr,     &main->fpcar,    &main->fpdscr, &main->demcr, &main->dwt_ctrl,
                          &main->cyccnt,    &main->sau_ctrl, &main->sfsr,   &main->sfar,  &main->sau_rnr,
                          &main->sleepctrl, &main->reported };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        walk_u32(walk, words[i]);
    }
    walk_u32s(walk, main->sau_rbar, SAU_REGIONS);
    walk_u32s(walk, main->sau_rlar, SAU_REGIONS);
    walk_u32s(walk, main->nmi_mask, 2);
    walk_u64(walk, &main->cyccnt_epoch);
    walk_bool(walk, &main->limits_used);
    main->sau_rnr %= SAU_REGIONS;
}

static void dcp_number_walk(struct dcp_number *number, struct walk *walk) {
    walk_u64(walk, &number->mantissa);
    walk_i32(walk, &number->exponent);
    walk_u8_below(walk, &number->flags, 16);
    if (number->exponent < -DCP_EXPONENTS || number->exponent > DCP_EXPONENTS) {
        walk_fail(walk, "an exponent of the double-precision coprocessor that it cannot have");
        number->exponent = 0;
    }
}

static void dcp_walk(struct dcp *dcp, struct walk *walk) {
    dcp_number_walk(&dcp->x, walk);
    dcp_number_walk(&dcp->y, walk);
    walk_u8_below(walk, &dcp->shift, 64);
    walk_i8(walk, &dcp->order);
    walk_bool(walk, &dcp->engaged);
}

static void rcp_walk(struct rcp *rcp, struct walk *walk) {
    walk_u64(walk, &rcp->salt);
    walk_bool(walk, &rcp->valid);
    walk_bool(walk, &rcp->faulted);
    walk_u8(walk, &rcp->count);
}

static void m33_walk(struct core *core, struct walk *walk) {
    mainline_walk(&core->mainline, walk);
    for (unsigned i = 0; i < 2; i++) {
        dcp_walk(&core->dcp[i], walk);
    }
    rcp_walk(&core->rcp, walk);
}

/* A stall that is over says only where the run was cut. */
static void stall_walk(struct core *core, struct walk *walk) {
    uint64_t until = core->stall_until > core->cycles ? core->stall_until : 0;
    walk_u64(walk, &until);
    if (walk->reads) {
        core->stall_until = until;
    }
}

static void core_state_walk(struct core *core, struct walk *walk) {
    WALK_ENUM(walk, core->state, CORE_LOCKUP + 1);
    walk_u64(walk, &core->cycles);
    stall_walk(core, walk);
    walk_bool(walk, &core->event);
    walk_bool(walk, &core->reset_requested);
    walk_bool(walk, &core->nmi_input);
    walk_u32(walk, &core->vtor);
    walk_u32(walk, &core->scr);
    walk_u32(walk, &core->actlr);
    walk_u32(walk, &core->fault_address);
}

/* What is worked out from the rest, or is a guess about what code does next. */
static void derive(struct core *core) {
    core->generation++;
    core->polling = (struct polling){ 0 };
    core_update_attention(core);
    core->mpu = (struct mpu){ 0 }; /* the rest before the engine runs */
    mpu_changed(core);
}

void core_walk(struct core *core, struct walk *walk) {
    walk_section(walk, core->desc.index ? "core 1" : "core 0", 0);
    walk_expect(walk, "the kind of core", core->desc.model);
    engine_fetch(core);
    if (walk->reads) {
        halt_forget(core);
        core->watches.passes = false;
        core_step(core, false);
    }
    core_state_walk(core, walk);
    registers_walk(core, walk);
    nvic_walk(&core->nvic, walk);
    systick_walk(&core->systick, walk);
    mpu_walk(&core->mainline, walk);
    if (core->desc.model == CORE_M33) {
        m33_walk(core, walk);
    }
    engine_walk(core, walk);
    if (walk->reads) {
        derive(core);
    }
    walk_section_end(walk);
}
