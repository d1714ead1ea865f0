/* arithmetic.py on the board and under the host's Python: the same text.
 *
 * usage: test_arithmetic IMAGE */
#include "tests/firmware/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCRIPT TEST_SOURCE_ROOT "/tests/firmware/arithmetic.py"

static char expected[1 << 20];
static char folder[] = "/tmp/ouroboard-arithmetic-XXXXXX";

static bool run_on_host(void) {
    FILE *python = popen("python3 " SCRIPT, "r");
    size_t size = python ? fread(expected, 1, sizeof(expected) - 1, python) : 0;
    expected[size] = 0;
    return python && pclose(python) == 0 && strstr(expected, "END");
}

static bool make_drive(void) {
    char command[512];
    snprintf(command, sizeof(command), "cp %s %s/code.py", SCRIPT, folder);
    return system(command) == 0;
}

/* The first line that differs, of texts whose lines end with \n and \r\n. */
static bool compare(const char *host, const char *board) {
    while (*host && *board) {
        size_t host_length = strcspn(host, "\n"), board_length = strcspn(board, "\r\n");
        if (host_length != board_length || memcmp(host, board, host_length) != 0) {
            fprintf(stderr, "host:  %.*s\nboard: %.*s\n", (int)host_length, host, (int)board_length, board);
            return false;
        }
        if (strncmp(host, "END", 3) == 0) {
            return true;
        }
        host += host_length + 1;
        board += board_length + strspn(board + board_length, "\r\n");
    }
    fprintf(stderr, "the board's text ends early\n");
    return false;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: test_arithmetic IMAGE\n");
        return 2;
    }
    rig_image_path(argv[1]);
    if (!mkdtemp(folder) || !run_on_host() || !make_drive()) {
        fprintf(stderr, "FAILED: %s does not run under the host's Python\n", SCRIPT);
        return 1;
    }
    static struct rig rig;
    rig_start(&rig, &(struct rig_desc){ .image = argv[1], .drive = folder });
    RIG_CHECK(&rig, rig_expect(&rig, "BEGIN\r\n", 10000));
    size_t begin = rig.cursor;
    RIG_CHECK(&rig, rig_expect(&rig, "END\r\n", 30000));
    bool ok = compare(strchr(expected, '\n') + 1, rig.output + begin);
    rig_stop(&rig);
    char code[sizeof(folder) + 16];
    snprintf(code, sizeof(code), "rm -rf %s", folder);
    return system(code) != 0 || !ok;
}
