/* AS5600: what the datasheet says of registers, angle, field, filter, output and programming. */
#include "emulator/core/serial.h"
#include "tests/unit/parts.h"

#include <math.h>
#include <string.h>

static struct net *scl(struct bench *bench) {
    return bench_net(bench, "SCL");
}

static struct net *sda(struct bench *bench) {
    return bench_net(bench, "SDA");
}

static void set_pointer(struct bench *bench, uint8_t address) {
    assert_true(i2c_start(scl(bench), sda(bench), 0x36, false));
    assert_true(i2c_write(scl(bench), sda(bench), address));
}

static unsigned read_byte(struct bench *bench, uint8_t address) {
    set_pointer(bench, address);
    assert_true(i2c_start(scl(bench), sda(bench), 0x36, true));
    unsigned value = i2c_read(scl(bench), sda(bench));
    i2c_stop(scl(bench), sda(bench));
    return value;
}

static unsigned read_word(struct bench *bench, uint8_t address) {
    return read_byte(bench, address) << 8 | read_byte(bench, address + 1);
}

static void write_word(struct bench *bench, uint8_t address, unsigned value) {
    set_pointer(bench, address);
    assert_true(i2c_write(scl(bench), sda(bench), (uint8_t)(value >> 8)));
    assert_true(i2c_write(scl(bench), sda(bench), (uint8_t)value));
    i2c_stop(scl(bench), sda(bench));
}

static void write_byte(struct bench *bench, uint8_t address, uint8_t value) {
    set_pointer(bench, address);
    assert_true(i2c_write(scl(bench), sda(bench), value));
    i2c_stop(scl(bench), sda(bench));
}

static void begin(struct bench *bench) {
    bench_create(bench, "as5600");
    bench_start(bench);
    stage_run(&bench->stage, 10 * PS_PER_MS);
}

static void turn_to(struct bench *bench, double degrees) {
    bench_set(bench, "angle", degrees);
    stage_run(&bench->stage, 50 * PS_PER_MS);
}

static void it_measures_when_it_has_started(void **state) {
    struct bench bench;
    bench_create(&bench, "as5600");
    bench_attribute(&bench, "angle", "90 deg");
    bench_start(&bench);
    assert_int_equal(read_byte(&bench, 0x0b), 0);
    assert_int_equal(read_word(&bench, 0x0c), 0);
    stage_run(&bench.stage, 10 * PS_PER_MS);
    assert_int_equal(read_byte(&bench, 0x0b), 0x20);
    assert_int_equal(read_word(&bench, 0x0c), 1024);
    assert_false(i2c_start(scl(&bench), sda(&bench), 0x37, false));
    bench_finish(&bench);
}

static void angles_are_twelve_bits_of_a_turn(void **state) {
    static const struct {
        double degrees;
        unsigned steps;
    } table[] = { { 0, 0 }, { 45, 512 }, { 90, 1024 }, { 180, 2048 }, { 359.9, 4095 }, { 360, 0 }, { 725, 57 } };
    struct bench bench;
    begin(&bench);
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        turn_to(&bench, 120);
        turn_to(&bench, table[i].degrees);
        assert_int_equal(read_word(&bench, 0x0c), table[i].steps);
        assert_int_equal(read_word(&bench, 0x0e), table[i].steps);
    }
    turn_to(&bench, 90);
    assert_float_equal(part_view(bench.part, 0)->pointer.degrees, 90, 1e-9);
    bench_drive(&bench, "DIR", NET_HIGH);
    stage_run(&bench.stage, 50 * PS_PER_MS);
    assert_int_equal(read_word(&bench, 0x0c), 3072);
    bench_finish(&bench);
}

static void reading_an_angle_again_needs_no_pointer(void **state) {
    struct bench bench;
    begin(&bench);
    turn_to(&bench, 45);
    set_pointer(&bench, 0x0c);
    i2c_start(scl(&bench), sda(&bench), 0x36, true);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(i2c_read(scl(&bench), sda(&bench)), 0x02);
        assert_int_equal(i2c_read(scl(&bench), sda(&bench)), 0x00);
    }
    for (unsigned i = 0; i < 2; i++) { /* a byte at a time it is the high one each time */
        i2c_start(scl(&bench), sda(&bench), 0x36, true);
        assert_int_equal(i2c_read(scl(&bench), sda(&bench)), 0x02);
        i2c_stop(scl(&bench), sda(&bench));
    }
    bench_finish(&bench);
}

/* Only a pointer that is set to a high byte stays: STATUS, RAW ANGLE and ANGLE in one go. */
static void all_measurements_can_be_read_at_once(void **state) {
    static const uint8_t expected[] = { 0x20, 0x02, 0x00, 0x02, 0x00, 0x00 };
    struct bench bench;
    begin(&bench);
    turn_to(&bench, 45);
    set_pointer(&bench, 0x0b);
    i2c_start(scl(&bench), sda(&bench), 0x36, true);
    for (unsigned i = 0; i < sizeof(expected); i++) {
        assert_int_equal(i2c_read(scl(&bench), sda(&bench)), expected[i]);
    }
    set_pointer(&bench, 0x0d); /* a low byte */
    i2c_start(scl(&bench), sda(&bench), 0x36, true);
    for (unsigned i = 2; i < sizeof(expected); i++) {
        assert_int_equal(i2c_read(scl(&bench), sda(&bench)), expected[i]);
    }
    bench_finish(&bench);
}

static void invalid_addresses_are_not_acknowledged(void **state) {
    struct bench bench;
    begin(&bench);
    assert_true(i2c_start(scl(&bench), sda(&bench), 0x36, false));
    assert_false(i2c_write(scl(&bench), sda(&bench), 0x20));
    assert_false(i2c_write(scl(&bench), sda(&bench), 0x55));
    assert_true(i2c_start(scl(&bench), sda(&bench), 0x36, true));
    assert_int_equal(i2c_read(scl(&bench), sda(&bench)), 0);
    bench_finish(&bench);
}

static void the_field_shows_in_status_gain_and_magnitude(void **state) {
    static const struct {
        double field;
        unsigned status, agc;
    } table[] = { { 5, 0x10, 128 }, { 20, 0x30, 128 }, { 30, 0x20, 128 }, { 90, 0x20, 0 }, { 100, 0x28, 0 } };
    struct bench bench;
    begin(&bench);
    for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        bench_set(&bench, "field", table[i].field);
        assert_int_equal(read_byte(&bench, 0x0b), table[i].status);
        assert_int_equal(read_byte(&bench, 0x1a), table[i].agc);
    }
    bench_set(&bench, "field", 50);
    assert_in_range(read_byte(&bench, 0x1a), 40, 80);
    unsigned held = read_word(&bench, 0x1b);
    bench_set(&bench, "field", 60);
    assert_int_equal(read_word(&bench, 0x1b), held);
    bench_set(&bench, "field", 15);
    assert_int_equal(read_word(&bench, 0x1b), held / 2);
    assert_false(part_set(bench.part, "field", -1, &bench.error));
    bench_finish(&bench);
    bench_create(&bench, "as5600");
    bench_attribute(&bench, "supply", "5");
    bench_attribute(&bench, "field", "20");
    bench_start(&bench);
    stage_run(&bench.stage, 10 * PS_PER_MS);
    assert_int_equal(read_byte(&bench, 0x1a), 255);
    bench_finish(&bench);
}

/* Time until half of a step is through: within the step response time of the setting, which is that of 63 %. */
static void the_slow_filter_takes_its_time(void **state) {
    static const unsigned response_us[] = { 2200, 1100, 550, 286 };
    for (unsigned sf = 0; sf < 4; sf++) {
        struct bench bench;
        begin(&bench);
        write_word(&bench, 0x07, sf << 8);
        stage_run(&bench.stage, PS_PER_MS);
        bench_set(&bench, "angle", 90);
        stage_run(&bench.stage, response_us[sf] * PS_PER_US);
        assert_in_range(read_word(&bench, 0x0c), 0.45 * 1024, 0.78 * 1024);
        stage_run(&bench.stage, 10 * response_us[sf] * PS_PER_US);
        assert_in_range(read_word(&bench, 0x0c), 1022, 1024);
        bench_finish(&bench);
    }
}

static void the_fast_filter_jumps_over_its_threshold(void **state) {
    struct bench bench;
    begin(&bench);
    write_word(&bench, 0x07, 7 << 10); /* 10 steps */
    bench_set(&bench, "angle", 90);
    stage_run(&bench.stage, 300 * PS_PER_US);
    assert_int_equal(read_word(&bench, 0x0c), 1024);
    bench_set(&bench, "angle", 90 + 8 * 360.0 / 4096);
    stage_run(&bench.stage, 300 * PS_PER_US);
    assert_in_range(read_word(&bench, 0x0c), 1024, 1026);
    bench_finish(&bench);
}

static void turning_through_zero_takes_the_short_way(void **state) {
    struct bench bench;
    begin(&bench);
    turn_to(&bench, 350);
    bench_set(&bench, "angle", 10);
    stage_run(&bench.stage, PS_PER_MS);
    unsigned raw = read_word(&bench, 0x0c);
    assert_true(raw > 3982 || raw < 114);
    bench_finish(&bench);
}

static void low_power_modes_poll(void **state) {
    static const unsigned period_ms[] = { 0, 5, 20, 100 };
    for (unsigned pm = 1; pm < 4; pm++) {
        struct bench bench;
        begin(&bench);
        write_word(&bench, 0x07, pm);
        stage_run(&bench.stage, 10 * period_ms[pm] * PS_PER_MS + PS_PER_MS);
        read_word(&bench, 0x0c);
        bench_set(&bench, "angle", 180);
        assert_int_equal(read_word(&bench, 0x0c), 0);
        stage_run(&bench.stage, period_ms[pm] * PS_PER_MS);
        assert_int_equal(read_word(&bench, 0x0c), 2048);
        bench_finish(&bench);
    }
}

static void the_watchdog_sends_it_to_sleep(void **state) {
    struct bench bench;
    begin(&bench);
    write_word(&bench, 0x07, 0x2000);
    stage_run(&bench.stage, 61 * PS_PER_S);
    read_word(&bench, 0x0c);
    bench_set(&bench, "angle", 90);
    stage_run(&bench.stage, PS_PER_MS);
    assert_int_equal(read_word(&bench, 0x0c), 0);
    stage_run(&bench.stage, 100 * PS_PER_MS);
    assert_int_equal(read_word(&bench, 0x0c), 1024);
    bench_set(&bench, "angle", 180); /* awake again */
    stage_run(&bench.stage, 40 * PS_PER_MS);
    assert_int_equal(read_word(&bench, 0x0c), 2048);
    bench_finish(&bench);
}

static void a_range_is_scaled(void **state) {
    struct bench bench;
    begin(&bench);
    write_word(&bench, 0x01, 512);        /* 45 degrees */
    write_word(&bench, 0x03, 512 + 1024); /* to 135 */
    turn_to(&bench, 90);
    assert_int_equal(read_word(&bench, 0x0c), 1024);
    assert_in_range(read_word(&bench, 0x0e), 2046, 2049);
    turn_to(&bench, 140);
    assert_int_equal(read_word(&bench, 0x0e), 4095);
    turn_to(&bench, 40);
    assert_int_equal(read_word(&bench, 0x0e), 0);
    write_word(&bench, 0x03, 0);
    write_word(&bench, 0x05, 2048); /* 180 degrees from 45 on */
    turn_to(&bench, 135);
    assert_in_range(read_word(&bench, 0x0e), 2046, 2049);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 0);
    write_word(&bench, 0x05, 100);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 1);
    bench_finish(&bench);
}

static void the_ends_of_a_turn_do_not_toggle(void **state) {
    struct bench bench;
    begin(&bench);
    turn_to(&bench, 359.5);
    unsigned before = read_word(&bench, 0x0e);
    turn_to(&bench, 0.4); /* 5 steps over the end */
    assert_int_equal(read_word(&bench, 0x0c), 5);
    assert_in_range(read_word(&bench, 0x0e), before, 4095);
    turn_to(&bench, 1.5);
    assert_int_equal(read_word(&bench, 0x0e), 17);
    bench_finish(&bench);
}

static void hysteresis_holds_the_angle(void **state) {
    struct bench bench;
    const double step = 360.0 / 4096;
    begin(&bench);
    write_word(&bench, 0x07, 3 << 2);
    turn_to(&bench, 90);
    turn_to(&bench, 90 + 3 * step);
    assert_int_equal(read_word(&bench, 0x0c), 1027);
    assert_int_equal(read_word(&bench, 0x0e), 1024);
    turn_to(&bench, 90 + 4 * step);
    assert_int_equal(read_word(&bench, 0x0e), 1028);
    bench_finish(&bench);
}

static void out_is_a_voltage(void **state) {
    struct bench bench;
    begin(&bench);
    turn_to(&bench, 180);
    assert_float_equal(net_volts(bench_net(&bench, "OUT")), 1.65, 0.002);
    write_word(&bench, 0x07, 1 << 4); /* 10 to 90 % */
    turn_to(&bench, 0);
    turn_to(&bench, 90);
    assert_float_equal(net_volts(bench_net(&bench, "OUT")), 3.3 * 0.3, 0.002);
    bench_set(&bench, "field", 2);
    assert_float_equal(net_volts(bench_net(&bench, "OUT")), 0, 0.002);
    bench_finish(&bench);
}

static uint64_t until(struct bench *bench, bool high) {
    uint64_t begin_ps = bench->stage.scheduler.now_ps;
    while (net_is_high(bench_net(bench, "OUT")) != high) {
        assert_non_null(bench->stage.scheduler.first);
        scheduler_advance(&bench->stage.scheduler, bench->stage.scheduler.first->when_ps);
    }
    return bench->stage.scheduler.now_ps - begin_ps;
}

static void out_is_a_pulse(void **state) {
    struct bench bench;
    begin(&bench);
    turn_to(&bench, 180);
    write_word(&bench, 0x07, 2 << 4 | 1 << 6); /* 230 Hz */
    until(&bench, false);
    until(&bench, true);
    double high = (double)until(&bench, false), low = (double)until(&bench, true);
    assert_float_equal(1e12 / (high + low), 230, 0.1);
    assert_float_equal(high / (high + low), (128 + 2048) / 4351.0, 1e-4);
    bench_finish(&bench);
}

static void burning_has_its_limits(void **state) {
    struct bench bench;
    begin(&bench);
    write_word(&bench, 0x05, 2048);
    write_byte(&bench, 0xff, 0x40);
    part_reset(bench.part);
    stage_run(&bench.stage, 10 * PS_PER_MS);
    assert_int_equal(read_word(&bench, 0x05), 2048);
    write_byte(&bench, 0xff, 0x40); /* once only */
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 1);
    bench_set(&bench, "field", 2);
    write_byte(&bench, 0xff, 0x80); /* not without a magnet */
    assert_int_equal(read_byte(&bench, 0x00), 0);
    bench_set(&bench, "field", 50);
    for (unsigned i = 1; i <= 4; i++) {
        write_word(&bench, 0x01, 100 * i);
        write_byte(&bench, 0xff, 0x80);
        assert_int_equal(read_byte(&bench, 0x00), i < 3 ? i : 3);
    }
    write_word(&bench, 0x01, 7);
    static const uint8_t load[] = { 0x01, 0x11, 0x10 };
    for (unsigned i = 0; i < 3; i++) {
        write_byte(&bench, 0xff, load[i]);
    }
    assert_int_equal(read_word(&bench, 0x01), 300);
    bench_finish(&bench);
}

static void settings_keep_their_bits(void **state) {
    struct bench bench;
    begin(&bench);
    for (uint8_t address = 0x01; address <= 0x05; address += 2) {
        write_word(&bench, address, 0xffff);
        assert_int_equal(read_word(&bench, address), 0x0fff);
    }
    write_word(&bench, 0x07, 0xffff);
    assert_int_equal(read_word(&bench, 0x07), 0x3fff);
    part_reset(bench.part);
    stage_run(&bench.stage, 10 * PS_PER_MS);
    assert_int_equal(read_word(&bench, 0x07), 0);
    bench_finish(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_measures_when_it_has_started),
        cmocka_unit_test(angles_are_twelve_bits_of_a_turn),
        cmocka_unit_test(reading_an_angle_again_needs_no_pointer),
        cmocka_unit_test(all_measurements_can_be_read_at_once),
        cmocka_unit_test(invalid_addresses_are_not_acknowledged),
        cmocka_unit_test(the_field_shows_in_status_gain_and_magnitude),
        cmocka_unit_test(the_slow_filter_takes_its_time),
        cmocka_unit_test(the_fast_filter_jumps_over_its_threshold),
        cmocka_unit_test(turning_through_zero_takes_the_short_way),
        cmocka_unit_test(low_power_modes_poll),
        cmocka_unit_test(the_watchdog_sends_it_to_sleep),
        cmocka_unit_test(a_range_is_scaled),
        cmocka_unit_test(the_ends_of_a_turn_do_not_toggle),
        cmocka_unit_test(hysteresis_holds_the_angle),
        cmocka_unit_test(out_is_a_voltage),
        cmocka_unit_test(out_is_a_pulse),
        cmocka_unit_test(burning_has_its_limits),
        cmocka_unit_test(settings_keep_their_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
