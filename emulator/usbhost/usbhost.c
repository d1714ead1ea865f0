/* The port: attachment, reset, suspend. USB 2.0 7.1.7 (signalling times) and 9.1.
 *
 * Times are those of a PC rather than the shortest allowed: 100 ms debounce, 20 ms reset, 20 ms until the first
 * request. Firmware exists that hangs when the first request comes at once.
 *
 * Not modelled: low speed, over-current, VBUS switching. */
#include "emulator/usbhost/private.h"

#include <string.h>

#define DEBOUNCE_PS (100 * PS_PER_MS)
#define RESET_PS (20 * PS_PER_MS)
#define RECOVERY_PS (20 * PS_PER_MS)
#define RESUME_PS (20 * PS_PER_MS)

void usbhost_fill_setup(uint8_t setup[8], uint8_t request_type, uint8_t request, uint16_t value, uint16_t index,
                        uint16_t length) {
    const uint8_t packet[8] = { request_type,  request,
                                value & 0xff,  (uint8_t)(value >> 8),
                                index & 0xff,  (uint8_t)(index >> 8),
                                length & 0xff, (uint8_t)(length >> 8) };
    memcpy(setup, packet, sizeof(packet));
}

struct usb_pipe *usbhost_open_pipe(struct usbhost *host, const struct usbhost_endpoint *endpoint) {
    return usb_engine_open(&host->engine, endpoint->address & 15, endpoint->address & 0x80, endpoint->type,
                           endpoint->max_packet, endpoint->interval);
}

void usbhost_set_state(struct usbhost *host, enum usbhost_state state) {
    if (host->state == state) {
        return;
    }
    host->state = state;
    USBHOST_NOTIFY(host, state_changed, state);
}

void usbhost_later(struct usbhost *host, uint64_t ps, void (*step)(struct usbhost *host)) {
    host->next_step = step;
    scheduler_add(host->env->scheduler, &host->timer, scheduler_now(host->env->scheduler) + ps);
}

static void timer_due(struct event *event, uint64_t late_ps) {
    struct usbhost *host = event->owner;
    void (*step)(struct usbhost *) = host->next_step;
    host->next_step = NULL;
    if (step) {
        step(host);
    }
}

/* ---- Attachment and reset ---- */
/* Whatever was going on with the device is over. */
static void drop_device(struct usbhost *host) {
    usb_engine_stop(&host->engine);
    usb_engine_close_all(&host->engine);
    usbhost_cdc_unbind(host);
    usbhost_msc_unbind(host);
    usbhost_hid_unbind(host);
    usbhost_midi_unbind(host);
    host->engine.address = 0;
    host->configuration = (struct usbhost_configuration){ 0 };
    host->configuration_length = 0;
}

static void recover(struct usbhost *host) {
    host->device->class->drive_reset(host->device->context, false);
    usb_engine_start(&host->engine);
    void (*after)(struct usbhost *) = host->after_reset;
    usbhost_later(host, RECOVERY_PS, after);
}

void usbhost_bus_reset(struct usbhost *host, void (*step)(struct usbhost *host)) {
    drop_device(host);
    usbhost_set_state(host, USBHOST_RESETTING);
    host->after_reset = step;
    host->device->class->drive_reset(host->device->context, true);
    usbhost_later(host, RESET_PS, recover);
}

static void settled(struct usbhost *host) {
    usbhost_enumerate(host);
}

/* The port looks again: the device came, went, or did both. */
static void look(struct usbhost *host) {
    bool attached = host->device->class->attached(host->device->context);
    if (host->detached || !attached) {
        host->detached = false;
        drop_device(host);
        memset(host->device_descriptor, 0, sizeof(host->device_descriptor));
        usbhost_set_state(host, USBHOST_DETACHED);
    }
    if (attached && host->state == USBHOST_DETACHED) {
        host->attempts = 0;
        usbhost_set_state(host, USBHOST_ATTACHED);
        usbhost_later(host, DEBOUNCE_PS, settled);
    }
}

static void attach_changed(void *context, bool attached) {
    struct usbhost *host = context;
    host->detached |= !attached;
    if (host->detached || host->state == USBHOST_DETACHED) {
        usbhost_later(host, 0, look);
    }
}

static void endpoint_changed(void *context, uint8_t endpoint, bool in) {
    usb_engine_endpoint_changed(&((struct usbhost *)context)->engine, endpoint, in);
}

static void look_at_frames(void *context, bool changes) {
    usb_engine_look(&((struct usbhost *)context)->engine, changes);
}

void usbhost_reset_port(struct usbhost *host) {
    if (host->device->class->attached(host->device->context) && !host->detached) {
        host->attempts = 0;
        usbhost_enumerate(host);
    }
}

/* ---- Suspend and resume ---- */
static void resumed(struct usbhost *host) {
    usb_engine_start(&host->engine);
    usbhost_set_state(host, USBHOST_CONFIGURED);
}

static void start_resume(struct usbhost *host) {
    if (host->state == USBHOST_SUSPENDED) {
        host->device->class->drive_resume(host->device->context);
        usbhost_later(host, RESUME_PS, resumed);
    }
}

static void remote_wakeup(void *context) {
    struct usbhost *host = context;
    if (host->state == USBHOST_SUSPENDED && !host->detached) {
        usbhost_later(host, 0, start_resume);
    }
}

void usbhost_suspend(struct usbhost *host) {
    if (host->state == USBHOST_CONFIGURED) {
        usb_engine_stop(&host->engine);
        usbhost_set_state(host, USBHOST_SUSPENDED);
    }
}

void usbhost_resume(struct usbhost *host) {
    if (host->state == USBHOST_SUSPENDED && !host->timer.pending) {
        start_resume(host);
    }
}

/* ---- What others ask ---- */
void usbhost_listen(struct usbhost *host, struct usbhost_listener *listener) {
    struct usbhost_listener **at = &host->listeners;
    while (*at) {
        at = &(*at)->next;
    }
    listener->next = NULL;
    *at = listener;
}

enum usbhost_state usbhost_state(const struct usbhost *host) {
    return host->state;
}

const char *usbhost_state_name(enum usbhost_state state) {
    static const char *const names[] = {
        "detached", "attached", "resetting", "enumerating", "configured", "suspended", "failed",
    };
    return state <= USBHOST_FAILED ? names[state] : "unknown";
}

uint16_t usbhost_vendor(const struct usbhost *host) {
    return (uint16_t)(host->device_descriptor[8] | host->device_descriptor[9] << 8);
}

uint16_t usbhost_product(const struct usbhost *host) {
    return (uint16_t)(host->device_descriptor[10] | host->device_descriptor[11] << 8);
}

/* ---- Life ---- */
static const struct usb_bus_host_class host_class = {
    .attach_changed = attach_changed,
    .endpoint_changed = endpoint_changed,
    .look = look_at_frames,
    .remote_wakeup = remote_wakeup,
};

void usbhost_init(struct usbhost *host, struct environment *env, struct usb_bus_device *device) {
    memset(host, 0, sizeof(*host));
    host->env = env;
    host->device = device;
    host->timer = (struct event){ .name = "USB port", .callback = timer_due, .owner = host };
    usb_engine_init(&host->engine, env, device);
    host->engine.observe = usbhost_observe;
    host->engine.observer = host;
    usbhost_cdc_init(host);
    usbhost_msc_init(host);
    usbhost_hid_init(host);
    usbhost_midi_init(host);
    device->host = &host_class;
    device->host_context = host;
}

void usbhost_finish(struct usbhost *host) {
    if (!host->device) {
        return;
    }
    host->listeners = NULL;
    host->msc.first = NULL; /* who waits for these transfers may be gone already */
    drop_device(host);
    scheduler_cancel(host->env->scheduler, &host->timer);
    host->device->host = NULL;
    host->device = NULL;
}
