/* UART (Arm PL011 r1p5). RP2040 datasheet 4.2, RP2350 datasheet 12.1, Arm DDI 0183.
 *
 * IrDA (SIREN): the chips do not support it. nSIROUT and SIRIN have no pins, so that characters are sent to nobody,
 * UARTTXD stays high and UARTRXD is not heard (DDI 0183, UARTCR); a guest line says so.
 *
 * Not modelled: DSR, DCD and RI inputs (the chip ties them off) but in loopback.
 *
 * Decided: the transmit interrupt rises when the FIFO falls through its trigger level, never by mere enabling. A
 * frame in flight keeps its length when the baud rate or clk_peri changes. UARTDR.OE shows with any character read
 * between an overrun and the next character that is stored. UARTIFLS selects above 4 act as 4. With no pin selected
 * for CTS the transmitter may send. A bit from the pin is sampled once, in its middle; a frame of zeros without a
 * stop bit is a break. */
#include "peripherals/onchip/uart.h"
#include "peripherals/onchip/registers/uart.h"

#define ERRORS (UART_UARTRIS_OERIS | UART_UARTRIS_BERIS | UART_UARTRIS_PERIS | UART_UARTRIS_FERIS)
#define RX_TIMEOUT_BITS 32

static struct uart *uart_of(struct block *block) {
    return (struct uart *)block;
}

/* ---- FIFOs ---- */
static unsigned depth(const struct uart *uart) {
    return uart->block.values[UART_UARTLCR_H] & UART_UARTLCR_H_FEN ? UART_FIFO_DEPTH : 1;
}

static void push(struct uart_fifo *fifo, uint16_t item) {
    fifo->items[(fifo->first + fifo->count++) % UART_FIFO_DEPTH] = item;
}

static uint16_t pop(struct uart_fifo *fifo) {
    uint16_t item = fifo->items[fifo->first];
    fifo->first = (fifo->first + 1) % UART_FIFO_DEPTH;
    fifo->count--;
    return item;
}

/* Entries that a select field of UARTIFLS stands for. */
static unsigned trigger(const struct uart *uart, uint32_t field) {
    static const uint8_t eighths[] = { 1, 2, 4, 6, 7 };
    unsigned select = field_get(uart->block.values[UART_UARTIFLS], field);
    return eighths[select < 5 ? select : 4] * UART_FIFO_DEPTH / 8;
}

static unsigned rx_trigger(const struct uart *uart) {
    return depth(uart) == 1 ? 1 : trigger(uart, UART_UARTIFLS_RXIFLSEL);
}

static unsigned tx_trigger(const struct uart *uart) {
    return depth(uart) == 1 ? 0 : trigger(uart, UART_UARTIFLS_TXIFLSEL);
}

/* ---- Outputs ---- */
static bool is_on(const struct uart *uart, uint32_t enable) {
    uint32_t both = UART_UARTCR_UARTEN | enable;
    return (uart->block.values[UART_UARTCR] & both) == both;
}

static bool is_infrared(const struct uart *uart) {
    return is_on(uart, UART_UARTCR_SIREN);
}

static bool request_to_send(const struct uart *uart) {
    uint32_t control = uart->block.values[UART_UARTCR];
    return control & UART_UARTCR_RTSEN ? uart->rx.count < rx_trigger(uart) : control & UART_UARTCR_RTS;
}

/* The pins that show TX, and those that are RX, by their FUNCSEL. */
static uint64_t selected_tx(const struct uart *uart) {
    const uint64_t *selected = uart->gpio->selected;
    return (uart->tx_pins & selected[uart->function]) | (uart->aux_tx_pins & selected[uart->aux_function]);
}

static uint64_t selected_rx(const struct uart *uart) {
    const uint64_t *selected = uart->gpio->selected;
    return (uart->rx_pins & selected[uart->function]) | (uart->aux_rx_pins & selected[uart->aux_function]);
}

static void update_pins(struct uart *uart) {
    if (!uart->gpio) {
        return;
    }
    bool is_break = uart->block.values[UART_UARTLCR_H] & UART_UARTLCR_H_BRK && is_on(uart, UART_UARTCR_TXE);
    bool low = is_break || !uart->tx_level;
    uint64_t pins = uart->tx_pins | uart->rts_pins;
    uint64_t out = (low ? 0 : uart->tx_pins) | (request_to_send(uart) ? 0 : uart->rts_pins);
    gpio_function_outputs(uart->gpio, uart->function, pins, out, pins);
    if (uart->aux_tx_pins) {
        gpio_function_outputs(uart->gpio, uart->aux_function, uart->aux_tx_pins, low ? 0 : uart->aux_tx_pins,
                              uart->aux_tx_pins);
    }
}

static void uart_update(struct uart *uart) {
    const uint32_t *values = uart->block.values;
    uint32_t dma = values[UART_UARTDMACR];
    uint32_t active = uart->raw_interrupts & values[UART_UARTIMSC];
    bool blocked = dma & UART_UARTDMACR_DMAONERR && active & ERRORS;
    line_set(&uart->block.irq[0], active);
    line_set(&uart->dreq_tx, dma & UART_UARTDMACR_TXDMAE && uart->tx.count < depth(uart));
    line_set(&uart->dreq_rx, dma & UART_UARTDMACR_RXDMAE && uart->rx.count && !blocked);
    update_pins(uart);
}

/* ---- Time ---- */
static uint64_t bits_ps(const struct uart *uart, unsigned bits) {
    const struct clock_domain *clk = uart->clk_peri;
    if (!clk->period_num) {
        return 0;
    }
    /* a bit is 16 * divisor / 64 cycles */
    return (uint64_t)((unsigned __int128)bits * uart->divisor * clk->period_num / (4 * clk->period_den));
}

static unsigned data_bits(const struct uart *uart) {
    return 5 + field_get(uart->block.values[UART_UARTLCR_H], UART_UARTLCR_H_WLEN);
}

static unsigned frame_bits(const struct uart *uart) {
    uint32_t control = uart->block.values[UART_UARTLCR_H];
    return 1 + data_bits(uart) + (control & UART_UARTLCR_H_PEN ? 1 : 0) + (control & UART_UARTLCR_H_STP2 ? 2 : 1);
}

uint64_t uart_frame_ps(const struct uart *uart) {
    return bits_ps(uart, frame_bits(uart));
}

/* ---- Frames bit by bit ---- */
static bool parity_bit(const struct uart *uart, unsigned data) {
    uint32_t control = uart->block.values[UART_UARTLCR_H];
    bool even = control & UART_UARTLCR_H_EPS;
    return control & UART_UARTLCR_H_SPS ? !even : __builtin_parity(data) != even;
}

/* The level of each bit time, start bit in bit 0; above the stop bits all ones. */
static uint16_t frame_levels(const struct uart *uart, unsigned data) {
    unsigned end = 1 + data_bits(uart);
    unsigned levels = data << 1 | UINT32_MAX << end;
    if (uart->block.values[UART_UARTLCR_H] & UART_UARTLCR_H_PEN && !parity_bit(uart, data)) {
        levels &= ~(1u << end);
    }
    return (uint16_t)levels;
}

/* Data bits and error flags of what was sampled: `levels` as above, up to the first stop bit. */
static unsigned frame_of(const struct uart *uart, unsigned levels, unsigned bits) {
    unsigned data = levels >> 1 & ((1u << data_bits(uart)) - 1);
    bool stop = levels >> (bits - 1) & 1;
    bool has_parity = uart->block.values[UART_UARTLCR_H] & UART_UARTLCR_H_PEN;
    if (!levels) {
        return UART_BREAK;
    }
    bool wrong = has_parity && (levels >> (bits - 2) & 1) != parity_bit(uart, data);
    return data | (stop ? 0 : UART_FRAMING_ERROR) | (wrong ? UART_PARITY_ERROR : 0);
}

/* Put the first bit out, if anybody watches. */
static void play_frame(struct uart *uart, uint64_t start_ps) {
    bool inside = uart->block.values[UART_UARTCR] & UART_UARTCR_LBE;
    if (!uart->gpio || inside || is_infrared(uart)) {
        return;
    }
    if (gpio_any_watched(uart->gpio, selected_tx(uart))) {
        uart->out.bits = frame_levels(uart, uart->shifter);
        uart->out.index = 1;
        uart->out.start_ps = start_ps;
        uart->tx_level = false;
        scheduler_add(uart->block.env->scheduler, &uart->out.event, start_ps + bits_ps(uart, 1));
    }
}

/* ---- Transmitter ---- */

/* CTS is low active; a pin that is not selected for it leaves it active. */
static bool clear_to_send(const struct uart *uart) {
    return !uart->gpio || !(gpio_inputs(uart->gpio) & uart->cts_pins & uart->gpio->selected[uart->function]);
}

static bool may_send(const struct uart *uart) {
    uint32_t control = uart->block.values[UART_UARTCR];
    return is_on(uart, UART_UARTCR_TXE) && (!(control & UART_UARTCR_CTSEN) || clear_to_send(uart));
}

/* Take the next character into the shift register, if all is ready for it. */
static void start_frame_at(struct uart *uart, uint64_t now_ps) {
    uint64_t duration = uart_frame_ps(uart);
    if (uart->shifting || !uart->tx.count || !may_send(uart) || !duration) {
        return;
    }
    uart->shifter = (uint8_t)(pop(&uart->tx) & ((1u << data_bits(uart)) - 1));
    uart->shifting = true;
    play_frame(uart, now_ps);
    if (uart->tx.count == tx_trigger(uart)) {
        uart->raw_interrupts |= UART_UARTRIS_TXRIS;
    }
    scheduler_add(uart->block.env->scheduler, &uart->frame_sent, now_ps + duration);
}

static void start_frame(struct uart *uart) {
    if (uart->tx.count && !uart->shifting) {
        start_frame_at(uart, scheduler_now(uart->block.env->scheduler));
    }
}

static void write_data(struct uart *uart, uint8_t byte) {
    if (uart->tx.count == depth(uart)) {
        log_write(uart->block.env->log, LOG_GUEST, uart->block.name, "character written to a full FIFO is lost");
        return;
    }
    push(&uart->tx, byte);
    if (uart->tx.count > tx_trigger(uart)) {
        uart->raw_interrupts &= ~UART_UARTRIS_TXRIS;
    }
    start_frame(uart);
    uart_update(uart);
}

/* ---- Receiver ---- */
static void store_frame(struct uart *uart, unsigned frame) {
    uart->overrun = false;
    push(&uart->rx, (uint16_t)frame);
    if (uart->rx.count >= rx_trigger(uart)) {
        uart->raw_interrupts |= UART_UARTRIS_RXRIS;
    }
    if (frame & UART_FRAMING_ERROR) {
        uart->raw_interrupts |= UART_UARTRIS_FERIS;
    }
    if (frame & UART_PARITY_ERROR) {
        uart->raw_interrupts |= UART_UARTRIS_PERIS;
    }
    if (frame & UART_BREAK) {
        uart->raw_interrupts |= UART_UARTRIS_BERIS;
    }
}

static void take_frame(struct uart *uart, unsigned frame) {
    if (!is_on(uart, UART_UARTCR_RXE)) {
        return;
    }
    if (uart->rx.count < depth(uart)) {
        store_frame(uart, frame);
    } else {
        uart->overrun = true;
        uart->block.values[UART_UARTRSR] |= UART_UARTRSR_OE;
        uart->raw_interrupts |= UART_UARTRIS_OERIS;
    }
    uint64_t wait = bits_ps(uart, RX_TIMEOUT_BITS);
    if (wait) {
        struct scheduler *scheduler = uart->block.env->scheduler;
        scheduler_add(scheduler, &uart->rx_timeout, scheduler_now(scheduler) + wait);
    }
    uart_update(uart);
}

void uart_receive(struct uart *uart, unsigned frame) {
    if (!(uart->block.values[UART_UARTCR] & UART_UARTCR_LBE) && !is_infrared(uart)) {
        take_frame(uart, frame);
    }
}

bool uart_listens(const struct uart *uart) {
    return is_on(uart, UART_UARTCR_RXE) && !is_infrared(uart) && uart_frame_ps(uart);
}

bool uart_wants_data(const struct uart *uart) {
    uint32_t control = uart->block.values[UART_UARTCR];
    return is_on(uart, UART_UARTCR_RXE) && !(control & UART_UARTCR_LBE) && !is_infrared(uart) &&
           uart->rx.count < depth(uart) && (!(control & UART_UARTCR_RTSEN) || request_to_send(uart));
}

static uint32_t read_data(struct uart *uart) {
    uint32_t *errors = &uart->block.values[UART_UARTRSR];
    if (!uart->rx.count) {
        return 0;
    }
    uint32_t value = pop(&uart->rx) | (uart->overrun ? UART_UARTDR_OE : 0);
    *errors = (*errors & UART_UARTRSR_OE) | (value >> 8 & 0xf);
    if (uart->rx.count < rx_trigger(uart)) {
        uart->raw_interrupts &= ~UART_UARTRIS_RXRIS;
    }
    if (!uart->rx.count) {
        uart->raw_interrupts &= ~UART_UARTRIS_RTRIS;
        scheduler_cancel(uart->block.env->scheduler, &uart->rx_timeout);
    }
    uart_update(uart);
    return value;
}

/* ---- Registers ---- */

/* The modem inputs in UARTFR; in loopback the modem outputs. */
static uint32_t modem_status(const struct uart *uart) {
    uint32_t control = uart->block.values[UART_UARTCR];
    if (!(control & UART_UARTCR_LBE)) {
        return clear_to_send(uart) ? UART_UARTFR_CTS : 0;
    }
    return (control & UART_UARTCR_RTS ? UART_UARTFR_CTS : 0) | (control & UART_UARTCR_DTR ? UART_UARTFR_DSR : 0) |
           (control & UART_UARTCR_OUT1 ? UART_UARTFR_DCD : 0) | (control & UART_UARTCR_OUT2 ? UART_UARTFR_RI : 0);
}

static uint32_t flags(const struct uart *uart) {
    return modem_status(uart) | (uart->tx.count ? 0 : UART_UARTFR_TXFE) |
           (uart->tx.count >= depth(uart) ? UART_UARTFR_TXFF : 0) | (uart->rx.count ? 0 : UART_UARTFR_RXFE) |
           (uart->rx.count >= depth(uart) ? UART_UARTFR_RXFF : 0) |
           (uart->shifting || uart->tx.count ? UART_UARTFR_BUSY : 0);
}

static uint32_t uart_read(struct block *block, unsigned reg) {
    struct uart *uart = uart_of(block);
    switch (reg) {
    case UART_UARTDR:
        return read_data(uart);
    case UART_UARTFR:
        return flags(uart);
    case UART_UARTRIS:
        return uart->raw_interrupts;
    case UART_UARTMIS:
        return uart->raw_interrupts & block->values[UART_UARTIMSC];
    case UART_UARTICR:
        return 0;
    default:
        return block->values[reg];
    }
}

static void write_line_control(struct uart *uart, uint32_t old) {
    const uint32_t *values = uart->block.values;
    uart->divisor = values[UART_UARTIBRD] * 64 + values[UART_UARTFBRD];
    if ((values[UART_UARTLCR_H] ^ old) & UART_UARTLCR_H_FEN) {
        uart->tx.count = uart->rx.count = 0;
    }
    bool breaks = values[UART_UARTLCR_H] & ~old & UART_UARTLCR_H_BRK;
    if (breaks && values[UART_UARTCR] & UART_UARTCR_LBE) {
        take_frame(uart, UART_BREAK);
    }
}

static void write_control(struct uart *uart, uint32_t old) {
    uint32_t control = uart->block.values[UART_UARTCR];
    if (control & ~old & UART_UARTCR_SIREN) {
        log_write(uart->block.env->log, LOG_GUEST, uart->block.name,
                  "SIREN: this chip has no pins for IrDA; nothing is sent or received");
    }
}

static void uart_write(struct block *block, unsigned reg, uint32_t value, uint32_t old) {
    struct uart *uart = uart_of(block);
    switch (reg) {
    case UART_UARTDR:
        write_data(uart, (uint8_t)value);
        return;
    case UART_UARTRSR: /* UARTECR: any value clears all */
        block->values[reg] = 0;
        uart->overrun = false;
        return;
    case UART_UARTLCR_H:
        write_line_control(uart, old);
        break;
    case UART_UARTCR:
        write_control(uart, old);
        break;
    case UART_UARTICR:
        uart->raw_interrupts &= ~value;
        break;
    }
    start_frame(uart);
    uart_update(uart);
}

/* ---- Events ---- */
static void frame_sent(struct event *event, uint64_t late_ps) {
    struct uart *uart = event->owner;
    uint8_t byte = uart->shifter;
    uart->shifting = false;
    uart->tx_level = true;
    start_frame_at(uart, event->when_ps);
    if (uart->block.values[UART_UARTCR] & UART_UARTCR_LBE) {
        take_frame(uart, byte);
    } else if (uart->transmit && !is_infrared(uart)) {
        uart->transmit(uart->transmit_context, byte);
    }
    uart_update(uart);
}

static void bit_sent(struct event *event, uint64_t late_ps) {
    struct uart *uart = event->owner;
    uart->tx_level = uart->out.bits >> uart->out.index++ & 1;
    if (uart->out.index < frame_bits(uart)) {
        scheduler_add(uart->block.env->scheduler, event, uart->out.start_ps + bits_ps(uart, uart->out.index));
    }
    update_pins(uart);
}

static bool rx_level(const struct uart *uart) {
    return gpio_inputs(uart->gpio) & selected_rx(uart);
}

/* The middle of a bit. */
static void bit_received(struct event *event, uint64_t late_ps) {
    struct uart *uart = event->owner;
    unsigned stop = frame_bits(uart) - (uart->block.values[UART_UARTLCR_H] & UART_UARTLCR_H_STP2 ? 2 : 1);
    bool level = rx_level(uart);
    if (uart->in.index == 0 && level) { /* no start bit: a glitch */
        uart->sampling = false;
        return;
    }
    uart->in.bits |= (uint16_t)(level << uart->in.index);
    if (uart->in.index++ < stop) {
        uint64_t middle = bits_ps(uart, 1) / 2 + bits_ps(uart, uart->in.index);
        scheduler_add(uart->block.env->scheduler, event, uart->in.start_ps + middle);
        return;
    }
    uart->sampling = false;
    uart_receive(uart, frame_of(uart, uart->in.bits, stop + 1));
}

/* A falling edge at rest is a start bit. */
static void rx_changed(struct gpio_listener *listener, uint64_t pins) {
    struct uart *uart = listener->owner;
    if (!(pins & selected_rx(uart)) || uart->sampling || rx_level(uart) || !is_on(uart, UART_UARTCR_RXE) ||
        !bits_ps(uart, 1)) {
        return;
    }
    uart->sampling = true;
    uart->in.bits = 0;
    uart->in.index = 0;
    uart->in.start_ps = scheduler_now(uart->block.env->scheduler);
    scheduler_add(uart->block.env->scheduler, &uart->in.event, uart->in.start_ps + bits_ps(uart, 1) / 2);
}

static void rx_timed_out(struct event *event, uint64_t late_ps) {
    struct uart *uart = event->owner;
    if (uart->rx.count) {
        uart->raw_interrupts |= UART_UARTRIS_RTRIS;
        uart_update(uart);
    }
}

static void clock_changed(struct clock_listener *listener, struct clock_domain *clock) {
    struct uart *uart = listener->owner;
    start_frame(uart);
    uart_update(uart);
}

static void cts_changed(struct gpio_listener *listener, uint64_t pins) {
    struct uart *uart = listener->owner;
    if (clear_to_send(uart) != uart->was_clear_to_send) {
        uart->was_clear_to_send = !uart->was_clear_to_send;
        uart->raw_interrupts |= UART_UARTRIS_CTSRMIS;
        start_frame(uart);
        uart_update(uart);
    }
}

static void uart_reset(struct block *block) {
    struct uart *uart = uart_of(block);
    uart->tx = uart->rx = (struct uart_fifo){ 0 };
    uart->raw_interrupts = 0;
    uart->divisor = 0;
    uart->shifting = uart->overrun = uart->sampling = false;
    uart->tx_level = true;
    scheduler_cancel(block->env->scheduler, &uart->out.event);
    scheduler_cancel(block->env->scheduler, &uart->in.event);
    scheduler_cancel(block->env->scheduler, &uart->frame_sent);
    scheduler_cancel(block->env->scheduler, &uart->rx_timeout);
    uart_update(uart);
}

static void uart_init(struct block *block) {
    struct uart *uart = uart_of(block);
    uart->frame_sent = (struct event){ .name = "uart frame", .callback = frame_sent, .owner = uart };
    uart->rx_timeout = (struct event){ .name = "uart timeout", .callback = rx_timed_out, .owner = uart };
    uart->out.event = (struct event){ .name = "uart bit out", .callback = bit_sent, .owner = uart };
    uart->in.event = (struct event){ .name = "uart bit in", .callback = bit_received, .owner = uart };
    uart->clock_listener = (struct clock_listener){ .changed = clock_changed, .owner = uart };
    clock_listen(uart->clk_peri, &uart->clock_listener);
    uart->was_clear_to_send = true;
    if (uart->gpio) {
        uart->cts_listener = (struct gpio_listener){ .changed = cts_changed, .owner = uart, .pins = uart->cts_pins };
        uint64_t rx_pins = uart->rx_pins | uart->aux_rx_pins;
        uart->rx_listener = (struct gpio_listener){ .changed = rx_changed, .owner = uart, .pins = rx_pins };
        gpio_listen(uart->gpio, &uart->cts_listener);
        gpio_listen(uart->gpio, &uart->rx_listener);
    }
}

/* ---- Snapshots ---- */
#define MOST_BITS 12 /* of a frame */

static void uart_fifo_walk(struct uart_fifo *fifo, struct walk *walk) {
    walk_u16s(walk, fifo->items, UART_FIFO_DEPTH);
    walk_below(walk, &fifo->first, UART_FIFO_DEPTH);
    walk_below(walk, &fifo->count, UART_FIFO_DEPTH + 1);
}

static void uart_frame_walk(struct uart_frame *frame, struct walk *walk) {
    walk_u16(walk, &frame->bits);
    walk_below(walk, &frame->index, MOST_BITS + 1);
    walk_u64(walk, &frame->start_ps);
    walk_event(walk, &frame->event);
}

static void uart_walk(struct block *block, struct walk *walk) {
    struct uart *uart = uart_of(block);
    uart_fifo_walk(&uart->tx, walk);
    uart_fifo_walk(&uart->rx, walk);
    line_walk(&uart->dreq_tx, walk);
    line_walk(&uart->dreq_rx, walk);
    walk_u32(walk, &uart->raw_interrupts);
    walk_u32(walk, &uart->divisor);
    walk_bool(walk, &uart->shifting);
    walk_u8(walk, &uart->shifter);
    walk_bool(walk, &uart->overrun);
    walk_bool(walk, &uart->tx_level);
    walk_bool(walk, &uart->sampling);
    uart_frame_walk(&uart->out, walk);
    uart_frame_walk(&uart->in, walk);
    walk_bool(walk, &uart->was_clear_to_send);
    walk_event(walk, &uart->frame_sent);
    walk_event(walk, &uart->rx_timeout);
    gpio_listener_walk(&uart->cts_listener, walk);
    gpio_listener_walk(&uart->rx_listener, walk);
}

const struct block_class uart_class = {
    .name = "uart",
    .size = sizeof(struct uart),
    .init = uart_init,
    .reset = uart_reset,
    .read = uart_read,
    .write = uart_write,
    .holds_until = block_holds,
    .walk = uart_walk,
};
