#include "emulator/cli/commands.h"
#include "emulator/cli/options.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *summary;
} commands[] = {
    { "run", command_run, "run a board's firmware with its REPL on this terminal" },
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
    fprintf(to, "\n`ouroboard COMMAND --help` tells more.\n");
}

int main(int argc, char **argv) {
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
        print_help(stdout);
        return EXIT_PASS;
    }
    for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(argv[1], commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (argc > 1) {
        fprintf(stderr, "ouroboard: %s: no such command; `ouroboard --help` lists them\n", argv[1]);
    } else {
        print_help(stderr);
    }
    return EXIT_USAGE;
}
