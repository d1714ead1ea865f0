/* Halts: a debugger's, and those at a place in the run that is known from an earlier one (core_position()). What halts
 * a core in the middle of a turn of both does not change the run. */
#include "emulator/session/session_private.h"

static bool is_at(struct halt_place *place, struct core *core) {
    struct core_position now = core_position(core);
    bool there = place->is_armed && core == place->core && now.cycles == place->at.cycles && now.pc == place->at.pc;
    place->is_reached |= there;
    return there;
}

static bool is_there(struct session *session, struct core *core) {
    bool wanted = is_at(&session->halts.wanted, core);
    return is_at(&session->halts.input, core) || wanted;
}

static bool reached(void *context, struct core *core) {
    return is_at(context, core);
}

void halts_arm(struct session *session, struct halt_place *place, unsigned core, const struct core_position *at) {
    halts_disarm(place);
    *place = (struct halt_place){
        .session = session, .is_armed = true, .core = machine_core(session->machine, core), .at = *at
    };
    place->watch = (struct core_watch){ .address = at->pc & ~1u, .reached = reached, .context = place };
    core_watch(place->core, &place->watch);
}

void halts_disarm(struct halt_place *place) {
    if (place->is_armed) {
        core_unwatch(place->core, &place->watch);
        place->is_armed = place->is_reached = false;
    }
}

static bool on_access(void *context, struct core *core, uint32_t address, unsigned size, bool is_store) {
    const struct session *session = context;
    const struct core_debugger *client = &session->halts.client;
    return client->on_access && client->on_access(client->context, core, address, size, is_store);
}

static bool on_breakpoint(void *context, struct core *core, uint32_t address) {
    struct session *session = context;
    const struct core_debugger *client = &session->halts.client;
    bool there = is_there(session, core);
    return (client->on_breakpoint && client->on_breakpoint(client->context, core, address)) || there;
}

static bool on_fault(void *context, struct core *core, const char *words) {
    struct session *session = context;
    const struct core_debugger *client = &session->halts.client;
    bool there = is_there(session, core);
    return (client->on_fault && client->on_fault(client->context, core, words)) || there;
}

void halts_begin(struct session *session) {
    const struct core_debugger debugger = {
        .context = session, .on_access = on_access, .on_breakpoint = on_breakpoint, .on_fault = on_fault
    };
    machine_set_debugger(session->machine, &debugger);
}

void session_set_debugger(struct session *session, const struct core_debugger *debugger) {
    session->halts.client = debugger ? *debugger : (struct core_debugger){ 0 };
}

bool session_is_halted(const struct session *session) {
    return machine_is_halted(session->machine);
}

void session_halt_at(struct session *session, unsigned core, const struct core_position *position) {
    halts_arm(session, &session->halts.wanted, core, position);
}

bool session_has_come(const struct session *session) {
    return session->halts.wanted.is_reached && session_is_halted(session);
}

void session_halt_nowhere(struct session *session) {
    halts_disarm(&session->halts.wanted);
}

void halts_tell_moment(const struct session *session, struct input_moment *moment) {
    int core = session->machine ? machine_halted_core(session->machine) : -1;
    if (core >= 0 && !moment->answers) {
        struct core_position position = core_position(machine_core(session->machine, (unsigned)core));
        moment->is_halted = true;
        moment->core = (unsigned)core;
        moment->cycles = position.cycles;
        moment->pc = position.pc;
    }
}
