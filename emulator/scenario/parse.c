/* The parser of scenarios: keys of the file, cases, steps. Every mistake has a line of its own, and the nearest word
 * where a word is not known; reading goes on behind it. */
#include "emulator/core/nearest.h"
#include "emulator/scenario/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRESS_PS (100 * UINT64_C(1000000000))
#define POWER_PS (500 * UINT64_C(1000000000))  /* without power, in a cycle */
#define WINDOW_PS (100 * UINT64_C(1000000000)) /* for which a pin is measured */
#define COLOUR_LEVELS 8                        /* that may be off, unless a step says otherwise */

/* Text of a key; NULL after a line. */
static const char *key_text(struct reading *reading, const struct node *node) {
    size_t length;
    const char *text = node_text(node, &length);
    if (node_kind(node) == NODE_SCALAR && length && strlen(text) == length) {
        return text;
    }
    mistake(&reading->mistakes, node_mark(node), "a word is expected here");
    return NULL;
}

static void unknown_key(struct reading *reading, const struct node *node, const char *what,
                        const struct nearest *nearest, const char *all) {
    mistake(&reading->mistakes, node_mark(node), "%s \"%s\"%s%s%s%s", what, nearest->wanted,
            nearest->name ? "; did you mean \"" : "", nearest->name ? nearest->name : "", nearest->name ? "\"?" : "",
            nearest->name ? "" : all);
}

static bool is_twice(struct reading *reading, const struct node *map, unsigned index) {
    size_t length, other;
    const struct node *key = node_key(reading->file, map, index);
    const char *text = node_text(key, &length);
    for (unsigned i = 0; i < index; i++) {
        if (strcmp(node_text(node_key(reading->file, map, i), &other), text) == 0) {
            mistake(&reading->mistakes, node_mark(key), "\"%s\" stands here twice", text);
            return true;
        }
    }
    return false;
}

/* ---- The keys of a step ---- */

static bool is_step_name(const struct step_key *key, const char *text) {
    return strcmp(key->name, text) == 0 || (key->alias && strcmp(key->alias, text) == 0);
}

static const struct step_key *find_key(struct reading *reading, const struct step_class *class, const struct node *node,
                                       const char *text) {
    struct nearest nearest;
    char all[300] = "";
    nearest_init(&nearest, text);
    for (const struct step_key *key = class->keys; key->name; key++) {
        size_t used = strlen(all);
        if (is_step_name(key, text)) {
            return key;
        }
        nearest_offer(&nearest, key->name);
        snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "; it has ", key->name);
    }
    char what[80];
    snprintf(what, sizeof(what), "%s: no key", class->name);
    unknown_key(reading, node, what, &nearest, all);
    return NULL;
}

static bool read_steps(struct reading *reading, const struct node *node, struct scenario_list *list, unsigned depth);

static bool add_branch(struct reading *reading, const struct node *node, struct scenario_step *step, unsigned depth) {
    if (step->branch_count == SCENARIO_BRANCHES) {
        mistake(&reading->mistakes, node_mark(node), "more than %d branches", SCENARIO_BRANCHES);
        return false;
    }
    return read_steps(reading, node, &step->branches[step->branch_count++], depth + 1);
}

/* Lists of steps, with or without names. */
static bool read_branches(struct reading *reading, const struct node *node, struct scenario_step *step,
                          unsigned depth) {
    bool ok = true, is_map = node_kind(node) == NODE_MAP;
    if (node_kind(node) == NODE_SCALAR || !node_count(node)) {
        mistake(&reading->mistakes, node_mark(node), "parallel: lists of steps are expected, one for each branch");
        return false;
    }
    for (unsigned i = 0; ok && i < node_count(node); i++) {
        const struct node *branch = is_map ? node_value(reading->file, node, i) : node_item(reading->file, node, i);
        ok = add_branch(reading, branch, step, depth);
    }
    return ok;
}

static bool read_key(struct reading *reading, const struct step_key *key, const struct node *node,
                     struct scenario_step *step, unsigned depth) {
    if (key->kind == VALUE_STEPS) {
        return add_branch(reading, node, step, depth);
    }
    if (key->kind == VALUE_BRANCHES) {
        return read_branches(reading, node, step, depth);
    }
    bool names = key->kind == VALUE_NAME || key->kind == VALUE_PATH;
    step->place = names && (!step->place.line || key->required) ? node_mark(node) : step->place;
    return value_read(reading, key, node, step);
}

static bool read_step_map(struct reading *reading, const struct step_class *class, const struct node *node,
                          struct scenario_step *step, uint64_t *ret_given, unsigned depth) {
    bool ok = true;
    for (unsigned i = 0; i < node_count(node); i++) {
        const struct node *name = node_key(reading->file, node, i);
        const char *text = key_text(reading, name);
        const struct step_key *key = text ? find_key(reading, class, name, text) : NULL;
        uint64_t bit = key ? UINT64_C(1) << (key - class->keys) : 0;
        if (key && (*ret_given & bit)) {
            mistake(&reading->mistakes, node_mark(name), "%s: %s stands here twice", class->name, key->name);
        }
        ok &= key && !(*ret_given & bit) && read_key(reading, key, node_value(reading->file, node, i), step, depth);
        *ret_given |= bit;
    }
    return ok;
}

static bool is_among(const char *list, const char *word) {
    size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length) {
        bool begins = at == list || at[-1] == ' ', ends = at[length] == ',' || !at[length];
        if (begins && ends) {
            return true;
        }
    }
    return false;
}

static bool is_complete(struct reading *reading, const struct step_class *class, uint64_t given,
                        const struct scenario_step *step) {
    bool one = !class->one_of;
    for (const struct step_key *key = class->keys; key->name; key++) {
        bool is_given = given >> (key - class->keys) & 1;
        one |= is_given && class->one_of && is_among(class->one_of, key->name);
        if (key->required && !is_given) {
            mistake(&reading->mistakes, step->mark, "%s: %s is missing", class->name, key->name);
            return false;
        }
    }
    if (!one) {
        mistake(&reading->mistakes, step->mark, "%s: one of these is missing: %s", class->name, class->one_of);
    }
    return one;
}

/* ---- Steps that are written in a way of their own ---- */

static bool has_no_value(struct reading *reading, const struct step_class *class, const struct node *node) {
    if (!node || node_is_null(node) || (node_kind(node) != NODE_SCALAR && !node_count(node))) {
        return true;
    }
    mistake(&reading->mistakes, node_mark(node), "%s: has no value", class->name);
    return false;
}

/* "GP2=GP3". */
static bool read_wire_text(struct reading *reading, const struct node *node, struct scenario_step *step) {
    char *text = value_name(reading, node, "wire"), *equals = text ? strchr(text, '=') : NULL;
    if (!equals || equals == text || !equals[1]) {
        if (text) {
            mistake(&reading->mistakes, node_mark(node), "wire: \"%s\": say GP2=GP3, or from and to", text);
        }
        free(text);
        return false;
    }
    *equals = 0;
    step->pin = text;
    step->other_pin = strdup(equals + 1);
    step->place = node_mark(node);
    if (!step->other_pin) {
        mistake(&reading->mistakes, node_mark(node), "wire: out of memory");
    }
    return step->other_pin != NULL;
}

static bool read_value(struct reading *reading, const struct step_class *class, const struct node *node,
                       struct scenario_step *step, unsigned depth) {
    uint64_t given = 0;
    if (class->empty) {
        return has_no_value(reading, class, node);
    }
    if (class->kind == SCENARIO_WIRE && node_kind(node) == NODE_SCALAR) {
        return read_wire_text(reading, node, step);
    }
    bool branches = class->kind == SCENARIO_PARALLEL;
    if (class->alone && (branches || node_kind(node) != NODE_MAP)) {
        given = UINT64_C(1) << (class->alone - class->keys);
        return read_key(reading, class->alone, node, step, depth) && is_complete(reading, class, given, step);
    }
    if (node_kind(node) != NODE_MAP) {
        mistake(&reading->mistakes, node_mark(node), "%s: keys with values are expected, such as %s", class->name,
                class->keys[0].name ? class->keys[0].name : "sensor1.angle: 45");
        return false;
    }
    return read_step_map(reading, class, node, step, &given, depth) && is_complete(reading, class, given, step);
}

/* ---- Lists of steps ---- */

static void finish_list(struct scenario_list *list);

static void finish_step(struct scenario_step *step) {
    char **texts[] = { &step->title,  &step->part, &step->pin,  &step->other_pin, &step->control,
                       &step->view,   &step->file, &step->mask, &step->save_to,   &step->compare_with,
                       &step->source, &step->font, &step->regex };
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        free(*texts[i]);
    }
    free(step->text.bytes);
    free(step->start.bytes);
    for (unsigned i = 0; i < step->branch_count; i++) {
        finish_list(&step->branches[i]);
    }
}

static void finish_list(struct scenario_list *list) {
    for (unsigned i = 0; i < list->count; i++) {
        finish_step(&list->steps[i]);
    }
    free(list->steps);
    *list = (struct scenario_list){ 0 };
}

/* A new step at the list's end, which stays where it is until the next one; NULL after a line. */
static struct scenario_step *add_step(struct reading *reading, const struct node *node, struct scenario_list *list,
                                      enum scenario_kind kind) {
    struct scenario *scenario = reading->scenario;
    bool full = (list->count & (list->count - 1)) == 0; /* room for a power of two */
    struct scenario_step *steps =
        full ? realloc(list->steps, (list->count ? 2 * list->count : 1) * sizeof(*steps)) : list->steps;
    if (steps) {
        list->steps = steps;
    }
    if (!steps || scenario->step_count == SCENARIO_STEPS) {
        mistake(&reading->mistakes, node_mark(node), steps ? "more than %d steps" : "out of memory for %d steps",
                SCENARIO_STEPS);
        return NULL;
    }
    scenario->step_count++;
    steps[list->count] = (struct scenario_step){ .kind = kind, .mark = node_mark(node) };
    struct scenario_step *step = &steps[list->count++];
    step->timeout_ps = scenario->timeout_ps;
    step->time_ps = kind == SCENARIO_PRESS        ? PRESS_PS
                    : kind == SCENARIO_EXPECT_PIN ? WINDOW_PS
                    : kind == SCENARIO_POWER      ? POWER_PS
                                                  : 0;
    step->tolerance = kind == SCENARIO_EXPECT_PIN ? 0.01 : kind == SCENARIO_EXPECT_VIEW ? COLOUR_LEVELS : 0;
    return step;
}

/* set: {sensor1.angle: 45, ...}: a step for each of them. */
static bool read_set(struct reading *reading, const struct node *node, struct scenario_list *list) {
    static const struct step_key value_key = { "value", NULL, VALUE_NUMBER, offsetof(struct scenario_step, value) };
    if (node_kind(node) != NODE_MAP || !node_count(node)) {
        mistake(&reading->mistakes, node_mark(node), "set: say part.control: value, such as sensor1.angle: 45");
        return false;
    }
    bool ok = true;
    for (unsigned i = 0; i < node_count(node); i++) {
        const struct node *name = node_key(reading->file, node, i);
        struct scenario_step *step = add_step(reading, name, list, SCENARIO_SET_CONTROL);
        char *text = step ? value_name(reading, name, "set") : NULL, *dot = text ? strrchr(text, '.') : NULL;
        if (!dot || dot == text || !dot[1]) {
            if (text) {
                mistake(&reading->mistakes, node_mark(name), "set: \"%s\": say part.control, such as sensor1.angle",
                        text);
            }
            free(text);
            return false;
        }
        *dot = 0;
        step->part = text;
        step->control = strdup(dot + 1);
        step->place = node_mark(name);
        if (!step->control) {
            mistake(&reading->mistakes, node_mark(name), "set: out of memory");
        }
        ok &= step->control && value_read(reading, &value_key, node_value(reading->file, node, i), step);
    }
    return ok;
}

static const struct step_class *find_class(struct reading *reading, const struct node *node, const char *text) {
    const struct step_class *class = step_class_find(text);
    struct nearest nearest;
    nearest_init(&nearest, text);
    for (unsigned i = 0; !class && i < step_class_count; i++) {
        nearest_offer(&nearest, step_classes[i].name);
    }
    if (!class) {
        unknown_key(reading, node, "no step", &nearest, "; docs/scenarios.md lists them");
    }
    return class;
}

/* "- reset" */
static bool read_bare_step(struct reading *reading, const struct node *node, struct scenario_list *list) {
    const char *text = key_text(reading, node);
    const struct step_class *class = text ? find_class(reading, node, text) : NULL;
    if (class && !class->empty) {
        mistake(&reading->mistakes, node_mark(node), "%s: needs a value: write \"%s: ...\"", class->name, class->name);
        return false;
    }
    return class && add_step(reading, node, list, class->kind);
}

static bool read_named_step(struct reading *reading, const struct node *map, unsigned index, char *title,
                            struct scenario_list *list, unsigned depth) {
    const struct node *name = node_key(reading->file, map, index), *value = node_value(reading->file, map, index);
    const char *text = key_text(reading, name);
    const struct step_class *class = text ? find_class(reading, name, text) : NULL;
    if (!class || class->kind == SCENARIO_SET) {
        free(title);
        return class && read_set(reading, value, list);
    }
    struct scenario_step *step = add_step(reading, name, list, class->kind);
    if (!step) {
        free(title);
        return false;
    }
    step->title = title;
    return read_value(reading, class, value, step, depth);
}

/* {name: ..., wait-serial: ...}: one step, and what it is called. */
static bool read_step(struct reading *reading, const struct node *node, struct scenario_list *list, unsigned depth) {
    unsigned at = 0, steps = 0;
    char *title = NULL;
    if (node_kind(node) != NODE_MAP) {
        return read_bare_step(reading, node, list);
    }
    for (unsigned i = 0; i < node_count(node); i++) {
        size_t length;
        const struct node *key = node_key(reading->file, node, i);
        bool is_name = strcmp(node_text(key, &length), "name") == 0;
        if (is_twice(reading, node, i)) {
            free(title);
            return false;
        }
        title = is_name ? value_name(reading, node_value(reading->file, node, i), "name") : title;
        at = is_name ? at : i;
        steps += !is_name;
        if (steps == 2) {
            mistake(&reading->mistakes, node_mark(key), "a second step in one item; begin it with \"- \"");
            free(title);
            return false;
        }
    }
    if (!steps) {
        mistake(&reading->mistakes, node_mark(node), "a name without a step");
        free(title);
        return false;
    }
    return read_named_step(reading, node, at, title, list, depth);
}

static bool read_steps(struct reading *reading, const struct node *node, struct scenario_list *list, unsigned depth) {
    bool ok = true;
    if (node_kind(node) != NODE_LIST || depth > SCENARIO_DEPTH) {
        mistake(&reading->mistakes, node_mark(node),
                depth > SCENARIO_DEPTH ? "steps in steps in steps: at most %d levels" : "a list of steps is expected",
                SCENARIO_DEPTH);
        return false;
    }
    for (unsigned i = 0; i < node_count(node) && reading->scenario->step_count < SCENARIO_STEPS; i++) {
        ok &= read_step(reading, node_item(reading->file, node, i), list, depth);
    }
    if (reading->scenario->step_count == SCENARIO_STEPS) {
        mistake(&reading->mistakes, node_mark(node), "%d steps or more", SCENARIO_STEPS);
        ok = false;
    }
    return ok;
}

/* ---- Cases ---- */

static struct scenario_case *add_case(struct reading *reading, const struct node *node) {
    struct scenario *scenario = reading->scenario;
    struct scenario_case *cases = scenario->case_count < SCENARIO_CASES
                                      ? realloc(scenario->cases, (scenario->case_count + 1) * sizeof(*cases))
                                      : NULL;
    if (!cases) {
        mistake(&reading->mistakes, node_mark(node), "more than %d cases", SCENARIO_CASES);
        return NULL;
    }
    scenario->cases = cases;
    cases[scenario->case_count] = (struct scenario_case){ .mark = node_mark(node) };
    return &cases[scenario->case_count++];
}

/* "name" and "steps", each once. */
static bool read_case_key(struct reading *reading, const struct node *map, unsigned index, struct scenario_case *test,
                          bool *has_steps) {
    const struct node *key = node_key(reading->file, map, index), *value = node_value(reading->file, map, index);
    const char *text = key_text(reading, key);
    struct nearest nearest;
    nearest_init(&nearest, text ? text : "");
    nearest_offer(&nearest, "name");
    nearest_offer(&nearest, "steps");
    if (text && strcmp(text, "name") == 0 && !test->name) {
        return (test->name = value_name(reading, value, "name")) != NULL;
    }
    if (text && strcmp(text, "steps") == 0 && !*has_steps) {
        *has_steps = true;
        return read_steps(reading, value, &test->list, 1);
    }
    if (text && !is_twice(reading, map, index)) {
        unknown_key(reading, key, "a case has no key", &nearest, "; it has name and steps");
    }
    return false;
}

static bool read_case(struct reading *reading, const struct node *node) {
    struct scenario_case *test = add_case(reading, node);
    bool ok = test != NULL, has_steps = false;
    if (test && node_kind(node) != NODE_MAP) {
        mistake(&reading->mistakes, node_mark(node), "a case is expected: name and steps");
        return false;
    }
    for (unsigned i = 0; ok && i < node_count(node); i++) {
        ok = read_case_key(reading, node, i, test, &has_steps);
    }
    if (ok && (!test->name || !has_steps)) {
        mistake(&reading->mistakes, node_mark(node), "a case without %s", test->name ? "steps" : "name");
        ok = false;
    }
    return ok;
}

static bool read_cases(struct reading *reading, const struct node *node) {
    bool ok = true;
    if (node_kind(node) != NODE_LIST || !node_count(node)) {
        mistake(&reading->mistakes, node_mark(node), "cases: a list of cases is expected");
        return false;
    }
    for (unsigned i = 0; ok && i < node_count(node); i++) {
        ok = read_case(reading, node_item(reading->file, node, i));
    }
    return ok;
}

static bool read_only_case(struct reading *reading, const struct node *node) {
    struct scenario_case *test = add_case(reading, node);
    return test && read_steps(reading, node, &test->list, 1);
}

/* ---- The file's keys ---- */

static bool read_version(struct reading *reading, const struct node *node) {
    uint64_t version;
    return value_count(reading, node, "version", 1, 1, &version);
}

static bool read_words(struct reading *reading, const struct node *node, const char *what, char *words[],
                       unsigned *count) {
    bool ok = true, is_list = node_kind(node) == NODE_LIST;
    unsigned given = is_list ? node_count(node) : 1;
    if (!given || given > SCENARIO_MATRIX) {
        mistake(&reading->mistakes, node_mark(node), "%s: 1 to %d of them", what, SCENARIO_MATRIX);
        return false;
    }
    for (unsigned i = 0; ok && i < given; i++) {
        words[i] = value_name(reading, is_list ? node_item(reading->file, node, i) : node, what);
        ok = words[i] != NULL;
        *count += ok;
    }
    return ok;
}

/* A version, or a file in the folder. */
static bool read_firmware(struct reading *reading, const struct node *node) {
    struct scenario *scenario = reading->scenario;
    bool ok = read_words(reading, node, "firmware", scenario->firmware, &scenario->firmware_count);
    for (unsigned i = 0; i < scenario->firmware_count; i++) {
        if (!scenario_path_is_inside(scenario->firmware[i])) {
            mistake(&reading->mistakes, node_mark(node), "firmware: \"%s\": say a version, or a file below the folder",
                    scenario->firmware[i]);
            ok = false;
        }
    }
    return ok;
}

static bool read_first(struct reading *reading, const struct node *node) {
    bool first = false, ok = value_bool(reading, node, "console-first", &first);
    reading->scenario->at_once = !first;
    return ok;
}

enum file_key {
    NAME,
    VERSION,
    AUTHOR,
    BOARDS,
    FIRMWARE,
    DIAGRAM,
    DRIVE,
    SEED,
    TIMEOUT,
    FAIL,
    FIRST,
    BEFORE,
    STEPS,
    CASES
};
static const char *const file_keys[] = { "name",          "version", "author", "boards",  "firmware",
                                         "diagram",       "drive",   "seed",   "timeout", "fail-text",
                                         "console-first", "before",  "steps",  "cases" };
#define FILE_KEYS (sizeof(file_keys) / sizeof(file_keys[0]))

static bool read_file_key(struct reading *reading, enum file_key key, const struct node *node) {
    struct scenario *scenario = reading->scenario;
    switch (key) {
    case NAME:
        return (scenario->name = value_name(reading, node, "name")) != NULL;
    case VERSION:
        return read_version(reading, node);
    case AUTHOR:
        return (scenario->author = value_name(reading, node, "author")) != NULL;
    case BOARDS:
        return read_words(reading, node, "boards", scenario->boards, &scenario->board_count);
    case FIRMWARE:
        return read_firmware(reading, node);
    case DIAGRAM:
        return (scenario->diagram = value_path(reading, node, "diagram")) != NULL;
    case DRIVE:
        return (scenario->drive = value_path(reading, node, "drive")) != NULL;
    case SEED:
        return value_count(reading, node, "seed", 0, UINT64_MAX, &scenario->seed);
    case TIMEOUT:
        return value_time(reading, node, "timeout", &scenario->timeout_ps);
    case FAIL:
        return (scenario->fail_text = value_name(reading, node, "fail-text")) != NULL;
    case FIRST:
        return read_first(reading, node);
    case BEFORE:
        return read_steps(reading, node, &scenario->before, 1);
    case STEPS:
        return read_only_case(reading, node);
    case CASES:
        return read_cases(reading, node);
    }
    return false;
}

static int find_file_key(struct reading *reading, const struct node *node, const char *text) {
    struct nearest nearest;
    nearest_init(&nearest, text);
    for (unsigned i = 0; i < FILE_KEYS; i++) {
        if (strcmp(file_keys[i], text) == 0 || (i == BOARDS && strcmp(text, "board") == 0)) {
            return (int)i;
        }
        nearest_offer(&nearest, file_keys[i]);
    }
    unknown_key(reading, node, "no key", &nearest, "; docs/scenarios.md lists them");
    return -1;
}

/* Steps take the file's time limit, wherever it stands: their keys are for the second round. */
static void read_file_keys(struct reading *reading, const struct node *root, bool steps, unsigned *given) {
    for (unsigned i = 0; i < node_count(root); i++) {
        const struct node *name = node_key(reading->file, root, i);
        const char *text = key_text(reading, name);
        int key = text ? find_file_key(reading, name, text) : -1;
        if (key < 0 || (key >= BEFORE) != steps) {
            continue;
        }
        if (*given & 1u << key) {
            mistake(&reading->mistakes, node_mark(name), "\"%s\" stands here twice", text);
            continue;
        }
        *given |= 1u << key;
        read_file_key(reading, (enum file_key)key, node_value(reading->file, root, i));
    }
}

/* False after a line for each key that there is not. */
static bool are_known(struct reading *reading, const struct node *root) {
    bool ok = true;
    for (unsigned i = 0; i < node_count(root); i++) {
        const char *text = key_text(reading, node_key(reading->file, root, i));
        ok &= text && find_file_key(reading, node_key(reading->file, root, i), text) >= 0;
    }
    return ok;
}

static void read_root(struct reading *reading, const struct node *root) {
    unsigned given = 0;
    if (node_kind(root) != NODE_MAP) {
        mistake(&reading->mistakes, node_mark(root), "a scenario is expected: name, version and steps");
        return;
    }
    if (!are_known(reading, root)) {
        return;
    }
    read_file_keys(reading, root, false, &given);
    read_file_keys(reading, root, true, &given);
    if (!(given & 1u << VERSION)) {
        mistake(&reading->mistakes, node_mark(root), "version is missing; write \"version: 1\"");
    }
    bool steps = given & 1u << STEPS, cases = given & 1u << CASES;
    if (steps == cases) {
        mistake(&reading->mistakes, node_mark(root), steps ? "steps and cases: one of them" : "steps are missing");
    }
}

/* ---- Life ---- */

static bool begin_scenario(struct scenario *scenario, const char *path) {
    const char *slash = strrchr(path, '/');
    *scenario = (struct scenario){ .timeout_ps = SCENARIO_TIMEOUT_PS };
    scenario->path = strdup(path);
    scenario->folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    return scenario->path && scenario->folder;
}

bool scenario_read_text(struct scenario *scenario, const char *path, const char *text, size_t size,
                        struct findings *findings) {
    struct reading reading = { .mistakes = { findings, path }, .scenario = scenario };
    unsigned before = findings->errors;
    if (!begin_scenario(scenario, path)) {
        mistake(&reading.mistakes, (struct scenario_mark){ 1, 1 }, "out of memory");
        return false;
    }
    reading.file = yaml_file_parse(text, size, &reading.mistakes);
    if (reading.file) {
        read_root(&reading, yaml_file_root(reading.file));
    }
    yaml_file_close(reading.file);
    return findings->errors == before;
}

static char *read_whole(const char *path, size_t *ret_size, const struct mistakes *mistakes) {
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(SCENARIO_BYTES + 1) : NULL;
    *ret_size = text ? fread(text, 1, SCENARIO_BYTES + 1, file) : 0;
    bool failed = !text || ferror(file);
    if (failed || *ret_size > SCENARIO_BYTES) {
        mistake(mistakes, (struct scenario_mark){ 1, 1 }, "%s",
                failed ? strerror(errno ? errno : ENOMEM) : "is larger than 1 MB; a scenario is not");
        free(text);
        text = NULL;
    }
    if (file) {
        fclose(file);
    }
    return text;
}

bool scenario_read(struct scenario *scenario, const char *path, struct findings *findings) {
    struct mistakes mistakes = { findings, path };
    size_t size;
    errno = 0;
    char *text = read_whole(path, &size, &mistakes);
    if (!text) {
        *scenario = (struct scenario){ 0 };
        return false;
    }
    bool ok = scenario_read_text(scenario, path, text, size, findings);
    free(text);
    return ok;
}

void scenario_finish(struct scenario *scenario) {
    char *texts[] = { scenario->path,    scenario->folder, scenario->name,     scenario->author,
                      scenario->diagram, scenario->drive,  scenario->fail_text };
    for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        free(texts[i]);
    }
    for (unsigned i = 0; i < SCENARIO_MATRIX; i++) {
        free(scenario->boards[i]);
        free(scenario->firmware[i]);
    }
    finish_list(&scenario->before);
    for (unsigned i = 0; i < scenario->case_count; i++) {
        free(scenario->cases[i].name);
        finish_list(&scenario->cases[i].list);
    }
    free(scenario->cases);
    *scenario = (struct scenario){ 0 };
}

void scenario_step_title(const struct scenario_step *step, char *ret_text, size_t size) {
    const char *about = step->text.bytes ? step->text.bytes : step->regex ? step->regex : step->file ? step->file : "";
    about = step->part ? step->part : step->pin ? step->pin : about;
    const char *kind = scenario_kind_name(step->kind), *more = step->part && step->pin ? step->pin : step->control;
    if (step->title) {
        snprintf(ret_text, size, "%s", step->title);
    } else {
        snprintf(ret_text, size, "%s%s%s%s%s", kind, *about ? " " : "", about, step->part && more ? "." : "",
                 step->part && more ? more : "");
    }
    for (char *at = ret_text; *at; at++) {
        *at = (unsigned char)*at < 0x20 || *at == 0x7f ? ' ' : *at;
    }
}
