/* Finds a text in a stream of bytes that comes in pieces. */
#ifndef SESSION_MATCHER_H
#define SESSION_MATCHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct matcher {
    const char *text; /* borrowed; NULL or "": never matches */
    size_t length;
    size_t matched; /* bytes of the text that the stream ends with */
};

void matcher_init(struct matcher *matcher, const char *text);
/* True when the text has been completed within these bytes. */
bool matcher_feed(struct matcher *matcher, const uint8_t *data, size_t size);

#endif
