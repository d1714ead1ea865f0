/* The console's byte stream: what waits find in it, whatever pieces it comes in. */
#include "emulator/session/stream.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void say(struct stream *stream, const char *text) {
    assert_true(stream_add(stream, text, strlen(text)));
}

static struct stream_pattern text_pattern(const char *text) {
    struct stream_pattern pattern;
    assert_true(stream_pattern_text(&pattern, text, strlen(text), NULL));
    return pattern;
}

static struct stream_pattern regex_pattern(const char *expression) {
    struct stream_pattern pattern;
    struct error error = { "" };
    if (!stream_pattern_regex(&pattern, expression, &error)) {
        fail_msg("%s: %s", expression, error.message);
    }
    return pattern;
}

/* Look and take: the text found, NULL when there is none. */
static const char *take(struct stream *stream, struct stream_pattern *pattern) {
    static char found[100];
    struct stream_match match;
    if (!stream_look(stream, pattern, &match)) {
        return NULL;
    }
    snprintf(found, sizeof(found), "%.*s", (int)(match.end - match.begin), stream->bytes + match.begin);
    stream_take(stream, &match);
    return found;
}

/* wokwi-cli loses a match when two waits follow each other and both texts come in one packet. */
static void waits_in_a_row_find_what_came_at_once(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern first = text_pattern("one"), second = text_pattern("two");
    say(&stream, "one\r\ntwo\r\n");
    assert_string_equal(take(&stream, &first), "one");
    assert_string_equal(take(&stream, &second), "two");
    stream_pattern_finish(&first);
    stream_pattern_finish(&second);
    stream_finish(&stream);
}

/* The same text twice needs two of them in the stream. */
static void nothing_is_found_twice(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern first = text_pattern("tick"), second = text_pattern("tick");
    say(&stream, "tick ");
    assert_string_equal(take(&stream, &first), "tick");
    assert_null(take(&stream, &second));
    say(&stream, "tick ");
    assert_string_equal(take(&stream, &second), "tick");
    stream_pattern_finish(&first);
    stream_pattern_finish(&second);
    stream_finish(&stream);
}

static void pieces_make_no_difference(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern pattern = text_pattern("aab");
    const char *output = "aaaab";
    for (size_t i = 0; output[i]; i++) {
        assert_null(take(&stream, &pattern));
        assert_true(stream_add(&stream, output + i, 1));
    }
    assert_string_equal(take(&stream, &pattern), "aab");
    assert_int_equal(stream.cursor, 5);
    stream_pattern_finish(&pattern);
    stream_finish(&stream);
}

/* What lies behind a match stays for the next wait, what lies before is passed over. */
static void the_cursor_is_behind_the_match(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern late = text_pattern("late"), early = text_pattern("early");
    say(&stream, "early late");
    assert_string_equal(take(&stream, &late), "late");
    assert_null(take(&stream, &early));
    stream_pattern_finish(&late);
    stream_pattern_finish(&early);
    stream_finish(&stream);
}

static void texts_may_hold_any_byte(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern pattern, expression = regex_pattern("y.$");
    struct stream_match match;
    assert_true(stream_pattern_text(&pattern, "\0\xff", 2, NULL));
    assert_true(stream_add(&stream, "x\0y\0\xff", 5));
    assert_true(stream_look(&stream, &pattern, &match));
    assert_int_equal(match.begin, 3);
    assert_false(stream_look(&stream, &expression, &match));
    assert_true(stream_add(&stream, "\0y\xff\n", 4));
    assert_true(stream_look(&stream, &expression, &match));
    assert_int_equal(match.begin, 6);
    stream_pattern_finish(&pattern);
    stream_pattern_finish(&expression);
    stream_finish(&stream);
}

static void expressions_see_lines(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern line = regex_pattern("^angle: [0-9]+\\.[0-9]$"), next = regex_pattern("^b.*$");
    say(&stream, "an angle: 1.0\r\nangle: 45.0 deg\r\nangle: 46.5\r\nbanana\n");
    assert_string_equal(take(&stream, &line), "angle: 46.5");
    assert_null(take(&stream, &line));
    assert_string_equal(take(&stream, &next), "banana");
    stream_pattern_finish(&line);
    stream_pattern_finish(&next);
    stream_finish(&stream);
}

/* The number may go on in the next packet. */
static void a_match_at_the_end_is_open(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern pattern = regex_pattern("n=[0-9]+"), ended = regex_pattern("[0-9]$");
    struct stream_match match;
    say(&stream, "n=1");
    assert_true(stream_look(&stream, &pattern, &match));
    assert_true(match.open);
    assert_false(stream_look(&stream, &ended, &match));
    say(&stream, "23\r");
    assert_true(stream_look(&stream, &pattern, &match));
    assert_false(match.open);
    assert_int_equal(match.end, 5);
    say(&stream, "\n");
    assert_true(stream_look(&stream, &ended, &match));
    assert_false(match.open);
    stream_pattern_finish(&pattern);
    stream_pattern_finish(&ended);
    stream_finish(&stream);
}

/* A match in the middle of a line leaves a rest that is no line's beginning. */
static void the_rest_of_a_line_has_no_beginning(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern first = text_pattern("a"), second = regex_pattern("^b");
    say(&stream, "ab\r\nb\r\n");
    assert_string_equal(take(&stream, &first), "a");
    assert_string_equal(take(&stream, &second), "b");
    assert_int_equal(stream.cursor, 5);
    stream_pattern_finish(&first);
    stream_pattern_finish(&second);
    stream_finish(&stream);
}

/* The title of the window and colours stand between a line and its beginning. */
static void escape_sequences_are_not_seen(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern pattern = regex_pattern("^red: [0-9]+$"), rest = regex_pattern("^x$");
    struct stream_match match;
    say(&stream, "\x1b]0;code.py | 10.2.1\x1b\\\x1b[31mre\x1b[0md: 5\x1b[");
    assert_false(stream_look(&stream, &pattern, &match));
    say(&stream, "0m\r\n\x1b]0;t\ax\n");
    assert_true(stream_look(&stream, &pattern, &match));
    assert_memory_equal(stream.bytes + match.begin, "re\x1b[0md: 5", 10);
    assert_int_equal(match.end - match.begin, 10);
    stream_take(&stream, &match);
    assert_string_equal(take(&stream, &rest), "x");
    stream_pattern_finish(&pattern);
    stream_pattern_finish(&rest);
    stream_finish(&stream);
}

static void endless_lines_are_cut(void **state) {
    struct stream stream = { 0 };
    struct stream_pattern pattern = regex_pattern("x+y");
    for (unsigned i = 0; i < 1000; i++) {
        say(&stream, "zzzzzzzzzzzzzzzzzzzz");
        assert_null(take(&stream, &pattern));
    }
    assert_in_range(stream.length - pattern.from, 0, STREAM_LINE);
    say(&stream, "xxy\n");
    assert_string_equal(take(&stream, &pattern), "xxy");
    stream_pattern_finish(&pattern);
    stream_finish(&stream);
}

static void bad_patterns_are_refused(void **state) {
    static const struct {
        const char *expression, *why;
    } bad[] = {
        { "", "1 to 1000 bytes" },
        { "a(b", "regular expression: " },
        { "[a", "regular expression: " },
        { "a*", "empty line" },
        { "^", "empty line" },
        { "(a)\\1", "back-references" },
        { "((a{1,100}){1,100}){1,100}", "more than 1000" },
        { "a{99999999999999999999}", "more than 1000" },
        { "(((((((((((((((((((((((((((((((((((((((((a)))))))))))))))))))))))))))))))))))))))))", "40 parentheses" },
    };
    struct stream_pattern pattern;
    struct error error;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(stream_pattern_regex(&pattern, bad[i].expression, &error));
        if (!strstr(error.message, bad[i].why)) {
            fail_msg("%s: %s", bad[i].expression, error.message);
        }
        stream_pattern_finish(&pattern);
    }
    assert_false(stream_pattern_text(&pattern, "", 0, &error));
}

static void braces_in_brackets_are_no_repeats(void **state) {
    struct stream_pattern pattern = regex_pattern("[]{9999}]x[^]{9999}]y[[:digit:]{9999}]\\{9999");
    stream_pattern_finish(&pattern);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_in_a_row_find_what_came_at_once),
        cmocka_unit_test(nothing_is_found_twice),
        cmocka_unit_test(pieces_make_no_difference),
        cmocka_unit_test(the_cursor_is_behind_the_match),
        cmocka_unit_test(texts_may_hold_any_byte),
        cmocka_unit_test(expressions_see_lines),
        cmocka_unit_test(a_match_at_the_end_is_open),
        cmocka_unit_test(the_rest_of_a_line_has_no_beginning),
        cmocka_unit_test(escape_sequences_are_not_seen),
        cmocka_unit_test(endless_lines_are_cut),
        cmocka_unit_test(bad_patterns_are_refused),
        cmocka_unit_test(braces_in_brackets_are_no_repeats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
