/* I2C0 and I2C1 (Synopsys DW_apb_i2c). Bytes go to the targets (emulator/core/serial.h) on the nets of the selected
 * SDA and SCL pins; when somebody watches those pins a transfer plays out there edge by edge instead. As a target it
 * listens to the edges itself.
 * Lines: irq[0] the combined interrupt. */
#ifndef ONCHIP_I2C_H
#define ONCHIP_I2C_H

#include "emulator/core/serial.h"
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
    I2C_START,    /* or a repeated one */
    I2C_ADDRESS,  /* the eight bits of the first byte */
    I2C_ADDRESS2, /* of the second byte of a 10-bit address */
    I2C_BYTE,     /* of data */
    I2C_ACK,      /* the ninth bit */
    I2C_HELD_ACK, /* after eight bits read, while it is open whether more are wanted: SCL is held low */
    I2C_HELD,     /* between bytes, nothing to do: SCL is held low */
    I2C_STOP,     /* until SDA has risen */
    I2C_STOPPED,  /* the rest of the period */
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
    enum i2c_state sent; /* the byte that the acknowledge bit is for */
    uint16_t command;    /* being carried out */
    bool reading;        /* direction of the address sent last */
    bool again;          /* 10 bits: the address is repeated to turn round */
    bool start_byte;     /* the first byte is a START byte */
    bool first_byte;     /* the next byte read is the first of its transfer */
    bool acknowledged;   /* the byte, by us or by the target */
    bool flushed;        /* after an abort, until IC_CLR_TX_ABRT is read */
    bool disabling;      /* IC_ENABLE was cleared during a transfer */
    bool busy;           /* somebody else's transfer is on the wires */
    bool lines_were[2];  /* SDA, SCL */
    uint32_t latched;    /* of IC_RAW_INTR_STAT */
    struct net *scl;     /* of the transfer in progress */
    struct net *sda;
    uint8_t answer; /* the byte that is being read, when the transfer is not played out */
    bool on_wire;   /* the transfer in progress is played out */
    bool sda_low;   /* what the pins are driven to */
    bool scl_low;
    bool stretched;    /* SCL is let go but does not rise */
    unsigned quarter;  /* of an SCL period, from the state's beginning: SDA moves, SCL rises, SDA is read, SCL falls */
    unsigned quarters; /* that the state takes */
    uint16_t sampled;  /* bits read */
    uint64_t due;      /* cycle of clk_sys of the event */
    struct event event;
    struct clock_listener clock_listener;
    struct gpio_listener pin_listener;

    /* As a target */
    struct i2c_target target;
    bool attached;
    bool is_target;      /* addressed */
    bool sends;          /* to the controller */
    bool general;        /* by a general call */
    bool received;       /* at least a byte since it was addressed */
    bool wants_address2; /* the next byte is the lower part of a 10-bit address */
    bool ten_matched;    /* both parts were ours */
    struct event setup;  /* SDA has been stable long enough for SCL to rise */
};

extern const struct block_class i2c_class;

#endif
