/* Levels, volts, listeners and couplers of wires. */
#include "emulator/core/net.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

struct watcher {
    struct net_listener listener;
    struct net_driver driver;
    enum net_level seen;
    unsigned calls;
};

static void note(struct net_listener *listener, struct net *net) {
    struct watcher *watcher = listener->owner;
    watcher->seen = net->level;
    watcher->calls++;
}

/* Drives the opposite of what it sees. */
static void invert(struct net_listener *listener, struct net *net) {
    struct watcher *watcher = listener->owner;
    watcher->calls++;
    net_drive(&watcher->driver, net_is_high(net) ? NET_LOW : NET_HIGH);
}

static void outputs_win_over_pulls(void **state) {
    struct stage stage;
    struct net net;
    struct net_driver pull = { .drive = NET_PULL_UP }, out = { .drive = NET_Z };
    stage_init(&stage);
    net_init(&net, "wire", &stage.env);
    assert_int_equal(net.level, NET_LEVEL_FLOATING);
    assert_false(net_is_high(&net));
    net_attach(&net, &pull);
    net_attach(&net, &out);
    assert_true(net_is_high(&net));
    net_drive(&out, NET_LOW);
    assert_false(net_is_high(&net));
    net_detach(&out);
    assert_true(net_is_high(&net));
}

static void a_net_leaves_its_wires(void **state) {
    struct stage stage;
    struct net a, b, c;
    struct net_driver out = { .drive = NET_HIGH };
    struct watcher watcher = { .listener = { .changed = note, .owner = &watcher } };
    stage_init(&stage);
    net_init(&a, "a", &stage.env);
    net_init(&b, "b", &stage.env);
    net_init(&c, "c", &stage.env);
    net_join(&a, &b);
    net_join(&b, &c);
    net_attach(&b, &out);
    net_listen(&a, &watcher.listener);
    net_leave(&b);
    assert_true(net_is_joined(&a, &c) && !net_is_joined(&a, &b));
    assert_int_equal(watcher.seen, NET_LEVEL_FLOATING);
    assert_int_equal(b.level, NET_LEVEL_HIGH);
    net_leave(&b); /* on no wire: nothing happens */
    assert_int_equal(watcher.calls, 1);
}

struct teller {
    struct net_listener listener;
    char mark, *told;
};

static void write_mark(struct net_listener *listener, struct net *net) {
    struct teller *teller = listener->owner;
    teller->told[strlen(teller->told)] = teller->mark;
}

static void listen_as(struct net *net, struct teller *teller, char mark, char *told) {
    *teller = (struct teller){ .mark = mark, .told = told };
    teller->listener = (struct net_listener){ .changed = write_mark, .owner = teller };
    net_listen(net, &teller->listener);
}

/* Nets are told in the order in which they were made, listeners in the order in which they came, wherever they lie in
 * memory and in whatever order wires were drawn and nets change. */
static void listeners_are_told_in_order_of_creation(void **state) {
    static const unsigned wires[][4][2] = { { { 0, 1 }, { 1, 2 }, { 2, 3 }, { 3, 4 } },
                                            { { 4, 2 }, { 3, 0 }, { 0, 4 }, { 1, 3 } },
                                            { { 3, 4 }, { 1, 0 }, { 2, 4 }, { 0, 2 } } };
    static const unsigned places[][5] = { { 0, 1, 2, 3, 4 }, { 4, 3, 2, 1, 0 }, { 2, 4, 0, 3, 1 } };
    for (unsigned i = 0; i < 9; i++) {
        struct stage stage;
        struct net memory[5], *nets[5];
        struct net_driver out = { .drive = NET_Z };
        struct teller tellers[10];
        char told[40] = "";
        stage_init(&stage);
        for (unsigned j = 0; j < 5; j++) {
            nets[j] = &memory[places[i / 3][j]];
            net_init(nets[j], "wire", &stage.env);
        }
        for (unsigned j = 0; j < 4; j++) {
            net_join(nets[wires[i % 3][j][0]], nets[wires[i % 3][j][1]]);
        }
        for (unsigned j = 0; j < 10; j++) {
            unsigned place = i % 2 ? 9 - j : j;
            listen_as(nets[j % 5], &tellers[place], (char)('a' + j), told);
        }
        net_attach(nets[i % 5], &out);
        net_drive(&out, NET_HIGH);
        net_leave(nets[1]);
        net_join(nets[4], nets[1]); /* what leaves and comes back has its old place */
        memset(told, 0, sizeof(told));
        net_drive(&out, NET_LOW);
        assert_string_equal(told, "afbgchdiej");
    }
}

static void two_outputs_are_reported_once(void **state) {
    struct stage stage;
    struct net net;
    struct net_driver a = { .drive = NET_LOW }, b = { .drive = NET_HIGH };
    stage_init(&stage);
    net_init(&net, "wire", &stage.env);
    net_attach(&net, &a);
    net_attach(&net, &b);
    net_drive(&b, NET_Z);
    assert_false(net.contended);
    net_drive(&b, NET_HIGH);
    assert_true(net.contended);
    assert_int_equal(stage.log.count[LOG_GUEST], 1);
}

static void joined_nets_have_one_level(void **state) {
    struct stage stage;
    struct net a, b, c;
    struct net_driver low = { .drive = NET_LOW }, up = { .drive = NET_PULL_UP };
    struct watcher watcher = { .listener = { .changed = note, .owner = &watcher } };
    stage_init(&stage);
    net_init(&a, "a", &stage.env);
    net_init(&b, "b", &stage.env);
    net_init(&c, "c", &stage.env);
    net_attach(&a, &up);
    net_listen(&c, &watcher.listener);
    net_join(&a, &b);
    net_join(&b, &c);
    net_join(&c, &a);
    assert_int_equal(watcher.seen, NET_LEVEL_HIGH);
    net_attach(&b, &low);
    assert_int_equal(watcher.seen, NET_LEVEL_LOW);
    assert_int_equal(a.level, NET_LEVEL_LOW);
    net_unlisten(&c, &watcher.listener);
    net_drive(&low, NET_Z);
    assert_int_equal(watcher.calls, 2);
}

static void a_ring_without_rest_is_cut(void **state) {
    struct stage stage;
    struct net net;
    struct net_driver up = { .drive = NET_PULL_DOWN };
    struct watcher watcher = { .listener = { .changed = invert, .owner = &watcher } };
    stage_init(&stage);
    net_init(&net, "ring", &stage.env);
    net_attach(&net, &watcher.driver);
    net_listen(&net, &watcher.listener);
    net_attach(&net, &up);
    assert_true(watcher.calls <= NET_ROUNDS + 1);
    assert_int_equal(stage.log.count[LOG_GUEST], 1);
}

static void voltages_follow_from_sources(void **state) {
    struct stage stage;
    struct net net;
    struct net_driver source = { 0 }, pull = { .drive = NET_Z };
    stage_init(&stage);
    net_init(&net, "wire", &stage.env);
    assert_true(net_volts(&net) == 0);
    net_attach(&net, &source);
    net_attach(&net, &pull);
    net_drive_volts(&source, 1.0, 50e3);
    assert_float_equal(net_volts(&net), 1.0, 1e-5);
    assert_int_equal(net.level, NET_LEVEL_LOW);
    net_drive(&pull, NET_PULL_UP);
    assert_float_equal(net_volts(&net), 2.15, 1e-5);
    assert_int_equal(net.level, NET_LEVEL_HIGH);
    net_drive_volts(&source, 0.0, 50e3); /* 1.65 V: between the thresholds it stays */
    assert_int_equal(net.level, NET_LEVEL_HIGH);
    net_drive_volts(&source, 0.0, 10e3);
    assert_int_equal(net.level, NET_LEVEL_LOW);
    net_drive(&pull, NET_HIGH);
    assert_int_equal(net.level, NET_LEVEL_HIGH);
    net_drive(&source, NET_Z);
    assert_float_equal(net_volts(&net), 3.3, 1e-5);
}

static void a_divider_of_resistors(void **state) {
    struct stage stage;
    struct net top, middle, bottom;
    struct net_driver high = { .drive = NET_HIGH }, low = { .drive = NET_LOW };
    struct net_coupler upper, lower;
    struct watcher watcher = { .listener = { .changed = note, .owner = &watcher } };
    stage_init(&stage);
    net_init(&top, "top", &stage.env);
    net_init(&middle, "middle", &stage.env);
    net_init(&bottom, "bottom", &stage.env);
    net_listen(&middle, &watcher.listener);
    net_couple(&upper, &top, &middle, 1e3);
    net_couple(&lower, &middle, &bottom, 2e3);
    assert_int_equal(middle.level, NET_LEVEL_FLOATING);
    net_attach(&top, &high);
    assert_int_equal(watcher.seen, NET_LEVEL_HIGH);
    assert_int_equal(bottom.level, NET_LEVEL_HIGH); /* through both */
    net_attach(&bottom, &low);
    assert_float_equal(net_volts(&middle), 3.3 * 2030 / 3060, 1e-5);
    net_set_ohms(&lower, 100);
    assert_int_equal(watcher.seen, NET_LEVEL_LOW);
    net_uncouple(&lower);
    assert_int_equal(watcher.seen, NET_LEVEL_HIGH);
    assert_int_equal(stage.log.count[LOG_GUEST], 0);
    net_uncouple(&upper);
    assert_int_equal(middle.level, NET_LEVEL_FLOATING);
}

/* Two ways between the same nets keep no memory of a level when the last driver has gone. */
static void a_ring_of_resistors_keeps_nothing(void **state) {
    struct stage stage;
    struct net a, b;
    struct net_driver high = { .drive = NET_HIGH };
    struct net_coupler first, second;
    stage_init(&stage);
    net_init(&a, "a", &stage.env);
    net_init(&b, "b", &stage.env);
    net_couple(&first, &a, &b, 1e3);
    net_couple(&second, &a, &b, 1e3);
    net_attach(&a, &high);
    assert_true(net_is_high(&b));
    net_drive(&high, NET_Z);
    assert_int_equal(a.level, NET_LEVEL_FLOATING);
    assert_int_equal(b.level, NET_LEVEL_FLOATING);
}

static void a_switch_to_the_other_rail_is_reported(void **state) {
    struct stage stage;
    struct net pin, rail;
    struct net_driver out = { .drive = NET_HIGH }, low = { .drive = NET_LOW };
    struct net_coupler button;
    stage_init(&stage);
    net_init(&pin, "pin", &stage.env);
    net_init(&rail, "rail", &stage.env);
    net_attach(&rail, &low);
    net_attach(&pin, &out);
    net_couple(&button, &pin, &rail, INFINITY);
    assert_int_equal(stage.log.count[LOG_GUEST], 0);
    net_set_ohms(&button, 0.1);
    assert_true(pin.contended);
    net_drive(&out, NET_PULL_UP);
    assert_false(pin.contended);
    assert_int_equal(pin.level, NET_LEVEL_LOW);
}

/* Each side keeps its drivers; who does not see another level hears nothing, not even for a moment. */
static void joined_nets_are_divided_in_one_step(void **state) {
    struct stage stage;
    struct net nets[4];
    struct watcher watchers[4];
    struct net_driver high = { .drive = NET_PULL_UP }, low = { .drive = NET_LOW };
    stage_init(&stage);
    for (unsigned i = 0; i < 4; i++) {
        net_init(&nets[i], "net", &stage.env);
        watchers[i] = (struct watcher){ .listener = { .changed = note, .owner = &watchers[i] } };
        net_listen(&nets[i], &watchers[i].listener);
        net_join(&nets[0], &nets[i]);
    }
    net_attach(&nets[1], &high);
    net_attach(&nets[2], &low);
    for (unsigned i = 0; i < 4; i++) {
        watchers[i].calls = 0;
    }
    net_divide((struct net *[]){ &nets[3], &nets[1] }, 2);
    assert_true(net_is_joined(&nets[1], &nets[3]) && net_is_joined(&nets[0], &nets[2]));
    assert_false(net_is_joined(&nets[0], &nets[1]));
    assert_int_equal(nets[3].level, NET_LEVEL_HIGH);
    assert_int_equal(nets[0].level, NET_LEVEL_LOW);
    assert_int_equal(watchers[0].calls + watchers[2].calls, 0);
    assert_int_equal(watchers[1].calls, 1);
    assert_int_equal(watchers[3].calls, 1);
    net_join(&nets[3], &nets[0]);
    assert_int_equal(nets[1].level, NET_LEVEL_LOW);
    net_divide((struct net *[]){ &nets[0], &nets[1], &nets[2], &nets[3] }, 4); /* nothing is left to divide from */
    assert_true(net_is_joined(&nets[0], &nets[3]));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_win_over_pulls),
        cmocka_unit_test(a_net_leaves_its_wires),
        cmocka_unit_test(listeners_are_told_in_order_of_creation),
        cmocka_unit_test(two_outputs_are_reported_once),
        cmocka_unit_test(joined_nets_have_one_level),
        cmocka_unit_test(joined_nets_are_divided_in_one_step),
        cmocka_unit_test(a_ring_without_rest_is_cut),
        cmocka_unit_test(voltages_follow_from_sources),
        cmocka_unit_test(a_divider_of_resistors),
        cmocka_unit_test(a_ring_of_resistors_keeps_nothing),
        cmocka_unit_test(a_switch_to_the_other_rail_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
