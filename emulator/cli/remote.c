/* The loop of a run that a client drives: lines in, a slice of the run if one is under way, lines out. */
#include "emulator/cli/remote.h"

#ifdef HAVE_JANSSON

#include "emulator/control/link.h"
#include "emulator/scenario/inside.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORK_DRIVE_BYTES (64u << 20)
#define IDLE_MS 100 /* between two looks at what signals have asked for */

struct remote {
    struct link *link;
    struct control *control;
    bool was_running;
    pid_t *children; /* processes with boards of their own */
    unsigned child_count;
};

static bool connect_session(struct remote *remote, struct run *run, struct error *error) {
    const struct control_desc desc = { .session = run->session,
                                       .version = OUROBOARD_VERSION,
                                       .send = link_send,
                                       .context = remote->link,
                                       .can_fork = true };
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

/* ---- Two processes ---- */

/* Files that both processes would write. */
static const char *option_against_fork(const struct run_options *options) {
    return options->vcd                           ? "--vcd"
           : options->usb_capture                 ? "--usb-capture"
           : options->serial_log_file             ? "--serial-log-file"
           : options->record                      ? "--record"
           : options->data                        ? "--data"
           : strcmp(options->serial, "none") != 0 ? "--serial"
                                                  : NULL;
}

static bool make_drive(const struct run *run, const char *folder, struct error *error) {
    struct error why;
    if (!folder) {
        return true;
    }
    if (mkdir(folder, 0777) != 0) {
        error_set(error, "%s: %s; name a folder that is to be made", folder, strerror(errno));
        return false;
    }
    bool ok = inside_copy(session_folder(run->session), folder, true, FORK_DRIVE_BYTES, &why);
    if (!ok) {
        error_set(error, "%s: %s (it has to be on the file system of the drive's folder)", folder, why.message);
        inside_remove(folder);
    }
    return ok;
}

static bool can_fork(struct run *run, struct error *error) {
    const char *against = option_against_fork(run->options);
    pid_t *children = realloc(run->remote->children, (run->remote->child_count + 1) * sizeof(*children));
    run->remote->children = children ? children : run->remote->children;
    error_set(error, against ? "not with %s, which both boards would write" : "out of memory%s",
              against ? against : "");
    return children && !against;
}

/* The child ends with its client, or with its parent. */
static void become_child(struct run *run, struct link *link) {
    struct remote *remote = run->remote;
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    remote->child_count = 0;
    control_become(remote->control, link);
    link_abandon(remote->link);
    remote->link = link;
    link_use(link, remote->control);
    link_serve_once(link);
}

/* As session_fork(). The session borrows the folder's name; the request's text is gone in the child. */
static pid_t fork_board(struct run *run, const struct control_fork *wanted, struct error *error) {
    char spec[300];
    char *drive = wanted->drive ? strdup(wanted->drive) : NULL;
    snprintf(spec, sizeof(spec), "unix:%s", wanted->socket);
    error_set(error, "out of memory");
    bool named = drive || !wanted->drive;
    struct link *link = named && can_fork(run, error) ? link_open(spec, error) : NULL;
    pid_t pid = link && make_drive(run, wanted->drive, error) ? session_fork(run->session, drive, error) : -1;
    if (pid == 0) {
        become_child(run, link);
        return 0;
    }
    free(drive);
    if (pid > 0) {
        run->remote->children[run->remote->child_count++] = pid;
        link_abandon(link);
    } else {
        link_close(link);
    }
    return pid;
}

static void serve_fork(struct run *run) {
    struct control *control = run->remote->control;
    const struct control_fork *wanted = control_wanted_fork(control);
    struct error error;
    pid_t pid = wanted ? fork_board(run, wanted, &error) : 0;
    if (pid != 0) {
        control_forked(control, pid > 0 ? NULL : &error);
    }
}

static void reap_children(struct remote *remote, bool all) {
    for (unsigned i = 0; i < remote->child_count;) {
        if (all) {
            kill(remote->children[i], SIGTERM);
        }
        bool gone = waitpid(remote->children[i], NULL, all ? 0 : WNOHANG) != 0;
        remote->child_count -= gone;
        remote->children[i] = gone ? remote->children[remote->child_count] : remote->children[i];
        i += !gone;
    }
}

/* ---- The loop ---- */

static bool is_over(const struct run *run) {
    const struct remote *remote = run->remote;
    return control_wants_out(remote->control) || control_ran_out(remote->control) || link_is_over(remote->link) ||
           console_wants_out(run->console);
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
        serve_fork(run);
        reap_children(run->remote, false);
        play_serve_console(run);
        run_slice(run);
        wait_for_more(run);
    }
    const char *why = link_failure(run->remote->link);
    if (!why && control_ran_out(run->remote->control)) {
        why = "--control: out of memory: what the client was to get is not complete";
    }
    if (why) {
        fprintf(stderr, "ouroboard: %s\n", why);
    }
    return why ? EXIT_USAGE : EXIT_PASS;
}

void remote_finish(struct run *run) {
    if (run->remote) {
        reap_children(run->remote, true);
        control_finish(run->remote->control);
    }
}

void remote_close(struct run *run) {
    if (run->remote) {
        link_close(run->remote->link);
        control_destroy(run->remote->control);
        free(run->remote->children);
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
