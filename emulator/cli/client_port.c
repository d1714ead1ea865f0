/* See client_port.h. */
#include "emulator/cli/client_port.h"

#include "emulator/cli/loopback.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct client_port {
    int listen;  /* -1: standard input and output */
    int in, out; /* -1: nobody is there */
    bool is_new, is_gone;
    char address[32];
    char *queue;
    size_t queued, room;
};

/* ---- Life ---- */

static bool parse_port(const char *what, const char *text, unsigned *ret_port, struct error *error) {
    char *end;
    long port = strtol(text, &end, 10);
    if (*end || end == text || port < 0 || port > 65535) {
        error_set(error, "%s %s: say stdio or the number of a port from 0 to 65535 (0: any free one)", what, text);
        return false;
    }
    *ret_port = (unsigned)port;
    return true;
}

static bool listen_on_loopback(struct client_port *port, const char *what, unsigned number, struct error *error) {
    port->listen = loopback_listen(number, 1, &number);
    if (port->listen < 0) {
        error_set(error, "%s %u: %s; say 0 for any free port", what, number, strerror(errno));
        return false;
    }
    snprintf(port->address, sizeof(port->address), "127.0.0.1:%u", number);
    return true;
}

static bool open_as(struct client_port *port, const char *what, const char *spec, struct error *error) {
    unsigned number;
    if (strcmp(spec, "stdio") == 0) {
        port->in = STDIN_FILENO;
        port->out = STDOUT_FILENO;
        port->is_new = true;
        return true;
    }
    return parse_port(what, spec, &number, error) && listen_on_loopback(port, what, number, error);
}

struct client_port *client_port_open(const char *what, const char *spec, struct error *error) {
    struct client_port *port = calloc(1, sizeof(*port));
    if (!port) {
        error_set(error, "out of memory");
        return NULL;
    }
    port->listen = port->in = port->out = -1;
    if (!open_as(port, what, spec, error)) {
        client_port_close(port);
        return NULL;
    }
    return port;
}

void client_port_drop(struct client_port *port) {
    if (port->listen >= 0 && port->in >= 0) {
        close(port->in);
    }
    port->in = port->out = -1;
    port->is_new = port->is_gone = false;
    port->queued = 0;
}

const char *client_port_address(const struct client_port *port) {
    return port->listen >= 0 ? port->address : NULL;
}

/* ---- Bytes ---- */

static bool is_ready(int fd, short events) {
    struct pollfd wait = { .fd = fd, .events = events };
    return fd >= 0 && poll(&wait, 1, 0) > 0;
}

/* Standard output is not made non-blocking, because other programs may share it: a pipe that is ready takes PIPE_BUF
 * bytes. */
static void flush_queue(struct client_port *port) {
    size_t sent = 0;
    while (sent < port->queued && is_ready(port->out, POLLOUT)) {
        size_t left = port->queued - sent, most = port->listen < 0 && left > 4096 ? 4096 : left;
        ssize_t count = port->listen < 0 ? write(port->out, port->queue + sent, most)
                                         : send(port->out, port->queue + sent, most, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count <= 0) {
            port->is_gone |= count < 0 && errno != EAGAIN && errno != EINTR;
            break;
        }
        sent += (size_t)count;
    }
    memmove(port->queue, port->queue + sent, port->queued - sent);
    port->queued -= sent;
}

void client_port_send(struct client_port *port, const char *bytes, size_t size) {
    if (port->out < 0 || port->is_gone) {
        return;
    }
    if (port->queued + size > port->room) {
        size_t room = 2 * (port->queued + size);
        char *queue = room <= 2 * (size_t)CLIENT_PORT_QUEUE ? realloc(port->queue, room) : NULL;
        if (!queue) {
            port->is_gone = true;
            return;
        }
        port->queue = queue;
        port->room = room;
    }
    memcpy(port->queue + port->queued, bytes, size);
    port->queued += size;
    flush_queue(port);
}

static void accept_client(struct client_port *port) {
    int client = port->in < 0 && port->listen >= 0 ? loopback_accept(port->listen) : -1;
    if (client >= 0) {
        port->in = port->out = client;
        port->is_new = true;
    }
}

static enum client_news read_bytes(struct client_port *port, char *bytes, size_t room, size_t *ret_size) {
    if (!is_ready(port->in, POLLIN)) {
        return CLIENT_NONE;
    }
    ssize_t count = read(port->in, bytes, room);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
        return CLIENT_NONE;
    }
    port->is_gone = count <= 0;
    *ret_size = count > 0 ? (size_t)count : 0;
    return count > 0 ? CLIENT_SAID : CLIENT_NONE;
}

enum client_news client_port_step(struct client_port *port, char *ret_bytes, size_t room, size_t *ret_size) {
    *ret_size = 0;
    accept_client(port);
    if (port->is_new) {
        port->is_new = false;
        return CLIENT_CAME;
    }
    if (port->queued) {
        flush_queue(port);
    }
    enum client_news news = port->is_gone || port->in < 0 ? CLIENT_NONE : read_bytes(port, ret_bytes, room, ret_size);
    if (port->is_gone) {
        client_port_drop(port);
        return CLIENT_GONE;
    }
    return news;
}

unsigned client_port_poll(const struct client_port *port, struct pollfd fds[CLIENT_PORT_FDS]) {
    unsigned count = 0;
    int in = port->in >= 0 ? port->in : port->listen;
    if (in >= 0) {
        fds[count++] = (struct pollfd){ .fd = in, .events = POLLIN };
    }
    if (port->out >= 0 && port->queued) {
        fds[count++] = (struct pollfd){ .fd = port->out, .events = POLLOUT };
    }
    return count;
}

void client_port_close(struct client_port *port) {
    if (!port) {
        return;
    }
    if (port->queued) {
        flush_queue(port);
    }
    client_port_drop(port);
    if (port->listen >= 0) {
        close(port->listen);
    }
    free(port->queue);
    free(port);
}
