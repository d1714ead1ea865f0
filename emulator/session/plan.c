/* Inputs that take effect at times of their own, in the order of times, then of calls. */
#include "emulator/session/session_private.h"

#include <stdlib.h>

struct planned_input {
    uint64_t when_ps;
    struct input input;
};

static bool make_room(struct plan *plan, struct error *error) {
    if (plan->count < plan->room) {
        return true;
    }
    unsigned room = plan->room ? 2 * plan->room : 16;
    struct planned_input *list = realloc(plan->list, room * sizeof(*list));
    if (!list) {
        error_set(error, "out of memory");
        return false;
    }
    plan->list = list;
    plan->room = room;
    return true;
}

bool session_plan(struct session *session, uint64_t when_ps, const struct input *input, struct error *error) {
    struct plan *plan = &session->plan;
    struct fault fault;
    if (input->kind == INPUT_FAULT && !faults_check(session, input->name, &fault, error)) {
        return false;
    }
    if (when_ps <= session_now(session)) {
        return session_apply(session, input, error);
    }
    if (!make_room(plan, error)) {
        return false;
    }
    unsigned at = plan->count++;
    for (; at > plan->next && plan->list[at - 1].when_ps > when_ps; at--) {
        plan->list[at] = plan->list[at - 1];
    }
    plan->list[at] = (struct planned_input){ when_ps, *input };
    return true;
}

uint64_t session_planned(const struct session *session) {
    const struct plan *plan = &session->plan;
    return plan->next < plan->count ? plan->list[plan->next].when_ps : TIME_NEVER;
}

void plan_step(struct session *session, uint64_t now_ps) {
    struct plan *plan = &session->plan;
    struct error error;
    while (session_planned(session) <= now_ps) {
        const struct planned_input *due = &plan->list[plan->next++];
        if (!session_apply(session, &due->input, &error)) {
            session_say(session, LOG_ERROR, "%s", error.message);
        }
    }
}

void plan_finish(struct session *session) {
    free(session->plan.list);
    session->plan = (struct plan){ 0 };
}
