/* The console's byte stream as stream.h tells it. Regular expressions are the C library's (POSIX regcomp(), and
 * REG_STARTEND of glibc and the BSDs for bytes that may be NUL). Not done: matches over several lines. */
#include "emulator/session/stream.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define REPEATS_MAX 1000 /* product of the bounds of all {n,m} */
#define ESCAPE '\x1b'
#define NESTING_MAX 40 /* regcomp() calls itself for each parenthesis */

/* ---- Bytes ---- */

bool stream_add(struct stream *stream, const void *data, size_t size) {
    if (stream->length + size >= stream->room) { /* a NUL follows: checkers of regexec() look for it */
        size_t room = 2 * (stream->length + size) + 1;
        char *bytes = realloc(stream->bytes, room);
        if (!bytes) {
            return false;
        }
        stream->bytes = bytes;
        stream->room = room;
    }
    if (size) {
        memcpy(stream->bytes + stream->length, data, size);
    }
    stream->length += size;
    stream->bytes[stream->length] = 0;
    return true;
}

void stream_finish(struct stream *stream) {
    free(stream->bytes);
    *stream = (struct stream){ 0 };
}

/* ---- Patterns ---- */

static bool copy_pattern_text(struct stream_pattern *pattern, const void *text, size_t length, struct error *error) {
    *pattern = (struct stream_pattern){ .text = malloc(length + 1), .length = length };
    if (!pattern->text) {
        error_set(error, "out of memory");
        return false;
    }
    memcpy(pattern->text, text, length);
    pattern->text[length] = 0;
    return true;
}

bool stream_pattern_text(struct stream_pattern *pattern, const void *text, size_t length, struct error *error) {
    *pattern = (struct stream_pattern){ 0 };
    if (!length) {
        error_set(error, "an empty text is found everywhere; say what is to be printed");
        return false;
    }
    return copy_pattern_text(pattern, text, length, error);
}

/* Behind a bracket expression that begins at `text`: "[]abc]", "[^]a[:digit:]]". */
static const char *skip_brackets(const char *text) {
    text += text[1] == '^' ? 2 : 1;
    text += *text == ']';
    while (*text && *text != ']') {
        const char *close = *text == '[' && text[1] && strchr(":.=", text[1]) ? strchr(text + 2, text[1]) : NULL;
        text = close && close[1] == ']' ? close + 2 : text + 1;
    }
    return text + (*text == ']');
}

/* The larger bound of an interval that begins at `text`: "{3}", "{2,5}". */
static unsigned long interval_bound(const char *text) {
    char *end;
    unsigned long least = strtoul(text + 1, &end, 10), most = *end == ',' ? strtoul(end + 1, NULL, 10) : 0;
    unsigned long bound = most > least ? most : least;
    return bound ? bound : 1;
}

/* The library takes memory by the product of repeats, and time without limit for back-references. */
static bool is_modest(const char *text, struct error *error) {
    unsigned long repeats = 1;
    int depth = 0, deepest = 0;
    while (*text) {
        if (*text == '\\' && isdigit((unsigned char)text[1])) {
            error_set(error, "\\%c: back-references are not supported", text[1]);
            return false;
        }
        depth += *text == '(' ? 1 : *text == ')' ? -1 : 0;
        deepest = depth > deepest ? depth : deepest;
        unsigned long bound = *text == '{' ? interval_bound(text) : 1;
        repeats = bound > REPEATS_MAX ? REPEATS_MAX + 1 : repeats * bound;
        if (repeats > REPEATS_MAX || deepest > NESTING_MAX) {
            error_set(error, repeats > REPEATS_MAX ? "its repeats {...} make more than %d" : "more than %d parentheses",
                      repeats > REPEATS_MAX ? REPEATS_MAX : NESTING_MAX);
            return false;
        }
        text = *text == '[' ? skip_brackets(text) : *text == '\\' && text[1] ? text + 2 : text + 1;
    }
    return true;
}

static bool compile_expression(struct stream_pattern *pattern, struct error *error) {
    int code = regcomp(&pattern->regex, pattern->text, REG_EXTENDED);
    if (code) {
        char why[200];
        regerror(code, &pattern->regex, why, sizeof(why));
        error_set(error, "regular expression: %s", why);
        return false;
    }
    pattern->is_regex = true;
    if (regexec(&pattern->regex, "", 0, NULL, 0) == 0) {
        error_set(error, "the regular expression matches an empty line, so that it is found everywhere");
        return false;
    }
    return true;
}

bool stream_pattern_regex(struct stream_pattern *pattern, const char *expression, struct error *error) {
    size_t length = strlen(expression);
    *pattern = (struct stream_pattern){ 0 };
    if (!length || length > STREAM_EXPRESSION) {
        error_set(error, "a regular expression has 1 to %d bytes", STREAM_EXPRESSION);
        return false;
    }
    if (!is_modest(expression, error) || !copy_pattern_text(pattern, expression, length, error)) {
        return false;
    }
    bool ok = compile_expression(pattern, error);
    if (!ok) {
        stream_pattern_finish(pattern);
    }
    return ok;
}

void stream_pattern_finish(struct stream_pattern *pattern) {
    if (pattern->is_regex) {
        regfree(&pattern->regex);
    }
    free(pattern->text);
    *pattern = (struct stream_pattern){ 0 };
}

/* ---- Looking ---- */

static bool look_for_text(const struct stream *stream, struct stream_pattern *pattern, struct stream_match *ret_match) {
    const char *found =
        memmem(stream->bytes + pattern->from, stream->length - pattern->from, pattern->text, pattern->length);
    if (found) {
        size_t begin = (size_t)(found - stream->bytes);
        *ret_match = (struct stream_match){ begin, begin + pattern->length, false };
        return true;
    }
    size_t partial =
        stream->length - pattern->from < pattern->length - 1 ? stream->length - pattern->from : pattern->length - 1;
    pattern->from = stream->length - partial;
    return false;
}

/* A line: its contents, and where the next one begins. */
struct stream_line {
    size_t begin, end, next;
    bool complete;
};

static struct stream_line line_at(const struct stream *stream, size_t begin) {
    size_t rest = stream->length - begin, limit = rest < STREAM_LINE ? rest : STREAM_LINE;
    const char *start = stream->bytes + begin, *newline = memchr(start, '\n', limit);
    if (!newline) {
        return (struct stream_line){ begin, begin + limit, begin + limit, limit == STREAM_LINE };
    }
    size_t length = (size_t)(newline - start);
    size_t end = begin + length - (length && start[length - 1] == '\r');
    return (struct stream_line){ begin, end, begin + length + 1, true };
}

static bool is_line_start(const struct stream *stream, size_t at) {
    return at == 0 || stream->bytes[at - 1] == '\n';
}

/* Behind the escape sequence that begins at `at`; `end` when it is not there yet. ECMA-48: CSI ends with a letter, OSC
 * with BEL or ESC \, others have one byte. */
static size_t skip_escape(const char *bytes, size_t at, size_t end) {
    if (++at < end && bytes[at] == '[') {
        for (at++; at < end && !(bytes[at] >= 0x40 && bytes[at] <= 0x7e); at++) {
        }
    } else if (at < end && bytes[at] == ']') {
        for (at++; at < end && bytes[at] != '\a' && !(bytes[at] == '\\' && bytes[at - 1] == ESCAPE); at++) {
        }
    }
    return at < end ? at + 1 : end;
}

/* A line as a person sees it, and where each of its bytes is in the stream. */
struct seen_line {
    char text[STREAM_LINE + 1];
    size_t at[STREAM_LINE + 1];
    size_t length;
    bool is_start;
};

static void see_line(const struct stream *stream, const struct stream_line *line, struct seen_line *seen) {
    seen->length = 0;
    seen->is_start = is_line_start(stream, line->begin);
    for (size_t at = line->begin; at < line->end;) {
        if (stream->bytes[at] == ESCAPE) {
            at = skip_escape(stream->bytes, at, line->end);
            continue;
        }
        seen->at[seen->length] = at;
        seen->text[seen->length++] = stream->bytes[at++];
    }
    seen->at[seen->length] = line->end;
    seen->text[seen->length] = 0;
}

static bool match_line(const struct stream *stream, const struct stream_pattern *pattern,
                       const struct stream_line *line, struct stream_match *ret_match) {
    struct seen_line seen;
    see_line(stream, line, &seen);
    regmatch_t range = { .rm_so = 0, .rm_eo = (regoff_t)seen.length };
    int flags = REG_STARTEND | (seen.is_start ? 0 : REG_NOTBOL) | (line->complete ? 0 : REG_NOTEOL);
    if (regexec(&pattern->regex, seen.text, 1, &range, flags) != 0 || range.rm_eo == range.rm_so) {
        return false;
    }
    size_t last = (size_t)range.rm_eo - 1;
    *ret_match = (struct stream_match){ .begin = seen.at[range.rm_so],
                                        .end = seen.at[last] + 1,
                                        .open = !line->complete && last + 1 == seen.length };
    return true;
}

static bool look_for_regex(const struct stream *stream, struct stream_pattern *pattern,
                           struct stream_match *ret_match) {
    while (pattern->from < stream->length) {
        struct stream_line line = line_at(stream, pattern->from);
        if (match_line(stream, pattern, &line, ret_match)) {
            return true;
        }
        if (!line.complete) {
            return false;
        }
        pattern->from = line.next;
    }
    return false;
}

bool stream_look(const struct stream *stream, struct stream_pattern *pattern, struct stream_match *ret_match) {
    pattern->from = pattern->from < stream->cursor ? stream->cursor : pattern->from;
    if (pattern->from >= stream->length || !pattern->length) {
        return false;
    }
    return pattern->is_regex ? look_for_regex(stream, pattern, ret_match) : look_for_text(stream, pattern, ret_match);
}

void stream_take(struct stream *stream, const struct stream_match *match) {
    stream->cursor = match->end;
}
