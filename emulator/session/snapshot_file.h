/* Snapshots of machines as files: machine_save()'s bytes, compressed, with a head that says what they are.
 *
 * A file is, all numbers little-endian: "OURO", 0x1a, "SNP"; format version and packing (32 bits each; packing 0: none,
 * 1: zstd); bytes of the snapshot, bytes of the file behind the head, virtual time in picoseconds (64 bits each);
 * SHA-256 of the head as it is with the SHA-256 of what is behind it in this place; CircuitPython's id of the board (64
 * bytes, NULs at its end); the snapshot, packed. */
#ifndef SESSION_SNAPSHOT_FILE_H
#define SESSION_SNAPSHOT_FILE_H

#include "emulator/machine.h"

#define SNAPSHOT_BOARD 64

struct snapshot_head {
    char board[SNAPSHOT_BOARD];
    uint64_t time_ps;
};

/* Write the machine as it is into the file, whole or not at all: a new file, renamed. False with an error line. */
bool snapshot_file_save(const char *path, const char *board, struct machine *machine, struct error *error);
/* Only look what it is. False with an error line. */
bool snapshot_file_look(const char *path, struct snapshot_head *ret_head, struct error *error);
/* Make the machine what it was: see machine_load_state(). False with an error line that names the file, what is wrong
 * with it and the remedy; the machine can only be destroyed then. */
bool snapshot_file_load(const char *path, const char *board, struct machine *machine, struct error *error);

#endif
