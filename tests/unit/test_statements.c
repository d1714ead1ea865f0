/* Which lines of a source belong to one statement: Python reference, 2.1.5 (explicit) and 2.1.6 (implicit joining). */
#include "tests/unit/unit.h"

#include "emulator/debug/statements.h"

#include <stdlib.h>
#include <string.h>

static void check(const char *text, const unsigned *expected, unsigned count) {
    unsigned *lines = statements_read(text, strlen(text));
    assert_non_null(lines);
    assert_int_equal(lines[0], count);
    for (unsigned line = 1; line <= count; line++) {
        assert_int_equal(lines[line], expected[line - 1]);
    }
    free(lines);
}

static void joins_lines(void **state) {
    check("a = 1\nb = (2,\n     3)\nc = 4\n", (const unsigned[]){ 1, 2, 2, 4 }, 4);
    check("a = [\n  '(',  # )\n]\nb\n", (const unsigned[]){ 1, 1, 1, 4 }, 4);
    check("a = 1 + \\\n    2\nb", (const unsigned[]){ 1, 1, 3 }, 3);
    check("a = 1 + \\\r\n    2\r\nb\r\n", (const unsigned[]){ 1, 1, 3 }, 3);
    check("a = '''x\n'y\n\\''''\nb\n", (const unsigned[]){ 1, 1, 1, 4 }, 4);
    check("a = 'x\\\ny'\nb\n", (const unsigned[]){ 1, 1, 3 }, 3);
    check("a = ''\nb = ()\n# it's (\nc\n", (const unsigned[]){ 1, 2, 3, 4 }, 4);
    check("f(a, \"\"\"(\n\"\"\",\n)\nb\n", (const unsigned[]){ 1, 1, 1, 4 }, 4);
}

static void ends_with_any_text(void **state) {
    check("", (const unsigned[]){ 0 }, 0);
    check("'open\n)\nx\\", (const unsigned[]){ 1, 2, 3 }, 3);
    check("'''never\nclosed", (const unsigned[]){ 1, 1 }, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = { cmocka_unit_test(joins_lines), cmocka_unit_test(ends_with_any_text) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
