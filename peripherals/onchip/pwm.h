/* Pulse width modulation: RP2040 datasheet 4.5, RP2350 datasheet 12.5. */
#ifndef ONCHIP_PWM_H
#define ONCHIP_PWM_H

#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/registers/pwm.h"

#define PWM_SLICES 12
enum pwm_channel { PWM_A, PWM_B, PWM_CHANNELS };

struct pwm;

struct pwm_slice {
    struct pwm *pwm;
    /* The settings in force: what the registers held at the last wrap (TOP, CC) or hold (the rest). */
    uint32_t csr;
    uint32_t divider; /* sixteenths of a clk_sys cycle a count */
    uint32_t top;
    uint32_t compare[PWM_CHANNELS];
    /* Where it stood at cycle `synced` of clk_sys. */
    uint64_t synced;
    int64_t phase;      /* sixteenths of a cycle since the last count */
    uint32_t position;  /* counts since the period began; twice as many as TOP + 1 when phase-correct */
    bool is_beyond_top; /* the counter was written, or TOP lowered, so that it runs on to 65535 */
    bool input_b;
    bool dreq_wanted;
    uint64_t pins[PWM_CHANNELS]; /* that can carry the channel */
    struct event event;          /* the next edge, wrap or request that somebody wants */
};

struct pwm {
    struct block block; /* irq[0], on the RP2350 irq[1] too: wrap */
    /* Wired by the machine. */
    struct clock_domain *clk_sys;
    struct line dreq[PWM_SLICES];
    struct gpio_bank *gpio; /* NULL: no pins */
    unsigned function;      /* FUNCSEL of all its pins */
    /* A channel's output (after inversion) has changed; only while its pin is selected or watch is set. May be NULL. */
    void (*output)(void *context, unsigned slice, enum pwm_channel channel, bool level);
    void *context;
    bool watch; /* play all edges, whether pins are selected or not */
    /* Periods faster than this many a second are not played as edges: the pin holds the level it had when the slice
     * was last touched, pwm_duty() tells the average. 0: no limit. */
    uint64_t edge_limit_hz;

    unsigned slices;
    struct pwm_slice slice[PWM_SLICES];
    bool level[PWM_SLICES][PWM_CHANNELS]; /* as last published */
    struct clock_listener clock_listener;
    struct gpio_listener pin_listener;
};

extern const struct block_class pwm_class;

/* Part of the period during which the output is high, 0 to 1 (after inversion); a slice at rest has 0 or 1. */
double pwm_duty(struct pwm *pwm, unsigned slice, enum pwm_channel channel);
/* Periods a second, 0 when the slice does not run freely. */
double pwm_frequency(struct pwm *pwm, unsigned slice);
/* DMA channels are paced by these slices, a bit each, and no others: each wrap raises and drops dreq[slice] once. */
void pwm_want_dreqs(struct pwm *pwm, uint32_t slices);
/* The B pin as an input, for machines without `gpio`. */
void pwm_set_input(struct pwm *pwm, unsigned slice, bool level);

#endif
