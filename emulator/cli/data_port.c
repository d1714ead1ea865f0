/* usb_cdc.data for programs on the host: bytes between the board's second serial port and a pseudo-terminal or socket.
 */
#include "emulator/cli/data_port.h"

#include <string.h>

#define INSTANCE 1

static void received(void *context, unsigned instance, const uint8_t *data, size_t length) {
    struct data_port *port = context;
    if (instance == INSTANCE) {
        console_write(port->console, data, length);
    }
}

bool data_port_open(struct data_port *port, const char *spec, struct session *session, struct error *error) {
    if (strncmp(spec, "pty", 3) != 0 && strncmp(spec, "tcp:", 4) != 0) {
        error_set(error, "--data %s: say pty, pty:LINK or tcp:PORT", spec);
        return false;
    }
    port->console = console_open(spec, error);
    if (!port->console) {
        return false;
    }
    port->session = session;
    port->listener = (struct usbhost_listener){ .context = port, .cdc_received = received };
    usbhost_listen(machine_usbhost(session_machine(session)), &port->listener);
    return session_apply(session, &(struct input){ .kind = INPUT_USB_OPEN, .index = INSTANCE, .value = 1 }, error);
}

void data_port_close(struct data_port *port) {
    console_close(port->console);
}

void data_port_step(struct data_port *port) {
    if (!port->console) {
        return;
    }
    if (port->input_length < sizeof(port->input)) {
        port->input_length +=
            console_read(port->console, port->input + port->input_length, sizeof(port->input) - port->input_length);
    }
    size_t taken = session_write_cdc(port->session, INSTANCE, port->input, port->input_length);
    port->input_length -= taken;
    memmove(port->input, port->input + taken, port->input_length);
    console_flush(port->console);
    if (port->held == console_has_room(port->console)) {
        port->held = !port->held;
        const struct input input = { .kind = INPUT_USB_PAUSE, .index = INSTANCE, .value = port->held };
        session_apply(port->session, &input, NULL);
    }
}

uint64_t data_port_traffic(const struct data_port *port) {
    return port->console ? console_traffic(port->console) : 0;
}

unsigned data_port_poll(const struct data_port *port, struct pollfd fds[CONSOLE_FDS]) {
    return port->console ? console_poll(port->console, port->input_length < sizeof(port->input), fds) : 0;
}
