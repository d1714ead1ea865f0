/* What Armv8-M Mainline has in the system control space beyond Armv6-M: Architecture Reference Manual (DDI 0553) D1.2;
 * Cortex-M33 Technical Reference Manual and RP2350 datasheet 3.7.5 for values. Also the cycle counter of the DWT
 * (D1.2, DWT_), and the RP2350's own registers EPPB (datasheet 3.7.5.1: NMI masks, sleep control).
 *
 * Not modelled: NSACR and everything Non-secure (NVIC_ITNS reads 0; AIRCR.PRIS, BFHFNMINS, SYSRESETREQS read back), the
 * FPU's enables in CPACR, FPCCR beyond TS, FPDSCR (the engine keeps its own, 0), ITM, FPB, ETM, CTI, DWT comparators
 * and other counters (read 0), DHCSR and halting debug. SLEEPCTRL of the EPPB reads back. */
#include "emulator/cpu/internal.h"

#define AIRCR_KEY 0x05fa0000u
#define AIRCR_READS 0xfa050000u
#define AIRCR_SYSRESETREQ (1u << 2)
#define AIRCR_STORED 0x00006708u /* PRIS, BFHFNMINS, PRIGROUP, SYSRESETREQS */
#define AIRCR_PRIGROUP_SHIFT 8
#define CCR_RESET 0x201u
#define CCR_WRITABLE 0x0000051au /* STKOFHFNMIGN, BFHFNMIGN, DIV_0_TRP, UNALIGN_TRP, USERSETMPEND */
#define CPACR_WRITABLE 0x00f0ffffu
#define FPCCR_RESET 0xc0000004u /* ASPEN, LSPEN, S */
#define FPCCR_WRITABLE 0xfc000004u
#define FPDSCR_WRITABLE 0x07c00000u
#define SHCSR_ENABLES (15u << 16)
#define DEMCR_WRITABLE 0x011f0000u
#define DEMCR_TRCENA (1u << 24)
#define DWT_CYCCNTENA 1u
#define DWT_CTRL_READS 0x40000000u /* four comparators */

enum {
    DWT_CTRL = 0xe0001000,
    DWT_CYCCNT = 0xe0001004,
    ICTR = 0xe000e004,
    AIRCR = 0xe000ed0c,
    CCR = 0xe000ed14,
    SHCSR = 0xe000ed24,
    CFSR = 0xe000ed28,
    HFSR = 0xe000ed2c,
    DFSR = 0xe000ed30,
    MMFAR = 0xe000ed34,
    BFAR = 0xe000ed38,
    ID_FIRST = 0xe000ed40,
    ID_LAST = 0xe000ed7c,
    CPACR = 0xe000ed88,
    NSACR = 0xe000ed8c,
    MPU_TYPE = 0xe000ed90,
    MPU_CTRL = 0xe000ed94,
    MPU_RNR = 0xe000ed98,
    MPU_RBAR = 0xe000ed9c, /* and RLAR, and three pairs of aliases */
    MPU_LAST = 0xe000edb8,
    MPU_MAIR0 = 0xe000edc0,
    MPU_MAIR1 = 0xe000edc4,
    SAU_CTRL = 0xe000edd0,
    SAU_TYPE = 0xe000edd4,
    SAU_RNR = 0xe000edd8,
    SAU_RBAR = 0xe000eddc,
    SAU_RLAR = 0xe000ede0,
    SFSR = 0xe000ede4,
    SFAR = 0xe000ede8,
    DEMCR = 0xe000edfc,
    STIR = 0xe000ef00,
    FPCCR = 0xe000ef34,
    FPCAR = 0xe000ef38,
    FPDSCR = 0xe000ef3c,
    MVFR0 = 0xe000ef40,
    MVFR1 = 0xe000ef44,
    MVFR2 = 0xe000ef48,
    NMI_MASK0 = 0xe0080000,
    NMI_MASK1 = 0xe0080004,
    SLEEPCTRL = 0xe0080008,
};

void scs_main_reset(struct core *core) {
    uint32_t reported = core->mainline.reported;
    bool limits_used = core->mainline.limits_used;
    core->mainline = (struct mainline){
        .ccr = CCR_RESET,
        .fpccr = FPCCR_RESET,
        .sleepctrl = 2,
        .cyccnt_epoch = core->cycles,
        .limits_used = limits_used,
        .reported = reported,
    };
    nvic_set_grouping(&core->nvic, 0);
    mpu_changed(core);
}

/* ---- Helpers ---- */
void scs_main_report(struct core *core, unsigned bit, enum log_level level, const char *text) {
    if (!(core->mainline.reported >> bit & 1)) {
        core->mainline.reported |= 1u << bit;
        core_log(core, level, "%s", text);
    }
}

void scs_main_update_nmi(struct core *core) {
    uint64_t mask = (uint64_t)core->mainline.nmi_mask[1] << 32 | core->mainline.nmi_mask[0];
    nvic_set_nmi(&core->nvic, core->nmi_input || core->rcp.faulted || core->nvic.level & mask);
    core_update_attention(core);
}

static bool counts(const struct mainline *main) {
    return main->demcr & DEMCR_TRCENA && main->dwt_ctrl & DWT_CYCCNTENA;
}

static uint32_t cycle_count(const struct core *core) {
    const struct mainline *main = &core->mainline;
    return main->cyccnt + (counts(main) ? (uint32_t)(core->cycles - main->cyccnt_epoch) : 0);
}

/* The count goes on from here, with DEMCR and DWT_CTRL as they will be. */
static void restart_count(struct core *core, uint32_t demcr, uint32_t dwt_ctrl) {
    core->mainline.cyccnt = cycle_count(core);
    core->mainline.cyccnt_epoch = core->cycles;
    core->mainline.demcr = demcr;
    core->mainline.dwt_ctrl = dwt_ctrl;
}

/* ---- SHCSR ---- */
/* Bits of SHCSR that tell of an exception: active, pending. */
static const struct {
    uint8_t exception, active, pending;
} shcsr_bits[] = {
    { EXCEPTION_MEMMANAGE, 0, 13 },   { EXCEPTION_BUSFAULT, 1, 14 }, { EXCEPTION_HARDFAULT, 2, 21 },
    { EXCEPTION_USAGEFAULT, 3, 12 },  { EXCEPTION_NMI, 5, 0 },       { EXCEPTION_SVCALL, 7, 15 },
    { EXCEPTION_DEBUGMONITOR, 8, 0 }, { EXCEPTION_PENDSV, 10, 0 },   { EXCEPTION_SYSTICK, 11, 0 },
    { EXCEPTION_SECUREFAULT, 4, 20 },
};
#define SHCSR_COUNT (sizeof(shcsr_bits) / sizeof(shcsr_bits[0]))

static uint32_t read_shcsr(const struct core *core) {
    uint32_t value = core->mainline.shcsr;
    for (unsigned i = 0; i < SHCSR_COUNT; i++) {
        unsigned exception = shcsr_bits[i].exception;
        value |= (core->nvic.system_active >> exception & 1) << shcsr_bits[i].active;
        if (shcsr_bits[i].pending) {
            value |= (core->nvic.system_pending >> exception & 1) << shcsr_bits[i].pending;
        }
    }
    return value;
}

static void write_shcsr(struct core *core, uint32_t value) {
    struct nvic *nvic = &core->nvic;
    core->mainline.shcsr = value & SHCSR_ENABLES;
    for (unsigned i = 0; i < SHCSR_COUNT; i++) {
        uint32_t bit = 1u << shcsr_bits[i].exception;
        bool fixed = shcsr_bits[i].exception <= EXCEPTION_HARDFAULT || shcsr_bits[i].exception == EXCEPTION_SECUREFAULT;
        if (fixed) {
            continue;
        }
        nvic->system_active = (nvic->system_active & ~bit) | (value >> shcsr_bits[i].active & 1 ? bit : 0);
        if (shcsr_bits[i].pending) {
            nvic->system_pending = (nvic->system_pending & ~bit) | (value >> shcsr_bits[i].pending & 1 ? bit : 0);
        }
    }
    nvic_update(nvic);
}

/* ---- System control ---- */
static void write_aircr(struct core *core, uint32_t value) {
    if ((value & 0xffff0000u) != AIRCR_KEY) {
        return;
    }
    core->mainline.aircr = value & AIRCR_STORED;
    nvic_set_grouping(&core->nvic, value >> AIRCR_PRIGROUP_SHIFT & 7);
    if (value & AIRCR_SYSRESETREQ) {
        if (core->desc.system_reset) {
            core->desc.system_reset(core->desc.reset_context, core);
        }
        core_yield(core);
    }
}

static bool read_control(struct core *core, uint32_t address, uint32_t *ret_value) {
    const struct mainline *main = &core->mainline;
    switch (address) {
    case ICTR:
        *ret_value = (core->desc.irqs - 1) / 32;
        return true;
    case AIRCR:
        *ret_value = AIRCR_READS | main->aircr;
        return true;
    case CCR:
        *ret_value = main->ccr;
        return true;
    case SHCSR:
        *ret_value = read_shcsr(core);
        return true;
    case CFSR:
        *ret_value = main->cfsr;
        return true;
    case HFSR:
        *ret_value = main->hfsr;
        return true;
    case DFSR:
        *ret_value = main->dfsr;
        return true;
    case MMFAR:
        *ret_value = main->mmfar;
        return true;
    case BFAR:
        *ret_value = main->bfar;
        return true;
    case SFSR:
        *ret_value = main->sfsr;
        return true;
    case SFAR:
        *ret_value = main->sfar;
        return true;
    case CPACR:
        *ret_value = main->cpacr;
        return true;
    case NSACR:
        *ret_value = main->nsacr;
        return true;
    default:
        return false;
    }
}

static bool write_control(struct core *core, uint32_t address, uint32_t value) {
    struct mainline *main = &core->mainline;
    switch (address) {
    case AIRCR:
        write_aircr(core, value);
        return true;
    case CCR:
        main->ccr = CCR_RESET | (value & CCR_WRITABLE);
        core->slice = 0; /* the engine takes it up when it begins anew */
        return true;
    case SHCSR:
        write_shcsr(core, value);
        return true;
    case CFSR:
        main->cfsr &= ~value;
        return true;
    case HFSR:
        main->hfsr &= ~value;
        return true;
    case DFSR:
        main->dfsr &= ~value;
        return true;
    case MMFAR:
        main->mmfar = value;
        return true;
    case BFAR:
        main->bfar = value;
        return true;
    case SFSR:
        main->sfsr &= ~value;
        return true;
    case SFAR:
        main->sfar = value;
        return true;
    case CPACR:
        main->cpacr = value & CPACR_WRITABLE;
        return true;
    case NSACR:
        main->nsacr = value & 0xcffu;
        return true;
    case STIR:
        if ((value & 0x1ff) < core->desc.irqs) {
            nvic_set_pending(&core->nvic, EXCEPTION_IRQ0 + (value & 0x1ff), true);
        }
        return true;
    default:
        return false;
    }
}

/* ---- Identity ---- */
static bool read_identity(uint32_t address, uint32_t *ret_value) {
    static const uint32_t ids[] = {
        0x00000030, 0x00000520, 0x00200000, 0x00000000, 0x00101f40, 0x00000000, 0x01000000, 0x00000000,
        0x08092300, 0x05725000, 0x30173426, 0x07895729, 0x01310132, 0x00000000, 0x00000000, 0x8000c000,
    };
    if (address >= ID_FIRST && address <= ID_LAST) {
        *ret_value = ids[(address - ID_FIRST) / 4];
        return true;
    }
    switch (address) {
    case MVFR0:
        *ret_value = 0x10110021;
        return true;
    case MVFR1:
        *ret_value = 0x11000011;
        return true;
    case MVFR2:
        *ret_value = 0x00000040;
        return true;
    default:
        return false;
    }
}

/* ---- Memory protection: mpu.c obeys ---- */
static uint32_t *mpu_register(struct mainline *main, uint32_t address) {
    unsigned word = (address - MPU_RBAR) / 4;
    unsigned region = word < 2 ? main->mpu_rnr : (main->mpu_rnr & ~3u) + word / 2;
    return word & 1 ? &main->mpu_rlar[region % MPU_REGIONS] : &main->mpu_rbar[region % MPU_REGIONS];
}

static uint32_t *protection_register(struct mainline *main, uint32_t address) {
    switch (address) {
    case MPU_CTRL:
        return &main->mpu_ctrl;
    case MPU_RNR:
        return &main->mpu_rnr;
    case MPU_MAIR0:
        return &main->mpu_mair[0];
    case MPU_MAIR1:
        return &main->mpu_mair[1];
    case SAU_CTRL:
        return &main->sau_ctrl;
    case SAU_RNR:
        return &main->sau_rnr;
    case SAU_RBAR:
        return &main->sau_rbar[main->sau_rnr % SAU_REGIONS];
    case SAU_RLAR:
        return &main->sau_rlar[main->sau_rnr % SAU_REGIONS];
    default:
        return address >= MPU_RBAR && address <= MPU_LAST ? mpu_register(main, address) : NULL;
    }
}

static bool read_protection(struct core *core, uint32_t address, uint32_t *ret_value) {
    const uint32_t *reg = protection_register(&core->mainline, address);
    if (reg) {
        *ret_value = *reg;
    } else if (address == MPU_TYPE) {
        *ret_value = MPU_REGIONS << 8;
    } else if (address == SAU_TYPE) {
        *ret_value = SAU_REGIONS;
    } else {
        return false;
    }
    return true;
}

static bool write_protection(struct core *core, uint32_t address, uint32_t value) {
    uint32_t *reg = protection_register(&core->mainline, address);
    if (!reg) {
        return address == MPU_TYPE || address == SAU_TYPE;
    }
    bool number = address == MPU_RNR || address == SAU_RNR;
    *reg = number ? value % MPU_REGIONS : value;
    mpu_changed(core);
    return true;
}

/* ---- Floating point ---- */
static uint32_t *fp_register(struct mainline *main, uint32_t address) {
    switch (address) {
    case FPCCR:
        return &main->fpccr;
    case FPCAR:
        return &main->fpcar;
    case FPDSCR:
        return &main->fpdscr;
    default:
        return NULL;
    }
}

static void write_fp(struct core *core, uint32_t address, uint32_t value) {
    struct mainline *main = &core->mainline;
    switch (address) {
    case FPCCR:
        if (!(value >> 31)) {
            scs_main_report(core, REPORTED_ASPEN, LOG_STUB, "FPCCR: ASPEN = 0 has no effect");
        }
        main->fpccr = value & FPCCR_WRITABLE;
        break;
    case FPCAR:
        main->fpcar = value & ~7u;
        break;
    default:
        if (value & FPDSCR_WRITABLE) {
            scs_main_report(core, REPORTED_FPDSCR, LOG_STUB, "FPDSCR has no effect: new contexts begin with FPSCR 0");
        }
        main->fpdscr = value & FPDSCR_WRITABLE;
        break;
    }
}

/* ---- Debug and the chip's own ---- */
static bool read_debug(struct core *core, uint32_t address, uint32_t *ret_value) {
    const struct mainline *main = &core->mainline;
    switch (address) {
    case DWT_CTRL:
        *ret_value = DWT_CTRL_READS | main->dwt_ctrl;
        return true;
    case DWT_CYCCNT:
        *ret_value = cycle_count(core);
        return true;
    case DEMCR:
        *ret_value = main->demcr;
        return true;
    case NMI_MASK0:
    case NMI_MASK1:
        *ret_value = main->nmi_mask[(address - NMI_MASK0) / 4];
        return true;
    case SLEEPCTRL:
        *ret_value = main->sleepctrl;
        return true;
    default:
        *ret_value = 0; /* trace and the like: nothing there */
        return address < 0xe000e000u || address >= 0xe000f000u;
    }
}

static bool write_debug(struct core *core, uint32_t address, uint32_t value) {
    struct mainline *main = &core->mainline;
    switch (address) {
    case DWT_CTRL:
        restart_count(core, main->demcr, value & 0x07ffffffu);
        return true;
    case DWT_CYCCNT:
        main->cyccnt = value;
        main->cyccnt_epoch = core->cycles;
        return true;
    case DEMCR:
        restart_count(core, value & DEMCR_WRITABLE, main->dwt_ctrl);
        return true;
    case NMI_MASK0:
    case NMI_MASK1:
        main->nmi_mask[(address - NMI_MASK0) / 4] = value;
        scs_main_update_nmi(core);
        return true;
    case SLEEPCTRL:
        main->sleepctrl = value & 3;
        return true;
    default:
        return address < 0xe000e000u || address >= 0xe000f000u;
    }
}

/* ---- Access ---- */
bool scs_main_read(struct core *core, uint32_t address, uint32_t *ret_value) {
    const uint32_t *fp = fp_register(&core->mainline, address);
    if (fp) {
        *ret_value = *fp;
        return true;
    }
    return read_control(core, address, ret_value) || read_identity(address, ret_value) ||
           read_protection(core, address, ret_value) || read_debug(core, address, ret_value);
}

bool scs_main_write(struct core *core, uint32_t address, uint32_t value) {
    if (fp_register(&core->mainline, address)) {
        write_fp(core, address, value);
        return true;
    }
    return write_control(core, address, value) || write_protection(core, address, value) ||
           write_debug(core, address, value);
}
