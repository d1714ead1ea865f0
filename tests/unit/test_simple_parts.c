/* Parts without a bus: what their data sheets say of times and pins. */
#include "tests/unit/parts.h"

#include <stdio.h>
#include <string.h>

static void wait(struct bench *bench, uint64_t ps) {
    scheduler_advance(&bench->stage.scheduler, scheduler_now(&bench->stage.scheduler) + ps);
}

/* ---- NeoPixel: WS2812B data sheet, "Data transfer time" and "Composition of 24bit data" ---- */

static void send_bit(struct bench *bench, bool bit) {
    bench_drive(bench, "DIN", NET_HIGH);
    wait(bench, bit ? 800 * PS_PER_NS : 400 * PS_PER_NS);
    bench_drive(bench, "DIN", NET_LOW);
    wait(bench, bit ? 450 * PS_PER_NS : 850 * PS_PER_NS);
}

static void send_bytes(struct bench *bench, const char *bytes, unsigned count) {
    for (unsigned i = 0; i < 8 * count; i++) {
        send_bit(bench, bytes[i / 8] >> (7 - i % 8) & 1);
    }
}

static void pixel_shows_a_frame_after_its_end(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-neopixel");
    bench_start(&bench);
    bench_drive(&bench, "DIN", NET_LOW);
    send_bytes(&bench, "\x40\x80\x00", 3); /* green, red, blue */
    assert_float_equal(part_view(bench.part, 0)->light.brightness, 0, 0.001);
    wait(&bench, 50 * PS_PER_US);
    assert_float_equal(part_view(bench.part, 0)->light.brightness, 128 / 255.0, 0.001);
    assert_int_equal(part_view(bench.part, 0)->light.colour, 0xff7f00);
    send_bytes(&bench, "\x00\x00\xff", 2); /* not all of its bits */
    wait(&bench, 50 * PS_PER_US);
    assert_int_equal(part_view(bench.part, 0)->light.colour, 0xff7f00);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 0);
    part_reset(bench.part);
    assert_float_equal(part_view(bench.part, 0)->light.brightness, 0, 0.001);
    bench_finish(&bench);
}

struct pulses {
    struct bench *bench;
    struct net_listener listener;
    uint64_t rise_ps;
    unsigned bits, count;
};

static void note_pulse(struct net_listener *listener, struct net *net) {
    struct pulses *pulses = listener->owner;
    uint64_t now = scheduler_now(&pulses->bench->stage.scheduler);
    if (net_is_high(net)) {
        pulses->rise_ps = now;
    } else if (pulses->rise_ps) {
        pulses->bits = pulses->bits << 1 | (now - pulses->rise_ps > 600 * PS_PER_NS);
        pulses->count++;
    }
}

static void pixel_passes_on_what_is_not_its_own(void **state) {
    struct bench bench;
    struct pulses pulses = { .bench = &bench };
    bench_create(&bench, "neopixel");
    bench_start(&bench);
    bench_drive(&bench, "DIN", NET_LOW);
    pulses.listener = (struct net_listener){ .changed = note_pulse, .owner = &pulses };
    net_listen(bench_net(&bench, "DOUT"), &pulses.listener);
    send_bytes(&bench, "\x01\x02\x03\x5a\xc3\x0f", 6);
    wait(&bench, PS_PER_US);
    assert_int_equal(pulses.count, 24);
    assert_int_equal(pulses.bits, 0x5ac30f);
    net_unlisten(bench_net(&bench, "DOUT"), &pulses.listener);
    bench_finish(&bench);
}

static void strip_has_pixels(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-neopixel-matrix");
    bench_attribute(&bench, "rows", "2");
    bench_attribute(&bench, "cols", "3");
    bench_start(&bench);
    bench_drive(&bench, "DIN", NET_LOW);
    const struct part_view *view = part_view(bench.part, 0);
    assert_int_equal(view->screen.width, 3);
    assert_int_equal(view->screen.height, 2);
    uint64_t generation = view->screen.generation;
    send_bytes(&bench, "\0\0\0\0\0\0\0\0\0\0\0\0\x02\x01\x03", 15);
    wait(&bench, 60 * PS_PER_US);
    assert_int_equal(part_view(bench.part, 0)->screen.pixels[4], 0x010203);
    assert_true(part_view(bench.part, 0)->screen.generation > generation);
    bench_finish(&bench);
    bench_create(&bench, "neopixel-strip");
    bench_attribute(&bench, "rows", "64");
    bench_attribute(&bench, "cols", "64");
    assert_false(part_start(bench.part, &bench.error));
    assert_non_null(strstr(bench.error.message, "4096 pixels"));
    bench_finish(&bench);
}

static void white_is_a_fourth_byte(void **state) {
    struct bench bench;
    bench_create(&bench, "neopixel");
    bench_attribute(&bench, "white", "1");
    bench_start(&bench);
    bench_drive(&bench, "DIN", NET_LOW);
    send_bytes(&bench, "\x00\x00\x00\xff", 4);
    wait(&bench, 50 * PS_PER_US);
    assert_int_equal(part_view(bench.part, 0)->light.colour, 0xffffff);
    bench_finish(&bench);
}

static void pulse_that_is_no_bit_is_told_once(void **state) {
    struct bench bench;
    bench_create(&bench, "neopixel");
    bench_start(&bench);
    bench_drive(&bench, "DIN", NET_LOW);
    for (unsigned i = 0; i < 3; i++) {
        bench_drive(&bench, "DIN", NET_HIGH);
        wait(&bench, 20 * PS_PER_US);
        bench_drive(&bench, "DIN", NET_LOW);
        wait(&bench, 10 * PS_PER_US);
    }
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 1);
    bench_finish(&bench);
}

/* ---- RGB LED ---- */

static void colours_mix(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-rgb-led"); /* common anode */
    bench_start(&bench);
    bench_drive(&bench, "COM", NET_HIGH);
    bench_drive(&bench, "R", NET_LOW);
    bench_drive(&bench, "G", NET_HIGH);
    bench_drive(&bench, "B", NET_LOW);
    wait(&bench, 100 * PS_PER_MS);
    assert_int_equal(part_view(bench.part, 0)->light.colour, 0xff00ff);
    bench_finish(&bench);
    bench_create(&bench, "rgb-led");
    bench_attribute(&bench, "common", "cathode");
    bench_start(&bench);
    bench_drive(&bench, "COM", NET_LOW);
    bench_drive(&bench, "G", NET_HIGH);
    wait(&bench, 100 * PS_PER_MS);
    assert_int_equal(part_view(bench.part, 0)->light.colour, 0x00ff00);
    assert_float_equal(part_view(bench.part, 0)->light.brightness, 1, 0.001);
    bench_finish(&bench);
}

/* ---- Servo: SG90 data sheet ---- */

static void pulse(struct bench *bench, uint64_t us) {
    bench_drive(bench, "PWM", NET_HIGH);
    wait(bench, us * PS_PER_US);
    bench_drive(bench, "PWM", NET_LOW);
    wait(bench, (20000 - us) * PS_PER_US);
}

static void horn_goes_where_pulses_say(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-servo");
    bench_start(&bench);
    bench_drive(&bench, "PWM", NET_LOW);
    pulse(&bench, 2400);
    assert_in_range(part_view(bench.part, 0)->pointer.degrees, 8, 12); /* on its way: 0.1 s for 60 degrees */
    for (unsigned i = 0; i < 20; i++) {
        pulse(&bench, 2400);
    }
    assert_float_equal(part_view(bench.part, 0)->pointer.degrees, 180, 0.01);
    for (unsigned i = 0; i < 20; i++) {
        pulse(&bench, 1450);
    }
    assert_float_equal(part_view(bench.part, 0)->pointer.degrees, 90, 0.01);
    pulse(&bench, 50); /* none for a servo */
    wait(&bench, PS_PER_S);
    assert_float_equal(part_view(bench.part, 0)->pointer.degrees, 90, 0.01);
    bench_finish(&bench);
}

/* ---- Buzzer ---- */

static void buzzer_tells_its_frequency(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-buzzer");
    bench_start(&bench);
    bench_drive(&bench, "1", NET_LOW);
    bench_drive(&bench, "2", NET_LOW);
    for (unsigned i = 0; i < 10; i++) {
        bench_drive(&bench, "2", NET_HIGH);
        wait(&bench, 500 * PS_PER_US);
        bench_drive(&bench, "2", NET_LOW);
        wait(&bench, 500 * PS_PER_US);
    }
    assert_float_equal(part_view(bench.part, 0)->light.brightness, 1, 0.001);
    assert_string_equal(part_view(bench.part, 1)->text, "1000 Hz");
    wait(&bench, 5 * PS_PER_MS);
    assert_float_equal(part_view(bench.part, 0)->light.brightness, 0, 0.001);
    assert_string_equal(part_view(bench.part, 1)->text, "");
    bench_finish(&bench);
}

/* ---- Switch, breadboard ---- */

static void switch_connects_the_middle(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-slide-switch");
    bench_start(&bench);
    bench_drive(&bench, "1", NET_LOW);
    bench_drive(&bench, "3", NET_HIGH);
    assert_false(net_is_high(bench_net(&bench, "2")));
    bench_set(&bench, "position", 1);
    assert_true(net_is_high(bench_net(&bench, "2")));
    bench_finish(&bench);
}

static void holes_of_a_column_are_one(void **state) {
    static const char *const boards[] = { "wokwi-breadboard", "wokwi-breadboard-half", "wokwi-breadboard-mini" };
    static const unsigned columns[] = { 63, 30, 17 };
    for (unsigned i = 0; i < 3; i++) {
        const struct part_class *class = part_class_find(boards[i]);
        char name[2][16];
        for (unsigned column = 1; column <= columns[i]; column++) {
            for (unsigned hole = 0; hole < 5; hole++) {
                snprintf(name[0], sizeof(name[0]), "%ut.%c", column, 'a' + hole);
                snprintf(name[1], sizeof(name[1]), "%ub.%c", column, 'f' + hole);
                assert_int_equal(part_pin_find(class, name[0]), 2 * (column - 1));
                assert_int_equal(part_pin_find(class, name[1]), 2 * (column - 1) + 1);
            }
        }
        snprintf(name[0], sizeof(name[0]), "%ut.a", columns[i] + 1);
        assert_int_equal(part_pin_find(class, name[0]), -1);
    }
    const struct part_class *full = part_class_find("breadboard"), *half = part_class_find("breadboard-half");
    assert_int_equal(part_pin_find(full, "tp.1"), part_pin_find(full, "tp.50"));
    assert_int_equal(part_pin_find(full, "bn.26"), part_pin_find(full, "bn.1"));
    assert_int_equal(part_pin_find(half, "tn.25"), part_pin_find(half, "tn.2"));
    assert_int_equal(part_pin_find(half, "tn.26"), -1);
    assert_int_not_equal(part_pin_find(full, "tp.1"), part_pin_find(full, "bp.1"));
}

/* ---- Motion sensor ---- */

static void motion_lasts_for_the_delay(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-pir-motion-sensor");
    bench_attribute(&bench, "delayTime", "2");
    bench_start(&bench);
    struct net *out = bench_net(&bench, "OUT");
    assert_false(net_is_high(out));
    bench_set(&bench, "motion", 1);
    bench_set(&bench, "motion", 0);
    assert_true(net_is_high(out));
    wait(&bench, 1900 * PS_PER_MS);
    assert_true(net_is_high(out));
    wait(&bench, 200 * PS_PER_MS);
    assert_false(net_is_high(out));
    bench_set(&bench, "motion", 1); /* it is blind for 1.2 s */
    assert_false(net_is_high(out));
    wait(&bench, 1200 * PS_PER_MS);
    assert_true(net_is_high(out));
    wait(&bench, 5 * PS_PER_S); /* something still moves */
    assert_true(net_is_high(out));
    bench_finish(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixel_shows_a_frame_after_its_end),
        cmocka_unit_test(pixel_passes_on_what_is_not_its_own),
        cmocka_unit_test(strip_has_pixels),
        cmocka_unit_test(white_is_a_fourth_byte),
        cmocka_unit_test(pulse_that_is_no_bit_is_told_once),
        cmocka_unit_test(colours_mix),
        cmocka_unit_test(horn_goes_where_pulses_say),
        cmocka_unit_test(buzzer_tells_its_frequency),
        cmocka_unit_test(switch_connects_the_middle),
        cmocka_unit_test(holes_of_a_column_are_one),
        cmocka_unit_test(motion_lasts_for_the_delay),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
