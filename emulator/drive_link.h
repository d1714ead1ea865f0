/* The drive engine on a machine: its requests go through the emulated USB host's mass storage, its area is the board's
 * flash. */
#ifndef DRIVE_LINK_H
#define DRIVE_LINK_H

#include "emulator/machine.h"
#include "emulator/usbhost/usbhost.h"
#include "firmware-loader/drive.h"

struct drive_link {
    struct drive *drive; /* NULL: no drive */
    struct usbhost *host;
    struct usbhost_listener listener;
    struct usb_msc_request transfer;
    unsigned generation;   /* of the medium we are attached to; 0: none */
    uint32_t offset, size; /* of the file system in flash */
    uint8_t *area;         /* there */
    uint64_t next_poll_ps;
};

/* Make `folder` the drive at `offset` of the machine's flash: before power-on. The link must stay where it is. */
bool drive_link_open(struct drive_link *link, const char *folder, struct machine *machine, uint32_t offset,
                     uint32_t size, drive_report *report, void *context, struct error *error);
/* From machine_events.flash_changed. */
void drive_link_flash_changed(struct drive_link *link, uint32_t offset, uint32_t size);
/* Between two slices of the machine. */
void drive_link_step(struct drive_link *link, uint64_t now_ps);
/* The last changes of the board are copied into the folder. Before the machine is destroyed. */
void drive_link_close(struct drive_link *link);

#endif
