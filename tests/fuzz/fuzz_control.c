/* Any lines as requests of the control protocol, of one client after the other, to a board with parts. Runs are cut
 * short: what a run does is not what is looked for here, but that its conditions are taken up and let go of. */
#include "tests/fuzz/fuzz.h"

#include "emulator/control/control.h"
#include "tests/fuzz/fuzz_board.h"

#define SLICES 3

/* A reply is a line of its own. */
static void check_line(void *context, const char *line, size_t size) {
    if (memchr(line, '\n', size) != line + size - 1) {
        __builtin_trap();
    }
}

static void give_lines(struct control *control, const char *text, size_t size) {
    while (size) {
        const char *end = memchr(text, '\n', size);
        size_t length = end ? (size_t)(end - text) : size;
        if (control_takes_lines(control)) {
            control_line(control, text, length);
        }
        for (unsigned i = 0; i < SLICES && control_is_running(control); i++) {
            control_run_slice(control);
        }
        text += length + (end != NULL);
        size -= length + (end != NULL);
    }
}

/* A file that a request has named is written for real: not in a fuzz run. */
static bool names_a_file(const uint8_t *bytes, size_t size) {
    return memmem(bytes, size, "file", 4) || memmem(bytes, size, "\\u", 2);
}

/* What an input has done to the board stays for the next one, as with clients. */
static struct control *open_control(void) {
    struct error error;
    const struct control_desc desc = { .session = open_board(), .version = "0", .send = check_line };
    struct control *control = control_create(&desc, &error);
    if (!control) {
        abort();
    }
    return control;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct control *control;
    if (names_a_file(bytes, size)) {
        return 0;
    }
    control = control ? control : open_control();
    control_connect(control);
    give_lines(control, (const char *)bytes, size);
    control_disconnect(control);
    return 0;
}
