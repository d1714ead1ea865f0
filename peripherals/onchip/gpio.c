/* GPIO pins. RP2040 datasheet 2.19, RP2350 datasheet 9.
 *
 * Not modelled: drive strength, slew rate and Schmitt trigger (they read back), the two clk_sys cycles of the input
 * synchronisers.
 *
 * Decided: an input buffer that is off (IE = 0) and a floating net read as 0, but for a net that SIO has driven high
 * and let go, which keeps its charge until somebody drives it (touch sensing looks for that). With both pulls on the
 * pad is a bus keeper: it pulls to where the net last was. The isolation latch (RP2350) holds output, output enable and
 * pulls; the input passes. Reset puts the latch's contents to "not driven, pulls as the register resets".
 *
 * Erratum RP2350-E9, where it is asked for: an input buffer that is on pulls a high pad which nobody drives towards
 * LEAK_VOLTS. LEAK_OHMS makes 8.2 kohms to ground just enough to get it low, as the erratum says; it lets go then. The
 * curve of the leakage below that, and pads that rise into the range by themselves, are left out. */
#include "peripherals/onchip/gpio.h"
#include "peripherals/onchip/registers/io_bank0.h"
#include "peripherals/onchip/registers/io_qspi.h"
#include "peripherals/onchip/registers/pads_bank0.h"
#include "peripherals/onchip/registers/pads_qspi.h"

#include <stdio.h>
#include <string.h>

#define FUNCSEL IO_BANK0_GPIO0_CTRL_FUNCSEL
#define INOVER IO_BANK0_GPIO0_CTRL_INOVER
#define IRQOVER IO_BANK0_GPIO0_CTRL_IRQOVER
#define PAD_ISO PADS_BANK0_GPIO0_ISO
#define PAD_OD PADS_BANK0_GPIO0_OD
#define PAD_IE PADS_BANK0_GPIO0_IE
#define PAD_PUE PADS_BANK0_GPIO0_PUE
#define PAD_PDE PADS_BANK0_GPIO0_PDE

/* ---- What differs between banks and chips ---- */
static const char *const rp2040_qspi_names[] = {
    "QSPI_SCLK", "QSPI_SS", "QSPI_SD0", "QSPI_SD1", "QSPI_SD2", "QSPI_SD3"
};
static const char *const rp2350_qspi_names[] = { "USB_DP",   "USB_DM",   "QSPI_SCLK", "QSPI_SS",
                                                 "QSPI_SD0", "QSPI_SD1", "QSPI_SD2",  "QSPI_SD3" };
static const uint8_t rp2040_qspi_pads[] = {
    PADS_QSPI_GPIO_QSPI_SCLK, PADS_QSPI_GPIO_QSPI_SS,  PADS_QSPI_GPIO_QSPI_SD0,
    PADS_QSPI_GPIO_QSPI_SD1,  PADS_QSPI_GPIO_QSPI_SD2, PADS_QSPI_GPIO_QSPI_SD3
};
static const uint8_t rp2350_qspi_pads[] = { 0xff,
                                            0xff,
                                            PADS_QSPI_GPIO_QSPI_SCLK,
                                            PADS_QSPI_GPIO_QSPI_SS,
                                            PADS_QSPI_GPIO_QSPI_SD0,
                                            PADS_QSPI_GPIO_QSPI_SD1,
                                            PADS_QSPI_GPIO_QSPI_SD2,
                                            PADS_QSPI_GPIO_QSPI_SD3 };

#define RP2040_STATUS 0x050a3300u /* all eight bits; the RP2350 keeps the four on the pad's side */
#define RP2350_STATUS 0x04022200u

#define BANK0_REGISTERS                                                                                                \
    .status = IO_BANK0_GPIO0_STATUS, .intr = IO_BANK0_INTR0,                                                           \
    .inte = { IO_BANK0_PROC0_INTE0, IO_BANK0_PROC1_INTE0, IO_BANK0_DORMANT_WAKE_INTE0 },                               \
    .intf = { IO_BANK0_PROC0_INTF0, IO_BANK0_PROC1_INTF0, IO_BANK0_DORMANT_WAKE_INTF0 },                               \
    .ints = { IO_BANK0_PROC0_INTS0, IO_BANK0_PROC1_INTS0, IO_BANK0_DORMANT_WAKE_INTS0 },                               \
    .summary = { IO_BANK0_IRQSUMMARY_PROC0_SECURE0, IO_BANK0_IRQSUMMARY_PROC1_SECURE0,                                 \
                 IO_BANK0_IRQSUMMARY_DORMANT_WAKE_SECURE0 },                                                           \
    .pad_first = PADS_BANK0_GPIO0

#define QSPI_REGISTERS                                                                                                 \
    .irq_words = 1, .intr = IO_QSPI_INTR,                                                                              \
    .inte = { IO_QSPI_PROC0_INTE, IO_QSPI_PROC1_INTE, IO_QSPI_DORMANT_WAKE_INTE },                                     \
    .intf = { IO_QSPI_PROC0_INTF, IO_QSPI_PROC1_INTF, IO_QSPI_DORMANT_WAKE_INTF },                                     \
    .ints = { IO_QSPI_PROC0_INTS, IO_QSPI_PROC1_INTS, IO_QSPI_DORMANT_WAKE_INTS },                                     \
    .summary = { IO_QSPI_IRQSUMMARY_PROC0_SECURE, IO_QSPI_IRQSUMMARY_PROC1_SECURE,                                     \
                 IO_QSPI_IRQSUMMARY_DORMANT_WAKE_SECURE }

#define RP2040_FIELDS                                                                                                  \
    .outover = RP2040_IO_BANK0_GPIO0_CTRL_OUTOVER, .oeover = RP2040_IO_BANK0_GPIO0_CTRL_OEOVER,                        \
    .status_mask = RP2040_STATUS
#define RP2350_FIELDS                                                                                                  \
    .outover = RP2350_IO_BANK0_GPIO0_CTRL_OUTOVER, .oeover = RP2350_IO_BANK0_GPIO0_CTRL_OEOVER,                        \
    .status_mask = RP2350_STATUS, .has_summary = true, .has_isolation = true

const struct gpio_bank_desc rp2040_gpio_bank0 = { .pins = 30, .irq_words = 4, BANK0_REGISTERS, RP2040_FIELDS };
const struct gpio_bank_desc rp2350_gpio_bank0 = { .pins = 48, .irq_words = 6, BANK0_REGISTERS, RP2350_FIELDS };
const struct gpio_bank_desc rp2040_gpio_qspi = {
    .pins = 6,
    .names = rp2040_qspi_names,
    .status = IO_QSPI_GPIO_QSPI_SCLK_STATUS,
    .pad_registers = rp2040_qspi_pads,
    QSPI_REGISTERS,
    RP2040_FIELDS,
};
const struct gpio_bank_desc rp2350_gpio_qspi = {
    .pins = 8,
    .names = rp2350_qspi_names,
    .status = IO_QSPI_USBPHY_DP_STATUS,
    .pad_registers = rp2350_qspi_pads,
    QSPI_REGISTERS,
    RP2350_FIELDS,
};

/* ---- From the functions to the pads ---- */

/* OUTOVER, OEOVER, INOVER, IRQOVER: as it is, inverted, 0, 1. */
static bool override(uint32_t field, bool level) {
    switch (field) {
    case 0:
        return level;
    case 1:
        return !level;
    default:
        return field == 3;
    }
}

static bool out_to_pad(const struct gpio_bank *bank, const struct gpio_pin *pin) {
    bool out = bank->out[pin->control & FUNCSEL] >> pin->number & 1;
    return override(field_get(pin->control, bank->desc->outover), out);
}

static bool oe_to_pad(const struct gpio_bank *bank, const struct gpio_pin *pin) {
    bool oe = bank->oe[pin->control & FUNCSEL] >> pin->number & 1;
    return override(field_get(pin->control, bank->desc->oeover), oe);
}

static enum net_drive pull(const struct gpio_pin *pin) {
    switch (pin->pad & (PAD_PUE | PAD_PDE)) {
    case PAD_PUE:
        return NET_PULL_UP;
    case PAD_PDE:
        return NET_PULL_DOWN;
    case PAD_PUE | PAD_PDE:
        return net_is_high(&pin->net) ? NET_PULL_UP : NET_PULL_DOWN;
    default:
        return NET_Z;
    }
}

#define LEAK_VOLTS 2.2
#define LEAK_OHMS 14.4e3

static void leak(struct gpio_pin *pin) {
    double pull_siemens = pin->pad & PAD_PDE ? 1 / NET_PULL_OHMS : 0, siemens = 1 / LEAK_OHMS + pull_siemens;
    net_drive_volts(&pin->driver, LEAK_VOLTS / LEAK_OHMS / siemens, 1 / siemens);
}

static void leave_to_pulls(struct gpio_bank *bank, struct gpio_pin *pin) {
    bool leaks = bank->leaks && pin->pad & PAD_IE && !(pin->pad & PAD_PUE);
    if (leaks && net_is_high(&pin->net)) {
        leak(pin);
    } else {
        net_drive(&pin->driver, pull(pin));
    }
}

static bool is_driven_by_sio(const struct gpio_bank *bank, const struct gpio_pin *pin) {
    return (pin->control & FUNCSEL) == GPIO_FUNCTION_SIO && oe_to_pad(bank, pin) && !(pin->pad & PAD_OD);
}

static void update_output(struct gpio_bank *bank, struct gpio_pin *pin) {
    if (pin->pad & PAD_ISO) {
        return;
    }
    if (is_driven_by_sio(bank, pin)) {
        pin->charged = out_to_pad(bank, pin);
    }
    if (oe_to_pad(bank, pin) && !(pin->pad & PAD_OD)) {
        net_drive(&pin->driver, out_to_pad(bank, pin) ? NET_HIGH : NET_LOW);
    } else {
        leave_to_pulls(bank, pin);
    }
}

void gpio_function_outputs(struct gpio_bank *bank, unsigned funcsel, uint64_t mask, uint64_t out, uint64_t oe) {
    uint64_t changed = ((bank->out[funcsel] ^ out) | (bank->oe[funcsel] ^ oe)) & mask;
    bank->out[funcsel] ^= (bank->out[funcsel] ^ out) & mask;
    bank->oe[funcsel] ^= (bank->oe[funcsel] ^ oe) & mask;
    for (changed &= bank->selected[funcsel]; changed; changed &= changed - 1) {
        update_output(bank, &bank->pins[__builtin_ctzll(changed)]);
    }
}

void gpio_function_output(struct gpio_bank *bank, unsigned pin, unsigned funcsel, bool level, bool oe) {
    gpio_function_outputs(bank, funcsel, UINT64_C(1) << pin, (uint64_t)level << pin, (uint64_t)oe << pin);
}

/* ---- From the pads to the functions ---- */
static uint64_t set_bit(uint64_t *mask, unsigned bit, bool level) {
    uint64_t changed = (*mask ^ (uint64_t)level << bit) & UINT64_C(1) << bit;
    *mask ^= changed;
    return changed;
}

static void update_input(struct gpio_bank *bank, struct gpio_pin *pin) {
    if (pin->net.level != NET_LEVEL_FLOATING) {
        pin->charged = is_driven_by_sio(bank, pin) && net_is_high(&pin->net);
    }
    bool raw = pin->pad & PAD_IE && (net_is_high(&pin->net) || pin->charged);
    set_bit(&bank->from_pad, pin->number, raw);
    uint64_t changed = set_bit(&bank->input, pin->number, override(field_get(pin->control, INOVER), raw));
    bool irq = override(field_get(pin->control, IRQOVER), raw);
    if (set_bit(&bank->irq_input, pin->number, irq) && bank->irq_changed) {
        bank->irq_changed(bank->irq_context, pin->number, irq);
    }
    for (struct gpio_listener *listener = changed ? bank->listeners : NULL; listener; listener = listener->next) {
        if (listener->pins & changed) {
            listener->changed(listener, changed);
        }
    }
}

static void net_changed(struct net_listener *listener, struct net *net) {
    struct gpio_pin *pin = listener->owner;
    bool keeps = (pin->pad & (PAD_PUE | PAD_PDE)) == (PAD_PUE | PAD_PDE);
    if (keeps || pin->bank->leaks) {
        update_output(pin->bank, pin);
    }
    update_input(pin->bank, pin);
}

/* Does somebody listen at a pin of `mask`, as `listens` finds of its net? */
static bool any_net(const struct gpio_bank *bank, uint64_t mask,
                    bool (*listens)(const struct net *net, const struct net_listener *except)) {
    for (; mask; mask &= mask - 1) {
        const struct gpio_pin *pin = &bank->pins[__builtin_ctzll(mask)];
        if (listens(&pin->net, &pin->listener)) {
            return true;
        }
    }
    return false;
}

static bool wants_every_edge(const struct gpio_bank *bank, uint64_t mask) {
    for (const struct gpio_listener *listener = bank->listeners; listener; listener = listener->next) {
        if (listener->every_edge && listener->pins & mask) {
            return true;
        }
    }
    return bank->irq_pins & mask;
}

bool gpio_any_watched(const struct gpio_bank *bank, uint64_t mask) {
    return wants_every_edge(bank, mask) || any_net(bank, mask, net_is_watched);
}

bool gpio_any_heard(const struct gpio_bank *bank, uint64_t mask) {
    return wants_every_edge(bank, mask) || any_net(bank, mask, net_is_heard);
}

bool gpio_is_lonely(const struct gpio_bank *bank, unsigned number) {
    const struct gpio_pin *pin = &bank->pins[number];
    if (bank->irq_pins >> number & 1 || !net_is_lonely(&pin->net, &pin->driver, &pin->listener)) {
        return false;
    }
    for (const struct gpio_listener *listener = bank->listeners; listener; listener = listener->next) {
        if (listener->all_functions && listener->pins >> number & 1) {
            return false;
        }
    }
    return true;
}

void gpio_add_laggard(struct gpio_bank *bank, struct gpio_laggard *laggard) {
    laggard->next = bank->laggards;
    bank->laggards = laggard;
}

void gpio_settle(struct gpio_bank *bank) {
    for (struct gpio_laggard *laggard = bank->laggards; laggard; laggard = laggard->next) {
        laggard->catch_up(laggard);
    }
}

bool gpio_is_lagging(const struct gpio_bank *bank) {
    for (const struct gpio_laggard *laggard = bank->laggards; laggard; laggard = laggard->next) {
        if (laggard->lags) {
            return true;
        }
    }
    return false;
}

void gpio_watch_changes(struct gpio_bank *bank) {
    for (struct gpio_laggard *laggard = bank->laggards; laggard; laggard = laggard->next) {
        laggard->watch_changes(laggard);
    }
}

static void rewired(struct net_rewiring *rewiring) {
    gpio_watch_changes(rewiring->owner);
}

void gpio_listen(struct gpio_bank *bank, struct gpio_listener *listener) {
    listener->next = bank->listeners;
    bank->listeners = listener;
}

/* ---- Set-up ---- */
void gpio_set_control(struct gpio_bank *bank, unsigned number, uint32_t control) {
    struct gpio_pin *pin = &bank->pins[number];
    gpio_watch_changes(bank);
    bool moved = (pin->control ^ control) & FUNCSEL;
    set_bit(&bank->selected[pin->control & FUNCSEL], number, false);
    pin->control = control;
    set_bit(&bank->selected[control & FUNCSEL], number, true);
    for (struct gpio_listener *listener = moved ? bank->listeners : NULL; listener; listener = listener->next) {
        if (listener->selected) {
            listener->selected(listener, number);
        }
    }
    update_output(bank, pin);
    update_input(bank, pin);
}

void gpio_set_pad(struct gpio_bank *bank, unsigned number, uint32_t pad, bool latched) {
    struct gpio_pin *pin = &bank->pins[number];
    pad = bank->desc->has_isolation ? pad : pad & ~PAD_ISO;
    gpio_settle(bank);
    if (!latched && !bank->retained) {
        pin->pad = pad;
        net_drive(&pin->driver, pull(pin));
    }
    pin->pad = pad;
    update_output(bank, pin);
    update_input(bank, pin);
}

void gpio_isolate(struct gpio_bank *bank) {
    for (unsigned i = 0; i < bank->desc->pins; i++) {
        bank->pins[i].pad |= PAD_ISO;
    }
}

void gpio_set_leaks(struct gpio_bank *bank, bool leaks) {
    bank->leaks = leaks;
    for (unsigned i = 0; i < bank->desc->pins; i++) {
        update_output(bank, &bank->pins[i]);
    }
}

uint32_t gpio_status(const struct gpio_bank *bank, unsigned number) {
    const struct gpio_pin *pin = &bank->pins[number];
    unsigned function = pin->control & FUNCSEL;
    uint32_t status = 0;
    status = field_set(status, IO_BANK0_GPIO0_STATUS_OUTFROMPERI, bank->out[function] >> number & 1);
    status = field_set(status, IO_BANK0_GPIO0_STATUS_OUTTOPAD, out_to_pad(bank, pin));
    status = field_set(status, IO_BANK0_GPIO0_STATUS_OEFROMPERI, bank->oe[function] >> number & 1);
    status = field_set(status, IO_BANK0_GPIO0_STATUS_OETOPAD, oe_to_pad(bank, pin));
    status = field_set(status, IO_BANK0_GPIO0_STATUS_INFROMPAD, bank->from_pad >> number & 1);
    status = field_set(status, IO_BANK0_GPIO0_STATUS_INTOPERI, bank->input >> number & 1);
    return status & bank->desc->status_mask;
}

static void pin_init(struct gpio_bank *bank, unsigned number) {
    struct gpio_pin *pin = &bank->pins[number];
    const char *const *names = bank->desc->names;
    if (names) {
        snprintf(pin->name, sizeof(pin->name), "%s", names[number]);
    } else {
        snprintf(pin->name, sizeof(pin->name), "GP%u", number);
    }
    pin->bank = bank;
    pin->number = number;
    pin->control = GPIO_FUNCTION_NULL;
    set_bit(&bank->selected[GPIO_FUNCTION_NULL], number, true);
    net_init(&pin->net, pin->name, bank->env);
    pin->driver.name = pin->name;
    pin->listener = (struct net_listener){ .changed = net_changed, .owner = pin };
    net_attach(&pin->net, &pin->driver);
    net_listen(&pin->net, &pin->listener);
}

void gpio_bank_init(struct gpio_bank *bank, struct environment *env, const struct gpio_bank_desc *desc) {
    *bank = (struct gpio_bank){ .env = env, .desc = desc };
    bank->rewiring = (struct net_rewiring){ .rewired = rewired, .owner = bank };
    for (unsigned number = 0; number < desc->pins; number++) {
        pin_init(bank, number);
        bank->pins[number].net.rewiring = &bank->rewiring;
    }
}

struct net *gpio_net(struct gpio_bank *bank, const char *name) {
    for (unsigned number = 0; number < bank->desc->pins; number++) {
        if (!strcmp(bank->pins[number].name, name)) {
            return &bank->pins[number].net;
        }
    }
    return NULL;
}

/* ---- Snapshots ---- */
static void gpio_pin_walk(struct gpio_pin *pin, struct walk *walk) {
    walk_u32(walk, &pin->control);
    walk_u32(walk, &pin->pad);
    walk_bool(walk, &pin->charged);
    net_driver_walk(&pin->driver, walk);
    net_walk(&pin->net, walk);
}

/* Which function a pin has follows from its CTRL. */
static void derive_selected(struct gpio_bank *bank) {
    memset(bank->selected, 0, sizeof(bank->selected));
    for (unsigned number = 0; number < bank->desc->pins; number++) {
        set_bit(&bank->selected[bank->pins[number].control & FUNCSEL], number, true);
    }
}

void gpio_bank_walk(struct gpio_bank *bank, const char *name, struct walk *walk) {
    walk_section(walk, name, 1);
    walk_expect(walk, "the number of pins", bank->desc->pins);
    walk_expect(walk, "erratum RP2350-E9", bank->leaks);
    for (unsigned number = 0; number < bank->desc->pins; number++) {
        gpio_pin_walk(&bank->pins[number], walk);
    }
    derive_selected(bank);
    walk_u64s(walk, bank->out, GPIO_FUNCTIONS);
    walk_u64s(walk, bank->oe, GPIO_FUNCTIONS);
    walk_u64(walk, &bank->from_pad);
    walk_u64(walk, &bank->input);
    walk_u64(walk, &bank->irq_input);
    walk_u64(walk, &bank->irq_pins);
    walk_section_end(walk);
}

void gpio_listener_walk(struct gpio_listener *listener, struct walk *walk) {
    walk_u64(walk, &listener->pins);
    walk_bool(walk, &listener->all_functions);
    walk_bool(walk, &listener->every_edge);
}

void gpio_net_walk(struct gpio_bank *bank, struct net **net, struct walk *walk) {
    unsigned pins = bank ? bank->desc->pins : 0, number = 0;
    while (number < pins && *net != &bank->pins[number].net) {
        number++;
    }
    walk_below(walk, &number, pins + 1);
    *net = number < pins ? &bank->pins[number].net : NULL;
}
