/* A server of GDB's remote serial protocol: a session driven by gdb-multiarch or by an editor through it.
 *
 * Follows "Debugging with GDB", appendix E (remote protocol) and G (target descriptions). Both cores are threads (1 and
 * 2) of one program; when one halts, time stands still for both. The first client that connects drives the board, and
 * the board halts for it; others may look while it runs (live watch), and are refused what would change something.
 *
 * Bytes in, bytes out: sockets are the front end's. Nothing here blocks. Whatever a client sends, the answer is a reply
 * of the protocol.
 *
 * Not served: non-stop mode, one core alone running while the other stands still (time is one for both), RISC-V. */
#ifndef DEBUG_GDB_H
#define DEBUG_GDB_H

#include "emulator/core/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GDB_CLIENTS 4

struct session;
struct gdb;

struct gdb_desc {
    struct session *session;
    const char *symbols; /* an ELF file that clients are told of; NULL: none */
    bool wait;           /* the board does not run before the first client lets it */
    /* Bytes for a client. */
    void (*send)(void *context, unsigned client, const void *bytes, size_t size);
    void *context;
};

/* NULL and an error line on failure. */
struct gdb *gdb_create(const struct gdb_desc *desc, struct error *error);
/* Before the session is closed. NULL is fine. */
void gdb_destroy(struct gdb *gdb);

/* Client `client` (below GDB_CLIENTS) has come or gone; has sent something. */
void gdb_connect(struct gdb *gdb, unsigned client);
void gdb_disconnect(struct gdb *gdb, unsigned client);
void gdb_receive(struct gdb *gdb, unsigned client, const void *bytes, size_t size);

/* A client has the board: session_run() is not to be called. */
bool gdb_holds(const struct gdb *gdb);
/* Somebody has connected who drives the board, whether it runs or stands still. */
bool gdb_is_attached(const struct gdb *gdb);
/* After each session_run(): what has halted the board is told. */
void gdb_ran(struct gdb *gdb);

#endif
