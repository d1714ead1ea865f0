/* Steps that wait for the Python program to be somewhere (emulator/debug/python.h). */
#include "emulator/scenario/runner_private.h"

#include <stdio.h>
#include <string.h>

#define LOOK_PS (1 * PS_PER_MS)
#define STACK_BYTES 1024

static bool check_python(struct runner *runner, const struct scenario_step *step, struct error *error) {
    struct python *python = session_python(runner->session);
    if (python && python_is_known(python)) {
        return true;
    }
    error_set(error, "%s: the firmware's Python interpreter is not one that is recognised",
              scenario_kind_name(step->kind));
    return false;
}

/* ---- expect-line ---- */

static bool reach_line(void *context, const struct python_event *event) {
    struct task *task = context;
    task->found = true;
    return true;
}

static enum step_state begin_line(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    struct error error;
    task->place =
        (struct python_place){ .file = step->file, .line = step->count, .reached = reach_line, .context = task };
    if (!python_place_wait(&task->place, session_python(runner->session), &error)) {
        return task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
    }
    return STEP_WAITS;
}

static enum step_state look_at_line(struct runner *runner, struct task *task) {
    return task->found ? STEP_DONE : STEP_WAITS;
}

/* ---- expect-stack ---- */

/* "main;blink", without modules, outermost first. */
static void tell_stack(struct runner *runner, char *ret_text, size_t size) {
    struct python_frame frames[PYTHON_DEPTH];
    unsigned depth = python_stack(session_python(runner->session), 0, frames, PYTHON_DEPTH);
    *ret_text = 0;
    for (unsigned i = depth; i-- > 0;) {
        size_t used = strlen(ret_text);
        if (strcmp(frames[i].code->function, "<module>") != 0) {
            snprintf(ret_text + used, size - used, "%s%s", used ? ";" : "", frames[i].code->function);
        }
    }
}

/* The innermost functions are those that are wanted. */
static bool ends_with(const char *stack, const char *wanted) {
    size_t size = strlen(stack), wanted_size = strlen(wanted);
    return wanted_size <= size && !strcmp(stack + size - wanted_size, wanted) &&
           (wanted_size == size || stack[size - wanted_size - 1] == ';');
}

static enum step_state look_at_stack(struct runner *runner, struct task *task) {
    char stack[STACK_BYTES];
    tell_stack(runner, stack, sizeof(stack));
    task->wake_ps = session_now(runner->session) + LOOK_PS;
    return ends_with(stack, task_step(task)->control) ? STEP_DONE : STEP_WAITS;
}

static void explain_python(struct runner *runner, struct task *task, char *ret_text, size_t size) {
    char stack[STACK_BYTES];
    tell_stack(runner, stack, sizeof(stack));
    snprintf(ret_text, size, "the Python program %s%s", *stack ? "is in " : "runs no function", stack);
}

const struct step_actions line_actions = { begin_line, look_at_line, explain_python, check_python };
const struct step_actions stack_actions = { look_at_stack, look_at_stack, explain_python, check_python };
