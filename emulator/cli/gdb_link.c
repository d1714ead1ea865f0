/* TCP for the GDB server. A client that does not read is sent away: replies are no longer than a few packets. */
#include "emulator/cli/gdb_link.h"

#include "emulator/cli/loopback.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PIECE 4096
#define PIECES 16 /* of a client, before the others have their turn */
#define UNSENT_MOST (1u << 20)

struct gdb_link_client {
    int fd; /* -1: nobody */
    char *unsent;
    size_t unsent_length, unsent_room;
    bool broken;
};

struct gdb_link {
    int listen;
    unsigned port;
    struct gdb *gdb;
    struct gdb_link_client clients[GDB_CLIENTS];
};

/* ---- Opening ---- */

struct gdb_link *gdb_link_open(unsigned port, struct error *error) {
    struct gdb_link *link = calloc(1, sizeof(*link));
    if (!link) {
        error_set(error, "out of memory");
        return NULL;
    }
    link->listen = -1;
    for (unsigned i = 0; i < GDB_CLIENTS; i++) {
        link->clients[i].fd = -1;
    }
    link->listen = loopback_listen(port, GDB_CLIENTS, &link->port);
    if (link->listen < 0) {
        error_set(error, "--gdb %u: %s; name another port", port, strerror(errno));
        gdb_link_close(link);
        return NULL;
    }
    return link;
}

void gdb_link_close(struct gdb_link *link) {
    if (!link) {
        return;
    }
    for (unsigned i = 0; i < GDB_CLIENTS; i++) {
        if (link->clients[i].fd >= 0) {
            close(link->clients[i].fd);
        }
        free(link->clients[i].unsent);
    }
    if (link->listen >= 0) {
        close(link->listen);
    }
    free(link);
}

unsigned gdb_link_port(const struct gdb_link *link) {
    return link->port;
}

void gdb_link_use(struct gdb_link *link, struct gdb *gdb) {
    link->gdb = gdb;
}

/* ---- Out ---- */

static void send_unsent(struct gdb_link_client *client) {
    while (client->unsent_length && !client->broken) {
        ssize_t sent = send(client->fd, client->unsent, client->unsent_length, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent <= 0) {
            client->broken = errno != EAGAIN && errno != EINTR;
            return;
        }
        client->unsent_length -= (size_t)sent;
        memmove(client->unsent, client->unsent + sent, client->unsent_length);
    }
}

void gdb_link_send(void *context, unsigned number, const void *bytes, size_t size) {
    struct gdb_link *link = context;
    struct gdb_link_client *client = &link->clients[number];
    size_t length = client->unsent_length + size;
    if (client->fd < 0 || client->broken) {
        return;
    }
    if (length > client->unsent_room) {
        char *unsent = length <= UNSENT_MOST ? realloc(client->unsent, 2 * length) : NULL;
        client->broken = !unsent;
        if (!unsent) {
            return;
        }
        client->unsent = unsent;
        client->unsent_room = 2 * length;
    }
    memcpy(client->unsent + client->unsent_length, bytes, size);
    client->unsent_length = length;
    send_unsent(client);
}

/* ---- In ---- */

static void accept_client(struct gdb_link *link) {
    int fd = loopback_accept(link->listen);
    for (unsigned i = 0; fd >= 0 && i < GDB_CLIENTS; i++) {
        if (link->clients[i].fd < 0) {
            link->clients[i].fd = fd;
            gdb_connect(link->gdb, i);
            return;
        }
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* True: there may be more. */
static bool read_piece(struct gdb_link *link, unsigned number) {
    struct gdb_link_client *client = &link->clients[number];
    char bytes[PIECE];
    ssize_t count = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (count > 0) {
        gdb_receive(link->gdb, number, bytes, (size_t)count);
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        client->broken = true;
    }
    return count > 0 && !client->broken;
}

static void read_client(struct gdb_link *link, unsigned number) {
    for (unsigned i = 0; i < PIECES && read_piece(link, number); i++) {
    }
}

static void hang_up(struct gdb_link *link, unsigned number) {
    struct gdb_link_client *client = &link->clients[number];
    gdb_disconnect(link->gdb, number);
    close(client->fd);
    client->fd = -1;
    client->unsent_length = 0;
    client->broken = false;
}

/* A client that has gone makes way for the next one before that is taken in. */
void gdb_link_step(struct gdb_link *link) {
    for (unsigned i = 0; i < GDB_CLIENTS; i++) {
        if (link->clients[i].fd >= 0) {
            read_client(link, i);
            send_unsent(&link->clients[i]);
        }
        if (link->clients[i].fd >= 0 && link->clients[i].broken) {
            hang_up(link, i);
        }
    }
    accept_client(link);
}

unsigned gdb_link_poll(const struct gdb_link *link, struct pollfd fds[GDB_LINK_FDS]) {
    unsigned count = 0;
    fds[count++] = (struct pollfd){ .fd = link->listen, .events = POLLIN };
    for (unsigned i = 0; i < GDB_CLIENTS; i++) {
        const struct gdb_link_client *client = &link->clients[i];
        if (client->fd >= 0) {
            short out = client->unsent_length ? POLLOUT : 0;
            fds[count++] = (struct pollfd){ .fd = client->fd, .events = (short)(POLLIN | out) };
        }
    }
    return count;
}
