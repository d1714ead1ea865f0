/* What is the same on every chip of the family: how blocks are connected, by the tables of the chip's description. */
#include "emulator/chips/common.h"

#include "emulator/bootrom/bootrom.h"
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
#include "peripherals/onchip/sha256.h"
#include "peripherals/onchip/sio.h"
#include "peripherals/onchip/spi.h"
#include "peripherals/onchip/syscfg.h"
#include "peripherals/onchip/sysinfo.h"
#include "peripherals/onchip/uart.h"
#include "peripherals/onchip/usb_device.h"
#include "peripherals/onchip/watchdog.h"
#include "peripherals/onchip/xip_ctrl.h"
#include "peripherals/onchip/xosc.h"

#include <string.h>

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
    xosc->crystal_hz = machine->chip->crystal_hz;
    rosc->desc = machine->chip->rosc;
    pll_sys->reference = pll_usb->reference = &xosc->clock;
    clocks->desc = machine->chip->clocks;
    clocks->at[CLOCK_XOSC] = &xosc->clock;
    clocks->at[CLOCK_ROSC] = &rosc->clock;
    clocks->at[CLOCK_ROSC_PH] = &rosc->phased;
    clocks->at[CLOCK_PLL_SYS] = &pll_sys->clock;
    clocks->at[CLOCK_PLL_USB] = &pll_usb->clock;
    machine->clk_sys = clocks_domain(clocks, CLOCK_SYS);
}

/* ---- Dormant: an oscillator sleeps until a pin or the real-time clock wakes it ---- */

static void wake_oscillators(void *context, unsigned index, bool level) {
    struct machine *machine = context;
    if (level) {
        xosc_wake(find(machine, "XOSC"));
        rosc_wake(find(machine, "ROSC"));
    }
}

static struct line *wake_lines(struct machine *machine, unsigned index) {
    struct block *rtc = find(machine, "RTC"), *powman = find(machine, "POWMAN"); /* RP2040; RP2350 */
    struct block *bank0 = find(machine, "IO_BANK0"), *qspi = find(machine, "IO_QSPI");
    struct line *lines[] = { &bank0->irq[2], &qspi->irq[2], rtc ? &rtc->irq[1] : &powman->irq[2] };
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

static void start_core(struct machine *machine, unsigned index) {
    bootrom_start(machine->cores[index], machine->rom);
    if (machine->chip->core_started) {
        machine->chip->core_started(machine, machine->cores[index]);
    }
}

static void hold_core(struct machine *machine, unsigned index, bool hold) {
    if (hold) {
        core_reset(machine->cores[index]);
    } else if (core_state(machine->cores[index]) == CORE_HELD) {
        start_core(machine, index);
    }
}

/* The power-on state machine holds or releases a stage. */
static void hold_stage(void *context, unsigned bit, bool hold) {
    struct machine *machine = context;
    const struct chip_desc *chip = machine->chip;
    for (unsigned i = 0; i < chip->stage_count; i++) {
        if (hold && chip->stages[i].bit == bit) {
            block_reset(find(machine, chip->stages[i].block));
        }
    }
    if (bit == chip->psm_proc0 || bit == chip->psm_proc0 + 1) {
        hold_core(machine, bit - chip->psm_proc0, hold);
    }
}

/* Blocks whose reset ends on a clock of their own (RP2040 datasheet 2.14.1 as the SDK knows it, which waits for them
 * after the clocks alone). */
static const struct {
    const char *block;
    enum clock_id clock;
} reset_clocks[] = {
    { "USBCTRL", CLOCK_USB }, { "ADC", CLOCK_ADC },   { "RTC", CLOCK_RTC },   { "UART0", CLOCK_PERI },
    { "UART1", CLOCK_PERI },  { "SPI0", CLOCK_PERI }, { "SPI1", CLOCK_PERI },
};

static void wire_reset_clocks(struct machine *machine, struct resets *resets) {
    const struct chip_desc *chip = machine->chip;
    for (unsigned i = 0; i < chip->blocks; i++) {
        for (size_t k = 0; k < sizeof(reset_clocks) / sizeof(reset_clocks[0]); k++) {
            if (chip->map[i].resettable && !strcmp(chip->map[i].name, reset_clocks[k].block)) {
                resets->needs[chip->map[i].reset] = clocks_domain(find(machine, "CLOCKS"), reset_clocks[k].clock);
            }
        }
    }
}

static void watchdog_fires(void *context) {
    machine_request_reset(context, RESET_WATCHDOG);
}

static void wire_busctrl(struct machine *machine) {
    struct busctrl *busctrl = find(machine, "BUSCTRL");
    busctrl->bus = &machine->bus;
    memcpy(busctrl->events, machine->chip->bus_events, sizeof(busctrl->events));
}

static void wire_resets(struct machine *machine) {
    struct resets *resets = find(machine, "RESETS");
    struct psm *psm = find(machine, "PSM");
    struct watchdog *watchdog = find(machine, "WATCHDOG");
    resets->hold = hold_subsystem;
    wire_reset_clocks(machine, resets);
    psm->hold = hold_stage;
    watchdog->fire = watchdog_fires;
    struct syscfg *syscfg = find(machine, "SYSCFG");
    struct sysinfo *sysinfo = find(machine, "SYSINFO");
    syscfg->nmi_mask = machine_set_nmi_mask;
    syscfg->context = machine;
    sysinfo->chip_id = machine->chip->chip_id;
    sysinfo->package_sel = machine->chip->package;
    resets->context = psm->context = watchdog->context = machine;
}

/* ---- Pins and serial ports ---- */

static void wire_pins(struct machine *machine) {
    gpio_bank_init(&machine->bank0, &machine->env, machine->chip->bank0);
    gpio_bank_init(&machine->qspi, &machine->env, machine->chip->qspi);
    struct io_bank *io_bank0 = find(machine, "IO_BANK0");
    struct io_bank *io_qspi = find(machine, "IO_QSPI");
    struct pads *pads_bank0 = find(machine, "PADS_BANK0");
    struct pads *pads_qspi = find(machine, "PADS_QSPI");
    struct sio *sio = find(machine, "SIO");
    io_bank0->gpio = pads_bank0->gpio = sio->gpio = &machine->bank0;
    io_qspi->gpio = pads_qspi->gpio = sio->qspi = &machine->qspi;
    sio->variant = machine->chip->sio;
    sio->clk_sys = machine->clk_sys;
}

static void uart0_sent(void *context, uint8_t byte) {
    machine_console_bytes(context, CONSOLE_UART0, &byte, 1);
}

static void uart1_sent(void *context, uint8_t byte) {
    machine_console_bytes(context, CONSOLE_UART1, &byte, 1);
}

static void wire_uarts(struct machine *machine) {
    for (unsigned i = 0; i < 2; i++) {
        const struct uart_at *at = &machine->chip->uarts[i];
        struct uart *uart = find(machine, at->name);
        uart->clk_peri = clocks_domain(find(machine, "CLOCKS"), CLOCK_PERI);
        uart->gpio = &machine->bank0;
        uart->function = 2;
        uart->tx_pins = at->tx;
        uart->rx_pins = at->rx;
        uart->cts_pins = at->cts;
        uart->rts_pins = at->rts;
        uart->aux_function = machine->chip->uart_aux_function;
        uart->aux_tx_pins = at->aux_tx;
        uart->aux_rx_pins = at->aux_rx;
        uart->transmit = i ? uart1_sent : uart0_sent;
        uart->transmit_context = machine;
        uart_feed_init(&machine->uart_feed[i], uart);
    }
}

static void wire_spi_and_i2c(struct machine *machine) {
    for (unsigned i = 0; i < 2; i++) {
        const struct spi_at *at = &machine->chip->spis[i];
        struct spi *spi = find(machine, at->name);
        spi->clk_peri = clocks_domain(find(machine, "CLOCKS"), CLOCK_PERI);
        spi->gpio = &machine->bank0;
        spi->function = 1;
        spi->rx_pins = at->rx;
        spi->cs_pins = at->cs;
        spi->sck_pins = at->sck;
        spi->tx_pins = at->tx;
    }
    for (unsigned i = 0; i < 2; i++) {
        const struct i2c_at *at = &machine->chip->i2cs[i];
        struct i2c *i2c = find(machine, at->name);
        i2c->clk_sys = machine->clk_sys;
        i2c->gpio = &machine->bank0;
        i2c->function = 3;
        i2c->sda_pins = at->sda;
        i2c->scl_pins = at->scl;
    }
}

/* The requests that come as pulses are the PWM's, by slice, and the SHA-256's. */
static void wants_pulses(void *context, uint64_t dreqs) {
    struct machine *machine = context;
    struct sha256 *sha256 = find(machine, "SHA256");
    pwm_want_dreqs(find(machine, "PWM"), (uint32_t)(dreqs >> __builtin_ctzll(machine->chip->pulse_dreqs)));
    if (sha256) {
        sha256_want_requests(sha256, dreqs >> sha256->dreq.index & 1);
    }
}

static void memory_written(void *context, uint32_t address, uint32_t size) {
    machine_memory_written(context, address, size);
}

static void wire_dma(struct machine *machine) {
    struct dma *dma = find(machine, "DMA");
    dma->variant = machine->chip->dma;
    dma->bus = &machine->bus;
    dma->clk_sys = machine->clk_sys;
    dma->pulse_dreqs = machine->chip->pulse_dreqs;
    dma->wants_pulses = wants_pulses;
    dma->pulse_context = machine;
    dma->memory_written = memory_written;
    dma->memory_context = machine;
    for (unsigned i = 0; i < machine->chip->dreq_count; i++) {
        const struct dreq_at *at = &machine->chip->dreqs[i];
        char *block = find(machine, at->block);
        struct line *line = (struct line *)(block + at->line);
        *line = (struct line){ .set = dma_set_dreq, .context = dma, .index = at->number };
    }
}

/* `context` is the first PIO. */
static void look_at_feeds(void *context, bool changes) {
    for (struct pio *pio = context; pio; pio = pio->after) {
        pio_look_at_feed(pio, changes);
    }
}

static uint32_t base_of(const struct machine *machine, const char *name) {
    const struct chip_desc *chip = machine->chip;
    for (unsigned i = 0; i < chip->blocks; i++) {
        if (!strcmp(chip->map[i].name, name)) {
            return chip->map[i].base;
        }
    }
    return 0;
}

static void let_dma_follow(struct machine *machine, struct dma *dma, unsigned index) {
    const struct spi_at *at = &machine->chip->spis[index];
    struct spi *spi = find(machine, at->name);
    spi->dma_catch_up = dma_catch_up;
    spi->dma_plan = dma_plan;
    spi->dma_context = dma;
    dma->followers[dma->follower_count++] = (struct dma_follower){
        .context = spi,
        .fifo = base_of(machine, at->name) + SPI_FIFO_OFFSET,
        .tx = spi->dreq_tx.index,
        .rx = spi->dreq_rx.index,
        .next_request = spi_next_request,
        .run = spi_run_until,
        .earliest = spi_earliest_request,
        .is_calm = spi_is_calm,
        .put = spi_put,
        .get = spi_get,
        .settle = spi_settle_calm,
    };
}

static void wire_spis_to_dma(struct machine *machine) {
    for (unsigned i = 0; i < DMA_FOLLOWERS; i++) {
        let_dma_follow(machine, find(machine, "DMA"), i);
    }
}

static void wire_pio_to_dma(struct machine *machine, struct pio *pio, struct pio *after) {
    struct dma *dma = find(machine, "DMA");
    pio->feed = (struct pio_feed){
        .available = dma_feed_available, .take = dma_feed_take, .skip = dma_feed_skip, .context = dma
    };
    pio->address = base_of(machine, pio->block.name);
    pio->after = after;
}

/* PIO0 is function 6, its neighbours follow, in a ring. */
static void wire_pios(struct machine *machine) {
    struct pio *pios[] = { find(machine, "PIO0"), find(machine, "PIO1"), find(machine, "PIO2") };
    unsigned count = pios[2] ? 3 : 2;
    for (unsigned i = 0; i < count; i++) {
        pios[i]->variant = machine->chip->pio;
        pios[i]->clk_sys = machine->clk_sys;
        pios[i]->gpio = &machine->bank0;
        pios[i]->function = 6 + i;
        pios[i]->next = count > 2 ? pios[(i + 1) % count] : NULL;
        pios[i]->previous = count > 2 ? pios[(i + count - 1) % count] : NULL;
        wire_pio_to_dma(machine, pios[i], i + 1 < count ? pios[i + 1] : NULL);
    }
    struct dma *dma = find(machine, "DMA");
    dma->feeds_look = look_at_feeds;
    dma->feeds_context = pios[0];
}

/* ---- PWM and analogue inputs ---- */

/* An input that nothing else sets sees the voltage of its pin. */
static double pin_voltage(void *context, unsigned input) {
    struct machine *machine = context;
    gpio_settle(&machine->bank0);
    return net_volts(&machine->bank0.pins[machine->chip->adc_pin + input].net);
}

static void wire_pwm_and_adc(struct machine *machine) {
    struct pwm *pwm = find(machine, "PWM");
    struct adc *adc = find(machine, "ADC");
    pwm->clk_sys = machine->clk_sys;
    pwm->gpio = &machine->bank0;
    pwm->function = 4;
    adc->clk_adc = clocks_domain(find(machine, "CLOCKS"), CLOCK_ADC);
    adc->inputs = machine->chip->adc_inputs;
    adc->fifo_depth = machine->chip->adc_fifo;
    adc->voltage = pin_voltage;
    adc->context = machine;
}

int chip_adc_input(struct machine *machine, const struct net *net) {
    for (unsigned input = 0; input + 1 < machine->chip->adc_inputs; input++) {
        if (net_is_joined(net, &machine->bank0.pins[machine->chip->adc_pin + input].net)) {
            return (int)input;
        }
    }
    return -1;
}

void chip_set_adc_noise(struct machine *machine, unsigned input, double volts) {
    adc_set_noise(find(machine, "ADC"), input, volts);
}

/* ---- USB ---- */

static void cdc_received(void *context, unsigned instance, const uint8_t *data, size_t size) {
    if (instance == 0) {
        machine_console_bytes(context, CONSOLE_USB, data, size);
    }
}

static bool wire_usb(struct machine *machine) {
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
    usbhost_init(&machine->usbhost, &machine->env, usb_device_bus(usb));
    machine->usb_listener = (struct usbhost_listener){ .context = machine, .cdc_received = cdc_received };
    usbhost_listen(&machine->usbhost, &machine->usb_listener);
    usb_device_cable_changed(usb);
    return bus_add_window(&machine->bus, &dpram);
}

void chip_set_vbus(struct machine *machine, bool present) {
    usb_device_set_vbus(find(machine, "USBCTRL"), present);
}

void chip_cable_changed(struct machine *machine) {
    usb_device_cable_changed(find(machine, "USBCTRL"));
}

/* ---- XIP ---- */

#define XIP_FIRST 0x10000000u
#define XIP_END 0x20000000u

/* Everything read-only there is XIP. */
static bool refuses(void *context, uint32_t address) {
    return address >= XIP_FIRST && address < XIP_END && xip_ctrl_refuses(context, address);
}

static void xip_control_changed(void *context) {
    struct machine *machine = context;
    struct xip_ctrl *xip = find(machine, "XIP_CTRL");
    bus_show_memory(&machine->bus, xip->sram, xip_ctrl_shows_sram(xip));
    bus_set_writable(&machine->bus, machine->psram.contents, xip_ctrl_writes_second(xip));
    machine_map_changed(machine);
}

static void line_lost(void *context, uint32_t offset) {
    struct machine *machine = context;
    for (unsigned i = 0; i < CHIP_CORES && machine->cores[i]; i++) {
        core_line_lost(machine->cores[i], XIP_FIRST + offset);
    }
}

static void all_lines_lost(void *context) {
    struct machine *machine = context;
    for (unsigned i = 0; i < CHIP_CORES && machine->cores[i]; i++) {
        core_lines_lost(machine->cores[i]);
    }
}

static unsigned fetch_code(void *context, uint32_t address, uint64_t cycle, bool *ret_stays) {
    return xip_ctrl_fetch(context, address, cycle, ret_stays);
}

struct core_cache chip_code_cache(struct machine *machine) {
    return (struct core_cache){
        .base = XIP_FIRST, .size = XIP_END - XIP_FIRST, .fetch = fetch_code, .context = find(machine, "XIP_CTRL")
    };
}

static void wire_xip(struct machine *machine) {
    struct xip_ctrl *xip = find(machine, "XIP_CTRL");
    xip->control_changed = xip_control_changed;
    xip->control_context = machine;
    xip->cache.lost = line_lost;
    xip->cache.context = machine;
    xip->all_lost = all_lines_lost;
    xip->lost_context = machine;
    machine->bus.refuses = refuses;
    machine->bus.refuses_context = xip;
}

/* ---- All of it ---- */

bool chip_wire_common(struct machine *machine) {
    wire_clocks(machine);
    wire_dormant(machine);
    wire_resets(machine);
    wire_busctrl(machine);
    wire_pins(machine);
    wire_uarts(machine);
    wire_spi_and_i2c(machine);
    wire_dma(machine);
    wire_spis_to_dma(machine);
    wire_pios(machine);
    wire_pwm_and_adc(machine);
    wire_xip(machine);
    return wire_usb(machine);
}

void chip_reset_blocks(struct machine *machine) {
    for (unsigned i = 0; i < machine->chip->blocks; i++) {
        block_reset(machine->blocks[i]);
    }
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        core_reset(machine->cores[i]);
    }
}

/* Nothing drives or pulls a pad without a supply, and no input buffer works. */
static void release_pins(struct gpio_bank *bank) {
    for (unsigned i = 0; i < bank->desc->pins; i++) {
        gpio_set_pad(bank, i, 0, false);
    }
}

void chip_power_off(struct machine *machine) {
    struct xip_ctrl *xip = find(machine, "XIP_CTRL");
    struct usb_device *usb = find(machine, "USBCTRL");
    chip_set_vbus(machine, false);
    chip_reset_blocks(machine);
    release_pins(&machine->bank0);
    release_pins(&machine->qspi);
    memset(xip->sram, 0, XIP_SRAM_SIZE);
    memset(usb->dpram, 0, sizeof(usb->dpram));
    for (unsigned i = 0; i < 2; i++) {
        uart_feed_clear(&machine->uart_feed[i]);
    }
}

void chip_reset_by_watchdog(struct machine *machine) {
    resets_watchdog(find(machine, "RESETS"));
    psm_watchdog(find(machine, "PSM"));
    watchdog_restart(find(machine, "WATCHDOG"));
}

void chip_reset_core(struct machine *machine, unsigned index) {
    hold_core(machine, index, true);
    hold_core(machine, index, false);
}

void chip_hold_cores(struct machine *machine) {
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        hold_core(machine, i, true);
    }
}

void chip_start_cores(struct machine *machine) {
    for (unsigned i = 0; i < CHIP_CORES; i++) {
        start_core(machine, i);
    }
}

/* ---- Boot ROM ---- */

static uint64_t erase_flash(void *context, uint32_t offset, uint32_t size) {
    return w25q_erase(&((struct machine *)context)->flash, offset, size);
}

static uint64_t program_flash(void *context, uint32_t offset, const uint8_t *data, uint32_t size) {
    return w25q_program(&((struct machine *)context)->flash, offset, data, size);
}

static void usb_boot(void *context, enum bootrom_usb_reason reason, uint32_t activity_pins, uint32_t disabled) {
    machine_enter_state(context, reason == BOOTROM_USB_NO_IMAGE ? MACHINE_UNBOOTABLE : MACHINE_IN_BOOTLOADER);
}

bool chip_wire_bootrom(struct machine *machine, struct bootrom *rom) {
    *rom = (struct bootrom){
        .env = &machine->env,
        .bus = &machine->bus,
        .clk_sys = machine->clk_sys,
        .flash = { .context = machine, .erase = erase_flash, .program = program_flash },
        .memory_written = memory_written,
        .usb_boot = usb_boot,
        .context = machine,
    };
    random_derive(&rom->random, machine->env.seed, "bootrom", "");
    if (machine->desc.bootrom) {
        memcpy(machine->rom, machine->desc.bootrom, machine->chip->rom_size);
    }
    return machine->desc.bootrom != NULL;
}
