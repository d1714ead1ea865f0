/* For tests of FAT volumes: a scratch folder, and mtools and fsck.fat as oracles. */
#ifndef TESTS_UNIT_FAT_TOOLS_H
#define TESTS_UNIT_FAT_TOOLS_H

#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ends the program with 77 (skipped) where the tools are missing, unless this is CI: then it fails. */
static inline void fat_tools_require(void) {
    setenv("PATH", "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin", 1);
    if (system("command -v mcopy mdir mtype fsck.fat >/dev/null") == 0) {
        setenv("TZ", "UTC", 1);
        return;
    }
    bool ci = getenv("CI") && !strcmp(getenv("CI"), "true");
    fprintf(stderr, "mtools and dosfstools are needed\n");
    exit(ci ? 1 : 77);
}

/* A new folder below the system's temporary one; fat_tools_finish() removes it. */
static inline char *fat_tools_scratch(void) {
    const char *base = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    char path[4096];
    snprintf(path, sizeof(path), "%s/ouroboard-XXXXXX", base);
    return mkdtemp(path) ? strdup(path) : NULL;
}

static inline int fat_tools_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int fat_tools_run(const char *format, ...) {
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    return system(command);
}

static inline void fat_tools_finish(char *path) {
    fat_tools_run("rm -rf '%s'", path);
    free(path);
}

static inline void fat_tools_save(const char *path, const void *data, size_t size) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static inline size_t fat_tools_load(const char *path, void *data, size_t size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(data, 1, size, file);
    fclose(file);
    return count;
}

/* fsck.fat finds nothing to say about the volume. */
static inline void fat_tools_check(const char *scratch, const void *image, size_t size) {
    char path[4096];
    snprintf(path, sizeof(path), "%s/check.img", scratch);
    fat_tools_save(path, image, size);
    if (fat_tools_run("fsck.fat -n '%s' > '%s.log' 2>&1", path, path)) {
        fat_tools_run("cat '%s.log' >&2", path);
        fail_msg("fsck.fat complains");
    }
}

#endif
