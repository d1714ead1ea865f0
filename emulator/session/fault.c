/* The text of faults: KIND[:ARGUMENTS][:off]. A row of the table for each kind says what its arguments are. */
#include "emulator/session/fault.h"

#include "emulator/core/nearest.h"
#include "emulator/core/scheduler.h"
#include "emulator/core/time_text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AWAY_PS PS_PER_S /* how long supply and cable are away unless it is said */
#define DIP_VOLTS 0.7    /* below what both chips' detectors are set to after reset */
#define MOST_VOLTS 5.0

struct fault_syntax {
    const char *name;
    const char *arguments; /* for people; NULL: it has none */
    bool optional;         /* they may be left out */
    /* False: not understood. */
    bool (*parse)(struct fault *fault, const char *arguments);
    void (*format)(const struct fault *fault, char *text, size_t size);
};

/* ---- Arguments ---- */

static bool parse_number(const char *text, uint64_t most, uint64_t *ret_number) {
    char *end;
    bool digit = text[0] >= '0' && text[0] <= '9';
    *ret_number = strtoull(text, &end, 0);
    return digit && !*end && *ret_number <= most;
}

static bool parse_double(const char *text, double least, double most, double *ret_value) {
    char *end;
    *ret_value = strtod(text, &end);
    return end != text && !*end && isfinite(*ret_value) && *ret_value >= least && *ret_value <= most;
}

/* Up to `size` characters, at least one. */
static bool take_name(char name[FAULT_NAME], const char *text, size_t size) {
    if (!size || size >= FAULT_NAME) {
        return false;
    }
    memcpy(name, text, size);
    name[size] = 0;
    return true;
}

/* "A,B": A is put into `first`, B is given; NULL when there is no comma. False: A is too long. */
static bool split(const char *text, char first[FAULT_NAME], const char **ret_second) {
    const char *comma = strchr(text, ',');
    *ret_second = comma ? comma + 1 : NULL;
    return take_name(first, text, comma ? (size_t)(comma - text) : strlen(text));
}

/* ---- I2C ---- */

static bool parse_address(struct fault *fault, const char *text) {
    uint64_t address;
    bool ok = parse_number(text, 0x7f, &address);
    fault->address = (unsigned)address;
    return ok;
}

static void format_address(const struct fault *fault, char *text, size_t size) {
    snprintf(text, size, "0x%02x", fault->address);
}

static bool parse_pin(struct fault *fault, const char *text) {
    return take_name(fault->name, text, strlen(text)) && !strchr(text, ',');
}

static void format_pin(const struct fault *fault, char *text, size_t size) {
    snprintf(text, size, "%s", fault->name);
}

/* ---- Flash ---- */

static bool parse_flip_next(struct fault *fault, const char *count) {
    uint64_t number = 1;
    bool ok = !count || parse_number(count, 1000000, &number);
    fault->next = true;
    fault->count = (unsigned)number;
    return ok && number;
}

static bool parse_flip(struct fault *fault, const char *text) {
    char first[FAULT_NAME];
    const char *second;
    uint64_t offset, bit = 0;
    if (!split(text, first, &second)) {
        return false;
    }
    if (strcmp(first, "next") == 0) {
        return parse_flip_next(fault, second);
    }
    bool ok = parse_number(first, UINT32_MAX, &offset) && (!second || parse_number(second, 7, &bit));
    fault->offset = (uint32_t)offset;
    fault->bit = (unsigned)bit;
    return ok;
}

static void format_flip(const struct fault *fault, char *text, size_t size) {
    if (fault->next) {
        snprintf(text, size, "next,%u", fault->count);
    } else {
        snprintf(text, size, "0x%06" PRIx32 ",%u", fault->offset, fault->bit);
    }
}

/* ---- Supply and cable ---- */

static bool parse_duration(struct fault *fault, const char *text) {
    return time_parse(text, &fault->duration_ps);
}

/* In nanoseconds where that is exact, as all times that people write are. */
static void format_duration(const struct fault *fault, char *text, size_t size) {
    snprintf(text, size, "%" PRIu64 "ns", fault->duration_ps / 1000);
}

static bool parse_dip(struct fault *fault, const char *text) {
    return parse_double(text, 0, MOST_VOLTS, &fault->volts);
}

static void format_dip(const struct fault *fault, char *text, size_t size) {
    snprintf(text, size, "%.17g", fault->volts);
}

/* ---- USB ---- */

static bool parse_endpoint(struct fault *fault, const char *text) {
    char first[FAULT_NAME];
    const char *second;
    uint64_t address = 0, count = 1;
    bool ok = split(text, first, &second) && parse_number(first, 0x8f, &address) &&
              (!second || parse_number(second, 1000000, &count));
    fault->address = (unsigned)address;
    fault->count = (unsigned)count;
    return ok && count && !(address & 0x70);
}

static void format_endpoint(const struct fault *fault, char *text, size_t size) {
    snprintf(text, size, "0x%02x,%u", fault->address, fault->count);
}

/* ---- Pins and parts ---- */

static bool parse_noise(struct fault *fault, const char *text) {
    const char *volts;
    return split(text, fault->name, &volts) && (volts ? parse_double(volts, 0, MOST_VOLTS, &fault->volts) : fault->off);
}

static void format_noise(const struct fault *fault, char *text, size_t size) {
    snprintf(text, size, "%s,%.17g", fault->name, fault->volts);
}

/* "part:pin" of this length. */
static bool parse_end(char part[FAULT_NAME], char name[FAULT_NAME], const char *text, size_t size) {
    const char *colon = memchr(text, ':', size);
    size_t before = colon ? (size_t)(colon - text) : 0;
    return colon && take_name(part, text, before) && take_name(name, colon + 1, size - before - 1);
}

static bool parse_wire(struct fault *fault, const char *text) {
    const char *equals = strchr(text, '=');
    return equals && parse_end(fault->part, fault->name, text, (size_t)(equals - text)) &&
           parse_end(fault->part2, fault->name2, equals + 1, strlen(equals + 1));
}

static void format_wire(const struct fault *fault, char *text, size_t size) {
    snprintf(text, size, "%s:%s=%s:%s", fault->part, fault->name, fault->part2, fault->name2);
}

static bool parse_stuck(struct fault *fault, const char *text) {
    const char *dot = strrchr(text, '.'), *equals = strchr(text, '=');
    dot = equals ? memrchr(text, '.', (size_t)(equals - text)) : dot;
    size_t length = equals ? (size_t)(equals - text) : strlen(text);
    fault->has_value = equals != NULL;
    return dot && take_name(fault->part, text, (size_t)(dot - text)) &&
           take_name(fault->name, dot + 1, length - (size_t)(dot - text) - 1) &&
           (!equals || parse_double(equals + 1, -HUGE_VAL, HUGE_VAL, &fault->value));
}

static void format_stuck(const struct fault *fault, char *text, size_t size) {
    int used = snprintf(text, size, "%s.%s", fault->part, fault->name);
    if (fault->has_value) {
        snprintf(text + used, size - (size_t)used, "=%.17g", fault->value);
    }
}

/* ---- All kinds ---- */

static const struct fault_syntax syntaxes[FAULT_KINDS] = {
    [FAULT_ALL] = { "all", NULL, true, NULL, NULL },
    [FAULT_I2C_NACK] = { "i2c-nack", "ADDRESS, such as 0x3c", false, parse_address, format_address },
    [FAULT_I2C_STUCK] = { "i2c-stuck", "PIN or PART:PIN, such as GP4", false, parse_pin, format_pin },
    [FAULT_FLASH_FLIP] = { "flash-flip", "OFFSET[,BIT] or next[,COUNT]", false, parse_flip, format_flip },
    [FAULT_FLASH_POWER] = { "flash-power", "a time, such as 500ms", true, parse_duration, format_duration },
    [FAULT_POWER] = { "power", "a time, such as 500ms", true, parse_duration, format_duration },
    [FAULT_USB_UNPLUG] = { "usb-unplug", "a time, such as 2s", true, parse_duration, format_duration },
    [FAULT_USB_STALL] = { "usb-stall", "ENDPOINT[,COUNT], such as 0x82,3", false, parse_endpoint, format_endpoint },
    [FAULT_USB_BABBLE] = { "usb-babble", NULL, true, NULL, NULL },
    [FAULT_BROWN_OUT] = { "brown-out", "VOLTS, at most 5, such as 0.7", true, parse_dip, format_dip },
    [FAULT_ADC_NOISE] = { "adc-noise", "PIN,VOLTS, at most 5, such as A0,0.02", false, parse_noise, format_noise },
    [FAULT_WIRE] = { "wire", "PART:PIN=PART:PIN", false, parse_wire, format_wire },
    [FAULT_STUCK] = { "stuck", "PART.CONTROL[=VALUE], such as btn1.pressed=1", false, parse_stuck, format_stuck },
};

static bool unknown_kind(const char *name, const char *text, struct error *error) {
    struct nearest nearest;
    char names[200] = "";
    nearest_init(&nearest, name);
    for (unsigned kind = 1; kind < FAULT_KINDS; kind++) {
        size_t used = strlen(names);
        nearest_offer(&nearest, syntaxes[kind].name);
        snprintf(names + used, sizeof(names) - used, "%s%s", kind > 1 ? ", " : "", syntaxes[kind].name);
    }
    error_set(error, "%s: there is no fault \"%s\"%s%s%s", text, name,
              nearest.name ? "; did you mean \"" : "; there are ", nearest.name ? nearest.name : names,
              nearest.name ? "\"?" : "");
    return false;
}

/* `name` is `text` up to the colon, cut off. */
static const struct fault_syntax *find_syntax(char *name) {
    for (unsigned kind = 0; kind < FAULT_KINDS; kind++) {
        if (strcmp(syntaxes[kind].name, name) == 0) {
            return &syntaxes[kind];
        }
    }
    return NULL;
}

static bool parse_arguments(const struct fault_syntax *syntax, struct fault *fault, const char *arguments) {
    if (!arguments) {
        return syntax->optional || (fault->off && fault->kind == FAULT_ALL);
    }
    return syntax->parse && syntax->parse(fault, arguments);
}

/* ":off" at the end is cut off. A single "off" ends all. */
static bool cut_off(char *text) {
    size_t length = strlen(text);
    if (length >= 4 && strcmp(text + length - 4, ":off") == 0) {
        text[length - 4] = 0;
        return true;
    }
    if (strcmp(text, "off") == 0) {
        strcpy(text, "all");
        return true;
    }
    return false;
}

bool fault_parse(const char *text, struct fault *ret_fault, struct error *error) {
    char copy[FAULT_TEXT];
    *ret_fault = (struct fault){ .duration_ps = AWAY_PS, .volts = DIP_VOLTS };
    if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy)) {
        error_set(error, "%.40s...: too long for a fault", text);
        return false;
    }
    ret_fault->off = cut_off(copy);
    char *arguments = strchr(copy, ':');
    if (arguments) {
        *arguments++ = 0;
    }
    const struct fault_syntax *syntax = find_syntax(copy);
    if (!syntax || (syntax == &syntaxes[FAULT_ALL] && !ret_fault->off)) {
        return unknown_kind(copy, text, error);
    }
    ret_fault->kind = (enum fault_kind)(syntax - syntaxes);
    if (!parse_arguments(syntax, ret_fault, arguments)) {
        error_set(error, "%s: say %s%s%s%s", text, syntax->name, syntax->arguments ? ":" : "",
                  syntax->arguments ? syntax->arguments : "",
                  syntax->optional && syntax->arguments ? ", or nothing" : "");
        return false;
    }
    return true;
}

void fault_format(const struct fault *fault, char text[FAULT_TEXT]) {
    const struct fault_syntax *syntax = &syntaxes[fault->kind];
    char arguments[FAULT_TEXT - 32] = "";
    if (syntax->format) {
        syntax->format(fault, arguments, sizeof(arguments));
    }
    snprintf(text, FAULT_TEXT, "%s%s%s%s", syntax->name, *arguments ? ":" : "", arguments, fault->off ? ":off" : "");
}

bool fault_is_ended_by(const struct fault *fault, const struct fault *off) {
    if (off->kind == FAULT_ALL) {
        return true;
    }
    return fault->kind == off->kind && fault->address == off->address && fault->offset == off->offset &&
           fault->next == off->next && strcmp(fault->part, off->part) == 0 && strcmp(fault->name, off->name) == 0 &&
           strcmp(fault->part2, off->part2) == 0 && strcmp(fault->name2, off->name2) == 0;
}
