/* Which image file is taken for a board. */
#include "firmware-loader/firmware.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct folders {
    char root[64];
};

static void touch(const struct folders *f, const char *path) {
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", f->root, path);
    FILE *file = fopen(full, "w");
    assert_non_null(file);
    fclose(file);
}

/* ROOT/a and ROOT/b are searched, ROOT/cache is the user's cache. */
static int set_up(void **state) {
    struct folders *f = calloc(1, sizeof(*f));
    char path[128];
    strcpy(f->root, "/tmp/ouroboard-test.XXXXXX");
    if (!mkdtemp(f->root)) {
        return -1;
    }
    static const char *const names[] = { "a", "b", "cache", "cache/ouroboard", "cache/ouroboard/firmware" };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", f->root, names[i]);
        mkdir(path, 0777);
    }
    snprintf(path, sizeof(path), "%s/a:%s/none:%s/b", f->root, f->root, f->root);
    setenv("OUROBOARD_FIRMWARE_PATH", path, 1);
    snprintf(path, sizeof(path), "%s/cache", f->root);
    setenv("XDG_CACHE_HOME", path, 1);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct folders *f = *state;
    char command[128];
    snprintf(command, sizeof(command), "rm -r '%s'", f->root);
    int result = system(command);
    free(f);
    return result;
}

static void expect(const struct folders *f, const char *board, const char *version, const char *path) {
    char found[4096];
    char wanted[256];
    struct error error = { "" };
    if (!firmware_find(board, version, found, sizeof(found), &error)) {
        fail_msg("%s", error.message);
    }
    snprintf(wanted, sizeof(wanted), "%s/%s", f->root, path);
    assert_string_equal(found, wanted);
}

static void newest_of_the_first_directory(void **state) {
    struct folders *f = *state;
    touch(f, "b/adafruit-circuitpython-pico-en_US-11.0.0.uf2");
    touch(f, "cache/ouroboard/firmware/adafruit-circuitpython-pico-en_US-8.0.0.uf2");
    expect(f, "pico", NULL, "b/adafruit-circuitpython-pico-en_US-11.0.0.uf2");
    touch(f, "a/adafruit-circuitpython-pico-de_DE-10.0.0.uf2");
    touch(f, "a/adafruit-circuitpython-pico-en_US-10.0.0.uf2");
    touch(f, "a/adafruit-circuitpython-pico-fr-10.0.0.uf2");
    touch(f, "a/adafruit-circuitpython-pico-en_US-9.2.1.uf2");
    touch(f, "a/adafruit-circuitpython-pico_w-en_US-12.0.0.uf2");
    touch(f, "a/adafruit-circuitpython-pico-en_US-13.0.0.txt");
    touch(f, "a/notes.uf2");
    expect(f, "pico", NULL, "a/adafruit-circuitpython-pico-en_US-10.0.0.uf2");
    expect(f, "pico", "9.2.1", "a/adafruit-circuitpython-pico-en_US-9.2.1.uf2");
    expect(f, "pico", "11.0.0", "b/adafruit-circuitpython-pico-en_US-11.0.0.uf2");
    expect(f, "pico", "8.0.0", "cache/ouroboard/firmware/adafruit-circuitpython-pico-en_US-8.0.0.uf2");
}

static void says_what_to_do(void **state) {
    char path[4096];
    struct error error;
    assert_false(firmware_find("pico", "1.0", path, sizeof(path), &error));
    assert_non_null(strstr(error.message, "run `scripts/fetch-firmware pico 1.0`, or name a file with --firmware"));
    assert_null(strchr(error.message, '\n'));
}

static void order_of_versions(void **state) {
    static const char *const ascending[] = { "8.2.9", "8.2.10", "9.0.0-alpha.10", "9.0.0-beta.2", "9.0.0", "10.0.0" };
    for (size_t i = 1; i < sizeof(ascending) / sizeof(ascending[0]); i++) {
        assert_true(firmware_compare_versions(ascending[i - 1], ascending[i]) < 0);
        assert_true(firmware_compare_versions(ascending[i], ascending[i - 1]) > 0);
        assert_int_equal(firmware_compare_versions(ascending[i], ascending[i]), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(newest_of_the_first_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(says_what_to_do, set_up, tear_down),
        cmocka_unit_test(order_of_versions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
