/* Objects of the guest, as text and with what is in them; variables of a frame. Layouts: py/obj.h and the py/obj*.c of
 * each type. Types of the interpreter are known by their names; they lie in flash, so that a program's own class of the
 * same name is not taken for one.
 *
 * Two encodings of objects in a word (py/obj.h): A of MicroPython, C of CircuitPython, which has floats in it. Which
 * one it is the keys of a module's dictionary tell.
 *
 * Left out: what a class has (its layout differs from one version to the next), elements of sets, integers of more than
 * INTEGER_DIGITS * 16 bits, sub-objects of instances whose class extends one of the interpreter's. */
#include "emulator/debug/local_names.h"
#include "emulator/debug/python_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define INTEGER_DIGITS 64 /* of 16 bits */
#define TEXT_MOST 4096    /* bytes of a string that are shown */
#define DEPTH_MOST 3      /* lists in lists */
#define ELEMENTS_MOST 64  /* of a list that are shown */
#define MAP_MOST 65536    /* entries of a dictionary that are looked at */

/* ---- Encodings ---- */

enum word_kind { WORD_INTEGER, WORD_STRING, WORD_IMMEDIATE, WORD_FLOAT, WORD_POINTER, WORD_NOTHING };

struct word {
    enum word_kind kind;
    uint32_t value; /* number of the string or immediate; address */
    int32_t integer;
    float real;
};

static struct word word_in_a(uint32_t object) {
    switch (object & 7) {
    case 2:
        return (struct word){ WORD_STRING, .value = object >> 3 };
    case 6:
        return (struct word){ WORD_IMMEDIATE, .value = object >> 3 };
    default:
        return object & 3 ? (struct word){ WORD_NOTHING } : (struct word){ WORD_POINTER, .value = object };
    }
}

static struct word word_in_c(uint32_t object) {
    if ((object & 0xff80000f) == 6) {
        return (struct word){ WORD_STRING, .value = object >> 4 };
    }
    if ((object & 0xff80000f) == 0xe) {
        return (struct word){ WORD_IMMEDIATE, .value = object >> 4 };
    }
    if ((object & 3) == 2) {
        struct word word = { WORD_FLOAT };
        uint32_t bits = (object - 0x80800000u) & ~3u;
        memcpy(&word.real, &bits, 4);
        return word;
    }
    return (struct word){ WORD_POINTER, .value = object };
}

static struct word decode_word(const struct python *python, uint32_t object) {
    if (!object) {
        return (struct word){ WORD_NOTHING };
    }
    if (object & 1) {
        return (struct word){ WORD_INTEGER, .integer = (int32_t)object >> 1 };
    }
    return python->encoding == ENCODING_C ? word_in_c(object) : word_in_a(object);
}

/* A key of a module's dictionary is a string: 6 in its last four bits is C's, 2 in its last three A's. */
static void learn_encoding(struct python *python, uint32_t key) {
    python->encoding = (key & 0xff80000f) == 6 ? ENCODING_C : (key & 7) == 2 ? ENCODING_A : python->encoding;
}

/* ---- Types ---- */

static uint32_t type_of(const struct python *python, uint32_t pointer) {
    uint32_t type = python_word(&python->memory, pointer);
    return pointer && python_is_type(&python->memory, type) ? type : 0;
}

static void name_of_type(struct python *python, uint32_t type, char *ret_name, size_t size) {
    const uint8_t *name = python_at(&python->memory, type + 6, 2);
    python_string(python, name ? name[0] | (uint32_t)name[1] << 8 : 0, ret_name, size);
}

/* An object of one of the interpreter's own types. */
static bool is_built_in(struct python *python, uint32_t pointer, const char *name) {
    char text[PYTHON_NAME];
    uint32_t type = type_of(python, pointer);
    if (!type || python_is_ram(&python->memory, type)) {
        return false;
    }
    name_of_type(python, type, text, sizeof(text));
    return !strcmp(text, name);
}

static bool is_one_of(struct python *python, uint32_t pointer, const char *const *names) {
    while (*names && !is_built_in(python, pointer, *names)) {
        names++;
    }
    return *names;
}

/* An object of a class that the program has made. */
static bool is_instance(const struct python *python, uint32_t pointer) {
    return python_is_ram(&python->memory, type_of(python, pointer));
}

void python_type(struct python *python, uint32_t object, char *ret_name, size_t size) {
    static const char *const names[] = { [WORD_INTEGER] = "int", [WORD_STRING] = "str", [WORD_FLOAT] = "float" };
    static const char *const immediates[] = { "NoneType", "bool", "", "bool" };
    struct word word = decode_word(python, object);
    *ret_name = 0;
    switch (word.kind) {
    case WORD_IMMEDIATE:
        snprintf(ret_name, size, "%s", word.value < 4 ? immediates[word.value] : "");
        break;
    case WORD_POINTER:
        if (type_of(python, word.value)) {
            name_of_type(python, type_of(python, word.value), ret_name, size);
        }
        break;
    case WORD_NOTHING:
        break;
    default:
        snprintf(ret_name, size, "%s", names[word.kind]);
        break;
    }
}

/* ---- Text ---- */

struct text {
    char *out;
    size_t size, used;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length =
        text->used < text->size ? vsnprintf(text->out + text->used, text->size - text->used, format, arguments) : 0;
    va_end(arguments);
    text->used += length > 0 ? (size_t)length : 0;
    text->used = text->used < text->size ? text->used : text->size;
}

static void add_quoted(struct text *text, const uint8_t *bytes, uint32_t length, bool binary) {
    bool has_single = memchr(bytes, '\'', length), has_double = memchr(bytes, '"', length);
    char quote = has_single && !has_double ? '"' : '\'';
    add(text, "%s%c", binary ? "b" : "", quote);
    for (uint32_t i = 0; i < length && text->used < text->size; i++) {
        uint8_t byte = bytes[i];
        if (byte == (uint8_t)quote || byte == '\\') {
            add(text, "\\%c", byte);
        } else if (byte == '\n' || byte == '\r' || byte == '\t') {
            add(text, "\\%c", byte == '\n' ? 'n' : byte == '\r' ? 'r' : 't');
        } else if (byte < 32 || byte == 127 || (binary && byte > 127)) {
            add(text, "\\x%02x", byte);
        } else {
            add(text, "%c", byte);
        }
    }
    add(text, "%c", quote);
}

static void add_bytes_at(struct python *python, struct text *text, uint32_t address, uint32_t length, bool binary) {
    uint32_t shown = length < TEXT_MOST ? length : TEXT_MOST;
    const uint8_t *bytes = python_at(&python->memory, address, shown ? shown : 1);
    if (bytes) {
        add_quoted(text, bytes, shown, binary);
    } else {
        add(text, "?");
    }
}

/* As Python has it: always with a point or an exponent. */
static void add_float(struct text *text, float real) {
    char digits[32];
    snprintf(digits, sizeof(digits), "%.7g", (double)real);
    add(text, "%s%s", digits, strpbrk(digits, ".eni") ? "" : ".0");
}

/* mpz_t (py/mpz.h): sign in bit 0, length, digits of 16 bits, the lowest first. */
static void add_long(struct python *python, struct text *text, uint32_t pointer) {
    const struct python_memory *memory = &python->memory;
    uint32_t length = python_word(memory, pointer + 8), digits[INTEGER_DIGITS];
    const uint8_t *bytes = python_at(memory, python_word(memory, pointer + 12), 2 * (length ? length : 1));
    char decimal[INTEGER_DIGITS * 5 + 1], *at = decimal + sizeof(decimal) - 1;
    if (length > INTEGER_DIGITS || !bytes) {
        add(text, "<int>");
        return;
    }
    for (uint32_t i = 0; i < length; i++) {
        digits[i] = bytes[2 * i] | (uint32_t)bytes[2 * i + 1] << 8;
    }
    *at = 0;
    do {
        uint32_t rest = 0;
        for (uint32_t i = length; i-- > 0;) {
            rest = rest << 16 | digits[i];
            digits[i] = rest / 10;
            rest %= 10;
        }
        *--at = (char)('0' + rest);
        length -= length && !digits[length - 1] ? 1 : 0;
    } while (length && at > decimal);
    add(text, "%s%s", python_word(memory, pointer + 4) & 1 ? "-" : "", at);
}

static void add_object(struct python *python, struct text *text, uint32_t object, unsigned depth);

static void add_elements(struct python *python, struct text *text, uint32_t items, uint32_t count, unsigned depth) {
    for (uint32_t i = 0; i < count && i < ELEMENTS_MOST && text->used < text->size; i++) {
        uint32_t element;
        if (!python_read(&python->memory, items + 4 * i, &element)) {
            break;
        }
        add(text, "%s", i ? ", " : "");
        add_object(python, text, element, depth + 1);
    }
    add(text, "%s", count > ELEMENTS_MOST ? ", ..." : "");
}

/* ---- Dictionaries ---- */

/* mp_map_t (py/obj.h): flags and the number of entries, what there is room for, keys and values. A key of 0 or 4
 * (MP_OBJ_SENTINEL) is no entry. */
struct map {
    uint32_t used, alloc, table, next;
};

static struct map map_at(const struct python *python, uint32_t address) {
    uint32_t alloc = python_word(&python->memory, address + 4);
    return (struct map){ .used = python_word(&python->memory, address) >> 3,
                         .alloc = alloc < MAP_MOST ? alloc : MAP_MOST,
                         .table = python_word(&python->memory, address + 8) };
}

static bool next_entry(const struct python *python, struct map *map, uint32_t *ret_key, uint32_t *ret_value) {
    while (map->next < map->alloc) {
        uint32_t at = map->table + 8 * map->next++;
        if (!python_read(&python->memory, at, ret_key) || !python_read(&python->memory, at + 4, ret_value)) {
            return false;
        }
        if (*ret_key && *ret_key != 4 && *ret_value) {
            return true;
        }
    }
    return false;
}

static void add_map(struct python *python, struct text *text, struct map map, unsigned depth) {
    uint32_t key, value;
    unsigned count = 0;
    add(text, "{");
    while (next_entry(python, &map, &key, &value) && text->used < text->size && count < ELEMENTS_MOST) {
        add(text, "%s", count++ ? ", " : "");
        add_object(python, text, key, depth + 1);
        add(text, ": ");
        add_object(python, text, value, depth + 1);
    }
    add(text, "}");
}

/* ---- Objects ---- */

static const char *const sequences[] = { "list", "tuple", NULL };
static const char *const functions[] = { "function", "generator", "closure", NULL };

/* Where a list's or a tuple's elements are. */
static uint32_t elements_of(struct python *python, uint32_t pointer, uint32_t *ret_count) {
    bool is_list = is_built_in(python, pointer, "list");
    *ret_count = python_word(&python->memory, pointer + (is_list ? 8 : 4));
    return is_list ? python_word(&python->memory, pointer + 12) : pointer + 8;
}

static void add_sequence(struct python *python, struct text *text, uint32_t pointer, unsigned depth) {
    bool is_list = is_built_in(python, pointer, "list");
    uint32_t count, items = elements_of(python, pointer, &count);
    add(text, "%c", is_list ? '[' : '(');
    add_elements(python, text, items, count, depth);
    add(text, "%s", is_list ? "]" : count == 1 ? ",)" : ")");
}

static void add_function(struct python *python, struct text *text, uint32_t pointer) {
    struct python_function function;
    uint32_t object = is_built_in(python, pointer, "closure") ? python_word(&python->memory, pointer + 4) : pointer;
    if (python_read_function(&python->memory, python_has_contexts(&python->image), object, &function)) {
        char name[PYTHON_NAME];
        python_string(python, function.name, name, sizeof(name));
        add(text, "<function %s>", name);
    } else {
        add(text, "<function>");
    }
}

static bool names_exception(const char *name) {
    static const char *const ends[] = { "Error", "Exception", "Interrupt", "Exit", "Iteration", "Warning" };
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        size_t end = strlen(ends[i]);
        if (length >= end && !strcmp(name + length - end, ends[i])) {
            return true;
        }
    }
    return false;
}

/* The tuple of an exception's arguments, which is its second, third or fourth word by version (py/objexcept.h); 0: it
 * is none. */
static uint32_t exception_arguments(struct python *python, uint32_t pointer, char *ret_name, size_t size) {
    name_of_type(python, type_of(python, pointer), ret_name, size);
    for (unsigned offset = 4; names_exception(ret_name) && offset <= 12; offset += 4) {
        uint32_t word = python_word(&python->memory, pointer + offset);
        if (type_of(python, word) && is_built_in(python, word, "tuple")) {
            return word;
        }
    }
    return 0;
}

static bool add_exception(struct python *python, struct text *text, uint32_t pointer, unsigned depth) {
    char name[PYTHON_NAME];
    uint32_t count = 0, arguments = exception_arguments(python, pointer, name, sizeof(name));
    if (arguments) {
        uint32_t items = elements_of(python, arguments, &count);
        add(text, "%s(", name);
        add_elements(python, text, items, count, depth);
        add(text, ")");
    }
    return arguments;
}

static void add_other(struct python *python, struct text *text, uint32_t pointer) {
    char name[PYTHON_NAME];
    if (python_is_type(&python->memory, pointer)) {
        name_of_type(python, pointer, name, sizeof(name));
        add(text, "<class '%s'>", name);
    } else if (type_of(python, pointer)) {
        name_of_type(python, type_of(python, pointer), name, sizeof(name));
        add(text, "<%s>", name);
    } else {
        add(text, "?");
    }
}

static void add_pointer(struct python *python, struct text *text, uint32_t pointer, unsigned depth) {
    const struct python_memory *memory = &python->memory;
    bool is_text = is_built_in(python, pointer, "str");
    if (is_text || is_built_in(python, pointer, "bytes")) {
        add_bytes_at(python, text, python_word(memory, pointer + 12), python_word(memory, pointer + 8), !is_text);
    } else if (is_built_in(python, pointer, "int")) {
        add_long(python, text, pointer);
    } else if (is_built_in(python, pointer, "float")) {
        uint32_t bits = python_word(memory, pointer + 4);
        float real;
        memcpy(&real, &bits, 4);
        add_float(text, real);
    } else if (depth < DEPTH_MOST && is_one_of(python, pointer, sequences)) {
        add_sequence(python, text, pointer, depth);
    } else if (depth < DEPTH_MOST && is_built_in(python, pointer, "dict")) {
        add_map(python, text, map_at(python, pointer + 4), depth);
    } else if (is_built_in(python, pointer, "bytearray")) {
        add(text, "bytearray(");
        add_bytes_at(python, text, python_word(memory, pointer + 12), python_word(memory, pointer + 8), true);
        add(text, ")");
    } else if (is_one_of(python, pointer, functions)) {
        add_function(python, text, pointer);
    } else if (depth == DEPTH_MOST || !add_exception(python, text, pointer, depth)) {
        add_other(python, text, pointer);
    }
}

static void add_object(struct python *python, struct text *text, uint32_t object, unsigned depth) {
    static const char *const immediates[] = { "None", "False", "?", "True" };
    struct word word = decode_word(python, object);
    char string[256];
    switch (word.kind) {
    case WORD_INTEGER:
        add(text, "%d", word.integer);
        break;
    case WORD_FLOAT:
        add_float(text, word.real);
        break;
    case WORD_STRING:
        python_string(python, word.value, string, sizeof(string));
        add_quoted(text, (const uint8_t *)string, (uint32_t)strlen(string), false);
        break;
    case WORD_IMMEDIATE:
        add(text, "%s", word.value < 4 ? immediates[word.value] : "?");
        break;
    case WORD_POINTER:
        add_pointer(python, text, word.value, depth);
        break;
    case WORD_NOTHING:
        add(text, "?");
        break;
    }
}

void python_text(struct python *python, uint32_t object, char *ret_text, size_t size) {
    struct text text = { ret_text, size, 0 };
    if (size) {
        *ret_text = 0;
        add_object(python, &text, object, 0);
    }
}

/* ---- Variables ---- */

static unsigned add_entries(struct python *python, struct map map, bool attributes, struct python_variable *ret,
                            unsigned most) {
    unsigned count = 0;
    uint32_t key, value;
    while (count < most && next_entry(python, &map, &key, &value)) {
        struct word word = decode_word(python, key);
        struct python_variable *variable = &ret[count++];
        variable->object = value;
        if (attributes && word.kind == WORD_STRING) {
            python_string(python, word.value, variable->name, sizeof(variable->name));
        } else {
            char text[PYTHON_NAME - 2];
            python_text(python, key, text, sizeof(text));
            snprintf(variable->name, sizeof(variable->name), "[%s]", text);
        }
    }
    return count;
}

static unsigned add_dictionary(struct python *python, uint32_t dictionary, struct python_variable *ret, unsigned most) {
    struct map map = map_at(python, dictionary + 4), first = map;
    uint32_t key, value;
    if (next_entry(python, &first, &key, &value)) {
        learn_encoding(python, key);
    }
    return add_entries(python, map, true, ret, most);
}

unsigned python_globals(struct python *python, const struct python_frame *frame, struct python_variable *ret,
                        unsigned most) {
    return add_dictionary(python, frame->globals, ret, most);
}

/* The name of parameter `index`; false: it has none ("*": a variable of an outer function). */
static bool parameter_name(struct python *python, const struct python_function *function, unsigned index,
                           char *ret_name, size_t size) {
    const struct python_memory *memory = &python->memory;
    const struct python_prelude *prelude = &function->prelude;
    if (index >= prelude->positional + prelude->keyword_only) {
        return false;
    }
    if (!python_has_contexts(&python->image)) {
        struct word word = decode_word(python, python_word(memory, function->children + 4 * index));
        return word.kind == WORD_STRING && python_string(python, word.value, ret_name, size);
    }
    uint32_t at = prelude->info, number, strings = python_word(memory, function->context + 8);
    bool ok = python_take_number(memory, &at, &number);
    for (unsigned i = 0; ok && i <= index; i++) {
        ok = python_take_number(memory, &at, &number);
    }
    const uint8_t *string = ok ? python_at(memory, strings + 2 * number, 2) : NULL;
    return string && python_string(python, string[0] | (uint32_t)string[1] << 8, ret_name, size);
}

/* Is a local the function's own cell, for functions inside it? Their numbers are behind the line table. */
static bool is_cell(const struct python *python, const struct python_prelude *prelude, unsigned index) {
    for (unsigned i = 0; i < prelude->cells; i++) {
        uint8_t number;
        if (python_byte(&python->memory, prelude->info_end + i, &number) && number == index) {
            return true;
        }
    }
    return false;
}

/* The word in the slot is an address of an object whose first word is a type. */
static bool is_object(const struct python *python, uint32_t object) {
    struct word word = decode_word(python, object);
    return word.kind != WORD_NOTHING && (word.kind != WORD_POINTER || type_of(python, word.value));
}

void python_set_source(struct python *python, python_source *source, void *context) {
    python->source = source;
    python->source_context = context;
    python->names_of = NULL;
}

/* The names of the locals behind the parameters; those of the function that was asked for last are kept. */
static const struct local_names *names_of_locals(struct python *python, const struct python_code *code) {
    size_t size = 0;
    if (python->names_of == code) {
        return python->names;
    }
    free(python->names);
    python->names_of = code;
    python->names = calloc(1, sizeof(*python->names));
    char *source = python->source ? python->source(python->source_context, code->file, &size) : NULL;
    bool ok = source && python->names && code->line_count &&
              local_names_read(source, size, code->function, code->lines[0], python->names);
    if (!ok) {
        free(python->names);
        python->names = NULL;
    }
    free(source);
    return python->names;
}

/* The source may have been changed since: it counts when it has as many names as the code has locals. */
static const char *local_name(struct python *python, const struct python_code *code,
                              const struct python_prelude *prelude, unsigned locals, unsigned index) {
    const struct local_names *names = names_of_locals(python, code);
    unsigned parameters = prelude->positional + prelude->keyword_only;
    bool fits = names && parameters + names->count == locals && index >= parameters;
    return fits ? names->name[index - parameters] : NULL;
}

unsigned python_locals(struct python *python, const struct python_frame *frame, struct python_variable *ret,
                       unsigned most) {
    struct python_state state;
    struct python_variable one;
    if (!strcmp(frame->code->function, "<module>") ||
        !python_read_state(&python->memory, python_has_contexts(&python->image), frame->state, &state)) {
        return 0;
    }
    python_globals(python, frame, &one, 1); /* which encoding it is */
    const struct python_prelude *prelude = &state.function.prelude;
    struct python_code_walk walk;
    python_walk_code(&python->memory, python_has_contexts(&python->image), &state.function, &walk);
    uint32_t slots = frame->state + 4 * PYTHON_STATE_WORDS, last = slots + 4 * (prelude->states - 1);
    unsigned count = 0;
    for (unsigned i = 0; i < walk.locals && count < most; i++) {
        uint32_t object = python_word(&python->memory, last - 4 * i);
        char name[PYTHON_NAME];
        bool named = parameter_name(python, &state.function, i, name, sizeof(name));
        bool outer = named && !strcmp(name, "*");
        if (outer || is_cell(python, prelude, i)) {
            object = object & 3 ? object : python_word(&python->memory, object + 4);
        }
        if (!is_object(python, object)) {
            continue;
        }
        ret[count].object = object;
        const char *local = named ? NULL : local_name(python, frame->code, prelude, walk.locals, i);
        if (local || (named && !outer)) {
            strcpy(ret[count++].name, local ? local : name);
        } else {
            snprintf(ret[count].name, sizeof(ret[count].name), "%s %u", outer ? "outer" : "local", i);
            count++;
        }
    }
    return count;
}

static unsigned add_sequence_children(struct python *python, uint32_t pointer, struct python_variable *ret,
                                      unsigned most) {
    uint32_t elements, items = elements_of(python, pointer, &elements);
    unsigned count = 0;
    while (count < elements && count < most && python_read(&python->memory, items + 4 * count, &ret[count].object)) {
        snprintf(ret[count].name, sizeof(ret[count].name), "[%u]", count);
        count++;
    }
    return count;
}

unsigned python_children(struct python *python, uint32_t object, struct python_variable *ret, unsigned most) {
    struct word word = decode_word(python, object);
    if (word.kind != WORD_POINTER) {
        return 0;
    }
    if (is_one_of(python, word.value, sequences)) {
        return add_sequence_children(python, word.value, ret, most);
    }
    if (is_built_in(python, word.value, "dict")) {
        return add_entries(python, map_at(python, word.value + 4), false, ret, most);
    }
    if (is_built_in(python, word.value, "module")) {
        return add_dictionary(python, python_word(&python->memory, word.value + 4), ret, most);
    }
    return is_instance(python, word.value) ? add_entries(python, map_at(python, word.value + 4), true, ret, most) : 0;
}
