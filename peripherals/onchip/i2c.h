/* I2C0 and I2C1 (Synopsys DW_apb_i2c). Bytes go to the targets (emulator/core/serial.h) on the nets of the selected
 * SDA and SCL pins; when somebody watches those pins a transfer plays out there edge by edge instead.
 * Lines: irq[0] the combined interrupt. */
#ifndef ONCHIP_I2C_H
#define ONCHIP_I2C_H

#include "peripherals/onchip/gpio.h"

#define I2C_FIFO_DEPTH 16

struct i2c_fifo {
    uint16_t items[I2C_FIFO_DEPTH];
    unsigned first;
    unsigned count;
};

/* What the controller is doing until its event. */
enum i2c_state {
    I2C_IDLE,
    I2C_ADDRESS,  /* START and the first byte */
    I2C_ADDRESS2, /* second byte of a 10-bit address */
    I2C_BYTE,
    I2C_HELD, /* between bytes, nothing to do: SCL is held low */
    I2C_STOP,
};

struct i2c {
    struct block block;
    /* Wiring */
    struct clock_domain *clk_sys;
    struct line dreq_tx;
    struct line dreq_rx;
    struct gpio_bank *gpio; /* NULL: no pins, nobody ever answers */
    unsigned function;      /* FUNCSEL of all its pins */
    uint64_t sda_pins;      /* a bit per pin that can be it */
    uint64_t scl_pins;

    struct i2c_fifo tx; /* commands as written to IC_DATA_CMD */
    struct i2c_fifo rx;
    enum i2c_state state;
    uint16_t command; /* being carried out */
    bool reading;     /* direction of the address sent last */
    bool again;       /* 10 bits: the address is repeated to turn round */
    bool first_byte;  /* the next byte read is the first of its transfer */
    bool flushed;     /* after an abort, until IC_CLR_TX_ABRT is read */
    bool disabling;   /* IC_ENABLE was cleared during a transfer */
    uint32_t latched; /* of IC_RAW_INTR_STAT */
    struct net *scl;  /* of the transfer in progress */
    struct net *sda;
    bool on_wire; /* the transfer in progress is played out */
    bool sda_low; /* what the pins are driven to */
    bool scl_low;
    unsigned quarter;  /* of an SCL period, from the state's beginning */
    unsigned quarters; /* that the state takes */
    uint16_t sampled;  /* bits of the byte, the acknowledge bit last */
    struct event event;
    struct clock_listener clock_listener;
    struct gpio_listener pin_listener;
};

extern const struct block_class i2c_class;

#endif
