/* Base64 is RFC 4648, section 4, with padding; decoding refuses anything else. */
#include "emulator/control/bytes.h"

#include <stdlib.h>
#include <string.h>

static const char digits64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* ---- To JSON ---- */

static void encode_group(const uint8_t *data, size_t count, char *to) {
    uint32_t group = (uint32_t)data[0] << 16 | (count > 1 ? data[1] << 8 : 0) | (count > 2 ? data[2] : 0);
    to[0] = digits64[group >> 18];
    to[1] = digits64[group >> 12 & 63];
    to[2] = count > 1 ? digits64[group >> 6 & 63] : '=';
    to[3] = count > 2 ? digits64[group & 63] : '=';
}

bool bytes_to_base64(json_t *object, const char *key, const void *data, size_t size) {
    const uint8_t *bytes = data;
    size_t length = (size + 2) / 3 * 4;
    char *text = malloc(length + 1);
    for (size_t i = 0; text && i < size; i += 3) {
        encode_group(bytes + i, size - i, text + i / 3 * 4);
    }
    bool ok = text && json_object_set_new(object, key, json_stringn(text, length)) == 0;
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

static int value_of_digit64(char digit) {
    const char *found = digit ? strchr(digits64, digit) : NULL;
    return found ? (int)(found - digits64) : -1;
}

/* Four digits to up to three bytes; returns how many, -1 when they are none. */
static int decode_group(const char *text, bool last, uint8_t *to) {
    int values[4], count = 3;
    for (unsigned i = 0; i < 4; i++) {
        values[i] = value_of_digit64(text[i]);
    }
    if (last && text[3] == '=') {
        count = text[2] == '=' ? 1 : 2;
        values[3] = 0;
        values[2] = count == 1 ? 0 : values[2];
    }
    if ((values[0] | values[1] | values[2] | values[3]) < 0) {
        return -1;
    }
    to[0] = (uint8_t)(values[0] << 2 | values[1] >> 4);
    to[1] = (uint8_t)(values[1] << 4 | values[2] >> 2);
    to[2] = (uint8_t)(values[2] << 6 | values[3]);
    return count;
}

static bool give_up(uint8_t **data) {
    free(*data);
    *data = NULL;
    return false;
}

bool bytes_from_base64(const char *text, size_t length, uint8_t **ret_data, size_t *ret_size) {
    *ret_data = length % 4 ? NULL : malloc(length / 4 * 3 + 1);
    *ret_size = 0;
    for (size_t i = 0; *ret_data && i < length; i += 4) {
        int count = decode_group(text + i, i + 4 == length, *ret_data + *ret_size);
        if (count < 0) {
            return give_up(ret_data);
        }
        *ret_size += (size_t)count;
    }
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
