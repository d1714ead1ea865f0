/* A raw FAT image in a file as the CIRCUITPY drive (`--image FILE`), written back when the firmware changes it. */
#ifndef FIRMWARE_LOADER_DRIVE_FILE_H
#define FIRMWARE_LOADER_DRIVE_FILE_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct drive_file {
    char *path; /* NULL: not open */
    const uint8_t *area;
    size_t size;
    uint8_t table[512]; /* the block before the volume, as a dump of the whole USB drive has it */
    bool has_table;
    bool changed, touched; /* since the last save; since the last poll */
};

/* Read the image into the `size` bytes at `area`, which is borrowed until close. The file holds the volume itself, as
 * it lies in flash, or a whole drive with a partition table whose first partition is the volume. It may be shorter than
 * the area (the rest is erased flash). A file that does not exist stands for an erased area, which the firmware
 * formats; it is made by the first save. False with a line in `error`: no FAT volume, too large, unreadable. */
bool drive_file_open(struct drive_file *file, const char *path, uint8_t *area, size_t size, struct error *error);
/* The area has been erased or programmed. */
void drive_file_changed(struct drive_file *file);
/* A few times a second: saves when the area has changed and was quiet since the last call. The file is replaced as a
 * whole (a temporary file, renamed). False with a line when that failed; it is tried again. */
bool drive_file_poll(struct drive_file *file, struct error *error);
/* Save what has changed, and forget the file. Fine when it is not open. */
bool drive_file_close(struct drive_file *file, struct error *error);

#endif
