/* Clock generators: RP2040 datasheet 2.15, RP2350 datasheet 8.1. */
#ifndef ONCHIP_CLOCKS_H
#define ONCHIP_CLOCKS_H

#include "emulator/core/block.h"
#include "peripherals/onchip/registers/clocks.h"

/* Everything a multiplexer may select: sources from outside this block first, then what it generates. */
enum clock_id {
    CLOCK_NONE,
    CLOCK_ROSC,
    CLOCK_ROSC_PH,
    CLOCK_XOSC,
    CLOCK_LPOSC,
    CLOCK_PLL_SYS,
    CLOCK_PLL_USB,
    CLOCK_PLL_USB_OPCG, /* RP2350: the USB PLL's reference behind a gate */
    CLOCK_GPIN0,
    CLOCK_GPIN1,
    CLOCK_OTP_2FC,
    CLOCK_REF,
    CLOCK_SYS,
    CLOCK_PERI,
    CLOCK_HSTX,
    CLOCK_USB,
    CLOCK_ADC,
    CLOCK_RTC,
    CLOCK_GPOUT0,
    CLOCK_GPOUT1,
    CLOCK_GPOUT2,
    CLOCK_GPOUT3,
    CLOCK_IDS
};

/* One generator: where its registers are and how its multiplexers are wired. DIV and SELECTED follow CTRL. */
struct clock_generator {
    enum clock_id id;
    unsigned ctrl;      /* register number */
    uint8_t aux[16];    /* enum clock_id by AUXSRC */
    bool is_glitchless; /* has SRC and SELECTED; the others have ENABLE and KILL */
    uint8_t source[4];  /* enum clock_id by SRC; that of SRC 1 is the auxiliary multiplexer */
    bool is_undivided;  /* the SVD has a DIV all the same */
};

struct clocks_desc {
    const struct clock_generator *generators; /* each after those it may depend on */
    unsigned count;
    unsigned frac_bits;    /* of DIV */
    bool skips_one_to_two; /* no divisor lies between 1 and 2 */
    uint32_t zero_divides; /* what an integer part of 0 divides by; 0: the field's maximum + 1 */
    const uint8_t *fc0;    /* enum clock_id by FC0_SRC */
    unsigned fc0_count;
};
extern const struct clocks_desc rp2040_clocks, rp2350_clocks;

struct clocks {
    struct block block; /* irq[0]: CLOCKS_IRQ */
    /* Wired by the machine. */
    const struct clocks_desc *desc;
    /* The sources from outside, CLOCK_ROSC to CLOCK_OTP_2FC; NULL: absent. Those of the generators are filled in. */
    struct clock_domain *at[CLOCK_IDS];

    struct clock_domain generated[CLOCK_IDS]; /* CLOCK_REF and above */
    struct clock_listener listeners[CLOCK_IDS];
    struct event resus; /* clk_sys has stood still for the time-out */
    struct event fc0_done;
    uint64_t fc0_begin; /* cycle of the clock under test at which the window opened */
    bool resussed, updating, again;
};

extern const struct block_class clocks_class;

/* The domain of a generated clock; valid from block_create() on. */
static inline struct clock_domain *clocks_domain(struct clocks *clocks, enum clock_id id) {
    return &clocks->generated[id];
}

#endif
