/* A whole board: chip, flash and USB host, in virtual time. One thread a machine; several machines in a process are
 * fine. The machine does no host I/O: front ends give it images and bytes and take bytes from it. */
#ifndef MACHINE_H
#define MACHINE_H

#include "emulator/core/error.h"
#include "emulator/core/log.h"
#include "emulator/core/walk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chip_desc;
struct machine;
struct usbhost;
struct w25q;
struct block;
struct core;
struct net;

/* Where console bytes come from. */
enum console_port { CONSOLE_USB, CONSOLE_UART0, CONSOLE_UART1, CONSOLE_PORTS };

enum machine_state {
    MACHINE_RUNS,
    MACHINE_LOCKED_UP,     /* a core is in lock-up and no event can help */
    MACHINE_IN_BOOTLOADER, /* the boot ROM's USB mode (BOOTSEL), not modelled further */
    MACHINE_UNBOOTABLE,    /* the boot ROM found nothing to start */
    MACHINE_OFF,           /* there is no supply: time goes on, nothing else does */
};

struct machine_desc {
    const struct chip_desc *chip;
    uint32_t flash_size;    /* bytes: 2, 4, 8 or 16 MB; 0: 2 MB */
    uint32_t psram_size;    /* bytes behind the QMI's second chip select: 2, 4 or 8 MB; 0: no PSRAM (RP2040: always) */
    unsigned psram_cs_pin;  /* GPIO that its chip select is wired to: 0, 8, 19 or 47 */
    uint64_t seed;          /* of every random bit in the machine */
    bool exact;             /* no shortcut in time */
    const uint8_t *bootrom; /* the user's own boot ROM image, machine_rom_size() bytes; NULL: our services */
    log_sink *log_sink;     /* may be NULL */
    void *log_context;
};

/* Callbacks of the front end, all from within machine_run(). Any may be NULL. */
struct machine_events {
    void *context;
    void (*console)(void *context, enum console_port port, const uint8_t *data, size_t size);
    /* Flash contents have been erased or programmed; or, while environment.loading, a snapshot has been loaded. */
    void (*flash_changed)(void *context, uint32_t offset, uint32_t size, bool erased);
    /* The chip was reset: "watchdog", "SYSRESETREQ", ...; not when it is switched on for the first time. */
    void (*reset)(void *context, const char *cause);
    /* The supply has gone, or is about to come back. */
    void (*power)(void *context, bool on);
};

/* NULL and an error line on failure. */
struct machine *machine_create(const struct machine_desc *desc, struct error *error);
void machine_destroy(struct machine *machine); /* NULL is fine */
void machine_set_events(struct machine *machine, const struct machine_events *events);

/* Put bytes where an image wants them, as a programmer would before power-on: flash or RAM. False with an error line
 * when the range is neither. */
bool machine_load(struct machine *machine, uint32_t address, const uint8_t *data, size_t size, struct error *error);
/* What memory (ROM, SRAM, flash) holds, without the guest noticing. False when the range is not all in one. */
bool machine_peek(struct machine *machine, uint32_t address, void *ret_data, size_t size);
/* The first power-on reset; `ram_entry` non-zero starts a RAM-only image there. */
void machine_power_on(struct machine *machine, uint32_t ram_entry);
/* The supply goes (what was in RAM is lost, pins are released, the flash chip stops in the middle of what it does) or
 * comes back (a power-on reset). Between runs. No effect when it is so. */
void machine_switch_off(struct machine *machine);
void machine_switch_on(struct machine *machine);
bool machine_is_on(const struct machine *machine);
/* The core's supply falls to so many volts for a moment: the brown-out detector resets the chip where it is on and set
 * higher than that. What the memories would lose is not modelled. Between runs. */
void machine_brown_out(struct machine *machine, double volts);
/* The pin that this net is on is an input of the ADC; noise of so many volts (root mean square) on it from now on.
 * False when it is none. */
bool machine_is_adc_pin(struct machine *machine, const struct net *net);
bool machine_set_adc_noise(struct machine *machine, const struct net *net, double volts);
/* From within a run: the supply goes at the end of the present block of instructions. */
void machine_lose_power(struct machine *machine);
/* As the RUN pin does. */
void machine_reset(struct machine *machine);
/* The USB cable, which is in at first: the PC and VBUS come and go with it. Between runs. */
void machine_plug_usb(struct machine *machine, bool plugged);
bool machine_usb_is_plugged(const struct machine *machine);

/* Run until virtual time `until_ps`, or until machine_stop() from a callback, or until firmware has left for the boot
 * loader. Ends late by a block of instructions, with both cores running by a turn of theirs (1,000 cycles): where a
 * caller cuts a run makes no difference to it. */
enum machine_state machine_run(struct machine *machine, uint64_t until_ps);
void machine_stop(struct machine *machine);
/* The last run ended because a debugger stopped a core (core_watch(), core_step()): at once, with the other core
 * anywhere in its turn. The next run goes on as if nothing had been. */
bool machine_is_halted(const struct machine *machine);
uint64_t machine_now(struct machine *machine); /* picoseconds */
/* Cycles of clk_sys so far, and its present frequency in Hz. */
uint64_t machine_cycles(struct machine *machine);
uint64_t machine_hz(struct machine *machine);

/* Bytes from the user to a console port; returns how many were taken. */
size_t machine_console_write(struct machine *machine, enum console_port port, const uint8_t *data, size_t size);
/* Bytes that it would take now. */
size_t machine_console_room(struct machine *machine, enum console_port port);
/* True once firmware has made the port usable (USB: enumerated and DTR accepted; UART: its receiver is on). */
bool machine_console_ready(struct machine *machine, enum console_port port);

/* ---- For debuggers ---- */
struct core_debugger;
/* Of all cores; NULL: nobody. */
void machine_set_debugger(struct machine *machine, const struct core_debugger *debugger);
/* The core that has been stopped while machine_is_halted(); else -1. */
int machine_halted_core(const struct machine *machine);
/* The turn of the cores is not over: the next machine_run() ends it first. */
bool machine_is_in_turn(const struct machine *machine);
/* What a load would give, without the guest or the machine noticing. False when nothing is there, or when loading there
 * does something. */
bool machine_look(struct machine *machine, unsigned core, uint32_t address, unsigned size, uint32_t *ret_value);
/* Put bytes into RAM or the flash, or store 1, 2 or 4 of them into a register, as `core` would. Between runs. False
 * with an error line. */
bool machine_poke(struct machine *machine, unsigned core, uint32_t address, const void *data, uint32_t size,
                  struct error *error);
/* When the core's next instruction is, in picoseconds: while one is halted, this may be later than machine_now(). */
uint64_t machine_core_time(struct machine *machine, unsigned index);
/* The chip's blocks and its memories, from number 0 on; NULL behind the last one. */
struct block *machine_block_number(struct machine *machine, unsigned number, uint32_t *ret_base);
struct bus_memory;
const struct bus_memory *machine_memory(const struct machine *machine, unsigned number);

struct log *machine_log(struct machine *machine);
struct usbhost *machine_usbhost(struct machine *machine);
struct w25q *machine_flash(struct machine *machine);
/* By the datasheet's name ("I2C0"); NULL when the chip has none. */
struct block *machine_block(struct machine *machine, const char *name);
struct core *machine_core(struct machine *machine, unsigned index);
/* The net of a GPIO; NULL when the chip has no such pin. */
struct net *machine_gpio(struct machine *machine, unsigned pin);
/* Erratum RP2350-E9: inputs that have been high stay high unless something stronger than the pads' pull-downs pulls. */
void machine_set_pad_leakage(struct machine *machine, bool on);
void machine_trace_bus(struct machine *machine, bool on);
/* A trace line for every exception that is taken. */
void machine_trace_exceptions(struct machine *machine, bool on);

/* ---- Snapshots ---- */

/* Somebody whose state goes with the machine's: what is wired to it. Owned by the caller. */
struct machine_companion {
    /* One or more sections. May fail the walk. */
    void (*walk)(void *context, struct walk *walk);
    void *context;
    struct machine_companion *next; /* the machine's */
};
/* Companions are asked in the order in which they came. */
void machine_accompany(struct machine *machine, struct machine_companion *companion);
void machine_part_with(struct machine *machine, struct machine_companion *companion);

/* All that the future of the machine depends on, as bytes; between runs. The machine goes on as if nothing had been.
 * The caller frees them. False with an error line when there is not enough memory, or something is under way that a
 * snapshot has no place for. */
bool machine_save(struct machine *machine, uint8_t **ret_bytes, size_t *ret_size, struct error *error);
/* Make the machine, which was built in the same way (chip, flash size, boot ROM, companions), what it was when the
 * bytes were saved; between runs. False with an error line that names the place when they are of another machine or no
 * snapshot at all: the machine does nothing any more then and can only be destroyed. */
bool machine_load_state(struct machine *machine, const uint8_t *bytes, size_t size, struct error *error);

extern const struct chip_desc chip_rp2040;
extern const struct chip_desc chip_rp2350, chip_rp2350b; /* QFN60 with 30 GPIOs, QFN80 with 48 */
/* Bytes that a boot ROM image of the chip has. */
uint32_t machine_rom_size(const struct chip_desc *chip);

#endif
