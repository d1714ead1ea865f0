/* Messages of the Debug Adapter Protocol as bytes: a header with Content-Length, an empty line, JSON (the protocol's
 * page "Overview", section "Base protocol"). */
#ifndef DAP_WIRE_H
#define DAP_WIRE_H

#include "emulator/core/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define DAP_MESSAGE_MAX (8u << 20)
#define DAP_HEADER_MAX 4096

/* What has come in and is no whole message yet. All zero at first. */
struct dap_wire {
    char *bytes;
    size_t length, room, at;
};

/* False with an error line when there is no memory. */
bool dap_wire_add(struct dap_wire *wire, const char *bytes, size_t size, struct error *error);
/* The next message, for the caller to release. NULL: none is there yet; with a message in `error`, whose text is empty
 * otherwise: what came in is none, and nothing behind it can be read. */
json_t *dap_wire_next(struct dap_wire *wire, struct error *error);
void dap_wire_finish(struct dap_wire *wire);
/* A message with its header, NUL-terminated; to be freed. NULL: out of memory. */
char *dap_wire_pack(const json_t *message, size_t *ret_size);

#endif
