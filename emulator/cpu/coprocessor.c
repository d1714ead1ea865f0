/* Coprocessor instructions of the RP2350's Cortex-M33: datasheet 3.6; encodings: Armv8-M Architecture Reference Manual
 * (DDI 0553) C2.4. The engine has no coprocessors and stops at each of these instructions.
 *
 * 0 GPIO (3.6.1), here; 4 and 5 double precision (dcp.c), 5 being the Non-secure instance; 7 redundancy (rcp.c).
 * Not modelled: Non-secure access, NSACR.
 * Decided: an instruction that a coprocessor does not have is an UsageFault with UNDEFINSTR, an access to a coprocessor
 * that is not there or not enabled in CPACR one with NOCP. A stall for ever by the redundancy coprocessor is a lock-up.
 * A fault of it, which asserts NMI on both cores, is taken at the next block of either. */
#include "emulator/cpu/internal.h"

enum kind { KIND_NONE, KIND_MCR, KIND_MRC, KIND_MCRR, KIND_MRRC, KIND_CDP };

struct instruction {
    enum kind kind;
    bool second; /* MCR2, MRC2 and so on */
    unsigned coprocessor, opc1, opc2, crn, crm;
    unsigned rt, rt2;
};

static struct instruction decode(uint32_t code) {
    struct instruction i = {
        .second = code >> 28 & 1,
        .coprocessor = code >> 8 & 15,
        .crm = code & 15,
        .crn = code >> 16 & 15,
        .rt = code >> 12 & 15,
        .rt2 = code >> 16 & 15,
        .opc2 = code >> 5 & 7,
    };
    if ((code >> 24 & 15) == 14) {
        i.kind = !(code & 16) ? KIND_CDP : code >> 20 & 1 ? KIND_MRC : KIND_MCR;
        i.opc1 = i.kind == KIND_CDP ? code >> 20 & 15 : code >> 21 & 7;
    } else if ((code >> 21 & 0x7f) == 0x62) {
        i.kind = code >> 20 & 1 ? KIND_MRRC : KIND_MCRR;
        i.opc1 = code >> 4 & 15;
    }
    return i;
}

/* MRC to r15 sets the flags. */
static void set_result(struct core *core, const struct instruction *i, uint32_t value) {
    if (i->rt == 15) {
        engine_set_register(core, CORE_XPSR, value & 0xf0000000u);
    } else {
        engine_set_register(core, i->rt, value);
    }
}

/* ---- 0: GPIO ---- */
static uint64_t gpio_changed(uint64_t old, unsigned operation, uint64_t value) {
    switch (operation) {
    case 0:
        return value;
    case 1:
        return old ^ value;
    case 2:
        return old | value;
    default:
        return old & ~value;
    }
}

/* One of put, xor, set, clr with 32 bits of one register: `high` GPIO_HI_. */
static uint64_t gpio_changed_half(uint64_t old, unsigned operation, uint32_t value, bool high) {
    unsigned shift = high ? 32 : 0;
    uint64_t half = gpio_changed(old >> shift & UINT32_MAX, operation, value) & UINT32_MAX;
    return (old & ~((uint64_t)UINT32_MAX << shift)) | half << shift;
}

static bool gpio_write(struct core *core, const struct instruction *i) {
    const struct core_gpio *gpio = &core->desc.gpio;
    enum core_gpio_register reg = i->crm >> 2;
    bool pair = i->kind == KIND_MCRR;
    uint32_t rt = engine_register(core, i->rt), rt2 = pair ? engine_register(core, i->rt2) : 1;
    unsigned operation = i->opc1 & 3;
    if (reg > CORE_GPIO_OE || i->crm & 2 || (i->crm & 1 && (pair || i->opc1 > 3)) || i->opc1 > 11) {
        return false;
    }
    uint64_t value = gpio->read(gpio->context, reg);
    if (i->opc1 < 4) {
        value = pair ? gpio_changed(value, operation, (uint64_t)rt2 << 32 | rt)
                     : gpio_changed_half(value, operation, rt, i->crm & 1);
    } else if (i->opc1 < 8) {
        uint64_t bit = UINT64_C(1) << (rt & 63);
        if (operation == 0) { /* put: with two registers alone */
            if (!pair) {
                return false;
            }
            operation = rt2 & 1 ? 2 : 3;
            rt2 = 1;
        }
        value = gpio_changed(value, operation, rt2 & 1 ? bit : 0);
    } else {
        value = gpio_changed_half(value, operation, rt, rt2 & 1);
    }
    gpio->write(gpio->context, reg, value);
    return true;
}

static bool gpio_read(struct core *core, const struct instruction *i) {
    const struct core_gpio *gpio = &core->desc.gpio;
    bool pair = i->kind == KIND_MRRC;
    if (i->opc1 || i->crm >= 12 || i->crm & 2 || (pair && i->crm & 1)) {
        return false;
    }
    uint64_t value = gpio->read(gpio->context, i->crm >> 2);
    set_result(core, i, (uint32_t)(i->crm & 1 ? value >> 32 : value));
    if (pair) {
        engine_set_register(core, i->rt2, (uint32_t)(value >> 32));
    }
    return true;
}

static bool execute_gpio(struct core *core, const struct instruction *i) {
    switch (i->kind) {
    case KIND_MCR:
    case KIND_MCRR:
        return gpio_write(core, i);
    case KIND_MRC:
    case KIND_MRRC:
        return gpio_read(core, i);
    default:
        return false;
    }
}

/* ---- 4 and 5: double precision ---- */
static bool execute_dcp(struct core *core, const struct instruction *i) {
    struct dcp *dcp = &core->dcp[i->coprocessor - 4];
    uint32_t low = 0, high = 0;
    bool ok = false;
    switch (i->kind) {
    case KIND_CDP:
        return dcp_cdp(dcp, i->opc1, i->crm, i->opc2);
    case KIND_MCRR:
        return dcp_mcrr(dcp, i->opc1, i->crm, engine_register(core, i->rt), engine_register(core, i->rt2));
    case KIND_MRC:
        ok = i->opc1 == 0 && i->crn == 0 && dcp_mrc(dcp, i->crm, i->opc2, i->second, &low);
        break;
    case KIND_MRRC:
        ok = dcp_mrrc(dcp, i->opc1, i->crm, i->second, &low, &high);
        break;
    default:
        return false;
    }
    if (ok) {
        set_result(core, i, low);
    }
    if (ok && i->kind == KIND_MRRC) {
        engine_set_register(core, i->rt2, high);
    }
    return ok;
}

/* ---- 7: redundancy ---- */
static enum rcp_result dispatch_rcp(struct core *core, const struct instruction *i) {
    struct rcp *rcp = &core->rcp, *peer = core->peer ? &core->peer->rcp : NULL;
    uint32_t value;
    enum rcp_result result;
    switch (i->kind) {
    case KIND_CDP:
        return rcp_operate(rcp, i->opc1, i->opc2);
    case KIND_MCR:
        return rcp_write(rcp, i->opc1, i->crn, i->crm, i->opc2, engine_register(core, i->rt));
    case KIND_MCRR:
        return rcp_write_pair(rcp, peer, core->desc.index, i->opc1, i->crm, engine_register(core, i->rt),
                              engine_register(core, i->rt2));
    case KIND_MRC:
        result = rcp_read(rcp, i->opc1, i->crn, i->crm, i->opc2, &value);
        if (result == RCP_DONE) {
            set_result(core, i, value);
        }
        return result;
    default:
        return rcp_operate(rcp, 15, 0); /* MRRC: never valid */
    }
}

static void spread_fault(struct core *core) {
    if (core->peer) {
        core->peer->rcp.faulted = true;
        scs_main_update_nmi(core->peer);
    }
    scs_main_update_nmi(core);
}

static void execute_rcp(struct core *core, const struct instruction *i) {
    bool random = i->kind == KIND_MRC && i->opc1 == 2;
    if (!i->second && core->rcp.valid && !core->rcp.faulted && !random) {
        core->cycles += rcp_random(&core->rcp) & 0x7f;
    }
    switch (dispatch_rcp(core, i)) {
    case RCP_FAULT:
        core_log(core, LOG_GUEST, "redundancy coprocessor: a check failed at 0x%08x; NMI", engine_pc(core));
        spread_fault(core);
        break;
    case RCP_STALL:
        core_log(core, LOG_GUEST, "redundancy coprocessor: stalled for ever at 0x%08x", engine_pc(core));
        spread_fault(core);
        core->state = CORE_LOCKUP;
        core_yield(core);
        break;
    default:
        break;
    }
}

/* ---- All ---- */
static bool is_enabled(struct core *core, unsigned coprocessor) {
    unsigned access = core->mainline.cpacr >> 2 * coprocessor & 3;
    bool privileged =
        engine_register(core, CORE_XPSR) & XPSR_IPSR || !(engine_register(core, CORE_CONTROL) & CONTROL_NPRIV);
    return access == 3 || (access == 1 && privileged);
}

enum stop coprocessor_execute(struct core *core, uint32_t code) {
    struct instruction i = decode(code);
    bool done = false;
    if (i.coprocessor > 7 || !is_enabled(core, i.coprocessor)) {
        return STOP_NO_COPROCESSOR;
    }
    switch (i.coprocessor) {
    case 0:
        if (!core->desc.gpio.read) {
            return STOP_NO_COPROCESSOR;
        }
        done = execute_gpio(core, &i);
        break;
    case 4:
    case 5:
        done = i.kind != KIND_NONE && execute_dcp(core, &i);
        break;
    case 7:
        execute_rcp(core, &i);
        done = true;
        break;
    default:
        return STOP_NO_COPROCESSOR;
    }
    return done ? STOP_NONE : STOP_UNDEFINED;
}
