/* What the chip files may touch of a machine. Nobody else includes this. */
#ifndef MACHINE_PRIVATE_H
#define MACHINE_PRIVATE_H

#include "emulator/chips/chip.h"
#include "emulator/machine.h"
#include "emulator/uart_feed.h"
#include "emulator/usbhost/usbhost.h"
#include "peripherals/parts/aps6404l.h"
#include "peripherals/parts/w25q.h"

/* RESET_POWER_OFF: no reset, the supply has gone. */
enum reset_cause {
    RESET_POWER_ON,
    RESET_RUN_PIN,
    RESET_WATCHDOG,
    RESET_SYSRESETREQ,
    RESET_GLITCH,
    RESET_BROWN_OUT,
    RESET_POWER_UP,
    RESET_POWER_OFF
};

/* What the cores are at while both run: each comes to `target` before time goes on. */
struct turn {
    bool open;       /* a debugger has stopped a core in the middle of it */
    bool together;   /* both have run all the time */
    unsigned core;   /* whose run it is */
    uint64_t target; /* cycles */
    uint64_t reached;
    uint64_t limit; /* of the core that was stopped; 0: none was */
};

struct machine {
    struct machine_desc desc;
    const struct chip_desc *chip;
    struct machine_events events;

    struct scheduler scheduler;
    struct log log;
    struct random seed;
    struct environment env;
    struct bus bus;
    struct core *cores[CHIP_CORES];
    struct block *blocks[CHIP_BLOCKS]; /* as in chip->map */
    uint8_t *rom;
    uint8_t *sram;
    struct w25q flash;
    struct aps6404l psram;        /* without contents: there is none */
    struct gpio_bank bank0, qspi; /* these: made by chip->wire */
    struct usbhost usbhost;
    struct usbhost_listener usb_listener;
    struct uart_feed uart_feed[2];
    void *chip_state; /* chip->state_size bytes, the chip file's */

    struct clock_domain *clk_sys; /* set by chip->wire */
    struct clock_listener clk_sys_changed;
    struct clock_domain *reference[CHIP_CORES]; /* SysTick's, by core; set by chip->wire; NULL: none */
    struct clock_listener reference_changed[CHIP_CORES];
    struct core *running;
    uint64_t synced_cycles;    /* of the running core: the scheduler has been told */
    uint64_t irqs[CHIP_CORES]; /* levels at the NVIC of each core */
    uint64_t nmi_mask[CHIP_CORES];
    uint64_t until_ps; /* of the running machine_run() */
    bool stop;
    bool halted; /* a debugger has stopped a core */
    unsigned halted_core;
    struct turn turn;
    bool reset_pending;
    enum reset_cause reset_cause;
    unsigned reset_core; /* that wrote SYSRESETREQ */
    uint32_t ram_entry;
    enum machine_state state;
    struct machine_companion *companions;
};

/* Ask for a reset from inside a callback: done by machine_run() at the end of the present block. */
void machine_request_reset(struct machine *machine, enum reset_cause cause);
/* Leave machine_run() with that state. */
void machine_enter_state(struct machine *machine, enum machine_state state);
/* The interrupts of `mask` are NMI of `core`. `context` is the machine. */
void machine_set_nmi_mask(void *context, unsigned core, uint32_t mask);
/* Bytes that firmware has sent. */
void machine_console_bytes(struct machine *machine, enum console_port port, const uint8_t *data, size_t size);
/* machine->bus.translate has changed, or what it gives. */
void machine_map_changed(struct machine *machine);
/* Guest memory that may hold code was written by something else than a core. */
void machine_memory_written(struct machine *machine, uint32_t address, uint32_t size);

#endif
