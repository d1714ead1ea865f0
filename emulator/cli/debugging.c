/* A run with a debugger: its port, and standing still while it has the board. */
#include "emulator/cli/debugging.h"

#include "emulator/debug/gdb_link.h"
#include "gui/feed.h"

#include <stdlib.h>

#define IDLE_MS 20 /* between two looks at window and console while the board stands still */

struct debugging {
    struct gdb_link *link;
    struct gdb *gdb;
};

bool debugging_open(struct run *run, struct error *error) {
    const struct run_options *options = run->options;
    if (!options->has_gdb) {
        return true;
    }
    run->debugging = calloc(1, sizeof(*run->debugging));
    if (!run->debugging) {
        error_set(error, "out of memory");
        return false;
    }
    run->debugging->link = gdb_link_open((unsigned)options->gdb_port, error);
    if (!run->debugging->link) {
        return false;
    }
    const struct gdb_desc desc = { .session = run->session,
                                   .symbols = options->symbols,
                                   .wait = options->wait_gdb,
                                   .send = gdb_link_send,
                                   .context = run->debugging->link };
    run->debugging->gdb = gdb_create(&desc, error);
    if (!run->debugging->gdb) {
        return false;
    }
    gdb_link_use(run->debugging->link, run->debugging->gdb);
    fprintf(stderr, "gdb on localhost:%u\n", gdb_link_port(run->debugging->link));
    return true;
}

void debugging_close(struct run *run) {
    if (run->debugging) {
        gdb_destroy(run->debugging->gdb);
        gdb_link_close(run->debugging->link);
        free(run->debugging);
        run->debugging = NULL;
    }
}

/* A window goes on being drawn; its user may leave. */
static bool serve_user(struct run *run) {
    bool leaves = console_wants_out(run->console);
    console_flush(run->console);
    if (run->feed) {
        uint64_t cycles = machine_cycles(session_machine(run->session));
        leaves |= feed_step(run->feed, session_now(run->session), cycles).leave;
    }
    return leaves;
}

bool debugging_serve(struct run *run) {
    struct debugging *debugging = run->debugging;
    bool leaves = false, stood = false;
    if (!debugging) {
        return false;
    }
    gdb_link_step(debugging->link);
    while (gdb_holds(debugging->gdb) && !leaves) {
        struct pollfd fds[DEBUGGING_FDS];
        stood = true;
        poll(fds, debugging_poll(run, fds), IDLE_MS);
        leaves = serve_user(run);
        gdb_link_step(debugging->link);
    }
    if (stood) {
        pace_start(&run->pace, run->options->speed, session_now(run->session));
    }
    return leaves;
}

void debugging_ran(struct run *run) {
    if (run->debugging) {
        gdb_ran(run->debugging->gdb);
    }
}

bool debugging_is_attached(const struct run *run) {
    return run->debugging && gdb_is_attached(run->debugging->gdb);
}

unsigned debugging_poll(const struct run *run, struct pollfd fds[DEBUGGING_FDS]) {
    return run->debugging ? gdb_link_poll(run->debugging->link, fds) : 0;
}
