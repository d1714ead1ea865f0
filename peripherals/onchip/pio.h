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

struct pio_fifo {
    uint32_t items[PIO_FIFO_DEPTH];
    unsigned first, count;
    unsigned depth; /* 0, 4 or 8 */
};

/* What a machine that does not go on waits for. */
enum pio_wait { PIO_RUNS, PIO_WAITS_TX, PIO_WAITS_RX, PIO_WAITS_PINS, PIO_WAITS_IRQ };

struct pio_machine {
    unsigned number;
    uint32_t x, y, osr, isr;
    unsigned osr_count, isr_count; /* bits shifted out and in */
    uint8_t pc;
    uint16_t instruction; /* to be executed out of order: SMn_INSTR, OUT EXEC, MOV EXEC */
    bool has_instruction;
    bool irq_raised; /* IRQ WAIT has set its flag */
    enum pio_wait wait;
    uint64_t due;   /* 1/256 cycles of clk_sys: its next instruction */
    uint64_t quiet; /* before this tick nobody outside notices it, if nothing changes from outside */
    struct pio_fifo tx, rx;
};

/* The inputs as they were before a change that has not yet come through the synchronisers. */
struct pio_input_change {
    uint64_t cycle; /* from this one on the new levels are seen */
    uint64_t before;
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
    struct pio *previous, *next; /* RP2350: for flags and machines of the neighbours; NULL: none */

    uint16_t memory[32];
    struct pio_machine machines[PIO_MACHINES];
    uint32_t out, oe; /* what the machines drive, from GPIOBASE on */
    uint32_t changed; /* of those, in this cycle */
    uint64_t cycle;   /* being executed, or the last one that was */
    bool running;
    uint32_t foreseen; /* machines whose `quiet` is known, a bit each */
    struct pio_input_change changes[PIO_INPUT_CHANGES];
    unsigned first_change, change_count;
    uint64_t inputs; /* as last heard of */
    struct event event;
    struct clock_listener clock_listener;
    struct gpio_listener pin_listener;
};

extern const struct block_class pio_class;

#endif
