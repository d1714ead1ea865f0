/* A folder of the host as the CIRCUITPY drive, in step both ways while the firmware runs.
 *
 * The engine behaves like a PC that has the drive mounted: it keeps its own copy of the volume, reads and writes
 * sectors as mass-storage requests, and copies files between the volume and the folder. It has no thread and no clock:
 * it moves when drive_poll() is called (a few times a second of the board's time) and when a request completes.
 *
 *   folder -> drive   A file whose size, time or inode changed and then stood still from one poll to the next is
 * written as a whole: data, table, folder entry, and then the old data is given back; all changed files in one go, so
 * that the firmware reloads once. drive -> folder   When the flash has changed and was quiet from one poll to the next,
 * the table and the folders are read again; changed files are copied into the folder (a temporary file, renamed; the
 * date is the drive's). deleted           on one side is deleted on the other, unless it was changed there: then it
 * comes back. changed on both   The folder's file stays and goes to the drive; what the drive had is kept as
 * NAME.conflict. damaged, emptied or formatted volumes never cost a file of the folder: one line says what is the
 * matter.
 *
 * What stays off the drive: see drive_folder.c. Dates are UTC on both sides. */
#ifndef FIRMWARE_LOADER_DRIVE_H
#define FIRMWARE_LOADER_DRIVE_H

#include "emulator/core/error.h"
#include "firmware-loader/drive_folder.h"

/* A transfer of whole sectors of 512 bytes to or from the medium (block 0 is the partition table). Every request that
 * was accepted is completed exactly once, with `ok` false when the medium refuses or goes away. `done` may be called
 * from within the submit function. */
struct drive_request {
    bool write;
    uint32_t lba, count;
    uint8_t *data; /* count * 512 bytes, valid until `done` */
    void (*done)(struct drive_request *request, bool ok);
    void *owner;
};

/* Take a request; false when it cannot be taken (no medium): `done` is then not called, and it is tried again later. */
typedef bool drive_submit(void *context, struct drive_request *request);

struct drive_desc {
    const char *folder;
    /* The file system's part of the flash, as the machine holds it; must outlive the drive. drive_create() fills it.
     * NULL: a volume that is there already; everything is then read over mass storage. */
    uint8_t *area;
    size_t area_size;
    uint32_t serial; /* of the volume; 0: DRIVE_SERIAL */
    /* The least time between two looks at the folder, on the host's clock: a board that runs faster than the clock on
     * the wall must not take a file that an editor is about to write for one that stands still. 0: every poll looks. */
    unsigned host_ms;
    /* Keep off the drive what CircuitPython would start by itself (code.py and its other names), until
     * drive_release_code(). */
    bool hold_code;
    /* The area holds a volume that firmware has mounted: nothing is built in it. */
    bool mounted;
    drive_submit *submit;
    void *submit_context;
    drive_report *report; /* may be NULL */
    void *report_context;
};

struct drive;

/* Build the folder's image in the area (see drive_build_image()). NULL with `error` when that is not possible. */
struct drive *drive_create(const struct drive_desc *desc, struct error *error);
/* Also with a request under way, whose `done` must then not be called any more. NULL is fine. */
void drive_destroy(struct drive *drive);

/* The medium is ready for requests: after enumeration, after a reset, after it was taken out and put back. */
void drive_attach(struct drive *drive);
/* The medium is gone; the request under way must still be completed. */
void drive_detach(struct drive *drive);
/* What MODE SENSE says. Changes of the folder wait while the medium is write-protected (the firmware has remounted it).
 */
void drive_set_write_protected(struct drive *drive, bool write_protected);
/* Bytes of the area were erased or programmed, by whomever. Cheap; to be called for every change, from the flash model.
 */
void drive_flash_changed(struct drive *drive, size_t offset, size_t length);

/* Look at the folder, and start what is to be done. Call it a few times a second. */
void drive_poll(struct drive *drive);
/* Whether a program is held back. */
bool drive_code_is_held(const struct drive *drive);
/* From the next poll on it goes onto the drive, whatever the host's clock says; then the firmware reloads. */
void drive_release_code(struct drive *drive);
/* What was released is on the drive, or cannot be there (that has been reported). */
bool drive_code_is_written(struct drive *drive);
/* The chip has been reset: take the programs off the drive again, in the area itself, as before power-on. False, and
 * nothing is done, when there is none or folder and drive are not in step. */
bool drive_hold_code(struct drive *drive);
/* Write what is held back into the area itself; the chip is to be reset then. */
void drive_put_code_back(struct drive *drive);
/* Whether something is under way or waits for the next poll: a front end that leaves polls until this is false (with a
 * limit of its own), then calls drive_finish(). */
bool drive_busy(const struct drive *drive);
/* The folder goes on at another place, whose files are the same (by their signatures: hard links). False when memory
 * runs out. */
bool drive_move(struct drive *drive, const char *folder);
/* A last look before the machine goes: what the firmware has changed in the area is copied into the folder, directly.
 * False when the folder did not take all of it; that has been reported. */
bool drive_finish(struct drive *drive);

#endif
