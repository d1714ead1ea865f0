/* Files that a run writes: one that cannot be opened, or is not complete, is told. */
#include "emulator/cli/output.h"

#include <errno.h>
#include <string.h>

FILE *output_open(const char *option, const char *path, struct error *error) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        error_set(error, "%s %s: %s", option, path, strerror(errno));
    }
    return file;
}

bool output_close(FILE *file, const char *option, const char *path) {
    if (!file) {
        return true;
    }
    bool failed = ferror(file);
    failed |= fclose(file) != 0;
    if (failed) {
        fprintf(stderr, "ouroboard: %s %s: not all of it could be written; is the disk full?\n", option, path);
    }
    return !failed;
}
