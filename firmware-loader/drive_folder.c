/* The folder on the host.
 * Left out, with a line each: symbolic links (wherever they point: a drive has none, and a link could lead out of the
 * folder), sockets, pipes and devices, names FAT cannot hold, a second name that differs only in case, what cannot be
 * read. Left out quietly (log level trace): `.git`, `.hg`, `.svn`, `.jj`, `__pycache__`, `.DS_Store`, `Thumbs.db`, and
 * the temporary files of editors: `*~`, `#*#`, `.#*`, `.*.sw?`, `*.swp`, `.~*`, `4913`, `*.tmp`, `*___jb_*`,
 * `.goutputstream-*`, our own `.ouroboard-*`, and
 * the copies that conflicts left, `*.conflict` and `*.conflict-*`; and what makes a folder a project: `diagram.json`,
 * `scenario.yaml`, `*.scenario.yaml`, `wokwi.toml`, and images of firmware, `*.uf2` and `*.elf`.
 *
 * Paths are walked part by part without following links, so that a folder swapped for a link does not lead us out. */
#include "firmware-loader/drive_folder.h"

#include "firmware-loader/fat.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_TRIES 3
#define FULL_LINES 8

static uint64_t hash_text(const char *text) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++) {
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    }
    return hash;
}

/* True the first time. Without memory a line may come twice. */
static bool first_time(struct drive_reporter *reporter, uint64_t hash) {
    for (size_t i = 0; i < reporter->count; i++) {
        if (reporter->said[i] == hash) {
            return false;
        }
    }
    if (reporter->count == reporter->room) {
        size_t room = reporter->room ? reporter->room * 2 : 32;
        uint64_t *said = realloc(reporter->said, room * sizeof(*said));
        if (!said) {
            return true;
        }
        reporter->said = said;
        reporter->room = room;
    }
    reporter->said[reporter->count++] = hash;
    return true;
}

/* A name may hold control characters: they must not reach a terminal. */
static void make_printable(char *line) {
    for (; *line; line++) {
        if ((unsigned char)*line < 0x20 || *line == 0x7f) {
            *line = '?';
        }
    }
}

bool drive_say(struct drive_reporter *reporter, enum log_level level, const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    make_printable(line);
    if (!reporter->report || !first_time(reporter, hash_text(line))) {
        return false;
    }
    reporter->report(reporter->context, level, line);
    return true;
}

void drive_say_full(struct drive_reporter *reporter, const char *folder, const char *path) {
    bool few = reporter->full < FULL_LINES;
    enum log_level level = few ? LOG_WARN : LOG_TRACE;
    bool said = drive_say(reporter, level, "%s/%s: not on the drive: the volume is full", folder, path);
    reporter->full += said;
    if (said && !few) {
        drive_say(reporter, LOG_WARN, "%s: more is not on the drive: the volume is full (--log trace names it)",
                  folder);
    }
}

void drive_reporter_finish(struct drive_reporter *reporter) {
    free(reporter->said);
    reporter->said = NULL;
    reporter->count = reporter->room = 0;
}

bool drive_signature_equal(const struct drive_signature *a, const struct drive_signature *b) {
    return a->size == b->size && a->inode == b->inode && a->seconds == b->seconds && a->nanoseconds == b->nanoseconds &&
           a->readable == b->readable;
}

static struct drive_signature signature_of(const struct stat *status) {
    return (struct drive_signature){
        .size = S_ISREG(status->st_mode) ? (uint64_t)status->st_size : 0,
        .inode = status->st_ino,
        .seconds = status->st_mtim.tv_sec,
        .nanoseconds = (uint32_t)status->st_mtim.tv_nsec,
        .readable = status->st_mode & (S_IRUSR | S_IRGRP | S_IROTH),
    };
}

bool drive_ignores(const char *name) {
    static const char *const patterns[] = {
        ".git",       ".hg",          ".svn",         ".jj",           "__pycache__",      ".DS_Store",
        "Thumbs.db",  "*~",           "#*#",          ".#*",           ".*.sw?",           "*.swp",
        ".~*",        "4913",         "*.tmp",        "*___jb_*",      ".goutputstream-*", ".ouroboard-*",
        "*.conflict", "*.conflict-*", "diagram.json", "scenario.yaml", "*.scenario.yaml",  "wokwi.toml",
        "*.uf2",      "*.elf",
    };
    for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
        if (!fnmatch(patterns[i], name, 0)) {
            return true;
        }
    }
    return false;
}

static bool push(struct drive_item **items, size_t *count, size_t *room, const struct drive_item *item) {
    if (*count == *room) {
        size_t more = *room ? *room * 2 : 64;
        struct drive_item *grown = realloc(*items, more * sizeof(*grown));
        if (!grown) {
            return false;
        }
        *items = grown;
        *room = more;
    }
    char *path = strdup(item->path);
    if (path) {
        (*items)[*count] = *item;
        (*items)[(*count)++].path = path;
    }
    return path != NULL;
}

static bool leave_out(struct drive_listing *listing, const char *path) {
    return push(&listing->left_out, &listing->left_out_count, &listing->left_out_room,
                &(struct drive_item){ .path = (char *)path });
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct drive_item *)a)->path, ((const struct drive_item *)b)->path);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

struct walk {
    struct drive_listing *listing;
    struct drive_reporter *reporter;
    const char *root;
};

static bool walk_folder(struct walk *walk, int folder, const char *prefix, unsigned depth);

/* Why something stays off the drive; NULL when it does not. */
static const char *objection(const struct stat *status, const char *name) {
    if (S_ISLNK(status->st_mode)) {
        return "symbolic links are not followed";
    }
    if (!S_ISREG(status->st_mode) && !S_ISDIR(status->st_mode)) {
        return "neither a file nor a folder";
    }
    if (!fat_name_valid(name)) {
        return "a FAT volume cannot hold this name";
    }
    if (S_ISREG(status->st_mode) && status->st_size > (off_t)UINT32_MAX) {
        return "larger than 4 GB";
    }
    return NULL;
}

static bool walk_below(struct walk *walk, int folder, const char *name, const char *path, unsigned depth) {
    int below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0) {
        drive_say(walk->reporter, LOG_WARN, "%s/%s: cannot be read: %s", walk->root, path, strerror(errno));
        return leave_out(walk->listing, path);
    }
    return walk_folder(walk, below, path, depth + 1);
}

static bool walk_name(struct walk *walk, int folder, const char *name, const char *path, unsigned depth) {
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW)) {
        int why = errno;
        if (why != ENOENT) {
            drive_say(walk->reporter, LOG_WARN, "%s/%s: cannot be read: %s", walk->root, path, strerror(why));
        }
        return why == ENOENT;
    }
    const char *why = S_ISDIR(status.st_mode) && depth >= FAT_DEPTH_MAX ? "too deep" : objection(&status, name);
    if (why) {
        drive_say(walk->reporter, LOG_WARN, "%s/%s: not on the drive: %s", walk->root, path, why);
        return leave_out(walk->listing, path);
    }
    struct drive_item item = { (char *)path, S_ISDIR(status.st_mode), signature_of(&status) };
    struct drive_listing *listing = walk->listing;
    if (!push(&listing->items, &listing->count, &listing->room, &item)) {
        drive_say(walk->reporter, LOG_WARN, "%s/%s: cannot be read: out of memory", walk->root, path);
        return false;
    }
    return !item.folder || walk_below(walk, folder, name, path, depth);
}

static void free_names(char **names, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
}

/* The sorted names of a folder; NULL with errno when they cannot be listed, and without when there are none. */
static char **names_of(int folder, size_t *ret_count) {
    int copy = dup(folder);
    DIR *stream = copy >= 0 ? fdopendir(copy) : NULL;
    char **names = NULL;
    size_t count = 0, room = 0;
    *ret_count = 0;
    errno = stream ? 0 : errno;
    for (struct dirent *entry; stream && (entry = readdir(stream));) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) {
            continue;
        }
        if (count == room) {
            room = room ? room * 2 : 32;
            char **grown = realloc(names, room * sizeof(*names));
            if (!grown) {
                break;
            }
            names = grown;
        }
        names[count] = strdup(entry->d_name);
        if (!names[count]) {
            break;
        }
        count++;
    }
    int why = errno;
    if (stream) {
        closedir(stream);
    } else if (copy >= 0) {
        close(copy);
    }
    if (why) {
        free_names(names, count);
        errno = why;
        return NULL;
    }
    if (count) {
        qsort(names, count, sizeof(*names), by_name);
    }
    *ret_count = count;
    return names;
}

/* Without case; of names that differ in nothing else the first by bytes comes first. */
static int by_folded_name(const void *a, const void *b) {
    int order = fat_name_compare(*(char *const *)a, *(char *const *)b);
    return order ? order : by_name(a, b);
}

/* The names that may be on the drive, ordered so that those which differ only in case are neighbours. NULL without
 * memory. */
static const char **fold_names(char **names, size_t count, size_t *ret_count) {
    const char **folded = malloc((count + 1) * sizeof(*folded));
    *ret_count = 0;
    for (size_t i = 0; folded && i < count; i++) {
        if (names[i] && !drive_ignores(names[i])) {
            folded[(*ret_count)++] = names[i];
        }
    }
    if (folded) {
        qsort(folded, *ret_count, sizeof(*folded), by_folded_name);
    }
    return folded;
}

/* An earlier name that is the same but for case. */
static const char *same_but_case(const char **folded, size_t count, const char *name) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (fat_name_compare(folded[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && strcmp(folded[low], name) ? folded[low] : NULL;
}

static bool walk_one(struct walk *walk, int folder, const char *prefix, const char *name, const char *twin,
                     unsigned depth) {
    char *path;
    if (asprintf(&path, "%s%s%s", prefix, *prefix ? "/" : "", name) < 0) {
        drive_say(walk->reporter, LOG_WARN, "%s/%s: cannot be read: out of memory", walk->root, name);
        return false;
    }
    bool ok = true;
    if (drive_ignores(name)) {
        drive_say(walk->reporter, LOG_TRACE, "%s/%s: ignored", walk->root, path);
    } else if (twin) {
        drive_say(walk->reporter, LOG_WARN, "%s/%s: not on the drive: differs from %s only in case", walk->root, path,
                  twin);
    } else {
        ok = walk_name(walk, folder, name, path, depth);
    }
    free(path);
    return ok;
}

static bool walk_names(struct walk *walk, int folder, const char *prefix, char **names, size_t count, unsigned depth) {
    size_t folded_count;
    const char **folded = fold_names(names, count, &folded_count);
    bool ok = folded != NULL;
    for (size_t i = 0; folded && i < count; i++) {
        bool plain = names[i] && !drive_ignores(names[i]);
        const char *twin = plain ? same_but_case(folded, folded_count, names[i]) : NULL;
        if (!names[i] || !walk_one(walk, folder, prefix, names[i], twin, depth)) {
            ok = false;
        }
    }
    free(folded);
    return ok;
}

/* Takes the descriptor. */
static bool walk_folder(struct walk *walk, int folder, const char *prefix, unsigned depth) {
    size_t count;
    char **names = names_of(folder, &count);
    bool ok = names || !errno;
    if (!ok) {
        drive_say(walk->reporter, LOG_WARN, "%s/%s: cannot be listed: %s", walk->root, prefix, strerror(errno));
    }
    ok &= walk_names(walk, folder, prefix, names, count, depth);
    free_names(names, count);
    close(folder);
    return ok;
}

bool drive_list(const char *root, struct drive_listing *ret_listing, struct drive_reporter *reporter) {
    *ret_listing = (struct drive_listing){ 0 };
    int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        drive_say(reporter, LOG_ERROR, "%s: cannot be read: %s", root, strerror(errno));
        return false;
    }
    struct walk walk = { ret_listing, reporter, root };
    bool ok = walk_folder(&walk, folder, "", 0);
    if (ret_listing->count) {
        qsort(ret_listing->items, ret_listing->count, sizeof(*ret_listing->items), by_path);
    }
    return ok;
}

void drive_listing_finish(struct drive_listing *listing) {
    for (size_t i = 0; i < listing->count; i++) {
        free(listing->items[i].path);
    }
    for (size_t i = 0; i < listing->left_out_count; i++) {
        free(listing->left_out[i].path);
    }
    free(listing->items);
    free(listing->left_out);
    *listing = (struct drive_listing){ 0 };
}

const struct drive_item *drive_listing_find(const struct drive_listing *listing, const char *path) {
    struct drive_item key = { .path = (char *)path };
    return listing->count ? bsearch(&key, listing->items, listing->count, sizeof(key), by_path) : NULL;
}

static enum drive_host_result from_errno(void) {
    return errno == ENOENT || errno == ENOTDIR ? DRIVE_HOST_GONE : DRIVE_HOST_FAILED;
}

/* Open the folder that holds `path`; *ret_name is the last part, inside `path`. */
static int open_parent(const char *root, const char *path, const char **ret_name) {
    int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (const char *slash; folder >= 0 && (slash = strchr(path, '/')); path = slash + 1) {
        char *part = strndup(path, (size_t)(slash - path));
        int below = part ? openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
        int error = errno;
        free(part);
        close(folder);
        errno = error;
        folder = below;
    }
    *ret_name = path;
    return folder;
}

static bool read_all(int file, uint8_t *data, size_t size) {
    while (size) {
        ssize_t count = read(file, data, size);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return false;
        }
        data += count;
        size -= (size_t)count;
    }
    return true;
}

/* One try; CHANGING when the file was written meanwhile. */
static enum drive_host_result read_once(int file, uint64_t limit, uint8_t **ret_data, struct drive_signature *ret) {
    struct stat before, after;
    if (fstat(file, &before)) {
        return from_errno();
    }
    if (!S_ISREG(before.st_mode)) {
        return DRIVE_HOST_GONE;
    }
    if ((uint64_t)before.st_size > limit) {
        errno = EFBIG;
        return DRIVE_HOST_FAILED;
    }
    size_t size = (size_t)before.st_size;
    uint8_t *data = malloc(size + 1);
    errno = 0;
    bool whole = data && lseek(file, 0, SEEK_SET) == 0 && read_all(file, data, size);
    int error = errno;
    *ret = signature_of(&before);
    if (!whole && error) {
        free(data);
        errno = error;
        return DRIVE_HOST_FAILED;
    }
    struct drive_signature end = { 0 };
    if (whole && !fstat(file, &after)) {
        end = signature_of(&after);
    }
    if (!whole || !drive_signature_equal(ret, &end)) {
        free(data);
        return DRIVE_HOST_CHANGING;
    }
    *ret_data = data;
    return DRIVE_HOST_OK;
}

enum drive_host_result drive_host_read(const char *root, const char *path, uint64_t limit, uint8_t **ret_data,
                                       struct drive_signature *ret_signature) {
    const char *name;
    *ret_data = NULL;
    int folder = open_parent(root, path, &name);
    int file = folder < 0 ? -1 : openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int error = errno;
    if (folder >= 0) {
        close(folder);
    }
    errno = error;
    if (file < 0) {
        return from_errno();
    }
    enum drive_host_result result = DRIVE_HOST_CHANGING;
    for (int i = 0; i < READ_TRIES && result == DRIVE_HOST_CHANGING; i++) {
        result = read_once(file, limit, ret_data, ret_signature);
    }
    error = errno;
    close(file);
    errno = error;
    return result;
}

static bool write_all(int file, const uint8_t *data, size_t size) {
    while (size) {
        ssize_t count = write(file, data, size);
        if (count < 0 && errno != EINTR) {
            return false;
        }
        if (count > 0) {
            data += count;
            size -= (size_t)count;
        }
    }
    return true;
}

/* A new file under a name that drive_ignores() knows. */
static int open_temporary(int folder, char name[64]) {
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, 64, ".ouroboard-%ld-%u", (long)getpid(), i);
        int file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (file >= 0 || errno != EEXIST) {
            return file;
        }
    }
    return -1;
}

/* A file that is replaced keeps its permissions. */
static void keep_mode(int folder, const char *name, int file) {
    struct stat old;
    if (!fstatat(folder, name, &old, AT_SYMLINK_NOFOLLOW) && S_ISREG(old.st_mode)) {
        (void)!fchmod(file, old.st_mode & 07777);
    }
}

static bool fill_and_rename(int folder, int file, const char *temporary, const char *name, const uint8_t *data,
                            size_t size, int64_t seconds, struct drive_signature *ret_signature) {
    struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = seconds } };
    struct stat status;
    keep_mode(folder, name, file);
    bool ok = write_all(file, data, size) && !futimens(file, times) && !fstat(file, &status) &&
              !renameat(folder, temporary, folder, name);
    if (ok) {
        *ret_signature = signature_of(&status);
    }
    return ok;
}

enum drive_host_result drive_host_write(const char *root, const char *path, const uint8_t *data, size_t size,
                                        int64_t seconds, struct drive_signature *ret_signature) {
    const char *name;
    char temporary[64];
    int folder = open_parent(root, path, &name);
    if (folder < 0) {
        return from_errno();
    }
    enum drive_host_result result = DRIVE_HOST_FAILED;
    int file = open_temporary(folder, temporary), error = errno;
    if (file >= 0) {
        bool ok = fill_and_rename(folder, file, temporary, name, data, size, seconds, ret_signature);
        error = errno;
        close(file);
        if (!ok) {
            unlinkat(folder, temporary, 0);
        }
        result = ok ? DRIVE_HOST_OK : DRIVE_HOST_FAILED;
    }
    close(folder);
    errno = error;
    return result;
}

/* What follows opening the parent is one call. */
static enum drive_host_result finish(int folder, int outcome) {
    int error = errno;
    if (folder >= 0) {
        close(folder);
    }
    errno = error;
    return outcome == 0 ? DRIVE_HOST_OK : from_errno();
}

enum drive_host_result drive_host_make_folder(const char *root, const char *path) {
    const char *name;
    int folder = open_parent(root, path, &name);
    return finish(folder, folder < 0 ? -1 : mkdirat(folder, name, 0777));
}

enum drive_host_result drive_host_remove(const char *root, const char *path, bool is_folder) {
    const char *name;
    int folder = open_parent(root, path, &name);
    return finish(folder, folder < 0 ? -1 : unlinkat(folder, name, is_folder ? AT_REMOVEDIR : 0));
}

enum drive_host_result drive_host_stat(const char *root, const char *path, struct drive_item *ret_item) {
    const char *name;
    struct stat status;
    int folder = open_parent(root, path, &name);
    enum drive_host_result result =
        finish(folder, folder < 0 ? -1 : fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW));
    if (!result) {
        *ret_item = (struct drive_item){ NULL, S_ISDIR(status.st_mode), signature_of(&status) };
    }
    return result;
}
