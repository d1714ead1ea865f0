/* The file of --otp: read as a whole, replaced as a whole. */
#include "emulator/session/otp_file.h"

#include "peripherals/onchip/otp.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_SIZE (4 * OTP_ROWS)

static bool fail(const struct otp_file *file, struct error *error, const char *why) {
    error_set(error, "--otp %s: %s", file->path, why);
    return false;
}

static bool load(const struct otp_file *file, FILE *stream, struct error *error) {
    static uint8_t bytes[FILE_SIZE];
    uint32_t rows[OTP_ROWS];
    bool fits = fread(bytes, 1, FILE_SIZE, stream) == FILE_SIZE && fgetc(stream) == EOF;
    if (ferror(stream)) {
        return fail(file, error, strerror(errno));
    }
    if (!fits) {
        return fail(file, error, "16384 bytes are needed, 4 for each row");
    }
    for (unsigned i = 0; i < OTP_ROWS; i++) {
        const uint8_t *at = &bytes[4 * i];
        rows[i] = at[0] | at[1] << 8 | (uint32_t)at[2] << 16;
    }
    otp_load(file->otp, rows);
    return true;
}

static bool write_rows(const struct otp *otp, const char *path) {
    FILE *stream = fopen(path, "wb");
    if (!stream) {
        return false;
    }
    for (unsigned i = 0; i < OTP_ROWS; i++) {
        uint32_t row = otp->rows[i];
        uint8_t bytes[4] = { (uint8_t)row, (uint8_t)(row >> 8), (uint8_t)(row >> 16), 0 };
        fwrite(bytes, 1, sizeof(bytes), stream);
    }
    bool written = fflush(stream) == 0 && !ferror(stream);
    int why = errno;
    bool closed = fclose(stream) == 0;
    errno = written ? errno : why;
    return written && closed;
}

/* Into a file beside it, which then takes its place. */
static bool save(const struct otp_file *file, struct error *error) {
    char beside[PATH_MAX];
    if (snprintf(beside, sizeof(beside), "%s.new", file->path) >= (int)sizeof(beside)) {
        return fail(file, error, strerror(ENAMETOOLONG));
    }
    bool ok = write_rows(file->otp, beside) && rename(beside, file->path) == 0;
    if (!ok) {
        fail(file, error, strerror(errno));
        unlink(beside);
    }
    return ok;
}

static void programmed(void *context, unsigned row) {
    ((struct otp_file *)context)->changed = true;
}

bool otp_file_open(struct otp_file *file, const char *path, struct otp *otp, struct error *error) {
    *file = (struct otp_file){ .path = path, .otp = otp };
    if (!path) {
        return true;
    }
    if (!otp) {
        return fail(file, error, "the chip of this board has no such memory");
    }
    otp->programmed = programmed;
    otp->context = file;
    FILE *stream = fopen(path, "rb");
    if (!stream) {
        return errno == ENOENT ? save(file, error) : fail(file, error, strerror(errno));
    }
    bool good = load(file, stream, error);
    fclose(stream);
    return good;
}

bool otp_file_close(struct otp_file *file, struct error *error) {
    return !file->path || !file->changed || save(file, error);
}
