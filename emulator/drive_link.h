/* The CIRCUITPY drive of a machine from the host's side: a folder, kept in step by the drive engine through the
 * emulated USB host's mass storage, or a raw image file, written back from the flash. */
#ifndef DRIVE_LINK_H
#define DRIVE_LINK_H

#include "emulator/machine.h"
#include "emulator/usbhost/usbhost.h"
#include "firmware-loader/drive.h"
#include "firmware-loader/drive_file.h"

#define DRIVE_LINK_HOST_MS 100

/* Who wants to know what goes to the board's drive, and in answer to what. */
struct drive_link_tap {
    void *context;
    /* The medium has changed, or a request is done: until the second call, with `begins` false, the drive may make new
     * requests in answer. */
    void (*heard)(void *context, bool begins);
    /* A request is on its way; the data of a write are there. */
    void (*asked)(void *context, const struct usb_msc_request *request);
};

struct drive_link {
    const struct drive_link_tap *tap; /* may be NULL */
    struct drive *drive;              /* NULL: no folder */
    struct drive_file file;           /* path NULL: no image */
    bool file_failed;                 /* its report has been made */
    drive_report *report;
    void *report_context;
    struct usbhost *host;
    struct usbhost_listener listener;
    struct drive_request *request; /* under way as `transfer` */
    struct usb_msc_request transfer;
    unsigned generation;   /* of the medium we are attached to; 0: none */
    uint32_t offset, size; /* of the file system in flash */
    uint8_t *area;         /* there */
    uint64_t next_poll_ps;
    bool resting; /* nothing moves: a program is held back */
};

/* Make `folder` the drive at `offset` of the machine's flash: before power-on. The link must stay where it is.
 * `host_ms` and `hold_code` as in struct drive_desc: DRIVE_LINK_HOST_MS where people edit files. While a program is
 * held back nothing is copied in either direction. */
bool drive_link_open(struct drive_link *link, const char *folder, struct machine *machine, uint32_t offset,
                     uint32_t size, unsigned host_ms, bool hold_code, drive_report *report, void *context,
                     struct error *error);
/* Make `folder` the drive of firmware that runs already and has its volume in flash: nothing is built, the two are
 * compared. A file that differs goes from the folder to the drive, and the drive's is kept beside it. */
bool drive_link_open_mounted(struct drive_link *link, const char *folder, struct machine *machine, uint32_t offset,
                             uint32_t size, unsigned host_ms, drive_report *report, void *context, struct error *error);
/* The same with the raw image in the file `path`. */
bool drive_link_open_image(struct drive_link *link, const char *path, struct machine *machine, uint32_t offset,
                           uint32_t size, drive_report *report, void *context, struct error *error);
/* Whether the board lets the PC write its drive now. */
bool drive_link_is_writable(const struct drive_link *link);
/* What was held back goes onto the drive. */
void drive_link_release_code(struct drive_link *link);
/* drive_hold_code() and drive_put_code_back() of this drive. */
bool drive_link_hold_code(struct drive_link *link);
void drive_link_put_code_back(struct drive_link *link);
/* The folder goes on at another place, with the same files. False when memory runs out. */
bool drive_link_move(struct drive_link *link, const char *folder);
/* Forget the drive: the folder stays as it is. */
void drive_link_abandon(struct drive_link *link);
/* From machine_events.flash_changed. */
void drive_link_flash_changed(struct drive_link *link, uint32_t offset, uint32_t size);
/* Between two slices of the machine. */
void drive_link_step(struct drive_link *link, uint64_t now_ps);
/* When that does something next; TIME_NEVER: there is no drive, or nothing moves. */
uint64_t drive_link_next(const struct drive_link *link);
/* The last changes of the board are copied into the folder or the file. Before the machine is destroyed. False when
 * they are not all there; that has been reported. */
bool drive_link_close(struct drive_link *link);

#endif
