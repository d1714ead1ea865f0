/* Where the user sits: the terminal, a pseudo-terminal, a TCP port (telnet with RFC 2217) or nobody. Never blocks. */
#ifndef CLI_CONSOLE_H
#define CLI_CONSOLE_H

#include "emulator/core/error.h"

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONSOLE_FDS 2
#define CONSOLE_ESCAPE 0x1d /* Ctrl-]: leave; only on a terminal */

struct console;

/* `spec`: "stdio", "pty", "pty:LINK", "tcp:PORT" or "none". NULL and an error line on failure. */
struct console *console_open(const char *spec, struct error *error);
/* Restores the terminal, removes the link. NULL is fine. */
void console_close(struct console *console);
/* A line that tells a program how to connect ("/dev/pts/3", "tcp port 4000"); NULL when there is nothing to tell. */
const char *console_address(const struct console *console);
/* Bytes from the user, 0 when there are none now. */
size_t console_read(struct console *console, uint8_t *data, size_t size);
/* Bytes to the user, as they are. What the other side does not take now is kept; over 1 MB is dropped, and that is told
 * once on standard error. */
void console_write(struct console *console, const uint8_t *data, size_t size);
/* Send on what was kept. */
void console_flush(struct console *console);
/* Bytes that have gone in and out so far. */
uint64_t console_traffic(const struct console *console);
/* Certainly nobody is there: a pseudo-terminal that no program has open, a port without a connection, "none". */
bool console_is_deserted(const struct console *console);
/* What to wait for; returns the number of entries filled. Without `wants_input` bytes from the user are not among it:
 * for who would not read them. */
unsigned console_poll(const struct console *console, bool wants_input, struct pollfd fds[CONSOLE_FDS]);
/* The user has asked to leave: escape key, SIGINT, SIGTERM, SIGHUP, or the terminal is gone. */
bool console_wants_out(const struct console *console);
/* Why standard output takes no more (EPIPE: whoever read it has gone); 0 while it does. */
int console_output_error(const struct console *console);
/* A pipe or a file is read, not a terminal. */
bool console_is_script(const struct console *console);
/* The other side's terminal is in raw mode: a line feed does not return the carriage. */
bool console_is_raw(const struct console *console);
/* False: somebody is there who does not read: the sender should wait. Always true on a pseudo-terminal, where nobody
 * can tell whether there is anybody. */
bool console_has_room(const struct console *console);

#endif
