/* `ouroboard run --window` with a real image under SDL's dummy driver: it draws its frames and ends in good order.
 *
 * usage: test_window OUROBOARD */
#include "tests/images.h"

#include <sys/wait.h>

#define IMAGE "adafruit-circuitpython-raspberry_pi_pico-en_US-10.2.1.uf2"
#define FRAMES "60"

static const char *program;

/* Runs a command line; what it says on stderr goes into `said`. Returns its exit code. */
static int run(const char *environment, const char *arguments, char *said, size_t size) {
    char command[2048];
    snprintf(command, sizeof(command), "env -u DISPLAY -u WAYLAND_DISPLAY -u SDL_VIDEODRIVER %s '%s' run %s 2>&1",
             environment, program, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t length = fread(said, 1, size - 1, pipe);
    said[length] = 0;
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void make_project(char *folder) {
    char command[512];
    assert_non_null(mkdtemp(folder));
    snprintf(command, sizeof(command), "cp -r '%s/examples/button-led/'* '%s'", TEST_SOURCE_ROOT, folder);
    assert_int_equal(system(command), 0);
}

static void remove_project(const char *folder) {
    char command[512];
    snprintf(command, sizeof(command), "rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void draws_frames_and_ends(void **state) {
    char image[1024], arguments[1600], said[8192], folder[] = "/tmp/ouroboard-window-XXXXXX";
    test_image(image, sizeof(image), IMAGE);
    make_project(folder);
    snprintf(arguments, sizeof(arguments), "'%s' --firmware '%s' --serial none --stats --frames " FRAMES, folder,
             image);
    int code = run("SDL_VIDEODRIVER=dummy", arguments, said, sizeof(said));
    remove_project(folder);
    if (code != 0 || !strstr(said, "ouroboard: window: ")) {
        fail_msg("code %d: %s", code, said);
    }
}

static void says_that_there_is_no_display(void **state) {
    char image[1024], arguments[1600], said[8192];
    test_image(image, sizeof(image), IMAGE);
    snprintf(arguments, sizeof(arguments), "--window --firmware '%s' --serial none --timeout 10", image);
    assert_int_equal(run("", arguments, said, sizeof(said)), 2);
    assert_non_null(strstr(said, "no display"));
    snprintf(arguments, sizeof(arguments), "--no-window --firmware '%s' --serial none --timeout 10", image);
    assert_int_equal(run("", arguments, said, sizeof(said)), 42);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(draws_frames_and_ends),
        cmocka_unit_test(says_that_there_is_no_display),
    };
    program = argc > 1 ? argv[1] : "ouroboard";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
