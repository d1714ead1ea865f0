/* `ouroboard dap`: an editor's "launch" says what to run (docs/debugging.md), and the run is its to debug. */
#include "emulator/cli/commands.h"
#include "emulator/cli/debugger.h"
#include "emulator/cli/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: ouroboard dap [--port PORT]\n"
    "\n"
    "A server of the Debug Adapter Protocol: an editor launches a project and debugs its Python program.\n"
    "It speaks on standard input and output; with --port on that port of this computer (0: any free one).\n"
    "docs/debugging.md says how to set up VS Code.\n";

#ifdef HAVE_JANSSON

#define MOST_WORDS 300

/* The command line of `ouroboard run` that a launch stands for. Words are the launch's, or constant. */
struct words {
    const char *words[MOST_WORDS];
    int count;
};

static void add_word(struct words *words, const char *word) {
    if (words->count < MOST_WORDS - 1) {
        words->words[words->count++] = word;
    }
}

/* A member of the launch as an option with a value. */
static bool add_option(struct words *words, json_t *launch, const char *member, const char *option,
                       struct error *error) {
    json_t *value = json_object_get(launch, member);
    if (value && !json_is_null(value) && !json_is_string(value)) {
        error_set(error, "\"%s\" of the launch has to be a text", member);
        return false;
    }
    if (json_is_string(value)) {
        add_word(words, option);
        add_word(words, json_string_value(value));
    }
    return true;
}

static bool add_arguments(struct words *words, json_t *arguments, struct error *error) {
    size_t index;
    json_t *each;
    error_set(error, "\"args\" of the launch has to be a list of texts, at most 200");
    if (arguments && (!json_is_array(arguments) || json_array_size(arguments) > 200)) {
        return false;
    }
    json_array_foreach(arguments, index, each) {
        if (!json_is_string(each)) {
            return false;
        }
        add_word(words, json_string_value(each));
    }
    return true;
}

static bool add_program(struct words *words, json_t *launch, struct error *error) {
    const char *program = json_string_value(json_object_get(launch, "program"));
    error_set(error, "\"program\" of the launch is missing: a project's folder or its diagram.json; or say \"drive\"");
    if (program) {
        add_word(words, program);
    }
    return program || json_object_get(launch, "drive") || json_object_get(launch, "args");
}

/* docs/debugging.md lists these. */
static bool translate(struct words *words, json_t *launch, struct error *error) {
    static const struct {
        const char *member, *option;
    } options[] = { { "board", "--board" }, { "firmware", "--firmware" }, { "drive", "--drive" },
                    { "flash", "--flash" }, { "speed", "--speed" },       { "record", "--record" } };
    add_word(words, "run");
    add_word(words, "--serial");
    add_word(words, "none");
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        if (!add_option(words, launch, options[i].member, options[i].option, error)) {
            return false;
        }
    }
    if (json_is_true(json_object_get(launch, "noWindow"))) {
        add_word(words, "--no-window");
    }
    return add_arguments(words, json_object_get(launch, "args"), error) && add_program(words, launch, error);
}

/* ---- What the run says goes wrong is the launch's answer ---- */

static int divert_errors(FILE *to) {
    fflush(stderr);
    int before = dup(STDERR_FILENO);
    dup2(fileno(to), STDERR_FILENO);
    return before;
}

static void bring_errors_back(int before) {
    fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
}

/* The last line of a file without its newline, "" when there is none. */
static void last_line(FILE *file, char *ret_line, size_t size) {
    char line[1024];
    ret_line[0] = 0;
    rewind(file);
    while (fgets(line, sizeof(line), file)) {
        line[strcspn(line, "\n")] = 0;
        if (line[0]) {
            snprintf(ret_line, size, "%s", line);
        }
        fprintf(stderr, "%s\n", line);
    }
}

static bool parse_options(struct run_options *options, struct words *words, char *ret_why, size_t size) {
    FILE *errors = tmpfile();
    int code, before = errors ? divert_errors(errors) : -1;
    bool parsed = run_options_parse(options, words->count, (char **)words->words, &code);
    snprintf(ret_why, size, "the launch is refused");
    if (errors) {
        bring_errors_back(before);
        last_line(errors, ret_why, size);
        fclose(errors);
    }
    return parsed;
}

static int launch_run(struct debugger *editor, json_t *launch) {
    struct words words = { .count = 0 };
    struct run_options options;
    struct error error;
    char why[1024];
    if (!translate(&words, launch, &error)) {
        debugger_refuse_launch(editor, error.message);
        return EXIT_USAGE;
    }
    if (!parse_options(&options, &words, why, sizeof(why))) {
        debugger_refuse_launch(editor, why);
        return EXIT_USAGE;
    }
    return run_whole(&options, editor);
}

static int serve(const char *spec) {
    struct error error;
    struct debugger *editor = debugger_open("--port", spec, &error);
    if (!editor) {
        fprintf(stderr, "ouroboard: %s\n", error.message);
        return EXIT_USAGE;
    }
    json_t *launch = debugger_wait_for_launch(editor);
    json_incref(launch); /* the run's options point into it */
    int code = launch ? launch_run(editor, launch) : EXIT_PASS;
    json_decref(launch);
    debugger_close(editor);
    return code;
}

#else

static int serve(const char *spec) {
    fprintf(stderr, "ouroboard: dap: this ouroboard was built without jansson, which reads the editor's messages\n");
    return EXIT_USAGE;
}

#endif

int command_dap(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        fputs(usage, stdout);
        return EXIT_PASS;
    }
    bool has_port = argc == 3 && strcmp(argv[1], "--port") == 0;
    if (argc != 1 && !has_port) {
        fputs(usage, stderr);
        return EXIT_USAGE;
    }
    return serve(has_port ? argv[2] : "stdio");
}
