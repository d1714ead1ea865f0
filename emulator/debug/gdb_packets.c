/* Packets of GDB's remote protocol: "$data#sum", acknowledged by "+" or "-" until the client switches that off;
 * "}" escapes; 0x03 between packets asks the board to stand still. Run-length encoding is not used in replies, which
 * the protocol allows. */
#include "emulator/debug/gdb_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERRUPT 0x03
#define ESCAPE '}'
#define ESCAPE_BIT 0x20

/* ---- Text ---- */

static bool text_reserve(struct gdb_text *text, size_t size) {
    if (text->length + size + 1 <= text->room) {
        return true;
    }
    size_t room = 2 * (text->length + size + 64);
    char *bytes = realloc(text->bytes, room);
    text->failed |= !bytes;
    if (bytes) {
        text->bytes = bytes;
        text->room = room;
    }
    return bytes != NULL;
}

void gdb_text_add(struct gdb_text *text, const void *bytes, size_t size) {
    if (text_reserve(text, size)) {
        memcpy(text->bytes + text->length, bytes, size);
        text->length += size;
        text->bytes[text->length] = '\0';
    }
}

void gdb_text_print(struct gdb_text *text, const char *format, ...) {
    char piece[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(piece, sizeof(piece), format, arguments);
    va_end(arguments);
    gdb_text_add(text, piece, length < (int)sizeof(piece) ? (size_t)length : sizeof(piece) - 1);
}

void gdb_text_hex(struct gdb_text *text, const void *bytes, size_t size) {
    static const char digits[] = "0123456789abcdef";
    const uint8_t *each = bytes;
    for (size_t i = 0; i < size; i++) {
        const char pair[2] = { digits[each[i] >> 4], digits[each[i] & 15] };
        gdb_text_add(text, pair, sizeof(pair));
    }
}

void gdb_text_finish(struct gdb_text *text) {
    free(text->bytes);
    *text = (struct gdb_text){ 0 };
}

/* ---- Numbers ---- */

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

bool gdb_parse_hex(const char **text, uint64_t *ret_number) {
    unsigned digits = 0;
    *ret_number = 0;
    *text += strspn(*text, " ");
    for (int digit; (digit = hex_digit(**text)) >= 0; (*text)++, digits++) {
        if (digits == 16) {
            return false;
        }
        *ret_number = *ret_number << 4 | (unsigned)digit;
    }
    return digits > 0;
}

bool gdb_parse_range(const char **text, uint32_t *ret_address, uint32_t *ret_length) {
    uint64_t address, length;
    if (!gdb_parse_hex(text, &address) || *(*text)++ != ',' || !gdb_parse_hex(text, &length)) {
        return false;
    }
    *ret_address = (uint32_t)address;
    *ret_length = (uint32_t)length;
    return address <= UINT32_MAX && length <= UINT32_MAX;
}

size_t gdb_parse_bytes(const char *text, uint8_t *ret_bytes, size_t room) {
    size_t count = 0;
    while (count < room && hex_digit(text[0]) >= 0 && hex_digit(text[1]) >= 0) {
        ret_bytes[count++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
        text += 2;
    }
    return count;
}

/* ---- Out ---- */

static void send_bytes(struct gdb_client *client, const void *bytes, size_t size) {
    const struct gdb_desc *desc = &client->gdb->desc;
    desc->send(desc->context, client->number, bytes, size);
}

static void send_again(struct gdb_client *client) {
    if (client->last.length) {
        send_bytes(client, client->last.bytes, client->last.length);
    }
}

/* Takes the packet. */
static void send_packet(struct gdb_client *client, struct gdb_text *packet) {
    gdb_text_finish(&client->last);
    client->last = *packet;
    client->unacknowledged = !client->no_acks;
    send_again(client);
}

/* "#" is in no packet but before its sum. */
static void send_waiting(struct gdb_client *client) {
    struct gdb_text *waiting = &client->waiting, packet = { 0 };
    const char *sum = waiting->length ? memchr(waiting->bytes, '#', waiting->length) : NULL;
    if (!sum) {
        return;
    }
    size_t length = (size_t)(sum - waiting->bytes) + 3;
    gdb_text_add(&packet, waiting->bytes, length);
    waiting->length -= length;
    memmove(waiting->bytes, waiting->bytes + length, waiting->length);
    send_packet(client, &packet);
}

static void take_acknowledgement(struct gdb_client *client) {
    client->unacknowledged = false;
    do {
        send_waiting(client);
    } while (client->no_acks && client->waiting.length);
}

static bool needs_escape(char c) {
    return c == '$' || c == '#' || c == ESCAPE || c == '*';
}

void gdb_reply_bytes(struct gdb_client *client, const void *bytes, size_t size) {
    struct gdb_text packet = { 0 };
    const char *from = bytes;
    uint8_t sum = 0;
    gdb_text_add(&packet, "$", 1);
    for (size_t i = 0; i < size; i++) {
        const char escaped[2] = { ESCAPE, (char)(from[i] ^ ESCAPE_BIT) };
        bool escapes = needs_escape(from[i]);
        gdb_text_add(&packet, escapes ? escaped : &from[i], escapes ? 2 : 1);
    }
    for (size_t i = 1; i < packet.length; i++) {
        sum = (uint8_t)(sum + (uint8_t)packet.bytes[i]);
    }
    gdb_text_print(&packet, "#%02x", sum);
    if (packet.failed) {
        gdb_text_finish(&packet);
    } else if (client->unacknowledged) {
        gdb_text_add(&client->waiting, packet.bytes, packet.length);
        gdb_text_finish(&packet);
    } else {
        send_packet(client, &packet);
    }
}

void gdb_reply(struct gdb_client *client, const char *format, ...) {
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    gdb_reply_bytes(client, text, length < (int)sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

void gdb_reply_text(struct gdb_client *client, const struct gdb_text *text) {
    if (text->failed) {
        gdb_reply(client, "E0c");
    } else {
        gdb_reply_bytes(client, text->bytes ? text->bytes : "", text->length);
    }
}

void gdb_reply_console(struct gdb_client *client, const char *text) {
    size_t size = strlen(text);
    while (size) {
        struct gdb_text packet = { 0 };
        size_t piece = size < 1000 ? size : 1000;
        gdb_text_add(&packet, "O", 1);
        gdb_text_hex(&packet, text, piece);
        gdb_reply_text(client, &packet);
        gdb_text_finish(&packet);
        text += piece;
        size -= piece;
    }
}

/* ---- In ---- */

static void end_packet(struct gdb_client *client) {
    bool right = client->sum == client->wanted_sum;
    client->framing = FRAMING_NOTHING;
    if (!client->no_acks) {
        send_bytes(client, right ? "+" : "-", 1);
    }
    if (!right) {
        return;
    }
    if (client->too_long) {
        gdb_reply(client, "E.a packet has at most %u bytes", GDB_PACKET);
        return;
    }
    client->packet[client->length] = '\0';
    gdb_packet(client, client->packet, client->length);
}

static void begin_packet(struct gdb_client *client) {
    client->framing = FRAMING_PACKET;
    client->length = 0;
    client->sum = 0;
    client->escaped = client->too_long = false;
}

static void take_data(struct gdb_client *client, uint8_t byte) {
    if (byte == '$') { /* the last one has been broken off */
        begin_packet(client);
        return;
    }
    if (byte == '#') {
        client->framing = FRAMING_SUM_HIGH;
        return;
    }
    client->sum = (uint8_t)(client->sum + byte);
    if (byte == ESCAPE && !client->escaped) {
        client->escaped = true;
        return;
    }
    client->too_long |= client->length == GDB_PACKET;
    if (!client->too_long) {
        client->packet[client->length++] = (char)(client->escaped ? byte ^ ESCAPE_BIT : byte);
    }
    client->escaped = false;
}

/* Who sends a packet has seen the reply to the one before. */
static void take_between(struct gdb_client *client, uint8_t byte) {
    if (byte == '$') {
        take_acknowledgement(client);
        begin_packet(client);
    } else if (byte == '+') {
        take_acknowledgement(client);
    } else if (byte == '-' && !client->no_acks) {
        send_again(client);
    } else if (byte == INTERRUPT) {
        gdb_interrupt(client);
    }
}

static void take_byte(struct gdb_client *client, uint8_t byte) {
    int digit = hex_digit((char)byte);
    switch (client->framing) {
    case FRAMING_NOTHING:
        take_between(client, byte);
        break;
    case FRAMING_PACKET:
        take_data(client, byte);
        break;
    case FRAMING_SUM_HIGH:
        client->wanted_sum = (uint8_t)((unsigned)digit << 4);
        client->framing = digit < 0 ? FRAMING_NOTHING : FRAMING_SUM_LOW;
        break;
    case FRAMING_SUM_LOW:
        client->wanted_sum |= (uint8_t)(digit & 15);
        end_packet(client);
        break;
    }
}

void gdb_packets_receive(struct gdb_client *client, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size && client->connected; i++) {
        take_byte(client, bytes[i]);
    }
}

void gdb_packets_reset(struct gdb_client *client) {
    gdb_text_finish(&client->last);
    gdb_text_finish(&client->waiting);
    client->unacknowledged = false;
    client->framing = FRAMING_NOTHING;
    client->no_acks = false;
    client->core = 0;
}
