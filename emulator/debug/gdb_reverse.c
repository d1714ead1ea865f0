/* Backwards. */
#include "emulator/debug/gdb_private.h"

bool gdb_reverse_is_possible(const struct gdb *gdb) {
    return false;
}

void gdb_reverse_begin(struct gdb *gdb) {
}

void gdb_reverse_end(struct gdb *gdb) {
}

void gdb_reverse_resume(struct gdb_client *client, char kind) {
    gdb_reply(client, "%s", "");
}
