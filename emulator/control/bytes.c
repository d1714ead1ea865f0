/* Bytes as members of JSON objects. Base64 is session/bytes.c. */
#include "emulator/control/bytes.h"

#include "emulator/session/bytes.h"

#include <stdlib.h>
#include <string.h>

/* ---- To JSON ---- */

bool bytes_to_base64(json_t *object, const char *key, const void *data, size_t size) {
    char *text = bytes_to_text(data, size);
    bool ok = text && json_object_set_new(object, key, json_string(text)) == 0;
    free(text);
    return ok;
}

bool bytes_to_hex(json_t *object, const char *key, const void *data, size_t size) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *bytes = data;
    char *text = malloc(2 * size + 1);
    for (size_t i = 0; text && i < size; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    bool ok = text && json_object_set_new(object, key, json_stringn(text, 2 * size)) == 0;
    free(text);
    return ok;
}

bool bytes_to_json(json_t *object, const void *data, size_t size) {
    json_t *text = size && memchr(data, 0, size) ? NULL : json_stringn(size ? data : "", size);
    if (text) { /* jansson has seen that it is UTF-8 */
        return json_object_set_new(object, "text", text) == 0;
    }
    return bytes_to_base64(object, "base64", data, size);
}

/* ---- From JSON ---- */

static bool give_up(uint8_t **data) {
    free(*data);
    *data = NULL;
    return false;
}

bool bytes_from_base64(const char *text, size_t length, uint8_t **ret_data, size_t *ret_size) {
    *ret_data = strlen(text) == length ? bytes_from_text(text, ret_size) : NULL;
    return *ret_data != NULL;
}

static int value_of_digit16(char digit) {
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

bool bytes_from_hex(const char *text, size_t length, uint8_t **ret_data, size_t *ret_size) {
    *ret_data = malloc(length / 2 + 1);
    *ret_size = 0;
    for (size_t i = 0; *ret_data && i < length;) {
        if (text[i] == ' ') {
            i++;
            continue;
        }
        int high = value_of_digit16(text[i]), low = i + 1 < length ? value_of_digit16(text[i + 1]) : -1;
        if (high < 0 || low < 0) {
            return give_up(ret_data);
        }
        (*ret_data)[(*ret_size)++] = (uint8_t)(high << 4 | low);
        i += 2;
    }
    return *ret_data != NULL;
}
