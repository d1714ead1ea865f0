/* Bytes that wait for a UART's receiver, one frame after the other. */
#include "emulator/uart_feed.h"

#define RETRY_PS PS_PER_MS /* the receiver is off or full: look again */

static void schedule(struct uart_feed *feed, uint64_t from_ps) {
    uint64_t frame = uart_frame_ps(feed->uart);
    bool ready = frame && uart_wants_data(feed->uart);
    scheduler_add(feed->uart->block.env->scheduler, &feed->next, from_ps + (ready ? frame : RETRY_PS));
}

static void frame_in(struct event *event, uint64_t late_ps) {
    struct uart_feed *feed = event->owner;
    if (uart_frame_ps(feed->uart) && uart_wants_data(feed->uart)) {
        uint8_t byte = feed->queue[feed->first];
        feed->first = (feed->first + 1) % UART_FEED_SIZE;
        feed->count--;
        uart_receive(feed->uart, byte);
    }
    if (feed->count) {
        schedule(feed, event->when_ps);
    }
}

void uart_feed_init(struct uart_feed *feed, struct uart *uart) {
    *feed = (struct uart_feed){ .uart = uart };
    feed->next = (struct event){ .name = "uart feed", .callback = frame_in, .owner = feed };
}

size_t uart_feed_write(struct uart_feed *feed, const uint8_t *data, size_t size) {
    size_t taken = 0;
    while (taken < size && feed->count < UART_FEED_SIZE) {
        feed->queue[(feed->first + feed->count++) % UART_FEED_SIZE] = data[taken++];
    }
    if (feed->count && !feed->next.pending) {
        schedule(feed, scheduler_now(feed->uart->block.env->scheduler));
    }
    return taken;
}

void uart_feed_walk(struct uart_feed *feed, const char *name, struct walk *walk) {
    walk_section(walk, name, 0);
    walk_bytes(walk, feed->queue, UART_FEED_SIZE);
    walk_size_below(walk, &feed->first, UART_FEED_SIZE);
    walk_size_below(walk, &feed->count, UART_FEED_SIZE + 1);
    walk_event(walk, &feed->next);
    walk_section_end(walk);
    if (feed->next.pending && !feed->count) {
        walk_fail(walk, "a byte that is not there is on its way");
    }
}

void uart_feed_clear(struct uart_feed *feed) {
    scheduler_cancel(feed->uart->block.env->scheduler, &feed->next);
    feed->first = feed->count = 0;
}
