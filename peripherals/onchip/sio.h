/* SIO, the single-cycle I/O block: GPIO outputs and inputs, mailboxes between the cores, spin locks, divider,
 * interpolators, doorbells, TMDS encoders. Every core has its own view (environment.core); there are no atomic aliases.
 * Lines: irq[0], irq[1] FIFO interrupt of core 0, 1; RP2350: irq[2], irq[3] doorbells of core 0, 1; irq[4], irq[5]
 * machine timer. */
#ifndef ONCHIP_SIO_H
#define ONCHIP_SIO_H

#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/interpolator.h"
#include "peripherals/onchip/mtime.h"
#include "peripherals/onchip/tmds.h"

#define SIO_CORES 2
#define SIO_FIFO_DEPTH 8

/* What differs between the chips. */
struct sio_variant {
    unsigned fifo_depth;
    unsigned qspi_shift;       /* bit of GPIO_HI_* where the pins of the QSPI bank begin */
    uint32_t bank0_high;       /* bits of GPIO_HI_* that are GPIO 32 and up */
    bool interpolators_rotate; /* else they shift */
    bool mirrors_spinlocks;    /* a store 128 bytes behind a lock releases it as well: erratum RP2350-E2 */
};

extern const struct sio_variant rp2040_sio;
extern const struct sio_variant rp2350_sio;

struct sio_fifo { /* towards one core */
    uint32_t words[SIO_FIFO_DEPTH];
    unsigned first;
    unsigned count;
};

struct sio_divider {
    uint32_t dividend;
    uint32_t divisor;
    uint32_t quotient;
    uint32_t remainder;
    bool is_signed; /* how the operands were written last */
    bool dirty;
    bool is_to_do; /* quotient and remainder are still those before it */
    bool runs;     /* the division began in cycle `start` of clk_sys, also when it is long done */
    uint64_t start;
};

struct sio_core {
    struct sio_fifo fifo; /* what this core reads */
    bool read_empty;      /* ROE */
    bool wrote_full;      /* WOF */
    uint32_t doorbells;   /* raised for this core */
    struct sio_divider divider;
    struct interpolator interpolator[2];
    struct tmds tmds; /* RP2350 */
};

struct sio {
    struct block block;
    /* Wiring */
    const struct sio_variant *variant;
    struct gpio_bank *gpio;
    struct gpio_bank *qspi;
    const struct clock_domain *clk_sys; /* NULL: the divider takes no time */
    /* A word has arrived in the FIFO towards `core`. May be NULL. */
    void (*arrived)(void *context, unsigned core);
    void *arrived_context;
    struct mtime mtime; /* RP2350: the clocks that it counts; none: there is no such timer */

    uint64_t out[2]; /* GPIO_OUT, GPIO_HI_OUT as in the registers, 32 bits each */
    uint64_t oe[2];
    uint32_t spinlocks; /* claimed */
    struct sio_core cores[SIO_CORES];
};

extern const struct block_class sio_class;

/* For the boot ROM's services and the coprocessor port of the RP2350: GPIO 0 to 47 at once. */
uint64_t sio_gpio_out(const struct sio *sio);
uint64_t sio_gpio_oe(const struct sio *sio);
void sio_set_gpio(struct sio *sio, uint64_t out, uint64_t oe);

#endif
