/* Mass storage as the host sees it: SCSI over bulk-only transport. State only; functions in usbhost.h. */
#ifndef USBHOST_MSC_H
#define USBHOST_MSC_H

#include "emulator/usbhost/bot.h"

#define USBHOST_MSC_LUNS 4

enum usbhost_msc_state {
    USBHOST_MSC_ABSENT,    /* no such drive */
    USBHOST_MSC_NOT_READY, /* drive without medium, or not examined yet */
    USBHOST_MSC_READY,
};

/* What a drive is at the moment. */
struct usbhost_msc_info {
    enum usbhost_msc_state state;
    uint32_t sectors;
    uint32_t sector_size; /* bytes */
    bool write_protected;
    unsigned generation; /* counts up whenever a medium becomes ready: what was read before may be stale */
    char vendor[9], product[17], revision[5];
};

enum usb_msc_operation {
    USB_MSC_TRANSFER,        /* read or write sectors */
    USB_MSC_SYNCHRONIZE,     /* SYNCHRONIZE CACHE(10); a device that does not know it counts as done */
    USB_MSC_PREVENT_REMOVAL, /* as a PC does on mounting; likewise */
    USB_MSC_ALLOW_REMOVAL,
    USB_MSC_EJECT, /* START STOP UNIT: the device may give the volume back to the firmware */
    USB_MSC_LOAD,
};

/* Owned by the caller; must stay where it is, with its data, until done() has been called. */
struct usb_msc_request {
    enum usb_msc_operation operation;
    uint8_t lun;
    bool write;     /* of USB_MSC_TRANSFER */
    uint32_t lba;   /* first sector */
    uint32_t count; /* sectors, at least 1 */
    uint8_t *data;  /* count * sector_size bytes, read from or written to */
    /* Called once, from an event, or when the device detaches. The request may be submitted again from within. */
    void (*done)(struct usb_msc_request *request, bool ok);
    void *owner;

    struct usb_msc_request *next; /* below: the driver's */
    uint32_t moved;               /* sectors */
    unsigned tries;
    bool queued;
};

struct usbhost_msc_lun {
    struct usbhost_msc_info info;
    enum msc_step {
        MSC_IDLE,
        MSC_INQUIRY,
        MSC_TEST,
        MSC_CAPACITY,
        MSC_MODE,
    } step;         /* what is to be asked next */
    unsigned tries; /* TEST UNIT READY after a unit attention */
    bool changed;   /* to be examined again: the medium may be another one */
};

struct usbhost_msc {
    struct usbhost *host;
    bool bound;
    struct usbhost_bot bot;
    unsigned luns; /* 0: not known yet */
    struct usbhost_msc_lun lun[USBHOST_MSC_LUNS];
    unsigned active; /* lun of the command under way */
    enum msc_activity { MSC_NOTHING, MSC_EXAMINING, MSC_REQUEST, MSC_SENSE } activity, sense_for;
    struct usb_msc_request *first; /* the first one is under way when activity says so */
    struct event poll;             /* TEST UNIT READY every second */
    struct usb_transfer control;   /* GET MAX LUN */
    uint8_t max_lun;
    uint8_t data[256];
    uint8_t sense_key, sense_code;
};

#endif
