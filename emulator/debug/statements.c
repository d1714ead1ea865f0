/* Lines that belong together, by what Python's lexical analysis says of joining lines (reference, 2.1.5 and 2.1.6):
 * open brackets, backslashes at a line's end, strings with three quotes. Text that is no Python gives some answer. */
#include "emulator/debug/statements.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct scan {
    const char *text;
    size_t size, at;
    unsigned line, first; /* `first`: of the statement */
    unsigned brackets;
    char quote;  /* of the string that is open; 0: none */
    bool triple; /* it has three */
    unsigned *lines;
};

static bool has_three(const struct scan *scan, char quote) {
    return scan->at + 3 <= scan->size && scan->text[scan->at] == quote && scan->text[scan->at + 1] == quote &&
           scan->text[scan->at + 2] == quote;
}

static void end_line(struct scan *scan, bool joined) {
    scan->lines[++scan->line] = scan->first;
    if (!joined) {
        scan->first = scan->line + 1;
    }
}

/* A character within a string. */
static void scan_string(struct scan *scan) {
    char c = scan->text[scan->at];
    if (c == '\\' && scan->at + 1 < scan->size) {
        scan->at++;
        c = scan->text[scan->at] == '\n' ? '\n' : 0;
        if (c) {
            end_line(scan, true);
        }
    } else if (c == scan->quote && (!scan->triple || has_three(scan, c))) {
        scan->at += scan->triple ? 2 : 0;
        scan->quote = 0;
    } else if (c == '\n') {
        scan->quote = scan->triple ? scan->quote : 0; /* a mistake in the source */
        end_line(scan, scan->triple || scan->brackets);
    }
    scan->at++;
}

static void begin_string(struct scan *scan, char quote) {
    scan->quote = quote;
    scan->triple = has_three(scan, quote);
    scan->at += scan->triple ? 3 : 1;
}

static void scan_code(struct scan *scan) {
    char c = scan->text[scan->at];
    if (c == '"' || c == '\'') {
        begin_string(scan, c);
        return;
    }
    if (c == '#') {
        const char *end = memchr(scan->text + scan->at, '\n', scan->size - scan->at);
        scan->at = end ? (size_t)(end - scan->text) : scan->size;
        return;
    }
    scan->brackets += c == '(' || c == '[' || c == '{';
    scan->brackets -= (c == ')' || c == ']' || c == '}') && scan->brackets;
    if (c == '\n') {
        size_t before = scan->at && scan->text[scan->at - 1] == '\r' ? scan->at - 1 : scan->at;
        end_line(scan, scan->brackets || (before && scan->text[before - 1] == '\\'));
    }
    scan->at++;
}

unsigned *statements_read(const char *text, size_t size) {
    unsigned count = 2;
    for (size_t i = 0; i < size; i++) {
        count += text[i] == '\n';
    }
    struct scan scan = { .text = text, .size = size, .first = 1, .lines = calloc(count, sizeof(*scan.lines)) };
    while (scan.lines && scan.at < size) {
        if (scan.quote) {
            scan_string(&scan);
        } else {
            scan_code(&scan);
        }
    }
    if (scan.lines && size && text[size - 1] != '\n') {
        end_line(&scan, false);
    }
    if (scan.lines) {
        scan.lines[0] = scan.line;
    }
    return scan.lines;
}
