/* Files below one folder: names that lead out of it, also over symbolic links, find nothing and write nothing. */
#include "emulator/scenario/inside.h"
#include "emulator/scenario/scenario.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char base[100], folder[120], outside[120];

static void place(char *ret_path, size_t size, const char *name) {
    snprintf(ret_path, size, "%s/%s", base, name);
}

static int setup(void **state) {
    char path[200];
    snprintf(base, sizeof(base), "/tmp/ouroboard-inside-XXXXXX");
    if (!mkdtemp(base)) {
        return -1;
    }
    place(folder, sizeof(folder), "in");
    place(outside, sizeof(outside), "out");
    mkdir(folder, 0777);
    mkdir(outside, 0777);
    snprintf(path, sizeof(path), "%s/secret", outside);
    FILE *file = fopen(path, "w");
    fputs("secret", file);
    fclose(file);
    return 0;
}

static int teardown(void **state) {
    inside_remove(base);
    return 0;
}

static void link_to(const char *target, const char *name) {
    char path[200];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(symlink(target, path), 0);
}

static bool exists(const char *where, const char *name) {
    char path[300];
    struct stat status;
    snprintf(path, sizeof(path), "%s/%s", where, name);
    return lstat(path, &status) == 0;
}

static void files_are_written_and_read(void **state) {
    struct error error;
    struct stat status;
    char path[200];
    size_t size;
    assert_true(inside_write(folder, "a/b/c.txt", "hello", 5, 1577836800, &error));
    uint8_t *data = inside_read(folder, "a/b/c.txt", 100, &size, &error);
    assert_non_null(data);
    assert_int_equal(size, 5);
    assert_string_equal((char *)data, "hello");
    free(data);
    snprintf(path, sizeof(path), "%s/a/b/c.txt", folder);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mtime, 1577836800);
    assert_true(inside_write(folder, "a/b/c.txt", "new", 3, -1, &error));
    data = inside_read(folder, "a/b/c.txt", 100, &size, &error);
    assert_int_equal(size, 3);
    free(data);
    assert_null(inside_read(folder, "a/b/c.txt", 2, &size, &error)); /* too large */
    assert_null(inside_read(folder, "a/b", 100, &size, &error));     /* a folder */
    assert_null(inside_read(folder, "none", 100, &size, &error));
    assert_true(inside_exists(folder, "a/b") && inside_exists(folder, "a/b/c.txt"));
    assert_false(inside_exists(folder, "none"));
}

static void names_that_lead_out_are_refused(void **state) {
    static const char *const names[] = {
        "../out/secret", "a/../../out/secret", "/etc/passwd", "", "..", "a//b", "a\\b"
    };
    struct error error;
    size_t size;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_false(scenario_path_is_inside(names[i]));
        assert_null(inside_read(folder, names[i], 100, &size, &error));
        assert_false(inside_write(folder, names[i], "x", 1, -1, &error));
        assert_false(inside_exists(folder, names[i]));
    }
    assert_true(scenario_path_is_inside("a/..b/c.") && scenario_path_is_inside("..a"));
}

static void links_are_not_followed(void **state) {
    struct error error;
    size_t size;
    char target[200];
    snprintf(target, sizeof(target), "%s/secret", outside);
    link_to(target, "file");
    link_to(outside, "folder");
    assert_null(inside_read(folder, "file", 100, &size, &error));
    assert_non_null(strstr(error.message, "symbolic link"));
    assert_null(inside_read(folder, "folder/secret", 100, &size, &error));
    assert_false(inside_write(folder, "folder/new", "x", 1, -1, &error));
    assert_false(exists(outside, "new"));
    assert_true(inside_write(folder, "file", "x", 1, -1, &error)); /* takes the link's place */
    int secret = open(target, O_RDONLY);
    char text[10] = "";
    assert_int_equal(read(secret, text, sizeof(text)), 6);
    assert_string_equal(text, "secret");
    close(secret);
}

static void copies_hold_files_alone(void **state) {
    struct error error;
    char to[200];
    assert_true(inside_write(folder, "code.py", "1", 1, 1000000000, &error));
    assert_true(inside_write(folder, "lib/a/b.py", "2", 1, 1000000000, &error));
    assert_true(inside_write(folder, "scenario.yaml", "3", 1, -1, &error)); /* never on a drive */
    link_to(outside, "folder");
    link_to("code.py", "link.py");
    place(to, sizeof(to), "copy");
    mkdir(to, 0777);
    assert_true(inside_copy(folder, to, false, 100, &error));
    assert_true(exists(to, "code.py") && exists(to, "lib/a/b.py"));
    assert_false(exists(to, "folder") || exists(to, "link.py") || exists(to, "scenario.yaml"));
    char linked[200];
    place(linked, sizeof(linked), "linked");
    mkdir(linked, 0777);
    assert_true(inside_copy(to, linked, true, 100, &error));
    struct stat a, b;
    strcat(to, "/lib/a/b.py");
    strcat(linked, "/lib/a/b.py");
    assert_true(stat(to, &a) == 0 && stat(linked, &b) == 0);
    assert_int_equal(a.st_ino, b.st_ino);
    assert_int_equal(a.st_mtime, 1000000000);
}

static void too_much_is_not_copied(void **state) {
    struct error error;
    char to[200];
    assert_true(inside_write(folder, "large", "0123456789", 10, -1, &error));
    place(to, sizeof(to), "copy");
    mkdir(to, 0777);
    assert_false(inside_copy(folder, to, false, 9, &error));
    assert_non_null(strstr(error.message, "large"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(files_are_written_and_read), TEST(names_that_lead_out_are_refused), TEST(links_are_not_followed),
        TEST(copies_hold_files_alone),    TEST(too_much_is_not_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
