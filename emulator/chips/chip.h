/* A chip as data: what its datasheet prints as the address map and the interrupt table, and the few functions that
 * tie its blocks to each other. Only files in this folder know which blocks a chip has. */
#ifndef CHIPS_CHIP_H
#define CHIPS_CHIP_H

#include "emulator/core/block.h"
#include "emulator/core/bus.h"
#include "emulator/core/error.h"
#include "emulator/cpu/core.h"

#define CHIP_CORES 2
#define CHIP_BLOCKS 64
#define CHIP_WINDOWS 8

struct machine;

/* A line of the address map. Interrupt line k of the block goes to irq[k] of every core; `per_core`: line k goes to
 * core k modulo their number alone. */
struct block_at {
    const char *name;
    uint32_t base;
    const struct block_class *class;
    const struct register_table *registers;
    uint8_t irqs;
    uint8_t irq[BLOCK_IRQS];
    bool per_core;
    bool no_aliases;
    bool resettable; /* has a bit in RESETS: */
    uint8_t reset;
};

/* Such a line for the chip whose register tables have this prefix. */
#define BLOCK_AT(CHIP, NAME, BASE, CLASS, TABLE, ...)                                                                  \
    { .name = NAME, .base = BASE, .class = &CLASS##_class, .registers = &CHIP##_##TABLE##_registers, __VA_ARGS__ }
#define IRQ(COUNT, ...) .irqs = COUNT, .irq = { __VA_ARGS__ }
#define RESET(BIT) .resettable = true, .reset = BIT

/* Pins that carry a signal, a bit each; the functions are the same on all chips (SPI 1, UART 2, I2C 3). */
struct uart_at {
    const char *name;
    uint64_t tx, rx, cts, rts;
    uint64_t aux_tx, aux_rx; /* where a second function is the same signal */
};
struct spi_at {
    const char *name;
    uint64_t rx, cs, sck, tx;
};
struct i2c_at {
    const char *name;
    uint64_t sda, scl;
};
/* A DMA request: a struct line at this offset of a block. */
struct dreq_at {
    const char *block;
    size_t line;
    unsigned number;
};
/* What a stage of the power-on state machine resets. */
struct stage_at {
    unsigned bit;
    const char *block;
};

/* Every fourth pin from `first` on, `count` of them. */
#define EVERY_FOURTH(first, count) ((UINT64_C(0x1111111111111111) & ((UINT64_C(1) << 4 * (count)) - 1)) << (first))

struct gpio_bank_desc;
struct sio_variant;
struct dma_variant;
struct pio_variant;
struct clocks_desc;
struct rosc_desc;

struct chip_desc {
    const char *name;
    enum core_model model;
    const struct block_at *map;
    unsigned blocks;
    uint32_t rom_size;
    uint32_t sram_base, sram_size;
    uint32_t ioport_base, ioport_size; /* the cores' single-cycle port, where SIO is */
    uint32_t divider;                  /* of SIO: address of DIV_UDIVIDEND; 0: there is none */
    uint32_t xip[CHIP_WINDOWS];        /* bases of the windows onto the flash; 0 ends the list */
    uint64_t crystal_hz;
    uint32_t chip_id; /* of SYSINFO */
    uint32_t package; /* of SYSINFO too, where it has it */
    const struct gpio_bank_desc *bank0, *qspi;
    const struct sio_variant *sio;
    const struct dma_variant *dma;
    const struct pio_variant *pio;
    const struct clocks_desc *clocks;
    const struct rosc_desc *rosc;
    const struct uart_at *uarts; /* two of each */
    unsigned uart_aux_function;  /* 0: there is none */
    const struct spi_at *spis;
    const struct i2c_at *i2cs;
    uint8_t bus_events[BUS_SEGMENTS]; /* PERFSEL of accesses to APB and FASTPERI */
    const struct dreq_at *dreqs;
    unsigned dreq_count;
    uint64_t pulse_dreqs; /* those that come as pulses, a bit each */
    const struct stage_at *stages;
    unsigned stage_count;
    unsigned psm_proc0;                     /* bit of core 0; core 1 follows */
    unsigned adc_inputs, adc_fifo, adc_pin; /* GPIO of input 0 */
    bool has_second_select;                 /* behind each window onto the flash one onto a second memory */
    uint32_t state_size;                    /* of machine->chip_state */
    /* Blocks exist: connect them. */
    bool (*wire)(struct machine *machine, struct error *error);
    /* Blocks have been initialised: add the memory that they bring (cache as SRAM). */
    bool (*map_memory)(struct machine *machine);
    /* Reset what machine->reset_cause resets and start the cores in the boot ROM. */
    void (*reset)(struct machine *machine);
    /* The core voltage below which the brown-out detector resets the chip; 0: it is off. */
    double (*brown_out_volts)(struct machine *machine);
    /* No core runs; called each time before the machine goes on to the next event. May be NULL. */
    void (*cores_halted)(struct machine *machine);
    /* A core has been started in the boot ROM. May be NULL. */
    void (*core_started)(struct machine *machine, struct core *core);
    /* Coprocessor 0 of the cores, as struct core_gpio wants it; the context is the machine. NULL: there is none. */
    uint64_t (*gpio_read)(void *machine, enum core_gpio_register reg);
    void (*gpio_write)(void *machine, enum core_gpio_register reg, uint64_t value);
    /* State that is in no block, in a snapshot. */
    void (*walk)(struct machine *machine, struct walk *walk);
    /* A boot ROM service, as struct core_desc wants it; the context is the machine. */
    uint32_t (*rom_call)(void *machine, struct core *core, unsigned number);
};

#endif
