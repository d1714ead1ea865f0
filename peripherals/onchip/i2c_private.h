/* Between the files of the I2C controller: i2c.c (registers, controller), i2c_wire.c (its edges), i2c_target.c,
 * i2c_walk.c. */
#ifndef ONCHIP_I2C_PRIVATE_H
#define ONCHIP_I2C_PRIVATE_H

#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/registers/i2c.h"

#define CMD I2C_IC_DATA_CMD_CMD
#define STOP I2C_IC_DATA_CMD_STOP
#define RESTART I2C_IC_DATA_CMD_RESTART
#define FIRST I2C_IC_DATA_CMD_FIRST_DATA_BYTE
#define RAW(name) I2C_IC_RAW_INTR_STAT_##name
#define SOURCE(name) I2C_IC_TX_ABRT_SOURCE_##name
#define TEN_BITS_FIRST 0x78 /* 11110xx, the first byte of a 10-bit address */

/* ---- i2c.c ---- */
void i2c_push(struct i2c_fifo *fifo, uint16_t item);
uint16_t i2c_pop(struct i2c_fifo *fifo);
bool i2c_is_enabled(const struct i2c *i2c);
/* The interrupt and the data requests follow the state. */
void i2c_update(struct i2c *i2c);
/* Empty the transmit FIFO and say why; the bus stays as it is. */
void i2c_flush(struct i2c *i2c, uint32_t source);
/* A byte has come in. */
void i2c_store(struct i2c *i2c, uint8_t byte);
/* The net of the pin that is SDA or SCL; NULL: none is selected. */
struct net *i2c_selected_net(const struct i2c *i2c, uint64_t pins);
/* The 7 bits of the first byte of a transfer, and its direction. */
uint8_t i2c_first_address(const struct i2c *i2c);
bool i2c_first_reads(const struct i2c *i2c);
/* Somebody else won the bus. */
void i2c_lose(struct i2c *i2c);
/* Cycles of clk_sys that a quarter (see struct i2c) takes, and the event after so many cycles from `now_ps`. */
uint64_t i2c_phase(const struct i2c *i2c, unsigned quarter);
void i2c_wait(struct i2c *i2c, uint64_t cycles, uint64_t now_ps);

/* ---- i2c_wire.c ---- */
bool i2c_is_watched(const struct i2c *i2c);
void i2c_drive(struct i2c *i2c, bool sda, bool scl);
/* Play the next quarter. False: the state ended with it, or the transfer with an arbitration lost. */
bool i2c_play(struct i2c *i2c, uint64_t now_ps);
/* SDA or SCL has changed: START and STOP of others, SCL that rises late or falls early. */
void i2c_wire_changed(struct i2c *i2c);

/* ---- i2c_target.c ---- */
void i2c_target_init(struct i2c *i2c);
/* Listen or not, as IC_ENABLE, IC_CON and the pins say. */
void i2c_target_update(struct i2c *i2c);
/* State of this side, for snapshots. */
void i2c_target_side_walk(struct i2c *i2c, struct walk *walk);
/* The FIFOs have changed: go on with a byte that the bus is held for. */
void i2c_target_resume(struct i2c *i2c);

/* ---- i2c_walk.c ---- */
void i2c_walk(struct block *block, struct walk *walk);

#endif
