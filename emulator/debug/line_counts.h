/* Numbers for each line of each function that the view of a program has met: what profile and coverage add up. */
#ifndef DEBUG_LINE_COUNTS_H
#define DEBUG_LINE_COUNTS_H

#include "emulator/debug/python.h"

struct line_count {
    uint64_t begun;  /* times */
    uint64_t cycles; /* in it, without the Python functions it calls */
};

struct line_counts {
    struct function_counts *functions; /* by python_code.id */
    unsigned count;
};

void line_counts_finish(struct line_counts *counts);
/* NULL when the line is none of the function's, or out of memory. */
struct line_count *line_counts_at(struct line_counts *counts, const struct python_code *code, unsigned line);
/* The function has been called once more. */
void line_counts_called(struct line_counts *counts, const struct python_code *code);
uint64_t line_counts_calls(const struct line_counts *counts, const struct python_code *code);

#endif
