/* Bus access control: RP2350 datasheet 10.6, its registers.
 * Not modelled: the filters themselves (all software runs Secure and privileged; one stub line when a core or the DMA
 * is shut out of something).
 * Decided: a store without the password in its upper half is lost, with a guest line. */
#include "peripherals/onchip/accessctrl.h"

#define PASSWORD 0xacceu
#define SECURE_MASTERS 0x7cu /* of a peripheral's register: DMA, both cores, Secure privileged and unprivileged */

static bool needs_password(unsigned reg) {
    return reg != ACCESSCTRL_GPIO_NSMASK0 && reg != ACCESSCTRL_GPIO_NSMASK1;
}

static void restore_all(struct block *b) {
    for (unsigned reg = ACCESSCTRL_GPIO_NSMASK0; reg < b->registers->count; reg++) {
        b->values[reg] = b->registers->descs[reg].reset;
    }
}

static void look_for_filter(struct block *b, unsigned reg) {
    const struct register_desc *desc = &b->registers->descs[reg];
    if (reg > ACCESSCTRL_GPIO_NSMASK1 && desc->reset & SECURE_MASTERS & ~b->values[reg]) {
        block_report_stub(b, desc->offset, true);
    }
}

static void accessctrl_write(struct block *b, unsigned reg, uint32_t value, uint32_t old) {
    bool is_locked = reg == ACCESSCTRL_LOCK ? old >> b->env->core & 1 : b->values[ACCESSCTRL_LOCK] >> b->env->core & 1;
    bool good = !needs_password(reg) || b->stored >> 16 == PASSWORD;
    if (is_locked || !good) {
        b->values[reg] = old;
    }
    if (!good) {
        log_write(b->env->log, LOG_GUEST, b->name, "store of 0x%08x to %s without the password is lost", b->stored,
                  b->registers->descs[reg].name);
    }
    if (is_locked || !good) {
        return;
    }
    if (reg == ACCESSCTRL_LOCK) {
        b->values[reg] |= old; /* never cleared but by a reset */
    } else if (reg == ACCESSCTRL_CFGRESET && value & 1) {
        restore_all(b);
    }
    look_for_filter(b, reg);
}

const struct block_class accessctrl_class = {
    .name = "accessctrl",
    .size = sizeof(struct block),
    .write = accessctrl_write,
    .holds_until = block_holds,
};
