/* I2C (Synopsys DW_apb_i2c 2.01a): registers and controller. RP2040 datasheet 4.3, RP2350 datasheet 12.2.
 *
 * A transfer on watched pins moves SDA and SCL (i2c_wire.c); any other one hands over whole bytes at the same times:
 * addresses and bytes to a target at the fall of SCL after the eighth bit, bytes from it when they begin.
 *
 * Not modelled: high-speed mode (these chips have none: SPEED reads back as fast), SDA_RX_HOLD (it reads back), rise
 * and fall times, the input filter but for the time it adds to the high phase.
 *
 * Decided: a transfer does not begin while SCL or SDA is held low or somebody else's transfer goes on. A bus that is
 * held between bytes stays held while IC_ENABLE is switched off and on (the SDK does so between a write without STOP
 * and the read that follows). Reading from an empty FIFO gives 0 and RX_UNDER. A change of direction without a RESTART
 * bit makes a repeated START, with IC_RESTART_EN clear STOP and START. A byte read is in the FIFO after its eighth bit;
 * then SCL is held until the next command or its own STOP tell whether it is acknowledged: when another read follows.
 * START, repeated START and STOP take one period. A general call that is to be read ends after its address. Registers
 * that may be set only while IC_ENABLE is 0 ignore writes at other times. */
#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/i2c_private.h"

#define GENERAL_CALL I2C_IC_TAR_SPECIAL
#define START_BYTE (I2C_IC_TAR_SPECIAL | I2C_IC_TAR_GC_OR_START)
#define DISCARD 0x8000 /* in `command`: nobody wants the byte that is read */

static struct i2c *i2c_of(struct block *block) {
    return (struct i2c *)block;
}

/* ---- FIFOs ---- */
void i2c_push(struct i2c_fifo *fifo, uint16_t item) {
    fifo->items[(fifo->first + fifo->count++) % I2C_FIFO_DEPTH] = item;
}

uint16_t i2c_pop(struct i2c_fifo *fifo) {
    uint16_t item = fifo->items[fifo->first];
    fifo->first = (fifo->first + 1) % I2C_FIFO_DEPTH;
    fifo->count--;
    return item;
}

/* ---- Outputs ---- */
bool i2c_is_enabled(const struct i2c *i2c) {
    return i2c->block.values[I2C_IC_ENABLE] & I2C_IC_ENABLE_ENABLE;
}

/* A byte or condition is on the wires. */
static bool is_moving(const struct i2c *i2c) {
    return i2c->state != I2C_IDLE && i2c->state != I2C_HELD && i2c->state != I2C_HELD_ACK;
}

static uint32_t raw_interrupts(const struct i2c *i2c) {
    const uint32_t *values = i2c->block.values;
    uint32_t raw = i2c->latched;
    bool done = !(values[I2C_IC_CON] & I2C_IC_CON_TX_EMPTY_CTRL) || !is_moving(i2c);
    bool is_empty = i2c_is_enabled(i2c) && done && i2c->tx.count <= values[I2C_IC_TX_TL];
    if (is_empty || i2c->disabling) {
        raw |= RAW(TX_EMPTY);
    }
    if (i2c_is_enabled(i2c) && i2c->rx.count > values[I2C_IC_RX_TL]) {
        raw |= RAW(RX_FULL);
    }
    return raw;
}

void i2c_update(struct i2c *i2c) {
    const uint32_t *values = i2c->block.values;
    uint32_t dma = i2c_is_enabled(i2c) ? values[I2C_IC_DMA_CR] : 0;
    line_set(&i2c->block.irq[0], raw_interrupts(i2c) & values[I2C_IC_INTR_MASK]);
    line_set(&i2c->dreq_tx, dma & I2C_IC_DMA_CR_TDMAE && i2c->tx.count <= values[I2C_IC_DMA_TDLR] && !i2c->flushed);
    line_set(&i2c->dreq_rx, dma & I2C_IC_DMA_CR_RDMAE && i2c->rx.count > values[I2C_IC_DMA_RDLR]);
}

/* ---- Time ---- */

/* Datasheet 4.3.14.2, 4.3.13: cycles of clk_sys. SDA moves SDA_TX_HOLD cycles after SCL has fallen. */
uint64_t i2c_phase(const struct i2c *i2c, unsigned quarter) {
    const uint32_t *values = i2c->block.values;
    bool standard = field_get(values[I2C_IC_CON], I2C_IC_CON_SPEED) == 1;
    uint64_t high = values[standard ? I2C_IC_SS_SCL_HCNT : I2C_IC_FS_SCL_HCNT] + values[I2C_IC_FS_SPKLEN] + 7;
    uint64_t low = values[standard ? I2C_IC_SS_SCL_LCNT : I2C_IC_FS_SCL_LCNT] + 1;
    uint64_t hold = values[I2C_IC_SDA_HOLD] & I2C_IC_SDA_HOLD_IC_SDA_TX_HOLD;
    hold = hold < 1 ? 1 : hold < low ? hold : low - 1;
    const uint64_t cycles[4] = { hold, low - hold, high / 2, high - high / 2 };
    return cycles[quarter % 4];
}

static uint64_t whole_state(const struct i2c *i2c) {
    uint64_t cycles = 0;
    for (unsigned quarter = 0; quarter < 4; quarter++) {
        unsigned first = i2c->state == I2C_STOPPED ? 3 : 0;
        bool belongs = i2c->quarters >= 4 || (quarter >= first && quarter < first + i2c->quarters);
        cycles += belongs ? i2c_phase(i2c, quarter) : 0;
    }
    return i2c->quarters > 4 ? cycles * (i2c->quarters / 4) : cycles;
}

static void schedule(struct i2c *i2c) {
    uint64_t when = clock_time_of(i2c->clk_sys, i2c->due);
    if (when != TIME_NEVER) {
        scheduler_add(i2c->block.env->scheduler, &i2c->event, when);
    } else {
        scheduler_cancel(i2c->block.env->scheduler, &i2c->event);
    }
}

void i2c_wait(struct i2c *i2c, uint64_t cycles, uint64_t now_ps) {
    i2c->due = clock_cycles_at(i2c->clk_sys, now_ps) + cycles;
    schedule(i2c);
}

static unsigned quarters_of(enum i2c_state state) {
    switch (state) {
    case I2C_START:
    case I2C_ACK:
        return 4;
    case I2C_ADDRESS:
    case I2C_ADDRESS2:
    case I2C_BYTE:
        return 32;
    case I2C_STOP:
        return 3;
    case I2C_STOPPED:
        return 1;
    default:
        return 0;
    }
}

static void enter(struct i2c *i2c, enum i2c_state state, uint64_t now_ps) {
    i2c->state = state;
    i2c->quarter = 0;
    i2c->quarters = quarters_of(state);
    i2c->sampled = 0;
    i2c->stretched = false;
    if (i2c->quarters) {
        unsigned first = state == I2C_STOPPED ? 3 : 0;
        i2c_wait(i2c, i2c->on_wire ? i2c_phase(i2c, first) : whole_state(i2c), now_ps);
    }
}

/* ---- The controller ---- */
struct net *i2c_selected_net(const struct i2c *i2c, uint64_t pins) {
    uint64_t selected = i2c->gpio ? pins & i2c->gpio->selected[i2c->function] : 0;
    return selected ? &i2c->gpio->pins[__builtin_ctzll(selected)].net : NULL;
}

static bool is_bus_free(const struct i2c *i2c) {
    return !i2c->busy && (!i2c->scl || net_is_high(i2c->scl)) && (!i2c->sda || net_is_high(i2c->sda));
}

/* General call or START byte, as IC_TAR says; 0: a plain address. */
static uint32_t special(const struct i2c *i2c) {
    uint32_t tar = i2c->block.values[I2C_IC_TAR] & START_BYTE;
    return tar & I2C_IC_TAR_SPECIAL ? tar : 0;
}

static bool has_ten_bits(const struct i2c *i2c) {
    return i2c->block.values[I2C_IC_CON] & I2C_IC_CON_IC_10BITADDR_MASTER && special(i2c) != GENERAL_CALL;
}

static bool may_restart(const struct i2c *i2c) {
    return i2c->block.values[I2C_IC_CON] & I2C_IC_CON_IC_RESTART_EN;
}

uint8_t i2c_first_address(const struct i2c *i2c) {
    uint32_t tar = i2c->block.values[I2C_IC_TAR];
    if (i2c->start_byte || special(i2c) == GENERAL_CALL) {
        return 0;
    }
    return has_ten_bits(i2c) ? (uint8_t)(TEN_BITS_FIRST | (tar >> 8 & 3)) : tar & 0x7f;
}

bool i2c_first_reads(const struct i2c *i2c) {
    return i2c->start_byte || (i2c->reading && !i2c->again && special(i2c) != GENERAL_CALL);
}

static bool may_start(const struct i2c *i2c) {
    uint32_t enable = i2c->block.values[I2C_IC_ENABLE];
    bool is_master = i2c->block.values[I2C_IC_CON] & I2C_IC_CON_MASTER_MODE;
    return i2c_is_enabled(i2c) && is_master && i2c->tx.count && !(enable & I2C_IC_ENABLE_TX_CMD_BLOCK);
}

void i2c_flush(struct i2c *i2c, uint32_t source) {
    uint32_t *reason = &i2c->block.values[I2C_IC_TX_ABRT_SOURCE];
    *reason = (*reason & ~SOURCE(TX_FLUSH_CNT)) | source;
    *reason = field_set(*reason, SOURCE(TX_FLUSH_CNT), i2c->tx.count);
    i2c->tx.count = 0;
    i2c->flushed = true;
    i2c->latched |= RAW(TX_ABRT);
}

static void abort_transfer(struct i2c *i2c, uint32_t source, uint64_t now_ps) {
    i2c_flush(i2c, source);
    enter(i2c, I2C_STOP, now_ps);
}

void i2c_lose(struct i2c *i2c) {
    i2c_drive(i2c, true, true);
    i2c_flush(i2c, SOURCE(ARB_LOST));
    i2c->state = I2C_IDLE;
    i2c->busy = true;
    i2c->disabling = false;
}

/* START, or a repeated one: START_DET tells of both. */
static void put_start(struct i2c *i2c, uint64_t now_ps) {
    i2c->latched |= RAW(START_DET) | RAW(ACTIVITY);
    enter(i2c, I2C_START, now_ps);
}

static void repeat_start(struct i2c *i2c, uint64_t now_ps) {
    uint16_t next = i2c->tx.items[i2c->tx.first];
    i2c->reading = next & CMD;
    i2c->first_byte = true;
    put_start(i2c, now_ps);
}

/* What cannot be done without a repeated START. */
static uint32_t needs_restart(const struct i2c *i2c) {
    return i2c->start_byte ? SOURCE(ABRT_SBYTE_NORSTRT) : i2c->again ? SOURCE(ABRT_10B_RD_NORSTRT) : 0;
}

static void start(struct i2c *i2c, uint64_t now_ps) {
    i2c->start_byte = special(i2c) == START_BYTE;
    i2c->reading = i2c->tx.items[i2c->tx.first] & CMD;
    i2c->again = has_ten_bits(i2c) && i2c->reading;
    i2c->first_byte = true;
    if (needs_restart(i2c) && !may_restart(i2c)) {
        i2c_flush(i2c, needs_restart(i2c));
        return;
    }
    put_start(i2c, now_ps);
}

/* A target that sends lets go of SDA only when a byte is not acknowledged: it is read, and STOP follows. */
static void read_to_the_end(struct i2c *i2c, uint64_t now_ps) {
    i2c->command = CMD | STOP | DISCARD;
    enter(i2c, I2C_BYTE, now_ps);
}

static void take_command(struct i2c *i2c, uint64_t now_ps) {
    bool ends = !i2c->tx.count || i2c->disabling; /* commands that have come since then are the next transfer's */
    if (ends && i2c->reading) {                   /* IC_ENABLE was cleared meanwhile */
        read_to_the_end(i2c, now_ps);
        return;
    }
    if (ends) {
        enter(i2c, I2C_STOP, now_ps);
        return;
    }
    if (i2c->tx.items[i2c->tx.first] & CMD && special(i2c) == GENERAL_CALL) {
        abort_transfer(i2c, SOURCE(ABRT_GCALL_READ), now_ps);
        return;
    }
    bool must_wait = i2c->block.values[I2C_IC_CON] & I2C_IC_CON_RX_FIFO_FULL_HLD_CTRL &&
                     i2c->tx.items[i2c->tx.first] & CMD && i2c->rx.count == I2C_FIFO_DEPTH;
    if (must_wait) {
        enter(i2c, I2C_HELD, now_ps);
        return;
    }
    i2c->command = i2c_pop(&i2c->tx);
    enter(i2c, I2C_BYTE, now_ps);
}

static void start_from_rest(struct i2c *i2c, uint64_t now_ps) {
    i2c->scl = i2c_selected_net(i2c, i2c->scl_pins);
    i2c->sda = i2c_selected_net(i2c, i2c->sda_pins);
    if (is_bus_free(i2c)) {
        i2c->on_wire = i2c_is_watched(i2c);
        start(i2c, now_ps);
    }
}

static bool is_last(const struct i2c *i2c) {
    return i2c->command & STOP || i2c->disabling || i2c->block.values[I2C_IC_ENABLE] & I2C_IC_ENABLE_ABORT;
}

/* A byte read is acknowledged when another read follows it. */
static bool wants_more(const struct i2c *i2c) {
    uint16_t next = i2c->tx.items[i2c->tx.first];
    return i2c->tx.count && next & CMD && !(next & RESTART) && !is_last(i2c);
}

/* Begin what the FIFO asks for, from rest or between two bytes. */
static void go_on(struct i2c *i2c, uint64_t now_ps) {
    if (is_moving(i2c) || !may_start(i2c)) {
        return;
    }
    if (i2c->state == I2C_IDLE) {
        start_from_rest(i2c, now_ps);
        return;
    }
    if (i2c->state == I2C_HELD_ACK) {
        i2c->acknowledged = wants_more(i2c);
        enter(i2c, I2C_ACK, now_ps);
        return;
    }
    uint16_t next = i2c->tx.items[i2c->tx.first];
    bool turns = i2c->reading != !!(next & CMD);
    if (!turns && !(next & RESTART)) {
        take_command(i2c, now_ps);
    } else if (may_restart(i2c)) {
        repeat_start(i2c, now_ps);
    } else {
        enter(i2c, I2C_STOP, now_ps);
    }
}

static void after_byte(struct i2c *i2c, uint64_t now_ps) {
    uint32_t *enable = &i2c->block.values[I2C_IC_ENABLE];
    if (is_last(i2c) && i2c->command & CMD && i2c->acknowledged) {
        read_to_the_end(i2c, now_ps);
    } else if (*enable & I2C_IC_ENABLE_ABORT) {
        *enable &= ~I2C_IC_ENABLE_ABORT;
        abort_transfer(i2c, SOURCE(ABRT_USER_ABRT), now_ps);
    } else if (i2c->command & STOP || i2c->disabling) {
        enter(i2c, I2C_STOP, now_ps);
    } else {
        enter(i2c, I2C_HELD, now_ps);
        go_on(i2c, now_ps);
    }
}

/* ---- The ends of the states ---- */

void i2c_store(struct i2c *i2c, uint8_t byte) {
    if (!i2c_is_enabled(i2c) || i2c->disabling) {
        return;
    }
    if (i2c->rx.count == I2C_FIFO_DEPTH) {
        i2c->latched |= RAW(RX_OVER);
        return;
    }
    i2c_push(&i2c->rx, (uint16_t)(byte | (i2c->first_byte ? FIRST : 0)));
    i2c->first_byte = false;
}

/* Eight bits are over. What the targets say comes by the byte here, or with the next bit by the wires. */
static void bits_done(struct i2c *i2c, uint64_t now_ps) {
    bool by_byte = !i2c->on_wire;
    i2c->sent = i2c->state;
    if (i2c->state == I2C_ADDRESS) {
        i2c->acknowledged = by_byte && i2c_start(i2c->scl, i2c->sda, i2c_first_address(i2c), i2c_first_reads(i2c));
    } else if (i2c->state == I2C_ADDRESS2) {
        i2c->acknowledged = by_byte && i2c_write(i2c->scl, i2c->sda, (uint8_t)i2c->block.values[I2C_IC_TAR]);
    } else if (i2c->command & CMD) {
        if (!(i2c->command & DISCARD)) {
            i2c_store(i2c, by_byte ? i2c->answer : (uint8_t)i2c->sampled);
        }
        i2c->acknowledged = wants_more(i2c);
        if (!i2c->tx.count && !is_last(i2c)) {
            enter(i2c, I2C_HELD_ACK, now_ps);
            return;
        }
    } else {
        i2c->acknowledged = by_byte && i2c_write(i2c->scl, i2c->sda, (uint8_t)i2c->command);
    }
    enter(i2c, I2C_ACK, now_ps);
}

static void start_byte_done(struct i2c *i2c, uint64_t now_ps) {
    i2c->start_byte = false;
    if (i2c->acknowledged) {
        abort_transfer(i2c, SOURCE(ABRT_SBYTE_ACKDET), now_ps);
    } else {
        put_start(i2c, now_ps);
    }
}

static void address_done(struct i2c *i2c, uint64_t now_ps) {
    bool ten_bits = has_ten_bits(i2c);
    if (i2c->start_byte) {
        start_byte_done(i2c, now_ps);
    } else if (!i2c->acknowledged) {
        uint32_t source = ten_bits ? SOURCE(ABRT_10ADDR1_NOACK) : SOURCE(ABRT_7B_ADDR_NOACK);
        abort_transfer(i2c, special(i2c) == GENERAL_CALL ? SOURCE(ABRT_GCALL_NOACK) : source, now_ps);
    } else if (ten_bits && !i2c_first_reads(i2c)) {
        enter(i2c, I2C_ADDRESS2, now_ps);
    } else {
        take_command(i2c, now_ps);
    }
}

static void address2_done(struct i2c *i2c, uint64_t now_ps) {
    if (!i2c->acknowledged) {
        abort_transfer(i2c, SOURCE(ABRT_10ADDR2_NOACK), now_ps);
    } else if (i2c->again) {
        i2c->again = false;
        put_start(i2c, now_ps);
    } else {
        take_command(i2c, now_ps);
    }
}

static void byte_done(struct i2c *i2c, uint64_t now_ps) {
    if (!(i2c->command & CMD) && !i2c->acknowledged) {
        abort_transfer(i2c, SOURCE(ABRT_TXDATA_NOACK), now_ps);
        return;
    }
    after_byte(i2c, now_ps);
}

/* The target gives the next byte when SCL falls after an acknowledge bit, wanted or not. */
static void ask_next(struct i2c *i2c) {
    bool turned = i2c->sent == I2C_ADDRESS && i2c_first_reads(i2c);
    bool more = i2c->sent == I2C_BYTE && i2c->command & CMD;
    if (!i2c->on_wire && i2c->acknowledged && (turned || more)) {
        i2c->answer = i2c_read(i2c->scl, i2c->sda);
    }
}

static void acknowledge_done(struct i2c *i2c, uint64_t now_ps) {
    bool listens = i2c->sent != I2C_BYTE || !(i2c->command & CMD);
    if (i2c->on_wire && listens) {
        i2c->acknowledged = !(i2c->sampled & 1);
    }
    ask_next(i2c);
    if (i2c->sent == I2C_ADDRESS) {
        address_done(i2c, now_ps);
    } else if (i2c->sent == I2C_ADDRESS2) {
        address2_done(i2c, now_ps);
    } else {
        byte_done(i2c, now_ps);
    }
}

/* What does not outlast being switched off, once everything is at rest. */
static void forget(struct i2c *i2c) {
    i2c->latched &= ~(RAW(RX_UNDER) | RAW(RX_OVER) | RAW(TX_OVER) | RAW(GEN_CALL) | RAW(ACTIVITY));
}

static void stop_done(struct i2c *i2c, uint64_t now_ps) {
    i2c->latched |= RAW(STOP_DET);
    i2c->state = I2C_IDLE;
    if (i2c->disabling) {
        forget(i2c);
    }
    i2c->disabling = false;
    go_on(i2c, now_ps);
}

/* ---- Registers ---- */
static bool is_target_mode(const struct i2c *i2c) {
    return !(i2c->block.values[I2C_IC_CON] & I2C_IC_CON_IC_SLAVE_DISABLE);
}

static void write_data_command(struct i2c *i2c, uint32_t value) {
    if (!i2c_is_enabled(i2c) || i2c->flushed) {
        return;
    }
    if (i2c->is_target && i2c->sends && value & CMD) {
        i2c_flush(i2c, SOURCE(ABRT_SLVRD_INTX));
    } else if (!(i2c->block.values[I2C_IC_CON] & I2C_IC_CON_MASTER_MODE) && !is_target_mode(i2c)) {
        i2c_flush(i2c, SOURCE(ABRT_MASTER_DIS));
    } else if (i2c->tx.count == I2C_FIFO_DEPTH) {
        i2c->latched |= RAW(TX_OVER);
    } else {
        i2c_push(&i2c->tx, (uint16_t)(value & (CMD | STOP | RESTART | I2C_IC_DATA_CMD_DAT)));
    }
}

/* IC_ENABLE_STATUS keeps what was lost until the next time it is switched on. */
static void disable(struct i2c *i2c) {
    uint32_t lost = i2c->is_target ? I2C_IC_ENABLE_STATUS_SLV_DISABLED_WHILE_BUSY : 0;
    lost |= i2c->is_target && i2c->received ? I2C_IC_ENABLE_STATUS_SLV_RX_DATA_LOST : 0;
    i2c->block.values[I2C_IC_ENABLE_STATUS] = lost;
    i2c->tx.count = i2c->rx.count = 0;
    i2c->disabling = is_moving(i2c);
    i2c->busy = false;
    if (!i2c->disabling) {
        forget(i2c);
    }
}

static void write_enable(struct i2c *i2c, uint32_t old) {
    uint32_t enable = i2c->block.values[I2C_IC_ENABLE];
    if (old & ~enable & I2C_IC_ENABLE_ENABLE) {
        disable(i2c);
    }
    if (enable & ~old & I2C_IC_ENABLE_ENABLE) {
        i2c->block.values[I2C_IC_ENABLE_STATUS] = 0;
    }
    if (enable & I2C_IC_ENABLE_ABORT && !is_moving(i2c)) {
        i2c->block.values[I2C_IC_ENABLE] &= ~I2C_IC_ENABLE_ABORT;
        if (i2c->state != I2C_IDLE) {
            abort_transfer(i2c, SOURCE(ABRT_USER_ABRT), scheduler_now(i2c->block.env->scheduler));
        }
    }
    i2c_target_update(i2c);
}

static bool is_fixed_while_enabled(unsigned reg) {
    switch (reg) {
    case I2C_IC_CON:
    case I2C_IC_TAR:
    case I2C_IC_SAR:
    case I2C_IC_SS_SCL_HCNT:
    case I2C_IC_SS_SCL_LCNT:
    case I2C_IC_FS_SCL_HCNT:
    case I2C_IC_FS_SCL_LCNT:
    case I2C_IC_FS_SPKLEN:
    case I2C_IC_SDA_HOLD:
    case I2C_IC_SDA_SETUP:
    case I2C_IC_ACK_GENERAL_CALL:
        return true;
    default:
        return false;
    }
}

static void at_least(uint32_t *value, uint32_t minimum) {
    *value = *value < minimum ? minimum : *value;
}

static void at_most(uint32_t *value, uint32_t maximum) {
    *value = *value > maximum ? maximum : *value;
}

/* The values that the chip makes of impossible ones. */
static void limit(struct i2c *i2c, unsigned reg) {
    uint32_t *value = &i2c->block.values[reg];
    switch (reg) {
    case I2C_IC_CON:
        if (field_get(*value, I2C_IC_CON_SPEED) % 3 == 0) {
            *value = field_set(*value, I2C_IC_CON_SPEED, 2);
        }
        break;
    case I2C_IC_SS_SCL_HCNT:
    case I2C_IC_FS_SCL_HCNT:
        at_least(value, 6);
        break;
    case I2C_IC_SS_SCL_LCNT:
    case I2C_IC_FS_SCL_LCNT:
        at_least(value, 8);
        break;
    case I2C_IC_FS_SPKLEN:
        at_least(value, 1);
        break;
    case I2C_IC_RX_TL:
        at_most(value, I2C_FIFO_DEPTH - 1);
        break;
    case I2C_IC_TX_TL:
        at_most(value, I2C_FIFO_DEPTH);
        break;
    }
}

static void i2c_write_register(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct i2c *i2c = i2c_of(block);
    if (is_fixed_while_enabled(reg) && i2c_is_enabled(i2c) && block->values[reg] != old) {
        log_write(block->env->log, LOG_GUEST, block->name, "%s written while IC_ENABLE is 1: no effect",
                  block->registers->descs[reg].name);
        block->values[reg] = old;
        return;
    }
    limit(i2c, reg);
    switch (reg) {
    case I2C_IC_DATA_CMD:
        write_data_command(i2c, value);
        i2c_target_resume(i2c);
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
    uint32_t item = i2c_pop(&i2c->rx);
    go_on(i2c, scheduler_now(i2c->block.env->scheduler)); /* a full FIFO may have held the bus */
    i2c_target_resume(i2c);
    return item;
}

static uint32_t status(const struct i2c *i2c) {
    bool active = i2c->state != I2C_IDLE;
    return (active ? I2C_IC_STATUS_ACTIVITY | I2C_IC_STATUS_MST_ACTIVITY : 0) |
           (i2c->is_target ? I2C_IC_STATUS_ACTIVITY | I2C_IC_STATUS_SLV_ACTIVITY : 0) |
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

/* ABRT_SBYTE_NORSTRT comes back as long as its cause is there. */
static void clear_abort(struct i2c *i2c) {
    uint32_t *source = &i2c->block.values[I2C_IC_TX_ABRT_SOURCE];
    bool stays = special(i2c) == START_BYTE && !may_restart(i2c);
    *source &= stays ? SOURCE(ABRT_SBYTE_NORSTRT) : 0;
    i2c->flushed = false;
}

static uint32_t clear(struct i2c *i2c, uint32_t interrupts) {
    bool had = i2c->latched & interrupts;
    if (i2c->state != I2C_IDLE || i2c->is_target) {
        interrupts &= ~RAW(ACTIVITY); /* goes with the activity alone */
    }
    i2c->latched &= ~interrupts;
    if (interrupts & RAW(TX_ABRT)) {
        clear_abort(i2c);
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
        return value | (i2c_is_enabled(i2c) || i2c->disabling ? I2C_IC_ENABLE_STATUS_IC_EN : 0);
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
    case I2C_START:
        enter(i2c, I2C_ADDRESS, now_ps);
        break;
    case I2C_ADDRESS:
    case I2C_ADDRESS2:
    case I2C_BYTE:
        bits_done(i2c, now_ps);
        break;
    case I2C_ACK:
        acknowledge_done(i2c, now_ps);
        break;
    case I2C_STOP:
        if (!i2c->on_wire) {
            i2c_stop(i2c->scl, i2c->sda);
        }
        enter(i2c, I2C_STOPPED, now_ps);
        break;
    case I2C_STOPPED:
        stop_done(i2c, now_ps);
        break;
    default:
        break;
    }
}

static void i2c_due(struct event *event, uint64_t late_ps) {
    struct i2c *i2c = event->owner;
    uint64_t now_ps = event->when_ps;
    if (i2c->on_wire && i2c->state != I2C_STOPPED && i2c_play(i2c, now_ps)) {
        return;
    }
    state_done(i2c, now_ps);
    i2c_update(i2c);
}

/* SCL and SDA may have become free. */
static void pins_changed(struct gpio_listener *listener, uint64_t pins) {
    struct i2c *i2c = listener->owner;
    i2c_wire_changed(i2c);
    if (i2c->state == I2C_IDLE && i2c->tx.count) {
        go_on(i2c, scheduler_now(i2c->block.env->scheduler));
        i2c_update(i2c);
    }
}

static void pin_selected(struct gpio_listener *listener, unsigned pin) {
    struct i2c *i2c = listener->owner;
    if (listener->pins >> pin & 1) {
        i2c_target_update(i2c);
    }
}

/* What is going on takes as many cycles as before. */
static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct i2c *i2c = listener->owner;
    if (is_moving(i2c) && !i2c->stretched) {
        schedule(i2c);
    }
}

static void i2c_reset(struct block *block) {
    struct i2c *i2c = i2c_of(block);
    i2c->tx = i2c->rx = (struct i2c_fifo){ 0 };
    i2c->state = I2C_IDLE;
    i2c->flushed = i2c->disabling = i2c->on_wire = i2c->busy = i2c->stretched = false;
    i2c->latched = 0;
    scheduler_cancel(block->env->scheduler, &i2c->event);
    i2c_target_update(i2c);
    if (i2c->gpio) {
        i2c_drive(i2c, true, true);
    }
    i2c_update(i2c);
}

static void i2c_init(struct block *block) {
    struct i2c *i2c = i2c_of(block);
    i2c->event = (struct event){ .name = "i2c", .callback = i2c_due, .owner = i2c };
    i2c->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = i2c };
    clock_listen(i2c->clk_sys, &i2c->clock_listener);
    i2c_target_init(i2c);
    if (i2c->gpio) {
        i2c->pin_listener = (struct gpio_listener){
            .changed = pins_changed,
            .selected = pin_selected,
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
    .walk = i2c_walk,
};
