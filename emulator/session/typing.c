/* What is typed at the console: it waits until the port is there and takes it, until code.py has been started where it
 * waits for the console, and, in a script, behind a Ctrl-C until the board has been silent. */
#include "emulator/session/session_private.h"

#include <string.h>

#define TRY_PS (1 * PS_PER_MS) /* between two tries, at multiples of it: not when the client happens to look */
#define PROMPT_QUIET_PS (300 * PS_PER_MS)
#define PROMPT_LONGEST_PS (3 * PS_PER_S) /* for a program that goes on printing */
#define CTRL_C 3

void typing_init(struct session *session) {
    session->typing.interrupted_ps = TIME_NEVER;
}

size_t session_typing_room(const struct session *session) {
    return SESSION_TYPING - session->typing.length;
}

size_t session_type(struct session *session, const void *data, size_t size, bool script) {
    struct typing *typing = &session->typing;
    size_t room = session_typing_room(session), taken = size < room ? size : room;
    memcpy(typing->bytes + typing->length, data, taken);
    typing->length += taken;
    typing->script = script;
    typing_step(session, session_now(session));
    return taken;
}

void typing_heard(struct session *session, uint64_t now_ps) {
    session->typing.printed_ps = now_ps;
}

/* CircuitPython throws away what it has received when it sees a Ctrl-C. A person waits for the prompt; a script cannot,
 * so what follows in it waits until the board has been silent for a moment. */
static bool is_interrupting(struct typing *typing, uint64_t now) {
    uint64_t since = typing->interrupted_ps;
    if (since == TIME_NEVER) {
        return false;
    }
    uint64_t last = typing->printed_ps > since ? typing->printed_ps : since;
    bool over = now - last >= PROMPT_QUIET_PS || now - since >= PROMPT_LONGEST_PS;
    typing->interrupted_ps = over ? TIME_NEVER : since;
    return !over;
}

/* What may be sent in one go: of a script's bytes, up to a Ctrl-C. */
static size_t next_piece(const struct typing *typing) {
    const uint8_t *interrupt = memchr(typing->bytes, CTRL_C, typing->length);
    if (!interrupt || !typing->script) {
        return typing->length;
    }
    size_t length = (size_t)(interrupt - typing->bytes);
    while (length < typing->length && typing->bytes[length] == CTRL_C) {
        length++;
    }
    return length;
}

static void send_typed(struct session *session, uint64_t now_ps) {
    struct typing *typing = &session->typing;
    size_t taken = gate_serial(session, session_console_port(session), typing->bytes, next_piece(typing));
    if (taken && typing->bytes[taken - 1] == CTRL_C && typing->script) {
        typing->interrupted_ps = now_ps;
    }
    typing->length -= taken;
    memmove(typing->bytes, typing->bytes + taken, typing->length);
}

void typing_step(struct session *session, uint64_t now_ps) {
    struct typing *typing = &session->typing;
    if (!typing->length || now_ps < typing->next_ps) {
        return;
    }
    typing->next_ps = (now_ps / TRY_PS + 1) * TRY_PS;
    if (!console_first_keeps_input(session) && !is_interrupting(typing, now_ps) &&
        machine_console_ready(session->machine, session_console_port(session))) {
        send_typed(session, now_ps);
    }
}

uint64_t typing_next(const struct session *session) {
    return session->typing.length ? session->typing.next_ps : TIME_NEVER;
}
