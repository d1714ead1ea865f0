/* Bulk-only transport (USB Mass Storage Class, Bulk-Only Transport 1.0): one SCSI command at a time. */
#ifndef USBHOST_BOT_H
#define USBHOST_BOT_H

#include "emulator/usbhost/engine.h"

struct usbhost;

enum bot_status {
    BOT_GOOD,
    BOT_CHECK,  /* the command failed; sense data tell why */
    BOT_FAILED, /* the transport failed; it has been reset and works again */
    BOT_DEAD,   /* the transport failed, and so did its reset: the next command will try that again */
};

struct bot_command {
    uint8_t lun;
    uint8_t length; /* of cdb, 1 to 16 */
    uint8_t cdb[16];
    bool in;
    uint8_t *data; /* borrowed until done() */
    uint32_t data_length;
};

struct usbhost_bot {
    struct usbhost *host;
    struct usb_pipe *in, *out;
    uint8_t interface;
    bool busy;
    bool broken; /* to be reset before the next command */
    enum bot_phase {
        BOT_COMMAND,
        BOT_DATA,
        BOT_STATUS,
        BOT_STATUS_AGAIN,
        BOT_RESET,
        BOT_RESET_IN,
        BOT_RESET_OUT,
    } phase;
    struct bot_command command;
    uint32_t actual;      /* bytes of data that went over */
    bool reset_refused;   /* some step of the present reset failed */
    bool command_waiting; /* the reset is for a command that has not begun yet */
    uint32_t tag;
    uint8_t cbw[31], csw[13 + 51]; /* csw: room for a whole packet */
    struct usb_transfer bulk, control;
    void (*done)(void *owner, enum bot_status status, uint32_t actual);
    void *owner;
};

void usbhost_bot_bind(struct usbhost_bot *bot, struct usbhost *host, uint8_t interface, struct usb_pipe *in,
                      struct usb_pipe *out);
/* Begin a command; not while busy. done() is called once from an event, unless the device detaches. */
void usbhost_bot_begin(struct usbhost_bot *bot, const struct bot_command *command);

#endif
