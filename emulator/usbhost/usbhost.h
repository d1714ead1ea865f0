/* A PC on the other end of the USB cable, in virtual time: finds the device, resets and enumerates it, and speaks CDC
 * ACM, mass storage, HID and MIDI with it. Everything happens in events of the machine's scheduler; no function here
 * waits. Callbacks come from such events and may call every function of this header.
 *
 * One `struct usbhost` is one port. It is plain state, to be held by value by the machine; it must not be moved. */
#ifndef USBHOST_USBHOST_H
#define USBHOST_USBHOST_H

#include "emulator/usbhost/capture.h"
#include "emulator/usbhost/cdc.h"
#include "emulator/usbhost/descriptor.h"
#include "emulator/usbhost/engine.h"
#include "emulator/usbhost/hid.h"
#include "emulator/usbhost/midi.h"
#include "emulator/usbhost/msc.h"

#include <stddef.h>

enum usbhost_state {
    USBHOST_DETACHED,    /* no pull-up, or the cable is out */
    USBHOST_ATTACHED,    /* the contact is given time to settle */
    USBHOST_RESETTING,   /* bus reset and the time after it */
    USBHOST_ENUMERATING, /* requests are under way */
    USBHOST_CONFIGURED,
    USBHOST_SUSPENDED,
    USBHOST_FAILED, /* the device did not let itself be enumerated; until it detaches or usbhost_reset_port() */
};

/* What front ends want to hear. Owned by the caller; every function may be NULL. */
struct usbhost_listener {
    void *context;
    void (*state_changed)(void *context, enum usbhost_state state);
    /* Bytes from the device, at most 64. */
    void (*cdc_received)(void *context, unsigned instance, const uint8_t *data, size_t length);
    /* The port has appeared, become ready, gone, or has room in its send buffer again. */
    void (*cdc_changed)(void *context, unsigned instance);
    /* A drive has appeared, gone, become ready (with a new generation) or not ready. */
    void (*msc_changed)(void *context, unsigned lun);
    /* The function has become ready or has gone. */
    void (*hid_changed)(void *context, unsigned instance);
    void (*midi_changed)(void *context, unsigned instance);
    /* A report as it came (with its id, where the device has ids), and then what it means. */
    void (*hid_report)(void *context, unsigned instance, const uint8_t *report, size_t length);
    void (*hid_event)(void *context, const struct usbhost_hid_event *event);
    /* One MIDI message of 1 to 3 bytes, or a piece of a system exclusive one. */
    void (*midi_received)(void *context, unsigned instance, unsigned cable, const uint8_t *bytes, size_t length);
    struct usbhost_listener *next;
};

#define USBHOST_CONTROL_BYTES 2048

struct usbhost {
    struct environment *env;
    struct usb_bus_device *device;
    struct usb_engine engine;
    struct usbhost_capture capture;
    struct event timer; /* of the port: what comes next, and when */
    void (*next_step)(struct usbhost *host);
    void (*after_reset)(struct usbhost *host);
    struct usbhost_listener *listeners;
    enum usbhost_state state;
    bool detached;          /* the pull-up went away since the last look */
    unsigned attempts;      /* failed enumerations since attachment */
    unsigned request_tries; /* of the present request */
    unsigned step;

    struct usb_transfer control;
    uint8_t control_data[USBHOST_CONTROL_BYTES];

    /* The device. */
    uint8_t device_descriptor[18];
    uint16_t language;
    char manufacturer[128], product[128], serial[128];
    uint8_t configuration_bytes[USBHOST_CONTROL_BYTES];
    unsigned configuration_length;
    struct usbhost_configuration configuration;

    struct usbhost_cdc cdc[USBHOST_CDCS];
    struct usbhost_msc msc;
    struct usbhost_hid hid[USBHOST_HIDS];
    struct usbhost_midi midi[USBHOST_MIDIS];
};

/* Plug the host into `device` (whose controller may not be attached yet). `env` and `device` are borrowed and must
 * outlive the host. The first CDC instance is open, the others are not. The caller then lets the controller tell
 * whether it is attached (usb_device_cable_changed()). */
void usbhost_init(struct usbhost *host, struct environment *env, struct usb_bus_device *device);
/* The cable is put in or pulled out. Out: whatever was going on with the device is over, and listeners hear so.
 * Afterwards the caller lets the controller know (usb_device_cable_changed()). No effect when it is so already. */
void usbhost_plug(struct usbhost *host, bool plugged);
bool usbhost_is_plugged(const struct usbhost *host);
/* Pull the plug for ever: all events are taken out of the scheduler, no callback is called. */
void usbhost_finish(struct usbhost *host);
void usbhost_listen(struct usbhost *host, struct usbhost_listener *listener);
enum usbhost_state usbhost_state(const struct usbhost *host);
/* "configured", ... */
const char *usbhost_state_name(enum usbhost_state state);
uint16_t usbhost_vendor(const struct usbhost *host);
uint16_t usbhost_product(const struct usbhost *host);

/* Before a snapshot is read: whatever is under way with the device is over, and whoever waits for it hears so. */
void usbhost_break_off(struct usbhost *host);
/* Its section of a snapshot. Requests to drives go on after reading, but nobody hears how they end. */
void usbhost_walk(struct usbhost *host, struct walk *walk);
/* Tell all listeners what there is now: after a snapshot has been read. */
void usbhost_tell_all(struct usbhost *host);

/* Reset the port and enumerate again. No effect without a device. */
void usbhost_reset_port(struct usbhost *host);
/* The device has gone on sending into the end of a frame (babble, USB 2.0 8.7.4, 11.8.1): the hub switches the port
 * off, so that frames stop, and the PC begins anew with the device. No effect without one. */
void usbhost_babble(struct usbhost *host);
/* Faults: the next `count` answers of an endpoint are STALL (usb_engine_stall()). */
void usbhost_stall(struct usbhost *host, uint8_t endpoint, unsigned count);
/* Stop frames (the device suspends 3 ms later), and wake it again. No effect when not configured / not suspended. */
void usbhost_suspend(struct usbhost *host);
void usbhost_resume(struct usbhost *host);

/* Write all transfers from now on as a pcap file that Wireshark reads, header first; `write` NULL stops it. */
void usbhost_capture(struct usbhost *host, void (*write)(void *context, const void *bytes, size_t length),
                     void *context);
/* A trace line for every transfer, HID event and MIDI message. */
void usbhost_trace(struct usbhost *host, bool on);

/* ---- CDC ACM: instances in the order of their interfaces, the console first ---- */
/* The device has such a port and it is open. */
bool usbhost_cdc_ready(const struct usbhost *host, unsigned instance);
/* Open or close the port, as a terminal program does: DTR and RTS follow, and received bytes are fetched only while it
 * is open. May be said before the device is there. */
void usbhost_cdc_open(struct usbhost *host, unsigned instance, bool open);
/* 8N1 at `baud` from now on (115200 at first). */
void usbhost_cdc_set_baud(struct usbhost *host, unsigned instance, uint32_t baud);
/* Stop fetching bytes from the device until called with false (at most 64 more may come); the device then waits. */
void usbhost_cdc_pause(struct usbhost *host, unsigned instance, bool paused);
/* Returns how many bytes were taken, 0 when the port is not ready or its buffer is full (cdc_changed tells later). */
size_t usbhost_cdc_write(struct usbhost *host, unsigned instance, const void *data, size_t length);
/* Bytes that write() would take now. */
size_t usbhost_cdc_room(const struct usbhost *host, unsigned instance);

/* ---- Mass storage: drives by logical unit number, CIRCUITPY is 0 ---- */
enum usbhost_msc_state usbhost_msc_state(const struct usbhost *host, unsigned lun);
/* Never NULL; valid until the next event. */
const struct usbhost_msc_info *usbhost_msc_info(const struct usbhost *host, unsigned lun);
/* Queue a request. False, and done() will not be called, when there is no such drive, when it is not ready or the
 * sectors are not all there, when it is write-protected and to be written, or when the request is queued already.
 * Requests are served in order; failed commands are repeated as a PC does it. Interrupted by a detachment: not ok. */
bool usbhost_msc_submit(struct usbhost *host, struct usb_msc_request *request);

/* ---- HID: instances in the order of their interfaces ---- */
bool usbhost_hid_ready(const struct usbhost *host, unsigned instance);
/* Set an output value, such as the LED 0x80002 (caps lock), and send its report. False when there is no such value. */
bool usbhost_hid_set(struct usbhost *host, unsigned instance, uint32_t usage, int32_t value);
/* "A", "LEFT_SHIFT", "X", "BUTTON_1", "VOLUME_INCREMENT"; unknown ones as page and usage in hexadecimal. */
void usbhost_hid_usage_name(uint32_t usage, char *ret_text, size_t size);

/* ---- MIDI: instances in the order of their interfaces ---- */
bool usbhost_midi_ready(const struct usbhost *host, unsigned instance);
/* A stream of MIDI bytes (running status and system exclusive messages included) to a cable, 0 to 15. Returns how many
 * bytes were taken. */
size_t usbhost_midi_write(struct usbhost *host, unsigned instance, unsigned cable, const void *data, size_t length);

#endif
