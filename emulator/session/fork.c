/* Cases of one boot: a process with a session becomes two, each with a board that is in the same state. What the
 * session writes for others to read (flash file, fuses) stays the parent's; the drive's folder of the child is another
 * one with the same contents. */
#include "emulator/session/session_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool become_child(struct session *session, const char *folder) {
    session->otp.path = NULL;
    if (!folder || !session->drive.drive) {
        return true;
    }
    session->folder = folder;
    return drive_link_move(&session->drive, folder);
}

pid_t session_fork(struct session *session, const char *folder, struct error *error) {
    pid_t pid = fork();
    if (pid < 0) {
        error_set(error, "a process for the case cannot be made: %s", strerror(errno));
    }
    if (pid == 0 && !become_child(session, folder)) {
        _exit(SESSION_FORK_FAILED);
    }
    return pid;
}

void session_hold_code(struct session *session, bool hold) {
    session->console_first.keep_held = hold;
    session->console_first.held_ready = false;
}

bool session_code_is_held(const struct session *session) {
    return session->console_first.held_ready;
}
