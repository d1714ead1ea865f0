/* The GDB server: its clients, and which packet goes where. gdb.h tells what it is. */
#include "emulator/debug/gdb_private.h"

#include <stdlib.h>
#include <string.h>

struct core *gdb_core(struct gdb *gdb, unsigned core) {
    return machine_core(gdb->machine, core);
}

bool gdb_set_register(struct gdb *gdb, unsigned core, unsigned number, uint32_t value) {
    struct error error;
    const struct input input = { .kind = INPUT_REGISTER, .index = INPUT_REGISTER_OF(core, number), .value = value };
    return !gdb_reverse_is_past(gdb) && session_apply(gdb->session, &input, &error);
}

bool gdb_is_driver(const struct gdb_client *client) {
    return client->gdb->driver == client;
}

/* ---- Queries ---- */

static void reply_supported(struct gdb_client *client) {
    gdb_reply(client,
              "PacketSize=%x;QStartNoAckMode+;vContSupported+;qXfer:features:read+;qXfer:memory-map:read+;"
              "qXfer:threads:read+%s%s",
              GDB_PACKET, client->gdb->desc.symbols ? ";qXfer:exec-file:read+" : "",
              gdb_is_driver(client) && gdb_reverse_is_possible(client->gdb) ? ";ReverseStep+;ReverseContinue+" : "");
}

/* "OFFSET,LENGTH" of a text: "m" and a piece, or "l" and the last one. */
static void reply_piece(struct gdb_client *client, const char *text, const struct gdb_text *whole) {
    uint32_t offset, length;
    struct gdb_text reply = { 0 };
    if (!gdb_parse_range(&text, &offset, &length) || offset > whole->length || whole->failed) {
        gdb_reply(client, "E16");
        return;
    }
    size_t rest = whole->length - offset, most = GDB_PACKET / 2;
    size_t piece = length < most ? length : most;
    gdb_text_add(&reply, rest > piece ? "m" : "l", 1);
    gdb_text_add(&reply, whole->bytes + offset, rest > piece ? piece : rest);
    gdb_reply_text(client, &reply);
    gdb_text_finish(&reply);
}

static void put_symbols(struct gdb *gdb, struct gdb_text *text) {
    char *path = gdb->desc.symbols ? realpath(gdb->desc.symbols, NULL) : NULL;
    gdb_text_print(text, "%s", path ? path : "");
    free(path);
}

static const struct {
    const char *name;
    void (*put)(struct gdb *gdb, struct gdb_text *text);
} objects[] = {
    { "features:read:target.xml:", gdb_registers_put_xml },
    { "memory-map:read::", gdb_memory_put_map },
    { "threads:read::", gdb_threads_put },
    { "exec-file:read:", put_symbols },
};

static void transfer(struct gdb_client *client, const char *text) {
    for (size_t i = 0; i < sizeof(objects) / sizeof(objects[0]); i++) {
        size_t length = strlen(objects[i].name);
        if (strncmp(text, objects[i].name, length) == 0) {
            struct gdb_text whole = { 0 };
            const char *range = strrchr(text, ':') + 1;
            objects[i].put(client->gdb, &whole);
            reply_piece(client, range, &whole);
            gdb_text_finish(&whole);
            return;
        }
    }
    gdb_reply(client, "E00");
}

static void run_command(struct gdb_client *client, const char *hex) {
    char command[1024];
    size_t length = gdb_parse_bytes(hex, (uint8_t *)command, sizeof(command) - 1);
    command[length] = '\0';
    gdb_monitor_run(client, command);
}

static void query_thread(struct gdb_client *client, const char *text) {
    struct gdb_text reply = { 0 }, words = { 0 };
    unsigned core;
    if (!gdb_threads_parse(&text, &core) || core == GDB_ALL_CORES) {
        gdb_reply(client, "E16");
        return;
    }
    gdb_text_print(&words, "core %u", core);
    gdb_text_hex(&reply, words.bytes, words.length);
    gdb_reply_text(client, &reply);
    gdb_text_finish(&reply);
    gdb_text_finish(&words);
}

static bool begins(const char *packet, const char *with, const char **ret_rest) {
    size_t length = strlen(with);
    *ret_rest = packet + length;
    return strncmp(packet, with, length) == 0;
}

static void query(struct gdb_client *client, const char *packet) {
    const char *rest;
    if (begins(packet, "qSupported", &rest)) {
        reply_supported(client);
    } else if (begins(packet, "qXfer:", &rest)) {
        transfer(client, rest);
    } else if (begins(packet, "qRcmd,", &rest)) {
        run_command(client, rest);
    } else if (begins(packet, "qThreadExtraInfo,", &rest)) {
        query_thread(client, rest);
    } else if (strcmp(packet, "qfThreadInfo") == 0) {
        gdb_reply(client, "m1,2");
    } else if (strcmp(packet, "qsThreadInfo") == 0) {
        gdb_reply(client, "l");
    } else if (strcmp(packet, "qC") == 0) {
        gdb_reply(client, "QC%u", client->core + 1);
    } else if (begins(packet, "qAttached", &rest)) {
        gdb_reply(client, "1");
    } else if (begins(packet, "qSymbol:", &rest)) {
        gdb_reply(client, "OK");
    } else {
        gdb_reply(client, "%s", "");
    }
}

static void set_mode(struct gdb_client *client, const char *packet) {
    if (strcmp(packet, "QStartNoAckMode") == 0) {
        gdb_reply(client, "OK");
        client->no_acks = true;
    } else {
        gdb_reply(client, "%s", "");
    }
}

/* ---- Packets ---- */

static void choose_thread(struct gdb_client *client, const char *packet) {
    unsigned core;
    const char *text = packet + 2;
    bool ok = packet[1] && gdb_threads_parse(&text, &core);
    if (ok && core != GDB_ALL_CORES) {
        client->core = core;
    }
    gdb_reply(client, ok ? "OK" : "E16");
}

static void check_thread(struct gdb_client *client, const char *text) {
    unsigned core;
    gdb_reply(client, gdb_threads_parse(&text, &core) ? "OK" : "E16");
}

static void detach(struct gdb_client *client) {
    gdb_reply(client, "OK");
    if (gdb_is_driver(client)) {
        gdb_threads_forget(client->gdb);
        gdb_reverse_end(client->gdb);
        client->gdb->driver = NULL;
    }
}

/* What changes something, and is the driver's alone. True: it was such a packet. */
static bool change(struct gdb_client *client, const char *packet, size_t size) {
    const char *rest;
    switch (packet[0]) {
    case 'G':
        gdb_registers_write_all(client, packet + 1);
        return true;
    case 'P':
        gdb_registers_write(client, packet + 1);
        return true;
    case 'M':
        gdb_memory_write(client, packet + 1);
        return true;
    case 'X':
        gdb_memory_write_binary(client, packet + 1, size - 1);
        return true;
    case 'Z':
        gdb_points_insert(client, packet + 1);
        return true;
    case 'z':
        gdb_points_remove(client, packet + 1);
        return true;
    case 'c':
    case 's':
    case 'C':
    case 'S':
        gdb_threads_resume_old(client, packet);
        return true;
    case 'b':
        gdb_reverse_resume(client, packet[1]);
        return true;
    case 'v':
        break;
    default:
        return false;
    }
    if (begins(packet, "vCont;", &rest)) {
        gdb_threads_resume(client, packet + 5);
    } else if (begins(packet, "vFlashErase:", &rest)) {
        gdb_memory_erase_flash(client, rest);
    } else if (begins(packet, "vFlashWrite:", &rest)) {
        gdb_memory_write_flash(client, rest, size - (size_t)(rest - packet));
    } else if (strcmp(packet, "vFlashDone") == 0) {
        gdb_reply(client, "OK");
    } else {
        return false;
    }
    return true;
}

static bool changes(const char *packet) {
    return packet[0] &&
           (strchr("GPMXZzcsCSb", packet[0]) || strncmp(packet, "vCont;", 6) == 0 || strncmp(packet, "vFlash", 6) == 0);
}

static void answer(struct gdb_client *client, const char *packet) {
    switch (packet[0]) {
    case 'q':
        query(client, packet);
        break;
    case 'Q':
        set_mode(client, packet);
        break;
    case '?':
        gdb_threads_tell_stop(client);
        break;
    case 'g':
        gdb_registers_read_all(client);
        break;
    case 'p':
        gdb_registers_read(client, packet + 1);
        break;
    case 'm':
        gdb_memory_read(client, packet + 1);
        break;
    case 'H':
        choose_thread(client, packet);
        break;
    case 'T':
        check_thread(client, packet + 1);
        break;
    case '!':
        gdb_reply(client, "OK");
        break;
    case 'D':
        detach(client);
        break;
    case 'k': /* no reply; the board goes on, as after a detach */
        gdb_disconnect(client->gdb, client->number);
        gdb_connect(client->gdb, client->number);
        break;
    default:
        if (strcmp(packet, "vCont?") == 0) {
            gdb_reply(client, "vCont;c;C;s;S;r");
        } else if (strncmp(packet, "vKill", 5) == 0) {
            detach(client);
        } else {
            gdb_reply(client, "%s", "");
        }
        break;
    }
}

static void take_board(struct gdb_client *client) {
    struct gdb *gdb = client->gdb;
    gdb->driver = client;
    gdb->holds = true;
    gdb->halted_core = 0;
    gdb->signal = GDB_SIGTRAP;
    gdb->caught = CATCH_NOTHING;
    gdb_reverse_begin(gdb);
}

/* While the board runs its driver has nothing to say but to interrupt it; who only looks may look. */
void gdb_packet(struct gdb_client *client, const char *packet, size_t size) {
    struct gdb *gdb = client->gdb;
    if (!gdb->driver && changes(packet)) {
        take_board(client); /* whoever had it has left */
    }
    if (!changes(packet)) {
        answer(client, packet);
    } else if (!gdb_is_driver(client) || !gdb->holds) {
        gdb_reply(client,
                  gdb_is_driver(client) ? "E.the board runs" : "E.another client has the board; this one looks");
    } else if (!change(client, packet, size)) {
        gdb_reply(client, "%s", "");
    }
}

void gdb_interrupt(struct gdb_client *client) {
    struct gdb *gdb = client->gdb;
    if (gdb_is_driver(client) && !gdb->holds) {
        int halted = machine_halted_core(gdb->machine);
        gdb_threads_halt(gdb, halted < 0 ? client->core : (unsigned)halted, GDB_SIGINT);
    }
}

/* ---- Clients ---- */

void gdb_connect(struct gdb *gdb, unsigned number) {
    struct gdb_client *client = &gdb->clients[number];
    gdb_packets_reset(client);
    client->connected = true;
    gdb->desc.send(gdb->desc.context, number, "+", 1); /* some clients wait for it */
    if (!gdb->driver) {
        take_board(client);
    }
}

void gdb_disconnect(struct gdb *gdb, unsigned number) {
    struct gdb_client *client = &gdb->clients[number];
    client->connected = false;
    if (gdb->driver == client) {
        gdb->driver = NULL;
        gdb_threads_forget(gdb);
        gdb_reverse_end(gdb);
    }
}

void gdb_receive(struct gdb *gdb, unsigned client, const void *bytes, size_t size) {
    gdb_packets_receive(&gdb->clients[client], bytes, size);
}

/* ---- Life ---- */

bool gdb_holds(const struct gdb *gdb) {
    return gdb->holds || gdb->waits;
}

bool gdb_is_attached(const struct gdb *gdb) {
    return gdb->driver != NULL;
}

void gdb_ran(struct gdb *gdb) {
    if (!gdb->holds) {
        gdb_threads_ran(gdb);
    }
}

struct gdb *gdb_create(const struct gdb_desc *desc, struct error *error) {
    struct gdb *gdb = calloc(1, sizeof(*gdb));
    if (!gdb) {
        error_set(error, "out of memory");
        return NULL;
    }
    gdb->desc = *desc;
    gdb->session = desc->session;
    gdb->machine = session_machine(desc->session);
    gdb->waits = desc->wait;
    gdb->catches_faults = gdb->has_semihosting = true;
    gdb->stepped_core = GDB_ALL_CORES;
    for (unsigned i = 0; i < GDB_CLIENTS; i++) {
        gdb->clients[i].gdb = gdb;
        gdb->clients[i].number = i;
    }
    gdb_points_enter(gdb);
    return gdb;
}

void gdb_destroy(struct gdb *gdb) {
    if (!gdb) {
        return;
    }
    gdb_threads_forget(gdb);
    gdb_reverse_end(gdb);
    session_set_debugger(gdb->session, NULL);
    for (unsigned i = 0; i < GDB_CLIENTS; i++) {
        gdb_packets_reset(&gdb->clients[i]);
    }
    free(gdb);
}
