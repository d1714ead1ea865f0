/* The TCP port of the GDB server, on this computer alone. Nothing here blocks. */
#ifndef CLI_GDB_LINK_H
#define CLI_GDB_LINK_H

#include "emulator/debug/gdb.h"

#include <poll.h>

#define GDB_LINK_FDS (GDB_CLIENTS + 1)

struct gdb_link;

/* Port 0: any free one. NULL and an error line on failure. */
struct gdb_link *gdb_link_open(unsigned port, struct error *error);
void gdb_link_close(struct gdb_link *link); /* NULL is fine */
unsigned gdb_link_port(const struct gdb_link *link);
/* The server that the clients talk to. Before the first gdb_link_step(). */
void gdb_link_use(struct gdb_link *link, struct gdb *gdb);
/* gdb_desc.send, with the link as its context. */
void gdb_link_send(void *context, unsigned client, const void *bytes, size_t size);
/* Take clients in, read what they have sent, send what there is. */
void gdb_link_step(struct gdb_link *link);
/* What to wait for; returns the number of entries filled. */
unsigned gdb_link_poll(const struct gdb_link *link, struct pollfd fds[GDB_LINK_FDS]);

#endif
