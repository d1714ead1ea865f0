/* The pins of one GPIO bank: pads, function select and overrides between the functions (SIO, UART, PWM, PIO, ...)
 * and the nets. RP2040 datasheet 2.19, RP2350 datasheet 9. Two blocks of registers set a bank up: IO_BANK0 or
 * IO_QSPI (io_bank.h) and PADS_BANK0 or PADS_QSPI (pads.h).
 *
 * A function publishes what it would drive with gpio_function_output(s), whether it is selected or not; the bank
 * passes on what the pin's FUNCSEL selects. Whoever wants edges of a pin listens to its net; a function that wants
 * what the chip's inside sees (after IE and INOVER) uses gpio_input(s) and a gpio_listener. */
#ifndef ONCHIP_GPIO_H
#define ONCHIP_GPIO_H

#include "emulator/core/net.h"

#define GPIO_PINS 48
#define GPIO_FUNCTIONS 32
#define GPIO_FUNCTION_XIP 0 /* of the QSPI banks */
#define GPIO_FUNCTION_SIO 5
#define GPIO_FUNCTION_NULL 31
#define GPIO_IRQ_TARGETS 3 /* processor 0, processor 1, dormant wake */

/* Where the registers of a bank stand, and what differs between the chips. */
struct gpio_bank_desc {
    unsigned pins;
    const char *const *names; /* of the nets; NULL: GP0, GP1, ... */
    unsigned status;          /* register number of pin 0's STATUS; CTRL follows it, then pin 1's */
    unsigned irq_words;       /* registers of 8 pins each */
    unsigned intr;            /* number of INTR0; the words have consecutive numbers */
    unsigned inte[GPIO_IRQ_TARGETS];
    unsigned intf[GPIO_IRQ_TARGETS];
    unsigned ints[GPIO_IRQ_TARGETS];
    unsigned summary[GPIO_IRQ_TARGETS]; /* IRQSUMMARY_..._SECURE0 */
    bool has_summary;
    bool has_isolation;
    uint32_t outover; /* field masks in CTRL */
    uint32_t oeover;
    uint32_t status_mask;         /* the bits of STATUS that this chip has */
    const uint8_t *pad_registers; /* number of the pad register by pin, 0xff: none */
    unsigned pad_first;           /* without pad_registers: number of pin 0's */
};

extern const struct gpio_bank_desc rp2040_gpio_bank0;
extern const struct gpio_bank_desc rp2040_gpio_qspi; /* pins SCLK, SS, SD0 to SD3 */
extern const struct gpio_bank_desc rp2350_gpio_bank0;
extern const struct gpio_bank_desc rp2350_gpio_qspi; /* pins USB DP, USB DM, SCLK, SS, SD0 to SD3 */

/* Pins of the QSPI banks by number. */
enum { RP2040_QSPI_SCLK, RP2040_QSPI_SS };
enum { RP2350_QSPI_SCLK = 2, RP2350_QSPI_SS };

struct gpio_bank;

struct gpio_pin {
    struct net net; /* attach parts, listeners and wires here */
    struct net_driver driver;
    struct net_listener listener;
    struct gpio_bank *bank;
    unsigned number;
    uint32_t control; /* CTRL of the IO bank */
    uint32_t pad;     /* the pad's register */
    bool charged;     /* SIO has driven it high and let go, and nobody has driven it since: it still is */
    char name[16];
};

struct gpio_listener {
    /* Inputs as functions see them have changed at these pins. */
    void (*changed)(struct gpio_listener *listener, uint64_t pins);
    /* FUNCSEL of a pin has changed; what functions drive now takes effect after this call. May be NULL. */
    void (*selected)(struct gpio_listener *listener, unsigned pin);
    void *owner;
    uint64_t pins;      /* that it wants to hear of; may be changed at any time */
    bool all_functions; /* it cares for its pins also where another function is selected */
    bool every_edge;    /* also those inside the frames of serial buses on these pins (gpio_any_watched()) */
    struct gpio_listener *next;
};

/* A function that does not publish each change at pins that nobody watches (gpio_is_lonely()). */
struct gpio_laggard {
    /* Publish what the function drives at present. */
    void (*catch_up)(struct gpio_laggard *laggard);
    /* From this time on other pins may be watched: catch up, and look again. */
    void (*watch_changes)(struct gpio_laggard *laggard);
    void *owner;
    bool lags; /* levels may change without an event */
    struct gpio_laggard *next;
};

/* All masks have a bit per pin. */
struct gpio_bank {
    struct environment *env;
    const struct gpio_bank_desc *desc;
    struct gpio_pin pins[GPIO_PINS];
    uint64_t out[GPIO_FUNCTIONS];      /* what each function would drive */
    uint64_t oe[GPIO_FUNCTIONS];       /* and where it would drive at all */
    uint64_t selected[GPIO_FUNCTIONS]; /* FUNCSEL */
    uint64_t from_pad;                 /* input buffers, gated by IE */
    uint64_t input;                    /* after INOVER: what functions see */
    uint64_t irq_input;                /* after IRQOVER: what the interrupt logic sees */
    uint64_t irq_pins;                 /* set by the IO block: an interrupt of the pin is enabled */
    bool retained;                     /* isolated pads keep what they drive through the resets of their registers */
    bool leaks;                        /* erratum RP2350-E9: use gpio_set_leaks() */
    struct gpio_listener *listeners;
    struct gpio_laggard *laggards;
    struct net_rewiring rewiring;
    /* Set by the IO block: irq_input has changed at one pin. */
    void (*irq_changed)(void *context, unsigned pin, bool level);
    void *irq_context;
};

/* All pins as after reset, floating; `env` and `desc` are borrowed. The bank must not move afterwards. */
void gpio_bank_init(struct gpio_bank *bank, struct environment *env, const struct gpio_bank_desc *desc);

/* What function `funcsel` would drive at one pin. Cheap when nothing changes. */
void gpio_function_output(struct gpio_bank *bank, unsigned pin, unsigned funcsel, bool level, bool oe);
/* The same at all pins of `mask` at once. */
void gpio_function_outputs(struct gpio_bank *bank, unsigned funcsel, uint64_t mask, uint64_t out, uint64_t oe);

/* The inputs as functions see them. PIO and SIO see all pins, other functions those that select them. */
static inline uint64_t gpio_inputs(const struct gpio_bank *bank) {
    return bank->input;
}
static inline bool gpio_input(const struct gpio_bank *bank, unsigned pin) {
    return bank->input >> pin & 1;
}
static inline bool gpio_is_selected(const struct gpio_bank *bank, unsigned pin, unsigned funcsel) {
    return bank->selected[funcsel] >> pin & 1;
}
/* Somebody wants every edge at a pin of `mask`: a foreign listener at its net, a wire to another pin, its interrupt, or
 * a gpio_listener that says so. Loads of GPIO_IN do not count. */
bool gpio_any_watched(const struct gpio_bank *bank, uint64_t mask);
/* The same with parts on serial buses, which hear nothing of a function that is no serial controller but by edges. */
bool gpio_any_heard(const struct gpio_bank *bank, uint64_t mask);
/* Nobody at all can tell when this pin, which another function drives, changes, but for whoever looks at the bank: no
 * foreign listener, driver or wire at its net, no interrupt, no gpio_listener for all functions. Edges that pass unseen
 * are not latched in INTR. */
bool gpio_is_lonely(const struct gpio_bank *bank, unsigned pin);
/* Laggard is owned by the caller and must outlive the bank. */
void gpio_add_laggard(struct gpio_bank *bank, struct gpio_laggard *laggard);
/* Before the levels of pins are looked at by somebody who does not listen. */
void gpio_settle(struct gpio_bank *bank);
/* What gpio_settle() brings may change at any time. */
bool gpio_is_lagging(const struct gpio_bank *bank);
/* Before a pin's interrupt is enabled, or a gpio_listener changes its pins. */
void gpio_watch_changes(struct gpio_bank *bank);
/* Listener is owned by the caller and must outlive the bank. */
void gpio_listen(struct gpio_bank *bank, struct gpio_listener *listener);
/* The erratum RP2350-E9, for all pins of the bank: an input that has been high, and is not pulled or driven low by
 * 8.2 kohms or less, stays so. */
void gpio_set_leaks(struct gpio_bank *bank, bool leaks);
/* The core domain goes off: all pads are isolated. */
void gpio_isolate(struct gpio_bank *bank);
/* The net of a pin by name ("GP15", "QSPI_SS") or NULL. */
struct net *gpio_net(struct gpio_bank *bank, const char *name);

/* ---- Snapshots ---- */
/* The bank's section, nets included. */
void gpio_bank_walk(struct gpio_bank *bank, const char *name, struct walk *walk);
/* What a device has asked of the bank by its listener. */
void gpio_listener_walk(struct gpio_listener *listener, struct walk *walk);
/* A pointer to the net of one of the bank's pins, or NULL. The bank may be NULL, and the pointer is then. */
void gpio_net_walk(struct gpio_bank *bank, struct net **net, struct walk *walk);

/* ---- For the blocks of registers ---- */
void gpio_set_control(struct gpio_bank *bank, unsigned pin, uint32_t control);
/* `latched` false: also through a closed isolation latch (reset). */
void gpio_set_pad(struct gpio_bank *bank, unsigned pin, uint32_t pad, bool latched);
/* The STATUS register of a pin, but for its interrupt bits. */
uint32_t gpio_status(const struct gpio_bank *bank, unsigned pin);

#endif
