#include "emulator/core/net.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_win_over_pulls),
        cmocka_unit_test(two_outputs_are_reported_once),
        cmocka_unit_test(joined_nets_have_one_level),
        cmocka_unit_test(a_ring_without_rest_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
