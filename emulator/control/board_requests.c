/* help, status, reset, power, fault, usb.*, log, record.*, snapshot.*, fork, quit: the board as a whole, and the
 * protocol itself.
 */
#include "emulator/control/arguments.h"
#include "emulator/control/control_private.h"
#include "emulator/session/fault.h"

#include <string.h>

/* ---- help ---- */

static json_t *describe_request(const struct control_request *request) {
    json_t *put = json_object(), *names = json_array();
    for (unsigned i = 0; request->arguments[i]; i++) {
        json_array_append_new(names, json_string(request->arguments[i]));
    }
    json_object_set_new(put, "do", json_string(request->name));
    json_object_set_new(put, "members", names);
    json_object_set_new(put, "summary", json_string(request->summary));
    return put;
}

static enum control_outcome handle_help(struct control *control, json_t *request, json_t *reply, struct error *error) {
    json_t *list = json_array();
    for (unsigned table = 0; control_tables[table]; table++) {
        for (const struct control_request *each = control_tables[table]; each->name; each++) {
            json_array_append_new(list, describe_request(each));
        }
    }
    json_object_set_new(reply, "protocol", json_integer(CONTROL_PROTOCOL));
    json_object_set_new(reply, "requests", list);
    return CONTROL_DONE;
}

/* ---- status ---- */

static const char *state_name(struct control *control) {
    const char *ended = session_state_name(session_run(control->session, 0)); /* no time passes */
    return ended ? ended : session_is_locked_up(control->session) ? "locked_up" : "runs";
}

static enum control_outcome handle_status(struct control *control, json_t *request, json_t *reply,
                                          struct error *error) {
    struct machine *machine = session_machine(control->session);
    struct usbhost *host = machine_usbhost(machine);
    control_describe(control, reply);
    json_object_set_new(reply, "state", json_string(state_name(control)));
    json_object_set_new(reply, "power", json_boolean(!control->is_off));
    json_object_set_new(reply, "cycles", json_integer((json_int_t)machine_cycles(machine)));
    json_object_set_new(reply, "hz", json_integer((json_int_t)machine_hz(machine)));
    json_object_set_new(reply, "usb", json_string(host ? usbhost_state_name(usbhost_state(host)) : "none"));
    json_object_set_new(reply, "console_open", json_boolean(machine_console_ready(machine, CONSOLE_USB)));
    json_object_set_new(reply, "drive", json_boolean(session_folder(control->session)));
    uint64_t planned_ps = session_planned(control->session);
    json_object_set_new(reply, "planned_ps",
                        planned_ps == TIME_NEVER ? json_null() : json_integer((json_int_t)planned_ps));
    return CONTROL_DONE;
}

/* ---- reset, power, fault, usb.* ---- */

static enum control_outcome handle_reset(struct control *control, json_t *request, json_t *reply, struct error *error) {
    const struct input input = { .kind = INPUT_RESET };
    return control_apply(control, &input, request, error) ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_power(struct control *control, json_t *request, json_t *reply, struct error *error) {
    bool on = true;
    bool ok = argument_is_there(request, "on", error) && argument_flag(request, "on", &on, error) &&
              control_apply(control, &(struct input){ .kind = INPUT_POWER, .value = on }, request, error);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

/* A fault that is to come is understood now. */
static enum control_outcome handle_fault(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct input input = { .kind = INPUT_FAULT };
    struct fault fault;
    bool ok = argument_is_there(request, "fault", error) && argument_text(request, "fault", &input.name, error) &&
              fault_parse(input.name, &fault, error) && control_apply(control, &input, request, error);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome set_cable(struct control *control, json_t *request, bool in, struct error *error) {
    const struct input input = { .kind = INPUT_USB, .value = in };
    return control_apply(control, &input, request, error) ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_usb_plug(struct control *control, json_t *request, json_t *reply,
                                            struct error *error) {
    return set_cable(control, request, true, error);
}

static enum control_outcome handle_usb_unplug(struct control *control, json_t *request, json_t *reply,
                                              struct error *error) {
    return set_cable(control, request, false, error);
}

static enum control_outcome set_port(struct control *control, json_t *request, enum input_kind kind, bool on,
                                     struct error *error) {
    static const char *const ports[] = { "usb", "data", NULL };
    struct input input = { .kind = kind, .value = on };
    bool ok = argument_is_there(request, "port", error) &&
              argument_choice(request, "port", ports, &input.index, error) &&
              control_apply(control, &input, request, error);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_usb_open(struct control *control, json_t *request, json_t *reply,
                                            struct error *error) {
    return set_port(control, request, INPUT_USB_OPEN, true, error);
}

static enum control_outcome handle_usb_close(struct control *control, json_t *request, json_t *reply,
                                             struct error *error) {
    return set_port(control, request, INPUT_USB_OPEN, false, error);
}

static enum control_outcome handle_usb_hold(struct control *control, json_t *request, json_t *reply,
                                            struct error *error) {
    bool hold = true;
    if (!argument_flag(request, "hold", &hold, error)) {
        return CONTROL_FAILED;
    }
    return set_port(control, request, INPUT_USB_PAUSE, hold, error);
}

/* ---- log ---- */

static bool parse_levels(json_t *names, bool levels[LOG_LEVELS], struct error *error) {
    static const char *const words[] = { "error", "warn", "guest", "stub", "info", "trace", NULL };
    size_t index;
    json_t *name;
    if (!json_is_array(names)) {
        error_set(error, "\"levels\" is a list of names such as [\"warn\",\"guest\"]");
        return false;
    }
    json_array_foreach(names, index, name) {
        unsigned level = 0;
        json_t *one = json_object();
        json_object_set(one, "level", name);
        bool ok = argument_choice(one, "level", words, &level, error);
        json_decref(one);
        if (!ok) {
            return false;
        }
        levels[level] = true;
    }
    return true;
}

static void put_levels(const bool levels[LOG_LEVELS], json_t *reply) {
    json_t *names = json_array();
    for (enum log_level level = 0; level < LOG_LEVELS; level++) {
        if (levels[level]) {
            json_array_append_new(names, json_string(log_level_name(level)));
        }
    }
    json_object_set_new(reply, "levels", names);
}

static void put_counts(const struct log *log, json_t *reply) {
    json_t *counts = json_object();
    for (enum log_level level = 0; level < LOG_LEVELS; level++) {
        json_object_set_new(counts, log_level_name(level), json_integer((json_int_t)log->count[level]));
    }
    json_object_set_new(reply, "counts", counts);
}

static enum control_outcome handle_log(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct log *log = machine_log(session_machine(control->session));
    json_t *names = json_object_get(request, "levels");
    bool levels[LOG_LEVELS] = { false };
    if (names && !parse_levels(names, levels, error)) {
        return CONTROL_FAILED;
    }
    if (names) {
        memcpy(log->enabled, levels, sizeof(levels));
    }
    put_levels(log->enabled, reply);
    put_counts(log, reply);
    return CONTROL_DONE;
}

/* ---- record.* ---- */

static enum control_outcome handle_record_start(struct control *control, json_t *request, json_t *reply,
                                                struct error *error) {
    const char *file = NULL;
    bool ok = argument_is_there(request, "file", error) && argument_text(request, "file", &file, error) &&
              session_record(control->session, file, error);
    control->is_recording |= ok;
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

static enum control_outcome handle_record_end(struct control *control, json_t *request, json_t *reply,
                                              struct error *error) {
    control->is_recording = false;
    return session_end_record(control->session, error) ? CONTROL_DONE : CONTROL_FAILED;
}

/* ---- snapshot.* ---- */

static enum control_outcome handle_snapshot_save(struct control *control, json_t *request, json_t *reply,
                                                 struct error *error) {
    const char *file = NULL;
    bool ok = argument_is_there(request, "file", error) && argument_text(request, "file", &file, error) &&
              session_save_state(control->session, file, error);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

/* Clients, watches, planned inputs and the PC's programs know of what has been: time does not go back. */
static enum control_outcome handle_snapshot_load(struct control *control, json_t *request, json_t *reply,
                                                 struct error *error) {
    const char *file = NULL;
    if (argument_is_there(request, "file", error) && argument_text(request, "file", &file, error)) {
        error_set(error, "%.200s: a board that runs does not go back: start another emulator with --load-state %.200s",
                  file, file);
    }
    return CONTROL_FAILED;
}

/* ---- fork ---- */

/* It is done when the line has been served: control_wanted_fork(). */
static enum control_outcome handle_fork(struct control *control, json_t *request, json_t *reply, struct error *error) {
    struct control_fork *fork = &control->fork;
    bool has_drive = session_folder(control->session);
    *fork = (struct control_fork){ 0 };
    if (!argument_is_there(request, "socket", error) || !argument_text(request, "socket", &fork->socket, error) ||
        !argument_text(request, "drive", &fork->drive, error)) {
        return CONTROL_FAILED;
    }
    if (has_drive != (fork->drive != NULL)) {
        error_set(error, has_drive
                             ? "\"drive\" is missing: name a folder that is to be made for the other board's drive"
                             : "\"drive\": this board has none");
        return CONTROL_FAILED;
    }
    if (control->is_recording) {
        error_set(error, "the run is being recorded, and two boards cannot write one recording: record.end before");
        return CONTROL_FAILED;
    }
    if (!control->desc.can_fork) {
        error_set(error, "this emulator is one process for good");
        return CONTROL_FAILED;
    }
    control->fork_request = json_incref(request);
    return CONTROL_LATER;
}

/* ---- quit ---- */

static enum control_outcome handle_quit(struct control *control, json_t *request, json_t *reply, struct error *error) {
    control->wants_out = true;
    return CONTROL_DONE;
}

const struct control_request control_board_requests[] = {
    { "help", handle_help, { NULL }, "the requests of this protocol" },
    { "status", handle_status, { NULL }, "what the board is and how it is" },
    { "reset", handle_reset, { "at", NULL }, "reset the chip, as its RUN pin does" },
    { "power", handle_power, { "on", "at", NULL }, "every supply of the board goes or comes back" },
    { "fault", handle_fault, { "fault", "at", NULL }, "something goes wrong, or is mended" },
    { "usb.plug", handle_usb_plug, { "at", NULL }, "the USB cable is put in" },
    { "usb.unplug", handle_usb_unplug, { "at", NULL }, "the USB cable is pulled out" },
    { "usb.open", handle_usb_open, { "port", "at", NULL }, "a program on the PC opens a USB serial port" },
    { "usb.close", handle_usb_close, { "port", "at", NULL }, "a program on the PC closes a USB serial port" },
    { "usb.hold",
      handle_usb_hold,
      { "port", "hold", "at", NULL },
      "the program does not read for a while, or goes on" },
    { "log", handle_log, { "levels", NULL }, "which lines the machine's log tells, and how many there were" },
    { "record.start", handle_record_start, { "file", NULL }, "keep the run in a file from now on, to be replayed" },
    { "record.end", handle_record_end, { NULL }, "the recording is complete" },
    { "snapshot.save", handle_snapshot_save, { "file", NULL }, "keep the whole machine in a file" },
    { "snapshot.load",
      handle_snapshot_load,
      { "file", NULL },
      "refused: --load-state FILE starts an emulator from a snapshot" },
    { "fork",
      handle_fork,
      { "socket", "drive", NULL },
      "a second process with the same board, for a client of its own" },
    { "quit", handle_quit, { NULL }, "end the emulator" },
    { NULL },
};
