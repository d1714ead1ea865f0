/* Descriptors of a device as the host keeps them: USB 2.0 chapter 9.6. */
#ifndef USBHOST_DESCRIPTOR_H
#define USBHOST_DESCRIPTOR_H

#include "emulator/usbhost/engine.h"

#define USBHOST_INTERFACES 16
#define USBHOST_INTERFACE_ENDPOINTS 4

struct usbhost_endpoint {
    uint8_t address; /* bit 7: IN */
    enum usb_transfer_type type;
    uint16_t max_packet;
    uint8_t interval;
};

struct usbhost_interface {
    uint8_t number;
    uint8_t class, subclass, protocol;
    uint8_t name_index;
    uint8_t first_in_function; /* number of the function's first interface (IAD), or its own */
    uint8_t endpoint_count;
    struct usbhost_endpoint endpoint[USBHOST_INTERFACE_ENDPOINTS];
    uint16_t extra_at, extra_length; /* class-specific descriptors, in the configuration's bytes */
    const char *driver;              /* who has taken it; NULL: nobody */
    unsigned instance;               /* which one of the driver's */
};

struct usbhost_configuration {
    uint8_t value;
    uint8_t attributes;
    unsigned interface_count;
    struct usbhost_interface interface[USBHOST_INTERFACES];
};

/* Read the bytes of a configuration (alternate settings other than 0 are passed over). False when they are not one. */
bool usbhost_parse_configuration(const uint8_t *bytes, unsigned length, struct usbhost_configuration *ret);
/* First class-specific descriptor of the interface with that type and subtype (subtype < 0: any); NULL when there is
 * none. Its first byte is its length, which lies inside `bytes`. */
const uint8_t *usbhost_find_descriptor(const uint8_t *bytes, const struct usbhost_interface *interface, uint8_t type,
                                       int subtype);
/* First endpoint of that type and direction, or NULL. */
const struct usbhost_endpoint *usbhost_find_endpoint(const struct usbhost_interface *interface,
                                                     enum usb_transfer_type type, bool in);
/* The text of a string descriptor as UTF-8, cut to fit `size` (at least 1). */
void usbhost_parse_string(const uint8_t *bytes, unsigned length, char *ret_text, unsigned size);

#endif
