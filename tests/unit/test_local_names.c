/* Names of locals in the order of their slots: MicroPython numbers them as a function first mentions them (py/scope.c,
 * scope_find_or_add_id()), `*` and `**` parameters first, cells last. */
#include "emulator/core/random.h"
#include "emulator/debug/local_names.h"
#include "tests/unit/unit.h"

#include <string.h>

/* The names of `f`, a line of whose code is `line`, separated by blanks. */
static void check(const char *source, unsigned line, const char *expected) {
    static struct local_names names;
    char text[1000] = "";
    assert_true(local_names_read(source, strlen(source), "f", line, &names));
    for (unsigned i = 0; i < names.count; i++) {
        strcat(strcat(text, i ? " " : ""), names.name[i]);
    }
    assert_string_equal(text, expected);
}

static void test_order_of_mention(void **state) {
    check("def f(a, b=1):\n    x = a\n    y = x\n    a = 2\n    return y\n", 2, "x y");
    check("def f():\n    b, (c, d[0], e.z) = g(1, k=2)\n    b += 1\n", 2, "b c");
    check("def f(n):\n    for i in range(n):\n        t = i\n    for k, v in d.items(): w = k\n", 3, "i t k v w");
    check("def f():\n    a = b = c\n    with open(a) as h, g() as (i, j):\n        pass\n", 2, "a b h i j");
    check("def f():\n    try:\n        import os, x.y as z\n    except (OSError, E) as e:\n        from a import b as "
          "c, d\n",
          3, "os z e c d");
    check("def f():\n    while c:\n        a = b\n        b = 1\n", 2, "b a");
    check("def f(*rest, k=1, **more):\n    x: int = 3; y = 4\n", 2, "rest more x y");
    check("def f(a): z = a; return z\n", 1, "z");
}

static void test_what_is_no_local(void **state) {
    check("def f():\n    global g\n    g = 1\n    h.x = 2\n    print(g, end='', x=3)\n    y = 'a = b' # c = 1\n", 3,
          "y");
    check("def f():\n    '''\n    a = 1\n    '''\n    b = (1 +\n  2)\n    c = \\\n        3\n", 5, "b c");
    check("def g():\n    q = 1\n\ndef f():\n    r = 2\nclass C:\n    def f(self):\n        s = 3\n", 5, "r");
    check("def g():\n    q = 1\n\ndef f():\n    r = 2\nclass C:\n    def f(self):\n        s = 3\n", 8, "s");
}

static void test_cells_come_last(void **state) {
    check("def f(p):\n    a = 1\n    b = 2\n    def g(x):\n        y = a + x\n        return y\n    c = g\n", 2,
          "b g c a");
    check("def f(xs):\n    k = 2\n    y = [k * x for x in xs if x]\n    z = 1\n", 2, "y z k");
    check("def f():\n    x = 1\n    y = [x for x in range(x)]\n", 2, "x y");
    check("def f():\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    m = g\n", 2, "g m n");
}

static void test_what_cannot_be_told(void **state) {
    static struct local_names names;
    static const char lambda[] = "def f():\n    a = lambda x: x\n", other[] = "def g():\n    a = 1\n";
    assert_false(local_names_read(lambda, strlen(lambda), "f", 2, &names));
    assert_false(local_names_read(other, strlen(other), "f", 2, &names));
    assert_false(local_names_read("", 0, "f", 1, &names));
    assert_false(local_names_read("def f(", 6, "f", 1, &names) && names.count);
}

static void test_text_that_is_no_python(void **state) {
    static struct local_names names;
    static const char letters[] = "def f(:)]}{[=, \n\t'\"#\\*inforas1";
    char text[120];
    struct random random;
    random_init(&random, 5);
    for (unsigned i = 0; i < 20000; i++) {
        size_t size = random_next(&random) % sizeof(text);
        for (size_t k = 0; k < size; k++) {
            text[k] = letters[random_next(&random) % (sizeof(letters) - 1)];
        }
        if (size > 8) {
            memcpy(text, "def f():", 8);
        }
        local_names_read(text, size, "f", 1 + i % 4, &names);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_mention),       cmocka_unit_test(test_what_is_no_local),
        cmocka_unit_test(test_cells_come_last),        cmocka_unit_test(test_what_cannot_be_told),
        cmocka_unit_test(test_text_that_is_no_python),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
