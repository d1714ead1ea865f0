/* Power manager: RP2350 datasheet 6.4, with the AON timer of 12.10 and the low-power oscillator of 8.4. */
#ifndef ONCHIP_POWMAN_H
#define ONCHIP_POWMAN_H

#include "emulator/core/block.h"
#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/registers/powman.h"

struct powman;

/* One of PWRUP0 to PWRUP3. */
struct powman_wake {
    struct net_listener listener;
    struct net *net; /* that it listens to; NULL: none */
    struct powman *powman;
    bool latched; /* an edge has been seen */
};

struct powman {
    /* irq[0]: POWMAN_IRQ_POW, irq[1]: POWMAN_IRQ_TIMER, irq[2]: the alarm, to wake dormant oscillators */
    struct block block;
    /* Wired by the machine. */
    struct clock_domain *xosc;
    struct gpio_bank *bank0, *qspi; /* pins that PWRUP0 to PWRUP3 look at; NULL: none */
    /* The domains of `domains` (bits of STATE.CURRENT) go off: what is in them is lost. May be NULL. */
    void (*power_down)(void *context, unsigned domains);
    /* The core domain comes back: boot. May be NULL. */
    void (*power_up)(void *context);
    void *context;

    struct clock_domain lposc; /* 32.768 kHz; valid from block_create() on */
    struct clock_domain tick;  /* milliseconds of the AON timer, as its registers understand them; stands while off */
    struct clock_listener xosc_listener;
    struct event alarm;
    uint64_t offset; /* time = ticks counted + offset, modulo 2^64; while off: the time itself */
    bool from_xosc;
    bool rung; /* the alarm has fired for this alarm time */
    struct powman_wake wakes[4];
};

/* Bits of STATE.CURRENT: 1 is off. */
enum powman_domain { POWMAN_SRAM1 = 1, POWMAN_SRAM0 = 2, POWMAN_XIP = 4, POWMAN_SWCORE = 8 };

extern const struct block_class powman_class;

/* Below this core voltage the brown-out detector resets the chip; 0: it is off. */
double powman_brown_out_volts(const struct powman *powman);
/* Is there a request to switch the core domain off, which waits for the processors to halt? */
static inline bool powman_is_waiting(const struct powman *powman) {
    return powman->block.values[POWMAN_STATE] & POWMAN_STATE_WAITING;
}
/* They have: it goes off. */
void powman_cores_halted(struct powman *powman);
/* The AON timer, in its milliseconds. */
uint64_t powman_time(struct powman *powman);
/* The chip has been reset (this block too or not): its cause for CHIP_RESET, one of POWMAN_CHIP_RESET_HAD_..., takes
 * the place of the one before; DOUBLE_TAP and RESCUE_FLAG stay. */
void powman_had_reset(struct powman *powman, uint32_t cause);

#endif
