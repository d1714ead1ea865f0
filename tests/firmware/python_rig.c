/* See python_rig.h. */
#include "tests/firmware/python_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

bool python_rig_is_micropython(const char *image) {
    return !strncmp(image, "RPI_", 4) || !strncmp(image, "rp2-", 4);
}

static char *read_text(const char *path) {
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 16);
    if (!file || !text || !fread(text, 1, (1 << 16) - 1, file)) {
        fprintf(stderr, "FAILED: cannot read %s\n", path);
        exit(1);
    }
    fclose(file);
    return text;
}

char *python_rig_source(const char *path, unsigned rounds) {
    char *text = read_text(path), *made = calloc(2, strlen(text) + 1), *out = made;
    unsigned line = 1;
    for (const char *at = text; *at;) {
        if (!strncmp(at, "NEXT", 4)) {
            out += sprintf(out, "%u", line + 1);
            at += 4;
        } else if (!strncmp(at, "ROUNDS", 6)) {
            out += sprintf(out, "%u", rounds);
            at += 6;
        } else {
            line += *at == '\n';
            *out++ = *at++;
        }
    }
    free(text);
    return made;
}

static void write_file(const char *folder, const char *name, const char *text) {
    char path[1024];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file)) {
        fprintf(stderr, "FAILED: cannot write %s\n", path);
        exit(1);
    }
}

static void fill_drive(char *drive, const char *program, const char *const *modules) {
    char lib[512];
    if (!mkdtemp(drive)) {
        fprintf(stderr, "FAILED: mkdtemp\n");
        exit(1);
    }
    snprintf(lib, sizeof(lib), "%s/lib", drive);
    mkdir(lib, 0755);
    write_file(drive, "code.py", program);
    for (; modules && *modules; modules += 2) {
        write_file(lib, modules[0], modules[1]);
    }
}

/* A string literal of Python with these contents. */
static void type_literal(struct rig *rig, const char *text) {
    char part[64];
    size_t used = 0;
    for (; *text; text++) {
        used += (size_t)sprintf(part + used, strchr("\\\"\n", *text) ? "\\x%02x" : "%c", *text);
        if (used > 40) {
            rig_type(rig, part);
            used = 0;
        }
    }
    part[used] = 0;
    rig_type(rig, part);
}

static void type_module(struct rig *rig, const char *name, const char *text) {
    rig_type(rig, "f = open('");
    rig_type(rig, name);
    rig_type(rig, "', 'w'); f.write(\"");
    type_literal(rig, text);
    rig_type(rig, "\"); f.close()\x04");
    RIG_CHECK(rig, rig_expect(rig, "\x04>", 3000));
}

static void type_text(struct rig *rig, const char *text) {
    char part[49];
    for (size_t left = strlen(text); left; left = strlen(text)) {
        size_t size = left < sizeof(part) - 1 ? left : sizeof(part) - 1;
        memcpy(part, text, size);
        part[size] = 0;
        rig_type(rig, part);
        text += size;
    }
}

void python_rig_start(struct rig *rig, const struct rig_desc *desc, char *drive, const char *program,
                      const char *const *modules) {
    struct rig_desc all = *desc;
    if (!python_rig_is_micropython(desc->image)) {
        fill_drive(drive, program, modules);
        all.drive = drive;
        rig_start(rig, &all);
        return;
    }
    rig_start(rig, &all);
    rig_run(rig, 2500);
    rig_type(rig, "\r\x03\x03\x01");
    RIG_CHECK(rig, rig_expect(rig, "raw REPL; CTRL-B to exit\r\n>", 2000));
    for (; modules && *modules; modules += 2) {
        type_module(rig, modules[0], modules[1]);
    }
    type_text(rig, program);
    machine_console_write(rig->machine, CONSOLE_USB, (const uint8_t *)"\x04", 1);
}
