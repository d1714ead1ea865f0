/* What the files of this folder share. */
#ifndef CONTROL_CONTROL_PRIVATE_H
#define CONTROL_CONTROL_PRIVATE_H

#include "emulator/control/control.h"
#include "emulator/debug/python_place.h"
#include "emulator/session/probe.h"
#include "emulator/session/stream.h"
#include "emulator/usbhost/usbhost.h"

#include <jansson.h>

/* ---- Serial ports: whoever reads one gets each byte once (serial_requests.c) ---- */

enum control_port { PORT_CONSOLE, PORT_USB, PORT_UART0, PORT_UART1, PORT_DATA, CONTROL_PORTS };

#define CONTROL_UNREAD_MAX (4u << 20) /* bytes of a port; the oldest are lost beyond it */

struct control_stream {
    struct stream stream;
    uint64_t lost; /* bytes, since it was told last */
};

/* Bytes that the console has no room for yet. */
struct control_typing {
    uint8_t *bytes;
    size_t length, at;
    bool script;
    uint64_t tried_ms; /* when it was tried last */
};

/* ---- Events (events.c) ---- */

enum control_event {
    EVENT_SERIAL,
    EVENT_LOG,
    EVENT_LINE,
    EVENT_DRIVE,
    EVENT_RESET,
    EVENT_POWER,
    EVENT_HID,
    EVENT_MIDI,
    EVENT_INPUT,
    EVENT_USB,
    EVENT_PIN,
    EVENT_BUS,
    CONTROL_EVENTS
};

#define CONTROL_EVENTS_A_SLICE 20000 /* more are counted and not sent */

/* ---- The run (run_requests.c) ---- */

#define CONTROL_CONDITIONS 8

enum control_condition_kind { CONDITION_TEXT, CONDITION_PIN, CONDITION_EVENT, CONDITION_LINE };

struct control_condition {
    struct control *control;
    enum control_condition_kind kind;
    enum control_port port; /* CONDITION_TEXT */
    struct stream_pattern pattern;
    size_t open_end;    /* of a match that may become longer; 0: there is none */
    struct probe probe; /* CONDITION_PIN */
    bool is_edge;
    bool wanted[NET_LEVEL_FLOATING + 1]; /* levels */
    enum control_event event;            /* CONDITION_EVENT */
    json_t *fields;                      /* what its members have to be */
    struct python_place place;           /* CONDITION_LINE */
    char *file;                          /* its */
};

struct control_run {
    bool active;
    json_t *id;
    uint64_t until_ps;
    struct control_condition conditions[CONTROL_CONDITIONS];
    unsigned count;
    const char *stopped;    /* why; NULL: it goes on */
    json_t *found;          /* what the reply tells of the condition that was met */
    struct probe *measured; /* a measurement waits for the end, and is told then; NULL: none does */
};

/* ---- Pins (pin_requests.c) ---- */

struct control_watch {
    struct control *control;
    struct probe probe;
    char *pin; /* as the client calls it */
    struct control_watch *next;
};

/* Text and bytes of planned inputs. */
struct control_kept {
    struct control_kept *next;
    char bytes[];
};

struct coverage_run;
struct profile;

struct control {
    struct control_desc desc;
    struct session *session;
    struct session_listener listener;
    struct usbhost_listener usb;
    bool connected, wants_out;
    bool is_off; /* the board has no supply */
    bool is_recording;
    bool ran_out;         /* of memory, for something that the client was to get */
    unsigned failures;    /* of jansson's memory before */
    json_t *waiting;      /* requests behind the run */
    json_t *fork_request; /* NULL: there is none */
    struct control_fork fork;
    struct control_run run;
    struct control_stream streams[CONTROL_PORTS];
    struct control_typing typing;
    bool subscribed[CONTROL_EVENTS];
    unsigned events_sent; /* in this slice */
    uint64_t events_lost;
    struct control_watch *watches;
    struct control_bus *buses;
    struct control_kept *kept;
    struct coverage_run *coverage; /* NULL: nobody has asked */
    struct profile *profile;       /* the same */
};

/* ---- Requests ---- */

enum control_outcome { CONTROL_FAILED, CONTROL_DONE, CONTROL_LATER };

/* `arguments` is the whole request; `reply` gets the members of the reply. CONTROL_FAILED with an error line. */
typedef enum control_outcome control_handler(struct control *control, json_t *arguments, json_t *reply,
                                             struct error *error);

struct control_request {
    const char *name;
    control_handler *handle;
    const char *arguments[17]; /* names, ends with NULL */
    const char *summary;
};

/* Each ends with an entry without name. */
extern const struct control_request control_run_requests[], control_serial_requests[], control_pin_requests[],
    control_part_requests[], control_python_requests[], control_drive_requests[], control_bus_requests[],
    control_board_requests[], control_event_requests[];
extern const struct control_request *const control_tables[]; /* ends with NULL */

/* ---- Shared (control.c) ---- */

/* A line to the client; takes the reference. */
void control_send(struct control *control, json_t *object);
/* The reply to `id` is sent; takes the reference to `reply`. */
void control_reply(struct control *control, json_t *id, json_t *reply);
/* Members that greeting and status share. */
void control_describe(struct control *control, json_t *object);
/* Let an input take effect now, or at the time that "at" of the arguments says. */
bool control_apply(struct control *control, const struct input *input, json_t *arguments, struct error *error);
/* The same, so much later. */
bool control_apply_later(struct control *control, const struct input *input, json_t *arguments, uint64_t later_ps,
                         struct error *error);

/* ---- The run ---- */

/* An event has happened, or a stream has new bytes: is it what the run waits for? */
void run_note_event(struct control *control, enum control_event kind, json_t *event);
void run_note_bytes(struct control *control, enum control_port port);
/* The first so many bytes of the stream are no longer kept. */
void run_shift_stream(struct control *control, enum control_port port, size_t bytes);
void run_look_at_open_matches(struct control *control);
/* A run until `until_ps` begins, for the request with this id. */
void run_begin(struct control *control, json_t *arguments, uint64_t until_ps);
/* The reply is sent. `stopped`: why. */
void run_end(struct control *control, const char *stopped);
/* Without a reply. */
void run_abandon(struct control *control);

/* ---- Serial ---- */

extern const char *const control_port_names[]; /* ends with NULL */
void serial_hear(struct control *control, enum control_port port, const uint8_t *data, size_t size);
/* What was waiting for room goes on. */
void serial_feed(struct control *control);
/* Take what has been printed up to `end` of the stream. */
void serial_take(struct control *control, enum control_port port, size_t end, json_t *object);
void serial_finish(struct control *control);

/* ---- Events ---- */

extern const char *const control_event_names[]; /* ends with NULL */
void events_listen(struct control *control);
/* Somebody wants to hear of such events. */
bool events_are_wanted(const struct control *control, enum control_event kind);
/* A new event of this kind, dated now. */
json_t *event_new(struct control *control, enum control_event kind);
/* To the client and to the run; takes the reference. `subscribed`: the client wants it. */
void event_send(struct control *control, enum control_event kind, json_t *event, bool subscribed);
/* A slice has ended: tell of what was not sent. */
void events_end_slice(struct control *control);

/* ---- Pins ---- */

const char *pin_level_name(enum net_level level);
void pin_put_result(json_t *object, const struct probe *probe);
void pin_forget_watches(struct control *control);

/* ---- The Python program (python_requests.c) ---- */

void python_requests_finish(struct control *control);

/* ---- Buses (bus_requests.c) ---- */

void bus_forget_all(struct control *control);

#endif
