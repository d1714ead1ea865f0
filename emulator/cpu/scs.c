/* System control space: Armv6-M Architecture Reference Manual B3.2 (system control block), B3.4 (NVIC); SysTick is
 * in systick.c, what Armv8-M Mainline adds in scs_main.c. Cortex-M0+ Technical Reference Manual chapter 4 (reset
 * values).
 *
 * Not modelled: debug registers (read 0), ACTLR.
 * Ambiguity: the Cortex-M0+ allows word access only; narrower loads give their part of the word, narrower stores
 * replace their part of it. */
#include "emulator/cpu/internal.h"

#define ICSR_NMIPENDSET (1u << 31)
#define ICSR_PENDSVSET (1u << 28)
#define ICSR_PENDSVCLR (1u << 27)
#define ICSR_PENDSTSET (1u << 26)
#define ICSR_PENDSTCLR (1u << 25)
#define ICSR_ISRPENDING (1u << 22)
#define ICSR_RETTOBASE (1u << 11)
#define AIRCR_KEY 0x05fa0000u
#define AIRCR_READS 0xfa050000u
#define AIRCR_SYSRESETREQ (1u << 2)
#define CPUID_M0PLUS 0x410cc601u
#define CPUID_M33 0x411fd210u
#define CCR_M0PLUS 0x208u /* STKALIGN, UNALIGN_TRP */

enum {
    ACTLR = 0xe000e008,
    SYST_FIRST = 0xe000e010,
    SYST_LAST = 0xe000e01c,
    ISER = 0xe000e100,
    ICER = 0xe000e180,
    ISPR = 0xe000e200,
    ICPR = 0xe000e280,
    IABR = 0xe000e300,
    IPR = 0xe000e400,
    CPUID = 0xe000ed00,
    ICSR = 0xe000ed04,
    VTOR = 0xe000ed08,
    AIRCR = 0xe000ed0c,
    SCR = 0xe000ed10,
    CCR = 0xe000ed14,
    SHPR1 = 0xe000ed18,
    SHPR2 = 0xe000ed1c,
    SHPR3 = 0xe000ed20,
    CFSR = 0xe000ed28,
    MPU_TYPE = 0xe000ed90,
    MPU_LAST = 0xe000eda0,
};

/* ---- Helpers ---- */
/* Four priority bytes from exception `first` on. */
static uint32_t read_priorities(const struct nvic *nvic, unsigned first) {
    uint32_t word = 0;
    for (unsigned i = 0; i < 4 && first + i < 16 + nvic->irqs; i++) {
        word |= (uint32_t)nvic->priority[first + i] << 8 * i;
    }
    return word;
}

static bool has_priority(const struct core *core, unsigned exception) {
    if (core->desc.model == CORE_M0PLUS) {
        return exception == EXCEPTION_SVCALL || exception >= EXCEPTION_PENDSV;
    }
    return exception <= EXCEPTION_SECUREFAULT || (exception >= EXCEPTION_SVCALL && exception != 13);
}

static void write_priorities(struct core *core, unsigned first, uint32_t value) {
    for (unsigned i = 0; i < 4; i++) {
        if (has_priority(core, first + i)) {
            nvic_set_priority(&core->nvic, first + i, (uint8_t)(value >> 8 * i));
        }
    }
}

static uint32_t read_icsr(struct core *core) {
    const struct nvic *nvic = &core->nvic;
    uint32_t active = engine_register(core, CORE_XPSR) & XPSR_IPSR;
    bool base = core->desc.model == CORE_M33 && nvic_active_count(nvic) <= 1;
    return active | (base ? ICSR_RETTOBASE : 0) | nvic->pending_exception << 12 |
           (nvic->irq_pending & nvic->enabled ? ICSR_ISRPENDING : 0) |
           (nvic_is_pending(nvic, EXCEPTION_NMI) ? ICSR_NMIPENDSET : 0) |
           (nvic_is_pending(nvic, EXCEPTION_PENDSV) ? ICSR_PENDSVSET : 0) |
           (nvic_is_pending(nvic, EXCEPTION_SYSTICK) ? ICSR_PENDSTSET : 0);
}

static void write_icsr(struct core *core, uint32_t value) {
    struct nvic *nvic = &core->nvic;
    if (value & ICSR_NMIPENDSET) {
        nvic_set_pending(nvic, EXCEPTION_NMI, true);
    }
    if (value & (ICSR_PENDSVSET | ICSR_PENDSVCLR)) {
        nvic_set_pending(nvic, EXCEPTION_PENDSV, value & ICSR_PENDSVSET);
    }
    if (value & (ICSR_PENDSTSET | ICSR_PENDSTCLR)) {
        nvic_set_pending(nvic, EXCEPTION_SYSTICK, value & ICSR_PENDSTSET);
    }
}

static void write_aircr(struct core *core, uint32_t value) {
    if ((value & 0xffff0000u) != AIRCR_KEY || !(value & AIRCR_SYSRESETREQ)) {
        return;
    }
    if (core->desc.system_reset) {
        core->desc.system_reset(core->desc.reset_context, core);
    }
    core_yield(core);
}

/* Set the pending bits of 32 interrupts; SEVONPEND makes an event of it. */
static void set_pending(struct core *core, unsigned first, uint32_t bits, bool pending) {
    for (; bits; bits &= bits - 1) {
        unsigned irq = first + (unsigned)__builtin_ctz(bits);
        if (irq < core->nvic.irqs) {
            nvic_set_pending(&core->nvic, EXCEPTION_IRQ0 + irq, pending);
        }
    }
}

/* ---- Words ---- */
static uint32_t read_nvic(struct core *core, uint32_t address) {
    const struct nvic *nvic = &core->nvic;
    unsigned shift = (address & 4) * 8;
    if (address >= IPR && address < IPR + NVIC_IRQS) {
        return read_priorities(nvic, EXCEPTION_IRQ0 + (address - IPR));
    }
    if (address & 0x78) {
        return 0;
    }
    switch (address & ~7u) {
    case ISER:
    case ICER:
        return (uint32_t)(nvic->enabled >> shift);
    case ISPR:
    case ICPR:
        return (uint32_t)(nvic->irq_pending >> shift);
    case IABR:
        return core->desc.model == CORE_M0PLUS ? 0 : (uint32_t)(nvic->irq_active >> shift);
    default:
        return 0;
    }
}

static uint32_t read_word(struct core *core, uint32_t address) {
    bool m0plus = core->desc.model == CORE_M0PLUS;
    uint32_t value;
    if (!m0plus && scs_main_read(core, address, &value)) {
        return value;
    }
    if (address >= SYST_FIRST && address <= SYST_LAST) {
        systick_update(&core->systick, core->cycles);
        return systick_read(&core->systick, address - SYST_FIRST);
    }
    if (address >= ISER && address < CPUID) {
        return read_nvic(core, address);
    }
    if (address >= MPU_TYPE && address <= MPU_LAST) {
        return mpu_read_m0plus(core, (address - MPU_TYPE) / 4);
    }
    switch (address) {
    case ACTLR:
        return core->actlr;
    case CPUID:
        return m0plus ? CPUID_M0PLUS : CPUID_M33;
    case ICSR:
        return read_icsr(core);
    case VTOR:
        return core->vtor;
    case AIRCR:
        return AIRCR_READS;
    case SCR:
        return core->scr;
    case CCR:
        return CCR_M0PLUS;
    case SHPR1:
    case SHPR2:
    case SHPR3:
        return read_priorities(&core->nvic, 4 + (address - SHPR1));
    default:
        return 0;
    }
}

static void write_nvic(struct core *core, uint32_t address, uint32_t value) {
    struct nvic *nvic = &core->nvic;
    unsigned first = (address & 4) * 8;
    if (address >= IPR && address < IPR + NVIC_IRQS) {
        write_priorities(core, EXCEPTION_IRQ0 + (address - IPR), value);
        return;
    }
    if (address & 0x78) {
        return;
    }
    switch (address & ~7u) {
    case ISER:
        nvic_set_enabled(nvic, nvic->enabled | (uint64_t)value << first);
        break;
    case ICER:
        nvic_set_enabled(nvic, nvic->enabled & ~((uint64_t)value << first));
        break;
    case ISPR:
        set_pending(core, first, value, true);
        break;
    case ICPR:
        set_pending(core, first, value, false);
        break;
    default:
        break;
    }
}

static void write_word(struct core *core, uint32_t address, uint32_t value) {
    if (core->desc.model == CORE_M33 && scs_main_write(core, address, value)) {
        return;
    }
    if (address >= SYST_FIRST && address <= SYST_LAST) {
        systick_update(&core->systick, core->cycles);
        systick_write(&core->systick, address - SYST_FIRST, value);
        if (core->systick.expiry < core->slice) {
            core->slice = core->systick.expiry;
        }
        return;
    }
    if (address >= ISER && address < CPUID) {
        write_nvic(core, address, value);
        return;
    }
    if (address >= MPU_TYPE && address <= MPU_LAST) {
        mpu_write_m0plus(core, (address - MPU_TYPE) / 4, value);
        return;
    }
    switch (address) {
    case ACTLR:
        core->actlr = value;
        break;
    case ICSR:
        write_icsr(core, value);
        break;
    case VTOR:
        core->vtor = value & core->arch->vtor_mask;
        break;
    case AIRCR:
        write_aircr(core, value);
        break;
    case SCR:
        core->scr = value & 0x16;
        break;
    case SHPR1:
    case SHPR2:
    case SHPR3:
        write_priorities(core, 4 + (address - SHPR1), value);
        break;
    default:
        break;
    }
}

/* ---- Access ---- */
uint32_t scs_read(struct core *core, uint32_t address, unsigned size) {
    uint32_t word = read_word(core, address & ~3u) >> 8 * (address & 3);
    return size == 4 ? word : word & ((1u << 8 * size) - 1);
}

/* Registers where a stored 1 acts: their other bytes are 0 in a narrow store, not what they read as. */
static bool acts_by_ones(uint32_t address) {
    return (address >= ISER && address < IPR) || address == ICSR || address == AIRCR || address == CFSR;
}

void scs_write(struct core *core, uint32_t address, uint32_t value, unsigned size) {
    uint32_t word = address & ~3u;
    if (size != 4) {
        unsigned shift = 8 * (address & 3);
        uint32_t mask = ((1u << 8 * size) - 1) << shift;
        uint32_t rest = acts_by_ones(word) ? 0 : read_word(core, word) & ~mask;
        value = rest | (value << shift & mask);
    }
    uint64_t pending = core->nvic.irq_pending;
    write_word(core, word, value);
    if (core->scr & (1u << 4) && core->nvic.irq_pending & ~pending) {
        core->event = true;
    }
    core_update_attention(core);
}
