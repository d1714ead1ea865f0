/* Where a program talks to a run: standard input and output, or TCP on loopback, one client after the other. Nothing
 * here blocks. */
#ifndef CLI_CLIENT_PORT_H
#define CLI_CLIENT_PORT_H

#include "emulator/core/error.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define CLIENT_PORT_FDS 2
#define CLIENT_PORT_QUEUE (16u << 20) /* bytes that a client has not read; one that lets more pile up is left */

struct client_port;

/* `spec`: "stdio", or the number of a port (0: any free one). NULL and an error line, which begins with `what`. */
struct client_port *client_port_open(const char *what, const char *spec, struct error *error);
/* What has not been sent yet is sent as far as the client takes it at once. NULL is fine. */
void client_port_close(struct client_port *port);
/* "127.0.0.1:4711"; NULL: standard input and output. */
const char *client_port_address(const struct client_port *port);

enum client_news {
    CLIENT_NONE, /* nothing has happened */
    CLIENT_CAME,
    CLIENT_SAID, /* `*ret_size` bytes, at most `room` */
    CLIENT_GONE, /* from stdio nobody else comes */
};
/* What has happened next; sends what there is to send. To be called until it is CLIENT_NONE. */
enum client_news client_port_step(struct client_port *port, char *ret_bytes, size_t room, size_t *ret_size);
void client_port_send(struct client_port *port, const char *bytes, size_t size);
/* The client is left; the next client_port_step() does not tell of it. */
void client_port_drop(struct client_port *port);
/* What to wait for; returns the number of entries filled. */
unsigned client_port_poll(const struct client_port *port, struct pollfd fds[CLIENT_PORT_FDS]);

#endif
