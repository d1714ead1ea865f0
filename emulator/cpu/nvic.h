/* Which exceptions are enabled, pending and active, and with what priority: the state that Armv6-M B1.5 and B3.4
 * and Armv8-M B3 describe in the same terms. What happens on entry and return is the architecture's (armv6m.c).
 *
 * Priorities: -2 NMI, -1 HardFault, 0 to 255 configurable (only the upper bits exist: 2 on a Cortex-M0+, 4 on the
 * RP2350's Cortex-M33), 256 thread mode. Priority grouping (AIRCR.PRIGROUP): only the bits of the group decide about
 * preemption, all bits decide what goes first. */
#ifndef CPU_NVIC_H
#define CPU_NVIC_H

#include "emulator/core/walk.h"

#include <stdbool.h>
#include <stdint.h>

#define NVIC_IRQS 64
#define PRIORITY_THREAD 256
#define PRIORITY_HARDFAULT (-1)
#define PRIORITY_NMI (-2)

enum exception {
    EXCEPTION_NONE = 0,
    EXCEPTION_NMI = 2,
    EXCEPTION_HARDFAULT = 3,
    EXCEPTION_MEMMANAGE = 4, /* 4 to 7 and 12: Armv8-M Mainline */
    EXCEPTION_BUSFAULT = 5,
    EXCEPTION_USAGEFAULT = 6,
    EXCEPTION_SECUREFAULT = 7,
    EXCEPTION_SVCALL = 11,
    EXCEPTION_DEBUGMONITOR = 12,
    EXCEPTION_PENDSV = 14,
    EXCEPTION_SYSTICK = 15,
    EXCEPTION_IRQ0 = 16,
};

struct nvic {
    unsigned irqs;         /* implemented interrupt inputs */
    uint8_t priority_mask; /* implemented bits of a priority field */
    uint8_t group_mask;    /* bits that decide about preemption */
    uint64_t enabled;      /* by interrupt */
    uint64_t level;
    uint64_t irq_pending;
    uint64_t irq_active;
    uint32_t system_pending; /* by exception number, below 16 */
    uint32_t system_active;
    bool nmi_level;
    uint8_t priority[16 + NVIC_IRQS]; /* by exception number */
    /* Derived, kept by nvic_update(): */
    int active_priority;        /* of the running exception, its group alone; PRIORITY_THREAD in thread mode */
    int pending_priority;       /* of the most urgent pending and enabled exception, its group alone */
    unsigned pending_exception; /* EXCEPTION_NONE: nothing */
};

void nvic_reset(struct nvic *nvic, unsigned irqs, unsigned priority_bits);
void nvic_update(struct nvic *nvic);
int nvic_priority(const struct nvic *nvic, unsigned exception);
/* The part of a priority that decides about preemption. */
int nvic_group(const struct nvic *nvic, int priority);
/* AIRCR.PRIGROUP. */
void nvic_set_grouping(struct nvic *nvic, unsigned grouping);
bool nvic_is_active(const struct nvic *nvic, unsigned exception);
bool nvic_is_pending(const struct nvic *nvic, unsigned exception);
/* Pend or un-pend; an interrupt whose line is high and that is not active stays pending. */
void nvic_set_pending(struct nvic *nvic, unsigned exception, bool pending);
void nvic_set_level(struct nvic *nvic, unsigned irq, bool level);
void nvic_set_nmi(struct nvic *nvic, bool level);
void nvic_set_priority(struct nvic *nvic, unsigned exception, uint8_t priority);
void nvic_set_enabled(struct nvic *nvic, uint64_t enabled);
/* Entry: pending becomes active. Return: active ends, and a line that is still high pends again. */
void nvic_activate(struct nvic *nvic, unsigned exception);
void nvic_deactivate(struct nvic *nvic, unsigned exception);
/* Its state, for snapshots. */
void nvic_walk(struct nvic *nvic, struct walk *walk);
/* Number of active exceptions. */
unsigned nvic_active_count(const struct nvic *nvic);

#endif
