/* Both cores as threads 1 and 2, how the board goes on, and why it stands still.
 *
 * A step of one core lets the other one run as well, because time is one for both: it has its turn when the stepped
 * core's is over. A core that sleeps has to wake before it has stepped. */
#include "emulator/debug/gdb_private.h"

#include <stdio.h>
#include <string.h>

/* ---- What the cores ask ---- */

bool gdb_threads_keep_points(const struct gdb *gdb, const struct core *core) {
    return gdb->steps_alone && core != machine_core(gdb->machine, gdb->stepped_core);
}

static bool on_access(void *context, struct core *core, uint32_t address, unsigned size, bool is_store) {
    struct gdb *gdb = context;
    const struct gdb_point *point =
        gdb_points_find_access(gdb, address, size, is_store, gdb_threads_keep_points(gdb, core));
    if (point) {
        gdb->caught = CATCH_ACCESS;
        gdb->caught_address = address > point->address ? address : point->address;
        gdb->caught_store = is_store;
    }
    return point != NULL;
}

static bool on_breakpoint(void *context, struct core *core, uint32_t address) {
    struct gdb *gdb = context;
    gdb->caught = CATCH_BREAKPOINT;
    return gdb->driver != NULL;
}

static bool on_fault(void *context, struct core *core, const char *words) {
    struct gdb *gdb = context;
    if (!gdb->driver || !gdb->catches_faults) {
        return false;
    }
    gdb->caught = CATCH_FAULT;
    snprintf(gdb->words, sizeof(gdb->words), "%s", words);
    return true;
}

/* In the past nobody is asked again about BKPT and faults. */
void gdb_threads_listen(struct gdb *gdb) {
    struct core_debugger debugger = { .context = gdb, .on_access = on_access };
    if (!gdb_reverse_is_past(gdb)) {
        debugger.on_breakpoint = on_breakpoint;
        debugger.on_fault = on_fault;
    }
    session_set_debugger(gdb->session, &debugger);
}

/* ---- Names ---- */

static const char *state_name(enum core_state state) {
    static const char *const names[] = { [CORE_HELD] = "held in reset",
                                         [CORE_RUNNING] = "running",
                                         [CORE_WFI] = "sleeping: WFI",
                                         [CORE_WFE] = "sleeping: WFE",
                                         [CORE_LOCKUP] = "locked up" };
    return names[state];
}

void gdb_threads_put(struct gdb *gdb, struct gdb_text *text) {
    gdb_text_print(text, "<?xml version=\"1.0\"?><threads>");
    for (unsigned i = 0; i < GDB_CORES; i++) {
        gdb_text_print(text, "<thread id=\"%u\" core=\"%u\" name=\"core %u\">%s</thread>", i + 1, i, i,
                       state_name(core_state(gdb_core(gdb, i))));
    }
    gdb_text_print(text, "</threads>");
}

/* 0 and -1 are any core: core 0. */
bool gdb_threads_parse(const char **text, unsigned *ret_core) {
    uint64_t number;
    bool all = strncmp(*text, "-1", 2) == 0;
    *text += all ? 2 : 0;
    *ret_core = GDB_ALL_CORES;
    if (all) {
        return true;
    }
    bool ok = gdb_parse_hex(text, &number) && number <= GDB_CORES;
    *ret_core = ok && number ? (unsigned)number - 1 : GDB_ALL_CORES;
    return ok;
}

/* ---- Standing still ---- */

static void put_reason(const struct gdb *gdb, struct gdb_text *text) {
    if (gdb->caught == CATCH_ACCESS) {
        const struct gdb_point *point = gdb_points_find_access(gdb, gdb->caught_address, 1, gdb->caught_store, true);
        const char *name = !point || point->kind == POINT_STORE ? "watch"
                           : point->kind == POINT_LOAD          ? "rwatch"
                                                                : "awatch";
        gdb_text_print(text, "%s:%x;", name, gdb->caught_address);
    }
    if (gdb->history_end) {
        gdb_text_print(text, "replaylog:%s;", gdb->history_end);
    }
}

void gdb_threads_tell_stop(struct gdb_client *client) {
    struct gdb *gdb = client->gdb;
    struct gdb_text text = { 0 };
    gdb_text_print(&text, "T%02x", gdb->signal);
    gdb_registers_put_some(gdb, gdb->halted_core, &text);
    put_reason(gdb, &text);
    gdb_text_print(&text, "thread:%u;", gdb->halted_core + 1);
    gdb_reply_text(client, &text);
    gdb_text_finish(&text);
}

static void say_words(struct gdb *gdb) {
    char line[sizeof(gdb->words) + 16];
    if (gdb->words[0]) {
        snprintf(line, sizeof(line), "core %u: %s\n", gdb->halted_core, gdb->words);
        gdb_reply_console(gdb->driver, line);
        gdb->words[0] = '\0';
    }
}

void gdb_threads_halt(struct gdb *gdb, unsigned core, enum gdb_signal signal) {
    gdb->holds = true;
    gdb->halted_core = core;
    gdb->signal = signal;
    gdb->range_begin = gdb->range_end = 0;
    for (unsigned i = 0; i < GDB_CORES; i++) {
        core_step(gdb_core(gdb, i), false);
    }
    if (gdb->driver) {
        gdb->driver->core = core;
        say_words(gdb);
        gdb_threads_tell_stop(gdb->driver);
    }
}

static enum gdb_signal signal_of_fault(const struct gdb *gdb) {
    bool is_code = strncmp(gdb->words, "undefined", 9) == 0 || strncmp(gdb->words, "change", 6) == 0;
    return is_code ? GDB_SIGILL : GDB_SIGSEGV;
}

/* It is stepped on without the client. */
static bool is_in_range(const struct gdb *gdb, unsigned core) {
    uint32_t pc = core_register(gdb_core((struct gdb *)gdb, core), CORE_PC);
    return core == gdb->stepped_core && pc >= gdb->range_begin && pc < gdb->range_end && !gdb_points_are_at(gdb, pc);
}

static void tell_end(struct gdb *gdb, enum session_state state) {
    static const char *const words[] = {
        [SESSION_LOCKED_UP] = "is locked up: a fault within a fault, which only a reset ends",
        [SESSION_IN_BOOTLOADER] = "the firmware has entered the boot loader (the UF2 drive)",
        [SESSION_UNBOOTABLE] = "the boot ROM finds nothing to start in the flash",
        [SESSION_REPLAYED] = "the recording is at its end",
        [SESSION_DIFFERS] = "the run differs from the recording",
        [SESSION_BEGIN_AGAIN] = "the console could not be first",
    };
    snprintf(gdb->words, sizeof(gdb->words), "%s", words[state]);
    gdb_threads_halt(gdb, 0, state == SESSION_LOCKED_UP ? GDB_SIGSEGV : GDB_SIGTRAP);
}

void gdb_threads_ran(struct gdb *gdb) {
    gdb_reverse_ran(gdb);
    int halted = machine_halted_core(gdb->machine);
    if (halted < 0) {
        enum session_state state = session_state(gdb->session);
        if (state != SESSION_RUNS && gdb->driver) {
            tell_end(gdb, state);
        }
        return;
    }
    unsigned core = (unsigned)halted;
    enum core_halt why = core_halted_by(gdb_core(gdb, core));
    if (why == CORE_STEPPED && is_in_range(gdb, core)) {
        core_step(gdb_core(gdb, core), true);
        return;
    }
    if (why == CORE_AT_BREAKPOINT && gdb_semihosting_serve(gdb, core)) {
        return;
    }
    gdb_threads_halt(gdb, core, why == CORE_AT_FAULT ? signal_of_fault(gdb) : GDB_SIGTRAP);
}

/* ---- Going on ---- */

/* GDB does not pass a BKPT that is in the program by itself. */
static void pass_breakpoint(struct gdb *gdb) {
    struct core *core = gdb_core(gdb, gdb->halted_core);
    uint32_t pc = core_register(core, CORE_PC);
    if (session_is_halted(gdb->session) && core_halted_by(core) == CORE_AT_BREAKPOINT && core_position(core).pc == pc) {
        gdb_set_register(gdb, gdb->halted_core, CORE_PC, pc + 2);
    }
}

void gdb_threads_go(struct gdb *gdb) {
    if (gdb_reverse_is_past(gdb)) {
        gdb_reverse_go(gdb);
        return;
    }
    pass_breakpoint(gdb);
    if (!gdb->steps_alone) {
        gdb_points_settle(gdb);
    }
    gdb->caught = CATCH_NOTHING;
    gdb->history_end = NULL;
    if (gdb->stepped_core != GDB_ALL_CORES) {
        core_step(gdb_core(gdb, gdb->stepped_core), true);
    }
    gdb->holds = gdb->waits = false;
}

/* An action of vCont; those of signals are the same without: there are no signals to give to a core. */
struct gdb_action {
    char kind; /* 'c', 's' or 'r' */
    uint64_t begin, end;
    unsigned core;
};

static bool parse_action(const char **text, struct gdb_action *ret_action) {
    uint64_t signal;
    char kind = *(*text)++;
    *ret_action = (struct gdb_action){ .kind = kind == 'C' ? 'c' : kind == 'S' ? 's' : kind, .core = GDB_ALL_CORES };
    if ((kind == 'C' || kind == 'S') && !gdb_parse_hex(text, &signal)) {
        return false;
    }
    if (kind == 'r' &&
        (!gdb_parse_hex(text, &ret_action->begin) || *(*text)++ != ',' || !gdb_parse_hex(text, &ret_action->end))) {
        return false;
    }
    if (**text == ':') {
        (*text)++;
        return strchr("csr", ret_action->kind) && gdb_threads_parse(text, &ret_action->core);
    }
    return ret_action->kind && strchr("csr", ret_action->kind);
}

/* The first action that is for a core is its. */
static void take_action(struct gdb *gdb, const struct gdb_action *action, bool decided[GDB_CORES]) {
    for (unsigned i = 0; i < GDB_CORES; i++) {
        if (decided[i] || (action->core != i && action->core != GDB_ALL_CORES)) {
            continue;
        }
        decided[i] = true;
        if (action->kind != 'c' && gdb->stepped_core == GDB_ALL_CORES) {
            gdb->stepped_core = i;
            gdb->range_begin = (uint32_t)action->begin;
            gdb->range_end = (uint32_t)action->end;
        }
    }
}

void gdb_threads_resume(struct gdb_client *client, const char *text) {
    struct gdb *gdb = client->gdb;
    struct gdb_action action;
    bool decided[GDB_CORES] = { false };
    gdb->stepped_core = GDB_ALL_CORES;
    gdb->range_begin = gdb->range_end = 0;
    while (*text == ';') {
        text++;
        if (!parse_action(&text, &action)) {
            gdb_reply(client, "E16");
            return;
        }
        take_action(gdb, &action, decided);
    }
    gdb->steps_alone = gdb->stepped_core != GDB_ALL_CORES && !decided[!gdb->stepped_core];
    gdb_threads_go(gdb);
}

/* c, s and their like, perhaps with a signal and an address to go on at. */
void gdb_threads_resume_old(struct gdb_client *client, const char *text) {
    struct gdb *gdb = client->gdb;
    char kind = *text++;
    uint64_t address, signal;
    if (kind == 'C' || kind == 'S') {
        gdb_parse_hex(&text, &signal);
        text += *text == ';';
    }
    if (gdb_parse_hex(&text, &address)) {
        gdb_set_register(gdb, client->core, CORE_PC, (uint32_t)address);
    }
    gdb->stepped_core = kind == 's' || kind == 'S' ? client->core : GDB_ALL_CORES;
    gdb->steps_alone = false;
    gdb->range_begin = gdb->range_end = 0;
    gdb_threads_go(gdb);
}

/* ---- Resets ---- */

bool gdb_threads_reset(struct gdb *gdb, struct error *error) {
    gdb_reverse_to_present(gdb);
    if (!session_apply(gdb->session, &(struct input){ .kind = INPUT_RESET }, error)) {
        return false;
    }
    core_halt_next(gdb_core(gdb, 0));
    session_run(gdb->session, session_now(gdb->session) + 1);
    gdb->halted_core = 0;
    gdb->signal = GDB_SIGTRAP;
    gdb->caught = CATCH_NOTHING;
    return true;
}

void gdb_threads_forget(struct gdb *gdb) {
    gdb_reverse_to_present(gdb);
    gdb_points_forget_all(gdb);
    for (unsigned i = 0; i < GDB_CORES; i++) {
        core_step(gdb_core(gdb, i), false);
    }
    gdb->stepped_core = GDB_ALL_CORES;
    gdb->steps_alone = false;
    gdb->holds = gdb->waits = false;
}
