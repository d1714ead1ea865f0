/* The RP2040: address map, interrupts and resets as its datasheet prints them, and how its blocks are connected. */
#include "emulator/bootrom/bootrom.h"
#include "emulator/machine_private.h"
#include "emulator/usbhost/usbhost.h"
#include "peripherals/onchip/adc.h"
#include "peripherals/onchip/busctrl.h"
#include "peripherals/onchip/clocks.h"
#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/io_bank.h"
#include "peripherals/onchip/pads.h"
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
#include "peripherals/onchip/registers/pio.h"
#include "peripherals/onchip/registers/sio.h"
#include "peripherals/onchip/registers/spi.h"
#include "peripherals/onchip/registers/uart.h"

#include <string.h>

/* A line of the map: the block's registers are those of its table. */
#define AT(NAME, BASE, CLASS, TABLE, ...)                                                                              \
    { .name = NAME, .base = BASE, .class = &CLASS##_class, .registers = &rp2040_##TABLE##_registers, __VA_ARGS__ }
#define IRQ(COUNT, ...) .irqs = COUNT, .irq = { __VA_ARGS__ }
#define RESET(BIT) .resettable = true, .reset = BIT

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
    AT("PIO0", 0x50200000, stub, pio, IRQ(2, 7, 8), RESET(10)),
    AT("PIO1", 0x50300000, stub, pio, IRQ(2, 9, 10), RESET(11)),
    AT("SIO", 0xd0000000, sio, sio, IRQ(2, 15, 16), .per_core = true, .no_aliases = true),
};

/* What ties the blocks together, beside the blocks themselves. */
struct rp2040 {
    struct bootrom bootrom;
    struct gpio_bank bank0, qspi;
    struct ssi *ssi;
    struct usbhost usbhost;
    struct usbhost_listener usb_listener;
};

#define CRYSTAL_HZ 12000000

/* Bits of PSM (datasheet 2.13.5). */
enum psm_bit {
    PSM_ROSC,
    PSM_XOSC,
    PSM_CLOCKS,
    PSM_RESETS,
    PSM_XIP = 12,
    PSM_VREG_AND_CHIP_RESET,
    PSM_SIO,
    PSM_PROC0,
    PSM_PROC1,
};

static void *find(struct machine *machine, const char *name) {
    return machine_block(machine, name);
}

/* ---- Clocks: who feeds whom ---- */

static void wire_clocks(struct machine *machine) {
    struct xosc *xosc = find(machine, "XOSC");
    struct rosc *rosc = find(machine, "ROSC");
    struct pll *pll_sys = find(machine, "PLL_SYS");
    struct pll *pll_usb = find(machine, "PLL_USB");
    struct clocks *clocks = find(machine, "CLOCKS");
    struct watchdog *watchdog = find(machine, "WATCHDOG");
    struct timer *timer = find(machine, "TIMER");
    struct rtc *rtc = find(machine, "RTC");
    xosc->crystal_hz = CRYSTAL_HZ;
    rosc->desc = &rp2040_rosc;
    pll_sys->reference = pll_usb->reference = &xosc->clock;
    clocks->desc = &rp2040_clocks;
    clocks->at[CLOCK_XOSC] = &xosc->clock;
    clocks->at[CLOCK_ROSC] = &rosc->clock;
    clocks->at[CLOCK_ROSC_PH] = &rosc->phased;
    clocks->at[CLOCK_PLL_SYS] = &pll_sys->clock;
    clocks->at[CLOCK_PLL_USB] = &pll_usb->clock;
    machine->clk_sys = clocks_domain(clocks, CLOCK_SYS);
    watchdog->clk_ref = clocks_domain(clocks, CLOCK_REF);
    watchdog->step = 2;
    timer->tick = &watchdog->generated;
    rtc->clk_rtc = clocks_domain(clocks, CLOCK_RTC);
}

/* ---- Dormant: an oscillator sleeps until a pin or the RTC wakes it (datasheet 2.11.3) ---- */

static void wake_oscillators(void *context, unsigned index, bool level) {
    struct machine *machine = context;
    if (level) {
        xosc_wake(find(machine, "XOSC"));
        rosc_wake(find(machine, "ROSC"));
    }
}

static struct line *wake_lines(struct machine *machine, unsigned index) {
    struct rtc *rtc = find(machine, "RTC");
    struct io_bank *bank0 = find(machine, "IO_BANK0"), *qspi = find(machine, "IO_QSPI");
    struct line *lines[] = { &rtc->block.irq[1], &bank0->block.irq[2], &qspi->block.irq[2] };
    return index < sizeof(lines) / sizeof(lines[0]) ? lines[index] : NULL;
}

/* A wake-up that is already there when the oscillator goes to sleep counts. */
static void oscillator_sleeps(void *context, bool dormant) {
    struct line *line;
    for (unsigned i = 0; dormant && (line = wake_lines(context, i)); i++) {
        wake_oscillators(context, i, line->level);
    }
}

static void wire_dormant(struct machine *machine) {
    struct xosc *xosc = find(machine, "XOSC");
    struct rosc *rosc = find(machine, "ROSC");
    xosc->dormant = rosc->dormant = oscillator_sleeps;
    xosc->context = rosc->context = machine;
    struct line *line;
    for (unsigned i = 0; (line = wake_lines(machine, i)); i++) {
        *line = (struct line){ .set = wake_oscillators, .context = machine, .index = i };
    }
}

/* ---- Resets ---- */

/* RESETS holds or releases what has this bit. */
static void hold_subsystem(void *context, unsigned bit, bool hold) {
    struct machine *machine = context;
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        const struct block_at *at = &machine->chip->map[i];
        if (at->resettable && at->reset == bit) {
            block_hold_in_reset(machine->blocks[i], hold);
        }
    }
}

static void hold_core(struct machine *machine, unsigned index, bool hold) {
    if (hold) {
        core_reset(machine->cores[index]);
    } else if (core_state(machine->cores[index]) == CORE_HELD) {
        bootrom_start(machine->cores[index], machine->rom);
    }
}

/* The power-on state machine holds or releases a stage. */
static void hold_stage(void *context, unsigned bit, bool hold) {
    static const struct {
        unsigned bit;
        const char *block;
    } stages[] = {
        { PSM_ROSC, "ROSC" },     { PSM_XOSC, "XOSC" },
        { PSM_CLOCKS, "CLOCKS" }, { PSM_RESETS, "RESETS" },
        { PSM_XIP, "XIP_CTRL" },  { PSM_XIP, "SSI" },
        { PSM_SIO, "SIO" },       { PSM_VREG_AND_CHIP_RESET, "VREG_AND_CHIP_RESET" },
    };
    struct machine *machine = context;
    for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++) {
        if (hold && stages[i].bit == bit) {
            block_reset(find(machine, stages[i].block));
        }
    }
    if (bit == PSM_PROC0 || bit == PSM_PROC1) {
        hold_core(machine, bit - PSM_PROC0, hold);
    }
}

static void watchdog_fires(void *context) {
    machine_request_reset(context, RESET_WATCHDOG);
}

static void wire_resets(struct machine *machine) {
    struct resets *resets = find(machine, "RESETS");
    struct psm *psm = find(machine, "PSM");
    struct watchdog *watchdog = find(machine, "WATCHDOG");
    resets->hold = hold_subsystem;
    psm->hold = hold_stage;
    watchdog->fire = watchdog_fires;
    struct syscfg *syscfg = find(machine, "SYSCFG");
    struct sysinfo *sysinfo = find(machine, "SYSINFO");
    syscfg->nmi_mask = machine_set_nmi_mask;
    syscfg->context = machine;
    sysinfo->chip_id = 0x20002927; /* B2 */
    resets->context = psm->context = watchdog->context = machine;
}

/* ---- Pins and serial ports ---- */

static void wire_pins(struct machine *machine, struct rp2040 *chip) {
    gpio_bank_init(&chip->bank0, &machine->env, &rp2040_gpio_bank0);
    gpio_bank_init(&chip->qspi, &machine->env, &rp2040_gpio_qspi);
    struct io_bank *io_bank0 = find(machine, "IO_BANK0");
    struct io_bank *io_qspi = find(machine, "IO_QSPI");
    struct pads *pads_bank0 = find(machine, "PADS_BANK0");
    struct pads *pads_qspi = find(machine, "PADS_QSPI");
    struct sio *sio = find(machine, "SIO");
    io_bank0->gpio = pads_bank0->gpio = sio->gpio = &chip->bank0;
    io_qspi->gpio = pads_qspi->gpio = sio->qspi = &chip->qspi;
    sio->variant = &rp2040_sio;
    sio->clk_sys = machine->clk_sys;
}

/* Function 2 of these pins (datasheet 2.19.2). */
static const struct {
    const char *name;
    uint64_t tx, rx, cts, rts;
} uart_pins[] = {
    { "UART0", 1 << 0 | 1 << 12 | 1 << 16 | 1 << 28, 1 << 1 | 1 << 13 | 1 << 17 | 1 << 29, 1 << 2 | 1 << 14 | 1 << 18,
      1 << 3 | 1 << 15 | 1 << 19 },
    { "UART1", 1 << 4 | 1 << 8 | 1 << 20 | 1 << 24, 1 << 5 | 1 << 9 | 1 << 21 | 1 << 25,
      1 << 6 | 1 << 10 | 1 << 22 | 1 << 26, 1 << 7 | 1 << 11 | 1 << 23 | 1 << 27 },
};

static void uart0_sent(void *context, uint8_t byte) {
    machine_console_bytes(context, CONSOLE_UART0, &byte, 1);
}

static void uart1_sent(void *context, uint8_t byte) {
    machine_console_bytes(context, CONSOLE_UART1, &byte, 1);
}

static void wire_uarts(struct machine *machine, struct rp2040 *chip) {
    for (size_t i = 0; i < sizeof(uart_pins) / sizeof(uart_pins[0]); i++) {
        struct uart *uart = find(machine, uart_pins[i].name);
        uart->clk_peri = clocks_domain(find(machine, "CLOCKS"), CLOCK_PERI);
        uart->gpio = &chip->bank0;
        uart->function = 2;
        uart->tx_pins = uart_pins[i].tx;
        uart->rx_pins = uart_pins[i].rx;
        uart->cts_pins = uart_pins[i].cts;
        uart->rts_pins = uart_pins[i].rts;
        uart->transmit = i ? uart1_sent : uart0_sent;
        uart->transmit_context = machine;
        uart_feed_init(&machine->uart_feed[i], uart);
    }
}

/* Functions 1 and 3 of these pins: every fourth pin from the first on does the same. */
#define EVERY_FOURTH(first, count) ((UINT64_C(0x1111111111111111) & ((UINT64_C(1) << 4 * (count)) - 1)) << (first))

static const struct {
    const char *name;
    uint64_t rx, cs, sck, tx;
} spi_pins[] = {
    { "SPI0", EVERY_FOURTH(0, 2) | EVERY_FOURTH(16, 2), EVERY_FOURTH(1, 2) | EVERY_FOURTH(17, 2),
      EVERY_FOURTH(2, 2) | EVERY_FOURTH(18, 2), EVERY_FOURTH(3, 2) | EVERY_FOURTH(19, 2) },
    { "SPI1", EVERY_FOURTH(8, 2) | EVERY_FOURTH(24, 2), EVERY_FOURTH(9, 2) | EVERY_FOURTH(25, 2),
      EVERY_FOURTH(10, 2) | EVERY_FOURTH(26, 1), EVERY_FOURTH(11, 2) | EVERY_FOURTH(27, 1) },
};

static const struct {
    const char *name;
    uint64_t sda, scl;
} i2c_pins[] = {
    { "I2C0", EVERY_FOURTH(0, 8), EVERY_FOURTH(1, 8) },
    { "I2C1", EVERY_FOURTH(2, 7), EVERY_FOURTH(3, 7) },
};

static void wire_spi_and_i2c(struct machine *machine, struct rp2040 *chip) {
    for (size_t i = 0; i < sizeof(spi_pins) / sizeof(spi_pins[0]); i++) {
        struct spi *spi = find(machine, spi_pins[i].name);
        spi->clk_peri = clocks_domain(find(machine, "CLOCKS"), CLOCK_PERI);
        spi->gpio = &chip->bank0;
        spi->function = 1;
        spi->rx_pins = spi_pins[i].rx;
        spi->cs_pins = spi_pins[i].cs;
        spi->sck_pins = spi_pins[i].sck;
        spi->tx_pins = spi_pins[i].tx;
    }
    for (size_t i = 0; i < sizeof(i2c_pins) / sizeof(i2c_pins[0]); i++) {
        struct i2c *i2c = find(machine, i2c_pins[i].name);
        i2c->clk_sys = machine->clk_sys;
        i2c->gpio = &chip->bank0;
        i2c->function = 3;
        i2c->sda_pins = i2c_pins[i].sda;
        i2c->scl_pins = i2c_pins[i].scl;
    }
}

/* ---- DMA requests ---- */

/* Datasheet 2.5.3.1. */
static const struct {
    const char *block;
    size_t line; /* offset of the struct line in the block */
    unsigned number;
} dreqs[] = {
    { "SPI0", offsetof(struct spi, dreq_tx), 16 },   { "SPI0", offsetof(struct spi, dreq_rx), 17 },
    { "SPI1", offsetof(struct spi, dreq_tx), 18 },   { "SPI1", offsetof(struct spi, dreq_rx), 19 },
    { "UART0", offsetof(struct uart, dreq_tx), 20 }, { "UART0", offsetof(struct uart, dreq_rx), 21 },
    { "UART1", offsetof(struct uart, dreq_tx), 22 }, { "UART1", offsetof(struct uart, dreq_rx), 23 },
    { "PWM", offsetof(struct pwm, dreq[0]), 24 },    { "PWM", offsetof(struct pwm, dreq[1]), 25 },
    { "PWM", offsetof(struct pwm, dreq[2]), 26 },    { "PWM", offsetof(struct pwm, dreq[3]), 27 },
    { "PWM", offsetof(struct pwm, dreq[4]), 28 },    { "PWM", offsetof(struct pwm, dreq[5]), 29 },
    { "PWM", offsetof(struct pwm, dreq[6]), 30 },    { "PWM", offsetof(struct pwm, dreq[7]), 31 },
    { "I2C0", offsetof(struct i2c, dreq_tx), 32 },   { "I2C0", offsetof(struct i2c, dreq_rx), 33 },
    { "I2C1", offsetof(struct i2c, dreq_tx), 34 },   { "I2C1", offsetof(struct i2c, dreq_rx), 35 },
    { "ADC", offsetof(struct adc, dreq), 36 },       { "XIP_CTRL", offsetof(struct xip_ctrl, dreq_stream), 37 },
    { "SSI", offsetof(struct ssi, dreq_tx), 38 },    { "SSI", offsetof(struct ssi, dreq_rx), 39 },
};
#define DREQ_PWM_WRAPS (UINT64_C(0xff) << 24)

static void dma_wrote_memory(void *context, uint32_t address, uint32_t size) {
    machine_memory_written(context, address, size);
}

static void wire_dma(struct machine *machine) {
    struct dma *dma = find(machine, "DMA");
    dma->variant = &rp2040_dma;
    dma->bus = &machine->bus;
    dma->clk_sys = machine->clk_sys;
    dma->pulse_dreqs = DREQ_PWM_WRAPS;
    dma->memory_written = dma_wrote_memory;
    dma->memory_context = machine;
    for (size_t i = 0; i < sizeof(dreqs) / sizeof(dreqs[0]); i++) {
        char *block = find(machine, dreqs[i].block);
        struct line *line = (struct line *)(block + dreqs[i].line);
        *line = (struct line){ .set = dma_set_dreq, .context = dma, .index = dreqs[i].number };
    }
}

/* ---- PWM and analogue inputs ---- */

#define ADC_PIN 26 /* of input 0 */

/* An input that no part sets sees the digital level of its pin. */
static double pin_voltage(void *context, unsigned input) {
    struct rp2040 *chip = context;
    return net_is_high(&chip->bank0.pins[ADC_PIN + input].net) ? 3.3 : 0;
}

static void wire_pwm_and_adc(struct machine *machine, struct rp2040 *chip) {
    struct pwm *pwm = find(machine, "PWM");
    struct adc *adc = find(machine, "ADC");
    pwm->clk_sys = machine->clk_sys;
    pwm->gpio = &chip->bank0;
    pwm->function = 4;
    adc->clk_adc = clocks_domain(find(machine, "CLOCKS"), CLOCK_ADC);
    adc->inputs = 5;
    adc->fifo_depth = 4;
    adc->voltage = pin_voltage;
    adc->context = chip;
}

/* ---- Flash and boot ROM ---- */

#define QSPI_SS 1 /* pin of the bank */

/* IO_QSPI overrides the chip select that the SSI drives: firmware asserts it by hand. */
static void qspi_control_changed(void *context, unsigned pin) {
    struct rp2040 *chip = context;
    uint32_t control = chip->qspi.pins[QSPI_SS].control;
    ssi_set_cs_override(chip->ssi, (enum ssi_cs_override)field_get(control, RP2040_IO_QSPI_GPIO_QSPI_SS_CTRL_OUTOVER));
}

/* A word for XIP's streaming unit. */
static bool fetch(void *context, uint32_t address, uint32_t *ret_word) {
    struct machine *machine = context;
    const uint8_t *at = machine->flash.contents + (address & (machine->flash.desc.size - 1) & ~3u);
    memcpy(ret_word, at, sizeof(*ret_word));
    return true;
}

static void wire_flash(struct machine *machine, struct rp2040 *chip) {
    chip->ssi = find(machine, "SSI");
    chip->ssi->flash = &machine->flash;
    chip->ssi->clock = machine->clk_sys;
    struct xip_ctrl *xip = find(machine, "XIP_CTRL");
    xip->fetch = fetch;
    xip->context = machine;
    chip->qspi.control_changed = qspi_control_changed;
    chip->qspi.control_context = chip;
}

static uint64_t rom_erase(void *context, uint32_t offset, uint32_t size) {
    struct machine *machine = context;
    return size == UINT32_MAX ? w25q_erase(&machine->flash, 0, machine->flash.desc.size)
                              : w25q_erase(&machine->flash, offset, size);
}

static uint64_t rom_program(void *context, uint32_t offset, const uint8_t *data, uint32_t size) {
    return w25q_program(&((struct machine *)context)->flash, offset, data, size);
}

static void rom_exit_continuous(void *context) {
    struct machine *machine = context;
    w25q_exit_continuous(&machine->flash);
    ssi_init_serial(find(machine, "SSI"));
}

static void rom_memory_written(void *context, uint32_t address, uint32_t size) {
    machine_memory_written(context, address, size);
}

static void rom_usb_boot(void *context, enum bootrom_usb_reason reason, uint32_t activity_pins, uint32_t disabled) {
    machine_enter_state(context, reason == BOOTROM_USB_NO_IMAGE ? MACHINE_UNBOOTABLE : MACHINE_IN_BOOTLOADER);
}

static void wire_bootrom(struct machine *machine, struct rp2040 *chip) {
    chip->bootrom = (struct bootrom){
        .env = &machine->env,
        .bus = &machine->bus,
        .clk_sys = machine->clk_sys,
        .flash = { .context = machine,
                   .erase = rom_erase,
                   .program = rom_program,
                   .exit_continuous_read = rom_exit_continuous },
        .memory_written = rom_memory_written,
        .usb_boot = rom_usb_boot,
        .context = machine,
    };
    if (machine->desc.bootrom) {
        memcpy(machine->rom, machine->desc.bootrom, machine->chip->rom_size);
    } else {
        bootrom_rp2040_build(machine->rom, BOOTROM_RP2040_VERSIONS);
    }
}

static uint32_t rom_call(void *context, struct core *core, unsigned number) {
    struct rp2040 *chip = ((struct machine *)context)->chip_state;
    return bootrom_rp2040_rom_call(&chip->bootrom, core, number);
}

/* ---- USB ---- */

static void cdc_received(void *context, unsigned instance, const uint8_t *data, size_t size) {
    if (instance == 0) {
        machine_console_bytes(context, CONSOLE_USB, data, size);
    }
}

static bool wire_usb(struct machine *machine, struct rp2040 *chip) {
    struct block *usb = find(machine, "USBCTRL");
    struct bus_window dpram = {
        .name = "USB_DPRAM",
        .base = 0x50100000,
        .size = USB_DPRAM_SIZE,
        .read = usb_device_dpram_read,
        .write = usb_device_dpram_write,
        .context = usb,
    };
    usb_device_set_vbus(usb, true);
    machine->usbhost = &chip->usbhost;
    usbhost_init(&chip->usbhost, &machine->env, usb_device_bus(usb));
    chip->usb_listener = (struct usbhost_listener){ .context = machine, .cdc_received = cdc_received };
    usbhost_listen(&chip->usbhost, &chip->usb_listener);
    usb_device_cable_changed(usb);
    return bus_add_window(&machine->bus, &dpram);
}

/* ---- The chip ---- */

static bool wire(struct machine *machine, struct error *error) {
    struct rp2040 *chip = machine->chip_state;
    wire_clocks(machine);
    wire_dormant(machine);
    wire_resets(machine);
    wire_pins(machine, chip);
    wire_uarts(machine, chip);
    wire_spi_and_i2c(machine, chip);
    wire_dma(machine);
    wire_pwm_and_adc(machine, chip);
    wire_flash(machine, chip);
    wire_bootrom(machine, chip);
    machine->gpio = &chip->bank0;
    if (!wire_usb(machine, chip)) {
        error_set(error, "out of memory");
        return false;
    }
    return true;
}

static void unwire(struct machine *machine) {
    if (machine->usbhost) {
        usbhost_finish(machine->usbhost);
    }
}

/* The XIP cache as memory, and the FIFO of its streaming unit (datasheet 2.6.3). */
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
    return xip->sram && bus_add_window(&machine->bus, &aux) && bus_add_memory(&machine->bus, &sram);
}

/* Power-on and the RUN pin reset everything; the watchdog and SYSRESETREQ what WDSEL of PSM and RESETS names, by
 * default all but the oscillators (datasheet 2.12, 4.7.1). */
static void reset(struct machine *machine) {
    struct rp2040 *chip = machine->chip_state;
    if (machine->reset_cause == RESET_WATCHDOG) {
        resets_watchdog(find(machine, "RESETS"));
        psm_watchdog(find(machine, "PSM"));
        watchdog_restart(find(machine, "WATCHDOG"));
        return;
    }
    struct vreg_and_chip_reset *vreg = find(machine, "VREG_AND_CHIP_RESET");
    vreg->cause = machine->reset_cause == RESET_RUN_PIN ? VREG_AND_CHIP_RESET_CHIP_RESET_HAD_RUN : 0;
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        block_reset(machine->blocks[i]);
    }
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_reset(machine->cores[i]);
    }
    if (machine->ram_entry) {
        bootrom_rp2040_enter_ram(&chip->bootrom, machine->ram_entry);
    }
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        bootrom_start(machine->cores[i], machine->rom);
    }
}

const struct chip_desc chip_rp2040 = {
    .name = "rp2040",
    .model = CORE_M0PLUS,
    .map = map,
    .blocks = sizeof(map) / sizeof(map[0]),
    .rom_size = BOOTROM_RP2040_SIZE,
    .sram_base = 0x20000000,
    .sram_size = 264 * 1024,
    .xip = { 0x10000000, 0x11000000, 0x12000000, 0x13000000 },
    .state_size = sizeof(struct rp2040),
    .ioport_base = 0xd0000000,
    .ioport_size = 0x1000,
    .wire = wire,
    .map_memory = map_memory,
    .unwire = unwire,
    .reset = reset,
    .rom_call = rom_call,
};
