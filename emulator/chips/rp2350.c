/* The RP2350: address map, interrupts and resets as its datasheet prints them, and how its blocks are connected. Two
 * packages: QFN60 (30 GPIOs, 4 analogue inputs from GPIO 26 on) and QFN80 (48 and 8, from GPIO 40 on).
 *
 * The cores are the Arm ones, in Secure state. The Non-secure alias of SIO shows the Secure registers: what is banked
 * by security (FIFOs, doorbells, interpolators) exists once.
 * Decided: SYSRESETREQ resets its core alone, as on the RP2040 (the boot ROM's source says so), and clears the
 * watchdog's reason (as REASON is described); a watchdog reset of the core domain (POWMAN's WDSEL) keeps the
 * watchdog's scratch registers like the others. */
#include "emulator/bootrom/bootrom.h"
#include "emulator/chips/common.h"
#include "emulator/machine_private.h"
#include "peripherals/onchip/accessctrl.h"
#include "peripherals/onchip/adc.h"
#include "peripherals/onchip/bootram.h"
#include "peripherals/onchip/busctrl.h"
#include "peripherals/onchip/clocks.h"
#include "peripherals/onchip/dma.h"
#include "peripherals/onchip/glitch_detector.h"
#include "peripherals/onchip/hstx.h"
#include "peripherals/onchip/i2c.h"
#include "peripherals/onchip/io_bank.h"
#include "peripherals/onchip/otp.h"
#include "peripherals/onchip/pads.h"
#include "peripherals/onchip/pio.h"
#include "peripherals/onchip/pll.h"
#include "peripherals/onchip/powman.h"
#include "peripherals/onchip/psm.h"
#include "peripherals/onchip/pwm.h"
#include "peripherals/onchip/qmi.h"
#include "peripherals/onchip/resets.h"
#include "peripherals/onchip/rosc.h"
#include "peripherals/onchip/sha256.h"
#include "peripherals/onchip/sio.h"
#include "peripherals/onchip/spi.h"
#include "peripherals/onchip/syscfg.h"
#include "peripherals/onchip/sysinfo.h"
#include "peripherals/onchip/tbman.h"
#include "peripherals/onchip/ticks.h"
#include "peripherals/onchip/timer.h"
#include "peripherals/onchip/trng.h"
#include "peripherals/onchip/uart.h"
#include "peripherals/onchip/usb_device.h"
#include "peripherals/onchip/watchdog.h"
#include "peripherals/onchip/xip_ctrl.h"
#include "peripherals/onchip/xosc.h"

#include "peripherals/onchip/registers/coresight_trace.h"
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

#define CHIP_ID_A2 0x20004927u
enum package { QFN80, QFN60 }; /* SYSINFO.PACKAGE_SEL */

#define AT(...) BLOCK_AT(rp2350, __VA_ARGS__)

#define SIO 0xd0000000u
#define SIO_NONSECURE 0xd0020000u
#define BOOTRAM 0x400e0000u
#define XIP_BASE 0x10000000u /* cached; then not cached */
#define XIP_WINDOW 0x04000000u
#define XIP_SELECTS 0x02000000u /* of a window */
#define XIP_UNTRANSLATED 0x1c000000u
#define OTP_DATA 0x40130000u

/* Datasheet 2.2 (addresses), 3.2 (interrupts), 7.5 (reset bits). */
static const struct block_at map[] = {
    AT("SYSINFO", 0x40000000, sysinfo, sysinfo, RESET(21)),
    AT("SYSCFG", 0x40008000, syscfg, syscfg, RESET(20)),
    AT("CLOCKS", 0x40010000, clocks, clocks, IRQ(1, 30)),
    AT("PSM", 0x40018000, psm, psm),
    AT("RESETS", 0x40020000, resets, resets),
    AT("IO_BANK0", 0x40028000, io_bank, io_bank0, IRQ(2, 21, 21), .per_core = true, RESET(6)),
    AT("IO_QSPI", 0x40030000, io_bank, io_qspi, IRQ(2, 23, 23), .per_core = true, RESET(7)),
    AT("PADS_BANK0", 0x40038000, pads, pads_bank0, RESET(9)),
    AT("PADS_QSPI", 0x40040000, pads, pads_qspi, RESET(10)),
    AT("XOSC", 0x40048000, xosc, xosc),
    AT("PLL_SYS", 0x40050000, pll, pll, IRQ(1, 42), RESET(14)),
    AT("PLL_USB", 0x40058000, pll, pll, IRQ(1, 43), RESET(15)),
    AT("ACCESSCTRL", 0x40060000, accessctrl, accessctrl),
    AT("BUSCTRL", 0x40068000, busctrl, busctrl, RESET(1)),
    AT("UART0", 0x40070000, uart, uart, IRQ(1, 33), RESET(26)),
    AT("UART1", 0x40078000, uart, uart, IRQ(1, 34), RESET(27)),
    AT("SPI0", 0x40080000, spi, spi, IRQ(1, 31), RESET(18)),
    AT("SPI1", 0x40088000, spi, spi, IRQ(1, 32), RESET(19)),
    AT("I2C0", 0x40090000, i2c, i2c, IRQ(1, 36), RESET(4)),
    AT("I2C1", 0x40098000, i2c, i2c, IRQ(1, 37), RESET(5)),
    AT("ADC", 0x400a0000, adc, adc, IRQ(1, 35), RESET(0)),
    AT("PWM", 0x400a8000, pwm, pwm, IRQ(2, 8, 9), RESET(16)),
    AT("TIMER0", 0x400b0000, timer, timer, IRQ(4, 0, 1, 2, 3), RESET(23)),
    AT("TIMER1", 0x400b8000, timer, timer, IRQ(4, 4, 5, 6, 7), RESET(24)),
    AT("HSTX_CTRL", 0x400c0000, hstx, hstx_ctrl, RESET(3)),
    AT("XIP_CTRL", 0x400c8000, xip_ctrl, xip_ctrl),
    AT("QMI", 0x400d0000, qmi, qmi),
    AT("WATCHDOG", 0x400d8000, watchdog, watchdog),
    AT("BOOTRAM", BOOTRAM, bootram, bootram),
    AT("ROSC", 0x400e8000, rosc, rosc),
    AT("TRNG", 0x400f0000, trng, trng, IRQ(1, 39), RESET(25)),
    AT("SHA256", 0x400f8000, sha256, sha256, RESET(17)),
    AT("POWMAN", 0x40100000, powman, powman, IRQ(2, 44, 45)),
    AT("TICKS", 0x40108000, ticks, ticks),
    AT("OTP", 0x40120000, otp, otp, IRQ(1, 38)),
    AT("GLITCH_DETECTOR", 0x40158000, glitch_detector, glitch_detector),
    AT("TBMAN", 0x40160000, tbman, tbman, RESET(22)),
    AT("DMA", 0x50000000, dma, dma, IRQ(4, 10, 11, 12, 13), RESET(2)),
    AT("USBCTRL", 0x50110000, usb_device, usb, IRQ(1, 14), RESET(28)),
    AT("PIO0", 0x50200000, pio, pio, IRQ(2, 15, 16), RESET(11)),
    AT("PIO1", 0x50300000, pio, pio, IRQ(2, 17, 18), RESET(12)),
    AT("PIO2", 0x50400000, pio, pio, IRQ(2, 19, 20), RESET(13)),
    AT("XIP_AUX", 0x50500000, xip_aux, xip_aux),
    AT("HSTX_FIFO", 0x50600000, hstx_fifo, hstx_fifo, RESET(3)),
    AT("CORESIGHT_TRACE", 0x50700000, stub, coresight_trace),
    AT("SIO", SIO, sio, sio, IRQ(6, 25, 25, 26, 26, 29, 29), .per_core = true, .no_aliases = true),
};

/* What the stages of PSM reset (datasheet 7.4: bit numbers). */
enum psm_bit {
    PSM_PROC_COLD,
    PSM_OTP,
    PSM_ROSC,
    PSM_XOSC,
    PSM_RESETS,
    PSM_CLOCKS,
    PSM_PSM_READY,
    PSM_BUSFABRIC,
    PSM_ROM,
    PSM_BOOTRAM,
    PSM_SRAM0,
    PSM_XIP = 20,
    PSM_SIO,
    PSM_ACCESSCTRL,
    PSM_PROC0,
};

static const struct stage_at stages[] = {
    { PSM_OTP, "OTP" },       { PSM_ROSC, "ROSC" },
    { PSM_XOSC, "XOSC" },     { PSM_RESETS, "RESETS" },
    { PSM_CLOCKS, "CLOCKS" }, { PSM_BOOTRAM, "BOOTRAM" },
    { PSM_XIP, "XIP_CTRL" },  { PSM_XIP, "QMI" },
    { PSM_SIO, "SIO" },       { PSM_ACCESSCTRL, "ACCESSCTRL" },
};

/* Four pins in a row carry TX, RX, CTS, RTS of one UART (function 2; function 11 has TX and RX where CTS and RTS are),
 * or RX, CS, SCK, TX of one SPI (function 1); I2C is function 3 (datasheet 9.4). */
#define UART0_GROUPS(first)                                                                                            \
    (UINT64_C(1) << (first) | UINT64_C(1) << (12 + (first)) | UINT64_C(1) << (16 + (first)) |                          \
     UINT64_C(1) << (28 + (first)) | UINT64_C(1) << (32 + (first)) | UINT64_C(1) << (44 + (first)))
#define UART1_GROUPS(first) (EVERY_FOURTH(first, 12) & ~UART0_GROUPS(first))
#define UART_AUX 11

static const struct uart_at uarts[2] = {
    { "UART0", UART0_GROUPS(0), UART0_GROUPS(1), UART0_GROUPS(2), UART0_GROUPS(3), UART0_GROUPS(2), UART0_GROUPS(3) },
    { "UART1", UART1_GROUPS(0), UART1_GROUPS(1), UART1_GROUPS(2), UART1_GROUPS(3), UART1_GROUPS(2), UART1_GROUPS(3) },
};

#define SPI0_GROUPS(first) (EVERY_FOURTH(first, 2) | EVERY_FOURTH(16 + (first), 2) | EVERY_FOURTH(32 + (first), 2))
#define SPI1_GROUPS(first) (EVERY_FOURTH(first, 12) & ~SPI0_GROUPS(first))

static const struct spi_at spis[2] = {
    { "SPI0", SPI0_GROUPS(0), SPI0_GROUPS(1), SPI0_GROUPS(2), SPI0_GROUPS(3) },
    { "SPI1", SPI1_GROUPS(0), SPI1_GROUPS(1), SPI1_GROUPS(2), SPI1_GROUPS(3) },
};

static const struct i2c_at i2cs[2] = {
    { "I2C0", EVERY_FOURTH(0, 12), EVERY_FOURTH(1, 12) },
    { "I2C1", EVERY_FOURTH(2, 12), EVERY_FOURTH(3, 12) },
};

/* Datasheet 12.6.4.1. */
static const struct dreq_at dreqs[] = {
    { "PIO0", offsetof(struct pio, dreq_tx[0]), 0 },  { "PIO0", offsetof(struct pio, dreq_tx[1]), 1 },
    { "PIO0", offsetof(struct pio, dreq_tx[2]), 2 },  { "PIO0", offsetof(struct pio, dreq_tx[3]), 3 },
    { "PIO0", offsetof(struct pio, dreq_rx[0]), 4 },  { "PIO0", offsetof(struct pio, dreq_rx[1]), 5 },
    { "PIO0", offsetof(struct pio, dreq_rx[2]), 6 },  { "PIO0", offsetof(struct pio, dreq_rx[3]), 7 },
    { "PIO1", offsetof(struct pio, dreq_tx[0]), 8 },  { "PIO1", offsetof(struct pio, dreq_tx[1]), 9 },
    { "PIO1", offsetof(struct pio, dreq_tx[2]), 10 }, { "PIO1", offsetof(struct pio, dreq_tx[3]), 11 },
    { "PIO1", offsetof(struct pio, dreq_rx[0]), 12 }, { "PIO1", offsetof(struct pio, dreq_rx[1]), 13 },
    { "PIO1", offsetof(struct pio, dreq_rx[2]), 14 }, { "PIO1", offsetof(struct pio, dreq_rx[3]), 15 },
    { "PIO2", offsetof(struct pio, dreq_tx[0]), 16 }, { "PIO2", offsetof(struct pio, dreq_tx[1]), 17 },
    { "PIO2", offsetof(struct pio, dreq_tx[2]), 18 }, { "PIO2", offsetof(struct pio, dreq_tx[3]), 19 },
    { "PIO2", offsetof(struct pio, dreq_rx[0]), 20 }, { "PIO2", offsetof(struct pio, dreq_rx[1]), 21 },
    { "PIO2", offsetof(struct pio, dreq_rx[2]), 22 }, { "PIO2", offsetof(struct pio, dreq_rx[3]), 23 },
    { "SPI0", offsetof(struct spi, dreq_tx), 24 },    { "SPI0", offsetof(struct spi, dreq_rx), 25 },
    { "SPI1", offsetof(struct spi, dreq_tx), 26 },    { "SPI1", offsetof(struct spi, dreq_rx), 27 },
    { "UART0", offsetof(struct uart, dreq_tx), 28 },  { "UART0", offsetof(struct uart, dreq_rx), 29 },
    { "UART1", offsetof(struct uart, dreq_tx), 30 },  { "UART1", offsetof(struct uart, dreq_rx), 31 },
    { "PWM", offsetof(struct pwm, dreq[0]), 32 },     { "PWM", offsetof(struct pwm, dreq[1]), 33 },
    { "PWM", offsetof(struct pwm, dreq[2]), 34 },     { "PWM", offsetof(struct pwm, dreq[3]), 35 },
    { "PWM", offsetof(struct pwm, dreq[4]), 36 },     { "PWM", offsetof(struct pwm, dreq[5]), 37 },
    { "PWM", offsetof(struct pwm, dreq[6]), 38 },     { "PWM", offsetof(struct pwm, dreq[7]), 39 },
    { "PWM", offsetof(struct pwm, dreq[8]), 40 },     { "PWM", offsetof(struct pwm, dreq[9]), 41 },
    { "PWM", offsetof(struct pwm, dreq[10]), 42 },    { "PWM", offsetof(struct pwm, dreq[11]), 43 },
    { "I2C0", offsetof(struct i2c, dreq_tx), 44 },    { "I2C0", offsetof(struct i2c, dreq_rx), 45 },
    { "I2C1", offsetof(struct i2c, dreq_tx), 46 },    { "I2C1", offsetof(struct i2c, dreq_rx), 47 },
    { "ADC", offsetof(struct adc, dreq), 48 },        { "XIP_CTRL", offsetof(struct xip_ctrl, dreq_stream), 49 },
    { "QMI", offsetof(struct qmi, dreq_tx), 50 },     { "QMI", offsetof(struct qmi, dreq_rx), 51 },
    { "HSTX_CTRL", offsetof(struct hstx, dreq), 52 }, { "SHA256", offsetof(struct sha256, dreq), 54 },
};
#define DREQ_PWM_WRAPS (UINT64_C(0xfff) << 32)
#define DREQ_SHA256 (UINT64_C(1) << 54)

/* What this chip alone has beside its blocks. */
struct rp2350 {
    struct bootrom bootrom;
    struct block *sio; /* which coprocessor 0 reaches all the time */
    struct block *qmi; /* which code in flash asks each time that it waits */
    struct powman *powman;
};

static void *find(struct machine *machine, const char *name) {
    return machine_block(machine, name);
}

static void power_down(void *context, unsigned domains);
static void power_up(void *context);

/* ---- Clocks that other chips derive otherwise ---- */

static void wire_ticks(struct machine *machine) {
    struct ticks *ticks = find(machine, "TICKS");
    struct watchdog *watchdog = find(machine, "WATCHDOG");
    struct timer *timers[] = { find(machine, "TIMER0"), find(machine, "TIMER1") };
    ticks->clk_ref = clocks_domain(find(machine, "CLOCKS"), CLOCK_REF);
    watchdog->tick = &ticks->tick[TICK_WATCHDOG];
    watchdog->step = 1;
    struct sio *sio = find(machine, "SIO");
    sio->mtime.tick = &ticks->tick[TICK_RISCV];
    sio->mtime.clk_sys = machine->clk_sys;
    machine->reference[0] = &ticks->tick[TICK_PROC0];
    machine->reference[1] = &ticks->tick[TICK_PROC1];
    for (unsigned i = 0; i < 2; i++) {
        timers[i]->tick = &ticks->tick[TICK_TIMER0 + i];
        timers[i]->clk_sys = machine->clk_sys;
    }
}

static void wire_powman(struct machine *machine) {
    struct powman *powman = find(machine, "POWMAN");
    struct clocks *clocks = find(machine, "CLOCKS");
    struct xosc *xosc = find(machine, "XOSC");
    ((struct rp2350 *)machine->chip_state)->powman = powman;
    powman->power_down = power_down;
    powman->power_up = power_up;
    powman->context = machine;
    powman->xosc = &xosc->clock;
    powman->bank0 = &machine->bank0;
    powman->qspi = &machine->qspi;
    clocks->at[CLOCK_LPOSC] = &powman->lposc;
    clocks->at[CLOCK_PLL_USB_OPCG] = &xosc->clock; /* the USB PLL's reference */
}

/* ---- HSTX (datasheet 12.11: GPIO 12 to 19, function 0) ---- */

static void wire_hstx(struct machine *machine) {
    struct hstx *hstx = find(machine, "HSTX_CTRL");
    struct hstx_fifo *fifo = find(machine, "HSTX_FIFO");
    hstx->clk_hstx = clocks_domain(find(machine, "CLOCKS"), CLOCK_HSTX);
    hstx->gpio = &machine->bank0;
    hstx->function = 0;
    hstx->first_pin = 12;
    fifo->hstx = hstx;
}

/* ---- Security ---- */

static void glitch_detected(void *context) {
    machine_request_reset(context, RESET_GLITCH);
}

static void wire_security(struct machine *machine) {
    struct otp *otp = find(machine, "OTP");
    struct trng *trng = find(machine, "TRNG");
    struct sha256 *sha256 = find(machine, "SHA256");
    struct glitch_detector *detector = find(machine, "GLITCH_DETECTOR");
    otp->gpios = machine->chip->package == QFN60 ? 30 : 48;
    trng->clock = sha256->clock = machine->clk_sys;
    detector->fire = glitch_detected;
    detector->context = machine;
}

/* ---- Flash ---- */

/* The two translated windows of XIP begin with both chip selects' 16 MB; the rest of each is not translated. */
static bool is_translated(uint32_t address) {
    return address - XIP_BASE < 2 * XIP_WINDOW && (address & (XIP_WINDOW - 1)) < XIP_SELECTS;
}

static bool translate(void *context, uint32_t address, uint32_t *ret_address) {
    struct machine *machine = context;
    unsigned select;
    uint32_t physical;
    *ret_address = address;
    if (!is_translated(address)) {
        return true;
    }
    const struct qmi *qmi = find(machine, "QMI");
    if (!qmi_translate(qmi, address & (XIP_SELECTS - 1), &select, &physical) || !qmi->devices[select]) {
        return false;
    }
    *ret_address = XIP_UNTRANSLATED | select << 24 | (physical & (qmi->devices[select]->size - 1));
    return true;
}

/* While every address is itself, nobody has to ask. */
static void remapped(void *context, unsigned number) {
    struct machine *machine = context;
    const struct block *qmi = find(machine, "QMI");
    bool changed = machine->bus.translate != NULL;
    machine->bus.translate = NULL;
    for (unsigned i = 0; i < 8; i++) {
        if (qmi->values[QMI_ATRANS0 + i] != qmi->registers->descs[QMI_ATRANS0 + i].reset) {
            machine->bus.translate = translate;
        }
    }
    if (changed || machine->bus.translate) {
        machine_map_changed(machine);
    }
}

/* Direct mode: bus errors (datasheet 12.14, DIRECT_CSR.EN). */
static const char *xip_obstacle(void *context, bool *ret_is_error) {
    struct machine *machine = context;
    const struct rp2350 *chip = machine->chip_state;
    *ret_is_error = chip->qmi->values[QMI_DIRECT_CSR] & QMI_DIRECT_CSR_EN;
    if (*ret_is_error) {
        return "the QMI is in direct mode";
    }
    return w25q_busy(&machine->flash) ? "the flash is busy" : NULL;
}

static void wire_flash(struct machine *machine) {
    struct qmi *qmi = find(machine, "QMI");
    struct xip_ctrl *xip = find(machine, "XIP_CTRL");
    struct xip_aux *aux = find(machine, "XIP_AUX");
    qmi->clock = machine->clk_sys;
    qmi->gpio = &machine->qspi;
    qmi->bank0 = &machine->bank0;
    qmi->remapped = remapped;
    qmi->context = machine;
    machine->bus.translate_context = machine;
    qmi->devices[0] = &machine->flash.target;
    w25q_connect_select(&machine->flash, &machine->qspi.pins[RP2350_QSPI_SS].net);
    if (machine->psram.contents) {
        qmi->devices[1] = &machine->psram.target;
        aps6404l_connect_select(&machine->psram, &machine->bank0.pins[machine->desc.psram_cs_pin].net);
    }
    xip->fetch = qmi_fetch;
    xip->context = qmi;
    xip->read_cycles = qmi_xip_cycles;
    xip->read_context = qmi;
    xip->obstacle = xip_obstacle;
    xip->obstacle_context = machine;
    aux->xip = xip;
    aux->qmi = qmi;
}

/* ---- Boot ROM ---- */

static void exit_continuous_read(void *context) {
    w25q_exit_continuous(&((struct machine *)context)->flash);
}

/* Line by line, in the ROM's own way; pinned lines as well. */
static void flush_cache(void *context) {
    xip_cache_flush(&((struct xip_ctrl *)find(context, "XIP_CTRL"))->cache);
}

static bool program_otp(void *context, uint32_t row, uint32_t value) {
    return otp_program(find(context, "OTP"), row, value);
}

static void wire_bootrom(struct machine *machine, struct rp2350 *chip) {
    bool is_users = chip_wire_bootrom(machine, &chip->bootrom);
    chip->bootrom.flash.exit_continuous_read = exit_continuous_read;
    chip->bootrom.flash.flush_cache = flush_cache;
    chip->bootrom.otp_program = program_otp;
    if (!is_users) {
        bootrom_rp2350_build(machine->rom);
    }
}

static void walk_chip(struct machine *machine, struct walk *walk) {
    bootrom_walk(&((struct rp2350 *)machine->chip_state)->bootrom, walk);
}

static uint32_t rom_call(void *context, struct core *core, unsigned number) {
    struct rp2350 *chip = ((struct machine *)context)->chip_state;
    return bootrom_rp2350_rom_call(&chip->bootrom, core, number);
}

/* ---- Coprocessors of the cores ---- */

/* The first thing that the ROM does. */
static void salt_redundancy(struct machine *machine, struct core *core) {
    struct rp2350 *chip = machine->chip_state;
    core_set_rcp_salt(core, random_next(&chip->bootrom.random));
}

/* Registers of SIO by core_gpio_register: low half, high half. */
static const unsigned gpio_ports[][2] = {
    [CORE_GPIO_OUT] = { SIO_GPIO_OUT, SIO_GPIO_HI_OUT },
    [CORE_GPIO_OE] = { SIO_GPIO_OE, SIO_GPIO_HI_OE },
    [CORE_GPIO_IN] = { SIO_GPIO_IN, SIO_GPIO_HI_IN },
};

static uint32_t port_offset(const struct block *sio, enum core_gpio_register reg, unsigned half) {
    return sio->registers->descs[gpio_ports[reg][half]].offset;
}

static struct block *sio_of(const struct machine *machine) {
    return ((const struct rp2350 *)machine->chip_state)->sio;
}

static uint64_t gpio_read(void *context, enum core_gpio_register reg) {
    struct block *sio = sio_of(context);
    uint64_t high = block_read(sio, port_offset(sio, reg, 1));
    return high << 32 | block_read(sio, port_offset(sio, reg, 0));
}

static void gpio_write(void *context, enum core_gpio_register reg, uint64_t value) {
    struct block *sio = sio_of(context);
    uint64_t changed = gpio_read(context, reg) ^ value;
    for (unsigned half = 0; half < 2; half++) {
        if (changed >> 32 * half & UINT32_MAX) {
            block_write(sio, port_offset(sio, reg, half), (uint32_t)(value >> 32 * half), ALIAS_NORMAL);
        }
    }
}

/* ---- The chip ---- */

/* Windows that are no registers, and the one block that stands at two places. */
static bool add_windows(struct machine *machine) {
    const struct bus_window windows[] = {
        { "XIP_MAINTENANCE", 0x18000000, 0x04000000, xip_maintenance_window_read, xip_maintenance_window_write,
          find(machine, "XIP_CTRL"), NULL },
        { "BOOTRAM", BOOTRAM, BOOTRAM_WINDOW_SIZE, bootram_window_read, bootram_window_write, find(machine, "BOOTRAM"),
          NULL },
        { "OTP_DATA", OTP_DATA, OTP_WINDOW_SIZE, otp_window_read, otp_window_write, find(machine, "OTP"), NULL },
    };
    bool ok = bus_add_block(&machine->bus, find(machine, "SIO"), SIO_NONSECURE, false);
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        ok = ok && bus_add_window(&machine->bus, &windows[i]);
    }
    return ok;
}

static bool wire(struct machine *machine, struct error *error) {
    struct rp2350 *chip = machine->chip_state;
    bool ok = chip_wire_common(machine) && add_windows(machine);
    chip->sio = find(machine, "SIO");
    chip->qmi = find(machine, "QMI");
    wire_ticks(machine);
    wire_powman(machine);
    wire_hstx(machine);
    wire_security(machine);
    wire_flash(machine);
    wire_bootrom(machine, chip);
    if (!ok) {
        error_set(error, "out of memory");
    }
    return ok;
}

/* The cache as memory, where the boot ROM and the SDK pin its lines for that (datasheet 4.4.1.3); here it is there
 * without being pinned. */
static bool map_memory(struct machine *machine) {
    struct xip_ctrl *xip = find(machine, "XIP_CTRL");
    struct bus_memory sram = {
        .name = "XIP_SRAM", .base = 0x13ffc000, .size = XIP_SRAM_SIZE, .host = xip->sram, .writable = true
    };
    return xip->sram && bus_add_memory(&machine->bus, &sram);
}

/* ---- Resets (datasheet 7.2, 7.3) ---- */

/* The whole power-on state machine: all but POWMAN and what the watchdog keeps. */
static void run_power_on_sequence(struct machine *machine) {
    uint32_t *selected = &((struct psm *)find(machine, "PSM"))->block.values[PSM_WDSEL], before = *selected;
    *selected = UINT32_MAX;
    chip_reset_by_watchdog(machine);
    *selected = before;
}

/* What is in the core domain, but its pads keep what they drive. */
static void reset_core_domain(struct machine *machine) {
    gpio_isolate(&machine->bank0);
    gpio_isolate(&machine->qspi);
    machine->bank0.retained = machine->qspi.retained = true;
    run_power_on_sequence(machine);
    block_reset(find(machine, "WATCHDOG"));
    machine->bank0.retained = machine->qspi.retained = false;
}

/* Power-on and the RUN pin reset everything, but for RUN the flag that tells of a double tap. */
static void reset_chip(struct machine *machine, uint32_t cause) {
    struct powman *powman = find(machine, "POWMAN");
    bool power_on = cause == POWMAN_CHIP_RESET_HAD_POR || cause == POWMAN_CHIP_RESET_HAD_BOR;
    uint32_t kept = power_on ? 0 : powman->block.values[POWMAN_CHIP_RESET] & POWMAN_CHIP_RESET_DOUBLE_TAP;
    chip_reset_blocks(machine);
    powman->block.values[POWMAN_CHIP_RESET] = kept;
    powman_had_reset(powman, cause);
    if (machine->ram_entry) {
        struct rp2350 *chip = machine->chip_state;
        uint32_t end = machine->chip->sram_base + machine->chip->sram_size;
        bootrom_rp2350_enter_ram(&chip->bootrom, machine->ram_entry, end - machine->ram_entry);
    }
    chip_start_cores(machine);
}

/* What POWMAN's WDSEL adds to what those of PSM and RESETS name; it counts only if PSM's names CLOCKS or a stage
 * before it. */
static void reset_by_watchdog(struct machine *machine) {
    struct powman *powman = find(machine, "POWMAN");
    struct psm *psm = find(machine, "PSM");
    bool counts = psm->block.values[PSM_WDSEL] & ((2u << PSM_CLOCKS) - 1);
    uint32_t selected = counts ? powman->block.values[POWMAN_WDSEL] : 0;
    if (selected & POWMAN_WDSEL_RESET_POWMAN_ASYNC) {
        reset_chip(machine, POWMAN_CHIP_RESET_HAD_WATCHDOG_RESET_POWMAN_ASYNC);
    } else if (selected & POWMAN_WDSEL_RESET_POWMAN) {
        reset_chip(machine, POWMAN_CHIP_RESET_HAD_WATCHDOG_RESET_POWMAN);
    } else if (selected) {
        bool core = selected & POWMAN_WDSEL_RESET_SWCORE;
        run_power_on_sequence(machine);
        powman_had_reset(powman,
                         core ? POWMAN_CHIP_RESET_HAD_WATCHDOG_RESET_SWCORE : POWMAN_CHIP_RESET_HAD_WATCHDOG_RESET_RSM);
    } else {
        chip_reset_by_watchdog(machine);
    }
}

static double brown_out_volts(struct machine *machine) {
    return powman_brown_out_volts(find(machine, "POWMAN"));
}

static void reset(struct machine *machine) {
    struct watchdog *watchdog = find(machine, "WATCHDOG");
    switch (machine->reset_cause) {
    case RESET_POWER_ON:
        reset_chip(machine, POWMAN_CHIP_RESET_HAD_POR);
        break;
    case RESET_RUN_PIN:
        reset_chip(machine, POWMAN_CHIP_RESET_HAD_RUN_LOW);
        break;
    case RESET_WATCHDOG:
        reset_by_watchdog(machine);
        break;
    case RESET_SYSRESETREQ:
        chip_reset_core(machine, machine->reset_core);
        watchdog->block.values[WATCHDOG_REASON] = 0;
        break;
    case RESET_POWER_UP:
        reset_core_domain(machine);
        powman_had_reset(find(machine, "POWMAN"), POWMAN_CHIP_RESET_HAD_SWCORE_PD);
        break;
    case RESET_GLITCH:
        run_power_on_sequence(machine);
        powman_had_reset(find(machine, "POWMAN"), POWMAN_CHIP_RESET_HAD_GLITCH_DETECT);
        break;
    case RESET_BROWN_OUT:
        reset_chip(machine, POWMAN_CHIP_RESET_HAD_BOR);
        break;
    case RESET_POWER_OFF:
        break;
    }
}

/* ---- Power states (datasheet 6.2) ---- */

#define SRAM0_SIZE (256u * 1024) /* the lower half of the large SRAM; SRAM1 is the rest, with the two small banks */

/* Memory without power holds noise afterwards: the machine's, by its seed. */
static void lose(struct machine *machine, uint8_t *host, uint32_t size) {
    struct block *powman = find(machine, "POWMAN");
    for (uint32_t at = 0; at < size; at += sizeof(uint32_t)) {
        uint32_t word = (uint32_t)random_next(&powman->random);
        memcpy(host + at, &word, sizeof(word));
    }
}

static void lose_sram(struct machine *machine, uint32_t offset, uint32_t size) {
    lose(machine, machine->sram + offset, size);
    machine_memory_written(machine, machine->chip->sram_base + offset, size);
}

static void power_down(void *context, unsigned domains) {
    struct machine *machine = context;
    if (domains & POWMAN_SRAM0) {
        lose_sram(machine, 0, SRAM0_SIZE);
    }
    if (domains & POWMAN_SRAM1) {
        lose_sram(machine, SRAM0_SIZE, machine->chip->sram_size - SRAM0_SIZE);
    }
    if (domains & POWMAN_XIP) {
        struct bootram *bootram = find(machine, "BOOTRAM");
        lose(machine, (uint8_t *)bootram->words, sizeof(bootram->words));
        lose(machine, ((struct xip_ctrl *)find(machine, "XIP_CTRL"))->sram, XIP_SRAM_SIZE);
    }
    if (domains & POWMAN_SWCORE) {
        reset_core_domain(machine);
        chip_hold_cores(machine);
    }
}

static void power_up(void *context) {
    machine_request_reset(context, RESET_POWER_UP);
}

static void cores_halted(struct machine *machine) {
    struct powman *powman = ((struct rp2350 *)machine->chip_state)->powman;
    if (powman_is_waiting(powman)) {
        powman_cores_halted(powman);
    }
}

/* ---- The descriptions ---- */

/* What both packages share. */
#define RP2350                                                                                                         \
    .model = CORE_M33, .map = map, .blocks = sizeof(map) / sizeof(map[0]), .rom_size = BOOTROM_RP2350_SIZE,            \
    .sram_base = 0x20000000, .sram_size = 520 * 1024, .xip = { XIP_BASE, XIP_BASE + XIP_WINDOW, XIP_UNTRANSLATED },    \
    .ioport_base = SIO, .ioport_size = 0x1000, .crystal_hz = 12000000, .chip_id = CHIP_ID_A2,                          \
    .bank0 = &rp2350_gpio_bank0, .qspi = &rp2350_gpio_qspi, .sio = &rp2350_sio, .dma = &rp2350_dma,                    \
    .pio = &rp2350_pio, .clocks = &rp2350_clocks, .rosc = &rp2350_rosc, .uarts = uarts, .uart_aux_function = UART_AUX, \
    .spis = spis, .i2cs = i2cs, .dreqs = dreqs, .dreq_count = sizeof(dreqs) / sizeof(dreqs[0]),                        \
    .pulse_dreqs = DREQ_PWM_WRAPS | DREQ_SHA256, .stages = stages, .stage_count = sizeof(stages) / sizeof(stages[0]),  \
    .psm_proc0 = PSM_PROC0, .adc_fifo = 8, .state_size = sizeof(struct rp2350), .wire = wire,                          \
    .map_memory = map_memory, .reset = reset, .walk = walk_chip, .brown_out_volts = brown_out_volts,                   \
    .rom_call = rom_call, .core_started = salt_redundancy, .gpio_read = gpio_read, .gpio_write = gpio_write,           \
    .has_second_select = true, .cores_halted = cores_halted, .bus_events = { [BUS_APB] = 0x0b, [BUS_FASTPERI] = 0x0f }

const struct chip_desc chip_rp2350 = { .name = "rp2350", .package = QFN60, .adc_inputs = 5, .adc_pin = 26, RP2350 };
const struct chip_desc chip_rp2350b = { .name = "rp2350b", .package = QFN80, .adc_inputs = 9, .adc_pin = 40, RP2350 };
