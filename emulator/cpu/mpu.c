/* Memory protection: the MPUs of Armv6-M (PMSAv6, DDI 0419 B3.5) and Armv8-M (PMSAv8, DDI 0553 B8), and what the SAU
 * (DDI 0553 B8.3) says to code in Secure state.
 *
 * Nothing is looked at while neither is enabled. Where they are, the translation buffer is filled by what a page of the
 * engine may: with one answer for all of it accesses cost nothing more; a page that a boundary goes through is served
 * access by access, as registers are.
 *
 * Not modelled: memory types and attributes (nothing depends on them here); execution is checked when the engine first
 * fetches from a page (1 KB) after a change, so that a boundary within a page of code is found late. The SAU refuses
 * Secure code in Non-secure memory; it no longer does once code with BXNS or BLXNS has been met, as the Non-secure
 * state is not modelled. Data in Non-secure memory is the Secure state's to read and write. The RP2350's IDAU leaves
 * the boot ROM, SIO and the private bus out of the SAU's reach. Decided: an access in two regions of the Cortex-M33's
 * MPU has no rights (DDI 0553 has it fault). FAULTMASK, set or cleared by an MSR, is seen at the end of the slice. */
#include "emulator/cpu/internal.h"

#define CTRL_ENABLE 1u
#define CTRL_HFNMIENA 2u
#define CTRL_PRIVDEFENA 4u
#define GRANULE 32u
#define ALL_RIGHTS (MPU_READ | MPU_WRITE | MPU_EXECUTE)
#define PPB_BASE 0xe0000000u
#define PPB_END 0xe0100000u
#define SIO_BASE 0xd0000000u
#define SAU_ENABLE 1u
#define SAU_ALLNS 2u
#define ROM_END 0x00008000u

/* ---- Whether they apply ---- */

static uint32_t control(const struct core *core) {
    return core->mainline.mpu_ctrl;
}

/* At HardFault's priority and above the MPU is off unless HFNMIENA says otherwise. */
static bool mpu_applies(struct core *core) {
    return control(core) & CTRL_ENABLE && (control(core) & CTRL_HFNMIENA || exceptions_current_priority(core) >= 0);
}

static bool sau_applies(const struct core *core) {
    const struct mainline *main = &core->mainline;
    bool speaks = main->sau_ctrl & (SAU_ENABLE | SAU_ALLNS);
    return core->desc.model == CORE_M33 && speaks && !(main->reported >> REPORTED_NON_SECURE & 1);
}

void mpu_settle(struct core *core) {
    bool regions = mpu_applies(core), security = sau_applies(core);
    if (regions != core->mpu.regions || security != core->mpu.security) {
        core->mpu.regions = regions;
        core->mpu.security = security;
        engine_map_changed(core);
    }
}

/* Registers have changed. The engine takes it up when it begins anew. */
void mpu_changed(struct core *core) {
    const struct mainline *main = &core->mainline;
    core->mpu.enabled = main->mpu_ctrl & CTRL_ENABLE || main->sau_ctrl & (SAU_ENABLE | SAU_ALLNS);
    if (!core->mpu.enabled) { /* nobody settles what applies any more */
        core->mpu.regions = core->mpu.security = false;
    }
    engine_map_changed(core);
    core->slice = 0;
}

/* ---- Regions ---- */

/* AP of Armv6-M, as rights of privileged and of unprivileged code. */
static unsigned rights_m0plus(uint32_t rasr, bool privileged) {
    static const uint8_t rights[8][2] = {
        { 0, 0 },
        { 0, MPU_READ | MPU_WRITE },
        { MPU_READ, MPU_READ | MPU_WRITE },
        { MPU_READ | MPU_WRITE, MPU_READ | MPU_WRITE },
        { 0, 0 },
        { 0, MPU_READ },
        { MPU_READ, MPU_READ },
        { MPU_READ, MPU_READ },
    };
    unsigned found = rights[rasr >> 24 & 7][privileged];
    bool executes = found & MPU_READ && !(rasr >> 28 & 1);
    return found | (executes ? MPU_EXECUTE : 0);
}

/* A region of 2^(SIZE+1) bytes, whose eight parts SRD can leave out. */
static bool holds_m0plus(uint32_t rbar, uint32_t rasr, uint32_t address) {
    unsigned bits = (rasr >> 1 & 31) + 1;
    if (!(rasr & 1) || bits < 8) {
        return false;
    }
    bool inside = bits == 32 || (address ^ (rbar & ~0xffu)) >> bits == 0;
    return inside && !(rasr >> (8 + (address >> (bits - 3) & 7)) & 1);
}

/* The region with the highest number decides. False: none does. */
static bool find_m0plus(const struct mainline *main, uint32_t address, bool privileged, unsigned *ret_rights) {
    for (int region = MPU_REGIONS - 1; region >= 0; region--) {
        if (holds_m0plus(main->mpu_rbar[region], main->mpu_rlar[region], address)) {
            *ret_rights = rights_m0plus(main->mpu_rlar[region], privileged);
            return true;
        }
    }
    return false;
}

static unsigned rights_m33(uint32_t rbar, bool privileged) {
    if (!privileged && !(rbar >> 1 & 1)) {
        return 0;
    }
    return MPU_READ | (rbar >> 2 & 1 ? 0 : MPU_WRITE) | (rbar & 1 ? 0 : MPU_EXECUTE);
}

static bool find_m33(const struct mainline *main, uint32_t address, bool privileged, unsigned *ret_rights) {
    unsigned hits = 0;
    for (unsigned region = 0; region < MPU_REGIONS; region++) {
        uint32_t first = main->mpu_rbar[region] & ~(GRANULE - 1), last = main->mpu_rlar[region] | (GRANULE - 1);
        if (main->mpu_rlar[region] & 1 && address >= first && address <= last) {
            *ret_rights = rights_m33(main->mpu_rbar[region], privileged);
            hits++;
        }
    }
    *ret_rights = hits > 1 ? 0 : *ret_rights;
    return hits;
}

static unsigned region_rights(const struct core *core, uint32_t address, bool privileged) {
    unsigned rights = 0;
    bool found = core->desc.model == CORE_M0PLUS ? find_m0plus(&core->mainline, address, privileged, &rights)
                                                 : find_m33(&core->mainline, address, privileged, &rights);
    if (!found) {
        return privileged && control(core) & CTRL_PRIVDEFENA ? ALL_RIGHTS : 0;
    }
    return rights;
}

/* ---- Security ---- */

static bool is_secure(const struct mainline *main, uint32_t address) {
    if (address < ROM_END || address >= SIO_BASE) {
        return true;
    }
    for (unsigned region = 0; main->sau_ctrl & SAU_ENABLE && region < SAU_REGIONS; region++) {
        uint32_t first = main->sau_rbar[region] & ~(GRANULE - 1), last = main->sau_rlar[region] | (GRANULE - 1);
        if (main->sau_rlar[region] & 1 && address >= first && address <= last) {
            return main->sau_rlar[region] & 2; /* NSC: Secure memory that Non-secure code may call into */
        }
    }
    return main->sau_ctrl & SAU_ENABLE || !(main->sau_ctrl & SAU_ALLNS);
}

/* ---- For the engine ---- */

bool mpu_is_non_secure(const struct core *core, uint32_t address) {
    return core->mpu.security && !is_secure(&core->mainline, address);
}

unsigned mpu_rights(const struct core *core, uint32_t address, bool privileged) {
    bool is_private = address >= PPB_BASE && address < PPB_END;
    unsigned rights = core->mpu.regions && !is_private ? region_rights(core, address, privileged) : ALL_RIGHTS;
    if (mpu_is_non_secure(core, address)) {
        rights &= ~MPU_EXECUTE;
    }
    return rights;
}

bool mpu_is_uniform(const struct core *core, uint32_t page, uint32_t size, bool privileged) {
    unsigned first = mpu_rights(core, page, privileged);
    for (uint32_t at = GRANULE; at < size; at += GRANULE) {
        if (mpu_rights(core, page + at, privileged) != first) {
            return false;
        }
    }
    return true;
}

bool mpu_allows(const struct core *core, uint32_t address, uint32_t size, unsigned right, bool privileged) {
    uint32_t last = address + size - 1;
    for (uint32_t at = address; at - address <= last - address; at = (at | (GRANULE - 1)) + 1) {
        if (!(mpu_rights(core, at, privileged) & right)) {
            return false;
        }
        if ((at | (GRANULE - 1)) >= last) {
            break;
        }
    }
    return true;
}

bool mpu_allows_frame(const struct core *core, uint32_t address, uint32_t size, unsigned right) {
    const struct registers *registers = &core->registers;
    bool privileged = registers->xpsr & XPSR_IPSR || !(registers->control & CONTROL_NPRIV);
    return !core->mpu.regions || mpu_allows(core, address, size, right, privileged);
}

/* ---- Registers of the Cortex-M0+: TYPE, CTRL, RNR, RBAR, RASR ---- */

enum { M0PLUS_TYPE, M0PLUS_CTRL, M0PLUS_RNR, M0PLUS_RBAR, M0PLUS_RASR };

uint32_t mpu_read_m0plus(const struct core *core, unsigned index) {
    const struct mainline *main = &core->mainline;
    switch (index) {
    case M0PLUS_TYPE:
        return MPU_REGIONS << 8;
    case M0PLUS_CTRL:
        return main->mpu_ctrl;
    case M0PLUS_RNR:
        return main->mpu_rnr;
    case M0PLUS_RBAR:
        return main->mpu_rbar[main->mpu_rnr] | main->mpu_rnr;
    default:
        return main->mpu_rlar[main->mpu_rnr];
    }
}

void mpu_write_m0plus(struct core *core, unsigned index, uint32_t value) {
    struct mainline *main = &core->mainline;
    switch (index) {
    case M0PLUS_CTRL:
        main->mpu_ctrl = value & 7;
        break;
    case M0PLUS_RNR:
        main->mpu_rnr = value % MPU_REGIONS;
        break;
    case M0PLUS_RBAR:
        if (value & 0x10) { /* VALID */
            main->mpu_rnr = value % MPU_REGIONS;
        }
        main->mpu_rbar[main->mpu_rnr] = value & ~0xffu;
        break;
    case M0PLUS_RASR:
        main->mpu_rlar[main->mpu_rnr] = value & 0x1707ff3f;
        break;
    default:
        return;
    }
    mpu_changed(core);
}
