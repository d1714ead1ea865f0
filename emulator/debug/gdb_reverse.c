/* Backwards: reverse-step, reverse-continue and their like.
 *
 * While a client drives the board its run is recorded (recordings of the session library), in segments that each begin
 * with all state. Going back opens a second session that runs a segment again, bit for bit, up to the place that is
 * wanted; the client looks at that one then, while the present one stands still. Going forward leads through the past
 * to the present, and on.
 *
 * A place in the past is reached by running to a time a little before it and then either stepping a core so many times
 * or waiting for a known position of one. Nothing can be changed in the past.
 *
 * Not done: while a user's own --record writes a recording there is no other one, and no way back; older segments than
 * the last SEGMENTS are forgotten. A search does not listen to the client until it is over. */
#include "emulator/debug/gdb_private.h"

#include "emulator/core/scheduler.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENTS 64u
#define SEGMENT_PS PS_PER_S
#define WINDOW_CYCLES 4000u /* before a place, within which it is stepped to: some turns of both cores */
#define WINDOW_GROWTH 16u
#define LATE_PS PS_PER_MS /* a place that was not found by then is not there */

/* A moment, as it can be told when the run comes there. */
struct mark {
    bool is_halt; /* before an instruction of `core`; else between two turns */
    unsigned core;
    uint64_t cycles; /* of that core */
    uint32_t pc;
    struct core_position at;
    uint64_t time_ps;
    bool knows_cores; /* where both are then: */
    struct {
        uint64_t cycles;
        uint32_t pc;
    } cores[GDB_CORES];
};

struct place {
    unsigned segment; /* its number */
    uint64_t near_ps; /* a time before it */
    bool by_steps;
    unsigned core, steps;
    struct mark mark;
};

struct gdb_reverse {
    char folder[256];
    unsigned first, count; /* segments that are kept */
    uint64_t begin_ps[SEGMENTS];
    struct session *past; /* NULL: the client looks at the present */
    struct place place;
};

/* ---- Segments ---- */

static void name_segment(const struct gdb_reverse *reverse, unsigned segment, char *ret_path, size_t size) {
    snprintf(ret_path, size, "%s/%u", reverse->folder, segment);
}

static void remove_segment(const struct gdb_reverse *reverse, unsigned segment) {
    char path[300];
    name_segment(reverse, segment, path, sizeof(path));
    unlink(path);
}

static uint64_t *segment_begin(struct gdb_reverse *reverse, unsigned segment) {
    return &reverse->begin_ps[segment % SEGMENTS];
}

static unsigned last_segment(const struct gdb_reverse *reverse) {
    return reverse->first + reverse->count - 1;
}

static bool begin_segment(struct gdb *gdb) {
    struct gdb_reverse *reverse = gdb->reverse;
    struct error error;
    char path[300];
    unsigned number = reverse->first + reverse->count;
    name_segment(reverse, number, path, sizeof(path));
    if (!session_record(gdb->desc.session, path, &error)) {
        unlink(path);
        return false;
    }
    if (reverse->count == SEGMENTS) {
        remove_segment(reverse, reverse->first++);
        reverse->count--;
    }
    *segment_begin(reverse, number) = session_now(gdb->desc.session);
    reverse->count++;
    return true;
}

static void forget_segments(struct gdb *gdb) {
    struct gdb_reverse *reverse = gdb->reverse;
    struct error error;
    if (reverse->count) {
        session_end_record(gdb->desc.session, &error);
    }
    for (unsigned i = 0; i < reverse->count; i++) {
        remove_segment(reverse, reverse->first + i);
    }
    reverse->first += reverse->count;
    reverse->count = 0;
}

/* The recording can only begin anew between two turns. */
void gdb_reverse_ran(struct gdb *gdb) {
    struct gdb_reverse *reverse = gdb->reverse;
    struct session *session = gdb->desc.session;
    struct error error;
    if (!reverse || !reverse->count || machine_is_in_turn(session_machine(session)) || session_is_halted(session) ||
        session_drive_is_busy(session) ||
        session_now(session) - *segment_begin(reverse, last_segment(reverse)) < SEGMENT_PS) {
        return;
    }
    session_end_record(session, &error);
    if (!begin_segment(gdb)) {
        forget_segments(gdb);
    }
}

/* ---- Life ---- */

bool gdb_reverse_is_possible(const struct gdb *gdb) {
    return gdb->reverse && gdb->reverse->count;
}

void gdb_reverse_begin(struct gdb *gdb) {
    const char *where = getenv("TMPDIR");
    struct gdb_reverse *reverse = calloc(1, sizeof(*reverse));
    if (!reverse) {
        return;
    }
    snprintf(reverse->folder, sizeof(reverse->folder), "%s/ouroboard-XXXXXX", where ? where : "/tmp");
    gdb->reverse = reverse;
    if (!mkdtemp(reverse->folder) || !begin_segment(gdb)) {
        gdb_reverse_end(gdb);
    }
}

static void close_past(struct gdb *gdb) {
    struct gdb_reverse *reverse = gdb->reverse;
    if (reverse->past) {
        gdb_points_leave(gdb);
        session_close(reverse->past);
        reverse->past = NULL;
    }
}

void gdb_reverse_to_present(struct gdb *gdb) {
    if (gdb->reverse && gdb->reverse->past) {
        close_past(gdb);
        gdb->session = gdb->desc.session;
        gdb->machine = session_machine(gdb->session);
        gdb_points_enter(gdb);
    }
}

void gdb_reverse_end(struct gdb *gdb) {
    if (gdb->reverse) {
        gdb_reverse_to_present(gdb);
        forget_segments(gdb);
        rmdir(gdb->reverse->folder);
        free(gdb->reverse);
        gdb->reverse = NULL;
    }
}

bool gdb_reverse_is_past(const struct gdb *gdb) {
    return gdb->reverse && gdb->reverse->past;
}

/* ---- Marks ---- */

static struct mark mark_of(struct session *session) {
    struct machine *machine = session_machine(session);
    int halted = machine_halted_core(machine);
    struct mark mark = { .is_halt = halted >= 0, .time_ps = session_now(session), .knows_cores = true };
    for (unsigned i = 0; i < GDB_CORES; i++) {
        mark.cores[i].cycles = core_cycles(machine_core(machine, i));
        mark.cores[i].pc = core_register(machine_core(machine, i), CORE_PC);
    }
    if (mark.is_halt) {
        const struct core *core = machine_core(machine, (unsigned)halted);
        mark.core = (unsigned)halted;
        mark.cycles = core_cycles(core);
        mark.pc = core_register(core, CORE_PC);
        mark.at = core_position(core);
        mark.time_ps = machine_core_time(machine, mark.core);
    }
    return mark;
}

static struct mark mark_of_time(uint64_t time_ps) {
    return (struct mark){ .time_ps = time_ps };
}

/* The session stands there, or has missed it. */
static bool is_at_mark(struct session *session, const struct mark *mark) {
    struct mark now = mark_of(session);
    if (!mark->is_halt) {
        return now.time_ps >= mark->time_ps;
    }
    bool there = now.is_halt && now.core == mark->core && now.cycles == mark->cycles && now.pc == mark->pc;
    return there || session_has_come(session) || now.time_ps > mark->time_ps + LATE_PS;
}

static uint64_t run_limit(struct session *session, const struct mark *mark) {
    uint64_t now = session_now(session);
    uint64_t limit = mark->is_halt ? mark->time_ps + LATE_PS + 1 : mark->time_ps;
    return limit > now ? limit : now + 1;
}

static void arm(struct session *session, const struct mark *mark) {
    if (mark->is_halt) {
        session_halt_at(session, mark->core, &mark->at);
    } else {
        session_halt_nowhere(session);
    }
}

/* ---- Running the past ---- */

/* Halts on the way are those at which something was changed then. */
static void run_to_time(struct session *session, uint64_t time_ps) {
    while (session_now(session) < time_ps && session_run(session, time_ps) == SESSION_RUNS) {
    }
}

/* The client's session is a new one in the past, at a time of a segment. */
static bool open_past(struct gdb *gdb, unsigned segment, uint64_t time_ps) {
    struct gdb_reverse *reverse = gdb->reverse;
    struct error error;
    char path[300];
    gdb_reverse_to_present(gdb);
    name_segment(reverse, segment, path, sizeof(path));
    session_flush_record(gdb->session);
    struct session *past = session_open_past(gdb->session, path, &error);
    if (!past) {
        return false;
    }
    gdb_points_leave(gdb);
    reverse->past = past;
    gdb->session = past;
    gdb->machine = session_machine(past);
    run_to_time(past, time_ps);
    return true;
}

/* True: the core has stepped; false: the mark has been reached before. */
static bool step_once(struct session *session, unsigned index, const struct mark *mark) {
    struct core *core = machine_core(session_machine(session), index);
    core_step(core, true);
    do {
        enum session_state state = session_run(session, run_limit(session, mark));
        if (session_is_halted(session) && !core_steps(core) && core_halted_by(core) == CORE_STEPPED &&
            machine_halted_core(session_machine(session)) == (int)index) {
            return true;
        }
        if (state != SESSION_RUNS || session_has_come(session)) {
            break;
        }
    } while (!is_at_mark(session, mark));
    core_step(core, false);
    return false;
}

static bool go_to_place(struct gdb *gdb, struct place *place) {
    const struct mark never = mark_of_time(place->mark.time_ps + LATE_PS);
    if (!open_past(gdb, place->segment, place->near_ps)) {
        return false;
    }
    struct session *past = gdb->session;
    for (unsigned i = 0; place->by_steps && i < place->steps; i++) {
        step_once(past, place->core, &never);
    }
    if (!place->by_steps && place->mark.is_halt) {
        arm(past, &place->mark);
        while (!is_at_mark(past, &place->mark) && session_run(past, run_limit(past, &place->mark)) == SESSION_RUNS) {
        }
        session_halt_nowhere(past);
    }
    if (place->by_steps) {
        place->mark = mark_of(past);
    }
    gdb->reverse->place = *place;
    gdb_points_enter(gdb);
    return true;
}

/* ---- Finding places ---- */

/* Where the client stands now, and its segment. */
static struct place here(struct gdb *gdb) {
    struct gdb_reverse *reverse = gdb->reverse;
    if (reverse->past) {
        return reverse->place;
    }
    return (struct place){ .segment = last_segment(reverse), .mark = mark_of(gdb->session) };
}

static uint64_t window_before(struct gdb *gdb, uint64_t cycles, uint64_t time_ps, uint64_t begin_ps) {
    uint64_t hz = machine_hz(gdb->machine), window = hz ? cycles * (PS_PER_S / hz + 1) : PS_PER_MS;
    return time_ps > begin_ps + window ? time_ps - window : begin_ps;
}

/* The core is where it is at the mark, although the other one may not have come that far. */
static bool is_core_at_mark(struct session *session, unsigned index, const struct mark *mark) {
    const struct core *core = machine_core(session_machine(session), index);
    return mark->knows_cores && core_cycles(core) == mark->cores[index].cycles &&
           core_register(core, CORE_PC) == mark->cores[index].pc;
}

/* How many steps of a core from a time on are before the one that leads to where it is at the mark. */
static unsigned count_steps(struct gdb *gdb, unsigned core, const struct mark *mark) {
    struct session *past = gdb->session;
    unsigned steps = 0;
    arm(past, mark);
    while (!is_at_mark(past, mark) && step_once(past, core, mark) && !is_at_mark(past, mark) &&
           !is_core_at_mark(past, core, mark)) {
        steps++;
    }
    session_halt_nowhere(past);
    return steps;
}

/* The instruction of a core that runs last before the mark. False: there is none in the segment, whose beginning is the
 * mark then. */
static bool find_step_before(struct gdb *gdb, unsigned segment, unsigned core, struct mark *mark,
                             struct place *ret_place) {
    uint64_t begin_ps = *segment_begin(gdb->reverse, segment), cycles = WINDOW_CYCLES, near_ps;
    struct mark beginning;
    do {
        near_ps = window_before(gdb, cycles, mark->time_ps, begin_ps);
        if (!open_past(gdb, segment, near_ps)) {
            return false;
        }
        bool missed = is_at_mark(gdb->session, mark);
        beginning = mark_of(gdb->session);
        unsigned steps = missed ? 0 : count_steps(gdb, core, mark);
        bool moved = beginning.cores[core].cycles != mark->cores[core].cycles;
        if (steps || (near_ps == begin_ps && !missed && moved)) {
            *ret_place = (struct place){
                .segment = segment, .near_ps = near_ps, .by_steps = true, .core = core, .steps = steps
            };
            ret_place->mark.time_ps = mark->time_ps;
            return true;
        }
        cycles *= WINDOW_GROWTH;
    } while (near_ps > begin_ps);
    *mark = beginning;
    return false;
}

/* ---- Hits on the way ---- */

/* Runs the client's session in the past to the mark. Gives the last place on the way where a point is hit; with
 * `first`, it stops at the first one. False: there is none. */
static bool find_hit(struct gdb *gdb, unsigned segment, const struct mark *mark, bool first, struct place *ret_place) {
    struct session *past = gdb->session;
    bool found = false;
    uint64_t begin_ps = *segment_begin(gdb->reverse, segment);
    gdb_points_enter(gdb);
    arm(past, mark);
    while (!is_at_mark(past, mark) && session_run(past, run_limit(past, mark)) == SESSION_RUNS) {
        if (is_at_mark(past, mark) || !gdb_points_are_hit(gdb)) {
            continue;
        }
        *ret_place = (struct place){ .segment = segment, .mark = mark_of(past) };
        ret_place->near_ps = window_before(gdb, WINDOW_CYCLES, ret_place->mark.time_ps, begin_ps);
        gdb->caught_then = gdb->caught;
        found = true;
        if (first) {
            break;
        }
    }
    session_halt_nowhere(past);
    return found;
}

/* ---- What clients ask for ---- */

static void halt_here(struct gdb *gdb, unsigned core) {
    int halted = machine_halted_core(gdb->machine);
    gdb_threads_halt(gdb, halted >= 0 ? (unsigned)halted : core, GDB_SIGTRAP);
}

static void go_to_beginning(struct gdb *gdb) {
    struct gdb_reverse *reverse = gdb->reverse;
    struct place place = { .segment = reverse->first, .near_ps = *segment_begin(reverse, reverse->first) };
    place.mark.time_ps = place.near_ps;
    gdb->caught = CATCH_NOTHING;
    gdb->history_end = go_to_place(gdb, &place) ? "begin" : NULL;
}

static void step_back(struct gdb *gdb, unsigned core) {
    struct place from = here(gdb), to = from;
    gdb->caught = CATCH_NOTHING;
    if (from.by_steps && from.core == core && from.steps > 1) {
        to.steps--;
        go_to_place(gdb, &to);
        return;
    }
    struct mark mark = from.mark;
    for (unsigned segment = from.segment; segment - gdb->reverse->first < gdb->reverse->count; segment--) {
        if (find_step_before(gdb, segment, core, &mark, &to)) {
            go_to_place(gdb, &to);
            return;
        }
    }
    go_to_beginning(gdb);
}

static void continue_back(struct gdb *gdb) {
    struct place from = here(gdb), hit;
    struct mark mark = from.mark;
    for (unsigned segment = from.segment; segment - gdb->reverse->first < gdb->reverse->count; segment--) {
        uint64_t begin_ps = *segment_begin(gdb->reverse, segment);
        if (open_past(gdb, segment, begin_ps) && find_hit(gdb, segment, &mark, false, &hit)) {
            go_to_place(gdb, &hit);
            gdb->caught = gdb->caught_then;
            return;
        }
        mark = mark_of_time(begin_ps);
    }
    go_to_beginning(gdb);
}

void gdb_reverse_resume(struct gdb_client *client, char kind) {
    struct gdb *gdb = client->gdb;
    if (!gdb_reverse_is_possible(gdb) || (kind != 's' && kind != 'c')) {
        gdb_reply(client, "E.there is no way back: the run is recorded already (--record), or cannot be");
        return;
    }
    unsigned core = client->core;
    gdb->history_end = NULL;
    gdb_points_settle(gdb);
    if (kind == 's') {
        step_back(gdb, core);
    } else {
        continue_back(gdb);
    }
    gdb_threads_halt(gdb, kind == 's' ? core : 0, GDB_SIGTRAP);
}

/* ---- Forward, in the past ---- */

static void reach_present(struct gdb *gdb) {
    gdb_reverse_to_present(gdb);
    gdb->history_end = "end";
    halt_here(gdb, gdb->halted_core);
}

static void step_forward(struct gdb *gdb, unsigned core) {
    struct gdb_reverse *reverse = gdb->reverse;
    struct mark present = mark_of(gdb->desc.session);
    struct place *place = &reverse->place;
    bool stepped = step_once(gdb->session, core, &present);
    if (!stepped || (place->segment == last_segment(reverse) && is_at_mark(gdb->session, &present))) {
        reach_present(gdb);
        return;
    }
    bool counts = place->by_steps && place->core == core;
    place->steps += counts;
    place->by_steps = counts;
    place->mark = mark_of(gdb->session);
    gdb_threads_halt(gdb, core, GDB_SIGTRAP);
}

static void continue_forward(struct gdb *gdb) {
    struct gdb_reverse *reverse = gdb->reverse;
    struct mark present = mark_of(gdb->desc.session);
    struct place hit;
    for (unsigned segment = reverse->place.segment;; segment++) {
        bool last = segment == last_segment(reverse);
        struct mark end = last ? present : mark_of_time(*segment_begin(reverse, segment + 1));
        if (find_hit(gdb, segment, &end, true, &hit)) {
            reverse->place = hit;
            gdb->caught = gdb->caught_then;
            halt_here(gdb, hit.mark.core);
            return;
        }
        if (last || !open_past(gdb, segment + 1, *segment_begin(reverse, segment + 1))) {
            break;
        }
    }
    reach_present(gdb);
}

void gdb_reverse_go(struct gdb *gdb) {
    gdb->history_end = NULL;
    gdb->caught = CATCH_NOTHING;
    if (gdb->stepped_core != GDB_ALL_CORES) {
        step_forward(gdb, gdb->stepped_core);
    } else {
        gdb_points_settle(gdb);
        continue_forward(gdb);
    }
}
