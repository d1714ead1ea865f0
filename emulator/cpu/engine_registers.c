/* The registers of a core, in the engine while it runs and in core->registers while it does not.
 *
 * Facts about Unicorn 2.1.4: writing IPSR switches the bank of SP. Special registers read as 0 and ignore writes while
 * unprivileged code runs, for the host as well. The stack limits can be reached by instructions alone. */
#include "emulator/cpu/engine_private.h"

#include <string.h>

static const int engine_ids[CORE_S0] = {
    UC_ARM_REG_R0,  UC_ARM_REG_R1,      UC_ARM_REG_R2,      UC_ARM_REG_R3,      UC_ARM_REG_R4,        UC_ARM_REG_R5,
    UC_ARM_REG_R6,  UC_ARM_REG_R7,      UC_ARM_REG_R8,      UC_ARM_REG_R9,      UC_ARM_REG_R10,       UC_ARM_REG_R11,
    UC_ARM_REG_R12, UC_ARM_REG_SP,      UC_ARM_REG_LR,      UC_ARM_REG_PC,      UC_ARM_REG_XPSR,      UC_ARM_REG_MSP,
    UC_ARM_REG_PSP, UC_ARM_REG_PRIMASK, UC_ARM_REG_CONTROL, UC_ARM_REG_BASEPRI, UC_ARM_REG_FAULTMASK, UC_ARM_REG_FPSCR,
};

/* How many of them make up core->registers. */
static int kept_registers(const struct core *core) {
    return core->desc.model == CORE_M0PLUS ? CORE_CONTROL + 1 : CORE_FAULTMASK + 1;
}

static bool is_fp(unsigned number) {
    return number >= CORE_FPSCR;
}

static int engine_id(unsigned number) {
    return number >= CORE_S0 ? UC_ARM_REG_S0 + (int)(number - CORE_S0) : engine_ids[number];
}

/* Where a number is kept while the state is outside. */
static uint32_t *outside_register(struct registers *registers, unsigned number) {
    switch (number) {
    case CORE_SP:
        return registers_sp(registers);
    case CORE_XPSR:
        return &registers->xpsr;
    case CORE_MSP:
        return &registers->msp;
    case CORE_PSP:
        return &registers->psp;
    case CORE_PRIMASK:
        return &registers->primask;
    case CORE_CONTROL:
        return &registers->control;
    case CORE_BASEPRI:
        return &registers->basepri;
    case CORE_FAULTMASK:
        return &registers->faultmask;
    default:
        return &registers->r[number & 15];
    }
}

static void write_register(uc_engine *uc, int id, uint32_t value) {
    uc_reg_write(uc, id, &value);
}

/* Reads from `first` to the end of what is kept. */
static void fetch_from(struct core *core, unsigned first) {
    struct registers *registers = &core->registers;
    void *values[CORE_FAULTMASK + 1];
    int count = kept_registers(core) - (int)first;
    for (int i = 0; i < count; i++) {
        unsigned number = first + (unsigned)i;
        values[i] = number < 16 ? &registers->r[number] : outside_register(registers, number);
    }
    uc_reg_read_batch(core->engine->uc, (int *)engine_ids + first, values, count);
}

void engine_fetch(struct core *core) {
    if (core->outside) {
        return;
    }
    struct registers *registers = &core->registers;
    fetch_from(core, 0);
    if (registers->control & CONTROL_NPRIV && !(registers->xpsr & XPSR_IPSR)) {
        /* Special registers read as 0 to unprivileged code: look from handler mode. */
        uint32_t control = registers->control;
        write_register(core->engine->uc, UC_ARM_REG_IPSR, EXCEPTION_HARDFAULT);
        fetch_from(core, CORE_MSP);
        registers->control = control;
    }
    if (core->desc.model == CORE_M0PLUS) {
        registers->xpsr |= XPSR_T;
    }
    registers->r[15] = core->engine->pc;
    core->outside = true;
}

void engine_reset(struct core *core) {
    core->engine->renew = true;
}

void engine_give(struct core *core) {
    if (!core->outside) {
        return;
    }
    uc_engine *uc = core->engine->uc;
    if (core->engine->renew) {
        uc_context_restore(uc, core->engine->fresh);
        core->engine->renew = false;
    }
    struct registers *registers = &core->registers;
    bool m0plus = core->desc.model == CORE_M0PLUS;
    /* CONTROL before the stack pointers, which are banked by it: on a Cortex-M0+ in thread mode, as SPSEL does not
     * change in handler mode; on a Cortex-M33 in handler mode, as nothing changes in unprivileged thread mode. */
    write_register(uc, UC_ARM_REG_XPSR_NZCVQG, XPSR_T | (m0plus ? 0 : EXCEPTION_HARDFAULT));
    write_register(uc, UC_ARM_REG_CONTROL, registers->control);
    write_register(uc, UC_ARM_REG_MSP, registers->msp);
    write_register(uc, UC_ARM_REG_PSP, registers->psp);
    write_register(uc, UC_ARM_REG_PRIMASK, registers->primask);
    if (!m0plus) {
        write_register(uc, UC_ARM_REG_BASEPRI, registers->basepri);
        write_register(uc, UC_ARM_REG_FAULTMASK, registers->faultmask);
    }
    write_register(uc, UC_ARM_REG_XPSR_NZCVQG, registers->xpsr);
    for (unsigned i = 0; i < 15; i++) {
        if (i != CORE_SP) {
            write_register(uc, engine_ids[i], registers->r[i]);
        }
    }
    write_register(uc, UC_ARM_REG_APSR_NZCV, registers->xpsr); /* also lets the engine see the new mode */
    core->engine->pc = registers->r[15];
    core->outside = false;
}

#define FP_IDS(n) UC_ARM_REG_D##n
static const int fp_ids[17] = {
    UC_ARM_REG_FPSCR, FP_IDS(0), FP_IDS(1),  FP_IDS(2),  FP_IDS(3),  FP_IDS(4),  FP_IDS(5),  FP_IDS(6),  FP_IDS(7),
    FP_IDS(8),        FP_IDS(9), FP_IDS(10), FP_IDS(11), FP_IDS(12), FP_IDS(13), FP_IDS(14), FP_IDS(15),
};

static void fp_pointers(void *values[17], uint64_t d[16], uint32_t *fpscr) {
    values[0] = fpscr;
    for (unsigned i = 0; i < 16; i++) {
        values[1 + i] = &d[i];
    }
}

void engine_fetch_fp(struct core *core, uint32_t *ret_s, unsigned count, uint32_t *ret_fpscr) {
    void *values[17];
    uint64_t d[16];
    fp_pointers(values, d, ret_fpscr);
    uc_reg_read_batch(core->engine->uc, (int *)fp_ids, values, 1 + (int)count / 2);
    for (unsigned i = 0; i < count; i++) {
        ret_s[i] = (uint32_t)(d[i / 2] >> 32 * (i & 1));
    }
}

void engine_give_fp(struct core *core, const uint32_t *s, unsigned count, uint32_t fpscr) {
    void *values[17];
    uint64_t d[16] = { 0 };
    fp_pointers(values, d, &fpscr);
    for (unsigned i = 0; i < count; i++) {
        d[i / 2] |= (uint64_t)s[i] << 32 * (i & 1);
    }
    uc_reg_write_batch(core->engine->uc, (int *)fp_ids, values, 1 + (int)count / 2);
}

/* The engine does not show its stack limits: let it run MRS r0, MSPLIM; MRS r1, PSPLIM; WFI in handler mode. That
 * takes its time: not as long as both are known to be 0. */
void engine_fetch_limits(struct core *core, uint32_t ret_limits[2]) {
    static const uint16_t code[] = { 0xf3ef, 0x800a, 0xf3ef, 0x810b, 0xbf30 };
    struct engine *engine = core->engine;
    ret_limits[0] = ret_limits[1] = 0;
    if (!core->mainline.limits_used) {
        return;
    }
    memcpy(engine->stub, code, sizeof(code));
    write_register(engine->uc, UC_ARM_REG_XPSR_NZCVQG, XPSR_T | EXCEPTION_HARDFAULT);
    write_register(engine->uc, UC_ARM_REG_APSR_NZCV, 0);
    engine->in_stub = true;
    uc_emu_start(engine->uc, STUB | 1, 0, 0, 0);
    engine->in_stub = false;
    uc_reg_read(engine->uc, UC_ARM_REG_R0, &ret_limits[0]);
    uc_reg_read(engine->uc, UC_ARM_REG_R1, &ret_limits[1]);
    core->mainline.limits_used = ret_limits[0] || ret_limits[1];
}

/* Special registers then read as 0, for the host as well. */
static bool is_unprivileged(struct core *core) {
    uint32_t control = 0, ipsr = 0;
    uc_reg_read(core->engine->uc, UC_ARM_REG_CONTROL, &control);
    uc_reg_read(core->engine->uc, UC_ARM_REG_IPSR, &ipsr);
    return control & CONTROL_NPRIV && !ipsr;
}

struct masks engine_masks(struct core *core) {
    static const int ids[] = { UC_ARM_REG_PRIMASK, UC_ARM_REG_BASEPRI, UC_ARM_REG_FAULTMASK };
    struct masks masks = { core->registers.primask, core->registers.basepri, core->registers.faultmask };
    if (core->outside) {
        return masks;
    }
    bool m33 = core->desc.model == CORE_M33, hidden = m33 && is_unprivileged(core);
    if (hidden) {
        write_register(core->engine->uc, UC_ARM_REG_IPSR, EXCEPTION_HARDFAULT);
    }
    void *values[] = { &masks.primask, &masks.basepri, &masks.faultmask };
    uc_reg_read_batch(core->engine->uc, (int *)ids, values, m33 ? 3 : 1);
    if (hidden) {
        write_register(core->engine->uc, UC_ARM_REG_IPSR, 0);
    }
    return masks;
}

uint32_t engine_register(struct core *core, unsigned number) {
    uint32_t value = 0;
    if (number >= CORE_REGISTERS) {
        return 0;
    }
    if (core->outside && !is_fp(number)) {
        return *outside_register(&core->registers, number);
    }
    if (is_fp(number) && core->desc.model == CORE_M0PLUS) {
        return 0;
    }
    bool hidden = number >= CORE_MSP && !is_fp(number) && number != CORE_CONTROL && is_unprivileged(core);
    if (hidden) {
        write_register(core->engine->uc, UC_ARM_REG_IPSR, EXCEPTION_HARDFAULT);
    }
    uc_reg_read(core->engine->uc, engine_id(number), &value);
    if (hidden) {
        write_register(core->engine->uc, UC_ARM_REG_IPSR, 0);
    }
    return value;
}

void engine_set_register(struct core *core, unsigned number, uint32_t value) {
    if (number >= CORE_REGISTERS) {
        return;
    }
    if (is_fp(number)) {
        if (core->desc.model == CORE_M33) {
            uc_reg_write(core->engine->uc, engine_id(number), &value);
        }
        return;
    }
    bool general = number < CORE_SP || number == CORE_LR;
    if (core->engine->in_service && !core->outside && (general || number == CORE_XPSR)) {
        uc_reg_write(core->engine->uc, general ? engine_ids[number] : UC_ARM_REG_APSR_NZCV, &value);
        return;
    }
    engine_fetch(core);
    *outside_register(&core->registers, number) = number == CORE_PC ? value & ~1u : value;
}
