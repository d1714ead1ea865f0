/* CDC ACM function as the host sees it (USB CDC 1.2, PSTN subclass). State only; functions in usbhost.h. */
#ifndef USBHOST_CDC_H
#define USBHOST_CDC_H

#include "emulator/usbhost/engine.h"

#define USBHOST_CDCS 4
#define USBHOST_CDC_RING 4096 /* bytes on their way to the device, power of two */

struct usbhost;

struct usbhost_cdc {
    struct usbhost *host;
    unsigned instance;
    /* What the user wants; kept over detachment. */
    bool wanted_open; /* DTR and RTS on, and received bytes are fetched */
    bool paused;      /* nothing is fetched: the reader is full */
    uint32_t baud;

    bool bound;
    bool ready; /* line coding and DTR have arrived at the device */
    uint8_t control_interface;
    struct usb_pipe *in, *out, *notify;
    bool sent_open, coding_sent; /* what the device has been told */

    struct usb_transfer control, receive, send, notification;
    uint8_t control_data[8];
    uint8_t receive_data[64];
    uint8_t notification_data[64];
    uint8_t send_data[64];
    uint8_t ring[USBHOST_CDC_RING];
    uint32_t head, tail; /* counts of bytes written and sent */
};

#endif
