/* What the files gdb_*.c share. */
#ifndef DEBUG_GDB_PRIVATE_H
#define DEBUG_GDB_PRIVATE_H

#include "emulator/cpu/core.h"
#include "emulator/debug/gdb.h"
#include "emulator/session/session.h"

#define GDB_PACKET 16384u /* bytes of a packet, without frame and check sum */
#define GDB_CORES 2u
#define GDB_ALL_CORES GDB_CORES /* instead of a core's number */

/* Signals by the protocol's own numbers. */
enum gdb_signal { GDB_SIGINT = 2, GDB_SIGILL = 4, GDB_SIGTRAP = 5, GDB_SIGBUS = 10, GDB_SIGSEGV = 11 };

/* ---- Text that grows (gdb_packets.c) ---- */
struct gdb_text {
    char *bytes;
    size_t length, room;
    bool failed; /* out of memory */
};
void gdb_text_add(struct gdb_text *text, const void *bytes, size_t size);
void gdb_text_print(struct gdb_text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gdb_text_hex(struct gdb_text *text, const void *bytes, size_t size);
void gdb_text_finish(struct gdb_text *text);

/* ---- Packets (gdb_packets.c) ---- */
enum gdb_framing { FRAMING_NOTHING, FRAMING_PACKET, FRAMING_SUM_HIGH, FRAMING_SUM_LOW };
struct gdb_client {
    struct gdb *gdb;
    unsigned number;
    bool connected;
    bool no_acks;
    enum gdb_framing framing;
    uint8_t sum, wanted_sum;
    bool escaped, too_long;
    char packet[GDB_PACKET + 1];
    size_t length;
    struct gdb_text last;    /* the last packet that was sent, for who has not understood it */
    bool unacknowledged;     /* it has not been acknowledged: */
    struct gdb_text waiting; /* these wait for that */
    unsigned core;           /* chosen by Hg */
};
void gdb_packets_receive(struct gdb_client *client, const uint8_t *bytes, size_t size);
void gdb_packets_reset(struct gdb_client *client);
/* A packet with these bytes, escaped as needed. */
void gdb_reply_bytes(struct gdb_client *client, const void *bytes, size_t size);
void gdb_reply(struct gdb_client *client, const char *format, ...) __attribute__((format(printf, 2, 3)));
void gdb_reply_text(struct gdb_client *client, const struct gdb_text *text);
/* Lines for the client's console; only before a reply, while it waits for one. */
void gdb_reply_console(struct gdb_client *client, const char *text);
/* A hexadecimal number; *text moves behind it. False: there is none, or it is too long. */
bool gdb_parse_hex(const char **text, uint64_t *ret_number);
/* "ADDRESS,LENGTH"; *text moves behind it. */
bool gdb_parse_range(const char **text, uint32_t *ret_address, uint32_t *ret_length);
/* Bytes written in hexadecimal: as many as `text` has, at most `room`; returns how many. */
size_t gdb_parse_bytes(const char *text, uint8_t *ret_bytes, size_t room);

/* ---- Points (gdb_points.c) ---- */
/* Numbers are those of Z packets. */
enum gdb_point_kind { POINT_SOFTWARE, POINT_HARDWARE, POINT_STORE, POINT_LOAD, POINT_ACCESS, POINT_KINDS };
struct gdb_point {
    struct gdb *gdb;
    enum gdb_point_kind kind;
    uint32_t address, size;
    bool is_gone; /* taken away, but counts for a core that the client does not step (gdb_threads.c) */
    struct core_watch watches[GDB_CORES];
    struct gdb_point *next;
};

/* ---- The server ---- */
enum gdb_catch { CATCH_NOTHING, CATCH_ACCESS, CATCH_BREAKPOINT, CATCH_FAULT };
struct gdb {
    struct gdb_desc desc;
    struct session *session;
    struct machine *machine;
    struct gdb_client clients[GDB_CLIENTS];
    struct gdb_client *driver; /* NULL: nobody has the board */
    bool holds;
    bool waits; /* for the first client */
    bool catches_faults, has_semihosting;
    bool points_entered; /* the points are at the cores */

    struct gdb_point *points;

    /* Why the board stands still. */
    unsigned halted_core;
    enum gdb_signal signal;
    enum gdb_catch caught, caught_then;
    uint32_t caught_address;
    bool caught_store;
    char words[200]; /* of a fault */

    /* How it is to go on. */
    unsigned stepped_core;           /* GDB_ALL_CORES: none is */
    uint32_t range_begin, range_end; /* it is stepped on within; begin = end: no range */
    bool steps_alone;                /* the client has asked for this core alone */

    const char *history_end; /* "begin" or "end": going back has come there; NULL: it has not */
    struct gdb_reverse *reverse;
};

/* ---- Registers (gdb_registers.c) ---- */
void gdb_registers_put_xml(struct gdb *gdb, struct gdb_text *text);
void gdb_registers_read_all(struct gdb_client *client);
void gdb_registers_write_all(struct gdb_client *client, const char *text);
void gdb_registers_read(struct gdb_client *client, const char *text);
void gdb_registers_write(struct gdb_client *client, const char *text);
/* Those that a stop reply brings along. */
void gdb_registers_put_some(struct gdb *gdb, unsigned core, struct gdb_text *text);

/* ---- Memory (gdb_memory.c) ---- */
void gdb_memory_put_map(struct gdb *gdb, struct gdb_text *text);
void gdb_memory_read(struct gdb_client *client, const char *text);
void gdb_memory_read_binary(struct gdb_client *client, const char *text);
void gdb_memory_write(struct gdb_client *client, const char *text);
void gdb_memory_write_binary(struct gdb_client *client, const char *text, size_t size);
void gdb_memory_erase_flash(struct gdb_client *client, const char *text);
void gdb_memory_write_flash(struct gdb_client *client, const char *text, size_t size);
/* Bytes as they are; returns how many of them can be had. */
size_t gdb_memory_look(struct gdb *gdb, unsigned core, uint32_t address, uint8_t *ret_bytes, size_t size);
bool gdb_memory_put(struct gdb *gdb, unsigned core, uint32_t address, const void *bytes, size_t size);

/* ---- Points ---- */
void gdb_points_insert(struct gdb_client *client, const char *text);
void gdb_points_remove(struct gdb_client *client, const char *text);
void gdb_points_forget_all(struct gdb *gdb);
/* At the cores of gdb->machine, and there no longer. */
void gdb_points_enter(struct gdb *gdb);
void gdb_points_leave(struct gdb *gdb);
/* Of code. */
bool gdb_points_are_at(const struct gdb *gdb, uint32_t address);
/* The halted core of gdb->machine is at one. */
bool gdb_points_are_hit(const struct gdb *gdb);
/* The board goes on: points that were only kept for the core that is not stepped go. */
void gdb_points_settle(struct gdb *gdb);
/* The point that such an access touches; NULL: none. `with_gone`: also one that is only kept. */
const struct gdb_point *gdb_points_find_access(const struct gdb *gdb, uint32_t address, uint32_t size, bool is_store,
                                               bool with_gone);

/* ---- Threads (gdb_threads.c) ---- */
/* What the client has taken away to step one core still counts for this one. */
bool gdb_threads_keep_points(const struct gdb *gdb, const struct core *core);
void gdb_threads_put(struct gdb *gdb, struct gdb_text *text);
void gdb_threads_resume(struct gdb_client *client, const char *text);     /* vCont;... */
void gdb_threads_resume_old(struct gdb_client *client, const char *text); /* c, s, C, S */
/* The board stands still from now on, and the driver is told why. */
void gdb_threads_halt(struct gdb *gdb, unsigned core, enum gdb_signal signal);
void gdb_threads_tell_stop(struct gdb_client *client);
/* After a run: what has halted the board. */
void gdb_threads_ran(struct gdb *gdb);
/* The client lets the board run. */
void gdb_threads_go(struct gdb *gdb);
bool gdb_threads_parse(const char **text, unsigned *ret_core);
/* The next instruction of core 0 behind a reset is where the board stands. */
bool gdb_threads_reset(struct gdb *gdb, struct error *error);
void gdb_threads_forget(struct gdb *gdb);
/* The cores ask the server from now on. */
void gdb_threads_listen(struct gdb *gdb);

/* ---- Monitor (gdb_monitor.c) ---- */
void gdb_monitor_run(struct gdb_client *client, const char *command);

/* ---- Semihosting (gdb_semihosting.c) ---- */
/* A BKPT 0xab has halted the core: true when it was a call that has been served, and the core goes on behind it. */
bool gdb_semihosting_serve(struct gdb *gdb, unsigned core);

/* ---- Backwards (gdb_reverse.c) ---- */
bool gdb_reverse_is_possible(const struct gdb *gdb);
void gdb_reverse_begin(struct gdb *gdb);
void gdb_reverse_end(struct gdb *gdb);
/* 's' or 'c'. */
void gdb_reverse_resume(struct gdb_client *client, char kind);
/* The client looks at the past: gdb->session and gdb->machine are not the ones that run. */
bool gdb_reverse_is_past(const struct gdb *gdb);
/* Forward in the past; the client is told where it has come to. */
void gdb_reverse_go(struct gdb *gdb);
void gdb_reverse_to_present(struct gdb *gdb);
/* The board has run. */
void gdb_reverse_ran(struct gdb *gdb);

/* ---- Shared (gdb.c) ---- */
void gdb_packet(struct gdb_client *client, const char *packet, size_t size);
void gdb_interrupt(struct gdb_client *client);
struct core *gdb_core(struct gdb *gdb, unsigned core);
bool gdb_set_register(struct gdb *gdb, unsigned core, unsigned number, uint32_t value);
bool gdb_is_driver(const struct gdb_client *client);

#endif
