/* Numbers for each line of each function. A function's lines lie close to each other: an array from its first to its
 * last line. */
#include "emulator/debug/line_counts.h"

#include <stdlib.h>
#include <string.h>

#define LINES_MOST 100000 /* of a function */
#define GROW 64

struct function_counts {
    unsigned first, size;
    uint64_t calls;
    struct line_count *lines;
};

void line_counts_finish(struct line_counts *counts) {
    for (unsigned i = 0; i < counts->count; i++) {
        free(counts->functions[i].lines);
    }
    free(counts->functions);
    *counts = (struct line_counts){ NULL, 0 };
}

static struct function_counts *function_at(struct line_counts *counts, unsigned id) {
    if (id >= counts->count) {
        unsigned count = id / GROW * GROW + GROW;
        struct function_counts *more = realloc(counts->functions, count * sizeof(*more));
        if (!more) {
            return NULL;
        }
        memset(more + counts->count, 0, (count - counts->count) * sizeof(*more));
        counts->functions = more;
        counts->count = count;
    }
    return &counts->functions[id];
}

static bool make_lines(struct function_counts *function, const struct python_code *code) {
    unsigned first = code->line_count ? code->lines[0] : 1;
    unsigned last = code->line_count ? code->lines[code->line_count - 1] : 1;
    if (last - first >= LINES_MOST) {
        return false;
    }
    function->lines = calloc(last - first + 1, sizeof(*function->lines));
    function->first = first;
    function->size = function->lines ? last - first + 1 : 0;
    return function->lines;
}

struct line_count *line_counts_at(struct line_counts *counts, const struct python_code *code, unsigned line) {
    struct function_counts *function = function_at(counts, code->id);
    if (!function || (!function->lines && !make_lines(function, code)) || line - function->first >= function->size) {
        return NULL;
    }
    return &function->lines[line - function->first];
}

void line_counts_called(struct line_counts *counts, const struct python_code *code) {
    struct function_counts *function = function_at(counts, code->id);
    if (function) {
        function->calls++;
    }
}

uint64_t line_counts_calls(const struct line_counts *counts, const struct python_code *code) {
    return code->id < counts->count ? counts->functions[code->id].calls : 0;
}
