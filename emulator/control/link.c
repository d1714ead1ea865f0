/* Sockets and standard streams of POSIX.
 *
 * The standard streams are not made non-blocking, because other programs may share them: they are asked before, and a
 * pipe that is ready takes PIPE_BUF bytes. */
#include "emulator/control/link.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define FULL_BYTES (1u << 20)
#define PIECE_BYTES 65536
#define CLOSE_WAIT_MS 2000 /* for a client that is slow to read the last lines */

struct link_buffer {
    char *bytes;
    size_t at, length, room; /* `length` bytes from `at` on */
};

struct link {
    struct control *control;
    bool is_stdio;
    int listen;           /* -1: standard streams */
    int in, out;          /* -1: nobody is there */
    bool ended;           /* nothing more comes from `in` */
    bool broken;          /* `out` takes nothing any more */
    bool skip;            /* up to the end of a line that was too long */
    struct error failure; /* of standard input or output; "" when there is none */
    bool once;            /* for one client, */
    bool served;          /* who has been there */
    char path[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
    struct stat file; /* the socket's, so that no other one is removed */
    struct link_buffer received, sending;
    size_t looked; /* bytes of `received` in which there is no newline */
};

/* ---- Buffers ---- */

static bool buffer_reserve(struct link_buffer *buffer, size_t size) {
    if (buffer->at + buffer->length + size <= buffer->room) {
        return true;
    }
    if (buffer->at) {
        memmove(buffer->bytes, buffer->bytes + buffer->at, buffer->length);
        buffer->at = 0;
    }
    if (buffer->length + size <= buffer->room) {
        return true;
    }
    size_t room = 2 * (buffer->length + size);
    char *bytes = realloc(buffer->bytes, room);
    if (bytes) {
        buffer->bytes = bytes;
        buffer->room = room;
    }
    return bytes != NULL;
}

static void buffer_drop(struct link_buffer *buffer, size_t size) {
    buffer->at += size;
    buffer->length -= size;
    buffer->at = buffer->length ? buffer->at : 0;
}

/* ---- Opening ---- */

static bool set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

/* Whether a program listens at the socket that is there already. */
static bool is_in_use(const struct sockaddr_un *address) {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool used = fd >= 0 && (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 || errno == EAGAIN);
    if (fd >= 0) {
        close(fd);
    }
    return used;
}

/* What an emulator that was killed has left is replaced; a file of the user's is not. */
static bool make_way(const struct sockaddr_un *address, struct error *error) {
    struct stat status;
    const char *path = address->sun_path;
    if (lstat(path, &status) != 0) {
        return true;
    }
    if (!S_ISSOCK(status.st_mode)) {
        error_set(error, "--control unix:%s: is there already and no socket; name another path", path);
        return false;
    }
    if (is_in_use(address)) {
        error_set(error, "--control unix:%s: another program listens there; name another path", path);
        return false;
    }
    unlink(path);
    return true;
}

static bool bind_for_owner(int fd, const struct sockaddr_un *address) {
    mode_t before = umask(0177);
    bool ok = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;
    umask(before);
    return ok;
}

static bool open_socket(struct link *link, const char *path, struct error *error) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (!*path || strlen(path) >= sizeof(address.sun_path)) {
        error_set(error, "--control unix:%s: a path has 1 to %zu bytes", path, sizeof(address.sun_path) - 1);
        return false;
    }
    strcpy(address.sun_path, path);
    if (!make_way(&address, error)) {
        return false;
    }
    link->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool bound = link->listen >= 0 && bind_for_owner(link->listen, &address);
    if (bound) {
        strcpy(link->path, path);
    }
    if (!bound || lstat(path, &link->file) != 0 || listen(link->listen, 8) != 0 || !set_nonblocking(link->listen)) {
        error_set(error, "--control unix:%s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

struct link *link_open(const char *spec, struct error *error) {
    struct link *link = calloc(1, sizeof(*link));
    if (!link) {
        error_set(error, "out of memory");
        return NULL;
    }
    link->listen = link->in = link->out = -1;
    link->is_stdio = strcmp(spec, "stdio") == 0;
    bool ok = link->is_stdio;
    if (strncmp(spec, "unix:", 5) == 0) {
        ok = open_socket(link, spec + 5, error);
    } else if (!ok) {
        error_set(error, "--control %s: say unix:PATH or stdio", spec);
    }
    if (!ok) {
        link_close(link);
        return NULL;
    }
    return link;
}

/* ---- Clients ---- */

static void hang_up(struct link *link) {
    if (!link->is_stdio && link->in >= 0) {
        close(link->in);
    }
    link->in = link->out = -1;
    link->served = true;
    link->ended = link->skip = link->broken = false;
    link->received.length = link->received.at = link->looked = 0;
    link->sending.length = link->sending.at = 0;
    control_disconnect(link->control);
}

static void accept_client(struct link *link) {
    int client = accept4(link->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client >= 0) {
        link->in = link->out = client;
        control_connect(link->control);
    }
}

void link_use(struct link *link, struct control *control) {
    link->control = control;
    if (link->is_stdio) {
        link->in = STDIN_FILENO;
        link->out = STDOUT_FILENO;
        control_connect(control);
    }
}

static void remove_file(const struct link *link) {
    struct stat status;
    if (link->path[0] && lstat(link->path, &status) == 0 && status.st_ino == link->file.st_ino &&
        status.st_dev == link->file.st_dev) {
        unlink(link->path);
    }
}

/* ---- Failures ---- */

/* A client of a socket may go at any time. Standard output may be closed by who reads it; any other failure of the
 * standard streams, and any lack of memory, is told. */
static void link_fail(struct link *link, const char *what, int why) {
    link->broken = true;
    link->ended = true;
    if (why == ENOMEM || (link->is_stdio && why != EPIPE)) {
        error_set(&link->failure, "--control: %s: %s", what, strerror(why));
    }
}

const char *link_failure(const struct link *link) {
    return link->failure.message[0] ? link->failure.message : NULL;
}

/* ---- Out ---- */

void link_send(void *context, const char *line, size_t size) {
    struct link *link = context;
    if (link->out < 0 || link->broken) {
        return;
    }
    if (!buffer_reserve(&link->sending, size)) {
        link_fail(link, "what is to be sent", ENOMEM);
        return;
    }
    memcpy(link->sending.bytes + link->sending.at + link->sending.length, line, size);
    link->sending.length += size;
}

/* Also when it cannot be asked: reading or writing tells then. */
static bool is_ready(int fd, short events) {
    struct pollfd wait = { .fd = fd, .events = events };
    int count = poll(&wait, 1, 0);
    return count > 0 || (count < 0 && errno != EINTR);
}

static void send_lines(struct link *link) {
    struct link_buffer *sending = &link->sending;
    size_t limit = link->is_stdio ? PIPE_BUF : SIZE_MAX;
    while (sending->length && link->out >= 0 && is_ready(link->out, POLLOUT)) {
        size_t piece = sending->length < limit ? sending->length : limit;
        ssize_t sent = write(link->out, sending->bytes + sending->at, piece);
        if (sent > 0) {
            buffer_drop(sending, (size_t)sent);
        } else if (errno != EINTR) {
            if (errno != EAGAIN) {
                link_fail(link, "standard output", errno);
            }
            return;
        }
    }
}

/* ---- In ---- */

static void read_piece(struct link *link) {
    struct link_buffer *received = &link->received;
    if (link->in < 0 || link->ended || !is_ready(link->in, POLLIN)) {
        return;
    }
    if (!buffer_reserve(received, PIECE_BYTES)) {
        link_fail(link, "what is to be received", ENOMEM);
        return;
    }
    ssize_t count = read(link->in, received->bytes + received->at + received->length, PIECE_BYTES);
    if (count > 0) {
        received->length += (size_t)count;
    } else if (count == 0) {
        link->ended = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        link_fail(link, "standard input", errno);
    }
}

static void serve_line(struct link *link, const char *line, size_t size) {
    if (link->skip) {
        link->skip = false;
    } else if (size > LINK_LINE_MAX) {
        control_refuse_line(link->control, LINK_LINE_MAX);
    } else {
        control_line(link->control, line, size);
    }
}

/* A line without end is forgotten as it comes. */
static void forget_long_line(struct link *link) {
    if (link->received.length > LINK_LINE_MAX && link->received.length == link->looked) {
        if (!link->skip) {
            control_refuse_line(link->control, LINK_LINE_MAX);
        }
        link->skip = true;
        buffer_drop(&link->received, link->received.length);
        link->looked = 0;
    }
}

static void serve_lines(struct link *link) {
    struct link_buffer *received = &link->received;
    while (received->length > link->looked && control_takes_lines(link->control) && !control_wants_out(link->control)) {
        const char *line = received->bytes + received->at;
        const char *end = memchr(line + link->looked, '\n', received->length - link->looked);
        if (!end) {
            link->looked = received->length;
            break;
        }
        serve_line(link, line, (size_t)(end - line));
        buffer_drop(received, (size_t)(end - line) + 1);
        link->looked = 0;
    }
    forget_long_line(link);
}

/* The end of the input is the end of its last line. */
static void serve_rest(struct link *link) {
    if (link->ended && link->received.length == link->looked && link->looked && control_takes_lines(link->control)) {
        serve_line(link, link->received.bytes + link->received.at, link->received.length);
        buffer_drop(&link->received, link->received.length);
        link->looked = 0;
    }
}

static bool is_served(const struct link *link) {
    return link->ended && !link->received.length && !control_is_running(link->control);
}

/* A client that has only ended its requests still gets its replies. */
static bool is_client_gone(const struct link *link) {
    struct pollfd wait = { .fd = link->out };
    bool hung_up = link->ended && poll(&wait, 1, 0) > 0 && wait.revents & (POLLHUP | POLLERR);
    return link->broken || hung_up || (is_served(link) && !link->sending.length);
}

void link_step(struct link *link) {
    if (link->in < 0 && link->listen >= 0 && is_ready(link->listen, POLLIN)) {
        accept_client(link);
    }
    if (control_takes_lines(link->control) && !link_is_full(link)) {
        read_piece(link);
    }
    serve_lines(link);
    serve_rest(link);
    send_lines(link);
    if (!link->is_stdio && link->in >= 0 && is_client_gone(link)) {
        hang_up(link);
    }
}

bool link_is_full(const struct link *link) {
    return link->sending.length > FULL_BYTES;
}

bool link_is_over(const struct link *link) {
    bool read = link_failure(link) || (link->is_stdio && (link->broken || (is_served(link) && !link->sending.length)));
    return read || (link->once && link->served);
}

unsigned link_poll(const struct link *link, struct pollfd fds[LINK_FDS]) {
    unsigned count = 0;
    if (link->in < 0 && link->listen >= 0) {
        fds[count++] = (struct pollfd){ .fd = link->listen, .events = POLLIN };
    }
    if (link->in >= 0 && !link->ended && control_takes_lines(link->control) && !link_is_full(link)) {
        fds[count++] = (struct pollfd){ .fd = link->in, .events = POLLIN };
    }
    if (link->out >= 0 && link->sending.length) {
        fds[count++] = (struct pollfd){ .fd = link->out, .events = POLLOUT };
    }
    return count;
}

/* ---- Closing ---- */

static void send_last_lines(struct link *link) {
    while (link->sending.length && link->out >= 0 && !link->broken) {
        struct pollfd wait = { .fd = link->out, .events = POLLOUT };
        size_t before = link->sending.length;
        int ready = poll(&wait, 1, CLOSE_WAIT_MS);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        send_lines(link);
        if (ready <= 0 && link->sending.length == before) {
            return;
        }
    }
}

void link_abandon(struct link *link) {
    if (!link->is_stdio && link->in >= 0) {
        close(link->in);
    }
    if (link->listen >= 0) {
        close(link->listen);
    }
    free(link->received.bytes);
    free(link->sending.bytes);
    free(link);
}

void link_close(struct link *link) {
    if (link) {
        send_last_lines(link);
        remove_file(link);
        link_abandon(link);
    }
}

void link_serve_once(struct link *link) {
    link->once = true;
}
