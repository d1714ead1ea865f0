/* What the command line asks for at certain virtual times: --set, --press, --fault, --screenshot, --save-state. */
#ifndef CLI_ACTIONS_H
#define CLI_ACTIONS_H

#include "emulator/cli/options.h"
#include "emulator/core/time_text.h"
#include "emulator/session/session.h"

struct action {
    uint64_t when_ps;          /* TIME_NEVER: at the end of the run */
    struct project_part *part; /* NULL: a picture of the whole project */
    bool is_snapshot;
    const char *file;
    size_t file_length;
};

struct actions {
    struct session *session;
    const struct project *project;
    struct action *list; /* pictures and snapshots, in order of time */
    unsigned count, next;
    char **faults; /* their texts without times, which the session borrows */
    unsigned fault_count;
};

/* Understand the options, and plan what they put into the session. Of what has a time that is over, in a session that
 * has been loaded, only what is for the start is done. False with an error line. */
bool actions_init(struct actions *actions, struct session *session, const struct run_options *options,
                  struct error *error);
/* After the session is closed: it borrows. */
void actions_finish(struct actions *actions);
/* When the next of them or the next input is due; TIME_NEVER when none is left but those at the end. */
uint64_t actions_next(const struct actions *actions);
/* Do what is due. False with an error line. */
bool actions_step(struct actions *actions, uint64_t now_ps, struct error *error);
/* Do what is to be done at the end; what has a later time is left. */
bool actions_end(struct actions *actions, struct error *error);
/* All pictures and snapshots have a time, there is at least one, and everything has been done. */
bool actions_are_done(const struct actions *actions);

#endif
