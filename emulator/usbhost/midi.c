/* MIDI streaming driver: Universal Serial Bus Device Class Definition for MIDI Devices 1.0, chapter 4.
 *
 * Not modelled: the jack and element topology (cables are numbered as in the packets). */
#include "emulator/usbhost/midi.h"

#include "emulator/usbhost/private.h"

#include <string.h>

#define CLASS_AUDIO 1
#define SUBCLASS_MIDI_STREAMING 3
#define TIMEOUT_MS 5000

#define SYSEX_BEGIN 0xf0
#define SYSEX_END 0xf7

static void midi_next(struct usbhost_midi *midi);

/* ---- From the device ---- */
/* MIDI bytes in an event packet, by code index number (table 4-1); 0: reserved. */
static const uint8_t packet_bytes[16] = { 0, 0, 2, 3, 3, 1, 2, 3, 3, 3, 3, 3, 2, 2, 3, 1 };

static void packets_arrived(struct usbhost_midi *midi, const uint8_t *data, unsigned length) {
    for (unsigned i = 0; i + 4 <= length; i += 4) {
        unsigned count = packet_bytes[data[i] & 15];
        if (count) {
            usbhost_trace_midi(midi->host, midi->instance, data[i] >> 4, data + i + 1, count);
            USBHOST_NOTIFY(midi->host, midi_received, midi->instance, data[i] >> 4, data + i + 1, count);
        }
    }
}

static void receive_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_midi *midi = transfer->owner;
    if (result == USB_RESULT_CANCELLED) {
        return;
    }
    if (result == USB_RESULT_OK) {
        packets_arrived(midi, midi->receive_data, transfer->actual);
    }
    midi_next(midi);
}

/* ---- To the device ---- */
static void put_packet(struct usbhost_midi *midi, unsigned cable, uint8_t code, const uint8_t *bytes, unsigned count) {
    uint8_t packet[4] = { (uint8_t)(cable << 4 | code) };
    memcpy(packet + 1, bytes, count);
    for (unsigned i = 0; i < 4; i++) {
        midi->ring[midi->head++ % USBHOST_MIDI_RING] = packet[i];
    }
}

/* Bytes of a message with its status byte; 0: only system exclusive ones have no fixed length. */
static unsigned message_length(uint8_t status) {
    if (status < 0xf0) {
        return (status & 0xe0) == 0xc0 ? 2 : 3;
    }
    return status == 0xf2 ? 3 : status == 0xf1 || status == 0xf3 ? 2 : 1;
}

static uint8_t message_code(uint8_t status) {
    if (status < 0xf0) {
        return status >> 4;
    }
    return message_length(status) == 1 ? 5 : (uint8_t)message_length(status);
}

static void encode_sysex(struct usbhost_midi *midi, unsigned cable, uint8_t byte) {
    struct usbhost_midi_encoder *encoder = &midi->encoder[cable];
    encoder->bytes[encoder->count++] = byte;
    if (byte == SYSEX_END) {
        put_packet(midi, cable, (uint8_t)(4 + encoder->count), encoder->bytes, encoder->count);
        *encoder = (struct usbhost_midi_encoder){ 0 };
    } else if (encoder->count == 3) {
        put_packet(midi, cable, 4, encoder->bytes, 3);
        encoder->count = 0;
    }
}

static void encode_status(struct usbhost_midi *midi, unsigned cable, uint8_t byte) {
    struct usbhost_midi_encoder *encoder = &midi->encoder[cable];
    if (byte >= 0xf8) { /* real time: may stand inside of others */
        put_packet(midi, cable, 15, &byte, 1);
        return;
    }
    *encoder = (struct usbhost_midi_encoder){ .status = byte };
    if (byte == SYSEX_BEGIN) {
        encode_sysex(midi, cable, byte);
    } else if (message_length(byte) == 1) {
        put_packet(midi, cable, message_code(byte), &byte, 1);
        encoder->status = 0;
    } else {
        encoder->bytes[encoder->count++] = byte;
    }
}

static void encode_data(struct usbhost_midi *midi, unsigned cable, uint8_t byte) {
    struct usbhost_midi_encoder *encoder = &midi->encoder[cable];
    if (encoder->status == SYSEX_BEGIN) {
        encode_sysex(midi, cable, byte);
    } else if (encoder->status) {
        if (encoder->count == 0) {
            encoder->bytes[encoder->count++] = encoder->status; /* running status */
        }
        encoder->bytes[encoder->count++] = byte;
        if (encoder->count == message_length(encoder->status)) {
            put_packet(midi, cable, message_code(encoder->status), encoder->bytes, encoder->count);
            encoder->count = 0;
            encoder->status = encoder->status < 0xf0 ? encoder->status : 0;
        }
    }
}

static void encode(struct usbhost_midi *midi, unsigned cable, uint8_t byte) {
    if (byte == SYSEX_END && midi->encoder[cable].status == SYSEX_BEGIN) {
        encode_sysex(midi, cable, byte);
    } else if (byte & 0x80) {
        encode_status(midi, cable, byte);
    } else {
        encode_data(midi, cable, byte);
    }
}

static void start_send(struct usbhost_midi *midi) {
    if (midi->head == midi->tail || midi->send.queued) {
        return;
    }
    unsigned room = midi->out->max_packet / 4 * 4;
    unsigned count = 0;
    while (count < room && midi->tail + count != midi->head) {
        midi->send_data[count] = midi->ring[(midi->tail + count) % USBHOST_MIDI_RING];
        count++;
    }
    midi->send.data = midi->send_data;
    midi->send.length = count;
    usb_engine_submit(&midi->host->engine, midi->out, &midi->send);
}

static void send_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_midi *midi = transfer->owner;
    if (result == USB_RESULT_CANCELLED) {
        return;
    }
    midi->tail += transfer->actual;
    midi_next(midi);
}

/* ---- What is to be done next ---- */
static void clear_done(struct usb_transfer *transfer, enum usb_result result) {
    struct usbhost_midi *midi = transfer->owner;
    if (result != USB_RESULT_CANCELLED) {
        usb_engine_clear_halt(&midi->host->engine, transfer->setup[4] & 0x80 ? midi->in : midi->out);
        midi_next(midi);
    }
}

static void clear_halt(struct usbhost_midi *midi, const struct usb_pipe *pipe) {
    usbhost_fill_setup(midi->control.setup, 0x02, USB_REQUEST_CLEAR_FEATURE, 0,
                       (uint16_t)(pipe->number | (pipe->in ? 0x80 : 0)), 0);
    usb_engine_submit(&midi->host->engine, usb_engine_control_pipe(&midi->host->engine), &midi->control);
}

static void midi_next(struct usbhost_midi *midi) {
    if (!midi->bound || midi->control.queued) {
        return;
    }
    if (midi->in->halted || midi->out->halted) {
        clear_halt(midi, midi->in->halted ? midi->in : midi->out);
        return;
    }
    midi->receive.length = midi->in->max_packet;
    usb_engine_submit(&midi->host->engine, midi->in, &midi->receive);
    start_send(midi);
}

/* ---- Binding ---- */
static struct usbhost_midi *unused(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_MIDIS; i++) {
        if (!host->midi[i].bound) {
            return &host->midi[i];
        }
    }
    return NULL;
}

void usbhost_midi_bind(struct usbhost *host, struct usbhost_interface *interface) {
    struct usbhost_midi *midi = unused(host);
    const struct usbhost_endpoint *in = usbhost_find_endpoint(interface, USB_BULK, true);
    const struct usbhost_endpoint *out = usbhost_find_endpoint(interface, USB_BULK, false);
    if (interface->class != CLASS_AUDIO || interface->subclass != SUBCLASS_MIDI_STREAMING || !midi || !in || !out ||
        in->max_packet > sizeof(midi->receive_data) || out->max_packet < 4 ||
        out->max_packet > sizeof(midi->send_data)) {
        return;
    }
    interface->driver = "MIDI";
    interface->instance = midi->instance;
    midi->bound = true;
    midi->head = midi->tail = 0;
    memset(midi->encoder, 0, sizeof(midi->encoder));
    midi->in = usbhost_open_pipe(host, in);
    midi->out = usbhost_open_pipe(host, out);
    USBHOST_NOTIFY(host, midi_changed, midi->instance);
    midi_next(midi);
}

void usbhost_midi_unbind(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_MIDIS; i++) {
        struct usbhost_midi *midi = &host->midi[i];
        bool was_bound = midi->bound;
        midi->bound = false;
        if (was_bound) {
            USBHOST_NOTIFY(host, midi_changed, i);
        }
    }
}

void usbhost_midi_init(struct usbhost *host) {
    for (unsigned i = 0; i < USBHOST_MIDIS; i++) {
        struct usbhost_midi *midi = &host->midi[i];
        midi->host = host;
        midi->instance = i;
        midi->receive = (struct usb_transfer){ .data = midi->receive_data, .done = receive_done, .owner = midi };
        midi->send = (struct usb_transfer){ .done = send_done, .owner = midi };
        midi->control = (struct usb_transfer){ .timeout_ms = TIMEOUT_MS, .done = clear_done, .owner = midi };
    }
}

/* ---- What front ends do ---- */
bool usbhost_midi_ready(const struct usbhost *host, unsigned instance) {
    return instance < USBHOST_MIDIS && host->midi[instance].bound;
}

size_t usbhost_midi_write(struct usbhost *host, unsigned instance, unsigned cable, const void *data, size_t length) {
    if (!usbhost_midi_ready(host, instance) || cable >= USBHOST_MIDI_CABLES) {
        return 0;
    }
    struct usbhost_midi *midi = &host->midi[instance];
    size_t taken = 0;
    while (taken < length && midi->head - midi->tail <= USBHOST_MIDI_RING - 4) {
        encode(midi, cable, ((const uint8_t *)data)[taken++]);
    }
    midi_next(midi);
    return taken;
}

/* ---- Snapshots ---- */
static void transfers_walk(struct usbhost_midi *midi, struct walk *walk) {
    const struct usb_region receive[] = { { midi->receive_data, sizeof(midi->receive_data) } };
    const struct usb_region send[] = { { midi->send_data, sizeof(midi->send_data) } };
    usb_transfer_walk(&midi->receive, receive, 1, walk);
    usb_transfer_walk(&midi->send, send, 1, walk);
    usb_transfer_walk(&midi->control, NULL, 0, walk);
    usb_engine_pipe_walk(&midi->host->engine, &midi->in, sizeof(midi->receive_data), walk);
    usb_engine_pipe_walk(&midi->host->engine, &midi->out, sizeof(midi->send_data), walk);
}

static void instance_walk(struct usbhost_midi *midi, struct walk *walk) {
    walk_bool(walk, &midi->bound);
    walk_bytes(walk, midi->receive_data, sizeof(midi->receive_data));
    walk_bytes(walk, midi->send_data, sizeof(midi->send_data));
    walk_bytes(walk, midi->ring, sizeof(midi->ring));
    walk_u32(walk, &midi->head);
    walk_u32(walk, &midi->tail);
    for (unsigned i = 0; i < USBHOST_MIDI_CABLES; i++) {
        walk_u8(walk, &midi->encoder[i].status);
        walk_bytes(walk, midi->encoder[i].bytes, sizeof(midi->encoder[i].bytes));
        walk_u8_below(walk, &midi->encoder[i].count, sizeof(midi->encoder[i].bytes));
    }
    transfers_walk(midi, walk);
    bool needs_pipes = midi->bound || midi->control.queued;
    if (midi->head - midi->tail > USBHOST_MIDI_RING || (needs_pipes && (!midi->in || !midi->out))) {
        walk_fail(walk, "a MIDI function that cannot be");
        midi->bound = midi->control.queued = false;
        midi->head = midi->tail = 0;
    }
}

void usbhost_midi_walk(struct usbhost *host, struct walk *walk) {
    for (unsigned i = 0; i < USBHOST_MIDIS; i++) {
        instance_walk(&host->midi[i], walk);
    }
}
