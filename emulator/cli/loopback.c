/* See loopback.h. */
#include "emulator/cli/loopback.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static bool bind_and_listen(int listener, unsigned port, int waiting, unsigned *ret_port) {
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t length = sizeof(address);
    int one = 1;
    bool ok = setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == 0 &&
              bind(listener, (const struct sockaddr *)&address, length) == 0 && listen(listener, waiting) == 0 &&
              getsockname(listener, (struct sockaddr *)&address, &length) == 0;
    *ret_port = ntohs(address.sin_port);
    return ok;
}

int loopback_listen(unsigned port, int waiting, unsigned *ret_port) {
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener >= 0 && !bind_and_listen(listener, port, waiting, ret_port)) {
        int why = errno;
        close(listener);
        errno = why;
        return -1;
    }
    return listener;
}

int loopback_accept(int listener) {
    int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;
    if (client >= 0) {
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    }
    return client;
}
