/* Recordings: a file of lines, each a JSON object. The first one says what the session is and holds all state of the
 * machine at that moment; then comes a line for each input, as it took effect; and once a second of virtual time one
 * with a sum of each device's state, by which a replay tells where it differs. The last one is the end.
 * docs/recordings.md */
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

struct record {
    FILE *file;
    char *path;
    struct session_listener listener;
    uint64_t next_ps;  /* the next look at the machine */
    uint64_t answers;  /* those before the recording */
    unsigned failures; /* of jansson's memory before the recording */
    bool lost;         /* a line is missing or not complete */
};

static void write_line(struct record *record, json_t *line) {
    record->lost |= json_dumpf(line, record->file, JSON_COMPACT | JSON_REAL_PRECISION(17)) != 0;
    record->lost |= json_memory_failures() != record->failures;
    fputc('\n', record->file);
    json_decref(line);
}

static void set_bytes(struct record *record, json_t *line, const char *key, const void *bytes, size_t size) {
    char *text = bytes_to_text(bytes, size);
    json_object_set_new(line, key, json_string(text ? text : ""));
    record->lost |= !text;
    free(text);
}

/* ---- Inputs ---- */

static void record_input(void *context, const struct input_moment *moment, const struct input *input) {
    struct record *record = context;
    json_t *line = json_pack("{s:I, s:s}", "t", (json_int_t)moment->time_ps, "do", input_kind_name(input->kind));
    if (moment->answers) {
        json_object_set_new(line, "answers", json_integer((json_int_t)(moment->answers - record->answers)));
    }
    if (moment->is_halted) {
        json_object_set_new(line, "core", json_integer(moment->core));
        json_object_set_new(line, "cycles", json_integer((json_int_t)moment->cycles));
        json_object_set_new(line, "pc", json_integer(moment->pc));
    }
    if (input->index) {
        json_object_set_new(line, "index", json_integer(input->index));
    }
    if (input->part) {
        json_object_set_new(line, "part", json_string(input->part));
    }
    if (input->name) {
        json_object_set_new(line, "name", json_string(input->name));
    }
    if (input->value != 0) {
        json_object_set_new(line, "value", json_real(input->value));
    }
    if (input->data) {
        set_bytes(record, line, "data", input->data, input->size);
    }
    write_line(record, line);
}

/* ---- Sums ---- */

json_t *recording_sums(struct session *session) {
    struct error error;
    uint8_t *bytes;
    const uint8_t *contents;
    size_t size, length, at = 0;
    char name[WALK_NAME];
    json_t *sums = json_object();
    if (machine_save(session->machine, &bytes, &size, &error)) {
        while (walk_next_section(bytes, size, &at, name, &contents, &length)) {
            json_object_set_new(sums, name, json_integer(bytes_crc(contents, length)));
        }
        free(bytes);
    }
    return sums;
}

static void write_look(struct session *session, bool last) {
    json_t *sums = recording_sums(session);
    session->record->lost |= !json_object_size(sums) && machine_is_on(session->machine);
    json_t *line = json_pack("{s:I, s:o}", "t", (json_int_t)session_now(session), last ? "end" : "look", sums);
    json_object_set_new(line, "cycles", json_integer((json_int_t)machine_cycles(session->machine)));
    write_line(session->record, line);
}

uint64_t record_next(const struct session *session) {
    return session->record ? session->record->next_ps : TIME_NEVER;
}

void record_step(struct session *session, uint64_t now_ps) {
    if (now_ps >= record_next(session)) {
        write_look(session, false);
        session->record->next_ps = (now_ps / RECORDING_LOOK_PS + 1) * RECORDING_LOOK_PS;
    }
}

/* ---- The head ---- */

static json_t *diagram_text(const struct session *session) {
    const char *path = session->project.diagram_path;
    char text[RECORDING_DIAGRAM];
    FILE *file = path[0] ? fopen(path, "rb") : NULL;
    size_t size = file ? fread(text, 1, sizeof(text), file) : 0;
    if (file) {
        fclose(file);
    }
    return file ? json_stringn(text, size) : json_null();
}

static json_t *wire_texts(const struct session *session) {
    json_t *wires = json_array();
    for (unsigned i = 0; i < session->desc.wire_count; i++) {
        json_array_append_new(wires, json_string(session->desc.wires[i]));
    }
    return wires;
}

static bool set_state(struct session *session, json_t *head, struct error *error) {
    uint8_t *bytes;
    size_t size, packed_size;
    if (!machine_save(session->machine, &bytes, &size, error)) {
        return false;
    }
    uint8_t *packed = bytes_pack(bytes, size, &packed_size, error);
    free(bytes);
    if (packed) {
        set_bytes(session->record, head, "state", packed, packed_size);
        free(packed);
    }
    return packed != NULL;
}

static bool write_head(struct session *session, struct error *error) {
    const char *image = strrchr(session->firmware, '/');
    json_t *head = json_pack("{s:i, s:s, s:s, s:I, s:I, s:b, s:i, s:o, s:o}", RECORDING_KEY, RECORDING_VERSION, "board",
                             session->board->id, "firmware", image ? image + 1 : session->firmware, "t",
                             (json_int_t)session_now(session), "seed", (json_int_t)session->desc.seed, "exact",
                             session->desc.exact, "console", session->desc.console, "diagram", diagram_text(session),
                             "wires", wire_texts(session));
    if (head && session->desc.errata) {
        json_object_set_new(head, "errata", json_string(session->desc.errata));
    }
    if (!head) {
        error_set(error, "out of memory");
    }
    if (!head || !set_state(session, head, error)) {
        json_decref(head);
        return false;
    }
    write_line(session->record, head);
    return true;
}

/* ---- Life ---- */

static bool open_file(struct session *session, const char *path, struct error *error) {
    struct record *record = calloc(1, sizeof(*record));
    session->record = record;
    if (record) {
        record->path = strdup(path);
        record->file = fopen(path, "wb");
        record->answers = session->answers;
        record->failures = json_memory_failures();
    }
    if (!record || !record->file || !record->path) {
        error_set(error, "--record %s: %s", path, strerror(record ? errno : ENOMEM));
        return false;
    }
    return true;
}

static bool close_file(struct session *session, struct error *error) {
    struct record *record = session->record;
    bool lost = record && record->lost;
    bool failed = record && record->file && ferror(record->file);
    failed |= record && record->file && fclose(record->file) != 0;
    if (failed || lost) {
        error_set(error, "--record %s: not all of it could be written; %s", record->path,
                  failed ? "is the disk full?" : "out of memory");
    }
    if (record) {
        free(record->path);
        session_unlisten(session, &record->listener);
    }
    free(record);
    session->record = NULL;
    return !failed && !lost;
}

bool session_record(struct session *session, const char *path, struct error *error) {
    if (session->record) {
        error_set(error, "--record %s: the run is recorded already", path);
        return false;
    }
    if (session_drive_is_busy(session) && session_now(session) > 0) {
        error_set(error, "--record %s: the drive is being read or written: try again a little later", path);
        return false;
    }
    if (!open_file(session, path, error) || !write_head(session, error)) {
        close_file(session, NULL);
        return false;
    }
    struct record *record = session->record;
    record->next_ps = (session_now(session) / RECORDING_LOOK_PS + 1) * RECORDING_LOOK_PS;
    record->listener = (struct session_listener){ .context = record, .input = record_input };
    session_listen(session, &record->listener);
    return true;
}

bool session_end_record(struct session *session, struct error *error) {
    if (!session->record) {
        return true;
    }
    write_look(session, true);
    return close_file(session, error);
}

void session_flush_record(struct session *session) {
    if (session->record) {
        fflush(session->record->file);
    }
}
#else
void session_flush_record(struct session *session) {
}

uint64_t record_next(const struct session *session) {
    return TIME_NEVER;
}

void record_step(struct session *session, uint64_t now_ps) {
}

bool session_record(struct session *session, const char *path, struct error *error) {
    error_set(error, "--record %s: this program was built without jansson", path);
    return false;
}

bool session_end_record(struct session *session, struct error *error) {
    return true;
}
#endif
