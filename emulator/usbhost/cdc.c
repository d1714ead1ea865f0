/* CDC ACM driver: USB CDC 1.2 and its PSTN subclass 1.2.
 *
 * The port is 8N1. Not modelled: flow control by notifications (SERIAL_STATE is read and dropped), break. */
#include "emulator/usbhost/private.h"

#include <string.h>

#define SUBCLASS_ACM 2
#define DESCRIPTOR_CS_INTERFACE 0x24
#define SUBTYPE_CALL_MANAGEMENT 1
#define SUBTYPE_UNION 6
#define REQUEST_SET_LINE_CODING 0x20
#define REQUEST_SET_CONTROL_LINE_STATE 0x22
#define LINE_DTR_RTS 3
#define TIMEOUT_MS 5000

static void cdc_next(struct usbhost_cdc *cdc);

/* ---- Control requests ---- */
static void control_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_cdc *cdc = transfer->owner;
    if (result != USB_RESULT_CANCELLED) {
        cdc_next(cdc); /* a refused line coding or line state does not matter */
    }
}

static void clear_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_cdc *cdc = transfer->owner;
    if (result != USB_RESULT_CANCELLED) {
        usb_engine_clear_halt(&cdc->host->engine, transfer->setup[4] & 0x80 ? cdc->in : cdc->out);
        cdc_next(cdc);
    }
}

static void request(struct usbhost_cdc *cdc, uint8_t type, uint8_t number, uint16_t value, uint16_t index,
                    uint16_t length) {
    usbhost_fill_setup(cdc->control.setup, type, number, value, index, length);
    cdc->control.data = cdc->control_data;
    cdc->control.length = length;
    cdc->control.done = number == USB_REQUEST_CLEAR_FEATURE ? clear_done : control_done;
    usb_engine_submit(&cdc->host->engine, usb_engine_control_pipe(&cdc->host->engine), &cdc->control);
}

static void send_line_coding(struct usbhost_cdc *cdc) {
    const uint8_t coding[7] = { cdc->baud & 0xff,
                                cdc->baud >> 8 & 0xff,
                                cdc->baud >> 16 & 0xff,
                                (uint8_t)(cdc->baud >> 24),
                                0 /* 1 stop bit */,
                                0 /* no parity */,
                                8 };
    memcpy(cdc->control_data, coding, sizeof(coding));
    cdc->coding_sent = true;
    request(cdc, 0x21, REQUEST_SET_LINE_CODING, 0, cdc->control_interface, sizeof(coding));
}

static void send_line_state(struct usbhost_cdc *cdc) {
    cdc->sent_open = cdc->wanted_open;
    request(cdc, 0x21, REQUEST_SET_CONTROL_LINE_STATE, cdc->sent_open ? LINE_DTR_RTS : 0, cdc->control_interface, 0);
}

static void clear_halt(struct usbhost_cdc *cdc, const struct usb_pipe *pipe) {
    request(cdc, 0x02, USB_REQUEST_CLEAR_FEATURE, 0, (uint16_t)(pipe->number | (pipe->in ? 0x80 : 0)), 0);
}

/* ---- Data ---- */
static void start_receive(struct usbhost_cdc *cdc) {
    if (cdc->ready && !cdc->paused) {
        cdc->receive.length = cdc->in->max_packet;
        usb_engine_submit(&cdc->host->engine, cdc->in, &cdc->receive);
    }
}

static void receive_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_cdc *cdc = transfer->owner;
    if (result == USB_RESULT_CANCELLED) {
        return;
    }
    if (result == USB_RESULT_OK && transfer->actual && cdc->wanted_open) {
        USBHOST_NOTIFY(cdc->host, cdc_received, cdc->instance, cdc->receive_data, transfer->actual);
    }
    cdc_next(cdc);
}

static unsigned ring_peek(const struct usbhost_cdc *cdc, uint8_t *data, unsigned room) {
    unsigned count = 0;
    while (count < room && cdc->tail + count != cdc->head) {
        data[count] = cdc->ring[(cdc->tail + count) % USBHOST_CDC_RING];
        count++;
    }
    return count;
}

static void start_send(struct usbhost_cdc *cdc) {
    if (!cdc->ready || cdc->head == cdc->tail || cdc->send.queued) {
        return;
    }
    cdc->send.data = cdc->send_data;
    cdc->send.length = ring_peek(cdc, cdc->send_data, cdc->out->max_packet);
    usb_engine_submit(&cdc->host->engine, cdc->out, &cdc->send);
}

static void send_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_cdc *cdc = transfer->owner;
    if (result == USB_RESULT_CANCELLED) {
        return;
    }
    bool was_full = cdc->head - cdc->tail == USBHOST_CDC_RING;
    cdc->tail += transfer->actual;
    cdc_next(cdc);
    if (was_full || cdc->head == cdc->tail) {
        USBHOST_NOTIFY(cdc->host, cdc_changed, cdc->instance);
    }
}

static void notification_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_cdc *cdc = transfer->owner;
    if (result == USB_RESULT_OK && cdc->bound) {
        usb_engine_submit(&cdc->host->engine, cdc->notify, &cdc->notification);
    }
}

/* ---- What is to be done next ---- */
static void set_ready(struct usbhost_cdc *cdc, bool ready) {
    if (cdc->ready != ready) {
        cdc->ready = ready;
        USBHOST_NOTIFY(cdc->host, cdc_changed, cdc->instance);
    }
}

static void cdc_next(struct usbhost_cdc *cdc) {
    if (!cdc->bound || cdc->control.queued) {
        return;
    }
    if (!cdc->coding_sent) {
        send_line_coding(cdc);
    } else if (cdc->sent_open != cdc->wanted_open) {
        set_ready(cdc, false);
        send_line_state(cdc);
    } else if (cdc->in->halted || cdc->out->halted) {
        clear_halt(cdc, cdc->in->halted ? cdc->in : cdc->out);
    } else {
        set_ready(cdc, cdc->sent_open);
        start_receive(cdc);
        start_send(cdc);
    }
}

/* ---- Binding ---- */
static struct usbhost_interface *find_interface(struct usbhost *host, unsigned number) {
    for (unsigned i = 0; i < host->configuration.interface_count; i++) {
        if (host->configuration.interface[i].number == number) {
            return &host->configuration.interface[i];
        }
    }
    return NULL;
}

static struct usbhost_interface *find_data_interface(struct usbhost *host, const struct usbhost_interface *control) {
    const uint8_t *bytes = host->configuration_bytes;
    const uint8_t *found = usbhost_find_descriptor(bytes, control, DESCRIPTOR_CS_INTERFACE, SUBTYPE_UNION);
    if (!found) {
        found = usbhost_find_descriptor(bytes, control, DESCRIPTOR_CS_INTERFACE, SUBTYPE_CALL_MANAGEMENT);
    }
    return find_interface(host, found && found[0] >= 5 ? found[4] : control->number + 1u);
}

static struct usbhost_cdc *unused(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_CDCS; i++) {
        if (!host->cdc[i].bound) {
            return &host->cdc[i];
        }
    }
    return NULL;
}

static void open_pipes(struct usbhost_cdc *cdc, const struct usbhost_interface *control,
                       const struct usbhost_endpoint *in, const struct usbhost_endpoint *out) {
    const struct usbhost_endpoint *notify = usbhost_find_endpoint(control, USB_INTERRUPT, true);
    cdc->in = usbhost_open_pipe(cdc->host, in);
    cdc->out = usbhost_open_pipe(cdc->host, out);
    cdc->notify =
        notify && notify->max_packet <= sizeof(cdc->notification_data) ? usbhost_open_pipe(cdc->host, notify) : NULL;
    if (cdc->notify) {
        cdc->notification.length = cdc->notify->max_packet;
        usb_engine_submit(&cdc->host->engine, cdc->notify, &cdc->notification);
    }
}

void usbhost_cdc_bind(struct usbhost *host, struct usbhost_interface *interface) {
    struct usbhost_cdc *cdc = unused(host);
    if (!cdc || interface->class != USB_CLASS_CDC || interface->subclass != SUBCLASS_ACM) {
        return;
    }
    struct usbhost_interface *data = find_data_interface(host, interface);
    const struct usbhost_endpoint *in = data ? usbhost_find_endpoint(data, USB_BULK, true) : NULL;
    const struct usbhost_endpoint *out = data ? usbhost_find_endpoint(data, USB_BULK, false) : NULL;
    if (!in || !out || in->max_packet > sizeof(cdc->receive_data) || out->max_packet > sizeof(cdc->send_data)) {
        return;
    }
    interface->driver = data->driver = "CDC ACM";
    interface->instance = data->instance = cdc->instance;
    cdc->bound = true;
    cdc->control_interface = interface->number;
    cdc->sent_open = cdc->coding_sent = false;
    open_pipes(cdc, interface, in, out);
    cdc_next(cdc);
}

void usbhost_cdc_unbind(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_CDCS; i++) {
        struct usbhost_cdc *cdc = &host->cdc[i];
        cdc->bound = false;
        cdc->head = cdc->tail = 0;
        set_ready(cdc, false);
    }
}

void usbhost_cdc_init(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_CDCS; i++) {
        struct usbhost_cdc *cdc = &host->cdc[i];
        *cdc = (struct usbhost_cdc){ .host = host, .instance = i, .wanted_open = i == 0, .baud = 115200 };
        cdc->control = (struct usb_transfer){ .timeout_ms = TIMEOUT_MS, .owner = cdc };
        cdc->receive = (struct usb_transfer){ .data = cdc->receive_data, .done = receive_done, .owner = cdc };
        cdc->send = (struct usb_transfer){ .done = send_done, .owner = cdc };
        cdc->notification =
            (struct usb_transfer){ .data = cdc->notification_data, .done = notification_done, .owner = cdc };
    }
}

/* ---- What front ends do ---- */
bool usbhost_cdc_ready(const struct usbhost *host, unsigned instance) {
    return instance < USBHOST_CDCS && host->cdc[instance].ready;
}

void usbhost_cdc_open(struct usbhost *host, unsigned instance, bool open) {
    if (instance < USBHOST_CDCS) {
        struct usbhost_cdc *cdc = &host->cdc[instance];
        cdc->wanted_open = open;
        cdc_next(cdc);
        if (!open && cdc->receive.queued) {
            usb_engine_cancel(&host->engine, &cdc->receive);
        }
    }
}

void usbhost_cdc_set_baud(struct usbhost *host, unsigned instance, uint32_t baud) {
    if (instance < USBHOST_CDCS) {
        host->cdc[instance].baud = baud;
        host->cdc[instance].coding_sent = false;
        cdc_next(&host->cdc[instance]);
    }
}

void usbhost_cdc_pause(struct usbhost *host, unsigned instance, bool paused) {
    if (instance < USBHOST_CDCS) {
        struct usbhost_cdc *cdc = &host->cdc[instance];
        cdc->paused = paused;
        if (paused) {
            usb_engine_cancel(&host->engine, &cdc->receive);
        } else {
            cdc_next(cdc);
        }
    }
}

size_t usbhost_cdc_room(const struct usbhost *host, unsigned instance) {
    return usbhost_cdc_ready(host, instance)
               ? USBHOST_CDC_RING - (size_t)(host->cdc[instance].head - host->cdc[instance].tail)
               : 0;
}

size_t usbhost_cdc_write(struct usbhost *host, unsigned instance, const void *data, size_t length) {
    size_t room = usbhost_cdc_room(host, instance);
    size_t count = length < room ? length : room;
    if (count == 0) {
        return 0;
    }
    struct usbhost_cdc *cdc = &host->cdc[instance];
    for (size_t i = 0; i < count; i++) {
        cdc->ring[cdc->head++ % USBHOST_CDC_RING] = ((const uint8_t *)data)[i];
    }
    cdc_next(cdc);
    return count;
}

/* ---- Snapshots ---- */
static void instance_walk(struct usbhost_cdc *cdc, struct walk *walk) {
    struct usb_engine *engine = &cdc->host->engine;
    const struct usb_region control[] = { { cdc->control_data, sizeof(cdc->control_data) } };
    const struct usb_region receive[] = { { cdc->receive_data, sizeof(cdc->receive_data) } };
    const struct usb_region send[] = { { cdc->send_data, sizeof(cdc->send_data) } };
    const struct usb_region notification[] = { { cdc->notification_data, sizeof(cdc->notification_data) } };
    bool clears = cdc->control.done == clear_done;
    walk_bool(walk, &clears);
    cdc->control.done = clears ? clear_done : control_done;
    usb_transfer_walk(&cdc->control, control, 1, walk);
    usb_transfer_walk(&cdc->receive, receive, 1, walk);
    usb_transfer_walk(&cdc->send, send, 1, walk);
    usb_transfer_walk(&cdc->notification, notification, 1, walk);
    usb_engine_pipe_walk(engine, &cdc->in, sizeof(cdc->receive_data), walk);
    usb_engine_pipe_walk(engine, &cdc->out, sizeof(cdc->send_data), walk);
    usb_engine_pipe_walk(engine, &cdc->notify, sizeof(cdc->notification_data), walk);
}

void usbhost_cdc_walk(struct usbhost *host, struct walk *walk) {
    for (unsigned i = 0; i < USBHOST_CDCS; i++) {
        struct usbhost_cdc *cdc = &host->cdc[i];
        walk_bool(walk, &cdc->wanted_open);
        walk_bool(walk, &cdc->paused);
        walk_u32(walk, &cdc->baud);
        walk_bool(walk, &cdc->bound);
        walk_bool(walk, &cdc->ready);
        walk_u8(walk, &cdc->control_interface);
        walk_bool(walk, &cdc->sent_open);
        walk_bool(walk, &cdc->coding_sent);
        walk_bytes(walk, cdc->control_data, sizeof(cdc->control_data));
        walk_bytes(walk, cdc->receive_data, sizeof(cdc->receive_data));
        walk_bytes(walk, cdc->notification_data, sizeof(cdc->notification_data));
        walk_bytes(walk, cdc->send_data, sizeof(cdc->send_data));
        walk_bytes(walk, cdc->ring, sizeof(cdc->ring));
        walk_u32(walk, &cdc->head);
        walk_u32(walk, &cdc->tail);
        instance_walk(cdc, walk);
        bool needs_pipes = cdc->bound || cdc->ready || cdc->control.queued;
        if (cdc->head - cdc->tail > USBHOST_CDC_RING || (needs_pipes && (!cdc->in || !cdc->out))) {
            walk_fail(walk, "a CDC port that cannot be");
            cdc->bound = cdc->ready = cdc->control.queued = false;
            cdc->head = cdc->tail = 0;
        }
    }
}
