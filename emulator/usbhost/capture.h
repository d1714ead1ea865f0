/* What goes over the cable, for people: a capture that Wireshark reads, and trace lines. */
#ifndef USBHOST_CAPTURE_H
#define USBHOST_CAPTURE_H

#include "emulator/usbhost/engine.h"

#include <stddef.h>

struct usbhost;

struct usbhost_capture {
    void (*write)(void *context, const void *bytes, size_t length); /* NULL: no capture */
    void *context;
    bool trace;
};

/* engine.c's observer; `context` is the host. */
void usbhost_observe(void *context, const struct usb_transfer *transfer, bool submitted, enum usb_result result);

#endif
