/* The I2C controller: RP2040 datasheet 4.3. */
#include "emulator/core/serial.h"
#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/registers/i2c.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

#define PERIOD_PS (UINT64_C(1250) * 8000) /* 100 kHz, see set_up() */
#define CMD I2C_IC_DATA_CMD_CMD
#define STOP I2C_IC_DATA_CMD_STOP
#define RESTART I2C_IC_DATA_CMD_RESTART
#define RAW(name) I2C_IC_RAW_INTR_STAT_##name

struct chip {
    struct stage stage;
    struct gpio_bank bank;
    struct block *block;
    struct i2c *i2c;
    struct i2c_target target;
    struct net_driver pulls[2];
    uint8_t address;
    uint8_t heard[32];
    unsigned count;
    unsigned starts, stops;
    uint8_t next;
};

static bool on_start(struct i2c_target *target, uint8_t address, bool read) {
    struct chip *chip = target->owner;
    chip->starts++;
    return address == chip->address;
}

static bool on_write(struct i2c_target *target, uint8_t byte) {
    struct chip *chip = target->owner;
    chip->heard[chip->count++] = byte;
    return byte != 0xee;
}

static uint8_t on_read(struct i2c_target *target) {
    return ((struct chip *)target->owner)->next++;
}

static void on_stop(struct i2c_target *target) {
    ((struct chip *)target->owner)->stops++;
}

static int set_up(void **state) {
    struct chip *chip = calloc(1, sizeof(*chip));
    stage_init(&chip->stage);
    gpio_bank_init(&chip->bank, &chip->stage.env, &rp2040_gpio_bank0);
    chip->block = block_create(&i2c_class, "I2C0", &chip->stage.env, &rp2040_i2c_registers);
    chip->i2c = (struct i2c *)chip->block;
    chip->i2c->clk_sys = &chip->stage.clock;
    chip->i2c->gpio = &chip->bank;
    chip->i2c->function = 3;
    chip->i2c->sda_pins = 1 << 4;
    chip->i2c->scl_pins = 1 << 5;
    block_start(chip->block);
    chip->address = 0x36;
    chip->target = (struct i2c_target){ .scl = &chip->bank.pins[5].net,
                                        .sda = &chip->bank.pins[4].net,
                                        .start = on_start,
                                        .write = on_write,
                                        .read = on_read,
                                        .stop = on_stop,
                                        .owner = chip };
    for (unsigned i = 0; i < 2; i++) {
        chip->pulls[i].drive = NET_PULL_UP;
        net_attach(&chip->bank.pins[4 + i].net, &chip->pulls[i]);
        gpio_set_pad(&chip->bank, 4 + i, 0x56, false);
        gpio_set_control(&chip->bank, 4 + i, 3);
    }
    i2c_target_attach(&chip->target);
    /* fast mode registers, as the SDK does: 500 + 727 + 15 + 7 + 1 */
    wr(chip->block, I2C_IC_CON,
       I2C_IC_CON_MASTER_MODE | 2 << 1 | I2C_IC_CON_IC_RESTART_EN | I2C_IC_CON_IC_SLAVE_DISABLE |
           I2C_IC_CON_TX_EMPTY_CTRL);
    wr(chip->block, I2C_IC_FS_SCL_HCNT, 500);
    wr(chip->block, I2C_IC_FS_SCL_LCNT, 727);
    wr(chip->block, I2C_IC_FS_SPKLEN, 15);
    wr(chip->block, I2C_IC_TAR, 0x36);
    wr(chip->block, I2C_IC_ENABLE, 1);
    *state = chip;
    return 0;
}

static int tear_down(void **state) {
    struct chip *chip = *state;
    block_destroy(chip->block);
    free(chip);
    return 0;
}

static void set_target(struct chip *chip, uint32_t tar) {
    wr(chip->block, I2C_IC_ENABLE, 0);
    wr(chip->block, I2C_IC_TAR, tar);
    wr(chip->block, I2C_IC_ENABLE, 1);
}

static void set_control(struct chip *chip, uint32_t set, uint32_t clear) {
    wr(chip->block, I2C_IC_ENABLE, 0);
    wr(chip->block, I2C_IC_CON, (rd(chip->block, I2C_IC_CON) | set) & ~clear);
    wr(chip->block, I2C_IC_ENABLE, 1);
}

static uint32_t abort_source(struct chip *chip) {
    return rd(chip->block, I2C_IC_TX_ABRT_SOURCE) & ~I2C_IC_TX_ABRT_SOURCE_TX_FLUSH_CNT;
}

static void step(struct chip *chip, unsigned periods) {
    stage_run(&chip->stage, periods * PERIOD_PS);
}

static uint32_t raw(struct chip *chip) {
    return rd(chip->block, I2C_IC_RAW_INTR_STAT);
}

static void writes_bytes_at_the_wire_speed(void **state) {
    struct chip *chip = *state;
    wr(chip->block, I2C_IC_DATA_CMD, 0x11);
    wr(chip->block, I2C_IC_DATA_CMD, 0x22 | STOP);
    assert_int_equal(raw(chip), RAW(START_DET) | RAW(ACTIVITY));
    assert_int_equal(rd(chip->block, I2C_IC_TXFLR), 2);
    step(chip, 1 + 9 + 9 + 7);
    assert_int_equal(chip->count, 1);
    step(chip, 1);
    assert_int_equal(chip->count, 2); /* to be acknowledged in the next period */
    step(chip, 1);
    assert_int_equal(chip->heard[1], 0x22);
    assert_int_equal(raw(chip) & RAW(STOP_DET), 0);
    step(chip, 1);
    assert_int_equal(raw(chip), RAW(START_DET) | RAW(STOP_DET) | RAW(ACTIVITY) | RAW(TX_EMPTY));
    assert_int_equal(chip->stops, 1);
    rd(chip->block, I2C_IC_CLR_INTR);
    assert_int_equal(raw(chip), RAW(TX_EMPTY));
    assert_int_equal(rd(chip->block, I2C_IC_STATUS), I2C_IC_STATUS_TFE | I2C_IC_STATUS_TFNF);
}

static void reads_after_a_repeated_start(void **state) {
    struct chip *chip = *state;
    wr(chip->block, I2C_IC_DATA_CMD, 0x0c);
    step(chip, 30);
    assert_int_equal(raw(chip) & (RAW(TX_EMPTY) | RAW(STOP_DET)), RAW(TX_EMPTY)); /* held */
    assert_int_equal(rd(chip->block, I2C_IC_STATUS) & I2C_IC_STATUS_MST_ACTIVITY, I2C_IC_STATUS_MST_ACTIVITY);
    wr(chip->block, I2C_IC_ENABLE, 0); /* as the SDK does before each transfer */
    wr(chip->block, I2C_IC_ENABLE, 1);
    chip->next = 0x40;
    rd(chip->block, I2C_IC_CLR_START_DET);
    wr(chip->block, I2C_IC_DATA_CMD, CMD | RESTART);
    assert_true(raw(chip) & RAW(START_DET)); /* of a repeated START as well */
    wr(chip->block, I2C_IC_DATA_CMD, CMD | STOP);
    step(chip, 1 + 9 + 9 + 9 + 1);
    assert_int_equal(chip->starts, 2);
    assert_int_equal(chip->stops, 1);
    assert_int_equal(raw(chip) & RAW(RESTART_DET), 0); /* tells targets alone */
    assert_int_equal(rd(chip->block, I2C_IC_RXFLR), 2);
    assert_true(raw(chip) & RAW(RX_FULL));
    assert_int_equal(rd(chip->block, I2C_IC_DATA_CMD), 0x40 | I2C_IC_DATA_CMD_FIRST_DATA_BYTE);
    assert_int_equal(rd(chip->block, I2C_IC_DATA_CMD), 0x41);
    rd(chip->block, I2C_IC_DATA_CMD);
    assert_true(raw(chip) & RAW(RX_UNDER));
    wr(chip->block, I2C_IC_DATA_CMD, 0x0c | STOP);
    wr(chip->block, I2C_IC_ENABLE, 0);
    assert_int_equal(raw(chip) & (RAW(RX_UNDER) | RAW(TX_EMPTY)), RAW(RX_UNDER) | RAW(TX_EMPTY)); /* until it rests */
    step(chip, 30);
    assert_int_equal(raw(chip) & (RAW(RX_UNDER) | RAW(TX_EMPTY) | RAW(ACTIVITY)), 0);
}

static void nobody_answers(void **state) {
    struct chip *chip = *state;
    set_target(chip, 0x37);
    wr(chip->block, I2C_IC_INTR_MASK, I2C_IC_INTR_MASK_M_TX_ABRT);
    wr(chip->block, I2C_IC_DATA_CMD, 1);
    wr(chip->block, I2C_IC_DATA_CMD, 2 | STOP);
    step(chip, 10);
    assert_true(chip->block->irq[0].level);
    assert_int_equal(rd(chip->block, I2C_IC_TX_ABRT_SOURCE), I2C_IC_TX_ABRT_SOURCE_ABRT_7B_ADDR_NOACK | 2u << 23);
    wr(chip->block, I2C_IC_DATA_CMD, 3); /* held empty until the abort is cleared */
    assert_int_equal(rd(chip->block, I2C_IC_TXFLR), 0);
    step(chip, 1);
    assert_true(raw(chip) & RAW(STOP_DET));
    rd(chip->block, I2C_IC_CLR_TX_ABRT);
    assert_false(chip->block->irq[0].level);
    assert_int_equal(rd(chip->block, I2C_IC_TX_ABRT_SOURCE), 0);
    assert_int_equal(chip->count, 0);
}

static void data_is_refused(void **state) {
    struct chip *chip = *state;
    wr(chip->block, I2C_IC_DATA_CMD, 0xee);
    wr(chip->block, I2C_IC_DATA_CMD, 0x02 | STOP);
    step(chip, 30);
    assert_int_equal(rd(chip->block, I2C_IC_TX_ABRT_SOURCE), I2C_IC_TX_ABRT_SOURCE_ABRT_TXDATA_NOACK | 1u << 23);
    assert_int_equal(chip->count, 1);
    assert_int_equal(chip->stops, 1);
}

static void ten_bit_addresses(void **state) {
    struct chip *chip = *state;
    chip->address = 0x7a; /* 11110 and the upper two of 0x2b7 */
    wr(chip->block, I2C_IC_ENABLE, 0);
    wr(chip->block, I2C_IC_CON, rd(chip->block, I2C_IC_CON) | I2C_IC_CON_IC_10BITADDR_MASTER);
    wr(chip->block, I2C_IC_TAR, 0x2b7);
    wr(chip->block, I2C_IC_ENABLE, 1);
    wr(chip->block, I2C_IC_DATA_CMD, CMD | STOP);
    step(chip, 1 + 9 + 9 + 1 + 9 + 9 + 1);
    assert_int_equal(chip->heard[0], 0xb7);
    assert_int_equal(chip->starts, 2);
    assert_int_equal(rd(chip->block, I2C_IC_RXFLR), 1);
    assert_int_equal(chip->stops, 1);
}

static void waits_for_a_free_bus(void **state) {
    struct chip *chip = *state;
    struct net_driver stuck = { .drive = NET_LOW };
    net_attach(&chip->bank.pins[4].net, &stuck);
    wr(chip->block, I2C_IC_DATA_CMD, 0x33 | STOP);
    step(chip, 100);
    assert_int_equal(chip->count, 0);
    net_drive(&stuck, NET_Z);
    step(chip, 30);
    assert_int_equal(chip->count, 1);
}

static void software_aborts(void **state) {
    struct chip *chip = *state;
    for (unsigned i = 0; i < 8; i++) {
        wr(chip->block, I2C_IC_DATA_CMD, i);
    }
    step(chip, 20);
    wr(chip->block, I2C_IC_ENABLE, 3);
    step(chip, 10);
    assert_int_equal(rd(chip->block, I2C_IC_ENABLE), 1);
    assert_true(rd(chip->block, I2C_IC_TX_ABRT_SOURCE) & I2C_IC_TX_ABRT_SOURCE_ABRT_USER_ABRT);
    assert_true(raw(chip) & RAW(STOP_DET));
}

/* Switched off and on in the acknowledge bit of a byte that is read: the target gets its NACK and STOP, one more byte
 * is read and dropped, and the commands that have come meanwhile are a transfer of their own. */
static void off_and_on_ends_a_transfer(void **state) {
    struct chip *chip = *state;
    wr(chip->block, I2C_IC_DATA_CMD, CMD);
    wr(chip->block, I2C_IC_DATA_CMD, CMD);
    step(chip, 1 + 9 + 8);
    stage_run(&chip->stage, PERIOD_PS / 2);
    wr(chip->block, I2C_IC_ENABLE, 0);
    wr(chip->block, I2C_IC_ENABLE, 1);
    wr(chip->block, I2C_IC_DATA_CMD, 0x21 | STOP);
    step(chip, 1 + 9 + 1);
    assert_int_equal(chip->stops, 1);
    assert_int_equal(chip->count, 0);
    assert_int_equal(rd(chip->block, I2C_IC_RXFLR), 0);
    step(chip, 1 + 9 + 9 + 1);
    assert_int_equal(chip->starts, 2);
    assert_int_equal(chip->heard[0], 0x21);
}

static void dreqs_follow_the_thresholds(void **state) {
    struct chip *chip = *state;
    wr(chip->block, I2C_IC_DMA_TDLR, 4);
    wr(chip->block, I2C_IC_DMA_CR, 3);
    assert_true(chip->i2c->dreq_tx.level);
    for (unsigned i = 0; i < 5; i++) {
        wr(chip->block, I2C_IC_DATA_CMD, CMD | (i == 4 ? STOP : 0));
    }
    assert_false(chip->i2c->dreq_tx.level);
    step(chip, 10);
    assert_true(chip->i2c->dreq_tx.level);
    step(chip, 60);
    assert_true(chip->i2c->dreq_rx.level);
}

/* RP2040 datasheet, table of IC_TX_ABRT_SOURCE. */
static void general_calls(void **state) {
    struct chip *chip = *state;
    set_target(chip, I2C_IC_TAR_SPECIAL | 0x36);
    wr(chip->block, I2C_IC_DATA_CMD, 6 | STOP);
    step(chip, 12);
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_GCALL_NOACK);
    rd(chip->block, I2C_IC_CLR_TX_ABRT);
    chip->address = 0;
    wr(chip->block, I2C_IC_DATA_CMD, 6 | STOP);
    step(chip, 21);
    assert_int_equal(chip->heard[0], 6);
    wr(chip->block, I2C_IC_DATA_CMD, CMD | STOP);
    step(chip, 12);
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_GCALL_READ);
}

static void start_bytes(void **state) {
    struct chip *chip = *state;
    set_target(chip, I2C_IC_TAR_SPECIAL | I2C_IC_TAR_GC_OR_START | 0x36);
    wr(chip->block, I2C_IC_DATA_CMD, 0x44 | STOP);
    step(chip, 1 + 9 + 1 + 9 + 9 + 1);
    assert_int_equal(chip->starts, 2);
    assert_int_equal(chip->heard[0], 0x44);
    chip->address = 0; /* somebody acknowledges the START byte */
    wr(chip->block, I2C_IC_DATA_CMD, 0x44 | STOP);
    step(chip, 12);
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_SBYTE_ACKDET);
    rd(chip->block, I2C_IC_CLR_TX_ABRT);
    set_control(chip, 0, I2C_IC_CON_IC_RESTART_EN);
    wr(chip->block, I2C_IC_DATA_CMD, 0x44 | STOP);
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_SBYTE_NORSTRT);
    rd(chip->block, I2C_IC_CLR_TX_ABRT); /* its cause is still there */
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_SBYTE_NORSTRT);
    set_target(chip, 0x36);
    rd(chip->block, I2C_IC_CLR_TX_ABRT);
    assert_int_equal(abort_source(chip), 0);
}

static void without_repeated_start(void **state) {
    struct chip *chip = *state;
    set_control(chip, 0, I2C_IC_CON_IC_RESTART_EN);
    wr(chip->block, I2C_IC_DATA_CMD, 0x01);
    wr(chip->block, I2C_IC_DATA_CMD, 0x02 | RESTART);
    wr(chip->block, I2C_IC_DATA_CMD, CMD | STOP);
    step(chip, 3 * (1 + 9 + 9 + 1));
    assert_int_equal(chip->starts, 3);
    assert_int_equal(chip->stops, 3);
    set_control(chip, I2C_IC_CON_IC_10BITADDR_MASTER, 0);
    wr(chip->block, I2C_IC_DATA_CMD, CMD | STOP);
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_10B_RD_NORSTRT);
    rd(chip->block, I2C_IC_CLR_TX_ABRT);
    set_control(chip, 0, I2C_IC_CON_MASTER_MODE);
    wr(chip->block, I2C_IC_DATA_CMD, 0x01 | STOP);
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_MASTER_DIS);
}

static void ten_bit_addresses_are_refused(void **state) {
    struct chip *chip = *state;
    set_control(chip, I2C_IC_CON_IC_10BITADDR_MASTER, 0);
    set_target(chip, 0x2b7);
    wr(chip->block, I2C_IC_DATA_CMD, 0x01 | STOP);
    step(chip, 12);
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_10ADDR1_NOACK);
    rd(chip->block, I2C_IC_CLR_TX_ABRT);
    chip->address = 0x7a;
    set_target(chip, 0x2ee); /* the target does not acknowledge this byte */
    wr(chip->block, I2C_IC_DATA_CMD, 0x01 | STOP);
    step(chip, 21);
    assert_int_equal(abort_source(chip), I2C_IC_TX_ABRT_SOURCE_ABRT_10ADDR2_NOACK);
}

static void settings_are_fixed_while_enabled(void **state) {
    struct chip *chip = *state;
    wr(chip->block, I2C_IC_TAR, 0x12);
    wr(chip->block, I2C_IC_FS_SCL_HCNT, 3);
    assert_int_equal(rd(chip->block, I2C_IC_TAR), 0x36);
    assert_int_equal(rd(chip->block, I2C_IC_FS_SCL_HCNT), 500);
    wr(chip->block, I2C_IC_ENABLE, 0);
    wr(chip->block, I2C_IC_FS_SCL_HCNT, 3);
    wr(chip->block, I2C_IC_FS_SCL_LCNT, 3);
    wr(chip->block, I2C_IC_RX_TL, 200);
    assert_int_equal(rd(chip->block, I2C_IC_FS_SCL_HCNT), 6);
    assert_int_equal(rd(chip->block, I2C_IC_FS_SCL_LCNT), 8);
    assert_int_equal(rd(chip->block, I2C_IC_RX_TL), 15);
}

struct scope {
    struct net_listener listener;
    struct stage *stage;
    uint64_t edges[64];
    unsigned count;
};

static void edge_seen(struct net_listener *listener, struct net *net) {
    struct scope *scope = listener->owner;
    if (scope->count < 64) {
        scope->edges[scope->count++] = scope->stage->scheduler.now_ps / 8000;
    }
}

/* Datasheet 4.3.14: high time HCNT + SPKLEN + 7, low time LCNT + 1; SDA moves SDA_TX_HOLD after SCL falls. */
static void edges_follow_the_counts(void **state) {
    struct chip *chip = *state;
    struct scope scl = { .stage = &chip->stage }, sda = { .stage = &chip->stage };
    scl.listener = (struct net_listener){ .changed = edge_seen, .owner = &scl };
    sda.listener = (struct net_listener){ .changed = edge_seen, .owner = &sda };
    net_listen(&chip->bank.pins[5].net, &scl.listener);
    net_listen(&chip->bank.pins[4].net, &sda.listener);
    wr(chip->block, I2C_IC_ENABLE, 0);
    wr(chip->block, I2C_IC_FS_SCL_HCNT, 61);
    wr(chip->block, I2C_IC_FS_SCL_LCNT, 99);
    wr(chip->block, I2C_IC_FS_SPKLEN, 5);
    wr(chip->block, I2C_IC_SDA_HOLD, 33);
    wr(chip->block, I2C_IC_ENABLE, 1);
    wr(chip->block, I2C_IC_DATA_CMD, 0x55 | STOP);
    for (unsigned i = 0; i < 173 * 21; i++) {
        stage_run(&chip->stage, 8000);
    }
    assert_int_equal(scl.count, 1 + 2 * 18 + 1);
    for (unsigned i = 0; i < 18; i++) {
        assert_int_equal(scl.edges[2 * i + 1] - scl.edges[2 * i], 100);    /* low */
        assert_int_equal(scl.edges[2 * i + 2] - scl.edges[2 * i + 1], 73); /* high */
    }
    /* address 0x36: 0110110 0, after START the first change is in the second bit */
    assert_int_equal(sda.edges[1] - scl.edges[2], 33);
}

static void count_edge(struct net_listener *listener, struct net *net) {
    (*(unsigned *)listener->owner)++;
}

/* The same target hears the same through the edges as through whole bytes. */
static void transfers_play_out_when_watched(void **state) {
    struct chip *chip = *state;
    unsigned edges = 0;
    struct net_listener scope = { .changed = count_edge, .owner = &edges };
    struct net_driver stretch = { .drive = NET_Z };
    net_listen(&chip->bank.pins[5].net, &scope);
    net_attach(&chip->bank.pins[5].net, &stretch);
    chip->next = 0x96;
    wr(chip->block, I2C_IC_DATA_CMD, 0x0c);
    wr(chip->block, I2C_IC_DATA_CMD, CMD | RESTART);
    wr(chip->block, I2C_IC_DATA_CMD, CMD | STOP);
    for (unsigned i = 0; i < 4 * 19; i++) {
        stage_run(&chip->stage, PERIOD_PS / 4);
    }
    assert_int_equal(chip->count, 1);
    assert_int_equal(edges, 1 + 2 * 18);
    net_drive(&stretch, NET_LOW);
    step(chip, 20);
    assert_int_equal(chip->starts, 1);
    net_drive(&stretch, NET_Z);
    for (unsigned i = 0; i < 4 * 32; i++) {
        stage_run(&chip->stage, PERIOD_PS / 4);
    }
    assert_int_equal(chip->starts, 2);
    assert_int_equal(chip->stops, 1);
    assert_int_equal(chip->heard[0], 0x0c);
    assert_int_equal(rd(chip->block, I2C_IC_DATA_CMD) & 0xff, 0x96);
    assert_int_equal(rd(chip->block, I2C_IC_DATA_CMD) & 0xff, 0x97);
    assert_true(net_is_high(&chip->bank.pins[4].net));
    assert_true(net_is_high(&chip->bank.pins[5].net));
    set_target(chip, 0x37);
    wr(chip->block, I2C_IC_DATA_CMD, 1 | STOP);
    step(chip, 20);
    assert_true(rd(chip->block, I2C_IC_TX_ABRT_SOURCE) & I2C_IC_TX_ABRT_SOURCE_ABRT_7B_ADDR_NOACK);
    assert_true(net_is_high(&chip->bank.pins[5].net));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(writes_bytes_at_the_wire_speed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(reads_after_a_repeated_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(data_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ten_bit_addresses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(waits_for_a_free_bus, set_up, tear_down),
        cmocka_unit_test_setup_teardown(software_aborts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(off_and_on_ends_a_transfer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(dreqs_follow_the_thresholds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(general_calls, set_up, tear_down),
        cmocka_unit_test_setup_teardown(start_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_repeated_start, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ten_bit_addresses_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(settings_are_fixed_while_enabled, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edges_follow_the_counts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(transfers_play_out_when_watched, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
