/* What is the same for all parts: names, texts, errors; and the parts without a chip in them. */
#include "tests/unit/parts.h"

#include <math.h>
#include <string.h>

static void types_and_aliases_find_classes(void **state) {
    assert_ptr_equal(part_class_find("led"), part_class_find("wokwi-led"));
    assert_null(part_class_find("flux-capacitor"));
    assert_string_equal(part_nearest_type("wokwi-puhsbutton"), "wokwi-pushbutton");
    assert_string_equal(part_nearest_type("resitor"), "resistor");
    assert_null(part_nearest_type("flux-capacitor"));
}

static void every_class_is_complete(void **state) {
    struct stage stage;
    stage_init(&stage);
    for (const struct part_class *const *class = parts_registry; *class; class ++) {
        struct error error;
        assert_non_null((*class)->title);
        assert_true((*class)->face.width > 0 && (*class)->face.height > 0);
        struct part *part = part_create(*class, "U1", &stage.env, &error);
        assert_non_null(part);
        assert_true(part_start(part, &error)); /* wired to nothing */
        for (unsigned i = 0; part_view(part, i); i++) {
            const struct part_view *view = part_view(part, i);
            assert_true(view->name && view->width > 0 && view->height > 0);
        }
        part_destroy(part);
    }
    assert_int_equal(stage.log.count[LOG_GUEST], 0);
    assert_null(stage.scheduler.first);
}

/* What a display's memory holds after power-on is noise; it is the display's own. */
static void random_numbers_are_each_parts_own(void **state) {
    struct stage stage, fuller;
    struct error error;
    stage_init(&stage);
    stage_init(&fuller);
    struct part *one = part_create(part_class_find("pushbutton"), "one", &stage.env, &error);
    struct part *extra = part_create(part_class_find("st7789"), "extra", &fuller.env, &error);
    assert_true(part_start(extra, &error));
    struct part *same = part_create(part_class_find("pushbutton"), "one", &fuller.env, &error);
    struct part *other = part_create(part_class_find("pushbutton"), "two", &fuller.env, &error);
    uint64_t bits = random_next(&one->random);
    assert_true(bits == random_next(&same->random));
    assert_true(bits != random_next(&other->random));
    part_destroy(one);
    part_destroy(extra);
    part_destroy(same);
    part_destroy(other);
    scheduler_finish(&fuller.scheduler);
}

static void random_numbers_hang_on_seed_kind_and_name(void **state) {
    struct random seeds[2], streams[4];
    random_init(&seeds[0], 1);
    random_init(&seeds[1], 2);
    random_derive(&streams[0], &seeds[0], "part", "ROSC");
    random_derive(&streams[1], &seeds[1], "part", "ROSC");
    random_derive(&streams[2], &seeds[0], "block", "ROSC");
    random_derive(&streams[3], &seeds[0], "part", "ROSD");
    uint64_t bits = random_next(&streams[0]);
    for (unsigned i = 1; i < 4; i++) {
        assert_true(bits != random_next(&streams[i]));
    }
    random_derive(&streams[1], &seeds[0], "part", "ROSC"); /* the seed is as it was */
    assert_true(bits == random_next(&streams[1]));
}

static void lettering_has_lines(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-text");
    bench_attribute(&bench, "text", "one\n\nthree\nfour\nfive");
    bench_start(&bench);
    assert_string_equal(part_view(bench.part, 0)->text, "one");
    assert_string_equal(part_view(bench.part, 1)->text, "");
    assert_string_equal(part_view(bench.part, 3)->text, "four");
    assert_null(part_view(bench.part, 4));
    bench_finish(&bench);
}

static void mistakes_are_named(void **state) {
    struct bench bench;
    bench_create(&bench, "led");
    assert_false(part_connect(bench.part, "Q", &bench.nets[0], &bench.error));
    assert_non_null(strstr(bench.error.message, "X1 (led) has no pin \"Q\""));
    assert_false(part_set_attribute(bench.part, "colour", "red", &bench.error));
    assert_non_null(strstr(bench.error.message, "did you mean \"color\"?"));
    assert_false(part_set_attribute(bench.part, "color", "wet", &bench.error));
    assert_non_null(strstr(bench.error.message, "color=\"wet\""));
    assert_false(part_set(bench.part, "angle", 1, &bench.error));
    bench_finish(&bench);
    bench_create(&bench, "potentiometer");
    assert_false(part_set_attribute(bench.part, "position", "abc", &bench.error));
    assert_non_null(strstr(bench.error.message, "position=\"abc\" is not a number"));
    assert_false(part_set(bench.part, "position", 1.01, &bench.error));
    assert_false(part_set(bench.part, "position", NAN, &bench.error));
    bench_finish(&bench);
}

static void numbers_have_prefixes_and_units(void **state) {
    struct bench bench;
    static const struct {
        const char *text;
        double value;
    } good[] = {
        { "220", 220 }, { "4.7k", 4700 }, { "1M", 1e6 }, { "470 ohm", 470 }, { "2kohm", 2000 }, { "0x10", 16 }
    };
    static const char *const bad[] = { "", "k", "12 V", "1e99", "-5", "nan", "4.7kk" };
    bench_create(&bench, "resistor");
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        bench_attribute(&bench, "value", good[i].text);
        assert_float_equal(bench.part->values[0].number, good[i].value, 1e-6);
    }
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(part_set_attribute(bench.part, "value", bad[i], &bench.error));
    }
    bench_finish(&bench);
}

/* ---- Rails and resistor ---- */
static void bands(const char *ohms, uint32_t first, uint32_t second, uint32_t third) {
    struct bench bench;
    bench_create(&bench, "resistor");
    assert_true(part_set_attribute(bench.part, "value", ohms, NULL));
    assert_true(part_start(bench.part, NULL));
    const struct part_shape *band = &bench.part->face.shapes[2];
    assert_int_equal(band[0].colour, first);
    assert_int_equal(band[1].colour, second);
    assert_int_equal(band[2].colour, third);
    bench_finish(&bench);
}

/* IEC 60062. */
static void a_resistor_has_its_bands(void **state) {
    const uint32_t gold = 0xc8a030, black = 0x202020, brown = 0x8b4513, red = 0xc02020, orange = 0xe88010,
                   yellow = 0xe8d020, violet = 0x8040a0;
    bands("220", red, red, brown);
    bands("4.7k", yellow, violet, red);
    bands("1000", brown, black, red);
    bands("10k", brown, black, orange);
    bands("1", brown, black, gold);
    bands("9.96", brown, black, black);
}

static void a_resistor_pulls(void **state) {
    struct bench bench;
    bench_create(&bench, "resistor");
    bench_attribute(&bench, "value", "10k");
    bench_start(&bench);
    struct part *rail = part_create(part_class_find("vcc"), "V", &bench.stage.env, &bench.error);
    assert_true(part_connect(rail, "VCC", bench_net(&bench, "2"), &bench.error));
    assert_true(part_start(rail, &bench.error));
    assert_int_equal(bench_net(&bench, "1")->level, NET_LEVEL_HIGH);
    assert_float_equal(net_volts(bench_net(&bench, "1")), 3.3, 1e-4);
    bench_drive(&bench, "1", NET_PULL_DOWN); /* 50 kohm against 10 */
    assert_int_equal(bench_net(&bench, "1")->level, NET_LEVEL_HIGH);
    bench_drive(&bench, "1", NET_LOW);
    assert_int_equal(bench_net(&bench, "1")->level, NET_LEVEL_LOW);
    assert_int_equal(bench_net(&bench, "2")->level, NET_LEVEL_HIGH);
    part_destroy(rail);
    assert_int_equal(bench_net(&bench, "2")->level, NET_LEVEL_LOW);
    assert_int_equal(bench.stage.log.count[LOG_GUEST], 0);
    bench_finish(&bench);
}

/* ---- Potentiometer ---- */
static void a_wiper_divides_the_supply(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-potentiometer");
    bench_attribute(&bench, "value", "1023");
    bench_start(&bench);
    net_drive_volts(&bench.drivers[0], 0, 0.01);
    net_drive_volts(&bench.drivers[2], 3.3, 0.01);
    assert_float_equal(net_volts(bench_net(&bench, "SIG")), 3.3, 1e-3);
    bench_set(&bench, "position", 0.25);
    assert_float_equal(net_volts(bench_net(&bench, "SIG")), 0.825, 1e-3);
    assert_float_equal(part_view(bench.part, 0)->pointer.degrees, -67.5, 1e-6);
    bench_set(&bench, "position", 0);
    assert_float_equal(net_volts(bench_net(&bench, "SIG")), 0, 1e-3);
    bench_finish(&bench);
}

/* ---- Button ---- */
struct counter {
    struct net_listener listener;
    unsigned edges;
};

static void count_edges(struct net_listener *listener, struct net *net) {
    ((struct counter *)listener->owner)->edges++;
}

static void press(struct bench *bench, struct counter *counter) {
    bench_drive(bench, "1.l", NET_LOW);
    bench_drive(bench, "2.r", NET_PULL_UP);
    *counter = (struct counter){ .listener = { .changed = count_edges, .owner = counter } };
    net_listen(bench_net(bench, "2.l"), &counter->listener);
    assert_true(net_is_high(bench_net(bench, "2.l")));
    bench_set(bench, "pressed", 1);
    assert_false(net_is_high(bench_net(bench, "2.l")));
    stage_run(&bench->stage, 5 * PS_PER_MS);
    assert_false(net_is_high(bench_net(bench, "2.l")));
}

static void a_button_connects_1_and_2(void **state) {
    struct bench bench;
    struct counter counter;
    bench_create(&bench, "wokwi-pushbutton");
    bench_attribute(&bench, "bounce", "0");
    bench_start(&bench);
    press(&bench, &counter);
    assert_int_equal(counter.edges, 1);
    bench_set(&bench, "pressed", 0);
    assert_true(net_is_high(bench_net(&bench, "2.l")));
    bench_finish(&bench);
}

static void a_button_bounces_alike_in_every_run(void **state) {
    unsigned edges[2];
    for (unsigned run = 0; run < 2; run++) {
        struct bench bench;
        struct counter counter;
        bench_create(&bench, "pushbutton");
        bench_start(&bench);
        press(&bench, &counter);
        assert_in_range(counter.edges, 5, 11);
        bench_set(&bench, "pressed", 0);
        stage_run(&bench.stage, 5 * PS_PER_MS);
        assert_true(net_is_high(bench_net(&bench, "2.l")));
        edges[run] = counter.edges;
        bench_finish(&bench);
    }
    assert_int_equal(edges[0], edges[1]);
}

/* ---- LED ---- */
static double light(struct bench *bench) {
    return part_view(bench->part, 0)->light.brightness;
}

static void an_led_is_lit_from_anode_to_cathode(void **state) {
    struct bench bench;
    bench_create(&bench, "wokwi-led");
    bench_attribute(&bench, "color", "#0f8");
    bench_start(&bench);
    assert_int_equal(part_view(bench.part, 0)->light.colour, 0x00ff88);
    bench_drive(&bench, "A", NET_HIGH);
    assert_true(light(&bench) == 0); /* the cathode is open */
    bench_drive(&bench, "C", NET_LOW);
    assert_true(light(&bench) == 1);
    stage_run(&bench.stage, 3 * PS_PER_MS);
    assert_true(light(&bench) == 1);
    stage_run(&bench.stage, PS_PER_S);
    bench_drive(&bench, "A", NET_LOW);
    stage_run(&bench.stage, 3 * PS_PER_MS);
    assert_true(light(&bench) == 0);
    bench_drive(&bench, "C", NET_HIGH); /* the wrong way round */
    stage_run(&bench.stage, PS_PER_S);
    assert_true(light(&bench) == 0);
    bench_finish(&bench);
}

static void pulses(struct bench *bench, unsigned count, uint64_t on_us, uint64_t off_us) {
    for (unsigned i = 0; i < count; i++) {
        bench_drive(bench, "A", NET_HIGH);
        stage_run(&bench->stage, on_us * PS_PER_US);
        bench_drive(bench, "A", NET_LOW);
        stage_run(&bench->stage, off_us * PS_PER_US);
    }
}

static void an_eye_sees_the_duty_cycle(void **state) {
    struct bench bench;
    bench_create(&bench, "led");
    bench_start(&bench);
    bench_drive(&bench, "C", NET_LOW);
    stage_run(&bench.stage, PS_PER_S);
    pulses(&bench, 50, 250, 750);
    assert_float_equal(light(&bench), 0.25, 1e-6);
    pulses(&bench, 50, 900, 100);
    assert_float_equal(light(&bench), 0.9, 1e-6);
    pulses(&bench, 5, 8000, 8000);
    assert_float_equal(light(&bench), 0.5, 1e-6);
    stage_run(&bench.stage, 30 * PS_PER_MS);
    assert_true(light(&bench) == 0);
    bench_finish(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_and_aliases_find_classes),
        cmocka_unit_test(every_class_is_complete),
        cmocka_unit_test(random_numbers_are_each_parts_own),
        cmocka_unit_test(random_numbers_hang_on_seed_kind_and_name),
        cmocka_unit_test(lettering_has_lines),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(numbers_have_prefixes_and_units),
        cmocka_unit_test(a_resistor_has_its_bands),
        cmocka_unit_test(a_resistor_pulls),
        cmocka_unit_test(a_wiper_divides_the_supply),
        cmocka_unit_test(a_button_connects_1_and_2),
        cmocka_unit_test(a_button_bounces_alike_in_every_run),
        cmocka_unit_test(an_led_is_lit_from_anode_to_cathode),
        cmocka_unit_test(an_eye_sees_the_duty_cycle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
