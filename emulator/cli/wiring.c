#include "emulator/cli/wiring.h"

#include "emulator/cli/output.h"

#include <stdlib.h>
#include <string.h>

void wiring_report(void *context, enum log_level level, const char *line) {
    fprintf(stderr, "ouroboard: %s%s\n", level == LOG_WARN ? "warning: " : level == LOG_INFO ? "note: " : "", line);
}

bool wiring_read(struct wiring *wiring, struct run_options *options, struct error *error) {
    if (!options->project) {
        return true;
    }
    struct findings findings = { .report = wiring_report };
    error_set(error, "%s", "");
    if (!project_read(&wiring->project, options->project, options->board, &findings)) {
        return false;
    }
    wiring->read = wiring->project.board != NULL;
    if (wiring->read) {
        options->board = wiring->project.board->id;
    }
    if (!options->drive && !options->image) {
        options->drive = wiring->project.folder;
    }
    return true;
}

/* ---- --wire A=B ---- */
static bool join(struct wiring *wiring, const char *text, struct error *error) {
    char from[DIAGRAM_PATH];
    struct error why;
    const char *equals = strchr(text, '=');
    if (!equals || !equals[1] || equals == text || equals - text >= DIAGRAM_PATH) {
        error_set(error, "--wire %s: say pin=pin, such as GP2=GP3", text);
        return false;
    }
    snprintf(from, sizeof(from), "%.*s", (int)(equals - text), text);
    struct net *a = project_board_net(&wiring->project, from, &why);
    struct net *b = a ? project_board_net(&wiring->project, equals + 1, &why) : NULL;
    if (!b) {
        error_set(error, "--wire %s: %s", text, why.message);
        return false;
    }
    if (a == b) {
        error_set(error, "--wire %s: both names are the same pin; say two different ones", text);
        return false;
    }
    if (!project_join(&wiring->project, a, b)) {
        error_set(error, "--wire %s: makes a short circuit of a supply", text);
        return false;
    }
    return true;
}

static bool join_all(struct wiring *wiring, const struct run_options *options, struct error *error) {
    for (unsigned i = 0; i < options->request_count; i++) {
        if (options->requests[i].kind == REQUEST_WIRE && !join(wiring, options->requests[i].text, error)) {
            return false;
        }
    }
    return true;
}

/* ---- --vcd FILE ---- */
static void write_vcd(void *context, const char *text, size_t size) {
    fwrite(text, 1, size, context);
}

static bool open_vcd(struct wiring *wiring, const char *path, struct error *error) {
    wiring->vcd_file = output_open("--vcd", path, error);
    if (!wiring->vcd_file) {
        return false;
    }
    error_set(error, "out of memory");
    wiring->vcd = vcd_create(write_vcd, wiring->vcd_file);
    if (!wiring->vcd) {
        return false;
    }
    const struct project *project = &wiring->project;
    bool ok = true;
    struct net *net;
    for (unsigned i = 0; i < project->board->gpio_count && (net = machine_gpio(project->machine, i)); i++) {
        ok &= vcd_add(wiring->vcd, "gpio", net->name, net);
    }
    for (struct project_net *each = project->nets; each; each = each->next) {
        ok &= vcd_add(wiring->vcd, "diagram", each->name, &each->net);
    }
    return ok;
}

/* ---- Life ---- */
bool wiring_build(struct wiring *wiring, const struct run_options *options, const struct board *board,
                  struct machine *machine, struct error *error) {
    struct findings findings = { .file = wiring->project.diagram_path, .report = wiring_report };
    error_set(error, "%s", "");
    if (!wiring->read && !project_plain(&wiring->project, board, &findings)) {
        return false;
    }
    wiring->read = true;
    if (!project_build(&wiring->project, machine, &findings)) {
        return false;
    }
    return join_all(wiring, options, error) && actions_init(&wiring->actions, &wiring->project, options, error) &&
           actions_step(&wiring->actions, 0, error) && (!options->vcd || open_vcd(wiring, options->vcd, error));
}

void wiring_start(struct wiring *wiring) {
    if (wiring->vcd) {
        vcd_start(wiring->vcd);
    }
}

bool wiring_end(struct wiring *wiring, struct error *error) {
    return actions_end(&wiring->actions, error);
}

void wiring_close(struct wiring *wiring) {
    vcd_destroy(wiring->vcd);
    actions_finish(&wiring->actions);
    project_finish(&wiring->project);
}
