/* The gate: the one place where something from outside takes hold of the board, and where listeners hear of it. */
#include "emulator/cpu/core.h"
#include "emulator/session/probe.h"
#include "emulator/session/session_private.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR 512

static const char *const kind_names[] = {
    [INPUT_SERIAL] = "serial",     [INPUT_USB_CDC] = "usb-cdc",
    [INPUT_CONTROL] = "control",   [INPUT_PIN] = "pin",
    [INPUT_WIRE] = "wire",         [INPUT_RESET] = "reset",
    [INPUT_USB_OPEN] = "usb-open", [INPUT_USB_PAUSE] = "usb-pause",
    [INPUT_DRIVE] = "drive",       [INPUT_FLASH] = "flash",
    [INPUT_USB] = "usb",           [INPUT_POWER] = "power",
    [INPUT_FAULT] = "fault",       [INPUT_MEMORY] = "memory",
    [INPUT_REGISTER] = "register",
};

const char *input_kind_name(enum input_kind kind) {
    return kind_names[kind];
}

bool input_kind_find(const char *name, enum input_kind *ret_kind) {
    for (unsigned i = 0; i < sizeof(kind_names) / sizeof(kind_names[0]); i++) {
        if (strcmp(kind_names[i], name) == 0) {
            *ret_kind = (enum input_kind)i;
            return true;
        }
    }
    return false;
}

static void tell_of_input(const struct session *session, const struct input *input) {
    struct input_moment moment = { .time_ps = session_now(session),
                                   .answers = session->answering ? session->answers : 0 };
    halts_tell_moment(session, &moment);
    for (struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->input) {
            each->input(each->context, &moment, input);
        }
    }
}

void gate_answers(struct session *session) {
    session->answers++;
    session->answering = true;
    replay_answer(session);
}

void gate_answered(struct session *session) {
    session->answering = false;
}

/* ---- Bytes ---- */

size_t gate_serial(struct session *session, enum console_port port, const uint8_t *data, size_t size) {
    size_t taken = machine_console_write(session->machine, port, data, size);
    if (taken) {
        tell_of_input(session, &(struct input){ .kind = INPUT_SERIAL, .index = port, .data = data, .size = taken });
    }
    return taken;
}

size_t session_write_cdc(struct session *session, unsigned instance, const void *data, size_t size) {
    size_t taken = usbhost_cdc_write(machine_usbhost(session->machine), instance, data, size);
    if (taken) {
        tell_of_input(session,
                      &(struct input){ .kind = INPUT_USB_CDC, .index = instance, .data = data, .size = taken });
    }
    return taken;
}

/* All of it or nothing: what was taken of a refused input would be in no recording. */
static bool has_room(const struct input *input, size_t room, struct error *error) {
    error_set(error, "the board has room for %zu of %zu bytes now: let it run, or send less", room, input->size);
    return input->size <= room;
}

static bool apply_serial(struct session *session, const struct input *input, struct error *error) {
    if (input->index >= CONSOLE_PORTS) {
        error_set(error, "there is no console port %u", input->index);
        return false;
    }
    enum console_port port = (enum console_port)input->index;
    if (!has_room(input, machine_console_room(session->machine, port), error)) {
        return false;
    }
    machine_console_write(session->machine, port, input->data, input->size);
    return true;
}

static bool apply_cdc(struct session *session, const struct input *input, struct error *error) {
    struct usbhost *host = machine_usbhost(session->machine);
    if (input->index >= USBHOST_CDCS) {
        error_set(error, "there is no USB serial port %u", input->index);
        return false;
    }
    if (!has_room(input, usbhost_cdc_room(host, input->index), error)) {
        return false;
    }
    usbhost_cdc_write(host, input->index, input->data, input->size);
    return true;
}

static bool apply_cdc_state(struct session *session, const struct input *input, struct error *error) {
    struct usbhost *host = machine_usbhost(session->machine);
    if (input->index >= USBHOST_CDCS) {
        error_set(error, "there is no USB serial port %u", input->index);
        return false;
    }
    if (input->kind == INPUT_USB_OPEN) {
        usbhost_cdc_open(host, input->index, input->value != 0);
    } else {
        usbhost_cdc_pause(host, input->index, input->value != 0);
    }
    return true;
}

/* ---- Cable and supply ---- */

void gate_supply_changed(struct session *session, bool on) {
    const struct board_supply supply = { .on = on, .usb = machine_usb_is_plugged(session->machine) };
    session->usb_seen = session->usb_seen && on && supply.usb;
    project_set_supply(&session->project, &supply);
}

static void apply_usb(struct session *session, bool plugged) {
    faults_supersede(session, FAULT_USB_UNPLUG);
    machine_plug_usb(session->machine, plugged);
    gate_supply_changed(session, machine_is_on(session->machine));
}

static void apply_power(struct session *session, bool on) {
    faults_supersede(session, FAULT_POWER);
    faults_supersede(session, FAULT_FLASH_POWER);
    if (on) {
        machine_switch_on(session->machine);
    } else {
        machine_switch_off(session->machine);
    }
    session->ended = SESSION_RUNS;
}

/* ---- Parts and pins ---- */

static bool apply_control(struct session *session, const struct input *input, struct error *error) {
    struct project_part *part = project_find(&session->project, input->part, error);
    return part && part_set(part->part, input->name, input->value, error);
}

static struct pin_driver *find_driver(struct session *session, struct net *net) {
    struct pin_driver *each = session->pins;
    while (each && each->driver.net != net) {
        each = each->next;
    }
    return each;
}

static struct pin_driver *make_driver(struct session *session, const char *name, struct net *net, struct error *error) {
    struct pin_driver *made = calloc(1, sizeof(*made)), **end = &session->pins;
    if (!made) {
        error_set(error, "out of memory");
        return NULL;
    }
    while (*end) {
        end = &(*end)->next;
    }
    snprintf(made->name, sizeof(made->name), "%s", name);
    made->driver.name = "from outside";
    *end = made;
    net_attach(net, &made->driver);
    return made;
}

static void drive_pin(struct net_driver *driver, enum input_drive drive, double volts) {
    static const enum net_drive drives[] = { NET_Z, NET_LOW, NET_HIGH, NET_PULL_DOWN, NET_PULL_UP };
    if (drive == INPUT_VOLTS) {
        net_drive_volts(driver, volts, NET_OUTPUT_OHMS);
    } else {
        net_drive(driver, drives[drive]);
    }
}

static bool apply_pin(struct session *session, const struct input *input, struct error *error) {
    struct net *net = session_pin_net(session, input->name, error);
    if (!net) {
        return false;
    }
    if (input->index > INPUT_VOLTS || !(input->value >= -50 && input->value <= 50)) {
        error_set(error, "pin %s: say release, low, high, pull-down, pull-up or volts from -50 to 50", input->name);
        return false;
    }
    struct pin_driver *driver = find_driver(session, net);
    driver = driver ? driver : make_driver(session, input->name, net, error);
    if (driver) {
        drive_pin(&driver->driver, (enum input_drive)input->index, input->value);
    }
    return driver != NULL;
}

static bool apply_wire(struct session *session, const struct input *input, struct error *error) {
    struct net *a = project_board_net(&session->project, input->part, error);
    struct net *b = a ? project_board_net(&session->project, input->name, error) : NULL;
    if (!b) {
        return false;
    }
    if (a == b) {
        error_set(error, "both names are the same pin; say two different ones");
        return false;
    }
    error_set(error, "makes a short circuit of a supply");
    return project_join(&session->project, a, b);
}

bool gate_join(struct session *session, const char *text, struct error *error) {
    char from[DIAGRAM_PATH];
    struct error why;
    const char *equals = strchr(text, '=');
    if (!equals || !equals[1] || equals == text || equals - text >= DIAGRAM_PATH) {
        error_set(error, "--wire %s: say pin=pin, such as GP2=GP3", text);
        return false;
    }
    snprintf(from, sizeof(from), "%.*s", (int)(equals - text), text);
    const struct input input = { .kind = INPUT_WIRE, .part = from, .name = equals + 1 };
    bool ok = session_apply(session, &input, &why);
    if (!ok) {
        error_set(error, "--wire %s: %s", text, why.message);
    }
    return ok;
}

/* ---- The drive ---- */

static void tell_of_request(void *context, const struct usb_msc_request *request) {
    const struct input input = { .kind = INPUT_DRIVE,
                                 .index = request->count,
                                 .value = request->lba,
                                 .data = request->write ? request->data : NULL,
                                 .size = request->write ? (size_t)request->count * SECTOR : 0 };
    tell_of_input(context, &input);
}

static void hear_drive(void *context, bool begins) {
    if (begins) {
        gate_answers(context);
    } else {
        gate_answered(context);
    }
}

void gate_tap_drive(struct session *session) {
    session->drive_tap = (struct drive_link_tap){ .context = session, .heard = hear_drive, .asked = tell_of_request };
    session->drive.tap = &session->drive_tap;
}

static bool is_anybody_told(const struct session *session) {
    for (const struct session_listener *each = session->listeners; each; each = each->next) {
        if (each->input) {
            return true;
        }
    }
    return false;
}

uint8_t *gate_keep_area(const struct session *session) {
    uint8_t *copy = is_anybody_told(session) && session->drive.drive ? malloc(session->drive.size) : NULL;
    return copy ? memcpy(copy, session->drive.area, session->drive.size) : NULL;
}

void gate_tell_area(struct session *session, uint8_t *before) {
    const struct drive_link *drive = &session->drive;
    uint32_t first = 0, end = drive->size;
    while (before && first < end && before[first] == drive->area[first]) {
        first++;
    }
    while (before && end > first && before[end - 1] == drive->area[end - 1]) {
        end--;
    }
    if (before && end > first) {
        tell_of_input(session, &(struct input){ .kind = INPUT_FLASH,
                                                .index = drive->offset + first,
                                                .data = drive->area + first,
                                                .size = end - first });
    }
    free(before);
}

/* ---- Snapshots ---- */

static void forget_pins(struct session *session) {
    while (session->pins) {
        struct pin_driver *gone = session->pins;
        session->pins = gone->next;
        net_detach(&gone->driver);
        free(gone);
    }
}

static void pin_walk(struct session *session, struct pin_driver *pin, struct walk *walk) {
    char name[sizeof(pin->name)] = "";
    struct error error = { "" };
    if (pin) {
        memcpy(name, pin->name, sizeof(name));
    }
    walk_bytes(walk, name, sizeof(name));
    name[sizeof(name) - 1] = '\0';
    if (!pin) {
        struct net *net = session_pin_net(session, name, &error);
        pin = net ? make_driver(session, name, net, &error) : NULL;
    }
    if (pin) {
        net_driver_walk(&pin->driver, walk);
    } else {
        walk_fail(walk, "%s", error.message);
    }
}

/* Pins that are driven from outside. */
void gate_pins_walk(struct session *session, struct walk *walk) {
    unsigned count = 0;
    struct pin_driver *pins = session->pins;
    for (struct pin_driver *each = pins; each; each = each->next) {
        count++;
    }
    walk_section(walk, "pins driven from outside", 0);
    walk_unsigned(walk, &count);
    if (walk->reads) {
        forget_pins(session);
    }
    for (unsigned i = 0; i < count && !walk->failed; i++) {
        pin_walk(session, walk->reads ? NULL : pins, walk);
        pins = walk->reads ? NULL : pins->next;
    }
    walk_section_end(walk);
}

/* ---- Debuggers ---- */

static bool apply_memory(struct session *session, const struct input *input, struct error *error) {
    if (!input->data || input->size > UINT32_MAX || !(input->value == 0 || input->value == 1)) {
        error_set(error, "memory: say bytes, and core 0 or 1");
        return false;
    }
    return machine_poke(session->machine, (unsigned)input->value, input->index, input->data, (uint32_t)input->size,
                        error);
}

static bool apply_register(struct session *session, const struct input *input, struct error *error) {
    struct core *core = machine_core(session->machine, input->index >> 8);
    unsigned number = input->index & 0xff;
    if (!core || number >= CORE_REGISTERS || !(input->value >= 0 && input->value <= UINT32_MAX)) {
        error_set(error, "there is no register %u of core %u", number, input->index >> 8);
        return false;
    }
    core_set_register(core, number, (uint32_t)input->value);
    return true;
}

/* ---- All of them ---- */

static bool apply_input(struct session *session, const struct input *input, struct error *error) {
    switch (input->kind) {
    case INPUT_SERIAL:
        return apply_serial(session, input, error);
    case INPUT_USB_CDC:
        return apply_cdc(session, input, error);
    case INPUT_CONTROL:
        return apply_control(session, input, error);
    case INPUT_PIN:
        return apply_pin(session, input, error);
    case INPUT_WIRE:
        return apply_wire(session, input, error);
    case INPUT_RESET:
        machine_reset(session->machine);
        session->ended = SESSION_RUNS;
        return true;
    case INPUT_DRIVE:
        return replay_request(session, input, error);
    case INPUT_FLASH:
        return machine_load(session->machine, CHIP_FLASH_BASE + input->index, input->data, input->size, error);
    case INPUT_USB_OPEN:
    case INPUT_USB_PAUSE:
        return apply_cdc_state(session, input, error);
    case INPUT_POWER:
        apply_power(session, input->value != 0);
        return true;
    case INPUT_USB:
        apply_usb(session, input->value != 0);
        return true;
    case INPUT_FAULT:
        return faults_apply(session, input->name, error);
    case INPUT_MEMORY:
        return apply_memory(session, input, error);
    case INPUT_REGISTER:
        return apply_register(session, input, error);
    }
    error_set(error, "there is no input of kind %d", (int)input->kind);
    return false;
}

bool session_apply(struct session *session, const struct input *input, struct error *error) {
    bool ok = apply_input(session, input, error);
    if (ok) {
        tell_of_input(session, input);
    }
    return ok;
}

void gate_finish(struct session *session) {
    forget_pins(session);
}
