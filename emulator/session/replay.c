/* Replays: the inputs of a recording take effect at their times, or within the run, in answer to what the board does as
 * it was then. Once a second the sums of all devices are compared with those of the recording. The file is a
 * stranger's: whatever is wrong with it is one line that names it and the line. record.c tells what is in it. */
#include "emulator/project/json_memory.h"
#include "emulator/session/bytes.h"
#include "emulator/session/recording.h"
#include "emulator/session/session_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_JANSSON
#include <jansson.h>

#define STATE_LIMIT (256u << 20)
#define SECTOR 512
#define MOST_SECTORS 4096
#define DRIVE_LUN 0

/* A request of the PC to the board's drive, until it is done. */
struct replay_request {
    struct session *session;
    struct usb_msc_request request;
    uint8_t *data;
};

struct replay {
    FILE *file;
    unsigned line_number;
    json_t *head, *line; /* `line`: the next one, not done yet; NULL: none is left */
    const char **wires;
    uint64_t begin_ps;
    struct usbhost_listener listener;
    unsigned requests; /* under way */
    bool broken;       /* the file is: that has been said */
};

/* ---- Reading ---- */

static bool read_line(struct replay *replay, const char *path, struct error *error) {
    json_error_t why;
    json_decref(replay->line);
    replay->line = NULL;
    replay->line_number++;
    int byte = fgetc(replay->file);
    if (byte == EOF) {
        return true;
    }
    ungetc(byte, replay->file);
    unsigned failures = json_memory_failures();
    replay->line = json_loadf(replay->file, JSON_DISABLE_EOF_CHECK, &why);
    if (!json_is_object(replay->line)) {
        error_set(error, "--replay %s, line %u: %s; is the recording whole?", path, replay->line_number,
                  replay->line                         ? "is no JSON object"
                  : failures != json_memory_failures() ? "out of memory"
                                                       : why.text);
        return false;
    }
    for (byte = fgetc(replay->file); byte == '\n' || byte == '\r'; byte = fgetc(replay->file)) {
    }
    ungetc(byte, replay->file);
    return true;
}

static uint64_t time_of(const json_t *line) {
    return (uint64_t)json_integer_value(json_object_get(line, "t"));
}

static uint64_t answer_of(const json_t *line) {
    return (uint64_t)json_integer_value(json_object_get(line, "answers"));
}

static bool is_of_a_halt(const json_t *line) {
    return json_is_integer(json_object_get(line, "core"));
}

/* The core is to be halted where it was. */
static void await_halt(struct session *session, const json_t *line) {
    unsigned core = (unsigned)json_integer_value(json_object_get(line, "core"));
    const struct core_position at = { .cycles = (uint64_t)json_integer_value(json_object_get(line, "cycles")),
                                      .pc = (uint32_t)json_integer_value(json_object_get(line, "pc")) };
    if (machine_core(session->machine, core)) {
        halts_arm(session, &session->halts.input, core, &at);
    }
}

/* The next line; a broken one ends the replay. */
static void advance(struct session *session) {
    struct error error;
    struct replay *replay = session->replay;
    if (!read_line(replay, session->desc.replay, &error)) {
        session_say(session, LOG_ERROR, "%s", error.message);
        replay->broken = true;
        json_decref(replay->line);
        replay->line = NULL;
    }
    halts_disarm(&session->halts.input);
    if (replay->line && is_of_a_halt(replay->line)) {
        await_halt(session, replay->line);
    }
}

/* ---- Differences ---- */

static void say_difference(struct session *session, const char *what) {
    session_say(session, LOG_ERROR, "--replay %s: differs from the recording at %.6f s (line %u): %s",
                session->desc.replay, (double)session_now(session) / 1e12, session->replay->line_number, what);
    session->ended = SESSION_DIFFERS;
}

static const char *differing_device(const json_t *then, json_t *now) {
    const char *name;
    json_t *sum;
    json_object_foreach(now, name, sum) {
        const json_t *other = json_object_get(then, name);
        if (json_is_integer(other) && json_integer_value(other) != json_integer_value(sum)) {
            return name;
        }
    }
    return NULL;
}

static void compare(struct session *session, const json_t *then) {
    json_t *now = recording_sums(session);
    const char *name = differing_device(then, now);
    json_int_t cycles = json_integer_value(json_object_get(session->replay->line, "cycles"));
    char what[160];
    if (cycles != (json_int_t)machine_cycles(session->machine)) {
        snprintf(what, sizeof(what), "%" PRIu64 " cycles instead of %" PRIu64, machine_cycles(session->machine),
                 (uint64_t)cycles);
        say_difference(session, what);
    } else if (name) {
        snprintf(what, sizeof(what), "the state of %s", name);
        say_difference(session, what);
    }
    json_decref(now);
}

/* ---- The drive ---- */

static void request_done(struct usb_msc_request *request, bool ok) {
    struct replay_request *mine = request->owner;
    struct session *session = mine->session;
    session->replay->requests--;
    gate_answers(session);
    gate_answered(session);
    free(mine->data);
    free(mine);
}

static void medium_changed(void *context, unsigned lun) {
    if (lun == DRIVE_LUN) {
        gate_answers(context);
        gate_answered(context);
    }
}

static struct replay_request *make_request(struct session *session, const struct input *input) {
    size_t size = (size_t)input->index * SECTOR;
    struct replay_request *made = calloc(1, sizeof(*made));
    uint8_t *data = made ? calloc(1, size) : NULL;
    if (!data) {
        free(made);
        return NULL;
    }
    if (input->data) {
        memcpy(data, input->data, size);
    }
    *made = (struct replay_request){ .session = session,
                                     .data = data,
                                     .request = { .operation = USB_MSC_TRANSFER,
                                                  .lun = DRIVE_LUN,
                                                  .write = input->data != NULL,
                                                  .lba = (uint32_t)input->value,
                                                  .count = input->index,
                                                  .data = data,
                                                  .done = request_done,
                                                  .owner = made } };
    return made;
}

bool replay_request(struct session *session, const struct input *input, struct error *error) {
    bool sane = input->index >= 1 && input->index <= MOST_SECTORS && input->value >= 0 && input->value <= UINT32_MAX &&
                (!input->data || input->size == (size_t)input->index * SECTOR);
    struct replay_request *made = sane && session->replay ? make_request(session, input) : NULL;
    if (!made || !usbhost_msc_submit(machine_usbhost(session->machine), &made->request)) {
        error_set(error, "the board does not take a request to its drive");
        free(made ? made->data : NULL);
        free(made);
        return false;
    }
    session->replay->requests++;
    return true;
}

/* ---- Inputs ---- */

static bool apply_line(struct session *session, const json_t *line, struct error *error) {
    const char *kind = json_string_value(json_object_get(line, "do"));
    const char *text = json_string_value(json_object_get(line, "data"));
    struct input input = {
        .index = (unsigned)json_integer_value(json_object_get(line, "index")),
        .part = json_string_value(json_object_get(line, "part")),
        .name = json_string_value(json_object_get(line, "name")),
        .value = json_number_value(json_object_get(line, "value")),
    };
    uint8_t *data = text ? bytes_from_text(text, &input.size) : NULL;
    input.data = data;
    error_set(error, "is no input");
    bool ok = kind && input_kind_find(kind, &input.kind) && (!text || data) && session_apply(session, &input, error);
    free(data);
    return ok;
}

static void take_line(struct session *session) {
    struct replay *replay = session->replay;
    struct error error;
    const json_t *sums = json_object_get(replay->line, "look"), *end = json_object_get(replay->line, "end");
    if (sums || end) {
        compare(session, sums ? sums : end);
    } else if (!apply_line(session, replay->line, &error)) {
        say_difference(session, error.message);
    }
    if (end && session->ended == SESSION_RUNS) {
        session->ended = SESSION_REPLAYED;
    }
    advance(session);
}

static bool is_due(const struct session *session, uint64_t now_ps) {
    const json_t *line = session->replay->line;
    return line && !answer_of(line) && !is_of_a_halt(line) && time_of(line) <= now_ps;
}

/* Several inputs may have taken effect at one halt. */
bool replay_at_halt(struct session *session) {
    const struct halt_place *place = &session->halts.input;
    bool any = false;
    while (session->replay && session->ended == SESSION_RUNS && place->is_armed && place->is_reached) {
        const struct core *core = place->core;
        const struct core_position at = place->at;
        take_line(session);
        any = true;
        bool same = place->is_armed && place->core == core && place->at.cycles == at.cycles && place->at.pc == at.pc;
        session->halts.input.is_reached = same;
    }
    return any;
}

/* The core is past the place at which something was changed, and has not come by. */
static bool has_missed_halt(const struct session *session) {
    const struct halt_place *place = &session->halts.input;
    return place->is_armed && !place->is_reached && core_cycles(place->core) > place->at.cycles;
}

void replay_step(struct session *session, uint64_t now_ps) {
    struct replay *replay = session->replay;
    while (replay && session->ended == SESSION_RUNS && is_due(session, now_ps)) {
        take_line(session);
    }
    if (!replay || session->ended != SESSION_RUNS) {
        return;
    }
    if (has_missed_halt(session)) {
        say_difference(session, "the core did not come to where a debugger changed something");
    } else if (!replay->line && !session->desc.is_unfinished) {
        say_difference(session, replay->broken ? "the recording is broken" : "the recording has no end");
    } else if (replay->line && answer_of(replay->line) && time_of(replay->line) < now_ps) {
        say_difference(session, "the board did not do what was answered then");
    }
}

void replay_answer(struct session *session) {
    struct replay *replay = session->replay;
    while (replay && session->ended == SESSION_RUNS && replay->line && answer_of(replay->line) == session->answers) {
        take_line(session);
    }
}

uint64_t replay_next(const struct session *session) {
    const struct replay *replay = session->replay;
    return replay && replay->line && !is_of_a_halt(replay->line)
               ? time_of(replay->line) + (answer_of(replay->line) ? 1 : 0)
               : TIME_NEVER;
}

/* ---- The head ---- */

static bool is_ours(const json_t *head) {
    return json_is_object(head) && json_integer_value(json_object_get(head, RECORDING_KEY)) == RECORDING_VERSION &&
           json_is_string(json_object_get(head, "board")) && json_is_string(json_object_get(head, "state"));
}

static bool take_wires(struct session *session, const json_t *wires, struct error *error) {
    struct replay *replay = session->replay;
    size_t count = json_array_size(wires);
    replay->wires = calloc(count + 1, sizeof(*replay->wires));
    for (size_t i = 0; replay->wires && i < count; i++) {
        const char *wire = json_string_value(json_array_get(wires, i));
        replay->wires[i] = wire ? wire : "";
    }
    session->desc.wires = replay->wires;
    session->desc.wire_count = (unsigned)count;
    error_set(error, "out of memory");
    return replay->wires != NULL;
}

/* What the recording does not say of the session is not the user's to say either. */
static bool take_head(struct session *session, struct error *error) {
    const json_t *head = session->replay->head;
    const struct session_desc given = session->desc;
    unsigned console = (unsigned)json_integer_value(json_object_get(head, "console"));
    session->desc = (struct session_desc){
        .replay = given.replay,
        .bootrom = given.bootrom,
        .is_unfinished = given.is_unfinished,
        .board = json_string_value(json_object_get(head, "board")),
        .errata = json_string_value(json_object_get(head, "errata")),
        .console = console <= SESSION_CONSOLE_UART1 ? (enum session_console)console : SESSION_CONSOLE_AUTO,
        .no_drive = true,
        .seed = (uint64_t)json_integer_value(json_object_get(head, "seed")),
        .exact = json_is_true(json_object_get(head, "exact")),
        .trace_bus = given.trace_bus,
        .trace_exceptions = given.trace_exceptions,
        .trace_usb = given.trace_usb,
    };
    memcpy(session->desc.log, given.log, sizeof(given.log));
    session->replay->begin_ps = time_of(head);
    return take_wires(session, json_object_get(head, "wires"), error);
}

bool replay_open(struct session *session, struct error *error) {
    const char *path = session->desc.replay;
    struct replay *replay = session->replay = calloc(1, sizeof(*replay));
    if (replay) {
        replay->file = fopen(path, "rb");
    }
    if (!replay || !replay->file) {
        error_set(error, "--replay %s: %s", path, strerror(replay ? errno : ENOMEM));
        return false;
    }
    if (!read_line(replay, path, error)) {
        return false;
    }
    replay->head = replay->line;
    replay->line = NULL;
    if (!is_ours(replay->head)) {
        error_set(error, "--replay %s: is no recording of this version of ouroboard; make one with --record", path);
        return false;
    }
    return take_head(session, error);
}

const char *replay_diagram(const struct session *session) {
    return json_string_value(json_object_get(session->replay->head, "diagram"));
}

static bool load_state(struct session *session, struct error *error) {
    const char *text = json_string_value(json_object_get(session->replay->head, "state"));
    size_t packed_size, size = 0;
    struct error why = { "is damaged" };
    uint8_t *packed = bytes_from_text(text, &packed_size);
    uint8_t *state = packed ? bytes_unpack(packed, packed_size, STATE_LIMIT, &size, &why) : NULL;
    bool ok = state && machine_load_state(session->machine, state, size, &why);
    if (!ok) {
        error_set(error, "--replay %s: its state of the machine: %s", session->desc.replay, why.message);
    }
    free(packed);
    free(state);
    return ok;
}

bool replay_begin(struct session *session, struct error *error) {
    struct replay *replay = session->replay;
    if (!replay) {
        return true;
    }
    if (!load_state(session, error)) {
        return false;
    }
    /* From now on: that a drive is there in the state that has been loaded is no answer of the board's. */
    replay->listener = (struct usbhost_listener){ .context = session, .msc_changed = medium_changed };
    usbhost_listen(machine_usbhost(session->machine), &replay->listener);
    bool ok = read_line(replay, session->desc.replay, error);
    if (ok && replay->line && is_of_a_halt(replay->line)) {
        await_halt(session, replay->line);
    }
    return ok;
}

/* Requests that are under way go with the machine, which does not call them any more. */
void replay_close(struct session *session) {
    struct replay *replay = session->replay;
    if (replay) {
        json_decref(replay->head);
        json_decref(replay->line);
        free(replay->wires);
        if (replay->file) {
            fclose(replay->file);
        }
    }
    free(replay);
    session->replay = NULL;
}
#else
bool replay_open(struct session *session, struct error *error) {
    error_set(error, "--replay %s: this program was built without jansson", session->desc.replay);
    return false;
}

const char *replay_diagram(const struct session *session) {
    return NULL;
}

bool replay_begin(struct session *session, struct error *error) {
    return true;
}

bool replay_at_halt(struct session *session) {
    return false;
}

bool replay_request(struct session *session, const struct input *input, struct error *error) {
    error_set(error, "there is no recording");
    return false;
}

uint64_t replay_next(const struct session *session) {
    return TIME_NEVER;
}

void replay_step(struct session *session, uint64_t now_ps) {
}

void replay_answer(struct session *session) {
}

void replay_close(struct session *session) {
}
#endif
