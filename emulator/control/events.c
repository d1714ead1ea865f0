/* What the session's listeners hear, as events for the client and for the run; subscribe and unsubscribe. */
#include "emulator/control/arguments.h"
#include "emulator/control/bytes.h"
#include "emulator/control/control_private.h"

#include <stdio.h>
#include <string.h>

#define DATA_INSTANCE 1

const char *const control_event_names[] = { "serial", "log",   "line", "drive", "reset", "power", "hid",
                                            "midi",   "input", "usb",  "pin",   "bus",   NULL };

/* ---- Sending ---- */

static bool run_waits_for(const struct control *control, enum control_event kind) {
    const struct control_run *run = &control->run;
    for (unsigned i = 0; run->active && i < run->count; i++) {
        if (run->conditions[i].kind == CONDITION_EVENT && run->conditions[i].event == kind) {
            return true;
        }
    }
    return false;
}

bool events_are_wanted(const struct control *control, enum control_event kind) {
    return control->connected && (control->subscribed[kind] || run_waits_for(control, kind));
}

json_t *event_new(struct control *control, enum control_event kind) {
    json_t *event = json_object();
    json_object_set_new(event, "event", json_string(control_event_names[kind]));
    json_object_set_new(event, "time_ps", json_integer((json_int_t)session_now(control->session)));
    return event;
}

void event_send(struct control *control, enum control_event kind, json_t *event, bool subscribed) {
    run_note_event(control, kind, event);
    if (subscribed && control->events_sent < CONTROL_EVENTS_A_SLICE) {
        control->events_sent++;
        control_send(control, event);
        return;
    }
    control->events_lost += subscribed;
    json_decref(event);
}

void events_end_slice(struct control *control) {
    control->events_sent = 0;
    if (control->events_lost) {
        json_t *event = json_object();
        json_object_set_new(event, "event", json_string("lost"));
        json_object_set_new(event, "time_ps", json_integer((json_int_t)session_now(control->session)));
        json_object_set_new(event, "count", json_integer((json_int_t)control->events_lost));
        control->events_lost = 0;
        control_send(control, event);
    }
}

static void send_if_subscribed(struct control *control, enum control_event kind, json_t *event) {
    event_send(control, kind, event, control->subscribed[kind]);
}

/* Text of the emulator's own may quote bytes of a file that are no UTF-8. */
static void set_text(json_t *object, const char *name, const char *text) {
    json_t *value = json_string(text);
    json_object_set_new(object, name, value ? value : json_string("(no UTF-8)"));
}

/* ---- Hearing ---- */

static void hear_console(void *context, const uint8_t *data, size_t size) {
    serial_hear(context, PORT_CONSOLE, data, size);
}

static void tell_serial(struct control *control, enum control_port port, const uint8_t *data, size_t size) {
    if (events_are_wanted(control, EVENT_SERIAL)) {
        json_t *event = event_new(control, EVENT_SERIAL);
        json_object_set_new(event, "port", json_string(control_port_names[port]));
        bytes_to_json(event, data, size);
        send_if_subscribed(control, EVENT_SERIAL, event);
    }
}

static void hear_serial(void *context, enum console_port port, const uint8_t *data, size_t size) {
    static const enum control_port ports[] = {
        [CONSOLE_USB] = PORT_USB, [CONSOLE_UART0] = PORT_UART0, [CONSOLE_UART1] = PORT_UART1
    };
    serial_hear(context, ports[port], data, size);
    tell_serial(context, ports[port], data, size);
}

static void hear_data(void *context, unsigned instance, const uint8_t *data, size_t size) {
    if (instance == DATA_INSTANCE) {
        serial_hear(context, PORT_DATA, data, size);
        tell_serial(context, PORT_DATA, data, size);
    }
}

static void hear_log(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line) {
    struct control *control = context;
    if (events_are_wanted(control, EVENT_LOG)) {
        json_t *event = event_new(control, EVENT_LOG);
        json_object_set_new(event, "time_ps", json_integer((json_int_t)time_ps));
        json_object_set_new(event, "level", json_string(log_level_name(level)));
        set_text(event, "source", source);
        set_text(event, "line", line);
        send_if_subscribed(control, EVENT_LOG, event);
    }
}

static void tell_line(struct control *control, enum control_event kind, enum log_level level, const char *line) {
    if (events_are_wanted(control, kind)) {
        json_t *event = event_new(control, kind);
        json_object_set_new(event, "level", json_string(log_level_name(level)));
        set_text(event, "line", line);
        send_if_subscribed(control, kind, event);
    }
}

static void hear_line(void *context, enum log_level level, const char *line) {
    tell_line(context, EVENT_LINE, level, line);
}

static void hear_drive(void *context, enum log_level level, const char *line) {
    tell_line(context, EVENT_DRIVE, level, line);
}

static void hear_reset(void *context, const char *cause) {
    struct control *control = context;
    if (events_are_wanted(control, EVENT_RESET)) {
        json_t *event = event_new(control, EVENT_RESET);
        set_text(event, "cause", cause);
        send_if_subscribed(control, EVENT_RESET, event);
    }
}

static void hear_power(void *context, bool on) {
    struct control *control = context;
    control->is_off = !on;
    if (events_are_wanted(control, EVENT_POWER)) {
        json_t *event = event_new(control, EVENT_POWER);
        json_object_set_new(event, "on", json_boolean(on));
        send_if_subscribed(control, EVENT_POWER, event);
    }
}

static void hear_hid(void *context, const struct usbhost_hid_event *from) {
    struct control *control = context;
    char usage[64];
    if (events_are_wanted(control, EVENT_HID)) {
        json_t *event = event_new(control, EVENT_HID);
        usbhost_hid_usage_name(from->usage, usage, sizeof(usage));
        json_object_set_new(event, "function", json_integer(from->instance));
        set_text(event, "usage", usage);
        json_object_set_new(event, "value", json_integer(from->value));
        json_object_set_new(event, "relative", json_boolean(from->relative));
        send_if_subscribed(control, EVENT_HID, event);
    }
}

static void hear_midi(void *context, unsigned cable, const uint8_t *bytes, size_t size) {
    struct control *control = context;
    if (events_are_wanted(control, EVENT_MIDI)) {
        json_t *event = event_new(control, EVENT_MIDI);
        json_object_set_new(event, "cable", json_integer(cable));
        bytes_to_hex(event, "hex", bytes, size);
        send_if_subscribed(control, EVENT_MIDI, event);
    }
}

static void hear_input(void *context, const struct input_moment *moment, const struct input *input) {
    struct control *control = context;
    if (!events_are_wanted(control, EVENT_INPUT)) {
        return;
    }
    json_t *event = event_new(control, EVENT_INPUT);
    json_object_set_new(event, "kind", json_string(input_kind_name(input->kind)));
    if (input->part) {
        set_text(event, "part", input->part);
    }
    if (input->name) {
        set_text(event, "name", input->name);
    }
    json_object_set_new(event, "index", json_integer(input->index));
    json_object_set_new(event, "value", json_real(input->value));
    if (input->data) {
        bytes_to_json(event, input->data, input->size);
    }
    send_if_subscribed(control, EVENT_INPUT, event);
}

static void hear_usb(void *context, enum usbhost_state state) {
    struct control *control = context;
    if (events_are_wanted(control, EVENT_USB)) {
        json_t *event = event_new(control, EVENT_USB);
        json_object_set_new(event, "state", json_string(usbhost_state_name(state)));
        send_if_subscribed(control, EVENT_USB, event);
    }
}

void events_listen(struct control *control) {
    struct usbhost *host = machine_usbhost(session_machine(control->session));
    control->listener = (struct session_listener){ .context = control,
                                                   .console = hear_console,
                                                   .serial = hear_serial,
                                                   .log = hear_log,
                                                   .line = hear_line,
                                                   .drive = hear_drive,
                                                   .reset = hear_reset,
                                                   .power = hear_power,
                                                   .hid = hear_hid,
                                                   .midi = hear_midi,
                                                   .input = hear_input };
    session_listen(control->session, &control->listener);
    control->usb =
        (struct usbhost_listener){ .context = control, .state_changed = hear_usb, .cdc_received = hear_data };
    if (host) {
        usbhost_listen(host, &control->usb);
    }
}

/* ---- Requests ---- */

static bool set_subscriptions(struct control *control, json_t *request, bool on, struct error *error) {
    json_t *names = json_object_get(request, "events"), *name;
    size_t index;
    bool chosen[CONTROL_EVENTS] = { false };
    if (!json_is_array(names) || !json_array_size(names)) {
        error_set(error, "\"events\" is a list of names such as [\"serial\",\"log\"]");
        return false;
    }
    json_array_foreach(names, index, name) {
        unsigned event = 0;
        json_t *one = json_object();
        json_object_set(one, "event", name);
        bool ok = argument_choice(one, "event", control_event_names, &event, error);
        json_decref(one);
        if (!ok) {
            return false;
        }
        chosen[event] = true;
    }
    for (unsigned i = 0; i < CONTROL_EVENTS; i++) {
        control->subscribed[i] = chosen[i] ? on : control->subscribed[i];
    }
    return true;
}

static void put_subscriptions(const struct control *control, json_t *reply) {
    json_t *names = json_array();
    for (unsigned i = 0; i < CONTROL_EVENTS; i++) {
        if (control->subscribed[i]) {
            json_array_append_new(names, json_string(control_event_names[i]));
        }
    }
    json_object_set_new(reply, "events", names);
}

static enum control_outcome handle_subscribe(struct control *control, json_t *request, json_t *reply,
                                             struct error *error) {
    bool ok = set_subscriptions(control, request, true, error);
    put_subscriptions(control, reply);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_unsubscribe(struct control *control, json_t *request, json_t *reply,
                                               struct error *error) {
    bool ok = set_subscriptions(control, request, false, error);
    put_subscriptions(control, reply);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

const struct control_request control_event_requests[] = {
    { "subscribe", handle_subscribe, { "events", NULL }, "hear of events of these kinds" },
    { "unsubscribe", handle_unsubscribe, { "events", NULL }, "no longer hear of events of these kinds" },
    { NULL },
};
