/* The second serial port of the board (usb_cdc.data) for programs on the host: a pseudo-terminal or a TCP port. */
#ifndef CLI_DATA_PORT_H
#define CLI_DATA_PORT_H

#include "emulator/cli/console.h"
#include "emulator/session/session.h"
#include "emulator/usbhost/usbhost.h"

struct data_port {
    struct console *console; /* NULL: not asked for */
    struct session *session;
    struct usbhost_listener listener;
    uint8_t input[256]; /* not yet taken by the board */
    size_t input_length;
    bool held; /* the board waits until the program has read */
};

/* `spec`: "pty", "pty:LINK" or "tcp:PORT". The port is opened as soon as the board has it. `port` must not move
 * afterwards. */
bool data_port_open(struct data_port *port, const char *spec, struct session *session, struct error *error);
/* After the machine. A port that was not opened is fine, here and below. */
void data_port_close(struct data_port *port);
/* Between two slices of the machine. */
void data_port_step(struct data_port *port);
/* Bytes that have gone in and out so far. */
uint64_t data_port_traffic(const struct data_port *port);
unsigned data_port_poll(const struct data_port *port, struct pollfd fds[CONSOLE_FDS]);

#endif
