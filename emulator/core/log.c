/* Levels, and lines to the sink. */
#include "emulator/core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const level_names[LOG_LEVELS] = {
    [LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_GUEST] = "guest",
    [LOG_STUB] = "stub",   [LOG_INFO] = "info", [LOG_TRACE] = "trace",
};

void log_init(struct log *log) {
    *log = (struct log){ 0 };
    for (int level = 0; level < LOG_TRACE; level++) {
        log->enabled[level] = true;
    }
}

void log_write(struct log *log, enum log_level level, const char *source, const char *format, ...) {
    log->count[level]++;
    if (!log->enabled[level] || !log->sink) {
        return;
    }
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    log->sink(log->context, level, log->time_ps ? *log->time_ps : 0, source, line);
}

const char *log_level_name(enum log_level level) {
    return level_names[level];
}

bool log_level_parse(const char *name, enum log_level *ret_level) {
    for (int level = 0; level < LOG_LEVELS; level++) {
        if (strcmp(name, level_names[level]) == 0) {
            *ret_level = (enum log_level)level;
            return true;
        }
    }
    return false;
}
