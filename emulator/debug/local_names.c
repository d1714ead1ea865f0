/* See local_names.h. MicroPython's compiler (py/compile.c, py/scope.c) numbers locals in the order in which a function
 * first mentions them, parameters first, and those that functions inside it use (cells) last. A statement mentions what
 * is on the right of its "=" before what is on the left, and a `for` what it goes through before its targets.
 *
 * The source is looked at token by token, by Python's lexical rules (reference, chapter 2); it is not parsed. Whoever
 * asks compares the number of names with that of the slots. */
#include "emulator/debug/local_names.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define DEEPEST 20 /* brackets */

enum kind { END, NAME, OTHER, OPERATOR, NEWLINE };

struct token {
    enum kind kind;
    const char *text;
    unsigned length, line, column, depth; /* `column`: of its logical line; `depth`: of brackets around it */
};

struct tokens {
    struct token *token;
    unsigned count, room;
};

struct scanner {
    const char *at, *end, *line_start;
    unsigned line, depth, column;
    bool begins; /* a logical line does */
    struct tokens *tokens;
};

/* ---- Tokens ---- */

static bool add_token(struct scanner *scanner, enum kind kind, const char *text, unsigned length) {
    struct tokens *tokens = scanner->tokens;
    if (tokens->count == tokens->room) {
        unsigned room = tokens->room ? 2 * tokens->room : 256;
        struct token *token = realloc(tokens->token, room * sizeof(*token));
        if (!token) {
            return false;
        }
        tokens->token = token;
        tokens->room = room;
    }
    tokens->token[tokens->count++] =
        (struct token){ kind, text, length, scanner->line, scanner->column, scanner->depth };
    return true;
}

static bool is_name_letter(char letter) {
    return isalnum((unsigned char)letter) || letter == '_' || (signed char)letter < 0;
}

static void pass_newline(struct scanner *scanner) {
    scanner->at++;
    scanner->line++;
    scanner->line_start = scanner->at;
}

static void pass_string(struct scanner *scanner) {
    char quote = *scanner->at;
    bool triple = scanner->end - scanner->at >= 3 && scanner->at[1] == quote && scanner->at[2] == quote;
    scanner->at += triple ? 3 : 1;
    while (scanner->at < scanner->end) {
        bool ends =
            *scanner->at == quote &&
            (!triple || (scanner->end - scanner->at >= 3 && scanner->at[1] == quote && scanner->at[2] == quote));
        if (ends || (*scanner->at == '\n' && !triple)) {
            scanner->at += ends ? (triple ? 3 : 1) : 0;
            return;
        }
        if (*scanner->at == '\\' && scanner->at + 1 < scanner->end) {
            scanner->at++;
        }
        if (*scanner->at == '\n') {
            pass_newline(scanner);
        } else {
            scanner->at++;
        }
    }
}

/* A name may be the prefix of a string. */
static bool scan_name(struct scanner *scanner) {
    const char *start = scanner->at;
    while (scanner->at < scanner->end && is_name_letter(*scanner->at)) {
        scanner->at++;
    }
    bool prefix =
        scanner->at - start <= 2 && scanner->at < scanner->end && (*scanner->at == '\'' || *scanner->at == '"');
    if (prefix) {
        pass_string(scanner);
    }
    bool is_number = isdigit((unsigned char)*start);
    return add_token(scanner, prefix || is_number ? OTHER : NAME, start, (unsigned)(scanner->at - start));
}

static bool scan_operator(struct scanner *scanner) {
    static const char *const operators[] = { "**=", "//=", "<<=", ">>=", "==", "!=", "<=", ">=", ":=", "->",
                                             "+=",  "-=",  "*=",  "/=",  "%=", "&=", "|=", "^=", "@=", "**" };
    const char *start = scanner->at;
    size_t left = (size_t)(scanner->end - start), length = 1;
    for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]) && length == 1; i++) {
        size_t all = strlen(operators[i]);
        length = all <= left && memcmp(start, operators[i], all) == 0 ? all : 1;
    }
    scanner->depth -= strchr(")]}", *start) && scanner->depth;
    bool ok = add_token(scanner, OPERATOR, start, (unsigned)length);
    scanner->depth += strchr("([{", *start) != NULL;
    scanner->at += length;
    return ok;
}

static bool scan_line_end(struct scanner *scanner) {
    bool ok = true;
    if (!scanner->depth && !scanner->begins) {
        ok = add_token(scanner, NEWLINE, scanner->at, 1);
        scanner->begins = true;
    }
    pass_newline(scanner);
    return ok;
}

static bool scan_token(struct scanner *scanner) {
    char letter = *scanner->at;
    if (letter == '\n') {
        return scan_line_end(scanner);
    }
    if (letter == '#') {
        while (scanner->at < scanner->end && *scanner->at != '\n') {
            scanner->at++;
        }
        return true;
    }
    if (letter == '\\' && scanner->at + 1 < scanner->end && scanner->at[1] == '\n') {
        scanner->at++;
        pass_newline(scanner);
        return true;
    }
    if (isspace((unsigned char)letter)) {
        scanner->at++;
        return true;
    }
    if (scanner->begins) {
        scanner->column = (unsigned)(scanner->at - scanner->line_start);
        scanner->begins = false;
    }
    if (letter == '\'' || letter == '"') {
        const char *start = scanner->at;
        pass_string(scanner);
        return add_token(scanner, OTHER, start, (unsigned)(scanner->at - start));
    }
    return is_name_letter(letter) ? scan_name(scanner) : scan_operator(scanner);
}

/* Ends with a token END. False: out of memory. */
static bool scan_source(const char *source, size_t size, struct tokens *tokens) {
    struct scanner scanner = {
        .at = source, .end = source + size, .line_start = source, .line = 1, .begins = true, .tokens = tokens
    };
    bool ok = true;
    while (ok && scanner.at < scanner.end) {
        ok = scan_token(&scanner);
    }
    scanner.column = 0;
    return ok && add_token(&scanner, NEWLINE, "", 0) && add_token(&scanner, END, "", 0);
}

static bool is(const struct token *token, const char *text) {
    return token->length == strlen(text) && memcmp(token->text, text, token->length) == 0 && token->kind != OTHER;
}

/* ---- The function ---- */

struct reader {
    const struct token *token; /* all of them */
    struct local_names *names; /* in the order of mention */
    bool bound[LOCAL_NAMES], outer[LOCAL_NAMES], captured[LOCAL_NAMES], parameter[LOCAL_NAMES], star[LOCAL_NAMES];
    bool unsure;
};

static unsigned entry_of(struct reader *reader, const struct token *token) {
    struct local_names *names = reader->names;
    for (unsigned i = 0; i < names->count; i++) {
        if (strlen(names->name[i]) == token->length && memcmp(names->name[i], token->text, token->length) == 0) {
            return i;
        }
    }
    if (names->count == LOCAL_NAMES || token->length >= LOCAL_NAME) {
        reader->unsure = true;
        return 0;
    }
    memcpy(names->name[names->count], token->text, token->length);
    names->name[names->count][token->length] = 0;
    return names->count++;
}

static bool is_keyword(const struct token *token) {
    static const char *const words[] = { "and",      "as",       "assert", "async", "await",  "break",  "class",
                                         "continue", "def",      "del",    "elif",  "else",   "except", "finally",
                                         "for",      "from",     "global", "if",    "import", "in",     "is",
                                         "lambda",   "nonlocal", "not",    "or",    "pass",   "raise",  "return",
                                         "try",      "while",    "with",   "yield", "None",   "True",   "False" };
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (is(token, words[i])) {
            return true;
        }
    }
    return false;
}

/* A variable, and no attribute, no name of an argument. */
static bool is_variable(const struct reader *reader, unsigned at) {
    const struct token *token = &reader->token[at];
    bool attribute = at && is(&token[-1], ".");
    bool argument = token->depth && is(&token[1], "=");
    return token->kind == NAME && !attribute && !argument && !is_keyword(token);
}

/* Behind the bracket that closes the one at `at`. */
static unsigned behind_bracket(const struct reader *reader, unsigned at) {
    unsigned depth = reader->token[at].depth;
    do {
        at++;
    } while (reader->token[at].kind != END &&
             !(reader->token[at].depth == depth && strchr(")]}", *reader->token[at].text)));
    return reader->token[at].kind == END ? at : at + 1;
}

/* The `for` of a comprehension in the bracket at `at`; 0: there is none. */
static unsigned comprehension_in(const struct reader *reader, unsigned at, unsigned end) {
    unsigned depth = reader->token[at].depth + 1;
    for (unsigned i = at + 1; i + 1 < end; i++) {
        if (reader->token[i].depth == depth && is(&reader->token[i], "for")) {
            return i;
        }
    }
    return 0;
}

static void mention(struct reader *reader, unsigned from, unsigned to);

/* Only what it first goes through is worked out by the function itself. What else it uses becomes a cell, but for its
 * own variables. */
static void mention_comprehension(struct reader *reader, unsigned at, unsigned end, unsigned first_for) {
    unsigned depth = reader->token[at].depth + 1, in = first_for, stop = first_for;
    bool own[LOCAL_NAMES] = { false };
    while (in < end && !(reader->token[in].depth == depth && is(&reader->token[in], "in"))) {
        in++;
    }
    for (stop = in + 1; stop < end - 1; stop++) {
        const struct token *token = &reader->token[stop];
        if (token->depth == depth && (is(token, "for") || is(token, "if"))) {
            break;
        }
    }
    mention(reader, in + 1, stop);
    for (unsigned i = at + 1, target = 0; i < end - 1; i++) {
        target = reader->token[i].depth == depth && is(&reader->token[i], "for")  ? 1
                 : reader->token[i].depth == depth && is(&reader->token[i], "in") ? 0
                                                                                  : target;
        if (target && is_variable(reader, i)) {
            own[entry_of(reader, &reader->token[i])] = true;
        }
    }
    for (unsigned i = at + 1; i < end - 1; i++) {
        bool inside = (i < in || i >= stop) && is_variable(reader, i);
        unsigned entry = inside ? entry_of(reader, &reader->token[i]) : 0;
        if (inside && !own[entry]) {
            reader->captured[entry] = true;
        }
    }
}

/* Variables between two tokens are mentioned, in their order. */
static void mention(struct reader *reader, unsigned from, unsigned to) {
    for (unsigned i = from; i < to && !reader->unsure;) {
        const struct token *token = &reader->token[i];
        reader->unsure |= token->depth > DEEPEST;
        bool opens = token->kind == OPERATOR && strchr("([{", *token->text);
        unsigned end = opens ? behind_bracket(reader, i) : 0, first_for = end ? comprehension_in(reader, i, end) : 0;
        if (first_for && end <= to) {
            mention_comprehension(reader, i, end, first_for);
            i = end;
            continue;
        }
        reader->unsure |= is(token, "lambda") || is(token, ":=");
        if (is_variable(reader, i)) {
            entry_of(reader, token);
        }
        i++;
    }
}

/* What is assigned to between two tokens: names that nothing is taken from. */
static void bind(struct reader *reader, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        const struct token *next = &reader->token[i + 1];
        if (is_variable(reader, i) && !is(next, ".") && !is(next, "[") && !is(next, "(")) {
            reader->bound[entry_of(reader, &reader->token[i])] = true;
        }
    }
}

static unsigned find_at_depth(const struct reader *reader, unsigned from, unsigned to, const char *text) {
    for (unsigned i = from; i < to; i++) {
        if (reader->token[i].depth == reader->token[from].depth && is(&reader->token[i], text)) {
            return i;
        }
    }
    return to;
}

static bool is_augmented(const struct token *token) {
    static const char signs[] = "+-*/%&|^@<>";
    bool ends = token->length > 1 && token->text[token->length - 1] == '=';
    return token->kind == OPERATOR && ends && strchr(signs, *token->text) && !is(token, "<=") && !is(token, ">=");
}

/* Assignments, expressions and what begins with a word that is followed by them. */
static void read_plain(struct reader *reader, unsigned from, unsigned to) {
    unsigned last = to, colon = find_at_depth(reader, from, to, ":");
    for (unsigned i = from; i < to; i++) {
        last = !reader->token[i].depth && is(&reader->token[i], "=") ? i : last;
        if (!reader->token[i].depth && is_augmented(&reader->token[i])) {
            mention(reader, from, to);
            bind(reader, from, i);
            return;
        }
    }
    if (last == to) {
        mention(reader, from, to);
        return;
    }
    mention(reader, last + 1, to);
    unsigned targets = colon < last ? colon : last; /* an annotation is not worked out */
    mention(reader, from, targets);
    bind(reader, from, targets);
}

static void read_import(struct reader *reader, unsigned from, unsigned to) {
    unsigned names = is(&reader->token[from], "from") ? find_at_depth(reader, from, to, "import") + 1 : from + 1;
    for (unsigned i = names; i < to; i++) {
        unsigned behind = i + 1;
        while (behind < to && is(&reader->token[behind], ".")) {
            behind += 2;
        }
        bool renamed = behind < to && is(&reader->token[behind], "as");
        if (is_variable(reader, i) && !renamed) {
            reader->bound[entry_of(reader, &reader->token[i])] = true;
        }
    }
}

static void read_outer(struct reader *reader, unsigned from, unsigned to) {
    for (unsigned i = from + 1; i < to; i++) {
        if (is_variable(reader, i)) {
            reader->outer[entry_of(reader, &reader->token[i])] = true;
        }
    }
}

static void read_for(struct reader *reader, unsigned from, unsigned to) {
    unsigned in = find_at_depth(reader, from, to, "in");
    mention(reader, in + 1, to);
    mention(reader, from + 1, in);
    bind(reader, from + 1, in);
}

/* `with a as b, c as d`, `except E as e`. */
static void read_as(struct reader *reader, unsigned from, unsigned to) {
    mention(reader, from, to);
    for (unsigned i = from; i < to; i++) {
        if (is(&reader->token[i], "as")) {
            unsigned end = find_at_depth(reader, i, to, ",");
            bind(reader, i + 1, end);
        }
    }
}

/* One statement, or the header of one; returns where the next one begins on the same line. */
static unsigned read_one(struct reader *reader, unsigned from, unsigned to) {
    const struct token *first = &reader->token[from];
    unsigned colon = find_at_depth(reader, from, to, ":"), semicolon = find_at_depth(reader, from, to, ";");
    if (is(first, "async")) {
        return from + 1;
    }
    if (is(first, "for")) {
        read_for(reader, from, colon);
        return colon + 1;
    }
    if (is(first, "with") || is(first, "except")) {
        read_as(reader, from, colon);
        return colon + 1;
    }
    if (is(first, "if") || is(first, "elif") || is(first, "while") || is(first, "else") || is(first, "try") ||
        is(first, "finally")) {
        mention(reader, from, colon);
        return colon + 1;
    }
    if (is(first, "import") || is(first, "from")) {
        read_import(reader, from, semicolon);
    } else if (is(first, "global") || is(first, "nonlocal")) {
        read_outer(reader, from, semicolon);
    } else {
        read_plain(reader, from, semicolon);
    }
    return semicolon + 1;
}

static void read_statement(struct reader *reader, unsigned from, unsigned to) {
    while (from < to) {
        from = read_one(reader, from, to);
    }
}

/* ---- Functions inside it ---- */

static unsigned end_of_line(const struct token *token, unsigned at) {
    while (token[at].kind != NEWLINE && token[at].kind != END) {
        at++;
    }
    return at;
}

/* Behind the lines that belong to the header at `at`. */
static unsigned end_of_block(const struct token *token, unsigned at) {
    unsigned column = token[at].column;
    do {
        at = end_of_line(token, at) + 1;
    } while (token[at - 1].kind != END && token[at].kind != END && token[at].column > column);
    return token[at - 1].kind == END ? at - 1 : at;
}

/* What it uses and does not make itself becomes a cell. Its own names are those that are assigned to in it, roughly. */
static void read_inner(struct reader *reader, unsigned from, unsigned to) {
    struct local_names scratch = { 0 };
    struct reader inner = { .token = reader->token, .names = &scratch };
    unsigned name = from + 1, open = from + 2;
    reader->unsure |= is(&reader->token[from], "class");
    reader->bound[entry_of(reader, &reader->token[name])] = true;
    for (unsigned i = open; i < to; i++) {
        if (is_variable(reader, i)) {
            entry_of(&inner, &reader->token[i]);
        }
    }
    for (unsigned i = open; i < to; i = end_of_line(reader->token, i) + 1) {
        unsigned end = end_of_line(reader->token, i);
        if (i == open) {
            bind(&inner, i, behind_bracket(reader, i));
        } else if (i < end) {
            read_statement(&inner, i, end);
        }
    }
    for (unsigned i = 0; i < scratch.count; i++) {
        struct token token = { .kind = NAME, .text = scratch.name[i], .length = (unsigned)strlen(scratch.name[i]) };
        if (!inner.bound[i] || inner.outer[i]) {
            reader->captured[entry_of(reader, &token)] = true;
        }
    }
    reader->unsure |= inner.unsure;
}

/* ---- Together ---- */

static void read_parameters(struct reader *reader, unsigned open, unsigned close) {
    for (unsigned i = open + 1; i < close; i++) {
        const struct token *token = &reader->token[i];
        bool begins = token->depth == reader->token[open].depth + 1 && token->kind == NAME;
        bool star = is(&token[-1], "*") || is(&token[-1], "**");
        if (begins && (star || is(&token[-1], ",") || is(&token[-1], "("))) {
            unsigned entry = entry_of(reader, token);
            reader->parameter[entry] = !star;
            reader->star[entry] = star;
            reader->bound[entry] = true;
        }
    }
}

static void read_body(struct reader *reader, unsigned from, unsigned to) {
    for (unsigned i = from; i < to;) {
        unsigned end = end_of_line(reader->token, i);
        bool makes = is(&reader->token[i], "def") || is(&reader->token[i], "class");
        if (makes) {
            end = end_of_block(reader->token, i);
            read_inner(reader, i, end);
            i = end;
            continue;
        }
        if (is(&reader->token[i], "@")) {
            mention(reader, i, end);
        } else if (i < end) {
            read_statement(reader, i, end);
        }
        i = end + 1;
    }
}

/* The `def` of that name whose block has the line; 0: there is none. */
static unsigned find_function(const struct token *token, const char *function, unsigned line) {
    unsigned found = 0;
    for (unsigned i = 0; token[i].kind != END; i++) {
        if (is(&token[i], "def") && is(&token[i + 1], function) && token[i].line <= line) {
            unsigned end = end_of_block(token, i);
            found = token[end].kind == END || token[end].line > line ? i + 1 : found;
        }
    }
    return found;
}

/* In the order of slots: `*` and `**`, locals, cells. */
static void put_in_order(struct reader *reader) {
    struct local_names *names = reader->names, ordered = { 0 };
    for (unsigned pass = 0; pass < 3; pass++) {
        for (unsigned i = 0; i < names->count; i++) {
            bool local = reader->bound[i] && !reader->outer[i] && !reader->parameter[i];
            unsigned when = reader->star[i] ? 0 : reader->captured[i] ? 2 : 1;
            if (local && when == pass) {
                strcpy(ordered.name[ordered.count++], names->name[i]);
            }
        }
    }
    *names = ordered;
}

static bool read_function(const struct token *token, const char *function, unsigned line, struct local_names *names) {
    unsigned at = find_function(token, function, line);
    struct reader reader = { .token = token, .names = names };
    names->count = 0;
    if (!at || !is(&token[at + 1], "(")) {
        return false;
    }
    unsigned def = at - 1, behind = behind_bracket(&reader, at + 1), end = end_of_block(token, def);
    unsigned line_end = end_of_line(token, behind);
    while (behind < line_end && !is(&token[behind], ":")) { /* "-> type" */
        behind++;
    }
    read_parameters(&reader, at + 1, behind);
    if (behind + 1 < line_end) {
        read_statement(&reader, behind + 1, line_end);
    }
    read_body(&reader, line_end + 1, end);
    put_in_order(&reader);
    return !reader.unsure;
}

bool local_names_read(const char *source, size_t size, const char *function, unsigned line,
                      struct local_names *ret_names) {
    struct tokens tokens = { 0 };
    bool ok = scan_source(source, size, &tokens) && read_function(tokens.token, function, line, ret_names);
    free(tokens.token);
    return ok;
}
