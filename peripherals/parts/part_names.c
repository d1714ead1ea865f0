/* The nearest name, and texts of attributes and controls as values. */
#include "peripherals/parts/part_names.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- Nearest type ---- */
static const char *without_prefix(const char *type) {
    bool has_prefix = strncmp(type, "wokwi-", 6) == 0 || strncmp(type, "board-", 6) == 0;
    return has_prefix ? type + 6 : type;
}

void nearest_offer_type(struct nearest *nearest, const char *type) {
    struct nearest bare;
    nearest_init(&bare, without_prefix(nearest->wanted));
    nearest_offer(&bare, without_prefix(type));
    nearest_offer(nearest, bare.name ? type : NULL);
}

/* ---- Numbers ---- */
static double prefix(const char **end) {
    static const char letters[] = "pnumkKMG";
    static const double factors[] = { 1e-12, 1e-9, 1e-6, 1e-3, 1e3, 1e3, 1e6, 1e9 };
    const char *found = **end ? strchr(letters, **end) : NULL;
    if (!found) {
        return 1;
    }
    ++*end;
    return factors[found - letters];
}

static bool is_unit(const char *text, const char *unit) {
    while (isspace((unsigned char)*text)) {
        text++;
    }
    bool ohms = unit && strcmp(unit, "ohm") == 0 && (strcasecmp(text, "ohms") == 0 || strcmp(text, "\u03a9") == 0);
    return !*text || ohms || (unit && strcasecmp(text, unit) == 0);
}

/* As on a resistor (IEC 60062): "4k7", "330R", "0R1": the letter stands for the point. */
static bool parse_marking(const char *text, double *ret_number) {
    static const char letters[] = "RrkKM";
    static const double factors[] = { 1, 1, 1e3, 1e3, 1e6 };
    char digits[40];
    size_t whole = strspn(text, "0123456789"), length = strlen(text);
    const char *letter = whole && text[whole] ? strchr(letters, text[whole]) : NULL;
    if (!letter || length >= sizeof(digits) || text[whole + 1 + strspn(text + whole + 1, "0123456789")]) {
        return false;
    }
    memcpy(digits, text, length + 1);
    digits[whole] = '.';
    *ret_number = strtod(digits, NULL) * factors[letter - letters];
    return true;
}

/* "4.7k", "0x3c", "12 mT" with the unit "mT". */
static bool parse_number(const char *text, const char *unit, double *ret_number) {
    if (unit && strcmp(unit, "ohm") == 0 && parse_marking(text, ret_number)) {
        return true;
    }
    char *rest;
    double number = strtod(text, &rest);
    const char *end = rest;
    if (end == text || !isfinite(number)) {
        return false;
    }
    if (!is_unit(end, unit)) {
        number *= prefix(&end);
    }
    *ret_number = number;
    return is_unit(end, unit);
}

static bool parse_in_range(const struct part_attribute *attribute, const char *text, double *ret, struct error *error) {
    if (!parse_number(text, attribute->unit, ret)) {
        error_set(error, "%s=\"%s\" is not a number", attribute->name, text);
        return false;
    }
    if (*ret < attribute->min || *ret > attribute->max) {
        if (strncasecmp(text, "0x", 2) == 0) {
            error_set(error, "%s=%s is not from 0x%llx to 0x%llx", attribute->name, text,
                      (unsigned long long)(long long)attribute->min, (unsigned long long)(long long)attribute->max);
        } else {
            error_set(error, "%s=%s is not from %g to %g", attribute->name, text, attribute->min, attribute->max);
        }
        return false;
    }
    return true;
}

/* ---- The other kinds ---- */
static bool parse_flag(const struct part_attribute *attribute, const char *text, double *ret, struct error *error) {
    static const char *const yes[] = { "1", "true", "yes", "on", "" }, *const no[] = { "0", "false", "no", "off" };
    for (unsigned i = 0; i < 5; i++) {
        if (strcasecmp(text, yes[i]) == 0 || (i < 4 && strcasecmp(text, no[i]) == 0)) {
            *ret = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    error_set(error, "%s=\"%s\" is neither 0 nor 1", attribute->name, text);
    return false;
}

static bool parse_choice(const struct part_attribute *attribute, const char *text, double *ret, struct error *error) {
    struct nearest nearest;
    nearest_init(&nearest, text);
    for (unsigned i = 0; attribute->choices[i]; i++) {
        if (strcasecmp(attribute->choices[i], text) == 0) {
            *ret = i;
            return true;
        }
        nearest_offer(&nearest, attribute->choices[i]);
    }
    const char *hint = nearest.name ? nearest.name : attribute->choices[0];
    error_set(error, "%s=\"%s\" is none of its values; did you mean \"%s\"?", attribute->name, text, hint);
    return false;
}

static bool parse_hex_colour(const char *text, double *ret) {
    static const char digits[] = "0123456789abcdef";
    unsigned value = 0, count = 0;
    for (; text[count]; count++) {
        const char *digit = strchr(digits, tolower((unsigned char)text[count]));
        if (!digit || count == 6) {
            return false;
        }
        value = value << 4 | (unsigned)(digit - digits);
    }
    *ret = count == 3 ? (value >> 8) * 0x110000 + (value >> 4 & 15) * 0x1100 + (value & 15) * 0x11 : value;
    return count == 3 || count == 6;
}

static bool parse_colour(const struct part_attribute *attribute, const char *text, double *ret, struct error *error) {
    static const struct {
        const char *name;
        uint32_t rgb;
    } colours[] = {
        { "black", 0x000000 },     { "blue", 0x0050ff },    { "brown", 0x8b4513 },  { "cyan", 0x00e0e0 },
        { "gold", 0xffd700 },      { "gray", 0x808080 },    { "green", 0x20c020 },  { "grey", 0x808080 },
        { "limegreen", 0x32cd32 }, { "magenta", 0xff00ff }, { "orange", 0xff8000 }, { "pink", 0xff80a0 },
        { "purple", 0xa020f0 },    { "red", 0xff2020 },     { "violet", 0xa050ff }, { "white", 0xffffff },
        { "yellow", 0xffe000 },
    };
    if (!*text && !*attribute->initial) { /* none */
        return true;
    }
    if (text[0] == '#' && parse_hex_colour(text + 1, ret)) {
        return true;
    }
    for (unsigned i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
        if (strcasecmp(colours[i].name, text) == 0) {
            *ret = colours[i].rgb;
            return true;
        }
    }
    error_set(error, "%s=\"%s\" is no colour that is known here, nor #rrggbb", attribute->name, text);
    return false;
}

bool part_parse(const struct part_attribute *attribute, const char *text, double *ret_number, struct error *error) {
    *ret_number = 0;
    switch (attribute->kind) {
    case PART_NUMBER:
        return parse_in_range(attribute, text, ret_number, error);
    case PART_CHOICE:
        return parse_choice(attribute, text, ret_number, error);
    case PART_FLAG:
        return parse_flag(attribute, text, ret_number, error);
    case PART_COLOUR:
        return parse_colour(attribute, text, ret_number, error);
    case PART_TEXT:
        break;
    }
    return true;
}

/* ---- Controls ---- */
bool part_check_control(const struct part_control *control, double *value, struct error *error) {
    const char *unit = control->unit ? control->unit : "";
    if (isfinite(*value) && control->wraps) {
        double span = control->max - control->min;
        *value = fmod(*value - control->min, span);
        *value += control->min + (*value < 0 ? span : 0);
        *value = *value < control->max ? *value : control->min;
    }
    if (!(*value >= control->min && *value <= control->max)) {
        error_set(error, "%s=%g is not from %g to %g %s", control->name, *value, control->min, control->max, unit);
        return false;
    }
    return true;
}

bool part_parse_control(const struct part_control *control, const char *text, double *ret_value, struct error *error) {
    double value;
    if (!parse_number(text, control->unit, &value)) {
        error_set(error, "%s=\"%s\" is not a number", control->name, text);
        return false;
    }
    if (!part_check_control(control, &value, error)) {
        return false;
    }
    *ret_value = value;
    return true;
}
