/* A text in a stream, byte by byte, by the longest beginning that still fits. */
#include "emulator/session/matcher.h"

#include <string.h>

void matcher_init(struct matcher *matcher, const char *text) {
    *matcher = (struct matcher){ .text = text, .length = text ? strlen(text) : 0 };
}

/* The longest beginning of the text that ends with the `matched` bytes before and `byte`. */
static size_t step(const struct matcher *matcher, uint8_t byte) {
    size_t length = matcher->matched;
    while (true) {
        if ((uint8_t)matcher->text[length] == byte) {
            return length + 1;
        }
        if (length == 0) {
            return 0;
        }
        size_t shorter = length - 1;
        while (shorter && memcmp(matcher->text, matcher->text + length - shorter, shorter) != 0) {
            shorter--;
        }
        length = shorter;
    }
}

bool matcher_feed(struct matcher *matcher, const uint8_t *data, size_t size) {
    bool found = false;
    for (size_t i = 0; matcher->length && i < size; i++) {
        matcher->matched = step(matcher, data[i]);
        if (matcher->matched == matcher->length) {
            found = true;
            matcher->matched = 0;
        }
    }
    return found;
}
