/* The I2C controller's edges: NXP UM10204, times as RP2040 datasheet 4.3.14.
 *
 * In each period SDA moves SDA_TX_HOLD cycles after SCL has fallen, SCL rises when the low time is over, SDA is read in
 * the middle of the high time. A target that holds SCL low delays the high time; another controller that pulls it low
 * ends it early. A one on SDA that reads as zero loses the arbitration.
 *
 * Not modelled: arbitration during acknowledge bits, START and STOP. */
#include "peripherals/onchip/i2c_private.h"

enum quarter { SDA_MOVES, SCL_RISES, SDA_IS_READ, SCL_FALLS };

bool i2c_is_watched(const struct i2c *i2c) {
    uint64_t pins = i2c->gpio ? (i2c->sda_pins | i2c->scl_pins) & i2c->gpio->selected[i2c->function] : 0;
    return i2c->scl && i2c->sda && gpio_any_watched(i2c->gpio, pins);
}

void i2c_drive(struct i2c *i2c, bool sda, bool scl) {
    uint64_t low = (sda ? 0 : i2c->sda_pins) | (scl ? 0 : i2c->scl_pins);
    i2c->sda_low = !sda;
    i2c->scl_low = !scl;
    gpio_function_outputs(i2c->gpio, i2c->function, i2c->sda_pins | i2c->scl_pins, 0, low);
}

/* The byte that the controller puts on SDA; ones where it listens. */
static unsigned byte_out(const struct i2c *i2c) {
    switch (i2c->state) {
    case I2C_ADDRESS:
        return (unsigned)i2c_first_address(i2c) << 1 | i2c_first_reads(i2c);
    case I2C_ADDRESS2:
        return i2c->block.values[I2C_IC_TAR] & 0xff;
    default:
        return i2c->command & CMD ? 0xff : i2c->command & 0xff;
    }
}

static bool bit_out(const struct i2c *i2c) {
    if (i2c->state == I2C_ACK) {
        bool ours = i2c->sent == I2C_BYTE && i2c->command & CMD;
        return !(ours && i2c->acknowledged);
    }
    return byte_out(i2c) >> (7 - i2c->quarter / 4) & 1;
}

/* False: the arbitration is lost. */
static bool read_bit(struct i2c *i2c) {
    bool level = net_is_high(i2c->sda);
    bool speaks =
        i2c->state == I2C_ADDRESS || i2c->state == I2C_ADDRESS2 || (i2c->state == I2C_BYTE && !(i2c->command & CMD));
    i2c->sampled = (uint16_t)(i2c->sampled << 1 | level);
    return level || !speaks || !bit_out(i2c);
}

/* START moves SDA down while SCL is high, STOP up; before that SDA gets where it has to come from. */
static bool play_sda(struct i2c *i2c) {
    bool scl = !i2c->scl_low;
    switch (i2c->quarter % 4) {
    case SDA_MOVES:
        i2c_drive(i2c, i2c->state == I2C_START || (i2c->state != I2C_STOP && bit_out(i2c)), scl);
        return true;
    case SDA_IS_READ:
        if (i2c->state == I2C_START || i2c->state == I2C_STOP) {
            i2c_drive(i2c, i2c->state == I2C_STOP, scl);
            return true;
        }
        return read_bit(i2c);
    default:
        return true;
    }
}

bool i2c_play(struct i2c *i2c, uint64_t now_ps) {
    enum quarter quarter = i2c->quarter % 4;
    bool on = play_sda(i2c);
    if (!on) {
        i2c_lose(i2c);
        i2c_update(i2c);
        return true;
    }
    i2c->quarter++;
    if (quarter == SCL_RISES || quarter == SCL_FALLS) {
        i2c_drive(i2c, !i2c->sda_low, quarter == SCL_RISES);
    }
    if (i2c->quarter >= i2c->quarters) {
        return false;
    }
    i2c->stretched = quarter == SCL_RISES && !net_is_high(i2c->scl);
    if (!i2c->stretched) {
        i2c_wait(i2c, i2c_phase(i2c, i2c->quarter), now_ps);
    }
    return true;
}

/* ---- What others do ---- */

/* SCL goes with the slowest low and the fastest high time of all. */
static void follow_scl(struct i2c *i2c, bool scl) {
    uint64_t now = scheduler_now(i2c->block.env->scheduler);
    if (i2c->stretched && scl) {
        i2c->stretched = false;
        i2c_wait(i2c, i2c_phase(i2c, SDA_IS_READ), now);
        return;
    }
    bool is_bit =
        i2c->state == I2C_ADDRESS || i2c->state == I2C_ADDRESS2 || i2c->state == I2C_BYTE || i2c->state == I2C_ACK;
    unsigned quarter = i2c->quarter % 4;
    if (!is_bit || scl || i2c->scl_low || i2c->stretched || (quarter != SDA_IS_READ && quarter != SCL_FALLS)) {
        return;
    }
    bool lost = quarter == SDA_IS_READ && !read_bit(i2c);
    if (lost) {
        scheduler_cancel(i2c->block.env->scheduler, &i2c->event);
        i2c_lose(i2c);
        i2c_update(i2c);
        return;
    }
    i2c->quarter += SCL_FALLS - quarter;
    i2c_wait(i2c, 0, now);
}

static void condition_seen(struct i2c *i2c, bool is_stop) {
    bool addressed_alone = i2c->block.values[I2C_IC_CON] & I2C_IC_CON_STOP_DET_IFADDRESSED;
    i2c->busy = !is_stop;
    if (!is_stop) {
        i2c->latched |= RAW(START_DET);
    } else if (!addressed_alone || i2c->block.values[I2C_IC_CON] & I2C_IC_CON_IC_SLAVE_DISABLE) {
        i2c->latched |= RAW(STOP_DET);
    }
    i2c_update(i2c);
}

void i2c_wire_changed(struct i2c *i2c) {
    /* The nets, not the inputs: a target that answers to an edge of SCL may be told of it before this block is. */
    const struct net *nets[2] = { i2c_selected_net(i2c, i2c->sda_pins), i2c_selected_net(i2c, i2c->scl_pins) };
    bool sda = nets[0] && net_is_high(nets[0]), scl = nets[1] && net_is_high(nets[1]);
    bool sda_moved = sda != i2c->lines_were[0], scl_moved = scl != i2c->lines_were[1];
    i2c->lines_were[0] = sda;
    i2c->lines_were[1] = scl;
    if (!i2c_is_enabled(i2c)) {
        return;
    }
    if (i2c->state != I2C_IDLE && i2c->on_wire && scl_moved) {
        follow_scl(i2c, scl);
    } else if (i2c->state == I2C_IDLE && sda_moved && !scl_moved && scl) {
        condition_seen(i2c, sda);
    }
}
