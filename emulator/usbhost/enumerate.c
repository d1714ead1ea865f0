/* Enumeration, in the order in which PCs do it: USB 2.0 9.1.2 and 9.2.6.
 *
 * Reset, the first bytes of the device descriptor at address 0, reset again, address, descriptors, strings,
 * configuration, drivers. A request that fails is tried three times 100 ms apart; then everything again from a reset,
 * four times in all; then the device is given up, as a PC does it.
 *
 * Not modelled: devices with more than one configuration (the first one is taken). */
#include "emulator/usbhost/private.h"

#include <stdlib.h>
#include <string.h>

#define DEVICE_ADDRESS 1
#define ADDRESS_RECOVERY_PS (10 * PS_PER_MS)
#define RETRY_PS (100 * PS_PER_MS)
#define REQUEST_TRIES 3
#define ATTEMPTS 4
#define CONTROL_TIMEOUT_MS 5000
#define DEFAULT_LANGUAGE 0x0409

#define DESCRIPTOR_DEVICE 1
#define DESCRIPTOR_CONFIGURATION 2
#define DESCRIPTOR_STRING 3
#define DESCRIPTOR_BOS 15

struct step {
    const char *name; /* for the report when it fails */
    /* Put the request together; false: this device does not need the step. */
    bool (*begin)(struct usbhost *host);
    /* Take the answer of `length` bytes in control_data; false: it is no good. May be NULL. */
    bool (*end)(struct usbhost *host, unsigned length);
    uint64_t pause_ps; /* until the next one */
    bool optional;     /* a refusal does not matter */
};

static void begin_step(struct usbhost *host);
static void second_reset(struct usbhost *host);

/* ---- The steps ---- */
static bool ask(struct usbhost *host, uint8_t type, uint8_t request, uint16_t value, uint16_t index, uint16_t length) {
    usbhost_fill_setup(host->control.setup, type, request, value, index, length);
    host->control.length = length;
    return true;
}

static bool ask_descriptor(struct usbhost *host, uint8_t type, uint8_t number, uint16_t index, uint16_t length) {
    return ask(host, 0x80, USB_REQUEST_GET_DESCRIPTOR, (uint16_t)(type << 8 | number), index, length);
}

static bool begin_first_bytes(struct usbhost *host) {
    return ask_descriptor(host, DESCRIPTOR_DEVICE, 0, 0, 64);
}

static bool end_first_bytes(struct usbhost *host, unsigned length) {
    uint8_t max_packet = host->control_data[7];
    if (length < 8 || host->control_data[1] != DESCRIPTOR_DEVICE ||
        (max_packet != 8 && max_packet != 16 && max_packet != 32 && max_packet != 64)) {
        return false;
    }
    memcpy(host->device_descriptor, host->control_data, 8);
    return true;
}

static bool begin_address(struct usbhost *host) {
    return ask(host, 0x00, USB_REQUEST_SET_ADDRESS, DEVICE_ADDRESS, 0, 0);
}

static bool end_address(struct usbhost *host, unsigned length) {
    host->engine.address = DEVICE_ADDRESS;
    return true;
}

static bool begin_device(struct usbhost *host) {
    return ask_descriptor(host, DESCRIPTOR_DEVICE, 0, 0, sizeof(host->device_descriptor));
}

static bool end_device(struct usbhost *host, unsigned length) {
    if (length != sizeof(host->device_descriptor) || host->control_data[1] != DESCRIPTOR_DEVICE) {
        return false;
    }
    memcpy(host->device_descriptor, host->control_data, sizeof(host->device_descriptor));
    return true;
}

static bool begin_bos(struct usbhost *host) {
    unsigned version = host->device_descriptor[2] | host->device_descriptor[3] << 8;
    return version >= 0x0201 && ask_descriptor(host, DESCRIPTOR_BOS, 0, 0, 5);
}

static bool begin_configuration_head(struct usbhost *host) {
    return ask_descriptor(host, DESCRIPTOR_CONFIGURATION, 0, 0, 9);
}

static bool end_configuration_head(struct usbhost *host, unsigned length) {
    if (length < 9 || host->control_data[1] != DESCRIPTOR_CONFIGURATION) {
        return false;
    }
    unsigned total = host->control_data[2] | host->control_data[3] << 8;
    host->configuration_length = total < USBHOST_CONTROL_BYTES ? total : USBHOST_CONTROL_BYTES;
    return total >= 9;
}

static bool begin_configuration(struct usbhost *host) {
    return ask_descriptor(host, DESCRIPTOR_CONFIGURATION, 0, 0, (uint16_t)host->configuration_length);
}

static bool end_configuration(struct usbhost *host, unsigned length) {
    host->configuration_length = length;
    memcpy(host->configuration_bytes, host->control_data, length);
    return usbhost_parse_configuration(host->configuration_bytes, length, &host->configuration);
}

static bool begin_languages(struct usbhost *host) {
    host->language = DEFAULT_LANGUAGE;
    host->manufacturer[0] = host->product[0] = host->serial[0] = '\0';
    const uint8_t *descriptor = host->device_descriptor;
    return (descriptor[14] || descriptor[15] || descriptor[16]) && ask_descriptor(host, DESCRIPTOR_STRING, 0, 0, 255);
}

static bool end_languages(struct usbhost *host, unsigned length) {
    if (length >= 4) {
        host->language = (uint16_t)(host->control_data[2] | host->control_data[3] << 8);
    }
    return true;
}

static bool begin_string(struct usbhost *host, uint8_t number) {
    return number && ask_descriptor(host, DESCRIPTOR_STRING, number, host->language, 255);
}

static bool begin_manufacturer(struct usbhost *host) {
    return begin_string(host, host->device_descriptor[14]);
}

static bool end_manufacturer(struct usbhost *host, unsigned length) {
    usbhost_parse_string(host->control_data, length, host->manufacturer, sizeof(host->manufacturer));
    return true;
}

static bool begin_product(struct usbhost *host) {
    return begin_string(host, host->device_descriptor[15]);
}

static bool end_product(struct usbhost *host, unsigned length) {
    usbhost_parse_string(host->control_data, length, host->product, sizeof(host->product));
    return true;
}

static bool begin_serial(struct usbhost *host) {
    return begin_string(host, host->device_descriptor[16]);
}

static bool end_serial(struct usbhost *host, unsigned length) {
    usbhost_parse_string(host->control_data, length, host->serial, sizeof(host->serial));
    return true;
}

static bool begin_set_configuration(struct usbhost *host) {
    return ask(host, 0x00, USB_REQUEST_SET_CONFIGURATION, host->configuration.value, 0, 0);
}

enum { STEP_FIRST_BYTES };
static const struct step steps[] = {
    [STEP_FIRST_BYTES] = { "first bytes of the device descriptor", begin_first_bytes, end_first_bytes },
    { "SET_ADDRESS", begin_address, end_address, .pause_ps = ADDRESS_RECOVERY_PS },
    { "device descriptor", begin_device, end_device },
    { "BOS descriptor", begin_bos, .optional = true },
    { "configuration descriptor", begin_configuration_head, end_configuration_head },
    { "configuration", begin_configuration, end_configuration },
    { "languages", begin_languages, end_languages, .optional = true },
    { "product name", begin_product, end_product, .optional = true },
    { "manufacturer name", begin_manufacturer, end_manufacturer, .optional = true },
    { "serial number", begin_serial, end_serial, .optional = true },
    { "SET_CONFIGURATION", begin_set_configuration },
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* ---- Going through them ---- */
static void bind_drivers(struct usbhost *host) {
    for (unsigned i = 0; i < host->configuration.interface_count; i++) {
        struct usbhost_interface *interface = &host->configuration.interface[i];
        if (!interface->driver) {
            usbhost_cdc_bind(host, interface);
            usbhost_msc_bind(host, interface);
            usbhost_hid_bind(host, interface);
            usbhost_midi_bind(host, interface);
        }
    }
    for (unsigned i = 0; i < host->configuration.interface_count; i++) {
        const struct usbhost_interface *interface = &host->configuration.interface[i];
        log_write(host->env->log, LOG_INFO, "USB", "interface %u: class %02x/%02x/%02x, %s", interface->number,
                  interface->class, interface->subclass, interface->protocol,
                  interface->driver ? interface->driver : "no driver");
    }
}

static void configured(struct usbhost *host) {
    log_write(host->env->log, LOG_INFO, "USB", "%04x:%04x %s %s, serial number %s", usbhost_vendor(host),
              usbhost_product(host), host->manufacturer, host->product, host->serial);
    host->attempts = 0;
    usbhost_set_state(host, USBHOST_CONFIGURED);
    bind_drivers(host);
}

static void next_step(struct usbhost *host) {
    uint64_t pause_ps = steps[host->step].pause_ps;
    host->request_tries = 0;
    host->step++;
    if (host->step == STEP_FIRST_BYTES + 1) {
        usbhost_bus_reset(host, second_reset);
    } else if (pause_ps) {
        usbhost_later(host, pause_ps, begin_step);
    } else {
        begin_step(host);
    }
}

static void fail(struct usbhost *host) {
    const char *name = steps[host->step].name;
    if (++host->attempts < ATTEMPTS) {
        log_write(host->env->log, LOG_INFO, "USB", "no %s from the device, trying again", name);
        usbhost_enumerate(host);
        return;
    }
    log_write(host->env->log, LOG_WARN, "USB", "device cannot be enumerated: no answer to %s", name);
    usbhost_set_state(host, USBHOST_FAILED);
}

static void request_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost *host = transfer->owner;
    const struct step *step = &steps[host->step];
    if (result == USB_RESULT_CANCELLED) {
        return; /* the device has gone, or a reset began: whoever did that goes on from there */
    }
    bool good = result == USB_RESULT_OK && (!step->end || step->end(host, transfer->actual));
    if (good || step->optional) {
        next_step(host);
    } else if (++host->request_tries < REQUEST_TRIES) {
        usbhost_later(host, RETRY_PS, begin_step);
    } else {
        fail(host);
    }
}

static void begin_step(struct usbhost *host) {
    while (host->step < STEPS && !steps[host->step].begin(host)) {
        host->step++;
    }
    if (host->step == STEPS) {
        configured(host);
        return;
    }
    host->control.data = host->control_data;
    host->control.timeout_ms = CONTROL_TIMEOUT_MS;
    host->control.done = request_done;
    host->control.owner = host;
    usb_engine_submit(&host->engine, usb_engine_control_pipe(&host->engine), &host->control);
}

static void second_reset(struct usbhost *host) {
    usbhost_set_state(host, USBHOST_ENUMERATING);
    usb_engine_open(&host->engine, 0, false, USB_CONTROL, host->device_descriptor[7], 0);
    begin_step(host);
}

static void first_reset(struct usbhost *host) {
    usbhost_set_state(host, USBHOST_ENUMERATING);
    host->step = STEP_FIRST_BYTES;
    host->request_tries = 0;
    usb_engine_open(&host->engine, 0, false, USB_CONTROL, 64, 0);
    begin_step(host);
}

void usbhost_enumerate(struct usbhost *host) {
    usbhost_bus_reset(host, first_reset);
}

/* ---- Snapshots ---- */
void (*const usbhost_enumerate_steps[])(struct usbhost *host) = { begin_step, second_reset, first_reset };
const unsigned usbhost_enumerate_step_count = sizeof(usbhost_enumerate_steps) / sizeof(usbhost_enumerate_steps[0]);

void usbhost_enumerate_walk(struct usbhost *host, struct walk *walk) {
    const struct usb_region control[] = { { host->control_data, sizeof(host->control_data) } };
    walk_below(walk, &host->step, STEPS + 1);
    usb_transfer_walk(&host->control, control, 1, walk);
    if (host->control.queued && host->step == STEPS) {
        walk_fail(walk, "a request that nobody makes");
        host->step = STEP_FIRST_BYTES;
    }
    host->control.done = request_done;
    host->control.owner = host;
}
