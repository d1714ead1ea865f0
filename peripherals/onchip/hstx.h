/* HSTX: the high-speed serial transmitter of the RP2350. Two blocks: HSTX_CTRL, and the FIFO on the fast bus. */
#ifndef ONCHIP_HSTX_H
#define ONCHIP_HSTX_H

#include "emulator/core/block.h"
#include "emulator/core/dvi.h"
#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/registers/hstx_ctrl.h"
#include "peripherals/onchip/registers/hstx_fifo.h"

#define HSTX_FIFO 8u
#define HSTX_PINS 8u
#define HSTX_MONITORS 2u
#define HSTX_COMMANDS 16        /* their numbers */
#define HSTX_MOST_WORDS 0x0fffu /* of a command that ends */
#define HSTX_BALANCES 32        /* of ones over zeros, halved: -16 to 15 */

/* A pixel's symbol by the balance before it, and the balance behind. */
struct hstx_code {
    uint16_t symbol;
    int8_t balance;
};

/* Between the FIFO and the output shift register. */
struct hstx_expander {
    unsigned command;
    uint32_t left; /* words that the command still gives */
    bool endless;  /* a length of 0 */
    bool has_data;
    uint32_t data;
    unsigned shifts_left; /* of the data word */
    int8_t balance[DVI_LANES];
};

/* How a pin takes its ten bits from a word: from bit `start` on upwards. */
struct hstx_lane {
    uint8_t start;
    bool inverted;
};

struct hstx_monitor {
    struct dvi_target *target;
    struct hstx_lane lanes[DVI_LANES];
};

struct hstx {
    struct block block; /* HSTX_CTRL */
    /* Wired by the chip table before block_start(). */
    struct clock_domain *clk_hstx;
    struct gpio_bank *gpio; /* NULL: no pins */
    unsigned function;
    unsigned first_pin; /* GPIO of output bit 0 */
    struct line dreq;

    uint32_t fifo[HSTX_FIFO];
    unsigned first, level;
    bool overflow;
    bool asks; /* for more: see the head of hstx.c */
    struct hstx_expander expander;

    uint32_t word;         /* in the output shift register, as it was loaded */
    uint64_t word_cycle;   /* of clk_hstx in which its first bits went out */
    uint64_t next_cycle;   /* in which the next one is due */
    uint64_t clock_shifts; /* of the generated clock before word_cycle */
    bool starved;          /* there was no next one: everything stands */
    uint64_t resume_cycle; /* in which a word that has come in meanwhile goes out; 0: none has */

    bool wiring_changed; /* the following are out of date */
    bool watched;        /* somebody wants the edges */
    struct hstx_monitor monitors[HSTX_MONITORS];
    unsigned monitor_count;

    struct hstx_code *codes; /* of all pixels and balances; owned; made when first needed */
    struct event event;
    struct clock_listener clock_listener;
    struct gpio_listener pin_listener;
    struct gpio_laggard laggard;
};

struct hstx_fifo {
    struct block block;
    struct hstx *hstx; /* wired by the chip table */
};

extern const struct block_class hstx_class;
extern const struct block_class hstx_fifo_class;

/* ---- hstx_expander.c ---- */
void hstx_expander_reset(struct hstx_expander *expander);
/* The next word for the output shift register, and how often in a row it comes, `most` (1 or more) times at the
 * outside. 0: the FIFO has run dry. */
uint32_t hstx_next_word(struct hstx *hstx, uint32_t most, uint32_t *ret_word);
/* Words until `pops` more entries have left the FIFO, which holds so many; fewer where a command ends before. */
uint32_t hstx_words_until(const struct hstx *hstx, unsigned pops);
/* An entry leaves the FIFO; false: there is none. */
bool hstx_pop(struct hstx *hstx, uint32_t *ret_word);

#endif
