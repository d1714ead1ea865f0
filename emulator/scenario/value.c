/* Scalars of a scenario: times, numbers with units, paths, bytes, colours. */
#include "emulator/scenario/value.h"

#include "emulator/core/nearest.h"
#include "emulator/core/time_text.h"
#include "emulator/session/fault.h"
#include "emulator/session/input.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 65536

/* ---- Plain texts ---- */

/* A scalar without NUL; NULL after a line. */
static const char *scalar(struct reading *reading, const struct node *node, const char *what) {
    size_t length;
    const char *text = node_text(node, &length);
    if (node_kind(node) != NODE_SCALAR) {
        mistake(&reading->mistakes, node_mark(node), "%s: a single value is expected, not a %s", what,
                node_kind(node) == NODE_LIST ? "list" : "map");
        return NULL;
    }
    if (strlen(text) != length || length > TEXT_MAX) {
        mistake(&reading->mistakes, node_mark(node), "%s: %s", what,
                length > TEXT_MAX ? "is too long" : "has a NUL character in it");
        return NULL;
    }
    return text;
}

char *value_name(struct reading *reading, const struct node *node, const char *what) {
    const char *text = scalar(reading, node, what);
    if (text && !*text) {
        mistake(&reading->mistakes, node_mark(node), "%s: is empty", what);
        text = NULL;
    }
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy) {
        mistake(&reading->mistakes, node_mark(node), "%s: out of memory", what);
    }
    return copy;
}

char *value_path(struct reading *reading, const struct node *node, const char *what) {
    char *path = value_name(reading, node, what);
    if (path && !scenario_path_is_inside(path)) {
        mistake(&reading->mistakes, node_mark(node),
                "%s: \"%s\" leaves the scenario's folder; name a file below it, such as \"golden/screen.png\"", what,
                path);
        free(path);
        path = NULL;
    }
    return path;
}

/* ---- Numbers ---- */

bool value_time(struct reading *reading, const struct node *node, const char *what, uint64_t *ret_ps) {
    const char *text = scalar(reading, node, what);
    if (!text) {
        return false;
    }
    if (!time_parse(text, ret_ps)) {
        mistake(&reading->mistakes, node_mark(node), "%s: \"%s\" is no time; say 500us, 20ms or 1.5s", what, text);
        return false;
    }
    return true;
}

bool value_count(struct reading *reading, const struct node *node, const char *what, uint64_t least, uint64_t most,
                 uint64_t *ret_count) {
    const char *text = scalar(reading, node, what);
    char *end = NULL;
    errno = 0;
    *ret_count = text ? strtoull(text, &end, 0) : 0;
    if (!text) {
        return false;
    }
    if (end == text || *end || *text == '-' || errno || *ret_count < least || *ret_count > most) {
        mistake(&reading->mistakes, node_mark(node), "%s: \"%s\" is not a whole number from %llu to %llu", what, text,
                (unsigned long long)least, (unsigned long long)most);
        return false;
    }
    return true;
}

static const struct {
    const char *word;
    double value;
} words[] = { { "true", 1 }, { "false", 0 }, { "high", 1 }, { "low", 0 }, { "on", 1 }, { "off", 0 } };

static bool number_of(const char *text, double *ret_number) {
    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(text, words[i].word) == 0) {
            *ret_number = words[i].value;
            return true;
        }
    }
    char *end;
    *ret_number = strtod(text, &end);
    return end != text && !*end && isfinite(*ret_number);
}

bool value_bool(struct reading *reading, const struct node *node, const char *what, bool *ret_value) {
    const char *text = scalar(reading, node, what);
    double number;
    if (!text) {
        return false;
    }
    if (!number_of(text, &number) || (number != 0 && number != 1)) {
        mistake(&reading->mistakes, node_mark(node), "%s: \"%s\" is neither true nor false", what, text);
        return false;
    }
    *ret_value = number != 0;
    return true;
}

/* ---- Quantities ---- */

static const struct unit {
    enum value_kind kind;
    const char *name; /* what the number ends with */
    double factor;
} units[] = {
    { VALUE_HERTZ, "Hz", 1 },      { VALUE_HERTZ, "kHz", 1e3 },   { VALUE_HERTZ, "MHz", 1e6 },
    { VALUE_HERTZ, "", 1 },        { VALUE_SHARE, "%", 0.01 },    { VALUE_SHARE, "", 1 },
    { VALUE_SECONDS, "ns", 1e-9 }, { VALUE_SECONDS, "us", 1e-6 }, { VALUE_SECONDS, "ms", 1e-3 },
    { VALUE_SECONDS, "s", 1 },     { VALUE_VOLTS, "V", 1 },       { VALUE_VOLTS, "mV", 1e-3 },
    { VALUE_VOLTS, "", 1 },
};

static bool quantity_of(const char *text, enum value_kind kind, double *ret_value) {
    char *end;
    double number = strtod(text, &end);
    if (end == text || !isfinite(number)) {
        return false;
    }
    end += strspn(end, " ");
    for (unsigned i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (units[i].kind == kind && strcmp(units[i].name, end) == 0) {
            *ret_value = number * units[i].factor;
            return true;
        }
    }
    return false;
}

static const char *quantity_example(enum value_kind kind) {
    return kind == VALUE_HERTZ     ? "440Hz or 1.5kHz"
           : kind == VALUE_SHARE   ? "50% or 0.5"
           : kind == VALUE_SECONDS ? "250us or 1.5ms"
                                   : "1.65V or 300mV";
}

static bool read_quantity(struct reading *reading, const struct node *node, const char *what, enum value_kind kind,
                          double *ret_value) {
    const char *text = scalar(reading, node, what);
    if (!text) {
        return false;
    }
    if (!quantity_of(text, kind, ret_value) || *ret_value < 0) {
        mistake(&reading->mistakes, node_mark(node), "%s: \"%s\": say %s", what, text, quantity_example(kind));
        return false;
    }
    return true;
}

/* "5%" of the value, or so much in its unit; of a share always in its unit. */
static bool tolerance_of(const char *text, enum value_kind kind, double value, double *ret_tolerance) {
    double share;
    if (kind != VALUE_SHARE && strchr(text, '%') && quantity_of(text, VALUE_SHARE, &share)) {
        *ret_tolerance = share * value;
        return share >= 0;
    }
    return quantity_of(text, kind, ret_tolerance) && *ret_tolerance >= 0;
}

static bool read_tolerance(struct reading *reading, const struct node *node, enum value_kind kind,
                           struct scenario_range *range) {
    const char *text = scalar(reading, node, "tolerance");
    if (text && !tolerance_of(text, kind, range->value, &range->tolerance)) {
        mistake(&reading->mistakes, node_mark(node), "tolerance: \"%s\": say 5%%, or so much as %s", text,
                quantity_example(kind));
        text = NULL;
    }
    return text != NULL;
}

/* {value: 1kHz, tolerance: 2%}, or {min: 0.9kHz, max: 1.1kHz}. */
static bool read_range_map(struct reading *reading, const struct node *node, const struct step_key *key,
                           struct scenario_range *range) {
    const struct node *tolerance = NULL;
    double least = NAN, most = NAN;
    range->value = NAN;
    for (unsigned i = 0; i < node_count(node); i++) {
        const struct node *name = node_key(reading->file, node, i), *value = node_value(reading->file, node, i);
        size_t length;
        const char *text = node_text(name, &length);
        double *to = strcmp(text, "value") == 0 ? &range->value
                     : strcmp(text, "min") == 0 ? &least
                     : strcmp(text, "max") == 0 ? &most
                                                : NULL;
        if (strcmp(text, "tolerance") == 0) {
            tolerance = value;
        } else if (!to) {
            mistake(&reading->mistakes, node_mark(name),
                    "%s: no key \"%s\"; it has value and tolerance, or min and max", key->name, text);
            return false;
        } else if (!read_quantity(reading, value, key->name, key->kind, to)) {
            return false;
        }
    }
    if (!isnan(least) && !isnan(most) && isnan(range->value) && !tolerance && least <= most) {
        range->value = (least + most) / 2;
        range->tolerance = (most - least) / 2;
        return true;
    }
    if (isnan(range->value) || !isnan(least) || !isnan(most)) {
        mistake(&reading->mistakes, node_mark(node), "%s: say value and tolerance, or min and a larger max", key->name);
        return false;
    }
    return !tolerance || read_tolerance(reading, tolerance, key->kind, range);
}

static bool read_range(struct reading *reading, const struct node *node, const struct step_key *key,
                       struct scenario_range *range) {
    range->given = true;
    range->tolerance = -1; /* the step's, or the usual one */
    return node_kind(node) == NODE_MAP ? read_range_map(reading, node, key, range)
                                       : read_quantity(reading, node, key->name, key->kind, &range->value);
}

/* ---- Bytes ---- */

static bool read_byte_list(struct reading *reading, const struct node *node, const char *what,
                           struct scenario_text *text) {
    unsigned count = node_count(node);
    text->bytes = count <= TEXT_MAX ? calloc(1, count + 1) : NULL;
    if (!text->bytes) {
        mistake(&reading->mistakes, node_mark(node), "%s: %s", what,
                count > TEXT_MAX ? "is too long" : "out of memory");
    }
    for (unsigned i = 0; text->bytes && i < count; i++) {
        uint64_t byte;
        if (!value_count(reading, node_item(reading->file, node, i), what, 0, 255, &byte)) {
            return false;
        }
        text->bytes[text->length++] = (char)byte;
    }
    return text->bytes != NULL;
}

static bool read_text(struct reading *reading, const struct node *node, const char *what, struct scenario_text *text) {
    if (node_kind(node) == NODE_LIST) {
        return read_byte_list(reading, node, what, text);
    }
    size_t length;
    const char *from = node_text(node, &length);
    if (node_kind(node) == NODE_MAP || length > TEXT_MAX) {
        mistake(&reading->mistakes, node_mark(node), "%s: say a text, or a list of bytes", what);
        return false;
    }
    text->bytes = malloc(length + 1);
    if (text->bytes) {
        memcpy(text->bytes, from, length);
        text->bytes[length] = 0;
        text->length = length;
    } else {
        mistake(&reading->mistakes, node_mark(node), "%s: out of memory", what);
    }
    return text->bytes != NULL;
}

/* ---- Words ---- */

static bool read_choice(struct reading *reading, const struct node *node, const char *what, const char *const *choices,
                        unsigned *ret_choice) {
    const char *text = scalar(reading, node, what);
    struct nearest nearest;
    char all[200] = "";
    nearest_init(&nearest, text ? text : "");
    for (unsigned i = 0; text && choices[i]; i++) {
        size_t used = strlen(all);
        if (strcmp(choices[i], text) == 0) {
            *ret_choice = i;
            return true;
        }
        nearest_offer(&nearest, choices[i]);
        snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "", choices[i]);
    }
    if (text) {
        mistake(&reading->mistakes, node_mark(node), "%s: \"%s\"%s%s%s; it is one of %s", what, text,
                nearest.name ? ": did you mean \"" : "", nearest.name ? nearest.name : "", nearest.name ? "\"?" : "",
                all);
    }
    return false;
}

static bool read_port(struct reading *reading, const struct node *node, unsigned *ret_port) {
    static const char *const ports[] = { "console", "uart0", "uart1", "data", NULL };
    return read_choice(reading, node, "port", ports, ret_port);
}

/* low, high, release, pull-up, pull-down, 0, 1, or volts: "1.65V". */
static bool read_drive(struct reading *reading, const struct node *node, struct scenario_step *step) {
    static const char *const drives[] = { "release", "low", "high", "pull-down", "pull-up", NULL };
    const char *text = scalar(reading, node, "value");
    if (!text) {
        return false;
    }
    if (strcmp(text, "0") == 0 || strcmp(text, "1") == 0) {
        step->choice = *text == '0' ? INPUT_LOW : INPUT_HIGH;
        return true;
    }
    if (strchr(text, 'V') && quantity_of(text, VALUE_VOLTS, &step->value) && fabs(step->value) <= 50) {
        step->choice = INPUT_VOLTS;
        return true;
    }
    return read_choice(reading, node, "value (or volts, such as 1.65V)", drives, &step->choice);
}

/* "#ff8800" or 0xff8800. */
static bool read_colour(struct reading *reading, const struct node *node, struct scenario_step *step) {
    const char *text = scalar(reading, node, "colour");
    const char *digits = !text ? "" : *text == '#' ? text + 1 : strncmp(text, "0x", 2) == 0 ? text + 2 : "";
    bool ok = strlen(digits) == 6 && strspn(digits, "0123456789abcdefABCDEF") == 6;
    if (text && !ok) {
        mistake(&reading->mistakes, node_mark(node), "colour: \"%s\": say \"#ff8800\" (in quotes) or 0xff8800", text);
    }
    step->has_colour = true;
    step->colour = (uint32_t)strtoul(digits, NULL, 16);
    return ok;
}

/* `exists` and `on`: the field says the contrary, so that zero is what nobody has said anything about. */
static bool read_not(struct reading *reading, const struct node *node, const char *what, bool *ret_not) {
    bool value = false, ok = value_bool(reading, node, what, &value);
    *ret_not = !value;
    return ok;
}

static bool read_regex(struct reading *reading, const struct node *node, char **ret_regex) {
    struct stream_pattern pattern;
    struct error error;
    *ret_regex = value_name(reading, node, "regex");
    if (!*ret_regex) {
        return false;
    }
    bool ok = stream_pattern_regex(&pattern, *ret_regex, &error);
    if (!ok) {
        mistake(&reading->mistakes, node_mark(node), "regex: %s", error.message);
    }
    stream_pattern_finish(&pattern);
    return ok;
}

static bool read_number(struct reading *reading, const struct node *node, const char *what,
                        struct scenario_step *step) {
    const char *text = scalar(reading, node, what);
    step->has_value = true;
    if (text && !number_of(text, &step->value)) {
        mistake(&reading->mistakes, node_mark(node), "%s: \"%s\" is not a number, nor true, false, high or low", what,
                text);
        text = NULL;
    }
    return text != NULL;
}

static bool read_limits(struct reading *reading, const struct node *node, bool levels, struct scenario_step *step) {
    const char *text = scalar(reading, node, "tolerance");
    double most = levels ? 255 : 10;
    bool ok = text && quantity_of(text, levels ? VALUE_VOLTS : VALUE_SHARE, &step->tolerance) && step->tolerance >= 0 &&
              step->tolerance <= most && !strchr(text, 'V');
    if (text && !ok) {
        mistake(&reading->mistakes, node_mark(node), "tolerance: \"%s\": say %s", text,
                levels ? "levels of a colour, 0 to 255" : "a share, such as 5%");
    }
    return ok;
}

static bool read_address(struct reading *reading, const struct node *node, const char *what,
                         struct scenario_step *step) {
    uint64_t address = 0;
    step->has_address = value_count(reading, node, what, 0, 0x3ff, &address);
    step->address = (unsigned)address;
    return step->has_address;
}

static bool read_fault(struct reading *reading, const struct node *node, const char *what, char **ret_text) {
    struct fault fault;
    struct error error;
    *ret_text = value_name(reading, node, what);
    if (*ret_text && !fault_parse(*ret_text, &fault, &error)) {
        mistake(&reading->mistakes, node_mark(node), "fault: %s", error.message);
        return false;
    }
    return *ret_text != NULL;
}

static bool read_counted(struct reading *reading, const struct node *node, const struct step_key *key,
                         unsigned *ret_count) {
    uint64_t count = 0;
    bool ok = value_count(reading, node, key->name, key->kind == VALUE_COUNT, 1000000, &count);
    *ret_count = (unsigned)count;
    return ok;
}

/* ---- All of them ---- */

bool value_read(struct reading *reading, const struct step_key *key, const struct node *node,
                struct scenario_step *step) {
    void *field = (char *)step + key->offset;
    switch (key->kind) {
    case VALUE_TEXT:
        return read_text(reading, node, key->name, field);
    case VALUE_NAME:
        return (*(char **)field = value_name(reading, node, key->name)) != NULL;
    case VALUE_PATH:
        return (*(char **)field = value_path(reading, node, key->name)) != NULL;
    case VALUE_REGEX:
        return read_regex(reading, node, field);
    case VALUE_TIME:
        step->waits |= field == &step->timeout_ps;
        return value_time(reading, node, key->name, field);
    case VALUE_NUMBER:
        return read_number(reading, node, key->name, step);
    case VALUE_COUNT:
    case VALUE_PIXELS:
        return read_counted(reading, node, key, field);
    case VALUE_BOOL:
        return value_bool(reading, node, key->name, field);
    case VALUE_NOT:
        step->flag = true;
        return read_not(reading, node, key->name, field);
    case VALUE_CHOICE:
        return read_choice(reading, node, key->name, key->choices, field);
    case VALUE_PORT:
        return read_port(reading, node, field);
    case VALUE_COLOUR:
        return read_colour(reading, node, step);
    case VALUE_DRIVE:
        return read_drive(reading, node, step);
    case VALUE_ADDRESS:
        return read_address(reading, node, key->name, step);
    case VALUE_FAULT:
        return read_fault(reading, node, key->name, field);
    case VALUE_TOLERANCE:
    case VALUE_LEVELS:
        return read_limits(reading, node, key->kind == VALUE_LEVELS, step);
    case VALUE_HERTZ:
    case VALUE_SHARE:
    case VALUE_SECONDS:
    case VALUE_VOLTS:
        return read_range(reading, node, key, field);
    case VALUE_STEPS:
    case VALUE_BRANCHES:
        break;
    }
    return false;
}
