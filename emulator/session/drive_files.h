/* Files of the CIRCUITPY drive, in the drive's folder of the host: the drive link brings them to the board, and what
 * the board writes to the folder (docs/drive.md). Paths are relative with '/' between their parts, every part a name
 * that FAT can hold; "..", absolute paths and ways through symbolic links are refused. A file that is written is dated
 * by virtual time, so that the same inputs make the same drive.
 *
 * Every function fails with an error line that names the path and what to do. */
#ifndef SESSION_DRIVE_FILES_H
#define SESSION_DRIVE_FILES_H

#include "emulator/session/session.h"

#define DRIVE_FILE_MAX (16u << 20) /* bytes */

struct drive_entry {
    const char *path;
    bool is_folder;
    uint64_t size; /* bytes, of a file */
};

/* Calls `each` for everything on the drive, a folder before its contents, in order of names; what stays off the drive
 * is left out. `each` ends the list by returning false. */
bool session_drive_list(struct session *session, bool (*each)(void *context, const struct drive_entry *entry),
                        void *context, struct error *error);
/* *ret_data is to be freed. */
bool session_drive_read(struct session *session, const char *path, uint8_t **ret_data, size_t *ret_size,
                        struct error *error);
/* Makes the folders on the way that are missing, and replaces a file as a whole. */
bool session_drive_write(struct session *session, const char *path, const void *data, size_t size, struct error *error);
/* A file, or a folder that is empty. */
bool session_drive_delete(struct session *session, const char *path, struct error *error);

#endif
