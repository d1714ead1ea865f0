/* Any bytes to the GDB server, from two clients in turn (each line feed changes over), on a board that runs a few
 * instructions. Frames that end in "#??" get their right sum, so that packets get through. The board runs for a moment
 * whenever it is let run. What an input has done to the board stays for the next one. */
#include "tests/fuzz/fuzz.h"

#include "emulator/debug/gdb.h"
#include "emulator/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUNS 3

/* A loop at the beginning of SRAM that counts, stores and loads (Intel HEX). */
static const char image[] =
    ":020000042000DA\n:100000000348013101600268FBE7C046C046C046B4\n:0400100000100020BC\n:00000001FF\n";

struct fuzzed {
    struct session *session;
    struct gdb *gdb;
};

static void drop(void *context, unsigned client, const void *bytes, size_t size) {
    if (client >= GDB_CLIENTS || !size) {
        __builtin_trap();
    }
}

static struct fuzzed *open_board(void) {
    static struct fuzzed fuzzed;
    static char path[] = "/tmp/ouroboard-fuzz.XXXXXX.hex";
    struct error error = { "" };
    int fd = mkstemps(path, 4);
    if (fd < 0 || write(fd, image, sizeof(image) - 1) != (ssize_t)sizeof(image) - 1) {
        abort();
    }
    close(fd);
    const struct session_desc desc = { .board = "raspberry_pi_pico", .firmware = path, .no_drive = true };
    fuzzed.session = session_open(&desc, NULL, &error);
    unlink(path);
    const struct gdb_desc gdb_desc = { .session = fuzzed.session, .send = drop };
    fuzzed.gdb = fuzzed.session ? gdb_create(&gdb_desc, &error) : NULL;
    if (!fuzzed.gdb) {
        fprintf(stderr, "%s\n", error.message);
        abort();
    }
    return &fuzzed;
}

/* A file that a command names is written for real: not in a fuzz run. "snapshot", in hexadecimal as well. */
static bool names_a_file(const uint8_t *bytes, size_t size) {
    return memmem(bytes, size, "736e6170", 8) || memmem(bytes, size, "snap", 4);
}

static void run_board(struct fuzzed *fuzzed) {
    for (unsigned i = 0; i < RUNS && !gdb_holds(fuzzed->gdb); i++) {
        session_run(fuzzed->session, session_now(fuzzed->session) + 100000);
        gdb_ran(fuzzed->gdb);
    }
}

static void give(struct fuzzed *fuzzed, unsigned client, const uint8_t *bytes, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum = bytes[i] == '$' ? 0 : (uint8_t)(sum + bytes[i]);
        if (bytes[i] == '#' && size - i >= 3 && bytes[i + 1] == '?') {
            char end[4];
            snprintf(end, sizeof(end), "#%02x", (uint8_t)(sum - '#'));
            gdb_receive(fuzzed->gdb, client, end, 3);
            run_board(fuzzed);
            i += 2;
        } else {
            gdb_receive(fuzzed->gdb, client, &bytes[i], 1);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct fuzzed *fuzzed;
    unsigned client = 0;
    if (names_a_file(bytes, size)) {
        return 0;
    }
    fuzzed = fuzzed ? fuzzed : open_board();
    gdb_connect(fuzzed->gdb, 0);
    gdb_connect(fuzzed->gdb, 1);
    while (size) {
        const uint8_t *end = memchr(bytes, '\n', size);
        size_t length = end ? (size_t)(end - bytes) : size;
        give(fuzzed, client, bytes, length);
        client ^= end != NULL;
        bytes += length + (end != NULL);
        size -= length + (end != NULL);
    }
    gdb_disconnect(fuzzed->gdb, 1);
    gdb_disconnect(fuzzed->gdb, 0);
    run_board(fuzzed);
    return 0;
}
