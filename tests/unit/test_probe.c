/* Probes: what a counter would show of waves whose edges the test sets itself. */
#include "emulator/session/probe.h"
#include "tests/unit/small_session.h"
#include "tests/unit/stage.h"

/* ---- Waves ---- */

struct bench {
    struct stage stage;
    struct net net;
    struct net_driver driver;
    struct probe probe;
    unsigned heard;
    struct probe_edge latest;
};

static void hear_edge(void *context, const struct probe_edge *edge) {
    struct bench *bench = context;
    bench->heard++;
    bench->latest = *edge;
}

static void set_up(struct bench *bench) {
    *bench = (struct bench){ 0 };
    stage_init(&bench->stage);
    net_init(&bench->net, "wire", &bench->stage.env);
    net_attach(&bench->net, &bench->driver);
    bench->probe.changed = hear_edge;
    bench->probe.context = bench;
    probe_attach(&bench->probe, &bench->net);
}

static void wave(struct bench *bench, unsigned periods, uint64_t high_ns, uint64_t low_ns) {
    for (unsigned i = 0; i < periods; i++) {
        net_drive(&bench->driver, NET_HIGH);
        stage_run(&bench->stage, high_ns * PS_PER_NS);
        net_drive(&bench->driver, NET_LOW);
        stage_run(&bench->stage, low_ns * PS_PER_NS);
    }
}

static void measures_whole_periods(void **state) {
    struct bench bench;
    struct probe_result result;
    set_up(&bench);
    stage_run(&bench.stage, 77 * PS_PER_US); /* before the first rise: no part of any period */
    wave(&bench, 11, 250, 750);
    stage_run(&bench.stage, 5 * PS_PER_MS); /* nor what comes after the last one */
    probe_measure(&bench.probe, &result);
    assert_true(result.hertz == 1e6);
    assert_true(result.duty == 0.25);
    assert_int_equal(result.rises, 11);
    assert_int_equal(result.falls, 11);
    assert_int_equal(result.high.count, 11);
    assert_int_equal(result.high.shortest_ps, 250000);
    assert_int_equal(result.high.longest_ps, 250000);
    assert_int_equal(result.high.total_ps, 11 * 250000);
    assert_int_equal(result.low.count, 10); /* the first and the last one have an end outside */
    assert_int_equal(result.low.last_ps, 750000);
    assert_int_equal(result.level, NET_LEVEL_LOW);
    assert_int_equal(result.from_ps, 0);
    assert_int_equal(result.to_ps, 77 * PS_PER_US + 11 * PS_PER_US + 5 * PS_PER_MS);
    probe_close(&bench.probe);
}

static void a_window_without_a_period_has_no_frequency(void **state) {
    struct bench bench;
    struct probe_result result;
    set_up(&bench);
    probe_measure(&bench.probe, &result);
    assert_true(result.hertz == 0 && result.duty == 0); /* no time has passed */
    stage_run(&bench.stage, 3 * PS_PER_US);
    wave(&bench, 1, 1000, 0);
    probe_measure(&bench.probe, &result);
    assert_true(result.hertz == 0);
    assert_true(result.duty == 0.25);
    assert_int_equal(result.high.count, 1);
    net_drive(&bench.driver, NET_HIGH);
    probe_restart(&bench.probe);
    stage_run(&bench.stage, PS_PER_US);
    probe_measure(&bench.probe, &result);
    assert_true(result.duty == 1 && result.hertz == 0);
    assert_int_equal(result.rises, 0);
    assert_int_equal(result.high.count, 0);
    assert_int_equal(result.from_ps, 4 * PS_PER_US);
    probe_close(&bench.probe);
}

static void tells_the_extremes_of_uneven_pulses(void **state) {
    struct bench bench;
    struct probe_result result;
    set_up(&bench);
    wave(&bench, 1, 30, 500);
    wave(&bench, 1, 10, 700);
    wave(&bench, 1, 20, 600);
    net_drive(&bench.driver, NET_HIGH);
    probe_measure(&bench.probe, &result);
    assert_int_equal(result.high.shortest_ps, 10000);
    assert_int_equal(result.high.longest_ps, 30000);
    assert_int_equal(result.high.last_ps, 20000);
    assert_int_equal(result.low.shortest_ps, 500000);
    assert_int_equal(result.low.longest_ps, 700000);
    assert_int_equal(result.low.total_ps, 1800000);
    assert_true(result.duty == 60.0 / 1860);
    probe_close(&bench.probe);
}

/* A line that nobody drives is neither an edge nor the end of a pulse that is low. */
static void floating_is_a_level_and_no_edge(void **state) {
    struct bench bench;
    struct probe_result result;
    set_up(&bench);
    assert_true(probe_keep(&bench.probe, 3));
    stage_run(&bench.stage, PS_PER_US);
    net_drive(&bench.driver, NET_LOW);
    stage_run(&bench.stage, PS_PER_US);
    net_drive(&bench.driver, NET_HIGH);
    stage_run(&bench.stage, PS_PER_US);
    net_drive(&bench.driver, NET_Z);
    stage_run(&bench.stage, PS_PER_US);
    net_drive(&bench.driver, NET_LOW);
    probe_measure(&bench.probe, &result);
    assert_int_equal(result.rises, 1);
    assert_int_equal(result.falls, 1);
    assert_int_equal(result.high.last_ps, PS_PER_US);
    assert_int_equal(bench.heard, 4);
    assert_int_equal(bench.latest.time_ps, 4 * PS_PER_US);
    assert_int_equal(bench.probe.edge_count, 3); /* no more were asked for */
    assert_int_equal(bench.probe.edges[0].level, NET_LEVEL_LOW);
    assert_int_equal(bench.probe.edges[1].level, NET_LEVEL_HIGH);
    assert_int_equal(bench.probe.edges[1].time_ps, 2 * PS_PER_US);
    assert_int_equal(bench.probe.edges[2].level, NET_LEVEL_FLOATING);
    probe_close(&bench.probe);
}

static void drive_late(struct event *event, uint64_t late_ps) {
    struct net_driver *driver = event->owner;
    net_drive(driver, driver->drive == NET_HIGH ? NET_LOW : NET_HIGH);
}

/* An event that is served late has its edge at the time when it was due. */
static void edges_have_the_date_of_their_event(void **state) {
    struct bench bench;
    struct event events[2] = { { .callback = drive_late, .owner = &bench.driver },
                               { .callback = drive_late, .owner = &bench.driver } };
    struct probe_result result;
    set_up(&bench);
    scheduler_add(&bench.stage.scheduler, &events[0], 1000);
    scheduler_add(&bench.stage.scheduler, &events[1], 5000);
    stage_run(&bench.stage, 9000);
    probe_measure(&bench.probe, &result);
    assert_int_equal(result.high.last_ps, 4000);
    assert_int_equal(bench.latest.time_ps, 5000);
    probe_close(&bench.probe);
}

static void a_closed_probe_is_gone(void **state) {
    struct bench bench;
    struct probe never = { 0 };
    probe_close(&never);
    set_up(&bench);
    assert_true(net_is_watched(&bench.net, NULL));
    probe_close(&bench.probe);
    probe_close(&bench.probe);
    assert_false(net_is_watched(&bench.net, NULL));
    net_drive(&bench.driver, NET_HIGH);
    assert_int_equal(bench.heard, 0);
}

/* ---- Names ---- */

#define DIAGRAM                                                                                                        \
    "{\"version\":1,\"parts\":[{\"id\":\"pico\",\"type\":\"wokwi-pi-pico\"},"                                          \
    "{\"id\":\"led1\",\"type\":\"wokwi-led\"},{\"id\":\"r.x\",\"type\":\"wokwi-resistor\"}],"                          \
    "\"connections\":[[\"pico:GP4\",\"led1:A\"],[\"r.x:1\",\"pico:GP5\"]]}"

static void fails_with(struct session *session, const char *pin, const char *expected) {
    struct error error = { "" };
    assert_null(session_pin_net(session, pin, &error));
    assert_string_equal(error.message, expected);
}

static void pins_have_names(void **state) {
    struct small_session small;
    struct error error = { "" };
    small_open(&small, DIAGRAM, NULL);
    struct session *session = small.session;
    struct net *gp4 = machine_gpio(session_machine(session), 4);
    assert_ptr_equal(session_pin_net(session, "GP4", &error), gp4);
    assert_ptr_equal(session_pin_net(session, "pico.GP4", &error), gp4);
    assert_ptr_equal(session_pin_net(session, "pico:gp4", &error), gp4);
    assert_true(net_is_joined(session_pin_net(session, "led1.A", &error), gp4));
    assert_true(net_is_joined(session_pin_net(session, "r.x.1", &error), machine_gpio(session_machine(session), 5)));
    assert_non_null(session_pin_net(session, "GND.2", &error));
    assert_non_null(session_pin_net(session, "pico.3V3", &error));
    fails_with(session, "GP44", "the board has no pin \"GP44\" to be wired; did you mean \"GP4\"?");
    fails_with(session, "", "the board has no pin \"\" to be wired");
    fails_with(session, "led1.X", "part \"led1\" (led) has no pin \"X\"; did you mean \"A\"?");
    fails_with(session, "led1.C", "pin \"C\" of part \"led1\" is not wired to anything");
    fails_with(session, "led2.A", "the project has no part \"led2\"; did you mean \"led1\"?");
    small_close(&small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measures_whole_periods),
        cmocka_unit_test(a_window_without_a_period_has_no_frequency),
        cmocka_unit_test(tells_the_extremes_of_uneven_pulses),
        cmocka_unit_test(floating_is_a_level_and_no_edge),
        cmocka_unit_test(edges_have_the_date_of_their_event),
        cmocka_unit_test(a_closed_probe_is_gone),
        cmocka_unit_test(pins_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
