/* The RP2040: address map, interrupts and resets as its datasheet prints them, and how its blocks are connected. */
#include "emulator/bootrom/bootrom.h"
#include "emulator/chips/common.h"
#include "emulator/machine_private.h"
#include "peripherals/onchip/adc.h"
#include "peripherals/onchip/busctrl.h"
#include "peripherals/onchip/clocks.h"
#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/io_bank.h"
#include "peripherals/onchip/pads.h"
#include "peripherals/onchip/pio.h"
#include "peripherals/onchip/pll.h"
#include "peripherals/onchip/psm.h"
#include "peripherals/onchip/pwm.h"
#include "peripherals/onchip/resets.h"
#include "peripherals/onchip/rosc.h"
#include "peripherals/onchip/rtc.h"
#include "peripherals/onchip/sio.h"
#include "peripherals/onchip/spi.h"
#include "peripherals/onchip/ssi.h"
#include "peripherals/onchip/syscfg.h"
#include "peripherals/onchip/sysinfo.h"
#include "peripherals/onchip/tbman.h"
#include "peripherals/onchip/timer.h"
#include "peripherals/onchip/uart.h"
#include "peripherals/onchip/usb_device.h"
#include "peripherals/onchip/vreg_and_chip_reset.h"
#include "peripherals/onchip/watchdog.h"
#include "peripherals/onchip/xip_ctrl.h"
#include "peripherals/onchip/xosc.h"

#include "peripherals/onchip/registers/dma.h"
#include "peripherals/onchip/registers/i2c.h"
#include "peripherals/onchip/registers/io_bank0.h"
#include "peripherals/onchip/registers/io_qspi.h"
#include "peripherals/onchip/registers/pads_bank0.h"
#include "peripherals/onchip/registers/pads_qspi.h"
#include "peripherals/onchip/registers/sio.h"
#include "peripherals/onchip/registers/spi.h"
#include "peripherals/onchip/registers/uart.h"

#include <string.h>

#define AT(...) BLOCK_AT(rp2040, __VA_ARGS__)

/* Datasheet 2.2 (addresses), 2.3.2 (interrupts), 2.14.1 (reset bits). */
static const struct block_at map[] = {
    AT("XIP_CTRL", 0x14000000, xip_ctrl, xip_ctrl, IRQ(1, 6)),
    AT("SSI", 0x18000000, ssi, ssi),
    AT("SYSINFO", 0x40000000, sysinfo, sysinfo, RESET(19)),
    AT("SYSCFG", 0x40004000, syscfg, syscfg, RESET(18)),
    AT("CLOCKS", 0x40008000, clocks, clocks, IRQ(1, 17)),
    AT("RESETS", 0x4000c000, resets, resets),
    AT("PSM", 0x40010000, psm, psm),
    AT("IO_BANK0", 0x40014000, io_bank, io_bank0, IRQ(2, 13, 13), .per_core = true, RESET(5)),
    AT("IO_QSPI", 0x40018000, io_bank, io_qspi, IRQ(2, 14, 14), .per_core = true, RESET(6)),
    AT("PADS_BANK0", 0x4001c000, pads, pads_bank0, RESET(8)),
    AT("PADS_QSPI", 0x40020000, pads, pads_qspi, RESET(9)),
    AT("XOSC", 0x40024000, xosc, xosc),
    AT("PLL_SYS", 0x40028000, pll, pll, RESET(12)),
    AT("PLL_USB", 0x4002c000, pll, pll, RESET(13)),
    AT("BUSCTRL", 0x40030000, busctrl, busctrl, RESET(1)),
    AT("UART0", 0x40034000, uart, uart, IRQ(1, 20), RESET(22)),
    AT("UART1", 0x40038000, uart, uart, IRQ(1, 21), RESET(23)),
    AT("SPI0", 0x4003c000, spi, spi, IRQ(1, 18), RESET(16)),
    AT("SPI1", 0x40040000, spi, spi, IRQ(1, 19), RESET(17)),
    AT("I2C0", 0x40044000, i2c, i2c, IRQ(1, 23), RESET(3)),
    AT("I2C1", 0x40048000, i2c, i2c, IRQ(1, 24), RESET(4)),
    AT("ADC", 0x4004c000, adc, adc, IRQ(1, 22), RESET(0)),
    AT("PWM", 0x40050000, pwm, pwm, IRQ(1, 4), RESET(14)),
    AT("TIMER", 0x40054000, timer, timer, IRQ(4, 0, 1, 2, 3), RESET(21)),
    AT("WATCHDOG", 0x40058000, watchdog, watchdog),
    AT("RTC", 0x4005c000, rtc, rtc, IRQ(1, 25), RESET(15)),
    AT("ROSC", 0x40060000, rosc, rosc),
    AT("VREG_AND_CHIP_RESET", 0x40064000, vreg_and_chip_reset, vreg_and_chip_reset),
    AT("TBMAN", 0x4006c000, tbman, tbman, RESET(20)),
    AT("DMA", 0x50000000, dma, dma, IRQ(2, 11, 12), RESET(2)),
    AT("USBCTRL", 0x50110000, usb_device, usb, IRQ(1, 5), RESET(24)),
    AT("PIO0", 0x50200000, pio, pio, IRQ(2, 7, 8), RESET(10)),
    AT("PIO1", 0x50300000, pio, pio, IRQ(2, 9, 10), RESET(11)),
    AT("SIO", 0xd0000000, sio, sio, IRQ(2, 15, 16), .per_core = true, .no_aliases = true),
};

/* What the stages of PSM reset (datasheet 2.13.5: bit numbers). */
enum psm_bit {
    PSM_ROSC,
    PSM_XOSC,
    PSM_CLOCKS,
    PSM_RESETS,
    PSM_XIP = 12,
    PSM_VREG_AND_CHIP_RESET,
    PSM_SIO,
    PSM_PROC0,
};

static const struct stage_at stages[] = {
    { PSM_ROSC, "ROSC" },     { PSM_XOSC, "XOSC" },
    { PSM_CLOCKS, "CLOCKS" }, { PSM_RESETS, "RESETS" },
    { PSM_XIP, "XIP_CTRL" },  { PSM_XIP, "SSI" },
    { PSM_SIO, "SIO" },       { PSM_VREG_AND_CHIP_RESET, "VREG_AND_CHIP_RESET" },
};

/* Function 2 of these pins (datasheet 2.19.2). */
static const struct uart_at uarts[2] = {
    { "UART0", 1 << 0 | 1 << 12 | 1 << 16 | 1 << 28, 1 << 1 | 1 << 13 | 1 << 17 | 1 << 29, 1 << 2 | 1 << 14 | 1 << 18,
      1 << 3 | 1 << 15 | 1 << 19 },
    { "UART1", 1 << 4 | 1 << 8 | 1 << 20 | 1 << 24, 1 << 5 | 1 << 9 | 1 << 21 | 1 << 25,
      1 << 6 | 1 << 10 | 1 << 22 | 1 << 26, 1 << 7 | 1 << 11 | 1 << 23 | 1 << 27 },
};

/* Functions 1 and 3 of these pins. */
static const struct spi_at spis[2] = {
    { "SPI0", EVERY_FOURTH(0, 2) | EVERY_FOURTH(16, 2), EVERY_FOURTH(1, 2) | EVERY_FOURTH(17, 2),
      EVERY_FOURTH(2, 2) | EVERY_FOURTH(18, 2), EVERY_FOURTH(3, 2) | EVERY_FOURTH(19, 2) },
    { "SPI1", EVERY_FOURTH(8, 2) | EVERY_FOURTH(24, 2), EVERY_FOURTH(9, 2) | EVERY_FOURTH(25, 2),
      EVERY_FOURTH(10, 2) | EVERY_FOURTH(26, 1), EVERY_FOURTH(11, 2) | EVERY_FOURTH(27, 1) },
};

static const struct i2c_at i2cs[2] = {
    { "I2C0", EVERY_FOURTH(0, 8), EVERY_FOURTH(1, 8) },
    { "I2C1", EVERY_FOURTH(2, 7), EVERY_FOURTH(3, 7) },
};

/* Datasheet 2.5.3.1. */
static const struct dreq_at dreqs[] = {
    { "PIO0", offsetof(struct pio, dreq_tx[0]), 0 },  { "PIO0", offsetof(struct pio, dreq_tx[1]), 1 },
    { "PIO0", offsetof(struct pio, dreq_tx[2]), 2 },  { "PIO0", offsetof(struct pio, dreq_tx[3]), 3 },
    { "PIO0", offsetof(struct pio, dreq_rx[0]), 4 },  { "PIO0", offsetof(struct pio, dreq_rx[1]), 5 },
    { "PIO0", offsetof(struct pio, dreq_rx[2]), 6 },  { "PIO0", offsetof(struct pio, dreq_rx[3]), 7 },
    { "PIO1", offsetof(struct pio, dreq_tx[0]), 8 },  { "PIO1", offsetof(struct pio, dreq_tx[1]), 9 },
    { "PIO1", offsetof(struct pio, dreq_tx[2]), 10 }, { "PIO1", offsetof(struct pio, dreq_tx[3]), 11 },
    { "PIO1", offsetof(struct pio, dreq_rx[0]), 12 }, { "PIO1", offsetof(struct pio, dreq_rx[1]), 13 },
    { "PIO1", offsetof(struct pio, dreq_rx[2]), 14 }, { "PIO1", offsetof(struct pio, dreq_rx[3]), 15 },
    { "SPI0", offsetof(struct spi, dreq_tx), 16 },    { "SPI0", offsetof(struct spi, dreq_rx), 17 },
    { "SPI1", offsetof(struct spi, dreq_tx), 18 },    { "SPI1", offsetof(struct spi, dreq_rx), 19 },
    { "UART0", offsetof(struct uart, dreq_tx), 20 },  { "UART0", offsetof(struct uart, dreq_rx), 21 },
    { "UART1", offsetof(struct uart, dreq_tx), 22 },  { "UART1", offsetof(struct uart, dreq_rx), 23 },
    { "PWM", offsetof(struct pwm, dreq[0]), 24 },     { "PWM", offsetof(struct pwm, dreq[1]), 25 },
    { "PWM", offsetof(struct pwm, dreq[2]), 26 },     { "PWM", offsetof(struct pwm, dreq[3]), 27 },
    { "PWM", offsetof(struct pwm, dreq[4]), 28 },     { "PWM", offsetof(struct pwm, dreq[5]), 29 },
    { "PWM", offsetof(struct pwm, dreq[6]), 30 },     { "PWM", offsetof(struct pwm, dreq[7]), 31 },
    { "I2C0", offsetof(struct i2c, dreq_tx), 32 },    { "I2C0", offsetof(struct i2c, dreq_rx), 33 },
    { "I2C1", offsetof(struct i2c, dreq_tx), 34 },    { "I2C1", offsetof(struct i2c, dreq_rx), 35 },
    { "ADC", offsetof(struct adc, dreq), 36 },        { "XIP_CTRL", offsetof(struct xip_ctrl, dreq_stream), 37 },
    { "SSI", offsetof(struct ssi, dreq_tx), 38 },     { "SSI", offsetof(struct ssi, dreq_rx), 39 },
};
#define DREQ_PWM_WRAPS (UINT64_C(0xff) << 24)

/* What this chip alone has beside its blocks. */
struct rp2040 {
    struct bootrom bootrom;
    struct ssi *ssi;
    struct banks banks; /* the second view of SRAM */
};

static void *find(struct machine *machine, const char *name) {
    return machine_block(machine, name);
}

/* ---- Clocks that other chips derive otherwise ---- */

static void wire_ticks(struct machine *machine) {
    struct clocks *clocks = find(machine, "CLOCKS");
    struct watchdog *watchdog = find(machine, "WATCHDOG");
    struct timer *timer = find(machine, "TIMER");
    struct rtc *rtc = find(machine, "RTC");
    watchdog->clk_ref = clocks_domain(clocks, CLOCK_REF);
    watchdog->step = 2;
    timer->tick = &watchdog->generated;
    machine->reference[0] = machine->reference[1] = &watchdog->generated;
    rtc->clk_rtc = clocks_domain(clocks, CLOCK_RTC);
}

/* ---- Flash and boot ROM ---- */

/* A word for XIP's streaming unit. */
static bool fetch(void *context, uint32_t address, uint32_t *ret_word) {
    struct machine *machine = context;
    const uint8_t *at = machine->flash.contents + (address & (machine->flash.desc.size - 1) & ~3u);
    memcpy(ret_word, at, sizeof(*ret_word));
    return true;
}

static unsigned xip_cycles(void *context, uint32_t address, unsigned size, uint64_t now) {
    return ssi_xip_cycles(context);
}

static const char *xip_obstacle(void *context, bool *ret_is_error) {
    struct machine *machine = context;
    struct rp2040 *chip = machine->chip_state;
    *ret_is_error = false;
    if (w25q_busy(&machine->flash)) {
        return "the flash is busy";
    }
    return ssi_serves_xip(chip->ssi) ? NULL : "the SSI is not set up for it";
}

static void wire_flash(struct machine *machine, struct rp2040 *chip) {
    chip->ssi = find(machine, "SSI");
    chip->ssi->flash = &machine->flash.target;
    chip->ssi->gpio = &machine->qspi;
    chip->ssi->clock = machine->clk_sys;
    struct xip_ctrl *xip = find(machine, "XIP_CTRL");
    xip->fetch = fetch;
    xip->context = machine;
    xip->read_cycles = xip_cycles;
    xip->read_context = chip->ssi;
    xip->obstacle = xip_obstacle;
    xip->obstacle_context = machine;
    w25q_connect_select(&machine->flash, &machine->qspi.pins[RP2040_QSPI_SS].net);
}

static void rom_exit_continuous(void *context) {
    struct machine *machine = context;
    w25q_exit_continuous(&machine->flash);
    ssi_init_serial(find(machine, "SSI"));
}

static void wire_bootrom(struct machine *machine, struct rp2040 *chip) {
    bool is_users = chip_wire_bootrom(machine, &chip->bootrom);
    chip->bootrom.flash.exit_continuous_read = rom_exit_continuous;
    if (!is_users) {
        bootrom_rp2040_build(machine->rom, BOOTROM_RP2040_VERSIONS);
    }
}

static void walk_chip(struct machine *machine, struct walk *walk) {
    bootrom_walk(&((struct rp2040 *)machine->chip_state)->bootrom, walk);
}

static uint32_t rom_call(void *context, struct core *core, unsigned number) {
    struct rp2040 *chip = ((struct machine *)context)->chip_state;
    return bootrom_rp2040_rom_call(&chip->bootrom, core, number);
}

/* ---- The chip ---- */

/* The USB controller can be led to GPIO15 and GPIO16 instead of its own pins. */
static void wire_digital_pads(struct machine *machine) {
    struct usb_device *usb = find(machine, "USBCTRL");
    usb->gpio = &machine->bank0;
}

static bool wire(struct machine *machine, struct error *error) {
    struct rp2040 *chip = machine->chip_state;
    bool ok = chip_wire_common(machine);
    wire_ticks(machine);
    wire_digital_pads(machine);
    wire_flash(machine, chip);
    wire_bootrom(machine, chip);
    if (!ok) {
        error_set(error, "out of memory");
    }
    return ok;
}

#define SRAM 0x20000000u
#define SRAM_BANKS 0x21000000u
#define SRAM_BANKS_SIZE 0x40000u

static uint32_t banks_read(void *context, uint32_t offset, unsigned size) {
    const struct machine *machine = context;
    const struct rp2040 *chip = machine->chip_state;
    uint32_t value = 0;
    memcpy(&value, machine->sram + banks_striped(&chip->banks, offset), size);
    return value;
}

static void banks_write(void *context, uint32_t offset, uint32_t value, unsigned size) {
    struct machine *machine = context;
    const struct rp2040 *chip = machine->chip_state;
    uint32_t striped = banks_striped(&chip->banks, offset);
    memcpy(machine->sram + striped, &value, size);
    machine_memory_written(machine, SRAM + striped, size);
}

static void banks_page_fetched(void *context) {
    machine_map_changed(context);
}

/* Four banks of 64 KB (datasheet 2.6.2). */
static bool map_banks(struct machine *machine) {
    struct rp2040 *chip = machine->chip_state;
    struct bus_window window = {
        .name = "SRAM banks",
        .base = SRAM_BANKS,
        .size = SRAM_BANKS_SIZE,
        .read = banks_read,
        .write = banks_write,
        .context = machine,
    };
    chip->banks.base = SRAM_BANKS;
    chip->banks.size = SRAM_BANKS_SIZE;
    chip->banks.striped = machine->sram;
    chip->banks.page_fetched = banks_page_fetched;
    chip->banks.context = machine;
    machine->bus.banks = &chip->banks;
    return bus_add_window(&machine->bus, &window);
}

/* The XIP cache as memory, the FIFO of its streaming unit (datasheet 2.6.3), the second view of SRAM. */
static bool map_memory(struct machine *machine) {
    struct xip_ctrl *xip = find(machine, "XIP_CTRL");
    struct bus_window aux = {
        .name = "XIP_AUX",
        .base = 0x50400000,
        .size = 4096,
        .read = xip_aux_window_read,
        .write = xip_aux_window_write,
        .context = xip,
    };
    struct bus_memory sram = {
        .name = "XIP_SRAM", .base = 0x15000000, .size = XIP_SRAM_SIZE, .host = xip->sram, .writable = true
    };
    return xip->sram && bus_add_window(&machine->bus, &aux) && map_banks(machine) &&
           bus_add_memory(&machine->bus, &sram);
}

static double brown_out_volts(struct machine *machine) {
    return vreg_brown_out_volts(find(machine, "VREG_AND_CHIP_RESET"));
}

/* Power-on, brown-out (which has no cause of its own) and the RUN pin reset everything; the watchdog what WDSEL of PSM
 * and RESETS names, by default all but the oscillators (datasheet 2.12, 4.7.1); SYSRESETREQ its core alone (2.4.2.9).
 */
static void reset(struct machine *machine) {
    struct rp2040 *chip = machine->chip_state;
    if (machine->reset_cause == RESET_WATCHDOG) {
        chip_reset_by_watchdog(machine);
        return;
    }
    if (machine->reset_cause == RESET_SYSRESETREQ) {
        chip_reset_core(machine, machine->reset_core);
        return;
    }
    struct vreg_and_chip_reset *vreg = find(machine, "VREG_AND_CHIP_RESET");
    vreg->cause = machine->reset_cause == RESET_RUN_PIN ? VREG_AND_CHIP_RESET_CHIP_RESET_HAD_RUN : 0;
    chip_reset_blocks(machine);
    if (machine->ram_entry) {
        bootrom_rp2040_enter_ram(&chip->bootrom, machine->ram_entry);
    }
    chip_start_cores(machine);
}

const struct chip_desc chip_rp2040 = {
    .name = "rp2040",
    .model = CORE_M0PLUS,
    .map = map,
    .blocks = sizeof(map) / sizeof(map[0]),
    .rom_size = BOOTROM_RP2040_SIZE,
    .sram_base = SRAM,
    .sram_size = 264 * 1024,
    .bus_events = { [BUS_APB] = 0x01, [BUS_FASTPERI] = 0x03 },
    .xip = { 0x10000000, 0x11000000, 0x12000000, 0x13000000 },
    .state_size = sizeof(struct rp2040),
    .ioport_base = 0xd0000000,
    .ioport_size = 0x1000,
    .divider = 0xd0000060,
    .crystal_hz = 12000000,
    .chip_id = 0x20002927, /* B2 */
    .bank0 = &rp2040_gpio_bank0,
    .qspi = &rp2040_gpio_qspi,
    .sio = &rp2040_sio,
    .dma = &rp2040_dma,
    .pio = &rp2040_pio,
    .clocks = &rp2040_clocks,
    .rosc = &rp2040_rosc,
    .uarts = uarts,
    .spis = spis,
    .i2cs = i2cs,
    .dreqs = dreqs,
    .dreq_count = sizeof(dreqs) / sizeof(dreqs[0]),
    .pulse_dreqs = DREQ_PWM_WRAPS,
    .stages = stages,
    .stage_count = sizeof(stages) / sizeof(stages[0]),
    .psm_proc0 = PSM_PROC0,
    .adc_inputs = 5,
    .adc_fifo = 8,
    .adc_pin = 26,
    .wire = wire,
    .map_memory = map_memory,
    .reset = reset,
    .walk = walk_chip,
    .brown_out_volts = brown_out_volts,
    .rom_call = rom_call,
};
