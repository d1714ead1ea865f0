/* Steps about USB: the cable and the ports that a program on the PC opens; power and faults; and keys, mouse and MIDI
 * that the board sends. */
#include "emulator/scenario/runner_private.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* ---- usb ---- */

enum usb_state { USB_OPEN, USB_CLOSE, USB_PAUSE, USB_RESUME, USB_PLUG, USB_UNPLUG };

static enum step_state begin_usb(struct runner *runner, struct task *task) {
    static const struct {
        enum input_kind kind;
        double value;
    } inputs[] = { [USB_OPEN] = { INPUT_USB_OPEN, 1 },   [USB_CLOSE] = { INPUT_USB_OPEN, 0 },
                   [USB_PAUSE] = { INPUT_USB_PAUSE, 1 }, [USB_RESUME] = { INPUT_USB_PAUSE, 0 },
                   [USB_PLUG] = { INPUT_USB, 1 },        [USB_UNPLUG] = { INPUT_USB, 0 } };
    const struct scenario_step *step = task_step(task);
    return task_apply(runner, task,
                      &(struct input){ .kind = inputs[step->choice].kind,
                                       .index = step->port == SCENARIO_DATA ? 1 : 0,
                                       .value = inputs[step->choice].value });
}

static bool check_usb(struct runner *runner, const struct scenario_step *step, struct error *error) {
    error_set(error, "usb: the port is console or data");
    return step->port == SCENARIO_CONSOLE || step->port == SCENARIO_DATA;
}

const struct step_actions usb_actions = { begin_usb, .check = check_usb };

/* ---- power ---- */

enum power_state { POWER_OFF, POWER_ON, POWER_CYCLE };

static enum step_state switch_power(struct runner *runner, struct task *task, bool on) {
    return task_apply(runner, task, &(struct input){ .kind = INPUT_POWER, .value = on });
}

static enum step_state begin_power(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    enum step_state state = switch_power(runner, task, step->choice == POWER_ON);
    task->wake_ps = task->began_ps + step->time_ps;
    return step->choice == POWER_CYCLE && state == STEP_DONE ? STEP_WAITS : state;
}

static enum step_state look_at_power(struct runner *runner, struct task *task) {
    return session_now(runner->session) < task->wake_ps ? STEP_WAITS : switch_power(runner, task, true);
}

const struct step_actions power_actions = { begin_power, look_at_power };

/* ---- fault ---- */

static enum step_state begin_fault(struct runner *runner, struct task *task) {
    return task_apply(runner, task, &(struct input){ .kind = INPUT_FAULT, .name = task_step(task)->control });
}

const struct step_actions fault_actions = { begin_fault };

/* ---- expect-usb ---- */

/* Wait for one of the lines that the runner makes of what the board sends. */
static enum step_state wait_for_line(struct runner *runner, struct task *task, const char *line) {
    char text[300];
    snprintf(text, sizeof(text), "%s\n", line);
    const struct scenario_text wanted = { text, strlen(text) };
    stream_pattern_finish(&task->pattern);
    return task_wait_for(runner, task, &runner->usb_events.stream, &wanted, NULL);
}

/* "LEFT_CONTROL+C": the key number `index`; false when there are no more. */
static bool take_key(const char *keys, unsigned index, char *ret_key, size_t size) {
    while (*keys && index--) {
        keys += strcspn(keys, "+, ");
        keys += strspn(keys, "+, ");
    }
    snprintf(ret_key, size, "%.*s", (int)strcspn(keys, "+, "), keys);
    for (char *at = ret_key; *at; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    return *ret_key != 0;
}

static enum step_state wait_for_key(struct runner *runner, struct task *task) {
    char key[60], line[80];
    if (!take_key(task_step(task)->control, task->phase, key, sizeof(key))) {
        return STEP_DONE;
    }
    snprintf(line, sizeof(line), "%s down", key);
    return wait_for_line(runner, task, line);
}

static enum step_state begin_usb_wait(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    if (step->control) {
        return wait_for_key(runner, task);
    }
    if (step->regex) {
        return task_wait_for(runner, task, &runner->usb_events.stream, NULL, step->regex);
    }
    char line[200] = "midi";
    for (size_t i = 0; !step->pin && i < step->text.length && i < 16; i++) {
        snprintf(line + strlen(line), sizeof(line) - strlen(line), " %02x", (unsigned char)step->text.bytes[i]);
    }
    return wait_for_line(runner, task, step->pin ? step->pin : line);
}

static enum step_state look_at_usb_wait(struct runner *runner, struct task *task) {
    if (!task->found) {
        return STEP_WAITS;
    }
    task->phase++;
    return task_step(task)->control ? wait_for_key(runner, task) : STEP_DONE;
}

static void explain_usb_wait(struct runner *runner, struct task *task, char *ret_text, size_t size) {
    char wanted[120], rest[400];
    runner_quote(task->pattern.text, strlen(task->pattern.text), wanted, sizeof(wanted));
    runner_quote_rest(task->stream, rest, sizeof(rest));
    snprintf(ret_text, size, "\"%s\" did not come; %s", wanted, rest);
}

const struct step_actions usb_wait_actions = { begin_usb_wait, look_at_usb_wait, explain_usb_wait };
