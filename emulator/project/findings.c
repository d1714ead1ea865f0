/* Lines about a project, counted. */
#include "emulator/project/findings.h"

#include <stdarg.h>
#include <stdio.h>

/* Texts of the user's file must not reach a terminal with control characters in them. */
static void make_printable(char *line) {
    for (; *line; line++) {
        if ((unsigned char)*line < 0x20 || *line == 0x7f) {
            *line = '?';
        }
    }
}

void findings_add(struct findings *findings, enum log_level level, const char *format, ...) {
    findings->errors += level == LOG_ERROR;
    findings->warnings += level == LOG_WARN;
    if (!findings->report) {
        return;
    }
    char text[700], line[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    snprintf(line, sizeof(line), "%.280s: %s", findings->file ? findings->file : "diagram.json", text);
    make_printable(line);
    findings->report(findings->context, level, line);
}
