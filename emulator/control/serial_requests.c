/* serial.write and serial.read: bytes to and from the ports of the board.
 *
 * Each port keeps what has been printed until it is read, 4 MB at most. What a run has waited for is read by that: the
 * next run begins to look behind it. */
#include "emulator/control/arguments.h"
#include "emulator/control/bytes.h"
#include "emulator/control/control_private.h"

#include <stdlib.h>
#include <string.h>

#define DATA_INSTANCE 1
#define TAKEN_MAX (1u << 20) /* bytes that have been read and are still kept */
#define TYPED_MAX (4u << 20) /* bytes that may wait for the console */
#define DIRECT_MAX 4096      /* bytes to another port in one request */
#define FEED_PS (1 * PS_PER_MS)

const char *const control_port_names[] = { "console", "usb", "uart0", "uart1", "data", NULL };

/* ---- What the board says ---- */

/* The byte before the cursor stays, for expressions that begin at a line's start. */
static void drop_taken(struct control *control, enum control_port port) {
    struct stream *stream = &control->streams[port].stream;
    size_t drop = stream->cursor > 1 ? stream->cursor - 1 : 0;
    memmove(stream->bytes, stream->bytes + drop, stream->length - drop);
    stream->length -= drop;
    stream->cursor -= drop;
    run_shift_stream(control, port, drop);
}

void serial_hear(struct control *control, enum control_port port, const uint8_t *data, size_t size) {
    struct control_stream *each = &control->streams[port];
    if (!stream_add(&each->stream, data, size)) {
        each->lost += size;
        return;
    }
    size_t unread = each->stream.length - each->stream.cursor;
    if (unread > CONTROL_UNREAD_MAX) {
        each->stream.cursor += unread - CONTROL_UNREAD_MAX;
        each->lost += unread - CONTROL_UNREAD_MAX;
    }
    if (each->stream.cursor > TAKEN_MAX) {
        drop_taken(control, port);
    }
    run_note_bytes(control, port);
}

static void tell_lost(struct control_stream *stream, json_t *object) {
    if (stream->lost) {
        json_object_set_new(object, "lost", json_integer((json_int_t)stream->lost));
        stream->lost = 0;
    }
}

static const char *unread_bytes(const struct stream *stream) {
    return stream->bytes ? stream->bytes + stream->cursor : "";
}

void serial_take(struct control *control, enum control_port port, size_t end, json_t *object) {
    struct control_stream *each = &control->streams[port];
    struct stream *stream = &each->stream;
    bytes_to_json(object, unread_bytes(stream), end - stream->cursor);
    stream->cursor = end;
    tell_lost(each, object);
}

/* ---- What is typed ---- */

void serial_feed(struct control *control) {
    struct control_typing *typing = &control->typing;
    uint64_t now_ms = session_now(control->session) / FEED_PS;
    if (!typing->length || now_ms == typing->tried_ms) {
        return;
    }
    typing->tried_ms = now_ms;
    size_t taken = session_type(control->session, typing->bytes + typing->at, typing->length, typing->script);
    typing->at += taken;
    typing->length -= taken;
}

static bool type_later(struct control_typing *typing, const uint8_t *data, size_t size, struct error *error) {
    uint8_t *bytes = malloc(typing->length + size + 1);
    if (!bytes || typing->length + size > TYPED_MAX) {
        error_set(error, "%zu bytes wait for the console already: let the board run first", typing->length);
        free(bytes);
        return false;
    }
    if (typing->length) {
        memcpy(bytes, typing->bytes + typing->at, typing->length);
    }
    memcpy(bytes + typing->length, data, size);
    free(typing->bytes);
    *typing = (struct control_typing){
        .bytes = bytes, .length = typing->length + size, .script = typing->script, .tried_ms = typing->tried_ms
    };
    return true;
}

static bool type_at_console(struct control *control, json_t *request, const uint8_t *data, size_t size,
                            struct error *error) {
    struct control_typing *typing = &control->typing;
    bool script = true;
    if (!argument_flag(request, "script", &script, error)) {
        return false;
    }
    if (json_object_get(request, "at")) {
        error_set(error, "\"at\" is for other ports than \"console\": what is typed goes when the board takes it");
        return false;
    }
    size_t taken = typing->length ? 0 : session_type(control->session, data, size, script);
    typing->script = script;
    typing->tried_ms = typing->length ? typing->tried_ms : session_now(control->session) / FEED_PS;
    return taken == size || type_later(typing, data + taken, size - taken, error);
}

static size_t bytes_on_their_way(const struct control *control) {
    return control->typing.length + SESSION_TYPING - session_typing_room(control->session);
}

static bool send_to_port(struct control *control, json_t *request, enum control_port port, const uint8_t *data,
                         size_t size, struct error *error) {
    static const enum console_port ports[] = {
        [PORT_USB] = CONSOLE_USB, [PORT_UART0] = CONSOLE_UART0, [PORT_UART1] = CONSOLE_UART1
    };
    struct input input = { .kind = INPUT_USB_CDC, .index = DATA_INSTANCE, .data = data, .size = size };
    if (port != PORT_DATA) {
        input.kind = INPUT_SERIAL;
        input.index = ports[port];
    }
    error_set(error, "more than %d bytes; send them in pieces", DIRECT_MAX);
    return size <= DIRECT_MAX && control_apply(control, &input, request, error);
}

/* ---- Requests ---- */

static enum control_outcome handle_write(struct control *control, json_t *request, json_t *reply, struct error *error) {
    unsigned port = PORT_CONSOLE;
    uint8_t *data;
    size_t size;
    if (!argument_choice(request, "port", control_port_names, &port, error) ||
        !argument_bytes(request, &data, &size, error)) {
        return CONTROL_FAILED;
    }
    bool ok = port == PORT_CONSOLE ? type_at_console(control, request, data, size, error)
                                   : send_to_port(control, request, (enum control_port)port, data, size, error);
    free(data);
    json_object_set_new(reply, "bytes", json_integer((json_int_t)size));
    if (port == PORT_CONSOLE) {
        json_object_set_new(reply, "waiting", json_integer((json_int_t)bytes_on_their_way(control)));
    }
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

/* Without the beginning of a letter of UTF-8 whose rest has not come yet. */
static size_t whole_letters(const char *bytes, size_t size) {
    size_t back = 0;
    while (back < 3 && back < size && ((uint8_t)bytes[size - 1 - back] & 0xc0) == 0x80) {
        back++;
    }
    if (back == size) {
        return size;
    }
    uint8_t lead = (uint8_t)bytes[size - 1 - back];
    size_t wanted = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    return back + 1 < wanted ? size - back - 1 : size;
}

static enum control_outcome handle_read(struct control *control, json_t *request, json_t *reply, struct error *error) {
    static const char *const forms[] = { "text", "hex", "base64", NULL };
    unsigned port = PORT_CONSOLE, form = 0;
    uint64_t max = CONTROL_UNREAD_MAX;
    if (!argument_choice(request, "port", control_port_names, &port, error) ||
        !argument_choice(request, "as", forms, &form, error) ||
        !argument_whole(request, "max", CONTROL_UNREAD_MAX, &max, error)) {
        return CONTROL_FAILED;
    }
    struct stream *stream = &control->streams[port].stream;
    size_t unread = stream->length - stream->cursor, size = unread < max ? unread : max;
    const char *bytes = unread_bytes(stream);
    if (form == 0) {
        serial_take(control, (enum control_port)port, stream->cursor + whole_letters(bytes, size), reply);
        return CONTROL_DONE;
    }
    bool ok = form == 1 ? bytes_to_hex(reply, "hex", bytes, size) : bytes_to_base64(reply, "base64", bytes, size);
    error_set(error, "out of memory");
    stream->cursor += ok ? size : 0;
    tell_lost(&control->streams[port], reply);
    return ok ? CONTROL_DONE : CONTROL_FAILED;
}

void serial_finish(struct control *control) {
    for (unsigned i = 0; i < CONTROL_PORTS; i++) {
        stream_finish(&control->streams[i].stream);
    }
    free(control->typing.bytes);
}

const struct control_request control_serial_requests[] = {
    { "serial.write",
      handle_write,
      { "text", "hex", "base64", "port", "script", "at", NULL },
      "type at the console, or send bytes to a port" },
    { "serial.read", handle_read, { "port", "max", "as", NULL }, "what a port has said since it was read last" },
    { NULL },
};
