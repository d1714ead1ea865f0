/* What is in an image: which program, version and board, told from the marks that its makers left in it. */
#ifndef LOADER_DESCRIBE_H
#define LOADER_DESCRIBE_H

#include "firmware-loader/boards.h"
#include "firmware-loader/image.h"

#include <stdio.h>

enum firmware_kind {
    FIRMWARE_UNKNOWN,
    FIRMWARE_CIRCUITPYTHON,
    FIRMWARE_MICROPYTHON,
    FIRMWARE_PICO_SDK, /* some other program built with the pico-sdk */
};

#define DESCRIPTION_TEXT 128

/* Texts are "" where the image does not say; unprintable characters are replaced. */
struct description {
    enum firmware_kind kind;
    enum chip chip; /* from the UF2 family, IMAGE_DEF or boot2; CHIP_UNKNOWN when nothing tells */
    char program[DESCRIPTION_TEXT];
    char version[DESCRIPTION_TEXT];
    char date[DESCRIPTION_TEXT];
    char url[DESCRIPTION_TEXT];
    char sdk_version[DESCRIPTION_TEXT];
    char board_id[DESCRIPTION_TEXT]; /* as the image has it: CircuitPython's or the pico-sdk's name */
    char banner[DESCRIPTION_TEXT];   /* what the REPL says first */
    const struct board *board;       /* what that is in our table; NULL when it is not there */
    bool has_drive;                  /* the image says where its file system is */
    uint32_t drive_offset;           /* in bytes from the start of flash */
    bool has_boot2;                  /* RP2040: there is something in the first 256 bytes of flash */
    bool boot2_ok;                   /* ... and its checksum is right, so that the boot ROM starts it */
    bool has_image_def;              /* RP2350: an IMAGE_DEF block in the first 4 KB */
    bool riscv;                      /* ... for the RISC-V cores */
};

/* Never fails: what cannot be told stays empty. */
void describe_image(const struct image *image, struct description *ret_description);
/* The text of `ouroboard info`. */
void describe_print(FILE *file, const struct image *image, const struct description *description);

#endif
