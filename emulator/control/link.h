/* Where the lines of the control protocol come from and go to: a Unix socket, one client after the other, or standard
 * input and output. Nothing here blocks, but for link_wait(). */
#ifndef CONTROL_LINK_H
#define CONTROL_LINK_H

#include "emulator/control/control.h"

#include <poll.h>

#define LINK_LINE_MAX (24u << 20) /* bytes of a request: a file of 16 MB in base64 */
#define LINK_FDS 3

struct link;

/* `spec`: "unix:PATH" or "stdio". The socket's file is made for its owner alone; one that nobody listens at any more is
 * replaced. NULL and an error line on failure. */
struct link *link_open(const char *spec, struct error *error);
/* What has not been sent yet is sent if the client takes it; the socket's file is removed. NULL is fine. */
void link_close(struct link *link);
/* The same, for a link that another process has as well: nothing is sent, and the file stays. */
void link_abandon(struct link *link);
/* It is over when its first client has gone. */
void link_serve_once(struct link *link);
/* The control that gets the lines. Before the first link_step(). */
void link_use(struct link *link, struct control *control);
/* control_desc.send, with the link as its context. */
void link_send(void *context, const char *line, size_t size);
/* Take clients in, read what they have sent, send what there is. */
void link_step(struct link *link);
/* Much has not been read by the client yet: the board is to wait. */
bool link_is_full(const struct link *link);
/* Standard input has ended and everything that came from it has been served, or nobody reads the output any more; or
 * the one client of link_serve_once() has gone. */
bool link_is_over(const struct link *link);
/* Why it is over before its time; NULL: there is no such reason. */
const char *link_failure(const struct link *link);
/* What to wait for; returns the number of entries filled. */
unsigned link_poll(const struct link *link, struct pollfd fds[LINK_FDS]);

#endif
