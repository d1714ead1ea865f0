/* POSIX terminals, pseudo-terminals and sockets. A terminal is put into raw mode and put back on every exit: by
 * console_close(), by atexit, by the handlers of fatal signals, and for as long as SIGTSTP stops the process. SIGINT,
 * SIGTERM and SIGHUP end the run in good order.
 *
 * A pseudo-terminal's own end stays open here, so that nobody hangs up between two clients; who comes and goes is told
 * by inotify. What a client has set outlives it then: TIOCEXCL would lock out the next one, and is undone when the last
 * client has gone, killed or not. */
#include "emulator/cli/console.h"

#include "emulator/cli/loopback.h"
#include "emulator/cli/telnet.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define QUEUE_LIMIT (1u << 20)

enum kind { KIND_NONE, KIND_STDIO, KIND_PTY, KIND_TCP };

struct console {
    enum kind kind;
    int in;     /* -1: nobody there */
    int out;    /* may equal `in` */
    int listen; /* TCP */
    int slave;  /* of a pseudo-terminal */
    int watch;  /* inotify: opened and closed; -1: not to be had */
    unsigned clients;
    bool raw;
    bool leave;
    char address[128];
    char *link; /* to the pseudo-terminal; NULL: none */
    struct telnet telnet;
    uint8_t *queue;
    size_t queued, capacity;
    uint64_t dropped;
    uint64_t traffic; /* bytes in and out */
    int output_error; /* errno of the write that has ended the output to the terminal */
};

/* ---- The terminal's own mode: one per process, so that a signal handler can restore it ---- */

static struct termios saved_mode, raw_mode;
static volatile sig_atomic_t mode_saved;

static void restore_terminal(void) {
    if (mode_saved) {
        mode_saved = 0;
        tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
    }
}

static void on_fatal_signal(int number) {
    restore_terminal();
    signal(number, SIG_DFL);
    raise(number);
}

/* While the process is stopped the terminal is the shell's. */
static void on_stop(int number) {
    int error = errno;
    tcsetattr(STDIN_FILENO, TCSANOW, &saved_mode);
    raise(SIGSTOP);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw_mode); /* continued */
    errno = error;
}

static volatile sig_atomic_t leave_asked;

/* The first request ends the run in good order; a second one at once. */
static void on_request_to_leave(int number) {
    leave_asked = 1;
    signal(number, on_fatal_signal);
}

static bool make_raw(void) {
    if (tcgetattr(STDIN_FILENO, &saved_mode) < 0) {
        return false;
    }
    raw_mode = saved_mode;
    cfmakeraw(&raw_mode);
    mode_saved = 1;
    atexit(restore_terminal);
    static const int fatal[] = { SIGQUIT, SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL };
    for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
        signal(fatal[i], on_fatal_signal);
    }
    signal(SIGTSTP, on_stop);
    return tcsetattr(STDIN_FILENO, TCSANOW, &raw_mode) == 0;
}

/* ---- Opening ---- */

static bool set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool open_stdio(struct console *console) {
    console->in = STDIN_FILENO;
    console->out = STDOUT_FILENO;
    if (isatty(STDIN_FILENO)) {
        console->raw = make_raw();
    }
    return true;
}

/* A link that an earlier run has left is replaced; a file of the user's is not. */
static bool make_link(struct console *console, const char *link, struct error *error) {
    struct stat status;
    if (lstat(link, &status) == 0 && (!S_ISLNK(status.st_mode) || unlink(link) < 0)) {
        error_set(error, "--serial pty:%s: is there already and not a link that can be replaced", link);
        return false;
    }
    if (symlink(console->address, link) < 0) {
        error_set(error, "--serial pty:%s: cannot make this link: %s", link, strerror(errno));
        return false;
    }
    console->link = strdup(link);
    return true;
}

/* Not one that another run has made meanwhile. */
static void remove_link(struct console *console) {
    char target[sizeof(console->address)];
    ssize_t length = console->link ? readlink(console->link, target, sizeof(target)) : -1;
    if (length > 0 && (size_t)length == strlen(console->address) && !memcmp(target, console->address, (size_t)length)) {
        unlink(console->link);
    }
    free(console->link);
}

static void watch_clients(struct console *console) {
    console->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (console->watch >= 0 && inotify_add_watch(console->watch, console->address, IN_OPEN | IN_CLOSE) < 0) {
        close(console->watch);
        console->watch = -1;
    }
}

static bool open_pty(struct console *console, const char *link, struct error *error) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    struct termios mode;
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, console->address, sizeof(console->address)) != 0) {
        error_set(error, "--serial pty: %s", strerror(errno));
        return false;
    }
    console->in = console->out = master;
    console->slave = open(console->address, O_RDWR | O_NOCTTY);
    if (console->slave < 0 || tcgetattr(console->slave, &mode) < 0) {
        error_set(error, "--serial pty: %s: %s", console->address, strerror(errno));
        return false;
    }
    cfmakeraw(&mode);
    tcsetattr(console->slave, TCSANOW, &mode);
    watch_clients(console);
    return (!link || make_link(console, link, error)) && set_nonblocking(master);
}

static bool open_tcp(struct console *console, const char *port_text, struct error *error) {
    char *end;
    long port = strtol(port_text, &end, 10);
    if (*end || port < 0 || port > 65535 || end == port_text) {
        error_set(error, "--serial tcp:%s: the port is a number from 0 to 65535 (0: any free one)", port_text);
        return false;
    }
    unsigned number;
    console->listen = loopback_listen((unsigned)port, 1, &number);
    if (console->listen < 0) {
        error_set(error, "--serial tcp:%ld: %s", port, strerror(errno));
        return false;
    }
    snprintf(console->address, sizeof(console->address), "rfc2217://localhost:%u", number);
    return true;
}

static bool open_by_spec(struct console *console, const char *spec, struct error *error) {
    if (strcmp(spec, "none") == 0) {
        return true;
    }
    if (strcmp(spec, "stdio") == 0) {
        console->kind = KIND_STDIO;
        return open_stdio(console);
    }
    if (strcmp(spec, "pty") == 0 || strncmp(spec, "pty:", 4) == 0) {
        console->kind = KIND_PTY;
        return open_pty(console, spec[3] ? spec + 4 : NULL, error);
    }
    if (strncmp(spec, "tcp:", 4) == 0) {
        console->kind = KIND_TCP;
        return open_tcp(console, spec + 4, error);
    }
    error_set(error, "--serial %s: say stdio, pty, pty:LINK, tcp:PORT or none", spec);
    return false;
}

struct console *console_open(const char *spec, struct error *error) {
    struct console *console = calloc(1, sizeof(*console));
    if (!console) {
        error_set(error, "out of memory");
        return NULL;
    }
    console->in = console->out = console->listen = console->slave = console->watch = -1;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, on_request_to_leave);
    signal(SIGINT, on_request_to_leave);
    signal(SIGTERM, on_request_to_leave);
    if (!open_by_spec(console, spec, error)) {
        console_close(console);
        return NULL;
    }
    return console;
}

static void hang_up(struct console *console) {
    if (console->in > STDERR_FILENO) {
        close(console->in);
    }
    console->in = console->out = -1;
    console->queued = 0;
}

void console_close(struct console *console) {
    if (!console) {
        return;
    }
    console_flush(console);
    if (console->kind == KIND_STDIO) {
        restore_terminal();
    }
    remove_link(console);
    hang_up(console);
    if (console->slave >= 0) {
        close(console->slave);
    }
    if (console->watch >= 0) {
        close(console->watch);
    }
    if (console->listen >= 0) {
        close(console->listen);
    }
    free(console->queue);
    free(console);
}

const char *console_address(const struct console *console) {
    return console->address[0] ? console->address : NULL;
}

/* ---- Bytes ---- */

static void drop_bytes(struct console *console, size_t size) {
    if (!console->dropped) {
        fprintf(stderr, "ouroboard: nobody reads %s: console bytes are lost\n",
                console->address[0] ? console->address : "the console");
    }
    console->dropped += size;
}

static void queue_bytes(struct console *console, const uint8_t *data, size_t size) {
    if (console->queued + size > QUEUE_LIMIT) {
        drop_bytes(console, size);
        return;
    }
    if (console->queued + size > console->capacity) {
        size_t capacity = (console->queued + size) * 2;
        uint8_t *queue = realloc(console->queue, capacity);
        if (!queue) {
            drop_bytes(console, size);
            return;
        }
        console->queue = queue;
        console->capacity = capacity;
    }
    memcpy(console->queue + console->queued, data, size);
    console->queued += size;
}

static void end_output(struct console *console, int error) {
    console->queued = 0;
    if (console->kind == KIND_STDIO) {
        console->output_error = error;
        console->out = -1;
    }
}

void console_flush(struct console *console) {
    while (console->queued && console->out >= 0) {
        ssize_t sent = write(console->out, console->queue, console->queued);
        if (sent <= 0) {
            if (sent < 0 && errno != EAGAIN && errno != EINTR) {
                end_output(console, errno);
            }
            return;
        }
        console->queued -= (size_t)sent;
        memmove(console->queue, console->queue + sent, console->queued);
    }
}

void console_write(struct console *console, const uint8_t *data, size_t size) {
    console->traffic += size;
    if (console->out < 0) {
        return; /* nobody there: as with a serial port that no program has open */
    }
    while (size && console->kind == KIND_TCP) {
        uint8_t encoded[512];
        size_t part = size < sizeof(encoded) / 2 ? size : sizeof(encoded) / 2;
        queue_bytes(console, encoded, telnet_encode(data, part, encoded));
        data += part;
        size -= part;
    }
    queue_bytes(console, data, size);
    console_flush(console);
}

static void accept_client(struct console *console) {
    int client = loopback_accept(console->listen);
    if (client >= 0) {
        console->in = console->out = client;
        telnet_init(&console->telnet);
    }
}

static void send_reply(struct console *console) {
    if (console->telnet.reply_length) {
        queue_bytes(console, console->telnet.reply, console->telnet.reply_length);
        console->telnet.reply_length = 0;
        console_flush(console);
    }
}

static bool has_input(int fd) {
    struct pollfd wait = { .fd = fd, .events = POLLIN };
    return poll(&wait, 1, 0) > 0;
}

static size_t read_stdio(struct console *console, uint8_t *data, size_t size) {
    if (!has_input(console->in)) {
        return 0;
    }
    ssize_t count = read(console->in, data, size);
    if (count == 0) {
        console->in = -1; /* end of file: run on without input */
        console->leave = console->raw;
    }
    const uint8_t *escape = count > 0 && console->raw ? memchr(data, CONSOLE_ESCAPE, (size_t)count) : NULL;
    if (escape) {
        console->leave = true;
        return (size_t)(escape - data);
    }
    return count > 0 ? (size_t)count : 0;
}

/* The end of the last client's connection. */
static void count_client(struct console *console, const struct inotify_event *event) {
    if (event->mask & IN_OPEN) {
        console->clients++;
    } else if (event->mask & IN_CLOSE && console->clients && --console->clients == 0) {
        ioctl(console->slave, TIOCNXCL);
    }
}

static void count_clients(struct console *console) {
    union {
        struct inotify_event event;
        char bytes[1024];
    } buffer;
    ssize_t size = read(console->watch, &buffer, sizeof(buffer));
    for (ssize_t at = 0; at + (ssize_t)sizeof(struct inotify_event) <= size;) {
        struct inotify_event event;
        memcpy(&event, buffer.bytes + at, sizeof(event));
        count_client(console, &event);
        at += (ssize_t)(sizeof(event) + event.len);
    }
}

static size_t read_pty(struct console *console, uint8_t *data, size_t size) {
    struct pollfd fds[] = { { .fd = console->in, .events = POLLIN }, { .fd = console->watch, .events = POLLIN } };
    if (poll(fds, 2, 0) <= 0) {
        return 0;
    }
    if (fds[1].revents & POLLIN) {
        count_clients(console);
    }
    ssize_t count = fds[0].revents ? read(console->in, data, size) : 0;
    return count > 0 ? (size_t)count : 0;
}

static size_t read_tcp(struct console *console, uint8_t *data, size_t size) {
    if (console->in < 0 && has_input(console->listen)) {
        accept_client(console);
    }
    if (console->in < 0) {
        return 0;
    }
    send_reply(console);
    if (!has_input(console->in)) {
        return 0;
    }
    ssize_t count = read(console->in, data, size);
    if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
        hang_up(console);
        return 0;
    }
    size_t kept = count > 0 ? telnet_receive(&console->telnet, data, (size_t)count) : 0;
    send_reply(console);
    return kept;
}

static size_t read_by_kind(struct console *console, uint8_t *data, size_t size) {
    switch (console->kind) {
    case KIND_TCP:
        return read_tcp(console, data, size);
    case KIND_PTY:
        return read_pty(console, data, size);
    case KIND_STDIO:
        return console->in >= 0 ? read_stdio(console, data, size) : 0;
    default:
        return 0;
    }
}

size_t console_read(struct console *console, uint8_t *data, size_t size) {
    size_t count = read_by_kind(console, data, size);
    console->traffic += count;
    return count;
}

uint64_t console_traffic(const struct console *console) {
    return console->traffic;
}

bool console_is_deserted(const struct console *console) {
    switch (console->kind) {
    case KIND_TCP:
        return console->in < 0;
    case KIND_PTY:
        return console->watch >= 0 && console->clients == 0;
    case KIND_STDIO:
        return false;
    default:
        return true;
    }
}

unsigned console_poll(const struct console *console, bool wants_input, struct pollfd fds[CONSOLE_FDS]) {
    unsigned count = 0;
    if (console->in >= 0 && wants_input) {
        fds[count++] = (struct pollfd){ .fd = console->in, .events = POLLIN };
    } else if (console->in < 0 && console->listen >= 0) {
        fds[count++] = (struct pollfd){ .fd = console->listen, .events = POLLIN };
    }
    if (console->queued && console->out >= 0) {
        fds[count++] = (struct pollfd){ .fd = console->out, .events = POLLOUT };
    }
    return count;
}

bool console_wants_out(const struct console *console) {
    return console->leave || leave_asked;
}

int console_output_error(const struct console *console) {
    return console->output_error;
}

bool console_is_script(const struct console *console) {
    return console->kind == KIND_STDIO && !console->raw;
}

bool console_is_raw(const struct console *console) {
    return console->raw;
}

bool console_has_room(const struct console *console) {
    return console->kind == KIND_PTY || console->queued < QUEUE_LIMIT / 2;
}
