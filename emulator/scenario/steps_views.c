/* Steps about what parts show: lights, screens, text on them, pictures against golden files. */
#include "emulator/project/scene.h"
#include "emulator/scenario/inside.h"
#include "emulator/scenario/runner_private.h"
#include "emulator/session/compare.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_PS (20 * PS_PER_MS)
#define PICTURE_BYTES (64 * 1024 * 1024)
#define LIGHT_IS_ON 0.02
#define BRIGHTNESS_TOLERANCE 0.05

/* ---- Which view ---- */

/* The kind of view that the step is about. */
static bool is_meant(const struct scenario_step *step, const struct part_view *view) {
    if (step->view) {
        return strcmp(view->name, step->view) == 0;
    }
    bool screen = step->text.bytes || step->compare_with;
    bool light = step->has_colour || step->brightness.given || step->flag;
    return screen  ? view->kind == PART_SCREEN || (step->text.bytes && view->kind == PART_LABEL)
           : light ? view->kind == PART_LIGHT || view->kind == PART_SCREEN
                   : true;
}

static const struct part_view *find_view(const struct project_part *part, const struct scenario_step *step) {
    const struct part_view *view;
    for (unsigned i = 0; (view = part_view(part->part, i)); i++) {
        if (is_meant(step, view)) {
            return view;
        }
    }
    return NULL;
}

static bool no_view(const struct project_part *part, const struct scenario_step *step, struct error *error) {
    char all[200] = "";
    const struct part_view *view;
    for (unsigned i = 0; (view = part_view(part->part, i)); i++) {
        size_t used = strlen(all);
        snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "; it shows ", view->name);
    }
    error_set(error, "part \"%s\" (%s) shows no %s%s", part->from->id, part->class->type,
              step->view ? step->view : "such thing", all);
    return false;
}

static bool check_view(struct runner *runner, const struct scenario_step *step, struct error *error) {
    const struct project_part *part = project_find(session_project(runner->session), step->part, error);
    const char *files[] = { step->mask, step->font };
    for (unsigned i = 0; part && i < sizeof(files) / sizeof(files[0]); i++) {
        if (files[i] && !inside_exists(runner->desc.scenario->folder, files[i])) {
            error_set(error, "%s: there is no such file in the scenario's folder", files[i]);
            return false;
        }
    }
    return part && (find_view(part, step) || (step->compare_with && !step->view) || no_view(part, step, error));
}

/* ---- Pictures ---- */

static bool load_picture(struct runner *runner, const char *path, struct picture *ret_picture, struct error *error) {
    size_t size;
    struct error why;
    uint8_t *bytes = inside_read(runner->desc.scenario->folder, path, PICTURE_BYTES, &size, error);
    bool ok = bytes && picture_decode(ret_picture, bytes, size, &why);
    if (bytes && !ok) {
        error_set(error, "%s: %s", path, why.message);
    }
    free(bytes);
    return ok;
}

static bool save_picture(const struct picture *picture, const char *folder, const char *path, struct error *error) {
    uint8_t *bytes;
    size_t size;
    if (!picture_encode(picture, &bytes, &size, error)) {
        return false;
    }
    bool ok = inside_write(folder, path, bytes, size, -1, error);
    free(bytes);
    return ok;
}

static void judge_difference(const struct scenario_step *step, const struct picture *actual,
                             const struct picture *wanted, const struct compare_result *result, char *ret_text,
                             size_t size) {
    if (!result->same_size) {
        snprintf(ret_text, size, "the picture has %u x %u pixels, %s has %u x %u (and so has to have its mask)",
                 actual->width, actual->height, step->compare_with, wanted->width, wanted->height);
    } else {
        snprintf(ret_text, size,
                 "%llu pixels differ from %s, %u are allowed; the first is at %u, %u: #%06x instead of #%06x",
                 (unsigned long long)result->different, step->compare_with, step->count, result->x, result->y,
                 result->is, result->wanted);
    }
}

/* True when the picture is the wanted one; a line otherwise. */
static bool compare_picture(struct runner *runner, const struct scenario_step *step, const struct picture *actual,
                            char *ret_text, size_t size) {
    struct picture wanted = { 0 }, mask = { 0 };
    struct error error;
    if (runner->desc.new_goldens) {
        bool saved = save_picture(actual, runner->desc.scenario->folder, step->compare_with, &error);
        snprintf(ret_text, size, "%s", error.message);
        return saved;
    }
    if (!inside_exists(runner->desc.scenario->folder, step->compare_with)) {
        snprintf(ret_text, size, "%s: there is no such file; --update-goldens makes it", step->compare_with);
        return false;
    }
    if (!load_picture(runner, step->compare_with, &wanted, &error) ||
        (step->mask && !load_picture(runner, step->mask, &mask, &error))) {
        snprintf(ret_text, size, "%s", error.message);
        picture_finish(&wanted);
        return false;
    }
    struct compare_result result;
    compare_pictures(actual, &wanted, step->mask ? &mask : NULL, (unsigned)step->tolerance, &result);
    bool ok = result.same_size && result.different <= step->count;
    if (!ok) {
        judge_difference(step, actual, &wanted, &result, ret_text, size);
    }
    picture_finish(&wanted);
    picture_finish(&mask);
    return ok;
}

static bool draw_step_picture(struct runner *runner, const struct scenario_step *step, struct picture *ret_picture,
                              struct error *error) {
    const struct project *project = session_project(runner->session);
    const struct project_part *part = step->part ? project_find(project, step->part, error) : NULL;
    if (step->part && !part) {
        return false;
    }
    return part ? scene_draw_part(part, SCENE_SCALE, ret_picture, error)
                : scene_draw(project, SCENE_SCALE, ret_picture, error);
}

/* What was not as wanted, for somebody to look at. */
static void keep_picture(struct runner *runner, const struct scenario_step *step, const struct picture *picture) {
    char name[300];
    if (runner->desc.artifacts) {
        const char *slash = strrchr(step->compare_with, '/');
        snprintf(name, sizeof(name), "%s", slash ? slash + 1 : step->compare_with);
        save_picture(picture, runner->desc.artifacts, name, NULL);
    }
}

/* ---- take-screenshot ---- */

static bool check_screenshot(struct runner *runner, const struct scenario_step *step, struct error *error) {
    return !step->part || check_view(runner, step, error) ||
           (!step->compare_with && project_find(session_project(runner->session), step->part, error));
}

static enum step_state begin_screenshot(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    struct picture picture;
    struct error error;
    char text[400];
    if (!draw_step_picture(runner, step, &picture, &error)) {
        return task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
    }
    enum step_state state = STEP_DONE;
    if (step->save_to && !save_picture(&picture, runner->desc.scenario->folder, step->save_to, &error)) {
        state = task_fail(runner, task, RUNNER_WRONG, "%s", error.message);
    } else if (step->compare_with && !compare_picture(runner, step, &picture, text, sizeof(text))) {
        keep_picture(runner, step, &picture);
        state = task_fail(runner, task, RUNNER_FAILED, "%s", text);
    }
    picture_finish(&picture);
    return state;
}

const struct step_actions screenshot_actions = { begin_screenshot, .check = check_screenshot };

/* ---- expect-view: text ---- */

static bool read_font(struct runner *runner, const char *file, struct compare_font *font, struct error *error) {
    if (!file) {
        return compare_font_of_board(font, runner->session, error);
    }
    size_t size;
    struct error why;
    uint8_t *bytes = inside_read(runner->desc.scenario->folder, file, PICTURE_BYTES, &size, error);
    bool ok = bytes && compare_font_of_file(font, bytes, size, &why);
    if (bytes && !ok) {
        error_set(error, "%s: %s", file, why.message);
    }
    free(bytes);
    return ok;
}

static bool is_same_file(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The font is kept: looking for the firmware's takes a while. */
static const struct compare_font *take_font(struct runner *runner, const char *file, struct error *error) {
    if (runner->font && is_same_file(file, runner->font_file)) {
        return runner->font;
    }
    free(runner->font);
    free(runner->font_file);
    runner->font = malloc(sizeof(*runner->font));
    runner->font_file = file ? strdup(file) : NULL;
    error_set(error, "out of memory");
    if (!runner->font || !read_font(runner, file, runner->font, error)) {
        free(runner->font);
        runner->font = NULL;
    }
    return runner->font;
}

static bool find_on_screen(struct runner *runner, const struct scenario_step *step, const struct part_view *view,
                           char *ret_text, size_t size) {
    struct picture picture = { view->screen.width, view->screen.height, (uint32_t *)view->screen.pixels };
    struct compare_place place;
    struct error error;
    const struct compare_font *font = take_font(runner, step->font, &error);
    bool found = font && compare_find_text(&picture, font, step->text.bytes, &place, &error);
    if (!found) {
        snprintf(ret_text, size, "the text \"%s\" is not on the screen%s%s", step->text.bytes,
                 error.message[0] ? ": " : "", error.message);
    }
    return found;
}

static bool has_text(struct runner *runner, const struct scenario_step *step, const struct part_view *view,
                     char *ret_text, size_t size) {
    if (view->kind == PART_LABEL) {
        snprintf(ret_text, size, "it shows \"%s\", not \"%s\"", view->text, step->text.bytes);
        return strstr(view->text, step->text.bytes) != NULL;
    }
    if (view->kind != PART_SCREEN || !view->screen.on) {
        snprintf(ret_text, size, "the screen is off");
        return false;
    }
    return find_on_screen(runner, step, view, ret_text, size);
}

/* ---- expect-view: light ---- */

static double brightness_of(const struct part_view *view) {
    return view->kind == PART_LIGHT    ? view->light.brightness
           : view->kind == PART_SCREEN ? (view->screen.on ? view->screen.brightness : 0)
                                       : 0;
}

static bool view_is_on(const struct part_view *view) {
    return view->kind == PART_SCREEN ? view->screen.on : brightness_of(view) >= LIGHT_IS_ON;
}

static bool has_brightness(const struct scenario_step *step, const struct part_view *view, char *ret_text,
                           size_t size) {
    const struct scenario_range *range = &step->brightness;
    double is = brightness_of(view), tolerance = range->tolerance >= 0 ? range->tolerance : BRIGHTNESS_TOLERANCE;
    snprintf(ret_text, size, "the brightness is %.1f %%, not %.1f %% within %.1f", 100 * is, 100 * range->value,
             100 * tolerance);
    return fabs(is - range->value) <= tolerance + 1e-9;
}

static bool has_colour(const struct scenario_step *step, const struct part_view *view, char *ret_text, size_t size) {
    if (view->kind != PART_LIGHT) {
        snprintf(ret_text, size, "only a light has one colour");
        return false;
    }
    uint32_t one[] = { view->light.colour & 0xffffff }, other[] = { step->colour };
    struct picture is = { 1, 1, one }, wanted = { 1, 1, other };
    struct compare_result result;
    compare_pictures(&is, &wanted, NULL, (unsigned)step->tolerance, &result);
    snprintf(ret_text, size, "the colour is #%06x, not #%06x within %g levels", one[0], step->colour, step->tolerance);
    return !result.different;
}

/* ---- expect-view ---- */

static bool has_picture(struct runner *runner, const struct scenario_step *step, bool keep, char *ret_text,
                        size_t size) {
    struct picture picture;
    struct error error;
    if (!draw_step_picture(runner, step, &picture, &error)) {
        snprintf(ret_text, size, "%s", error.message);
        return false;
    }
    bool ok = compare_picture(runner, step, &picture, ret_text, size);
    if (!ok && keep) {
        keep_picture(runner, step, &picture);
    }
    picture_finish(&picture);
    return ok;
}

static bool check_view_now(struct runner *runner, const struct scenario_step *step, bool keep, char *ret_text,
                           size_t size) {
    const struct project_part *part = project_find(session_project(runner->session), step->part, NULL);
    const struct part_view *view = part ? find_view(part, step) : NULL;
    if (!view && !(step->compare_with && part)) {
        snprintf(ret_text, size, "there is no such view");
        return false;
    }
    if (step->flag && view_is_on(view) == step->not_on) {
        snprintf(ret_text, size, "it is %s", step->not_on ? "on" : "off");
        return false;
    }
    return (!step->brightness.given || has_brightness(step, view, ret_text, size)) &&
           (!step->has_colour || has_colour(step, view, ret_text, size)) &&
           (!step->text.bytes || has_text(runner, step, view, ret_text, size)) &&
           (!step->compare_with || has_picture(runner, step, keep, ret_text, size));
}

/* A screen that has not changed is not searched once more. */
static bool is_as_before(struct runner *runner, struct task *task) {
    const struct scenario_step *step = task_step(task);
    const struct project_part *part = project_find(session_project(runner->session), step->part, NULL);
    const struct part_view *view = part ? find_view(part, step) : NULL;
    bool screen = view && view->kind == PART_SCREEN;
    bool same = screen && task->started && view->screen.generation == task->generation;
    task->started = screen;
    task->generation = screen ? view->screen.generation : 0;
    return same;
}

static enum step_state look_at_view(struct runner *runner, struct task *task) {
    char text[500];
    task->wake_ps = session_now(runner->session) + LOOK_PS;
    if (is_as_before(runner, task)) {
        return STEP_WAITS;
    }
    return check_view_now(runner, task_step(task), false, text, sizeof(text)) ? STEP_DONE : STEP_WAITS;
}

static void explain_view(struct runner *runner, struct task *task, char *ret_text, size_t size) {
    check_view_now(runner, task_step(task), true, ret_text, size);
}

const struct step_actions view_actions = { look_at_view, look_at_view, explain_view, check_view };
