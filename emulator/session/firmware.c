/* What is to run: the project, its board and the image, found out before anything is made. An image is the one that is
 * named; else what a flash file holds; else what lies beside the project's diagram; else the newest one of the board.
 */
#include "firmware-loader/firmware.h"
#include "emulator/project/project_firmware.h"
#include "emulator/session/session_private.h"
#include "emulator/session/snapshot_file.h"

#include <string.h>
#include <unistd.h>

/* ---- The project ---- */

static void report_finding(void *context, enum log_level level, const char *line) {
    session_say(context, level, "%s", line);
}

static bool read_project(struct session *session, struct error *error) {
    struct session_desc *desc = &session->desc;
    struct findings findings = { .report = report_finding, .context = session };
    const char *diagram = desc->replay ? replay_diagram(session) : NULL;
    if (!desc->project && !diagram) {
        return true;
    }
    error_set(error, "%s", "");
    bool ok = diagram ? project_read_text(&session->project, diagram, strlen(diagram), desc->board, &findings)
                      : project_read(&session->project, desc->project, desc->board, &findings);
    if (!ok) {
        return false;
    }
    session->has_project = session->project.board != NULL;
    if (session->has_project) {
        desc->board = session->project.board->id;
    }
    return true;
}

bool session_build_project(struct session *session, struct error *error) {
    struct project *project = &session->project;
    const char *file = session->desc.replay ? session->desc.replay : project->diagram_path;
    struct findings findings = { .file = file, .report = report_finding, .context = session };
    error_set(error, "%s", "");
    if (!session->has_project && !project_plain(project, session->board, &findings)) {
        return false;
    }
    session->has_project = true;
    return project_build(project, session->machine, &findings);
}

/* ---- The image ---- */

/* The version of CircuitPython that the diagram asks for ("circuitpython-9.2.1"); NULL: any. */
static const char *wanted_version(const struct session *session) {
    static const char prefix[] = "circuitpython-";
    const char *env = project_board_attribute(&session->project, "env");
    return strncmp(env, prefix, strlen(prefix)) == 0 ? env + strlen(prefix) : NULL;
}

/* ret_path is "" when there is none beside it. */
static bool find_beside_diagram(struct session *session, char *ret_path, size_t size, struct error *error) {
    ret_path[0] = 0;
    if (!session->project.diagram_path[0]) {
        return true;
    }
    if (!project_firmware_find(session->project.folder, ret_path, size, error)) {
        return false;
    }
    if (ret_path[0]) {
        session_say(session, LOG_INFO, "running %s", ret_path);
    }
    return true;
}

static bool find_image(struct session *session, struct error *error) {
    const struct session_desc *desc = &session->desc;
    char *path = session->firmware;
    if (desc->firmware) {
        snprintf(path, sizeof(session->firmware), "%s", desc->firmware);
        return true;
    }
    if (desc->contents || desc->replay || (desc->flash && access(desc->flash, R_OK) == 0)) {
        return true;
    }
    if (!find_beside_diagram(session, path, sizeof(session->firmware), error)) {
        return false;
    }
    const char *board = desc->board ? desc->board : board_default(CHIP_RP2040)->id;
    return path[0] || firmware_find(board, wanted_version(session), path, sizeof(session->firmware), error);
}

static bool take_image(struct session *session, struct error *error) {
    struct description description;
    describe_image(&session->image, &description);
    if (description.riscv) {
        error_set(error, "%s: is for the RISC-V cores of the RP2350, which are not emulated: take its build for Arm",
                  session->firmware);
        return false;
    }
    session->kind = description.kind;
    if (!session->board) {
        session->board = description.board ? description.board : board_default(description.chip);
    }
    const struct board *board = session->board;
    if (description.chip != CHIP_UNKNOWN && description.chip != board->chip) {
        error_set(error, "%s is an image for the %s, but the board %s has an %s", session->firmware,
                  chip_name(description.chip), board->id, chip_name(board->chip));
        return false;
    }
    return image_fits(&session->image, board->chip, board->flash_bytes, error);
}

/* The board of a snapshot, unless another one is named (which is told when it is loaded). */
static bool resolve_state(struct session *session, struct error *error) {
    struct snapshot_head head;
    struct error why;
    if (!snapshot_file_look(session->desc.load_state, &head, &why)) {
        error_set(error, "--load-state %s", why.message);
        return false;
    }
    session->board = session->board ? session->board : board_find(head.board, error);
    return session->board != NULL;
}

bool session_resolve(struct session *session, struct error *error) {
    const struct session_desc *desc = &session->desc;
    if ((desc->replay && !replay_open(session, error)) || !read_project(session, error)) {
        return false;
    }
    session->board = desc->board ? board_find(desc->board, error) : NULL;
    if (desc->board && !session->board) {
        return false;
    }
    if (desc->load_state) {
        return resolve_state(session, error);
    }
    if (!find_image(session, error)) {
        return false;
    }
    if (!session->firmware[0]) {
        session->board = session->board ? session->board : board_default(CHIP_RP2040);
        return true;
    }
    enum chip chip = session->board ? session->board->chip : CHIP_UNKNOWN;
    session->has_image = image_load(&session->image, session->firmware, chip, error);
    return session->has_image && take_image(session, error);
}
