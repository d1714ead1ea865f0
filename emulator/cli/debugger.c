/* See debugger.h. */
#include "emulator/cli/debugger.h"

#ifdef HAVE_JANSSON

#include "emulator/cli/client_port.h"
#include "emulator/dap/dap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct debugger {
    struct client_port *port;
    struct dap *dap;
    bool is_stdio, ended;
};

static void send_bytes(void *context, const char *bytes, size_t size) {
    struct debugger *debugger = context;
    client_port_send(debugger->port, bytes, size);
}

static void say_address(const struct debugger *debugger) {
    const char *address = client_port_address(debugger->port);
    if (address) {
        fprintf(stderr, "debug adapter on %s\n", address);
    }
}

struct debugger *debugger_open(const char *what, const char *spec, struct error *error) {
    struct debugger *debugger = calloc(1, sizeof(*debugger));
    if (!debugger) {
        error_set(error, "out of memory");
        return NULL;
    }
    error_set(error, "out of memory");
    debugger->is_stdio = strcmp(spec, "stdio") == 0;
    debugger->dap = dap_create(&(struct dap_desc){ .send = send_bytes, .context = debugger });
    debugger->port = debugger->dap ? client_port_open(what, spec, error) : NULL;
    if (!debugger->port) {
        debugger_close(debugger);
        return NULL;
    }
    say_address(debugger);
    return debugger;
}

void debugger_end(struct debugger *debugger, int code) {
    if (debugger) {
        dap_ended(debugger->dap, code);
        dap_destroy(debugger->dap);
        debugger->dap = NULL;
    }
}

void debugger_leave(struct debugger *debugger) {
    if (debugger) {
        dap_leave(debugger->dap);
    }
}

void debugger_close(struct debugger *debugger) {
    if (debugger) {
        dap_destroy(debugger->dap);
        client_port_close(debugger->port);
        free(debugger);
    }
}

bool debugger_use(struct debugger *debugger, struct session *session, struct error *error) {
    struct python *python = session_python(session);
    if (!python) {
        error_set(error, "out of memory");
        return false;
    }
    dap_use(debugger->dap, session, python);
    return true;
}

/* ---- The client ---- */

static void lose_client(struct debugger *debugger) {
    dap_disconnect(debugger->dap);
    debugger->ended |= debugger->is_stdio;
}

static void hear_client(struct debugger *debugger, const char *bytes, size_t size) {
    struct error error;
    if (!dap_receive(debugger->dap, bytes, size, &error)) {
        fprintf(stderr, "ouroboard: debug adapter: %s; the connection is closed\n", error.message);
        client_port_drop(debugger->port);
        lose_client(debugger);
    }
}

/* False: nothing has happened. */
static bool take_news(struct debugger *debugger) {
    char bytes[65536];
    size_t size;
    switch (client_port_step(debugger->port, bytes, sizeof(bytes), &size)) {
    case CLIENT_CAME:
        dap_connect(debugger->dap);
        return true;
    case CLIENT_SAID:
        hear_client(debugger, bytes, size);
        return true;
    case CLIENT_GONE:
        lose_client(debugger);
        return true;
    default:
        return false;
    }
}

json_t *debugger_wait_for_launch(struct debugger *debugger) {
    json_t *arguments = NULL;
    while (!arguments && !debugger_wants_out(debugger)) {
        struct pollfd fds[DEBUGGER_FDS];
        if (!take_news(debugger)) {
            poll(fds, debugger_poll(debugger, fds), -1);
        }
        arguments = dap_launch_arguments(debugger->dap);
    }
    return arguments;
}

void debugger_refuse_launch(struct debugger *debugger, const char *why) {
    if (debugger && dap_launch_arguments(debugger->dap)) {
        dap_refuse_launch(debugger->dap, why);
    }
}

bool debugger_serve(struct debugger *debugger) {
    if (!debugger) {
        return false;
    }
    hear_client(debugger, "", 0); /* what came with the launch */
    while (take_news(debugger)) {
    }
    return dap_holds(debugger->dap);
}

void debugger_ran(struct debugger *debugger) {
    if (debugger) {
        dap_ran(debugger->dap);
    }
}

bool debugger_wants_out(const struct debugger *debugger) {
    return debugger && (debugger->ended || dap_wants_out(debugger->dap));
}

unsigned debugger_poll(const struct debugger *debugger, struct pollfd fds[DEBUGGER_FDS]) {
    return debugger ? client_port_poll(debugger->port, fds) : 0;
}

#else

struct debugger *debugger_open(const char *what, const char *spec, struct error *error) {
    error_set(error, "%s: this ouroboard was built without jansson, which reads the editor's messages", what);
    return NULL;
}

void debugger_refuse_launch(struct debugger *debugger, const char *why) {
}

void debugger_end(struct debugger *debugger, int code) {
}

void debugger_leave(struct debugger *debugger) {
}

void debugger_close(struct debugger *debugger) {
}

bool debugger_use(struct debugger *debugger, struct session *session, struct error *error) {
    return false;
}

bool debugger_serve(struct debugger *debugger) {
    return false;
}

void debugger_ran(struct debugger *debugger) {
}

bool debugger_wants_out(const struct debugger *debugger) {
    return false;
}

unsigned debugger_poll(const struct debugger *debugger, struct pollfd fds[DEBUGGER_FDS]) {
    return 0;
}

#endif
