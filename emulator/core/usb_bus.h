/* The cable between a USB device controller and a host: what both ends may tell each other, at the level of
 * transactions (USB 2.0 chapters 7 to 9). Full speed. The host begins everything; a transaction is a function call that
 * takes no time here: how long it lasts on the wire is the host's business.
 *
 * The controller embeds a `struct usb_bus_device` and fills `class` and `context`; the host fills `host` and
 * `host_context` when it is plugged in. Either may be missing: a device without a host is a cable that hangs loose. */
#ifndef CORE_USB_BUS_H
#define CORE_USB_BUS_H

#include <stdbool.h>
#include <stdint.h>

#define USB_PACKET_MAX 1023 /* bytes of the longest full-speed packet (isochronous) */

/* What came back. USB_TIMEOUT: nothing did (no such address, bus in reset, endpoint not there). */
enum usb_answer { USB_ACK, USB_NAK, USB_STALL, USB_TIMEOUT };

/* What the host does to the device. `context` is the controller's. */
struct usb_bus_device_class {
    /* The device shows itself by its pull-up on D+. */
    bool (*attached)(void *context);
    /* SE0 on the wire begins (true) or ends (false). */
    void (*drive_reset)(void *context, bool active);
    /* Frames begin (true) or end (false) to flow. A device suspends after 3 ms without. */
    void (*drive_frames)(void *context, bool active);
    /* The host signals resume (K state for 20 ms, then frames flow again). */
    void (*drive_resume)(void *context);
    /* Start of frame, number modulo 2048, with the time when it came. */
    void (*sof)(void *context, uint16_t frame, uint64_t start_ps);
    /* Each frame has to come in its own time: it is an interrupt, say. Otherwise the host may let frames pass in which
     * nothing happens, and tell of the last one when `look` is called. NULL: each frame comes. */
    bool (*hears_frames)(void *context);
    enum usb_answer (*setup)(void *context, uint8_t address, uint8_t endpoint, const uint8_t packet[8]);
    /* With USB_ACK: `data` (room for USB_PACKET_MAX bytes) and the data PID are filled; the host has them. */
    enum usb_answer (*in)(void *context, uint8_t address, uint8_t endpoint, uint8_t *data, unsigned *ret_length,
                          bool *ret_data1);
    enum usb_answer (*out)(void *context, uint8_t address, uint8_t endpoint, bool data1, const uint8_t *data,
                           unsigned length);
};

/* What the device tells the host, at any moment, also from within one of the calls above; the host acts on it from
 * an event of its own. `context` is the host's. */
struct usb_bus_host_class {
    /* The pull-up has appeared or gone. */
    void (*attach_changed)(void *context, bool attached);
    /* An endpoint may now answer something else than before (a buffer has become available, a stall was set). */
    void (*endpoint_changed)(void *context, uint8_t endpoint, bool in);
    /* Before somebody looks at what frames change, or changes (`changes`) what endpoints answer or who hears frames.
     * May be NULL. */
    void (*look)(void *context, bool changes);
    /* Remote wake-up: the device drives K. */
    void (*remote_wakeup)(void *context);
};

struct usb_bus_device {
    const struct usb_bus_device_class *class;
    void *context;
    const struct usb_bus_host_class *host; /* NULL: not plugged in */
    void *host_context;
};

#endif
