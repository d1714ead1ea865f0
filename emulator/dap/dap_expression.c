/* See dap_expression.h. A recursive descent over Python's grammar of these operators (Python language reference, 6.10
 * and 6.11); chains of comparisons are allowed, as there. Values of the guest are read through python.h alone. */
#include "emulator/dap/dap_expression.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NAMES 512
#define MOST_ELEMENTS 4096
#define DEEPEST 40

struct reader {
    struct python *python;
    const struct python_frame *frame;
    const char *at;
    unsigned depth;
    struct error *error;
};

static bool read_or(struct reader *reader, struct dap_value *value);

/* ---- Letters ---- */
static void skip_blanks(struct reader *reader) {
    while (*reader->at == ' ' || *reader->at == '\t') {
        reader->at++;
    }
}

static bool is_letter(char letter) {
    return isalnum((unsigned char)letter) || letter == '_';
}

static bool take_sign(struct reader *reader, const char *sign) {
    size_t length = strlen(sign);
    skip_blanks(reader);
    bool taken = strncmp(reader->at, sign, length) == 0;
    reader->at += taken ? length : 0;
    return taken;
}

static bool take_word(struct reader *reader, const char *word) {
    size_t length = strlen(word);
    skip_blanks(reader);
    bool taken = strncmp(reader->at, word, length) == 0 && !is_letter(reader->at[length]);
    reader->at += taken ? length : 0;
    return taken;
}

static bool take_name(struct reader *reader, char *ret_name) {
    size_t length = 0;
    skip_blanks(reader);
    if (isdigit((unsigned char)*reader->at)) {
        return false;
    }
    while (is_letter(*reader->at)) {
        ret_name[length] = *reader->at++;
        length += length < PYTHON_NAME - 1;
    }
    ret_name[length] = 0;
    return length > 0;
}

/* ---- Values ---- */
/* What follows a backslash in repr(). */
static const char *unescape(const char *at, char *ret_byte) {
    static const char from[] = "nrt\\'\"", to[] = "\n\r\t\\'\"";
    const char *known = *at ? strchr(from, *at) : NULL;
    if (*at == 'x' && isxdigit((unsigned char)at[1]) && isxdigit((unsigned char)at[2])) {
        char digits[3] = { at[1], at[2], 0 };
        *ret_byte = (char)strtoul(digits, NULL, 16);
        return at + 3;
    }
    *ret_byte = known ? to[known - from] : *at;
    return *at ? at + 1 : at;
}

/* A quoted text; returns what is behind it. */
static const char *read_quoted(const char *at, struct dap_value *value) {
    char quote = *at++;
    size_t length = 0;
    while (*at && *at != quote) {
        char byte = *at;
        at = byte == '\\' ? unescape(at + 1, &byte) : at + 1;
        value->text[length] = byte;
        length += length < DAP_TEXT - 1;
    }
    value->text[length] = 0;
    value->kind = DAP_STRING;
    return *at ? at + 1 : at;
}

/* A guest's object of a simple type as a value of ours, by its repr(). */
static void take_object(struct python *python, uint32_t object, struct dap_value *value) {
    char type[PYTHON_NAME], text[DAP_TEXT], *end;
    *value = (struct dap_value){ .kind = DAP_OBJECT, .object = object };
    python_type(python, object, type, sizeof(type));
    python_text(python, object, text, sizeof(text));
    if (strcmp(type, "int") == 0) {
        value->integer = strtoll(text, &end, 0);
        value->kind = *end ? DAP_OBJECT : DAP_INT;
    } else if (strcmp(type, "float") == 0) {
        value->number = strtod(text, NULL);
        value->kind = DAP_FLOAT;
    } else if (strcmp(type, "bool") == 0) {
        value->integer = strcmp(text, "True") == 0;
        value->kind = DAP_BOOL;
    } else if (strcmp(type, "NoneType") == 0) {
        value->kind = DAP_NONE;
    } else if (strcmp(type, "str") == 0 && (*text == '\'' || *text == '"')) {
        read_quoted(text, value);
    }
}

static bool is_number(const struct dap_value *value) {
    return value->kind == DAP_INT || value->kind == DAP_FLOAT || value->kind == DAP_BOOL;
}

static double number_of(const struct dap_value *value) {
    return value->kind == DAP_FLOAT ? value->number : (double)value->integer;
}

bool dap_is_true(struct python *python, const struct dap_value *value) {
    struct python_variable first;
    char text[8];
    switch (value->kind) {
    case DAP_NONE:
        return false;
    case DAP_STRING:
        return value->text[0] != 0;
    case DAP_OBJECT:
        python_text(python, value->object, text, sizeof(text));
        return strchr("[({", text[0]) == NULL || python_children(python, value->object, &first, 1) > 0;
    default:
        return number_of(value) != 0;
    }
}

static bool are_equal(const struct dap_value *a, const struct dap_value *b) {
    if (is_number(a) && is_number(b)) {
        bool whole = a->kind != DAP_FLOAT && b->kind != DAP_FLOAT;
        return whole ? a->integer == b->integer : number_of(a) == number_of(b);
    }
    if (a->kind != b->kind) {
        return false;
    }
    return a->kind == DAP_NONE || (a->kind == DAP_STRING ? strcmp(a->text, b->text) == 0 : a->object == b->object);
}

/* ---- Names, attributes, elements ---- */
static bool look_in(struct reader *reader, const struct python_variable *variables, unsigned count, const char *name,
                    struct dap_value *value) {
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(variables[i].name, name) == 0) {
            take_object(reader->python, variables[i].object, value);
            return true;
        }
    }
    return false;
}

static bool find_name(struct reader *reader, const char *name, struct dap_value *value) {
    struct python_variable *variables = calloc(MOST_NAMES, sizeof(*variables));
    unsigned count = variables ? python_locals(reader->python, reader->frame, variables, MOST_NAMES) : 0;
    bool found = look_in(reader, variables, count, name, value);
    if (!found) {
        count = variables ? python_globals(reader->python, reader->frame, variables, MOST_NAMES) : 0;
        found = look_in(reader, variables, count, name, value);
    }
    free(variables);
    if (!found) {
        error_set(reader->error, "name '%s' is not defined here", name);
    }
    return found;
}

static bool find_child(struct reader *reader, const char *name, struct dap_value *value) {
    struct python_variable *children = calloc(MOST_ELEMENTS, sizeof(*children));
    unsigned count =
        value->object && children ? python_children(reader->python, value->object, children, MOST_ELEMENTS) : 0;
    bool found = look_in(reader, children, count, name, value);
    free(children);
    return found;
}

static bool read_attribute(struct reader *reader, struct dap_value *value) {
    char name[PYTHON_NAME], type[PYTHON_NAME];
    if (!take_name(reader, name)) {
        error_set(reader->error, "a name is missing behind \".\"");
        return false;
    }
    dap_value_type(reader->python, value, type, sizeof(type));
    if (!find_child(reader, name, value)) {
        error_set(reader->error, "'%s' object has no attribute '%s' that is in its memory", type, name);
        return false;
    }
    return true;
}

static unsigned count_children(struct reader *reader, uint32_t object) {
    struct python_variable *children = calloc(MOST_ELEMENTS, sizeof(*children));
    unsigned count = children ? python_children(reader->python, object, children, MOST_ELEMENTS) : 0;
    free(children);
    return count;
}

/* A dictionary's element is called by its key's repr(), a list's by its number. */
static bool read_element(struct reader *reader, struct dap_value *value) {
    struct dap_value key;
    char text[PYTHON_NAME], name[PYTHON_NAME];
    if (!read_or(reader, &key) || !take_sign(reader, "]")) {
        if (!reader->error->message[0]) {
            error_set(reader->error, "\"]\" is missing");
        }
        return false;
    }
    dap_value_type(reader->python, value, text, sizeof(text));
    if (key.kind == DAP_INT && key.integer < 0 && strcmp(text, "dict") != 0 && value->object) {
        key.integer += count_children(reader, value->object);
    }
    dap_value_text(reader->python, &key, text, sizeof(text) - 3);
    snprintf(name, sizeof(name), "[%.*s]", PYTHON_NAME - 4, text);
    if (!find_child(reader, name, value)) {
        error_set(reader->error, "there is no element %s", name);
        return false;
    }
    return true;
}

/* ---- Operands ---- */
static bool read_number(struct reader *reader, struct dap_value *value) {
    char *end, *float_end;
    value->integer = strtoll(reader->at, &end, 0);
    value->number = strtod(reader->at, &float_end);
    value->kind = float_end > end ? DAP_FLOAT : DAP_INT;
    reader->at = float_end > end ? float_end : end;
    return true;
}

static bool read_named(struct reader *reader, struct dap_value *value) {
    char name[PYTHON_NAME];
    if (!take_name(reader, name)) {
        error_set(reader->error,
                  *reader->at ? "\"%.20s\" is not understood: names, attributes, indices, literals and "
                                "comparisons are"
                              : "the expression ends too early",
                  reader->at);
        return false;
    }
    bool is_bool = strcmp(name, "True") == 0 || strcmp(name, "False") == 0;
    if (is_bool) {
        *value = (struct dap_value){ .kind = DAP_BOOL, .integer = name[0] == 'T' };
    } else if (strcmp(name, "None") == 0) {
        *value = (struct dap_value){ .kind = DAP_NONE };
    } else {
        return find_name(reader, name, value);
    }
    return true;
}

static bool read_group(struct reader *reader, struct dap_value *value) {
    bool read = read_or(reader, value);
    if (read && !take_sign(reader, ")")) {
        error_set(reader->error, "\")\" is missing");
        return false;
    }
    return read;
}

static bool read_atom(struct reader *reader, struct dap_value *value) {
    *value = (struct dap_value){ 0 };
    skip_blanks(reader);
    if (take_sign(reader, "(")) {
        return read_group(reader, value);
    }
    if (*reader->at == '\'' || *reader->at == '"') {
        reader->at = read_quoted(reader->at, value);
        return true;
    }
    bool is_digit =
        isdigit((unsigned char)*reader->at) || (*reader->at == '.' && isdigit((unsigned char)reader->at[1]));
    return is_digit ? read_number(reader, value) : read_named(reader, value);
}

static bool read_operand(struct reader *reader, struct dap_value *value) {
    if (take_sign(reader, "-")) {
        bool read = read_operand(reader, value);
        if (read && !is_number(value)) {
            error_set(reader->error, "\"-\" stands before what is no number");
            return false;
        }
        value->integer = -value->integer;
        value->number = -value->number;
        value->object = 0;
        return read;
    }
    bool read = read_atom(reader, value);
    while (read) {
        if (take_sign(reader, "[")) {
            read = read_element(reader, value);
        } else if (take_sign(reader, ".")) {
            read = read_attribute(reader, value);
        } else {
            break;
        }
    }
    return read;
}

/* ---- Operators ---- */
enum comparison { NO_COMPARISON, EQUAL, UNEQUAL, LESS, LESS_EQUAL, MORE, MORE_EQUAL, IS, IS_NOT, IN, NOT_IN };

static enum comparison take_comparison(struct reader *reader) {
    static const struct {
        const char *sign;
        enum comparison comparison;
    } signs[] = { { "==", EQUAL },      { "!=", UNEQUAL }, { "<=", LESS_EQUAL },
                  { ">=", MORE_EQUAL }, { "<", LESS },     { ">", MORE } };
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
        if (take_sign(reader, signs[i].sign)) {
            return signs[i].comparison;
        }
    }
    if (take_word(reader, "is")) {
        return take_word(reader, "not") ? IS_NOT : IS;
    }
    if (take_word(reader, "in")) {
        return IN;
    }
    const char *before = reader->at;
    if (take_word(reader, "not") && take_word(reader, "in")) {
        return NOT_IN;
    }
    reader->at = before;
    return NO_COMPARISON;
}

static bool contains(struct reader *reader, const struct dap_value *whole, const struct dap_value *part) {
    struct python_variable *children = calloc(MOST_ELEMENTS, sizeof(*children));
    unsigned count =
        whole->object && children ? python_children(reader->python, whole->object, children, MOST_ELEMENTS) : 0;
    bool found = whole->kind == DAP_STRING && part->kind == DAP_STRING && strstr(whole->text, part->text);
    struct dap_value *each = malloc(sizeof(*each));
    for (unsigned i = 0; each && !found && i < count; i++) {
        take_object(reader->python, children[i].object, each);
        found = are_equal(each, part);
    }
    free(each);
    free(children);
    return found;
}

static bool is_ordered(struct reader *reader, enum comparison comparison, const struct dap_value *a,
                       const struct dap_value *b, bool *ret_holds) {
    bool texts = a->kind == DAP_STRING && b->kind == DAP_STRING;
    if (!texts && !(is_number(a) && is_number(b))) {
        error_set(reader->error, "these two cannot be ordered");
        return false;
    }
    double difference = texts ? strcmp(a->text, b->text) : number_of(a) - number_of(b);
    *ret_holds = comparison == LESS         ? difference < 0
                 : comparison == LESS_EQUAL ? difference <= 0
                 : comparison == MORE       ? difference > 0
                                            : difference >= 0;
    return true;
}

static bool compare_values(struct reader *reader, enum comparison comparison, const struct dap_value *a,
                           const struct dap_value *b, bool *ret_holds) {
    switch (comparison) {
    case EQUAL:
    case UNEQUAL:
        *ret_holds = are_equal(a, b) == (comparison == EQUAL);
        return true;
    case IS:
    case IS_NOT:
        *ret_holds = (a->object && b->object ? a->object == b->object : are_equal(a, b)) == (comparison == IS);
        return true;
    case IN:
    case NOT_IN:
        *ret_holds = contains(reader, b, a) == (comparison == IN);
        return true;
    default:
        return is_ordered(reader, comparison, a, b, ret_holds);
    }
}

static bool read_comparison(struct reader *reader, struct dap_value *value) {
    struct dap_value right;
    bool holds = true, any = false;
    enum comparison comparison;
    if (!read_operand(reader, value)) {
        return false;
    }
    while ((comparison = take_comparison(reader)) != NO_COMPARISON) {
        bool one = false;
        if (!read_operand(reader, &right) || !compare_values(reader, comparison, value, &right, &one)) {
            return false;
        }
        holds &= one;
        any = true;
        *value = right;
    }
    if (any) {
        *value = (struct dap_value){ .kind = DAP_BOOL, .integer = holds };
    }
    return true;
}

static bool read_not(struct reader *reader, struct dap_value *value) {
    if (!take_word(reader, "not")) {
        return read_comparison(reader, value);
    }
    if (!read_not(reader, value)) {
        return false;
    }
    *value = (struct dap_value){ .kind = DAP_BOOL, .integer = !dap_is_true(reader->python, value) };
    return true;
}

/* The value of `and` and `or` is that of the operand that decides, as in Python. */
static bool read_and(struct reader *reader, struct dap_value *value) {
    bool read = read_not(reader, value);
    while (read && take_word(reader, "and")) {
        struct dap_value right;
        read = read_not(reader, &right);
        if (read && dap_is_true(reader->python, value)) {
            *value = right;
        }
    }
    return read;
}

static bool read_or(struct reader *reader, struct dap_value *value) {
    if (++reader->depth > DEEPEST) {
        error_set(reader->error, "the expression is nested too deeply");
        return false;
    }
    bool read = read_and(reader, value);
    while (read && take_word(reader, "or")) {
        struct dap_value right;
        read = read_and(reader, &right);
        if (read && !dap_is_true(reader->python, value)) {
            *value = right;
        }
    }
    reader->depth--;
    return read;
}

/* ---- Together ---- */
bool dap_evaluate(struct python *python, const struct python_frame *frame, const char *expression,
                  struct dap_value *ret_value, struct error *error) {
    struct reader reader = { .python = python, .frame = frame, .at = expression, .error = error };
    error->message[0] = 0;
    if (!read_or(&reader, ret_value)) {
        return false;
    }
    skip_blanks(&reader);
    if (*reader.at) {
        error_set(error, "\"%.20s\" is not understood: calls and arithmetic cannot be worked out from outside",
                  reader.at);
        return false;
    }
    return true;
}

static void write_string(const char *text, char *ret_text, size_t size) {
    size_t at = 0;
    bool quote = strchr(text, '\'') && !strchr(text, '"');
    at += (size_t)snprintf(ret_text, size, "%c", quote ? '"' : '\'');
    for (; *text && at + 6 < size; text++) {
        unsigned char byte = (unsigned char)*text;
        const char *form = byte == '\n'             ? "\\n"
                           : byte == '\\'           ? "\\\\"
                           : byte < ' '             ? "\\x%02x"
                           : byte == '\'' && !quote ? "\\'"
                                                    : "%c";
        at += (size_t)snprintf(ret_text + at, size - at, form, byte);
    }
    snprintf(ret_text + at, size - at, "%c", quote ? '"' : '\'');
}

void dap_value_text(struct python *python, const struct dap_value *value, char *ret_text, size_t size) {
    if (value->object) {
        python_text(python, value->object, ret_text, size);
    } else if (value->kind == DAP_STRING) {
        write_string(value->text, ret_text, size);
    } else if (value->kind == DAP_FLOAT) {
        bool whole = value->number == floor(value->number) && fabs(value->number) < 1e16;
        snprintf(ret_text, size, whole ? "%.1f" : "%.9g", value->number);
    } else if (value->kind == DAP_INT) {
        snprintf(ret_text, size, "%lld", (long long)value->integer);
    } else {
        snprintf(ret_text, size, "%s", value->kind == DAP_NONE ? "None" : value->integer ? "True" : "False");
    }
}

void dap_value_type(struct python *python, const struct dap_value *value, char *ret_name, size_t size) {
    static const char *const names[] = { "object", "NoneType", "bool", "int", "float", "str" };
    if (value->object) {
        python_type(python, value->object, ret_name, size);
    } else {
        snprintf(ret_name, size, "%s", names[value->kind]);
    }
}
