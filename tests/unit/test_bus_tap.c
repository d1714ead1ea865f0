/* Bus taps: waves that the test makes bit by bit, as the standards draw them. */
#include "emulator/session/bus_tap.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define HALF_PS (5 * PS_PER_US) /* of a clock */

struct bench {
    struct stage stage;
    struct net nets[BUS_LINES];
    struct net_driver drivers[BUS_LINES];
    struct bus_tap *tap;
    unsigned heard;
};

static void hear(void *context, const struct bus_transaction *transaction) {
    ((struct bench *)context)->heard++;
}

static void set(struct bench *bench, enum bus_line line, bool level) {
    net_drive(&bench->drivers[line], level ? NET_HIGH : NET_LOW);
}

static void pass(struct bench *bench, uint64_t ps) {
    stage_run(&bench->stage, ps);
}

/* Lines are low but for those in `high`, a bit each; the first `lines` are there. */
static void set_up(struct bench *bench, struct bus_desc desc, unsigned lines, unsigned high) {
    struct error error = { "" };
    *bench = (struct bench){ 0 };
    stage_init(&bench->stage);
    for (enum bus_line line = 0; line < lines; line++) {
        net_init(&bench->nets[line], "wire", &bench->stage.env);
        net_attach(&bench->nets[line], &bench->drivers[line]);
        set(bench, line, high >> line & 1);
        desc.nets[line] = &bench->nets[line];
    }
    desc.done = hear;
    desc.context = bench;
    bench->tap = bus_tap_open(&desc, &error);
    if (!bench->tap) {
        fail_msg("%s", error.message);
    }
}

static const struct bus_transaction *got(struct bench *bench, size_t index, size_t size, const char *data) {
    assert_true(index < bus_tap_count(bench->tap));
    const struct bus_transaction *transaction = bus_tap_get(bench->tap, index);
    assert_int_equal(transaction->size, size);
    assert_memory_equal(size ? (const char *)transaction->data : "", data, size);
    return transaction;
}

/* ---- I2C ---- */

static void i2c_start(struct bench *bench) {
    set(bench, BUS_SDA, true);
    pass(bench, HALF_PS);
    set(bench, BUS_SCL, true);
    pass(bench, HALF_PS);
    set(bench, BUS_SDA, false);
    pass(bench, HALF_PS);
    set(bench, BUS_SCL, false);
}

static void i2c_stop(struct bench *bench) {
    set(bench, BUS_SDA, false);
    pass(bench, HALF_PS);
    set(bench, BUS_SCL, true);
    pass(bench, HALF_PS);
    set(bench, BUS_SDA, true);
    pass(bench, HALF_PS);
}

static void i2c_bit(struct bench *bench, bool bit) {
    pass(bench, HALF_PS / 2);
    set(bench, BUS_SDA, bit);
    pass(bench, HALF_PS / 2);
    set(bench, BUS_SCL, true);
    pass(bench, HALF_PS);
    set(bench, BUS_SCL, false);
}

static void i2c_byte(struct bench *bench, unsigned byte, bool acknowledged) {
    for (unsigned i = 8; i-- > 0;) {
        i2c_bit(bench, byte >> i & 1);
    }
    i2c_bit(bench, !acknowledged);
}

static void i2c_writes_and_reads(void **state) {
    struct bench bench;
    set_up(&bench, (struct bus_desc){ .kind = BUS_I2C }, 2, 3);
    pass(&bench, HALF_PS);
    i2c_start(&bench);
    i2c_byte(&bench, 0x36 << 1, true);
    i2c_byte(&bench, 0x0c, true);
    i2c_start(&bench); /* repeated */
    i2c_byte(&bench, 0x36 << 1 | 1, true);
    i2c_byte(&bench, 0x07, true);
    assert_int_equal(bus_tap_count(bench.tap), 1); /* it is not over yet */
    i2c_byte(&bench, 0xff, false);
    i2c_stop(&bench);
    assert_int_equal(bus_tap_count(bench.tap), 2);
    assert_int_equal(bench.heard, 2);
    const struct bus_transaction *first = got(&bench, 0, 1, "\x0c"), *second = got(&bench, 1, 2, "\x07\xff");
    assert_true(first->address == 0x36 && !first->is_read && first->is_acknowledged && first->is_restarted);
    assert_true(first->acknowledged == 1 && !first->has_error);
    assert_int_equal(first->begin_ps, 3 * HALF_PS);
    assert_int_equal(first->end_ps, second->begin_ps);
    assert_true(second->address == 0x36 && second->is_read && second->is_acknowledged && !second->is_restarted);
    assert_true(second->acknowledged == 1 && !second->has_error); /* the last byte is not */
    assert_null(bus_tap_get(bench.tap, 2));
    bus_tap_forget(bench.tap);
    assert_int_equal(bus_tap_count(bench.tap), 0);
    bus_tap_close(bench.tap);
}

/* Holds SDA low from the end of the eighth bit to the end of the ninth, and has heard SCL before the tap does. */
struct acknowledger {
    struct net_listener listener;
    struct net_driver driver;
    unsigned falls;
};

static void acknowledge(struct net_listener *listener, struct net *scl) {
    struct acknowledger *part = listener->owner;
    if (!net_is_high(scl)) {
        net_drive(&part->driver, part->falls++ % 9 == 8 ? NET_LOW : NET_Z);
    }
}

static void i2c_parts_answer_within_the_edge(void **state) {
    struct bench bench;
    struct acknowledger part = { .listener = { .changed = acknowledge, .owner = &part } };
    struct error error = { "" };
    set_up(&bench, (struct bus_desc){ .kind = BUS_I2C }, 2, 3);
    bus_tap_close(bench.tap);
    net_drive(&bench.drivers[BUS_SDA], NET_PULL_UP);
    net_attach(&bench.nets[BUS_SDA], &part.driver);
    net_listen(&bench.nets[BUS_SCL], &part.listener);
    bench.tap = bus_tap_open(&(struct bus_desc){ .kind = BUS_I2C, .nets = { &bench.nets[0], &bench.nets[1] } }, &error);
    i2c_start(&bench);
    for (unsigned i = 0; i < 18; i++) { /* only the part drives SDA low from here on */
        net_drive(&bench.drivers[BUS_SDA], NET_PULL_UP);
        pass(&bench, HALF_PS);
        set(&bench, BUS_SCL, true);
        pass(&bench, HALF_PS);
        set(&bench, BUS_SCL, false);
    }
    i2c_stop(&bench);
    const struct bus_transaction *all = got(&bench, 0, 1, "\xff");
    assert_true(all->address == 0x7f && all->is_acknowledged && all->acknowledged == 1 && !all->has_error);
    assert_int_equal(bus_tap_count(bench.tap), 1);
    bus_tap_close(bench.tap);
}

static void i2c_tells_who_does_not_answer(void **state) {
    struct bench bench;
    set_up(&bench, (struct bus_desc){ .kind = BUS_I2C }, 2, 3);
    i2c_start(&bench);
    i2c_byte(&bench, 0x50 << 1, false);
    i2c_stop(&bench);
    const struct bus_transaction *nobody = got(&bench, 0, 0, "");
    assert_true(nobody->address == 0x50 && !nobody->is_acknowledged && !nobody->has_error);
    i2c_start(&bench);
    i2c_byte(&bench, 0x50 << 1, true);
    for (unsigned i = 0; i < 5; i++) {
        i2c_bit(&bench, true);
    }
    i2c_stop(&bench); /* within a byte */
    assert_true(got(&bench, 1, 0, "")->has_error);
    bus_tap_close(bench.tap);
}

/* UM10204 3.1.11: 11110 and two bits, then eight; a read begins with a write and repeats the first byte alone. */
static void i2c_has_addresses_of_ten_bits(void **state) {
    struct bench bench;
    set_up(&bench, (struct bus_desc){ .kind = BUS_I2C }, 2, 3);
    i2c_start(&bench);
    i2c_byte(&bench, 0xf0 | 2 << 1, true);
    i2c_byte(&bench, 0x5a, true);
    i2c_byte(&bench, 0x11, true);
    i2c_start(&bench);
    i2c_byte(&bench, 0xf0 | 2 << 1 | 1, true);
    i2c_byte(&bench, 0x22, false);
    i2c_stop(&bench);
    const struct bus_transaction *first = got(&bench, 0, 1, "\x11"), *second = got(&bench, 1, 1, "\x22");
    assert_true(first->is_ten_bit && first->address == 0x25a && !first->is_read);
    assert_true(second->is_ten_bit && second->address == 0x25a && second->is_read);
    bus_tap_close(bench.tap);
}

/* ---- SPI ---- */

static void spi_word(struct bench *bench, unsigned mode, unsigned bits, unsigned mosi, unsigned miso) {
    bool idle = mode >= 2, late = mode & 1; /* CPOL, CPHA */
    for (unsigned i = bits; i-- > 0;) {
        if (late) {
            set(bench, BUS_SCK, !idle);
        }
        set(bench, BUS_MOSI, mosi >> i & 1);
        set(bench, BUS_MISO, miso >> i & 1);
        pass(bench, HALF_PS);
        set(bench, BUS_SCK, late ? idle : !idle);
        pass(bench, HALF_PS);
        if (!late) {
            set(bench, BUS_SCK, idle);
        }
    }
}

static void spi_has_four_modes(void **state) {
    for (unsigned mode = 0; mode < 4; mode++) {
        struct bench bench;
        set_up(&bench, (struct bus_desc){ .kind = BUS_SPI, .mode = mode }, 4, (mode >= 2) | 1u << BUS_CS);
        spi_word(&bench, mode, 8, 0xff, 0xff); /* not selected */
        set(&bench, BUS_CS, false);
        uint64_t begin = bench.stage.scheduler.now_ps;
        pass(&bench, HALF_PS);
        spi_word(&bench, mode, 8, 0xa5, 0x12);
        pass(&bench, 1000 * HALF_PS); /* a pause is none with CS */
        spi_word(&bench, mode, 8, 0x81, 0x34);
        assert_int_equal(bus_tap_count(bench.tap), 0);
        set(&bench, BUS_CS, true);
        const struct bus_transaction *one = got(&bench, 0, 2, "\xa5\x81");
        assert_memory_equal(one->miso, "\x12\x34", 2);
        assert_false(one->has_error);
        assert_int_equal(one->begin_ps, begin);
        assert_int_equal(one->end_ps, bench.stage.scheduler.now_ps);
        bus_tap_close(bench.tap);
    }
}

static void spi_words_have_other_sizes(void **state) {
    struct bench bench;
    set_up(&bench, (struct bus_desc){ .kind = BUS_SPI, .bits = 12, .is_cs_high = true }, 4, 0);
    set(&bench, BUS_CS, true);
    spi_word(&bench, 0, 12, 0xabc, 0x123);
    spi_word(&bench, 0, 5, 0, 0);
    set(&bench, BUS_CS, false);
    const struct bus_transaction *one = got(&bench, 0, 2, "\x0a\xbc");
    assert_memory_equal(one->miso, "\x01\x23", 2);
    assert_true(one->has_error); /* five bits are no word */
    bus_tap_close(bench.tap);
    set_up(&bench, (struct bus_desc){ .kind = BUS_SPI, .is_lsb_first = true }, 4, 0);
    spi_word(&bench, 0, 8, 0x01, 0x80);
    set(&bench, BUS_CS, true);
    assert_memory_equal(got(&bench, 0, 1, "\x80")->miso, "\x01", 1);
    bus_tap_close(bench.tap);
}

static void spi_without_cs_ends_with_a_pause(void **state) {
    struct bench bench;
    set_up(&bench, (struct bus_desc){ .kind = BUS_SPI }, 2, 0); /* SCK and MOSI alone */
    for (unsigned i = 0; i < 2; i++) {
        for (unsigned bit = 0; bit < 16; bit++) {
            set(&bench, BUS_MOSI, bit & 1);
            pass(&bench, HALF_PS);
            set(&bench, BUS_SCK, true);
            pass(&bench, HALF_PS);
            set(&bench, BUS_SCK, false);
        }
        assert_int_equal(bus_tap_count(bench.tap), i);
        pass(&bench, 50 * HALF_PS);
        assert_null(got(&bench, i, 2, "\x55\x55")->miso);
    }
    bus_tap_close(bench.tap);
}

/* ---- UART ---- */

#define BAUD 100000
#define BIT_PS (10 * PS_PER_US)

static void uart_frame(struct bench *bench, unsigned bits, unsigned count, bool inverted) {
    set(bench, BUS_LINE, inverted);
    pass(bench, BIT_PS);
    for (unsigned i = 0; i < count; i++) {
        set(bench, BUS_LINE, (bits >> i & 1) != inverted);
        pass(bench, BIT_PS);
    }
    set(bench, BUS_LINE, !inverted);
    pass(bench, BIT_PS);
}

static void uart_bytes_are_read(void **state) {
    struct bench bench;
    set_up(&bench, (struct bus_desc){ .kind = BUS_UART, .baud = BAUD }, 1, 1);
    pass(&bench, 3 * BIT_PS);
    uart_frame(&bench, 'H', 8, false);
    uart_frame(&bench, 0x00, 8, false);
    pass(&bench, 4 * BIT_PS); /* short */
    uart_frame(&bench, 0xff, 8, false);
    assert_int_equal(bus_tap_count(bench.tap), 0);
    pass(&bench, 40 * BIT_PS);
    const struct bus_transaction *first = got(&bench, 0, 3, "H\0\xff");
    assert_false(first->has_error);
    assert_int_equal(first->begin_ps, 3 * BIT_PS);
    assert_in_range(first->end_ps, (3 + 34) * BIT_PS - BIT_PS / 2, (3 + 34) * BIT_PS);
    uart_frame(&bench, 'i', 8, false);
    pass(&bench, 40 * BIT_PS);
    got(&bench, 1, 1, "i");
    bus_tap_close(bench.tap);
}

/* The bytes are read at a rate that is 4 % off, at 6 % the last bits are missed. */
static void uart_rates_may_differ_a_little(void **state) {
    for (unsigned percent = 94; percent <= 106; percent += 2) {
        struct bench bench;
        set_up(&bench, (struct bus_desc){ .kind = BUS_UART, .baud = BAUD * percent / 100.0 }, 1, 1);
        for (unsigned i = 0; i < 256; i++) {
            uart_frame(&bench, i, 8, false);
        }
        pass(&bench, 50 * BIT_PS);
        bool fits = percent >= 96 && percent <= 104;
        const struct bus_transaction *one = bus_tap_count(bench.tap) ? bus_tap_get(bench.tap, 0) : NULL;
        assert_non_null(one);
        assert_int_equal(fits, one->size == 256 && !one->has_error);
        bus_tap_close(bench.tap);
    }
}

static void uart_parity_and_stop_are_checked(void **state) {
    struct bench bench;
    set_up(&bench, (struct bus_desc){ .kind = BUS_UART, .baud = BAUD, .bits = 7, .parity = BUS_EVEN }, 1, 1);
    uart_frame(&bench, 0x43 | 1 << 7, 8, false); /* three ones and the parity */
    pass(&bench, 50 * BIT_PS);
    assert_false(got(&bench, 0, 1, "\x43")->has_error);
    uart_frame(&bench, 0x43, 8, false);
    pass(&bench, 50 * BIT_PS);
    assert_true(got(&bench, 1, 1, "\x43")->has_error);
    bus_tap_close(bench.tap);
    set_up(&bench, (struct bus_desc){ .kind = BUS_UART, .baud = BAUD, .is_inverted = true }, 1, 0);
    uart_frame(&bench, 0x5a, 8, true);
    set(&bench, BUS_LINE, true); /* a break */
    pass(&bench, 20 * BIT_PS);
    set(&bench, BUS_LINE, false);
    pass(&bench, 50 * BIT_PS);
    assert_true(got(&bench, 0, 2, "\x5a\0")->has_error);
    bus_tap_close(bench.tap);
}

/* ---- Limits ---- */

static void endless_transactions_are_split(void **state) {
    struct bench bench;
    set_up(&bench, (struct bus_desc){ .kind = BUS_SPI }, 4, 0);
    for (unsigned i = 0; i < BUS_TAP_BYTES + 3; i++) {
        spi_word(&bench, 0, 8, i & 0xff, 0);
    }
    set(&bench, BUS_CS, true);
    assert_int_equal(bus_tap_count(bench.tap), 2);
    assert_int_equal(bus_tap_get(bench.tap, 0)->size, BUS_TAP_BYTES);
    got(&bench, 1, 3, "\0\1\2");
    for (unsigned i = 0; i < BUS_TAP_TRANSACTIONS; i++) {
        set(&bench, BUS_CS, false);
        set(&bench, BUS_CS, true);
    }
    assert_int_equal(bus_tap_count(bench.tap), BUS_TAP_TRANSACTIONS);
    assert_int_equal(bus_tap_lost(bench.tap), 2);
    bus_tap_close(bench.tap);
}

static void refuses(struct bus_desc desc, const char *expected) {
    struct error error = { "" };
    assert_null(bus_tap_open(&desc, &error));
    assert_string_equal(error.message, expected);
}

static void mistakes_are_told(void **state) {
    struct net net = { .name = "wire" };
    bus_tap_close(NULL);
    refuses((struct bus_desc){ .kind = BUS_I2C, .nets = { &net } }, "an I2C bus has the lines sda and scl");
    refuses((struct bus_desc){ .kind = BUS_SPI, .nets = { &net } },
            "an SPI bus has the line sck, and mosi or miso or both");
    refuses((struct bus_desc){ .kind = BUS_SPI, .nets = { &net, &net }, .bits = 17 }, "words have 4 to 16 bits");
    refuses((struct bus_desc){ .kind = BUS_SPI, .nets = { &net, &net }, .mode = 4 },
            "the mode of an SPI bus is from 0 to 3");
    refuses((struct bus_desc){ .kind = BUS_UART, .baud = 9600 }, "a UART has one line");
    refuses((struct bus_desc){ .kind = BUS_UART, .nets = { &net }, .bits = 9, .baud = 9600 }, "words have 5 to 8 bits");
    refuses((struct bus_desc){ .kind = BUS_UART, .nets = { &net } }, "the baud rate is from 10 to 100000000");
    refuses((struct bus_desc){ .kind = BUS_UART, .nets = { &net }, .baud = 1e300 },
            "the baud rate is from 10 to 100000000");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(i2c_writes_and_reads),
        cmocka_unit_test(i2c_parts_answer_within_the_edge),
        cmocka_unit_test(i2c_tells_who_does_not_answer),
        cmocka_unit_test(i2c_has_addresses_of_ten_bits),
        cmocka_unit_test(spi_has_four_modes),
        cmocka_unit_test(spi_words_have_other_sizes),
        cmocka_unit_test(spi_without_cs_ends_with_a_pause),
        cmocka_unit_test(uart_bytes_are_read),
        cmocka_unit_test(uart_rates_may_differ_a_little),
        cmocka_unit_test(uart_parity_and_stop_are_checked),
        cmocka_unit_test(endless_transactions_are_split),
        cmocka_unit_test(mistakes_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
