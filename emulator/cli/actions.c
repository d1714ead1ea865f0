/* The options with a time (--set, --press, --fault, --screenshot, --save-state): their texts, and what they plan. */
#include "emulator/cli/actions.h"

#include "emulator/project/scene.h"
#include "peripherals/parts/part_names.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PRESS_PS (100 * PS_PER_MS)
#define TEXT_MAX 512

/* Cut "@TIME" off the text's end. */
static bool cut_time(char *text, const char *option, uint64_t *ret_ps, struct error *error) {
    char *at = strrchr(text, '@');
    if (!at) {
        return true;
    }
    if (!time_parse(at + 1, ret_ps)) {
        error_set(error, "%s: \"%s\" is no time (say 500us, 20ms, 1.5s)", option, at + 1);
        return false;
    }
    *at = 0;
    return true;
}

static void add_action(struct actions *actions, struct action action) {
    unsigned at = actions->count++;
    while (at && actions->list[at - 1].when_ps > action.when_ps) {
        actions->list[at] = actions->list[at - 1];
        at--;
    }
    actions->list[at] = action;
}

static const struct part_control *find_control(const struct project_part *part, const char *name) {
    int index = part_control_find(part->class, name);
    return index < 0 ? NULL : &part->class->controls[index];
}

static bool no_control(const struct project_part *part, const char *name, struct error *error) {
    struct nearest nearest;
    nearest_init(&nearest, name);
    char names[200] = "";
    for (unsigned i = 0; i < part_control_count(part->class); i++) {
        size_t used = strlen(names);
        nearest_offer(&nearest, part->class->controls[i].name);
        snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", part->class->controls[i].name);
    }
    error_set(error, "part \"%s\" (%s) has no control \"%s\"%s%s%s", part->from->id, part->class->type, name,
              nearest.name ? "; did you mean \""
              : *names     ? "; it has "
                           : "",
              nearest.name ? nearest.name : names, nearest.name ? "\"?" : "");
    return false;
}

/* In a session that has been loaded: what was due since the start has been. */
static bool plan_input(const struct actions *actions, uint64_t when_ps, const struct input *input,
                       struct error *error) {
    bool is_over = when_ps > 0 && when_ps <= session_now(actions->session);
    return is_over || session_plan(actions->session, when_ps, input, error);
}

/* ---- --set part.control=value[@time] ---- */
static bool parse_set(struct actions *actions, const char *given, struct error *error) {
    char text[TEXT_MAX];
    struct error why;
    struct input input = { .kind = INPUT_CONTROL };
    uint64_t when_ps = 0;
    if (snprintf(text, sizeof(text), "%s", given) >= (int)sizeof(text)) {
        error_set(error, "--set: too long");
        return false;
    }
    if (!cut_time(text, "--set", &when_ps, error)) {
        return false;
    }
    char *equals = strchr(text, '='), *dot = NULL;
    if (equals) {
        *equals = 0;
        dot = strrchr(text, '.');
    }
    if (!dot) {
        error_set(error, "--set %s: say part.control=value or part.control=value@time", given);
        return false;
    }
    *dot = 0;
    const struct project_part *part = project_find(actions->project, text, &why);
    const struct part_control *control = part ? find_control(part, dot + 1) : NULL;
    if (part && !control) {
        no_control(part, dot + 1, &why);
    }
    if (!control || !part_parse_control(control, equals + 1, &input.value, &why)) {
        error_set(error, "--set %s: %s", given, why.message);
        return false;
    }
    input.part = part->from->id;
    input.name = control->name;
    return plan_input(actions, when_ps, &input, error);
}

/* ---- --press part[.control][@time][,duration] ---- */
static const struct part_control *only_button(const struct project_part *part) {
    const struct part_control *found = NULL;
    for (unsigned i = 0; i < part_control_count(part->class); i++) {
        if (part->class->controls[i].kind == PART_BUTTON) {
            if (found) {
                return NULL;
            }
            found = &part->class->controls[i];
        }
    }
    return found;
}

static bool find_button(const struct actions *actions, char *text, struct input *input, struct error *error) {
    char *dot = strrchr(text, '.');
    const struct project_part *part = project_find(actions->project, text, error);
    const struct part_control *button = part ? only_button(part) : NULL;
    if (!part && dot) {
        *dot = 0;
        part = project_find(actions->project, text, error);
        button = part ? find_control(part, dot + 1) : NULL;
        if (part && !button) {
            return no_control(part, dot + 1, error);
        }
    }
    if (!part) {
        return false;
    }
    if (!button || button->kind != PART_BUTTON) {
        error_set(error, "part \"%s\" (%s) has not one button to press", part->from->id, part->class->type);
        return false;
    }
    input->part = part->from->id;
    input->name = button->name;
    return true;
}

static bool parse_press(struct actions *actions, const char *given, struct error *error) {
    char text[TEXT_MAX];
    struct error why;
    struct input input = { .kind = INPUT_CONTROL, .value = 1 };
    uint64_t when_ps = 0, duration = PRESS_PS;
    if (snprintf(text, sizeof(text), "%s", given) >= (int)sizeof(text)) {
        error_set(error, "--press: too long");
        return false;
    }
    char *comma = strrchr(text, ',');
    if (comma) {
        *comma = 0;
        if (!time_parse(comma + 1, &duration)) {
            error_set(error, "--press %s: \"%s\" is no time (say 500us, 20ms, 1.5s)", given, comma + 1);
            return false;
        }
    }
    if (!cut_time(text, "--press", &when_ps, error)) {
        return false;
    }
    if (!find_button(actions, text, &input, &why)) {
        error_set(error, "--press %s: %s", given, why.message);
        return false;
    }
    const struct input release = { .kind = INPUT_CONTROL, .part = input.part, .name = input.name };
    return plan_input(actions, when_ps, &input, error) && plan_input(actions, when_ps + duration, &release, error);
}

/* ---- --fault text[@time] ---- */
static bool parse_fault(struct actions *actions, const char *given, struct error *error) {
    struct error why;
    uint64_t when_ps = 0;
    char *text = strdup(given);
    if (!text) {
        error_set(error, "out of memory");
        return false;
    }
    actions->faults[actions->fault_count++] = text;
    if (!cut_time(text, "--fault", &when_ps, error)) {
        return false;
    }
    const struct input input = { .kind = INPUT_FAULT, .name = text };
    bool ok = plan_input(actions, when_ps, &input, &why);
    if (!ok) {
        error_set(error, "--fault %s", why.message);
    }
    return ok;
}

/* ---- --screenshot [part:]file[@time] ---- */
/* Better now than after a long run. */
static bool check_folder(const char *option, const char *path, const char *given, struct error *error) {
    char folder[TEXT_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash) {
        snprintf(folder, sizeof(folder), "%.*s", slash == path ? 1 : (int)(slash - path), path);
    }
    if (access(folder, W_OK) == 0) {
        return true;
    }
    error_set(error, "%s %s: %s", option, given, strerror(errno));
    return false;
}

static bool parse_screenshot(struct actions *actions, const char *given, struct error *error) {
    char text[TEXT_MAX];
    struct error why;
    struct action action = { .when_ps = TIME_NEVER, .file = given };
    if (snprintf(text, sizeof(text), "%s", given) >= (int)sizeof(text)) {
        error_set(error, "--screenshot: too long");
        return false;
    }
    if (!cut_time(text, "--screenshot", &action.when_ps, error)) {
        return false;
    }
    char *colon = strchr(text, ':');
    size_t skip = 0;
    if (colon && (!strchr(text, '/') || strchr(text, '/') > colon)) {
        *colon = 0;
        action.part = project_find(actions->project, text, &why);
        skip = (size_t)(colon - text) + 1;
        if (!action.part) {
            error_set(error, "--screenshot %s: %s", given, why.message);
            return false;
        }
    }
    action.file = given + skip;
    action.file_length = strlen(text + skip);
    if (!action.file_length) {
        error_set(error, "--screenshot %s: names no file", given);
        return false;
    }
    if (!check_folder("--screenshot", text + skip, given, error)) {
        return false;
    }
    add_action(actions, action);
    return true;
}

/* ---- --save-state file[@time] ---- */
static bool parse_save_state(struct actions *actions, const char *given, struct error *error) {
    char text[TEXT_MAX];
    struct action action = { .when_ps = TIME_NEVER, .is_snapshot = true, .file = given };
    if (snprintf(text, sizeof(text), "%s", given) >= (int)sizeof(text)) {
        error_set(error, "--save-state: too long");
        return false;
    }
    if (!cut_time(text, "--save-state", &action.when_ps, error)) {
        return false;
    }
    action.file_length = strlen(text);
    if (!action.file_length) {
        error_set(error, "--save-state %s: names no file", given);
        return false;
    }
    if (!check_folder("--save-state", text, given, error)) {
        return false;
    }
    add_action(actions, action);
    return true;
}

static bool save_state(const struct actions *actions, const struct action *action, struct error *error) {
    struct error why;
    char path[TEXT_MAX];
    snprintf(path, sizeof(path), "%.*s", (int)action->file_length, action->file);
    bool ok = session_save_state(actions->session, path, &why);
    if (!ok) {
        error_set(error, "--save-state %s", why.message);
    }
    return ok;
}

/* ---- Life ---- */
static uint64_t next_action(const struct actions *actions) {
    return actions->next < actions->count ? actions->list[actions->next].when_ps : TIME_NEVER;
}

static void skip_what_is_over(struct actions *actions) {
    while (next_action(actions) < session_now(actions->session)) {
        actions->next++;
    }
}

bool actions_init(struct actions *actions, struct session *session, const struct run_options *options,
                  struct error *error) {
    *actions = (struct actions){ .session = session, .project = session_project(session) };
    actions->list = calloc(options->request_count + 1, sizeof(*actions->list));
    actions->faults = calloc(options->request_count + 1, sizeof(*actions->faults));
    if (!actions->list || !actions->faults) {
        error_set(error, "out of memory");
        return false;
    }
    bool ok = true;
    for (unsigned i = 0; ok && i < options->request_count; i++) {
        const char *text = options->requests[i].text;
        switch (options->requests[i].kind) {
        case REQUEST_SET:
            ok = parse_set(actions, text, error);
            break;
        case REQUEST_PRESS:
            ok = parse_press(actions, text, error);
            break;
        case REQUEST_FAULT:
            ok = parse_fault(actions, text, error);
            break;
        case REQUEST_SCREENSHOT:
            ok = parse_screenshot(actions, text, error);
            break;
        case REQUEST_SAVE_STATE:
            ok = parse_save_state(actions, text, error);
            break;
        case REQUEST_WIRE:
            break;
        }
    }
    skip_what_is_over(actions);
    return ok;
}

void actions_finish(struct actions *actions) {
    for (unsigned i = 0; i < actions->fault_count; i++) {
        free(actions->faults[i]);
    }
    free(actions->faults);
    free(actions->list);
    *actions = (struct actions){ 0 };
}

uint64_t actions_next(const struct actions *actions) {
    uint64_t picture = next_action(actions), input = session_planned(actions->session);
    return picture < input ? picture : input;
}

static bool take_picture(const struct project *project, const struct action *action, struct error *error) {
    struct picture picture;
    char path[TEXT_MAX];
    snprintf(path, sizeof(path), "%.*s", (int)action->file_length, action->file);
    bool drawn = action->part ? scene_draw_part(action->part, SCENE_SCALE, &picture, error)
                              : scene_draw(project, SCENE_SCALE, &picture, error);
    if (!drawn) {
        return false;
    }
    struct error why;
    bool ok = picture_save(&picture, path, &why);
    if (!ok) {
        error_set(error, "--screenshot %s", why.message);
    }
    picture_finish(&picture);
    return ok;
}

static bool act(const struct actions *actions, const struct action *action, struct error *error) {
    return action->is_snapshot ? save_state(actions, action, error) : take_picture(actions->project, action, error);
}

bool actions_step(struct actions *actions, uint64_t now_ps, struct error *error) {
    while (next_action(actions) <= now_ps && next_action(actions) != TIME_NEVER) {
        if (!act(actions, &actions->list[actions->next++], error)) {
            return false;
        }
    }
    return true;
}

bool actions_end(struct actions *actions, struct error *error) {
    for (unsigned i = actions->next; i < actions->count; i++) {
        if (actions->list[i].when_ps == TIME_NEVER && !act(actions, &actions->list[i], error)) {
            return false;
        }
    }
    return true;
}

bool actions_are_done(const struct actions *actions) {
    return actions->count && actions->next == actions->count && session_planned(actions->session) == TIME_NEVER;
}
