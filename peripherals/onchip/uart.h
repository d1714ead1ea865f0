/* UART0 and UART1 (Arm PL011). Bytes go out through `transmit` when their last stop bit has passed, and come in
 * through uart_receive(). When somebody watches the selected TX pin each frame also plays out there bit by bit, and a
 * falling edge at the selected RX pin begins a frame that is sampled bit by bit.
 * Lines: irq[0] the combined interrupt. */
#ifndef ONCHIP_UART_H
#define ONCHIP_UART_H

#include "peripherals/onchip/gpio.h"

#define UART_FIFO_DEPTH 32

/* Flags above the data bits of a received frame, as UARTDR shows them. */
#define UART_FRAMING_ERROR 0x100u
#define UART_PARITY_ERROR 0x200u
#define UART_BREAK 0x400u

struct uart_fifo {
    uint16_t items[UART_FIFO_DEPTH];
    unsigned first;
    unsigned count;
};

/* A frame bit by bit: start bit first. */
struct uart_frame {
    uint16_t bits;
    unsigned index; /* of the next bit */
    uint64_t start_ps;
    struct event event;
};

struct uart {
    struct block block;
    /* Wiring */
    struct clock_domain *clk_peri;
    struct line dreq_tx;
    struct line dreq_rx;
    struct gpio_bank *gpio; /* NULL: no pins */
    unsigned function;      /* FUNCSEL of all its pins */
    uint64_t tx_pins;       /* a bit per pin that can be it */
    uint64_t rx_pins;
    uint64_t cts_pins;
    uint64_t rts_pins;
    unsigned aux_function; /* RP2350: a second FUNCSEL, TX and RX on other pins; no such pins: there is none */
    uint64_t aux_tx_pins;
    uint64_t aux_rx_pins;
    /* A byte has left. May be NULL. */
    void (*transmit)(void *context, uint8_t byte);
    void *transmit_context;

    struct uart_fifo tx;
    struct uart_fifo rx;
    uint32_t raw_interrupts;
    uint32_t divisor; /* IBRD and FBRD in 1/64, as UARTLCR_H took them over */
    bool shifting;    /* a frame is on its way out */
    uint8_t shifter;
    bool overrun;
    bool tx_level; /* what the TX pin shows, but for a break */
    bool sampling; /* a frame comes in at the RX pin */
    struct uart_frame out;
    struct uart_frame in;
    bool was_clear_to_send;
    struct event frame_sent;
    struct event rx_timeout;
    struct clock_listener clock_listener;
    struct gpio_listener cts_listener;
    struct gpio_listener rx_listener;
};

extern const struct block_class uart_class;

/* A frame from outside: data bits and UART_..._ERROR / UART_BREAK flags. Dropped when the receiver is off; an
 * overrun when the FIFO is full. The sender keeps the line's pace: a frame each uart_frame_ps(). */
void uart_receive(struct uart *uart, unsigned frame);
/* The receiver is on and has a baud rate. */
bool uart_listens(const struct uart *uart);
/* The receiver is on, has room, and RTS (where RTSEN is set) asks for more. */
bool uart_wants_data(const struct uart *uart);
/* Duration of a frame in picoseconds, 0 while no baud rate is set or the clock stands. */
uint64_t uart_frame_ps(const struct uart *uart);

#endif
