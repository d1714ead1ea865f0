/* Host side of the flash chip's contents; what is promised and how is in the header.
 *
 * Order of things in a write: journal record (one write), sectors into FILE, journal emptied. A kill before the record
 * is whole leaves the old state; after that, the next start finishes the work. Should writing into FILE fail, the
 * record stays, and the next one is appended to it. */
#include "firmware-loader/flash_file.h"

#include "firmware-loader/flash_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLD_PS UINT64_C(500000000000)
#define UNKNOWN UINT64_MAX

enum sector_state { SECTOR_CLEAN, SECTOR_CHANGED, SECTOR_ERASED };

struct flash_file {
    char *path; /* resolved */
    char *journal_path;
    int fd;
    int journal_fd;
    pid_t owner;
    bool is_new;
    unsigned recovered;
    uint8_t *contents;
    uint32_t size;
    uint8_t *states;   /* enum sector_state by sector */
    uint32_t *changed; /* sectors that are not clean, in order of change */
    uint32_t changed_count;
    bool waiting;              /* for the program that follows an erase */
    uint64_t waiting_since_ps; /* UNKNOWN until the next flash_file_commit() */
    uint8_t *record;           /* buffer */
    size_t record_size;
    off_t journal_end;
    struct error failure; /* of a write that nobody has been told of yet; "" when there is none */
};

/* ---- Host ---- */

static bool write_at(int fd, const uint8_t *bytes, size_t length, off_t at) {
    while (length) {
        ssize_t done = pwrite(fd, bytes, length, at);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            return false;
        }
        bytes += done;
        length -= (size_t)done;
        at += done;
    }
    return true;
}

/* False with errno 0 when the file is too short. */
static bool read_all(int fd, uint8_t *bytes, size_t length) {
    for (size_t at = 0; at < length;) {
        ssize_t done = pread(fd, bytes + at, length - at, (off_t)at);
        if (done < 0 && errno == EINTR) {
            continue;
        }
        if (done <= 0) {
            errno = done ? errno : 0;
            return false;
        }
        at += (size_t)done;
    }
    return true;
}

static char *with_suffix(const char *path, const char *suffix) {
    size_t length = strlen(path) + strlen(suffix) + 1;
    char *name = malloc(length);
    if (name) {
        snprintf(name, length, "%s%s", path, suffix);
    }
    return name;
}

/* ---- Writing ---- */

static bool fail(struct flash_file *file, const char *path, const char *what) {
    error_set(&file->failure, "%s: %s: %s", path, what, strerror(errno));
    return false;
}

static bool reserve_record(struct flash_file *file, size_t size) {
    if (size <= file->record_size) {
        return true;
    }
    uint8_t *record = realloc(file->record, size);
    if (!record) {
        return false;
    }
    file->record = record;
    file->record_size = size;
    return true;
}

static bool write_journal(struct flash_file *file) {
    size_t size = flash_journal_size(file->changed_count);
    if (!reserve_record(file, size)) {
        return fail(file, file->journal_path, "cannot write");
    }
    flash_journal_encode(file->record, file->contents, file->size, file->changed, file->changed_count);
    if (!write_at(file->journal_fd, file->record, size, file->journal_end)) {
        fail(file, file->journal_path, "cannot write");
        if (ftruncate(file->journal_fd, file->journal_end) != 0) {
            return false; /* what is there of the record is not sound and will be written over */
        }
        return false;
    }
    file->journal_end += (off_t)size;
    return true;
}

static bool write_sectors(struct flash_file *file) {
    for (uint32_t i = 0; i < file->changed_count; i++) {
        size_t at = (size_t)file->changed[i] * FLASH_SECTOR;
        if (!write_at(file->fd, file->contents + at, FLASH_SECTOR, (off_t)at)) {
            return fail(file, file->path, "cannot write");
        }
    }
    return true;
}

static bool empty_journal(struct flash_file *file) {
    if (ftruncate(file->journal_fd, 0) != 0) {
        return fail(file, file->journal_path, "cannot empty");
    }
    file->journal_end = 0;
    return true;
}

/* All that is not clean, as one step. */
static bool write_changes(struct flash_file *file) {
    file->waiting = false;
    if (!file->changed_count || file->owner != getpid()) {
        return true;
    }
    if (!write_journal(file) || !write_sectors(file)) {
        return false;
    }
    for (uint32_t i = 0; i < file->changed_count; i++) {
        file->states[file->changed[i]] = SECTOR_CLEAN;
    }
    file->changed_count = 0;
    file->failure.message[0] = '\0';
    return empty_journal(file);
}

static void mark(struct flash_file *file, uint32_t sector, enum sector_state state) {
    if (file->states[sector] == SECTOR_CLEAN) {
        file->changed[file->changed_count++] = sector;
    }
    file->states[sector] = (uint8_t)state;
}

static void wait_for_program(struct flash_file *file) {
    if (!file->waiting) {
        file->waiting = true;
        file->waiting_since_ps = UNKNOWN;
    }
}

/* Whether a program that ended at `end` goes on: in the middle of a sector that was erased in this batch, or at the
 * beginning of one. */
static bool goes_on(const struct flash_file *file, uint32_t end) {
    return end < file->size && file->states[end / FLASH_SECTOR] == SECTOR_ERASED;
}

void flash_file_changed(struct flash_file *file, uint32_t offset, uint32_t size, bool erased) {
    if (!size || offset >= file->size || size > file->size - offset) {
        return;
    }
    uint32_t first = offset / FLASH_SECTOR, last = (offset + size - 1) / FLASH_SECTOR;
    if (erased && !file->waiting) {
        write_changes(file); /* what an earlier failure has left */
    }
    bool wait = erased || goes_on(file, offset + size);
    for (uint32_t sector = first; sector <= last; sector++) {
        bool whole = sector < last || (offset + size) % FLASH_SECTOR == 0;
        mark(file, sector, erased || (wait && !whole) ? SECTOR_ERASED : SECTOR_CHANGED);
    }
    if (wait) {
        wait_for_program(file);
    } else {
        write_changes(file);
    }
}

void flash_file_compare(struct flash_file *file) {
    uint8_t sector[FLASH_SECTOR];
    for (uint32_t at = 0; at < file->size; at += FLASH_SECTOR) {
        if (pread(file->fd, sector, FLASH_SECTOR, (off_t)at) != (ssize_t)FLASH_SECTOR ||
            memcmp(sector, file->contents + at, FLASH_SECTOR) != 0) {
            mark(file, at / FLASH_SECTOR, SECTOR_CHANGED);
        }
    }
    write_changes(file);
}

bool flash_file_commit(struct flash_file *file, uint64_t now_ps, struct error *error) {
    if (!file) {
        return true;
    }
    if (file->waiting && file->waiting_since_ps == UNKNOWN) {
        file->waiting_since_ps = now_ps;
    }
    bool due = !file->waiting || now_ps - file->waiting_since_ps >= HOLD_PS;
    bool ok = !file->changed_count || !due || write_changes(file);
    if (file->failure.message[0]) {
        ok = false;
        error_set(error, "%s", file->failure.message);
        file->failure.message[0] = '\0';
    }
    return ok;
}

/* ---- Opening ---- */

static bool open_failed(struct error *error, const char *path, const char *what) {
    error_set(error, "%s: %s", path, what);
    return false;
}

static bool lock(int fd, const char *path, struct error *error) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        return true;
    }
    int why = errno;
    open_failed(error, path, why == EWOULDBLOCK ? "in use by another process" : strerror(why));
    errno = why;
    return false;
}

/* Written under another name and locked before it gets its own: nobody ever sees a part of it. */
static bool create(struct flash_file *file, const char *path, struct error *error) {
    char *name = with_suffix(path, ".new");
    if (!name) {
        return open_failed(error, path, strerror(errno));
    }
    bool ok = false;
    file->fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file->fd < 0) {
        open_failed(error, path, strerror(errno));
    } else if (!lock(file->fd, path, error)) {
        if (errno != EWOULDBLOCK) {
            unlink(name);
        }
    } else {
        ok = access(path, F_OK) == 0; /* another process was faster */
        if (!ok && ftruncate(file->fd, 0) == 0 && write_at(file->fd, file->contents, file->size, 0) &&
            rename(name, path) == 0) {
            file->is_new = true;
            ok = true;
        } else if (!ok) {
            open_failed(error, path, strerror(errno));
            unlink(name);
        } else {
            unlink(name);
        }
    }
    free(name);
    return ok;
}

static bool check_size(struct flash_file *file, const char *path, struct error *error) {
    struct stat status;
    if (fstat(file->fd, &status) != 0) {
        return open_failed(error, path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return open_failed(error, path, "not a regular file");
    }
    if (status.st_size != (off_t)file->size) {
        error_set(error, "%s: %lld bytes, but this board's flash has %lu", path, (long long)status.st_size,
                  (unsigned long)file->size);
        return false;
    }
    return true;
}

static bool open_existing(struct flash_file *file, const char *path, struct error *error) {
    if (!check_size(file, path, error) || !lock(file->fd, path, error)) {
        return false;
    }
    if (!read_all(file->fd, file->contents, file->size)) {
        return open_failed(error, path, errno ? strerror(errno) : "has become shorter");
    }
    return true;
}

static bool open_file(struct flash_file *file, const char *path, struct error *error) {
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        file->fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
        if (file->fd >= 0) {
            return open_existing(file, path, error);
        }
        if (errno != ENOENT) {
            return open_failed(error, path, strerror(errno));
        }
        if (!create(file, path, error)) {
            return false;
        }
        if (file->is_new) {
            return true;
        }
        close(file->fd);
        file->fd = -1;
    }
    return open_failed(error, path, "comes and goes");
}

/* ---- Recovery ---- */

/* Apply the sound records in `bytes`, one after another. */
static bool recover(struct flash_file *file, const uint8_t *bytes, size_t length) {
    uint8_t *changed = calloc(file->size / FLASH_SECTOR, 1);
    if (!changed) {
        return fail(file, file->journal_path, "cannot recover");
    }
    size_t step;
    for (size_t at = 0; (step = flash_journal_apply(bytes + at, length - at, file->contents, file->size, changed));) {
        at += step;
    }
    for (uint32_t sector = 0; sector < file->size / FLASH_SECTOR; sector++) {
        if (changed[sector]) {
            mark(file, sector, SECTOR_CHANGED);
        }
    }
    free(changed);
    file->recovered = file->changed_count;
    /* The records stay until their sectors are in the file. */
    if (!write_sectors(file)) {
        return false;
    }
    memset(file->states, SECTOR_CLEAN, file->size / FLASH_SECTOR);
    file->changed_count = 0;
    return true;
}

static bool read_journal(struct flash_file *file) {
    struct stat status;
    if (fstat(file->journal_fd, &status) != 0) {
        return fail(file, file->journal_path, "cannot read");
    }
    size_t length = (size_t)status.st_size;
    /* A new file has nothing to do with a journal that lies there. */
    if (!length || file->is_new) {
        return empty_journal(file);
    }
    uint8_t *bytes = malloc(length);
    bool ok = bytes && read_all(file->journal_fd, bytes, length);
    ok = ok ? recover(file, bytes, length) : fail(file, file->journal_path, "cannot read");
    free(bytes);
    return ok && empty_journal(file);
}

static bool open_journal(struct flash_file *file, const char *path, struct error *error) {
    file->path = realpath(path, NULL);
    file->journal_path = file->path ? with_suffix(file->path, ".journal") : NULL;
    if (!file->journal_path) {
        return open_failed(error, path, strerror(errno));
    }
    file->journal_fd = open(file->journal_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (file->journal_fd < 0) {
        return open_failed(error, file->journal_path, strerror(errno));
    }
    if (!read_journal(file)) {
        error_set(error, "%s", file->failure.message);
        return false;
    }
    return true;
}

static void release(struct flash_file *file) {
    if (file->fd >= 0) {
        close(file->fd);
    }
    if (file->journal_fd >= 0) {
        close(file->journal_fd);
    }
    free(file->path);
    free(file->journal_path);
    free(file->states);
    free(file->changed);
    free(file->record);
    free(file);
}

struct flash_file *flash_file_open(const char *path, uint8_t *contents, uint32_t size, struct error *error) {
    struct flash_file *file = calloc(1, sizeof(*file));
    if (!file) {
        error_set(error, "%s: out of memory", path);
        return NULL;
    }
    file->fd = -1;
    file->journal_fd = -1;
    file->owner = getpid();
    file->contents = contents;
    file->size = size;
    file->states = calloc(size / FLASH_SECTOR, 1);
    file->changed = calloc(size / FLASH_SECTOR, sizeof(uint32_t));
    if (!file->states || !file->changed) {
        error_set(error, "%s: out of memory", path);
        release(file);
        return NULL;
    }
    if (!open_file(file, path, error) || !open_journal(file, path, error)) {
        release(file);
        return NULL;
    }
    return file;
}

bool flash_file_is_new(const struct flash_file *file) {
    return file->is_new;
}

unsigned flash_file_recovered(const struct flash_file *file) {
    return file->recovered;
}

bool flash_file_close(struct flash_file *file, struct error *error) {
    if (!file) {
        return true;
    }
    file->waiting = false;
    bool ok = flash_file_commit(file, 0, error);
    if (ok && file->owner == getpid() && !file->journal_end) {
        unlink(file->journal_path);
    }
    release(file);
    return ok;
}
