/* The port: attachment, reset, suspend. USB 2.0 7.1.7 (signalling times) and 9.1.
 *
 * Times are those of a PC rather than the shortest allowed: 100 ms debounce, 20 ms reset, 20 ms until the first
 * request. Firmware exists that hangs when the first request comes at once.
 *
 * Not modelled: low speed, over-current. VBUS is switched with the cable alone. */
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

static void forget_device(struct usbhost *host) {
    host->detached = false;
    drop_device(host);
    memset(host->device_descriptor, 0, sizeof(host->device_descriptor));
    usbhost_set_state(host, USBHOST_DETACHED);
}

static void settled(struct usbhost *host) {
    usbhost_enumerate(host);
}

/* The port looks again: the device came, went, or did both. */
static void look(struct usbhost *host) {
    bool attached = host->device->class->attached(host->device->context);
    if (host->detached || !attached) {
        forget_device(host);
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

void usbhost_babble(struct usbhost *host) {
    if (!host->device->host || !host->device->class->attached(host->device->context) || host->detached) {
        return;
    }
    log_write(host->env->log, LOG_WARN, "USB", "babble: the port is switched off, and the device found anew");
    drop_device(host);
    host->attempts = 0;
    usbhost_set_state(host, USBHOST_ATTACHED);
    usbhost_later(host, DEBOUNCE_PS, settled);
}

void usbhost_stall(struct usbhost *host, uint8_t endpoint, unsigned count) {
    usb_engine_stall(&host->engine, endpoint, count);
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

bool usbhost_is_plugged(const struct usbhost *host) {
    return host->device && host->device->host;
}

void usbhost_plug(struct usbhost *host, bool plugged) {
    if (plugged == usbhost_is_plugged(host)) {
        return;
    }
    if (plugged) {
        host->device->host = &host_class;
        return;
    }
    scheduler_cancel(host->env->scheduler, &host->timer);
    host->next_step = NULL;
    forget_device(host);
    host->device->host = NULL;
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

/* ---- Snapshots ---- */
static void (*const port_steps[])(struct usbhost *host) = { NULL, recover, settled, look, resumed, start_resume };
#define PORT_STEPS (unsigned)(sizeof(port_steps) / sizeof(port_steps[0]))

static void (*step_of(unsigned index))(struct usbhost *host) {
    return index < PORT_STEPS ? port_steps[index] : usbhost_enumerate_steps[index - PORT_STEPS];
}

static void step_walk(void (**step)(struct usbhost *host), struct walk *walk) {
    unsigned count = PORT_STEPS + usbhost_enumerate_step_count, index = 0;
    while (!walk->reads && index < count && step_of(index) != *step) {
        index++;
    }
    if (!walk->reads && index == count) {
        walk_fail(walk, "a step of the port that has no place in a snapshot");
        return;
    }
    walk_below(walk, &index, count);
    *step = step_of(index);
}

static void text_walk(char *text, size_t size, struct walk *walk) {
    walk_bytes(walk, text, size);
    text[size - 1] = '\0';
}

static void device_walk(struct usbhost *host, struct walk *walk) {
    bool has_configuration = host->configuration.interface_count;
    walk_bytes(walk, host->device_descriptor, sizeof(host->device_descriptor));
    walk_u16(walk, &host->language);
    text_walk(host->manufacturer, sizeof(host->manufacturer), walk);
    text_walk(host->product, sizeof(host->product), walk);
    text_walk(host->serial, sizeof(host->serial), walk);
    walk_bytes(walk, host->configuration_bytes, sizeof(host->configuration_bytes));
    walk_below(walk, &host->configuration_length, USBHOST_CONTROL_BYTES + 1);
    walk_bool(walk, &has_configuration);
    if (!walk->reads) {
        return;
    }
    host->configuration = (struct usbhost_configuration){ 0 };
    if (has_configuration &&
        !usbhost_parse_configuration(host->configuration_bytes, host->configuration_length, &host->configuration)) {
        walk_fail(walk, "a configuration that is none");
        host->configuration = (struct usbhost_configuration){ 0 };
    }
}

/* Who has taken an interface. */
static void drivers_walk(struct usbhost *host, struct walk *walk) {
    static const char *const drivers[] = { NULL, "CDC ACM", "mass storage", "HID", "MIDI" };
    unsigned count = sizeof(drivers) / sizeof(drivers[0]);
    for (unsigned i = 0; i < host->configuration.interface_count; i++) {
        struct usbhost_interface *interface = &host->configuration.interface[i];
        unsigned driver = interface->driver ? 1 : 0;
        while (driver && driver < count - 1 && strcmp(drivers[driver], interface->driver)) {
            driver++;
        }
        walk_below(walk, &driver, count);
        interface->driver = drivers[driver];
        walk_unsigned(walk, &interface->instance);
    }
}

static unsigned list_transfers(struct usbhost *host, struct usb_transfer **ret_transfers) {
    unsigned count = 0;
    ret_transfers[count++] = &host->control;
    for (unsigned i = 0; i < USBHOST_CDCS; i++) {
        ret_transfers[count++] = &host->cdc[i].control;
        ret_transfers[count++] = &host->cdc[i].receive;
        ret_transfers[count++] = &host->cdc[i].send;
        ret_transfers[count++] = &host->cdc[i].notification;
    }
    ret_transfers[count++] = &host->msc.bot.bulk;
    ret_transfers[count++] = &host->msc.bot.control;
    ret_transfers[count++] = &host->msc.control;
    for (unsigned i = 0; i < USBHOST_HIDS; i++) {
        ret_transfers[count++] = &host->hid[i].control;
        ret_transfers[count++] = &host->hid[i].receive;
        ret_transfers[count++] = &host->hid[i].send;
    }
    for (unsigned i = 0; i < USBHOST_MIDIS; i++) {
        ret_transfers[count++] = &host->midi[i].receive;
        ret_transfers[count++] = &host->midi[i].send;
        ret_transfers[count++] = &host->midi[i].control;
    }
    return count;
}

/* Is the cable in? VBUS is the device's. */
static void plug_walk(struct usbhost *host, struct walk *walk) {
    bool plugged = usbhost_is_plugged(host);
    walk_bool(walk, &plugged);
    host->device->host = plugged ? &host_class : NULL;
}

static void port_walk(struct usbhost *host, struct walk *walk) {
    WALK_ENUM(walk, host->state, USBHOST_FAILED + 1);
    walk_bool(walk, &host->detached);
    walk_unsigned(walk, &host->attempts);
    walk_unsigned(walk, &host->request_tries);
    step_walk(&host->next_step, walk);
    step_walk(&host->after_reset, walk);
    walk_event(walk, &host->timer);
    walk_bytes(walk, host->control_data, sizeof(host->control_data));
}

void usbhost_break_off(struct usbhost *host) {
    drop_device(host);
    scheduler_cancel(host->env->scheduler, &host->timer);
}

void usbhost_walk(struct usbhost *host, struct walk *walk) {
    struct usb_transfer *transfers[USB_TRANSFERS];
    unsigned count = list_transfers(host, transfers);
    walk_section(walk, "the USB host", 1);
    plug_walk(host, walk);
    port_walk(host, walk);
    device_walk(host, walk);
    drivers_walk(host, walk);
    usb_engine_walk(&host->engine, walk);
    usbhost_enumerate_walk(host, walk);
    usbhost_cdc_walk(host, walk);
    usbhost_msc_walk(host, walk);
    usbhost_hid_walk(host, walk);
    usbhost_midi_walk(host, walk);
    usb_engine_queues_walk(&host->engine, transfers, count, walk);
    walk_section_end(walk);
}

void usbhost_tell_all(struct usbhost *host) {
    USBHOST_NOTIFY(host, state_changed, host->state);
    for (unsigned i = 0; i < USBHOST_CDCS; i++) {
        USBHOST_NOTIFY(host, cdc_changed, i);
    }
    for (unsigned i = 0; i < host->msc.luns; i++) {
        USBHOST_NOTIFY(host, msc_changed, i);
    }
    for (unsigned i = 0; i < USBHOST_HIDS; i++) {
        USBHOST_NOTIFY(host, hid_changed, i);
    }
    for (unsigned i = 0; i < USBHOST_MIDIS; i++) {
        USBHOST_NOTIFY(host, midi_changed, i);
    }
}
