/* Bytes from the user to a UART at the pace of its line. */
#ifndef UART_FEED_H
#define UART_FEED_H

#include "peripherals/onchip/uart.h"

#define UART_FEED_SIZE 4096

struct uart_feed {
    struct uart *uart;
    struct event next; /* the frame under way has come in */
    uint8_t queue[UART_FEED_SIZE];
    size_t first, count;
};

/* `uart` is borrowed. */
void uart_feed_init(struct uart_feed *feed, struct uart *uart);
/* Its section of a snapshot. */
void uart_feed_walk(struct uart_feed *feed, const char *name, struct walk *walk);
/* Returns how many bytes found room. */
size_t uart_feed_write(struct uart_feed *feed, const uint8_t *data, size_t size);
/* What has not come in yet is lost. */
void uart_feed_clear(struct uart_feed *feed);

#endif
