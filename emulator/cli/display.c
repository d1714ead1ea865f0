/* Whether a run has a window, and the run inside it. */
#include "emulator/cli/display.h"

#include "gui/window.h"

#include <inttypes.h>
#include <stdio.h>

static bool is_for_its_outcome(const struct run_options *options) {
    for (unsigned i = 0; i < options->request_count; i++) {
        if (options->requests[i].kind == REQUEST_SCREENSHOT) {
            return true;
        }
    }
    return options->timeout_ms || options->expect_text || options->control;
}

static bool is_wanted(const struct run *run) {
    const struct run_options *options = run->options;
    bool diagram = session_project(run->session)->diagram_path[0] != 0;
    return options->window == WINDOW_YES || (options->window == WINDOW_AUTO && diagram && !is_for_its_outcome(options));
}

/* Frames that nobody draws would never be counted. */
static bool go_without(const struct run *run, struct error *error) {
    error_set(error, "--frames %" PRIu64 ": there is no window (--window asks for one)", run->options->frames);
    return !run->options->frames;
}

static void set_control(void *context, const char *part, const char *control, double value) {
    const struct run *run = context;
    const struct input input = { .kind = INPUT_CONTROL, .part = part, .name = control, .value = value };
    session_apply(run->session, &input, NULL);
}

bool display_open(struct run *run, struct error *error) {
    if (!is_wanted(run)) {
        return go_without(run, error);
    }
    const struct project *project = session_project(run->session);
    char name[128];
    project_name(project, name, sizeof(name));
    snprintf(run->title, sizeof(run->title), "%s%s%.64s", name, name[0] ? " - " : "", project->board->name);
    struct window_desc desc = {
        .project = project, .set = set_control, .set_context = run, .title = run->title, .frames = run->options->frames
    };
    run->window = window_open(&desc, error);
    if (!run->window && run->options->window == WINDOW_AUTO) {
        fprintf(stderr, "ouroboard: %s; going on without\n", error->message);
        return go_without(run, error);
    }
    run->feed = run->window ? window_feed(run->window) : NULL;
    return run->window != NULL;
}

static int play_on(void *context) {
    return play(context);
}

int display_run(struct run *run) {
    if (!run->window) {
        return play(run);
    }
    int code = window_run(run->window, play_on, run);
    struct window_cost cost = window_cost(run->window);
    if (run->options->stats) {
        fprintf(stderr, "ouroboard: window: %.1f frames a second, %.1f %% of a core\n",
                (double)cost.frames / cost.wall_s, 100 * cost.cpu_s / cost.wall_s);
    }
    return code;
}

void display_close(struct run *run) {
    window_close(run->window);
    run->window = NULL;
    run->feed = NULL;
}
