/* Breakpoints and watchpoints: Z and z packets. There may be any number; software and hardware breakpoints are the same
 * thing here, code is never changed for one.
 *
 * GDB takes all points away whenever the board stands still, and steps a core over its breakpoint without any. The
 * other core runs meanwhile, so that for it points that are gone count until the board goes on as a whole. */
#include "emulator/debug/gdb_private.h"

#include <stdlib.h>

#define DATA_MOST (1u << 20) /* bytes of a watchpoint */

static bool is_code(const struct gdb_point *point) {
    return point->kind <= POINT_HARDWARE;
}

static bool sees(const struct gdb_point *point, bool is_store) {
    return point->kind == POINT_ACCESS || (point->kind == POINT_STORE) == is_store;
}

static bool parse_point(const char *text, struct gdb_point *ret_point) {
    *ret_point = (struct gdb_point){ .kind = (enum gdb_point_kind)(*text - '0') };
    if (*text < '0' || *text > '4' || *++text != ',') {
        return false;
    }
    text++;
    return gdb_parse_range(&text, &ret_point->address, &ret_point->size);
}

static struct gdb_point *find_point(struct gdb *gdb, const struct gdb_point *like) {
    struct gdb_point *each = gdb->points;
    while (each && (each->kind != like->kind || each->address != like->address || each->size != like->size)) {
        each = each->next;
    }
    return each;
}

/* ---- At the cores ---- */

static bool reach_point(void *context, struct core *core) {
    const struct gdb_point *point = context;
    return !point->is_gone || gdb_threads_keep_points(point->gdb, core);
}

static bool watch_data(struct gdb *gdb, const struct gdb_point *point) {
    bool ok = true;
    for (unsigned i = 0; i < GDB_CORES; i++) {
        ok =
            core_watch_data(gdb_core(gdb, i), point->address, point->size, sees(point, false), sees(point, true)) && ok;
    }
    return ok;
}

static void watch_code(struct gdb *gdb, struct gdb_point *point) {
    for (unsigned i = 0; i < GDB_CORES; i++) {
        point->watches[i] =
            (struct core_watch){ .address = point->address & ~1u, .reached = reach_point, .context = point };
        core_watch(gdb_core(gdb, i), &point->watches[i]);
    }
}

static bool watch_point(struct gdb *gdb, struct gdb_point *point) {
    if (is_code(point)) {
        watch_code(gdb, point);
    }
    return is_code(point) || watch_data(gdb, point);
}

static void unwatch_point(struct gdb *gdb, struct gdb_point *point) {
    for (unsigned i = 0; i < GDB_CORES; i++) {
        if (is_code(point)) {
            core_unwatch(gdb_core(gdb, i), &point->watches[i]);
        } else {
            core_unwatch_data(gdb_core(gdb, i), point->address, point->size, sees(point, false), sees(point, true));
        }
    }
}

/* ---- Packets ---- */

static bool add_point(struct gdb *gdb, const struct gdb_point *like) {
    struct gdb_point *point = find_point(gdb, like);
    if (point) {
        point->is_gone = false;
        return true;
    }
    point = malloc(sizeof(*point));
    if (!point) {
        return false;
    }
    *point = *like;
    point->gdb = gdb;
    point->next = gdb->points;
    gdb->points = point;
    return watch_point(gdb, point);
}

void gdb_points_insert(struct gdb_client *client, const char *text) {
    struct gdb_point point;
    bool ok = parse_point(text, &point) && (is_code(&point) || (point.size && point.size <= DATA_MOST));
    gdb_reply(client, ok && add_point(client->gdb, &point) ? "OK" : "E16");
}

void gdb_points_remove(struct gdb_client *client, const char *text) {
    struct gdb_point point;
    bool ok = parse_point(text, &point);
    struct gdb_point *known = ok ? find_point(client->gdb, &point) : NULL;
    if (known) {
        known->is_gone = true;
    }
    gdb_reply(client, ok ? "OK" : "E16");
}

void gdb_points_enter(struct gdb *gdb) {
    for (struct gdb_point *each = gdb->points; each && !gdb->points_entered; each = each->next) {
        watch_point(gdb, each);
    }
    gdb->points_entered = true;
    gdb_threads_listen(gdb);
}

void gdb_points_leave(struct gdb *gdb) {
    for (struct gdb_point *each = gdb->points; each && gdb->points_entered; each = each->next) {
        unwatch_point(gdb, each);
    }
    gdb->points_entered = false;
    session_set_debugger(gdb->session, NULL);
}

static void drop_points(struct gdb *gdb, bool all) {
    for (struct gdb_point **at = &gdb->points; *at;) {
        struct gdb_point *point = *at;
        if (all || point->is_gone) {
            *at = point->next;
            if (gdb->points_entered) {
                unwatch_point(gdb, point);
            }
            free(point);
        } else {
            at = &point->next;
        }
    }
}

void gdb_points_settle(struct gdb *gdb) {
    drop_points(gdb, false);
}

void gdb_points_forget_all(struct gdb *gdb) {
    drop_points(gdb, true);
}

/* ---- Hits ---- */

bool gdb_points_are_at(const struct gdb *gdb, uint32_t address) {
    for (const struct gdb_point *each = gdb->points; each; each = each->next) {
        if (is_code(each) && !each->is_gone && (each->address & ~1u) == address) {
            return true;
        }
    }
    return false;
}

bool gdb_points_are_hit(const struct gdb *gdb) {
    int halted = machine_halted_core(gdb->machine);
    const struct core *core = halted >= 0 ? machine_core(gdb->machine, (unsigned)halted) : NULL;
    if (!core || core_halted_by(core) == CORE_AT_ACCESS) {
        return core != NULL;
    }
    return core_halted_by(core) == CORE_AT_WATCH && gdb_points_are_at(gdb, core_register(core, CORE_PC));
}

const struct gdb_point *gdb_points_find_access(const struct gdb *gdb, uint32_t address, uint32_t size, bool is_store,
                                               bool with_gone) {
    for (const struct gdb_point *each = gdb->points; each; each = each->next) {
        bool touches = address - each->address < each->size || each->address - address < size;
        if (!is_code(each) && sees(each, is_store) && touches && (with_gone || !each->is_gone)) {
            return each;
        }
    }
    return NULL;
}
