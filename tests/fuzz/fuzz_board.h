/* A board with parts and a drive, whose firmware does nothing, for fuzz mains that need a session. One for all inputs:
 * a session takes longer to open than an input to serve. */
#ifndef FUZZ_BOARD_H
#define FUZZ_BOARD_H

#include "emulator/session/session.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A failure to set up is none of what is tested. */
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

static struct session *open_board(void) {
    static char hex[64], drive[64]; /* the session borrows them */
    struct error error;
    make_folder();
    snprintf(hex, sizeof(hex), "%s/image.hex", folder);
    snprintf(drive, sizeof(drive), "%s/drive", folder);
    const struct session_desc desc = { .project = folder, .firmware = hex, .drive = drive };
    struct session *session = session_open(&desc, NULL, &error);
    if (!session) {
        abort();
    }
    return session;
}

#endif
