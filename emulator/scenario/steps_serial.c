/* Steps that wait for what a serial port says, and type. */
#include "emulator/scenario/runner_private.h"

#include <stdio.h>
#include <string.h>

#define TRY_PS (1 * PS_PER_MS)

/* ---- wait-serial ---- */

static enum step_state begin_wait(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    return task_wait_for(runner, task, &runner->ports[step->port].stream, &step->text, step->regex);
}

static enum step_state look_at_wait(struct runner *runner, struct task *task) {
    return task->found ? STEP_DONE : STEP_WAITS;
}

static void explain_wait(struct runner *runner, struct task *task, char *ret_text, size_t size) {
    const struct scenario_step *step = task_step(task);
    char wanted[120], rest[400];
    runner_quote(step->regex ? step->regex : step->text.bytes, step->regex ? strlen(step->regex) : step->text.length,
                 wanted, sizeof(wanted));
    runner_quote_rest(task->stream, rest, sizeof(rest));
    snprintf(ret_text, size, "%s \"%s\" was not printed; %s", step->regex ? "what matches" : "the text", wanted, rest);
}

const struct step_actions serial_wait_actions = { begin_wait, look_at_wait, explain_wait };

/* ---- write-serial ---- */

static size_t send_some(struct runner *runner, const struct scenario_step *step, size_t sent) {
    static const unsigned ports[] = { [SCENARIO_UART0] = CONSOLE_UART0, [SCENARIO_UART1] = CONSOLE_UART1 };
    const char *data = step->text.bytes + sent;
    size_t size = step->text.length - sent;
    if (step->port == SCENARIO_CONSOLE) {
        return session_type(runner->session, data, size, true);
    }
    if (step->port == SCENARIO_DATA) {
        return session_write_cdc(runner->session, 1, data, size);
    }
    const struct input input = { .kind = INPUT_SERIAL, .index = ports[step->port], .data = data, .size = 1 };
    return session_apply(runner->session, &input, NULL) ? 1 : 0;
}

/* A board that is not ready takes nothing: it is tried again. What is typed at the console waits in the session; the
 * step is over when all of it has gone to the board. */
static enum step_state look_at_write(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    size_t taken = 1;
    while (task->sent < step->text.length && taken) {
        taken = send_some(runner, step, task->sent);
        task->sent += taken;
    }
    bool typed = step->port != SCENARIO_CONSOLE || session_typing_room(runner->session) == SESSION_TYPING;
    task->wake_ps = session_now(runner->session) + TRY_PS;
    return task->sent == step->text.length && typed ? STEP_DONE : STEP_WAITS;
}

static void explain_write(struct runner *runner, struct task *task, char *ret_text, size_t size) {
    snprintf(ret_text, size, "the board did not take what is typed (%zu of %zu bytes); is the port there?", task->sent,
             task_step(task)->text.length);
}

const struct step_actions serial_write_actions = { look_at_write, look_at_write, explain_write };
