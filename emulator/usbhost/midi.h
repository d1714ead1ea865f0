/* USB MIDI function as the host sees it (USB MIDI 1.0). State only; functions in usbhost.h. */
#ifndef USBHOST_MIDI_H
#define USBHOST_MIDI_H

#include "emulator/usbhost/engine.h"

#define USBHOST_MIDIS 2
#define USBHOST_MIDI_CABLES 16
#define USBHOST_MIDI_RING 1024 /* bytes of event packets on their way to the device, power of two */

struct usbhost;

/* A stream of MIDI bytes on its way into event packets. */
struct usbhost_midi_encoder {
    uint8_t status;   /* running status, 0xf0 inside a system exclusive message, 0: none */
    uint8_t bytes[3]; /* of the message being put together */
    uint8_t count;
};

struct usbhost_midi {
    struct usbhost *host;
    unsigned instance;
    bool bound;
    struct usb_pipe *in, *out;
    struct usb_transfer receive, send, control;
    uint8_t receive_data[64], send_data[64];
    uint8_t ring[USBHOST_MIDI_RING];
    uint32_t head, tail;
    struct usbhost_midi_encoder encoder[USBHOST_MIDI_CABLES];
};

#endif
