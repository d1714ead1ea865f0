/* bus.watch, bus.read, bus.unwatch: traffic of I2C, SPI and UART as it is on the wires. */
#include "emulator/control/arguments.h"
#include "emulator/control/bytes.h"
#include "emulator/control/control_private.h"
#include "emulator/session/bus_tap.h"

#include <stdlib.h>
#include <string.h>

struct control_bus {
    struct control *control;
    struct bus_tap *tap;
    enum bus_kind kind;
    char *name;
    struct control_bus *next;
};

static const char *const bus_names[] = { "i2c", "spi", "uart", NULL };
/* The members that name the lines, by kind and enum bus_line. */
static const char *const line_names[][BUS_LINES] = {
    [BUS_I2C] = { "sda", "scl" }, [BUS_SPI] = { "sck", "mosi", "miso", "cs" }, [BUS_UART] = { "pin" }
};

/* ---- Telling ---- */

static void put_bytes(json_t *put, const char *name, const uint8_t *bytes, size_t size) {
    bytes_to_hex(put, name, bytes ? bytes : (const uint8_t *)"", size);
}

static void put_i2c(json_t *put, const struct bus_transaction *from) {
    json_object_set_new(put, "address", json_integer(from->address));
    json_object_set_new(put, "read", json_boolean(from->is_read));
    json_object_set_new(put, "acknowledged", json_boolean(from->is_acknowledged));
    put_bytes(put, "hex", from->data, from->size);
    json_object_set_new(put, "acknowledged_bytes", json_integer((json_int_t)from->acknowledged));
    json_object_set_new(put, "restarted", json_boolean(from->is_restarted));
}

static void put_transaction(json_t *put, enum bus_kind kind, const struct bus_transaction *from) {
    json_object_set_new(put, "begin_ps", json_integer((json_int_t)from->begin_ps));
    json_object_set_new(put, "end_ps", json_integer((json_int_t)from->end_ps));
    if (kind == BUS_I2C) {
        put_i2c(put, from);
    } else if (kind == BUS_SPI) {
        put_bytes(put, "mosi", from->data, from->size);
        if (from->miso) {
            put_bytes(put, "miso", from->miso, from->size);
        }
    } else {
        put_bytes(put, "hex", from->data, from->size);
    }
    json_object_set_new(put, "error", json_boolean(from->has_error));
}

static void tell_transaction(void *context, const struct bus_transaction *transaction) {
    struct control_bus *bus = context;
    struct control *control = bus->control;
    if (events_are_wanted(control, EVENT_BUS)) {
        json_t *event = event_new(control, EVENT_BUS);
        json_object_set_new(event, "name", json_string(bus->name));
        put_transaction(event, bus->kind, transaction);
        event_send(control, EVENT_BUS, event, control->subscribed[EVENT_BUS]);
    }
}

/* ---- Watching ---- */

static struct control_bus *find_bus(struct control *control, const char *name) {
    struct control_bus *each = control->buses;
    while (each && strcmp(each->name, name) != 0) {
        each = each->next;
    }
    return each;
}

static bool get_name(json_t *request, const char **ret_name, struct error *error) {
    return argument_is_there(request, "name", error) && argument_text(request, "name", ret_name, error);
}

static struct control_bus *get_bus(struct control *control, json_t *request, struct error *error) {
    const char *name = NULL;
    if (!get_name(request, &name, error)) {
        return NULL;
    }
    struct control_bus *bus = find_bus(control, name);
    error_set(error, "no bus \"%.64s\" is being watched", name);
    return bus;
}

static bool parse_lines(struct control *control, json_t *request, struct bus_desc *desc, struct error *error) {
    for (enum bus_line line = 0; line < BUS_LINES; line++) {
        const char *member = line_names[desc->kind][line], *pin = NULL;
        if (!member || !json_object_get(request, member)) {
            continue;
        }
        if (!argument_text(request, member, &pin, error)) {
            return false;
        }
        desc->nets[line] = session_pin_net(control->session, pin, error);
        if (!desc->nets[line]) {
            return false;
        }
    }
    return true;
}

static bool parse_numbers(json_t *request, struct bus_desc *desc, struct error *error) {
    static const char *const parities[] = { "none", "even", "odd", NULL };
    unsigned parity = BUS_NO_PARITY;
    uint64_t bits = 0, mode = 0;
    desc->baud = 115200;
    bool ok = argument_whole(request, "bits", 16, &bits, error) && argument_whole(request, "mode", 3, &mode, error) &&
              argument_flag(request, "lsb_first", &desc->is_lsb_first, error) &&
              argument_flag(request, "cs_high", &desc->is_cs_high, error) &&
              argument_number(request, "baud", &desc->baud, error) &&
              argument_choice(request, "parity", parities, &parity, error) &&
              argument_flag(request, "inverted", &desc->is_inverted, error);
    desc->bits = (unsigned)bits;
    desc->mode = (unsigned)mode;
    desc->parity = (enum bus_parity)parity;
    return ok;
}

static struct control_bus *make_bus(struct control *control, const char *name, struct bus_desc *desc,
                                    struct error *error) {
    struct control_bus *bus = calloc(1, sizeof(*bus));
    if (bus) {
        *bus = (struct control_bus){ .control = control, .kind = desc->kind, .name = strdup(name) };
        desc->done = tell_transaction;
        desc->context = bus;
    }
    error_set(error, "out of memory");
    if (!bus || !bus->name || !(bus->tap = bus_tap_open(desc, error))) {
        free(bus ? bus->name : NULL);
        free(bus);
        return NULL;
    }
    bus->next = control->buses;
    control->buses = bus;
    return bus;
}

static enum control_outcome handle_watch(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct bus_desc desc = { 0 };
    const char *name = NULL;
    unsigned kind = 0;
    if (!get_name(request, &name, error) || !argument_is_there(request, "bus", error) ||
        !argument_choice(request, "bus", bus_names, &kind, error)) {
        return CONTROL_FAILED;
    }
    desc.kind = (enum bus_kind)kind;
    if (!parse_lines(control, request, &desc, error) || !parse_numbers(request, &desc, error)) {
        return CONTROL_FAILED;
    }
    if (find_bus(control, name)) {
        error_set(error, "\"%.64s\" is being watched already; bus.unwatch it before", name);
        return CONTROL_FAILED;
    }
    return make_bus(control, name, &desc, error) ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_read(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct control_bus *bus = get_bus(control, request, error);
    if (!bus) {
        return CONTROL_FAILED;
    }
    json_t *list = json_array();
    size_t count = bus_tap_count(bus->tap);
    for (size_t i = 0; i < count; i++) {
        json_t *put = json_object();
        put_transaction(put, bus->kind, bus_tap_get(bus->tap, i));
        json_array_append_new(list, put);
    }
    json_object_set_new(reply, "transactions", list);
    json_object_set_new(reply, "lost", json_integer((json_int_t)bus_tap_lost(bus->tap)));
    bus_tap_forget(bus->tap);
    return CONTROL_DONE;
}

static void forget_bus(struct control *control, struct control_bus *bus) {
    struct control_bus **link = &control->buses;
    while (*link != bus) {
        link = &(*link)->next;
    }
    *link = bus->next;
    bus_tap_close(bus->tap);
    free(bus->name);
    free(bus);
}

static enum control_outcome handle_unwatch(struct control *control, json_t *request, json_t *reply,
                                           struct error *error) {
    struct control_bus *bus = get_bus(control, request, error);
    if (!bus) {
        return CONTROL_FAILED;
    }
    forget_bus(control, bus);
    return CONTROL_DONE;
}

void bus_forget_all(struct control *control) {
    while (control->buses) {
        forget_bus(control, control->buses);
    }
}

const struct control_request control_bus_requests[] = {
    { "bus.watch",
      handle_watch,
      { "name", "bus", "sda", "scl", "sck", "mosi", "miso", "cs", "pin", "bits", "mode", "lsb_first", "cs_high", "baud",
        "parity", "inverted", NULL },
      "read the traffic of a bus from its wires" },
    { "bus.read", handle_read, { "name", NULL }, "the transactions since they were read last" },
    { "bus.unwatch", handle_unwatch, { "name", NULL }, "no longer read a bus" },
    { NULL },
};
