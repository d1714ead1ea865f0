/* Why something failed, in one line that a user can act on. Filled by the function that returns false. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

struct error {
    char message[512];
};

/* Store a printf-style message, cut at the buffer's end. `error` may be NULL: then nothing happens. */
void error_set(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
