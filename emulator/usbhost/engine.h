/* The host controller: pipes with queues of transfers, and frames of 1 ms in which their transactions find a place.
 * Drivers submit transfers and are called back; nothing here knows what the bytes mean. */
#ifndef USBHOST_ENGINE_H
#define USBHOST_ENGINE_H

#include "emulator/core/block.h"
#include "emulator/core/usb_bus.h"

/* As in bmAttributes of an endpoint descriptor. */
enum usb_transfer_type { USB_CONTROL, USB_ISOCHRONOUS, USB_BULK, USB_INTERRUPT };

enum usb_result {
    USB_RESULT_OK,
    USB_RESULT_STALL,
    USB_RESULT_ERROR,     /* three times no answer, or more data than asked for */
    USB_RESULT_TIMEOUT,   /* the transfer's own time limit */
    USB_RESULT_CANCELLED, /* the device has gone, or the driver did not want it any more */
};

/* Owned by the driver; must stay where it is until done() has been called. */
struct usb_transfer {
    uint8_t setup[8];    /* control transfers */
    uint8_t *data;       /* borrowed; filled or sent; for control transfers the data stage */
    uint32_t length;     /* bytes to send, or room for what comes */
    uint32_t timeout_ms; /* 0: none */
    /* Called once, from an event. The transfer may be submitted again from within. */
    void (*done)(struct usb_transfer *transfer, enum usb_result result);
    void *owner;

    uint32_t actual; /* bytes that went over; below: the engine's */
    uint64_t number; /* counts up, for captures */
    struct usb_pipe *pipe;
    struct usb_transfer *next;
    uint64_t deadline_ms;
    enum usb_stage { USB_STAGE_SETUP, USB_STAGE_DATA, USB_STAGE_STATUS } stage;
    unsigned errors;
    bool queued;
};

struct usb_pipe {
    bool open;
    uint8_t number;
    bool in; /* of a control pipe: unused */
    enum usb_transfer_type type;
    uint16_t max_packet;
    uint8_t interval_ms; /* interrupt and isochronous */
    bool data1;          /* PID of the next packet */
    bool halted;         /* answered STALL: refuses transfers until usb_engine_clear_halt() */
    bool waiting;        /* answered NAK: not asked again before the next frame or a sign from the device */
    uint64_t refused_at; /* engine.changes when it answered NAK last */
    uint64_t due_ms;     /* interrupt and isochronous: not before this frame */
    struct usb_transfer *first;
};

#define USB_PIPES 32
#define USB_TRANSFERS 64 /* of all drivers together, at most */
#define USB_REGIONS 4

struct usb_engine {
    struct environment *env;
    struct usb_bus_device *device;
    struct event frame_event; /* every 1 ms while frames flow and something happens in them */
    struct event run_event;   /* the bus has become free, or there is something new to do */
    bool running;             /* frames flow */
    uint8_t address;
    bool quiet; /* frames pass without an event: frame_ms and what follows are those of the last one that had one */
    uint64_t changes;  /* counts what may make an endpoint answer something else than NAK; begins with 1 */
    uint64_t frame_ms; /* frames since power-on; modulo 2048 the number in the packet */
    uint64_t frame_start_ps;
    uint64_t free_ps;                /* the wire is taken until then */
    struct usb_pipe pipe[USB_PIPES]; /* endpoint number * 2 + in; 0 is the control pipe */
    struct usb_pipe *order[USB_PIPES];
    unsigned order_count; /* open pipes, interrupt ones first, then control, then bulk */
    unsigned turn;        /* of the bulk pipes: who is asked first */
    uint8_t packet[USB_PACKET_MAX];
    unsigned stalls;        /* a fault: so many answers of this endpoint are STALL, whatever the device says */
    uint8_t stall_endpoint; /* bit 7: IN; 0: the control pipe */
    uint64_t transfers;     /* submitted so far */
    /* Called for every transfer when it is submitted and when it is done. May be NULL. */
    void (*observe)(void *context, const struct usb_transfer *transfer, bool submitted, enum usb_result result);
    void *observer;
};

void usb_engine_init(struct usb_engine *engine, struct environment *env, struct usb_bus_device *device);
/* Let frames flow, or stop them (transfers stay queued). */
void usb_engine_start(struct usb_engine *engine);
void usb_engine_stop(struct usb_engine *engine);
/* Open the pipe of an endpoint, closing what was there. `max_packet` 1 to 1023; `interval_ms` at least 1 is used. */
struct usb_pipe *usb_engine_open(struct usb_engine *engine, uint8_t number, bool in, enum usb_transfer_type type,
                                 uint16_t max_packet, uint8_t interval_ms);
/* Cancel all transfers and close all pipes. */
void usb_engine_close_all(struct usb_engine *engine);
static inline struct usb_pipe *usb_engine_control_pipe(struct usb_engine *engine) {
    return &engine->pipe[0];
}
/* Queue a transfer; on a halted pipe it will be done with STALL. False, and done() will not be called, when the pipe is
 * closed or the transfer is queued already. */
bool usb_engine_submit(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer);
/* Take a transfer out of its queue and call done() with CANCELLED; no effect when it is not queued. */
void usb_engine_cancel(struct usb_engine *engine, struct usb_transfer *transfer);
/* After CLEAR_FEATURE(ENDPOINT_HALT): begin with DATA0 again. */
void usb_engine_clear_halt(struct usb_engine *engine, struct usb_pipe *pipe);
/* ---- Snapshots ---- */
/* Bytes that the data of a transfer may be in. */
struct usb_region {
    uint8_t *at; /* NULL: there is none */
    size_t size;
    bool lent; /* only as long as the transfer is queued */
};
/* Its state but for queues, which hold transfers of several drivers. */
void usb_engine_walk(struct usb_engine *engine, struct walk *walk);
/* State of a transfer whose data are NULL or in one of the regions; done() and owner are the driver's. */
void usb_transfer_walk(struct usb_transfer *transfer, const struct usb_region *regions, unsigned count,
                       struct walk *walk);
/* A pointer into a region, or NULL, with at least `size` bytes behind it. */
void usb_region_walk(uint8_t **at, size_t size, const struct usb_region *regions, unsigned count, struct walk *walk);
/* The queues of all pipes; `transfers` are all that there are. Reading: after the transfers themselves. */
void usb_engine_queues_walk(struct usb_engine *engine, struct usb_transfer *const *transfers, unsigned count,
                            struct walk *walk);
/* A pointer to an open pipe with packets of at most `max_packet` bytes, or NULL. */
void usb_engine_pipe_walk(struct usb_engine *engine, struct usb_pipe **pipe, uint16_t max_packet, struct walk *walk);
/* The next `count` answers of an endpoint (bit 7: IN) are STALL, which the device does not know of. 0 ends it. */
void usb_engine_stall(struct usb_engine *engine, uint8_t endpoint, unsigned count);
/* What usb_bus_host_class.look says. */
void usb_engine_look(struct usb_engine *engine, bool changes);
/* A sign from the device that the endpoint may answer now. */
void usb_engine_endpoint_changed(struct usb_engine *engine, uint8_t number, bool in);

#endif
