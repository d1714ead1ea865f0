/* Capture of transfers in classic pcap with link type 220 (LINKTYPE_USB_LINUX_MMAPPED): each transfer is a record when
 * it is submitted and one when it is done, as Linux' usbmon writes them; the 64-byte header is documented in the
 * kernel's Documentation/usb/usbmon.rst. Times are virtual, since power-on. Byte order little endian.
 *
 * Trace lines say the same for people, one line a transfer that is done, and what HID and MIDI drivers make of it. */
#include "emulator/usbhost/capture.h"

#include "emulator/usbhost/private.h"

#include <stdio.h>
#include <string.h>

#define LINKTYPE_USB_LINUX_MMAPPED 220
#define SNAP_LENGTH 262144
#define RECORD_BYTES 16
#define HEADER_BYTES 64
#define TRACE_BYTES 16 /* of data in a trace line */
#define NOT_DONE_YET -115

static void put(uint8_t *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

static bool is_in(const struct usb_transfer *transfer) {
    return transfer->pipe->type == USB_CONTROL ? transfer->setup[0] & 0x80 : transfer->pipe->in;
}

/* Negative error numbers of Linux. */
static int status_of(enum usb_result result) {
    static const int numbers[] = { 0, -32, -71, -110, -2 };
    return numbers[result];
}

/* ---- pcap ---- */
static void write_record(struct usbhost *host, const struct usb_transfer *transfer, bool submitted, int status) {
    static const uint8_t types[] = { [USB_CONTROL] = 2, [USB_ISOCHRONOUS] = 0, [USB_BULK] = 3, [USB_INTERRUPT] = 1 };
    bool in = is_in(transfer);
    uint32_t length = submitted ? transfer->length : transfer->actual;
    uint32_t captured = in != submitted ? length : 0; /* data goes out with S, comes in with C */
    uint64_t us = scheduler_now(host->env->scheduler) / PS_PER_US;
    uint8_t head[RECORD_BYTES + HEADER_BYTES] = { 0 };
    uint8_t *h = head + RECORD_BYTES;
    put(head, us / 1000000, 4);
    put(head + 4, us % 1000000, 4);
    put(head + 8, HEADER_BYTES + captured, 4);
    put(head + 12, HEADER_BYTES + captured, 4);
    put(h, transfer->number, 8);
    h[8] = submitted ? 'S' : 'C';
    h[9] = types[transfer->pipe->type];
    h[10] = transfer->pipe->number | (in ? 0x80 : 0);
    h[11] = host->engine.address;
    put(h + 12, 1, 2); /* bus */
    h[14] = submitted && transfer->pipe->type == USB_CONTROL ? 0 : '-';
    h[15] = captured ? 0 : in ? '<' : '>';
    put(h + 16, us / 1000000, 8);
    put(h + 24, us % 1000000, 4);
    put(h + 28, (uint32_t)status, 4);
    put(h + 32, length, 4);
    put(h + 36, captured, 4);
    if (h[14] == 0) {
        memcpy(h + 40, transfer->setup, 8);
    }
    put(h + 48, transfer->pipe->type == USB_INTERRUPT ? transfer->pipe->interval_ms : 0, 4);
    host->capture.write(host->capture.context, head, sizeof(head));
    if (captured) {
        host->capture.write(host->capture.context, transfer->data, captured);
    }
}

void usbhost_capture(struct usbhost *host, void (*write)(void *context, const void *bytes, size_t length),
                     void *context) {
    uint8_t head[24] = { 0 };
    host->capture.write = write;
    host->capture.context = context;
    if (write) {
        put(head, 0xa1b2c3d4, 4); /* times in microseconds */
        put(head + 4, 2, 2);
        put(head + 6, 4, 2);
        put(head + 16, SNAP_LENGTH, 4);
        put(head + 20, LINKTYPE_USB_LINUX_MMAPPED, 4);
        write(context, head, sizeof(head));
    }
}

/* ---- Trace ---- */
static void trace_transfer(struct usbhost *host, const struct usb_transfer *transfer, enum usb_result result) {
    static const char *const results[] = { "", " stalled", " failed", " timed out", " cancelled" };
    char text[8 * 3 + TRACE_BYTES * 3 + 8];
    unsigned used = 0;
    for (unsigned i = 0; transfer->pipe->type == USB_CONTROL && i < 8; i++) {
        used += (unsigned)snprintf(text + used, sizeof(text) - used, " %02x", transfer->setup[i]);
    }
    used += (unsigned)snprintf(text + used, sizeof(text) - used, ":");
    for (unsigned i = 0; i < transfer->actual && i < TRACE_BYTES; i++) {
        used += (unsigned)snprintf(text + used, sizeof(text) - used, " %02x", transfer->data[i]);
    }
    log_write(host->env->log, LOG_TRACE, "USB", "ep%u %s%s, %u bytes%s%s", transfer->pipe->number,
              is_in(transfer) ? "in" : "out", results[result], transfer->actual, text,
              transfer->actual > TRACE_BYTES ? " ..." : "");
}

void usbhost_trace_hid(struct usbhost *host, const struct usbhost_hid_event *event) {
    char application[32], usage[32];
    if (host->capture.trace) {
        usbhost_hid_usage_name(event->application, application, sizeof(application));
        usbhost_hid_usage_name(event->usage, usage, sizeof(usage));
        log_write(host->env->log, LOG_TRACE, "USB", "HID %u: %s %s %d", event->instance, application, usage,
                  event->value);
    }
}

void usbhost_trace_midi(struct usbhost *host, unsigned instance, unsigned cable, const uint8_t *bytes,
                        unsigned length) {
    static const char *const format[] = { "", "%02x", "%02x %02x", "%02x %02x %02x" };
    if (host->capture.trace) {
        char text[16];
        snprintf(text, sizeof(text), format[length], bytes[0], bytes[1], bytes[2]);
        log_write(host->env->log, LOG_TRACE, "USB", "MIDI %u cable %u: %s", instance, cable, text);
    }
}

void usbhost_trace(struct usbhost *host, bool on) {
    host->capture.trace = on;
}

void usbhost_observe(void *context, const struct usb_transfer *transfer, bool submitted, enum usb_result result) {
    struct usbhost *host = context;
    if (host->capture.write) {
        write_record(host, transfer, submitted, submitted ? NOT_DONE_YET : status_of(result));
    }
    if (host->capture.trace && !submitted && (result != USB_RESULT_CANCELLED || transfer->actual)) {
        trace_transfer(host, transfer, result);
    }
}
