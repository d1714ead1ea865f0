/* Steps about traffic on buses. A bus is listened to from the first step that names its pins on, to the end of the
 * case; each transaction becomes a line of text, in which steps look with one cursor:
 *
 *   36 w 0c         I2C: address, direction, bytes; "36 r nack" when nobody answered
 *   > 2a 00 < ff 00 SPI: what the controller sent and, where MISO is named, what came back
 *   > 48 69         UART */
#include "emulator/scenario/runner_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_PS (5 * PS_PER_MS)
#define LINE_BYTES 64 /* bytes of a transaction that its line has; the rest is "..." */

/* ---- Lines ---- */

static void add_hex(char *line, size_t size, const uint8_t *data, size_t count) {
    for (size_t i = 0; i < count && i < LINE_BYTES; i++) {
        size_t used = strlen(line);
        snprintf(line + used, size - used, " %02x", data[i]);
    }
    if (count > LINE_BYTES) {
        size_t used = strlen(line);
        snprintf(line + used, size - used, " ...");
    }
}

static void hear_transaction(void *context, const struct bus_transaction *transaction) {
    struct tapped *tapped = context;
    char line[600] = ">";
    bool nack = tapped->kind == BUS_I2C && !transaction->is_acknowledged;
    if (tapped->kind == BUS_I2C) {
        snprintf(line, sizeof(line), "%02x %c%s", transaction->address, transaction->is_read ? 'r' : 'w',
                 nack ? " nack" : "");
    }
    if (!nack) {
        add_hex(line, sizeof(line), transaction->data, transaction->size);
    }
    if (transaction->miso) {
        strcat(line, " <");
        add_hex(line, sizeof(line), transaction->miso, transaction->size);
    }
    strcat(line, "\n");
    runner_hear(tapped->runner, &tapped->heard, line, strlen(line));
    session_stop(tapped->runner->session);
}

/* ---- Taps ---- */

void runner_drop_taps(struct runner *runner) {
    while (runner->taps) {
        struct tapped *gone = runner->taps;
        runner->taps = gone->next;
        bus_tap_close(gone->tap);
        stream_finish(&gone->heard.stream);
        free(gone);
    }
}

static void key_of(const struct scenario_step *step, char *ret_key, size_t size) {
    const char *pins[] = { step->pin, step->other_pin, step->control, step->view };
    int used = snprintf(ret_key, size, "%u %u %u", step->choice, step->mode, step->count);
    for (unsigned i = 0; i < 4; i++) {
        used += snprintf(ret_key + used, size - (size_t)used, " %.40s", pins[i] ? pins[i] : "");
    }
}

static bool find_nets(struct runner *runner, const struct scenario_step *step, struct bus_desc *desc,
                      struct error *error) {
    const char *pins[BUS_LINES] = { step->pin, step->other_pin, step->control, step->view };
    for (unsigned i = 0; i < BUS_LINES; i++) {
        desc->nets[i] = pins[i] ? session_pin_net(runner->session, pins[i], error) : NULL;
        if (pins[i] && !desc->nets[i]) {
            return false;
        }
    }
    return true;
}

static bool check_bus(struct runner *runner, const struct scenario_step *step, struct error *error) {
    struct bus_desc desc = { 0 };
    bool two = step->choice != SCENARIO_UART;
    if (!step->pin || (two && !step->other_pin && !step->control)) {
        error_set(error, "expect-bus: %s",
                  step->choice == SCENARIO_I2C   ? "say sda and scl"
                  : step->choice == SCENARIO_SPI ? "say sck and mosi or miso"
                                                 : "say line");
        return false;
    }
    if (step->choice == SCENARIO_UART && !step->count) {
        error_set(error, "expect-bus: say the baud rate of the line");
        return false;
    }
    return find_nets(runner, step, &desc, error);
}

static struct tapped *make_tap(struct runner *runner, const struct scenario_step *step, const char *key,
                               struct error *error) {
    static const enum bus_kind kinds[] = {
        [SCENARIO_I2C] = BUS_I2C, [SCENARIO_SPI] = BUS_SPI, [SCENARIO_UART] = BUS_UART
    };
    struct tapped *made = calloc(1, sizeof(*made));
    struct bus_desc desc = {
        .kind = kinds[step->choice], .mode = step->mode, .baud = step->count, .done = hear_transaction, .context = made
    };
    error_set(error, "out of memory");
    if (made && find_nets(runner, step, &desc, error)) {
        made->runner = runner;
        made->kind = desc.kind;
        snprintf(made->key, sizeof(made->key), "%s", key);
        made->tap = bus_tap_open(&desc, error);
    }
    if (!made || !made->tap) {
        free(made);
        return NULL;
    }
    made->next = runner->taps;
    runner->taps = made;
    return made;
}

static struct tapped *take_tap(struct runner *runner, const struct scenario_step *step, struct error *error) {
    char key[200];
    key_of(step, key, sizeof(key));
    for (struct tapped *each = runner->taps; each; each = each->next) {
        if (strcmp(each->key, key) == 0) {
            return each;
        }
    }
    return make_tap(runner, step, key, error);
}

/* ---- The step ---- */

/* The expression that the lines fit which the step wants. */
static void make_expression(const struct scenario_step *step, char *ret_text, size_t size) {
    static const char *const directions[] = { "[rw]", "r", "w" };
    const struct scenario_text *data = step->text.bytes ? &step->text : &step->start;
    char bytes[400] = "";
    add_hex(bytes, sizeof(bytes), (const uint8_t *)data->bytes, data->length);
    const char *end = step->text.bytes ? "( <|$)" : step->start.bytes ? "( |$)" : step->flag ? "( [0-9a-f]{2})*$" : "";
    bool nack = step->flag && step->missing;
    if (step->choice != SCENARIO_I2C) {
        snprintf(ret_text, size, "^>%s%s", bytes, end);
        return;
    }
    char address[20] = "[0-9a-f]+";
    if (step->has_address) {
        snprintf(address, sizeof(address), "%02x", step->address);
    }
    snprintf(ret_text, size, "^%s %s%s%s", address, directions[step->direction], nack ? " nack" : bytes,
             nack ? "$" : end);
}

static enum step_state begin_bus(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    struct error error;
    struct tapped *tapped = take_tap(runner, step, &error);
    if (!tapped) {
        return task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
    }
    char expression[600];
    make_expression(step, expression, sizeof(expression));
    return task_wait_for(runner, task, &tapped->heard.stream, NULL, step->regex ? step->regex : expression);
}

/* What ends with a pause is told of when somebody asks. */
static enum step_state look_at_bus(struct runner *runner, struct task *task) {
    struct tapped *tapped = task->found ? NULL : take_tap(runner, task_step(task), NULL);
    if (tapped) {
        bus_tap_count(tapped->tap);
    }
    task->wake_ps = session_now(runner->session) + LOOK_PS;
    return task->found ? STEP_DONE : STEP_WAITS;
}

static void explain_bus(struct runner *runner, struct task *task, char *ret_text, size_t size) {
    char rest[400];
    runner_quote_rest(task->stream, rest, sizeof(rest));
    snprintf(ret_text, size, "no transaction that fits %.150s; %s", task->pattern.text, rest);
}

const struct step_actions bus_actions = { begin_bus, look_at_bus, explain_bus, check_bus };
