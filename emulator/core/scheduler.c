/* Events in a list, by time, then by priority, then by age. */
#include "emulator/core/scheduler.h"

#include <stddef.h>

void scheduler_init(struct scheduler *scheduler) {
    *scheduler = (struct scheduler){ 0 };
}

void scheduler_finish(struct scheduler *scheduler) {
    while (scheduler->first) {
        scheduler_cancel(scheduler, scheduler->first);
    }
}

static bool goes_before(const struct event *a, const struct event *b) {
    return a->when_ps != b->when_ps ? a->when_ps < b->when_ps : a->priority < b->priority;
}

void scheduler_add(struct scheduler *scheduler, struct event *event, uint64_t when_ps) {
    scheduler_cancel(scheduler, event);
    event->when_ps = when_ps;
    event->pending = true;
    struct event **at = &scheduler->first;
    while (*at && !goes_before(event, *at)) {
        at = &(*at)->next;
    }
    event->next = *at;
    *at = event;
    if (scheduler->first == event && scheduler->earlier) {
        scheduler->earlier(scheduler);
    }
}

void scheduler_cancel(struct scheduler *scheduler, struct event *event) {
    if (!event->pending) {
        return;
    }
    struct event **at = &scheduler->first;
    while (*at != event) {
        at = &(*at)->next;
    }
    *at = event->next;
    event->next = NULL;
    event->pending = false;
}

struct scheduler_date scheduler_date(struct scheduler *scheduler, uint64_t due_ps) {
    struct scheduler_date before = { .due_ps = scheduler->due_ps, .in_event = scheduler->in_event };
    scheduler->due_ps = due_ps;
    scheduler->in_event = true;
    return before;
}

void scheduler_undate(struct scheduler *scheduler, struct scheduler_date before) {
    scheduler->due_ps = before.due_ps;
    scheduler->in_event = before.in_event;
}

void scheduler_serve(struct scheduler *scheduler, struct event *event) {
    uint64_t now_ps = scheduler_now(scheduler);
    scheduler_cancel(scheduler, event);
    struct scheduler_date before = scheduler_date(scheduler, event->when_ps);
    event->callback(event, now_ps - event->when_ps);
    scheduler_undate(scheduler, before);
}

void scheduler_advance(struct scheduler *scheduler, uint64_t now_ps) {
    if (now_ps < scheduler->now_ps) {
        now_ps = scheduler->now_ps;
    }
    while (scheduler->first && scheduler->first->when_ps <= now_ps) {
        struct event *event = scheduler->first;
        scheduler->first = event->next;
        event->next = NULL;
        event->pending = false;
        scheduler->now_ps = now_ps;
        scheduler->due_ps = event->when_ps;
        scheduler->in_event = true;
        event->callback(event, now_ps - event->when_ps);
        scheduler->in_event = false;
    }
    scheduler->now_ps = now_ps;
}
