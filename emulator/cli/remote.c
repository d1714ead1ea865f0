/* The loop of a run that a client drives: lines in, a slice of the run if one is under way, lines out. */
#include "emulator/cli/remote.h"

#ifdef HAVE_JANSSON

#include "emulator/control/link.h"

#include <stdlib.h>

#define IDLE_MS 100 /* between two looks at what signals have asked for */

struct remote {
    struct link *link;
    struct control *control;
    bool was_running;
};

static bool connect_session(struct remote *remote, struct run *run, struct error *error) {
    const struct control_desc desc = {
        .session = run->session, .version = OUROBOARD_VERSION, .send = link_send, .context = remote->link
    };
    remote->control = control_create(&desc, error);
    if (remote->control) {
        link_use(remote->link, remote->control);
    }
    return remote->control != NULL;
}

bool remote_open(struct run *run, struct error *error) {
    const char *spec = run->options->control;
    if (!spec) {
        return true;
    }
    run->remote = calloc(1, sizeof(*run->remote));
    if (!run->remote) {
        error_set(error, "out of memory");
        return false;
    }
    run->remote->link = link_open(spec, error);
    return run->remote->link && connect_session(run->remote, run, error);
}

static bool is_over(const struct run *run) {
    const struct remote *remote = run->remote;
    return control_wants_out(remote->control) || link_is_over(remote->link) || console_wants_out(run->console);
}

static bool is_held(const struct remote *remote) {
    return !control_is_running(remote->control) || link_is_full(remote->link);
}

/* The clock on the wall begins with each run: it does not make up for the time that the board has stood still. */
static void run_slice(struct run *run) {
    struct remote *remote = run->remote;
    bool held = is_held(remote);
    if (!held && !remote->was_running) {
        pace_start(&run->pace, run->options->speed, session_now(run->session));
    }
    remote->was_running = !held;
    if (!held) {
        control_run_slice(remote->control);
    }
}

static void wait_for_more(struct run *run) {
    struct pollfd fds[LINK_FDS + CONSOLE_FDS];
    unsigned count = link_poll(run->remote->link, fds);
    count += console_poll(run->console, session_typing_room(run->session) > 0, fds + count);
    if (is_held(run->remote)) {
        poll(fds, count, IDLE_MS);
    } else {
        pace_wait(&run->pace, session_now(run->session), fds, count);
    }
}

int remote_loop(struct run *run) {
    while (!is_over(run)) {
        link_step(run->remote->link);
        play_serve_console(run);
        run_slice(run);
        wait_for_more(run);
    }
    return EXIT_PASS;
}

void remote_finish(struct run *run) {
    if (run->remote) {
        control_finish(run->remote->control);
    }
}

void remote_close(struct run *run) {
    if (run->remote) {
        link_close(run->remote->link);
        control_destroy(run->remote->control);
        free(run->remote);
        run->remote = NULL;
    }
}

#else

bool remote_open(struct run *run, struct error *error) {
    error_set(error, "--control: this ouroboard was built without jansson, which reads the requests");
    return !run->options->control;
}

int remote_loop(struct run *run) {
    return EXIT_USAGE;
}

void remote_finish(struct run *run) {
}

void remote_close(struct run *run) {
}

#endif
