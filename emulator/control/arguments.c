/* Members of a request by kind: what is missing, of another kind or misspelt has its line. docs/control.md */
#include "emulator/control/arguments.h"

#include "emulator/control/bytes.h"
#include "emulator/core/nearest.h"
#include "emulator/core/time_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_PS (UINT64_C(100) * 24 * 3600 * 1000000000000u)

void say_unknown_word(struct error *error, const char *what, const char *word, const char *const *words) {
    char list[300] = "";
    struct nearest nearest;
    nearest_init(&nearest, word);
    for (unsigned i = 0; words[i]; i++) {
        size_t used = strlen(list);
        snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "", words[i]);
        nearest_offer(&nearest, words[i]);
    }
    if (nearest.name) {
        error_set(error, "there is no %s \"%.64s\"; did you mean \"%s\"?", what, word, nearest.name);
    } else {
        error_set(error, "there is no %s \"%.64s\"; say one of: %s", what, word, list);
    }
}

static bool is_in_list(const char *word, const char *const *words) {
    for (unsigned i = 0; words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            return true;
        }
    }
    return false;
}

bool argument_names_are_known(json_t *request, const char *const *names, struct error *error) {
    static const char *const always[] = { "id", "do", NULL };
    const char *name;
    json_t *value;
    json_object_foreach(request, name, value) {
        if (is_in_list(name, always) || is_in_list(name, names)) {
            continue;
        }
        if (names[0]) {
            say_unknown_word(error, "member", name, names);
        } else {
            error_set(error, "there is no member \"%.64s\"; this request has none", name);
        }
        return false;
    }
    return true;
}

bool argument_is_there(json_t *request, const char *name, struct error *error) {
    error_set(error, "\"%s\" is missing", name);
    return json_object_get(request, name) != NULL;
}

bool argument_text(json_t *request, const char *name, const char **ret_text, struct error *error) {
    json_t *member = json_object_get(request, name);
    if (member) {
        *ret_text = json_string_value(member);
    }
    error_set(error, "\"%s\" is no text", name);
    return !member || *ret_text;
}

bool argument_flag(json_t *request, const char *name, bool *ret_flag, struct error *error) {
    json_t *member = json_object_get(request, name);
    if (member) {
        *ret_flag = json_is_true(member);
    }
    error_set(error, "\"%s\" is neither true nor false", name);
    return !member || json_is_boolean(member);
}

bool argument_number(json_t *request, const char *name, double *ret_number, struct error *error) {
    json_t *member = json_object_get(request, name);
    if (member) {
        *ret_number = json_number_value(member);
    }
    error_set(error, "\"%s\" is no number", name);
    return !member || json_is_number(member);
}

bool argument_whole(json_t *request, const char *name, uint64_t max, uint64_t *ret_number, struct error *error) {
    json_t *member = json_object_get(request, name);
    json_int_t number = json_integer_value(member);
    if (!member) {
        return true;
    }
    if (!json_is_integer(member) || number < 0 || (uint64_t)number > max) {
        error_set(error, "\"%s\" is no whole number from 0 to %llu", name, (unsigned long long)max);
        return false;
    }
    *ret_number = (uint64_t)number;
    return true;
}

bool argument_time(json_t *request, const char *name, uint64_t *ret_ps, struct error *error) {
    json_t *member = json_object_get(request, name);
    if (!member) {
        return true;
    }
    if (json_is_string(member) && time_parse(json_string_value(member), ret_ps)) {
        return true;
    }
    if (json_is_integer(member) && json_integer_value(member) >= 0 &&
        (uint64_t)json_integer_value(member) <= LONGEST_PS) {
        *ret_ps = (uint64_t)json_integer_value(member);
        return true;
    }
    error_set(error,
              "\"%s\" is no time: say \"500us\", \"20ms\", \"1.5s\" or a whole number of picoseconds, up to 100 "
              "days",
              name);
    return false;
}

bool argument_choice(json_t *request, const char *name, const char *const *words, unsigned *ret_index,
                     struct error *error) {
    const char *word = NULL;
    if (!argument_text(request, name, &word, error)) {
        return false;
    }
    for (unsigned i = 0; word && words[i]; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret_index = i;
            return true;
        }
    }
    if (word) {
        say_unknown_word(error, name, word, words);
    }
    return !word;
}

static bool copy_bytes(json_t *member, uint8_t **ret_data, size_t *ret_size) {
    *ret_size = json_string_length(member);
    *ret_data = malloc(*ret_size + 1);
    if (*ret_data) {
        memcpy(*ret_data, json_string_value(member), *ret_size);
    }
    return *ret_data != NULL;
}

static bool decode_bytes(json_t *member, const char *name, uint8_t **ret_data, size_t *ret_size) {
    const char *text = json_string_value(member);
    size_t length = json_string_length(member);
    if (!text) {
        return false;
    }
    return strcmp(name, "text") == 0  ? copy_bytes(member, ret_data, ret_size)
           : strcmp(name, "hex") == 0 ? bytes_from_hex(text, length, ret_data, ret_size)
                                      : bytes_from_base64(text, length, ret_data, ret_size);
}

bool argument_bytes(json_t *request, uint8_t **ret_data, size_t *ret_size, struct error *error) {
    static const char *const names[] = { "text", "hex", "base64" };
    json_t *found = NULL;
    unsigned which = 0, count = 0;
    *ret_data = NULL;
    for (unsigned i = 0; i < 3; i++) {
        json_t *member = json_object_get(request, names[i]);
        if (member) {
            found = member;
            which = i;
            count++;
        }
    }
    if (count != 1) {
        error_set(error, "say the bytes as one of \"text\", \"hex\" and \"base64\"");
        return false;
    }
    errno = 0;
    bool ok = decode_bytes(found, names[which], ret_data, ret_size);
    if (errno == ENOMEM) {
        error_set(error, "out of memory");
    } else {
        error_set(error, "\"%s\" does not hold bytes in that form", names[which]);
    }
    return ok;
}
