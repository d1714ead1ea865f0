/* The log of one machine. Devices and the machine write to it; the front end decides where lines go.
 *
 * Levels: `error`, `warn` and `info` are about the emulator and its inputs; `guest` is a mistake of the guest
 * program (a bad access, a reserved value); `stub` is an access to something that is not modelled. */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_GUEST, LOG_STUB, LOG_INFO, LOG_TRACE, LOG_LEVELS };

struct log;

/* A finished line, without newline. `source` is the block or module that speaks. */
typedef void log_sink(void *context, enum log_level level, uint64_t time_ps, const char *source, const char *line);

struct log {
    log_sink *sink; /* NULL: lines are only counted */
    void *context;
    bool enabled[LOG_LEVELS];
    uint64_t count[LOG_LEVELS]; /* lines per level, enabled or not */
    const uint64_t *time_ps;    /* where the present virtual time stands; may be NULL */
};

/* All levels but `trace` enabled, no sink. */
void log_init(struct log *log);
void log_write(struct log *log, enum log_level level, const char *source, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* "error", "warn", ... */
const char *log_level_name(enum log_level level);
/* The level of a name; false when there is none. */
bool log_level_parse(const char *name, enum log_level *ret_level);

#endif
