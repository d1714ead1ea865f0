/* Any lines as requests of the control protocol, of one client after the other, to a board with parts. Runs are cut
 * short: what a run does is not what is looked for here, but that its conditions are taken up and let go of. */
#include "tests/fuzz/fuzz.h"

#include "emulator/control/control.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SLICES 3

static const char diagram[] = "{\"version\":1,\"parts\":[{\"id\":\"p\",\"type\":\"wokwi-pi-pico\"},"
                              "{\"id\":\"l\",\"type\":\"wokwi-led\"},{\"id\":\"b\",\"type\":\"wokwi-pushbutton\"}],"
                              "\"connections\":[[\"p:GP3\",\"l:A\"],[\"b:1.l\",\"p:GP2\"],[\"b:2.l\",\"p:GND.1\"]]}";
/* `b .` at the beginning of SRAM (Intel HEX). */
static const char image[] = ":020000042000DA\n:02000000FEE719\n:00000001FF\n";

static char folder[] = "/tmp/ouroboard-fuzz.XXXXXX";

static void write_file(const char *name, const char *text) {
    char path[64];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file) {
        abort();
    }
    fputs(text, file);
    fclose(file);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A failure to set up is none of the protocol's. */
static void make_folder(void) {
    static bool made;
    char path[64];
    if (made) {
        return;
    }
    made = true;
    atexit(remove_folder);
    snprintf(path, sizeof(path), "%s/drive", mkdtemp(folder) ? folder : "");
    if (mkdir(path, 0700) != 0) {
        abort();
    }
    write_file("diagram.json", diagram);
    write_file("image.hex", image);
}

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

/* One for all inputs: a session takes longer to open than the lines to serve. What an input has done to the board stays
 * for the next one, as with clients. */
static struct control *open_control(void) {
    static char hex[64], drive[64]; /* the session borrows them */
    struct error error;
    make_folder();
    snprintf(hex, sizeof(hex), "%s/image.hex", folder);
    snprintf(drive, sizeof(drive), "%s/drive", folder);
    const struct session_desc session_desc = { .project = folder, .firmware = hex, .drive = drive };
    struct session *session = session_open(&session_desc, NULL, &error);
    const struct control_desc desc = { .session = session, .version = "0", .send = check_line };
    struct control *control = session ? control_create(&desc, &error) : NULL;
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
