/* Descriptors: USB 2.0 chapter 9.6, interface association: its engineering change notice. Every length is checked:
 * the bytes come from the guest. */
#include "emulator/usbhost/descriptor.h"

#include <string.h>

#define DESCRIPTOR_CONFIGURATION 2
#define DESCRIPTOR_STRING 3
#define DESCRIPTOR_INTERFACE 4
#define DESCRIPTOR_ENDPOINT 5
#define DESCRIPTOR_ASSOCIATION 11

struct parser {
    struct usbhost_configuration *configuration;
    struct usbhost_interface *interface; /* NULL: inside an alternate setting that is passed over */
    uint8_t association_first, association_count;
};

static void parse_interface(struct parser *parser, const uint8_t *at, unsigned offset) {
    struct usbhost_configuration *configuration = parser->configuration;
    parser->interface = NULL;
    if (at[0] < 9 || at[3] != 0 || configuration->interface_count == USBHOST_INTERFACES) {
        return;
    }
    struct usbhost_interface *interface = &configuration->interface[configuration->interface_count++];
    *interface = (struct usbhost_interface){
        .number = at[2],
        .class = at[5],
        .subclass = at[6],
        .protocol = at[7],
        .name_index = at[8],
        .first_in_function = at[2],
        .extra_at = (uint16_t)(offset + at[0]),
    };
    if (at[2] >= parser->association_first && at[2] < parser->association_first + parser->association_count) {
        interface->first_in_function = parser->association_first;
    }
    parser->interface = interface;
}

static void parse_endpoint(struct parser *parser, const uint8_t *at) {
    struct usbhost_interface *interface = parser->interface;
    if (at[0] < 7 || !interface || interface->endpoint_count == USBHOST_INTERFACE_ENDPOINTS) {
        return;
    }
    interface->endpoint[interface->endpoint_count++] = (struct usbhost_endpoint){
        .address = at[2],
        .type = (enum usb_transfer_type)(at[3] & 3),
        .max_packet = (uint16_t)((at[4] | at[5] << 8) & 0x7ff),
        .interval = at[6],
    };
}

static void parse_one(struct parser *parser, const uint8_t *at, unsigned offset) {
    switch (at[1]) {
    case DESCRIPTOR_ASSOCIATION:
        if (at[0] >= 8) {
            parser->association_first = at[2];
            parser->association_count = at[3];
        }
        parser->interface = NULL;
        break;
    case DESCRIPTOR_INTERFACE:
        parse_interface(parser, at, offset);
        break;
    case DESCRIPTOR_ENDPOINT:
        parse_endpoint(parser, at);
        break;
    default:
        break;
    }
    if (parser->interface) {
        parser->interface->extra_length = (uint16_t)(offset + at[0] - parser->interface->extra_at);
    }
}

bool usbhost_parse_configuration(const uint8_t *bytes, unsigned length, struct usbhost_configuration *ret) {
    *ret = (struct usbhost_configuration){ 0 };
    if (length < 9 || bytes[0] < 9 || bytes[1] != DESCRIPTOR_CONFIGURATION) {
        return false;
    }
    ret->value = bytes[5];
    ret->attributes = bytes[7];
    struct parser parser = { .configuration = ret };
    for (unsigned offset = bytes[0]; offset + 2 <= length; offset += bytes[offset]) {
        if (bytes[offset] < 2 || offset + bytes[offset] > length) {
            break;
        }
        parse_one(&parser, bytes + offset, offset);
    }
    return ret->interface_count > 0;
}

const uint8_t *usbhost_find_descriptor(const uint8_t *bytes, const struct usbhost_interface *interface, uint8_t type,
                                       int subtype) {
    unsigned end = interface->extra_at + interface->extra_length;
    for (unsigned offset = interface->extra_at; offset + 3 <= end && bytes[offset] >= 3; offset += bytes[offset]) {
        if (bytes[offset + 1] == type && (subtype < 0 || bytes[offset + 2] == subtype)) {
            return bytes + offset;
        }
    }
    return NULL;
}

const struct usbhost_endpoint *usbhost_find_endpoint(const struct usbhost_interface *interface,
                                                     enum usb_transfer_type type, bool in) {
    for (unsigned i = 0; i < interface->endpoint_count; i++) {
        const struct usbhost_endpoint *endpoint = &interface->endpoint[i];
        if (endpoint->type == type && !!(endpoint->address & 0x80) == in) {
            return endpoint;
        }
    }
    return NULL;
}

static unsigned encode_utf8(uint32_t code, char out[4]) {
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

void usbhost_parse_string(const uint8_t *bytes, unsigned length, char *ret_text, unsigned size) {
    unsigned used = 0;
    unsigned end = length >= 2 && bytes[1] == DESCRIPTOR_STRING && bytes[0] < length ? bytes[0] : length;
    for (unsigned i = 2; i + 1 < end; i += 2) {
        uint32_t code = bytes[i] | (uint32_t)bytes[i + 1] << 8;
        if (code >= 0xd800 && code < 0xdc00 && i + 3 < end && (bytes[i + 3] & 0xfc) == 0xdc) {
            uint32_t low = bytes[i + 2] | (uint32_t)bytes[i + 3] << 8;
            code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
            i += 2;
        } else if (code >= 0xd800 && code < 0xe000) {
            code = 0xfffd;
        }
        char utf8[4];
        unsigned n = encode_utf8(code, utf8);
        if (code == 0 || used + n >= size) {
            break;
        }
        memcpy(ret_text + used, utf8, n);
        used += n;
    }
    ret_text[used] = '\0';
}
