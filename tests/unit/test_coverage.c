/* The account of lines that have run: lcov in and out, Cobertura, the table that coverage.py prints. Formats:
 * geninfo(1), coverage-04.dtd. */
#include "tests/unit/unit.h"

#include "emulator/debug/coverage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_coverage.XXXXXX";
static char xml[64];

static void write_file(const char *text) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static const char *read_file(const char *name) {
    static char text[4096];
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof(text) - 1, file)] = 0;
    fclose(file);
    return text;
}

static const char first[] = "TN:\nSF:code.py\nFN:2,blink\nFN:7,never\nFNDA:3,blink\nFNDA:0,never\nFNF:2\nFNH:1\n"
                            "DA:1,1\nDA:2,3\nDA:4,0\nDA:5,0\nDA:8,0\nDA:9,2\nLF:6\nLH:3\nend_of_record\n";
static const char second[] = "TN:\nSF:code.py\nFN:2,blink\nFNDA:1,blink\nDA:1,1\nDA:5,4\nend_of_record\n"
                             "TN:\nSF:lib/a.py\nDA:1,1\nend_of_record\n";

static struct coverage *both(void) {
    struct error error;
    struct coverage *coverage = coverage_create();
    assert_non_null(coverage);
    write_file(first);
    assert_true(coverage_add_file(coverage, path, &error));
    write_file(second);
    assert_true(coverage_add_file(coverage, path, &error));
    return coverage;
}

static void writes_what_it_has_read(void **state) {
    struct error error;
    struct coverage *coverage = coverage_create();
    write_file(first);
    assert_true(coverage_add_file(coverage, path, &error));
    assert_true(coverage_write(coverage, path, NULL, &error));
    assert_string_equal(read_file(path), first);
    coverage_destroy(coverage);
}

static void adds_runs_up(void **state) {
    struct error error;
    struct coverage *coverage = both();
    assert_true(coverage_write(coverage, path, "/drive", &error));
    assert_string_equal(read_file(path),
                        "TN:\nSF:/drive/code.py\nFN:2,blink\nFN:7,never\nFNDA:4,blink\nFNDA:0,never\nFNF:2\nFNH:1\n"
                        "DA:1,2\nDA:2,3\nDA:4,0\nDA:5,4\nDA:8,0\nDA:9,2\nLF:6\nLH:4\nend_of_record\n"
                        "TN:\nSF:/drive/lib/a.py\nFNF:0\nFNH:0\nDA:1,1\nLF:1\nLH:1\nend_of_record\n");
    assert_int_equal((int)coverage_percent(coverage), 71); /* 5 of 7 */
    coverage_destroy(coverage);
}

/* As `coverage report -m` lays it out: lines without code do not part a range, lines that ran do. */
static void prints_the_table(void **state) {
    char *text;
    size_t size;
    struct coverage *coverage = coverage_create();
    struct error error;
    write_file("SF:code.py\nDA:1,1\nDA:2,0\nDA:4,0\nDA:5,1\nDA:9,0\nend_of_record\n");
    assert_true(coverage_add_file(coverage, path, &error));
    FILE *out = open_memstream(&text, &size);
    coverage_print(coverage, out);
    fclose(out);
    assert_string_equal(text, "Name      Stmts   Miss  Cover   Missing\n"
                              "---------------------------------------\n"
                              "code.py       5      3    40%   2-4, 9\n"
                              "---------------------------------------\n"
                              "TOTAL         5      3    40%\n");
    free(text);
    coverage_destroy(coverage);
}

static void writes_cobertura(void **state) {
    struct error error;
    struct coverage *coverage = both();
    assert_true(coverage_write(coverage, xml, "/a&b", &error));
    const char *text = read_file(xml);
    assert_non_null(strstr(text, "<source>/a&#38;b</source>"));
    assert_non_null(strstr(text, "lines-valid=\"7\" lines-covered=\"5\" line-rate=\"0.7143\""));
    assert_non_null(strstr(text, "filename=\"lib/a.py\" line-rate=\"1.0000\""));
    assert_non_null(strstr(text, "<line number=\"5\" hits=\"4\"/>"));
    coverage_destroy(coverage);
}

static void names_the_place_of_what_is_no_lcov(void **state) {
    static const char *const bad[] = { "SF:a.py\nDA:x,1\n", "TN:\nDA:1,1\n", "SF:a.py\nFNDA:1,unknown\n",
                                       "SF:a.py\nDA:0,1\n", "SF:a.py\nDA:99999999,1\n" };
    for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct error error;
        char place[80];
        struct coverage *coverage = coverage_create();
        write_file(bad[i]);
        assert_false(coverage_add_file(coverage, path, &error));
        snprintf(place, sizeof(place), "coverage: %s:2: ", path);
        assert_non_null(strstr(error.message, place));
        coverage_destroy(coverage);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_what_it_has_read),
        cmocka_unit_test(adds_runs_up),
        cmocka_unit_test(prints_the_table),
        cmocka_unit_test(writes_cobertura),
        cmocka_unit_test(names_the_place_of_what_is_no_lcov),
    };
    close(mkstemp(path));
    snprintf(xml, sizeof(xml), "%s.xml", path);
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    unlink(xml);
    return failures;
}
