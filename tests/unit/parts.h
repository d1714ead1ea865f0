/* A part in a unit test: made by type, every pin on a net of its own. */
#ifndef TESTS_UNIT_PARTS_H
#define TESTS_UNIT_PARTS_H

#include "peripherals/parts/part.h"
#include "tests/unit/stage.h"
#include "tests/unit/unit.h"

#define BENCH_PINS 160

struct bench {
    struct stage stage;
    struct part *part;
    struct net nets[BENCH_PINS];
    struct net_driver drivers[BENCH_PINS]; /* the test's own, one a pin, NET_Z at first */
    struct error error;
};

static inline void bench_create(struct bench *bench, const char *type) {
    stage_init(&bench->stage);
    const struct part_class *class = part_class_find(type);
    assert_non_null(class);
    bench->part = part_create(class, "X1", &bench->stage.env, &bench->error);
    assert_non_null(bench->part);
    for (unsigned i = 0; i < part_pin_count(class); i++) {
        net_init(&bench->nets[i], class->pins[i].name, &bench->stage.env);
        bench->drivers[i] = (struct net_driver){ .name = "test" };
        net_attach(&bench->nets[i], &bench->drivers[i]);
        assert_true(part_connect(bench->part, class->pins[i].name, &bench->nets[i], &bench->error));
    }
}

static inline void bench_attribute(struct bench *bench, const char *name, const char *text) {
    assert_true(part_set_attribute(bench->part, name, text, &bench->error));
}

static inline void bench_start(struct bench *bench) {
    if (!part_start(bench->part, &bench->error)) {
        fail_msg("%s", bench->error.message);
    }
}

static inline void bench_finish(struct bench *bench) {
    part_destroy(bench->part);
    scheduler_finish(&bench->stage.scheduler);
}

static inline struct net *bench_net(struct bench *bench, const char *pin) {
    return &bench->nets[part_pin_find(bench->part->class, pin)];
}

static inline void bench_drive(struct bench *bench, const char *pin, enum net_drive drive) {
    net_drive(&bench->drivers[part_pin_find(bench->part->class, pin)], drive);
}

static inline void bench_set(struct bench *bench, const char *control, double value) {
    assert_true(part_set(bench->part, control, value, &bench->error));
}

#endif
