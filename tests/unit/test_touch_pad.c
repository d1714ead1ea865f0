/* The touch pad: a capacitor that a resistor discharges, by V(t) = V0 exp(-t / RC) (3.3 V down to 0.8 V in 1.417 RC).
 */
#include "tests/unit/parts.h"

#include <math.h>

#define PULL_DOWN_OHMS 1e6
#define DOWN_TO_LOW 1.41707 /* ln(3.3 / 0.8) */
#define UP_TO_HIGH 0.93177  /* ln(3.3 / 1.3) */

struct pad {
    struct bench bench;
    struct net ground;
    struct net_driver rail;
    struct net_coupler resistor;
};

static void make(struct pad *pad, const char *capacitance, const char *finger) {
    bench_create(&pad->bench, "touch-pad");
    bench_attribute(&pad->bench, "capacitance", capacitance);
    bench_attribute(&pad->bench, "finger", finger);
    bench_start(&pad->bench);
}

static void pull(struct pad *pad, double volts) {
    net_init(&pad->ground, "rail", &pad->bench.stage.env);
    pad->rail = (struct net_driver){ .name = "rail" };
    net_drive_volts(&pad->rail, volts, 0.01);
    net_attach(&pad->ground, &pad->rail);
    net_couple(&pad->resistor, &pad->bench.nets[0], &pad->ground, PULL_DOWN_OHMS);
}

/* How long the net keeps its level after an output has let go; 0: longer than `most`. */
static uint64_t keeps_for(struct pad *pad, enum net_drive charged, uint64_t most) {
    struct net *net = &pad->bench.nets[0];
    bench_drive(&pad->bench, "PAD", charged);
    stage_run(&pad->bench.stage, 10 * PS_PER_US);
    enum net_level level = net->level;
    uint64_t begin = pad->bench.stage.scheduler.now_ps;
    bench_drive(&pad->bench, "PAD", NET_Z);
    for (uint64_t ps = 0; ps < most; ps += 10 * PS_PER_NS) {
        if (net->level != level) {
            return pad->bench.stage.scheduler.now_ps - begin;
        }
        stage_run(&pad->bench.stage, 10 * PS_PER_NS);
    }
    return 0;
}

static void assert_near(uint64_t ps, double expected_seconds) {
    double expected = expected_seconds * (double)PS_PER_S;
    assert_true(fabs((double)ps - expected) < 0.001 * expected + 2e4);
}

static void test_discharges(void **state) {
    struct pad pad;
    make(&pad, "15p", "40p");
    pull(&pad, 0);
    assert_near(keeps_for(&pad, NET_HIGH, PS_PER_MS), DOWN_TO_LOW * PULL_DOWN_OHMS * 15e-12);
    bench_set(&pad.bench, "touched", 1);
    assert_near(keeps_for(&pad, NET_HIGH, PS_PER_MS), DOWN_TO_LOW * PULL_DOWN_OHMS * 55e-12);
    bench_set(&pad.bench, "touched", 0);
    assert_near(keeps_for(&pad, NET_HIGH, PS_PER_MS), DOWN_TO_LOW * PULL_DOWN_OHMS * 15e-12);
    bench_finish(&pad.bench);
}

static void test_charges_by_a_pull_up(void **state) {
    struct pad pad;
    make(&pad, "100p", "40p");
    pull(&pad, 3.3);
    assert_near(keeps_for(&pad, NET_LOW, PS_PER_MS), UP_TO_HIGH * PULL_DOWN_OHMS * 100e-12);
    bench_finish(&pad.bench);
}

/* Without a resistor the charge stays, whatever the time. */
static void test_keeps_without_a_resistor(void **state) {
    struct pad pad;
    make(&pad, "15p", "40p");
    assert_int_equal(keeps_for(&pad, NET_HIGH, 10 * PS_PER_MS), 0);
    assert_true(net_is_high(&pad.bench.nets[0]));
    bench_finish(&pad.bench);
}

/* A finger that comes or goes half way: the rest of the way takes the other time. */
static void test_a_finger_half_way(void **state) {
    struct pad pad;
    make(&pad, "100p", "100p");
    pull(&pad, 0);
    bench_drive(&pad.bench, "PAD", NET_HIGH);
    bench_drive(&pad.bench, "PAD", NET_Z);
    stage_run(&pad.bench.stage, 70 * PS_PER_US); /* of 141.7 */
    bench_set(&pad.bench, "touched", 1);
    uint64_t rest = (uint64_t)((DOWN_TO_LOW * 100 - 70) * 2 * (double)PS_PER_US);
    stage_run(&pad.bench.stage, rest - PS_PER_US);
    assert_true(net_is_high(&pad.bench.nets[0]));
    stage_run(&pad.bench.stage, 2 * PS_PER_US);
    assert_false(net_is_high(&pad.bench.nets[0]));
    bench_finish(&pad.bench);
}

/* An output decides at once. */
static void test_outputs_win(void **state) {
    struct pad pad;
    make(&pad, "1n", "0");
    struct net *net = &pad.bench.nets[0];
    for (unsigned i = 0; i < 4; i++) {
        bench_drive(&pad.bench, "PAD", i & 1 ? NET_LOW : NET_HIGH);
        assert_int_equal(net_is_high(net), !(i & 1));
    }
    bench_finish(&pad.bench);
}

/* Two pads on one wire have the sum of their capacitances. */
static void test_two_pads(void **state) {
    struct pad pad;
    struct net_capacitor other;
    make(&pad, "15p", "40p");
    pull(&pad, 0);
    net_add_capacitor(&pad.bench.nets[0], &other, 30e-12);
    assert_near(keeps_for(&pad, NET_HIGH, PS_PER_MS), DOWN_TO_LOW * PULL_DOWN_OHMS * 45e-12);
    net_remove_capacitor(&other);
    assert_near(keeps_for(&pad, NET_HIGH, PS_PER_MS), DOWN_TO_LOW * PULL_DOWN_OHMS * 15e-12);
    bench_finish(&pad.bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_discharges),
        cmocka_unit_test(test_charges_by_a_pull_up),
        cmocka_unit_test(test_keeps_without_a_resistor),
        cmocka_unit_test(test_a_finger_half_way),
        cmocka_unit_test(test_outputs_win),
        cmocka_unit_test(test_two_pads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
