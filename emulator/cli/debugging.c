/* A run with a debugger: its port, and standing still while it has the board. */
#include "emulator/cli/debugging.h"

#include "emulator/cli/debugger.h"
#include "emulator/cli/gdb_link.h"
#include "gui/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDLE_MS 20 /* between two looks at window and console while the board stands still */

/* One of the two: both would stop and step the same cores. */
struct debugging {
    struct gdb_link *link;
    struct gdb *gdb; /* NULL: it is the other one */
    struct debugger *editor;
};

static bool check_symbols(const char *path, struct error *error) {
    bool ok = !path || access(path, R_OK) == 0;
    if (!ok) {
        error_set(error, "--symbols %s: %s; name the ELF file that the image was made from", path, strerror(errno));
    }
    return ok;
}

static bool open_gdb(struct run *run, struct error *error) {
    const struct run_options *options = run->options;
    if (!check_symbols(options->symbols, error)) {
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

/* The editor is there before the board when it has asked for it. */
static bool open_editor(struct run *run, struct error *error) {
    struct debugger *editor = run->editor ? run->editor : debugger_open("--dap", run->options->dap, error);
    run->debugging->editor = editor;
    return editor && debugger_use(editor, run->session, error);
}

bool debugging_open(struct run *run, struct error *error) {
    const struct run_options *options = run->options;
    bool has_editor = options->dap || run->editor;
    if (!options->has_gdb && !has_editor) {
        return true;
    }
    run->debugging = calloc(1, sizeof(*run->debugging));
    if (!run->debugging) {
        error_set(error, "out of memory");
        return false;
    }
    return has_editor ? open_editor(run, error) : open_gdb(run, error);
}

void debugging_close(struct run *run, int code) {
    if (run->debugging) {
        if (code == BEGIN_AGAIN) {
            debugger_leave(run->debugging->editor);
        } else {
            debugger_end(run->debugging->editor, code);
        }
        if (!run->editor) {
            debugger_close(run->debugging->editor);
        }
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

/* Take what the debugger has sent. True: the board is to stand still. */
static bool serve_debugger(struct debugging *debugging) {
    if (debugging->editor) {
        return debugger_serve(debugging->editor);
    }
    gdb_link_step(debugging->link);
    return gdb_holds(debugging->gdb);
}

bool debugging_serve(struct run *run) {
    struct debugging *debugging = run->debugging;
    bool leaves = false, stood = false;
    if (!debugging) {
        return false;
    }
    while (serve_debugger(debugging) && !leaves && !debugger_wants_out(debugging->editor)) {
        struct pollfd fds[DEBUGGING_FDS];
        stood = true;
        poll(fds, debugging_poll(run, fds), IDLE_MS);
        leaves = serve_user(run);
    }
    if (stood) {
        pace_start(&run->pace, run->options->speed, session_now(run->session));
    }
    return leaves || debugger_wants_out(debugging->editor);
}

void debugging_ran(struct run *run) {
    struct debugging *debugging = run->debugging;
    if (debugging && debugging->gdb) {
        gdb_ran(debugging->gdb);
    } else if (debugging) {
        debugger_ran(debugging->editor);
    }
}

bool debugging_is_attached(const struct run *run) {
    return run->debugging && run->debugging->gdb && gdb_is_attached(run->debugging->gdb);
}

unsigned debugging_poll(const struct run *run, struct pollfd fds[DEBUGGING_FDS]) {
    const struct debugging *debugging = run->debugging;
    if (!debugging) {
        return 0;
    }
    return debugging->gdb ? gdb_link_poll(debugging->link, fds) : debugger_poll(debugging->editor, fds);
}
