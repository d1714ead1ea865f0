/* I2C (Synopsys DW_apb_i2c 2.01a) as a controller. RP2040 datasheet 4.3, RP2350 datasheet 12.2.
 *
 * A transfer on watched pins moves SDA and SCL at quarters of the SCL period, waits for a target that stretches SCL,
 * and takes acknowledge and data bits from the net of SDA.
 *
 * Not modelled: target mode (a stub line when it is switched on), arbitration, high-speed mode, the difference of high
 * and low time, SDA_HOLD and SDA_SETUP (they read back).
 *
 * Decided: a transfer does not begin while SCL or SDA is held low. A bus that is held between bytes stays held while
 * IC_ENABLE is switched off and on (the SDK does so between a write without STOP and the read that follows). Reading
 * from an empty FIFO gives 0 and RX_UNDER. A change of direction without a RESTART bit makes a repeated START. With
 * IC_RESTART_EN clear a repeated START becomes STOP and START, as far as one period goes. A byte read is not
 * acknowledged when it has STOP or when something else than another read follows it in the FIFO. */
#include "peripherals/onchip/i2c.h"
#include "emulator/core/serial.h"
#include "peripherals/onchip/registers/i2c.h"

#define CMD I2C_IC_DATA_CMD_CMD
#define STOP I2C_IC_DATA_CMD_STOP
#define RESTART I2C_IC_DATA_CMD_RESTART
#define FIRST I2C_IC_DATA_CMD_FIRST_DATA_BYTE
#define RAW(name) I2C_IC_RAW_INTR_STAT_##name
#define SOURCE(name) I2C_IC_TX_ABRT_SOURCE_##name
#define BYTE_PERIODS 9
#define TEN_BITS_FIRST 0x78 /* 11110xx, the first byte of a 10-bit address */

static struct i2c *i2c_of(struct block *block) {
    return (struct i2c *)block;
}

/* ---- FIFOs ---- */
static void push(struct i2c_fifo *fifo, uint16_t item) {
    fifo->items[(fifo->first + fifo->count++) % I2C_FIFO_DEPTH] = item;
}

static uint16_t pop(struct i2c_fifo *fifo) {
    uint16_t item = fifo->items[fifo->first];
    fifo->first = (fifo->first + 1) % I2C_FIFO_DEPTH;
    fifo->count--;
    return item;
}

/* ---- Outputs ---- */
static bool is_enabled(const struct i2c *i2c) {
    return i2c->block.values[I2C_IC_ENABLE] & I2C_IC_ENABLE_ENABLE;
}

/* A byte or condition is on the wires. */
static bool is_moving(const struct i2c *i2c) {
    return i2c->state != I2C_IDLE && i2c->state != I2C_HELD;
}

static uint32_t raw_interrupts(const struct i2c *i2c) {
    const uint32_t *values = i2c->block.values;
    uint32_t raw = i2c->latched;
    bool done = !(values[I2C_IC_CON] & I2C_IC_CON_TX_EMPTY_CTRL) || !is_moving(i2c);
    if (is_enabled(i2c) && done && i2c->tx.count <= values[I2C_IC_TX_TL]) {
        raw |= RAW(TX_EMPTY);
    }
    if (is_enabled(i2c) && i2c->rx.count > values[I2C_IC_RX_TL]) {
        raw |= RAW(RX_FULL);
    }
    return raw;
}

static void i2c_update(struct i2c *i2c) {
    const uint32_t *values = i2c->block.values;
    uint32_t dma = is_enabled(i2c) ? values[I2C_IC_DMA_CR] : 0;
    line_set(&i2c->block.irq[0], raw_interrupts(i2c) & values[I2C_IC_INTR_MASK]);
    line_set(&i2c->dreq_tx, dma & I2C_IC_DMA_CR_TDMAE && i2c->tx.count <= values[I2C_IC_DMA_TDLR] && !i2c->flushed);
    line_set(&i2c->dreq_rx, dma & I2C_IC_DMA_CR_RDMAE && i2c->rx.count > values[I2C_IC_DMA_RDLR]);
}

/* ---- Time ---- */

/* Cycles of clk_sys of one SCL period (datasheet 4.3.14.2). */
static uint64_t period(const struct i2c *i2c) {
    const uint32_t *values = i2c->block.values;
    bool standard = field_get(values[I2C_IC_CON], I2C_IC_CON_SPEED) == 1;
    uint64_t high = values[standard ? I2C_IC_SS_SCL_HCNT : I2C_IC_FS_SCL_HCNT];
    uint64_t low = values[standard ? I2C_IC_SS_SCL_LCNT : I2C_IC_FS_SCL_LCNT];
    return high + values[I2C_IC_FS_SPKLEN] + 7 + low + 1;
}

static void wait_quarters(struct i2c *i2c, unsigned quarters, uint64_t now_ps) {
    uint64_t cycles = clock_cycles_at(i2c->clk_sys, now_ps) + quarters * period(i2c) / 4;
    uint64_t when = clock_time_of(i2c->clk_sys, cycles);
    if (when != TIME_NEVER) {
        scheduler_add(i2c->block.env->scheduler, &i2c->event, when);
    }
}

static void enter(struct i2c *i2c, enum i2c_state state, unsigned periods, uint64_t now_ps) {
    i2c->state = state;
    i2c->quarter = 0;
    i2c->quarters = 4 * periods;
    i2c->sampled = 0;
    if (periods) {
        wait_quarters(i2c, i2c->on_wire ? 1 : i2c->quarters, now_ps);
    }
}

/* ---- The controller ---- */
static struct net *selected_net(const struct i2c *i2c, uint64_t pins) {
    uint64_t selected = i2c->gpio ? pins & i2c->gpio->selected[i2c->function] : 0;
    return selected ? &i2c->gpio->pins[__builtin_ctzll(selected)].net : NULL;
}

static bool is_watched(const struct i2c *i2c) {
    uint64_t pins = i2c->gpio ? (i2c->sda_pins | i2c->scl_pins) & i2c->gpio->selected[i2c->function] : 0;
    return i2c->scl && i2c->sda && gpio_any_watched(i2c->gpio, pins);
}

static bool is_bus_free(const struct i2c *i2c) {
    return (!i2c->scl || net_is_high(i2c->scl)) && (!i2c->sda || net_is_high(i2c->sda));
}

static bool has_ten_bits(const struct i2c *i2c) {
    uint32_t tar = i2c->block.values[I2C_IC_TAR];
    return i2c->block.values[I2C_IC_CON] & I2C_IC_CON_IC_10BITADDR_MASTER && !(tar & I2C_IC_TAR_SPECIAL);
}

/* The 7 bits of the first byte. */
static uint8_t first_address(const struct i2c *i2c) {
    uint32_t tar = i2c->block.values[I2C_IC_TAR];
    if (tar & I2C_IC_TAR_SPECIAL) { /* general call, or a START byte */
        return 0;
    }
    return has_ten_bits(i2c) ? (uint8_t)(TEN_BITS_FIRST | (tar >> 8 & 3)) : tar & 0x7f;
}

static bool may_start(const struct i2c *i2c) {
    uint32_t enable = i2c->block.values[I2C_IC_ENABLE];
    bool is_master = i2c->block.values[I2C_IC_CON] & I2C_IC_CON_MASTER_MODE;
    return is_enabled(i2c) && is_master && i2c->tx.count && !(enable & I2C_IC_ENABLE_TX_CMD_BLOCK);
}

static void start(struct i2c *i2c, bool repeated, uint64_t now_ps) {
    uint16_t next = i2c->tx.items[i2c->tx.first];
    i2c->reading = next & CMD;
    i2c->again = has_ten_bits(i2c) && i2c->reading && !repeated;
    i2c->first_byte = true;
    i2c->latched |= RAW(START_DET) | RAW(ACTIVITY) | (repeated ? RAW(RESTART_DET) : 0);
    enter(i2c, I2C_ADDRESS, 1 + BYTE_PERIODS, now_ps);
}

static void take_command(struct i2c *i2c, uint64_t now_ps) {
    if (!i2c->tx.count) { /* IC_ENABLE was cleared meanwhile */
        enter(i2c, I2C_STOP, 1, now_ps);
        return;
    }
    bool must_wait = i2c->block.values[I2C_IC_CON] & I2C_IC_CON_RX_FIFO_FULL_HLD_CTRL &&
                     i2c->tx.items[i2c->tx.first] & CMD && i2c->rx.count == I2C_FIFO_DEPTH;
    if (must_wait) {
        enter(i2c, I2C_HELD, 0, now_ps);
        return;
    }
    i2c->command = pop(&i2c->tx);
    enter(i2c, I2C_BYTE, BYTE_PERIODS, now_ps);
}

/* Begin what the FIFO asks for, from rest or between two bytes. */
static void go_on(struct i2c *i2c, uint64_t now_ps) {
    if (is_moving(i2c) || !may_start(i2c)) {
        return;
    }
    if (i2c->state == I2C_IDLE) {
        i2c->scl = selected_net(i2c, i2c->scl_pins);
        i2c->sda = selected_net(i2c, i2c->sda_pins);
        if (is_bus_free(i2c)) {
            i2c->on_wire = is_watched(i2c);
            start(i2c, false, now_ps);
        }
        return;
    }
    uint16_t next = i2c->tx.items[i2c->tx.first];
    bool turns = i2c->reading != !!(next & CMD);
    if (turns || (next & RESTART && i2c->block.values[I2C_IC_CON] & I2C_IC_CON_IC_RESTART_EN)) {
        start(i2c, true, now_ps);
    } else {
        take_command(i2c, now_ps);
    }
}

static void abort_transfer(struct i2c *i2c, uint32_t source, uint64_t now_ps) {
    uint32_t *reason = &i2c->block.values[I2C_IC_TX_ABRT_SOURCE];
    *reason = (*reason & ~SOURCE(TX_FLUSH_CNT)) | source;
    *reason = field_set(*reason, SOURCE(TX_FLUSH_CNT), i2c->tx.count);
    i2c->tx.count = 0;
    i2c->flushed = true;
    i2c->latched |= RAW(TX_ABRT);
    enter(i2c, I2C_STOP, 1, now_ps);
}

static void after_byte(struct i2c *i2c, uint64_t now_ps) {
    uint32_t *enable = &i2c->block.values[I2C_IC_ENABLE];
    if (*enable & I2C_IC_ENABLE_ABORT) {
        *enable &= ~I2C_IC_ENABLE_ABORT;
        abort_transfer(i2c, SOURCE(ABRT_USER_ABRT), now_ps);
    } else if (i2c->command & STOP || i2c->disabling) {
        enter(i2c, I2C_STOP, 1, now_ps);
    } else {
        enter(i2c, I2C_HELD, 0, now_ps);
        go_on(i2c, now_ps);
    }
}

/* ---- What the targets say: by the wires or by the byte ---- */
static bool said_acknowledge(const struct i2c *i2c) {
    return !(i2c->sampled & 1);
}

static bool bus_address(struct i2c *i2c, bool reads) {
    return i2c->on_wire ? said_acknowledge(i2c) : i2c_start(i2c->scl, i2c->sda, first_address(i2c), reads);
}

static bool bus_write(struct i2c *i2c, uint8_t byte) {
    return i2c->on_wire ? said_acknowledge(i2c) : i2c_write(i2c->scl, i2c->sda, byte);
}

static uint8_t bus_read(struct i2c *i2c) {
    return i2c->on_wire ? (uint8_t)(i2c->sampled >> 1) : i2c_read(i2c->scl, i2c->sda);
}

/* ---- The ends of the states ---- */
static void address_done(struct i2c *i2c, uint64_t now_ps) {
    bool ten_bits = has_ten_bits(i2c);
    bool special = i2c->block.values[I2C_IC_TAR] & I2C_IC_TAR_SPECIAL;
    bool reads = i2c->reading && !i2c->again;
    if (!bus_address(i2c, reads)) {
        uint32_t source = ten_bits ? SOURCE(ABRT_10ADDR1_NOACK) : SOURCE(ABRT_7B_ADDR_NOACK);
        abort_transfer(i2c, special ? SOURCE(ABRT_GCALL_NOACK) : source, now_ps);
    } else if (ten_bits && !reads) {
        enter(i2c, I2C_ADDRESS2, BYTE_PERIODS, now_ps);
    } else {
        take_command(i2c, now_ps);
    }
}

static void address2_done(struct i2c *i2c, uint64_t now_ps) {
    if (!bus_write(i2c, (uint8_t)i2c->block.values[I2C_IC_TAR])) {
        abort_transfer(i2c, SOURCE(ABRT_10ADDR2_NOACK), now_ps);
    } else if (i2c->again) {
        start(i2c, true, now_ps);
    } else {
        take_command(i2c, now_ps);
    }
}

static void store_byte(struct i2c *i2c, uint8_t byte) {
    if (i2c->rx.count == I2C_FIFO_DEPTH) {
        i2c->latched |= RAW(RX_OVER);
        return;
    }
    push(&i2c->rx, (uint16_t)(byte | (i2c->first_byte ? FIRST : 0)));
    i2c->first_byte = false;
}

static void byte_done(struct i2c *i2c, uint64_t now_ps) {
    if (i2c->command & CMD) {
        store_byte(i2c, bus_read(i2c));
    } else if (!bus_write(i2c, (uint8_t)i2c->command)) {
        abort_transfer(i2c, SOURCE(ABRT_TXDATA_NOACK), now_ps);
        return;
    }
    after_byte(i2c, now_ps);
}

static void stop_done(struct i2c *i2c, uint64_t now_ps) {
    if (!i2c->on_wire) {
        i2c_stop(i2c->scl, i2c->sda);
    }
    i2c->latched |= RAW(STOP_DET);
    i2c->state = I2C_IDLE;
    i2c->disabling = false;
    go_on(i2c, now_ps);
}

/* ---- Registers ---- */
static void write_data_command(struct i2c *i2c, uint32_t value) {
    if (!is_enabled(i2c) || i2c->flushed) {
        return;
    }
    if (i2c->tx.count == I2C_FIFO_DEPTH) {
        i2c->latched |= RAW(TX_OVER);
        return;
    }
    push(&i2c->tx, (uint16_t)(value & (CMD | STOP | RESTART | I2C_IC_DATA_CMD_DAT)));
}

static void write_enable(struct i2c *i2c, uint32_t old) {
    uint32_t enable = i2c->block.values[I2C_IC_ENABLE];
    uint32_t control = i2c->block.values[I2C_IC_CON];
    if (old & ~enable & I2C_IC_ENABLE_ENABLE) {
        i2c->tx.count = i2c->rx.count = 0;
        i2c->disabling = is_moving(i2c);
    }
    if (enable & I2C_IC_ENABLE_ABORT && !is_moving(i2c)) {
        i2c->block.values[I2C_IC_ENABLE] &= ~I2C_IC_ENABLE_ABORT;
        if (i2c->state == I2C_HELD) {
            abort_transfer(i2c, SOURCE(ABRT_USER_ABRT), scheduler_now(i2c->block.env->scheduler));
        }
    }
    if (enable & ~old & I2C_IC_ENABLE_ENABLE && !(control & I2C_IC_CON_IC_SLAVE_DISABLE)) {
        block_report_stub(&i2c->block, i2c->block.registers->descs[I2C_IC_CON].offset, true);
    }
}

static void i2c_write_register(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct i2c *i2c = i2c_of(block);
    switch (reg) {
    case I2C_IC_DATA_CMD:
        write_data_command(i2c, value);
        break;
    case I2C_IC_ENABLE:
        write_enable(i2c, old);
        break;
    }
    if (i2c->tx.count) {
        go_on(i2c, scheduler_now(block->env->scheduler));
    }
    i2c_update(i2c);
}

static uint32_t read_data(struct i2c *i2c) {
    if (!i2c->rx.count) {
        i2c->latched |= RAW(RX_UNDER);
        return 0;
    }
    uint32_t item = pop(&i2c->rx);
    go_on(i2c, scheduler_now(i2c->block.env->scheduler)); /* a full FIFO may have held the bus */
    return item;
}

static uint32_t status(const struct i2c *i2c) {
    bool active = i2c->state != I2C_IDLE;
    return (active ? I2C_IC_STATUS_ACTIVITY | I2C_IC_STATUS_MST_ACTIVITY : 0) |
           (i2c->tx.count < I2C_FIFO_DEPTH ? I2C_IC_STATUS_TFNF : 0) | (i2c->tx.count ? 0 : I2C_IC_STATUS_TFE) |
           (i2c->rx.count ? I2C_IC_STATUS_RFNE : 0) | (i2c->rx.count == I2C_FIFO_DEPTH ? I2C_IC_STATUS_RFF : 0);
}

/* The interrupts that reading one of the IC_CLR registers clears. */
static uint32_t cleared_by(unsigned reg) {
    switch (reg) {
    case I2C_IC_CLR_INTR:
        return UINT32_MAX;
    case I2C_IC_CLR_RX_UNDER:
        return RAW(RX_UNDER);
    case I2C_IC_CLR_RX_OVER:
        return RAW(RX_OVER);
    case I2C_IC_CLR_TX_OVER:
        return RAW(TX_OVER);
    case I2C_IC_CLR_RD_REQ:
        return RAW(RD_REQ);
    case I2C_IC_CLR_TX_ABRT:
        return RAW(TX_ABRT);
    case I2C_IC_CLR_RX_DONE:
        return RAW(RX_DONE);
    case I2C_IC_CLR_ACTIVITY:
        return RAW(ACTIVITY);
    case I2C_IC_CLR_STOP_DET:
        return RAW(STOP_DET);
    case I2C_IC_CLR_START_DET:
        return RAW(START_DET);
    case I2C_IC_CLR_GEN_CALL:
        return RAW(GEN_CALL);
    case I2C_IC_CLR_RESTART_DET:
        return RAW(RESTART_DET);
    default:
        return 0;
    }
}

static uint32_t clear(struct i2c *i2c, uint32_t interrupts) {
    bool had = i2c->latched & interrupts;
    if (i2c->state != I2C_IDLE) {
        interrupts &= ~RAW(ACTIVITY); /* goes with the activity alone */
    }
    i2c->latched &= ~interrupts;
    if (interrupts & RAW(TX_ABRT)) {
        i2c->block.values[I2C_IC_TX_ABRT_SOURCE] = 0;
        i2c->flushed = false;
    }
    return had;
}

static uint32_t i2c_read_register(struct block *block, unsigned reg) {
    struct i2c *i2c = i2c_of(block);
    uint32_t value = block->values[reg];
    uint32_t interrupts = cleared_by(reg);
    if (interrupts) {
        value = clear(i2c, interrupts);
        i2c_update(i2c);
        return value;
    }
    switch (reg) {
    case I2C_IC_DATA_CMD:
        value = read_data(i2c);
        i2c_update(i2c);
        return value;
    case I2C_IC_RAW_INTR_STAT:
        return raw_interrupts(i2c);
    case I2C_IC_INTR_STAT:
        return raw_interrupts(i2c) & block->values[I2C_IC_INTR_MASK];
    case I2C_IC_STATUS:
        return status(i2c);
    case I2C_IC_TXFLR:
        return i2c->tx.count;
    case I2C_IC_RXFLR:
        return i2c->rx.count;
    case I2C_IC_ENABLE_STATUS:
        return is_enabled(i2c) || i2c->disabling ? I2C_IC_ENABLE_STATUS_IC_EN : 0;
    default:
        return value;
    }
}

static uint64_t i2c_holds_until(struct block *block, unsigned reg) {
    return cleared_by(reg) || reg == I2C_IC_DATA_CMD ? 0 : TIME_NEVER;
}

/* ---- Events ---- */
static void state_done(struct i2c *i2c, uint64_t now_ps) {
    switch (i2c->state) {
    case I2C_ADDRESS:
        address_done(i2c, now_ps);
        break;
    case I2C_ADDRESS2:
        address2_done(i2c, now_ps);
        break;
    case I2C_BYTE:
        byte_done(i2c, now_ps);
        break;
    case I2C_STOP:
        stop_done(i2c, now_ps);
        break;
    default:
        break;
    }
}

/* ---- The wires, a quarter of a period at a time ---- */
static void drive(struct i2c *i2c, bool sda, bool scl) {
    uint64_t low = (sda ? 0 : i2c->sda_pins) | (scl ? 0 : i2c->scl_pins);
    i2c->sda_low = !sda;
    i2c->scl_low = !scl;
    gpio_function_outputs(i2c->gpio, i2c->function, i2c->sda_pins | i2c->scl_pins, 0, low);
}

/* The nine bits that the controller puts on SDA; ones where it listens. */
static unsigned bits_out(const struct i2c *i2c) {
    if (i2c->state == I2C_ADDRESS) {
        return (unsigned)first_address(i2c) << 2 | (i2c->reading && !i2c->again ? 2 : 0) | 1;
    }
    if (i2c->state == I2C_ADDRESS2) {
        return (i2c->block.values[I2C_IC_TAR] & 0xff) << 1 | 1;
    }
    if (!(i2c->command & CMD)) {
        return (i2c->command & 0xffu) << 1 | 1;
    }
    uint16_t next = i2c->tx.items[i2c->tx.first];
    bool goes_on = !i2c->tx.count || (next & CMD && !(next & RESTART));
    return 0x1fe | (goes_on && !(i2c->command & STOP) && !i2c->disabling ? 0 : 1);
}

/* START moves SDA down while SCL is high, STOP up; before that SDA gets where it has to come from. */
static void play_condition(struct i2c *i2c, unsigned quarter, bool is_stop) {
    switch (quarter) {
    case 0:
        drive(i2c, !is_stop, !i2c->scl_low);
        break;
    case 1:
        drive(i2c, !is_stop, true);
        break;
    case 2:
        drive(i2c, is_stop, true);
        break;
    default:
        drive(i2c, is_stop, is_stop);
    }
}

static void play_bit(struct i2c *i2c, unsigned quarter, unsigned bit) {
    switch (quarter) {
    case 0:
        drive(i2c, bits_out(i2c) >> (8 - bit) & 1, false);
        break;
    case 1:
        drive(i2c, !i2c->sda_low, true);
        break;
    case 2:
        i2c->sampled = (uint16_t)(i2c->sampled << 1 | net_is_high(i2c->sda));
        break;
    default:
        drive(i2c, !i2c->sda_low, false);
    }
}

static void play_quarter(struct i2c *i2c) {
    unsigned period = i2c->quarter / 4, quarter = i2c->quarter % 4;
    if (i2c->state == I2C_STOP) {
        play_condition(i2c, quarter, true);
    } else if (i2c->state == I2C_ADDRESS && period == 0) {
        play_condition(i2c, quarter, false);
    } else {
        play_bit(i2c, quarter, i2c->state == I2C_ADDRESS ? period - 1 : period);
    }
}

static void i2c_due(struct event *event, uint64_t late_ps) {
    struct i2c *i2c = event->owner;
    bool stretched = i2c->on_wire && !i2c->scl_low && i2c->quarter % 4 == 2 && !net_is_high(i2c->scl);
    if (i2c->on_wire && !stretched) {
        play_quarter(i2c);
        i2c->quarter++;
    }
    if (i2c->on_wire && i2c->quarter < i2c->quarters) {
        wait_quarters(i2c, 1, event->when_ps);
        return;
    }
    state_done(i2c, event->when_ps);
    i2c_update(i2c);
}

/* SCL and SDA may have become free. */
static void pins_changed(struct gpio_listener *listener, uint64_t pins) {
    struct i2c *i2c = listener->owner;
    if (i2c->state == I2C_IDLE && i2c->tx.count) {
        go_on(i2c, scheduler_now(i2c->block.env->scheduler));
        i2c_update(i2c);
    }
}

/* A clock that stood has started: the present step takes its time again. */
static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct i2c *i2c = listener->owner;
    if (is_moving(i2c) && !i2c->event.pending) {
        enter(i2c, i2c->state, BYTE_PERIODS, scheduler_now(i2c->block.env->scheduler));
    }
}

static void i2c_reset(struct block *block) {
    struct i2c *i2c = i2c_of(block);
    i2c->tx = i2c->rx = (struct i2c_fifo){ 0 };
    i2c->state = I2C_IDLE;
    i2c->flushed = i2c->disabling = i2c->on_wire = false;
    i2c->latched = 0;
    scheduler_cancel(block->env->scheduler, &i2c->event);
    if (i2c->gpio) {
        drive(i2c, true, true);
    }
    i2c_update(i2c);
}

static void i2c_init(struct block *block) {
    struct i2c *i2c = i2c_of(block);
    i2c->event = (struct event){ .name = "i2c", .callback = i2c_due, .owner = i2c };
    i2c->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = i2c };
    clock_listen(i2c->clk_sys, &i2c->clock_listener);
    if (i2c->gpio) {
        i2c->pin_listener = (struct gpio_listener){
            .changed = pins_changed,
            .owner = i2c,
            .pins = i2c->sda_pins | i2c->scl_pins,
        };
        gpio_listen(i2c->gpio, &i2c->pin_listener);
    }
}

const struct block_class i2c_class = {
    .name = "i2c",
    .size = sizeof(struct i2c),
    .init = i2c_init,
    .reset = i2c_reset,
    .read = i2c_read_register,
    .write = i2c_write_register,
    .holds_until = i2c_holds_until,
};
