/* Armv6-M Architecture Reference Manual B1.5.4 (priorities), B3.4 (NVIC); Armv8-M B3.
 *
 * Ambiguity: an interrupt whose line has gone low again before it was taken stays pending until it is taken or
 * cleared (B3.4.1 leaves detection to the implementation; the Cortex-M0+ latches it). */
#include "emulator/cpu/nvic.h"

#include <string.h>

#define SYSTEM_EXCEPTIONS 0xffffu /* a bit each */

void nvic_reset(struct nvic *nvic, unsigned irqs, unsigned priority_bits) {
    uint64_t level = nvic->level;
    bool nmi_level = nvic->nmi_level;
    memset(nvic, 0, sizeof(*nvic));
    nvic->irqs = irqs;
    nvic->priority_mask = (uint8_t)(0xff00u >> priority_bits);
    nvic->group_mask = 0xff;
    nvic->level = level;
    nvic->irq_pending = level;
    nvic->nmi_level = nmi_level;
    nvic_update(nvic);
}

int nvic_priority(const struct nvic *nvic, unsigned exception) {
    switch (exception) {
    case EXCEPTION_NONE:
        return PRIORITY_THREAD;
    case EXCEPTION_NMI:
        return PRIORITY_NMI;
    case EXCEPTION_HARDFAULT:
        return PRIORITY_HARDFAULT;
    default:
        return nvic->priority[exception];
    }
}

int nvic_group(const struct nvic *nvic, int priority) {
    return priority < 0 || priority > 255 ? priority : priority & nvic->group_mask;
}

void nvic_set_grouping(struct nvic *nvic, unsigned grouping) {
    nvic->group_mask = (uint8_t)(0xffu << (grouping + 1));
    nvic_update(nvic);
}

/* The most urgent of some exceptions: lowest priority number, then lowest exception number. */
static void most_urgent(const struct nvic *nvic, uint64_t irqs, uint32_t system, unsigned *ret_exception,
                        int *ret_priority) {
    *ret_exception = EXCEPTION_NONE;
    *ret_priority = PRIORITY_THREAD;
    for (; system; system &= system - 1) {
        unsigned exception = (unsigned)__builtin_ctz(system);
        int priority = nvic_priority(nvic, exception);
        if (priority < *ret_priority) {
            *ret_exception = exception;
            *ret_priority = priority;
        }
    }
    for (; irqs; irqs &= irqs - 1) {
        unsigned exception = EXCEPTION_IRQ0 + (unsigned)__builtin_ctzll(irqs);
        if (nvic->priority[exception] < *ret_priority) {
            *ret_exception = exception;
            *ret_priority = nvic->priority[exception];
        }
    }
}

void nvic_update(struct nvic *nvic) {
    unsigned ignored;
    most_urgent(nvic, nvic->irq_active, nvic->system_active, &ignored, &nvic->active_priority);
    most_urgent(nvic, nvic->irq_pending & nvic->enabled, nvic->system_pending, &nvic->pending_exception,
                &nvic->pending_priority);
    nvic->active_priority = nvic_group(nvic, nvic->active_priority);
    nvic->pending_priority = nvic_group(nvic, nvic->pending_priority);
}

/* IPSR is what a frame of the guest's making says: it may be any of 512 numbers. */
static bool nvic_has(const struct nvic *nvic, unsigned exception) {
    return exception < EXCEPTION_IRQ0 + nvic->irqs;
}

bool nvic_is_active(const struct nvic *nvic, unsigned exception) {
    if (!nvic_has(nvic, exception)) {
        return false;
    }
    if (exception >= EXCEPTION_IRQ0) {
        return nvic->irq_active >> (exception - EXCEPTION_IRQ0) & 1;
    }
    return nvic->system_active >> exception & 1;
}

bool nvic_is_pending(const struct nvic *nvic, unsigned exception) {
    if (exception >= EXCEPTION_IRQ0) {
        return nvic->irq_pending >> (exception - EXCEPTION_IRQ0) & 1;
    }
    return nvic->system_pending >> exception & 1;
}

void nvic_set_pending(struct nvic *nvic, unsigned exception, bool pending) {
    if (exception >= EXCEPTION_IRQ0) {
        uint64_t bit = UINT64_C(1) << (exception - EXCEPTION_IRQ0);
        nvic->irq_pending = pending ? nvic->irq_pending | bit : nvic->irq_pending & ~bit;
        nvic->irq_pending |= nvic->level & ~nvic->irq_active & bit;
    } else {
        uint32_t bit = 1u << exception;
        nvic->system_pending = pending ? nvic->system_pending | bit : nvic->system_pending & ~bit;
    }
    nvic_update(nvic);
}

void nvic_set_level(struct nvic *nvic, unsigned irq, bool level) {
    uint64_t bit = irq < nvic->irqs ? UINT64_C(1) << irq : 0;
    if (level && !(nvic->level & bit)) {
        nvic->level |= bit;
        nvic->irq_pending |= bit;
        nvic_update(nvic);
    } else if (!level) {
        nvic->level &= ~bit;
    }
}

void nvic_set_nmi(struct nvic *nvic, bool level) {
    bool rises = level && !nvic->nmi_level;
    nvic->nmi_level = level;
    if (rises) {
        nvic_set_pending(nvic, EXCEPTION_NMI, true);
    }
}

void nvic_set_priority(struct nvic *nvic, unsigned exception, uint8_t priority) {
    if (exception < EXCEPTION_IRQ0 + nvic->irqs) {
        nvic->priority[exception] = priority & nvic->priority_mask;
        nvic_update(nvic);
    }
}

void nvic_set_enabled(struct nvic *nvic, uint64_t enabled) {
    uint64_t implemented = nvic->irqs < 64 ? (UINT64_C(1) << nvic->irqs) - 1 : UINT64_MAX;
    nvic->enabled = enabled & implemented;
    nvic_update(nvic);
}

void nvic_activate(struct nvic *nvic, unsigned exception) {
    if (exception >= EXCEPTION_IRQ0) {
        uint64_t bit = UINT64_C(1) << (exception - EXCEPTION_IRQ0);
        nvic->irq_pending &= ~bit;
        nvic->irq_active |= bit;
    } else {
        nvic->system_pending &= ~(1u << exception);
        nvic->system_active |= 1u << exception;
    }
    nvic_update(nvic);
}

void nvic_deactivate(struct nvic *nvic, unsigned exception) {
    if (!nvic_has(nvic, exception)) {
        return;
    }
    if (exception >= EXCEPTION_IRQ0) {
        uint64_t bit = UINT64_C(1) << (exception - EXCEPTION_IRQ0);
        nvic->irq_active &= ~bit;
        nvic->irq_pending |= nvic->level & bit;
    } else {
        nvic->system_active &= ~(1u << exception);
        if (exception == EXCEPTION_NMI && nvic->nmi_level) {
            nvic->system_pending |= 1u << EXCEPTION_NMI;
        }
    }
    nvic_update(nvic);
}

unsigned nvic_active_count(const struct nvic *nvic) {
    return (unsigned)(__builtin_popcountll(nvic->irq_active) + __builtin_popcount(nvic->system_active));
}

void nvic_walk(struct nvic *nvic, struct walk *walk) {
    walk_expect(walk, "the number of interrupts", nvic->irqs);
    walk_u8(walk, &nvic->priority_mask);
    walk_u8(walk, &nvic->group_mask);
    walk_u64(walk, &nvic->enabled);
    walk_u64(walk, &nvic->level);
    walk_u64(walk, &nvic->irq_pending);
    walk_u64(walk, &nvic->irq_active);
    walk_u32(walk, &nvic->system_pending);
    walk_u32(walk, &nvic->system_active);
    walk_bool(walk, &nvic->nmi_level);
    walk_bytes(walk, nvic->priority, sizeof(nvic->priority));
    nvic->system_pending &= SYSTEM_EXCEPTIONS;
    nvic->system_active &= SYSTEM_EXCEPTIONS;
    nvic_update(nvic);
}
