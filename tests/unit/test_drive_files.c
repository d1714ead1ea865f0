/* Files of the drive through the session, and the paths that are refused. */
#include "emulator/session/drive_files.h"
#include "tests/unit/small_session.h"

static void write_text(struct small_session *small, const char *path, const char *text) {
    struct error error = { "" };
    if (!session_drive_write(small->session, path, text, strlen(text), &error)) {
        fail_msg("%s", error.message);
    }
}

static void reads_as(struct small_session *small, const char *path, const char *text) {
    struct error error = { "" };
    uint8_t *data;
    size_t size;
    if (!session_drive_read(small->session, path, &data, &size, &error)) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size);
    free(data);
}

static void refuses(struct small_session *small, const char *path, const char *expected) {
    struct error error = { "" };
    uint8_t *data;
    size_t size;
    char line[600];
    snprintf(line, sizeof(line), expected, path);
    assert_false(session_drive_read(small->session, path, &data, &size, &error));
    assert_string_equal(error.message, line);
    assert_false(session_drive_delete(small->session, path, &error));
    assert_string_equal(error.message, line);
}

static bool note_entry(void *context, const struct drive_entry *entry) {
    char *list = context;
    sprintf(list + strlen(list), "%s%s %u\n", entry->path, entry->is_folder ? "/" : "", (unsigned)entry->size);
    return strlen(list) < 200;
}

static void files_come_and_go(void **state) {
    struct small_session small;
    struct error error = { "" };
    char list[300] = "";
    small_open(&small, NULL, NULL);
    write_text(&small, "code.py", "print(1)\n");
    write_text(&small, "lib/deep/m.py", "");
    write_text(&small, "code.py", "print(22)\n");
    reads_as(&small, "code.py", "print(22)\n");
    reads_as(&small, "lib/deep/m.py", "");
    assert_true(session_drive_list(small.session, note_entry, list, &error));
    assert_string_equal(list, "code.py 10\nlib/ 0\nlib/deep/ 0\nlib/deep/m.py 0\n");
    assert_false(session_drive_delete(small.session, "lib", &error));
    assert_string_equal(error.message, "lib: Directory not empty");
    assert_true(session_drive_delete(small.session, "lib/deep/m.py", &error));
    assert_true(session_drive_delete(small.session, "lib/deep", &error));
    refuses(&small, "lib/deep/m.py", "%s: there is no such file on the drive");
    small_close(&small);
}

/* The date is the run's, not the clock's: 2024-01-01 and the virtual seconds. */
static void dates_are_virtual(void **state) {
    struct small_session small;
    struct stat status;
    char path[80];
    small_open(&small, NULL, NULL);
    snprintf(path, sizeof(path), "%s/a.txt", small.drive);
    session_run(small.session, 2 * UINT64_C(1000000000000));
    write_text(&small, "a.txt", "a");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mtim.tv_sec, 1704067202);
    assert_int_equal(status.st_mtim.tv_nsec, 0);
    small_close(&small);
}

static void nothing_outside_is_reached(void **state) {
    static const char *const paths[] = {
        "",  "/etc/passwd", "../secret.txt", "lib/../../secret.txt", "lib/",         "a//b",
        ".", "a/./b",       "a:b",           "diagram.json",         ".ouroboard-1",
    };
    struct small_session small;
    char path[100], outside[100];
    struct error error;
    small_open(&small, NULL, NULL);
    snprintf(outside, sizeof(outside), "%s/secret.txt", small.folder);
    small_write_file(outside, "secret", 6);
    for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        refuses(&small, paths[i],
                "\"%s\" is no path on the drive: say it relative to the drive, such as lib/module.py");
        assert_false(session_drive_write(small.session, paths[i], "x", 1, &error));
    }
    snprintf(path, sizeof(path), "%s/link.txt", small.drive);
    assert_int_equal(symlink("../secret.txt", path), 0);
    snprintf(path, sizeof(path), "%s/up", small.drive);
    assert_int_equal(symlink("..", path), 0);
    uint8_t *data;
    size_t size;
    assert_false(session_drive_read(small.session, "link.txt", &data, &size, &error));
    assert_false(session_drive_read(small.session, "up/secret.txt", &data, &size, &error));
    assert_false(session_drive_write(small.session, "up/secret.txt", "x", 1, &error));
    assert_false(session_drive_delete(small.session, "up/secret.txt", &error));
    write_text(&small, "link.txt", "mine"); /* in the link's place */
    FILE *file = fopen(outside, "rb");
    char text[8] = "";
    assert_int_equal(fread(text, 1, sizeof(text), file), 6);
    fclose(file);
    assert_string_equal(text, "secret");
    small_close(&small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_come_and_go),
        cmocka_unit_test(dates_are_virtual),
        cmocka_unit_test(nothing_outside_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
