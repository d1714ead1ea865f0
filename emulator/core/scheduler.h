/* Virtual time and what happens in it.
 *
 * Time is unsigned 64-bit picoseconds since power-on (213 days). Events are intrusive: they live in the device
 * that owns them, and are kept in a list ordered by time, then priority, then order of adding. A core that is
 * running knows the time better than the list does; `sync` asks it. */
#ifndef CORE_SCHEDULER_H
#define CORE_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

#define PS_PER_NS UINT64_C(1000)
#define PS_PER_US UINT64_C(1000000)
#define PS_PER_MS UINT64_C(1000000000)
#define PS_PER_S UINT64_C(1000000000000)
#define TIME_NEVER UINT64_MAX

struct event {
    const char *name; /* for traces */
    /* Called once when due; the event is no longer pending then and may be added again. `late_ps`: how much the
     * present time is past `when_ps` (a core stops at the end of a block of instructions). A periodic event adds
     * itself at `when_ps + period`. */
    void (*callback)(struct event *event, uint64_t late_ps);
    void *owner;
    int priority; /* of events at one time the lowest goes first */

    uint64_t when_ps; /* below: the scheduler's */
    struct event *next;
    bool pending;
};

struct scheduler {
    uint64_t now_ps; /* up to date only when no core runs: use scheduler_now() */
    struct event *first;
    /* Set by the machine while a core runs: brings now_ps up to date. */
    void (*sync)(struct scheduler *scheduler);
    /* Set by the machine: the earliest event has come to lie earlier than the running core was told. */
    void (*earlier)(struct scheduler *scheduler);
    void *context;   /* of the two hooks */
    uint64_t due_ps; /* of the event whose callback runs */
    bool in_event;
};

void scheduler_init(struct scheduler *scheduler);
/* Present time in picoseconds. Inside an event callback: the time that the machine has reached (>= when_ps). */
static inline uint64_t scheduler_now(struct scheduler *scheduler) {
    if (scheduler->sync) {
        scheduler->sync(scheduler);
    }
    return scheduler->now_ps;
}
/* Within an event's callback the time that it was due, else the present time: the date of an edge on a wire. */
static inline uint64_t scheduler_due(struct scheduler *scheduler) {
    return scheduler->in_event ? scheduler->due_ps : scheduler_now(scheduler);
}
/* Until scheduler_undate() gets what this returns, scheduler_due() is `due_ps`: what happened then is made up for. */
struct scheduler_date {
    uint64_t due_ps;
    bool in_event;
};
struct scheduler_date scheduler_date(struct scheduler *scheduler, uint64_t due_ps);
void scheduler_undate(struct scheduler *scheduler, struct scheduler_date before);
/* Before the owners of events go, in whatever order: none is pending any more. */
void scheduler_finish(struct scheduler *scheduler);
/* Make the event due at `when_ps`, which may be past (then it is due at once, from the machine's loop, never from
 * within this call). A pending event is moved. */
void scheduler_add(struct scheduler *scheduler, struct event *event, uint64_t when_ps);
/* No effect when not pending. */
void scheduler_cancel(struct scheduler *scheduler, struct event *event);
/* Call a pending event that is due by now ahead of the others: its owner is being looked at. */
void scheduler_serve(struct scheduler *scheduler, struct event *event);
/* When the earliest event is due; TIME_NEVER when there is none. */
static inline uint64_t scheduler_next(const struct scheduler *scheduler) {
    return scheduler->first ? scheduler->first->when_ps : TIME_NEVER;
}
/* Move time on to `now_ps` (never back) and call what is due, in order. Not re-entrant. Unit tests step with it. */
void scheduler_advance(struct scheduler *scheduler, uint64_t now_ps);

#endif
