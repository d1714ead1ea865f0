/* The control protocol: a session driven from outside by lines of JSON (docs/control.md). A line in is one request, a
 * line out is a reply, an event, or the greeting. Nothing in here knows where lines come from (link.h does), prints, or
 * looks at a clock.
 *
 * The board stands still until a request lets it run. A request takes effect at the virtual time that its reply tells;
 * requests that arrive while a run is under way wait behind it, in order. Only "pause" does not wait: it ends the run
 * between two slices. A run looks up from its slices at multiples of CONTROL_SLICE_PS of virtual time, so that what a
 * client sends in one go gives the same run every time. */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "emulator/core/scheduler.h"
#include "emulator/session/session.h"

#define CONTROL_PROTOCOL 1
#define CONTROL_SLICE_PS (5 * PS_PER_MS)
#define CONTROL_WAITING 1000 /* requests behind a run */

struct control;

struct control_desc {
    struct session *session; /* borrowed, until control_destroy() or session_close() */
    const char *version;     /* of the emulator; borrowed */
    /* A whole line with its newline, for the client. May be called from within every function below. */
    void (*send)(void *context, const char *line, size_t size);
    void *context;
    bool can_fork; /* who runs the loop does what control_wanted_fork() asks for */
};

/* A request for a second process with the same board. Text is valid until control_forked() or control_become(). */
struct control_fork {
    const char *socket; /* where the other process waits for its client */
    const char *drive;  /* a folder to be made for its drive; NULL: the board has none */
};

/* Right after session_open(). NULL and an error line on failure. */
struct control *control_create(const struct control_desc *desc, struct error *error);
/* Let go of the session's pins: before session_close(). The session's listener stays until then. */
void control_finish(struct control *control);
/* After session_close(). NULL is fine. */
void control_destroy(struct control *control);

/* A client is there: it is greeted. */
void control_connect(struct control *control);
/* It has gone: its run ends, its subscriptions, watches and waiting requests are forgotten. What it has done to the
 * board stays. */
void control_disconnect(struct control *control);
/* A request, without its newline. An empty line is none. */
void control_line(struct control *control, const char *line, size_t size);
/* Instead of a line that was too long to be kept. */
void control_refuse_line(struct control *control, size_t limit);
/* False: too many requests wait behind the run; no line is to be given now. */
bool control_takes_lines(const struct control *control);

/* A run is under way: control_run_slice() is to be called until it is not. */
bool control_is_running(const struct control *control);
void control_run_slice(struct control *control);
/* NULL: no client has asked for one. Requests wait until it is answered. */
const struct control_fork *control_wanted_fork(const struct control *control);
/* In the process that has asked: it is done, or not for a reason. */
void control_forked(struct control *control, const struct error *failure);
/* In the other process: there is no client, and lines go to `context` from now on. */
void control_become(struct control *control, void *context);
/* Something that the client was to get is missing, because there was no memory for it. */
bool control_ran_out(const struct control *control);
/* A client has said "quit". */
bool control_wants_out(const struct control *control);

#endif
