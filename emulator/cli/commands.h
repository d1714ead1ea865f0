/* The subcommands; each returns an exit code. `argv[0]` is the subcommand's name. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int command_run(int argc, char **argv);
int command_test(int argc, char **argv);
int command_dap(int argc, char **argv);
int command_lint(int argc, char **argv);
int command_parts(int argc, char **argv);
int command_info(int argc, char **argv);
int command_boards(int argc, char **argv);

#endif
