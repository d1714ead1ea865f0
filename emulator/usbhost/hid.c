/* HID driver: Device Class Definition for HID 1.11, chapters 7.2 (requests) and 8 (reports).
 *
 * Input reports are compared with the one before: what has changed becomes events. Relative values are events whenever
 * they are not zero. Output values (LEDs) go by the interrupt OUT endpoint where there is one, else by SET_REPORT.
 * Not modelled: feature reports, boot protocol, physical descriptors. */
#include "emulator/usbhost/hid.h"

#include "emulator/usbhost/private.h"

#include <string.h>

#define CLASS_HID 3
#define DESCRIPTOR_HID 0x21
#define DESCRIPTOR_REPORT 0x22
#define REQUEST_SET_REPORT 9
#define REQUEST_SET_IDLE 10
#define REPORT_TYPE_OUTPUT 2
#define TIMEOUT_MS 5000

static void hid_next(struct usbhost_hid *hid);

/* ---- Input reports ---- */
static void tell(struct usbhost_hid *hid, const struct hid_field *field, uint32_t usage, int32_t value) {
    if (usage == 0) {
        return; /* padding without a usage */
    }
    const struct usbhost_hid_event event = {
        .instance = hid->instance,
        .application = field->application,
        .usage = usage,
        .value = value,
        .relative = field->relative,
    };
    usbhost_trace_hid(hid->host, &event);
    USBHOST_NOTIFY(hid->host, hid_event, &event);
}

static void compare_variable(struct usbhost_hid *hid, const struct hid_field *field, const uint8_t *now,
                             unsigned length) {
    const uint8_t *before = hid->last[field->report];
    for (unsigned i = 0; i < field->count; i++) {
        int32_t value = hid_field_get(field, i, now, length);
        bool changed = field->relative ? value != 0 : value != hid_field_get(field, i, before, HID_REPORT_BYTES);
        if (changed) {
            tell(hid, field, hid_field_usage(field, i), value);
        }
    }
}

static bool array_has(const struct hid_field *field, const uint8_t *bytes, unsigned length, int32_t selector) {
    for (unsigned i = 0; i < field->count; i++) {
        if (hid_field_get(field, i, bytes, length) == selector) {
            return true;
        }
    }
    return false;
}

/* Usage of a selector; 0 for "nothing" and for the error codes of keyboards. */
static uint32_t array_usage(const struct hid_field *field, int32_t selector) {
    if (selector < field->logical_min || selector > field->logical_max) {
        return 0;
    }
    uint32_t usage = hid_field_usage(field, (uint32_t)selector - (uint32_t)field->logical_min);
    uint32_t first = usage >> 16 == HID_PAGE_KEYBOARD ? 4 : 1;
    return (usage & 0xffff) >= first ? usage : 0;
}

/* What is in `a` but not in `b`. */
static void tell_array_difference(struct usbhost_hid *hid, const struct hid_field *field, const uint8_t *a,
                                  unsigned a_length, const uint8_t *b, unsigned b_length, int32_t value) {
    for (unsigned i = 0; i < field->count; i++) {
        int32_t selector = hid_field_get(field, i, a, a_length);
        if (!array_has(field, b, b_length, selector)) {
            tell(hid, field, array_usage(field, selector), value);
        }
    }
}

static void compare(struct usbhost_hid *hid, unsigned report, const uint8_t *now, unsigned length) {
    const uint8_t *before = hid->last[report];
    for (unsigned i = 0; i < hid->descriptor.field_count; i++) {
        const struct hid_field *field = &hid->descriptor.field[i];
        if (field->report != report || field->output) {
            continue;
        }
        if (field->array) {
            tell_array_difference(hid, field, before, HID_REPORT_BYTES, now, length, 0);
            tell_array_difference(hid, field, now, length, before, HID_REPORT_BYTES, 1);
        } else {
            compare_variable(hid, field, now, length);
        }
    }
}

static void report_arrived(struct usbhost_hid *hid, const uint8_t *bytes, unsigned length) {
    USBHOST_NOTIFY(hid->host, hid_report, hid->instance, bytes, length);
    int report = 0;
    if (hid->descriptor.has_ids) {
        report = length ? hid_find_report(&hid->descriptor, bytes[0]) : -1;
        bytes++;
        length -= length > 0;
    }
    if (report < 0 || length > HID_REPORT_BYTES) {
        return;
    }
    compare(hid, (unsigned)report, bytes, length);
    memset(hid->last[report], 0, HID_REPORT_BYTES);
    memcpy(hid->last[report], bytes, length);
}

static unsigned longest_report(const struct usbhost_hid *hid) {
    unsigned bits = 0;
    for (unsigned i = 0; i < hid->descriptor.report_count; i++) {
        bits = hid->descriptor.report[i].input_bits > bits ? hid->descriptor.report[i].input_bits : bits;
    }
    unsigned bytes = (bits + 7) / 8 + hid->descriptor.has_ids;
    return bytes ? bytes : 1;
}

static void receive_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_hid *hid = transfer->owner;
    if (result == USB_RESULT_CANCELLED) {
        return;
    }
    if (result == USB_RESULT_OK && hid->bound) {
        report_arrived(hid, hid->report, transfer->actual);
    }
    hid_next(hid);
}

/* ---- Output reports ---- */
static void send_done(struct usb_transfer *transfer, enum usb_result result) {
    if (result != USB_RESULT_CANCELLED) {
        hid_next(transfer->owner);
    }
}

static void begin_output(struct usbhost_hid *hid) {
    unsigned report = 0;
    while (!(hid->to_send & 1u << report)) {
        report++;
    }
    hid->to_send &= ~(1u << report);
    const struct hid_report *desc = &hid->descriptor.report[report];
    unsigned id_bytes = hid->descriptor.has_ids;
    unsigned length = (desc->output_bits + 7u) / 8;
    hid->sending[0] = desc->id;
    memcpy(hid->sending + id_bytes, hid->output[report], length);
    if (hid->out) {
        hid->send.data = hid->sending;
        hid->send.length = length + id_bytes;
        usb_engine_submit(&hid->host->engine, hid->out, &hid->send);
        return;
    }
    hid->step = HID_OUTPUT;
    usbhost_fill_setup(hid->control.setup, 0x21, REQUEST_SET_REPORT, (uint16_t)(REPORT_TYPE_OUTPUT << 8 | desc->id),
                       hid->interface, (uint16_t)(length + id_bytes));
    hid->control.data = hid->sending;
    hid->control.length = length + id_bytes;
    usb_engine_submit(&hid->host->engine, usb_engine_control_pipe(&hid->host->engine), &hid->control);
}

/* ---- What is to be done next ---- */
static void ask(struct usbhost_hid *hid) {
    if (hid->step == HID_GET_DESCRIPTOR) {
        usbhost_fill_setup(hid->control.setup, 0x81, USB_REQUEST_GET_DESCRIPTOR, DESCRIPTOR_REPORT << 8, hid->interface,
                           hid->descriptor_length);
        hid->control.data = hid->descriptor_bytes;
        hid->control.length = hid->descriptor_length;
    } else {
        usbhost_fill_setup(hid->control.setup, 0x21, REQUEST_SET_IDLE, 0, hid->interface, 0);
        hid->control.length = 0;
    }
    usb_engine_submit(&hid->host->engine, usb_engine_control_pipe(&hid->host->engine), &hid->control);
}

static void set_running(struct usbhost_hid *hid) {
    hid->step = HID_RUNNING;
    hid->ready = true;
    USBHOST_NOTIFY(hid->host, hid_changed, hid->instance);
}

static void clear_halt_done(struct usb_transfer *transfer, enum usb_result result);

static void control_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_hid *hid = transfer->owner;
    if (result == USB_RESULT_CANCELLED) {
        return;
    }
    if (hid->step == HID_GET_DESCRIPTOR) {
        if (result != USB_RESULT_OK || !hid_parse(hid->descriptor_bytes, transfer->actual, &hid->descriptor)) {
            log_write(hid->host->env->log, LOG_WARN, "USB", "interface %u: report descriptor not understood",
                      hid->interface);
            return;
        }
        hid->step = HID_SET_IDLE; /* may be refused */
    } else if (hid->step == HID_SET_IDLE) {
        set_running(hid);
    } else {
        hid->step = HID_RUNNING;
    }
    hid_next(hid);
}

static void clear_halt(struct usbhost_hid *hid, struct usb_pipe *pipe) {
    usbhost_fill_setup(hid->control.setup, 0x02, USB_REQUEST_CLEAR_FEATURE, 0,
                       (uint16_t)(pipe->number | (pipe->in ? 0x80 : 0)), 0);
    hid->control.length = 0;
    hid->control.done = clear_halt_done;
    usb_engine_submit(&hid->host->engine, usb_engine_control_pipe(&hid->host->engine), &hid->control);
}

static void clear_halt_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_hid *hid = transfer->owner;
    transfer->done = control_done;
    if (result != USB_RESULT_CANCELLED) {
        usb_engine_clear_halt(&hid->host->engine, transfer->setup[4] & 0x80 ? hid->in : hid->out);
        hid_next(hid);
    }
}

static void hid_next(struct usbhost_hid *hid) {
    if (!hid->bound || hid->control.queued) {
        return;
    }
    if (hid->step != HID_RUNNING) {
        ask(hid);
    } else if (hid->in->halted || (hid->out && hid->out->halted)) {
        clear_halt(hid, hid->in->halted ? hid->in : hid->out);
    } else {
        hid->receive.length = longest_report(hid);
        usb_engine_submit(&hid->host->engine, hid->in, &hid->receive);
        if (hid->to_send && !hid->send.queued) {
            begin_output(hid);
        }
    }
}

/* ---- Binding ---- */
static uint16_t report_descriptor_length(const struct usbhost *host, const struct usbhost_interface *interface) {
    const uint8_t *hid = usbhost_find_descriptor(host->configuration_bytes, interface, DESCRIPTOR_HID, -1);
    if (!hid || hid[0] < 9 || hid[6] != DESCRIPTOR_REPORT) {
        return 0;
    }
    return (uint16_t)(hid[7] | hid[8] << 8);
}

static struct usbhost_hid *unused(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_HIDS; i++) {
        if (!host->hid[i].bound) {
            return &host->hid[i];
        }
    }
    return NULL;
}

void usbhost_hid_bind(struct usbhost *host, struct usbhost_interface *interface) {
    struct usbhost_hid *hid = unused(host);
    const struct usbhost_endpoint *in = usbhost_find_endpoint(interface, USB_INTERRUPT, true);
    const struct usbhost_endpoint *out = usbhost_find_endpoint(interface, USB_INTERRUPT, false);
    if (interface->class != CLASS_HID || !hid || !in) {
        return;
    }
    uint16_t length = report_descriptor_length(host, interface);
    if (length == 0 || length > USBHOST_HID_DESCRIPTOR_BYTES) {
        return;
    }
    interface->driver = "HID";
    interface->instance = hid->instance;
    hid->bound = true;
    hid->interface = interface->number;
    hid->descriptor_length = length;
    hid->step = HID_GET_DESCRIPTOR;
    hid->to_send = 0;
    memset(hid->last, 0, sizeof(hid->last));
    memset(hid->output, 0, sizeof(hid->output));
    hid->in = usbhost_open_pipe(host, in);
    hid->out = out ? usbhost_open_pipe(host, out) : NULL;
    hid_next(hid);
}

void usbhost_hid_unbind(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_HIDS; i++) {
        struct usbhost_hid *hid = &host->hid[i];
        bool was_ready = hid->ready;
        hid->bound = hid->ready = false;
        hid->descriptor.field_count = 0;
        if (was_ready) {
            USBHOST_NOTIFY(host, hid_changed, i);
        }
    }
}

void usbhost_hid_init(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_HIDS; i++) {
        struct usbhost_hid *hid = &host->hid[i];
        hid->host = host;
        hid->instance = i;
        hid->control = (struct usb_transfer){ .timeout_ms = TIMEOUT_MS, .done = control_done, .owner = hid };
        hid->receive = (struct usb_transfer){ .data = hid->report, .done = receive_done, .owner = hid };
        hid->send = (struct usb_transfer){ .timeout_ms = TIMEOUT_MS, .done = send_done, .owner = hid };
    }
}

/* ---- What front ends do ---- */
bool usbhost_hid_ready(const struct usbhost *host, unsigned instance) {
    return instance < USBHOST_HIDS && host->hid[instance].ready;
}

bool usbhost_hid_set(struct usbhost *host, unsigned instance, uint32_t usage, int32_t value) {
    if (!usbhost_hid_ready(host, instance)) {
        return false;
    }
    struct usbhost_hid *hid = &host->hid[instance];
    for (unsigned i = 0; i < hid->descriptor.field_count; i++) {
        const struct hid_field *field = &hid->descriptor.field[i];
        for (unsigned n = 0; field->output && !field->array && n < field->count; n++) {
            if (hid_field_usage(field, n) == usage) {
                hid_field_set(field, n, value, hid->output[field->report], HID_REPORT_BYTES);
                hid->to_send |= 1u << field->report;
                hid_next(hid);
                return true;
            }
        }
    }
    return false;
}

/* ---- Snapshots ---- */
static void field_walk(struct hid_field *field, struct walk *walk) {
    walk_bool(walk, &field->output);
    walk_bool(walk, &field->array);
    walk_bool(walk, &field->relative);
    walk_u8_below(walk, &field->report, HID_REPORTS);
    walk_u16(walk, &field->bit);
    walk_u8_below(walk, &field->size, 33);
    walk_u16(walk, &field->count);
    walk_i32(walk, &field->logical_min);
    walk_i32(walk, &field->logical_max);
    walk_u32(walk, &field->application);
    walk_below(walk, &field->range_count, HID_USAGE_RANGES + 1);
    for (unsigned i = 0; i < HID_USAGE_RANGES; i++) {
        walk_u32(walk, &field->range[i].first);
        walk_u32(walk, &field->range[i].last);
    }
    if (field->bit + (uint32_t)field->size * field->count > 8 * HID_REPORT_BYTES) {
        walk_fail(walk, "a field beyond its report");
        field->count = 0;
    }
}

static void descriptor_walk(struct hid_descriptor *descriptor, struct walk *walk) {
    walk_bool(walk, &descriptor->has_ids);
    walk_below(walk, &descriptor->report_count, HID_REPORTS + 1);
    for (unsigned i = 0; i < descriptor->report_count; i++) {
        struct hid_report *report = &descriptor->report[i];
        unsigned in = report->input_bits, out = report->output_bits;
        walk_u8(walk, &report->id);
        walk_below(walk, &in, 8 * HID_REPORT_BYTES + 1);
        walk_below(walk, &out, 8 * HID_REPORT_BYTES + 1);
        report->input_bits = (uint16_t)in;
        report->output_bits = (uint16_t)out;
    }
    walk_below(walk, &descriptor->field_count, HID_FIELDS + 1);
    for (unsigned i = 0; i < descriptor->field_count; i++) {
        field_walk(&descriptor->field[i], walk);
    }
}

static void transfers_walk(struct usbhost_hid *hid, struct walk *walk) {
    const struct usb_region control[] = { { hid->descriptor_bytes, sizeof(hid->descriptor_bytes) },
                                          { hid->sending, sizeof(hid->sending) } };
    const struct usb_region receive[] = { { hid->report, sizeof(hid->report) } };
    const struct usb_region send[] = { { hid->sending, sizeof(hid->sending) } };
    bool clears = hid->control.done == clear_halt_done;
    walk_bool(walk, &clears);
    hid->control.done = clears ? clear_halt_done : control_done;
    usb_transfer_walk(&hid->control, control, 2, walk);
    usb_transfer_walk(&hid->receive, receive, 1, walk);
    usb_transfer_walk(&hid->send, send, 1, walk);
    usb_engine_pipe_walk(&hid->host->engine, &hid->in, USB_PACKET_MAX, walk);
    usb_engine_pipe_walk(&hid->host->engine, &hid->out, USB_PACKET_MAX, walk);
}

static void instance_walk(struct usbhost_hid *hid, struct walk *walk) {
    walk_bool(walk, &hid->bound);
    walk_bool(walk, &hid->ready);
    walk_u8(walk, &hid->interface);
    unsigned length = hid->descriptor_length;
    walk_below(walk, &length, USBHOST_HID_DESCRIPTOR_BYTES + 1);
    hid->descriptor_length = (uint16_t)length;
    WALK_ENUM(walk, hid->step, HID_OUTPUT + 1);
    descriptor_walk(&hid->descriptor, walk);
    walk_bytes(walk, hid->descriptor_bytes, sizeof(hid->descriptor_bytes));
    walk_bytes(walk, hid->report, sizeof(hid->report));
    walk_bytes(walk, hid->sending, sizeof(hid->sending));
    walk_bytes(walk, hid->last, sizeof(hid->last));
    walk_bytes(walk, hid->output, sizeof(hid->output));
    walk_u32(walk, &hid->to_send);
    transfers_walk(hid, walk);
    bool needs_pipe = hid->bound || hid->ready || hid->control.queued;
    bool clears = hid->control.queued && hid->control.done == clear_halt_done;
    bool has_pipes = hid->in && (hid->out || !clears || hid->control.setup[4] & 0x80);
    if ((needs_pipe && !has_pipes) || hid->to_send >> hid->descriptor.report_count) {
        walk_fail(walk, "a HID function that cannot be");
        hid->bound = hid->ready = hid->control.queued = false;
        hid->to_send = 0;
    }
}

void usbhost_hid_walk(struct usbhost *host, struct walk *walk) {
    for (unsigned i = 0; i < USBHOST_HIDS; i++) {
        instance_walk(&host->hid[i], walk);
    }
}
