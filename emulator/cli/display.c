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
    return options->timeout_ms || options->expect_text;
}

static bool is_wanted(const struct session *session) {
    const struct run_options *options = session->options;
    bool diagram = session->wiring.project.diagram_path[0] != 0;
    return options->window == WINDOW_YES || (options->window == WINDOW_AUTO && diagram && !is_for_its_outcome(options));
}

/* Frames that nobody draws would never be counted. */
static bool go_without(const struct session *session, struct error *error) {
    error_set(error, "--frames %" PRIu64 ": there is no window (--window asks for one)", session->options->frames);
    return !session->options->frames;
}

bool display_open(struct session *session, struct error *error) {
    if (!is_wanted(session)) {
        return go_without(session, error);
    }
    const struct project *project = &session->wiring.project;
    char name[128];
    project_name(project, name, sizeof(name));
    snprintf(session->title, sizeof(session->title), "%s%s%.64s", name, name[0] ? " - " : "", project->board->name);
    struct window_desc desc = { .project = project, .title = session->title, .frames = session->options->frames };
    session->window = window_open(&desc, error);
    if (!session->window && session->options->window == WINDOW_AUTO) {
        fprintf(stderr, "ouroboard: %s; going on without\n", error->message);
        return go_without(session, error);
    }
    session->feed = session->window ? window_feed(session->window) : NULL;
    return session->window != NULL;
}

static int run(void *context) {
    return session_run(context);
}

int display_run(struct session *session) {
    if (!session->window) {
        return session_run(session);
    }
    int code = window_run(session->window, run, session);
    struct window_cost cost = window_cost(session->window);
    if (session->options->stats) {
        fprintf(stderr, "ouroboard: window: %.1f frames a second, %.1f %% of a core\n",
                (double)cost.frames / cost.wall_s, 100 * cost.cpu_s / cost.wall_s);
    }
    return code;
}

void display_close(struct session *session) {
    window_close(session->window);
    session->window = NULL;
    session->feed = NULL;
}
