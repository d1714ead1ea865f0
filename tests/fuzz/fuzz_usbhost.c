/* A USB device that says anything at all, to the host with all its drivers. The input is what the device answers, one
 * record after the other: data for an IN endpoint (a length byte and the bytes), or NAK, STALL, silence, a wrong PID, a
 * packet that is too long, a good or bad CSW, a detachment, or something that a user does. */
#include "emulator/usbhost/usbhost.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

#define EVENTS 4000

struct device {
    struct scheduler scheduler;
    struct log log;
    struct environment env;
    struct usb_bus_device bus;
    struct usbhost host;
    bool attached;
    const uint8_t *at, *end;
    const uint8_t *data[16]; /* of an IN endpoint: what is still to be sent */
    unsigned left[16];
    bool data1[16];
    bool control_out; /* the present request sends: its status stage is an empty IN packet */
    uint8_t csw[13];  /* for the last CBW that came */
    uint8_t sectors[8 * 512];
    struct usb_msc_request request;
};

static int take(struct device *d) {
    return d->at < d->end ? *d->at++ : -1;
}

static bool take_if(struct device *d, uint8_t wanted) {
    if (d->at < d->end && *d->at == wanted) {
        d->at++;
        return true;
    }
    return false;
}

static bool attached(void *context) {
    return ((struct device *)context)->attached;
}

static void drive(void *context, bool active) {
}

static void drive_resume(void *context) {
}

static void sof(void *context, uint16_t frame, uint64_t start_ps) {
}

static bool hears_frames(void *context) {
    struct device *d = context;
    return !take_if(d, 0xfa);
}

static enum usb_answer setup(void *context, uint8_t address, uint8_t endpoint, const uint8_t packet[8]) {
    struct device *d = context;
    if (take_if(d, 0xfb)) {
        return USB_TIMEOUT;
    }
    d->data1[0] = true;
    d->left[0] = 0;
    d->control_out = !(packet[0] & 0x80);
    if (packet[1] == 1 || packet[1] == 9) {
        memset(d->data1 + 1, 0, sizeof(d->data1) - sizeof(d->data1[0]));
    }
    return USB_ACK;
}

static void request_done(struct usb_msc_request *request, bool ok) {
}

static void user_action(struct device *d, unsigned what) {
    static const uint8_t text[100] = { 0xf0, 1, 2, 0xf7, 0x90, 3, 4 };
    switch (what) {
    case 0:
        usbhost_cdc_write(&d->host, 0, text, sizeof(text));
        usbhost_midi_write(&d->host, 0, 3, text, sizeof(text));
        usbhost_hid_set(&d->host, 0, 0x80002, 1);
        break;
    case 1:
        d->request.write = !d->request.write;
        d->request.count = 1 + d->request.lba % 8;
        d->request.lba = (d->request.lba + 3) % 16;
        d->request.data = d->sectors;
        d->request.done = request_done;
        usbhost_msc_submit(&d->host, &d->request);
        break;
    case 2:
        usbhost_cdc_open(&d->host, 1, !d->host.cdc[1].wanted_open);
        usbhost_cdc_set_baud(&d->host, 0, 9600);
        break;
    case 3:
        usbhost_suspend(&d->host);
        d->bus.host->remote_wakeup(d->bus.host_context);
        break;
    case 4:
        usbhost_reset_port(&d->host);
        break;
    default:
        d->attached = false;
        d->bus.host->attach_changed(d->bus.host_context, false);
        d->attached = true;
        d->bus.host->attach_changed(d->bus.host_context, true);
        break;
    }
}

static enum usb_answer send(struct device *d, uint8_t endpoint, uint8_t *data, unsigned *ret_length, bool *ret_data1) {
    unsigned length = d->left[endpoint] < 64 ? d->left[endpoint] : 64;
    if (length) {
        memcpy(data, d->data[endpoint], length);
        d->data[endpoint] += length;
    }
    d->left[endpoint] -= length;
    *ret_length = length;
    *ret_data1 = d->data1[endpoint];
    d->data1[endpoint] = !d->data1[endpoint];
    return USB_ACK;
}

static enum usb_answer in(void *context, uint8_t address, uint8_t endpoint, uint8_t *data, unsigned *ret_length,
                          bool *ret_data1) {
    struct device *d = context;
    if (d->left[endpoint]) {
        return send(d, endpoint, data, ret_length, ret_data1);
    }
    if (endpoint == 0 && d->control_out && (d->at == d->end || *d->at < 0x81 || *d->at > 0x83)) {
        d->data1[0] = true;
        return send(d, 0, data, ret_length, ret_data1);
    }
    int kind = take(d);
    if (kind < 0 || kind == 0x81) {
        return USB_NAK;
    }
    if (kind == 0x82) {
        return USB_STALL;
    }
    if (kind == 0x83) {
        return USB_TIMEOUT;
    }
    if (kind == 0x84) {
        memset(data, 0, USB_PACKET_MAX);
        *ret_length = USB_PACKET_MAX;
        *ret_data1 = d->data1[endpoint];
        return USB_ACK;
    }
    if (kind >= 0x90 && kind < 0xa0) {
        user_action(d, kind & 15);
        return USB_NAK;
    }
    if (kind == 0x86 || kind == 0x87) {
        d->csw[12] = kind & 1;
        d->data[endpoint] = d->csw;
        d->left[endpoint] = sizeof(d->csw);
        return send(d, endpoint, data, ret_length, ret_data1);
    }
    if (kind == 0x85) {
        d->data1[endpoint] = !d->data1[endpoint];
    }
    int length = take(d);
    d->data[endpoint] = d->at;
    d->left[endpoint] = length < 0 ? 0 : (unsigned)length;
    if (d->left[endpoint] > (size_t)(d->end - d->at)) {
        d->left[endpoint] = (unsigned)(d->end - d->at);
    }
    d->at += d->left[endpoint];
    return send(d, endpoint, data, ret_length, ret_data1);
}

static enum usb_answer out(void *context, uint8_t address, uint8_t endpoint, bool data1, const uint8_t *data,
                           unsigned length) {
    struct device *d = context;
    if (length == 31) {
        memcpy(d->csw, "USBS", 4);
        memcpy(d->csw + 4, data + 4, 4);
    }
    return take_if(d, 0xfe) ? USB_STALL : take_if(d, 0xfd) ? USB_NAK : take_if(d, 0xfc) ? USB_TIMEOUT : USB_ACK;
}

static const struct usb_bus_device_class class = {
    .attached = attached,
    .drive_reset = drive,
    .drive_frames = drive,
    .drive_resume = drive_resume,
    .sof = sof,
    .hears_frames = hears_frames,
    .setup = setup,
    .in = in,
    .out = out,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct device d;
    memset(&d, 0, sizeof(d));
    scheduler_init(&d.scheduler);
    log_init(&d.log);
    d.env = (struct environment){ .scheduler = &d.scheduler, .log = &d.log };
    d.bus = (struct usb_bus_device){ .class = &class, .context = &d };
    d.at = bytes;
    d.end = bytes + size;
    d.attached = true;
    usbhost_init(&d.host, &d.env, &d.bus);
    d.bus.host->attach_changed(d.bus.host_context, true);
    for (unsigned events = 0; events < EVENTS && d.at < d.end && d.scheduler.first; events++) {
        scheduler_advance(&d.scheduler, scheduler_next(&d.scheduler));
        if (take_if(&d, 0xf9)) {
            d.bus.host->look(d.bus.host_context, take_if(&d, 0xf8));
        }
    }
    d.attached = false;
    d.bus.host->attach_changed(d.bus.host_context, false);
    for (unsigned events = 0; events < 20 && d.scheduler.first; events++) {
        scheduler_advance(&d.scheduler, scheduler_next(&d.scheduler));
    }
    if (usbhost_state(&d.host) != USBHOST_DETACHED || d.request.queued || d.scheduler.first) {
        __builtin_trap();
    }
    usbhost_finish(&d.host);
    return 0;
}
