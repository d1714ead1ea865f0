/* The process of a case: runs its steps on the session that it has got from the boot, tells the result, and keeps what
 * is of use of a case that has not passed. Wires are not watched the first time, because that takes time: a case that
 * failed is run again from power-on for them, which gives the same. */
#include "emulator/cli/test.h"
#include "emulator/debug/vcd.h"
#include "emulator/project/scene.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct test_message) <= PIPE_BUF, "a message goes into the pipe in one piece");

/* ---- Artifacts ---- */

/* Letters, digits and a few signs; everything else becomes '-'. */
static void add_word(char *path, size_t size, const char *word) {
    size_t used = strlen(path);
    for (; *word && used + 1 < size; word++) {
        bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._", *word) != NULL;
        char letter = plain ? *word : '-';
        if (letter != '-' || (used && path[used - 1] != '-' && path[used - 1] != '/')) {
            path[used++] = letter;
        }
    }
    while (used && path[used - 1] == '-') {
        used--;
    }
    path[used] = 0;
}

bool test_artifact_folder(const struct test_place *place, unsigned index, char *ret_path, size_t size) {
    const struct test_run *run = place->run;
    const char *parts[] = { run->scenario->path, run->label, run->cases[index].name };
    if (!place->options->artifacts) {
        return false;
    }
    snprintf(ret_path, size, "%s", place->options->artifacts);
    mkdir(ret_path, 0777);
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        size_t used = strlen(ret_path);
        if (*parts[i] && used + 2 < size) {
            strcat(ret_path, "/");
            add_word(ret_path, size, parts[i]);
            mkdir(ret_path, 0777);
        }
    }
    return access(ret_path, W_OK) == 0;
}

static FILE *open_artifact(const char *folder, const char *name) {
    char path[4400];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return fopen(path, "wb");
}

static void keep_stream(const char *folder, const char *name, const struct stream *stream) {
    FILE *file = stream->length ? open_artifact(folder, name) : NULL;
    if (file) {
        fwrite(stream->bytes, 1, stream->length, file);
        fclose(file);
    }
}

static void keep_line(const char *folder, const char *name, const char *line) {
    FILE *file = open_artifact(folder, name);
    if (file) {
        fprintf(file, "%s\n", line);
        fclose(file);
    }
}

static void keep_picture(const struct test_place *place, const char *folder) {
    struct picture picture;
    char path[4400];
    snprintf(path, sizeof(path), "%s/board.png", folder);
    if (scene_draw(session_project(place->session), SCENE_SCALE, &picture, NULL)) {
        picture_save(&picture, path, NULL);
        picture_finish(&picture);
    }
}

static void keep_result(const struct test_place *place, unsigned index, const char *folder,
                        const struct runner_result *result) {
    FILE *file = open_artifact(folder, "result.txt");
    if (file) {
        fprintf(file, "%s:%u:%u: %s: %s: %s: %s (%.6f s)\n", place->run->scenario->path, result->mark.line,
                result->mark.column, place->run->cases[index].name, runner_outcome_name(result->outcome), result->step,
                result->message, (double)result->end_ps / 1e12);
        fclose(file);
    }
}

void test_case_keep(const struct test_place *place, unsigned index, const struct runner_result *result) {
    char folder[4096];
    if (test_artifact_folder(place, index, folder, sizeof(folder))) {
        keep_result(place, index, folder, result);
        keep_stream(folder, "serial.log", runner_console(place->runner));
        keep_stream(folder, "usb.log", runner_usb_events(place->runner));
        keep_picture(place, folder);
    }
}

/* ---- Wires ---- */

static void write_text(void *context, const char *text, size_t size) {
    fwrite(text, 1, size, context);
}

static struct vcd *watch_wires(const struct test_place *place, FILE *file) {
    const struct project *project = session_project(place->session);
    struct vcd *vcd = file ? vcd_create(write_text, file) : NULL;
    struct net *net;
    for (unsigned i = 0; vcd && i < project->board->gpio_count && (net = machine_gpio(project->machine, i)); i++) {
        vcd_add(vcd, "gpio", net->name, net);
    }
    for (struct project_net *each = vcd ? project->nets : NULL; each; each = each->next) {
        vcd_add(vcd, "diagram", each->name, &each->net);
    }
    if (vcd) {
        vcd_start(vcd);
    }
    return vcd;
}

/* ---- The case ---- */

static void tell_result(const struct test_place *place, unsigned index, const struct runner_result *result) {
    struct test_message message = { .kind = TEST_RESULT, .index = index, .result = *result };
    const struct stream *console = runner_console(place->runner);
    size_t shown = console->length < TEST_TAIL - 1 ? console->length : TEST_TAIL - 1;
    if (shown) {
        memcpy(message.tail, console->bytes + console->length - shown, shown);
    }
    for (size_t i = 0; i < shown; i++) {
        message.tail[i] = message.tail[i] ? message.tail[i] : '?';
    }
    ssize_t done = write(place->pipe, &message, sizeof(message));
    (void)done; /* nobody hears it any more: there is nobody to tell that either */
}

void test_watch_begin(const struct test_place *place, unsigned index, struct test_watch *watch) {
    char recording[4400];
    struct error error;
    *watch = (struct test_watch){ 0 };
    if (!test_artifact_folder(place, index, watch->folder, sizeof(watch->folder))) {
        return;
    }
    snprintf(recording, sizeof(recording), "%s/run.jsonl", watch->folder);
    if (!session_record(place->session, recording, &error)) {
        keep_line(watch->folder, "run.txt", error.message);
    }
    watch->file = open_artifact(watch->folder, "wires.vcd");
    watch->vcd = watch_wires(place, watch->file);
    runner_set_artifacts(place->runner, watch->folder);
}

void test_watch_end(const struct test_place *place, struct test_watch *watch) {
    session_end_record(place->session, NULL);
    vcd_destroy(watch->vcd);
    if (watch->file) {
        fclose(watch->file);
    }
}

void test_case_run(const struct test_place *place, unsigned index) {
    struct runner_result result;
    session_hold_code(place->session, false);
    runner_run(place->runner, &place->run->scenario->cases[index].list, &result);
    if (result.outcome != RUNNER_PASSED) {
        test_case_keep(place, index, &result);
    }
    test_coverage_keep(place, index);
    tell_result(place, index, &result);
    _exit(result.outcome == RUNNER_PASSED ? 0 : 1);
}
