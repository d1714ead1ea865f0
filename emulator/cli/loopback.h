/* TCP ports of this computer alone (RFC 1122, 127.0.0.0/8): nothing else can reach what listens there. */
#ifndef CLI_LOOPBACK_H
#define CLI_LOOPBACK_H

/* A socket that listens, non-blocking, for up to `waiting` clients that have not been taken in. Port 0: any free one;
 * `*ret_port` says which. -1 with errno. */
int loopback_listen(unsigned port, int waiting, unsigned *ret_port);
/* The next client, non-blocking and without delays for short writes; -1: nobody is there. */
int loopback_accept(int listener);

#endif
