/* Files below a folder, opened step by step with O_NOFOLLOW; see inside.h. What somebody moves meanwhile may be found
 * or not, but never outside of the folder. */
#include "emulator/scenario/inside.h"

#include "emulator/scenario/scenario.h"
#include "firmware-loader/drive_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 256
#define DEPTH_MAX 32

static int open_folder_at(int at, const char *name) {
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* ---- The way to a file ---- */

bool scenario_path_is_inside(const char *path) {
    if (!*path || *path == '/' || strchr(path, '\\')) {
        return false;
    }
    for (const char *part = path; part; part = strchr(part, '/')) {
        part += *part == '/';
        size_t length = strcspn(part, "/");
        if (length == 0 || (length == 2 && memcmp(part, "..", 2) == 0)) {
            return false;
        }
    }
    return true;
}

/* The folder that the file is in, and the file's own name; -1 with errno. */
static int open_parent(const char *folder, const char *path, bool make, char ret_name[NAME_BYTES]) {
    int at = scenario_path_is_inside(path) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    errno = scenario_path_is_inside(path) ? errno : EACCES;
    while (at >= 0) {
        size_t length = strcspn(path, "/");
        if (length >= NAME_BYTES) {
            close(at);
            errno = ENAMETOOLONG;
            return -1;
        }
        snprintf(ret_name, NAME_BYTES, "%.*s", (int)length, path);
        if (!path[length]) {
            return at;
        }
        if (make) {
            mkdirat(at, ret_name, 0777);
        }
        int next = open_folder_at(at, ret_name);
        int why = errno;
        close(at);
        errno = why;
        at = next;
        path += length + 1;
    }
    return -1;
}

/* Of a call that has failed: nothing is there, or nothing that may be followed. */
static bool tells_of_nothing(int why) {
    return why == ENOENT || why == ENOTDIR || why == ELOOP || why == ENAMETOOLONG || why == EACCES;
}

/* What cannot be looked at for another reason is taken to be there: who opens it tells why it cannot. */
bool inside_exists(const char *folder, const char *path) {
    char name[NAME_BYTES];
    struct stat status;
    int at = open_parent(folder, path, false, name);
    bool found = at >= 0 && fstatat(at, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    bool exists = found || !tells_of_nothing(errno);
    if (at >= 0) {
        close(at);
    }
    return exists;
}

/* ---- Reading ---- */

static uint8_t *read_regular_file(int file, size_t limit, size_t *ret_size) {
    struct stat status;
    if (fstat(file, &status) != 0) {
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size > limit) {
        errno = S_ISREG(status.st_mode) ? EFBIG : EACCES;
        return NULL;
    }
    size_t size = (size_t)status.st_size, done = 0;
    uint8_t *data = malloc(size + 1);
    ssize_t got = 1;
    while (data && done < size && (got = read(file, data + done, size - done)) > 0) {
        done += (size_t)got;
    }
    if (data) {
        data[done] = 0;
        *ret_size = done;
    }
    return data;
}

uint8_t *inside_read(const char *folder, const char *path, size_t limit, size_t *ret_size, struct error *error) {
    char name[NAME_BYTES];
    int at = open_parent(folder, path, false, name);
    int file = at >= 0 ? openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    uint8_t *data = file >= 0 ? read_regular_file(file, limit, ret_size) : NULL;
    if (!data) {
        error_set(error, "%s: %s", path, errno == ELOOP ? "is a symbolic link" : strerror(errno));
    }
    if (file >= 0) {
        close(file);
    }
    if (at >= 0) {
        close(at);
    }
    return data;
}

/* ---- Writing ---- */

static bool write_all(int file, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t done = write(file, data, size);
        if (done <= 0) {
            return false;
        }
        data += done;
        size -= (size_t)done;
    }
    return true;
}

static bool write_whole_file(int at, const char *name, const void *data, size_t size, int64_t seconds) {
    char temporary[40];
    snprintf(temporary, sizeof(temporary), ".ouroboard-%ld.tmp", (long)getpid());
    int file = openat(at, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (file < 0) {
        return false;
    }
    bool ok = write_all(file, data, size);
    const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };
    if (ok && seconds >= 0) {
        ok = futimens(file, times) == 0;
    }
    ok &= close(file) == 0;
    ok = ok && renameat(at, temporary, at, name) == 0;
    if (!ok) {
        int why = errno;
        unlinkat(at, temporary, 0);
        errno = why;
    }
    return ok;
}

bool inside_write(const char *folder, const char *path, const void *data, size_t size, int64_t seconds,
                  struct error *error) {
    char name[NAME_BYTES];
    int at = open_parent(folder, path, true, name);
    bool ok = at >= 0 && write_whole_file(at, name, data, size, seconds);
    if (!ok) {
        error_set(error, "%s: %s", path,
                  errno == ELOOP || errno == ENOTDIR ? "leads over a symbolic link" : strerror(errno));
    }
    if (at >= 0) {
        close(at);
    }
    return ok;
}

/* ---- Copies ---- */

struct copy {
    bool link;
    uint64_t left; /* bytes that may still be copied */
    struct error *error;
};

static bool copy_contents(struct copy *copy, int from, int to, const struct stat *status) {
    uint8_t block[65536];
    ssize_t got;
    if ((uint64_t)status->st_size > copy->left) {
        errno = EFBIG;
        return false;
    }
    copy->left -= (uint64_t)status->st_size;
    while ((got = read(from, block, sizeof(block))) > 0) {
        if (!write_all(to, block, (size_t)got)) {
            return false;
        }
    }
    const struct timespec times[2] = { status->st_atim, status->st_mtim };
    return got == 0 && futimens(to, times) == 0;
}

static bool copy_file(struct copy *copy, int from, int to, const char *name, const struct stat *status) {
    if (copy->link) {
        return linkat(from, name, to, name, 0) == 0;
    }
    int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int target = source < 0 ? -1 : openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = target >= 0 && copy_contents(copy, source, target, status);
    if (target >= 0 && close(target) != 0) {
        ok = false;
    }
    if (source >= 0) {
        int why = errno;
        close(source);
        errno = why;
    }
    return ok;
}

static bool copy_folder(struct copy *copy, int from, int to, unsigned depth);

static bool copy_inner(struct copy *copy, int from, int to, const char *name, unsigned depth) {
    int inner_from = open_folder_at(from, name);
    if (inner_from < 0) {
        return true; /* it has gone, or may not be read */
    }
    mkdirat(to, name, 0777);
    int inner_to = open_folder_at(to, name);
    if (inner_to < 0) {
        close(inner_from);
        error_set(copy->error, "%s: %s", name, strerror(errno));
        return false;
    }
    bool ok = copy_folder(copy, inner_from, inner_to, depth + 1);
    close(inner_to);
    return ok;
}

static bool copy_entry(struct copy *copy, int from, int to, const char *name, unsigned depth) {
    struct stat status;
    if (drive_ignores(name)) {
        return true;
    }
    if (fstatat(from, name, &status, AT_SYMLINK_NOFOLLOW) != 0) {
        error_set(copy->error, "%s: %s", name, strerror(errno));
        return errno == ENOENT;
    }
    if (S_ISDIR(status.st_mode)) {
        return depth >= DEPTH_MAX || copy_inner(copy, from, to, name, depth);
    }
    bool ok = !S_ISREG(status.st_mode) || copy_file(copy, from, to, name, &status);
    if (!ok) {
        error_set(copy->error, "%s: %s", name, errno == EFBIG ? "is too much for a drive" : strerror(errno));
    }
    return ok;
}

/* Closes `from`. */
static bool copy_folder(struct copy *copy, int from, int to, unsigned depth) {
    DIR *stream = fdopendir(from);
    bool ok = stream != NULL, more = ok;
    while (ok && more) {
        errno = 0;
        struct dirent *entry = readdir(stream);
        const char *name = entry ? entry->d_name : ".";
        more = entry != NULL;
        ok = entry || !errno;
        if (ok && strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
            ok = copy_entry(copy, from, to, name, depth);
        } else if (!ok) {
            error_set(copy->error, "cannot be listed: %s", strerror(errno));
        }
    }
    if (stream) {
        closedir(stream);
    } else {
        close(from);
    }
    return ok;
}

bool inside_copy(const char *from, const char *to, bool link, uint64_t limit, struct error *error) {
    struct copy copy = { link, limit, error };
    int source = open(from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int target = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    error_set(error, "%s: %s", source < 0 ? from : to, strerror(errno));
    bool ok = source >= 0 && target >= 0;
    if (ok) {
        ok = copy_folder(&copy, source, target, 0);
        source = -1;
    }
    if (source >= 0) {
        close(source);
    }
    if (target >= 0) {
        close(target);
    }
    return ok;
}

/* ---- Removing ---- */

/* Closes `folder`. */
static void remove_contents(int folder) {
    DIR *stream = fdopendir(folder);
    if (!stream) {
        close(folder);
        return;
    }
    for (struct dirent *entry; (entry = readdir(stream));) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || unlinkat(folder, name, 0) == 0) {
            continue;
        }
        int inner = open_folder_at(folder, name);
        if (inner >= 0) {
            remove_contents(inner);
            unlinkat(folder, name, AT_REMOVEDIR);
        }
    }
    closedir(stream);
}

void inside_remove(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        remove_contents(fd);
        rmdir(folder);
    }
}
