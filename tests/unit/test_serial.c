/* Frames of serial buses handed over whole, and as edges. */
#include "emulator/core/serial.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

/* A memory of 16 bytes at address 0x50, as an EEPROM: the first byte written is the pointer. */
struct bench {
    struct stage stage;
    struct net clock, data, back, select;
    struct net_driver clock_driver, data_driver, select_driver, pulls[2];
    struct i2c_target i2c;
    struct spi_target spi;
    uint8_t memory[16];
    unsigned pointer;
    bool expects_pointer;
    unsigned stops;
    uint8_t heard[8];
    unsigned count;
    unsigned selects;
};

static bool memory_start(struct i2c_target *target, uint8_t address, bool read) {
    ((struct bench *)target->owner)->expects_pointer = !read;
    return address == 0x50;
}

static bool memory_write(struct i2c_target *target, uint8_t byte) {
    struct bench *bench = target->owner;
    if (bench->expects_pointer) {
        bench->pointer = byte;
        bench->expects_pointer = false;
        return byte < 16;
    }
    bench->memory[bench->pointer++ % 16] = byte;
    return true;
}

static uint8_t memory_read(struct i2c_target *target) {
    struct bench *bench = target->owner;
    return bench->memory[bench->pointer++ % 16];
}

static void memory_stop(struct i2c_target *target) {
    ((struct bench *)target->owner)->stops++;
}

static void wire(struct bench *bench, struct net *net, struct net_driver *driver, const char *name) {
    net_init(net, name, &bench->stage.env);
    net_attach(net, driver);
}

static int set_up(void **state) {
    struct bench *bench = calloc(1, sizeof(*bench));
    stage_init(&bench->stage);
    wire(bench, &bench->clock, &bench->clock_driver, "clock");
    wire(bench, &bench->data, &bench->data_driver, "data");
    wire(bench, &bench->select, &bench->select_driver, "select");
    net_init(&bench->back, "back", &bench->stage.env);
    *state = bench;
    return 0;
}

static int set_up_i2c(void **state) {
    set_up(state);
    struct bench *bench = *state;
    bench->pulls[0].drive = bench->pulls[1].drive = NET_PULL_UP;
    net_attach(&bench->clock, &bench->pulls[0]);
    net_attach(&bench->data, &bench->pulls[1]);
    bench->i2c = (struct i2c_target){ .scl = &bench->clock,
                                      .sda = &bench->data,
                                      .start = memory_start,
                                      .write = memory_write,
                                      .read = memory_read,
                                      .stop = memory_stop,
                                      .owner = bench };
    i2c_target_attach(&bench->i2c);
    return 0;
}

static int tear_down(void **state) {
    free(*state);
    return 0;
}

/* ---- A controller by hand ---- */
static void scl(struct bench *bench, bool level) {
    net_drive(&bench->clock_driver, level ? NET_Z : NET_LOW);
}
static void sda(struct bench *bench, bool level) {
    net_drive(&bench->data_driver, level ? NET_Z : NET_LOW);
}

static bool bit(struct bench *bench, bool out) {
    sda(bench, out);
    scl(bench, true);
    bool in = net_is_high(&bench->data);
    scl(bench, false);
    return in;
}

static void start(struct bench *bench) {
    sda(bench, true);
    scl(bench, true);
    sda(bench, false);
    scl(bench, false);
}

static void stop(struct bench *bench) {
    sda(bench, false);
    scl(bench, true);
    sda(bench, true);
}

static bool put(struct bench *bench, uint8_t byte) {
    for (unsigned i = 8; i-- > 0;) {
        bit(bench, byte >> i & 1);
    }
    return !bit(bench, true);
}

static uint8_t get(struct bench *bench, bool more) {
    uint8_t byte = 0;
    for (unsigned i = 0; i < 8; i++) {
        byte = (uint8_t)(byte << 1 | bit(bench, true));
    }
    bit(bench, !more);
    return byte;
}

static void i2c_by_hand(void **state) {
    struct bench *bench = *state;
    start(bench);
    assert_false(put(bench, 0x51 << 1)); /* nobody there */
    stop(bench);
    assert_int_equal(bench->stops, 0);
    start(bench);
    assert_true(put(bench, 0x50 << 1)); /* a mere question */
    stop(bench);
    start(bench);
    assert_true(put(bench, 0x50 << 1));
    assert_true(put(bench, 3));
    assert_true(put(bench, 0xa5));
    assert_true(put(bench, 0x5a));
    stop(bench);
    assert_int_equal(bench->memory[3], 0xa5);
    assert_int_equal(bench->stops, 2);
    start(bench);
    assert_true(put(bench, 0x50 << 1));
    assert_true(put(bench, 3));
    start(bench); /* repeated */
    assert_true(put(bench, 0x50 << 1 | 1));
    assert_int_equal(get(bench, true), 0xa5);
    assert_int_equal(get(bench, false), 0x5a);
    stop(bench);
    assert_true(net_is_high(&bench->data));
    assert_int_equal(bench->stops, 3);
}

static unsigned sda_edges;

static void count_edge(struct net_listener *listener, struct net *net) {
    sda_edges++;
}

/* A target that has acknowledged keeps SDA low when its first bit is 0: a rising edge would be a STOP to others. */
static void i2c_first_bit_follows_the_acknowledge_bit(void **state) {
    struct bench *bench = *state;
    struct net_listener listener = { .changed = count_edge };
    bench->memory[0] = 0x25;
    start(bench);
    assert_true(put(bench, 0x50 << 1));
    assert_true(put(bench, 0));
    start(bench);
    for (unsigned i = 8; i-- > 0;) {
        bit(bench, 0xa1 >> i & 1);
    }
    sda(bench, true);
    assert_false(net_is_high(&bench->data)); /* acknowledged */
    scl(bench, true);
    net_listen(&bench->data, &listener);
    sda_edges = 0;
    scl(bench, false);
    assert_int_equal(sda_edges, 0);
    assert_false(net_is_high(&bench->data));
    net_unlisten(&bench->data, &listener);
}

static void i2c_refuses_and_recovers(void **state) {
    struct bench *bench = *state;
    start(bench);
    put(bench, 0x50 << 1);
    assert_false(put(bench, 200)); /* no such place */
    assert_false(put(bench, 1));
    stop(bench);
    assert_true(i2c_start(&bench->clock, &bench->data, 0x50, false));
    assert_true(i2c_write(&bench->clock, &bench->data, 0));
    assert_true(i2c_write(&bench->clock, &bench->data, 0x77));
    i2c_stop(&bench->clock, &bench->data);
    assert_int_equal(bench->memory[0], 0x77);
    assert_false(i2c_start(&bench->clock, &bench->clock, 0x50, false)); /* wrong data wire */
    i2c_target_detach(&bench->i2c);
    assert_false(i2c_start(&bench->clock, &bench->data, 0x50, false));
}

/* ---- SPI ---- */
static void count_select(struct spi_target *target, bool selected) {
    ((struct bench *)target->owner)->selects += selected;
}

static uint8_t answer(struct spi_target *target) {
    return (uint8_t)(0xc0 + ((struct bench *)target->owner)->count);
}

static void hear(struct spi_target *target, uint8_t byte) {
    struct bench *bench = target->owner;
    bench->heard[bench->count++] = byte;
}

static void add_spi_target(struct bench *bench, unsigned mode) {
    net_drive(&bench->clock_driver, mode & 2 ? NET_HIGH : NET_LOW);
    net_drive(&bench->select_driver, NET_HIGH);
    bench->spi = (struct spi_target){ .sck = &bench->clock,
                                      .mosi = &bench->data,
                                      .miso = &bench->back,
                                      .cs = &bench->select,
                                      .mode = mode,
                                      .select = count_select,
                                      .reply = answer,
                                      .receive = hear,
                                      .owner = bench };
    spi_target_attach(&bench->spi);
}

/* One byte by hand in a mode: returns what was sampled. */
static uint8_t shift(struct bench *bench, unsigned mode, uint8_t out) {
    enum net_drive idle = mode & 2 ? NET_HIGH : NET_LOW, active = mode & 2 ? NET_LOW : NET_HIGH;
    uint8_t in = 0;
    for (unsigned i = 8; i-- > 0;) {
        enum net_drive level = out >> i & 1 ? NET_HIGH : NET_LOW;
        if (mode & 1) {
            net_drive(&bench->clock_driver, active);
            net_drive(&bench->data_driver, level);
            in = (uint8_t)(in << 1 | net_is_high(&bench->back));
            net_drive(&bench->clock_driver, idle);
        } else {
            net_drive(&bench->data_driver, level);
            in = (uint8_t)(in << 1 | net_is_high(&bench->back));
            net_drive(&bench->clock_driver, active);
            net_drive(&bench->clock_driver, idle);
        }
    }
    return in;
}

static void spi_by_hand(void **state) {
    for (unsigned mode = 0; mode < 4; mode++) {
        set_up(state);
        struct bench *bench = *state;
        add_spi_target(bench, mode);
        shift(bench, mode, 0xff); /* not selected */
        net_drive(&bench->select_driver, NET_LOW);
        assert_int_equal(shift(bench, mode, 0x9f), 0xc0);
        assert_int_equal(shift(bench, mode, 0x42), 0xc1);
        net_drive(&bench->select_driver, NET_HIGH);
        assert_int_equal(bench->count, 2);
        assert_int_equal(bench->heard[0], 0x9f);
        assert_int_equal(bench->heard[1], 0x42);
        assert_int_equal(bench->back.level, NET_LEVEL_FLOATING);
        assert_int_equal(bench->selects, 1);
        tear_down(state);
    }
    set_up(state);
}

static void spi_by_frames(void **state) {
    struct bench *bench = *state;
    add_spi_target(bench, 0);
    assert_int_equal(spi_exchange(&bench->clock, &bench->data, &bench->back, 0x12, 8), 0);
    assert_int_equal(bench->count, 0);
    net_drive(&bench->select_driver, NET_LOW);
    assert_int_equal(spi_exchange(&bench->clock, &bench->data, &bench->back, 0x1234, 16), 0xc0c1);
    assert_memory_equal(bench->heard, "\x12\x34", 2);
    /* twelve bits and four make two bytes */
    assert_int_equal(spi_exchange(&bench->clock, &bench->data, &bench->back, 0xabc, 12), 0xc2c);
    assert_int_equal(spi_exchange(&bench->clock, &bench->data, &bench->back, 0xd, 4), 0x3);
    assert_memory_equal(bench->heard + 2, "\xab\xcd", 2);
    assert_int_equal(spi_exchange(&bench->clock, NULL, NULL, 0xff, 8), 0); /* MOSI is on another wire */
    assert_int_equal(bench->heard[4], 0);
    spi_target_detach(&bench->spi);
    spi_exchange(&bench->clock, &bench->data, &bench->back, 0xff, 8);
    assert_int_equal(bench->count, 5);
}

static bool refuses_0x50(void *context, uint8_t address) {
    return address == 0x50;
}

/* A fault of the bus: by hand and by whole bytes alike, until it is over. */
static void i2c_address_is_refused_by_a_fault(void **state) {
    struct bench *bench = *state;
    bench->stage.env.i2c_refuses = refuses_0x50;
    start(bench);
    assert_false(put(bench, 0x50 << 1));
    stop(bench);
    assert_false(i2c_start(&bench->clock, &bench->data, 0x50, false));
    bench->stage.env.i2c_refuses = NULL;
    start(bench);
    assert_true(put(bench, 0x50 << 1));
    stop(bench);
    assert_true(i2c_start(&bench->clock, &bench->data, 0x50, false));
    i2c_stop(&bench->clock, &bench->data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(i2c_by_hand, set_up_i2c, tear_down),
        cmocka_unit_test_setup_teardown(i2c_first_bit_follows_the_acknowledge_bit, set_up_i2c, tear_down),
        cmocka_unit_test_setup_teardown(i2c_refuses_and_recovers, set_up_i2c, tear_down),
        cmocka_unit_test_setup_teardown(i2c_address_is_refused_by_a_fault, set_up_i2c, tear_down),
        cmocka_unit_test_teardown(spi_by_hand, tear_down),
        cmocka_unit_test_setup_teardown(spi_by_frames, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
