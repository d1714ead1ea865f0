/* The first word of the command line. */
#include "emulator/cli/commands.h"
#include "emulator/cli/options.h"
#include "emulator/project/json_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    { "run", command_run, "run a board's firmware with its REPL on this terminal" },
#ifdef HAVE_YAML
    { "test", command_test, "run scenarios" },
#endif
    { "dap", command_dap, "debug a project's Python program from an editor (Debug Adapter Protocol)" },
    { "lint", command_lint, "check a project's diagram.json" },
    { "parts", command_parts, "list the parts of projects, or tell one part's pins, attributes and controls" },
    { "info", command_info, "say what a firmware image is" },
    { "boards", command_boards, "list the boards, or tell one board's flash and pins" },
};

static void print_help(FILE *to) {
    fprintf(to, "usage: ouroboard COMMAND [OPTIONS]\n\nAn emulator of CircuitPython boards.\n\n");
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].summary);
    }
    fprintf(to, "\n`ouroboard COMMAND --help` tells more, `ouroboard --version` the version.\n");
}

/* A standard stream that the caller has closed would be the next file that is opened: messages would go into it. */
static void open_standard_streams(void) {
    int fd;
    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0) {
        close(fd);
    }
}

/* Commands of other programs: `ouroboard desk` is ouroboard-desk, which pip installs beside this one. Returns when
 * there is no such program. */
static void become_other_program(char **argv) {
    char name[64], path[PATH_MAX];
    if (strchr(argv[1], '/') || snprintf(name, sizeof(name), "ouroboard-%s", argv[1]) >= (int)sizeof(name)) {
        return;
    }
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - sizeof(name));
    path[length > 0 ? length : 0] = 0;
    char *slash = strrchr(path, '/');
    if (slash) {
        strcpy(slash + 1, name);
        execv(path, argv + 1);
    }
    execvp(name, argv + 1);
}

static int run(int argc, char **argv) {
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_help(stdout);
        return EXIT_PASS;
    }
    if (argc > 1 && strcmp(argv[1], "--version") == 0) {
        printf("ouroboard %s\n", OUROBOARD_VERSION);
        return EXIT_PASS;
    }
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (argc > 1) {
        become_other_program(argv);
        fprintf(stderr, "ouroboard: %s: no such command; `ouroboard --help` lists them\n", argv[1]);
    } else {
        print_help(stderr);
    }
    return EXIT_USAGE;
}

int main(int argc, char **argv) {
    open_standard_streams();
    json_memory_watch();
    int code = run(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "ouroboard: standard output: %s\n", strerror(errno));
        code = code == EXIT_PASS ? EXIT_USAGE : code;
    }
    return code;
}
