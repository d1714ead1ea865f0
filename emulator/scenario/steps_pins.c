/* Steps about parts' controls and pins: what is set, and what is measured with a probe. */
#include "emulator/scenario/runner_private.h"
#include "peripherals/parts/part_names.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- Controls ---- */

static const struct part_control *find_control(const struct project_part *part, const char *name, struct error *error) {
    int index = part_control_find(part->class, name);
    struct nearest nearest;
    char all[200] = "";
    nearest_init(&nearest, name);
    for (unsigned i = 0; index < 0 && i < part_control_count(part->class); i++) {
        size_t used = strlen(all);
        nearest_offer(&nearest, part->class->controls[i].name);
        snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "; it has ", part->class->controls[i].name);
    }
    if (index < 0) {
        error_set(error, "part \"%s\" (%s) has no control \"%s\"%s%s%s", part->from->id, part->class->type, name,
                  nearest.name ? "; did you mean \"" : all, nearest.name ? nearest.name : "",
                  nearest.name ? "\"?" : "");
        return NULL;
    }
    return &part->class->controls[index];
}

static bool check_control(struct runner *runner, const struct scenario_step *step, struct error *error) {
    const struct project_part *part = project_find(session_project(runner->session), step->part, error);
    const struct part_control *control = part ? find_control(part, step->control, error) : NULL;
    double value = step->value;
    return control && part_check_control(control, &value, error);
}

static enum step_state begin_control(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    return task_apply(
        runner, task,
        &(struct input){ .kind = INPUT_CONTROL, .part = step->part, .name = step->control, .value = step->value });
}

const struct step_actions control_actions = { begin_control, .check = check_control };

/* ---- press ---- */

/* The control that is named, or the part's only button. */
static const char *find_button(struct runner *runner, const struct scenario_step *step, struct error *error) {
    const struct project_part *part = project_find(session_project(runner->session), step->part, error);
    const struct part_control *found = part && step->control ? find_control(part, step->control, error) : NULL;
    unsigned buttons = 0;
    if (!part || (step->control && !found)) {
        return NULL;
    }
    for (unsigned i = 0; !step->control && i < part_control_count(part->class); i++) {
        bool is_button = part->class->controls[i].kind == PART_BUTTON;
        found = is_button ? &part->class->controls[i] : found;
        buttons += is_button;
    }
    if (!found || buttons > 1) {
        error_set(error, "part \"%s\" (%s) has not one button to press%s", step->part, part->class->type,
                  buttons ? "; say which control" : "");
        return NULL;
    }
    return found->name;
}

static bool check_press(struct runner *runner, const struct scenario_step *step, struct error *error) {
    return find_button(runner, step, error) != NULL;
}

static enum step_state move_button(struct runner *runner, struct task *task, double value) {
    struct error error;
    const char *name = find_button(runner, task_step(task), &error);
    return name ? task_apply(runner, task,
                             &(struct input){
                                 .kind = INPUT_CONTROL, .part = task_step(task)->part, .name = name, .value = value })
                : task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
}

static enum step_state begin_press(struct runner *runner, struct task *task) {
    task->wake_ps = task->began_ps + task_step(task)->time_ps;
    return move_button(runner, task, 1) == STEP_DONE ? STEP_WAITS : STEP_FAILED;
}

static enum step_state look_at_press(struct runner *runner, struct task *task) {
    return session_now(runner->session) < task->wake_ps ? STEP_WAITS : move_button(runner, task, 0);
}

const struct step_actions press_actions = { begin_press, look_at_press, .check = check_press };

/* ---- Pins ---- */

static void pin_name(const struct scenario_step *step, char *ret_name, size_t size) {
    snprintf(ret_name, size, "%s%s%s", step->part ? step->part : "", step->part ? "." : "", step->pin);
}

static bool check_pin(struct runner *runner, const struct scenario_step *step, struct error *error) {
    char name[200];
    pin_name(step, name, sizeof(name));
    return session_pin_net(runner->session, name, error) != NULL;
}

static enum step_state begin_pin_set(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    char name[200];
    pin_name(step, name, sizeof(name));
    return task_apply(runner, task,
                      &(struct input){ .kind = INPUT_PIN, .name = name, .index = step->choice, .value = step->value });
}

const struct step_actions pin_set_actions = { begin_pin_set, .check = check_pin };

static bool check_wire(struct runner *runner, const struct scenario_step *step, struct error *error) {
    const struct project *project = session_project(runner->session);
    return project_board_net(project, step->pin, error) && project_board_net(project, step->other_pin, error);
}

static enum step_state begin_wire(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    return task_apply(runner, task, &(struct input){ .kind = INPUT_WIRE, .part = step->pin, .name = step->other_pin });
}

const struct step_actions wire_actions = { begin_wire, .check = check_wire };

static enum step_state begin_reset(struct runner *runner, struct task *task) {
    return task_apply(runner, task, &(struct input){ .kind = INPUT_RESET });
}

const struct step_actions reset_actions = { begin_reset };

/* ---- expect-pin ---- */

static bool is_measured(const struct scenario_step *step) {
    bool level = step->has_value || step->volts.given;
    return step->frequency.given || step->duty.given || step->high.given || step->low.given || !level;
}

static double tolerance_of(const struct scenario_step *step, const struct scenario_range *range, bool is_share) {
    return range->tolerance >= 0 ? range->tolerance : is_share ? step->tolerance : step->tolerance * range->value;
}

static bool is_within(const struct scenario_step *step, const struct scenario_range *range, bool is_share,
                      double value) {
    /* what is on the edge is in it, whatever the last bit of a double says */
    return fabs(value - range->value) <= tolerance_of(step, range, is_share) + 1e-9 * (1 + fabs(range->value));
}

static bool check_range(const struct scenario_step *step, const struct scenario_range *range, bool is_share,
                        double value, const char *what, double scale, const char *unit, char *ret_text, size_t size) {
    if (!range->given || is_within(step, range, is_share, value)) {
        return true;
    }
    snprintf(ret_text, size, "%s is %.6g %s, not %.6g %s within %.3g", what, value * scale, unit, range->value * scale,
             unit, tolerance_of(step, range, is_share) * scale);
    return false;
}

/* Every whole pulse of the window. */
static bool check_pulses(const struct scenario_step *step, const struct scenario_range *range,
                         const struct probe_pulses *pulses, const char *what, char *ret_text, size_t size) {
    if (range->given && !pulses->count) {
        snprintf(ret_text, size, "there was no whole %s pulse", what);
        return false;
    }
    char name[60];
    snprintf(name, sizeof(name), "the shortest of %" PRIu64 " %s pulses", pulses->count, what);
    bool ok = check_range(step, range, false, (double)pulses->shortest_ps / PS_PER_S, name, 1e6, "us", ret_text, size);
    snprintf(name, sizeof(name), "the longest of %" PRIu64 " %s pulses", pulses->count, what);
    return ok &&
           check_range(step, range, false, (double)pulses->longest_ps / PS_PER_S, name, 1e6, "us", ret_text, size);
}

static bool check_changes(const struct scenario_step *step, const struct probe_result *result, char *ret_text,
                          size_t size) {
    bool asked = !step->has_value && !step->volts.given && !step->frequency.given && !step->duty.given &&
                 !step->high.given && !step->low.given;
    uint64_t edges = result->rises + result->falls;
    if (asked && step->changes != (edges > 0)) {
        snprintf(ret_text, size, "the level changed %" PRIu64 " times in the window", edges);
        return false;
    }
    return true;
}

static bool check_level(struct runner *runner, const struct task *task, char *ret_text, size_t size) {
    const struct scenario_step *step = task_step(task);
    struct net *net = task->probe.net;
    int level = net_is_high(net);
    if (step->has_value && level != (step->value != 0)) {
        snprintf(ret_text, size, "it is %d%s, not %d", level,
                 net->level == NET_LEVEL_FLOATING ? " (nothing drives it)" : "", step->value != 0);
        return false;
    }
    struct scenario_range volts = step->volts;
    volts.tolerance = volts.tolerance >= 0 ? volts.tolerance : 0.05;
    return check_range(step, &volts, true, net_volts(net), "it", 1, "V", ret_text, size);
}

static bool check_pin_now(struct runner *runner, const struct task *task, char *ret_text, size_t size) {
    const struct scenario_step *step = task_step(task);
    struct probe_result result;
    probe_measure(&task->probe, &result);
    return check_range(step, &step->frequency, false, result.hertz, "the frequency", 1, "Hz", ret_text, size) &&
           check_range(step, &step->duty, true, result.duty, "the duty", 100, "%", ret_text, size) &&
           check_pulses(step, &step->high, &result.high, "high", ret_text, size) &&
           check_pulses(step, &step->low, &result.low, "low", ret_text, size) &&
           check_changes(step, &result, ret_text, size) && check_level(runner, task, ret_text, size);
}

static void stop_at_edge(void *context, const struct probe_edge *edge) {
    session_stop(context);
}

/* A level is looked at now, or, with a timeout, at every change until it is there. What is measured is measured over
 * one window; with a timeout, over one after the other. */
static enum step_state look_at_pin(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    char text[200];
    if (is_measured(step) && session_now(runner->session) < task->wake_ps) {
        return STEP_WAITS;
    }
    if (check_pin_now(runner, task, text, sizeof(text))) {
        return STEP_DONE;
    }
    if (!step->waits) {
        return task_fail(runner, task, RUNNER_FAILED, "%s%s%s: %s", step->part ? step->part : "", step->part ? "." : "",
                         step->pin, text);
    }
    if (is_measured(step)) {
        probe_restart(&task->probe);
        task->wake_ps = session_now(runner->session) + step->time_ps;
    }
    return STEP_WAITS;
}

static enum step_state begin_pin(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    struct error error;
    char name[200];
    pin_name(step, name, sizeof(name));
    task->probe.changed = is_measured(step) ? NULL : stop_at_edge;
    task->probe.context = runner->session;
    if (!probe_open(&task->probe, runner->session, name, &error)) {
        return task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
    }
    task->wake_ps = is_measured(step) ? task->began_ps + step->time_ps : TIME_NEVER;
    return look_at_pin(runner, task);
}

static void explain_pin(struct runner *runner, struct task *task, char *ret_text, size_t size) {
    check_pin_now(runner, task, ret_text, size);
}

const struct step_actions pin_actions = { begin_pin, look_at_pin, explain_pin, check_pin };
