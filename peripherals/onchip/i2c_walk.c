/* The state of the I2C controller, for snapshots: FIFOs, the transfer under way, the target side (i2c_target.c). */
#include "peripherals/onchip/i2c_private.h"

#define MOST_QUARTERS 32 /* of a state: eight bits */

static void i2c_fifo_walk(struct i2c_fifo *fifo, struct walk *walk) {
    walk_u16s(walk, fifo->items, I2C_FIFO_DEPTH);
    walk_below(walk, &fifo->first, I2C_FIFO_DEPTH);
    walk_below(walk, &fifo->count, I2C_FIFO_DEPTH + 1);
}

static void i2c_transfer_walk(struct i2c *i2c, struct walk *walk) {
    WALK_ENUM(walk, i2c->state, I2C_STOPPED + 1);
    WALK_ENUM(walk, i2c->sent, I2C_STOPPED + 1);
    walk_u16(walk, &i2c->command);
    walk_bool(walk, &i2c->reading);
    walk_bool(walk, &i2c->again);
    walk_bool(walk, &i2c->start_byte);
    walk_bool(walk, &i2c->first_byte);
    walk_bool(walk, &i2c->acknowledged);
    walk_bool(walk, &i2c->flushed);
    walk_bool(walk, &i2c->disabling);
    walk_bool(walk, &i2c->busy);
    walk_bools(walk, i2c->lines_were, 2);
    walk_u32(walk, &i2c->latched);
    gpio_net_walk(i2c->gpio, &i2c->scl, walk);
    gpio_net_walk(i2c->gpio, &i2c->sda, walk);
    walk_u8(walk, &i2c->answer);
    walk_bool(walk, &i2c->on_wire);
    walk_bool(walk, &i2c->sda_low);
    walk_bool(walk, &i2c->scl_low);
    walk_bool(walk, &i2c->stretched);
    walk_below(walk, &i2c->quarter, MOST_QUARTERS);
    walk_below(walk, &i2c->quarters, MOST_QUARTERS + 1);
    walk_u16(walk, &i2c->sampled);
    walk_u64(walk, &i2c->due);
    walk_event(walk, &i2c->event);
    if (i2c->on_wire && (!i2c->scl || !i2c->sda)) {
        walk_fail(walk, "a transfer on pins that are not there");
        i2c->on_wire = false;
    }
}

void i2c_walk(struct block *block, struct walk *walk) {
    struct i2c *i2c = (struct i2c *)block;
    i2c_fifo_walk(&i2c->tx, walk);
    i2c_fifo_walk(&i2c->rx, walk);
    line_walk(&i2c->dreq_tx, walk);
    line_walk(&i2c->dreq_rx, walk);
    i2c_transfer_walk(i2c, walk);
    i2c_target_side_walk(i2c, walk);
}
