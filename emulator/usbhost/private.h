/* Between the files of this folder. */
#ifndef USBHOST_PRIVATE_H
#define USBHOST_PRIVATE_H

#include "emulator/usbhost/usbhost.h"

#define USB_REQUEST_GET_STATUS 0
#define USB_REQUEST_CLEAR_FEATURE 1
#define USB_REQUEST_SET_ADDRESS 5
#define USB_REQUEST_GET_DESCRIPTOR 6
#define USB_REQUEST_SET_CONFIGURATION 9

#define USB_CLASS_CDC 2
#define USB_CLASS_CDC_DATA 10

void usbhost_fill_setup(uint8_t setup[8], uint8_t request_type, uint8_t request, uint16_t value, uint16_t index,
                        uint16_t length);
/* The open pipe of an endpoint. */
struct usb_pipe *usbhost_open_pipe(struct usbhost *host, const struct usbhost_endpoint *endpoint);
void usbhost_set_state(struct usbhost *host, enum usbhost_state state);
/* Call `step` after `ps`; what was waiting is forgotten. */
void usbhost_later(struct usbhost *host, uint64_t ps, void (*step)(struct usbhost *host));

/* usbhost.c: begin a bus reset, `step` follows after the time for recovery. */
void usbhost_bus_reset(struct usbhost *host, void (*step)(struct usbhost *host));
/* enumerate.c */
void usbhost_enumerate(struct usbhost *host);

/* A class driver: bind() is offered every interface in turn that nobody has taken, and marks what it takes. */
void usbhost_cdc_init(struct usbhost *host);
void usbhost_cdc_bind(struct usbhost *host, struct usbhost_interface *interface);
void usbhost_cdc_unbind(struct usbhost *host);
void usbhost_msc_init(struct usbhost *host);
void usbhost_msc_bind(struct usbhost *host, struct usbhost_interface *interface);
void usbhost_msc_unbind(struct usbhost *host);
void usbhost_hid_init(struct usbhost *host);
void usbhost_hid_bind(struct usbhost *host, struct usbhost_interface *interface);
void usbhost_hid_unbind(struct usbhost *host);
void usbhost_midi_init(struct usbhost *host);
void usbhost_midi_bind(struct usbhost *host, struct usbhost_interface *interface);
void usbhost_midi_unbind(struct usbhost *host);

/* Their states, for snapshots. */
void usbhost_cdc_walk(struct usbhost *host, struct walk *walk);
void usbhost_msc_walk(struct usbhost *host, struct walk *walk);
void usbhost_hid_walk(struct usbhost *host, struct walk *walk);
void usbhost_midi_walk(struct usbhost *host, struct walk *walk);
void usbhost_bot_walk(struct usbhost_bot *bot, struct usb_engine *engine, const struct usb_region *data, unsigned count,
                      struct walk *walk);
/* enumerate.c: what the port's timer may call next, for snapshots, and done() of the port's own transfer. */
extern void (*const usbhost_enumerate_steps[])(struct usbhost *host);
extern const unsigned usbhost_enumerate_step_count;
void usbhost_enumerate_walk(struct usbhost *host, struct walk *walk);

/* capture.c */
void usbhost_trace_hid(struct usbhost *host, const struct usbhost_hid_event *event);
void usbhost_trace_midi(struct usbhost *host, unsigned instance, unsigned cable, const uint8_t *bytes, unsigned length);

#define USBHOST_NOTIFY(host, function, ...)                                                                            \
    for (struct usbhost_listener *listener_ = (host)->listeners; listener_; listener_ = listener_->next) {             \
        if (listener_->function) {                                                                                     \
            listener_->function(listener_->context, __VA_ARGS__);                                                      \
        }                                                                                                              \
    }

#endif
