/* Host controller: USB 2.0 chapters 5.11 (bus time), 8.5 (transactions), 8.6 (data toggle), full speed.
 *
 * The work of a transaction is done at its beginning; the wire is then taken for as long as it would last with the
 * protocol overhead of USB 2.0 tables 5-9 and 5-10 (13 bytes, 9 for isochronous ones) and no bit stuffing, which gives
 * 19 packets of 64 bytes a frame. A transaction is begun only where the longest one would still fit into the frame.
 *
 * Frames in which nothing can happen pass without an event (`quiet`): all that the host wants has been answered NAK
 * since the device was changed last, so it would be again, and nobody hears the frames. They are counted when somebody
 * looks; what that leaves is what frames one by one leave.
 *
 * A pipe that answers NAK is asked again when the device gives a sign (as a host that polls on would find it a few
 * microseconds later), and once a frame in any case. NAKs cost no bus time. No answer at all: three tries, a frame
 * apart.
 *
 * Not modelled: bit errors, isochronous OUT beyond sending one packet an interval, split transactions. */
#include "emulator/usbhost/engine.h"

#include <string.h>

#define OVERHEAD_BYTES 13
#define OVERHEAD_BYTES_ISOCHRONOUS 9
#define SOF_BYTES 6
#define TRIES 3
#define POLL_LATENCY_PS (5 * PS_PER_US)   /* from a sign of the device to the next token */
#define SUBMIT_LATENCY_PS (2 * PS_PER_US) /* from a new transfer to its first token */

static uint64_t wire_time(unsigned bytes) {
    return bytes * UINT64_C(8000000) / 12; /* 12 Mbit/s */
}

static uint64_t transaction_time(const struct usb_pipe *pipe, unsigned length) {
    return wire_time(length + (pipe->type == USB_ISOCHRONOUS ? OVERHEAD_BYTES_ISOCHRONOUS : OVERHEAD_BYTES));
}

static int rank(const struct usb_pipe *pipe) {
    switch (pipe->type) {
    case USB_ISOCHRONOUS:
        return 0;
    case USB_INTERRUPT:
        return 1;
    case USB_CONTROL:
        return 2;
    default:
        return 3;
    }
}

/* ---- Frames that pass without an event ---- */
static void pass_on_pipe(const struct usb_engine *engine, struct usb_pipe *pipe) {
    pipe->waiting = false;
    if (pipe->first && pipe->type != USB_INTERRUPT) {
        pipe->due_ms = engine->frame_ms; /* asked in every frame */
        pipe->waiting = true;
    } else if (pipe->first && pipe->due_ms <= engine->frame_ms) {
        uint64_t since = (engine->frame_ms - pipe->due_ms) % pipe->interval_ms;
        pipe->due_ms = engine->frame_ms - since + pipe->interval_ms;
        pipe->waiting = since == 0; /* asked in the last one */
    }
}

static void pass_frames(struct usb_engine *engine, uint64_t count) {
    if (!count) {
        return;
    }
    engine->frame_ms += count;
    engine->frame_start_ps += count * PS_PER_MS;
    for (unsigned i = 0; i < engine->order_count; i++) {
        pass_on_pipe(engine, engine->order[i]);
    }
    engine->free_ps = engine->frame_start_ps + wire_time(SOF_BYTES);
    engine->device->class->sof(engine->device->context, engine->frame_ms % 2048, engine->frame_start_ps);
}

/* Frames have an event each again. An event that is due with a frame comes before it (`priority`). */
static void end_quiet(struct usb_engine *engine) {
    if (!engine->quiet) {
        return;
    }
    struct scheduler *scheduler = engine->env->scheduler;
    uint64_t now = scheduler_due(scheduler) - scheduler->in_event;
    uint64_t frames = now > engine->frame_start_ps ? (now - engine->frame_start_ps) / PS_PER_MS : 0;
    uint64_t to_event = TIME_NEVER;
    if (engine->frame_event.pending) {
        to_event = (engine->frame_event.when_ps - engine->frame_start_ps) / PS_PER_MS - 1;
    }
    engine->quiet = false;
    pass_frames(engine, frames < to_event ? frames : to_event);
    scheduler_add(scheduler, &engine->frame_event, engine->frame_start_ps + PS_PER_MS);
}

static bool would_be_refused(const struct usb_engine *engine, const struct usb_pipe *pipe) {
    return pipe->type != USB_ISOCHRONOUS && !pipe->halted && pipe->refused_at == engine->changes &&
           (pipe->waiting || pipe->due_ms > engine->frame_ms);
}

/* A frame has had its turn: the next one that matters is that in which the first time limit ends, if there is one. */
static void begin_quiet(struct usb_engine *engine) {
    struct usb_bus_device *device = engine->device;
    uint64_t deadline_ms = UINT64_MAX;
    bool quiet = engine->running && !engine->run_event.pending && device->class->hears_frames &&
                 !device->class->hears_frames(device->context);
    for (unsigned i = 0; quiet && i < engine->order_count; i++) {
        const struct usb_pipe *pipe = engine->order[i];
        if (pipe->first) {
            quiet = would_be_refused(engine, pipe);
            deadline_ms = pipe->first->deadline_ms < deadline_ms ? pipe->first->deadline_ms : deadline_ms;
        }
    }
    if (!quiet || deadline_ms <= engine->frame_ms) {
        return;
    }
    engine->quiet = true;
    scheduler_cancel(engine->env->scheduler, &engine->frame_event);
    if (deadline_ms != UINT64_MAX) {
        scheduler_add(engine->env->scheduler, &engine->frame_event,
                      engine->frame_start_ps + (deadline_ms - engine->frame_ms) * PS_PER_MS);
    }
}

void usb_engine_look(struct usb_engine *engine, bool changes) {
    end_quiet(engine);
    engine->changes += changes;
}

/* ---- Queues ---- */
/* The transfer leaves its queue; done() is the last thing, it may submit again. */
static void finish(struct usb_engine *engine, struct usb_transfer *transfer, enum usb_result result) {
    struct usb_pipe *pipe = transfer->pipe;
    struct usb_transfer **at = &pipe->first;
    while (*at && *at != transfer) {
        at = &(*at)->next;
    }
    if (*at) {
        *at = transfer->next;
    }
    transfer->next = NULL;
    transfer->queued = false;
    if (engine->observe) {
        engine->observe(engine->observer, transfer, false, result);
    }
    if (transfer->done) {
        transfer->done(transfer, result);
    }
}

static void kick(struct usb_engine *engine, uint64_t latency_ps) {
    if (!engine->running) {
        return;
    }
    uint64_t when = scheduler_now(engine->env->scheduler) + latency_ps;
    if (when < engine->free_ps) {
        when = engine->free_ps;
    }
    if (!engine->run_event.pending || engine->run_event.when_ps > when) {
        scheduler_add(engine->env->scheduler, &engine->run_event, when);
    }
}

bool usb_engine_submit(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer) {
    if (transfer->queued || !pipe->open) {
        return false;
    }
    usb_engine_look(engine, true);
    transfer->pipe = pipe;
    transfer->queued = true;
    transfer->actual = 0;
    transfer->stage = USB_STAGE_SETUP;
    transfer->errors = 0;
    transfer->next = NULL;
    transfer->deadline_ms = transfer->timeout_ms ? engine->frame_ms + transfer->timeout_ms : UINT64_MAX;
    struct usb_transfer **at = &pipe->first;
    while (*at) {
        at = &(*at)->next;
    }
    *at = transfer;
    transfer->number = ++engine->transfers;
    if (engine->observe) {
        engine->observe(engine->observer, transfer, true, USB_RESULT_OK);
    }
    kick(engine, SUBMIT_LATENCY_PS);
    return true;
}

void usb_engine_cancel(struct usb_engine *engine, struct usb_transfer *transfer) {
    if (transfer->queued) {
        usb_engine_look(engine, true);
        finish(engine, transfer, USB_RESULT_CANCELLED);
    }
}

/* ---- Pipes ---- */
static void build_order(struct usb_engine *engine) {
    engine->order_count = 0;
    for (int level = 0; level <= 3; level++) {
        for (unsigned i = 0; i < USB_PIPES; i++) {
            if (engine->pipe[i].open && rank(&engine->pipe[i]) == level) {
                engine->order[engine->order_count++] = &engine->pipe[i];
            }
        }
    }
}

/* What was queued when this began; a done() that submits again is served later, by itself. */
static void cancel_queue(struct usb_engine *engine, struct usb_pipe *pipe) {
    struct usb_transfer *transfer = pipe->first;
    pipe->first = NULL;
    while (transfer) {
        struct usb_transfer *next = transfer->next;
        finish(engine, transfer, USB_RESULT_CANCELLED);
        transfer = next;
    }
}

struct usb_pipe *usb_engine_open(struct usb_engine *engine, uint8_t number, bool in, enum usb_transfer_type type,
                                 uint16_t max_packet, uint8_t interval_ms) {
    struct usb_pipe *pipe = &engine->pipe[type == USB_CONTROL ? 0 : (number & 15) * 2 + in];
    usb_engine_look(engine, true);
    pipe->open = false;
    cancel_queue(engine, pipe);
    *pipe = (struct usb_pipe){ .open = true, .number = number & 15, .in = in, .type = type, .first = pipe->first };
    pipe->max_packet = max_packet < 1 ? 1 : max_packet > USB_PACKET_MAX ? USB_PACKET_MAX : max_packet;
    pipe->interval_ms = interval_ms ? interval_ms : 1;
    build_order(engine);
    return pipe;
}

void usb_engine_close_all(struct usb_engine *engine) {
    usb_engine_look(engine, true);
    for (unsigned i = 0; i < USB_PIPES; i++) {
        engine->pipe[i].open = false;
    }
    engine->order_count = 0;
    for (unsigned i = 0; i < USB_PIPES; i++) {
        cancel_queue(engine, &engine->pipe[i]);
    }
}

void usb_engine_clear_halt(struct usb_engine *engine, struct usb_pipe *pipe) {
    usb_engine_look(engine, true);
    pipe->halted = false;
    pipe->data1 = false;
    pipe->waiting = false;
}

void usb_engine_endpoint_changed(struct usb_engine *engine, uint8_t number, bool in) {
    usb_engine_look(engine, true);
    struct usb_pipe *pipe = &engine->pipe[number ? (number & 15) * 2 + in : 0];
    if (pipe->waiting) {
        pipe->waiting = false;
        if (pipe->first) {
            kick(engine, POLL_LATENCY_PS);
        }
    }
}

/* ---- Transactions ---- */
static enum usb_answer token_setup(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer) {
    struct usb_bus_device *device = engine->device;
    return device->class->setup(device->context, engine->address, pipe->number, transfer->setup);
}

/* With USB_ACK *ret_length is what arrived anew (0 for a packet sent a second time, and then *ret_last is false). */
static enum usb_answer token_in(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer,
                                unsigned *ret_length, bool *ret_last, bool *ret_babble) {
    struct usb_bus_device *device = engine->device;
    unsigned length = 0;
    bool data1 = false;
    enum usb_answer answer =
        device->class->in(device->context, engine->address, pipe->number, engine->packet, &length, &data1);
    *ret_length = 0;
    *ret_last = *ret_babble = false;
    if (answer != USB_ACK || (data1 != pipe->data1 && pipe->type != USB_ISOCHRONOUS)) {
        return answer;
    }
    pipe->data1 = !pipe->data1;
    uint32_t room = transfer->length - transfer->actual;
    *ret_babble = length > room || length > pipe->max_packet;
    *ret_length = length > room ? room : length;
    memcpy(transfer->data + transfer->actual, engine->packet, *ret_length);
    transfer->actual += *ret_length;
    *ret_last = length < pipe->max_packet || transfer->actual == transfer->length;
    return answer;
}

static unsigned next_out_length(const struct usb_pipe *pipe, const struct usb_transfer *transfer) {
    uint32_t left = transfer->length - transfer->actual;
    return left < pipe->max_packet ? left : pipe->max_packet;
}

static enum usb_answer token_out(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer,
                                 unsigned length) {
    struct usb_bus_device *device = engine->device;
    const uint8_t *data = length ? transfer->data + transfer->actual : engine->packet;
    enum usb_answer answer =
        device->class->out(device->context, engine->address, pipe->number, pipe->data1, data, length);
    if (answer == USB_ACK || pipe->type == USB_ISOCHRONOUS) {
        pipe->data1 = !pipe->data1;
        transfer->actual += length;
        return USB_ACK;
    }
    return answer;
}

/* One step of a transfer: what was answered, and bytes moved (for the bus time). ret_done: the transfer is complete,
 * with *ret_result. */
struct step {
    enum usb_answer answer;
    unsigned length;
    bool done;
    enum usb_result result;
};

static struct step data_step(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer, bool in) {
    struct step step = { .result = USB_RESULT_OK };
    if (in) {
        bool babble;
        step.answer = token_in(engine, pipe, transfer, &step.length, &step.done, &babble);
        step.done |= babble;
        step.result = babble ? USB_RESULT_ERROR : USB_RESULT_OK;
    } else {
        step.length = next_out_length(pipe, transfer);
        step.answer = token_out(engine, pipe, transfer, step.length);
        step.done = step.answer == USB_ACK && transfer->actual == transfer->length;
    }
    return step;
}

/* The status stage: an empty packet with DATA1 in the other direction. */
static struct step status_step(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer,
                               bool in) {
    struct step step = { .result = USB_RESULT_OK };
    pipe->data1 = true;
    if (in) {
        struct usb_transfer empty = { .data = engine->packet };
        bool babble;
        step.answer = token_in(engine, pipe, &empty, &step.length, &step.done, &babble);
        step.result = babble ? USB_RESULT_ERROR : USB_RESULT_OK;
    } else {
        step.answer = token_out(engine, pipe, transfer, 0);
        step.done = step.answer == USB_ACK;
    }
    return step;
}

static struct step control_step(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer) {
    bool in = transfer->setup[0] & 0x80;
    struct step step;
    switch (transfer->stage) {
    case USB_STAGE_SETUP:
        step = (struct step){ .answer = token_setup(engine, pipe, transfer), .length = 8 };
        if (step.answer == USB_ACK) {
            pipe->data1 = true;
            transfer->stage = transfer->length ? USB_STAGE_DATA : USB_STAGE_STATUS;
        } else {
            step.answer = USB_TIMEOUT; /* a SETUP can be answered by ACK alone */
        }
        return step;
    case USB_STAGE_DATA:
        step = data_step(engine, pipe, transfer, in);
        if (step.done && step.result == USB_RESULT_OK) {
            transfer->stage = USB_STAGE_STATUS;
            step.done = false;
        }
        return step;
    default:
        return status_step(engine, pipe, transfer, !in || !transfer->length);
    }
}

void usb_engine_stall(struct usb_engine *engine, uint8_t endpoint, unsigned count) {
    usb_engine_look(engine, true);
    engine->stall_endpoint = endpoint;
    engine->stalls = count;
}

/* A fault answers instead of the device. */
static bool is_stalled_by_fault(struct usb_engine *engine, const struct usb_pipe *pipe) {
    uint8_t address = pipe->type == USB_CONTROL ? 0 : (uint8_t)(pipe->number | (pipe->in ? 0x80 : 0));
    if (!engine->stalls || address != engine->stall_endpoint) {
        return false;
    }
    engine->stalls--;
    return true;
}

static struct step pipe_step(struct usb_engine *engine, struct usb_pipe *pipe, struct usb_transfer *transfer) {
    if (is_stalled_by_fault(engine, pipe)) {
        return (struct step){ .answer = USB_STALL };
    }
    return pipe->type == USB_CONTROL ? control_step(engine, pipe, transfer)
                                     : data_step(engine, pipe, transfer, pipe->in);
}

/* What the answer means for the transfer. False: nothing happened on the wire that takes time (NAK). */
static bool take_step(struct usb_engine *engine, struct usb_pipe *pipe, uint64_t start_ps) {
    struct usb_transfer *transfer = pipe->first;
    if (pipe->halted) {
        finish(engine, transfer, USB_RESULT_STALL);
        return true;
    }
    struct step step = pipe_step(engine, pipe, transfer);
    pipe->due_ms = engine->frame_ms + (rank(pipe) < 2 ? pipe->interval_ms : 0);
    if (step.answer == USB_NAK) {
        pipe->waiting = true;
        pipe->refused_at = engine->changes;
        transfer->errors = 0;
        return false;
    }
    engine->free_ps = start_ps + transaction_time(pipe, step.length);
    if (step.answer == USB_STALL) {
        pipe->halted = pipe->type != USB_CONTROL;
        finish(engine, transfer, USB_RESULT_STALL);
    } else if (step.answer == USB_TIMEOUT) {
        pipe->due_ms = engine->frame_ms + 1;
        if (++transfer->errors >= TRIES) {
            finish(engine, transfer, USB_RESULT_ERROR);
        }
    } else {
        transfer->errors = 0;
        if (step.done) {
            finish(engine, transfer, step.result);
        }
    }
    return true;
}

/* ---- Frames ---- */
static bool fits(const struct usb_engine *engine, const struct usb_pipe *pipe, uint64_t start_ps) {
    return start_ps + transaction_time(pipe, pipe->max_packet) <= engine->frame_start_ps + PS_PER_MS;
}

static bool is_ready(const struct usb_engine *engine, const struct usb_pipe *pipe, uint64_t start_ps) {
    return pipe->open && pipe->first && !pipe->waiting && pipe->due_ms <= engine->frame_ms &&
           fits(engine, pipe, start_ps);
}

/* Bulk pipes take turns: the one that was served is asked last. */
static void rotate(struct usb_engine *engine, unsigned served) {
    struct usb_pipe *pipe = engine->order[served];
    if (pipe->type != USB_BULK) {
        return;
    }
    memmove(&engine->order[served], &engine->order[served + 1],
            (engine->order_count - served - 1) * sizeof(engine->order[0]));
    engine->order[engine->order_count - 1] = pipe;
}

/* Do one transaction that takes time on the wire, if there is one to do, and come back when the wire is free. */
static void run(struct usb_engine *engine, uint64_t start_ps) {
    for (unsigned i = 0; engine->running && i < engine->order_count; i++) {
        struct usb_pipe *pipe = engine->order[i];
        if (!is_ready(engine, pipe, start_ps)) {
            continue;
        }
        if (!pipe->halted) {
            engine->free_ps = start_ps; /* done() may look at it */
        }
        unsigned count = engine->order_count;
        bool took_time = take_step(engine, pipe, start_ps);
        if (!took_time) {
            continue;
        }
        if (i < engine->order_count && count == engine->order_count && engine->order[i] == pipe) {
            rotate(engine, i);
        }
        if (engine->running) {
            scheduler_add(engine->env->scheduler, &engine->run_event, engine->free_ps);
        }
        return;
    }
}

static void run_due(struct event *event, uint64_t late_ps) {
    run(event->owner, event->when_ps);
}

static void expire(struct usb_engine *engine) {
    for (unsigned i = 0; i < engine->order_count; i++) {
        struct usb_pipe *pipe = engine->order[i];
        if (pipe->first && pipe->first->deadline_ms <= engine->frame_ms) {
            finish(engine, pipe->first, USB_RESULT_TIMEOUT);
        }
    }
}

static void frame_due(struct event *event, uint64_t late_ps) {
    struct usb_engine *engine = event->owner;
    uint64_t start_ps = event->when_ps;
    if (engine->quiet) {
        pass_frames(engine, (start_ps - engine->frame_start_ps) / PS_PER_MS - 1);
        engine->quiet = false;
    }
    engine->frame_ms++;
    engine->frame_start_ps = start_ps;
    scheduler_add(engine->env->scheduler, event, start_ps + PS_PER_MS);
    engine->device->class->sof(engine->device->context, engine->frame_ms % 2048, start_ps);
    for (unsigned i = 0; i < engine->order_count; i++) {
        engine->order[i]->waiting = false;
    }
    expire(engine);
    uint64_t after_sof = start_ps + wire_time(SOF_BYTES);
    if (engine->free_ps < after_sof) {
        engine->free_ps = after_sof;
    }
    scheduler_cancel(engine->env->scheduler, &engine->run_event);
    run(engine, engine->free_ps);
    begin_quiet(engine);
}

void usb_engine_start(struct usb_engine *engine) {
    if (engine->running) {
        return;
    }
    engine->running = true;
    uint64_t now = scheduler_now(engine->env->scheduler);
    engine->free_ps = engine->frame_start_ps = now;
    engine->device->class->drive_frames(engine->device->context, true);
    scheduler_add(engine->env->scheduler, &engine->frame_event, now);
}

void usb_engine_stop(struct usb_engine *engine) {
    if (!engine->running) {
        return;
    }
    end_quiet(engine);
    engine->running = false;
    scheduler_cancel(engine->env->scheduler, &engine->frame_event);
    scheduler_cancel(engine->env->scheduler, &engine->run_event);
    engine->device->class->drive_frames(engine->device->context, false);
}

void usb_engine_init(struct usb_engine *engine, struct environment *env, struct usb_bus_device *device) {
    *engine = (struct usb_engine){ .env = env, .device = device, .changes = 1 };
    engine->frame_event = (struct event){ .name = "USB frame", .callback = frame_due, .owner = engine, .priority = 1 };
    engine->run_event = (struct event){ .name = "USB bus", .callback = run_due, .owner = engine, .priority = 2 };
}

/* ---- Snapshots ---- */
#define MOST_PS (UINT64_MAX / 4)

static void pipe_walk(struct usb_pipe *pipe, unsigned index, struct walk *walk) {
    walk_bool(walk, &pipe->open);
    WALK_ENUM(walk, pipe->type, USB_INTERRUPT + 1);
    walk_u16(walk, &pipe->max_packet);
    walk_u8(walk, &pipe->interval_ms);
    walk_bool(walk, &pipe->data1);
    walk_bool(walk, &pipe->halted);
    walk_bool(walk, &pipe->waiting);
    walk_u64(walk, &pipe->refused_at);
    walk_u64(walk, &pipe->due_ms);
    pipe->number = (uint8_t)(index / 2);
    pipe->in = index % 2;
    if (pipe->open && (pipe->max_packet < 1 || pipe->max_packet > USB_PACKET_MAX || !pipe->interval_ms ||
                       (pipe->type == USB_CONTROL) != (index == 0))) {
        walk_fail(walk, "a USB pipe that there cannot be");
        pipe->open = false;
    }
}

static void order_walk(struct usb_engine *engine, struct walk *walk) {
    uint32_t seen = 0;
    walk_below(walk, &engine->order_count, USB_PIPES + 1);
    for (unsigned i = 0; i < engine->order_count; i++) {
        unsigned index = engine->order[i] ? (unsigned)(engine->order[i] - engine->pipe) : 0;
        walk_below(walk, &index, USB_PIPES);
        if (seen >> index & 1 || !engine->pipe[index].open) {
            walk_fail(walk, "USB pipes that do not take turns");
        }
        seen |= 1u << index;
        engine->order[i] = &engine->pipe[index];
    }
    engine->order_count = walk->failed ? 0 : engine->order_count;
}

void usb_engine_walk(struct usb_engine *engine, struct walk *walk) {
    walk_bool(walk, &engine->running);
    walk_u8(walk, &engine->address);
    walk_bool(walk, &engine->quiet);
    walk_u64(walk, &engine->changes);
    walk_u64(walk, &engine->frame_ms);
    walk_u64(walk, &engine->frame_start_ps);
    walk_u64(walk, &engine->free_ps);
    walk_unsigned(walk, &engine->turn);
    walk_unsigned(walk, &engine->stalls);
    walk_u8(walk, &engine->stall_endpoint);
    walk_u64(walk, &engine->transfers);
    walk_event(walk, &engine->frame_event);
    walk_event(walk, &engine->run_event);
    for (unsigned i = 0; i < USB_PIPES; i++) {
        pipe_walk(&engine->pipe[i], i, walk);
    }
    order_walk(engine, walk);
    if (engine->frame_start_ps > MOST_PS || engine->free_ps > MOST_PS) {
        walk_fail(walk, "a USB frame at the end of time");
    }
}

void usb_region_walk(uint8_t **at, size_t size, const struct usb_region *regions, unsigned count, struct walk *walk) {
    uint8_t region = 0;
    while (
        !walk->reads && region < count &&
        !(*at && regions[region].at && *at >= regions[region].at && *at <= regions[region].at + regions[region].size)) {
        region++;
    }
    walk_u8_below(walk, &region, count + 1);
    size_t room = region < count && regions[region].at ? regions[region].size : 0;
    size_t offset = room && !walk->reads ? (size_t)(*at - regions[region].at) : 0;
    walk_size_below(walk, &offset, room + 1);
    if (size > room - offset) {
        walk_fail(walk, "a USB transfer beyond its data");
    }
    *at = room && !walk->failed ? regions[region].at + offset : NULL;
}

void usb_transfer_walk(struct usb_transfer *transfer, const struct usb_region *regions, unsigned count,
                       struct walk *walk) {
    struct usb_region usable[USB_REGIONS] = { { NULL } };
    uint8_t *data = transfer->data;
    uint32_t length = transfer->length;
    walk_bool(walk, &transfer->queued);
    for (unsigned i = 0; i < count && i < USB_REGIONS; i++) {
        usable[i].at = regions[i].lent && !transfer->queued ? NULL : regions[i].at;
        usable[i].size = regions[i].size;
    }
    walk_bytes(walk, transfer->setup, sizeof(transfer->setup));
    length = transfer->queued ? length : 0; /* whoever submits it sets it anew */
    walk_u32(walk, &length);
    usb_region_walk(&data, length, usable, count, walk);
    walk_u32(walk, &transfer->timeout_ms);
    walk_u32(walk, &transfer->actual);
    walk_u64(walk, &transfer->number);
    walk_u64(walk, &transfer->deadline_ms);
    WALK_ENUM(walk, transfer->stage, USB_STAGE_STATUS + 1);
    walk_unsigned(walk, &transfer->errors);
    if (!walk->reads) {
        return;
    }
    transfer->data = data;
    transfer->length = walk->failed ? 0 : length;
    if (transfer->queued && transfer->actual > length) {
        walk_fail(walk, "a USB transfer beyond its data");
        transfer->actual = 0;
    }
}

static unsigned transfer_index(struct usb_transfer *const *transfers, unsigned count,
                               const struct usb_transfer *transfer) {
    unsigned index = 0;
    while (index < count && transfers[index] != transfer) {
        index++;
    }
    return index;
}

/* A queue is the numbers of its transfers, and `count` at its end. */
static void queue_walk(struct usb_pipe *pipe, struct usb_transfer *const *transfers, unsigned count, bool *ret_seen,
                       struct walk *walk) {
    struct usb_transfer **at = &pipe->first;
    for (;;) {
        unsigned index = walk->reads ? 0 : *at ? transfer_index(transfers, count, *at) : count;
        if (!walk->reads && *at && index == count) {
            walk_fail(walk, "a USB transfer that has no place in a snapshot");
        }
        walk_below(walk, &index, count + 1);
        if (index < count && (ret_seen[index] || !transfers[index]->queued || !pipe->open)) {
            walk_fail(walk, "USB queues that are tangled");
        }
        if (index == count || walk->failed) {
            *at = walk->reads ? NULL : *at;
            return;
        }
        ret_seen[index] = true;
        if (walk->reads) {
            *at = transfers[index];
            transfers[index]->pipe = pipe;
        }
        at = &transfers[index]->next;
    }
}

void usb_engine_queues_walk(struct usb_engine *engine, struct usb_transfer *const *transfers, unsigned count,
                            struct walk *walk) {
    bool seen[USB_TRANSFERS] = { false };
    for (unsigned i = 0; walk->reads && i < count; i++) {
        transfers[i]->next = NULL;
    }
    for (unsigned i = 0; i < USB_PIPES; i++) {
        queue_walk(&engine->pipe[i], transfers, count, seen, walk);
    }
    for (unsigned i = 0; walk->reads && i < count; i++) {
        if (transfers[i]->queued && !seen[i]) {
            walk_fail(walk, "a USB transfer that is in no queue");
            transfers[i]->queued = false;
        }
    }
}

void usb_engine_pipe_walk(struct usb_engine *engine, struct usb_pipe **pipe, uint16_t max_packet, struct walk *walk) {
    unsigned index = *pipe ? (unsigned)(*pipe - engine->pipe) : USB_PIPES;
    walk_below(walk, &index, USB_PIPES + 1);
    if (!walk->reads) {
        return;
    }
    *pipe = index < USB_PIPES ? &engine->pipe[index] : NULL;
    if (*pipe && (*pipe)->open && (*pipe)->max_packet > max_packet) {
        walk_fail(walk, "a USB pipe with packets that are too long");
        *pipe = NULL;
    }
}
