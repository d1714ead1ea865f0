/* What front ends take hold of in a machine: its log, blocks, cores, pins, console ports, traces. */
#include "emulator/machine.h"

#include "emulator/chips/common.h"
#include "emulator/machine_private.h"

#include <string.h>

struct log *machine_log(struct machine *machine) {
    return &machine->log;
}

struct usbhost *machine_usbhost(struct machine *machine) {
    return &machine->usbhost;
}

struct w25q *machine_flash(struct machine *machine) {
    return &machine->flash;
}

struct block *machine_block(struct machine *machine, const char *name) {
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        if (strcmp(machine->chip->map[i].name, name) == 0) {
            return machine->blocks[i];
        }
    }
    return NULL;
}

struct core *machine_core(struct machine *machine, unsigned index) {
    return index < CHIP_CORES ? machine->cores[index] : NULL;
}

struct net *machine_gpio(struct machine *machine, unsigned pin) {
    return pin < machine->bank0.desc->pins ? &machine->bank0.pins[pin].net : NULL;
}

void machine_set_pad_leakage(struct machine *machine, bool on) {
    gpio_set_leaks(&machine->bank0, on);
}

void machine_console_bytes(struct machine *machine, enum console_port port, const uint8_t *data, size_t size) {
    if (machine->events.console) {
        machine->events.console(machine->events.context, port, data, size);
    }
}

size_t machine_console_write(struct machine *machine, enum console_port port, const uint8_t *data, size_t size) {
    if (port == CONSOLE_USB) {
        return usbhost_cdc_write(&machine->usbhost, 0, data, size);
    }
    return uart_feed_write(&machine->uart_feed[port - CONSOLE_UART0], data, size);
}

size_t machine_console_room(struct machine *machine, enum console_port port) {
    return port == CONSOLE_USB ? usbhost_cdc_room(&machine->usbhost, 0)
                               : UART_FEED_SIZE - machine->uart_feed[port - CONSOLE_UART0].count;
}

bool machine_console_ready(struct machine *machine, enum console_port port) {
    return port == CONSOLE_USB ? usbhost_cdc_ready(&machine->usbhost, 0)
                               : uart_listens(machine->uart_feed[port - CONSOLE_UART0].uart);
}

void machine_trace_bus(struct machine *machine, bool on) {
    bus_set_trace(&machine->bus, on);
}

void machine_trace_exceptions(struct machine *machine, bool on) {
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_trace_exceptions(machine->cores[i], on);
    }
}
