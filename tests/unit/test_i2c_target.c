/* Two I2C blocks on one pair of wires: one as a controller, one as a target (RP2040 datasheet 4.3.10.1), and two
 * controllers at once. */
#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/registers/i2c.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define CMD I2C_IC_DATA_CMD_CMD
#define STOP I2C_IC_DATA_CMD_STOP
#define RESTART I2C_IC_DATA_CMD_RESTART
#define FIRST I2C_IC_DATA_CMD_FIRST_DATA_BYTE
#define RAW(name) I2C_IC_RAW_INTR_STAT_##name
#define SOURCE(name) I2C_IC_TX_ABRT_SOURCE_##name
#define MASTER_ALONE                                                                                                   \
    (I2C_IC_CON_MASTER_MODE | 2 << I2C_IC_CON_SPEED_LSB | I2C_IC_CON_IC_RESTART_EN | I2C_IC_CON_IC_SLAVE_DISABLE)
#define TARGET_ALONE (2 << I2C_IC_CON_SPEED_LSB | I2C_IC_CON_IC_RESTART_EN)

struct pair {
    struct stage stage;
    struct gpio_bank bank;
    struct block *blocks[2]; /* I2C0 on pins 4 and 5, I2C1 on 6 and 7 */
    struct net_driver pulls[2];
};

static void set(struct block *block, uint32_t con, uint32_t tar, uint32_t sar) {
    wr(block, I2C_IC_ENABLE, 0);
    wr(block, I2C_IC_CON, con);
    wr(block, I2C_IC_TAR, tar);
    wr(block, I2C_IC_SAR, sar);
    wr(block, I2C_IC_FS_SCL_HCNT, 125);
    wr(block, I2C_IC_FS_SCL_LCNT, 187);
    wr(block, I2C_IC_ENABLE, 1);
}

static int set_up(void **state) {
    struct pair *pair = calloc(1, sizeof(*pair));
    stage_init(&pair->stage);
    gpio_bank_init(&pair->bank, &pair->stage.env, &rp2040_gpio_bank0);
    for (unsigned i = 0; i < 2; i++) {
        struct block *block = block_create(&i2c_class, i ? "I2C1" : "I2C0", &pair->stage.env, &rp2040_i2c_registers);
        struct i2c *i2c = (struct i2c *)block;
        i2c->clk_sys = &pair->stage.clock;
        i2c->gpio = &pair->bank;
        i2c->function = 3;
        i2c->sda_pins = UINT64_C(1) << (4 + 2 * i);
        i2c->scl_pins = UINT64_C(1) << (5 + 2 * i);
        block_start(block);
        pair->blocks[i] = block;
        pair->pulls[i].drive = NET_PULL_UP;
        net_attach(&pair->bank.pins[4 + i].net, &pair->pulls[i]);
    }
    for (unsigned pin = 4; pin < 8; pin++) {
        gpio_set_pad(&pair->bank, pin, 0x56, false);
        gpio_set_control(&pair->bank, pin, 3);
    }
    net_join(&pair->bank.pins[4].net, &pair->bank.pins[6].net);
    net_join(&pair->bank.pins[5].net, &pair->bank.pins[7].net);
    set(pair->blocks[0], MASTER_ALONE, 0x2a, 0);
    set(pair->blocks[1], TARGET_ALONE, 0, 0x2a);
    *state = pair;
    return 0;
}

static int tear_down(void **state) {
    struct pair *pair = *state;
    block_destroy(pair->blocks[0]);
    block_destroy(pair->blocks[1]);
    free(pair);
    return 0;
}

/* Byte times, in steps short enough for every edge. */
static void step(struct pair *pair, unsigned bytes) {
    for (unsigned i = 0; i < bytes * 9 * 64; i++) {
        stage_run(&pair->stage, 8000 * 5);
    }
}

static uint32_t raw(struct block *block) {
    return rd(block, I2C_IC_RAW_INTR_STAT);
}

static bool rests(struct pair *pair) {
    return net_is_high(&pair->bank.pins[4].net) && net_is_high(&pair->bank.pins[5].net) &&
           !(rd(pair->blocks[0], I2C_IC_STATUS) & I2C_IC_STATUS_ACTIVITY);
}

static void controller_writes(void **state) {
    struct pair *pair = *state;
    struct block *master = pair->blocks[0], *target = pair->blocks[1];
    wr(master, I2C_IC_DATA_CMD, 0x12);
    wr(master, I2C_IC_DATA_CMD, 0x34 | STOP);
    step(pair, 2);
    assert_int_equal(rd(target, I2C_IC_STATUS) & 0x61, I2C_IC_STATUS_SLV_ACTIVITY | I2C_IC_STATUS_ACTIVITY);
    step(pair, 3);
    assert_int_equal(raw(target) & ~RAW(TX_EMPTY), RAW(START_DET) | RAW(STOP_DET) | RAW(ACTIVITY) | RAW(RX_FULL));
    assert_int_equal(rd(target, I2C_IC_DATA_CMD), 0x12 | FIRST);
    assert_int_equal(rd(target, I2C_IC_DATA_CMD), 0x34);
    assert_int_equal(raw(master) & RAW(TX_ABRT), 0);
    assert_int_equal(rd(target, I2C_IC_STATUS) & 0x61, 0);
    assert_true(rests(pair));
}

/* SCL is held until the target's software has answered, each byte anew. */
static void controller_reads(void **state) {
    struct pair *pair = *state;
    struct block *master = pair->blocks[0], *target = pair->blocks[1];
    wr(master, I2C_IC_DATA_CMD, CMD);
    wr(master, I2C_IC_DATA_CMD, CMD | STOP);
    step(pair, 10);
    assert_true(raw(target) & RAW(RD_REQ));
    assert_false(net_is_high(&pair->bank.pins[5].net));
    rd(target, I2C_IC_CLR_RD_REQ);
    wr(target, I2C_IC_DATA_CMD, 0xa7);
    step(pair, 5);
    assert_int_equal(rd(master, I2C_IC_RXFLR), 1);
    assert_true(raw(target) & RAW(RD_REQ));
    assert_false(raw(target) & RAW(RX_DONE));
    rd(target, I2C_IC_CLR_RD_REQ);
    wr(target, I2C_IC_DATA_CMD, 0x01);
    step(pair, 3);
    assert_int_equal(rd(master, I2C_IC_DATA_CMD) & 0xff, 0xa7);
    assert_int_equal(rd(master, I2C_IC_DATA_CMD) & 0xff, 0x01);
    assert_int_equal(raw(target) & (RAW(RX_DONE) | RAW(RD_REQ)), RAW(RX_DONE));
    assert_true(rests(pair));
}

static void direction_turns_round(void **state) {
    struct pair *pair = *state;
    struct block *master = pair->blocks[0], *target = pair->blocks[1];
    wr(master, I2C_IC_DATA_CMD, 0x0e);
    wr(master, I2C_IC_DATA_CMD, CMD | RESTART | STOP);
    step(pair, 6);
    assert_int_equal(rd(target, I2C_IC_DATA_CMD), 0x0e | FIRST);
    assert_int_equal(raw(target) & (RAW(RESTART_DET) | RAW(RD_REQ)), RAW(RESTART_DET) | RAW(RD_REQ));
    wr(target, I2C_IC_DATA_CMD, 0x5c);
    step(pair, 3);
    assert_int_equal(rd(master, I2C_IC_DATA_CMD) & 0xff, 0x5c);
}

static void other_addresses_are_not_answered(void **state) {
    struct pair *pair = *state;
    set(pair->blocks[0], MASTER_ALONE, 0x2b, 0);
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 1 | STOP);
    step(pair, 3);
    assert_true(rd(pair->blocks[0], I2C_IC_TX_ABRT_SOURCE) & SOURCE(ABRT_7B_ADDR_NOACK));
    assert_int_equal(rd(pair->blocks[1], I2C_IC_RXFLR), 0);
    assert_true(raw(pair->blocks[1]) & RAW(STOP_DET)); /* any, unless it says otherwise */
    rd(pair->blocks[1], I2C_IC_CLR_INTR);
    rd(pair->blocks[0], I2C_IC_CLR_INTR);
    set(pair->blocks[1], TARGET_ALONE | I2C_IC_CON_STOP_DET_IFADDRESSED, 0, 0x2a);
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 1 | STOP);
    step(pair, 3);
    assert_false(raw(pair->blocks[1]) & RAW(STOP_DET));
}

static void ten_bits(void **state) {
    struct pair *pair = *state;
    struct block *master = pair->blocks[0], *target = pair->blocks[1];
    set(master, MASTER_ALONE | I2C_IC_CON_IC_10BITADDR_MASTER, 0x315, 0);
    set(target, TARGET_ALONE | I2C_IC_CON_IC_10BITADDR_SLAVE, 0, 0x315);
    wr(master, I2C_IC_DATA_CMD, 0x77 | STOP);
    step(pair, 5);
    assert_int_equal(rd(target, I2C_IC_DATA_CMD), 0x77 | FIRST);
    wr(master, I2C_IC_DATA_CMD, CMD | STOP);
    step(pair, 6);
    assert_true(raw(target) & RAW(RD_REQ));
    wr(target, I2C_IC_DATA_CMD, 0x99);
    step(pair, 3);
    assert_int_equal(rd(master, I2C_IC_DATA_CMD) & 0xff, 0x99);
    set(target, TARGET_ALONE | I2C_IC_CON_IC_10BITADDR_SLAVE, 0, 0x314);
    wr(master, I2C_IC_DATA_CMD, 0x77 | STOP);
    step(pair, 5);
    assert_true(rd(master, I2C_IC_TX_ABRT_SOURCE) & SOURCE(ABRT_10ADDR2_NOACK));
}

static void general_call(void **state) {
    struct pair *pair = *state;
    set(pair->blocks[0], MASTER_ALONE, I2C_IC_TAR_SPECIAL, 0);
    wr(pair->blocks[1], I2C_IC_ENABLE, 0);
    wr(pair->blocks[1], I2C_IC_ACK_GENERAL_CALL, 1);
    wr(pair->blocks[1], I2C_IC_ENABLE, 1);
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 0x06 | STOP);
    step(pair, 4);
    assert_true(raw(pair->blocks[1]) & RAW(GEN_CALL));
    assert_int_equal(rd(pair->blocks[1], I2C_IC_DATA_CMD), 0x06 | FIRST);
    set(pair->blocks[1], TARGET_ALONE | I2C_IC_CON_STOP_DET_IFADDRESSED, 0, 0x2a);
    assert_int_equal(raw(pair->blocks[1]) & (RAW(GEN_CALL) | RAW(ACTIVITY)), 0); /* it has been switched off */
    rd(pair->blocks[1], I2C_IC_CLR_STOP_DET);
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 0x06 | STOP);
    step(pair, 4);
    assert_int_equal(raw(pair->blocks[1]) & (RAW(GEN_CALL) | RAW(STOP_DET)), RAW(GEN_CALL));
}

static void old_data_is_flushed(void **state) {
    struct pair *pair = *state;
    struct block *master = pair->blocks[0], *target = pair->blocks[1];
    wr(target, I2C_IC_DATA_CMD, 0x11);
    wr(master, I2C_IC_DATA_CMD, CMD | STOP);
    step(pair, 3);
    assert_true(rd(target, I2C_IC_TX_ABRT_SOURCE) & SOURCE(ABRT_SLVFLUSH_TXFIFO));
    assert_int_equal(rd(target, I2C_IC_TXFLR), 0);
    rd(target, I2C_IC_CLR_TX_ABRT);
    wr(target, I2C_IC_DATA_CMD, CMD); /* not for a target */
    assert_true(rd(target, I2C_IC_TX_ABRT_SOURCE) & SOURCE(ABRT_SLVRD_INTX));
    rd(target, I2C_IC_CLR_TX_ABRT);
    wr(target, I2C_IC_DATA_CMD, 0x22);
    step(pair, 3);
    assert_int_equal(rd(master, I2C_IC_DATA_CMD) & 0xff, 0x22);
}

static void full_fifo(void **state) {
    struct pair *pair = *state;
    struct block *master = pair->blocks[0], *target = pair->blocks[1];
    set(target, TARGET_ALONE | I2C_IC_CON_RX_FIFO_FULL_HLD_CTRL, 0, 0x2a);
    for (unsigned i = 0; i < 18; i++) {
        wr(master, I2C_IC_DATA_CMD, i | (i == 17 ? STOP : 0));
        step(pair, i > 8);
    }
    step(pair, 20);
    assert_int_equal(rd(target, I2C_IC_RXFLR), 16);
    assert_false(net_is_high(&pair->bank.pins[5].net));
    for (unsigned i = 0; i < 3; i++) {
        rd(target, I2C_IC_DATA_CMD);
    }
    step(pair, 4);
    assert_int_equal(rd(target, I2C_IC_RXFLR), 15);
    assert_true(rests(pair));
    assert_false(raw(target) & RAW(RX_OVER));
    set(target, TARGET_ALONE, 0, 0x2a);
    for (unsigned i = 0; i < 18; i++) {
        wr(master, I2C_IC_DATA_CMD, i | (i == 17 ? STOP : 0));
        step(pair, i > 8);
    }
    step(pair, 20);
    assert_true(raw(target) & RAW(RX_OVER));
    assert_true(rests(pair));
}

static void refusing_data(void **state) {
    struct pair *pair = *state;
    wr(pair->blocks[1], I2C_IC_SLV_DATA_NACK_ONLY, 1);
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 1 | STOP);
    step(pair, 4);
    assert_true(rd(pair->blocks[0], I2C_IC_TX_ABRT_SOURCE) & SOURCE(ABRT_TXDATA_NOACK));
    assert_int_equal(rd(pair->blocks[1], I2C_IC_RXFLR), 0);
}

static void switched_off_while_busy(void **state) {
    struct pair *pair = *state;
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 1);
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 2 | STOP);
    step(pair, 2);
    step(pair, 1);
    wr(pair->blocks[1], I2C_IC_ENABLE, 0);
    assert_int_equal(rd(pair->blocks[1], I2C_IC_ENABLE_STATUS),
                     I2C_IC_ENABLE_STATUS_SLV_DISABLED_WHILE_BUSY | I2C_IC_ENABLE_STATUS_SLV_RX_DATA_LOST);
    wr(pair->blocks[1], I2C_IC_ENABLE, 1);
    assert_int_equal(rd(pair->blocks[1], I2C_IC_ENABLE_STATUS), I2C_IC_ENABLE_STATUS_IC_EN);
}

struct ear {
    struct i2c_target target;
    uint8_t heard[8];
    unsigned count;
};

static bool ear_start(struct i2c_target *target, uint8_t address, bool read) {
    return address == 0x10 || address == 0x50;
}

static bool ear_write(struct i2c_target *target, uint8_t byte) {
    struct ear *ear = target->owner;
    ear->heard[ear->count++ % 8] = byte;
    return true;
}

static uint8_t ear_read(struct i2c_target *target) {
    return 0;
}

/* The lower address wins, the other one tells so and may try again when the bus is free. */
static void two_controllers(void **state) {
    struct pair *pair = *state;
    struct ear ear = { .target = { .scl = &pair->bank.pins[5].net,
                                   .sda = &pair->bank.pins[4].net,
                                   .start = ear_start,
                                   .write = ear_write,
                                   .read = ear_read } };
    ear.target.owner = &ear;
    i2c_target_attach(&ear.target);
    set(pair->blocks[0], MASTER_ALONE, 0x50, 0);
    set(pair->blocks[1], MASTER_ALONE, 0x10, 0);
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 0x05 | STOP);
    wr(pair->blocks[1], I2C_IC_DATA_CMD, 0x01 | STOP);
    step(pair, 1);
    assert_true(rd(pair->blocks[0], I2C_IC_TX_ABRT_SOURCE) & SOURCE(ARB_LOST));
    rd(pair->blocks[0], I2C_IC_CLR_TX_ABRT);
    wr(pair->blocks[0], I2C_IC_DATA_CMD, 0x05 | STOP);
    step(pair, 5);
    assert_int_equal(ear.count, 2);
    assert_memory_equal(ear.heard, "\x01\x05", 2);
    assert_false(raw(pair->blocks[1]) & RAW(TX_ABRT));
    i2c_target_detach(&ear.target);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(controller_writes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(controller_reads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(direction_turns_round, set_up, tear_down),
        cmocka_unit_test_setup_teardown(other_addresses_are_not_answered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ten_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(general_call, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_data_is_flushed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(full_fifo, set_up, tear_down),
        cmocka_unit_test_setup_teardown(refusing_data, set_up, tear_down),
        cmocka_unit_test_setup_teardown(switched_off_while_busy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_controllers, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
