/* The bytes of a telnet connection with the COM port option (RFC 854, RFC 2217), server side. Knows no socket. */
#ifndef CLI_TELNET_H
#define CLI_TELNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct telnet {
    unsigned state;
    uint8_t command;
    uint8_t sub[32];
    size_t sub_length;
    uint8_t reply[256]; /* to be sent to the client, reply_length bytes */
    size_t reply_length;
    bool negotiated;
};

void telnet_init(struct telnet *telnet);
/* Takes what the client sent; data bytes stay in `data` (in place), the rest is answered in telnet->reply.
 * Returns the number of data bytes. */
size_t telnet_receive(struct telnet *telnet, uint8_t *data, size_t size);
/* Data for the client: doubles 0xff. `out` holds 2 * size. Returns the number of bytes. */
size_t telnet_encode(const uint8_t *data, size_t size, uint8_t *out);

#endif
