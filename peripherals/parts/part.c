/* Parts: the registry, and what is the same for all of them. */
#include "peripherals/parts/part.h"

#include "peripherals/parts/part_names.h"
#include "peripherals/parts/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
const struct part_class *const parts_registry[] = {
    &as5600_class,
    &breadboard_class,
    &breadboard_half_class,
    &breadboard_mini_class,
    &buzzer_class,
    &dvi_monitor_class,
    &gnd_class,
    &junction_class,
    &led_class,
    &neopixel_class,
    &neopixel_strip_class,
    &pir_class,
    &potentiometer_class,
    &pushbutton_class,
    &resistor_class,
    &rgb_led_class,
    &servo_class,
    &slide_switch_class,
    &ssd1306_class,
    &st7789_class,
    &text_class,
    &touch_pad_class,
    &vcc_class,
    NULL,
};
/* clang-format on */

/* ---- Classes ---- */
static bool is_type(const struct part_class *class, const char *type) {
    if (strcmp(class->type, type) == 0) {
        return true;
    }
    for (const char *const *alias = class->aliases; alias && *alias; alias++) {
        if (strcmp(*alias, type) == 0) {
            return true;
        }
    }
    return false;
}

const struct part_class *part_class_find(const char *type) {
    for (const struct part_class *const *class = parts_registry; *class; class ++) {
        if (is_type(*class, type)) {
            return *class;
        }
    }
    return NULL;
}

unsigned part_pin_count(const struct part_class *class) {
    unsigned count = 0;
    while (class->pins[count].name) {
        count++;
    }
    return count;
}

unsigned part_attribute_count(const struct part_class *class) {
    unsigned count = 0;
    while (class->attributes && class->attributes[count].name) {
        count++;
    }
    return count;
}

unsigned part_control_count(const struct part_class *class) {
    unsigned count = 0;
    while (class->controls && class->controls[count].name) {
        count++;
    }
    return count;
}

/* One of the words of a list that is separated by spaces. */
static bool is_among(const char *list, const char *name) {
    size_t length = strlen(name);
    for (const char *word = list; word && *word; word += strcspn(word, " "), word += *word == ' ') {
        if (length && strcspn(word, " ") == length && strncmp(word, name, length) == 0) {
            return true;
        }
    }
    return false;
}

int part_pin_find(const struct part_class *class, const char *name) {
    for (unsigned i = 0; i < part_pin_count(class); i++) {
        const struct part_pin *pin = &class->pins[i];
        if (strcmp(pin->name, name) == 0 || is_among(pin->alias, name)) {
            return (int)i;
        }
    }
    return -1;
}

int part_attribute_find(const struct part_class *class, const char *name) {
    for (unsigned i = 0; i < part_attribute_count(class); i++) {
        if (strcmp(class->attributes[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int part_control_find(const struct part_class *class, const char *name) {
    for (unsigned i = 0; i < part_control_count(class); i++) {
        if (strcmp(class->controls[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- The nearest name ---- */
const char *part_nearest_type(const char *type) {
    struct nearest nearest;
    nearest_init(&nearest, type);
    for (const struct part_class *const *class = parts_registry; *class; class ++) {
        nearest_offer_type(&nearest, (*class)->type);
        for (const char *const *alias = (*class)->aliases; alias && *alias; alias++) {
            nearest_offer_type(&nearest, *alias);
        }
    }
    return nearest.name;
}

const char *part_nearest_pin(const struct part_class *class, const char *name) {
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (unsigned i = 0; i < part_pin_count(class); i++) {
        nearest_offer(&nearest, class->pins[i].name);
    }
    return nearest.name;
}

static const char *nearest_control(const struct part_class *class, const char *name) {
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (unsigned i = 0; i < part_control_count(class); i++) {
        nearest_offer(&nearest, class->controls[i].name);
    }
    return nearest.name;
}

const char *part_nearest_attribute(const struct part_class *class, const char *name) {
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (unsigned i = 0; i < part_attribute_count(class); i++) {
        nearest_offer(&nearest, class->attributes[i].name);
    }
    for (unsigned i = 0; i < part_control_count(class); i++) {
        nearest_offer(&nearest, class->controls[i].name);
    }
    return nearest.name;
}

/* "no pin "SCK"; did you mean "SCL"?" */
static void unknown(struct error *error, const struct part *part, const char *what, const char *name,
                    const char *nearest) {
    if (nearest) {
        error_set(error, "%s (%s) has no %s \"%s\"; did you mean \"%s\"?", part->id, part->class->type, what, name,
                  nearest);
    } else {
        error_set(error, "%s (%s) has no %s \"%s\"", part->id, part->class->type, what, name);
    }
}

/* ---- Life ---- */
static bool set_value(struct part *part, unsigned index, const char *text, struct error *error) {
    char *copy = strdup(text);
    double number;
    if (!copy || !part_parse(&part->class->attributes[index], text, &number, error)) {
        free(copy);
        return false;
    }
    free((char *)part->values[index].text);
    part->values[index] = (struct part_value){ .text = copy, .number = number };
    return true;
}

static bool set_initial_values(struct part *part, struct error *error) {
    const struct part_class *class = part->class;
    for (unsigned i = 0; i < part_attribute_count(class); i++) {
        if (!set_value(part, i, class->attributes[i].initial, error)) {
            return false;
        }
    }
    for (unsigned i = 0; i < part_control_count(class); i++) {
        part->settings[i] = class->controls[i].start;
    }
    return true;
}

struct part *part_create(const struct part_class *class, const char *id, struct environment *env, struct error *error) {
    struct part *part = calloc(1, class->size);
    if (!part) {
        error_set(error, "%s: out of memory", id);
        return NULL;
    }
    part->class = class;
    part->face = class->face;
    part->env = env;
    random_derive(&part->random, env->seed, "part", id);
    part->id = strdup(id);
    part->nets = calloc(part_pin_count(class) + 1, sizeof(*part->nets));
    part->values = calloc(part_attribute_count(class) + 1, sizeof(*part->values));
    part->settings = calloc(part_control_count(class) + 1, sizeof(*part->settings));
    error_set(error, "%s: out of memory", id);
    if (!part->id || !part->nets || !part->values || !part->settings || !set_initial_values(part, error)) {
        part_destroy(part);
        return NULL;
    }
    return part;
}

void part_destroy(struct part *part) {
    if (!part) {
        return;
    }
    if (part->started && part->class->finish) {
        part->class->finish(part);
    }
    for (unsigned i = 0; part->values && i < part_attribute_count(part->class); i++) {
        free((char *)part->values[i].text);
    }
    free(part->settings);
    free(part->values);
    free(part->nets);
    free(part->id);
    free(part);
}

bool part_connect(struct part *part, const char *pin, struct net *net, struct error *error) {
    int index = part_pin_find(part->class, pin);
    if (index < 0) {
        unknown(error, part, "pin", pin, part_nearest_pin(part->class, pin));
        return false;
    }
    if (part->started) {
        error_set(error, "%s: cannot be wired while it works", part->id);
        return false;
    }
    if (part->nets[index]) {
        net_join(part->nets[index], net);
    } else {
        part->nets[index] = net;
    }
    return true;
}

bool part_set_attribute(struct part *part, const char *name, const char *text, struct error *error) {
    struct error why;
    int index = part_attribute_find(part->class, name), control = part_control_find(part->class, name);
    if (index < 0 && control < 0) {
        unknown(error, part, "attribute", name, part_nearest_attribute(part->class, name));
        return false;
    }
    if (part->started) {
        error_set(error, "%s: %s is fixed while it works", part->id, name);
        return false;
    }
    bool ok = index < 0 ? part_parse_control(&part->class->controls[control], text, &part->settings[control], &why)
                        : set_value(part, (unsigned)index, text, &why);
    if (!ok) {
        error_set(error, "%s (%s): %s", part->id, part->class->type, why.message);
    }
    return ok;
}

static void join_twins(struct part *part) {
    const struct part_twins *twins = part->class->twins;
    for (; twins && twins->first != twins->second; twins++) {
        struct net *a = part->nets[twins->first], *b = part->nets[twins->second];
        if (a && b) {
            net_join(a, b);
        }
    }
}

bool part_start(struct part *part, struct error *error) {
    struct error why = { "cannot work like this" };
    join_twins(part);
    if (!part->class->init(part, &why)) {
        error_set(error, "%s (%s): %s", part->id, part->class->type, why.message);
        return false;
    }
    part->started = true;
    part_reset(part);
    for (unsigned i = 0; part->class->set && i < part_control_count(part->class); i++) {
        part->class->set(part, i, part->settings[i]);
    }
    return true;
}

void part_reset(struct part *part) {
    if (part->started && part->class->reset) {
        part->class->reset(part);
    }
}

/* ---- The physical face ---- */
static int find_control(const struct part *part, const char *name, struct error *error) {
    int index = part_control_find(part->class, name);
    if (index < 0) {
        unknown(error, part, "control", name, nearest_control(part->class, name));
    }
    return index;
}

/* The control's number, and the value brought into its range; -1 with an error line. */
static int find_setting(const struct part *part, const char *control, double *value, struct error *error) {
    struct error why;
    int index = find_control(part, control, error);
    if (index >= 0 && !part_check_control(&part->class->controls[index], value, &why)) {
        error_set(error, "%s (%s): %s", part->id, part->class->type, why.message);
        return -1;
    }
    return index;
}

static void move_control(struct part *part, unsigned index, double value) {
    if (part->started && part->class->set && !(part->held >> index & 1)) {
        part->class->set(part, index, value);
    }
}

bool part_set(struct part *part, const char *control, double value, struct error *error) {
    int index = find_setting(part, control, &value, error);
    if (index < 0) {
        return false;
    }
    part->settings[index] = value;
    move_control(part, (unsigned)index, value);
    return true;
}

bool part_check(const struct part *part, const char *control, const double *value, struct error *error) {
    double checked = value ? *value : 0;
    return (value ? find_setting(part, control, &checked, error) : find_control(part, control, error)) >= 0;
}

bool part_hold(struct part *part, const char *control, const double *value, struct error *error) {
    double held = value ? *value : 0;
    int index = value ? find_setting(part, control, &held, error) : find_control(part, control, error);
    if (index < 0) {
        return false;
    }
    if (value) {
        move_control(part, (unsigned)index, held);
    }
    part->held |= UINT64_C(1) << index;
    return true;
}

void part_let_go(struct part *part, const char *control) {
    int index = part_control_find(part->class, control);
    if (index >= 0 && part->held >> index & 1) {
        part->held &= ~(UINT64_C(1) << index);
        move_control(part, (unsigned)index, part->settings[index]);
    }
}

bool part_get(struct part *part, const char *control, double *ret_value, struct error *error) {
    int index = find_control(part, control, error);
    if (index < 0) {
        return false;
    }
    *ret_value = part->started && part->class->get ? part->class->get(part, (unsigned)index) : part->settings[index];
    return true;
}

const struct part_view *part_view(struct part *part, unsigned index) {
    if (index >= part->view_count) {
        return NULL;
    }
    if (part->class->show) {
        part->class->show(part);
    }
    return &part->views[index];
}

/* ---- Snapshots ---- */
#define MOST_DEGREES 1e6

/* What is fixed. */
static void expect_same_part(const struct part *part, struct walk *walk) {
    const struct part_class *class = part->class;
    walk_expect_text(walk, "its type", class->type);
    for (unsigned i = 0; i < part_attribute_count(class); i++) {
        walk_expect_text(walk, class->attributes[i].name, part->values[i].text);
    }
    for (unsigned i = 0; i < part_pin_count(class); i++) {
        walk_expect(walk, class->pins[i].name, part->nets[i] ? net_number(part->nets[i]) : UINT32_MAX);
    }
}

static void view_walk(struct part_view *view, struct walk *walk) {
    if (view->kind == PART_LIGHT) {
        walk_u32(walk, &view->light.colour);
        walk_double_within(walk, &view->light.brightness, 0, 1);
    } else if (view->kind == PART_POINTER) {
        walk_double_within(walk, &view->pointer.degrees, -MOST_DEGREES, MOST_DEGREES);
    }
}

/* When somebody has looked at it last is no state. What a screen shows is not in a snapshot. */
static void bring_up_to_date(struct part *part) {
    bool screen = part->view_count && part->views[0].kind == PART_SCREEN;
    if (part->class->show && !screen) {
        part->class->show(part);
    }
}

void part_walk(struct part *part, struct walk *walk) {
    char name[WALK_NAME];
    snprintf(name, sizeof(name), "part %s", part->id);
    if (!walk->reads) {
        bring_up_to_date(part);
    }
    walk_section(walk, name, part->class->walk_version);
    expect_same_part(part, walk);
    random_walk(&part->random, walk);
    for (unsigned i = 0; i < part_control_count(part->class); i++) {
        const struct part_control *control = &part->class->controls[i];
        walk_double_within(walk, &part->settings[i], control->min, control->max);
    }
    walk_u64(walk, &part->held);
    for (unsigned i = 0; i < part->view_count; i++) {
        view_walk(&part->views[i], walk);
    }
    if (part->class->walk) {
        part->class->walk(part, walk);
    }
    walk_section_end(walk);
}
