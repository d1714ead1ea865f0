/* What is the matter with a project: a line each, counted. Every line names the file and the place in it. */
#ifndef PROJECT_FINDINGS_H
#define PROJECT_FINDINGS_H

#include "emulator/core/log.h"

struct findings {
    const char *file; /* the name that lines begin with */
    /* A finished line, level LOG_ERROR, LOG_WARN or LOG_INFO. NULL: lines are only counted. */
    void (*report)(void *context, enum log_level level, const char *line);
    void *context;
    unsigned errors, warnings;
};

void findings_add(struct findings *findings, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
