/* System configuration: RP2040 datasheet 2.21, RP2350 datasheet 12.15.2.
 * Not modelled: input synchroniser bypass (takes two cycles off), DBGFORCE (the debug port is not on the map),
 * MEMPOWERDOWN (memory keeps its contents). They read back what was written. */
#include "peripherals/onchip/syscfg.h"

static void syscfg_update(struct syscfg *s) {
    if (s->nmi_mask && s->block.registers->descs[SYSCFG_PROC0_NMI_MASK].name) {
        s->nmi_mask(s->context, 0, s->block.values[SYSCFG_PROC0_NMI_MASK]);
        s->nmi_mask(s->context, 1, s->block.values[SYSCFG_PROC1_NMI_MASK]);
    }
}

static void syscfg_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    if (reg == SYSCFG_PROC0_NMI_MASK || reg == SYSCFG_PROC1_NMI_MASK) {
        syscfg_update((struct syscfg *)b);
    }
}

static void syscfg_reset(struct block *b) {
    syscfg_update((struct syscfg *)b);
}

const struct block_class syscfg_class = {
    .name = "syscfg",
    .size = sizeof(struct syscfg),
    .reset = syscfg_reset,
    .write = syscfg_write,
    .holds_until = block_holds,
};
