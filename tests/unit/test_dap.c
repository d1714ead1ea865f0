/* Messages of the Debug Adapter Protocol as bytes, and expressions that need no program (the protocol's "Base
 * protocol"; Python language reference 6.10, 6.11). What needs one is tested on real images by tests/golden/dap. */
#include "tests/unit/unit.h"

#include "emulator/dap/dap_expression.h"
#include "emulator/dap/dap_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Bytes ---- */

static void test_messages_in_pieces(void **state) {
    static const char bytes[] = "Content-Length: 9\r\nContent-Type: x\r\n\r\n{\"a\": 1 }content-length:2\r\n\r\n{}";
    for (size_t piece = 1; piece < sizeof(bytes); piece++) {
        struct dap_wire wire = { 0 };
        struct error error;
        unsigned messages = 0, members = 0;
        for (size_t at = 0; at < sizeof(bytes) - 1; at += piece) {
            size_t left = sizeof(bytes) - 1 - at;
            json_t *message;
            assert_true(dap_wire_add(&wire, bytes + at, left < piece ? left : piece, &error));
            while ((message = dap_wire_next(&wire, &error)) != NULL) {
                messages++;
                members += (unsigned)json_object_size(message);
                json_decref(message);
            }
            assert_string_equal(error.message, "");
        }
        assert_int_equal(messages, 2);
        assert_int_equal(members, 1);
        dap_wire_finish(&wire);
    }
}

static void check_refused(const char *bytes, const char *why) {
    struct dap_wire wire = { 0 };
    struct error error;
    assert_true(dap_wire_add(&wire, bytes, strlen(bytes), &error));
    assert_null(dap_wire_next(&wire, &error));
    assert_non_null(strstr(error.message, why));
    dap_wire_finish(&wire);
}

static void test_what_is_no_message(void **state) {
    char endless[DAP_HEADER_MAX + 10];
    memset(endless, 'a', sizeof(endless));
    endless[sizeof(endless) - 1] = 0;
    check_refused("Content-Type: x\r\n\r\n{}", "no Content-Length");
    check_refused("Content-Length: -1\r\n\r\n{}", "no number");
    check_refused("Content-Length: 99999999999999999999\r\n\r\n{}", "no number");
    check_refused("Content-Length: 9000000\r\n\r\n{}", "no number");
    check_refused("Content-Length: 2\r\n\r\n[]", "no JSON object");
    check_refused("Content-Length: 2\r\n\r\n{a", "no JSON");
    check_refused(endless, "does not end");
}

static void test_pack(void **state) {
    json_t *message = json_pack("{s:s}", "a", "\xc3\xa4");
    size_t size;
    char *bytes = dap_wire_pack(message, &size);
    assert_string_equal(bytes, "Content-Length: 10\r\n\r\n{\"a\":\"\xc3\xa4\"}");
    assert_int_equal(size, strlen(bytes));
    free(bytes);
    json_decref(message);
}

/* ---- Expressions ---- */

static void test_values(void **state) {
    static const char *const cases[][2] = {
        { "1", "1" },
        { " 0x10 ", "16" },
        { "-2.50", "-2.5" },
        { "1e3", "1000.0" },
        { "'a\\'b'", "\"a'b\"" },
        { "\"x\\n\\x41\"", "'x\\nA'" },
        { "None", "None" },
        { "1 < 2 < 3", "True" },
        { "1 < 3 < 2", "False" },
        { "1 == 1.0", "True" },
        { "True == 1", "True" },
        { "'a' != \"a\"", "False" },
        { "'b' >= 'a'", "True" },
        { "'el' in 'hello'", "True" },
        { "'x' not in 'hello'", "True" },
        { "None is None", "True" },
        { "1 is not None", "True" },
        { "not 0 and 2", "2" },
        { "0 or 'b'", "'b'" },
        { "1 or 2 and 0", "1" },
        { "not (1 == 2)", "True" },
        { "not not 3", "True" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct dap_value value;
        struct error error;
        char text[100];
        assert_true(dap_evaluate(NULL, NULL, cases[i][0], &value, &error));
        dap_value_text(NULL, &value, text, sizeof(text));
        assert_string_equal(text, cases[i][1]);
    }
}

static void test_what_is_no_expression(void **state) {
    static const char *const cases[][2] = {
        { "", "ends too early" },   { "1 +", "not understood" }, { "(1", "\")\" is missing" },
        { "1 < 'a'", "ordered" },   { "-'a'", "no number" },     { "1 2", "not understood" },
        { "==", "not understood" }, { "(1).x", "no attribute" },
    };
    char deep[300];
    struct dap_value value;
    struct error error;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(dap_evaluate(NULL, NULL, cases[i][0], &value, &error));
        assert_non_null(strstr(error.message, cases[i][1]));
    }
    memset(deep, '(', sizeof(deep));
    deep[sizeof(deep) - 1] = 0;
    assert_false(dap_evaluate(NULL, NULL, deep, &value, &error));
    assert_non_null(strstr(error.message, "nested"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_in_pieces),
        cmocka_unit_test(test_what_is_no_message),
        cmocka_unit_test(test_pack),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_what_is_no_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
