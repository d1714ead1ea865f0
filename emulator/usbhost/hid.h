/* HID function as the host sees it. State only; functions in usbhost.h. */
#ifndef USBHOST_HID_H
#define USBHOST_HID_H

#include "emulator/usbhost/engine.h"
#include "emulator/usbhost/hid_descriptor.h"

#define USBHOST_HIDS 4
#define USBHOST_HID_DESCRIPTOR_BYTES 1024

struct usbhost;

/* One thing that a report said: a key or button went down or up, an axis moved. */
struct usbhost_hid_event {
    unsigned instance;
    uint32_t application; /* usage of the device within the function: 0x10006 keyboard, 0x10002 mouse, ... */
    uint32_t usage;       /* page << 16 | usage */
    int32_t value;        /* keys and buttons: 1 down, 0 up; axes as the report has them */
    bool relative;        /* the value is a movement */
};

struct usbhost_hid {
    struct usbhost *host;
    unsigned instance;
    bool bound;
    bool ready; /* reports are understood and being fetched */
    uint8_t interface;
    uint16_t descriptor_length;
    enum hid_step { HID_GET_DESCRIPTOR, HID_SET_IDLE, HID_RUNNING, HID_OUTPUT } step;
    struct usb_pipe *in, *out; /* out may be NULL: reports go by SET_REPORT */
    struct usb_transfer control, receive, send;
    struct hid_descriptor descriptor;
    uint8_t descriptor_bytes[USBHOST_HID_DESCRIPTOR_BYTES];
    uint8_t report[1 + HID_REPORT_BYTES];
    uint8_t sending[1 + HID_REPORT_BYTES];
    uint8_t last[HID_REPORTS][HID_REPORT_BYTES];   /* input report that came last */
    uint8_t output[HID_REPORTS][HID_REPORT_BYTES]; /* output report as it should be */
    uint32_t to_send;                              /* by report index: has changed */
};

#endif
