/* Head, sum and packing of snapshot files, as snapshot_file.h describes them. */
#include "emulator/session/snapshot_file.h"

#include "peripherals/onchip/sha256.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define FORMAT 2
#define LEVEL 3           /* of compression: fast */
#define MOST (256u << 20) /* bytes of a snapshot */
#define SHA256_BYTES 32
#define HEAD_BYTES (8 + 2 * 4 + 3 * 8 + SHA256_BYTES + SNAPSHOT_BOARD)

static const uint8_t magic[8] = { 'O', 'U', 'R', 'O', 0x1a, 'S', 'N', 'P' };

enum packing { PACKING_NONE, PACKING_ZSTD, PACKINGS };

struct head {
    uint32_t format, packing;
    uint64_t size, stored, time_ps;
    uint8_t sum[SHA256_BYTES];
    char board[SNAPSHOT_BOARD];
};

/* ---- The sum ---- */
static void digest(uint32_t sum[SHA256_SUM_WORDS], const uint8_t *block) {
    uint32_t message[SHA256_BLOCK_WORDS];
    for (unsigned i = 0; i < SHA256_BLOCK_WORDS; i++) {
        const uint8_t *at = block + 4 * i;
        message[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    sha256_digest(sum, message);
}

static void sum_up(const uint8_t *bytes, size_t size, uint8_t ret_sum[SHA256_BYTES]) {
    uint32_t sum[SHA256_SUM_WORDS];
    uint8_t last[128] = { 0 };
    size_t whole = size / 64 * 64, rest = size - whole, end = rest < 56 ? 64 : 128;
    memcpy(sum, sha256_initial, sizeof(sum));
    for (size_t at = 0; at < whole; at += 64) {
        digest(sum, bytes + at);
    }
    memcpy(last, bytes + whole, rest);
    last[rest] = 0x80;
    for (unsigned i = 0; i < 8; i++) {
        last[end - 1 - i] = (uint8_t)((uint64_t)size * 8 >> 8 * i);
    }
    for (size_t at = 0; at < end; at += 64) {
        digest(sum, last + at);
    }
    for (unsigned i = 0; i < SHA256_BYTES; i++) {
        ret_sum[i] = (uint8_t)(sum[i / 4] >> (24 - 8 * (i % 4)));
    }
}

/* ---- The head ---- */
static uint8_t *put(uint8_t *at, uint64_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i++) {
        *at++ = (uint8_t)(value >> 8 * i);
    }
    return at;
}

static uint64_t get(const uint8_t **at, unsigned bytes) {
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        value |= (uint64_t) * (*at)++ << 8 * i;
    }
    return value;
}

static void put_head(uint8_t *at, const struct head *head) {
    memcpy(at, magic, sizeof(magic));
    at = put(at + sizeof(magic), head->format, 4);
    at = put(at, head->packing, 4);
    at = put(at, head->size, 8);
    at = put(at, head->stored, 8);
    at = put(at, head->time_ps, 8);
    memcpy(at, head->sum, SHA256_BYTES);
    memcpy(at + SHA256_BYTES, head->board, SNAPSHOT_BOARD);
}

/* The sum of the head, but for `sum`, and of what is behind it. */
static void sum_up_all(const struct head *head, const uint8_t *stored, uint8_t ret_sum[SHA256_BYTES]) {
    struct head inner = *head;
    uint8_t head_bytes[HEAD_BYTES];
    sum_up(stored, head->stored, inner.sum);
    put_head(head_bytes, &inner);
    sum_up(head_bytes, sizeof(head_bytes), ret_sum);
}

static void get_head(const uint8_t *at, struct head *ret_head) {
    at += sizeof(magic);
    ret_head->format = (uint32_t)get(&at, 4);
    ret_head->packing = (uint32_t)get(&at, 4);
    ret_head->size = get(&at, 8);
    ret_head->stored = get(&at, 8);
    ret_head->time_ps = get(&at, 8);
    memcpy(ret_head->sum, at, SHA256_BYTES);
    memcpy(ret_head->board, at + SHA256_BYTES, SNAPSHOT_BOARD);
}

/* ---- Packing ---- */
/* NULL: out of memory. The caller frees it. */
static uint8_t *pack(const uint8_t *bytes, size_t size, size_t *ret_stored, uint32_t *ret_packing) {
#ifdef HAVE_ZSTD
    size_t room = ZSTD_compressBound(size);
    uint8_t *packed = malloc(room);
    *ret_stored = packed ? ZSTD_compress(packed, room, bytes, size, LEVEL) : 0;
    *ret_packing = PACKING_ZSTD;
    if (packed && !ZSTD_isError(*ret_stored)) {
        return packed;
    }
    free(packed);
    return NULL;
#else
    uint8_t *copy = malloc(size ? size : 1);
    *ret_stored = size;
    *ret_packing = PACKING_NONE;
    return copy ? memcpy(copy, bytes, size) : NULL;
#endif
}

/* Fills `bytes` exactly; false when that is not what it holds. */
static bool unpack(const struct head *head, const uint8_t *stored, uint8_t *bytes) {
    if (head->packing == PACKING_NONE) {
        memcpy(bytes, stored, head->size);
        return true;
    }
#ifdef HAVE_ZSTD
    return ZSTD_decompress(bytes, head->size, stored, head->stored) == head->size;
#else
    return false;
#endif
}

/* ---- Saving ---- */
static bool write_file(const char *path, const uint8_t *head, const uint8_t *stored, size_t size) {
    FILE *file = fopen(path, "wb");
    if (!file) {
        return false;
    }
    bool ok = fwrite(head, 1, HEAD_BYTES, file) == HEAD_BYTES && fwrite(stored, 1, size, file) == size;
    ok = fflush(file) == 0 && ok;
    int why = errno;
    bool closed = fclose(file) == 0;
    errno = ok ? errno : why;
    return ok && closed;
}

static bool replace_file(const char *path, const uint8_t *head, const uint8_t *stored, size_t size,
                         struct error *error) {
    char *temporary = malloc(strlen(path) + sizeof(".tmp"));
    if (!temporary) {
        error_set(error, "%s: out of memory", path);
        return false;
    }
    sprintf(temporary, "%s.tmp", path);
    bool ok = write_file(temporary, head, stored, size) && rename(temporary, path) == 0;
    if (!ok) {
        error_set(error, "%s: %s; name a file that can be written", path, strerror(errno));
        unlink(temporary);
    }
    free(temporary);
    return ok;
}

static bool save_bytes(const char *path, struct head *head, const uint8_t *bytes, size_t size, struct error *error) {
    uint8_t head_bytes[HEAD_BYTES];
    size_t stored;
    uint8_t *packed = pack(bytes, size, &stored, &head->packing);
    if (!packed) {
        error_set(error, "%s: out of memory", path);
        return false;
    }
    head->size = size;
    head->stored = stored;
    sum_up_all(head, packed, head->sum);
    put_head(head_bytes, head);
    bool ok = replace_file(path, head_bytes, packed, stored, error);
    free(packed);
    return ok;
}

bool snapshot_file_save(const char *path, const char *board, struct machine *machine, struct error *error) {
    struct head head = { .format = FORMAT, .time_ps = machine_now(machine) };
    struct error why;
    uint8_t *bytes;
    size_t size;
    snprintf(head.board, sizeof(head.board), "%s", board);
    if (!machine_save(machine, &bytes, &size, &why)) {
        error_set(error, "%s: %s; save a moment earlier or later", path, why.message);
        return false;
    }
    bool ok = save_bytes(path, &head, bytes, size, error);
    free(bytes);
    return ok;
}

/* ---- Loading ---- */
/* It ends, and may be printed. */
static bool is_board_id(const char text[SNAPSHOT_BOARD]) {
    size_t length = strnlen(text, SNAPSHOT_BOARD);
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~') {
            return false;
        }
    }
    return length < SNAPSHOT_BOARD;
}

static bool check_head(const char *path, const struct head *head, struct error *error) {
    if (head->format != FORMAT || head->packing >= PACKINGS) {
        error_set(error,
                  "%s: is a snapshot of format %u, this release knows format %u: load it with the one that saved it",
                  path, head->format, FORMAT);
        return false;
    }
    if (head->size > MOST || head->stored > MOST || (head->packing == PACKING_NONE && head->stored != head->size) ||
        !is_board_id(head->board)) {
        error_set(error, "%s: is damaged: save it anew", path);
        return false;
    }
#ifndef HAVE_ZSTD
    if (head->packing == PACKING_ZSTD) {
        error_set(error, "%s: is compressed, and this program was built without libzstd: install it and build anew",
                  path);
        return false;
    }
#endif
    return true;
}

static bool read_head(const char *path, FILE *file, struct head *ret_head, struct error *error) {
    uint8_t bytes[HEAD_BYTES];
    size_t size = fread(bytes, 1, sizeof(bytes), file);
    if (size < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0) {
        error_set(error, "%s: is no snapshot: name a file that --save-state has written", path);
        return false;
    }
    if (size < sizeof(bytes)) {
        error_set(error, "%s: is cut short: save it anew", path);
        return false;
    }
    get_head(bytes, ret_head);
    return check_head(path, ret_head, error);
}

static FILE *open_file(const char *path, struct error *error) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        error_set(error, "%s: %s; name a file that --save-state has written", path, strerror(errno));
    }
    return file;
}

/* The snapshot behind the head. NULL with an error line. The caller frees it. */
static uint8_t *read_snapshot(const char *path, FILE *file, const struct head *head, struct error *error) {
    uint8_t sum[SHA256_BYTES];
    uint8_t *stored = malloc(head->stored + 1), *bytes = malloc(head->size + 1);
    bool ok = false;
    if (!stored || !bytes) {
        error_set(error, "%s: out of memory", path);
    } else if (fread(stored, 1, head->stored + 1, file) != head->stored) {
        error_set(error, "%s: is cut short, or goes on behind its end: save it anew", path);
    } else {
        sum_up_all(head, stored, sum);
        ok = !memcmp(sum, head->sum, sizeof(sum)) && unpack(head, stored, bytes);
        if (!ok) {
            error_set(error, "%s: is damaged: save it anew", path);
        }
    }
    free(stored);
    if (!ok) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

bool snapshot_file_look(const char *path, struct snapshot_head *ret_head, struct error *error) {
    struct head head;
    FILE *file = open_file(path, error);
    bool ok = file && read_head(path, file, &head, error);
    if (ok) {
        memcpy(ret_head->board, head.board, sizeof(ret_head->board));
        ret_head->time_ps = head.time_ps;
    }
    if (file) {
        fclose(file);
    }
    return ok;
}

static bool load_bytes(const char *path, const uint8_t *bytes, size_t size, struct machine *machine,
                       struct error *error) {
    struct error why;
    bool ok = machine_load_state(machine, bytes, size, &why);
    if (!ok) {
        error_set(error, "%s: %s; load it with the board, project and release that saved it", path, why.message);
    }
    return ok;
}

bool snapshot_file_load(const char *path, const char *board, struct machine *machine, struct error *error) {
    struct head head;
    FILE *file = open_file(path, error);
    uint8_t *bytes = NULL;
    if (file && read_head(path, file, &head, error)) {
        if (strcmp(head.board, board) != 0) {
            error_set(error, "%s: is of the board %s, not of the %s: run it with --board %s", path, head.board, board,
                      head.board);
        } else {
            bytes = read_snapshot(path, file, &head, error);
        }
    }
    if (file) {
        fclose(file);
    }
    bool ok = bytes && load_bytes(path, bytes, head.size, machine, error);
    free(bytes);
    return ok;
}
