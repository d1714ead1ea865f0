/* Lets one host call of the program fail. The linker leads every call that the program's own objects make of the
 * functions below here (-Wl,--wrap=NAME, see meson.build); shared libraries keep theirs. jansson gets its memory from
 * the program (emulator/project/json_memory.c). Standard error never fails: it is where failures are told.
 *
 * OUROBOARD_HOSTFAULT=NUMBER:MODE   the call of that number, counted from 1 over the process and what it forks, goes
 * wrong once   it alone fails, with the errno of its kind on     it and all later calls of the same function fail: the
 * disk stays full, the memory is used up short  reads and writes transfer half of what was asked for, waits are
 * interrupted: nothing may come of it OUROBOARD_HOSTFAULT_LOG=FILE      a line for each call: number, function, address
 * of the caller in the program
 *
 * A call that fails has done nothing, as far as its kind allows: a file that cannot be closed is closed nevertheless,
 * and a stream that cannot be written has been led to /dev/full, so that its error indicator is set as by a full disk.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum mode { MODE_ONCE, MODE_ON, MODE_SHORT };

/* In memory that forked processes share. */
struct shared {
    atomic_uint count;
    _Atomic(const char *) failing; /* the function that fails from now on */
};

static struct shared *shared;
static unsigned chosen;
static enum mode mode;
static int log_fd = -1;

extern char __executable_start;

/* ---- Which call ---- */

int __real_open64(const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *bytes, size_t size);

static void log_call(unsigned number, const char *name, void *caller) {
    char line[96];
    int size = snprintf(line, sizeof(line), "%u %s %#lx\n", number, name,
                        (unsigned long)((char *)caller - &__executable_start));
    if (__real_write(log_fd, line, (size_t)size) != size) {
        _exit(97);
    }
}

/* Counts a call. True when it is to go wrong. */
static bool hostfault_counts(const char *name, void *caller) {
    if (!shared) {
        return false;
    }
    int kept = errno;
    unsigned number = atomic_fetch_add(&shared->count, 1) + 1;
    if (log_fd >= 0) {
        log_call(number, name, caller);
    }
    errno = kept;
    if (number == chosen && mode == MODE_ON) {
        atomic_store(&shared->failing, name);
    }
    const char *failing = atomic_load(&shared->failing);
    return number == chosen || (failing && strcmp(failing, name) == 0);
}

/* True when the call is to fail: errno is set. */
static bool hostfault_fails(const char *name, int error, void *caller) {
    if (!hostfault_counts(name, caller) || mode == MODE_SHORT) {
        return false;
    }
    errno = error;
    return true;
}

int __real_fstat64(int fd, struct stat *status);

/* How much of `size` a read or write transfers; 0 with errno when it fails. A pipe takes a little as a whole. */
static size_t hostfault_part(const char *name, int fd, size_t size, int error, void *caller) {
    struct stat status;
    if (!hostfault_counts(name, caller)) {
        return size;
    }
    errno = error;
    if (mode != MODE_SHORT) {
        return 0;
    }
    bool is_atomic = size <= PIPE_BUF && __real_fstat64(fd, &status) == 0 && S_ISFIFO(status.st_mode);
    return is_atomic ? size : (size + 1) / 2;
}

/* True when the call is to fail, or to be interrupted. */
static bool hostfault_interrupts(const char *name, int error, void *caller) {
    if (!hostfault_counts(name, caller)) {
        return false;
    }
    errno = mode == MODE_SHORT ? EINTR : error;
    return true;
}

#define CALLER __builtin_return_address(0)

/* A function with fixed arguments that fails by one value. */
#define FAILS(type, name, error, failure, parameters, arguments)                                                       \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters {                                                                                    \
        return hostfault_fails(#name, error, CALLER) ? (failure) : __real_##name arguments;                            \
    }

#define INTERRUPTED(type, name, error, parameters, arguments)                                                          \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters {                                                                                    \
        return hostfault_interrupts(#name, error, CALLER) ? -1 : __real_##name arguments;                              \
    }

#define PARTIAL(name, error, parameters, arguments)                                                                    \
    ssize_t __real_##name parameters;                                                                                  \
    ssize_t __wrap_##name parameters;                                                                                  \
    ssize_t __wrap_##name parameters {                                                                                 \
        size_t asked = size;                                                                                           \
        size = hostfault_part(#name, fd, size, error, CALLER);                                                         \
        return asked && !size ? -1 : __real_##name arguments;                                                          \
    }

/* ---- Memory ---- */

FAILS(void *, malloc, ENOMEM, NULL, (size_t size), (size))
FAILS(void *, calloc, ENOMEM, NULL, (size_t count, size_t size), (count, size))
FAILS(void *, realloc, ENOMEM, NULL, (void *old, size_t size), (old, size))
FAILS(void *, aligned_alloc, ENOMEM, NULL, (size_t alignment, size_t size), (alignment, size))
FAILS(char *, strdup, ENOMEM, NULL, (const char *text), (text))
FAILS(char *, strndup, ENOMEM, NULL, (const char *text, size_t size), (text, size))
FAILS(FILE *, open_memstream, ENOMEM, NULL, (char **text, size_t *size), (text, size))

int __wrap_asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_asprintf(char **text, const char *format, ...) {
    if (hostfault_fails("asprintf", ENOMEM, CALLER)) {
        return -1;
    }
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(text, format, arguments);
    va_end(arguments);
    return length;
}

/* ---- Files and folders ---- */

FAILS(FILE *, fopen64, EMFILE, NULL, (const char *path, const char *how), (path, how))
FAILS(int, rename, EIO, -1, (const char *from, const char *to), (from, to))
FAILS(int, renameat, EIO, -1, (int from_fd, const char *from, int to_fd, const char *to), (from_fd, from, to_fd, to))
FAILS(int, linkat, EIO, -1, (int from_fd, const char *from, int to_fd, const char *to, int flags),
      (from_fd, from, to_fd, to, flags))
FAILS(int, symlink, EIO, -1, (const char *to, const char *path), (to, path))
FAILS(int, unlink, EIO, -1, (const char *path), (path))
FAILS(int, unlinkat, EIO, -1, (int fd, const char *path, int flags), (fd, path, flags))
FAILS(int, rmdir, EIO, -1, (const char *path), (path))
FAILS(int, mkdir, ENOSPC, -1, (const char *path, mode_t rights), (path, rights))
FAILS(int, mkdirat, ENOSPC, -1, (int fd, const char *path, mode_t rights), (fd, path, rights))
FAILS(char *, mkdtemp, ENOSPC, NULL, (char *path), (path))
FAILS(int, access, EIO, -1, (const char *path, int how), (path, how))
FAILS(int, stat64, EIO, -1, (const char *path, struct stat *status), (path, status))
FAILS(int, lstat64, EIO, -1, (const char *path, struct stat *status), (path, status))
FAILS(int, fstat64, EIO, -1, (int fd, struct stat *status), (fd, status))
FAILS(int, fstatat64, EIO, -1, (int fd, const char *path, struct stat *status, int flags), (fd, path, status, flags))
FAILS(DIR *, opendir, EMFILE, NULL, (const char *path), (path))
FAILS(DIR *, fdopendir, ENOMEM, NULL, (int fd), (fd))
FAILS(struct dirent *, readdir64, EIO, NULL, (DIR * folder), (folder))
FAILS(char *, realpath, ENOMEM, NULL, (const char *path, char *resolved), (path, resolved))
FAILS(ssize_t, readlink, EIO, -1, (const char *path, char *to, size_t size), (path, to, size))
FAILS(int, futimens, EPERM, -1, (int fd, const struct timespec *times), (fd, times))
FAILS(int, fchmod, EPERM, -1, (int fd, mode_t rights), (fd, rights))
FAILS(int, flock, ENOLCK, -1, (int fd, int operation), (fd, operation))
FAILS(int, ftruncate64, EIO, -1, (int fd, off_t size), (fd, size))
FAILS(off_t, lseek64, EIO, -1, (int fd, off_t offset, int whence), (fd, offset, whence))
FAILS(int, dup, EMFILE, -1, (int fd), (fd))
FAILS(int, pipe, EMFILE, -1, (int ends[2]), (ends))
FAILS(int, inotify_init1, EMFILE, -1, (int flags), (flags))
FAILS(int, inotify_add_watch, ENOSPC, -1, (int fd, const char *path, uint32_t mask), (fd, path, mask))
PARTIAL(read, EIO, (int fd, void *bytes, size_t size), (fd, bytes, size))
PARTIAL(write, ENOSPC, (int fd, const void *bytes, size_t size), (fd, bytes, size))
PARTIAL(pread64, EIO, (int fd, void *bytes, size_t size, off_t at), (fd, bytes, size, at))
PARTIAL(pwrite64, ENOSPC, (int fd, const void *bytes, size_t size, off_t at), (fd, bytes, size, at))

int __real_scandir64(const char *path, struct dirent ***names, int (*want)(const struct dirent *),
                     int (*order)(const struct dirent **, const struct dirent **));
FAILS(int, scandir64, EMFILE, -1,
      (const char *path, struct dirent ***names, int (*want)(const struct dirent *),
       int (*order)(const struct dirent **, const struct dirent **)),
      (path, names, want, order))

int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    unsigned rights = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return hostfault_fails("open", EMFILE, CALLER) ? -1 : __real_open64(path, flags, rights);
}

int __real_openat64(int fd, const char *path, int flags, ...);
int __wrap_openat64(int fd, const char *path, int flags, ...);
int __wrap_openat64(int fd, const char *path, int flags, ...) {
    va_list arguments;
    va_start(arguments, flags);
    unsigned rights = flags & O_CREAT ? va_arg(arguments, unsigned) : 0;
    va_end(arguments);
    return hostfault_fails("openat", EMFILE, CALLER) ? -1 : __real_openat64(fd, path, flags, rights);
}

int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd) {
    bool fails = hostfault_fails("close", EIO, CALLER);
    int result = __real_close(fd);
    errno = fails ? EIO : errno;
    return fails ? -1 : result;
}

/* ---- Streams ---- */

int __real_fflush(FILE *stream);

/* Leads a stream to a file that can be neither written (it is full) nor read, and gives it its own file back. */
struct full_disk {
    FILE *stream;
    int file; /* -1: nothing to give back */
};

static struct full_disk full_disk_begin(FILE *stream) {
    struct full_disk full = { stream, -1 };
    int fd = fileno(stream);
    int disk = fd < 0 ? -1 : __real_open64("/dev/full", O_WRONLY | O_CLOEXEC);
    if (disk >= 0) {
        full.file = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        dup2(disk, fd);
        __real_close(disk);
    }
    return full;
}

static void full_disk_end(struct full_disk *full, int error) {
    if (full->file >= 0) {
        dup2(full->file, fileno(full->stream));
        __real_close(full->file);
    }
    errno = error;
}

static bool hostfault_stream(const char *name, FILE *stream, void *caller) {
    return stream && stream != stderr && hostfault_fails(name, ENOSPC, caller);
}

#define STREAM_FAILS(type, name, failure, parameters, arguments)                                                       \
    type __real_##name parameters;                                                                                     \
    type __wrap_##name parameters;                                                                                     \
    type __wrap_##name parameters {                                                                                    \
        if (!hostfault_stream(#name, stream, CALLER)) {                                                                \
            return __real_##name arguments;                                                                            \
        }                                                                                                              \
        __real_fflush(stream);                                                                                         \
        struct full_disk full = full_disk_begin(stream);                                                               \
        __real_##name arguments;                                                                                       \
        __real_fflush(stream);                                                                                         \
        full_disk_end(&full, ENOSPC);                                                                                  \
        return failure;                                                                                                \
    }

STREAM_FAILS(size_t, fwrite, 0, (const void *bytes, size_t size, size_t count, FILE *stream),
             (bytes, size, count, stream))
STREAM_FAILS(int, fputs, EOF, (const char *text, FILE *stream), (text, stream))
STREAM_FAILS(int, fputc, EOF, (int letter, FILE *stream), (letter, stream))
STREAM_FAILS(int, putc, EOF, (int letter, FILE *stream), (letter, stream))
STREAM_FAILS(int, fflush, EOF, (FILE * stream), (stream))

/* What a stream has in its buffer it gives even so. */
size_t __real_fread(void *bytes, size_t size, size_t count, FILE *stream);
size_t __wrap_fread(void *bytes, size_t size, size_t count, FILE *stream);
size_t __wrap_fread(void *bytes, size_t size, size_t count, FILE *stream) {
    if (!hostfault_fails("fread", EIO, CALLER)) {
        return __real_fread(bytes, size, count, stream);
    }
    struct full_disk full = full_disk_begin(stream);
    size_t done = __real_fread(bytes, size, count, stream);
    full_disk_end(&full, EIO);
    return done;
}

char *__real_fgets(char *text, int size, FILE *stream);
char *__wrap_fgets(char *text, int size, FILE *stream);
char *__wrap_fgets(char *text, int size, FILE *stream) {
    if (!hostfault_fails("fgets", EIO, CALLER)) {
        return __real_fgets(text, size, stream);
    }
    struct full_disk full = full_disk_begin(stream);
    char *done = __real_fgets(text, size, stream);
    full_disk_end(&full, EIO);
    return done;
}

int __real_fclose(FILE *stream);
int __wrap_fclose(FILE *stream);
int __wrap_fclose(FILE *stream) {
    bool fails = hostfault_stream("fclose", stream, CALLER);
    int result = __real_fclose(stream);
    errno = fails ? ENOSPC : errno;
    return fails ? EOF : result;
}

static int print_text(const char *name, FILE *stream, void *caller, const char *format, va_list arguments)
    __attribute__((format(printf, 4, 0)));
static int print_text(const char *name, FILE *stream, void *caller, const char *format, va_list arguments) {
    if (!hostfault_stream(name, stream, caller)) {
        return vfprintf(stream, format, arguments);
    }
    __real_fflush(stream);
    struct full_disk full = full_disk_begin(stream);
    vfprintf(stream, format, arguments);
    __real_fflush(stream);
    full_disk_end(&full, ENOSPC);
    return -1;
}

int __wrap_fprintf(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_fprintf(FILE *stream, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = print_text("fprintf", stream, CALLER, format, arguments);
    va_end(arguments);
    return length;
}

int __wrap_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int __wrap_printf(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = print_text("printf", stdout, CALLER, format, arguments);
    va_end(arguments);
    return length;
}

int __wrap_puts(const char *text);
int __wrap_puts(const char *text) {
    return __wrap_fputs(text, stdout) < 0 || __wrap_fputc('\n', stdout) < 0 ? EOF : 0;
}

int __wrap_putchar(int letter);
int __wrap_putchar(int letter) {
    return __wrap_fputc(letter, stdout);
}

/* ---- Processes, terminals, sockets ---- */

FAILS(pid_t, fork, EAGAIN, -1, (void), ())
INTERRUPTED(pid_t, waitpid, ECHILD, (pid_t pid, int *status, int options), (pid, status, options))
INTERRUPTED(int, poll, ENOMEM, (struct pollfd * files, nfds_t count, int ms), (files, count, ms))
INTERRUPTED(int, ppoll, ENOMEM,
            (struct pollfd * files, nfds_t count, const struct timespec *time, const sigset_t *mask),
            (files, count, time, mask))
FAILS(int, socket, EMFILE, -1, (int domain, int type, int protocol), (domain, type, protocol))
FAILS(int, bind, EADDRINUSE, -1, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
FAILS(int, listen, EADDRINUSE, -1, (int fd, int count), (fd, count))
FAILS(int, connect, ECONNREFUSED, -1, (int fd, const struct sockaddr *address, socklen_t size), (fd, address, size))
FAILS(int, accept, EMFILE, -1, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size))
FAILS(int, accept4, EMFILE, -1, (int fd, struct sockaddr *address, socklen_t *size, int flags),
      (fd, address, size, flags))
FAILS(int, getsockname, ENOBUFS, -1, (int fd, struct sockaddr *address, socklen_t *size), (fd, address, size))
FAILS(int, setsockopt, ENOBUFS, -1, (int fd, int level, int name, const void *value, socklen_t size),
      (fd, level, name, value, size))
FAILS(int, posix_openpt, EMFILE, -1, (int flags), (flags))
FAILS(int, grantpt, EACCES, -1, (int fd), (fd))
FAILS(int, unlockpt, EACCES, -1, (int fd), (fd))
FAILS(int, ptsname_r, ERANGE, ERANGE, (int fd, char *name, size_t size), (fd, name, size))
FAILS(int, tcgetattr, EIO, -1, (int fd, struct termios *terminal), (fd, terminal))
FAILS(int, tcsetattr, EIO, -1, (int fd, int when, const struct termios *terminal), (fd, when, terminal))

/* ---- Start ---- */

static void choose(const char *text) {
    static const char *const names[] = { [MODE_ONCE] = "once", [MODE_ON] = "on", [MODE_SHORT] = "short" };
    char *end;
    chosen = (unsigned)strtoul(text, &end, 10);
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (*end == ':' && strcmp(end + 1, names[i]) == 0) {
            mode = (enum mode)i;
            return;
        }
    }
    fprintf(stderr, "hostfaults: OUROBOARD_HOSTFAULT=%s: say NUMBER:once, NUMBER:on or NUMBER:short\n", text);
    _exit(97);
}

__attribute__((constructor)) static void hostfaults_begin(void) {
    const char *fault = getenv("OUROBOARD_HOSTFAULT"), *path = getenv("OUROBOARD_HOSTFAULT_LOG");
    if (!fault && !path) {
        return;
    }
    if (fault) {
        choose(fault);
    }
    if (path) { /* out of the way of the program's own numbers */
        int fd = __real_open64(path, O_WRONLY | O_CREAT | O_APPEND | O_TRUNC | O_CLOEXEC, 0666);
        log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 500);
        __real_close(fd);
    }
    void *memory = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared = memory == MAP_FAILED ? NULL : memory;
}
