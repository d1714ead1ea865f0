/* The contents of a flash chip in a file of the host (`--flash FILE`), kept so that the end of the process at any
 * moment, kill -9 included, leaves the contents as they were after an operation that had finished: the last one that
 * flash_file_changed() was told of.
 *
 * Changed sectors of 4 KiB are first appended to FILE.journal as one record, then written into FILE, then the journal
 * is emptied; the next start applies what it finds in the journal. An erase and the programs that fill what it erased,
 * page after page, count as one operation, so that a sector which firmware rewrites in place is found old or new,
 * never erased; an erase that is not followed up is written when firmware programs elsewhere, or after 500 ms of
 * virtual time. Nothing is fsynced: the contents survive the process, not a power failure of the host. */
#ifndef FIRMWARE_LOADER_FLASH_FILE_H
#define FIRMWARE_LOADER_FLASH_FILE_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stdint.h>

struct flash_file;

/* Lock the file and read it into `contents` (borrowed until close, `size` bytes, a multiple of 4 KiB), with what a
 * journal beside it adds. A file that does not exist is made, holding what `contents` holds. NULL and one line in
 * `error` when it has another size, is no file, cannot be read and written, or another process has it open. */
struct flash_file *flash_file_open(const char *path, uint8_t *contents, uint32_t size, struct error *error);
/* The file did not exist. */
bool flash_file_is_new(const struct flash_file *file);
/* Sectors that the journal of a process that had been killed brought in. */
unsigned flash_file_recovered(const struct flash_file *file);
/* These bytes of `contents` have been erased or programmed just now. Writes to the file as soon as the sectors are
 * complete; failures are kept for flash_file_commit(). */
void flash_file_changed(struct flash_file *file, uint32_t offset, uint32_t size, bool erased);
/* Find what has been put into `contents` without flash_file_changed(), by comparing with the file, and write it in one
 * step. Failures are kept for flash_file_commit(). */
void flash_file_compare(struct flash_file *file);
/* Write what has waited long enough at `now_ps` of virtual time; cheap when there is nothing. Call it now and then.
 * False with a line in `error` when something could not be written: it will be tried again. `file` may be NULL. */
bool flash_file_commit(struct flash_file *file, uint64_t now_ps, struct error *error);
/* Write everything, close, remove the empty journal. False when something could not be written: the contents of the
 * last successful write stay. In a forked child nothing is written: the file belongs to the process that opened it.
 * NULL is fine. */
bool flash_file_close(struct flash_file *file, struct error *error);

#endif
