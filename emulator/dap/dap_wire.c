/* See dap_wire.h. Header fields other than Content-Length are passed over. */
#include "emulator/dap/dap_wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIELD "Content-Length:"
#define MESSAGE_FORM JSON_COMPACT
#define HEADER_ROOM 64

bool dap_wire_add(struct dap_wire *wire, const char *bytes, size_t size, struct error *error) {
    if (wire->at) {
        memmove(wire->bytes, wire->bytes + wire->at, wire->length);
        wire->at = 0;
    }
    if (wire->length + size > wire->room) {
        size_t room = 2 * (wire->length + size);
        char *larger = realloc(wire->bytes, room);
        if (!larger) {
            error_set(error, "out of memory");
            return false;
        }
        wire->bytes = larger;
        wire->room = room;
    }
    memcpy(wire->bytes + wire->length, bytes, size);
    wire->length += size;
    return true;
}

void dap_wire_finish(struct dap_wire *wire) {
    free(wire->bytes);
    *wire = (struct dap_wire){ 0 };
}

/* The number of a Content-Length field; false when it is none. */
static bool parse_length(const char *text, const char *end, size_t *ret_length) {
    char digits[24] = "";
    while (text < end && *text == ' ') {
        text++;
    }
    size_t count = (size_t)(end - text);
    if (!count || count >= sizeof(digits) || strspn(text, "0123456789") < count) {
        return false;
    }
    memcpy(digits, text, count);
    errno = 0;
    unsigned long long length = strtoull(digits, NULL, 10);
    *ret_length = (size_t)length;
    return !errno && length <= DAP_MESSAGE_MAX;
}

/* Fields from `header` to the empty line at `end`. */
static bool parse_header(const char *header, const char *end, size_t *ret_length, struct error *error) {
    bool found = false;
    for (const char *line = header; line < end;) {
        const char *next = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
        bool is_length = (size_t)(next - line) >= strlen(FIELD) && strncasecmp(line, FIELD, strlen(FIELD)) == 0;
        if (is_length && !parse_length(line + strlen(FIELD), next, ret_length)) {
            error_set(error, "a message's Content-Length is no number up to %u", DAP_MESSAGE_MAX);
            return false;
        }
        found |= is_length;
        line = next + 2;
    }
    error_set(error, "%s", found ? "" : "a message's header has no Content-Length");
    return found;
}

static json_t *parse_body(const char *body, size_t size, struct error *error) {
    json_error_t why;
    json_t *message = json_loadb(body, size, JSON_REJECT_DUPLICATES, &why);
    if (!message) {
        error_set(error, "a message is no JSON: %s (byte %d)", why.text, why.position);
    } else if (!json_is_object(message)) {
        error_set(error, "a message is no JSON object");
        json_decref(message);
        message = NULL;
    }
    return message;
}

json_t *dap_wire_next(struct dap_wire *wire, struct error *error) {
    const char *start = wire->bytes + wire->at;
    size_t length = 0;
    error->message[0] = 0;
    const char *end = wire->length ? memmem(start, wire->length, "\r\n\r\n", 4) : NULL;
    if (!end) {
        if (wire->length > DAP_HEADER_MAX) {
            error_set(error, "a message's header does not end");
        }
        return NULL;
    }
    if (!parse_header(start, end, &length, error)) {
        return NULL;
    }
    size_t header = (size_t)(end + 4 - start);
    if (wire->length - header < length) {
        return NULL;
    }
    wire->at += header + length;
    wire->length -= header + length;
    return parse_body(end + 4, length, error);
}

char *dap_wire_pack(const json_t *message, size_t *ret_size) {
    size_t length = json_dumpb(message, NULL, 0, MESSAGE_FORM);
    char *bytes = length ? malloc(length + HEADER_ROOM) : NULL;
    if (!bytes) {
        return NULL;
    }
    int header = snprintf(bytes, HEADER_ROOM, FIELD " %zu\r\n\r\n", length);
    json_dumpb(message, bytes + header, length, MESSAGE_FORM);
    bytes[(size_t)header + length] = 0;
    *ret_size = (size_t)header + length;
    return bytes;
}
