/* Order and lateness of events. */
#include "emulator/core/scheduler.h"
#include "tests/unit/unit.h"

struct record {
    struct event event;
    struct scheduler *scheduler;
    char mark;
    uint64_t late_ps;
    uint64_t period_ps;
};

static char order[16];
static unsigned fired;

static void note(struct event *event, uint64_t late_ps) {
    struct record *record = event->owner;
    order[fired++] = record->mark;
    record->late_ps = late_ps;
    if (record->period_ps) {
        scheduler_add(record->scheduler, event, event->when_ps + record->period_ps);
    }
}

static void make(struct record *record, struct scheduler *scheduler, char mark, int priority) {
    *record = (struct record){ .scheduler = scheduler, .mark = mark };
    record->event = (struct event){ .name = "test", .callback = note, .owner = record, .priority = priority };
    fired = 0;
}

static void fires_by_time_then_priority(void **state) {
    struct scheduler scheduler;
    struct record a, b, c;
    scheduler_init(&scheduler);
    make(&a, &scheduler, 'a', 1);
    make(&b, &scheduler, 'b', 0);
    make(&c, &scheduler, 'c', 0);
    scheduler_add(&scheduler, &a.event, 100);
    scheduler_add(&scheduler, &b.event, 100);
    scheduler_add(&scheduler, &c.event, 50);
    assert_int_equal(scheduler_next(&scheduler), 50);
    scheduler_advance(&scheduler, 99);
    assert_int_equal(fired, 1);
    scheduler_advance(&scheduler, 103);
    assert_memory_equal(order, "cba", 3);
    assert_int_equal(a.late_ps, 3);
    assert_int_equal(scheduler_now(&scheduler), 103);
}

/* Of equal time and priority: in order of adding, and an event that is moved is added anew. */
static void equals_fire_in_order_of_adding(void **state) {
    struct scheduler scheduler;
    struct record records[5];
    scheduler_init(&scheduler);
    for (unsigned i = 0; i < 5; i++) {
        make(&records[i], &scheduler, (char)('a' + i), i == 4 ? -1 : 0);
    }
    static const unsigned adding[] = { 3, 0, 2, 1, 4 };
    for (unsigned i = 0; i < 5; i++) {
        scheduler_add(&scheduler, &records[adding[i]].event, 100);
    }
    scheduler_add(&scheduler, &records[0].event, 100);
    scheduler_add(&scheduler, &records[2].event, 50);
    scheduler_add(&scheduler, &records[2].event, 100);
    scheduler_advance(&scheduler, 100);
    assert_memory_equal(order, "edbac", 5);
}

/* What a callback adds for the present time comes behind what is there already, by priority; it does not fire early. */
static void added_while_firing(void **state) {
    struct scheduler scheduler;
    struct record a, b, c;
    scheduler_init(&scheduler);
    make(&a, &scheduler, 'a', 0);
    make(&b, &scheduler, 'b', 0);
    make(&c, &scheduler, 'c', 1);
    a.period_ps = 10;
    scheduler_add(&scheduler, &a.event, 10);
    scheduler_add(&scheduler, &c.event, 20);
    scheduler_add(&scheduler, &b.event, 20);
    scheduler_advance(&scheduler, 20);
    assert_memory_equal(order, "abac", 4);
    assert_int_equal(fired, 4);
}

static void periodic_event_keeps_its_grid(void **state) {
    struct scheduler scheduler;
    struct record a;
    scheduler_init(&scheduler);
    make(&a, &scheduler, 'a', 0);
    a.period_ps = 10;
    scheduler_add(&scheduler, &a.event, 10);
    scheduler_advance(&scheduler, 35);
    assert_int_equal(fired, 3);
    assert_int_equal(scheduler_next(&scheduler), 40);
}

static void cancel_and_move(void **state) {
    struct scheduler scheduler;
    struct record a, b;
    scheduler_init(&scheduler);
    make(&a, &scheduler, 'a', 0);
    make(&b, &scheduler, 'b', 0);
    scheduler_add(&scheduler, &a.event, 10);
    scheduler_add(&scheduler, &b.event, 20);
    scheduler_add(&scheduler, &a.event, 30);
    scheduler_cancel(&scheduler, &b.event);
    scheduler_cancel(&scheduler, &b.event);
    scheduler_advance(&scheduler, 25);
    assert_int_equal(fired, 0);
    scheduler_advance(&scheduler, 30);
    assert_int_equal(fired, 1);
    assert_int_equal(scheduler_next(&scheduler), TIME_NEVER);
}

static void date(struct event *event, uint64_t late_ps) {
    assert_int_equal(scheduler_due(event->owner), event->when_ps);
    assert_int_equal(scheduler_now(event->owner), event->when_ps + late_ps);
}

static void late_events_know_when_they_were_due(void **state) {
    struct scheduler scheduler;
    struct event event = { .callback = date, .owner = &scheduler };
    scheduler_init(&scheduler);
    scheduler_add(&scheduler, &event, 10);
    scheduler_advance(&scheduler, 25);
    assert_false(event.pending);
    assert_int_equal(scheduler_due(&scheduler), 25);
    scheduler_add(&scheduler, &event, 20); /* served by its owner, before its turn */
    scheduler_serve(&scheduler, &event);
    assert_false(event.pending);
    assert_int_equal(scheduler_due(&scheduler), 25);
}

static void finish_leaves_nothing_pending(void **state) {
    struct scheduler scheduler;
    scheduler_init(&scheduler);
    struct event events[3] = { { .name = "a" }, { .name = "b" }, { .name = "c" } };
    for (unsigned i = 0; i < 3; i++) {
        scheduler_add(&scheduler, &events[i], 10 - i);
    }
    scheduler_finish(&scheduler);
    assert_int_equal(scheduler_next(&scheduler), TIME_NEVER);
    assert_false(events[0].pending || events[1].pending || events[2].pending);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fires_by_time_then_priority),
        cmocka_unit_test(equals_fire_in_order_of_adding),
        cmocka_unit_test(added_while_firing),
        cmocka_unit_test(periodic_event_keeps_its_grid),
        cmocka_unit_test(cancel_and_move),
        cmocka_unit_test(late_events_know_when_they_were_due),
        cmocka_unit_test(finish_leaves_nothing_pending),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
