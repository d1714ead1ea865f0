/* The I2C block as a target (slave): RP2040 datasheet 4.3.10.1, RP2350 datasheet 12.2.10.1.
 *
 * It listens to the edges of its selected pins, so that every transfer there plays out. SCL is held low while a byte is
 * wanted from an empty transmit FIFO (RD_REQ), and after a byte when the receive FIFO is full and
 * RX_FIFO_FULL_HLD_CTRL is set; without that bit the next byte is acknowledged and lost (RX_OVER).
 *
 * Not modelled: input and output overrides and OD, IE of the pins in this mode.
 *
 * Decided: a transfer of the block's own never addresses itself. Data left in the FIFO by an earlier read request is
 * flushed when the next one begins (ABRT_SLVFLUSH_TXFIFO). SCL rises IC_SDA_SETUP - 1 cycles after the byte came. */
#include "peripherals/onchip/i2c_private.h"

static void begin(struct i2c *i2c, bool read) {
    i2c->latched |= RAW(ACTIVITY) | (i2c->is_target ? RAW(RESTART_DET) : 0);
    i2c->is_target = true;
    i2c->sends = read;
    i2c->received = false;
    i2c->first_byte = true;
    if (read && i2c->tx.count) {
        i2c_flush(i2c, SOURCE(ABRT_SLVFLUSH_TXFIFO));
    }
}

static bool is_own_address(struct i2c *i2c, uint8_t address, bool read) {
    const uint32_t *values = i2c->block.values;
    uint32_t own = values[I2C_IC_SAR];
    i2c->wants_address2 = false;
    if (!(values[I2C_IC_CON] & I2C_IC_CON_IC_10BITADDR_SLAVE)) {
        return address == (own & 0x7f);
    }
    bool matches = address == (TEN_BITS_FIRST | (own >> 8 & 3));
    i2c->wants_address2 = matches && !read;
    return matches && (!read || i2c->ten_matched);
}

static bool target_start(struct i2c_target *target, uint8_t address, bool read) {
    struct i2c *i2c = target->owner;
    bool general = address == 0 && !read && i2c->block.values[I2C_IC_ACK_GENERAL_CALL];
    bool own = address != 0 && is_own_address(i2c, address, read);
    if (i2c->state != I2C_IDLE || !(general || own)) {
        i2c->is_target = false;
        return false;
    }
    i2c->general = general;
    i2c->latched |= general ? RAW(GEN_CALL) : 0;
    if (!i2c->wants_address2) {
        begin(i2c, read);
    }
    i2c_update(i2c);
    return true;
}

static bool take_address2(struct i2c *i2c, uint8_t byte) {
    i2c->wants_address2 = false;
    i2c->ten_matched = byte == (i2c->block.values[I2C_IC_SAR] & 0xff);
    if (i2c->ten_matched) {
        begin(i2c, false);
    }
    return i2c->ten_matched;
}

static bool target_write(struct i2c_target *target, uint8_t byte) {
    struct i2c *i2c = target->owner;
    bool acknowledges = true;
    if (i2c->wants_address2) {
        acknowledges = take_address2(i2c, byte);
    } else if (i2c->block.values[I2C_IC_SLV_DATA_NACK_ONLY] & I2C_IC_SLV_DATA_NACK_ONLY_NACK) {
        acknowledges = false;
    } else {
        i2c->received = true;
        i2c_store(i2c, byte);
    }
    i2c_update(i2c);
    return acknowledges;
}

static bool target_ready(struct i2c_target *target) {
    struct i2c *i2c = target->owner;
    if (i2c->is_target && i2c->sends) {
        i2c->latched |= i2c->tx.count ? 0 : RAW(RD_REQ);
        i2c_update(i2c);
        return i2c->tx.count;
    }
    bool holds = i2c->block.values[I2C_IC_CON] & I2C_IC_CON_RX_FIFO_FULL_HLD_CTRL;
    return !(holds && i2c->rx.count == I2C_FIFO_DEPTH);
}

static uint8_t target_read(struct i2c_target *target) {
    struct i2c *i2c = target->owner;
    uint8_t byte = i2c->tx.count ? (uint8_t)i2c_pop(&i2c->tx) : 0xff;
    i2c_update(i2c);
    return byte;
}

static void target_refused(struct i2c_target *target) {
    struct i2c *i2c = target->owner;
    i2c->latched |= RAW(RX_DONE);
    i2c_update(i2c);
}

static void target_lost(struct i2c_target *target) {
    struct i2c *i2c = target->owner;
    i2c_flush(i2c, SOURCE(ABRT_SLV_ARBLOST) | SOURCE(ARB_LOST));
    i2c_update(i2c);
}

static void target_stop(struct i2c_target *target) {
    struct i2c *i2c = target->owner;
    bool tells = i2c->block.values[I2C_IC_CON] & I2C_IC_CON_STOP_DET_IFADDRESSED;
    if (tells && i2c->is_target && !i2c->general) {
        i2c->latched |= RAW(STOP_DET);
    }
    i2c->is_target = i2c->ten_matched = i2c->wants_address2 = false;
    i2c_update(i2c);
}

static void setup_due(struct event *event, uint64_t late_ps) {
    struct i2c *i2c = event->owner;
    i2c_target_release(&i2c->target);
}

void i2c_target_resume(struct i2c *i2c) {
    bool full = i2c->rx.count == I2C_FIFO_DEPTH;
    if (!i2c->attached || i2c->setup.pending || (i2c->sends ? !i2c->tx.count : full)) {
        return;
    }
    if (!i2c_target_go_on(&i2c->target)) {
        return;
    }
    uint32_t cycles = i2c->sends ? i2c->block.values[I2C_IC_SDA_SETUP] : 1;
    uint64_t now = clock_cycles_at(i2c->clk_sys, scheduler_now(i2c->block.env->scheduler));
    uint64_t when = clock_time_of(i2c->clk_sys, now + (cycles > 1 ? cycles - 1 : 1));
    if (when != TIME_NEVER) {
        scheduler_add(i2c->block.env->scheduler, &i2c->setup, when);
    }
}

static void leave(struct i2c *i2c) {
    scheduler_cancel(i2c->block.env->scheduler, &i2c->setup);
    i2c_target_detach(&i2c->target);
    i2c->attached = i2c->is_target = i2c->ten_matched = i2c->wants_address2 = false;
}

void i2c_target_update(struct i2c *i2c) {
    const uint32_t *values = i2c->block.values;
    bool on = i2c_is_enabled(i2c) && !(values[I2C_IC_CON] & I2C_IC_CON_IC_SLAVE_DISABLE);
    struct net *scl = on ? i2c_selected_net(i2c, i2c->scl_pins) : NULL;
    struct net *sda = on ? i2c_selected_net(i2c, i2c->sda_pins) : NULL;
    on = scl && sda;
    if (i2c->attached && (!on || i2c->target.scl != scl || i2c->target.sda != sda)) {
        leave(i2c);
    }
    if (on && !i2c->attached) {
        i2c->target.scl = scl;
        i2c->target.sda = sda;
        i2c_target_attach(&i2c->target);
        i2c->attached = true;
    }
}

void i2c_target_init(struct i2c *i2c) {
    i2c->setup = (struct event){ .name = "i2c set-up", .callback = setup_due, .owner = i2c };
    i2c->target = (struct i2c_target){
        .start = target_start,
        .write = target_write,
        .read = target_read,
        .stop = target_stop,
        .ready = target_ready,
        .refused = target_refused,
        .lost = target_lost,
        .owner = i2c,
    };
}

/* ---- Snapshots ---- */
/* Reading: listen at the nets that it listened at. (Nets take no notice of that while a snapshot is read.) */
static void attachment_walk(struct i2c *i2c, struct walk *walk) {
    struct net *scl = i2c->attached ? i2c->target.scl : NULL, *sda = i2c->attached ? i2c->target.sda : NULL;
    gpio_net_walk(i2c->gpio, &scl, walk);
    gpio_net_walk(i2c->gpio, &sda, walk);
    if (!walk->reads) {
        return;
    }
    if (i2c->attached) {
        leave(i2c);
    }
    if (scl && sda) {
        i2c->target.scl = scl;
        i2c->target.sda = sda;
        i2c_target_attach(&i2c->target);
        i2c->attached = true;
    }
}

void i2c_target_side_walk(struct i2c *i2c, struct walk *walk) {
    attachment_walk(i2c, walk);
    i2c_target_walk(&i2c->target, walk);
    walk_bool(walk, &i2c->is_target);
    walk_bool(walk, &i2c->sends);
    walk_bool(walk, &i2c->general);
    walk_bool(walk, &i2c->received);
    walk_bool(walk, &i2c->wants_address2);
    walk_bool(walk, &i2c->ten_matched);
    walk_event(walk, &i2c->setup);
}
