/* A console's byte stream, kept whole, and one cursor in it: everything before the cursor has been taken by somebody.
 *
 * Whoever waits for something describes it as a pattern, looks from the cursor on, and takes the match, which moves the
 * cursor behind it. So a match that has come before somebody waits for it is not lost, two waits in a row find two
 * matches, and none is found twice. Of several who wait at once the one whose match ends first is served first:
 * stream_look() for each, then stream_take() for that one, and again.
 *
 * A pattern is a text, byte for byte, or a POSIX extended regular expression (regex(7)). An expression is looked for
 * line by line, without the CR LF or LF at the line's end, so that `$` is before them, and without the escape
 * sequences of a terminal (CircuitPython sets the window's title in the middle of what programs print); `.` matches any
 * byte but NUL.
 * The line that has not ended yet has no `$`; a match that reaches to its end may become longer with the next byte and
 * is marked as open. Lines longer than STREAM_LINE are cut into lines of that length. */
#ifndef SESSION_STREAM_H
#define SESSION_STREAM_H

#include "emulator/core/error.h"

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STREAM_LINE 4096
#define STREAM_EXPRESSION 1000 /* bytes of a regular expression */

struct stream {
    char *bytes;
    size_t length, room;
    size_t cursor;
};

struct stream_pattern {
    char *text; /* owned */
    size_t length;
    bool is_regex;
    regex_t regex;
    size_t from; /* nothing before it can begin a match; stream_look() keeps it */
};

struct stream_match {
    size_t begin, end; /* in the stream's bytes */
    bool open;         /* may become longer, or another match, with the next byte */
};

/* A stream of zeros is an empty one. False when memory runs out: then the stream is as before. */
bool stream_add(struct stream *stream, const void *data, size_t size);
void stream_finish(struct stream *stream);

/* The text is copied, NUL bytes and all. False with an error line when it is empty, or when memory runs out. */
bool stream_pattern_text(struct stream_pattern *pattern, const void *text, size_t length, struct error *error);
/* False with an error line that says what is wrong with the expression: also for one that matches nothing at all, or
 * would take the emulator's time and memory (back-references, repeats of repeats beyond 1000). */
bool stream_pattern_regex(struct stream_pattern *pattern, const char *expression, struct error *error);
void stream_pattern_finish(struct stream_pattern *pattern); /* a pattern of zeros is fine */

/* The first match from the cursor on; false: there is none yet. A pattern is for one stream. */
bool stream_look(const struct stream *stream, struct stream_pattern *pattern, struct stream_match *ret_match);
/* The cursor moves behind the match, which must be one from the cursor on. */
void stream_take(struct stream *stream, const struct stream_match *match);

#endif
