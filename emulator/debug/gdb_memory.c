/* Memory and registers of blocks as a client sees them, the memory map, and `load` into RAM and flash.
 *
 * Loads of a client have no effect: of a register where loading does something it gets an error. Its stores are inputs
 * of the session, so that recordings have them. */
#include "emulator/debug/gdb_private.h"

#include "emulator/core/bus.h"
#include "firmware-loader/chip.h"

#include <stdlib.h>
#include <string.h>

#define SECTOR 4096u
#define READ_MOST (GDB_PACKET / 2)
#define DEVICES_BASE 0x40000000u /* registers of blocks, SIO and the private bus: all that is no memory */

/* ---- The map ---- */

static void put_region(struct gdb_text *text, const char *type, uint32_t base, uint64_t size) {
    gdb_text_print(text, "<memory type=\"%s\" start=\"0x%x\" length=\"0x%llx\"", type, base, (unsigned long long)size);
    gdb_text_print(text, strcmp(type, "flash") == 0 ? "><property name=\"blocksize\">0x%x</property></memory>" : "/>",
                   SECTOR);
}

/* The first window of the flash is where it is written; the others show the same bytes. */
static void put_memory(const struct bus_memory *memory, struct gdb_text *text) {
    const char *type = memory->base == CHIP_FLASH_BASE ? "flash" : memory->writable ? "ram" : "rom";
    put_region(text, type, memory->base, memory->size);
}

void gdb_memory_put_map(struct gdb *gdb, struct gdb_text *text) {
    const struct bus_memory *memory;
    gdb_text_print(text, "<?xml version=\"1.0\"?><!DOCTYPE memory-map PUBLIC \"+//IDN gnu.org//DTD GDB Memory Map "
                         "V1.0//EN\" \"http://sourceware.org/gdb/gdb-memory-map.dtd\"><memory-map>");
    for (unsigned i = 0; (memory = machine_memory(gdb->machine, i)); i++) {
        if (memory->base < DEVICES_BASE) {
            put_memory(memory, text);
        }
    }
    put_region(text, "ram", DEVICES_BASE, UINT64_C(0x100000000) - DEVICES_BASE);
    gdb_text_print(text, "</memory-map>");
}

/* ---- Reading ---- */

/* The largest access that address and size allow. */
static unsigned access_size(uint32_t address, size_t size) {
    return !(address & 3) && size >= 4 ? 4 : !(address & 1) && size >= 2 ? 2 : 1;
}

size_t gdb_memory_look(struct gdb *gdb, unsigned core, uint32_t address, uint8_t *ret_bytes, size_t size) {
    size_t done = 0;
    uint32_t value;
    if (machine_peek(gdb->machine, address, ret_bytes, size)) {
        return size;
    }
    while (done < size) {
        unsigned piece = access_size(address + (uint32_t)done, size - done);
        if (!machine_look(gdb->machine, core, address + (uint32_t)done, piece, &value)) {
            break;
        }
        memcpy(ret_bytes + done, &value, piece);
        done += piece;
    }
    return done;
}

static size_t read_range(struct gdb_client *client, const char *text, uint8_t bytes[READ_MOST], bool *ret_ok) {
    uint32_t address, length;
    *ret_ok = gdb_parse_range(&text, &address, &length);
    length = length < READ_MOST ? length : READ_MOST;
    return *ret_ok ? gdb_memory_look(client->gdb, client->core, address, bytes, length) : 0;
}

void gdb_memory_read(struct gdb_client *client, const char *text) {
    uint8_t bytes[READ_MOST];
    bool ok;
    size_t size = read_range(client, text, bytes, &ok);
    struct gdb_text reply = { 0 };
    if (!ok || !size) {
        gdb_reply(client, ok ? "E0e" : "E16");
        return;
    }
    gdb_text_hex(&reply, bytes, size);
    gdb_reply_text(client, &reply);
    gdb_text_finish(&reply);
}

/* ---- Writing ---- */

static bool put_piece(struct gdb *gdb, unsigned core, uint32_t address, const void *bytes, size_t size) {
    struct error error;
    const struct input input = { .kind = INPUT_MEMORY, .index = address, .value = core, .data = bytes, .size = size };
    return !gdb_reverse_is_past(gdb) && session_apply(gdb->session, &input, &error);
}

/* All at once where it is memory, else register by register. */
bool gdb_memory_put(struct gdb *gdb, unsigned core, uint32_t address, const void *bytes, size_t size) {
    const uint8_t *from = bytes;
    if (!size || put_piece(gdb, core, address, bytes, size)) {
        return true;
    }
    for (size_t done = 0; done < size;) {
        unsigned piece = access_size(address + (uint32_t)done, size - done);
        if (!put_piece(gdb, core, address + (uint32_t)done, from + done, piece)) {
            return false;
        }
        done += piece;
    }
    return true;
}

static void write_bytes(struct gdb_client *client, uint32_t address, const void *bytes, size_t size) {
    gdb_reply(client, gdb_memory_put(client->gdb, client->core, address, bytes, size) ? "OK" : "E0e");
}

void gdb_memory_write(struct gdb_client *client, const char *text) {
    uint8_t bytes[GDB_PACKET / 2];
    uint32_t address, length;
    if (gdb_parse_range(&text, &address, &length) && *text == ':' && length <= sizeof(bytes) &&
        gdb_parse_bytes(text + 1, bytes, sizeof(bytes)) == length) {
        write_bytes(client, address, bytes, length);
    } else {
        gdb_reply(client, "E16");
    }
}

void gdb_memory_write_binary(struct gdb_client *client, const char *text, size_t size) {
    const char *at = text;
    uint32_t address, length;
    if (gdb_parse_range(&at, &address, &length) && *at == ':' && size - (size_t)(at + 1 - text) == length) {
        write_bytes(client, address, at + 1, length);
    } else {
        gdb_reply(client, "E16");
    }
}

/* ---- Flash ---- */

void gdb_memory_erase_flash(struct gdb_client *client, const char *text) {
    static const uint8_t erased[SECTOR] = { [0 ... SECTOR - 1] = 0xff };
    uint32_t address, length;
    bool ok = gdb_parse_range(&text, &address, &length) && !(address % SECTOR) && !(length % SECTOR);
    for (uint32_t done = 0; ok && done < length; done += SECTOR) {
        ok = put_piece(client->gdb, client->core, address + done, erased, SECTOR);
    }
    gdb_reply(client, ok ? "OK" : "E0e");
}

void gdb_memory_write_flash(struct gdb_client *client, const char *text, size_t size) {
    const char *at = text;
    uint64_t address;
    bool ok = gdb_parse_hex(&at, &address) && address <= UINT32_MAX && *at == ':';
    size_t length = ok ? size - (size_t)(at + 1 - text) : 0;
    ok = ok && (!length || put_piece(client->gdb, client->core, (uint32_t)address, at + 1, length));
    gdb_reply(client, ok ? "OK" : "E.memtype");
}
