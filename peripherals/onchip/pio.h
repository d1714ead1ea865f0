/* PIO0 to PIO2: four state machines that share 32 instructions. Lines: irq[0], irq[1]. */
#ifndef ONCHIP_PIO_H
#define ONCHIP_PIO_H

#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/registers/pio.h"

#define PIO_MACHINES 4
#define PIO_FIFO_DEPTH 8
#define PIO_INPUT_CHANGES 32

/* What differs between the chips. */
struct pio_variant {
    unsigned version; /* DBG_CFGINFO.VERSION: 0 on the RP2040, 1 on the RP2350 */
    uint32_t status_sel, status_n;
    uint32_t irq_lines; /* of INTR */
};

extern const struct pio_variant rp2040_pio;
extern const struct pio_variant rp2350_pio;

/* Storage of a FIFO; where it begins and how much it holds is part of the machine's state. */
struct pio_fifo {
    uint32_t items[PIO_FIFO_DEPTH];
    unsigned depth; /* 0, 4 or 8 */
};

/* What the machines drive, a bit per pin from GPIOBASE on. */
struct pio_pins {
    uint32_t out, oe;
};

/* The settings of a machine, decoded from its registers. */
struct pio_settings {
    uint64_t divider;                       /* 1/256 cycles of clk_sys */
    uint32_t out_mask, set_mask, side_mask; /* the pins that each mapping reaches */
    uint32_t in_mask;                       /* of the mapped inputs, what IN_COUNT leaves */
    uint8_t out_base, set_base, side_base, in_base, jmp_pin;
    uint8_t side_bits; /* of the delay field, the enable bit among them */
    uint8_t side_pins;
    uint8_t wrap_top, wrap_bottom;
    uint8_t pull_threshold, push_threshold; /* 1 to 32 */
    uint8_t out_enable_bit;
    uint8_t status_select, status_n;
    bool side_optional, side_directions, inline_enable, sticky;
    bool autopull, autopush, out_right, in_right;
    bool put, get; /* RP2350: the receive FIFO is four registers */
};

/* What a machine that does not go on waits for. */
enum pio_wait { PIO_RUNS, PIO_WAITS_TX, PIO_WAITS_RX, PIO_WAITS_PINS, PIO_WAITS_IRQ };

/* OUT_STICKY: the last write to levels or directions, which is asserted over and over. */
enum pio_mapping { PIO_MAPPING_NONE, PIO_MAPPING_OUT, PIO_MAPPING_SET };
struct pio_latch {
    uint32_t value;
    uint8_t mapping;
};

/* All that the instructions of a machine change: a plain value, so that a copy can run ahead. */
struct pio_state {
    uint64_t due; /* 1/256 cycles of clk_sys: its next instruction, or the next of `delay` cycles before that */
    uint32_t x, y, osr, isr;
    struct pio_pins pins;      /* true of the pins that nobody else drives */
    uint32_t driven;           /* pins that the last instruction wrote to, also with what they were */
    struct pio_latch latch[2]; /* levels, directions */
    uint16_t instruction;      /* to be executed out of order: SMn_INSTR, OUT EXEC, MOV EXEC */
    uint8_t pc;
    uint8_t delay;                /* cycles of it that are not part of `due` */
    uint8_t osr_count, isr_count; /* bits shifted out and in */
    uint8_t tx_first, tx_count, rx_first, rx_count;
    uint8_t wait;  /* enum pio_wait */
    uint8_t debug; /* 1: the last instruction set TXSTALL, 2: RXSTALL */
    bool has_instruction;
    bool irq_raised; /* IRQ WAIT has set its flag */
    bool has_sample; /* IN has shifted and waits for room in the FIFO */
};

struct pio_machine {
    unsigned number;
    struct pio_settings settings;
    struct pio_state now;
    struct pio_state ahead; /* as it will be at `quiet`, if nothing changes from outside */
    uint64_t quiet;         /* cycle: before it nobody outside notices the machine */
    bool is_foreseen;       /* `ahead` and `quiet` hold */
    uint64_t first_tick;    /* as `due`: the divider's first tick since its setting has changed */
    bool forced;            /* an instruction stored to SMn_INSTR takes the place of the program's */
    bool forced_is_new;     /* it has not had a cycle since the store */
    bool forced_tried;      /* it stalls */
    uint64_t forced_at;     /* cycle of its next attempt */
    uint8_t retries;        /* enum pio_wait: why it stalls, while its side-set is against that of others; else 0 */
    uint32_t own;           /* pins that no other machine may write to */
    uint32_t inputs;        /* pins that its instructions look at */
    uint32_t special;       /* addresses of instructions that always concern others, a bit each */
    bool is_harmless;       /* all that others notice of its program is that it takes words */
    uint64_t word_due;      /* then: 1/256 cycles that at least lie between two words */
    bool reads_levels;      /* some instruction looks at how full the transmit FIFO is */
    uint8_t out_pc_bits;    /* n, when addresses 0 to 2^n - 1 are all `out pc, n`; 0: they are not */
    struct pio_fifo tx, rx;
};

/* The inputs as they were before a change that has not yet come through the synchronisers. */
struct pio_input_change {
    uint64_t cycle; /* from this one on the new levels are seen */
    uint64_t before;
};

/* Who fills the transmit FIFOs (DMA), for machines that take their words themselves. The address is TXF's. */
struct pio_feed {
    /* Words that can be taken without an end: the last one of a block is not among them. NULL: nobody does. */
    unsigned (*available)(void *context, unsigned dreq, uint32_t address);
    /* The next of them; false: not in this way. */
    bool (*take)(void *context, unsigned dreq, uint32_t address, uint32_t *ret_word);
    /* Leave so many of them out, of those that are available; false: not in this way. take() then does not fail. */
    bool (*skip)(void *context, unsigned dreq, uint32_t address, unsigned words);
    void *context;
};

struct pio {
    struct block block;
    /* Wiring */
    const struct pio_variant *variant;
    struct clock_domain *clk_sys;
    struct gpio_bank *gpio; /* NULL: no pins */
    unsigned function;      /* FUNCSEL of all its pins */
    struct line dreq_tx[PIO_MACHINES];
    struct line dreq_rx[PIO_MACHINES];
    struct pio_feed feed;
    uint32_t address;            /* on the bus */
    struct pio *after;           /* the next block of the chip, for the wiring; NULL: the last one */
    struct pio *previous, *next; /* RP2350: for flags and machines of the neighbours; NULL: none */

    uint16_t memory[32];
    struct pio_machine machines[PIO_MACHINES];
    struct pio_pins pins;  /* what the machines drive */
    struct pio_pins shown; /* what the bank of pins has been told */
    uint32_t hidden;       /* pins that nobody watches: the bank is told when it asks */
    bool is_planned;       /* `hidden` and the machines' `own` hold */
    bool has_harmless;     /* some machine is */
    bool has_sticky;       /* some machine has a latch */
    unsigned futile;       /* machines, a bit each, that have tried in vain and moved no pin since any did something */
    bool rests;         /* all of them: they wait until something changes, although side-sets are against each other */
    uint64_t assert_at; /* cycle in which latches are asserted anew though no machine executes */
    uint32_t flags_set, flags_cleared; /* in the present cycle */
    uint32_t last_set;                 /* flags set in the last cycle */
    uint64_t cycle;                    /* being executed, or the last one that was */
    uint64_t last_set_at;
    uint64_t next_cycle; /* the next in which somebody notices a machine; holds between calls from outside */
    uint32_t told;       /* raw interrupts as the lines know them */
    bool running;
    bool moved; /* something happened since everybody was told */
    struct pio_input_change changes[PIO_INPUT_CHANGES];
    unsigned first_change, change_count;
    uint64_t inputs; /* as last heard of */
    struct event event;
    struct clock_listener clock_listener;
    struct gpio_listener pin_listener;
    struct gpio_laggard laggard;
};

extern const struct block_class pio_class;

/* Before somebody looks at who feeds, and before `feed` gives other words than it would have given so far. */
void pio_look_at_feed(struct pio *pio, bool changes);

#endif
