/* The fuses of an RP2350 in a file: 4096 words, least significant byte first, as OTP_DATA_RAW shows them. */
#ifndef SESSION_OTP_FILE_H
#define SESSION_OTP_FILE_H

#include "emulator/core/error.h"

#include <stdbool.h>

struct otp;

struct otp_file {
    const char *path; /* borrowed; NULL: none */
    struct otp *otp;
    bool changed;
};

/* Take the fuses from the file; a file that is not there is made from those of the chip. Before power-on. `otp` NULL:
 * the chip has none, which is an error unless `path` is NULL too. False with an error line. */
bool otp_file_open(struct otp_file *file, const char *path, struct otp *otp, struct error *error);
/* Write what has been programmed since. False with an error line; then the file is as it was before. */
bool otp_file_close(struct otp_file *file, struct error *error);

#endif
